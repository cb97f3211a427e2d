//! Constants of the template language: numbers and quoted strings, by Go's rules.
//!
//! Goes in: the text of a token. Comes out: a [`Number`] in every type that can hold it, or the bytes of a string; the
//! error is Go's (`illegal number syntax: "1x"`, `invalid syntax`). Follows `newNumber` of text/template/parse/node.go
//! and Go's strconv.

use super::ast::Number;
use crate::number::{parse_float, parse_int, parse_uint};
use crate::quote;
use std::borrow::Cow;

/// A number token other than a character constant or a complex pair.
pub fn number(text: &str) -> Result<Number, String> {
    let mut number = Number { text: text.into(), ..Number::default() };
    if let Some(part) = text.strip_suffix('i')
        && let Ok(imaginary) = parse_float(part.as_bytes())
    {
        return Ok(complex(number, 0.0, imaginary));
    }
    number.uint = parse_uint(text.as_bytes(), 0).ok();
    number.int = parse_int(text.as_bytes(), 0).ok();
    if number.int == Some(0) {
        number.uint = Some(0);
    }
    if let Some(int) = number.int {
        number.float = Some(int as f64);
    } else if let Some(uint) = number.uint {
        number.float = Some(uint as f64);
    } else if let Ok(float) = parse_float(text.as_bytes()) {
        if !text.contains(['.', 'e', 'E', 'p', 'P']) {
            return Err(format!("integer overflow: {}", quote::quote(text.as_bytes())));
        }
        number.float = Some(float);
        integral(&mut number, float);
    }
    if number.int.is_none() && number.uint.is_none() && number.float.is_none() {
        return Err(format!("illegal number syntax: {}", quote::quote(text.as_bytes())));
    }
    Ok(number)
}

/// A character constant with its quotes.
pub fn character(text: &str) -> Result<Number, String> {
    let inner = text.get(1..).unwrap_or("");
    let Some((code, rest)) = unquote_character(inner.as_bytes(), b'\'') else {
        return Err("invalid syntax".into());
    };
    if rest != b"'" {
        return Err(format!("malformed character constant: {text}"));
    }
    let code = match code {
        Piece::Byte(byte) => u32::from(byte),
        Piece::Character(character) => character as u32,
    };
    Ok(Number { text: text.into(), int: Some(i64::from(code)), uint: Some(u64::from(code)), float: Some(f64::from(code)), complex: None })
}

/// `1+2i`
pub fn complex_pair(text: &str) -> Result<Number, String> {
    let number = Number { text: text.into(), ..Number::default() };
    let body = text.strip_suffix('i').unwrap_or(text);
    // The sign between the parts is the last one that neither starts the text nor follows an exponent.
    let bytes = body.as_bytes();
    let split = (1..bytes.len()).rev().find(|at| matches!(bytes[*at], b'+' | b'-') && !matches!(bytes[at - 1], b'e' | b'E' | b'p' | b'P'));
    let float = |part: Option<&[u8]>| parse_float(part?).ok();
    let parts = split.and_then(|at| Some((float(bytes.get(..at))?, float(bytes.get(at..))?)));
    match parts {
        Some((real, imaginary)) => Ok(complex(number, real, imaginary)),
        None => Err("syntax error scanning complex number".into()),
    }
}

fn complex(mut number: Number, real: f64, imaginary: f64) -> Number {
    number.complex = Some((real, imaginary));
    if imaginary == 0.0 {
        number.float = Some(real);
        integral(&mut number, real);
    }
    number
}

/// A whole float is also an integer.
fn integral(number: &mut Number, float: f64) {
    if number.int.is_none() && float.fract() == 0.0 && (-9.223372036854776e18..9.223372036854776e18).contains(&float) {
        number.int = Some(float as i64);
    }
    if number.uint.is_none() && float.fract() == 0.0 && (0.0..1.8446744073709552e19).contains(&float) {
        number.uint = Some(float as u64);
    }
}

/// `strconv.Unquote` of a token in double quotes or backquotes; `None` is Go's `invalid syntax`.
pub fn unquote(text: &[u8]) -> Option<Cow<'_, [u8]>> {
    let inner = text.get(1..text.len().checked_sub(1)?)?;
    if text.first() == Some(&b'`') {
        return Some(match memchr::memchr(b'\r', inner) {
            None => inner.into(),
            Some(_) => inner.iter().copied().filter(|byte| *byte != b'\r').collect(),
        });
    }
    if memchr::memchr(b'\\', inner).is_none() && std::str::from_utf8(inner).is_ok() {
        return Some(inner.into());
    }
    let mut out = Vec::with_capacity(inner.len());
    let mut rest = inner;
    while !rest.is_empty() {
        let (piece, after) = unquote_character(rest, b'"')?;
        match piece {
            Piece::Byte(byte) => out.push(byte),
            Piece::Character(character) => {
                let mut buffer = [0; 4];
                out.extend_from_slice(character.encode_utf8(&mut buffer).as_bytes());
            }
        }
        rest = after;
    }
    Some(out.into())
}

enum Piece {
    /// From `\x` and octal escapes.
    Byte(u8),
    Character(char),
}

/// `strconv.UnquoteChar`
fn unquote_character(text: &[u8], quote: u8) -> Option<(Piece, &[u8])> {
    let (first, rest) = text.split_first()?;
    if *first == quote {
        return None;
    }
    if *first >= 0x80 {
        let width = (2..=4).find(|width| text.get(..*width).is_some_and(|part| std::str::from_utf8(part).is_ok()));
        return Some(match width {
            Some(width) => {
                let character = std::str::from_utf8(&text[..width]).ok()?.chars().next()?;
                (Piece::Character(character), &text[width..])
            }
            None => (Piece::Character('\u{FFFD}'), rest),
        });
    }
    if *first != b'\\' {
        return Some((Piece::Character(char::from(*first)), rest));
    }
    let (escape, rest) = rest.split_first()?;
    let digits = |count: usize| -> Option<(u32, &[u8])> {
        let part = std::str::from_utf8(rest.get(..count)?).ok()?;
        if !part.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return None;
        }
        Some((u32::from_str_radix(part, 16).ok()?, &rest[count..]))
    };
    Some(match escape {
        b'a' => (Piece::Character('\u{7}'), rest),
        b'b' => (Piece::Character('\u{8}'), rest),
        b'f' => (Piece::Character('\u{c}'), rest),
        b'n' => (Piece::Character('\n'), rest),
        b'r' => (Piece::Character('\r'), rest),
        b't' => (Piece::Character('\t'), rest),
        b'v' => (Piece::Character('\u{b}'), rest),
        b'\\' => (Piece::Character('\\'), rest),
        b'\'' | b'"' if *escape == quote => (Piece::Character(char::from(*escape)), rest),
        b'x' => {
            let (code, after) = digits(2)?;
            (Piece::Byte(code as u8), after)
        }
        b'u' | b'U' => {
            let (code, after) = digits(if *escape == b'u' { 4 } else { 8 })?;
            (Piece::Character(char::from_u32(code)?), after)
        }
        b'0'..=b'7' => {
            let more = rest.get(..2)?;
            if !more.iter().all(|byte| (b'0'..=b'7').contains(byte)) {
                return None;
            }
            let code = more.iter().fold(u32::from(escape - b'0'), |code, byte| code * 8 + u32::from(byte - b'0'));
            (Piece::Byte(u8::try_from(code).ok()?), &rest[2..])
        }
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_take_every_base() {
        for (text, value) in [("0x1F", 31), ("0o17", 15), ("017", 15), ("0b11", 3), ("1_000", 1000), ("-5", -5), ("+5", 5), ("-0", 0)] {
            assert_eq!(number(text).unwrap().int, Some(value), "{text}");
        }
        assert_eq!(number("1e3").unwrap().int, Some(1000));
        assert_eq!(number("2.5").unwrap().int, None);
        assert_eq!(number("18446744073709551615").unwrap().uint, Some(u64::MAX));
        assert_eq!(number("99999999999999999999").unwrap_err(), "integer overflow: \"99999999999999999999\"");
        assert_eq!(number("1__0").unwrap_err(), "illegal number syntax: \"1__0\"");
        assert_eq!(number("0x1p4").unwrap().float, Some(16.0));
    }

    #[test]
    fn characters_and_complex_numbers() {
        assert_eq!(character("'a'").unwrap().int, Some(97));
        assert_eq!(character("'\\n'").unwrap().int, Some(10));
        assert!(character("'ab'").is_err());
        assert_eq!(number("1i").unwrap().complex, Some((0.0, 1.0)));
        assert_eq!(complex_pair("1+2i").unwrap().complex, Some((1.0, 2.0)));
    }

    #[test]
    fn strings_are_unquoted() {
        assert_eq!(unquote(b"\"a\\n\\x41\\u00e9\\101\"").unwrap(), "a\nA\u{e9}A".as_bytes());
        assert_eq!(unquote(b"`a\\n\r`").unwrap().as_ref(), b"a\\n");
        assert_eq!(unquote(b"\"\\q\""), None);
        assert_eq!(unquote(b"\"\\'\""), None);
    }
}
