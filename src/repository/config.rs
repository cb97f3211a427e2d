//! repositories.yaml: Helm's file with the added repositories.
//!
//! Goes in: the file's bytes or nothing. Comes out: [`Repositories`] in file order, and the bytes to write back: keys
//! sorted, all of them present, `apiVersion` and `generated` unchanged (Helm's `repo add` never fills them). The file
//! holds passwords, so it is created with mode 0600, written whole or not at all. Follows Helm's `pkg/repo/v1/repo.go`.

use super::Settings;
use super::access::TlsOptions;
use crate::data::{Data, Map};
use crate::error::{Error, ErrorKind, Result};
use crate::fs;
use crate::quote::quote;
use crate::yaml::{self, Field, Shape};
use std::path::{Path, PathBuf};

static FILE: Shape = Shape::Struct(
    "repo.File",
    &[Field("apiVersion", &Shape::Str), Field("generated", &Shape::Time), Field("repositories", &Shape::List(&ENTRY))],
);

static ENTRY: Shape = Shape::Struct(
    "repo.Entry",
    &[
        Field("name", &Shape::Str),
        Field("url", &Shape::Str),
        Field("username", &Shape::Str),
        Field("password", &Shape::Str),
        Field("certFile", &Shape::Str),
        Field("keyFile", &Shape::Str),
        Field("caFile", &Shape::Str),
        Field("insecure_skip_tls_verify", &Shape::Bool),
        Field("pass_credentials_all", &Shape::Bool),
    ],
);

/// Repositories that closed in 2020: name, host and replacement.
pub const CLOSED: [(&str, &str, &str); 2] = [
    ("stable", "kubernetes-charts.storage.googleapis.com", "https://charts.helm.sh/stable"),
    ("incubator", "kubernetes-charts-incubator.storage.googleapis.com", "https://charts.helm.sh/incubator"),
];

/// An added repository.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Entry {
    pub name: String,
    /// As it was given; may hold user and password.
    pub url: String,
    pub username: String,
    pub password: String,
    pub tls: TlsOptions,
    pub pass_credentials_all: bool,
}

impl std::fmt::Debug for Entry {
    /// Never shows the password.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Entry").field("name", &self.name).field("url", &super::url::redact(&self.url)).finish_non_exhaustive()
    }
}

/// The largest file that is read, in bytes: some ten thousand repositories.
pub const FILE_LIMIT: u64 = 16 << 20;

/// The contents of the file.
#[derive(Debug, Clone, Default)]
pub struct Repositories {
    api_version: String,
    /// As written, or Go's zero time.
    generated: String,
    pub entries: Vec<Entry>,
}

impl Repositories {
    /// Reads the file at `path`. `Ok(None)` if there is no such file.
    pub fn load(path: &Path) -> Result<Option<Repositories>> {
        let failed = |error: Error| error.context(format_args!("couldn't load repositories file ({})", path.display()));
        let parse = |bytes: Vec<u8>| Repositories::parse(&bytes).map_err(|error| error.in_file(&path.to_string_lossy()));
        fs::read_if_there(path, FILE_LIMIT).map_err(failed)?.map(parse).transpose()
    }

    /// Reads the file of `settings`; a missing file is an empty list.
    pub fn load_or_empty(settings: &Settings) -> Result<Repositories> {
        Ok(Repositories::load(&settings.repository_config)?.unwrap_or_default())
    }

    /// Parses the text of the file.
    pub fn parse(bytes: &[u8]) -> Result<Repositories> {
        let data = yaml::decode(bytes, &FILE)?;
        let mut repositories = Repositories::default();
        let Some(map) = data.as_map() else { return Ok(repositories) };
        repositories.api_version = text(map, "apiVersion");
        repositories.generated = text(map, "generated");
        if let Some(items) = map.get("repositories").and_then(Data::as_list) {
            for item in items.iter().filter_map(Data::as_map) {
                repositories.entries.push(Entry {
                    name: text(item, "name"),
                    url: text(item, "url"),
                    username: text(item, "username"),
                    password: text(item, "password"),
                    tls: TlsOptions {
                        cert_file: text(item, "certFile"),
                        key_file: text(item, "keyFile"),
                        ca_file: text(item, "caFile"),
                        insecure_skip_tls_verify: flag(item, "insecure_skip_tls_verify"),
                    },
                    pass_credentials_all: flag(item, "pass_credentials_all"),
                });
            }
        }
        Ok(repositories)
    }

    /// The entry called `name`.
    pub fn get(&self, name: &str) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.name == name)
    }

    /// Replaces the entry with the same name by `entry`, or appends it.
    pub fn update(&mut self, entry: Entry) {
        match self.entries.iter_mut().find(|existing| existing.name == entry.name) {
            Some(existing) => *existing = entry,
            None => self.entries.push(entry),
        }
    }

    /// Removes the entries called `name`; returns whether there was one.
    pub fn remove(&mut self, name: &str) -> bool {
        let before = self.entries.len();
        self.entries.retain(|entry| entry.name != name);
        self.entries.len() != before
    }

    /// The text of the file.
    pub fn to_yaml(&self) -> Result<String> {
        let items = self.entries.iter().map(|entry| {
            Data::map(Map::from_entries(vec![
                ("caFile".into(), Data::str(entry.tls.ca_file.as_str())),
                ("certFile".into(), Data::str(entry.tls.cert_file.as_str())),
                ("insecure_skip_tls_verify".into(), Data::Bool(entry.tls.insecure_skip_tls_verify)),
                ("keyFile".into(), Data::str(entry.tls.key_file.as_str())),
                ("name".into(), Data::str(entry.name.as_str())),
                ("pass_credentials_all".into(), Data::Bool(entry.pass_credentials_all)),
                ("password".into(), Data::str(entry.password.as_str())),
                ("url".into(), Data::str(entry.url.as_str())),
                ("username".into(), Data::str(entry.username.as_str())),
            ]))
        });
        let generated = if self.generated.is_empty() { "0001-01-01T00:00:00Z" } else { &self.generated };
        yaml::to_string(&Data::map(Map::from_entries(vec![
            ("apiVersion".into(), Data::str(self.api_version.as_str())),
            ("generated".into(), Data::str(generated)),
            ("repositories".into(), Data::list(items.collect())),
        ])))
    }

    /// Writes the file, whole or not at all: with mode 0600 if it is new, else with its current mode. If it is
    /// a link, the target is written and the link stays.
    pub fn save(&self, path: &Path) -> Result<()> {
        let followed = match fs::lstat(path) {
            Ok(entry) if entry.kind == fs::Kind::Link => Some(fs::resolve_links(&fs::absolute(path)?)?),
            _ => None,
        };
        let path = followed.as_deref().unwrap_or(path);
        let text = self.to_yaml()?;
        fs::write_with_folders(path, text.as_bytes(), fs::Mode::New(0o600))
    }
}

/// The lock file next to `config`, which Helm locks while it changes that file: the extension replaced by `.lock`.
pub fn lock_path(config: &Path) -> PathBuf {
    config.with_extension("lock")
}

/// The cached index of the repository called `name`. The name must not leave the cache folder.
pub fn index_path(settings: &Settings, name: &str) -> Result<PathBuf> {
    cache_file(settings, name, "-index.yaml")
}

/// The cached list of chart names of the repository called `name`.
pub fn charts_path(settings: &Settings, name: &str) -> Result<PathBuf> {
    cache_file(settings, name, "-charts.txt")
}

fn cache_file(settings: &Settings, name: &str, suffix: &str) -> Result<PathBuf> {
    if name.contains('/') || name.contains('\\') || name.contains('\0') {
        return Err(Error::new(ErrorKind::Repository, format!("repository name {} is not a file name", quote(name))));
    }
    let suffix = if name.is_empty() { suffix.trim_start_matches('-') } else { suffix };
    Ok(settings.repository_cache.join(format!("{name}{suffix}")))
}

fn text(map: &Map, key: &str) -> String {
    map.get(key).map(super::record::scalar_text).unwrap_or_default()
}

fn flag(map: &Map, key: &str) -> bool {
    matches!(map.get(key), Some(Data::Bool(true)))
}
