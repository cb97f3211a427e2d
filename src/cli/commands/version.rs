//! `rutter version`: prints the version, alone or through a template. Follows Helm's `pkg/cmd/version.go`.

use super::{Arity, Entry, Run};
use crate::cli::session::Session;
use crate::cli::system::System;
use crate::error::Result;
use crate::template::engine::{self, capabilities::HELM_VERSION};
use crate::template::functions::Vocabulary;
use crate::template::value::{Object, Value};
use clap::Args;
use std::any::Any;
use std::rc::Rc;

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
        if let Some(template) = self.template.filter(|template| !template.is_empty()) {
            let dot = || Value::Object(Rc::new(BuildInfo));
            return session.print(engine::render_text("_", &template, &dot, Vocabulary::Go, &mut System)?);
        }
        if self.short {
            return session.print(format!("v{version}\n"));
        }
        session.print(format!("version.BuildInfo{{Version:\"v{version}\", HelmVersion:\"{}\"}}\n", HELM_VERSION.version))
    }
}

/// What the template is given: Helm's struct, so that a field that there is none of is an error, with Helm's own version added.
struct BuildInfo;

impl Object for BuildInfo {
    fn type_name(&self) -> &'static str {
        "version.BuildInfo"
    }

    fn kind_name(&self) -> &'static str {
        "struct"
    }

    fn field(&self, name: &str) -> Option<Value> {
        self.fields().into_iter().find(|(field, _)| *field == name).map(|(_, value)| value)
    }

    fn fields(&self) -> Vec<(&'static str, Value)> {
        vec![
            ("Version", Value::str(concat!("v", env!("CARGO_PKG_VERSION")))),
            ("GitCommit", Value::str(HELM_VERSION.git_commit)),
            ("GitTreeState", Value::str(HELM_VERSION.git_tree_state)),
            ("GoVersion", Value::str(HELM_VERSION.go_version)),
            ("KubeClientVersion", Value::str(HELM_VERSION.kube_client_version)),
            ("HelmVersion", Value::str(HELM_VERSION.version)),
        ]
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}
