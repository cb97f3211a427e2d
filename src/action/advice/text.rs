//! Finds where a text passed to `tpl` came from.
//!
//! Goes in: the text, the values and the files of the chart. Comes out: a note that names the value or file
//! that holds it, with the line. Go names every such text `gotpl`, which tells the user nothing. Rendering
//! records nothing: after a failure the text is searched for, first in the values that the template could see.

use super::path_text;
use crate::data::{Data, Map};
use crate::diagnostic::Diagnostic;
use crate::json;
use crate::values::origin::Sources;
use crate::yaml;
use std::sync::Arc;

/// The file name in a diagnostic's location when the fault lies in such a text.
const NAME: &str = "gotpl";

/// How many bytes of YAML and JSON are written for comparison with the text: deep values would otherwise be written repeatedly.
const WRITTEN_LIMIT: usize = 16 << 20;

/// Says where the text of the diagnostic came from; `None` if no value and no file holds exactly this text.
pub(super) fn note(diagnostic: &Diagnostic, scope: &[String], values: &Arc<Map>, sources: Option<&Sources<'_>>) -> Option<String> {
    let text = diagnostic.text.as_deref()?;
    let root = Data::Map(values.clone());
    let mut below = Some(&root);
    for name in scope {
        below = below.and_then(|data| data.as_map()).and_then(|map| map.get(name));
    }
    // Templates of a subchart see its own values; texts passed in from elsewhere are searched for in all values.
    for (start, scope) in below.into_iter().map(|data| (data, scope)).chain(std::iter::once((&root, &[][..]))) {
        let mut path = Vec::new();
        let Some(form) = find(start, text, &mut path, &mut { WRITTEN_LIMIT }) else { continue };
        let keys: Vec<&str> = path.iter().map(String::as_str).collect();
        let whole: Vec<&str> = scope.iter().map(String::as_str).chain(keys.iter().copied()).collect();
        let line = diagnostic.source_line.as_deref().filter(|_| lies_in_text(diagnostic)).unwrap_or_default();
        let origin = sources.and_then(|sources| sources.find_line(&whole, line)).map(|origin| format!(", from {origin}"));
        return Some(format!("`{NAME}` is {form} `{}`{}", path_text(&keys), origin.unwrap_or_default()));
    }
    sources?.file_with(text).map(|file| format!("`{NAME}` is the text of the file `{file}`"))
}

/// Whether the fault itself lies in the text, rather than in what it includes.
fn lies_in_text(diagnostic: &Diagnostic) -> bool {
    diagnostic.location.as_ref().is_some_and(|location| location.file == NAME)
}

/// The path to the first value that `text` was made from, and how: as its text, its YAML or its JSON. `room` is
/// how many more bytes may be written for the comparison.
fn find(data: &Data, text: &[u8], path: &mut Vec<String>, room: &mut usize) -> Option<&'static str> {
    if !path.is_empty()
        && let Some(form) = form(data, text, room)
    {
        return Some(form);
    }
    let mut look = |key: String, value: &Data| {
        path.push(key);
        let found = find(value, text, path, room);
        if found.is_none() {
            path.pop();
        }
        found
    };
    match data {
        Data::Map(map) => map.iter().find_map(|(key, value)| look(key.to_string(), value)),
        Data::List(items) => items.iter().enumerate().find_map(|(at, value)| look(at.to_string(), value)),
        _ => None,
    }
}

/// How the text was made from this value, if it was.
fn form(data: &Data, text: &[u8], room: &mut usize) -> Option<&'static str> {
    match data {
        Data::Str(value) => (value.as_bytes() == text).then_some("the text of"),
        Data::Map(_) | Data::List(_) if *room > 0 => {
            let yaml = yaml::to_string(data).unwrap_or_default();
            if yaml.trim_end_matches('\n').as_bytes() == text.trim_ascii_end() {
                return Some("the YAML of");
            }
            let json = json::to_vec(data).unwrap_or_default();
            *room = room.saturating_sub(yaml.len() + json.len());
            (json == text).then_some("the JSON of")
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::Location;

    #[test]
    fn deep_values_are_not_written_without_end() {
        let mut data = Data::str("{{ .a }}");
        for _ in 0..200 {
            data = Data::list(vec![data, Data::str("x".repeat(100))]);
        }
        let (mut path, mut room) = (Vec::new(), 100_000);
        assert_eq!(find(&data, b"{{ .a }}", &mut path, &mut room), Some("the text of"));
        assert_eq!((path.len(), room), (200, 0));
    }

    #[test]
    fn texts_are_found_in_the_values() {
        let values = yaml::parse_map(
            b"message: '{{ .a }}'\nextra:\n- plain\n- kind: '{{ .b }}'\nsub:\n  message: '{{ .c }}'\n  global: {}\ntwice: '{{ .c }}'\n",
        )
        .unwrap();
        let cases: [(&str, &[&str], Option<&str>); 6] = [
            ("{{ .a }}", &[], Some("`gotpl` is the text of `.Values.message`")),
            ("kind: '{{ .b }}'", &[], Some("`gotpl` is the YAML of `.Values.extra.1`")),
            ("{\"kind\":\"{{ .b }}\"}", &[], Some("`gotpl` is the JSON of `.Values.extra.1`")),
            ("{{ .c }}", &["sub"], Some("`gotpl` is the text of `.Values.message`")),
            ("{{ .a }}", &["sub"], Some("`gotpl` is the text of `.Values.message`")),
            ("{{ .d }}", &[], None),
        ];
        for (text, scope, expected) in cases {
            let location = Some(Location { file: NAME.to_string(), line: 1, column: None });
            let diagnostic = Diagnostic { text: Some(text.as_bytes().into()), location, ..Diagnostic::default() };
            let scope: Vec<String> = scope.iter().map(|name| name.to_string()).collect();
            assert_eq!(note(&diagnostic, &scope, &values, None).as_deref(), expected, "{text}");
        }
    }
}
