//! The names of all repositories: `/v2/_catalog`, which the distribution specification does not define but all registries have.
//!
//! Goes in: the objects below `.oci`, and the charts of every tenant. Comes out: names in byte order, in pages
//! on request. Follows docker-registry's responses.

use super::{Page, page};
use crate::error::Result;
use crate::repository::oci::reference::valid_repository;
use crate::repository::serve::route::is_safe_part;
use crate::repository::serve::storage::Storage;
use crate::repository::serve::{Answer, Asked, Server, json};
use axum::http::StatusCode;
use serde_json::json as object;
use std::collections::BTreeSet;

/// The names after `last`, at most `n` of them.
pub(super) async fn repositories(server: &Server, asked: &Asked) -> Result<Answer> {
    let mut names = BTreeSet::new();
    pushed(server, &mut names).await?;
    uploaded(server, &mut names).await?;
    match page(names.into_iter().collect(), asked) {
        Err(refusal) => Ok(refusal),
        Ok(Page { items, next }) => {
            let mut answer = json(StatusCode::OK, object!({ "repositories": items }).to_string());
            super::link(&mut answer, "/v2/_catalog", next);
            Ok(answer)
        }
    }
}

/// The repositories that manifests were pushed to, at any depth. A repository's own folders start with `_`.
async fn pushed(server: &Server, names: &mut BTreeSet<String>) -> Result<()> {
    let mut folders = vec![String::new()];
    while let Some(name) = folders.pop() {
        for folder in server.storage.folders(&format!(".oci/{name}")).await? {
            if folder == "_manifests" && !server.storage.list(&format!(".oci/{name}/_manifests")).await?.is_empty() {
                names.insert(name.clone());
            }
            let below = below(&name, &folder);
            if !folder.starts_with('_') && valid_repository(&below) {
                folders.push(below);
            }
        }
    }
    Ok(())
}

/// Takes away the blobs of repositories without any manifest that were written before `before` (milliseconds since 1970): no
/// client has named them since. What single manifests leave behind stays, since a client that found it there may be about to name it.
pub(super) async fn forget_unnamed(storage: &Storage, before: i64) -> Result<()> {
    let mut folders = vec![String::new()];
    while let Some(name) = folders.pop() {
        let found = storage.folders(&format!(".oci/{name}")).await?;
        let has = |wanted: &str| found.iter().any(|folder| folder == wanted);
        if has("_blobs") && (!has("_manifests") || storage.list(&format!(".oci/{name}/_manifests")).await?.is_empty()) {
            storage.delete_older(&format!(".oci/{name}/_blobs"), before).await?;
        }
        folders.extend(found.iter().filter(|folder| !folder.starts_with('_')).map(|folder| below(&name, folder)));
    }
    Ok(())
}

/// The repositories of charts, uploaded over either API.
async fn uploaded(server: &Server, names: &mut BTreeSet<String>) -> Result<()> {
    let mut tenants = vec![String::new()];
    while let Some(tenant) = tenants.pop() {
        let (parts, depth) = (tenant.split('/').filter(|part| !part.is_empty()).count(), server.options.layout.depth);
        if depth.fits(parts) {
            let charts = server.catalog(&tenant).charts().await?;
            names.extend(charts.iter().map(|chart| below(&tenant, &chart.name)).filter(|name| valid_repository(name)));
        }
        if parts < depth.most() {
            let folders = server.storage.folders(&tenant).await?;
            tenants.extend(folders.iter().filter(|folder| is_safe_part(folder)).map(|folder| below(&tenant, folder)));
        }
    }
    Ok(())
}

fn below(folder: &str, name: &str) -> String {
    if folder.is_empty() { name.to_string() } else { format!("{folder}/{name}") }
}
