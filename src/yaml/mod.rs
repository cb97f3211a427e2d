//! Helm's YAML dialect in both directions: go-yaml v2 behind a JSON bridge (sigs.k8s.io/yaml), and go-yaml v3 for `toYamlPretty`.
//!
//! Goes in: bytes or a tree. Comes out: a [`Data`] tree or text. Reading passes through `reader` (characters), `scanner` (tokens),
//! `parser` (events), `document` (nodes) and `decode` (values). Texts with plain lines, which are nearly all, pass through `lines`
//! instead of `scanner` and `parser`; `head`, which runs over all rendered text, builds no nodes.
//! Errors are go-yaml's as sigs.k8s.io/yaml wraps them: `error converting YAML to JSON: yaml: line N: …`. Text for a post-renderer
//! keeps its comments and styles; that is implemented in `node`.
//!
//! The parser is our own. libyaml-safer 0.3, the maintained Rust port of go-yaml's ancestor, was measured on the 4.5 MB that
//! prometheus-operator-crds renders: it takes 40 ms for the events alone (112 MB/s, a `String` for every scalar), ours takes 13 ms
//! with texts and 7 ms for heads (350 and 630 MB/s, slices of the input). It also lacks the limits and the error texts of Go's
//! fork. It remains as the reference of a differential test.

mod characters;
mod decode;
mod document;
mod emit;
mod fault;
mod go_syntax;
mod head;
mod lines;
mod locate;
pub(crate) mod node;
mod order;
mod parser;
mod reader;
mod resolve;
mod scanner;
mod separator;
mod shape;
mod values;

pub use emit::{Style, Writer, to_string, write};
pub use head::{Head, head};
pub use locate::{Places, locate};
pub use order::{compare_keys, sort_keys};
pub use separator::split_documents;
pub use shape::{Field, Shape, decode, decode_json, decode_strict, fit_json};
pub use values::{merge_maps, parse_value_documents, parse_values};

use crate::data::{Data, Map};
use crate::error::Result;
use shape::ANY;
use std::sync::Arc;

static ANY_LIST: Shape = Shape::List(&ANY);
static ANY_MAP: Shape = Shape::Map(&ANY);

/// Parses the first document of `text` as `yaml.Unmarshal` into `any` does; an empty text is null.
pub fn parse(text: &[u8]) -> Result<Data> {
    shape::read(text, &ANY, false)
}

/// Parses the first document into a `map[string]any`; null and an empty text are the empty map.
pub fn parse_map(text: &[u8]) -> Result<Arc<Map>> {
    match shape::read(text, &ANY_MAP, false)? {
        Data::Map(map) => Ok(map),
        _ => Ok(Arc::default()),
    }
}

/// Parses the first document into a `[]any`; null and an empty text are the empty list.
pub fn parse_list(text: &[u8]) -> Result<Data> {
    match shape::read(text, &ANY_LIST, false)? {
        Data::Null => Ok(Data::list(Vec::new())),
        list => Ok(list),
    }
}

#[cfg(test)]
mod differential;
#[cfg(test)]
mod tests;
