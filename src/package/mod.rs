//! Deterministic chart archives and their provenance.

#[cfg(feature = "remote")]
pub mod provenance;
