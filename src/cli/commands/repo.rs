//! `rutter repo`: manages the chart repositories that were added by name. Follows Helm's `pkg/cmd/repo_{add,index,list,remove,update}.go`.

use super::{Arity, Row, Run};
use crate::action::repo::{self, Added, IndexOptions};
use crate::cli::console::Console;
use crate::cli::session::Session;
use crate::cli::source::{repository_settings, settings_without_mirrors};
use crate::cli::{secret, table};
use crate::data::Data;
use crate::error::{Error, ErrorKind, Result};
use crate::quote::quote;
use crate::repository::access::TlsOptions;
use crate::repository::config::{self, Repositories};
use crate::{json, yaml};
use clap::Args;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The row of the table.
pub const COMMAND: Row = Row::group(
    "repo",
    "add, list, remove, update, and index chart repositories",
    "This command consists of multiple subcommands to interact with chart repositories.\n\nIt can be used to add, remove, list, and index chart repositories.",
    &[
        Row::leaf::<Add>("add", "[NAME] [URL]", Arity::Exactly(2), "add a chart repository", ""),
        Row::leaf::<Index>(
            "index",
            "[DIR]",
            Arity::Exactly(1),
            "generate an index file given a directory containing packaged charts",
            "Read the folder, generate an index file (index.yaml) for the chart archives found in it and in the folders below it,\nand write it there. --url makes the addresses absolute; with --merge the entries of another index are taken over.\nArchives that have not changed since the last run are not read again.",
        ),
        Row::leaf::<List>("list", "", Arity::Exactly(0), "list chart repositories", "").aliases(&["ls"]),
        Row::leaf::<Remove>("remove", "[REPO1 [REPO2 ...]]", Arity::AtLeast(1), "remove one or more chart repositories", "").aliases(&["rm"]),
        Row::leaf::<Update>(
            "update",
            "[REPO1 [REPO2 ...]]",
            Arity::Any,
            "update information of available charts locally from chart repositories",
            "Update gets the latest information about charts from the respective chart repositories.\nInformation is cached locally, where it is used by commands like 'rutter search'.\n\nName repositories to update only these:\n\n    $ rutter repo update NAME ...",
        )
        .aliases(&["up"]),
    ],
);

/// The flags of `repo add`.
#[derive(Debug, Clone, Default, Args)]
pub struct Add {
    /// by default, this command will not allow adding official repos that have been permanently deleted. This disables that behavior
    #[arg(long)]
    allow_deprecated_repos: bool,
    /// verify certificates of HTTPS-enabled servers using this CA bundle
    #[arg(long, value_name = "string")]
    ca_file: Option<String>,
    /// identify HTTPS client using this SSL certificate file
    #[arg(long, value_name = "string")]
    cert_file: Option<String>,
    /// replace (overwrite) the repo if it already exists
    #[arg(long)]
    force_update: bool,
    /// skip tls certificate checks for the repository
    #[arg(long)]
    insecure_skip_tls_verify: bool,
    /// identify HTTPS client using this SSL key file
    #[arg(long, value_name = "string")]
    key_file: Option<String>,
    /// pass credentials to all domains
    #[arg(long)]
    pass_credentials: bool,
    /// chart repository password
    #[arg(long, value_name = "string")]
    password: Option<String>,
    /// read chart repository password from stdin
    #[arg(long)]
    password_stdin: bool,
    /// time to wait for the index file download to complete
    #[arg(long, value_name = "duration", value_parser = crate::cli::arguments::duration)]
    timeout: Option<Duration>,
    /// chart repository username
    #[arg(long, value_name = "string")]
    username: Option<String>,
}

impl Run for Add {
    fn run(self, arguments: Vec<String>, session: &mut Session) -> Result<()> {
        let mut words = arguments.into_iter();
        let (name, url) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        if !self.allow_deprecated_repos {
            repo::check_gone(&url)?;
        }
        let username = self.username.unwrap_or_default();
        let mut password = self.password.unwrap_or_default();
        if !username.is_empty() && password.is_empty() {
            password = if self.password_stdin { secret::from_stdin()? } else { secret::ask("Password: ", session)? };
        }
        let entry = config::Entry {
            name: name.clone(),
            url,
            username,
            password,
            tls: TlsOptions {
                cert_file: self.cert_file.unwrap_or_default(),
                key_file: self.key_file.unwrap_or_default(),
                ca_file: self.ca_file.unwrap_or_default(),
                insecure_skip_tls_verify: self.insecure_skip_tls_verify,
            },
            pass_credentials_all: self.pass_credentials,
        };
        let mut settings = repository_settings(session)?;
        settings.timeout = self.timeout;
        let added = repo::add(entry, self.force_update, &settings, &Console::new(session))?;
        session.print(match added {
            Added::New => format!("{} has been added to your repositories\n", quote(name)),
            Added::Already => format!("{} already exists with the same configuration, skipping\n", quote(name)),
        })
    }
}

/// The flags of `repo index`.
#[derive(Debug, Clone, Default, Args)]
pub struct Index {
    /// output in JSON format
    #[arg(long)]
    json: bool,
    /// merge the generated index into the given index
    #[arg(long, value_name = "string")]
    merge: Option<String>,
    /// url of chart repository
    #[arg(long, value_name = "string")]
    url: Option<String>,
}

impl Run for Index {
    fn run(self, arguments: Vec<String>, session: &mut Session) -> Result<()> {
        let settings = repository_settings(session)?;
        let options = IndexOptions {
            url: self.url.unwrap_or_default(),
            merge: self.merge.unwrap_or_default(),
            json: self.json,
            now: crate::repository::rfc3339(settings.now),
            cache_home: PathBuf::from(&session.settings.cache_home),
        };
        let folder = arguments.into_iter().next().unwrap_or_default();
        repo::index(Path::new(&folder), &options, &Console::new(session))
    }
}

/// The flags of `repo list`.
#[derive(Debug, Clone, Default, Args)]
pub struct List {
    /// suppress headers in the output
    #[arg(long)]
    no_headers: bool,
    /// prints the output in the specified format. Allowed values: table, json, yaml (default table)
    #[arg(short, long, value_name = "format", value_parser = crate::cli::arguments::output_format)]
    output: Option<crate::cli::arguments::OutputFormat>,
}

impl Run for List {
    fn run(self, _: Vec<String>, session: &mut Session) -> Result<()> {
        use crate::cli::arguments::OutputFormat;
        // A missing or broken file counts as one without repositories, as in Helm.
        let repositories = Repositories::load_or_empty(&settings_without_mirrors(session)).unwrap_or_default();
        let format = self.output.unwrap_or_default();
        if format == OutputFormat::Table {
            if repositories.entries.is_empty() {
                session.tell("no repositories to show");
                return Ok(());
            }
            let mut rows = Vec::new();
            if !self.no_headers {
                rows.push(vec!["NAME".to_string(), "URL".to_string()]);
            }
            rows.extend(repositories.entries.iter().map(|entry| vec![entry.name.clone(), entry.url.clone()]));
            return session.print(format!("{}\n", table::render(&rows, 0)));
        }
        let items = repositories.entries.iter().map(|entry| {
            let fields = [("name", &entry.name), ("url", &entry.url)];
            Data::map(fields.into_iter().map(|(key, value)| (key.into(), Data::str(value.as_str()))).collect())
        });
        let list = Data::list(items.collect());
        session.print(match format {
            OutputFormat::Json => [json::to_vec(&list)?, b"\n".to_vec()].concat(),
            _ => yaml::to_string(&list)?.into_bytes(),
        })
    }
}

/// The flags of `repo remove`: none.
#[derive(Debug, Clone, Default, Args)]
pub struct Remove {}

impl Run for Remove {
    fn run(self, arguments: Vec<String>, session: &mut Session) -> Result<()> {
        repo::remove(&arguments, &repository_settings(session)?, &Console::new(session))
    }
}

/// The flags of `repo update`.
#[derive(Debug, Clone, Default, Args)]
pub struct Update {
    /// time to wait for the index file download to complete
    #[arg(long, value_name = "duration", value_parser = crate::cli::arguments::duration)]
    timeout: Option<Duration>,
}

impl Run for Update {
    fn run(self, arguments: Vec<String>, session: &mut Session) -> Result<()> {
        let mut settings = repository_settings(session)?;
        settings.timeout = self.timeout;
        if settings.offline {
            return Err(Error::new(ErrorKind::Usage, "repositories cannot be updated offline"));
        }
        repo::update(&arguments, &settings, &Console::new(session))
    }
}
