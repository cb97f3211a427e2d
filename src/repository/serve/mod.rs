//! `rutter serve`: a chart repository, ChartMuseum's API and an OCI registry for charts on one storage.
//!
//! Goes in: [`Options`]. Comes out: a server that runs until it is told to stop. One handler takes every
//! request, parses its [`route::Route`], checks the role, and dispatches it; the parts below are independent of
//! each other. All servers on one storage are equal and keep no state that another would miss.

pub mod accounts;
pub mod catalog;
mod catalogs;
mod chartmuseum;
mod claims;
mod connections;
mod metrics;
mod names;
mod page;
mod publish;
mod registry;
mod rendered;
pub mod route;
pub mod storage;
mod tls;
#[cfg(test)]
mod trial;

use crate::diagnostic::Level;
use crate::error::{Error, ErrorKind, Result};
use crate::repository::{Reporter, rfc3339};
use crate::url::{Piece, pieces};
use accounts::{Accounts, Role};
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode, header};
use catalog::{Catalog, poisoned};
use catalogs::Catalogs;
use connections::Limits;
use futures_util::StreamExt as _;
use route::{Depth, Layout, RegistryRoute, Route};
use std::net::SocketAddr;
use std::sync::{Arc, RwLock};
use std::time::{Duration, Instant};
use storage::Storage;

/// How often abandoned uploads are removed.
const ABANDONED_PAUSE: Duration = Duration::from_secs(3600);

/// The configuration of the server.
pub struct Options {
    /// Address and port; port 0 takes a free one.
    pub listen: SocketAddr,
    /// A folder, or the URL of a bucket.
    pub storage: String,
    /// The store's settings by name, from the environment.
    pub storage_options: Vec<(String, String)>,
    pub layout: Layout,
    /// The prefix of `charts/…` in the index, if clients access the archives at another URL.
    pub chart_url: String,
    pub access: Accounts,
    /// PEM files of the certificate chain and the key.
    pub tls: Option<(std::path::PathBuf, std::path::PathBuf)>,
    /// The largest upload, in bytes.
    pub upload_limit: usize,
    /// Whether an existing version may be replaced without `?force`.
    pub allow_overwrite: bool,
    /// Whether `?force` is ignored.
    pub disable_force: bool,
    /// Whether DELETE is refused.
    pub disable_delete: bool,
    /// Whether there is no API for uploads: read-only.
    pub disable_api: bool,
    /// How old a listing of the storage may be.
    pub freshness: Duration,
    /// Now, milliseconds since 1970.
    pub clock: fn() -> i64,
    /// Fills a buffer with random bytes, for the names of the registry's upload sessions.
    pub random: fn(&mut [u8]),
    /// Gets one line for each request.
    pub log: Arc<dyn Reporter>,
    /// The version shown by `/info`.
    pub version: String,
}

/// How long open requests may take after the server is told to stop; a hanging one delays it no longer than this.
const GRACE: Duration = Duration::from_secs(10);
/// How long the body of one request may take to arrive.
const BODY_TIME: Duration = Duration::from_secs(600);

/// The number of threads for file access and reading archives.
const BLOCKING_THREADS: usize = 16;

struct Server {
    storage: Storage,
    options: Options,
    catalogs: RwLock<Catalogs>,
    metrics: metrics::Metrics,
    /// Held for reading by every request that changes something, so that shutdown can wait for them.
    changing: Arc<tokio::sync::RwLock<()>>,
    /// Limits how many passwords are hashed at once.
    hashing: tokio::sync::Semaphore,
}

type Answer = Response<Body>;

/// Serves until `stop` resolves, then lets open requests finish. `started` receives the bound address.
pub fn run(options: Options, started: impl FnOnce(SocketAddr), stop: impl Future<Output = ()> + Send + 'static) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        // Each thread has its own heap, and a folder does not get faster with more of them.
        .max_blocking_threads(BLOCKING_THREADS)
        .build()
        .map_err(|error| Error::new(ErrorKind::Io, format!("cannot start the server: {error}")))?;
    runtime.block_on(serve(options, started, stop))
}

async fn serve(options: Options, started: impl FnOnce(SocketAddr), stop: impl Future<Output = ()> + Send + 'static) -> Result<()> {
    let storage = Storage::open(&options.storage, &options.storage_options)?;
    sweep(&storage, options.clock, options.layout.depth);
    let acceptor = options.tls.as_ref().map(|(certificate, key)| tls::acceptor(certificate, key)).transpose()?;
    let listen = options.listen;
    let fault = |error: std::io::Error| Error::new(ErrorKind::Io, format!("cannot listen on {listen}: {error}"));
    let listener = tokio::net::TcpListener::bind(listen).await.map_err(fault)?;
    // Polled once before the server is announced, so that it is already listening when the server is told to stop.
    let mut stop = Box::pin(stop);
    if std::future::poll_fn(|context| std::task::Poll::Ready(stop.as_mut().poll(context).is_ready())).await {
        return Ok(());
    }
    started(listener.local_addr().map_err(fault)?);
    let server = Arc::new(Server::new(storage, options));
    let (changing, own) = (server.changing.clone(), server.clone());
    let application = axum::Router::new().fallback(handle).with_state(server);
    let told = Arc::new(tokio::sync::Notify::new());
    let tell = told.clone();
    let stop = async move {
        stop.await;
        tell.notify_one();
    };
    let serving = connections::serve(listener, acceptor, application, Limits::default(), stop);
    let patience = async {
        told.notified().await;
        tokio::time::sleep(GRACE).await;
    };
    tokio::select! {
        () = serving => {}
        () = patience => {}
    }
    // Changes whose clients disconnected are completed too.
    let _ = tokio::time::timeout(GRACE, changing.write()).await;
    let _ = tokio::time::timeout(GRACE, own.save_snapshots()).await;
    Ok(())
}

/// Removes leftovers of dead writers from the storage once, and uploads that clients abandoned periodically.
fn sweep(storage: &Storage, clock: fn() -> i64, depth: Depth) {
    let (own, now) = (storage.clone(), clock() / 1000);
    tokio::task::spawn_blocking(move || own.sweep(now, depth));
    let own = storage.clone();
    tokio::spawn(async move {
        loop {
            // On failure the next round tries again.
            let _ = registry::forget_abandoned(&own, clock()).await;
            tokio::time::sleep(ABANDONED_PAUSE).await;
        }
    });
}

/// A request with its body read, as handlers need it.
struct Asked {
    method: Method,
    /// As sent, with its escapes.
    path: String,
    headers: HeaderMap,
    query: Vec<(String, String)>,
    body: Bytes,
    /// When the server began to handle it.
    began: Instant,
}

impl Asked {
    fn query(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    fn header(&self, name: HeaderName) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }
}

/// Whether the client's `If-None-Match` includes `tag` (which is quoted): a list of tags, including weak ones,
/// or `*` for any content. Tags without quotes are accepted, as in docker-registry.
fn has_already(headers: &HeaderMap, tag: &str) -> bool {
    let same = |given: &str| {
        let given = given.trim();
        let given = given.strip_prefix("W/").unwrap_or(given);
        given == "*" || given == tag || given == tag.trim_matches('"')
    };
    headers.get_all(header::IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok()).any(|list| list.split(',').any(same))
}

async fn handle(State(server): State<Arc<Server>>, request: Request<Body>) -> Answer {
    let began = Instant::now();
    let method = request.method().clone();
    let path = request.uri().path().to_string();
    let mut answer = answer(&server, request).await;
    if path.starts_with("/v2/") || path == "/v2" {
        registry::sign(&mut answer);
    }
    server.metrics.count(&method, answer.status(), began.elapsed());
    if is_logged(&server.options.layout, &method, &path) {
        let line = serde_json::json!({
            "time": timestamp((server.options.clock)()), "method": method.as_str(), "path": path, "status": answer.status().as_u16(),
            "microseconds": u64::try_from(began.elapsed().as_micros()).unwrap_or(u64::MAX),
        });
        server.options.log.say(&line.to_string());
    }
    answer
}

/// Whether a request is logged: all but looks at health and metrics, which would flood the log. A chart or tag may have these names too,
/// and path and method are of the client's choice, so the route decides.
fn is_logged(layout: &Layout, method: &Method, path: &str) -> bool {
    let may_be_watched = matches!(*method, Method::GET | Method::HEAD) && (path.ends_with("/health") || path.ends_with("/metrics"));
    !may_be_watched || !decode(path).is_some_and(|path| matches!(route::route(layout, &path), Route::Health | Route::Metrics))
}

/// A time in milliseconds since 1970, as Go writes times into indexes.
fn timestamp(milliseconds: i64) -> String {
    rfc3339(i128::from(milliseconds) * 1_000_000)
}

async fn answer(server: &Arc<Server>, request: Request<Body>) -> Answer {
    let Some(path) = decode(request.uri().path()) else { return error(StatusCode::BAD_REQUEST, "bad path") };
    let route = route::route(&server.options.layout, &path);
    if let Some(refused) = refuse(server, &route, request.method(), request.headers()).await {
        return refused;
    }
    // The hot path: no body, no query, one lookup.
    if let (Route::Index { tenant }, &Method::GET | &Method::HEAD) = (&route, request.method()) {
        return index(server, tenant, request.headers()).await;
    }
    let (parts, body) = request.into_parts();
    let limit = server.options.upload_limit;
    let speaks_oci = matches!(route, Route::Registry(_));
    let too_large = || match speaks_oci {
        true => registry::fault(StatusCode::PAYLOAD_TOO_LARGE, "SIZE_INVALID", "request too large"),
        false => text(StatusCode::PAYLOAD_TOO_LARGE, "request too large"),
    };
    let declared =
        parts.headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()).and_then(|text| text.parse::<u64>().ok());
    if declared.is_some_and(|length| length > limit as u64) {
        return too_large();
    }
    let read = async {
        match route.takes_body(&parts.method) {
            true => axum::body::to_bytes(body, limit).await.ok(),
            false => discard(body, limit).await,
        }
    };
    let body = match tokio::time::timeout(BODY_TIME, read).await {
        Ok(Some(body)) => body,
        Ok(None) => return too_large(),
        Err(_) => return text(StatusCode::REQUEST_TIMEOUT, "request too slow"),
    };
    let query = parts.uri.query().map(pairs).unwrap_or_default();
    let path = parts.uri.path().to_string();
    let asked = Asked { method: parts.method, path, headers: parts.headers, query, body, began: Instant::now() };
    if matches!(asked.method, Method::GET | Method::HEAD) {
        return dispatch(server, route, &asked).await.unwrap_or_else(|fault| failed(server, &fault));
    }
    // If the client disconnects, this future is dropped; a change to the storage must still be completed.
    let own = server.clone();
    let task = tokio::spawn(async move {
        let _held = own.changing.read().await;
        dispatch(&own, route, &asked).await.unwrap_or_else(|fault| failed(&own, &fault))
    });
    // The task fails only if the runtime ends, or on a panic in a program that is built to survive one.
    task.await.unwrap_or_else(|_| error(StatusCode::INTERNAL_SERVER_ERROR, "storage failed"))
}

/// Reads and drops a body that no route uses, so that the client gets to reading the response. Nothing is kept,
/// since some routes need no credentials. `None` if it is longer than `limit`, or is truncated.
async fn discard(body: Body, limit: usize) -> Option<Bytes> {
    let (mut parts, mut left) = (body.into_data_stream(), limit);
    while let Some(part) = parts.next().await {
        left = left.checked_sub(part.ok()?.len())?;
    }
    Some(Bytes::new())
}

/// The response if the storage failed; the reason is only logged.
fn failed(server: &Server, fault: &Error) -> Answer {
    let notice = crate::diagnostic::Notice { level: Level::Error, message: fault.to_string(), attributes: Vec::new() };
    server.options.log.notice(notice);
    match fault.kind() {
        ErrorKind::Limit => error(StatusCode::INSUFFICIENT_STORAGE, "storage is full"),
        _ => error(StatusCode::INTERNAL_SERVER_ERROR, "storage failed"),
    }
}

/// The refusal if the client lacks the role for this request; `None` if it may proceed.
async fn refuse(server: &Arc<Server>, route: &Route, method: &Method, headers: &HeaderMap) -> Option<Answer> {
    if matches!(route, Route::Health) {
        return None;
    }
    let reads = matches!(*method, Method::GET | Method::HEAD);
    let needed = if reads { Role::Read } else { Role::Write };
    let authorization = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let role = match server.options.access.role_at_once(authorization) {
        Some(role) => role,
        None => {
            // Two at a time, so that password guesses do not use up the processors.
            let _turn = server.hashing.acquire().await;
            let (own, header) = (server.clone(), authorization.map(str::to_string));
            tokio::task::spawn_blocking(move || own.options.access.role(header.as_deref())).await.unwrap_or(Role::Nobody)
        }
    };
    // `docker login` and `helm registry login` use this path to find out whether credentials are needed.
    let probe = matches!(route, Route::Registry(RegistryRoute::Base)) && server.options.access.is_guarded() && authorization.is_none();
    if role >= needed && !probe {
        return None;
    }
    let (status, code, message) = match role {
        Role::Nobody => (StatusCode::UNAUTHORIZED, "UNAUTHORIZED", "unauthorized"),
        // Registry clients send their credentials only after a challenge.
        _ if probe || authorization.is_none() => (StatusCode::UNAUTHORIZED, "UNAUTHORIZED", "unauthorized"),
        _ => (StatusCode::FORBIDDEN, "DENIED", "forbidden"),
    };
    let mut refusal = if matches!(route, Route::Registry(_)) { registry::fault(status, code, message) } else { error(status, message) };
    if status == StatusCode::UNAUTHORIZED {
        refusal.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Basic realm=\"rutter\""));
    }
    Some(refusal)
}

async fn dispatch(server: &Arc<Server>, route: Route, asked: &Asked) -> Result<Answer> {
    let reads = matches!(asked.method, Method::GET | Method::HEAD);
    match route {
        Route::Health if reads => Ok(json(StatusCode::OK, "{\"healthy\":true}")),
        Route::Info if reads => Ok(json(StatusCode::OK, serde_json::json!({ "version": server.options.version }).to_string())),
        Route::Metrics if reads => Ok(text(StatusCode::OK, &server.metrics.render())),
        Route::Home { tenant } if reads => page::home(server, &tenant, asked).await,
        Route::Page { tenant, name, version } if reads => page::version(server, &tenant, &name, &version, asked).await,
        Route::File { tenant, file } if reads => file_of(server, &tenant, &file, asked).await,
        Route::Registry(route) => registry::handle(server, route, asked).await,
        Route::Charts { .. }
        | Route::Chart { .. }
        | Route::Version { .. }
        | Route::Values { .. }
        | Route::Templates { .. }
        | Route::Provenance { .. }
            if !server.options.disable_api =>
        {
            chartmuseum::handle(server, route, asked).await
        }
        _ => Ok(error(StatusCode::NOT_FOUND, "not found")),
    }
}

impl Server {
    fn new(storage: Storage, options: Options) -> Server {
        Server {
            storage,
            options,
            catalogs: RwLock::default(),
            metrics: metrics::Metrics::default(),
            changing: Arc::default(),
            hashing: tokio::sync::Semaphore::new(2),
        }
    }

    /// Saves the snapshots for the next start.
    async fn save_snapshots(&self) {
        let catalogs = self.catalogs.read().unwrap_or_else(poisoned).all();
        for catalog in catalogs {
            catalog.save_snapshot(Duration::ZERO).await;
        }
    }

    fn catalog(&self, tenant: &str) -> Arc<Catalog> {
        if let Some(found) = self.catalogs.read().unwrap_or_else(poisoned).get(tenant) {
            return found;
        }
        let url = match self.options.chart_url.as_str() {
            "" => String::new(),
            url => [url.trim_end_matches('/'), tenant].join("/"),
        };
        let make = || Catalog::new(self.storage.clone(), tenant, &url, &self.options);
        self.catalogs.write().unwrap_or_else(poisoned).add(tenant, make)
    }
}

/// Whether a client accepts gzip, and does not exclude it with a weight of 0 (RFC 9110, 12.5.3).
fn takes_gzip(headers: &HeaderMap) -> bool {
    let given = headers.get_all(header::ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
    let weight = |coding: &str| {
        let (name, parameters) = coding.split_once(';').unwrap_or((coding, ""));
        let weight = parameters.split(';').find_map(|parameter| parameter.trim().strip_prefix("q="));
        let is_wanted = weight.is_none_or(|weight| weight.trim().parse::<f32>().is_ok_and(|weight| weight > 0.0));
        name.trim().eq_ignore_ascii_case("gzip").then_some(is_wanted)
    };
    given.flat_map(|line| line.split(',')).find_map(weight).unwrap_or(false)
}

async fn index(server: &Server, tenant: &str, headers: &HeaderMap) -> Answer {
    let rendered = match server.catalog(tenant).index().await {
        Ok(rendered) => rendered,
        Err(fault) => return failed(server, &fault),
    };
    let builder = Response::builder().header(header::ETAG, rendered.tag.as_str()).header(header::VARY, "accept-encoding");
    let built = if has_already(headers, &rendered.tag) {
        builder.status(StatusCode::NOT_MODIFIED).body(Body::empty())
    } else {
        let builder = builder.header(header::CONTENT_TYPE, "application/x-yaml");
        match rendered::text(&rendered, takes_gzip(headers)).await {
            Some((text, true)) => builder.header(header::CONTENT_ENCODING, "gzip").body(Body::from(text)),
            Some((text, false)) => builder.body(Body::from(text)),
            None => return error(StatusCode::INTERNAL_SERVER_ERROR, "storage failed"),
        }
    };
    built.unwrap_or_else(|_| error(StatusCode::INTERNAL_SERVER_ERROR, "bad header"))
}

async fn file_of(server: &Server, tenant: &str, file: &str, asked: &Asked) -> Result<Answer> {
    if !(file.ends_with(".tgz") || file.ends_with(".tgz.prov")) {
        return Ok(error(StatusCode::NOT_FOUND, "not found"));
    }
    let Some(bytes) = server.storage.get(&server.catalog(tenant).object(file)).await? else {
        return Ok(error(StatusCode::NOT_FOUND, "object not found"));
    };
    let kind = if file.ends_with(".tgz") { "application/x-tar" } else { "application/pgp-signature" };
    Ok(content(asked, kind, bytes, &[]))
}

/// A response with a body, or only its length for HEAD.
fn content(asked: &Asked, kind: &str, bytes: Bytes, extra: &[(HeaderName, &str)]) -> Answer {
    let mut builder = Response::builder().header(header::CONTENT_TYPE, kind).header(header::CONTENT_LENGTH, bytes.len());
    for (name, value) in extra {
        builder = builder.header(name, *value);
    }
    let body = if asked.method == Method::HEAD { Body::empty() } else { Body::from(bytes) };
    builder.body(body).unwrap_or_else(|_| error(StatusCode::INTERNAL_SERVER_ERROR, "bad header"))
}

fn reply(status: StatusCode, kind: &'static str, body: impl Into<Body>) -> Answer {
    let mut answer = Response::new(body.into());
    *answer.status_mut() = status;
    answer.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    answer
}

fn json(status: StatusCode, body: impl Into<Body>) -> Answer {
    reply(status, "application/json; charset=utf-8", body)
}

fn text(status: StatusCode, body: &str) -> Answer {
    reply(status, "text/plain; charset=utf-8", body.to_string())
}

/// An error in ChartMuseum's form.
fn error(status: StatusCode, message: &str) -> Answer {
    json(status, serde_json::json!({ "error": message }).to_string())
}

/// Percent-decodes a path; `None` if the result is not UTF-8 or an escape hides a separator.
fn decode(path: &str) -> Option<String> {
    percent_decode(path, |byte| matches!(byte, b'/' | b'\\' | 0))
}

/// Percent-decodes text; `None` if the result is not UTF-8 or one of the escaped bytes is `refused`.
fn percent_decode(text: &str, refused: impl Fn(u8) -> bool) -> Option<String> {
    let byte = |piece| match piece {
        Piece::Plain(byte) => Some(byte),
        Piece::Escaped(byte) if !refused(byte) => Some(byte),
        Piece::Escaped(_) | Piece::Broken => None,
    };
    String::from_utf8(pieces(text.as_bytes()).map(byte).collect::<Option<_>>()?).ok()
}

/// The pairs of a query; a name without `=` has an empty value.
fn pairs(query: &str) -> Vec<(String, String)> {
    query
        .split('&')
        .filter(|part| !part.is_empty())
        .map(|part| {
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            // Media types contain an encoded slash; no query value becomes a path unchecked.
            let plain = |text: &str| percent_decode(&text.replace('+', "%20"), |_| false).unwrap_or_else(|| text.to_string());
            (plain(name), plain(value))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};

    #[test]
    fn paths_decode_without_hidden_separators() {
        assert_eq!(decode("/a%2Bb/c").as_deref(), Some("/a+b/c"));
        for bad in ["/a%2fb", "/a%5cb", "/%00", "/%zz", "/%2", "/%ff", "/%+f", "/%-1", "/%"] {
            assert_eq!(decode(bad), None, "{bad}");
        }
    }

    #[test]
    fn only_looks_at_health_and_metrics_are_not_logged() {
        for (method, path, context_path, wanted) in [
            ("GET", "/health", "", false),
            ("HEAD", "/metrics", "", false),
            ("GET", "/x/health", "/x", false),
            ("POST", "/health", "", true),
            ("GET", "/index.yaml", "", true),
            ("GET", "/api/charts/health", "", true),
            ("DELETE", "/api/charts/app/metrics", "", true),
            ("PUT", "/v2/app/manifests/health", "", true),
            ("GET", "/v2/app/manifests/metrics", "", true),
            ("DELETE", "/v2/app/manifests/metrics", "", true),
        ] {
            let layout = Layout { context_path: context_path.to_string(), depth: Depth::Dynamic };
            assert_eq!(is_logged(&layout, &method.parse().expect("a method"), path), wanted, "{method} {path}");
        }
    }

    #[test]
    fn what_a_client_has_is_told_by_its_tags() {
        let headers = |lines: &[&str]| {
            let values = lines.iter().map(|line| (header::IF_NONE_MATCH, HeaderValue::from_str(line).expect("a value")));
            values.collect::<HeaderMap>()
        };
        for lines in
            [&["\"sha256:ab\""][..], &["sha256:ab"], &["W/\"sha256:ab\""], &["\"x\", \"sha256:ab\""], &["\"x\"", "\"sha256:ab\""], &["*"]]
        {
            assert!(has_already(&headers(lines), "\"sha256:ab\""), "{lines:?}");
        }
        for lines in [&[][..], &[""], &["\"\""], &["\"sha256:abc\""], &["\"asha256:ab\""]] {
            assert!(!has_already(&headers(lines), "\"sha256:ab\""), "{lines:?}");
        }
    }

    #[test]
    fn gzip_is_for_those_who_take_it() {
        let takes = |lines: &[&str]| {
            let values = lines.iter().map(|line| (header::ACCEPT_ENCODING, HeaderValue::from_str(line).expect("a value")));
            takes_gzip(&values.collect())
        };
        for lines in [&["gzip"][..], &["gzip, deflate, br"], &["br", "GZIP;q=0.5"], &["deflate ; q=1, gzip ; q=0.001"]] {
            assert!(takes(lines), "{lines:?}");
        }
        for lines in [&[][..], &[""], &["gzip;q=0"], &["gzip; q=0.000, br"], &["x-gzipped"], &["br"], &["gzip;q=x"]] {
            assert!(!takes(lines), "{lines:?}");
        }
    }

    /// A part of a body that counts how many parts are in memory.
    struct Part(Arc<AtomicUsize>);

    impl AsRef<[u8]> for Part {
        fn as_ref(&self) -> &[u8] {
            b"0123456789"
        }
    }

    impl Drop for Part {
        fn drop(&mut self) {
            self.0.fetch_sub(1, Ordering::Relaxed);
        }
    }

    #[test]
    fn bodies_that_nobody_wants_are_not_kept() {
        let trial = trial::Trial::new(|options| options.upload_limit = 100);
        // The status, and how many parts were in memory at once.
        let ask = |method: &str, path: &str, count: usize| {
            let (kept, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
            let seen = most.clone();
            let parts = futures_util::stream::iter(0..count).map(move |_| {
                seen.fetch_max(kept.fetch_add(1, Ordering::Relaxed) + 1, Ordering::Relaxed);
                Ok::<_, std::io::Error>(Bytes::from_owner(Part(kept.clone())))
            });
            (trial.status(method, path, Body::from_stream(parts)), most.load(Ordering::Relaxed))
        };
        for (method, path, status) in [
            ("GET", "/health", 200),
            ("POST", "/health", 404),
            ("GET", "/info", 200),
            ("GET", "/charts/a-1.0.0.tgz", 404),
            ("GET", "/v2/a/tags/list", 404),
            ("DELETE", "/v2/a/manifests/1.0.0", 404),
            ("POST", "/v2/", 405),
            // A push to the wrong path gets a 404.
            ("POST", "/nowhere/api/x", 404),
        ] {
            assert_eq!(ask(method, path, 10), (status, 1), "{method} {path}");
            assert_eq!(ask(method, path, 11), (413, 1), "{method} {path}");
        }
        assert_eq!(ask("POST", "/api/charts", 10), (400, 10));
        assert_eq!(ask("POST", "/api/charts", 11).0, 413);
    }

    #[test]
    fn queries_are_pairs() {
        assert_eq!(pairs("digest=sha256%3Aab&force"), [("digest".into(), "sha256:ab".into()), ("force".into(), String::new())]);
        assert_eq!(pairs("artifactType=application%2Fa%2Bjson"), [("artifactType".into(), "application/a+json".into())]);
    }
}
