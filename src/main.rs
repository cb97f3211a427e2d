//! The `rutter` binary: everything is in the library.

use std::process::ExitCode;

/// A run makes many small values and is over in milliseconds; this allocator makes them in four fifths of the time.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    rutter::cli::main()
}
