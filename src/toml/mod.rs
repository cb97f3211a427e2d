//! TOML as BurntSushi/toml v1.6 reads and writes it.
//!
//! Goes in: bytes or a tree. Comes out: a tree or text; errors in the Go library's words. It has its own trees ([`Toml`],
//! [`Node`]) because TOML has dates and Go distinguishes lists of tables from other lists.

mod lexer;
mod parse;
mod tables;
mod time;
mod write;

pub use parse::{Toml, parse};
pub use write::{Node, write};
