//! Sprig's date functions (date.go).
//!
//! Goes in: layouts, times, numbers of seconds, durations. Comes out: texts and times. The clock is the host's; the local zone is
//! UTC. As in Sprig, any value that is neither a time nor an integer means now, including YAML numbers, which are floats.

use super::{Call, Fault, Function, Outcome, Parameter, row};
use crate::number::{NumberFault, parse_int};
use crate::template::value::{IntKind, Value};
use crate::time::duration::{HOUR, MINUTE, SECOND};
use crate::time::{Duration, Time, Zone, parse};

use Parameter::{Any, Str, Time as TimeParameter};

/// The rows of this topic.
pub const FUNCTIONS: &[Function] = &[
    row("ago", &[Any], ago, "How long ago a time was, in whole seconds, as a duration text."),
    row("date", &[Str, Any], date, "A time in a Go layout, in the local zone (UTC)."),
    row("dateInZone", &[Str, Any, Str], date_in_zone, "A time in a Go layout, in a zone of the tz database."),
    row("dateModify", &[Str, TimeParameter], date_modify, "A time moved by a duration text; unchanged if that is bad."),
    row("date_in_zone", &[Str, Any, Str], date_in_zone, "The same as `dateInZone`."),
    row("date_modify", &[Str, TimeParameter], date_modify, "The same as `dateModify`."),
    row("duration", &[Any], duration, "A number of seconds (text or int64) as a duration text."),
    row("durationRound", &[Any], duration_round, "A duration rounded down to its largest unit: `2h`, `3mo`."),
    row("htmlDate", &[Any], html_date, "A time as 2006-01-02."),
    row("htmlDateInZone", &[Any, Str], html_date_in_zone, "A time as 2006-01-02 in a zone."),
    row("mustDateModify", &[Str, TimeParameter], must_date_modify, "A time moved by a duration text; fails if that is bad."),
    row("mustToDate", &[Str, Str], must_to_date, "A text in a Go layout as a time; fails if it does not fit."),
    row("must_date_modify", &[Str, TimeParameter], must_date_modify, "The same as `mustDateModify`."),
    row("now", &[], now, "The current time."),
    row("toDate", &[Str, Str], to_date, "A text in a Go layout as a time; the year 1 if it does not fit."),
    row("unixEpoch", &[TimeParameter], unix_epoch, "Seconds since 1970 as text."),
];

/// The time of an argument.
fn time_of(call: &Call, at: usize) -> Time {
    match call.value(at) {
        Value::Int(IntKind::Int | IntKind::Int32 | IntKind::Int64, seconds) => Time::unix(*seconds),
        other => match other.as_time() {
            Some(time) => time.clone(),
            None => Time::from_nanoseconds(call.host.now()),
        },
    }
}

/// An argument that the evaluator has checked to be a time.
fn time_argument(call: &Call, at: usize) -> Time {
    call.value(at).as_time().cloned().unwrap_or_else(Time::zero)
}

fn in_zone(time: Time, zone: &str, layout: &[u8]) -> Outcome {
    Ok(Value::str(time.in_zone(Zone::load(zone).unwrap_or(Zone::Utc)).format(layout)))
}

fn now(call: &mut Call) -> Outcome {
    Ok(Value::time(Time::from_nanoseconds(call.host.now())))
}

fn date(call: &mut Call) -> Outcome {
    in_zone(time_of(call, 1), "Local", call.bytes(0))
}

fn date_in_zone(call: &mut Call) -> Outcome {
    in_zone(time_of(call, 1), &call.text(2), call.bytes(0))
}

fn html_date(call: &mut Call) -> Outcome {
    in_zone(time_of(call, 0), "Local", b"2006-01-02")
}

fn html_date_in_zone(call: &mut Call) -> Outcome {
    in_zone(time_of(call, 0), &call.text(1), b"2006-01-02")
}

fn date_modify(call: &mut Call) -> Outcome {
    let time = time_argument(call, 1);
    Ok(Value::time(match Duration::parse(call.bytes(0)) {
        Ok(duration) => time.add(duration),
        Err(_) => time,
    }))
}

fn must_date_modify(call: &mut Call) -> Outcome {
    let duration = Duration::parse(call.bytes(0)).map_err(Fault::new)?;
    Ok(Value::time(time_argument(call, 1).add(duration)))
}

fn to_date(call: &mut Call) -> Outcome {
    Ok(Value::time(parse(call.bytes(0), call.bytes(1), &Zone::Local).unwrap_or_else(|_| Time::zero())))
}

fn must_to_date(call: &mut Call) -> Outcome {
    parse(call.bytes(0), call.bytes(1), &Zone::Local).map(Value::time).map_err(Fault::new)
}

fn unix_epoch(call: &mut Call) -> Outcome {
    Ok(Value::str(time_argument(call, 0).seconds.to_string()))
}

fn ago(call: &mut Call) -> Outcome {
    let now = Time::from_nanoseconds(call.host.now());
    let then = match call.value(0) {
        // Unlike the other functions, this one does not accept int32.
        Value::Int(IntKind::Int32, _) => now.clone(),
        _ => time_of(call, 0),
    };
    Ok(Value::str(now.since(&then).round(Duration(SECOND)).to_text()))
}

fn duration(call: &mut Call) -> Outcome {
    let seconds = match call.value(0) {
        Value::Str(text) => parse_clamped(&text.to_text()),
        Value::Int(IntKind::Int64, seconds) => *seconds,
        _ => 0,
    };
    Ok(Value::str(Duration(seconds.wrapping_mul(SECOND)).to_text()))
}

/// `strconv.ParseInt` with its error ignored: too large a number becomes the largest.
fn parse_clamped(text: &str) -> i64 {
    match parse_int(text.as_bytes(), 10) {
        Ok(number) | Err(NumberFault::Range(number)) => number,
        Err(NumberFault::Syntax) => 0,
    }
}

fn duration_round(call: &mut Call) -> Outcome {
    let duration = match call.value(0) {
        Value::Str(text) => Duration::parse(text.as_bytes()).unwrap_or(Duration(0)),
        Value::Int(IntKind::Int64, nanoseconds) => Duration(*nanoseconds),
        other => match other.as_time() {
            Some(time) => Time::from_nanoseconds(call.host.now()).since(time),
            None => Duration(0),
        },
    };
    let size = duration.0.unsigned_abs();
    let units = [(HOUR * 24 * 365, "y"), (HOUR * 24 * 30, "mo"), (HOUR * 24, "d"), (HOUR, "h"), (MINUTE, "m"), (SECOND, "s")];
    let found = units.into_iter().map(|(unit, name)| (unit as u64, name)).find(|(unit, _)| size > *unit);
    Ok(Value::str(match found {
        Some((unit, name)) => format!("{}{name}", size / unit),
        None => "0s".to_string(),
    }))
}
