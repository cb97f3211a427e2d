//! Whether values can be validated against a schema within bounds, checked before the validator starts.
//!
//! Goes in: a schema, and for the last check the values. Comes out: the fault, if there is one. A schema of a few lines can refer
//! to its parts so that they apply 2⁴⁰ times, and the validator keeps every fault it finds. Here the applications are counted
//! first, visiting each pair of part and value once. Helm has no such bounds.

use super::patterns::Patterns;
use crate::data::{Data, Map};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// Deepest nesting of a schema; the validator's time grows with the square.
const MAXIMUM_DEPTH: usize = 1_000;
/// How often parts of a schema may apply to parts of the values, in total. The validator keeps a fault for each that does not fit.
const MAXIMUM_STEPS: u64 = 20_000_000;

/// The fault in the text of a schema: too deep nesting, or a pattern that is too large.
pub(super) fn fault_of(schema: &Data) -> Option<String> {
    let mut open = vec![(schema, 0)];
    let mut patterns = Patterns::default();
    while let Some((part, depth)) = open.pop() {
        if depth > MAXIMUM_DEPTH {
            return Some(format!("schema is nested deeper than {MAXIMUM_DEPTH} levels"));
        }
        match part {
            Data::List(items) => open.extend(items.iter().map(|item| (item, depth + 1))),
            Data::Map(map) => {
                let pattern = map.get("pattern").and_then(Data::as_str);
                let keys =
                    map.get("patternProperties").and_then(Data::as_map).into_iter().flat_map(|map| map.iter().map(|(key, _)| &**key));
                for pattern in pattern.into_iter().chain(keys) {
                    let fault = match pattern {
                        _ if is_too_large(pattern) => "is not valid regex: expression is too large",
                        _ if !patterns.add(pattern) => "is one of too many large patterns",
                        _ => continue,
                    };
                    return Some(format!("'{}' {fault}", pattern.chars().take(100).collect::<String>()));
                }
                open.extend(map.iter().map(|(_, item)| (item, depth + 1)));
            }
            _ => {}
        }
    }
    None
}

/// A small pattern can be large only through counted repeats.
fn is_too_large(pattern: &str) -> bool {
    pattern.contains('{') && matches!(regex::Regex::new(pattern), Err(regex::Error::CompiledTooBig(_)))
}

/// Whether parts of the schema apply more often than [`MAXIMUM_STEPS`].
pub(super) fn is_endless(schema: &Data, values: &Arc<Map>) -> bool {
    let mut names = HashMap::new();
    let (mut has_references, mut parts) = (false, 0u64);
    let mut open = vec![schema];
    while let Some(part) = open.pop() {
        parts += 1;
        match part {
            Data::List(items) => open.extend(items.iter()),
            Data::Map(map) => {
                has_references |= REFERENCES.iter().any(|key| map.get(key).is_some());
                for key in ["$anchor", "$dynamicAnchor", "$id", "id"] {
                    if let Some(name) = map.get(key).and_then(Data::as_str) {
                        names.insert(name.trim_start_matches('#').to_string(), part);
                    }
                }
                open.extend(map.iter().map(|(_, item)| item));
            }
            _ => {}
        }
    }
    let values = Data::Map(values.clone());
    // Without references no part applies to a value more than once.
    let may_be = has_references || parts.saturating_mul(nodes_of(&values)) > MAXIMUM_STEPS;
    let mut referring = HashSet::default();
    if has_references {
        find_referring(schema, &mut referring);
    }
    let mut count = Count { root: schema, names, visited: 0, referring, known: HashMap::default() };
    may_be && count.steps(schema, &values) > MAXIMUM_STEPS
}

/// Adds the parts that have references in them; whether this is one.
fn find_referring(part: &Data, found: &mut HashSet<*const Data, ahash::RandomState>) -> bool {
    let mut refers = false;
    match part {
        Data::List(items) => items.iter().for_each(|item| refers |= find_referring(item, found)),
        Data::Map(map) => {
            refers = REFERENCES.iter().any(|key| map.get(key).is_some());
            map.iter().for_each(|(_, item)| refers |= find_referring(item, found));
        }
        _ => {}
    }
    if refers {
        found.insert(part);
    }
    refers
}

fn nodes_of(values: &Data) -> u64 {
    let mut count = 0u64;
    let mut open = vec![values];
    while let Some(value) = open.pop() {
        count += 1;
        match value {
            Data::List(items) => open.extend(items.iter()),
            Data::Map(map) => open.extend(map.iter().map(|(_, item)| item)),
            _ => {}
        }
    }
    count
}

const REFERENCES: [&str; 3] = ["$ref", "$dynamicRef", "$recursiveRef"];

struct Count<'a> {
    root: &'a Data,
    names: HashMap<String, &'a Data>,
    /// How many pairs were looked at, which is not more than their steps.
    visited: u64,
    /// The parts with references in them.
    referring: HashSet<*const Data, ahash::RandomState>,
    /// Counts by the addresses of part and value, for parts with references: only these can lead to so many steps that the pairs must
    /// be remembered.
    known: HashMap<(*const Data, *const Data), u64, ahash::RandomState>,
}

impl<'a> Count<'a> {
    fn steps(&mut self, schema: &'a Data, value: &'a Data) -> u64 {
        let Data::Map(map) = schema else { return 1 };
        let pair = (std::ptr::from_ref(schema), std::ptr::from_ref(value));
        let is_referring = self.referring.contains(&pair.0);
        if is_referring && let Some(known) = self.known.get(&pair) {
            return *known;
        }
        self.visited += 1;
        if self.visited > MAXIMUM_STEPS {
            return self.visited;
        }
        // A part that applies to the same value again within itself is reported by the validator.
        if is_referring {
            self.known.insert(pair, 0);
        }
        let mut steps = 1u64;
        for (key, part) in map.iter() {
            let added = match (&**key, part) {
                ("not" | "if" | "then" | "else", part) => self.steps(part, value),
                ("allOf" | "anyOf" | "oneOf", Data::List(parts)) => self.sum(parts.iter().map(|part| (part, value))),
                ("dependentSchemas" | "dependencies", Data::Map(parts)) => self.sum(parts.iter().map(|(_, part)| (part, value))),
                ("$ref" | "$dynamicRef" | "$recursiveRef", Data::Str(name)) => match self.target(name) {
                    Some(part) => self.steps(part, value),
                    None => 1,
                },
                (key, part) => self.steps_below(key, part, map, value),
            };
            steps = steps.saturating_add(added);
        }
        if is_referring {
            self.known.insert(pair, steps);
        }
        steps
    }

    /// The steps of keywords that apply to items or entries of the value.
    fn steps_below(&mut self, key: &str, part: &'a Data, schema: &'a Map, value: &'a Data) -> u64 {
        match (key, part, value) {
            ("properties", Data::Map(parts), Data::Map(entries)) => {
                self.sum(parts.iter().filter_map(|(name, part)| Some((part, entries.get(name)?))))
            }
            ("additionalProperties", part, Data::Map(entries)) => {
                let named = schema.get("properties").and_then(Data::as_map);
                let is_named = |name: &str| named.is_some_and(|named| named.get(name).is_some());
                self.sum(entries.iter().filter(|(name, _)| !is_named(name)).map(|(_, entry)| (part, entry)))
            }
            ("unevaluatedProperties", part, Data::Map(entries)) => self.sum(entries.iter().map(|(_, entry)| (part, entry))),
            ("patternProperties", Data::Map(parts), Data::Map(entries)) => {
                self.sum(parts.iter().flat_map(|(_, part)| entries.iter().map(move |(_, entry)| (part, entry))))
            }
            ("items" | "prefixItems", Data::List(parts), Data::List(items)) => self.sum(parts.iter().zip(items.iter())),
            ("items" | "additionalItems" | "unevaluatedItems" | "contains", part, Data::List(items)) => {
                self.sum(items.iter().map(|item| (part, item)))
            }
            _ => 0,
        }
    }

    fn sum(&mut self, pairs: impl Iterator<Item = (&'a Data, &'a Data)>) -> u64 {
        let mut steps = 0u64;
        for (schema, value) in pairs {
            steps = steps.saturating_add(self.steps(schema, value));
            if steps > MAXIMUM_STEPS {
                break;
            }
        }
        steps
    }

    /// The target of a reference within the document.
    fn target(&self, name: &str) -> Option<&'a Data> {
        let fragment = name.rsplit_once('#').map_or("", |(_, fragment)| fragment);
        if let Some(pointer) = fragment.strip_prefix('/') {
            return pointer.split('/').try_fold(self.root, |part, step| {
                let step = step.replace("~1", "/").replace("~0", "~");
                match part {
                    Data::Map(map) => map.get(&step),
                    Data::List(items) => items.get(step.parse::<usize>().ok()?),
                    _ => None,
                }
            });
        }
        if name == "#" {
            return Some(self.root);
        }
        self.names.get(if fragment.is_empty() { name.trim_end_matches('#') } else { fragment }).copied()
    }
}
