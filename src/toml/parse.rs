//! Reading TOML.

use crate::error::{Error, ErrorKind, Result};

/// A TOML value: what `toml.Unmarshal` puts into `map[string]any`.
#[derive(Debug, Clone, PartialEq)]
pub enum Toml {
    Str(String),
    /// int64
    Int(i64),
    Float(f64),
    Bool(bool),
    /// A `time.Time`: its RFC 3339 text with nanoseconds, and which of the four kinds it is (local ones carry Go's
    /// internal zone names `datetime-local`, `date-local`, `time-local`).
    Time(String, TimeKind),
    /// `[]any`
    List(Vec<Toml>),
    /// `[]map[string]any`, from `[[name]]`
    Tables(Vec<Toml>),
    /// In byte order of the keys, each once.
    Map(Vec<(String, Toml)>),
}

/// What a TOML time says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TimeKind {
    Offset,
    LocalDateTime,
    LocalDate,
    LocalTime,
}

/// Parses a document into its root table. Error texts are those of `toml.Unmarshal`
/// (`toml: line 1 (last key "a"): expected value but found …`).
pub fn parse(text: &[u8]) -> Result<Toml> {
    let _ = text;
    Err(Error::new(ErrorKind::Unsupported, "toml::parse"))
}
