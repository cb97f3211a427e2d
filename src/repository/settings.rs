//! Settings of the repositories, and options for getting a chart.
//!
//! Goes in: nothing; the command line fills these. [`Settings`] apply to a whole run (Helm's `EnvSettings`), [`ChartOptions`]
//! to one command (Helm's `ChartPathOptions` in `pkg/action/install.go`). Everything from the environment is passed in here.

use super::access::TlsOptions;
#[cfg(feature = "remote")]
use super::{getter, mirror, tls};
use std::path::PathBuf;
#[cfg(feature = "remote")]
use std::sync::Arc;
use std::time::Duration;

/// Everything that the repositories need from outside: Helm's `EnvSettings`, proxies, credential files.
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
    /// Docker's own credential file, used if the former has no credential.
    pub docker_config: Option<PathBuf>,
    /// `~/.netrc` or `$NETRC`.
    pub netrc: Option<PathBuf>,
    /// Folders to search for `docker-credential-*` programs (`PATH`).
    pub program_path: Vec<PathBuf>,
    /// Mirrors in the order they were configured.
    #[cfg(feature = "remote")]
    pub mirrors: Vec<mirror::Mirror>,
    /// Fetches addresses that are neither HTTP nor a registry's.
    #[cfg(feature = "remote")]
    pub getter: Option<Arc<dyn getter::Getter>>,
    /// Hosts of token servers, with or without a port, that may see the credentials of registries that name them.
    pub trusted_realms: Vec<String>,
    /// `HTTP_PROXY`, `HTTPS_PROXY` and `NO_PROXY`.
    pub proxies: Proxies,
    /// Where this system keeps its trusted authorities, if not in the usual places.
    pub system_certificates: SystemCertificates,
    /// The `User-Agent` header.
    pub user_agent: String,
    /// The program's name in hints about commands; `rutter` if empty.
    pub program: String,
    /// Whether fetching is forbidden: anything that is not cached is an error.
    pub offline: bool,
    /// `--debug`.
    pub debug: bool,
    /// How long one request may take (Helm's default: 120 s).
    pub timeout: Option<Duration>,
    /// The current time in nanoseconds since 1970, for locks, indexes and the expiry of keys. 0 means unknown.
    pub now: i128,
    /// The first pause before a request is retried (250 ms).
    pub retry_pause: Option<Duration>,
    /// The folder for temporary files; the system's default if empty.
    pub temporary: PathBuf,
}

impl Settings {
    /// Whether addresses of this scheme can be fetched; does not apply to registries.
    #[cfg(feature = "remote")]
    pub fn fetches(&self, scheme: &str) -> bool {
        matches!(scheme, "http" | "https") || self.getter.as_ref().is_some_and(|getter| getter.provides(scheme))
    }

    /// The program's name.
    pub fn program(&self) -> &str {
        if self.program.is_empty() { "rutter" } else { &self.program }
    }

    /// The time in seconds since 1970; `None` if unknown.
    pub fn now_seconds(&self) -> Option<i64> {
        i64::try_from(self.now / 1_000_000_000).ok().filter(|seconds| *seconds != 0)
    }
}

/// Proxies from the usual variables; empty strings mean none.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Proxies {
    pub http: String,
    pub https: String,
    /// Comma-separated hosts that are accessed directly: names, `.domain` and `*.domain`, addresses, networks,
    /// each with or without a port, and `*`.
    pub exceptions: String,
}

/// Authorities from Go's variables; empty strings mean the usual places. Ignored on macOS and Windows, where
/// the system itself verifies certificates.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SystemCertificates {
    /// `SSL_CERT_FILE`
    pub file: String,
    /// `SSL_CERT_DIR`: folders separated by colons.
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
    /// Refuses TLS files that cannot be read: Helm creates its registry client first, whatever is requested afterwards.
    pub fn check_tls_files(&self) -> crate::error::Result<()> {
        tls::check_files(&self.tls).map_err(|error| error.context("missing registry client"))
    }
}
