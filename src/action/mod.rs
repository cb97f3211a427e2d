//! One operation each: options in, report out.
//!
//! Goes in: charts, values, options. Comes out: reports as data. Nothing here prints, exits, or asks clock and environment:
//! what an operation needs of these is handed in. The file of an operation has the name of its command; `advice` is no
//! operation but what people are told of a render that failed.

pub mod advice;
pub mod create;
#[cfg(feature = "remote")]
pub mod dependency;
pub mod lint;
pub mod package;
#[cfg(feature = "remote")]
pub mod pull;
#[cfg(feature = "remote")]
pub mod push;
#[cfg(feature = "remote")]
pub mod registry;
#[cfg(feature = "remote")]
pub mod repo;
#[cfg(feature = "remote")]
pub mod search;
pub mod show;
pub mod template;
pub mod values;
#[cfg(feature = "remote")]
pub mod verify;
