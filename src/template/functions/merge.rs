//! The merge of Sprig's `merge` and `mergeOverwrite` (dario.cat/mergo 1.0.1).
//!
//! Goes in: a target that changes and a source. Comes out: whether their values fit. Empty values of the target (0, "", false,
//! nil, no items) are replaced; with `overwrite`, all values but maps are replaced, also by empty ones. Maps on both sides are
//! merged in place; entries that the target lacks are shared with the source, not copied.

use super::Fault;
use super::visits::Visits;
use crate::template::format::DEPTH_LIMIT;
use crate::template::value::{Map, MapKind, Value};

/// Merges `source` into `target`. `Ok(false)` if a pointer and another kind meet: mergo's `src and dst must be of same type`.
pub fn merge_into(target: &Map, source: &Map, overwrite: bool) -> Result<bool, Fault> {
    merge_maps(target, source, overwrite, 0, &mut Visits::default())
}

fn merge_maps(target: &Map, source: &Map, overwrite: bool, depth: usize, visits: &mut Visits) -> Result<bool, Fault> {
    if depth > DEPTH_LIMIT {
        return Err(Fault::limit("dicts to merge are nested too deeply"));
    }
    if target.same(source) {
        return Ok(true);
    }
    for (key, value) in source.entries() {
        visits.count()?;
        let held = target.get(key.as_bytes());
        if matches!(value, Value::Nil) {
            if overwrite {
                put(target, source, key, value)?;
            }
            continue;
        }
        let kind = Kind::of(&value);
        let fits = match (&held, &value) {
            (Some(Value::Map(held)), Value::Map(value)) if !held.is_nil() || value.is_nil() => {
                merge_maps(held, value, overwrite, depth + 1, visits)?
            }
            // A pointer in the target refuses a map or struct, unless it will be replaced.
            (Some(held), _) => overwrite || Kind::of(held) != Kind::Pointer || !matches!(kind, Kind::Map | Kind::Struct),
            (None, _) => true,
        };
        if !fits {
            return Ok(false);
        }
        // Checked after the merge, which may just have filled the held map.
        let full = held.as_ref().is_some_and(|held| !is_empty(held));
        if full && (kind == Kind::List || kind == Kind::Map && matches!(held, Some(Value::Map(_)))) {
            if overwrite && kind == Kind::List {
                put(target, source, key, value)?;
            }
            continue;
        }
        if overwrite || !full {
            put(target, source, key, value)?;
        }
    }
    Ok(true)
}

/// Puts an entry of `source` into `target`, if Go's types allow it.
fn put(target: &Map, source: &Map, key: crate::template::value::Str, value: Value) -> Result<(), Fault> {
    if target.kind() == MapKind::Str && source.kind() != MapKind::Str {
        let found = match &value {
            Value::List(list) => list.kind().name(),
            _ => "interface {}",
        };
        return Err(Fault::new(format!("reflect.Value.SetMapIndex: value of type {found} is not assignable to type string")));
    }
    target.insert(key, value);
    Ok(())
}

/// The kind of a value to mergo.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Map,
    List,
    Struct,
    Pointer,
    Scalar,
}

impl Kind {
    fn of(value: &Value) -> Kind {
        match value {
            Value::Map(_) => Kind::Map,
            Value::List(_) | Value::Bytes(_) => Kind::List,
            Value::Object(object) => match object.kind_name() {
                "ptr" => Kind::Pointer,
                "struct" => Kind::Struct,
                _ => Kind::Scalar,
            },
            _ => Kind::Scalar,
        }
    }
}

/// Whether mergo considers the value empty; complex numbers never are.
fn is_empty(value: &Value) -> bool {
    !matches!(value, Value::Complex(_)) && !value.truth()
}
