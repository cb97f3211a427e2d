//! What a command has at hand while it runs: settings, notices, standard output, and how the process will end.
//!
//! Goes in: the environment and the settings. Comes out: bytes on the streams. Commands hand `&mut session.notices` down to
//! actions; what has gathered there is shown when the command ends, or sooner with [`Session::show_notices`].

use super::environment::{Environment, Settings};
use super::exit::Exit;
use super::kubeconfig;
use super::printer;
use crate::diagnostic::Notices;
use crate::error::{Cause, Error, ErrorKind, Result};
use crate::fs;
use crate::quote::quote;
use crate::repository::config::{self, FILE_LIMIT, Repositories};
use std::collections::BTreeMap;
use std::io::{self, BufWriter, StdoutLock, Write};
use std::path::Path;

/// What the program is called unless it is called by another name.
const OWN_NAME: &str = "rutter";

/// Whether the error is that nobody reads standard output any more, of which nothing needs to be said.
pub fn is_closed_output(error: &Error) -> bool {
    error.is(Cause::ClosedOutput)
}

/// The base name of the path that the program was called by.
pub fn name_of(program: &str) -> &str {
    let name = Path::new(program).file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let name = name.strip_suffix(".exe").unwrap_or(name);
    let is_plain = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-'));
    if is_plain && !name.starts_with('-') { name } else { OWN_NAME }
}

fn is_helm(name: &str) -> bool {
    name.strip_prefix("helm").is_some_and(|rest| {
        let version = rest.strip_prefix(['-', '_']).unwrap_or(rest);
        let version = version.strip_prefix('v').unwrap_or(version);
        rest.is_empty() || !version.is_empty() && version.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.')
    })
}

/// One run of one command.
pub struct Session {
    /// The name under which the program was called, as Helm's `HELM_BIN`.
    pub program: String,
    pub environment: Environment,
    pub settings: Settings,
    /// What layers below have to say; shown on standard error.
    pub notices: Notices,
    /// Nothing may be fetched (`--offline`, `RUTTER_OFFLINE`).
    pub offline: bool,
    exit: Exit,
}

impl Session {
    /// A run with these settings.
    pub fn new(program: String, environment: Environment, settings: Settings) -> Session {
        // What cannot be read is told before a command runs; until then nothing is fetched.
        let offline = environment.offline().unwrap_or(true);
        let notices = Notices::keeping_debug(settings.debug);
        Session { program, environment, settings, notices, offline, exit: Exit::Success }
    }

    /// The name that the program goes by, for messages and scripts: `helm` through a link of that name. One that a shell could read as
    /// anything but a name is not taken.
    pub fn name(&self) -> &str {
        name_of(&self.program)
    }

    /// Whether the program goes by the name of Helm, which may end in a version.
    pub fn is_helm(&self) -> bool {
        is_helm(self.name())
    }

    /// The namespace that a release gets.
    pub fn namespace(&self) -> String {
        kubeconfig::namespace(&self.settings, &self.environment)
    }

    /// The variables that `env` shows and plugins are given.
    pub fn variables(&self) -> BTreeMap<&'static str, String> {
        self.settings.variables(&self.program, &self.namespace())
    }

    /// Standard output, locked and buffered; errors of writing go through [`Session::write_error`].
    pub fn output(&self) -> BufWriter<StdoutLock<'static>> {
        BufWriter::with_capacity(1 << 16, io::stdout().lock())
    }

    /// Writes `text` to standard output as it is.
    pub fn print(&self, text: impl AsRef<[u8]>) -> Result<()> {
        let mut output = io::stdout().lock();
        output.write_all(text.as_ref()).and_then(|()| output.flush()).map_err(Session::write_error)
    }

    /// Writes a line to standard error, for talk that is neither a notice nor an error.
    pub fn tell(&self, line: &str) {
        printer::tell(line);
    }

    /// Warns, as Helm does before every command, of repositories that are at addresses which closed long ago. A file that
    /// cannot be read is told of by the commands that need it.
    pub fn warn_of_expired_repositories(&self) {
        let Ok(Some(bytes)) = fs::read_if_there(Path::new(&self.settings.repository_config), FILE_LIMIT) else { return };
        // Seldom there, so that the file is seldom parsed.
        if memchr::memmem::find(&bytes, b"storage.googleapis.com").is_none() {
            return;
        }
        let Ok(repositories) = Repositories::parse(&bytes) else { return };
        for (name, old, new) in config::CLOSED {
            // Helm looks for the second only if there is one of the first's name.
            let Some(entry) = repositories.get(name) else { return };
            if entry.url.contains(old) {
                self.tell(&format!("WARNING: {} is deprecated for {} and will be deleted Nov. 13, 2020.", quote(old), quote(name)));
                self.tell(&format!("WARNING: You should switch to {} via:", quote(new)));
                self.tell(&format!("WARNING: {} repo add {} {} --force-update", self.name(), quote(name), quote(new)));
            }
        }
    }

    /// The error of a failed write to standard output.
    pub fn write_error(error: io::Error) -> Error {
        if error.kind() == io::ErrorKind::BrokenPipe {
            return Error::new(ErrorKind::Io, "write /dev/stdout: broken pipe").with_cause(Cause::ClosedOutput);
        }
        fs::fault("write", Path::new("/dev/stdout"), &error)
    }

    /// Shows the notices that have gathered and forgets them.
    pub fn show_notices(&mut self) {
        for notice in std::mem::take(&mut self.notices.list) {
            printer::print_notice(&notice, self.settings.debug);
        }
    }

    /// Shows an error at once, when the one that the command ends with is not the only one.
    pub fn report(&mut self, error: &Error) {
        self.show_notices();
        printer::print_error(error, &self.settings);
    }

    /// Lets the process end with `exit` although the command gave no error.
    pub fn set_exit(&mut self, exit: Exit) {
        self.exit = exit;
    }

    /// How the process ends when the command gave no error.
    pub fn exit(&self) -> Exit {
        self.exit
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_is_what_the_program_was_called_by_if_a_shell_may_have_it() {
        for (program, name) in [
            ("rutter", "rutter"),
            ("/opt/x/helm", "helm"),
            ("./helm-4.2", "helm-4.2"),
            ("helm.exe", "helm"),
            ("", "rutter"),
            ("/tmp/a$(b)", "rutter"),
            ("a b", "rutter"),
            ("-helm", "rutter"),
            ("/tmp/..", "rutter"),
        ] {
            assert_eq!(name_of(program), name, "{program}");
        }
    }

    #[test]
    fn names_of_helm() {
        for name in ["helm", "/opt/bin/helm", "helm.exe", "helm3", "helm4", "helm_v4", "helm-v4.2.4", "helm-4.2"] {
            assert!(is_helm(name_of(name)), "{name}");
        }
        for name in ["rutter", "helm-diff", "helmfile", "helm-", "helmv", "/helm/rutter", ""] {
            assert!(!is_helm(name_of(name)), "{name}");
        }
    }
}
