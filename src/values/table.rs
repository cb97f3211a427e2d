//! Tables that can change while charts are coalesced, with the identity of Go's maps.
//!
//! Goes in: shared [`Map`]s. Comes out: shared [`Map`]s again, the same ones wherever nothing changed. In between, a table is a
//! cell that several places may share: Helm copies the tables of globals only to a depth of two, so deeper tables that a subchart
//! merges into show the change in its parent and its siblings. A table is opened (its entries are copied, not its subtrees) only
//! when something below it changes. It is separate from `template::value`, which is used later and has Go's types.

use crate::data::{Data, Map, compare};
use crate::error::{Error, ErrorKind, Result};
use std::cell::RefCell;
use std::collections::{HashMap, HashSet};
use std::rc::Rc;
use std::sync::Arc;

/// How deep coalesced values may nest. YAML texts end at 10 000; a table that contains itself never ends.
const MAXIMUM_DEPTH: usize = 10_050;

/// One entry of a [`Table`]: data that never changes, or a cell.
#[derive(Clone)]
pub(crate) enum Node {
    Data(Data),
    Table(Table),
}

impl Node {
    pub(crate) fn is_null(&self) -> bool {
        matches!(self, Node::Data(Data::Null))
    }

    pub(crate) fn is_table(&self) -> bool {
        matches!(self, Node::Table(_) | Node::Data(Data::Map(_)))
    }

    /// The unchanged shared map of this table, if nothing below it was opened.
    pub(crate) fn untouched(&self) -> Option<Arc<Map>> {
        match self {
            Node::Data(Data::Map(map)) => Some(map.clone()),
            Node::Table(table) => table.untouched(),
            Node::Data(_) => None,
        }
    }

    /// Whether a table in this table contains a table.
    pub(crate) fn has_tables_in_tables(&self) -> bool {
        self.has_tables(2)
    }

    /// Whether it contains tables, down to this many levels.
    fn has_tables(&self, levels: usize) -> bool {
        let in_data = |map: &Map| {
            let deeper =
                |data: &Data| data.as_map().is_some_and(|inner| levels < 2 || inner.iter().any(|entry| entry.1.as_map().is_some()));
            map.iter().any(|(_, data)| deeper(data))
        };
        match self {
            Node::Data(Data::Map(map)) => in_data(map),
            Node::Data(_) => false,
            Node::Table(table) => {
                let cell = table.0.borrow();
                match (&cell.entries, &cell.source) {
                    (Some(entries), _) => entries.iter().any(|(_, node)| node.is_table() && (levels < 2 || node.has_tables(levels - 1))),
                    (None, Some(source)) => in_data(source),
                    (None, None) => false,
                }
            }
        }
    }

    /// The tree in its current state.
    pub(crate) fn freeze(&self) -> Result<Data> {
        self.freeze_at(0, &mut HashMap::new())
    }

    fn freeze_at(&self, depth: usize, done: &mut Frozen) -> Result<Data> {
        match self {
            Node::Data(data) => Ok(data.clone()),
            Node::Table(table) => table.freeze_at(depth, done).map(Data::Map),
        }
    }
}

/// The frozen map of each cell, by address.
type Frozen = HashMap<*const RefCell<Cell>, Arc<Map>>;

/// A map with identity: all clones see each other's changes.
#[derive(Clone)]
pub(crate) struct Table(Rc<RefCell<Cell>>);

struct Cell {
    /// The map it was made from; its content while `entries` is absent.
    source: Option<Arc<Map>>,
    /// In key order.
    entries: Option<Vec<(Arc<str>, Node)>>,
    seal: Seal,
}

/// Whether several charts share this cell although Helm copies the table for each, because nothing differs so far.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Seal {
    /// A cell in Helm too.
    Open,
    /// A table directly in `global`: a copy shares the tables in it.
    Inner,
    /// The `global` table itself: a copy has copies of the tables in it.
    Outer,
}

impl Table {
    /// A table with these entries.
    pub(crate) fn of(source: Arc<Map>) -> Table {
        Table::new(Cell { source: Some(source), entries: None, seal: Seal::Open })
    }

    pub(crate) fn empty() -> Table {
        Table::new(Cell { source: None, entries: Some(Vec::new()), seal: Seal::Open })
    }

    fn new(cell: Cell) -> Table {
        Table(Rc::new(RefCell::new(cell)))
    }

    pub(crate) fn same(&self, other: &Table) -> bool {
        Rc::ptr_eq(&self.0, &other.0)
    }

    pub(crate) fn untouched(&self) -> Option<Arc<Map>> {
        let cell = self.0.borrow();
        if cell.entries.is_some() { None } else { cell.source.clone() }
    }

    pub(crate) fn is_empty(&self) -> bool {
        let cell = self.0.borrow();
        match (&cell.entries, &cell.source) {
            (Some(entries), _) => entries.is_empty(),
            (None, Some(source)) => source.is_empty(),
            (None, None) => true,
        }
    }

    pub(crate) fn get(&self, key: &str) -> Option<Node> {
        let cell = self.0.borrow();
        match &cell.entries {
            Some(entries) => position(entries, key).ok().map(|at| entries[at].1.clone()),
            None => cell.source.as_ref()?.get(key).map(|data| Node::Data(data.clone())),
        }
    }

    /// The current entries, in key order.
    pub(crate) fn snapshot(&self) -> Vec<(Arc<str>, Node)> {
        let cell = self.0.borrow();
        match (&cell.entries, &cell.source) {
            (Some(entries), _) => entries.clone(),
            (None, Some(source)) => open(source),
            (None, None) => Vec::new(),
        }
    }

    /// The keys whose value is null.
    pub(crate) fn null_keys(&self) -> Vec<Arc<str>> {
        let cell = self.0.borrow();
        match (&cell.entries, &cell.source) {
            (Some(entries), _) => entries.iter().filter(|entry| entry.1.is_null()).map(|entry| entry.0.clone()).collect(),
            (None, Some(source)) => source.iter().filter(|entry| entry.1.is_null()).map(|entry| entry.0.clone()).collect(),
            (None, None) => Vec::new(),
        }
    }

    pub(crate) fn set(&self, key: Arc<str>, node: Node) {
        self.change(|entries| match position(entries, &key) {
            Ok(at) => entries[at].1 = node,
            Err(at) => entries.insert(at, (key, node)),
        });
    }

    /// Removes `removed` and adds `added`, both in key order; keys of `removed` are present, those of `added` absent.
    pub(crate) fn apply(&self, removed: &[Arc<str>], added: Vec<(Arc<str>, Node)>) {
        if removed.is_empty() && added.is_empty() {
            return;
        }
        self.change(|entries| {
            if !removed.is_empty() {
                entries.retain(|entry| removed.binary_search(&entry.0).is_err());
            }
            entries.extend(added);
            // The entries are two sorted runs: the stable sort merges them in one pass.
            entries.sort_by(|a, b| a.0.cmp(&b.0));
        });
    }

    /// Makes an empty table a view of `source`.
    pub(crate) fn adopt(&self, source: Arc<Map>) {
        let mut cell = self.0.borrow_mut();
        cell.source = Some(source);
        cell.entries = None;
    }

    /// The table under `key` as a cell that may be changed through this table: a sealed cell is replaced by its copy.
    pub(crate) fn child(&self, key: &str) -> Option<Table> {
        let found = self.get(key)?;
        let child = match found {
            Node::Table(table) if table.0.borrow().seal == Seal::Open => return Some(table),
            Node::Table(table) => table.copy(),
            Node::Data(Data::Map(map)) => Table::of(map),
            Node::Data(_) => return None,
        };
        self.replace(key, Node::Table(child.clone()));
        Some(child)
    }

    /// The table under `key` as its current cell, to be shared with another place.
    pub(crate) fn shared_child(&self, key: &str) -> Option<Table> {
        match self.get(key)? {
            Node::Table(table) => Some(table),
            Node::Data(Data::Map(map)) => {
                let child = Table::of(map);
                self.replace(key, Node::Table(child.clone()));
                Some(child)
            }
            Node::Data(_) => None,
        }
    }

    /// The cell under `key`, sealed, so that it can represent a copy of the `global` table in a subchart.
    pub(crate) fn sealed_outer(&self, key: &str) -> Option<Table> {
        let child = self.shared_child(key)?;
        child.0.borrow_mut().seal = Seal::Outer;
        Some(child)
    }

    /// The cell under `key`, sealed, so that it can represent a shallow copy of itself elsewhere.
    pub(crate) fn sealed_inner(&self, key: &str) -> Option<Table> {
        let child = self.shared_child(key)?;
        let mut cell = child.0.borrow_mut();
        if cell.seal == Seal::Open {
            cell.seal = Seal::Inner;
        }
        drop(cell);
        Some(child)
    }

    /// A copy of the entries. Both share the cells of the tables in it; when a `global` is sealed, these cells become sealed.
    pub(crate) fn copy(&self) -> Table {
        self.share_children();
        let cell = self.0.borrow();
        if cell.seal == Seal::Outer {
            for (_, node) in cell.entries.iter().flatten() {
                if let Node::Table(table) = node {
                    let mut inner = table.0.borrow_mut();
                    if inner.seal == Seal::Open {
                        inner.seal = Seal::Inner;
                    }
                }
            }
        }
        Table::new(Cell { source: cell.source.clone(), entries: cell.entries.clone(), seal: Seal::Open })
    }

    /// Makes every deferred copy below, so that the cells match Helm's maps and may be changed anywhere.
    pub(crate) fn unseal(&self) {
        self.unseal_once(&mut HashSet::new());
    }

    fn unseal_once(&self, seen: &mut HashSet<*const RefCell<Cell>>) {
        if !seen.insert(Rc::as_ptr(&self.0)) {
            return;
        }
        for (key, node) in self.opened() {
            let Node::Table(mut child) = node else { continue };
            if child.0.borrow().seal != Seal::Open {
                child = child.copy();
                self.replace(&key, Node::Table(child.clone()));
            }
            child.unseal_once(seen);
        }
    }

    /// The entries, if the table was opened; else none.
    fn opened(&self) -> Vec<(Arc<str>, Node)> {
        self.0.borrow().entries.clone().unwrap_or_default()
    }

    /// Turns the tables in it into cells, so that copies of an entry share its table.
    pub(crate) fn share_children(&self) {
        let mut cell = self.0.borrow_mut();
        if cell.entries.is_none() {
            let holds_tables = cell.source.as_ref().is_some_and(|source| source.iter().any(|entry| entry.1.as_map().is_some()));
            if !holds_tables {
                return;
            }
        }
        cell.open();
        for (_, node) in cell.entries.iter_mut().flatten() {
            if let Node::Data(Data::Map(map)) = node {
                *node = Node::Table(Table::of(map.clone()));
            }
        }
    }

    /// The map in its current state. A cell in several places becomes one shared map.
    pub(crate) fn freeze(&self) -> Result<Arc<Map>> {
        self.freeze_at(0, &mut HashMap::new())
    }

    fn freeze_at(&self, depth: usize, done: &mut Frozen) -> Result<Arc<Map>> {
        if depth > MAXIMUM_DEPTH {
            return Err(Error::new(ErrorKind::Limit, format!("values nest deeper than {MAXIMUM_DEPTH} levels")));
        }
        let cell = self.0.borrow();
        let Some(entries) = &cell.entries else {
            return Ok(cell.source.clone().unwrap_or_default());
        };
        if let Some(frozen) = done.get(&Rc::as_ptr(&self.0)) {
            return Ok(frozen.clone());
        }
        let mut frozen = Vec::with_capacity(entries.len());
        for (key, node) in entries {
            frozen.push((key.clone(), node.freeze_at(depth + 1, done)?));
        }
        let frozen = match &cell.source {
            Some(source) if equals_by_pointer(source, &frozen) => source.clone(),
            _ => Arc::new(Map::from_entries(frozen)),
        };
        done.insert(Rc::as_ptr(&self.0), frozen.clone());
        Ok(frozen)
    }

    fn change(&self, change: impl FnOnce(&mut Vec<(Arc<str>, Node)>)) {
        let mut cell = self.0.borrow_mut();
        cell.open();
        change(cell.entries.get_or_insert_default());
    }

    /// Replaces the node under `key`, which had the same entries as data or as another cell.
    fn replace(&self, key: &str, node: Node) {
        self.change(|entries| {
            if let Ok(at) = position(entries, key) {
                entries[at].1 = node;
            }
        });
    }
}

impl Cell {
    fn open(&mut self) {
        if self.entries.is_none() {
            self.entries = Some(self.source.as_deref().map(open).unwrap_or_default());
        }
    }
}

fn open(source: &Map) -> Vec<(Arc<str>, Node)> {
    source.iter().map(|(key, data)| (key.clone(), Node::Data(data.clone()))).collect()
}

fn position(entries: &[(Arc<str>, Node)], key: &str) -> std::result::Result<usize, usize> {
    entries.binary_search_by(|entry| compare(entry.0.as_bytes(), key.as_bytes()))
}

/// Whether `frozen` has exactly the entries of `source`, compared by pointer. Scalars count as equal only where comparing them is
/// cheap.
fn equals_by_pointer(source: &Map, frozen: &[(Arc<str>, Data)]) -> bool {
    source.len() == frozen.len()
        && source.iter().zip(frozen).all(|(old, new)| {
            *old.0 == new.0
                && match (old.1, &new.1) {
                    (Data::Map(a), Data::Map(b)) => Arc::ptr_eq(a, b),
                    (Data::List(a), Data::List(b)) => Arc::ptr_eq(a, b),
                    (Data::Str(a), Data::Str(b)) => Arc::ptr_eq(a, b),
                    (Data::Bytes(a), Data::Bytes(b)) => Arc::ptr_eq(a, b),
                    (Data::Null, Data::Null) => true,
                    (Data::Bool(a), Data::Bool(b)) => a == b,
                    (Data::Int(a), Data::Int(b)) => a == b,
                    (Data::Float(a), Data::Float(b)) => a.to_bits() == b.to_bits(),
                    _ => false,
                }
        })
}
