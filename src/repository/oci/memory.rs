//! What registries said before, so that nothing is downloaded twice and `--offline` finds it (helm/helm#13241).
//!
//! Goes in: a reference, and what a registry answered for it. Comes out: the same, as long as the archive is in the content cache. It
//! is kept beside the archives there, in files of its own that Helm passes over: which archive and manifest a tag named, and which
//! versions a repository had. Only `--offline` and `dependency build`, which takes exact versions from a lock, rely on it; everything
//! else asks the registry, and saves the download alone.

use super::Reference;
use crate::error::Result;
use crate::package::digest::{Digest, hex, sha256};
use crate::repository::Settings;
use crate::repository::cache::{self, Kind};

/// What a reference named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    /// SHA-256 of the archive.
    pub archive: Digest,
    /// The digest of the manifest, as it is told.
    pub manifest: String,
}

/// The registry's answers are kept under the digests of these texts.
fn key(kind: &str, reference: &Reference) -> Digest {
    sha256(format!("{kind} oci://{reference}").as_bytes())
}

/// Keeps what `reference` names. A cache that cannot be written to is none.
pub fn keep(settings: &Settings, reference: &Reference, named: &Named) -> Result<()> {
    let text = format!("{} {}\n", hex(&named.archive), named.manifest);
    write(settings, &key("tag", reference), &text)
}

/// What `reference` named when it was last asked for.
pub fn named(settings: &Settings, reference: &Reference) -> Option<Named> {
    let text = read(settings, &key("tag", reference))?;
    let (archive, manifest) = text.trim_end().split_once(' ')?;
    Some(Named { archive: cache::parse_digest(archive).ok()?, manifest: manifest.to_string() })
}

/// Keeps the versions of a chart.
pub fn keep_versions(settings: &Settings, repository: &Reference, versions: &[String]) -> Result<()> {
    write(settings, &key("versions", repository), &versions.join("\n"))
}

/// The versions of a chart when they were last asked for, in the same order.
pub fn versions(settings: &Settings, repository: &Reference) -> Option<Vec<String>> {
    Some(read(settings, &key("versions", repository))?.lines().map(str::to_string).collect())
}

/// The archive of this digest, if it is in the content cache.
pub fn archive(settings: &Settings, digest: &Digest) -> Option<Vec<u8>> {
    is_kept(settings).then(|| cache::get(&settings.content_cache, digest, Kind::Chart)).flatten().map(|(_, bytes)| bytes)
}

/// The provenance file of the archive of this digest, if it is in the content cache.
pub fn provenance(settings: &Settings, digest: &Digest) -> Option<Vec<u8>> {
    is_kept(settings).then(|| cache::get(&settings.content_cache, digest, Kind::Provenance)).flatten().map(|(_, bytes)| bytes)
}

/// Keeps an archive.
pub fn keep_archive(settings: &Settings, digest: &Digest, archive: &[u8]) -> Result<()> {
    match is_kept(settings) {
        true => cache::put(&settings.content_cache, digest, Kind::Chart, archive).map(drop),
        false => Ok(()),
    }
}

fn is_kept(settings: &Settings) -> bool {
    !settings.content_cache.as_os_str().is_empty()
}

fn read(settings: &Settings, key: &Digest) -> Option<String> {
    let found = is_kept(settings).then(|| cache::get(&settings.content_cache, key, Kind::Answer)).flatten();
    found.and_then(|(_, bytes)| String::from_utf8(bytes).ok())
}

fn write(settings: &Settings, key: &Digest, text: &str) -> Result<()> {
    if !is_kept(settings) || read(settings, key).is_some_and(|known| known == text) {
        return Ok(());
    }
    cache::put(&settings.content_cache, key, Kind::Answer, text.as_bytes()).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_kept_by_reference() {
        let home = tempfile::tempdir().expect("a folder");
        let settings = Settings { content_cache: home.path().join("content"), ..Settings::default() };
        let reference = |text: &str| Reference::parse(text).expect("a reference");
        let (one, other) = (reference("oci://h/a:1.0.0"), reference("oci://h/a:1.0.1"));
        let what = Named { archive: sha256(b"archive"), manifest: "sha256:ab".to_string() };
        assert_eq!((named(&settings, &one), versions(&settings, &one)), (None, None));
        keep(&settings, &one, &what).expect("kept");
        keep_versions(&settings, &one, &["2.0.0".to_string(), "1.0.0+b".to_string()]).expect("kept");
        assert_eq!((named(&settings, &one), named(&settings, &other)), (Some(what.clone()), None));
        assert_eq!(versions(&settings, &one), Some(vec!["2.0.0".to_string(), "1.0.0+b".to_string()]));
        keep(&settings, &one, &Named { manifest: "sha256:cd".to_string(), ..what.clone() }).expect("kept");
        assert_eq!(named(&settings, &one).map(|named| named.manifest), Some("sha256:cd".to_string()));
        // What somebody else wrote there is nothing.
        std::fs::write(cache::path(&settings.content_cache, &key("tag", &one), Kind::Answer), "x").expect("a file");
        assert_eq!(named(&settings, &one), None);
        // Without a cache there is no memory.
        let none = Settings::default();
        keep(&none, &one, &what).expect("nothing to do");
        keep_archive(&none, &what.archive, b"archive").expect("nothing to do");
        assert_eq!((named(&none, &one), archive(&none, &what.archive)), (None, None));
    }
}
