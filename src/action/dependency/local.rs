//! Local charts: the one whose dependencies are fetched, those at `file://`, and those in `charts/`.
//!
//! Goes in: folders, and paths as Chart.yaml writes them. Comes out: loaded charts, each loaded once in a run.
//! Those at `file://` are loaded ahead on all processors; their notices are reported only when a chart is used.
//! Matches how Helm's `pkg/downloader/manager.go` and `internal/resolver` treat local charts.

use super::Manager;
use crate::chart::{Chart, Dependency, loader};
use crate::diagnostic::Notices;
use crate::error::{Error, ErrorKind, Result};
use crate::fs;
use crate::parallel;
use crate::repository::Reporter;
use crate::version::{Constraint, Version};
use std::path::{Path, PathBuf};

/// Loads the chart in `folder` and reports its notices.
///
/// # Errors
/// `could not find FOLDER: …`, `only unpacked charts can be updated`.
pub(super) fn load(folder: &Path, reporter: &dyn Reporter) -> Result<Chart> {
    let about = fs::stat(folder).map_err(|error| error.context(format!("could not find {}", folder.display())))?;
    if about.kind != fs::Kind::Folder {
        return Err(Error::new(ErrorKind::Dependency, "only unpacked charts can be updated"));
    }
    let mut notices = Notices::new();
    let chart = loader::load_folder_of_any_version(folder, &mut notices);
    reporter.pass_on(notices);
    chart
}

/// The path that a `file://` repository or a folder name points to, resolved against the chart.
pub(super) fn local_path(repository: &str, folder: &Path) -> Result<PathBuf> {
    let path = Path::new(repository.strip_prefix("file://").unwrap_or(repository));
    let path = if path.is_absolute() { path.to_path_buf() } else { fs::clean(&folder.join(path)) };
    if fs::exists(&path) {
        return Ok(path);
    }
    Err(Error::new(ErrorKind::Dependency, format!("directory {} not found", path.display())))
}

impl Manager<'_> {
    /// Loads the charts at `file://` on all processors. Load errors are reported when the chart is used.
    pub(super) fn load_local(&mut self, asked: &[Dependency]) {
        let repositories = asked.iter().map(|dependency| &dependency.repository).filter(|repository| repository.starts_with("file://"));
        let mut paths: Vec<PathBuf> = repositories.filter_map(|repository| local_path(repository, self.folder).ok()).collect();
        paths.sort();
        paths.dedup();
        // A single chart gains nothing from this: it is loaded when it is used.
        if paths.len() > 1 {
            let loaded = parallel::map(parallel::threads(paths.len()), &paths, |path| {
                let mut notices = Notices::new();
                let chart = loader::load_folder_of_any_version(path, &mut notices).ok()?;
                Some((path.clone(), (chart, notices)))
            });
            self.local.extend(loaded.into_iter().flatten());
        }
    }

    /// The chart at a `file://` repository.
    pub(super) fn local_chart(&mut self, repository: &str) -> Result<Chart> {
        let path = local_path(repository, self.folder)?;
        if let Some((chart, notices)) = self.local.get_mut(&path) {
            self.reporter.pass_on(std::mem::take(notices));
            return Ok(chart.clone());
        }
        let mut notices = Notices::new();
        let chart = loader::load_folder_of_any_version(&path, &mut notices);
        self.reporter.pass_on(notices);
        let chart = chart?;
        self.local.insert(path, (chart.clone(), Notices::new()));
        Ok(chart)
    }
}

/// A dependency without a repository must be in `charts/`. Returns the fault if its version there does not fit.
pub(super) fn check_vendored(dependency: &Dependency, charts: &Path) -> Result<Option<Error>> {
    let path = charts.join(&dependency.name);
    let fault = |text: String| Error::new(ErrorKind::Dependency, text);
    let chart = loader::load_folder_of_any_version(&path, &mut Notices::new())
        .map_err(|error| error.context(format!("unable to load chart '{}'", path.display())))?;
    let (name, version) = (&dependency.name, &chart.metadata.version);
    let range = Constraint::parse(&dependency.version)
        .map_err(|error| fault(format!("dependency {name} has an invalid version/constraint format: {error}")))?;
    let parsed =
        Version::parse(version).map_err(|error| fault(format!("invalid version {} for dependency {name}: {error}", dependency.version)))?;
    let misfit = || fault(format!("dependency {name} at version {version} does not satisfy the constraint {}", dependency.version));
    Ok((!range.check(&parsed)).then(misfit))
}
