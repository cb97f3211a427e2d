//! Values of the template language as YAML, JSON and TOML, as Go's encoders write them by reflection.
//!
//! Goes in: a value. Comes out: text (or a tree for the TOML writer). Shared trees are written without converting them to values.
//! It is separate from the functions because the three encoders differ in only a few points: bytes, nil lists, structs and times.
//! A map that contains itself ends at a limit of depth.

use super::Fault;
use super::visits::Visits;
use crate::base64;
use crate::data::Data;
use crate::error::Error;
use crate::template::value::{List, Map, Object, Str, Value, bytes};
use crate::time::{Duration, Time};
use crate::toml::Node;
use crate::yaml::Style;
use crate::{json, yaml};
use std::borrow::Cow;

/// Values nested deeper are treated as cycles.
const DEPTH_LIMIT: usize = 1000;

/// Go's error for a map that contains itself.
const CYCLE: &str = "json: unsupported value: encountered a cycle via map[string]interface {}";

/// The form of JSON to write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dialect {
    /// `<`, `>` and `&` escaped.
    Json,
    RawJson,
}

/// The common interface of encoders.
trait Target {
    /// Whether this is go-yaml v3, which does not convert through JSON.
    fn is_direct(&self) -> bool;
    /// Whether it handles keys that are not UTF-8 itself; otherwise their wrong bytes become U+FFFD.
    fn takes_bytes(&self) -> bool;
    fn visits(&mut self) -> &mut Visits;
    /// The limit of the result, if it is longer already.
    fn exceeded(&self) -> Option<usize>;
    fn begin_map(&mut self, length: usize);
    fn key(&mut self, text: &[u8]);
    fn end_map(&mut self);
    fn begin_list(&mut self, length: usize);
    fn end_list(&mut self);
    fn null(&mut self);
    fn bool(&mut self, truth: bool);
    fn int(&mut self, number: i64);
    fn uint(&mut self, number: u64);
    fn float(&mut self, number: f64);
    fn str(&mut self, text: &[u8]);
    fn time(&mut self, text: &str);
    fn data(&mut self, data: &Data);
    /// Sorts entries into this encoder's order; they come in byte order.
    fn sort<T>(&self, entries: &mut [(Cow<'_, str>, T)]);
}

struct YamlTarget {
    writer: yaml::Writer,
    style: Style,
    visits: Visits,
}

impl Target for YamlTarget {
    fn is_direct(&self) -> bool {
        self.style == Style::Pretty
    }
    fn takes_bytes(&self) -> bool {
        self.is_direct()
    }
    fn visits(&mut self) -> &mut Visits {
        &mut self.visits
    }
    fn exceeded(&self) -> Option<usize> {
        self.writer.exceeded()
    }
    fn begin_map(&mut self, length: usize) {
        self.writer.begin_map(length);
    }
    fn key(&mut self, text: &[u8]) {
        self.writer.key(text);
    }
    fn end_map(&mut self) {
        self.writer.end_map();
    }
    fn begin_list(&mut self, length: usize) {
        self.writer.begin_list(length);
    }
    fn end_list(&mut self) {
        self.writer.end_list();
    }
    fn null(&mut self) {
        self.writer.null();
    }
    fn bool(&mut self, truth: bool) {
        self.writer.bool(truth);
    }
    fn int(&mut self, number: i64) {
        self.writer.int(number);
    }
    fn uint(&mut self, number: u64) {
        self.writer.uint(number);
    }
    fn float(&mut self, number: f64) {
        self.writer.float(number);
    }
    fn str(&mut self, text: &[u8]) {
        self.writer.str(text);
    }
    fn time(&mut self, text: &str) {
        // go-yaml has its own type for times.
        self.writer.verbatim(text);
    }
    fn data(&mut self, data: &Data) {
        yaml::write(&mut self.writer, data);
    }
    fn sort<T>(&self, entries: &mut [(Cow<'_, str>, T)]) {
        yaml::sort_keys(entries, |entry| &entry.0, self.style);
    }
}

struct JsonTarget(json::Writer, Visits);

impl Target for JsonTarget {
    fn is_direct(&self) -> bool {
        false
    }
    fn takes_bytes(&self) -> bool {
        true
    }
    fn visits(&mut self) -> &mut Visits {
        &mut self.1
    }
    fn exceeded(&self) -> Option<usize> {
        self.0.exceeded()
    }
    fn begin_map(&mut self, _: usize) {
        self.0.begin_map();
    }
    fn key(&mut self, text: &[u8]) {
        self.0.key(text);
    }
    fn end_map(&mut self) {
        self.0.end_map();
    }
    fn begin_list(&mut self, _: usize) {
        self.0.begin_list();
    }
    fn end_list(&mut self) {
        self.0.end_list();
    }
    fn null(&mut self) {
        self.0.null();
    }
    fn bool(&mut self, truth: bool) {
        self.0.bool(truth);
    }
    fn int(&mut self, number: i64) {
        self.0.int(number);
    }
    fn uint(&mut self, number: u64) {
        self.0.uint(number);
    }
    fn float(&mut self, number: f64) {
        self.0.float(number);
    }
    fn str(&mut self, text: &[u8]) {
        self.0.str(text);
    }
    fn time(&mut self, text: &str) {
        self.0.str(text.as_bytes());
    }
    fn data(&mut self, data: &Data) {
        json::write(&mut self.0, data);
    }
    fn sort<T>(&self, _: &mut [(Cow<'_, str>, T)]) {}
}

fn fault(error: &Error) -> Fault {
    Fault::new(error.message())
}

/// `yaml.Marshal` (Bridge) or go-yaml v3's encoder (Pretty), with the final line end. Fails at about `limit` bytes; a
/// little more may come out whole.
pub(super) fn to_yaml(value: &Value, style: Style, limit: usize) -> Result<Vec<u8>, Fault> {
    let mut target = YamlTarget { writer: yaml::Writer::new(style).limited(limit), style, visits: Visits::default() };
    push(&mut target, value, 0).map_err(|fault| match style {
        Style::Bridge => Fault { message: format!("error marshaling into JSON: {}", fault.message), ..fault },
        Style::Pretty => fault,
    })?;
    target.writer.finish().map_err(|error| fault(&error))
}

/// `json.Marshal`. Fails at about `limit` bytes; a little more may come out whole.
pub(super) fn to_json(value: &Value, dialect: Dialect, limit: usize) -> Result<Vec<u8>, Fault> {
    let mut target = JsonTarget(json::Writer::new(dialect == Dialect::Json).limited(limit), Visits::default());
    push(&mut target, value, 0)?;
    target.0.finish().map_err(|error| fault(&error))
}

fn push<T: Target>(target: &mut T, value: &Value, depth: usize) -> Result<(), Fault> {
    target.visits().count()?;
    if let Some(limit) = target.exceeded() {
        return Err(Fault::limit(format!("result exceeds the limit of {limit} bytes")));
    }
    match value {
        Value::Nil => target.null(),
        Value::Bool(truth) => target.bool(*truth),
        Value::Int(kind, number) if kind.is_unsigned() => target.uint(*number as u64),
        Value::Int(_, number) => target.int(*number),
        Value::Float(number) => target.float(*number),
        Value::Complex(_) if target.is_direct() => return Err(Fault::new("cannot marshal type: complex128")),
        Value::Complex(_) => return Err(Fault::new("json: unsupported type: complex128")),
        Value::Str(text) => target.str(text.as_bytes()),
        Value::Bytes(bytes) if target.is_direct() => {
            target.begin_list(bytes.len());
            for byte in bytes.iter() {
                target.uint(u64::from(*byte));
            }
            target.end_list();
        }
        Value::Bytes(bytes) if bytes::is_nil(bytes) => target.null(),
        Value::Bytes(bytes) => target.str(base64::encode(bytes).as_bytes()),
        Value::List(list) => push_list(target, list, depth)?,
        Value::Map(map) => push_map(target, map, depth)?,
        Value::Object(object) => push_object(target, &**object, depth)?,
    }
    Ok(())
}

fn deeper(depth: usize) -> Result<usize, Fault> {
    if depth >= DEPTH_LIMIT { Err(Fault::new(CYCLE)) } else { Ok(depth + 1) }
}

fn push_list<T: Target>(target: &mut T, list: &List, depth: usize) -> Result<(), Fault> {
    if list.is_nil() && !target.is_direct() {
        target.null();
        return Ok(());
    }
    if let Some(shared) = list.pristine() {
        target.data(&Data::List(shared.clone()));
        return Ok(());
    }
    let depth = deeper(depth)?;
    target.begin_list(list.len());
    for item in list.items() {
        push(target, item, depth)?;
    }
    target.end_list();
    Ok(())
}

fn push_map<T: Target>(target: &mut T, map: &Map, depth: usize) -> Result<(), Fault> {
    if map.is_nil() && !target.is_direct() {
        target.null();
        return Ok(());
    }
    if let Some(shared) = map.pristine() {
        target.data(&Data::Map(shared));
        return Ok(());
    }
    let depth = deeper(depth)?;
    let entries = map.entries();
    push_entries(target, entries.iter().map(|(key, value)| entry(key.as_bytes(), value)).collect(), depth)
}

/// The sort key of a map's entry, and its original key and value.
type Entry<'e> = (Cow<'e, str>, (&'e [u8], &'e Value));

fn entry<'e>(key: &'e [u8], value: &'e Value) -> Entry<'e> {
    (json::valid_text(key), (key, value))
}

fn push_entries<T: Target>(target: &mut T, mut entries: Vec<Entry<'_>>, depth: usize) -> Result<(), Fault> {
    target.sort(&mut entries);
    target.begin_map(entries.len());
    for (key, (bytes, value)) in entries {
        target.key(if target.takes_bytes() { bytes } else { key.as_bytes() });
        push(target, value, depth)?;
    }
    target.end_map();
    Ok(())
}

fn push_object<T: Target>(target: &mut T, object: &dyn Object, depth: usize) -> Result<(), Fault> {
    let depth = deeper(depth)?;
    if target.is_direct()
        && let Some(time) = object.as_any().downcast_ref::<Time>()
    {
        target.time(&time.to_rfc3339());
        return Ok(());
    }
    if target.is_direct()
        && let Some(duration) = object.as_any().downcast_ref::<Duration>()
    {
        target.str(Duration::to_text(*duration).as_bytes());
        return Ok(());
    }
    if let Some(time) = object.as_any().downcast_ref::<Time>() {
        let problem = |problem| Fault::new(format!("json: error calling MarshalJSON for type time.Time: Time.MarshalJSON: {problem}"));
        target.str(time.to_strict_rfc3339().map_err(problem)?.as_bytes());
        return Ok(());
    }
    if let Some(value) = object.to_json().or_else(|| object.underlying()) {
        return push(target, &value, depth);
    }
    if let Some(entries) = object.entries() {
        let entries = entries.iter().map(|(key, value)| entry(key.as_bytes(), value)).collect();
        return push_entries(target, entries, depth);
    }
    if target.is_direct() {
        // Without yaml tags, the name of a field is lower-cased; fields keep their order.
        let fields = object.exported_fields();
        target.begin_map(fields.len());
        for (name, value) in &fields {
            target.key(name.to_ascii_lowercase().as_bytes());
            push(target, value, depth)?;
        }
        target.end_map();
        return Ok(());
    }
    let fields = object.json_fields();
    push_entries(target, fields.iter().map(|(name, value)| entry(name.as_bytes(), value)).collect(), depth)
}

/// The tree for the TOML writer.
pub(super) fn to_toml_node(value: &Value) -> Result<Node, Fault> {
    match value {
        Value::Complex(_) => Err(Fault::new("unsupported type for key '': complex128")),
        Value::Bytes(bytes) if bytes::is_nil(bytes) => Ok(Node::List(Vec::new())),
        Value::List(list) if list.is_nil() => Ok(Node::List(Vec::new())),
        Value::Map(map) if map.is_nil() => Ok(Node::Map(Vec::new())),
        other => toml_node(other, 0, &mut Visits::default()),
    }
}

fn toml_node(value: &Value, depth: usize, visits: &mut Visits) -> Result<Node, Fault> {
    visits.count()?;
    Ok(match value {
        Value::Nil => Node::Nil,
        Value::Bool(truth) => Node::Bool(*truth),
        Value::Int(kind, number) if kind.is_unsigned() => Node::Uint(*number as u64),
        Value::Int(_, number) => Node::Int(*number),
        Value::Float(number) => Node::Float(*number),
        Value::Complex(_) => return Err(Fault::new("unsupported type: complex128")),
        Value::Str(text) => {
            visits.count_text(text.len())?;
            Node::Str(text.as_bytes().to_vec())
        }
        Value::Bytes(bytes) if bytes::is_nil(bytes) => Node::Nil,
        Value::Bytes(bytes) => {
            visits.count_text(bytes.len().saturating_mul(size_of::<Node>()))?;
            Node::List(bytes.iter().map(|byte| Node::Uint(u64::from(*byte))).collect())
        }
        Value::List(list) if list.is_nil() => Node::Nil,
        Value::Map(map) if map.is_nil() => Node::Nil,
        Value::List(list) => {
            let depth = deeper(depth)?;
            Node::List(list.items().iter().map(|item| toml_node(item, depth, visits)).collect::<Result<_, _>>()?)
        }
        Value::Map(map) => toml_map(map.entries(), deeper(depth)?, visits)?,
        Value::Object(object) => toml_object(&**object, deeper(depth)?, visits)?,
    })
}

fn toml_map(entries: Vec<(Str, Value)>, depth: usize, visits: &mut Visits) -> Result<Node, Fault> {
    let pair = |(key, value): (Str, Value)| {
        visits.count_text(key.len())?;
        Ok((key.as_bytes().to_vec(), toml_node(&value, depth, visits)?))
    };
    Ok(Node::Map(entries.into_iter().map(pair).collect::<Result<_, Fault>>()?))
}

fn toml_object(object: &dyn Object, depth: usize, visits: &mut Visits) -> Result<Node, Fault> {
    if let Some(time) = object.as_any().downcast_ref::<Time>() {
        return Ok(Node::Time(time.to_toml()));
    }
    if let Some(duration) = object.as_any().downcast_ref::<Duration>() {
        return Ok(Node::Str(Duration::to_text(*duration).into_bytes()));
    }
    if let Some(value) = object.to_json().or_else(|| object.underlying()) {
        return toml_node(&value, depth, visits);
    }
    if let Some(entries) = object.entries() {
        return toml_map(entries, depth, visits);
    }
    let pair = |(name, value): (&str, Value)| Ok((name.as_bytes().to_vec(), toml_node(&value, depth, visits)?));
    Ok(Node::Struct(object.exported_fields().into_iter().map(pair).collect::<Result<_, Fault>>()?))
}
