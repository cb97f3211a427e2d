//! Helm's YAML dialect, both directions: go-yaml v2 behind a JSON bridge (sigs.k8s.io/yaml), and go-yaml v3 for `toYamlPretty`.
//!
//! Goes in: bytes or a tree. Comes out: a [`Data`] tree or text. No other module names a YAML crate.

use crate::data::Data;
use crate::error::{Error, ErrorKind, Result};

/// Parses the first document of `text`. The error text is go-yaml's as sigs.k8s.io/yaml wraps it:
/// `error converting YAML to JSON: yaml: line N: …`.
pub fn parse(text: &[u8]) -> Result<Data> {
    let _ = text;
    Err(Error::new(ErrorKind::Unsupported, "yaml::parse"))
}
