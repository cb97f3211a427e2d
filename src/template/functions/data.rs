//! YAML, JSON and TOML in templates: Helm's `toYaml` and relatives (pkg/engine/funcs.go), Sprig's JSON functions.
//!
//! Goes in: values to write, texts to read. Comes out: texts, values; those without `must` say their errors in the result.

use super::Function;

pub const FUNCTIONS: &[Function] = &[];
