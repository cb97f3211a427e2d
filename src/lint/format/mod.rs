//! Findings for machines: JSON, SARIF 2.1.0, JUnit XML.
//!
//! Goes in: findings by chart. Comes out: one text for the whole run. It is opt-in: Helm has only its text. Places come from the
//! diagnostics if known, else from the path of the finding.

mod junit;
mod report;
mod sarif;

pub use junit::junit;
pub use report::json;
pub use sarif::sarif;

use super::{Finding, Severity};

/// The findings of one chart.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ChartFindings {
    /// The chart as it was named on the command line.
    pub chart: String,
    pub findings: Vec<Finding>,
    /// Why the chart could not be linted.
    pub failure: Option<String>,
}

impl ChartFindings {
    /// Whether the chart fails the run: by an error or, with `strict`, a warning.
    pub fn has_failed(&self, strict: bool) -> bool {
        self.failure.is_some() || self.findings.iter().any(|finding| finding.severity >= failing(strict))
    }

    /// Whether there is anything more severe than advice.
    pub fn has_warnings(&self) -> bool {
        self.has_failed(true)
    }
}

/// The least severity that fails a run.
fn failing(strict: bool) -> Severity {
    if strict { Severity::Warning } else { Severity::Error }
}

/// The file and line (from 1) of a finding; the file is relative to the working directory of the command.
fn place(chart: &str, finding: &Finding) -> (String, Option<usize>) {
    let located = finding.diagnostics.iter().find_map(|diagnostic| diagnostic.location.as_ref());
    let chart = crate::fs::with_slashes(chart);
    let chart = chart.trim_end_matches('/');
    match located {
        // Places in templates begin with the chart's name, which may differ from that of its folder.
        Some(location) => match location.file.split_once('/') {
            Some((_, inner)) => (format!("{chart}/{inner}"), Some(location.line)),
            None => (format!("{chart}/{}", location.file), Some(location.line)),
        },
        None if finding.path.is_empty() || finding.path.starts_with('/') => (chart.to_string(), None),
        None => (format!("{chart}/{}", finding.path.trim_end_matches('/')), None),
    }
}

#[cfg(test)]
mod tests {
    use super::super::Rule;
    use super::*;
    use crate::diagnostic::{Diagnostic, Location};

    fn run() -> Vec<ChartFindings> {
        let location = Location { file: "app/templates/x.yaml".to_string(), line: 3, column: Some(4) };
        let finding = |severity, rule, path: &str, message: &str, diagnostics| Finding {
            severity,
            rule,
            path: path.to_string(),
            message: message.to_string(),
            diagnostics,
        };
        let diagnostic = Diagnostic { location: Some(location), ..Diagnostic::default() };
        vec![
            ChartFindings {
                chart: "charts/app/".to_string(),
                findings: vec![
                    finding(Severity::Info, Rule::ChartFile, "Chart.yaml", "icon is recommended", Vec::new()),
                    finding(Severity::Error, Rule::Templates, "templates/", "a <b> & \"c\"\u{1b}", vec![diagnostic]),
                ],
                failure: None,
            },
            ChartFindings { chart: "none".to_string(), findings: Vec::new(), failure: Some("no chart".to_string()) },
        ]
    }

    #[test]
    fn places_are_seen_from_the_command() {
        let run = run();
        let [first, second] = run[0].findings.as_slice() else { panic!("two findings") };
        assert_eq!(place("charts/app/", first), ("charts/app/Chart.yaml".to_string(), None));
        assert_eq!(place("charts/app/", second), ("charts/app/templates/x.yaml".to_string(), Some(3)));
    }

    #[test]
    fn every_format_is_well_formed() {
        let text = String::from_utf8(json(&run(), false).unwrap()).unwrap();
        let read: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(read["charts"][0]["findings"][1]["line"], 3);
        assert_eq!(read["charts"][1]["failure"], "no chart");
        assert_eq!(read["failed"], 2);
        let text = String::from_utf8(sarif(&run()).unwrap()).unwrap();
        let read: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(read["runs"][0]["results"][0]["level"], "note");
        assert_eq!(read["runs"][0]["results"][1]["locations"][0]["physicalLocation"]["region"]["startLine"], 3);
        assert_eq!(sarif::uri("my chart/charts/ä#%.yaml"), "my%20chart/charts/%C3%A4%23%25.yaml");
        let text = junit(&run(), false);
        assert!(text.contains("<failure message=\"a &lt;b&gt; &amp; &quot;c&quot;\u{fffd}\""), "{text}");
        assert!(text.contains("tests=\"2\" failures=\"1\" errors=\"0\""), "{text}");
    }
}
