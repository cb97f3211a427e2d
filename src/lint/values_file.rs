//! The rule for values.yaml: it parses, and with the user's values it fits values.schema.json.
//!
//! Goes in: the text of both files. Comes out: findings. Only the chart's own schema counts here; those of subcharts are
//! asked when the templates are rendered. Matches Helm's `pkg/chart/v2/lint/rules/values.go`.

use super::source::Found;
use super::{Linter, Rule, Severity};
use crate::data::{Data, Map};
use crate::values::schema;
use crate::yaml;
use std::sync::Arc;

const FILE: &str = "values.yaml";
const SCHEMA: &str = "values.schema.json";

pub(super) fn check(linter: &mut Linter<'_>) {
    if linter.source.find(FILE) == Found::Nothing {
        return linter.add(Severity::Info, Rule::Values, FILE, "file does not exist");
    }
    let values = match linter.source.read(FILE).and_then(|text| yaml::parse_map(&text)) {
        Ok(values) => values,
        Err(error) => {
            // Helm reads this file into a type of its own.
            let fault = error.message().replace("Go value of type map[string]interface {}", "Go value of type common.Values");
            return linter.add(Severity::Error, Rule::Values, FILE, format!("unable to parse YAML: {fault}"));
        }
    };
    let schema = match linter.source.find(SCHEMA) {
        Found::File => linter.source.read(SCHEMA).unwrap_or_default(),
        _ => return,
    };
    if schema.is_empty() || linter.options.skip_schema_validation {
        return;
    }
    let values = lay_over(&values, &linter.options.values);
    let result = schema::validate_one(&schema, &values, &linter.options.schema, linter.notices);
    if let Err(error) = result {
        linter.add_error(Rule::Values, FILE, &error);
    }
}

/// The user's values over those of the chart: a null takes the chart's key away.
fn lay_over(below: &Arc<Map>, above: &Arc<Map>) -> Arc<Map> {
    if above.is_empty() {
        return below.clone();
    }
    let mut merged = (**below).clone();
    for (key, value) in above.iter() {
        match (below.get(key), value) {
            (Some(_), Data::Null) => {
                merged.remove(key);
            }
            (Some(Data::Map(below)), Data::Map(above)) => {
                merged.insert(key.clone(), Data::Map(lay_over(below, above)));
            }
            (Some(Data::Null) | None, value) | (Some(_), value) => {
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
    fn the_user_s_values_win_and_nulls_take_away() {
        let map = |entries: Vec<(&str, Data)>| -> Arc<Map> {
            Arc::new(entries.into_iter().map(|(key, value)| (Arc::from(key), value)).collect())
        };
        let below = map(vec![("a", Data::Float(1.0)), ("b", Data::Map(map(vec![("c", Data::Float(1.0)), ("d", Data::Null)])))]);
        let above = map(vec![("a", Data::Null), ("b", Data::Map(map(vec![("c", Data::Float(2.0))]))), ("e", Data::Null)]);
        let merged = lay_over(&below, &above);
        assert!(merged.get("a").is_none());
        assert!(merged.get("e").is_some_and(Data::is_null));
        let inner = merged.get("b").and_then(Data::as_map).unwrap();
        assert!(matches!(inner.get("c"), Some(Data::Float(number)) if *number == 2.0));
        assert!(inner.get("d").is_some_and(Data::is_null));
    }
}
