//! Sprig's cryptographic functions (crypto.go) and its random strings.
//!
//! Goes in: texts, keys and certificates in PEM. Comes out: digests, keys, certificates. The random source and the clock
//! are the host's.

use super::Function;

pub const FUNCTIONS: &[Function] = &[];
