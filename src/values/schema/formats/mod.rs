//! Formats of a values schema that Helm's library checks differently from the validator.
//!
//! Goes in: a value. Comes out: why it does not have the format, in the library's words. Addresses are checked as Go's `url.Parse`
//! does, and there are no formats for names beyond ASCII. Follows santhosh-tekuri/jsonschema v6 `format.go`; where the validator's
//! rules or words differ, these replace them.

mod time;

use crate::number::parse_int;
use crate::quote::{quote, quote_character};
use crate::url::{IpKind, Url, classify_ip, path_unescape};
use boon::{Compiler, Format};
use serde_json::Value;
use std::error::Error;

/// The validator's name for Go's regular expressions; its own `regex` cannot be replaced.
pub(super) const REGEX: &str = "go-regex";

/// Replaces the validator's formats by these.
pub(super) fn register(compiler: &mut Compiler) {
    let formats: [(&'static str, fn(&Value) -> Result<(), Box<dyn Error>>); 21] = [
        (REGEX, |value| check(value, regex)),
        ("json-pointer", |value| check(value, pointer)),
        ("relative-json-pointer", |value| check(value, relative_pointer)),
        ("uuid", |value| check(value, uuid)),
        ("duration", |value| check(value, time::duration)),
        ("period", |value| check(value, time::period)),
        ("ipv4", |value| check(value, ipv4)),
        ("ipv6", |value| check(value, ipv6)),
        ("hostname", |value| check(value, hostname)),
        ("email", |value| check(value, email)),
        ("date", |value| check(value, time::date)),
        ("time", |value| check(value, time::time)),
        ("date-time", |value| check(value, time::date_time)),
        ("uri", |value| check(value, uri)),
        ("iri", |value| check(value, uri)),
        ("uri-reference", |value| check(value, reference)),
        ("iri-reference", |value| check(value, reference)),
        ("uri-template", |value| check(value, template)),
        ("semver", |value| check(value, semver)),
        // Unknown to Helm's library.
        ("idn-email", |value| check(value, |_| Ok(()))),
        ("idn-hostname", |value| check(value, |_| Ok(()))),
    ];
    for (name, func) in formats {
        compiler.register_format(Format { name, func });
    }
}

/// A format applies to strings only.
fn check(value: &Value, rule: impl Fn(&str) -> Result<(), String>) -> Result<(), Box<dyn Error>> {
    value.as_str().map_or(Ok(()), |text| rule(text).map_err(Into::into))
}

fn pointer(text: &str) -> Result<(), String> {
    if text.is_empty() {
        return Ok(());
    }
    let Some(text) = text.strip_prefix('/') else { return Err("not starting with /".into()) };
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        if character == '~' && !characters.next().is_some_and(|next| matches!(next, '0' | '1')) {
            return Err("~ must be followed by 0 or 1".into());
        }
    }
    Ok(())
}

fn relative_pointer(text: &str) -> Result<(), String> {
    let rest = text.trim_start_matches(|c: char| c.is_ascii_digit());
    match text.len() - rest.len() {
        0 => Err("must start with non-negative integer".into()),
        digits if digits > 1 && text.starts_with('0') => Err("starts with zero".into()),
        _ if rest == "#" => Ok(()),
        _ => pointer(rest),
    }
}

fn uuid(text: &str) -> Result<(), String> {
    const LENGTHS: [usize; 5] = [8, 4, 4, 4, 12];
    let groups: Vec<&str> = text.split('-').collect();
    if groups.len() != LENGTHS.len() {
        return Err(format!("must have {} elements", LENGTHS.len()));
    }
    for (at, (group, length)) in groups.into_iter().zip(LENGTHS).enumerate() {
        if group.len() != length {
            return Err(format!("element {} must be {length} characters long", at + 1));
        }
        if let Some(odd) = group.chars().find(|c| !c.is_ascii_hexdigit()) {
            return Err(format!("non-hex character {}", quote_character(odd)));
        }
    }
    Ok(())
}

fn ipv4(text: &str) -> Result<(), String> {
    let groups: Vec<&str> = text.split('.').collect();
    if groups.len() != 4 {
        return Err("expected four decimals".into());
    }
    for group in groups {
        if group.len() > 1 && group.starts_with('0') {
            return Err("leading zeros".into());
        }
        match parse_int(group.as_bytes(), 10) {
            Ok(0..=255) => {}
            Ok(_) => return Err("decimal must be between 0 and 255".into()),
            Err(fault) => return Err(format!("strconv.Atoi: parsing {}: {}", quote(group.as_bytes()), fault.reason())),
        }
    }
    Ok(())
}

fn ipv6(text: &str) -> Result<(), String> {
    if !text.contains(':') {
        return Err("missing colon".into());
    }
    match classify_ip(text.as_bytes())? {
        IpKind::Version6 { zone: true } => Err("zone id is not a part of ipv6 address".into()),
        _ => Ok(()),
    }
}

fn hostname(text: &str) -> Result<(), String> {
    let text = text.strip_suffix('.').unwrap_or(text);
    if text.len() > 253 {
        return Err("more than 253 characters long".into());
    }
    for label in text.split('.') {
        if !(1..=63).contains(&label.len()) {
            return Err("label must be 1 to 63 characters long".into());
        }
        if label.starts_with('-') {
            return Err("label starts with hyphen".into());
        }
        if label.ends_with('-') {
            return Err("label ends with hyphen".into());
        }
        if let Some(odd) = label.chars().find(|c| !c.is_ascii_alphanumeric() && *c != '-') {
            return Err(format!("invalid character {}", quote_character(odd)));
        }
    }
    Ok(())
}

fn email(text: &str) -> Result<(), String> {
    if text.len() > 254 {
        return Err("more than 255 characters long".into());
    }
    let Some((local, domain)) = text.rsplit_once('@') else { return Err("missing @".into()) };
    if local.len() > 64 {
        return Err("local part more than 64 characters long".into());
    }
    if local.len() > 1 && local.starts_with('"') {
        // The last character counts as the closing quote, whatever it is.
        let mut inner = local.chars();
        inner.next();
        inner.next_back();
        if inner.as_str().contains(['\\', '"']) {
            return Err("backslash and quote are not allowed within quoted local part".into());
        }
    } else {
        if local.starts_with('.') {
            return Err("starts with dot".into());
        }
        if local.ends_with('.') {
            return Err("ends with dot".into());
        }
        if local.contains("..") {
            return Err("consecutive dots".into());
        }
        if let Some(odd) = local.chars().find(|c| !c.is_ascii_alphanumeric() && !".!#$%&'*+-/=?^_`{|}~".contains(*c)) {
            return Err(format!("invalid character {}", quote_character(odd)));
        }
    }
    match domain.strip_prefix('[').and_then(|domain| domain.strip_suffix(']')) {
        Some(inner) => match inner.strip_prefix("IPv6:") {
            Some(inner) => ipv6(inner).map_err(|fault| format!("invalid ipv6 address: {fault}")),
            None => ipv4(inner).map_err(|fault| format!("invalid ipv4 address: {fault}")),
        },
        None => hostname(domain).map_err(|fault| format!("invalid domain: {fault}")),
    }
}

fn parse(text: &str) -> Result<Url, String> {
    let url = Url::parse(text.as_bytes())?;
    let host = url.hostname();
    if host.contains(&b':') {
        if !(url.host.contains(&b'[') && url.host.contains(&b']')) {
            return Err("ipv6 address not enclosed in brackets".into());
        }
        ipv6(&String::from_utf8_lossy(host)).map_err(|fault| format!("invalid ipv6 address: {fault}"))?;
    }
    Ok(url)
}

fn uri(text: &str) -> Result<(), String> {
    if parse(text)?.scheme.is_empty() { Err("relative url".into()) } else { Ok(()) }
}

/// A reference to a schema.
pub(super) fn reference(text: &str) -> Result<(), String> {
    if text.contains('\\') {
        return Err("contains \\".into());
    }
    parse(text).map(|_| ())
}

/// Braces must match, but only in Go's `RawPath`, which is empty if the path is written in its default encoding.
fn template(text: &str) -> Result<(), String> {
    let url = parse(text)?;
    for part in url.raw_path.split(|byte| *byte == b'/') {
        let mut inside = false;
        for brace in path_unescape(part)?.iter().filter(|byte| matches!(byte, b'{' | b'}')) {
            if inside == (*brace == b'{') {
                return Err("nested curly braces".into());
            }
            inside = !inside;
        }
        if inside {
            return Err("no matching closing brace".into());
        }
    }
    Ok(())
}

fn regex(text: &str) -> Result<(), String> {
    crate::regexp::translate(text.as_bytes()).map(|_| ())
}

fn semver(text: &str) -> Result<(), String> {
    let odd = |text: &str| text.chars().find(|c| !c.is_ascii_alphanumeric() && *c != '-');
    let (text, build) = text.split_once('+').map_or((text, None), |(text, build)| (text, Some(build)));
    match build {
        Some("") => return Err("build is empty".into()),
        Some(build) => {
            for part in build.split('.') {
                if part.is_empty() {
                    return Err("build identifier is empty".into());
                }
                if let Some(odd) = odd(part) {
                    return Err(format!("invalid character {} in build identifier", quote_character(odd)));
                }
            }
        }
        None => {}
    }
    let (core, pre_release) = text.split_once('-').map_or((text, None), |(core, rest)| (core, Some(rest)));
    for part in pre_release.into_iter().flat_map(|text| text.split('.')) {
        if part.is_empty() {
            return Err("pre-release identifier is empty".into());
        }
        if let Some(odd) = odd(part) {
            return Err(format!("invalid character {} in pre-release identifier", quote_character(odd)));
        }
        if part.len() > 1 && part.starts_with('0') && part.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err("pre-release numeric identifier starts with zero".into());
        }
    }
    let parts: Vec<&str> = core.split('.').collect();
    if parts.len() != 3 {
        return Err("versionCore must have 3 numbers separated by dot".into());
    }
    for (name, part) in ["major", "minor", "patch"].iter().zip(parts) {
        if part.is_empty() {
            return Err(format!("{name} is empty"));
        }
        if part.len() > 1 && part.starts_with('0') {
            return Err(format!("{name} starts with zero"));
        }
        if !part.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(format!("{name} contains non-digit"));
        }
    }
    Ok(())
}
