//! Helm's YAML dialect, both directions: go-yaml v2 behind a JSON bridge (sigs.k8s.io/yaml), and go-yaml v3 for `toYamlPretty`.
//!
//! Goes in: bytes or a tree. Comes out: a [`Data`] tree or text. No other module names a YAML crate.
//! Errors are go-yaml's as sigs.k8s.io/yaml wraps them: `error converting YAML to JSON: yaml: line N: …`.

mod emit;
mod head;
mod locate;
mod order;
mod shape;

pub use emit::{Style, Writer, to_string, write};
pub use head::{Head, head};
pub use locate::locate;
pub use order::{compare_keys, sort_keys};
pub use shape::{Field, Shape, decode, decode_strict};

use crate::data::{Data, Map};
use crate::error::{Error, ErrorKind, Result};
use std::sync::Arc;

/// Parses the first document of `text` as `yaml.Unmarshal` does into `any`; an empty text is null.
pub fn parse(text: &[u8]) -> Result<Data> {
    let _ = text;
    Err(Error::new(ErrorKind::Unsupported, "yaml::parse"))
}

/// Parses the first document into a `map[string]any`; null and an empty text are the empty map.
pub fn parse_map(text: &[u8]) -> Result<Arc<Map>> {
    let _ = text;
    Err(Error::new(ErrorKind::Unsupported, "yaml::parse_map"))
}

/// Parses the first document into a `[]any`; null and an empty text are the empty list.
pub fn parse_list(text: &[u8]) -> Result<Data> {
    let _ = text;
    Err(Error::new(ErrorKind::Unsupported, "yaml::parse_list"))
}

/// The documents of a values file in order, each a map (Helm's `loader.LoadValues` before it merges them).
/// Errors: `error reading yaml document: …`, `cannot unmarshal yaml document: …`.
pub fn parse_value_documents(text: &[u8]) -> Result<Vec<Arc<Map>>> {
    let _ = text;
    Err(Error::new(ErrorKind::Unsupported, "yaml::parse_value_documents"))
}

/// A values file as Helm's `loader.LoadValues` reads it: its documents merged into one map, later ones on top;
/// lists and nulls replace.
pub fn parse_values(text: &[u8]) -> Result<Arc<Map>> {
    let _ = text;
    Err(Error::new(ErrorKind::Unsupported, "yaml::parse_values"))
}
