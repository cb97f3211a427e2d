//! Logging in to registries and out again.
//!
//! Goes in: a registry, user and password. Comes out: credentials stored in or removed from the file that Helm and Docker
//! share. They are stored only after the registry accepted them. Matches Helm's `pkg/action/registry_{login,logout}.go`.

use crate::error::{Error, ErrorKind, Result};
use crate::quote::quote;
use crate::repository::access::Access;
use crate::repository::auth::{self, Credential};
use crate::repository::http::Client;
use crate::repository::oci::{Registry, reference::valid_registry};
use crate::repository::{ChartOptions, Reporter, Settings};

/// Logs in to the registry `host`.
pub fn login(host: &str, options: &ChartOptions, settings: &Settings, reporter: &dyn Reporter) -> Result<()> {
    if host.contains('/') {
        let suggested = host.split('/').next().unwrap_or_default();
        let message = "registry login currently only supports registry hostname, not a repository path";
        reporter.warn_with(message, &[("host", host), ("suggested", suggested)]);
    }
    if !valid_registry(host) {
        return Err(Error::new(ErrorKind::Usage, format!("invalid reference: invalid registry {}", quote(host))));
    }
    let client = Client::new(settings, reporter);
    let credential = Credential { username: options.username.clone(), password: options.password.clone(), ..Credential::default() };
    let registry = Registry::new(&client, host, &Access::of_flags(options, ""), options.plain_http).with_credential(credential.clone());
    registry.ping().map_err(|error| error.context(format!("authenticating to {}", quote(host))))?;
    auth::store(settings, host, &credential)?;
    reporter.say("Login Succeeded");
    Ok(())
}

/// Removes the credentials of `host`; no error if there are none.
pub fn logout(host: &str, settings: &Settings, reporter: &dyn Reporter) -> Result<()> {
    auth::forget(settings, host)?;
    reporter.say(&format!("Removing login credentials for {host}"));
    Ok(())
}
