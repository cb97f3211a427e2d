//! Values: from the command line and files to the values that each chart of a tree sees.
//!
//! Goes in: `--set` texts, values files, a chart tree with its defaults. Comes out: one coalesced [`crate::data::Map`] whose
//! untouched subtrees are shared with their sources. Order of work: [`merge`] (files, then [`set`] items), `dependency::process`,
//! [`coalesce`], [`schema`]; [`origin`] finds the source of a value on request.
//! Follows Helm's `pkg/cli/values`, `pkg/strvals` and `pkg/chart/common/util`.

pub mod coalesce;
pub(crate) mod go_text;
pub mod lookup;
pub mod merge;
pub mod origin;
pub mod schema;
pub mod set;
pub(crate) mod table;

/// The key of the values that all subcharts see too (Helm's `common.GlobalKey`).
pub const GLOBAL_KEY: &str = "global";

pub(crate) use go_text::print as print_value;

#[cfg(test)]
pub(crate) mod sample {
    //! Trees for tests, written as JSON.

    use crate::data::Data;

    /// The tree of a JSON text.
    pub(crate) fn data(text: &str) -> Data {
        convert(serde_json::from_str(text).expect("JSON"))
    }

    fn convert(value: serde_json::Value) -> Data {
        match value {
            serde_json::Value::Null => Data::Null,
            serde_json::Value::Bool(truth) => Data::Bool(truth),
            serde_json::Value::Number(number) => Data::Float(number.as_f64().expect("a float")),
            serde_json::Value::String(text) => Data::str(text),
            serde_json::Value::Array(items) => Data::list(items.into_iter().map(convert).collect()),
            serde_json::Value::Object(entries) => Data::map(entries.into_iter().map(|(key, value)| (key.into(), convert(value))).collect()),
        }
    }
}
