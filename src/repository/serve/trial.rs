//! A server without a network, for tests: requests go in as from a connection, and responses come out.

use super::accounts::Accounts;
use super::route::{Depth, Layout};
use super::storage::Storage;
use super::{Options, Server, answer};
use crate::repository::Recorded;
use crate::repository::serve::catalog::tests::wait;
use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, Request, StatusCode};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

pub struct Trial {
    pub server: Arc<Server>,
    pub folder: Arc<tempfile::TempDir>,
}

/// Options of a server on `folder` that lists it again for every request.
pub fn options(folder: &Path) -> Options {
    Options {
        listen: ([127, 0, 0, 1], 0).into(),
        storage: folder.to_string_lossy().into_owned(),
        storage_options: Vec::new(),
        layout: Layout { context_path: String::new(), depth: Depth::Dynamic },
        chart_url: String::new(),
        access: Accounts::open(),
        tls: None,
        upload_limit: 1 << 20,
        allow_overwrite: false,
        disable_force: false,
        disable_delete: false,
        disable_api: false,
        freshness: Duration::ZERO,
        clock: || 1_700_000_000_000,
        random: |bytes| bytes.fill(7),
        log: Arc::new(Recorded::default()),
        version: String::new(),
    }
}

impl Trial {
    /// A server on a new folder that it lists again for every request; `change` adjusts the options.
    pub fn new(change: impl FnOnce(&mut Options)) -> Trial {
        Trial::on(Arc::new(tempfile::tempdir().expect("a folder")), change)
    }

    /// Another server on the same folder.
    pub fn another(&self, change: impl FnOnce(&mut Options)) -> Trial {
        Trial::on(self.folder.clone(), change)
    }

    fn on(folder: Arc<tempfile::TempDir>, change: impl FnOnce(&mut Options)) -> Trial {
        let mut options = options(folder.path());
        change(&mut options);
        let storage = Storage::open(&options.storage, &[]).expect("storage");
        Trial { server: Arc::new(Server::new(storage, options)), folder }
    }

    /// The response to a request with these headers.
    pub fn ask(&self, method: &str, path: &str, headers: &[(&str, &str)], body: impl Into<Body>) -> (StatusCode, Bytes) {
        let (status, _, body) = self.answer(method, path, headers, body);
        (status, body)
    }

    /// The same with its headers.
    pub fn answer(&self, method: &str, path: &str, headers: &[(&str, &str)], body: impl Into<Body>) -> (StatusCode, HeaderMap, Bytes) {
        let mut request = Request::builder().method(method).uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(body.into()).expect("a request");
        wait(async {
            let (about, body) = answer(&self.server, request).await.into_parts();
            (about.status, about.headers, axum::body::to_bytes(body, usize::MAX).await.expect("a body"))
        })
    }

    /// The status of the response to a request without headers.
    pub fn status(&self, method: &str, path: &str, body: impl Into<Body>) -> u16 {
        self.ask(method, path, &[], body).0.as_u16()
    }

    pub fn get(&self, path: &str) -> (u16, Bytes) {
        let (status, body) = self.ask("GET", path, &[], Body::empty());
        (status.as_u16(), body)
    }

    pub fn path(&self, name: &str) -> std::path::PathBuf {
        Path::join(self.folder.path(), name)
    }
}
