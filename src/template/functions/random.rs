//! Sprig's functions that use the random source but make no secrets; those are in [`super::crypto`].
//!
//! Goes in: counts and bounds. Comes out: texts and numbers of which only the shape is predictable.
//! Follows sprig/functions.go and xstrings' Shuffle.

use super::Parameter::{Int, Str as Text};
use super::{Call, Fault, Function, Outcome, row, unicode};
use crate::template::value::Value;
use crate::template::work;

/// The rows of this topic.
pub const FUNCTIONS: &[Function] = &[
    row("randInt", &[Int, Int], integer, "a random number from the first up to the second"),
    row("shuffle", &[Text], shuffle, "the characters of a text in random order"),
];

/// A number below `bound`, all equally likely.
fn below(call: &mut Call, bound: u64) -> u64 {
    // Numbers from the incomplete end of the range are discarded.
    let usable = u64::MAX - u64::MAX % bound.max(1);
    loop {
        let mut bytes = [0; 8];
        call.host.random(&mut bytes);
        let number = u64::from_ne_bytes(bytes);
        if number < usable {
            return number % bound.max(1);
        }
    }
}

fn integer(call: &mut Call) -> Outcome {
    let (low, high) = (call.int(0), call.int(1));
    let span = high.wrapping_sub(low);
    if span <= 0 {
        return Err(Fault::new("invalid argument to Intn"));
    }
    let offset = below(call, span as u64) as i64;
    Ok(Value::int(low.wrapping_add(offset)))
}

fn shuffle(call: &mut Call) -> Outcome {
    let mut runes: Vec<char> = unicode::runes(call.bytes(0)).map(|rune| rune.rune).collect();
    // Each takes a number of its own from the random source.
    work::charge(2 * runes.len() as u64)?;
    for at in (1..runes.len()).rev() {
        let other = below(call, at as u64 + 1) as usize;
        runes.swap(at, other);
    }
    Ok(Value::str(runes.into_iter().collect::<String>()))
}
