//! Pairs the entries of `dependencies` with the charts in `charts/`.
//!
//! Goes in: the loaded subcharts and the entries of Chart.yaml. Comes out: the subcharts in Helm's order: first
//! those that no entry lists, then one for each entry that fits, renamed to its alias. A chart listed twice appears
//! twice and shares all its content. Follows `getAliasDependency` of Helm's `pkg/chart/v2/util/dependencies.go`.

use crate::chart::{Chart, Dependency, Metadata};
use crate::version::{self, Constraint, Version};
use std::cell::OnceCell;
use std::sync::Arc;

/// The subcharts of a chart at `path` whose Chart.yaml lists `entries`.
pub fn apply(path: &str, charts: &[Chart], entries: &[Dependency]) -> Vec<Chart> {
    let mut constraints: Vec<OnceCell<Option<Constraint>>> = Vec::new();
    constraints.resize_with(entries.len(), OnceCell::new);
    let fits = |entry: usize, chart: usize| {
        let (wanted, version) = (&entries[entry], &charts[chart].metadata.version);
        let allows = || {
            let constraint = constraints[entry].get_or_init(|| Constraint::parse(&wanted.version).ok()).as_ref();
            constraint.is_some_and(|constraint| Version::parse(version).is_ok_and(|version| constraint.check(&version)))
        };
        charts[chart].name() == wanted.name && (wanted.version == *version && version::is_plain(version) || allows())
    };
    let mut applied: Vec<Chart> =
        (0..charts.len()).filter(|&chart| !(0..entries.len()).any(|entry| fits(entry, chart))).map(|chart| charts[chart].clone()).collect();
    for (entry, dependency) in entries.iter().enumerate() {
        if let Some(chart) = (0..charts.len()).find(|&chart| fits(entry, chart)) {
            applied.push(renamed(path, &charts[chart], &dependency.alias));
        }
    }
    // From here on all of them have this chart as their parent.
    for chart in &mut applied {
        chart.found_in = None;
    }
    applied
}

/// The copy of a chart in the chart at `path`. Helm copies the chart and its subcharts; charts within those
/// still point to the originals until something sets their parent again.
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
