//! `semver` and `semverCompare`, and the version object that templates see.
//!
//! Goes in: texts. Comes out: a `*semver.Version` with Masterminds' methods, or a boolean; faults have its error texts. Follows
//! sprig/semver.go; grammar and order are in [`crate::version`].

use super::Parameter::{Str as Text, Version as Other};
use super::{Call, Fault, Function, Outcome, row};
use crate::template::value::{IntKind, Method, Object, Value};
use crate::version::{Constraint, Version, VersionError};
use std::cmp::Ordering;
use std::rc::Rc;

/// The rows of this topic.
pub const FUNCTIONS: &[Function] = &[
    row("semver", &[Text], parse, "a text as version"),
    row("semverCompare", &[Text, Text], compare, "whether a version satisfies a constraint"),
];

fn fault(error: VersionError) -> Fault {
    Fault::new(error.to_string())
}

fn parse(call: &mut Call) -> Outcome {
    let version = Version::parse(&call.text(0)).map_err(fault)?;
    Ok(Value::Object(Rc::new(VersionObject { version, pointer: true })))
}

fn compare(call: &mut Call) -> Outcome {
    let constraint = Constraint::parse(&call.text(0)).map_err(fault)?;
    let version = Version::parse(&call.text(1)).map_err(fault)?;
    Ok(Value::Bool(constraint.check(&version)))
}

/// A version in a template: `*semver.Version`, or the struct itself, which `IncMajor` returns.
#[derive(Debug, Clone)]
struct VersionObject {
    version: Version,
    pointer: bool,
}

impl VersionObject {
    /// The result of methods that make another version.
    fn made(version: Version) -> Value {
        Value::Object(Rc::new(VersionObject { version, pointer: false }))
    }
}

/// The version behind a `*semver.Version` argument, which may be nil.
fn other_version(arguments: &[Value]) -> Result<Version, Fault> {
    let object = match arguments.first() {
        Some(Value::Object(object)) => object.as_any().downcast_ref::<VersionObject>(),
        _ => None,
    };
    object
        .map(|object| object.version.clone())
        .ok_or_else(|| Fault::new("runtime error: invalid memory address or nil pointer dereference"))
}

fn text_argument(arguments: &[Value]) -> String {
    match arguments.first() {
        Some(Value::Str(text)) => text.to_text().into_owned(),
        _ => String::new(),
    }
}

fn method(list: &'static [super::Parameter], call: impl Fn(&[Value]) -> Result<Value, Fault> + 'static) -> Option<Method> {
    Some(Method::new(list, call))
}

/// A method without parameters whose result is known.
fn constant(value: Value) -> Option<Method> {
    method(&[], move |_| Ok(value.clone()))
}

impl Object for VersionObject {
    fn type_name(&self) -> &'static str {
        if self.pointer { "*semver.Version" } else { "semver.Version" }
    }

    fn kind_name(&self) -> &'static str {
        if self.pointer { "ptr" } else { "struct" }
    }

    fn hidden_field(&self, name: &str) -> bool {
        matches!(name, "major" | "minor" | "patch" | "pre" | "metadata" | "original")
    }

    fn method(&self, name: &str) -> Option<Method> {
        let version = &self.version;
        let number = |number: u64| constant(Value::Int(IntKind::Uint64, number as i64));
        let made = |next: Option<Version>, part: &'static str| {
            method(&[], move |_| match &next {
                Some(next) => Ok(VersionObject::made(next.clone())),
                None => Err(Fault::new(format!("{part} version increment would overflow uint64"))),
            })
        };
        match name {
            "Major" => return number(version.major()),
            "Minor" => return number(version.minor()),
            "Patch" => return number(version.patch()),
            "Prerelease" => return constant(Value::str(version.prerelease())),
            "Metadata" => return constant(Value::str(version.metadata())),
            "String" | "Value" => return constant(Value::str(version.to_string())),
            "MarshalText" => return constant(Value::Bytes(version.to_string().into_bytes().into())),
            "MarshalJSON" => return constant(Value::Bytes(format!("\"{version}\"").into_bytes().into())),
            "IncPatch" => return made(version.next_patch(), "patch"),
            "IncMinor" => return made(version.next_minor(), "minor"),
            "IncMajor" => return made(version.next_major(), "major"),
            "SetPrerelease" => {
                let version = version.clone();
                return method(&[Text], move |arguments| {
                    version.with_prerelease(&text_argument(arguments)).map(VersionObject::made).map_err(fault)
                });
            }
            "SetMetadata" => {
                let version = version.clone();
                return method(&[Text], move |arguments| {
                    version.with_metadata(&text_argument(arguments)).map(VersionObject::made).map_err(fault)
                });
            }
            _ => {}
        }
        if !self.pointer {
            // The other methods have pointer receivers, so a struct returned from a method does not have them.
            return None;
        }
        let compared = |holds: fn(Ordering) -> bool| {
            let version = version.clone();
            method(&[Other], move |arguments| Ok(Value::Bool(holds(version.cmp(&other_version(arguments)?)))))
        };
        match name {
            "Original" => constant(Value::str(version.original())),
            "Compare" => {
                let version = version.clone();
                method(&[Other], move |arguments| Ok(Value::int(version.cmp(&other_version(arguments)?) as i64)))
            }
            "Equal" => compared(Ordering::is_eq),
            "LessThan" => compared(Ordering::is_lt),
            "LessThanEqual" => compared(Ordering::is_le),
            "GreaterThan" => compared(Ordering::is_gt),
            "GreaterThanEqual" => compared(Ordering::is_ge),
            _ => None,
        }
    }

    fn to_text(&self) -> Option<String> {
        Some(self.version.to_string())
    }

    /// Verbs that print no text show its fields.
    fn fields(&self) -> Vec<(&'static str, Value)> {
        let version = &self.version;
        let number = |number: u64| Value::Int(IntKind::Uint64, number as i64);
        vec![
            ("major", number(version.major())),
            ("minor", number(version.minor())),
            ("patch", number(version.patch())),
            ("pre", Value::str(version.prerelease())),
            ("metadata", Value::str(version.metadata())),
            ("original", Value::str(version.original())),
        ]
    }

    fn deep_copied(&self) -> Option<Value> {
        // All its fields are unexported.
        Some(Value::Object(Rc::new(VersionObject { version: Version::zero(), pointer: self.pointer })))
    }

    fn to_json(&self) -> Option<Value> {
        Some(Value::str(self.version.to_string()))
    }

    fn as_any(&self) -> &dyn std::any::Any {
        self
    }
}
