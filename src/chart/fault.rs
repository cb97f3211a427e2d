//! Faults of a chart's own files, with their place, for people.
//!
//! Goes in: a fault in Helm's words and the key of Chart.yaml that it is about; later the text of that file, and the path to the
//! chart in an umbrella. Comes out: the same fault with a diagnostic at the line of the key. Helm names neither file nor line, nor
//! the chart within an umbrella.

use crate::diagnostic::{Diagnostic, Location, source_line};
use crate::error::{Error, ErrorKind};
use crate::yaml;

/// The file that holds the metadata.
const CHART_FILE: &str = "Chart.yaml";

/// A fault of `key` at the top of Chart.yaml, with what to write instead; its line is found by [`in_chart_file`].
#[cold]
pub fn of_key(key: &str, message: impl Into<String>, hint: Option<&str>) -> Error {
    let message = message.into();
    let hints = hint.into_iter().map(str::to_string).collect();
    let diagnostic = Diagnostic { headline: message.clone(), node: key.to_string(), hints, ..Diagnostic::default() };
    Error::new(ErrorKind::Chart, message).with_diagnostic(diagnostic)
}

/// The fault, found in a Chart.yaml with this text: it gets the line of its key, or the first line if the key is missing.
#[cold]
pub fn in_chart_file(mut error: Error, text: &[u8]) -> Error {
    for diagnostic in error.diagnostics_mut().iter_mut().filter(|diagnostic| diagnostic.location.is_none()) {
        let line = yaml::locate(text, &[&std::mem::take(&mut diagnostic.node)]);
        diagnostic.location = Some(Location { file: CHART_FILE.to_string(), line: line.unwrap_or(1), column: None });
        diagnostic.source_line = line.and_then(|line| source_line(text, line));
    }
    error.in_file(CHART_FILE)
}

/// The same fault, seen from the chart that has the faulty chart as this entry of its `charts/`.
#[cold]
pub fn in_subchart(mut error: Error, entry: &str) -> Error {
    for location in error.diagnostics_mut().iter_mut().filter_map(|diagnostic| diagnostic.location.as_mut()) {
        location.file = format!("charts/{entry}/{}", location.file);
    }
    error
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_stand_at_their_key() {
        let text = b"apiVersion: v2\nname: a\n\"version\": x\nversions: 1\n";
        for (key, line, source_line) in
            [("apiVersion", 1, Some("apiVersion: v2")), ("version", 3, Some("\"version\": x")), ("type", 1, None)]
        {
            let error = in_subchart(in_chart_file(of_key(key, "wrong", None), text), "sub");
            let [diagnostic] = error.diagnostics() else { panic!("{key}") };
            let location = diagnostic.location.as_ref().expect("a place");
            assert_eq!(
                (location.file.as_str(), location.line, diagnostic.source_line.as_deref()),
                ("charts/sub/Chart.yaml", line, source_line)
            );
        }
    }
}
