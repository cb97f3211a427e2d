//! What the tag of a published version may name if versions may not be overwritten.
//!
//! Goes in: a manifest pushed under a tag. Comes out: whether the version of that tag has other content for clients that
//! pull it. The same chart may be pushed again: annotations include the time of writing, and another client encodes the
//! same config differently. A signature may be added later to a version that has none, but is never removed.

use super::digest::Digest;
use super::{blob, chart_of, charts, manifest, tag_of};
use crate::error::{Error, Result};
use crate::repository::oci::chart::PROVENANCE_TYPE;
use crate::repository::serve::Server;
use crate::repository::serve::catalog::StoredVersion;
use serde_json::Value;
use std::time::Instant;

/// The content that a client gets from a manifest when it pulls a chart; media types and digests as written.
#[derive(Debug, PartialEq, Eq)]
struct Parts {
    config: (String, String),
    /// All layers but signatures, in order: clients use the first of a type.
    layers: Vec<(String, String)>,
    signatures: Vec<String>,
}

impl Parts {
    fn of(manifest: &Value) -> Parts {
        let descriptor = |value: &Value| {
            let text = |key: &str| value.get(key).and_then(Value::as_str).unwrap_or_default().to_string();
            (text("mediaType"), text("digest"))
        };
        let layers = manifest.get("layers").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        let (signatures, layers): (Vec<_>, Vec<_>) = layers.iter().map(descriptor).partition(|(kind, _)| kind == PROVENANCE_TYPE);
        let signatures = signatures.into_iter().map(|(_, digest)| digest).collect();
        Parts { config: manifest.get("config").map(descriptor).unwrap_or_default(), layers, signatures }
    }
}

/// Whether the archive of a version is a layer of this manifest.
pub fn holds(manifest: &Value, entry: &StoredVersion) -> bool {
    holds_archive(manifest, &entry.digest)
}

/// Whether an archive is a layer of this manifest; `archive` is its SHA-256 digest in hexadecimal digits.
pub fn holds_archive(manifest: &Value, archive: &str) -> bool {
    Parts::of(manifest).layers.iter().any(|(_, digest)| digest.strip_prefix("sha256:") == Some(archive))
}

/// Whether `tag` belongs to a version with other content than `pushed`, whose digest is `digest`; `since` as for `manifest`.
pub async fn conflicts(server: &Server, name: &str, tag: &str, pushed: &Value, digest: &Digest, since: Instant) -> Result<bool> {
    let Some((catalog, chart)) = chart_of(server, name) else { return Ok(false) };
    let versions = catalog.versions(chart).await?;
    let Some(entry) = versions.iter().find(|entry| tag_of(&entry.version) == tag) else { return Ok(false) };
    let read = |bytes: &[u8]| serde_json::from_slice::<Value>(bytes).unwrap_or_default();
    let current = match manifest(server, name, tag, since).await? {
        Some((_, bytes)) if holds(&read(&bytes), entry) => bytes,
        // A manifest that the tag named before the version existed does not count.
        _ => charts::manifest(&catalog, entry).await?,
    };
    if digest.fits(&current) {
        return Ok(false);
    }
    let (old, new) = (Parts::of(&read(&current)), Parts::of(pushed));
    if old.layers != new.layers || !is_same_config(server, name, &old, &new).await? {
        return Ok(true);
    }
    if old.signatures == new.signatures {
        return Ok(false);
    }
    // The version may have been signed over HTTP since it was pushed.
    let signature = catalog.provenance(entry).await?.map(|bytes| Digest::of(&bytes));
    Ok(!old.signatures.is_empty() || signature.is_some_and(|signature| new.signatures != [signature.as_str()]))
}

async fn is_same_config(server: &Server, name: &str, old: &Parts, new: &Parts) -> Result<bool> {
    let ((old_kind, old_digest), (new_kind, new_digest)) = (&old.config, &new.config);
    if old_kind != new_kind || old_digest == new_digest {
        return Ok(old_kind == new_kind);
    }
    let content = async |digest: &str| {
        let Some(digest) = Digest::parse(digest) else { return Ok::<_, Error>(None) };
        let bytes = blob(server, name, &digest).await?;
        Ok(bytes.and_then(|bytes| serde_json::from_slice::<Value>(&bytes).ok()))
    };
    let old = content(old_digest).await?;
    Ok(old.is_some() && old == content(new_digest).await?)
}
