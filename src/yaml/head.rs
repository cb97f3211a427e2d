//! The head of a manifest: what Helm reads of each rendered document before it sorts them.
//!
//! Goes in: the text of one document. Comes out: Helm's `SimpleHead`, or the error that `yaml.Unmarshal` into it gives.
//! The whole document is checked, but no tree is built of it: this runs over every rendered byte.

use crate::error::{Error, ErrorKind, Result};

/// pkg/release/v1/util `SimpleHead`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Head {
    pub api_version: String,
    pub kind: String,
    /// Empty when there is no `metadata` or no name in it.
    pub name: String,
    /// In byte order of the keys, each once.
    pub annotations: Vec<(String, String)>,
}

impl Head {
    /// The annotation of this name.
    pub fn annotation(&self, name: &str) -> Option<&str> {
        self.annotations.iter().find(|entry| entry.0 == name).map(|entry| entry.1.as_str())
    }
}

/// Reads the head of the first document in `text` and checks all of it.
pub fn head(text: &[u8]) -> Result<Head> {
    let _ = text;
    Err(Error::new(ErrorKind::Unsupported, "yaml::head"))
}
