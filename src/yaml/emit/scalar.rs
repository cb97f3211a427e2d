//! Writes strings: plain, in quotes, or as a literal block.
//!
//! Goes in: a string and its position. Comes out: its text, folded where go-yaml v2 folds. The rules are those of its
//! `yaml_emitter_analyze_scalar` and of the encoder's `stringv`.

use super::{Style, WIDTH, Writer};
use crate::yaml::characters::{escape, is_break, is_printable};
use crate::yaml::resolve::{Resolved, resolve};

/// The style of a written scalar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ScalarStyle {
    Plain,
    Single,
    Double,
    Literal,
}

/// The styles that the characters of a string allow.
#[derive(Debug)]
pub(super) struct Analysis {
    pub multiline: bool,
    plain: bool,
    single: bool,
    block: bool,
}

/// The kind of the preceding character.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Before {
    Start,
    Space,
    Break,
    /// A tab or NUL.
    Blank,
    Other,
}

/// Characters without a special meaning except at the start.
const ORDINARY: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = b'!';
    while byte <= b'~' {
        table[byte as usize] = !matches!(byte, b':' | b'#');
        byte += 1;
    }
    table
};

impl Analysis {
    pub(super) fn of(text: &str, style: Style) -> Analysis {
        if text.is_empty() {
            return Analysis { multiline: false, plain: true, single: true, block: false };
        }
        let bytes = text.as_bytes();
        let blank_at = |at: usize| bytes.get(at).is_none_or(|byte| matches!(byte, b' ' | b'\t'));
        let mut indicators = text.starts_with("---")
            || text.starts_with("...")
            || match bytes.first() {
                Some(b'?' | b'-') => blank_at(1),
                Some(first) => b",[]{}&*!|>'\"%@`".contains(first),
                None => false,
            };
        let (mut breaks, mut special, mut tabs) = (false, false, false);
        let (mut break_space, mut space_break) = (false, false);
        let mut before = Before::Start;
        let mut at = 0;
        while let Some(&byte) = bytes.get(at) {
            at += 1;
            if ORDINARY[usize::from(byte)] {
                before = Before::Other;
                continue;
            }
            let character = match byte {
                0x80.. => {
                    let character = text[at - 1..].chars().next().unwrap_or_default();
                    at += character.len_utf8() - 1;
                    character
                }
                ascii => char::from(ascii),
            };
            match character {
                ':' => indicators |= blank_at(at),
                '#' => indicators |= before != Before::Other,
                '\t' if style == Style::Pretty => tabs = true,
                _ => special |= !is_printable(character),
            }
            before = match character {
                ' ' => {
                    break_space |= before == Before::Break;
                    Before::Space
                }
                _ if is_break(character) => {
                    breaks = true;
                    space_break |= before == Before::Space;
                    Before::Break
                }
                '\t' | '\0' => Before::Blank,
                _ => Before::Other,
            };
        }
        let edges = text.starts_with(|character| character == ' ' || is_break(character))
            || text.ends_with(|character| character == ' ' || is_break(character));
        Analysis {
            multiline: breaks,
            plain: !(indicators || breaks || special || tabs || break_space || space_break || edges),
            single: !(special || tabs || break_space || space_break),
            block: !(special || space_break || text.ends_with(' ')),
        }
    }

    /// The style that go-yaml chooses.
    pub(super) fn choose(&self, text: &str, tag: &str, simple_key: bool) -> ScalarStyle {
        if text.contains('\n') {
            return if simple_key || !self.block { ScalarStyle::Double } else { ScalarStyle::Literal };
        }
        if tag.is_empty() && !is_string(text) || (simple_key && self.multiline) {
            return ScalarStyle::Double;
        }
        if self.plain && !text.is_empty() {
            ScalarStyle::Plain
        } else if self.single {
            ScalarStyle::Single
        } else {
            ScalarStyle::Double
        }
    }
}

/// Whether the text stays a string when it is read without quotes, even by parsers that support numbers of base 60.
fn is_string(text: &str) -> bool {
    resolve(text) == Resolved::Str && !is_base_60(text)
}

/// `^[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?$`
fn is_base_60(text: &str) -> bool {
    if !text.contains(':') {
        return false;
    }
    let is_digit_or_mark = |byte: u8| byte.is_ascii_digit() || byte == b'_';
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    let (number, fraction) = unsigned.split_once('.').unwrap_or((unsigned, ""));
    let mut parts = number.split(':');
    let first = parts.next().unwrap_or_default();
    first.starts_with(|character: char| character.is_ascii_digit())
        && first.bytes().all(is_digit_or_mark)
        && fraction.bytes().all(is_digit_or_mark)
        && parts.all(|part| match part.as_bytes() {
            [ones] => ones.is_ascii_digit(),
            [b'0'..=b'5', ones] => ones.is_ascii_digit(),
            _ => false,
        })
}

/// The bridge's effect on next line characters, which its JSON contains unescaped: each is a line break in a double quoted scalar.
pub(super) fn fold_next_lines(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    let mut lines = text.split('\u{85}').peekable();
    let mut empty = 0;
    let mut first = true;
    while let Some(line) = lines.next() {
        let line = if first { line } else { line.trim_start_matches(' ') };
        let last = lines.peek().is_none();
        let line = if last { line } else { line.trim_end_matches(' ') };
        if !first {
            if line.is_empty() && !last {
                empty += 1;
                continue;
            }
            if empty == 0 {
                folded.push(' ');
            }
            folded.extend(std::iter::repeat_n('\n', empty));
            empty = 0;
        }
        folded.push_str(line);
        first = false;
    }
    folded
}

impl Writer {
    /// Copies one character.
    fn copy(&mut self, character: char) {
        self.out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
        self.column += 1;
    }

    /// Copies a line break.
    fn copy_break(&mut self, character: char) {
        if character == '\n' {
            self.put_break();
        } else {
            self.copy(character);
            self.column = 0;
        }
    }

    pub(super) fn write_plain(&mut self, text: &str, fold: bool) {
        if !self.whitespace {
            self.put(b' ');
        }
        self.write_folding(text, fold, false);
        self.whitespace = false;
        self.indention = false;
    }

    pub(super) fn write_single(&mut self, text: &str, fold: bool) {
        self.write_indicator(b"'", true, false, false);
        self.write_folding(text, fold, true);
        self.write_indicator(b"'", false, false, false);
        self.whitespace = false;
        self.indention = false;
    }

    /// Writes the characters of a plain or single quoted scalar.
    fn write_folding(&mut self, text: &str, fold: bool, quoted: bool) {
        let fits = text.len() + self.column <= WIDTH;
        if (!fold || fits) && text.is_ascii() && !text.bytes().any(|byte| matches!(byte, b'\'' | b'\n' | b'\r')) {
            self.put_ascii(text.as_bytes());
            self.indention = false;
            return;
        }
        let (mut spaces, mut breaks) = (false, false);
        let mut characters = text.char_indices().peekable();
        while let Some((at, character)) = characters.next() {
            if character == ' ' {
                let next = characters.peek().map(|next| next.1);
                let inside = !quoted || (at > 0 && next.is_some());
                if fold && !spaces && self.column > WIDTH && inside && next != Some(' ') {
                    self.write_indent();
                } else {
                    self.copy(' ');
                }
                spaces = true;
            } else if is_break(character) {
                if !breaks && character == '\n' {
                    self.put_break();
                }
                self.copy_break(character);
                self.indention = true;
                breaks = true;
            } else {
                if breaks {
                    self.write_indent();
                }
                if quoted && character == '\'' {
                    self.put(b'\'');
                }
                self.copy(character);
                self.indention = false;
                (spaces, breaks) = (false, false);
            }
        }
    }

    pub(super) fn write_double(&mut self, text: &str, fold: bool) {
        self.write_indicator(b"\"", true, false, false);
        // go-yaml checks for the mark at the start of the text, whatever the current character is.
        let marked = text.starts_with('\u{FEFF}');
        let mut spaces = false;
        let mut characters = text.char_indices().peekable();
        while let Some((at, character)) = characters.next() {
            let next = characters.peek().map(|next| next.1);
            if marked || !is_printable(character) || is_break(character) || matches!(character, '"' | '\\') {
                self.put_ascii(escape(character).as_bytes());
                spaces = false;
            } else if character == ' ' {
                if fold && !spaces && self.column > WIDTH && at > 0 && next.is_some() {
                    self.write_indent();
                    if next == Some(' ') {
                        self.put(b'\\');
                    }
                } else {
                    self.copy(' ');
                }
                spaces = true;
            } else {
                self.copy(character);
                spaces = false;
            }
        }
        self.write_indicator(b"\"", false, false, false);
        self.whitespace = false;
        self.indention = false;
    }

    pub(super) fn write_literal(&mut self, text: &str) {
        self.write_indicator(b"|", true, false, false);
        if text.starts_with(|character| character == ' ' || is_break(character)) {
            self.write_indicator(b"2", false, false, false);
        }
        let mut backwards = text.chars().rev();
        let chomping: &[u8] = match (backwards.next().is_some_and(is_break), backwards.next()) {
            (false, _) => b"-",
            (true, None) => b"+",
            (true, Some(before)) if is_break(before) => b"+",
            _ => b"",
        };
        if !chomping.is_empty() {
            self.write_indicator(chomping, false, false, false);
        }
        self.put_break();
        self.indention = true;
        self.whitespace = true;
        let mut breaks = true;
        let mut rest = text;
        while !rest.is_empty() {
            let line_length = rest.find(is_break).unwrap_or(rest.len());
            let (line, behind) = rest.split_at(line_length);
            if !line.is_empty() {
                if breaks {
                    self.write_indent();
                }
                self.out.extend_from_slice(line.as_bytes());
                // It matters only that the column is beyond the indentation.
                self.column += line.len();
                self.indention = false;
                breaks = false;
            }
            let mut characters = behind.chars();
            if let Some(character) = characters.next() {
                self.copy_break(character);
                self.indention = true;
                breaks = true;
            }
            rest = characters.as_str();
        }
    }
}
