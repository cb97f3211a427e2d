//! Deterministic chart archives and their provenance.

pub mod archive;
pub mod digest;
mod gzip;
#[cfg(feature = "remote")]
pub mod provenance;
