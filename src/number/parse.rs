//! Numbers from texts the way Go reads them (strconv).
//!
//! Goes in: texts of numbers. Comes out: integers and floats, or what is wrong in Go's two words for it. Flags and template
//! functions read the same forms.

/// Why a number does not parse.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum NumberFault<T> {
    Syntax,
    /// Out of range; the nearest number.
    Range(T),
}

impl<T> NumberFault<T> {
    /// strconv's `ErrSyntax` or `ErrRange`.
    pub fn reason(&self) -> &'static str {
        match self {
            NumberFault::Syntax => "invalid syntax",
            NumberFault::Range(_) => "value out of range",
        }
    }
}

/// `strconv.ParseInt` with 64 bits; base 0 reads prefixes and underscores.
pub fn parse_int(text: &[u8], base: u32) -> Result<i64, NumberFault<i64>> {
    let (negative, digits) = match text {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        _ => (false, text),
    };
    let magnitude = match parse_uint(digits, base) {
        Ok(magnitude) => Some(magnitude),
        Err(NumberFault::Range(_)) => None,
        Err(NumberFault::Syntax) => return Err(NumberFault::Syntax),
    };
    match (negative, magnitude) {
        (true, Some(magnitude)) if magnitude <= 1 << 63 => Ok((magnitude as i64).wrapping_neg()),
        (true, _) => Err(NumberFault::Range(i64::MIN)),
        (false, Some(magnitude)) if magnitude < 1 << 63 => Ok(magnitude as i64),
        (false, _) => Err(NumberFault::Range(i64::MAX)),
    }
}

/// `strconv.ParseUint` with 64 bits; base 0 reads prefixes and underscores.
pub fn parse_uint(text: &[u8], base: u32) -> Result<u64, NumberFault<u64>> {
    let (radix, number) = match (base, text) {
        (0, [b'0', mark, rest @ ..]) if !rest.is_empty() && b"xX".contains(mark) => (16, rest),
        (0, [b'0', mark, rest @ ..]) if !rest.is_empty() && b"oO".contains(mark) => (8, rest),
        (0, [b'0', mark, rest @ ..]) if !rest.is_empty() && b"bB".contains(mark) => (2, rest),
        (0, [b'0', rest @ ..]) => (8, rest),
        (0, _) => (10, text),
        _ => (base, text),
    };
    if text.is_empty() {
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
    if underscores && !underscores_stand_right(text) {
        return Err(NumberFault::Syntax);
    }
    if overflow { Err(NumberFault::Range(u64::MAX)) } else { Ok(total) }
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

/// `strconv.ParseFloat` with 64 bits.
pub fn parse_float(text: &[u8]) -> Result<f64, NumberFault<f64>> {
    let text = std::str::from_utf8(text).map_err(|_| NumberFault::Syntax)?;
    let number = any_float(text).ok_or(NumberFault::Syntax)?;
    // What is infinite although nobody wrote so was too large.
    let is_word = text.trim_start_matches(['+', '-']).starts_with(['i', 'I']);
    if number.is_infinite() && !is_word { Err(NumberFault::Range(number)) } else { Ok(number) }
}

fn any_float(text: &str) -> Option<f64> {
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
    if !text.contains('_') {
        return text.parse().ok();
    }
    underscores_stand_right(unsigned.as_bytes()).then(|| text.replace('_', "").parse().ok())?
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
    (digits > 0).then_some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_are_read_as_strconv_does() {
        for (text, number) in [("0x10", 16), ("-0b1_0", -2), ("017", 15), ("0_7", 7), ("1_0", 10), ("+9223372036854775807", i64::MAX)] {
            assert_eq!(parse_int(text.as_bytes(), 0), Ok(number), "{text}");
        }
        for text in ["", "-", "+-1", "_1", "1_", "08", "0x", "0x_", "0x1__0", "1.0", "x"] {
            assert_eq!(parse_int(text.as_bytes(), 0), Err(NumberFault::Syntax), "{text}");
        }
        assert_eq!(parse_int(b"9223372036854775808", 0), Err(NumberFault::Range(i64::MAX)));
        assert_eq!(parse_int(b"-99999999999999999999", 0), Err(NumberFault::Range(i64::MIN)));
        assert_eq!(parse_uint(b"18446744073709551615", 0), Ok(u64::MAX));
        assert_eq!(parse_uint(b"18446744073709551616", 0), Err(NumberFault::Range(u64::MAX)));
        assert_eq!(parse_uint(b"+1", 0), Err(NumberFault::Syntax));
        assert_eq!(parse_int(b"0x10", 10), Err(NumberFault::Syntax));
    }

    #[test]
    fn floats_are_read_as_strconv_does() {
        for (text, number) in [("0x1.8p3", 12.0), ("1_0.5", 10.5), ("-Inf", f64::NEG_INFINITY), (".5", 0.5), ("1e3", 1000.0)] {
            assert_eq!(parse_float(text.as_bytes()), Ok(number), "{text}");
        }
        for text in ["", "1_", "--1", "0x1", "x", "+nan"] {
            assert_eq!(parse_float(text.as_bytes()), Err(NumberFault::Syntax), "{text}");
        }
        for text in ["1e400", "0x1p2000"] {
            assert_eq!(parse_float(text.as_bytes()), Err(NumberFault::Range(f64::INFINITY)), "{text}");
        }
    }
}
