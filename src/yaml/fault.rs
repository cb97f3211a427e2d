//! Why a text is not YAML, before it becomes a message.
//!
//! Goes in: the findings of the reader, scanner, parser or composer. Comes out: go-yaml's message. It is separate from the crate's
//! error type because go-yaml counts lines differently for each of them, and a scanner's result should be one word wide.

use std::borrow::Cow;

/// The stage that found the fault, which decides the line in the message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Origin {
    /// Characters that are not allowed in YAML; never names a line.
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
    /// The line of the fault, from 0.
    pub line: usize,
    /// The line where the enclosing construct began, from 0.
    pub context_line: usize,
    /// The scanner's position in bytes from the start of `line`; go-yaml does not report it.
    pub column: Option<usize>,
    /// The line of a fault whose message names none, from 0, for our own diagnostics.
    pub place: Option<usize>,
}

/// A key without its colon is noticed later; the place to fix is its start.
pub(super) const MISSING_COLON: &str = "could not find expected ':'";

/// What a text that is not closed is told as; the place to fix is where it opens.
pub(super) const END_OF_STREAM: &str = "found unexpected end of stream";

/// The result of a reading step.
pub(super) type Step<T> = Result<T, Box<Fault>>;

impl Fault {
    /// A fault without a line.
    pub(super) fn without_line(origin: Origin, problem: impl Into<Cow<'static, str>>) -> Box<Fault> {
        Box::new(Fault { origin, problem: problem.into(), line: 0, context_line: 0, column: None, place: None })
    }

    /// The same fault, found on this line, counted from 0.
    pub(super) fn found_on(mut self: Box<Fault>, line: usize) -> Box<Fault> {
        self.place = Some(line);
        self
    }

    /// Whether the place to fix is where the enclosing construct begins.
    fn is_of_context(&self) -> bool {
        self.problem == MISSING_COLON || self.problem == END_OF_STREAM
    }

    /// The line in go-yaml's message, if any: a fault on the first line falls back on the start of its construct (`parser.fail`).
    pub(super) fn named_line(&self) -> Option<usize> {
        match (self.line, self.context_line) {
            (0, 0) => None,
            (0, context) => Some(context),
            (line, _) if self.origin == Origin::Scanner => Some(line + 1),
            (line, _) => Some(line),
        }
    }

    /// The line of the fault, from 1, for our own diagnostics.
    pub(super) fn true_line(&self) -> Option<usize> {
        match self.origin {
            Origin::Scanner if self.is_of_context() => Some(self.context_line + 1),
            Origin::Scanner | Origin::Parser => Some(self.line + 1),
            Origin::Reader | Origin::Decoder => self.place.map(|line| line + 1),
        }
    }

    /// The column of the fault on that line, in bytes, if known.
    pub(super) fn true_column(&self) -> Option<usize> {
        self.column.filter(|_| !self.is_of_context())
    }

    /// go-yaml's message: `yaml: line N: problem`.
    pub(super) fn message(&self) -> String {
        match self.named_line() {
            Some(line) => format!("yaml: line {line}: {}", self.problem),
            None => format!("yaml: {}", self.problem),
        }
    }
}
