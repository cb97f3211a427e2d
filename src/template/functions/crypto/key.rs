//! Private keys: generating, reading from PEM, writing as Sprig does, and signing certificates.
//!
//! Goes in: a type or a PEM text. Comes out: RSA keys as PKCS#1, EC keys as SEC 1, Ed25519 keys as PKCS#8, DSA keys as Sprig's own
//! sequence. Error texts are those of Go's x509 package where they depend on the kind of key, not on broken bytes.

use super::pem;
use crate::der::{self, INTEGER, OBJECT_IDENTIFIER, OCTET_STRING, SEQUENCE};
use crate::template::functions::Host;
use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{self, EcdsaKeyPair, Ed25519KeyPair, KeyPair, RsaKeyPair};
use dsa::signature::rand_core::{CryptoRng, RngCore};

/// rsaEncryption
const RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];
const SHA256_WITH_RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0b];
/// id-ecPublicKey
const EC: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01];
const ED25519: &[u8] = &[0x2b, 0x65, 0x70];

/// The elliptic curves that can sign.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Curve {
    P256,
    P384,
    P521,
}

impl Curve {
    const ALL: [Curve; 3] = [Curve::P256, Curve::P384, Curve::P521];

    fn identifier(self) -> &'static [u8] {
        match self {
            Curve::P256 => &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07],
            Curve::P384 => &[0x2b, 0x81, 0x04, 0x00, 0x22],
            Curve::P521 => &[0x2b, 0x81, 0x04, 0x00, 0x23],
        }
    }

    /// Bytes of a private key.
    fn size(self) -> usize {
        match self {
            Curve::P256 => 32,
            Curve::P384 => 48,
            Curve::P521 => 66,
        }
    }

    /// The hash depends on the size of the curve.
    fn algorithm(self) -> &'static signature::EcdsaSigningAlgorithm {
        match self {
            Curve::P256 => &signature::ECDSA_P256_SHA256_ASN1_SIGNING,
            Curve::P384 => &signature::ECDSA_P384_SHA384_ASN1_SIGNING,
            Curve::P521 => &signature::ECDSA_P521_SHA512_ASN1_SIGNING,
        }
    }

    /// ecdsa-with-SHA256 and so on
    fn signature_identifier(self) -> &'static [u8] {
        match self {
            Curve::P256 => &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02],
            Curve::P384 => &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x03],
            Curve::P521 => &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x04],
        }
    }
}

/// A private key of any type that Sprig supports.
pub(super) enum PrivateKey {
    Rsa {
        /// RSAPrivateKey
        pkcs1: Vec<u8>,
        pair: RsaKeyPair,
    },
    Ec {
        curve: Curve,
        scalar: Vec<u8>,
        pair: EcdsaKeyPair,
    },
    Ed25519 {
        seed: Vec<u8>,
        pair: Ed25519KeyPair,
    },
    /// Sprig's DSAKeyFormat; it cannot sign certificates.
    Dsa(Vec<u8>),
}

/// A public key in the form that certificates contain.
pub(super) struct PublicKey {
    /// AlgorithmIdentifier
    pub algorithm: Vec<u8>,
    /// The contents of the BIT STRING.
    pub bytes: Vec<u8>,
}

/// The host's random source for the crate that makes DSA keys.
struct HostRandom<'a>(&'a mut dyn Host);

impl RngCore for HostRandom<'_> {
    fn next_u32(&mut self) -> u32 {
        dsa::signature::rand_core::impls::next_u32_via_fill(self)
    }

    fn next_u64(&mut self) -> u64 {
        dsa::signature::rand_core::impls::next_u64_via_fill(self)
    }

    fn fill_bytes(&mut self, bytes: &mut [u8]) {
        self.0.random(bytes);
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), dsa::signature::rand_core::Error> {
        self.0.random(bytes);
        Ok(())
    }
}

impl CryptoRng for HostRandom<'_> {}

/// An error of the cryptographic library that no input can cause.
fn unspecified(_: impl std::fmt::Debug) -> String {
    "crypto: key generation failed".to_string()
}

impl PrivateKey {
    /// A new RSA key. The randomness is the cryptographic library's own, which accepts no other source.
    pub fn generate_rsa(size: KeySize, host: &mut dyn Host) -> Result<PrivateKey, String> {
        PrivateKey::new_rsa(RsaKeyPair::generate(size).map_err(unspecified)?, host)
    }

    /// A newly generated RSA key.
    pub fn new_rsa(pair: RsaKeyPair, host: &mut dyn Host) -> Result<PrivateKey, String> {
        // The library used its own random source; this only records that randomness was used.
        host.random(&mut []);
        let pkcs8 = AsDer::<Pkcs8V1Der>::as_der(&pair).map_err(unspecified)?;
        let pkcs1 = unwrap_pkcs8(pkcs8.as_ref()).ok_or("crypto: unexpected form of an RSA key")?.1.to_vec();
        Ok(PrivateKey::Rsa { pkcs1, pair })
    }

    /// A new key on curve P-256.
    pub fn generate_ecdsa(host: &mut dyn Host) -> Result<PrivateKey, String> {
        // Nearly every 32 bytes are a valid key; a source that fails this often is broken.
        for _ in 0..64 {
            let mut scalar = vec![0; Curve::P256.size()];
            host.random(&mut scalar);
            if let Ok(key) = PrivateKey::from_scalar(Curve::P256, scalar) {
                return Ok(key);
            }
        }
        Err(unspecified(()))
    }

    /// A new Ed25519 key.
    pub fn generate_ed25519(host: &mut dyn Host) -> Result<PrivateKey, String> {
        let mut seed = vec![0; 32];
        host.random(&mut seed);
        PrivateKey::from_seed(seed)
    }

    /// A new DSA key with a modulus of 2048 bits.
    pub fn generate_dsa(host: &mut dyn Host) -> PrivateKey {
        let mut random = HostRandom(host);
        let components = dsa::Components::generate(&mut random, dsa::KeySize::DSA_2048_256);
        let key = dsa::SigningKey::generate(&mut random, components);
        let public = key.verifying_key();
        let parts = public.components();
        let numbers = [parts.p(), parts.q(), parts.g(), public.y(), key.x()].map(|number| der::unsigned(&number.to_bytes_be()));
        let [p, q, g, y, x] = &numbers;
        PrivateKey::Dsa(der::sequence(&[&der::unsigned(&[0]), p, q, g, y, x]))
    }

    fn from_scalar(curve: Curve, scalar: Vec<u8>) -> Result<PrivateKey, String> {
        let named = der::element(0xa0, &der::element(OBJECT_IDENTIFIER, curve.identifier()));
        let sec1 = der::sequence(&[&der::unsigned(&[1]), &der::element(OCTET_STRING, &scalar), &named]);
        let pair = EcdsaKeyPair::from_private_key_der(curve.algorithm(), &sec1).map_err(|_| "ecdsa: invalid private key".to_string())?;
        Ok(PrivateKey::Ec { curve, scalar, pair })
    }

    fn from_seed(seed: Vec<u8>) -> Result<PrivateKey, String> {
        let pair = Ed25519KeyPair::from_seed_unchecked(&seed).map_err(unspecified)?;
        Ok(PrivateKey::Ed25519 { seed, pair })
    }

    /// The key of the first PEM block; the error is Sprig's.
    pub fn parse_pem(text: &[u8]) -> Result<PrivateKey, String> {
        let block = pem::decode(text).ok_or("no PEM data in input")?;
        if block.kind == "PRIVATE KEY" {
            return parse_pkcs8(&block.bytes).map_err(|error| format!("decoding PEM as PKCS#8: {error}"));
        }
        let Some(kind) = block.kind.strip_suffix(" PRIVATE KEY") else {
            return Err(format!("no private key data in PEM block of type {}", block.kind));
        };
        match kind {
            "RSA" => parse_pkcs1(&block.bytes).map_err(|error| format!("parsing RSA private key from PEM: {error}")),
            "EC" => parse_sec1(None, &block.bytes).map_err(|error| format!("parsing EC private key from PEM: {error}")),
            "DSA" => parse_dsa(&block.bytes).map_err(|error| format!("parsing DSA private key from PEM: {error}")),
            _ => Err(format!("invalid private key type {}", block.kind)),
        }
    }

    /// The key as a PEM block in the form of its type.
    pub fn to_pem(&self) -> String {
        match self {
            PrivateKey::Rsa { pkcs1, .. } => pem::encode("RSA PRIVATE KEY", pkcs1),
            PrivateKey::Dsa(bytes) => pem::encode("DSA PRIVATE KEY", bytes),
            PrivateKey::Ec { curve, scalar, pair } => {
                let named = der::element(0xa0, &der::element(OBJECT_IDENTIFIER, curve.identifier()));
                let public = der::element(0xa1, &der::bits(pair.public_key().as_ref()));
                let sec1 = der::sequence(&[&der::unsigned(&[1]), &der::element(OCTET_STRING, scalar), &named, &public]);
                pem::encode("EC PRIVATE KEY", &sec1)
            }
            PrivateKey::Ed25519 { seed, .. } => {
                let algorithm = der::sequence(&[&der::element(OBJECT_IDENTIFIER, ED25519)]);
                let inner = der::element(OCTET_STRING, &der::element(OCTET_STRING, seed));
                pem::encode("PRIVATE KEY", &der::sequence(&[&der::unsigned(&[0]), &algorithm, &inner]))
            }
        }
    }

    /// The public half; `None` for DSA, which certificates do not support.
    pub fn public_key(&self) -> Option<PublicKey> {
        let identifier = |bytes| der::element(OBJECT_IDENTIFIER, bytes);
        let (algorithm, bytes) = match self {
            PrivateKey::Rsa { pair, .. } => (der::sequence(&[&identifier(RSA), der::NULL]), pair.public_key().as_ref().to_vec()),
            PrivateKey::Ec { curve, pair, .. } => {
                (der::sequence(&[&identifier(EC), &identifier(curve.identifier())]), pair.public_key().as_ref().to_vec())
            }
            PrivateKey::Ed25519 { pair, .. } => (der::sequence(&[&identifier(ED25519)]), pair.public_key().as_ref().to_vec()),
            PrivateKey::Dsa(_) => return None,
        };
        Some(PublicKey { algorithm, bytes })
    }

    /// The AlgorithmIdentifier of this key's signatures; `None` for DSA.
    pub fn signature_algorithm(&self) -> Option<Vec<u8>> {
        let identifier = |bytes| der::element(OBJECT_IDENTIFIER, bytes);
        Some(match self {
            PrivateKey::Rsa { .. } => der::sequence(&[&identifier(SHA256_WITH_RSA), der::NULL]),
            PrivateKey::Ec { curve, .. } => der::sequence(&[&identifier(curve.signature_identifier())]),
            PrivateKey::Ed25519 { .. } => der::sequence(&[&identifier(ED25519)]),
            PrivateKey::Dsa(_) => return None,
        })
    }

    /// The signature of a message; `None` for DSA.
    pub fn sign(&self, message: &[u8]) -> Option<Vec<u8>> {
        let random = SystemRandom::new();
        match self {
            PrivateKey::Rsa { pair, .. } => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(&signature::RSA_PKCS1_SHA256, &random, message, &mut signature).ok()?;
                Some(signature)
            }
            PrivateKey::Ec { pair, .. } => Some(pair.sign(&random, message).ok()?.as_ref().to_vec()),
            PrivateKey::Ed25519 { pair, .. } => Some(pair.sign(message).as_ref().to_vec()),
            PrivateKey::Dsa(_) => None,
        }
    }
}

/// The message of Go's asn1 package for bytes that do not begin with a sequence, or for a malformed one.
fn asn1_error(bytes: &[u8], go_type: &str) -> String {
    let Some(first) = bytes.first() else { return "asn1: syntax error: sequence truncated".to_string() };
    match der::read(&mut &bytes[..]) {
        None if *first == SEQUENCE => "asn1: syntax error: data truncated".to_string(),
        Some(element) if element.tag == SEQUENCE => "asn1: syntax error: sequence truncated".to_string(),
        found => {
            let length =
                found.map_or_else(|| bytes.get(1).map_or(0, |length| usize::from(length & 0x7f)), |element| element.contents.len());
            format!(
                "asn1: structure error: tags don't match (16 vs {{class:{} tag:{} length:{length} isCompound:{}}}) \
                 {{optional:false explicit:false application:false private:false defaultValue:<nil> tag:<nil> stringType:0 \
                 timeType:0 set:false omitEmpty:false}} {go_type} @2",
                first >> 6,
                first & 0x1f,
                first & 0x20 != 0,
            )
        }
    }
}

/// The algorithm's contents and the key inside PKCS#8.
fn unwrap_pkcs8(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let mut inside = der::read_tag(&mut &bytes[..], SEQUENCE)?;
    der::read_tag(&mut inside, INTEGER)?;
    let algorithm = der::read_tag(&mut inside, SEQUENCE)?;
    Some((algorithm, der::read_tag(&mut inside, OCTET_STRING)?))
}

/// The contents of SEC 1.
struct Sec1<'a> {
    version: &'a [u8],
    scalar: &'a [u8],
    /// The curve's object identifier.
    named: Option<&'a [u8]>,
}

fn unwrap_sec1(bytes: &[u8]) -> Option<Sec1<'_>> {
    let mut inside = der::read_tag(&mut &bytes[..], SEQUENCE)?;
    let version = der::read_tag(&mut inside, INTEGER)?;
    let scalar = der::read_tag(&mut inside, OCTET_STRING)?;
    let named = der::read_tag(&mut inside, 0xa0).and_then(|mut named| der::read_tag(&mut named, OBJECT_IDENTIFIER));
    Some(Sec1 { version, scalar, named })
}

/// The number of integers in a sequence of integers only.
fn count_integers(bytes: &[u8]) -> Option<usize> {
    let mut inside = der::read_tag(&mut &bytes[..], SEQUENCE)?;
    let mut count = 0;
    while !inside.is_empty() {
        der::read_tag(&mut inside, INTEGER)?;
        count += 1;
    }
    Some(count)
}

fn is_pkcs1(bytes: &[u8]) -> bool {
    count_integers(bytes).is_some_and(|count| count >= 6)
}

fn other_format(parser: &str) -> String {
    format!("x509: failed to parse private key (use {parser} instead for this key format)")
}

fn parse_pkcs8(bytes: &[u8]) -> Result<PrivateKey, String> {
    let Some((mut algorithm, inside)) = unwrap_pkcs8(bytes) else {
        return Err(if unwrap_sec1(bytes).is_some() {
            other_format("ParseECPrivateKey")
        } else if is_pkcs1(bytes) {
            other_format("ParsePKCS1PrivateKey")
        } else {
            asn1_error(bytes, "pkcs8")
        });
    };
    let identifier = der::read_tag(&mut algorithm, OBJECT_IDENTIFIER).unwrap_or_default();
    match identifier {
        RSA => parse_pkcs1(inside).map_err(|error| format!("x509: failed to parse RSA private key embedded in PKCS#8: {error}")),
        EC => parse_sec1(der::read_tag(&mut algorithm, OBJECT_IDENTIFIER), inside)
            .map_err(|error| format!("x509: failed to parse EC private key embedded in PKCS#8: {error}")),
        ED25519 => {
            let seed = der::read_tag(&mut &inside[..], OCTET_STRING).unwrap_or_default();
            if seed.len() != 32 {
                return Err(format!("x509: invalid Ed25519 private key length: {}", seed.len()));
            }
            PrivateKey::from_seed(seed.to_vec())
        }
        other => Err(format!("x509: PKCS#8 wrapping contained private key with unknown algorithm: {}", identifier_text(other))),
    }
}

/// `1.2.840.10040.4.1`
fn identifier_text(bytes: &[u8]) -> String {
    let mut numbers = Vec::new();
    let mut number: u64 = 0;
    for byte in bytes {
        number = number << 7 | u64::from(byte & 0x7f);
        if byte & 0x80 == 0 {
            if numbers.is_empty() {
                let first = (number / 40).min(2);
                numbers.push(first);
                number -= first * 40;
            }
            numbers.push(number);
            number = 0;
        }
    }
    numbers.iter().map(u64::to_string).collect::<Vec<_>>().join(".")
}

fn parse_pkcs1(bytes: &[u8]) -> Result<PrivateKey, String> {
    if !is_pkcs1(bytes) {
        return Err(if unwrap_sec1(bytes).is_some() {
            other_format("ParseECPrivateKey")
        } else if unwrap_pkcs8(bytes).is_some() {
            other_format("ParsePKCS8PrivateKey")
        } else {
            asn1_error(bytes, "pkcs1PrivateKey")
        });
    }
    let pair = RsaKeyPair::from_der(bytes).map_err(|error| format!("crypto/rsa: invalid private key ({error})"))?;
    Ok(PrivateKey::Rsa { pkcs1: bytes.to_vec(), pair })
}

fn parse_sec1(curve: Option<&[u8]>, bytes: &[u8]) -> Result<PrivateKey, String> {
    let Some(Sec1 { version, scalar, named }) = unwrap_sec1(bytes) else {
        return Err(if unwrap_pkcs8(bytes).is_some() {
            other_format("ParsePKCS8PrivateKey")
        } else if is_pkcs1(bytes) {
            other_format("ParsePKCS1PrivateKey")
        } else {
            format!("x509: failed to parse EC private key: {}", asn1_error(bytes, "ecPrivateKey"))
        });
    };
    if version != [1] {
        return Err(format!("x509: unknown EC private key version {}", version.last().copied().unwrap_or(0)));
    }
    let identifier = curve.or(named);
    let curve = Curve::ALL.into_iter().find(|curve| Some(curve.identifier()) == identifier);
    let curve = curve.ok_or("x509: unknown elliptic curve")?;
    // Leading zeros may be missing or superfluous.
    let skip = scalar.len().saturating_sub(curve.size());
    if scalar[..skip].iter().any(|byte| *byte != 0) {
        return Err("x509: invalid private key length".to_string());
    }
    let mut padded = vec![0; curve.size() - (scalar.len() - skip)];
    padded.extend_from_slice(&scalar[skip..]);
    PrivateKey::from_scalar(curve, padded)
}

fn parse_dsa(bytes: &[u8]) -> Result<PrivateKey, String> {
    if count_integers(bytes).is_some_and(|count| count >= 6) {
        return Ok(PrivateKey::Dsa(bytes.to_vec()));
    }
    Err(asn1_error(bytes, "DSAKeyFormat"))
}
