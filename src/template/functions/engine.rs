//! The functions that Helm's engine adds, except `include` and `tpl`, which the evaluator implements because they execute
//! templates.
//!
//! Goes in: evaluated arguments. Comes out: Helm's results. `required` and `fail` mark their text, so that the engine finds it in
//! the error and shows only that; in lint mode both continue. Follows Helm's engine.go.

use super::{Call, Fault, Function, Outcome, Parameter, row};
use crate::diagnostic::Level;
use crate::template::value::{Map, MapKind, Value};

use Parameter::{Any, Str as Text};

/// The rows of this topic.
pub const FUNCTIONS: &[Function] = &[
    row("required", &[Text, Any], required, "the second argument, or a fault with the first as text if it is nil or empty"),
    row("fail", &[Text], fail, "a fault with this text"),
    row("lookup", &[Text, Text, Text, Text], lookup, "an empty map: no cluster is asked"),
];

/// Markers around the text of a deliberate fault, as in Helm.
pub(crate) const WARN_START: &str = "HELM_ERR_START";
pub(crate) const WARN_END: &str = "HELM_ERR_END";

fn deliberate(text: &str) -> Fault {
    Fault::new(format!("{WARN_START}{text}{WARN_END}"))
}

fn required(call: &mut Call) -> Outcome {
    let title = match call.value(1) {
        Value::Nil => "missing required value",
        Value::Str(text) if text.is_empty() => "missing required values",
        other => return Ok(other.clone()),
    };
    let text = call.text(0).into_owned();
    if call.host.pass_over(Level::Warn, title, &text) { Ok(Value::str("")) } else { Err(deliberate(&text)) }
}

fn fail(call: &mut Call) -> Outcome {
    let text = call.text(0).into_owned();
    if call.host.pass_over(Level::Info, "funcMap fail", &text) { Ok(Value::str("")) } else { Err(deliberate(&text)) }
}

fn lookup(_: &mut Call) -> Outcome {
    Ok(Value::Map(Map::new(MapKind::Any)))
}
