//! Copies folders unchanged, with links and permissions.
//!
//! Goes in: a folder. Comes out: a copy at another place, or the facts needed to write it. Charts follow links and have no
//! permissions; plugins are programs and need both.

use super::{Error, ErrorKind, fault, names, reason};
use crate::error::Result;
use std::path::Path;

/// How deep folders may be nested.
const DEPTH_LIMIT: usize = 100;

/// Copies the folder `from` to `to`, which must not exist. Links are copied as links.
pub fn copy_folder(from: &Path, to: &Path) -> Result<()> {
    copy_below(from, to, 0)
}

fn copy_below(from: &Path, to: &Path, depth: usize) -> Result<()> {
    if depth > DEPTH_LIMIT {
        return Err(Error::new(ErrorKind::Limit, format!("{} is nested deeper than {DEPTH_LIMIT} levels", from.display())));
    }
    std::fs::create_dir(to).map_err(|error| fault("mkdir", to, &error))?;
    for name in names(from)? {
        let (from, to) = (from.join(&name), to.join(&name));
        let about = std::fs::symlink_metadata(&from).map_err(|error| fault("lstat", &from, &error))?;
        if about.is_dir() {
            copy_below(&from, &to, depth + 1)?;
        } else if about.is_symlink() {
            let target = std::fs::read_link(&from).map_err(|error| fault("readlink", &from, &error))?;
            create_link(&target, &to)?;
        } else if about.is_file() {
            std::fs::copy(&from, &to).map_err(|error| fault("copy", &from, &error))?;
        } else {
            return Err(Error::new(ErrorKind::Io, format!("{} is no file", from.display())));
        }
    }
    let permissions = std::fs::metadata(from).map_err(|error| fault("stat", from, &error))?.permissions();
    std::fs::set_permissions(to, permissions).map_err(|error| fault("chmod", to, &error))
}

/// Makes a symbolic link at `path` that leads to `target`.
pub fn create_link(target: &Path, path: &Path) -> Result<()> {
    #[cfg(unix)]
    let made = std::os::unix::fs::symlink(target, path);
    #[cfg(windows)]
    let made =
        if target.is_dir() { std::os::windows::fs::symlink_dir(target, path) } else { std::os::windows::fs::symlink_file(target, path) };
    made.map_err(|error| Error::new(ErrorKind::Io, format!("symlink {} {}: {}", target.display(), path.display(), reason(&error))))
}

/// The permissions of `path` itself, where permissions exist.
pub fn mode(path: &Path) -> Result<u32> {
    let about = std::fs::symlink_metadata(path).map_err(|error| fault("lstat", path, &error))?;
    #[cfg(unix)]
    let mode = std::os::unix::fs::PermissionsExt::mode(&about.permissions()) & 0o7777;
    #[cfg(not(unix))]
    let mode = if about.is_dir() { 0o755 } else { 0o644 };
    Ok(mode)
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use crate::fs;

    #[test]
    fn folders_keep_their_permissions() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let (from, to) = (folder.path().join("from"), folder.path().join("to"));
        fs::create_folders(&from.join("shared/closed")).unwrap();
        fs::write_as(&from.join("shared/closed/a"), b"a", fs::Mode::Exact(0o440)).unwrap();
        for (name, mode) in [("shared/closed", 0o500), ("shared", 0o775), ("", 0o700)] {
            std::fs::set_permissions(from.join(name), std::fs::Permissions::from_mode(mode)).unwrap();
        }
        copy_folder(&from, &to).unwrap();
        for (name, expected) in [("", 0o700), ("shared", 0o775), ("shared/closed", 0o500), ("shared/closed/a", 0o440)] {
            assert_eq!(mode(&to.join(name)).unwrap(), expected, "{name}");
        }
        for top in [from, to] {
            std::fs::set_permissions(top.join("shared/closed"), std::fs::Permissions::from_mode(0o700)).unwrap();
        }
    }

    #[test]
    fn links_and_permissions_are_copied() {
        let folder = tempfile::tempdir().unwrap();
        let (from, to) = (folder.path().join("from"), folder.path().join("to"));
        fs::create_folders(&from.join("inner")).unwrap();
        fs::write_as(&from.join("inner/run"), b"run", fs::Mode::Exact(0o755)).unwrap();
        create_link(Path::new("inner/run"), &from.join("link")).unwrap();
        create_link(Path::new("nowhere"), &from.join("dangling")).unwrap();
        copy_folder(&from, &to).unwrap();
        assert_eq!((fs::read(&to.join("link")).unwrap(), mode(&to.join("inner/run")).unwrap()), (b"run".to_vec(), 0o755));
        assert_eq!(fs::read_link(&to.join("dangling")).unwrap(), Path::new("nowhere"));
        assert!(copy_folder(&from, &to).unwrap_err().message().ends_with("file exists"));
        fs::create_folders(&from.join(vec!["d"; DEPTH_LIMIT + 2].join("/"))).unwrap();
        let fault = copy_folder(&from, &folder.path().join("other")).unwrap_err();
        assert!(fault.message().contains("is nested deeper than 100 levels"), "{fault}");
    }
}
