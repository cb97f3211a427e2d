//! Pushing to a folder behind WebDAV (nginx, Apache), where only the pushers maintain index.yaml.
//!
//! Goes in: the folder's address and an upload. Comes out: archive, signature and a merged index.yaml, or none of them.
//! Concurrent pushes lose no version: if the server can create folders, creating the folder [`LOCK`] takes the lock (only
//! one of two can), and its holder regularly shows that it is alive; if the server honours `If-Match`, a stale index is
//! refused; if it does neither, the index is read again after a while and merged anew if another pusher has overwritten it.

use super::{ChartUpload, exists, place, put, refused};
use crate::error::{Error, ErrorKind, Result};
use crate::package::digest;
use crate::parallel;
use crate::repository::access::Access;
use crate::repository::http::{Client, Request, fetch_error, status_text};
use crate::repository::index::{ChartVersion, INDEX_LIMIT, Index};
use crate::repository::rfc3339;
use crate::repository::url;
use reqwest::{Method, StatusCode};
use std::sync::mpsc::RecvTimeoutError;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// The folder that serves as the lock for the index.
const LOCK: &str = "rutter-push.lock";
/// The file in it by which the holder shows that it is alive, with a different text each time.
const HOLDER: &str = "rutter-push.lock/holder";
/// The pause between two checks of a lock that another push holds, unless the settings have one.
const PAUSE: Duration = Duration::from_millis(250);
/// How many pauses pass between the holder's signs of life: 5 seconds.
const BEAT: u32 = 20;
/// How many pauses without a sign of life mean that the holder has died: 30 seconds. After half of it the holder distrusts its own lock.
const PATIENCE: u32 = 120;
/// How many pauses this push waits for other holders, one after the other, before it gives up: 10 minutes.
const QUEUE_LIMIT: u32 = 2400;
/// How often a merge is tried when other pushes interfere.
const MERGE_ATTEMPTS: u32 = 40;
/// After this time a stale index from another pusher would have arrived.
const SETTLED: Duration = Duration::from_millis(400);

/// The lock for the index, held while the work given to [`with_lock`] runs.
pub struct Lock<'a> {
    client: &'a Client<'a>,
    access: &'a Access,
    /// Address of the lock folder.
    address: String,
    /// Address of the file in it.
    holder: String,
    /// The text that identifies this holder.
    identity: String,
    is_held: bool,
    pause: Duration,
    /// When the lock was last known to be ours.
    seen: Mutex<Instant>,
}

/// Runs `work` under the lock of the folder at `base`, after waiting for others. If the server does not create
/// folders (or not for us), it runs without the lock, as [`Lock::is_held`] tells.
pub fn with_lock<T>(client: &Client<'_>, base: &str, access: &Access, work: impl FnOnce(&Lock<'_>) -> Result<T>) -> Result<T> {
    let lock = Lock::take(client, base, access)?;
    if !lock.is_held {
        return work(&lock);
    }
    let (ended, end) = std::sync::mpsc::channel::<()>();
    let result = std::thread::scope(|scope| {
        let lock = &lock;
        // Without a thread nobody sees that it is held, and others may take it over.
        parallel::start(scope, move || {
            for number in 1.. {
                // Nothing is sent: the channel closes when the work is done.
                if end.recv_timeout(lock.pause * BEAT) != Err(RecvTimeoutError::Timeout) {
                    return;
                }
                lock.show_life(number);
            }
        });
        let result = work(lock);
        drop(ended);
        result
    });
    lock.release();
    result
}

impl<'a> Lock<'a> {
    fn take(client: &'a Client<'a>, base: &str, access: &'a Access) -> Result<Lock<'a>> {
        let address = format!("{}/", place(base, LOCK)?);
        let identity = format!("{}-{}", std::process::id(), client.settings().now);
        let holder = url::resolve_reference(base, HOLDER).ok_or_else(|| super::invalid(base))?;
        let pause = client.settings().retry_pause.unwrap_or(PAUSE);
        let seen = Mutex::new(Instant::now());
        let lock = Lock { client, access, address, holder, identity, is_held: false, pause, seen };
        let began = Instant::now();
        let (mut absent, mut sign, mut changed) = (0, None, Instant::now());
        while began.elapsed() < pause * QUEUE_LIMIT {
            match lock.make()? {
                StatusCode::CREATED => return Ok(lock.taken()),
                // Returned if the folder exists, and by servers without this method: a HEAD request tells which.
                StatusCode::METHOD_NOT_ALLOWED => {
                    let head = Request { method: Method::HEAD, ..Request::get(&lock.address, 1 << 20) };
                    absent += u32::from(client.send(head, access)?.status == StatusCode::NOT_FOUND);
                    if absent >= 3 {
                        return Ok(lock);
                    }
                    let now = lock.sign();
                    if now != sign {
                        (sign, changed) = (now, Instant::now());
                    } else if changed.elapsed() > pause * PATIENCE {
                        client.reporter().warn(&format!("{} is held too long; taking it over", url::redact(&lock.address)));
                        lock.remove();
                        changed = Instant::now();
                    }
                    std::thread::sleep(pause / if absent > 0 { 20 } else { 1 });
                }
                StatusCode::LOCKED => std::thread::sleep(pause),
                // No other request will be allowed either.
                status @ StatusCode::UNAUTHORIZED => {
                    let message = format!("could not push to {}: {}", url::redact(base), status_text(status));
                    return Err(Error::new(ErrorKind::Repository, message));
                }
                _ => return Ok(lock),
            }
        }
        Err(Error::new(ErrorKind::Repository, format!("cannot take {}: other pushes are under way", url::redact(&lock.address))))
    }

    fn make(&self) -> Result<StatusCode> {
        let Ok(method) = Method::from_bytes(b"MKCOL") else { return Ok(StatusCode::METHOD_NOT_ALLOWED) };
        Ok(self.client.send(Request::upload(method, &self.address, Vec::new()), self.access)?.status)
    }

    fn taken(mut self) -> Lock<'a> {
        self.is_held = true;
        self.show_life(0);
        self
    }

    /// Shows a sign of life, unless the lock is no longer ours. If the server does not accept the file, the
    /// lock is taken over after a while.
    fn show_life(&self, number: u64) {
        if number > 0 && !self.is_ours() {
            return;
        }
        let text = format!("{} {number}\n", self.identity).into_bytes();
        let sent = self.client.send(Request::upload(Method::PUT, &self.holder, text), self.access);
        if number == 0 || sent.is_ok_and(|answer| answer.status.is_success()) {
            *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
        }
    }

    /// The holder's last sign of life.
    fn sign(&self) -> Option<Vec<u8>> {
        let request = Request::get(&self.holder, 1 << 12).header("cache-control", "no-cache");
        self.client.send(request, self.access).ok().filter(|answer| answer.status == StatusCode::OK).map(|answer| answer.body)
    }

    /// Whether this push is the holder in the file; yes if the file cannot be read.
    fn is_ours(&self) -> bool {
        self.sign().is_none_or(|text| text.starts_with(format!("{} ", self.identity).as_bytes()))
    }

    /// Whether no other push can have taken the lock.
    pub fn is_held(&self) -> bool {
        self.is_held && self.seen.lock().unwrap_or_else(PoisonError::into_inner).elapsed() < self.pause * PATIENCE / 2
    }

    /// Removes the lock folder, unless another push holds the lock by now.
    fn release(&self) {
        if self.is_held() || self.is_ours() {
            self.remove();
        }
    }

    fn remove(&self) {
        // A remaining lock is taken over by the next push, so an error here does not fail this one.
        let _ = self.client.send(Request::upload(Method::DELETE, &self.address, Vec::new()), self.access);
    }
}

/// Uploads archive and signature to the folder and adds the version to its index; `lock` is this push's.
pub fn push(lock: &Lock<'_>, base: &str, upload: &ChartUpload<'_>) -> Result<String> {
    let (client, access) = (lock.client, lock.access);
    if upload.force {
        // An archive that is replaced cannot be taken back if its index turns out to be one that must not be written.
        let listing = fetch(client, base, access)?;
        let digest = digest::hex(&digest::sha256(upload.archive));
        if let Some(lost) = listing.lost.filter(|_| entry(&listing.index, upload).is_none_or(|entry| entry.digest != digest)) {
            return Err(lost);
        }
    }
    let target = match put(client, base, upload, access) {
        Ok(target) => target,
        // A push that died before it wrote the index is resumed.
        Err(error) if error.kind() == ErrorKind::Exists && left_behind(client, base, upload, access)? => {
            put(client, base, &ChartUpload { force: true, ..upload.clone() }, access)?
        }
        Err(error) => return Err(error),
    };
    let Err(error) = list(lock, base, upload) else { return Ok(target) };
    if upload.force {
        return Err(error.context(format!("{} was replaced, but index.yaml could not be written", upload.file_name)));
    }
    for name in [upload.file_name.to_string(), format!("{}.prov", upload.file_name)] {
        if name == upload.file_name || upload.provenance.is_some() {
            // A leftover file is not in the index, so only the first error is reported.
            let _ = client.send(Request::upload(Method::DELETE, &place(base, &name)?, Vec::new()), access);
        }
    }
    Err(error.context(format!("{} was taken back because index.yaml could not be written", upload.file_name)))
}

/// Whether exactly this archive is in the folder without being in the index. Fails where entries are not understood and none that is
/// lists it: one of them may, and nothing could be added to that index anyway.
fn left_behind(client: &Client<'_>, base: &str, upload: &ChartUpload<'_>, access: &Access) -> Result<bool> {
    let address = place(base, upload.file_name)?;
    let found = client.send(Request::get(&address, upload.archive.len() as u64 + 1), access);
    if !found.is_ok_and(|found| found.status == StatusCode::OK && found.body == upload.archive) {
        return Ok(false);
    }
    let Listing { index, lost, .. } = fetch(client, base, access)?;
    match entry(&index, upload) {
        Some(_) => Ok(false),
        None => lost.map_or(Ok(true), Err),
    }
}

/// The index of the folder.
struct Listing {
    index: Index,
    /// The header that prevents overwriting any other version of it: `If-Match` if the server sends a strong tag, or a condition that
    /// the index does not exist yet if there is none.
    condition: Option<(&'static str, String)>,
    /// Why it must not be written: it has entries that are not understood, which others may want to keep.
    lost: Option<Error>,
}

fn fetch(client: &Client<'_>, base: &str, access: &Access) -> Result<Listing> {
    let address = place(base, "index.yaml")?;
    let response = client.send(Request::get(&address, INDEX_LIMIT).header("cache-control", "no-cache"), access)?;
    match response.status {
        StatusCode::OK => {
            let tag = response.header("etag").filter(|tag| !tag.starts_with("W/"));
            let (index, lost) = Index::parse_to_write(&response.body, &url::redact(&address))?;
            Ok(Listing { index, condition: tag.map(|tag| ("if-match", tag.to_string())), lost })
        }
        StatusCode::NOT_FOUND => {
            let index = Index { api_version: "v1".to_string(), ..Index::default() };
            Ok(Listing { index, condition: Some(("if-none-match", "*".to_string())), lost: None })
        }
        status => Err(fetch_error(&address, status)),
    }
}

fn entry<'i>(index: &'i Index, upload: &ChartUpload<'_>) -> Option<&'i ChartVersion> {
    let versions = index.entries.get(&upload.metadata.name)?;
    versions.iter().find(|version| version.metadata.version == upload.metadata.version)
}

/// Adds the version to the index and makes sure that it stays there.
fn list(lock: &Lock<'_>, base: &str, upload: &ChartUpload<'_>) -> Result<()> {
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
            // Each push waits for a different time, so that two that collided do not collide again.
            let own_part = u32::from(digest.get(attempt as usize % digest.len()).copied().unwrap_or_default());
            std::thread::sleep(SETTLED + Duration::from_millis(2) * own_part);
        }
        let Listing { mut index, condition, lost } = fetch(client, base, access)?;
        match entry(&index, upload) {
            Some(found) if found.digest == own.digest => return Ok(()),
            Some(_) if !upload.force && !written => return Err(exists(upload)),
            _ => lost.map_or(Ok(()), Err)?,
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
            status if status.is_success() && lock.is_held() => return Ok(()),
            status if status.is_success() => written = true,
            StatusCode::PRECONDITION_FAILED | StatusCode::CONFLICT | StatusCode::LOCKED => {}
            _ => return Err(refused(upload, &response)),
        }
    }
    Err(Error::new(ErrorKind::Repository, format!("{} changes faster than it can be written", url::redact(&address))))
}
