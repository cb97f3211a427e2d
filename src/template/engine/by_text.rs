//! A map with texts as keys.
//!
//! Goes in: texts with their values. Comes out: the value of an equal text. Most texts differ in length and are never read:
//! hashing megabytes of templates would cost more than all look-ups here. Texts of one length are hashed, so that thousands of
//! them stay cheap.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;

/// Values by text.
pub(super) struct ByText<T> {
    by_length: HashMap<usize, Peers<T>>,
}

/// The values of texts of one length.
enum Peers<T> {
    One(Arc<[u8]>, T),
    Many(HashMap<Arc<[u8]>, T, ahash::RandomState>),
}

impl<T> Default for ByText<T> {
    fn default() -> ByText<T> {
        ByText { by_length: HashMap::new() }
    }
}

impl<T> ByText<T> {
    /// The value of this text.
    pub(super) fn get(&self, text: &Arc<[u8]>) -> Option<&T> {
        match self.by_length.get(&text.len())? {
            Peers::One(known, thing) => (Arc::ptr_eq(known, text) || known == text).then_some(thing),
            Peers::Many(peers) => peers.get(text),
        }
    }

    /// Adds the value of a text that has none yet.
    pub(super) fn insert(&mut self, text: Arc<[u8]>, thing: T) {
        match self.by_length.entry(text.len()) {
            Entry::Vacant(place) => drop(place.insert(Peers::One(text, thing))),
            Entry::Occupied(mut place) => match place.get_mut() {
                Peers::Many(peers) => drop(peers.insert(text, thing)),
                one @ Peers::One(..) => {
                    let many = Peers::Many([(text, thing)].into_iter().collect());
                    if let (Peers::One(known, other), Peers::Many(peers)) = (std::mem::replace(one, many), one) {
                        peers.insert(known, other);
                    }
                }
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_texts_have_the_same_whatever_their_length() {
        let mut things = ByText::default();
        let texts = ["", "a", "b", "ab", "ba", "c", "abc"];
        for (at, text) in texts.iter().enumerate() {
            let text: Arc<[u8]> = text.as_bytes().into();
            assert_eq!(things.get(&text), None, "{at}");
            things.insert(text.clone(), at);
            assert_eq!(things.get(&text), Some(&at));
        }
        for (at, text) in texts.iter().enumerate() {
            assert_eq!(things.get(&text.as_bytes().into()), Some(&at), "{text}");
        }
        assert_eq!(things.get(&b"d"[..].into()), None);
        assert_eq!(things.get(&b"abcd"[..].into()), None);
    }
}
