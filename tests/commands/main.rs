//! The `rutter` binary from outside: one module for each concern. What can be shown at a lower layer is tested there.

#[cfg(all(unix, feature = "serve"))]
mod browser;
#[cfg(feature = "serve")]
mod buckets;
mod cases;
#[cfg(unix)]
mod completion;
#[cfg(feature = "serve")]
mod distribution;
mod examples;
#[cfg(all(unix, feature = "serve"))]
mod full_disk;
#[cfg(feature = "serve")]
mod helm;
#[cfg(all(unix, feature = "serve"))]
mod holes;
#[cfg(unix)]
mod hostile;
#[cfg(all(unix, feature = "serve"))]
mod kill;
#[cfg(all(unix, feature = "serve"))]
mod lint;
#[cfg(unix)]
mod modes;
#[cfg(feature = "serve")]
mod museum;
#[cfg(feature = "serve")]
mod offline;
mod peers;
#[cfg(all(unix, feature = "serve"))]
mod plugins;
#[cfg(all(unix, feature = "serve"))]
mod readme;
mod registries;
#[cfg(feature = "serve")]
mod serve;
mod signing;
#[cfg(all(unix, feature = "serve"))]
mod streams;
#[path = "../support/mod.rs"]
mod support;
#[cfg(unix)]
mod terminal;
mod webdav;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// The repository's top folder.
fn top() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The binary with an empty home, away from this machine's Helm settings.
fn rutter(home: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_rutter"));
    command.env_clear().env("HOME", home).env("PATH", std::env::var_os("PATH").unwrap_or_default()).current_dir(top());
    command
}

/// Standard output of a run that must succeed.
fn output_of(command: &mut Command) -> String {
    let output: Output = command.output().expect("the binary runs");
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{command:?} ended with {}: {error}", output.status);
    String::from_utf8(output.stdout).expect("UTF-8")
}

/// A new folder that goes away with the guard.
fn folder() -> (tempfile::TempDir, PathBuf) {
    let guard = tempfile::tempdir().expect("a temporary folder");
    let path = guard.path().to_path_buf();
    (guard, path)
}
