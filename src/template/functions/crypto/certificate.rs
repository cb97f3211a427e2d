//! X.509 certificates as Go's x509 package lays them out for Sprig's `genCA`, `genSelfSignedCert` and `genSignedCert`.
//!
//! Goes in: names, addresses, days, keys. Comes out: PEM texts. Fields and extensions are in Go's order: key usage, extended key
//! usage, basic constraints, key identifiers, alternative names.

use super::key::PrivateKey;
use super::pem;
use crate::der::{
    self, BIT_STRING, GENERALIZED_TIME, OBJECT_IDENTIFIER, OCTET_STRING, PRINTABLE_STRING, SEQUENCE, SET, UTC_TIME, UTF8_STRING,
};
use crate::template::format;
use crate::template::functions::Host;
use crate::template::value::{List, Value};
use crate::time::duration::HOUR;
use crate::time::{Duration, Time, Zone};
use sha2::{Digest, Sha256};
use std::net::IpAddr;

/// A subject without any name.
const EMPTY_NAME: &[u8] = &[SEQUENCE, 0];

/// The contents of a certificate to be made.
pub(super) struct Template {
    /// The subject's Name.
    subject: Vec<u8>,
    serial: [u8; 16],
    not_before: Time,
    not_after: Time,
    addresses: Vec<IpAddr>,
    names: Vec<String>,
    /// Whether this is an authority.
    pub authority: bool,
}

/// The issuer of a signature, read from a certificate.
pub(super) struct Issuer {
    subject: Vec<u8>,
    key_identifier: Vec<u8>,
    /// SubjectPublicKeyInfo
    public_key: Vec<u8>,
}

impl Template {
    /// Checks names and addresses; errors are Sprig's.
    pub fn new(host: &mut dyn Host, common_name: &[u8], addresses: &List, names: &List, days: i64) -> Result<Template, String> {
        let addresses = addresses.items().iter().map(address_of).collect::<Result<_, _>>()?;
        let names = names.items().iter().map(name_of).collect::<Result<_, _>>()?;
        let mut serial = [0; 16];
        host.random(&mut serial);
        let not_before = Time::from_nanoseconds(host.now()).in_zone(Zone::Utc);
        // Go's duration overflows silently as well.
        let not_after = not_before.add(Duration((24 * HOUR).wrapping_mul(days)));
        let subject = subject_of(common_name).ok_or("error creating certificate: asn1: string not valid UTF-8")?;
        Ok(Template { subject, serial, not_before, not_after, addresses, names, authority: false })
    }

    /// Certificate and key in PEM; signed with `signer` in the name of `issuer`, or self-signed without one.
    pub fn sign(&self, key: &PrivateKey, issuer: Option<&Issuer>, signer: &PrivateKey) -> Result<(String, String), String> {
        let der = self.build(key, issuer, signer).map_err(|error| format!("error creating certificate: {error}"))?;
        Ok((pem::encode("CERTIFICATE", &der), key.to_pem()))
    }

    fn build(&self, key: &PrivateKey, issuer: Option<&Issuer>, signer: &PrivateKey) -> Result<Vec<u8>, String> {
        let no_signer = "x509: certificate private key does not implement crypto.Signer";
        let algorithm = signer.signature_algorithm().ok_or(no_signer)?;
        let public = key.public_key().ok_or("x509: unsupported public key type: *dsa.PublicKey")?;
        let signer_public = signer.public_key().ok_or(no_signer)?;
        if let Some(issuer) = issuer {
            let info = der::sequence(&[&signer_public.algorithm, &der::bits(&signer_public.bytes)]);
            if info != issuer.public_key {
                return Err("x509: provided PrivateKey doesn't match parent's PublicKey".to_string());
            }
        }
        let issuer_name = issuer.map_or(&self.subject, |issuer| &issuer.subject);
        let authority = issuer.filter(|issuer| issuer.subject != self.subject).map_or(&[][..], |issuer| &issuer.key_identifier);
        let extensions = self.extensions(&public.bytes, authority)?;
        let validity = der::sequence(&[&time(&self.not_before), &time(&self.not_after)]);
        let body = der::sequence(&[
            // Version 3.
            &der::element(0xa0, &der::unsigned(&[2])),
            &der::unsigned(&self.serial),
            &algorithm,
            issuer_name,
            &validity,
            &self.subject,
            &der::sequence(&[&public.algorithm, &der::bits(&public.bytes)]),
            &der::element(0xa3, &extensions),
        ]);
        let signature = signer.sign(&body).ok_or("x509: signature over certificate returned by signer is invalid")?;
        Ok(der::sequence(&[&body, &algorithm, &der::bits(&signature)]))
    }

    fn extensions(&self, public_key: &[u8], authority_key: &[u8]) -> Result<Vec<u8>, String> {
        // digitalSignature and keyEncipherment; an authority may sign certificates too.
        let usage: &[u8] = if self.authority { &[2, 0xa4] } else { &[5, 0xa0] };
        let purposes = [1, 2].map(|purpose| der::element(OBJECT_IDENTIFIER, &[0x2b, 6, 1, 5, 5, 7, 3, purpose]));
        let constraints: &[u8] = if self.authority { &[0x01, 0x01, 0xff] } else { &[] };
        let mut list = vec![
            extension(15, true, &der::element(BIT_STRING, usage)),
            extension(37, false, &der::sequence(&[&purposes[0], &purposes[1]])),
            extension(19, true, &der::element(SEQUENCE, constraints)),
        ];
        if self.authority {
            list.push(extension(14, false, &der::element(OCTET_STRING, &Sha256::digest(public_key)[..20])));
        }
        if !authority_key.is_empty() {
            list.push(extension(35, false, &der::sequence(&[&der::element(0x80, authority_key)])));
        }
        if !self.names.is_empty() || !self.addresses.is_empty() {
            list.push(extension(17, self.subject == EMPTY_NAME, &self.alternative_names()?));
        }
        Ok(der::element(SEQUENCE, &list.concat()))
    }

    fn alternative_names(&self) -> Result<Vec<u8>, String> {
        let mut names = Vec::new();
        for name in &self.names {
            if !name.is_ascii() {
                return Err(format!("x509: {} cannot be encoded as an IA5String", crate::quote::quote(name.as_bytes())));
            }
            names.extend(der::element(0x82, name.as_bytes()));
        }
        for address in &self.addresses {
            names.extend(match address.to_canonical() {
                IpAddr::V4(address) => der::element(0x87, &address.octets()),
                IpAddr::V6(address) => der::element(0x87, &address.octets()),
            });
        }
        Ok(der::element(SEQUENCE, &names))
    }
}

/// An extension of the arc 2.5.29; only critical ones have the flag.
fn extension(number: u8, critical: bool, value: &[u8]) -> Vec<u8> {
    let flag: &[u8] = if critical { &[0x01, 0x01, 0xff] } else { &[] };
    der::sequence(&[&der::element(OBJECT_IDENTIFIER, &[0x55, 0x1d, number]), flag, &der::element(OCTET_STRING, value)])
}

/// A Name with a common name; `None` if that is not UTF-8.
fn subject_of(common_name: &[u8]) -> Option<Vec<u8>> {
    if common_name.is_empty() {
        return Some(EMPTY_NAME.to_vec());
    }
    let printable = common_name.iter().all(|byte| byte.is_ascii_alphanumeric() || b" '()+,-./:=?".contains(byte));
    if !printable && std::str::from_utf8(common_name).is_err() {
        return None;
    }
    let text = der::element(if printable { PRINTABLE_STRING } else { UTF8_STRING }, common_name);
    let attribute = der::sequence(&[&der::element(OBJECT_IDENTIFIER, &[0x55, 0x04, 0x03]), &text]);
    Some(der::sequence(&[&der::element(SET, &attribute)]))
}

/// UTCTime from 1950 to 2049, else GeneralizedTime.
fn time(time: &Time) -> Vec<u8> {
    if (1950..2050).contains(&time.civil().year) {
        der::element(UTC_TIME, &time.format(b"060102150405Z"))
    } else {
        der::element(GENERALIZED_TIME, &time.format(b"20060102150405Z"))
    }
}

fn printed(value: &Value) -> String {
    let mut out = Vec::new();
    // Too deep a value only shortens the message.
    let _ = format::print_plain(value, &mut out);
    String::from_utf8_lossy(&out).into_owned()
}

fn address_of(value: &Value) -> Result<IpAddr, String> {
    let Value::Str(text) = value else {
        return Err(format!("error parsing ip: {} is not a string", printed(value)));
    };
    let text = text.to_text();
    text.parse().map_err(|_| format!("error parsing ip: {text}"))
}

fn name_of(value: &Value) -> Result<String, String> {
    match value {
        Value::Str(text) => Ok(text.to_text().into_owned()),
        other => Err(format!("error processing alternate dns name: {} is not a string", printed(other))),
    }
}

impl Issuer {
    /// Reads the fields that signing needs from a certificate in DER; the error is that of `x509.ParseCertificate`.
    pub fn parse(bytes: &[u8]) -> Result<Issuer, String> {
        let mut rest = bytes;
        let malformed = || "x509: malformed certificate".to_string();
        let mut certificate = der::read_tag(&mut rest, SEQUENCE).ok_or_else(malformed)?;
        if !rest.is_empty() {
            return Err("x509: trailing data".to_string());
        }
        let body = der::read_tag(&mut certificate, SEQUENCE).ok_or("x509: malformed tbs certificate")?;
        read_body(body).ok_or_else(malformed)
    }
}

fn read_body(mut body: &[u8]) -> Option<Issuer> {
    let _version = der::read_tag(&mut body, 0xa0);
    let _serial = der::read_tag(&mut body, der::INTEGER)?;
    let _algorithm = der::read_tag(&mut body, SEQUENCE)?;
    let _issuer = der::read_tag(&mut body, SEQUENCE)?;
    let _validity = der::read_tag(&mut body, SEQUENCE)?;
    let subject = der::read(&mut body)?.whole.to_vec();
    let public_key = der::read(&mut body)?.whole.to_vec();
    let mut key_identifier = Vec::new();
    while !body.is_empty() {
        let element = der::read(&mut body)?;
        if element.tag != 0xa3 {
            continue;
        }
        let mut contents = element.contents;
        let mut list = der::read_tag(&mut contents, SEQUENCE)?;
        while !list.is_empty() {
            let mut extension = der::read_tag(&mut list, SEQUENCE)?;
            let identifier = der::read_tag(&mut extension, OBJECT_IDENTIFIER)?;
            let _critical = der::read_tag(&mut extension, 0x01);
            let mut value = der::read_tag(&mut extension, OCTET_STRING)?;
            if identifier == [0x55, 0x1d, 14] {
                key_identifier = der::read_tag(&mut value, OCTET_STRING)?.to_vec();
            }
        }
    }
    Some(Issuer { subject, key_identifier, public_key })
}
