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
/// The stack that the validator takes for a part that applies within another, at most: more where it is not optimized.
pub(super) const STACK_OF_PART: usize = if cfg!(debug_assertions) { 32 << 10 } else { 5 << 10 };

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

/// Why the values cannot be validated: parts of the schema apply more often than [`MAXIMUM_STEPS`], or within each other deeper than
/// a `stack` of so many bytes allows.
pub(super) fn excess(schema: &Data, values: &Arc<Map>, stack: usize) -> Option<&'static str> {
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
    // Without references no part applies to a value more than once, and none deeper than the schema is.
    if !has_references && parts.saturating_mul(nodes_of(&values)) <= MAXIMUM_STEPS {
        return None;
    }
    let mut referring = HashSet::default();
    if has_references {
        find_referring(schema, &mut referring);
    }
    let deepest = stack / STACK_OF_PART;
    let mut count = Count { root: schema, names, visited: 0, deepest, is_too_deep: false, referring, known: HashMap::default() };
    let extent = count.extent(schema, &values, 0);
    match extent.steps > MAXIMUM_STEPS {
        true => Some("schema applies its parts too often"),
        false => count.is_too_deep.then_some("schema applies its parts too deep within each other"),
    }
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

/// How often parts of a schema apply, and how deep within each other.
#[derive(Clone, Copy, Default)]
struct Extent {
    steps: u64,
    depth: usize,
}

impl Extent {
    const ONE: Extent = Extent { steps: 1, depth: 1 };

    fn beside(self, other: Extent) -> Extent {
        Extent { steps: self.steps.saturating_add(other.steps), depth: self.depth.max(other.depth) }
    }
}

struct Count<'a> {
    root: &'a Data,
    names: HashMap<String, &'a Data>,
    /// How many pairs were looked at, which is not more than their steps.
    visited: u64,
    /// How deep parts may apply within each other, and whether some do deeper.
    deepest: usize,
    is_too_deep: bool,
    /// The parts with references in them.
    referring: HashSet<*const Data, ahash::RandomState>,
    /// What is known by the addresses of part and value, for parts with references: only these can lead to so many steps that the
    /// pairs must be remembered.
    known: HashMap<(*const Data, *const Data), Extent, ahash::RandomState>,
}

impl<'a> Count<'a> {
    /// The extent of a part for a value, `level` parts deep.
    fn extent(&mut self, schema: &'a Data, value: &'a Data, level: usize) -> Extent {
        let Data::Map(map) = schema else { return Extent::ONE };
        let pair = (std::ptr::from_ref(schema), std::ptr::from_ref(value));
        let is_referring = self.referring.contains(&pair.0);
        if is_referring && let Some(known) = self.known.get(&pair) {
            self.is_too_deep |= level + known.depth > self.deepest;
            return *known;
        }
        self.visited += 1;
        // This walk takes less of the stack than the validator would.
        self.is_too_deep |= level > self.deepest;
        if self.is_too_deep || self.visited > MAXIMUM_STEPS {
            return Extent { steps: self.visited, depth: 1 };
        }
        // A part that applies to the same value again within itself is reported by the validator.
        if is_referring {
            self.known.insert(pair, Extent::default());
        }
        let mut within = Extent::default();
        let level = level + 1;
        for (key, part) in map.iter() {
            within = within.beside(match (&**key, part) {
                ("not" | "if" | "then" | "else", part) => self.extent(part, value, level),
                ("allOf" | "anyOf" | "oneOf", Data::List(parts)) => self.all(parts.iter().map(|part| (part, value)), level),
                ("dependentSchemas" | "dependencies", Data::Map(parts)) => self.all(parts.iter().map(|(_, part)| (part, value)), level),
                ("$ref" | "$dynamicRef" | "$recursiveRef", Data::Str(name)) => match self.target(name) {
                    Some(part) => self.extent(part, value, level),
                    None => Extent::ONE,
                },
                (key, part) => self.extent_below(key, part, map, value, level),
            });
        }
        let extent = Extent { steps: within.steps.saturating_add(1), depth: within.depth + 1 };
        if is_referring {
            self.known.insert(pair, extent);
        }
        extent
    }

    /// The extent of keywords that apply to items or entries of the value.
    fn extent_below(&mut self, key: &str, part: &'a Data, schema: &'a Map, value: &'a Data, level: usize) -> Extent {
        match (key, part, value) {
            ("properties", Data::Map(parts), Data::Map(entries)) => {
                self.all(parts.iter().filter_map(|(name, part)| Some((part, entries.get(name)?))), level)
            }
            ("additionalProperties", part, Data::Map(entries)) => {
                let named = schema.get("properties").and_then(Data::as_map);
                let is_named = |name: &str| named.is_some_and(|named| named.get(name).is_some());
                self.all(entries.iter().filter(|(name, _)| !is_named(name)).map(|(_, entry)| (part, entry)), level)
            }
            ("unevaluatedProperties", part, Data::Map(entries)) => self.all(entries.iter().map(|(_, entry)| (part, entry)), level),
            ("patternProperties", Data::Map(parts), Data::Map(entries)) => {
                self.all(parts.iter().flat_map(|(_, part)| entries.iter().map(move |(_, entry)| (part, entry))), level)
            }
            ("items" | "prefixItems", Data::List(parts), Data::List(items)) => self.all(parts.iter().zip(items.iter()), level),
            ("items" | "additionalItems" | "unevaluatedItems" | "contains", part, Data::List(items)) => {
                self.all(items.iter().map(|item| (part, item)), level)
            }
            _ => Extent::default(),
        }
    }

    fn all(&mut self, pairs: impl Iterator<Item = (&'a Data, &'a Data)>, level: usize) -> Extent {
        let mut all = Extent::default();
        for (schema, value) in pairs {
            all = all.beside(self.extent(schema, value, level));
            if all.steps > MAXIMUM_STEPS {
                break;
            }
        }
        all
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
