//! Numbers from texts the way Go reads them (strconv).
//!
//! Goes in: texts of numbers. Comes out: integers and floats, or Go's reason (one of two). Flags and template functions accept the
//! same forms.

/// Why a number does not parse.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum NumberFault<T> {
    Syntax,
    /// Out of range; with the nearest number.
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
    let mut underscores = false;
    for &byte in number {
        if byte == b'_' && base == 0 {
            underscores = true;
            continue;
        }
        let digit = char::from(byte).to_digit(radix).ok_or(NumberFault::Syntax)?;
        match total.checked_mul(u64::from(radix)).and_then(|total| total.checked_add(u64::from(digit))) {
            Some(sum) => total = sum,
            // Go ignores the rest.
            None => return Err(NumberFault::Range(u64::MAX)),
        }
    }
    if underscores && !underscores_stand_right(text) {
        return Err(NumberFault::Syntax);
    }
    Ok(total)
}

/// Whether each underscore is between digits, or between a base prefix and a digit.
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
    // An infinite number that was not written as infinity was too large.
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
        // inf and infinity with an optional sign, nan without
        let word = unsigned.eq_ignore_ascii_case("inf") || unsigned.eq_ignore_ascii_case("infinity");
        return if word || text.eq_ignore_ascii_case("nan") { text.parse().ok() } else { None };
    }
    if !text.contains('_') {
        return text.parse().ok();
    }
    underscores_stand_right(unsigned.as_bytes()).then(|| text.replace('_', "").parse().ok())?
}

/// `0x1.8p3`: the exponent is required. (strconv's `readFloat` and `atofHex`.)
fn parse_hexadecimal_float(text: &str, unsigned: &str) -> Option<f64> {
    if unsigned.contains('_') && !underscores_stand_right(unsigned.as_bytes()) {
        return None;
    }
    let (digits, exponent) = unsigned.get(2..)?.split_once(['p', 'P'])?;
    let mut exponent = parse_exponent(exponent)?;
    let mut mantissa = 0u64;
    let mut any_digit = false;
    let mut after_point = false;
    for c in digits.chars().filter(|&c| c != '_') {
        if c == '.' && !after_point {
            after_point = true;
            continue;
        }
        let digit = u64::from(c.to_digit(16)?);
        any_digit = true;
        let fits = mantissa >> 60 == 0;
        // Of digits that do not fit, it matters only whether any is not zero.
        mantissa = if fits { mantissa << 4 | digit } else { mantissa | u64::from(digit != 0) };
        exponent += match (fits, after_point) {
            (true, true) => -4,
            (false, false) => 4,
            _ => 0,
        };
    }
    let number = scaled(mantissa, exponent);
    any_digit.then_some(if text.starts_with('-') { -number } else { number })
}

/// Digits with a sign; excess ones do not matter.
fn parse_exponent(text: &str) -> Option<i64> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    let mut size = 0;
    for c in digits.chars().filter(|&c| c != '_') {
        let digit = i64::from(c.to_digit(10)?);
        size = if size < 10_000 { size * 10 + digit } else { size };
    }
    let size = if text.starts_with('-') { -size } else { size };
    (!digits.is_empty()).then_some(size)
}

/// `mantissa` times two to the power of `exponent`, rounded once, to even.
fn scaled(mantissa: u64, exponent: i64) -> f64 {
    /// The exponent of the smallest float.
    const LEAST: i64 = -1074;
    let length = i64::from(u64::BITS - mantissa.leading_zeros());
    // How many bits do not fit; subnormal floats have fewer.
    let excess = (length - i64::from(f64::MANTISSA_DIGITS)).max(LEAST - exponent).max(0);
    if excess > length {
        return 0.0;
    }
    let (kept, rest) = (u128::from(mantissa) >> excess, u128::from(mantissa) & ((1 << excess) - 1));
    let half = (1 << excess) >> 1;
    let rounded = kept + u128::from(rest > half || excess > 0 && rest == half && kept % 2 == 1);
    let power = match exponent + excess {
        power if rounded == 0 || power > 1023 => return if rounded == 0 { 0.0 } else { f64::INFINITY },
        power @ -1022.. => f64::from_bits(((power + 1023) as u64) << 52),
        power => f64::from_bits(1 << (power - LEAST)),
    };
    rounded as f64 * power
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
        assert_eq!(parse_int(b"99999999999999999999x", 10), Err(NumberFault::Range(i64::MAX)));
        assert_eq!(parse_uint(b"+1", 0), Err(NumberFault::Syntax));
        assert_eq!(parse_int(b"0x10", 10), Err(NumberFault::Syntax));
    }

    // Recorded from Go 1.26.
    #[test]
    fn hexadecimal_floats_are_rounded_once() {
        for (text, bits) in [
            ("0x1p-1074", 1),
            ("0x0.8p-1074", 0),
            ("0x0.8000000000000000001p-1074", 1),
            ("0x1.8p-1074", 2),
            ("0x1p-99999999999", 0),
            ("0x0p99999999999", 0),
            ("0x1.fffffffffffff4p-1023", 0x000f_ffff_ffff_ffff + 1),
            ("0x1.00000000000008p0", 0x3ff0_0000_0000_0000),
            ("0x1.00000000000008000000000000001p0", 0x3ff0_0000_0000_0001),
            ("0x1.00000000000018p0", 0x3ff0_0000_0000_0002),
            ("0x1.fffffffffffffp1023", 0x7fef_ffff_ffff_ffff),
            ("-0x10000000000000000000000.p0", 0xc570_0000_0000_0000),
        ] {
            assert_eq!(parse_float(text.as_bytes()).map(f64::to_bits), Ok(bits), "{text}");
        }
    }

    #[test]
    fn floats_are_read_as_strconv_does() {
        for (text, number) in [("0x1.8p3", 12.0), ("1_0.5", 10.5), ("-Inf", f64::NEG_INFINITY), (".5", 0.5), ("1e3", 1000.0)] {
            assert_eq!(parse_float(text.as_bytes()), Ok(number), "{text}");
        }
        for text in ["", "1_", "--1", "0x1", "x", "+nan"] {
            assert_eq!(parse_float(text.as_bytes()), Err(NumberFault::Syntax), "{text}");
        }
        for text in ["1e400", "0x1p2000", "0x1p99999999999", "0x1.fffffffffffff8p1023"] {
            assert_eq!(parse_float(text.as_bytes()), Err(NumberFault::Range(f64::INFINITY)), "{text}");
        }
    }
}
