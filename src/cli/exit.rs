//! Exit codes, in one place.
//!
//! Goes in: how a command ended. Comes out: the exit code of the process. Helm uses 0 and 1, and passes a plugin's own code through.

use std::process::ExitCode;

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

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> ExitCode {
        match exit {
            Exit::Success => ExitCode::SUCCESS,
            Exit::Failure => ExitCode::FAILURE,
            Exit::Code(code) => ExitCode::from(code),
        }
    }
}

/// The exit code when the reader of standard output closed the pipe, as a shell reports the signal that ends Helm then.
pub const CLOSED_OUTPUT: u8 = 141;

/// The exit code when an HTTP repository already has the pushed version, so that a pipeline can tell this from a failure.
pub const EXISTS: u8 = 3;
