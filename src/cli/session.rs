//! What a running command uses: settings, notices, standard output, and the exit code to end with.
//!
//! Goes in: the environment and the settings. Comes out: bytes on the streams. Commands pass `&mut session.notices`
//! down to actions; the collected notices are shown when the command ends, or sooner with [`Session::show_notices`].

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

/// The program's name, unless it was called by another one.
const OWN_NAME: &str = "rutter";

/// Whether the error is that standard output was closed by its reader, which is not reported.
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
    /// The name or path that the program was called by, as in Helm's `HELM_BIN`.
    pub program: String,
    pub environment: Environment,
    pub settings: Settings,
    /// Messages of the layers below; shown on standard error.
    pub notices: Notices,
    /// Whether fetching is forbidden (`--offline`, `RUTTER_OFFLINE`).
    pub offline: bool,
    exit: Exit,
}

impl Session {
    /// Starts a run with these settings.
    pub fn new(program: String, environment: Environment, settings: Settings) -> Session {
        // An invalid variable is reported before a command runs; until then nothing may be fetched.
        let offline = environment.offline().unwrap_or(true);
        let notices = Notices::keeping_debug(settings.debug);
        Session { program, environment, settings, notices, offline, exit: Exit::Success }
    }

    /// The name that the program was called by, for messages and scripts: `helm` through a link of that name. A
    /// name with characters special to a shell is replaced by `rutter`.
    pub fn name(&self) -> &str {
        name_of(&self.program)
    }

    /// Whether the program was called under Helm's name, which may end in a version.
    pub fn is_helm(&self) -> bool {
        is_helm(self.name())
    }

    /// The release's namespace.
    pub fn namespace(&self) -> String {
        kubeconfig::namespace(&self.settings, &self.environment)
    }

    /// The variables that `env` shows and plugins receive.
    pub fn variables(&self) -> BTreeMap<&'static str, String> {
        self.settings.variables(&self.program, &self.namespace())
    }

    /// Standard output, locked and buffered; convert write errors with [`Session::write_error`].
    pub fn output(&self) -> BufWriter<StdoutLock<'static>> {
        BufWriter::with_capacity(1 << 16, io::stdout().lock())
    }

    /// Writes `text` to standard output as it is.
    pub fn print(&self, text: impl AsRef<[u8]>) -> Result<()> {
        let mut output = io::stdout().lock();
        output.write_all(text.as_ref()).and_then(|()| output.flush()).map_err(Session::write_error)
    }

    /// Writes a line to standard error that is neither a notice nor an error.
    pub fn tell(&self, line: &str) {
        printer::tell(line);
    }

    /// Warns of repositories whose addresses closed long ago, as Helm does before every command. Commands that
    /// need the file report it if it cannot be read.
    pub fn warn_of_expired_repositories(&self) {
        let Ok(Some(bytes)) = fs::read_if_there(Path::new(&self.settings.repository_config), FILE_LIMIT) else { return };
        // The address is rare, so the file is rarely parsed.
        if memchr::memmem::find(&bytes, b"storage.googleapis.com").is_none() {
            return;
        }
        let Ok(repositories) = Repositories::parse(&bytes) else { return };
        for (name, old, new) in config::CLOSED {
            // Helm checks the second one only if a repository has the first one's name.
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

    /// Shows the collected notices and clears them.
    pub fn show_notices(&mut self) {
        for notice in self.notices.take() {
            printer::print_notice(&notice, self.settings.debug);
        }
    }

    /// Shows an error immediately, when it is not the one that the command ends with.
    pub fn report(&mut self, error: &Error) {
        self.show_notices();
        printer::print_error(error, &self.settings);
    }

    /// Makes the process end with `exit` even if the command returns no error.
    pub fn set_exit(&mut self, exit: Exit) {
        self.exit = exit;
    }

    /// How the process ends if the command returns no error.
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
