//! Characters of scalars: which are printed as they are, which break lines, and the escapes of double quotes, both ways.
//!
//! Goes in: characters of a value, or the letter of an escape. Comes out: what go-yaml makes of them. Its versions 2 (`scanner`,
//! `emit`) and 3 (`node`) have these rules in common, from libyaml.

/// Whether the character is printed as it is; go-yaml takes everything beyond U+FFFF for unprintable.
pub(super) fn is_printable(character: char) -> bool {
    matches!(character, '\n' | ' '..='~' | '\u{A0}'..='\u{FEFE}' | '\u{FF00}'..='\u{FFFD}')
}

/// Whether the character breaks lines.
pub(super) fn is_break(character: char) -> bool {
    matches!(character, '\r' | '\n' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

/// The letters of escapes and what they stand for, the frequent ones first.
const ESCAPES: [(u8, char); 15] = [
    (b'n', '\n'),
    (b'"', '"'),
    (b'\\', '\\'),
    (b't', '\t'),
    (b'r', '\r'),
    (b'0', '\0'),
    (b'a', '\x07'),
    (b'b', '\x08'),
    (b'v', '\x0B'),
    (b'f', '\x0C'),
    (b'e', '\x1B'),
    (b'N', '\u{85}'),
    (b'_', '\u{A0}'),
    (b'L', '\u{2028}'),
    (b'P', '\u{2029}'),
];

/// What the byte behind a backslash stands for, if it is no number's and no line break.
pub(super) fn unescape(letter: u8) -> Option<char> {
    // These are read, but never written.
    if matches!(letter, b' ' | b'\'' | b'\t') {
        return Some(char::from(letter));
    }
    ESCAPES.iter().find(|escape| escape.0 == letter).map(|escape| escape.1)
}

/// How many hexadecimal digits follow a backslash and this letter, if it begins the number of a character.
pub(super) fn hexadecimal_digits(letter: u8) -> Option<usize> {
    match letter {
        b'x' => Some(2),
        b'u' => Some(4),
        b'U' => Some(8),
        _ => None,
    }
}

/// The escape of a character, with its backslash: by its letter if it has one, else by its number.
pub(super) fn escape(character: char) -> String {
    if let Some((letter, _)) = ESCAPES.iter().find(|escape| escape.1 == character) {
        return format!("\\{}", char::from(*letter));
    }
    match u32::from(character) {
        code @ 0..=0xFF => format!("\\x{code:02X}"),
        code @ 0x100..=0xFFFF => format!("\\u{code:04X}"),
        code => format!("\\U{code:08X}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_are_inverse() {
        for (letter, character) in ESCAPES {
            assert_eq!(unescape(letter), Some(character));
            assert_eq!(escape(character).as_bytes(), [b'\\', letter]);
        }
        assert_eq!([escape('\u{7F}'), escape('\u{FEFF}'), escape('😀')], ["\\x7F", "\\uFEFF", "\\U0001F600"]);
        assert_eq!((unescape(b'\t'), unescape(b'q')), (Some('\t'), None));
    }
}
