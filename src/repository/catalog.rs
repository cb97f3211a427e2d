//! The index of a folder of archives.
//!
//! Goes in: a folder, and what an earlier run found out about its archives. Comes out: the [`Index`] that `repo index`
//! writes. Archives are read by all processors at once; one whose size, times and inode are those of the earlier run is not
//! read again. Follows Helm's `IndexDirectory`: `*.tgz` in the folder and one level below, what is no chart is passed over.

use super::index::{ChartVersion, Index};
use super::url;
use crate::chart::{Metadata, loader};
use crate::diagnostic::Notices;
use crate::error::{Error, ErrorKind, Result};
use crate::fs::Kind;
use crate::json;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

/// The first line of the file that keeps what was found out; another one makes it worthless.
const HEADER: &str = "rutter catalog 1";

/// What tells that a file is still the same: size, modification and change time in nanoseconds, inode.
type Stamp = (u64, i128, i128, u64);

/// What is known of one archive.
#[derive(Debug, Clone)]
struct Known {
    stamp: Stamp,
    /// SHA-256 and metadata as JSON; `None` for files that are no charts.
    chart: Option<(String, Vec<u8>)>,
}

/// Indexes the archives of `folder`; `base` is what `--url` gives, `now` the time that entries are stamped with. `memory` is
/// the file that carries over what was found out, if any.
pub fn index_folder(folder: &Path, base: &str, now: &str, memory: Option<&Path>) -> Result<Index> {
    let archives = archives(folder)?;
    let known = memory.map(recall).unwrap_or_default();
    let facts = look(folder, &archives, &known);
    let mut index = Index { api_version: "v1".to_string(), generated: now.to_string(), ..Index::default() };
    let mut changed = known.len() != archives.len();
    for (name, fact) in archives.iter().zip(&facts) {
        let Some(fact) = fact else { continue };
        changed |= known.get(name).is_none_or(|known| known.stamp != fact.stamp);
        let Some((digest, metadata)) = &fact.chart else { continue };
        let metadata = Metadata::from_data(&json::parse(metadata)?);
        let (parent, file) = name.rsplit_once('/').unwrap_or(("", name));
        let parent = url::join_path(base, parent).unwrap_or_else(|| url::join_plain(base, parent));
        let address = match parent.is_empty() {
            true => file.to_string(),
            false => url::join_path(&parent, &url::escape_path(file)).unwrap_or_else(|| url::join_plain(&parent, file)),
        };
        let version = ChartVersion { urls: vec![address], created: now.to_string(), removed: false, digest: digest.clone(), metadata };
        index.entries.entry(version.metadata.name.clone()).or_default().push(version);
    }
    if let Some(memory) = memory.filter(|_| changed) {
        // A memory that cannot be written costs time, nothing else.
        let _ = remember(memory, &archives, &facts);
    }
    Ok(index)
}

/// `*.tgz` of the folder, then of the folders in it, names sorted, relative to it.
fn archives(folder: &Path) -> Result<Vec<String>> {
    let mut found = Vec::new();
    let mut below = Vec::new();
    if !crate::fs::is_folder(folder) {
        return Ok(found);
    }
    for (name, kind) in crate::fs::entries(folder)? {
        let name = name.to_string_lossy().into_owned();
        if name.ends_with(".tgz") {
            found.push(name.clone());
        }
        if kind == Kind::Folder || (kind == Kind::Link && crate::fs::is_folder(&folder.join(&name))) {
            for inner in crate::fs::names(&folder.join(&name))? {
                let inner = inner.to_string_lossy();
                if inner.ends_with(".tgz") {
                    below.push(format!("{name}/{inner}"));
                }
            }
        }
    }
    found.append(&mut below);
    Ok(found)
}

/// What is known of each archive, read anew where needed; `None` for what is gone or no file.
fn look(folder: &Path, archives: &[String], known: &HashMap<String, Known>) -> Vec<Option<Known>> {
    let facts: Vec<Mutex<Option<Known>>> = archives.iter().map(|_| Mutex::new(None)).collect();
    let next = AtomicUsize::new(0);
    let work = || {
        while let Some((name, slot)) = {
            let at = next.fetch_add(1, Ordering::Relaxed);
            archives.get(at).zip(facts.get(at))
        } {
            let path = folder.join(name);
            let Some(stamp) = crate::fs::stamp(&path) else { continue };
            let fact = match known.get(name) {
                Some(known) if known.stamp == stamp => Some(known.clone()),
                _ => Some(Known { stamp, chart: read(&path) }),
            };
            if let Ok(mut slot) = slot.lock() {
                *slot = fact;
            }
        }
    };
    let threads = if archives.len() < 8 { 1 } else { std::thread::available_parallelism().map_or(1, usize::from).min(16) };
    std::thread::scope(|scope| {
        for _ in 1..threads {
            scope.spawn(work);
        }
        work();
    });
    facts.into_iter().map(|slot| slot.into_inner().unwrap_or_default()).collect()
}

/// Digest and metadata of an archive; `None` when it is no valid chart.
fn read(path: &Path) -> Option<(String, Vec<u8>)> {
    let bytes = crate::fs::read(path).ok()?;
    let chart = loader::load_archive(&bytes, &mut Notices::new()).ok()?;
    let mut metadata = (*chart.metadata).clone();
    if metadata.api_version.is_empty() {
        metadata.api_version = "v1".to_string();
    }
    metadata.validate().ok()?;
    let text = super::record::metadata_fields(&metadata).finish().to_json().ok()?;
    Some((crate::package::digest::sha256(&bytes), text))
}

/// One line per archive: stamp, digest, name and metadata, joined by tabs, which JSON escapes.
fn remember(memory: &Path, archives: &[String], facts: &[Option<Known>]) -> Result<()> {
    let mut text = format!("{HEADER}\n").into_bytes();
    for (name, fact) in archives.iter().zip(facts) {
        let Some(fact) = fact else { continue };
        if name.contains(['\t', '\n']) {
            continue;
        }
        let (size, modified, changed, inode) = fact.stamp;
        let (digest, metadata) = fact.chart.as_ref().map_or(("-", &b"-"[..]), |(digest, metadata)| (digest, metadata));
        text.extend_from_slice(format!("{size}\t{modified}\t{changed}\t{inode}\t{digest}\t{name}\t").as_bytes());
        text.extend_from_slice(metadata);
        text.push(b'\n');
    }
    super::cache::write_whole(memory, &text, 0o600)
}

fn recall(memory: &Path) -> HashMap<String, Known> {
    let Ok(text) = crate::fs::read_limited(memory, 512 << 20) else { return HashMap::new() };
    let Some(rest) = text.strip_prefix(HEADER.as_bytes()) else { return HashMap::new() };
    String::from_utf8_lossy(rest).lines().filter_map(recall_line).collect()
}

fn recall_line(line: &str) -> Option<(String, Known)> {
    let mut parts = line.splitn(7, '\t');
    let stamp = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?, parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
    let (digest, name, metadata) = (parts.next()?, parts.next()?, parts.next()?);
    let chart = (digest != "-").then(|| (digest.to_string(), metadata.as_bytes().to_vec()));
    Some((name.to_string(), Known { stamp, chart }))
}

/// The file below the cache that carries over what was found out about `folder`.
pub fn memory_file(cache_home: &Path, folder: &Path) -> Result<PathBuf> {
    let folder = crate::fs::absolute(folder)?;
    let name = super::cache::hex(&super::cache::sha256(folder.as_os_str().as_encoded_bytes()));
    let name = name.get(..32).ok_or_else(|| Error::new(ErrorKind::Io, "no name for the catalog"))?;
    Ok(cache_home.join("rutter").join("catalog").join(name))
}
