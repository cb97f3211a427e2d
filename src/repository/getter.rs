//! Fetching from addresses of schemes that are spoken elsewhere: `s3://bucket/charts`, `git+https://…`.
//!
//! Goes in: an address, and how its repository is reached. Comes out: the bytes that lie there. The library has no getter; the
//! command lends one that runs plugins. Follows Helm's `pkg/getter/plugingetter.go`.

use super::http::Access;
use crate::error::Result;
use std::fmt::Debug;

/// Somebody who fetches. Shared by threads.
pub trait Getter: Debug + Send + Sync {
    /// Whether addresses of this scheme (in lower case) are its business.
    fn provides(&self, scheme: &str) -> bool;

    /// What lies at `address`, at most `limit` bytes of it. `access` has what may be shown there and nothing else.
    fn get(&self, address: &str, access: &Access, limit: u64) -> Result<Vec<u8>>;
}
