//! A chart in memory, read from a folder or an archive.
//!
//! Goes in: files. Comes out: [`Chart`], whose content is shared so that an alias of a subchart costs one pointer. Later layers
//! handle values, dependencies and templates. Follows Helm's `pkg/chart/v2`.

pub(crate) mod fault;
pub mod file;
pub mod ignore;
pub mod loader;
pub mod lock;
pub mod metadata;
pub mod starter;

use crate::data::Map;
use crate::error::{Error, ErrorKind, Result};
use std::sync::Arc;

pub use file::{Bytes, File, Name};
pub use lock::Lock;
pub use metadata::{Dependency, Maintainer, Metadata};

/// A chart and its subcharts. Cloning is cheap: all content is behind `Arc`.
#[derive(Debug, Clone)]
pub struct Chart {
    /// Chart.yaml; an alias replaces the name in its copy.
    pub metadata: Arc<Metadata>,
    /// Everything that stays the same when the chart gets an alias.
    pub content: Arc<Content>,
    /// The default values, parsed from values.yaml (import-values replaces them in a copy). Empty when there is no file.
    pub values: Arc<Map>,
    /// The subcharts, sorted by name.
    pub dependencies: Vec<Chart>,
    /// The path of this chart's parent that Helm still uses after the parent was copied under an alias (`parent/charts/child`).
    pub found_in: Option<Arc<str>>,
}

/// The files of one chart without its subcharts.
#[derive(Debug, Clone, Default)]
pub struct Content {
    /// Every file of the chart itself as it was read, in loading order (Helm's `Raw` without the files below `charts/`).
    pub raw: Vec<File>,
    /// Files below `templates/`, names from the chart's top (`templates/x.yaml`).
    pub templates: Vec<File>,
    /// All other files that templates can read through `.Files`, and `crds/`.
    pub files: Vec<File>,
    /// values.schema.json.
    pub schema: Option<File>,
    /// Chart.lock or requirements.lock.
    pub lock: Option<Lock>,
    /// Modification time of Chart.yaml, seconds since 1970.
    pub modified: Option<i64>,
    /// Identifies the source: equal for files that were loaded once and are used under several aliases.
    pub source_id: usize,
}

impl Chart {
    /// The chart's name, or its alias.
    pub fn name(&self) -> &str {
        &self.metadata.name
    }

    /// The path of the chart in the tree, as in the names of its files, when its parent is at `parent` (Helm's `ChartFullPath`).
    pub fn path_in(&self, parent: &str) -> String {
        format!("{}/charts/{}", self.found_in.as_deref().unwrap_or(parent), self.name())
    }

    /// Whether both share the same files, read once, and have the same defaults and the same subcharts, whatever their aliases.
    pub fn is_twin_of(&self, other: &Chart) -> bool {
        let is_same = |(one, other): (&Chart, &Chart)| one.name() == other.name() && one.is_twin_of(other);
        let (listed, others) = (&self.metadata.dependencies, &other.metadata.dependencies);
        Arc::ptr_eq(&self.content, &other.content)
            && Arc::ptr_eq(&self.values, &other.values)
            && listed.len() == others.len()
            && listed.iter().zip(others).all(|(one, other)| one.is_same_choice(other))
            && self.dependencies.len() == other.dependencies.len()
            && self.dependencies.iter().zip(&other.dependencies).all(is_same)
    }

    /// This chart and all its descendants, each before its subcharts, with its full path (`parent/charts/child`).
    pub fn walk(&self) -> Vec<(String, &Chart)> {
        let mut charts = Vec::new();
        self.collect(self.name().to_string(), &mut charts);
        charts
    }

    /// The fault of a file that was used since the chart was loaded but could not be read, and counted as empty.
    pub fn unread(&self) -> Option<Error> {
        self.walk().into_iter().find_map(|(path, chart)| {
            let fault = |file: &File| Some(file.data.fault()?.clone().context(format_args!("cannot read {path}/{}", file.name)));
            chart.content.files.iter().find_map(fault)
        })
    }

    fn collect<'a>(&'a self, path: String, charts: &mut Vec<(String, &'a Chart)>) {
        let paths: Vec<String> = self.dependencies.iter().map(|child| child.path_in(&path)).collect();
        charts.push((path, self));
        for (child, path) in self.dependencies.iter().zip(paths) {
            child.collect(path, charts);
        }
    }

    /// The resources in `crds/` of this chart and its subcharts, each chart's in loading order (Helm's `CRDObjects`).
    pub fn crds(&self) -> Vec<Crd<'_>> {
        let is_manifest = |name: &str| {
            let extension = name.rsplit('/').next().and_then(|base| base.rsplit_once('.')).map_or("", |parts| parts.1);
            ["yaml", "yml", "json"].iter().any(|known| extension.eq_ignore_ascii_case(known))
        };
        let mut crds = Vec::new();
        for (path, chart) in self.walk() {
            for file in &chart.content.files {
                if file.name.starts_with("crds/") && is_manifest(&file.name) {
                    crds.push(Crd { path: format!("{path}/{}", file.name), file });
                }
            }
        }
        crds
    }

    /// Checks that every declared dependency is in `charts/`, by name, whatever its version. Fails with `found in Chart.yaml, but
    /// missing in charts/ directory: a, b` (Helm's `action.CheckDependencies`).
    pub fn check_dependencies(&self) -> Result<()> {
        let present = |name: &str| self.dependencies.iter().any(|chart| chart.name() == name);
        let declared = self.metadata.dependencies.iter().map(|dependency| dependency.name.as_str());
        let missing: Vec<&str> = declared.filter(|name| !present(name)).collect();
        if missing.is_empty() {
            return Ok(());
        }
        let message = format!("found in Chart.yaml, but missing in charts/ directory: {}", missing.join(", "));
        Err(Error::new(ErrorKind::Dependency, message))
    }

    /// The file of this name as it was read.
    pub fn raw(&self, name: &str) -> Option<&File> {
        self.content.raw.iter().find(|file| &*file.name == name)
    }
}

/// A file with custom resource definitions.
#[derive(Debug, Clone)]
pub struct Crd<'a> {
    /// With the chart's full path: `parent/charts/child/crds/x.yaml`.
    pub path: String,
    pub file: &'a File,
}
