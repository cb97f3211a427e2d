//! Methods of Helm's named map and slice types: `common.Values` and `common.VersionSet`.
//!
//! Goes in: a receiver and a name. Comes out: the method with its receiver bound. It is separate from objects, because these
//! values are plain maps and lists whose type has methods. Follows Helm's `pkg/chart/common/values.go`.

use crate::template::functions::{self, Call, Fault, NoHost, Parameter};
use crate::template::value::{List, ListKind, Map, MapKind, Method, Str, Value};

fn text(arguments: &[Value]) -> Str {
    match arguments.first() {
        Some(Value::Str(text)) => text.clone(),
        _ => Str::from(""),
    }
}

/// A method of `common.Values`.
pub(super) fn of_values(map: &Map, name: &str) -> Option<Method> {
    if !matches!(name, "YAML" | "Table" | "AsMap" | "PathValue") {
        return None;
    }
    let map = map.clone();
    Some(match name {
        "YAML" => Method::new(&[], move |_| to_yaml(&map)),
        "AsMap" => {
            Method::new(&[], move |_| Ok(Value::Map(if map.is_empty() { Map::new(MapKind::Any) } else { map.with_kind(MapKind::Any) })))
        }
        "Table" => Method::new(&[Parameter::Str], move |arguments| {
            map.table(text(arguments).as_bytes()).map_err(no_table).map(|map| Value::Map(map.with_kind(MapKind::Values)))
        }),
        _ => Method::new(&[Parameter::Str], move |arguments| path_value(&map, text(arguments).as_bytes())),
    })
}

/// A method of `common.VersionSet`.
pub(super) fn of_list(list: &List, name: &str) -> Option<Method> {
    if list.kind() != ListKind::VersionSet || name != "Has" {
        return None;
    }
    let list = list.clone();
    Some(Method::new(&[Parameter::Str], move |arguments| {
        let wanted = text(arguments);
        Ok(Value::Bool(list.items().iter().any(|item| matches!(item, Value::Str(item) if *item == wanted))))
    }))
}

fn no_table(name: &[u8]) -> Fault {
    Fault::new(format!("{} is not a table", crate::quote::quote(name)))
}

/// The value at a path of keys joined by dots; fails for a map.
fn path_value(map: &Map, path: &[u8]) -> Result<Value, Fault> {
    if path.is_empty() {
        return Err(Fault::new("YAML path cannot be empty"));
    }
    let no_value = |name: &[u8]| Fault::new(format!("{} is not a value", crate::quote::quote(name)));
    let (parent, name) = match path.iter().rposition(|byte| *byte == b'.') {
        Some(dot) => (Some(&path[..dot]), &path[dot + 1..]),
        None => (None, path),
    };
    let holder = match parent {
        Some(parent) => map.table(parent).map_err(|_| no_value(name))?,
        None => map.clone(),
    };
    match holder.get(name) {
        Some(Value::Map(_)) | None => Err(no_value(name)),
        Some(value) => Ok(value),
    }
}

fn to_yaml(map: &Map) -> Result<Value, Fault> {
    let Some(function) = functions::lookup(b"mustToYaml") else { return Ok(Value::str("")) };
    let result = (function.call)(&mut Call { arguments: &[Value::Map(map.clone())], host: &mut NoHost })?;
    Ok(match result {
        Value::Str(text) => {
            let mut bytes = text.as_bytes().to_vec();
            bytes.push(b'\n');
            Value::Str(Str::from(bytes))
        }
        other => other,
    })
}
