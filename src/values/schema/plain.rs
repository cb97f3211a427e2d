//! Values that a simple schema certainly admits.
//!
//! Goes in: a schema and values. Comes out: yes, or no answer. Most charts have simple schemas with few keywords, and most values
//! fit them. Finding that out takes a twentieth of the validator's start-up time: it compiles the schemas of all drafts first, and
//! then this schema in time that grows with the square of its parts. Anything uncertain is left to the validator: unknown
//! keywords, a schema that is not well formed, a value that does not fit. So only the validator finds and reports faults. In test
//! builds it also confirms every yes.
//!
//! The required form of each keyword is that of the drafts' own schemas (json-schema.org), the strictest of all drafts.

use super::patterns::{self, Patterns};
use super::{EXACT, drafts};
use crate::data::{Data, Items, Map};
use crate::regexp;
use regex::{Regex, RegexBuilder};
use std::cell::{Cell, OnceCell};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// Deepest nesting of a schema, and of applying its parts.
const DEPTH_LIMIT: usize = 100;

/// How often keywords of a schema are applied to values at most, where each name, pattern and listed value counts. More than the
/// validator may do: values that fit take no memory here.
const STEPS_LIMIT: usize = 50_000_000;

/// How many steps it counts to look for a pattern.
const STEPS_OF_A_SEARCH: usize = 50;
/// How many more it counts for each byte of the text where the pattern is large: that may take 20 us.
const STEPS_OF_A_LARGE_BYTE: usize = 200;

/// How many bytes of a text count as one step.
const BYTES_OF_A_STEP: usize = 256;

/// How many values, unless all are strings, are compared with each other at most.
const VALUES_LIMIT: usize = 100;

/// Formats of numbers and of display, which the validator does not know. The formats that it knows are left to it.
const FORMATS_WITHOUT_RULES: [&str; 10] =
    ["int32", "int64", "uint16", "uint32", "uint64", "float", "double", "int-or-string", "password", "textarea"];

/// Keywords of any draft that are not implemented here.
const WORDS_OF_THE_VALIDATOR: [&str; 16] = [
    "id",
    "additionalItems",
    "prefixItems",
    "contains",
    "minContains",
    "maxContains",
    "propertyNames",
    "dependencies",
    "dependentRequired",
    "dependentSchemas",
    "unevaluatedItems",
    "unevaluatedProperties",
    "multipleOf",
    "contentEncoding",
    "contentMediaType",
    "contentSchema",
];

/// Keywords that draft 4 does not have.
const LATER_WORDS: [&str; 6] = ["const", "exclusiveMinimum", "exclusiveMaximum", "if", "then", "else"];

/// A schema whose keywords are all known.
pub(super) struct Plain<'a> {
    root: &'a Data,
    draft: u32,
    patterns: HashMap<&'a str, OnceCell<Option<Pattern>>, ahash::RandomState>,
    memory: Patterns<'a>,
    /// The parts that were checked.
    seen: HashSet<*const Data, ahash::RandomState>,
    steps: Cell<usize>,
}

/// Whether a part of a schema admits a value.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Verdict {
    Yes,
    No,
    Unknown,
}
use Verdict::{No, Unknown, Yes};

impl From<bool> for Verdict {
    fn from(admits: bool) -> Verdict {
        if admits { Yes } else { No }
    }
}

impl Verdict {
    /// The verdict when both must admit.
    fn and(self, other: impl FnOnce() -> Verdict) -> Verdict {
        match self {
            No => No,
            Yes => other(),
            Unknown => {
                if other() == No {
                    No
                } else {
                    Unknown
                }
            }
        }
    }

    /// The verdict when all must admit.
    fn all(mut verdicts: impl Iterator<Item = Verdict>) -> Verdict {
        let mut all = Yes;
        while all != No {
            let Some(verdict) = verdicts.next() else { return all };
            all = all.and(|| verdict);
        }
        No
    }

    /// The verdict when at least one must admit.
    fn any(verdicts: impl Iterator<Item = Verdict>) -> Verdict {
        Verdict::all(verdicts.map(Verdict::opposite)).opposite()
    }

    /// The verdict when exactly one must admit.
    fn exactly_one(verdicts: impl Iterator<Item = Verdict>) -> Verdict {
        let mut one = No;
        for verdict in verdicts {
            one = match (one, verdict) {
                (_, Unknown) => return Unknown,
                (Yes, Yes) => return No,
                (one, No) => one,
                (_, Yes) => Yes,
            };
        }
        one
    }

    fn opposite(self) -> Verdict {
        match self {
            Yes => No,
            No => Yes,
            Unknown => Unknown,
        }
    }
}

impl<'a> Plain<'a> {
    /// The schema, if all its keywords are known and it is well formed.
    pub(super) fn of(root: &'a Data) -> Option<Plain<'a>> {
        let draft = root.as_map()?.get("$schema").map_or(Some(drafts::LATEST), |address| drafts::named(address.as_str()?))?;
        let mut plain =
            Plain { root, draft, patterns: HashMap::default(), memory: Patterns::default(), seen: HashSet::default(), steps: Cell::new(0) };
        plain.is_known(root, 0).then_some(plain)
    }

    /// Whether the values certainly fit; `false` means unknown.
    pub(super) fn admits(&self, values: &Arc<Map>) -> bool {
        self.steps.set(0);
        self.verdict(self.root, &Data::Map(values.clone()), 0) == Yes
    }

    /// Whether this part is a well-formed schema of known keywords.
    fn is_known(&mut self, schema: &'a Data, depth: usize) -> bool {
        if !self.seen.insert(schema) {
            return true;
        }
        match schema {
            Data::Bool(_) => self.draft >= 6 && depth > 0,
            // Before draft 2019-09, keywords of draft 4 are ignored beside a `$ref`, but later ones are not.
            Data::Map(map) if self.draft < 2019 && map.contains_key("$ref") && LATER_WORDS.iter().any(|word| map.contains_key(word)) => {
                false
            }
            Data::Map(map) => depth < DEPTH_LIMIT && map.iter().all(|(word, value)| self.is_known_word(word, value, depth)),
            _ => false,
        }
    }

    fn is_known_word(&mut self, word: &str, value: &'a Data, depth: usize) -> bool {
        match word {
            "default" => true,
            "title" | "description" | "$comment" | "format" => value.as_str().is_some(),
            "readOnly" | "writeOnly" | "deprecated" | "uniqueItems" => matches!(value, Data::Bool(_)),
            "examples" => value.as_list().is_some(),
            "type" => match value {
                Data::Str(name) => is_type(name),
                Data::List(names) => distinct_texts(names) && !names.is_empty() && names.iter().filter_map(Data::as_str).all(is_type),
                _ => false,
            },
            "required" => value.as_list().is_some_and(|names| distinct_texts(names) && (self.draft > 4 || !names.is_empty())),
            "enum" => value.as_list().is_some_and(|values| self.draft >= 2019 || distinct_scalars(values) && !values.is_empty()),
            "minProperties" | "maxProperties" | "minItems" | "maxItems" | "minLength" | "maxLength" => {
                number(value).is_some_and(|number| number.fract() == 0.0 && number >= 0.0)
            }
            "minimum" | "maximum" => number(value).is_some(),
            "exclusiveMinimum" | "exclusiveMaximum" => self.draft > 4 && number(value).is_some(),
            "const" => self.draft > 4,
            "pattern" => value.as_str().is_some_and(|pattern| self.is_pattern(pattern)),
            "properties" | "definitions" | "$defs" => self.are_known(value, depth),
            "patternProperties" => {
                let Data::Map(map) = value else { return false };
                map.iter().all(|(pattern, _)| self.is_pattern(pattern)) && self.are_known(value, depth)
            }
            "additionalProperties" => matches!(value, Data::Bool(_)) || self.is_known(value, depth + 1),
            "items" | "not" => self.is_known(value, depth + 1),
            "if" | "then" | "else" => self.draft >= 7 && self.is_known(value, depth + 1),
            "allOf" | "anyOf" | "oneOf" => {
                let Data::List(parts) = value else { return false };
                !parts.is_empty() && parts.iter().all(|part| self.is_known(part, depth + 1))
            }
            "$ref" => match value.as_str().and_then(|reference| target(self.root, reference)) {
                Some(target) => self.is_known(target, depth + 1),
                None => false,
            },
            // Below the top it has no effect.
            "$schema" => value.as_str().and_then(drafts::named).is_some(),
            "$id" => depth == 0 && self.draft > 4 && value.as_str().is_some_and(is_plain_address),
            word => !word.starts_with('$') && !WORDS_OF_THE_VALIDATOR.contains(&word),
        }
    }

    /// Whether these are named schemas, all of them known.
    fn are_known(&mut self, schemas: &'a Data, depth: usize) -> bool {
        schemas.as_map().is_some_and(|map| map.iter().all(|(_, schema)| self.is_known(schema, depth + 1)))
    }

    /// Whether this is a pattern both to Go and to the validator. Compiled only when used, except with a counted repeat, since
    /// only that can make it too large.
    fn is_pattern(&mut self, pattern: &'a str) -> bool {
        if !self.memory.add(pattern) {
            return false;
        }
        let regex = self.patterns.entry(pattern).or_default();
        if pattern.contains('{') { regex.get_or_init(|| compile(pattern)).is_some() } else { regexp::translate(pattern.as_bytes()).is_ok() }
    }

    fn matches(&self, pattern: &str, text: &str) -> Verdict {
        if !self.spend(STEPS_OF_A_SEARCH) {
            return Unknown;
        }
        match self.patterns.get(pattern).and_then(|regex| regex.get_or_init(|| compile(pattern)).as_ref()) {
            Some(pattern) if pattern.is_large && !self.spend(text.len().saturating_mul(STEPS_OF_A_LARGE_BYTE)) => Unknown,
            Some(pattern) => pattern.regex.is_match(text).into(),
            None => Unknown,
        }
    }

    /// Counts `steps` more steps; whether the limit allows them.
    fn spend(&self, steps: usize) -> bool {
        self.steps.set(self.steps.get().saturating_add(steps));
        self.steps.get() <= STEPS_LIMIT
    }

    /// Whether a part of the schema admits a value.
    fn verdict(&self, schema: &Data, value: &Data, depth: usize) -> Verdict {
        let bytes = value.as_str().map_or(0, str::len);
        if depth > DEPTH_LIMIT || matches!(value, Data::Bytes(_)) || !self.spend(1 + bytes / BYTES_OF_A_STEP) {
            return Unknown;
        }
        let words = match schema {
            Data::Map(words) => words,
            Data::Bool(admits) => return (*admits).into(),
            _ => return Unknown,
        };
        let mut all = Yes;
        if let Some(reference) = words.get("$ref").and_then(Data::as_str) {
            all = target(self.root, reference).map_or(Unknown, |target| self.verdict(target, value, depth + 1));
            if self.draft < 2019 {
                return all;
            }
        }
        for (word, rule) in words.iter() {
            all = all.and(|| self.word_verdict(words, word, rule, value, depth));
            if all == No {
                break;
            }
        }
        all
    }

    /// Whether one keyword of a part admits a value.
    fn word_verdict(&self, words: &Map, word: &str, rule: &Data, value: &Data, depth: usize) -> Verdict {
        let apply = |part: &Data| self.verdict(part, value, depth + 1);
        let apply_to = |part: &Data, value: &Data| self.verdict(part, value, depth + 1);
        let limit = |count: usize, holds: fn(&f64, &f64) -> bool| {
            #[expect(clippy::cast_precision_loss, reason = "no list is as long")]
            number(rule).map_or(Unknown, |limit| holds(&(count as f64), &limit).into())
        };
        let steps = match (word, rule, value) {
            ("enum" | "required", Data::List(items), _) => items.len(),
            ("properties" | "additionalProperties", _, Data::Map(map)) => map.len(),
            _ => 0,
        };
        if !self.spend(steps) {
            return Unknown;
        }
        match (word, rule, value) {
            ("type", Data::Str(name), _) => has_type(value, name),
            ("type", Data::List(names), _) => Verdict::any(names.iter().filter_map(Data::as_str).map(|name| has_type(value, name))),
            ("enum", Data::List(values), _) => Verdict::any(values.iter().map(|known| are_equal(known, value))),
            ("const", known, _) => are_equal(known, value),
            ("allOf", Data::List(parts), _) => Verdict::all(parts.iter().map(apply)),
            ("anyOf", Data::List(parts), _) => Verdict::any(parts.iter().map(apply)),
            ("oneOf", Data::List(parts), _) => Verdict::exactly_one(parts.iter().map(apply)),
            ("not", part, _) => apply(part).opposite(),
            ("if", condition, _) => match apply(condition) {
                Yes => words.get("then").map_or(Yes, apply),
                No => words.get("else").map_or(Yes, apply),
                Unknown => Unknown,
            },

            ("properties", Data::Map(parts), Data::Map(map)) => Verdict::all(
                map.iter().filter_map(|(name, value)| Some((parts.get(name)?, value))).map(|(part, value)| apply_to(part, value)),
            ),
            ("patternProperties", Data::Map(parts), Data::Map(map)) => Verdict::all(
                parts.iter().flat_map(|(pattern, part)| map.iter().map(move |(name, value)| (pattern, part, name, value))).map(
                    |(pattern, part, name, value)| match self.matches(pattern, name) {
                        Yes => apply_to(part, value),
                        No => Yes,
                        Unknown => Unknown,
                    },
                ),
            ),
            ("additionalProperties", part, Data::Map(map)) => {
                Verdict::all(map.iter().map(|(name, value)| match self.is_named(words, name) {
                    Yes => Yes,
                    No => apply_to(part, value),
                    Unknown => Unknown,
                }))
            }
            ("required", Data::List(names), Data::Map(map)) => {
                names.iter().filter_map(Data::as_str).all(|name| map.contains_key(name)).into()
            }
            ("minProperties", _, Data::Map(map)) => limit(map.len(), f64::ge),
            ("maxProperties", _, Data::Map(map)) => limit(map.len(), f64::le),

            ("items", part, Data::List(items)) => Verdict::all(items.iter().map(|item| apply_to(part, item))),
            ("uniqueItems", Data::Bool(true), Data::List(items)) => match items.len() {
                0 | 1 => Yes,
                _ if items.iter().all(|item| item.as_str().is_some()) => distinct_texts(items).into(),
                _ => Unknown,
            },
            ("minItems", _, Data::List(items)) => limit(items.len(), f64::ge),
            ("maxItems", _, Data::List(items)) => limit(items.len(), f64::le),

            ("pattern", Data::Str(pattern), Data::Str(text)) => self.matches(pattern, text),
            ("minLength", _, Data::Str(text)) => limit(text.chars().count(), f64::ge),
            ("maxLength", _, Data::Str(text)) => limit(text.chars().count(), f64::le),
            // Later drafts treat formats as annotations.
            ("format", Data::Str(format), Data::Str(_)) if self.draft < 2019 && !FORMATS_WITHOUT_RULES.contains(&&**format) => Unknown,

            ("minimum", _, Data::Int(_) | Data::Float(_)) => compare(value, rule, f64::ge),
            ("maximum", _, Data::Int(_) | Data::Float(_)) => compare(value, rule, f64::le),
            ("exclusiveMinimum", _, Data::Int(_) | Data::Float(_)) => compare(value, rule, f64::gt),
            ("exclusiveMaximum", _, Data::Int(_) | Data::Float(_)) => compare(value, rule, f64::lt),
            _ => Yes,
        }
    }

    /// Whether a name of an object is among its `properties` or fits one of its `patternProperties`.
    fn is_named(&self, words: &Map, name: &str) -> Verdict {
        if words.get("properties").and_then(Data::as_map).is_some_and(|properties| properties.contains_key(name)) {
            return Yes;
        }
        let patterns = words.get("patternProperties").and_then(Data::as_map);
        Verdict::any(patterns.iter().flat_map(|patterns| patterns.iter()).map(|(pattern, _)| self.matches(pattern, name)))
    }
}

/// A compiled pattern.
struct Pattern {
    regex: Regex,
    /// Whether it is larger than the validator allows (`^\p{L}{1,255}$`).
    is_large: bool,
}

/// A pattern in Go's syntax.
fn compile(pattern: &str) -> Option<Pattern> {
    let translated = regexp::translate(pattern.as_bytes()).ok()?.pattern;
    match Regex::new(&translated) {
        Ok(regex) => Some(Pattern { regex, is_large: false }),
        Err(regex::Error::CompiledTooBig(_)) => {
            let regex = RegexBuilder::new(&translated).size_limit(patterns::LIMIT).build().ok()?;
            Some(Pattern { regex, is_large: true })
        }
        Err(_) => None,
    }
}

/// The target of a reference within the schema, if the reference has no escapes.
fn target<'s>(root: &'s Data, reference: &str) -> Option<&'s Data> {
    let mut steps = reference.strip_prefix('#')?.split('/');
    if !steps.next()?.is_empty() {
        return None;
    }
    let is_plain = |step: &str| step.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._$".contains(&byte));
    steps.try_fold(root, |part, step| part.as_map()?.get(step).filter(|_| is_plain(step)))
}

/// Whether every URL parser reads this address alike, and it names no draft.
fn is_plain_address(address: &str) -> bool {
    let Some(rest) = address.strip_prefix("http://").or_else(|| address.strip_prefix("https://")) else { return false };
    let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
    let is_plain = |text: &str| text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-.".contains(&byte));
    let path = path.to_ascii_lowercase();
    !host.is_empty() && is_plain(host) && host != "json-schema.org" && path.split('/').all(|step| is_plain(&step.replace('_', "-")))
}

fn is_type(name: &str) -> bool {
    matches!(name, "null" | "boolean" | "integer" | "number" | "string" | "array" | "object")
}

fn has_type(value: &Data, name: &str) -> Verdict {
    match (value, name) {
        (Data::Null, "null")
        | (Data::Bool(_), "boolean")
        | (Data::Str(_), "string")
        | (Data::List(_), "array")
        | (Data::Map(_), "object") => Yes,
        (Data::Int(_) | Data::Float(_), "number") => number(value).map_or(Unknown, |_| Yes),
        (Data::Int(_) | Data::Float(_), "integer") => number(value).map_or(Unknown, |number| (number.fract() == 0.0).into()),
        _ => No,
    }
}

/// A number that the validator reads as the same one.
fn number(value: &Data) -> Option<f64> {
    match value {
        #[expect(clippy::cast_precision_loss, reason = "those that lose are left out")]
        Data::Int(number) => Some(*number as f64).filter(|number| number.abs() <= EXACT),
        Data::Float(number) => Some(*number).filter(|number| number.abs() <= EXACT),
        _ => None,
    }
}

fn compare(value: &Data, limit: &Data, holds: fn(&f64, &f64) -> bool) -> Verdict {
    match (number(value), number(limit)) {
        (Some(value), Some(limit)) => holds(&value, &limit).into(),
        _ => Unknown,
    }
}

fn are_equal(a: &Data, b: &Data) -> Verdict {
    match (a, b) {
        (Data::Null, Data::Null) => Yes,
        (Data::Bool(a), Data::Bool(b)) => (a == b).into(),
        (Data::Str(a), Data::Str(b)) => (a == b).into(),
        (Data::Int(_) | Data::Float(_), Data::Int(_) | Data::Float(_)) => compare(a, b, f64::eq),
        (Data::List(_), Data::List(_)) | (Data::Map(_), Data::Map(_)) => Unknown,
        _ => No,
    }
}

/// Whether these are strings, all different.
fn distinct_texts(items: &Items) -> bool {
    let mut seen = HashSet::with_capacity(items.len());
    items.iter().all(|item| item.as_str().is_some_and(|text| seen.insert(text)))
}

/// Whether these are scalars, all different.
fn distinct_scalars(items: &Items) -> bool {
    let differs = |(at, item)| items.iter().take(at).all(|other| are_equal(item, other) == No);
    distinct_texts(items) || items.len() <= VALUES_LIMIT && !items.iter().any(Data::is_collection) && items.iter().enumerate().all(differs)
}

#[cfg(test)]
mod tests;
