//! Writing TOML.

use crate::error::{Error, ErrorKind, Result};

/// A value to write, as the Go encoder sees it by reflection.
#[derive(Debug, Clone)]
pub enum Node {
    /// A nil interface.
    Nil,
    Bool(bool),
    Int(i64),
    Uint(u64),
    Float(f64),
    Str(Vec<u8>),
    /// A `time.Time`, as its RFC 3339 text.
    Time(String),
    /// A slice.
    List(Vec<Node>),
    /// A map; in any order.
    Map(Vec<(Vec<u8>, Node)>),
    /// A struct; fields in declaration order.
    Struct(Vec<(Vec<u8>, Node)>),
}

/// The text that `toml.NewEncoder().Encode` writes, or its error.
pub fn write(node: &Node) -> Result<Vec<u8>> {
    let _ = node;
    Err(Error::new(ErrorKind::Unsupported, "toml::write"))
}
