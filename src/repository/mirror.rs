//! Mirrors: places that are tried before the registry or repository that a chart names (helm/helm#13615).
//!
//! Goes in: the user's configuration, as a file or as one line, and a reference or an address. Comes out: the
//! alternative places, in the order of the configuration. Pure; `http` and `oci::registries` send the requests.
//! Nothing is pushed to a mirror, and no mirror sees the credentials of the original. Helm has nothing comparable.

use super::oci::Reference;
use super::url::{self, Address};
use crate::data::Data;
use crate::error::{Error, ErrorKind, Result};
use crate::quote::quote;

/// A place that is tried before another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mirror {
    /// The original: `oci://HOST[/PATH]` or `http(s)://HOST[/PATH]`, without a trailing slash.
    pub from: String,
    /// The mirror: the same forms; for a registry `http://` means one without TLS.
    pub to: String,
}

impl Mirror {
    /// `None` for invalid addresses, and for a pair of a registry and a repository.
    fn new(from: &str, to: &str) -> Option<Mirror> {
        let tidy = |text: &str| {
            let text = text.trim().trim_end_matches('/');
            let text = if text.contains("://") { text.to_string() } else { format!("{}{text}", url::OCI) };
            Address::parse(&text).filter(|address| !address.host.is_empty() && address.query.is_none()).map(|_| text)
        };
        let (from, to) = (tidy(from)?, tidy(to)?);
        let web = |text: &str| text.starts_with("http://") || text.starts_with("https://");
        let fits = if url::is_oci(&from) { web(&to) || url::is_oci(&to) } else { web(&from) && web(&to) };
        fits.then_some(Mirror { from, to })
    }
}

/// Parses the one-line form, `FROM=TO` joined by commas. The first invalid pair is the error.
pub fn line(text: &str) -> Result<Vec<Mirror>> {
    let pairs = text.split(',').map(str::trim).filter(|pair| !pair.is_empty());
    pairs.map(|pair| pair.split_once('=').and_then(|(from, to)| Mirror::new(from, to)).ok_or_else(|| fault(pair))).collect()
}

/// Parses the file: a map `mirrors` from each original to one place or a list of places.
pub fn file(bytes: &[u8]) -> Result<Vec<Mirror>> {
    let data = crate::yaml::parse(bytes)?;
    let mut mirrors = Vec::new();
    let map = data.as_map().and_then(|map| map.get("mirrors")).and_then(Data::as_map);
    for (from, places) in map.into_iter().flat_map(|map| map.iter()) {
        let places = match places {
            Data::List(places) => places.iter().collect(),
            one => vec![one],
        };
        for place in places {
            let pair = place.as_str().and_then(|to| Mirror::new(from, to));
            mirrors.push(pair.ok_or_else(|| fault(&format!("{from}: {}", place.as_str().unwrap_or("(no text)"))))?);
        }
    }
    Ok(mirrors)
}

fn fault(pair: &str) -> Error {
    let shown = quote(super::printable(pair));
    let message = format!("{shown} is no mirror: expected two addresses of registries (`oci://…`) or of repositories");
    Error::new(ErrorKind::Usage, message)
}

/// Maps the names of Docker Hub to one.
fn one_name(host: &str) -> &str {
    if host == "registry-1.docker.io" || host == "index.docker.io" { "docker.io" } else { host }
}

/// The mirrors of a reference, with the same tag and digest, and whether each is accessed without TLS.
pub fn of_reference(mirrors: &[Mirror], reference: &Reference) -> Vec<(Reference, bool)> {
    let one = |mirror: &Mirror| {
        let from = mirror.from.strip_prefix(url::OCI)?;
        let (host, prefix) = from.split_once('/').unwrap_or((from, ""));
        let rest = if one_name(host) == one_name(&reference.registry) { url::below(&reference.repository, prefix)? } else { return None };
        let (scheme, place) = mirror.to.split_once("://")?;
        let place = if rest.is_empty() { place.to_string() } else { format!("{place}/{rest}") };
        let found = Reference::parse(&place).ok()?;
        Some((Reference { tag: reference.tag.clone(), digest: reference.digest.clone(), ..found }, scheme == "http"))
    };
    mirrors.iter().filter_map(one).collect()
}

/// The mirrors of an address in an HTTP repository.
pub fn of_address(mirrors: &[Mirror], address: &str) -> Vec<String> {
    let one = |mirror: &Mirror| {
        let (from, wanted) = (Address::parse(&mirror.from)?, Address::parse(address)?);
        if !mirror.from.starts_with("http") || from.origin() != wanted.origin() {
            return None;
        }
        let rest = url::below(wanted.path.trim_start_matches('/'), from.path.trim_matches('/'))?;
        let query = wanted.query.as_ref().map(|query| format!("?{query}")).unwrap_or_default();
        Some(format!("{}/{rest}{query}", mirror.to))
    };
    mirrors.iter().filter_map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn references(configuration: &str, reference: &str) -> Vec<String> {
        let mirrors = line(configuration).expect("mirrors");
        let found = of_reference(&mirrors, &Reference::parse(reference).expect("a reference"));
        let show =
            |(reference, plain): &(Reference, bool)| format!("{}{reference}@{}", if *plain { "plain " } else { "" }, reference.digest);
        found.iter().map(show).collect()
    }

    #[test]
    fn references_below_a_prefix_have_mirrors() {
        let digest = format!("sha256:{}", "0".repeat(64));
        let pinned = format!("oci://docker.io/bitnamicharts/mysql:1.0.0@{digest}");
        let hub = "oci://registry-1.docker.io=oci://m.example:5000/hub, docker.io/bitnamicharts=http://local";
        assert_eq!(
            references(hub, &pinned),
            [format!("m.example:5000/hub/bitnamicharts/mysql:1.0.0@{digest}"), format!("plain local/mysql:1.0.0@{digest}")],
            "the digest stays"
        );
        for other in ["oci://other.example/mysql:1", "oci://docker.io.evil.example/bitnamicharts/mysql:1"] {
            assert!(references(hub, other).is_empty(), "{other}");
        }
        assert_eq!(references("oci://a.example/x=oci://b.example/y", "oci://a.example/xy/z:1"), [""; 0], "whole parts only");
    }

    #[test]
    fn addresses_below_a_prefix_have_mirrors() {
        let mirrors = file(
            b"mirrors:\n  https://charts.example/stable/: [https://one.example/x, http://two.example]\n  http://a.example: https://b.example\n",
        )
        .expect("mirrors");
        let of = |address: &str| of_address(&mirrors, address);
        assert_eq!(
            of("https://charts.example:443/stable/index.yaml"),
            ["https://one.example/x/index.yaml", "http://two.example/index.yaml"]
        );
        assert_eq!(of("http://a.example/a-1.tgz?x=1"), ["https://b.example/a-1.tgz?x=1"]);
        for other in ["https://charts.example/stable2/index.yaml", "http://charts.example/stable/index.yaml", "https://a.example/a-1.tgz"] {
            assert_eq!(of(other), [""; 0], "{other}");
        }
    }

    #[test]
    fn what_is_no_mirror_is_refused() {
        for text in ["a", "https://a.example=oci://b.example", "=", "oci://a.example=ftp://b.example"] {
            assert!(line(text).is_err(), "{text}");
        }
        assert!(file(b"mirrors:\n  https://a.example: 3\n").is_err());
        assert_eq!(file(b"other: 1\n").expect("none"), []);
    }
}
