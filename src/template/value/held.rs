//! How much memory long texts and lists hold at the moment.
//!
//! Goes in: their sizes, when they are made and when they are dropped. Comes out: the sum. Steps limit how much a render makes, which
//! may be a hundred times what it keeps: a text that grows in a loop is made anew each round. The sum belongs to the thread, since
//! lists do not leave it; a text whose last owner is not a value is still counted until the next render.

use std::cell::Cell;

/// Smaller texts and lists are not counted here: there, the steps of making limit what is kept too.
pub(crate) const LEAST: usize = 1024;

thread_local! {
    static HELD: Cell<usize> = const { Cell::new(0) };
}

/// How many bytes are held.
pub(crate) fn bytes() -> usize {
    HELD.get()
}

/// Begins anew.
pub(crate) fn forget() {
    HELD.set(0);
}

pub(super) fn hold(size: usize) {
    if size >= LEAST {
        HELD.set(HELD.get().saturating_add(size));
    }
}

pub(super) fn release(size: usize) {
    if size >= LEAST {
        HELD.set(HELD.get().saturating_sub(size));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::template::value::{List, ListKind, Str, Value};

    #[test]
    fn what_is_dropped_is_not_held() {
        forget();
        let text = Str::from("x".repeat(5000));
        let list = List::new(ListKind::Any, vec![Value::Str(text.clone()); 1000]);
        let whole = 5000 + 1000 * size_of::<Value>();
        assert_eq!(bytes(), whole);
        let other = list.clone();
        drop(list);
        drop(text);
        assert_eq!(bytes(), whole);
        drop(other);
        assert_eq!(bytes(), 0);
        // Shared bytes belong to somebody else.
        let shared: std::sync::Arc<[u8]> = vec![b'x'; 5000].into();
        drop(Str::from(shared.clone()));
        assert_eq!(bytes(), 0);
        drop(shared);
    }
}
