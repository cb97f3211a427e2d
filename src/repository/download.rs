//! Fetches the chart for a reference: local path, `repo/name`, address, `oci://`, or a name with `--repo`.
//!
//! Goes in: the reference and [`ChartOptions`]. Comes out: the path of a folder or archive for the loader, or of the saved file;
//! charts fetched for rendering are in Helm's content cache under their digest. Digests from an index or registry are checked, except
//! for what plugins fetch. Follows Helm's `LocateChart` and `pkg/downloader/chart_downloader.go`; `resolve` finds the address.

use super::access::Access;
use super::cache::{self, Kind};
use super::config::Entry;
use super::http::{Client, Request};
use super::oci::chart::{Artifact, Wanted, announce_pulled};
use super::oci::reference::version_of;
use super::oci::{self, Reference, Registries};
use super::resolve::{Place, Resolver, Source};
use super::url::{self, Address};
use super::{ChartOptions, Reporter, Settings};
use crate::error::{Cause, Error, ErrorKind, Result};
use crate::fs::Mode;
use crate::package::digest;
use crate::package::provenance::{self, PROVENANCE_LIMIT, Verification};
use crate::quote::quote;
use std::path::{Path, PathBuf};

/// Helm's `--debug` message before the first chart.
const CACHE_SET_UP: &str = "set up default downloader cache";

/// Whether and how signatures are checked.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Verify {
    /// No provenance file is fetched.
    #[default]
    Never,
    /// The provenance file is fetched and saved, but not checked (`--prov`).
    Later,
    /// An existing signature must be valid (`dependency build --verify`).
    IfPossible,
    /// A missing or invalid signature is an error.
    Always,
}

/// An archive that was fetched and saved.
#[derive(Debug, Clone, Default)]
pub struct Saved {
    pub path: PathBuf,
    /// SHA-256 of the archive.
    pub digest: digest::Digest,
    pub verification: Option<Verification>,
}

/// Finds and fetches charts with one set of options; connections and tokens are reused.
pub struct Downloader<'s> {
    client: Client<'s>,
    options: ChartOptions,
}

/// The chart that `reference` names, as an absolute path: an existing folder or archive, else a fetched archive.
/// With `options.verify` the signature is checked first.
pub fn locate(reference: &str, options: &ChartOptions, settings: &Settings, reporter: &dyn Reporter) -> Result<PathBuf> {
    let reference = reference.trim();
    if options.repository_url.is_empty() {
        let path = Path::new(reference);
        if crate::fs::exists(path) && !reference.is_empty() {
            let path = crate::fs::absolute(path)?;
            if options.verify {
                provenance::verify_file(&path, &crate::fs::with_suffix(&path, ".prov"), &options.keyring, settings.now_seconds())?;
            }
            return Ok(path);
        }
        if path.is_absolute() || reference.starts_with('.') {
            return Err(Error::new(ErrorKind::Io, format!("path {} not found", quote(reference))));
        }
    }
    let downloader = Downloader::new(options.clone(), settings, reporter);
    downloader.fetch_to_cache(reference, options.version.trim())
}

impl<'s> Downloader<'s> {
    /// Creates a downloader with these flags.
    pub fn new(options: ChartOptions, settings: &'s Settings, reporter: &'s dyn Reporter) -> Downloader<'s> {
        Downloader { client: Client::new(settings, reporter), options }
    }

    /// The HTTP client, for further requests over the same connections.
    pub fn client(&self) -> &Client<'s> {
        &self.client
    }

    /// The registries, over the same connections.
    pub fn registries(&self) -> Registries<'_> {
        Registries::new(&self.client, &self.options)
    }

    /// Fetches a chart into the content cache, unless it is there, and returns its path.
    pub fn fetch_to_cache(&self, reference: &str, version: &str) -> Result<PathBuf> {
        let reporter = self.client.reporter();
        let source = self.resolve_telling(reference, version)?;
        let digest = source.digest().map_err(|error| match error.is(Cause::NotHexadecimal) {
            true => error.context("unable to decode digest"),
            false => error,
        })?;
        let root = &self.client.settings().content_cache;
        let verify = if self.options.verify { Verify::Always } else { Verify::Never };
        let cached = digest.and_then(|digest| cache::get(root, &digest, Kind::Chart).map(|found| (digest, found)));
        let (digest, path, archive, provenance) = match cached {
            Some((digest, (path, archive))) => {
                reporter.debug("found chart in cache", &[("id", &source.digest)]);
                (digest, path, archive, None)
            }
            None => {
                let named = if self.options.repository_url.is_empty() { url::redact(reference) } else { source.shown() };
                reporter.debug("attempting to download chart", &[("ref", &named), ("version", version)]);
                // Helm looks for one in the cache only here.
                let wanted = if verify == Verify::Never { Wanted::Archive } else { Wanted::MissingProvenance };
                let fetched = self.fetch(&source, wanted)?;
                let digest = digest::sha256(&fetched.archive);
                let path = cache::put(root, &digest, Kind::Chart, &fetched.archive)?;
                reporter.debug("put downloaded chart in cache", &[("id", &digest::hex(&digest))]);
                (digest, path, fetched.archive, fetched.provenance)
            }
        };
        if verify == Verify::Always {
            let kept = cache::get(root, &digest, Kind::Provenance).map(|(_, bytes)| bytes);
            let text = match provenance.or(kept) {
                Some(text) => text,
                None => self.fetch_provenance(&source).map_err(|_| no_provenance(&source))?,
            };
            let keyring = read_keyring(&self.options.keyring)?;
            provenance::verify(&archive, &text, &source.file_name, &keyring, self.client.settings().now_seconds())?;
            cache::put(root, &digest, Kind::Provenance, &text)?;
        }
        Ok(path)
    }

    /// Fetches a chart into the folder `destination`, which must exist.
    pub fn save(&self, reference: &str, version: &str, destination: &Path, verify: Verify) -> Result<Saved> {
        let source = self.resolve_telling(reference, version)?;
        self.save_source(&source, reference, destination, verify)
    }

    /// As [`Downloader::save`], for a reference in a registry that a repository's index gives.
    pub fn save_listed(&self, reference: &str, version: &str, destination: &Path, verify: Verify) -> Result<Saved> {
        self.client.reporter().debug(CACHE_SET_UP, &[]);
        let source = Resolver { client: &self.client, options: &self.options }.resolve_oci(reference, version, true)?;
        self.save_source(&source, reference, destination, verify)
    }

    /// Fetches the archive at an address of `entry`'s repository; `digest` is the one in its index, or `""`.
    pub fn save_from(&self, address: &str, entry: &Entry, digest: &str, destination: &Path, verify: Verify) -> Result<Saved> {
        self.client.reporter().debug(CACHE_SET_UP, &[]);
        let parsed = Address::parse(address).ok_or_else(|| url::invalid(address))?;
        let place = Place::Http { url: address.to_string(), access: Access::of_entry(entry) };
        // Helm ignores the digest here, so an invalid one counts as missing.
        let digest = if cache::parse_digest(digest).is_ok() { digest } else { "" };
        let source = Source { place, digest: digest.to_string(), file_name: parsed.file_name() };
        let saved = self.save_source(&source, address, destination, verify)?;
        if !source.digest.is_empty() {
            // So that no dependency is fetched twice; Helm fills this cache only with charts that it renders.
            let kept = cache::put(&self.client.settings().content_cache, &saved.digest, Kind::Chart, &crate::fs::read(&saved.path)?);
            if let Err(error) = kept {
                self.client.reporter().debug("the chart is not kept in the cache", &[("error", error.message())]);
            }
        }
        Ok(saved)
    }

    /// Resolves a reference, and logs the cache setup when Helm does: once it knows an address or a name to resolve.
    fn resolve_telling(&self, reference: &str, version: &str) -> Result<Source> {
        let resolver = Resolver { client: &self.client, options: &self.options };
        let tell = || self.client.reporter().debug(CACHE_SET_UP, &[]);
        if self.options.repository_url.is_empty() {
            tell();
            return resolver.resolve(reference, version);
        }
        let source = resolver.resolve(reference, version)?;
        tell();
        Ok(source)
    }

    fn save_source(&self, source: &Source, reference: &str, destination: &Path, verify: Verify) -> Result<Saved> {
        let root = &self.client.settings().content_cache;
        let cached = source.digest()?.and_then(|digest| cache::get(root, &digest, Kind::Chart));
        let (archive, fetched_provenance) = match cached {
            Some((_, archive)) => {
                self.client.reporter().debug("found chart in cache", &[("id", &source.digest)]);
                (archive, None)
            }
            None => {
                let wanted = if verify == Verify::Never { Wanted::Archive } else { Wanted::Provenance };
                let fetched = self.fetch(source, wanted)?;
                (fetched.archive, fetched.provenance)
            }
        };
        // A server does not decide on names that are paths elsewhere.
        let name = Some(&source.file_name).filter(|name| !name.contains('\\'));
        let path = name.and_then(|name| crate::fs::join_below(destination, name).ok()).ok_or_else(|| {
            Error::new(ErrorKind::Repository, format!("chart file name {} is not allowed", quote(super::printable(&source.file_name))))
        })?;
        let mut saved = Saved { path: path.clone(), digest: digest::sha256(&archive), verification: None };
        let text = match (verify, fetched_provenance) {
            (Verify::Never, _) => None,
            (_, Some(text)) => Some(text),
            (_, None) => match self.kept_provenance(source) {
                Some(text) => Some(text),
                None => match self.fetch_provenance(source) {
                    Ok(text) => Some(text),
                    Err(_) if verify == Verify::Always => return Err(no_provenance(source)),
                    Err(error) => {
                        let named = if self.options.repository_url.is_empty() { url::redact(reference) } else { source.shown() };
                        self.client.reporter().say(&format!("WARNING: Verification not found for {named}: {error}"));
                        None
                    }
                },
            },
        };
        if let (Verify::Always | Verify::IfPossible, Some(text)) = (verify, &text) {
            let keyring = read_keyring(&self.options.keyring)?;
            saved.verification =
                Some(provenance::verify(&archive, text, &source.file_name, &keyring, self.client.settings().now_seconds())?);
        }
        // Nothing unverified is left behind, whereas Helm writes first and checks afterwards.
        crate::fs::write_as(&path, &archive, Mode::Exact(0o644))?;
        if let Some(text) = text {
            crate::fs::write_as(&crate::fs::with_suffix(&path, ".prov"), &text, Mode::Exact(0o644))?;
        }
        Ok(saved)
    }

    fn kept_provenance(&self, source: &Source) -> Option<Vec<u8>> {
        let root = &self.client.settings().content_cache;
        source.digest().ok()?.and_then(|digest| cache::get(root, &digest, Kind::Provenance)).map(|(_, bytes)| bytes)
    }

    fn fetch(&self, source: &Source, wanted: Wanted) -> Result<Artifact> {
        match &source.place {
            Place::Http { url, access } => {
                let accept = "application/gzip,application/octet-stream";
                let request = Request { label: Some(&source.file_name), mirrored: true, ..Request::get(url, oci::BLOB_LIMIT) }
                    .header("accept", accept);
                let archive = self.client.fetch(request, access)?;
                // Plugins may pack an archive on the fly (helm-git), so its digest never equals the index's. Helm checks no digest here.
                let is_http = Address::parse(url).is_some_and(|address| matches!(address.scheme.as_str(), "http" | "https"));
                if let Some(digest) = source.digest()?.filter(|_| is_http) {
                    check_digest(url, &archive, &digest)?;
                }
                Ok(Artifact { archive, ..Default::default() })
            }
            Place::Oci { reference, is_listed, is_told } => {
                let reporter = self.client.reporter();
                let pulled = self.registries().listed(*is_listed).pull(reference, wanted)?;
                if *is_told {
                    announce_pulled(reference, &pulled.digest, reporter);
                }
                if *is_told && pulled.provenance.is_some() {
                    announce_pulled(reference, &pulled.digest, reporter);
                }
                Ok(pulled)
            }
        }
    }

    fn fetch_provenance(&self, source: &Source) -> Result<Vec<u8>> {
        match &source.place {
            Place::Http { url, access } => {
                let address = format!("{url}.prov");
                self.client.fetch(Request { mirrored: true, ..Request::get(&address, PROVENANCE_LIMIT) }, access)
            }
            Place::Oci { reference, is_listed, .. } => self.registries().listed(*is_listed).ask(reference, oci::chart::provenance),
        }
    }
}

/// The error for a required signature that does not exist.
fn no_provenance(source: &Source) -> Error {
    // Here Helm names the version, not its tag.
    let shown = match &source.place {
        Place::Oci { reference, .. } => format!("{}{}", oci::SCHEME, Reference { tag: version_of(&reference.tag), ..reference.clone() }),
        Place::Http { .. } => source.shown(),
    };
    Error::new(ErrorKind::Verification, format!("failed to fetch provenance {}", quote(format!("{shown}.prov"))))
}

fn check_digest(address: &str, archive: &[u8], digest: &digest::Digest) -> Result<()> {
    let found = digest::sha256(archive);
    if found == *digest {
        return Ok(());
    }
    let message = format!(
        "digest of {} does not fit: the index says sha256:{}, the archive has sha256:{}",
        url::redact(address),
        digest::hex(digest),
        digest::hex(&found)
    );
    Err(Error::new(ErrorKind::Verification, message))
}

fn read_keyring(path: &Path) -> Result<Vec<u8>> {
    provenance::read_keyring_file(path).map_err(|error| error.context("failed to load keyring"))
}
