//! References to charts in a registry: `host[:port]/path/name[:tag][@digest]`.
//!
//! Goes in: text with or without `oci://`. Comes out: a [`Reference`] whose parts were checked against the
//! grammar of the OCI distribution specification, so that they are safe to use in addresses. A `+` in a version
//! becomes `_` in the tag, as in Helm's `pkg/registry/reference.go`.

use crate::error::{Error, ErrorKind, Result};
use crate::quote::quote;
pub use crate::repository::url::OCI as SCHEME;
use crate::url::Url;
use std::fmt;

/// A checked reference.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reference {
    /// Host and port.
    pub registry: String,
    /// Path and name, without slashes at either end.
    pub repository: String,
    /// Empty if there is none. `+` is already replaced by `_`.
    pub tag: String,
    /// `sha256:…` or `sha512:…`; empty if there is none.
    pub digest: String,
}

/// The tag for a version: tags must not contain `+` (Helm's `pkg/registry`).
pub fn tag_of(version: &str) -> String {
    version.replace('+', "_")
}

/// The version that a tag stands for.
pub fn version_of(tag: &str) -> String {
    tag.replace('_', "+")
}

impl Reference {
    /// Parses a reference. Errors are in oras-go's words.
    pub fn parse(text: &str) -> Result<Reference> {
        let text = text.strip_prefix(SCHEME).unwrap_or(text);
        let (rest, digest) = text.rsplit_once('@').unwrap_or((text, ""));
        let fault = |what: String| Error::new(ErrorKind::Repository, format!("invalid reference: {what}"));
        let (registry, path) = rest.split_once('/').ok_or_else(|| fault("missing registry or repository".to_string()))?;
        // The first colon ends the repository, as in oras; the text after the last one is a version, which may contain a plus.
        let (repository, tag) = path.split_once(':').unwrap_or((path, ""));
        let tag = if tag.contains('/') { tag.to_string() } else { tag_of(tag) };
        if !valid_registry(registry) {
            return Err(fault(format!("invalid registry {}", quote(registry))));
        }
        if !valid_repository(repository) {
            return Err(fault(format!("invalid repository {}", quote(repository))));
        }
        if !tag.is_empty() && !valid_tag(&tag) {
            return Err(fault(format!("invalid tag {}", quote(&tag))));
        }
        if !digest.is_empty() {
            check_digest(digest).map_err(|why| fault(format!("invalid digest {}: {why}", quote(digest))))?;
        }
        Ok(Reference { registry: registry.to_string(), repository: repository.to_string(), tag, digest: digest.to_string() })
    }

    /// A registry as a whole: host and port, with or without `oci://`.
    pub fn of_registry(text: &str) -> Result<Reference> {
        let registry = text.strip_prefix(SCHEME).unwrap_or(text);
        if valid_registry(registry) {
            return Ok(Reference { registry: registry.to_string(), ..Reference::default() });
        }
        Err(Error::new(ErrorKind::Repository, format!("invalid reference: invalid registry {}", quote(registry))))
    }

    /// The name of the manifest: the digest if there is one, else the tag.
    pub fn manifest_name(&self) -> &str {
        if self.digest.is_empty() { &self.tag } else { &self.digest }
    }

    /// The last part of the path.
    pub fn name(&self) -> &str {
        self.repository.rsplit('/').next().unwrap_or_default()
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.registry, self.repository)?;
        match (self.tag.is_empty(), self.digest.is_empty()) {
            (false, _) => write!(f, ":{}", self.tag),
            (true, false) => write!(f, "@{}", self.digest),
            (true, true) => Ok(()),
        }
    }
}

/// Whether `digest` can be checked: SHA-256 or SHA-512, in lower case.
pub fn valid_digest(digest: &str) -> bool {
    check_digest(digest).is_ok()
}

/// The fault of an invalid `digest`, in the words of go-digest.
fn check_digest(digest: &str) -> std::result::Result<(), &'static str> {
    const FORMAT: &str = "invalid checksum digest format";
    let (algorithm, hex) = digest.split_once(':').filter(|(algorithm, hex)| !algorithm.is_empty() && !hex.is_empty()).ok_or(FORMAT)?;
    let length = match algorithm {
        "sha256" => 64,
        "sha512" => 128,
        _ => {
            let begins = algorithm.starts_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit());
            let words = hex.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"=_-".contains(&byte));
            return Err(if begins && words { "unsupported digest algorithm" } else { FORMAT });
        }
    };
    match hex {
        _ if hex.len() != length => Err("invalid checksum digest length"),
        _ if hex.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')) => Ok(()),
        _ => Err(FORMAT),
    }
}

/// Whether `tag` is valid according to the OCI distribution specification.
pub fn valid_tag(tag: &str) -> bool {
    let mut bytes = tag.bytes();
    bytes.next().is_some_and(|first| first.is_ascii_alphanumeric() || first == b'_')
        && tag.len() <= 128
        && bytes.all(|byte| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte))
}

/// Whether `registry` is a host, with or without a port. As in oras-go: whether Go's `url.ParseRequestURI`
/// parses `dummy://` followed by the text as a URL that consists only of that host.
pub fn valid_registry(registry: &str) -> bool {
    Url::parse_request(format!("dummy://{registry}").as_bytes()).is_ok_and(|url| !url.host.is_empty() && url.host == registry.as_bytes())
}

/// Whether `repository` is valid according to the OCI distribution specification: `[a-z0-9]+` runs joined by
/// `.`, `_`, `__` or dashes, in parts joined by slashes.
pub fn valid_repository(repository: &str) -> bool {
    repository.len() <= 255 && repository.split('/').all(valid_part)
}

fn valid_part(part: &str) -> bool {
    let word = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let bytes = part.as_bytes();
    let ends = bytes.first().copied().is_some_and(word) && bytes.last().copied().is_some_and(word);
    let separators = part.split(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit()).filter(|run| !run.is_empty());
    ends && separators.into_iter().all(|run| run == "." || run == "_" || run == "__" || run.bytes().all(|byte| byte == b'-'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_told_apart() {
        let read =
            |text: &str| Reference::parse(text).map(|r| (r.registry, r.repository, r.tag, r.digest)).map_err(|error| error.to_string());
        let digest = format!("sha256:{}", "0".repeat(64));
        let some = |a: &str, b: &str, c: &str, d: &str| Ok((a.to_string(), b.to_string(), c.to_string(), d.to_string()));
        assert_eq!(read("oci://h:5000/a/b:1.0+x"), some("h:5000", "a/b", "1.0_x", ""));
        assert_eq!(read("h/a"), some("h", "a", "", ""));
        assert_eq!(read(&format!("h/a:1@{digest}")), some("h", "a", "1", &digest));
        assert_eq!(read("h"), Err("invalid reference: missing registry or repository".to_string()));
        // Helm 4.2.4's errors.
        for (text, fault) in [
            ("h:1/r:1.0/a:1.0.0", "invalid tag \"1.0/a:1.0.0\""),
            ("h/a@sha256:0000", "invalid digest \"sha256:0000\": invalid checksum digest length"),
            ("h/r@sha256:abc/a:1.0.0", "invalid digest \"sha256:abc/a:1.0.0\": invalid checksum digest length"),
            ("h/a@md5:00", "invalid digest \"md5:00\": unsupported digest algorithm"),
            ("h/a@x", "invalid digest \"x\": invalid checksum digest format"),
            ("h/A:1.0.0", "invalid repository \"A\""),
        ] {
            assert_eq!(read(text), Err(format!("invalid reference: {fault}")), "{text}");
        }
    }

    #[test]
    fn tags_are_the_specifications() {
        assert!(valid_tag("1.0.0_build.1") && valid_tag(&"a".repeat(128)));
        assert!(!valid_tag("-x") && !valid_tag("a b") && !valid_tag("") && !valid_tag(&"a".repeat(129)));
    }

    #[test]
    fn what_would_leave_the_path_is_refused() {
        for text in ["h/../x", "h/a//b", "h/A", "h/a:..", "h/a?x", "h/a:1/../2", "h/a@sha256:zz", "h /a", "h/a%2e", "u@h/a", "h:x/a"] {
            assert!(Reference::parse(text).is_err(), "{text}");
        }
    }
}
