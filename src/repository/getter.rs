//! Fetching from addresses of schemes that are spoken elsewhere: `s3://bucket/charts`, `git+https://…`.
//!
//! Goes in: an address, and how its repository is reached. Comes out: the bytes that lie there. The library has no getter; the
//! command lends one that runs plugins. Follows Helm's `pkg/getter/plugingetter.go`.

use super::access::Access;
use crate::diagnostic::Diagnostic;
use crate::error::{Error, Result};
use std::fmt::Debug;

/// Somebody who fetches. Shared by threads.
pub trait Getter: Debug + Send + Sync {
    /// Whether addresses of this scheme (in lower case) are its business.
    fn provides(&self, scheme: &str) -> bool;

    /// What lies at `address`, at most `limit` bytes of it. `access` has what may be shown there and nothing else.
    fn get(&self, address: &str, access: &Access, limit: u64) -> Result<Vec<u8>>;
}

/// The fault of an address of a scheme that nobody fetches from, with what may help.
pub fn unprovided(error: Error, scheme: &str) -> Error {
    let headline = error.message().to_string();
    let hint = format!("no plugin fetches from `{scheme}:` addresses; `rutter plugin list` shows those there are");
    error.with_diagnostic(Diagnostic { headline, hints: vec![hint], ..Diagnostic::default() })
}
