//! Entries of `dependencies` paired with the charts in `charts/`.
//!
//! Goes in: the loaded subcharts and the entries of Chart.yaml. Comes out: the subcharts in the order Helm keeps: those
//! nobody lists first, then one for each entry that fits, renamed to its alias. A chart listed twice comes twice and
//! shares all its content. Follows `getAliasDependency` of Helm's `pkg/chart/v2/util/dependencies.go`.

use crate::chart::{Chart, Dependency, Metadata};
use crate::version::{Constraint, Version};
use std::sync::Arc;

/// The subcharts of a chart at `path` whose Chart.yaml lists `entries`.
pub fn apply(path: &str, charts: &[Chart], entries: &[Dependency]) -> Vec<Chart> {
    let constraints: Vec<Option<Constraint>> = entries.iter().map(|entry| Constraint::parse(&entry.version).ok()).collect();
    let versions: Vec<Option<Version>> = charts.iter().map(|chart| Version::parse(&chart.metadata.version).ok()).collect();
    let fits = |entry: usize, chart: usize| {
        charts[chart].name() == entries[entry].name
            && matches!((&constraints[entry], &versions[chart]), (Some(constraint), Some(version)) if constraint.check(version))
    };
    let mut applied: Vec<Chart> =
        (0..charts.len()).filter(|&chart| !(0..entries.len()).any(|entry| fits(entry, chart))).map(|chart| charts[chart].clone()).collect();
    for (entry, dependency) in entries.iter().enumerate() {
        if let Some(chart) = (0..charts.len()).find(|&chart| fits(entry, chart)) {
            applied.push(renamed(path, &charts[chart], &dependency.alias));
        }
    }
    // All of them know their parent from now on.
    for chart in &mut applied {
        chart.found_in = None;
    }
    applied
}

/// The copy of a chart in the chart at `path`. Helm copies it and its subcharts; charts within those still point to what was
/// copied, as long as nothing gives them a parent again.
fn renamed(path: &str, chart: &Chart, alias: &str) -> Chart {
    let old_path = chart.path_in(path);
    let mut chart = chart.clone();
    for subchart in &mut chart.dependencies {
        if !subchart.dependencies.is_empty() {
            let found_in: Arc<str> = subchart.path_in(&old_path).into();
            for below in &mut subchart.dependencies {
                below.found_in.get_or_insert_with(|| found_in.clone());
            }
        }
        subchart.found_in = None;
    }
    if !alias.is_empty() {
        let metadata: &mut Metadata = Arc::make_mut(&mut chart.metadata);
        metadata.name = alias.to_string();
    }
    chart
}
