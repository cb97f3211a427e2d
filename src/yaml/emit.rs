//! Writing YAML as go-yaml does.
//!
//! Goes in: pushed maps, lists and scalars. Comes out: text, byte for byte that of the Go encoders.

use crate::data::Data;
use crate::error::{Error, ErrorKind, Result};

/// Which of Go's encoders to match.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// sigs.k8s.io/yaml `Marshal`: JSON first, then go-yaml v2. What `toYaml` gives.
    Bridge,
    /// go-yaml v3 with an indent of 2. What `toYamlPretty` gives.
    Pretty,
}

/// A push emitter. The caller nests the calls properly and pushes the keys of a map in the order of [`super::sort_keys`].
pub struct Writer {
    out: Vec<u8>,
}

impl Writer {
    /// An emitter of one document.
    pub fn new(style: Style) -> Writer {
        let _ = style;
        Writer { out: Vec::new() }
    }

    /// Opens a map of `length` entries, to be followed by [`Writer::key`], a value, … and [`Writer::end_map`].
    pub fn begin_map(&mut self, length: usize) {
        let _ = length;
    }

    /// A key of the open map.
    pub fn key(&mut self, text: &[u8]) {
        let _ = text;
    }

    /// Closes the open map.
    pub fn end_map(&mut self) {}

    /// Opens a list of `length` items.
    pub fn begin_list(&mut self, length: usize) {
        let _ = length;
    }

    /// Closes the open list.
    pub fn end_list(&mut self) {}

    /// `null`
    pub fn null(&mut self) {}

    /// `true` or `false`
    pub fn bool(&mut self, truth: bool) {
        let _ = truth;
    }

    /// A signed integer.
    pub fn int(&mut self, number: i64) {
        let _ = number;
    }

    /// An unsigned integer.
    pub fn uint(&mut self, number: u64) {
        let _ = number;
    }

    /// A float64.
    pub fn float(&mut self, number: f64) {
        let _ = number;
    }

    /// A string; bytes that are not UTF-8 become U+FFFD (Bridge) or a `!!binary` scalar (Pretty).
    pub fn str(&mut self, text: &[u8]) {
        let _ = text;
    }

    /// The text, with its final newline; or the first error Go would give
    /// (`error marshaling into JSON: json: unsupported value: NaN`, `yaml: control characters are not allowed`).
    pub fn finish(self) -> Result<Vec<u8>> {
        let _ = self.out;
        Err(Error::new(ErrorKind::Unsupported, "yaml::Writer"))
    }
}

/// Pushes a tree.
pub fn write(writer: &mut Writer, data: &Data) {
    let _ = (writer, data);
}

/// The tree as `yaml.Marshal` writes it, with the final newline.
pub fn to_string(data: &Data) -> Result<String> {
    let _ = data;
    Err(Error::new(ErrorKind::Unsupported, "yaml::to_string"))
}
