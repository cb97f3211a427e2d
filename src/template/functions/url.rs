//! `urlParse` and `urlJoin`: the part of Go's net/url that templates can use.
//!
//! Goes in: a URL text, or a dict of its parts. Comes out: a dict with fixed keys, or a URL text; faults have Go's texts. Follows
//! sprig/url.go; [`crate::url`] parses URLs.

use super::Parameter::{Map as Dict, Str as Text};
use super::{Call, Fault, Function, Outcome, row};
use crate::template::value::{Map, Str, Value};
use crate::url::{Url, User};

/// The rows of this topic.
pub const FUNCTIONS: &[Function] =
    &[row("urlParse", &[Text], parse, "the parts of a URL as dict"), row("urlJoin", &[Dict], join, "a URL of the parts in a dict")];

fn parse(call: &mut Call) -> Outcome {
    let url = Url::parse(call.bytes(0)).map_err(|fault| Fault::new(format!("unable to parse url: {fault}")))?;
    let hostname = url.hostname().to_vec();
    let userinfo = url.user.as_ref().map(User::written).unwrap_or_default();
    let entries = [
        ("scheme", url.scheme),
        ("host", url.host),
        ("hostname", hostname),
        ("path", url.path),
        ("query", url.query),
        ("opaque", url.opaque),
        ("fragment", url.fragment),
        ("userinfo", userinfo),
    ];
    Ok(Value::map(entries.map(|(key, value)| (Str::from(key), Value::str(value)))))
}

fn join(call: &mut Call) -> Outcome {
    let parts = call.map(0);
    let mut url = Url {
        scheme: part(&parts, "scheme")?,
        host: part(&parts, "host")?,
        path: part(&parts, "path")?,
        query: part(&parts, "query")?,
        opaque: part(&parts, "opaque")?,
        fragment: part(&parts, "fragment")?,
        ..Url::default()
    };
    let userinfo = part(&parts, "userinfo")?;
    if !userinfo.is_empty() {
        let text = [b"proto://", userinfo.as_slice(), b"@host"].concat();
        let parsed = Url::parse(&text).map_err(|fault| Fault::new(format!("unable to parse userinfo in dict: {fault}")))?;
        url.user = parsed.user;
    }
    Ok(Value::str(url.written()))
}

/// The text under `key`, empty if it is absent.
fn part(parts: &Map, key: &str) -> Result<Vec<u8>, Fault> {
    match parts.get(key.as_bytes()) {
        None => Ok(Vec::new()),
        Some(Value::Str(text)) => Ok(text.as_bytes().to_vec()),
        Some(Value::Nil) => Err(Fault::new("runtime error: invalid memory address or nil pointer dereference")),
        Some(other) => {
            let kind = other.kind_name();
            Err(Fault::new(format!("unable to parse {key} key, must be of type string, but {kind} found")))
        }
    }
}
