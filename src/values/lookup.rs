//! Values by dotted path, as used in conditions, tags and import-values.
//!
//! Goes in: a map and a path such as `sub.image.tag`. Comes out: a table or a value, or the part of the path that is not a table.
//! Conditions, import-values and origins share these rules: a key with a dot cannot be named, and an empty part is an empty key.
//! Follows Helm's `pkg/chart/common/values.go` (`Table`, `PathValue`).

use crate::data::{Data, Map};
use crate::quote::quote;
use std::fmt;
use std::sync::Arc;

/// The part of a path that is missing or not a table; displayed as Helm's `ErrNoTable`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotATable(pub String);

impl fmt::Display for NotATable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} is not a table", quote(&self.0))
    }
}

/// The table at `path`.
pub fn table(values: &Arc<Map>, path: &str) -> Result<Arc<Map>, NotATable> {
    let mut current = values;
    for key in path.split('.') {
        match current.get(key) {
            Some(Data::Map(inner)) => current = inner,
            _ => return Err(NotATable(key.to_string())),
        }
    }
    Ok(current.clone())
}

/// The value at `path` if it exists and is not a table.
pub fn value<'values>(values: &'values Map, path: &str) -> Option<&'values Data> {
    let (tables, key) = match path.rsplit_once('.') {
        Some((tables, key)) => (Some(tables), key),
        None => (None, path),
    };
    let mut current = values;
    for part in tables.into_iter().flat_map(|tables| tables.split('.')) {
        current = current.get(part)?.as_map()?;
    }
    current.get(key).filter(|found| found.as_map().is_none())
}

/// The value at a path of keys, and of indexes of lists in decimal.
///
/// # Errors
/// The first key that is not there.
pub fn at<'k>(values: &Arc<Map>, keys: impl IntoIterator<Item = &'k str>) -> Result<Data, &'k str> {
    let mut current = Data::Map(values.clone());
    for key in keys {
        let next = match &current {
            Data::Map(map) => map.get(key).cloned(),
            Data::List(items) => key.parse::<usize>().ok().and_then(|at| items.get(at).cloned()),
            _ => None,
        };
        current = next.ok_or(key)?;
    }
    Ok(current)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Arc<Map> {
        let inner = Map::from_entries(vec![("on".into(), Data::Bool(true)), ("t".into(), Data::map(Map::new()))]);
        Arc::new(Map::from_entries(vec![("a".into(), Data::map(inner)), ("s".into(), Data::str("x"))]))
    }

    #[test]
    fn tables_and_values_are_told_apart() {
        let values = sample();
        assert!(matches!(value(&values, "a.on"), Some(Data::Bool(true))));
        assert!(value(&values, "a.t").is_none());
        assert!(value(&values, "a").is_none());
        assert!(value(&values, "s.x").is_none());
        assert!(table(&values, "a.t").is_ok());
        assert_eq!(table(&values, "a.none.deep").unwrap_err(), NotATable("none".into()));
    }

    #[test]
    fn the_failing_part_is_named() {
        assert_eq!(table(&sample(), "s").unwrap_err().to_string(), "\"s\" is not a table");
    }
}
