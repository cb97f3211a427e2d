//! Pushing to a folder behind WebDAV (nginx, Apache), where nobody but the pushers keeps index.yaml.
//!
//! Goes in: the folder's address and an upload. Comes out: archive, signature and a merged index.yaml, or none of them. No
//! version is lost when several push at once: where the server makes folders, one named [`LOCK`] is taken by making it
//! (only one of two can); where it honours `If-Match`, a stale index is refused; where it does neither, the index is read
//! again after a while and merged anew if another pusher has written over it.

use super::{Upload, exists, place, put, refused};
use crate::error::{Error, ErrorKind, Result};
use crate::package::digest;
use crate::repository::access::Access;
use crate::repository::http::{Client, Request, fetch_error, status_text};
use crate::repository::index::{ChartVersion, INDEX_LIMIT, Index};
use crate::repository::rfc3339;
use crate::repository::url;
use reqwest::{Method, StatusCode};
use std::time::Duration;

/// The folder that stands for the right to change the index.
const LOCK: &str = "rutter-push.lock";
/// How often the lock is asked for before it is taken from a pusher that must have died: about half a minute.
const LOCK_ATTEMPTS: u32 = 150;
const LOCK_PAUSE: Duration = Duration::from_millis(200);
/// How often a merge is tried that others come before.
const MERGE_ATTEMPTS: u32 = 40;
/// After this time another pusher's stale index has arrived, if there was one.
const SETTLED: Duration = Duration::from_millis(400);

/// Whether the right to change the index could be had.
pub enum Claim {
    Held,
    /// The server makes no folders (or not for us).
    Unsupported,
}

/// The lock as long as it is held.
pub struct Lock<'a> {
    client: &'a Client<'a>,
    access: &'a Access,
    address: String,
    pub claim: Claim,
}

impl<'a> Lock<'a> {
    /// Takes the lock of the folder at `base`, waiting for others.
    pub fn take(client: &'a Client<'a>, base: &str, access: &'a Access) -> Result<Lock<'a>> {
        let address = format!("{}/", place(base, LOCK)?);
        let mut lock = Lock { client, access, address, claim: Claim::Unsupported };
        let mut absent = 0;
        for _ in 0..LOCK_ATTEMPTS {
            match lock.make()? {
                StatusCode::CREATED => {
                    lock.claim = Claim::Held;
                    return Ok(lock);
                }
                // The answer for what exists, and for servers without this method: told apart by looking.
                StatusCode::METHOD_NOT_ALLOWED => {
                    let head = Request { method: Method::HEAD, ..Request::get(&lock.address, 1 << 20) };
                    absent += u32::from(client.send(head, access)?.status == StatusCode::NOT_FOUND);
                    if absent >= 3 {
                        return Ok(lock);
                    }
                    std::thread::sleep(LOCK_PAUSE / if absent > 0 { 20 } else { 1 });
                }
                StatusCode::LOCKED => std::thread::sleep(LOCK_PAUSE),
                // Nothing else will be let through either.
                status @ StatusCode::UNAUTHORIZED => {
                    let message = format!("could not push to {}: {}", url::redact(base), status_text(status));
                    return Err(Error::new(ErrorKind::Repository, message));
                }
                _ => return Ok(lock),
            }
        }
        client.reporter().warn(&format!("{} is held too long; taking it over", url::redact(&lock.address)));
        lock.remove();
        if lock.make()? == StatusCode::CREATED {
            lock.claim = Claim::Held;
            return Ok(lock);
        }
        Err(Error::new(ErrorKind::Repository, format!("cannot take {}: another push is under way", url::redact(&lock.address))))
    }

    fn make(&self) -> Result<StatusCode> {
        let Ok(method) = Method::from_bytes(b"MKCOL") else { return Ok(StatusCode::METHOD_NOT_ALLOWED) };
        Ok(self.client.send(Request::upload(method, &self.address, Vec::new()), self.access)?.status)
    }

    fn remove(&self) {
        // A lock that stays is taken over by the next; a fault here changes nothing about the push.
        let _ = self.client.send(Request::upload(Method::DELETE, &self.address, Vec::new()), self.access);
    }
}

impl Drop for Lock<'_> {
    fn drop(&mut self) {
        if matches!(self.claim, Claim::Held) {
            self.remove();
        }
    }
}

/// Puts archive and signature into the folder and the version into its index; `lock` is this pusher's.
pub fn push(lock: &Lock<'_>, base: &str, upload: &Upload<'_>) -> Result<String> {
    let (client, access) = (lock.client, lock.access);
    let target = match put(client, base, upload, access) {
        Ok(target) => target,
        // A push that died before it wrote the index is taken up where it stopped.
        Err(error) if error.kind() == ErrorKind::Exists && left_behind(client, base, upload, access)? => {
            put(client, base, &Upload { force: true, ..upload.clone() }, access)?
        }
        Err(error) => return Err(error),
    };
    let Err(error) = list(lock, base, upload) else { return Ok(target) };
    if upload.force {
        return Err(error.context(format!("{} was replaced, but index.yaml could not be written", upload.file_name)));
    }
    for name in [upload.file_name.to_string(), format!("{}.prov", upload.file_name)] {
        if name == upload.file_name || upload.provenance.is_some() {
            // What cannot be taken away again is not in the index; the first fault is the one to tell.
            let _ = client.send(Request::upload(Method::DELETE, &place(base, &name)?, Vec::new()), access);
        }
    }
    Err(error.context(format!("{} was taken back because index.yaml could not be written", upload.file_name)))
}

/// Whether this very archive lies there without being in the index.
fn left_behind(client: &Client<'_>, base: &str, upload: &Upload<'_>, access: &Access) -> Result<bool> {
    let address = place(base, upload.file_name)?;
    let found = client.send(Request::get(&address, upload.archive.len() as u64 + 1), access);
    if !found.is_ok_and(|found| found.status == StatusCode::OK && found.body == upload.archive) {
        return Ok(false);
    }
    let (index, _) = fetch(client, base, access)?;
    Ok(entry(&index, upload).is_none())
}

/// The index of the folder, and the header that keeps a write from replacing any other: by its tag where the server gives
/// a strong one, by its absence where there is none.
fn fetch(client: &Client<'_>, base: &str, access: &Access) -> Result<(Index, Option<(&'static str, String)>)> {
    let address = place(base, "index.yaml")?;
    let response = client.send(Request::get(&address, INDEX_LIMIT).header("cache-control", "no-cache"), access)?;
    match response.status {
        StatusCode::OK => {
            let tag = response.header("etag").filter(|tag| !tag.starts_with("W/"));
            let index = Index::parse(&response.body, &url::redact(&address), client.reporter())?;
            Ok((index, tag.map(|tag| ("if-match", tag.to_string()))))
        }
        StatusCode::NOT_FOUND => {
            Ok((Index { api_version: "v1".to_string(), ..Index::default() }, Some(("if-none-match", "*".to_string()))))
        }
        status => Err(fetch_error(&address, status)),
    }
}

fn entry<'i>(index: &'i Index, upload: &Upload<'_>) -> Option<&'i ChartVersion> {
    let versions = index.entries.get(&upload.metadata.name)?;
    versions.iter().find(|version| version.metadata.version == upload.metadata.version)
}

/// Puts the version into the index and sees to it that it stays.
fn list(lock: &Lock<'_>, base: &str, upload: &Upload<'_>) -> Result<()> {
    let (client, access) = (lock.client, lock.access);
    let now = rfc3339(client.settings().now);
    let digest = digest::sha256(upload.archive);
    let own = ChartVersion {
        metadata: upload.metadata.clone(),
        urls: vec![url::escape_path(upload.file_name)],
        created: now.clone(),
        removed: false,
        digest: digest::hex(&digest),
    };
    let address = place(base, "index.yaml")?;
    let mut written = false;
    for attempt in 0..MERGE_ATTEMPTS {
        if attempt > 0 {
            // Pushers that met must not meet again: each waits its own time.
            let own_part = u32::from(digest.get(attempt as usize % digest.len()).copied().unwrap_or_default());
            std::thread::sleep(SETTLED + Duration::from_millis(2) * own_part);
        }
        let (mut index, condition) = fetch(client, base, access)?;
        match entry(&index, upload) {
            Some(found) if found.digest == own.digest => return Ok(()),
            Some(_) if !upload.force && !written => return Err(exists(upload)),
            _ => {}
        }
        let versions = index.entries.entry(own.metadata.name.clone()).or_default();
        versions.retain(|version| version.metadata.version != own.metadata.version);
        versions.push(own.clone());
        index.generated.clone_from(&now);
        index.sort();
        let request = Request::upload(Method::PUT, &address, index.to_yaml()?.into_bytes()).header("content-type", "application/x-yaml");
        let request = match condition {
            Some((name, value)) => request.header(name, value),
            None => request,
        };
        let response = client.send(request, access)?;
        match response.status {
            status if status.is_success() && matches!(lock.claim, Claim::Held) => return Ok(()),
            status if status.is_success() => written = true,
            StatusCode::PRECONDITION_FAILED | StatusCode::CONFLICT | StatusCode::LOCKED => {}
            _ => return Err(refused(upload, &response)),
        }
    }
    Err(Error::new(ErrorKind::Repository, format!("{} changes faster than it can be written", url::redact(&address))))
}
