//! Mail addresses and URLs as Helm's lint accepts them.
//!
//! Goes in: the text of a field of Chart.yaml. Comes out: whether it passes. The rules are those of Helm's validator
//! (asaskevich/govalidator) on top of Go's `net/url`; in places they are looser, in others stricter than any standard.

use crate::url::Url;
use regex::Regex;
use std::sync::LazyLock;

/// Letters beyond ASCII that are allowed in addresses.
const BEYOND: &str = r"\x{A0}-\x{D7FF}\x{F900}-\x{FDCF}\x{FDF0}-\x{FFEF}";

static EMAIL: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let atom = format!(r"[a-zA-Z0-9!#$%&'*+\-/=?^_`{{|}}~{BEYOND}]+");
    let blank = r"(?:(?:[ \t]*\r\n)?[ \t]+)?";
    // Because of how the original groups its parts, a quoted name is a single character.
    let quoted = format!(r#""{blank}[\x01-\x08\x0B\x0C\x0E-\x1F\x7F!\x23-\x5B\x5D-\x7E{BEYOND}]{blank}""#);
    let edge = format!("[a-zA-Z0-9{BEYOND}]");
    let label = format!(r"{edge}(?:[a-zA-Z0-9\-._~{BEYOND}]*{edge})?");
    let last_edge = format!("[a-zA-Z{BEYOND}]");
    let last = format!(r"{last_edge}(?:[a-zA-Z0-9\-_~{BEYOND}]*{last_edge})?");
    Regex::new(&format!(r"^(?:{atom}(?:\.{atom})*|{quoted})@(?:{label}\.)+{last}\.?$")).ok()
});

static URL: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let filled = r"[^\t\n\f\r ]";
    let scheme = "(?:(?:ftp|tcp|udp|wss?|https?)://)";
    let user = format!("(?:{filled}+(?::{filled}*)?@)");
    let last_octet = "(?:1[0-9][0-9]|2[0-4][0-9]|25[0-5]|[0-9][0-9]?)";
    let octet = "(?:[0-9]{1,2}|1[0-9][0-9]|2[0-4][0-9]|25[0-5])";
    let first_octet = "(?:[1-9][0-9]?|1[0-9][0-9]|2[01][0-9]|22[0-3]|24[0-9]|25[0-5])";
    let version_4 = format!(r"{first_octet}(?:\.{octet}){{2}}\.{last_octet}");
    let version_6 = r"\[[0-9a-fA-F:.]+(?:%[0-9a-zA-Z]+)?\]";
    let label = r"[a-zA-Z0-9](?:[a-zA-Z0-9\-_]+)?[a-zA-Z0-9](?:[-.][a-zA-Z0-9]+)*";
    let below = r"(?:www\.|[a-zA-Z0-9]+(?:[-_.]?[a-zA-Z0-9])*[a-zA-Z0-9]\.[a-zA-Z0-9]+)?";
    let letter = r"[a-zA-Z\x{A1}-\x{FFFF}]";
    let sign = r"[a-zA-Z\x{A1}-\x{FFFF}0-9]";
    let name = format!(r"(?:{label}|{below})?(?:{sign}+-?-?)*{sign}+(?:\.{letter}+)?");
    let port = "(?::[0-9]{1,5})";
    let path = format!("(?:[/?#]{filled}*)");
    Regex::new(&format!(r"^{scheme}?{user}?(?:{version_4}|{version_6}|{name})\.?{port}?{path}?$")).ok()
});

/// Whether the text is a mail address.
pub(super) fn is_email(text: &str) -> bool {
    EMAIL.as_ref().is_some_and(|email| email.is_match(text))
}

/// Whether the text is the address of a site; the scheme is optional.
pub(super) fn is_url(text: &str) -> bool {
    if text.chars().count() >= 2083 || text.len() <= 3 || text.starts_with('.') {
        return false;
    }
    let with_scheme = match text.contains(':') && !text.contains("://") {
        true => format!("http://{text}"),
        false => text.to_string(),
    };
    let Ok(parts) = Url::parse(with_scheme.as_bytes()) else { return false };
    if parts.host.starts_with(b".") || (parts.host.is_empty() && !parts.path.is_empty() && !parts.path.contains(&b'.')) {
        return false;
    }
    URL.as_ref().is_some_and(|url| url.is_match(text))
}

/// Whether the text is an absolute URL with a scheme, as Go's `url.ParseRequestURI` parses it.
pub(super) fn is_request_url(text: &str) -> bool {
    Url::parse_request(text.as_bytes()).is_ok_and(|url| !url.scheme.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mail_addresses() {
        for good in ["ada@example.test", "a.b+c@x-y.example.com", "\" a\"@example.com", "ü@exämple.de"] {
            assert!(is_email(good), "{good}");
        }
        for bad in [
            "",
            "ada",
            "ada@",
            "@example.com",
            "ada@example",
            "a b@example.com",
            "ada@example.com2",
            "a..b@example.com",
            "\"ab\"@example.com",
        ] {
            assert!(!is_email(bad), "{bad}");
        }
    }

    #[test]
    fn sites() {
        for good in ["https://example.com", "example.com/a?b#c", "http://localhost:8080/x", "ftp://u:p@example.com", "1.2.3.4", "www.a.b"] {
            assert!(is_url(good), "{good}");
        }
        for bad in ["", "abc", ".example.com", "http://", "mailto:a@b.c d", "plain", "https://exa mple.com", "gopher://a.b"] {
            assert!(!is_url(bad), "{bad}");
        }
    }

    #[test]
    fn request_urls() {
        for good in
            ["https://example.com/a", "mailto:ada@example.com", "data:image/png;base64,AA==", "x:y", "http://[::1]:80/", "file:///x"]
        {
            assert!(is_request_url(good), "{good}");
        }
        for bad in [
            "",
            "picture",
            "/picture",
            "//host/picture",
            ":x",
            "http://a b/",
            "http://a/%zz",
            "http://a:b/",
            "1http://a",
            "http://a\n",
            "http://a[b]/",
            "http://[1.2.3.4]/",
        ] {
            assert!(!is_request_url(bad), "{bad}");
        }
    }
}
