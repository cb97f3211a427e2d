//! Requests to chart repositories and registries.
//!
//! Goes in: an address, and an [`Access`] with the credentials and TLS files of one repository. Comes out: a [`Response`]
//! that was read completely, within a size limit. Redirects are followed here, hop by hop, so that credentials and client
//! certificates stay with the scheme, host and port they were given for; transient failures are retried with growing
//! pauses. Status and messages follow Helm's `pkg/getter/httpgetter.go`, the TLS rules its `internal/tlsutil`.

mod body;
mod compressed;
mod failure;

use super::access::{Access, TlsOptions};
use super::auth::Credential;
use super::getter::Getter;
use super::proxy::Rules;
use super::url::{Address, split_port};
use super::{Proxies, Reporter, Settings, tls};
use crate::error::{Error, ErrorKind, Result};
use crate::quote::quote;
use crate::url::Url;
use body::{Expected, SLOWEST};
use compressed::Unpacked;
use failure::{Dialed, Failure, chain, permanent, transport_failure, verb};
use reqwest::blocking::{Body, Client as Transport};
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use reqwest::{Method, StatusCode};
use std::borrow::Cow;
use std::collections::HashMap;
use std::io::Read;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// How many redirects one request may follow: Go stops at the tenth.
const REDIRECT_LIMIT: usize = 10;
/// How often a request is retried after a transient failure, as in oras.
const RETRY_LIMIT: u32 = 5;
/// The longest pause that is honoured when a server asks for one.
const PAUSE_LIMIT: Duration = Duration::from_secs(30);
/// A server may make one request wait for this long in all.
const WAIT_LIMIT: Duration = Duration::from_secs(60);
/// Pauses of this length that a server asks for are reported.
const TOLD_PAUSE: Duration = Duration::from_secs(2);
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(120);
const DEFAULT_PAUSE: Duration = Duration::from_millis(250);

/// One request.
#[derive(Debug, Clone)]
pub struct Request<'a> {
    pub method: Method,
    pub url: &'a str,
    /// Names and values; without credentials.
    pub headers: Vec<(&'static str, String)>,
    pub body: Vec<u8>,
    /// The largest response body, in bytes.
    pub limit: u64,
    /// Whether the body may be compressed in transit; not for archives, whose encoding servers often label wrongly.
    pub compressed: bool,
    /// The label for reporting progress; `None` for small responses.
    pub label: Option<&'a str>,
    /// Whether redirects are followed.
    pub follow: bool,
    /// Without `follow`, a 307 or 308 to another path of the same server may still be followed, with the body.
    pub resend: bool,
    /// Whether to retry after a transient failure. An upload is retried only if the server says that it did not accept it.
    pub repeat: bool,
    /// Whether the mirrors of the settings are tried first.
    pub mirrored: bool,
    /// What is known of the answer that the caller has kept: the request is conditional.
    pub known: Option<Known<'a>>,
}

/// The validators of an answer, each empty if there is none. They are sent only to the address that gave them: to a mirror, the
/// original or where redirects lead now they may say something else.
#[derive(Debug, Clone, Copy)]
pub struct Known<'a> {
    /// The address that answered, after redirects.
    pub address: &'a str,
    pub etag: &'a str,
    pub modified: &'a str,
}

impl<'a> Request<'a> {
    /// A GET of at most `limit` bytes.
    pub fn get(url: &'a str, limit: u64) -> Request<'a> {
        Request {
            method: Method::GET,
            url,
            headers: Vec::new(),
            body: Vec::new(),
            limit,
            compressed: false,
            label: None,
            follow: true,
            resend: false,
            repeat: true,
            mirrored: false,
            known: None,
        }
    }

    /// The same as a HEAD request.
    pub fn head(url: &'a str) -> Request<'a> {
        Request { method: Method::HEAD, ..Request::get(url, 1 << 20) }
    }

    /// A request with a body; neither retried nor redirected.
    pub fn upload(method: Method, url: &'a str, body: Vec<u8>) -> Request<'a> {
        Request { method, body, follow: false, repeat: false, ..Request::get(url, 4 << 20) }
    }

    /// The same with one more header.
    pub fn header(mut self, name: &'static str, value: impl Into<String>) -> Request<'a> {
        self.headers.push((name, value.into()));
        self
    }
}

/// A completely read response.
#[derive(Debug, Clone)]
pub struct Response {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
    /// The address that responded, after redirects, without user and password.
    pub url: String,
}

impl Response {
    /// Whether the server says that what the caller has kept is still its answer.
    pub fn confirms(&self, known: Known<'_>) -> bool {
        self.status == StatusCode::NOT_MODIFIED && known.address == self.url
    }

    /// The value of a header, if it is text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// Code and reason, as in `404 Not Found`.
    pub fn status_text(&self) -> String {
        status_text(self.status)
    }
}

/// Code and reason, as in `404 Not Found`.
pub fn status_text(status: StatusCode) -> String {
    format!("{} {}", status.as_u16(), status.canonical_reason().unwrap_or_default()).trim_end().to_string()
}

#[derive(Clone, PartialEq, Eq, Hash)]
struct TransportKey {
    secure: bool,
    tls: TlsOptions,
}

/// Where redirects have led a request.
#[derive(Clone, Copy)]
struct Hop<'h> {
    method: &'h Method,
    url: &'h str,
    /// Where the access's credentials may go; empty if nowhere.
    base: &'h str,
    access: &'h Access,
}

/// Sends requests and keeps connections open between them. Shared by threads.
pub struct Client<'s> {
    settings: &'s Settings,
    reporter: &'s dyn Reporter,
    transports: Mutex<HashMap<TransportKey, Transport>>,
    /// Credentials of registries that were already looked up.
    credentials: Mutex<HashMap<String, Option<Credential>>>,
    /// `Authorization` headers that registries accepted, by address, user and password.
    headers: Mutex<HashMap<[String; 3], Headers>>,
}

/// `Authorization` headers by scope.
pub(super) type Headers = Arc<Mutex<HashMap<String, String>>>;

impl<'s> Client<'s> {
    /// A new client without connections.
    pub fn new(settings: &'s Settings, reporter: &'s dyn Reporter) -> Client<'s> {
        Client { settings, reporter, transports: Mutex::default(), credentials: Mutex::default(), headers: Mutex::default() }
    }

    /// The settings of this client.
    pub fn settings(&self) -> &'s Settings {
        self.settings
    }

    /// The reporter of progress and warnings.
    pub fn reporter(&self) -> &'s dyn Reporter {
        self.reporter
    }

    /// The credential for a registry according to the settings. It is looked up once: helpers are slow and may ask the user.
    pub(super) fn credential_of(&self, host: &str) -> Result<Option<Credential>> {
        let mut known = self.credentials.lock().map_err(|_| Error::new(ErrorKind::Repository, "what credentials are known is lost"))?;
        if let Some(credential) = known.get(host) {
            return Ok(credential.clone());
        }
        let found = super::auth::lookup(self.settings, host)?;
        known.insert(host.to_string(), found.clone());
        Ok(found)
    }

    /// The headers that the registry at `base` accepted from this user before.
    pub(super) fn headers_of(&self, base: &str, (username, password): (&str, &str)) -> Headers {
        let key = [base, username, password].map(str::to_string);
        self.headers.lock().map(|mut all| all.entry(key).or_default().clone()).unwrap_or_default()
    }

    /// Sends a GET, and logs it as Helm's getter does.
    pub fn send_telling(&self, request: Request<'_>, access: &Access) -> Result<Response> {
        if self.getter_of(&request).is_some() {
            return self.send(request, access);
        }
        let shown = super::url::redact(request.url);
        self.reporter.debug("fetching", &[("url", &shown)]);
        let response = self.send(request, access)?;
        let length = response.header("content-length").unwrap_or("-1");
        self.reporter.debug("fetch complete", &[("url", &shown), ("status", &response.status_text()), ("content-length", length)]);
        Ok(response)
    }

    /// The body of a GET that must answer 200.
    pub fn fetch(&self, request: Request<'_>, access: &Access) -> Result<Vec<u8>> {
        let url = request.url.to_string();
        let response = self.send_telling(request, access)?;
        if response.status != StatusCode::OK {
            return Err(fetch_error(&url, response.status));
        }
        Ok(response.body)
    }

    /// Sends `request` and reads the response, whatever its status.
    pub fn send(&self, request: Request<'_>, access: &Access) -> Result<Response> {
        if self.settings.offline {
            let message = format!("{} is not cached, and nothing may be fetched offline", super::url::redact(request.url));
            return Err(Error::new(ErrorKind::Repository, message));
        }
        if request.mirrored
            && let Some(response) = self.ask_mirrors(&request, access)
        {
            return Ok(response);
        }
        if let Some((getter, address)) = self.getter_of(&request) {
            // Helm passes all credentials to the plugin, even if the index points to another host.
            let own = access.pass_credentials || same_origin(&access.base, &address);
            let shown = if own {
                access.clone()
            } else {
                Access { tls: TlsOptions { ca_file: access.tls.ca_file.clone(), ..TlsOptions::default() }, ..Access::default() }
            };
            let body = getter.get(request.url, &shown, request.limit)?;
            return Ok(Response { status: StatusCode::OK, headers: HeaderMap::new(), body, url: request.url.to_string() });
        }
        let (mut attempt, mut waited) = (0, Duration::ZERO);
        loop {
            let result = self.hops(&request, access);
            // The status 429 means that the request was not processed, so even an upload can be repeated.
            let refused = result.as_ref().is_ok_and(|response| response.status == StatusCode::TOO_MANY_REQUESTS);
            let asked = match &result {
                Ok(response) if is_transient(response.status) => asked_pause(response),
                Err(failure) if failure.transient => None,
                _ => return result.map_err(|failure| failure.error),
            };
            if attempt >= RETRY_LIMIT || !(request.repeat || refused) {
                return result.map_err(|failure| failure.error);
            }
            let base = self.settings.retry_pause.unwrap_or(DEFAULT_PAUSE);
            let own = base * 2_u32.pow(attempt);
            let Some(pause) = pause_before_retry(asked, own, waited) else { return result.map_err(|failure| failure.error) };
            if asked.is_some() && pause >= TOLD_PAUSE {
                let url = super::url::redact(request.url);
                self.reporter.warn(&format!("{url} asks to wait; trying again in {} seconds", pause.as_secs()));
            }
            std::thread::sleep(pause);
            waited += pause;
            attempt += 1;
        }
    }

    /// The getter that handles the request's scheme, if one does, and the address.
    fn getter_of(&self, request: &Request<'_>) -> Option<(&'s dyn Getter, Address)> {
        let getter = self.settings.getter.as_deref().filter(|_| request.method == Method::GET)?;
        let address = Address::parse(request.url).filter(|address| !matches!(address.scheme.as_str(), "http" | "https" | "oci"))?;
        getter.provides(&address.scheme).then_some((getter, address))
    }

    /// The first successful response of a mirror. Only the repository sees credentials; `.netrc` may hold some for the mirror.
    fn ask_mirrors(&self, request: &Request<'_>, access: &Access) -> Option<Response> {
        for address in super::mirror::of_address(&self.settings.mirrors, request.url) {
            let own = Access { base: address.clone(), tls: access.tls.without_certificate(), ..Access::default() };
            let request = Request { url: &address, ..request.clone() };
            let fault = match self.hops(&request, &own) {
                Ok(response) if response.status == StatusCode::OK => return Some(response),
                Ok(response) if request.known.is_some_and(|known| response.confirms(known)) => return Some(response),
                Ok(response) => response.status_text(),
                Err(failure) => failure.error.to_string(),
            };
            self.reporter.warn(&format!("mirror {}: {fault}", super::url::redact(&address)));
        }
        None
    }

    /// Follows redirects, sending each host only its own credentials.
    fn hops(&self, request: &Request<'_>, access: &Access) -> std::result::Result<Response, Failure> {
        let mut url = without_empty_port(request.url).into_owned();
        let mut method = request.method.clone();
        // Where the credentials may go: the base (with `--pass-credentials` where the first request goes), or its TLS side once it has
        // sent us there. Who was elsewhere comes back without, as in Go: the other server chose the address.
        let mut base = if access.pass_credentials { url.clone() } else { access.base.clone() };
        for _ in 0..REDIRECT_LIMIT {
            if !Address::parse(&url).is_some_and(|address| same_origin(&base, &address)) {
                base.clear();
            }
            let response = self.one(request, &Hop { method: &method, url: &url, base: &base, access })?;
            let resent = request.resend && matches!(response.status.as_u16(), 307 | 308);
            let target = response
                .header("location")
                .filter(|_| request.follow && matches!(response.status.as_u16(), 301 | 302 | 303 | 307 | 308) || resent);
            let Some(target) = target else { return Ok(response) };
            let next = Address::parse(&url).zip(Address::parse(target)).map(|(from, to)| from.join(&to));
            let next = next.filter(|next| matches!(next.scheme.as_str(), "http" | "https") && !next.host.is_empty());
            let Some(next) = next else {
                return Err(permanent(format!("Get {}: redirect to an address that cannot be followed", quote(super::url::redact(&url)))));
            };
            if !request.follow && !same_origin(&url, &next) {
                return Ok(response);
            }
            if url.starts_with("https:") && next.scheme == "http" {
                return Err(permanent(format!("Get {}: redirect from https to http is not followed", quote(super::url::redact(&url)))));
            }
            if is_upgrade(&base, &url, &next) {
                base = next.to_string();
            }
            if response.status == StatusCode::SEE_OTHER && method != Method::HEAD {
                method = Method::GET;
            }
            url = next.to_string();
        }
        Err(permanent(format!("Get {}: stopped after {REDIRECT_LIMIT} redirects", quote(super::url::redact(request.url)))))
    }

    /// One exchange with a server, or a second one without the credentials of `.netrc` if the answer may come from them: Helm never
    /// sends those, so what it gets without them must not depend on them.
    fn one(&self, request: &Request<'_>, hop: &Hop<'_>) -> std::result::Result<Response, Failure> {
        let (response, is_of_netrc) = self.exchange(request, hop)?;
        // Stores of objects answer 400 to a header they do not know, and some servers hide with 404 what a user may not see.
        let is_refused = matches!(response.status.as_u16(), 400 | 401 | 403 | 404);
        if is_refused && is_of_netrc && matches!(*hop.method, Method::GET | Method::HEAD) {
            let anonymous = Access { without_netrc: true, ..hop.access.clone() };
            let (other, _) = self.exchange(request, &Hop { access: &anonymous, ..*hop })?;
            if other.status.as_u16() < 400 || is_transient(other.status) {
                return Ok(other);
            }
        }
        Ok(response)
    }

    /// The answer to one request, and whether it was sent with credentials of `.netrc`.
    fn exchange(&self, request: &Request<'_>, hop: &Hop<'_>) -> std::result::Result<(Response, bool), Failure> {
        let Hop { method, url, base, access } = *hop;
        // As Go writes the address, which is also how it is sent.
        let shown = Url::parse(super::url::redact(url).as_bytes()).map_err(permanent)?.written();
        let shown = String::from_utf8_lossy(&shown).into_owned();
        let address = Address::parse(url).ok_or_else(|| permanent(format!("parse {}: invalid address", quote(&shown))))?;
        if !matches!(address.scheme.as_str(), "http" | "https") {
            return Err(permanent(format!("scheme {} not supported", quote(&address.scheme))));
        }
        let verb = verb(method);
        if address.host.is_empty() {
            // Browsers, and our transport too, would take the first part of the path as the host.
            return Err(permanent(format!("{verb} {}: http: no Host in request URL", quote(&shown))));
        }
        let own = same_origin(base, &address);
        let transport = self.transport(&address, access, own).map_err(|error| Failure { error, transient: false })?;
        let mut headers = HeaderMap::new();
        for (name, value) in &request.headers {
            put_header(&mut headers, name, value)?;
        }
        let own_address = address.without_user().to_string();
        if let Some(known) = request.known.filter(|known| known.address == own_address) {
            for (name, value) in [("if-none-match", known.etag), ("if-modified-since", known.modified)] {
                if !value.is_empty() {
                    put_header(&mut headers, name, value)?;
                }
            }
        }
        put_header(&mut headers, "user-agent", &self.settings.user_agent)?;
        if request.compressed {
            put_header(&mut headers, "accept-encoding", "gzip")?;
        }
        let shown_credentials = credentials(self.settings, &address, access, own);
        let is_of_netrc = matches!(shown_credentials, Some(Shown::Netrc(..)));
        match shown_credentials {
            Some(Shown::Header(name, value)) => put_header(&mut headers, &name, &value)?,
            Some(Shown::Basic(username, password) | Shown::Netrc(username, password)) => {
                put_header(&mut headers, "authorization", &super::auth::basic(&username, &password))?;
            }
            None => {}
        }
        let target = own_address.split('#').next().unwrap_or_default();
        let mut builder = transport.request(method.clone(), target).headers(headers);
        if method != Method::GET && method != Method::HEAD {
            // The timeout includes the body, which may take as long as a download of its size.
            if let Some(timeout) = timeout(self.settings) {
                builder = builder.timeout(timeout + Duration::from_secs(request.body.len() as u64 / SLOWEST));
            }
            builder = builder.body(Body::from(request.body.clone()));
        }
        if let Some(port) = split_port(&address.host).1.filter(|port| !port.is_empty() && port.parse::<u16>().is_err()) {
            return Err(permanent(format!("{verb} {}: dial tcp: address {port}: invalid port", quote(&shown))));
        }
        let response = builder.send().map_err(|error| transport_failure(&verb, &shown, &Dialed::new(&address, self.settings), &error))?;
        let status = response.status();
        let mut headers = response.headers().clone();
        let mut total = response.content_length();
        if total.is_some_and(|total| total > request.limit) {
            return Err(permanent(format!(
                "{verb} {}: answer of {} bytes is larger than the limit of {}",
                quote(&shown),
                total.unwrap_or_default(),
                request.limit
            )));
        }
        let is_packed =
            request.compressed && headers.get("content-encoding").is_some_and(|encoding| encoding.as_bytes().eq_ignore_ascii_case(b"gzip"));
        let mut source: Box<dyn Read> = match is_packed {
            true => Box::new(Unpacked::of(response, request.limit, timeout(self.settings))),
            false => Box::new(response),
        };
        if is_packed {
            for name in ["content-encoding", "content-length"] {
                headers.remove(name);
            }
            // How long the text is, is not known.
            total = None;
        }
        let expected = Expected { total, limit: request.limit, label: request.label, timeout: timeout(self.settings) };
        let body = body::read(&mut source, &expected, self.reporter).map_err(|unread| unread.of_request(&verb, &shown))?;
        Ok((Response { status, headers, body, url: own_address }, is_of_netrc))
    }

    /// The connection pool for these TLS files; with the client certificate only if the access is `own`.
    fn transport(&self, address: &Address, access: &Access, own: bool) -> Result<Transport> {
        let secure = address.scheme == "https";
        let tls = match (secure, own) {
            (false, _) => TlsOptions::default(),
            (true, false) => access.tls.without_certificate(),
            (true, true) => access.tls.clone(),
        };
        let key = TransportKey { secure, tls };
        let mut transports = self.transports.lock().map_err(|_| Error::new(ErrorKind::Repository, "connection pool is broken"))?;
        if let Some(transport) = transports.get(&key) {
            return Ok(transport.clone());
        }
        if own {
            tls::check_files(&access.tls)?;
        }
        let transport = build(self.settings, &key)?;
        transports.insert(key, transport.clone());
        Ok(transport)
    }
}

/// `failed to fetch URL : STATUS`
pub fn fetch_error(url: &str, status: StatusCode) -> Error {
    Error::new(ErrorKind::Repository, format!("failed to fetch {} : {}", super::url::redact(url), status_text(status)))
}

/// The address without a colon behind its host that no port follows, as Go's requests have it, but those to which redirects lead.
fn without_empty_port(url: &str) -> Cow<'_, str> {
    match Address::parse(url) {
        Some(mut address) if address.host.ends_with(':') => {
            address.host.pop();
            address.to_string().into()
        }
        _ => url.into(),
    }
}

/// Whether `address` has the scheme, host and port of `base`.
pub fn same_origin(base: &str, address: &Address) -> bool {
    Address::parse(base).and_then(|base| base.origin()).is_some_and(|origin| address.origin() == Some(origin))
}

/// Whether the base's own server, at `url`, sent us to the same host with TLS, each at its usual port.
fn is_upgrade(base: &str, url: &str, next: &Address) -> bool {
    let Some(from) = Address::parse(url).filter(|from| same_origin(base, from)) else { return false };
    match (from.origin(), next.origin()) {
        (Some((plain, host, 80)), Some((secure, name, 443))) => plain == "http" && secure == "https" && name == host,
        _ => false,
    }
}

enum Shown {
    Header(String, String),
    Basic(String, String),
    Netrc(String, String),
}

/// The credentials for `address`: the access's own, those in the address itself, or those of `.netrc`.
fn credentials(settings: &Settings, address: &Address, access: &Access, own: bool) -> Option<Shown> {
    if own {
        if let Some(token) = &access.token {
            return Some(match token.split_once(": ") {
                Some((name, value)) => Shown::Header(name.to_string(), value.to_string()),
                None => Shown::Header("authorization".to_string(), token.clone()),
            });
        }
        if !access.username.is_empty() && !access.password.is_empty() {
            return Some(Shown::Basic(access.username.clone(), access.password.clone()));
        }
    }
    if let Some((username, password)) = address.user_and_password() {
        return Some(Shown::Basic(username, password));
    }
    if own && let Some((username, password)) = Address::parse(&access.base).and_then(|base| base.user_and_password()) {
        return Some(Shown::Basic(username, password));
    }
    // Where a server chose the address, the password does not go out in clear, as with Go's own tool.
    let is_fit = !access.without_netrc && (own || address.scheme == "https");
    let known = if is_fit { super::auth::netrc(settings, &address.host) } else { None };
    known.map(|(username, password)| Shown::Netrc(username, password))
}

fn put_header(headers: &mut HeaderMap, name: &str, value: &str) -> std::result::Result<(), Failure> {
    let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| permanent(format!("invalid header name {}", quote(name))))?;
    let mut value = HeaderValue::from_bytes(value.as_bytes()).map_err(|_| permanent(format!("invalid value of header {name}")))?;
    value.set_sensitive(name == "authorization");
    headers.insert(name, value);
    Ok(())
}

/// How long to wait for a peer; zero means no limit, as in Go.
fn timeout(settings: &Settings) -> Option<Duration> {
    Some(settings.timeout.unwrap_or(DEFAULT_TIMEOUT)).filter(|timeout| !timeout.is_zero())
}

fn build(settings: &Settings, key: &TransportKey) -> Result<Transport> {
    let fault = |text: String| Error::new(ErrorKind::Repository, format!("can't create TLS config for client: {text}"));
    let timeout = timeout(settings);
    let mut builder = Transport::builder()
        .redirect(reqwest::redirect::Policy::none())
        .connect_timeout(timeout.unwrap_or(DEFAULT_TIMEOUT).min(Duration::from_secs(30)))
        .referer(false)
        .no_proxy();
    if let Some(timeout) = timeout {
        builder = builder.timeout(timeout);
    }
    if settings.proxies != Proxies::default() {
        let rules = Rules::new(&settings.proxies);
        builder = builder.proxy(reqwest::Proxy::custom(move |url| rules.proxy_of(url)));
    }
    builder = match key.secure {
        // Plain connections need no certificate store.
        false => builder.tls_certs_only(std::iter::empty()),
        true => builder.tls_backend_preconfigured(tls::client(&key.tls, &settings.system_certificates)?),
    };
    builder.build().map_err(|error| fault(chain(&error)))
}

fn is_transient(status: StatusCode) -> bool {
    matches!(status.as_u16(), 408 | 429 | 500 | 502 | 503 | 504)
}

/// The pause before a request is sent again: what the server asked for, else our own. `None` if the server has made it wait for too long
/// already, `waited` in all.
fn pause_before_retry(asked: Option<Duration>, own: Duration, waited: Duration) -> Option<Duration> {
    let pause = asked.unwrap_or(own).min(PAUSE_LIMIT);
    (asked.is_none() || waited + pause <= WAIT_LIMIT).then_some(pause)
}

/// The pause of `Retry-After` in seconds.
fn asked_pause(response: &Response) -> Option<Duration> {
    response.header("retry-after")?.trim().parse().ok().map(Duration::from_secs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_colon_without_a_port_is_left_out() {
        for (url, wanted) in [
            ("http://example.com:/a?b:#c:", "http://example.com/a?b:#c:"),
            ("https://ada:x@[::1]:", "https://ada:x@[::1]"),
            ("http://[::]/:", "http://[::]/:"),
            ("http://example.com:80/", "http://example.com:80/"),
            (":/", ":/"),
        ] {
            assert_eq!(without_empty_port(url), wanted);
        }
    }

    #[test]
    fn only_the_base_itself_leads_to_its_side_with_tls() {
        let base = "http://charts.example.com/stable";
        for (url, next, wanted) in [
            ("http://charts.example.com/stable/index.yaml", "https://charts.example.com/stable/index.yaml", true),
            ("http://charts.example.com:80/a", "https://CHARTS.example.com:443/b", true),
            ("http://charts.example.com:8080/a", "https://charts.example.com/a", false),
            ("http://charts.example.com/a", "https://charts.example.com:8443/a", false),
            ("http://charts.example.com/a", "https://example.com/a", false),
            ("http://cdn.example.com/a", "https://cdn.example.com/a", false),
            ("http://cdn.example.com/a", "https://charts.example.com/a", false),
            ("http://charts.example.com/a", "http://charts.example.com/b", false),
        ] {
            let next = Address::parse(next).expect("an address");
            assert_eq!(is_upgrade(base, url, &next), wanted, "{url} to {next}");
        }
        // A repository at another port is not the one at the usual port.
        let next = Address::parse("https://charts.example.com/a").expect("an address");
        assert!(!is_upgrade("http://charts.example.com:8080/", "http://charts.example.com:8080/a", &next));
    }

    #[test]
    fn servers_are_waited_for_within_limits() {
        let seconds = Duration::from_secs;
        for (asked, own, waited, wanted) in [
            (None, 1, 0, Some(1)),
            (None, 1, 1000, Some(1)),
            (Some(7), 1, 0, Some(7)),
            (Some(0), 1, 0, Some(0)),
            (Some(3600), 1, 0, Some(30)),
            (Some(3600), 1, 30, Some(30)),
            (Some(3600), 1, 31, None),
            (Some(1), 1, 60, None),
        ] {
            assert_eq!(
                pause_before_retry(asked.map(seconds), seconds(own), seconds(waited)),
                wanted.map(seconds),
                "{asked:?} after {waited}"
            );
        }
    }
}
