//! Why a text is not YAML, before it is put into words.
//!
//! Goes in: what the reader, scanner, parser or composer found. Comes out: go-yaml's message. Apart from the crate's error type
//! because go-yaml counts lines differently for each of them, and a scanner's result should be one word wide.

use std::borrow::Cow;

/// Who found the fault; decides which line is named.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Origin {
    /// Characters that may not stand in YAML; never names a line.
    Reader,
    /// Names the line counted from 1.
    Scanner,
    /// Names the line counted from 0, as go-yaml does.
    Parser,
    /// Anchors, tags, merges and keys; never names a line.
    Decoder,
}

/// A fault in a text.
#[derive(Debug, Clone)]
pub(super) struct Fault {
    pub origin: Origin,
    pub problem: Cow<'static, str>,
    /// Where it was found, from 0.
    pub line: usize,
    /// Where the construct began that it was found in, from 0.
    pub context_line: usize,
    /// Bytes from the start of `line`, where the scanner stood; go-yaml keeps it to itself.
    pub column: Option<usize>,
}

/// What began as a key went on without its colon: that is noticed later, and the place to mend is where it began.
pub(super) const MISSING_COLON: &str = "could not find expected ':'";

/// The result of a step of reading.
pub(super) type Step<T> = Result<T, Box<Fault>>;

impl Fault {
    /// A fault without a line.
    pub(super) fn without_line(origin: Origin, problem: impl Into<Cow<'static, str>>) -> Box<Fault> {
        Box::new(Fault { origin, problem: problem.into(), line: 0, context_line: 0, column: None })
    }

    /// The line go-yaml names, or none: a fault on the first line falls back on the start of its construct (`parser.fail`).
    pub(super) fn named_line(&self) -> Option<usize> {
        match (self.line, self.context_line) {
            (0, 0) => None,
            (0, context) => Some(context),
            (line, _) if self.origin == Origin::Scanner => Some(line + 1),
            (line, _) => Some(line),
        }
    }

    /// The line of the text where the fault is, from 1, for our own diagnostics.
    pub(super) fn true_line(&self) -> Option<usize> {
        match self.origin {
            Origin::Scanner if self.problem == MISSING_COLON => Some(self.context_line + 1),
            Origin::Scanner | Origin::Parser => Some(self.line + 1),
            Origin::Reader | Origin::Decoder => None,
        }
    }

    /// Where on that line, in bytes from its start, if that is known.
    pub(super) fn true_column(&self) -> Option<usize> {
        self.column.filter(|_| self.problem != MISSING_COLON)
    }

    /// go-yaml's message: `yaml: line N: problem`.
    pub(super) fn message(&self) -> String {
        match self.named_line() {
            Some(line) => format!("yaml: line {line}: {}", self.problem),
            None => format!("yaml: {}", self.problem),
        }
    }
}
