//! `rutter serve`: a chart repository and OCI registry on a folder or a bucket. Helm has no such command;
//! most flags are named as ChartMuseum's.

use super::{Arity, Row, Run};
use crate::cli::exit::Exit;
use crate::cli::request_log::RequestLog;
use crate::cli::session::Session;
use crate::cli::system::System;
use crate::error::{Error, ErrorKind, Result};
use crate::repository::serve::accounts::{Accounts, Role};
use crate::repository::serve::route::{Depth, Layout};
use crate::repository::serve::{Options, run};
use crate::template::engine::Environment as _;
use clap::Args;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// The row of the table.
pub const COMMAND: Row = Row::leaf::<Arguments>("serve", "", Arity::Exactly(0), "serve a chart repository from a folder or a bucket", LONG);

const LONG: &str = "\
Serve a chart repository: index.yaml and archives, ChartMuseum's API for uploads, the OCI distribution API for charts, and
a page that lists what there is. All of it stands on one storage, a folder or a bucket, and several servers may share it.

    $ rutter serve --storage ./charts --listen 127.0.0.1:8879
    $ rutter repo add local http://127.0.0.1:8879
    $ rutter push app-1.0.0.tgz local

Buckets are named by URL: s3://bucket/prefix, gs://bucket/prefix, az://container/prefix; their credentials come from the
usual variables (AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_REGION, AWS_ENDPOINT, GOOGLE_SERVICE_ACCOUNT,
AZURE_STORAGE_ACCOUNT_NAME, …), or from what the cloud gives the machine or the pod.

Accounts are lines of a file, `user:secret` or `user:secret:read`; a secret may be a bcrypt hash; the user `bearer` makes it
a token. The token in $RUTTER_SERVE_TOKEN may write. Without accounts anybody may read and write, so the server listens on
this machine alone unless told otherwise.

The server stops on SIGTERM or Ctrl-C once the requests under way are answered, and at once when it is asked a second time.";

/// The prefixes of the variables that the stores read: each store has many variables, which `object_store` knows.
const STORAGE_VARIABLES: &[&str] = &["AWS_", "GOOGLE_", "AZURE_"];

/// The flags of `serve`.
#[derive(Debug, Clone, Default, Args)]
pub struct Arguments {
    /// folder or URL of a bucket in which the charts are kept
    #[arg(long, value_name = "string", default_value = "charts")]
    storage: String,
    /// address and port to listen on; port 0 takes a free one
    #[arg(long, value_name = "string", default_value = "127.0.0.1:8879")]
    listen: String,
    /// path that all others begin with
    #[arg(long, value_name = "string", default_value = "")]
    context_path: String,
    /// number of path parts that name a tenant
    #[arg(long, value_name = "int", default_value = "0")]
    depth: usize,
    /// any number of path parts names a tenant
    #[arg(long)]
    depth_dynamic: bool,
    /// URL under which clients reach the archives, when it is not this server's
    #[arg(long, value_name = "string", default_value = "")]
    chart_url: String,
    /// file with accounts, a line each: user:secret[:read|write]
    #[arg(long, value_name = "string")]
    auth_file: Option<PathBuf>,
    /// reading needs no account
    #[arg(long)]
    auth_anonymous_get: bool,
    /// certificate chain, to serve HTTPS
    #[arg(long, value_name = "string", requires = "tls_key")]
    tls_cert: Option<PathBuf>,
    /// key of the certificate
    #[arg(long, value_name = "string", requires = "tls_cert")]
    tls_key: Option<PathBuf>,
    /// most bytes of one upload
    #[arg(long, value_name = "int", default_value = "20971520")]
    max_upload_size: usize,
    /// an upload may replace a version that exists
    #[arg(long)]
    allow_overwrite: bool,
    /// do not honour ?force of an upload
    #[arg(long)]
    disable_force_overwrite: bool,
    /// versions cannot be deleted
    #[arg(long)]
    disable_delete: bool,
    /// read-only: no uploads, no deletion
    #[arg(long)]
    disable_api: bool,
    /// milliseconds after which the storage is looked at again for what other servers wrote
    #[arg(long, value_name = "int", default_value = "1000")]
    cache_interval: u64,
}

impl Run for Arguments {
    fn run(self, _: Vec<String>, session: &mut Session) -> Result<()> {
        let usage = |message: String| Error::new(ErrorKind::Usage, message);
        let listen: SocketAddr =
            self.listen.parse().map_err(|_| usage(format!("--listen wants `ADDRESS:PORT`, found `{}`", self.listen)))?;
        let mut access = Accounts::open();
        if let Some(file) = &self.auth_file {
            let text = crate::fs::read(file)?;
            access.add_accounts(&String::from_utf8_lossy(&text), &file.display().to_string())?;
        }
        match session.environment.get("RUTTER_SERVE_TOKEN").as_deref() {
            None => {}
            // Whoever sets it wants a guarded server, even where the secret that it was to hold is missing.
            Some("") => return Err(usage("RUTTER_SERVE_TOKEN is set, but empty".to_string())),
            Some(token) => access.add("bearer", token, Role::Write),
        }
        if self.auth_anonymous_get {
            if !access.is_guarded() {
                return Err(usage("--auth-anonymous-get needs accounts: without any, everybody may write too".to_string()));
            }
            access.allow_anonymous_read();
        }
        let context_path = match self.context_path.trim_matches('/') {
            "" => String::new(),
            path => format!("/{path}"),
        };
        let depth = match (self.depth_dynamic, self.depth) {
            (true, _) => Depth::Dynamic,
            (false, 0) => Depth::None,
            (false, depth) => Depth::Fixed(depth),
        };
        let scheme = if self.tls_cert.is_some() { "https" } else { "http" };
        let log = Arc::new(RequestLog::new(session.settings.debug)?);
        let options = Options {
            listen,
            storage: self.storage,
            storage_options: session.environment.filled_with_prefix(STORAGE_VARIABLES),
            layout: Layout { context_path: context_path.clone(), depth },
            chart_url: self.chart_url,
            access,
            tls: self.tls_cert.zip(self.tls_key),
            upload_limit: self.max_upload_size,
            allow_overwrite: self.allow_overwrite,
            disable_force: self.disable_force_overwrite,
            disable_delete: self.disable_delete,
            disable_api: self.disable_api,
            freshness: Duration::from_millis(self.cache_interval),
            clock: || i64::try_from(System.now() / 1_000_000).unwrap_or(i64::MAX),
            random: |bytes| System.random(bytes),
            log: log.clone(),
            version: format!("v{}", env!("CARGO_PKG_VERSION")),
        };
        let started = |address: SocketAddr| {
            // The address goes to standard output because it is data: with port 0 a script reads the port from it.
            let _ = session.print(format!("Serving charts on {scheme}://{address}{context_path}\n"));
        };
        let ended = run(options, started, stopped());
        log.close();
        ended
    }
}

/// Resolves when the process is asked to end. A second request ends it at once, even with open requests.
async fn stopped() {
    asked_to_end().await;
    tokio::spawn(async {
        asked_to_end().await;
        end_at_once();
    });
}

/// Ends the process as a signal would. Files are written beside their destination and then moved, so none is left half written there;
/// what lies beside it is removed by a later start.
fn end_at_once() -> ! {
    Exit::Code(130).end()
}

async fn asked_to_end() {
    #[cfg(unix)]
    {
        let Ok(mut terminate) = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) else {
            return interrupted().await;
        };
        tokio::select! {
            () = interrupted() => {}
            _ = terminate.recv() => {}
        }
    }
    #[cfg(not(unix))]
    interrupted().await;
}

async fn interrupted() {
    if tokio::signal::ctrl_c().await.is_err() {
        // Without a handler the system itself ends the process on Ctrl-C.
        std::future::pending::<()>().await;
    }
}
