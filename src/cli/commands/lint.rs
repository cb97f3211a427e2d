//! `rutter lint`: checks charts for possible issues. Follows Helm's `pkg/cmd/lint.go`.

use super::{Arity, Row, Run};
use crate::action::lint;
use crate::cli::arguments::ValueArguments;
use crate::cli::printer::{self, ErrorFormat};
use crate::cli::session::Session;
use crate::cli::source;
use crate::cli::system::System;
use crate::error::{Error, ErrorKind, Result};
use crate::lint::{Options, format};
use crate::parallel;
use crate::template::engine::{Environment, KubeVersion};
use clap::Args;
use std::io::IsTerminal;

/// The row of the table.
pub const COMMAND: Row = Row::leaf::<Arguments>("lint", "PATH", Arity::AtLeast(1), "examine a chart for possible issues", LONG);

const LONG: &str = "\
Look at charts, folders or archives, and say what is wrong with them.

[ERROR] is what will likely not install; only that fails the run, and with --strict also [WARNING], what is against
the conventions. [INFO] is advice.

For CI there are machine formats, which tell every fault of every template, not just the first:

    $ rutter lint charts/* -o sarif > lint.sarif
    $ rutter lint charts/* -o junit > lint.xml";

/// The flags of `lint`.
#[derive(Debug, Clone, Default, Args)]
pub struct Arguments {
    #[command(flatten)]
    values: ValueArguments,
    /// tell the faults of all templates, not just the first
    #[arg(long)]
    all_errors: bool,
    /// Kubernetes version used for capabilities and deprecation checks
    #[arg(long, value_name = "string")]
    kube_version: Option<String>,
    /// how findings are written: text, json, sarif or junit
    #[arg(short, long, value_name = "format", value_parser = ["text", "json", "sarif", "junit"])]
    output: Option<String>,
    /// print only warnings and errors
    #[arg(long)]
    quiet: bool,
    /// if set, disables JSON schema validation
    #[arg(long)]
    skip_schema_validation: bool,
    /// fail on lint warnings
    #[arg(long)]
    strict: bool,
    /// lint dependent charts
    #[arg(long)]
    with_subcharts: bool,
}

impl Run for Arguments {
    fn run(self, arguments: Vec<String>, session: &mut Session) -> Result<()> {
        let kube_version = match self.kube_version.as_deref() {
            None | Some("") => None,
            Some(text) => Some(
                KubeVersion::parse(text)
                    .map_err(|fault| Error::new(ErrorKind::Usage, format!("invalid kube version '{text}': {fault}")))?,
            ),
        };
        let paths = if self.with_subcharts { lint::with_subcharts(&arguments) } else { arguments };
        let output = self.output.as_deref().unwrap_or("text");
        let shows_places = output == "text" && shows_places(session);
        let options = Options {
            namespace: session.namespace(),
            values: source::values(&self.values, session)?,
            kube_version,
            skip_schema_validation: self.skip_schema_validation,
            schema: source::schema_options(session),
            all_faults: self.all_errors || output != "text",
            step_limit: session.environment.step_limit()?,
            memory_limit: session.environment.memory_limit()?,
            places: output != "text" || shows_places,
        };
        let threads = parallel::threads(paths.len());
        let environment = || -> Box<dyn Environment> { Box::new(System) };
        let run = lint::run(&paths, &options, &environment, threads, &mut session.notices);
        session.show_notices();
        match output {
            "json" => session.print(format::json(&run, self.strict)?)?,
            "sarif" => session.print(format::sarif(&run)?)?,
            "junit" => session.print(format::junit(&run, self.strict))?,
            _ => session.print(lint::text(&run, self.quiet, |finding| match shows_places {
                true => printer::places(&finding.diagnostics, &session.settings),
                false => String::new(),
            }))?,
        }
        let failed = run.iter().filter(|chart| chart.has_failed(self.strict)).count();
        let summary = format!("{} chart(s) linted, {failed} chart(s) failed", run.len());
        if failed > 0 {
            return Err(Error::new(ErrorKind::Lint, summary));
        }
        if output == "text" && (!self.quiet || run.iter().any(format::ChartFindings::has_warnings)) {
            session.print(format!("{summary}\n"))?;
        }
        Ok(())
    }
}

/// Whether findings are shown with their source lines: for people, but never where a script reads Helm's lines.
fn shows_places(session: &Session) -> bool {
    match session.settings.error_format {
        ErrorFormat::Human => true,
        ErrorFormat::Auto => std::io::stdout().is_terminal(),
        ErrorFormat::Helm | ErrorFormat::Json => false,
    }
}
