//! Chart archives and their signatures.
//!
//! Goes in: a chart in memory, or an archive's bytes with a keyring. Comes out: the bytes of `NAME-VERSION.tgz` ([`archive`]), the
//! same for the same files and times, whenever and wherever they are packed; their [`digest`]; the text that proves who signed them
//! (`provenance`, with the keys of a `keyring`); and archives of plugins ([`plugin`]). Files are written by the archive's `save`
//! alone. Matches Helm's `pkg/chart/v2/util/save.go` and `pkg/provenance`.

pub mod archive;
pub mod digest;
mod gzip;
#[cfg(feature = "remote")]
mod keyring;
pub mod plugin;
#[cfg(feature = "remote")]
pub mod provenance;
