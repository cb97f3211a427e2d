//! Resolves a reference to the place of a chart.
//!
//! Goes in: `repo/name`, an address, `oci://…`, or a name with `--repo`, and a version or range. Comes out: a [`Source`]: the address
//! of the archive with the access for its host, or a place in a registry; the digest in the index, and the file name. Follows Helm's
//! `ResolveChartVersion` (`pkg/downloader/chart_downloader.go`) and `FindChartInRepoURL` (`pkg/repo/v1/chartrepo.go`), except for one
//! leak: with `--repo`, credentials go to the chart's host only if it is the repository's.

use super::access::Access;
use super::cache;
use super::config::{Entry, Repositories, index_path};
use super::getter::unprovided;
use super::http::Client;
use super::index::{self, INDEX_LIMIT};
use super::oci::reference::{tag_of, version_of};
use super::oci::{self, Reference, Registries};
use super::update::{self, fetch_index};
use super::url::{self, Address};
use super::{ChartOptions, Settings};
use crate::diagnostic::{Diagnostic, nearest};
use crate::error::{Error, ErrorKind, Result};
use crate::package::digest;
use crate::quote::quote;
use crate::version::Version;

/// The place of a chart.
#[derive(Debug, Clone)]
pub struct Source {
    pub place: Place,
    /// SHA-256 of the archive as in the index; empty if the index has none or it is not to be checked.
    pub digest: String,
    /// The file name to save the archive under.
    pub file_name: String,
}

/// A repository's server, or a registry.
#[derive(Debug, Clone)]
pub enum Place {
    Http {
        url: String,
        access: Access,
    },
    /// `is_listed` if an index led there, `is_told` if the pull is announced.
    Oci {
        reference: Reference,
        is_listed: bool,
        is_told: bool,
    },
}

impl Source {
    /// The decoded digest from the index.
    pub fn digest(&self) -> Result<Option<digest::Digest>> {
        if self.digest.is_empty() { Ok(None) } else { cache::parse_digest(&self.digest).map(Some) }
    }

    /// The address, without credentials.
    pub fn shown(&self) -> String {
        match &self.place {
            Place::Http { url, .. } => url::redact(url),
            Place::Oci { reference, .. } => format!("{}{reference}", oci::SCHEME),
        }
    }
}

/// Finds charts with one client and its flags.
#[derive(Clone, Copy)]
pub struct Resolver<'a> {
    pub client: &'a Client<'a>,
    pub options: &'a ChartOptions,
}

impl Resolver<'_> {
    /// Resolves a reference (Helm's `ResolveChartVersion`).
    pub fn resolve(&self, reference: &str, version: &str) -> Result<Source> {
        if !self.options.repository_url.is_empty() {
            return self.resolve_in_repository(reference, version);
        }
        let address = Address::parse(reference).ok_or_else(|| url::invalid(reference))?;
        // `oci://` alone is not an address in a registry.
        if url::is_oci(reference) && reference != oci::SCHEME {
            return self.resolve_oci(reference, version, false);
        }
        let settings = self.client.settings();
        let repositories = Repositories::load_or_empty(settings)?;
        if address.is_absolute() && !address.host.is_empty() && !address.path.is_empty() {
            if !settings.fetches(&address.scheme) {
                let error = Error::new(ErrorKind::Repository, format!("scheme {} not supported", quote(&address.scheme)));
                return Err(unprovided(error, &address.scheme));
            }
            let owner = owner_of(reference, &repositories, settings)?;
            let access =
                owner.map_or_else(|| Access::of_flags(self.options, reference), |entry| Access::of_flags_below(self.options, entry));
            return Ok(Source {
                place: Place::Http { url: reference.to_string(), access },
                digest: String::new(),
                file_name: address.file_name(),
            });
        }
        let path = address.decoded_path();
        let Some((name, chart)) = path.split_once('/') else {
            let written = crate::url::Url::parse(reference.as_bytes()).map(|url| url.written());
            let shown = written.map_or_else(|_| reference.into(), |written| String::from_utf8_lossy(&written).into_owned());
            let message = format!("non-absolute URLs should be in form of repo_name/path_to_chart, got: {shown}");
            let diagnostic = Diagnostic {
                headline: message.clone(),
                hints: vec!["give the path of a chart, `REPOSITORY/CHART` of an added repository, or a URL".to_string()],
                ..Diagnostic::default()
            };
            return Err(Error::new(ErrorKind::Repository, message).with_diagnostic(diagnostic));
        };
        self.resolve_named(name, chart, version, &repositories)
    }

    fn resolve_named(&self, name: &str, chart: &str, version: &str, repositories: &Repositories) -> Result<Source> {
        let settings = self.client.settings();
        let entry = repositories.get(name).ok_or_else(|| unknown_repository(name, repositories, settings.program()))?;
        if entry.url.is_empty() {
            return Err(Error::new(ErrorKind::Repository, format!("no URL found for repository {name}")));
        }
        update::check_address(settings, entry)?;
        let path = index_path(settings, name)?;
        let no_cache = |error: Error| no_cache(error, settings);
        let bytes = crate::fs::read_limited(&path, INDEX_LIMIT).map_err(no_cache)?;
        let source = path.display().to_string();
        let reporter = self.client.reporter();
        let versions = index::versions_of(&bytes, chart, &source, reporter)
            .map_err(|error| no_cache(error.context(format!("error loading {source}"))))?;
        let missing = |reason: String| {
            let chart = quote(chart);
            let program = settings.program();
            let text = format!("chart {chart} matching {version} not found in {name} index. (try '{program} repo update'): {reason}");
            Error::new(ErrorKind::Repository, text)
        };
        let versions = versions.ok_or_else(|| missing("no chart name found".to_string()))?;
        if versions.is_empty() {
            return Err(missing("no chart version found".to_string()));
        }
        let found = index::pick(&versions, chart, version, Some(reporter)).map_err(|error| missing(error.to_string()))?;
        let found = found.ok_or_else(|| missing(format!("no chart version found for {chart}-{version}")))?;
        let first = found
            .urls
            .first()
            .ok_or_else(|| Error::new(ErrorKind::Repository, format!("chart \"{name}/{chart}\" has no downloadable URLs")))?;
        let address = url::resolve_reference(&entry.url, first).ok_or_else(|| url::invalid(&format!("{name}/{chart}")))?;
        if url::is_oci(&address) {
            return listed(&address);
        }
        let file_name = Address::parse(&address).ok_or_else(|| url::invalid(&address))?.file_name();
        Ok(Source {
            place: Place::Http { url: address, access: Access::of_flags_below(self.options, entry) },
            digest: found.digest.clone(),
            file_name,
        })
    }

    /// A chart of the repository of `--repo`: its index is fetched, used once and not cached.
    fn resolve_in_repository(&self, chart: &str, version: &str) -> Result<Source> {
        let repository = &self.options.repository_url;
        let access = Access::of_flags(self.options, repository);
        let unreachable = |error: Error| {
            error.context(format!("looks like {} is not a valid chart repository or cannot be reached", quote(url::redact(repository))))
        };
        let (address, _) = find_in_repository(self.client, repository, chart, version, &access, unreachable)?;
        if url::is_oci(&address) {
            let mut source = self.resolve_oci(&address, version, true)?;
            if let Place::Oci { is_told, .. } = &mut source.place {
                *is_told = false;
            }
            return Ok(source);
        }
        let file_name = Address::parse(&address).ok_or_else(|| url::invalid(&address))?.file_name();
        // Helm ignores the digest here, and indexes with wrong ones exist.
        Ok(Source { place: Place::Http { url: address, access }, digest: String::new(), file_name })
    }

    /// A chart in a registry: the tag is chosen from the versions there unless one is given. `is_listed` if an index led there.
    pub fn resolve_oci(&self, text: &str, version: &str, is_listed: bool) -> Result<Source> {
        let registries = Registries::new(self.client, self.options).listed(is_listed);
        let mut reference = Reference::parse(text)?;
        let fault = |text: String| Error::new(ErrorKind::Repository, text);
        let wanted = if version.is_empty() { version_of(&reference.tag) } else { version.to_string() };
        if !version.is_empty() && !reference.tag.is_empty() && reference.tag != version && reference.tag != tag_of(version) {
            return Err(fault(format!("chart reference and version mismatch: {version} is not {}", reference.tag)));
        }
        let file_name;
        if reference.digest.is_empty() {
            let tag = if Version::parse(&wanted).is_ok() {
                wanted
            } else {
                let versions = registries.versions(&reference)?;
                if versions.is_empty() {
                    return Err(fault(format!("unable to locate any tags in provided repository: {text}")));
                }
                oci::pick_version(&versions, &wanted)?
            };
            reference.tag = tag_of(&tag);
            file_name = format!("{}-{tag}.tgz", reference.name());
        } else {
            file_name = format!("{}@{}.tgz", reference.name(), reference.digest.replace(':', "-"));
            if !wanted.is_empty() {
                let tag = tag_of(&wanted);
                // If tags cannot be listed, or there are none, the digest still identifies the chart.
                let found = registries.ask(&reference, |registry, reference| registry.resolve(&reference.repository, &tag)).ok().flatten();
                if let Some(found) = found.filter(|found| *found != reference.digest) {
                    return Err(fault(format!("chart reference digest mismatch: {found} is not {}", reference.digest)));
                }
                reference.tag.clear();
            }
        }
        Ok(Source { place: Place::Oci { reference, is_listed, is_told: true }, digest: String::new(), file_name })
    }
}

/// The chart in a registry to which the cached index of a repository points: there Helm takes the tag as it is, and announces nothing.
fn listed(address: &str) -> Result<Source> {
    let reference = Reference::parse(address)?;
    // The part behind the last slash, with a colon before the tag or within the digest.
    let name = address.rsplit('/').next().unwrap_or_default();
    let file_name = match name.rsplit_once(':') {
        Some((name, version)) => format!("{name}-{version}.tgz"),
        None => format!("{name}.tgz"),
    };
    Ok(Source { place: Place::Oci { reference, is_listed: true, is_told: false }, digest: String::new(), file_name })
}

/// Reference and version of a dependency that an index says is in a registry: what follows the last colon may be a range (Helm's
/// `parseOCIRef`). With a digest the reference stays whole.
pub fn split_listed(address: &str) -> Result<(String, String)> {
    if address.contains('@') {
        return Ok((address.to_string(), String::new()));
    }
    match address.rsplit_once(':') {
        Some((reference, version)) if !version.contains('/') => Ok((reference.to_string(), version_of(version))),
        _ => {
            let message = format!("improperly formatted oci chart reference: {}", url::redact(address));
            Err(Error::new(ErrorKind::Repository, message))
        }
    }
}

/// The error for an index that was not fetched yet, or cannot be read.
fn no_cache(error: Error, settings: &Settings) -> Error {
    error.context(format!("no cached repo found. (try '{} repo update')", settings.program())).with_kind(ErrorKind::Repository)
}

/// The error for a repository that was not added.
fn unknown_repository(name: &str, repositories: &Repositories, program: &str) -> Error {
    let message = format!("repo {name} not found");
    let hint = match nearest(name, repositories.entries.iter().map(|entry| entry.name.as_str())) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!(
            "`{program} repo add {name} URL` adds it, `{program} repo list` lists those there are; a folder is written `./{name}/…`"
        ),
    };
    let diagnostic = Diagnostic { headline: message.clone(), hints: vec![hint], ..Diagnostic::default() };
    Error::new(ErrorKind::Repository, message).with_diagnostic(diagnostic)
}

/// The address of a chart in a repository that is not configured, and its digest in the index. `describe` wraps
/// the errors of fetching the index.
pub fn find_in_repository(
    client: &Client<'_>,
    repository: &str,
    chart: &str,
    version: &str,
    access: &Access,
    describe: impl Fn(Error) -> Error,
) -> Result<(String, String)> {
    update::check_address(client.settings(), &Entry { url: repository.to_string(), ..Entry::default() })?;
    let bytes = fetch_index(client, repository, access).map_err(&describe)?;
    let reporter = client.reporter();
    let versions = index::versions_of(&bytes, chart, repository, reporter).map_err(&describe)?;
    let mut shown = format!("chart {}", quote(chart));
    if !version.is_empty() {
        shown.push_str(&format!(" version {}", quote(version)));
    }
    let found = versions.as_deref().and_then(|versions| index::pick(versions, chart, version, Some(reporter)).ok().flatten());
    let Some(found) = found else {
        return Err(Error::new(ErrorKind::Repository, format!("{shown} not found in {} repository", url::redact(repository))));
    };
    let first = found.urls.first().ok_or_else(|| Error::new(ErrorKind::Repository, format!("{shown} has no downloadable URLs")))?;
    let address = url::resolve_reference(repository, first).ok_or_else(|| {
        let fault = crate::url::Url::parse(first.as_bytes()).err().unwrap_or_default();
        Error::new(ErrorKind::Repository, format!("failed to make chart URL absolute: failed to parse {first} as URL: {fault}"))
    })?;
    Ok((address, found.digest.clone()))
}

/// The configured repository whose index lists the address (Helm's `scanReposForURL`), so that its credentials are used.
fn owner_of<'r>(address: &str, repositories: &'r Repositories, settings: &Settings) -> Result<Option<&'r Entry>> {
    let Some(wanted) = Address::parse(address) else { return Ok(None) };
    let name = wanted.file_name();
    for entry in &repositories.entries {
        let path = index_path(settings, &entry.name)?;
        let bytes = crate::fs::read_limited(&path, INDEX_LIMIT).map_err(|error| no_cache(error, settings))?;
        // An index that lists the address contains the file's name, so others need no parsing.
        if memchr::memmem::find(&bytes, name.as_bytes()).is_some() && index::lists(&bytes, |listed| url::equal(address, listed)) {
            return Ok(Some(entry));
        }
    }
    Ok(None)
}
