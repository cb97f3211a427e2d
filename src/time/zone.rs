//! Time zones: what Go calls a `*time.Location`.
//!
//! Goes in: names, instants. Comes out: the abbreviation and the offset at that instant. The machine's own zone is UTC here,
//! whatever `TZ` says, so that a chart renders the same everywhere; only `%#v` distinguishes it from `UTC`.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use std::rc::Rc;

/// The name that BurntSushi/toml gives to the zone of a date and time without one.
pub const LOCAL_DATE_TIME: &str = "datetime-local";
/// The same for a date.
pub const LOCAL_DATE: &str = "date-local";
/// The same for a time of day.
pub const LOCAL_TIME: &str = "time-local";

/// A time zone.
#[derive(Debug, Clone)]
pub enum Zone {
    Utc,
    /// `time.Local`
    Local,
    /// One constant offset, from a parsed time: its name and seconds east.
    Fixed(Rc<str>, i32),
    /// From the tz database.
    Named(Rc<str>, TimeZone),
}

/// The offset of a zone at one instant.
#[derive(Debug, Clone)]
pub struct Offset {
    pub abbreviation: String,
    /// Seconds east of Greenwich.
    pub seconds: i32,
    pub daylight_saving: bool,
}

impl Zone {
    /// `time.LoadLocation`; `None` for a name that is not in the tz database in exactly this spelling.
    pub fn load(name: &str) -> Option<Zone> {
        match name {
            "" | "UTC" => Some(Zone::Utc),
            "Local" => Some(Zone::Local),
            _ => {
                let zone = TimeZone::get(name).ok()?;
                // The database ignores case, Go's files do not.
                (zone.iana_name() == Some(name)).then(|| Zone::Named(name.into(), zone))
            }
        }
    }

    /// Go's name of the location.
    pub fn name(&self) -> &str {
        match self {
            Zone::Utc | Zone::Local => "UTC",
            Zone::Fixed(name, _) | Zone::Named(name, _) => name,
        }
    }

    /// The offset at this many seconds after 1970.
    pub fn at(&self, seconds: i64) -> Offset {
        match self {
            Zone::Utc | Zone::Local => Offset { abbreviation: "UTC".to_string(), seconds: 0, daylight_saving: false },
            Zone::Fixed(name, seconds) => Offset { abbreviation: name.to_string(), seconds: *seconds, daylight_saving: false },
            Zone::Named(_, zone) => {
                let limit = Timestamp::MIN.as_second() + 100_000..Timestamp::MAX.as_second() - 100_000;
                let instant = Timestamp::from_second(seconds.clamp(limit.start, limit.end)).unwrap_or_default();
                let info = zone.to_offset_info(instant);
                Offset {
                    abbreviation: info.abbreviation().to_string(),
                    seconds: info.offset().seconds(),
                    daylight_saving: info.dst().is_dst(),
                }
            }
        }
    }

    /// Whether both are the same location for `==`, which compares pointers in Go.
    pub fn same(&self, other: &Zone) -> bool {
        match (self, other) {
            (Zone::Utc, Zone::Utc) | (Zone::Local, Zone::Local) => true,
            // Go keeps one location for each whole hour without a name.
            (Zone::Fixed(one, offset), Zone::Fixed(other, second)) if one.is_empty() && offset % 3600 == 0 => {
                other.is_empty() && offset == second && (-12..=14).contains(&(offset / 3600))
            }
            (Zone::Fixed(one, _), Zone::Fixed(other, _)) => Rc::ptr_eq(one, other),
            (Zone::Named(one, _), Zone::Named(other, _)) => Rc::ptr_eq(one, other),
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // Whatever `TZ` says: a chart renders the same everywhere.
    #[test]
    fn the_machine_s_own_zone_is_utc() {
        let offset = Zone::Local.at(1_700_000_000);
        assert_eq!((offset.abbreviation.as_str(), offset.seconds), ("UTC", 0));
    }

    #[test]
    fn names_are_exact() {
        assert!(Zone::load("UTC").is_some());
        assert!(Zone::load("Nope/Zone").is_none());
        assert!(Zone::load("../etc/passwd").is_none());
        assert!(Zone::load("europe/paris").is_none());
    }
}
