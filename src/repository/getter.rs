//! Fetching from addresses whose schemes this library does not implement: `s3://bucket/charts`, `git+https://…`.
//!
//! Goes in: an address, and how its repository is accessed. Comes out: the fetched bytes. The library has no
//! getter; the command line passes one in that runs plugins. Follows Helm's `pkg/getter/plugingetter.go`.

use super::access::Access;
use crate::diagnostic::Diagnostic;
use crate::error::{Error, Result};
use std::fmt::Debug;

/// Fetches addresses of other schemes. Shared by threads.
pub trait Getter: Debug + Send + Sync {
    /// Whether the getter handles this scheme (in lower case).
    fn provides(&self, scheme: &str) -> bool;

    /// Fetches at most `limit` bytes from `address`. `access` holds only what may be sent there.
    fn get(&self, address: &str, access: &Access, limit: u64) -> Result<Vec<u8>>;
}

/// Adds a hint to the error for a scheme that nothing fetches.
pub fn unprovided(error: Error, scheme: &str) -> Error {
    let headline = error.message().to_string();
    let hint = format!("no plugin fetches from `{scheme}:` addresses; `rutter plugin list` shows those there are");
    error.with_diagnostic(Diagnostic { headline, hints: vec![hint], ..Diagnostic::default() })
}
