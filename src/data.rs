//! The plain tree that YAML, JSON and TOML texts parse to.
//!
//! Goes in: texts, through `yaml`, `json` and `toml`. Comes out: an immutable tree whose subtrees are shared by reference count,
//! so that coalescing values and copying globals into subcharts costs nothing per key.
//! It is separate from the template language's `Value`, which adds Go's types and identity to it.
//! Map keys are strings because Helm passes every YAML text through JSON (sigs.k8s.io/yaml).

use std::cmp::Ordering;
use std::sync::{Arc, OnceLock};

/// One node of a parsed text.
#[derive(Debug, Clone, Default)]
#[repr(u64)]
pub enum Data {
    #[default]
    Null,
    Bool(bool),
    /// A Go `int64`: what `--set` gives for whole numbers, and TOML integers.
    Int(i64),
    /// A Go `float64`: what every YAML or JSON number is to Helm.
    Float(f64),
    Str(Arc<str>),
    /// Text that is not UTF-8. Parsed texts never hold it; `--set-file` gives a file's bytes as they are.
    Bytes(Arc<[u8]>),
    List(Arc<Items>),
    Map(Arc<Map>),
}

impl Data {
    /// A string node.
    pub fn str(text: impl Into<Arc<str>>) -> Data {
        Data::Str(text.into())
    }

    /// A node for text that may not be UTF-8.
    pub fn text(bytes: Vec<u8>) -> Data {
        String::from_utf8(bytes).map_or_else(|error| Data::Bytes(error.into_bytes().into()), Data::str)
    }

    /// A map node from its entries.
    pub fn map(map: Map) -> Data {
        Data::Map(Arc::new(map))
    }

    /// A list node from its items.
    pub fn list(items: Vec<Data>) -> Data {
        Data::List(Arc::new(Items(items)))
    }

    /// The map inside, if this is one.
    pub fn as_map(&self) -> Option<&Arc<Map>> {
        match self {
            Data::Map(map) => Some(map),
            _ => None,
        }
    }

    /// The items inside, if this is a list.
    pub fn as_list(&self) -> Option<&Arc<Items>> {
        match self {
            Data::List(items) => Some(items),
            _ => None,
        }
    }

    /// The text inside, if this is a string and UTF-8.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Data::Str(text) => Some(text),
            _ => None,
        }
    }

    /// Whether this is a list or a map.
    pub fn is_collection(&self) -> bool {
        matches!(self, Data::List(_) | Data::Map(_))
    }

    /// Whether this is null.
    pub fn is_null(&self) -> bool {
        matches!(self, Data::Null)
    }
}

/// The items of a list: a `Vec<Data>` except for its drop, which takes deep trees apart without recursion.
#[derive(Debug, Clone, Default)]
pub struct Items(Vec<Data>);

impl std::ops::Deref for Items {
    type Target = Vec<Data>;

    fn deref(&self) -> &Vec<Data> {
        &self.0
    }
}

impl std::ops::DerefMut for Items {
    fn deref_mut(&mut self) -> &mut Vec<Data> {
        &mut self.0
    }
}

impl From<Vec<Data>> for Items {
    fn from(items: Vec<Data>) -> Items {
        Items(items)
    }
}

impl<'a> IntoIterator for &'a Items {
    type Item = &'a Data;
    type IntoIter = std::slice::Iter<'a, Data>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.iter()
    }
}

impl Drop for Items {
    fn drop(&mut self) {
        if self.0.iter().any(Data::is_collection) {
            dismantle(std::mem::take(&mut self.0));
        }
    }
}

impl Drop for Map {
    fn drop(&mut self) {
        if self.entries.iter().any(|entry| entry.1.is_collection()) {
            dismantle(std::mem::take(&mut self.entries).into_iter().map(|entry| entry.1).collect());
        }
    }
}

/// Drops trees of any depth in a loop: a text may nest 10 000 levels, more than a thread's stack may hold.
fn dismantle(mut pending: Vec<Data>) {
    while let Some(node) = pending.pop() {
        match node {
            Data::List(items) => {
                if let Some(mut items) = Arc::into_inner(items) {
                    pending.extend(items.0.drain(..).filter(Data::is_collection));
                }
            }
            Data::Map(map) => {
                if let Some(mut map) = Arc::into_inner(map) {
                    pending.extend(map.entries.drain(..).map(|entry| entry.1).filter(Data::is_collection));
                }
            }
            _ => {}
        }
    }
}

/// Compares two keys by their bytes. Most keys of a map differ within the first eight bytes, which are compared as one number.
pub(crate) fn compare(one: &[u8], other: &[u8]) -> Ordering {
    compare_from(one, first_bytes(one), other, first_bytes(other))
}

fn compare_from(one: &[u8], one_start: u64, other: &[u8], other_start: u64) -> Ordering {
    one_start.cmp(&other_start).then_with(|| one.cmp(other))
}

/// The first eight bytes as a number that sorts like them; missing bytes count as zero.
fn first_bytes(key: &[u8]) -> u64 {
    if let Some(first) = key.first_chunk::<8>() {
        return u64::from_be_bytes(*first);
    }
    if let (Some(first), Some(last)) = (key.first_chunk::<4>(), key.last_chunk::<4>()) {
        // The last four overlap the first ones, which are shifted out.
        let rest = u64::from(u32::from_be_bytes(*last)) << (64 - 8 * key.len());
        return u64::from(u32::from_be_bytes(*first)) << 32 | rest & 0xFFFF_FFFF;
    }
    key.iter().enumerate().fold(0, |number, (at, byte)| number | u64::from(*byte) << (56 - 8 * at))
}

/// A map whose entries are in byte order of their keys, the order in which Go prints and ranges over them.
#[derive(Debug, Default)]
pub struct Map {
    entries: Vec<(Arc<str>, Data)>,
    /// The first bytes of each key of a larger map, built at the first look-up and dropped when the map changes. Without them, a
    /// search reads every key it compares from a different place in memory.
    starts: OnceLock<Box<[u64]>>,
}

/// Maps of fewer entries are searched without an index.
const INDEXED: usize = 8;

impl Clone for Map {
    fn clone(&self) -> Map {
        Map::of(self.entries.clone())
    }
}

impl Map {
    /// An empty map.
    pub fn new() -> Map {
        Map::default()
    }

    fn of(entries: Vec<(Arc<str>, Data)>) -> Map {
        Map { entries, starts: OnceLock::new() }
    }

    /// The entries, for changing them; drops the index.
    fn changed(&mut self) -> &mut Vec<(Arc<str>, Data)> {
        self.starts.take();
        &mut self.entries
    }

    /// A map of these entries in any order; of equal keys the last one stays.
    pub fn from_entries(mut entries: Vec<(Arc<str>, Data)>) -> Map {
        let sorted = entries.windows(2).all(|pair| compare(pair[0].0.as_bytes(), pair[1].0.as_bytes()).is_lt());
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
        Map::of(entries)
    }

    /// The position of `key`: `Ok(index)` if present, else `Err(index)` with the place to insert it.
    pub fn position(&self, key: &[u8]) -> Result<usize, usize> {
        if self.entries.len() < INDEXED {
            return self.position_without_index(key);
        }
        let start = first_bytes(key);
        let starts = self.starts.get_or_init(|| self.entries.iter().map(|entry| first_bytes(entry.0.as_bytes())).collect());
        let from = starts.partition_point(|other| *other < start);
        let alike = starts[from..].partition_point(|other| *other == start);
        let found = self.entries[from..from + alike].binary_search_by(|entry| entry.0.as_bytes().cmp(key));
        found.map(|at| from + at).map_err(|at| from + at)
    }

    /// As [`Map::position`], for callers that change the map next and would drop the index.
    fn position_without_index(&self, key: &[u8]) -> Result<usize, usize> {
        let start = first_bytes(key);
        self.entries.binary_search_by(|entry| compare_from(entry.0.as_bytes(), first_bytes(entry.0.as_bytes()), key, start))
    }

    /// The value under `key`.
    pub fn get(&self, key: &str) -> Option<&Data> {
        self.position(key.as_bytes()).ok().map(|at| &self.entries[at].1)
    }

    /// The value under `key`, to change in place.
    pub fn get_mut(&mut self, key: &str) -> Option<&mut Data> {
        match self.position_without_index(key.as_bytes()) {
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

    /// Puts `value` under `key` and returns the value it replaces.
    /// Linear in the entries behind it: for many keys at once use [`Map::from_entries`].
    pub fn insert(&mut self, key: impl Into<Arc<str>>, value: Data) -> Option<Data> {
        let key = key.into();
        if self.entries.last().is_none_or(|last| last.0 < key) {
            self.changed().push((key, value));
            return None;
        }
        match self.position_without_index(key.as_bytes()) {
            Ok(at) => Some(std::mem::replace(&mut self.entries[at].1, value)),
            Err(at) => {
                self.changed().insert(at, (key, value));
                None
            }
        }
    }

    /// Removes `key` and returns its value.
    pub fn remove(&mut self, key: &str) -> Option<Data> {
        self.position_without_index(key.as_bytes()).ok().map(|at| self.changed().remove(at).1)
    }

    /// Keeps the entries for which `keep` holds.
    pub fn retain(&mut self, mut keep: impl FnMut(&str, &mut Data) -> bool) {
        self.changed().retain_mut(|entry| keep(&entry.0, &mut entry.1));
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

/// Whether a YAML, JSON or TOML text may hold more than so many items and entries. A value takes many times the memory of its text
/// where that is a letter, so this is asked before a long text is parsed. Each item and entry but the first is behind a line break, a
/// comma or a bracket, or in YAML behind the dash or question mark of another one (`- - 1`).
pub fn may_hold_more_than(text: &[u8], limit: usize) -> bool {
    if text.len() <= limit {
        return false;
    }
    let (mut count, mut is_behind) = (0, false);
    for (at, byte) in text.iter().enumerate() {
        let is_indicator = || matches!(text.get(at + 1), None | Some(b' ' | b'\t' | b'\n' | b'\r'));
        match byte {
            b'\n' | b'\r' | b',' | b'[' | b'{' => (count, is_behind) = (count + 1, false),
            // The ends of U+0085, U+2028 and U+2029, which end lines too.
            0x85 | 0xA8 | 0xA9 => (count, is_behind) = (count + 1, false),
            b'-' | b'?' if is_indicator() => (count, is_behind) = (count + usize::from(is_behind), true),
            b' ' | b'\t' => {}
            _ => is_behind = false,
        }
        if count > limit {
            return true;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_of_a_text_are_estimated() {
        for (text, limit, wanted) in [
            ("[1,2,3]", 3, false),
            ("[1,2,3]", 2, true),
            ("a: 1\nb: 2\nc: 3\n", 2, true),
            ("a long text", 2, false),
            ("-\r-\r-\r", 2, true),
            ("- - - -  - 1", 3, true),
            ("- - - - 1\n", 4, false),
            ("? ? ?\u{2028}- a", 1, true),
            ("- a - b - c", 1, false),
        ] {
            assert_eq!(may_hold_more_than(text.as_bytes(), limit), wanted, "{text}");
        }
    }

    #[test]
    fn deep_trees_drop_without_recursion() {
        let mut tree = Data::Null;
        for level in 0..200_000 {
            tree = if level % 2 == 0 { Data::list(vec![tree]) } else { Data::map(Map::from_entries(vec![("a".into(), tree)])) };
        }
        drop(tree);
    }

    #[test]
    fn keys_stand_in_byte_order() {
        let keys = [
            "",
            "\0",
            "a",
            "a\0",
            "a\0b",
            "ab",
            "abc",
            "abcd",
            "abcd\0",
            "abcde",
            "abcdefg",
            "abcdefgh",
            "abcdefgh\0",
            "abcdefghi",
            "abd",
            "b",
            "é",
            "éé",
        ];
        for one in keys {
            for other in keys {
                assert_eq!(compare(one.as_bytes(), other.as_bytes()), one.as_bytes().cmp(other.as_bytes()), "{one:?} {other:?}");
            }
        }
    }

    #[test]
    fn keys_of_larger_maps_are_found_until_they_change() {
        let key = |number: usize| format!("prefixed{}{number}", if number.is_multiple_of(3) { "" } else { "x" });
        for count in [1, INDEXED - 1, INDEXED, 40] {
            let mut map: Map = (0..count).map(|number| (key(2 * number).into(), Data::Int(number as i64))).collect();
            let check = |map: &Map| {
                for number in 0..2 * count + 2 {
                    let plain = map.entries.binary_search_by(|entry| (*entry.0).cmp(&*key(number)));
                    assert_eq!(map.position(key(number).as_bytes()), plain, "{number} of {count}");
                }
            };
            check(&map);
            map.insert(key(1), Data::Null);
            check(&map);
            map.remove(&key(0));
            check(&map);
            map.retain(|key, _| key.len().is_multiple_of(2));
            check(&map);
        }
    }

    #[test]
    fn of_equal_keys_the_last_stays() {
        let map = Map::from_entries(vec![("b".into(), Data::Int(1)), ("a".into(), Data::Int(2)), ("b".into(), Data::Int(3))]);
        assert_eq!(map.len(), 2);
        assert!(matches!(map.get("b"), Some(Data::Int(3))));
    }
}
