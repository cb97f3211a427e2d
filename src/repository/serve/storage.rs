//! The server's storage: a folder or a bucket behind a small set of operations.
//!
//! Goes in: object names made of checked parts. Comes out: bytes, listings, and for writes whether the object
//! was new. No other part of the server uses the `object_store` crate. A write is complete or not made at all:
//! in a folder by a temporary file and a link, in a bucket by a conditional put, so that of two writers of one
//! name exactly one is told it won. A confirmed write or deletion is on disk: file and folder are synced first.

use super::names;
use super::route::Depth;
use crate::error::{Cause, Error, ErrorKind, Result};
use axum::body::Bytes;
use futures_util::StreamExt as _;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt as _, PutMode, PutOptions, PutPayload};
use std::sync::Arc;

/// An object's properties in a listing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// The last part of its name.
    pub name: String,
    pub size: u64,
    /// Milliseconds since 1970.
    pub modified: i64,
    /// The store's tag of its content, if there is one.
    pub tag: Option<String>,
}

/// The outcome of a write that must not replace an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Written {
    New,
    Exists,
}

/// A folder or a bucket.
#[derive(Debug, Clone)]
pub struct Storage {
    store: Arc<dyn ObjectStore>,
    prefix: Path,
    /// The folder, unless it is a bucket.
    folder: Option<std::path::PathBuf>,
    /// How many objects were read.
    #[cfg(test)]
    pub reads: Arc<std::sync::atomic::AtomicUsize>,
    /// How many folders were listed.
    #[cfg(test)]
    pub listings: Arc<std::sync::atomic::AtomicUsize>,
}

fn failed(what: &str, error: impl std::error::Error + 'static) -> Error {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(&error);
    let (mut kind, mut is_refused) = (ErrorKind::Io, false);
    let mut text = String::new();
    while let Some(found) = cause {
        // Most errors include their cause; some do not ("builder error").
        let own = found.to_string();
        if !text.contains(&own) {
            text.push_str(if text.is_empty() { "" } else { ": " });
            text.push_str(&own);
        }
        if let Some(io) = found.downcast_ref::<std::io::Error>() {
            use std::io::ErrorKind::{FileTooLarge, PermissionDenied, QuotaExceeded, StorageFull};
            if matches!(io.kind(), FileTooLarge | QuotaExceeded | StorageFull) {
                kind = ErrorKind::Limit;
            }
            is_refused |= io.kind() == PermissionDenied;
        }
        is_refused |= found.downcast_ref().is_some_and(|error| matches!(error, object_store::Error::PermissionDenied { .. }));
        cause = found.source();
    }
    let fault = Error::new(kind, format!("storage: cannot {what}: {text}"));
    if is_refused { fault.with_cause(Cause::NotAllowed) } else { fault }
}

impl Storage {
    /// Opens `place`: a URL (`s3://bucket/prefix`, `gs://…`, `az://…`), or a folder, which is created if missing.
    /// `options` are the store's own settings by name, such as `aws_region` (passed in from the environment).
    pub fn open(place: &str, options: &[(String, String)]) -> Result<Storage> {
        if place.contains("://") {
            let url = reqwest::Url::parse(place).map_err(|error| failed(&format!("open `{place}`"), error))?;
            let options = options.iter().map(|(name, value)| (name.to_ascii_lowercase(), value.clone()));
            let (store, prefix) = object_store::parse_url_opts(&url, options).map_err(|error| failed(&format!("open `{place}`"), error))?;
            return Ok(Storage {
                store: Arc::from(store),
                prefix,
                folder: None,
                #[cfg(test)]
                reads: Arc::default(),
                #[cfg(test)]
                listings: Arc::default(),
            });
        }
        crate::fs::create_folders(std::path::Path::new(place))?;
        let store =
            object_store::local::LocalFileSystem::new_with_prefix(place).map_err(|error| failed(&format!("open `{place}`"), error))?;
        // A confirmed push must survive a power cut, as it does in a bucket.
        let store = store.with_fsync(true);
        Ok(Storage {
            store: Arc::new(store),
            prefix: Path::default(),
            folder: Some(place.into()),
            #[cfg(test)]
            reads: Arc::default(),
            #[cfg(test)]
            listings: Arc::default(),
        })
    }

    fn path(&self, name: &str) -> Path {
        name.split('/').filter(|part| !part.is_empty()).fold(self.prefix.clone(), |path, part| path.join(part))
    }

    /// Reads the whole object; `None` if there is none.
    pub async fn get(&self, name: &str) -> Result<Option<Bytes>> {
        #[cfg(test)]
        self.reads.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        match self.store.get(&self.path(name)).await {
            Ok(found) => Ok(Some(found.bytes().await.map_err(|error| failed(&format!("read `{name}`"), error))?)),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(failed(&format!("read `{name}`"), error)),
        }
    }

    /// The properties of an object, without reading it.
    pub async fn look(&self, name: &str) -> Result<Option<Listed>> {
        match self.store.head(&self.path(name)).await {
            Ok(meta) => Ok(Some(listed(&meta))),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(failed(&format!("look at `{name}`"), error)),
        }
    }

    /// Writes a new object; leaves an existing one unchanged.
    pub async fn create(&self, name: &str, bytes: Bytes) -> Result<Written> {
        let options = PutOptions { mode: PutMode::Create, ..PutOptions::default() };
        match self.store.put_opts(&self.path(name), PutPayload::from_bytes(bytes), options).await {
            Ok(_) => Ok(Written::New),
            Err(object_store::Error::AlreadyExists { .. } | object_store::Error::Precondition { .. }) => Ok(Written::Exists),
            Err(error) => Err(failed(&format!("write `{name}`"), error)),
        }
    }

    /// Writes an object, whether it exists or not.
    pub async fn replace(&self, name: &str, bytes: Bytes) -> Result<()> {
        match self.store.put(&self.path(name), PutPayload::from_bytes(bytes)).await {
            Ok(_) => Ok(()),
            Err(error) => Err(failed(&format!("write `{name}`"), error)),
        }
    }

    /// Deletes an object durably: a power cut does not bring it back. Returns whether there was one.
    pub async fn delete(&self, name: &str) -> Result<bool> {
        let deleted = self.discard(name).await?;
        // `object_store` syncs what it writes, not what it deletes.
        if let (true, Some(path)) = (deleted, self.folder.as_ref().map(|top| top.join(name)))
            && let Some(folder) = path.parent().map(std::path::Path::to_path_buf)
        {
            let synced = tokio::task::spawn_blocking(move || crate::fs::sync_folder(&folder)).await;
            synced.map_err(|error| failed(&format!("delete `{name}`"), error))??;
        }
        Ok(deleted)
    }

    /// Deletes an object that may reappear after a power cut without harm; returns whether there was one.
    pub async fn discard(&self, name: &str) -> Result<bool> {
        if self.look(name).await?.is_none() {
            return Ok(false);
        }
        match self.store.delete(&self.path(name)).await {
            Ok(()) => Ok(true),
            Err(object_store::Error::NotFound { .. }) => Ok(false),
            Err(error) => Err(failed(&format!("delete `{name}`"), error)),
        }
    }

    /// The objects directly in `folder` (empty for the top), sorted by name.
    pub async fn list(&self, folder: &str) -> Result<Vec<Listed>> {
        #[cfg(test)]
        self.listings.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let found =
            self.store.list_with_delimiter(Some(&self.path(folder))).await.map_err(|error| failed(&format!("list `{folder}`"), error))?;
        let mut objects: Vec<Listed> = found.objects.iter().map(listed).collect();
        objects.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(objects)
    }

    /// The names of the folders directly in `folder` (empty for the top), sorted.
    pub async fn folders(&self, folder: &str) -> Result<Vec<String>> {
        let found =
            self.store.list_with_delimiter(Some(&self.path(folder))).await.map_err(|error| failed(&format!("list `{folder}`"), error))?;
        let mut names: Vec<String> = found.common_prefixes.iter().filter_map(|path| path.filename()).map(str::to_string).collect();
        names.sort();
        Ok(names)
    }

    /// A value that changes whenever a file in `folder` is added, removed or replaced: the folder's time of
    /// change, in nanoseconds since 1970. `None` for a bucket, and if there is no such folder.
    pub fn stamp(&self, folder: &str) -> Option<i128> {
        crate::fs::folder_changed(&self.folder.as_ref()?.join(folder))
    }

    /// Removes the unfinished files of killed writers: `object_store` writes `NAME#NUMBER` before it links a
    /// file to its name. Only files whose name a server with tenants of this depth could write, and only an hour
    /// after their last change, seen from `now` (seconds since 1970), since another server may be writing them.
    pub fn sweep(&self, now: i64, depth: Depth) {
        let Some(top) = &self.folder else { return };
        let is_own = |parts: &[String], file: &str| unfinished(file).is_some_and(|name| names::has_object(parts, name, depth));
        let mut folders: Vec<Vec<String>> = vec![Vec::new()];
        while let Some(parts) = folders.pop() {
            let folder = top.join(parts.iter().collect::<std::path::PathBuf>());
            for name in crate::fs::names(&folder).unwrap_or_default() {
                // The server's own names are all valid UTF-8.
                let (path, Ok(name)) = (folder.join(&name), name.into_string()) else { continue };
                let Ok(about) = crate::fs::lstat(&path) else { continue };
                match about.kind {
                    crate::fs::Kind::Folder => {
                        let below: Vec<String> = parts.iter().cloned().chain([name]).collect();
                        if names::has_folder(&below, depth) {
                            folders.push(below);
                        }
                    }
                    crate::fs::Kind::File if now.saturating_sub(about.modified) > crate::fs::UNFINISHED_AGE && is_own(&parts, &name) => {
                        // A file that cannot be removed does no harm.
                        let _ = crate::fs::remove_file(&path);
                    }
                    _ => {}
                }
            }
        }
    }

    /// Deletes the objects below `folder` that were written before `time` (milliseconds since 1970).
    pub async fn delete_older(&self, folder: &str, time: i64) -> Result<()> {
        let mut found = self.store.list(Some(&self.path(folder)));
        while let Some(object) = found.next().await {
            let object = object.map_err(|error| failed(&format!("list `{folder}`"), error))?;
            if object.last_modified.timestamp_millis() < time {
                match self.store.delete(&object.location).await {
                    Ok(()) | Err(object_store::Error::NotFound { .. }) => {}
                    Err(error) => return Err(failed(&format!("delete below `{folder}`"), error)),
                }
            }
        }
        Ok(())
    }

    /// Deletes everything below `folder`.
    pub async fn delete_below(&self, folder: &str) -> Result<()> {
        self.delete_older(folder, i64::MAX).await?;
        self.discard_folder(folder);
        Ok(())
    }

    /// Takes away an empty folder, of which a bucket has none. One that cannot be taken away, or is not empty, stays.
    pub fn discard_folder(&self, folder: &str) {
        if let Some(top) = &self.folder {
            let _ = crate::fs::remove_empty_folder(&top.join(folder));
        }
    }
}

/// The final name of an unfinished file; `None` if `file` is not named like one.
fn unfinished(file: &str) -> Option<&str> {
    let (name, number) = file.rsplit_once('#')?;
    (!number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit())).then_some(name)
}

fn listed(meta: &object_store::ObjectMeta) -> Listed {
    Listed {
        name: meta.location.filename().unwrap_or_default().to_string(),
        size: meta.size,
        modified: meta.last_modified.timestamp_millis(),
        tag: meta.e_tag.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_syncs_what_it_confirms() {
        let top = tempfile::tempdir().expect("a folder");
        let storage = Storage::open(&top.path().to_string_lossy(), &[]).expect("storage");
        // A test cannot cut the power, so it checks that the store is configured to sync.
        assert!(format!("{storage:?}").contains("fsync: true"), "{storage:?}");
    }

    #[test]
    fn whoever_may_not_read_is_told_apart() {
        let io = |kind| std::io::Error::new(kind, "x");
        let inner = |source: std::io::Error| object_store::Error::Generic { store: "x", source: Box::new(source) };
        assert!(failed("read `x`", inner(io(std::io::ErrorKind::PermissionDenied))).is(Cause::NotAllowed));
        assert!(failed("read `x`", object_store::Error::PermissionDenied { path: "x".into(), source: "x".into() }).is(Cause::NotAllowed));
        assert!(!failed("read `x`", inner(io(std::io::ErrorKind::TimedOut))).is(Cause::NotAllowed));
    }

    #[test]
    fn what_is_created_once_is_not_created_again() {
        let top = tempfile::tempdir().expect("a folder");
        let storage = Storage::open(&top.path().to_string_lossy(), &[]).expect("storage");
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().expect("a runtime");
        let stored = |name: &str| runtime.block_on(storage.get(name)).expect("read").map(|bytes| bytes.to_vec());
        let create = |name: &str, bytes: &'static [u8]| runtime.block_on(storage.create(name, Bytes::from_static(bytes))).expect("written");
        for name in ["a.tgz", "tenant/a.tgz"] {
            assert_eq!((stored(name), create(name, b"first")), (None, Written::New), "{name}");
            for bytes in [&b"second"[..], b"first", b""] {
                assert_eq!((create(name, bytes), stored(name)), (Written::Exists, Some(b"first".to_vec())), "{name}");
            }
            runtime.block_on(storage.replace(name, Bytes::from_static(b"third"))).expect("written");
            assert_eq!(stored(name), Some(b"third".to_vec()), "{name}");
            assert!(runtime.block_on(storage.delete(name)).expect("deleted"));
            assert_eq!((stored(name), create(name, b"again")), (None, Written::New), "{name}");
        }
        // Of several concurrent writers one wins, and its content is stored.
        let writers = (0..8u8).map(|number| {
            let storage = storage.clone();
            runtime.spawn(async move { storage.create("b.tgz", Bytes::from(vec![number; 10_000])).await })
        });
        let written: Vec<Written> =
            writers.collect::<Vec<_>>().into_iter().map(|writer| runtime.block_on(writer).expect("done").expect("written")).collect();
        let winners: Vec<usize> = (0..8).filter(|number| written[*number] == Written::New).collect();
        assert_eq!(winners.len(), 1, "{written:?}");
        assert!(stored("b.tgz") == Some(vec![winners[0] as u8; 10_000]));
        let left = std::fs::read_dir(top.path()).expect("the folder").flatten().map(|entry| entry.file_name());
        assert_eq!(left.filter(|name| name.to_string_lossy().contains('#')).count(), 0, "nothing unfinished");
    }

    #[cfg(unix)]
    #[test]
    fn a_folder_syncs_what_it_deletes() {
        let top = tempfile::tempdir().expect("a folder");
        let storage = Storage::open(&top.path().to_string_lossy(), &[]).expect("storage");
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        let synced = |folder: &std::path::Path| {
            let all = crate::fs::SYNCED.lock().expect("the list");
            all.iter().filter(|path| *path == folder).count()
        };
        std::fs::create_dir(top.path().join("tenant")).expect("a folder");
        for name in ["a.tgz", "tenant/a.tgz", "tenant/b.tgz"] {
            std::fs::write(top.path().join(name), "x").expect("a file");
        }
        assert!(!runtime.block_on(storage.delete("tenant/none.tgz")).expect("looked"));
        assert!(runtime.block_on(storage.discard("tenant/b.tgz")).expect("deleted"));
        assert_eq!(synced(&top.path().join("tenant")), 0);
        for (name, folder) in [("tenant/a.tgz", top.path().join("tenant")), ("a.tgz", top.path().to_path_buf())] {
            assert!(runtime.block_on(storage.delete(name)).expect("deleted"));
            assert!(!top.path().join(name).exists());
            assert_eq!(synced(&folder), 1, "{name}");
        }
    }

    #[test]
    fn old_unfinished_files_of_the_server_are_swept() {
        let top = tempfile::tempdir().expect("a folder");
        let storage = Storage::open(&top.path().to_string_lossy(), &[]).expect("storage");
        let now = std::time::SystemTime::now();
        let old = now - std::time::Duration::from_secs(7200);
        let own = ["tenant/a-1.0.0.tgz#1", "b.tgz#12", "b.tgz.prov#1", ".index-snapshot.json#1", ".oci/app/_tags/1.0.0#1"];
        let others =
            ["kept.tgz", "kept#x", "kept.tgz#", "kept.tgz#1x", "new.tgz#1", "backup#3", "docs/Issue #12", ".git/a.tgz#1", "a b.tgz#1"];
        for name in own.iter().chain(&others) {
            let path = top.path().join(name);
            std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
            let file = std::fs::File::create(path).expect("a file");
            if *name != "new.tgz#1" {
                file.set_modified(old).expect("its time");
            }
        }
        let seconds = now.duration_since(std::time::UNIX_EPOCH).expect("a time after 1970").as_secs();
        let seconds = i64::try_from(seconds).expect("a time");
        storage.sweep(seconds, Depth::None);
        assert!(top.path().join("tenant/a-1.0.0.tgz#1").exists(), "no tenants, so none of the server's folders");
        storage.sweep(seconds, Depth::Dynamic);
        for name in own {
            assert!(!top.path().join(name).exists(), "{name}");
        }
        for name in others {
            assert!(top.path().join(name).exists(), "{name}");
        }
    }
}
