//! Go's loose conversions between values: spf13/cast 1.7 for numbers, Sprig's `strval` for texts.
//!
//! Goes in: any value. Comes out: an int64, float64 or text, never an error: a value that cannot be converted becomes 0. It is a
//! module of its own because every topic of functions needs it.

use super::Fault;
use crate::number::{parse_float, parse_int};
use crate::template::format;
use crate::template::value::{ListKind, Str, Value};
use crate::template::work;

/// `cast.ToInt64`, which equals `cast.ToInt` on 64-bit machines.
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

/// `int64(f)` as on amd64: a float out of range becomes the smallest integer.
pub fn float_to_int(number: f64) -> i64 {
    if (-9223372036854775808.0..9223372036854775808.0).contains(&number) { number as i64 } else { i64::MIN }
}

/// Removes a `.` followed only by zeros from the end.
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

/// Sprig's `strval`: strings and bytes unchanged, other values as `%v` prints them.
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
            work::charge_made(out.len())?;
            Ok(Str::from(out))
        }
    }
}

/// Sprig's `strslice`: the items of a list as strings, without nils; any other value as one string.
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
