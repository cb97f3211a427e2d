//! OCI registries: the distribution API as far as charts need it.
//!
//! Goes in: a checked [`Reference`], credentials. Comes out: tags, manifests and blobs, each checked against its digest
//! and size before use; and uploads that are complete before the tag names them. Tokens are requested as the registry
//! challenges, only from servers that may see the credentials. Follows oras-go v2 and Helm's `pkg/registry/client.go`.

pub mod challenge;
pub mod chart;
pub mod memory;
pub mod plugin;
pub mod reference;
pub mod registries;

use super::Settings;
use super::access::{Access, TlsOptions};
use super::auth::{self, Credential};
use super::http::{Client, Headers, Request, Response};
use super::url::{Address, escape};
use crate::data::Data;
use crate::error::{Cause, Error, ErrorKind, Result};
use crate::package::digest::sha256_hex;
use crate::quote::quote;
use crate::version::{Constraint, Version};
use challenge::Challenge;
use reqwest::{Method, StatusCode};
use std::collections::HashSet;

pub use reference::{Reference, SCHEME, valid_digest};
pub use registries::Registries;

/// The largest manifest that is fetched, in bytes: the size that the distribution specification requires registries to accept.
const MANIFEST_LIMIT: u64 = 4 << 20;
/// The largest response of a token server, in bytes.
const TOKEN_LIMIT: u64 = 1 << 20;
/// How many tags or names are listed, and from how many pages, at most.
const ITEMS_LIMIT: usize = 200_000;
const PAGE_LIMIT: usize = 2_000;
/// The largest archive that is fetched, in bytes.
pub const BLOB_LIMIT: u64 = 256 << 20;

/// oras's prefixes for errors of checking for a part, and of uploading it.
const NO_EXISTS: &str = "failed to perform \"Exists\" on destination";
const NO_PUSH: &str = "failed to perform \"Push\" on destination";
/// And for errors of tagging what exists.
const NO_TAG: &str = "failed to perform \"Tag\" on destination";

/// oras's errors if a registry requires a password and there is none, or only half of the credential.
const NO_CREDENTIAL: &str = "basic credential not found";
const HALF_CREDENTIAL: &str = "missing username or password for basic auth";

/// The reference to a blob: OCI's content descriptor.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Descriptor {
    pub media_type: String,
    /// `sha256:` and 64 hex digits, once [`Registry::blob`] has checked it.
    pub digest: String,
    /// In bytes.
    pub size: u64,
}

/// A registry and how to access it.
pub struct Registry<'c> {
    client: &'c Client<'c>,
    host: String,
    base: String,
    access: Access,
    /// The credential from the user; otherwise it is looked up when the registry asks for one.
    credential: Option<Credential>,
    headers: Headers,
}

impl<'c> Registry<'c> {
    /// The registry `host`. `access` holds the TLS files and, if the user gave them, user and password.
    pub fn new(client: &'c Client<'c>, host: &str, access: &Access, plain_http: bool) -> Registry<'c> {
        let real = if host == "docker.io" { "registry-1.docker.io" } else { host };
        let base = format!("{}://{real}", if plain_http { "http" } else { "https" });
        let given = !access.username.is_empty() && !access.password.is_empty();
        let credential =
            given.then(|| Credential { username: access.username.clone(), password: access.password.clone(), ..Credential::default() });
        // As in Helm, half of a client certificate alone is ignored.
        let tls = if access.tls.is_asked_for() { access.tls.clone() } else { TlsOptions::default() };
        let access = Access { base: base.clone(), tls, without_netrc: true, ..Access::default() };
        let shown = credential.as_ref().map_or(("", ""), |credential| (&credential.username, &credential.password));
        let headers = client.headers_of(&base, shown);
        Registry { client, host: host.to_string(), base, access, credential, headers }
    }

    /// Checks that the registry accepts the credentials. Errors are in oras-go's words.
    pub fn ping(&self) -> Result<()> {
        let url = format!("{}/v2/", self.base);
        let response = self.call(Request::get(&url, MANIFEST_LIMIT), "")?;
        if response.status == StatusCode::OK { Ok(()) } else { Err(status_error("GET", &url, &response)) }
    }

    /// The same registry with exactly this credential, ignoring stored ones.
    pub fn with_credential(self, credential: Credential) -> Registry<'c> {
        Registry { credential: Some(credential), headers: Headers::default(), ..self }
    }

    /// The tags of a repository as the registry lists them. An unknown repository is the error [`ErrorKind::Missing`].
    pub fn tags(&self, repository: &str) -> Result<Vec<String>> {
        self.list(&format!("{repository}/tags/list"), "tags", &pull_scope(repository))
    }

    /// The names of all repositories, if the registry lists them.
    pub fn repositories(&self) -> Result<Vec<String>> {
        let names = self.list("_catalog", "repositories", "registry:catalog:*")?;
        Ok(names.into_iter().filter(|name| reference::valid_repository(name)).collect())
    }

    /// The strings in `field` on all pages of `path`.
    fn list(&self, path: &str, field: &str, scope: &str) -> Result<Vec<String>> {
        let mut items: Vec<String> = Vec::new();
        let mut known = HashSet::new();
        let mut url = format!("{}/v2/{path}", self.base);
        let mut seen = HashSet::new();
        for _ in 0..PAGE_LIMIT {
            let response = self.call(Request::get(&url, 16 << 20), scope)?;
            match response.status {
                StatusCode::OK => {}
                StatusCode::NOT_FOUND => return Err(status_error("GET", &url, &response).with_kind(ErrorKind::Missing)),
                _ => return Err(status_error("GET", &url, &response)),
            }
            let answer = crate::json::parse(&response.body)?;
            let list = answer.as_map().and_then(|map| map.get(field)).and_then(Data::as_list);
            let page = list.map(|list| list.as_slice()).unwrap_or_default().iter().filter_map(Data::as_str);
            items.extend(page.filter(|item| known.insert(item.to_string())).map(str::to_string));
            if items.len() > ITEMS_LIMIT {
                break;
            }
            seen.insert(url);
            match next_page(&response)? {
                Some(next) if !seen.contains(&next) => url = next,
                _ => return Ok(items),
            }
        }
        let message = format!("{}/v2/{path} has more than {ITEMS_LIMIT} {field} or {PAGE_LIMIT} pages of them", self.host);
        Err(Error::new(ErrorKind::Limit, message))
    }

    /// The tags that are strict semantic versions, highest first, with `_` turned back into `+`.
    pub fn versions(&self, repository: &str) -> Result<Vec<String>> {
        let mut versions: Vec<Version> =
            self.tags(repository)?.iter().filter_map(|tag| Version::parse_strict(&reference::version_of(tag)).ok()).collect();
        versions.sort_by(|a, b| b.cmp(a));
        Ok(versions.iter().map(|version| version.original().to_string()).collect())
    }

    /// The digest of the manifest that `name` (a tag or digest) names; `None` if there is none.
    pub fn resolve(&self, repository: &str, name: &str) -> Result<Option<String>> {
        Ok(self.manifest(repository, name)?.map(|(digest, _)| digest))
    }

    /// Digest and bytes of the manifest that `name` (a tag or digest) names; `None` if there is none.
    pub fn manifest(&self, repository: &str, name: &str) -> Result<Option<(String, Vec<u8>)>> {
        let found = self.manifest_answer(repository, name, &pull_scope(repository))?;
        Ok(found.map(|(digest, response)| (digest, response.body)))
    }

    /// The same, as the response to a request with this scope.
    fn manifest_answer(&self, repository: &str, name: &str, scope: &str) -> Result<Option<(String, Response)>> {
        let url = self.manifest_url(repository, name);
        let accept = [chart::MANIFEST_TYPE, chart::INDEX_TYPE, chart::DOCKER_TYPE].join(", ");
        let response = self.call(Request::get(&url, MANIFEST_LIMIT).header("accept", accept), scope)?;
        if response.status == StatusCode::NOT_FOUND {
            return Ok(None);
        }
        if response.status != StatusCode::OK {
            return Err(status_error("GET", &url, &response));
        }
        let claimed = if name.contains(':') { Some(name) } else { response.header("docker-content-digest") };
        if let Some(claimed) = claimed.filter(|claimed| !has_digest(&response.body, claimed)) {
            return Err(mismatch("GET", &url, claimed, &digest_of(&response.body)));
        }
        let digest = claimed.map_or_else(|| digest_of(&response.body), str::to_string);
        Ok(Some((digest, response)))
    }

    /// The content for `descriptor`, with size and digest checked; `label` is its name in progress reports.
    pub fn blob(&self, repository: &str, descriptor: &Descriptor, label: Option<&str>) -> Result<Vec<u8>> {
        if !valid_digest(&descriptor.digest) {
            return Err(Error::new(ErrorKind::Verification, format!("unsupported digest {}", quote(super::printable(&descriptor.digest)))));
        }
        if descriptor.size > BLOB_LIMIT {
            return Err(Error::new(
                ErrorKind::Limit,
                format!("blob {} has {} bytes, more than {BLOB_LIMIT}", descriptor.digest, descriptor.size),
            ));
        }
        let url = format!("{}/v2/{repository}/blobs/{}", self.base, descriptor.digest);
        // Nothing is read beyond the size in the descriptor.
        let request = Request { label, ..Request::get(&url, descriptor.size.max(1)) };
        let response = self.call(request, &pull_scope(repository))?;
        if response.status != StatusCode::OK {
            return Err(status_error("GET", &url, &response));
        }
        if !has_digest(&response.body, &descriptor.digest) || response.body.len() as u64 != descriptor.size {
            return Err(mismatch("GET", &url, &descriptor.digest, &digest_of(&response.body)));
        }
        Ok(response.body)
    }

    /// Whether the registry has the manifest with this digest, requested with the scope for pushing.
    fn has_manifest(&self, repository: &str, digest: &str, media_type: &'static str) -> Result<bool> {
        let url = self.manifest_url(repository, digest);
        let found = self.look_for(&url, media_type, &push_scope(repository)).map_err(|error| error.context(NO_EXISTS))?;
        // Some login gateways answer every request with a page. oras notices that when it fetches the manifest to tag.
        match found.as_ref().and_then(content_type) {
            Some(other) if other != media_type => Err(other_content(&url, &other, media_type).context(NO_TAG)),
            known => Ok(known.is_some()),
        }
    }

    fn manifest_url(&self, repository: &str, name: &str) -> String {
        format!("{}/v2/{repository}/manifests/{name}", self.base)
    }

    /// The response to a HEAD; `None` if there is no such object.
    fn look_for(&self, url: &str, accept: &str, scope: &str) -> Result<Option<Response>> {
        let head = Request { method: Method::HEAD, ..Request::get(url, MANIFEST_LIMIT) }.header("accept", accept);
        let response = self.call(head, scope)?;
        match response.status {
            StatusCode::OK => Ok(Some(response)),
            StatusCode::NOT_FOUND => Ok(None),
            _ => Err(status_error("HEAD", url, &response)),
        }
    }

    /// Uploads `bytes` unless the registry has them.
    pub fn put_blob(&self, repository: &str, bytes: &[u8], digest: &str) -> Result<()> {
        let url = format!("{}/v2/{repository}/blobs/{digest}", self.base);
        if self.look_for(&url, "*/*", &push_scope(repository)).map_err(|error| error.context(NO_EXISTS))?.is_some() {
            return Ok(());
        }
        self.upload(repository, bytes, digest).map_err(|error| error.context(NO_PUSH))
    }

    fn upload(&self, repository: &str, bytes: &[u8], digest: &str) -> Result<()> {
        let scope = push_scope(repository);
        let start = format!("{}/v2/{repository}/blobs/uploads/", self.base);
        let response = self.call(sending(Method::POST, &start, Vec::new()), &scope)?;
        if response.status != StatusCode::ACCEPTED {
            return Err(status_error("POST", &start, &response));
        }
        let location = response.header("location").unwrap_or_default();
        let target = Address::parse(&response.url).zip(Address::parse(location)).map(|(from, to)| from.join(&to));
        let Some(mut target) = target.filter(|target| matches!(target.scheme.as_str(), "http" | "https") && !location.is_empty()) else {
            return Err(Error::new(ErrorKind::Repository, format!("POST {}: registry names no place for the upload", quote(&start))));
        };
        if self.base.starts_with("https:") && target.scheme != "https" {
            return Err(Error::new(ErrorKind::Repository, format!("POST {}: registry wants the upload without TLS", quote(&start))));
        }
        let digest_part = format!("digest={}", escape(digest));
        target.query = Some(match target.query.take() {
            Some(query) if !query.is_empty() => format!("{query}&{digest_part}"),
            _ => digest_part,
        });
        let url = target.to_string();
        let request = sending(Method::PUT, &url, bytes.to_vec()).header("content-type", "application/octet-stream");
        let response = self.call(request, &scope)?;
        if response.status != StatusCode::CREATED {
            return Err(status_error("PUT", &url, &response));
        }
        Ok(())
    }

    /// Puts a manifest under `tag`. If the registry lacks a part that it names, the error is [`ErrorKind::Missing`].
    pub fn put_manifest(&self, repository: &str, tag: &str, media_type: &'static str, bytes: &[u8]) -> Result<()> {
        let url = self.manifest_url(repository, tag);
        let request = sending(Method::PUT, &url, bytes.to_vec()).header("content-type", media_type);
        let response = self.call(request, &push_scope(repository))?;
        if response.status != StatusCode::CREATED {
            let error = status_error("PUT", &url, &response);
            return Err(match response.status {
                StatusCode::BAD_REQUEST | StatusCode::NOT_FOUND => error.with_kind(ErrorKind::Missing),
                // Another push was faster, or versions are never replaced there.
                StatusCode::CONFLICT => error.with_kind(ErrorKind::Exists),
                _ => error,
            });
        }
        match response.header("docker-content-digest") {
            Some(claimed) if !has_digest(bytes, claimed) => Err(mismatch("PUT", &url, claimed, &digest_of(bytes))),
            _ => Ok(()),
        }
    }

    pub(super) fn settings(&self) -> &'c Settings {
        self.client.settings()
    }

    /// Sends a request with the `Authorization` header that this scope got before; answers one challenge.
    fn call(&self, request: Request<'_>, scope: &str) -> Result<Response> {
        let known = self.headers.lock().ok().and_then(|headers| headers.get(scope).cloned());
        let response = self.client.send(request.clone(), &Access { token: known, ..self.access.clone() })?;
        // A challenge from another server is not answered: the credentials are for this one.
        let is_own = Address::parse(&response.url).is_some_and(|answered| super::http::same_origin(&self.base, &answered));
        if response.status != StatusCode::UNAUTHORIZED || !is_own {
            return Ok(response);
        }
        let challenge = challenge::parse(response.headers.get_all("www-authenticate").iter().filter_map(|value| value.to_str().ok()));
        let asked = format!("{} {}", request.method, quote(super::url::redact(request.url)));
        let Some(header) = self.answer(challenge, scope, &asked)? else { return Ok(response) };
        if let Ok(mut headers) = self.headers.lock() {
            headers.insert(scope.to_string(), header.clone());
        }
        self.client.send(request, &Access { token: Some(header), ..self.access.clone() })
    }

    /// The `Authorization` header that answers `challenge`; `None` without a credential. `asked` describes the request in errors.
    fn answer(&self, challenge: Option<Challenge>, scope: &str, asked: &str) -> Result<Option<String>> {
        let settings = self.client.settings();
        let refused = |message: &str| Err(Error::new(ErrorKind::Repository, message).context(asked));
        let unresolved = |error: Error| if error.is(Cause::UnresolvedCredential) { error.context(asked) } else { error };
        let credential = match &self.credential {
            Some(credential) => Some(credential.clone()),
            None => self.client.credential_of(&self.host).map_err(unresolved)?,
        };
        match challenge {
            None => Ok(None),
            Some(Challenge::Basic) => match credential {
                None => refused(NO_CREDENTIAL),
                Some(credential) if credential.username.is_empty() || credential.password.is_empty() => refused(HALF_CREDENTIAL),
                Some(credential) => Ok(Some(auth::basic(&credential.username, &credential.password))),
            },
            Some(Challenge::Bearer { realm, service, scope: wanted }) => {
                let allowed = challenge::realm_allowed(&self.base, &realm, &settings.trusted_realms);
                let scopes = challenge::scopes(scope, &wanted);
                if let Some(credential) = credential.as_ref().filter(|credential| credential.is_of_netrc) {
                    // Helm knows nothing of them.
                    if allowed && let Ok(token) = self.token(&realm, &service, &scopes, Some(credential), true) {
                        return Ok(Some(token));
                    }
                    match self.token(&realm, &service, &scopes, None, allowed) {
                        Ok(token) => return Ok(Some(token)),
                        Err(error) if allowed => return Err(error.context(asked)),
                        // What may not see them is told below.
                        Err(_) => {}
                    }
                }
                if !allowed && credential.is_some() {
                    let host = Address::parse(&realm).map(|realm| realm.host).unwrap_or_default();
                    let host = super::printable(&host);
                    let headline = format!("{} sends to the token server {}, which may not see its credentials", self.host, quote(&host));
                    let hint = format!("if that server belongs to the registry, set RUTTER_TRUSTED_REALMS={host}");
                    let message = format!("{headline}; {hint}");
                    let diagnostic = crate::diagnostic::Diagnostic { headline, hints: vec![hint], ..Default::default() };
                    return Err(Error::new(ErrorKind::Repository, message).with_diagnostic(diagnostic));
                }
                if let Some(token) = credential.as_ref().map(|credential| &credential.access_token).filter(|token| !token.is_empty()) {
                    return Ok(Some(format!("Bearer {token}")));
                }
                self.token(&realm, &service, &scopes, credential.as_ref(), allowed).map(Some).map_err(|error| error.context(asked))
            }
        }
    }

    /// Requests a token. If the server may see credentials (`allowed`), the setting
    /// to skip certificate checks applies to it too; the client certificate is only for the registry.
    fn token(&self, realm: &str, service: &str, scopes: &[String], credential: Option<&Credential>, allowed: bool) -> Result<String> {
        let same = Address::parse(realm).is_some_and(|realm| super::http::same_origin(&self.base, &realm));
        let insecure_skip_tls_verify = allowed && self.access.tls.insecure_skip_tls_verify;
        let tls = TlsOptions { insecure_skip_tls_verify, ..self.access.tls.without_certificate() };
        let mut access = Access { base: realm.to_string(), tls, without_netrc: true, ..Access::default() };
        if same {
            access = Access { base: realm.to_string(), ..self.access.clone() };
        }
        let refresh = credential.map(|credential| credential.refresh_token.as_str()).filter(|token| !token.is_empty());
        let response = if let Some(refresh) = refresh {
            // All scopes in one field here, but one parameter per scope in a query.
            let query = query(&[scopes.join(" ")], service);
            let body = format!("grant_type=refresh_token&client_id=rutter&{query}&refresh_token={}", escape(refresh));
            let request =
                Request::upload(Method::POST, realm, body.into_bytes()).header("content-type", "application/x-www-form-urlencoded");
            self.client.send(request, &access)?
        } else {
            // One of the two may be empty: some token servers want only a password.
            if let Some(credential) = credential.filter(|credential| !(credential.username.is_empty() && credential.password.is_empty())) {
                access.token = Some(auth::basic(&credential.username, &credential.password));
            }
            let query = query(scopes, service);
            let separator = if query.is_empty() {
                ""
            } else if realm.contains('?') {
                "&"
            } else {
                "?"
            };
            let url = format!("{realm}{separator}{query}");
            let response = self.client.send(Request::get(&url, TOKEN_LIMIT), &access)?;
            if response.status != StatusCode::OK {
                return Err(status_error("GET", &url, &response));
            }
            response
        };
        if response.status != StatusCode::OK {
            return Err(status_error("POST", realm, &response));
        }
        let answer =
            crate::json::parse(&response.body).map_err(|_| Error::new(ErrorKind::Repository, format!("{realm}: answer is no token")))?;
        let text = |name: &str| answer.as_map().and_then(|map| map.get(name)).and_then(Data::as_str).filter(|text| !text.is_empty());
        let token = text("token").or_else(|| text("access_token"));
        token
            .map(|token| format!("Bearer {token}"))
            .ok_or_else(|| Error::new(ErrorKind::Repository, format!("{realm}: empty token returned")))
    }
}

/// The version of `versions` (highest first) that equals `wanted`, else the highest that it allows as a range.
pub fn pick_version(versions: &[String], wanted: &str) -> Result<String> {
    if let Some(exact) = versions.iter().find(|version| !wanted.is_empty() && *version == wanted) {
        return Ok(exact.clone());
    }
    let constraint = Constraint::parse(if wanted.is_empty() { "*" } else { wanted })
        .map_err(|error| Error::new(ErrorKind::Repository, error.to_string()))?;
    versions
        .iter()
        .find(|version| Version::parse(version).is_ok_and(|version| constraint.check(&version)))
        .cloned()
        .ok_or_else(|| Error::new(ErrorKind::Repository, format!("could not locate a version matching provided version string {wanted}")))
}

/// `sha256:` and the hex digest of `bytes`.
pub fn digest_of(bytes: &[u8]) -> String {
    format!("sha256:{}", sha256_hex(bytes))
}

/// Whether `bytes` have this digest, with either supported algorithm.
pub fn has_digest(bytes: &[u8], digest: &str) -> bool {
    use sha2::Digest as _;
    match digest.strip_prefix("sha512:") {
        Some(hex) => data_encoding::HEXLOWER.encode(&sha2::Sha512::digest(bytes)) == hex,
        None => digest_of(bytes) == digest,
    }
}

/// A request of a push: since its content is named by digest, it may be retried, and redirected within the registry.
fn sending(method: Method, url: &str, body: Vec<u8>) -> Request<'_> {
    Request { repeat: true, resend: true, ..Request::upload(method, url, body) }
}

fn pull_scope(repository: &str) -> String {
    format!("repository:{repository}:pull")
}

fn push_scope(repository: &str) -> String {
    format!("repository:{repository}:pull,push")
}

/// The query for a token server.
fn query(scopes: &[String], service: &str) -> String {
    let scopes = scopes.iter().map(|scope| ("scope", scope.as_str()));
    let parts = scopes.chain([("service", service)]).filter(|(_, value)| !value.is_empty());
    parts.map(|(name, value)| format!("{name}={}", escape(value))).collect::<Vec<_>>().join("&")
}

/// The address of the next page. It may be on another server, as with redirects: credentials are not sent there.
fn next_page(response: &Response) -> Result<Option<String>> {
    let headers = response.headers.get_all("link").iter().filter_map(|value| value.to_str().ok());
    let refused = |link: &str, why: &str| {
        let text = format!("GET {}: next link {} {why}", quote(super::url::redact(&response.url)), quote(super::printable(link)));
        Error::new(ErrorKind::Repository, text)
    };
    let Some(target) = next_link(headers).map_err(|link| refused(link, "has no address between < and >"))? else { return Ok(None) };
    let next = Address::parse(&response.url).zip(Address::parse(target)).map(|(from, to)| from.join(&to));
    let Some(mut next) = next.filter(|next| matches!(next.scheme.as_str(), "http" | "https") && !next.host.is_empty()) else {
        return Err(refused(target, "cannot be followed"));
    };
    if response.url.starts_with("https:") && next.scheme == "http" {
        // A registry behind a proxy may not know that it is accessed over TLS.
        let host = Address::parse(&response.url).map(|own| own.host).unwrap_or_default();
        if !host.eq_ignore_ascii_case(&next.host) {
            return Err(refused(target, "leads from https to http"));
        }
        next.scheme = "https".to_string();
    }
    Ok(Some(next.to_string()))
}

/// The target of the link to the next page in `Link` headers (RFC 8288): one with `rel="next"`, or one without
/// a relation. The error is the malformed header.
fn next_link<'h>(headers: impl Iterator<Item = &'h str>) -> std::result::Result<Option<&'h str>, &'h str> {
    let mut nameless = None;
    for header in headers {
        let mut rest = header.trim_start();
        while !rest.is_empty() {
            let (target, after) = rest.strip_prefix('<').and_then(|rest| rest.split_once('>')).ok_or(header)?;
            // A comma in quotes does not end a link.
            let mut quoted = false;
            let end = after.find(|c: char| {
                quoted ^= c == '"';
                c == ',' && !quoted
            });
            let (parameters, following) = after.split_at(end.unwrap_or(after.len()));
            let relations =
                parameters.split(';').filter_map(|part| part.split_once('=')).find(|(name, _)| name.trim().eq_ignore_ascii_case("rel"));
            match relations {
                Some((_, names)) if names.trim().trim_matches('"').split(' ').any(|name| name.eq_ignore_ascii_case("next")) => {
                    return Ok(Some(target));
                }
                Some(_) => {}
                None => nameless = nameless.or(Some(target)),
            }
            rest = following.trim_start_matches([',', ' ', '\t']);
        }
    }
    Ok(nameless)
}

fn mismatch(method: &str, url: &str, claimed: &str, actual: &str) -> Error {
    let claimed = super::printable(claimed);
    Error::new(ErrorKind::Verification, format!("{method} {}: mismatch digest: expected {claimed}, content is {actual}", quote(url)))
}

/// The media type of a response.
fn content_type(response: &Response) -> Option<String> {
    let written = response.header("content-type")?.split(';').next()?.trim().to_ascii_lowercase();
    Some(written).filter(|written| !written.is_empty())
}

/// oras's error for a response that is not the expected manifest.
fn other_content(url: &str, found: &str, wanted: &str) -> Error {
    let text = format!("GET {}: mismatch response Content-Type {}: expect {}", quote(url), quote(super::printable(found)), quote(wanted));
    Error::new(ErrorKind::Repository, text)
}

/// Formats a JSON value as Go's `%v`, down to `depth` levels.
fn as_go_prints(value: &Data, depth: usize) -> String {
    let inside = |value: &Data| if depth == 0 { "…".to_string() } else { as_go_prints(value, depth - 1) };
    match (value.as_map(), value.as_list()) {
        (Some(map), _) => {
            let parts: Vec<String> = map.iter().map(|(key, value)| format!("{key}:{}", inside(value))).collect();
            format!("map[{}]", parts.join(" "))
        }
        (_, Some(list)) => format!("[{}]", list.iter().map(inside).collect::<Vec<_>>().join(" ")),
        _ if value.is_null() => "<nil>".to_string(),
        _ => super::record::scalar_text(value),
    }
}

/// An error response in oras-go's form: `GET "URL": response status code 401: unauthorized: authentication required`.
fn status_error(method: &str, url: &str, response: &Response) -> Error {
    let mut text = format!("{method} {}: response status code {}", quote(super::url::redact(url)), response.status.as_u16());
    let answer = crate::json::parse(&response.body).unwrap_or_default();
    let errors = answer.as_map().and_then(|map| map.get("errors")).and_then(Data::as_list);
    let errors = errors.map(|errors| errors.as_slice()).unwrap_or_default().iter().take(20).filter_map(Data::as_map);
    let said: Vec<String> = errors
        .map(|error| {
            let part = |name: &str| error.get(name).and_then(Data::as_str).unwrap_or_default();
            let code = part("code").to_ascii_lowercase().replace('_', " ");
            let detail = error.get("detail").filter(|detail| !detail.is_null());
            let all = match (part("message"), detail) {
                ("", _) => code,
                (message, None) => format!("{code}: {message}"),
                (message, Some(detail)) => format!("{code}: {message}: {}", as_go_prints(detail, 8)),
            };
            super::printable(&all)
        })
        .collect();
    text.push_str(": ");
    match said.is_empty() {
        true => text.push_str(response.status.canonical_reason().unwrap_or_default()),
        false => text.push_str(&said.join("; ")),
    }
    let fault = Error::new(ErrorKind::Repository, text);
    match response.status {
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => fault.with_cause(Cause::NotAllowed),
        _ => fault,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_is_that_of_the_content_by_its_own_algorithm() {
        const SHA256: &str = "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb";
        const SHA512: &str = "1f40fc92da241694750979ee6cf582f2d5d7d28e18335de05abc54d0560e0f5302860c652bf08d560252aa5e74210546f369fbbbce8c12cfc7957b2652fe9a75";
        for (digest, is_its) in [
            (format!("sha256:{SHA256}"), true),
            (format!("sha512:{SHA512}"), true),
            (format!("sha512:{}", "0".repeat(128)), false),
            (format!("sha256:{}", "0".repeat(64)), false),
            (format!("sha512:{SHA256}"), false),
            (format!("sha256:{SHA512}"), false),
            (SHA256.to_string(), false),
            ("sha512:".to_string(), false),
            (String::new(), false),
        ] {
            assert_eq!(has_digest(b"a", &digest), is_its, "{digest}");
        }
    }

    #[test]
    fn the_next_page_is_told_from_other_links() {
        for (headers, next) in [
            (&[][..], Ok(None)),
            (&["</v2/a/tags/list?last=1>; rel=\"next\""], Ok(Some("/v2/a/tags/list?last=1"))),
            (&["<x>;rel=next"], Ok(Some("x"))),
            (&["<x>; REL=\"prefetch Next\""], Ok(Some("x"))),
            (&["<x>"], Ok(Some("x"))),
            (&["<x>; title=\"rel=next, or not\""], Ok(Some("x"))),
            (&["<x>; rel=\"prev\""], Ok(None)),
            (&["<x>; rel=\"prev\", <y?a,b>; rel=\"next\""], Ok(Some("y?a,b"))),
            (&["<x>; rel=\"first\"", "<y>; rel=\"next\""], Ok(Some("y"))),
            (&["<x>, <y>; rel=\"next\""], Ok(Some("y"))),
            (&["/v2/a/tags/list?last=1"], Err("/v2/a/tags/list?last=1")),
            (&["<x; rel=\"next\""], Err("<x; rel=\"next\"")),
        ] {
            assert_eq!(next_link(headers.iter().copied()), next, "{headers:?}");
        }
    }

    #[test]
    fn the_next_page_is_not_asked_for_without_tls() {
        for (url, link, next) in [
            ("https://h/v2/a/tags/list", "</v2/a/tags/list?last=1>", Ok("https://h/v2/a/tags/list?last=1")),
            // As registries behind proxies send it.
            ("https://h:5000/v2/a/tags/list", "<http://H:5000/v2/a/tags/list?last=1>", Ok("https://H:5000/v2/a/tags/list?last=1")),
            ("https://h/v2/a/tags/list", "<https://other/x>", Ok("https://other/x")),
            ("http://h/v2/a/tags/list", "<https://h/x>", Ok("https://h/x")),
            ("https://h/v2/a", "<http://other/x>", Err("GET \"https://h/v2/a\": next link \"http://other/x\" leads from https to http")),
        ] {
            let headers = [("link".parse().unwrap(), link.parse().unwrap())].into_iter().collect();
            let response = Response { status: StatusCode::OK, headers, body: Vec::new(), url: url.to_string() };
            let found = next_page(&response).map_err(|error| error.to_string());
            assert_eq!(found, next.map(|next| Some(next.to_string())).map_err(str::to_string), "{link}");
        }
    }
}
