//! Sprig's functions that fit a text into a width: `wrap`, `wrapWith`, `abbrev`, `abbrevboth`.
//!
//! Goes in: widths in bytes and texts. Comes out: texts; a cut may fall inside a character, as in Helm.
//! Follows Masterminds/goutils 1.1.1 (wordutils.go, stringutils.go).

use super::Parameter::{Int, Str as Text};
use super::{Call, Function, Outcome, row};
use crate::template::value::Value;
use memchr::{memchr, memrchr};

/// The rows of this topic.
pub const FUNCTIONS: &[Function] = &[
    row("wrap", &[Int, Text], wrap, "a text with line ends at spaces before the given column"),
    row("wrapWith", &[Int, Text, Text], wrap_with, "a text with the given text as line end, long words cut"),
    row("abbrev", &[Int, Text], abbreviate, "a text cut to a width, `...` at its end"),
    row("abbrevboth", &[Int, Int, Text], abbreviate_both, "a text cut to a width from an offset, `...` at both ends"),
];

fn wrap(call: &mut Call) -> Outcome {
    wrapped(call, call.bytes(1), b"\n", false)
}

fn wrap_with(call: &mut Call) -> Outcome {
    let line_end = call.bytes(1);
    wrapped(call, call.bytes(2), if line_end.is_empty() { b"\n" } else { line_end }, true)
}

fn wrapped(call: &Call, text: &[u8], line_end: &[u8], cut_words: bool) -> Outcome {
    let width = usize::try_from(call.int(0)).unwrap_or(0).max(1);
    let part = |from: usize, to: usize| text.get(from..to).unwrap_or_default();
    let mut out = Vec::with_capacity(text.len() + 16);
    let mut from = 0;
    while text.len() - from > width {
        if text.get(from) == Some(&b' ') {
            from += 1;
            continue;
        }
        let end = from + width;
        let (to, next) = match memrchr(b' ', part(from, end + 1)) {
            Some(at) => (from + at, from + at + 1),
            None if cut_words => (end, end),
            None => match memchr(b' ', part(end, text.len())) {
                Some(at) => (end + at, end + at + 1),
                None => break,
            },
        };
        out.extend_from_slice(part(from, to));
        out.extend_from_slice(line_end);
        call.check_size(out.len())?;
        from = next;
    }
    out.extend_from_slice(part(from, text.len()));
    Ok(Value::str(out))
}

fn abbreviate(call: &mut Call) -> Outcome {
    if call.int(0) < 4 {
        return Ok(Value::Str(call.str(1)));
    }
    Ok(abbreviated(call, 1, 0, call.int(0)))
}

fn abbreviate_both(call: &mut Call) -> Outcome {
    let (left, right) = (call.int(0), call.int(1));
    if right < 4 || left > 0 && right < 7 {
        return Ok(Value::Str(call.str(2)));
    }
    Ok(abbreviated(call, 2, left, right))
}

/// The text argument `at` from `offset` on, shortened to `width` bytes, which is at least 4, or 7 with an offset.
fn abbreviated(call: &Call, at: usize, offset: i64, width: i64) -> Value {
    let text = call.bytes(at);
    let width = usize::try_from(width).unwrap_or(usize::MAX);
    if text.len() <= width {
        return Value::Str(call.str(at));
    }
    let kept = width - 3;
    let offset = usize::try_from(offset).unwrap_or(0).min(text.len()).min(text.len() - kept);
    let mut out = Vec::with_capacity(width);
    if offset <= 4 {
        out.extend_from_slice(text.get(..kept).unwrap_or_default());
        out.extend_from_slice(b"...");
    } else if offset + kept < text.len() {
        out.extend_from_slice(b"...");
        out.extend_from_slice(text.get(offset..offset + kept - 3).unwrap_or_default());
        out.extend_from_slice(b"...");
    } else {
        out.extend_from_slice(b"...");
        out.extend_from_slice(text.get(text.len() - kept..).unwrap_or_default());
    }
    Value::str(out)
}
