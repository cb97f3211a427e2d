//! Sprig's functions for regular expressions, which are Go's (RE2).
//!
//! Goes in: patterns and texts, which need not be UTF-8. Comes out: booleans, texts, `[]string`. For a bad pattern, `regexMatch`
//! is false, the other functions fail with the text of Go's panic, and their `must` forms with that of its error. Follows
//! sprig/regex.go and Go's regexp; the syntax is in [`crate::regexp`], compiling and searching in `engine`.

mod engine;

use super::Parameter::{Int, Str as Text};
use super::{Call, Fault, Function, Outcome, row, unicode};
use crate::quote::{can_backquote, quote};
use crate::template::value::{List, ListKind, Room, Value, growth};
use crate::template::work;
pub(crate) use engine::forget;
use engine::{Locations, Pattern, Refusal, Searches, Subject, Used, compile};

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

/// How a bad pattern is reported.
#[derive(Clone, Copy)]
enum OnError {
    /// `regexp.MustCompile` panics.
    Panic,
    /// `regexp.Compile` returns the error.
    Return,
}

/// The pattern in the first argument, compiled for the text in the second.
fn pattern(call: &Call, subject: &Subject, on_error: OnError) -> Result<Used, Fault> {
    let source = call.bytes(0);
    compile(source, subject).map_err(|refusal| match (refusal, on_error) {
        (Refusal::Limit(fault), _) => fault,
        (Refusal::Syntax(error), OnError::Return) => Fault::new(error),
        (Refusal::Syntax(error), OnError::Panic) if can_backquote(source) => {
            Fault::new(format!("regexp: Compile(`{}`): {error}", String::from_utf8_lossy(source)))
        }
        (Refusal::Syntax(error), OnError::Panic) => Fault::new(format!("regexp: Compile({}): {error}", quote(source))),
    })
}

fn matches(call: &mut Call) -> Outcome {
    let subject = Subject::new(call.bytes(1));
    Ok(Value::Bool(match compile(call.bytes(0), &subject) {
        Ok(pattern) => Searches::new(&pattern, &subject).is_match()?,
        Err(Refusal::Syntax(_)) => false,
        Err(Refusal::Limit(fault)) => return Err(fault),
    }))
}

fn must_match(call: &mut Call) -> Outcome {
    let subject = Subject::new(call.bytes(1));
    let pattern = pattern(call, &subject, OnError::Return)?;
    Ok(Value::Bool(Searches::new(&pattern, &subject).is_match()?))
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
    let found = Searches::new(&pattern, &subject).find_at(0)?;
    Ok(Value::str(found.map_or(b"".as_slice(), |(from, to)| subject.part(from, to))))
}

/// The matches as in Go's `allMatches`: an empty one right behind another is left out. A negative `limit` means no limit.
fn all_matches(call: &Call, pattern: &Pattern, subject: &Subject, limit: i64) -> Result<Vec<(usize, usize)>, Fault> {
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let mut searches = Searches::new(pattern, subject);
    let mut matches = Vec::new();
    let mut at = 0;
    let mut last_end = None;
    while matches.len() < limit && at <= subject.text.len() {
        let Some((from, to)) = searches.find_at(at)? else { break };
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
            call.check_length(matches.len())?;
        }
    }
    Ok(matches)
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
    let matches = all_matches(call, &pattern, &subject, call.int(2))?;
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
    let matches = all_matches(call, &pattern, &subject, limit)?;
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
    let template = if expand && replacement.contains(&b'$') { Some(parse_template(call, replacement)?) } else { None };
    let mut searches = Searches::new(&pattern, &subject);
    let mut locations = template.as_ref().map(|_| searches.locations());
    let mut out = Vec::new();
    let (mut at, mut last_end) = (0, 0);
    let mut any = false;
    while at <= subject.text.len() {
        let found = match &mut locations {
            Some(locations) => searches.captures_at(locations, at)?,
            None => searches.find_at(at)?,
        };
        let Some((from, to)) = found else { break };
        any = true;
        out.extend_from_slice(subject.part(last_end, from));
        if to > last_end || from == 0 {
            match template.as_ref().zip(locations.as_ref()) {
                None => out.extend_from_slice(replacement),
                Some((pieces, locations)) => {
                    work::charge(pieces.len() as u64)?;
                    for piece in pieces {
                        match piece {
                            Piece::Text(text) => out.extend_from_slice(text),
                            Piece::Group(name) => {
                                if let Some((from, to)) = group(&pattern, locations, name)? {
                                    out.extend_from_slice(subject.part(from, to));
                                }
                            }
                        }
                        call.check_size(out.len())?;
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
fn group(pattern: &Pattern, locations: &Locations, name: &[u8]) -> Result<Option<(usize, usize)>, Fault> {
    if let Some(number) = group_number(name) {
        return Ok(locations.get(number));
    }
    work::charge_read(pattern.names.len())?;
    let named = pattern.names.iter().enumerate().filter(|(_, known)| known.as_slice() == name);
    Ok(named.filter_map(|(at, _)| locations.get(at + 1)).next())
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
fn parse_template<'a>(call: &Call, template: &'a [u8]) -> Result<Vec<Piece<'a>>, Fault> {
    let mut pieces = Vec::new();
    let mut rest = template;
    while let Some(at) = memchr::memchr(b'$', rest) {
        call.check_length(pieces.len())?;
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
    Ok(pieces)
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
mod tests;
