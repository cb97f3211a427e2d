//! OCI registries as the flags of one command access them, mirrors first.
//!
//! Goes in: a reference. Comes out: the response of a configured mirror, else of the registry itself: archives,
//! plugins, versions, names. A mirror sees neither the flags' credentials nor the client certificate; its own
//! are looked up by its name. Mirrors are not in Helm (helm/helm#13615).

use super::chart::{self, Artifact, Wanted};
use super::memory::{self, Named};
use super::{Reference, Registry, plugin};
use crate::data::Data;
use crate::error::Result;
use crate::package::digest::sha256;
use crate::repository::access::Access;
use crate::repository::http::Client;
use crate::repository::{ChartOptions, mirror};

/// The registries that one client can access.
#[derive(Clone, Copy)]
pub struct Registries<'a> {
    client: &'a Client<'a>,
    options: &'a ChartOptions,
    /// The user named a repository whose index leads here: its credentials are not for whatever registry it names.
    are_listed: bool,
}

impl<'a> Registries<'a> {
    /// The registries as these flags access them.
    pub fn new(client: &'a Client<'a>, options: &'a ChartOptions) -> Registries<'a> {
        Registries { client, options, are_listed: false }
    }

    /// The same for registries that an index led to, which see none of the flags' credentials.
    pub fn listed(self, are_listed: bool) -> Registries<'a> {
        Registries { are_listed, ..self }
    }

    /// The registry `host` itself.
    pub fn get(&self, host: &str) -> Registry<'a> {
        let access = match self.are_listed && !self.options.pass_credentials {
            true => self.anonymous(),
            false => Access::of_flags(self.options, ""),
        };
        Registry::new(self.client, host, &access, self.options.plain_http)
    }

    /// What a host that the user did not name sees of the flags; its own credentials are looked up by its name.
    fn anonymous(&self) -> Access {
        let options = ChartOptions { username: String::new(), password: String::new(), ..self.options.clone() };
        let access = Access::of_flags(&options, "");
        Access { tls: access.tls.without_certificate(), ..access }
    }

    /// Queries the mirrors of a reference in order, and its own registry if none of them succeeds.
    pub fn ask<T>(&self, reference: &Reference, what: impl Fn(&Registry<'_>, &Reference) -> Result<T>) -> Result<T> {
        let settings = self.client.settings();
        for (mirror, plain_http) in mirror::of_reference(&settings.mirrors, reference) {
            let registry = Registry::new(self.client, &mirror.registry, &self.anonymous(), plain_http || self.options.plain_http);
            match what(&registry, &mirror) {
                Ok(answer) => return Ok(answer),
                Err(error) => self.client.reporter().warn(&format!("mirror {mirror}: {error}")),
            }
        }
        what(&self.get(&reference.registry), reference)
    }

    /// The archive at a reference, and its provenance file on request; both are kept for later runs.
    pub fn pull(&self, reference: &Reference, wanted: Wanted) -> Result<Artifact> {
        let settings = self.client.settings();
        let kept = if settings.offline { self.remembered(reference, wanted) } else { None };
        if let Some(artifact) = kept {
            return Ok(artifact);
        }
        let artifact = self.ask(reference, |registry, reference| chart::pull(registry, reference, wanted, self.client.reporter()))?;
        let named = Named { archive: sha256(&artifact.archive), manifest: artifact.digest.clone() };
        let kept =
            memory::keep_archive(settings, &named.archive, &artifact.archive).and_then(|()| memory::keep(settings, reference, &named));
        if let Err(error) = kept {
            self.client.reporter().debug("the chart is not kept in the cache", &[("error", error.message())]);
        }
        Ok(artifact)
    }

    /// The same without a request, as the registry answered before; `None` if that is not kept whole.
    fn remembered(&self, reference: &Reference, wanted: Wanted) -> Option<Artifact> {
        let settings = self.client.settings();
        let named = memory::named(settings, reference)?;
        let provenance = match wanted {
            Wanted::Archive => None,
            Wanted::MissingProvenance | Wanted::Provenance => Some(memory::provenance(settings, &named.archive)?),
        };
        Some(Artifact { archive: memory::archive(settings, &named.archive)?, digest: named.manifest, provenance })
    }

    /// The archive at a reference, for callers that read a values file from it.
    pub fn archive(&self, reference: &str) -> Result<Vec<u8>> {
        Ok(self.pull(&Reference::parse(reference)?, Wanted::Archive)?.archive)
    }

    /// The plugin at a reference.
    pub fn plugin(&self, reference: &Reference) -> Result<Artifact> {
        self.ask(reference, plugin::pull)
    }

    /// The versions of a chart in a registry, highest first.
    pub fn versions(&self, reference: &Reference) -> Result<Vec<String>> {
        let settings = self.client.settings();
        let repository = Reference { tag: String::new(), digest: String::new(), ..reference.clone() };
        if settings.offline
            && let Some(versions) = memory::versions(settings, &repository)
        {
            return Ok(versions);
        }
        let versions = self.ask(reference, |registry, reference| registry.versions(&reference.repository))?;
        if let Err(error) = memory::keep_versions(settings, &repository, &versions) {
            self.client.reporter().debug("the versions are not kept in the cache", &[("error", error.message())]);
        }
        Ok(versions)
    }

    /// The names of all repositories that the registry lists at or below `reference`.
    pub fn repositories(&self, reference: &Reference) -> Result<Vec<String>> {
        self.ask(reference, |registry, asked| {
            let names = registry.repositories()?.into_iter().filter_map(|name| {
                let rest = name.strip_prefix(asked.repository.as_str())?;
                // A repository below a mirror's path is named as in the original registry.
                let is_below = rest.is_empty() || rest.starts_with('/') || asked.repository.is_empty();
                is_below.then(|| format!("{}{rest}", reference.repository))
            });
            let mut names: Vec<String> = names.collect();
            names.sort();
            Ok(names)
        })
    }

    /// The Chart.yaml that a registry stores for a chart's version; `None` if it is not a chart.
    pub fn config(&self, reference: &Reference) -> Result<Option<Data>> {
        self.ask(reference, |registry, reference| chart::config(registry, &reference.repository, reference.manifest_name()))
    }
}
