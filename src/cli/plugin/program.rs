//! Finds the file to run for a program's name, and words the error if there is none.
//!
//! Goes in: a program as a plugin names it. Comes out: a [`Command`]. On Windows names omit their ending, and `PATHEXT` lists the
//! possible ones, whereas Rust's own search knows only `.exe`: plugins there are often `.bat` or `.cmd`. Follows Go's `os/exec`.

use crate::cli::environment::Environment;
use crate::error::{Error, ErrorKind};
use crate::fs;
use crate::quote::quote;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The endings of programs if `PATHEXT` is not set.
const ENDINGS: &str = ".com;.exe;.bat;.cmd";

/// The characters that separate the parts of a path on this system.
const SEPARATORS: &[char] = if cfg!(windows) { &['/', '\\', ':'] } else { &['/'] };

/// The command that runs this program.
pub(super) fn command(program: &str, environment: &Environment) -> Command {
    let found = if cfg!(windows) { find(program, environment) } else { None };
    Command::new(found.unwrap_or_else(|| PathBuf::from(program)))
}

/// The program with its ending, at its own path or in a folder of `PATH`.
fn find(program: &str, environment: &Environment) -> Option<PathBuf> {
    let endings = environment.get_filled("PATHEXT").unwrap_or_else(|| ENDINGS.to_string());
    if program.contains(SEPARATORS) {
        return with_ending(Path::new(program), &endings);
    }
    let folders = environment.get("PATH")?;
    std::env::split_paths(&folders).find_map(|folder| with_ending(&folder.join(program), &endings))
}

fn with_ending(path: &Path, endings: &str) -> Option<PathBuf> {
    let is_file = |path: &PathBuf| fs::stat(path).is_ok_and(|entry| entry.kind == fs::Kind::File);
    let as_named = Some(path.to_path_buf()).filter(|path| path.extension().is_some() && is_file(path));
    let with = |ending: &str| {
        let mut name = path.as_os_str().to_os_string();
        name.push(ending);
        PathBuf::from(name)
    };
    as_named.or_else(|| endings.split(';').filter(|ending| !ending.is_empty()).map(with).find(is_file))
}

/// The error of a program that could not be started.
pub(super) fn not_started(error: &std::io::Error, command: &Command) -> Error {
    let program = command.get_program();
    // Go searches `PATH` for a name without a folder first, hence the different error.
    if error.kind() == std::io::ErrorKind::NotFound && !program.to_string_lossy().contains(SEPARATORS) {
        let name = quote(program.to_string_lossy().as_bytes());
        let variable = if cfg!(windows) { "%PATH%" } else { "$PATH" };
        return Error::new(ErrorKind::Usage, format!("exec: {name}: executable file not found in {variable}"));
    }
    fs::fault("fork/exec", Path::new(program), error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_are_found_without_their_ending() {
        let top = tempfile::tempdir().unwrap();
        let path = |name: &str| top.path().join(name);
        for name in ["run.cmd", "run.x", "tool"] {
            fs::write(&path(name), b"").unwrap();
        }
        let environment =
            |pairs: &[(&str, String)]| Environment::of(pairs.iter().map(|(name, value)| (name.to_string(), value.clone())).collect());
        let folders = ("PATH", top.path().to_string_lossy().into_owned());
        let usual = environment(std::slice::from_ref(&folders));
        assert_eq!(find("run", &usual), Some(path("run.cmd")));
        assert_eq!(find("run.x", &usual), Some(path("run.x")));
        assert_eq!(find("tool", &usual), None, "it has no ending");
        assert_eq!(find(&path("run").to_string_lossy(), &usual), Some(path("run.cmd")));
        assert_eq!(find("run", &environment(&[folders, ("PATHEXT", ".A;.x".to_string())])), Some(path("run.x")));
    }
}
