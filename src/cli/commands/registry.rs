//! `rutter registry`: logging in to OCI registries and out again. Follows Helm's `pkg/cmd/registry_{login,logout}.go`.

use super::{Arity, Row, Run};
use crate::action::registry;
use crate::cli::console::Console;
use crate::cli::secret;
use crate::cli::session::Session;
use crate::cli::source::repository_settings;
use crate::error::{Error, ErrorKind, Result};
use crate::repository::ChartOptions;
use crate::repository::access::TlsOptions;
use clap::Args;

/// The row of the table.
pub const COMMAND: Row = Row::group(
    "registry",
    "login to or logout from a registry",
    "This command consists of multiple subcommands to interact with registries.",
    &[
        Row::leaf::<Login>("login", "[host]", Arity::AtLeast(1), "login to a registry", "Authenticate to a remote registry."),
        Row::leaf::<Logout>(
            "logout",
            "[host]",
            Arity::AtLeast(1),
            "logout from a registry",
            "Remove credentials stored for a remote registry.",
        ),
    ],
);

/// The flags of `registry login`.
#[derive(Debug, Clone, Default, Args)]
pub struct Login {
    /// verify certificates of HTTPS-enabled servers using this CA bundle
    #[arg(long, value_name = "string")]
    ca_file: Option<String>,
    /// identify registry client using this SSL certificate file
    #[arg(long, value_name = "string")]
    cert_file: Option<String>,
    /// allow connections to TLS registry without certs
    #[arg(long)]
    insecure: bool,
    /// identify registry client using this SSL key file
    #[arg(long, value_name = "string")]
    key_file: Option<String>,
    /// registry password or identity token
    #[arg(short, long, value_name = "string")]
    password: Option<String>,
    /// read password or identity token from stdin
    #[arg(long)]
    password_stdin: bool,
    /// use insecure HTTP connections for the chart upload
    #[arg(long)]
    plain_http: bool,
    /// registry username
    #[arg(short, long, value_name = "string")]
    username: Option<String>,
}

impl Run for Login {
    fn run(self, arguments: Vec<String>, session: &mut Session) -> Result<()> {
        let host = arguments.into_iter().next().unwrap_or_default();
        let (username, password) = self.credentials(session)?;
        let tls = TlsOptions {
            cert_file: self.cert_file.unwrap_or_default(),
            key_file: self.key_file.unwrap_or_default(),
            ca_file: self.ca_file.unwrap_or_default(),
            insecure_skip_tls_verify: self.insecure,
        };
        // As in Helm, half of a certificate is ignored here, whatever else is given.
        let tls = if tls.has_certificate() { tls } else { tls.without_certificate() };
        let options = ChartOptions { username, password, tls, plain_http: self.plain_http, ..ChartOptions::default() };
        registry::login(&host, &options, &repository_settings(session)?, &Console::new(session))
    }
}

impl Login {
    /// User and password from flags, standard input or the terminal, in Helm's order.
    fn credentials(&self, session: &Session) -> Result<(String, String)> {
        let mut username = self.username.clone().unwrap_or_default();
        if self.password_stdin {
            return Ok((username, secret::from_stdin()?));
        }
        if let Some(password) = self.password.clone().filter(|password| !password.is_empty()) {
            session.tell("level=WARN msg=\"using --password via the CLI is insecure. Use --password-stdin\"");
            return Ok((username, password));
        }
        if username.is_empty() {
            username = secret::ask_openly("Username: ", session)?.trim().to_string();
        }
        let password = secret::ask_for_login(if username.is_empty() { "Token: " } else { "Password: " }, session)?;
        if password.is_empty() {
            let what = if username.is_empty() { "token required" } else { "password required" };
            return Err(Error::new(ErrorKind::Usage, what));
        }
        Ok((username, password))
    }
}

/// The flags of `registry logout`: none.
#[derive(Debug, Clone, Default, Args)]
pub struct Logout {}

impl Run for Logout {
    fn run(self, arguments: Vec<String>, session: &mut Session) -> Result<()> {
        let host = arguments.into_iter().next().unwrap_or_default();
        registry::logout(&host, &repository_settings(session)?, &Console::new(session))
    }
}
