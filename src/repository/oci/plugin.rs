//! Plugins as OCI artifacts.
//!
//! Goes in: a reference. Comes out: the archive of the plugin, which is named after the repository, and its
//! provenance. Follows Helm's `pkg/registry/plugin.go`.

use super::chart::{Artifact, descriptor, manifest_of};
use super::{Reference, Registry};
use crate::data::Data;
use crate::error::{Error, ErrorKind, Result};

/// The artifact type of plugins.
const ARTIFACT_TYPE: &str = "application/vnd.helm.plugin.v1+json";
/// The annotation with a layer's file name.
const TITLE: &str = "org.opencontainers.image.title";

/// The name of a plugin in the registry: the last part of its repository.
pub fn name(reference: &Reference) -> &str {
    reference.repository.rsplit('/').next().unwrap_or_default()
}

/// Fetches the plugin that `reference` names, and its provenance if there is one.
pub fn pull(registry: &Registry<'_>, reference: &Reference) -> Result<Artifact> {
    let fault = |text: String| Error::new(ErrorKind::Repository, text);
    let (digest, manifest) = manifest_of(registry, reference)?;
    let map = manifest.as_map().ok_or_else(|| fault(format!("{reference}: manifest is no object")))?;
    let kind = map.get("artifactType").and_then(Data::as_str).unwrap_or_default();
    let config = map.get("config").and_then(Data::as_map).and_then(|config| config.get("mediaType")).and_then(Data::as_str);
    match (kind, config.unwrap_or_default()) {
        (ARTIFACT_TYPE, _) | ("", ARTIFACT_TYPE) => {}
        ("", config) => {
            return Err(fault(format!("expected config media type {ARTIFACT_TYPE} for legacy compatibility, got {config}")));
        }
        (kind, _) => return Err(fault(format!("expected artifact type {ARTIFACT_TYPE}, got {kind}"))),
    }
    let name = name(reference);
    let layers = map.get("layers").and_then(Data::as_list);
    let titled = |ending: &str| {
        layers.iter().flat_map(|layers| layers.iter()).find(|layer| {
            let annotations = layer.as_map().and_then(|layer| layer.get("annotations")).and_then(Data::as_map);
            let title = annotations.and_then(|map| map.get(TITLE)).and_then(Data::as_str).unwrap_or_default();
            title.strip_prefix(name).is_some_and(|rest| rest.starts_with('-') && rest.ends_with(ending))
        })
    };
    let fetch = |layer: &Data, label: Option<&str>| {
        let descriptor = descriptor(layer).ok_or_else(|| fault(format!("{reference}: a layer has no size")))?;
        registry.blob(&reference.repository, &descriptor, label)
    };
    let layer = titled(".tgz").ok_or_else(|| fault(format!("required layer matching pattern {name}-VERSION.tgz not found in manifest")))?;
    let archive = fetch(layer, Some(&reference.to_string()))?;
    let provenance = titled(".tgz.prov").map(|layer| fetch(layer, None)).transpose()?;
    Ok(Artifact { digest, archive, provenance })
}
