//! Help after a failure: facts about the values involved, and how to write the template instead.
//!
//! Goes in: a failure and the state of the evaluator. Comes out: the same failure with notes and hints, which Helm's text never
//! shows. All of it runs only after a failure, so that successful templates pay nothing.

use super::failure::Failure;
use super::set::Template;
use super::{Evaluated, Evaluator, Frame};
use crate::diagnostic::nearest;
use crate::template::TOP;
use crate::template::ast::{Operand, OperandKind, Source, Span};
use crate::template::functions::Parameter;
use crate::template::value::{Map, Value};
use crate::template::work;

/// A chain of fields that could not be followed.
pub(super) struct Broken<'a> {
    pub template: &'a Template,
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
    if let OperandKind::Chain(chain) = node.kind {
        // Go names the operand that was evaluated last.
        let fields = source.chain(chain).fields;
        failure.mark(broken.template, fields.start as usize..fields.end as usize);
    }
    if let Some((note, hint)) = of_empty_source(broken).or_else(|| of_moved_dot(broken)) {
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
        (Value::Map(map), _) if map.contains_key(name.as_bytes()) && is_followed_by_minus(source, end + ".".len() + name.len()) => {
            failure.hint("`a - b` is `sub a b`".to_string());
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

/// Whether a `-` comes next in the action.
fn is_followed_by_minus(source: &Source, end: usize) -> bool {
    source.text.get(end..).is_some_and(|rest| rest.trim_ascii_start().starts_with(b"-"))
}

/// For a table that holds nothing but the message of a function that failed, and for what `lookup` gives without a cluster.
fn of_empty_source(broken: &Broken<'_>) -> Option<(String, String)> {
    let (Evaluated { value: Value::Map(map), .. }, missing) =
        broken.parent.as_ref().filter(|_| matches!(broken.receiver.value, Value::Nil))?
    else {
        return None;
    };
    if let (1, Some(Value::Str(message))) = (map.len(), map.get(b"Error")) {
        return Some((
            format!("the table has no `{missing}` but an `Error`: {}", message.to_text().lines().next().unwrap_or_default()),
            "`fromYaml` and `fromJson` give a table with `Error` where the text cannot be read".to_string(),
        ));
    }
    if map.is_empty() && comes_from_lookup(broken) {
        return Some((
            "`lookup` finds nothing where there is no cluster, as here: it gives an empty table".to_string(),
            "do it only if something was found, as in `with lookup …` or `if $found`".to_string(),
        ));
    }
    None
}

/// Whether the chain starts at a call of `lookup`, or at a variable that such a call gave its value.
fn comes_from_lookup(broken: &Broken<'_>) -> bool {
    let text = |start: usize, end: usize| String::from_utf8_lossy(broken.source.text.get(start..end).unwrap_or_default()).into_owned();
    let calls = |code: &str| code.split(|c: char| !c.is_alphanumeric() && !matches!(c, '.' | '$' | '_')).any(|word| word == "lookup");
    match &broken.node.kind {
        OperandKind::Chain(chain) => {
            let chain = broken.source.chain(*chain);
            calls(&text(broken.source.operand(chain.of).position as usize, chain.fields.start as usize))
        }
        OperandKind::Variable(mention) => {
            let name = broken.source.mention(*mention).name;
            let above = text(0, name.start as usize);
            let name = name.text_of(&broken.source.text);
            let declared = above.match_indices(name).filter_map(|(at, _)| {
                let rest = above.get(at + name.len()..)?.trim_start();
                let value = rest.strip_prefix(":=").or_else(|| rest.strip_prefix('='))?;
                value.split("}}").next()
            });
            declared.last().is_some_and(calls)
        }
        _ => false,
    }
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

/// How many characters of a value are shown.
const SHOWN_LIMIT: usize = 60;

/// A printed value in short.
pub(super) fn shown(printed: &str) -> String {
    match printed.char_indices().nth(SHOWN_LIMIT) {
        Some((end, _)) => format!("{}…", printed.get(..end).unwrap_or_default()),
        None => printed.to_string(),
    }
}

/// What helps a chart that is large rather than endless.
#[cold]
pub(super) fn of_limit(failure: &mut Failure) {
    let more = work::allowed().saturating_mul(10);
    failure.hint(format!("a chart that is so large, and no endless loop, may do more with RUTTER_STEP_LIMIT={more}"));
}

/// The same for one that needs much memory.
#[cold]
pub(super) fn of_memory(failure: &mut Failure, limit: u64) {
    let more = limit.saturating_mul(4);
    failure.hint(format!("a chart that is so large, and no endless loop, may take more with RUTTER_MEMORY_LIMIT={more}"));
}

/// Adds help when a function returned an error; `call` is the source of the call.
#[cold]
pub(super) fn of_call(failure: &mut Failure, message: &str, call: &str) {
    if message.starts_with(work::EXCEEDED) {
        return of_limit(failure);
    }
    if message == "invalid type for comparison" {
        failure.hint("only numbers and texts have an order: one that may be missing needs a default, as in `.Values.x | default 0`".into());
    }
    let Some(types) = message.strip_prefix("incompatible types for comparison: ") else { return };
    if let Some(character) = character_in(call) {
        return of_character(failure, character);
    }
    let Some((left, right)) = types.split_once(" and ") else { return };
    let is_int = |kind: &str| kind.starts_with("int") || kind.starts_with("uint");
    let is_number = |kind: &str| is_int(kind) || kind.starts_with("float");
    if (is_int(left) && right == "float64") || (left == "float64" && is_int(right)) {
        failure.hint("numbers from values files are float64: compare `int .Values.x` with an int, or write the constant as `1.0`".into());
    } else if (left == "string" && is_number(right)) || (is_number(left) && right == "string") {
        failure.hint("a text and a number do not compare: `toString .Values.x` makes a text of it, `int .Values.x` a number".into());
    } else if (left == "string" && right == "bool") || (left == "bool" && right == "string") {
        failure.hint("a text and a truth value do not compare: `toString .Values.x` makes a text of it".into());
    } else if left == "invalid" || right == "invalid" || left == "<nil>" || right == "<nil>" {
        failure.hint("where a value may be missing, give it a default, as in `.Values.x | default \"\"`".into());
    }
}

/// Adds help when `source` is a character where a text was meant.
#[cold]
pub(super) fn of_character(failure: &mut Failure, source: &str) {
    if let Some(inner) = source.strip_prefix('\'').and_then(|rest| rest.strip_suffix('\'')) {
        failure.hint(format!("`{source}` is the number of a character, texts stand in double quotes: `\"{inner}\"`"));
    }
}

/// Adds help when a constant is of another type than the parameter.
#[cold]
pub(super) fn of_constant(failure: &mut Failure, source: &str, parameter: Parameter) {
    let inner = source.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    match (parameter, inner) {
        (Parameter::Str, None) if source.starts_with('\'') => of_character(failure, source),
        (Parameter::Str, None) => failure.hint(format!("a text stands in double quotes: `\"{source}\"`")),
        (Parameter::Int | Parameter::Int64, Some(number)) if number.parse::<i64>().is_ok() => {
            failure.hint(format!("a number stands without quotes: `{number}`"));
        }
        (Parameter::Float, Some(number)) if number.parse::<f64>().is_ok_and(f64::is_finite) => {
            failure.hint(format!("a number stands without quotes: `{number}`"));
        }
        (Parameter::Bool, Some(truth @ ("true" | "false"))) => failure.hint(format!("a truth value stands without quotes: `{truth}`")),
        _ => {}
    }
}

/// The first operand of a call that is a character.
fn character_in(call: &str) -> Option<&str> {
    call.split(' ').find(|word| word.len() > 2 && word.starts_with('\'') && word.ends_with('\''))
}

impl Evaluator<'_> {
    /// The failure of a variable that nothing declared.
    #[cold]
    pub(super) fn undefined(&self, frame: &Frame<'_>, name: Span) -> Box<Failure> {
        let name_text = name.text_of(&frame.template.tree.source.text);
        let mut failure = self.failure(frame, format!("undefined variable: {name_text}"));
        failure.mark(frame.template, name.start as usize..name.end as usize);
        failure.hint(format!("`=` sets a variable that is there: `{name_text} := …` declares it, for the block that it stands in"));
        failure
    }

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
