//! `rutter show`: prints parts of a chart. Follows Helm's `pkg/cmd/show.go`.

use super::{Arity, Row, Run};
use crate::action::show::{self, Part};
use crate::chart::loader;
use crate::cli::arguments::ChartSourceArguments;
use crate::cli::session::Session;
use crate::cli::source;
use crate::error::Result;
use clap::Args;

/// The row of the table.
pub const COMMAND: Row = Row::group(
    "show",
    "show information of a chart",
    "This command consists of multiple subcommands to display information about a chart",
    &[
        Row::leaf::<All>(
            "all",
            "[CHART]",
            Arity::Exactly(1),
            "show all information of the chart",
            "This command inspects a chart (folder, archive or URL) and displays all its content\n(Chart.yaml, values.yaml, README, CRDs)",
        ),
        Row::leaf::<Definition>(
            "chart",
            "[CHART]",
            Arity::Exactly(1),
            "show the chart's definition",
            "This command inspects a chart (folder, archive or URL) and displays the contents\nof the Chart.yaml file",
        ),
        Row::leaf::<Crds>(
            "crds",
            "[CHART]",
            Arity::Exactly(1),
            "show the chart's CRDs",
            "This command inspects a chart (folder, archive or URL) and displays the contents\nof the CustomResourceDefinition files",
        ),
        Row::leaf::<Readme>(
            "readme",
            "[CHART]",
            Arity::Exactly(1),
            "show the chart's README",
            "This command inspects a chart (folder, archive or URL) and displays the contents\nof the README file",
        ),
        Row::leaf::<Values>(
            "values",
            "[CHART]",
            Arity::Exactly(1),
            "show the chart's values",
            "This command inspects a chart (folder, archive or URL) and displays the contents\nof the values.yaml file",
        ),
    ],
)
.aliases(&["inspect"]);

/// The flags that all forms of `show` share.
#[derive(Debug, Clone, Default, Args)]
pub struct Common {
    #[command(flatten)]
    source: ChartSourceArguments,
    /// use development versions, too. Equivalent to version '>0.0.0-0'. If --version is set, this is ignored
    #[arg(long)]
    devel: bool,
}

impl Common {
    /// Locates and loads the chart, and prints this part of it.
    fn show(&self, arguments: &[String], part: &Part, session: &mut Session) -> Result<()> {
        let reference = arguments.first().map_or("", String::as_str);
        let options = source::chart_options(&self.source, self.devel, Some("original chart version"), session)?;
        let path = source::locate(reference, &options, session)?;
        // Helm's `show` does not check the apiVersion first, and reports faults inside an archive.
        let chart = loader::load_any_version(&path, &mut session.notices)?;
        session.print(show::run(&chart, part)?)
    }
}

macro_rules! forms {
    ($($form:ident),*) => {$(
        /// The flags of this form of `show`.
        #[derive(Debug, Clone, Default, Args)]
        pub struct $form {
            #[command(flatten)]
            common: Common,
        }

        impl Run for $form {
            fn run(self, arguments: Vec<String>, session: &mut Session) -> Result<()> {
                self.common.show(&arguments, &Part::$form, session)
            }
        }
    )*};
}

forms!(All, Definition, Crds, Readme);

/// The flags of `show values`.
#[derive(Debug, Clone, Default, Args)]
pub struct Values {
    #[command(flatten)]
    common: Common,
    /// supply a JSONPath expression to filter the output
    #[arg(long, value_name = "string")]
    jsonpath: Option<String>,
}

impl Run for Values {
    fn run(self, arguments: Vec<String>, session: &mut Session) -> Result<()> {
        let template = self.jsonpath.filter(|template| !template.is_empty());
        self.common.show(&arguments, &Part::Values(template), session)
    }
}
