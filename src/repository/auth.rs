//! Where credentials come from: `.netrc`, Docker's credential files and helper programs.
//!
//! Goes in: a host, and the files that the settings name. Comes out: user and password, or nothing. Also keeps what
//! `registry login` learned, in Docker's `config.json` format with `auths`, `credHelpers` and `credsStore`, so that Docker,
//! Helm and this tool share it; unknown parts of the file stay as they are. Follows oras-go's `credentials` package.

use super::Settings;
use super::cache::write_whole;
use crate::data::{Data, Map};
use crate::error::{Error, ErrorKind, Result};
use crate::json;
use crate::quote::quote;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// What a registry is shown.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Credential {
    pub username: String,
    pub password: String,
    /// An OAuth2 refresh token (`identitytoken`), used instead of the password.
    pub refresh_token: String,
}

impl std::fmt::Debug for Credential {
    /// Shows no secrets.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Credential(…)")
    }
}

/// The value of an `Authorization` header for user and password.
pub fn basic(username: &str, password: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{username}:{password}")))
}

/// User and password for `host` (with or without port) from the `.netrc` of the settings.
pub fn netrc(settings: &Settings, host: &str) -> Option<(String, String)> {
    let path = settings.netrc.as_deref()?;
    let text = crate::fs::read_limited(path, 1 << 20).ok()?;
    parse_netrc(&String::from_utf8_lossy(&text), super::url::split_port(host).0)
}

/// The entry of `host`, or of `default`.
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
                let machine = if word == "machine" { words.next()? } else { host };
                here = machine.eq_ignore_ascii_case(host);
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

/// The credential for `host` from the registry file, or Docker's, or their helpers.
pub fn lookup(settings: &Settings, host: &str) -> Result<Option<Credential>> {
    let files = [Some(settings.registry_config.as_path()), settings.docker_config.as_deref()];
    for path in files.into_iter().flatten() {
        let config = read_config(path)?;
        if let Some(found) = from_config(settings, &config, host)? {
            return Ok(Some(found));
        }
    }
    Ok(netrc(settings, host).map(|(username, password)| Credential { username, password, ..Credential::default() }))
}

/// The name under which a registry's credentials are kept (Docker Hub has a peculiar one).
pub fn server_key(host: &str) -> &str {
    if host == "docker.io" || host == "registry-1.docker.io" || host == "index.docker.io" { "https://index.docker.io/v1/" } else { host }
}

fn from_config(settings: &Settings, config: &Map, host: &str) -> Result<Option<Credential>> {
    let key = server_key(host);
    if let Some(helper) = helper_for(config, key)
        && let Some(found) = ask_helper(settings, &helper, key)?
    {
        return Ok(Some(found));
    }
    let Some(auths) = config.get("auths").and_then(Data::as_map) else { return Ok(None) };
    let matching = auths.get(key).or_else(|| auths.iter().find(|(name, _)| host_of(name) == key).map(|(_, value)| value));
    let Some(entry) = matching.and_then(Data::as_map) else { return Ok(None) };
    let text = |name: &str| entry.get(name).and_then(Data::as_str).unwrap_or_default().to_string();
    let mut credential = Credential { username: text("username"), password: text("password"), refresh_token: text("identitytoken") };
    let auth = text("auth");
    if !auth.is_empty() {
        let fault = || Error::new(ErrorKind::Repository, format!("invalid credentials for {host} in the registry configuration"));
        let decoded = STANDARD.decode(auth.trim()).map_err(|_| fault())?;
        let decoded = String::from_utf8(decoded).map_err(|_| fault())?;
        let (username, password) = decoded.split_once(':').ok_or_else(fault)?;
        credential.username = username.to_string();
        credential.password = password.trim_end_matches('\0').to_string();
    }
    let empty = credential.username.is_empty() && credential.refresh_token.is_empty();
    Ok((!empty).then_some(credential))
}

/// `https://host/path` in old files stands for `host`.
fn host_of(name: &str) -> &str {
    let rest = name.strip_prefix("https://").or_else(|| name.strip_prefix("http://")).unwrap_or(name);
    rest.split('/').next().unwrap_or(rest)
}

fn helper_for(config: &Map, key: &str) -> Option<String> {
    let own = config.get("credHelpers").and_then(Data::as_map).and_then(|helpers| helpers.get(key)).and_then(Data::as_str);
    own.or_else(|| config.get("credsStore").and_then(Data::as_str)).filter(|name| !name.is_empty()).map(str::to_string)
}

fn helper_program(settings: &Settings, name: &str) -> Result<PathBuf> {
    let plain = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte));
    let program = format!("docker-credential-{name}");
    let found = settings
        .program_path
        .iter()
        .map(|folder| folder.join(&program))
        .find(|path| plain && crate::fs::stat(path).is_ok_and(|entry| entry.kind == crate::fs::Kind::File));
    found.ok_or_else(|| Error::new(ErrorKind::Repository, format!("exec: {}: executable file not found in $PATH", quote(program))))
}

fn run_helper(settings: &Settings, name: &str, action: &str, input: &[u8]) -> Result<std::result::Result<Vec<u8>, String>> {
    let program = helper_program(settings, name)?;
    let fault = |error: std::io::Error| Error::new(ErrorKind::Repository, format!("{}: {error}", program.display()));
    let mut child =
        Command::new(&program).arg(action).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().map_err(fault)?;
    if let Some(mut stdin) = child.stdin.take() {
        // A helper may end without reading; what it says counts.
        let _ = stdin.write_all(input);
    }
    let output = child.wait_with_output().map_err(fault)?;
    if output.status.success() { Ok(Ok(output.stdout)) } else { Ok(Err(String::from_utf8_lossy(&output.stdout).trim().to_string())) }
}

fn ask_helper(settings: &Settings, name: &str, key: &str) -> Result<Option<Credential>> {
    let answer = match run_helper(settings, name, "get", key.as_bytes())? {
        Ok(answer) => json::parse(&answer)?,
        Err(text) if text.contains("credentials not found") => return Ok(None),
        Err(text) => return Err(Error::new(ErrorKind::Repository, format!("credential helper {name}: {}", super::printable(&text)))),
    };
    let text = |field: &str| answer.as_map().and_then(|map| map.get(field)).and_then(Data::as_str).unwrap_or_default().to_string();
    let (username, secret) = (text("Username"), text("Secret"));
    if username == "<token>" {
        return Ok(Some(Credential { refresh_token: secret, ..Credential::default() }));
    }
    Ok((!username.is_empty() || !secret.is_empty()).then_some(Credential { username, password: secret, ..Credential::default() }))
}

fn read_config(path: &Path) -> Result<Map> {
    if !crate::fs::exists(path) {
        return Ok(Map::new());
    }
    let text = crate::fs::read_limited(path, 4 << 20)?;
    if text.trim_ascii().is_empty() {
        return Ok(Map::new());
    }
    let data = json::parse_exact(&text).map_err(|error| {
        let fault = error.to_string().replace("unexpected end of JSON input", "unexpected EOF");
        Error::new(ErrorKind::Repository, format!("failed to decode config file {}: invalid config format: {fault}", path.display()))
    })?;
    Ok(data.as_map().map(|map| (**map).clone()).unwrap_or_default())
}

/// Keeps a credential for `host`: with the configured helper, else in the registry file, mode 0600.
pub fn store(settings: &Settings, host: &str, credential: &Credential) -> Result<()> {
    let mut config = read_config(&settings.registry_config)?;
    let key = server_key(host);
    if let Some(helper) = helper_for(&config, key) {
        let input = Data::map(Map::from_entries(vec![
            ("ServerURL".into(), Data::str(key)),
            ("Username".into(), Data::str(credential.username.as_str())),
            ("Secret".into(), Data::str(credential.password.as_str())),
        ]));
        return run_helper(settings, &helper, "store", &json::to_vec(&input)?)?
            .map(|_| ())
            .map_err(|text| Error::new(ErrorKind::Repository, format!("credential helper {helper}: {}", super::printable(&text))));
    }
    let auth = STANDARD.encode(format!("{}:{}", credential.username, credential.password));
    let mut auths = config.get("auths").and_then(Data::as_map).map(|map| (**map).clone()).unwrap_or_default();
    auths.insert(key, Data::map(Map::from_entries(vec![("auth".into(), Data::str(auth))])));
    config.insert("auths", Data::map(auths));
    save(settings, config)
}

/// Forgets the credential for `host`. Nothing is written when there was none.
pub fn forget(settings: &Settings, host: &str) -> Result<()> {
    let mut config = read_config(&settings.registry_config)?;
    let key = server_key(host);
    if let Some(helper) = helper_for(&config, key) {
        let _ = run_helper(settings, &helper, "erase", key.as_bytes())?;
        return Ok(());
    }
    let Some(auths) = config.get("auths").and_then(Data::as_map) else { return Ok(()) };
    let mut auths = (**auths).clone();
    if auths.remove(key).is_none() {
        return Ok(());
    }
    config.insert("auths", Data::map(auths));
    save(settings, config)
}

fn save(settings: &Settings, config: Map) -> Result<()> {
    let compact = json::to_vec(&Data::map(config))?;
    if let Some(folder) = settings.registry_config.parent() {
        crate::fs::create_private_folders(folder)?;
    }
    write_whole(&settings.registry_config, &json::indent(&compact, "", "\t"), crate::fs::Mode::Exact(0o600))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn netrc_gives_the_entry_of_the_host() {
        let text = "# own\nmachine a.example login ada password s3\nmacdef init\nmachine evil login x password y\n\nmachine b.example\n  login bo\n  password p2\ndefault login any password thing\n";
        let of = |host: &str| parse_netrc(text, host);
        assert_eq!(of("a.example"), Some(("ada".into(), "s3".into())));
        assert_eq!(of("B.example"), Some(("bo".into(), "p2".into())));
        assert_eq!(of("evil"), Some(("any".into(), "thing".into())));
        assert_eq!(parse_netrc("machine a login x password y", "b"), None);
    }
}
