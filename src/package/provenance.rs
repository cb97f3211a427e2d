//! Provenance files: who signed an archive, and what it must look like.
//!
//! Goes in: an archive's bytes and name, Chart.yaml as it was packed, a keyring in GnuPG's binary export format. Comes out:
//! the text of `ARCHIVE.prov`, clear-signed (Hash: SHA512), or the proof that such a text belongs to an archive. Follows
//! Helm's `pkg/provenance`: signature first, then the archive's name, then its digest. Keys that are revoked or had expired,
//! and signatures over weak hashes, do not count.

use super::digest;
use crate::data::Data;
use crate::error::{Error, ErrorKind, Result};
use crate::fs;
use crate::quote::quote;
use crate::yaml::{self, Field, Shape};
use pgp::composed::{ArmorOptions, CleartextSignedMessage, PublicOrSecret, SignedPublicKey, SignedSecretKey};
use pgp::crypto::hash::HashAlgorithm;
use pgp::packet::{Signature, SignatureConfig, SignatureType, Subpacket, SubpacketData};
use pgp::types::{KeyDetails, Password, Timestamp};
use std::path::Path;

/// How many packets of a keyring may be unreadable before it is given up.
const FAULT_LIMIT: usize = 10_000;
/// The largest keyring.
const KEYRING_LIMIT: u64 = 64 << 20;
const BEGIN: &str = "-----BEGIN PGP SIGNED MESSAGE-----";
const END: &str = "-----END PGP SIGNATURE-----";

/// Who signed an archive.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Verification {
    /// The identities of the key, in the order the key holds them.
    pub signed_by: Vec<String>,
    /// Of the primary key, upper-case hex.
    pub fingerprint: String,
    /// `sha256:` and the hex digest of the archive.
    pub file_hash: String,
}

/// What a signature is made with.
pub struct Signing<'a> {
    /// The bytes of the keyring with the secret key.
    pub keyring: &'a [u8],
    /// A part of one identity of the key.
    pub key: &'a str,
    /// Gives the passphrase for the key of this identity; asked only when the key is locked.
    pub passphrase: &'a mut dyn FnMut(&str) -> Result<Vec<u8>>,
    /// When the signature is made, seconds since 1970.
    pub time: i64,
}

static SUMS: Shape =
    Shape::Struct("provenance.SumCollection", &[Field("files", &Shape::Map(&Shape::Str)), Field("images", &Shape::Map(&Shape::Str))]);

/// The bytes of the keyring at `path`.
pub fn read_keyring_file(path: &Path) -> Result<Vec<u8>> {
    fs::read_limited(path, KEYRING_LIMIT)
}

/// The text of the provenance file of `archive`, whose file name is `file_name`; `metadata` is its Chart.yaml as packed.
pub fn sign(archive: &[u8], file_name: &str, metadata: &str, signing: Signing<'_>) -> Result<String> {
    let keys = read_keyring(signing.keyring)?;
    let key = match choose(&keys, signing.key)? {
        Some(PublicOrSecret::Secret(key)) => key,
        Some(PublicOrSecret::Public(_)) => {
            return Err(fault("provided key is not a private key. Try providing a keyring with secret keys"));
        }
        None => return Err(fault("private key not found")),
    };
    let text = message(archive, file_name, metadata)?;
    let password = if key.primary_key.secret_params().is_encrypted() {
        let name = identities(&key.details.users).into_iter().find(|name| !name.is_empty()).unwrap_or_else(|| "Unknown".to_string());
        Password::from(&(signing.passphrase)(&name)?[..])
    } else {
        Password::empty()
    };
    let unlocked = key.primary_key.unlock(&password, |_, _| Ok(()));
    if !matches!(unlocked, Ok(Ok(()))) {
        return Err(fault("openpgp: invalid data: private key checksum failure (wrong passphrase?)"));
    }
    let failed = |error: pgp::errors::Error| fault(format!("failed to either sign or armor message block: {error}"));
    let config = signature_config(key, signing.time).map_err(failed)?;
    let signed = CleartextSignedMessage::new(&text, config, &key.primary_key, &password).map_err(failed)?;
    let armored = signed.to_armored_string(ArmorOptions::default()).map_err(failed)?;
    Ok(armored.trim_end().to_string())
}

fn signature_config(key: &SignedSecretKey, time: i64) -> pgp::errors::Result<SignatureConfig> {
    let mut config = SignatureConfig::v4(SignatureType::Text, key.primary_key.algorithm(), HashAlgorithm::Sha512);
    let created = Timestamp::from_secs(u32::try_from(time).unwrap_or(u32::MAX));
    config.hashed_subpackets = vec![
        Subpacket::regular(SubpacketData::SignatureCreationTime(created))?,
        Subpacket::regular(SubpacketData::IssuerFingerprint(key.primary_key.fingerprint()))?,
    ];
    config.unhashed_subpackets = vec![Subpacket::regular(SubpacketData::IssuerKeyId(key.primary_key.legacy_key_id()))?];
    Ok(config)
}

/// What gets signed: Chart.yaml, the end mark of a YAML document, and the archive's digest.
fn message(archive: &[u8], file_name: &str, metadata: &str) -> Result<String> {
    let sum = Data::str(format!("sha256:{}", digest::sha256_hex(archive)));
    let files = Data::map([(file_name.into(), sum)].into_iter().collect());
    let sums = yaml::to_string(&Data::map([("files".into(), files)].into_iter().collect()))?;
    Ok(format!("{metadata}\n...\n{sums}"))
}

/// Checks that `provenance` is a valid signature by a key of `keyring` and that it speaks of this archive under this name.
/// `now` in seconds since 1970 lets expired keys be refused; `None` leaves that out.
pub fn verify(archive: &[u8], provenance: &[u8], file_name: &str, keyring: &[u8], now: Option<i64>) -> Result<Verification> {
    let keys = read_keyring(keyring).map_err(|error| error.context("failed to load keyring"))?;
    let text = std::str::from_utf8(provenance).map_err(|_| fault("signature block not found"))?;
    let block = signed_block(text).ok_or_else(|| fault("signature block not found"))?;
    let (message, _) = CleartextSignedMessage::from_string(&block).map_err(|_| fault("signature block not found"))?;
    let signer = signer(&message, &keys, now)?;
    let plain = message.signed_text().replace("\r\n", "\n");
    let sums = plain.split("\n...\n").nth(1).ok_or_else(|| fault("message block must have at least two parts"))?;
    let sums = yaml::decode(sums.as_bytes(), &SUMS)?;
    let sum = format!("sha256:{}", digest::sha256_hex(archive));
    let listed = sums.as_map().and_then(|sums| sums.get("files")).and_then(Data::as_map).and_then(|files| files.get(file_name));
    let Some(listed) = listed.and_then(Data::as_str) else {
        return Err(fault(format!("provenance does not contain a SHA for a file named {}", quote(file_name.as_bytes()))));
    };
    if listed != sum {
        let listed = quote(listed.as_bytes());
        return Err(fault(format!("sha256 sum does not match for {file_name}: {listed} != \"{sum}\"")));
    }
    Ok(Verification { file_hash: sum, ..signer })
}

/// Whether a provenance file, whoever signed it, names this archive with its digest; `None` if it is no signed text.
pub fn names_archive(provenance: &[u8], archive: &[u8], file_name: &str) -> Option<bool> {
    let block = signed_block(std::str::from_utf8(provenance).ok()?)?;
    let (message, _) = CleartextSignedMessage::from_string(&block).ok()?;
    let plain = message.signed_text().replace("\r\n", "\n");
    let sums = plain.split("\n...\n").nth(1).and_then(|sums| yaml::decode(sums.as_bytes(), &SUMS).ok());
    let files = sums.as_ref().and_then(Data::as_map).and_then(|sums| sums.get("files")).and_then(Data::as_map);
    let sum = format!("sha256:{}", digest::sha256_hex(archive));
    Some(files.is_some_and(|files| files.iter().any(|(name, listed)| name.contains(file_name) && listed.as_str() == Some(&sum))))
}

/// The key that made one of the message's signatures. Go's words for what is wrong otherwise.
fn signer(message: &CleartextSignedMessage, keys: &[PublicOrSecret], now: Option<i64>) -> Result<Verification> {
    let text = message.signed_text();
    let mut problem = "openpgp: signature made by unknown entity";
    for signature in message.signatures() {
        for key in keys {
            let key = match key {
                PublicOrSecret::Public(key) => key.clone(),
                PublicOrSecret::Secret(key) => key.to_public_key(),
            };
            match made_by(signature, &key, &text, now) {
                Ok(true) => {
                    return Ok(Verification {
                        signed_by: identities(&key.details.users),
                        fingerprint: format!("{:X}", key.primary_key.fingerprint()),
                        file_hash: String::new(),
                    });
                }
                Ok(false) => {}
                Err(text) => problem = text,
            }
        }
    }
    Err(fault(problem))
}

/// Whether `key` or one of its signing subkeys made the signature. An error when it names the key but does not hold.
fn made_by(signature: &Signature, key: &SignedPublicKey, text: &str, now: Option<i64>) -> std::result::Result<bool, &'static str> {
    let issued = |fingerprint: &pgp::types::Fingerprint, id: &pgp::types::KeyId| {
        signature.issuer_fingerprint().contains(&fingerprint) || signature.issuer_key_id().contains(&id)
    };
    let primary = &key.primary_key;
    let by_primary = issued(&primary.fingerprint(), &primary.legacy_key_id());
    let subkey = key.public_subkeys.iter().find(|subkey| issued(&subkey.key.fingerprint(), &subkey.key.legacy_key_id()));
    if !by_primary && subkey.is_none() {
        return Ok(false);
    }
    let weak = |hash: HashAlgorithm| matches!(hash, HashAlgorithm::Md5 | HashAlgorithm::Sha1 | HashAlgorithm::Ripemd160);
    if signature.hash_alg().is_none_or(weak) {
        return Err("openpgp: invalid data: insecure hash algorithm");
    }
    let revoked = key.details.revocation_signatures.iter().any(|revocation| revocation.verify_key(primary).is_ok());
    if revoked {
        return Err("openpgp: signature made by revoked key");
    }
    let verified = match subkey.filter(|_| !by_primary) {
        None => signature.verify(primary, text.as_bytes()),
        Some(subkey) if subkey.verify_bindings(primary).is_ok() && subkey.signatures.iter().any(|binding| binding.key_flags().sign()) => {
            signature.verify(&subkey.key, text.as_bytes())
        }
        Some(_) => return Err("openpgp: signature made by unknown entity"),
    };
    if verified.is_err() {
        return Err("openpgp: invalid signature: hash tag doesn't match");
    }
    if now.is_some_and(|now| signature_expired(signature, now)) {
        return Err("openpgp: signature expired");
    }
    if now.is_some_and(|now| key_expired(key, now)) {
        return Err("openpgp: key expired");
    }
    Ok(true)
}

fn signature_expired(signature: &Signature, now: i64) -> bool {
    let created = signature.created().map_or(0, |created| i64::from(created.as_secs()));
    signature.signature_expiration_time().is_some_and(|length| length.as_secs() != 0 && created + i64::from(length.as_secs()) < now)
}

/// Whether the newest self-signature lets the key end before `now`.
fn key_expired(key: &SignedPublicKey, now: i64) -> bool {
    let made = i64::from(key.primary_key.created_at().as_secs());
    let signatures = key.details.users.iter().flat_map(|user| &user.signatures).chain(&key.details.direct_signatures);
    let own = signatures.filter(|signature| signature.issuer_key_id().contains(&&key.primary_key.legacy_key_id()));
    let newest = own.max_by_key(|signature| signature.created().map(|created| created.as_secs()));
    let length = newest.and_then(|signature| signature.key_expiration_time()).map_or(0, |length| i64::from(length.as_secs()));
    length != 0 && made + length < now
}

/// The keys of a keyring; what is no key or not understood is passed over.
fn read_keyring(bytes: &[u8]) -> Result<Vec<PublicOrSecret>> {
    if bytes.first().is_some_and(|first| first & 0x80 == 0) {
        return Err(fault("openpgp: invalid data: tag byte does not have MSB set"));
    }
    let iterator = PublicOrSecret::from_bytes_many(bytes).map_err(|error| fault(format!("openpgp: {error}")))?;
    let mut faults = 0;
    let mut keys = Vec::new();
    for key in iterator {
        match key {
            Ok(key) => keys.push(key),
            Err(_) if faults < FAULT_LIMIT => faults += 1,
            Err(error) => return Err(fault(format!("openpgp: {error}"))),
        }
    }
    Ok(keys)
}

/// The key with an identity that is `id`, else the only one with an identity that contains it.
fn choose<'k>(keys: &'k [PublicOrSecret], id: &str) -> Result<Option<&'k PublicOrSecret>> {
    let mut candidate = None;
    let mut vague = false;
    for key in keys {
        let users = match key {
            PublicOrSecret::Public(key) => &key.details.users,
            PublicOrSecret::Secret(key) => &key.details.users,
        };
        for name in identities(users) {
            if name == id {
                return Ok(Some(key));
            }
            if name.contains(id) {
                vague |= candidate.is_some();
                candidate = Some(key);
            }
        }
    }
    if vague { Err(fault(format!("more than one key contain the id {}", quote(id.as_bytes())))) } else { Ok(candidate) }
}

fn identities(users: &[pgp::types::SignedUser]) -> Vec<String> {
    users.iter().map(|user| String::from_utf8_lossy(user.id.id()).into_owned()).collect()
}

/// The clear-signed part of a text, whatever stands around it.
fn signed_block(text: &str) -> Option<String> {
    let start = if text.starts_with(BEGIN) { 0 } else { text.find(&format!("\n{BEGIN}"))? + 1 };
    let rest = text.get(start..)?;
    let end = rest.find(END)? + END.len();
    Some(format!("{}\n", rest.get(..end)?))
}

fn fault(text: impl Into<String>) -> Error {
    Error::new(ErrorKind::Verification, text)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ADA: &[u8] = include_bytes!("../../testdata/provenance/ada.sec");
    const ADA_PUBLIC: &[u8] = include_bytes!("../../testdata/provenance/ada.pub");
    const EVE: &[u8] = include_bytes!("../../testdata/provenance/eve.sec");
    const LOCKED: &[u8] = include_bytes!("../../testdata/provenance/locked.sec");

    fn signed(keyring: &[u8], key: &str, passphrase: &str) -> Result<String> {
        let mut ask = |_: &str| Ok(passphrase.as_bytes().to_vec());
        let signing = Signing { keyring, key, passphrase: &mut ask, time: 1_700_000_000 };
        sign(b"archive", "a-1.0.0.tgz", "keywords:\n- x\nname: a\n", signing)
    }

    #[test]
    fn what_is_signed_verifies() {
        let text = signed(ADA, "ada@", "").expect("a signature");
        assert!(text.starts_with(
            "-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA512\n\nkeywords:\n- - x\nname: a\n\n...\nfiles:\n  a-1.0.0.tgz: sha256:"
        ));
        let found = verify(b"archive", text.as_bytes(), "a-1.0.0.tgz", ADA_PUBLIC, None).expect("verified");
        assert_eq!(found.signed_by, ["Ada <ada@example.test>"]);
        assert_eq!(found.file_hash, format!("sha256:{}", digest::sha256_hex(b"archive")));
        let crlf = text.replace('\n', "\r\n");
        verify(b"archive", crlf.as_bytes(), "a-1.0.0.tgz", ADA, None).expect("line ends do not count");
    }

    #[test]
    fn what_was_changed_does_not_verify() {
        let text = signed(ADA, "Ada <", "").expect("a signature");
        let fault = |archive: &[u8], text: &str, name: &str, ring: &[u8]| {
            verify(archive, text.as_bytes(), name, ring, None).expect_err("refused").to_string()
        };
        assert!(fault(b"other", &text, "a-1.0.0.tgz", ADA).starts_with("sha256 sum does not match for a-1.0.0.tgz: "));
        assert_eq!(fault(b"archive", &text, "b.tgz", ADA), "provenance does not contain a SHA for a file named \"b.tgz\"");
        assert_eq!(fault(b"archive", &text, "a-1.0.0.tgz", EVE), "openpgp: signature made by unknown entity");
        assert!(fault(b"archive", &text.replace("name: a", "name: b"), "a-1.0.0.tgz", ADA).contains("invalid signature"));
        assert_eq!(fault(b"archive", "no signature", "a-1.0.0.tgz", ADA), "signature block not found");
        assert!(fault(b"archive", &text, "a-1.0.0.tgz", b"-----BEGIN PGP").contains("tag byte does not have MSB set"));
    }

    #[test]
    fn keys_are_chosen_and_unlocked() {
        signed(LOCKED, "adam@", "open sesame").expect("a signature");
        assert!(signed(LOCKED, "adam@", "open barley").expect_err("locked").to_string().contains("passphrase"));
        let both = [ADA, LOCKED].concat();
        assert_eq!(signed(&both, "Ada", "").expect_err("vague").to_string(), "more than one key contain the id \"Ada\"");
        signed(&both, "Adam <adam@example.test>", "open sesame").expect("exact");
        let public = signed(ADA_PUBLIC, "ada@", "").expect_err("public").to_string();
        assert_eq!(public, "provided key is not a private key. Try providing a keyring with secret keys");
        assert_eq!(signed(&both, "nobody", "").expect_err("unknown").to_string(), "private key not found");
    }

    #[test]
    fn what_helm_signed_verifies() {
        let archive = include_bytes!("../../testdata/provenance/helm-a-1.0.0.tgz");
        let text = include_bytes!("../../testdata/provenance/helm-a-1.0.0.tgz.prov");
        let found = verify(archive, text, "a-1.0.0.tgz", EVE, None).expect("verified");
        assert_eq!(found.signed_by, ["Eve <eve@example.test>"]);
    }
}
