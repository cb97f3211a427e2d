//! Helm's cache of archives and provenance files by their digest.
//!
//! Goes in: bytes with their SHA-256. Comes out: paths `CACHE/ab/abcdef….chart` and `.prov`, the places of
//! Helm's `pkg/downloader/cache.go`, so that both tools find each other's archives. Unlike Helm, reading checks
//! the content against the file's name: a cache file that was changed, or is a link, is fetched again.

use crate::error::{Cause, Error, ErrorKind, Result};
use crate::fs;
use crate::package::digest::{Digest, hex, sha256};
use crate::quote;
use std::path::{Path, PathBuf};

/// The kinds of files kept under a digest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The archive itself.
    Chart,
    /// The provenance file of the archive with that digest.
    Provenance,
    /// What a registry answered to the question with that digest; not Helm's.
    Answer,
}

/// Parses a digest as indexes and manifests write it, with or without the prefix `sha256:`. Errors are in Helm's words.
pub fn parse_digest(text: &str) -> Result<Digest> {
    let digits = text.split_once(':').map_or(text, |(_, digits)| digits);
    let bytes = data_encoding::HEXLOWER_PERMISSIVE.decode(digits.as_bytes()).map_err(|_| {
        let fault = match digits.bytes().find(|byte| !byte.is_ascii_hexdigit()).map(char::from) {
            Some(wrong) if quote::is_printable(wrong) => format!("invalid byte: U+{:04X} '{wrong}'", u32::from(wrong)),
            Some(wrong) => format!("invalid byte: U+{:04X}", u32::from(wrong)),
            None => "odd length hex string".to_string(),
        };
        Error::new(ErrorKind::Repository, format!("encoding/hex: {fault}")).with_cause(Cause::NotHexadecimal)
    })?;
    let length = bytes.len();
    bytes.try_into().map_err(|_| Error::new(ErrorKind::Repository, format!("invalid digest length: {length}")))
}

/// The path for the content of `digest` below `root`.
pub fn path(root: &Path, digest: &Digest, kind: Kind) -> PathBuf {
    let name = hex(digest);
    let suffix = match kind {
        Kind::Chart => ".chart",
        Kind::Provenance => ".prov",
        Kind::Answer => ".answer",
    };
    root.join(&name[..2]).join(format!("{name}{suffix}"))
}

/// The cached content of `digest`: only from a non-empty regular file, and an archive only if it has exactly that digest.
pub fn get(root: &Path, digest: &Digest, kind: Kind) -> Option<(PathBuf, Vec<u8>)> {
    let path = path(root, digest, kind);
    let about = fs::lstat(&path).ok()?;
    if about.kind != fs::Kind::File || about.size == 0 {
        return None;
    }
    let bytes = fs::read(&path).ok()?;
    (kind != Kind::Chart || sha256(&bytes) == *digest).then_some((path, bytes))
}

/// Stores `bytes` under `digest` and returns the path.
pub fn put(root: &Path, digest: &Digest, kind: Kind, bytes: &[u8]) -> Result<PathBuf> {
    let path = path(root, digest, kind);
    fs::write_with_folders(&path, bytes, fs::Mode::Exact(0o644))?;
    Ok(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digests_are_read_with_and_without_prefix() {
        let digest = sha256(b"x");
        assert_eq!(parse_digest(&hex(&digest)).ok(), Some(digest));
        assert_eq!(parse_digest(&format!("sha256:{}", hex(&digest))).ok(), Some(digest));
        assert_eq!(parse_digest("0000").map_err(|error| error.to_string()), Err("invalid digest length: 2".to_string()));
        let fault = |text: &str| parse_digest(text).map_err(|error| error.to_string());
        assert_eq!(fault("zz"), Err("encoding/hex: invalid byte: U+007A 'z'".to_string()));
        assert_eq!(fault("abc"), Err("encoding/hex: odd length hex string".to_string()));
    }

    #[test]
    fn a_changed_or_linked_cache_file_is_not_used() {
        let folder = tempfile::tempdir().expect("folder");
        let digest = sha256(b"chart");
        let path = put(folder.path(), &digest, Kind::Chart, b"chart").expect("put");
        assert_eq!(get(folder.path(), &digest, Kind::Chart).map(|found| found.1), Some(b"chart".to_vec()));
        std::fs::write(&path, b"other").expect("write");
        assert_eq!(get(folder.path(), &digest, Kind::Chart), None);
        #[cfg(unix)]
        {
            let elsewhere = folder.path().join("elsewhere");
            std::fs::write(&elsewhere, b"chart").expect("write");
            std::fs::remove_file(&path).expect("remove");
            std::os::unix::fs::symlink(&elsewhere, &path).expect("link");
            assert_eq!(get(folder.path(), &digest, Kind::Chart), None);
            put(folder.path(), &digest, Kind::Chart, b"chart").expect("put");
            assert!(elsewhere.exists() && !path.is_symlink(), "the link is replaced, not written through");
        }
    }
}
