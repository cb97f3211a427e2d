//! The one error type that leaves this crate.
//!
//! Goes in: a coarse kind, Helm's text of the fault, and, where known, diagnostics with places and hints.
//! Comes out: an opaque [`Error`], one pointer wide; its `Display` is Helm's text (what follows `Error: `), on which scripts rely.

use crate::diagnostic::{Diagnostic, Location};
use std::fmt;

/// The general kind of a fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// Wrong flags or arguments.
    Usage,
    /// A file could not be read or written.
    Io,
    /// A text is not YAML, JSON or TOML.
    Syntax,
    /// A chart cannot be loaded or is invalid.
    Chart,
    /// Values cannot be read, merged or do not fit the schema.
    Values,
    /// A dependency is missing or cannot be resolved.
    Dependency,
    /// A template does not parse or fails.
    Template,
    /// A rendered text is not a manifest.
    Manifest,
    /// Lint found faults.
    Lint,
    /// A chart repository or registry refused or failed.
    Repository,
    /// A registry does not have what was requested.
    Missing,
    /// What was to be published already exists.
    Exists,
    /// A signature or digest does not match.
    Verification,
    /// An input is larger, deeper or longer than allowed.
    Limit,
    /// The request is not supported by this program or this build.
    Unsupported,
}

/// The precise cause, for callers in this crate that handle it specially. It is never shown, and adding context to the fault keeps
/// it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cause {
    /// The reader of standard output has closed it.
    ClosedOutput,
    /// A supposed archive does not begin like a gzip stream.
    NoGzip,
    /// Access was denied; the object may exist.
    NotAllowed,
    /// A digest has other characters than hexadecimal digits, or an odd number of digits.
    NotHexadecimal,
    /// Two dependencies have the same name or alias.
    RepeatedName,
    /// Values do not fit a values.schema.json.
    SchemaFaults,
    /// The store of a host's credentials cannot provide them.
    UnresolvedCredential,
    /// The version control system of an address is unknown, or a folder is under none.
    UnknownVersionControl,
}

/// The result of anything fallible in this crate.
pub type Result<T> = std::result::Result<T, Error>;

/// A fault. It is one pointer wide, so that a `Result` costs little on success.
#[derive(Debug, Clone)]
pub struct Error(Box<Inner>);

#[derive(Debug, Clone)]
struct Inner {
    kind: ErrorKind,
    cause: Option<Cause>,
    message: String,
    diagnostics: Vec<Diagnostic>,
}

impl Error {
    /// A fault of this kind in Helm's words.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Error {
        Error(Box::new(Inner { kind, cause: None, message: message.into(), diagnostics: Vec::new() }))
    }

    /// The same fault with `context: ` before its text, as Go's `fmt.Errorf("context: %w", err)`.
    pub fn context(mut self, context: impl fmt::Display) -> Error {
        self.0.message = format!("{context}: {}", self.0.message);
        self
    }

    /// The same fault with `text` appended to its own.
    pub fn followed_by(mut self, text: &str) -> Error {
        self.0.message.push_str(text);
        self
    }

    /// The same fault as another kind.
    pub fn with_kind(mut self, kind: ErrorKind) -> Error {
        self.0.kind = kind;
        self
    }

    /// The same fault with this cause.
    pub(crate) fn with_cause(mut self, cause: Cause) -> Error {
        self.0.cause = Some(cause);
        self
    }

    /// Whether the fault has this cause.
    pub(crate) fn is(&self, cause: Cause) -> bool {
        self.0.cause == Some(cause)
    }

    /// The same fault with one more diagnostic, whose headline is the text so far if it has none.
    pub fn with_diagnostic(mut self, mut diagnostic: Diagnostic) -> Error {
        if diagnostic.headline.is_empty() {
            diagnostic.headline.clone_from(&self.0.message);
        }
        self.0.diagnostics.push(diagnostic);
        self
    }

    /// The same fault, with `file` as the file of all places that name none.
    pub fn in_file(mut self, file: &str) -> Error {
        for location in self.0.diagnostics.iter_mut().filter_map(|diagnostic| diagnostic.location.as_mut()) {
            if location.file.is_empty() {
                location.file = file.to_string();
            }
        }
        self
    }

    /// The general kind of this fault.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// Helm's text, as `Display` prints it.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// Its places and hints; empty when the text says everything.
    pub fn diagnostics(&self) -> &[Diagnostic] {
        &self.0.diagnostics
    }

    /// The first place that is known.
    pub fn place(&self) -> Option<&Location> {
        self.0.diagnostics.iter().find_map(|diagnostic| diagnostic.location.as_ref())
    }

    /// The line of [`Error::place`], from 1.
    pub fn line(&self) -> Option<usize> {
        self.place().map(|place| place.line)
    }

    /// The diagnostics, to add notes and hints from a layer that knows more.
    pub fn diagnostics_mut(&mut self) -> &mut Vec<Diagnostic> {
        &mut self.0.diagnostics
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)
    }
}

impl std::error::Error for Error {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_diagnostic_without_a_headline_has_the_text() {
        let error = Error::new(ErrorKind::Io, "too bad").with_diagnostic(Diagnostic::default());
        assert_eq!(error.diagnostics()[0].headline, "too bad");
    }
}
