//! Chooses the version of each dependency.
//!
//! Goes in: the ranges that Chart.yaml asks for. Comes out: the dependencies with exact versions, as Chart.lock holds them, or
//! one error that names all that were not found. [`resolve`] makes the choice; this file collects the available versions: from
//! the cached index of a repository, the tags of a registry, the chart in a local folder. Matches Helm's `internal/resolver`.

use super::Manager;
use super::local::local_path;
use crate::chart::Dependency;
use crate::dependency::resolve;
use crate::error::{Error, Result};
use crate::repository::oci::Reference;
use crate::repository::url;
use crate::version::Version;
use std::collections::HashMap;

impl Manager<'_> {
    /// The dependencies with the chosen versions.
    pub(super) fn resolve(&mut self, asked: &[Dependency], names: &HashMap<String, String>) -> Result<Vec<Dependency>> {
        self.load_local(asked);
        let mut locked = Vec::with_capacity(asked.len());
        let mut missing = Vec::new();
        let mut registries = HashMap::new();
        for dependency in asked {
            let range = resolve::range(dependency)?;
            let found = if dependency.repository.is_empty() {
                local_path(&format!("charts/{}", dependency.name), self.folder)?;
                Some(dependency.version.clone())
            } else if dependency.repository.starts_with("file://") {
                let chart = self.local_chart(&dependency.repository)?;
                resolve::choose(&range, [chart.metadata.version.as_str()]).map(str::to_string)
            } else if url::is_oci(&dependency.repository) {
                if Version::parse(&dependency.version).is_ok() {
                    Some(dependency.version.clone())
                } else {
                    let address = format!("{}/{}", dependency.repository, dependency.name);
                    let versions = self.registry_versions(&address, &mut registries)?;
                    let chosen = resolve::choose(&range, versions.iter().map(String::as_str)).map(str::to_string);
                    chosen.or_else(|| Some(dependency.version.clone()))
                }
            } else {
                match names.get(&dependency.name) {
                    None => Some(dependency.version.clone()),
                    Some(name) => {
                        let versions = self.cached_versions(name, dependency)?;
                        let offered =
                            versions.iter().filter(|version| !version.urls.is_empty()).map(|version| version.metadata.version.as_str());
                        resolve::choose(&range, offered).map(str::to_string)
                    }
                }
            };
            match found {
                Some(version) => locked.push(Dependency {
                    name: dependency.name.clone(),
                    repository: dependency.repository.clone(),
                    version,
                    ..Dependency::default()
                }),
                None => missing.push(resolve::missing(dependency)),
            }
        }
        if missing.is_empty() { Ok(locked) } else { Err(resolve::unsatisfied(&missing)) }
    }

    /// The versions of the chart at `oci://…`, highest first; `known` caches the answers.
    fn registry_versions(&self, address: &str, known: &mut HashMap<String, Vec<String>>) -> Result<Vec<String>> {
        if let Some(versions) = known.get(address) {
            return Ok(versions.clone());
        }
        let failed = |error: Error| {
            let repository = address.rsplit_once('/').map_or(address, |(repository, _)| repository);
            error.context(format!("could not retrieve list of tags for repository {repository}"))
        };
        let versions = Reference::parse(address).and_then(|reference| self.downloader.registries().versions(&reference)).map_err(failed)?;
        known.insert(address.to_string(), versions.clone());
        Ok(versions)
    }
}
