//! Sprig's functions for paths: Go's `path` and, under the names `os…`, `path/filepath` on Unix, where both agree.
//!
//! Goes in: texts with `/`. Comes out: texts. No file is accessed. Follows Go's path package.

use super::Parameter::Str as Text;
use super::{Call, Function, Outcome, row};
use crate::fs::clean_name;
use crate::template::value::Value;
use memchr::memrchr;

/// The rows of this topic.
pub const FUNCTIONS: &[Function] = &[
    row("base", &[Text], base, "the last element of a path"),
    row("osBase", &[Text], base, "the last element of a path"),
    row("dir", &[Text], dir, "a path without its last element"),
    row("osDir", &[Text], dir, "a path without its last element"),
    row("clean", &[Text], clean, "the shortest form of a path"),
    row("osClean", &[Text], clean, "the shortest form of a path"),
    row("ext", &[Text], extension, "what follows the last dot of a path, with the dot"),
    row("osExt", &[Text], extension, "what follows the last dot of a path, with the dot"),
    row("isAbs", &[Text], is_absolute, "whether a path begins with a slash"),
    row("osIsAbs", &[Text], is_absolute, "whether a path begins with a slash"),
];

fn base(call: &mut Call) -> Outcome {
    let path = call.bytes(0);
    let Some(end) = path.iter().rposition(|&byte| byte != b'/') else {
        return Ok(Value::str(if path.is_empty() { "." } else { "/" }));
    };
    let path = path.get(..=end).unwrap_or_default();
    Ok(Value::str(path.rsplit(|&byte| byte == b'/').next().unwrap_or_default()))
}

fn dir(call: &mut Call) -> Outcome {
    let path = call.bytes(0);
    let end = memrchr(b'/', path).map_or(0, |at| at + 1);
    Ok(Value::str(clean_name(path.get(..end).unwrap_or_default())))
}

fn clean(call: &mut Call) -> Outcome {
    Ok(Value::str(clean_name(call.bytes(0))))
}

fn extension(call: &mut Call) -> Outcome {
    let path = call.bytes(0);
    let name = path.rsplit(|&byte| byte == b'/').next().unwrap_or_default();
    Ok(Value::str(memrchr(b'.', name).and_then(|at| name.get(at..)).unwrap_or_default()))
}

fn is_absolute(call: &mut Call) -> Outcome {
    Ok(Value::Bool(call.bytes(0).first() == Some(&b'/')))
}
