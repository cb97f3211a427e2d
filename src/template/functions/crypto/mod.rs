//! Sprig's cryptographic functions (crypto.go) and its random strings.
//!
//! Goes in: texts, keys and certificates in PEM. Comes out: digests, keys, certificates. Clock and random source are the host's,
//! except for RSA keys and signatures, for which the cryptographic library uses only its own source.

mod certificate;
mod digest;
mod key;
mod pem;
mod random;
mod spare;

use super::{Call, Fault, Function, Host, Outcome, Parameter, row};
use crate::base64;
use crate::template::value::{Object, Value};
use crate::template::work;
use aws_lc_rs::rsa::KeySize;
use certificate::{Issuer, Template};
use key::PrivateKey;
use std::any::Any;
use std::rc::Rc;

use Parameter::{Certificate as Pair, Int, List, Str, Uint32};

/// The rows of this topic.
pub const FUNCTIONS: &[Function] = &[
    row("adler32sum", &[Str], digest::adler32sum, "The Adler-32 checksum as a decimal text."),
    row("bcrypt", &[Str], digest::bcrypt, "The bcrypt hash with a random salt."),
    row("buildCustomCert", &[Str, Str], build_custom_cert, "A certificate object of a certificate and a key, both PEM in base64."),
    row("decryptAES", &[Str, Str], digest::decrypt_aes, "What `encryptAES` encrypted with the same password."),
    row(
        "derivePassword",
        &[Uint32, Str, Str, Str, Str],
        digest::derive_password,
        "A password by counter, type, master password, user and site.",
    ),
    row("encryptAES", &[Str, Str], digest::encrypt_aes, "The text encrypted with a password: AES-256-CBC in base64."),
    row("genCA", &[Str, Int], gen_ca, "A new certificate authority: common name, days."),
    row("genCAWithKey", &[Str, Int, Str], gen_ca_with_key, "A certificate authority with a given key in PEM."),
    row("genPrivateKey", &[Str], gen_private_key, "A new private key in PEM: rsa, ecdsa, ed25519 or dsa."),
    row(
        "genSelfSignedCert",
        &[Str, List, List, Int],
        gen_self_signed_cert,
        "A certificate signed by its own new key: name, addresses, DNS names, days.",
    ),
    row(
        "genSelfSignedCertWithKey",
        &[Str, List, List, Int, Str],
        gen_self_signed_cert_with_key,
        "A certificate signed by its own given key.",
    ),
    row("genSignedCert", &[Str, List, List, Int, Pair], gen_signed_cert, "A certificate with a new key, signed by an authority."),
    row(
        "genSignedCertWithKey",
        &[Str, List, List, Int, Pair, Str],
        gen_signed_cert_with_key,
        "A certificate with a given key, signed by an authority.",
    ),
    row("htpasswd", &[Str, Str], digest::htpasswd, "A line of an htpasswd file with a bcrypt hash."),
    row("randAlpha", &[Int], random::rand_alpha, "Random letters."),
    row("randAlphaNum", &[Int], random::rand_alpha_num, "Random letters and digits, at least one digit."),
    row("randAscii", &[Int], random::rand_ascii, "Random printable ASCII characters."),
    row("randBytes", &[Int], random::rand_bytes, "Random bytes in base64."),
    row("randNumeric", &[Int], random::rand_numeric, "Random digits."),
    row("sha1sum", &[Str], digest::sha1sum, "The SHA-1 digest in hexadecimal."),
    row("sha256sum", &[Str], digest::sha256sum, "The SHA-256 digest in hexadecimal."),
    row("sha512sum", &[Str], digest::sha512sum, "The SHA-512 digest in hexadecimal."),
    row("uuidv4", &[], random::uuidv4, "A random UUID."),
];

/// `sprig.certificate`: a certificate and its key in PEM.
struct Certificate {
    cert: Vec<u8>,
    key: Vec<u8>,
}

impl Object for Certificate {
    fn type_name(&self) -> &'static str {
        "sprig.certificate"
    }

    fn kind_name(&self) -> &'static str {
        "struct"
    }

    fn field(&self, name: &str) -> Option<Value> {
        self.fields().into_iter().find(|field| field.0 == name).map(|field| field.1)
    }

    fn fields(&self) -> Vec<(&'static str, Value)> {
        vec![("Cert", Value::str(&self.cert[..])), ("Key", Value::str(&self.key[..]))]
    }

    fn equals(&self, other: &dyn Object) -> bool {
        other.as_any().downcast_ref::<Certificate>().is_some_and(|other| other.cert == self.cert && other.key == self.key)
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

fn certificate(cert: impl Into<Vec<u8>>, key: impl Into<Vec<u8>>) -> Outcome {
    Ok(Value::Object(Rc::new(Certificate { cert: cert.into(), key: key.into() })))
}

fn new_rsa_key(spare: Option<spare::Making>, host: &mut dyn Host) -> Result<PrivateKey, Fault> {
    work::charge(work::KEY)?;
    let key = match spare.and_then(spare::Making::key) {
        Some(pair) => PrivateKey::new_rsa(pair, host),
        None => PrivateKey::generate_rsa(spare::SIZE, host),
    };
    key.map_err(|error| Fault::new(format!("error generating rsa key: {error}")))
}

fn given_key(text: &[u8]) -> Result<PrivateKey, Fault> {
    work::charge(work::SIGNATURE)?;
    PrivateKey::parse_pem(text).map_err(|error| Fault::new(format!("parsing private key: {error}")))
}

fn gen_private_key(call: &mut Call) -> Outcome {
    work::charge(match call.bytes(0) {
        b"" | b"rsa" | b"dsa" => work::LONG_KEY,
        _ => work::SIGNATURE,
    })?;
    let key = match call.bytes(0) {
        b"" | b"rsa" => PrivateKey::generate_rsa(KeySize::Rsa4096, call.host),
        b"dsa" => Ok(PrivateKey::generate_dsa(call.host)),
        b"ecdsa" => PrivateKey::generate_ecdsa(call.host),
        b"ed25519" => PrivateKey::generate_ed25519(call.host),
        other => return Ok(Value::str([b"Unknown type ", other].concat())),
    };
    Ok(Value::str(match key {
        Ok(key) => key.to_pem(),
        Err(error) => format!("failed to generate private key: {error}"),
    }))
}

fn authority(call: &mut Call, key: &PrivateKey) -> Outcome {
    work::charge(work::SIGNATURE)?;
    let none = super::List::nil(crate::template::value::ListKind::Any);
    let (name, days) = (call.bytes(0).to_vec(), call.int(1));
    let mut template = Template::new(call.host, &name, &none, &none, days).map_err(Fault::new)?;
    template.authority = true;
    let (cert, key) = template.sign(key, None, key).map_err(Fault::new)?;
    certificate(cert, key)
}

fn gen_ca(call: &mut Call) -> Outcome {
    let key = new_rsa_key(spare::begin(), call.host)?;
    authority(call, &key)
}

fn gen_ca_with_key(call: &mut Call) -> Outcome {
    let key = given_key(call.bytes(2))?;
    authority(call, &key)
}

/// Most bytes that a name of a certificate takes besides its text.
const NAME_MORE: usize = 20;

fn template_of(call: &mut Call) -> Result<Template, Fault> {
    let (name, addresses, names, days) = (call.bytes(0).to_vec(), call.list(1), call.list(2), call.int(3));
    // Each of a list may be the same long text.
    let length = |name: &Value| if let Value::Str(text) = name { text.len() } else { 0 };
    call.check_size(names.items().iter().map(|name| length(name) + NAME_MORE).sum::<usize>() + addresses.len() * NAME_MORE)?;
    Template::new(call.host, &name, &addresses, &names, days).map_err(Fault::new)
}

fn self_signed(call: &mut Call, key: &PrivateKey) -> Outcome {
    work::charge(work::SIGNATURE)?;
    let (cert, key) = template_of(call)?.sign(key, None, key).map_err(Fault::new)?;
    certificate(cert, key)
}

fn gen_self_signed_cert(call: &mut Call) -> Outcome {
    let key = new_rsa_key(spare::next(), call.host)?;
    self_signed(call, &key)
}

fn gen_self_signed_cert_with_key(call: &mut Call) -> Outcome {
    let key = given_key(call.bytes(4))?;
    self_signed(call, &key)
}

fn signed(call: &mut Call, key: &PrivateKey) -> Outcome {
    work::charge(2 * work::SIGNATURE)?;
    let Value::Object(object) = call.value(4).clone() else { return Err(Fault::new("unable to decode certificate")) };
    let Some(ca) = object.as_any().downcast_ref::<Certificate>() else { return Err(Fault::new("unable to decode certificate")) };
    let block = pem::decode(&ca.cert).ok_or_else(|| Fault::new("unable to decode certificate"))?;
    let issuer =
        Issuer::parse(&block.bytes).map_err(|error| Fault::new(format!("error parsing certificate: decodedSignerCert.Bytes: {error}")))?;
    let signer = PrivateKey::parse_pem(&ca.key).map_err(|error| Fault::new(format!("error parsing private key: {error}")))?;
    let (cert, key) = template_of(call)?.sign(key, Some(&issuer), &signer).map_err(Fault::new)?;
    certificate(cert, key)
}

fn gen_signed_cert(call: &mut Call) -> Outcome {
    let key = new_rsa_key(spare::next(), call.host)?;
    signed(call, &key)
}

fn gen_signed_cert_with_key(call: &mut Call) -> Outcome {
    let key = given_key(call.bytes(5))?;
    signed(call, &key)
}

fn build_custom_cert(call: &mut Call) -> Outcome {
    work::charge(work::SIGNATURE)?;
    let cert = base64::decode(call.bytes(0)).map_err(|_| Fault::new("unable to decode base64 certificate"))?;
    let key = base64::decode(call.bytes(1)).map_err(|_| Fault::new("unable to decode base64 private key"))?;
    let block = pem::decode(&cert).ok_or_else(|| Fault::new("unable to decode certificate"))?;
    Issuer::parse(&block.bytes).map_err(|error| Fault::new(format!("error parsing certificate: decodedCert.Bytes: {error}")))?;
    PrivateKey::parse_pem(&key).map_err(|error| Fault::new(format!("error parsing private key: {error}")))?;
    certificate(cert, key)
}

#[cfg(test)]
mod tests;
