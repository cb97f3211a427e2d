//! Charts as OCI artifacts: manifest, config and layers as Helm writes them.
//!
//! Goes in: an archive with its metadata, or a reference. Comes out: the pushed manifest's digest, or the archive and its provenance.
//! Blobs are uploaded before the manifest that names them, so an interrupted push leaves nothing that can be pulled. Follows Helm's
//! `pkg/registry/{client,chart}.go`: annotations from Chart.yaml, layers sorted by digest, no `mediaType` inside the manifest.

use super::memory;
use super::{
    Descriptor, NO_EXISTS, NO_PUSH, NO_TAG, Reference, Registry, content_type, digest_of, has_digest, other_content, pull_scope, push_scope,
};
use crate::chart::Metadata;
use crate::data::Data;
use crate::error::{Cause, Error, ErrorKind, Result};
use crate::repository::Reporter;
use crate::repository::cache;
use crate::repository::http::Response;
use crate::repository::record::{Record, metadata_fields};
use std::collections::HashSet;

/// The media type of a chart's config: its Chart.yaml as JSON.
pub const CONFIG_TYPE: &str = "application/vnd.cncf.helm.config.v1+json";
/// The media type of the archive.
pub const CHART_TYPE: &str = "application/vnd.cncf.helm.chart.content.v1.tar+gzip";
/// The media type of the provenance file.
pub const PROVENANCE_TYPE: &str = "application/vnd.cncf.helm.chart.provenance.v1.prov";
/// The media type of charts of early Helm 3.
const LEGACY_CHART_TYPE: &str = "application/tar+gzip";
/// The media type of the manifest.
pub const MANIFEST_TYPE: &str = "application/vnd.oci.image.manifest.v1+json";
/// The media type of a list of manifests.
pub const INDEX_TYPE: &str = "application/vnd.oci.image.index.v1+json";
/// The media type of Docker's manifests.
pub const DOCKER_TYPE: &str = "application/vnd.docker.distribution.manifest.v2+json";
/// The media type of Docker's lists of manifests.
pub const DOCKER_INDEX_TYPE: &str = "application/vnd.docker.distribution.manifest.list.v2+json";

/// The media types of what is looked for; a manifest may list as much else as it likes.
const SOUGHT: [&str; 6] = [CONFIG_TYPE, CHART_TYPE, LEGACY_CHART_TYPE, PROVENANCE_TYPE, MANIFEST_TYPE, INDEX_TYPE];

/// How many manifests of a list are looked at, and how many parts of each: an image has a manifest for each of its platforms, a chart
/// has one of three parts.
const LISTED_LIMIT: usize = 64;

/// Helm's message after a reference with an underscore, which may stand for a plus sign.
const UNDERSCORE: &str = "
OCI artifact references (e.g. tags) do not support the plus sign (+). To support
storing semantic versions, Helm adopts the convention of changing plus (+) to
an underscore (_) in chart version tags when pushing to a registry and back to
a plus (+) when pulling from a registry.";

/// Which provenance file is fetched with an archive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted {
    /// None.
    Archive,
    /// One that is not in the content cache.
    MissingProvenance,
    /// The registry's, whatever is in the cache.
    Provenance,
}

/// A chart from a registry.
#[derive(Debug, Clone, Default)]
pub struct Artifact {
    /// Digest of the manifest.
    pub digest: String,
    pub archive: Vec<u8>,
    /// Set if requested and available.
    pub provenance: Option<Vec<u8>>,
}

/// The config of the chart under `tag`, which is its Chart.yaml; `None` if it is not a chart.
pub fn config(registry: &Registry<'_>, repository: &str, tag: &str) -> Result<Option<Data>> {
    let Some((_, manifest)) = registry.manifest(repository, tag)? else { return Ok(None) };
    let manifest = crate::json::parse_exact(&manifest)?;
    let found = manifest.as_map().and_then(|map| map.get("config")).and_then(descriptor);
    match found.filter(|descriptor| descriptor.media_type == CONFIG_TYPE) {
        Some(descriptor) => crate::json::parse(&registry.blob(repository, &descriptor, None)?).map(Some),
        None => Ok(None),
    }
}

/// Fetches the chart that `reference` names, but not an archive that the content cache has. An artifact without Helm's config and
/// a layer with an archive is an error in Helm's words.
pub fn pull(registry: &Registry<'_>, reference: &Reference, wanted: Wanted, reporter: &dyn Reporter) -> Result<Artifact> {
    let fault = |text: String| Error::new(ErrorKind::Repository, text);
    let (digest, descriptors) = descriptors_of(registry, reference)?;
    // Helm counts the manifests too, if their media types are OCI's.
    let known = [CONFIG_TYPE, CHART_TYPE, LEGACY_CHART_TYPE, MANIFEST_TYPE, INDEX_TYPE];
    let found = descriptors.iter().filter(|descriptor| known.contains(&descriptor.media_type.as_str())).count();
    if found < 2 {
        return Err(fault(format!("manifest does not contain minimum number of descriptors (2), descriptors found: {found}")));
    }
    let first_of = |types: &[&str]| descriptors.iter().find(|descriptor| types.contains(&descriptor.media_type.as_str()));
    if first_of(&[CONFIG_TYPE]).is_none() {
        return Err(fault(format!("could not load config with mediatype {CONFIG_TYPE}")));
    }
    if first_of(&[LEGACY_CHART_TYPE]).is_some() {
        reporter.say(&format!("Warning: chart media type {LEGACY_CHART_TYPE} is deprecated"));
    }
    let layer = first_of(&[CHART_TYPE, LEGACY_CHART_TYPE]).ok_or_else(|| no_layer(CHART_TYPE))?;
    let fetch = |layer: &Descriptor, label: Option<&str>| registry.blob(&reference.repository, layer, label).map_err(not_fetched);
    let (settings, known) = (registry.settings(), cache::parse_digest(&layer.digest).ok());
    let kept = known.as_ref().and_then(|digest| memory::archive(settings, digest)).filter(|archive| archive.len() as u64 == layer.size);
    let archive = match kept {
        Some(archive) => archive,
        None => fetch(layer, Some(&reference.to_string()))?,
    };
    let is_wanted = match wanted {
        Wanted::Archive => false,
        Wanted::MissingProvenance => known.and_then(|digest| memory::provenance(settings, &digest)).is_none(),
        Wanted::Provenance => true,
    };
    let provenance = first_of(&[PROVENANCE_TYPE]).filter(|_| is_wanted).map(|layer| fetch(layer, None)).transpose()?;
    Ok(Artifact { digest, archive, provenance })
}

/// Fetches only the provenance of the chart that `reference` names.
pub fn provenance(registry: &Registry<'_>, reference: &Reference) -> Result<Vec<u8>> {
    let (_, descriptors) = descriptors_of(registry, reference)?;
    let layer = descriptors.iter().find(|descriptor| descriptor.media_type == PROVENANCE_TYPE);
    let layer = layer.ok_or_else(|| no_layer(PROVENANCE_TYPE))?;
    registry.blob(&reference.repository, layer, None).map_err(not_fetched)
}

fn no_layer(media_type: &str) -> Error {
    Error::new(ErrorKind::Repository, format!("manifest does not contain a layer with mediatype {media_type}"))
}

fn not_fetched(error: Error) -> Error {
    error.context("failed to perform \"Fetch\" on source")
}

/// The digest of the manifest that `reference` names, and its descriptors: config and layers in order, then the manifest itself if
/// the response's `Content-Type` is OCI's or missing. A list of manifests has those of its manifests, as with oras's copy, but not
/// those of lists within it.
fn descriptors_of(registry: &Registry<'_>, reference: &Reference) -> Result<(String, Vec<Descriptor>)> {
    let (digest, answer) = answer_of(registry, reference)?;
    let media_type = content_type(&answer);
    let is_oci = media_type.as_deref().is_none_or(|found| found == MANIFEST_TYPE || found == INDEX_TYPE);
    // oras does not parse other content: the page of a login gateway has no descriptors.
    let manifest = match crate::json::parse_exact(&answer.body) {
        Err(error) if is_oci => return Err(error),
        parsed => parsed.unwrap_or_default(),
    };
    if manifest.as_map().is_none() && is_oci {
        return Err(Error::new(ErrorKind::Repository, format!("{reference}: manifest is no object")));
    }
    let mut descriptors = parts(&manifest);
    if media_type.as_deref() == Some(INDEX_TYPE) {
        let mut seen = HashSet::new();
        let manifests = listed(&manifest, "manifests").filter(|listed| [MANIFEST_TYPE, DOCKER_TYPE].contains(&&*listed.media_type));
        for listed in manifests.take(LISTED_LIMIT) {
            if !seen.insert(listed.digest.clone()) {
                continue;
            }
            let (_, answer) = answer_to(registry, reference, &listed.digest)?;
            descriptors.extend(parts(&crate::json::parse_exact(&answer.body)?));
            descriptors.push(listed);
        }
    }
    if is_oci {
        let media_type = media_type.unwrap_or_else(|| MANIFEST_TYPE.to_string());
        descriptors.push(Descriptor { media_type, digest: digest.clone(), size: answer.body.len() as u64 });
    }
    Ok((digest, descriptors))
}

/// The descriptors of a manifest's config and layers, of those that are looked for.
fn parts(manifest: &Data) -> Vec<Descriptor> {
    let config = manifest.as_map().and_then(|map| map.get("config")).and_then(descriptor);
    let parts = config.into_iter().chain(listed(manifest, "layers"));
    parts.filter(|part| SOUGHT.contains(&&*part.media_type)).take(LISTED_LIMIT).collect()
}

/// The descriptors in a list of a manifest.
fn listed<'m>(manifest: &'m Data, name: &str) -> impl Iterator<Item = Descriptor> + use<'m> {
    let list = manifest.as_map().and_then(|map| map.get(name)).and_then(Data::as_list);
    list.map(|list| list.as_slice()).unwrap_or_default().iter().filter_map(descriptor)
}

/// The manifest that `reference` names, with its digest; a missing one is an error in oras's words.
pub(super) fn manifest_of(registry: &Registry<'_>, reference: &Reference) -> Result<(String, Data)> {
    let (digest, answer) = answer_of(registry, reference)?;
    Ok((digest, crate::json::parse_exact(&answer.body)?))
}

fn answer_of(registry: &Registry<'_>, reference: &Reference) -> Result<(String, Response)> {
    answer_to(registry, reference, reference.manifest_name())
}

/// The manifest with this tag or digest in the repository of `reference`.
fn answer_to(registry: &Registry<'_>, reference: &Reference, name: &str) -> Result<(String, Response)> {
    let fault = |text: String| Error::new(ErrorKind::Repository, text);
    let at_source = |error: Error| error.context("failed to perform \"FetchReference\" on source");
    if name.is_empty() || name.contains(':') && !super::valid_digest(name) {
        return Err(at_source(fault("invalid reference".to_string())));
    }
    let repository = &reference.repository;
    let found = registry.manifest_answer(repository, name, &pull_scope(repository)).map_err(at_source)?;
    let shown = || if name == reference.manifest_name() { reference.to_string() } else { name.to_string() };
    found.ok_or_else(|| at_source(fault(format!("{}: not found", shown()))))
}

/// Helm's messages after a pull, with a word on underscores anywhere in the reference.
pub fn announce_pulled(reference: &Reference, digest: &str, reporter: &dyn Reporter) {
    announce("Pulled", reference, digest, reference.to_string().contains('_'), reporter);
}

/// Helm's messages after a push, with a word on underscores in the tag.
pub fn announce_pushed(reference: &Reference, digest: &str, reporter: &dyn Reporter) {
    announce("Pushed", reference, digest, reference.tag.contains('_'), reporter);
}

fn announce(verb: &str, reference: &Reference, digest: &str, tell_underscore: bool, reporter: &dyn Reporter) {
    reporter.announce(&format!("{verb}: {reference}"));
    reporter.announce(&format!("Digest: {digest}"));
    if tell_underscore {
        reporter.announce(&format!("{reference} contains an underscore."));
        reporter.announce(UNDERSCORE);
    }
}

pub(super) fn descriptor(data: &Data) -> Option<Descriptor> {
    let map = data.as_map()?;
    let size = match map.get("size") {
        Some(Data::Int(size)) => u64::try_from(*size).ok()?,
        _ => return None,
    };
    let text = |name: &str| map.get(name).and_then(Data::as_str).unwrap_or_default().to_string();
    Some(Descriptor { media_type: text("mediaType"), digest: text("digest"), size })
}

/// An archive to push.
#[derive(Debug, Clone)]
pub struct ChartArtifact<'a> {
    pub archive: &'a [u8],
    pub metadata: &'a Metadata,
    pub provenance: Option<&'a [u8]>,
    /// RFC 3339.
    pub created: &'a str,
    /// Replace an existing version that has another archive.
    pub force: bool,
}

/// Whether the tag of `reference` already names another archive. A registry with write-only access counts as
/// one without the tag; if the registry cannot answer, or the answer is not a manifest, it is an error.
fn is_taken(registry: &Registry<'_>, reference: &Reference, archive: &[u8]) -> Result<bool> {
    let repository = &reference.repository;
    let answer = match registry.manifest_answer(repository, &reference.tag, &push_scope(repository)) {
        Ok(Some((_, answer))) => answer,
        Ok(None) => return Ok(false),
        Err(error) if error.is(Cause::NotAllowed) => return Ok(false),
        Err(error) => return Err(error.context(NO_EXISTS)),
    };
    let manifest = crate::json::parse_exact(&answer.body).unwrap_or_default();
    let Some(manifest) = manifest.as_map().filter(|map| map.contains_key("layers") || map.contains_key("schemaVersion")) else {
        let found = content_type(&answer).unwrap_or_default();
        return Err(other_content(&registry.manifest_url(repository, &reference.tag), &found, MANIFEST_TYPE).context(NO_TAG));
    };
    let layers = manifest.get("layers").and_then(Data::as_list);
    Ok(!layers.is_some_and(|layers| layers.iter().filter_map(descriptor).any(|layer| has_digest(archive, &layer.digest))))
}

/// Pushes `upload` under `reference` and returns the manifest's digest.
///
/// # Errors
/// The error is of kind [`ErrorKind::Exists`] if another archive has that version and `upload.force` is not set.
pub fn push(registry: &Registry<'_>, reference: &Reference, upload: &ChartArtifact<'_>) -> Result<String> {
    let config = metadata_fields(upload.metadata).finish().to_json()?;
    let manifest = manifest(upload, &config)?;
    let repository = &reference.repository;
    let digest = digest_of(&manifest);
    // First, as in oras, so that missing permissions are reported here in oras's words.
    let is_known = registry.has_manifest(repository, &digest, MANIFEST_TYPE)?;
    if !upload.force && is_taken(registry, reference, upload.archive)? {
        let message = format!("{reference} already exists with another archive; use --force to replace it");
        return Err(Error::new(ErrorKind::Exists, message));
    }
    let put_parts = || {
        registry.put_blob(repository, upload.archive, &digest_of(upload.archive))?;
        if let Some(provenance) = upload.provenance {
            registry.put_blob(repository, provenance, &digest_of(provenance))?;
        }
        registry.put_blob(repository, &config, &digest_of(&config))
    };
    let put = || registry.put_manifest(repository, &reference.tag, MANIFEST_TYPE, &manifest);
    let outcome = if is_known {
        // As in oras, the parts are not checked; but a deleted part may have left the manifest behind.
        put().or_else(|error| if error.kind() == ErrorKind::Missing { put_parts().and_then(|()| put()) } else { Err(error) })
    } else {
        put_parts()?;
        put()
    };
    outcome.map_err(|error| {
        let kind = if error.kind() == ErrorKind::Exists { ErrorKind::Exists } else { ErrorKind::Repository };
        error.context(if is_known { NO_TAG } else { NO_PUSH }).with_kind(kind)
    })?;
    Ok(digest)
}

/// The bytes of the manifest.
pub fn manifest(upload: &ChartArtifact<'_>, config: &[u8]) -> Result<Vec<u8>> {
    let mut layers = vec![(CHART_TYPE, upload.archive)];
    layers.extend(upload.provenance.map(|provenance| (PROVENANCE_TYPE, provenance)));
    let mut layers: Vec<_> = layers.into_iter().map(|(media_type, bytes)| (digest_of(bytes), media_type, bytes.len())).collect();
    layers.sort();
    let annotations = annotations(upload.metadata, upload.created).into_iter().map(|(key, value)| (key, Record::text(value)));
    Record::Fields(vec![
        ("schemaVersion".to_string(), Record::Plain(Data::Int(2))),
        ("config".to_string(), descriptor_record(CONFIG_TYPE, &digest_of(config), config.len())),
        (
            "layers".to_string(),
            Record::List(layers.iter().map(|(digest, media_type, size)| descriptor_record(media_type, digest, *size)).collect()),
        ),
        ("annotations".to_string(), Record::Fields(annotations.collect())),
    ])
    .to_json()
}

fn descriptor_record(media_type: &str, digest: &str, size: usize) -> Record {
    Record::Fields(vec![
        ("mediaType".to_string(), Record::text(media_type)),
        ("digest".to_string(), Record::text(digest)),
        ("size".to_string(), Record::Plain(Data::Int(i64::try_from(size).unwrap_or(i64::MAX)))),
    ])
}

/// The annotations, sorted by key: the chart's own may override all but title and version.
fn annotations(metadata: &Metadata, created: &str) -> std::collections::BTreeMap<String, String> {
    let mut found = std::collections::BTreeMap::new();
    let authors: Vec<String> = metadata
        .maintainers
        .iter()
        .map(
            |maintainer| {
                if maintainer.email.is_empty() { maintainer.name.clone() } else { format!("{} ({})", maintainer.name, maintainer.email) }
            },
        )
        .collect();
    for (name, value) in [
        ("description", metadata.description.as_str()),
        ("title", &metadata.name),
        ("version", &metadata.version),
        ("url", &metadata.home),
        ("created", created),
        ("source", metadata.sources.first().map_or("", String::as_str)),
        ("authors", &authors.join(", ")),
    ] {
        if !value.trim().is_empty() {
            found.insert(format!("org.opencontainers.image.{name}"), value.to_string());
        }
    }
    for (key, value) in metadata.annotations.iter().flatten() {
        if key != "org.opencontainers.image.title" && key != "org.opencontainers.image.version" {
            found.insert(key.clone(), value.clone());
        }
    }
    found
}
