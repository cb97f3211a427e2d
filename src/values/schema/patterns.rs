//! The patterns of a schema, which are Go's regular expressions to Helm (santhosh-tekuri/jsonschema uses package regexp) and
//! those of JavaScript to the validator.
//!
//! Goes in: a schema. Comes out: the same schema with patterns that mean to the validator what they mean to Go, and a memory of
//! what they were, so that faults show them as they were written. Keys of `patternProperties` stay as they are: they are addresses.

use crate::data::{Data, Map};
use crate::regexp;
use std::sync::Arc;

/// No pattern in any syntax: stands for one that Go refuses.
const REFUSED: &str = "(";

/// Parts of a schema that are data, whatever they look like.
const DATA: [&str; 4] = ["const", "enum", "default", "examples"];

/// The schema with its patterns translated; itself if it has none.
pub(super) fn translated(schema: &Data) -> Data {
    changed(schema).unwrap_or_else(|| schema.clone())
}

/// `None` when nothing is to be changed.
fn changed(part: &Data) -> Option<Data> {
    match part {
        Data::List(items) => {
            let new: Vec<Option<Data>> = items.iter().map(changed).collect();
            let any = new.iter().any(Option::is_some);
            any.then(|| Data::list(new.into_iter().zip(items.iter()).map(|(new, old)| new.unwrap_or_else(|| old.clone())).collect()))
        }
        Data::Map(map) => {
            let new = |key: &str, value: &Data| match value {
                Data::Str(pattern) if key == "pattern" => {
                    let pattern = regexp::translate(pattern.as_bytes()).map_or(REFUSED.to_string(), |translated| translated.pattern);
                    Some(Data::str(pattern))
                }
                _ if DATA.contains(&key) => None,
                value => changed(value),
            };
            let new: Vec<Option<Data>> = map.iter().map(|(key, value)| new(key, value)).collect();
            let any = new.iter().any(Option::is_some);
            let entries = || {
                let entries = new.iter().zip(map.iter());
                entries.map(|(new, (key, old))| (key.clone(), new.clone().unwrap_or_else(|| old.clone()))).collect()
            };
            any.then(|| Data::Map(Arc::new(Map::from_entries(entries()))))
        }
        _ => None,
    }
}

/// The pattern as it was written in the part of `schema` at this address (`file:///values.schema.json#/properties/a`).
pub(super) fn written<'a>(schema: &'a Data, url: &str) -> Option<&'a str> {
    let pointer = url.strip_prefix(super::SCHEMA_URL)?.strip_prefix('#')?;
    at(schema, pointer.split('/').skip(1).map(super::unescaped))?.as_map()?.get("pattern")?.as_str()
}

/// What Go says of the pattern that is the value at `steps` in the schema; `None` if there is none, or nothing wrong with it.
pub(super) fn fault(schema: &Data, steps: impl Iterator<Item = String>) -> Option<(&str, String)> {
    let pattern = at(schema, steps)?.as_str()?;
    Some((pattern, regexp::translate(pattern.as_bytes()).err()?))
}

fn at(schema: &Data, mut steps: impl Iterator<Item = String>) -> Option<&Data> {
    steps.try_fold(schema, |part, step| match part {
        Data::Map(map) => map.get(&step),
        Data::List(items) => items.get(step.parse::<usize>().ok()?),
        _ => None,
    })
}
