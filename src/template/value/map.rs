//! Go maps, with identity.
//!
//! Goes in: entries, or a shared map of a parsed text. Comes out: [`Map`], a handle: changes by `set`, `unset` and `merge` show in
//! every other handle. A view of a shared map gets its own entries on its first change; the maps and lists in it keep their
//! identity from their first use on.

use super::entries::Entries;
use super::globals::Link;
use super::{Str, Value, burial, trace};
use crate::data::{self, Data};
use crate::template::format::Deferred;
use std::cell::{Cell, RefCell, RefMut};
use std::fmt;
use std::rc::Rc;
use std::sync::Arc;

/// The declared type of a map, which `typeOf` and assignability show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u64)]
pub enum MapKind {
    /// `map[string]interface {}`
    Any,
    /// `common.Values`: the root context, `.Values` and `.Template`
    Values,
    /// `map[string]string`: annotations, `split`. (Further types do not occur; `.Files` is an object.)
    Str,
}

impl MapKind {
    /// Go's name of the map type.
    pub fn name(self) -> &'static str {
        match self {
            MapKind::Any => "map[string]interface {}",
            MapKind::Values => "common.Values",
            MapKind::Str => "map[string]string",
        }
    }
}

/// The entry of a root context that differs between files.
const PER_FILE: &str = "Template";

/// A Go map with identity: all clones see each other's changes. Iteration is in byte order of the keys.
#[derive(Clone)]
pub struct Map {
    cell: Rc<MapCell>,
    /// Kept in the handle, not with the entries: Go converts a map between named types without a copy.
    kind: MapKind,
}

struct MapCell {
    nil: bool,
    /// Whether this is the root context of a chart, whose `Template` differs between files.
    is_root: bool,
    /// When the map was made, see [`trace`].
    birth: Cell<u32>,
    /// Set for views of values that share parts with other charts.
    link: Option<Link>,
    state: RefCell<MapState>,
}

enum MapState {
    /// Equal to the shared map; `children` has the map and list entries used so far, sorted by index, so that each keeps its
    /// identity.
    View { source: Arc<data::Map>, children: Vec<(u32, Value)> },
    /// Changed, or never shared.
    Own(Entries),
    /// The same with one more entry, whose key was not needed yet.
    Unwritten { entries: Entries, key: Box<Deferred>, value: Value },
    /// Not used yet, except for single fields.
    Facts(Rc<dyn Facts>),
}

/// The content of a map of the contexts, of which templates rarely use more than a field or two.
pub trait Facts {
    /// The value under `key` if it is a string, a number or a boolean, which have no identity; made anew each time.
    fn scalar(&self, key: &[u8]) -> Option<Value>;

    /// All entries.
    fn entries(&self) -> Vec<(Str, Value)>;
}

impl MapState {
    /// Writes the deferred key, or all facts.
    fn settle(&mut self) {
        if let MapState::Facts(facts) = self {
            let entries: Entries = facts.entries().into_iter().collect();
            entries.values().for_each(Value::adopt);
            *self = MapState::Own(entries);
        }
        if let MapState::Unwritten { .. } = self
            && let MapState::Unwritten { mut entries, key, value } = std::mem::replace(self, MapState::Own(Entries::default()))
        {
            entries.insert(key.to_text(), value);
            *self = MapState::Own(entries);
        }
    }
}

impl Drop for MapCell {
    fn drop(&mut self) {
        match std::mem::replace(self.state.get_mut(), MapState::Own(Entries::default())) {
            MapState::Own(entries) if !entries.is_empty() => burial::bury(entries),
            MapState::View { children, .. } if !children.is_empty() => burial::bury(children),
            MapState::Unwritten { entries, value, .. } => burial::bury((entries, value)),
            _ => {}
        }
    }
}

impl Map {
    fn of(kind: MapKind, nil: bool, state: MapState) -> Map {
        Map::born(trace::generation(), kind, nil, state)
    }

    fn born(birth: u32, kind: MapKind, nil: bool, state: MapState) -> Map {
        Map { cell: Rc::new(MapCell { nil, is_root: false, birth: Cell::new(birth), link: None, state: RefCell::new(state) }), kind }
    }

    /// The same map, with another type: each shows the changes of the other.
    pub fn with_kind(&self, kind: MapKind) -> Map {
        Map { cell: self.cell.clone(), kind }
    }

    /// An empty map of this type.
    pub fn new(kind: MapKind) -> Map {
        Map::of(kind, false, MapState::Own(Entries::default()))
    }

    /// A nil map of this type: empty, `null` in JSON.
    pub fn nil(kind: MapKind) -> Map {
        Map::of(kind, true, MapState::Own(Entries::default()))
    }

    /// A map with these entries.
    pub fn from_entries(kind: MapKind, entries: impl IntoIterator<Item = (Str, Value)>) -> Map {
        Map::of(kind, false, MapState::Own(entries.into_iter().collect()))
    }

    /// A view of a shared map.
    pub fn from_data(kind: MapKind, source: Arc<data::Map>) -> Map {
        Map::of(kind, false, MapState::View { source, children: Vec::new() })
    }

    /// As [`Map::from_data`], as part of an object with this birth.
    pub(super) fn view(kind: MapKind, source: Arc<data::Map>, birth: u32) -> Map {
        Map::born(birth, kind, false, MapState::View { source, children: Vec::new() })
    }

    /// A view of a shared map that may share parts with other charts; part of the contexts.
    pub fn linked(kind: MapKind, source: Arc<data::Map>, link: Link) -> Map {
        let state = RefCell::new(MapState::View { source, children: Vec::new() });
        Map { cell: Rc::new(MapCell { nil: false, is_root: false, birth: Cell::new(trace::CONTEXT), link: Some(link), state }), kind }
    }

    /// The root context of a chart.
    pub fn root(entries: impl IntoIterator<Item = (Str, Value)>) -> Map {
        let mut entries: Entries = entries.into_iter().collect();
        entries.make_room();
        let state = RefCell::new(MapState::Own(entries));
        Map {
            cell: Rc::new(MapCell { nil: false, is_root: true, birth: Cell::new(trace::CONTEXT), link: None, state }),
            kind: MapKind::Values,
        }
    }

    /// A map with these facts, which is part of the contexts.
    pub fn facts(kind: MapKind, facts: Rc<dyn Facts>) -> Map {
        Map::born(trace::CONTEXT, kind, false, MapState::Facts(facts))
    }

    /// Sets the facts of the next file in a root context; this does not count as a change.
    pub fn begin_file(&self, template: Value) {
        trace::begin_file(self.address());
        if let MapState::Own(entries) = &mut *self.cell.state.borrow_mut() {
            entries.insert(Str::from(PER_FILE), template);
        }
    }

    /// Its declared type.
    pub fn kind(&self) -> MapKind {
        self.kind
    }

    /// Whether it is a nil map.
    pub fn is_nil(&self) -> bool {
        self.cell.nil
    }

    /// Whether both are the same map.
    pub fn same(&self, other: &Map) -> bool {
        Rc::ptr_eq(&self.cell, &other.cell)
    }

    /// The table at a path of keys joined by dots (Helm's `Values.Table`); the error is the key without a table.
    pub fn table<'path>(&self, path: &'path [u8]) -> Result<Map, &'path [u8]> {
        let mut map = self.clone();
        for name in path.split(|byte| *byte == b'.') {
            match map.get(name) {
                Some(Value::Map(inner)) if matches!(inner.kind(), MapKind::Any | MapKind::Values) => map = inner,
                _ => return Err(name),
            }
        }
        Ok(map)
    }

    /// The value under `key`.
    pub fn get(&self, key: &[u8]) -> Option<Value> {
        self.note_read(key == PER_FILE.as_bytes());
        let mut state = self.settled(key);
        if let MapState::Facts(facts) = &*state {
            if let Some(scalar) = facts.scalar(key) {
                return Some(scalar);
            }
            state.settle();
        }
        match &mut *state {
            MapState::Own(entries) | MapState::Unwritten { entries, .. } => entries.get(key).cloned(),
            MapState::View { source, children } => {
                let at = source.position(key).ok()?;
                Some(view_child(source, children, at, &self.cell))
            }
            MapState::Facts(_) => None,
        }
    }

    /// Whether `key` is present.
    pub fn contains_key(&self, key: &[u8]) -> bool {
        self.note_read(key == PER_FILE.as_bytes());
        match &*self.settled(key) {
            MapState::Own(entries) | MapState::Unwritten { entries, .. } => entries.contains_key(key),
            MapState::View { source, .. } => source.position(key).is_ok(),
            MapState::Facts(facts) => facts.scalar(key).is_some() || facts.entries().iter().any(|entry| entry.0.as_bytes() == key),
        }
    }

    /// Puts `value` under `key`.
    pub fn insert(&self, key: Str, value: Value) {
        if self.cell.birth.get() == trace::CONTEXT {
            value.adopt();
        }
        self.own(|entries| entries.insert(key, value));
    }

    /// As [`Map::insert`], with a key that may not be written yet.
    pub fn insert_printed(&self, key: Deferred, value: Value) {
        if key.is_written() {
            return self.insert(key.to_text(), value);
        }
        // One such key is a mistake in a chart; rarer cases need not be fast.
        let mut state = self.cell.state.borrow_mut();
        match &mut *state {
            MapState::Own(entries) if !entries.keys().any(|known| key.may_be(known.as_bytes())) => {
                let entries = std::mem::take(entries);
                *state = MapState::Unwritten { entries, key: Box::new(key), value };
            }
            _ => {
                drop(state);
                self.insert(key.to_text(), value);
            }
        }
    }

    /// The state; all keys are written if the deferred one may be `key`.
    fn settled(&self, key: &[u8]) -> RefMut<'_, MapState> {
        let mut state = self.cell.state.borrow_mut();
        if let MapState::Unwritten { key: unwritten, .. } = &*state
            && unwritten.may_be(key)
        {
            state.settle();
        }
        state
    }

    /// The state with all keys written.
    fn written(&self) -> RefMut<'_, MapState> {
        let mut state = self.cell.state.borrow_mut();
        state.settle();
        state
    }

    /// Removes `key` and returns its value.
    pub fn remove(&self, key: &[u8]) -> Option<Value> {
        if !self.contains_key(key) {
            return None;
        }
        self.own(|entries| entries.remove(key))
    }

    /// How many entries there are.
    pub fn len(&self) -> usize {
        self.note_read(true);
        match &*self.cell.state.borrow() {
            MapState::Own(entries) => entries.len(),
            MapState::Unwritten { entries, .. } => entries.len() + 1,
            MapState::View { source, .. } => source.len(),
            MapState::Facts(facts) => facts.entries().len(),
        }
    }

    /// Whether it still has no entries of its own, so that a change copies those of the shared map.
    pub(crate) fn is_view(&self) -> bool {
        matches!(&*self.cell.state.borrow(), MapState::View { .. })
    }

    /// Whether nobody else has this map, as of one that was just made; the entries of a view were not.
    pub(crate) fn is_only(&self) -> bool {
        Rc::strong_count(&self.cell) == 1 && matches!(&*self.cell.state.borrow(), MapState::Own(_) | MapState::Unwritten { .. })
    }

    /// About how many entries there are: for counting work, which reads nothing that a template could tell.
    pub(crate) fn size(&self) -> usize {
        match &*self.cell.state.borrow() {
            MapState::Own(entries) | MapState::Unwritten { entries, .. } => entries.len(),
            MapState::View { source, .. } => source.len(),
            MapState::Facts(_) => 0,
        }
    }

    /// Whether there is no entry.
    pub fn is_empty(&self) -> bool {
        // A root context never is; answering that does not count as a read.
        !self.cell.is_root && self.len() == 0
    }

    /// The keys in byte order.
    pub fn keys(&self) -> Vec<Str> {
        self.note_read(true);
        match &*self.written() {
            MapState::Own(entries) | MapState::Unwritten { entries, .. } => entries.keys().cloned().collect(),
            MapState::View { source, .. } => source.iter().map(|(key, _)| Str::from(key.clone())).collect(),
            MapState::Facts(_) => Vec::new(),
        }
    }

    /// The current entries in byte order of the keys.
    pub fn entries(&self) -> Vec<(Str, Value)> {
        self.note_read(true);
        match &mut *self.written() {
            MapState::Own(entries) | MapState::Unwritten { entries, .. } => {
                entries.iter().map(|(key, value)| (key.clone(), value.clone())).collect()
            }
            MapState::View { source, children } => (0..source.len())
                .filter_map(|at| {
                    let (key, _) = source.entry_at(at)?;
                    Some((Str::from(key.clone()), view_child(source, children, at, &self.cell)))
                })
                .collect(),
            MapState::Facts(_) => Vec::new(),
        }
    }

    /// Records a read of a root context if it shows its `Template`.
    fn note_read(&self, shows_template: bool) {
        if self.cell.is_root && shows_template {
            trace::read_of_root(self.address());
        }
    }

    pub(super) fn birth(&self) -> u32 {
        self.cell.birth.get()
    }

    /// Its address, valid as long as a handle of it is kept.
    pub(super) fn address(&self) -> usize {
        Rc::as_ptr(&self.cell).addr()
    }

    /// Passes the entries of a map that is not a view to `take` until it returns false; whether it never did.
    pub(super) fn try_own(&self, mut take: impl FnMut(&Str, &Value) -> bool) -> bool {
        match &*self.cell.state.borrow() {
            MapState::Own(entries) => entries.iter().all(|(key, value)| take(key, value)),
            MapState::View { .. } | MapState::Unwritten { .. } | MapState::Facts(_) => false,
        }
    }

    /// Makes it part of the contexts, and adds its values to `waiting` to be adopted too.
    pub(super) fn adopt(&self, waiting: &mut Vec<Value>) {
        if self.cell.birth.replace(trace::CONTEXT) == trace::CONTEXT {
            return;
        }
        match &*self.cell.state.borrow() {
            MapState::Own(entries) => waiting.extend(entries.values().cloned()),
            MapState::Unwritten { entries, value, .. } => waiting.extend(entries.values().chain([value]).cloned()),
            MapState::View { children, .. } => waiting.extend(children.iter().map(|(_, child)| child.clone())),
            MapState::Facts(_) => {}
        }
    }

    /// The shared map that it still equals at all depths.
    pub fn pristine(&self) -> Option<Arc<data::Map>> {
        if self.cell.link.as_ref().is_some_and(Link::is_changed) {
            return None;
        }
        match &*self.cell.state.borrow() {
            MapState::Own(_) | MapState::Unwritten { .. } | MapState::Facts(_) => None,
            MapState::View { source, children } => children.iter().all(|(_, child)| child.is_pristine()).then(|| source.clone()),
        }
    }

    fn own<T>(&self, change: impl FnOnce(&mut Entries) -> T) -> T {
        trace::changed(self.cell.birth.get());
        let mut state = self.written();
        if let MapState::View { source, children } = &mut *state {
            let entries = (0..source.len())
                .filter_map(|at| {
                    let (key, _) = source.entry_at(at)?;
                    Some((Str::from(key.clone()), view_child(source, children, at, &self.cell)))
                })
                .collect();
            *state = MapState::Own(entries);
        }
        match &mut *state {
            MapState::Own(entries) => change(entries),
            MapState::View { .. } | MapState::Unwritten { .. } | MapState::Facts(_) => change(&mut Entries::default()),
        }
    }
}

/// Entry `at` of a view; maps and lists are created once and kept, scalars are created each time.
fn view_child(source: &Arc<data::Map>, children: &mut Vec<(u32, Value)>, at: usize, cell: &MapCell) -> Value {
    let Some((key, data)) = source.entry_at(at) else { return Value::Nil };
    match data {
        Data::Map(_) | Data::List(_) => match children.binary_search_by_key(&(at as u32), |child| child.0) {
            Ok(found) => children[found].1.clone(),
            Err(place) => {
                let value = match &cell.link {
                    Some(link) => link.child(key, data),
                    None => Value::view(data, cell.birth.get()),
                };
                children.insert(place, (at as u32, value.clone()));
                value
            }
        },
        scalar => Value::from_data(scalar),
    }
}

impl fmt::Debug for Map {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.entries()).finish()
    }
}
