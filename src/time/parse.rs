//! Parses times by a layout: Go's `time.ParseInLocation`.
//!
//! Goes in: layout, text, and the zone for texts that name none. Comes out: a time, or Go's message (`parsing time "bad" as
//! "2006": cannot parse "bad" as "2006"`).

use super::duration::leading_number;
use super::layout::{OffsetForm, Piece, next_piece};
use super::{MONTHS, Time, WEEKDAYS, Zone, days_from_civil, days_in, is_leap, quote};

/// Why one field does not fit.
enum Mismatch {
    /// The text is not such a field.
    Bad,
    /// A number out of range; the field's name.
    Range(&'static str),
}

type Field<T> = Result<T, Mismatch>;

/// The fields read so far.
#[derive(Default)]
struct Fields {
    year: i64,
    month: Option<u32>,
    day: Option<u32>,
    year_day: Option<u32>,
    hour: u32,
    minute: u32,
    second: u32,
    nanosecond: u32,
    /// `PM` or `AM` was read.
    afternoon: Option<bool>,
    utc: bool,
    offset: Option<i32>,
    abbreviation: Vec<u8>,
}

/// `time.ParseInLocation(layout, text, zone)`
pub fn parse(layout: &[u8], text: &[u8], zone: &Zone) -> Result<Time, String> {
    let mut fields = Fields::default();
    let mut rest = text;
    let mut pattern = layout;
    let mismatch = |value: &[u8], element: &[u8]| {
        format!("parsing time {} as {}: cannot parse {} as {}", quote(text), quote(layout), quote(value), quote(element))
    };
    let fault = |message: &str| format!("parsing time {}: {message}", quote(text));
    loop {
        let found = next_piece(pattern);
        let prefix = &pattern[..found.map_or(pattern.len(), |(start, ..)| start)];
        rest = skip(rest, prefix).map_err(|at| mismatch(at, prefix))?;
        let Some((start, piece, end)) = found else {
            if !rest.is_empty() {
                return Err(fault(&format!("extra text: {}", quote(rest))));
            }
            break;
        };
        let element = &pattern[start..end];
        pattern = &pattern[end..];
        let held = rest;
        match fields.read(piece, &mut rest, pattern) {
            Ok(()) => {}
            Err(Mismatch::Bad) => return Err(mismatch(held, element)),
            Err(Mismatch::Range(name)) => return Err(fault(&format!("{name} out of range"))),
        }
    }
    fields.finish(zone).map_err(fault)
}

/// `text` behind `prefix`, where runs of spaces match each other; else the text where they differ.
fn skip<'a>(mut text: &'a [u8], mut prefix: &[u8]) -> Result<&'a [u8], &'a [u8]> {
    while let Some(first) = prefix.first() {
        if *first == b' ' {
            if text.first().is_some_and(|byte| *byte != b' ') {
                return Err(text);
            }
            prefix = without_spaces(prefix);
            text = without_spaces(text);
            continue;
        }
        match text.first() {
            Some(byte) if byte == first => {
                prefix = &prefix[1..];
                text = &text[1..];
            }
            _ => return Err(text),
        }
    }
    Ok(text)
}

fn without_spaces(text: &[u8]) -> &[u8] {
    let spaces = text.iter().take_while(|byte| **byte == b' ').count();
    &text[spaces..]
}

/// One or two digits; exactly two if `fixed`.
fn two_digits(rest: &mut &[u8], fixed: bool) -> Field<u32> {
    digits(rest, 2, fixed)
}

fn digits(rest: &mut &[u8], most: usize, fixed: bool) -> Field<u32> {
    let count = rest.iter().take(most).take_while(|byte| byte.is_ascii_digit()).count();
    if count == 0 || (fixed && count < most) {
        return Err(Mismatch::Bad);
    }
    let number = rest[..count].iter().fold(0, |number, byte| number * 10 + u32::from(byte - b'0'));
    *rest = &rest[count..];
    Ok(number)
}

/// The first `count` bytes.
fn take<'a>(rest: &mut &'a [u8], count: usize) -> Field<&'a [u8]> {
    let (taken, after) = rest.split_at_checked(count).ok_or(Mismatch::Bad)?;
    *rest = after;
    Ok(taken)
}

/// The index of the name at the start, ignoring case; if `short`, only the first three letters of a name count.
fn name_of(rest: &mut &[u8], names: &[&str], short: bool) -> Field<u32> {
    for (at, name) in names.iter().enumerate() {
        let name = if short { &name[..3] } else { name };
        if rest.get(..name.len()).is_some_and(|start| start.eq_ignore_ascii_case(name.as_bytes())) {
            *rest = &rest[name.len()..];
            return Ok(at as u32);
        }
    }
    Err(Mismatch::Bad)
}

fn is_separator(byte: &u8) -> bool {
    matches!(byte, b'.' | b',')
}

/// A separator and digits, `length` bytes in total, as nanoseconds.
fn nanoseconds(rest: &mut &[u8], length: usize) -> Field<u32> {
    let text = take(rest, length)?;
    let (separator, digits) = text.split_first().ok_or(Mismatch::Bad)?;
    if !is_separator(separator) {
        return Err(Mismatch::Bad);
    }
    let digits = &digits[..digits.len().min(9)];
    let (signless, negative) = match digits.split_first() {
        Some((b'-', digits)) => (digits, true),
        Some((b'+', digits)) => (digits, false),
        _ => (digits, false),
    };
    if !signless.iter().all(u8::is_ascii_digit) {
        return Err(Mismatch::Bad);
    }
    let number = signless.iter().fold(0, |number, byte| number * 10 + u32::from(byte - b'0'));
    if negative && number > 0 {
        return Err(Mismatch::Range("fractional second"));
    }
    Ok(number * 10u32.pow(9 - digits.len() as u32))
}

impl Fields {
    /// Reads one piece from the start of `rest`; `pattern` is the layout behind it.
    fn read(&mut self, piece: Piece, rest: &mut &[u8], pattern: &[u8]) -> Field<()> {
        match piece {
            Piece::Year => {
                let year = i64::from(signed_number(take(rest, 2)?)?);
                self.year = if year >= 69 { year + 1900 } else { year + 2000 };
            }
            Piece::LongYear => {
                if !rest.first().is_some_and(u8::is_ascii_digit) {
                    return Err(Mismatch::Bad);
                }
                let mut four = take(rest, 4)?;
                self.year = i64::from(digits(&mut four, 4, true)?);
            }
            Piece::ShortMonth => self.month = Some(name_of(rest, &MONTHS, true)? + 1),
            Piece::LongMonth => self.month = Some(name_of(rest, &MONTHS, false)? + 1),
            Piece::Month | Piece::ZeroMonth => {
                let month = two_digits(rest, piece == Piece::ZeroMonth)?;
                if !(1..=12).contains(&month) {
                    return Err(Mismatch::Range("month"));
                }
                self.month = Some(month);
            }
            Piece::ShortWeekday => drop(name_of(rest, &WEEKDAYS, true)?),
            Piece::LongWeekday => drop(name_of(rest, &WEEKDAYS, false)?),
            Piece::Day | Piece::SpaceDay | Piece::ZeroDay => {
                if piece == Piece::SpaceDay && rest.first() == Some(&b' ') {
                    *rest = &rest[1..];
                }
                self.day = Some(two_digits(rest, piece == Piece::ZeroDay)?);
            }
            Piece::SpaceYearDay | Piece::ZeroYearDay => {
                for _ in 0..2 {
                    if piece == Piece::SpaceYearDay && rest.first() == Some(&b' ') {
                        *rest = &rest[1..];
                    }
                }
                self.year_day = Some(digits(rest, 3, piece == Piece::ZeroYearDay)?);
            }
            Piece::Hour => self.hour = within(two_digits(rest, false)?, 23, "hour")?,
            Piece::Hour12 | Piece::ZeroHour12 => self.hour = within(two_digits(rest, piece == Piece::ZeroHour12)?, 12, "hour")?,
            Piece::Minute | Piece::ZeroMinute => self.minute = within(two_digits(rest, piece == Piece::ZeroMinute)?, 59, "minute")?,
            Piece::Second | Piece::ZeroSecond => {
                self.second = within(two_digits(rest, piece == Piece::ZeroSecond)?, 59, "second")?;
                self.read_unasked_fraction(rest, pattern)?;
            }
            Piece::UpperHalf => {
                self.afternoon = Some(match take(rest, 2)? {
                    b"PM" => true,
                    b"AM" => false,
                    _ => return Err(Mismatch::Bad),
                });
            }
            Piece::LowerHalf => {
                self.afternoon = Some(match take(rest, 2)? {
                    b"pm" => true,
                    b"am" => false,
                    _ => return Err(Mismatch::Bad),
                });
            }
            Piece::Offset(form) => {
                if form.zulu && rest.first() == Some(&b'Z') {
                    *rest = &rest[1..];
                    self.utc = true;
                } else {
                    self.offset = Some(read_offset(rest, form)?);
                }
            }
            Piece::Abbreviation => {
                if let Some(after) = rest.strip_prefix(b"UTC") {
                    *rest = after;
                    self.utc = true;
                } else {
                    let length = abbreviation_length(rest).ok_or(Mismatch::Bad)?;
                    self.abbreviation = take(rest, length)?.to_vec();
                }
            }
            Piece::Fraction { digits, .. } => self.nanosecond = nanoseconds(rest, 1 + digits)?,
            Piece::ShortFraction { .. } => {
                if rest.first().is_some_and(is_separator) && rest.get(1).is_some_and(u8::is_ascii_digit) {
                    let digits = rest[1..].iter().take_while(|byte| byte.is_ascii_digit()).count();
                    self.nanosecond = nanoseconds(rest, 1 + digits)?;
                }
            }
        }
        Ok(())
    }

    /// Seconds may have a fraction that the layout does not include.
    fn read_unasked_fraction(&mut self, rest: &mut &[u8], pattern: &[u8]) -> Field<()> {
        if !(rest.first().is_some_and(is_separator) && rest.get(1).is_some_and(u8::is_ascii_digit)) {
            return Ok(());
        }
        if let Some((_, Piece::Fraction { .. } | Piece::ShortFraction { .. }, _)) = next_piece(pattern) {
            return Ok(());
        }
        let digits = rest[1..].iter().take_while(|byte| byte.is_ascii_digit()).count();
        self.nanosecond = nanoseconds(rest, 1 + digits)?;
        Ok(())
    }

    /// The time of these fields; the error names the field that is out of range.
    fn finish(mut self, zone: &Zone) -> Result<Time, &'static str> {
        match self.afternoon {
            Some(true) if self.hour < 12 => self.hour += 12,
            Some(false) if self.hour == 12 => self.hour = 0,
            _ => {}
        }
        let (month, day) = match self.year_day {
            Some(year_day) => self.resolve_year_day(year_day)?,
            None => (self.month.unwrap_or(1), self.day.unwrap_or(1)),
        };
        if day < 1 || day > days_in(month, self.year) {
            return Err("day out of range");
        }
        let clock = (self.hour, self.minute, self.second);
        let reading = |zone: Zone| Time::from_civil(self.year, month, day, clock, self.nanosecond, zone);
        if self.utc {
            return Ok(reading(Zone::Utc));
        }
        let name = String::from_utf8_lossy(&self.abbreviation);
        if let Some(offset) = self.offset {
            let mut time = reading(Zone::Utc);
            time.seconds -= i64::from(offset);
            let local = zone.at(time.seconds);
            let same = local.seconds == offset && (name.is_empty() || local.abbreviation == name);
            time.zone = if same { zone.clone() } else { Zone::Fixed(name.as_ref().into(), offset) };
            return Ok(time);
        }
        if !name.is_empty() {
            let mut time = reading(Zone::Utc);
            let local = zone.at(time.seconds);
            if local.abbreviation == name {
                time.seconds -= i64::from(local.seconds);
                time.zone = zone.clone();
                return Ok(time);
            }
            // GMT+3 contains its offset; of other names, only the name is known.
            let hours = name.strip_prefix("GMT").and_then(|hours| hours.parse::<i32>().ok()).unwrap_or(0);
            time.zone = Zone::Fixed(name.as_ref().into(), hours * 3600);
            return Ok(time);
        }
        Ok(reading(zone.clone()))
    }

    /// Month and day of a day of the year, which must agree with the ones read.
    fn resolve_year_day(&self, year_day: u32) -> Result<(u32, u32), &'static str> {
        if year_day < 1 || year_day > 365 + u32::from(is_leap(self.year)) {
            return Err("day-of-year out of range");
        }
        let (_, month, day) = super::civil_from_days(days_from_civil(self.year, 1, 1) + i64::from(year_day) - 1);
        if self.month.is_some_and(|read| read != month) {
            return Err("day-of-year does not match month");
        }
        if self.day.is_some_and(|read| read != day) {
            return Err("day-of-year does not match day");
        }
        Ok((month, day))
    }
}

fn within(number: u32, most: u32, name: &'static str) -> Field<u32> {
    if number > most { Err(Mismatch::Range(name)) } else { Ok(number) }
}

/// A whole text as a number with an optional sign.
fn signed_number(text: &[u8]) -> Field<i32> {
    std::str::from_utf8(text).ok().and_then(|text| text.parse().ok()).ok_or(Mismatch::Bad)
}

/// `-07:00` and the like, in seconds.
fn read_offset(rest: &mut &[u8], form: OffsetForm) -> Field<i32> {
    let length = 3 + if form.minutes { 2 } else { 0 } + if form.seconds { 2 } else { 0 };
    let length = length + if form.colon { usize::from(form.minutes) + usize::from(form.seconds) } else { 0 };
    let mut text = take(rest, length)?;
    let sign = take(&mut text, 1)?;
    let count = 1 + usize::from(form.minutes) + usize::from(form.seconds);
    let width = if form.colon { 3 } else { 2 };
    if form.colon && (1..count).any(|at| text.get(at * width - 1) != Some(&b':')) {
        return Err(Mismatch::Bad);
    }
    // Go remembers bad digits and a bad sign, but a range that is exceeded before them comes first.
    let mut parts = [0; 3];
    let mut is_bad = false;
    for (part, mut digits) in parts.iter_mut().zip(text.chunks(width)) {
        match two_digits(&mut digits, true) {
            Ok(number) => *part = number,
            Err(_) => {
                is_bad = true;
                break;
            }
        }
    }
    let [hours, minutes, seconds] = parts;
    within(seconds, 60, "time zone offset second")?;
    within(minutes, 60, "time zone offset minute")?;
    within(hours, 24, "time zone offset hour")?;
    let offset = ((hours * 60 + minutes) * 60 + seconds) as i32;
    match sign {
        b"+" if !is_bad => Ok(offset),
        b"-" if !is_bad => Ok(-offset),
        _ => Err(Mismatch::Bad),
    }
}

/// The length of the zone abbreviation at the start: three or four capitals, five that end in T, GMT with hours, or hours alone.
fn abbreviation_length(text: &[u8]) -> Option<usize> {
    if text.len() < 3 {
        return None;
    }
    if text.starts_with(b"ChST") || text.starts_with(b"MeST") {
        return Some(4);
    }
    if let Some(rest) = text.strip_prefix(b"GMT") {
        return Some(3 + signed_hours_length(rest));
    }
    if matches!(text[0], b'+' | b'-') {
        return Some(signed_hours_length(text)).filter(|length| *length > 0);
    }
    match text.iter().take(6).take_while(|byte| byte.is_ascii_uppercase()).count() {
        5 if text[4] == b'T' => Some(5),
        4 if text[3] == b'T' || text.starts_with(b"WITA") => Some(4),
        3 => Some(3),
        _ => None,
    }
}

/// The length of a signed number up to 23; 0 if there is none.
fn signed_hours_length(text: &[u8]) -> usize {
    let Some((b'+' | b'-', rest)) = text.split_first() else { return 0 };
    match leading_number(rest) {
        Some((hours, after)) if after.len() < rest.len() && hours <= 23 => text.len() - after.len(),
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(layout: &str, value: &str) -> String {
        match parse(layout.as_bytes(), value.as_bytes(), &Zone::Local) {
            Ok(time) => time.to_text(),
            Err(message) => message,
        }
    }

    #[test]
    fn reads_as_go() {
        // Recorded from Go 1.26 time.ParseInLocation with TZ=UTC.
        for (layout, value, want) in [
            ("2006-01-02", "2021-03-04", "2021-03-04 00:00:00 +0000 UTC"),
            ("02 Jan 06 15:04 MST", "02 Jan 21 15:04 PST", "2021-01-02 15:04:00 +0000 PST"),
            ("02 Jan 06 15:04 -0700", "02 Jan 21 15:04 -0800", "2021-01-02 15:04:00 -0800 -0800"),
            ("January 2, 2006", "march 4, 2021", "2021-03-04 00:00:00 +0000 UTC"),
            ("3:04PM", "5:06PM", "0000-01-01 17:06:00 +0000 UTC"),
            ("2006-002", "2021-063", "2021-03-04 00:00:00 +0000 UTC"),
            ("06-01-02", "69-01-02", "1969-01-02 00:00:00 +0000 UTC"),
            ("15:04:05", "05:06:07.123", "0000-01-01 05:06:07.123 +0000 UTC"),
            ("15:04 MST", "15:04 GMT+3", "0000-01-01 18:04:00 +0300 GMT+3"),
            ("2006-01-02T15:04:05Z07:00", "2021-03-04T05:06:07.5+02:00", "2021-03-04 05:06:07.5 +0200 +0200"),
            ("2006-01-02", "bad", "parsing time \"bad\" as \"2006-01-02\": cannot parse \"bad\" as \"2006\""),
            ("2006-01-02", "2021-13-04", "parsing time \"2021-13-04\": month out of range"),
            ("2006-01-02", "2021-02-30", "parsing time \"2021-02-30\": day out of range"),
            ("15:04", "25:00", "parsing time \"25:00\": hour out of range"),
            ("-07:00", "+2", "parsing time \"+2\" as \"-07:00\": cannot parse \"+2\" as \"-07:00\""),
            ("2006", "2021 x", "parsing time \"2021 x\": extra text: \" x\""),
        ] {
            assert_eq!(text(layout, value), want, "{layout} {value}");
        }
    }

    proptest::proptest! {
        /// Any layout and any text give a time or a message.
        #[test]
        fn nothing_panics(
            layout in proptest::collection::vec(proptest::sample::select(b"2006010215:04:05.0009_-Z7MSTJanPpm,\xc3\xa9 ".to_vec()), 0..20),
            text in proptest::collection::vec(proptest::sample::select(b"0123456789:-+.,TZGMJanPm \xff".to_vec()), 0..20),
        ) {
            let _ = parse(&layout, &text, &Zone::Local);
            let _ = super::super::Duration::parse(&text);
            let _ = Time::unix(i64::MAX).format(&layout);
            let _ = Time::unix(i64::MIN).format(&layout);
        }
    }
}
