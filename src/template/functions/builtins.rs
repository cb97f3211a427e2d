//! The functions of Go's text/template itself.
//!
//! Goes in: evaluated arguments. Comes out: Go's results and error texts. `and`, `or`, `len` and `call` are not here: the
//! evaluator implements them, because they choose which arguments are evaluated or need static types. `slice` is Sprig's in Helm.
//! Follows text/template/funcs.go.

use super::{Call, Fault, Function, Outcome, Parameter, row, variadic};
use crate::quote::printable::is_printable;
use crate::template::format;
use crate::template::value::{IntKind, MapKind, Str, Value, bytes};
use crate::url::query_escape;
use std::cmp::Ordering;

use Parameter::{Any, Reflect, Str as Text};

/// The rows of this topic.
pub const FUNCTIONS: &[Function] = &[
    row("not", &[Reflect], not, "the negation of the argument's truth"),
    variadic("index", &[Reflect, Reflect], index, "the item of nested maps and lists at the given keys"),
    variadic("eq", &[Reflect, Reflect], eq, "whether the first argument equals any of the others"),
    row("ne", &[Reflect, Reflect], ne, "whether the arguments differ"),
    row("lt", &[Reflect, Reflect], lt, "whether the first argument is less than the second"),
    row("le", &[Reflect, Reflect], le, "whether the first argument is at most the second"),
    row("gt", &[Reflect, Reflect], gt, "whether the first argument is greater than the second"),
    row("ge", &[Reflect, Reflect], ge, "whether the first argument is at least the second"),
    variadic("print", &[Any], print, "the arguments as text, spaces between operands that are no strings"),
    variadic("printf", &[Text, Any], printf, "the arguments in Go's format"),
    variadic("println", &[Any], println, "the arguments as text with spaces between them and a line end"),
    variadic("html", &[Any], html, "the arguments as text with HTML's special characters escaped"),
    variadic("js", &[Any], js, "the arguments as text with JavaScript's special characters escaped"),
    variadic("urlquery", &[Any], urlquery, "the arguments as text escaped for a URL's query"),
];

fn not(call: &mut Call) -> Outcome {
    Ok(Value::Bool(!call.value(0).truth()))
}

fn index(call: &mut Call) -> Outcome {
    let mut item = call.value(0).clone();
    if matches!(item, Value::Nil) {
        return Err(Fault::new("index of untyped nil"));
    }
    for key in call.arguments.get(1..).unwrap_or_default() {
        item = match &item {
            Value::Nil => return Err(Fault::new("index of nil pointer")),
            Value::Str(text) => byte_at(text.as_bytes(), key, "string")?,
            Value::Bytes(bytes) => byte_at(bytes, key, "slice")?,
            Value::List(list) => {
                let at = position(key, list.len(), "slice")?;
                list.items().get(at).cloned().unwrap_or_default()
            }
            Value::Map(map) => match key {
                Value::Str(key) => match (map.get(key.as_bytes()), map.kind()) {
                    (Some(value), _) => value,
                    (None, MapKind::Str) => Value::str(""),
                    (None, _) => Value::Nil,
                },
                other => return Err(wrong_key(other)),
            },
            Value::Object(object) if object.kind_name() == "map" => match key {
                Value::Str(key) => object.field(&key.to_text()).unwrap_or_default(),
                other => return Err(wrong_key(other)),
            },
            other => {
                let name = other.type_name();
                return Err(Fault::new(format!("can't index item of type {}", name.strip_prefix('*').unwrap_or(name))));
            }
        };
    }
    Ok(item)
}

fn wrong_key(key: &Value) -> Fault {
    match key {
        Value::Nil => Fault::new("value is nil; should be of type string"),
        other => Fault::new(format!("value has type {}; should be string", other.type_name())),
    }
}

fn byte_at(bytes: &[u8], key: &Value, what: &str) -> Outcome {
    let at = position(key, bytes.len(), what)?;
    Ok(Value::Int(IntKind::Uint8, i64::from(bytes.get(at).copied().unwrap_or(0))))
}

/// A key equal to the length passes Go's check and then panics.
fn position(key: &Value, length: usize, what: &str) -> Result<usize, Fault> {
    let number = match key {
        Value::Int(_, number) => *number,
        Value::Nil => return Err(Fault::new("cannot index slice/array with nil")),
        other => return Err(Fault::new(format!("cannot index slice/array with type {}", other.type_name()))),
    };
    match usize::try_from(number) {
        Ok(at) if at < length => Ok(at),
        Ok(at) if at == length => Err(Fault::new(format!("reflect: {what} index out of range"))),
        _ => Err(Fault::new(format!("index out of range: {number}"))),
    }
}

/// The kinds that Go's comparisons distinguish.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Basic {
    Bool,
    Complex,
    Int,
    Float,
    Text,
    Uint,
}

fn basic(value: &Value) -> Option<Basic> {
    Some(match value {
        Value::Bool(_) => Basic::Bool,
        Value::Int(kind, _) if kind.is_unsigned() => Basic::Uint,
        Value::Int(..) => Basic::Int,
        Value::Float(_) => Basic::Float,
        Value::Complex(_) => Basic::Complex,
        Value::Str(_) => Basic::Text,
        Value::Object(object) => match object.kind_name() {
            "int" | "int8" | "int16" | "int32" | "int64" => Basic::Int,
            "string" => Basic::Text,
            _ => return None,
        },
        _ => return None,
    })
}

fn incompatible(left: &Value, right: &Value) -> Fault {
    Fault::new(format!("incompatible types for comparison: {} and {}", left.type_name(), right.type_name()))
}

fn is_nil(value: &Value) -> bool {
    match value {
        Value::Nil => true,
        Value::Map(map) => map.is_nil(),
        Value::List(list) => list.is_nil(),
        Value::Bytes(bytes) => bytes::is_nil(bytes),
        _ => false,
    }
}

/// The number or string of a named type, which comparisons use.
fn underlying(value: &Value) -> Option<Value> {
    match value {
        Value::Object(object) => object.underlying(),
        _ => None,
    }
}

fn equal(left: &Value, right: &Value) -> Result<bool, Fault> {
    match (left, right) {
        (Value::Str(a), Value::Str(b)) => return Ok(a == b),
        (Value::Bool(a), Value::Bool(b)) => return Ok(a == b),
        (Value::Float(a), Value::Float(b)) => return Ok(a == b),
        (Value::Complex(a), Value::Complex(b)) => return Ok(a == b),
        (Value::Int(a, x), Value::Int(b, y)) => {
            // An unsigned number above the signed range keeps its bits, so a negative number must not equal it.
            return Ok(x == y && (a.is_unsigned() == b.is_unsigned() || *x >= 0));
        }
        _ => {}
    }
    if let (Value::Object(a), Value::Object(b)) = (left, right) {
        return Ok(a.equals(&**b));
    }
    if basic(left) != basic(right) {
        return if matches!(left, Value::Nil) || matches!(right, Value::Nil) { Ok(false) } else { Err(incompatible(left, right)) };
    }
    if let Some(plain) = underlying(left) {
        return equal(&plain, right);
    }
    if let Some(plain) = underlying(right) {
        return equal(left, &plain);
    }
    let (kind, other) = (left.kind_name(), right.kind_name());
    if kind != other && kind != "invalid" && other != "invalid" {
        let (a, b) = (printed(b"%s", left)?, printed(b"%v", right)?);
        return Err(Fault::new(format!("non-comparable types {a}: {}, {}: {b}", left.type_name(), right.type_name())));
    }
    if is_nil(left) || is_nil(right) {
        return Ok(is_nil(left) == is_nil(right));
    }
    Err(Fault::new(format!("non-comparable type {}: {}", printed(b"%s", right)?, right.type_name())))
}

fn printed(format: &[u8], value: &Value) -> Result<String, Fault> {
    Ok(String::from_utf8_lossy(&format::sprintf(format, std::slice::from_ref(value))?).into_owned())
}

fn eq(call: &mut Call) -> Outcome {
    if call.arguments.len() < 2 {
        return Err(Fault::new("missing argument for comparison"));
    }
    for other in call.arguments.get(1..).unwrap_or_default() {
        if equal(call.value(0), other)? {
            return Ok(Value::Bool(true));
        }
    }
    Ok(Value::Bool(false))
}

fn ne(call: &mut Call) -> Outcome {
    Ok(Value::Bool(!equal(call.value(0), call.value(1))?))
}

fn less(left: &Value, right: &Value) -> Result<bool, Fault> {
    let bad = || Fault::new("invalid type for comparison");
    let (a, b) = (basic(left).ok_or_else(bad)?, basic(right).ok_or_else(bad)?);
    if let Some(plain) = underlying(left) {
        return less(&plain, right);
    }
    if let Some(plain) = underlying(right) {
        return less(left, &plain);
    }
    match (left, right) {
        (Value::Int(_, x), Value::Int(_, y)) => Ok(match (a, b) {
            (Basic::Uint, Basic::Uint) => (*x as u64) < (*y as u64),
            (Basic::Int, Basic::Uint) => *x < 0 || (*x as u64) < (*y as u64),
            (Basic::Uint, Basic::Int) => *y >= 0 && (*x as u64) < (*y as u64),
            _ => x < y,
        }),
        (Value::Float(x), Value::Float(y)) => Ok(x < y),
        (Value::Str(x), Value::Str(y)) => Ok(x.cmp(y) == Ordering::Less),
        _ if a == b => Err(bad()),
        _ => Err(incompatible(left, right)),
    }
}

fn lt(call: &mut Call) -> Outcome {
    Ok(Value::Bool(less(call.value(0), call.value(1))?))
}

fn at_most(call: &Call) -> Result<bool, Fault> {
    Ok(less(call.value(0), call.value(1))? || equal(call.value(0), call.value(1))?)
}

fn le(call: &mut Call) -> Outcome {
    Ok(Value::Bool(at_most(call)?))
}

fn gt(call: &mut Call) -> Outcome {
    Ok(Value::Bool(!at_most(call)?))
}

fn ge(call: &mut Call) -> Outcome {
    Ok(Value::Bool(!less(call.value(0), call.value(1))?))
}

fn print(call: &mut Call) -> Outcome {
    Ok(Value::Str(Str::from(format::sprint(call.arguments)?)))
}

fn println(call: &mut Call) -> Outcome {
    Ok(Value::Str(Str::from(format::sprintln(call.arguments)?)))
}

fn printf(call: &mut Call) -> Outcome {
    Ok(Value::Str(Str::from(format::sprintf(call.bytes(0), call.arguments.get(1..).unwrap_or_default())?)))
}

/// The arguments as one text, each as an action would print it.
fn joined(call: &Call) -> Result<Str, Fault> {
    if let [Value::Str(text)] = call.arguments {
        return Ok(text.clone());
    }
    // A nil prints as `<no value>` and then counts as a string, with no space beside it.
    let printable: Vec<Value> =
        call.arguments.iter().map(|value| if matches!(value, Value::Nil) { Value::str("<no value>") } else { value.clone() }).collect();
    Ok(Str::from(format::sprint(&printable)?))
}

fn html(call: &mut Call) -> Outcome {
    let text = joined(call)?;
    let mut out = Vec::with_capacity(text.len());
    for byte in text.as_bytes() {
        match byte {
            0 => out.extend_from_slice("\u{FFFD}".as_bytes()),
            b'"' => out.extend_from_slice(b"&#34;"),
            b'\'' => out.extend_from_slice(b"&#39;"),
            b'&' => out.extend_from_slice(b"&amp;"),
            b'<' => out.extend_from_slice(b"&lt;"),
            b'>' => out.extend_from_slice(b"&gt;"),
            other => out.push(*other),
        }
    }
    Ok(Value::Str(Str::from(out)))
}

fn js(call: &mut Call) -> Outcome {
    let text = joined(call)?;
    let mut out: Vec<u8> = Vec::with_capacity(text.len());
    for chunk in text.as_bytes().utf8_chunks() {
        for character in chunk.valid().chars() {
            match character {
                '\\' => out.extend_from_slice(b"\\\\"),
                '\'' => out.extend_from_slice(b"\\'"),
                '"' => out.extend_from_slice(b"\\\""),
                '<' | '>' | '&' | '=' | '\0'..='\x1f' => {
                    out.extend_from_slice(format!("\\u{:04X}", character as u32).as_bytes());
                }
                _ if character.is_ascii() || is_printable(character) => {
                    out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
                }
                // Go makes no surrogate pairs for characters above U+FFFF.
                _ => out.extend_from_slice(format!("\\u{:04X}", character as u32).as_bytes()),
            }
        }
        for byte in chunk.invalid() {
            // The replacement character is printable, so Go copies the original bytes.
            out.push(*byte);
        }
    }
    Ok(Value::Str(Str::from(out)))
}

fn urlquery(call: &mut Call) -> Outcome {
    Ok(Value::Str(Str::from(query_escape(joined(call)?.as_bytes()))))
}
