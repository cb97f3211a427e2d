//! The parts of a schema in Go's languages. To Helm, patterns are Go's regular expressions (santhosh-tekuri/jsonschema uses
//! package regexp) and references are what Go's `url.Parse` accepts; to the validator, patterns are those of JavaScript and
//! references are strict URIs.
//!
//! Goes in: a schema. Comes out: the same schema with patterns and references that mean to the validator what they mean to Go, and
//! a record of the original patterns, so that faults show them as written.

use super::formats;
use crate::data::{Data, Map};
use crate::regexp;
use crate::url::path_unescape;
use std::collections::HashMap;
use std::sync::Arc;

/// An invalid pattern in any syntax: replaces one that Go refuses.
const REFUSED: &str = "(";

/// Keywords whose values are data, whatever they look like.
const DATA: [&str; 4] = ["const", "enum", "default", "examples"];

/// Keywords whose values have names as keys, chosen by the schema's author.
const NAMES: [&str; 6] = ["properties", "patternProperties", "$defs", "definitions", "dependentSchemas", "dependencies"];

/// What the next step of a pointer is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Next {
    /// Or an index of a list of schemas.
    Keyword,
    Name,
    /// A key of `patternProperties`.
    Pattern,
    /// Nothing that is translated.
    Data,
}

/// A schema as it was written.
pub(super) struct Written {
    schema: Data,
    /// The original keys of `patternProperties`, by their translation for the validator.
    keys: HashMap<Arc<str>, Arc<str>>,
    /// The translations by the original keys.
    translations: HashMap<Arc<str>, Arc<str>>,
    /// How many keys have one translation, apart from what tells them apart.
    taken: HashMap<String, usize>,
}

/// The keyword whose names are patterns.
const PATTERNS: &str = "patternProperties";

/// Keywords that refer to schemas or name them.
const REFERENCES: [&str; 4] = ["$ref", "$id", "$dynamicRef", "$recursiveRef"];

impl Written {
    /// The schema and its translation, which is the schema itself if there is nothing to translate.
    pub(super) fn translate(schema: Data) -> (Written, Data) {
        let mut written = Written { schema: schema.clone(), keys: HashMap::new(), translations: HashMap::new(), taken: HashMap::new() };
        // References may come before the keys that they lead through.
        written.note_keys(&schema, false);
        let translated = written.changed(&schema, false).unwrap_or(schema);
        (written, translated)
    }

    /// Translates all keys of `patternProperties` in a part, whose keys are keywords, or names if `names`.
    fn note_keys(&mut self, part: &Data, names: bool) {
        match part {
            Data::List(items) => items.iter().for_each(|item| self.note_keys(item, false)),
            Data::Map(map) => {
                for (key, value) in map.iter() {
                    if names {
                        self.note_keys(value, false);
                    } else if !DATA.contains(&&**key) {
                        if let Data::Map(patterns) = value
                            && &**key == PATTERNS
                        {
                            patterns.iter().for_each(|(pattern, _)| self.note_key(pattern));
                        }
                        self.note_keys(value, NAMES.contains(&&**key));
                    }
                }
            }
            _ => {}
        }
    }

    /// Translates a key of `patternProperties`. No two translations collide.
    fn note_key(&mut self, pattern: &Arc<str>) {
        if self.translations.contains_key(pattern) {
            return;
        }
        let translated = regexp::translate(pattern.as_bytes()).map(|translated| translated.pattern);
        let key = translated.as_deref().unwrap_or(REFUSED);
        let taken = self.taken.entry(key.to_string()).or_default();
        let key: Arc<str> = loop {
            // The same in other words: nothing, so many times, or a group that ends as little as the first.
            let key = match *taken {
                0 => key.to_string(),
                number if translated.is_ok() => format!("(?:){{{number}}}{key}"),
                number => format!("{REFUSED}{number}"),
            };
            *taken += 1;
            if !self.keys.contains_key(key.as_str()) {
                break key.into();
            }
        };
        self.keys.insert(key.clone(), pattern.clone());
        self.translations.insert(pattern.clone(), key);
    }

    /// The translation of a part, whose keys are keywords, or names if `names`; `None` when nothing changes.
    fn changed(&mut self, part: &Data, names: bool) -> Option<Data> {
        match part {
            Data::List(items) => {
                let new: Vec<Option<Data>> = items.iter().map(|item| self.changed(item, false)).collect();
                let any = new.iter().any(Option::is_some);
                let items = || new.iter().zip(items.iter()).map(|(new, old)| new.clone().unwrap_or_else(|| old.clone())).collect();
                any.then(|| Data::list(items()))
            }
            Data::Map(map) => {
                let mut any = false;
                let mut entries = Vec::with_capacity(map.len());
                for (key, value) in map.iter() {
                    let new = match value {
                        value if names => self.changed(value, false),
                        Data::Str(pattern) if &**key == "pattern" => {
                            let translated = regexp::translate(pattern.as_bytes());
                            Some(Data::str(translated.map_or(REFUSED.to_string(), |translated| translated.pattern)))
                        }
                        Data::Str(reference) if REFERENCES.contains(&&**key) => {
                            let translated = if &**key == "$id" { None } else { self.through_keys(reference) };
                            let escaped = escaped(translated.as_deref().unwrap_or(reference));
                            escaped.or(translated).map(Data::str)
                        }
                        Data::Str(format) if &**key == "format" && &**format == "regex" => Some(Data::str(formats::REGEX)),
                        Data::Map(patterns) if &**key == PATTERNS => Some(self.with_keys(patterns)),
                        _ if DATA.contains(&&**key) => None,
                        value => self.changed(value, NAMES.contains(&&**key)),
                    };
                    any |= new.is_some();
                    entries.push((key.clone(), new.unwrap_or_else(|| value.clone())));
                }
                any.then(|| Data::Map(Arc::new(Map::from_entries(entries))))
            }
            _ => None,
        }
    }

    /// The schemas of `patternProperties` under translated patterns.
    fn with_keys(&mut self, patterns: &Map) -> Data {
        let mut entries = Vec::with_capacity(patterns.len());
        for (pattern, schema) in patterns.iter() {
            let key = self.translations.get(pattern).unwrap_or(pattern).clone();
            entries.push((key, self.changed(schema, false).unwrap_or_else(|| schema.clone())));
        }
        Data::Map(Arc::new(Map::from_entries(entries)))
    }

    /// A reference whose pointer leads through a key of `patternProperties` (`#/patternProperties/^a`), with the translated key.
    fn through_keys(&mut self, reference: &str) -> Option<String> {
        formats::reference(reference).ok()?;
        let (address, fragment) = reference.split_once('#')?;
        let fragment = path_unescape(fragment.as_bytes()).ok().and_then(|text| String::from_utf8(text).ok())?;
        let pointer = fragment.strip_prefix('/').filter(|pointer| pointer.contains(PATTERNS))?;
        let mut out = format!("{address}#");
        let mut is_changed = false;
        let mut next = Next::Keyword;
        for step in pointer.split('/') {
            let name = unescaped_step(step);
            let translation = name.as_ref().filter(|_| next == Next::Pattern).and_then(|name| self.translation(name, address));
            is_changed |= translation.is_some();
            let written = translation.map(|key| key.replace('~', "~0").replace('/', "~1"));
            out.push('/');
            escape_into(&mut out, &written.as_deref().unwrap_or(step).replace('%', "%25"));
            next = match (next, step) {
                // Data, or nothing that can be found.
                (Next::Data, _) => Next::Data,
                (Next::Name | Next::Pattern, _) => Next::Keyword,
                (Next::Keyword, PATTERNS) => Next::Pattern,
                (Next::Keyword, step) if NAMES.contains(&step) => Next::Name,
                (Next::Keyword, step) if DATA.contains(&step) => Next::Data,
                (Next::Keyword, _) => Next::Keyword,
            };
        }
        is_changed.then_some(out)
    }

    /// The translation of a key, if it has one that differs. Other schemas have keys that are not known here.
    fn translation(&mut self, name: &str, address: &str) -> Option<Arc<str>> {
        if let Some(key) = self.translations.get(name) {
            return Some(key.clone()).filter(|key| **key != *name);
        }
        let translated = regexp::translate(name.as_bytes()).ok().filter(|_| !address.is_empty())?.pattern;
        let key: Arc<str> = Some(translated).filter(|translated| translated != name)?.into();
        self.keys.entry(key.clone()).or_insert_with(|| name.into());
        Some(key)
    }

    /// A pointer of the validator as written.
    pub(super) fn pointer(&self, pointer: &str) -> String {
        let step = |step: &str| match unescaped_step(step).and_then(|step| self.keys.get(step.as_str()).cloned()) {
            Some(written) => written.replace('~', "~0").replace('/', "~1"),
            None => step.to_string(),
        };
        pointer.split('/').map(step).collect::<Vec<_>>().join("/")
    }

    /// A key as written.
    pub(super) fn key<'a>(&'a self, key: &'a str) -> &'a str {
        self.keys.get(key).map_or(key, |written| written)
    }

    /// The pattern as written in the part of the schema at this address (`file:///values.schema.json#/properties/a`).
    pub(super) fn pattern(&self, url: &str) -> Option<&str> {
        let pointer = url.strip_prefix(super::SCHEMA_URL)?.strip_prefix('#')?;
        self.at(pointer.split('/').skip(1).map(super::unescaped))?.as_map()?.get("pattern")?.as_str()
    }

    /// A pattern and Go's message about it: the value at `steps` in the schema, or a key that the validator reports as `found`.
    /// `None` if there is no such pattern, or nothing is wrong with it.
    pub(super) fn fault(&self, steps: impl Iterator<Item = String>, found: &str) -> Option<(&str, String)> {
        let pattern = self.at(steps).and_then(Data::as_str).or_else(|| self.keys.get(found).map(|written| &**written))?;
        Some((pattern, regexp::translate(pattern.as_bytes()).err()?))
    }

    fn at(&self, mut steps: impl Iterator<Item = String>) -> Option<&Data> {
        steps.try_fold(&self.schema, |part, step| match part {
            Data::Map(map) => map.get(self.key(&step)),
            Data::List(items) => items.get(step.parse::<usize>().ok()?),
            _ => None,
        })
    }
}

/// A step of a JSON pointer without its escapes; `None` where a `~` is none.
fn unescaped_step(step: &str) -> Option<String> {
    let is_valid = step.split('~').skip(1).all(|rest| rest.starts_with(['0', '1']));
    is_valid.then(|| step.replace("~1", "/").replace("~0", "~"))
}

/// A reference that Go accepts (`#/definitions/List<Name>`), with characters that are invalid in a URI escaped; `None` if nothing
/// changes.
fn escaped(reference: &str) -> Option<String> {
    formats::reference(reference).ok()?;
    let (address, fragment) = reference.split_once('#').map_or((reference, None), |(address, fragment)| (address, Some(fragment)));
    let path = address.find("//").map_or(0, |host| address[host + 2..].find('/').map_or(address.len(), |path| host + 2 + path));
    let (host, path) = address.split_at(path);
    let mut out = host.to_string();
    escape_into(&mut out, path);
    if let Some(fragment) = fragment {
        out.push('#');
        escape_into(&mut out, fragment);
    }
    (out != reference).then_some(out)
}

fn escape_into(out: &mut String, text: &str) {
    for character in text.chars() {
        if character.is_ascii_alphanumeric() || "-._~:/?@!$&'()*+,;=%".contains(character) {
            out.push(character);
        } else {
            out.extend(character.encode_utf8(&mut [0; 4]).bytes().map(|byte| format!("%{byte:02X}")));
        }
    }
}
