//! Exit codes, in one place.
//!
//! Goes in: how a command ended. Comes out: the exit code of the process. Helm uses 0 and 1, and passes a plugin's own code through.

use std::io::{self, Write};

/// How the process ends.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Exit {
    /// 0: the command succeeded.
    #[default]
    Success,
    /// 1: any error.
    Failure,
    /// The exit code of a plugin.
    Code(u8),
}

impl Exit {
    /// The code that the system is told.
    fn code(self) -> u8 {
        match self {
            Exit::Success => 0,
            Exit::Failure => 1,
            Exit::Code(code) => code,
        }
    }

    /// Ends the process at once, whatever other threads are at, and without what libraries do when a process exits: AWS-LC would
    /// take the random numbers away from a thread that generates a key or talks TLS, and that thread would abort the process.
    pub fn end(self) -> ! {
        // What could not be written was told by who wrote it.
        let _ = io::stdout().flush();
        signal_hook::low_level::exit(self.code().into())
    }
}

/// The exit code when the reader of standard output closed the pipe, as a shell reports the signal that ends Helm then.
pub const CLOSED_OUTPUT: u8 = 141;

/// The exit code when an HTTP repository already has the pushed version, or a registry has it with another archive, so that a pipeline
/// can tell this from a failure.
pub const EXISTS: u8 = 3;
