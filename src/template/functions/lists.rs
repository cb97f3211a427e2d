//! Sprig's functions for lists.
//!
//! Goes in: lists of any Go type (`[]string`, `[]int`, `[]byte`, …). Comes out: mostly new `[]interface {}`, nil where Go returns
//! a nil slice (`rest` of an empty list, `concat` of nothing). A function and its `must` form fail with the same text: one panics
//! with the error that the other returns. Follows sprig/list.go.

use super::Parameter::{Any, Int};
use super::equality::{Known, holds};
use super::{Call, Fault, Function, Outcome, convert, row, variadic};
use crate::template::value::{IntKind, List, ListKind, Room, Value, growth};
use std::borrow::Cow;

/// The rows of this topic.
pub const FUNCTIONS: &[Function] = &[
    variadic("list", &[Any], list, "a list of the arguments"),
    variadic("tuple", &[Any], list, "a list of the arguments"),
    row("append", &[Any, Any], append, "a list with one more item at its end"),
    row("mustAppend", &[Any, Any], append, "a list with one more item at its end"),
    row("push", &[Any, Any], append, "a list with one more item at its end"),
    row("mustPush", &[Any, Any], append, "a list with one more item at its end"),
    row("prepend", &[Any, Any], prepend, "a list with one more item at its start"),
    row("mustPrepend", &[Any, Any], prepend, "a list with one more item at its start"),
    row("first", &[Any], first, "the first item, nil if there is none"),
    row("mustFirst", &[Any], first, "the first item, nil if there is none"),
    row("rest", &[Any], rest, "all items but the first"),
    row("mustRest", &[Any], rest, "all items but the first"),
    row("last", &[Any], last, "the last item, nil if there is none"),
    row("mustLast", &[Any], last, "the last item, nil if there is none"),
    row("initial", &[Any], initial, "all items but the last"),
    row("mustInitial", &[Any], initial, "all items but the last"),
    row("reverse", &[Any], reverse, "the items from last to first"),
    row("mustReverse", &[Any], reverse, "the items from last to first"),
    row("compact", &[Any], compact, "the items that are not empty"),
    row("mustCompact", &[Any], compact, "the items that are not empty"),
    row("uniq", &[Any], unique, "the items without those that stood before"),
    row("mustUniq", &[Any], unique, "the items without those that stood before"),
    variadic("without", &[Any, Any], without, "the items without the given ones"),
    variadic("mustWithout", &[Any, Any], without, "the items without the given ones"),
    row("has", &[Any, Any], has, "whether a list has an item"),
    row("mustHas", &[Any, Any], has, "whether a list has an item"),
    variadic("slice", &[Any, Any], slice, "the items from a position up to another"),
    variadic("mustSlice", &[Any, Any], slice, "the items from a position up to another"),
    variadic("concat", &[Any], concat, "the items of several lists"),
    row("chunk", &[Int, Any], chunk, "the items in lists of the given length"),
    row("mustChunk", &[Int, Any], chunk, "the items in lists of the given length"),
];

/// Go's panic for `reflect.TypeOf(nil).Kind()`.
const NIL_TYPE: &str = "runtime error: invalid memory address or nil pointer dereference";

/// The items of argument `at`, or the fault `MESSAGE KIND` if it is not a list.
fn items<'a>(call: &'a Call, at: usize, message: &str) -> Result<Cow<'a, [Value]>, Fault> {
    match call.value(at) {
        Value::List(list) => Ok(Cow::Borrowed(list.items())),
        Value::Bytes(bytes) => Ok(Cow::Owned(bytes.iter().map(|byte| Value::Int(IntKind::Uint8, i64::from(*byte))).collect())),
        Value::Nil => Err(Fault::new(NIL_TYPE)),
        other => Err(Fault::new(format!("{message} {}", other.kind_name()))),
    }
}

/// A new list, unless it is longer than the host allows. In Go, `append` made it from a list with this capacity.
fn new_list(call: &Call, items: Vec<Value>, capacity: usize) -> Outcome {
    call.check_length(items.len())?;
    let room = growth::appended(ListKind::Any, capacity, items.len()) - items.len();
    Ok(Value::List(List::with_room(ListKind::Any, items, Room::Zeros(room))))
}

/// A list whose items Go appended one at a time.
fn grown(items: Vec<Value>) -> Value {
    Value::List(List::grown(ListKind::Any, items))
}

fn list(call: &mut Call) -> Outcome {
    Ok(Value::list(call.arguments.to_vec()))
}

fn nil_list() -> Value {
    Value::List(List::nil(ListKind::Any))
}

fn append(call: &mut Call) -> Outcome {
    let items = items(call, 0, "Cannot push on type")?;
    let mut longer = Vec::with_capacity(items.len() + 1);
    longer.extend_from_slice(&items);
    longer.push(call.value(1).clone());
    new_list(call, longer, items.len())
}

fn prepend(call: &mut Call) -> Outcome {
    let items = items(call, 0, "Cannot prepend on type")?;
    let mut longer = Vec::with_capacity(items.len() + 1);
    longer.push(call.value(1).clone());
    longer.extend_from_slice(&items);
    new_list(call, longer, 1)
}

fn first(call: &mut Call) -> Outcome {
    Ok(items(call, 0, "Cannot find first on type")?.first().cloned().unwrap_or_default())
}

fn last(call: &mut Call) -> Outcome {
    Ok(items(call, 0, "Cannot find last on type")?.last().cloned().unwrap_or_default())
}

fn rest(call: &mut Call) -> Outcome {
    let items = items(call, 0, "Cannot find rest on type")?;
    Ok(items.split_first().map_or_else(nil_list, |(_, rest)| Value::list(rest.to_vec())))
}

fn initial(call: &mut Call) -> Outcome {
    let items = items(call, 0, "Cannot find initial on type")?;
    Ok(items.split_last().map_or_else(nil_list, |(_, initial)| Value::list(initial.to_vec())))
}

fn reverse(call: &mut Call) -> Outcome {
    Ok(Value::list(items(call, 0, "Cannot find reverse on type")?.iter().rev().cloned().collect()))
}

fn compact(call: &mut Call) -> Outcome {
    let items = items(call, 0, "Cannot compact on type")?;
    Ok(grown(items.iter().filter(|item| item.truth()).cloned().collect()))
}

fn unique(call: &mut Call) -> Outcome {
    let items = items(call, 0, "Cannot find uniq on type")?;
    let mut known = Known::default();
    let mut kept = Vec::new();
    for item in items.iter() {
        if known.insert(item)? {
            kept.push(item.clone());
        }
    }
    Ok(grown(kept))
}

fn without(call: &mut Call) -> Outcome {
    let items = items(call, 0, "Cannot find without on type")?;
    let mut omitted = Known::default();
    for value in call.arguments.get(1..).unwrap_or_default() {
        omitted.insert(value)?;
    }
    let mut kept = Vec::new();
    for item in items.iter() {
        if !omitted.holds(item)? {
            kept.push(item.clone());
        }
    }
    Ok(grown(kept))
}

fn has(call: &mut Call) -> Outcome {
    if matches!(call.value(1), Value::Nil) {
        return Ok(Value::Bool(false));
    }
    let items = items(call, 1, "Cannot find has on type")?;
    Ok(Value::Bool(holds(&items, call.value(0))?))
}

fn slice(call: &mut Call) -> Outcome {
    let items = items(call, 0, "list should be type of slice or array but")?;
    if items.is_empty() {
        return Ok(Value::Nil);
    }
    let position = |at: usize, otherwise: usize| match call.arguments.get(at) {
        Some(index) => usize::try_from(convert::to_int64(index)).ok(),
        None => Some(otherwise),
    };
    let out_of_bounds = || Fault::new("reflect.Value.Slice: slice index out of bounds");
    let (from, to) = (position(1, 0).ok_or_else(out_of_bounds)?, position(2, items.len()).ok_or_else(out_of_bounds)?);
    match call.value(0) {
        Value::Bytes(bytes) => bytes.get(from..to).map(|part| Value::Bytes(part.into())),
        Value::List(list) => list.part(from, to).map(Value::List),
        _ => None,
    }
    .ok_or_else(out_of_bounds)
}

fn concat(call: &mut Call) -> Outcome {
    let mut all = Vec::new();
    for at in 0..call.arguments.len() {
        let items = match call.value(at) {
            Value::List(_) | Value::Bytes(_) | Value::Nil => items(call, at, "")?,
            other => return Err(Fault::new(format!("Cannot concat type {} as list", other.kind_name()))),
        };
        call.check_length(all.len() + items.len())?;
        all.extend_from_slice(&items);
    }
    Ok(if all.is_empty() { nil_list() } else { grown(all) })
}

fn chunk(call: &mut Call) -> Outcome {
    let items = items(call, 1, "Cannot chunk type")?;
    let out_of_range = || Fault::new("runtime error: makeslice: len out of range");
    let (length, size) = (items.len() as f64, call.int(0) as f64);
    // Go counts in floating point, with the conversions of amd64: a size of 0 results in a negative number of chunks.
    let count = convert::float_to_int(((length - 1.0) / size).floor() + 1.0);
    let count = usize::try_from(count).map_err(|_| out_of_range())?;
    if count == 0 {
        return Ok(Value::List(List::new(ListKind::Lists, Vec::new())));
    }
    let size = usize::try_from(call.int(0)).unwrap_or(0);
    if size == 0 {
        // A negative size gives one chunk with `length mod size` items.
        return match items.is_empty() || call.int(0) == -1 {
            true => Err(out_of_range()),
            false => Ok(Value::List(List::new(ListKind::Lists, vec![Value::list(items.to_vec())]))),
        };
    }
    let chunks = items.chunks(size).map(|chunk| Value::list(chunk.to_vec())).collect();
    Ok(Value::List(List::new(ListKind::Lists, chunks)))
}
