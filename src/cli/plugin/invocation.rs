//! Running the programs of plugins.
//!
//! Goes in: a plugin and the words of its command line, or an event. Comes out: its program for this platform,
//! with variables expanded, rutter's own flags removed and Helm's variables in its environment. Matches Helm's
//! `internal/plugin/runtime_subprocess.go`, `subprocess_commands.go` and `pkg/cmd/load_plugins.go`.

use super::manifest::{Plugin, Program, SUBPROCESS};
use super::program;
use crate::cli::environment::Environment;
use crate::cli::exit::Exit;
use crate::cli::session::Session;
use crate::error::{Error, ErrorKind, Result};
use crate::quote::quote;
use crate::template::functions::variables::expand;
use std::collections::BTreeMap;
use std::process::{Command, Stdio};

/// When a hook runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    Install,
    Update,
    Delete,
}

impl Event {
    fn name(self) -> &'static str {
        match self {
            Event::Install => "install",
            Event::Update => "update",
            Event::Delete => "delete",
        }
    }
}

/// Variables to add to a program's environment.
pub(super) type Variables = BTreeMap<&'static str, String>;

/// A plugin's program, ready to run.
pub(super) struct Prepared {
    pub(super) program: String,
    pub(super) arguments: Vec<String>,
    pub(super) variables: Variables,
}

impl Prepared {
    pub(super) fn command(&self, environment: &Environment) -> Command {
        let mut command = program::command(&self.program, environment);
        command.args(&self.arguments).envs(&self.variables);
        command
    }
}

/// The program for this platform: that for system and architecture, else that for the system, else that for any platform.
fn for_platform<'a>(programs: &'a [Program], system: &str, architecture: &str) -> Option<&'a Program> {
    let rank = |program: &&Program| match (program.system.as_str(), program.architecture.as_str()) {
        (os, arch) if os.eq_ignore_ascii_case(system) && arch.eq_ignore_ascii_case(architecture) => Some(0),
        (os, "") if os.eq_ignore_ascii_case(system) => Some(1),
        ("", "") => Some(2),
        _ => None,
    };
    programs.iter().filter(|program| rank(program).is_some()).min_by_key(rank)
}

impl Plugin {
    /// The plugin's program with its own arguments followed by `arguments`, and with `variables` added to the environment.
    pub(super) fn command(&self, arguments: &[String], variables: Variables, session: &Session) -> Result<Command> {
        if self.runtime != SUBPROCESS {
            let message = format!("unsupported plugin runtime type: {}", quote(self.runtime.as_bytes()));
            return Err(Error::new(ErrorKind::Unsupported, message));
        }
        let mut command = self
            .prepare(&self.programs, true, variables, &session.environment)
            .map_err(|error| error.context("failed to prepare plugin command"))?
            .command(&session.environment);
        command.args(arguments);
        Ok(command)
    }

    /// Runs the plugin as a command. `words` are the command line without the command's name.
    pub fn run(&self, words: &[String], session: &mut Session) -> Result<()> {
        session.show_notices();
        let (_, arguments) = split_own_flags(words)?;
        let arguments = if self.ignore_flags { Vec::new() } else { arguments };
        let mut command = self.command(&arguments, session.variables(), session)?;
        let status = command.status().map_err(|error| program::not_started(&error, &command))?;
        if status.success() {
            return Ok(());
        }
        // If a signal ended the program, Go's exit code is -1.
        session.set_exit(Exit::Code(status.code().map_or(u8::MAX, |code| u8::try_from(code).unwrap_or(1))));
        Err(Error::new(ErrorKind::Usage, format!("plugin {} exited with error", quote(self.name.as_bytes()))))
    }

    /// Runs the plugin's programs for this event, if any (Helm's `InvokeHook`).
    pub fn run_hook(&self, event: Event, session: &Session) -> Result<()> {
        let Some(programs) = self.hooks.get(event.name()).filter(|programs| !programs.is_empty() && self.runtime == SUBPROCESS) else {
            return Ok(());
        };
        let prepared = self.prepare(programs, self.expands_hooks, session.variables(), &session.environment)?;
        let mut command = prepared.command(&session.environment);
        // As in Go, a hook gets no standard input.
        let status = command.stdin(Stdio::null()).status().map_err(|error| program::not_started(&error, &command))?;
        if status.success() {
            return Ok(());
        }
        let message = format!("plugin {} hook for {} exited with error", event.name(), quote(self.name.as_bytes()));
        Err(Error::new(ErrorKind::Usage, message))
    }

    /// The one of `programs` for this platform; `expands` says whether its arguments are expanded.
    pub(super) fn prepare(
        &self,
        programs: &[Program],
        expands: bool,
        mut variables: Variables,
        environment: &Environment,
    ) -> Result<Prepared> {
        let (system, architecture) = go_platform();
        let program = for_platform(programs, system, architecture).filter(|program| !program.command.is_empty());
        let Some(program) = program else {
            return Err(Error::new(ErrorKind::Usage, "no plugin command is applicable"));
        };
        variables.insert("HELM_PLUGIN_NAME", self.name.clone());
        variables.insert("HELM_PLUGIN_DIR", self.folder.to_string_lossy().into_owned());
        let value = |name: &str| variables.get(name).cloned().or_else(|| environment.get(name)).unwrap_or_default();
        let argument = |word: &str| if expands { expand(word, value) } else { word.to_string() };
        let mut words = program.command.split(' ');
        let main = expand(words.next().unwrap_or_default(), value);
        let arguments = words.chain(program.arguments.iter().map(String::as_str)).map(argument).collect();
        Ok(Prepared { program: main, arguments, variables })
    }
}

/// This platform's system and architecture in Go's terms.
fn go_platform() -> (&'static str, &'static str) {
    let system = match std::env::consts::OS {
        "macos" => "darwin",
        other => other,
    };
    let architecture = match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        "x86" => "386",
        other => other,
    };
    (system, architecture)
}

/// Splits a plugin's command line into rutter's own flags, which reach the plugin through its environment, and the
/// other words, which are its arguments. Finds exactly these flags, in any position (Helm's `manuallyProcessArgs`).
pub fn split_own_flags(words: &[String]) -> Result<(Vec<String>, Vec<String>)> {
    const WITH_VALUE: [&str; 14] = [
        "--kube-context",
        "--namespace",
        "-n",
        "--kubeconfig",
        "--kube-apiserver",
        "--kube-token",
        "--kube-as-user",
        "--kube-as-group",
        "--kube-ca-file",
        "--registry-config",
        "--repository-cache",
        "--repository-config",
        "--kube-insecure-skip-tls-verify",
        "--kube-tls-server-name",
    ];
    let (mut own, mut others) = (Vec::new(), Vec::new());
    let mut words = words.iter();
    while let Some(word) = words.next() {
        let flag = word.split_once('=').map_or(word.as_str(), |(flag, _)| flag);
        if word != "--debug" && !WITH_VALUE.contains(&flag) {
            others.push(word.clone());
            continue;
        }
        own.push(word.clone());
        if word != "--debug" && flag == word {
            let Some(value) = words.next() else {
                let flag = if flag == "-n" { "'n' in -n" } else { flag };
                return Err(Error::new(ErrorKind::Usage, format!("flag needs an argument: {flag}")));
            };
            own.push(value.clone());
        }
    }
    Ok((own, others))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_platform_is_taken() {
        let program = |system: &str, architecture: &str, command: &str| Program {
            system: system.to_string(),
            architecture: architecture.to_string(),
            command: command.to_string(),
            arguments: Vec::new(),
        };
        let programs =
            [program("", "", "any"), program("linux", "", "linux"), program("linux", "arm64", "arm"), program("", "amd64", "no")];
        let chosen =
            |system: &str, architecture: &str| for_platform(&programs, system, architecture).map(|program| program.command.as_str());
        assert_eq!(chosen("linux", "amd64"), Some("linux"));
        assert_eq!(chosen("linux", "arm64"), Some("arm"));
        assert_eq!(chosen("darwin", "amd64"), Some("any"));
        assert_eq!(for_platform(&programs[1..], "darwin", "amd64"), None);
    }

    #[test]
    fn own_flags_do_not_reach_plugins() {
        let words = |line: &str| line.split(' ').map(str::to_string).collect::<Vec<_>>();
        let (own, others) = split_own_flags(&words("-n x a --debug --namespace=y --kube-context c -v --other d -f v -n z")).unwrap();
        assert_eq!(others, ["a", "-v", "--other", "d", "-f", "v"]);
        assert_eq!(own, ["-n", "x", "--debug", "--namespace=y", "--kube-context", "c", "-n", "z"]);
        let ended = split_own_flags(&["--kube-context".to_string()]).map_err(|error| error.to_string());
        assert_eq!(ended, Err("flag needs an argument: --kube-context".to_string()));
    }
}
