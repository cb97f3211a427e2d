//! Typed reading: what `yaml.Unmarshal` into a Go struct does to a text.
//!
//! Goes in: bytes and a [`Shape`] that stands for the Go type. Comes out: a tree of that shape: canonical field names,
//! numbers and booleans turned into strings where the field is a string, and Go's errors where nothing fits.

use crate::data::Data;
use crate::error::{Error, ErrorKind, Result};

/// A Go type that a text is read into.
#[derive(Debug)]
pub enum Shape {
    /// `any`
    Any,
    /// `string`: takes numbers and booleans too
    Str,
    /// `bool`
    Bool,
    /// `int`
    Int,
    /// `[]T`
    List(&'static Shape),
    /// `map[string]T`
    Map(&'static Shape),
    /// A struct, or a pointer to one: Go's name of the type, and its fields in declaration order.
    Struct(&'static str, &'static [Field]),
    /// `time.Time`: RFC 3339 text, kept as the text.
    Time,
}

/// A field of a struct: its JSON name and type.
#[derive(Debug)]
pub struct Field(pub &'static str, pub &'static Shape);

/// Reads the first document into `shape` (sigs.k8s.io `yaml.Unmarshal`). Names match without case; unknown ones are dropped.
/// A null or absent field is absent from the result; a null document is `Data::Null`.
pub fn decode(text: &[u8], shape: &'static Shape) -> Result<Data> {
    let _ = (text, shape);
    Err(Error::new(ErrorKind::Unsupported, "yaml::decode"))
}

/// The same, but unknown fields and repeated keys are errors (`yaml.UnmarshalStrict`).
pub fn decode_strict(text: &[u8], shape: &'static Shape) -> Result<Data> {
    let _ = (text, shape);
    Err(Error::new(ErrorKind::Unsupported, "yaml::decode_strict"))
}
