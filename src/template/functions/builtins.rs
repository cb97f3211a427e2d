//! The functions that Go's text/template itself brings.
//!
//! Goes in: evaluated arguments. Comes out: Go's results and error texts. `and`, `or` and `call` are not here: the
//! evaluator performs them, because they choose which of their arguments are evaluated. Follows text/template/funcs.go.

use super::Function;

/// The rows of this topic.
pub const FUNCTIONS: &[Function] = &[];
