//! When two arguments are as good as the same.
//!
//! Goes in: a value. Comes out: bytes that are equal only for values from which every template makes the same text, as
//! long as the contexts of the charts do not change ([`trace`]), and handles that keep the addresses in them from being
//! used again. Maps of the contexts are told apart by where they lie, what templates put together by what it holds.

use super::{List, Map, Str, Value, trace};
use std::rc::Rc;
use std::sync::Arc;

/// Texts up to this length are compared, longer ones told apart by where they lie.
const SHORT_TEXT: usize = 256;

/// How many values an argument may hold that have to be looked at.
const MOST_PARTS: u32 = 64;

/// The identity of an argument under way.
#[derive(Default)]
pub(crate) struct Identity {
    pub(crate) key: Vec<u8>,
    /// Whose addresses are in the key.
    pub(crate) pins: Vec<Value>,
    parts: u32,
}

impl Identity {
    /// Begins anew.
    pub(crate) fn clear(&mut self) {
        self.key.clear();
        self.pins.clear();
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
        if text.len() <= SHORT_TEXT {
            self.tagged(4, text.len() as u64);
            self.key.extend_from_slice(text.as_bytes());
        } else {
            self.tagged(5, text.len() as u64);
            self.pinned(5, Arc::as_ptr(text.shared()).cast::<u8>().addr(), &Value::Str(text.clone()));
        }
    }

    /// Adds a value; `false` if it is too large or changes too easily to be told.
    pub(crate) fn value(&mut self, value: &Value) -> bool {
        self.parts += 1;
        if self.parts > MOST_PARTS {
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
                self.tagged(6, bytes.len() as u64);
                self.pinned(6, bytes.as_ptr().addr(), value);
            }
            Value::List(list) => return self.list(list, value),
            Value::Map(map) => return self.map(map, value),
            // No template changes an object.
            Value::Object(object) => self.pinned(7, Rc::as_ptr(object).cast::<u8>().addr(), value),
        }
        true
    }

    fn list(&mut self, list: &List, value: &Value) -> bool {
        if list.birth() == trace::CONTEXT {
            self.pinned(8, list.address(), value);
            return true;
        }
        if let Some(source) = list.pristine() {
            self.pinned(9, Arc::as_ptr(source).addr(), value);
            return true;
        }
        let items = list.items();
        self.tagged(10, items.len() as u64);
        self.key.extend_from_slice(&[list.kind() as u8, u8::from(list.is_nil())]);
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
            return true;
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
