//! Findings as JUnit XML, which CI servers show as test results.
//!
//! Goes in: findings by chart. Comes out: a test suite for each chart, a test case for each finding; a chart without findings
//! is one passing case.

use super::{ChartFindings, failing, place};
use std::fmt::Write;

/// The run as JUnit XML. A finding fails its case if it is an error or, with `strict`, a warning.
pub fn junit(run: &[ChartFindings], strict: bool) -> String {
    let bound = failing(strict);
    let mut text = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n");
    for chart in run {
        let failures = chart.findings.iter().filter(|finding| finding.severity >= bound).count();
        let errors = usize::from(chart.failure.is_some());
        let tests = if chart.findings.is_empty() { 1 } else { chart.findings.len() + errors };
        let name = escape(&chart.chart);
        // Writing to a string cannot fail.
        let _ = writeln!(text, "  <testsuite name=\"{name}\" tests=\"{tests}\" failures=\"{failures}\" errors=\"{errors}\">");
        for finding in &chart.findings {
            let (file, line) = place(&chart.chart, finding);
            let line = line.map(|line| format!(":{line}")).unwrap_or_default();
            let (rule, file, message) = (finding.rule.name(), escape(&file), escape(&finding.message));
            let _ = write!(text, "    <testcase classname=\"{rule}\" name=\"{file}{line}\"");
            if finding.severity >= bound {
                let kind = finding.severity.name();
                let _ = writeln!(text, "><failure message=\"{message}\" type=\"{kind}\"/></testcase>");
            } else {
                let _ = writeln!(text, "><system-out>{message}</system-out></testcase>");
            }
        }
        match &chart.failure {
            Some(failure) => {
                let _ =
                    writeln!(text, "    <testcase classname=\"chart\" name=\"{name}\"><error message=\"{}\"/></testcase>", escape(failure));
            }
            None if chart.findings.is_empty() => {
                let _ = writeln!(text, "    <testcase classname=\"chart\" name=\"{name}\"/>");
            }
            None => {}
        }
        text.push_str("  </testsuite>\n");
    }
    text.push_str("</testsuites>\n");
    text
}

/// Text for XML: markup is escaped, and characters that XML forbids are replaced.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\n' => escaped.push_str("&#10;"),
            '\t' => escaped.push_str("&#9;"),
            '\u{0}'..='\u{1f}' | '\u{7f}'..='\u{9f}' | '\u{fffe}' | '\u{ffff}' => escaped.push(char::REPLACEMENT_CHARACTER),
            plain => escaped.push(plain),
        }
    }
    escaped
}
