//! The rule for values.yaml: it parses, and fits values.schema.json together with the user's values.
//!
//! Goes in: the text of both files. Comes out: findings. Only the chart's own schema counts here; those of subcharts are checked
//! when the templates are rendered. Matches Helm's `pkg/chart/v2/lint/rules/values.go`.

use super::source::{Found, Source};
use super::{Linter, Rule, Severity};
use crate::data::{Data, Map};
use crate::diagnostic::{Level, Notices};
use crate::values::print_value;
use crate::values::schema;
use crate::yaml;
use std::sync::Arc;

const FILE: &str = "values.yaml";
const SCHEMA: &str = "values.schema.json";

/// Checks the file, and changes the user's values as Helm's merge does, which merges into the user's own tables.
pub(super) fn check(linter: &mut Linter<'_>) {
    if linter.source.find(FILE) == Found::Nothing {
        return linter.add(Severity::Info, Rule::Values, FILE, "file does not exist");
    }
    let read = linter.source.read(FILE).and_then(|text| yaml::parse_map(&text).map(|values| (text, values)));
    let (text, values) = match read {
        Ok(read) => read,
        Err(error) => {
            // Helm reads this file into its own type.
            let fault = error.message().replace("Go value of type map[string]interface {}", "Go value of type common.Values");
            return linter.add_at(Severity::Error, Rule::Values, FILE, format!("unable to parse YAML: {fault}"), error.line());
        }
    };
    let merged = lay_over(&values, &linter.values, "", linter.notices);
    linter.values = with_tables_of(&linter.values, &values, &merged);
    let schema = match linter.source.find(SCHEMA) {
        Found::File => linter.source.read(SCHEMA).unwrap_or_default(),
        _ => return,
    };
    if schema.is_empty() || linter.options.skip_schema_validation {
        return;
    }
    let result = schema::validate_one(&schema, &merged, &linter.options.schema, linter.notices);
    if let Err(error) = result {
        let line = || {
            let keys = error.message().lines().find_map(schema::place_in_line)?;
            yaml::Places::of(&text).line(&keys.iter().map(String::as_str).collect::<Vec<_>>())
        };
        let line = linter.options.places.then(line).flatten();
        linter.add_at(Severity::Error, Rule::Values, FILE, error.message(), line);
    }
}

/// `above`, with every table that is also in `below` replaced by the one in `merged`.
fn with_tables_of(above: &Arc<Map>, below: &Arc<Map>, merged: &Arc<Map>) -> Arc<Map> {
    let is_shared = |key: &str, value: &Data| value.as_map().is_some() && below.get(key).is_some_and(|below| below.as_map().is_some());
    if !above.iter().any(|(key, value)| is_shared(key, value)) {
        return above.clone();
    }
    let entry = |(key, value): (&Arc<str>, &Data)| match merged.get(key).filter(|_| is_shared(key, value)) {
        Some(merged) => (key.clone(), merged.clone()),
        None => (key.clone(), value.clone()),
    };
    Arc::new(Map::from_entries(above.iter().map(entry).collect()))
}

/// The user's values after linting the chart of this source; the next chart is linted with them.
pub(super) fn values_left(source: &Source, values: &Arc<Map>) -> Arc<Map> {
    let text = match source.find(FILE) {
        Found::File => source.read(FILE).and_then(|text| yaml::parse_map(&text)),
        _ => return values.clone(),
    };
    match text {
        Ok(below) => with_tables_of(values, &below, &lay_over(&below, values, "", &mut Notices::new())),
        Err(_) => values.clone(),
    }
}

/// The user's values merged over the chart's: a null removes the chart's key, unless its value is null too. `path` is the path of
/// the tables, for notices about tables that meet other values.
fn lay_over(below: &Arc<Map>, above: &Arc<Map>, path: &str, notices: &mut Notices) -> Arc<Map> {
    if above.is_empty() {
        return below.clone();
    }
    let mut merged = (**below).clone();
    for (key, value) in above.iter() {
        let own = if path.is_empty() { key.to_string() } else { format!("{path}.{key}") };
        match (below.get(key), value) {
            (Some(Data::Null), Data::Null) => {}
            (Some(_), Data::Null) => {
                merged.remove(key);
            }
            (Some(Data::Map(below)), Data::Map(above)) => {
                merged.insert(key.clone(), Data::Map(lay_over(below, above, &own, notices)));
            }
            (found, value) => {
                match (found, value) {
                    (Some(table @ Data::Map(_)), _) => notices
                        .push(Level::Info, format!("warning: cannot overwrite table with non table for {own} ({})", print_value(table))),
                    (Some(other), Data::Map(_)) if !other.is_null() => notices.push(
                        Level::Info,
                        format!("warning: destination for {own} is a table. Ignoring non-table value ({})", print_value(other)),
                    ),
                    _ => {}
                }
                merged.insert(key.clone(), value.clone());
            }
        }
    }
    Arc::new(merged)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_of_the_user_take_in_the_chart_s() {
        let map = |text: &str| yaml::parse_map(text.as_bytes()).unwrap();
        let (below, above) = (map("{a: {b: 1, c: 2}, d: 3, e: {f: 4}}"), map("{a: {b: null, g: 5}, d: null, h: {i: null}}"));
        let left = with_tables_of(&above, &below, &lay_over(&below, &above, "", &mut Notices::new()));
        let inner = left.get("a").and_then(Data::as_map).unwrap();
        assert_eq!(inner.iter().map(|(key, _)| &**key).collect::<Vec<_>>(), ["c", "g"]);
        assert!(left.get("d").is_some_and(Data::is_null) && left.get("e").is_none());
        assert!(left.get("h").and_then(Data::as_map).is_some_and(|inner| inner.get("i").is_some_and(Data::is_null)));
    }

    #[test]
    fn the_user_s_values_win_and_nulls_take_away() {
        let map = |entries: Vec<(&str, Data)>| -> Arc<Map> {
            Arc::new(entries.into_iter().map(|(key, value)| (Arc::from(key), value)).collect())
        };
        let below = map(vec![("a", Data::Float(1.0)), ("b", Data::Map(map(vec![("c", Data::Float(1.0)), ("d", Data::Null)])))]);
        let above = map(vec![("a", Data::Null), ("b", Data::Map(map(vec![("c", Data::Float(2.0))]))), ("e", Data::Null)]);
        let merged = lay_over(&below, &above, "", &mut Notices::new());
        assert!(merged.get("a").is_none());
        assert!(merged.get("e").is_some_and(Data::is_null));
        let inner = merged.get("b").and_then(Data::as_map).unwrap();
        assert!(matches!(inner.get("c"), Some(Data::Float(number)) if *number == 2.0));
        assert!(inner.get("d").is_some_and(Data::is_null));
    }
}
