//! Where charts live: configured repositories and their indexes, caches, HTTP repositories, OCI registries.
//!
//! Goes in: [`Settings`] (all that Helm takes from its environment, injected by the command line), references to charts.
//! Comes out: archives and indexes in Helm's files and caches, so that both tools share them. No part of this module reads
//! the environment or prints: what Helm says on the way goes to a [`Reporter`]. Credentials are bound to scheme, host and
//! port, and redirects are followed here, not by the HTTP client.

pub mod access;
#[cfg(feature = "remote")]
pub mod auth;
pub mod cache;
pub mod catalog;
pub mod config;
#[cfg(feature = "remote")]
pub mod download;
#[cfg(feature = "remote")]
pub mod getter;
#[cfg(feature = "remote")]
pub mod http;
#[cfg(feature = "remote")]
pub mod hub;
pub mod index;
#[cfg(feature = "remote")]
pub mod mirror;
#[cfg(feature = "remote")]
pub mod oci;
#[cfg(feature = "remote")]
mod proxy;
#[cfg(feature = "remote")]
pub mod push;
pub mod record;
#[cfg(feature = "remote")]
pub mod resolve;
pub mod scan;
pub mod search;
#[cfg(feature = "serve")]
pub mod serve;
#[cfg(feature = "remote")]
mod tls;
#[cfg(feature = "remote")]
pub mod update;
pub mod url;

use crate::diagnostic::{Level, Notice, Notices};
use access::TlsOptions;
use std::path::PathBuf;
#[cfg(feature = "remote")]
use std::sync::Arc;
use std::sync::Mutex;
use std::time::Duration;

/// Everything from outside that the repositories need: Helm's `EnvSettings`, proxies, credential files.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// repositories.yaml (`HELM_REPOSITORY_CONFIG`).
    pub repository_config: PathBuf,
    /// Cached indexes (`HELM_REPOSITORY_CACHE`).
    pub repository_cache: PathBuf,
    /// Cached archives by digest (`HELM_CONTENT_CACHE`).
    pub content_cache: PathBuf,
    /// Registry credentials in Docker's format (`HELM_REGISTRY_CONFIG`).
    pub registry_config: PathBuf,
    /// Docker's own credential file, looked into when the former has nothing.
    pub docker_config: Option<PathBuf>,
    /// `~/.netrc` or `$NETRC`.
    pub netrc: Option<PathBuf>,
    /// Folders in which `docker-credential-*` programs are looked for (`PATH`).
    pub program_path: Vec<PathBuf>,
    /// Mirrors in the order they were configured.
    #[cfg(feature = "remote")]
    pub mirrors: Vec<mirror::Mirror>,
    /// Who fetches from addresses that are neither HTTP nor a registry's.
    #[cfg(feature = "remote")]
    pub getter: Option<Arc<dyn getter::Getter>>,
    /// Hosts of token servers, with a port or without, that may see the credentials of registries that name them.
    pub trusted_realms: Vec<String>,
    /// `HTTP_PROXY`, `HTTPS_PROXY` and `NO_PROXY`.
    pub proxies: Proxies,
    /// Where else than usual this system keeps the authorities that it trusts.
    pub system_certificates: SystemCertificates,
    /// The `User-Agent` header.
    pub user_agent: String,
    /// What the program is called, for advice on how to call it again; its own name when empty.
    pub program: String,
    /// Nothing is fetched: what is not cached is an error.
    pub offline: bool,
    /// `--debug`.
    pub debug: bool,
    /// How long one request may take (Helm's default: 120 s).
    pub timeout: Option<Duration>,
    /// The time, nanoseconds since 1970: stands in locks and indexes, and decides whether keys have expired. 0 is unknown.
    pub now: i128,
    /// The first pause before a request is sent again (250 ms).
    pub retry_pause: Option<Duration>,
    /// Where temporary files go; the system's place when empty.
    pub temporary: PathBuf,
}

impl Settings {
    /// Whether there is somebody who fetches from addresses of this scheme; registries apart.
    #[cfg(feature = "remote")]
    pub fn fetches(&self, scheme: &str) -> bool {
        matches!(scheme, "http" | "https") || self.getter.as_ref().is_some_and(|getter| getter.provides(scheme))
    }

    /// What the program is called.
    pub fn program(&self) -> &str {
        if self.program.is_empty() { "rutter" } else { &self.program }
    }

    /// The time in seconds since 1970, unless unknown.
    pub fn now_seconds(&self) -> Option<i64> {
        i64::try_from(self.now / 1_000_000_000).ok().filter(|seconds| *seconds != 0)
    }
}

/// A time in nanoseconds since 1970 as Go's `RFC3339Nano` writes it in UTC: no trailing zeros in the fraction.
pub fn rfc3339(nanoseconds: i128) -> String {
    match jiff::Timestamp::from_nanosecond(nanoseconds) {
        Ok(time) => time.to_string(),
        Err(_) => "0001-01-01T00:00:00Z".to_string(),
    }
}

/// Proxies as the usual variables name them; empty strings mean none.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Proxies {
    pub http: String,
    pub https: String,
    /// Comma-separated hosts that are reached directly: names, `.domain` and `*.domain`, addresses, networks, each with a port or without,
    /// and `*`.
    pub exceptions: String,
}

/// Authorities as Go's variables name them; empty strings mean the usual places. Not looked at on macOS and Windows, where the system
/// itself is asked.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SystemCertificates {
    /// `SSL_CERT_FILE`
    pub file: String,
    /// `SSL_CERT_DIR`: folders with colons between them.
    pub folders: String,
}

/// The flags of every command that takes a chart (Helm's `ChartPathOptions`).
#[derive(Debug, Clone, Default)]
pub struct ChartOptions {
    /// `--version`: exact or a range; `>0.0.0-0` for `--devel`.
    pub version: String,
    /// `--repo`.
    pub repository_url: String,
    pub username: String,
    pub password: String,
    pub pass_credentials: bool,
    pub tls: TlsOptions,
    pub plain_http: bool,
    pub verify: bool,
    pub keyring: PathBuf,
}

#[cfg(feature = "remote")]
impl ChartOptions {
    /// Refuses files for TLS that cannot be read: Helm makes its client for registries first, whatever is asked afterwards.
    pub fn check_tls_files(&self) -> crate::error::Result<()> {
        tls::check_files(&self.tls).map_err(|error| error.context("missing registry client"))
    }
}

/// How far a transfer has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Progress {
    /// Which transfer it is: two at once may be of the same name.
    pub transfer: u64,
    /// What is transferred.
    pub label: String,
    /// Bytes so far.
    pub done: u64,
    /// Bytes in all, when known.
    pub total: Option<u64>,
    /// No more will come.
    pub finished: bool,
}

/// Takes what is to be said while work goes on. Shared by threads.
pub trait Reporter: Send + Sync {
    /// One line that Helm writes to its standard output while it works, without the line end.
    fn say(&self, line: &str);
    /// A line of Helm's client for registries, which writes to standard output even where the command itself is silent.
    fn announce(&self, line: &str) {
        self.say(line);
    }
    /// A warning or a remark for standard error.
    fn notice(&self, notice: Notice);
    /// A transfer has moved on; shown on a terminal only.
    fn progress(&self, _progress: &Progress) {}
    /// Whether somebody looks on: of things that are done at once each is then told as soon as it ends, else in their order.
    fn is_watched(&self) -> bool {
        false
    }

    /// A remark for `--debug`.
    fn debug(&self, message: &str, attributes: &[(&str, &str)]) {
        let attributes = attributes.iter().map(|(key, value)| (key.to_string(), value.to_string())).collect();
        self.notice(Notice { level: Level::Debug, message: message.to_string(), attributes });
    }

    /// A warning without attributes.
    fn warn(&self, message: &str) {
        self.warn_with(message, &[]);
    }

    /// A warning with attributes, in their order.
    fn warn_with(&self, message: &str, attributes: &[(&str, &str)]) {
        let attributes = attributes.iter().map(|(key, value)| (key.to_string(), value.to_string())).collect();
        self.notice(Notice { level: Level::Warn, message: message.to_string(), attributes });
    }

    /// What has gathered elsewhere, in its order.
    fn pass_on(&self, notices: Notices) {
        notices.list.into_iter().for_each(|notice| self.notice(notice));
    }
}

/// A reporter that keeps what it is told: for tests and for callers that print later.
#[derive(Debug, Default)]
pub struct Recorded {
    lines: Mutex<Vec<String>>,
    notices: Mutex<Vec<Notice>>,
}

impl Recorded {
    /// The lines so far.
    pub fn lines(&self) -> Vec<String> {
        self.lines.lock().map(|lines| lines.clone()).unwrap_or_default()
    }

    /// The notices so far.
    pub fn notices(&self) -> Vec<Notice> {
        self.notices.lock().map(|notices| notices.clone()).unwrap_or_default()
    }
}

impl Reporter for Recorded {
    fn say(&self, line: &str) {
        if let Ok(mut lines) = self.lines.lock() {
            lines.push(line.to_string());
        }
    }

    fn notice(&self, notice: Notice) {
        if let Ok(mut notices) = self.notices.lock() {
            notices.push(notice);
        }
    }
}

/// What is shown of a text from outside: control characters (escape sequences among them) and marks that turn the
/// direction of writing are taken out.
pub fn printable(text: &str) -> String {
    text.chars()
        .filter(|c| !c.is_control() && !matches!(*c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'))
        .collect()
}
