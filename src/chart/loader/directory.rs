//! A chart from a folder.
//!
//! Goes in: a folder. Comes out: its files in the order of Helm's walk: names in byte order per level, links followed with a
//! notice, without the files that `.helmignore` names. Matches Helm's `pkg/chart/v2/loader/directory.go` and `internal/sympath`.

use super::ready::{self, Parsed, Ready};
use super::{BYTE_ORDER_MARK, Contents, FILE_LIMIT, Observe, WORTH_A_THREAD};
use crate::chart::ignore::{self, Rules};
use crate::chart::{Bytes, File};
use crate::diagnostic::{Level, Notices};
use crate::error::{Error, ErrorKind, Result};
use crate::fs::{self, Kind};
use crate::parallel;
use crate::quote::quote;
use std::ffi::{OsStr, OsString};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

/// Most entries of a chart folder: a folder with dependencies of some other program in it may have hundreds of thousands.
const FOLDER_LIMIT: usize = 1_000_000;

/// How many waiting pieces make another thread worthwhile.
const WAITING_PIECES: usize = 4;

/// The size of the pieces into which a larger folder is split.
const ENTRIES_OF_A_PIECE: usize = 64;

/// Smaller files are read at once, even if they may not be used.
const WORTH_LEAVING: u64 = 16 << 10;

/// Most files that are held open: systems allow only a few hundred.
const MOST_HELD: usize = 64;

/// More threads bring no gain.
const MOST_THREADS: usize = 4;

/// The files of the chart in `folder`, which must be an absolute path, and the results of parsing them.
pub(super) fn read(folder: &Path, contents: Contents, notices: &mut Notices, observe: &dyn Observe) -> Result<(Vec<File>, Ready)> {
    read_within(FOLDER_LIMIT, folder, contents, notices, observe)
}

/// The same, of a folder with at most so many entries.
fn read_within(
    limit: usize,
    folder: &Path,
    contents: Contents,
    notices: &mut Notices,
    observe: &dyn Observe,
) -> Result<(Vec<File>, Ready)> {
    let ignore_file = folder.join(ignore::FILE_NAME);
    let mut rules = match fs::exists(&ignore_file) {
        true => Rules::parse(&read_file(&ignore_file, FILE_LIMIT)?)?,
        false => Rules::new(),
    };
    rules.add_defaults();
    let walk = Walk {
        rules,
        contents,
        held: AtomicUsize::new(0),
        observe,
        limit,
        entries: AtomicUsize::new(0),
        work: Mutex::default(),
        changed: Condvar::new(),
    };
    walk.lock().add(Piece::Folder { path: folder.to_path_buf(), name: None });
    std::thread::scope(|scope| {
        // If no thread starts, this one does all.
        let start = || drop(parallel::start(scope, || walk.run(&|| {})));
        walk.run(&start);
    });
    let mut pieces = walk.work.into_inner().unwrap_or_else(PoisonError::into_inner).pieces;
    if walk.entries.into_inner() > limit {
        let message = format!("chart folder has more than {limit} entries");
        return Err(Error::new(ErrorKind::Limit, message));
    }
    let mut gathered = Gathered { files: Vec::new(), ready: Ready::default(), notices };
    gather(0, &mut pieces, &mut gathered)?;
    Ok((gathered.files, gathered.ready))
}

/// The findings, in the order of the walk.
struct Gathered<'a> {
    files: Vec<File>,
    ready: Ready,
    notices: &'a mut Notices,
}

/// Collects the findings of the pieces, in the order of the walk, up to the first fault.
fn gather(piece: usize, pieces: &mut [Result<Vec<Found>>], gathered: &mut Gathered<'_>) -> Result<()> {
    let found = pieces.get_mut(piece).map_or_else(|| Ok(Vec::new()), |found| std::mem::replace(found, Ok(Vec::new())))?;
    for found in found {
        if let Some((path, resolved)) = &found.link {
            gathered.notices.push_with(
                Level::Info,
                "found symbolic link in path. Contents of linked file included and used",
                &[("path", &path.to_string_lossy()), ("resolved", &resolved.to_string_lossy())],
            );
        }
        match found.what? {
            What::Nothing => {}
            What::File(file, parsed) => {
                if let Some(parsed) = parsed {
                    gathered.ready.add(&file, parsed);
                }
                gathered.files.push(file);
            }
            What::Piece(piece) => gather(piece, pieces, gathered)?,
        }
    }
    Ok(())
}

/// An entry of a folder.
struct Found {
    /// The path of a link and its target.
    link: Option<(PathBuf, PathBuf)>,
    what: Result<What>,
}

enum What {
    /// Ignored.
    Nothing,
    File(File, Option<Parsed>),
    /// The content of another piece, by its number.
    Piece(usize),
}

/// A unit of reading.
enum Piece {
    /// A folder: its path, and its name from the chart's top.
    Folder { path: PathBuf, name: Option<String> },
    /// Some of the entries of a large folder.
    Entries(Arc<fs::Folder>, Vec<Listed>),
}

/// An entry of a folder before it is read.
enum Listed {
    /// A folder, by the number of its piece.
    Piece(usize),
    /// Anything else: its name, its name from the chart's top, and its kind.
    File(OsString, String, Kind),
}

/// A thread that reads pieces.
struct Reader<'a> {
    /// Starts another thread.
    start: &'a dyn Fn(),
    /// Reused for one file after the other.
    buffer: Vec<u8>,
}

/// An entry of an open folder.
struct Place<'a> {
    folder: &'a fs::Folder,
    entry: &'a OsStr,
}

impl Place<'_> {
    fn path(&self) -> PathBuf {
        self.folder.path().join(self.entry)
    }
}

/// The state that the threads share.
#[derive(Default)]
struct Work {
    /// Waiting pieces with their numbers.
    waiting: Vec<(usize, Piece)>,
    /// How many pieces are being read.
    running: usize,
    /// How many threads wait for a piece.
    idle: usize,
    /// How many threads there are besides the first, and the limit, once it has been determined.
    helpers: usize,
    helpers_limit: Option<usize>,
    /// The findings of each piece, by number, in the order of its names.
    pieces: Vec<Result<Vec<Found>>>,
}

impl Work {
    /// Queues a piece under the next number.
    fn add(&mut self, piece: Piece) {
        self.waiting.push((self.pieces.len(), piece));
        self.pieces.push(Ok(Vec::new()));
    }

    /// Whether at least `pieces` pieces wait, so that another thread is worth its start; the thread is counted as started.
    fn wants_help(&mut self, pieces: usize) -> bool {
        if self.waiting.len() < pieces {
            return false;
        }
        let wants = self.helpers < *self.helpers_limit.get_or_insert_with(|| parallel::cores().min(MOST_THREADS) - 1);
        self.helpers += usize::from(wants);
        wants
    }
}

/// A walk with several reading threads: opening hundreds of files takes longer than processing them. Their findings are put in
/// order afterwards.
struct Walk<'a> {
    rules: Rules,
    contents: Contents,
    /// How many files were to be held open, including those beyond the limit.
    held: AtomicUsize,
    observe: &'a dyn Observe,
    /// Most entries, and how many there are so far.
    limit: usize,
    entries: AtomicUsize,
    work: Mutex<Work>,
    changed: Condvar,
}

/// Marks a piece as no longer being read when dropped, since an observer may panic: other threads must not wait for the piece.
struct Running<'a, 'w>(&'a Walk<'w>);

impl<'a> Running<'a, '_> {
    fn end(self) -> MutexGuard<'a, Work> {
        let walk = self.0;
        std::mem::forget(self);
        let mut work = walk.lock();
        work.running -= 1;
        work
    }
}

impl Drop for Running<'_, '_> {
    fn drop(&mut self) {
        self.0.lock().running -= 1;
        self.0.changed.notify_all();
    }
}

impl Walk<'_> {
    fn lock(&self) -> MutexGuard<'_, Work> {
        self.work.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads pieces until none is left; `start` starts another thread that does the same.
    fn run(&self, start: &dyn Fn()) {
        let mut reader = Reader { start, buffer: Vec::new() };
        let mut work = self.lock();
        loop {
            let Some((number, piece)) = work.waiting.pop() else {
                if work.running == 0 {
                    self.changed.notify_all();
                    return;
                }
                work.idle += 1;
                work = self.changed.wait(work).unwrap_or_else(PoisonError::into_inner);
                work.idle -= 1;
                continue;
            };
            work.running += 1;
            drop(work);
            let running = Running(self);
            let found = match piece {
                Piece::Folder { path, name } => self.folder(&path, name.as_deref(), &mut reader),
                Piece::Entries(folder, listed) => Ok(self.visit_all(&folder, listed, &mut reader)),
            };
            work = running.end();
            if let Some(place) = work.pieces.get_mut(number) {
                *place = found;
            }
        }
    }

    /// Queues these pieces so that other threads can start on them; returns the number of the first, which the others follow.
    fn offer(&self, pieces: impl IntoIterator<Item = Piece>, reader: &Reader<'_>) -> usize {
        let mut work = self.lock();
        let first = work.pieces.len();
        for piece in pieces {
            work.add(piece);
        }
        if work.idle > 0 {
            self.changed.notify_all();
        }
        let pieces = WAITING_PIECES * (work.helpers + 1);
        if work.wants_help(pieces) {
            (reader.start)();
        }
        first
    }

    /// Reads the folder at `path`, called `name` from the chart's top. Its subfolders are queued before its files are read, since
    /// a single file may take long.
    fn folder(&self, path: &Path, name: Option<&str>, reader: &mut Reader<'_>) -> Result<Vec<Found>> {
        let mut listed = Vec::new();
        let mut subfolders = Vec::new();
        let mut open = fs::Folder::open(path)?;
        for (entry, kind) in open.entries()? {
            if is_unfinished(&entry) {
                continue;
            }
            if self.entries.fetch_add(1, Ordering::Relaxed) > self.limit {
                break;
            }
            let inner = entry.to_string_lossy();
            let name = name.map_or_else(|| inner.to_string(), |name| [name, "/", &inner].concat());
            if kind != Kind::Folder {
                listed.push(Listed::File(entry, name, kind));
            } else if !self.rules.ignores(&name, true) {
                listed.push(Listed::Piece(subfolders.len()));
                subfolders.push(Piece::Folder { path: path.join(&entry), name: Some(name) });
            }
        }
        if !subfolders.is_empty() {
            let first = self.offer(subfolders, reader);
            for listed in &mut listed {
                if let Listed::Piece(number) = listed {
                    *number += first;
                }
            }
        }
        let open = Arc::new(open);
        let others = self.share_out(&open, &mut listed, reader);
        let mut found = self.visit_all(&open, listed, reader);
        found.extend(others.map(|number| Found { link: None, what: Ok(What::Piece(number)) }));
        Ok(found)
    }

    /// Queues all but the first piece of a large folder; returns the numbers of the pieces.
    fn share_out(&self, folder: &Arc<fs::Folder>, listed: &mut Vec<Listed>, reader: &Reader<'_>) -> Range<usize> {
        if listed.len() < 2 * ENTRIES_OF_A_PIECE {
            return 0..0;
        }
        let mut rest = listed.split_off(ENTRIES_OF_A_PIECE).into_iter();
        let count = rest.len().div_ceil(ENTRIES_OF_A_PIECE);
        let pieces = (0..count).map(|_| Piece::Entries(folder.clone(), rest.by_ref().take(ENTRIES_OF_A_PIECE).collect()));
        let first = self.offer(pieces, reader);
        first..first + count
    }

    /// Reads these entries of a folder, up to the first fault.
    fn visit_all(&self, folder: &fs::Folder, listed: Vec<Listed>, reader: &mut Reader<'_>) -> Vec<Found> {
        let mut all = Vec::with_capacity(listed.len());
        for listed in listed {
            let found = match listed {
                Listed::Piece(number) => Found { link: None, what: Ok(What::Piece(number)) },
                Listed::File(entry, name, kind) => self.visit(&Place { folder, entry: &entry }, name, kind, reader),
            };
            let failed = found.what.is_err();
            all.push(found);
            if failed {
                break;
            }
        }
        all
    }

    /// Reads the entry at `place`, called `name` from the chart's top.
    fn visit(&self, place: &Place<'_>, name: String, kind: Kind, reader: &mut Reader<'_>) -> Found {
        if kind != Kind::Link {
            return Found { link: None, what: self.take(place, None, name, kind, reader) };
        }
        let path = place.path();
        let resolved = match fs::resolve_links(&path) {
            Ok(resolved) => resolved,
            Err(error) => {
                return Found { link: None, what: Err(error.context(format_args!("error evaluating symlink {}", path.display()))) };
            }
        };
        let what = fs::lstat(&resolved).and_then(|entry| self.take(place, Some(&resolved), name, entry.kind, reader));
        Found { link: Some((path, resolved)), what }
    }

    /// The same after following a link; `resolved` is the target if the entry was one.
    fn take(&self, place: &Place<'_>, resolved: Option<&Path>, name: String, kind: Kind, reader: &mut Reader<'_>) -> Result<What> {
        let is_folder = kind == Kind::Folder;
        if self.rules.ignores(&name, is_folder) {
            return Ok(What::Nothing);
        }
        if is_folder {
            return Ok(What::Piece(self.offer([Piece::Folder { path: place.path(), name: Some(name) }], reader)));
        }
        if kind == Kind::Irregular {
            return Err(irregular(&place.path()));
        }
        let unreadable = |error: Error| error.context(format_args!("error reading {name}"));
        if self.contents == Contents::ToPack && !ready::makes_charts(&name) {
            let entry = place.folder.stat(place.entry).map_err(unreadable)?;
            // An empty file is read here, since only reading shows whether it may be read; too large a file is refused below.
            if (1..=FILE_LIMIT).contains(&entry.size) {
                let file = File { name: name.into(), data: Bytes::left(place.path(), entry.size), modified: Some(entry.modified) };
                return Ok(What::File(file, None));
            }
        }
        let (open, entry) = place.folder.file(place.entry).map_err(unreadable)?;
        if entry.size > FILE_LIMIT {
            let base = resolved.map_or(Some(place.entry), Path::file_name).unwrap_or_default().to_string_lossy();
            let message = format!("chart file {} is larger than the maximum file size {FILE_LIMIT}", quote(base.as_bytes()));
            return Err(Error::new(ErrorKind::Limit, message));
        }
        if self.is_left_open(&name, entry.size) {
            let data = Bytes::left_open(open, place.path(), entry.size);
            return Ok(What::File(File { name: name.into(), data, modified: Some(entry.modified) }, None));
        }
        let path = || place.path();
        let data = match fs::read_shared(&open, path, entry.size).map_err(unreadable)? {
            Some(data) if !data.starts_with(BYTE_ORDER_MARK) => Bytes::from(data),
            Some(data) => Bytes::from(&data[BYTE_ORDER_MARK.len()..]),
            None => {
                // It may have grown since its size was determined.
                fs::read_expected(open, path, entry.size, FILE_LIMIT, &mut reader.buffer).map_err(unreadable)?;
                Bytes::from(reader.buffer.strip_prefix(BYTE_ORDER_MARK).unwrap_or(&reader.buffer))
            }
        };
        let file = File { name: name.into(), data, modified: Some(entry.modified) };
        self.observe.found(&file);
        if file.data.len() >= WORTH_A_THREAD && ready::is_parsed(&file.name) && self.lock().wants_help(1) {
            (reader.start)();
        }
        let mut parsed = ready::parse(&file);
        if self.contents == Contents::ToPack
            && let Some(Parsed::Values(values)) = &mut parsed
        {
            *values = Arc::default();
        }
        Ok(What::File(file, parsed))
    }
}

impl Walk<'_> {
    /// Whether a file is read only on first use.
    fn is_left_open(&self, name: &str, size: u64) -> bool {
        self.contents == Contents::ToRender
            && size >= WORTH_LEAVING
            && !ready::makes_charts(name)
            && !ready::below_chart(name).starts_with("templates/")
            && self.held.fetch_add(1, Ordering::Relaxed) < MOST_HELD
    }
}

/// Whether a killed process of this tool left this entry behind: it is never part of a chart, and might exceed the limits.
fn is_unfinished(name: &OsStr) -> bool {
    name.as_encoded_bytes().starts_with(fs::UNFINISHED.as_bytes())
}

/// The bytes of one file of a chart's folder, outside of the walk. Like the walk, it waits for no pipe and reads no device.
pub(crate) fn read_file(path: &Path, limit: u64) -> Result<Vec<u8>> {
    match fs::stat(path) {
        Ok(entry) if entry.kind == Kind::Irregular => Err(irregular(path)),
        // For a missing file, opening it gives the right message.
        _ => fs::read_limited(path, limit),
    }
}

fn irregular(path: &Path) -> Error {
    Error::new(ErrorKind::Chart, format!("cannot load irregular file {} as it has file mode type bits set", path.display()))
}

/// The path of the chart's Chart.yaml.
pub(super) fn chart_file(folder: &Path) -> PathBuf {
    folder.join("Chart.yaml")
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    // CVE-2019-18658: as Helm since then, the loader follows links and names them.
    #[test]
    fn links_in_a_chart_folder_are_followed_and_told() {
        let folder = tempfile::tempdir().unwrap();
        let (outside, chart) = (folder.path().join("outside"), folder.path().join("chart"));
        fs::create_folders(&chart).unwrap();
        fs::write(&outside, b"from outside").unwrap();
        fs::write(&chart.join("Chart.yaml"), b"apiVersion: v2\nname: app\nversion: 1.0.0\n").unwrap();
        std::os::unix::fs::symlink("../outside", chart.join("README.md")).unwrap();
        let mut notices = Notices::new();
        let loaded = super::super::load(&chart, &mut notices).unwrap();
        assert_eq!(
            loaded.content.files.iter().map(|file| (&*file.name, &file.data[..])).collect::<Vec<_>>(),
            [("README.md", &b"from outside"[..])]
        );
        let [notice] = notices.list.as_slice() else { panic!("one link, one notice: {:?}", notices.list) };
        assert!(notice.message.starts_with("found symbolic link in path."), "{notice:?}");
        assert!(notice.attributes[1].1.ends_with("/outside"), "{notice:?}");
    }

    #[test]
    fn a_folder_with_too_many_entries_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["Chart.yaml", "templates/a.yaml", "files/deep/b.txt"] {
            fs::write_with_folders(&folder.path().join(name), b"x: y\n", fs::Mode::New(0o644)).unwrap();
        }
        let read =
            |limit| read_within(limit, folder.path(), Contents::Read, &mut Notices::new(), &|_: &File| ()).map(|(files, _)| files.len());
        assert_eq!(read(6).ok(), Some(3));
        assert_eq!(read(5).unwrap_err().message(), "chart folder has more than 5 entries");
    }

    #[test]
    fn what_a_killed_process_left_is_no_part_of_a_chart() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &[u8]| fs::write_with_folders(&folder.path().join(name), text, fs::Mode::New(0o644)).unwrap();
        write("Chart.yaml", b"apiVersion: v2\nname: app\nversion: 1.0.0\n");
        for name in [".rutter-x", ".rutter-charts-7/b-1.0.0.tgz", "templates/.rutter-y.part", "charts/.rutter-z/Chart.yaml"] {
            write(name, b"{ not finished");
        }
        for name in [".rutter", "rutter-x", "files/.rutte", "templates/x.rutter-y"] {
            write(name, b"a: 1");
        }
        let chart = super::super::load(folder.path(), &mut Notices::new()).unwrap();
        let mut names: Vec<&str> = chart.content.raw.iter().map(|file| &*file.name).collect();
        names.sort_unstable();
        assert_eq!(names, [".rutter", "Chart.yaml", "files/.rutte", "rutter-x", "templates/x.rutter-y"]);
        assert!(chart.dependencies.is_empty());
    }

    #[test]
    fn large_folders_keep_the_order_of_the_walk() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        fs::write(&path("Chart.yaml"), b"apiVersion: v2\nname: app\nversion: 1.0.0\n").unwrap();
        let mut expected = Vec::new();
        for at in 0..5 * ENTRIES_OF_A_PIECE {
            let name = format!("files/{at:04}");
            if at % 50 == 20 {
                fs::create_folders(&path(&name)).unwrap();
                expected.extend(["a", "b"].map(|inner| format!("{name}/{inner}")));
            } else {
                expected.push(name);
            }
        }
        expected.iter().for_each(|name| {
            fs::create_folders(path(name).parent().unwrap()).unwrap();
            fs::write(&path(name), name.as_bytes()).unwrap();
        });
        let load = || super::super::load(folder.path(), &mut Notices::new());
        let chart = load().unwrap();
        let files: Vec<&str> = chart.content.files.iter().map(|file| &*file.name).collect();
        assert_eq!(files, expected);
        assert!(chart.content.files.iter().all(|file| file.data[..] == *file.name.as_bytes()));
        // The first fault in the order of the walk, whichever thread meets it.
        for name in ["files/0090", "files/0300"] {
            std::fs::remove_file(path(name)).unwrap();
            std::os::unix::fs::symlink("/dev/null", path(name)).unwrap();
        }
        let message = load().unwrap_err().to_string();
        assert!(message.contains("files/0090"), "{message}");
    }

    #[test]
    fn large_files_are_read_when_somebody_looks() {
        use super::super::{Crds, load, load_observed};
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        let large = vec![b'x'; 3 * WORTH_LEAVING as usize];
        let chart = b"apiVersion: v2\nname: app\nversion: 1.0.0\n";
        for top in ["", "charts/a/", "charts/b/"] {
            for (name, data) in [
                ("Chart.yaml", &chart[..]),
                ("README.md", &large),
                ("files/marked", &[BYTE_ORDER_MARK, &large].concat()),
                ("files/small", b"small"),
                ("templates/large.yaml", &large),
            ] {
                let path = path(&format!("{top}{name}"));
                fs::create_folders(path.parent().unwrap()).unwrap();
                fs::write(&path, data).unwrap();
                let time = std::time::UNIX_EPOCH + std::time::Duration::from_secs(1_000_000);
                std::fs::File::options().append(true).open(&path).unwrap().set_modified(time).unwrap();
            }
        }
        let seen = Mutex::new(Vec::new());
        let observe = |file: &File| seen.lock().unwrap().push(file.name.to_string());
        let late = load_observed(folder.path(), Crds::Wanted, &mut Notices::new(), &observe).unwrap();
        let seen = seen.into_inner().unwrap();
        assert!(seen.iter().any(|name| name == "templates/large.yaml") && !seen.iter().any(|name| name == "README.md"), "{seen:?}");
        // The content is that of the opened file, whatever happened to its path.
        for name in ["README.md", "files/marked"] {
            std::fs::remove_file(path(name)).unwrap();
            fs::write(&path(name), b"another").unwrap();
        }
        let held: Vec<_> = late.content.files.iter().map(|file| (&*file.name, file.data[..] == large[..])).collect();
        assert_eq!(held, [("README.md", true), ("files/marked", true), ("files/small", false)]);
        // Equal subcharts share their content nevertheless.
        assert!(Arc::ptr_eq(&late.dependencies[0].content, &late.dependencies[1].content));
        let now = load(folder.path(), &mut Notices::new()).unwrap();
        assert_eq!(now.content.files[0].data[..], b"another"[..]);
        assert_eq!(now.dependencies[0].content.files, late.dependencies[0].content.files);
    }

    #[test]
    fn no_more_files_are_held_than_systems_allow() {
        use super::super::{Crds, load_observed};
        let folder = tempfile::tempdir().unwrap();
        fs::write(&folder.path().join("Chart.yaml"), b"apiVersion: v2\nname: app\nversion: 1.0.0\n").unwrap();
        for at in 0..2 * MOST_HELD {
            fs::write(&folder.path().join(format!("{at:04}.txt")), &vec![b'a'; WORTH_LEAVING as usize]).unwrap();
        }
        let read = AtomicUsize::new(0);
        let observe = |_: &File| {
            read.fetch_add(1, Ordering::Relaxed);
        };
        let chart = load_observed(folder.path(), Crds::Wanted, &mut Notices::new(), &observe).unwrap();
        assert_eq!(read.into_inner(), MOST_HELD + 1);
        assert!(chart.content.files.iter().all(|file| file.data.len() == WORTH_LEAVING as usize));
    }

    #[test]
    fn devices_are_not_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        fs::write(&path("Chart.yaml"), b"apiVersion: v2\nname: app\nversion: 1.0.0\n").unwrap();
        let refused = || super::super::load(folder.path(), &mut Notices::new()).unwrap_err().to_string();
        for name in [ignore::FILE_NAME, "values.yaml", "Chart.yaml"] {
            let _ = std::fs::remove_file(path(name));
            // The target is empty, so that the test ends whatever the loader does; an endless device takes the same path.
            std::os::unix::fs::symlink("/dev/null", path(name)).unwrap();
            assert!(refused().contains("cannot load irregular file"), "{name}: {}", refused());
            if name != "Chart.yaml" {
                std::fs::remove_file(path(name)).unwrap();
            }
        }
    }
}
