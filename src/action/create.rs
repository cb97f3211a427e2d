//! Creates a chart.
//!
//! Goes in: the path, the name, and a starter. Comes out: a folder with files, and which of them existed before.
//! Matches Helm's `pkg/chart/v2/util/{create,save}.go`, except for Jinja starters, which Helm does not have.

#[cfg(feature = "cli")]
use crate::chart::starter::jinja;
use crate::chart::{loader, starter};
use crate::diagnostic::Notices;
use crate::error::{Error, ErrorKind, Result};
use crate::fs;
use crate::package::archive;
use std::path::{Path, PathBuf};

/// The created chart.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// The chart's folder.
    pub folder: PathBuf,
    /// Files that existed and were overwritten, in the order of writing.
    pub overwritten: Vec<PathBuf>,
}

/// Creates the scaffold of a chart at `path`, whose last part is the chart's name; the folder above it must
/// exist. Existing files of the same names are overwritten, others are left alone.
pub fn scaffold(path: &Path) -> Result<Report> {
    let (parent, name) = split(path);
    starter::check_name(&name)?;
    let parent = fs::absolute(&parent)?;
    if fs::stat(&parent)?.kind != fs::Kind::Folder {
        return Err(Error::new(ErrorKind::Io, format!("no such directory {}", parent.display())));
    }
    let folder = fs::clean(&parent.join(&name));
    check_free(&folder)?;
    let report = write(&folder, starter::scaffold(&name))?;
    fs::create_folders(&folder.join("charts"))?;
    Ok(report)
}

/// Creates a chart at `path` from the starter chart at `source`. Overwritten files are not reported.
pub fn from_starter(path: &Path, source: &Path, notices: &mut Notices) -> Result<Report> {
    let (parent, name) = split(path);
    starter::check_name(&name)?;
    let chart =
        loader::load_any_version(source, notices).map_err(|error| error.context(format_args!("could not load {}", source.display())))?;
    let folder = fs::clean(&parent.join(&name));
    check_free(&folder)?;
    fs::create_folders(&folder)?;
    let mut report = write(&folder, starter::from_starter(&chart, &name)?)?;
    report.overwritten.clear();
    for subchart in &chart.dependencies {
        archive::save(subchart, &folder.join("charts"), None)
            .map_err(|error| error.context(format_args!("saving {name}/charts/{}", subchart.name())))?;
    }
    Ok(report)
}

/// Creates a chart at `path` from the Jinja starter at `source`: all of it or nothing. If `path` exists, it must be an empty folder.
#[cfg(feature = "cli")]
pub fn from_jinja_starter(path: &Path, source: &Path, given: jinja::Answers, ask: jinja::Ask<'_>) -> Result<Report> {
    let (parent, name) = split(path);
    starter::check_name(&name)?;
    let folder = fs::clean(&parent.join(&name));
    check_free(&folder)?;
    if fs::is_folder(&folder) && !fs::names(&folder)?.is_empty() {
        return Err(Error::new(ErrorKind::Io, format!("folder {} already exists and is not empty", folder.display())));
    }
    let files = jinja::from_jinja_starter(source, &name, given, ask)?;
    fs::create_folders(&parent)?;
    let staging = fs::unfinished_folder(&parent)?;
    let made = staging.path().join(&name);
    fs::create_folders(&made.join("charts"))?;
    write(&made, files)?;
    fs::rename(&made, &folder)?;
    Ok(Report { folder, overwritten: Vec::new() })
}

/// The folder above and the last part, as Go's `filepath.Dir` and `filepath.Base`.
fn split(path: &Path) -> (PathBuf, String) {
    let text = path.to_string_lossy();
    let text = fs::with_slashes(&text);
    let name = match text.trim_end_matches('/').rsplit('/').next() {
        Some("") | None if text.is_empty() => ".",
        Some("") | None => "/",
        Some(name) => name,
    };
    // For `a/` the parent is `a`, and the name is `a` as well.
    let above = text.rsplit_once('/').map_or("", |(above, _)| if above.is_empty() { "/" } else { above });
    // The root of the drive, not its current folder.
    let above = if cfg!(windows) && above.ends_with(':') { format!("{above}/") } else { above.to_string() };
    (fs::clean(Path::new(&above)), name.to_string())
}

fn check_free(folder: &Path) -> Result<()> {
    match fs::stat(folder) {
        Ok(entry) if entry.kind != fs::Kind::Folder => {
            Err(Error::new(ErrorKind::Io, format!("file {} already exists and is not a directory", folder.display())))
        }
        _ => Ok(()),
    }
}

fn write(folder: &Path, files: Vec<starter::NewFile>) -> Result<Report> {
    let mut overwritten = Vec::new();
    for (name, text) in files {
        let path = fs::join_below(folder, &name)?;
        if fs::exists(&path) {
            overwritten.push(path.clone());
        } else if let Some(parent) = path.parent() {
            fs::create_folders(parent)?;
        }
        fs::write(&path, &text)?;
    }
    Ok(Report { folder: folder.to_path_buf(), overwritten })
}
