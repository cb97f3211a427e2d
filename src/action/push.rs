//! Pushing an archive to an OCI registry or an HTTP repository.
//!
//! Goes in: the archive's path, the destination, and flags. Comes out: where it went and under which digest. The
//! archive is loaded first, so that only charts are pushed. OCI matches Helm's `pkg/pusher/ocipusher.go`, except
//! that a version that exists with another archive is refused unless forced. HTTP destinations are this tool's
//! own: an added repository, by its name or address, or any address together with the kind of its server.

use crate::chart::{Metadata, loader};
use crate::diagnostic::{Diagnostic, Notices};
use crate::error::{Error, ErrorKind, Result};
use crate::fs;
use crate::package::provenance::PROVENANCE_LIMIT;
use crate::quote::quote;
use crate::repository::access::Access;
use crate::repository::config::{Repositories, index_path};
use crate::repository::http::{Client, Request, fetch_error};
use crate::repository::index::{INDEX_LIMIT, context_path};
use crate::repository::oci::chart::{ChartArtifact, announce_pushed, push as push_artifact};
use crate::repository::oci::{Reference, Registry, SCHEME, digest_of};
use crate::repository::push::{self, ServerKind};
use crate::repository::update::index_address;
use crate::repository::{ChartOptions, Reporter, Settings, rfc3339, url};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// How to push.
#[derive(Debug, Clone, Default)]
pub struct Options {
    pub source: ChartOptions,
    /// The kind of the server; allows an HTTP address that is not an added repository.
    pub server: Option<ServerKind>,
    /// Replace an existing version.
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

/// What is pushed: an archive that loads as a chart, and its provenance file.
struct Package {
    metadata: Arc<Metadata>,
    archive: Vec<u8>,
    provenance: Option<Vec<u8>>,
    /// When the archive was written last, seconds since 1970.
    modified: i64,
}

/// An HTTP repository.
struct Target {
    base: String,
    access: Access,
    /// ChartMuseum's context path, if the cached index states it.
    context_path: Option<String>,
}

/// Pushes the archive at `path` to `destination`.
///
/// # Errors
/// The error is of kind [`ErrorKind::Exists`] if the version exists and `options.force` is not set.
pub fn run(path: &Path, destination: &str, options: &Options, settings: &Settings, reporter: &dyn Reporter) -> Result<Report> {
    let scheme = url::Address::parse(destination).map(|address| address.scheme).unwrap_or_default();
    let target = if scheme == "oci" { None } else { Some(http_target(destination, &scheme, options, settings)?) };
    let package = read(path, options)?;
    let client = Client::new(settings, reporter);
    match target {
        Some(target) => push_over_http(&client, &target, &package, options),
        None => push_to_registry(&client, destination, &package, options),
    }
}

fn read(path: &Path, options: &Options) -> Result<Package> {
    if !fs::exists(path) {
        return Err(Error::new(ErrorKind::Io, format!("{}: no such file", path.display())));
    }
    if fs::stat(path)?.kind == fs::Kind::Folder {
        return Err(Error::new(ErrorKind::Usage, "cannot push directory, must provide chart archive (.tgz)"));
    }
    let archive = fs::read(path)?;
    // The bytes that were checked are the bytes that are pushed. Errors are worded as for a file.
    let loaded = loader::load_archive(&archive, &mut Notices::new());
    let metadata = loaded.map_err(|error| loader::load(path, &mut Notices::new()).err().unwrap_or(error))?.metadata;
    let beside = fs::with_suffix(path, ".prov");
    let provenance = match &options.provenance {
        Some(given) => Some(fs::read_limited(given, PROVENANCE_LIMIT)?),
        None if fs::exists(&beside) => Some(fs::read_limited(&beside, PROVENANCE_LIMIT)?),
        None => None,
    };
    Ok(Package { metadata, archive, provenance, modified: fs::modified_second(path)? })
}

fn push_over_http(client: &Client<'_>, target: &Target, package: &Package, options: &Options) -> Result<Report> {
    let Target { base, access, context_path } = target;
    let file_name = format!("{}-{}.tgz", package.metadata.name, package.metadata.version);
    let server = options.server.unwrap_or_default();
    let announced = match options.context_path.as_ref().or(context_path.as_ref()) {
        None if matches!(server, ServerKind::Auto | ServerKind::ChartMuseum) => announced_context(client, base, access),
        known => Ok(known.cloned()),
    };
    // A token may allow only writing, so the upload is tried anyway; a rejected user and password would fail there too.
    let announced = match announced {
        Err(unread) if unread.status == 401 && access.token.is_none() => return Err(unread.error),
        announced => announced,
    };
    let context = announced.as_ref().ok().cloned().flatten();
    let upload = push::ChartUpload {
        file_name: &file_name,
        metadata: &package.metadata,
        archive: &package.archive,
        provenance: package.provenance.as_deref(),
        force: options.force,
        context_path: context.as_deref(),
    };
    let put = push::push(client, base, server, &upload, access).map_err(|error| match announced {
        // The index was unreadable, so the context path is unknown, and the API was requested at the wrong path.
        Err(unread) if matches!(unread.status, 401 | 403) || error.kind() == ErrorKind::Usage => unread.error,
        _ => error,
    })?;
    let digest = digest_of(&package.archive);
    client.reporter().say(&format!("Pushed: {file_name} to {}", url::redact(base)));
    client.reporter().say(&format!("Digest: {digest}"));
    Ok(report(package, url::redact(&put), digest))
}

fn push_to_registry(client: &Client<'_>, destination: &str, package: &Package, options: &Options) -> Result<Report> {
    let Package { metadata, archive, provenance, modified } = package;
    let parent = url::clean_dot(destination.strip_prefix(SCHEME).unwrap_or(destination));
    let reference = Reference::parse(&format!("{parent}/{}:{}", metadata.name, metadata.version))?;
    let created = rfc3339(i128::from(*modified) * 1_000_000_000);
    let upload = ChartArtifact { archive, metadata, provenance: provenance.as_deref(), created: &created, force: options.force };
    let registry = Registry::new(client, &reference.registry, &Access::of_flags(&options.source, ""), options.source.plain_http);
    let digest = push_artifact(&registry, &reference, &upload)?;
    announce_pushed(&reference, &digest, client.reporter());
    Ok(report(package, reference.to_string(), digest))
}

fn report(package: &Package, destination: String, digest: String) -> Report {
    let (name, version) = (package.metadata.name.clone(), package.metadata.version.clone());
    Report { name, version, destination, digest, size: package.archive.len() }
}

/// Why an index that might state a context path was not read.
struct Unread {
    error: Error,
    /// HTTP status of the response; 0 if there was none.
    status: u16,
}

impl From<Error> for Unread {
    fn from(error: Error) -> Unread {
        Unread { error, status: 0 }
    }
}

/// The context path in the repository's index; only an address with a path can start with one.
fn announced_context(client: &Client<'_>, base: &str, access: &Access) -> std::result::Result<Option<String>, Unread> {
    if url::Address::parse(base).is_none_or(|address| address.path.trim_matches('/').is_empty()) {
        return Ok(None);
    }
    let place = index_address(client.settings(), base)?;
    let response = client.send(Request { compressed: true, ..Request::get(&place, INDEX_LIMIT) }, access)?;
    match response.status.as_u16() {
        200 => Ok(context_path(&response.body)),
        status => Err(Unread { error: fetch_error(&place, response.status), status }),
    }
}

/// The HTTP repository for a destination: an added one, by its name or address, or any address if the kind of
/// server is given. Everything else fails with Helm's error.
fn http_target(destination: &str, scheme: &str, options: &Options, settings: &Settings) -> Result<Target> {
    let repositories = Repositories::load_or_empty(settings)?;
    let known = repositories.entries.iter().find(|entry| entry.name == destination || url::equal(&entry.url, destination));
    let (base, mut access) = match known {
        Some(entry) => (entry.url.clone(), Access::of_flags_above(&options.source, entry)),
        None if matches!(scheme, "http" | "https") && options.server.is_some() => {
            (destination.to_string(), Access::of_flags(&options.source, destination))
        }
        None => {
            let message = match scheme {
                "" if url::Address::parse(destination).is_none() => format!("invalid chart URL format: {destination}"),
                "" => "scheme prefix missing from remote (e.g. \"oci://\")".to_string(),
                _ => format!("scheme {} not supported", quote(scheme.as_bytes())),
            };
            let hint = "for an HTTP chart repository name its kind with --server, or add it with `rutter repo add` and push to its name";
            let diagnostic = Diagnostic { headline: message.clone(), hints: vec![hint.to_string()], ..Diagnostic::default() };
            return Err(Error::new(ErrorKind::Usage, message).with_diagnostic(diagnostic));
        }
    };
    // As with the public push plugin, user and password come before a token; but those that only repositories.yaml holds do not.
    if options.source.username.is_empty() || options.source.password.is_empty() {
        access.token.clone_from(&options.token);
    }
    let cached = known.and_then(|entry| index_path(settings, &entry.name).ok());
    let index = cached.and_then(|path| fs::read_limited(&path, INDEX_LIMIT).ok());
    Ok(Target { base, access, context_path: index.and_then(|bytes| context_path(&bytes)) })
}
