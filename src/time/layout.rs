//! Go's layout language: the reference time `Mon Jan 2 15:04:05 MST 2006` and its spellings.
//!
//! Goes in: a layout. Comes out: its pieces, for formatting here and for [`super::parse()`]. Text that is not a piece of the
//! reference time is literal.

use super::{MONTHS, Time, WEEKDAYS};
use crate::number;

/// One piece of a layout.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Piece {
    LongMonth,
    ShortMonth,
    Month,
    ZeroMonth,
    LongWeekday,
    ShortWeekday,
    Day,
    SpaceDay,
    ZeroDay,
    SpaceYearDay,
    ZeroYearDay,
    Hour,
    Hour12,
    ZeroHour12,
    Minute,
    ZeroMinute,
    Second,
    ZeroSecond,
    LongYear,
    Year,
    UpperHalf,
    LowerHalf,
    Abbreviation,
    Offset(OffsetForm),
    /// `.000` or `,000`: this many digits.
    Fraction {
        digits: usize,
        separator: u8,
    },
    /// `.999` or `,999`: up to this many digits, without trailing zeros.
    ShortFraction {
        digits: usize,
        separator: u8,
    },
}

/// The form of an offset from UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct OffsetForm {
    /// `Z` for UTC itself.
    pub zulu: bool,
    pub colon: bool,
    pub minutes: bool,
    pub seconds: bool,
}

/// The length of the text before the first piece, the piece, and its end; `None` when no piece is left.
pub(super) fn next_piece(layout: &[u8]) -> Option<(usize, Piece, usize)> {
    (0..layout.len()).find_map(|at| piece_at(&layout[at..]).map(|(piece, skip, length)| (at + skip, piece, at + skip + length)))
}

/// The piece that starts here: itself, how many literal bytes precede it, its length.
fn piece_at(text: &[u8]) -> Option<(Piece, usize, usize)> {
    let starts = |prefix: &str| text.starts_with(prefix.as_bytes());
    let followed_by_lower_case = |at: usize| text.get(at).is_some_and(u8::is_ascii_lowercase);
    let found = match text.first()? {
        b'J' if starts("January") => (Piece::LongMonth, 7),
        b'J' if starts("Jan") && !followed_by_lower_case(3) => (Piece::ShortMonth, 3),
        b'M' if starts("Monday") => (Piece::LongWeekday, 6),
        b'M' if starts("Mon") && !followed_by_lower_case(3) => (Piece::ShortWeekday, 3),
        b'M' if starts("MST") => (Piece::Abbreviation, 3),
        b'0' => match text.get(1)? {
            b'1' => (Piece::ZeroMonth, 2),
            b'2' => (Piece::ZeroDay, 2),
            b'3' => (Piece::ZeroHour12, 2),
            b'4' => (Piece::ZeroMinute, 2),
            b'5' => (Piece::ZeroSecond, 2),
            b'6' => (Piece::Year, 2),
            b'0' if starts("002") => (Piece::ZeroYearDay, 3),
            _ => return None,
        },
        b'1' if starts("15") => (Piece::Hour, 2),
        b'1' => (Piece::Month, 1),
        b'2' if starts("2006") => (Piece::LongYear, 4),
        b'2' => (Piece::Day, 1),
        // `_2006` is a literal underscore and a year.
        b'_' if starts("_2006") => return Some((Piece::LongYear, 1, 4)),
        b'_' if starts("_2") => (Piece::SpaceDay, 2),
        b'_' if starts("__2") => (Piece::SpaceYearDay, 3),
        b'3' => (Piece::Hour12, 1),
        b'4' => (Piece::Minute, 1),
        b'5' => (Piece::Second, 1),
        b'P' if starts("PM") => (Piece::UpperHalf, 2),
        b'p' if starts("pm") => (Piece::LowerHalf, 2),
        b'-' | b'Z' => offset_at(text)?,
        b'.' | b',' => return fraction_at(text),
        _ => return None,
    };
    Some((found.0, 0, found.1))
}

fn offset_at(text: &[u8]) -> Option<(Piece, usize)> {
    let zulu = text.first() == Some(&b'Z');
    let form = |colon, minutes, seconds| Piece::Offset(OffsetForm { zulu, colon, minutes, seconds });
    let rest = text.get(1..)?;
    [
        ("070000", form(false, true, true)),
        ("07:00:00", form(true, true, true)),
        ("0700", form(false, true, false)),
        ("07:00", form(true, true, false)),
        ("07", form(false, false, false)),
    ]
    .into_iter()
    .find_map(|(spelling, piece)| rest.starts_with(spelling.as_bytes()).then_some((piece, 1 + spelling.len())))
}

/// The digits of a fraction; no other digit may follow.
fn fraction_at(text: &[u8]) -> Option<(Piece, usize, usize)> {
    let digit = *text.get(1).filter(|byte| matches!(byte, b'0' | b'9'))?;
    let digits = text[1..].iter().take_while(|byte| **byte == digit).count();
    if text.get(1 + digits).is_some_and(u8::is_ascii_digit) {
        return None;
    }
    let separator = text[0];
    // Go stores the count in twelve bits.
    let count = digits & 0xfff;
    let piece =
        if digit == b'0' { Piece::Fraction { digits: count, separator } } else { Piece::ShortFraction { digits: count, separator } };
    Some((piece, 0, 1 + digits))
}

/// The time in this layout.
pub(super) fn format(time: &Time, layout: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(layout.len() + 10);
    let civil = time.civil();
    let mut rest = layout;
    while let Some((start, piece, end)) = next_piece(rest) {
        out.extend_from_slice(&rest[..start]);
        rest = &rest[end..];
        let twelve = if civil.hour.is_multiple_of(12) { 12 } else { civil.hour % 12 };
        match piece {
            Piece::LongMonth => out.extend_from_slice(MONTHS[civil.month as usize - 1].as_bytes()),
            Piece::ShortMonth => out.extend_from_slice(&MONTHS[civil.month as usize - 1].as_bytes()[..3]),
            Piece::Month => write_padded(&mut out, civil.month, 0),
            Piece::ZeroMonth => write_padded(&mut out, civil.month, 2),
            Piece::LongWeekday => out.extend_from_slice(WEEKDAYS[civil.weekday as usize].as_bytes()),
            Piece::ShortWeekday => out.extend_from_slice(&WEEKDAYS[civil.weekday as usize].as_bytes()[..3]),
            Piece::Day => write_padded(&mut out, civil.day, 0),
            Piece::SpaceDay => write_spaced(&mut out, civil.day, 2),
            Piece::ZeroDay => write_padded(&mut out, civil.day, 2),
            Piece::SpaceYearDay => write_spaced(&mut out, civil.year_day, 3),
            Piece::ZeroYearDay => write_padded(&mut out, civil.year_day, 3),
            Piece::Hour => write_padded(&mut out, civil.hour, 2),
            Piece::Hour12 => write_padded(&mut out, twelve, 0),
            Piece::ZeroHour12 => write_padded(&mut out, twelve, 2),
            Piece::Minute => write_padded(&mut out, civil.minute, 0),
            Piece::ZeroMinute => write_padded(&mut out, civil.minute, 2),
            Piece::Second => write_padded(&mut out, civil.second, 0),
            Piece::ZeroSecond => write_padded(&mut out, civil.second, 2),
            Piece::LongYear => {
                if civil.year < 0 {
                    out.push(b'-');
                }
                out.extend_from_slice(format!("{:04}", civil.year.unsigned_abs()).as_bytes());
            }
            Piece::Year => write_padded(&mut out, (civil.year.unsigned_abs() % 100) as u32, 2),
            Piece::UpperHalf => out.extend_from_slice(if civil.hour >= 12 { b"PM" } else { b"AM" }),
            Piece::LowerHalf => out.extend_from_slice(if civil.hour >= 12 { b"pm" } else { b"am" }),
            Piece::Abbreviation => {
                let offset = time.zone.at(time.seconds);
                if offset.abbreviation.is_empty() {
                    let numeric = OffsetForm { zulu: false, colon: false, minutes: true, seconds: false };
                    write_offset(&mut out, offset.seconds, numeric);
                } else {
                    out.extend_from_slice(offset.abbreviation.as_bytes());
                }
            }
            Piece::Offset(form) => write_offset(&mut out, time.zone.at(time.seconds).seconds, form),
            Piece::Fraction { digits, separator } => {
                out.push(separator);
                let text = format!("{:09}", time.nanosecond);
                out.extend_from_slice(&text.as_bytes()[..digits.min(9)]);
            }
            Piece::ShortFraction { digits, separator } => {
                let text = format!("{:09}", time.nanosecond);
                let text = text[..digits.min(9)].trim_end_matches('0');
                if !text.is_empty() {
                    out.push(separator);
                    out.extend_from_slice(text.as_bytes());
                }
            }
        }
    }
    out.extend_from_slice(rest);
    out
}

fn write_padded(out: &mut Vec<u8>, number: u32, width: usize) {
    out.extend_from_slice(format!("{number:0width$}").as_bytes());
}

fn write_spaced(out: &mut Vec<u8>, number: u32, width: usize) {
    out.extend_from_slice(format!("{number:width$}").as_bytes());
}

fn write_offset(out: &mut Vec<u8>, offset: i32, form: OffsetForm) {
    if form.zulu && offset == 0 {
        return out.push(b'Z');
    }
    // The sign is that of the whole minutes.
    let minutes = offset / 60;
    out.push(if minutes < 0 { b'-' } else { b'+' });
    let size = minutes.unsigned_abs();
    write_padded(out, size / 60, 2);
    if form.minutes {
        if form.colon {
            out.push(b':');
        }
        write_padded(out, size % 60, 2);
    }
    if form.seconds {
        if form.colon {
            out.push(b':');
        }
        let seconds = if minutes < 0 { -offset } else { offset } % 60;
        if seconds < 0 {
            out.push(b'-');
        }
        if seconds.unsigned_abs() < 10 {
            out.push(b'0');
        }
        number::write_uint(out, u64::from(seconds.unsigned_abs()));
    }
}
