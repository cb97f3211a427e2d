//! What repositories need to know of their surroundings, and how a chart that is wanted is to be had.
//!
//! Goes in: nothing; the command line fills these. [`Settings`] holds for a whole run (Helm's `EnvSettings`), [`ChartOptions`] for one
//! command (Helm's `ChartPathOptions` in `pkg/action/install.go`). All that comes from the environment enters here.

use super::access::TlsOptions;
#[cfg(feature = "remote")]
use super::{getter, mirror, tls};
use std::path::PathBuf;
#[cfg(feature = "remote")]
use std::sync::Arc;
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
