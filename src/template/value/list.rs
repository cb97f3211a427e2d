//! Go slices.
//!
//! Goes in: items, or a shared list of a parsed text. Comes out: [`List`], whose type is kept beside the items. No
//! function but `sortAlpha` changes a slice in place, so lists need no locks; a view makes its values when first asked.

use super::{Value, burial, trace};
use crate::data;
use std::cell::{Cell, OnceCell};
use std::fmt;
use std::rc::Rc;
use std::sync::Arc;

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
    /// When it was made, see [`trace`].
    birth: Cell<u32>,
}

impl Drop for ListCell {
    fn drop(&mut self) {
        if let Some(items) = self.items.take() {
            burial::bury(items);
        }
    }
}

impl List {
    /// A slice of this type.
    pub fn new(kind: ListKind, items: Vec<Value>) -> List {
        List::of(kind, false, None, OnceCell::from(items), trace::generation())
    }

    /// A nil slice of this type: empty, `null` in JSON.
    pub fn nil(kind: ListKind) -> List {
        List::of(kind, true, None, OnceCell::from(Vec::new()), trace::generation())
    }

    /// A `[]interface {}` view of a shared list.
    pub fn from_data(source: Arc<data::Items>) -> List {
        List::view(source, trace::generation())
    }

    /// The same, as part of something that was made then.
    pub(super) fn view(source: Arc<data::Items>, birth: u32) -> List {
        List::of(ListKind::Any, false, Some(source), OnceCell::new(), birth)
    }

    fn of(kind: ListKind, nil: bool, source: Option<Arc<data::Items>>, items: OnceCell<Vec<Value>>, birth: u32) -> List {
        List(Rc::new(ListCell { kind, nil, source, items, sorted: OnceCell::new(), birth: Cell::new(birth) }))
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
            Some(source) => source.iter().map(|item| Value::view(item, self.0.birth.get())).collect(),
            None => Vec::new(),
        })
    }

    /// Sorts a list of strings where it stands, for all its names: what Go's sort does to the slice that `sortAlpha` gets.
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

    pub(super) fn birth(&self) -> u32 {
        self.0.birth.get()
    }

    /// Where it lies, for as long as a handle of it is kept.
    pub(super) fn address(&self) -> usize {
        Rc::as_ptr(&self.0).addr()
    }

    /// Makes it part of the contexts, and puts what it holds to `waiting` for the same.
    pub(super) fn adopt(&self, waiting: &mut Vec<Value>) {
        if self.0.birth.replace(trace::CONTEXT) != trace::CONTEXT
            && let Some(items) = self.0.items.get()
        {
            waiting.extend(items.iter().cloned());
        }
    }

    /// The shared list that this still equals, all the way down.
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
