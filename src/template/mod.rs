//! The Go template language as Helm configures it, and its functions.
//!
//! Goes in: template texts and a root value. Comes out: text. Lexer → parser → resolved tree → evaluator, with one output buffer.
//! Only `engine` knows charts. Follows Go 1.26 text/template, Sprig 3.3.0 and Helm 4.2.4.

pub mod ast;
pub mod engine;
mod eval;
pub mod format;
pub mod functions;
pub mod lexer;
mod literal;
pub mod parser;
pub mod time;
pub mod value;
pub(crate) mod work;

/// The keys of the `.` that Helm gives every file.
const TOP: [&str; 7] = ["Capabilities", "Chart", "Files", "Release", "Subcharts", "Template", "Values"];
