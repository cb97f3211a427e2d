//! The `rutter` binary: everything is in the library.

use std::process::ExitCode;

/// A run makes many small values and ends within milliseconds; with this allocator they take four fifths of the time.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    rutter::cli::main()
}
