//! Tags that name a version's archive in addition to the version's own tag, such as `latest`.
//!
//! Goes in: a version that is about to be deleted, or to get another archive. Comes out: its other tags become
//! independent of it, or are deleted with it. The archive of a version is stored once, among the tenant's
//! charts; without this module a tag could be left whose archive cannot be pulled.

use super::{blob, digest_of_tag, kept, manifest, published, tag_of};
use crate::error::Result;
use crate::repository::serve::Server;
use crate::repository::serve::catalog::StoredVersion;
use axum::body::Bytes;

/// Copies everything that the other tags of a version name to the blobs, unless it is there.
pub async fn keep(server: &Server, name: &str, entry: &StoredVersion) -> Result<()> {
    for (_, bytes) in others(server, name, entry).await? {
        let parts = manifest::read(&bytes, None).map(|manifest| manifest.parts).unwrap_or_default();
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

/// Takes the tags of a version away, its own and all others, and the manifests that they name.
pub async fn remove(server: &Server, name: &str, entry: &StoredVersion) -> Result<()> {
    let tags = others(server, name, entry).await?.into_iter().map(|(tag, _)| tag).chain([tag_of(&entry.version)]);
    for tag in tags {
        let named = digest_of_tag(server, name, &tag).await?;
        server.storage.delete(&kept(name, "_tags", &tag)).await?;
        if let Some(digest) = named {
            server.storage.delete(&kept(name, "_manifests", &digest.key())).await?;
        }
    }
    Ok(())
}

/// The other tags whose manifests include the archive of a version, with these manifests.
async fn others(server: &Server, name: &str, entry: &StoredVersion) -> Result<Vec<(String, Bytes)>> {
    let own = tag_of(&entry.version);
    let mut found = Vec::new();
    for tag in server.storage.list(&format!(".oci/{name}/_tags")).await?.into_iter().map(|object| object.name) {
        if tag != own
            && let Some((_, bytes)) = manifest(server, name, &tag).await?
            && published::holds(&serde_json::from_slice(&bytes).unwrap_or_default(), entry)
        {
            found.push((tag, bytes));
        }
    }
    Ok(found)
}
