//! Base64 as Go's `encoding/base64` reads and writes it.
//!
//! Goes in: bytes. Comes out: text, or the other way round. Text that does not decode gives Go's error, and templates show that
//! error as their result, so bad input is walked exactly as Go does it.

use data_encoding::BASE64;

/// Bytes as padded base64.
pub fn encode(bytes: impl AsRef<[u8]>) -> String {
    BASE64.encode(bytes.as_ref())
}

/// Decodes padded base64, with line ends anywhere and loose trailing bits; the error is Go's text.
pub fn decode(text: &[u8]) -> Result<Vec<u8>, String> {
    // The library accepts several padded texts in a row; Go refuses anything behind the padding.
    let is_one = memchr::memchr(b'=', text).is_none_or(|at| at + 2 >= text.len());
    match BASE64.decode(text) {
        Ok(decoded) if is_one => Ok(decoded),
        _ => walk(text).map_err(|at| format!("illegal base64 data at input byte {at}")),
    }
}

/// Decodes as Go does; the error is the position where Go stops.
fn walk(text: &[u8]) -> Result<Vec<u8>, usize> {
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
            if let Some(value) = digit(byte) {
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

fn digit(byte: u8) -> Option<u32> {
    Some(u32::from(match byte {
        b'A'..=b'Z' => byte - b'A',
        b'a'..=b'z' => byte - b'a' + 26,
        b'0'..=b'9' => byte - b'0' + 52,
        b'+' => 62,
        b'/' => 63,
        _ => return None,
    }))
}

fn is_line_end(byte: u8) -> bool {
    byte == b'\n' || byte == b'\r'
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Recorded from Go 1.25.
    #[test]
    fn what_go_decodes_is_decoded() {
        for (text, expected) in [
            ("", Ok("")),
            ("YQ==", Ok("a")),
            ("YWI=", Ok("ab")),
            ("YWJj", Ok("abc")),
            ("Y\nW\r\nJj\n", Ok("abc")),
            ("YQ=\n=\n", Ok("a")),
            // Left-over bits are ignored.
            ("YR==", Ok("a")),
            ("YQ==YQ==", Err(4)),
            ("YQ=", Err(3)),
            ("YQ", Err(0)),
            ("YWJjYQ", Err(4)),
            ("=", Err(0)),
            ("Y===", Err(1)),
            ("YQ=x", Err(2)),
            ("Y-==", Err(1)),
        ] {
            let expected = expected.map(|text| text.as_bytes().to_vec()).map_err(|at| format!("illegal base64 data at input byte {at}"));
            assert_eq!(decode(text.as_bytes()), expected, "{text:?}");
        }
        assert_eq!(encode("a?>"), "YT8+");
    }
}
