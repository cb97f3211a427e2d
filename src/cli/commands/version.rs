//! `rutter version`: prints the version, as it is or through a template. Follows Helm's `pkg/cmd/version.go`.

use super::{Arity, Row, Run};
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
pub const COMMAND: Row = Row::leaf::<Arguments>("version", "", Arity::Exactly(0), "print the version information", LONG);

const LONG: &str = "\
Show the version of rutter.

This will print a representation of the version and of the Helm version whose behaviour it follows:

    version.BuildInfo{Version:\"v0.1.0\", HelmVersion:\"v4.2.4\"}

With --short only the version is printed. With --template the version is printed through a template; .Version is the version
of rutter, .HelmVersion that of Helm:

    $ rutter version --template='Version: {{.Version}}'

Called by the name of helm (through a link, say; helm4 and helm-v4.2.4 are names of it too), or by a plugin, it answers with the
version of Helm, for programs that ask which Helm they have; without --short, and in --template as .RutterVersion, it names its own
beside it.";

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
        // Plugins run this program to check whether Helm is new enough for them.
        let is_helm = session.is_helm() || session.environment.get("HELM_PLUGIN_NAME").is_some();
        let (own, helm) = (env!("CARGO_PKG_VERSION"), HELM_VERSION.version);
        if let Some(template) = self.template.filter(|template| !template.is_empty()) {
            let dot = || Value::Object(Rc::new(BuildInfo { is_helm }));
            return session.print(engine::render_text("_", &template, &dot, Vocabulary::Go, &mut System)?);
        }
        session.print(match (self.short, is_helm) {
            (true, false) => format!("v{own}\n"),
            (true, true) => format!("{helm}+g{}\n", HELM_VERSION.git_commit.get(..7).unwrap_or_default()),
            (false, false) => format!("version.BuildInfo{{Version:\"v{own}\", HelmVersion:\"{helm}\"}}\n"),
            (false, true) => {
                let fields = BuildInfo { is_helm }.texts().map(|(name, text)| format!("{name}:\"{text}\""));
                format!("version.BuildInfo{{{}}}\n", fields.join(", "))
            }
        })
    }
}

/// The dot of the template: Helm's struct, so that an unknown field is an error, with one more field.
struct BuildInfo {
    /// Whether the program was called under Helm's name.
    is_helm: bool,
}

impl BuildInfo {
    fn texts(&self) -> [(&'static str, &'static str); 6] {
        let (version, other) = match self.is_helm {
            // Without a `v`, so that a script that searches for a `v…` version finds Helm's.
            true => (HELM_VERSION.version, ("RutterVersion", env!("CARGO_PKG_VERSION"))),
            false => (concat!("v", env!("CARGO_PKG_VERSION")), ("HelmVersion", HELM_VERSION.version)),
        };
        [
            ("Version", version),
            ("GitCommit", HELM_VERSION.git_commit),
            ("GitTreeState", HELM_VERSION.git_tree_state),
            ("GoVersion", HELM_VERSION.go_version),
            ("KubeClientVersion", HELM_VERSION.kube_client_version),
            other,
        ]
    }
}

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
        self.texts().map(|(name, text)| (name, Value::str(text))).to_vec()
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}
