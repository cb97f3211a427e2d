//! The charts of a tenant as registry objects: manifest, config, archive and signature of each version.
//!
//! Goes in: a catalog, a chart's name, and a digest or an entry. Comes out: the bytes, generated from the archive's
//! entry each time and always the same, so that nothing is stored twice. The digests are cached in each entry until
//! its provenance file changes, so that a request for an unknown digest does not read thousands of files.

use super::digest::Digest;
use crate::error::{Error, Result};
use crate::package::digest::sha256;
use crate::repository::oci::chart::{CHART_TYPE, CONFIG_TYPE, MANIFEST_TYPE, PROVENANCE_TYPE};
use crate::repository::serve::catalog::{Beside, Catalog, Digests, StoredVersion};
use axum::body::Bytes;
use futures_util::{StreamExt as _, TryStreamExt as _};
use serde_json::json as object;
use std::sync::{Arc, PoisonError};

/// How many provenance files are read at once.
const PARALLEL: usize = 16;

/// The manifest of a version.
pub async fn manifest(catalog: &Catalog, entry: &StoredVersion) -> Result<Bytes> {
    Ok(manifest_with(entry, catalog.provenance(entry).await?.as_ref()))
}

/// The manifest of a version with the given provenance file.
fn manifest_with(entry: &StoredVersion, provenance: Option<&Bytes>) -> Bytes {
    let config = entry.config();
    let descriptor = |kind: &str, digest: &str, size: u64| object!({ "mediaType": kind, "digest": digest, "size": size });
    let mut layers = vec![descriptor(CHART_TYPE, &format!("sha256:{}", entry.digest), entry.size)];
    if let Some(provenance) = provenance {
        layers.push(descriptor(PROVENANCE_TYPE, Digest::of(provenance).as_str(), provenance.len() as u64));
    }
    let mut annotations = serde_json::Map::new();
    annotations.insert("org.opencontainers.image.title".into(), entry.name.as_str().into());
    annotations.insert("org.opencontainers.image.version".into(), entry.version.as_str().into());
    if !entry.description.is_empty() {
        annotations.insert("org.opencontainers.image.description".into(), entry.description.as_str().into());
    }
    let manifest = object!({
        "schemaVersion": 2,
        "mediaType": MANIFEST_TYPE,
        "config": descriptor(CONFIG_TYPE, Digest::of(config).as_str(), config.len() as u64),
        "layers": layers,
        "annotations": annotations,
    });
    Bytes::from(manifest.to_string())
}

/// The manifest with this digest, of one of the versions.
pub async fn manifest_of(catalog: &Catalog, chart: &str, digest: &Digest) -> Result<Option<Bytes>> {
    let Some(wanted) = digest.bytes() else { return Ok(None) };
    let Some((entry, _)) = having(catalog, chart, |digests| digests.manifest == wanted).await? else { return Ok(None) };
    // Its provenance file may have changed meanwhile.
    Ok(Some(manifest(catalog, &entry).await?).filter(|made| digest.fits(made)))
}

/// The blob with this digest, of one of the versions.
pub async fn blob(catalog: &Catalog, chart: &str, digest: &Digest) -> Result<Option<Bytes>> {
    let (Some(hex), Some(wanted)) = (digest.sha256(), digest.bytes()) else { return Ok(None) };
    let versions = catalog.versions(chart).await?;
    if let Some(entry) = versions.iter().find(|entry| entry.digest == hex) {
        return catalog.archive(entry).await;
    }
    let has = |digests: &Digests| digests.config == wanted || digests.provenance == Some(wanted);
    match having(catalog, chart, has).await? {
        Some((entry, digests)) if digests.config == wanted => Ok(Some(Bytes::copy_from_slice(entry.config()))),
        Some((entry, _)) => Ok(catalog.provenance(&entry).await?.filter(|provenance| digest.fits(provenance))),
        None => Ok(None),
    }
}

/// The first version whose digests `wanted` accepts, if there is one.
async fn having(catalog: &Catalog, chart: &str, wanted: impl Fn(&Digests) -> bool) -> Result<Option<(Arc<StoredVersion>, Digests)>> {
    let all = catalog.with_provenance(chart).await?;
    let known = futures_util::stream::iter(all).map(|(entry, beside)| async move {
        let digests = digests(catalog, &entry, beside).await?;
        Ok::<_, Error>((entry, digests))
    });
    let mut known = std::pin::pin!(known.buffered(PARALLEL));
    while let Some((entry, digests)) = known.try_next().await? {
        if wanted(&digests) {
            return Ok(Some((entry, digests)));
        }
    }
    Ok(None)
}

/// The digests of the parts of a version.
async fn digests(catalog: &Catalog, entry: &StoredVersion, beside: Beside) -> Result<Digests> {
    let listed = match &beside {
        Beside::Nothing => Some(None),
        Beside::Listed(seen) => Some(Some(seen.clone())),
        Beside::Changed => None,
    };
    if let (Some(listed), Some(known)) = (&listed, &*entry.digests.lock().unwrap_or_else(PoisonError::into_inner))
        && known.0 == *listed
    {
        return Ok(known.1);
    }
    let provenance = if beside == Beside::Nothing { None } else { catalog.provenance(entry).await? };
    let digests = Digests {
        manifest: sha256(&manifest_with(entry, provenance.as_ref())),
        config: sha256(entry.config()),
        provenance: provenance.map(|provenance| sha256(&provenance)),
    };
    if let Some(seen) = listed {
        *entry.digests.lock().unwrap_or_else(PoisonError::into_inner) = Some(Box::new((seen, digests)));
    }
    Ok(digests)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Data;
    use crate::repository::serve::catalog::tests::{archive, catalog, reads, wait};

    #[test]
    fn a_digest_costs_no_reading_of_all_versions() {
        const VERSIONS: usize = 40;
        const SIGNED: usize = 10;
        let top = tempfile::tempdir().expect("a folder");
        let write = |file: &str, bytes: &[u8]| std::fs::write(top.path().join(file), bytes).expect("a file");
        for number in 0..VERSIONS {
            let chart = format!("apiVersion: v2\nname: a\nversion: 1.{number}.0\ndescription: <b> ä\nannotations: {{n: '{number}'}}\n");
            write(&format!("a-1.{number}.0.tgz"), &archive(&chart));
            if number < SIGNED {
                write(&format!("a-1.{number}.0.tgz.prov"), format!("signed {number}").as_bytes());
            }
        }
        let catalog = catalog(top.path());
        wait(async {
            let versions = catalog.versions("a").await.expect("versions");
            assert_eq!(versions.len(), VERSIONS);
            let cost = async |digest: &Digest| {
                let before = reads(&catalog);
                let found = blob(&catalog, "a", digest).await.expect("looked");
                (found, reads(&catalog) - before)
            };
            let unknown = Digest::of(b"unknown");
            // Each signature is read once, then nothing.
            assert_eq!(cost(&unknown).await, (None, SIGNED));
            assert_eq!(cost(&unknown).await, (None, 0));
            let before = reads(&catalog);
            assert_eq!(manifest_of(&catalog, "a", &unknown).await.expect("looked"), None);
            assert_eq!(reads(&catalog), before);
            for entry in &versions {
                let config = crate::json::to_vec(&Data::Map(entry.fields())).expect("JSON");
                assert_eq!(cost(&Digest::of(&config)).await, (Some(Bytes::from(config)), 0), "what it was before it was kept");
                let stored = std::fs::read(top.path().join(&entry.file)).expect("the archive");
                assert_eq!(cost(&Digest::of(&stored)).await, (Some(Bytes::from(stored)), 1));
                let made = manifest(&catalog, entry).await.expect("a manifest");
                let before = reads(&catalog);
                assert_eq!(manifest_of(&catalog, "a", &Digest::of(&made)).await.expect("looked"), Some(made));
                assert_eq!(reads(&catalog), before + 1);
            }
            assert_eq!(cost(&Digest::of(b"signed 7")).await, (Some(Bytes::from_static(b"signed 7")), 1));
            // A write of another server shows in the listing, one of this server at once.
            write("a-1.7.0.tgz.prov", b"signed anew");
            assert_eq!(cost(&Digest::of(b"signed 7")).await, (None, 1));
            assert_eq!(cost(&Digest::of(b"signed anew")).await.0.as_deref(), Some(&b"signed anew"[..]));
            let changed = || catalog.beside(&versions).iter().filter(|(_, beside)| *beside == Beside::Changed).count();
            assert_eq!(changed(), 0);
            catalog.provenance_changed("a-1.20.0.tgz");
            assert_eq!(changed(), 1);
            std::fs::remove_file(top.path().join("a-1.7.0.tgz.prov")).expect("removed");
            assert_eq!(cost(&Digest::of(b"signed anew")).await, (None, 0));
        });
    }
}
