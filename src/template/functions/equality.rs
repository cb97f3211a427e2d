//! Go's `reflect.DeepEqual` over values: equal types and contents, with nil different from empty.
//!
//! Goes in: two values. Comes out: a boolean, or a fault where they are nested too deeply (Go remembers which maps it is
//! comparing; here a map that contains itself is refused). `has`, `uniq`, `without` and `deepEqual` use it.

use super::Fault;
use super::visits::Visits;
use crate::template::format::DEPTH_LIMIT;
use crate::template::value::{IntKind, Value, bytes};
use crate::template::work;
use std::collections::HashSet;
use std::rc::Rc;

/// Whether both values are deeply equal.
pub fn deep_equal(left: &Value, right: &Value) -> Result<bool, Fault> {
    equal(left, right, 0, &mut Visits::default())
}

fn equal(left: &Value, right: &Value, depth: usize, visits: &mut Visits) -> Result<bool, Fault> {
    visits.count()?;
    if depth > DEPTH_LIMIT {
        return Err(Fault::limit("values to compare are nested too deeply"));
    }
    Ok(match (left, right) {
        (Value::Nil, Value::Nil) => true,
        (Value::Bool(left), Value::Bool(right)) => left == right,
        (Value::Int(left_kind, left), Value::Int(right_kind, right)) => left_kind == right_kind && left == right,
        (Value::Float(left), Value::Float(right)) => left == right,
        (Value::Complex(left), Value::Complex(right)) => left == right,
        (Value::Str(left), Value::Str(right)) if left.len() == right.len() => {
            work::charge_read(left.len())?;
            left == right
        }
        (Value::Bytes(left), Value::Bytes(right)) => left == right && bytes::is_nil(left) == bytes::is_nil(right),
        (Value::List(left), Value::List(right)) => {
            if left.kind() != right.kind() || left.is_nil() != right.is_nil() || left.len() != right.len() {
                return Ok(false);
            }
            if left.same(right) {
                return Ok(true);
            }
            for (left, right) in left.items().iter().zip(right.items()) {
                if !equal(left, right, depth + 1, visits)? {
                    return Ok(false);
                }
            }
            true
        }
        (Value::Map(left), Value::Map(right)) => {
            if left.kind() != right.kind() || left.is_nil() != right.is_nil() || left.len() != right.len() {
                return Ok(false);
            }
            if left.same(right) {
                return Ok(true);
            }
            for ((left_key, left), (right_key, right)) in left.entries().iter().zip(&right.entries()) {
                if left_key != right_key || !equal(left, right, depth + 1, visits)? {
                    return Ok(false);
                }
            }
            true
        }
        (Value::Object(left), Value::Object(right)) => {
            if Rc::ptr_eq(left, right) {
                return Ok(true);
            }
            if left.type_name() != right.type_name() {
                return Ok(false);
            }
            // Of times only this is known; versions of one text may have been spelled differently.
            if left.to_text() != right.to_text() {
                return Ok(false);
            }
            let (left, right) = (left.fields(), right.fields());
            if left.len() != right.len() {
                return Ok(false);
            }
            for ((left_name, left), (right_name, right)) in left.iter().zip(&right) {
                if left_name != right_name || !equal(left, right, depth + 1, visits)? {
                    return Ok(false);
                }
            }
            true
        }
        _ => false,
    })
}

/// Whether any of `items` is deeply equal to `needle`.
pub fn holds(items: &[Value], needle: &Value) -> Result<bool, Fault> {
    // Nearly all lists are of texts or numbers, of which many are compared in a step.
    if let Value::Str(text) = needle {
        let (mut compared, mut read) = (0, 0);
        let found = items.iter().any(|item| {
            let Value::Str(other) = item else { return false };
            compared += 1;
            read += if text.len() == other.len() { text.len() } else { 0 };
            text == other
        });
        work::charge(1 + work::passing(compared) + work::reading(read))?;
        return Ok(found);
    }
    if let Value::Int(..) | Value::Bool(_) = needle {
        let found = items.iter().position(|item| match (item, needle) {
            (Value::Int(kind, number), Value::Int(needed, value)) => kind == needed && number == value,
            (Value::Bool(truth), Value::Bool(value)) => truth == value,
            _ => false,
        });
        work::charge(1 + work::passing(found.unwrap_or(items.len())))?;
        return Ok(found.is_some());
    }
    for item in items {
        if deep_equal(needle, item)? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// How many pairs of values one call may compare.
const MAX_PAIRS: usize = 20_000_000;

/// Values for other values to be compared with. Strings and whole numbers, which equal no value of another type, are looked up by
/// hash.
#[derive(Default)]
pub struct Known<'a> {
    texts: HashSet<&'a [u8]>,
    numbers: HashSet<(IntKind, i64)>,
    others: Vec<&'a Value>,
    compared: usize,
}

impl<'a> Known<'a> {
    /// Adds a value; whether no deeply equal one was present.
    pub fn insert(&mut self, value: &'a Value) -> Result<bool, Fault> {
        Ok(match value {
            Value::Str(text) => {
                work::charge_read(text.len())?;
                self.texts.insert(text.as_bytes())
            }
            Value::Int(kind, number) => self.numbers.insert((*kind, *number)),
            other => {
                let is_new = !self.holds(other)?;
                if is_new {
                    self.others.push(other);
                }
                is_new
            }
        })
    }

    /// Whether a deeply equal value was added.
    pub fn holds(&mut self, value: &Value) -> Result<bool, Fault> {
        match value {
            Value::Str(text) => {
                work::charge_read(text.len())?;
                return Ok(self.texts.contains(text.as_bytes()));
            }
            Value::Int(kind, number) => return Ok(self.numbers.contains(&(*kind, *number))),
            _ => {}
        }
        self.compared += self.others.len();
        if self.compared > MAX_PAIRS {
            return Err(Fault::limit(format!("more than {MAX_PAIRS} pairs of values to compare")));
        }
        for other in &self.others {
            if deep_equal(value, other)? {
                return Ok(true);
            }
        }
        Ok(false)
    }
}
