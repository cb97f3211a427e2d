//! `rutter push`: uploads an archive, or a folder that it packs first, to a registry or a repository. Follows
//! Helm's `pkg/cmd/push.go`. Uploads to HTTP repositories are rutter's own.

use super::{Arity, Row, Run};
use crate::action::push::{self, Options};
use crate::action::{dependency, package};
use crate::cli::arguments::{boolean, without_plain_http_over_tls};
use crate::cli::console::Console;
use crate::cli::session::Session;
use crate::cli::source::repository_settings;
use crate::error::{Error, ErrorKind, Result};
use crate::json;
use crate::repository::access::TlsOptions;
use crate::repository::oci::SCHEME;
use crate::repository::push::ServerKind;
use crate::repository::{ChartOptions, Recorded, Settings};
use clap::Args;
use std::path::{Path, PathBuf};

/// The row of the table.
pub const COMMAND: Row = Row::leaf::<Arguments>("push", "[chart] [remote]", Arity::AtLeast(2), "push a chart to remote", LONG);

const LONG: &str = "\
Upload a chart to a registry or a chart repository.

The remote is the parent path in an OCI registry, to which name and version are appended:

    $ rutter push mychart-0.1.0.tgz oci://registry.example.com/charts

or the name of a repository that was added, or an HTTP address with the kind of its server (not in Helm):

    $ rutter push mychart-0.1.0.tgz myrepo
    $ rutter push mychart-0.1.0.tgz https://charts.example.com --server chartmuseum
    $ rutter push mychart-0.1.0.tgz https://files.example.com/charts/ --server webdav
    $ rutter push ./mychart myrepo --version 1.2.3

As with the public push plugin a folder is packed first, an archive again if it gets another version, and HELM_REPO_USERNAME, HELM_REPO_PASSWORD, HELM_REPO_ACCESS_TOKEN,
HELM_REPO_AUTH_HEADER, HELM_REPO_CONTEXT_PATH and the like are honoured.

A version that is there already is refused with exit code 3 unless --force is given; in a registry only if its archive is
another one. With 'webdav' the index of the folder is fetched, merged and put back; pushes at the same time wait for each other.

If the chart has an associated provenance file, it will also be uploaded.";

/// The flags of `push`.
#[derive(Debug, Clone, Default, Args)]
pub struct Arguments {
    /// send this token to an HTTP repository, as 'Bearer' unless --auth-header names a header (not in Helm)
    #[arg(long, value_name = "string")]
    access_token: Option<String>,
    /// set the appVersion of a chart, which is packed for it (not in Helm)
    #[arg(long, value_name = "string")]
    app_version: Option<String>,
    /// the header that carries the access token (not in Helm)
    #[arg(long, value_name = "string")]
    auth_header: Option<String>,
    /// verify certificates of HTTPS-enabled servers using this CA bundle
    #[arg(long, value_name = "string")]
    ca_file: Option<String>,
    /// identify registry client using this SSL certificate file
    #[arg(long, value_name = "string")]
    cert_file: Option<String>,
    /// ChartMuseum's context path (not in Helm)
    #[arg(long, value_name = "string")]
    context_path: Option<String>,
    /// update the dependencies of a folder before it is packed (not in Helm)
    #[arg(short, long)]
    dependency_update: bool,
    /// replace a version that exists (not in Helm)
    #[arg(short, long)]
    force: bool,
    /// skip tls certificate checks for the chart upload
    #[arg(long)]
    insecure_skip_tls_verify: bool,
    /// identify registry client using this SSL key file
    #[arg(long, value_name = "string")]
    key_file: Option<String>,
    /// how the upload is reported: text or json (not in Helm)
    #[arg(short, long, value_name = "format", value_parser = ["text", "json"])]
    output: Option<String>,
    /// chart repository password where to locate the requested chart
    #[arg(long, value_name = "string")]
    password: Option<String>,
    /// use insecure HTTP connections for the chart upload
    #[arg(long)]
    plain_http: bool,
    /// the provenance file, if it does not lie beside the archive (not in Helm)
    #[arg(long, value_name = "string")]
    prov: Option<String>,
    /// what takes an HTTP upload: auto, chartmuseum, webdav (index.yaml is merged and put back), put, artifactory, nexus or gitlab (not in Helm)
    #[arg(long, value_name = "string", value_parser = server)]
    server: Option<ServerKind>,
    /// chart repository username where to locate the requested chart
    #[arg(long, value_name = "string")]
    username: Option<String>,
    /// set the version of a chart, which is packed for it (not in Helm)
    #[arg(long, value_name = "string")]
    version: Option<String>,
}

fn server(text: &str) -> std::result::Result<ServerKind, String> {
    match text {
        "auto" => Ok(ServerKind::Auto),
        "chartmuseum" | "harbor" => Ok(ServerKind::ChartMuseum),
        "put" | "artifactory" | "nexus" => Ok(ServerKind::Put),
        "webdav" => Ok(ServerKind::WebDav),
        "gitlab" => Ok(ServerKind::GitLab),
        _ => Err("must be one of: auto, chartmuseum, put, webdav, artifactory, nexus, gitlab".to_string()),
    }
}

impl Run for Arguments {
    fn run(self, arguments: Vec<String>, session: &mut Session) -> Result<()> {
        let mut words = arguments.into_iter();
        let (path, destination) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        let environment = &session.environment;
        // The variables of the public push plugin apply only to HTTP repositories.
        let http = !destination.starts_with(SCHEME);
        let variable = |name: &str| environment.get_filled(name).filter(|_| http);
        let truth = |name: &str| variable(name).is_some_and(|text| boolean(&text) == Ok(true));
        let given = |flag: &Option<String>, name: &str| flag.clone().filter(|_| http).or_else(|| variable(name));
        let token =
            given(&self.access_token, "HELM_REPO_ACCESS_TOKEN").map(|token| match given(&self.auth_header, "HELM_REPO_AUTH_HEADER") {
                Some(header) => format!("{header}: {token}"),
                None => format!("Bearer {token}"),
            });
        let options = Options {
            source: without_plain_http_over_tls(ChartOptions {
                username: self.username.clone().or_else(|| variable("HELM_REPO_USERNAME")).unwrap_or_default(),
                password: self.password.clone().or_else(|| variable("HELM_REPO_PASSWORD")).unwrap_or_default(),
                tls: TlsOptions {
                    cert_file: self.cert_file.clone().or_else(|| variable("HELM_REPO_CERT_FILE")).unwrap_or_default(),
                    key_file: self.key_file.clone().or_else(|| variable("HELM_REPO_KEY_FILE")).unwrap_or_default(),
                    ca_file: self.ca_file.clone().or_else(|| variable("HELM_REPO_CA_FILE")).unwrap_or_default(),
                    insecure_skip_tls_verify: self.insecure_skip_tls_verify || truth("HELM_REPO_INSECURE"),
                },
                plain_http: self.plain_http,
                ..ChartOptions::default()
            }),
            server: self.server,
            force: self.force,
            provenance: self.prov.clone().map(PathBuf::from),
            context_path: self.context_path.clone().or_else(|| variable("HELM_REPO_CONTEXT_PATH")),
            token,
        };
        if !http {
            options.source.check_tls_files()?;
        }
        let json = self.output.as_deref() == Some("json");
        let console = if json { Console::beside_report(session) } else { Console::new(session) };
        let settings = repository_settings(session)?;
        let mut path = PathBuf::from(path);
        let changes = self.version.is_some() || self.app_version.is_some();
        let packs = if crate::fs::is_folder(&path) { http } else { changes };
        let packed = if packs { Some(self.pack(&mut path, &options, &settings, session)?) } else { None };
        let report = push::run(&path, &destination, &options, &settings, &console)?;
        drop(packed);
        if !json {
            return Ok(());
        }
        let mut writer = json::Writer::new(false);
        writer.begin_map();
        for (key, value) in
            [("name", &report.name), ("version", &report.version), ("destination", &report.destination), ("digest", &report.digest)]
        {
            writer.key(key.as_bytes());
            writer.str(value.as_bytes());
        }
        writer.key(b"size");
        writer.int(i64::try_from(report.size).unwrap_or(i64::MAX));
        writer.end_map();
        let mut text = json::indent(&writer.finish()?, "", "  ");
        text.push(b'\n');
        session.print(text)
    }
}

/// Refuses an archive that has a signature: it would not fit another version.
fn check_unsigned(path: &Path, options: &Options) -> Result<()> {
    let beside = PathBuf::from(format!("{}.prov", path.display()));
    if let Some(given) = &options.provenance {
        crate::fs::stat(given)?;
    }
    let signature = options.provenance.clone().or_else(|| crate::fs::exists(&beside).then_some(beside));
    match signature {
        Some(signature) => {
            let message =
                format!("{} signs {} as it is: pack and sign the chart with its new version", signature.display(), path.display());
            Err(Error::new(ErrorKind::Usage, message))
        }
        None => Ok(()),
    }
}

impl Arguments {
    /// Packs the folder, or an archive again if it is to become another one, and sets `path` to the new archive, which is deleted when
    /// the returned folder is dropped.
    fn pack(&self, path: &mut PathBuf, options: &Options, settings: &Settings, session: &mut Session) -> Result<tempfile::TempDir> {
        if self.dependency_update && crate::fs::is_folder(path) {
            let options = dependency::Options { source: options.source.clone(), ..dependency::Options::default() };
            dependency::update(&crate::fs::clean(path), &options, settings, &Recorded::default())?;
        }
        let place = crate::fs::temporary_folder(&settings.temporary)?;
        let changed = package::Options {
            version: self.version.clone().unwrap_or_default(),
            app_version: self.app_version.clone().unwrap_or_default(),
            destination: place.path().to_path_buf(),
            time: session.environment.source_date()?,
        };
        if crate::fs::is_folder(path) {
            *path = package::run(path, &changed, &mut session.notices)?.path;
        } else if let Some(report) = package::repack(path, &changed, &mut session.notices)? {
            check_unsigned(path, options)?;
            *path = report.path;
        }
        session.show_notices();
        Ok(place)
    }
}
