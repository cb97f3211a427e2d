//! `rutter search`: searches charts in the added repositories and in a hub, and versions in a registry. Follows
//! Helm's `pkg/cmd/search_repo.go` and `search_hub.go`. Searching a registry is rutter's own.

use super::{Arity, Row, Run};
use crate::action::search::{self, Options};
use crate::cli::arguments::{OutputFormat, output_format, unsigned};
use crate::cli::console::Console;
use crate::cli::session::Session;
use crate::cli::source::repository_settings;
use crate::cli::table;
use crate::data::{Data, Map};
use crate::diagnostic::Level;
use crate::error::{Error, ErrorKind, Result};
use crate::repository::http::Client;
use crate::repository::record::{Fields, Record};
use crate::repository::search::Hit;
use crate::repository::url::is_oci;
use crate::repository::{ChartOptions, hub};
use crate::{json, yaml};
use clap::Args;

/// The row of the table.
pub const COMMAND: Row = Row::group(
    "search",
    "search for a keyword in charts",
    "Search provides the ability to search for charts in the repositories that you have added, for versions in a registry, and in a hub.",
    &[
        Row::leaf::<Hub>("hub", "[KEYWORD]", Arity::Any, "search for charts in the Artifact Hub or your own hub instance", HUB),
        Row::leaf::<Repo>("repo", "[keyword]", Arity::Any, "search repositories for a keyword in charts", LONG),
    ],
);

const HUB: &str = "\
Search for charts in the Artifact Hub (https://artifacthub.io), or in your own hub.

The keyword may be several words, or a query in quotes as Artifact Hub takes it. Any --endpoint that answers to the search of
Monocular will do.

    # Search for charts that have to do with nginx
    $ rutter search hub nginx

    # The same with the addresses of their repositories, which 'rutter repo add' takes
    $ rutter search hub nginx --list-repo-url";

const LONG: &str = "\
Search reads through all of the repositories configured on the system, and
looks for matches. Search of these repositories uses the metadata stored on
the system.

It will display the latest stable versions of the charts found. If you
specify the --devel flag, the output will include pre-release versions.
If you want to search using a version constraint, use --version.

    # Search for stable release versions matching the keyword \"nginx\"
    $ rutter search repo nginx

    # Search for release versions matching the keyword \"nginx\", including pre-release versions
    $ rutter search repo nginx --devel

    # Search for the latest stable release for nginx-ingress with a major version of 1
    $ rutter search repo nginx-ingress --version ^1.0.0

    # List the versions of a chart in a registry (not in Helm)
    $ rutter search repo oci://registry.example.com/charts/nginx --versions

    # List the charts of a registry that tells its repositories, or those below a path in it (not in Helm)
    $ rutter search repo oci://registry.example.com/charts

Repositories are managed with 'rutter repo' commands.";

/// The flags of `search repo`.
#[derive(Debug, Clone, Default, Args)]
pub struct Repo {
    /// use development versions (alpha, beta, and release candidate releases), too. Equivalent to version '>0.0.0-0'. If --version is set, this is ignored
    #[arg(long)]
    devel: bool,
    /// search fails if no results are found
    #[arg(long)]
    fail_on_no_result: bool,
    /// maximum column width for output table
    #[arg(long, value_name = "uint", value_parser = unsigned, default_value = "50", hide_default_value = true)]
    max_col_width: usize,
    /// prints the output in the specified format. Allowed values: table, json, yaml (default table)
    #[arg(short, long, value_name = "format", value_parser = output_format)]
    output: Option<OutputFormat>,
    /// use insecure HTTP connections to a registry (not in Helm)
    #[arg(long)]
    plain_http: bool,
    /// use regular expressions for searching repositories you have added
    #[arg(short, long)]
    regexp: bool,
    /// search using semantic versioning constraints on repositories you have added
    #[arg(long, value_name = "string")]
    version: Option<String>,
    /// show the long listing, with each version of each chart on its own line, for repositories you have added
    #[arg(short = 'l', long)]
    versions: bool,
}

impl Run for Repo {
    fn run(self, arguments: Vec<String>, session: &mut Session) -> Result<()> {
        let settings = repository_settings(session)?;
        let console = Console::new(session);
        let version = self.version.as_deref().unwrap_or_default();
        session.notices.push_with(Level::Debug, "original chart version", &[("version", version)]);
        if version.is_empty() {
            session.notices.push(Level::Debug, format!("setting version to >0.0.0{}", if self.devel { "-0" } else { "" }));
        }
        session.show_notices();
        let options = Options {
            words: arguments,
            regexp: self.regexp,
            versions: self.versions,
            devel: self.devel,
            version: self.version.clone().unwrap_or_default(),
        };
        let hits = match options.words.as_slice() {
            [reference] if is_oci(reference) => {
                let access = ChartOptions { plain_http: self.plain_http, ..ChartOptions::default() };
                search::registry(reference, &options, &access, &settings, &console)?
            }
            _ => search::repositories(&options, &settings, &console)?,
        };
        if hits.is_empty() && self.fail_on_no_result {
            return Err(Error::new(ErrorKind::Repository, "no results found"));
        }
        session.print(self.report(&hits)?)
    }
}

impl Repo {
    fn report(&self, hits: &[Hit]) -> Result<Vec<u8>> {
        match self.output.unwrap_or_default() {
            OutputFormat::Table if hits.is_empty() => Ok(b"No results found\n".to_vec()),
            OutputFormat::Table => {
                let mut rows = vec![["NAME", "CHART VERSION", "APP VERSION", "DESCRIPTION"].map(str::to_string).to_vec()];
                rows.extend(
                    hits.iter().map(|hit| vec![hit.name.clone(), hit.version.clone(), hit.app_version.clone(), hit.description.clone()]),
                );
                Ok(format!("{}\n", table::render(&rows, self.max_col_width)).into_bytes())
            }
            OutputFormat::Json => {
                let mut writer = json::Writer::new(true);
                writer.begin_list();
                for hit in hits {
                    writer.begin_map();
                    for (key, value) in fields(hit) {
                        writer.key(key.as_bytes());
                        writer.str(value.as_bytes());
                    }
                    writer.end_map();
                }
                writer.end_list();
                let mut text = writer.finish()?;
                text.push(b'\n');
                Ok(text)
            }
            OutputFormat::Yaml => {
                let item = |hit| Data::map(fields(hit).into_iter().map(|(key, value)| (key.into(), Data::str(value))).collect::<Map>());
                Ok(yaml::to_string(&Data::list(hits.iter().map(item).collect()))?.into_bytes())
            }
        }
    }
}

/// The flags of `search hub`.
#[derive(Debug, Clone, Default, Args)]
pub struct Hub {
    /// Hub instance to query for charts
    #[arg(long, value_name = "string", default_value = "https://hub.helm.sh", hide_default_value = true)]
    endpoint: String,
    /// search fails if no results are found
    #[arg(long)]
    fail_on_no_result: bool,
    /// print charts repository URL
    #[arg(long)]
    list_repo_url: bool,
    /// maximum column width for output table
    #[arg(long, value_name = "uint", value_parser = unsigned, default_value = "50", hide_default_value = true)]
    max_col_width: usize,
    /// prints the output in the specified format. Allowed values: table, json, yaml (default table)
    #[arg(short, long, value_name = "format", value_parser = output_format)]
    output: Option<OutputFormat>,
}

impl Run for Hub {
    fn run(self, arguments: Vec<String>, session: &mut Session) -> Result<()> {
        let settings = repository_settings(session)?;
        let console = Console::new(session);
        let hits = hub::search(&self.endpoint, &arguments.join(" "), &Client::new(&settings, &console))?;
        if hits.is_empty() && self.fail_on_no_result {
            return Err(Error::new(ErrorKind::Repository, "no results found"));
        }
        session.print(self.report(&hits)?)
    }
}

impl Hub {
    fn report(&self, hits: &[hub::Listing]) -> Result<Vec<u8>> {
        match self.output.unwrap_or_default() {
            OutputFormat::Table if hits.is_empty() => Ok(b"No results found\n".to_vec()),
            OutputFormat::Table => {
                let columns = if self.list_repo_url { 5 } else { 4 };
                let row = |texts: [&str; 5]| texts.iter().take(columns).map(|text| text.to_string()).collect();
                let mut rows: Vec<Vec<String>> = vec![row(["URL", "CHART VERSION", "APP VERSION", "DESCRIPTION", "REPO URL"])];
                rows.extend(hits.iter().map(|hit| row([&hit.url, &hit.version, &hit.app_version, &hit.description, &hit.repository_url])));
                Ok(format!("{}\n", table::render(&rows, self.max_col_width)).into_bytes())
            }
            OutputFormat::Json => {
                let list = hits.iter().map(|hit| hub_record(hit).to_json()).collect::<Result<Vec<_>>>()?;
                Ok([b"[", list.join(&b","[..]).as_slice(), b"]\n"].concat())
            }
            OutputFormat::Yaml => {
                Ok(yaml::to_string(&Data::list(hits.iter().map(|hit| hub_record(hit).to_data()).collect()))?.into_bytes())
            }
        }
    }
}

/// A chart with its fields in the order of Helm's `hubChartElement`.
fn hub_record(listing: &hub::Listing) -> Record {
    let mut repository = Fields::default();
    repository.always("url", Record::text(&listing.repository_url));
    repository.always("name", Record::text(&listing.repository_name));
    let mut fields = Fields::default();
    for (name, text) in
        [("url", &listing.url), ("version", &listing.version), ("app_version", &listing.app_version), ("description", &listing.description)]
    {
        fields.always(name, Record::text(text));
    }
    fields.always("repository", repository.finish());
    fields.finish()
}

fn fields(hit: &Hit) -> [(&'static str, &str); 4] {
    [("name", &hit.name), ("version", &hit.version), ("app_version", &hit.app_version), ("description", &hit.description)]
}
