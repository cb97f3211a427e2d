//! Go's `time.Time`, `time.Duration` and related types.
//!
//! Goes in: instants, texts and layouts. Comes out: times and texts, as Go reads and prints them. It is separate from the template
//! language, which adds methods to them, because certificates, locks, TOML and values schemas need times too. Calendar arithmetic
//! is our own: Go's range of years is larger than that of the time zone library.

pub mod duration;
mod layout;
mod parse;
pub mod zone;

pub use duration::Duration;
pub use parse::parse;
pub use zone::Zone;

/// `time.RFC3339`, the layout of times in JSON.
pub const RFC3339: &[u8] = b"2006-01-02T15:04:05Z07:00";

const NANOSECONDS: i128 = 1_000_000_000;
const SECONDS_PER_DAY: i64 = 86_400;
/// The first day of Go's calendar, in days since 1970: 1 March of the year -292277022400. Go counts in 64 bits without a sign from
/// there.
const FIRST_DAY: i64 = -(730_692_556 * 146_097 + 306 + 719_162);

/// An instant with its zone for display.
#[derive(Debug, Clone)]
pub struct Time {
    /// Since 1970.
    pub seconds: i64,
    /// 0 to 999,999,999
    pub nanosecond: u32,
    pub zone: Zone,
}

/// A day of the proleptic Gregorian calendar and the clock on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Civil {
    pub year: i64,
    /// 1 to 12
    pub month: u32,
    /// 1 to 31
    pub day: u32,
    pub hour: u32,
    pub minute: u32,
    pub second: u32,
    /// From 0, Sunday.
    pub weekday: u32,
    /// From 1.
    pub year_day: u32,
}

impl Time {
    /// The year 1, returned by Go's functions when they fail.
    pub fn zero() -> Time {
        Time { seconds: -62_135_596_800, nanosecond: 0, zone: Zone::Utc }
    }

    /// `time.Unix(seconds, 0)`
    pub fn unix(seconds: i64) -> Time {
        Time { seconds, nanosecond: 0, zone: Zone::Local }
    }

    /// From nanoseconds since 1970.
    pub fn from_nanoseconds(nanoseconds: i128) -> Time {
        let seconds = nanoseconds.div_euclid(NANOSECONDS);
        let seconds = i64::try_from(seconds).unwrap_or(if seconds < 0 { i64::MIN } else { i64::MAX });
        Time { seconds, nanosecond: nanoseconds.rem_euclid(NANOSECONDS) as u32, zone: Zone::Local }
    }

    /// `time.Date` for fields in range: a wall clock reading in a zone.
    pub fn from_civil(year: i64, month: u32, day: u32, clock: (u32, u32, u32), nanosecond: u32, zone: Zone) -> Time {
        let (hour, minute, second) = clock;
        let wall =
            days_from_civil(year, month, day).wrapping_mul(SECONDS_PER_DAY).wrapping_add(i64::from(hour * 3600 + minute * 60 + second));
        let mut seconds = wall;
        // Go looks up the offset as if the reading were UTC, and corrects it once if that crosses a transition.
        let offset = i64::from(zone.at(seconds).seconds);
        if offset != 0 {
            seconds = wall.wrapping_sub(i64::from(zone.at(seconds.wrapping_sub(offset)).seconds));
        }
        Time { seconds, nanosecond, zone }
    }

    /// Nanoseconds since 1970.
    pub fn nanoseconds(&self) -> i128 {
        i128::from(self.seconds) * NANOSECONDS + i128::from(self.nanosecond)
    }

    /// The same instant in another zone.
    pub fn in_zone(&self, zone: Zone) -> Time {
        Time { zone, ..self.clone() }
    }

    /// The time plus a duration.
    pub fn add(&self, duration: Duration) -> Time {
        let moved = Time::from_nanoseconds(self.nanoseconds() + i128::from(duration.0));
        Time { zone: self.zone.clone(), ..moved }
    }

    /// The duration since `earlier`, clamped to the range of durations.
    pub fn since(&self, earlier: &Time) -> Duration {
        // Go counts from the year 1, and wraps.
        let counted = |time: &Time| {
            let seconds = time.seconds.wrapping_sub(Time::zero().seconds);
            i128::from(seconds) * NANOSECONDS + i128::from(time.nanosecond)
        };
        let difference = counted(self) - counted(earlier);
        Duration(difference.clamp(i128::from(i64::MIN), i128::from(i64::MAX)) as i64)
    }

    /// The reading of a calendar and clock in its zone.
    pub fn civil(&self) -> Civil {
        let seconds = self.seconds.wrapping_add(i64::from(self.zone.at(self.seconds).seconds));
        // What is before the first day wraps to the end of time, as in Go.
        let since_first = seconds.wrapping_sub(FIRST_DAY * SECONDS_PER_DAY) as u64;
        let days = (since_first / SECONDS_PER_DAY as u64) as i64 + FIRST_DAY;
        let clock = (since_first % SECONDS_PER_DAY as u64) as u32;
        let (year, month, day) = civil_from_days(days);
        Civil {
            year,
            month,
            day,
            hour: clock / 3600,
            minute: clock / 60 % 60,
            second: clock % 60,
            // 1 January 1970 was a Thursday.
            weekday: (days + 4).rem_euclid(7) as u32,
            year_day: (days - days_from_civil(year, 1, 1) + 1) as u32,
        }
    }

    /// Text in Go's layout language.
    pub fn format(&self, layout: &[u8]) -> Vec<u8> {
        layout::format(self, layout)
    }

    /// `String`: 2006-01-02 15:04:05.999999999 -0700 MST
    pub fn to_text(&self) -> String {
        self.format_text("2006-01-02 15:04:05.999999999 -0700 MST")
    }

    /// RFC 3339 with all digits of the second that are not zero, as in JSON and TOML.
    pub fn to_rfc3339(&self) -> String {
        self.format_text("2006-01-02T15:04:05.999999999Z07:00")
    }

    /// As [`Time::to_rfc3339`], or why the time has no such text (Go's `appendStrictRFC3339`, used for JSON).
    pub fn to_strict_rfc3339(&self) -> Result<String, &'static str> {
        let text = self.to_rfc3339();
        // A year of other than four digits moves the `-` behind it.
        if text.as_bytes().get(4) != Some(&b'-') || text.starts_with('-') {
            return Err("year outside of range [0,9999]");
        }
        let is_hour = |zone: &str| zone.get(1..3).and_then(|hour| hour.parse::<u8>().ok()).is_some_and(|hour| hour < 24);
        let is_strict = text.ends_with('Z') || text.len().checked_sub("+00:00".len()).and_then(|at| text.get(at..)).is_some_and(is_hour);
        if is_strict { Ok(text) } else { Err("timezone hour outside of range [0,23]") }
    }

    /// As in TOML, where a local time shows only the parts that were in its text.
    pub fn to_toml(&self) -> String {
        match self.zone.name() {
            zone::LOCAL_DATE_TIME => self.format_text("2006-01-02T15:04:05.999999999"),
            zone::LOCAL_DATE => self.format_text("2006-01-02"),
            zone::LOCAL_TIME => self.format_text("15:04:05.999999999"),
            _ => self.to_rfc3339(),
        }
    }

    fn format_text(&self, layout: &str) -> String {
        String::from_utf8_lossy(&self.format(layout.as_bytes())).into_owned()
    }
}

/// Days since 1970 of a date.
pub fn days_from_civil(year: i64, month: u32, day: u32) -> i64 {
    // Years begin in March here, so that the leap day is the last day.
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let month = i64::from((month + 9) % 12);
    let day_of_year = (153 * month + 2) / 5 + i64::from(day) - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

/// Year, month and day of a number of days since 1970.
pub fn civil_from_days(days: i64) -> (i64, u32, u32) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day = (day_of_year - (153 * month + 2) / 5 + 1) as u32;
    let month = if month < 10 { month + 3 } else { month - 9 } as u32;
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, month, day)
}

/// Whether a year has 366 days.
fn is_leap(year: i64) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

/// How many days a month has.
fn days_in(month: u32, year: i64) -> u32 {
    match month {
        2 if is_leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Go's names of the months.
pub const MONTHS: [&str; 12] =
    ["January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"];

/// Go's names of the days of the week.
pub const WEEKDAYS: [&str; 7] = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];

/// A text as in the messages of package time: bytes above ASCII in hexadecimal.
fn quote(text: &[u8]) -> String {
    let mut out = String::from("\"");
    for byte in text {
        match byte {
            b'"' | b'\\' => {
                out.push('\\');
                out.push(char::from(*byte));
            }
            b' '..=0x7f => out.push(char::from(*byte)),
            _ => out.push_str(&format!("\\x{byte:02x}")),
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_and_days_are_inverse() {
        for days in (-800_000..800_000).step_by(97) {
            let (year, month, day) = civil_from_days(days);
            assert_eq!(days_from_civil(year, month, day), days);
        }
        assert_eq!(civil_from_days(0), (1970, 1, 1));
        assert_eq!(Time::zero().civil().year, 1);
    }

    #[test]
    fn prints_as_go() {
        let time = Time::from_civil(2021, 3, 4, (5, 6, 7), 89_012_000, Zone::Fixed("".into(), -8 * 3600));
        assert_eq!(time.to_text(), "2021-03-04 05:06:07.089012 -0800 -0800");
        assert_eq!(Time::zero().to_rfc3339(), "0001-01-01T00:00:00Z");
    }
}
