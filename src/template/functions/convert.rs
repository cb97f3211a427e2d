//! Go's loose conversions between values: spf13/cast 1.7 for numbers, Sprig's `strval` for texts.
//!
//! Goes in: any value. Comes out: an int64, float64 or text, never an error: what cannot be converted is 0.
//! Apart because every topic of functions needs them.

use super::Fault;
use crate::template::format;
use crate::template::value::{ListKind, Str, Value};

/// `cast.ToInt64`, which `cast.ToInt` equals on 64-bit machines.
pub fn to_int64(value: &Value) -> i64 {
    match value {
        Value::Int(_, number) => *number,
        Value::Float(number) => float_to_int(*number),
        Value::Bool(truth) => i64::from(*truth),
        Value::Str(text) => parse_int(trim_zero_decimal(text.as_bytes()), 0).unwrap_or(0),
        // time.Month and time.Weekday, but not time.Duration.
        Value::Object(object) if object.kind_name() == "int" => object.underlying().map_or(0, |plain| to_int64(&plain)),
        _ => 0,
    }
}

/// `cast.ToFloat64`
pub fn to_float64(value: &Value) -> f64 {
    match value {
        Value::Float(number) => *number,
        Value::Int(kind, number) if kind.is_unsigned() => *number as u64 as f64,
        Value::Int(_, number) => *number as f64,
        Value::Bool(truth) => f64::from(u8::from(*truth)),
        Value::Str(text) => parse_float(text.as_bytes()).unwrap_or(0.0),
        Value::Object(object) if object.kind_name() == "int" => object.underlying().map_or(0.0, |plain| to_float64(&plain)),
        _ => 0.0,
    }
}

/// `int64(f)` as amd64 does it: what does not fit is the smallest number.
pub fn float_to_int(number: f64) -> i64 {
    if (-9223372036854775808.0..9223372036854775808.0).contains(&number) { number as i64 } else { i64::MIN }
}

/// Drops `.` and the zeros behind it from the end.
fn trim_zero_decimal(text: &[u8]) -> &[u8] {
    let mut found_zero = false;
    for (at, byte) in text.iter().enumerate().rev() {
        match byte {
            b'.' if found_zero => return text.get(..at).unwrap_or(text),
            b'.' => {}
            b'0' => found_zero = true,
            _ => break,
        }
    }
    text
}

/// Why a number does not parse.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NumberFault {
    Syntax,
    /// Out of range; the nearest number.
    Range(i64),
}

/// `strconv.ParseInt` with 64 bits; base 0 reads prefixes and underscores.
pub fn parse_int(text: &[u8], base: u32) -> Result<i64, NumberFault> {
    let (negative, digits) = match text {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        _ => (false, text),
    };
    let (radix, number) = match (base, digits) {
        (0, [b'0', mark, rest @ ..]) if !rest.is_empty() && b"xX".contains(mark) => (16, rest),
        (0, [b'0', mark, rest @ ..]) if !rest.is_empty() && b"oO".contains(mark) => (8, rest),
        (0, [b'0', mark, rest @ ..]) if !rest.is_empty() && b"bB".contains(mark) => (2, rest),
        (0, [b'0', rest @ ..]) => (8, rest),
        (0, _) => (10, digits),
        _ => (base, digits),
    };
    if digits.is_empty() {
        return Err(NumberFault::Syntax);
    }
    let mut total: u64 = 0;
    let mut overflow = false;
    let mut underscores = false;
    for &byte in number {
        if byte == b'_' && base == 0 {
            underscores = true;
            continue;
        }
        let digit = char::from(byte).to_digit(radix).ok_or(NumberFault::Syntax)?;
        match total.checked_mul(u64::from(radix)).and_then(|total| total.checked_add(u64::from(digit))) {
            Some(sum) => total = sum,
            None => overflow = true,
        }
    }
    if underscores && !underscores_stand_right(digits) {
        return Err(NumberFault::Syntax);
    }
    match negative {
        true if !overflow && total <= 1 << 63 => Ok((total as i64).wrapping_neg()),
        true => Err(NumberFault::Range(i64::MIN)),
        false if !overflow && total < 1 << 63 => Ok(total as i64),
        false => Err(NumberFault::Range(i64::MAX)),
    }
}

/// Underscores stand between digits or between a base prefix and a digit.
fn underscores_stand_right(text: &[u8]) -> bool {
    let (mut last, hexadecimal, rest) = match text {
        [b'0', mark, rest @ ..] if b"xX".contains(mark) => (b'0', true, rest),
        [b'0', mark, rest @ ..] if b"oObB".contains(mark) => (b'0', false, rest),
        _ => (b'^', false, text),
    };
    for &byte in rest {
        if byte.is_ascii_digit() || hexadecimal && byte.is_ascii_hexdigit() {
            last = b'0';
        } else if byte == b'_' {
            if last != b'0' {
                return false;
            }
            last = b'_';
        } else {
            if last == b'_' {
                return false;
            }
            last = b'!';
        }
    }
    last != b'_'
}

/// `strconv.ParseFloat` with 64 bits; out of range is an error.
pub fn parse_float(text: &[u8]) -> Option<f64> {
    let text = std::str::from_utf8(text).ok()?;
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    if unsigned.len() > 1 && matches!(unsigned.as_bytes().get(..2), Some(b"0x" | b"0X")) {
        return parse_hexadecimal_float(text, unsigned);
    }
    let first = unsigned.bytes().next()?;
    if !(first.is_ascii_digit() || first == b'.') {
        // inf, infinity with a sign, nan without
        let word = unsigned.eq_ignore_ascii_case("inf") || unsigned.eq_ignore_ascii_case("infinity");
        return if word || text.eq_ignore_ascii_case("nan") { text.parse().ok() } else { None };
    }
    let number: f64 = if text.contains('_') {
        if !underscores_stand_right(unsigned.as_bytes()) {
            return None;
        }
        text.replace('_', "").parse().ok()?
    } else {
        text.parse().ok()?
    };
    number.is_finite().then_some(number)
}

/// `0x1.8p3`: the exponent is required.
fn parse_hexadecimal_float(text: &str, unsigned: &str) -> Option<f64> {
    if unsigned.contains('_') && !underscores_stand_right(unsigned.as_bytes()) {
        return None;
    }
    let (mantissa, exponent) = unsigned.get(2..)?.split_once(['p', 'P'])?;
    let exponent: i32 = exponent.replace('_', "").parse().ok()?;
    let mut total = 0.0f64;
    let mut scale = 0i32;
    let mut digits = 0;
    let mut after_point = false;
    for c in mantissa.chars().filter(|&c| c != '_') {
        if c == '.' && !after_point {
            after_point = true;
            continue;
        }
        total = total * 16.0 + f64::from(c.to_digit(16)?);
        digits += 1;
        if after_point {
            scale -= 4;
        }
    }
    let number = total * 2f64.powi(scale.saturating_add(exponent));
    let number = if text.starts_with('-') { -number } else { number };
    (digits > 0 && number.is_finite()).then_some(number)
}

/// Sprig's `strval`: strings and bytes as they are, the rest as `%v` prints it.
pub fn write_text(value: &Value, out: &mut Vec<u8>) -> Result<(), Fault> {
    match value {
        Value::Str(text) => out.extend_from_slice(text.as_bytes()),
        Value::Bytes(bytes) => out.extend_from_slice(bytes),
        other => format::print_plain(other, out)?,
    }
    Ok(())
}

/// Sprig's `strval` as a string of its own.
pub fn to_text(value: &Value) -> Result<Str, Fault> {
    match value {
        Value::Str(text) => Ok(text.clone()),
        Value::Bytes(bytes) => Ok(Str::from(bytes.clone())),
        other => {
            let mut out = Vec::new();
            format::print_plain(other, &mut out)?;
            Ok(Str::from(out))
        }
    }
}

/// Sprig's `strslice`: the items of a list as texts without nils; anything else is one text.
pub fn to_texts(value: &Value) -> Result<Vec<Str>, Fault> {
    match value {
        Value::Nil => Ok(Vec::new()),
        Value::List(list) => {
            let items = list.items().iter();
            items.filter(|item| !matches!(item, Value::Nil)).map(to_text).collect()
        }
        Value::Bytes(bytes) => Ok(bytes.iter().map(|byte| Str::from(byte.to_string())).collect()),
        other => Ok(vec![to_text(other)?]),
    }
}

/// Whether `value` is a Go `[]string`.
pub fn is_strings(value: &Value) -> bool {
    matches!(value, Value::List(list) if list.kind() == ListKind::Str)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_become_integers_as_cast_does_it() {
        for (text, expected) in [
            ("12", 12),
            ("-0x10", -16),
            ("010", 8),
            ("0b11", 3),
            ("1_000", 1000),
            ("1__0", 0),
            ("5.0", 5),
            ("5.", 0),
            ("5.0.", 5),
            ("5.5", 0),
            ("1e3", 0),
            ("08", 0),
            ("", 0),
            ("0", 0),
            (".0", 0),
            ("9223372036854775808", 0),
            ("-9223372036854775808", i64::MIN),
        ] {
            assert_eq!(to_int64(&Value::str(text)), expected, "{text}");
        }
        assert_eq!(to_int64(&Value::Float(1e300)), i64::MIN);
        assert_eq!(to_int64(&Value::Float(-1.9)), -1);
    }

    #[test]
    fn texts_become_floats_as_strconv_does_it() {
        for (text, expected) in
            [("1e3", 1000.0), ("0x10", 0.0), ("0x1p4", 16.0), ("1_0.5", 10.5), ("1e400", 0.0), (".5", 0.5), ("+nan", 0.0)]
        {
            assert_eq!(to_float64(&Value::str(text)), expected, "{text}");
        }
        assert_eq!(to_float64(&Value::str("-Inf")), f64::NEG_INFINITY);
    }
}
