//! `rutter plugin`: the plugins in the data folder.

use super::{Arity, Entry, Run};
use crate::cli::session::Session;
use crate::error::Result;
use clap::Args;

/// The row of the table.
pub const COMMAND: Entry = Entry::group(
    "plugin",
    "list plugins",
    "Manage client-side plugins.",
    &[Entry::leaf::<List>("list", "", Arity::Any, "list installed plugins", "").aliases(&["ls"])],
);

/// The flags of `plugin list`.
#[derive(Debug, Clone, Default, Args)]
pub struct List {
    /// plugin type
    #[arg(long = "type", value_name = "string")]
    kind: Option<String>,
}

impl Run for List {
    fn run(self, _: Vec<String>, session: &mut Session) -> Result<()> {
        session.print("NAME\tVERSION\tTYPE\tAPIVERSION\tPROVENANCE\tSOURCE\n")
    }
}
