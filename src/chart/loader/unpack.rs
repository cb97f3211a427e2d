//! An archive's files on disk again, as `pull --untar` wants them.
//!
//! Goes in: an archive and a folder. Comes out: the folder of the chart below it, named after the chart. Files are written
//! as they are, since reading and writing them anew would lose comments. Matches Helm's `pkg/chart/v2/util/expand.go`.

use super::archive;
use crate::chart::{File, Metadata};
use crate::error::{Error, ErrorKind, Result};
use crate::fs;
use crate::quote::quote;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Writes the files of the archive below `folder`; gives back the chart's own folder there. They are written beside it and
/// moved when all are there, so that a fault, or a process that is killed, leaves no half of a chart.
/// Nothing is written outside of it, not even through links that lie there already.
pub fn unpack(archive: &Path, folder: &Path) -> Result<PathBuf> {
    let files = archive::read_file(fs::open(archive)?, archive)?;
    let name = chart_name(&files)?;
    fs::create_folders(folder)?;
    let staging = fs::unfinished_folder(folder)?;
    let (new, top) = (staging.path().join(&name), folder.join(&name));
    let mut made = BTreeSet::new();
    for file in &files {
        let path = fs::join_below(&new, &file.name)?;
        if let Some(parent) = path.parent().filter(|parent| !made.contains(*parent)) {
            fs::create_folders(parent)?;
            made.insert(parent.to_path_buf());
        }
        fs::write(&path, &file.data)?;
    }
    let is_new = match fs::lstat(&top) {
        Err(_) => true,
        Ok(entry) => entry.kind == fs::Kind::Folder && fs::names(&top)?.is_empty(),
    };
    if is_new {
        fs::rename(&new, &top)?;
        return Ok(top);
    }
    // Into a folder that has something already, as Helm does.
    let mut checked = BTreeSet::new();
    for file in &files {
        let path = fs::join_below(&top, &file.name)?;
        if let Some(parent) = path.parent().filter(|parent| !checked.contains(*parent)) {
            refuse_links(&top, parent)?;
            fs::create_folders(parent)?;
            checked.insert(parent.to_path_buf());
        }
        fs::rename(&fs::join_below(&new, &file.name)?, &path)?;
    }
    Ok(top)
}

/// That no folder from `top` down to `folder` is a link.
fn refuse_links(top: &Path, folder: &Path) -> Result<()> {
    let below_top = |path: &&Path| path.starts_with(top);
    for path in folder.ancestors().take_while(below_top) {
        if fs::lstat(path).is_ok_and(|entry| entry.kind == fs::Kind::Link) {
            let message = format!("{} is a symbolic link and is not written through", path.display());
            return Err(Error::new(ErrorKind::Io, message));
        }
    }
    Ok(())
}

/// The chart's name, which must not be a path.
pub(crate) fn chart_name(files: &[File]) -> Result<String> {
    let mut name = String::new();
    for file in files.iter().filter(|file| &*file.name == "Chart.yaml") {
        name = Metadata::parse(&file.data).map_err(|error| error.context("cannot load Chart.yaml"))?.name;
    }
    let refused = |message: String| Err(Error::new(ErrorKind::Chart, message));
    if name.is_empty() {
        return refused("chart name not specified".to_string());
    }
    if name == "." || name == ".." {
        return refused(format!("chart name {} is not allowed", quote(name.as_bytes())));
    }
    if name.contains(['/', '\\', '\0']) {
        return refused(format!("chart name {} must not contain path separators", quote(name.as_bytes())));
    }
    Ok(name)
}
