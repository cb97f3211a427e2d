//! Drops deep values in a loop.
//!
//! Goes in: the content of a map or list whose last handle was dropped. Comes out: nothing, with recursion no deeper than
//! [`DEEPEST`], however deeply a template nested its maps. Nearly all drops are direct.

use std::any::Any;
use std::cell::{Cell, RefCell};

/// Deepest recursion of drops.
const DEEPEST: u32 = 500;

thread_local! {
    static DEPTH: Cell<u32> = const { Cell::new(0) };
    static WAITING: RefCell<Vec<Box<dyn Any>>> = const { RefCell::new(Vec::new()) };
}

/// Drops `content` at once, or after the enclosing drops.
pub(super) fn bury<T: 'static>(content: T) {
    let depth = DEPTH.get();
    if depth >= DEEPEST {
        WAITING.with_borrow_mut(|waiting| waiting.push(Box::new(content)));
        return;
    }
    DEPTH.set(depth + 1);
    drop(content);
    if depth == 0 {
        while let Some(next) = WAITING.with_borrow_mut(Vec::pop) {
            drop(next);
        }
    }
    DEPTH.set(depth);
}

#[cfg(test)]
mod tests {
    use crate::template::value::{Str, Value};

    #[test]
    fn deep_values_are_dropped_without_recursion() {
        let mut value = Value::Nil;
        for _ in 0..200_000 {
            value = Value::map([(Str::from("a"), Value::list(vec![value]))]);
        }
        drop(value);
    }
}
