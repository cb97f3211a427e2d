//! The index of one tenant: its versions, and index.yaml ready to send.
//!
//! Goes in: the archives in storage. They are the only source of truth: there is no shared index to overwrite, so several
//! servers on one bucket cannot lose each other's versions. Comes out: charts with their versions, and the rendered
//! index. Incremental: a listing shows which archives are new, and only those are read; a push is inserted without a
//! listing; a snapshot of the entries is stored beside the archives for the next start, but it is only a cache.

use super::claims::Claims;
use super::rendered::{Blocks, Rendered};
use super::route::is_safe_part;
use super::storage::{Listed, Storage};
use super::{Options, timestamp};
use crate::chart::loader::archive::ARCHIVE_LIMIT;
use crate::chart::{Metadata, loader};
use crate::data::{Data, Map};
use crate::diagnostic::Notices;
use crate::error::{Cause, Error, ErrorKind, Result};
use crate::package::digest::{Digest, sha256_hex};
use crate::quote::quote;
use crate::repository::Reporter;
use crate::repository::folder_index::{indexed, indexed_archive};
use crate::repository::index::compare_versions;
use crate::version::Version;
use axum::body::Bytes;
use futures_util::StreamExt as _;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt;
use std::sync::{Arc, Mutex, RwLock};
use std::time::{Duration, Instant};

/// The object name of a tenant's snapshot; the leading dot keeps it out of every route.
pub const SNAPSHOT: &str = ".index-snapshot.json";
/// How long the snapshot may lack changes while the server runs.
const SNAPSHOT_AGE: Duration = Duration::from_secs(60);
/// How many archives are read at once.
const PARALLEL: usize = 16;
/// How long an unchanged folder stamp is trusted: overwriting a file in place does not change it.
const STAMP_AGE: Duration = Duration::from_secs(30);
/// A folder that changed less than this many nanoseconds before its listing may change again within the same tick of its clock.
const SETTLED: i128 = 2_000_000_000;

/// One version of a chart.
#[derive(Debug)]
pub struct StoredVersion {
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
    /// Chart.yaml's fields as JSON: compact, and rarely needed.
    json: Box<[u8]>,
    /// Its lines in index.yaml.
    text: Box<str>,
    seen: Listed,
    /// The digests of its registry objects, and the provenance file they were computed with.
    pub digests: Mutex<Option<Box<(Option<Listed>, Digests)>>>,
    /// When this process wrote it; `None` if it came from a listing.
    noted: Option<Instant>,
}

/// The digests of the registry objects of a version.
#[derive(Debug, Clone, Copy)]
pub struct Digests {
    pub manifest: Digest,
    pub config: Digest,
    pub provenance: Option<Digest>,
}

/// The known state of the provenance file beside an archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Beside {
    Nothing,
    Listed(Listed),
    /// This process wrote or deleted it since the last listing, so only the storage knows.
    Changed,
}

/// All versions of a chart, newest first, in the order of Helm's index of a folder.
#[derive(Debug)]
pub struct Chart {
    pub name: String,
    pub versions: Vec<Arc<StoredVersion>>,
    /// Its first line in index.yaml.
    key: Box<str>,
}

#[derive(Debug, Default)]
struct State {
    /// By file name.
    entries: HashMap<String, Arc<StoredVersion>>,
    charts: BTreeMap<String, Arc<Chart>>,
    /// Archives that are not charts, as listed when they were read.
    no_charts: HashMap<String, Listed>,
    /// Archives that may not be read; each is logged once.
    refused: HashSet<String>,
    /// Incremented with every change.
    generation: u64,
    /// When the last listing started.
    listed: Option<Instant>,
    /// The storage's stamp and the time of the last listing that was actually made; set only if the storage
    /// cannot have changed unnoticed since.
    stamp: Option<(i128, Instant)>,
    /// The provenance files of the last listing, by the archives they belong to.
    provenance: HashMap<String, Listed>,
    /// When this process wrote or deleted provenance files, until a listing is sure to show it.
    provenance_changed: HashMap<String, Instant>,
    /// When this process deleted files, as long as a listing may still show them.
    deleted: HashMap<String, Instant>,
    /// The generation of the last snapshot, and when it was written.
    saved: (u64, Option<Instant>),
}

/// One tenant's index, shared by all requests.
pub struct Catalog {
    storage: Storage,
    tenant: String,
    /// The prefix of each archive's name in `urls`.
    url: String,
    context_path: String,
    /// How old a listing may be before the next request makes a new one.
    freshness: Duration,
    /// Now, milliseconds since 1970.
    clock: fn() -> i64,
    log: Arc<dyn Reporter>,
    state: RwLock<State>,
    rendered: RwLock<Option<Arc<Rendered>>>,
    blocks: Mutex<Blocks>,
    /// Held while the storage is listed, so that there is one listing at a time.
    listing: tokio::sync::Mutex<()>,
    /// Files that this process is working on.
    pub claims: Claims,
}

/// The metadata read from an archive.
#[derive(Debug, Clone)]
pub struct Package {
    pub metadata: Metadata,
    /// `NAME-VERSION.tgz`; the file in a listing may have another name.
    pub file: String,
    /// Hex SHA-256 of the archive.
    pub digest: String,
}

/// Reads an uploaded archive: it must load as a chart, and its name and version must form a safe file name.
pub fn read_package(bytes: &[u8]) -> Result<Package> {
    let chart = loader::load_archive(bytes, &mut Notices::new())?;
    let metadata = indexed(&chart)?;
    let file = format!("{}-{}.tgz", metadata.name, metadata.version);
    if !super::route::is_safe_part(&file) {
        return Err(Error::new(
            ErrorKind::Chart,
            format!("chart name `{}` and version `{}` do not make a file name", metadata.name, metadata.version),
        ));
    }
    Ok(Package { metadata, file, digest: sha256_hex(bytes) })
}

impl StoredVersion {
    /// `url` precedes `charts/…` in the index.
    fn new(fields: &Map, digest: String, seen: Listed, url: &str) -> Result<Option<StoredVersion>> {
        let text = |key: &str| fields.get(key).and_then(Data::as_str).unwrap_or_default().to_string();
        let (name, version) = (text("name"), text("version"));
        if name.is_empty() {
            return Ok(None);
        }
        let mut entry = StoredVersion {
            file: seen.name.clone(),
            parsed: Version::parse(&version).ok(),
            app_version: text("appVersion"),
            description: text("description"),
            size: seen.size,
            created: seen.modified,
            name,
            version,
            digest,
            json: crate::json::to_vec(&Data::map(fields.clone()))?.into(),
            text: Box::default(),
            seen,
            digests: Mutex::default(),
            noted: None,
        };
        let yaml = crate::yaml::to_string(&Data::list(vec![entry.complete(fields.clone(), url)]))?;
        let mut lines = String::with_capacity(yaml.len() + yaml.len() / 8);
        for line in yaml.lines() {
            if !line.is_empty() {
                lines.push_str("  ");
            }
            lines.push_str(line);
            lines.push('\n');
        }
        entry.text = lines.into();
        Ok(Some(entry))
    }

    fn of_chart(metadata: &Metadata, digest: String, seen: Listed, url: &str) -> Result<Option<StoredVersion>> {
        match metadata.to_data() {
            Data::Map(fields) => StoredVersion::new(&fields, digest, seen, url),
            _ => Ok(None),
        }
    }

    fn complete(&self, mut fields: Map, url: &str) -> Data {
        fields.insert("created", Data::str(timestamp(self.created)));
        fields.insert("digest", Data::str(self.digest.as_str()));
        fields.insert("urls", Data::list(vec![Data::str(format!("{url}charts/{}", self.file))]));
        Data::map(fields)
    }

    /// Chart.yaml's fields as JSON: the chart's config in a registry.
    pub fn config(&self) -> &[u8] {
        &self.json
    }

    /// Chart.yaml's fields.
    pub fn fields(&self) -> Arc<Map> {
        match crate::json::parse_exact(&self.json) {
            Ok(Data::Map(fields)) => fields,
            // Unreachable: this parses JSON that was written here.
            _ => Arc::default(),
        }
    }

    /// The entry as in ChartMuseum's API; `url` precedes `charts/…`.
    fn to_data(&self, url: &str) -> Data {
        self.complete((*self.fields()).clone(), url)
    }
}

fn newest_first(a: &Arc<StoredVersion>, b: &Arc<StoredVersion>) -> std::cmp::Ordering {
    compare_versions(a.parsed.as_ref(), b.parsed.as_ref()).then_with(|| a.file.cmp(&b.file))
}

impl Chart {
    /// Creates a chart from versions in any order.
    pub fn new(name: &str, mut versions: Vec<Arc<StoredVersion>>) -> Result<Chart> {
        versions.sort_by(newest_first);
        let map = [(name.into(), Data::list(Vec::new()))].into_iter().collect();
        let line = crate::yaml::to_string(&Data::map(map))?;
        let key = format!("  {}\n", line.trim_end().trim_end_matches("[]").trim_end());
        Ok(Chart { name: name.to_string(), versions, key: key.into() })
    }

    /// The newest version that is not a pre-release, else the newest one.
    pub fn latest(&self) -> Option<&Arc<StoredVersion>> {
        let stable = self.versions.iter().find(|entry| entry.parsed.as_ref().is_some_and(|parsed| parsed.prerelease().is_empty()));
        stable.or(self.versions.first())
    }

    /// Approximate length in bytes of the chart's part of index.yaml.
    pub fn text_length(&self) -> usize {
        self.key.len() + self.versions.iter().map(|entry| entry.text.len()).sum::<usize>()
    }

    /// Appends the chart's part of index.yaml.
    pub fn write(&self, text: &mut String) {
        text.push_str(&self.key);
        self.versions.iter().for_each(|entry| text.push_str(&entry.text));
    }
}

/// The value behind a lock whose holder panicked. The released program ends at a panic, so this never happens there;
/// an embedding program may be built to continue, and the value is only a cache that the next listing corrects.
pub fn poisoned<T>(error: std::sync::PoisonError<T>) -> T {
    error.into_inner()
}

/// What the storage holds of a tenant.
#[derive(Default)]
struct Listing {
    archives: Vec<Listed>,
    /// By the archives that they are for.
    provenance: HashMap<String, Listed>,
}

/// The contents of an archive.
enum Content {
    Chart(Box<StoredVersion>),
    NoChart(Listed),
    /// The archive is gone, or may not be read: the next listing shows which.
    Unread,
}

impl State {
    /// The archives of a listing that are not known as they are now.
    fn unknown(&self, listing: &Listing) -> Vec<Listed> {
        let is_version = |object: &Listed| self.entries.get(&object.name).is_some_and(|entry| entry.seen == *object);
        let is_no_chart = |object: &Listed| self.no_charts.get(&object.name) == Some(object);
        listing.archives.iter().filter(|object| !is_version(object) && !is_no_chart(object)).cloned().collect()
    }

    /// Takes over what a listing shows that began at `started`, and what was read for it. What this process wrote or deleted since then
    /// is newer than the listing; a file that `is_claimed` is being written.
    fn take_in(&mut self, listing: &Listing, read: Vec<Content>, started: Instant, is_claimed: impl Fn(&str) -> bool) -> Result<()> {
        let present: HashSet<&str> = listing.archives.iter().map(|object| object.name.as_str()).collect();
        let is_newer = |entry: &StoredVersion| entry.noted.is_some_and(|at| at >= started);
        let is_gone = |entry: &&Arc<StoredVersion>| !present.contains(entry.file.as_str()) && !is_newer(entry) && !is_claimed(&entry.file);
        let gone: Vec<String> = self.entries.values().filter(is_gone).map(|entry| entry.file.clone()).collect();
        self.remove_all(gone.iter().map(String::as_str))?;
        // A listing that began after a deletion shows what was uploaded since.
        let is_deleted = |file: &str| self.deleted.get(file).is_some_and(|at| *at >= started);
        let is_known = |file: &str| self.entries.get(file).is_some_and(|known| is_newer(known));
        let (mut charts, mut others) = (Vec::new(), Vec::new());
        for content in read {
            match content {
                Content::Chart(entry) if !is_deleted(&entry.file) && !is_known(&entry.file) => charts.push(*entry),
                Content::NoChart(seen) if !is_known(&seen.name) => others.push(seen),
                Content::Chart(_) | Content::NoChart(_) | Content::Unread => {}
            }
        }
        // A file that was a chart may have been replaced by one that is none.
        self.remove_all(others.iter().map(|seen| seen.name.as_str()))?;
        self.insert_all(charts)?;
        self.no_charts.retain(|file, _| present.contains(file.as_str()));
        self.no_charts.extend(others.into_iter().map(|seen| (seen.name.clone(), seen)));
        Ok(())
    }

    /// Inserts an entry.
    fn insert(&mut self, entry: StoredVersion) -> Result<()> {
        self.insert_all(vec![entry])
    }

    /// Removes a file's entry.
    fn remove(&mut self, file: &str) -> Result<()> {
        self.remove_all([file])
    }

    /// Inserts many entries, sorting each chart once.
    fn insert_all(&mut self, entries: Vec<StoredVersion>) -> Result<()> {
        let mut by_name: HashMap<String, Vec<Arc<StoredVersion>>> = HashMap::new();
        let mut moved = Vec::new();
        for entry in entries.into_iter().map(Arc::new) {
            let old = self.entries.insert(entry.file.clone(), entry.clone());
            moved.extend(old.filter(|old| old.name != entry.name));
            by_name.entry(entry.name.clone()).or_default().push(entry);
        }
        for (name, new) in by_name {
            let files: HashSet<&str> = new.iter().map(|entry| entry.file.as_str()).collect();
            let others = self.charts.get(&name).map(|chart| chart.versions.as_slice()).unwrap_or_default();
            let mut versions: Vec<_> = others.iter().filter(|other| !files.contains(other.file.as_str())).cloned().collect();
            versions.extend(new.iter().cloned());
            let chart = Chart::new(&name, versions)?;
            self.charts.insert(name, Arc::new(chart));
            self.generation += 1;
        }
        self.take_out(&moved)
    }

    /// Removes the entries of many files, rebuilding each chart once.
    fn remove_all<'f>(&mut self, files: impl IntoIterator<Item = &'f str>) -> Result<()> {
        let gone: Vec<_> = files.into_iter().filter_map(|file| self.entries.remove(file)).collect();
        self.take_out(&gone)
    }

    /// Removes these versions from their charts.
    fn take_out(&mut self, gone: &[Arc<StoredVersion>]) -> Result<()> {
        let mut by_name: HashMap<&str, HashSet<&str>> = HashMap::new();
        for entry in gone {
            by_name.entry(&entry.name).or_default().insert(&entry.file);
        }
        for (name, files) in by_name {
            let Some(chart) = self.charts.get(name) else { continue };
            let versions: Vec<_> = chart.versions.iter().filter(|other| !files.contains(other.file.as_str())).cloned().collect();
            if versions.is_empty() {
                self.charts.remove(name);
            } else {
                let chart = Chart::new(name, versions)?;
                self.charts.insert(name.to_string(), Arc::new(chart));
            }
            self.generation += 1;
        }
        Ok(())
    }
}

impl fmt::Debug for Catalog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Catalog").field("tenant", &self.tenant).field("state", &self.state).finish_non_exhaustive()
    }
}

impl Catalog {
    /// The index of `tenant`, without reading anything yet.
    pub fn new(storage: Storage, tenant: &str, url: &str, options: &Options) -> Catalog {
        Catalog {
            storage,
            tenant: tenant.to_string(),
            url: if url.is_empty() { String::new() } else { format!("{}/", url.trim_end_matches('/')) },
            context_path: options.layout.context_path.clone(),
            freshness: options.freshness,
            clock: options.clock,
            log: options.log.clone(),
            state: RwLock::default(),
            rendered: RwLock::default(),
            blocks: Mutex::default(),
            listing: tokio::sync::Mutex::new(()),
            claims: Claims::default(),
        }
    }

    /// Whether the catalog knows nothing beyond what a new catalog of the tenant would find in the storage.
    pub fn is_empty(&self) -> bool {
        let state = self.state.read().unwrap_or_else(poisoned);
        state.entries.is_empty() && state.deleted.is_empty() && self.claims.is_empty()
    }

    /// The tenant; empty at the top.
    pub fn tenant(&self) -> &str {
        &self.tenant
    }

    /// The object name of a file of this tenant.
    pub fn object(&self, file: &str) -> String {
        if self.tenant.is_empty() { file.to_string() } else { format!("{}/{file}", self.tenant) }
    }

    /// index.yaml, at most twice `freshness` behind the writes of other servers and never behind those of this one.
    pub async fn index(self: &Arc<Self>) -> Result<Arc<Rendered>> {
        let age = self.state.read().unwrap_or_else(poisoned).listed.map(|at| at.elapsed());
        match age {
            Some(age) if age < self.freshness => {}
            // Listing a large storage takes time, so readers get the current state meanwhile.
            Some(age) if age < self.freshness * 2 => {
                if self.listing.try_lock().is_ok() {
                    let own = self.clone();
                    // An error reaches the next request that finds the listing too old.
                    tokio::spawn(async move { drop(own.refresh().await) });
                }
            }
            _ => self.refresh().await?,
        }
        self.rendered().await
    }

    /// index.yaml of the current state.
    async fn rendered(self: &Arc<Self>) -> Result<Arc<Rendered>> {
        let generation = self.state.read().unwrap_or_else(poisoned).generation;
        if let Some(rendered) = self.ready(generation) {
            return Ok(rendered);
        }
        let own = self.clone();
        let rendered = tokio::task::spawn_blocking(move || own.render(generation)).await;
        rendered.map_err(|error| Error::new(ErrorKind::Io, format!("cannot make the index: {error}")))?
    }

    /// The last rendering, unless it is older than this generation.
    fn ready(&self, generation: u64) -> Option<Arc<Rendered>> {
        let rendered = self.rendered.read().unwrap_or_else(poisoned);
        rendered.as_ref().filter(|rendered| rendered.generation >= generation).cloned()
    }

    fn render(&self, generation: u64) -> Result<Arc<Rendered>> {
        let mut blocks = self.blocks.lock().unwrap_or_else(poisoned);
        // Another task may have rendered while this one waited.
        if let Some(rendered) = self.ready(generation) {
            return Ok(rendered);
        }
        let (generation, charts) = {
            let state = self.state.read().unwrap_or_else(poisoned);
            (state.generation, state.charts.values().cloned().collect::<Vec<_>>())
        };
        let rendered = Arc::new(blocks.render(&charts, generation, &self.context_path)?);
        *self.rendered.write().unwrap_or_else(poisoned) = Some(rendered.clone());
        Ok(rendered)
    }

    /// An entry as in ChartMuseum's API.
    pub fn shown(&self, entry: &StoredVersion) -> Data {
        entry.to_data(&self.url)
    }

    /// A chart with its versions.
    pub async fn chart(&self, name: &str) -> Result<Option<Arc<Chart>>> {
        self.refresh().await?;
        Ok(self.state.read().unwrap_or_else(poisoned).charts.get(name).cloned())
    }

    /// The versions of a chart, newest first.
    pub async fn versions(&self, name: &str) -> Result<Vec<Arc<StoredVersion>>> {
        Ok(self.chart(name).await?.map(|chart| chart.versions.clone()).unwrap_or_default())
    }

    /// The versions of a chart, each with the known state of its provenance file.
    pub async fn with_provenance(&self, name: &str) -> Result<Vec<(Arc<StoredVersion>, Beside)>> {
        Ok(self.beside(&self.versions(name).await?))
    }

    /// These versions, each with the known state of its provenance file.
    pub fn beside(&self, versions: &[Arc<StoredVersion>]) -> Vec<(Arc<StoredVersion>, Beside)> {
        let state = self.state.read().unwrap_or_else(poisoned);
        let beside = |entry: &Arc<StoredVersion>| match state.provenance.get(&entry.file) {
            _ if state.provenance_changed.contains_key(&entry.file) => Beside::Changed,
            Some(seen) => Beside::Listed(seen.clone()),
            None => Beside::Nothing,
        };
        versions.iter().map(|entry| (entry.clone(), beside(entry))).collect()
    }

    /// The archive of a version.
    pub async fn archive(&self, entry: &StoredVersion) -> Result<Option<Bytes>> {
        self.storage.get(&self.object(&entry.file)).await
    }

    /// The provenance file of a version.
    pub async fn provenance(&self, entry: &StoredVersion) -> Result<Option<Bytes>> {
        self.storage.get(&format!("{}.prov", self.object(&entry.file))).await
    }

    /// Records that this process has just written or deleted the provenance file of the archive `file`.
    pub fn provenance_changed(&self, file: &str) {
        self.state.write().unwrap_or_else(poisoned).provenance_changed.insert(file.to_string(), Instant::now());
    }

    /// A version of a chart; `latest` is the newest that is not a pre-release, else the newest one.
    pub async fn version(&self, name: &str, version: &str) -> Result<Option<Arc<StoredVersion>>> {
        let Some(chart) = self.chart(name).await? else { return Ok(None) };
        let found = match version {
            "latest" => chart.latest(),
            _ => chart.versions.iter().find(|entry| entry.version == version),
        };
        Ok(found.cloned())
    }

    /// The version whose archive is `file`.
    pub async fn of_file(&self, file: &str) -> Result<Option<Arc<StoredVersion>>> {
        self.refresh().await?;
        Ok(self.state.read().unwrap_or_else(poisoned).entries.get(file).cloned())
    }

    /// All charts by name.
    pub async fn charts(&self) -> Result<Vec<Arc<Chart>>> {
        self.refresh().await?;
        Ok(self.state.read().unwrap_or_else(poisoned).charts.values().cloned().collect())
    }

    /// Records a package that this process has just written, without another listing.
    pub fn added(&self, package: &Package, seen: Listed) -> Result<()> {
        if let Some(mut entry) = StoredVersion::of_chart(&package.metadata, package.digest.clone(), seen, &self.url)? {
            entry.noted = Some(Instant::now());
            let mut state = self.state.write().unwrap_or_else(poisoned);
            state.deleted.remove(&entry.file);
            state.insert(entry)?;
        }
        Ok(())
    }

    /// Records that this process has just deleted a file and its provenance file.
    pub fn removed(&self, file: &str) -> Result<()> {
        let mut state = self.state.write().unwrap_or_else(poisoned);
        state.deleted.insert(file.to_string(), Instant::now());
        state.provenance_changed.insert(file.to_string(), Instant::now());
        state.remove(file)
    }

    /// Lists the storage if the last listing is too old. A caller that waits for another's listing uses its
    /// result if that listing started after the call: listing may take longer than a listing stays fresh.
    pub async fn refresh(&self) -> Result<()> {
        self.refresh_unless(Instant::now(), self.freshness).await
    }

    /// Lists the storage, unless a listing has started since `moment`.
    pub async fn refresh_since(&self, moment: Instant) -> Result<()> {
        self.refresh_unless(moment, Duration::ZERO).await
    }

    /// Lists the storage, unless a listing has started since `moment`, or is younger than `freshness`.
    async fn refresh_unless(&self, moment: Instant, freshness: Duration) -> Result<()> {
        let is_fresh = |state: &State| state.listed.is_some_and(|at| at >= moment || at.elapsed() < freshness);
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
        let stamp = self.storage.stamp(&self.tenant);
        let settled = stamp.filter(|stamp| (i128::from((self.clock)()) * 1_000_000).saturating_sub(*stamp) > SETTLED);
        {
            let mut state = self.state.write().unwrap_or_else(poisoned);
            let same = |(old, at): (i128, Instant)| Some(old) == stamp && at.elapsed() < STAMP_AGE;
            if state.stamp.is_some_and(same) {
                state.listed = Some(started);
                return Ok(());
            }
        }
        let listing = self.list().await?;
        let unknown = self.state.read().unwrap_or_else(poisoned).unknown(&listing);
        let reads = futures_util::stream::iter(unknown).map(|object| self.read(object)).buffer_unordered(PARALLEL);
        let (mut read, mut fault) = (Vec::new(), None);
        for content in reads.collect::<Vec<_>>().await {
            match content {
                Ok(content) => read.push(content),
                Err(error) => fault = Some(error),
            }
        }
        {
            let mut state = self.state.write().unwrap_or_else(poisoned);
            state.take_in(&listing, read, started, |file| self.claims.has(file))?;
            if let Some(fault) = fault {
                // The next listing need not read again what could be read.
                return Err(fault);
            }
            state.deleted.retain(|_, at| *at >= started);
            state.provenance = listing.provenance;
            state.provenance_changed.retain(|_, at| *at >= started);
            state.listed = Some(started);
            state.stamp = settled.map(|stamp| (stamp, started));
        }
        self.save_snapshot(SNAPSHOT_AGE).await;
        Ok(())
    }

    /// Logs once why a file is not among the charts.
    fn pass_over(&self, file: &str, reason: &str) {
        let is_known = self.state.read().unwrap_or_else(poisoned).refused.contains(file);
        if !is_known && self.state.write().unwrap_or_else(poisoned).refused.insert(file.to_string()) {
            self.log.warn(reason);
        }
    }

    async fn list(&self) -> Result<Listing> {
        let mut listing = Listing::default();
        for object in self.storage.list(&self.tenant).await? {
            if object.name.ends_with(".tgz") && is_safe_part(&object.name) {
                listing.archives.push(object);
            } else if object.name.ends_with(".tgz") {
                // No route leads to it.
                self.pass_over(
                    &object.name,
                    &format!("{} is not served: only names of letters, digits and `-_.+~` are", quote(&object.name)),
                );
            } else if let Some(file) = object.name.strip_suffix(".prov").filter(|file| file.ends_with(".tgz")) {
                listing.provenance.insert(file.to_string(), object);
            }
        }
        Ok(listing)
    }

    /// Reads an archive from a listing, whatever its name. An archive that is not a chart, is gone or may not be
    /// read is skipped, as by `helm repo index`; any other read error fails, since the archive may be a chart.
    async fn read(&self, seen: Listed) -> Result<Content> {
        if seen.size > ARCHIVE_LIMIT {
            return Ok(Content::NoChart(seen));
        }
        let bytes = match self.storage.get(&self.object(&seen.name)).await {
            Ok(Some(bytes)) => bytes,
            Ok(None) => return Ok(Content::Unread),
            Err(fault) if fault.is(Cause::NotAllowed) => {
                self.pass_over(&seen.name, fault.message());
                return Ok(Content::Unread);
            }
            Err(fault) => return Err(fault),
        };
        let read = tokio::task::spawn_blocking(move || Ok::<_, Error>((indexed_archive(&bytes)?, sha256_hex(&bytes)))).await;
        let entry = match read {
            Ok(Ok((metadata, digest))) => StoredVersion::of_chart(&metadata, digest, seen.clone(), &self.url)?,
            _ => None,
        };
        Ok(entry.map_or(Content::NoChart(seen), |entry| Content::Chart(Box::new(entry))))
    }

    async fn load_snapshot(&self) -> Result<()> {
        let Some(bytes) = self.storage.get(&self.object(SNAPSHOT)).await? else { return Ok(()) };
        // If the snapshot is unreadable, all archives are read again.
        let Ok(Data::List(items)) = crate::json::parse_exact(&bytes) else { return Ok(()) };
        let mut entries = Vec::with_capacity(items.len());
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
            entries.extend(StoredVersion::new(fields, digest, seen, &self.url)?);
        }
        let mut state = self.state.write().unwrap_or_else(poisoned);
        state.insert_all(entries)?;
        state.saved = (state.generation, None);
        Ok(())
    }

    /// Writes the snapshot if it lacks changes and the last one is older than `age`.
    pub async fn save_snapshot(&self, age: Duration) {
        let (generation, entries) = {
            let mut state = self.state.write().unwrap_or_else(poisoned);
            let (saved, at) = state.saved;
            if saved == state.generation || at.is_some_and(|at| at.elapsed() < age) {
                return;
            }
            state.saved = (state.generation, Some(Instant::now()));
            (state.generation, state.entries.values().cloned().collect::<Vec<_>>())
        };
        let mut text = b"[".to_vec();
        for entry in &entries {
            if text.len() > 1 {
                text.extend_from_slice(b",\n");
            }
            let (size, modified) = (entry.seen.size.to_string(), entry.seen.modified.to_string());
            let mut about = serde_json::json!({ "file": entry.file, "size": size, "modified": modified, "digest": entry.digest });
            if let (Some(tag), Some(map)) = (&entry.seen.tag, about.as_object_mut()) {
                map.insert("tag".into(), tag.as_str().into());
            }
            let about = about.to_string();
            text.extend_from_slice(about.strip_suffix('}').unwrap_or(&about).as_bytes());
            text.extend_from_slice(b",\"fields\":");
            text.extend_from_slice(&entry.json);
            text.push(b'}');
        }
        text.push(b']');
        // An error is ignored: this is only a cache, and a store that refuses it also refuses uploads, which report the error.
        if self.storage.replace(&self.object(SNAPSHOT), Bytes::from(text)).await.is_err() {
            self.state.write().unwrap_or_else(poisoned).saved.0 = generation.wrapping_sub(1);
        }
    }
}

#[cfg(test)]
pub mod tests;
