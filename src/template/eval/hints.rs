//! Help after a failure: facts about the values involved, and how to write the template instead.
//!
//! Goes in: a failure and the state of the evaluator. Comes out: the same failure with notes and hints, which Helm's text never
//! shows. All of it runs only after a failure, so that successful templates pay nothing.

use super::failure::Failure;
use super::{Evaluated, Evaluator};
use crate::diagnostic::nearest;
use crate::template::ast::{Operand, OperandKind, Source};
use crate::template::functions::Parameter;
use crate::template::value::{Map, Value};

/// The keys of the `.` that Helm gives every file.
const TOP: [&str; 7] = ["Capabilities", "Chart", "Files", "Release", "Subcharts", "Template", "Values"];

/// A chain of fields that could not be followed.
pub(super) struct Broken<'a> {
    pub source: &'a Source,
    pub node: &'a Operand,
    /// `.a.b`: the whole chain.
    pub chain: &'a str,
    /// The end of the receiver in the text.
    pub end: usize,
    /// The field that the receiver does not have.
    pub name: &'a str,
    pub receiver: &'a Evaluated,
    /// The value that the receiver was taken from, and its name there.
    pub parent: Option<(Evaluated, &'a str)>,
    pub dot: &'a Value,
    /// `$`, the data given to the template.
    pub given: Option<&'a Value>,
}

/// Adds help when a field could not be followed.
#[cold]
pub(super) fn of_field(mut failure: Box<Failure>, broken: &Broken<'_>) -> Box<Failure> {
    let Broken { source, node, end, name, receiver, .. } = *broken;
    let parent = broken.parent.as_ref();
    if !failure.is_direct() {
        return failure;
    }
    if let Some((note, hint)) = of_moved_dot(broken) {
        failure.note(note);
        failure.hint(hint);
        return failure;
    }
    let start = match &node.kind {
        OperandKind::Field(fields) => fields.start as usize,
        OperandKind::Variable(mention) => source.mention(*mention).name.start as usize,
        _ => end,
    };
    let path = String::from_utf8_lossy(source.text.get(start..end).unwrap_or_default()).into_owned();
    match (&receiver.value, parent) {
        (Value::Nil, parent) if receiver.boxed && !path.is_empty() => {
            if let Some((Evaluated { value: Value::Map(map), .. }, missing)) = parent {
                let above = path.strip_suffix(missing).unwrap_or_default();
                if map.contains_key(missing.as_bytes()) {
                    failure.note(format!("`{path}` is null"));
                } else {
                    failure.note(format!("`{path}` is not set"));
                    if let Some(near) = nearest_key(map, missing) {
                        failure.hint(format!("did you mean `{above}{near}`?"));
                    }
                }
            }
            failure.hint(format!("where it may be missing, write `({path}).{name}`, which gives no value instead of a fault"));
        }
        (Value::Map(map), _) if map.contains_key(name.as_bytes()) => {
            failure.hint(format!("`{name}` is a value and takes no arguments: fields are joined without a blank, as in `{path}.{name}.x`"));
        }
        (Value::Map(map), _) => {
            if let Some(near) = nearest_key(map, name) {
                failure.hint(format!("did you mean `{path}.{near}`?"));
            }
        }
        (Value::Nil, _) => {}
        (value, _) if !path.is_empty() => failure.note(format!("`{path}` is of type {}", value.type_name())),
        _ => {}
    }
    failure
}

/// For a chain like `.Values.x` where `.` is not the data that Helm gives a file: an item of a `range`, the value of a `with`, or
/// the argument of an `include`.
fn of_moved_dot(broken: &Broken<'_>) -> Option<(String, String)> {
    let first = broken.chain.split('.').nth(1).filter(|first| TOP.contains(first))?;
    let holds_it = |value: &Value| matches!(value, Value::Map(map) if map.contains_key(first.as_bytes()));
    if !matches!(broken.node.kind, OperandKind::Field(_)) || holds_it(broken.dot) {
        return None;
    }
    let found = match broken.dot {
        Value::Map(_) => format!("a table without `{first}`"),
        Value::Nil => "nil".to_string(),
        other => format!("of type {}", other.type_name()),
    };
    Some(if broken.given.is_some_and(holds_it) {
        (
            format!("`.` is {found} here, within `range` or `with`"),
            format!("write `${}`: `$` is what the template was given, wherever `.` points", broken.chain),
        )
    } else {
        (
            format!("`.` is {found}: that is what this template was given"),
            "give it the top, as in `include \"name\" $`: within `range` and `with`, `.` is something else".to_string(),
        )
    })
}

/// The key of a map that was probably meant.
fn nearest_key(map: &Map, wanted: &str) -> Option<String> {
    let keys = map.keys();
    let names: Vec<_> = keys.iter().map(|key| key.to_text()).collect();
    nearest(wanted, names.iter().map(|name| &**name)).map(str::to_string)
}

/// Adds help when a value did not fit a parameter.
#[cold]
pub(super) fn of_type(mut failure: Box<Failure>, value: &Value, parameter: Parameter) -> Box<Failure> {
    let hint = match (parameter, value) {
        (Parameter::Str, Value::Nil) => "give it a default, as in `.Values.x | default \"\"`",
        (Parameter::Str, Value::Int(..) | Value::Float(_) | Value::Bool(_)) => "make it a text first, with `toString`",
        (Parameter::Str, Value::Map(_) | Value::List(_)) => "make it a text first, with `toYaml` or `toJson`",
        (Parameter::Int, Value::Int(..) | Value::Float(_) | Value::Str(_)) => {
            "make it an int first, with `int`: numbers from values files are float64, results of arithmetic int64"
        }
        (Parameter::Map, Value::Nil) => "give it a default, as in `.Values.x | default dict`",
        (Parameter::List, Value::Nil) => "give it a default, as in `.Values.x | default list`",
        _ => return failure,
    };
    failure.hint(hint.to_string());
    failure
}

/// Adds help when a function returned an error.
#[cold]
pub(super) fn of_call(failure: &mut Failure, message: &str) {
    if message.starts_with("incompatible types for comparison: ") && message.contains("float64") && message.contains("int") {
        failure.hint("numbers from values files are float64: compare `int .Values.x` with an int, or write the constant as `1.0`".into());
    }
}

impl Evaluator<'_> {
    /// Adds help when a template was not found.
    #[cold]
    pub(super) fn hint_at_template(&self, failure: &mut Failure, name: &[u8]) {
        let wanted = String::from_utf8_lossy(name);
        let known: Vec<String> = self.set.names().map(|name| name.to_text().into_owned()).collect();
        if let Some(near) = nearest(&wanted, known.iter().map(String::as_str)) {
            failure.hint(format!("did you mean `{near}`?"));
        }
    }
}
