//! Findings as SARIF 2.1.0, which code hosts show beside the lines of a change.
//!
//! Goes in: findings by chart. Comes out: one run with all rules and a result for each finding.

use super::{ChartFindings, place};
use crate::data::Data;
use crate::error::Result;
use crate::json;
use crate::lint::{Rule, Severity};
use crate::url::path_escape;
use std::sync::Arc;

const SCHEMA: &str = "https://json.schemastore.org/sarif-2.1.0.json";

/// The run as SARIF.
pub fn sarif(run: &[ChartFindings]) -> Result<Vec<u8>> {
    let rules = Rule::ALL
        .iter()
        .map(|rule| map([("id", Data::str(rule.name())), ("shortDescription", map([("text", Data::str(rule.about()))]))]))
        .collect();
    let driver =
        map([("name", Data::str(env!("CARGO_PKG_NAME"))), ("version", Data::str(env!("CARGO_PKG_VERSION"))), ("rules", Data::list(rules))]);
    let mut results = Vec::new();
    for chart in run {
        for finding in &chart.findings {
            let level = match finding.severity {
                Severity::Info => "note",
                Severity::Warning => "warning",
                Severity::Error => "error",
            };
            let (file, line) = place(&chart.chart, finding);
            results.push(result(finding.rule.name(), level, &finding.message, &file, line));
        }
        if let Some(failure) = &chart.failure {
            results.push(result(Rule::ChartFile.name(), "error", failure, &chart.chart, None));
        }
    }
    let run = map([("tool", map([("driver", driver)])), ("results", Data::list(results))]);
    let document = map([("$schema", Data::str(SCHEMA)), ("version", Data::str("2.1.0")), ("runs", Data::list(vec![run]))]);
    let mut text = json::indent(&json::to_vec(&document)?, "", "  ");
    text.push(b'\n');
    Ok(text)
}

/// A path as a URI reference: characters with a special meaning in URIs are escaped.
pub(super) fn uri(path: &str) -> String {
    let escape = |part: &str| String::from_utf8_lossy(&path_escape(part.as_bytes())).into_owned();
    path.split('/').map(escape).collect::<Vec<_>>().join("/")
}

fn result(rule: &str, level: &str, message: &str, file: &str, line: Option<usize>) -> Data {
    let mut physical = vec![("artifactLocation", map([("uri", Data::str(uri(file)))]))];
    if let Some(line) = line {
        let line = i64::try_from(line).unwrap_or(i64::MAX);
        physical.push(("region", map([("startLine", Data::Int(line))])));
    }
    let location = map([("physicalLocation", map(physical))]);
    map([
        ("ruleId", Data::str(rule)),
        ("level", Data::str(level)),
        ("message", map([("text", Data::str(message))])),
        ("locations", Data::list(vec![location])),
    ])
}

fn map(entries: impl IntoIterator<Item = (&'static str, Data)>) -> Data {
    Data::map(entries.into_iter().map(|(key, value)| (Arc::from(key), value)).collect())
}
