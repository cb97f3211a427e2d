//! IP addresses as Go's net/netip parses them (`ParseAddr`), for its error texts.
//!
//! Goes in: the text of an address: the part between the brackets of a URL's host, or a value of the schema format `ipv6`.
//! Comes out: the kind of address, or why it is invalid, in Go's words. Rust's parsers support no zones and give no reasons.

use crate::quote::quote;
use memchr::memchr;

/// The kind of an address.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum IpKind {
    Version4,
    Version6 {
        /// Whether it has a zone (`fe80::1%eth0`).
        zone: bool,
    },
}

/// The kind of the address in a text; the error is Go's text.
pub(crate) fn classify_ip(text: &[u8]) -> Result<IpKind, String> {
    let fault = |message: &str| Err(format!("ParseAddr({}): {message}", quote(text)));
    match text.iter().find(|byte| b".:%".contains(byte)) {
        Some(b'.') => check_version_4(text, text).map(|()| IpKind::Version4),
        Some(b':') => check_version_6(text).map(|()| IpKind::Version6 { zone: memchr(b'%', text).is_some() }),
        Some(_) => fault("missing IPv6 address"),
        None => fault("unable to parse IP"),
    }
}

/// Four numbers with dots; `whole` is the text for messages.
fn check_version_4(whole: &[u8], text: &[u8]) -> Result<(), String> {
    let fault = |message: &str| Err(format!("ParseAddr({}): {message}", quote(whole)));
    let fault_at = |message: &str, at: usize| {
        let rest = text.get(at..).unwrap_or_default();
        Err(format!("ParseAddr({}): {message} (at {})", quote(whole), quote(rest)))
    };
    let (mut value, mut dots, mut digits) = (0u32, 0, 0);
    for (at, &byte) in text.iter().enumerate() {
        match byte {
            b'0'..=b'9' => {
                if digits == 1 && value == 0 {
                    return fault("IPv4 field has octet with leading zero");
                }
                value = value * 10 + u32::from(byte - b'0');
                digits += 1;
                if value > 255 {
                    return fault("IPv4 field has value >255");
                }
            }
            b'.' => {
                if at == 0 || at + 1 == text.len() || text.get(at - 1) == Some(&b'.') {
                    return fault_at("IPv4 field must have at least one digit", at);
                }
                if dots == 3 {
                    return fault("IPv4 address too long");
                }
                (value, digits, dots) = (0, 0, dots + 1);
            }
            _ => return fault_at("unexpected character", at),
        }
    }
    if dots < 3 { fault("IPv4 address too short") } else { Ok(()) }
}

/// Groups of hexadecimal digits with colons, one `::`, optionally an IPv4 address at the end and a zone.
fn check_version_6(whole: &[u8]) -> Result<(), String> {
    let fault = |message: &str| Err(format!("ParseAddr({}): {message}", quote(whole)));
    let fault_at = |message: &str, at: &[u8]| match at {
        [] => Err(format!("ParseAddr({}): {message}", quote(whole))),
        _ => Err(format!("ParseAddr({}): {message} (at {})", quote(whole), quote(at))),
    };
    let mut rest = whole;
    if let Some(zone) = memchr(b'%', whole) {
        if zone + 1 == whole.len() {
            return fault("zone must be a non-empty string");
        }
        rest = whole.get(..zone).unwrap_or_default();
    }
    let mut ellipsis = None;
    if let Some(after) = rest.strip_prefix(b"::") {
        ellipsis = Some(0);
        rest = after;
        if rest.is_empty() {
            return Ok(());
        }
    }
    let mut filled = 0;
    while filled < 16 {
        let digits = rest.iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
        if digits > 4 {
            return fault_at("each group must have 4 or less digits", rest);
        }
        if digits == 0 {
            return fault_at("each colon-separated field must have at least one digit", rest);
        }
        if rest.get(digits) == Some(&b'.') {
            if ellipsis.is_none() && filled != 12 {
                return fault_at("embedded IPv4 address must replace the final 2 fields of the address", rest);
            }
            if filled + 4 > 16 {
                return fault_at("too many hex fields to fit an embedded IPv4 at the end of the address", rest);
            }
            check_version_4(whole, rest)?;
            rest = b"";
            filled += 4;
            break;
        }
        filled += 2;
        rest = rest.get(digits..).unwrap_or_default();
        match rest {
            [] => break,
            [b':'] => return fault_at("colon must be followed by more characters", rest),
            [b':', after @ ..] => rest = after,
            _ => return fault_at("unexpected character, want colon", rest),
        }
        if let Some(after) = rest.strip_prefix(b":") {
            if ellipsis.is_some() {
                return fault_at("multiple :: in address", rest);
            }
            ellipsis = Some(filled);
            rest = after;
            if rest.is_empty() {
                break;
            }
        }
    }
    if !rest.is_empty() {
        return fault_at("trailing garbage after address", rest);
    }
    match (filled < 16, ellipsis) {
        (true, None) => fault("address string too short"),
        (false, Some(_)) => fault("the :: must expand to at least one field of zeros"),
        _ => Ok(()),
    }
}
