//! Deterministic chart archives and their provenance.

pub mod archive;
pub mod digest;
#[cfg(feature = "remote")]
pub mod provenance;
