//! Random strings: `randAlphaNum` and relatives (goutils), `randBytes`, `uuidv4`.
//!
//! Goes in: a length. Comes out: text of characters drawn uniformly from the host's random source. A negative length yields an
//! empty text, as in goutils; a length above the host's limit is refused.

use super::super::{Call, Fault, Host, Outcome};
use crate::base64;
use crate::template::value::Value;
use crate::template::work;

/// A length that the host allows; negative ones are `None`.
fn length(call: &Call) -> Result<Option<usize>, Fault> {
    let Ok(length) = usize::try_from(call.int(0)) else { return Ok(None) };
    let limit = call.host.size_limit();
    if length > limit {
        return Err(Fault::limit(format!("random text of {length} bytes is longer than the limit of {limit}")));
    }
    work::charge_made(length)?;
    Ok(Some(length))
}

/// Numbers below `end`, drawn uniformly; `end` is at most 256.
fn draw(host: &mut dyn Host, count: usize, end: usize) -> Vec<u8> {
    // Bytes above the last whole multiple would favour small numbers.
    let fair = 256 / end * end;
    let mut numbers = Vec::with_capacity(count);
    let mut bytes = [0; 64];
    while numbers.len() < count {
        host.random(&mut bytes);
        let wanted = count - numbers.len();
        numbers.extend(bytes.iter().filter(|byte| usize::from(**byte) < fair).map(|byte| (usize::from(*byte) % end) as u8).take(wanted));
    }
    numbers
}

fn text_of(call: &mut Call, characters: &[u8]) -> Result<Vec<u8>, Fault> {
    let Some(length) = length(call)? else { return Ok(Vec::new()) };
    let mut text = draw(call.host, length, characters.len());
    text.iter_mut().for_each(|at| *at = characters[usize::from(*at)]);
    Ok(text)
}

fn characters(keep: impl Fn(&u8) -> bool) -> Vec<u8> {
    (b' '..=b'~').filter(keep).collect()
}

pub(super) fn rand_alpha_num(call: &mut Call) -> Outcome {
    let mut text = text_of(call, &characters(u8::is_ascii_alphanumeric))?;
    // goutils ensures that there is a digit.
    if !text.is_empty() && !text.iter().any(u8::is_ascii_digit) {
        let mut bytes = [0; 8];
        call.host.random(&mut bytes);
        let at = (u64::from_le_bytes(bytes) % text.len() as u64) as usize;
        text[at] = b'0' + draw(call.host, 1, 10)[0];
    }
    Ok(Value::str(text))
}

pub(super) fn rand_alpha(call: &mut Call) -> Outcome {
    text_of(call, &characters(u8::is_ascii_alphabetic)).map(Value::str)
}

pub(super) fn rand_ascii(call: &mut Call) -> Outcome {
    text_of(call, &characters(|_| true)).map(Value::str)
}

pub(super) fn rand_numeric(call: &mut Call) -> Outcome {
    text_of(call, b"0123456789").map(Value::str)
}

pub(super) fn rand_bytes(call: &mut Call) -> Outcome {
    let length = length(call)?.ok_or_else(|| Fault::new("runtime error: makeslice: len out of range"))?;
    let mut bytes = vec![0; length];
    call.host.random(&mut bytes);
    Ok(Value::str(base64::encode(bytes)))
}

pub(super) fn uuidv4(call: &mut Call) -> Outcome {
    let mut bytes = [0; 16];
    call.host.random(&mut bytes);
    // Version 4, variant of RFC 4122.
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let text = data_encoding::HEXLOWER.encode(&bytes);
    Ok(Value::str(format!("{}-{}-{}-{}-{}", &text[..8], &text[8..12], &text[12..16], &text[16..20], &text[20..])))
}
