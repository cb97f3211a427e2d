//! Text in Go's quotes: `strconv.Quote` and its relatives, as in `%q`, sprig's `quote` and many messages.
//!
//! Goes in: bytes, mostly UTF-8. Comes out: a Go string literal, always valid UTF-8. It is a module of its own because templates,
//! loaders and error texts all quote alike.

pub mod printable;

pub use printable::is_printable;

const HEXADECIMAL: &[u8; 16] = b"0123456789abcdef";

/// `text` as a double-quoted Go literal.
pub fn quote(text: impl AsRef<[u8]>) -> String {
    let text = text.as_ref();
    let mut out = Vec::with_capacity(text.len() + 2);
    write_quoted(&mut out, text);
    String::from_utf8_lossy(&out).into_owned()
}

/// Appends `text` as a double-quoted Go literal.
pub fn write_quoted(out: &mut Vec<u8>, text: &[u8]) {
    write_with(out, text, false);
}

/// Appends `text` as a double-quoted Go literal with only ASCII.
pub fn write_quoted_ascii(out: &mut Vec<u8>, text: &[u8]) {
    write_with(out, text, true);
}

/// Appends the character `code` as a single-quoted Go literal; an invalid code becomes U+FFFD.
pub fn write_quoted_character(out: &mut Vec<u8>, code: u32, ascii: bool) {
    out.push(b'\'');
    write_escaped(out, char::from_u32(code).unwrap_or('\u{fffd}'), '\'', ascii);
    out.push(b'\'');
}

/// `character` as a single-quoted Go literal.
pub fn quote_character(character: char) -> String {
    let mut out = Vec::new();
    write_quoted_character(&mut out, u32::from(character), false);
    String::from_utf8_lossy(&out).into_owned()
}

/// Whether `text` can be between backquotes unchanged: UTF-8, no control characters except tab, no backquote.
pub fn can_backquote(text: &[u8]) -> bool {
    std::str::from_utf8(text).is_ok_and(|text| {
        !text.chars().any(|character| (character < ' ' && character != '\t') || matches!(character, '`' | '\u{7f}' | '\u{feff}'))
    })
}

fn write_with(out: &mut Vec<u8>, text: &[u8], ascii: bool) {
    out.push(b'"');
    for chunk in text.utf8_chunks() {
        let valid = chunk.valid();
        let mut plain = 0;
        for (at, character) in valid.char_indices() {
            // Runs of plain ASCII are copied at once.
            if matches!(character, ' '..='~') && character != '"' && character != '\\' {
                continue;
            }
            out.extend_from_slice(&valid.as_bytes()[plain..at]);
            write_escaped(out, character, '"', ascii);
            plain = at + character.len_utf8();
        }
        out.extend_from_slice(&valid.as_bytes()[plain..]);
        for byte in chunk.invalid() {
            write_byte(out, *byte);
        }
    }
    out.push(b'"');
}

/// `\xHH`
fn write_byte(out: &mut Vec<u8>, byte: u8) {
    out.extend_from_slice(&[b'\\', b'x', HEXADECIMAL[usize::from(byte >> 4)], HEXADECIMAL[usize::from(byte & 15)]]);
}

fn write_escaped(out: &mut Vec<u8>, character: char, mark: char, ascii: bool) {
    if character == mark || character == '\\' {
        out.extend_from_slice(&[b'\\', character as u8]);
        return;
    }
    if (character.is_ascii() || !ascii) && is_printable(character) {
        out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
        return;
    }
    let code = character as u32;
    let short = match character {
        '\x07' => b'a',
        '\x08' => b'b',
        '\x0c' => b'f',
        '\n' => b'n',
        '\r' => b'r',
        '\t' => b't',
        '\x0b' => b'v',
        _ if code < 0x80 => return write_byte(out, code as u8),
        _ => {
            let (letter, digits) = if code < 0x10000 { (b'u', 4) } else { (b'U', 8) };
            out.extend_from_slice(&[b'\\', letter]);
            out.extend((0..digits).rev().map(|place| HEXADECIMAL[(code >> (4 * place)) as usize & 15]));
            return;
        }
    };
    out.extend_from_slice(&[b'\\', short]);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_as_strconv() {
        // Recorded from Go 1.26 strconv.Quote.
        let cases: [(&[u8], &str); 8] = [
            (b"", r#""""#),
            (b"plain", r#""plain""#),
            (b"a\"b\\c", r#""a\"b\\c""#),
            (b"\x07\x08\x0c\n\r\t\x0b\x00\x7f", r#""\a\b\f\n\r\t\v\x00\x7f""#),
            (b"caf\xc3\xa9 \xff\xe2\x82", r#""café \xff\xe2\x82""#),
            ("\u{200b}\u{feff}".as_bytes(), r#""\u200b\ufeff""#),
            ("😀\u{e0001}".as_bytes(), r#""😀\U000e0001""#),
            ("\u{fffd}".as_bytes(), "\"\u{fffd}\""),
        ];
        for (text, want) in cases {
            assert_eq!(quote(text), want);
        }
    }

    #[test]
    fn characters_and_ascii() {
        let mut out = Vec::new();
        write_quoted_character(&mut out, 'é' as u32, true);
        write_quoted_character(&mut out, '\'' as u32, false);
        write_quoted_character(&mut out, '"' as u32, false);
        write_quoted_character(&mut out, 0xd800, false);
        write_quoted_ascii(&mut out, "é😀".as_bytes());
        assert_eq!(String::from_utf8_lossy(&out), "'\\u00e9''\\'''\"''\u{fffd}'\"\\u00e9\\U0001f600\"");
    }

    #[test]
    fn backquotes() {
        assert!(can_backquote("a\tb \"é\"".as_bytes()));
        assert!(!can_backquote(b"a`b"));
        assert!(!can_backquote(b"a\nb"));
        assert!(!can_backquote(b"\xff"));
    }
}
