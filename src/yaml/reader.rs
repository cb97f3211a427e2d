//! Converts bytes to characters: encoding, byte order mark, and the characters allowed in YAML.
//!
//! Goes in: the bytes of a text. Comes out: a [`Source`] that the scanner can trust: UTF-8, no NUL, no control characters. go-yaml
//! checks characters as it reads, in chunks of 512 bytes, so a bad one does not hide faults in earlier chunks; a source with a bad
//! character therefore ends where its chunk begins.

use std::borrow::Cow;

/// A text fit for scanning.
pub(super) struct Source<'a> {
    pub text: Cow<'a, str>,
    /// The problem to report when the scanner reaches the end: the original text goes on with a character that is not allowed.
    pub broken: Option<&'static str>,
    /// Whether it has no line breaks other than LF.
    pub plain_breaks: bool,
}

/// How much go-yaml reads at a time.
const CHUNK: usize = 512;

const CONTROL: &str = "control characters are not allowed";

impl<'a> Source<'a> {
    /// Checks `bytes`, which may be UTF-8 or, with a byte order mark, UTF-16. One UTF-8 mark at the start is dropped.
    pub(super) fn new(bytes: &'a [u8]) -> Source<'a> {
        match bytes {
            [0xFF, 0xFE, rest @ ..] => utf16(rest, u16::from_le_bytes),
            [0xFE, 0xFF, rest @ ..] => utf16(rest, u16::from_be_bytes),
            _ => {
                let start = if bytes.starts_with(b"\xEF\xBB\xBF") { 3 } else { 0 };
                utf8(bytes, start)
            }
        }
    }
}

/// The result of scanning all characters.
#[derive(Default)]
struct Survey {
    forbidden: bool,
    other_breaks: bool,
}

fn utf8(bytes: &[u8], start: usize) -> Source<'_> {
    let body = &bytes[start..];
    let found = survey(body);
    match std::str::from_utf8(body) {
        Ok(text) if !found.forbidden => Source { text: text.into(), broken: None, plain_breaks: !found.other_breaks },
        _ => {
            let (end, problem) = first_bad(bytes, start);
            let text = std::str::from_utf8(&bytes[start..end]).unwrap_or_default();
            Source { text: text.into(), broken: Some(problem), plain_breaks: false }
        }
    }
}

/// Scans for characters that are forbidden or break lines. It works on blocks, so that plain ASCII, nearly all text, costs a few
/// vector instructions for each.
fn survey(bytes: &[u8]) -> Survey {
    let mut survey = Survey::default();
    let mut at = 0;
    for block in bytes.chunks(64) {
        let mut odd = false;
        let mut high = false;
        for &byte in block {
            // Everything except TAB, LF and 0x20–0x7E; such bytes are checked exactly below.
            odd |= (byte < 0x20) & (byte != b'\t') & (byte != b'\n') | (byte == 0x7F);
            high |= byte >= 0x80;
        }
        if odd | high {
            survey_block(bytes, at, block.len(), &mut survey);
        }
        at += block.len();
    }
    survey
}

fn survey_block(bytes: &[u8], from: usize, length: usize, survey: &mut Survey) {
    for at in from..from + length {
        let next = |step: usize| bytes.get(at + step).copied().unwrap_or(0);
        match bytes.get(at).copied().unwrap_or(b' ') {
            b'\r' => survey.other_breaks = true,
            b'\t' | b'\n' => {}
            0..0x20 | 0x7F => survey.forbidden = true,
            0xC2 if next(1) == 0x85 => survey.other_breaks = true,
            0xC2 if (0x80..0xA0).contains(&next(1)) => survey.forbidden = true,
            0xE2 if next(1) == 0x80 && matches!(next(2), 0xA8 | 0xA9) => survey.other_breaks = true,
            0xEF if next(1) == 0xBF && next(2) >= 0xBE => survey.forbidden = true,
            _ => {}
        }
    }
}

/// Finds the first character that is not allowed, as go-yaml's reader does: the start of its chunk, and the problem.
fn first_bad(bytes: &[u8], start: usize) -> (usize, &'static str) {
    let mut at = start;
    let mut chunk_start = start;
    let mut chunk_end = CHUNK.min(bytes.len());
    loop {
        // A character across the end of a chunk belongs to the next one.
        if at + width(bytes, at) > chunk_end && chunk_end < bytes.len() {
            chunk_start = at;
            chunk_end = (at + CHUNK).min(bytes.len());
        }
        match decode(bytes, at) {
            Ok((_, width)) if at + width <= chunk_end => at += width,
            Err((problem, false)) => return (chunk_start, problem),
            // A truncated character is a fault only at the end of the text.
            Err((problem, true)) if chunk_end == bytes.len() => return (at, problem),
            _ => {
                chunk_start = at;
                chunk_end = (at + CHUNK).min(bytes.len());
            }
        }
        if at >= bytes.len() {
            return (bytes.len(), CONTROL);
        }
        if at == chunk_end {
            chunk_start = at;
            chunk_end = (at + CHUNK).min(bytes.len());
        }
    }
}

/// The width in bytes of the character at `at`, by its first byte; one if that byte is invalid.
fn width(bytes: &[u8], at: usize) -> usize {
    match bytes.get(at) {
        Some(0xC0..0xE0) => 2,
        Some(0xE0..0xF0) => 3,
        Some(0xF0..0xF8) => 4,
        _ => 1,
    }
}

/// The character at `at` and its width; or the problem, and whether the text only ends too early.
fn decode(bytes: &[u8], at: usize) -> Result<(u32, usize), (&'static str, bool)> {
    let first = bytes.get(at).copied().unwrap_or(0);
    let (width, mut value) = match first {
        0..0x80 => (1, u32::from(first)),
        0xC0..0xE0 => (2, u32::from(first & 0x1F)),
        0xE0..0xF0 => (3, u32::from(first & 0x0F)),
        0xF0..0xF8 => (4, u32::from(first & 0x07)),
        _ => return Err(("invalid leading UTF-8 octet", false)),
    };
    if at + width > bytes.len() {
        return Err(("incomplete UTF-8 octet sequence", true));
    }
    for &octet in &bytes[at + 1..at + width] {
        if octet & 0xC0 != 0x80 {
            return Err(("invalid trailing UTF-8 octet", false));
        }
        value = value << 6 | u32::from(octet & 0x3F);
    }
    let shortest = match width {
        1 => 0,
        2 => 0x80,
        3 => 0x800,
        _ => 0x10000,
    };
    if value < shortest {
        return Err(("invalid length of a UTF-8 sequence", false));
    }
    if (0xD800..=0xDFFF).contains(&value) || value > 0x10FFFF {
        return Err(("invalid Unicode character", false));
    }
    if allowed(value) { Ok((value, width)) } else { Err((CONTROL, false)) }
}

/// Whether the character is allowed in YAML unescaped.
fn allowed(value: u32) -> bool {
    matches!(value, 0x09 | 0x0A | 0x0D | 0x20..=0x7E | 0x85 | 0xA0..=0xD7FF | 0xE000..=0xFFFD | 0x10000..=0x10FFFF)
}

fn utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> Source<'static> {
    let mut text = String::with_capacity(bytes.len() / 2);
    let mut broken = None;
    let mut units = bytes.chunks(2).map(|pair| match pair {
        [first, second] => Ok(unit([*first, *second])),
        _ => Err("incomplete UTF-16 character"),
    });
    while let Some(next) = units.next() {
        let value = match next {
            Err(problem) => Err(problem),
            Ok(0xDC00..=0xDFFF) => Err("unexpected low surrogate area"),
            Ok(high @ 0xD800..=0xDBFF) => match units.next() {
                Some(Ok(low @ 0xDC00..=0xDFFF)) => Ok(0x10000 + ((u32::from(high) & 0x3FF) << 10) + (u32::from(low) & 0x3FF)),
                Some(Ok(_)) => Err("expected low surrogate area"),
                _ => Err("incomplete UTF-16 surrogate pair"),
            },
            Ok(single) => Ok(u32::from(single)),
        };
        match value.map(|value| (allowed(value), char::from_u32(value))) {
            Ok((true, Some(character))) => text.push(character),
            Ok(_) => broken = Some(CONTROL),
            Err(problem) => broken = Some(problem),
        }
        if broken.is_some() {
            break;
        }
    }
    Source { text: text.into(), broken, plain_breaks: false }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_and_encodings() {
        assert_eq!(Source::new(b"\xEF\xBB\xBFa").text, "a");
        assert_eq!(Source::new(b"\xFF\xFEa\0\xe9\0").text, "aé");
        assert_eq!(Source::new(b"\xFE\xFF\0a\xD8\x3D\xDE\x00").text, "a😀");
        assert!(Source::new(b"a\nb").plain_breaks);
        for other in ["a\rb", "a\u{85}b", "a\u{2028}b", "a\u{2029}b"] {
            assert!(!Source::new(other.as_bytes()).plain_breaks);
        }
    }

    #[test]
    fn bad_characters() {
        let cases: [(&[u8], &str); 9] = [
            (b"a\x01", CONTROL),
            (b"a\x7f", CONTROL),
            ("a\u{80}".as_bytes(), CONTROL),
            ("a\u{FFFE}".as_bytes(), CONTROL),
            (b"a\xff", "invalid leading UTF-8 octet"),
            (b"a\xe2\x80", "incomplete UTF-8 octet sequence"),
            (b"a\xe2(\x80", "invalid trailing UTF-8 octet"),
            (b"a\xc0\x80", "invalid length of a UTF-8 sequence"),
            (b"a\xed\xa0\x80", "invalid Unicode character"),
        ];
        for (bytes, problem) in cases {
            assert_eq!(Source::new(bytes).broken, Some(problem), "{bytes:?}");
        }
    }

    #[test]
    fn a_bad_character_hides_only_its_chunk() {
        let mut text = vec![b' '; 2000];
        text[1999] = 1;
        assert_eq!(Source::new(&text).text.len(), 1536);
        text[100] = 1;
        assert_eq!(Source::new(&text).text.len(), 0);
        let mut text = vec![b' '; 511];
        text.extend_from_slice("\u{fffe}  ".as_bytes());
        assert_eq!(Source::new(&text).text.len(), 511);
    }
}
