//! `rutter pull`: fetches a chart to the local disk. Follows Helm's `pkg/cmd/pull.go`.

use super::{Arity, Row, Run};
use crate::action::{pull, verify};
use crate::cli::arguments::ChartSourceArguments;
use crate::cli::console::Console;
use crate::cli::session::Session;
use crate::cli::source::{chart_options, repository_settings};
use crate::error::Result;
use crate::json;
use clap::Args;
use std::path::PathBuf;

/// The row of the table.
pub const COMMAND: Row = Row::leaf::<Arguments>(
    "pull",
    "[chart URL | repo/chartname] [...]",
    Arity::AtLeast(1),
    "download a chart from a repository and (optionally) unpack it in local directory",
    LONG,
)
.aliases(&["fetch"]);

const LONG: &str = "\
Retrieve a package from a package repository, and download it locally.

This is useful for fetching packages to inspect, modify, or repackage. It can
also be used to perform cryptographic verification of a chart without installing
the chart.

There are options for unpacking the chart after download. This will create a
directory for the chart and uncompress into that directory.

If the --verify flag is specified, the requested chart MUST have a provenance
file, and MUST pass the verification process. Failure in any part of this will
result in an error, and the chart will not be saved locally.";

/// The flags of `pull`.
#[derive(Debug, Clone, Default, Args)]
pub struct Arguments {
    #[command(flatten)]
    source: ChartSourceArguments,
    /// location to write the chart. If this and untardir are specified, untardir is appended to this
    #[arg(short, long, value_name = "string", default_value = ".", hide_default_value = true)]
    destination: String,
    /// use development versions, too. Equivalent to version '>0.0.0-0'. If --version is set, this is ignored.
    #[arg(help = "use development versions, too. Equivalent to version '>0.0.0-0'. If --version is set, this is ignored.", long)]
    devel: bool,
    /// how the download is reported: text or json (not in Helm)
    #[arg(short, long, value_name = "format", value_parser = ["text", "json"])]
    output: Option<String>,
    /// fetch the provenance file, but don't perform verification
    #[arg(long)]
    prov: bool,
    /// if set to true, will untar the chart after downloading it
    #[arg(long)]
    untar: bool,
    /// if untar is specified, this flag specifies the name of the directory into which the chart is expanded
    #[arg(long, value_name = "string", default_value = ".", hide_default_value = true)]
    untardir: String,
}

impl Run for Arguments {
    fn run(self, arguments: Vec<String>, session: &mut Session) -> Result<()> {
        let options = pull::Options {
            source: chart_options(&self.source, self.devel, None, session)?,
            destination: PathBuf::from(&self.destination),
            untar: self.untar,
            untar_folder: PathBuf::from(&self.untardir),
            provenance: self.prov,
        };
        session.show_notices();
        let settings = repository_settings(session)?;
        let json = self.output.as_deref() == Some("json");
        let mut reports = Vec::new();
        let pulled = arguments.iter().try_for_each(|reference| {
            let console = if json { Console::beside_report(session) } else { Console::new(session) };
            let report = pull::run(reference, &options, &settings, &console)?;
            match &report.verification {
                _ if json => reports.push(report),
                Some(verification) => session.print(verify::lines(verification, "Chart"))?,
                None => {}
            }
            Ok(())
        });
        // What was fetched before a fault is told as well.
        if json && (pulled.is_ok() || !reports.is_empty()) {
            session.print(listing(&arguments, &reports)?)?;
        }
        pulled
    }
}

/// The fetched charts as a JSON array; `verified` says who signed a chart, if verification was requested.
fn listing(references: &[String], reports: &[pull::Report]) -> Result<Vec<u8>> {
    let mut writer = json::Writer::new(false);
    let text = |writer: &mut json::Writer, key: &str, value: &str| {
        writer.key(key.as_bytes());
        writer.str(value.as_bytes());
    };
    writer.begin_list();
    for (reference, report) in references.iter().zip(reports) {
        writer.begin_map();
        text(&mut writer, "reference", reference);
        text(&mut writer, "path", &report.path.to_string_lossy());
        text(&mut writer, "digest", &format!("sha256:{}", report.digest));
        if let Some(verification) = &report.verification {
            writer.key(b"verified");
            writer.begin_map();
            writer.key(b"signedBy");
            writer.begin_list();
            verification.signed_by.iter().for_each(|name| writer.str(name.as_bytes()));
            writer.end_list();
            text(&mut writer, "fingerprint", &verification.fingerprint);
            writer.end_map();
        }
        writer.end_map();
    }
    writer.end_list();
    let mut text = json::indent(&writer.finish()?, "", "  ");
    text.push(b'\n');
    Ok(text)
}
