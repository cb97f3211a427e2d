//! Sprig's functions for the case of texts and for their words.
//!
//! Goes in: texts. Comes out: texts. `initials` and `nospace` process bytes and write each as a Latin-1 character, which garbles
//! anything but ASCII, as in Helm. Follows Masterminds/goutils 1.1.1, huandu/xstrings 1.5 and Go's strings.Title.

use super::Parameter::Str as Text;
use super::{Call, Function, Outcome, row, unicode};
use crate::template::value::Value;

/// The rows of this topic.
pub const FUNCTIONS: &[Function] = &[
    row("title", &[Text], title, "a text with the first letter of each word in title case"),
    row("untitle", &[Text], untitle, "a text with the first letter of each word in lower case"),
    row("swapcase", &[Text], swap_case, "a text with upper and lower case swapped"),
    row("camelcase", &[Text], camel_case, "`some_words` as `SomeWords`"),
    row("snakecase", &[Text], snake_case, "`SomeWords` as `some_words`"),
    row("kebabcase", &[Text], kebab_case, "`SomeWords` as `some-words`"),
    row("initials", &[Text], initials, "the first letters of the words"),
    row("nospace", &[Text], no_space, "a text without white space"),
];

fn title(call: &mut Call) -> Outcome {
    let mut after_separator = true;
    let titled = unicode::map(call.bytes(0), |rune| {
        let mapped = if after_separator { unicode::to_title(rune) } else { rune };
        after_separator = separates_words(rune);
        mapped
    });
    Ok(Value::str(titled))
}

/// Whether `strings.Title` treats the rune as the end of a word.
fn separates_words(rune: char) -> bool {
    if rune.is_ascii() {
        return !rune.is_ascii_alphanumeric() && rune != '_';
    }
    !unicode::is_letter(rune) && !unicode::is_digit(rune) && unicode::is_space(rune)
}

fn untitle(call: &mut Call) -> Outcome {
    let mut first = true;
    let changed = unicode::map(call.bytes(0), |rune| {
        if unicode::is_space(rune) {
            first = true;
            rune
        } else if std::mem::take(&mut first) {
            unicode::to_lower(rune)
        } else {
            rune
        }
    });
    Ok(Value::str(changed))
}

fn swap_case(call: &mut Call) -> Outcome {
    let mut after_space = true;
    let swapped = unicode::map(call.bytes(0), |rune| {
        if unicode::is_upper(rune) || unicode::is_title(rune) {
            after_space = false;
            unicode::to_lower(rune)
        } else if unicode::is_lower(rune) {
            if std::mem::take(&mut after_space) { unicode::to_title(rune) } else { unicode::to_upper(rune) }
        } else {
            after_space = unicode::is_space(rune);
            rune
        }
    });
    Ok(Value::str(swapped))
}

fn initials(call: &mut Call) -> Outcome {
    let mut out = Vec::new();
    let mut after_gap = true;
    for &byte in call.bytes(0) {
        if is_space_byte(byte) {
            after_gap = true;
        } else if std::mem::take(&mut after_gap) {
            unicode::push(&mut out, char::from(byte));
        }
    }
    Ok(Value::str(out))
}

fn no_space(call: &mut Call) -> Outcome {
    let bytes = call.bytes(0);
    if !bytes.iter().any(|&byte| is_space_byte(byte)) {
        return Ok(Value::Str(call.str(0)));
    }
    let mut out = Vec::with_capacity(bytes.len());
    for &byte in bytes.iter().filter(|&&byte| !is_space_byte(byte)) {
        unicode::push(&mut out, char::from(byte));
    }
    Ok(Value::str(out))
}

/// Whether a byte, read as a Latin-1 character, is a space.
fn is_space_byte(byte: u8) -> bool {
    unicode::is_space(char::from(byte))
}

fn is_connector(rune: char) -> bool {
    rune == '-' || rune == '_' || unicode::is_space(rune)
}

/// `xstrings.ToPascalCase`
fn camel_case(call: &mut Call) -> Outcome {
    let mut out = Vec::with_capacity(call.bytes(0).len());
    let mut runes = unicode::runes(call.bytes(0)).map(|rune| rune.rune).peekable();
    let mut current = None;
    let mut upper_word = false;
    // Leading connectors stay; the first other rune becomes upper case.
    while let Some(rune) = runes.next() {
        if !is_connector(rune) {
            upper_word = unicode::is_upper(rune);
            current = Some(unicode::to_upper(rune));
            break;
        }
        if runes.peek().is_none() {
            current = Some(rune);
        }
        unicode::push(&mut out, rune);
    }
    let Some(mut current) = current else { return Ok(Value::str(out)) };
    for rune in runes {
        let previous = std::mem::replace(&mut current, rune);
        if is_connector(rune) && is_connector(previous) {
            unicode::push(&mut out, previous);
            continue;
        }
        if is_connector(previous) {
            upper_word = unicode::is_upper(rune);
            current = unicode::to_upper(rune);
        } else {
            if upper_word {
                if unicode::is_upper(rune) {
                    current = unicode::to_lower(rune);
                } else {
                    upper_word = false;
                }
            }
            unicode::push(&mut out, previous);
        }
    }
    unicode::push(&mut out, current);
    Ok(Value::str(out))
}

fn snake_case(call: &mut Call) -> Outcome {
    Ok(Value::str(lower_words(call.bytes(0), b'_')))
}

fn kebab_case(call: &mut Call) -> Outcome {
    Ok(Value::str(lower_words(call.bytes(0), b'-')))
}

/// The kind of a run of runes for `snakecase` and `kebabcase`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Word {
    Invalid,
    Number,
    Upper,
    Letters,
    Connector,
    Punctuation,
    Other,
}

/// `xstrings.camelCaseToLowerCase`, which has its own rules for numbers (`json2yaml` is `json_2yaml`, `Bld4Floor3rd` is
/// `bld4_floor_3rd`): the order of the steps is the original's.
fn lower_words(text: &[u8], connector: u8) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len() + 8);
    if text.is_empty() {
        return out;
    }
    let (mut kind, mut word, mut rest) = next_word(text);
    while !rest.is_empty() {
        if kind != Word::Connector {
            write_lower(&mut out, kind, word, connector);
        }
        let (previous, last) = (kind, word);
        (kind, word, rest) = next_word(rest);
        match previous {
            Word::Number => {
                while matches!(kind, Word::Letters | Word::Number) {
                    write_lower(&mut out, kind, word, connector);
                    (kind, word, rest) = next_word(rest);
                }
                if !matches!(kind, Word::Invalid | Word::Punctuation | Word::Connector) {
                    out.push(connector);
                }
            }
            Word::Connector => write_lower(&mut out, previous, last, connector),
            Word::Punctuation => {}
            _ if kind != Word::Number => {
                if !matches!(kind, Word::Connector | Word::Punctuation) {
                    out.push(connector);
                }
            }
            _ if rest.is_empty() => {}
            _ => {
                let number = word;
                (kind, word, rest) = next_word(rest);
                if kind != Word::Letters {
                    // `Bld4Floor`: the number ends the word before it.
                    write_lower(&mut out, Word::Number, number, connector);
                    if !matches!(kind, Word::Connector | Word::Punctuation) {
                        out.push(connector);
                    }
                } else {
                    // `HTTP2xx`: the number begins a word.
                    out.push(connector);
                    write_lower(&mut out, Word::Number, number, connector);
                    while matches!(kind, Word::Letters | Word::Number) {
                        write_lower(&mut out, kind, word, connector);
                        (kind, word, rest) = next_word(rest);
                    }
                    if !matches!(kind, Word::Invalid | Word::Connector | Word::Punctuation) {
                        out.push(connector);
                    }
                }
            }
        }
    }
    write_lower(&mut out, kind, word, connector);
    out
}

fn write_lower(out: &mut Vec<u8>, kind: Word, word: &[u8], connector: u8) {
    if kind != Word::Upper && kind != Word::Connector {
        out.extend_from_slice(word);
        return;
    }
    for item in unicode::runes(word) {
        if is_connector(item.rune) {
            out.push(connector);
        } else if unicode::is_upper(item.rune) {
            unicode::push(out, unicode::to_lower(item.rune));
        } else {
            unicode::push(out, item.rune);
        }
    }
}

/// xstrings' letters, which exclude Chinese characters.
fn is_alphabet(rune: char) -> bool {
    unicode::is_letter(rune) && !matches!(rune, '\u{4e00}'..='\u{9fcc}' | '\u{3400}'..='\u{4d85}' | '\u{20000}'..='\u{2b81d}')
}

/// The next rune that is not U+FFFD and the width up to its end; `previous` and the remaining width if there is none.
fn next_valid(text: &[u8], previous: char) -> (char, usize) {
    let mut width = 0;
    for item in unicode::runes(text) {
        width += item.width;
        if item.rune != unicode::REPLACEMENT {
            return (item.rune, width);
        }
    }
    (previous, width)
}

/// Extends a word from `offset` while `accept` holds.
fn extend(text: &[u8], mut offset: usize, first: char, accept: impl Fn(char) -> bool) -> usize {
    let mut rune = first;
    while let Some(rest) = text.get(offset..).filter(|rest| !rest.is_empty()) {
        let width;
        (rune, width) = next_valid(rest, rune);
        if !accept(rune) {
            break;
        }
        offset += width;
    }
    offset
}

fn next_word(text: &[u8]) -> (Word, &[u8], &[u8]) {
    if text.is_empty() {
        return (Word::Invalid, b"", b"");
    }
    let (first, width) = next_valid(text, unicode::REPLACEMENT);
    let (kind, end) = if first == unicode::REPLACEMENT {
        (Word::Invalid, width)
    } else if is_connector(first) {
        (Word::Connector, extend(text, width, first, is_connector))
    } else if unicode::is_punctuation(first) {
        (Word::Punctuation, extend(text, width, first, unicode::is_punctuation))
    } else if unicode::is_upper(first) {
        (Word::Upper, upper_word_end(text, width, first))
    } else if is_alphabet(first) {
        (Word::Letters, extend(text, width, first, |rune| is_alphabet(rune) && !unicode::is_upper(rune)))
    } else if unicode::is_number(first) {
        (Word::Number, extend(text, width, first, unicode::is_number))
    } else {
        let other = |rune| !(is_connector(rune) || is_alphabet(rune) || unicode::is_number(rune) || unicode::is_punctuation(rune));
        (Word::Other, extend(text, width, first, other))
    };
    let (word, rest) = text.split_at_checked(end).unwrap_or((text, b""));
    (kind, word, rest)
}

/// The end of a word that begins with an upper case letter: `HTTPStatus` is `HTTP` and `Status`.
fn upper_word_end(text: &[u8], width: usize, first: char) -> usize {
    let Some(rest) = text.get(width..).filter(|rest| !rest.is_empty()) else { return width };
    let (mut rune, mut size) = next_valid(rest, first);
    if !unicode::is_upper(rune) {
        if !is_alphabet(rune) {
            return width;
        }
        return extend(text, width + size, rune, |rune| is_alphabet(rune) && !unicode::is_upper(rune));
    }
    let mut offset = width + size;
    let mut last = size;
    while let Some(rest) = text.get(offset..).filter(|rest| !rest.is_empty()) {
        (rune, size) = next_valid(rest, rune);
        if !unicode::is_upper(rune) {
            break;
        }
        last = size;
        offset += size;
    }
    if offset < text.len() && is_alphabet(rune) { offset - last } else { offset }
}
