//! The index of one tenant: which versions there are, and index.yaml ready to send.
//!
//! Goes in: the archives in storage, which alone are the truth, so that several servers on one bucket cannot lose each
//! other's versions: there is no shared index to overwrite. Comes out: entries and a rendered index with its ETag and
//! gzip form. Incremental: a listing shows what is new, and only that is read; a snapshot of what was read is kept beside
//! the archives for the next start, and is nothing but a cache.

use super::storage::{Listed, Storage};
use crate::chart::{Metadata, loader};
use crate::data::{Data, Map};
use crate::diagnostic::Notices;
use crate::error::{Error, ErrorKind, Result};
use crate::version::Version;
use axum::body::Bytes;
use sha2::{Digest as _, Sha256};
use std::collections::{BTreeMap, HashMap};
use std::io::Write as _;
use std::sync::{Arc, Mutex, RwLock};
use std::time::{Duration, Instant};

/// Where the snapshot of a tenant is kept; a leading dot keeps it out of every route.
const SNAPSHOT: &str = ".index-snapshot.json";

/// One version of a chart.
#[derive(Debug)]
pub struct Entry {
    /// `NAME-VERSION.tgz`.
    pub file: String,
    pub name: String,
    pub version: String,
    parsed: Option<Version>,
    pub app_version: String,
    pub description: String,
    /// Hex SHA-256 of the archive.
    pub digest: String,
    pub size: u64,
    /// Milliseconds since 1970.
    pub created: i64,
    /// What index.yaml says of it, without `urls`.
    pub fields: Arc<Map>,
    seen: Listed,
}

/// index.yaml as it goes out.
#[derive(Debug)]
pub struct Rendered {
    pub yaml: Bytes,
    pub gzip: Bytes,
    /// Quoted.
    pub tag: String,
}

#[derive(Debug, Default)]
struct State {
    entries: BTreeMap<String, Arc<Entry>>,
    /// The text of each chart's entries in index.yaml, kept while none of its versions changes.
    texts: HashMap<String, Arc<str>>,
    rendered: Option<Arc<Rendered>>,
    listed: Option<Instant>,
}

/// One tenant's index, shared by all requests.
#[derive(Debug)]
pub struct Catalog {
    storage: Storage,
    tenant: String,
    /// Before each archive's name in `urls`.
    url: String,
    context_path: String,
    /// How old a listing may be before the next request looks again.
    freshness: Duration,
    state: RwLock<State>,
    /// One listing at a time.
    listing: tokio::sync::Mutex<()>,
    /// Files being written by this process, so that two uploads of one version do not interleave.
    pub busy: Mutex<HashMap<String, Arc<tokio::sync::Mutex<()>>>>,
}

/// What an archive says of itself.
#[derive(Debug, Clone)]
pub struct Package {
    pub metadata: Metadata,
    /// `NAME-VERSION.tgz`.
    pub file: String,
}

/// Reads an uploaded archive: it must load as a chart, and its name and version must make a safe file name.
pub fn read_package(bytes: &[u8]) -> Result<Package> {
    let chart = loader::load_archive(bytes, &mut Notices::new())?;
    let metadata = (*chart.metadata).clone();
    let file = format!("{}-{}.tgz", metadata.name, metadata.version);
    if !super::route::is_safe_part(&file) {
        return Err(Error::new(
            ErrorKind::Chart,
            format!("chart name `{}` and version `{}` do not make a file name", metadata.name, metadata.version),
        ));
    }
    Ok(Package { metadata, file })
}

/// RFC 3339 with nanoseconds, as Go writes times into indexes.
pub fn timestamp(milliseconds: i64) -> String {
    match jiff::Timestamp::from_millisecond(milliseconds) {
        Ok(time) => time.strftime("%Y-%m-%dT%H:%M:%S.%fZ").to_string().replace(".Z", ".0Z").replace(".0Z", "Z"),
        Err(_) => "1970-01-01T00:00:00Z".to_string(),
    }
}

impl Entry {
    fn new(fields: Arc<Map>, digest: String, seen: Listed) -> Option<Entry> {
        let text = |key: &str| fields.get(key).and_then(Data::as_str).unwrap_or_default().to_string();
        let (name, version) = (text("name"), text("version"));
        if name.is_empty() {
            return None;
        }
        Some(Entry {
            file: seen.name.clone(),
            parsed: Version::parse(&version).ok(),
            app_version: text("appVersion"),
            description: text("description"),
            size: seen.size,
            created: seen.modified,
            name,
            version,
            digest,
            fields,
            seen,
        })
    }

    fn read(bytes: &[u8], seen: Listed) -> Option<Entry> {
        let package = read_package(bytes).ok()?;
        let Data::Map(fields) = package.metadata.to_data() else { return None };
        let digest = data_encoding::HEXLOWER.encode(&Sha256::digest(bytes));
        Entry::new(fields, digest, seen)
    }

    /// The entry as index.yaml and ChartMuseum's API show it.
    pub fn to_data(&self, url: &str) -> Data {
        let mut fields = (*self.fields).clone();
        fields.insert("created", Data::str(timestamp(self.created)));
        fields.insert("digest", Data::str(self.digest.as_str()));
        fields.insert("urls", Data::list(vec![Data::str(format!("{url}charts/{}", self.file))]));
        Data::map(fields)
    }

    /// Seconds since 1970 of the upload.
    pub fn created_seconds(&self) -> i64 {
        self.created.div_euclid(1000)
    }
}

/// Newest first, as Helm sorts an index: unparsable versions last.
fn newest_first(a: &Arc<Entry>, b: &Arc<Entry>) -> std::cmp::Ordering {
    match (&a.parsed, &b.parsed) {
        (Some(x), Some(y)) => y.cmp(x).then_with(|| a.version.cmp(&b.version)),
        (Some(_), None) => std::cmp::Ordering::Less,
        (None, Some(_)) => std::cmp::Ordering::Greater,
        (None, None) => a.version.cmp(&b.version),
    }
}

/// The newest that is no pre-release, else the newest.
fn latest(newest_first: &[Arc<Entry>]) -> Option<&Arc<Entry>> {
    let stable = newest_first.iter().find(|entry| entry.parsed.as_ref().is_some_and(|parsed| parsed.prerelease().is_empty()));
    stable.or(newest_first.first())
}

fn poisoned<T>(error: std::sync::PoisonError<T>) -> T {
    // A panic while the lock was held cannot leave a half-changed index: every change is one insert or remove.
    error.into_inner()
}

impl Catalog {
    /// The index of `tenant`; nothing is read yet.
    pub fn new(storage: Storage, tenant: &str, url: &str, context_path: &str, freshness: Duration) -> Catalog {
        Catalog {
            storage,
            tenant: tenant.to_string(),
            url: if url.is_empty() { String::new() } else { format!("{}/", url.trim_end_matches('/')) },
            context_path: context_path.to_string(),
            freshness,
            state: RwLock::default(),
            listing: tokio::sync::Mutex::new(()),
            busy: Mutex::default(),
        }
    }

    /// The object name of a file of this tenant.
    pub fn object(&self, file: &str) -> String {
        if self.tenant.is_empty() { file.to_string() } else { format!("{}/{file}", self.tenant) }
    }

    /// index.yaml, at most `freshness` behind what other servers wrote and never behind what this one wrote.
    pub async fn index(&self) -> Result<Arc<Rendered>> {
        if let Some(rendered) = self.current() {
            return Ok(rendered);
        }
        self.refresh().await?;
        let mut state = self.state.write().unwrap_or_else(poisoned);
        if let Some(rendered) = &state.rendered {
            return Ok(rendered.clone());
        }
        let rendered = Arc::new(render(&mut state, &self.url, &self.context_path)?);
        state.rendered = Some(rendered.clone());
        Ok(rendered)
    }

    fn current(&self) -> Option<Arc<Rendered>> {
        let state = self.state.read().unwrap_or_else(poisoned);
        let fresh = state.listed.is_some_and(|at| at.elapsed() < self.freshness);
        if fresh { state.rendered.clone() } else { None }
    }

    /// All entries by file name.
    pub async fn entries(&self) -> Result<Vec<Arc<Entry>>> {
        self.refresh().await?;
        Ok(self.state.read().unwrap_or_else(poisoned).entries.values().cloned().collect())
    }

    /// The versions of one chart, newest first.
    pub async fn versions(&self, name: &str) -> Result<Vec<Arc<Entry>>> {
        let mut found: Vec<_> = self.entries().await?.into_iter().filter(|entry| entry.name == name).collect();
        found.sort_by(newest_first);
        Ok(found)
    }

    /// One version; `latest` is the newest that is no pre-release, else the newest.
    pub async fn version(&self, name: &str, version: &str) -> Result<Option<Arc<Entry>>> {
        let versions = self.versions(name).await?;
        if version == "latest" {
            return Ok(latest(&versions).cloned());
        }
        Ok(versions.into_iter().find(|entry| entry.version == version))
    }

    /// Charts by name, each newest first.
    pub async fn by_name(&self) -> Result<BTreeMap<String, Vec<Arc<Entry>>>> {
        Ok(group(self.entries().await?.iter()))
    }

    /// The latest version of each chart and how many there are, by name.
    pub async fn latest(&self) -> Result<Vec<(Arc<Entry>, usize)>> {
        let charts = self.by_name().await?;
        Ok(charts.into_values().filter_map(|versions| Some((latest(&versions)?.clone(), versions.len()))).collect())
    }

    /// Takes note of what this process has just written, without another listing.
    pub fn added(&self, bytes: &[u8], seen: Listed) {
        if let Some(entry) = Entry::read(bytes, seen) {
            let mut state = self.state.write().unwrap_or_else(poisoned);
            state.texts.remove(&entry.name);
            state.rendered = None;
            state.entries.insert(entry.file.clone(), Arc::new(entry));
        }
    }

    /// Takes note of what this process has just deleted.
    pub fn removed(&self, file: &str) {
        let mut state = self.state.write().unwrap_or_else(poisoned);
        if let Some(entry) = state.entries.remove(file) {
            state.texts.remove(&entry.name);
            state.rendered = None;
        }
    }

    /// Looks at the storage again if the last look is too old.
    pub async fn refresh(&self) -> Result<()> {
        let is_fresh = |state: &State| state.listed.is_some_and(|at| at.elapsed() < self.freshness);
        if is_fresh(&self.state.read().unwrap_or_else(poisoned)) {
            return Ok(());
        }
        let _one = self.listing.lock().await;
        let first = {
            let state = self.state.read().unwrap_or_else(poisoned);
            if is_fresh(&state) {
                return Ok(());
            }
            state.listed.is_none()
        };
        if first {
            self.load_snapshot().await?;
        }
        let started = Instant::now();
        let listed: Vec<Listed> =
            self.storage.list(&self.tenant).await?.into_iter().filter(|object| object.name.ends_with(".tgz")).collect();
        let unknown: Vec<Listed> = {
            let state = self.state.read().unwrap_or_else(poisoned);
            let known = |object: &Listed| state.entries.get(&object.name).is_some_and(|entry| entry.seen == *object);
            listed.iter().filter(|object| !known(object)).cloned().collect()
        };
        let mut read = Vec::with_capacity(unknown.len());
        for object in unknown {
            // An archive that is no chart, or has gone since, is passed over as `helm repo index` does.
            if let Some(bytes) = self.storage.get(&self.object(&object.name)).await?
                && let Some(entry) = Entry::read(&bytes, object)
            {
                read.push(entry);
            }
        }
        let changed = !read.is_empty();
        {
            let mut state = self.state.write().unwrap_or_else(poisoned);
            let present: std::collections::HashSet<&str> = listed.iter().map(|object| object.name.as_str()).collect();
            // What this process wrote after the listing began must stay.
            let gone: Vec<String> = state
                .entries
                .values()
                .filter(|entry| !present.contains(entry.file.as_str()) && state.listed.is_none_or(|_| !self.is_busy(&entry.file)))
                .map(|entry| entry.file.clone())
                .collect();
            for file in gone {
                if let Some(entry) = state.entries.remove(&file) {
                    state.texts.remove(&entry.name);
                    state.rendered = None;
                }
            }
            for entry in read {
                state.texts.remove(&entry.name);
                state.rendered = None;
                state.entries.insert(entry.file.clone(), Arc::new(entry));
            }
            state.listed = Some(started);
        }
        if changed {
            self.save_snapshot().await;
        }
        Ok(())
    }

    fn is_busy(&self, file: &str) -> bool {
        self.busy.lock().unwrap_or_else(poisoned).contains_key(file)
    }

    async fn load_snapshot(&self) -> Result<()> {
        let Some(bytes) = self.storage.get(&self.object(SNAPSHOT)).await? else { return Ok(()) };
        // A snapshot that cannot be read costs a full reading, nothing else.
        let Ok(Data::List(items)) = crate::json::parse(&bytes) else { return Ok(()) };
        let mut state = self.state.write().unwrap_or_else(poisoned);
        for item in items.iter() {
            let Some(item) = item.as_map() else { continue };
            let text = |key: &str| item.get(key).and_then(Data::as_str).map(str::to_string);
            let number = |key: &str| text(key).and_then(|text| text.parse::<i64>().ok());
            let (Some(name), Some(size), Some(modified), Some(digest), Some(Data::Map(fields))) =
                (text("file"), number("size"), number("modified"), text("digest"), item.get("fields"))
            else {
                continue;
            };
            let seen = Listed { name, size: size.unsigned_abs(), modified, tag: text("tag") };
            if let Some(entry) = Entry::new(fields.clone(), digest, seen) {
                state.entries.insert(entry.file.clone(), Arc::new(entry));
            }
        }
        Ok(())
    }

    async fn save_snapshot(&self) {
        let items: Vec<Data> = {
            let state = self.state.read().unwrap_or_else(poisoned);
            let item = |entry: &Arc<Entry>| {
                let mut map = Map::new();
                map.insert("file", Data::str(entry.file.as_str()));
                map.insert("size", Data::str(entry.seen.size.to_string()));
                map.insert("modified", Data::str(entry.seen.modified.to_string()));
                map.insert("digest", Data::str(entry.digest.as_str()));
                if let Some(tag) = &entry.seen.tag {
                    map.insert("tag", Data::str(tag.as_str()));
                }
                map.insert("fields", Data::Map(entry.fields.clone()));
                Data::map(map)
            };
            state.entries.values().map(item).collect()
        };
        if let Ok(text) = crate::json::to_vec(&Data::list(items)) {
            // Only a cache: a store that refuses it refuses the upload itself too, and says so there.
            let _ = self.storage.replace(&self.object(SNAPSHOT), Bytes::from(text)).await;
        }
    }
}

fn group<'a>(entries: impl Iterator<Item = &'a Arc<Entry>>) -> BTreeMap<String, Vec<Arc<Entry>>> {
    let mut charts: BTreeMap<String, Vec<Arc<Entry>>> = BTreeMap::new();
    for entry in entries {
        charts.entry(entry.name.clone()).or_default().push(entry.clone());
    }
    for versions in charts.values_mut() {
        versions.sort_by(newest_first);
    }
    charts
}

/// Writes index.yaml; charts whose versions did not change keep their text.
fn render(state: &mut State, url: &str, context_path: &str) -> Result<Rendered> {
    let charts = group(state.entries.values());
    let newest = state.entries.values().map(|entry| entry.created).max().unwrap_or(0);
    let mut text = String::from("apiVersion: v1\n");
    text.push_str(if charts.is_empty() { "entries: {}\n" } else { "entries:\n" });
    for (name, versions) in &charts {
        let part = match state.texts.get(name) {
            Some(part) => part.clone(),
            None => {
                let mut chart = Map::new();
                chart.insert(name.as_str(), Data::list(versions.iter().map(|entry| entry.to_data(url)).collect()));
                let yaml = crate::yaml::to_string(&Data::map(chart))?;
                let mut part = String::with_capacity(yaml.len() + yaml.len() / 8);
                for line in yaml.lines() {
                    if !line.is_empty() {
                        part.push_str("  ");
                    }
                    part.push_str(line);
                    part.push('\n');
                }
                let part: Arc<str> = part.into();
                state.texts.insert(name.clone(), part.clone());
                part
            }
        };
        text.push_str(&part);
    }
    // The newest upload, not the clock: equal content gives equal bytes and an equal ETag on every server.
    text.push_str(&format!("generated: \"{}\"\n", timestamp(newest)));
    if context_path.is_empty() {
        text.push_str("serverInfo: {}\n");
    } else {
        text.push_str(&format!("serverInfo:\n  contextPath: {context_path}\n"));
    }
    let tag = format!("\"{}\"", &data_encoding::HEXLOWER.encode(&Sha256::digest(text.as_bytes()))[..32]);
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(text.as_bytes()).and_then(|()| encoder.finish()).map_or_else(
        |error| Err(Error::new(ErrorKind::Io, format!("cannot compress the index: {error}"))),
        |gzip| Ok(Rendered { yaml: Bytes::from(text), gzip: Bytes::from(gzip), tag }),
    )
}
