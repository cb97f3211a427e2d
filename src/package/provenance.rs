//! Provenance files: who signed an archive, and with which digest.
//!
//! Goes in: an archive's bytes and name, Chart.yaml as it was packed, a keyring (see `keyring`). Comes out: the
//! text of `ARCHIVE.prov`, clear-signed (Hash: SHA512), or the proof that such a text belongs to an archive.
//! Follows Helm's `pkg/provenance`: signature first, then the archive's name, then its digest. Keys that may
//! not sign, are revoked or expired, signatures from the future, and signatures over weak hashes, do not count.

use super::digest;
use super::keyring::{self, Key, Subkey};
use crate::data::Data;
use crate::diagnostic::Diagnostic;
use crate::error::{Error, ErrorKind, Result};
use crate::fs;
use crate::quote::quote;
use crate::yaml::{self, Field, Shape};
use pgp::composed::{ArmorOptions, CleartextSignedMessage};
use pgp::crypto::hash::HashAlgorithm;
use pgp::crypto::public_key::PublicKeyAlgorithm;
use pgp::packet::{SecretKey, Signature, SignatureConfig, SignatureType, Subpacket, SubpacketData};
use pgp::types::{KeyDetails, Password, Timestamp};
use std::path::Path;

/// The largest keyring that is read, in bytes.
const KEYRING_LIMIT: u64 = 64 << 20;
/// The largest provenance file that is read, in bytes.
pub const PROVENANCE_LIMIT: u64 = 8 << 20;
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

/// The key and the time to sign with.
pub struct Signing<'a> {
    /// The bytes of the keyring with the secret key.
    pub keyring: &'a [u8],
    /// A part of one of the key's identities.
    pub key: &'a str,
    /// Returns the passphrase for the key of this identity; called only if the key is locked.
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
    let keys = keyring::read(signing.keyring)?;
    let key = choose(&keys, signing.key)?.ok_or_else(|| fault("private key not found"))?;
    let Some(secret) = &key.secret else {
        return Err(fault("provided key is not a private key. Try providing a keyring with secret keys"));
    };
    let text = message(archive, file_name, metadata)?;
    let password = if secret.secret_params().is_encrypted() {
        let name = key.identities.iter().map(|identity| identity.name.as_str()).find(|name| !name.is_empty());
        Password::from(&(signing.passphrase)(name.unwrap_or("Unknown"))?[..])
    } else {
        Password::empty()
    };
    let unlocked = secret.unlock(&password, |_, _| Ok(()));
    if !matches!(unlocked, Ok(Ok(()))) {
        let hint = Diagnostic { hints: vec!["this is what a wrong passphrase leads to".to_string()], ..Diagnostic::default() };
        return Err(fault("openpgp: invalid data: private key checksum failure").with_diagnostic(hint));
    }
    let failed = |error: pgp::errors::Error| fault(format!("failed to either sign or armor message block: {error}"));
    let config = signature_config(secret, signing.time).map_err(failed)?;
    let signed = CleartextSignedMessage::new(&text, config, &**secret, &password).map_err(failed)?;
    let armored = signed.to_armored_string(ArmorOptions::default()).map_err(failed)?;
    Ok(armored.trim_end().to_string())
}

fn signature_config(key: &SecretKey, time: i64) -> pgp::errors::Result<SignatureConfig> {
    let mut config = SignatureConfig::v4(SignatureType::Text, key.algorithm(), HashAlgorithm::Sha512);
    let created = Timestamp::from_secs(u32::try_from(time).unwrap_or(u32::MAX));
    config.hashed_subpackets = vec![
        Subpacket::regular(SubpacketData::SignatureCreationTime(created))?,
        Subpacket::regular(SubpacketData::IssuerFingerprint(key.fingerprint()))?,
    ];
    config.unhashed_subpackets = vec![Subpacket::regular(SubpacketData::IssuerKeyId(key.legacy_key_id()))?];
    Ok(config)
}

/// The text to sign: Chart.yaml, the end mark of a YAML document, and the archive's digest.
fn message(archive: &[u8], file_name: &str, metadata: &str) -> Result<String> {
    let sum = Data::str(format!("sha256:{}", digest::sha256_hex(archive)));
    let files = Data::map([(file_name.into(), sum)].into_iter().collect());
    let sums = yaml::to_string(&Data::map([("files".into(), files)].into_iter().collect()))?;
    Ok(format!("{metadata}\n...\n{sums}"))
}

/// Checks the signature of the archive at `path`. Errors in Helm's words (`VerifyChart`).
pub fn verify_file(path: &Path, provenance_path: &Path, keyring: &Path, now: Option<i64>) -> Result<Verification> {
    let about = fs::stat(path)?;
    let fault = |text: &str| Error::new(ErrorKind::Verification, text);
    if about.kind == fs::Kind::Folder {
        return Err(fault("unpacked charts cannot be verified"));
    }
    if !path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("tgz")) {
        return Err(fault("chart must be a tgz file"));
    }
    if let Err(error) = fs::stat(provenance_path) {
        return Err(error.context(format!("could not load provenance file {}", provenance_path.display())));
    }
    let keyring = read_keyring_file(keyring).map_err(|error| error.context("failed to load keyring"))?;
    let archive = fs::read(path).map_err(|error| error.context("failed to read chart archive"))?;
    let text = fs::read_limited(provenance_path, PROVENANCE_LIMIT).map_err(|error| error.context("failed to read provenance file"))?;
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    verify(&archive, &text, &name, &keyring, now)
}

/// Checks that `provenance` is a valid signature by a key of `keyring` and that it names this archive under
/// this file name. With `now`, in seconds since 1970, expired keys are refused; `None` skips that check.
pub fn verify(archive: &[u8], provenance: &[u8], file_name: &str, keyring: &[u8], now: Option<i64>) -> Result<Verification> {
    let keys = keyring::read(keyring).map_err(|error| error.context("failed to load keyring"))?;
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

/// Whether a provenance file names this archive with its digest, whoever signed it; `None` if it is not a signed text.
pub fn names_archive(provenance: &[u8], archive: &[u8], file_name: &str) -> Option<bool> {
    let block = signed_block(std::str::from_utf8(provenance).ok()?)?;
    let (message, _) = CleartextSignedMessage::from_string(&block).ok()?;
    let plain = message.signed_text().replace("\r\n", "\n");
    let sums = plain.split("\n...\n").nth(1).and_then(|sums| yaml::decode(sums.as_bytes(), &SUMS).ok());
    let files = sums.as_ref().and_then(Data::as_map).and_then(|sums| sums.get("files")).and_then(Data::as_map);
    let sum = format!("sha256:{}", digest::sha256_hex(archive));
    Some(files.is_some_and(|files| files.iter().any(|(name, listed)| name.contains(file_name) && listed.as_str() == Some(&sum))))
}

/// The key that made the message's first signature by a known key. Errors are in Go's words.
fn signer(message: &CleartextSignedMessage, keys: &[Key], now: Option<i64>) -> Result<Verification> {
    let text = message.signed_text();
    for signature in message.signatures() {
        let makers: Vec<Maker<'_>> = keys.iter().flat_map(|key| makers(signature, key)).collect();
        if makers.is_empty() {
            continue;
        }
        let weak = |hash: HashAlgorithm| matches!(hash, HashAlgorithm::Md5 | HashAlgorithm::Sha1 | HashAlgorithm::Ripemd160);
        if signature.hash_alg().is_none_or(weak) {
            return Err(fault("openpgp: invalid data: insecure hash algorithm"));
        }
        if let Some(algorithm) = makers.iter().find_map(Maker::unsupported) {
            return Err(fault(format!("openpgp: unsupported feature: keys of the algorithm {algorithm}")));
        }
        let Some(maker) = makers.iter().find(|maker| maker.made(signature, &text)) else {
            return Err(fault(keyring::mismatch(signature, makers.first().map(Maker::algorithm))));
        };
        maker.check(signature, now).map_err(fault)?;
        return Ok(Verification {
            signed_by: maker.key.identities.iter().map(|identity| identity.name.clone()).collect(),
            fingerprint: format!("{:X}", maker.key.public.fingerprint()),
            file_hash: String::new(),
        });
    }
    Err(fault("openpgp: signature made by unknown entity"))
}

/// A key that may sign, with the signature that grants this.
struct Maker<'k> {
    key: &'k Key,
    /// Of the primary key.
    self_signature: &'k Signature,
    /// The subkey that signed, if it was not the primary key.
    subkey: Option<&'k Subkey>,
}

/// The keys that a signature names and that may sign.
fn makers<'k>(signature: &Signature, key: &'k Key) -> Vec<Maker<'k>> {
    let Some(self_signature) = key.self_signature() else {
        return Vec::new();
    };
    let primary = (keyring::names(signature, &key.public) && self_signature.key_flags().sign()).then_some(None);
    let subkeys = key.subkeys.iter().filter(|subkey| keyring::names(signature, &subkey.public) && subkey.binding.key_flags().sign());
    primary.into_iter().chain(subkeys.map(Some)).map(|subkey| Maker { key, self_signature, subkey }).collect()
}

impl Maker<'_> {
    fn unsupported(&self) -> Option<String> {
        let primary = keyring::unsupported(&self.key.public);
        primary.or_else(|| self.subkey.and_then(|subkey| keyring::unsupported(&subkey.public)))
    }

    fn algorithm(&self) -> PublicKeyAlgorithm {
        self.subkey.map_or_else(|| self.key.public.algorithm(), |subkey| subkey.public.algorithm())
    }

    fn made(&self, signature: &Signature, text: &str) -> bool {
        match self.subkey {
            None => signature.verify(&self.key.public, text.as_bytes()).is_ok(),
            Some(subkey) => signature.verify(&subkey.public, text.as_bytes()).is_ok(),
        }
    }

    /// Whether the keys and the signatures are valid at `now`.
    fn check(&self, signature: &Signature, now: Option<i64>) -> std::result::Result<(), &'static str> {
        if self.key.revoked(now) || self.subkey.is_some_and(|subkey| keyring::revoked(&subkey.revocations, now)) {
            return Err("openpgp: signature made by revoked key");
        }
        let Some(now) = now else {
            return Ok(());
        };
        let primary_expired = keyring::key_expired(&self.key.public, self.self_signature, now);
        if primary_expired || self.subkey.is_some_and(|subkey| keyring::key_expired(&subkey.public, &subkey.binding, now)) {
            return Err("openpgp: key expired");
        }
        let binding = self.subkey.map(|subkey| &subkey.binding);
        let cross = binding.and_then(Signature::embedded_signature);
        let mut all = [Some(signature), Some(self.self_signature), binding, cross].into_iter().flatten();
        if all.any(|signature| keyring::signature_expired(signature, now)) {
            return Err("openpgp: signature expired");
        }
        Ok(())
    }
}

/// The key with an identity equal to `id`, or else the only one with an identity that contains it.
fn choose<'k>(keys: &'k [Key], id: &str) -> Result<Option<&'k Key>> {
    let mut candidate = None;
    let mut vague = false;
    for key in keys {
        for identity in &key.identities {
            if identity.name == id {
                return Ok(Some(key));
            }
            if identity.name.contains(id) {
                vague |= candidate.is_some();
                candidate = Some(key);
            }
        }
    }
    if vague { Err(fault(format!("more than one key contain the id {}", quote(id.as_bytes())))) } else { Ok(candidate) }
}

/// Most lines of a signed text, and most bytes times lines: the library looks for dashes in the whole text at each line. A chart's
/// provenance file has a few hundred lines.
const LINES_LIMIT: usize = 20_000;
const LINES_TIMES_BYTES_LIMIT: usize = 1 << 33;

/// The clear-signed part of a text, without anything around it; `None` also for one that is larger than any chart's.
fn signed_block(text: &str) -> Option<String> {
    let start = if text.starts_with(BEGIN) { 0 } else { text.find(&format!("\n{BEGIN}"))? + 1 };
    let rest = text.get(start..)?;
    let end = rest.find(END)? + END.len();
    let block = rest.get(..end)?;
    // Line ends of all kinds.
    let lines = block.bytes().filter(|byte| matches!(byte, b'\n' | b'\r')).count();
    if lines > LINES_LIMIT || lines.saturating_mul(block.len()) > LINES_TIMES_BYTES_LIMIT {
        return None;
    }
    Some(format!("{block}\n"))
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
    fn texts_that_take_for_ever_to_read_are_not_read() {
        let text = signed(ADA, "ada@", "").expect("a signature");
        let signature = "\n-----BEGIN PGP SIGNATURE-----";
        for (place, more, times) in [
            ("\nname: a\n", "\n- ", 2_000_000),
            ("\nname: a\n", "\nxx", 1_000_000),
            ("\nname: a\n", "\n", 2_000_000),
            ("\nname: a\n", "\r", 2_000_000),
            ("\nHash: SHA512", "\nHash: SHA512", 300_000),
            (signature, signature, 100_000),
        ] {
            assert!(signed_block(&text).is_some());
            let long = text.replacen(place, &format!("{}{place}", more.repeat(times)), 1);
            assert!(long.len() > text.len() && signed_block(&long).is_none(), "{more:?}");
        }
        let long = text.replacen(signature, &format!("{signature}\n \n{}", "\nComment: x".repeat(300_000)), 1);
        let error = verify(b"archive", long.as_bytes(), "a-1.0.0.tgz", ADA_PUBLIC, None).expect_err("too long").to_string();
        assert!(error.ends_with("signature block not found"), "{error}");
        // What is within the limits is read in a moment.
        let long = text.replacen("\nname: a\n", &format!("\n{}\nname: a\n", "x".repeat(300_000) + &"\n- x".repeat(19_000)), 1);
        let began = std::time::Instant::now();
        assert!(verify(b"archive", long.as_bytes(), "a-1.0.0.tgz", ADA_PUBLIC, None).is_err() && signed_block(&long).is_some());
        assert!(began.elapsed().as_secs() < 60, "{:?}", began.elapsed());
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
        assert!(signed(LOCKED, "adam@", "open barley").expect_err("locked").to_string().ends_with("private key checksum failure"));
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

    /// Helm 4.2.4's results for the same keys and signatures, except for the last two.
    #[test]
    fn what_may_not_sign_does_not_verify() {
        const SUE: &[u8] = include_bytes!("../../testdata/provenance/sue.pub");
        // as GnuPG keeps keys, with trust packets between the others
        const PUBRING: &[u8] = include_bytes!("../../testdata/provenance/pubring.gpg");
        let archive = include_bytes!("../../testdata/provenance/helm-a-1.0.0.tgz");
        let rings = [PUBRING.to_vec(), [SUE, include_bytes!("../../testdata/provenance/sue-older-binding.sig"), PUBRING].concat()];
        for (text, expected) in [
            (&include_bytes!("../../testdata/provenance/rita.prov")[..], "openpgp: signature made by revoked key"),
            (include_bytes!("../../testdata/provenance/otto.prov"), "openpgp: key expired"),
            (include_bytes!("../../testdata/provenance/sue.prov"), "Sue <sue@example.test>"),
            (include_bytes!("../../testdata/provenance/sue-primary.prov"), "openpgp: signature made by unknown entity"),
            (include_bytes!("../../testdata/provenance/sue-revoked.prov"), "openpgp: signature made by revoked key"),
            (include_bytes!("../../testdata/provenance/sue-expired.prov"), "openpgp: key expired"),
            (include_bytes!("../../testdata/provenance/sue-sha1.prov"), "openpgp: invalid data: insecure hash algorithm"),
            (include_bytes!("../../testdata/provenance/bruno.prov"), "openpgp: unsupported feature: keys of the algorithm brainpoolP256r1"),
        ] {
            for ring in &rings {
                let found = verify(archive, text, "a-1.0.0.tgz", ring, Some(1_800_000_000));
                let found = found.map_or_else(|error| error.to_string(), |found| found.signed_by.join(", "));
                assert_eq!(found, expected);
            }
        }
    }

    /// As Helm 4.2.4.
    #[test]
    fn an_edited_text_does_not_verify() {
        const SUE: &str = include_str!("../../testdata/provenance/sue.prov");
        let edited = SUE.replacen("name: a", "name: b", 1);
        assert_ne!(edited, SUE);
        let archive = include_bytes!("../../testdata/provenance/helm-a-1.0.0.tgz");
        let ring = include_bytes!("../../testdata/provenance/pubring.gpg");
        let found = verify(archive, edited.as_bytes(), "a-1.0.0.tgz", ring, Some(1_800_000_000));
        assert_eq!(
            found.map_err(|error| error.to_string()).err().as_deref(),
            Some("openpgp: invalid signature: EdDSA verification failure")
        );
    }

    #[test]
    fn what_is_of_the_future_does_not_verify() {
        let mut ask = |_: &str| Ok(Vec::new());
        let signing = Signing { keyring: ADA, key: "ada@", passphrase: &mut ask, time: 1_900_000_000 };
        let text = sign(b"archive", "a-1.0.0.tgz", "name: a\n", signing).expect("a signature");
        let at = |now| {
            let found = verify(b"archive", text.as_bytes(), "a-1.0.0.tgz", ADA_PUBLIC, now);
            found.map_or_else(|error| error.to_string(), |_| String::new())
        };
        assert_eq!(at(None), "");
        assert_eq!(at(Some(1_900_000_000)), "");
        assert_eq!(at(Some(1_899_999_999)), "openpgp: signature expired");
        assert_eq!(at(Some(1_700_000_000)), "openpgp: key expired", "made later");
    }

    /// Helm 4.2.4's results for both keys, and for the second one at any time.
    #[test]
    fn a_compromised_key_never_held_and_another_held_until_it_was_revoked() {
        const CORA: &[u8] = include_bytes!("../../testdata/provenance/cora.pub");
        const SUE: &[u8] = include_bytes!("../../testdata/provenance/sue.pub");
        let archive = include_bytes!("../../testdata/provenance/helm-a-1.0.0.tgz");
        let revoked = "openpgp: signature made by revoked key";
        // Her key as it was before that day, except for the subkey.
        let sue = [&SUE[..77], &SUE[223..369], &SUE[663..1079]].concat();
        for (ring, text, before) in [
            (&sue[..], &include_bytes!("../../testdata/provenance/sue-revoked.prov")[..], "Sue <sue@example.test>"),
            (CORA, include_bytes!("../../testdata/provenance/cora.prov"), revoked),
        ] {
            // Both were revoked on the first of February 2024.
            for (now, expected) in
                [(Some(1_706_745_599), before), (Some(1_706_745_600), revoked), (Some(1_800_000_000), revoked), (None, revoked)]
            {
                let found = verify(archive, text, "a-1.0.0.tgz", ring, now);
                assert_eq!(found.map_or_else(|error| error.to_string(), |found| found.signed_by.join(", ")), expected, "{now:?}");
            }
        }
    }

    /// As in Helm 4.2.4.
    #[test]
    fn a_subkey_that_may_not_sign_is_nobody_s() {
        let archive = include_bytes!("../../testdata/provenance/helm-a-1.0.0.tgz");
        let (ring, text) = (include_bytes!("../../testdata/provenance/abel.pub"), include_bytes!("../../testdata/provenance/abel.prov"));
        let fault = verify(archive, text, "a-1.0.0.tgz", ring, Some(1_800_000_000)).expect_err("refused").to_string();
        assert_eq!(fault, "openpgp: signature made by unknown entity");
    }

    #[test]
    fn an_archive_is_named_with_its_digest() {
        let text = signed(ADA, "ada@", "").expect("a signature");
        let block = |files: &str| format!("{BEGIN}\nHash: SHA512\n\nname: a\n\n...\nfiles:\n{files}");
        let behind = text.split_once("-----BEGIN PGP SIGNATURE-----").expect("a signature").1;
        let with_files = |files: &str| format!("{}\n-----BEGIN PGP SIGNATURE-----{behind}", block(files));
        let sum = digest::sha256_hex(b"archive");
        for (provenance, archive, name, expected) in [
            (text.clone(), &b"archive"[..], "a-1.0.0.tgz", Some(true)),
            (text.clone(), b"other", "a-1.0.0.tgz", Some(false)),
            (text.clone(), b"archive", "b-1.0.0.tgz", Some(false)),
            (text.clone(), b"", "", Some(false)),
            // Whoever signed it, and whether or not the signature is valid.
            (with_files(&format!("  a-1.0.0.tgz: sha256:{sum}")), b"archive", "a-1.0.0.tgz", Some(true)),
            (with_files(&format!("  b.tgz: sha256:{sum}\n  a-1.0.0.tgz: sha256:00")), b"archive", "a-1.0.0.tgz", Some(false)),
            (with_files(&format!("  b.tgz: sha256:00\n  a-1.0.0.tgz: sha256:{sum}")), b"archive", "a-1.0.0.tgz", Some(true)),
            (with_files(&format!("  a-1.0.0.tgz: {sum}")), b"archive", "a-1.0.0.tgz", Some(false)),
            (with_files("  - a"), b"archive", "a-1.0.0.tgz", Some(false)),
            (format!("{BEGIN}\nHash: SHA512\n\nname: a\n-----BEGIN PGP SIGNATURE-----{behind}"), b"archive", "a-1.0.0.tgz", Some(false)),
            (format!("files:\n  a-1.0.0.tgz: sha256:{sum}\n"), b"archive", "a-1.0.0.tgz", None),
            (block(&format!("  a-1.0.0.tgz: sha256:{sum}")), b"archive", "a-1.0.0.tgz", None),
            (String::new(), b"archive", "a-1.0.0.tgz", None),
        ] {
            assert_eq!(names_archive(provenance.as_bytes(), archive, name), expected, "{name}: {provenance}");
        }
    }
}
