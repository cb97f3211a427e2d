//! TOML's dates and times.
//!
//! Goes in: the text of one. Comes out: its RFC 3339 text and which of the four kinds it is, or nothing if it is none; with the
//! rules of Go's `time.Parse` behind it (days of the month, leap years, offsets).

use super::parse::TimeKind;

/// Reads a date, a time of day, or both with or without an offset; seconds may be left out.
pub(super) fn parse(text: &str) -> Option<(String, TimeKind)> {
    let text: String = text.chars().map(|character| if matches!(character, 't' | ' ') { 'T' } else { character }).collect();
    let text = text.replace('z', "Z");
    if text.as_bytes().get(2) == Some(&b':') {
        let (time, rest) = time_of_day(&text)?;
        return rest.is_empty().then(|| (format!("0000-01-01T{time}Z"), TimeKind::LocalTime));
    }
    let date = text.get(..10)?;
    if !is_date(date) {
        return None;
    }
    let rest = &text[10..];
    if rest.is_empty() {
        return Some((format!("{date}T00:00:00Z"), TimeKind::LocalDate));
    }
    let (time, zone) = time_of_day(rest.strip_prefix('T')?)?;
    match zone {
        "" => Some((format!("{date}T{time}Z"), TimeKind::LocalDateTime)),
        zone if is_zone(zone) => {
            let zone = if zone == "+00:00" || zone == "-00:00" { "Z" } else { zone };
            Some((format!("{date}T{time}{zone}"), TimeKind::Offset))
        }
        _ => None,
    }
}

fn two_digits(text: &str) -> Option<u32> {
    let pair = text.get(..2)?;
    pair.bytes().all(|byte| byte.is_ascii_digit()).then(|| pair.parse().ok()).flatten()
}

fn is_date(date: &str) -> bool {
    let parts: Vec<&str> = date.split('-').collect();
    let [year, month, day] = parts.as_slice() else { return false };
    let (Ok(year), Some(month), Some(day)) = (year.parse::<u32>(), two_digits(month), two_digits(day)) else { return false };
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let last = match month {
        4 | 6 | 9 | 11 => 30,
        2 if leap => 29,
        2 => 28,
        1..=12 => 31,
        _ => return false,
    };
    parts.iter().map(|part| part.len()).eq([4, 2, 2]) && (1..=last).contains(&day)
}

/// The time of day with its seconds and without trailing zeros of a second's fraction, and what follows.
fn time_of_day(text: &str) -> Option<(String, &str)> {
    let (hour, minute) = (two_digits(text)?, two_digits(text.get(3..)?)?);
    if text.as_bytes().get(2) != Some(&b':') || hour > 23 || minute > 59 {
        return None;
    }
    let rest = &text[5..];
    let Some(seconds) = rest.strip_prefix(':') else { return Some((format!("{hour:02}:{minute:02}:00"), rest)) };
    let second = two_digits(seconds).filter(|second| *second < 60)?;
    let rest = &seconds[2..];
    let digits = rest.strip_prefix('.').map_or(0, |fraction| fraction.bytes().take_while(u8::is_ascii_digit).count());
    if digits == 0 {
        return Some((format!("{hour:02}:{minute:02}:{second:02}"), rest));
    }
    // Nanoseconds; what is finer is cut off.
    let fraction = rest[1..1 + digits.min(9)].trim_end_matches('0');
    let point = if fraction.is_empty() { "" } else { "." };
    Some((format!("{hour:02}:{minute:02}:{second:02}{point}{fraction}"), &rest[1 + digits..]))
}

fn is_zone(zone: &str) -> bool {
    zone == "Z"
        || zone.len() == 6
            && zone.starts_with(['+', '-'])
            && zone.as_bytes().get(3) == Some(&b':')
            && two_digits(&zone[1..]).is_some_and(|hours| hours <= 24)
            && two_digits(&zone[4..]).is_some_and(|minutes| minutes <= 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds() {
        let cases = [
            ("1979-05-27T07:32:00Z", Some(("1979-05-27T07:32:00Z", TimeKind::Offset))),
            ("1979-05-27 07:32:00.500-07:00", Some(("1979-05-27T07:32:00.5-07:00", TimeKind::Offset))),
            ("1979-05-27T07:32", Some(("1979-05-27T07:32:00Z", TimeKind::LocalDateTime))),
            ("1979-05-27", Some(("1979-05-27T00:00:00Z", TimeKind::LocalDate))),
            ("07:32:00.999999", Some(("0000-01-01T07:32:00.999999Z", TimeKind::LocalTime))),
            ("1979-02-29", None),
            ("1979-5-27", None),
            ("24:00:00", None),
            ("1979-05-27T07:32:00X", None),
        ];
        for (text, want) in cases {
            let found = parse(text);
            assert_eq!(found.as_ref().map(|found| (found.0.as_str(), found.1)), want, "{text}");
        }
    }
}
