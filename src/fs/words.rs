//! Go's words for system errors, since Helm prints Go's `PathError`s as they are.
//!
//! Goes in: the operation, its path, and the system's error. Comes out: `open X: no such file or directory`; on Windows in the
//! system's own words, `open X: The system cannot find the file specified.` It is separate from the calls themselves because Go
//! has other words and other operations on Windows (`os/stat_windows.go`, `syscall.Errno`).

use crate::error::{Error, ErrorKind};
use std::io;
use std::path::Path;

/// Go's text of a system error: what `syscall.Errno` prints.
pub fn reason(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => return "unexpected EOF".to_string(),
        #[cfg(windows)]
        kind if error.raw_os_error().is_none() => {
            if let Some(code) = windows_code(kind) {
                return reason(&io::Error::from_raw_os_error(code));
            }
        }
        #[cfg(not(windows))]
        io::ErrorKind::NotFound => return "no such file or directory".to_string(),
        #[cfg(not(windows))]
        io::ErrorKind::AlreadyExists => return "file exists".to_string(),
        _ => {}
    }
    let text = error.to_string();
    let text = text.split(" (os error ").next().unwrap_or(&text);
    // The messages of Windows are sentences, which Go leaves unchanged.
    if cfg!(windows) && error.raw_os_error().is_some() {
        return text.to_string();
    }
    let mut characters = text.chars();
    match characters.next() {
        Some(first) => first.to_lowercase().chain(characters).collect(),
        None => String::new(),
    }
}

/// The error number on Windows for a fault of which only the kind is known.
#[cfg(windows)]
fn windows_code(kind: io::ErrorKind) -> Option<i32> {
    match kind {
        io::ErrorKind::NotFound => Some(2),
        // A path through a file is reported like a path that does not exist.
        io::ErrorKind::NotADirectory => Some(3),
        io::ErrorKind::PermissionDenied => Some(5),
        io::ErrorKind::AlreadyExists => Some(80),
        io::ErrorKind::StorageFull => Some(112),
        io::ErrorKind::DirectoryNotEmpty => Some(145),
        _ => None,
    }
}

/// A fault of `operation` on `path` in Go's form: `open X: permission denied`.
pub fn fault(operation: &str, path: &Path, error: &io::Error) -> Error {
    let operation = match operation {
        // Go names the system call.
        "stat" | "lstat" if cfg!(windows) && error.kind() == io::ErrorKind::NotFound => "GetFileAttributesEx",
        "stat" | "lstat" if cfg!(windows) => "CreateFile",
        operation => operation,
    };
    Error::new(ErrorKind::Io, format!("{operation} {}: {}", path.display(), reason(error)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_of_a_kind_have_the_words_of_the_system() {
        let missing = fault("stat", Path::new("x"), &io::ErrorKind::NotFound.into()).to_string();
        let by_number = fault("stat", Path::new("x"), &io::Error::from_raw_os_error(2)).to_string();
        assert_eq!(missing, by_number);
        assert_eq!(missing.starts_with("GetFileAttributesEx x: "), cfg!(windows), "{missing}");
        let denied = fault("stat", Path::new("x"), &io::ErrorKind::PermissionDenied.into()).to_string();
        assert_eq!(denied.starts_with("CreateFile x: "), cfg!(windows), "{denied}");
        assert_eq!(reason(&io::ErrorKind::NotADirectory.into()) == "not a directory", !cfg!(windows));
        assert_eq!(reason(&io::ErrorKind::IsADirectory.into()), "is a directory");
    }
}
