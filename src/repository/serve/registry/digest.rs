//! Content digests as the distribution spec writes them: `sha256:HEX` and `sha512:HEX`.
//!
//! Goes in: text from a request or a manifest. Comes out: a checked [`Digest`] and the object name for it.
//! Separate because no untrusted text may become part of an object's name unchecked.

use crate::repository::oci::{digest_of, has_digest, valid_digest};

/// A digest of a supported algorithm.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Digest(String);

impl Digest {
    /// Parses `ALGORITHM:HEX`; `None` for other algorithms and for anything but lower-case hex of the right length.
    pub fn parse(text: &str) -> Option<Digest> {
        valid_digest(text).then(|| Digest(text.to_string()))
    }

    /// The SHA-256 of these bytes.
    pub fn of(bytes: &[u8]) -> Digest {
        Digest(digest_of(bytes))
    }

    /// Whether these bytes have this digest.
    pub fn fits(&self, bytes: &[u8]) -> bool {
        has_digest(bytes, &self.0)
    }

    /// `ALGORITHM:HEX`.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The hex of a SHA-256 digest.
    pub fn sha256(&self) -> Option<&str> {
        self.0.strip_prefix("sha256:")
    }

    /// The bytes of a SHA-256 digest.
    pub fn bytes(&self) -> Option<crate::package::digest::Digest> {
        data_encoding::HEXLOWER.decode(self.sha256()?.as_bytes()).ok()?.try_into().ok()
    }

    /// The last part of the name of the object stored under this digest.
    pub fn key(&self) -> String {
        self.sha256().map_or_else(|| self.0.replace(':', "-"), str::to_string)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sha2::{Digest as _, Sha512};

    #[test]
    fn only_whole_digests_of_known_algorithms() {
        let short = Digest::of(b"");
        assert_eq!(short.as_str(), "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
        assert_eq!(Digest::parse(short.as_str()).as_ref(), Some(&short));
        let long = Digest::parse(&format!("sha512:{}", data_encoding::HEXLOWER.encode(&Sha512::digest(b"a")))).expect("a digest");
        assert!(long.fits(b"a") && !long.fits(b"") && short.fits(b"") && !short.fits(b"a"));
        assert_eq!(short.bytes(), Some(crate::package::digest::sha256(b"")));
        assert_eq!(long.bytes(), None);
        assert!(long.key().starts_with("sha512-") && long.sha256().is_none());
        for bad in ["", "sha256", "sha256:", "sha256:../x", "md5:d41d8cd98f00b204e9800998ecf8427e", &short.as_str().to_uppercase()] {
            assert_eq!(Digest::parse(bad), None, "{bad}");
        }
    }
}
