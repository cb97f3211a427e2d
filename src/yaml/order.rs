//! The order in which go-yaml writes the keys of a map: natural order, numbers by value (`sorter.go`).
//!
//! Goes in: two keys, or entries. Comes out: their order. It is separate from the emitter because callers sort before they push.

use super::Style;
use crate::unicode::{is_digit, is_letter};
use std::cmp::Ordering;

/// Compares two keys of one map; the two styles differ where letters follow digits.
pub fn compare_keys(a: &str, b: &str, style: Style) -> Ordering {
    let common = a.bytes().zip(b.bytes()).take_while(|pair| pair.0 == pair.1).count();
    if common == a.len() || common == b.len() {
        return a.len().cmp(&b.len());
    }
    // Back to the start of the differing characters.
    let start = (0..=common).rev().find(|at| a.is_char_boundary(*at) && b.is_char_boundary(*at)).unwrap_or(0);
    let (before, a, b) = (&a[..start], &a[start..], &b[start..]);
    let (Some(first_a), Some(first_b)) = (a.chars().next(), b.chars().next()) else { return Ordering::Equal };
    match (is_letter(first_a), is_letter(first_b)) {
        (true, true) => return first_a.cmp(&first_b),
        (false, false) => {}
        (a_is_letter, _) => {
            let after_digits = style == Style::Pretty && before.chars().next_back().is_some_and(is_digit);
            return if a_is_letter == after_digits { Ordering::Less } else { Ordering::Greater };
        }
    }
    // A zero counts only behind digits that are not all zeros.
    let mut seed = 0;
    if first_a == '0' || first_b == '0' {
        seed = i64::from(before.chars().rev().take_while(|character| is_digit(*character)).any(|digit| digit != '0'));
    }
    let ((number_a, digits_a), (number_b, digits_b)) = (leading_number(a, seed), leading_number(b, seed));
    number_a.cmp(&number_b).then(digits_a.cmp(&digits_b)).then(first_a.cmp(&first_b))
}

/// The value of the digits at the start, which overflows silently as in Go, and their number.
fn leading_number(text: &str, seed: i64) -> (i64, usize) {
    text.chars().take_while(|character| is_digit(*character)).fold((seed, 0), |(number, count), digit| {
        let value = i64::from(u32::from(digit)) - i64::from(b'0');
        (number.wrapping_mul(10).wrapping_add(value), count + 1)
    })
}

/// Sorts entries by their keys as go-yaml does. Its order is not transitive for some sets of keys (`a10b < a1b < a2b < a10b`), for
/// which Go's result varies from run to run; this merge sort tolerates that and always gives the same result.
pub fn sort_keys<T>(entries: &mut [T], key: impl Fn(&T) -> &str, style: Style) {
    let is_before = |a: usize, b: usize, entries: &[T]| compare_keys(key(&entries[a]), key(&entries[b]), style) == Ordering::Less;
    if (1..entries.len()).all(|at| is_before(at - 1, at, entries)) {
        return;
    }
    let mut order: Vec<usize> = (0..entries.len()).collect();
    let mut merged = Vec::with_capacity(order.len());
    let mut width = 1;
    while width < order.len() {
        merged.clear();
        for pair in order.chunks(width * 2) {
            let (mut left, mut right) = pair.split_at(width.min(pair.len()));
            while let ([first, left_rest @ ..], [second, right_rest @ ..]) = (left, right) {
                if is_before(*second, *first, entries) {
                    merged.push(*second);
                    right = right_rest;
                } else {
                    merged.push(*first);
                    left = left_rest;
                }
            }
            merged.extend_from_slice(left);
            merged.extend_from_slice(right);
        }
        std::mem::swap(&mut order, &mut merged);
        width *= 2;
    }
    // `order[i]` is the index of the entry that belongs at `i`: follow each cycle once.
    for start in 0..order.len() {
        let mut at = start;
        while order[at] != start {
            let from = order[at];
            entries.swap(at, from);
            order[at] = at;
            at = from;
        }
        order[at] = at;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn natural_order() {
        let mut keys = vec!["b", "a10", "a2", "a", "1", "_x", "A", "a-b", "a.b", "é", "a02", "10", "9"];
        sort_keys(&mut keys, |key| key, Style::Bridge);
        assert_eq!(keys, ["_x", "1", "9", "10", "A", "a", "a-b", "a.b", "a2", "a02", "a10", "b", "é"]);
    }

    #[test]
    fn letters_behind_digits() {
        assert_eq!(compare_keys("1a", "1-", Style::Bridge), Ordering::Greater);
        assert_eq!(compare_keys("1a", "1-", Style::Pretty), Ordering::Less);
    }

    #[test]
    fn an_order_that_is_none_does_no_harm() {
        let unsorted: Vec<String> = (0..300).map(|at| format!("a{}b{}", at % 17, at % 3)).collect();
        let (mut keys, mut again, mut all) = (unsorted.clone(), unsorted.clone(), unsorted);
        sort_keys(&mut keys, |key| key, Style::Bridge);
        sort_keys(&mut again, |key| key, Style::Bridge);
        assert_eq!(keys, again);
        // No key is lost or doubled.
        all.sort();
        keys.sort();
        assert_eq!(keys, all);
    }
}
