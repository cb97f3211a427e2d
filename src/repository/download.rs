//! From a reference to a chart on disk: local path, `repo/name`, address, `oci://`, or a name with `--repo`.
//!
//! Goes in: the reference and [`ChartOptions`]. Comes out: the path of a folder or archive that the loader can take, or the file
//! that was saved; what is fetched for rendering lies in Helm's content cache under its digest. A digest that the index or registry
//! gave is checked, but not of what plugins fetch. Follows Helm's `LocateChart` and `pkg/downloader/chart_downloader.go`, but for
//! one leak: with `--repo`, credentials go to the chart's host only if it is the repository's.

use super::cache::{self, Kind};
use super::config::{Entry, Repositories, index_path};
use super::getter::unprovided;
use super::http::{Access, Client, Request};
use super::index::{self, INDEX_LIMIT};
use super::mirror;
use super::oci::{self, Reference, Registry, chart as oci_chart};
use super::update;
use super::url::{self, Address};
use super::{ChartOptions, Reporter, Settings};
use crate::data::Data;
use crate::diagnostic::{Diagnostic, nearest};
use crate::error::{Error, ErrorKind, Result};
use crate::fs::Mode;
use crate::package::digest;
use crate::package::provenance::{self, Verification};
use crate::quote::quote;
use crate::version::Version;
use std::path::{Path, PathBuf};

/// The largest provenance file.
const PROVENANCE_LIMIT: u64 = 8 << 20;

/// What Helm tells `--debug` before the first chart.
const CACHE_SET_UP: &str = "set up default downloader cache";

/// What to do about signatures.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Verify {
    /// Nothing is fetched or checked.
    #[default]
    Never,
    /// The provenance file is fetched and kept, not looked into (`--prov`).
    Later,
    /// A signature that is there must be good (`dependency build --verify`).
    IfPossible,
    /// Without a good signature it is an error.
    Always,
}

/// Where a chart is to be had.
#[derive(Debug, Clone)]
struct Source {
    place: Place,
    /// SHA-256 of the archive as the index writes it; empty when it does not, or when nobody looks at it.
    digest: String,
    /// The file name that the archive is saved under.
    file_name: String,
}

#[derive(Debug, Clone)]
enum Place {
    Http { url: String, access: Access },
    Oci { reference: Reference },
}

/// An archive that was fetched and saved.
#[derive(Debug, Clone, Default)]
pub struct Saved {
    pub path: PathBuf,
    /// SHA-256 of the archive.
    pub digest: digest::Digest,
    pub verification: Option<Verification>,
}

/// Finds and fetches charts with one set of options; connections and tokens are kept between them.
pub struct Downloader<'s> {
    client: Client<'s>,
    options: ChartOptions,
}

/// The chart that `reference` names, as an absolute path: a folder or archive that exists, else what it fetches.
/// With `options.verify` the signature is checked first.
pub fn locate(reference: &str, options: &ChartOptions, settings: &Settings, reporter: &dyn Reporter) -> Result<PathBuf> {
    let reference = reference.trim();
    if options.repository_url.is_empty() {
        let path = Path::new(reference);
        if crate::fs::exists(path) && !reference.is_empty() {
            let path = crate::fs::absolute(path)?;
            if options.verify {
                verify_file(&path, &with_suffix(&path, ".prov"), &options.keyring, settings.now_seconds())?;
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

/// Checks the signature of the archive at `path`. Errors in Helm's words (`VerifyChart`).
pub fn verify_file(path: &Path, provenance_path: &Path, keyring: &Path, now: Option<i64>) -> Result<Verification> {
    let about = crate::fs::stat(path)?;
    let fault = |text: &str| Error::new(ErrorKind::Verification, text);
    if about.kind == crate::fs::Kind::Folder {
        return Err(fault("unpacked charts cannot be verified"));
    }
    if !path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("tgz")) {
        return Err(fault("chart must be a tgz file"));
    }
    if let Err(error) = crate::fs::stat(provenance_path) {
        return Err(error.context(format!("could not load provenance file {}", provenance_path.display())));
    }
    let keyring = read_keyring(keyring)?;
    let archive = crate::fs::read(path).map_err(|error| error.context("failed to read chart archive"))?;
    let text =
        crate::fs::read_limited(provenance_path, PROVENANCE_LIMIT).map_err(|error| error.context("failed to read provenance file"))?;
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    provenance::verify(&archive, &text, &name, &keyring, now)
}

impl<'s> Downloader<'s> {
    /// A downloader with these flags.
    pub fn new(options: ChartOptions, settings: &'s Settings, reporter: &'s dyn Reporter) -> Downloader<'s> {
        Downloader { client: Client::new(settings, reporter), options }
    }

    /// The client, for further requests with the same connections.
    pub fn client(&self) -> &Client<'s> {
        &self.client
    }

    /// The registry `host` as the flags reach it.
    pub fn registry(&self, host: &str) -> Registry<'_> {
        Registry::new(&self.client, host, &flag_access(&self.options, ""), self.options.plain_http)
    }

    /// Fetches a chart into the content cache, or finds it there, and gives its path.
    pub fn fetch_to_cache(&self, reference: &str, version: &str) -> Result<PathBuf> {
        let reporter = self.client.reporter();
        let source = self.resolve_telling(reference, version)?;
        let digest = source.digest().map_err(|error| match error.message().starts_with("encoding/hex") {
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
                let fetched = self.fetch(&source, verify)?;
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

    /// Fetches the archive at an address of `entry`'s repository; `digest` as its index gives it, `""` when it does not.
    pub fn save_from(&self, address: &str, entry: &Entry, digest: &str, destination: &Path, verify: Verify) -> Result<Saved> {
        self.client.reporter().debug(CACHE_SET_UP, &[]);
        let parsed = Address::parse(address).ok_or_else(|| invalid_url(address))?;
        let place = Place::Http { url: address.to_string(), access: entry_access(entry) };
        // Helm looks at no digest here: one that cannot be read is none.
        let digest = if cache::parse_digest(digest).is_ok() { digest } else { "" };
        let source = Source { place, digest: digest.to_string(), file_name: parsed.file_name() };
        let saved = self.save_source(&source, address, destination, verify)?;
        if !source.digest.is_empty() {
            // So that no dependency is fetched twice; Helm fills this cache only for charts that it renders.
            cache::put(&self.client.settings().content_cache, &saved.digest, Kind::Chart, &crate::fs::read(&saved.path)?)?;
        }
        Ok(saved)
    }

    /// Resolves a reference, and tells of the cache when Helm does: it makes one once it knows an address or a name to resolve.
    fn resolve_telling(&self, reference: &str, version: &str) -> Result<Source> {
        let tell = || self.client.reporter().debug(CACHE_SET_UP, &[]);
        if self.options.repository_url.is_empty() {
            tell();
            return self.resolve(reference, version);
        }
        let source = self.resolve(reference, version)?;
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
                let fetched = self.fetch(source, verify)?;
                (fetched.archive, fetched.provenance)
            }
        };
        let path = crate::fs::join_below(destination, &source.file_name).map_err(|_| {
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
        // Nothing is left behind that did not verify: Helm writes first and checks then.
        crate::fs::write_as(&path, &archive, Mode::Exact(0o644))?;
        if let Some(text) = text {
            crate::fs::write_as(&with_suffix(&path, ".prov"), &text, Mode::Exact(0o644))?;
        }
        Ok(saved)
    }

    fn kept_provenance(&self, source: &Source) -> Option<Vec<u8>> {
        let root = &self.client.settings().content_cache;
        source.digest().ok()?.and_then(|digest| cache::get(root, &digest, Kind::Provenance)).map(|(_, bytes)| bytes)
    }

    fn fetch(&self, source: &Source, verify: Verify) -> Result<oci_chart::PulledChart> {
        match &source.place {
            Place::Http { url, access } => {
                let accept = "application/gzip,application/octet-stream";
                let request = Request { label: Some(&source.file_name), mirrored: true, ..Request::get(url, oci::BLOB_LIMIT) }
                    .header("accept", accept);
                let archive = self.client.fetch(request, access)?;
                // What plugins fetch they may have packed just now (helm-git): its digest is never the index's. Helm looks at none.
                let is_http = Address::parse(url).is_some_and(|address| matches!(address.scheme.as_str(), "http" | "https"));
                if let Some(digest) = source.digest()?.filter(|_| is_http) {
                    check_digest(url, &archive, &digest)?;
                }
                Ok(oci_chart::PulledChart { archive, ..Default::default() })
            }
            Place::Oci { reference } => {
                let reporter = self.client.reporter();
                let pulled = self.pull(reference, verify != Verify::Never)?;
                oci_chart::announce("Pulled", reference, &pulled.digest, reporter);
                if verify != Verify::Never && pulled.provenance.is_some() {
                    oci_chart::announce("Pulled", reference, &pulled.digest, reporter);
                }
                Ok(pulled)
            }
        }
    }

    /// Asks the mirrors of a reference in their order, and its own registry if none of them answers.
    fn ask<T>(&self, reference: &Reference, what: impl Fn(&Registry<'_>, &Reference) -> Result<T>) -> Result<T> {
        let settings = self.client.settings();
        for (mirror, plain_http) in mirror::of_reference(&settings.mirrors, reference) {
            let options = ChartOptions { username: String::new(), password: String::new(), ..self.options.clone() };
            // What proves who we are is for the registry alone; a mirror's own credentials are looked up by its name.
            let access = Access { cert_file: String::new(), key_file: String::new(), ..flag_access(&options, "") };
            let registry = Registry::new(&self.client, &mirror.registry, &access, plain_http || options.plain_http);
            match what(&registry, &mirror) {
                Ok(answer) => return Ok(answer),
                Err(error) => self.client.reporter().warn(&format!("mirror {mirror}: {error}")),
            }
        }
        what(&self.registry(&reference.registry), reference)
    }

    fn pull(&self, reference: &Reference, with_provenance: bool) -> Result<oci_chart::PulledChart> {
        self.ask(reference, |registry, reference| oci_chart::pull(registry, reference, with_provenance, self.client.reporter()))
    }

    /// The archive at a reference, for what reads one as a file.
    pub fn archive(&self, reference: &str) -> Result<Vec<u8>> {
        Ok(self.pull(&Reference::parse(reference)?, false)?.archive)
    }

    /// The plugin at a reference.
    pub fn plugin(&self, reference: &Reference) -> Result<oci_chart::PulledChart> {
        self.ask(reference, oci::plugin::pull)
    }

    /// The versions of a chart in a registry, highest first.
    pub fn versions(&self, reference: &Reference) -> Result<Vec<String>> {
        self.ask(reference, |registry, reference| registry.versions(&reference.repository))
    }

    /// The names of all repositories of a registry that are `reference`'s, as it lists them, or lie below it.
    pub fn repositories(&self, reference: &Reference) -> Result<Vec<String>> {
        self.ask(reference, |registry, asked| {
            let names = registry.repositories()?.into_iter().filter_map(|name| {
                let rest = name.strip_prefix(asked.repository.as_str())?;
                // What a mirror has below another path is named as its own registry would.
                let is_below = rest.is_empty() || rest.starts_with('/') || asked.repository.is_empty();
                is_below.then(|| format!("{}{rest}", reference.repository))
            });
            let mut names: Vec<String> = names.collect();
            names.sort();
            Ok(names)
        })
    }

    /// What a registry tells of the version of a chart: its Chart.yaml; `None` for what is no chart.
    pub fn config(&self, reference: &Reference) -> Result<Option<Data>> {
        self.ask(reference, |registry, reference| oci_chart::config(registry, &reference.repository, reference.manifest_name()))
    }

    fn fetch_provenance(&self, source: &Source) -> Result<Vec<u8>> {
        match &source.place {
            Place::Http { url, access } => {
                let address = format!("{url}.prov");
                self.client.fetch(Request { mirrored: true, ..Request::get(&address, PROVENANCE_LIMIT) }, access)
            }
            Place::Oci { reference } => self.ask(reference, oci_chart::provenance),
        }
    }

    /// Where the chart is to be had (Helm's `ResolveChartVersion`).
    fn resolve(&self, reference: &str, version: &str) -> Result<Source> {
        if !self.options.repository_url.is_empty() {
            return self.resolve_in_repository(reference, version);
        }
        let address = Address::parse(reference).ok_or_else(|| invalid_url(reference))?;
        // `oci://` alone is no address in a registry.
        if url::is_oci(reference) && reference != oci::SCHEME {
            return self.resolve_oci(reference, version);
        }
        let settings = self.client.settings();
        let repositories = Repositories::load_or_empty(settings)?;
        if address.is_absolute() && !address.host.is_empty() && !address.path.is_empty() {
            if !settings.fetches(&address.scheme) {
                let error = Error::new(ErrorKind::Repository, format!("scheme {} not supported", quote(&address.scheme)));
                return Err(unprovided(error, &address.scheme));
            }
            let owner = owner_of(reference, &repositories, settings)?;
            let access = owner.map_or_else(|| flag_access(&self.options, reference), |entry| merged_access(&self.options, entry));
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
        let address = url::resolve_reference(&entry.url, first).ok_or_else(|| invalid_url(&format!("{name}/{chart}")))?;
        if url::is_oci(&address) {
            // An index may point into a registry; the tag is part of the address.
            return self.resolve_oci(&address, "");
        }
        let file_name = Address::parse(&address).ok_or_else(|| invalid_url(&address))?.file_name();
        Ok(Source {
            place: Place::Http { url: address, access: merged_access(&self.options, entry) },
            digest: found.digest.clone(),
            file_name,
        })
    }

    /// A chart of the repository that `--repo` names: its index is fetched, used once and not kept.
    fn resolve_in_repository(&self, chart: &str, version: &str) -> Result<Source> {
        let repository = &self.options.repository_url;
        let access = flag_access(&self.options, repository);
        let unreachable = |error: Error| {
            error.context(format!("looks like {} is not a valid chart repository or cannot be reached", quote(url::redact(repository))))
        };
        let (address, _) = find_in_repository(&self.client, repository, chart, version, &access, unreachable)?;
        if url::is_oci(&address) {
            return self.resolve_oci(&address, "");
        }
        let file_name = Address::parse(&address).ok_or_else(|| invalid_url(&address))?.file_name();
        // Helm does not look at the digest here, and indexes with wrong ones are about.
        Ok(Source { place: Place::Http { url: address, access }, digest: String::new(), file_name })
    }

    /// A chart in a registry: the tag is chosen among the versions there unless it is given.
    fn resolve_oci(&self, text: &str, version: &str) -> Result<Source> {
        let mut reference = Reference::parse(text)?;
        let fault = |text: String| Error::new(ErrorKind::Repository, text);
        let wanted = if version.is_empty() { reference.tag.replace('_', "+") } else { version.to_string() };
        if !version.is_empty() && !reference.tag.is_empty() && reference.tag != version && reference.tag != version.replace('+', "_") {
            return Err(fault(format!("chart reference and version mismatch: {version} is not {}", reference.tag)));
        }
        let file_name;
        if reference.digest.is_empty() {
            let tag = if Version::parse(&wanted).is_ok() {
                wanted
            } else {
                let versions = self.versions(&reference)?;
                if versions.is_empty() {
                    return Err(fault(format!("unable to locate any tags in provided repository: {text}")));
                }
                oci::pick_version(&versions, &wanted)?
            };
            reference.tag = tag.replace('+', "_");
            file_name = format!("{}-{tag}.tgz", reference.name());
        } else {
            file_name = format!("{}@{}.tgz", reference.name(), reference.digest.replace(':', "-"));
            if !wanted.is_empty() {
                let tag = wanted.replace('+', "_");
                // Whoever may not ask for tags, or finds none, still has the digest.
                let found = self.ask(&reference, |registry, reference| registry.resolve(&reference.repository, &tag)).ok().flatten();
                if let Some(found) = found.filter(|found| *found != reference.digest) {
                    return Err(fault(format!("chart reference digest mismatch: {found} is not {}", reference.digest)));
                }
                reference.tag.clear();
            }
        }
        Ok(Source { place: Place::Oci { reference }, digest: String::new(), file_name })
    }
}

/// The error of an index that was not fetched yet, or cannot be read.
fn no_cache(error: Error, settings: &Settings) -> Error {
    error.context(format!("no cached repo found. (try '{} repo update')", settings.program())).with_kind(ErrorKind::Repository)
}

/// A repository that was never added.
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

/// That a signature was asked for and there is none.
fn no_provenance(source: &Source) -> Error {
    Error::new(ErrorKind::Verification, format!("failed to fetch provenance {}", quote(format!("{}.prov", source.shown()))))
}

impl Source {
    /// The digest that its index gives, decoded.
    fn digest(&self) -> Result<Option<digest::Digest>> {
        if self.digest.is_empty() { Ok(None) } else { cache::parse_digest(&self.digest).map(Some) }
    }

    fn shown(&self) -> String {
        match &self.place {
            Place::Http { url, .. } => url::redact(url),
            Place::Oci { reference } => format!("oci://{reference}"),
        }
    }
}

/// The address of a chart in a repository that is not configured, and the digest its index gives. `describe` wraps the
/// faults of fetching the index.
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

/// The bytes of a repository's index.yaml.
pub fn fetch_index(client: &Client<'_>, repository: &str, access: &Access) -> Result<Vec<u8>> {
    let address = index_address(client.settings(), repository)?;
    client.fetch(Request { compressed: true, label: Some(repository), mirrored: true, ..Request::get(&address, INDEX_LIMIT) }, access)
}

/// Where a repository's index.yaml lies. Errors for schemes that no repository has.
pub fn index_address(settings: &Settings, repository: &str) -> Result<String> {
    let parsed = Address::parse(repository).ok_or_else(|| invalid_url(repository))?;
    if !settings.fetches(&parsed.scheme) {
        // Helm takes the index for an artifact of the registry.
        let message = match parsed.scheme.as_str() {
            "oci" => "failed to perform \"FetchReference\" on source: invalid reference".to_string(),
            scheme => format!("could not find protocol handler for: {scheme}"),
        };
        return Err(Error::new(ErrorKind::Repository, message));
    }
    url::resolve_reference(repository, "index.yaml").ok_or_else(|| invalid_url(repository))
}

/// How a configured repository is reached.
pub fn entry_access(entry: &Entry) -> Access {
    Access {
        base: entry.url.clone(),
        username: entry.username.clone(),
        password: entry.password.clone(),
        token: None,
        pass_credentials: entry.pass_credentials_all,
        cert_file: entry.cert_file.clone(),
        key_file: entry.key_file.clone(),
        ca_file: entry.ca_file.clone(),
        insecure_skip_tls_verify: entry.insecure_skip_tls_verify,
    }
}

/// The flags' access, with what the configured repository has laid over it; the flags' credentials too belong to the
/// repository's host.
fn merged_access(options: &ChartOptions, entry: &Entry) -> Access {
    let mut access = flag_access(options, &entry.url);
    if !entry.cert_file.is_empty() || !entry.key_file.is_empty() || !entry.ca_file.is_empty() {
        access.cert_file.clone_from(&entry.cert_file);
        access.key_file.clone_from(&entry.key_file);
        access.ca_file.clone_from(&entry.ca_file);
    }
    access.insecure_skip_tls_verify |= entry.insecure_skip_tls_verify;
    if !entry.username.is_empty() && !entry.password.is_empty() {
        access.username.clone_from(&entry.username);
        access.password.clone_from(&entry.password);
        access.pass_credentials = entry.pass_credentials_all;
    }
    access
}

/// The access that the flags describe, for the host of `base`.
pub fn flag_access(options: &ChartOptions, base: &str) -> Access {
    Access {
        base: base.to_string(),
        username: options.username.clone(),
        password: options.password.clone(),
        token: None,
        pass_credentials: options.pass_credentials,
        cert_file: options.cert_file.clone(),
        key_file: options.key_file.clone(),
        ca_file: options.ca_file.clone(),
        insecure_skip_tls_verify: options.insecure_skip_tls_verify,
    }
}

/// The configured repository whose index lists the address (Helm's `scanReposForURL`): its credentials are to be used.
fn owner_of<'r>(address: &str, repositories: &'r Repositories, settings: &Settings) -> Result<Option<&'r Entry>> {
    let Some(wanted) = Address::parse(address) else { return Ok(None) };
    let name = wanted.file_name();
    for entry in &repositories.entries {
        let path = index_path(settings, &entry.name)?;
        let bytes = crate::fs::read_limited(&path, INDEX_LIMIT).map_err(|error| no_cache(error, settings))?;
        // Only an index that holds the file's name at all can list the address.
        if memchr::memmem::find(&bytes, name.as_bytes()).is_some() && index::lists(&bytes, |listed| url::equal(address, listed)) {
            return Ok(Some(entry));
        }
    }
    Ok(None)
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

/// `path` with `suffix` behind its name.
pub fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_os_string();
    name.push(suffix);
    PathBuf::from(name)
}

fn invalid_url(text: &str) -> Error {
    Error::new(ErrorKind::Repository, format!("invalid chart URL format: {}", url::redact(text)))
}
