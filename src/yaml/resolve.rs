//! The type of a scalar without quotes: go-yaml v2's table of words, numbers and dates (`resolve.go`).
//!
//! Goes in: the text of a scalar and its tag. Comes out: the value. The emitter also uses it to decide whether a string needs
//! quotes.

use super::fault::{Fault, Origin, Step};
use crate::time::{self, Zone};

pub(super) const BOOL: &str = "tag:yaml.org,2002:bool";
pub(super) const INT: &str = "tag:yaml.org,2002:int";
pub(super) const FLOAT: &str = "tag:yaml.org,2002:float";
pub(super) const NULL: &str = "tag:yaml.org,2002:null";
pub(super) const TIMESTAMP: &str = "tag:yaml.org,2002:timestamp";
pub(super) const BINARY: &str = "tag:yaml.org,2002:binary";
pub(super) const MERGE: &str = "tag:yaml.org,2002:merge";

/// The value of a scalar.
#[derive(Debug, Clone, Copy, PartialEq)]
#[repr(u64)]
pub(super) enum Resolved {
    Null,
    Bool(bool),
    Int(i64),
    /// Above the range of int64.
    Uint(u64),
    Float(f64),
    /// A date; Helm uses its text.
    Timestamp,
    Str,
}

impl Resolved {
    fn tag(self) -> &'static str {
        match self {
            Resolved::Null => "!!null",
            Resolved::Bool(_) => "!!bool",
            Resolved::Int(_) | Resolved::Uint(_) => "!!int",
            Resolved::Float(_) => "!!float",
            Resolved::Timestamp => "!!timestamp",
            Resolved::Str => "!!str",
        }
    }
}

/// The value of a scalar without quotes and tag.
pub(super) fn resolve(text: &str) -> Resolved {
    resolve_text(text, true)
}

fn resolve_text(text: &str, timestamps: bool) -> Resolved {
    let Some(&first) = text.as_bytes().first() else { return Resolved::Null };
    match first {
        b'y' | b'Y' | b'n' | b'N' | b't' | b'T' | b'f' | b'F' | b'o' | b'O' | b'~' => word(text),
        b'.' => special_float(text).or_else(|| go_float(text)).map_or(Resolved::Str, Resolved::Float),
        b'+' | b'-' | b'0'..=b'9' => {
            if let Some(float) = special_float(text) {
                return Resolved::Float(float);
            }
            if timestamps && is_timestamp(text) { Resolved::Timestamp } else { number(text) }
        }
        _ => Resolved::Str,
    }
}

/// The value of a scalar with a tag; with a tag that is not YAML's own, it stays a string. The caller decodes `!!binary`.
pub(super) fn resolve_tagged(tag: &str, text: &str) -> Step<Resolved> {
    let found = match tag {
        "" => return Ok(resolve(text)),
        BOOL | INT | FLOAT | NULL | TIMESTAMP => resolve_text(text, tag == TIMESTAMP),
        _ => return Ok(Resolved::Str),
    };
    match (tag, found) {
        (BOOL, Resolved::Bool(_))
        | (INT, Resolved::Int(_) | Resolved::Uint(_))
        | (FLOAT, Resolved::Float(_))
        | (NULL, Resolved::Null)
        | (TIMESTAMP, Resolved::Timestamp) => Ok(found),
        (FLOAT, Resolved::Int(number)) => Ok(Resolved::Float(number as f64)),
        _ => {
            let wanted = tag.strip_prefix("tag:yaml.org,2002:").unwrap_or(tag);
            let problem = format!("cannot decode {} `{text}` as a !!{wanted}", found.tag());
            Err(Fault::without_line(Origin::Decoder, problem))
        }
    }
}

fn word(text: &str) -> Resolved {
    match text {
        "y" | "Y" | "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On" | "ON" => Resolved::Bool(true),
        "n" | "N" | "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off" | "OFF" => Resolved::Bool(false),
        "~" | "null" | "Null" | "NULL" => Resolved::Null,
        _ => Resolved::Str,
    }
}

pub(super) fn special_float(text: &str) -> Option<f64> {
    match text {
        ".nan" | ".NaN" | ".NAN" => Some(f64::NAN),
        ".inf" | ".Inf" | ".INF" | "+.inf" | "+.Inf" | "+.INF" => Some(f64::INFINITY),
        "-.inf" | "-.Inf" | "-.INF" => Some(f64::NEG_INFINITY),
        _ => None,
    }
}

/// `strconv.ParseFloat` on a text of digits, points and exponents; a number out of range is not a float. Single underscores
/// between digits are allowed.
pub(super) fn go_float(text: &str) -> Option<f64> {
    let bytes = text.as_bytes();
    let is_digit = |at: Option<usize>| at.and_then(|at| bytes.get(at)).is_some_and(u8::is_ascii_digit);
    let fits = bytes.iter().enumerate().all(|(at, byte)| match byte {
        b'0'..=b'9' | b'+' | b'-' | b'.' | b'e' | b'E' => true,
        b'_' => is_digit(at.checked_sub(1)) && is_digit(Some(at + 1)),
        _ => false,
    });
    if !fits {
        return None;
    }
    let float: f64 = if text.contains('_') { text.replace('_', "").parse() } else { text.parse() }.ok()?;
    float.is_finite().then_some(float)
}

fn number(text: &str) -> Resolved {
    let stripped;
    let plain = if text.contains('_') {
        stripped = text.replace('_', "");
        stripped.as_str()
    } else {
        text
    };
    if let Some(number) = parse_int(plain) {
        return number;
    }
    if let Some(float) = is_yaml_float(plain).then(|| go_float(plain)).flatten() {
        return Resolved::Float(float);
    }
    // go-yaml parses the text behind 0b once more, so it may have a sign.
    let binary = plain.strip_prefix("0b").and_then(|digits| i64::from_str_radix(digits, 2).ok());
    binary.map_or(Resolved::Str, Resolved::Int)
}

/// `strconv.ParseInt` and then `ParseUint` with base 0.
pub(super) fn parse_int(text: &str) -> Option<Resolved> {
    let (negative, signed, digits) = match text.as_bytes().first()? {
        b'-' => (true, true, &text[1..]),
        b'+' => (false, true, &text[1..]),
        _ => (false, false, text),
    };
    let (radix, digits) = match digits.as_bytes() {
        [b'0', b'x' | b'X', ..] => (16, &digits[2..]),
        [b'0', b'b' | b'B', ..] => (2, &digits[2..]),
        [b'0', b'o' | b'O', ..] => (8, &digits[2..]),
        [b'0', _, ..] => (8, &digits[1..]),
        _ => (10, digits),
    };
    if digits.is_empty() || !digits.bytes().all(|byte| char::from(byte).is_digit(radix)) {
        return None;
    }
    let size = u64::from_str_radix(digits, radix).ok()?;
    if negative {
        return 0i64.checked_sub_unsigned(size).map(Resolved::Int);
    }
    match i64::try_from(size) {
        Ok(number) => Some(Resolved::Int(number)),
        Err(_) if signed => None,
        Err(_) => Some(Resolved::Uint(size)),
    }
}

/// `^[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$`
pub(super) fn is_yaml_float(text: &str) -> bool {
    let digits = |text: &str| text.len() - text.trim_start_matches(|byte: char| byte.is_ascii_digit()).len();
    let rest = text.strip_prefix(['-', '+']).unwrap_or(text);
    let whole = digits(rest);
    let mut rest = &rest[whole..];
    if let Some(fraction) = rest.strip_prefix('.') {
        let count = digits(fraction);
        if whole == 0 && count == 0 {
            return false;
        }
        rest = &fraction[count..];
    } else if whole == 0 {
        return false;
    }
    match rest.strip_prefix(['e', 'E']) {
        None => rest.is_empty(),
        Some(exponent) => {
            let exponent = exponent.strip_prefix(['-', '+']).unwrap_or(exponent);
            !exponent.is_empty() && digits(exponent) == exponent.len()
        }
    }
}

/// Whether the text is a date in one of go-yaml's four layouts, as Go's `time.Parse` reads them.
pub(super) fn is_timestamp(text: &str) -> bool {
    let bytes = text.as_bytes();
    let year_digits = bytes.iter().take_while(|byte| byte.is_ascii_digit()).count();
    if year_digits != 4 || bytes.get(4) != Some(&b'-') {
        return false;
    }
    // The layouts differ in the text behind the date.
    let layout = match bytes.iter().find(|byte| !byte.is_ascii_digit() && **byte != b'-') {
        Some(b'T') => "2006-1-2T15:4:5.999999999Z07:00",
        Some(b't') => "2006-1-2t15:4:5.999999999Z07:00",
        Some(b' ') => "2006-1-2 15:4:5.999999999",
        _ => "2006-1-2",
    };
    time::parse(layout.as_bytes(), bytes, &Zone::Utc).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_numbers() {
        let cases = [
            ("", Resolved::Null),
            ("~", Resolved::Null),
            ("nULL", Resolved::Str),
            ("yes", Resolved::Bool(true)),
            ("yEs", Resolved::Str),
            ("Off", Resolved::Bool(false)),
            ("0x1F", Resolved::Int(31)),
            ("-0b11", Resolved::Int(-3)),
            ("017", Resolved::Int(15)),
            ("0o17", Resolved::Int(15)),
            ("08", Resolved::Float(8.0)),
            ("1_000", Resolved::Int(1000)),
            ("1.", Resolved::Float(1.0)),
            (".5e1", Resolved::Float(5.0)),
            (".1_5", Resolved::Float(0.15)),
            ("._5", Resolved::Str),
            (".5_", Resolved::Str),
            ("1_0.5", Resolved::Float(10.5)),
            ("1e400", Resolved::Str),
            ("18446744073709551615", Resolved::Uint(u64::MAX)),
            ("18446744073709551616", Resolved::Float(18446744073709551616.0)),
            ("-9223372036854775808", Resolved::Int(i64::MIN)),
            ("+.inf", Resolved::Float(f64::INFINITY)),
            ("1:30", Resolved::Str),
            ("0b-1", Resolved::Int(-1)),
            ("2001-01-01", Resolved::Timestamp),
            ("2001-2-30", Resolved::Str),
            ("2001-12-14T21:59:43.10-05:00", Resolved::Timestamp),
            ("2001-12-14t21:59:43z", Resolved::Str),
            ("2001-12-14t1:2:3,5Z", Resolved::Timestamp),
            ("2001-12-14   21:59:43", Resolved::Timestamp),
            ("2001-12-14T24:00:00Z", Resolved::Str),
            ("2001-12-14 21:59:43 -5", Resolved::Str),
        ];
        for (text, want) in cases {
            assert_eq!(resolve(text), want, "{text}");
        }
    }

    #[test]
    fn tags() {
        assert_eq!(resolve_tagged("tag:yaml.org,2002:str", "1").ok(), Some(Resolved::Str));
        assert_eq!(resolve_tagged("!foo", "1").ok(), Some(Resolved::Str));
        assert_eq!(resolve_tagged(FLOAT, "1").ok(), Some(Resolved::Float(1.0)));
        let message = resolve_tagged(INT, "x").map_err(|fault| fault.message());
        assert_eq!(message, Err("yaml: cannot decode !!str `x` as a !!int".to_owned()));
    }
}
