//! The repositories that dependencies come from, and their cached indexes.
//!
//! Goes in: the dependencies of a chart and repositories.yaml. Comes out: the name under which each repository is
//! cached, fresh indexes in the cache, and their bytes, read once between two refreshes. Repositories do not have
//! to be added with `repo add`: the index of one that was not is cached under a name made from its address. Matches
//! `resolveRepoNames`, `ensureMissingRepos` and `UpdateRepositories` of Helm's `pkg/downloader/manager.go`.

use super::Manager;
use super::local::local_path;
use crate::action::repo::announce;
use crate::chart::Dependency;
use crate::dependency::resolve;
use crate::error::{Error, ErrorKind, Result};
use crate::fs;
use crate::package::digest::{sha256, sha256_hex};
use crate::repository::config::{Entry, index_path};
use crate::repository::index::{self, ChartVersion, INDEX_LIMIT};
use crate::repository::oci::{BLOB_LIMIT, Reference, memory};
use crate::repository::{Reporter as _, Settings, cache, update, url};
use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::sync::Arc;

/// The prefix of the cache names of repositories that were not added.
const MANAGED: &str = "helm-manager-";

impl Manager<'_> {
    /// The names of configured repositories by dependency; replaces aliases by addresses.
    pub(super) fn resolve_names(&mut self, asked: &mut [Dependency]) -> Result<HashMap<String, String>> {
        let mut names = HashMap::new();
        let mut missing = Vec::new();
        for dependency in asked {
            let repository = &dependency.repository;
            if repository.is_empty() {
                continue;
            }
            if repository.starts_with("file://") {
                local_path(repository, self.folder)?;
                if self.settings.debug {
                    self.reporter.say(&format!("Repository from local path: {repository}"));
                }
                names.insert(dependency.name.clone(), repository.clone());
                continue;
            }
            if url::is_oci(repository) {
                names.insert(dependency.name.clone(), repository.clone());
                continue;
            }
            let alias = repository.strip_prefix('@').or_else(|| repository.strip_prefix("alias:"));
            let known = self.repositories.entries.iter().find(|entry| alias == Some(&entry.name) || url::equal(&entry.url, repository));
            match known {
                Some(entry) => {
                    names.insert(dependency.name.clone(), entry.name.clone());
                    if alias == Some(&entry.name) {
                        dependency.repository = entry.url.clone();
                    }
                }
                None if is_address(repository) => {
                    names.insert(repository.clone(), repository.clone());
                }
                None => missing.push(repository.clone()),
            }
        }
        if missing.is_empty() {
            return Ok(names);
        }
        let program = self.settings.program();
        let mut message = format!("no repository definition for {}. Please add them via '{program} repo add'", missing.join(", "));
        if missing.iter().any(|name| !name.contains("//") && !name.starts_with('@') && !name.starts_with("alias:")) {
            message.push_str(&format!(
                "\nNote that repositories must be URLs or aliases. For example, to refer to the \"example\"\nrepository, use \"https://charts.example.com/\" or \"@example\" instead of\n\"example\". Don't forget to add the repo, too ('{program} repo add').",
            ));
        }
        Err(Error::new(ErrorKind::Dependency, message))
    }

    /// Fetches the indexes of repositories that were not added, under names made from their addresses.
    pub(super) fn fetch_unmanaged(&self, asked: &[Dependency], names: &mut HashMap<String, String>) -> Result<()> {
        let mut entries: Vec<Entry> = Vec::new();
        for dependency in asked {
            if dependency.repository.is_empty() || names.contains_key(&dependency.name) {
                continue;
            }
            let name = managed_name(&dependency.repository);
            names.insert(dependency.name.clone(), name.clone());
            let entry = Entry { name, url: dependency.repository.clone(), ..Entry::default() };
            let same = |other: &Entry| other.url.trim_end_matches('/') == entry.url.trim_end_matches('/');
            // The cache name decides: two spellings of one address that give two cache names are both fetched.
            if !entries.iter().any(|other| same(other) && other.name == entry.name) {
                entries.push(entry);
            }
        }
        if self.options.skip_refresh || entries.is_empty() {
            return Ok(());
        }
        self.reporter.say("Getting updates for unmanaged Helm repositories...");
        entries.iter().try_for_each(|entry| update::check_address(self.settings, entry))?;
        let entries: Vec<&Entry> = entries.iter().collect();
        update::update_all(self.downloader.client(), &entries, |entry, outcome| announce(entry, &entry.url, outcome, self.reporter));
        self.forget_indexes();
        Ok(())
    }

    /// The added repository with this address.
    pub(super) fn configured(&self, address: &str) -> Option<&Entry> {
        self.repositories.entries.iter().find(|entry| url::equal(address, &entry.url))
    }

    /// Fetches the indexes of all added repositories, once per address.
    pub(super) fn update_repositories(&self) -> Result<()> {
        let mut unique: Vec<&Entry> = Vec::new();
        for entry in &self.repositories.entries {
            let same = |other: &&Entry| other.url.trim_end_matches('/') == entry.url.trim_end_matches('/');
            unique.retain(|other| !same(other));
            unique.push(entry);
        }
        if unique.is_empty() {
            return Ok(());
        }
        self.reporter.say("Hang tight while we grab the latest from your chart repositories...");
        unique.iter().try_for_each(|entry| update::check_address(self.settings, entry))?;
        update::update_all(self.downloader.client(), &unique, |entry, outcome| announce(entry, &entry.name, outcome, self.reporter));
        self.forget_indexes();
        self.reporter.say("Update Complete. ⎈Happy Helming!⎈");
        Ok(())
    }

    /// The bytes of a cached index.
    pub(super) fn index(&self, path: &Path) -> Result<Arc<Vec<u8>>> {
        let mut indexes = self.indexes.lock().map_err(|_| Error::new(ErrorKind::Io, "the index cache is broken"))?;
        if let Some(bytes) = indexes.get(path) {
            return Ok(Arc::clone(bytes));
        }
        let bytes = Arc::new(fs::read_limited(path, INDEX_LIMIT)?);
        indexes.insert(path.to_path_buf(), Arc::clone(&bytes));
        Ok(bytes)
    }

    /// Drops the indexes in memory, since newer ones were fetched.
    fn forget_indexes(&self) {
        if let Ok(mut indexes) = self.indexes.lock() {
            indexes.clear();
        }
    }

    /// The versions of a dependency in the cached index called `name`, highest first.
    pub(super) fn cached_versions(&self, name: &str, dependency: &Dependency) -> Result<Vec<ChartVersion>> {
        let path = index_path(self.settings, name)?;
        let (source, program) = (path.display().to_string(), self.settings.program());
        let found = self
            .index(&path)
            .and_then(|bytes| index::versions_of(&bytes, &dependency.name, &source, self.reporter))
            .map_err(|error| error.context(format!("no cached repository for {name} found. (try '{program} repo update')")))?;
        found.ok_or_else(|| {
            let message = format!("{} chart not found in repo {}", dependency.name, dependency.repository);
            Error::new(ErrorKind::Dependency, message)
        })
    }

    /// Whether every locked archive can be had without a request: the lock (by `digests`), the cached index, or what the registry said
    /// before tells a digest, and the content cache has it. Then nothing needs refreshing, since a lock names exact versions.
    pub(super) fn is_cached(&self, locked: &[Dependency], digests: &BTreeMap<String, String>) -> bool {
        let mut remote = locked
            .iter()
            .filter(|dependency| !dependency.repository.is_empty() && !dependency.repository.starts_with("file://"))
            .peekable();
        if remote.peek().is_none() || self.options.source.verify || self.check_indexes().is_err() {
            return false;
        }
        remote.all(|dependency| {
            if self.locked_archive(dependency, digests).is_some() {
                return true;
            }
            if url::is_oci(&dependency.repository) {
                return is_remembered(self.settings, dependency);
            }
            let entry = self.configured(&dependency.repository);
            let versions = entry.and_then(|entry| self.cached_versions(&entry.name, dependency).ok()).unwrap_or_default();
            let version = versions.iter().find(|version| resolve::same_version(&dependency.version, &version.metadata.version));
            let digest = version.and_then(|version| cache::parse_digest(&version.digest).ok());
            digest.is_some_and(|digest| cache::get(&self.settings.content_cache, &digest, cache::Kind::Chart).is_some())
        })
    }

    /// The archive whose digest the lock names for a dependency, with its file name, if the content cache or `charts/` has it.
    pub(super) fn locked_archive(&self, dependency: &Dependency, digests: &BTreeMap<String, String>) -> Option<(String, Vec<u8>)> {
        let name = archive_name(dependency);
        let digest = cache::parse_digest(digests.get(&name)?).ok()?;
        if let Some((_, archive)) = cache::get(&self.settings.content_cache, &digest, cache::Kind::Chart) {
            return Some((name, archive));
        }
        let archive = fs::read_limited(&fs::join_below(&self.folder.join("charts"), &name).ok()?, BLOB_LIMIT).ok()?;
        (sha256(&archive) == digest).then_some((name, archive))
    }

    /// Every configured repository must have a cached index, whether or not a dependency comes from it.
    pub(super) fn check_indexes(&self) -> Result<()> {
        self.repositories.entries.iter().try_for_each(|entry| fs::open(&index_path(self.settings, &entry.name)?).map(|_| ()))
    }

    /// Every repository of a lock must be an added one, but for archives whose digest is locked: no other archive is taken from there
    /// (helm/helm#7214).
    pub(super) fn check_repositories(&self, locked: &[Dependency], digests: &BTreeMap<String, String>) -> Result<()> {
        let known = |address: &str| self.repositories.entries.iter().any(|entry| url::equal(&entry.url, address.trim_end_matches('/')));
        let missing: Vec<&str> = locked
            .iter()
            .filter(|dependency| !digests.contains_key(&archive_name(dependency)))
            .map(|dependency| dependency.repository.as_str())
            .filter(|address| !(address.is_empty() || address.starts_with("file://") || url::is_oci(address) || known(address)))
            .collect();
        if missing.is_empty() {
            return Ok(());
        }
        let (program, missing) = (self.settings.program(), missing.join(", "));
        let message = format!("no repository definition for {missing}. Please add the missing repos via '{program} repo add'");
        Err(Error::new(ErrorKind::Dependency, message))
    }
}

/// What the archive of a dependency is usually called.
fn archive_name(dependency: &Dependency) -> String {
    format!("{}-{}.tgz", dependency.name, dependency.version)
}

/// Whether it is known what the version of a dependency named in its registry, and the content cache has that archive.
fn is_remembered(settings: &Settings, dependency: &Dependency) -> bool {
    let reference = Reference::parse(&format!("{}/{}:{}", dependency.repository, dependency.name, dependency.version));
    let named = reference.ok().and_then(|reference| memory::named(settings, &reference));
    named.is_some_and(|named| memory::archive(settings, &named.archive).is_some())
}

/// Whether this is an address or a path, not the name of a repository.
fn is_address(text: &str) -> bool {
    text.starts_with('/') || url::Address::parse(text).is_some_and(|address| address.is_absolute())
}

/// Helm's name for the cached index of a repository that was not added.
pub(super) fn managed_name(address: &str) -> String {
    format!("{MANAGED}{}", sha256_hex(address.as_bytes()))
}
