//! The formats of times: `date`, `time`, `date-time`, `duration`, `period`.
//!
//! Goes in: a text. Comes out: nothing, or why it does not have the format, in the words of santhosh-tekuri/jsonschema v6
//! (`format.go`) and of Go's `time.Parse`, which reads its dates.

use crate::quote::quote_character;
use crate::time::Zone;

pub(super) fn date(text: &str) -> Result<(), String> {
    crate::time::parse(b"2006-01-02", text.as_bytes(), &Zone::Utc).map(|_| ())
}

/// Numbers between colons, with signs as Go's `strconv.Atoi` accepts them.
fn numbers(text: &str, parts: usize, name: &str) -> Result<Vec<i32>, String> {
    let number = |part: &str| match part.parse() {
        Ok(number) if number < 0 => Err(format!("non-positive {name}")),
        Ok(number) => Ok(number),
        Err(_) => Err(format!("invalid {name}")),
    };
    text.splitn(parts, ':').map(number).collect()
}

/// `hh:mm:ss`, a fraction, and `Z` or an offset.
pub(super) fn time(text: &str) -> Result<(), String> {
    if text.len() < 9 {
        return Err("less than 9 characters long".into());
    }
    let bytes = text.as_bytes();
    if bytes.get(2) != Some(&b':') || bytes.get(5) != Some(&b':') {
        return Err("missing colon in correct place".into());
    }
    let (Some(clock), Some(mut rest)) = (text.get(..8), text.get(8..)) else { return Err("invalid hour/min/sec".into()) };
    let &[mut hour, mut minute, second] = numbers(clock, 3, "hour/min/sec")?.as_slice() else {
        return Err("missing hour/min/sec".into());
    };
    if hour > 23 || minute > 59 || second > 60 {
        return Err("hour/min/sec out of range".into());
    }
    if let Some(fraction) = rest.strip_prefix('.') {
        rest = fraction.trim_start_matches(|c: char| c.is_ascii_digit());
        if rest.len() == fraction.len() {
            return Err("no digits in second fraction".into());
        }
    }
    if rest != "z" && rest != "Z" {
        if rest.len() != 6 {
            return Err("offset must be 6 characters long".into());
        }
        let sign = match rest.as_bytes().first() {
            Some(b'+') => -1,
            Some(b'-') => 1,
            _ => return Err("offset must begin with plus/minus".into()),
        };
        let offset = rest.get(1..).unwrap_or_default();
        if offset.as_bytes().get(2) != Some(&b':') {
            return Err("missing colon in offset in correct place".into());
        }
        let &[hours, minutes] = numbers(offset, 2, "hour/min in offset")?.as_slice() else {
            return Err("invalid hour/min in offset".into());
        };
        if hours > 23 || minutes > 59 {
            return Err("hour/min in offset out of range".into());
        }
        let of_day = (hour * 60 + minute + sign * (hours * 60 + minutes)).rem_euclid(24 * 60);
        (hour, minute) = (of_day / 60, of_day % 60);
    }
    if second >= 60 && (hour != 23 || minute != 59) {
        return Err("invalid leap second".into());
    }
    Ok(())
}

pub(super) fn date_time(text: &str) -> Result<(), String> {
    if text.len() < 20 {
        return Err("less than 20 characters long".into());
    }
    if !matches!(text.as_bytes().get(10), Some(b't' | b'T')) {
        return Err("11th character must be t or T".into());
    }
    date(text.get(..10).unwrap_or_default()).map_err(|fault| format!("invalid date element: {fault}"))?;
    time(text.get(11..).unwrap_or_default()).map_err(|fault| format!("invalid time element: {fault}"))
}

pub(super) fn duration(text: &str) -> Result<(), String> {
    let Some(text) = text.strip_prefix('P') else { return Err("must start with P".into()) };
    if text.is_empty() {
        return Err("nothing after P".into());
    }
    if let Some(weeks) = text.strip_suffix('W') {
        return match weeks {
            "" => Err("no number in week".into()),
            weeks if weeks.bytes().all(|byte| byte.is_ascii_digit()) => Ok(()),
            _ => Err("invalid week".into()),
        };
    }
    for (at, mut part) in text.split('T').enumerate() {
        if at != 0 && part.is_empty() {
            return Err("no time elements".into());
        }
        let Some(all) = ["YMD", "HMS"].get(at) else { return Err("more than one T".into()) };
        let mut units = *all;
        while !part.is_empty() {
            let behind = part.trim_start_matches(|c: char| c.is_ascii_digit());
            if behind.len() == part.len() {
                return Err("missing number".into());
            }
            let Some(unit) = behind.bytes().next().map(char::from) else { return Err("missing unit".into()) };
            match units.split_once(unit) {
                Some((_, later)) => units = later,
                None if all.contains(unit) => return Err(format!("unit {} out of order", quote_character(unit))),
                None => return Err(format!("invalid unit {}", quote_character(unit))),
            }
            part = behind.get(1..).unwrap_or_default();
        }
    }
    Ok(())
}

/// Two times, or a time and a duration, separated by a slash.
pub(super) fn period(text: &str) -> Result<(), String> {
    let Some((start, end)) = text.split_once('/') else { return Err("missing slash".into()) };
    let end_time = || date_time(end).map_err(|fault| format!("invalid end date-time: {fault}"));
    if start.starts_with('P') {
        duration(start).map_err(|fault| format!("invalid start duration: {fault}"))?;
        return end_time();
    }
    date_time(start).map_err(|fault| format!("invalid start date-time: {fault}"))?;
    if end.starts_with('P') { duration(end).map_err(|fault| format!("invalid end duration: {fault}")) } else { end_time() }
}
