//! A chart in memory, as it was read from a folder or an archive.
//!
//! Goes in: files. Comes out: [`Chart`], whose content is shared so that an alias of a subchart costs one pointer.
//! Values, dependencies and templates are the business of later layers. Follows Helm's `pkg/chart/v2`.

pub mod file;
pub mod metadata;

use crate::data::Map;
use std::sync::Arc;

pub use file::File;
pub use metadata::{Dependency, Lock, Maintainer, Metadata};

/// A chart and its subcharts. Cloning is cheap: all content is behind `Arc`.
#[derive(Debug, Clone)]
pub struct Chart {
    /// Chart.yaml; an alias replaces the name in its copy.
    pub metadata: Arc<Metadata>,
    /// All that does not change when the chart is given an alias.
    pub content: Arc<Content>,
    /// The default values, after values.yaml was parsed (import-values replaces it in a copy). Empty when there is no file.
    pub values: Arc<Map>,
    /// The subcharts, sorted by name.
    pub dependencies: Vec<Chart>,
}

/// The files of one chart without its subcharts.
#[derive(Debug, Clone, Default)]
pub struct Content {
    /// Every file as it was read, in loading order (Helm's `Raw`).
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
    /// Distinguishes sources: equal for the same files loaded once and used under several aliases.
    pub source_id: usize,
}

impl Chart {
    /// The chart's name, or its alias.
    pub fn name(&self) -> &str {
        &self.metadata.name
    }
}
