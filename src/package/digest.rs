//! SHA-256 sums of archives, as indexes, locks and provenance files hold them.
//!
//! Goes in: bytes. Comes out: lower-case hex. One place, so that every sum in the program is computed by the same fast code.

use aws_lc_rs::digest::{Context, SHA256};

/// The hex digest of `bytes`.
pub fn sha256(bytes: &[u8]) -> String {
    let mut context = Context::new(&SHA256);
    context.update(bytes);
    data_encoding::HEXLOWER.encode(context.finish().as_ref())
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_digest_is_sha256() {
        assert_eq!(super::sha256(b"abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    }
}
