//! URLs as Go's net/url reads and writes them.
//!
//! Goes in: the text of a URL. Comes out: its parts, or Go's error text.

mod ip;

use crate::quote::quote;
pub(crate) use ip::{IpKind, classify_ip};
use memchr::{memchr, memmem, memrchr};

/// The part of a URL to escape or read; the allowed characters depend on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    Path,
    Segment,
    Host,
    Zone,
    User,
    Query,
    Fragment,
}

/// Whether `byte` must be written as `%XX` in this part.
fn must_escape(byte: u8, part: Part) -> bool {
    if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
        return false;
    }
    let allowed: &[u8] = match part {
        Part::Path => b"$&+,/:;=@",
        Part::Segment => b"$&+:=@",
        Part::User => b"$&+,;=",
        Part::Query => b"",
        Part::Fragment => b"!$&()*+,/:;=?@",
        Part::Host | Part::Zone => b"!\"$&'()*+,:;<=>[]",
    };
    !allowed.contains(&byte)
}

/// The text with all characters escaped that need it in this part.
pub fn escaped(text: &[u8], part: Part) -> Vec<u8> {
    const HEXADECIMAL: &[u8; 16] = b"0123456789ABCDEF";
    let mut out = Vec::with_capacity(text.len());
    for &byte in text {
        if must_escape(byte, part) {
            let digit = |value: u8| HEXADECIMAL.get(usize::from(value)).copied().unwrap_or(b'0');
            out.extend([b'%', digit(byte >> 4), digit(byte & 15)]);
        } else {
            out.push(byte);
        }
    }
    out
}

/// The byte of the two hexadecimal digits at the start of `text`.
fn escaped_byte(text: &[u8]) -> Option<u8> {
    let digit = |at: usize| char::from(*text.get(at)?).to_digit(16);
    Some((digit(0)? * 16 + digit(1)?) as u8)
}

/// A piece of a text that may have percent escapes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Piece {
    /// A literal byte.
    Plain(u8),
    /// The byte of a `%XX`.
    Escaped(u8),
    /// A percent sign without two hexadecimal digits behind it.
    Broken,
}

/// The pieces of `text`, for callers with their own rules for escapes.
pub fn pieces(text: &[u8]) -> impl Iterator<Item = Piece> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let (&first, after) = rest.split_first()?;
        rest = after;
        if first != b'%' {
            return Some(Piece::Plain(first));
        }
        match escaped_byte(after) {
            Some(byte) => {
                rest = after.get(2..).unwrap_or_default();
                Some(Piece::Escaped(byte))
            }
            None => Some(Piece::Broken),
        }
    })
}

/// Decodes percent escapes; a percent sign that begins none stays.
pub fn unescape_leniently(text: &[u8]) -> Vec<u8> {
    let byte = |piece| match piece {
        Piece::Plain(byte) | Piece::Escaped(byte) => byte,
        Piece::Broken => b'%',
    };
    pieces(text).map(byte).collect()
}

fn unescape(text: &[u8], part: Part) -> Result<Vec<u8>, String> {
    let mut out = Vec::with_capacity(text.len());
    let mut at = 0;
    while let Some(&byte) = text.get(at) {
        let rest = text.get(at..).unwrap_or_default();
        let shown = rest.get(..3).unwrap_or(rest);
        if byte == b'%' {
            let escaped = escaped_byte(rest.get(1..).unwrap_or_default());
            let value = escaped.ok_or_else(|| format!("invalid URL escape {}", quote(shown)))?;
            let refused = match part {
                // In hosts, only bytes beyond ASCII, and the percent sign of zones, may be escaped.
                Part::Host => value < 0x80 && shown != b"%25",
                Part::Zone => shown != b"%25" && value != b' ' && must_escape(value, Part::Host),
                _ => false,
            };
            if refused {
                return Err(format!("invalid URL escape {}", quote(shown)));
            }
            out.push(value);
            at += 3;
        } else {
            if matches!(part, Part::Host | Part::Zone) && byte < 0x80 && must_escape(byte, part) {
                return Err(format!("invalid character {} in host name", quote([byte])));
            }
            out.push(byte);
            at += 1;
        }
    }
    Ok(out)
}

/// `url.PathEscape`.
pub fn path_escape(text: &[u8]) -> Vec<u8> {
    escaped(text, Part::Segment)
}

/// `url.QueryEscape`.
pub fn query_escape(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    for piece in text.split(|byte| *byte == b' ') {
        out.extend(escaped(piece, Part::Query));
        out.push(b'+');
    }
    out.pop();
    out
}

/// `url.PathUnescape`.
pub fn path_unescape(text: &[u8]) -> Result<Vec<u8>, String> {
    unescape(text, Part::Path)
}

/// The user of a URL, unescaped.
#[derive(Debug, Clone, Default)]
pub struct User {
    pub name: Vec<u8>,
    pub password: Option<Vec<u8>>,
}

impl User {
    /// The user, escaped for a URL.
    pub fn written(&self) -> Vec<u8> {
        let mut out = escaped(&self.name, Part::User);
        if let Some(password) = &self.password {
            out.push(b':');
            out.extend(escaped(password, Part::User));
        }
        out
    }
}

/// The parts of a URL, unescaped as in Go's `url.URL`.
#[derive(Debug, Clone, Default)]
pub struct Url {
    pub scheme: Vec<u8>,
    pub opaque: Vec<u8>,
    pub user: Option<User>,
    pub host: Vec<u8>,
    pub path: Vec<u8>,
    /// The path as written, if it differs from the default encoding of [`Url::path`].
    pub raw_path: Vec<u8>,
    pub query: Vec<u8>,
    pub fragment: Vec<u8>,
}

impl Url {
    /// `url.Parse`; a fault reads `parse "URL": REASON`.
    pub fn parse(text: &[u8]) -> Result<Url, String> {
        let (before, fragment) = cut(text, b'#');
        let mut url = Url::parse_parts(before, false).map_err(|fault| format!("parse {}: {fault}", quote(before)))?;
        url.fragment = unescape(fragment, Part::Fragment).map_err(|fault| format!("parse {}: {fault}", quote(text)))?;
        Ok(url)
    }

    /// `url.ParseRequestURI`: a URL with a scheme or an absolute path, in which `#` is an ordinary character.
    pub fn parse_request(text: &[u8]) -> Result<Url, String> {
        Url::parse_parts(text, true).map_err(|fault| format!("parse {}: {fault}", quote(text)))
    }

    fn parse_parts(text: &[u8], is_request: bool) -> Result<Url, String> {
        let mut url = Url::default();
        if text.iter().any(|&byte| byte < b' ' || byte == 0x7f) {
            return Err("net/url: invalid control character in URL".to_string());
        }
        if text.is_empty() && is_request {
            return Err("empty url".to_string());
        }
        if text == b"*" {
            url.path = text.to_vec();
            return Ok(url);
        }
        let (scheme, rest) = split_scheme(text)?;
        url.scheme = scheme.to_ascii_lowercase();
        let (mut rest, query) = cut(rest, b'?');
        url.query = query.to_vec();
        if rest.first() != Some(&b'/') {
            if !url.scheme.is_empty() {
                url.opaque = rest.to_vec();
                return Ok(url);
            }
            if is_request {
                return Err("invalid URI for request".to_string());
            }
            if cut(rest, b'/').0.contains(&b':') {
                return Err("first path segment in URL cannot contain colon".to_string());
            }
        }
        if rest.starts_with(b"//") && (!url.scheme.is_empty() || !is_request && !rest.starts_with(b"///")) {
            let authority = rest.get(2..).unwrap_or_default();
            let end = memchr(b'/', authority).unwrap_or(authority.len());
            let (authority, path) = authority.split_at_checked(end).unwrap_or((authority, b""));
            rest = path;
            url.parse_authority(authority)?;
        }
        url.path = unescape(rest, Part::Path)?;
        if escaped(&url.path, Part::Path) != rest {
            url.raw_path = rest.to_vec();
        }
        Ok(url)
    }

    fn parse_authority(&mut self, authority: &[u8]) -> Result<(), String> {
        let Some(at) = memrchr(b'@', authority) else {
            self.host = parse_host(&self.scheme, authority)?;
            return Ok(());
        };
        self.host = parse_host(&self.scheme, authority.get(at + 1..).unwrap_or_default())?;
        let userinfo = authority.get(..at).unwrap_or_default();
        let allowed = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._:~!$&'()*+,;=%@".contains(byte);
        if !userinfo.iter().all(allowed) {
            return Err("net/url: invalid userinfo".to_string());
        }
        let (name, password) = match memchr(b':', userinfo) {
            Some(colon) => (userinfo.get(..colon).unwrap_or_default(), userinfo.get(colon + 1..)),
            None => (userinfo, None),
        };
        let name = unescape(name, Part::User)?;
        let password = password.map(|password| unescape(password, Part::User)).transpose()?;
        self.user = Some(User { name, password });
        Ok(())
    }

    /// The host without port and brackets.
    pub fn hostname(&self) -> &[u8] {
        let mut host = self.host.as_slice();
        if let Some(colon) = memrchr(b':', host)
            && is_port(host.get(colon..).unwrap_or_default())
        {
            host = host.get(..colon).unwrap_or_default();
        }
        host.strip_prefix(b"[").and_then(|host| host.strip_suffix(b"]")).unwrap_or(host)
    }

    /// `URL.String`
    pub fn written(&self) -> Vec<u8> {
        let mut out = Vec::new();
        if !self.scheme.is_empty() {
            out.extend_from_slice(&self.scheme);
            out.push(b':');
        }
        if !self.opaque.is_empty() {
            out.extend_from_slice(&self.opaque);
        } else {
            let anything = !self.host.is_empty() || self.user.is_some();
            if anything || !self.scheme.is_empty() && !self.path.is_empty() {
                out.extend_from_slice(b"//");
                if let Some(user) = &self.user {
                    out.extend(user.written());
                    out.push(b'@');
                }
                out.extend(escaped(&self.host, Part::Host));
            }
            let path = if self.path == b"*" { b"*".to_vec() } else { escaped(&self.path, Part::Path) };
            if !path.is_empty() && path.first() != Some(&b'/') && !self.host.is_empty() {
                out.push(b'/');
            }
            if out.is_empty() && cut(&path, b'/').0.contains(&b':') {
                out.extend_from_slice(b"./");
            }
            out.extend(path);
        }
        if !self.query.is_empty() {
            out.push(b'?');
            out.extend_from_slice(&self.query);
        }
        if !self.fragment.is_empty() {
            out.push(b'#');
            out.extend(escaped(&self.fragment, Part::Fragment));
        }
        out
    }
}

/// The text before and after the first `mark`.
fn cut(text: &[u8], mark: u8) -> (&[u8], &[u8]) {
    match memchr(mark, text) {
        Some(at) => (text.get(..at).unwrap_or_default(), text.get(at + 1..).unwrap_or_default()),
        None => (text, b""),
    }
}

/// The scheme before the first colon, empty if there is none, and the rest.
fn split_scheme(text: &[u8]) -> Result<(&[u8], &[u8]), String> {
    for (at, byte) in text.iter().enumerate() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' => {}
            b'0'..=b'9' | b'+' | b'-' | b'.' if at > 0 => {}
            b':' if at == 0 => return Err("missing protocol scheme".to_string()),
            b':' => return Ok(cut(text, b':')),
            _ => break,
        }
    }
    Ok((b"", text))
}

/// Whether `text` is empty or a colon and digits.
fn is_port(text: &[u8]) -> bool {
    match text {
        [] => true,
        [b':', digits @ ..] => digits.iter().all(u8::is_ascii_digit),
        _ => false,
    }
}

fn check_port(text: &[u8]) -> Result<(), String> {
    if is_port(text) { Ok(()) } else { Err(format!("invalid port {} after host", quote(text))) }
}

fn parse_host(scheme: &[u8], host: &[u8]) -> Result<Vec<u8>, String> {
    match memrchr(b'[', host) {
        Some(0) => return parse_bracketed(host),
        Some(_) => return Err("invalid IP-literal".to_string()),
        None => {}
    }
    if let (Some(first), Some(last)) = (memchr(b':', host), memrchr(b':', host)) {
        // Only in http and https hosts are several colons refused.
        let colon = if scheme == b"http" || scheme == b"https" { first } else { last };
        check_port(host.get(colon..).unwrap_or_default())?;
    }
    unescape(host, Part::Host)
}

fn parse_bracketed(host: &[u8]) -> Result<Vec<u8>, String> {
    let Some(close) = memrchr(b']', host) else { return Err("missing ']' in host".to_string()) };
    let port = host.get(close + 1..).unwrap_or_default();
    check_port(port)?;
    let name = host.get(1..close).unwrap_or_default();
    let name = match memmem::find(name, b"%25") {
        Some(zone) => {
            let mut address = unescape(name.get(..zone).unwrap_or_default(), Part::Host)?;
            address.extend(unescape(name.get(zone..).unwrap_or_default(), Part::Zone)?);
            address
        }
        None => unescape(name, Part::Host)?,
    };
    match classify_ip(&name) {
        Ok(IpKind::Version4) => Err("invalid IP-literal".to_string()),
        Ok(IpKind::Version6 { .. }) => Ok([b"[", name.as_slice(), b"]", port].concat()),
        Err(fault) => Err(format!("invalid host: {fault}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_escape_is_two_hexadecimal_digits() {
        for (text, lenient, strict) in [
            ("", "", true),
            ("a%2Fb%2fc", "a/b/c", true),
            ("%25%32%35", "%25", true),
            ("%", "%", false),
            ("%2", "%2", false),
            ("a%zz", "a%zz", false),
            ("%%41", "%A", false),
            // Rust's number parser accepts a sign before the digits.
            ("%+f", "%+f", false),
            ("%-1", "%-1", false),
            ("% 1", "% 1", false),
        ] {
            assert_eq!(unescape_leniently(text.as_bytes()), lenient.as_bytes(), "{text}");
            assert_eq!(!pieces(text.as_bytes()).any(|piece| piece == Piece::Broken), strict, "{text}");
            assert_eq!(path_unescape(text.as_bytes()).is_ok(), strict, "{text}");
        }
    }
}
