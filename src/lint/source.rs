//! The chart to lint: a folder, or an archive in memory.
//!
//! Goes in: a path. Comes out: the files that the rules need. Rules read files themselves, not only the loaded chart, because they
//! must also report on charts that cannot be loaded. Helm unpacks archives to a temporary folder; here they stay in memory, in the
//! order that they would have there.

use crate::chart::loader::unpack;
use crate::chart::{Chart, File, loader};
use crate::diagnostic::Notices;
use crate::error::{Error, Result};
use crate::fs;
use std::cell::OnceCell;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The source of the files.
pub(super) struct Source {
    /// The absolute path of the folder or archive.
    pub(super) path: PathBuf,
    /// The files of an archive.
    files: Option<Vec<File>>,
    /// The chart and the notices of loading it, once a rule has loaded it.
    chart: OnceCell<(Result<Arc<Chart>>, Notices)>,
}

/// The kind of entry under a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Found {
    Nothing,
    File,
    Folder,
}

impl Source {
    /// The chart at `path`, which must have a Chart.yaml.
    pub(super) fn open(path: &Path) -> Result<Source> {
        let name = path.to_string_lossy();
        if name.ends_with(".tgz") || name.ends_with(".tar.gz") {
            let file = fs::open(path).map_err(|error| error.context("unable to open tarball"))?;
            let files = loader::archive::read_file(file, path)
                .and_then(|files| unpack::chart_name(&files).map(|_| files))
                .map_err(|error| error.context("unable to extract tarball"))?;
            return Ok(Source { path: fs::absolute(path)?, files: Some(unpack::in_order(files)), chart: OnceCell::new() });
        }
        fs::stat(&fs::clean(&path.join("Chart.yaml"))).map_err(|error| error.context("unable to check Chart.yaml file in chart"))?;
        Ok(Source { path: fs::absolute(path)?, files: None, chart: OnceCell::new() })
    }

    /// The bytes of a file.
    pub(super) fn read(&self, name: &str) -> Result<Vec<u8>> {
        match &self.files {
            None => loader::read_file(&self.path.join(name), fs::WHOLE_LIMIT),
            Some(files) => match files.iter().find(|file| &*file.name == name) {
                Some(file) => Ok(file.data.to_vec()),
                None => Err(self.missing(name)),
            },
        }
    }

    /// The kind of entry under `name`.
    pub(super) fn find(&self, name: &str) -> Found {
        let Some(files) = &self.files else {
            return match fs::stat(&self.path.join(name)) {
                Err(_) => Found::Nothing,
                Ok(entry) if entry.kind == fs::Kind::Folder => Found::Folder,
                Ok(_) => Found::File,
            };
        };
        let below = format!("{name}/");
        if files.iter().any(|file| &*file.name == name) {
            Found::File
        } else if files.iter().any(|file| file.name.starts_with(&below)) {
            Found::Folder
        } else {
            Found::Nothing
        }
    }

    /// The whole chart, loaded once, with any apiVersion. Each caller gets the notices of loading.
    pub(super) fn load(&self, notices: &mut Notices) -> Result<Arc<Chart>> {
        let (chart, said) = self.chart.get_or_init(|| {
            let mut said = Notices::new();
            let chart = match &self.files {
                None => loader::load_any_version(&self.path, &mut said),
                Some(files) => unpack::without_ignored(files).and_then(|files| loader::from_files(files, &mut said)),
            };
            (chart.map(Arc::new), said)
        });
        notices.list.extend(said.list.iter().cloned());
        chart.clone()
    }

    fn missing(&self, name: &str) -> Error {
        fs::fault("open", &self.path.join(name), &std::io::ErrorKind::NotFound.into())
    }
}
