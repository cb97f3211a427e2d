//! The files of a new chart.
//!
//! Goes in: the new chart's name, or a starter chart. Comes out: names and texts; nothing is written here. The built-in scaffold
//! has the files, values and template names of `helm create`, in our own words. In a starter's templates and values, `<CHARTNAME>`
//! is replaced. Matches Helm's `pkg/chart/v2/util/create.go`. Starters that ask questions and hold Jinja templates are in
//! [`jinja`] and [`questions`].

#[cfg(feature = "cli")]
pub mod jinja;
#[cfg(feature = "cli")]
pub mod questions;

use super::{Chart, Metadata};
use crate::error::{Error, ErrorKind, Result};

/// The placeholder for the new chart's name in starters.
const PLACEHOLDER: &str = "<CHARTNAME>";
/// How long a name may be: below the limits of file systems and of Kubernetes.
const NAME_LIMIT: usize = 250;

/// Names and texts in the order in which they are written.
const SCAFFOLD: &[(&str, &str)] = &[
    ("Chart.yaml", include_str!("scaffold/Chart.yaml")),
    ("values.yaml", include_str!("scaffold/values.yaml")),
    (".helmignore", include_str!("scaffold/helmignore")),
    ("templates/ingress.yaml", include_str!("scaffold/templates/ingress.yaml")),
    ("templates/httproute.yaml", include_str!("scaffold/templates/httproute.yaml")),
    ("templates/deployment.yaml", include_str!("scaffold/templates/deployment.yaml")),
    ("templates/service.yaml", include_str!("scaffold/templates/service.yaml")),
    ("templates/serviceaccount.yaml", include_str!("scaffold/templates/serviceaccount.yaml")),
    ("templates/hpa.yaml", include_str!("scaffold/templates/hpa.yaml")),
    ("templates/NOTES.txt", include_str!("scaffold/templates/NOTES.txt")),
    ("templates/_helpers.tpl", include_str!("scaffold/templates/_helpers.tpl")),
    ("templates/tests/test-connection.yaml", include_str!("scaffold/templates/tests/test-connection.yaml")),
];

/// A file to be written: its name from the chart's top, and its bytes.
pub type NewFile = (String, Vec<u8>);

/// Checks that a chart may have this name: 1 to 250 letters, digits, dots, dashes and underscores.
pub fn check_name(name: &str) -> Result<()> {
    let refused = |message: String| Err(Error::new(ErrorKind::Usage, message));
    if name.is_empty() || name.len() > NAME_LIMIT {
        return refused(format!("chart name must be between 1 and {NAME_LIMIT} characters"));
    }
    if !name.chars().all(|character| character.is_ascii_alphanumeric() || matches!(character, '.' | '_' | '-')) {
        return refused("chart name must match the regular expression \"^[a-zA-Z0-9._-]+$\"".to_string());
    }
    Ok(())
}

/// The files of a new chart of this name.
pub fn scaffold(name: &str) -> Vec<NewFile> {
    SCAFFOLD.iter().map(|(file, text)| (file.to_string(), text.replace(PLACEHOLDER, name).into_bytes())).collect()
}

/// The metadata of a chart made from a starter; the starter's own is not kept.
pub fn metadata(name: &str) -> Metadata {
    Metadata {
        name: name.to_string(),
        description: "A Helm chart for Kubernetes".to_string(),
        kind: "application".to_string(),
        version: "0.1.0".to_string(),
        app_version: "0.1.0".to_string(),
        api_version: "v2".to_string(),
        ..Metadata::default()
    }
}

/// The files of a new chart of this name made from a starter, without its subcharts.
pub fn from_starter(starter: &Chart, name: &str) -> Result<Vec<NewFile>> {
    let mut files = vec![("Chart.yaml".to_string(), metadata(name).to_chart_yaml()?.into_bytes())];
    if let Some(values) = starter.raw("values.yaml") {
        files.push((values.name.to_string(), fill(&values.data, name)));
    }
    if let Some(schema) = &starter.content.schema {
        files.push((schema.name.to_string(), schema.data.to_vec()));
    }
    for template in &starter.content.templates {
        files.push((template.name.to_string(), fill(&template.data, name)));
    }
    for file in &starter.content.files {
        files.push((file.name.to_string(), file.data.to_vec()));
    }
    Ok(files)
}

/// The bytes with every placeholder replaced.
fn fill(data: &[u8], name: &str) -> Vec<u8> {
    let mut filled = Vec::with_capacity(data.len());
    let mut from = 0;
    for at in memchr::memmem::find_iter(data, PLACEHOLDER) {
        filled.extend_from_slice(data.get(from..at).unwrap_or_default());
        filled.extend_from_slice(name.as_bytes());
        from = at + PLACEHOLDER.len();
    }
    filled.extend_from_slice(data.get(from..).unwrap_or_default());
    filled
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_checked() {
        for good in ["a", "my-chart_1.0", "A.b"] {
            assert!(check_name(good).is_ok(), "{good}");
        }
        for bad in ["", "a/b", "a b", "ä", &"x".repeat(251)] {
            assert!(check_name(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn placeholders_are_replaced_everywhere() {
        assert_eq!(fill(b"<CHARTNAME>-<CHARTNAME>\xff<CHART", "x"), b"x-x\xff<CHART");
        for (file, text) in scaffold("demo") {
            assert!(!String::from_utf8_lossy(&text).contains(PLACEHOLDER), "{file}");
        }
    }
}
