//! Dependencies of a chart folder: lists them and fetches them into `charts/`.
//!
//! Goes in: the folder, flags, settings. Comes out: archives in `charts/`, Chart.lock, and Helm's messages along the way. `versions`
//! chooses the versions, `repositories` keeps the indexes that it chooses from, `local` loads charts at `file://`, and `steps`
//! prepares every archive before `staging` moves all of them into place; `telling` keeps the messages of all that in Helm's order.
//! Matches Helm's `pkg/downloader/manager.go`; `recursive` and the archives' digests in the lock are this tool's own and opt-in.

mod list;
mod local;
mod lock_file;
mod repositories;
mod staging;
mod steps;
mod telling;
mod versions;

pub use list::{Listing, Row, list};

use crate::chart::{Chart, Lock};
use crate::dependency::resolve;
use crate::diagnostic::{Level, Notice, Notices};
use crate::error::{Error, ErrorKind, Result};
use crate::fs;
use crate::repository::config::Repositories;
use crate::repository::download::Downloader;
use crate::repository::{ChartOptions, Reporter, Settings, rfc3339};
use local::{load, local_path};
use lock_file::{lock_digests, write_lock};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use telling::Aside;

/// How dependencies are fetched.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Credentials, TLS files, `verify` and `keyring`.
    pub source: ChartOptions,
    /// `verify` refuses archives with a bad signature, but accepts unsigned ones.
    pub verify_if_possible: bool,
    /// Use the cached indexes without refreshing them.
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
    /// Holds back messages of concurrent downloads until it is their turn.
    reporter: &'a Aside<'a>,
    downloader: Downloader<'a>,
    repositories: Repositories,
    /// Charts at `file://`, loaded once.
    local: HashMap<PathBuf, (Chart, Notices)>,
    /// The bytes of cached indexes by path, read once between refreshes.
    indexes: Mutex<HashMap<PathBuf, Arc<Vec<u8>>>>,
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

/// Fetches the versions in the lock; without a lock, does what [`update()`] does.
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
            let message = "warning: a valid Helm v3 hash was not found. Checking against Helm v2 hash...".to_string();
            reporter.notice(Notice { level: Level::Info, message, attributes: Vec::new() });
            if helm_2 != lock.digest {
                return Err(out_of_sync("requirements.lock", "requirements.yaml", "Please update the dependencies"));
            }
        } else {
            let advice = format!("Please update the dependencies with '{} dependency update'", settings.program());
            return Err(out_of_sync("Chart.lock", "Chart.yaml", &advice));
        }
    }
    let digests = lock_digests(folder, v1)?;
    manager.check_repositories(&lock.dependencies, &digests)?;
    if !options.skip_refresh && !manager.is_cached(&lock.dependencies, &digests) {
        manager.update_repositories()?;
    }
    let mut locked = lock.dependencies;
    manager.download(&mut locked, &digests).map(|_| ())
}

fn out_of_sync(lock: &str, file: &str, advice: &str) -> Error {
    Error::new(ErrorKind::Dependency, format!("the lock file ({lock}) is out of sync with the dependencies file ({file}). {advice}"))
}

impl<'a> Manager<'a> {
    fn new(folder: &'a Path, options: &'a Options, settings: &'a Settings, reporter: &'a Aside<'a>) -> Result<Manager<'a>> {
        let downloader = Downloader::new(options.source.clone(), settings, reporter);
        let repositories = Repositories::load_or_empty(settings)?;
        Ok(Manager { folder, options, settings, reporter, downloader, repositories, local: HashMap::new(), indexes: Mutex::default() })
    }

    /// Fetches what `chart` asks for; the lock is written only if it would change.
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
        // An unreadable lock is written anew.
        let keep_digests = self.options.lock_digests || !old_digests.as_ref().is_ok_and(BTreeMap::is_empty);
        let same_digests = !keep_digests || old_digests.is_ok_and(|old| old == digests);
        if same_digests && chart.content.lock.as_ref().is_some_and(|old| old.digest == digest) {
            return Ok(());
        }
        let lock = Lock { generated: rfc3339(self.settings.now), digest, dependencies: locked, ..Lock::default() };
        let empty = BTreeMap::new();
        write_lock(self.folder, &lock, v1, if keep_digests { &digests } else { &empty })
    }
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

    // CVE-2025-53547: the lock is a symbolic link to another file.
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
                .starts_with(fs::UNFINISHED))
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
        let (own, here) = (std::process::id(), super::staging::process_space());
        // Numbers repeat: an old folder of our own, or of the first process of another container, is over too.
        let left = [
            "a/tmpcharts-4294967294".to_string(),
            "a/.rutter-charts-4294967294".to_string(),
            "a/.rutter-charts-4294967294-2".to_string(),
            "a/.rutter-charts-1-elsewhere".to_string(),
            format!("a/.rutter-charts-{own}-{here}-9"),
        ];
        let left = left.map(|name| top.path().join(name));
        // A process that is not seen here may be one of another container.
        // Nor is one of our own number: another thread may use it.
        let used = ["a/tmpcharts-4294967293".to_string(), format!("a/.rutter-charts-{own}"), format!("a/.rutter-charts-{own}-{here}")];
        let used = used.map(|name| top.path().join(name));
        let dead = top.path().join(format!("a/.rutter-charts-4294967293-{here}"));
        std::fs::create_dir(&dead).expect("a folder");
        left.iter().chain(&used).for_each(|folder| std::fs::create_dir(folder).expect("a folder"));
        std::fs::create_dir(top.path().join("a/charts")).expect("a folder");
        let (lock, fresh) = (top.path().join("a/charts/.rutter-x.part"), top.path().join("a/.rutter-y.part"));
        // Larger than a chart file may be: it must not stop the chart from loading.
        std::fs::write(&lock, vec![b'x'; 6 << 20]).expect("a file");
        std::fs::write(&fresh, b"x").expect("a file");
        std::fs::write(left[1].join("b-1.0.0.tgz"), vec![b'x'; 6 << 20]).expect("a file");
        let written = std::time::SystemTime::now();
        for old in left.iter().chain([&lock]) {
            let changed = std::fs::File::open(old).and_then(|file| file.set_modified(written - std::time::Duration::from_secs(4000)));
            changed.expect("a time");
        }
        let now = written.duration_since(std::time::UNIX_EPOCH).expect("a time").as_nanos().cast_signed();
        let settings = Settings { now, ..Settings::default() };
        update(&top.path().join("a"), &Options::default(), &settings, &Recorded::default()).expect("updated");
        assert!(fresh.exists() && used.iter().all(|used| used.exists()), "another run may be writing them");
        assert!(!lock.exists() && !left.iter().any(|left| left.exists()));
        // Whose process was seen here and is not any more is over at once.
        assert_eq!(dead.exists(), here.is_empty());
    }

    #[cfg(unix)]
    #[test]
    fn charts_may_lie_on_another_file_system() {
        use std::os::unix::fs::MetadataExt;
        let device = |folder: &std::path::Path| std::fs::metadata(folder).map(|about| about.dev()).ok();
        let top = tempfile::tempdir().expect("a folder");
        // Where it is none, this tests a link.
        let other = tempfile::tempdir_in("/dev/shm").ok().filter(|other| device(other.path()) != device(top.path()));
        let other = other.unwrap_or_else(|| tempfile::tempdir().expect("a folder"));
        chart(&top.path().join("a"), "a", &on("b"));
        chart(&top.path().join("b"), "b", "");
        std::os::unix::fs::symlink(other.path(), top.path().join("a/charts")).expect("a link");
        update(&top.path().join("a"), &Options::default(), &Settings::default(), &Recorded::default()).expect("updated");
        assert_eq!(fs::names(other.path()).expect("the folder"), ["b-1.0.0.tgz"]);
    }
}
