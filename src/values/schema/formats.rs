//! Formats of a values schema that Helm's library checks in another way than the validator does.
//!
//! Goes in: a value. Comes out: why it is not of the format, in the library's words. Addresses are what Go's `url.Parse` takes, and
//! there are no formats for names beyond ASCII. Follows santhosh-tekuri/jsonschema v6 `format.go`.

use crate::url::Url;
use boon::{Compiler, Format};
use serde_json::Value;
use std::error::Error;

/// The name under which the validator knows Go's regular expressions; its own `regex` cannot be replaced.
pub(super) const REGEX: &str = "go-regex";

/// Puts these formats in the place of the validator's.
pub(super) fn register(compiler: &mut Compiler) {
    let formats: [(&'static str, fn(&Value) -> Result<(), Box<dyn Error>>); 8] = [
        (REGEX, regex),
        ("uri", address),
        ("iri", address),
        ("uri-reference", reference),
        ("iri-reference", reference),
        ("semver", semver),
        ("idn-email", anything),
        ("idn-hostname", anything),
    ];
    for (name, func) in formats {
        compiler.register_format(Format { name, func });
    }
}

fn anything(_: &Value) -> Result<(), Box<dyn Error>> {
    Ok(())
}

fn parse(text: &str) -> Result<Url, Box<dyn Error>> {
    let url = Url::parse(text.as_bytes())?;
    let host = url.hostname();
    if host.contains(&b':') && !(url.host.contains(&b'[') && url.host.contains(&b']')) {
        return Err("ipv6 address not enclosed in brackets".into());
    }
    Ok(url)
}

fn address(value: &Value) -> Result<(), Box<dyn Error>> {
    let Some(text) = value.as_str() else { return Ok(()) };
    if parse(text)?.scheme.is_empty() { Err("relative url".into()) } else { Ok(()) }
}

fn reference(value: &Value) -> Result<(), Box<dyn Error>> {
    let Some(text) = value.as_str() else { return Ok(()) };
    if text.contains('\\') {
        return Err("contains \\".into());
    }
    parse(text).map(|_| ())
}

fn regex(value: &Value) -> Result<(), Box<dyn Error>> {
    let Some(text) = value.as_str() else { return Ok(()) };
    crate::regexp::translate(text.as_bytes()).map(|_| ()).map_err(Into::into)
}

fn semver(value: &Value) -> Result<(), Box<dyn Error>> {
    let Some(text) = value.as_str() else { return Ok(()) };
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
                    return Err(format!("invalid character {odd:?} in build identifier").into());
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
            return Err(format!("invalid character {odd:?} in pre-release identifier").into());
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
            return Err(format!("{name} is empty").into());
        }
        if part.len() > 1 && part.starts_with('0') {
            return Err(format!("{name} starts with zero").into());
        }
        if !part.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(format!("{name} contains non-digit").into());
        }
    }
    Ok(())
}
