//! Sprig's functions that ask the random source.
//!
//! Goes in: counts and bounds. Comes out: texts and numbers of which only the shape can be told.
//! Follows sprig/strings.go, functions.go and Masterminds/goutils (cryptorandomstringutils.go).

use super::Parameter::{Int, Str as Text};
use super::strings::too_large;
use super::{Call, Fault, Function, Outcome, row, unicode};
use crate::template::value::Value;

/// The rows of this topic.
pub const FUNCTIONS: &[Function] = &[
    row("randAlphaNum", &[Int], alphanumeric, "random letters and digits"),
    row("randAlpha", &[Int], letters, "random letters"),
    row("randNumeric", &[Int], digits, "random digits"),
    row("randAscii", &[Int], ascii, "random printable ASCII characters"),
    row("randInt", &[Int, Int], integer, "a random number from the first up to the second"),
    row("shuffle", &[Text], shuffle, "the characters of a text in random order"),
    row("uuidv4", &[], uuid, "a random UUID"),
];

/// A number below `bound`, all equally likely.
fn below(call: &mut Call, bound: u64) -> u64 {
    // Numbers from the uneven end of the range are thrown away.
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

/// `count` bytes of `alphabet`; none if the count is negative, as goutils' error is dropped.
fn pick(call: &mut Call, alphabet: &[u8]) -> Outcome {
    let count = usize::try_from(call.int(0)).unwrap_or(0);
    too_large(call, count)?;
    // One random byte a character; those beyond a multiple of the alphabet are thrown away.
    let usable = 256 / alphabet.len().max(1) * alphabet.len();
    let mut out = Vec::with_capacity(count);
    let mut bytes = [0; 64];
    while out.len() < count {
        call.host.random(&mut bytes);
        let fitting = bytes.iter().map(|&byte| usize::from(byte)).filter(|&byte| byte < usable);
        let chosen = fitting.filter_map(|byte| alphabet.get(byte % alphabet.len()));
        out.extend(chosen.take(count - out.len()));
    }
    Ok(Value::str(out))
}

fn alphanumeric(call: &mut Call) -> Outcome {
    pick(call, b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789")
}

fn letters(call: &mut Call) -> Outcome {
    pick(call, b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")
}

fn digits(call: &mut Call) -> Outcome {
    pick(call, b"0123456789")
}

fn ascii(call: &mut Call) -> Outcome {
    let printable: Vec<u8> = (32..127).collect();
    pick(call, &printable)
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
    for at in (1..runes.len()).rev() {
        let other = below(call, at as u64 + 1) as usize;
        runes.swap(at, other);
    }
    Ok(Value::str(runes.into_iter().collect::<String>()))
}

fn uuid(call: &mut Call) -> Outcome {
    let mut bytes = [0; 16];
    call.host.random(&mut bytes);
    // Version 4, variant of RFC 4122.
    let number = u128::from_be_bytes(bytes) & !(0xf << 76) & !(0b11 << 62) | 4 << 76 | 0b10 << 62;
    let hexadecimal = format!("{number:032x}");
    let group = |from: usize, to: usize| hexadecimal.get(from..to).unwrap_or_default();
    let groups = [group(0, 8), group(8, 12), group(12, 16), group(16, 20), group(20, 32)];
    Ok(Value::str(groups.join("-")))
}
