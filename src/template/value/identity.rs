//! Decides when two arguments are interchangeable.
//!
//! Goes in: a value. Comes out: bytes that are equal only for values from which every template makes the same text, as long as the
//! contexts of the charts do not change ([`trace`]), and handles that keep the addresses in those bytes from being reused. Maps of
//! the contexts are identified by their address, values that templates put together by their content.

use super::{List, Map, Room, Str, Value, trace};
use crate::data::Data;
use std::rc::Rc;
use std::sync::Arc;

/// Texts up to this length are compared by content, longer ones by address.
const SHORT_TEXT: usize = 256;

/// How many values an argument may contain that must be inspected.
const MOST_PARTS: u32 = 64;

/// How many bytes one argument may keep from being freed.
const MOST_WEIGHT: usize = 64 << 10;

/// The weight of a handle besides texts.
const HANDLE_WEIGHT: usize = 64;

/// The identity of an argument, while it is being built.
#[derive(Default)]
pub(crate) struct Identity {
    pub(crate) key: Vec<u8>,
    /// The values whose addresses are in the key.
    pub(crate) pins: Vec<Value>,
    /// The approximate number of bytes that only the handles keep alive.
    pub(crate) weight: usize,
    parts: u32,
}

impl Identity {
    /// Starts over.
    pub(crate) fn clear(&mut self) {
        self.key.clear();
        self.pins.clear();
        self.weight = 0;
        self.parts = 0;
    }

    /// Adds a number.
    pub(crate) fn number(&mut self, number: u64) {
        self.key.extend_from_slice(&number.to_ne_bytes());
    }

    fn tagged(&mut self, tag: u8, number: u64) {
        self.key.push(tag);
        self.number(number);
    }

    fn pinned(&mut self, tag: u8, address: usize, value: &Value) {
        self.tagged(tag, address as u64);
        self.pins.push(value.clone());
    }

    fn text(&mut self, text: &Str) {
        self.weight += text.len();
        if text.len() <= SHORT_TEXT {
            self.tagged(4, text.len() as u64);
            self.key.extend_from_slice(text.as_bytes());
        } else {
            self.tagged(5, text.len() as u64);
            self.pinned(5, Arc::as_ptr(text.shared()).cast::<u8>().addr(), &Value::Str(text.clone()));
        }
    }

    /// Adds a value; `false` if it is too large or may change too easily to be identified.
    pub(crate) fn value(&mut self, value: &Value) -> bool {
        self.parts += 1;
        self.weight += HANDLE_WEIGHT;
        if self.parts > MOST_PARTS || self.weight > MOST_WEIGHT {
            return false;
        }
        match value {
            Value::Nil => self.key.push(0),
            Value::Bool(truth) => self.key.extend_from_slice(&[1, u8::from(*truth)]),
            Value::Int(kind, number) => {
                self.tagged(2, *number as u64);
                self.key.push(*kind as u8);
            }
            Value::Float(number) => self.tagged(3, number.to_bits()),
            Value::Complex(_) => return false,
            Value::Str(text) => self.text(text),
            Value::Bytes(bytes) => {
                self.weight += bytes.len();
                self.tagged(6, bytes.len() as u64);
                self.pinned(6, bytes.as_ptr().addr(), value);
            }
            Value::List(list) => return self.list(list, value),
            Value::Map(map) => return self.map(map, value),
            // Templates cannot change an object.
            Value::Object(object) => self.pinned(7, Rc::as_ptr(object).cast::<u8>().addr(), value),
        }
        self.weight <= MOST_WEIGHT
    }

    /// Adds the memory that a parsed tree keeps alive; `false` if it is too much.
    fn weigh(&mut self, data: &Data) -> bool {
        self.weight += HANDLE_WEIGHT;
        self.weight += match data {
            Data::Str(text) => text.len(),
            Data::Bytes(text) => text.len(),
            _ => 0,
        };
        self.weight <= MOST_WEIGHT
            && match data {
                Data::List(items) => items.iter().all(|item| self.weigh(item)),
                Data::Map(map) => map.iter().all(|(_, value)| self.weigh(value)),
                _ => true,
            }
    }

    fn list(&mut self, list: &List, value: &Value) -> bool {
        if list.birth() == trace::CONTEXT {
            self.pinned(8, list.address(), value);
            return true;
        }
        if let Some(source) = list.pristine() {
            self.pinned(9, Arc::as_ptr(source).addr(), value);
            return source.iter().all(|item| self.weigh(item));
        }
        let items = list.items();
        self.tagged(10, items.len() as u64);
        self.key.extend_from_slice(&[list.kind() as u8, u8::from(list.is_nil())]);
        // `slice` shows items behind the last one.
        let (tag, number) = match list.room() {
            Room::None => (0, 0),
            Room::Grown => (1, 0),
            Room::Zeros(count) => (2, *count),
            Room::Rest(_, from) => (3, *from),
        };
        self.tagged(tag, number as u64);
        if let Room::Rest(whole, _) = list.room()
            && !self.value(&Value::List(whole.clone()))
        {
            return false;
        }
        items.len() <= MOST_PARTS as usize && items.iter().all(|item| self.value(item))
    }

    fn map(&mut self, map: &Map, value: &Value) -> bool {
        let kind = map.kind() as u8;
        if map.birth() == trace::CONTEXT {
            self.pinned(11, map.address(), value);
            self.key.push(kind);
            return true;
        }
        if let Some(source) = map.pristine() {
            self.pinned(12, Arc::as_ptr(&source).addr(), value);
            self.key.push(kind);
            return source.iter().all(|(_, value)| self.weigh(value));
        }
        let length = map.len();
        self.tagged(13, length as u64);
        self.key.extend_from_slice(&[kind, u8::from(map.is_nil())]);
        length <= MOST_PARTS as usize
            && map.try_own(|key, value| {
                self.text(key);
                self.value(value)
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(value: &Value) -> Option<(Vec<u8>, usize)> {
        let mut identity = Identity::default();
        identity.value(value).then(|| (identity.key.clone(), identity.weight))
    }

    #[test]
    fn equal_arguments_are_told_to_be_the_same() {
        let argument = |number| Value::map([(Str::from("a"), Value::int(number)), (Str::from("b"), Value::list(vec![Value::str("x")]))]);
        assert_eq!(told(&argument(1)), told(&argument(1)));
        assert_ne!(told(&argument(1)), told(&argument(2)));
        assert_ne!(told(&Value::int(1)), told(&Value::int64(1)));
        assert_ne!(told(&Value::str("1")), told(&Value::int(1)));
    }

    /// A remembered text keeps its argument alive, so the argument must be small.
    #[test]
    fn large_arguments_are_never_told() {
        let long = "x".repeat(MOST_WEIGHT + 1);
        assert!(told(&Value::str(long.as_str())).is_none());
        assert!(told(&Value::Bytes(Arc::from(long.as_bytes()))).is_none());
        let list = Data::list(vec![Data::str(long); 1]);
        assert!(told(&Value::from_data(&list)).is_none());
        let many = Data::list(vec![Data::Null; 2000]);
        assert!(told(&Value::from_data(&many)).is_none());
        assert!(told(&Value::from_data(&Data::list(vec![Data::Null; 20]))).is_some_and(|told| told.1 >= 20 * HANDLE_WEIGHT));
    }
}
