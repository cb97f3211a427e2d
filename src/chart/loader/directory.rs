//! A chart from a folder.
//!
//! Goes in: a folder. Comes out: its files in the order of Helm's walk: names in byte order per level, links followed with a
//! notice, what `.helmignore` names left out. Matches Helm's `pkg/chart/v2/loader/directory.go` and `internal/sympath`.

use super::{BYTE_ORDER_MARK, ENTRIES_LIMIT, FILE_LIMIT, Observe};
use crate::chart::File;
use crate::chart::ignore::{self, Rules};
use crate::diagnostic::{Level, Notices};
use crate::error::{Error, ErrorKind, Result};
use crate::fs::{self, Entry, Kind};
use crate::quote::quote;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

/// So many folders waiting are worth a further thread.
const WAITING_FOLDERS: usize = 4;

/// More threads gain nothing.
const MOST_THREADS: usize = 4;

/// The files of the chart in `folder`, which must be an absolute path.
pub(super) fn read(folder: &Path, notices: &mut Notices, observe: Observe<'_>) -> Result<Vec<File>> {
    let ignore_file = folder.join(ignore::FILE_NAME);
    let mut rules = match fs::exists(&ignore_file) {
        true => Rules::parse(&fs::read_limited(&ignore_file, FILE_LIMIT)?)?,
        false => Rules::new(),
    };
    rules.add_defaults();
    let walk = Walk { rules, observe, entries: AtomicUsize::new(0), work: Mutex::default(), changed: Condvar::new() };
    let top = walk.add(&mut walk.lock(), folder.to_path_buf(), None);
    std::thread::scope(|scope| {
        let start = || drop(scope.spawn(|| walk.run(&|| {})));
        walk.run(&start);
    });
    let mut folders = walk.work.into_inner().unwrap_or_else(PoisonError::into_inner).folders;
    if walk.entries.into_inner() > ENTRIES_LIMIT {
        let message = format!("chart folder has more than {ENTRIES_LIMIT} entries");
        return Err(Error::new(ErrorKind::Limit, message));
    }
    let mut files = Vec::new();
    gather(top, &mut folders, &mut files, notices)?;
    Ok(files)
}

/// Takes out of the folders what was found, in the order of the walk, up to the first fault.
fn gather(folder: usize, folders: &mut [Result<Vec<Found>>], files: &mut Vec<File>, notices: &mut Notices) -> Result<()> {
    let found = folders.get_mut(folder).map_or_else(|| Ok(Vec::new()), |found| std::mem::replace(found, Ok(Vec::new())))?;
    for found in found {
        if let Some((path, resolved)) = &found.link {
            notices.push_with(
                Level::Info,
                "found symbolic link in path. Contents of linked file included and used",
                &[("path", &path.to_string_lossy()), ("resolved", &resolved.to_string_lossy())],
            );
        }
        match found.what? {
            What::Nothing => {}
            What::File(file) => files.push(file),
            What::Folder(folder) => gather(folder, folders, files, notices)?,
        }
    }
    Ok(())
}

/// An entry of a folder.
struct Found {
    /// A link's path and where it leads.
    link: Option<(PathBuf, PathBuf)>,
    what: Result<What>,
}

enum What {
    /// Left out.
    Nothing,
    File(File),
    /// The number of another folder.
    Folder(usize),
}

/// A folder to be read: its number, its path, and its name from the chart's top.
struct Task {
    number: usize,
    path: PathBuf,
    name: Option<String>,
}

/// What is known and what is left to do.
#[derive(Default)]
struct Work {
    waiting: Vec<Task>,
    /// How many folders are being read.
    running: usize,
    /// How many threads there are besides the first.
    helpers: usize,
    /// What each folder holds, by number, in the order of its names.
    folders: Vec<Result<Vec<Found>>>,
}

/// A walk in which several threads read folders: opening hundreds of files takes longer than looking at them. What they
/// find is put in order afterwards.
struct Walk<'a> {
    rules: Rules,
    observe: Observe<'a>,
    entries: AtomicUsize,
    work: Mutex<Work>,
    changed: Condvar,
}

impl Walk<'_> {
    fn lock(&self) -> MutexGuard<'_, Work> {
        self.work.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn add(&self, work: &mut Work, path: PathBuf, name: Option<String>) -> usize {
        let number = work.folders.len();
        work.folders.push(Ok(Vec::new()));
        work.waiting.push(Task { number, path, name });
        self.changed.notify_one();
        number
    }

    /// Reads folders until none is left; `start` starts another thread that does the same.
    fn run(&self, start: &dyn Fn()) {
        let mut work = self.lock();
        loop {
            let Some(task) = work.waiting.pop() else {
                if work.running == 0 {
                    self.changed.notify_all();
                    return;
                }
                work = self.changed.wait(work).unwrap_or_else(PoisonError::into_inner);
                continue;
            };
            work.running += 1;
            let wants_help = work.waiting.len() >= WAITING_FOLDERS * (work.helpers + 1) && work.helpers + 1 < MOST_THREADS;
            if wants_help && std::thread::available_parallelism().is_ok_and(|cores| cores.get() > work.helpers + 1) {
                work.helpers += 1;
                start();
            }
            drop(work);
            let found = self.folder(&task);
            work = self.lock();
            if let Some(place) = work.folders.get_mut(task.number) {
                *place = found;
            }
            work.running -= 1;
        }
    }

    fn folder(&self, task: &Task) -> Result<Vec<Found>> {
        let mut found = Vec::new();
        for entry in fs::names(&task.path)? {
            if is_unfinished(&entry) {
                continue;
            }
            if self.entries.fetch_add(1, Ordering::Relaxed) > ENTRIES_LIMIT {
                break;
            }
            let inner = entry.to_string_lossy();
            let name = task.name.as_ref().map_or_else(|| inner.to_string(), |name| format!("{name}/{inner}"));
            let found_here = self.visit(task.path.join(&entry), name);
            let failed = found_here.what.is_err();
            found.push(found_here);
            if failed {
                break;
            }
        }
        Ok(found)
    }

    /// Takes in what stands at `path`, called `name` from the chart's top.
    fn visit(&self, path: PathBuf, name: String) -> Found {
        match fs::lstat(&path) {
            Ok(entry) if entry.kind == Kind::Link => {}
            Ok(entry) => return Found { link: None, what: self.take(path.clone(), &path, name, entry) },
            Err(error) => return Found { link: None, what: Err(error) },
        }
        let resolved = match fs::resolve_links(&path) {
            Ok(resolved) => resolved,
            Err(error) => {
                return Found { link: None, what: Err(error.context(format_args!("error evaluating symlink {}", path.display()))) };
            }
        };
        let what = fs::lstat(&resolved).and_then(|entry| self.take(path.clone(), &resolved, name, entry));
        Found { link: Some((path, resolved)), what }
    }

    fn take(&self, path: PathBuf, resolved: &Path, name: String, entry: Entry) -> Result<What> {
        let is_folder = entry.kind == Kind::Folder;
        if self.rules.ignores(&name, is_folder) {
            return Ok(What::Nothing);
        }
        if is_folder {
            return Ok(What::Folder(self.add(&mut self.lock(), path, Some(name))));
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
        let data = fs::read_expected(&path, entry.size, FILE_LIMIT).map_err(|error| error.context(format_args!("error reading {name}")))?;
        let data = data.strip_prefix(BYTE_ORDER_MARK).unwrap_or(&data);
        let file = File { name: Arc::from(name), data: Arc::from(data), modified: Some(entry.modified) };
        (self.observe)(&file);
        Ok(What::File(file))
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
