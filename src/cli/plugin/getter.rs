//! Getter plugins, which fetch charts, indexes and values from addresses of their own schemes (`s3://…`, `secrets://…`).
//!
//! Goes in: an address. Comes out: what the plugin's program wrote to its standard output; it receives the TLS files
//! and the address as arguments, and the credentials in its environment. Plugins are loaded when the first address
//! needs one. Follows Helm's `pkg/getter/plugingetter.go` and `internal/plugin/runtime_subprocess_getter.go`.

use super::invocation::Variables;
use super::manifest::{GETTER_TYPE, Plugin, SUBPROCESS};
use super::{all, program};
use crate::cli::environment::{Environment, Settings};
use crate::cli::kubeconfig;
use crate::cli::session::Session;
use crate::diagnostic::Notices;
use crate::error::{Error, ErrorKind, Result};
use crate::fs;
use crate::process;
use crate::quote::quote;
use crate::repository::access::Access;
use crate::repository::getter::Getter;
use crate::repository::url::redact;
use std::path::Path;
use std::process::Stdio;
use std::sync::OnceLock;

/// All getter plugins.
pub struct Getters {
    program: String,
    environment: Environment,
    settings: Settings,
    plugins: OnceLock<Vec<Plugin>>,
}

impl std::fmt::Debug for Getters {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Getters").field("folders", &self.settings.plugins).finish_non_exhaustive()
    }
}

impl Getters {
    /// The plugins of this run.
    pub fn new(session: &Session) -> Getters {
        Getters {
            program: session.program.clone(),
            environment: session.environment.clone(),
            settings: session.settings.clone(),
            plugins: OnceLock::new(),
        }
    }

    /// The plugin that provides a scheme: the first one by folder order.
    fn plugin(&self, scheme: &str) -> Option<&Plugin> {
        // Loading the plugins' commands already reported broken plugins. If two plugins share a name, no plugin fetches.
        let load = || all(&self.settings, &mut Notices::new()).unwrap_or_default();
        let mut plugins = self.plugins.get_or_init(load).iter();
        plugins.find(|plugin| plugin.kind == GETTER_TYPE && plugin.schemes.iter().any(|provided| provided == scheme))
    }
}

impl Getter for Getters {
    fn provides(&self, scheme: &str) -> bool {
        self.plugin(scheme).is_some()
    }

    fn get(&self, address: &str, access: &Access, limit: u64) -> Result<Vec<u8>> {
        let scheme = address.split_once(':').map_or("", |(scheme, _)| scheme).to_ascii_lowercase();
        let Some(plugin) = self.plugin(&scheme) else {
            return Err(Error::new(ErrorKind::Repository, format!("scheme {} not supported", quote(&scheme))));
        };
        let namespace = kubeconfig::namespace(&self.settings, &self.environment);
        let mut variables = self.settings.variables(&self.program, &namespace);
        variables.insert("HELM_PLUGIN_USERNAME", access.username.clone());
        variables.insert("HELM_PLUGIN_PASSWORD", access.password.clone());
        variables.insert("HELM_PLUGIN_PASS_CREDENTIALS_ALL", access.pass_credentials.to_string());
        plugin
            .fetch(
                &scheme,
                variables,
                [&access.tls.cert_file, &access.tls.key_file, &access.tls.ca_file, address],
                limit,
                &self.environment,
            )
            .map_err(|error| error.context(format!("plugin {} failed to invoke", quote(&plugin.name))))
    }
}

impl Plugin {
    /// Runs the program for a scheme; returns its output, at most `limit` bytes.
    fn fetch(&self, scheme: &str, variables: Variables, arguments: [&str; 4], limit: u64, environment: &Environment) -> Result<Vec<u8>> {
        let fault = |kind: ErrorKind, message: String| Err(Error::new(kind, message));
        if self.runtime != SUBPROCESS {
            return fault(ErrorKind::Unsupported, format!("unsupported plugin runtime type: {}", quote(&self.runtime)));
        }
        let Some(download) = self.downloads.iter().find(|download| download.schemes.iter().any(|provided| provided == scheme)) else {
            return fault(ErrorKind::Usage, format!("no downloader found for protocol {}", quote(scheme)));
        };
        let prepared = self.prepare(&download.programs, false, variables, environment);
        let mut prepared = prepared.map_err(|error| error.context(format!("failed to prepare commands for protocol {}", quote(scheme))))?;
        // As Go joins paths: a name with a slash in front is looked for in the plugin's folder too, one with `..` may lead out of it.
        let program = self.folder.join(prepared.program.trim_start_matches('/'));
        prepared.program = fs::clean(&program).to_string_lossy().into_owned();
        let mut command = prepared.command(environment);
        command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::inherit());
        let child = command.spawn().map_err(|error| program::not_started(&error, &command))?;
        let output = process::output(child, limit).map_err(|error| fs::fault("wait", Path::new(command.get_program()), &error))?;
        let Some(output) = output else {
            let shown = redact(arguments[3]);
            return fault(ErrorKind::Limit, format!("what lies at {shown} is larger than the limit of {limit} bytes"));
        };
        if !output.status.success() {
            return fault(ErrorKind::Repository, format!("plugin {} exited with error", quote(&self.name)));
        }
        Ok(output.stdout)
    }
}
