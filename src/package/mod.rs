//! Chart archives and their signatures.
//!
//! Goes in: a chart in memory, or an archive's bytes with a keyring. Comes out: the bytes of `NAME-VERSION.tgz`
//! ([`archive`]), which depend only on the files and their times; their [`digest`]; the text that proves who
//! signed them (`provenance`, with the keys of a `keyring`); and archives of plugins ([`plugin`]). Only the
//! archive's `save` writes files. Matches Helm's `pkg/chart/v2/util/save.go` and `pkg/provenance`.

pub mod archive;
pub mod digest;
mod gzip;
#[cfg(feature = "remote")]
mod keyring;
pub mod plugin;
#[cfg(feature = "remote")]
pub mod provenance;
