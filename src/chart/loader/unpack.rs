//! Unpacks an archive's files to disk, as `pull --untar` does.
//!
//! Goes in: an archive and a folder. Comes out: the folder of the chart below it, named after the chart. Files are written
//! unchanged, since parsing and rewriting them would lose comments. Matches Helm's `pkg/chart/v2/util/expand.go`.

use super::archive;
use crate::chart::ignore::{self, Rules};
use crate::chart::{File, Metadata};
use crate::error::{Error, ErrorKind, Result};
use crate::fs;
use crate::quote::quote;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Writes the files of the archive to the chart's own folder below `folder`, and returns that folder. The files are written beside
/// it and moved when complete, so that a fault or a killed process leaves no partial chart. Nothing is written outside of it, not
/// even through links that already exist there.
pub fn unpack(archive: &Path, folder: &Path) -> Result<PathBuf> {
    let files = archive::read_file(fs::open(archive)?, archive)?;
    let name = chart_name(&files)?;
    let files = in_order(files);
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
    // The folder has entries already: files are added to it, as in Helm.
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

/// The files as [`unpack`] writes them, in the order in which a folder is read; of several with one name the last one stays.
pub(crate) fn in_order(mut files: Vec<File>) -> Vec<File> {
    // The sort is stable, so that the last file of a name comes after the others.
    files.sort_by(|a, b| a.name.split('/').cmp(b.name.split('/')));
    files.dedup_by(|later, earlier| {
        let same = later.name == earlier.name;
        if same {
            std::mem::swap(later, earlier);
        }
        same
    });
    files
}

/// The files that reading the folder would give: its `.helmignore` applies. Fails if the `.helmignore` is invalid.
pub(crate) fn without_ignored(files: &[File]) -> Result<Vec<File>> {
    let mut rules = match files.iter().find(|file| &*file.name == ignore::FILE_NAME) {
        Some(file) => Rules::parse(&file.data)?,
        None => Rules::new(),
    };
    rules.add_defaults();
    let is_read = |file: &&File| {
        let mut folders = file.name.match_indices('/').filter_map(|(at, _)| file.name.get(..at));
        !folders.any(|folder| rules.ignores(folder, true)) && !rules.ignores(&file.name, false)
    };
    Ok(files.iter().filter(is_read).cloned().collect())
}

/// Checks that no folder from `top` down to `folder` is a link.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_come_as_a_folder_gives_them() {
        let file = |name: &str, text: &str| File { name: name.into(), data: text.as_bytes().into(), modified: None };
        let files = in_order(vec![
            file("templates/b.yaml", "1"),
            file("templates.txt", "2"),
            file("templates/a/z.yaml", "3"),
            file("docs/ci/x", "4"),
            file("templates/b.yaml", "5"),
            file(".helmignore", "docs/\n*.txt\n"),
            file("Chart.yaml", "6"),
            file("templates/.?x", "7"),
        ]);
        let told = |files: &[File]| -> Vec<String> {
            files.iter().map(|file| format!("{}: {}", file.name, String::from_utf8_lossy(&file.data).lines().next().unwrap())).collect()
        };
        let all = [
            ".helmignore: docs/",
            "Chart.yaml: 6",
            "docs/ci/x: 4",
            "templates/.?x: 7",
            "templates/a/z.yaml: 3",
            "templates/b.yaml: 5",
            "templates.txt: 2",
        ];
        assert_eq!(told(&files), all);
        let read = without_ignored(&files).unwrap();
        assert_eq!(told(&read), [".helmignore: docs/", "Chart.yaml: 6", "templates/a/z.yaml: 3", "templates/b.yaml: 5"]);
        assert!(without_ignored(&[file(".helmignore", "a**")]).is_err());
    }
}
