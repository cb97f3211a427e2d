//! SHA-256 digests of archives, as indexes, locks, caches, registries and provenance files hold them.
//!
//! Goes in: bytes. Comes out: the digest, and its lower-case hex, the only form that Helm writes. Everything that is
//! packed, fetched or served uses these functions; templates and Chart.lock compute their digests in lower layers.

use aws_lc_rs::digest::SHA256;

/// A SHA-256 digest.
pub type Digest = [u8; 32];

/// The digest of `bytes`.
pub fn sha256(bytes: &[u8]) -> Digest {
    let mut digest = Digest::default();
    digest.copy_from_slice(aws_lc_rs::digest::digest(&SHA256, bytes).as_ref());
    digest
}

/// The digest of `bytes` in hex.
pub fn sha256_hex(bytes: &[u8]) -> String {
    hex(&sha256(bytes))
}

/// Bytes in lower-case hex.
pub fn hex(bytes: &[u8]) -> String {
    data_encoding::HEXLOWER.encode(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_digest_is_sha256() {
        assert_eq!(sha256_hex(b"abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        assert_eq!(hex(&sha256(b"")), sha256_hex(b""));
    }
}
