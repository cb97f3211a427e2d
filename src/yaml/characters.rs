//! Characters of scalars: the printable ones, those that break lines, and the escapes of double quotes, in both directions.
//!
//! Goes in: characters of a value, or the letter of an escape. Comes out: go-yaml's treatment of them. Versions 2 (`scanner`,
//! `emit`) and 3 (`node`) share these rules, from libyaml.

/// Whether the character is printed unescaped; to go-yaml, everything beyond U+FFFF is unprintable.
pub(super) fn is_printable(character: char) -> bool {
    matches!(character, '\n' | ' '..='~' | '\u{A0}'..='\u{FEFE}' | '\u{FF00}'..='\u{FFFD}')
}

/// Whether the character breaks lines.
pub(super) fn is_break(character: char) -> bool {
    matches!(character, '\r' | '\n' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

/// The letters of escapes and their characters, frequent ones first.
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

/// The character for the byte behind a backslash, unless the byte starts a number or is a line break.
pub(super) fn unescape(letter: u8) -> Option<char> {
    // These are read, but never written.
    if matches!(letter, b' ' | b'\'' | b'\t') {
        return Some(char::from(letter));
    }
    ESCAPES.iter().find(|escape| escape.0 == letter).map(|escape| escape.1)
}

/// How many hexadecimal digits follow a backslash and this letter, if it starts a character number.
pub(super) fn hexadecimal_digits(letter: u8) -> Option<usize> {
    match letter {
        b'x' => Some(2),
        b'u' => Some(4),
        b'U' => Some(8),
        _ => None,
    }
}

/// The escape of a character, with its backslash: by letter if it has one, else by number.
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
