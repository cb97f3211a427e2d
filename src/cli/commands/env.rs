//! `rutter env`: prints the resolved settings as variables. Follows Helm's `pkg/cmd/env.go`.

use super::{Arity, Row, Run};
use crate::cli::session::Session;
use crate::error::Result;
use clap::Args;

/// The row of the table.
pub const COMMAND: Row = Row::leaf::<Arguments>(
    "env",
    "",
    Arity::AtMost(1),
    "rutter client environment information",
    "Env prints all the environment information in use, one variable a line, or the value of the variable that is named:\n\n    $ rutter env HELM_REPOSITORY_CACHE",
);

/// `env` has no flags.
#[derive(Debug, Clone, Default, Args)]
pub struct Arguments {}

impl Run for Arguments {
    fn run(self, arguments: Vec<String>, session: &mut Session) -> Result<()> {
        let variables = session.variables();
        match arguments.first() {
            Some(name) => session.print(format!("{}\n", variables.get(name.as_str()).map_or("", String::as_str))),
            None => session.print(variables.iter().map(|(name, value)| format!("{name}=\"{value}\"\n")).collect::<String>()),
        }
    }
}
