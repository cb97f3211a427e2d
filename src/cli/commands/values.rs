//! `rutter values`: prints the values a chart is rendered with, and where they came from. Helm has no such command.

use super::{Arity, Row, Run};
use crate::action::values::{self, Traced};
use crate::cli::arguments::{ChartSourceArguments, ValueArguments};
use crate::cli::session::Session;
use crate::cli::source;
use crate::data::Data;
use crate::error::{Error, ErrorKind, Result};
use crate::{json, yaml};
use clap::Args;

/// The row of the table.
pub const COMMAND: Row = Row::leaf::<Arguments>(
    "values",
    "[CHART] [PATH]",
    Arity::AtLeast(1),
    "show the values a chart is rendered with",
    "This command computes the values that the templates of a chart see: its defaults, those of its\n\
     dependencies, values files and --set flags, after conditions and import-values. A PATH such as\n\
     `image.tag` or `subchart.replicas` shows only that part. With --origin every value is shown with the\n\
     flag or the line of the file that decided it.",
);

/// The flags of `values`.
#[derive(Debug, Clone, Default, Args)]
pub struct Arguments {
    #[command(flatten)]
    source: ChartSourceArguments,
    #[command(flatten)]
    values: ValueArguments,
    /// use development versions, too. Equivalent to version '>0.0.0-0'. If --version is set, this is ignored
    #[arg(long)]
    devel: bool,
    /// show where every value came from
    #[arg(long)]
    origin: bool,
    /// show only what values files and flags come to, before the chart's defaults
    #[arg(long)]
    user_supplied: bool,
    /// the format of the output. Allowed values: yaml, json
    #[arg(short, long, value_name = "format")]
    output: Option<String>,
}

impl Run for Arguments {
    fn run(self, arguments: Vec<String>, session: &mut Session) -> Result<()> {
        let as_json = match self.output.as_deref() {
            None | Some("yaml") => false,
            Some("json") => true,
            Some(_) => return Err(Error::new(ErrorKind::Usage, "invalid format type")),
        };
        let (reference, path) = match arguments.as_slice() {
            [reference] => (reference, None),
            [reference, path] => (reference, Some(path)),
            _ => return Err(Error::new(ErrorKind::Usage, "expected a chart and at most one path")),
        };
        let options = source::chart_options(&self.source, self.devel, None, session)?;
        let place = source::locate(reference, &options, session)?;
        let (user, files) = source::values_and_files(&self.values, session)?;
        let chart = source::load(&place, session)?;
        let computed = if self.user_supplied { user } else { values::run(&chart, &user, &mut session.notices)? };
        if self.origin {
            let mut traced = values::trace(&chart, &computed, &source::value_options(&self.values), files)?;
            if let Some(path) = path {
                let keys: Vec<&str> = path.split('.').collect();
                traced.retain(|value| value.path.len() >= keys.len() && value.path.iter().zip(&keys).all(|(a, b)| a.as_ref() == *b));
            }
            return session.print(origins(&traced)?);
        }
        let shown = match path {
            Some(path) => values::at_path(&computed, path)?,
            None => Data::Map(computed),
        };
        let mut text = if as_json { json::to_vec(&shown)? } else { yaml::to_string(&shown)?.into_bytes() };
        if !text.ends_with(b"\n") {
            text.push(b'\n');
        }
        session.print(text)
    }
}

/// Most bytes of all values with their origins.
const ORIGINS_LIMIT: usize = 256 << 20;

/// One line per value: path, value as JSON, source.
fn origins(values: &[Traced]) -> Result<String> {
    let mut out = String::new();
    for value in values {
        let path: Vec<&str> = value.path.iter().map(AsRef::as_ref).collect();
        let shown = json::to_vec(&value.value)?;
        let origin = value.origin.as_ref().map_or_else(|| "-".to_string(), ToString::to_string);
        out.push_str(&format!("{}: {}  # {origin}\n", path.join("."), String::from_utf8_lossy(&shown)));
        // Every line has a whole path, so that the text may be far longer than the values.
        if out.len() > ORIGINS_LIMIT {
            return Err(Error::new(ErrorKind::Limit, format!("values and their origins take more than {ORIGINS_LIMIT} bytes")));
        }
    }
    Ok(out)
}
