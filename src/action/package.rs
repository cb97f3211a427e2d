//! Packing a chart folder into an archive.
//!
//! Goes in: the folder and what to change in the packed Chart.yaml. Comes out: where the archive was written, its
//! bytes and the chart as packed.
//! Dependencies are updated by the caller beforehand, since that needs the network. Matches Helm's `pkg/action/package.go`.

use crate::chart::{Chart, loader};
use crate::diagnostic::Notices;
use crate::error::{Error, ErrorKind, Result};
use crate::fs;
use crate::package::{archive, digest};
use crate::version::Version;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What to pack differently from what is on disk, and where to put it.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Instead of Chart.yaml's version, unless empty.
    pub version: String,
    /// Instead of Chart.yaml's appVersion, unless empty.
    pub app_version: String,
    /// The folder for the archive; `.` is the working folder and makes the reported path absolute.
    pub destination: PathBuf,
    /// Stands in the archive as the time of every file, seconds since 1970; without it files keep their own.
    pub time: Option<i64>,
}

/// An archive that was written.
#[derive(Debug)]
pub struct Report {
    pub path: PathBuf,
    /// The chart as it was packed.
    pub chart: Chart,
    /// The bytes of the archive.
    pub archive: Vec<u8>,
}

impl Report {
    /// SHA-256 of the archive, hex; not taken unless asked for.
    pub fn digest(&self) -> String {
        digest::sha256_hex(&self.archive)
    }

    /// Chart.yaml with all its dependencies, which is what gets signed.
    pub fn metadata(&self) -> Result<String> {
        self.chart.metadata.to_yaml()
    }
}

/// Packs the chart in the folder at `path`.
pub fn run(path: &Path, options: &Options, notices: &mut Notices) -> Result<Report> {
    let mut chart = loader::load_directory(path, notices)?;
    let mut metadata = (*chart.metadata).clone();
    if !options.version.is_empty() {
        metadata.version.clone_from(&options.version);
    }
    Version::parse(&metadata.version).map_err(|error| Error::new(ErrorKind::Chart, error.to_string()))?;
    if !options.app_version.is_empty() {
        metadata.app_version.clone_from(&options.app_version);
    }
    chart.metadata = Arc::new(metadata);
    chart.check_dependencies()?;
    let folder = match options.destination == Path::new(".") {
        true => fs::absolute(Path::new("."))?,
        false => options.destination.clone(),
    };
    let (path, archive) = archive::save(&chart, &folder, options.time).map_err(|error| error.context("failed to save"))?;
    Ok(Report { path, chart, archive })
}
