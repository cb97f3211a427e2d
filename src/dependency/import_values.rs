//! `import-values`: tables of subcharts that become defaults of their parents.
//!
//! Goes in: a chart tree after conditions. Comes out: the same tree whose `values` hold, for each chart with dependencies, its own
//! defaults merged with those of its subcharts (nulls kept) over the imported ones. The deepest charts are processed first; of two imports
//! of one key the first wins; a missing table gives a notice. Follows `processImportValues` of Helm's `pkg/chart/v2/util/dependencies.go`.

use crate::chart::{Chart, Dependency, Metadata};
use crate::data::{Data, Map};
use crate::diagnostic::{Level, Notices};
use crate::error::Result;
use crate::values::coalesce;
use crate::values::lookup::NotATable;
use crate::values::print_value;
use crate::values::table::{Node, Table};
use std::sync::Arc;

/// Imports values in the whole tree.
pub fn process(chart: &mut Chart, notices: &mut Notices) -> Result<()> {
    process_subcharts(chart, notices)?;
    if !chart.metadata.lists_dependencies() {
        return Ok(());
    }
    let nothing = Arc::new(Map::new());
    if chart.metadata.dependencies.iter().all(|dependency| dependency.import_values.is_empty()) {
        chart.values = coalesce::merge_values(chart, &nothing, notices)?;
        return Ok(());
    }
    let values = coalesce::merge_to_table(chart, &nothing, notices)?;
    values.unseal();
    let imported = Table::empty();
    let metadata: &mut Metadata = Arc::make_mut(&mut chart.metadata);
    for dependency in &mut metadata.dependencies {
        import(dependency, &values, &imported, notices)?;
    }
    // The imported tables share their cells with `values`, so the chart's own defaults must be separated from those before they change.
    let values = Table::of(values.freeze()?);
    coalesce::merge_tables(&values, &imported, notices)?;
    chart.values = values.freeze()?;
    Ok(())
}

/// Imports values in the subcharts. A chart with several aliases is processed once, so that all of them keep
/// sharing their values, unless it gave notices, since those name the alias.
fn process_subcharts(chart: &mut Chart, notices: &mut Notices) -> Result<()> {
    let mut done: Vec<(Chart, usize)> = Vec::new();
    for at in 0..chart.dependencies.len() {
        let loaded = chart.dependencies[at].clone();
        if let Some((_, twin)) = done.iter().find(|(twin, _)| twin.is_twin_of(&loaded)) {
            let twin = &chart.dependencies[*twin];
            let (values, dependencies) = (twin.values.clone(), twin.dependencies.clone());
            let imports = twin.metadata.dependencies.iter().any(|dependency| !dependency.import_values.is_empty());
            let listed = imports.then(|| twin.metadata.dependencies.clone());
            let subchart = &mut chart.dependencies[at];
            (subchart.values, subchart.dependencies) = (values, dependencies);
            if let Some(listed) = listed {
                let metadata: &mut Metadata = Arc::make_mut(&mut subchart.metadata);
                metadata.dependencies = listed;
            }
            continue;
        }
        let told = notices.list.len();
        process(&mut chart.dependencies[at], notices)?;
        if notices.list.len() == told {
            done.push((loaded, at));
        }
    }
    Ok(())
}

/// Merges the exports of `dependency` into `imported`, where existing keys win.
fn import(dependency: &mut Dependency, values: &Table, imported: &Table, notices: &mut Notices) -> Result<()> {
    let mut listed = Vec::new();
    for entry in &dependency.import_values {
        let (child, parent) = match entry {
            Data::Map(pair) => {
                let text = |key| print_value(pair.get(key).unwrap_or(&Data::Null));
                (text("child"), text("parent"))
            }
            Data::Str(export) => (format!("exports.{export}"), ".".to_string()),
            _ => continue,
        };
        match table_at(values, dependency.name.split('.').chain(child.split('.'))) {
            Ok(found) => {
                // Helm replaces an empty map by a new one, so that later imports are not written to the child.
                let found = if found.is_empty() { Table::empty() } else { found };
                coalesce::merge_tables(imported, &nested(&parent, found), notices)?;
            }
            Err(missing) => {
                let missing = missing.to_string();
                match entry {
                    Data::Map(_) => notices.push_with(
                        Level::Warn,
                        "ImportValues missing table from chart",
                        &[("chart", dependency.name.as_str()), ("error", missing.as_str())],
                    ),
                    _ => notices.push_with(Level::Warn, "ImportValues missing table", &[("error", missing.as_str())]),
                }
            }
        }
        listed.push(Data::map(Map::from_entries(vec![("child".into(), Data::str(child)), ("parent".into(), Data::str(parent))])));
    }
    dependency.import_values = listed;
    Ok(())
}

/// The table at a path, as the shared cell itself.
fn table_at<'path>(values: &Table, path: impl Iterator<Item = &'path str>) -> std::result::Result<Table, NotATable> {
    let mut current = values.clone();
    for key in path {
        current = current.shared_child(key).ok_or_else(|| NotATable(key.to_string()))?;
    }
    Ok(current)
}

/// Wraps `table` in tables so that it is at a dotted path; for `.` it is the table itself.
fn nested(path: &str, table: Table) -> Table {
    if path == "." {
        return table;
    }
    path.split('.').rev().fold(table, |inner, key| {
        let outer = Table::empty();
        outer.set(Arc::from(key), Node::Table(inner));
        outer
    })
}
