//! Sprig's functions for texts: trimming, cutting, searching, quoting, indenting, joining, splitting.
//!
//! Goes in: checked arguments. Comes out: texts, `[]string` or `map[string]string`. Lengths and positions are in bytes, so `trunc`
//! may split a character, as in Helm. An unchanged text is shared, not copied.
//! Follows sprig/strings.go and Go's strings package.

use super::Parameter::{Any, Int, Str as Text};
use super::{Call, Fault, Function, Outcome, convert, row, unicode, variadic};
use crate::template::format;
use crate::template::value::{List, ListKind, Map, MapKind, Room, Str, Value};
use crate::template::work;
use memchr::{memchr_iter, memmem};
use std::collections::HashSet;

/// The rows of this topic.
pub const FUNCTIONS: &[Function] = &[
    row("hello", &[], hello, "the text `Hello!`"),
    row("trunc", &[Int, Text], trunc, "the first bytes of a text, or the last ones if the count is negative"),
    row("trim", &[Text], trim, "a text without white space at both ends"),
    row("trimAll", &[Text, Text], trim_all, "a text without the given characters at both ends"),
    row("trimall", &[Text, Text], trim_all, "deprecated name of `trimAll`"),
    row("trimSuffix", &[Text, Text], trim_suffix, "a text without the given ending"),
    row("trimPrefix", &[Text, Text], trim_prefix, "a text without the given beginning"),
    row("upper", &[Text], upper, "a text in upper case"),
    row("lower", &[Text], lower, "a text in lower case"),
    row("substr", &[Int, Int, Text], substring, "the bytes of a text from start up to end"),
    row("repeat", &[Int, Text], repeat, "a text several times"),
    row("contains", &[Text, Text], contains, "whether the second text contains the first"),
    row("hasPrefix", &[Text, Text], has_prefix, "whether the second text begins with the first"),
    row("hasSuffix", &[Text, Text], has_suffix, "whether the second text ends with the first"),
    variadic("quote", &[Any], quote, "arguments in double quotes, nils left out"),
    variadic("squote", &[Any], squote, "arguments in single quotes, nils left out"),
    variadic("cat", &[Any], cat, "arguments with a space between them, nils left out"),
    row("indent", &[Int, Text], indent, "a text with every line indented"),
    row("nindent", &[Int, Text], nindent, "a line end and a text with every line indented"),
    row("replace", &[Text, Text, Text], replace, "the third text with each occurrence of the first as the second"),
    row("plural", &[Text, Text, Int], plural, "the first text if the count is 1, else the second"),
    row("toString", &[Any], to_string, "any value as text"),
    row("toStrings", &[Any], to_strings, "the items of a list as texts"),
    row("join", &[Text, Any], join, "the items of a list with a text between them"),
    row("sortAlpha", &[Any], sort_alpha, "the items of a list as texts in byte order"),
    row("split", &[Text, Text], split, "the parts of a text under the keys _0, _1, …"),
    row("splitn", &[Text, Int, Text], split_n, "at most n parts of a text under the keys _0, _1, …"),
    row("splitList", &[Text, Text], split_list, "the parts of a text as a list"),
];

fn hello(_: &mut Call) -> Outcome {
    Ok(Value::str("Hello!"))
}

/// The bytes of the text argument `at` between `from` and `to`, shared if they are all of it.
fn part(call: &Call, at: usize, from: usize, to: usize) -> Value {
    let bytes = call.bytes(at);
    if from == 0 && to == bytes.len() {
        return Value::Str(call.str(at));
    }
    Value::str(bytes.get(from..to).unwrap_or_default())
}

fn trunc(call: &mut Call) -> Outcome {
    let (count, length) = (call.int(0), call.bytes(1).len());
    let kept = usize::try_from(count.unsigned_abs()).unwrap_or(usize::MAX);
    if kept >= length {
        return Ok(Value::Str(call.str(1)));
    }
    Ok(if count < 0 { part(call, 1, length - kept, length) } else { part(call, 1, 0, kept) })
}

fn trim(call: &mut Call) -> Outcome {
    let (from, to) = trimmed(call.bytes(0), unicode::is_space);
    Ok(part(call, 0, from, to))
}

fn trim_all(call: &mut Call) -> Outcome {
    let (set, text) = (call.bytes(0), call.bytes(1));
    let (from, to) = match set.is_ascii() {
        true => trimmed_of_ascii(text, set),
        false => {
            let set: HashSet<char, ahash::RandomState> = unicode::runes(set).map(|rune| rune.rune).collect();
            trimmed(text, |rune| set.contains(&rune))
        }
    };
    Ok(part(call, 1, from, to))
}

/// As [`trimmed`], for the characters of an ASCII text.
fn trimmed_of_ascii(bytes: &[u8], set: &[u8]) -> (usize, usize) {
    let mut drops = [false; 256];
    set.iter().for_each(|byte| drops[usize::from(*byte)] = true);
    let is_kept = |byte: &u8| !drops[usize::from(*byte)];
    let from = bytes.iter().position(is_kept).unwrap_or(bytes.len());
    (from, bytes.iter().rposition(is_kept).map_or(from, |last| last + 1))
}

/// The range of `bytes` that remains when runes accepted by `drop` are removed at both ends.
fn trimmed(bytes: &[u8], drop: impl Fn(char) -> bool) -> (usize, usize) {
    let from = unicode::runes(bytes).find(|rune| !drop(rune.rune)).map_or(bytes.len(), |rune| rune.position);
    let mut to = bytes.len();
    while to > from {
        let (rune, width) = unicode::decode_last(bytes.get(..to).unwrap_or_default());
        if !drop(rune) {
            break;
        }
        to -= width;
    }
    (from, to.max(from))
}

fn trim_suffix(call: &mut Call) -> Outcome {
    let (suffix, text) = (call.bytes(0), call.bytes(1));
    let to = text.strip_suffix(suffix).map_or(text.len(), <[u8]>::len);
    Ok(part(call, 1, 0, to))
}

fn trim_prefix(call: &mut Call) -> Outcome {
    let (prefix, text) = (call.bytes(0), call.bytes(1));
    let from = text.strip_prefix(prefix).map_or(0, |rest| text.len() - rest.len());
    Ok(part(call, 1, from, text.len()))
}

fn upper(call: &mut Call) -> Outcome {
    let bytes = call.bytes(0);
    if !bytes.is_ascii() {
        return Ok(Value::str(unicode::map(bytes, unicode::to_upper)));
    }
    if bytes.iter().any(u8::is_ascii_lowercase) {
        return Ok(Value::str(bytes.to_ascii_uppercase()));
    }
    Ok(Value::Str(call.str(0)))
}

fn lower(call: &mut Call) -> Outcome {
    let bytes = call.bytes(0);
    if !bytes.is_ascii() {
        return Ok(Value::str(unicode::map(bytes, unicode::to_lower)));
    }
    if bytes.iter().any(u8::is_ascii_uppercase) {
        return Ok(Value::str(bytes.to_ascii_lowercase()));
    }
    Ok(Value::Str(call.str(0)))
}

fn substring(call: &mut Call) -> Outcome {
    let (start, end, length) = (call.int(0), call.int(1), call.bytes(2).len());
    let fault = |range: String| Err(Fault::new(format!("runtime error: slice bounds out of range {range}")));
    let position = |at: i64| usize::try_from(at).ok().filter(|at| *at <= length);
    if start < 0 {
        return match position(end) {
            Some(to) => Ok(part(call, 2, 0, to)),
            None if end < 0 => fault(format!("[:{end}]")),
            None => fault(format!("[:{end}] with length {length}")),
        };
    }
    match (position(start), position(end)) {
        (Some(from), None) => Ok(part(call, 2, from, length)),
        (Some(from), Some(to)) if from <= to => Ok(part(call, 2, from, to)),
        (_, Some(to)) => fault(format!("[{start}:{to}]")),
        (None, None) => fault(format!("[{start}:{length}]")),
    }
}

fn repeat(call: &mut Call) -> Outcome {
    let (count, text) = (call.int(0), call.bytes(1));
    let count = usize::try_from(count).map_err(|_| Fault::new("strings: negative Repeat count"))?;
    let size = count.checked_mul(text.len()).ok_or_else(|| Fault::new("strings: Repeat output length overflow"))?;
    call.check_size(size)?;
    if count == 1 {
        return Ok(Value::Str(call.str(1)));
    }
    Ok(Value::str(text.repeat(if text.is_empty() { 0 } else { count })))
}

fn contains(call: &mut Call) -> Outcome {
    Ok(Value::Bool(memmem::find(call.bytes(1), call.bytes(0)).is_some()))
}

fn has_prefix(call: &mut Call) -> Outcome {
    Ok(Value::Bool(call.bytes(1).starts_with(call.bytes(0))))
}

fn has_suffix(call: &mut Call) -> Outcome {
    Ok(Value::Bool(call.bytes(1).ends_with(call.bytes(0))))
}

/// Appends `text` as Go's `%q`; most texts need only the quotes.
fn write_quoted(out: &mut Vec<u8>, text: &[u8]) {
    if text.iter().all(|&byte| (0x20..0x7f).contains(&byte) && byte != b'"' && byte != b'\\') {
        out.reserve(text.len() + 2);
        out.push(b'"');
        out.extend_from_slice(text);
        out.push(b'"');
    } else {
        crate::quote::write_quoted(out, text);
    }
}

fn quote(call: &mut Call) -> Outcome {
    let mut out = Vec::new();
    let mut scratch = Vec::new();
    for value in call.arguments.iter().filter(|value| !matches!(value, Value::Nil)) {
        if !out.is_empty() {
            out.push(b' ');
        }
        match value {
            Value::Str(text) => write_quoted(&mut out, text.as_bytes()),
            other => {
                scratch.clear();
                convert::write_text(other, &mut scratch)?;
                write_quoted(&mut out, &scratch);
            }
        }
        format::check_size(&out)?;
    }
    Ok(Value::str(out))
}

fn squote(call: &mut Call) -> Outcome {
    let mut out = Vec::new();
    for value in call.arguments.iter().filter(|value| !matches!(value, Value::Nil)) {
        out.extend_from_slice(if out.is_empty() { b"'" } else { b" '" });
        format::print_plain(value, &mut out)?;
        out.push(b'\'');
        format::check_size(&out)?;
    }
    Ok(Value::str(out))
}

fn cat(call: &mut Call) -> Outcome {
    let mut out = Vec::new();
    let values = call.arguments.iter().filter(|value| !matches!(value, Value::Nil));
    for (at, value) in values.enumerate() {
        if at > 0 {
            out.push(b' ');
        }
        format::print_plain(value, &mut out)?;
        format::check_size(&out)?;
    }
    Ok(Value::str(out))
}

fn indent(call: &mut Call) -> Outcome {
    indented(call, b"")
}

fn nindent(call: &mut Call) -> Outcome {
    indented(call, b"\n")
}

fn indented(call: &Call, before: &[u8]) -> Outcome {
    let text = call.bytes(1);
    let width = usize::try_from(call.int(0)).map_err(|_| Fault::new("strings: negative Repeat count"))?;
    let lines = memchr_iter(b'\n', text).count() + 1;
    let size = width.saturating_mul(lines).saturating_add(text.len() + before.len());
    call.check_size(size)?;
    let mut out = Vec::with_capacity(size);
    out.extend_from_slice(before);
    out.resize(out.len() + width, b' ');
    let mut from = 0;
    for at in memchr_iter(b'\n', text) {
        out.extend_from_slice(text.get(from..=at).unwrap_or_default());
        out.resize(out.len() + width, b' ');
        from = at + 1;
    }
    out.extend_from_slice(text.get(from..).unwrap_or_default());
    Ok(Value::str(out))
}

fn replace(call: &mut Call) -> Outcome {
    let (old, new, text) = (call.bytes(0), call.bytes(1), call.bytes(2));
    if old == new {
        return Ok(Value::Str(call.str(2)));
    }
    if old.is_empty() {
        let size = text.len().saturating_add(new.len().saturating_mul(unicode::count(text) + 1));
        call.check_size(size)?;
        let mut out = Vec::with_capacity(size);
        for rune in unicode::runes(text) {
            out.extend_from_slice(new);
            out.extend_from_slice(text.get(rune.position..rune.position + rune.width).unwrap_or_default());
        }
        out.extend_from_slice(new);
        return Ok(Value::str(out));
    }
    let finder = memmem::Finder::new(old);
    let mut found = finder.find_iter(text).peekable();
    if found.peek().is_none() {
        return Ok(Value::Str(call.str(2)));
    }
    let mut out = Vec::with_capacity(text.len());
    let (mut from, mut count) = (0, 0);
    for at in found {
        out.extend_from_slice(text.get(from..at).unwrap_or_default());
        out.extend_from_slice(new);
        from = at + old.len();
        count += 1;
        call.check_size(out.len())?;
    }
    work::charge(work::passing(count))?;
    out.extend_from_slice(text.get(from..).unwrap_or_default());
    Ok(Value::str(out))
}

fn plural(call: &mut Call) -> Outcome {
    Ok(Value::Str(call.str(if call.int(2) == 1 { 0 } else { 1 })))
}

fn to_string(call: &mut Call) -> Outcome {
    Ok(Value::Str(convert::to_text(call.value(0))?))
}

fn to_strings(call: &mut Call) -> Outcome {
    if convert::is_strings(call.value(0)) {
        return Ok(call.value(0).clone());
    }
    Ok(texts_of(call.value(0), convert::to_texts(call.value(0))?))
}

/// The texts as a list. Go allocates room for all items and skips nil.
fn texts_of(value: &Value, texts: Vec<Str>) -> Value {
    let room = match value {
        Value::List(list) => Room::Zeros(list.len().saturating_sub(texts.len())),
        _ => Room::None,
    };
    Value::List(List::with_room(ListKind::Str, texts.into_iter().map(Value::Str).collect(), room))
}

fn join(call: &mut Call) -> Outcome {
    let separator = call.bytes(0);
    let Value::List(list) = call.value(1) else {
        let texts = convert::to_texts(call.value(1))?;
        return Ok(Value::str(texts.iter().map(Str::as_bytes).collect::<Vec<_>>().join(separator)));
    };
    let mut out = Vec::new();
    let items = list.items().iter().filter(|item| !matches!(item, Value::Nil));
    for (at, item) in items.enumerate() {
        if at > 0 {
            out.extend_from_slice(separator);
        }
        convert::write_text(item, &mut out)?;
        call.check_size(out.len())?;
    }
    Ok(Value::str(out))
}

fn sort_alpha(call: &mut Call) -> Outcome {
    match call.value(0) {
        // Go sorts a `[]string` in place, so that all references to it see it sorted.
        Value::List(list) if list.kind() == ListKind::Str => {
            charge_sorting(list.items().iter().map(|item| if let Value::Str(text) = item { text.len() } else { 0 }))?;
            list.sort_in_place();
            Ok(Value::List(list.clone()))
        }
        Value::List(_) | Value::Bytes(_) => {
            let mut texts = convert::to_texts(call.value(0))?;
            charge_sorting(texts.iter().map(Str::len))?;
            texts.sort_unstable();
            Ok(texts_of(call.value(0), texts))
        }
        other => {
            let mut out = Vec::new();
            convert::write_text(other, &mut out)?;
            Ok(Value::strings([out]))
        }
    }
}

/// Counts the sorting of texts of these lengths, which may differ in their last byte only.
fn charge_sorting(lengths: impl Iterator<Item = usize>) -> Result<(), Fault> {
    let (mut count, mut bytes) = (0usize, 0usize);
    for length in lengths {
        count += 1;
        bytes = bytes.saturating_add(length);
    }
    work::charge_read(bytes.saturating_mul(count.max(2).ilog2() as usize))
}

/// `strings.SplitN`: at most `limit` parts, or all of them if it is `None`; fails if they are more than
/// the host allows.
fn parts<'a>(call: &Call, text: &'a [u8], separator: &[u8], limit: Option<usize>) -> Result<Vec<&'a [u8]>, Fault> {
    let limit = limit.unwrap_or(usize::MAX);
    let mut parts = Vec::new();
    let mut from = 0;
    if limit == 0 {
        return Ok(parts);
    }
    if separator.is_empty() {
        for rune in unicode::runes(text) {
            if parts.len() + 1 >= limit {
                break;
            }
            from = rune.position + rune.width;
            parts.extend(text.get(rune.position..from));
            call.check_length(parts.len())?;
        }
        if from < text.len() {
            parts.extend(text.get(from..));
            call.check_length(parts.len())?;
        }
        return Ok(parts);
    }
    for at in memmem::find_iter(text, separator).take(limit - 1) {
        parts.extend(text.get(from..at));
        from = at + separator.len();
        call.check_length(parts.len() + 1)?;
    }
    parts.extend(text.get(from..));
    Ok(parts)
}

fn numbered(parts: Vec<&[u8]>) -> Value {
    let entries = parts.into_iter().enumerate().map(|(at, part)| (Str::from(format!("_{at}")), Value::str(part)));
    Value::Map(Map::from_entries(MapKind::Str, entries))
}

fn split(call: &mut Call) -> Outcome {
    let parts = parts(call, call.bytes(1), call.bytes(0), None)?;
    Ok(numbered(parts))
}

fn split_n(call: &mut Call) -> Outcome {
    let parts = parts(call, call.bytes(2), call.bytes(0), usize::try_from(call.int(1)).ok())?;
    Ok(numbered(parts))
}

fn split_list(call: &mut Call) -> Outcome {
    let parts = parts(call, call.bytes(1), call.bytes(0), None)?;
    Ok(Value::strings(parts))
}
