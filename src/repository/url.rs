//! Addresses as Go's `net/url` reads and joins them, as far as chart repositories need it.
//!
//! Goes in: text from a user, a configuration or an index. Comes out: [`Address`] with its parts still escaped as they
//! were written, so that requests and messages show the original text. Separate from the HTTP client because index
//! entries, locks and credential scopes compare addresses without any network. Follows Helm's `internal/urlutil` and
//! `repo.ResolveReferenceURL`: a reference is joined below the base path and keeps the base's query.

use crate::error::{Error, ErrorKind};
use crate::fs;
use crate::url::{Part, Url, escaped, unescape_leniently};
use std::fmt;

/// An address cut into its parts, each as written.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Address {
    /// Lower case; empty for a relative reference.
    pub scheme: String,
    /// `user:password` before the `@`, still escaped.
    pub user: Option<String>,
    /// Host and port as written.
    pub host: String,
    /// Path, still escaped.
    pub path: String,
    /// The text after `?`.
    pub query: Option<String>,
    /// The text after `#`.
    pub fragment: Option<String>,
    /// `scheme:rest` without slashes; such an address has no host or path.
    pub opaque: Option<String>,
}

impl Address {
    /// Parses `text`; `None` if Go's `url.Parse` refuses it.
    pub fn parse(text: &str) -> Option<Address> {
        Url::parse(text.as_bytes()).ok()?;
        let (rest, fragment) = cut(text, '#');
        let (scheme, rest) = split_scheme(rest);
        let (rest, query) = cut(rest, '?');
        let mut address = Address {
            scheme: scheme.to_ascii_lowercase(),
            fragment: fragment.map(str::to_string),
            query: query.map(str::to_string),
            ..Address::default()
        };
        if !scheme.is_empty() && !rest.starts_with('/') {
            address.opaque = Some(rest.to_string());
            return Some(address);
        }
        let authority = rest.strip_prefix("//").filter(|_| !scheme.is_empty() || !rest.starts_with("///"));
        let (authority, path) = authority.map_or(("", rest), |rest| rest.split_at(rest.find('/').unwrap_or(rest.len())));
        let (user, host) = authority.rsplit_once('@').map_or((None, authority), |(user, host)| (Some(user.to_string()), host));
        (address.user, address.host, address.path) = (user, host.to_string(), path.to_string());
        Some(address)
    }

    /// Whether there is a scheme.
    pub fn is_absolute(&self) -> bool {
        !self.scheme.is_empty()
    }

    /// The path with its escapes decoded; invalid UTF-8 is replaced.
    pub fn decoded_path(&self) -> String {
        unescape(&self.path)
    }

    /// The last part of the path, which is the name of the fetched file (Go's `filepath.Base`).
    pub fn file_name(&self) -> String {
        let path = self.decoded_path();
        let trimmed = path.trim_end_matches('/');
        match trimmed.rsplit('/').next() {
            Some(last) if !last.is_empty() => last.to_string(),
            _ if path.is_empty() => ".".to_string(),
            _ => "/".to_string(),
        }
    }

    /// Scheme, lower-case host and effective port, which credentials are bound to. `None` without a host.
    pub fn origin(&self) -> Option<(String, String, u16)> {
        if self.host.is_empty() {
            return None;
        }
        let (host, port) = split_port(&self.host);
        let default = if self.scheme == "http" { 80 } else { 443 };
        Some((self.scheme.clone(), host.to_ascii_lowercase(), port.and_then(|port| port.parse().ok()).unwrap_or(default)))
    }

    /// The user name and password written into the address, unescaped.
    pub fn user_and_password(&self) -> Option<(String, String)> {
        let user = self.user.as_deref()?;
        let (name, password) = user.split_once(':').unwrap_or((user, ""));
        Some((unescape(name), unescape(password)))
    }

    /// The same address without user and password, for messages or requests.
    pub fn without_user(&self) -> Address {
        Address { user: None, ..self.clone() }
    }

    /// Joins `reference` to this base (RFC 3986, as Go's `ResolveReference`).
    pub fn join(&self, reference: &Address) -> Address {
        if reference.is_absolute() {
            return Address { path: remove_dots(&reference.path), ..reference.clone() };
        }
        if !reference.host.is_empty() {
            return Address { scheme: self.scheme.clone(), path: remove_dots(&reference.path), ..reference.clone() };
        }
        let mut joined = self.clone();
        joined.fragment = reference.fragment.clone();
        if reference.path.is_empty() {
            if reference.query.is_some() {
                joined.query = reference.query.clone();
            }
            return joined;
        }
        let merged = if reference.path.starts_with('/') {
            reference.path.clone()
        } else {
            let folder = self.path.rfind('/').map_or("", |at| &self.path[..=at]);
            format!("{folder}{}", reference.path)
        };
        joined.path = remove_dots(&merged);
        if !joined.path.starts_with('/') {
            joined.path.insert(0, '/');
        }
        joined.query = reference.query.clone();
        joined
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.scheme.is_empty() {
            write!(f, "{}:", self.scheme)?;
        }
        if let Some(opaque) = &self.opaque {
            f.write_str(opaque)?;
        } else {
            if !self.scheme.is_empty() || !self.host.is_empty() {
                f.write_str("//")?;
            }
            if let Some(user) = &self.user {
                write!(f, "{user}@")?;
            }
            f.write_str(&self.host)?;
            if !self.host.is_empty() && !self.path.is_empty() && !self.path.starts_with('/') {
                f.write_str("/")?;
            }
            f.write_str(&self.path)?;
        }
        if let Some(query) = &self.query {
            write!(f, "?{query}")?;
        }
        if let Some(fragment) = &self.fragment {
            write!(f, "#{fragment}")?;
        }
        Ok(())
    }
}

/// Joins `reference` from an index to the address of its repository: below the base path whether or not that ends
/// in a slash, with the base's query. An absolute reference is returned unchanged. `None` if either is invalid.
pub fn resolve_reference(base: &str, reference: &str) -> Option<String> {
    let parsed = Address::parse(reference)?;
    if parsed.is_absolute() {
        return Some(reference.to_string());
    }
    let mut base = Address::parse(base)?;
    base.path = format!("{}/", base.path.strip_suffix('/').unwrap_or(&base.path));
    let mut joined = base.join(&parsed);
    joined.query = base.query;
    Some(joined.to_string())
}

/// Joins a path to the path of `base`, cleans the result and escapes it as Go does (Helm's `URLJoin`). `None` if `base` is invalid.
pub fn join_path(base: &str, element: &str) -> Option<String> {
    let mut url = Url::parse(base.as_bytes()).ok()?;
    url.path = join_plain(&text_of(url.path), element).into_bytes();
    Some(text_of(url.written()))
}

/// Go's `path.Join` of two elements.
pub fn join_plain(base: &str, element: &str) -> String {
    clean_path(&join_nonempty(base, element))
}

fn join_nonempty(first: &str, second: &str) -> String {
    match (first.is_empty(), second.is_empty()) {
        (true, _) => second.to_string(),
        (_, true) => first.to_string(),
        _ => format!("{first}/{second}"),
    }
}

/// The part of `path` after `prefix`, without leading slashes, if `path` is `prefix` or below it.
pub fn below<'p>(path: &'p str, prefix: &str) -> Option<&'p str> {
    let rest = path.strip_prefix(prefix)?;
    (prefix.is_empty() || rest.is_empty() || rest.starts_with('/')).then(|| rest.trim_start_matches('/'))
}

/// Whether two addresses are the same repository: equal after their paths are cleaned (Helm's `urlutil.Equal`).
pub fn equal(a: &str, b: &str) -> bool {
    let Some(mut first) = Address::parse(a) else { return clean_dot(a) == clean_dot(b) };
    let Some(mut second) = Address::parse(b) else { return false };
    for address in [&mut first, &mut second] {
        if address.path.is_empty() {
            address.path = "/".to_string();
        }
        address.path = clean_dot(&address.path);
    }
    first.to_string() == second.to_string()
}

/// The scheme of OCI registries, with its slashes.
pub const OCI: &str = "oci://";

/// Whether `text` names an OCI registry.
pub fn is_oci(text: &str) -> bool {
    text.starts_with(OCI)
}

/// The error for an invalid address, in Helm's words.
pub fn invalid(text: &str) -> Error {
    Error::new(ErrorKind::Repository, format!("invalid chart URL format: {}", redact(text)))
}

/// `text` without user name and password if it is an address, for messages and logs.
pub fn redact(text: &str) -> String {
    match Address::parse(text) {
        Some(address) if address.user.is_some() => address.without_user().to_string(),
        Some(_) => text.to_string(),
        None => redact_by_sight(text).unwrap_or_else(|| text.to_string()),
    }
}

/// The same for a text that is not a valid address, by `://` and `@` alone.
fn redact_by_sight(text: &str) -> Option<String> {
    let (scheme, rest) = text.split_once("://")?;
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let (_, host) = authority.rsplit_once('@')?;
    Some(format!("{scheme}://{host}{path}"))
}

/// Decodes percent escapes; a broken escape is kept.
pub fn unescape(text: &str) -> String {
    if !text.contains('%') {
        return text.to_string();
    }
    String::from_utf8_lossy(&unescape_leniently(text.as_bytes())).into_owned()
}

/// Escapes `text` for use as one query value or path segment; spaces too become `%20`.
pub fn escape(text: &str) -> String {
    text_of(escaped(text.as_bytes(), Part::Query))
}

/// Escapes characters that are not allowed in a path; slashes are kept.
pub fn escape_path(text: &str) -> String {
    text_of(escaped(text.as_bytes(), Part::Path))
}

/// The text of bytes that were made from a text; only ASCII characters were removed or replaced, so it is still valid UTF-8.
fn text_of(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
}

/// Splits `host:port`; the brackets of an IPv6 address stay with the host.
pub fn split_port(host: &str) -> (&str, Option<&str>) {
    match host.rsplit_once(':') {
        Some((name, port)) if !port.contains(']') && (!name.contains(':') || name.ends_with(']')) => (name, Some(port)),
        _ => (host, None),
    }
}

fn cut(text: &str, mark: char) -> (&str, Option<&str>) {
    match text.split_once(mark) {
        Some((before, after)) => (before, Some(after)),
        None => (text, None),
    }
}

/// The scheme before the first colon, empty if there is none, and the rest.
fn split_scheme(text: &str) -> (&str, &str) {
    let is_scheme = |text: &str| {
        text.starts_with(|first: char| first.is_ascii_alphabetic())
            && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte))
    };
    text.split_once(':').filter(|(scheme, _)| is_scheme(scheme)).unwrap_or(("", text))
}

/// Go's `path.Clean`, with the empty path staying empty.
fn clean_path(path: &str) -> String {
    if path.is_empty() { String::new() } else { clean_dot(path) }
}

/// Go's `path.Clean`.
pub fn clean_dot(path: &str) -> String {
    text_of(fs::clean_name(path.as_bytes()))
}

/// Removes `.` and `..` segments from an absolute path, keeping a trailing slash.
fn remove_dots(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    let mut folder = false;
    for part in path.split('/') {
        folder = false;
        match part {
            "." => folder = true,
            ".." => {
                if parts.len() > 1 {
                    parts.pop();
                }
                folder = true;
            }
            other => parts.push(other),
        }
    }
    let mut joined = parts.join("/");
    if folder && !joined.ends_with('/') {
        joined.push('/');
    }
    joined
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_join_below_the_base() {
        for (base, reference, expected) in [
            ("http://h/charts", "a.tgz", "http://h/charts/a.tgz"),
            ("http://h/charts/", "a.tgz", "http://h/charts/a.tgz"),
            ("http://h", "a.tgz", "http://h/a.tgz"),
            ("http://h/c?token=x", "sub/a.tgz", "http://h/c/sub/a.tgz?token=x"),
            ("http://h/c", "../a.tgz", "http://h/a.tgz"),
            ("http://h/c", "../../../a.tgz", "http://h/a.tgz"),
            ("http://h/c", "/a.tgz", "http://h/a.tgz"),
            ("http://h/c", "http://x/a.tgz", "http://x/a.tgz"),
            ("http://h/c%2Fd", "a+b.tgz", "http://h/c%2Fd/a+b.tgz"),
        ] {
            assert_eq!(resolve_reference(base, reference).as_deref(), Some(expected), "{base} {reference}");
        }
    }

    #[test]
    fn passwords_are_taken_out_of_what_is_no_address_too() {
        for (text, expected) in [
            ("http://u:p@h/x", "http://h/x"),
            ("http://u:p@h:a/x@y", "http://h:a/x@y"),
            ("http://u:p@h[/%zz", "http://h[/%zz"),
            ("http://h:a/x", "http://h:a/x"),
            ("a@b:c", "a@b:c"),
        ] {
            assert_eq!(redact(text), expected);
        }
    }

    #[test]
    fn equal_ignores_a_trailing_slash_only() {
        assert!(equal("http://h/c/", "http://h/c"));
        assert!(equal("http://h", "http://h/"));
        assert!(!equal("http://h/c", "https://h/c"));
        assert!(!equal("http://h/c", "http://h:80/c"));
    }

    #[test]
    fn origin_knows_default_ports() {
        let origin = |text: &str| Address::parse(text).and_then(|address| address.origin());
        assert_eq!(origin("https://H.example/x"), origin("https://h.example:443/y"));
        assert_ne!(origin("http://h/x"), origin("https://h/x"));
        assert_ne!(origin("https://h:8443/"), origin("https://h/"));
        assert_eq!(origin("http://[::1]:80/"), origin("http://[::1]/"));
        assert_eq!(origin("local/chart"), None);
    }

    #[test]
    fn what_go_refuses_is_refused() {
        for text in ["http://h\u{1}/", "a:b/c:d\n", "1a:b", "http://h:port/", "http://h/%zz", ":x"] {
            assert_eq!(Address::parse(text), None, "{text}");
        }
    }

    #[test]
    fn display_gives_back_what_was_parsed() {
        for text in ["http://u:p@h:1/a%20b?q=1#f", "local/chart", "oci://h/a:1.0", "//h/x", "mailto:x"] {
            assert_eq!(Address::parse(text).map(|address| address.to_string()).as_deref(), Some(text));
        }
    }

    #[test]
    fn paths_join_cleaned() {
        // Recorded from `helm repo index --url` 4.2.4.
        for (base, element, wanted) in [
            ("https://h/charts/", "sub", "https://h/charts/sub"),
            ("", "a.tgz", "a.tgz"),
            ("", "", ""),
            ("http://x/y z", "s b/c.tgz", "http://x/y%20z/s%20b/c.tgz"),
            ("http://x/a%2Fb", "c.tgz", "http://x/a/b/c.tgz"),
            ("http://x/ü", "c.tgz", "http://x/%C3%BC/c.tgz"),
            ("http://x/a!b(e)*f", "c.tgz", "http://x/a%21b%28e%29%2Af/c.tgz"),
            ("http://x/#f g", "c.tgz", "http://x/c.tgz#f%20g"),
            ("http://x?a=b c", "c.tgz", "http://x/c.tgz?a=b c"),
            ("localhost:8080", "c.tgz", "localhost:8080"),
            ("http:", "c.tgz", "http://c.tgz"),
            ("HTTP://X/../..", "c.tgz", "http://X/c.tgz"),
        ] {
            assert_eq!(join_path(base, element).as_deref(), Some(wanted), "{base}");
        }
        assert_eq!(join_path("%zz", "c.tgz"), None);
    }
}
