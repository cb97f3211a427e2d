//! Chart.lock on disk, with the archives' digests in addition to what Helm reads.
//!
//! Goes in: a chart's folder, a lock. Comes out: the file, written whole, or the digests in it. The key `archives`
//! is this tool's own; Helm ignores it (helm/helm#9662). Matches `writeLock` of Helm's `pkg/downloader/manager.go`.

use crate::chart::Lock;
use crate::data::Data;
use crate::error::{Error, ErrorKind, Result};
use crate::fs;
use crate::quote::quote;
use crate::repository::oci::valid_digest;
use std::collections::BTreeMap;
use std::path::Path;

/// The largest lock that is read, in bytes.
const LOCK_LIMIT: u64 = 16 << 20;

fn lock_name(v1: bool) -> &'static str {
    if v1 { "requirements.lock" } else { "Chart.lock" }
}

/// The archives' digests in a lock, by file name; empty if there is no lock.
///
/// # Errors
/// The lock cannot be read, or its `archives` is not a table of strings: such a lock must not pass as one without digests.
pub(super) fn lock_digests(folder: &Path, v1: bool) -> Result<BTreeMap<String, String>> {
    let name = lock_name(v1);
    let Some(text) = fs::read_if_there(&folder.join(name), LOCK_LIMIT)? else { return Ok(BTreeMap::new()) };
    let data = crate::yaml::parse(&text).map_err(|error| error.context(name))?;
    let archives = match data.as_map().and_then(|map| map.get("archives")) {
        None | Some(Data::Null) => return Ok(BTreeMap::new()),
        Some(archives) => archives,
    };
    // In the one form that is written, so that comparing the texts compares the digests.
    let is_written = |text: &&str| text.starts_with("sha256:") && valid_digest(text);
    let digest = |(name, digest): (&std::sync::Arc<str>, &Data)| Some((name.to_string(), digest.as_str().filter(is_written)?.to_string()));
    let digests = archives.as_map().and_then(|map| map.iter().map(digest).collect::<Option<_>>());
    digests.ok_or_else(|| Error::new(ErrorKind::Verification, format!("{name}: archives is no table of digests")))
}

/// Checks the digest of the archive fetched as `name` against the lock's digests. Fails if the digest differs
/// or if the lock has none for this name, as when the repository now gives the archive another name.
pub(super) fn check_digest(digests: &BTreeMap<String, String>, name: &str, digest: &str, from: &str) -> Result<()> {
    let fault = |text: String| Err(Error::new(ErrorKind::Verification, text));
    match digests.get(name) {
        Some(wanted) if wanted == digest => Ok(()),
        Some(wanted) => fault(format!("digest of {from} does not fit: the lock says {wanted}, the archive has {digest}")),
        None if digests.is_empty() => Ok(()),
        None => fault(format!("digest of {from} is not known: the lock has digests, but none of {}", quote(name))),
    }
}

/// Writes the lock, whole or not at all; refuses to replace a symbolic link (CVE-2025-53547).
pub(super) fn write_lock(folder: &Path, lock: &Lock, v1: bool, digests: &BTreeMap<String, String>) -> Result<()> {
    let name = lock_name(v1);
    let path = folder.join(name);
    if fs::lstat(&path).is_ok_and(|about| about.kind == fs::Kind::Link) {
        let target = fs::read_link(&path)?;
        return Err(Error::new(ErrorKind::Io, format!("the {name} file is a symlink to {}", quote(target.to_string_lossy().as_bytes()))));
    }
    let mut text = lock.to_yaml()?;
    if !digests.is_empty() {
        let entries = digests.iter().map(|(name, digest)| (name.as_str().into(), Data::str(digest.as_str())));
        let archives = Data::map(entries.collect());
        let map = [("archives".into(), archives)].into_iter().collect();
        text.insert_str(0, &crate::yaml::to_string(&Data::map(map))?);
    }
    fs::write_as(&path, text.as_bytes(), fs::Mode::New(0o644))
}
