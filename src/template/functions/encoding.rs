//! Base64 and base32 of texts.
//!
//! Goes in: texts. Comes out: texts. A text that does not decode gives Go's error text as the result, not a fault, so bad input is
//! walked exactly as Go does it. Follows encoding/base64 and encoding/base32.

use super::Parameter::Str as Text;
use super::{Call, Function, Outcome, row};
use crate::base64;
use crate::template::value::Value;
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
    Ok(Value::str(base64::encode(call.bytes(0))))
}

fn base32_encode(call: &mut Call) -> Outcome {
    call.check_size(call.bytes(0).len() / 5 * 8 + 8)?;
    Ok(Value::str(BASE32.encode(call.bytes(0))))
}

fn base64_decode(call: &mut Call) -> Outcome {
    Ok(match base64::decode(call.bytes(0)) {
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

/// Decodes with line ends anywhere; the error is the position that Go reports, counted without the line ends.
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
                // One, three and six characters are not whole bytes.
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
