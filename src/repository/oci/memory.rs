//! What registries said before, so that nothing is downloaded twice and `--offline` finds it (helm/helm#13241).
//!
//! Goes in: a reference, and what a registry answered for it. Comes out: the same, as long as the archive is in the content cache. It
//! is kept beside the archives there, in files of its own that Helm passes over: which archive and manifest a tag named, and which
//! versions a repository had. Only `--offline` relies on it: everything else asks the registry what a tag names now, and saves no more
//! than the download of an archive that is cached.

use super::{Reference, valid_digest};
use crate::error::Result;
use crate::package::digest::{Digest, hex, sha256};
use crate::repository::Settings;
use crate::repository::cache::{self, Kind};
use crate::version::Version;

/// What a reference named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    /// SHA-256 of the archive.
    pub archive: Digest,
    /// The digest of the manifest, as it is told.
    pub manifest: String,
}

/// The text whose digest an answer is kept under. A reference with a digest is another question than its tag.
fn question(kind: &str, reference: &Reference) -> String {
    format!("{kind} oci://{}/{}:{}", reference.registry, reference.repository, reference.manifest_name())
}

/// Keeps what `reference` names. A cache that cannot be written to is none.
pub fn keep(settings: &Settings, reference: &Reference, named: &Named) -> Result<()> {
    let text = format!("{} {}\n", hex(&named.archive), named.manifest);
    write(settings, &question("tag", reference), &text)
}

/// What `reference` named when it was last asked for.
pub fn named(settings: &Settings, reference: &Reference) -> Option<Named> {
    let text = read(settings, &question("tag", reference))?;
    let (archive, manifest) = text.trim_end().split_once(' ')?;
    let is_pinned = reference.digest.is_empty() || reference.digest == manifest;
    let named = Named { archive: cache::parse_digest(archive).ok()?, manifest: manifest.to_string() };
    (is_pinned && valid_digest(manifest)).then_some(named)
}

/// Keeps the versions of a chart.
pub fn keep_versions(settings: &Settings, repository: &Reference, versions: &[String]) -> Result<()> {
    write(settings, &question("versions", repository), &versions.join("\n"))
}

/// The versions of a chart when they were last asked for, in the same order.
pub fn versions(settings: &Settings, repository: &Reference) -> Option<Vec<String>> {
    let text = read(settings, &question("versions", repository))?;
    text.lines().map(|version| Version::parse_strict(version).ok().map(|_| version.to_string())).collect()
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
    match is_kept(settings) && self::archive(settings, digest).is_none() {
        true => cache::put(&settings.content_cache, digest, Kind::Chart, archive).map(drop),
        false => Ok(()),
    }
}

fn is_kept(settings: &Settings) -> bool {
    !settings.content_cache.as_os_str().is_empty()
}

/// The answer to a question. The file repeats the question, so that no other file can stand for it by accident.
fn read(settings: &Settings, question: &str) -> Option<String> {
    let key = sha256(question.as_bytes());
    let found = is_kept(settings).then(|| cache::get(&settings.content_cache, &key, Kind::Answer)).flatten();
    let text = found.and_then(|(_, bytes)| String::from_utf8(bytes).ok())?;
    let (asked, answer) = text.split_once('\n')?;
    (asked == question).then(|| answer.to_string())
}

fn write(settings: &Settings, question: &str, answer: &str) -> Result<()> {
    if !is_kept(settings) || read(settings, question).is_some_and(|known| known == answer) {
        return Ok(());
    }
    let text = format!("{question}\n{answer}");
    cache::put(&settings.content_cache, &sha256(question.as_bytes()), Kind::Answer, text.as_bytes()).map(drop)
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
        let manifest = |text: &str| format!("sha256:{}", hex(&sha256(text.as_bytes())));
        let what = Named { archive: sha256(b"archive"), manifest: manifest("one") };
        assert_eq!((named(&settings, &one), versions(&settings, &one)), (None, None));
        keep(&settings, &one, &what).expect("kept");
        keep_versions(&settings, &one, &["2.0.0".to_string(), "1.0.0+b".to_string()]).expect("kept");
        assert_eq!((named(&settings, &one), named(&settings, &other)), (Some(what.clone()), None));
        assert_eq!(versions(&settings, &one), Some(vec!["2.0.0".to_string(), "1.0.0+b".to_string()]));
        keep(&settings, &one, &Named { manifest: manifest("two"), ..what.clone() }).expect("kept");
        assert_eq!(named(&settings, &one).map(|named| named.manifest), Some(manifest("two")));
        // A digest is not the tag beside it, neither way.
        let pinned = reference(&format!("oci://h/a:1.0.0@{}", manifest("three")));
        assert_eq!(named(&settings, &pinned), None);
        keep(&settings, &pinned, &Named { manifest: manifest("three"), ..what.clone() }).expect("kept");
        assert_eq!(named(&settings, &pinned).map(|named| named.manifest), Some(manifest("three")));
        assert_eq!(named(&settings, &one).map(|named| named.manifest), Some(manifest("two")));
        // What somebody else wrote there is nothing.
        let path =
            |reference: &Reference| cache::path(&settings.content_cache, &sha256(question("tag", reference).as_bytes()), Kind::Answer);
        let kept = std::fs::read_to_string(path(&one)).expect("the file");
        for text in [
            "x".to_string(),
            kept.replace("h/a:1.0.0", "h/b:1.0.0"),
            kept.replace("sha256:", "\u{1b}[2Jsha256:"),
            kept.trim_end().to_string() + "\nmore",
        ] {
            std::fs::write(path(&one), text).expect("a file");
            assert_eq!(named(&settings, &one), None);
        }
        // Without a cache there is no memory.
        let none = Settings::default();
        keep(&none, &one, &what).expect("nothing to do");
        keep_archive(&none, &what.archive, b"archive").expect("nothing to do");
        assert_eq!((named(&none, &one), archive(&none, &what.archive)), (None, None));
    }
}
