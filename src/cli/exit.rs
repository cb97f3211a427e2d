//! Exit codes, in one place.
//!
//! Goes in: how a command ended. Comes out: the code that the process leaves with. Helm knows 0 and 1, and hands a
//! plugin's own code through.

use std::process::ExitCode;

/// How the process ends.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Exit {
    /// 0: all was done.
    #[default]
    Success,
    /// 1: any error.
    Failure,
    /// The code with which a plugin ended.
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

/// The code of a process whose reader closed the pipe, as a shell shows the signal that ends Helm then.
pub const CLOSED_OUTPUT: u8 = 141;

/// The code of a push to an HTTP repository that has the version already, so that a pipeline can tell it from a failure.
pub const EXISTS: u8 = 3;
