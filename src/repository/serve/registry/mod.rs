//! The OCI distribution API (v1.1: pull, push, content discovery, deletion) on the same storage.
//!
//! Goes in: a registry route and a request. Comes out: the spec's responses. A manifest whose config is a Helm chart
//! is published among the tenant's charts, and every chart that was uploaded over HTTP can be pulled here: its
//! manifest is generated from the archive each time, always with the same bytes. Everything else is stored below
//! `.oci/NAME/`. Manifests, tags and referrers are here, blobs and their uploads in `blobs`, objects generated from
//! charts in `charts`, the rules for the tag of a published version in `published`, its other tags in `aliases`, the names of all
//! repositories in `repositories`.

mod aliases;
mod blobs;
mod charts;
mod digest;
mod manifest;
mod published;
mod repositories;
#[cfg(test)]
mod tests;

use crate::error::{Error, ErrorKind, Result};
use crate::repository::oci::chart::{CHART_TYPE, CONFIG_TYPE, INDEX_TYPE, MANIFEST_TYPE, PROVENANCE_TYPE};
use crate::repository::oci::reference::{tag_of, valid_tag, version_of};
use crate::repository::serve::catalog::{Catalog, Package, StoredVersion, read_package};
use crate::repository::serve::publish::{Upload, publish, sign_later, withdraw};
use crate::repository::serve::route::RegistryRoute;
use crate::repository::serve::storage::Written;
use crate::repository::serve::{Answer, Asked, Server, content, has_already, json};
use crate::version::Version;
use aliases::Alias;
use axum::body::{Body, Bytes};
use axum::http::{HeaderName, HeaderValue, Method, Response, StatusCode, header};
use blobs::blob;
pub use blobs::forget_abandoned;
use digest::Digest;
use manifest::{Manifest, Part};
use serde_json::{Value, json as object};
use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

const DIGEST_HEADER: HeaderName = HeaderName::from_static("docker-content-digest");
/// The spec requires registries to accept manifests of at least 4 MiB.
const MANIFEST_LIMIT: usize = 4 << 20;
/// How many tags one push may set, at most.
const TAG_LIMIT: usize = 32;

/// An error in the spec's form.
pub fn fault(status: StatusCode, code: &str, message: &str) -> Answer {
    json(status, object!({ "errors": [{ "code": code, "message": message }] }).to_string())
}

fn blob_unknown() -> Answer {
    fault(StatusCode::NOT_FOUND, "BLOB_UNKNOWN", "blob unknown to registry")
}

fn manifest_unknown() -> Answer {
    fault(StatusCode::NOT_FOUND, "MANIFEST_UNKNOWN", "manifest unknown")
}

fn manifest_invalid(message: &str) -> Answer {
    fault(StatusCode::BAD_REQUEST, "MANIFEST_INVALID", message)
}

fn blob_of_manifest_unknown(digest: &Digest) -> Answer {
    fault(StatusCode::NOT_FOUND, "MANIFEST_BLOB_UNKNOWN", &format!("blob {} unknown to registry", digest.as_str()))
}

fn digest_invalid(message: &str) -> Answer {
    fault(StatusCode::BAD_REQUEST, "DIGEST_INVALID", message)
}

fn exists(name: &str, version: &str) -> Answer {
    fault(StatusCode::CONFLICT, "DENIED", &format!("{name} {version} exists with other content"))
}

/// A response without a body.
fn empty(status: StatusCode, headers: &[(HeaderName, &str)]) -> Answer {
    let mut builder = Response::builder().status(status).header(header::CONTENT_LENGTH, 0);
    for (name, value) in headers {
        builder = builder.header(name, *value);
    }
    builder.body(Body::empty()).unwrap_or_else(|_| fault(StatusCode::INTERNAL_SERVER_ERROR, "UNKNOWN", "bad header"))
}

/// The response to a client that already has the content with this digest.
fn known(asked: &Asked, digest: &Digest) -> Option<Answer> {
    let tag = tag(digest);
    let headers = [(DIGEST_HEADER, digest.as_str()), (header::ETAG, tag.as_str())];
    has_already(&asked.headers, &tag).then(|| empty(StatusCode::NOT_MODIFIED, &headers))
}

/// The `ETag` of the content with this digest.
fn tag(digest: &Digest) -> String {
    format!("\"{}\"", digest.as_str())
}

/// Clients from before the spec recognize a registry by this header.
pub fn sign(answer: &mut Answer) {
    answer.headers_mut().insert("docker-distribution-api-version", HeaderValue::from_static("registry/2.0"));
}

/// Answers a request below `/v2`.
pub async fn handle(server: &Arc<Server>, route: RegistryRoute, asked: &Asked) -> Result<Answer> {
    let reads = matches!(asked.method, Method::GET | Method::HEAD);
    if !reads && server.options.disable_api {
        return Ok(unsupported("GET, HEAD"));
    }
    match route {
        RegistryRoute::Base if reads => Ok(json(StatusCode::OK, "{}")),
        RegistryRoute::Repositories if reads => repositories::repositories(server, asked).await,
        RegistryRoute::Tags { name } if reads => tags(server, &name, asked).await,
        RegistryRoute::Referrers { name, digest } if reads => referrers(server, &name, &digest, asked).await,
        RegistryRoute::Manifest { name, reference } if reads => match manifest(server, &name, &reference, asked.began).await? {
            Some((digest, bytes)) => Ok(known(asked, &digest).unwrap_or_else(|| {
                let headers = [(DIGEST_HEADER, digest.as_str()), (header::ETAG, &tag(&digest))];
                content(asked, &media_type(&bytes), bytes, &headers)
            })),
            None => Ok(manifest_unknown()),
        },
        RegistryRoute::Manifest { name, reference } if asked.method == Method::PUT => put_manifest(server, &name, &reference, asked).await,
        RegistryRoute::Manifest { name, reference } if asked.method == Method::DELETE => {
            delete_manifest(server, &name, &reference, asked.began).await
        }
        RegistryRoute::Blob { name, digest } => blobs::handle(server, &name, &digest, asked).await,
        RegistryRoute::Uploads { name } if asked.method == Method::POST => blobs::start(server, &name, asked).await,
        RegistryRoute::Upload { name, session } => blobs::upload(server, &name, &session, asked).await,
        RegistryRoute::Base | RegistryRoute::Repositories | RegistryRoute::Tags { .. } | RegistryRoute::Referrers { .. } => {
            Ok(unsupported("GET, HEAD"))
        }
        RegistryRoute::Manifest { .. } => Ok(unsupported("GET, HEAD, PUT, DELETE")),
        RegistryRoute::Uploads { .. } => Ok(unsupported("POST")),
        RegistryRoute::Unknown => Ok(fault(StatusCode::NOT_FOUND, "NAME_INVALID", "no such path, or no name of a repository")),
    }
}

/// The refusal of a method, with the allowed ones.
fn unsupported(methods: &str) -> Answer {
    let mut refusal = fault(StatusCode::METHOD_NOT_ALLOWED, "UNSUPPORTED", "the operation is unsupported");
    if let Ok(methods) = methods.parse() {
        refusal.headers_mut().insert(header::ALLOW, methods);
    }
    refusal
}

/// The object name of something in a repository; no part of a repository name starts with `_`.
fn kept(name: &str, kind: &str, key: &str) -> String {
    format!(".oci/{name}/{kind}/{key}")
}

/// The tenant and chart of a repository name, if the layout has such tenants.
fn chart_of<'a>(server: &Server, name: &'a str) -> Option<(Arc<Catalog>, &'a str)> {
    let (tenant, chart) = server.options.layout.chart_of(name)?;
    Some((server.catalog(tenant), chart))
}

async fn versions(server: &Server, name: &str) -> Result<Vec<Arc<StoredVersion>>> {
    match chart_of(server, name) {
        Some((catalog, chart)) => catalog.versions(chart).await,
        None => Ok(Vec::new()),
    }
}

/// The manifest that was pushed and that a tag or digest names, and its digest.
async fn pushed_manifest(server: &Server, name: &str, reference: &str) -> Result<Option<(Digest, Bytes)>> {
    let digest = match Digest::parse(reference) {
        Some(digest) => Some(digest),
        None if !valid_tag(reference) => None,
        None => digest_of_tag(server, name, reference).await?,
    };
    let Some(digest) = digest else { return Ok(None) };
    let bytes = server.storage.get(&kept(name, "_manifests", &digest.key())).await?;
    Ok(bytes.map(|bytes| (digest, bytes)))
}

/// The digest of the manifest that was pushed under a tag.
async fn digest_of_tag(server: &Server, name: &str, tag: &str) -> Result<Option<Digest>> {
    let digest = server.storage.get(&kept(name, "_tags", tag)).await?;
    Ok(digest.and_then(|digest| Digest::parse(&String::from_utf8_lossy(&digest))))
}

/// The manifest that a tag or digest names, and its digest: one that was pushed, else that of a chart. A missing archive is looked for
/// in a listing of the storage that started after `since`: the beginning of the request, so that one request costs one listing at most.
async fn manifest(server: &Server, name: &str, reference: &str, since: Instant) -> Result<Option<(Digest, Bytes)>> {
    if let Some((digest, bytes)) = pushed_manifest(server, name, reference).await?
        && has_archive(server, name, &bytes, since).await?
    {
        return Ok(Some((digest, bytes)));
    }
    let Some((catalog, chart)) = chart_of(server, name) else { return Ok(None) };
    if let Some(wanted) = Digest::parse(reference) {
        return Ok(charts::manifest_of(&catalog, chart, &wanted).await?.map(|bytes| (wanted, bytes)));
    }
    let versions = catalog.versions(chart).await?;
    let Some(entry) = versions.iter().find(|entry| tag_of(&entry.version) == reference) else { return Ok(None) };
    let bytes = charts::manifest(&catalog, entry).await?;
    Ok(Some((Digest::of(&bytes), bytes)))
}

/// Whether the archive is there that a manifest of a chart names: one that was deleted with its version takes the manifest along, or
/// clients would take a push of it for done. True for whatever is no chart.
async fn has_archive(server: &Server, name: &str, manifest: &[u8], since: Instant) -> Result<bool> {
    let manifest: Value = serde_json::from_slice(manifest).unwrap_or_default();
    match layer(&manifest, CHART_TYPE).filter(|_| is_chart(&manifest)) {
        Some(digest) if blobs::exists(server, name, &digest).await? => Ok(true),
        Some(digest) => match chart_of(server, name) {
            // Another server may have published it since this one listed the storage.
            Some((catalog, _)) => {
                catalog.refresh_since(since).await?;
                blobs::exists(server, name, &digest).await
            }
            None => Ok(false),
        },
        None => Ok(true),
    }
}

fn media_type(manifest: &[u8]) -> String {
    let parsed: Value = serde_json::from_slice(manifest).unwrap_or_default();
    match parsed.get("mediaType").and_then(Value::as_str) {
        // A JSON string may contain characters that a header must not.
        Some(kind) if kind.bytes().all(|byte| byte.is_ascii_graphic()) => kind.to_string(),
        _ if parsed.get("manifests").is_some() => INDEX_TYPE.to_string(),
        _ => MANIFEST_TYPE.to_string(),
    }
}

async fn tags(server: &Server, name: &str, asked: &Asked) -> Result<Answer> {
    let mut tags: Vec<String> = versions(server, name).await?.iter().map(|entry| tag_of(&entry.version)).collect();
    let known: HashSet<String> = tags.iter().cloned().collect();
    let pushed = server.storage.list(&format!(".oci/{name}/_tags")).await?.into_iter().map(|object| object.name);
    for tag in pushed.filter(|tag| !known.contains(tag)) {
        // Clients pick the highest version: one whose archive is gone would keep them from all others.
        let may_be_gone = !known.is_empty() && Version::parse_strict(&version_of(&tag)).is_ok();
        if !may_be_gone || manifest(server, name, &tag, asked.began).await?.is_some() {
            tags.push(tag);
        }
    }
    tags.sort();
    tags.dedup();
    if tags.is_empty() && server.storage.list(&format!(".oci/{name}/_manifests")).await?.is_empty() {
        return Ok(fault(StatusCode::NOT_FOUND, "NAME_UNKNOWN", "repository name not known to registry"));
    }
    Ok(match page(tags, asked) {
        Err(refusal) => refusal,
        Ok(Page { items, next }) => {
            let mut answer = json(StatusCode::OK, object!({ "name": name, "tags": items }).to_string());
            link(&mut answer, &format!("/v2/{name}/tags/list"), next);
            answer
        }
    })
}

/// A page of a list.
struct Page {
    items: Vec<String>,
    /// The query for the next page, if there is one.
    next: Option<String>,
}

/// Of a sorted list, the first `n` items after `last`.
fn page(mut items: Vec<String>, asked: &Asked) -> std::result::Result<Page, Answer> {
    if let Some(last) = asked.query("last") {
        items.retain(|item| item.as_str() > last);
    }
    let limit = match asked.query("n").map(str::parse::<usize>) {
        None => usize::MAX,
        Some(Ok(limit)) => limit,
        Some(Err(_)) => return Err(fault(StatusCode::BAD_REQUEST, "UNSUPPORTED", "n is a whole number")),
    };
    let more = items.len() > limit;
    items.truncate(limit);
    let next = items.last().filter(|_| more).map(|last| format!("n={limit}&last={last}"));
    Ok(Page { items, next })
}

/// Adds the link to the next page.
fn link(answer: &mut Answer, path: &str, next: Option<String>) {
    if let Some(next) = next
        && let Ok(link) = format!("<{path}?{next}>; rel=\"next\"").parse()
    {
        answer.headers_mut().insert(header::LINK, link);
    }
}

async fn referrers(server: &Server, name: &str, digest: &str, asked: &Asked) -> Result<Answer> {
    let Some(subject) = Digest::parse(digest) else { return Ok(digest_invalid("not a sha256 or sha512 digest")) };
    let folder = kept(name, "_referrers", &subject.key());
    let mut manifests = Vec::new();
    for object in server.storage.list(&folder).await? {
        if let Some(bytes) = server.storage.get(&format!("{folder}/{}", object.name)).await?
            && let Ok(descriptor) = serde_json::from_slice::<Value>(&bytes)
        {
            manifests.push(descriptor);
        }
    }
    let wanted = asked.query("artifactType");
    if let Some(wanted) = wanted {
        manifests.retain(|descriptor| descriptor.get("artifactType").and_then(Value::as_str) == Some(wanted));
    }
    let body = object!({ "schemaVersion": 2, "mediaType": INDEX_TYPE, "manifests": manifests }).to_string();
    let filtered = (HeaderName::from_static("oci-filters-applied"), "artifactType");
    Ok(content(asked, INDEX_TYPE, Bytes::from(body), if wanted.is_some() { std::slice::from_ref(&filtered) } else { &[] }))
}

async fn put_manifest(server: &Arc<Server>, name: &str, reference: &str, asked: &Asked) -> Result<Answer> {
    if asked.body.len() > MANIFEST_LIMIT {
        return Ok(fault(StatusCode::PAYLOAD_TOO_LARGE, "SIZE_INVALID", "manifest too large"));
    }
    let (digest, tags) = match Digest::parse(reference) {
        Some(digest) if !digest.fits(&asked.body) => return Ok(digest_invalid("the digest is not the manifest's")),
        // A push by digest may set tags too (a draft of the spec).
        Some(digest) => (digest, asked.query.iter().filter(|(key, _)| key == "tag").map(|(_, tag)| tag.as_str()).collect()),
        // Tags contain no colon.
        None if reference.contains(':') => return Ok(digest_invalid("not a sha256 or sha512 digest")),
        None => (Digest::of(&asked.body), vec![reference]),
    };
    if tags.len() > TAG_LIMIT || !tags.iter().all(|tag| valid_tag(tag)) {
        return Ok(manifest_invalid("not a tag, or too many of them"));
    }
    let Manifest { value: parsed, parts, subject } = match manifest::read(&asked.body, asked.header(header::CONTENT_TYPE)) {
        Ok(manifest) => manifest,
        Err(reason) => return Ok(manifest_invalid(&reason)),
    };
    if let Some(missing) = missing_part(server, name, &parts, asked.began).await? {
        return Ok(blob_of_manifest_unknown(missing));
    }
    let keeps = !server.options.allow_overwrite;
    for tag in tags.iter().filter(|_| keeps) {
        if published::conflicts(server, name, tag, &parsed, &digest, asked.began).await? {
            return Ok(exists(name, tag));
        }
    }
    let chart = if is_chart(&parsed) && !tags.is_empty() { Some(pushed_chart(server, name, &parsed).await?) } else { None };
    // Names such as `latest` stand beside the version; what can only be a version must be the one in the archive.
    let is_version = |tag: &str| match &chart {
        None => false,
        Some(Ok(chart)) if tag_of(&chart.package.metadata.version) == tag => true,
        Some(_) => Version::parse_strict(&version_of(tag)).is_ok(),
    };
    let versions: Vec<&str> = tags.iter().copied().filter(|tag| is_version(tag)).collect();
    match chart.as_ref().filter(|_| !versions.is_empty()) {
        None => {}
        Some(Err(fault)) => return Ok(fault.answer()),
        Some(Ok(chart)) => {
            if let Some(refused) = publish_chart(server, name, &versions, chart).await? {
                return Ok(refused);
            }
        }
    }
    server.storage.replace(&kept(name, "_manifests", &digest.key()), asked.body.clone()).await?;
    if let Some(subject) = &subject {
        let descriptor = referrer(&parsed, &asked.body, &digest);
        server.storage.replace(&referrer_place(name, subject, &digest), Bytes::from(descriptor.to_string())).await?;
    }
    let place = format!("/v2/{name}/manifests/{}", digest.as_str());
    let mut headers = vec![(header::LOCATION, place.as_str()), (DIGEST_HEADER, digest.as_str())];
    // Another server may have pushed the version since the first look.
    let now = Instant::now();
    for tag in tags {
        let (place, text) = (kept(name, "_tags", tag), Bytes::copy_from_slice(digest.as_str().as_bytes()));
        // Of several concurrent pushes of a new version, the first sets its manifest.
        if !(keeps && is_version(tag) && server.storage.create(&place, text.clone()).await? == Written::New) {
            if keeps && published::conflicts(server, name, tag, &parsed, &digest, now).await? {
                return Ok(exists(name, tag));
            }
            server.storage.replace(&place, text).await?;
        }
        if tag != reference {
            headers.push((HeaderName::from_static("oci-tag"), tag));
        }
    }
    if let Some(subject) = &subject {
        headers.push((HeaderName::from_static("oci-subject"), subject.as_str()));
    }
    Ok(empty(StatusCode::CREATED, &headers))
}

/// The first of `parts` that is not in the repository.
async fn missing_part<'p>(server: &Server, name: &str, parts: &'p [Part], since: Instant) -> Result<Option<&'p Digest>> {
    for Part { digest, in_index } in parts {
        let is_there = blobs::exists(server, name, digest).await?
            // An index may list any manifest, and some builders list blobs.
            || (*in_index && manifest(server, name, digest.as_str(), since).await?.is_some());
        if !is_there {
            return Ok(Some(digest));
        }
    }
    Ok(None)
}

fn referrer_place(name: &str, subject: &Digest, manifest: &Digest) -> String {
    format!("{}/{}.json", kept(name, "_referrers", &subject.key()), manifest.key())
}

/// The descriptor of a manifest in the list of its subject's referrers.
fn referrer(manifest: &Value, bytes: &[u8], digest: &Digest) -> Value {
    let mut descriptor = object!({ "mediaType": media_type(bytes), "digest": digest.as_str(), "size": bytes.len() });
    if let Some(map) = descriptor.as_object_mut() {
        let said = manifest.get("artifactType").filter(|kind| kind.as_str().is_some_and(|text| !text.is_empty()));
        if let Some(kind) = said.or_else(|| manifest.pointer("/config/mediaType")) {
            map.insert("artifactType".into(), kind.clone());
        }
        if let Some(annotations) = manifest.get("annotations") {
            map.insert("annotations".into(), annotations.clone());
        }
    }
    descriptor
}

fn is_chart(manifest: &Value) -> bool {
    manifest.pointer("/config/mediaType").and_then(Value::as_str) == Some(CONFIG_TYPE)
}

/// The digest of the first layer of a kind.
fn layer(manifest: &Value, kind: &str) -> Option<Digest> {
    let layers = manifest.get("layers").and_then(Value::as_array)?;
    let found = layers.iter().find(|layer| layer.get("mediaType").and_then(Value::as_str) == Some(kind))?;
    found.get("digest").and_then(Value::as_str).and_then(Digest::parse)
}

/// A chart that a manifest brings.
struct PushedChart {
    package: Package,
    digest: Digest,
    archive: Bytes,
    provenance: Option<Bytes>,
}

/// Why a manifest brings no chart.
enum NoChart {
    /// The archive was deleted meanwhile: the client is to upload it again.
    Gone(Digest),
    Invalid(String),
}

impl NoChart {
    fn answer(&self) -> Answer {
        match self {
            NoChart::Gone(digest) => blob_of_manifest_unknown(digest),
            NoChart::Invalid(reason) => manifest_invalid(reason),
        }
    }
}

/// The chart of a manifest, or why it is none.
async fn pushed_chart(server: &Server, name: &str, manifest: &Value) -> Result<std::result::Result<PushedChart, NoChart>> {
    let invalid = |reason: &str| NoChart::Invalid(reason.to_string());
    let Some(digest) = layer(manifest, CHART_TYPE) else { return Ok(Err(invalid("a chart manifest without chart layer"))) };
    let Some(archive) = blob(server, name, &digest).await? else { return Ok(Err(NoChart::Gone(digest))) };
    let provenance = match layer(manifest, PROVENANCE_TYPE) {
        Some(digest) => blob(server, name, &digest).await?,
        None => None,
    };
    let for_reading = archive.clone();
    let read = tokio::task::spawn_blocking(move || read_package(&for_reading)).await;
    let package = read.map_err(|error| Error::new(ErrorKind::Chart, error.to_string())).and_then(|read| read);
    Ok(package.map(|package| PushedChart { package, digest, archive, provenance }).map_err(|error| invalid(error.message())))
}

/// Puts a chart that was pushed under `tags`, which can only be versions, among the tenant's charts. `Some` is the refusal.
async fn publish_chart(server: &Arc<Server>, name: &str, tags: &[&str], chart: &PushedChart) -> Result<Option<Answer>> {
    let PushedChart { package, digest, archive, provenance } = chart;
    let Some((catalog, chart_name)) = chart_of(server, name) else {
        // It would be in no index, and nothing would keep its versions from being replaced.
        let message = format!("{name} is no chart of a repository of this server; how deep these lie is its option --depth");
        return Ok(Some(fault(StatusCode::FORBIDDEN, "DENIED", &message)));
    };
    let is_other = |tag: &&&str| package.metadata.name != chart_name || tag_of(&package.metadata.version) != **tag;
    if let Some(tag) = tags.iter().find(is_other) {
        let message = format!("the archive is {} {}, not {chart_name} {tag}", package.metadata.name, package.metadata.version);
        return Ok(Some(manifest_invalid(&message)));
    }
    let replace = server.options.allow_overwrite;
    let upload = Upload { package, archive: archive.clone(), provenance: provenance.clone(), replace };
    match publish(server, &catalog, upload).await? {
        Written::New => {
            server.metrics.uploads.fetch_add(1, Ordering::Relaxed);
            // From here on this blob is served from the archive among the charts.
            if digest.sha256().is_some() {
                server.storage.discard(&kept(name, "_blobs", &digest.key())).await?;
            }
            Ok(None)
        }
        Written::Exists => {
            let same = server.storage.get(&catalog.object(&package.file)).await?.is_some_and(|stored| stored == *archive);
            if same {
                // Another server has published it, whose archive this blob is served from too.
                if digest.sha256().is_some() {
                    server.storage.discard(&kept(name, "_blobs", &digest.key())).await?;
                }
                if let Some(provenance) = provenance {
                    sign_later(server, &catalog, &package.file, provenance.clone()).await?;
                }
                return Ok(None);
            }
            Ok(Some(exists(&package.metadata.name, &package.metadata.version)))
        }
    }
}

async fn delete_manifest(server: &Server, name: &str, reference: &str, since: Instant) -> Result<Answer> {
    if server.options.disable_delete {
        return Ok(unsupported("GET, HEAD, PUT"));
    }
    let found = match manifest(server, name, reference, since).await? {
        // One whose archive is gone can be deleted still.
        None => pushed_manifest(server, name, reference).await?,
        found => found,
    };
    let Some((digest, bytes)) = found else { return Ok(manifest_unknown()) };
    let by_digest = digest.as_str() == reference;
    let parsed: Value = serde_json::from_slice(&bytes).unwrap_or_default();
    // Determined before the tags are deleted.
    let versions = versions_of(server, name, reference, (&digest, &parsed), since).await?;
    let mut deleted = false;
    for tag in server.storage.list(&format!(".oci/{name}/_tags")).await? {
        let place = kept(name, "_tags", &tag.name);
        if tag.name == reference || (by_digest && server.storage.get(&place).await?.is_some_and(|to| to == digest.as_str().as_bytes())) {
            deleted |= server.storage.delete(&place).await?;
        }
    }
    if by_digest {
        deleted |= server.storage.delete(&kept(name, "_manifests", &digest.key())).await?;
        if let Some(subject) = parsed.pointer("/subject/digest").and_then(Value::as_str).and_then(Digest::parse) {
            server.storage.delete(&referrer_place(name, &subject, &digest)).await?;
        }
    }
    if let Some((catalog, _)) = chart_of(server, name) {
        for entry in versions {
            let aliases = aliases::of(server, name, &entry.version, &entry.digest).await?;
            aliases::keep(server, name, &aliases).await?;
            let withdrawn = withdraw(server, &catalog, &entry.file).await?;
            if withdrawn && !aliases.iter().any(|alias| alias.manifest == bytes) {
                server.storage.delete(&kept(name, "_manifests", &digest.key())).await?;
            }
            deleted |= withdrawn;
        }
    }
    Ok(if deleted { empty(StatusCode::ACCEPTED, &[]) } else { manifest_unknown() })
}

/// The versions that are deleted with a manifest: those whose tag is `reference`, or names the manifest if
/// `reference` is its digest. Deleting another tag does not delete the chart.
async fn versions_of(
    server: &Server,
    name: &str,
    reference: &str,
    (digest, parsed): (&Digest, &Value),
    since: Instant,
) -> Result<Vec<Arc<StoredVersion>>> {
    let mut found = Vec::new();
    for entry in versions(server, name).await?.into_iter().filter(|entry| published::holds(parsed, entry)) {
        let tag = tag_of(&entry.version);
        let is_named = async || Ok::<_, Error>(manifest(server, name, &tag, since).await?.is_some_and(|(named, _)| named == *digest));
        if tag == reference || (digest.as_str() == reference && is_named().await?) {
            found.push(entry);
        }
    }
    Ok(found)
}

/// The repository of a tenant's chart.
fn repository_of(tenant: &str, name: &str) -> String {
    if tenant.is_empty() { name.to_string() } else { format!("{tenant}/{name}") }
}

/// Deletes the tag that was pushed for a version, after ChartMuseum's API gave it another archive or signature:
/// without the tag, its manifest is generated from what is stored now.
pub async fn forget(server: &Server, tenant: &str, name: &str, version: &str) -> Result<()> {
    server.storage.delete(&kept(&repository_of(tenant, name), "_tags", &tag_of(version))).await.map(drop)
}

/// The tags other than its own that name the archive of a version, which is about to be deleted.
pub async fn aliases_of(server: &Server, tenant: &str, entry: &StoredVersion) -> Result<Vec<Alias>> {
    aliases::of(server, &repository_of(tenant, &entry.name), &entry.version, &entry.digest).await
}

/// Deletes these tags of a version that was deleted over ChartMuseum's API, and its own.
pub async fn forget_all(server: &Server, tenant: &str, entry: &StoredVersion, aliases: Vec<Alias>) -> Result<()> {
    aliases::remove(server, &repository_of(tenant, &entry.name), &entry.version, &entry.digest, aliases).await
}

/// Copies what other tags name to the blobs, before a version of a tenant's chart gets another archive than `archive`.
pub async fn keep_aliases(server: &Server, tenant: &str, package: &Package, archive: &str) -> Result<()> {
    let name = repository_of(tenant, &package.metadata.name);
    let aliases = aliases::of(server, &name, &package.metadata.version, archive).await?;
    aliases::keep(server, &name, &aliases).await
}
