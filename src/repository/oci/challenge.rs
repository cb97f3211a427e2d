//! Authentication challenges of registries (401), and the token servers that may see credentials.
//!
//! Goes in: `WWW-Authenticate` headers. Comes out: a [`Challenge`], the scopes to request, and whether its realm is
//! allowed. Credentials go to a token server only if it is on the registry's own host, on a domain above it or beside it that has the
//! same owner, one of the publicly known pairs, or named by the user; any other gets nothing (CVE-2026-50151 and similar ones in oras-go).

use super::super::url::{Address, split_port};
use std::collections::{BTreeMap, BTreeSet};

/// An authentication challenge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Challenge {
    Basic,
    Bearer { realm: String, service: String, scope: String },
}

/// Registries whose token server is publicly known to be on another host.
const KNOWN_REALMS: [(&str, &str); 4] = [
    ("registry-1.docker.io", "auth.docker.io"),
    ("docker.io", "auth.docker.io"),
    ("index.docker.io", "auth.docker.io"),
    ("registry.hub.docker.com", "auth.docker.io"),
];

/// Endings of registries' names, and their token server.
const KNOWN_ENDINGS: [(&str, &str); 1] = [(".scw.cloud", "api.scaleway.com")];

/// The first challenge in these headers that is supported; bearer is preferred to basic.
pub fn parse<'h>(headers: impl Iterator<Item = &'h str>) -> Option<Challenge> {
    let mut basic = None;
    for header in headers {
        let (scheme, rest) = header.trim().split_once(' ').unwrap_or((header.trim(), ""));
        if scheme.eq_ignore_ascii_case("basic") {
            basic = Some(Challenge::Basic);
        } else if scheme.eq_ignore_ascii_case("bearer") {
            let parameters = parameters(rest);
            let get = |name: &str| parameters.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone()).unwrap_or_default();
            return Some(Challenge::Bearer { realm: get("realm"), service: get("service"), scope: get("scope") });
        }
    }
    basic
}

/// Parses `key="value", key=value`.
fn parameters(text: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some((key, after)) = rest.split_once('=') {
        let key = key.trim_matches([' ', ',', '\t']).to_ascii_lowercase();
        let mut value = String::new();
        // Some registries put blanks around the `=`.
        let after = after.trim_start();
        if let Some(quoted) = after.strip_prefix('"') {
            let mut escaped = false;
            let mut end = quoted.len();
            for (at, c) in quoted.char_indices() {
                match c {
                    _ if escaped => {
                        value.push(c);
                        escaped = false;
                    }
                    '\\' => escaped = true,
                    '"' => {
                        end = at + 1;
                        break;
                    }
                    _ => value.push(c),
                }
            }
            rest = quoted.get(end..).unwrap_or_default();
        } else {
            let end = after.find(',').unwrap_or(after.len());
            value.push_str(after.get(..end).unwrap_or_default().trim());
            rest = after.get(end..).unwrap_or_default();
        }
        found.push((key, value));
    }
    found
}

/// The scopes to request a token for: our own and those of the challenge, with the actions on one resource
/// merged and sorted (oras's `CleanScopes`).
pub fn scopes(own: &str, wanted: &str) -> Vec<String> {
    let mut others = BTreeSet::new();
    let mut actions: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for scope in own.split(' ').chain(wanted.split(' ')).filter(|scope| !scope.is_empty()) {
        // `repository:NAME:pull,push`; the name may contain a colon.
        match scope.rsplit_once(':').filter(|(thing, _)| thing.contains(':')) {
            Some((thing, named)) => actions.entry(thing).or_default().extend(named.split(',').filter(|action| !action.is_empty())),
            None => {
                others.insert(scope.to_string());
            }
        }
    }
    let joined = actions.into_iter().filter(|(_, actions)| !actions.is_empty()).map(|(thing, actions)| {
        let actions = if actions.contains("*") { "*".to_string() } else { actions.into_iter().collect::<Vec<_>>().join(",") };
        format!("{thing}:{actions}")
    });
    others.extend(joined);
    others.into_iter().collect()
}

/// Whether `realm` may see the credentials of the registry at `base`. `trusted` are hosts named by the user, with or without a port.
pub fn realm_allowed(base: &str, realm: &str, trusted: &[String]) -> bool {
    let (Some(base), Some(realm)) = (Address::parse(base), Address::parse(realm)) else { return false };
    // Without TLS they could be intercepted, so HTTP is allowed only for a registry that is itself accessed over HTTP.
    let is_secure = realm.scheme == "https";
    if realm.user.is_some() || !(is_secure || realm.scheme == "http" && base.scheme == "http") {
        return false;
    }
    let (Some((_, registry, _)), Some((_, name, port))) = (base.origin(), realm.origin()) else { return false };
    if name == registry || is_secure && is_above(&name, &registry) {
        return true;
    }
    // A registry without TLS may be somebody else's voice, so only one with it can speak for its neighbours.
    if is_secure && base.scheme == "https" && is_beside(&name, &registry) {
        return true;
    }
    let is_known = is_secure
        && port == 443
        && (KNOWN_REALMS.contains(&(registry.as_str(), name.as_str()))
            || KNOWN_ENDINGS.iter().any(|(ending, server)| *server == name && registry.ends_with(ending)));
    is_known || trusted.iter().any(|host| is_named(host, &name, port))
}

/// Whether `name` is a domain above `registry`, whose owner controls the registry's name too. A single label has no owner.
fn is_above(name: &str, registry: &str) -> bool {
    !is_address(registry)
        && name.split('.').count() >= 2
        && name.split('.').all(|label| !label.is_empty())
        && registry.strip_suffix(name).is_some_and(|rest| rest.ends_with('.'))
}

/// Whether both names are below one domain that somebody registered (`registry.example.com` and `gitlab.example.com`), by the public
/// suffix list: below `co.uk` or `github.io` everybody has a domain of their own.
fn is_beside(name: &str, registry: &str) -> bool {
    let owned = |name: &str| !is_address(name) && !name.ends_with('.');
    owned(name) && owned(registry) && psl::domain_str(name).is_some_and(|domain| psl::domain_str(registry) == Some(domain))
}

fn is_address(host: &str) -> bool {
    host.rsplit('.').next().is_some_and(|last| last.ends_with(']') || last.bytes().all(|byte| byte.is_ascii_digit()))
}

/// Whether `host`, with or without a port, matches this name and port.
fn is_named(host: &str, name: &str, port: u16) -> bool {
    let (host, wanted) = split_port(host);
    host.eq_ignore_ascii_case(name) && wanted.is_none_or(|wanted| wanted.parse() == Ok(port))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn challenges_are_read() {
        let bearer = r#"Bearer realm="https://auth.example/token",service="reg, istry",scope="repository:a:pull,push""#;
        assert_eq!(
            parse([bearer].into_iter()),
            Some(Challenge::Bearer {
                realm: "https://auth.example/token".into(),
                service: "reg, istry".into(),
                scope: "repository:a:pull,push".into()
            })
        );
        let spaced = r#"Bearer realm = "https://auth.example/token" , service = reg"#;
        let read = parse([spaced].into_iter());
        assert!(
            matches!(read, Some(Challenge::Bearer { realm, service, .. }) if realm == "https://auth.example/token" && service == "reg")
        );
        assert_eq!(parse(["Basic realm=\"x\""].into_iter()), Some(Challenge::Basic));
        assert_eq!(parse(["Negotiate"].into_iter()), None);
    }

    #[test]
    fn scopes_are_ours_and_those_asked_for() {
        for (own, wanted, all) in [
            ("repository:a:pull", "", &["repository:a:pull"][..]),
            ("", "registry:catalog:*", &["registry:catalog:*"]),
            ("", "", &[]),
            ("repository:a:pull,push", "repository:a:pull", &["repository:a:pull,push"]),
            ("repository:a:pull", "repository:a:push,pull", &["repository:a:pull,push"]),
            ("repository:b:pull", "repository:real/b:pull  aws", &["aws", "repository:b:pull", "repository:real/b:pull"]),
            ("repository:a:pull", "repository:a:*", &["repository:a:*"]),
            ("repository:h:5000/a:pull", "repository:a:", &["repository:h:5000/a:pull"]),
        ] {
            assert_eq!(scopes(own, wanted), all, "{own} and {wanted}");
        }
    }

    #[test]
    fn only_own_known_and_trusted_realms_see_credentials() {
        let trusted = ["Auth.corp".to_string(), "tokens.corp:8443".to_string(), "[fd00::1]".to_string()];
        for (base, realm, allowed) in [
            ("https://r.example", "https://r.example/token", true),
            ("https://r.example", "https://R.example/token", true),
            ("https://registry-1.docker.io", "https://auth.docker.io/token", true),
            ("https://registry.hub.docker.com", "https://auth.docker.io/token", true),
            ("https://registry.hub.docker.com", "https://auth.docker.io:8443/token", false),
            // The same name, whatever the port.
            ("https://r.example", "https://r.example:8443/token", true),
            ("https://r.example:5050", "https://r.example/token", true),
            ("https://10.0.0.1:5050", "https://10.0.0.1/token", true),
            ("https://[fd00::2]:5050", "https://[fd00::2]/token", true),
            ("http://r.example:5000", "http://r.example:5001/token", true),
            ("http://r.example:5000", "https://r.example/token", true),
            ("https://r.example", "http://r.example/token", false),
            ("https://r.example", "https://u:p@r.example/token", false),
            ("https://r.example", "ftp://r.example/token", false),
            // A domain above.
            ("https://registry.gitlab.com", "https://gitlab.com/jwt/auth", true),
            ("https://registry.gitlab.example.com:5050", "https://gitlab.example.com/jwt/auth", true),
            ("https://registry.gitlab.example.com", "https://Example.com:8443/token", true),
            ("http://registry.gitlab.example.com", "https://gitlab.example.com/jwt/auth", true),
            ("http://registry.gitlab.example.com", "http://gitlab.example.com/jwt/auth", false),
            ("https://registry.example.com", "https://com/token", false),
            ("https://registry.example.com", "https://.com/token", false),
            ("https://registry.example.com.", "https://com./token", false),
            ("https://myregistry.example.com", "https://registry.example.com/token", true),
            ("https://example.com", "https://registry.example.com/token", true),
            // A domain beside it.
            ("https://registry.example.com", "https://auth.example.com/token", true),
            ("https://registry.example.com:5050", "https://gitlab.example.com/jwt/auth", true),
            ("https://registry.digitalocean.com", "https://api.digitalocean.com/v2/registry/auth", true),
            ("https://registry.cn-hangzhou.aliyuncs.com", "https://dockerauth.cn-hangzhou.aliyuncs.com/auth", true),
            ("https://registry.example.com", "http://auth.example.com/token", false),
            ("http://registry.example.com", "https://auth.example.com/token", false),
            ("https://registry.example.co.uk", "https://auth.example.co.uk/token", true),
            ("https://registry.co.uk", "https://auth.co.uk/token", false),
            ("https://ada.github.io", "https://eve.github.io/token", false),
            ("https://registry.corp", "https://auth.corp.corp/token", false),
            ("https://registry.example.com", "https://evilexample.com/token", false),
            ("https://10.0.0.1", "https://11.0.0.1/token", false),
            ("https://localhost", "https://auth.localhost/token", false),
            ("https://rg.fr-par.scw.cloud", "https://api.scaleway.com/registry-internal/v1/token", true),
            ("https://evilscw.cloud", "https://api.scaleway.com/registry-internal/v1/token", false),
            ("https://10.0.0.1", "https://0.1/token", false),
            ("https://10.0.1", "https://0.1/token", false),
            // Other hosts, and those named by the user.
            ("https://r.example", "https://evil.example/token", false),
            ("https://r.example", "https://auth.corp/token", true),
            ("https://r.example", "https://auth.corp:8443/token", true),
            ("https://r.example", "https://tokens.corp:8443/token", true),
            ("https://r.example", "https://tokens.corp/token", false),
            ("https://r.example", "https://[fd00::1]:8443/token", true),
            ("https://r.example", "http://auth.corp/token", false),
            ("http://r.example", "http://auth.corp:5001/token", true),
            ("http://r.example", "http://tokens.corp:8443/token", true),
            ("http://r.example", "http://tokens.corp/token", false),
        ] {
            assert_eq!(realm_allowed(base, realm, &trusted), allowed, "{base} {realm}");
        }
    }
}
