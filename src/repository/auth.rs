//! Where credentials come from: `.netrc`, Docker's credential files and helper programs.
//!
//! Goes in: a host, and the files that the settings name. Comes out: user and password, or nothing. Also stores the
//! credentials of `registry login`, in Docker's `config.json` format with `auths`, `credHelpers` and `credsStore`, so that
//! Docker, Helm and this tool share it; unknown parts of the file are preserved. Follows oras-go's `credentials` package.

mod config;
mod helper;

use super::Settings;
use crate::base64;
use crate::error::{Cause, Error, ErrorKind, Result};
use config::Config;

/// Credentials for a registry.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Credential {
    pub username: String,
    pub password: String,
    /// An OAuth2 refresh token (`identitytoken`), used instead of the password.
    pub refresh_token: String,
    /// A token that is sent unchanged as a bearer token (`registrytoken`).
    pub access_token: String,
    /// It is of `.netrc`, which Helm does not read: if it is refused, the registry is asked without it.
    pub is_of_netrc: bool,
}

impl std::fmt::Debug for Credential {
    /// Shows no secrets.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Credential(…)")
    }
}

/// The value of an `Authorization` header for user and password.
pub fn basic(username: &str, password: &str) -> String {
    format!("Basic {}", base64::encode(format!("{username}:{password}")))
}

/// User and password for `host` (with or without port) from the `.netrc` of the settings.
pub fn netrc(settings: &Settings, host: &str) -> Option<(String, String)> {
    let path = settings.netrc.as_deref()?;
    let text = crate::fs::read_limited(path, 1 << 20).ok()?;
    parse_netrc(&String::from_utf8_lossy(&text), super::url::split_port(host).0)
}

/// The entry of `host`. That of `default` is left out, as Go's own tool does: charts, indexes and schemas name hosts of all kinds.
fn parse_netrc(text: &str, host: &str) -> Option<(String, String)> {
    let mut words = Vec::new();
    let mut in_macro = false;
    for line in text.lines() {
        if in_macro {
            in_macro = !line.trim().is_empty();
            continue;
        }
        let line = if line.trim_start().starts_with('#') { "" } else { line };
        in_macro = line.trim_start().starts_with("macdef");
        if !in_macro {
            words.extend(line.split_whitespace());
        }
    }
    let mut words = words.into_iter();
    let (mut login, mut password) = (String::new(), String::new());
    let mut here = false;
    while let Some(word) = words.next() {
        match word {
            "machine" | "default" => {
                if here && !login.is_empty() {
                    break;
                }
                here = word == "machine" && words.next()?.eq_ignore_ascii_case(host);
            }
            "login" if here => login = words.next()?.to_string(),
            "password" if here => password = words.next()?.to_string(),
            "login" | "password" | "account" => {
                words.next();
            }
            _ => {}
        }
    }
    (here && !login.is_empty()).then_some((login, password))
}

/// The credential for `host` from the registry file, or else from Docker's; either may delegate to helpers. Last comes `.netrc`.
///
/// # Errors
/// `failed to resolve credential: …`; Docker's file causes it only by its entry for this host, since Helm ignores a broken file.
pub fn lookup(settings: &Settings, host: &str) -> Result<Option<Credential>> {
    let unresolved = |error: Error| error.context("failed to resolve credential").with_cause(Cause::UnresolvedCredential);
    let own = Config::load(&settings.registry_config, settings)?;
    if let Some(found) = look_into(&own, settings, host).map_err(unresolved)? {
        return Ok(Some(found));
    }
    if let Some(docker) = settings.docker_config.as_deref().and_then(|path| Config::load(path, settings).ok())
        && let Some(found) = look_into(&docker, settings, host).map_err(unresolved)?
    {
        return Ok(Some(found));
    }
    Ok(netrc(settings, host).map(|(username, password)| Credential { username, password, is_of_netrc: true, ..Credential::default() }))
}

/// The credential for `host` in a file. If a helper stores the credentials, the file's own entries are ignored.
fn look_into(config: &Config, settings: &Settings, host: &str) -> Result<Option<Credential>> {
    let key = server_key(host);
    match config.helper_of(key) {
        Some((name, true)) => helper::get(settings, name, key),
        // No file configures this helper, so its errors count as no credential.
        Some((name, false)) => Ok(helper::get(settings, name, key).unwrap_or_default()),
        None => config.credential_of(key),
    }
}

/// The key under which a registry's credentials are stored (Docker Hub has a special one).
pub fn server_key(host: &str) -> &str {
    if host == "docker.io" || host == "registry-1.docker.io" || host == "index.docker.io" { "https://index.docker.io/v1/" } else { host }
}

/// Stores a credential for `host`: in the helper that the registry file names, or in the system's, which the
/// file names from then on; else in the file itself.
pub fn store(settings: &Settings, host: &str, credential: &Credential) -> Result<()> {
    let (key, path) = (server_key(host), settings.registry_config.as_path());
    let mut config = Config::load(path, settings)?;
    match config.helper_of(key) {
        Some((name, _)) => {
            helper::store(settings, name, key, credential)?;
            config.keep_detected(path)
        }
        None => config.put(key, credential, path),
    }
}

/// Removes the credential for `host`. Nothing is written if there was none.
pub fn forget(settings: &Settings, host: &str) -> Result<()> {
    let (key, path) = (server_key(host), settings.registry_config.as_path());
    let mut config = Config::load(path, settings)?;
    match config.helper_of(key) {
        Some((name, true)) => helper::erase(settings, name, key),
        Some((name, false)) => {
            // The helper may not have stored anything.
            let _ = helper::erase(settings, name, key);
            Ok(())
        }
        None => config.remove(key, path),
    }
}

fn fault(message: String) -> Error {
    Error::new(ErrorKind::Repository, message)
}

#[cfg(test)]
mod tests;
