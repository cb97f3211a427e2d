//! Repositories: configured ones and their indexes, caches, HTTP repositories, OCI registries.
//!
//! Goes in: [`Settings`] (everything that Helm takes from its environment, injected by the command line), references to charts. Comes out:
//! archives and indexes in Helm's files and caches, so that both tools share them. No part of this module reads the environment or prints:
//! messages go to a [`Reporter`]. Credentials are bound to scheme, host and port, and redirects are followed here, not by the HTTP client.

pub mod access;
#[cfg(feature = "remote")]
pub mod auth;
pub mod cache;
pub mod config;
#[cfg(feature = "remote")]
pub mod download;
pub mod folder_index;
#[cfg(feature = "remote")]
pub mod getter;
#[cfg(feature = "remote")]
pub mod http;
#[cfg(feature = "remote")]
pub mod hub;
pub mod index;
#[cfg(feature = "remote")]
pub mod mirror;
#[cfg(feature = "remote")]
pub mod oci;
#[cfg(feature = "remote")]
mod proxy;
#[cfg(feature = "remote")]
pub mod push;
pub mod record;
pub mod reporter;
#[cfg(feature = "remote")]
pub mod resolve;
pub mod scan;
pub mod search;
#[cfg(feature = "serve")]
pub mod serve;
pub mod settings;
#[cfg(feature = "remote")]
mod tls;
#[cfg(feature = "remote")]
pub mod update;
pub mod url;

pub use reporter::{Progress, Recorded, Reporter};
pub use settings::{ChartOptions, Proxies, Settings, SystemCertificates};

/// A time in nanoseconds since 1970 as Go's `RFC3339Nano` writes it in UTC: no trailing zeros in the fraction.
pub fn rfc3339(nanoseconds: i128) -> String {
    match jiff::Timestamp::from_nanosecond(nanoseconds) {
        Ok(time) => time.to_string(),
        Err(_) => "0001-01-01T00:00:00Z".to_string(),
    }
}

/// An untrusted text as it may be shown: without control characters (including escape sequences) and without
/// marks that change the writing direction.
pub fn printable(text: &str) -> String {
    text.chars()
        .filter(|c| {
            !c.is_control() && !matches!(*c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_strangers_neither_steer_the_terminal_nor_turn_around() {
        for mark in ['\u{1b}', '\u{9b}', '\n', '\u{61c}', '\u{200e}', '\u{200f}', '\u{202a}', '\u{202e}', '\u{2066}', '\u{2069}'] {
            assert_eq!(printable(&format!("a{mark}b")), "ab", "{mark:?}");
        }
        assert_eq!(printable("ä \u{5d0} \u{627}"), "ä \u{5d0} \u{627}");
    }
}
