//! Findings as plain JSON.
//!
//! Goes in: findings by chart. Comes out: `{"charts": […], "linted": N, "failed": N}`, each finding with severity, rule, path,
//! message, and, if known, file and line.

use super::{ChartFindings, place};
use crate::error::Result;
use crate::json::{self, Writer};
use crate::lint::Finding;

/// The run as JSON; `strict` counts charts with warnings as failed.
pub fn json(run: &[ChartFindings], strict: bool) -> Result<Vec<u8>> {
    let mut writer = Writer::new(false);
    writer.begin_map();
    writer.key(b"charts");
    writer.begin_list();
    for chart in run {
        writer.begin_map();
        text(&mut writer, "chart", &chart.chart);
        if let Some(failure) = &chart.failure {
            text(&mut writer, "failure", failure);
        }
        writer.key(b"findings");
        writer.begin_list();
        for finding in &chart.findings {
            write_finding(&mut writer, &chart.chart, finding);
        }
        writer.end_list();
        writer.end_map();
    }
    writer.end_list();
    writer.key(b"linted");
    writer.int(count(run.len()));
    writer.key(b"failed");
    writer.int(count(run.iter().filter(|chart| chart.has_failed(strict)).count()));
    writer.end_map();
    let mut text = json::indent(&writer.finish()?, "", "  ");
    text.push(b'\n');
    Ok(text)
}

fn write_finding(writer: &mut Writer, chart: &str, finding: &Finding) {
    let (file, line) = place(chart, finding);
    writer.begin_map();
    text(writer, "severity", &finding.severity.name().to_lowercase());
    text(writer, "rule", finding.rule.name());
    text(writer, "path", &finding.path);
    text(writer, "file", &file);
    if let Some(line) = line {
        writer.key(b"line");
        writer.int(count(line));
    }
    text(writer, "message", &finding.message);
    writer.end_map();
}

fn text(writer: &mut Writer, key: &str, text: &str) {
    writer.key(key.as_bytes());
    writer.str(text.as_bytes());
}

fn count(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
