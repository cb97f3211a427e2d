//! Prepares the archives of all dependencies in parallel.
//!
//! Goes in: dependencies with exact versions. Comes out: `charts/` with their archives, and the digest of each. None is moved
//! there before all of them are ready; then they are moved one by one, those that are no charts left out. First every dependency
//! becomes a [`Step`], in order and without a download; then several threads carry out the steps, and their messages are reported
//! in the order of the steps. Matches `downloadAll` of Helm's `pkg/downloader/manager.go`, which handles one dependency after the other.

use super::Manager;
use super::local::check_vendored;
use super::lock_file::check_digest;
use super::repositories::managed_name;
use super::staging::{Staging, move_charts};
use super::telling::Telling;
use crate::chart::{Chart, Dependency};
use crate::dependency::resolve;
use crate::error::{Error, ErrorKind, Result};
use crate::fs;
use crate::package::{archive, digest};
use crate::parallel::{self, Queue};
use crate::quote::quote;
use crate::repository::access::Access;
use crate::repository::config::{Entry, index_path};
use crate::repository::download::Verify;
use crate::repository::index::{self, ChartVersion};
use crate::repository::resolve::{find_in_repository, split_listed};
use crate::repository::{ChartOptions, Reporter, url};
use std::collections::{BTreeMap, HashSet};
use std::path::Path;
use std::sync::Mutex;

/// How many archives are prepared at once, at most.
const THREADS_LIMIT: usize = 8;

/// One dependency: the messages before it, and the task; no task if its archive is there or comes with another step.
struct Step {
    lines: Vec<String>,
    task: Option<Task>,
}

/// Where the archive comes from.
enum Task {
    /// Packed from a chart in memory.
    Local { chart: Chart },
    /// It is kept from an earlier download, under this name.
    Kept { name: String, archive: Vec<u8> },
    /// Fetched from `address`, with the credentials of `entry`; `digest` is the one in the index, or empty.
    Http { address: String, entry: Entry, digest: String },
    /// Fetched from a registry; `reference` is without a tag. `is_listed` if the index of an HTTP repository points there, as Bitnami's
    /// does.
    Registry { reference: String, version: String, is_listed: bool },
}

impl Step {
    /// The name of the archive if it is packed here, and so needs no check that it is a chart.
    fn packed(&self) -> Option<String> {
        match &self.task {
            Some(Task::Local { chart }) => Some(archive::file_name(chart)),
            _ => None,
        }
    }
}

impl Manager<'_> {
    /// Brings the archives of `locked` into `charts/`, sets the versions of local ones, and returns the
    /// archives' digests by file name. `wanted` holds digests that the archives must match.
    pub(super) fn download(&mut self, locked: &mut [Dependency], wanted: &BTreeMap<String, String>) -> Result<BTreeMap<String, String>> {
        if self.options.skip_refresh {
            self.check_indexes()?;
        }
        let charts = self.folder.join("charts");
        if fs::exists(&charts) {
            if !fs::is_folder(&charts) {
                return Err(Error::new(ErrorKind::Io, format!("{} is not a directory", quote(charts.to_string_lossy().as_bytes()))));
            }
        } else {
            fs::create_folders(&charts)?;
        }
        let staging = Staging::new(self.folder, &charts, self.downloader.client().settings().now_seconds())?;
        self.reporter.say(&format!("Saving {} charts", locked.len()));
        let mut steps = Vec::with_capacity(locked.len());
        let planned = self.plan(locked, &charts, wanted, &mut steps);
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

    /// Appends the steps, in the order of the dependencies, to `steps`. `Ok(Some(…))` is an error that stops
    /// the planning; `Err` is an error that Helm does not report as a save error.
    fn plan(
        &mut self,
        locked: &mut [Dependency],
        charts: &Path,
        wanted: &BTreeMap<String, String>,
        steps: &mut Vec<Step>,
    ) -> Result<Option<Error>> {
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
            match self.plan_one(dependency, &mut seen, wanted) {
                Ok(step) => steps.push(step),
                Err(error) => return Ok(Some(error)),
            }
        }
        Ok(None)
    }

    /// The step for a dependency that has a repository.
    fn plan_one(&mut self, dependency: &mut Dependency, seen: &mut HashSet<String>, wanted: &BTreeMap<String, String>) -> Result<Step> {
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
        let kept = if self.options.source.verify { None } else { self.locked_archive(dependency, wanted) };
        let (key, task) = if let Some((name, archive)) = kept {
            (name.clone(), Task::Kept { name, archive })
        } else if url::is_oci(repository) {
            let reference = format!("{repository}/{name}");
            (
                format!("{reference}:{}", dependency.version),
                Task::Registry { reference, version: dependency.version.clone(), is_listed: false },
            )
        } else {
            let (address, entry, digest) = self.find(dependency)?;
            let task = match url::is_oci(&address) {
                true => {
                    let split = split_listed(&address).map_err(|error| error.context("could not parse OCI reference"));
                    let (reference, version) = split?;
                    Task::Registry { reference, version, is_listed: true }
                }
                false => Task::Http { address: address.clone(), entry, digest },
            };
            (address, task)
        };
        let task = seen.insert(key).then_some(task);
        let verb = if matches!(task, None | Some(Task::Kept { .. })) { "Already downloaded" } else { "Downloading" };
        Ok(Step { lines: vec![format!("{verb} {name} from repo {repository}")], task })
    }

    /// Where to fetch the archive of a dependency: looks in the cached index of its repository, or else in one that is fetched now.
    fn find(&self, dependency: &Dependency) -> Result<(String, Entry, String)> {
        let fault = |text: String| Error::new(ErrorKind::Dependency, format!("could not find : {text}"));
        let repository = &dependency.repository;
        let configured = self.configured(repository).cloned();
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
        let access = Access::of_flags(&ChartOptions::default(), repository);
        let describe =
            |error: Error| error.context(format!("looks like {} is not a valid chart repository or cannot be reached", quote(repository)));
        find_in_repository(self.downloader.client(), repository, &dependency.name, &dependency.version, &access, describe)
            .map(|(address, digest)| (address, entry, digest))
            .map_err(|error| fault(format!("chart {} not found in {repository}: {error}", dependency.name)))
    }

    /// Carries out all steps in parallel; the first fault in step order is returned.
    fn carry_out(&self, steps: &[Step], staging: &Path, wanted: &BTreeMap<String, String>) -> Result<BTreeMap<String, String>> {
        let telling = Mutex::new(Telling::new(steps.iter().map(|step| step.lines.clone()).collect()));
        let queue = Queue::new(steps.len());
        let work = || {
            // Checked before a step is claimed: a claimed step is always completed, so all steps up to the first fault have results.
            while telling.lock().is_ok_and(|telling| !telling.has_failed()) {
                let Some((at, step)) = queue.take().and_then(|at| Some((at, steps.get(at)?))) else { break };
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
        parallel::run(steps.len().min(THREADS_LIMIT), work);
        let telling = telling.into_inner().map_err(|_| Error::new(ErrorKind::Io, "a download ended without a result"))?;
        Ok(telling.results()?.into_iter().flatten().collect())
    }

    /// Prepares one archive in `staging`; returns its file name and its digest (`sha256:` and hex).
    fn carry_out_one(&self, task: &Task, staging: &Path, wanted: &BTreeMap<String, String>) -> Result<(String, String)> {
        let verify = match (self.options.source.verify, self.options.verify_if_possible) {
            (true, true) => Verify::IfPossible,
            (true, false) => Verify::Always,
            (false, _) => Verify::Never,
        };
        let (path, digest, shown) = match task {
            Task::Kept { name, archive } => {
                fs::write_as(&staging.join(name), archive, fs::Mode::Exact(0o644))?;
                (staging.join(name), digest::sha256(archive), String::new())
            }
            Task::Local { chart } => {
                archive::check(chart)?;
                let (name, bytes) = (archive::file_name(chart), archive::to_bytes(chart, None)?);
                // An existing archive with the same bytes is kept: replacing a file makes the system write it out at once.
                if !fs::holds(&self.folder.join("charts").join(&name), &bytes) {
                    fs::write_as(&staging.join(&name), &bytes, fs::Mode::New(0o666))?;
                }
                (staging.join(name), digest::sha256(&bytes), String::new())
            }
            Task::Http { address, entry, digest } => {
                let saved = self.downloader.save_from(address, entry, digest, staging, verify);
                let saved = saved.map_err(|error| error.context(format!("could not download {}", url::redact(address))))?;
                (saved.path, saved.digest, url::redact(address))
            }
            Task::Registry { reference, version, is_listed } => {
                let saved = match is_listed {
                    true => self.downloader.save_listed(reference, version, staging, verify),
                    false => self.downloader.save(reference, version, staging, verify),
                };
                let saved = saved.map_err(|error| error.context(format!("could not download {}", url::redact(reference))))?;
                (saved.path, saved.digest, url::redact(reference))
            }
        };
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let digest = format!("sha256:{}", digest::hex(&digest));
        // A local chart may change, and its archive with it, so only fetched archives are checked against the lock.
        if !shown.is_empty() {
            check_digest(wanted, &name, &digest, &shown)?;
        }
        Ok((name, digest))
    }
}
