//! Go's `fmt` for template values: the output of `{{ x }}`, `print`, `printf`, `println`, `quote` and `toString`.
//!
//! Goes in: values, format texts. Comes out: the same bytes as Go 1.26's fmt, including `%!d(string=hi)` texts. [`print_value`]
//! runs for every action of a template, so scalars have a fast path without allocation. Depth and size are limited: a map that
//! contains itself crashes Go, but must not crash a template.

mod deferred;
mod flags;
mod printer;
mod verbs;

use super::functions::Fault;
use super::value::Value;
use crate::number;

pub use deferred::Deferred;
pub use verbs::sprintf;

/// Values nested deeper (a map that contains itself, for one) are refused.
pub const DEPTH_LIMIT: usize = 400;

/// Most bytes that one call may write.
pub const SIZE_LIMIT: usize = 64 << 20;

/// Appends the output of `{{ value }}`: text/template's `printValue`, `<no value>` for nil.
pub fn print_value(value: &Value, out: &mut Vec<u8>) -> Result<(), Fault> {
    match value {
        Value::Nil => out.extend_from_slice(b"<no value>"),
        Value::Object(object) => printer::Printer::new(out).print_indirect(&**object)?,
        other => return print_plain(other, out),
    }
    Ok(())
}

/// Appends `value` as `%v` prints it: `<nil>` for nil.
pub fn print_plain(value: &Value, out: &mut Vec<u8>) -> Result<(), Fault> {
    match value {
        Value::Str(text) => out.extend_from_slice(text.as_bytes()),
        Value::Int(kind, number) if kind.is_unsigned() => number::write_uint(out, *number as u64),
        Value::Int(_, number) => number::write_int(out, *number),
        Value::Float(number) => number::write_g(out, *number),
        Value::Bool(true) => out.extend_from_slice(b"true"),
        Value::Bool(false) => out.extend_from_slice(b"false"),
        other => return printer::Printer::new(out).print_argument(other, 'v'),
    }
    Ok(())
}

/// `fmt.Sprint`: operands with a space between two that are not strings.
pub fn sprint(values: &[Value]) -> Result<Vec<u8>, Fault> {
    let mut out = Vec::new();
    let mut after_string = true;
    for value in values {
        let string = value.kind_name() == "string";
        if !string && !after_string {
            out.push(b' ');
        }
        print_plain(value, &mut out)?;
        check_size(&out)?;
        after_string = string;
    }
    Ok(out)
}

/// Fails if a call has written too much: to be checked after each operand, because many may be the same long text.
pub(super) fn check_size(out: &[u8]) -> Result<(), Fault> {
    if out.len() > SIZE_LIMIT {
        return Err(Fault::limit(format!("printed text is longer than {SIZE_LIMIT} bytes")));
    }
    Ok(())
}

/// `fmt.Sprintln`: operands with spaces between them and a line end.
pub fn sprintln(values: &[Value]) -> Result<Vec<u8>, Fault> {
    let mut out = Vec::new();
    for (at, value) in values.iter().enumerate() {
        if at > 0 {
            out.push(b' ');
        }
        print_plain(value, &mut out)?;
        check_size(&out)?;
    }
    out.push(b'\n');
    Ok(out)
}

#[cfg(test)]
mod tests;
