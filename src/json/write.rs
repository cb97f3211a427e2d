//! Writing JSON.

use crate::data::Data;
use crate::error::{Error, ErrorKind, Result};

/// A push encoder (`json.Marshal`): no blanks, and it puts the commas and colons. The caller pushes keys in byte order.
pub struct Writer {
    out: Vec<u8>,
}

impl Writer {
    /// An encoder; `escape_html` writes `<`, `>` and `&` as `\u003c`, `\u003e`, `\u0026` (Go's default).
    pub fn new(escape_html: bool) -> Writer {
        let _ = escape_html;
        Writer { out: Vec::new() }
    }

    /// `{`
    pub fn begin_map(&mut self) {}

    /// A key of the open map.
    pub fn key(&mut self, text: &[u8]) {
        let _ = text;
    }

    /// `}`
    pub fn end_map(&mut self) {}

    /// `[`
    pub fn begin_list(&mut self) {}

    /// `]`
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

    /// A float64; NaN and the infinities are an error at the end.
    pub fn float(&mut self, number: f64) {
        let _ = number;
    }

    /// A string; bytes that are not UTF-8 become `\ufffd`.
    pub fn str(&mut self, text: &[u8]) {
        let _ = text;
    }

    /// The text, or the first error (`json: unsupported value: +Inf`).
    pub fn finish(self) -> Result<Vec<u8>> {
        let _ = self.out;
        Err(Error::new(ErrorKind::Unsupported, "json::Writer"))
    }
}

/// Pushes a tree.
pub fn write(writer: &mut Writer, data: &Data) {
    let _ = (writer, data);
}

/// The tree as `json.Marshal` writes it.
pub fn to_vec(data: &Data) -> Result<Vec<u8>> {
    let mut writer = Writer::new(true);
    write(&mut writer, data);
    writer.finish()
}

/// `json.Indent` of a valid text: what `toPrettyJson` and `MarshalIndent` add (`prefix` before each line, `step` per level).
pub fn indent(text: &[u8], prefix: &str, step: &str) -> Vec<u8> {
    let _ = (prefix, step);
    text.to_vec()
}
