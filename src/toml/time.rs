//! TOML's dates and times.
//!
//! Goes in: the text of one. Comes out: the time, or `None` if it is invalid. As in BurntSushi/toml, Go's `time.Parse` tries one
//! layout after the other, and the name of the zone records which parts the text left out.

use crate::time::zone::{LOCAL_DATE, LOCAL_DATE_TIME, LOCAL_TIME};
use crate::time::{Time, Zone, parse as parse_by};

/// Layouts, each with the name of the zone for a missing offset; seconds may be left out.
const LAYOUTS: [(&str, Option<&str>); 7] = [
    ("2006-01-02T15:04:05.999999999Z07:00", None),
    ("2006-01-02T15:04:05.999999999", Some(LOCAL_DATE_TIME)),
    ("2006-01-02", Some(LOCAL_DATE)),
    ("15:04:05.999999999", Some(LOCAL_TIME)),
    ("2006-01-02T15:04Z07:00", None),
    ("2006-01-02T15:04", Some(LOCAL_DATE_TIME)),
    ("15:04", Some(LOCAL_TIME)),
];

/// The text with capital letters between date and time and behind them, for reading and for messages.
pub(super) fn normalized(text: &str) -> String {
    text.replace('z', "Z").replace(['t', ' '], "T")
}

/// Reads a normalized date, a time of day, or both with or without an offset.
pub(super) fn parse(text: &str) -> Option<Time> {
    for (layout, name) in LAYOUTS {
        let zone = name.map_or(Zone::Local, |name| Zone::Fixed(name.into(), 0));
        if let Ok(time) = parse_by(layout.as_bytes(), text.as_bytes(), &zone) {
            return (!lacks_leading_zero(text, layout)).then_some(time);
        }
    }
    None
}

/// Whether a number has fewer digits than in the layout, which `time.Parse` accepts for hours: some separator comes earlier.
fn lacks_leading_zero(text: &str, layout: &str) -> bool {
    let before_fraction = layout.bytes().take_while(|byte| !matches!(byte, b'.' | b'Z'));
    let mut pairs = before_fraction.zip(text.bytes());
    pairs.any(|(expected, found)| !expected.is_ascii_digit() && found != expected)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_out_is_told() {
        let cases = [
            ("1979-05-27T07:32:00Z", Some("1979-05-27T07:32:00Z")),
            ("1979-05-27 07:32:00.500-07:00", Some("1979-05-27T07:32:00.5-07:00")),
            ("1979-05-27t07:32z", Some("1979-05-27T07:32:00Z")),
            ("1979-05-27T07:32", Some("1979-05-27T07:32:00")),
            ("1979-05-27", Some("1979-05-27")),
            ("07:32:00.999999", Some("07:32:00.999999")),
            ("07:32", Some("07:32:00")),
            ("1979-02-29", None),
            ("1979-5-27", None),
            ("7:32:00", None),
            ("1979-05-27T7:32:00Z", None),
            ("24:00:00", None),
            ("1979-05-27T07:32:00X", None),
        ];
        for (text, want) in cases {
            assert_eq!(parse(&normalized(text)).map(|time| time.to_toml()).as_deref(), want, "{text}");
        }
    }
}
