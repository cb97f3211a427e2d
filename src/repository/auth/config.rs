//! Docker's credential file `config.json`, which Helm and Docker share: `auths`, `credHelpers`, `credsStore`.
//!
//! Goes in: its path. Comes out: its entries for a registry. Writing preserves everything else in the file.
//! Follows oras-go's `credentials/internal/config`, including its error messages.

use super::{Credential, fault, helper};
use crate::base64;
use crate::data::{Data, Map};
use crate::error::{Error, Result};
use crate::json;
use crate::repository::Settings;
use std::path::Path;

const FILE_LIMIT: u64 = 4 << 20;

/// A parsed credential file; a missing file has no entries.
#[derive(Default)]
pub(super) struct Config {
    content: Map,
    /// The helper of this system, if the file does not configure any credentials.
    detected: Option<String>,
}

impl Config {
    /// Reads the file.
    ///
    /// # Errors
    /// `failed to open config file at …`, `failed to decode config file …`, and faults in the three fields.
    pub(super) fn load(path: &Path, settings: &Settings) -> Result<Config> {
        let text = crate::fs::read_if_there(path, FILE_LIMIT)
            .map_err(|error| error.context(format!("failed to open config file at {}", path.display())))?
            .unwrap_or_default();
        let content = match text.trim_ascii().is_empty() {
            true => Map::new(),
            false => fields(&text).map_err(|error| {
                let problem = error.message().replace("unexpected end of JSON input", "unexpected EOF");
                fault(format!("failed to decode config file {}: invalid config format: {problem}", path.display()))
            })?,
        };
        let wrong = |words: &str, data: &Data, wanted: &str| {
            let problem = format!("json: cannot unmarshal {} into Go value of type {wanted}", kind(data));
            Err(fault(format!("failed to unmarshal {words} field: invalid config format: {problem}")))
        };
        match content.get("credsStore") {
            None | Some(Data::Null | Data::Str(_)) => {}
            Some(other) => return wrong("creds store", other, "string"),
        }
        match content.get("credHelpers") {
            None | Some(Data::Null) => {}
            Some(Data::Map(helpers)) => {
                if let Some((_, helper)) = helpers.iter().find(|(_, helper)| !matches!(helper, Data::Null | Data::Str(_))) {
                    return wrong("cred helpers", helper, "string");
                }
            }
            Some(other) => return wrong("cred helpers", other, "map[string]string"),
        }
        match content.get("auths") {
            None | Some(Data::Null | Data::Map(_)) => {}
            Some(other) => return wrong("auths", other, "map[string]json.RawMessage"),
        }
        let mut config = Config { content, detected: None };
        if !config.is_configured() {
            config.detected = helper::of_system(settings);
        }
        Ok(config)
    }

    fn table(&self, field: &str) -> Option<&Map> {
        self.content.get(field).and_then(Data::as_map).map(|map| &**map)
    }

    fn store_name(&self) -> Option<&str> {
        self.content.get("credsStore").and_then(Data::as_str).filter(|name| !name.is_empty())
    }

    /// Whether the file configures any credentials.
    fn is_configured(&self) -> bool {
        let has = |field| self.table(field).is_some_and(|table| !table.is_empty());
        self.store_name().is_some() || has("credHelpers") || has("auths")
    }

    /// The helper that keeps the credentials of the registry `key`, and whether the file names it.
    pub(super) fn helper_of(&self, key: &str) -> Option<(&str, bool)> {
        let own = self.table("credHelpers").and_then(|helpers| helpers.get(key)).and_then(Data::as_str).filter(|name| !name.is_empty());
        let named = own.or_else(|| self.store_name()).map(|name| (name, true));
        named.or_else(|| self.detected.as_deref().map(|name| (name, false)))
    }

    /// The credential in the file itself.
    pub(super) fn credential_of(&self, key: &str) -> Result<Option<Credential>> {
        let Some(auths) = self.table("auths") else { return Ok(None) };
        let matching = auths.get(key).or_else(|| auths.iter().find(|(name, _)| host_of(name) == key).map(|(_, value)| value));
        let entry = match matching {
            None | Some(Data::Null) => return Ok(None),
            Some(Data::Map(entry)) => entry,
            Some(other) => {
                let problem = format!("json: cannot unmarshal {} into Go value of type config.AuthConfig", kind(other));
                return Err(fault(format!("failed to unmarshal auth field: invalid config format: {problem}")));
            }
        };
        let text = |name: &str| entry.get(name).and_then(Data::as_str).unwrap_or_default().to_string();
        let mut credential = Credential {
            username: text("username"),
            password: text("password"),
            refresh_token: text("identitytoken"),
            access_token: text("registrytoken"),
            is_of_netrc: false,
        };
        let auth = text("auth");
        if !auth.is_empty() {
            let broken = |problem: String| fault(format!("failed to decode auth field: invalid config format: {problem}"));
            let decoded = base64::decode(auth.as_bytes()).map_err(broken)?;
            let decoded = String::from_utf8_lossy(&decoded);
            // Go's error shows the whole decoded text, which may be a password.
            let parts = decoded.split_once(':');
            let (username, password) =
                parts.ok_or_else(|| broken(format!("auth of {key} does not conform the base64(username:password) format")))?;
            (credential.username, credential.password) = (username.to_string(), password.to_string());
        }
        Ok(Some(credential).filter(|credential| *credential != Credential::default()))
    }

    /// Stores a credential in the file, mode 0600.
    pub(super) fn put(&mut self, key: &str, credential: &Credential, path: &Path) -> Result<()> {
        let auth = base64::encode(format!("{}:{}", credential.username, credential.password));
        let mut auths = self.table("auths").cloned().unwrap_or_default();
        auths.insert(key, Data::map(Map::from_entries(vec![("auth".into(), Data::str(auth))])));
        self.content.insert("auths", Data::map(auths));
        self.save(path)
    }

    /// Removes a credential from the file; nothing is written if there was none.
    pub(super) fn remove(&mut self, key: &str, path: &Path) -> Result<()> {
        let Some(mut auths) = self.table("auths").cloned() else { return Ok(()) };
        if auths.remove(key).is_none() {
            return Ok(());
        }
        self.content.insert("auths", Data::map(auths));
        self.save(path)
    }

    /// Makes the file name the helper of this system, once that helper stored a credential.
    pub(super) fn keep_detected(&mut self, path: &Path) -> Result<()> {
        let Some(name) = self.detected.take() else { return Ok(()) };
        self.content.insert("credsStore", Data::str(name));
        let auths = self.table("auths").cloned().unwrap_or_default();
        self.content.insert("auths", Data::map(auths));
        self.save(path)
    }

    fn save(&self, path: &Path) -> Result<()> {
        let compact = json::to_vec(&Data::map(self.content.clone()))?;
        if let Some(folder) = path.parent() {
            crate::fs::create_private_folders(folder)?;
        }
        crate::fs::write_with_folders(path, &json::indent(&compact, "", "\t"), crate::fs::Mode::Exact(0o600))
    }
}

/// The fields of the file.
fn fields(text: &[u8]) -> Result<Map> {
    match json::parse_exact(text)? {
        Data::Map(map) => Ok((*map).clone()),
        Data::Null => Ok(Map::new()),
        other => Err(Error::new(
            crate::error::ErrorKind::Repository,
            format!("json: cannot unmarshal {} into Go value of type map[string]json.RawMessage", kind(&other)),
        )),
    }
}

/// Go's name for the type of a JSON value.
fn kind(data: &Data) -> &'static str {
    match data {
        Data::Null => "null",
        Data::Bool(_) => "bool",
        Data::Str(_) => "string",
        Data::List(_) => "array",
        Data::Map(_) => "object",
        _ => "number",
    }
}

/// The host of a key; old files write `https://host/path` for `host`.
fn host_of(name: &str) -> &str {
    let rest = name.strip_prefix("https://").or_else(|| name.strip_prefix("http://")).unwrap_or(name);
    rest.split('/').next().unwrap_or(rest)
}
