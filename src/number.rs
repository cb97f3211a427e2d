//! Numbers as Go's `strconv` writes and reads them.
//!
//! Goes in: floats and digits. Comes out: Go's text of them. It stands low because printing, JSON, YAML, TOML and the template
//! language all share these rules.

/// The shortest decimal digits that read back as the same float: `0.DIGITS × 10^point`. No digits for zero.
#[derive(Debug, Clone, Copy)]
pub struct Shortest {
    digits: [u8; 17],
    length: usize,
    /// Where the decimal point stands, counted from before the first digit.
    pub point: i32,
    /// Whether the sign is minus (also of zero).
    pub negative: bool,
}

impl Shortest {
    /// The digits of a finite float64.
    pub fn of(number: f64) -> Shortest {
        Shortest::parse(&format!("{number:e}"))
    }

    /// The digits of a finite float32 (`strconv` with 32 bits: the float64 is rounded first).
    pub fn of_32(number: f64) -> Shortest {
        Shortest::parse(&format!("{:e}", number as f32))
    }

    /// Rust prints the same shortest digits as Go, as `-d.ddde-N`.
    fn parse(text: &str) -> Shortest {
        let mut shortest = Shortest { digits: [0; 17], length: 0, point: 0, negative: text.starts_with('-') };
        let (mantissa, exponent) = text.split_once('e').unwrap_or((text, "0"));
        for digit in mantissa.bytes().filter(u8::is_ascii_digit) {
            if let Some(slot) = shortest.digits.get_mut(shortest.length) {
                *slot = digit;
                shortest.length += 1;
            }
        }
        if shortest.digits() == b"0" {
            shortest.length = 0;
        } else {
            shortest.point = exponent.parse::<i32>().unwrap_or(0) + 1;
        }
        shortest
    }

    /// The digits, in ASCII.
    pub fn digits(&self) -> &[u8] {
        &self.digits[..self.length]
    }

    /// Go's `%e` with all digits: `d.ddde+XX`, at least two digits of exponent.
    pub fn write_exponent(&self, out: &mut Vec<u8>) {
        let exponent = if self.length == 0 { 0 } else { self.point - 1 };
        self.write_mantissa(out);
        out.extend_from_slice(if exponent < 0 { b"e-" } else { b"e+" });
        if exponent.abs() < 10 {
            out.push(b'0');
        }
        out.extend_from_slice(exponent.unsigned_abs().to_string().as_bytes());
    }

    fn write_mantissa(&self, out: &mut Vec<u8>) {
        if self.negative {
            out.push(b'-');
        }
        let digits = self.digits();
        out.push(digits.first().copied().unwrap_or(b'0'));
        if let Some(rest) = digits.get(1..).filter(|rest| !rest.is_empty()) {
            out.push(b'.');
            out.extend_from_slice(rest);
        }
    }

    /// Go's `%f` with all digits and no more.
    pub fn write_plain(&self, out: &mut Vec<u8>) {
        if self.negative {
            out.push(b'-');
        }
        let digits = self.digits();
        let whole = self.point.max(0) as usize;
        if whole == 0 {
            out.push(b'0');
        }
        for at in 0..whole {
            out.push(digits.get(at).copied().unwrap_or(b'0'));
        }
        if digits.len() > whole {
            out.push(b'.');
            out.extend(std::iter::repeat_n(b'0', self.point.min(0).unsigned_abs() as usize));
            out.extend_from_slice(&digits[whole..]);
        }
    }
}

/// Appends a float with shortest digits, `strconv.FormatFloat(number, 'g', -1, …)`: an exponent is written when it is below -4
/// or at least 6 (999999, 1e+06, 1.0000005e+06, 0.0001, 1e-05); NaN, +Inf and -Inf by name.
fn write_general(out: &mut Vec<u8>, number: f64, shortest: fn(f64) -> Shortest) {
    if number.is_nan() {
        out.extend_from_slice(b"NaN");
    } else if number.is_infinite() {
        out.extend_from_slice(if number > 0.0 { b"+Inf" } else { b"-Inf" });
    } else {
        let digits = shortest(number);
        if digits.length != 0 && !(-3..=6).contains(&digits.point) {
            digits.write_exponent(out);
        } else {
            digits.write_plain(out);
        }
    }
}

/// Appends `strconv.FormatFloat(number, 'g', -1, 64)`: what `%v` prints and go-yaml writes.
pub fn write_g(out: &mut Vec<u8>, number: f64) {
    write_general(out, number, Shortest::of);
}

/// Appends `strconv.FormatFloat(number, 'g', -1, 32)`: how sigs.k8s.io/yaml turns a number into a string.
pub fn write_g32(out: &mut Vec<u8>, number: f64) {
    // Beyond the range of float32 Go prints an infinity.
    write_general(out, if (number as f32).is_infinite() { f64::from(number as f32) } else { number }, Shortest::of_32);
}

/// `strconv.FormatFloat(number, 'g', -1, 64)` as text.
pub fn format_g(number: f64) -> String {
    let mut out = Vec::new();
    write_g(&mut out, number);
    into_text(out)
}

/// `strconv.FormatFloat(number, 'g', -1, 32)` as text.
pub fn format_g32(number: f64) -> String {
    let mut out = Vec::new();
    write_g32(&mut out, number);
    into_text(out)
}

/// Appends a finite float as `encoding/json` writes it: an exponent only below 1e-6 and from 1e21 on, `1e-7` without padding.
pub fn write_json(out: &mut Vec<u8>, number: f64) {
    let digits = Shortest::of(number);
    let size = number.abs();
    if size != 0.0 && !(1e-6..1e21).contains(&size) {
        let start = out.len();
        digits.write_exponent(out);
        // Go cleans up e-09 to e-9.
        let end = out.len();
        if end - start >= 4 && out[end - 4..end - 1] == *b"e-0" {
            out[end - 2] = out[end - 1];
            out.pop();
        }
    } else {
        digits.write_plain(out);
    }
}

/// The text that was written; it is always ASCII.
fn into_text(out: Vec<u8>) -> String {
    String::from_utf8(out).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn general_form() {
        let cases = [
            (0.0, "0"),
            (-0.0, "-0"),
            (1e5, "100000"),
            (999999.0, "999999"),
            (1e6, "1e+06"),
            (1000000.5, "1.0000005e+06"),
            (12345678.5, "1.23456785e+07"),
            (1e20, "1e+20"),
            (0.0001, "0.0001"),
            (0.00001, "1e-05"),
            (-2.5, "-2.5"),
            (1e100, "1e+100"),
            (f64::NAN, "NaN"),
            (f64::INFINITY, "+Inf"),
            (f64::NEG_INFINITY, "-Inf"),
        ];
        for (number, want) in cases {
            assert_eq!(format_g(number), want);
        }
        assert_eq!(format_g32(16777217.5), "1.6777218e+07");
        assert_eq!(format_g32(1.10), "1.1");
        assert_eq!(format_g32(1e300), "+Inf");
    }

    #[test]
    fn json_form() {
        let cases = [
            (1e20, "100000000000000000000"),
            (1e21, "1e+21"),
            (1e-6, "0.000001"),
            (1e-7, "1e-7"),
            (1.5e-10, "1.5e-10"),
            (-0.0, "-0"),
            (1000000.5, "1000000.5"),
            (9007199254740993.0, "9007199254740992"),
        ];
        for (number, want) in cases {
            let mut out = Vec::new();
            write_json(&mut out, number);
            assert_eq!(into_text(out), want);
        }
    }
}
