//! The rule for dependencies: Chart.yaml and charts/ agree.
//!
//! Goes in: the loaded chart. Comes out: findings, under the absolute path of the chart's folder as Helm shows them.
//! Matches Helm's `pkg/chart/v2/lint/rules/dependencies.go`.

use super::{Linter, Rule, Severity};
use std::collections::BTreeSet;

pub(super) fn check(linter: &mut Linter<'_>) {
    // Helm loads the chart again here, and repeats its messages.
    let chart = match linter.source.load(linter.notices) {
        Ok(chart) => chart,
        Err(error) => {
            return linter.add(Severity::Error, Rule::Dependencies, "", format!("unable to load chart\n\t{error}"));
        }
    };
    let path = linter.source.path.to_string_lossy().into_owned();
    let declared = &chart.metadata.dependencies;
    let undeclared: Vec<&str> =
        chart.dependencies.iter().map(|chart| chart.name()).filter(|name| !declared.iter().any(|entry| entry.name == *name)).collect();
    let mut seen = BTreeSet::new();
    let repeated: Vec<&str> = declared.iter().map(|entry| entry.name_or_alias()).filter(|name| !seen.insert(*name)).collect();
    let missing: Vec<&str> = declared
        .iter()
        .map(|entry| entry.name.as_str())
        .filter(|name| !chart.dependencies.iter().any(|chart| chart.name() == *name))
        .collect();
    for (severity, message, names) in [
        (Severity::Error, "chart metadata is missing these dependencies", undeclared),
        (Severity::Error, "multiple dependencies with name or alias", repeated),
        (Severity::Warning, "chart directory is missing these dependencies", missing),
    ] {
        if !names.is_empty() {
            linter.add(severity, Rule::Dependencies, &path, format!("{message}: {}", names.join(",")));
        }
    }
}
