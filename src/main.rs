//! The `rutter` binary: everything is in the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    rutter::cli::main()
}
