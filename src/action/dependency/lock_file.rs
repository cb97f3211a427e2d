//! Chart.lock on disk, with the archives' digests beside what Helm reads.
//!
//! Goes in: a chart's folder, a lock. Comes out: the file, written whole, or the digests in it. `archives` is this tool's own
//! key, which Helm passes over (helm/helm#9662). Matches `writeLock` of Helm's `pkg/downloader/manager.go`.

use crate::chart::Lock;
use crate::error::{Error, ErrorKind, Result};
use crate::fs;
use crate::quote::quote;
use std::collections::BTreeMap;
use std::path::Path;

fn lock_name(v1: bool) -> &'static str {
    if v1 { "requirements.lock" } else { "Chart.lock" }
}

/// The archives' digests that a lock holds beside what Helm reads, by file name.
pub(super) fn lock_digests(folder: &Path, v1: bool) -> BTreeMap<String, String> {
    let Ok(text) = fs::read_limited(&folder.join(lock_name(v1)), 16 << 20) else { return BTreeMap::new() };
    let Ok(data) = crate::yaml::parse(&text) else { return BTreeMap::new() };
    let archives = data.as_map().and_then(|map| map.get("archives")).and_then(crate::data::Data::as_map);
    archives
        .map(|map| map.iter().filter_map(|(name, digest)| Some((name.to_string(), digest.as_str()?.to_string()))).collect())
        .unwrap_or_default()
}

/// Writes the lock, whole or not at all; a link in its place is refused (CVE-2025-53547).
pub(super) fn write_lock(folder: &Path, lock: &Lock, v1: bool, digests: &BTreeMap<String, String>) -> Result<()> {
    let name = lock_name(v1);
    let path = folder.join(name);
    if fs::lstat(&path).is_ok_and(|about| about.kind == fs::Kind::Link) {
        let target = fs::read_link(&path)?;
        return Err(Error::new(ErrorKind::Io, format!("the {name} file is a symlink to {}", quote(target.to_string_lossy().as_bytes()))));
    }
    let mut text = lock.to_yaml()?;
    if !digests.is_empty() {
        let entries = digests.iter().map(|(name, digest)| (name.as_str().into(), crate::data::Data::str(digest.as_str())));
        let archives = crate::data::Data::map(entries.collect());
        let map = [("archives".into(), archives)].into_iter().collect();
        text.insert_str(0, &crate::yaml::to_string(&crate::data::Data::map(map))?);
    }
    fs::write_as(&path, text.as_bytes(), fs::Mode::New(0o644))
}
