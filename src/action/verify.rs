//! Checks the signature of an archive on disk.
//!
//! Goes in: the archive's path and a keyring. Comes out: who signed it. Matches Helm's `pkg/action/verify.go`.

use crate::error::Result;
use crate::fs;
use crate::package::provenance::{Verification, verify_file};
use std::path::Path;

/// Checks the archive at `path` against `path.prov`.
pub fn run(path: &Path, keyring: &Path, now: Option<i64>) -> Result<Verification> {
    verify_file(path, &fs::with_suffix(path, ".prov"), keyring, now)
}

/// Helm's lines about a good signature of an archive whose `kind` is `Chart` or `Plugin`.
pub fn lines(verification: &Verification, kind: &str) -> String {
    let mut text = String::new();
    for name in &verification.signed_by {
        text.push_str(&format!("Signed by: {}\n", crate::repository::printable(name)));
    }
    text.push_str(&format!("Using Key With Fingerprint: {}\n", verification.fingerprint));
    text.push_str(&format!("{kind} Hash Verified: {}\n", verification.file_hash));
    text
}
