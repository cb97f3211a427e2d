//! Faults of Chart.yaml, with their place, for people.
//!
//! Goes in: a fault in Helm's words, and the text of the Chart.yaml that has it. Comes out: the same fault with a diagnostic that
//! stands at the line of the key it is about, and a hint. Helm names neither file nor line, and of an umbrella no chart either.

use crate::diagnostic::{Diagnostic, Location};
use crate::error::Error;

/// The file that all of it is about.
const CHART_FILE: &str = "Chart.yaml";

/// The fault, found in a Chart.yaml with this text, with its place.
#[cold]
pub fn in_chart_file(error: Error, text: &[u8]) -> Error {
    if !error.diagnostics().is_empty() {
        return error.in_file(CHART_FILE);
    }
    let message = error.message();
    let key = key_of(message).unwrap_or_default();
    let mut diagnostic = Diagnostic { headline: message.to_string(), hints: hint(message).into_iter().collect(), ..Diagnostic::default() };
    match line_of(key, text) {
        Some((line, source_line)) => {
            diagnostic.location = Some(Location { file: CHART_FILE.to_string(), line, column: None });
            diagnostic.source_line = Some(source_line);
        }
        // What is missing stands nowhere.
        None => diagnostic.location = Some(Location { file: CHART_FILE.to_string(), line: 1, column: None }),
    }
    error.with_diagnostic(diagnostic)
}

/// The same fault, seen from the chart that holds the faulty one as this entry of its `charts/`.
#[cold]
pub fn in_subchart(mut error: Error, entry: &str) -> Error {
    for location in error.diagnostics_mut().iter_mut().filter_map(|diagnostic| diagnostic.location.as_mut()) {
        location.file = format!("charts/{entry}/{}", location.file);
    }
    error
}

/// The key that a message is about.
fn key_of(message: &str) -> Option<&str> {
    const WORDS: &[(&str, &str)] = &[
        ("unsupported chart version", "apiVersion"),
        ("invalid chart apiVersion", "apiVersion"),
        ("chart requires kubeVersion", "kubeVersion"),
        ("maintainers must not", "maintainers"),
        ("dependencies must not", "dependencies"),
        ("more than one dependency with name or alias", "dependencies"),
        ("disallowed characters in the alias", "dependencies"),
    ];
    if let Some((_, key)) = WORDS.iter().find(|(words, _)| message.contains(words)) {
        return Some(key);
    }
    // `… Go struct field Metadata.maintainers of type …`, `validation: chart.metadata.version is required`.
    let (_, rest) = message.split_once("struct field Metadata.").or_else(|| message.split_once("chart.metadata."))?;
    rest.split(|c: char| !c.is_ascii_alphanumeric()).next()
}

/// What to write instead.
fn hint(message: &str) -> Option<String> {
    let hint = if message == "unsupported chart version" {
        "`apiVersion` is `v1` or `v2`"
    } else if message.contains("chart requires kubeVersion") {
        "`--kube-version` renders for another version of Kubernetes"
    } else if message.ends_with("chart.metadata.version is required") {
        "add a version, as in `version: 0.1.0`"
    } else if message.ends_with("chart.metadata.name is required") {
        "add a name, as in `name: web`"
    } else if message.contains("chart.metadata.version ") {
        "a version has three numbers, as in `1.2.3` or `1.2.3-rc.1`"
    } else if message.contains("more than one dependency with name or alias") {
        "give one of them an `alias`"
    } else if message.ends_with("of type []*v2.Maintainer") {
        "`maintainers` is a list of tables with `name`, `email` and `url`"
    } else if message.ends_with("of type []*v2.Dependency") {
        "`dependencies` is a list of tables with `name`, `version` and `repository`"
    } else {
        return None;
    };
    Some(hint.to_string())
}

/// The line of a key at the top of the file, from 1, with its text.
fn line_of(key: &str, text: &[u8]) -> Option<(usize, String)> {
    let is_it = |line: &[u8]| {
        let line = line.strip_prefix(b"\"").or_else(|| line.strip_prefix(b"'")).unwrap_or(line);
        line.strip_prefix(key.as_bytes()).is_some_and(|rest| matches!(rest.first(), Some(b':' | b'"' | b'\'' | b' ')))
    };
    let (at, line) = text.split(|byte| *byte == b'\n').enumerate().find(|(_, line)| !key.is_empty() && is_it(line))?;
    Some((at + 1, String::from_utf8_lossy(line).trim_end().to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;

    #[test]
    fn faults_stand_at_their_key() {
        let text = b"apiVersion: v2\nname: a\n\"version\": x\nversions: 1\nmaintainers: no\n";
        let cases = [
            ("unsupported chart version", 1, Some("apiVersion: v2")),
            ("validation: chart.metadata.version \"x\" is invalid", 3, Some("\"version\": x")),
            (
                "json: cannot unmarshal string into Go struct field Metadata.maintainers of type []*v2.Maintainer",
                5,
                Some("maintainers: no"),
            ),
            ("validation: chart.metadata.type must be application or library", 1, None),
            ("something else", 1, None),
        ];
        for (message, line, source_line) in cases {
            let error = in_subchart(in_chart_file(Error::new(ErrorKind::Chart, message), text), "sub");
            let [diagnostic] = error.diagnostics() else { panic!("{message}") };
            let location = diagnostic.location.as_ref().expect("a place");
            assert_eq!(
                (location.file.as_str(), location.line, diagnostic.source_line.as_deref()),
                ("charts/sub/Chart.yaml", line, source_line)
            );
        }
    }
}
