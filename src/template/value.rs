//! The values that a template sees: Go's dynamic types, with the identity that `set`, `unset` and `merge` make visible.
//!
//! Goes in: [`Data`] trees and results of functions. Comes out: [`Value`], 24 bytes, cheap to clone. Maps and lists made from
//! `Data` stay views of the shared tree until something below them is used, so that passing values to a hundred subcharts or
//! `deepCopy`ing a root context costs only what is used.

mod burial;
pub(crate) mod bytes;
mod entries;
pub mod globals;
pub(crate) mod growth;
pub(crate) mod held;
pub(crate) mod identity;
mod list;
mod map;
mod object;
pub(crate) mod trace;

use crate::data::Data;
use std::fmt;
use std::rc::Rc;
use std::sync::Arc;

pub use list::{List, ListKind, Room};
pub use map::{Facts, Map, MapKind};
pub use object::{LateBytes, Method, Object};

/// Below this depth, a deep copy shares, because a map that contains itself has no end.
const MAX_COPY_DEPTH: usize = 10_000;

/// A Go value in an interface.
#[derive(Clone, Default)]
#[repr(u64)]
pub enum Value {
    /// The nil interface.
    #[default]
    Nil,
    Bool(bool),
    /// Any of Go's integer types; a `uint64` above `i64::MAX` keeps its bits.
    Int(IntKind, i64),
    /// float64
    Float(f64),
    /// complex128, from literals such as `1i`.
    Complex(Rc<(f64, f64)>),
    Str(Str),
    /// `[]byte`
    Bytes(Arc<[u8]>),
    List(List),
    Map(Map),
    /// A struct or pointer with methods: times, versions, certificates, capabilities.
    Object(Rc<dyn Object>),
}

/// Go's integer types.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u64)]
pub enum IntKind {
    Int,
    Int8,
    Int16,
    Int32,
    Int64,
    Uint,
    Uint8,
    Uint16,
    Uint32,
    Uint64,
}

impl IntKind {
    /// Go's name of the type.
    pub fn name(self) -> &'static str {
        match self {
            IntKind::Int => "int",
            IntKind::Int8 => "int8",
            IntKind::Int16 => "int16",
            IntKind::Int32 => "int32",
            IntKind::Int64 => "int64",
            IntKind::Uint => "uint",
            IntKind::Uint8 => "uint8",
            IntKind::Uint16 => "uint16",
            IntKind::Uint32 => "uint32",
            IntKind::Uint64 => "uint64",
        }
    }

    /// Whether the type has no sign.
    pub fn is_unsigned(self) -> bool {
        matches!(self, IntKind::Uint | IntKind::Uint8 | IntKind::Uint16 | IntKind::Uint32 | IntKind::Uint64)
    }
}

/// A Go string: bytes, usually but not always UTF-8 (`trunc` splits characters, `b64dec` returns any bytes).
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Str(Arc<[u8]>);

impl Str {
    /// The bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The text, with U+FFFD where it is not UTF-8.
    pub fn to_text(&self) -> std::borrow::Cow<'_, str> {
        String::from_utf8_lossy(&self.0)
    }

    /// Length in bytes.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether it is the empty string.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether nobody else has these bytes, as of a text that was just made.
    pub(crate) fn is_only(&self) -> bool {
        Arc::strong_count(&self.0) == 1
    }

    /// The bytes for somebody who is no value; they are not counted as held any more.
    pub(crate) fn given_away(&self) -> Arc<[u8]> {
        held::release(self.0.len());
        self.0.clone()
    }

    /// The shared bytes.
    pub fn shared(&self) -> &Arc<[u8]> {
        &self.0
    }
}

impl fmt::Debug for Str {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.to_text())
    }
}

impl std::borrow::Borrow<[u8]> for Str {
    fn borrow(&self) -> &[u8] {
        &self.0
    }
}

impl Drop for Str {
    fn drop(&mut self) {
        if self.is_only() {
            held::release(self.0.len());
        }
    }
}

impl From<&str> for Str {
    fn from(text: &str) -> Str {
        Str::from(text.as_bytes())
    }
}

impl From<String> for Str {
    fn from(text: String) -> Str {
        Str::from(text.into_bytes())
    }
}

impl From<&[u8]> for Str {
    fn from(bytes: &[u8]) -> Str {
        Str::from(Arc::<[u8]>::from(bytes))
    }
}

impl From<Vec<u8>> for Str {
    fn from(bytes: Vec<u8>) -> Str {
        Str::from(Arc::<[u8]>::from(bytes))
    }
}

impl From<Arc<[u8]>> for Str {
    fn from(bytes: Arc<[u8]>) -> Str {
        let text = Str(bytes);
        if text.is_only() {
            held::hold(text.len());
        }
        text
    }
}

impl From<Arc<str>> for Str {
    fn from(text: Arc<str>) -> Str {
        Str::from(Arc::<[u8]>::from(text))
    }
}

impl Value {
    /// A view of a shared tree.
    pub fn from_data(data: &Data) -> Value {
        Value::view(data, trace::generation())
    }

    /// As [`Value::from_data`], as part of an object with this birth.
    fn view(data: &Data, birth: u32) -> Value {
        match data {
            Data::Null => Value::Nil,
            Data::Bool(truth) => Value::Bool(*truth),
            Data::Int(number) => Value::Int(IntKind::Int64, *number),
            Data::Float(number) => Value::Float(*number),
            Data::Str(text) => Value::Str(Str::from(text.clone())),
            Data::Bytes(text) => Value::Str(Str(text.clone())),
            Data::List(items) => Value::List(List::view(items.clone(), birth)),
            Data::Map(map) => Value::Map(Map::view(MapKind::Any, map.clone(), birth)),
        }
    }

    /// A Go `int`.
    pub fn int(number: i64) -> Value {
        Value::Int(IntKind::Int, number)
    }

    /// A Go `int64`.
    pub fn int64(number: i64) -> Value {
        Value::Int(IntKind::Int64, number)
    }

    /// A string.
    pub fn str(text: impl Into<Str>) -> Value {
        Value::Str(text.into())
    }

    /// A `[]interface {}`.
    pub fn list(items: Vec<Value>) -> Value {
        Value::List(List::new(ListKind::Any, items))
    }

    /// A `[]string`.
    pub fn strings<S: Into<Str>>(items: impl IntoIterator<Item = S>) -> Value {
        Value::List(List::new(ListKind::Str, items.into_iter().map(|item| Value::Str(item.into())).collect()))
    }

    /// A `map[string]interface {}`.
    pub fn map(entries: impl IntoIterator<Item = (Str, Value)>) -> Value {
        Value::Map(Map::from_entries(MapKind::Any, entries))
    }

    /// Makes the value and everything in it part of the contexts, at any depth.
    fn adopt(&self) {
        let mut waiting = vec![self.clone()];
        while let Some(value) = waiting.pop() {
            match value {
                Value::List(list) => list.adopt(&mut waiting),
                Value::Map(map) => map.adopt(&mut waiting),
                _ => {}
            }
        }
    }

    /// Whether nothing in it differs from the shared tree it came from.
    pub(crate) fn is_pristine(&self) -> bool {
        match self {
            Value::List(list) => list.pristine().is_some(),
            Value::Map(map) => map.pristine().is_some(),
            // Scalars of a view never change in place; a map with its own entries is not pristine as a whole.
            _ => true,
        }
    }

    /// Go's name of the dynamic type: `typeOf`, `%T`; `<nil>` for nil.
    pub fn type_name(&self) -> &'static str {
        match self {
            Value::Nil => "<nil>",
            Value::Bool(_) => "bool",
            Value::Int(kind, _) => kind.name(),
            Value::Float(_) => "float64",
            Value::Complex(_) => "complex128",
            Value::Str(_) => "string",
            Value::Bytes(_) => "[]uint8",
            Value::List(list) => list.kind().name(),
            Value::Map(map) => map.kind().name(),
            Value::Object(object) => object.type_name(),
        }
    }

    /// Go's kind: `kindOf`; `invalid` for nil.
    pub fn kind_name(&self) -> &'static str {
        match self {
            Value::Nil => "invalid",
            Value::List(_) | Value::Bytes(_) => "slice",
            Value::Map(_) => "map",
            Value::Object(object) => object.kind_name(),
            scalar => scalar.type_name(),
        }
    }

    /// Truth as in text/template: not the zero value, not empty.
    pub fn truth(&self) -> bool {
        match self {
            Value::Nil => false,
            Value::Bool(truth) => *truth,
            Value::Int(_, number) => *number != 0,
            Value::Float(number) => *number != 0.0,
            Value::Complex(parts) => parts.0 != 0.0 || parts.1 != 0.0,
            Value::Str(text) => !text.is_empty(),
            Value::Bytes(bytes) => !bytes.is_empty(),
            Value::List(list) => !list.is_empty(),
            Value::Map(map) => !map.is_empty(),
            Value::Object(object) => object.truth(),
        }
    }

    /// A copy that shares no map with this one (mitchellh/copystructure). Unused parts stay a shared view.
    pub fn deep_copy(&self) -> Value {
        self.deep_copy_within(MAX_COPY_DEPTH)
    }

    fn deep_copy_within(&self, depth: usize) -> Value {
        if depth == 0 {
            return self.clone();
        }
        match self {
            Value::Map(map) => {
                if let Some(source) = map.pristine() {
                    return Value::Map(Map::from_data(map.kind(), source));
                }
                if map.is_nil() {
                    return Value::Map(Map::nil(map.kind()));
                }
                let entries = map.entries().into_iter().map(|(key, value)| (key, value.deep_copy_within(depth - 1)));
                Value::Map(Map::from_entries(map.kind(), entries.collect::<Vec<_>>()))
            }
            Value::List(list) => match list.pristine() {
                Some(source) => Value::List(List::from_data(source.clone())),
                None if list.is_nil() => self.clone(),
                None => {
                    let items = list.items().iter().map(|item| item.deep_copy_within(depth - 1));
                    Value::List(List::with_room(list.kind(), items.collect(), list.room().clone()))
                }
            },
            Value::Object(object) => object.deep_copied().unwrap_or_else(|| self.clone()),
            other => other.clone(),
        }
    }
}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::Nil => f.write_str("nil"),
            Value::Bool(truth) => write!(f, "{truth}"),
            Value::Int(kind, number) => write!(f, "{number}:{}", kind.name()),
            Value::Float(number) => write!(f, "{number:?}"),
            Value::Complex(parts) => write!(f, "({}+{}i)", parts.0, parts.1),
            Value::Str(text) => write!(f, "{text:?}"),
            Value::Bytes(bytes) => write!(f, "bytes{bytes:?}"),
            Value::List(list) => f.debug_list().entries(list.items()).finish(),
            Value::Map(map) => f.debug_map().entries(map.entries()).finish(),
            Value::Object(object) => f.write_str(object.type_name()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_24_bytes() {
        assert_eq!(std::mem::size_of::<Value>(), 24);
    }
}
