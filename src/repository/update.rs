//! Fetching indexes into Helm's cache.
//!
//! Goes in: configured repositories. Comes out: `NAME-index.yaml`, the bytes as served, and `NAME-charts.txt`,
//! the chart names, one per line; each of them whole, the names first. If the server sent a validator, the next
//! fetch from the same address is conditional: it is stored next to the index with the index's digest, so that it is
//! not used for an index that another tool has written since, and with the address, which may be a mirror's. Follows
//! Helm's `ChartRepository.DownloadIndexFile`.

use super::Settings;
use super::access::Access;
use super::config::{Entry, charts_path, index_path};
use super::getter::unprovided;
use super::http::{Client, Known, Request, Response, fetch_error};
use super::index::{self, INDEX_LIMIT};
use super::url::{self, Address};
use crate::error::{Error, ErrorKind, Result};
use crate::fs::{self, Mode};
use crate::package::digest::sha256_hex;
use crate::parallel;
use crate::url::Url;
use reqwest::StatusCode;
use std::path::PathBuf;

/// How many indexes are fetched at once: Helm fetches all at once, and most of the time is spent waiting for servers.
const PARALLEL: usize = 32;

/// Refuses an address that Helm could not create a repository from, which Helm checks before it fetches anything.
pub fn check_address(settings: &Settings, entry: &Entry) -> Result<()> {
    let refused = |message: String| Err(Error::new(ErrorKind::Repository, message));
    match Url::parse(entry.url.as_bytes()) {
        Err(_) => refused(format!("invalid chart URL format: {}", url::redact(&entry.url))),
        Ok(address) => match String::from_utf8_lossy(&address.scheme) {
            scheme if scheme == "oci" || settings.fetches(&scheme) => Ok(()),
            scheme => refused(format!("could not find protocol handler for: {scheme}")).map_err(|error| unprovided(error, &scheme)),
        },
    }
}

/// The bytes of a repository's index.yaml.
pub fn fetch_index(client: &Client<'_>, repository: &str, access: &Access) -> Result<Vec<u8>> {
    let address = index_address(client.settings(), repository)?;
    client.fetch(Request { compressed: true, label: Some(repository), mirrored: true, ..Request::get(&address, INDEX_LIMIT) }, access)
}

/// The address of a repository's index.yaml. Fails for schemes that are not supported.
pub fn index_address(settings: &Settings, repository: &str) -> Result<String> {
    let parsed = Address::parse(repository).ok_or_else(|| url::invalid(repository))?;
    if !settings.fetches(&parsed.scheme) {
        // Helm treats the index as an artifact of the registry.
        let message = match parsed.scheme.as_str() {
            "oci" => "failed to perform \"FetchReference\" on source: invalid reference".to_string(),
            scheme => format!("could not find protocol handler for: {scheme}"),
        };
        return Err(Error::new(ErrorKind::Repository, message));
    }
    url::resolve_reference(repository, "index.yaml").ok_or_else(|| url::invalid(repository))
}

/// Fetches the index of `entry` into the cache.
pub fn update(client: &Client<'_>, entry: &Entry) -> Result<()> {
    let settings = client.settings();
    let address = index_address(settings, &entry.url)?;
    let path = index_path(settings, &entry.name)?;
    let kept = Validators::load(client, entry, &path);
    let known = kept.as_ref().map(|kept| Known { address: &kept.address, etag: &kept.etag, modified: &kept.modified });
    let request = Request { compressed: true, label: Some(&entry.url), mirrored: true, known, ..Request::get(&address, INDEX_LIMIT) };
    let response = client.send_telling(request, &Access::of_entry(entry))?;
    if known.is_some_and(|known| response.confirms(known)) {
        return Ok(());
    }
    if response.status != StatusCode::OK {
        return Err(fetch_error(&address, response.status));
    }
    let mut names = index::check(&response.body, &entry.url, client.reporter())?;
    names.sort();
    let mut list = names.join("\n");
    if !list.is_empty() {
        list.push('\n');
    }
    fs::write_with_folders(&charts_path(settings, &entry.name)?, list.as_bytes(), Mode::Exact(0o644))?;
    fs::write_with_folders(&path, &response.body, Mode::Exact(0o644))?;
    Validators::save(client, entry, &response)
}

/// Fetches the indexes of `entries` in parallel and returns their outcomes, in order. `done` receives each
/// outcome as soon as it is known if progress is watched, else in order, so that a log is the same each time.
pub fn update_all(client: &Client<'_>, entries: &[&Entry], mut done: impl FnMut(&Entry, &Result<()>)) -> Vec<Result<()>> {
    let at_once = client.reporter().is_watched();
    parallel::map_telling(PARALLEL, entries, |entry| update(client, entry), at_once, |entry, outcome| done(entry, outcome))
}

/// Removes the cached files of a repository.
pub fn forget(settings: &Settings, name: &str) -> Result<()> {
    for path in [charts_path(settings, name)?, index_path(settings, name)?, validators_path(settings, name)?] {
        if crate::fs::lstat(&path).is_ok() {
            crate::fs::remove_file(&path)?;
        }
    }
    Ok(())
}

/// The validators from a server for a conditional request.
struct Validators {
    etag: String,
    modified: String,
    /// Who sent them: the repository, one of its mirrors, or where redirects led.
    address: String,
}

impl Validators {
    /// The validators of the cached index; `None` if the index or the address has changed.
    fn load(client: &Client<'_>, entry: &Entry, index: &std::path::Path) -> Option<Validators> {
        let path = validators_path(client.settings(), &entry.name).ok()?;
        let text = String::from_utf8(crate::fs::read_limited(&path, 64 << 10).ok()?).ok()?;
        let mut lines = text.lines();
        let mut line = || lines.next().map(str::to_string);
        let (asked, digest, etag, modified, address) = (line()?, line()?, line()?, line()?, line()?);
        if asked != url::redact(&entry.url) || digest != sha256_hex(&crate::fs::read_limited(index, INDEX_LIMIT).ok()?) {
            return None;
        }
        Some(Validators { etag, modified, address })
    }

    fn save(client: &Client<'_>, entry: &Entry, response: &Response) -> Result<()> {
        let path = validators_path(client.settings(), &entry.name)?;
        let header = |name: &str| response.header(name).unwrap_or_default().to_string();
        let (etag, modified) = (header("etag"), header("last-modified"));
        if etag.is_empty() && modified.is_empty() {
            return if crate::fs::lstat(&path).is_ok() { crate::fs::remove_file(&path) } else { Ok(()) };
        }
        // User and password belong into no file but repositories.yaml.
        let url = url::redact(&entry.url);
        let text = format!("{url}\n{}\n{etag}\n{modified}\n{}\n", sha256_hex(&response.body), response.url);
        fs::write_with_folders(&path, text.as_bytes(), Mode::Exact(0o600))
    }
}

fn validators_path(settings: &Settings, name: &str) -> Result<PathBuf> {
    index_path(settings, name).map(|path| path.with_file_name(format!("{name}-index.validators")))
}
