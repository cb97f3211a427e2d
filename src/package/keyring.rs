//! Keyrings: the keys in a file, and what each key states about itself.
//!
//! Goes in: the bytes of a keyring, as `gpg --export` writes them or as GnuPG keeps them (`pubring.gpg`, with
//! trust packets between the others). Comes out: the keys, each with what it signed itself: identities,
//! subkeys, revocations. Follows `ReadKeyRing` of Go's openpgp: an incomplete key is skipped, an unreadable
//! ring is an error, and a ring without any usable key gives the reason why the last one was skipped.

use crate::error::{Error, ErrorKind, Result};
use pgp::crypto::hash::HashAlgorithm;
use pgp::crypto::public_key::PublicKeyAlgorithm;
use pgp::packet::{
    Packet, PacketHeader, PublicKey, PublicSubkey, RevocationCode, SecretKey, Signature, SignatureType, SignatureVersion, UserId,
};
use pgp::types::{EcdsaPublicParams, EddsaLegacyPublicParams, KeyDetails, KeyVersion, PublicParams, Tag};
use std::borrow::Cow;

/// A primary key with everything that it signed itself.
pub(super) struct Key {
    pub public: PublicKey,
    /// The secret half, if the ring has it.
    pub secret: Option<Box<SecretKey>>,
    /// Those with a valid self-signature, in the order of the ring.
    pub identities: Vec<Identity>,
    pub subkeys: Vec<Subkey>,
    revocations: Vec<Signature>,
    /// In a key of version 6 this holds what an identity's self-signature holds in other versions.
    direct: Option<Signature>,
}

/// A user id.
pub(super) struct Identity {
    pub name: String,
    /// The newest.
    self_signature: Option<Signature>,
    revocations: Vec<Signature>,
}

/// A key that a primary key has bound to itself.
pub(super) struct Subkey {
    pub public: PublicSubkey,
    /// The newest.
    pub binding: Signature,
    pub revocations: Vec<Signature>,
}

impl Key {
    /// The signature with the properties of the primary key: the self-signature of the primary identity.
    pub fn self_signature(&self) -> Option<&Signature> {
        if self.public.version() == KeyVersion::V6 {
            return self.direct.as_ref();
        }
        self.primary_identity().and_then(|identity| identity.self_signature.as_ref())
    }

    /// Whether the key or its primary identity was revoked.
    pub fn revoked(&self, now: Option<i64>) -> bool {
        let identity = self.primary_identity().filter(|_| self.public.version() != KeyVersion::V6);
        revoked(&self.revocations, now) || identity.is_some_and(|identity| revoked(&identity.revocations, now))
    }

    fn primary_identity(&self) -> Option<&Identity> {
        self.identities.iter().reduce(|first, other| if first.yields_to(other) { other } else { first })
    }
}

impl Identity {
    fn yields_to(&self, other: &Identity) -> bool {
        let (Some(own), Some(others)) = (&self.self_signature, &other.self_signature) else {
            return other.self_signature.is_some();
        };
        let by_revocations = other.revocations.len().cmp(&self.revocations.len());
        by_revocations.then(own.is_primary().cmp(&others.is_primary())).then(created(own).cmp(&created(others))).is_lt()
    }
}

/// Whether one of these makes the key invalid. A compromised key is invalid at any time, even before the revocation.
pub(super) fn revoked(revocations: &[Signature], now: Option<i64>) -> bool {
    let compromised = |signature: &Signature| matches!(signature.revocation_reason_code(), Some(RevocationCode::KeyCompromised));
    revocations.iter().any(|signature| compromised(signature) || now.is_none_or(|now| !signature_expired(signature, now)))
}

/// Whether a signature is not valid at `now`: no longer, or not yet.
pub(super) fn signature_expired(signature: &Signature, now: i64) -> bool {
    let length = signature.signature_expiration_time().map_or(0, |length| i64::from(length.as_secs()));
    created(signature) > now || (length != 0 && created(signature) + length < now)
}

/// Whether a key has expired or was not yet created at `now`, according to its self-signature.
pub(super) fn key_expired(key: &impl KeyDetails, self_signature: &Signature, now: i64) -> bool {
    let made = i64::from(key.created_at().as_secs());
    let length = self_signature.key_expiration_time().map_or(0, |length| i64::from(length.as_secs()));
    made > now || (length != 0 && made + length < now)
}

/// The name of a key's algorithm, if signatures by such a key cannot be verified.
pub(super) fn unsupported(key: &impl KeyDetails) -> Option<String> {
    match key.public_params() {
        PublicParams::ECDSA(EcdsaPublicParams::Unsupported { curve, .. })
        | PublicParams::EdDSALegacy(EddsaLegacyPublicParams::Unsupported { curve, .. }) => Some(curve.name().to_string()),
        PublicParams::Unknown { .. } => Some(format!("{:?}", key.algorithm())),
        _ => None,
    }
}

fn created(signature: &Signature) -> i64 {
    signature.created().map_or(0, |created| i64::from(created.as_secs()))
}

/// Whether a signature names `key` as its issuer.
pub(super) fn names(signature: &Signature, key: &impl KeyDetails) -> bool {
    let fingerprints = signature.issuer_fingerprint();
    if fingerprints.is_empty() {
        signature.issuer_key_id().contains(&&key.legacy_key_id())
    } else {
        fingerprints.contains(&&key.fingerprint())
    }
}

/// A fault in a part of a ring.
enum Fault {
    /// The key is skipped.
    Key(String),
    /// The whole ring is refused.
    Ring(String),
}

impl Fault {
    fn key(text: impl Into<String>) -> Fault {
        Fault::Key(format!("openpgp: invalid data: {}", text.into()))
    }

    fn text(self) -> String {
        let (Fault::Key(text) | Fault::Ring(text)) = self;
        text
    }
}

/// The keys of a keyring.
pub(super) fn read(bytes: &[u8]) -> Result<Vec<Key>> {
    let ring = |text: String| Error::new(ErrorKind::Verification, text);
    let mut packets = Packets { rest: bytes, next: None };
    let mut keys = Vec::new();
    let mut last = None;
    loop {
        match read_key(&mut packets) {
            Ok(Some(key)) => keys.push(key),
            Ok(None) => break,
            Err(Fault::Ring(text)) => return Err(ring(text)),
            Err(Fault::Key(text)) => {
                last = Some(text);
                to_next_key(&mut packets).map_err(|fault| ring(fault.text()))?;
            }
        }
    }
    match last {
        Some(text) if keys.is_empty() => Err(ring(text)),
        _ => Ok(keys),
    }
}

fn to_next_key(packets: &mut Packets<'_>) -> std::result::Result<(), Fault> {
    while let Some(part) = packets.next()? {
        if matches!(part, Part::Primary(..) | Part::UnknownPrimary(_)) {
            packets.next = Some(part);
            break;
        }
    }
    Ok(())
}

fn read_key(packets: &mut Packets<'_>) -> std::result::Result<Option<Key>, Fault> {
    let (public, secret) = match packets.next()? {
        None => return Ok(None),
        Some(Part::Primary(public, secret)) => (public, secret),
        Some(Part::UnknownPrimary(text)) => return Err(Fault::Key(text)),
        Some(_) => return Err(Fault::key("first packet was not a public/private key")),
    };
    if !can_sign(public.algorithm()) {
        return Err(Fault::key("primary key cannot be used for signatures"));
    }
    let mut key = Key { public: *public, secret, identities: Vec::new(), subkeys: Vec::new(), revocations: Vec::new(), direct: None };
    let mut revocations = Vec::new();
    let mut direct = Vec::new();
    while let Some(part) = packets.next()? {
        match part {
            Part::UserId(id) => read_identity(&mut key, &id, packets)?,
            Part::Signature(signature) => match signature.typ() {
                Some(SignatureType::KeyRevocation) => revocations.push(signature),
                Some(SignatureType::Key) if names(&signature, &key.public) => direct.push(signature),
                _ => {}
            },
            Part::Subkey(subkey) => read_subkey(&mut key, *subkey, packets)?,
            Part::UnknownSubkey => while packets.signature()?.is_some() {},
            Part::Primary(..) | Part::UnknownPrimary(_) => {
                packets.next = Some(part);
                break;
            }
            Part::Other => {}
        }
    }
    let known = unsupported(&key.public).is_none();
    if key.public.version() == KeyVersion::V6 {
        let direct =
            direct.into_iter().rev().max_by_key(created).ok_or_else(|| Fault::key("v6 entity without a valid direct-key signature"))?;
        if known && direct.verify_key(&key.public).is_err() {
            return Err(Fault::key("invalid direct-key self-signature for v6 primary key"));
        }
        key.direct = Some(direct);
    } else if key.identities.is_empty() {
        return Err(Fault::key("v4 entity without any identities"));
    }
    if known && revocations.iter().any(|revocation| revocation.verify_key(&key.public).is_err()) {
        return Err(Fault::key("revocation signature signed by alternate key"));
    }
    key.revocations = revocations;
    Ok(Some(key))
}

fn read_identity(key: &mut Key, id: &UserId, packets: &mut Packets<'_>) -> std::result::Result<(), Fault> {
    let known = unsupported(&key.public).is_none();
    let mut found: Option<Identity> = None;
    while let Some(signature) = packets.signature()? {
        let revokes = signature.typ() == Some(SignatureType::CertRevocation);
        if !revokes && !signature.is_certification() {
            return Err(Fault::key("user ID signature with wrong type"));
        }
        if !names(&signature, &key.public) {
            continue;
        }
        if known && signature.verify_certification(&key.public, Tag::UserId, id).is_err() {
            return Err(Fault::key("user ID self-signature invalid"));
        }
        let name = String::from_utf8_lossy(id.id()).into_owned();
        let identity = found.get_or_insert(Identity { name, self_signature: None, revocations: Vec::new() });
        if revokes {
            identity.revocations.push(signature);
        } else if identity.self_signature.as_ref().is_none_or(|newest| created(newest) < created(&signature)) {
            identity.self_signature = Some(signature);
        }
    }
    if let Some(identity) = found {
        key.identities.retain(|other| other.name != identity.name);
        key.identities.push(identity);
    }
    Ok(())
}

fn read_subkey(key: &mut Key, public: PublicSubkey, packets: &mut Packets<'_>) -> std::result::Result<(), Fault> {
    let invalid = |text: &str| Fault::key(format!("subkey signature invalid: {text}"));
    let mut binding: Option<Signature> = None;
    let mut revocations = Vec::new();
    while let Some(signature) = packets.signature().map_err(|fault| invalid(&fault.text()))? {
        let revokes = match signature.typ() {
            Some(SignatureType::SubkeyRevocation) => true,
            Some(SignatureType::SubkeyBinding) => false,
            _ => return Err(Fault::key("subkey signature with wrong type")),
        };
        if unsupported(&key.public).is_none() && signature.verify_subkey_binding(&key.public, &public).is_err() {
            return Err(invalid(&mismatch(&signature, Some(key.public.algorithm()))));
        }
        if signature.key_flags().sign() && unsupported(&public).is_none() {
            let Some(cross) = signature.embedded_signature() else {
                return Err(invalid("openpgp: invalid data: signing subkey is missing cross-signature"));
            };
            if cross.verify_primary_key_binding(&public, &key.public).is_err() {
                return Err(invalid("openpgp: invalid data: error while verifying cross-signature"));
            }
        }
        if revokes {
            revocations.push(signature);
        } else if binding.as_ref().is_none_or(|newest| created(newest) < created(&signature)) {
            binding = Some(signature);
        }
    }
    let binding = binding.ok_or_else(|| Fault::key("subkey packet not followed by signature"))?;
    key.subkeys.push(Subkey { public, binding, revocations });
    Ok(())
}

/// What go-crypto says of a signature that a key of this algorithm did not make for a text.
pub(super) fn mismatch(signature: &Signature, algorithm: Option<PublicKeyAlgorithm>) -> String {
    use PublicKeyAlgorithm::{DSA, ECDSA, Ed448, Ed25519, EdDSALegacy};
    let name = match algorithm {
        _ if matches!(signature.version(), SignatureVersion::V5 | SignatureVersion::V6) => {
            return "openpgp: invalid signature: hash tag doesn't match".to_string();
        }
        Some(DSA) => "DSA",
        Some(ECDSA) => "ECDSA",
        Some(EdDSALegacy) => "EdDSA",
        Some(Ed25519) => "Ed25519",
        Some(Ed448) => "ed448",
        _ => "RSA",
    };
    format!("openpgp: invalid signature: {name} verification failure")
}

fn can_sign(algorithm: PublicKeyAlgorithm) -> bool {
    use PublicKeyAlgorithm::{DSA, ECDSA, Ed448, Ed25519, EdDSALegacy, RSA, RSASign};
    matches!(algorithm, RSA | RSASign | DSA | ECDSA | EdDSALegacy | Ed25519 | Ed448)
}

/// A packet that matters in a keyring.
enum Part {
    Primary(Box<PublicKey>, Option<Box<SecretKey>>),
    /// A primary key of an unknown version or form; the following packets belong to it.
    UnknownPrimary(String),
    UserId(UserId),
    Signature(Signature),
    Subkey(Box<PublicSubkey>),
    UnknownSubkey,
    /// Ends the signatures of the packet before it, and has no other effect.
    Other,
}

/// The packets of a ring, without those that can be ignored: trust, marker and non-critical unknown ones.
struct Packets<'a> {
    rest: &'a [u8],
    /// A packet that was put back.
    next: Option<Part>,
}

const SIGNATURE: u8 = 2;
const SECRET_KEY: u8 = 5;
const PUBLIC_KEY: u8 = 6;
const SECRET_SUBKEY: u8 = 7;
const MARKER: u8 = 10;
const TRUST: u8 = 12;
const USER_ID: u8 = 13;
const PUBLIC_SUBKEY: u8 = 14;
/// Other packet types that Go knows: session keys, messages, user attributes, padding.
const OTHER: [u8; 10] = [1, 3, 4, 8, 9, 11, 17, 18, 20, 21];
/// Unknown tags from here on are ignored.
const NOT_CRITICAL: u8 = 40;

impl<'a> Packets<'a> {
    fn next(&mut self) -> std::result::Result<Option<Part>, Fault> {
        if self.next.is_some() {
            return Ok(self.next.take());
        }
        while let Some((tag, body)) = self.split()? {
            let part = match tag {
                TRUST | MARKER => continue,
                SIGNATURE | SECRET_KEY | PUBLIC_KEY | SECRET_SUBKEY | USER_ID | PUBLIC_SUBKEY => {
                    part(tag, &body.ok_or_else(|| Fault::Ring("unexpected EOF".to_string()))?)?
                }
                _ if OTHER.contains(&tag) => Some(Part::Other),
                NOT_CRITICAL.. => continue,
                _ => return Err(Fault::Ring(format!("openpgp: unknown critical packet type: {tag}"))),
            };
            if part.is_some() {
                return Ok(part);
            }
        }
        Ok(None)
    }

    /// The next packet if it is a signature.
    fn signature(&mut self) -> std::result::Result<Option<Signature>, Fault> {
        match self.next()? {
            Some(Part::Signature(signature)) => Ok(Some(signature)),
            other => {
                self.next = other;
                Ok(None)
            }
        }
    }

    /// The tag and the body of the next packet; no body if the ring ends within it.
    fn split(&mut self) -> std::result::Result<Option<(u8, Option<Cow<'a, [u8]>>)>, Fault> {
        let Some((&first, rest)) = self.rest.split_first() else {
            return Ok(None);
        };
        self.rest = rest;
        if first & 0x80 == 0 {
            return Err(Fault::key("tag byte does not have MSB set"));
        }
        if first & 0x40 == 0 {
            let length = match first & 3 {
                3 => self.rest.len(),
                size => self.number(1 << size)?,
            };
            return Ok(Some(((first & 0x3f) >> 2, self.take(length).map(Cow::Borrowed))));
        }
        let tag = first & 0x3f;
        let (length, mut partial) = self.length()?;
        let Some(body) = self.take(length) else {
            return Ok(Some((tag, None)));
        };
        let mut body = Cow::Borrowed(body);
        while partial {
            let (length, more) = self.length()?;
            partial = more;
            let Some(piece) = self.take(length) else {
                return Ok(Some((tag, None)));
            };
            body.to_mut().extend_from_slice(piece);
        }
        Ok(Some((tag, Some(body))))
    }

    /// A length in the new format, and whether it is only that of a part.
    fn length(&mut self) -> std::result::Result<(usize, bool), Fault> {
        Ok(match self.number(1)? {
            first @ ..192 => (first, false),
            first @ 192..224 => (((first - 192) << 8) + self.number(1)? + 192, false),
            first @ 224..255 => (1 << (first & 0x1f), true),
            _ => (self.number(4)?, false),
        })
    }

    fn number(&mut self, size: usize) -> std::result::Result<usize, Fault> {
        let bytes = self.take(size).ok_or_else(|| Fault::Ring("unexpected EOF".to_string()))?;
        Ok(bytes.iter().fold(0, |number, byte| number << 8 | usize::from(*byte)))
    }

    /// The next bytes; if there are too few, the rest is consumed and `None` returned.
    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.rest.split_at_checked(length).map_or((None, Default::default()), |(taken, rest)| (Some(taken), rest));
        self.rest = rest;
        taken
    }
}

/// Parses a packet; `None` if it is to be skipped.
fn part(tag: u8, body: &[u8]) -> std::result::Result<Option<Part>, Fault> {
    let header = PacketHeader::new_fixed(Tag::from(tag), u32::try_from(body.len()).unwrap_or(u32::MAX));
    let packet = match Packet::from_reader(header, body) {
        Ok(packet) => packet,
        Err(error) => {
            return match tag {
                PUBLIC_KEY | SECRET_KEY => Ok(Some(Part::UnknownPrimary(format!("openpgp: unsupported feature: {error}")))),
                PUBLIC_SUBKEY | SECRET_SUBKEY => Ok(Some(Part::UnknownSubkey)),
                _ if is_unsupported(&error) => Ok(None),
                _ => Err(Fault::key(error.to_string())),
            };
        }
    };
    Ok(match packet {
        Packet::PublicKey(key) => Some(primary(key, None)),
        Packet::SecretKey(key) => Some(primary(key.public_key().clone(), Some(Box::new(key)))),
        Packet::PublicSubkey(key) => Some(Part::Subkey(Box::new(key))),
        Packet::SecretSubkey(key) => Some(Part::Subkey(Box::new(key.public_key().clone()))),
        Packet::UserId(id) => Some(Part::UserId(id)),
        Packet::Signature(signature) if understood(&signature) => Some(Part::Signature(signature)),
        _ => None,
    })
}

fn primary(key: PublicKey, secret: Option<Box<SecretKey>>) -> Part {
    match key.version() {
        KeyVersion::V4 | KeyVersion::V6 => Part::Primary(Box::new(key), secret),
        version => Part::UnknownPrimary(format!("openpgp: unsupported feature: public key version {}", u8::from(version))),
    }
}

/// Whether Go reads such a signature at all.
fn understood(signature: &Signature) -> bool {
    let weak = |hash| matches!(hash, HashAlgorithm::Md5 | HashAlgorithm::Ripemd160 | HashAlgorithm::Other(_));
    matches!(signature.version(), SignatureVersion::V4 | SignatureVersion::V6) && !signature.hash_alg().is_none_or(weak)
}

fn is_unsupported(error: &pgp::errors::Error) -> bool {
    use pgp::errors::Error::{EllipticCurve, InvalidPacketContent, Unsupported};
    match error {
        Unsupported { .. } | EllipticCurve { .. } => true,
        InvalidPacketContent { source } => is_unsupported(source),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ADA: &[u8] = include_bytes!("../../testdata/provenance/ada.pub");
    const ADA_SECRET: &[u8] = include_bytes!("../../testdata/provenance/ada.sec");
    const EVE_SECRET: &[u8] = include_bytes!("../../testdata/provenance/eve.sec");
    const RITA: &[u8] = include_bytes!("../../testdata/provenance/rita.pub");
    const SUE: &[u8] = include_bytes!("../../testdata/provenance/sue.pub");
    const PUBRING: &[u8] = include_bytes!("../../testdata/provenance/pubring.gpg");

    /// The names in a ring; secret keys are marked with a star.
    fn names_in(ring: &[u8]) -> std::result::Result<String, String> {
        let keys = read(ring).map_err(|error| error.to_string())?;
        let name = |key: &Key| {
            format!("{}{}", key.identities[0].name.split(' ').next().unwrap_or(""), if key.secret.is_some() { "*" } else { "" })
        };
        Ok(keys.iter().map(name).collect::<Vec<_>>().join(" "))
    }

    /// Adds `packet` after each packet of a ring.
    fn spread(ring: &[u8], packet: &[u8]) -> Vec<u8> {
        let mut packets = Packets { rest: ring, next: None };
        let mut all = Vec::new();
        let mut before = ring;
        while let Ok(Some(_)) = packets.split() {
            all.extend_from_slice(&before[..before.len() - packets.rest.len()]);
            all.extend_from_slice(packet);
            before = packets.rest;
        }
        all
    }

    #[test]
    fn packets_that_say_nothing_are_passed_over() {
        let rings = [("Ada", ADA.to_vec()), ("Rita Sue Ada", [RITA, SUE, ADA].concat()), ("Ada* Eve*", [ADA_SECRET, EVE_SECRET].concat())];
        for (names, ring) in rings {
            let plain = read(&ring).expect("a ring");
            // trust in both formats, a marker, an unknown packet, and the same in pieces
            for packet in [&b"\xb0\x02\0\0"[..], b"\xcc\x02\0\0", b"\xca\x03PGP", b"\xfc\x01x", b"\xfc\xe1ab\x01c"] {
                let ring = spread(&ring, packet);
                assert_eq!(names_in(&ring), Ok(names.to_string()), "{packet:x?}");
                for (key, plain) in read(&ring).expect("a ring").iter().zip(&plain) {
                    assert_eq!(key.subkeys.len(), plain.subkeys.len());
                    assert_eq!(key.revoked(None), plain.revoked(None));
                    assert_eq!(key.self_signature(), plain.self_signature());
                }
            }
        }
        assert_eq!(names_in(PUBRING), Ok("Rita Otto Bruno Sue Ada".to_string()));
    }

    /// Helm 4.2.4's results for the same rings.
    #[test]
    fn broken_rings_are_told_as_helm_does() {
        let ends = |ring: &[u8]| ring[..ring.len() - 10].to_vec();
        let id = &RITA[2 + usize::from(RITA[1])..];
        for (ring, expected) in [
            (Vec::new(), Ok("")),
            ([ADA, RITA].concat(), Ok("Ada Rita")),
            (ends(ADA), Err("unexpected EOF")),
            ([ADA, b"\x99"].concat(), Err("unexpected EOF")),
            ([ADA, b"junk", RITA].concat(), Err("openpgp: invalid data: tag byte does not have MSB set")),
            ([ADA, b"x"].concat(), Err("openpgp: invalid data: tag byte does not have MSB set")),
            (b"-----BEGIN".to_vec(), Err("openpgp: invalid data: tag byte does not have MSB set")),
            ([RITA, ADA, b"x"].concat(), Ok("Rita")),
            ([b"x", ADA].concat(), Ok("Ada")),
            ([ADA, b"\xff\xff\0junk"].concat(), Ok("Ada")),
            ([ADA, b"\xd6\0", RITA].concat(), Err("openpgp: unknown critical packet type: 22")),
            (ends(SUE), Err("openpgp: invalid data: subkey signature invalid: unexpected EOF")),
            ([ADA, &ends(SUE)].concat(), Ok("Ada")),
            (ADA[..2 + usize::from(ADA[1])].to_vec(), Err("openpgp: invalid data: v4 entity without any identities")),
            (id.to_vec(), Err("openpgp: invalid data: first packet was not a public/private key")),
            ([id, ADA].concat(), Ok("Ada")),
        ] {
            assert_eq!(names_in(&ring), expected.map(String::from).map_err(String::from));
        }
    }

    #[test]
    fn signatures_of_others_give_no_identity() {
        let foreign = [&RITA[..2 + usize::from(RITA[1])], &ADA[2 + usize::from(ADA[1])..]].concat();
        assert_eq!(names_in(&foreign), Err("openpgp: invalid data: v4 entity without any identities".to_string()));
        let mut forged = ADA.to_vec();
        let at = forged.windows(3).position(|bytes| bytes == b"Ada").expect("a name");
        forged[at] = b'I';
        assert_eq!(names_in(&forged), Err("openpgp: invalid data: user ID self-signature invalid".to_string()));
    }

    /// A signature without the signature embedded in it.
    fn without_cross(packet: &[u8]) -> Vec<u8> {
        let body = &packet[2..];
        let hashed = 6 + usize::from(u16::from_be_bytes([body[4], body[5]]));
        let unhashed = usize::from(u16::from_be_bytes([body[hashed], body[hashed + 1]]));
        // The first unhashed subpacket is the key's id, of ten bytes.
        let kept = [&body[..hashed], &[0, 10], &body[hashed + 2..hashed + 12], &body[hashed + 2 + unhashed..]].concat();
        [&[0x88, u8::try_from(kept.len()).unwrap()], &kept[..]].concat()
    }

    /// Helm 4.2.4's results for the same rings; its messages about invalid signatures are longer.
    #[test]
    fn what_another_key_signed_or_nobody_is_not_part_of_a_key() {
        let (ada, ada_s) = ADA.split_at(53);
        let (rita_s_revocation, rita) = (&RITA[53..175], [&RITA[..53], &RITA[175..]].concat());
        let (sue, subkey, binding) = (&SUE[..369], &SUE[369..422], &SUE[422..663]);
        let changed = |bytes: &[u8], at: usize| {
            let mut bytes = bytes.to_vec();
            bytes[at] ^= 1;
            bytes
        };
        let no_subkey = "openpgp: invalid data: subkey signature invalid: ";
        let no_binding = format!("{no_subkey}openpgp: invalid signature");
        let no_cross = format!("{no_subkey}openpgp: invalid data: error while verifying cross-signature");
        for (ring, expected) in [
            ([sue, subkey, binding].concat(), Ok("Sue")),
            ([sue, subkey, &changed(binding, 235)].concat(), Err(&*no_binding)),
            ([ADA, subkey, binding].concat(), Err(&no_binding)),
            ([sue, subkey].concat(), Err("openpgp: invalid data: subkey packet not followed by signature")),
            (
                [sue, subkey, &without_cross(binding)].concat(),
                Err(&format!("{no_subkey}openpgp: invalid data: signing subkey is missing cross-signature")),
            ),
            ([sue, subkey, &changed(binding, 168)].concat(), Err(&no_cross)),
            (rita, Ok("Rita")),
            (RITA.to_vec(), Ok("Rita")),
            (changed(RITA, 170), Err("openpgp: invalid data: revocation signature signed by alternate key")),
            ([ada, rita_s_revocation, ada_s].concat(), Err("openpgp: invalid data: revocation signature signed by alternate key")),
        ] {
            match (names_in(&ring), expected) {
                (Ok(found), Ok(expected)) => assert_eq!(found, expected),
                (Err(found), Err(expected)) => assert!(found.starts_with(expected), "{found:?} is not {expected:?}"),
                (found, expected) => panic!("{found:?} is not {expected:?}"),
            }
        }
    }
}
