//! Decides which subcharts are enabled, under which names, and what their parents import from their values.
//!
//! Goes in: a chart tree as loaded, and the user's values. Comes out: a new tree (all content shared with the old
//! one) without the disabled subcharts, aliases applied, `import-values` done. [`alias`] pairs entries of Chart.yaml
//! with charts, [`condition`] decides which are enabled, [`import_values`] moves values up. It is layered below
//! `values` because conditions and imports read coalesced values. Follows Helm's `pkg/chart/v2/util/dependencies.go`.

pub mod alias;
pub mod condition;
pub mod import_values;
pub mod resolve;

use crate::chart::{Chart, Metadata};
use crate::data::Map;
use crate::diagnostic::Notices;
use crate::error::{Error, ErrorKind, Result};
use crate::quote::quote;
use crate::values::coalesce;
use std::collections::HashSet;
use std::sync::Arc;

/// How many subcharts a chart may have on all levels together: aliases of charts that contain aliases multiply.
const CHARTS_LIMIT: usize = 50_000;

/// The tree to render: enabled subcharts only, under their aliases, imported values in the parents' defaults
/// (`ProcessDependencies`).
///
/// # Errors
/// `type mismatch on NAME: …` if the values of a subchart are not a table.
pub fn process(chart: &Chart, values: &Arc<Map>, notices: &mut Notices) -> Result<Chart> {
    let mut chart = chart.clone();
    let name = chart.name().to_string();
    enable(&mut chart, &name, values, "", &mut Vec::new(), &mut 0, notices)?;
    import_values::process(&mut chart, notices)?;
    Ok(chart)
}

/// Applies aliases, tags and conditions to `chart`, which is at `place` in the tree, and to the enabled subcharts below it. `values` are
/// the coalesced values of the parent, starting at the root: Helm passes the root's values down and prefixes paths instead. `siblings`
/// caches the values coalesced without notices for sibling charts: aliases of one chart share them. `count` counts subcharts.
fn enable(
    chart: &mut Chart,
    place: &str,
    values: &Arc<Map>,
    path: &str,
    siblings: &mut Vec<(Chart, Arc<Map>)>,
    count: &mut usize,
    notices: &mut Notices,
) -> Result<()> {
    if !chart.metadata.lists_dependencies() {
        return Ok(());
    }
    let loaded = chart.clone();
    chart.dependencies = alias::apply(place, &chart.dependencies, &chart.metadata.dependencies);
    *count += chart.dependencies.len();
    if *count > CHARTS_LIMIT {
        let message = format!("chart {} has more than {CHARTS_LIMIT} subcharts, aliases of aliases among them", quote(place));
        return Err(Error::new(ErrorKind::Limit, message));
    }
    {
        let metadata: &mut Metadata = Arc::make_mut(&mut chart.metadata);
        for dependency in &mut metadata.dependencies {
            if !dependency.alias.is_empty() {
                dependency.name = dependency.alias.clone();
            }
            dependency.enabled = true;
        }
    }
    let values = match siblings.iter().find(|(sibling, _)| sibling.is_twin_of(&loaded)) {
        Some((_, values)) => values.clone(),
        None => {
            let told = notices.list.len();
            let values = coalesce::coalesce_values(chart, values, notices)?;
            if notices.list.len() == told {
                siblings.push((loaded, values.clone()));
            }
            values
        }
    };
    let metadata: &mut Metadata = Arc::make_mut(&mut chart.metadata);
    condition::apply_tags(&mut metadata.dependencies, &values, notices);
    condition::apply_conditions(&mut metadata.dependencies, &values, path, notices);
    let disabled: HashSet<String> =
        metadata.dependencies.iter().filter(|dependency| !dependency.enabled).map(|dependency| dependency.name.clone()).collect();
    if !disabled.is_empty() {
        metadata.dependencies.retain(|dependency| !disabled.contains(&dependency.name));
        chart.dependencies.retain(|subchart| !disabled.contains(subchart.name()));
    }
    // To Helm an empty list is a nil slice.
    metadata.has_dependency_list = !metadata.dependencies.is_empty();
    let mut siblings = Vec::new();
    for subchart in &mut chart.dependencies {
        let below = format!("{path}{}.", subchart.name());
        let place = subchart.path_in(place);
        enable(subchart, &place, &values, &below, &mut siblings, count, notices)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
