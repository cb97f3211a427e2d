//! `rutter dependency`: the charts that a chart depends on. Follows Helm's `pkg/cmd/dependency{,_build,_update}.go`.

use super::{Arity, Row, Run};
use crate::action::dependency::{self, Options};
use crate::cli::arguments::{ServerArguments, unsigned};
use crate::cli::console::Console;
use crate::cli::session::Session;
use crate::cli::source::{keyring, repository_settings};
use crate::cli::table;
use crate::error::Result;
use crate::repository::{ChartOptions, Settings};
use clap::Args;
use std::path::PathBuf;

/// The row of the table.
pub const COMMAND: Row = Row::group(
    "dependency",
    "manage a chart's dependencies",
    LONG,
    &[
        Row::leaf::<Build>("build", "CHART", Arity::AtMost(1), "rebuild the charts/ directory based on the Chart.lock file", BUILD),
        Row::leaf::<List>("list", "CHART", Arity::AtMost(1), "list the dependencies for the given chart", LIST).aliases(&["ls"]),
        Row::leaf::<Update>("update", "CHART", Arity::AtMost(1), "update charts/ based on the contents of Chart.yaml", UPDATE)
            .aliases(&["up"]),
    ],
)
.aliases(&["dep", "dependencies"]);

const LONG: &str = "\
Manage the dependencies of a chart.

Charts store their dependencies in 'charts/'. Chart.yaml names them:

    dependencies:
    - name: nginx
      version: \"1.2.3\"
      repository: \"https://example.com/charts\"
    - name: memcached
      version: \"3.2.1\"
      repository: \"oci://registry.example.com/charts\"
    - name: helpers
      version: \"0.1.0\"
      repository: \"file://../helpers\"

The repository is an address, the name of an added repository ('@name' or 'alias:name'), or a local folder.";

const BUILD: &str = "\
Build out the charts/ directory from the Chart.lock file.

Build is used to reconstruct a chart's dependencies to the state specified in
the lock file. This will not re-negotiate dependencies, as 'rutter dependency update'
does.

If no lock file is found, 'rutter dependency build' will mirror the behavior
of 'rutter dependency update'.";

const LIST: &str = "\
List all of the dependencies declared in a chart.

This can take chart archives and chart directories as input. It will not alter
the contents of a chart.

This will produce an error if the chart cannot be loaded.";

const UPDATE: &str = "\
Update the on-disk dependencies to mirror Chart.yaml.

This command verifies that the required charts, as expressed in 'Chart.yaml',
are present in 'charts/' and are at an acceptable version. It will pull down
the latest charts that satisfy the dependencies, and clean up old dependencies.

On successful update, this will generate a lock file that can be used to
rebuild the dependencies to an exact version.";

/// The flags of `build` and `update`.
#[derive(Debug, Clone, Default, Args)]
pub struct Fetching {
    #[command(flatten)]
    server: ServerArguments,
    /// keyring containing public keys
    #[arg(long, value_name = "string")]
    keyring: Option<String>,
    /// keep the digest of every archive in the lock and check it (not in Helm)
    #[arg(long)]
    lock_digests: bool,
    /// fetch nothing: take indexes and archives from the caches (not in Helm)
    #[arg(long)]
    offline: bool,
    /// update the dependencies of local charts first (not in Helm)
    #[arg(long)]
    recursive: bool,
    /// do not refresh the local repository cache
    #[arg(long)]
    skip_refresh: bool,
    /// verify the packages against signatures
    #[arg(long)]
    verify: bool,
}

impl Fetching {
    fn options(&self, session: &Session) -> Result<(Options, Settings)> {
        let source = ChartOptions { verify: self.verify, keyring: keyring(self.keyring.as_deref(), session), ..self.server.options()? };
        let mut settings = repository_settings(session)?;
        settings.offline |= self.offline;
        let skip_refresh = self.skip_refresh || settings.offline;
        let options = Options { source, skip_refresh, recursive: self.recursive, lock_digests: self.lock_digests, ..Options::default() };
        Ok((options, settings))
    }
}

/// The folder given as argument, or the working folder.
fn folder(arguments: Vec<String>) -> PathBuf {
    arguments.into_iter().next().map_or_else(|| PathBuf::from("."), |path| crate::fs::clean(&PathBuf::from(path)))
}

/// The flags of `dependency update`.
#[derive(Debug, Clone, Default, Args)]
pub struct Update {
    #[command(flatten)]
    fetching: Fetching,
}

impl Run for Update {
    fn run(self, arguments: Vec<String>, session: &mut Session) -> Result<()> {
        let (options, settings) = self.fetching.options(session)?;
        dependency::update(&folder(arguments), &options, &settings, &Console::new(session))
    }
}

/// The flags of `dependency build`.
#[derive(Debug, Clone, Default, Args)]
pub struct Build {
    #[command(flatten)]
    fetching: Fetching,
}

impl Run for Build {
    fn run(self, arguments: Vec<String>, session: &mut Session) -> Result<()> {
        let (mut options, settings) = self.fetching.options(session)?;
        options.verify_if_possible = true;
        dependency::build(&folder(arguments), &options, &settings, &Console::new(session))
    }
}

/// The flags of `dependency list`.
#[derive(Debug, Clone, Default, Args)]
pub struct List {
    /// maximum column width for output table
    #[arg(long, value_name = "uint", value_parser = unsigned, default_value = "80", hide_default_value = true)]
    max_col_width: usize,
}

impl Run for List {
    fn run(self, arguments: Vec<String>, session: &mut Session) -> Result<()> {
        let listing = dependency::list(&folder(arguments), &Console::new(session))?;
        let mut text = String::new();
        if let Some(rows) = listing.rows {
            let mut cells = vec![["NAME", "VERSION", "REPOSITORY", "STATUS"].map(str::to_string).to_vec()];
            cells.extend(rows.into_iter().map(|row| vec![row.name, row.version, row.repository, row.status.to_string()]));
            text.push_str(&format!("{}\n\n", table::render(&cells, self.max_col_width)));
        }
        for warning in listing.warnings {
            text.push_str(&format!("{warning}\n"));
        }
        session.print(text)
    }
}
