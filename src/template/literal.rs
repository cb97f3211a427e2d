//! Constants of the template language: numbers and quoted strings, by Go's rules.
//!
//! Goes in: the text of a token. Comes out: a [`Number`] in every type that can hold it, or the bytes of a string; the
//! error is Go's (`illegal number syntax: "1x"`, `invalid syntax`). Follows `newNumber` of text/template/parse/node.go
//! and Go's strconv.

use super::ast::Number;
use crate::quote;
use std::borrow::Cow;

/// A number token that is not a character and not a complex pair.
pub fn number(text: &str) -> Result<Number, String> {
    let mut number = Number { text: text.into(), ..Number::default() };
    if let Some(part) = text.strip_suffix('i')
        && let Some(imaginary) = parse_float(part)
    {
        return Ok(complex(number, 0.0, imaginary));
    }
    number.uint = parse_uint(text);
    number.int = parse_int(text);
    if number.int == Some(0) {
        number.uint = Some(0);
    }
    if let Some(int) = number.int {
        number.float = Some(int as f64);
    } else if let Some(uint) = number.uint {
        number.float = Some(uint as f64);
    } else if let Some(float) = parse_float(text) {
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
    // The sign between the parts is the last one that neither begins the text nor follows an exponent.
    let bytes = body.as_bytes();
    let split = (1..bytes.len()).rev().find(|at| matches!(bytes[*at], b'+' | b'-') && !matches!(bytes[at - 1], b'e' | b'E' | b'p' | b'P'));
    let parts = split.and_then(|at| Some((parse_float(body.get(..at)?)?, parse_float(body.get(at..)?)?)));
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

/// A float that is whole is an integer too.
fn integral(number: &mut Number, float: f64) {
    if number.int.is_none() && float.fract() == 0.0 && (-9.223372036854776e18..9.223372036854776e18).contains(&float) {
        number.int = Some(float as i64);
    }
    if number.uint.is_none() && float.fract() == 0.0 && (0.0..1.8446744073709552e19).contains(&float) {
        number.uint = Some(float as u64);
    }
}

/// `strconv.ParseUint(text, 0, 64)`
fn parse_uint(text: &str) -> Option<u64> {
    let (digits, radix) = match text.as_bytes() {
        [b'0', b'x' | b'X', _, ..] => (&text[2..], 16),
        [b'0', b'o' | b'O', _, ..] => (&text[2..], 8),
        [b'0', b'b' | b'B', _, ..] => (&text[2..], 2),
        [b'0', _, ..] => (&text[1..], 8),
        _ => (text, 10),
    };
    if digits.starts_with('+') {
        return None;
    }
    if !digits.contains('_') {
        return u64::from_str_radix(digits, radix).ok();
    }
    underscores_stand_between_digits(text).then(|| u64::from_str_radix(&digits.replace('_', ""), radix).ok()).flatten()
}

/// `strconv.ParseInt(text, 0, 64)`
fn parse_int(text: &str) -> Option<i64> {
    let (negative, digits) = match text.as_bytes().first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    let magnitude = parse_uint(digits)?;
    match negative {
        true => (magnitude <= 1 << 63).then(|| (magnitude as i64).wrapping_neg()),
        false => i64::try_from(magnitude).ok(),
    }
}

/// Go's rule: an underscore separates digits, or the base prefix from the first digit.
fn underscores_stand_between_digits(text: &str) -> bool {
    let text = text.strip_prefix(['+', '-']).unwrap_or(text);
    let bytes = text.as_bytes();
    let mut hexadecimal = false;
    let (mut previous, begin) = match bytes {
        [b'0', base @ (b'b' | b'B' | b'o' | b'O' | b'x' | b'X'), ..] => {
            hexadecimal = matches!(base, b'x' | b'X');
            (b'0', 2)
        }
        _ => (b'^', 0),
    };
    for byte in &bytes[begin..] {
        if byte.is_ascii_digit() || hexadecimal && byte.is_ascii_hexdigit() {
            previous = b'0';
        } else if *byte == b'_' {
            if previous != b'0' {
                return false;
            }
            previous = b'_';
        } else {
            if previous == b'_' {
                return false;
            }
            previous = b'!';
        }
    }
    previous != b'_'
}

/// `strconv.ParseFloat(text, 64)`, without the names of infinities, which no token spells.
fn parse_float(text: &str) -> Option<f64> {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    if text.contains('_') && !underscores_stand_between_digits(text) {
        return None;
    }
    if unsigned.starts_with("0x") || unsigned.starts_with("0X") {
        let value = parse_hexadecimal_float(&unsigned[2..].replace('_', ""))?;
        return Some(if text.starts_with('-') { -value } else { value });
    }
    let plain = text.replace('_', "");
    let unsigned = plain.strip_prefix(['+', '-']).unwrap_or(&plain);
    if !unsigned.bytes().any(|byte| byte.is_ascii_digit())
        || !unsigned.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b'e' | b'E' | b'+' | b'-'))
    {
        return None;
    }
    plain.parse::<f64>().ok().filter(|value| value.is_finite())
}

/// Digits, `.`, digits, `p`, exponent: without rounding trouble below 2^53, which is all that charts write.
fn parse_hexadecimal_float(text: &str) -> Option<f64> {
    let (mantissa, exponent) = text.split_once(['p', 'P'])?;
    let exponent: i32 = exponent.parse().ok()?;
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    if whole.is_empty() && fraction.is_empty() {
        return None;
    }
    let mut value = 0f64;
    for digit in whole.chars().chain(fraction.chars()) {
        value = value * 16.0 + f64::from(digit.to_digit(16)?);
    }
    let scaled = value * 2f64.powi(exponent.saturating_sub(4 * i32::try_from(fraction.len()).ok()?));
    scaled.is_finite().then_some(scaled)
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
