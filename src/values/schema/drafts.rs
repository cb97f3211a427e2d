//! The drafts of JSON schema that the parts of a schema name.
//!
//! Goes in: a schema. Comes out: the draft of an address, or the reason why an address at `$schema` leads nowhere. Helm's library
//! follows the address of every part, even where it has no effect (`getDraft` and `collectResources`); the validator follows only
//! the top one.

use super::{Loader, SCHEMA_URL, fault};
use crate::data::Data;
use crate::quote::quote;
use crate::url::Url;
use boon::UrlLoader;

/// The keywords that hold schemas, each with the draft that introduced it.
const WORDS: [(&str, u32); 22] = [
    ("definitions", 4),
    ("properties", 4),
    ("patternProperties", 4),
    ("dependencies", 4),
    ("not", 4),
    ("allOf", 4),
    ("anyOf", 4),
    ("oneOf", 4),
    ("additionalProperties", 4),
    ("items", 4),
    ("additionalItems", 4),
    ("propertyNames", 6),
    ("contains", 6),
    ("if", 7),
    ("then", 7),
    ("else", 7),
    ("$defs", 2019),
    ("dependentSchemas", 2019),
    ("unevaluatedProperties", 2019),
    ("unevaluatedItems", 2019),
    ("contentSchema", 2019),
    ("prefixItems", 2020),
];

/// The keywords among them that hold schemas by name.
const NAMED: [&str; 6] = ["definitions", "properties", "patternProperties", "dependencies", "$defs", "dependentSchemas"];

/// The draft of a schema that names none.
pub(super) const LATEST: u32 = 2020;

/// The draft at this address: 4, 6, 7, 2019 or 2020.
pub(super) fn named(address: &str) -> Option<u32> {
    let address = address.strip_suffix('#').unwrap_or(address);
    match address.strip_prefix("http://").or_else(|| address.strip_prefix("https://"))? {
        "json-schema.org/schema" => Some(LATEST),
        "json-schema.org/draft/2020-12/schema" => Some(2020),
        "json-schema.org/draft/2019-09/schema" => Some(2019),
        "json-schema.org/draft-07/schema" => Some(7),
        "json-schema.org/draft-06/schema" => Some(6),
        "json-schema.org/draft-04/schema" => Some(4),
        _ => None,
    }
}

/// Why one of the addresses at `$schema` leads nowhere. The validator follows the top one; this function follows the others.
pub(super) fn fault_of(schema: &Data, loader: &Loader) -> Option<String> {
    let address = |part: &Data| Some(part.as_map()?.get("$schema")?.as_str()?.to_string());
    let top = address(schema);
    let draft = top.as_deref().and_then(named).unwrap_or(LATEST);
    if let Some(fault) = top.and_then(|top| fault_at("", &top)) {
        return Some(fault);
    }
    let mut open = vec![(String::new(), schema)];
    while let Some((pointer, part)) = open.pop() {
        let Some(words) = part.as_map() else { continue };
        if let Some(address) = address(part).filter(|address| !pointer.is_empty() && named(address).is_none())
            && let Some(fault) = fault_at(&pointer, &address).or_else(|| fault_behind(&address, loader))
        {
            return Some(fault);
        }
        let known = WORDS.iter().filter(|(_, since)| *since <= draft);
        for (word, held) in known.filter_map(|(word, _)| Some((*word, words.get(word)?))) {
            let at = |step: &str| format!("{pointer}/{word}/{}", step.replace('~', "~0").replace('/', "~1"));
            match held {
                Data::Map(parts) if NAMED.contains(&word) => open.extend(parts.iter().map(|(name, part)| (at(name), part))),
                Data::List(parts) => open.extend(parts.iter().enumerate().map(|(number, part)| (at(&number.to_string()), part))),
                part => open.push((format!("{pointer}/{word}"), part)),
            }
        }
    }
    None
}

/// Why the address at the `$schema` of this part cannot be followed at all.
fn fault_at(pointer: &str, address: &str) -> Option<String> {
    let address = without_fragment(address);
    match Url::parse(address.as_bytes()) {
        Err(fault) => {
            let place = fault::escaped(&format!("{SCHEMA_URL}#{pointer}"), |step| step);
            Some(format!("invalid $schema in {}: {fault}", quote(&place)))
        }
        Ok(url) if !matches!(&*url.scheme, b"http" | b"https" | b"file" | b"urn") => {
            let written = url.written();
            let scheme = quote(&*String::from_utf8_lossy(&written));
            Some(format!("failing loading {}: no URLLoader registered for {scheme}", quote(address)))
        }
        Ok(_) => None,
    }
}

/// Why loading the address fails.
fn fault_behind(address: &str, loader: &Loader) -> Option<String> {
    let address = without_fragment(address);
    if address == SCHEMA_URL {
        return None;
    }
    loader.load(address).err().map(|fault| format!("failing loading {}: {fault}", quote(address)))
}

fn without_fragment(address: &str) -> &str {
    address.split_once('#').map_or(address, |(address, _)| address)
}
