//! The values a template sees: Go's dynamic types, with the identity that `set`, `unset` and `merge` make visible.
//!
//! Goes in: [`Data`] trees and results of functions. Comes out: [`Value`], 24 bytes, cheap to clone.
//! Maps and lists made from `Data` stay views of the shared tree until something below them is touched, so that handing
//! values to a hundred subcharts or `deepCopy`ing a root context costs what is touched, not what is there.

use crate::data::{self, Data};
use std::any::Any;
use std::cell::{OnceCell, RefCell};
use std::collections::BTreeMap;
use std::fmt;
use std::rc::Rc;
use std::sync::Arc;

/// A Go value in an interface.
#[derive(Clone, Default)]
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
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
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

/// A Go string: bytes, mostly UTF-8 but not always (`trunc` cuts characters, `b64dec` gives anything).
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

impl From<&str> for Str {
    fn from(text: &str) -> Str {
        Str(Arc::from(text.as_bytes()))
    }
}

impl From<String> for Str {
    fn from(text: String) -> Str {
        Str(Arc::from(text.into_bytes()))
    }
}

impl From<&[u8]> for Str {
    fn from(bytes: &[u8]) -> Str {
        Str(Arc::from(bytes))
    }
}

impl From<Vec<u8>> for Str {
    fn from(bytes: Vec<u8>) -> Str {
        Str(Arc::from(bytes))
    }
}

impl From<Arc<[u8]>> for Str {
    fn from(bytes: Arc<[u8]>) -> Str {
        Str(bytes)
    }
}

impl From<Arc<str>> for Str {
    fn from(text: Arc<str>) -> Str {
        Str(text.into())
    }
}

/// What a list holds, which `typeOf` and `printf "%T"` show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ListKind {
    /// `[]interface {}`
    Any,
    /// `[]string`
    Str,
    /// `[]int`
    Int,
    /// `[]float64`
    Float,
    /// `[][]interface {}`, from `chunk`
    Lists,
    /// `[]map[string]interface {}`, from TOML
    Maps,
    /// `[]map[string]string` is not produced by any function; Capabilities.APIVersions is:
    /// `common.VersionSet`, a `[]string` with a `Has` method
    VersionSet,
}

impl ListKind {
    /// Go's name of the slice type.
    pub fn name(self) -> &'static str {
        match self {
            ListKind::Any => "[]interface {}",
            ListKind::Str => "[]string",
            ListKind::Int => "[]int",
            ListKind::Float => "[]float64",
            ListKind::Lists => "[][]interface {}",
            ListKind::Maps => "[]map[string]interface {}",
            ListKind::VersionSet => "common.VersionSet",
        }
    }
}

/// A Go slice. Only `sortAlpha` changes one in place ([`List::sort_in_place`]); the maps inside are shared.
#[derive(Clone)]
pub struct List(Rc<ListCell>);

struct ListCell {
    kind: ListKind,
    nil: bool,
    source: Option<Arc<data::Items>>,
    items: OnceCell<Vec<Value>>,
    /// The items in order once `sortAlpha` has sorted them.
    sorted: OnceCell<Vec<Value>>,
}

impl List {
    /// A slice of this type.
    pub fn new(kind: ListKind, items: Vec<Value>) -> List {
        List(Rc::new(ListCell { kind, nil: false, source: None, items: OnceCell::from(items), sorted: OnceCell::new() }))
    }

    /// A nil slice of this type: empty, `null` in JSON.
    pub fn nil(kind: ListKind) -> List {
        List(Rc::new(ListCell { kind, nil: true, source: None, items: OnceCell::from(Vec::new()), sorted: OnceCell::new() }))
    }

    /// A `[]interface {}` view of a shared list.
    pub fn from_data(source: Arc<data::Items>) -> List {
        List(Rc::new(ListCell { kind: ListKind::Any, nil: false, source: Some(source), items: OnceCell::new(), sorted: OnceCell::new() }))
    }

    /// The items; those of a shared list become values on the first call.
    pub fn items(&self) -> &[Value] {
        if let Some(sorted) = self.0.sorted.get() {
            return sorted;
        }
        self.unsorted()
    }

    fn unsorted(&self) -> &[Value] {
        self.0.items.get_or_init(|| match &self.0.source {
            Some(source) => source.iter().map(Value::from_data).collect(),
            None => Vec::new(),
        })
    }

    /// Sorts a list of strings where it stands, for all its names: what Go's sort does to the slice that `sortAlpha` gets.
    pub fn sort_in_place(&self) {
        self.0.sorted.get_or_init(|| {
            let mut items = self.unsorted().to_vec();
            items.sort_by(|left, right| match (left, right) {
                (Value::Str(left), Value::Str(right)) => left.cmp(right),
                _ => std::cmp::Ordering::Equal,
            });
            items
        });
    }

    /// Length, without making values of a shared list.
    pub fn len(&self) -> usize {
        match (self.0.items.get(), &self.0.source) {
            (Some(items), _) => items.len(),
            (None, Some(source)) => source.len(),
            (None, None) => 0,
        }
    }

    /// Whether there are no items.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether it is a nil slice.
    pub fn is_nil(&self) -> bool {
        self.0.nil
    }

    /// What it holds.
    pub fn kind(&self) -> ListKind {
        self.0.kind
    }

    /// Whether both are one and the same.
    pub fn same(&self, other: &List) -> bool {
        Rc::ptr_eq(&self.0, &other.0)
    }

    /// The shared list that this still equals, all the way down.
    pub fn pristine(&self) -> Option<&Arc<data::Items>> {
        let source = self.0.source.as_ref()?;
        match self.0.items.get() {
            None => Some(source),
            Some(items) => items.iter().all(Value::is_pristine).then_some(source),
        }
    }
}

/// What a map is declared as, which `typeOf` and assignability show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MapKind {
    /// `map[string]interface {}`
    Any,
    /// `common.Values`: the root context, `.Values` and `.Template`
    Values,
    /// `map[string]string`: annotations, `split`
    Str,
    /// `map[string]bool`, `map[string][]string` and the like do not occur; `.Files` is an object
    /// `map[interface {}]interface {}`, from YAML read without the JSON bridge
    AnyKey,
}

impl MapKind {
    /// Go's name of the map type.
    pub fn name(self) -> &'static str {
        match self {
            MapKind::Any => "map[string]interface {}",
            MapKind::Values => "common.Values",
            MapKind::Str => "map[string]string",
            MapKind::AnyKey => "map[interface {}]interface {}",
        }
    }
}

/// A Go map with identity: every clone sees what any clone changes. Iteration is in byte order of the keys.
#[derive(Clone)]
pub struct Map {
    cell: Rc<MapCell>,
    /// Of the handle, not of the entries: Go converts one map between named types without a copy.
    kind: MapKind,
}

struct MapCell {
    nil: bool,
    state: RefCell<MapState>,
}

enum MapState {
    /// Equal to the shared map; `children` holds the map and list entries that were asked for, sorted by index, so that
    /// each keeps its identity.
    View { source: Arc<data::Map>, children: Vec<(u32, Value)> },
    /// Changed, or never shared.
    Own(BTreeMap<Str, Value>),
}

impl Map {
    fn of(kind: MapKind, nil: bool, state: MapState) -> Map {
        Map { cell: Rc::new(MapCell { nil, state: RefCell::new(state) }), kind }
    }

    /// The same map, seen as another type: changes of one are seen in the other.
    pub fn with_kind(&self, kind: MapKind) -> Map {
        Map { cell: self.cell.clone(), kind }
    }

    /// An empty map of this type.
    pub fn new(kind: MapKind) -> Map {
        Map::of(kind, false, MapState::Own(BTreeMap::new()))
    }

    /// A nil map of this type: empty, `null` in JSON.
    pub fn nil(kind: MapKind) -> Map {
        Map::of(kind, true, MapState::Own(BTreeMap::new()))
    }

    /// A map of these entries.
    pub fn from_entries(kind: MapKind, entries: impl IntoIterator<Item = (Str, Value)>) -> Map {
        Map::of(kind, false, MapState::Own(entries.into_iter().collect()))
    }

    /// A view of a shared map.
    pub fn from_data(kind: MapKind, source: Arc<data::Map>) -> Map {
        Map::of(kind, false, MapState::View { source, children: Vec::new() })
    }

    /// What it is declared as.
    pub fn kind(&self) -> MapKind {
        self.kind
    }

    /// Whether it is a nil map.
    pub fn is_nil(&self) -> bool {
        self.cell.nil
    }

    /// Whether both are one and the same.
    pub fn same(&self, other: &Map) -> bool {
        Rc::ptr_eq(&self.cell, &other.cell)
    }

    /// The value under `key`.
    pub fn get(&self, key: &[u8]) -> Option<Value> {
        match &mut *self.cell.state.borrow_mut() {
            MapState::Own(entries) => entries.get(key).cloned(),
            MapState::View { source, children } => {
                let at = source.position(key).ok()?;
                Some(view_child(source, children, at))
            }
        }
    }

    /// Whether `key` is present.
    pub fn contains_key(&self, key: &[u8]) -> bool {
        match &*self.cell.state.borrow() {
            MapState::Own(entries) => entries.contains_key(key),
            MapState::View { source, .. } => source.position(key).is_ok(),
        }
    }

    /// Puts `value` under `key`.
    pub fn insert(&self, key: Str, value: Value) {
        self.own(|entries| entries.insert(key, value));
    }

    /// Takes `key` out.
    pub fn remove(&self, key: &[u8]) -> Option<Value> {
        if !self.contains_key(key) {
            return None;
        }
        self.own(|entries| entries.remove(key))
    }

    /// How many entries there are.
    pub fn len(&self) -> usize {
        match &*self.cell.state.borrow() {
            MapState::Own(entries) => entries.len(),
            MapState::View { source, .. } => source.len(),
        }
    }

    /// Whether there is no entry.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The keys in byte order.
    pub fn keys(&self) -> Vec<Str> {
        match &*self.cell.state.borrow() {
            MapState::Own(entries) => entries.keys().cloned().collect(),
            MapState::View { source, .. } => source.iter().map(|(key, _)| Str::from(key.clone())).collect(),
        }
    }

    /// The entries in byte order of the keys, as they are now.
    pub fn entries(&self) -> Vec<(Str, Value)> {
        match &mut *self.cell.state.borrow_mut() {
            MapState::Own(entries) => entries.iter().map(|(key, value)| (key.clone(), value.clone())).collect(),
            MapState::View { source, children } => (0..source.len())
                .filter_map(|at| {
                    let (key, _) = source.entry_at(at)?;
                    Some((Str::from(key.clone()), view_child(source, children, at)))
                })
                .collect(),
        }
    }

    /// The shared map that this still equals, all the way down.
    pub fn pristine(&self) -> Option<Arc<data::Map>> {
        match &*self.cell.state.borrow() {
            MapState::Own(_) => None,
            MapState::View { source, children } => children.iter().all(|(_, child)| child.is_pristine()).then(|| source.clone()),
        }
    }

    fn own<T>(&self, change: impl FnOnce(&mut BTreeMap<Str, Value>) -> T) -> T {
        let mut state = self.cell.state.borrow_mut();
        if let MapState::View { source, children } = &mut *state {
            let entries = (0..source.len())
                .filter_map(|at| {
                    let (key, _) = source.entry_at(at)?;
                    Some((Str::from(key.clone()), view_child(source, children, at)))
                })
                .collect();
            *state = MapState::Own(entries);
        }
        match &mut *state {
            MapState::Own(entries) => change(entries),
            MapState::View { .. } => change(&mut BTreeMap::new()),
        }
    }
}

/// Entry `at` of a view; maps and lists are made once and kept, scalars each time.
fn view_child(source: &Arc<data::Map>, children: &mut Vec<(u32, Value)>, at: usize) -> Value {
    let Some((_, data)) = source.entry_at(at) else { return Value::Nil };
    match data {
        Data::Map(_) | Data::List(_) => match children.binary_search_by_key(&(at as u32), |child| child.0) {
            Ok(found) => children[found].1.clone(),
            Err(place) => {
                let value = Value::from_data(data);
                children.insert(place, (at as u32, value.clone()));
                value
            }
        },
        scalar => Value::from_data(scalar),
    }
}

/// A Go struct, pointer or named type with fields and methods.
pub trait Object: Any {
    /// Go's name of the type, as `typeOf` prints it (`time.Time`, `*semver.Version`).
    fn type_name(&self) -> &'static str;

    /// Go's kind: `struct`, `ptr`, `map`, `int64`, …
    fn kind_name(&self) -> &'static str;

    /// The exported field of this name.
    fn field(&self, name: &str) -> Option<Value> {
        let _ = name;
        None
    }

    /// Whether the type has a field of this name that templates may not read.
    fn hidden_field(&self, name: &str) -> bool {
        let _ = name;
        false
    }

    /// The method of this name, with the receiver bound.
    fn method(&self, name: &str) -> Option<Method> {
        let _ = name;
        None
    }

    /// Why text/template does not call the method of this name, if the type has one that it refuses.
    fn method_refusal(&self, name: &str) -> Option<&'static str> {
        let _ = name;
        None
    }

    /// Go's `String()` if the type has one: what `%v`, `%s` and plain output print.
    fn to_text(&self) -> Option<String> {
        None
    }

    /// Go's `GoString()` if the type has one: what `%#v` prints.
    fn to_go_syntax(&self) -> Option<String> {
        None
    }

    /// The number or string that a named type such as `time.Month` is underneath.
    fn underlying(&self) -> Option<Value> {
        None
    }

    /// The `String()` that only a pointer to the value has: an action prints a struct's field with it, nothing else does.
    fn pointer_text(&self) -> Option<String> {
        None
    }

    /// The fields in declaration order, those with a lower-case name included (only printing shows them), for `%v`, `%+v`, JSON and YAML; `None` when it has none that are printed.
    fn fields(&self) -> Vec<(&'static str, Value)> {
        Vec::new()
    }

    /// What `deepCopy` makes of it, if that is not the same: mitchellh/copystructure leaves out what is not exported.
    fn deep_copied(&self) -> Option<Value> {
        None
    }

    /// What `MarshalJSON` or `MarshalText` makes of it, if the type has one; else JSON shows [`Object::json_fields`].
    fn to_json(&self) -> Option<Value> {
        None
    }

    /// The exported fields in declaration order under their names in JSON (json tags).
    fn json_fields(&self) -> Vec<(&'static str, Value)> {
        self.exported_fields()
    }

    /// The fields that other packages see: those with an upper-case name.
    fn exported_fields(&self) -> Vec<(&'static str, Value)> {
        self.fields().into_iter().filter(|(name, _)| name.starts_with(|first: char| first.is_ascii_uppercase())).collect()
    }

    /// Go's truth: structs and pointers are true, maps by length.
    fn truth(&self) -> bool {
        true
    }

    /// For `eq` and deep equality; types that are not comparable say no.
    fn equals(&self, other: &dyn Object) -> bool {
        let _ = other;
        false
    }

    /// Keys and values in order if it can be ranged over or indexed as a map (`.Files`).
    fn entries(&self) -> Option<Vec<(Str, Value)>> {
        None
    }

    /// For downcasts.
    fn as_any(&self) -> &dyn Any;
}

/// A method of an [`Object`]: its parameters and what it does. The receiver is in the closure.
pub struct Method {
    pub parameters: super::functions::Parameters,
    #[expect(clippy::type_complexity, reason = "a boxed closure is the type")]
    pub call: Box<dyn Fn(&[Value]) -> Result<Value, super::functions::Fault>>,
}

impl Value {
    /// A view of a shared tree.
    pub fn from_data(data: &Data) -> Value {
        match data {
            Data::Null => Value::Nil,
            Data::Bool(truth) => Value::Bool(*truth),
            Data::Int(number) => Value::Int(IntKind::Int64, *number),
            Data::Float(number) => Value::Float(*number),
            Data::Str(text) => Value::Str(Str::from(text.clone())),
            Data::List(items) => Value::List(List::from_data(items.clone())),
            Data::Map(map) => Value::Map(Map::from_data(MapKind::Any, map.clone())),
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

    /// Whether nothing below it differs from the shared tree it came from.
    fn is_pristine(&self) -> bool {
        match self {
            Value::List(list) => list.pristine().is_some(),
            Value::Map(map) => map.pristine().is_some(),
            // Scalars of a view are never changed in place; an own map is not pristine as a whole.
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

    /// text/template's truth: not the zero value, not empty.
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

    /// A copy that shares no map with this one (mitchellh/copystructure). What is untouched stays a shared view.
    pub fn deep_copy(&self) -> Value {
        match self {
            Value::Map(map) => {
                if let Some(source) = map.pristine() {
                    return Value::Map(Map::from_data(map.kind(), source));
                }
                if map.is_nil() {
                    return Value::Map(Map::nil(map.kind()));
                }
                let entries = map.entries().into_iter().map(|(key, value)| (key, value.deep_copy()));
                Value::Map(Map::from_entries(map.kind(), entries.collect::<Vec<_>>()))
            }
            Value::List(list) => match list.pristine() {
                Some(source) => Value::List(List::from_data(source.clone())),
                None if list.is_nil() => self.clone(),
                None => Value::List(List::new(list.kind(), list.items().iter().map(Value::deep_copy).collect())),
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

impl fmt::Debug for List {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.items()).finish()
    }
}

impl fmt::Debug for Map {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.entries()).finish()
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
