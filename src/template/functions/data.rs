//! YAML, JSON and TOML in templates: Helm's `toYaml` and relatives (pkg/engine/funcs.go), Sprig's JSON functions.
//!
//! Goes in: values to write, texts to read. Comes out: texts, values. On an error, the writing functions without `must` give an
//! empty text (TOML: the message); the reading ones put the message into their result under `Error` or as the only item.

use super::marshal::{self, Dialect};
use super::{Call, Fault, Function, Outcome, Parameter, row};
use crate::error::{Error, ErrorKind};
use crate::template::value::{List, ListKind, Map, MapKind, Room, Str as Shared, Value, growth};
use crate::template::work;
use crate::toml::{self, Toml};
use crate::yaml::Style;
use crate::{json, yaml};

use Parameter::{Any, Str};

/// The rows of this topic.
pub const FUNCTIONS: &[Function] = &[
    row("fromJson", &[Str], from_json, "A JSON object as a map; the message of an error under `Error`."),
    row("fromJsonArray", &[Str], from_json_array, "A JSON array as a list; the message of an error as its only item."),
    row("fromToml", &[Str], from_toml, "A TOML document as a map; the message of an error under `Error`."),
    row("fromYaml", &[Str], from_yaml, "A YAML document as a map; the message of an error under `Error`."),
    row("fromYamlArray", &[Str], from_yaml_array, "A YAML document as a list; the message of an error as its only item."),
    row("mustFromJson", &[Str], must_from_json, "Any JSON text as a value; fails if it is not JSON."),
    row("mustToJson", &[Any], must_to_json, "The value as JSON on one line; fails if that is not possible."),
    row("mustToPrettyJson", &[Any], must_to_pretty_json, "The value as indented JSON; fails if that is not possible."),
    row("mustToRawJson", &[Any], must_to_raw_json, "As `mustToJson`, with `<`, `>` and `&` as they are."),
    row("mustToToml", &[Any], must_to_toml, "The value as TOML; fails if that is not possible."),
    row("mustToYaml", &[Any], must_to_yaml, "The value as YAML; fails if that is not possible."),
    row("toJson", &[Any], to_json, "The value as JSON on one line; nothing if that is not possible."),
    row("toPrettyJson", &[Any], to_pretty_json, "The value as indented JSON; nothing if that is not possible."),
    row("toRawJson", &[Any], must_to_raw_json, "As `toJson`, with `<`, `>` and `&` as they are."),
    row("toToml", &[Any], to_toml, "The value as TOML, or the message of the error."),
    row("toYaml", &[Any], to_yaml, "The value as YAML without final line end; nothing if that is not possible."),
    row("toYamlPretty", &[Any], to_yaml_pretty, "As `toYaml`, with lists indented below their keys."),
];

fn fault(error: &Error) -> Fault {
    if error.kind() == ErrorKind::Limit { Fault::limit(error.message()) } else { Fault::new(error.message()) }
}

/// The text without its last line end.
fn trimmed(mut text: Vec<u8>) -> Value {
    if text.last() == Some(&b'\n') {
        text.pop();
    }
    Value::str(text)
}

fn must_to_yaml(call: &mut Call) -> Outcome {
    marshal::to_yaml(call.value(0), Style::Bridge, call.host.size_limit()).map(trimmed)
}

fn to_yaml(call: &mut Call) -> Outcome {
    or_nothing(must_to_yaml(call))
}

/// Helm's result for a fault here: an empty text.
fn or_nothing(outcome: Outcome) -> Outcome {
    outcome.or_else(|fault| if fault.is_limit { Err(fault) } else { passed_over("") })
}

/// The result of a function that passes over a fault. What was written up to there is lost, and counts although it has no size.
fn passed_over(result: impl Into<Shared>) -> Outcome {
    const LOST: u64 = 10_000;
    work::charge(LOST)?;
    Ok(Value::str(result))
}

fn to_yaml_pretty(call: &mut Call) -> Outcome {
    // A type that cannot be written panics in Go; the emitter's own errors yield an empty text.
    match marshal::to_yaml(call.value(0), Style::Pretty, call.host.size_limit()) {
        Ok(text) => Ok(trimmed(text)),
        Err(fault) if fault.message.starts_with("yaml: ") => passed_over(""),
        Err(fault) => Err(fault),
    }
}

fn must_to_json(call: &mut Call) -> Outcome {
    marshal::to_json(call.value(0), Dialect::Json, call.host.size_limit()).map(Value::str)
}

fn to_json(call: &mut Call) -> Outcome {
    or_nothing(must_to_json(call))
}

fn must_to_raw_json(call: &mut Call) -> Outcome {
    marshal::to_json(call.value(0), Dialect::RawJson, call.host.size_limit()).map(Value::str)
}

fn must_to_pretty_json(call: &mut Call) -> Outcome {
    let text = marshal::to_json(call.value(0), Dialect::Json, call.host.size_limit())?;
    Ok(Value::str(json::indent(&text, "", "  ")))
}

fn to_pretty_json(call: &mut Call) -> Outcome {
    or_nothing(must_to_pretty_json(call))
}

/// Go's panic on a nil value, which neither function catches.
const NIL_TYPE: &str = "reflect: call of reflect.Value.Type on zero Value";

fn must_to_toml(call: &mut Call) -> Outcome {
    if matches!(call.value(0), Value::Nil) {
        return Err(Fault::new(NIL_TYPE));
    }
    let node = marshal::to_toml_node(call.value(0))?;
    toml::write(&node, call.host.size_limit()).map(Value::str).map_err(|error| fault(&error))
}

fn to_toml(call: &mut Call) -> Outcome {
    if matches!(call.value(0), Value::Nil) {
        return Err(Fault::new(NIL_TYPE));
    }
    must_to_toml(call).or_else(|fault| if fault.is_limit { Err(fault) } else { passed_over(fault.message) })
}

/// `{"Error": message}`
fn error_map(message: impl Into<String>) -> Value {
    Value::map([("Error".into(), Value::str(message.into()))])
}

/// `[message]`
fn error_list(message: impl Into<String>) -> Value {
    Value::list(vec![Value::str(message.into())])
}

/// Counts the parsing of a text, which takes longer than reading it, and refuses one that may hold more than a list may.
fn charge_parsing(call: &Call) -> Result<(), Fault> {
    let (text, limit) = (call.bytes(0), call.host.item_limit());
    if crate::data::may_hold_more_than(text, limit) {
        return Err(Fault::limit(format!("text of {} bytes may hold more than {limit} items", text.len())));
    }
    work::charge((text.len() / 8) as u64)
}

pub(super) fn must_from_json(call: &mut Call) -> Outcome {
    charge_parsing(call)?;
    json::parse(call.bytes(0)).map(|data| Value::from_data(&data)).map_err(|error| fault(&error))
}

fn from_json(call: &mut Call) -> Outcome {
    charge_parsing(call)?;
    let (map, error) = json::parse_map(call.bytes(0));
    let map = map.map_or_else(|| Map::nil(MapKind::Any), |map| Map::from_data(MapKind::Any, map));
    if let Some(error) = error {
        map.insert("Error".into(), Value::str(error.message()));
    }
    Ok(Value::Map(map))
}

fn from_json_array(call: &mut Call) -> Outcome {
    charge_parsing(call)?;
    Ok(match json::parse_list(call.bytes(0)) {
        Ok(Some(data)) => Value::from_data(&data),
        Ok(None) => Value::List(List::nil(ListKind::Any)),
        Err(error) => error_list(error.message()),
    })
}

fn from_yaml(call: &mut Call) -> Outcome {
    charge_parsing(call)?;
    Ok(match yaml::parse_map(call.bytes(0)) {
        Ok(map) => Value::Map(Map::from_data(MapKind::Any, map)),
        Err(error) => error_map(error.message()),
    })
}

fn from_yaml_array(call: &mut Call) -> Outcome {
    charge_parsing(call)?;
    Ok(match yaml::parse_list(call.bytes(0)) {
        Ok(data) => Value::from_data(&data),
        Err(error) => error_list(error.message()),
    })
}

fn from_toml(call: &mut Call) -> Outcome {
    charge_parsing(call)?;
    Ok(match toml::parse(call.bytes(0)) {
        Ok(table) => toml_value(&table),
        Err(error) if error.kind() == ErrorKind::Limit => return Err(fault(&error)),
        Err(error) => error_map(error.message()),
    })
}

/// The value that `toml.Unmarshal` yields. The parser limits the depth.
fn toml_value(toml: &Toml) -> Value {
    match toml {
        Toml::Str(text) => Value::str(text.as_str()),
        Toml::Int(number) => Value::int64(*number),
        Toml::Float(number) => Value::Float(*number),
        Toml::Bool(truth) => Value::Bool(*truth),
        Toml::Time(time) => Value::time(time.clone()),
        Toml::List(items) => toml_list(ListKind::Any, items, 2),
        Toml::Tables(items) => toml_list(ListKind::Maps, items, 4),
        Toml::Map(entries) => Value::map(entries.iter().map(|(key, value)| (key.as_str().into(), toml_value(value)))),
    }
}

/// A list that Go filled by append, starting with room for `first` items (32 bytes, where the compiler sees the whole life of a
/// slice).
fn toml_list(kind: ListKind, items: &[Toml], first: usize) -> Value {
    let room = growth::capacity(kind, items.len()).max(first) - items.len();
    Value::List(List::with_room(kind, items.iter().map(toml_value).collect(), Room::Zeros(room)))
}
