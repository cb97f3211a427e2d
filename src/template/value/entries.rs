//! The entries of a map that is not a view, in byte order of the keys.
//!
//! Goes in: keys and values. Comes out: the same in order. Most maps are made by `dict` with a handful of keys, read a few times
//! and dropped: a short list is faster to build and search than a tree, so only larger maps use one.

use super::{Str, Value};
use crate::data::compare;
use std::collections::BTreeMap;

/// Larger maps are kept in a tree.
const FEW: usize = 20;

/// A sorted map of texts to values.
pub(super) enum Entries {
    /// At most [`FEW`], sorted.
    Few(Vec<(Str, Value)>),
    Many(BTreeMap<Str, Value>),
}

impl Default for Entries {
    fn default() -> Entries {
        Entries::Few(Vec::new())
    }
}

impl Entries {
    pub(super) fn get(&self, key: &[u8]) -> Option<&Value> {
        match self {
            Entries::Few(entries) => entries.iter().find(|entry| entry.0.as_bytes() == key).map(|entry| &entry.1),
            Entries::Many(entries) => entries.get(key),
        }
    }

    pub(super) fn contains_key(&self, key: &[u8]) -> bool {
        self.get(key).is_some()
    }

    pub(super) fn insert(&mut self, key: Str, value: Value) -> Option<Value> {
        let entries = match self {
            Entries::Many(entries) => return entries.insert(key, value),
            Entries::Few(entries) => entries,
        };
        match entries.binary_search_by(|entry| compare(entry.0.as_bytes(), key.as_bytes())) {
            Ok(at) => Some(std::mem::replace(&mut entries[at].1, value)),
            Err(at) if entries.len() < FEW => {
                entries.insert(at, (key, value));
                None
            }
            Err(_) => {
                let mut many: BTreeMap<Str, Value> = entries.drain(..).collect();
                many.insert(key, value);
                *self = Entries::Many(many);
                None
            }
        }
    }

    /// Reserves room for exactly one more entry.
    pub(super) fn make_room(&mut self) {
        if let Entries::Few(entries) = self {
            entries.reserve_exact(1);
        }
    }

    pub(super) fn remove(&mut self, key: &[u8]) -> Option<Value> {
        match self {
            Entries::Few(entries) => {
                let at = entries.iter().position(|entry| entry.0.as_bytes() == key)?;
                Some(entries.remove(at).1)
            }
            Entries::Many(entries) => entries.remove(key),
        }
    }

    pub(super) fn len(&self) -> usize {
        match self {
            Entries::Few(entries) => entries.len(),
            Entries::Many(entries) => entries.len(),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&Str, &Value)> {
        let (few, many) = match self {
            Entries::Few(entries) => (entries.as_slice(), None),
            Entries::Many(entries) => (&[][..], Some(entries)),
        };
        few.iter().map(|entry| (&entry.0, &entry.1)).chain(many.into_iter().flatten())
    }

    pub(super) fn keys(&self) -> impl Iterator<Item = &Str> {
        self.iter().map(|entry| entry.0)
    }

    pub(super) fn values(&self) -> impl Iterator<Item = &Value> {
        self.iter().map(|entry| entry.1)
    }
}

impl FromIterator<(Str, Value)> for Entries {
    /// Among equal keys, the last one stays.
    fn from_iter<I: IntoIterator<Item = (Str, Value)>>(entries: I) -> Entries {
        let mut entries: Vec<(Str, Value)> = entries.into_iter().collect();
        if entries.len() > FEW {
            return Entries::Many(entries.into_iter().collect());
        }
        // The sort is stable, so that the last of equal keys is the last of its run.
        entries.sort_by(|a, b| compare(a.0.as_bytes(), b.0.as_bytes()));
        entries.dedup_by(|later, earlier| {
            let same = later.0 == earlier.0;
            if same {
                std::mem::swap(later, earlier);
            }
            same
        });
        Entries::Few(entries)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Short and long maps both behave as a sorted map, whatever the order of insertion.
    #[test]
    fn entries_are_those_of_a_sorted_map() {
        for count in [0, 1, 5, FEW - 1, FEW, FEW + 1, 3 * FEW] {
            let key = |number: usize| Str::from(format!("k{}", number * 7 % 97));
            let mut want = BTreeMap::new();
            let mut got = Entries::default();
            for number in (0..count).chain(0..count / 2) {
                let old = want.insert(key(number), number as i64);
                assert_eq!(got.insert(key(number), Value::int(number as i64)).is_some(), old.is_some());
            }
            let made: Entries = (0..count).chain(0..count / 2).map(|number| (key(number), Value::int(number as i64))).collect();
            for entries in [&mut got, &mut { made }] {
                let shown = |entries: &Entries| format!("{:?}", entries.iter().collect::<Vec<_>>());
                let wanted: Vec<(Str, Value)> = want.iter().map(|(key, number)| (key.clone(), Value::int(*number))).collect();
                assert_eq!(shown(entries), format!("{:?}", wanted.iter().map(|entry| (&entry.0, &entry.1)).collect::<Vec<_>>()));
                assert_eq!(entries.len(), want.len());
                for number in 0..count {
                    assert!(entries.contains_key(key(number).as_bytes()));
                    assert!(entries.remove(key(number).as_bytes()).is_some());
                    assert!(!entries.contains_key(key(number).as_bytes()));
                }
                assert!(entries.is_empty());
            }
        }
    }
}
