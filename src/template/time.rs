//! Go's methods of times, durations, months, weekdays and locations as objects of the template language.
//!
//! Goes in: a method's name and arguments that the evaluator has checked. Comes out: values. Methods with several results
//! (`Clock`, `Date`) appear only with text/template's reason for refusing to call them.

use crate::quote;
use crate::template::functions::{Fault, Parameter};
use crate::template::value::{IntKind, Method, Object, Value};
use crate::time::duration::{Duration, HOUR, MICROSECOND, MILLISECOND, MINUTE, SECOND};
use crate::time::{MONTHS, Time, WEEKDAYS, Zone, civil_from_days, days_from_civil};
use std::any::Any;
use std::rc::Rc;

/// `time.Month`, from 1.
struct Month(u32);

/// `time.Weekday`, from 0.
struct Weekday(u32);

/// `*time.Location`
struct Location(Zone);

impl Value {
    /// A `time.Time`.
    pub fn time(time: Time) -> Value {
        Value::Object(Rc::new(time))
    }

    /// The time in this value, if it is a `time.Time`.
    pub fn as_time(&self) -> Option<&Time> {
        match self {
            Value::Object(object) => object.as_any().downcast_ref::<Time>(),
            _ => None,
        }
    }

    /// The nanoseconds of a `time.Duration` argument; integer literals are assignable to it.
    fn as_duration(&self) -> Duration {
        match self {
            Value::Int(_, number) => Duration(*number),
            Value::Object(object) => object.as_any().downcast_ref::<Duration>().copied().unwrap_or(Duration(0)),
            _ => Duration(0),
        }
    }
}

fn duration(duration: Duration) -> Value {
    Value::Object(Rc::new(duration))
}

fn method(list: &'static [Parameter], call: impl Fn(&[Value]) -> Result<Value, Fault> + 'static) -> Option<Method> {
    Some(Method::new(list, call))
}

/// A method without arguments whose result is known.
fn getter(value: Value) -> Option<Method> {
    method(&[], move |_| Ok(value.clone()))
}

/// A method without arguments that gives bytes, if there are any.
fn strict_text(name: &'static str, text: Result<String, &'static str>) -> Option<Method> {
    let made = text.map(|text| Value::Bytes(text.into_bytes().into())).map_err(|problem| format!("{name}: {problem}"));
    method(&[], move |_| made.clone().map_err(Fault::new))
}

fn time_argument(arguments: &[Value], at: usize) -> Result<&Time, Fault> {
    arguments.get(at).and_then(Value::as_time).ok_or_else(|| Fault::new("expected a time"))
}

fn duration_argument(arguments: &[Value], at: usize) -> Duration {
    arguments.get(at).map_or(Duration(0), Value::as_duration)
}

fn int_argument(arguments: &[Value], at: usize) -> i64 {
    match arguments.get(at) {
        Some(Value::Int(_, number)) => *number,
        _ => 0,
    }
}

impl Object for Time {
    fn type_name(&self) -> &'static str {
        "time.Time"
    }

    fn kind_name(&self) -> &'static str {
        "struct"
    }

    fn method(&self, name: &str) -> Option<Method> {
        let civil = self.civil();
        match name {
            "Year" => getter(Value::int(civil.year)),
            "Month" => getter(Value::Object(Rc::new(Month(civil.month)))),
            "Day" => getter(Value::int(i64::from(civil.day))),
            "Hour" => getter(Value::int(i64::from(civil.hour))),
            "Minute" => getter(Value::int(i64::from(civil.minute))),
            "Second" => getter(Value::int(i64::from(civil.second))),
            "Nanosecond" => getter(Value::int(i64::from(self.nanosecond))),
            "Weekday" => getter(Value::Object(Rc::new(Weekday(civil.weekday)))),
            "YearDay" => getter(Value::int(i64::from(civil.year_day))),
            "Unix" => getter(Value::int64(self.seconds)),
            "UnixMilli" => getter(Value::int64(self.nanoseconds().div_euclid(i128::from(MILLISECOND)) as i64)),
            "UnixMicro" => getter(Value::int64(self.nanoseconds().div_euclid(i128::from(MICROSECOND)) as i64)),
            "UnixNano" => getter(Value::int64(self.nanoseconds() as i64)),
            "IsZero" => getter(Value::Bool(self.nanoseconds() == Time::zero().nanoseconds())),
            "IsDST" => getter(Value::Bool(self.zone.at(self.seconds).daylight_saving)),
            "String" => getter(Value::str(Time::to_text(self))),
            "GoString" => getter(Value::str(self.go_syntax())),
            "UTC" => getter(Value::time(self.in_zone(Zone::Utc))),
            "Local" => getter(Value::time(self.in_zone(Zone::Local))),
            "Location" => getter(Value::Object(Rc::new(Location(self.zone.clone())))),
            "MarshalJSON" => strict_text("Time.MarshalJSON", self.to_strict_rfc3339().map(|text| format!("\"{text}\""))),
            "MarshalBinary" | "GobEncode" => getter(Value::Bytes(self.to_binary().into())),
            "MarshalText" => strict_text("Time.MarshalText", self.to_strict_rfc3339()),
            _ => self.calculation(name),
        }
    }

    fn method_refusal(&self, name: &str) -> Option<&'static str> {
        Some(match name {
            "Clock" => "function Clock has 3 return values; should be 1 or 2",
            "Date" => "function Date has 3 return values; should be 1 or 2",
            "ISOWeek" => "invalid function signature for ISOWeek: second return value should be error; is int",
            "Zone" => "invalid function signature for Zone: second return value should be error; is int",
            "ZoneBounds" => "invalid function signature for ZoneBounds: second return value should be error; is time.Time",
            _ => return None,
        })
    }

    fn hidden_field(&self, name: &str) -> bool {
        matches!(name, "wall" | "ext" | "loc")
    }

    fn to_text(&self) -> Option<String> {
        Some(Time::to_text(self))
    }

    fn to_go_syntax(&self) -> Option<String> {
        Some(self.go_syntax())
    }

    fn to_json(&self) -> Option<Value> {
        Some(Value::str(self.to_rfc3339()))
    }

    fn equals(&self, other: &dyn Object) -> bool {
        other
            .as_any()
            .downcast_ref::<Time>()
            .is_some_and(|other| self.seconds == other.seconds && self.nanosecond == other.nanosecond && self.zone.same(&other.zone))
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

impl Time {
    /// The methods that take arguments.
    fn calculation(&self, name: &str) -> Option<Method> {
        let this = self.clone();
        match name {
            "Format" => method(&[Parameter::Str], move |arguments| match arguments.first() {
                Some(Value::Str(layout)) => Ok(Value::str(this.format(layout.as_bytes()))),
                _ => Ok(Value::str("")),
            }),
            "AppendFormat" => method(&[Parameter::Bytes, Parameter::Str], move |arguments| {
                let mut out = match arguments.first() {
                    Some(Value::Bytes(bytes)) => bytes.to_vec(),
                    _ => Vec::new(),
                };
                if let Some(Value::Str(layout)) = arguments.get(1) {
                    out.extend(this.format(layout.as_bytes()));
                }
                Ok(Value::Bytes(out.into()))
            }),
            "Add" => method(&[Parameter::Duration], move |arguments| Ok(Value::time(this.add(duration_argument(arguments, 0))))),
            "AddDate" => method(&[Parameter::Int, Parameter::Int, Parameter::Int], move |arguments| {
                let [years, months, days] = [0, 1, 2].map(|at| int_argument(arguments, at));
                Ok(Value::time(this.add_date(years, months, days)))
            }),
            "Sub" => method(&[Parameter::Time], move |arguments| Ok(duration(this.since(time_argument(arguments, 0)?)))),
            "After" => method(&[Parameter::Time], move |arguments| {
                Ok(Value::Bool(this.nanoseconds() > time_argument(arguments, 0)?.nanoseconds()))
            }),
            "Before" => method(&[Parameter::Time], move |arguments| {
                Ok(Value::Bool(this.nanoseconds() < time_argument(arguments, 0)?.nanoseconds()))
            }),
            "Equal" => method(&[Parameter::Time], move |arguments| {
                Ok(Value::Bool(this.nanoseconds() == time_argument(arguments, 0)?.nanoseconds()))
            }),
            "Compare" => method(&[Parameter::Time], move |arguments| {
                Ok(Value::int(this.nanoseconds().cmp(&time_argument(arguments, 0)?.nanoseconds()) as i64))
            }),
            "Round" | "Truncate" => {
                let round = name == "Round";
                method(&[Parameter::Duration], move |arguments| Ok(Value::time(this.to_multiple(duration_argument(arguments, 0), round))))
            }
            "In" => method(&[Parameter::Any], move |arguments| match arguments.first() {
                Some(Value::Object(object)) => match object.as_any().downcast_ref::<Location>() {
                    Some(location) => Ok(Value::time(this.in_zone(location.0.clone()))),
                    None => Err(Fault::new(format!("wrong type for value; expected *time.Location; got {}", object.type_name()))),
                },
                Some(Value::Nil) | None => Err(Fault::new("time: missing Location in call to Time.In")),
                Some(other) => Err(Fault::new(format!("wrong type for value; expected *time.Location; got {}", other.type_name()))),
            }),
            _ => None,
        }
    }

    /// Adds years, months and days by the calendar; days beyond a month's end run over into the next.
    fn add_date(&self, years: i64, months: i64, days: i64) -> Time {
        let civil = self.civil();
        let month = i64::from(civil.month) - 1 + months.clamp(-1_000_000_000, 1_000_000_000);
        let year = civil.year + years.clamp(-1_000_000_000, 1_000_000_000) + month.div_euclid(12);
        let month = month.rem_euclid(12) as u32 + 1;
        let clock = (civil.hour, civil.minute, civil.second);
        let days = i64::from(civil.day) - 1 + days.clamp(-1_000_000_000_000, 1_000_000_000_000);
        let (year, month, day) = civil_from_days(days_from_civil(year, month, 1) + days);
        Time::from_civil(year, month, day, clock, self.nanosecond, self.zone.clone())
    }

    /// Rounds to a multiple of `unit` since the year 1, to the nearest or down.
    fn to_multiple(&self, unit: Duration, nearest: bool) -> Time {
        if unit.0 <= 0 {
            return self.clone();
        }
        let remainder = (self.nanoseconds() - Time::zero().nanoseconds()).rem_euclid(i128::from(unit.0)) as i64;
        if nearest && 2 * i128::from(remainder) >= i128::from(unit.0) {
            self.add(Duration(unit.0 - remainder))
        } else {
            self.add(Duration(-remainder))
        }
    }

    /// `MarshalBinary`: a version, seconds since the year 1, nanoseconds, minutes east (-1 for UTC) and odd seconds.
    fn to_binary(&self) -> Vec<u8> {
        let seconds = self.seconds.wrapping_sub(Time::zero().seconds);
        let offset = self.zone.at(self.seconds).seconds;
        let minutes = if matches!(self.zone, Zone::Utc) { -1 } else { (offset / 60) as i16 };
        let odd = (offset % 60) as i8;
        let mut out = vec![if odd == 0 { 1 } else { 2 }];
        out.extend(seconds.to_be_bytes());
        out.extend(self.nanosecond.to_be_bytes());
        out.extend(minutes.to_be_bytes());
        if odd != 0 {
            out.extend(odd.to_be_bytes());
        }
        out
    }

    /// `time.Date(2021, time.March, 4, 0, 0, 0, 0, time.UTC)`
    fn go_syntax(&self) -> String {
        let civil = self.civil();
        let zone = match &self.zone {
            Zone::Utc => "time.UTC".to_string(),
            Zone::Local => "time.Local".to_string(),
            other => format!("time.Location({})", quote::quote(other.name().as_bytes())),
        };
        format!(
            "time.Date({}, time.{}, {}, {}, {}, {}, {}, {zone})",
            civil.year,
            MONTHS[civil.month as usize - 1],
            civil.day,
            civil.hour,
            civil.minute,
            civil.second,
            self.nanosecond,
        )
    }
}

impl Object for Duration {
    fn type_name(&self) -> &'static str {
        "time.Duration"
    }

    fn kind_name(&self) -> &'static str {
        "int64"
    }

    fn method(&self, name: &str) -> Option<Method> {
        let this = *self;
        match name {
            "Hours" => getter(Value::Float(self.in_units(HOUR))),
            "Minutes" => getter(Value::Float(self.in_units(MINUTE))),
            "Seconds" => getter(Value::Float(self.in_units(SECOND))),
            "Milliseconds" => getter(Value::int64(self.0 / MILLISECOND)),
            "Microseconds" => getter(Value::int64(self.0 / MICROSECOND)),
            "Nanoseconds" => getter(Value::int64(self.0)),
            "String" => getter(Value::str(Duration::to_text(*self))),
            "Abs" => getter(duration(Duration(self.0.saturating_abs()))),
            "Round" => method(&[Parameter::Duration], move |arguments| Ok(duration(this.round(duration_argument(arguments, 0))))),
            "Truncate" => method(&[Parameter::Duration], move |arguments| Ok(duration(this.truncate(duration_argument(arguments, 0))))),
            _ => None,
        }
    }

    fn to_text(&self) -> Option<String> {
        Some(Duration::to_text(*self))
    }

    fn underlying(&self) -> Option<Value> {
        Some(Value::int64(self.0))
    }

    fn to_json(&self) -> Option<Value> {
        Some(Value::int64(self.0))
    }

    fn truth(&self) -> bool {
        self.0 != 0
    }

    fn equals(&self, other: &dyn Object) -> bool {
        other.as_any().downcast_ref::<Duration>() == Some(self)
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// A named `int` with names for its values.
macro_rules! named_int {
    ($type:ident, $name:literal, $names:expr, $first:literal) => {
        impl $type {
            fn name(&self) -> String {
                let names: &[&str] = &$names;
                names.get((self.0 as usize).wrapping_sub($first)).map_or_else(String::new, |name| name.to_string())
            }
        }

        impl Object for $type {
            fn type_name(&self) -> &'static str {
                $name
            }

            fn kind_name(&self) -> &'static str {
                "int"
            }

            fn method(&self, name: &str) -> Option<Method> {
                if name == "String" { getter(Value::str(self.name())) } else { None }
            }

            fn to_text(&self) -> Option<String> {
                Some(self.name())
            }

            fn underlying(&self) -> Option<Value> {
                Some(Value::Int(IntKind::Int, i64::from(self.0)))
            }

            fn to_json(&self) -> Option<Value> {
                self.underlying()
            }

            fn truth(&self) -> bool {
                self.0 != 0
            }

            fn equals(&self, other: &dyn Object) -> bool {
                other.as_any().downcast_ref::<$type>().is_some_and(|other| other.0 == self.0)
            }

            fn as_any(&self) -> &dyn Any {
                self
            }
        }
    };
}

named_int!(Month, "time.Month", MONTHS, 1);
named_int!(Weekday, "time.Weekday", WEEKDAYS, 0);

impl Object for Location {
    fn type_name(&self) -> &'static str {
        "*time.Location"
    }

    fn kind_name(&self) -> &'static str {
        "ptr"
    }

    fn method(&self, name: &str) -> Option<Method> {
        if name == "String" { getter(Value::str(self.0.name())) } else { None }
    }

    fn to_text(&self) -> Option<String> {
        Some(self.0.name().to_string())
    }

    fn equals(&self, other: &dyn Object) -> bool {
        other.as_any().downcast_ref::<Location>().is_some_and(|other| self.0.same(&other.0))
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}
