//! Dependencies of a chart folder: which are there, and fetching them into `charts/`.
//!
//! Goes in: the folder, flags, settings. Comes out: archives in `charts/`, Chart.lock, and what Helm says on the way. All
//! archives are made ready in a temporary folder and moved when every one of them is there; downloads and packing run at
//! once, an index is walked only for charts that come from it. Matches Helm's `pkg/downloader/manager.go`; `recursive` and
//! the archives' digests in the lock are this tool's own and only on request.

mod list;
mod lock_file;
mod staging;
mod telling;

pub use list::{Listing, Row, list};

use crate::action::repo::announce;
use crate::chart::{Chart, Dependency, Lock, loader};
use crate::dependency::resolve;
use crate::diagnostic::Notices;
use crate::error::{Error, ErrorKind, Result};
use crate::fs;
use crate::package::archive;
use crate::repository::config::{Entry, Repositories, index_path};
use crate::repository::download::{Downloader, Verify, find_in_repository, flag_access};
use crate::repository::index::{self, ChartVersion, INDEX_LIMIT};
use crate::repository::oci::Reference;
use crate::repository::{ChartOptions, Reporter, Settings, cache, rfc3339, update, url};
use crate::version::Version;
use lock_file::{lock_digests, write_lock};
use staging::{Staging, move_charts};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use telling::{Aside, Telling};

/// What the names of repositories that nobody added begin with.
const MANAGED: &str = "helm-manager-";

/// How dependencies are fetched.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Credentials, TLS files, `verify` and `keyring`.
    pub source: ChartOptions,
    /// `verify` refuses archives with a wrong signature, not those without one.
    pub verify_if_possible: bool,
    /// Indexes are taken from the cache as they are.
    pub skip_refresh: bool,
    /// Charts at `file://` get their own dependencies first (helm/helm#2247).
    pub recursive: bool,
    /// The lock holds the SHA-256 of every archive, and `build` checks it (helm/helm#9662).
    pub lock_digests: bool,
}

/// One run over one chart folder.
struct Manager<'a> {
    folder: &'a Path,
    options: &'a Options,
    settings: &'a Settings,
    /// Keeps what is said while archives are fetched, until its turn has come.
    reporter: &'a Aside<'a>,
    downloader: Downloader<'a>,
    repositories: Repositories,
    /// Charts at `file://`, loaded once.
    local: HashMap<PathBuf, (Chart, Notices)>,
    /// Cached indexes, read once between refreshes.
    indexes: Mutex<HashMap<PathBuf, Arc<Vec<u8>>>>,
}

/// One dependency: what is said first, and what there is to do.
struct Step {
    lines: Vec<String>,
    task: Option<Task>,
}

/// What to do for one dependency.
enum Task {
    Local { chart: Chart },
    Http { address: String, entry: Entry, digest: String },
    Registry { reference: String, version: String },
}

/// Fetches what Chart.yaml asks for and writes the lock.
pub fn update(folder: &Path, options: &Options, settings: &Settings, reporter: &dyn Reporter) -> Result<()> {
    if options.recursive {
        update_below(folder, options, settings, reporter, &mut HashSet::new())?;
    }
    let chart = load(folder, reporter)?;
    Manager::new(folder, options, settings, &Aside::new(reporter))?.update(&chart)
}

/// Updates the charts at `file://` below `folder`, the deepest first, each once.
fn update_below(folder: &Path, options: &Options, settings: &Settings, reporter: &dyn Reporter, seen: &mut HashSet<PathBuf>) -> Result<()> {
    let chart = load(folder, reporter)?;
    for dependency in &chart.metadata.dependencies {
        if !dependency.repository.starts_with("file://") {
            continue;
        }
        let path = local_path(&dependency.repository, folder)?;
        if !seen.insert(fs::resolve_links(&fs::absolute(&path)?)?) {
            continue;
        }
        update_below(&path, options, settings, reporter, seen)?;
        let below = load(&path, reporter)?;
        if below.metadata.lists_dependencies() {
            Manager::new(&path, options, settings, &Aside::new(reporter))?.update(&below)?;
        }
    }
    Ok(())
}

/// Fetches what the lock names; without a lock, what [`update()`] does.
pub fn build(folder: &Path, options: &Options, settings: &Settings, reporter: &dyn Reporter) -> Result<()> {
    let chart = load(folder, reporter)?;
    let Some(lock) = chart.content.lock.clone() else { return update(folder, options, settings, reporter) };
    let aside = Aside::new(reporter);
    let mut manager = Manager::new(folder, options, settings, &aside)?;
    let v1 = chart.metadata.is_v1();
    let mut asked = chart.metadata.dependencies.clone();
    let helm_2 = resolve::digest_of_helm_2(&asked)?;
    manager.resolve_names(&mut asked)?;
    if resolve::digest(&asked, &lock.dependencies)? != lock.digest {
        if v1 {
            reporter.warn("warning: a valid Helm v3 hash was not found. Checking against Helm v2 hash...");
            if helm_2 != lock.digest {
                return Err(out_of_sync("requirements.lock", "requirements.yaml", "Please update the dependencies"));
            }
        } else {
            return Err(out_of_sync("Chart.lock", "Chart.yaml", "Please update the dependencies with 'rutter dependency update'"));
        }
    }
    manager.check_repositories(&lock.dependencies)?;
    if !options.skip_refresh && !manager.is_cached(&lock.dependencies) {
        manager.update_repositories()?;
    }
    let digests = lock_digests(folder, v1);
    let mut locked = lock.dependencies;
    manager.download(&mut locked, &digests).map(|_| ())
}

fn out_of_sync(lock: &str, file: &str, advice: &str) -> Error {
    Error::new(ErrorKind::Dependency, format!("the lock file ({lock}) is out of sync with the dependencies file ({file}). {advice}"))
}

fn load(folder: &Path, reporter: &dyn Reporter) -> Result<Chart> {
    let about = fs::stat(folder).map_err(|error| error.context(format!("could not find {}", folder.display())))?;
    if about.kind != fs::Kind::Folder {
        return Err(Error::new(ErrorKind::Dependency, "only unpacked charts can be updated"));
    }
    let mut notices = Notices::new();
    let chart = loader::load_folder_of_any_version(folder, &mut notices);
    notices.list.into_iter().for_each(|notice| reporter.notice(notice));
    chart
}

/// Where a `file://` repository, or a folder name, leads; relative to the chart.
fn local_path(repository: &str, folder: &Path) -> Result<PathBuf> {
    let path = Path::new(repository.strip_prefix("file://").unwrap_or(repository));
    let path = if path.is_absolute() { path.to_path_buf() } else { fs::clean(&folder.join(path)) };
    if fs::exists(&path) {
        return Ok(path);
    }
    Err(Error::new(ErrorKind::Dependency, format!("directory {} not found", path.display())))
}

impl<'a> Manager<'a> {
    fn new(folder: &'a Path, options: &'a Options, settings: &'a Settings, reporter: &'a Aside<'a>) -> Result<Manager<'a>> {
        let downloader = Downloader::new(options.source.clone(), settings, reporter);
        let repositories = Repositories::load_or_empty(settings)?;
        Ok(Manager { folder, options, settings, reporter, downloader, repositories, local: HashMap::new(), indexes: Mutex::default() })
    }

    fn update(&mut self, chart: &Chart) -> Result<()> {
        let mut asked = chart.metadata.dependencies.clone();
        if !chart.metadata.lists_dependencies() {
            return Ok(());
        }
        let mut names = self.resolve_names(&mut asked)?;
        self.fetch_unmanaged(&asked, &mut names)?;
        if !self.options.skip_refresh {
            self.update_repositories()?;
        }
        let mut locked = self.resolve(&asked, &names)?;
        let v1 = chart.metadata.is_v1();
        let old_digests = lock_digests(self.folder, v1);
        let digests = self.download(&mut locked, &BTreeMap::new())?;
        let digest = resolve::digest(&asked, &locked)?;
        let keep_digests = self.options.lock_digests || !old_digests.is_empty();
        let same_digests = !keep_digests || old_digests == digests;
        if same_digests && chart.content.lock.as_ref().is_some_and(|old| old.digest == digest) {
            return Ok(());
        }
        let lock = Lock { generated: rfc3339(self.settings.now), digest, dependencies: locked, ..Lock::default() };
        let empty = BTreeMap::new();
        write_lock(self.folder, &lock, v1, if keep_digests { &digests } else { &empty })
    }

    /// The names of configured repositories by dependency; aliases turn into addresses.
    fn resolve_names(&mut self, asked: &mut [Dependency]) -> Result<HashMap<String, String>> {
        let mut names = HashMap::new();
        let mut missing = Vec::new();
        for dependency in asked {
            let repository = &dependency.repository;
            if repository.is_empty() {
                continue;
            }
            if repository.starts_with("file://") {
                local_path(repository, self.folder)?;
                names.insert(dependency.name.clone(), repository.clone());
                continue;
            }
            if url::is_oci(repository) {
                names.insert(dependency.name.clone(), repository.clone());
                continue;
            }
            let alias = repository.strip_prefix('@').or_else(|| repository.strip_prefix("alias:"));
            let known = self.repositories.entries.iter().find(|entry| alias == Some(&entry.name) || url::equal(&entry.url, repository));
            match known {
                Some(entry) => {
                    names.insert(dependency.name.clone(), entry.name.clone());
                    if alias == Some(&entry.name) {
                        dependency.repository = entry.url.clone();
                    }
                }
                None if is_address(repository) => {
                    names.insert(repository.clone(), repository.clone());
                }
                None => missing.push(repository.clone()),
            }
        }
        if missing.is_empty() {
            return Ok(names);
        }
        let mut message = format!("no repository definition for {}. Please add them via 'rutter repo add'", missing.join(", "));
        if missing.iter().any(|name| !name.contains("//") && !name.starts_with('@') && !name.starts_with("alias:")) {
            message.push_str(
                "\nNote that repositories must be URLs or aliases. For example, to refer to the \"example\"\nrepository, use \"https://charts.example.com/\" or \"@example\" instead of\n\"example\". Don't forget to add the repo, too ('rutter repo add').",
            );
        }
        Err(Error::new(ErrorKind::Dependency, message))
    }

    /// Fetches the indexes of repositories that nobody added, under names made of their addresses.
    fn fetch_unmanaged(&self, asked: &[Dependency], names: &mut HashMap<String, String>) -> Result<()> {
        let mut entries: Vec<Entry> = Vec::new();
        for dependency in asked {
            if dependency.repository.is_empty() || names.contains_key(&dependency.name) {
                continue;
            }
            let name = managed_name(&dependency.repository);
            names.insert(dependency.name.clone(), name.clone());
            let entry = Entry { name, url: dependency.repository.clone(), ..Entry::default() };
            let same = |other: &Entry| other.url.trim_end_matches('/') == entry.url.trim_end_matches('/');
            // Two spellings of one address are fetched once each only if their cache names differ.
            if !entries.iter().any(|other| same(other) && other.name == entry.name) {
                entries.push(entry);
            }
        }
        if self.options.skip_refresh || entries.is_empty() {
            return Ok(());
        }
        self.reporter.say("Getting updates for unmanaged Helm repositories...");
        entries.iter().try_for_each(update::check_address)?;
        let entries: Vec<&Entry> = entries.iter().collect();
        update::update_all(self.downloader.client(), &entries, |entry, outcome| announce(entry, &entry.url, outcome, self.reporter));
        self.forget_indexes();
        Ok(())
    }

    fn update_repositories(&self) -> Result<()> {
        let mut unique: Vec<&Entry> = Vec::new();
        for entry in &self.repositories.entries {
            let same = |other: &&Entry| other.url.trim_end_matches('/') == entry.url.trim_end_matches('/');
            unique.retain(|other| !same(other));
            unique.push(entry);
        }
        if unique.is_empty() {
            return Ok(());
        }
        self.reporter.say("Hang tight while we grab the latest from your chart repositories...");
        unique.iter().copied().try_for_each(update::check_address)?;
        update::update_all(self.downloader.client(), &unique, |entry, outcome| announce(entry, &entry.name, outcome, self.reporter));
        self.forget_indexes();
        self.reporter.say("Update Complete. ⎈Happy Helming!⎈");
        Ok(())
    }

    /// The dependencies with the versions to take.
    fn resolve(&mut self, asked: &[Dependency], names: &HashMap<String, String>) -> Result<Vec<Dependency>> {
        self.load_local(asked);
        let mut locked = Vec::with_capacity(asked.len());
        let mut missing = Vec::new();
        let mut registries = HashMap::new();
        for dependency in asked {
            let range = resolve::range(dependency)?;
            let found = if dependency.repository.is_empty() {
                local_path(&format!("charts/{}", dependency.name), self.folder)?;
                Some(dependency.version.clone())
            } else if dependency.repository.starts_with("file://") {
                let chart = self.local_chart(&dependency.repository)?;
                resolve::choose(&range, [chart.metadata.version.as_str()]).map(str::to_string)
            } else if url::is_oci(&dependency.repository) {
                if Version::parse(&dependency.version).is_ok() {
                    Some(dependency.version.clone())
                } else {
                    let address = format!("{}/{}", dependency.repository, dependency.name);
                    let versions = self.registry_versions(&address, &mut registries)?;
                    let chosen = resolve::choose(&range, versions.iter().map(String::as_str)).map(str::to_string);
                    chosen.or_else(|| Some(dependency.version.clone()))
                }
            } else {
                match names.get(&dependency.name) {
                    None => Some(dependency.version.clone()),
                    Some(name) => {
                        let versions = self.cached_versions(name, dependency)?;
                        let offered =
                            versions.iter().filter(|version| !version.urls.is_empty()).map(|version| version.metadata.version.as_str());
                        resolve::choose(&range, offered).map(str::to_string)
                    }
                }
            };
            match found {
                Some(version) => locked.push(Dependency {
                    name: dependency.name.clone(),
                    repository: dependency.repository.clone(),
                    version,
                    ..Dependency::default()
                }),
                None => missing.push(resolve::missing(dependency)),
            }
        }
        if missing.is_empty() { Ok(locked) } else { Err(resolve::unsatisfied(&missing)) }
    }

    fn registry_versions(&self, address: &str, known: &mut HashMap<String, Vec<String>>) -> Result<Vec<String>> {
        if let Some(versions) = known.get(address) {
            return Ok(versions.clone());
        }
        let failed = |error: Error| {
            let repository = address.rsplit_once('/').map_or(address, |(repository, _)| repository);
            error.context(format!("could not retrieve list of tags for repository {repository}"))
        };
        let versions = Reference::parse(address).and_then(|reference| self.downloader.versions(&reference)).map_err(failed)?;
        known.insert(address.to_string(), versions.clone());
        Ok(versions)
    }

    /// The bytes of a cached index.
    fn index(&self, path: &Path) -> Result<Arc<Vec<u8>>> {
        let mut indexes = self.indexes.lock().map_err(|_| Error::new(ErrorKind::Io, "the index cache is broken"))?;
        if let Some(bytes) = indexes.get(path) {
            return Ok(Arc::clone(bytes));
        }
        let bytes = Arc::new(fs::read_limited(path, INDEX_LIMIT)?);
        indexes.insert(path.to_path_buf(), Arc::clone(&bytes));
        Ok(bytes)
    }

    /// Forgets the indexes that were read, since others were fetched.
    fn forget_indexes(&self) {
        if let Ok(mut indexes) = self.indexes.lock() {
            indexes.clear();
        }
    }

    fn cached_versions(&self, name: &str, dependency: &Dependency) -> Result<Vec<ChartVersion>> {
        let path = index_path(self.settings, name)?;
        let source = path.display().to_string();
        let found = self
            .index(&path)
            .and_then(|bytes| index::versions_of(&bytes, &dependency.name, &source, self.reporter))
            .map_err(|error| error.context(format!("no cached repository for {name} found. (try 'rutter repo update')")))?;
        found.ok_or_else(|| {
            let message = format!("{} chart not found in repo {}", dependency.name, dependency.repository);
            Error::new(ErrorKind::Dependency, message)
        })
    }

    /// Loads the charts at `file://` on all processors. What cannot be loaded is told when it is asked for.
    fn load_local(&mut self, asked: &[Dependency]) {
        let repositories = asked.iter().map(|dependency| &dependency.repository).filter(|repository| repository.starts_with("file://"));
        let mut paths: Vec<PathBuf> = repositories.filter_map(|repository| local_path(repository, self.folder).ok()).collect();
        paths.sort();
        paths.dedup();
        let next = AtomicUsize::new(0);
        let loaded = Mutex::new(Vec::with_capacity(paths.len()));
        let work = || {
            while let Some(path) = paths.get(next.fetch_add(1, Ordering::Relaxed)) {
                let mut notices = Notices::new();
                if let (Ok(chart), Ok(mut loaded)) = (loader::load_folder_of_any_version(path, &mut notices), loaded.lock()) {
                    loaded.push((path.clone(), (chart, notices)));
                }
            }
        };
        if paths.len() > 1 {
            let threads = std::thread::available_parallelism().map_or(1, usize::from).min(paths.len()).min(8);
            std::thread::scope(|scope| {
                for _ in 1..threads {
                    scope.spawn(work);
                }
                work();
            });
        }
        self.local.extend(loaded.into_inner().unwrap_or_default());
    }

    fn local_chart(&mut self, repository: &str) -> Result<Chart> {
        let path = local_path(repository, self.folder)?;
        if let Some((chart, notices)) = self.local.get_mut(&path) {
            std::mem::take(&mut notices.list).into_iter().for_each(|notice| self.reporter.notice(notice));
            return Ok(chart.clone());
        }
        let mut notices = Notices::new();
        let chart = loader::load_folder_of_any_version(&path, &mut notices);
        notices.list.into_iter().for_each(|notice| self.reporter.notice(notice));
        let chart = chart?;
        self.local.insert(path, (chart.clone(), Notices::new()));
        Ok(chart)
    }

    /// Whether every locked archive can be had without a request: its cached index tells a digest, and the content cache has
    /// it. Then nothing needs refreshing, since a lock names exact versions.
    fn is_cached(&self, locked: &[Dependency]) -> bool {
        let mut remote = locked
            .iter()
            .filter(|dependency| !dependency.repository.is_empty() && !dependency.repository.starts_with("file://"))
            .peekable();
        if remote.peek().is_none() || self.options.source.verify || self.check_indexes().is_err() {
            return false;
        }
        remote.all(|dependency| {
            let entry = self.repositories.entries.iter().find(|entry| url::equal(&dependency.repository, &entry.url));
            let versions = entry.and_then(|entry| self.cached_versions(&entry.name, dependency).ok()).unwrap_or_default();
            let version = versions.iter().find(|version| resolve::same_version(&dependency.version, &version.metadata.version));
            let digest = version.and_then(|version| cache::parse_digest(&version.digest).ok());
            digest.is_some_and(|digest| cache::get(&self.settings.content_cache, &digest, cache::Kind::Chart).is_some())
        })
    }

    /// Every configured repository must have a cached index, whether or not a dependency comes from it.
    fn check_indexes(&self) -> Result<()> {
        self.repositories.entries.iter().try_for_each(|entry| fs::open(&index_path(self.settings, &entry.name)?).map(|_| ()))
    }

    /// Every repository of a lock must be known by name.
    fn check_repositories(&self, locked: &[Dependency]) -> Result<()> {
        let known = |address: &str| self.repositories.entries.iter().any(|entry| url::equal(&entry.url, address.trim_end_matches('/')));
        let missing: Vec<&str> = locked
            .iter()
            .map(|dependency| dependency.repository.as_str())
            .filter(|address| !(address.is_empty() || address.starts_with("file://") || url::is_oci(address) || known(address)))
            .collect();
        if missing.is_empty() {
            return Ok(());
        }
        let message = format!("no repository definition for {}. Please add the missing repos via 'rutter repo add'", missing.join(", "));
        Err(Error::new(ErrorKind::Dependency, message))
    }

    /// Brings the archives of `locked` into `charts/`, sets the versions of local ones, and gives the archives' digests by
    /// file name. `wanted` are digests that must hold.
    fn download(&mut self, locked: &mut [Dependency], wanted: &BTreeMap<String, String>) -> Result<BTreeMap<String, String>> {
        if self.options.skip_refresh {
            self.check_indexes()?;
        }
        let charts = self.folder.join("charts");
        if fs::exists(&charts) {
            if !fs::is_folder(&charts) {
                return Err(Error::new(ErrorKind::Io, format!("{:?} is not a directory", charts.display().to_string())));
            }
        } else {
            fs::create_folders(&charts)?;
        }
        let staging = Staging::new(self.folder)?;
        self.reporter.say(&format!("Saving {} charts", locked.len()));
        let mut steps = Vec::with_capacity(locked.len());
        let planned = self.plan(locked, &charts, &mut steps);
        let error = match (self.carry_out(&steps, &staging.path, wanted), planned) {
            (Ok(digests), Ok(None)) => {
                let packed: HashSet<String> = steps.iter().filter_map(Step::packed).collect();
                let wanted: HashSet<&str> = digests.keys().map(String::as_str).collect();
                move_charts(locked, &wanted, &packed, &staging.path, &charts, self.reporter)?;
                return Ok(digests);
            }
            (Ok(_), Err(error)) => return Err(error),
            (Err(error), _) | (Ok(_), Ok(Some(error))) => error,
        };
        self.reporter.say(&format!("Save error occurred:  {error}"));
        Err(error)
    }

    /// What is to be done, in the order of the dependencies, into `steps`. `Ok(Some(…))` is what keeps it from going on; an
    /// error is one that Helm does not call a save error.
    fn plan(&mut self, locked: &mut [Dependency], charts: &Path, steps: &mut Vec<Step>) -> Result<Option<Error>> {
        let mut seen = HashSet::new();
        for dependency in locked {
            if dependency.repository.is_empty() {
                let assumed = "did not declare a repository. Assuming it exists in the charts directory";
                steps.push(Step { lines: vec![format!("Dependency {} {assumed}", dependency.name)], task: None });
                if let Some(error) = check_vendored(dependency, charts)? {
                    return Ok(Some(error));
                }
                continue;
            }
            match self.plan_one(dependency, &mut seen) {
                Ok(step) => steps.push(step),
                Err(error) => return Ok(Some(error)),
            }
        }
        Ok(None)
    }

    /// What is to be done for a dependency that is not in `charts/` already.
    fn plan_one(&mut self, dependency: &mut Dependency, seen: &mut HashSet<String>) -> Result<Step> {
        let (name, repository) = (&dependency.name, &dependency.repository);
        if repository.starts_with("file://") {
            let chart = self.local_chart(repository)?;
            if resolve::choose(&resolve::range(dependency)?, [chart.metadata.version.as_str()]).is_none() {
                return Err(Error::new(ErrorKind::Dependency, format!("can't get a valid version for dependency {name}")));
            }
            let lines = if self.settings.debug { vec![format!("Archiving {name} from repo {repository}")] } else { Vec::new() };
            dependency.version.clone_from(&chart.metadata.version);
            return Ok(Step { lines, task: Some(Task::Local { chart }) });
        }
        let (key, task) = if url::is_oci(repository) {
            let reference = format!("{repository}/{name}");
            (format!("{reference}:{}", dependency.version), Task::Registry { reference, version: dependency.version.clone() })
        } else {
            let (address, entry, digest) = self.find(dependency)?;
            (address.clone(), Task::Http { address, entry, digest })
        };
        Ok(if seen.insert(key) {
            Step { lines: vec![format!("Downloading {name} from repo {repository}")], task: Some(task) }
        } else {
            Step { lines: vec![format!("Already downloaded {name} from repo {repository}")], task: None }
        })
    }

    /// Where the archive of a dependency lies: in the cached index of its repository, else in the one that is fetched now.
    fn find(&self, dependency: &Dependency) -> Result<(String, Entry, String)> {
        let fault = |text: String| Error::new(ErrorKind::Dependency, format!("could not find : {text}"));
        let repository = &dependency.repository;
        let configured = self.repositories.entries.iter().find(|entry| url::equal(repository, &entry.url)).cloned();
        let managed = Entry { name: managed_name(repository), url: repository.clone(), ..Entry::default() };
        let is_configured = configured.is_some();
        let entry = configured.unwrap_or(managed);
        let path = index_path(self.settings, &entry.name)?;
        if is_configured || fs::exists(&path) {
            let bytes = self.index(&path)?;
            let source = path.display().to_string();
            let versions = index::versions_of(&bytes, &dependency.name, &source, self.reporter)?;
            let fits = |version: &&ChartVersion| {
                !version.urls.is_empty()
                    && (dependency.version.is_empty() || resolve::same_version(&dependency.version, &version.metadata.version))
            };
            match versions.as_ref().map(|versions| versions.iter().find(fits)) {
                Some(Some(version)) => {
                    let first = version.urls.first().map_or("", String::as_str);
                    let address =
                        url::resolve_reference(repository, first).ok_or_else(|| fault(format!("failed to parse {first} as URL")))?;
                    return Ok((address, entry, version.digest.clone()));
                }
                Some(None) if is_configured => return Err(fault("no matching version".to_string())),
                None if is_configured => return Err(fault("entry not found".to_string())),
                _ => {}
            }
        }
        let access = flag_access(&ChartOptions::default(), repository);
        let describe =
            |error: Error| error.context(format!("looks like {repository:?} is not a valid chart repository or cannot be reached"));
        find_in_repository(self.downloader.client(), repository, &dependency.name, &dependency.version, &access, describe)
            .map(|(address, digest)| (address, entry, digest))
            .map_err(|error| fault(format!("chart {} not found in {repository}: {error}", dependency.name)))
    }

    /// Does all steps at once; the first fault in their order counts.
    fn carry_out(&self, steps: &[Step], staging: &Path, wanted: &BTreeMap<String, String>) -> Result<BTreeMap<String, String>> {
        let telling = Mutex::new(Telling::new(steps.iter().map(|step| step.lines.clone()).collect()));
        let next = AtomicUsize::new(0);
        let work = || {
            // Looked at before a step is taken: one that is taken is done, so that none is missing before the first fault.
            while telling.lock().is_ok_and(|telling| !telling.has_failed()) {
                let at = next.fetch_add(1, Ordering::Relaxed);
                let Some(step) = steps.get(at) else { break };
                let (said, outcome) = self.reporter.listen(|| step.task.as_ref().map(|task| self.carry_out_one(task, staging, wanted)));
                if let Ok(mut telling) = telling.lock() {
                    telling.end(at, said, outcome.transpose());
                    telling.go_on(self.reporter);
                }
            }
        };
        if let Ok(mut telling) = telling.lock() {
            telling.go_on(self.reporter);
        }
        std::thread::scope(|scope| {
            for _ in 1..steps.len().min(8) {
                scope.spawn(work);
            }
            work();
        });
        let telling = telling.into_inner().map_err(|_| Error::new(ErrorKind::Io, "a download ended without a result"))?;
        Ok(telling.results()?.into_iter().flatten().collect())
    }

    fn carry_out_one(&self, task: &Task, staging: &Path, wanted: &BTreeMap<String, String>) -> Result<(String, String)> {
        let verify = match (self.options.source.verify, self.options.verify_if_possible) {
            (true, true) => Verify::IfPossible,
            (true, false) => Verify::Always,
            (false, _) => Verify::Never,
        };
        let (path, digest, shown) = match task {
            Task::Local { chart } => {
                archive::check(chart)?;
                let (name, bytes) = (archive::file_name(chart), archive::to_bytes(chart, None)?);
                // An archive that is there with the same bytes stays: replacing a file makes the system write it out at once.
                let there = self.folder.join("charts").join(&name);
                let is_file = fs::lstat(&there).is_ok_and(|entry| entry.kind == fs::Kind::File);
                if !is_file || fs::read_limited(&there, bytes.len() as u64).ok().as_ref() != Some(&bytes) {
                    fs::write(&staging.join(&name), &bytes)?;
                }
                (staging.join(name), cache::sha256(&bytes), String::new())
            }
            Task::Http { address, entry, digest } => {
                let saved = self.downloader.save_from(address, entry, digest, staging, verify);
                let saved = saved.map_err(|error| error.context(format!("could not download {}", url::redact(address))))?;
                (saved.path, saved.digest, url::redact(address))
            }
            Task::Registry { reference, version } => {
                let saved = self.downloader.save(reference, version, staging, verify);
                let saved = saved.map_err(|error| error.context(format!("could not download {reference}")))?;
                (saved.path, saved.digest, reference.clone())
            }
        };
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let digest = format!("sha256:{}", cache::hex(&digest));
        // What is packed from a folder may change with it; only what is fetched is held to the lock.
        if let Some(wanted) = wanted.get(&name).filter(|wanted| !shown.is_empty() && **wanted != digest) {
            let message = format!("digest of {shown} does not fit: the lock says {wanted}, the archive has {digest}");
            return Err(Error::new(ErrorKind::Verification, message));
        }
        Ok((name, digest))
    }
}

impl Step {
    /// The name of the archive that is packed here, and so needs no second look.
    fn packed(&self) -> Option<String> {
        match &self.task {
            Some(Task::Local { chart }) => Some(archive::file_name(chart)),
            _ => None,
        }
    }
}

fn is_address(text: &str) -> bool {
    text.starts_with('/') || url::Address::parse(text).is_some_and(|address| address.is_absolute())
}

/// Helm's name for the cached index of a repository that nobody added.
fn managed_name(address: &str) -> String {
    format!("{MANAGED}{}", cache::hex(&cache::sha256(address.as_bytes())))
}

/// A dependency without a repository must lie in `charts/`; what is wrong if it does in a version that does not fit.
fn check_vendored(dependency: &Dependency, charts: &Path) -> Result<Option<Error>> {
    let path = charts.join(&dependency.name);
    let fault = |text: String| Error::new(ErrorKind::Dependency, text);
    let chart = loader::load_folder_of_any_version(&path, &mut Notices::new())
        .map_err(|error| error.context(format!("unable to load chart '{}'", path.display())))?;
    let (name, version) = (&dependency.name, &chart.metadata.version);
    let range = crate::version::Constraint::parse(&dependency.version)
        .map_err(|error| fault(format!("dependency {name} has an invalid version/constraint format: {error}")))?;
    let parsed =
        Version::parse(version).map_err(|error| fault(format!("invalid version {} for dependency {name}: {error}", dependency.version)))?;
    let misfit = || fault(format!("dependency {name} at version {version} does not satisfy the constraint {}", dependency.version));
    Ok((!range.check(&parsed)).then(misfit))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::repository::Recorded;

    fn chart(folder: &Path, name: &str, rest: &str) {
        std::fs::create_dir_all(folder).expect("a folder");
        std::fs::write(folder.join("Chart.yaml"), format!("apiVersion: v2\nname: {name}\nversion: 1.0.0\n{rest}")).expect("a file");
    }

    fn on(name: &str) -> String {
        format!("dependencies:\n- name: {name}\n  version: ^1\n  repository: file://../{name}\n")
    }

    // CVE-2025-53547: the lock is a link to another file.
    #[cfg(unix)]
    #[test]
    fn a_lock_that_is_a_link_is_refused() {
        let top = tempfile::tempdir().expect("a folder");
        chart(&top.path().join("a"), "a", &on("b"));
        chart(&top.path().join("b"), "b", "");
        let precious = top.path().join("precious");
        std::fs::write(&precious, "dependencies: []\n").expect("a file");
        std::os::unix::fs::symlink(&precious, top.path().join("a/Chart.lock")).expect("a link");
        let error = update(&top.path().join("a"), &Options::default(), &Settings::default(), &Recorded::default()).expect_err("refused");
        assert!(error.to_string().starts_with("the Chart.lock file is a symlink to "), "{error}");
        assert_eq!(std::fs::read_to_string(precious).expect("the file"), "dependencies: []\n");
    }

    #[test]
    fn local_charts_are_updated_first_when_asked() {
        let top = tempfile::tempdir().expect("a folder");
        chart(&top.path().join("a"), "a", &on("b"));
        chart(&top.path().join("b"), "b", &on("c"));
        chart(&top.path().join("c"), "c", &on("a"));
        let options = Options { recursive: true, lock_digests: true, ..Options::default() };
        update(&top.path().join("a"), &options, &Settings::default(), &Recorded::default()).expect("updated");
        assert!(top.path().join("b/charts/c-1.0.0.tgz").exists());
        assert!(top.path().join("a/charts/b-1.0.0.tgz").exists());
        let lock = std::fs::read_to_string(top.path().join("a/Chart.lock")).expect("the lock");
        assert!(lock.starts_with("archives:\n  b-1.0.0.tgz: sha256:"), "{lock}");
        assert!(
            !top.path().join("a").read_dir().expect("the folder").any(|entry| entry
                .expect("an entry")
                .file_name()
                .to_string_lossy()
                .starts_with("tmp"))
        );
        build(&top.path().join("a"), &Options::default(), &Settings::default(), &Recorded::default()).expect("the lock holds");
    }

    #[test]
    fn archives_that_did_not_change_stay() {
        let top = tempfile::tempdir().expect("a folder");
        chart(
            &top.path().join("a"),
            "a",
            "dependencies:\n- {name: b, version: ^1, repository: 'file://../b'}\n- {name: c, version: ^1, repository: 'file://../c'}\n",
        );
        chart(&top.path().join("b"), "b", "");
        chart(&top.path().join("c"), "c", "");
        let run = || update(&top.path().join("a"), &Options::default(), &Settings::default(), &Recorded::default()).expect("updated");
        let stamp = |name: &str| fs::Folder::open(&top.path().join("a/charts")).expect("a folder").stamp(name).expect("it is there");
        run();
        let before = (stamp("b-1.0.0.tgz"), stamp("c-1.0.0.tgz"));
        std::fs::write(top.path().join("c/values.yaml"), "a: 1\n").expect("a file");
        run();
        assert_eq!(stamp("b-1.0.0.tgz"), before.0, "replaced although nothing changed");
        assert_ne!(stamp("c-1.0.0.tgz"), before.1, "not replaced although it changed");
    }

    #[test]
    fn what_a_killed_run_left_is_taken_away() {
        let top = tempfile::tempdir().expect("a folder");
        chart(&top.path().join("a"), "a", &on("b"));
        chart(&top.path().join("b"), "b", "");
        let left = [top.path().join("a/tmpcharts-4294967294"), top.path().join("a/.rutter-charts-4294967294")];
        left.iter().for_each(|left| std::fs::create_dir(left).expect("a folder"));
        let lock = top.path().join("a/.rutter-x.part");
        // Over the limit of a chart's files: it must not stop the chart from loading.
        std::fs::write(&lock, vec![b'x'; 6 << 20]).expect("a file");
        std::fs::write(left[1].join("b-1.0.0.tgz"), vec![b'x'; 6 << 20]).expect("a file");
        update(&top.path().join("a"), &Options::default(), &Settings::default(), &Recorded::default()).expect("updated");
        assert!(!lock.exists() && !left.iter().any(|left| left.exists()));
    }
}
