//! Addresses of the internet protocol in the words of Go's `net/netip`, which Helm's schema library checks `ipv6` with.
//!
//! Goes in: a text. Comes out: nothing, or why it is no address. The parser of `std` tells only that it is none.

use crate::quote::quote;

/// Go's `parseAddrError`.
fn fault(text: &str, message: &str, at: &str) -> String {
    let place = if at.is_empty() { String::new() } else { format!(" (at {})", quote(at.as_bytes())) };
    format!("ParseAddr({}): {message}{place}", quote(text.as_bytes()))
}

/// Checks an address that has a colon (`netip.ParseAddr`); gives back whether it names a zone.
pub(super) fn check(text: &str) -> Result<bool, String> {
    match text.bytes().find(|byte| matches!(byte, b'.' | b':' | b'%')) {
        Some(b'.') => dotted(text, text).map(|()| false),
        Some(b':') => colons(text),
        _ => Err(fault(text, "missing IPv6 address", "")),
    }
}

fn colons(text: &str) -> Result<bool, String> {
    let (mut rest, zone) = text.split_once('%').map_or((text, None), |(rest, zone)| (rest, Some(zone)));
    if zone == Some("") {
        return Err(fault(text, "zone must be a non-empty string", ""));
    }
    let mut ellipsis = false;
    if let Some(behind) = rest.strip_prefix("::") {
        ellipsis = true;
        rest = behind;
        if rest.is_empty() {
            return Ok(zone.is_some());
        }
    }
    let mut bytes = 0;
    while bytes < 16 {
        let digits = rest.bytes().take_while(u8::is_ascii_hexdigit).count();
        if digits > 4 {
            return Err(fault(text, "each group must have 4 or less digits", rest));
        }
        if digits == 0 {
            return Err(fault(text, "each colon-separated field must have at least one digit", rest));
        }
        let behind = rest.get(digits..).unwrap_or_default();
        if behind.starts_with('.') {
            if !ellipsis && bytes != 12 {
                return Err(fault(text, "embedded IPv4 address must replace the final 2 fields of the address", rest));
            }
            if bytes + 4 > 16 {
                return Err(fault(text, "too many hex fields to fit an embedded IPv4 at the end of the address", rest));
            }
            dotted(text, rest)?;
            bytes += 4;
            rest = "";
            break;
        }
        bytes += 2;
        rest = behind;
        if rest.is_empty() {
            break;
        }
        let Some(behind) = rest.strip_prefix(':') else {
            return Err(fault(text, "unexpected character, want colon", rest));
        };
        if behind.is_empty() {
            return Err(fault(text, "colon must be followed by more characters", rest));
        }
        rest = behind;
        if let Some(behind) = rest.strip_prefix(':') {
            if ellipsis {
                return Err(fault(text, "multiple :: in address", rest));
            }
            ellipsis = true;
            rest = behind;
            if rest.is_empty() {
                break;
            }
        }
    }
    if !rest.is_empty() {
        return Err(fault(text, "trailing garbage after address", rest));
    }
    match (bytes < 16, ellipsis) {
        (true, false) => Err(fault(text, "address string too short", "")),
        (false, true) => Err(fault(text, "the :: must expand to at least one field of zeros", "")),
        _ => Ok(zone.is_some()),
    }
}

/// Four numbers in `part` of `text`.
fn dotted(text: &str, part: &str) -> Result<(), String> {
    let bytes = part.as_bytes();
    let (mut value, mut digits, mut fields) = (0u32, 0, 0);
    for (at, byte) in bytes.iter().enumerate() {
        let here = part.get(at..).unwrap_or_default();
        match byte {
            b'0'..=b'9' => {
                if digits == 1 && value == 0 {
                    return Err(fault(text, "IPv4 field has octet with leading zero", ""));
                }
                value = value * 10 + u32::from(byte - b'0');
                digits += 1;
                if value > 255 {
                    return Err(fault(text, "IPv4 field has value >255", ""));
                }
            }
            b'.' => {
                if at == 0 || at + 1 == bytes.len() || bytes.get(at - 1) == Some(&b'.') {
                    return Err(fault(text, "IPv4 field must have at least one digit", here));
                }
                if fields == 3 {
                    return Err(fault(text, "IPv4 address too long", ""));
                }
                fields += 1;
                (value, digits) = (0, 0);
            }
            _ => return Err(fault(text, "unexpected character", here)),
        }
    }
    if fields < 3 { Err(fault(text, "IPv4 address too short", "")) } else { Ok(()) }
}
