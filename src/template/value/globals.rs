//! The parts of `.Values.global` that are one map for several charts.
//!
//! Goes in: the globals of each chart, from the coalesced values. Comes out: for a view of them, the cell below a key. Helm copies
//! `global` and the tables directly in it for each subchart; deeper tables, and lists, are the parent's own, so that `set` on them
//! in one chart shows in the others. `values::coalesce` leaves such parts as the same `Arc` in the globals of parent and subchart;
//! here they become the same cell on first use.

use super::{Map, MapKind, Value, trace};
use crate::data::{self, Data};
use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;

/// The key of the globals in every chart's values.
const KEY: &str = "global";

/// The globals of one chart and of its ancestors.
pub struct Globals {
    data: Arc<data::Map>,
    above: Option<Rc<Globals>>,
    /// Cells that this chart shares with its descendants but not with its parent, by the address of the shared data.
    cells: RefCell<HashMap<*const (), Value>>,
    /// Whether any chart of the tree has such cells.
    used: Rc<Cell<bool>>,
}

/// The globals of one chart and the scopes of its subcharts.
pub struct Scope {
    globals: Option<Rc<Globals>>,
    subcharts: Vec<(String, Rc<Scope>)>,
}

impl Scope {
    /// The scope of a chart with these values, below `parent` if it is a subchart.
    pub fn new(values: &data::Map, parent: Option<&Scope>) -> Scope {
        let above = parent.and_then(|parent| parent.globals.clone());
        let globals = values.get(KEY).and_then(Data::as_map).map(|data| {
            let used = above.as_ref().map(|above| above.used.clone()).unwrap_or_default();
            Rc::new(Globals { data: data.clone(), above, cells: RefCell::default(), used })
        });
        Scope { globals, subcharts: Vec::new() }
    }

    /// Adds a subchart's scope.
    pub fn add(&mut self, name: &str, scope: Scope) {
        self.subcharts.push((name.to_string(), Rc::new(scope)));
    }

    fn is_changed(&self) -> bool {
        self.globals.as_ref().is_some_and(|globals| globals.is_changed()) || self.subcharts.iter().any(|(_, below)| below.is_changed())
    }
}

impl Globals {
    /// The collection at a path of one or two keys, as one cell for all charts that share its data.
    fn shared(&self, path: &[&str], data: &Data) -> Value {
        let Some(address) = address_of(data) else { return Value::view(data, trace::CONTEXT) };
        let mut owner = self;
        while let Some(above) = &owner.above
            && lookup(&above.data, path).and_then(address_of) == Some(address)
        {
            owner = above;
        }
        self.used.set(true);
        owner.cells.borrow_mut().entry(address).or_insert_with(|| Value::view(data, trace::CONTEXT)).clone()
    }

    /// Whether a cell visible to this chart differs from its data.
    fn is_changed(&self) -> bool {
        if !self.used.get() {
            return false;
        }
        let own = self.cells.borrow().values().any(|cell| !cell.is_pristine());
        own || self.above.as_ref().is_some_and(|above| above.is_changed())
    }
}

fn lookup<'data>(map: &'data data::Map, path: &[&str]) -> Option<&'data Data> {
    let (key, rest) = path.split_first()?;
    let found = map.get(key)?;
    if rest.is_empty() { Some(found) } else { lookup(found.as_map()?, rest) }
}

fn address_of(data: &Data) -> Option<*const ()> {
    match data {
        Data::Map(map) => Some(Arc::as_ptr(map).cast()),
        Data::List(items) => Some(Arc::as_ptr(items).cast()),
        _ => None,
    }
}

/// The role of a view of values, where it affects the views below.
#[derive(Clone)]
pub enum Link {
    /// The values of a chart.
    Values(Rc<Scope>),
    /// Its `global` table.
    Globals(Rc<Globals>),
    /// A table in `global`, and its key.
    Table(Rc<Globals>, Arc<str>),
}

impl Link {
    /// The map or list under `key`.
    pub(super) fn child(&self, key: &Arc<str>, data: &Data) -> Value {
        match (self, data) {
            (Link::Values(scope), Data::Map(map)) => {
                let subchart = scope.subcharts.iter().find(|(name, _)| **name == **key);
                let link = match (&scope.globals, subchart) {
                    (_, Some((_, below))) => Link::Values(below.clone()),
                    (Some(globals), None) if &**key == KEY => Link::Globals(globals.clone()),
                    _ => return Value::view(data, trace::CONTEXT),
                };
                Value::Map(Map::linked(MapKind::Any, map.clone(), link))
            }
            (Link::Globals(globals), Data::Map(map)) => {
                Value::Map(Map::linked(MapKind::Any, map.clone(), Link::Table(globals.clone(), key.clone())))
            }
            (Link::Globals(globals), Data::List(_)) => globals.shared(&[key], data),
            (Link::Table(globals, table), _) => globals.shared(&[table, key], data),
            _ => Value::view(data, trace::CONTEXT),
        }
    }

    /// Whether something below differs from the data, even if this view has not created it yet.
    pub(super) fn is_changed(&self) -> bool {
        match self {
            Link::Values(scope) => scope.is_changed(),
            Link::Globals(globals) | Link::Table(globals, _) => globals.is_changed(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::values::sample::data;

    fn at(value: &Value, path: &[&str]) -> Value {
        path.iter().fold(value.clone(), |value, key| match value {
            Value::Map(map) => map.get(key.as_bytes()).expect("an entry"),
            other => panic!("{other:?} is no map"),
        })
    }

    fn set(value: &Value, key: &str) {
        let Value::Map(map) = value else { panic!("{value:?} is no map") };
        map.insert(key.into(), Value::Bool(true));
    }

    #[test]
    fn charts_share_what_lies_two_tables_deep() {
        let global = data(r#"{"a": {"deep": {"x": 1}}}"#);
        let below = Data::map(data::Map::from_entries(vec![("global".into(), global.clone())]));
        let root = data::Map::from_entries(vec![("global".into(), global), ("sub".into(), below.clone())]);
        let root = Arc::new(root);
        let mut scope = Scope::new(&root, None);
        let sub = Scope::new(below.as_map().expect("a map"), Some(&scope));
        scope.add("sub", sub);
        let values = Map::linked(MapKind::Values, root.clone(), Link::Values(Rc::new(scope)));
        assert!(values.pristine().is_some());
        let values = Value::Map(values);

        set(&at(&values, &["sub", "global", "a", "deep"]), "shared");
        set(&at(&values, &["sub", "global", "a"]), "own");

        let Value::Map(map) = &values else { panic!("no map") };
        assert!(map.pristine().is_none());
        assert!(matches!(at(&values, &["global", "a", "deep", "shared"]), Value::Bool(true)));
        let Value::Map(above) = at(&values, &["global", "a"]) else { panic!("no map") };
        assert!(!above.contains_key(b"own"));
    }
}
