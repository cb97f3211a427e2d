//! How to access one repository or registry, and which credentials it may see.
//!
//! Goes in: flags ([`ChartOptions`]) and the repository's [`Entry`] in repositories.yaml. Comes out: an
//! [`Access`], which accompanies every request. Which credentials others may see (mirrors, token servers,
//! redirect targets) is decided where the requests are sent; the types for it are here. Where flags and entry
//! both set a value, precedence follows Helm's `ResolveChartVersion` (`pkg/downloader/chart_downloader.go`).

use super::ChartOptions;
use super::config::Entry;

/// Certificates, keys and authorities from flags and repositories.yaml: paths, empty if not set.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct TlsOptions {
    pub cert_file: String,
    pub key_file: String,
    pub ca_file: String,
    pub insecure_skip_tls_verify: bool,
}

impl TlsOptions {
    /// Whether both files of a client certificate are set.
    pub fn has_certificate(&self) -> bool {
        !self.cert_file.is_empty() && !self.key_file.is_empty()
    }

    /// Whether Helm creates a separate TLS client for these; a certificate without its key, or a key without its certificate, is ignored.
    pub fn is_asked_for(&self) -> bool {
        self.has_certificate() || !self.ca_file.is_empty() || self.insecure_skip_tls_verify
    }

    /// The same without the client certificate, which would identify the user.
    pub fn without_certificate(&self) -> TlsOptions {
        TlsOptions { cert_file: String::new(), key_file: String::new(), ..self.clone() }
    }
}

/// How to access one repository or registry, and which credentials it may see.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Access {
    /// The address that the credentials belong to.
    pub base: String,
    pub username: String,
    pub password: String,
    /// A whole `Authorization` header, or another header as `Name: value`, instead of user and password.
    pub token: Option<String>,
    /// Credentials may go to other hosts (`--pass-credentials`).
    pub pass_credentials: bool,
    /// `.netrc` is ignored: a registry's credentials are in Docker's file, and a login sends only what was typed.
    pub without_netrc: bool,
    pub tls: TlsOptions,
}

impl Access {
    /// The access that the flags describe, for the host of `base`.
    pub fn of_flags(options: &ChartOptions, base: &str) -> Access {
        Access {
            base: base.to_string(),
            username: options.username.clone(),
            password: options.password.clone(),
            pass_credentials: options.pass_credentials,
            tls: options.tls.clone(),
            ..Access::default()
        }
    }

    /// The access that repositories.yaml describes for a repository.
    pub fn of_entry(entry: &Entry) -> Access {
        Access {
            base: entry.url.clone(),
            username: entry.username.clone(),
            password: entry.password.clone(),
            pass_credentials: entry.pass_credentials_all,
            tls: entry.tls.clone(),
            ..Access::default()
        }
    }

    /// Combines the flags with repositories.yaml; the repository's entry wins. The flags' credentials too are bound to its host.
    pub fn of_flags_below(options: &ChartOptions, entry: &Entry) -> Access {
        let mut access = Access::of_flags(options, &entry.url);
        let insecure_skip_tls_verify = access.tls.insecure_skip_tls_verify | entry.tls.insecure_skip_tls_verify;
        if !entry.tls.cert_file.is_empty() || !entry.tls.key_file.is_empty() || !entry.tls.ca_file.is_empty() {
            access.tls = entry.tls.clone();
        }
        access.tls.insecure_skip_tls_verify = insecure_skip_tls_verify;
        if !entry.username.is_empty() && !entry.password.is_empty() {
            access.username.clone_from(&entry.username);
            access.password.clone_from(&entry.password);
            access.pass_credentials = entry.pass_credentials_all;
        }
        access
    }

    /// Combines the flags with repositories.yaml; the flags win. Helm has no rule for pushing, so the command line decides.
    pub fn of_flags_above(options: &ChartOptions, entry: &Entry) -> Access {
        let mut access = Access::of_entry(entry);
        if !options.username.is_empty() {
            access.username.clone_from(&options.username);
            access.password.clone_from(&options.password);
        }
        if !options.tls.ca_file.is_empty() {
            access.tls.ca_file.clone_from(&options.tls.ca_file);
        }
        if !options.tls.cert_file.is_empty() {
            access.tls.cert_file.clone_from(&options.tls.cert_file);
            access.tls.key_file.clone_from(&options.tls.key_file);
        }
        access.tls.insecure_skip_tls_verify |= options.tls.insecure_skip_tls_verify;
        access
    }
}

impl std::fmt::Debug for Access {
    /// Shows no secrets.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Access").field("base", &super::url::redact(&self.base)).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tls(words: [&str; 3], insecure_skip_tls_verify: bool) -> TlsOptions {
        let [cert_file, key_file, ca_file] = words.map(str::to_string);
        TlsOptions { cert_file, key_file, ca_file, insecure_skip_tls_verify }
    }

    fn flags(username: &str, tls: TlsOptions) -> ChartOptions {
        ChartOptions { username: username.into(), password: "flag".into(), pass_credentials: true, tls, ..ChartOptions::default() }
    }

    fn entry(username: &str, password: &str, tls: TlsOptions) -> Entry {
        let url = "https://charts.example.com".to_string();
        Entry { url, username: username.into(), password: password.into(), tls, ..Entry::default() }
    }

    #[test]
    fn a_repository_wins_over_flags_where_charts_are_fetched() {
        let of_flags = flags("me", tls(["c", "k", "a"], false));
        let bare = Access::of_flags_below(&of_flags, &entry("", "", TlsOptions::default()));
        assert_eq!((bare.base.as_str(), bare.username.as_str(), bare.password.as_str()), ("https://charts.example.com", "me", "flag"));
        assert_eq!((bare.pass_credentials, &bare.tls), (true, &of_flags.tls));
        // The entry's files replace the flags' only all together, its credentials only if it has both.
        let own = Access::of_flags_below(&of_flags, &entry("you", "own", tls(["", "", "b"], false)));
        assert_eq!((own.username.as_str(), own.password.as_str(), own.pass_credentials), ("you", "own", false));
        assert_eq!(own.tls, tls(["", "", "b"], false));
        let half = Access::of_flags_below(&flags("me", tls(["", "", ""], true)), &entry("you", "", tls(["x", "", ""], false)));
        assert_eq!((half.username.as_str(), half.password.as_str(), half.pass_credentials), ("me", "flag", true));
        assert_eq!(half.tls, tls(["x", "", ""], true));
    }

    #[test]
    fn flags_win_over_a_repository_where_charts_are_pushed() {
        let known = entry("you", "own", tls(["x", "y", "b"], true));
        assert_eq!(Access::of_flags_above(&flags("", TlsOptions::default()), &known), Access::of_entry(&known));
        let own = Access::of_flags_above(&flags("me", tls(["c", "k", ""], false)), &known);
        assert_eq!((own.username.as_str(), own.password.as_str()), ("me", "flag"));
        assert_eq!(own.tls, tls(["c", "k", "b"], true));
        assert_eq!(Access::of_flags_above(&flags("", tls(["", "", "a"], false)), &known).tls, tls(["x", "y", "a"], true));
    }

    #[test]
    fn half_a_pair_asks_for_no_tls() {
        for (given, expected) in [
            (tls(["c", "", ""], false), false),
            (tls(["", "k", ""], false), false),
            (tls(["c", "k", ""], false), true),
            (tls(["", "", "a"], false), true),
            (tls(["", "", ""], true), true),
        ] {
            assert_eq!(given.is_asked_for(), expected, "{given:?}");
        }
        assert_eq!(tls(["c", "k", "a"], true).without_certificate(), tls(["", "", "a"], true));
    }
}
