//! rutter, a Helm-compatible chart tool: the path of a chart from folder to published archive.
//!
//! A module imports only from modules above it:
//!
//! 1. [`error`], [`diagnostic`], [`base64`], [`data`], `der`, [`number`], [`quote`], [`regexp`], [`url`], [`fs`], [`parallel`], `process`, `stack`, [`time`], [`unicode`], [`version`]
//! 2. [`yaml`], [`json`], [`toml`]: texts to trees and back, as Go does it; `jinja`: texts that are Jinja templates
//! 3. [`chart`]: the chart tree in memory, from folders and archives
//! 4. [`values`]: `--set`, values files, coalescing, schema
//! 5. [`dependency`]: which subcharts live
//! 6. [`template`]: the template language and its functions
//! 7. [`manifest`]: rendered text to documents in install order
//! 8. [`lint`], [`package`]
//! 9. [`repository`]: where charts live
//! 10. [`action`]: one operation each, options in, report out
//! 11. [`renderer`]: the crate for those who embed it
//! 12. `cli`: arguments, commands, printing, exit codes
//!
//! To render from a program of your own, start at [`Renderer`]; without the features `cli` and `remote` the crate is an
//! offline renderer with few dependencies.

// What clippy.toml forbids: reading files past `fs`; the environment, the clock and printing outside `cli`. Tests may.
#![cfg_attr(not(test), warn(clippy::disallowed_methods, clippy::disallowed_macros))]

pub mod action;
pub mod base64;
pub mod chart;
#[cfg(feature = "cli")]
pub mod cli;
pub mod data;
pub mod dependency;
mod der;
pub mod diagnostic;
pub mod error;
pub mod fs;
#[cfg(feature = "cli")]
pub mod jinja;
pub mod json;
pub mod lint;
pub mod manifest;
pub mod number;
pub mod package;
pub mod parallel;
#[cfg(feature = "remote")]
mod process;
pub mod quote;
pub mod regexp;
pub mod renderer;
pub mod repository;
mod stack;
pub mod template;
pub mod time;
pub mod toml;
pub mod unicode;
pub mod url;
pub mod values;
pub mod version;
pub mod yaml;

pub use chart::Chart;
pub use renderer::{Rendered, Renderer};
pub use template::engine::Environment;
