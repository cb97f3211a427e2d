//! Uploading charts to HTTP repositories.
//!
//! Goes in: an archive, its provenance if there is one, and the kind of server. Comes out: both are uploaded, or neither. ChartMuseum
//! accepts both in one request; servers that accept plain PUTs get the provenance first, which is deleted again if the archive is
//! refused. An existing version is refused unless forced. Follows ChartMuseum's API and the public documents of Artifactory, Nexus and
//! GitLab; Helm itself pushes only to OCI registries. `webdav` handles folders behind WebDAV, whose index the pusher must maintain.

mod webdav;

use crate::chart::Metadata;
use crate::data::Data;
use crate::error::{Error, ErrorKind, Result};
use crate::package::digest::sha256_hex;
use crate::quote::quote;
use crate::repository::access::Access;
use crate::repository::http::{Client, Request, Response};
use crate::repository::url::{self, Address, escape_path};
use reqwest::{Method, StatusCode};
use webdav::with_lock;

/// The kind of server behind a repository.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum ServerKind {
    /// Detected by the address, else ChartMuseum if its API responds, else WebDAV if it creates folders, else plain PUT.
    #[default]
    Auto,
    /// `POST /api/charts`, multipart. Harbor's old chart repositories too.
    ChartMuseum,
    /// `PUT ADDRESS/FILE`; the server maintains the index: Artifactory, Nexus.
    Put,
    /// `PUT ADDRESS/FILE`, then index.yaml is merged and put back: nginx, Apache.
    WebDav,
    /// `POST /api/v4/projects/ID/packages/helm/api/CHANNEL/charts`, multipart.
    GitLab,
}

/// What is uploaded.
#[derive(Debug, Clone)]
pub struct ChartUpload<'a> {
    pub file_name: &'a str,
    pub metadata: &'a Metadata,
    pub archive: &'a [u8],
    pub provenance: Option<&'a [u8]>,
    /// Replace an existing version.
    pub force: bool,
    /// ChartMuseum's `--context-path`, if known.
    pub context_path: Option<&'a str>,
}

/// Uploads to the repository at `base` and returns the address of the archive.
pub fn push(client: &Client<'_>, base: &str, server: ServerKind, upload: &ChartUpload<'_>, access: &Access) -> Result<String> {
    match server {
        ServerKind::ChartMuseum => chart_museum(client, base, upload, access)?.ok_or_else(|| no_api(base)),
        ServerKind::Put => put(client, base, upload, access),
        ServerKind::WebDav => with_lock(client, base, access, |lock| webdav::push(lock, base, upload)),
        ServerKind::GitLab => gitlab(client, base, upload, access),
        ServerKind::Auto if base.contains("/api/v4/projects/") => gitlab(client, base, upload, access),
        ServerKind::Auto if base.contains("/artifactory/") || base.contains("/repository/") => put(client, base, upload, access),
        ServerKind::Auto => match chart_museum(client, base, upload, access)? {
            Some(address) => Ok(address),
            None => with_lock(client, base, access, |lock| match lock.is_held() {
                true => webdav::push(lock, base, upload),
                false => put(client, base, upload, access),
            }),
        },
    }
}

fn no_api(base: &str) -> Error {
    Error::new(ErrorKind::Usage, format!("{} has no chart upload API", url::redact(base)))
}

/// `None` if the server has no such API. Unless the context path is known, the path of `base` is tried as a
/// tenant first; if there is no such tenant, as the context path of a server behind a proxy.
fn chart_museum(client: &Client<'_>, base: &str, upload: &ChartUpload<'_>, access: &Access) -> Result<Option<String>> {
    let pushed = chart_museum_at(client, base, upload, access)?;
    let path = Address::parse(base).map(|address| address.path).unwrap_or_default();
    if pushed.is_some() || upload.context_path.is_some() || path.trim_matches('/').is_empty() {
        return Ok(pushed);
    }
    chart_museum_at(client, base, &ChartUpload { context_path: Some(&path), ..upload.clone() }, access)
}

fn chart_museum_at(client: &Client<'_>, base: &str, upload: &ChartUpload<'_>, access: &Access) -> Result<Option<String>> {
    let mut address = Address::parse(base).ok_or_else(|| invalid(base))?;
    let context = upload.context_path.unwrap_or_default().trim_matches('/');
    let path = address.path.trim_matches('/').to_string();
    let rest = url::below(&path, context).unwrap_or(&path);
    let parts = [context, "api", rest, "charts"];
    address.path = format!("/{}", parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("/"));
    address.query = upload.force.then(|| "force".to_string());
    let target = address.to_string();
    let response = multipart(client, &target, upload, access)?;
    match response.status {
        StatusCode::CREATED | StatusCode::OK | StatusCode::ACCEPTED => Ok(Some(target)),
        StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED | StatusCode::NOT_IMPLEMENTED => Ok(None),
        _ => Err(refused(upload, &response)),
    }
}

fn gitlab(client: &Client<'_>, base: &str, upload: &ChartUpload<'_>, access: &Access) -> Result<String> {
    // Charts are read from `…/packages/helm/CHANNEL` but written to `…/packages/helm/api/CHANNEL/charts`.
    let trimmed = base.trim_end_matches('/');
    let target = match trimmed.split_once("/packages/helm/") {
        Some((project, channel)) if !channel.starts_with("api/") => format!("{project}/packages/helm/api/{channel}/charts"),
        Some(_) if trimmed.ends_with("/charts") => trimmed.to_string(),
        Some(_) => format!("{trimmed}/charts"),
        None => return Err(Error::new(ErrorKind::Usage, format!("{} is no GitLab package address", url::redact(base)))),
    };
    if upload.provenance.is_some() {
        return Err(Error::new(ErrorKind::Repository, "GitLab's chart repositories take no provenance files; push the archive without it"));
    }
    let response = multipart(client, &target, upload, access)?;
    if response.status == StatusCode::CREATED { Ok(target) } else { Err(refused(upload, &response)) }
}

fn multipart(client: &Client<'_>, target: &str, upload: &ChartUpload<'_>, access: &Access) -> Result<Response> {
    // The boundary is derived from the content, so that it does not occur in it and equal uploads are equal.
    let digest = sha256_hex(upload.archive);
    let boundary = format!("rutter-{}", digest.get(..32).unwrap_or_default());
    let mut body = Vec::with_capacity(upload.archive.len() + 1024);
    let mut part = |field: &str, name: &str, bytes: &[u8]| {
        let head = format!(
            "--{boundary}\r\nContent-Disposition: form-data; name=\"{field}\"; filename=\"{name}\"\r\nContent-Type: application/octet-stream\r\n\r\n"
        );
        body.extend_from_slice(head.as_bytes());
        body.extend_from_slice(bytes);
        body.extend_from_slice(b"\r\n");
    };
    part("chart", upload.file_name, upload.archive);
    if let Some(provenance) = upload.provenance {
        part("prov", &format!("{}.prov", upload.file_name), provenance);
    }
    body.extend_from_slice(format!("--{boundary}--\r\n").as_bytes());
    let request = Request::upload(Method::POST, target, body).header("content-type", format!("multipart/form-data; boundary={boundary}"));
    client.send(request, access)
}

fn put(client: &Client<'_>, base: &str, upload: &ChartUpload<'_>, access: &Access) -> Result<String> {
    let target = place(base, upload.file_name)?;
    if !upload.force {
        let found = client.send(head(&target), access)?;
        match found.status {
            StatusCode::OK => return Err(exists(upload)),
            // The upload would be refused too, so the archive is not sent.
            StatusCode::UNAUTHORIZED => return Err(refused(upload, &found)),
            // The server cannot say whether the version exists. Servers that merely lack HEAD still honour the condition of the upload.
            status if status.is_server_error() && status != StatusCode::NOT_IMPLEMENTED => return Err(refused(upload, &found)),
            _ => {}
        }
    }
    let signature = place(base, &format!("{}.prov", upload.file_name))?;
    if let Some(provenance) = upload.provenance {
        let mut response = client.send(put_request(&signature, provenance, upload.force), access)?;
        if response.status == StatusCode::PRECONDITION_FAILED {
            // Another upload's, unless there is no archive: then it was left behind.
            if client.send(head(&target), access)?.status == StatusCode::OK {
                return Err(exists(upload));
            }
            response = client.send(put_request(&signature, provenance, true), access)?;
        }
        if !response.status.is_success() {
            return Err(put_refused(client, base, &target, upload, &response, access));
        }
    }
    let outcome = client.send(put_request(&target, upload.archive, upload.force), access);
    let failed = match outcome {
        Ok(response) if response.status.is_success() => return Ok(target),
        Ok(response) => put_refused(client, base, &target, upload, &response, access),
        Err(error) => error,
    };
    if upload.provenance.is_some() {
        // The archive was not uploaded, so its signature is removed. An error here must not hide the first one.
        let _ = client.send(Request::upload(Method::DELETE, &signature, Vec::new()), access);
    }
    Err(failed)
}

fn head(target: &str) -> Request<'_> {
    Request { method: Method::HEAD, ..Request::get(target, 1 << 20) }
}

/// Why a PUT failed. A conflict means a missing folder (RFC 4918, 9.7.1), unless another upload was faster.
fn put_refused(client: &Client<'_>, base: &str, target: &str, upload: &ChartUpload<'_>, response: &Response, access: &Access) -> Error {
    let is_there = || client.send(head(target), access).is_ok_and(|found| found.status == StatusCode::OK);
    if response.status != StatusCode::CONFLICT || is_there() {
        return refused(upload, response);
    }
    let message = format!("could not push {}: {}: is there a folder {}?", upload.file_name, response.status_text(), url::redact(base));
    Error::new(ErrorKind::Repository, message)
}

/// The address of a file in the repository.
fn place(base: &str, name: &str) -> Result<String> {
    url::resolve_reference(base, &escape_path(name)).ok_or_else(|| invalid(base))
}

fn invalid(base: &str) -> Error {
    Error::new(ErrorKind::Usage, format!("invalid repository URL {}", quote(url::redact(base))))
}

fn put_request<'a>(target: &'a str, bytes: &[u8], replace: bool) -> Request<'a> {
    let request = Request::upload(Method::PUT, target, bytes.to_vec()).header("content-type", "application/octet-stream");
    // Of two concurrent uploads only one finds no existing file.
    if replace { request } else { request.header("if-none-match", "*") }
}

fn exists(upload: &ChartUpload<'_>) -> Error {
    let advice = if upload.force { "the server replaces no versions" } else { "use --force to replace it" };
    Error::new(ErrorKind::Exists, format!("{} already exists in the repository; {advice}", upload.file_name))
}

/// The error for a refused upload, with the server's message and status.
fn refused(upload: &ChartUpload<'_>, response: &Response) -> Error {
    if matches!(response.status, StatusCode::CONFLICT | StatusCode::PRECONDITION_FAILED) {
        return exists(upload);
    }
    let answer = crate::json::parse(&response.body).unwrap_or_default();
    let text = |name: &str| answer.as_map().and_then(|map| map.get(name)).and_then(Data::as_str).map(crate::repository::printable);
    let said = text("error").or_else(|| text("message")).unwrap_or_default();
    let separator = if said.is_empty() { "" } else { ": " };
    Error::new(ErrorKind::Repository, format!("could not push {}: {}{separator}{said}", upload.file_name, response.status_text()))
}
