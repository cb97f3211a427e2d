//! Post-renderers: programs that transform rendered manifests.
//!
//! Goes in: all manifests as one text, written to the program's standard input. Comes out: the program's standard
//! output. The program is a plugin's, or any program with `--post-renderer-program`. Matches Helm's `pkg/postrenderer`.

use super::invocation::Variables;
use super::{POST_RENDERER_TYPE, find, program};
use crate::action::template::PostRender;
use crate::cli::environment::Environment;
use crate::cli::session::Session;
use crate::diagnostic::Notices;
use crate::error::{Error, ErrorKind, Result};
use crate::fs;
use crate::process;
use crate::quote::quote;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

/// Most bytes that a post-renderer may print; what is printed is read as YAML.
const OUTPUT_LIMIT: u64 = 256 << 20;

/// A program that transforms manifests: a plugin's, or with [`PostRenderer::program`] any.
pub struct PostRenderer<'a> {
    name: String,
    /// Whether its standard error is shown: Helm shows none from plugins, whether they fail or not.
    is_heard: bool,
    command: Box<dyn Fn() -> Result<Command> + 'a>,
}

impl<'a> PostRenderer<'a> {
    /// The post-renderer plugin of this name.
    pub fn plugin(name: &str, arguments: &'a [String], session: &'a Session, notices: &mut Notices) -> Result<PostRenderer<'a>> {
        let plugin = find(name, POST_RENDERER_TYPE, &session.settings, notices)?;
        let command = Box::new(move || plugin.command(arguments, Variables::new(), session));
        Ok(PostRenderer { name: name.to_string(), is_heard: false, command })
    }

    /// The program at this path, as in Helm 3.
    pub fn program(path: &str, arguments: &'a [String], environment: &Environment) -> PostRenderer<'a> {
        let (program, environment) = (path.to_string(), environment.clone());
        let command = move || {
            let mut command = program::command(&program, &environment);
            command.args(arguments);
            Ok(command)
        };
        PostRenderer { name: path.to_string(), is_heard: true, command: Box::new(command) }
    }
}

impl PostRender for PostRenderer<'_> {
    fn run(&mut self, manifests: Vec<u8>) -> Result<Vec<u8>> {
        let name = quote(self.name.as_bytes());
        let failed = |error: Error| error.context(format!("failed to invoke post-renderer plugin {name}"));
        let mut command = (self.command)().map_err(failed)?;
        let stderr = if self.is_heard { Stdio::inherit() } else { Stdio::null() };
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(stderr);
        let mut child = command.spawn().map_err(|error| failed(program::not_started(&error, &command)))?;
        let input = child.stdin.take();
        // A separate thread writes the input, since the program may write output before it has read everything. Nobody waits for it: what
        // the program has started may keep the input open after it has ended.
        if let Some(mut input) = input {
            let writing = std::thread::Builder::new().spawn(move || {
                // A program may ignore its input, so a failed write is no error.
                let _ = input.write_all(&manifests);
            });
            writing.map_err(|error| failed(fs::fault("write", Path::new(&self.name), &error)))?;
        }
        let output = process::output(child, OUTPUT_LIMIT);
        let output = output.map_err(|error| failed(fs::fault("wait", Path::new(&self.name), &error)))?;
        let output = output.ok_or_else(|| {
            failed(Error::new(ErrorKind::Limit, format!("plugin {name} printed more than the limit of {OUTPUT_LIMIT} bytes")))
        })?;
        if !output.status.success() {
            return Err(failed(Error::new(ErrorKind::Usage, format!("plugin {name} exited with error"))));
        }
        if output.stdout.trim_ascii().is_empty() {
            return Err(Error::new(ErrorKind::Usage, format!("post-renderer {name} produced empty output")));
        }
        Ok(output.stdout)
    }
}
