//! Go's `time.Duration`: nanoseconds with their own text format.
//!
//! Goes in: numbers and texts such as `1h30m`. Comes out: durations, and their text in Go. Used by the date functions and by the
//! methods of times.

use super::quote;

/// Nanoseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Duration(pub i64);

pub const MICROSECOND: i64 = 1_000;
pub const MILLISECOND: i64 = 1_000_000;
pub const SECOND: i64 = 1_000_000_000;
pub const MINUTE: i64 = 60 * SECOND;
pub const HOUR: i64 = 60 * MINUTE;

impl Duration {
    /// `time.ParseDuration`; the error is Go's text.
    pub fn parse(text: &[u8]) -> Result<Duration, String> {
        let invalid = || format!("time: invalid duration {}", quote(text));
        let (negative, mut rest) = match text.split_first() {
            Some((b'-', rest)) => (true, rest),
            Some((b'+', rest)) => (false, rest),
            _ => (false, text),
        };
        if rest == b"0" {
            return Ok(Duration(0));
        }
        if rest.is_empty() {
            return Err(invalid());
        }
        const MOST: u64 = 1 << 63;
        let mut total: u64 = 0;
        while let Some(first) = rest.first() {
            if !(first.is_ascii_digit() || *first == b'.') {
                return Err(invalid());
            }
            let (whole, after) = leading_number(rest).ok_or_else(invalid)?;
            let mut digits = rest.len() - after.len();
            rest = after;
            let mut fraction = (0, 1.0);
            if rest.first() == Some(&b'.') {
                let (number, scale, after) = leading_fraction(&rest[1..]);
                digits += rest.len() - 1 - after.len();
                fraction = (number, scale);
                rest = after;
            }
            if digits == 0 {
                return Err(invalid());
            }
            let end = rest.iter().position(|byte| *byte == b'.' || byte.is_ascii_digit()).unwrap_or(rest.len());
            let (name, after) = rest.split_at(end);
            if name.is_empty() {
                return Err(format!("time: missing unit in duration {}", quote(text)));
            }
            let unit = unit_of(name).ok_or_else(|| format!("time: unknown unit {} in duration {}", quote(name), quote(text)))?;
            rest = after;
            if whole > MOST / unit {
                return Err(invalid());
            }
            let mut part = whole * unit;
            if fraction.0 > 0 {
                part += (fraction.0 as f64 * (unit as f64 / fraction.1)) as u64;
                if part > MOST {
                    return Err(invalid());
                }
            }
            total = total.checked_add(part).filter(|total| *total <= MOST).ok_or_else(invalid)?;
        }
        if negative {
            return Ok(Duration((total as i64).wrapping_neg()));
        }
        i64::try_from(total).map(Duration).map_err(|_| invalid())
    }

    /// `String`: `72h3m0.5s`, with a smaller unit below one second.
    pub fn to_text(self) -> String {
        let size = self.0.unsigned_abs();
        let sign = if self.0 < 0 { "-" } else { "" };
        if size == 0 {
            return "0s".to_string();
        }
        if size < SECOND as u64 {
            let (unit, name) = match size {
                0..1_000 => (1, "ns"),
                1_000..1_000_000 => (MICROSECOND as u64, "µs"),
                _ => (MILLISECOND as u64, "ms"),
            };
            return format!("{sign}{}{name}", decimal(size, unit));
        }
        let seconds = decimal(size % MINUTE as u64, SECOND as u64);
        let minutes = size / MINUTE as u64;
        match (minutes / 60, minutes % 60) {
            (0, 0) => format!("{sign}{seconds}s"),
            (0, minutes) => format!("{sign}{minutes}m{seconds}s"),
            (hours, minutes) => format!("{sign}{hours}h{minutes}m{seconds}s"),
        }
    }

    /// Rounds to the nearest multiple of `unit`, halves away from zero; unchanged for a unit below 1.
    pub fn round(self, unit: Duration) -> Duration {
        if unit.0 <= 0 {
            return self;
        }
        let remainder = i128::from(self.0 % unit.0).abs();
        let size = i128::from(self.0).abs() - remainder;
        let rounded = if 2 * remainder < i128::from(unit.0) { size } else { size + i128::from(unit.0) };
        let signed = if self.0 < 0 { -rounded } else { rounded };
        Duration(signed.clamp(i128::from(i64::MIN), i128::from(i64::MAX)) as i64)
    }

    /// Rounds towards zero to a multiple of `unit`; unchanged for a unit below 1.
    pub fn truncate(self, unit: Duration) -> Duration {
        if unit.0 <= 0 { self } else { Duration(self.0 - self.0 % unit.0) }
    }

    /// In units of this many nanoseconds, divided as in Go: whole part and fraction separately.
    pub fn in_units(self, unit: i64) -> f64 {
        (self.0 / unit) as f64 + (self.0 % unit) as f64 / unit as f64
    }
}

/// `size / unit` without trailing zeros.
fn decimal(size: u64, unit: u64) -> String {
    let (whole, rest) = (size / unit, size % unit);
    if rest == 0 {
        return whole.to_string();
    }
    let width = unit.ilog10() as usize;
    let fraction = format!("{rest:0width$}");
    format!("{whole}.{}", fraction.trim_end_matches('0'))
}

fn unit_of(name: &[u8]) -> Option<u64> {
    Some(match name {
        b"ns" => 1,
        // Both the micro sign and the Greek letter.
        b"us" | b"\xc2\xb5s" | b"\xce\xbcs" => MICROSECOND as u64,
        b"ms" => MILLISECOND as u64,
        b"s" => SECOND as u64,
        b"m" => MINUTE as u64,
        b"h" => HOUR as u64,
        _ => return None,
    })
}

/// The digits at the start as a number, and the rest; `None` above 2^63.
pub(super) fn leading_number(text: &[u8]) -> Option<(u64, &[u8])> {
    let mut number: u64 = 0;
    for (at, byte) in text.iter().enumerate() {
        if !byte.is_ascii_digit() {
            return Some((number, &text[at..]));
        }
        number = number.checked_mul(10)?.checked_add(u64::from(byte - b'0')).filter(|number| *number <= 1 << 63)?;
    }
    Some((number, &[]))
}

/// The digits at the start, their divisor, and the rest; digits that do not fit are dropped.
fn leading_fraction(text: &[u8]) -> (u64, f64, &[u8]) {
    let mut number: u64 = 0;
    let mut scale = 1.0;
    let mut full = false;
    for (at, byte) in text.iter().enumerate() {
        if !byte.is_ascii_digit() {
            return (number, scale, &text[at..]);
        }
        if full {
            continue;
        }
        let next = number.checked_mul(10).and_then(|number| number.checked_add(u64::from(byte - b'0')));
        match next.filter(|next| *next <= 1 << 63 && number <= i64::MAX as u64 / 10) {
            Some(next) => {
                number = next;
                scale *= 10.0;
            }
            None => full = true,
        }
    }
    (number, scale, &[])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_and_writes_as_go() {
        // Recorded from Go 1.26 time.ParseDuration and Duration.String.
        for (text, want) in [
            ("1h30m10s", "1h30m10s"),
            ("-1.5h", "-1h30m0s"),
            ("+5m", "5m0s"),
            ("1us2ns", "1.002µs"),
            ("100µs", "100µs"),
            ("1.0000001s", "1.0000001s"),
            (".5s", "500ms"),
            ("0", "0s"),
            ("9000h", "9000h0m0s"),
            ("-9223372036854775808ns", "-2562047h47m16.854775808s"),
        ] {
            assert_eq!(Duration::parse(text.as_bytes()).map(Duration::to_text), Ok(want.to_string()), "{text}");
        }
    }

    #[test]
    fn faults_of_go() {
        for (text, want) in [
            ("bad", "time: invalid duration \"bad\""),
            ("", "time: invalid duration \"\""),
            ("1", "time: missing unit in duration \"1\""),
            ("1d", "time: unknown unit \"d\" in duration \"1d\""),
            ("1é", "time: unknown unit \"\\xc3\\xa9\" in duration \"1\\xc3\\xa9\""),
            (".s", "time: invalid duration \".s\""),
            ("9223372036854775808ns", "time: invalid duration \"9223372036854775808ns\""),
        ] {
            assert_eq!(Duration::parse(text.as_bytes()), Err(want.to_string()), "{text}");
        }
    }

    #[test]
    fn rounds_halves_away_from_zero() {
        assert_eq!(Duration(1_500_000_000).round(Duration(SECOND)), Duration(2 * SECOND));
        assert_eq!(Duration(-1_500_000_000).round(Duration(SECOND)), Duration(-2 * SECOND));
        assert_eq!(Duration(1_499_999_999).round(Duration(SECOND)), Duration(SECOND));
    }
}
