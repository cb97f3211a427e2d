//! Pushing an archive to an OCI registry or an HTTP repository.
//!
//! Goes in: the archive's path, where to, and flags. Comes out: where it went and under which digest. The archive is loaded
//! first, so nothing that is no chart is pushed. OCI matches Helm's `pkg/pusher/ocipusher.go`, but for a version that is there
//! with another archive: it is refused unless forced. HTTP destinations are this tool's own: by the name or address of an added repository, or any address with a kind of server.

use crate::chart::loader;
use crate::diagnostic::Notices;
use crate::error::{Error, ErrorKind, Result};
use crate::repository::config::{Repositories, index_path};
use crate::repository::download::{entry_access, flag_access, index_address, with_suffix};
use crate::repository::http::{Access, Client, Request, fetch_error};
use crate::repository::index::{INDEX_LIMIT, context_path};
use crate::repository::oci::chart::{Upload, announce, is_taken, push as push_artifact};
use crate::repository::oci::{Reference, Registry, SCHEME};
use crate::repository::push::{self, Server};
use crate::repository::{ChartOptions, Reporter, Settings, cache, rfc3339, url};
use std::path::{Path, PathBuf};

/// How to push.
#[derive(Debug, Clone, Default)]
pub struct Options {
    pub source: ChartOptions,
    /// Takes an HTTP address that no repository was added for.
    pub server: Option<Server>,
    /// A version that exists is replaced.
    pub force: bool,
    /// The provenance file; else `ARCHIVE.prov` where that exists.
    pub provenance: Option<PathBuf>,
    /// ChartMuseum's context path.
    pub context_path: Option<String>,
    /// An `Authorization` header, or `Name: value`.
    pub token: Option<String>,
}

/// What was pushed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    pub name: String,
    pub version: String,
    /// `host/path:tag`, or the address of the upload.
    pub destination: String,
    /// Of the manifest, or of the archive in an HTTP repository.
    pub digest: String,
    /// Bytes of the archive.
    pub size: usize,
}

/// Pushes the archive at `path` to `destination`.
pub fn run(path: &Path, destination: &str, options: &Options, settings: &Settings, reporter: &dyn Reporter) -> Result<Report> {
    let scheme = url::Address::parse(destination).map(|address| address.scheme).unwrap_or_default();
    let http = if scheme == "oci" { None } else { Some(http_target(destination, &scheme, options, settings)?) };
    let about = fs_stat(path)?;
    if about.kind == crate::fs::Kind::Folder {
        return Err(Error::new(ErrorKind::Usage, "cannot push directory, must provide chart archive (.tgz)"));
    }
    let chart = loader::load(path, &mut Notices::new())?;
    let archive = crate::fs::read(path)?;
    let beside = with_suffix(path, ".prov");
    let provenance = match &options.provenance {
        Some(given) => Some(crate::fs::read(given)?),
        None if crate::fs::exists(&beside) => Some(crate::fs::read(&beside)?),
        None => None,
    };
    let client = Client::new(settings, reporter);
    let mut report =
        Report { name: chart.metadata.name.clone(), version: chart.metadata.version.clone(), size: archive.len(), ..Report::default() };
    if let Some((base, access, context)) = http {
        let file_name = format!("{}-{}.tgz", report.name, report.version);
        let server = options.server.unwrap_or_default();
        let announced = match options.context_path.clone().or(context) {
            None if matches!(server, Server::Auto | Server::ChartMuseum) => announced_context(&client, &base, &access),
            known => Ok(known),
        };
        let context = announced.as_ref().ok().cloned().flatten();
        let upload = push::Upload {
            file_name: &file_name,
            metadata: &chart.metadata,
            archive: &archive,
            provenance: provenance.as_deref(),
            force: options.force,
            context_path: context.as_deref(),
        };
        let put = push::push(&client, &base, server, &upload, &access).map_err(|error| match announced {
            // The API was looked for in the wrong place because the index could not be read.
            Err(unread) if unread.is_refused || error.kind() == ErrorKind::Usage => unread.error,
            _ => error,
        })?;
        report.destination = url::redact(&put);
        report.digest = digest_of(&archive);
        reporter.say(&format!("Pushed: {file_name} to {}", url::redact(&base)));
        reporter.say(&format!("Digest: {}", report.digest));
        return Ok(report);
    }
    let parent = url::clean_dot(destination.strip_prefix(SCHEME).unwrap_or(destination));
    let reference = Reference::parse(&format!("{parent}/{}:{}", report.name, report.version))?;
    let created = rfc3339(i128::from(about.modified) * 1_000_000_000);
    let upload = Upload { archive: &archive, metadata: &chart.metadata, provenance: provenance.as_deref(), created: &created };
    let registry = Registry::new(&client, &reference.registry, &flag_access(&options.source, ""), options.source.plain_http);
    if !options.force && is_taken(&registry, &reference, &archive) {
        let message = format!("{reference} already exists with another archive; use --force to replace it");
        return Err(Error::new(ErrorKind::Exists, message));
    }
    report.digest = push_artifact(&registry, &reference, &upload)?;
    report.destination = reference.to_string();
    announce("Pushed", &reference, &report.digest, reporter);
    Ok(report)
}

/// Why an index that might tell of a context path was not read.
struct Unread {
    error: Error,
    /// Whether the server did not take the credentials.
    is_refused: bool,
}

impl From<Error> for Unread {
    fn from(error: Error) -> Unread {
        Unread { error, is_refused: false }
    }
}

/// The context path that the repository's index tells; only an address with a path can begin with one.
fn announced_context(client: &Client<'_>, base: &str, access: &Access) -> std::result::Result<Option<String>, Unread> {
    if url::Address::parse(base).is_none_or(|address| address.path.trim_matches('/').is_empty()) {
        return Ok(None);
    }
    let place = index_address(base)?;
    let response = client.send(Request { compressed: true, ..Request::get(&place, INDEX_LIMIT) }, access)?;
    match response.status.as_u16() {
        200 => Ok(context_path(&response.body)),
        status => Err(Unread { error: fetch_error(&place, response.status), is_refused: matches!(status, 401 | 403) }),
    }
}

fn fs_stat(path: &Path) -> Result<crate::fs::Entry> {
    if !crate::fs::exists(path) {
        return Err(Error::new(ErrorKind::Io, format!("{}: no such file", path.display())));
    }
    crate::fs::stat(path)
}

/// Address, access and known context path of an HTTP destination: a repository by name or address, or with a kind of
/// server any address. Without these Helm's answer.
fn http_target(destination: &str, scheme: &str, options: &Options, settings: &Settings) -> Result<(String, Access, Option<String>)> {
    let repositories = Repositories::load_or_empty(settings)?;
    let known = repositories.entries.iter().find(|entry| entry.name == destination || url::equal(&entry.url, destination));
    let (base, mut access) = match known {
        Some(entry) => (entry.url.clone(), entry_access(entry)),
        None if matches!(scheme, "http" | "https") && options.server.is_some() => {
            (destination.to_string(), flag_access(&options.source, destination))
        }
        None => {
            let message = match scheme {
                "" if url::Address::parse(destination).is_none() => format!("invalid chart URL format: {destination}"),
                "" => "scheme prefix missing from remote (e.g. \"oci://\")".to_string(),
                _ => format!("scheme {scheme:?} not supported"),
            };
            let hint = "for an HTTP chart repository name its kind with --server, or add it with `rutter repo add` and push to its name";
            let diagnostic =
                crate::diagnostic::Diagnostic { headline: message.clone(), hints: vec![hint.to_string()], ..Default::default() };
            return Err(Error::new(ErrorKind::Usage, message).with_diagnostic(diagnostic));
        }
    };
    let flags = &options.source;
    if !flags.username.is_empty() {
        access.username.clone_from(&flags.username);
        access.password.clone_from(&flags.password);
    }
    if !flags.ca_file.is_empty() {
        access.ca_file.clone_from(&flags.ca_file);
    }
    if !flags.cert_file.is_empty() {
        access.cert_file.clone_from(&flags.cert_file);
        access.key_file.clone_from(&flags.key_file);
    }
    access.insecure_skip_tls_verify |= flags.insecure_skip_tls_verify;
    if access.username.is_empty() || access.password.is_empty() {
        access.token.clone_from(&options.token);
    }
    let index =
        known.and_then(|entry| index_path(settings, &entry.name).ok()).and_then(|path| crate::fs::read_limited(&path, INDEX_LIMIT).ok());
    Ok((base, access, index.and_then(|bytes| context_path(&bytes))))
}
