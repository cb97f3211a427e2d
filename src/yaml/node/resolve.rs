//! Tags of nodes: the type of a scalar without quotes in go-yaml v3, and the short and long forms of tags.
//!
//! Goes in: the text of a scalar or a tag. Comes out: a tag. Must match `resolve.go` of go-yaml v3, which recognises fewer words
//! than v2 (`yes`, `on` and the like are strings) and more numbers. Numbers and dates are parsed by [`super::super::resolve`].

use crate::yaml::resolve as v2;
use std::borrow::Cow;

pub(super) const NULL: &str = "!!null";
pub(super) const STR: &str = "!!str";
pub(super) const SEQ: &str = "!!seq";
pub(super) const MAP: &str = "!!map";
pub(super) const MERGE: &str = "!!merge";

const LONG: &str = "tag:yaml.org,2002:";

/// The tag of a scalar without quotes.
pub(super) fn resolve(text: &str) -> &'static str {
    let Some(&first) = text.as_bytes().first() else { return NULL };
    match first {
        b't' | b'T' | b'f' | b'F' => match text {
            "true" | "True" | "TRUE" | "false" | "False" | "FALSE" => "!!bool",
            _ => STR,
        },
        b'~' | b'n' | b'N' => match text {
            "~" | "null" | "Null" | "NULL" => NULL,
            _ => STR,
        },
        b'.' if v2::special_float(text).or_else(|| v2::go_float(text)).is_some() => "!!float",
        b'+' | b'-' | b'0'..=b'9' => {
            if v2::special_float(text).is_some() {
                "!!float"
            } else if v2::is_timestamp(text) {
                "!!timestamp"
            } else {
                number(text)
            }
        }
        _ => STR,
    }
}

fn number(text: &str) -> &'static str {
    let plain: Cow<'_, str> = if text.contains('_') { text.replace('_', "").into() } else { text.into() };
    if v2::parse_int(&plain).is_some() {
        return "!!int";
    }
    if v2::is_yaml_float(&plain) && v2::go_float(&plain).is_some() {
        return "!!float";
    }
    for (prefix, radix) in [("0b", 2), ("0o", 8)] {
        if let Some(digits) = plain.strip_prefix(prefix) {
            let fits = i64::from_str_radix(digits, radix).is_ok() || !digits.starts_with('+') && u64::from_str_radix(digits, radix).is_ok();
            return if fits { "!!int" } else { STR };
        }
        if let Some(digits) = plain.strip_prefix('-').and_then(|rest| rest.strip_prefix(prefix)) {
            return if i64::from_str_radix(&format!("-{digits}"), radix).is_ok() { "!!int" } else { STR };
        }
    }
    STR
}

/// `!!x` for YAML's own tags.
pub(super) fn short(tag: &str) -> String {
    match tag.strip_prefix(LONG) {
        Some(name) => format!("!!{name}"),
        None => tag.to_owned(),
    }
}

/// The full form of `!!x`.
pub(super) fn long(tag: &str) -> Cow<'_, str> {
    match tag.strip_prefix("!!") {
        Some(name) => format!("{LONG}{name}").into(),
        None => tag.into(),
    }
}
