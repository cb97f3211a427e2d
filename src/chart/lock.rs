//! Chart.lock and requirements.lock: which versions the dependencies were resolved to.
//!
//! Goes in: the text of the file. Comes out: [`Lock`] and its text again. The time it was made is kept as written and
//! read only where it is needed: the archive's member carries it. Matches Helm's `pkg/chart/v2/dependency.go`.

use super::metadata::{DEPENDENCIES, Dependency, tree};
use crate::data::Data;
use crate::error::Result;
use crate::yaml::{self, Field, Shape};

/// Chart.lock.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Lock {
    /// RFC 3339 with nanoseconds, as written; empty when absent.
    pub generated: String,
    /// `sha256:` and hex.
    pub digest: String,
    pub dependencies: Vec<Dependency>,
    /// Whether the list is absent, which is written as `null`, not as an empty list.
    pub(crate) without_list: bool,
}

static LOCK: Shape =
    Shape::Struct("v2.Lock", &[Field("generated", &Shape::Time), Field("digest", &Shape::Str), Field("dependencies", &DEPENDENCIES)]);

/// Go's zero time, which stands where no time was written.
const NO_TIME: &str = "0001-01-01T00:00:00Z";

impl Lock {
    /// Reads a lock; a null document is no lock.
    pub fn parse(text: &[u8]) -> Result<Option<Lock>> {
        let data = yaml::decode(text, &LOCK)?;
        let Some(map) = data.as_map() else { return Ok(None) };
        let text = |key: &str| map.get(key).and_then(Data::as_str).unwrap_or_default().to_string();
        let dependencies = map.get("dependencies").and_then(Data::as_list);
        Ok(Some(Lock {
            generated: text("generated"),
            digest: text("digest"),
            without_list: dependencies.is_none(),
            dependencies: dependencies.into_iter().flat_map(|items| items.iter()).filter_map(Dependency::from_data).collect(),
        }))
    }

    /// The text of a Chart.lock: keys sorted, every field written.
    pub fn to_yaml(&self) -> Result<String> {
        let generated = match Instant::parse(&self.generated) {
            Some(instant) => instant.to_string(),
            None if self.generated.is_empty() => NO_TIME.to_string(),
            None => self.generated.clone(),
        };
        let dependencies = match self.without_list {
            true => Data::Null,
            false => Data::list(self.dependencies.iter().map(Dependency::to_data).collect()),
        };
        yaml::to_string(&tree(vec![
            ("generated", Data::str(generated)),
            ("digest", Data::str(self.digest.as_str())),
            ("dependencies", dependencies),
        ]))
    }

    /// When it was made, seconds since 1970, rounded to the nearest; `None` when absent or no time.
    pub fn modified(&self) -> Option<i64> {
        let instant = Instant::parse(&self.generated)?;
        Some(instant.seconds + i64::from(instant.nanoseconds >= 500_000_000))
    }
}

/// A point in time with the offset it was written in.
struct Instant {
    /// Since 1970.
    seconds: i64,
    nanoseconds: u32,
    /// The date and time of day as written, then the zone.
    date_time: String,
    zone: String,
}

impl Instant {
    fn parse(text: &str) -> Option<Instant> {
        let date_time = text.get(..19)?;
        let number = |from: usize, to: usize| -> Option<i64> {
            let digits = date_time.get(from..to)?;
            digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok())?
        };
        let (year, month, day) = (number(0, 4)?, number(5, 7)?, number(8, 10)?);
        let (hour, minute, second) = (number(11, 13)?, number(14, 16)?, number(17, 19)?);
        let marks = [(4, b'-'), (7, b'-'), (10, b'T'), (13, b':'), (16, b':')];
        if marks.iter().any(|(at, mark)| date_time.as_bytes().get(*at) != Some(mark)) {
            return None;
        }
        let rest = text.get(19..)?;
        let (fraction, zone) = match rest.strip_prefix(['.', ',']) {
            Some(rest) => {
                let end = rest.find(|digit: char| !digit.is_ascii_digit()).unwrap_or(rest.len());
                (rest.get(..end)?, rest.get(end..)?)
            }
            None => ("", rest),
        };
        let mut nanoseconds: u32 = 0;
        for at in 0..9 {
            let digit = fraction.as_bytes().get(at).map_or(0, |digit| u32::from(digit - b'0'));
            nanoseconds = nanoseconds * 10 + digit;
        }
        let (offset, zone) = zone_offset(zone)?;
        let days = days_since_1970(year, month, day);
        let seconds = days * 86_400 + hour * 3600 + minute * 60 + second - offset;
        Some(Instant { seconds, nanoseconds, date_time: date_time.to_string(), zone: zone.to_string() })
    }
}

impl std::fmt::Display for Instant {
    /// Go's `RFC3339Nano`: the fraction without its trailing zeros.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.date_time)?;
        if self.nanoseconds > 0 {
            let digits = format!("{:09}", self.nanoseconds);
            write!(f, ".{}", digits.trim_end_matches('0'))?;
        }
        f.write_str(&self.zone)
    }
}

/// Seconds east of Greenwich, and the zone as Go prints it.
fn zone_offset(zone: &str) -> Option<(i64, &str)> {
    if zone == "Z" {
        return Some((0, zone));
    }
    let sign = match zone.as_bytes().first()? {
        b'+' => 1,
        b'-' => -1,
        _ => return None,
    };
    let (hours, minutes) = zone.get(1..)?.split_once(':')?;
    if hours.len() != 2 || minutes.len() != 2 {
        return None;
    }
    let offset = sign * (hours.parse::<i64>().ok()? * 3600 + minutes.parse::<i64>().ok()? * 60);
    Some((offset, if offset == 0 { "Z" } else { zone }))
}

/// Days from 1970-01-01 in the Gregorian calendar, for years that have four digits.
fn days_since_1970(year: i64, month: i64, day: i64) -> i64 {
    // Counting years from March puts the leap day at the end of a year.
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let of_year = (153 * month + 2) / 5 + day - 1;
    365 * year + year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400) + of_year - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_and_written_as_go_does() {
        for (text, seconds, expected) in [
            ("1970-01-01T00:00:00Z", 0, "1970-01-01T00:00:00Z"),
            ("2024-02-29T12:30:01.500Z", 1_709_209_801, "2024-02-29T12:30:01.5Z"),
            ("2021-06-09T10:17:03.480194+02:00", 1_623_226_623, "2021-06-09T10:17:03.480194+02:00"),
            ("2000-03-01T00:00:00+00:00", 951_868_800, "2000-03-01T00:00:00Z"),
            ("0001-01-01T00:00:00Z", -62_135_596_800, "0001-01-01T00:00:00Z"),
        ] {
            let instant = Instant::parse(text).unwrap();
            assert_eq!((instant.seconds, instant.to_string().as_str()), (seconds, expected), "{text}");
        }
        for text in ["", "2024-01-01", "2024-01-01 00:00:00Z", "2024-01-01T00:00:00", "2024-01-01T00:00:00.+1", "é024"] {
            assert!(Instant::parse(text).is_none(), "{text}");
        }
    }

    #[test]
    fn a_lock_s_time_is_rounded_for_the_archive() {
        let lock = |generated: &str| Lock { generated: generated.to_string(), ..Lock::default() };
        assert_eq!(lock("1970-01-01T00:00:01.4Z").modified(), Some(1));
        assert_eq!(lock("1970-01-01T00:00:01.5Z").modified(), Some(2));
        assert_eq!(lock("").modified(), None);
    }
}
