//! `rutter create`: makes a new chart from the built-in scaffold or from a starter.

use super::{Arity, Entry, Run};
use crate::action::create;
use crate::cli::session::Session;
use crate::error::Result;
use crate::quote::quote;
use clap::Args;
use std::path::Path;

/// The row of the table.
pub const COMMAND: Entry = Entry::leaf::<Arguments>("create", "NAME", Arity::Exactly(1), "create a new chart with the given name", LONG);

const LONG: &str = "\
Make a folder with the files of a new chart:

    NAME/
    ├── .helmignore   # what stays out of the packed chart
    ├── Chart.yaml    # about the chart
    ├── values.yaml   # the default values of the templates
    ├── charts/       # charts that this chart depends on
    └── templates/    # the templates
        └── tests/    # tests of a release

NAME may be a path. Files that are there are overwritten, others are left alone.

With --starter the files come from a chart in $HELM_DATA_HOME/starters or at an absolute path; in its templates and
values <CHARTNAME> is replaced by the name.";

/// The flags of `create`.
#[derive(Debug, Clone, Default, Args)]
pub struct Arguments {
    /// the name or absolute path to Helm starter scaffold
    #[arg(short = 'p', long, value_name = "string")]
    starter: Option<String>,
}

impl Run for Arguments {
    fn run(self, arguments: Vec<String>, session: &mut Session) -> Result<()> {
        let Some(path) = arguments.first() else { return Ok(()) };
        session.print(format!("Creating {path}\n"))?;
        match self.starter.as_deref().filter(|starter| !starter.is_empty()) {
            Some(starter) => {
                // An absolute path replaces what it is joined to.
                let source = Path::new(&session.settings.data_home).join("starters").join(starter);
                create::from_starter(Path::new(path), &source, &mut session.notices)?;
            }
            None => {
                for file in create::scaffold(Path::new(path))?.overwritten {
                    let file = quote(file.to_string_lossy().as_bytes());
                    session.print(format!("WARNING: File {file} already exists. Overwriting.\n"))?;
                }
            }
        }
        Ok(())
    }
}
