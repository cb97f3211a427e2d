//! TOML as BurntSushi/toml v1.6 reads and writes it.
//!
//! Goes in: bytes or a tree. Comes out: a [`Data`] tree or text; errors in the Go library's words.

mod parse;
mod write;

pub use parse::{TimeKind, Toml, parse};
pub use write::{Node, write};
