//! Numbers as text the way Go writes them (strconv, fmt's `%v`, encoding/json), and in `parse` the way back.
//!
//! Goes in: integers and float64. Comes out: bytes appended to a buffer, without allocating on the common paths.
//! It is a module of its own because the writers of YAML, JSON and TOML and the template language's printing all need the same
//! digits with different rules for the exponent.

mod parse;

pub use parse::{NumberFault, parse_float, parse_int, parse_uint};

use std::io::Write;

/// Beyond this many digits behind the point, every float64 has only zeros.
const MOST_FRACTION_DIGITS: usize = 1100;

/// The shortest decimal digits that read back as the same float: `0.DIGITS × 10^point`. No digits for zero.
#[derive(Debug, Clone, Copy)]
pub struct Shortest {
    digits: [u8; 17],
    length: usize,
    /// The position of the decimal point, counted from before the first digit.
    pub point: i32,
    /// Whether the sign is minus (also of zero).
    pub negative: bool,
}

impl Shortest {
    /// The digits of a finite float64.
    pub fn of(number: f64) -> Shortest {
        let size = number.abs();
        let shortest = Shortest::parse(number, format_args!("{size:e}"));
        // Of two equally near candidates Go takes the even one, Rust the upper one; only this many digits leave a choice.
        if shortest.length >= 16 && is_odd(&shortest) {
            let fraction = shortest.length - 1;
            let even = Shortest::parse(number, format_args!("{size:.fraction$e}"));
            if even.reads_as(size) {
                return even;
            }
        }
        shortest
    }

    /// The digits of a finite float32 (`strconv` with 32 bits: the float64 is rounded first).
    pub fn of_32(number: f64) -> Shortest {
        Shortest::parse(number, format_args!("{:e}", (number as f32).abs()))
    }

    /// Rust finds the same shortest digits as Go, and writes them as `d.ddde-N`.
    fn parse(number: f64, text: std::fmt::Arguments) -> Shortest {
        let mut shortest = Shortest { digits: [0; 17], length: 0, point: 0, negative: number.is_sign_negative() };
        let mut buffer = [0; 32];
        let mut rest = &mut buffer[..];
        // At most 24 bytes, so it cannot fail.
        let _ = rest.write_fmt(text);
        let length = 32 - rest.len();
        let text = &buffer[..length];
        let mantissa = text.iter().take_while(|byte| **byte != b'e');
        for digit in mantissa.filter(|byte| byte.is_ascii_digit()) {
            if let Some(slot) = shortest.digits.get_mut(shortest.length) {
                *slot = *digit;
                shortest.length += 1;
            }
        }
        if shortest.digits() == b"0" {
            shortest.length = 0;
        } else {
            shortest.point = scientific_exponent(text) + 1;
        }
        shortest
    }

    /// Whether these digits read back as this number, sign aside.
    fn reads_as(&self, size: f64) -> bool {
        let mut text = Vec::with_capacity(24);
        write_scientific(&mut text, self.digits(), self.point, self.length.saturating_sub(1), b'e');
        std::str::from_utf8(&text).ok().and_then(|text| text.parse().ok()) == Some(size)
    }

    /// The digits, in ASCII.
    pub fn digits(&self) -> &[u8] {
        &self.digits[..self.length]
    }

    /// Go's `%e` with all digits: `d.ddde+XX`, at least two digits of exponent.
    pub fn write_exponent(&self, out: &mut Vec<u8>) {
        if self.negative {
            out.push(b'-');
        }
        write_scientific(out, self.digits(), self.point, self.length.saturating_sub(1), b'e');
    }

    /// Go's `%f` with all digits and no more.
    pub fn write_plain(&self, out: &mut Vec<u8>) {
        if self.negative {
            out.push(b'-');
        }
        write_plain(out, self.digits(), self.point, self.fraction());
    }

    /// How many digits are behind the point.
    fn fraction(&self) -> usize {
        usize::try_from(self.length as i64 - i64::from(self.point)).unwrap_or(0)
    }
}

/// Whether the last digit is odd.
fn is_odd(digits: &Shortest) -> bool {
    digits.digits().last().is_some_and(|digit| digit % 2 == 1)
}

/// The exponent behind the `e` of Rust's scientific notation.
fn scientific_exponent(text: &[u8]) -> i32 {
    let at = text.iter().position(|byte| *byte == b'e').map_or(text.len(), |at| at + 1);
    std::str::from_utf8(&text[at..]).ok().and_then(|exponent| exponent.parse().ok()).unwrap_or(0)
}

/// Appends a signed integer in decimal.
pub fn write_int(out: &mut Vec<u8>, value: i64) {
    if value < 0 {
        out.push(b'-');
    }
    write_uint(out, value.unsigned_abs());
}

/// Appends an unsigned integer in decimal.
pub fn write_uint(out: &mut Vec<u8>, mut value: u64) {
    let mut text = [0; 20];
    let mut at = text.len();
    loop {
        at -= 1;
        text[at] = b'0' + (value % 10) as u8;
        value /= 10;
        if value == 0 {
            break;
        }
    }
    out.extend_from_slice(&text[at..]);
}

/// Appends a float64 as `strconv.FormatFloat(value, 'g', -1, 64)`, which `%v` prints and go-yaml writes: shortest digits, an
/// exponent below 1e-4 and from 1e+06 on.
pub fn write_g(out: &mut Vec<u8>, value: f64) {
    // Most numbers in charts are small whole ones.
    if value.abs() < 1e6 && value.trunc() == value && (value != 0.0 || value.is_sign_positive()) {
        return write_int(out, value as i64);
    }
    format_float(out, value, b'g', None);
}

/// Appends `strconv.FormatFloat(value, 'g', -1, 32)`: how sigs.k8s.io/yaml turns a number into a string.
pub fn write_g32(out: &mut Vec<u8>, value: f64) {
    let narrow = f64::from(value as f32);
    if !narrow.is_finite() {
        return format_float(out, narrow, b'g', None);
    }
    let digits = Shortest::of_32(value);
    if digits.negative {
        out.push(b'-');
    }
    write_general(out, digits.digits(), digits.point, digits.length, 6, b'g');
}

/// `strconv.FormatFloat(value, 'g', -1, 64)` as text.
pub fn format_g(value: f64) -> String {
    let mut out = Vec::new();
    write_g(&mut out, value);
    into_text(out)
}

/// `strconv.FormatFloat(value, 'g', -1, 32)` as text.
pub fn format_g32(value: f64) -> String {
    let mut out = Vec::new();
    write_g32(&mut out, value);
    into_text(out)
}

/// The written bytes as text; they are always ASCII.
fn into_text(out: Vec<u8>) -> String {
    String::from_utf8(out).unwrap_or_default()
}

/// Appends a float64 as encoding/json does: shortest digits, an exponent below 1e-6 and from 1e21 on, written without leading zero
/// (`1e-7`). JSON has no infinities and NaN; callers refuse them first.
pub fn write_json(out: &mut Vec<u8>, value: f64) {
    if value.abs() < 1e15 && value.trunc() == value && (value != 0.0 || value.is_sign_positive()) {
        return write_int(out, value as i64);
    }
    let size = value.abs();
    if size != 0.0 && !(1e-6..1e21).contains(&size) {
        let start = out.len();
        Shortest::of(value).write_exponent(out);
        // e-09 becomes e-9.
        let end = out.len();
        if end - start >= 4 && out[end - 4..end - 1] == *b"e-0" {
            out.remove(end - 2);
        }
    } else {
        Shortest::of(value).write_plain(out);
    }
}

/// Appends a float64 in one of strconv.FormatFloat's formats: `e E f g G b x X`.
/// Without a precision, it writes as many digits as are needed to read the same number back.
pub fn format_float(out: &mut Vec<u8>, value: f64, format: u8, precision: Option<usize>) {
    if value.is_nan() {
        return out.extend_from_slice(b"NaN");
    }
    if value.is_infinite() {
        return out.extend_from_slice(if value < 0.0 { b"-Inf" } else { b"+Inf" });
    }
    if value.is_sign_negative() {
        out.push(b'-');
    }
    let value = value.abs();
    match (format, precision) {
        (b'b', _) => {
            let (mantissa, exponent) = parts(value);
            write_uint(out, mantissa);
            out.push(b'p');
            if exponent - 52 >= 0 {
                out.push(b'+');
            }
            write_int(out, i64::from(exponent - 52));
        }
        (b'x' | b'X', _) => write_hexadecimal(out, value, format, precision),
        (b'e' | b'E', None) => {
            let digits = Shortest::of(value);
            write_scientific(out, digits.digits(), digits.point, digits.length.saturating_sub(1), format);
        }
        (b'f', None) => {
            let digits = Shortest::of(value);
            write_plain(out, digits.digits(), digits.point, digits.fraction());
        }
        (_, None) => {
            let digits = Shortest::of(value);
            write_general(out, digits.digits(), digits.point, digits.length, 6, format);
        }
        (b'e' | b'E', Some(precision)) => {
            let (digits, point) = rounded(value, precision.saturating_add(1));
            write_scientific(out, &digits, point, precision, format);
        }
        (b'f', Some(precision)) => {
            let shown = precision.min(MOST_FRACTION_DIGITS);
            // Writing to a `Vec` never fails.
            let _ = write!(out, "{value:.shown$}");
            out.resize(out.len() + (precision - shown), b'0');
        }
        (_, Some(precision)) => {
            let precision = precision.max(1);
            let (digits, point) = rounded(value, precision);
            let mut threshold = precision;
            if threshold > digits.len() && digits.len() as i64 >= i64::from(point) {
                threshold = digits.len();
            }
            write_general(out, &digits, point, precision, threshold, format);
        }
    }
}

/// The first `count` digits of the exact value, rounded half to even, without trailing zeros, and the position of the point.
fn rounded(value: f64, count: usize) -> (Vec<u8>, i32) {
    if value == 0.0 {
        return (Vec::new(), 0);
    }
    let fraction = count.saturating_sub(1).min(MOST_FRACTION_DIGITS);
    let text = format!("{value:.fraction$e}").into_bytes();
    let at = text.iter().position(|byte| *byte == b'e').unwrap_or(text.len());
    let mut digits: Vec<u8> = text[..at].iter().copied().filter(u8::is_ascii_digit).collect();
    while digits.last() == Some(&b'0') {
        digits.pop();
    }
    (digits, scientific_exponent(&text) + 1)
}

/// `%g`: plain or scientific, depending on the exponent.
fn write_general(out: &mut Vec<u8>, digits: &[u8], point: i32, precision: usize, threshold: usize, format: u8) {
    let exponent = i64::from(point) - 1;
    if exponent < -4 || exponent >= threshold as i64 {
        let scientific = if format == b'G' { b'E' } else { b'e' };
        return write_scientific(out, digits, point, precision.min(digits.len()).saturating_sub(1), scientific);
    }
    let fraction = if precision as i64 > i64::from(point) { digits.len() } else { precision } as i64;
    write_plain(out, digits, point, (fraction - i64::from(point)).max(0) as usize);
}

/// `d.ddde+XX`, with at least two digits in the exponent.
fn write_scientific(out: &mut Vec<u8>, digits: &[u8], point: i32, precision: usize, letter: u8) {
    out.push(digits.first().copied().unwrap_or(b'0'));
    if precision > 0 {
        out.push(b'.');
        let shown = digits.get(1..).unwrap_or_default();
        let shown = &shown[..shown.len().min(precision)];
        out.extend_from_slice(shown);
        out.resize(out.len() + (precision - shown.len()), b'0');
    }
    let exponent = if digits.is_empty() { 0 } else { point - 1 };
    write_exponent(out, letter, exponent);
}

/// The letter, the sign and at least two digits.
fn write_exponent(out: &mut Vec<u8>, letter: u8, exponent: i32) {
    out.push(letter);
    out.push(if exponent < 0 { b'-' } else { b'+' });
    let size = exponent.unsigned_abs();
    if size < 10 {
        out.push(b'0');
    }
    write_uint(out, u64::from(size));
}

/// `ddd.ddd` with this many digits behind the point.
fn write_plain(out: &mut Vec<u8>, digits: &[u8], point: i32, fraction: usize) {
    let whole = usize::try_from(point).unwrap_or(0);
    if whole == 0 {
        out.push(b'0');
    } else {
        let shown = whole.min(digits.len());
        out.extend_from_slice(&digits[..shown]);
        out.resize(out.len() + (whole - shown), b'0');
    }
    if fraction == 0 {
        return;
    }
    out.push(b'.');
    let zeros = usize::try_from(-i64::from(point)).unwrap_or(0).min(fraction);
    out.resize(out.len() + zeros, b'0');
    let rest = digits.get(whole..).unwrap_or_default();
    let shown = rest.len().min(fraction - zeros);
    out.extend_from_slice(&rest[..shown]);
    out.resize(out.len() + (fraction - zeros - shown), b'0');
}

/// Mantissa and unbiased exponent, as Go's `%b` and `%x` use them: `mantissa × 2^(exponent - 52)`.
fn parts(value: f64) -> (u64, i32) {
    let bits = value.to_bits();
    let mantissa = bits & ((1 << 52) - 1);
    match ((bits >> 52) & 0x7ff) as i32 {
        0 => (mantissa, 1 - 1023),
        exponent => (mantissa | 1 << 52, exponent - 1023),
    }
}

/// `0x1.yyyyp±dd`
fn write_hexadecimal(out: &mut Vec<u8>, value: f64, format: u8, precision: Option<usize>) {
    let (mut mantissa, mut exponent) = parts(value);
    if mantissa == 0 {
        exponent = 0;
    }
    mantissa <<= 8;
    while mantissa != 0 && mantissa & (1 << 60) == 0 {
        mantissa <<= 1;
        exponent -= 1;
    }
    if let Some(precision) = precision.filter(|precision| *precision < 15) {
        let shift = precision * 4;
        let extra = (mantissa << shift) & ((1 << 60) - 1);
        mantissa >>= 60 - shift;
        if extra | (mantissa & 1) > 1 << 59 {
            mantissa += 1;
        }
        mantissa <<= 60 - shift;
        if mantissa & (1 << 61) != 0 {
            mantissa >>= 1;
            exponent += 1;
        }
    }
    let alphabet = if format == b'X' { b"0123456789ABCDEF" } else { b"0123456789abcdef" };
    out.extend_from_slice(&[b'0', format, b'0' + ((mantissa >> 60) & 1) as u8]);
    mantissa <<= 4;
    let mut shown = 0;
    while precision.map_or(mantissa != 0, |precision| shown < precision) {
        if shown == 0 {
            out.push(b'.');
        }
        out.push(alphabet[(mantissa >> 60) as usize & 15]);
        mantissa <<= 4;
        shown += 1;
    }
    write_exponent(out, if format == b'X' { b'P' } else { b'p' }, exponent);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(write: impl FnOnce(&mut Vec<u8>)) -> String {
        let mut out = Vec::new();
        write(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn floats_print_as_in_go() {
        // Recorded from Go 1.26 fmt.Sprint.
        for (value, want) in [
            (0.0, "0"),
            (-0.0, "-0"),
            (999999.0, "999999"),
            (1000000.0, "1e+06"),
            (1000000.5, "1.0000005e+06"),
            (-7305594964131969.0 / 4.0, "-1.8263987410329922e+15"),
            (1e20, "1e+20"),
            (20971520.0, "2.097152e+07"),
            (123456.789, "123456.789"),
            (0.0001, "0.0001"),
            (0.00001, "1e-05"),
            (-1.5, "-1.5"),
            (1e100, "1e+100"),
            (5e-324, "5e-324"),
            (f64::INFINITY, "+Inf"),
            (f64::NEG_INFINITY, "-Inf"),
            (f64::NAN, "NaN"),
        ] {
            assert_eq!(format_g(value), want);
        }
        assert_eq!(format_g32(16777217.0 + 1.0), "1.6777218e+07");
        assert_eq!(format_g32(1.10), "1.1");
        assert_eq!(format_g32(1e300), "+Inf");
    }

    #[test]
    fn json_floats_have_their_own_exponents() {
        // Recorded from Go 1.26 encoding/json.
        for (value, want) in [
            (1e6, "1000000"),
            (1e20, "100000000000000000000"),
            (1e21, "1e+21"),
            (1e-6, "0.000001"),
            (1e-7, "1e-7"),
            (1.5e-10, "1.5e-10"),
            (-0.0, "-0"),
            (1e300, "1e+300"),
            (1000000.5, "1000000.5"),
            (9007199254740993.0, "9007199254740992"),
        ] {
            assert_eq!(text(|out| write_json(out, value)), want);
        }
    }

    #[test]
    fn formats_of_strconv() {
        // Recorded from Go 1.26 strconv.FormatFloat.
        for (value, format, precision, want) in [
            (2.5, b'f', Some(0), "2"),
            (1.005, b'f', Some(2), "1.00"),
            (1234.5678, b'e', Some(3), "1.235e+03"),
            (1234.5678, b'E', None, "1.2345678E+03"),
            (100000.0, b'g', Some(3), "1e+05"),
            (100000.0, b'g', Some(10), "100000"),
            (0.000012345, b'G', None, "1.2345E-05"),
            (1.0, b'x', None, "0x1p+00"),
            (3.15, b'x', Some(2), "0x1.93p+01"),
            (3.15, b'X', None, "0X1.9333333333333P+01"),
            (1.0, b'b', None, "4503599627370496p-52"),
            (0.0, b'e', Some(2), "0.00e+00"),
            (0.0, b'g', None, "0"),
        ] {
            assert_eq!(text(|out| format_float(out, value, format, precision)), want);
        }
    }
}
