//! A chart from a folder.
//!
//! Goes in: a folder. Comes out: its files in the order of Helm's walk: names in byte order per level, links followed with a
//! notice, what `.helmignore` names left out. Matches Helm's `pkg/chart/v2/loader/directory.go` and `internal/sympath`.

use super::{BYTE_ORDER_MARK, ENTRIES_LIMIT, FILE_LIMIT};
use crate::chart::File;
use crate::chart::ignore::{self, Rules};
use crate::diagnostic::{Level, Notices};
use crate::error::{Error, ErrorKind, Result};
use crate::fs::{self, Entry, Kind};
use crate::quote::quote;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The files of the chart in `folder`, which must be an absolute path.
pub(super) fn read(folder: &Path, notices: &mut Notices) -> Result<Vec<File>> {
    let ignore_file = folder.join(ignore::FILE_NAME);
    let mut rules = match fs::exists(&ignore_file) {
        true => Rules::parse(&fs::read_limited(&ignore_file, FILE_LIMIT)?)?,
        false => Rules::new(),
    };
    rules.add_defaults();
    let mut walk = Walk { rules, files: Vec::new(), entries: 0, notices };
    for name in fs::names(folder)? {
        if is_unfinished(&name) {
            continue;
        }
        let Some(inner) = name.to_str().map(str::to_string).or_else(|| Some(name.to_string_lossy().into_owned())) else {
            continue;
        };
        walk.visit(&folder.join(&name), &inner)?;
    }
    Ok(walk.files)
}

struct Walk<'a> {
    rules: Rules,
    files: Vec<File>,
    entries: usize,
    notices: &'a mut Notices,
}

impl Walk<'_> {
    /// Takes in what stands at `path`, called `name` from the chart's top.
    fn visit(&mut self, path: &Path, name: &str) -> Result<()> {
        self.entries += 1;
        if self.entries > ENTRIES_LIMIT {
            let message = format!("chart folder has more than {ENTRIES_LIMIT} entries");
            return Err(Error::new(ErrorKind::Limit, message));
        }
        let entry = fs::lstat(path)?;
        if entry.kind != Kind::Link {
            return self.take(path, path, name, entry);
        }
        let resolved =
            fs::resolve_links(path).map_err(|error| error.context(format_args!("error evaluating symlink {}", path.display())))?;
        self.notices.push_with(
            Level::Info,
            "found symbolic link in path. Contents of linked file included and used",
            &[("path", &path.to_string_lossy()), ("resolved", &resolved.to_string_lossy())],
        );
        let entry = fs::lstat(&resolved)?;
        self.take(path, &resolved, name, entry)
    }

    fn take(&mut self, path: &Path, resolved: &Path, name: &str, entry: Entry) -> Result<()> {
        let is_folder = entry.kind == Kind::Folder;
        if self.rules.ignores(name, is_folder) {
            return Ok(());
        }
        if is_folder {
            for child in fs::names(path)? {
                if !is_unfinished(&child) {
                    self.visit(&path.join(&child), &format!("{name}/{}", child.to_string_lossy()))?;
                }
            }
            return Ok(());
        }
        if entry.kind == Kind::Irregular {
            let message = format!("cannot load irregular file {} as it has file mode type bits set", path.display());
            return Err(Error::new(ErrorKind::Chart, message));
        }
        if entry.size > FILE_LIMIT {
            let base = resolved.file_name().unwrap_or_default().to_string_lossy();
            let message = format!("chart file {} is larger than the maximum file size {FILE_LIMIT}", quote(base.as_bytes()));
            return Err(Error::new(ErrorKind::Limit, message));
        }
        // The file may have grown since its size was asked for.
        let data = fs::read_limited(path, FILE_LIMIT).map_err(|error| error.context(format_args!("error reading {name}")))?;
        let data = data.strip_prefix(BYTE_ORDER_MARK).unwrap_or(&data);
        self.files.push(File { name: Arc::from(name), data: Arc::from(data), modified: Some(entry.modified) });
        Ok(())
    }
}

/// Whether a process of this tool that was killed left this behind: never part of a chart, and it might be over the limits.
fn is_unfinished(name: &std::ffi::OsStr) -> bool {
    name.as_encoded_bytes().starts_with(fs::UNFINISHED.as_bytes())
}

/// Where the chart's own file lies.
pub(super) fn chart_file(folder: &Path) -> PathBuf {
    folder.join("Chart.yaml")
}
