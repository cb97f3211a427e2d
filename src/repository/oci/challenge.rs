//! What a registry asks for when it answers 401, and whom it may send us to for it.
//!
//! Goes in: `WWW-Authenticate` headers. Comes out: a [`Challenge`], and the verdict on its realm. Credentials go to a token
//! server only if it is the registry itself, one of the pairs that are publicly known, or one the user named; a registry that
//! names another gets nothing (CVE-2026-50151 and its kin in oras-go).

use super::super::url::Address;

/// What a registry asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Challenge {
    Basic,
    Bearer { realm: String, service: String, scope: String },
}

/// Registries whose token server is known to live elsewhere.
const KNOWN_REALMS: [(&str, &str); 4] = [
    ("registry-1.docker.io", "auth.docker.io"),
    ("docker.io", "auth.docker.io"),
    ("index.docker.io", "auth.docker.io"),
    ("registry.gitlab.com", "gitlab.com"),
];

/// The first challenge of these headers that can be met; bearer before basic.
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

/// `key="value", key=value`
fn parameters(text: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some((key, after)) = rest.split_once('=') {
        let key = key.trim_matches([' ', ',', '\t']).to_ascii_lowercase();
        let mut value = String::new();
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

/// Whether the credentials of the registry at `base` may be shown to `realm`. `trusted` are hosts that the user named.
pub fn realm_allowed(base: &str, realm: &str, trusted: &[String]) -> bool {
    let (Some(base), Some(realm)) = (Address::parse(base), Address::parse(realm)) else { return false };
    if realm.user.is_some() || realm.host.is_empty() {
        return false;
    }
    if base.origin() == realm.origin() {
        return true;
    }
    // Without TLS anybody on the way could read them.
    if realm.scheme != "https" {
        return false;
    }
    KNOWN_REALMS.contains(&(base.host.as_str(), realm.host.as_str())) || trusted.contains(&realm.host)
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
        assert_eq!(parse(["Basic realm=\"x\""].into_iter()), Some(Challenge::Basic));
        assert_eq!(parse(["Negotiate"].into_iter()), None);
    }

    #[test]
    fn only_own_known_and_trusted_realms_see_credentials() {
        let allowed = |base: &str, realm: &str| realm_allowed(base, realm, &["auth.corp".to_string()]);
        assert!(allowed("https://r.example", "https://r.example/token"));
        assert!(allowed("https://registry-1.docker.io", "https://auth.docker.io/token"));
        assert!(allowed("https://r.example", "https://auth.corp/token"));
        assert!(!allowed("https://r.example", "https://evil.example/token"));
        assert!(!allowed("https://r.example", "http://r.example/token"));
        assert!(!allowed("https://r.example", "https://r.example:8443/token"));
        assert!(!allowed("https://r.example", "https://u:p@r.example/token"));
        assert!(!allowed("https://r.example", "http://auth.corp/token"));
    }
}
