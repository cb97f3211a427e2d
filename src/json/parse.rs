//! Reading JSON.

use crate::data::Data;
use crate::error::{Error, ErrorKind, Result};

/// Parses `text` as `json.Unmarshal` into `any`: every number becomes a float64.
pub fn parse(text: &[u8]) -> Result<Data> {
    let _ = text;
    Err(Error::new(ErrorKind::Unsupported, "json::parse"))
}

/// The same, but whole numbers that fit become `Data::Int` (what a decoder with `UseNumber` keeps apart).
pub fn parse_exact(text: &[u8]) -> Result<Data> {
    let _ = text;
    Err(Error::new(ErrorKind::Unsupported, "json::parse_exact"))
}
