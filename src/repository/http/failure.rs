//! Why a request failed, in Go's words.
//!
//! Goes in: errors of the transport. Comes out: a message, and whether the request may succeed when it is sent again. It is apart
//! because the transport has other words than Go's `net/http`, which scripts look for, and hides most causes in chains of errors.

use super::super::proxy::Rules;
use super::super::url::{Address, split_port};
use super::super::{Settings, tls};
use crate::error::{Error, ErrorKind};
use crate::fs;
use crate::quote::quote;
use reqwest::Method;
use std::net::ToSocketAddrs;

/// Why a single attempt failed.
pub(super) struct Failure {
    pub(super) error: Error,
    /// Whether a retry may succeed.
    pub(super) transient: bool,
}

/// One that asking again does not change.
pub(super) fn permanent(message: String) -> Failure {
    Failure { error: Error::new(ErrorKind::Repository, message), transient: false }
}

/// A method as Go writes it in errors: `Get`, `Put`, ….
pub(super) fn verb(method: &Method) -> String {
    let name = method.as_str();
    let (first, rest) = name.split_at(1.min(name.len()));
    format!("{first}{}", rest.to_ascii_lowercase())
}

/// Windows' error codes for names that no host has (`WSAHOST_NOT_FOUND`, `WSANO_DATA`).
const NO_SUCH_HOST: [i32; 2] = [11001, 11004];

/// A failure before the response body, in Go's words; those caused by a timeout or a closed connection may be transient.
pub(super) fn transport_failure(verb: &str, shown: &str, dialed: &Dialed, error: &reqwest::Error) -> Failure {
    let cause = source_io(error);
    let (text, transient) = if error.is_timeout() {
        // Not retried: the user would wait for the timeout of every attempt.
        ("context deadline exceeded (Client.Timeout exceeded while awaiting headers)".to_string(), false)
    } else if let Some(refused) = cause.filter(|cause| cause.kind() == std::io::ErrorKind::ConnectionRefused) {
        // Go names the system call that failed.
        let why = if cfg!(windows) { format!("connectex: {}", fs::reason(refused)) } else { "connect: connection refused".to_string() };
        (format!("{}dial tcp {}: {why}", dialed.way, dialed.address()), false)
    } else if cfg!(windows) && cause.and_then(std::io::Error::raw_os_error).is_some_and(|code| NO_SUCH_HOST.contains(&code)) {
        (format!("{}dial tcp: lookup {}: no such host", dialed.way, split_port(&dialed.host).0), false)
    } else {
        let text = chain(error);
        if let Some((_, why)) = text.split_once("failed to lookup address information: ") {
            let host = split_port(&dialed.host).0;
            let why = if why.contains("not known") || why.contains("No address") { "no such host" } else { why };
            (format!("{}dial tcp: lookup {host}: {why}", dialed.way), false)
        } else if let Some(why) = text.strip_prefix("SOCKS error: ") {
            (format!("{}{why}", dialed.way), false)
        } else if text.contains("InvalidContentType") {
            // A server without TLS sends bytes that are not a TLS record.
            ("http: server gave HTTP response to HTTPS client".to_string(), false)
        } else if let Some(refusal) = tls::refused(error) {
            (format!("tls: failed to verify certificate: {refusal}"), false)
        } else if let Some(alert) = tls::alert(error) {
            (format!("remote error: tls: {alert}"), false)
        } else if text.contains("certificate") {
            (format!("tls: failed to verify certificate: {text}"), false)
        } else {
            (text, !error.is_builder() && !error.is_connect())
        }
    };
    Failure { error: Error::new(ErrorKind::Repository, format!("{verb} {}: {text}", quote(shown))), transient }
}

/// The target of a connection: the server, or the proxy in front of it.
pub(super) struct Dialed {
    /// With the port.
    host: String,
    /// Go's prefix for errors of connections to proxies.
    way: String,
}

impl Dialed {
    /// The address that Go names when nobody answers: the first that the name stands for.
    fn address(&self) -> String {
        let mut found = self.host.to_socket_addrs().into_iter().flatten();
        found.next().map_or_else(|| self.host.clone(), |address| address.to_string())
    }

    pub(super) fn new(address: &Address, settings: &Settings) -> Dialed {
        let server = match split_port(&address.host) {
            (_, Some(port)) if !port.is_empty() => address.host.clone(),
            (host, _) => format!("{host}:{}", if address.scheme == "https" { 443 } else { 80 }),
        };
        let url = reqwest::Url::parse(&address.without_user().to_string()).ok();
        let Some(proxy) = url.and_then(|url| Rules::new(&settings.proxies).proxy_of(&url)) else {
            return Dialed { host: server, way: String::new() };
        };
        let is_socks = proxy.scheme() == "socks5h";
        let port = proxy.port_or_known_default().unwrap_or(if is_socks { 1080 } else { 80 });
        let host = format!("{}:{port}", proxy.host_str().unwrap_or_default());
        let way = if is_socks { format!("socks connect tcp {host}->{server}: ") } else { "proxyconnect tcp: ".to_string() };
        Dialed { host, way }
    }
}

fn source_io<'e>(error: &'e (dyn std::error::Error + 'static)) -> Option<&'e std::io::Error> {
    let mut current = Some(error);
    while let Some(at) = current {
        if let Some(found) = at.downcast_ref::<std::io::Error>() {
            return Some(found);
        }
        current = at.source();
    }
    None
}

/// The innermost cause of an error, without the address that reqwest repeats.
pub(super) fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut last = error.to_string();
    let mut current = error.source();
    while let Some(at) = current {
        last = at.to_string();
        current = at.source();
    }
    last
}

/// Whether an error or one of its causes is that the peer's bytes ended.
pub(super) fn is_early_end(error: &std::io::Error) -> bool {
    let mut current: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(at) = current {
        if at.downcast_ref::<std::io::Error>().is_some_and(|error| error.kind() == std::io::ErrorKind::UnexpectedEof) {
            return true;
        }
        current = at.source();
    }
    false
}
