//! The plain tree that YAML, JSON and TOML texts parse to.
//!
//! Goes in: texts, through `yaml`, `json` and `toml`. Comes out: an immutable tree whose subtrees are shared by
//! reference count, so that coalescing values and copying globals into subcharts costs nothing per key.
//! It stands apart from the template language's `Value`, which adds Go's types and identity on top of it.
//! Map keys are strings because Helm passes every YAML text through JSON (sigs.k8s.io/yaml).

use std::sync::Arc;

/// One node of a parsed text.
#[derive(Debug, Clone, Default)]
pub enum Data {
    #[default]
    Null,
    Bool(bool),
    /// A Go `int64`: what `--set` gives for whole numbers, and TOML integers.
    Int(i64),
    /// A Go `float64`: what every YAML or JSON number is to Helm.
    Float(f64),
    Str(Arc<str>),
    List(Arc<Vec<Data>>),
    Map(Arc<Map>),
}

impl Data {
    /// A string node.
    pub fn str(text: impl Into<Arc<str>>) -> Data {
        Data::Str(text.into())
    }

    /// A map node from its entries.
    pub fn map(map: Map) -> Data {
        Data::Map(Arc::new(map))
    }

    /// A list node from its items.
    pub fn list(items: Vec<Data>) -> Data {
        Data::List(Arc::new(items))
    }

    /// The map inside, if this is one.
    pub fn as_map(&self) -> Option<&Arc<Map>> {
        match self {
            Data::Map(map) => Some(map),
            _ => None,
        }
    }

    /// The items inside, if this is a list.
    pub fn as_list(&self) -> Option<&Arc<Vec<Data>>> {
        match self {
            Data::List(items) => Some(items),
            _ => None,
        }
    }

    /// The text inside, if this is a string.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Data::Str(text) => Some(text),
            _ => None,
        }
    }

    /// Whether this is null.
    pub fn is_null(&self) -> bool {
        matches!(self, Data::Null)
    }
}

/// A map whose entries stand in byte order of their keys, which is the order Go prints and ranges over them.
#[derive(Debug, Clone, Default)]
pub struct Map {
    entries: Vec<(Arc<str>, Data)>,
}

impl Map {
    /// An empty map.
    pub fn new() -> Map {
        Map::default()
    }

    /// A map of these entries in any order; of equal keys the last one stays.
    pub fn from_entries(mut entries: Vec<(Arc<str>, Data)>) -> Map {
        let sorted = entries.windows(2).all(|pair| pair[0].0 < pair[1].0);
        if !sorted {
            // Stable, so that of equal keys the last written is the last of its run.
            entries.sort_by(|a, b| a.0.cmp(&b.0));
            let mut kept: Vec<(Arc<str>, Data)> = Vec::with_capacity(entries.len());
            for entry in entries {
                match kept.last_mut() {
                    Some(last) if last.0 == entry.0 => *last = entry,
                    _ => kept.push(entry),
                }
            }
            entries = kept;
        }
        Map { entries }
    }

    /// Where `key` stands: `Ok(index)` if present, else `Err(index)` where it would stand.
    pub fn position(&self, key: &[u8]) -> Result<usize, usize> {
        self.entries.binary_search_by(|entry| entry.0.as_bytes().cmp(key))
    }

    /// The value under `key`.
    pub fn get(&self, key: &str) -> Option<&Data> {
        self.position(key.as_bytes()).ok().map(|at| &self.entries[at].1)
    }

    /// The value under `key`, to change in place.
    pub fn get_mut(&mut self, key: &str) -> Option<&mut Data> {
        match self.position(key.as_bytes()) {
            Ok(at) => Some(&mut self.entries[at].1),
            Err(_) => None,
        }
    }

    /// The entry at `index` in key order.
    pub fn entry_at(&self, index: usize) -> Option<(&Arc<str>, &Data)> {
        self.entries.get(index).map(|entry| (&entry.0, &entry.1))
    }

    /// Whether `key` is present.
    pub fn contains_key(&self, key: &str) -> bool {
        self.position(key.as_bytes()).is_ok()
    }

    /// Puts `value` under `key` and gives back what stood there.
    /// Linear in the entries behind it: for many keys at once use [`Map::from_entries`].
    pub fn insert(&mut self, key: impl Into<Arc<str>>, value: Data) -> Option<Data> {
        let key = key.into();
        if self.entries.last().is_none_or(|last| last.0 < key) {
            self.entries.push((key, value));
            return None;
        }
        match self.position(key.as_bytes()) {
            Ok(at) => Some(std::mem::replace(&mut self.entries[at].1, value)),
            Err(at) => {
                self.entries.insert(at, (key, value));
                None
            }
        }
    }

    /// Takes `key` out.
    pub fn remove(&mut self, key: &str) -> Option<Data> {
        self.position(key.as_bytes()).ok().map(|at| self.entries.remove(at).1)
    }

    /// Keeps the entries for which `keep` holds.
    pub fn retain(&mut self, mut keep: impl FnMut(&str, &mut Data) -> bool) {
        self.entries.retain_mut(|entry| keep(&entry.0, &mut entry.1));
    }

    /// How many entries there are.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is no entry.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The entries in key order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&Arc<str>, &Data)> + DoubleEndedIterator {
        self.entries.iter().map(|entry| (&entry.0, &entry.1))
    }
}

impl FromIterator<(Arc<str>, Data)> for Map {
    fn from_iter<T: IntoIterator<Item = (Arc<str>, Data)>>(entries: T) -> Map {
        Map::from_entries(entries.into_iter().collect())
    }
}
