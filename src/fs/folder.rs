//! An open folder.
//!
//! Goes in: the path of a folder. Comes out: its entries, and files in it. The folder is opened once and its files are opened
//! relative to it, so that the system does not resolve the full path for each; unnecessary calls of `stat` are avoided. For
//! hundreds of small files, these would take most of the time.

use super::{Kind, Stat, fault};
use crate::error::Result;
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::path::{Path, PathBuf};

/// Shows whether a file is unchanged: size, modification and change time in nanoseconds since 1970 (the latter if it exists),
/// inode.
pub type Stamp = (u64, i128, i128, u64);

/// A folder, for reading its entries by the thousand.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
    #[cfg(unix)]
    inner: rustix::fs::Dir,
    /// Whether its entries were read already.
    #[cfg(unix)]
    is_read: bool,
}

#[cfg(unix)]
impl Folder {
    /// The folder at `path`.
    pub fn open(path: &Path) -> Result<Folder> {
        use rustix::fs::{Mode, OFlags};
        let open = || rustix::fs::open(path, OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty());
        let inner = rustix::io::retry_on_intr(open).and_then(rustix::fs::Dir::new);
        let inner = inner.map_err(|error| fault("open", path, &error.into()))?;
        Ok(Folder { path: path.to_path_buf(), inner, is_read: false })
    }

    /// The names in it in byte order, each with its kind; links are not followed.
    pub fn entries(&mut self) -> Result<Vec<(OsString, Kind)>> {
        use rustix::fs::{AtFlags, FileType, statat};
        use std::os::unix::ffi::OsStrExt;
        let mut entries = Vec::new();
        if std::mem::replace(&mut self.is_read, true) {
            self.inner.rewind();
        }
        while let Some(entry) = self.inner.read() {
            let entry = entry.map_err(|error| fault("readdirent", &self.path, &error.into()))?;
            let name = OsStr::from_bytes(entry.file_name().to_bytes());
            if name == "." || name == ".." {
                continue;
            }
            let kind = match entry.file_type() {
                // Some file systems do not report the type.
                FileType::Unknown => {
                    let about = self.inner.fd().and_then(|fd| statat(fd, entry.file_name(), AtFlags::SYMLINK_NOFOLLOW));
                    FileType::from_raw_mode(about.map_err(|error| fault("lstat", &self.path.join(name), &error.into()))?.st_mode)
                }
                kind => kind,
            };
            let kind = match kind {
                FileType::Symlink => Kind::Link,
                FileType::Directory => Kind::Folder,
                FileType::RegularFile => Kind::File,
                _ => Kind::Irregular,
            };
            entries.push((name.to_owned(), kind));
        }
        sort(&mut entries);
        Ok(entries)
    }

    fn open_file(&self, name: &OsStr) -> Result<File> {
        use rustix::fs::{Mode, OFlags, openat};
        let open = || openat(self.inner.fd()?, name, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty());
        rustix::io::retry_on_intr(open).map(File::from).map_err(|error| fault("open", &self.path.join(name), &error.into()))
    }

    /// Facts about the file of this name; links are followed.
    pub fn stat(&self, name: &OsStr) -> Result<Stat> {
        use rustix::fs::{AtFlags, FileType, statat};
        let about = self.inner.fd().and_then(|fd| statat(fd, name, AtFlags::empty()));
        let about = about.map_err(|error| fault("stat", &self.path.join(name), &error.into()))?;
        let kind = match FileType::from_raw_mode(about.st_mode) {
            FileType::RegularFile => Kind::File,
            FileType::Directory => Kind::Folder,
            _ => Kind::Irregular,
        };
        let modified = about.st_mtime.saturating_add(i64::from(about.st_mtime_nsec >= 500_000_000));
        Ok(Stat { kind, size: u64::try_from(about.st_size).unwrap_or(0), modified })
    }

    /// The stamp of the file of this name; `None` if it is not a file.
    pub fn stamp(&self, name: &str) -> Option<Stamp> {
        use rustix::fs::{AtFlags, FileType, statat};
        let about = statat(self.inner.fd().ok()?, name, AtFlags::empty()).ok()?;
        if !FileType::from_raw_mode(about.st_mode).is_file() {
            return None;
        }
        let nanoseconds = |seconds: i128, rest: i128| seconds * 1_000_000_000 + rest;
        let modified = nanoseconds(i128::from(about.st_mtime), i128::from(about.st_mtime_nsec));
        let changed = nanoseconds(i128::from(about.st_ctime), i128::from(about.st_ctime_nsec));
        Some((u64::try_from(about.st_size).ok()?, modified, changed, about.st_ino))
    }
}

#[cfg(not(unix))]
impl Folder {
    /// The folder at `path`.
    pub fn open(path: &Path) -> Result<Folder> {
        Ok(Folder { path: path.to_path_buf() })
    }

    /// The names in it in byte order, each with its kind; links are not followed.
    pub fn entries(&mut self) -> Result<Vec<(OsString, Kind)>> {
        let mut entries = Vec::new();
        for entry in std::fs::read_dir(&self.path).map_err(|error| fault("open", &self.path, &error))? {
            let entry = entry.map_err(|error| fault("readdirent", &self.path, &error))?;
            let kind = entry.file_type().map_err(|error| fault("lstat", &entry.path(), &error))?;
            entries.push((entry.file_name(), Kind::of(kind)));
        }
        sort(&mut entries);
        Ok(entries)
    }

    fn open_file(&self, name: &OsStr) -> Result<File> {
        super::open(&self.path.join(name))
    }

    /// Facts about the file of this name; links are followed.
    pub fn stat(&self, name: &OsStr) -> Result<Stat> {
        super::stat(&self.path.join(name))
    }

    /// The stamp of the file of this name; `None` if it is not a file.
    pub fn stamp(&self, name: &str) -> Option<Stamp> {
        let about = std::fs::metadata(self.path.join(name)).ok().filter(std::fs::Metadata::is_file)?;
        let modified = about.modified().ok()?.duration_since(std::time::UNIX_EPOCH).ok()?;
        Some((about.len(), i128::try_from(modified.as_nanos()).ok()?, 0, 0))
    }
}

impl Folder {
    /// The path of the folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Opens a file in it for reading, with facts about it; links are followed.
    pub fn file(&self, name: &OsStr) -> Result<(File, Stat)> {
        let file = self.open_file(name)?;
        let metadata = file.metadata().map_err(|error| fault("stat", &self.path.join(name), &error))?;
        Ok((file, Stat::of(&metadata)))
    }

    /// Reads a file in it, whose size was found to be `size`, into `bytes`, replacing its content.
    pub fn read(&self, name: &OsStr, size: u64, bytes: &mut Vec<u8>) -> Result<()> {
        super::read_expected(self.open_file(name)?, || self.path.join(name), size, super::WHOLE_LIMIT, bytes)
    }
}

fn sort(entries: &mut [(OsString, Kind)]) {
    entries.sort_unstable_by(|a, b| a.0.as_encoded_bytes().cmp(b.0.as_encoded_bytes()));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fs;

    #[test]
    fn entries_are_sorted_and_known() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path();
        fs::create_folders(&path.join("b")).unwrap();
        fs::write(&path.join("c"), b"12345").unwrap();
        fs::write(&path.join(".a"), b"").unwrap();
        let mut opened = Folder::open(path).unwrap();
        let expected = [(".a".into(), Kind::File), ("b".into(), Kind::Folder), ("c".into(), Kind::File)];
        assert_eq!(opened.entries().unwrap(), expected);
        assert_eq!(opened.entries().unwrap(), expected, "a second time");
        let (_, entry) = opened.file("c".as_ref()).unwrap();
        assert_eq!((entry.kind, entry.size), (Kind::File, 5));
        let gone = opened.file("d".as_ref()).unwrap_err().to_string();
        let reason = |kind: std::io::ErrorKind| super::super::reason(&kind.into());
        assert_eq!(gone, format!("open {}: {}", path.join("d").display(), reason(std::io::ErrorKind::NotFound)));
        assert!(opened.stamp("c").is_some() && opened.stamp("b").is_none());
        let message = Folder::open(&path.join("c")).and_then(|mut folder| folder.entries()).unwrap_err().to_string();
        assert!(message.starts_with(&format!("open {}: ", path.join("c").display())), "{message}");
        assert!(cfg!(windows) || message.ends_with(": not a directory"), "{message}");
    }

    #[test]
    fn files_of_any_length_are_read_whole() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x");
        for length in [0, 1, 4096, 100_000] {
            fs::write(&path, &vec![b'x'; length]).unwrap();
            let opened = Folder::open(folder.path()).unwrap();
            // Whatever size was expected.
            for expected in [0, 1, length as u64, 4095, 200_000] {
                let mut bytes = b"old".to_vec();
                let (file, _) = opened.file("x".as_ref()).unwrap();
                fs::read_expected(file, || path.clone(), expected, 1 << 20, &mut bytes).unwrap();
                assert_eq!(bytes.len(), length, "{expected}");
                let (file, _) = opened.file("x".as_ref()).unwrap();
                assert_eq!(fs::read_expected(file, || path.clone(), expected, 100, &mut bytes).is_ok(), length <= 100);
            }
        }
    }
}
