//! Explains a report of schema faults in terms of values: what they are, where they came from, and what may have been meant.
//!
//! Goes in: Helm's report, the values, and where they come from. Comes out: notes and hints on values that are wrong, not allowed
//! or missing, and the place in values.schema.json if the schema itself is at fault. It reads the report's lines, because their
//! words are all that Helm's schema library gives.

use super::shown;
use crate::data::{Data, Map};
use crate::diagnostic::{Diagnostic, Location, nearest, source_line};
use crate::json;
use crate::values::origin::Sources;
use crate::values::{lookup, schema};
use crate::yaml;
use std::sync::Arc;

/// How many values of a report are explained.
const NOTES_LIMIT: usize = 10;
/// How many steps of `$ref` are followed.
const REFERENCES_LIMIT: usize = 20;

/// A diagnostic of the report.
pub(super) fn diagnostic(report: &str, values: &Arc<Map>, sources: Option<&Sources<'_>>) -> Diagnostic {
    let mut explained = Diagnostic { headline: report.to_string(), ..Diagnostic::default() };
    let mut section = Section { chart: Vec::new(), values, sources, schema: Data::Null };
    let mut is_first = true;
    let mut is_of_metaschema = false;
    for line in report.lines().skip(1) {
        let place = schema::place_in_line(line);
        if let (None, Some(name)) = (&place, line.strip_suffix(':')) {
            // The root's report comes first, each other one under its chart's name.
            let is_subchart = matches!(values.get(name), Some(Data::Map(_)));
            section.chart = if is_first && !is_subchart { Vec::new() } else { vec![name.to_string()] };
            is_first = false;
            is_of_metaschema = false;
            section.schema = section.text().and_then(|(_, text)| json::parse(text).ok()).unwrap_or_default();
            section.place_syntax_fault(&mut explained);
        } else if let Some(keys) = place {
            match is_of_metaschema {
                true => section.place_key(&keys, &mut explained),
                false => section.explain(&keys, line, &mut explained),
            }
        } else if line.contains(" is not valid against metaschema: ") {
            is_of_metaschema = true;
        }
    }
    explained
}

/// The part of a report about one chart.
struct Section<'a, 'chart> {
    /// The keys from the root's values to those of the chart.
    chart: Vec<String>,
    values: &'a Arc<Map>,
    sources: Option<&'a Sources<'chart>>,
    /// The chart's schema; null if it cannot be read.
    schema: Data,
}

impl Section<'_, '_> {
    /// The path of the schema's file, and its text.
    fn text(&self) -> Option<(String, &[u8])> {
        let keys: Vec<&str> = self.chart.iter().map(String::as_str).collect();
        self.sources?.schema_of(&keys)
    }

    /// Shows where the schema stops being JSON, if it does.
    fn place_syntax_fault(&self, explained: &mut Diagnostic) {
        let Some((file, text)) = self.text().filter(|_| explained.location.is_none() && self.schema.is_null()) else { return };
        let at = match json::parse_next(text, 0) {
            Ok(Some((_, end))) => end + text.get(end..).map_or(0, |rest| rest.len() - rest.trim_ascii_start().len()),
            Ok(None) => text.len(),
            Err(stop) => stop.at.unwrap_or(text.len()),
        };
        let before = text.get(..at).unwrap_or(text);
        let line = 1 + memchr::memchr_iter(b'\n', before).count();
        let column = before.len() - memchr::memrchr(b'\n', before).map_or(0, |end| end + 1);
        explained.source_line = source_line(text, line);
        explained.location = Some(Location { file, line, column: Some(column) });
    }

    /// Shows the line of a key of the schema.
    fn place_key(&self, keys: &[String], explained: &mut Diagnostic) {
        let Some((file, text)) = self.text().filter(|_| explained.location.is_none()) else { return };
        let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
        let Some(line) = yaml::locate(text, &keys) else { return };
        explained.source_line = source_line(text, line);
        explained.location = Some(Location { file, line, column: None });
    }

    /// Explains the fault that a line of the report tells of the value at `keys`.
    fn explain(&self, keys: &[String], line: &str, explained: &mut Diagnostic) {
        let path: Vec<&str> = self.chart.iter().chain(keys).map(String::as_str).collect();
        let Ok(value) = lookup::at(self.values, path.iter().copied()) else { return };
        let fault = line.split_once("': ").map_or("", |parts| parts.1);
        if let Some(names) = fault.strip_prefix("additional properties ").and_then(|rest| rest.strip_suffix(" not allowed")) {
            for name in quoted(names) {
                self.explain_additional(keys, &path, &value, &name, explained);
            }
        } else if let Some(names) = fault.strip_prefix("missing propert") {
            for name in quoted(names) {
                self.explain_missing(keys, &path, &value, &name, explained);
            }
        } else if !keys.is_empty() && !value.is_collection() {
            add(&mut explained.notes, format!("`{}` is {}{}", path.join("."), shown(&value), self.from(&path)));
            let choices = fault.strip_prefix("value must be one of ").map(quoted).unwrap_or_default();
            if let Some(near) = value.as_str().and_then(|text| nearest(text, choices.iter().map(String::as_str))) {
                add(&mut explained.hints, format!("did you mean `{near}`?"));
            }
        }
    }

    /// A key that the schema does not allow.
    fn explain_additional(&self, keys: &[String], path: &[&str], table: &Data, name: &str, explained: &mut Diagnostic) {
        let whole: Vec<&str> = path.iter().copied().chain([name]).collect();
        let Some(value) = table.as_map().and_then(|map| map.get(name)) else { return };
        add(&mut explained.notes, format!("`{}` is {}{}", whole.join("."), shown(value), self.from(&whole)));
        let known = properties(&self.schema, keys);
        match nearest(name, known.iter().map(String::as_str)) {
            Some(near) => add(&mut explained.hints, format!("did you mean `{near}` instead of `{name}`?")),
            None if known.is_empty() => {}
            None => {
                let known: Vec<String> = known.iter().take(NOTES_LIMIT).map(|name| format!("`{name}`")).collect();
                add(&mut explained.hints, format!("the schema has {} there", known.join(", ")));
            }
        }
    }

    /// A key that the schema demands.
    fn explain_missing(&self, keys: &[String], path: &[&str], table: &Data, name: &str, explained: &mut Diagnostic) {
        let whole: Vec<&str> = path.iter().copied().chain([name]).collect();
        let missing = whole.join(".");
        if let Some(origin) = self.sources.and_then(|sources| sources.find_null(&whole)) {
            return add(&mut explained.notes, format!("`{missing}` is not set, since {origin} makes it null"));
        }
        let table_from = if path.is_empty() { String::new() } else { self.from(path) };
        add(
            &mut explained.notes,
            match table_from.strip_prefix(", from ") {
                Some(origin) => format!("`{missing}` is not set; `{}` comes from {origin}", path.join(".")),
                None => format!("`{missing}` is not set"),
            },
        );
        // A key that the schema does not know may be a misspelt one.
        let known = properties(&self.schema, keys);
        let unknown = table
            .as_map()
            .into_iter()
            .flat_map(|map| map.iter())
            .map(|(key, _)| &**key)
            .filter(|key| !known.iter().any(|name| name == key));
        if let Some(near) = nearest(name, unknown) {
            add(&mut explained.hints, format!("did you mean `{name}` instead of `{near}`?"));
        }
    }

    /// `, from values.yaml:3`, or nothing if that is unknown.
    fn from(&self, path: &[&str]) -> String {
        self.sources.and_then(|sources| sources.find(path)).map(|origin| format!(", from {origin}")).unwrap_or_default()
    }
}

fn add(list: &mut Vec<String>, text: String) {
    if !list.contains(&text) && list.len() < NOTES_LIMIT {
        list.push(text);
    }
}

/// The names in `'a', 'b'`.
fn quoted(text: &str) -> Vec<String> {
    let Some((_, list)) = text.split_once('\'') else { return Vec::new() };
    let list = list.strip_suffix('\'').unwrap_or(list);
    list.split("', '").map(|name| name.replace("\\'", "'").replace("\\\\", "\\")).collect()
}

/// The properties that a schema names for the table at `keys`; empty if that cannot be told.
fn properties(schema: &Data, keys: &[String]) -> Vec<String> {
    let mut current = referenced(schema, schema);
    for key in keys {
        let named = member(current, "properties").and_then(|properties| member(properties, key));
        let below = match (named, key.parse::<usize>(), member(current, "items")) {
            (Some(named), ..) => Some(named),
            (None, Ok(at), Some(Data::List(items))) => items.get(at),
            (None, Ok(_), Some(items)) => Some(items),
            _ => member(current, "additionalProperties"),
        };
        let Some(below) = below else { return Vec::new() };
        current = referenced(schema, below);
    }
    let names = member(current, "properties").and_then(Data::as_map);
    names.map(|names| names.iter().map(|(name, _)| name.to_string()).collect()).unwrap_or_default()
}

fn member<'s>(part: &'s Data, key: &str) -> Option<&'s Data> {
    part.as_map().and_then(|map| map.get(key))
}

/// The part of the schema that a `$ref` to the schema itself means, or the part as it is.
fn referenced<'s>(schema: &'s Data, part: &'s Data) -> &'s Data {
    let mut current = part;
    for _ in 0..REFERENCES_LIMIT {
        let Some(pointer) = member(current, "$ref").and_then(Data::as_str).and_then(|reference| reference.strip_prefix('#')) else { break };
        let steps = pointer.split('/').skip(1).map(|step| step.replace("~1", "/").replace("~0", "~"));
        let Some(found) = steps.into_iter().try_fold(schema, |part, step| member(part, &step)) else { break };
        current = found;
    }
    current
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_that_do_not_fit_are_explained() {
        let values = yaml::parse_map(b"port: x\nmode: fats\nsub: {list: [{a: 1}], deep: {count: 3}}").unwrap();
        let report = "the head\napp:\n- at '': missing property 'a'\n- at '/port': got string, want number\n- at '/gone': x\n\
                      - at '/mode': value must be one of 'fast', 'slow'\n- at '': additional properties 'mode', 'port' not allowed\n\
                      sub:\n- at '/deep/count': got number, want string\n- at '/list': got array, want string\n\
                      - at '/list/0/a': got number, want string\n- at '/deep': missing properties 'cuont', 'x'\n";
        let found = diagnostic(report, &values, None);
        assert_eq!(
            found.notes,
            [
                "`a` is not set",
                "`port` is a string (`\"x\"`)",
                "`mode` is a string (`\"fats\"`)",
                "`sub.deep.count` is a number (`3`)",
                "`sub.list.0.a` is a number (`1`)",
                "`sub.deep.cuont` is not set",
                "`sub.deep.x` is not set",
            ]
        );
        assert_eq!(found.hints, ["did you mean `fast`?", "did you mean `cuont` instead of `count`?"]);
    }

    #[test]
    fn what_a_schema_names_is_found() {
        let schema = json::parse(
            br##"{"$ref": "#/$defs/top", "$defs": {
                "top": {"properties": {"list": {"items": {"$ref": "#/$defs/item"}}, "loop": {"$ref": "#/$defs/loop"}}},
                "item": {"properties": {"a": {}, "b": {}}, "additionalProperties": {"properties": {"c": {}}}},
                "loop": {"$ref": "#/$defs/loop"}}}"##,
        )
        .unwrap();
        for (keys, expected) in [
            (&[][..], &["list", "loop"][..]),
            (&["list", "3"], &["a", "b"]),
            (&["list", "3", "any"], &["c"]),
            (&["list", "3", "a"], &[]),
            (&["loop"], &[]),
            (&["nosuch"], &[]),
        ] {
            let keys: Vec<String> = keys.iter().map(|key| key.to_string()).collect();
            assert_eq!(properties(&schema, &keys), expected, "{keys:?}");
        }
        assert_eq!(properties(&Data::Null, &[]), [""; 0]);
    }
}
