//! Publishing and withdrawing versions, for both APIs.
//!
//! Goes in: an archive with its metadata, and possibly its signature. Comes out: both are stored, or neither;
//! of two concurrent publishers of one version, in this process or another, one is told that it exists. A
//! signature without its archive is the claim of its writer, and is taken over if that writer has died.

use super::catalog::{Catalog, Package};
use super::storage::{Storage, Written};
use super::{Server, registry};
use crate::error::Result;
use crate::package::digest::sha256_hex;
use axum::body::Bytes;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

/// At this age a provenance file without its archive counts as left behind by a writer that died.
const ORPHANED: Duration = Duration::from_secs(10);

/// A version to publish.
pub struct Upload<'a> {
    /// The metadata read from the archive.
    pub package: &'a Package,
    pub archive: Bytes,
    pub provenance: Option<Bytes>,
    /// Replace an existing version.
    pub replace: bool,
}

/// Stores a chart and its provenance: both or neither; of two writers of one version one is told that it exists.
/// The provenance file is written first and serves as the claim; it is not visible until the archive is stored.
pub async fn publish(server: &Server, catalog: &Catalog, upload: Upload<'_>) -> Result<Written> {
    let file = &upload.package.file;
    let work = async {
        let outcome = write_both(server, catalog, upload).await;
        catalog.provenance_changed(file);
        outcome
    };
    catalog.claims.alone(file, work).await
}

/// Adds a signature to a version that has none; an existing one is kept. Returns whether it was written.
pub async fn sign_later(server: &Server, catalog: &Catalog, file: &str, provenance: Bytes) -> Result<Written> {
    let work = async {
        let written = server.storage.create(&format!("{}.prov", catalog.object(file)), provenance).await?;
        catalog.provenance_changed(file);
        Ok(written)
    };
    catalog.claims.alone(file, work).await
}

/// Deletes a version with its signature, while no other task here publishes it. Returns whether it existed.
pub async fn withdraw(server: &Server, catalog: &Catalog, file: &str) -> Result<bool> {
    let object = catalog.object(file);
    let work = async {
        if !server.storage.delete(&object).await? {
            return Ok(false);
        }
        server.storage.delete(&format!("{object}.prov")).await?;
        catalog.removed(file)?;
        server.metrics.deletions.fetch_add(1, Ordering::Relaxed);
        Ok(true)
    };
    catalog.claims.alone(file, work).await
}

async fn write_both(server: &Server, catalog: &Catalog, upload: Upload<'_>) -> Result<Written> {
    let Upload { package, archive, provenance, replace } = upload;
    let object = catalog.object(&package.file);
    let beside = format!("{object}.prov");
    let storage = &server.storage;
    if replace {
        let stored = storage.get(&object).await?.map(|stored| sha256_hex(&stored));
        if let Some(replaced) = stored.as_ref().filter(|stored| **stored != package.digest) {
            registry::keep_aliases(server, catalog.tenant(), package, replaced).await?;
        }
        let old = storage.get(&beside).await?;
        // The old signature would not be valid for another archive, and may be that of one that was replaced before.
        let is_same = stored.as_deref() == Some(&package.digest) && is_for(old.as_ref(), &package.digest);
        put_or_delete(storage, &beside, provenance.or_else(|| old.clone().filter(|_| is_same))).await?;
        if let Err(fault) = storage.replace(&object, archive.clone()).await {
            // The old archive is still stored. A second error must not hide the first one.
            let _ = put_or_delete(storage, &beside, old).await;
            return Err(fault);
        }
    } else {
        if storage.look(&object).await?.is_some() {
            return Ok(Written::Exists);
        }
        if let Some(provenance) = &provenance
            && storage.create(&beside, provenance.clone()).await? == Written::Exists
            && !claim_again(storage, server.options.clock, ORPHANED, &object, provenance, &package.digest).await?
        {
            return Ok(Written::Exists);
        }
        let written = storage.create(&object, archive.clone()).await;
        if provenance.is_none()
            && matches!(written, Ok(Written::New))
            && is_orphan(storage, server.options.clock, &beside, &package.digest).await?
        {
            storage.delete(&beside).await?;
        }
        if let Some(provenance) = provenance {
            let stored = storage.get(&beside).await?;
            match &written {
                // Another writer assumed that this one had died, and replaced its signature.
                Ok(Written::New) if stored.as_ref() != Some(&provenance) => storage.replace(&beside, provenance).await?,
                Ok(Written::New) => {}
                // The signature is kept if it fits the winner's archive.
                _ if stored == Some(provenance) && storage.get(&object).await?.as_ref() != Some(&archive) => {
                    storage.delete(&beside).await?;
                }
                _ => {}
            }
        }
        if !matches!(written, Ok(Written::New)) {
            return written;
        }
    }
    if let Some(seen) = storage.look(&object).await? {
        catalog.added(package, seen)?;
    }
    Ok(Written::New)
}

async fn put_or_delete(storage: &Storage, name: &str, content: Option<Bytes>) -> Result<()> {
    match content {
        Some(content) => storage.replace(name, content).await,
        None => storage.delete(name).await.map(drop),
    }
}

/// Takes over the provenance file of a writer that died before it stored its archive: at once if the file is for exactly the
/// same archive, so that the winner has a valid signature in any case, else once it is old enough. Returns whether it did.
///
/// Only the storage's clock can tell its age, and that clock may be far ahead of this one, so the wait is limited to
/// `patience`. A file that did not change during that time no longer has a writer; one that did has an active one.
async fn claim_again(
    storage: &Storage,
    clock: fn() -> i64,
    patience: Duration,
    object: &str,
    provenance: &Bytes,
    digest: &str,
) -> Result<bool> {
    let beside = format!("{object}.prov");
    let (began, first) = (Instant::now(), storage.look(&beside).await?);
    loop {
        if storage.look(object).await?.is_some() {
            return Ok(false);
        }
        if is_for(storage.get(&beside).await?.as_ref(), digest) || is_orphan(storage, clock, &beside, digest).await? {
            break;
        }
        if began.elapsed() >= patience {
            match storage.look(&beside).await? == first {
                true => break,
                false => return Ok(false),
            }
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    storage.replace(&beside, provenance.clone()).await?;
    Ok(true)
}

/// Whether the provenance file, if there is one, is for the archive with this digest.
fn is_for(provenance: Option<&Bytes>, digest: &str) -> bool {
    provenance.is_none_or(|text| memchr::memmem::find(text, digest.as_bytes()).is_some())
}

/// Whether a provenance file is for another archive and so old that its writer must have died.
async fn is_orphan(storage: &Storage, clock: fn() -> i64, beside: &str, digest: &str) -> Result<bool> {
    let Some(seen) = storage.look(beside).await? else { return Ok(false) };
    let age = u64::try_from(clock().saturating_sub(seen.modified)).unwrap_or(0);
    Ok(Duration::from_millis(age) >= ORPHANED && !is_for(storage.get(beside).await?.as_ref(), digest))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::repository::serve::catalog::tests::archive;
    use crate::repository::serve::chartmuseum::tests::form_of;
    use crate::repository::serve::trial::Trial;

    /// A clock far behind the storage's.
    fn long_ago() -> i64 {
        1_000_000
    }

    #[test]
    fn a_claim_from_the_future_is_not_waited_for_without_end() {
        let top = tempfile::tempdir().expect("a folder");
        let storage = Storage::open(&top.path().to_string_lossy(), &[]).expect("storage");
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_time().build().expect("a runtime");
        let beside = top.path().join("a-1.0.0.tgz.prov");
        let own = Bytes::from_static(b"for this archive: ffff");
        let claim = || {
            let claimed = claim_again(&storage, long_ago, Duration::from_secs(1), "a-1.0.0.tgz", &own, "ffff");
            runtime.block_on(async { tokio::time::timeout(Duration::from_secs(30), claimed).await }).expect("an end").expect("claimed")
        };
        // The file does not change, so its writer counts as dead.
        std::fs::write(&beside, "for another").expect("a file");
        assert!(claim());
        assert_eq!(std::fs::read(&beside).expect("the file"), own);
        // The file changes, so the version belongs to its writer. It is overwritten first, since this task's
        // own text would be claimed again.
        std::fs::write(&beside, "for yet another").expect("a file");
        let is_over = std::sync::atomic::AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                for number in (0..2000).take_while(|_| !is_over.load(Ordering::Relaxed)) {
                    // Written atomically, as servers do: a truncated file would be an error.
                    crate::fs::write(&beside, format!("for another {number}").as_bytes()).expect("a file");
                    std::thread::sleep(Duration::from_millis(20));
                }
            });
            let is_mine = claim();
            is_over.store(true, Ordering::Relaxed);
            assert!(!is_mine);
        });
        assert_ne!(std::fs::read(&beside).expect("the file"), own);
        // The other writer's archive is stored, so the version exists.
        std::fs::write(top.path().join("a-1.0.0.tgz"), "x").expect("a file");
        assert!(!claim());
    }

    #[test]
    fn a_replacement_that_fails_leaves_the_signature() {
        for signed in [false, true] {
            let trial = Trial::new(|_| {});
            // The archive's path is a folder, which no file can replace.
            std::fs::create_dir_all(trial.path("a-1.0.0.tgz/x")).expect("a folder");
            let beside = trial.path("a-1.0.0.tgz.prov");
            if signed {
                std::fs::write(&beside, "signed").expect("a file");
            }
            assert_eq!(trial.status("POST", "/api/charts?force", archive("apiVersion: v2\nname: a\nversion: 1.0.0\n")), 500);
            assert_eq!(std::fs::read(&beside).ok(), signed.then(|| b"signed".to_vec()));
        }
    }

    #[test]
    fn a_deletion_waits_for_whoever_publishes_the_version() {
        let trial = Trial::new(|_| {});
        let chart = archive("apiVersion: v2\nname: a\nversion: 1.0.0\n");
        let whole = form_of(&chart);
        let form = [("content-type", "multipart/form-data; boundary=b")];
        for (path, reference) in [("/api/charts/a/1.0.0", ""), ("/v2/a/manifests/", "1.0.0")] {
            assert_eq!(trial.ask("POST", "/api/charts", &form, whole.clone()).0, 201);
            let catalog = trial.server.catalog("");
            let claim = catalog.claims.of("a-1.0.0.tgz");
            let held = claim.try_lock().expect("nobody's");
            std::thread::scope(|scope| {
                let deletion = scope.spawn(|| trial.status("DELETE", &format!("{path}{reference}"), ""));
                // Held by the map and here, and then by who waits for it.
                while std::sync::Arc::strong_count(&claim) < 3 && !deletion.is_finished() {
                    std::thread::sleep(Duration::from_millis(1));
                }
                assert!(trial.path("a-1.0.0.tgz").exists() && trial.path("a-1.0.0.tgz.prov").exists(), "{path}");
                drop(held);
                assert!(matches!(deletion.join().expect("an answer"), 200 | 202), "{path}");
            });
            assert!(!trial.path("a-1.0.0.tgz").exists() && !trial.path("a-1.0.0.tgz.prov").exists(), "{path}");
        }
    }
}
