//! Sprig's functions for empty values, and copies of values.
//!
//! Goes in: any values. Comes out: one of them, a boolean, or a copy that shares nothing.
//! Empty values are Go's zero values: 0, false, "", nil, no items. Follows sprig/defaults.go and dict.go.

use super::Parameter::{Any, Bool};
use super::visits::Visits;
use super::{Call, Fault, Function, Outcome, row, variadic};
use crate::template::format::DEPTH_LIMIT;
use crate::template::value::Value;

/// The rows of this topic.
pub const FUNCTIONS: &[Function] = &[
    variadic("default", &[Any, Any], default, "the second value unless it is empty, else the first"),
    row("empty", &[Any], empty, "whether a value is empty"),
    variadic("coalesce", &[Any], coalesce, "the first value that is not empty"),
    variadic("all", &[Any], all, "whether no value is empty"),
    variadic("any", &[Any], any, "whether some value is not empty"),
    row("ternary", &[Any, Any, Bool], ternary, "the first value if the condition holds, else the second"),
    row("deepCopy", &[Any], deep_copy, "a copy that shares nothing with the value"),
    row("mustDeepCopy", &[Any], deep_copy, "a copy that shares nothing with the value"),
];

fn default(call: &mut Call) -> Outcome {
    let given = call.value(1);
    Ok(if given.truth() { given.clone() } else { call.value(0).clone() })
}

fn empty(call: &mut Call) -> Outcome {
    Ok(Value::Bool(!call.value(0).truth()))
}

fn coalesce(call: &mut Call) -> Outcome {
    Ok(call.arguments.iter().find(|value| value.truth()).cloned().unwrap_or_default())
}

fn all(call: &mut Call) -> Outcome {
    Ok(Value::Bool(call.arguments.iter().all(Value::truth)))
}

fn any(call: &mut Call) -> Outcome {
    Ok(Value::Bool(call.arguments.iter().any(Value::truth)))
}

fn ternary(call: &mut Call) -> Outcome {
    Ok(call.value(if call.bool(2) { 0 } else { 1 }).clone())
}

fn deep_copy(call: &mut Call) -> Outcome {
    if matches!(call.value(0), Value::Nil) {
        return Err(Fault::new("reflect: call of reflect.Value.Type on zero Value"));
    }
    if deeper_than(call.value(0), DEPTH_LIMIT, &mut Visits::default())? {
        return Err(Fault::limit("deepCopy error: value is nested too deeply or holds itself"));
    }
    Ok(call.value(0).deep_copy())
}

/// Whether `value` is nested deeper than `limit`, like a map that contains itself. Shared trees are not walked: the parsers limit
/// their depth.
fn deeper_than(value: &Value, limit: usize, visits: &mut Visits) -> Result<bool, Fault> {
    visits.count()?;
    match value {
        Value::Map(map) if map.pristine().is_none() => {
            if limit == 0 {
                return Ok(true);
            }
            for (_, entry) in map.entries() {
                if deeper_than(&entry, limit - 1, visits)? {
                    return Ok(true);
                }
            }
        }
        Value::List(list) if list.pristine().is_none() => {
            if limit == 0 {
                return Ok(true);
            }
            for item in list.items() {
                if deeper_than(item, limit - 1, visits)? {
                    return Ok(true);
                }
            }
        }
        _ => {}
    }
    Ok(false)
}
