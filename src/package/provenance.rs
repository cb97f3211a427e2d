//! Provenance files: who signed an archive, and what it must look like.
//!
//! Goes in: an archive's bytes and name, Chart.yaml as it was packed, a keyring in GnuPG's binary export format. Comes out:
//! the text of `ARCHIVE.prov`, clear-signed (Hash: SHA512), or the proof that such a text belongs to an archive. Follows
//! Helm's `pkg/provenance`: signature first, then the archive's name, then its digest.

use crate::error::{Error, ErrorKind, Result};

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

/// The text of the provenance file of `archive`, whose file name is `file_name`; `metadata` is its Chart.yaml as packed.
pub fn sign(archive: &[u8], file_name: &str, metadata: &str, signing: Signing<'_>) -> Result<String> {
    let _ = (archive, file_name, metadata, signing);
    Err(Error::new(ErrorKind::Unsupported, "signing is not built yet"))
}

/// Checks that `provenance` is a valid signature by a key of `keyring` and that it speaks of this archive under this name.
pub fn verify(archive: &[u8], provenance: &[u8], file_name: &str, keyring: &[u8]) -> Result<Verification> {
    let _ = (archive, provenance, file_name, keyring);
    Err(Error::new(ErrorKind::Unsupported, "verifying is not built yet"))
}
