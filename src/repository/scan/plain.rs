//! Checks the types of values without decoding them.
//!
//! Goes in: the bytes of a value in an index. Comes out: whether it certainly has the type of its field; "no"
//! only means that it has to be decoded. Nearly all values are plain, and an index has hundreds of thousands.

use super::{Field, simple_scalar, split_key, trim};
use crate::time::{self, Zone};

/// Whether the value of a field certainly has its type. Fields of Chart.yaml accept only what YAML reads as a
/// string, the index's own accept any scalar.
pub(super) fn is_plain(raw: &[u8], field: Field) -> bool {
    let text = trim(raw);
    match field {
        Field::Created => {
            let text = text.strip_prefix(b"\"").and_then(|text| text.strip_suffix(b"\"")).unwrap_or(text);
            is_usual_time(text) || time::parse(time::RFC3339, text, &Zone::Utc).is_ok()
        }
        Field::Deprecated | Field::Removed => matches!(text, b"true" | b"false"),
        Field::Digest => text.first().is_some_and(u8::is_ascii_alphanumeric) && !text.iter().any(u8::is_ascii_whitespace),
        Field::Annotations => is_map_of_texts(raw),
        Field::Keywords | Field::Sources | Field::Urls => is_list_of_texts(raw),
        // `needs_look` of `index` checks these.
        Field::Dependencies | Field::Maintainers => true,
        _ => is_surely_text(raw),
    }
}

/// Whether a value certainly is a string or null in YAML.
pub fn is_surely_text(raw: &[u8]) -> bool {
    const NO_TEXTS: [&[u8]; 8] = [b"y", b"n", b"yes", b"no", b"on", b"off", b"true", b"false"];
    let text = trim(raw);
    match text.first() {
        None | Some(b'"' | b'\'' | b'|' | b'>') => true,
        Some(first) if first.is_ascii_alphabetic() => {
            let is_word = text.len() <= 5 && NO_TEXTS.iter().any(|word| word.eq_ignore_ascii_case(text));
            !is_word && is_one_scalar(text)
        }
        // A number has at most one dot.
        Some(b'0'..=b'9') if text.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'+')) => {
            memchr::memchr_iter(b'.', text).count() >= 2
        }
        Some(_) => simple_scalar(text).is_some(),
    }
}

/// Whether a one-line text is a single scalar, with no key and no comment in it.
fn is_one_scalar(text: &[u8]) -> bool {
    memchr::memchr3_iter(b':', b'#', b'\n', text).all(|at| match text.get(at) {
        Some(b':') => text.get(at + 1) != Some(&b' '),
        Some(b'#') => at.checked_sub(1).and_then(|before| text.get(before)) != Some(&b' '),
        _ => false,
    })
}

/// Whether it is an RFC 3339 time on a day that every month has.
fn is_usual_time(text: &[u8]) -> bool {
    let number = |at: usize, low: u8, high: u8| match text.get(at..at + 2) {
        Some(&[tens @ b'0'..=b'9', ones @ b'0'..=b'9']) => (low..=high).contains(&((tens - b'0') * 10 + (ones - b'0'))),
        _ => false,
    };
    let is = |at: usize, byte: u8| text.get(at) == Some(&byte);
    let day = number(0, 0, 99) && number(2, 0, 99) && is(4, b'-') && number(5, 1, 12) && is(7, b'-') && number(8, 1, 28);
    let clock = is(10, b'T') && number(11, 0, 23) && is(13, b':') && number(14, 0, 59) && is(16, b':') && number(17, 0, 59);
    let Some(mut rest) = text.get(19..).filter(|_| day && clock) else { return false };
    if let [b'.', fraction @ ..] = rest {
        let digits = fraction.iter().take_while(|byte| byte.is_ascii_digit()).count();
        rest = fraction.get(digits..).filter(|_| (1..=9).contains(&digits)).unwrap_or_default();
    }
    rest == b"Z"
        || (rest.len() == 6 && matches!(rest.first(), Some(b'+' | b'-')) && {
            let at = text.len() - 5;
            number(at, 0, 23) && is(at + 2, b':') && number(at + 3, 0, 59)
        })
}

/// The lines of a text.
fn lines(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = Some(text);
    std::iter::from_fn(move || {
        let text = rest.take()?;
        let Some(end) = memchr::memchr(b'\n', text) else { return Some(text) };
        rest = text.get(end + 1..);
        text.get(..end)
    })
}

/// Whether a value certainly is a block list of strings, or empty.
pub(super) fn is_list_of_texts(raw: &[u8]) -> bool {
    let mut lines = lines(raw);
    matches!(lines.next().map(trim), Some(b"" | b"[]"))
        && lines.all(|line| {
            let line = trim(line);
            line.is_empty() || line.strip_prefix(b"- ").is_some_and(|item| !trim(item).is_empty() && is_surely_text(item))
        })
}

/// Whether a value certainly is a block map of strings to strings, or empty.
pub(super) fn is_map_of_texts(raw: &[u8]) -> bool {
    let mut lines = lines(raw);
    if !matches!(lines.next().map(trim), Some(b"" | b"{}")) {
        return false;
    }
    let mut block = None;
    for line in lines {
        let indent = line.iter().take_while(|byte| **byte == b' ').count();
        let text = trim(line);
        if text.is_empty() || block.is_some_and(|column| indent > column) {
            continue;
        }
        let Some((_, value)) = split_key(text) else { return false };
        let value = trim(value);
        if value.is_empty() || !is_surely_text(value) {
            return false;
        }
        block = matches!(value.first(), Some(b'|' | b'>')).then_some(indent);
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn usual_times_are_known_at_a_glance() {
        for text in ["2026-01-01T00:00:00Z", "2026-12-28T23:59:59.123456789+01:00", "1999-02-28T12:00:00.5-23:59"] {
            assert!(is_usual_time(text.as_bytes()), "{text}");
            assert!(time::parse(time::RFC3339, text.as_bytes(), &Zone::Utc).is_ok(), "{text}");
        }
        let unusual = "|2026-01-01|2026-13-01T00:00:00Z|2026-02-30T00:00:00Z|2026-01-01T24:00:00Z|2026-01-01T00:00:00.Z|2026-01-01T00:00:00\
            |2026-01-01T00:00:00+1:00|2026-01-01 00:00:00Z|2026-01-01T00:00:00Zx";
        for text in unusual.split('|') {
            assert!(!is_usual_time(text.as_bytes()), "{text}");
        }
    }

    #[test]
    fn texts_are_known_at_a_glance() {
        for text in ["web", "1.2.3", "v1", "yesterday", "https://a.b/c#d", "\"7\"", "", "1.2.3-rc.1"] {
            assert!(is_surely_text(text.as_bytes()), "{text}");
        }
        for text in ["1.2", "7", "yes", "Off", "a #b", "a: b", "a\nb", "2026-01-01", "1_0", "0x1F", "-1", "~", "[a]"] {
            assert!(!is_surely_text(text.as_bytes()), "{text}");
        }
    }
}
