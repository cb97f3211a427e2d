//! TOML as BurntSushi/toml v1.6 reads and writes it.
//!
//! Goes in: bytes or a tree. Comes out: a tree or text; errors in the Go library's words. Its trees are its own ([`Toml`],
//! [`Node`]) because TOML has dates and Go keeps lists of tables apart from other lists.

mod lexer;
mod parse;
mod tables;
mod time;
mod write;

pub use parse::{Toml, parse};
pub use write::{Node, write};
