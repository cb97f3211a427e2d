//! Fetching a chart into a folder.
//!
//! Goes in: a reference, where to put it, and what to do with it. Comes out: where the archive or the unpacked chart lies, and who
//! signed it. Matches Helm's `pkg/action/pull.go`; an archive is unpacked next to its destination and moved there when complete.

use crate::chart::loader;
use crate::error::{Error, ErrorKind, Result};
use crate::fs;
use crate::package::digest;
use crate::package::provenance::Verification;
use crate::repository::download::{Downloader, Verify};
use crate::repository::{ChartOptions, Reporter, Settings};
use std::path::{Path, PathBuf};

/// Where the chart goes.
#[derive(Debug, Clone, Default)]
pub struct Options {
    pub source: ChartOptions,
    /// `-d`; must exist.
    pub destination: PathBuf,
    /// Unpack instead of keeping the archive.
    pub untar: bool,
    /// Where to unpack, below `destination` unless absolute.
    pub untar_folder: PathBuf,
    /// Fetch the provenance file too.
    pub provenance: bool,
}

/// What was fetched.
#[derive(Debug, Clone, Default)]
pub struct Report {
    /// The archive, or the folder of the unpacked chart.
    pub path: PathBuf,
    /// SHA-256 of the archive, hex.
    pub digest: String,
    pub verification: Option<Verification>,
}

/// Fetches the chart that `reference` names.
pub fn run(reference: &str, options: &Options, settings: &Settings, reporter: &dyn Reporter) -> Result<Report> {
    let verify = match (options.source.verify, options.provenance) {
        (true, _) => Verify::Always,
        (false, true) => Verify::Later,
        (false, false) => Verify::Never,
    };
    let downloader = Downloader::new(options.source.clone(), settings, reporter);
    if !options.untar {
        let saved = downloader.save(reference, &options.source.version, &options.destination, verify)?;
        return Ok(Report { path: saved.path, digest: digest::hex(&saved.digest), verification: saved.verification });
    }
    let temporary = fs::temporary_folder(&settings.temporary).map_err(|error| error.context("failed to untar"))?;
    let saved = downloader.save(reference, &options.source.version, temporary.path(), verify)?;
    let folder = match options.untar_folder.is_absolute() {
        true => options.untar_folder.clone(),
        false => fs::clean(&options.destination.join(&options.untar_folder)),
    };
    let last = reference.rsplit('/').next().unwrap_or_default();
    let check = if folder == Path::new(".") { PathBuf::from(last) } else { folder.join(last) };
    if fs::exists(&check) {
        let message = format!("failed to untar: a file or directory with the name {} already exists", check.display());
        return Err(Error::new(ErrorKind::Io, message));
    }
    fs::create_folders(&check).map_err(|error| error.context("failed to untar (mkdir)"))?;
    let path = loader::unpack::unpack(&saved.path, &folder).inspect_err(|_| {
        // Helm leaves this folder behind, and it would stop the next run.
        let _ = fs::remove_empty_folder(&check);
    })?;
    Ok(Report { path, digest: digest::hex(&saved.digest), verification: saved.verification })
}
