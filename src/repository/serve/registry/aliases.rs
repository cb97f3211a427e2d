//! Tags that name a version's archive in addition to the version's own tag, such as `latest`.
//!
//! Goes in: a version that is about to be deleted, or to get another archive. Comes out: its other tags become
//! independent of it, or are deleted with it. The archive of a version is stored once, among the tenant's
//! charts; without this module a tag could be left whose archive cannot be pulled.

use super::digest::Digest;
use super::{blob, digest_of_tag, kept, manifest, published, pushed_manifest, tag_of, versions};
use crate::error::Result;
use crate::repository::serve::Server;
use axum::body::Bytes;
use std::collections::HashSet;

/// A tag and the manifest that it names.
pub struct Alias {
    pub tag: String,
    pub manifest: Bytes,
}

/// The tags other than that of `version` whose manifests include `archive` (a SHA-256 digest in hexadecimal digits).
/// Tags of other versions are not read: each of them names an archive of its own.
pub async fn of(server: &Server, name: &str, version: &str, archive: &str) -> Result<Vec<Alias>> {
    let own = tag_of(version);
    let tags = server.storage.list(&format!(".oci/{name}/_tags")).await?;
    let of_versions: HashSet<String> = versions(server, name).await?.iter().map(|entry| tag_of(&entry.version)).collect();
    let mut found = Vec::new();
    for tag in tags.into_iter().map(|object| object.name).filter(|tag| *tag != own && !of_versions.contains(tag)) {
        if let Some((_, manifest)) = pushed_manifest(server, name, &tag).await?
            && published::holds_archive(&serde_json::from_slice(&manifest).unwrap_or_default(), archive)
        {
            found.push(Alias { tag, manifest });
        }
    }
    Ok(found)
}

/// Copies everything that these tags name to the blobs, unless it is there.
pub async fn keep(server: &Server, name: &str, aliases: &[Alias]) -> Result<()> {
    for alias in aliases {
        let parts = manifest::read(&alias.manifest, None).map(|manifest| manifest.parts).unwrap_or_default();
        for part in parts {
            let place = kept(name, "_blobs", &part.digest.key());
            if server.storage.look(&place).await?.is_none()
                && let Some(bytes) = blob(server, name, &part.digest).await?
            {
                server.storage.replace(&place, bytes).await?;
            }
        }
    }
    Ok(())
}

/// Deletes these tags and that of `version`, whose archive is gone, with the manifests that include it.
pub async fn remove(server: &Server, name: &str, version: &str, archive: &str, aliases: Vec<Alias>) -> Result<()> {
    let own = tag_of(version);
    if let Some(digest) = digest_of_tag(server, name, &own).await? {
        let place = kept(name, "_manifests", &digest.key());
        let manifest = server.storage.get(&place).await?.unwrap_or_default();
        if published::holds_archive(&serde_json::from_slice(&manifest).unwrap_or_default(), archive) {
            server.storage.delete(&place).await?;
        }
    }
    server.storage.delete(&kept(name, "_tags", &own)).await?;
    for alias in aliases {
        server.storage.delete(&kept(name, "_tags", &alias.tag)).await?;
        server.storage.delete(&kept(name, "_manifests", &Digest::of(&alias.manifest).key())).await?;
    }
    Ok(())
}
