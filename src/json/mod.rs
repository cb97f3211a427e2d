//! JSON as Go's `encoding/json` reads and writes it.
//!
//! Goes in: bytes or a tree. Comes out: a `Data` tree or text; errors in Go's words.

mod parse;
mod write;

pub use parse::{Stop, parse, parse_exact, parse_list, parse_map, parse_next, parse_only, parse_partly, parse_prefix};
pub use write::{Writer, indent, quote, to_vec, write};

/// `bytes` as text: each byte that is not part of a UTF-8 character becomes U+FFFD, as in Go's range over a string
/// (`String::from_utf8_lossy` would combine several).
pub fn valid_text(bytes: &[u8]) -> std::borrow::Cow<'_, str> {
    if let Ok(text) = std::str::from_utf8(bytes) {
        return text.into();
    }
    let mut text = String::with_capacity(bytes.len() + 8);
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        text.extend(chunk.invalid().iter().map(|_| char::REPLACEMENT_CHARACTER));
    }
    text.into()
}
