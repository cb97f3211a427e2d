//! Go slices.
//!
//! Goes in: items, or a shared list of a parsed text. Comes out: [`List`], whose type is kept beside the items. Only `sortAlpha`
//! changes a slice in place, so lists need no locks; a view creates its values on first use.

use super::{Map, MapKind, Value, burial, growth, held, trace};
use crate::data;
use std::cell::{Cell, OnceCell};
use std::fmt;
use std::rc::Rc;
use std::sync::Arc;

/// The type of a list, which `typeOf` and `printf "%T"` show.
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
    /// `common.VersionSet`: `.Capabilities.APIVersions`, a `[]string` with a method `Has`
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
    /// The items that Go keeps behind the last one.
    room: Room,
    /// The sorted items, once `sortAlpha` has sorted them.
    sorted: OnceCell<Vec<Value>>,
    /// When the list was made, see [`trace`].
    birth: Cell<u32>,
}

/// The spare capacity of a slice, which `slice` with an end past the length shows.
#[derive(Clone, Default)]
pub enum Room {
    /// None: the slice was made with exactly its length.
    #[default]
    None,
    /// The room that `append`, one item at a time, leaves.
    Grown,
    /// This many zero values.
    Zeros(usize),
    /// The items from this position on in the list that `slice` cut it out of; that list is never such a part itself.
    Rest(List, usize),
}

impl Drop for ListCell {
    fn drop(&mut self) {
        if let Some(items) = self.items.take() {
            held::release(items.len() * size_of::<Value>());
            burial::bury(items);
        }
    }
}

impl List {
    /// A slice of this type.
    pub fn new(kind: ListKind, items: Vec<Value>) -> List {
        List::with_room(kind, items, Room::None)
    }

    /// A slice with this room behind its last item.
    pub fn with_room(kind: ListKind, items: Vec<Value>, room: Room) -> List {
        List::of(kind, false, None, OnceCell::from(items), room, trace::generation())
    }

    /// A slice that was made by appending its items one at a time.
    pub fn grown(kind: ListKind, items: Vec<Value>) -> List {
        List::with_room(kind, items, Room::Grown)
    }

    /// A nil slice of this type: empty, `null` in JSON.
    pub fn nil(kind: ListKind) -> List {
        List::of(kind, true, None, OnceCell::from(Vec::new()), Room::None, trace::generation())
    }

    /// A `[]interface {}` view of a shared list.
    pub fn from_data(source: Arc<data::Items>) -> List {
        List::view(source, trace::generation())
    }

    /// As [`List::from_data`], as part of an object with this birth.
    pub(super) fn view(source: Arc<data::Items>, birth: u32) -> List {
        List::of(ListKind::Any, false, Some(source), OnceCell::new(), Room::Grown, birth)
    }

    fn of(kind: ListKind, nil: bool, source: Option<Arc<data::Items>>, items: OnceCell<Vec<Value>>, room: Room, birth: u32) -> List {
        held::hold(items.get().map_or(0, Vec::len) * size_of::<Value>());
        List(Rc::new(ListCell { kind, nil, source, items, room, sorted: OnceCell::new(), birth: Cell::new(birth) }))
    }

    /// The items; those of a shared list become values on first use.
    pub fn items(&self) -> &[Value] {
        if let Some(sorted) = self.0.sorted.get() {
            return sorted;
        }
        self.unsorted()
    }

    fn unsorted(&self) -> &[Value] {
        self.0.items.get_or_init(|| match &self.0.source {
            Some(source) => {
                held::hold(source.len() * size_of::<Value>());
                source.iter().map(|item| Value::view(item, self.0.birth.get())).collect()
            }
            None => Vec::new(),
        })
    }

    /// Sorts a list of strings in place, for all references to it, as Go does with the slice passed to `sortAlpha`.
    pub fn sort_in_place(&self) {
        trace::changed(self.0.birth.get());
        self.0.sorted.get_or_init(|| {
            let mut items = self.unsorted().to_vec();
            items.sort_by(|left, right| match (left, right) {
                (Value::Str(left), Value::Str(right)) => left.cmp(right),
                _ => std::cmp::Ordering::Equal,
            });
            items
        });
    }

    /// The length, without creating the values of a shared list.
    pub fn len(&self) -> usize {
        match (self.0.items.get(), &self.0.source) {
            (Some(items), _) => items.len(),
            (None, Some(source)) => source.len(),
            (None, None) => 0,
        }
    }

    /// Whether nobody else has this list, as of one that was just made; the items of a view were not.
    pub(crate) fn is_only(&self) -> bool {
        Rc::strong_count(&self.0) == 1 && self.0.items.get().is_some()
    }

    /// Whether its items were made with it, as those of a text that was split, judged by three of them: what `append` and its like make
    /// has at least one that the list before has too.
    pub(crate) fn is_of_new_items(&self) -> bool {
        let items = self.items();
        let is_new = |item: &Value| match item {
            Value::Str(text) => text.is_only(),
            Value::List(list) => list.is_only(),
            Value::Map(map) => map.is_only(),
            _ => false,
        };
        [items.first(), items.get(items.len() / 2), items.last()].into_iter().flatten().all(is_new)
    }

    /// Whether its values are still to be made of the items of a shared list.
    pub(crate) fn is_unused(&self) -> bool {
        self.0.items.get().is_none()
    }

    /// The room behind the last item.
    pub fn room(&self) -> &Room {
        &self.0.room
    }

    fn room_length(&self) -> usize {
        let length = self.len();
        match &self.0.room {
            Room::None => 0,
            Room::Grown => growth::capacity(self.kind(), length).saturating_sub(length),
            Room::Zeros(count) => *count,
            Room::Rest(whole, from) => (whole.len() + whole.room_length()).saturating_sub(*from),
        }
    }

    fn zero(&self) -> Value {
        match self.kind() {
            ListKind::Any => Value::Nil,
            ListKind::Str | ListKind::VersionSet => Value::str(""),
            ListKind::Int => Value::int(0),
            ListKind::Float => Value::Float(0.0),
            ListKind::Lists => Value::List(List::nil(ListKind::Any)),
            ListKind::Maps => Value::Map(Map::nil(MapKind::Any)),
        }
    }

    /// The items between two positions, which may lie in the room behind the last item; `None` beyond that.
    pub fn part(&self, from: usize, to: usize) -> Option<List> {
        let (length, room) = (self.len(), self.room_length());
        if from > to || to > length + room {
            return None;
        }
        let mut part = self.items().get(from.min(length)..to.min(length))?.to_vec();
        let behind = from.max(length)..to.max(length);
        part.extend(behind.map(|at| match &self.0.room {
            Room::Rest(whole, end) => whole.items().get(end + at - length).cloned().unwrap_or_else(|| self.zero()),
            _ => self.zero(),
        }));
        let room = match &self.0.room {
            Room::Rest(whole, end) => Room::Rest(whole.clone(), end + to - length),
            _ => Room::Rest(self.clone(), to),
        };
        Some(List::with_room(self.kind(), part, room))
    }

    /// Whether there are no items.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether it is a nil slice.
    pub fn is_nil(&self) -> bool {
        self.0.nil
    }

    /// The type of the list.
    pub fn kind(&self) -> ListKind {
        self.0.kind
    }

    /// Whether both are the same list.
    pub fn same(&self, other: &List) -> bool {
        Rc::ptr_eq(&self.0, &other.0)
    }

    pub(super) fn birth(&self) -> u32 {
        self.0.birth.get()
    }

    /// Its address, valid as long as a handle of it is kept.
    pub(super) fn address(&self) -> usize {
        Rc::as_ptr(&self.0).addr()
    }

    /// Makes it part of the contexts, and adds its items to `waiting` to be adopted too.
    pub(super) fn adopt(&self, waiting: &mut Vec<Value>) {
        if self.0.birth.replace(trace::CONTEXT) != trace::CONTEXT
            && let Some(items) = self.0.items.get()
        {
            waiting.extend(items.iter().cloned());
            if let Room::Rest(whole, _) = &self.0.room {
                waiting.push(Value::List(whole.clone()));
            }
        }
    }

    /// The shared list that it still equals at all depths.
    pub fn pristine(&self) -> Option<&Arc<data::Items>> {
        let source = self.0.source.as_ref().filter(|_| self.0.sorted.get().is_none())?;
        match self.0.items.get() {
            None => Some(source),
            Some(items) => items.iter().all(Value::is_pristine).then_some(source),
        }
    }
}

impl fmt::Debug for List {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.items()).finish()
    }
}
