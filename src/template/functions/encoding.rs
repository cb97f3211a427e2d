//! Base64 and base32 of texts.
//!
//! Goes in: texts. Comes out: texts. A text that does not decode gives Go's error text as the result, not a fault, which
//! is why Go's own walk through bad input is followed to the byte. Follows encoding/base64 and encoding/base32.

use super::Parameter::Str as Text;
use super::{Call, Function, Outcome, row};
use crate::template::value::Value;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use data_encoding::BASE32;

/// The rows of this topic.
pub const FUNCTIONS: &[Function] = &[
    row("b64enc", &[Text], base64_encode, "a text as base64"),
    row("b64dec", &[Text], base64_decode, "base64 as text"),
    row("b32enc", &[Text], base32_encode, "a text as base32"),
    row("b32dec", &[Text], base32_decode, "base32 as text"),
];

fn base64_encode(call: &mut Call) -> Outcome {
    call.check_size(call.bytes(0).len() / 3 * 4 + 4)?;
    Ok(Value::str(STANDARD.encode(call.bytes(0))))
}

fn base32_encode(call: &mut Call) -> Outcome {
    call.check_size(call.bytes(0).len() / 5 * 8 + 8)?;
    Ok(Value::str(BASE32.encode(call.bytes(0))))
}

fn base64_decode(call: &mut Call) -> Outcome {
    Ok(match decode_base64(call.bytes(0)) {
        Ok(decoded) => Value::str(decoded),
        Err(message) => Value::str(message),
    })
}

fn base32_decode(call: &mut Call) -> Outcome {
    Ok(match decode_base32(call.bytes(0)) {
        Ok(decoded) => Value::str(decoded),
        Err(at) => Value::str(format!("illegal base32 data at input byte {at}")),
    })
}

fn is_line_end(byte: u8) -> bool {
    byte == b'\n' || byte == b'\r'
}

/// Decodes padded base64, with line ends anywhere and loose trailing bits; the error is Go's text.
pub(crate) fn decode_base64(text: &[u8]) -> Result<Vec<u8>, String> {
    match STANDARD.decode(text) {
        Ok(decoded) => Ok(decoded),
        Err(_) => walk_base64(text).map_err(|at| format!("illegal base64 data at input byte {at}")),
    }
}

/// Go's way through base64; the error is the position where it stops.
fn walk_base64(text: &[u8]) -> Result<Vec<u8>, usize> {
    let mut out = Vec::with_capacity(text.len() / 4 * 3 + 3);
    let skip_line_ends = |mut at: usize| {
        while text.get(at).is_some_and(|&byte| is_line_end(byte)) {
            at += 1;
        }
        at
    };
    let mut at = 0;
    loop {
        let mut bits = 0u32;
        let mut filled = 0;
        while filled < 4 {
            let Some(&byte) = text.get(at) else {
                return if filled == 0 { Ok(out) } else { Err(at - filled) };
            };
            at += 1;
            if let Some(value) = base64_value(byte) {
                bits = bits << 6 | value;
                filled += 1;
                continue;
            }
            if is_line_end(byte) {
                continue;
            }
            if byte != b'=' || filled < 2 {
                return Err(at - 1);
            }
            if filled == 2 {
                at = skip_line_ends(at);
                match text.get(at) {
                    None => return Err(text.len()),
                    Some(b'=') => at += 1,
                    Some(_) => return Err(at - 1),
                }
            }
            at = skip_line_ends(at);
            if at < text.len() {
                return Err(at);
            }
            bits <<= 6 * (4 - filled);
            out.extend_from_slice(bits.to_be_bytes().get(1..filled).unwrap_or_default());
            return Ok(out);
        }
        out.extend_from_slice(bits.to_be_bytes().get(1..).unwrap_or_default());
    }
}

fn base64_value(byte: u8) -> Option<u32> {
    Some(u32::from(match byte {
        b'A'..=b'Z' => byte - b'A',
        b'a'..=b'z' => byte - b'a' + 26,
        b'0'..=b'9' => byte - b'0' + 52,
        b'+' => 62,
        b'/' => 63,
        _ => return None,
    }))
}

/// Decodes with line ends anywhere; the error is the position Go names, counted without the line ends.
fn decode_base32(text: &[u8]) -> Result<Vec<u8>, usize> {
    let text: Vec<u8> = text.iter().copied().filter(|&byte| !is_line_end(byte)).collect();
    let mut out = Vec::with_capacity(text.len() / 8 * 5 + 5);
    let mut at = 0;
    while at < text.len() {
        let mut bits = 0u64;
        let mut filled = 0;
        let mut padded = false;
        while filled < 8 {
            let Some(&byte) = text.get(at) else { return Err(text.len() - filled) };
            at += 1;
            let left = text.len() - at;
            if byte == b'=' && filled >= 2 && left < 8 {
                if left + filled < 7 {
                    return Err(text.len());
                }
                for offset in 0..7 - filled {
                    if text.get(at + offset).is_some_and(|&byte| byte != b'=') {
                        return Err(at + offset - 1);
                    }
                }
                // One, three and six characters are no whole bytes.
                if matches!(filled, 1 | 3 | 6) {
                    return Err(at - 1);
                }
                padded = true;
                break;
            }
            let value = match byte {
                b'A'..=b'Z' => byte - b'A',
                b'2'..=b'7' => byte - b'2' + 26,
                _ => return Err(at - 1),
            };
            bits = bits << 5 | u64::from(value);
            filled += 1;
        }
        bits <<= 5 * (8 - filled);
        let bytes = filled * 5 / 8;
        out.extend_from_slice(bits.to_be_bytes().get(3..3 + bytes).unwrap_or_default());
        if padded {
            break;
        }
    }
    Ok(out)
}
