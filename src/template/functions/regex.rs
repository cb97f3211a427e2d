//! Sprig's functions for regular expressions, which are Go's (RE2).
//!
//! Goes in: patterns and texts, which need not be UTF-8. Comes out: booleans, texts, `[]string`. For a bad pattern, `regexMatch`
//! is false, the other functions fail with the text of Go's panic, and their `must` forms with that of its error. Compiled
//! patterns are cached per thread, since charts use the same ones thousands of times. For ASCII texts they are compiled for bytes,
//! which takes a tenth of the time and memory of full Unicode.
//! Follows sprig/regex.go and Go's regexp; the syntax is in [`crate::regexp`].

use super::Parameter::{Int, Str as Text};
use super::{Call, Fault, Function, Outcome, row, unicode};
use crate::quote::{can_backquote, quote};
use crate::regexp;
use crate::template::value::{List, ListKind, Room, Value, growth};
use regex::{Regex, bytes};
use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

/// The rows of this topic.
pub const FUNCTIONS: &[Function] = &[
    row("regexMatch", &[Text, Text], matches, "whether a pattern matches somewhere in a text"),
    row("mustRegexMatch", &[Text, Text], must_match, "whether a pattern matches somewhere in a text"),
    row("regexFind", &[Text, Text], find, "the first match of a pattern"),
    row("mustRegexFind", &[Text, Text], must_find, "the first match of a pattern"),
    row("regexFindAll", &[Text, Text, Int], find_all, "the matches of a pattern, at most n of them"),
    row("mustRegexFindAll", &[Text, Text, Int], must_find_all, "the matches of a pattern, at most n of them"),
    row("regexReplaceAll", &[Text, Text, Text], replace_all, "a text with matches replaced, `${1}` being groups"),
    row("mustRegexReplaceAll", &[Text, Text, Text], must_replace_all, "a text with matches replaced, `${1}` being groups"),
    row("regexReplaceAllLiteral", &[Text, Text, Text], replace_literal, "a text with matches replaced by a plain text"),
    row("mustRegexReplaceAllLiteral", &[Text, Text, Text], must_replace_literal, "a text with matches replaced by a plain text"),
    row("regexSplit", &[Text, Text, Int], split, "what stands between the matches, at most n parts"),
    row("mustRegexSplit", &[Text, Text, Int], must_split, "what stands between the matches, at most n parts"),
    row("regexQuoteMeta", &[Text], quote_meta, "a pattern that matches the text itself"),
];

/// Patterns cached per thread; when there are more, all are dropped.
const CACHE_LIMIT: usize = 512;
/// Most bytes a compiled pattern may take.
const PROGRAM_LIMIT: usize = 64 << 20;
/// Longest pattern: longer ones may take seconds to compile.
const LENGTH_LIMIT: usize = 256 << 10;
/// Deepest nesting of the translated pattern; Go's own limit of 1000 is exceeded first.
const NESTING_LIMIT: u32 = 8000;

struct Pattern {
    source: Vec<u8>,
    engine: Engine,
    names: Vec<Vec<u8>>,
}

/// A compiled pattern.
enum Engine {
    /// For any text.
    Text(Regex),
    /// For ASCII texts.
    Ascii(bytes::Regex),
}

/// The positions of a match's groups.
enum Locations {
    Text(regex::CaptureLocations),
    Ascii(bytes::CaptureLocations),
}

impl Locations {
    fn get(&self, group: usize) -> Option<(usize, usize)> {
        match self {
            Locations::Text(locations) => locations.get(group),
            Locations::Ascii(locations) => locations.get(group),
        }
    }
}

impl Engine {
    fn new(translated: &regexp::Translated, is_ascii: bool) -> Result<Engine, regex::Error> {
        let pattern = &translated.pattern;
        if is_ascii && translated.is_ascii() {
            let regex = bytes::RegexBuilder::new(pattern).unicode(false).size_limit(PROGRAM_LIMIT).nest_limit(NESTING_LIMIT).build()?;
            return Ok(Engine::Ascii(regex));
        }
        regex::RegexBuilder::new(pattern).size_limit(PROGRAM_LIMIT).nest_limit(NESTING_LIMIT).build().map(Engine::Text)
    }

    fn is_match(&self, text: &str) -> bool {
        match self {
            Engine::Text(regex) => regex.is_match(text),
            Engine::Ascii(regex) => regex.is_match(text.as_bytes()),
        }
    }

    /// The start and end of the first match from `at` on.
    fn find_at(&self, text: &str, at: usize) -> Option<(usize, usize)> {
        match self {
            Engine::Text(regex) => regex.find_at(text, at).map(|found| (found.start(), found.end())),
            Engine::Ascii(regex) => regex.find_at(text.as_bytes(), at).map(|found| (found.start(), found.end())),
        }
    }

    fn locations(&self) -> Locations {
        match self {
            Engine::Text(regex) => Locations::Text(regex.capture_locations()),
            Engine::Ascii(regex) => Locations::Ascii(regex.capture_locations()),
        }
    }

    /// As [`Engine::find_at`], with the positions of the groups.
    fn captures_at(&self, locations: &mut Locations, text: &str, at: usize) -> Option<(usize, usize)> {
        match (self, locations) {
            (Engine::Text(regex), Locations::Text(locations)) => {
                regex.captures_read_at(locations, text, at).map(|found| (found.start(), found.end()))
            }
            (Engine::Ascii(regex), Locations::Ascii(locations)) => {
                regex.captures_read_at(locations, text.as_bytes(), at).map(|found| (found.start(), found.end()))
            }
            _ => None,
        }
    }
}

/// Patterns by their source.
type Patterns = HashMap<Vec<u8>, Rc<Pattern>>;

thread_local! {
    /// Patterns for any text, and those for ASCII.
    static CACHE: RefCell<[Patterns; 2]> = RefCell::default();
}

/// The pattern compiled for this text, or Go's error text.
fn compile(source: &[u8], subject: &Subject) -> Result<Rc<Pattern>, String> {
    let which = usize::from(subject.is_ascii);
    if let Some(pattern) = CACHE.with_borrow(|caches| caches[which].get(source).cloned()) {
        return Ok(pattern);
    }
    if source.len() > LENGTH_LIMIT {
        return Err(format!("error parsing regexp: expression of {} bytes is too large", source.len()));
    }
    let translated = regexp::translate(source)?;
    let engine = Engine::new(&translated, subject.is_ascii).map_err(|_| regexp::fault("expression too large", source))?;
    let pattern = Rc::new(Pattern { source: source.to_vec(), engine, names: translated.names });
    CACHE.with_borrow_mut(|caches| {
        let cache = &mut caches[which];
        if cache.len() >= CACHE_LIMIT {
            cache.clear();
        }
        cache.insert(source.to_vec(), pattern.clone());
    });
    Ok(pattern)
}

/// How a bad pattern is reported.
#[derive(Clone, Copy)]
enum OnError {
    /// `regexp.MustCompile` panics.
    Panic,
    /// `regexp.Compile` returns the error.
    Return,
}

/// The pattern in the first argument, compiled for the text in the second.
fn pattern(call: &Call, subject: &Subject, on_error: OnError) -> Result<Rc<Pattern>, Fault> {
    let source = call.bytes(0);
    compile(source, subject).map_err(|error| match on_error {
        OnError::Return => Fault::new(error),
        OnError::Panic if can_backquote(source) => Fault::new(format!("regexp: Compile(`{}`): {error}", String::from_utf8_lossy(source))),
        OnError::Panic => Fault::new(format!("regexp: Compile({}): {error}", quote(source))),
    })
}

/// A text to search. Each byte that is not UTF-8 is searched as U+FFFD; matches have positions in the original bytes.
struct Subject<'a> {
    bytes: &'a [u8],
    is_ascii: bool,
    text: Cow<'a, str>,
    /// For texts that are not UTF-8: the positions in `text` behind each wrong byte.
    replaced: Vec<usize>,
}

impl<'a> Subject<'a> {
    fn new(bytes: &'a [u8]) -> Subject<'a> {
        if let Ok(text) = std::str::from_utf8(bytes) {
            return Subject { bytes, is_ascii: bytes.is_ascii(), text: Cow::Borrowed(text), replaced: Vec::new() };
        }
        let mut text = String::with_capacity(bytes.len() + 8);
        let mut replaced = Vec::new();
        for item in unicode::runes(bytes) {
            text.push(item.rune);
            if item.rune == unicode::REPLACEMENT && item.width == 1 {
                replaced.push(text.len());
            }
        }
        Subject { bytes, is_ascii: false, text: Cow::Owned(text), replaced }
    }

    /// The bytes between two positions of the searched text.
    fn part(&self, from: usize, to: usize) -> &'a [u8] {
        // Each wrong byte is two bytes longer in the searched text.
        let original = |at: usize| at - 2 * self.replaced.partition_point(|&behind| behind <= at);
        self.bytes.get(original(from)..original(to)).unwrap_or_default()
    }

    fn width_at(&self, at: usize) -> usize {
        self.text.get(at..).and_then(|rest| rest.chars().next()).map_or(0, char::len_utf8)
    }
}

fn matches(call: &mut Call) -> Outcome {
    let subject = Subject::new(call.bytes(1));
    Ok(Value::Bool(compile(call.bytes(0), &subject).is_ok_and(|pattern| pattern.engine.is_match(&subject.text))))
}

fn must_match(call: &mut Call) -> Outcome {
    let subject = Subject::new(call.bytes(1));
    let pattern = pattern(call, &subject, OnError::Return)?;
    Ok(Value::Bool(pattern.engine.is_match(&subject.text)))
}

fn find(call: &mut Call) -> Outcome {
    found(call, OnError::Panic)
}

fn must_find(call: &mut Call) -> Outcome {
    found(call, OnError::Return)
}

fn found(call: &Call, on_error: OnError) -> Outcome {
    let subject = Subject::new(call.bytes(1));
    let pattern = pattern(call, &subject, on_error)?;
    let found = pattern.engine.find_at(&subject.text, 0);
    Ok(Value::str(found.map_or(b"".as_slice(), |(from, to)| subject.part(from, to))))
}

/// The matches as in Go's `allMatches`: an empty one right behind another is left out. A negative `limit` means no limit.
fn all_matches(pattern: &Pattern, subject: &Subject, limit: i64) -> Vec<(usize, usize)> {
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let mut matches = Vec::new();
    let mut at = 0;
    let mut last_end = None;
    while matches.len() < limit && at <= subject.text.len() {
        let Some((from, to)) = pattern.engine.find_at(&subject.text, at) else { break };
        let mut accept = true;
        if to == at {
            accept = last_end != Some(from);
            let width = subject.width_at(at);
            at = if width > 0 { at + width } else { subject.text.len() + 1 };
        } else {
            at = to;
        }
        last_end = Some(to);
        if accept {
            matches.push((from, to));
        }
    }
    matches
}

fn find_all(call: &mut Call) -> Outcome {
    found_all(call, OnError::Panic)
}

fn must_find_all(call: &mut Call) -> Outcome {
    found_all(call, OnError::Return)
}

fn found_all(call: &Call, on_error: OnError) -> Outcome {
    let subject = Subject::new(call.bytes(1));
    let pattern = pattern(call, &subject, on_error)?;
    let matches = all_matches(&pattern, &subject, call.int(2));
    if matches.is_empty() {
        return Ok(Value::List(List::nil(ListKind::Str)));
    }
    /// The initial capacity in Go's regexp.
    const FIRST: usize = 10;
    let found: Vec<_> = matches.into_iter().map(|(from, to)| Value::str(subject.part(from, to))).collect();
    let mut capacity = FIRST;
    while capacity < found.len() {
        capacity = growth::appended(ListKind::Str, capacity, capacity + 1);
    }
    let room = Room::Zeros(capacity - found.len());
    Ok(Value::List(List::with_room(ListKind::Str, found, room)))
}

fn split(call: &mut Call) -> Outcome {
    split_parts(call, OnError::Panic)
}

fn must_split(call: &mut Call) -> Outcome {
    split_parts(call, OnError::Return)
}

fn split_parts(call: &Call, on_error: OnError) -> Outcome {
    let (bytes, limit) = (call.bytes(1), call.int(2));
    let subject = Subject::new(bytes);
    let pattern = pattern(call, &subject, on_error)?;
    if limit == 0 {
        return Ok(Value::List(List::nil(ListKind::Str)));
    }
    if !pattern.source.is_empty() && bytes.is_empty() {
        return Ok(Value::strings([""]));
    }
    let mut parts = Vec::new();
    let (mut begin, mut end) = (0, 0);
    let matches = all_matches(&pattern, &subject, limit);
    let room = matches.len();
    for (from, to) in matches {
        if limit > 0 && parts.len() as i64 == limit - 1 {
            break;
        }
        end = from;
        if to != 0 {
            parts.push(subject.part(begin, end));
        }
        begin = to;
    }
    if end != subject.text.len() {
        parts.push(subject.part(begin, subject.text.len()));
    }
    let room = Room::Zeros(growth::appended(ListKind::Str, room, parts.len()) - parts.len());
    Ok(Value::List(List::with_room(ListKind::Str, parts.into_iter().map(Value::str).collect(), room)))
}

fn replace_all(call: &mut Call) -> Outcome {
    replaced(call, OnError::Panic, true)
}

fn must_replace_all(call: &mut Call) -> Outcome {
    replaced(call, OnError::Return, true)
}

fn replace_literal(call: &mut Call) -> Outcome {
    replaced(call, OnError::Panic, false)
}

fn must_replace_literal(call: &mut Call) -> Outcome {
    replaced(call, OnError::Return, false)
}

/// Go's `replaceAll`, with the replacement expanded for each match if it names groups.
fn replaced(call: &Call, on_error: OnError, expand: bool) -> Outcome {
    let subject = Subject::new(call.bytes(1));
    let pattern = pattern(call, &subject, on_error)?;
    let replacement = call.bytes(2);
    let template = if expand && replacement.contains(&b'$') { Some(parse_template(replacement)) } else { None };
    let mut locations = template.as_ref().map(|_| pattern.engine.locations());
    let mut out = Vec::new();
    let (mut at, mut last_end) = (0, 0);
    let mut any = false;
    while at <= subject.text.len() {
        let found = match &mut locations {
            Some(locations) => pattern.engine.captures_at(locations, &subject.text, at),
            None => pattern.engine.find_at(&subject.text, at),
        };
        let Some((from, to)) = found else { break };
        any = true;
        out.extend_from_slice(subject.part(last_end, from));
        if to > last_end || from == 0 {
            match template.as_ref().zip(locations.as_ref()) {
                None => out.extend_from_slice(replacement),
                Some((pieces, locations)) => {
                    for piece in pieces {
                        match piece {
                            Piece::Text(text) => out.extend_from_slice(text),
                            Piece::Group(name) => {
                                if let Some((from, to)) = group(&pattern, locations, name) {
                                    out.extend_from_slice(subject.part(from, to));
                                }
                            }
                        }
                    }
                }
            }
            call.check_size(out.len())?;
        }
        last_end = to;
        let width = subject.width_at(at);
        at = if at + width > to {
            at + width
        } else if at + 1 > to {
            at + 1
        } else {
            to
        };
    }
    if !any {
        return Ok(Value::Str(call.str(1)));
    }
    out.extend_from_slice(subject.part(last_end, subject.text.len()));
    Ok(Value::str(out))
}

/// The position of the group named in a template; an unknown number or name matches nothing.
fn group(pattern: &Pattern, locations: &Locations, name: &[u8]) -> Option<(usize, usize)> {
    if let Some(number) = group_number(name) {
        return locations.get(number);
    }
    let named = pattern.names.iter().enumerate().filter(|(_, known)| known.as_slice() == name);
    named.filter_map(|(at, _)| locations.get(at + 1)).next()
}

/// The number in a name that has only digits, without leading zeros.
fn group_number(name: &[u8]) -> Option<usize> {
    let leading_zero = name.len() > 1 && name.first() == Some(&b'0');
    if leading_zero || name.len() > 9 || !name.iter().all(u8::is_ascii_digit) {
        return None;
    }
    std::str::from_utf8(name).ok()?.parse().ok()
}

/// A piece of a replacement.
enum Piece<'a> {
    Text(&'a [u8]),
    Group(&'a [u8]),
}

/// `regexp.Expand`: `$name`, `${name}`, `$$`; a dollar sign before anything else is literal.
fn parse_template(template: &[u8]) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    let mut rest = template;
    while let Some(at) = memchr::memchr(b'$', rest) {
        pieces.push(Piece::Text(rest.get(..at).unwrap_or_default()));
        let dollar = rest.get(at..).unwrap_or_default();
        let after = dollar.get(1..).unwrap_or_default();
        if let Some(behind) = after.strip_prefix(b"$") {
            pieces.push(Piece::Text(b"$"));
            rest = behind;
        } else if let Some((name, behind)) = template_name(after) {
            pieces.push(Piece::Group(name));
            rest = behind;
        } else {
            pieces.push(Piece::Text(b"$"));
            rest = after;
        }
    }
    pieces.push(Piece::Text(rest));
    pieces
}

/// The name at the start of the text behind a dollar sign, and the rest.
fn template_name(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let (braced, name) = match text.strip_prefix(b"{") {
        Some(inside) => (true, inside),
        None => (false, text),
    };
    let in_name = |rune: char| unicode::is_letter(rune) || unicode::is_digit(rune) || rune == '_';
    let end = unicode::runes(name).find(|item| !in_name(item.rune)).map_or(name.len(), |item| item.position);
    let (name, rest) = name.split_at_checked(end)?;
    if name.is_empty() {
        return None;
    }
    if braced { Some((name, rest.strip_prefix(b"}")?)) } else { Some((name, rest)) }
}

fn quote_meta(call: &mut Call) -> Outcome {
    let text = call.bytes(0);
    let special = |byte: &u8| br"\.+*?()|[]{}^$".contains(byte);
    if !text.iter().any(special) {
        return Ok(Value::Str(call.str(0)));
    }
    let mut out = Vec::with_capacity(text.len() * 2);
    for byte in text {
        if special(byte) {
            out.push(b'\\');
        }
        out.push(*byte);
    }
    Ok(Value::str(out))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Random patterns match the same in ASCII texts, whether compiled for bytes or for any text.
    #[test]
    fn ascii_texts_are_searched_as_all_others() {
        let mut state = 7u32;
        let mut next = |below: usize| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 16) as usize % below
        };
        let atoms = [
            "a",
            "k",
            "S",
            "_",
            "-",
            " ",
            "0",
            ".",
            r"\w",
            r"\W",
            r"\d",
            r"\D",
            r"\s",
            r"\S",
            r"\b",
            r"\B",
            "^",
            "$",
            "[a-k]",
            "[^a-k]",
            "[[:upper:]]",
            "[[:^alpha:]]",
            r"[^\W]",
            "(?i:k)",
            "(?i:[^ks])",
            "(?i:s)",
            "(?s:.)",
            "(a|b)",
            "(k*)",
            "(?:S|)",
            r"\x41",
            r"\.",
            r"\pL",
            "é",
            "[^é]",
            r"\x{17f}",
            "(?m:^)",
            "(?m:$)",
        ];
        let repeats = ["", "", "", "*", "+", "?", "*?", "{2}"];
        let letters = ["a", "k", "K", "s", "S", "_", "-", " ", "0", "\n", ".", "A", "\u{7f}", "\0"];
        let mut compared = 0;
        for _ in 0..4000 {
            let source: String = (0..=next(4)).map(|_| format!("{}{}", atoms[next(atoms.len())], repeats[next(repeats.len())])).collect();
            let Ok(translated) = regexp::translate(source.as_bytes()) else { continue };
            let (Ok(wide), Ok(narrow)) = (Engine::new(&translated, false), Engine::new(&translated, true)) else { continue };
            compared += usize::from(matches!(narrow, Engine::Ascii(_)));
            for _ in 0..8 {
                let text: String = (0..next(9)).map(|_| letters[next(letters.len())]).collect();
                let (mut all, mut few) = (wide.locations(), narrow.locations());
                assert_eq!(wide.is_match(&text), narrow.is_match(&text), "{source} on {text:?}");
                for at in 0..=text.len() {
                    assert_eq!(wide.find_at(&text, at), narrow.find_at(&text, at), "{source} on {text:?} from {at}");
                    let found = wide.captures_at(&mut all, &text, at);
                    assert_eq!(found, narrow.captures_at(&mut few, &text, at), "{source} on {text:?} from {at}");
                    if found.is_some() {
                        assert!((0..6).all(|group| all.get(group) == few.get(group)), "groups of {source} on {text:?} from {at}");
                    }
                }
            }
        }
        assert!(compared > 1000, "{compared}");
    }
}
