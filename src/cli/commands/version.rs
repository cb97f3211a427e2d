//! `rutter version`: prints the version, alone or through a template. Follows Helm's `pkg/cmd/version.go`.

use super::{Arity, Entry, Run};
use crate::cli::session::Session;
use crate::cli::system::System;
use crate::data::Data;
use crate::error::Result;
use crate::template::engine::{self, capabilities::HELM_VERSION};
use crate::template::functions::Vocabulary;
use clap::Args;

/// The row of the table.
pub const COMMAND: Entry = Entry::leaf::<Arguments>("version", "", Arity::Exactly(0), "print the version information", LONG);

const LONG: &str = "\
Show the version of rutter.

This will print a representation of the version and of the Helm version whose behaviour it follows:

    version.BuildInfo{Version:\"v0.1.0\", HelmVersion:\"v4.2.4\"}

With --short only the version is printed. With --template the version is printed through a template; .Version is the version
of rutter, .HelmVersion that of Helm:

    $ rutter version --template='Version: {{.Version}}'";

/// The flags of `version`.
#[derive(Debug, Clone, Default, Args)]
pub struct Arguments {
    /// print the version number
    #[arg(long)]
    short: bool,
    /// template for version string format
    #[arg(long, value_name = "string")]
    template: Option<String>,
}

impl Run for Arguments {
    fn run(self, _: Vec<String>, session: &mut Session) -> Result<()> {
        let version = env!("CARGO_PKG_VERSION");
        if self.short {
            return session.print(format!("v{version}\n"));
        }
        if let Some(template) = self.template.filter(|template| !template.is_empty()) {
            let own = format!("v{version}");
            let facts = [
                ("Version", own.as_str()),
                ("HelmVersion", HELM_VERSION.version),
                ("GitCommit", HELM_VERSION.git_commit),
                ("GitTreeState", HELM_VERSION.git_tree_state),
                ("GoVersion", HELM_VERSION.go_version),
                ("KubeClientVersion", HELM_VERSION.kube_client_version),
            ];
            let data = Data::map(facts.into_iter().map(|(key, value)| (key.into(), Data::str(value))).collect());
            return session.print(engine::render_text("_", &template, &data, Vocabulary::Go, &mut System)?);
        }
        session.print(format!("version.BuildInfo{{Version:\"v{version}\", HelmVersion:\"{}\"}}\n", HELM_VERSION.version))
    }
}
