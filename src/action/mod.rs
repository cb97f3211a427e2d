//! One operation each: options in, report out.
//!
//! Goes in: charts, values, options. Comes out: reports as data. Nothing here prints, exits, or reads the clock
//! or the environment: callers pass in what an operation needs of these. Each file is named after its command;
//! `advice` is not an operation but explains failed renders to people.

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
