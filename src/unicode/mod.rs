//! Go's `unicode` and `unicode/utf8` over bytes: categories of letters, simple case mappings, runes of invalid texts.
//!
//! Goes in: bytes of Go strings, which need not be UTF-8. Comes out: runes; an invalid byte is U+FFFD with width 1. It replaces
//! Rust's `char` methods because Go maps rune by rune (`ß` has no upper case) and by its own version of Unicode.

pub(crate) mod tables;

/// The rune that Go reads for invalid UTF-8.
pub const REPLACEMENT: char = '\u{FFFD}';

/// The first rune of `bytes` and its width: (U+FFFD, 1) if invalid, (U+FFFD, 0) if empty (`utf8.DecodeRune`).
pub fn decode(bytes: &[u8]) -> (char, usize) {
    let Some(&first) = bytes.first() else { return (REPLACEMENT, 0) };
    if first < 0x80 {
        return (char::from(first), 1);
    }
    let width = match first {
        0xc2..=0xdf => 2,
        0xe0..=0xef => 3,
        0xf0..=0xf4 => 4,
        _ => return (REPLACEMENT, 1),
    };
    let rune = bytes.get(..width).and_then(|bytes| std::str::from_utf8(bytes).ok()).and_then(|text| text.chars().next());
    rune.map_or((REPLACEMENT, 1), |rune| (rune, width))
}

/// The last rune of `bytes` and its width, as [`decode`] (`utf8.DecodeLastRune`).
pub fn decode_last(bytes: &[u8]) -> (char, usize) {
    for width in 1..=bytes.len().min(4) {
        let (rune, found) = decode(bytes.get(bytes.len() - width..).unwrap_or_default());
        if found == width && !(width == 1 && rune == REPLACEMENT) {
            return (rune, width);
        }
    }
    (REPLACEMENT, bytes.len().min(1))
}

/// The runes of a Go string with their positions and widths.
pub fn runes(bytes: &[u8]) -> impl Iterator<Item = Rune> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let (rune, width) = decode(bytes.get(at..)?);
        let position = at;
        at += width;
        (width > 0).then_some(Rune { rune, position, width })
    })
}

/// One rune of a Go string.
#[derive(Debug, Clone, Copy)]
pub struct Rune {
    pub rune: char,
    pub position: usize,
    pub width: usize,
}

/// The number of runes (`utf8.RuneCount`).
pub fn count(bytes: &[u8]) -> usize {
    if bytes.is_ascii() { bytes.len() } else { runes(bytes).count() }
}

/// Appends a rune as UTF-8.
pub fn push(out: &mut Vec<u8>, rune: char) {
    let mut buffer = [0; 4];
    out.extend_from_slice(rune.encode_utf8(&mut buffer).as_bytes());
}

/// `strings.Map`: maps every rune; invalid bytes are mapped as U+FFFD.
pub fn map(bytes: &[u8], mut mapping: impl FnMut(char) -> char) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len());
    for item in runes(bytes) {
        push(&mut out, mapping(item.rune));
    }
    out
}

fn in_table(table: &[(u32, u32, u32)], rune: char) -> bool {
    let code = u32::from(rune);
    let at = table.partition_point(|row| row.1 < code);
    table.get(at).is_some_and(|&(first, _, stride)| code >= first && (code - first).is_multiple_of(stride))
}

fn mapped(table: &[(u32, u32, u32, i32)], rune: char) -> char {
    let code = u32::from(rune);
    let at = table.partition_point(|row| row.1 < code);
    match table.get(at) {
        Some(&(first, _, stride, offset)) if code >= first && (code - first).is_multiple_of(stride) => {
            code.checked_add_signed(offset).and_then(char::from_u32).unwrap_or(rune)
        }
        _ => rune,
    }
}

/// `unicode.ToUpper`
pub fn to_upper(rune: char) -> char {
    if rune.is_ascii() { rune.to_ascii_uppercase() } else { mapped(tables::TO_UPPER, rune) }
}

/// `unicode.ToLower`
pub fn to_lower(rune: char) -> char {
    if rune.is_ascii() { rune.to_ascii_lowercase() } else { mapped(tables::TO_LOWER, rune) }
}

/// `unicode.ToTitle`
pub fn to_title(rune: char) -> char {
    if rune.is_ascii() { rune.to_ascii_uppercase() } else { mapped(tables::TO_TITLE, rune) }
}

/// `unicode.IsLetter`
pub fn is_letter(rune: char) -> bool {
    if rune.is_ascii() { rune.is_ascii_alphabetic() } else { in_table(tables::LETTERS, rune) }
}

/// `unicode.IsUpper`
pub fn is_upper(rune: char) -> bool {
    if rune.is_ascii() { rune.is_ascii_uppercase() } else { in_table(tables::UPPER, rune) }
}

/// `unicode.IsLower`
pub fn is_lower(rune: char) -> bool {
    if rune.is_ascii() { rune.is_ascii_lowercase() } else { in_table(tables::LOWER, rune) }
}

/// `unicode.IsTitle`
pub fn is_title(rune: char) -> bool {
    !rune.is_ascii() && in_table(tables::TITLE, rune)
}

/// `unicode.IsDigit`
pub fn is_digit(rune: char) -> bool {
    if rune.is_ascii() { rune.is_ascii_digit() } else { in_table(tables::DIGITS, rune) }
}

/// `unicode.IsNumber`
pub fn is_number(rune: char) -> bool {
    if rune.is_ascii() { rune.is_ascii_digit() } else { in_table(tables::NUMBERS, rune) }
}

/// `unicode.IsPunct`; the ASCII characters `$+<=>^`|~` are symbols.
pub fn is_punctuation(rune: char) -> bool {
    if rune.is_ascii() {
        rune.is_ascii_punctuation() && !matches!(rune, '$' | '+' | '<' | '=' | '>' | '^' | '`' | '|' | '~')
    } else {
        in_table(tables::PUNCTUATION, rune)
    }
}

/// `unicode.IsSpace`
pub fn is_space(rune: char) -> bool {
    rune.is_whitespace()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn invalid_bytes_are_replacement_runes_of_width_one() {
        let found: Vec<_> = runes(b"a\xc3\xa9\xff\xe2\x82").map(|rune| (rune.rune, rune.width)).collect();
        assert_eq!(found, [('a', 1), ('é', 2), (REPLACEMENT, 1), (REPLACEMENT, 1), (REPLACEMENT, 1)]);
        assert_eq!(decode(b"\xed\xa0\x80"), (REPLACEMENT, 1));
    }

    #[test]
    fn case_is_mapped_rune_by_rune() {
        assert_eq!(to_upper('ß'), 'ß');
        assert_eq!(to_lower('İ'), 'i');
        assert_eq!(to_upper('ᾳ'), 'ᾼ');
        assert_eq!(to_title('ǆ'), 'ǅ');
        assert_eq!(to_upper('ÿ'), 'Ÿ');
        assert!(is_upper('Ā') && !is_upper('ā') && is_lower('ā'));
    }
}
