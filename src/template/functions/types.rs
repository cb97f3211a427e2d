//! Sprig's functions for types and equality: `typeOf`, `kindIs`, `deepEqual` and so on.
//!
//! Goes in: any values. Comes out: names of Go types, or booleans. Follows sprig/reflect.go and Go's reflect.

use super::Parameter::{Any, Str as Text};
use super::equality::deep_equal;
use super::{Call, Function, Outcome, row};
use crate::template::value::Value;

/// The rows of this topic.
pub const FUNCTIONS: &[Function] = &[
    row("typeOf", &[Any], type_of, "the name of a value's Go type"),
    row("typeIs", &[Text, Any], type_is, "whether a value is of the named Go type"),
    row("typeIsLike", &[Text, Any], type_is_like, "whether a value is of the named Go type or a pointer to it"),
    row("kindOf", &[Any], kind_of, "the name of a value's Go kind"),
    row("kindIs", &[Text, Any], kind_is, "whether a value is of the named Go kind"),
    row("deepEqual", &[Any, Any], is_deep_equal, "whether two values are equal in types and contents"),
];

fn type_of(call: &mut Call) -> Outcome {
    Ok(Value::str(call.value(0).type_name()))
}

fn type_is(call: &mut Call) -> Outcome {
    Ok(Value::Bool(call.bytes(0) == call.value(1).type_name().as_bytes()))
}

fn type_is_like(call: &mut Call) -> Outcome {
    let (target, name) = (call.bytes(0), call.value(1).type_name().as_bytes());
    Ok(Value::Bool(target == name || name.strip_prefix(b"*") == Some(target)))
}

fn kind_of(call: &mut Call) -> Outcome {
    Ok(Value::str(call.value(0).kind_name()))
}

fn kind_is(call: &mut Call) -> Outcome {
    Ok(Value::Bool(call.bytes(0) == call.value(1).kind_name().as_bytes()))
}

fn is_deep_equal(call: &mut Call) -> Outcome {
    Ok(Value::Bool(deep_equal(call.value(0), call.value(1))?))
}
