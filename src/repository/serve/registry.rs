//! The OCI distribution API (v1.1: pull, push, content discovery, deletion) on the same storage.
//!
//! Goes in: a registry route and a request. Comes out: the spec's answers. A manifest whose config is a Helm chart is
//! published among the tenant's charts, and every chart that was uploaded over HTTP can be pulled here: its manifest is
//! made from the archive each time, always with the same bytes. What is not a chart is kept below `.oci/NAME/`.
//! Upload sessions lie in storage too, so that the parts of one upload may reach different servers.

use super::catalog::{Catalog, Entry, read_package};
use super::chartmuseum::publish;
use super::route::{Depth, RegistryRoute, digest_hex, is_tag};
use super::storage::Written;
use super::{Answer, Asked, Server, content, json};
use crate::data::Data;
use crate::error::{Error, ErrorKind, Result};
use axum::body::{Body, Bytes};
use axum::http::{HeaderName, Method, Response, StatusCode, header};
use serde_json::{Value, json as object};
use sha2::{Digest as _, Sha256};
use std::sync::Arc;
use std::sync::atomic::Ordering;

const CHART_CONFIG: &str = "application/vnd.cncf.helm.config.v1+json";
const CHART_LAYER: &str = "application/vnd.cncf.helm.chart.content.v1.tar+gzip";
const PROVENANCE_LAYER: &str = "application/vnd.cncf.helm.chart.provenance.v1.prov";
const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const INDEX: &str = "application/vnd.oci.image.index.v1+json";
const DIGEST_HEADER: HeaderName = HeaderName::from_static("docker-content-digest");
/// The spec asks registries to take manifests of at least 4 MiB.
const MANIFEST_LIMIT: usize = 4 << 20;

/// The spec's form of an error.
pub fn fault(status: StatusCode, code: &str, message: &str) -> Answer {
    json(status, &object!({ "errors": [{ "code": code, "message": message }] }).to_string())
}

fn blob_unknown() -> Answer {
    fault(StatusCode::NOT_FOUND, "BLOB_UNKNOWN", "blob unknown to registry")
}

fn manifest_unknown() -> Answer {
    fault(StatusCode::NOT_FOUND, "MANIFEST_UNKNOWN", "manifest unknown")
}

fn digest_of(bytes: &[u8]) -> String {
    format!("sha256:{}", data_encoding::HEXLOWER.encode(&Sha256::digest(bytes)))
}

/// An answer without a body.
fn empty(status: StatusCode, headers: &[(HeaderName, &str)]) -> Answer {
    let mut builder = Response::builder().status(status).header(header::CONTENT_LENGTH, 0);
    for (name, value) in headers {
        builder = builder.header(name, *value);
    }
    builder.body(Body::empty()).unwrap_or_else(|_| fault(StatusCode::INTERNAL_SERVER_ERROR, "UNKNOWN", "bad header"))
}

/// Answers a request below `/v2`.
pub async fn handle(server: &Arc<Server>, route: RegistryRoute, asked: &Asked) -> Result<Answer> {
    let reads = matches!(asked.method, Method::GET | Method::HEAD);
    if !reads && server.options.disable_api {
        return Ok(fault(StatusCode::METHOD_NOT_ALLOWED, "UNSUPPORTED", "the repository is read-only"));
    }
    match route {
        RegistryRoute::Base if reads => Ok(json(StatusCode::OK, "{}")),
        RegistryRoute::Tags { name } if reads => tags(server, &name, asked).await,
        RegistryRoute::Referrers { name, digest } if reads => referrers(server, &name, &digest, asked).await,
        RegistryRoute::Manifest { name, reference } if reads => match manifest(server, &name, &reference).await? {
            Some(bytes) => {
                let digest = digest_of(&bytes);
                Ok(content(asked, &media_type(&bytes), bytes, &[(DIGEST_HEADER, &digest)]))
            }
            None => Ok(manifest_unknown()),
        },
        RegistryRoute::Manifest { name, reference } if asked.method == Method::PUT => put_manifest(server, &name, &reference, asked).await,
        RegistryRoute::Manifest { name, reference } if asked.method == Method::DELETE => delete_manifest(server, &name, &reference).await,
        RegistryRoute::Blob { name, digest } if reads => {
            let Some(hex) = digest_hex(&digest) else { return Ok(fault(StatusCode::BAD_REQUEST, "DIGEST_INVALID", "not a sha256 digest")) };
            match blob(server, &name, hex).await? {
                Some(bytes) => Ok(content(asked, "application/octet-stream", bytes, &[(DIGEST_HEADER, &digest)])),
                None => Ok(blob_unknown()),
            }
        }
        RegistryRoute::Blob { name, digest } if asked.method == Method::DELETE => match digest_hex(&digest) {
            Some(hex) if server.storage.delete(&kept(&name, "_blobs", hex)).await? => Ok(empty(StatusCode::ACCEPTED, &[])),
            _ => Ok(blob_unknown()),
        },
        RegistryRoute::Uploads { name } if asked.method == Method::POST => start_upload(server, &name, asked).await,
        RegistryRoute::Upload { name, session } => upload(server, &name, &session, asked).await,
        _ => Ok(fault(StatusCode::METHOD_NOT_ALLOWED, "UNSUPPORTED", "the operation is unsupported")),
    }
}

/// Where something of a repository is kept; no part of a repository name begins with `_`.
fn kept(name: &str, kind: &str, key: &str) -> String {
    format!(".oci/{name}/{kind}/{key}")
}

/// The tenant and chart that a repository name means, if the layout has such tenants.
fn chart_of<'a>(server: &Server, name: &'a str) -> Option<(Arc<Catalog>, &'a str)> {
    let (tenant, chart) = name.rsplit_once('/').unwrap_or(("", name));
    let depth = if tenant.is_empty() { 0 } else { tenant.split('/').count() };
    let fits = match server.options.layout.depth {
        Depth::None => depth == 0,
        Depth::Fixed(wanted) => depth == wanted,
        Depth::Dynamic => true,
    };
    fits.then(|| (server.catalog(tenant), chart))
}

/// A version as a tag: `+` is not allowed there (Helm's rule).
fn tag_of(version: &str) -> String {
    version.replace('+', "_")
}

async fn versions(server: &Server, name: &str) -> Result<Vec<Arc<Entry>>> {
    match chart_of(server, name) {
        Some((catalog, chart)) => catalog.versions(chart).await,
        None => Ok(Vec::new()),
    }
}

/// Manifest and config of a chart that was not pushed here.
async fn made(server: &Server, catalog: &Catalog, entry: &Entry) -> Result<(Bytes, Bytes)> {
    let config = crate::json::to_vec(&Data::Map(entry.fields.clone()))?;
    let descriptor = |kind: &str, digest: String, size: u64| object!({ "mediaType": kind, "digest": digest, "size": size });
    let mut layers = vec![descriptor(CHART_LAYER, format!("sha256:{}", entry.digest), entry.size)];
    if let Some(provenance) = server.storage.get(&format!("{}.prov", catalog.object(&entry.file))).await? {
        layers.push(descriptor(PROVENANCE_LAYER, digest_of(&provenance), provenance.len() as u64));
    }
    let mut annotations = serde_json::Map::new();
    annotations.insert("org.opencontainers.image.title".into(), entry.name.as_str().into());
    annotations.insert("org.opencontainers.image.version".into(), entry.version.as_str().into());
    if !entry.description.is_empty() {
        annotations.insert("org.opencontainers.image.description".into(), entry.description.as_str().into());
    }
    let manifest = object!({
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": descriptor(CHART_CONFIG, digest_of(&config), config.len() as u64),
        "layers": layers,
        "annotations": annotations,
    });
    Ok((Bytes::from(manifest.to_string()), Bytes::from(config)))
}

async fn manifest(server: &Server, name: &str, reference: &str) -> Result<Option<Bytes>> {
    if let Some(hex) = digest_hex(reference) {
        if let Some(bytes) = server.storage.get(&kept(name, "_manifests", hex)).await? {
            return Ok(Some(bytes));
        }
    } else if !is_tag(reference) {
        return Ok(None);
    } else if let Some(digest) = server.storage.get(&kept(name, "_tags", reference)).await? {
        let digest = String::from_utf8_lossy(&digest).into_owned();
        if let Some(hex) = digest_hex(&digest)
            && let Some(bytes) = server.storage.get(&kept(name, "_manifests", hex)).await?
        {
            return Ok(Some(bytes));
        }
    }
    let Some((catalog, chart)) = chart_of(server, name) else { return Ok(None) };
    for entry in catalog.versions(chart).await? {
        if digest_hex(reference).is_none() && tag_of(&entry.version) != reference {
            continue;
        }
        let (bytes, _) = made(server, &catalog, &entry).await?;
        if digest_hex(reference).is_none() || digest_of(&bytes) == reference {
            return Ok(Some(bytes));
        }
    }
    Ok(None)
}

fn media_type(manifest: &[u8]) -> String {
    let parsed: Value = serde_json::from_slice(manifest).unwrap_or_default();
    match parsed.get("mediaType").and_then(Value::as_str) {
        // A header may hold less than a JSON string.
        Some(kind) if kind.bytes().all(|byte| byte.is_ascii_graphic()) => kind.to_string(),
        _ if parsed.get("manifests").is_some() => INDEX.to_string(),
        _ => MANIFEST.to_string(),
    }
}

async fn blob(server: &Server, name: &str, hex: &str) -> Result<Option<Bytes>> {
    if let Some(bytes) = server.storage.get(&kept(name, "_blobs", hex)).await? {
        return Ok(Some(bytes));
    }
    let Some((catalog, chart)) = chart_of(server, name) else { return Ok(None) };
    let versions = catalog.versions(chart).await?;
    if let Some(entry) = versions.iter().find(|entry| entry.digest == hex) {
        return server.storage.get(&catalog.object(&entry.file)).await;
    }
    for entry in versions {
        let (_, config) = made(server, &catalog, &entry).await?;
        if digest_of(&config).ends_with(hex) {
            return Ok(Some(config));
        }
        if let Some(provenance) = server.storage.get(&format!("{}.prov", catalog.object(&entry.file))).await?
            && digest_of(&provenance).ends_with(hex)
        {
            return Ok(Some(provenance));
        }
    }
    Ok(None)
}

async fn tags(server: &Server, name: &str, asked: &Asked) -> Result<Answer> {
    let mut tags: Vec<String> = server.storage.list(&format!(".oci/{name}/_tags")).await?.into_iter().map(|object| object.name).collect();
    tags.extend(versions(server, name).await?.iter().map(|entry| tag_of(&entry.version)));
    tags.sort();
    tags.dedup();
    if tags.is_empty() && server.storage.list(&format!(".oci/{name}/_manifests")).await?.is_empty() {
        return Ok(fault(StatusCode::NOT_FOUND, "NAME_UNKNOWN", "repository name not known to registry"));
    }
    if let Some(last) = asked.query("last") {
        tags.retain(|tag| tag.as_str() > last);
    }
    let limit = match asked.query("n").map(str::parse::<usize>) {
        None => usize::MAX,
        Some(Ok(limit)) => limit,
        Some(Err(_)) => return Ok(fault(StatusCode::BAD_REQUEST, "UNSUPPORTED", "n is a whole number")),
    };
    let more = tags.len() > limit;
    tags.truncate(limit);
    let mut answer = json(StatusCode::OK, &object!({ "name": name, "tags": tags }).to_string());
    if let (true, Some(last)) = (more, tags.last())
        && let Ok(link) = format!("</v2/{name}/tags/list?n={limit}&last={last}>; rel=\"next\"").parse()
    {
        answer.headers_mut().insert(header::LINK, link);
    }
    Ok(answer)
}

async fn referrers(server: &Server, name: &str, digest: &str, asked: &Asked) -> Result<Answer> {
    let Some(hex) = digest_hex(digest) else { return Ok(fault(StatusCode::BAD_REQUEST, "DIGEST_INVALID", "not a sha256 digest")) };
    let mut manifests = Vec::new();
    for object in server.storage.list(&format!(".oci/{name}/_referrers/{hex}")).await? {
        if let Some(bytes) = server.storage.get(&format!(".oci/{name}/_referrers/{hex}/{}", object.name)).await?
            && let Ok(descriptor) = serde_json::from_slice::<Value>(&bytes)
        {
            manifests.push(descriptor);
        }
    }
    let wanted = asked.query("artifactType");
    if let Some(wanted) = wanted {
        manifests.retain(|descriptor| descriptor.get("artifactType").and_then(Value::as_str) == Some(wanted));
    }
    let body = object!({ "schemaVersion": 2, "mediaType": INDEX, "manifests": manifests }).to_string();
    let filtered = (HeaderName::from_static("oci-filters-applied"), "artifactType");
    Ok(content(asked, INDEX, Bytes::from(body), if wanted.is_some() { std::slice::from_ref(&filtered) } else { &[] }))
}

async fn put_manifest(server: &Arc<Server>, name: &str, reference: &str, asked: &Asked) -> Result<Answer> {
    let invalid = |message: &str| fault(StatusCode::BAD_REQUEST, "MANIFEST_INVALID", message);
    if asked.body.len() > MANIFEST_LIMIT {
        return Ok(fault(StatusCode::PAYLOAD_TOO_LARGE, "SIZE_INVALID", "manifest too large"));
    }
    let Ok(parsed) = serde_json::from_slice::<Value>(&asked.body) else { return Ok(invalid("the manifest is not JSON")) };
    if !parsed.is_object() {
        return Ok(invalid("the manifest is not an object"));
    }
    let digest = digest_of(&asked.body);
    let tag = match digest_hex(reference) {
        Some(_) if reference != digest => return Ok(fault(StatusCode::BAD_REQUEST, "DIGEST_INVALID", "the digest is not the manifest's")),
        Some(_) => None,
        None if is_tag(reference) => Some(reference),
        None => return Ok(fault(StatusCode::BAD_REQUEST, "TAG_INVALID", "not a tag")),
    };
    let layers = parsed.get("layers").and_then(Value::as_array);
    for part in parsed.get("config").into_iter().chain(layers.into_iter().flatten()) {
        let Some(hex) = part.get("digest").and_then(Value::as_str).and_then(digest_hex) else {
            return Ok(invalid("a descriptor without sha256 digest"));
        };
        if blob(server, name, hex).await?.is_none() {
            return Ok(fault(StatusCode::NOT_FOUND, "MANIFEST_BLOB_UNKNOWN", &format!("blob sha256:{hex} unknown to registry")));
        }
    }
    let is_chart = parsed.pointer("/config/mediaType").and_then(Value::as_str) == Some(CHART_CONFIG);
    if let (true, Some(tag)) = (is_chart, tag)
        && let Some(refused) = publish_chart(server, name, tag, &parsed).await?
    {
        return Ok(refused);
    }
    let hex = digest_hex(&digest).unwrap_or_default();
    server.storage.replace(&kept(name, "_manifests", hex), asked.body.clone()).await?;
    let subject = parsed.pointer("/subject/digest").and_then(Value::as_str).filter(|subject| digest_hex(subject).is_some());
    if let Some(subject) = subject.and_then(digest_hex) {
        let kind = parsed.get("artifactType").or_else(|| parsed.pointer("/config/mediaType")).cloned().unwrap_or_default();
        let mut descriptor =
            object!({ "mediaType": media_type(&asked.body), "digest": digest, "size": asked.body.len(), "artifactType": kind });
        if let (Some(annotations), Some(map)) = (parsed.get("annotations"), descriptor.as_object_mut()) {
            map.insert("annotations".into(), annotations.clone());
        }
        let place = format!(".oci/{name}/_referrers/{subject}/{hex}.json");
        server.storage.replace(&place, Bytes::from(descriptor.to_string())).await?;
    }
    if let Some(tag) = tag {
        server.storage.replace(&kept(name, "_tags", tag), Bytes::from(digest.clone())).await?;
    }
    let place = format!("/v2/{name}/manifests/{digest}");
    let mut headers = vec![(header::LOCATION, place.as_str()), (DIGEST_HEADER, digest.as_str())];
    if let Some(subject) = subject {
        headers.push((HeaderName::from_static("oci-subject"), subject));
    }
    Ok(empty(StatusCode::CREATED, &headers))
}

/// Puts the chart of a manifest among the tenant's charts. `Some` is the refusal.
async fn publish_chart(server: &Arc<Server>, name: &str, tag: &str, manifest: &Value) -> Result<Option<Answer>> {
    let Some((catalog, chart_name)) = chart_of(server, name) else { return Ok(None) };
    let layers = manifest.get("layers").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let layer = |kind: &str| {
        let found = layers.iter().find(|layer| layer.get("mediaType").and_then(Value::as_str) == Some(kind));
        found.and_then(|layer| layer.get("digest")).and_then(Value::as_str).and_then(digest_hex)
    };
    let Some(archive) = layer(CHART_LAYER) else {
        return Ok(Some(fault(StatusCode::BAD_REQUEST, "MANIFEST_INVALID", "a chart manifest without chart layer")));
    };
    let Some(bytes) = blob(server, name, archive).await? else { return Ok(Some(blob_unknown())) };
    let provenance = match layer(PROVENANCE_LAYER) {
        Some(hex) => blob(server, name, hex).await?,
        None => None,
    };
    let for_reading = bytes.clone();
    let read = tokio::task::spawn_blocking(move || read_package(&for_reading)).await;
    let package = match read.map_err(|error| Error::new(ErrorKind::Chart, error.to_string())).and_then(|read| read) {
        Ok(package) => package,
        Err(error) => return Ok(Some(fault(StatusCode::BAD_REQUEST, "MANIFEST_INVALID", error.message()))),
    };
    if package.metadata.name != chart_name || tag_of(&package.metadata.version) != tag {
        let message = format!("the archive is {} {}, not {chart_name} {tag}", package.metadata.name, package.metadata.version);
        return Ok(Some(fault(StatusCode::BAD_REQUEST, "MANIFEST_INVALID", &message)));
    }
    match publish(server, &catalog, &package, bytes.clone(), provenance, server.options.allow_overwrite).await? {
        Written::New => {
            server.metrics.uploads.fetch_add(1, Ordering::Relaxed);
            // From here on the archive among the charts is this blob.
            server.storage.delete(&kept(name, "_blobs", archive)).await?;
            Ok(None)
        }
        Written::Exists => {
            let same = server.storage.get(&catalog.object(&package.file)).await?.is_some_and(|stored| stored == bytes);
            if same {
                return Ok(None);
            }
            let message = format!("{} {} exists with other content", package.metadata.name, package.metadata.version);
            Ok(Some(fault(StatusCode::CONFLICT, "DENIED", &message)))
        }
    }
}

async fn delete_manifest(server: &Server, name: &str, reference: &str) -> Result<Answer> {
    if server.options.disable_delete {
        return Ok(fault(StatusCode::METHOD_NOT_ALLOWED, "UNSUPPORTED", "deletion is disabled"));
    }
    let Some(bytes) = manifest(server, name, reference).await? else { return Ok(manifest_unknown()) };
    let digest = digest_of(&bytes);
    let mut deleted = false;
    for tag in server.storage.list(&format!(".oci/{name}/_tags")).await? {
        let place = kept(name, "_tags", &tag.name);
        let points_here = server.storage.get(&place).await?.is_some_and(|stored| stored == digest.as_bytes());
        if tag.name == reference || (digest_hex(reference).is_some() && points_here) {
            deleted |= server.storage.delete(&place).await?;
        }
    }
    if let Some(hex) = digest_hex(reference) {
        deleted |= server.storage.delete(&kept(name, "_manifests", hex)).await?;
        if let Ok(parsed) = serde_json::from_slice::<Value>(&bytes)
            && let Some(subject) = parsed.pointer("/subject/digest").and_then(Value::as_str).and_then(digest_hex)
        {
            server.storage.delete(&format!(".oci/{name}/_referrers/{subject}/{hex}.json")).await?;
        }
    }
    let layers: Value = serde_json::from_slice(&bytes).unwrap_or_default();
    if let Some((catalog, chart)) = chart_of(server, name) {
        for entry in catalog.versions(chart).await? {
            let layer = format!("sha256:{}", entry.digest);
            let holds =
                layers.get("layers").and_then(Value::as_array).is_some_and(|layers| layers.iter().any(|found| found["digest"] == layer));
            if holds {
                let object = catalog.object(&entry.file);
                deleted |= server.storage.delete(&object).await?;
                server.storage.delete(&format!("{object}.prov")).await?;
                catalog.removed(&entry.file);
                server.metrics.deletions.fetch_add(1, Ordering::Relaxed);
            }
        }
    }
    Ok(if deleted { empty(StatusCode::ACCEPTED, &[]) } else { manifest_unknown() })
}

/// Forgets the tag of a version that was deleted over ChartMuseum's API.
pub async fn forget(server: &Server, tenant: &str, name: &str, version: &str) -> Result<()> {
    let repository = if tenant.is_empty() { name.to_string() } else { format!("{tenant}/{name}") };
    server.storage.delete(&kept(&repository, "_tags", &tag_of(version))).await.map(drop)
}

fn session_folder(session: &str) -> String {
    format!(".oci/_uploads/{session}")
}

async fn start_upload(server: &Server, name: &str, asked: &Asked) -> Result<Answer> {
    if let Some(digest) = asked.query("digest") {
        return finish(server, name, digest, asked.body.clone()).await;
    }
    if let (Some(digest), Some(from)) = (asked.query("mount"), asked.query("from"))
        && let Some(hex) = digest_hex(digest)
        && super::route::is_registry_name(from)
        && let Some(bytes) = blob(server, from, hex).await?
    {
        return finish(server, name, digest, bytes).await;
    }
    let mut random = [0; 16];
    getrandom::fill(&mut random).map_err(|error| Error::new(ErrorKind::Io, format!("no random bytes: {error}")))?;
    let session = data_encoding::HEXLOWER.encode(&random);
    server.storage.replace(&format!("{}/start", session_folder(&session)), Bytes::new()).await?;
    let place = format!("/v2/{name}/blobs/uploads/{session}");
    Ok(empty(
        StatusCode::ACCEPTED,
        &[(header::LOCATION, &place), (header::RANGE, "0-0"), (HeaderName::from_static("docker-upload-uuid"), &session)],
    ))
}

/// The bytes of a session so far; `None` if there is no such session.
async fn so_far(server: &Server, session: &str) -> Result<Option<Vec<u8>>> {
    let folder = session_folder(session);
    let parts = server.storage.list(&folder).await?;
    if parts.is_empty() {
        return Ok(None);
    }
    let mut bytes = Vec::new();
    for part in parts.iter().filter(|part| part.name != "start") {
        bytes.extend_from_slice(&server.storage.get(&format!("{folder}/{}", part.name)).await?.unwrap_or_default());
    }
    Ok(Some(bytes))
}

async fn upload(server: &Server, name: &str, session: &str, asked: &Asked) -> Result<Answer> {
    let Some(mut bytes) = so_far(server, session).await? else {
        return Ok(fault(StatusCode::NOT_FOUND, "BLOB_UPLOAD_UNKNOWN", "blob upload unknown to registry"));
    };
    let place = format!("/v2/{name}/blobs/uploads/{session}");
    let range = |length: usize| format!("0-{}", length.saturating_sub(1));
    let writes = matches!(asked.method, Method::PATCH | Method::PUT);
    if writes {
        let start = asked
            .header(header::CONTENT_RANGE)
            .map(|range| range.trim_start_matches("bytes ").split('-').next().and_then(|start| start.parse().ok()));
        if let Some(start) = start
            && start != Some(bytes.len())
        {
            return Ok(empty(StatusCode::RANGE_NOT_SATISFIABLE, &[(header::LOCATION, &place), (header::RANGE, &range(bytes.len()))]));
        }
        if bytes.len() + asked.body.len() > server.options.upload_limit {
            server.storage.delete_below(&session_folder(session)).await?;
            return Ok(fault(StatusCode::PAYLOAD_TOO_LARGE, "SIZE_INVALID", "blob too large"));
        }
    }
    match asked.method {
        Method::GET | Method::HEAD => {
            Ok(empty(StatusCode::NO_CONTENT, &[(header::LOCATION, &place), (header::RANGE, &range(bytes.len()))]))
        }
        Method::PATCH => {
            // Parts are listed in byte order of their names.
            server.storage.replace(&format!("{}/{:020}", session_folder(session), bytes.len()), asked.body.clone()).await?;
            let range = range(bytes.len() + asked.body.len());
            Ok(empty(StatusCode::ACCEPTED, &[(header::LOCATION, &place), (header::RANGE, &range)]))
        }
        Method::PUT => {
            let Some(digest) = asked.query("digest") else {
                return Ok(fault(StatusCode::BAD_REQUEST, "DIGEST_INVALID", "no digest given"));
            };
            bytes.extend_from_slice(&asked.body);
            let answer = finish(server, name, digest, Bytes::from(bytes)).await?;
            server.storage.delete_below(&session_folder(session)).await?;
            Ok(answer)
        }
        Method::DELETE => {
            server.storage.delete_below(&session_folder(session)).await?;
            Ok(empty(StatusCode::NO_CONTENT, &[]))
        }
        _ => Ok(fault(StatusCode::METHOD_NOT_ALLOWED, "UNSUPPORTED", "the operation is unsupported")),
    }
}

/// Stores a whole blob if it has the digest that was claimed.
async fn finish(server: &Server, name: &str, digest: &str, bytes: Bytes) -> Result<Answer> {
    let Some(hex) = digest_hex(digest).filter(|_| digest_of(&bytes) == digest) else {
        return Ok(fault(StatusCode::BAD_REQUEST, "DIGEST_INVALID", "the content has another digest"));
    };
    server.storage.replace(&kept(name, "_blobs", hex), bytes).await?;
    let place = format!("/v2/{name}/blobs/{digest}");
    Ok(empty(StatusCode::CREATED, &[(header::LOCATION, &place), (DIGEST_HEADER, digest)]))
}
