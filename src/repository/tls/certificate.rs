//! The fields of an X.509 certificate that Go's `crypto/x509` checks when the certificate itself is trusted.
//!
//! Goes in: a certificate in DER. Comes out: its period of validity, its names, and whether it may serve.
//! Signatures are not checked here: a certificate that is itself trusted needs none.

use crate::der::{self, GENERALIZED_TIME, INTEGER, OBJECT_IDENTIFIER, OCTET_STRING, SEQUENCE, SET, UTC_TIME};
use crate::time::{Time, Zone};
use std::net::IpAddr;

const VERSION: u8 = 0xa0;
const EXTENSIONS: u8 = 0xa3;
const BOOLEAN: u8 = 0x01;
/// `id-at-commonName`
const COMMON_NAME: &[u8] = &[0x55, 4, 3];
/// `id-ce-subjectAltName`, `id-ce-extKeyUsage`
const ALTERNATIVE_NAMES: &[u8] = &[0x55, 0x1d, 17];
const KEY_USES: &[u8] = &[0x55, 0x1d, 37];
/// `anyExtendedKeyUsage`, `id-kp-serverAuth`
const ANY_USE: &[u8] = &[0x55, 0x1d, 37, 0];
const SERVER_USE: &[u8] = &[0x2b, 6, 1, 5, 5, 7, 3, 1];
/// Alternative names that are host names, and those that are addresses.
const DNS_NAME: u8 = 0x82;
const ADDRESS: u8 = 0x87;
/// If there are more names, the error message does not list them.
const MOST_NAMES: usize = 100;

#[derive(Debug)]
pub(super) struct Certificate {
    /// Seconds since 1970.
    pub not_before: i64,
    pub not_after: i64,
    /// SubjectPublicKeyInfo
    pub public_key: Vec<u8>,
    /// Whether servers may use it.
    pub serves: bool,
    common_name: String,
    /// `None` without the extension for alternative names.
    names: Option<Vec<String>>,
    addresses: Vec<IpAddr>,
}

impl Certificate {
    /// Parses a certificate; `None` if it is malformed.
    pub(super) fn parse(der: &[u8]) -> Option<Certificate> {
        let mut rest = der;
        let mut whole = der::read_tag(&mut rest, SEQUENCE)?;
        let mut body = der::read_tag(&mut whole, SEQUENCE).filter(|_| rest.is_empty())?;
        der::read_tag(&mut body, VERSION);
        der::read_tag(&mut body, INTEGER)?;
        // Skips algorithm and issuer.
        der::read_tag(&mut body, SEQUENCE)?;
        der::read_tag(&mut body, SEQUENCE)?;
        let mut validity = der::read_tag(&mut body, SEQUENCE)?;
        let (not_before, not_after) = (time(&mut validity)?, time(&mut validity)?);
        let subject = der::read_tag(&mut body, SEQUENCE)?;
        let public_key = der::read(&mut body)?.whole.to_vec();
        let mut certificate = Certificate {
            not_before,
            not_after,
            public_key,
            serves: true,
            common_name: common_name(subject).unwrap_or_default(),
            names: None,
            addresses: Vec::new(),
        };
        while !body.is_empty() {
            let element = der::read(&mut body)?;
            if element.tag == EXTENSIONS {
                let mut extensions = der::read_tag(&mut { element.contents }, SEQUENCE)?;
                while !extensions.is_empty() {
                    certificate.add(der::read_tag(&mut extensions, SEQUENCE)?)?;
                }
            }
        }
        Some(certificate)
    }

    /// Parses an extension.
    fn add(&mut self, mut extension: &[u8]) -> Option<()> {
        let name = der::read_tag(&mut extension, OBJECT_IDENTIFIER)?;
        der::read_tag(&mut extension, BOOLEAN);
        let mut value = der::read_tag(&mut extension, OCTET_STRING)?;
        if name == KEY_USES {
            let mut uses = der::read_tag(&mut value, SEQUENCE)?;
            self.serves = false;
            while !uses.is_empty() {
                self.serves |= matches!(der::read_tag(&mut uses, OBJECT_IDENTIFIER)?, ANY_USE | SERVER_USE);
            }
        } else if name == ALTERNATIVE_NAMES {
            let mut listed = der::read_tag(&mut value, SEQUENCE)?;
            let names = self.names.get_or_insert_default();
            while !listed.is_empty() {
                let element = der::read(&mut listed)?;
                match element.tag {
                    DNS_NAME => names.push(String::from_utf8_lossy(element.contents).into_owned()),
                    ADDRESS => self.addresses.extend(address(element.contents)),
                    _ => {}
                }
            }
        }
        Some(())
    }

    /// Go's error if the certificate is not valid for this host (`HostnameError`).
    pub(super) fn misnamed(&self, host: &str) -> String {
        if self.names.is_none() && self.common_name.eq_ignore_ascii_case(host) {
            return "certificate relies on legacy Common Name field, use SANs instead".to_string();
        }
        let names = self.names.as_deref().unwrap_or_default();
        let (count, listed) = if host.parse::<IpAddr>().is_err() {
            (names.len(), names.join(", "))
        } else if self.addresses.is_empty() {
            return format!("cannot validate certificate for {host} because it doesn't contain any IP SANs");
        } else {
            let addresses: Vec<String> = self.addresses.iter().map(IpAddr::to_string).collect();
            (addresses.len(), addresses.join(", "))
        };
        match count {
            0 => format!("certificate is not valid for any names, but wanted to match {host}"),
            MOST_NAMES.. => format!("certificate is valid for {count} names, but none matched {host}"),
            _ => format!("certificate is valid for {listed}, not {host}"),
        }
    }
}

/// The algorithm of a SubjectPublicKeyInfo.
pub(super) fn key_kind(mut info: &[u8]) -> Option<&[u8]> {
    let mut info = der::read_tag(&mut info, SEQUENCE)?;
    der::read_tag(&mut der::read_tag(&mut info, SEQUENCE)?, OBJECT_IDENTIFIER)
}

/// The last common name of a subject.
fn common_name(mut subject: &[u8]) -> Option<String> {
    let mut found = None;
    while !subject.is_empty() {
        let mut set = der::read_tag(&mut subject, SET)?;
        while !set.is_empty() {
            let mut part = der::read_tag(&mut set, SEQUENCE)?;
            if der::read_tag(&mut part, OBJECT_IDENTIFIER)? == COMMON_NAME {
                found = Some(String::from_utf8_lossy(der::read(&mut part)?.contents).into_owned());
            }
        }
    }
    found
}

fn address(bytes: &[u8]) -> Option<IpAddr> {
    let short = <[u8; 4]>::try_from(bytes).map(IpAddr::from);
    short.or_else(|_| <[u8; 16]>::try_from(bytes).map(IpAddr::from)).ok()
}

/// Seconds since 1970 of `YYMMDDhhmmssZ`, for the years 1950 to 2049, or of the same with a four-digit year.
fn time(rest: &mut &[u8]) -> Option<i64> {
    let element = der::read(rest)?;
    let digits = element.contents.strip_suffix(b"Z")?;
    let mut pairs = Vec::new();
    for pair in digits.chunks(2) {
        let [tens, ones] = *pair else { return None };
        pairs.push(char::from(tens).to_digit(10)? * 10 + char::from(ones).to_digit(10)?);
    }
    let (year, rest) = match (element.tag, pairs.as_slice()) {
        (UTC_TIME, [year, rest @ ..]) => (if *year < 50 { 2000 + year } else { 1900 + year }, rest),
        (GENERALIZED_TIME, [century, year, rest @ ..]) => (century * 100 + year, rest),
        _ => return None,
    };
    let [month @ 1..=12, day @ 1..=31, hour @ 0..24, minute @ 0..60, second @ 0..=60] = *rest else { return None };
    let time = Time::from_civil(i64::from(year), month, day, (hour, minute, second), 0, Zone::Utc);
    i64::try_from(time.nanoseconds() / 1_000_000_000).ok()
}
