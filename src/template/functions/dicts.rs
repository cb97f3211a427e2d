//! Sprig's functions on dicts.
//!
//! Goes in: maps, keys, values. Comes out: maps and values. `set`, `unset` and the merges change their first argument, which all
//! references to it see; `pick`, `omit` and `dict` make new maps whose values are shared. Follows sprig/dict.go.

use super::Parameter::{Any, Map as Dict, Str as Text};
use super::merge::merge_into;
use super::{Call, Fault, Function, Outcome, convert, row, variadic};
use crate::template::format::Deferred;
use crate::template::value::{List, ListKind, Map, MapKind, Value};
use crate::template::work;

/// The rows of this topic.
pub const FUNCTIONS: &[Function] = &[
    variadic("dict", &[Any], dict, "a dict of keys and values"),
    row("get", &[Dict, Text], get, "the value under a key, an empty text if there is none"),
    row("set", &[Dict, Text, Any], set, "puts a value under a key"),
    row("unset", &[Dict, Text], unset, "takes a key out"),
    row("hasKey", &[Dict, Text], has_key, "whether a dict has a key"),
    variadic("pluck", &[Text, Dict], pluck, "the values under a key in several dicts"),
    variadic("keys", &[Dict], keys, "the keys of dicts"),
    variadic("pick", &[Dict, Text], pick, "a dict of the given keys alone"),
    variadic("omit", &[Dict, Text], omit, "a dict without the given keys"),
    variadic("merge", &[Dict, Dict], merge, "fills what the first dict lacks from the others"),
    variadic("mustMerge", &[Dict, Dict], must_merge, "fills what the first dict lacks from the others"),
    variadic("mergeOverwrite", &[Dict, Dict], merge_overwrite, "lays the other dicts over the first"),
    variadic("mustMergeOverwrite", &[Dict, Dict], must_merge_overwrite, "lays the other dicts over the first"),
    row("values", &[Dict], values, "the values of a dict"),
    variadic("dig", &[Any], dig, "the value under a path of keys, or a default"),
];

fn dict(call: &mut Call) -> Outcome {
    let map = Map::new(MapKind::Any);
    for pair in call.arguments.chunks(2) {
        let [key, rest @ ..] = pair else { break };
        let value = rest.first().cloned().unwrap_or_else(|| Value::str(""));
        match key {
            Value::Map(_) | Value::List(_) | Value::Object(_) => map.insert_printed(Deferred::print(key)?, value),
            _ => map.insert(convert::to_text(key)?, value),
        }
    }
    Ok(Value::Map(map))
}

/// The map argument `at`, for reading.
fn view<'a>(call: &'a Call, at: usize) -> Option<&'a Map> {
    match call.value(at) {
        Value::Map(map) => Some(map),
        _ => None,
    }
}

/// The map argument `at` as Go passes it: converted to `map[string]interface {}`, entries shared.
fn plain(call: &Call, at: usize) -> Map {
    call.map(at).with_kind(MapKind::Any)
}

fn get(call: &mut Call) -> Outcome {
    Ok(view(call, 0).and_then(|map| map.get(call.bytes(1))).unwrap_or_else(|| Value::str("")))
}

fn set(call: &mut Call) -> Outcome {
    let map = plain(call, 0);
    if map.is_nil() {
        return Err(Fault::new("assignment to entry in nil map"));
    }
    map.insert(call.str(1), call.value(2).clone());
    Ok(Value::Map(map))
}

fn unset(call: &mut Call) -> Outcome {
    let map = plain(call, 0);
    map.remove(call.bytes(1));
    Ok(Value::Map(map))
}

fn has_key(call: &mut Call) -> Outcome {
    Ok(Value::Bool(view(call, 0).is_some_and(|map| map.contains_key(call.bytes(1)))))
}

fn pluck(call: &mut Call) -> Outcome {
    let key = call.bytes(0);
    let found = (1..call.arguments.len()).filter_map(|at| view(call, at)?.get(key)).collect();
    Ok(Value::List(List::grown(ListKind::Any, found)))
}

/// Go returns the keys in random order; here they are sorted, one dict after the other.
fn keys(call: &mut Call) -> Outcome {
    let keys = (0..call.arguments.len()).filter_map(|at| view(call, at)).flat_map(Map::keys).map(Value::Str).collect();
    Ok(Value::List(List::grown(ListKind::Str, keys)))
}

fn values(call: &mut Call) -> Outcome {
    let entries = view(call, 0).map(Map::entries).unwrap_or_default();
    Ok(Value::List(List::grown(ListKind::Any, entries.into_iter().map(|(_, value)| value).collect())))
}

fn pick(call: &mut Call) -> Outcome {
    let picked = Map::new(MapKind::Any);
    if let Some(map) = view(call, 0) {
        for at in 1..call.arguments.len() {
            if let Some(value) = map.get(call.bytes(at)) {
                picked.insert(call.str(at), value);
            }
        }
    }
    Ok(Value::Map(picked))
}

fn omit(call: &mut Call) -> Outcome {
    let entries = view(call, 0).map(Map::entries).unwrap_or_default();
    let omitted: Vec<&[u8]> = (1..call.arguments.len()).map(|at| call.bytes(at)).collect();
    work::charge_read(entries.len().saturating_mul(omitted.len()))?;
    Ok(Value::map(entries.into_iter().filter(|(key, _)| !omitted.contains(&key.as_bytes()))))
}

/// The result of a merge; `Ok(None)` if its arguments do not fit, which only the `must` forms report.
fn merged(call: &Call, overwrite: bool) -> Result<Option<Value>, Fault> {
    let mut target = plain(call, 0);
    for at in 1..call.arguments.len() {
        let source = plain(call, at);
        if target.is_nil() && !source.is_nil() {
            target = Map::new(MapKind::Any);
        }
        if !merge_into(&target, &source, overwrite)? {
            return Ok(None);
        }
    }
    Ok(Some(Value::Map(target)))
}

fn merge(call: &mut Call) -> Outcome {
    Ok(merged(call, false)?.unwrap_or_else(|| Value::str("")))
}

fn merge_overwrite(call: &mut Call) -> Outcome {
    Ok(merged(call, true)?.unwrap_or_else(|| Value::str("")))
}

fn must_merge(call: &mut Call) -> Outcome {
    merged(call, false)?.ok_or_else(unlike_types)
}

fn must_merge_overwrite(call: &mut Call) -> Outcome {
    merged(call, true)?.ok_or_else(unlike_types)
}

fn unlike_types() -> Fault {
    Fault::new("src and dst must be of same type")
}

/// Go's message for a value that does not have the asserted type.
fn not_a(value: &Value, wanted: &str) -> Fault {
    let found = if matches!(value, Value::Nil) { "nil" } else { value.type_name() };
    Fault::new(format!("interface conversion: interface {{}} is {found}, not {wanted}"))
}

/// Exactly a `map[string]interface {}`: to a Go assertion, `common.Values` is another type.
fn plain_map(value: &Value) -> Result<&Map, Fault> {
    match value {
        Value::Map(map) if map.kind() == MapKind::Any => Ok(map),
        other => Err(not_a(other, "map[string]interface {}")),
    }
}

fn dig(call: &mut Call) -> Outcome {
    let [keys @ .., default, dict] = call.arguments else {
        return Err(Fault::new("dig needs at least three arguments"));
    };
    if keys.is_empty() {
        return Err(Fault::new("dig needs at least three arguments"));
    }
    let mut map = plain_map(dict)?.clone();
    for key in keys {
        if !matches!(key, Value::Str(_)) {
            return Err(not_a(key, "string"));
        }
    }
    let mut found = Value::Nil;
    for (at, key) in keys.iter().enumerate() {
        if at > 0 {
            map = plain_map(&found)?.clone();
        }
        let Value::Str(key) = key else { continue };
        match map.get(key.as_bytes()) {
            Some(value) => found = value,
            None => return Ok(default.clone()),
        }
    }
    Ok(found)
}
