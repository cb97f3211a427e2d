//! File access that names the path in every error, writes whole files or nothing, and never leaves a folder.
//!
//! Goes in: paths. Comes out: bytes, names in byte order, facts about entries, or an [`Error`] in Go's words (`open X: no such
//! file or directory`), since Helm prints Go's `PathError`s as they are. No other module touches the file system, so that each
//! fault names its path. A file is written beside its place and renamed, so that readers see either the old one or the new one;
//! folders are copied entry by entry.

#![expect(clippy::disallowed_methods, reason = "all file access of the crate is here")]

mod copy;
mod folder;
mod words;

pub use copy::{copy_folder, create_link, mode};
pub use folder::{Folder, Stamp};
pub use words::{fault, reason};

use crate::error::{Error, ErrorKind, Result};
use std::borrow::Cow;
use std::collections::VecDeque;
use std::ffi::{OsStr, OsString};
use std::fs::{File, FileType, Metadata, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::ops::Range;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant, UNIX_EPOCH};

/// The prefix of the names of unfinished files and folders. A killed process leaves them behind; charts and indexes never include
/// them.
pub const UNFINISHED: &str = ".rutter-";

/// The age in seconds at which an unfinished file counts as left behind: no write takes this long.
pub const UNFINISHED_AGE: i64 = 3600;

/// Smaller files are read in one call. For larger ones, clearing the buffer costs more than a second call.
const SMALL_FILE: usize = 64 << 10;

/// Most bytes of a file that is read as a whole and has no lower limit of its own: reading a device never ends.
pub const WHOLE_LIMIT: u64 = 512 << 20;

/// How many symbolic links one path may lead through (Go's `filepath.EvalSymlinks`).
const LINKS_LIMIT: usize = 255;

/// The kind of an entry of the file system.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Folder,
    File,
    Link,
    /// A pipe, socket or device.
    Irregular,
}

/// Facts about an entry of the file system.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stat {
    pub kind: Kind,
    /// In bytes.
    pub size: u64,
    /// Modification time, seconds since 1970, rounded to the nearest as Go's tar writer does.
    pub modified: i64,
}

impl Kind {
    fn of(kind: FileType) -> Kind {
        match kind {
            kind if kind.is_symlink() => Kind::Link,
            kind if kind.is_dir() => Kind::Folder,
            kind if kind.is_file() => Kind::File,
            _ => Kind::Irregular,
        }
    }
}

impl Stat {
    fn of(metadata: &Metadata) -> Stat {
        Stat { kind: Kind::of(metadata.file_type()), size: metadata.len(), modified: modified(metadata) }
    }
}

/// The bytes of a file, at most [`WHOLE_LIMIT`].
pub fn read(path: &Path) -> Result<Vec<u8>> {
    read_limited(path, WHOLE_LIMIT)
}

/// The bytes of a file, at most `limit`; `None` when there is nothing at `path`.
pub fn read_if_there(path: &Path, limit: u64) -> Result<Option<Vec<u8>>> {
    match open_file(path) {
        Ok(file) => read_open(file, path, limit).map(Some),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(fault("open", path, &error)),
    }
}

/// The bytes of a file, at most `limit`.
pub fn read_limited(path: &Path, limit: u64) -> Result<Vec<u8>> {
    read_open(open(path)?, path, limit)
}

fn read_open(file: File, path: &Path, limit: u64) -> Result<Vec<u8>> {
    let size = file.metadata().map_or(0, |metadata| metadata.len());
    let mut bytes = Vec::new();
    read_expected(file, || path.to_path_buf(), size, limit, &mut bytes)?;
    Ok(bytes)
}

/// Reads an open file, whose size was found to be `size`, into `bytes`, replacing its content; more than `limit` bytes are a
/// fault. Callers that read hundreds of files reuse the buffer.
pub fn read_expected(file: File, path: impl Fn() -> PathBuf, size: u64, limit: u64, bytes: &mut Vec<u8>) -> Result<()> {
    let fault = |error| fault("read", &path(), &error);
    let expected = usize::try_from(size.min(limit)).unwrap_or(0);
    bytes.clear();
    if (1..SMALL_FILE).contains(&expected) {
        // One byte more than expected: if it stays free, the file ends here, and no second call is needed.
        bytes.resize(expected + 1, 0);
        let read = loop {
            match (&file).read(bytes) {
                Ok(read) => break read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(fault(error)),
            }
        };
        bytes.truncate(read);
        if read == expected {
            return Ok(());
        }
    }
    bytes.reserve_exact((expected + 1).saturating_sub(bytes.len()));
    let rest = limit.saturating_add(1).saturating_sub(bytes.len() as u64);
    file.take(rest).read_to_end(bytes).map_err(fault)?;
    if bytes.len() as u64 > limit {
        return Err(Error::new(ErrorKind::Limit, format!("file {} is larger than {limit} bytes", path().display())));
    }
    Ok(())
}

/// Reads an open file, whose size was found to be `size`, directly into shared memory, which saves a copy of large files. `None`
/// when the file is small or its size has changed; the file is then back at its start.
pub fn read_shared(mut file: &File, path: impl Fn() -> PathBuf, size: u64) -> Result<Option<Arc<[u8]>>> {
    let Some(size) = usize::try_from(size).ok().filter(|size| *size >= SMALL_FILE) else { return Ok(None) };
    let mut data: Arc<[u8]> = std::iter::repeat_n(0, size).collect();
    let is_read = Arc::get_mut(&mut data).is_some_and(|data| file.read_exact(data).is_ok());
    if is_read && matches!(file.read(&mut [0]), Ok(0)) {
        return Ok(Some(data));
    }
    file.rewind().map_err(|error| fault("seek", &path(), &error))?;
    Ok(None)
}

/// Appends the bytes of `range` of the file at `path` to `bytes`. Fails if the file is shorter.
pub fn append_range(path: &Path, range: Range<usize>, bytes: &mut Vec<u8>) -> Result<()> {
    let mut file = open(path)?;
    let start = bytes.len();
    let mut read = || {
        if range.start > 0 {
            file.seek(io::SeekFrom::Start(range.start as u64))?;
        }
        bytes.resize(start + range.len(), 0);
        file.read_exact(bytes.get_mut(start..).unwrap_or_default())
    };
    read().map_err(|error| fault("read", path, &error))
}

/// A file to stream from.
pub fn open(path: &Path) -> Result<File> {
    open_file(path).map_err(|error| fault("open", path, &error))
}

#[cfg(not(windows))]
fn open_file(path: &Path) -> io::Result<File> {
    File::open(path)
}

/// Opens folders too, as Go does; reading them fails later.
#[cfg(windows)]
fn open_file(path: &Path) -> io::Result<File> {
    use std::os::windows::fs::OpenOptionsExt;
    const FILE_FLAG_BACKUP_SEMANTICS: u32 = 0x0200_0000;
    std::fs::OpenOptions::new().read(true).custom_flags(FILE_FLAG_BACKUP_SEMANTICS).open(path)
}

/// Facts about what `path` leads to; links are followed.
pub fn stat(path: &Path) -> Result<Stat> {
    std::fs::metadata(path).map(|metadata| Stat::of(&metadata)).map_err(|error| fault("stat", path, &error))
}

/// Facts about `path` itself; links are not followed.
pub fn lstat(path: &Path) -> Result<Stat> {
    std::fs::symlink_metadata(path).map(|metadata| Stat::of(&metadata)).map_err(|error| fault("lstat", path, &error))
}

/// When the target of `path` was last modified, in seconds since 1970. The fraction is cut off; [`Stat::modified`] rounds it, as
/// tar does.
pub fn modified_second(path: &Path) -> Result<i64> {
    let time = std::fs::metadata(path).and_then(|metadata| metadata.modified()).map_err(|error| fault("stat", path, &error))?;
    let seconds = match time.duration_since(UNIX_EPOCH) {
        Ok(after) => i64::try_from(after.as_secs()).unwrap_or(i64::MAX),
        Err(before) => -i64::try_from(before.duration().as_secs_f64().ceil() as u64).unwrap_or(i64::MAX),
    };
    Ok(seconds)
}

/// When an entry was last added, removed or renamed in a folder, in nanoseconds since 1970; `None` if there is no such folder.
pub fn folder_changed(path: &Path) -> Option<i128> {
    let about = std::fs::metadata(path).ok().filter(Metadata::is_dir)?;
    i128::try_from(about.modified().ok()?.duration_since(UNIX_EPOCH).ok()?.as_nanos()).ok()
}

/// Flushes the entries of a folder to disk, so that a power cut does not undo an added, removed or renamed one.
#[cfg(unix)]
pub fn sync_folder(path: &Path) -> Result<()> {
    #[cfg(test)]
    SYNCED.lock().unwrap_or_else(std::sync::PoisonError::into_inner).push(path.to_path_buf());
    File::open(path).and_then(|folder| folder.sync_all()).map_err(|error| fault("sync", path, &error))
}

/// Folders cannot be synced everywhere.
#[cfg(not(unix))]
pub fn sync_folder(_: &Path) -> Result<()> {
    Ok(())
}

/// The folders that `sync_folder` was called with: no test can cut the power.
#[cfg(all(test, unix))]
pub static SYNCED: std::sync::Mutex<Vec<PathBuf>> = std::sync::Mutex::new(Vec::new());

/// A folder below `place`, or below the system's folder for temporary files when `place` is empty; removed when dropped.
pub fn temporary_folder(place: &Path) -> Result<tempfile::TempDir> {
    let mut builder = tempfile::Builder::new();
    builder.prefix("rutter-");
    let made = if place.as_os_str().is_empty() { builder.tempdir() } else { builder.tempdir_in(place) };
    made.map_err(|error| fault("mkdir", place, &error))
}

/// The system's reason why a temporary file could not be made, without the temporary name.
fn cause(error: &io::Error) -> io::Error {
    let inner = error.get_ref().and_then(|inner| inner.source()).and_then(|inner| inner.downcast_ref::<io::Error>());
    let code = inner.unwrap_or(error).raw_os_error();
    code.map_or_else(|| error.kind().into(), io::Error::from_raw_os_error)
}

/// A folder below `place` for unfinished content; removed when dropped.
pub fn unfinished_folder(place: &Path) -> Result<tempfile::TempDir> {
    tempfile::Builder::new().prefix(UNFINISHED).tempdir_in(place).map_err(|error| fault("mkdir", place, &error))
}

/// Removes a folder if it is empty.
pub fn remove_empty_folder(path: &Path) -> Result<()> {
    std::fs::remove_dir(path).map_err(|error| fault("remove", path, &error))
}

/// Locks the file at `path`, made if missing, until the returned file is dropped. Waits up to `patience` while another process
/// holds the lock.
pub fn lock(path: &Path, patience: Duration) -> Result<File> {
    let mut options = std::fs::OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file = options.open(path).map_err(|error| fault("open", path, &error))?;
    let started = Instant::now();
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::WouldBlock) if started.elapsed() < patience => std::thread::sleep(Duration::from_millis(50)),
            Err(TryLockError::WouldBlock) => {
                return Err(Error::new(ErrorKind::Io, format!("{} is held by another process", path.display())));
            }
            Err(TryLockError::Error(error)) => return Err(fault("lock", path, &error)),
        }
    }
}

/// The target of the link at `path`.
pub fn read_link(path: &Path) -> Result<PathBuf> {
    std::fs::read_link(path).map_err(|error| fault("readlink", path, &error))
}

/// Whether `path` leads to an existing entry.
pub fn exists(path: &Path) -> bool {
    std::fs::metadata(path).is_ok()
}

/// Whether there is nothing at `path`; false where this cannot be known, such as below a file.
pub fn is_missing(path: &Path) -> bool {
    std::fs::metadata(path).is_err_and(|error| error.kind() == io::ErrorKind::NotFound)
}

/// Whether `path` leads to a folder.
pub fn is_folder(path: &Path) -> bool {
    std::fs::metadata(path).is_ok_and(|metadata| metadata.is_dir())
}

fn modified(metadata: &Metadata) -> i64 {
    let Ok(time) = metadata.modified() else { return 0 };
    match time.duration_since(UNIX_EPOCH) {
        Ok(after) => {
            let seconds = i64::try_from(after.as_secs()).unwrap_or(i64::MAX);
            seconds.saturating_add(i64::from(after.subsec_nanos() >= 500_000_000))
        }
        Err(before) => {
            let before = before.duration();
            let seconds = i64::try_from(before.as_secs()).unwrap_or(i64::MAX);
            -seconds.saturating_add(i64::from(before.subsec_nanos() > 500_000_000))
        }
    }
}

/// The names in a folder in byte order.
pub fn names(folder: &Path) -> Result<Vec<OsString>> {
    let mut names = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(|error| fault("open", folder, &error))? {
        names.push(entry.map_err(|error| fault("readdirent", folder, &error))?.file_name());
    }
    names.sort_unstable_by(|a, b| a.as_encoded_bytes().cmp(b.as_encoded_bytes()));
    Ok(names)
}

/// The names in a folder in byte order, each with its kind; links are not followed.
pub fn entries(folder: &Path) -> Result<Vec<(OsString, Kind)>> {
    Folder::open(folder)?.entries()
}

/// Writes a whole file or nothing: a temporary file beside it replaces it when complete.
/// An existing file keeps its mode; a new one gets 0644 as [`Mode::New`]. A link at `path` is replaced, not followed.
pub fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    write_as(path, bytes, Mode::New(0o644))
}

/// As [`write()`], with the mode that Helm gives the file.
pub fn write_as(path: &Path, bytes: &[u8], mode: Mode) -> Result<()> {
    let mut sink = Replacement::new(path, mode)?;
    sink.write_all(bytes).map_err(|error| fault("write", path, &error))?;
    sink.finish()
}

/// As [`write_as`], but a plain file with these bytes stays, and counts as just written: when a file replaces another one, the system
/// writes it to the disk at once, which takes longer than comparing.
pub fn write_unless_same(path: &Path, bytes: &[u8], mode: Mode) -> Result<()> {
    if holds(path, bytes) && touch(path).is_ok() {
        return Ok(());
    }
    write_as(path, bytes, mode)
}

/// Whether the path is a plain file of these bytes.
pub fn holds(path: &Path, bytes: &[u8]) -> bool {
    let is_alike = lstat(path).is_ok_and(|found| found.kind == Kind::File && found.size == bytes.len() as u64);
    let Some(mut file) = is_alike.then(|| open(path).ok()).flatten() else { return false };
    let mut piece = vec![0; SMALL_FILE.min(bytes.len())];
    bytes
        .chunks(SMALL_FILE)
        .all(|wanted| piece.get_mut(..wanted.len()).is_some_and(|piece| file.read_exact(piece).is_ok() && *piece == *wanted))
}

/// Gives a file the current time.
#[cfg(unix)]
fn touch(path: &Path) -> io::Result<()> {
    use rustix::fs::{AtFlags, CWD, Timespec, Timestamps, UTIME_NOW, utimensat};
    let now = Timespec { tv_sec: 0, tv_nsec: UTIME_NOW };
    Ok(utimensat(CWD, path, &Timestamps { last_access: now, last_modification: now }, AtFlags::SYMLINK_NOFOLLOW)?)
}

#[cfg(not(unix))]
fn touch(_: &Path) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

/// As [`write_as`], but what is not a plain file is written to in place, as by Go's `os.Create`: a link at `path` stays, and the file
/// that it leads to is written, or made; a device such as `/dev/null` stays one.
pub fn write_through_links(path: &Path, bytes: &[u8], mode: Mode) -> Result<()> {
    match lstat(path).map(|found| found.kind) {
        Ok(Kind::Link | Kind::Irregular) => {
            let written = std::fs::OpenOptions::new().write(true).create(true).truncate(true).open(path);
            let mut file = written.map_err(|error| fault("open", path, &error))?;
            file.write_all(bytes).map_err(|error| fault("write", path, &error))
        }
        _ => write_as(path, bytes, mode),
    }
}

/// The mode of a written file, where modes exist.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// For a new file, less the umask; an existing file keeps its own mode. As Go's `os.WriteFile` and, with 0666, `os.Create`.
    New(u32),
    /// Exactly this mode, whatever the old mode and the umask. As Helm's `fileutil.AtomicWriteFile`.
    Exact(u32),
}

/// As [`write_as`], and makes the missing parent folders.
pub fn write_with_folders(path: &Path, bytes: &[u8], mode: Mode) -> Result<()> {
    if let Some(folder) = path.parent() {
        create_folders(folder)?;
    }
    write_as(path, bytes, mode)
}

/// A file being written that takes its place only when [`Replacement::finish`] is called; dropped earlier, it leaves nothing
/// behind.
pub struct Replacement {
    path: PathBuf,
    file: tempfile::NamedTempFile,
}

impl Replacement {
    /// Starts writing the file that will become `path`.
    pub fn new(path: &Path, mode: Mode) -> Result<Replacement> {
        if is_folder(path) {
            return Err(Error::new(ErrorKind::Io, format!("open {}: is a directory", path.display())));
        }
        let folder = match path.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        };
        let mut builder = tempfile::Builder::new();
        builder.prefix(UNFINISHED).suffix(".part");
        let (mode, is_exact) = match mode {
            Mode::Exact(mode) => (mode, true),
            Mode::New(mode) => mode_of(path).map_or((mode, false), |kept| (kept, true)),
        };
        set_mode(&mut builder, mode);
        // Faults name the requested file: the temporary name means nothing to the user.
        let file = builder.tempfile_in(folder).map_err(|error| match std::fs::metadata(folder) {
            // Windows has different errors for a missing parent folder and a missing last component.
            Err(missing) if cfg!(windows) && missing.kind() == io::ErrorKind::NotFound => {
                fault("open", path, &io::ErrorKind::NotADirectory.into())
            }
            Err(missing) => fault("open", path, &missing),
            Ok(found) if !found.is_dir() => fault("open", path, &io::Error::from(io::ErrorKind::NotADirectory)),
            Ok(_) => fault("open", path, &cause(&error)),
        })?;
        if is_exact {
            unmask(file.as_file(), mode).map_err(|error| fault("chmod", path, &error))?;
        }
        Ok(Replacement { path: path.to_path_buf(), file })
    }

    /// Puts the file in its place.
    pub fn finish(self) -> Result<()> {
        let Replacement { path, file } = self;
        file.persist(&path).map(|_| ()).map_err(|error| fault("rename", &path, &error.error))
    }
}

impl Write for Replacement {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// The mode of the file at `path`, if there is one.
#[cfg(unix)]
fn mode_of(path: &Path) -> Option<u32> {
    use std::os::unix::fs::PermissionsExt;
    let metadata = std::fs::symlink_metadata(path).ok().filter(std::fs::Metadata::is_file)?;
    // Keeps the owner's write permission: the owner has just written the file.
    Some((metadata.permissions().mode() | 0o200) & 0o777)
}

#[cfg(not(unix))]
fn mode_of(_: &Path) -> Option<u32> {
    None
}

/// Gives an open file the full mode, from which the umask may have removed bits when the file was made.
#[cfg(unix)]
fn unmask(file: &File, mode: u32) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    let permissions = std::fs::Permissions::from_mode(mode);
    if file.metadata()?.permissions().mode() & 0o777 == mode { Ok(()) } else { file.set_permissions(permissions) }
}

#[cfg(not(unix))]
fn unmask(_: &File, _: u32) -> io::Result<()> {
    Ok(())
}

#[cfg(unix)]
fn set_mode(builder: &mut tempfile::Builder<'_, '_>, mode: u32) {
    use std::os::unix::fs::PermissionsExt;
    builder.permissions(std::fs::Permissions::from_mode(mode));
}

#[cfg(not(unix))]
fn set_mode(_: &mut tempfile::Builder<'_, '_>, _: u32) {}

/// Makes a folder and its missing parents, as Go's `MkdirAll` with 0755: others may never write there, whatever the umask.
pub fn create_folders(path: &Path) -> Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o755);
    builder.create(path).map_err(|error| {
        // As in Go's `MkdirAll`, the fault names the first folder that cannot be made.
        let mut parts: Vec<&Path> = path.ancestors().filter(|part| part.file_name().is_some()).collect();
        parts.reverse();
        let first = parts.into_iter().find(|part| !part.is_dir()).unwrap_or(path);
        if cfg!(windows) && exists(first) {
            return fault("mkdir", first, &io::ErrorKind::NotADirectory.into());
        }
        fault("mkdir", first, &error)
    })
}

/// Makes a folder and its missing parents; only their owner may access the new ones (where modes exist).
pub fn create_private_folders(path: &Path) -> Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path).map_err(|error| fault("mkdir", path, &error))
}

/// Removes a file.
pub fn remove_file(path: &Path) -> Result<()> {
    std::fs::remove_file(path).map_err(|error| fault("remove", path, &error))
}

/// Removes a folder and everything in it.
pub fn remove_folder(path: &Path) -> Result<()> {
    std::fs::remove_dir_all(path).map_err(|error| fault("remove", path, &error))
}

/// Moves a file or folder within one file system; a folder may replace an empty one.
pub fn rename(from: &Path, to: &Path) -> Result<()> {
    // Windows does not replace a folder by renaming.
    if cfg!(windows) && is_folder(from) && is_folder(to) {
        let _ = std::fs::remove_dir(to);
    }
    std::fs::rename(from, to).map_err(|error| not_renamed(from, to, &error))
}

fn not_renamed(from: &Path, to: &Path, error: &io::Error) -> Error {
    Error::new(ErrorKind::Io, format!("rename {} {}: {}", from.display(), to.display(), reason(error)))
}

/// Moves a file, also to another file system: there it is copied beside its new place, and then renamed.
pub fn move_file(from: &Path, to: &Path) -> Result<()> {
    match std::fs::rename(from, to) {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::CrossesDevices => {
            let mut source = open(from)?;
            let mut sink = Replacement::new(to, Mode::Exact(mode(from)? & 0o777))?;
            io::copy(&mut source, &mut sink).map_err(|error| fault("copy", to, &error))?;
            sink.finish()?;
            remove_file(from)
        }
        Err(error) => Err(not_renamed(from, to, &error)),
    }
}

/// The path without `.`, `..` and doubled separators, computed from its text alone, as Go's `filepath.Clean`; empty becomes `.`.
pub fn clean(path: &Path) -> PathBuf {
    let mut cleaned = PathBuf::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir => match cleaned.components().next_back() {
                Some(Component::Normal(_)) => {
                    cleaned.pop();
                }
                Some(Component::RootDir | Component::Prefix(_)) => {}
                _ => cleaned.push(".."),
            },
            other => cleaned.push(other),
        }
    }
    if cleaned.as_os_str().is_empty() {
        cleaned.push(".");
    }
    cleaned
}

/// The path with the separators of the system, as Go's `filepath.FromSlash`.
pub fn with_own_separators(path: String) -> String {
    if cfg!(windows) { path.replace('/', "\\") } else { path }
}

/// The path with `/` for the separators of the system, as Go's `filepath.ToSlash`.
pub fn with_slashes(path: &str) -> Cow<'_, str> {
    if cfg!(windows) { Cow::Owned(path.replace('\\', "/")) } else { Cow::Borrowed(path) }
}

/// As [`clean`], for names that have `/` on every system, as in charts and archives (Go's `path.Clean`): no `.`, no doubled or
/// trailing slash, `..` only at the start of a relative name.
pub fn clean_name(path: &[u8]) -> Vec<u8> {
    let rooted = path.first() == Some(&b'/');
    let mut kept: Vec<&[u8]> = Vec::new();
    for element in path.split(|&byte| byte == b'/') {
        match element {
            b"" | b"." => {}
            b".." => match kept.last() {
                Some(&last) if last != b".." => {
                    kept.pop();
                }
                _ if rooted => {}
                _ => kept.push(element),
            },
            _ => kept.push(element),
        }
    }
    let joined = kept.join(&b'/');
    match (rooted, joined.is_empty()) {
        (true, _) => [b"/", joined.as_slice()].concat(),
        (false, true) => b".".to_vec(),
        (false, false) => joined,
    }
}

/// The cleaned path from the root, as Go's `filepath.Abs`.
pub fn absolute(path: &Path) -> Result<PathBuf> {
    if path.is_absolute() {
        return Ok(clean(path));
    }
    // Windows keeps a current folder for each drive.
    if cfg!(windows)
        && let Ok(path) = std::path::absolute(path)
    {
        return Ok(clean(&path));
    }
    let current = std::env::current_dir().map_err(|error| Error::new(ErrorKind::Io, format!("getwd: {}", reason(&error))))?;
    Ok(clean(&current.join(path)))
}

/// `name` below `folder`; refused when it is absolute, climbs out, or names nothing.
pub fn join_below(folder: &Path, name: &str) -> Result<PathBuf> {
    let outside = || Error::new(ErrorKind::Io, format!("path {} leaves its folder", crate::quote::quote(name.as_bytes())));
    // To other systems than Windows a backslash is a letter.
    if name.is_empty() || name.contains('\0') || cfg!(windows) && name.contains('\\') {
        return Err(outside());
    }
    let mut path = folder.to_path_buf();
    for component in Path::new(name).components() {
        match component {
            Component::Normal(part) if is_whole_name(part) => path.push(part),
            Component::CurDir => {}
            _ => return Err(outside()),
        }
    }
    Ok(path)
}

/// Go's `filepath.Ext` of a path with slashes: from the last dot of its last part on.
pub fn extension(path: &str) -> &str {
    let base = path.rsplit('/').next().unwrap_or(path);
    base.rfind('.').and_then(|dot| base.get(dot..)).unwrap_or("")
}

/// `path` with `suffix` appended to its name.
pub fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_os_string();
    name.push(suffix);
    PathBuf::from(name)
}

/// Whether the name refers to the entry of exactly this name. Windows reads the part behind a colon as a part of the file, and
/// ignores dots and spaces at the end, so that a name could refer to another entry than the one that was checked.
fn is_whole_name(name: &OsStr) -> bool {
    let bytes = name.as_encoded_bytes();
    !cfg!(windows) || !(bytes.contains(&b':') || matches!(bytes.last(), Some(b'.' | b' ')))
}

/// `path` with every link in it followed. A broken link gives Go's `lstat TARGET: no such file or directory`.
pub fn resolve_links(path: &Path) -> Result<PathBuf> {
    let mut resolved = PathBuf::new();
    let mut rest: VecDeque<OsString> = path.components().map(|component| component.as_os_str().to_os_string()).collect();
    let mut links = 0;
    while let Some(part) = rest.pop_front() {
        match Path::new(&part).components().next() {
            Some(Component::RootDir | Component::Prefix(_)) => {
                resolved.push(&part);
                continue;
            }
            Some(Component::CurDir) | None => continue,
            Some(Component::ParentDir) => {
                // At the start of a relative path, `..` is kept and climbs further.
                match resolved.components().next_back() {
                    Some(Component::Normal(_)) => drop(resolved.pop()),
                    Some(Component::RootDir | Component::Prefix(_)) => {}
                    _ => resolved.push(".."),
                }
                continue;
            }
            Some(Component::Normal(_)) => {}
        }
        let next = resolved.join(OsStr::new(&part));
        if lstat(&next)?.kind != Kind::Link {
            resolved = next;
            continue;
        }
        links += 1;
        if links > LINKS_LIMIT {
            return Err(Error::new(ErrorKind::Io, "EvalSymlinks: too many links"));
        }
        let target = std::fs::read_link(&next).map_err(|error| fault("readlink", &next, &error))?;
        if target.is_absolute() {
            resolved = PathBuf::new();
        }
        for component in target.components().rev() {
            rest.push_front(component.as_os_str().to_os_string());
        }
    }
    Ok(resolved)
}

#[cfg(test)]
mod tests;
