//! Computes the values that a chart is rendered with, and where each came from.
//!
//! Goes in: a loaded chart and the user's values. Comes out: the coalesced values of the root (those of
//! subcharts under their names) or the part below one path, and, if asked, the source of every value. Helm has
//! no such command; the values are those that Helm would render with.

use crate::chart::Chart;
use crate::data::{Data, Map};
use crate::dependency;
use crate::diagnostic::Notices;
use crate::error::{Error, ErrorKind, Result};
use crate::values::origin::{self, Origin, Sources};
use crate::values::{coalesce, lookup, merge};
use std::sync::Arc;

/// One value and where it came from.
#[derive(Debug, Clone)]
pub struct Traced {
    /// Keys, starting at the root's values.
    pub path: Vec<Arc<str>>,
    pub value: Data,
    pub origin: Option<Origin>,
}

/// The values that the templates of the root chart see.
///
/// # Errors
/// As in rendering: `type mismatch on NAME: …`.
pub fn run(chart: &Chart, values: &Arc<Map>, notices: &mut Notices) -> Result<Arc<Map>> {
    let chart = dependency::process(chart, values, notices)?;
    coalesce::coalesce_values(&chart, values, notices)
}

/// The part of the values at a dotted path.
///
/// # Errors
/// ``no value at `PATH`: `KEY` is not there``.
pub fn at_path(values: &Arc<Map>, path: &str) -> Result<Data> {
    let missing = |key| Error::new(ErrorKind::Values, format!("no value at `{path}`: `{key}` is not there"));
    lookup::at(values, path.split('.')).map_err(missing)
}

/// Every value with its source. `files` are the `-f` files as they were read.
///
/// # Errors
/// Those of reading the sources again.
pub fn trace(chart: &Chart, values: &Arc<Map>, options: &merge::Options, files: Vec<(String, Vec<u8>)>) -> Result<Vec<Traced>> {
    let sources = Sources::new(chart, options, files)?;
    let traced = origin::leaves(values).into_iter().map(|(path, value)| {
        let keys: Vec<&str> = path.iter().map(AsRef::as_ref).collect();
        let origin = sources.find(&keys);
        Traced { path, value, origin }
    });
    Ok(traced.collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::values::sample::data;

    #[test]
    fn paths_lead_through_tables_and_lists() {
        let Data::Map(values) = data(r#"{"a": {"l": ["x", {"k": 1}]}}"#) else { panic!("no map") };
        assert!(matches!(at_path(&values, "a.l.1.k"), Ok(Data::Float(1.0))));
        assert_eq!(at_path(&values, "a.none.k").unwrap_err().to_string(), "no value at `a.none.k`: `none` is not there");
    }
}
