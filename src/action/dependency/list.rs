//! Which dependencies of a chart are in `charts/`, and in what state.
//!
//! Goes in: a chart's path. Comes out: rows and warnings, as `dependency list` shows them; nothing is fetched or written.
//! Matches Helm's `pkg/action/dependency.go`.

use crate::chart::{Chart, Dependency, loader};
use crate::diagnostic::Notices;
use crate::error::Result;
use crate::fs;
use crate::quote::quote;
use crate::repository::Reporter;
use crate::version::{Constraint, Version};
use std::path::Path;

/// One line of `dependency list`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    pub name: String,
    pub version: String,
    pub repository: String,
    /// `ok`, `unpacked`, `missing`, `wrong version`, `invalid version`, `misnamed`, `corrupt` or `too many matches`.
    pub status: &'static str,
}

/// What `dependency list` shows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Listing {
    /// In the order of Chart.yaml; `None` when it has no list of dependencies.
    pub rows: Option<Vec<Row>>,
    /// Complete lines that start with `WARNING: `.
    pub warnings: Vec<String>,
}

/// Lists the dependencies of the chart at `path` and the state of each in `charts/`.
pub fn list(path: &Path, reporter: &dyn Reporter) -> Result<Listing> {
    let mut notices = Notices::new();
    let chart = loader::load_any_version(path, &mut notices);
    reporter.pass_on(notices);
    let chart = chart?;
    let charts = fs::clean(&path.join("charts"));
    if !chart.metadata.lists_dependencies() {
        let warning = format!("WARNING: no dependencies at {}", charts.display());
        return Ok(Listing { rows: None, warnings: vec![warning] });
    }
    let names: Vec<String> = if fs::is_folder(&charts) {
        fs::names(&charts)?.iter().map(|name| name.to_string_lossy().into_owned()).collect()
    } else {
        Vec::new()
    };
    let row = |dependency: &Dependency| Row {
        name: dependency.name.clone(),
        version: dependency.version.clone(),
        repository: dependency.repository.clone(),
        status: status(&charts, &names, dependency, &chart),
    };
    let rows = chart.metadata.dependencies.iter().map(row).collect();
    let mut warnings = Vec::new();
    for name in &names {
        let path = charts.join(name);
        if !fs::is_folder(&path) && !name.ends_with(".tgz") {
            continue;
        }
        match loader::load_any_version(&path, &mut Notices::new()) {
            Err(_) => warnings.push(format!("WARNING: {} is not a chart.", shown(&path))),
            Ok(found) if chart.metadata.dependencies.iter().all(|dependency| dependency.name != found.name()) => {
                warnings.push(format!("WARNING: {} is not in Chart.yaml.", shown(&path)));
            }
            Ok(_) => {}
        }
    }
    Ok(Listing { rows: Some(rows), warnings })
}

fn shown(path: &Path) -> String {
    quote(path.to_string_lossy().as_bytes())
}

/// The state of a dependency in `charts/`, in Helm's words. `names` are the names of all entries there.
fn status(charts: &Path, names: &[String], dependency: &Dependency, chart: &Chart) -> &'static str {
    let prefix = format!("{}-", dependency.name);
    let archives: Vec<&String> = names.iter().filter(|name| name.starts_with(&prefix) && name.ends_with(".tgz")).collect();
    let archive = match archives.as_slice() {
        [] => None,
        [one] => Some(*one),
        several => {
            let version = |name: &str| Version::parse_strict(name.trim_end_matches(".tgz").trim_start_matches(&prefix)).is_ok();
            let real: Vec<&&String> = several.iter().filter(|name| version(name)).collect();
            match real.as_slice() {
                [] => None,
                [one] => Some(**one),
                _ => return "too many matches",
            }
        }
    };
    if let Some(archive) = archive {
        return match loader::load(&charts.join(archive), &mut Notices::new()) {
            Err(_) => "corrupt",
            Ok(found) if found.name() != dependency.name => "misnamed",
            Ok(found) => version_status(&found.metadata.version, &dependency.version).unwrap_or("ok"),
        };
    }
    match chart.dependencies.iter().rev().find(|found| found.name() == dependency.name) {
        None => "missing",
        Some(found) => version_status(&found.metadata.version, &dependency.version).unwrap_or("unpacked"),
    }
}

/// How `found` violates the requested `range`, if it does.
fn version_status(found: &str, range: &str) -> Option<&'static str> {
    if found == range {
        return None;
    }
    match (Constraint::parse(range), Version::parse(found)) {
        (Ok(range), Ok(found)) => (!range.check(&found)).then_some("wrong version"),
        _ => Some("invalid version"),
    }
}
