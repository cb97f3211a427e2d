//! Explains a template fault in terms of values: what is missing or of the wrong kind, and what may have been meant.
//!
//! Goes in: an error of the engine, the coalesced values, and where values come from. Comes out: the same error
//! whose diagnostics say which part of a `.Values` path is missing or of another kind, where its parent came
//! from, and which key is nearest. It is separate from the engine because the engine knows no sources, and
//! because the advice is computed only for errors shown to a person. Helm has nothing comparable.

mod report;
mod text;
mod written;

use crate::data::{Data, Map};
use crate::diagnostic::{Diagnostic, nearest};
use crate::error::{Cause, Error};
use crate::json;
use crate::template::functions;
use crate::values::origin::Sources;
use std::sync::Arc;

pub use written::place_in_templates;

/// How many characters of a value are shown.
const SHOWN_LIMIT: usize = 60;
/// How many keys of a table are shown.
const KEYS_LIMIT: usize = 8;
/// How many paths of one node are followed.
const PATHS_LIMIT: usize = 4;

/// Adds notes and hints on the values that the failing nodes name, and on functions called with the wrong number of arguments.
pub fn add(error: &mut Error, values: &Arc<Map>, sources: Option<&Sources<'_>>) {
    if error.diagnostics().is_empty() && error.is(Cause::SchemaFaults) {
        let message = error.message().trim_end().to_string();
        error.diagnostics_mut().push(report::diagnostic(&message, values, sources));
        return;
    }
    for diagnostic in error.diagnostics_mut() {
        diagnostic.hints.extend(parameters_wanted(&diagnostic.headline));
        let scope = scope(diagnostic);
        let node = diagnostic.node.clone();
        for path in paths(&node).into_iter().take(PATHS_LIMIT) {
            look_up(&path, &scope, values, sources, diagnostic);
        }
        // First, because it says where the text came from.
        if let Some(note) = text::note(diagnostic, &scope, values, sources) {
            diagnostic.notes.insert(0, note);
        }
    }
}

/// Which parameters a function takes, if it was called with too many or too few.
fn parameters_wanted(headline: &str) -> Option<String> {
    let (_, rest) = headline.split_once("wrong number of args for ")?;
    let name = rest.split(':').next()?;
    if matches!(name, "include" | "tpl") {
        return Some(format!(
            "`{name}` takes {} and what `.` is there, as in `{name} … .`",
            if name == "tpl" { "a text" } else { "a name" }
        ));
    }
    let wanted = functions::lookup(name.as_bytes())?.parameters_in_words();
    Some(if wanted.is_empty() { format!("`{name}` takes nothing") } else { format!("`{name}` takes {wanted}") })
}

/// The subcharts on the path of the file that was rendered when the fault occurred: its `.Values` start at that subchart.
fn scope(diagnostic: &Diagnostic) -> Vec<String> {
    let outermost = diagnostic.frames.first().map(|frame| &frame.location).or(diagnostic.location.as_ref());
    let Some(location) = outermost else { return Vec::new() };
    let (folders, _) = location.file.split_once("/templates/").unwrap_or((&location.file, ""));
    folders.split("/charts/").skip(1).map(str::to_string).collect()
}

/// The keys after every `.Values` in a node's text, in order, each path once.
fn paths(node: &str) -> Vec<Vec<&str>> {
    let mut found: Vec<Vec<&str>> = Vec::new();
    let mut rest = node;
    while let Some(at) = rest.find(".Values.") {
        let inside_name = rest[..at].ends_with(|c: char| c.is_alphanumeric() || matches!(c, '_' | '.' | ')'));
        rest = &rest[at + ".Values.".len()..];
        let end = rest.find(|c: char| !c.is_alphanumeric() && !matches!(c, '_' | '.')).unwrap_or(rest.len());
        let keys: Vec<&str> = rest[..end].split('.').filter(|key| !key.is_empty()).collect();
        if !inside_name && !keys.is_empty() && !found.contains(&keys) {
            found.push(keys);
        }
    }
    found
}

/// Follows the path as far as it exists and notes what value it ends at.
fn look_up(keys: &[&str], scope: &[String], values: &Arc<Map>, sources: Option<&Sources<'_>>, diagnostic: &mut Diagnostic) {
    let mut current = Data::Map(values.clone());
    for name in scope {
        current = current.as_map().and_then(|map| map.get(name)).cloned().unwrap_or_default();
    }
    let origin_of = |depth: usize| {
        let path: Vec<&str> = scope.iter().map(String::as_str).chain(keys.iter().take(depth).copied()).collect();
        // The root table is merged from all sources, so no single one can be named.
        sources.filter(|_| depth > 0).and_then(|sources| sources.find(&path)).map(|origin| origin.to_string())
    };
    let from = |depth: usize| origin_of(depth).map_or_else(String::new, |origin| format!(", from {origin}"));
    for (depth, key) in keys.iter().enumerate() {
        let parent = path_text(&keys[..depth]);
        let Data::Map(map) = &current else {
            let shown = shown(&current);
            diagnostic.notes.push(format!("`{parent}` is {shown}{}, not a table", from(depth)));
            return;
        };
        let Some(next) = map.get(key) else {
            let path: Vec<&str> = scope.iter().map(String::as_str).chain(keys.iter().take(depth + 1).copied()).collect();
            match sources.and_then(|sources| sources.find_null(&path)) {
                Some(origin) => removed(&path_text(&keys[..=depth]), &origin.to_string(), diagnostic),
                None => missing(key, &parent, origin_of(depth), map, diagnostic),
            }
            return;
        };
        current = next.clone();
    }
    let path = path_text(keys);
    diagnostic.notes.push(format!("`{path}` is {}{}", shown(&current), from(keys.len())));
}

/// Says which source removed a value.
fn removed(path: &str, origin: &str, diagnostic: &mut Diagnostic) {
    let unset = format!("`{path}` is not set");
    let note = format!("`{path}` is not set, since {origin} makes it null");
    match diagnostic.notes.iter_mut().find(|note| **note == unset) {
        Some(known) => *known = note,
        None => diagnostic.notes.push(note),
    }
    // A key with a similar name was not meant.
    diagnostic.hints.retain(|hint| !hint.starts_with("did you mean"));
}

/// Says that a key is missing, where its table came from, and which key may have been meant, unless the engine said so.
fn missing(key: &str, parent: &str, origin: Option<String>, map: &Map, diagnostic: &mut Diagnostic) {
    if !diagnostic.notes.iter().any(|note| note.ends_with("is not set")) {
        diagnostic.notes.push(format!("`{parent}` has no key `{key}`"));
    }
    diagnostic.notes.extend(origin.map(|origin| format!("`{parent}` comes from {origin}")));
    if diagnostic.hints.iter().any(|hint| hint.starts_with("did you mean")) {
        return;
    }
    if let Some(truth) = truth_meant(key).filter(|truth| map.contains_key(truth)) {
        diagnostic.hints.push(format!("`{key}` without quotes is the truth value `{truth}` in YAML: write the key as `\"{key}\":`"));
    } else if let Some(near) = nearest(key, map.iter().map(|(key, _)| &**key)) {
        diagnostic.hints.push(format!("did you mean `{parent}.{near}`?"));
    } else if map.is_empty() {
        diagnostic.hints.push(format!("`{parent}` is empty"));
    } else if map.len() <= KEYS_LIMIT {
        let keys: Vec<String> = map.iter().map(|(key, _)| format!("`{key}`")).collect();
        diagnostic.hints.push(format!("the keys of `{parent}` are {}", keys.join(", ")));
    }
}

/// The key that YAML makes of this word.
fn truth_meant(key: &str) -> Option<&'static str> {
    match key.to_ascii_lowercase().as_str() {
        "y" | "yes" | "on" => Some("true"),
        "n" | "no" | "off" => Some("false"),
        _ => None,
    }
}

fn path_text(keys: &[&str]) -> String {
    let mut text = ".Values".to_string();
    for key in keys {
        text.push('.');
        text.push_str(key);
    }
    text
}

/// A value in short, with its kind.
fn shown(value: &Data) -> String {
    let kind = match value {
        Data::Null => return "null".to_string(),
        Data::Map(map) if map.is_empty() => return "an empty table".to_string(),
        Data::List(items) if items.is_empty() => return "an empty list".to_string(),
        Data::Map(_) => "a table",
        Data::List(_) => "a list",
        Data::Bool(_) => "a boolean",
        Data::Int(_) | Data::Float(_) => "a number",
        Data::Str(_) | Data::Bytes(_) => "a string",
    };
    let text = json::to_vec(value).map(|text| String::from_utf8_lossy(&text).into_owned()).unwrap_or_default();
    let short: String = text.chars().take(SHOWN_LIMIT).collect();
    let more = if short.len() < text.len() { "…" } else { "" };
    format!("{kind} (`{short}{more}`)")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::{Frame, Location};
    use crate::error::ErrorKind;

    fn advice(node: &str, file: &str) -> (Vec<String>, Vec<String>) {
        let values =
            crate::yaml::parse_map(b"image: {repository: nginx, tag: 3}\nsub: {list: [1]}\nnone: ~\nempty: {}\nmore: {on: 1}").unwrap();
        let location = Location { file: file.to_string(), line: 1, column: Some(0) };
        let frames = vec![Frame { location, template: String::new(), node: String::new() }];
        let diagnostic = Diagnostic { node: node.to_string(), frames, ..Diagnostic::default() };
        let mut error = Error::new(ErrorKind::Template, "").with_diagnostic(diagnostic);
        add(&mut error, &values, None);
        let diagnostic = error.diagnostics()[0].clone();
        (diagnostic.notes, diagnostic.hints)
    }

    #[test]
    fn paths_are_explained() {
        let cases: &[(&str, &str, &[&str], &[&str])] = &[
            (".Values.image.tga", "c/templates/x.yaml", &["`.Values.image` has no key `tga`"], &["did you mean `.Values.image.tag`?"]),
            ("$.Values.imag.x", "c/templates/x.yaml", &["`.Values` has no key `imag`"], &["did you mean `.Values.image`?"]),
            (".Values.image.tag.x", "c/templates/x.yaml", &["`.Values.image.tag` is a number (`3`), not a table"], &[]),
            ("trunc .Values.none 3", "c/templates/x.yaml", &["`.Values.none` is null"], &[]),
            (".Values.empty.x", "c/templates/x.yaml", &["`.Values.empty` has no key `x`"], &["`.Values.empty` is empty"]),
            ("len .Values.list", "c/charts/sub/templates/x.yaml", &["`.Values.list` is a list (`[1]`)"], &[]),
            (
                ".Values.zzzzz",
                "c/templates/x.yaml",
                &["`.Values` has no key `zzzzz`"],
                &["the keys of `.Values` are `empty`, `image`, `more`, `none`, `sub`"],
            ),
            (
                ".Values.more.on",
                "c/templates/x.yaml",
                &["`.Values.more` has no key `on`"],
                &["`on` without quotes is the truth value `true` in YAML: write the key as `\"on\":`"],
            ),
            (".x.Values.image", "c/templates/x.yaml", &[], &[]),
        ];
        for (node, file, notes, hints) in cases {
            let (found_notes, found_hints) = advice(node, file);
            assert_eq!((found_notes.as_slice(), found_hints.as_slice()), (owned(notes).as_slice(), owned(hints).as_slice()), "{node}");
        }
    }

    #[test]
    fn what_functions_take_is_told() {
        assert_eq!(parameters_wanted("wrong number of args for trunc: want 2 got 1").as_deref(), Some("`trunc` takes int, text"));
        assert_eq!(parameters_wanted("wrong number of args for now: want 0 got 1").as_deref(), Some("`now` takes nothing"));
        assert_eq!(parameters_wanted("wrong number of args for nosuch: want 0 got 1"), None);
    }

    fn owned(texts: &[&str]) -> Vec<String> {
        texts.iter().map(|text| text.to_string()).collect()
    }
}
