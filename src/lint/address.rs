//! Mail addresses and URLs as Helm's lint accepts them.
//!
//! Goes in: the text of a field of Chart.yaml. Comes out: whether it passes. The rules are those of the validator that Helm
//! uses (asaskevich/govalidator) on top of Go's `net/url`; they are looser than any standard in places and stricter in others.

use regex::Regex;
use std::sync::LazyLock;

/// Letters beyond ASCII that are allowed in addresses.
const BEYOND: &str = r"\x{A0}-\x{D7FF}\x{F900}-\x{FDCF}\x{FDF0}-\x{FFEF}";

static EMAIL: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let atom = format!(r"[a-zA-Z0-9!#$%&'*+\-/=?^_`{{|}}~{BEYOND}]+");
    let blank = r"(?:(?:[ \t]*\r\n)?[ \t]+)?";
    // By the way the original groups its parts, a quoted name is a single character.
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

/// Whether the text is the address of a site; a scheme is not needed.
pub(super) fn is_url(text: &str) -> bool {
    if text.chars().count() >= 2083 || text.len() <= 3 || text.starts_with('.') {
        return false;
    }
    let with_scheme = match text.contains(':') && !text.contains("://") {
        true => format!("http://{text}"),
        false => text.to_string(),
    };
    let address = with_scheme.split_once('#').map_or(with_scheme.as_str(), |parts| parts.0);
    let Some(parts) = Parts::read(address, false) else { return false };
    let path = parts.rest.split('?').next().unwrap_or("");
    if parts.host.starts_with('.') || (parts.host.is_empty() && !path.is_empty() && !path.contains('.')) {
        return false;
    }
    URL.as_ref().is_some_and(|url| url.is_match(text))
}

/// Whether the text is an absolute URL with a scheme, as Go's `url.ParseRequestURI` reads it.
pub(super) fn is_request_url(text: &str) -> bool {
    Parts::read(text, true).is_some_and(|parts| !parts.scheme.is_empty())
}

/// A URL taken apart as far as its faults show.
struct Parts<'a> {
    scheme: &'a str,
    host: &'a str,
    /// Path and query, or what is opaque.
    rest: &'a str,
}

impl<'a> Parts<'a> {
    /// `None` where Go gives an error. A `request` must be absolute.
    fn read(text: &'a str, request: bool) -> Option<Parts<'a>> {
        if text.bytes().any(|byte| byte < b' ' || byte == 0x7f) || (request && text.is_empty()) {
            return None;
        }
        let (scheme, rest) = split_scheme(text)?;
        let path = rest.split('?').next().unwrap_or(rest);
        if !path.starts_with('/') {
            if !scheme.is_empty() {
                return Some(Parts { scheme, host: "", rest });
            }
            let first = path.split('/').next().unwrap_or(path);
            // Without a scheme, a colon in the first part would make it one.
            return (!request && !first.contains(':') && is_escaped_well(path)).then_some(Parts { scheme, host: "", rest });
        }
        let has_authority = !scheme.is_empty() || (!request && !path.starts_with("///"));
        let (authority, rest) = match rest.strip_prefix("//").filter(|_| has_authority) {
            Some(after) => after.split_at(after.find(['/', '?']).unwrap_or(after.len())),
            None => ("", rest),
        };
        let (user, host) = authority.rsplit_once('@').unwrap_or(("", authority));
        let path = rest.split('?').next().unwrap_or(rest);
        let fine = is_user(user) && is_host(host) && is_escaped_well(path);
        fine.then_some(Parts { scheme, host, rest })
    }
}

/// The scheme without its colon, and what follows; `None` when the colon comes first.
fn split_scheme(text: &str) -> Option<(&str, &str)> {
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' => {}
            b'0'..=b'9' | b'+' | b'-' | b'.' if at > 0 => {}
            b':' if at > 0 => return Some((text.get(..at)?, text.get(at + 1..)?)),
            b':' => return None,
            _ => break,
        }
    }
    Some(("", text))
}

fn is_user(user: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._:~!$&'()*+,;=%@".contains(&byte);
    user.bytes().all(plain) && is_escaped_well(user)
}

fn is_host(host: &str) -> bool {
    let (name, port) = match host.strip_prefix('[') {
        Some(inner) => match inner.rsplit_once(']') {
            Some((name, port)) => (name, port),
            None => return false,
        },
        None => host.find(':').map_or((host, ""), |colon| host.split_at(colon)),
    };
    let is_port = port.is_empty() || port.strip_prefix(':').is_some_and(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()));
    let plain = |byte: u8| byte >= 0x80 || byte.is_ascii_alphanumeric() || b"-_.~!$&'()*+,;=:[]<>\"%".contains(&byte);
    is_port && name.bytes().all(plain) && is_escaped_well(name)
}

/// Whether every `%` is followed by two hexadecimal digits.
fn is_escaped_well(text: &str) -> bool {
    text.split('%').skip(1).all(|after| after.as_bytes().get(..2).is_some_and(|code| code.iter().all(u8::is_ascii_hexdigit)))
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
        for bad in
            ["", "picture", "/picture", "//host/picture", ":x", "http://a b/", "http://a/%zz", "http://a:b/", "1http://a", "http://a\n"]
        {
            assert!(!is_request_url(bad), "{bad}");
        }
    }
}
