//! Adding, updating, removing and indexing repositories.
//!
//! Goes in: names, addresses, the settings. Comes out: Helm's files changed, and what happened as data.
//! repositories.yaml is changed under Helm's lock file, so that concurrent processes of either tool do not lose
//! each other's entries. Matches Helm's `pkg/cmd/repo_{add,update,remove,index}.go`.

use crate::error::{Error, ErrorKind, Result};
use crate::fs;
use crate::quote::quote;
use crate::repository::config::{CLOSED, Entry, Repositories, lock_path};
use crate::repository::http::Client;
use crate::repository::index::Index;
use crate::repository::{Reporter, Settings, folder_index, update, url};
use std::path::Path;
use std::time::Duration;

/// How long another process may hold the lock.
const LOCK_PATIENCE: Duration = Duration::from_secs(30);

/// What `add` did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Added {
    New,
    /// An identical entry existed.
    Already,
}

/// Refuses the addresses of repositories that were shut down.
pub fn check_gone(address: &str) -> Result<()> {
    match CLOSED.iter().find(|(_, host, _)| address.contains(&format!("//{host}"))) {
        Some((_, _, new)) => {
            Err(Error::new(ErrorKind::Repository, format!("repo {} is no longer available; try {} instead", quote(address), quote(new))))
        }
        None => Ok(()),
    }
}

/// Adds a repository after fetching its index. With `force` an existing entry of that name is replaced.
pub fn add(entry: Entry, force: bool, settings: &Settings, reporter: &dyn Reporter) -> Result<Added> {
    let config = &settings.repository_config;
    if let Some(folder) = config.parent() {
        fs::create_folders(folder)?;
    }
    let _lock = fs::lock(&lock_path(config), LOCK_PATIENCE)?;
    let mut repositories = Repositories::load_or_empty(settings)?;
    if entry.name.contains('/') {
        let message = format!("repository name ({}) contains '/', please specify a different name without '/'", entry.name);
        return Err(Error::new(ErrorKind::Usage, message));
    }
    if let Some(existing) = repositories.get(&entry.name).filter(|_| !force) {
        if *existing == entry {
            return Ok(Added::Already);
        }
        let message = format!("repository name ({}) already exists, please specify a different name", entry.name);
        return Err(Error::new(ErrorKind::Repository, message));
    }
    update::check_address(settings, &entry)?;
    let client = Client::new(settings, reporter);
    update::update(&client, &entry).map_err(|error| {
        error.context(format!("looks like {} is not a valid chart repository or cannot be reached", quote(url::redact(&entry.url))))
    })?;
    repositories.update(entry);
    repositories.save(config)?;
    Ok(Added::New)
}

/// Fetches the indexes of the named repositories, or of all.
pub fn update(names: &[String], settings: &Settings, reporter: &dyn Reporter) -> Result<()> {
    let none = || Error::new(ErrorKind::Repository, "no repositories found. You must add one before updating");
    let failed = |error: Error| error.context(format!("failed loading file: {}", settings.repository_config.display()));
    let repositories = Repositories::load(&settings.repository_config).map_err(failed)?.ok_or_else(none)?;
    if repositories.entries.is_empty() {
        return Err(none());
    }
    if let Some(unknown) = names.iter().find(|name| repositories.get(name).is_none()) {
        return Err(Error::new(ErrorKind::Usage, format!("no repositories found matching '{unknown}'.  Nothing will be updated")));
    }
    let wanted: Vec<&Entry> = repositories.entries.iter().filter(|entry| names.is_empty() || names.contains(&entry.name)).collect();
    wanted.iter().try_for_each(|entry| update::check_address(settings, entry))?;
    reporter.say("Hang tight while we grab the latest from your chart repositories...");
    let client = Client::new(settings, reporter);
    let outcomes = update::update_all(&client, &wanted, |entry, outcome| announce(entry, &entry.name, outcome, reporter));
    let failed: Vec<&str> =
        wanted.iter().zip(&outcomes).filter(|(_, outcome)| outcome.is_err()).map(|(entry, _)| entry.url.as_str()).collect();
    if !failed.is_empty() {
        let list = failed.iter().map(|address| url::redact(address)).collect::<Vec<_>>().join(" ");
        return Err(Error::new(ErrorKind::Repository, format!("failed to update the following repositories: [{list}]")));
    }
    reporter.say("Update Complete. ⎈Happy Helming!⎈");
    Ok(())
}

/// Reports how the update of one repository went.
pub fn announce(entry: &Entry, shown: &str, outcome: &Result<()>, reporter: &dyn Reporter) {
    let repository = quote(shown);
    match outcome {
        Ok(()) => reporter.say(&format!("...Successfully got an update from the {repository} chart repository")),
        Err(error) if shown == entry.url => {
            reporter.say(&format!("...Unable to get an update from the {repository} chart repository:\n\t{error}"));
        }
        Err(error) => {
            let address = url::redact(&entry.url);
            reporter.say(&format!("...Unable to get an update from the {repository} chart repository ({address}):\n\t{error}"));
        }
    }
}

/// Removes repositories one by one, with their cached files.
pub fn remove(names: &[String], settings: &Settings, reporter: &dyn Reporter) -> Result<()> {
    let none = || Error::new(ErrorKind::Repository, "no repositories configured");
    if !fs::exists(&settings.repository_config) {
        return Err(none());
    }
    let _lock = fs::lock(&lock_path(&settings.repository_config), LOCK_PATIENCE)?;
    // Helm reports an unreadable file like one without repositories.
    let mut repositories = Repositories::load_or_empty(settings).unwrap_or_default();
    if repositories.entries.is_empty() {
        return Err(none());
    }
    for name in names {
        if !repositories.remove(name) {
            return Err(Error::new(ErrorKind::Repository, format!("no repo named {} found", quote(name))));
        }
        repositories.save(&settings.repository_config)?;
        update::forget(settings, name)?;
        reporter.say(&format!("{} has been removed from your repositories", quote(name)));
    }
    Ok(())
}

/// How `index` writes.
#[derive(Debug, Clone, Default)]
pub struct IndexOptions {
    /// The prefix of the archives' addresses.
    pub url: String,
    /// An index to merge entries from.
    pub merge: String,
    pub json: bool,
    /// Now, RFC 3339.
    pub now: String,
    /// Helm's cache folder, where facts about the archives are cached.
    pub cache_home: std::path::PathBuf,
}

/// Writes `folder/index.yaml` for the archives in `folder`.
pub fn index(folder: &Path, options: &IndexOptions, reporter: &dyn Reporter) -> Result<()> {
    let folder = fs::absolute(folder)?;
    let memory = folder_index::Memory::open(&options.cache_home, &folder)?;
    let found = memory.index(&folder, &options.url)?;
    let path = folder.join("index.yaml");
    if options.merge.is_empty() && !options.json {
        return found.write(&path, &options.now);
    }
    let mut index = found.to_index(&options.now)?;
    if !options.merge.is_empty() {
        let path = Path::new(&options.merge);
        if fs::exists(path) {
            let bytes = fs::read_limited(path, crate::repository::index::INDEX_LIMIT).map_err(|error| error.context("merge failed"))?;
            let other = Index::parse(&bytes, &options.merge, reporter);
            index.merge(other.map_err(|error| error.context(format!("merge failed: error loading {}", options.merge)))?);
        } else {
            let empty = Index { api_version: "v1".to_string(), generated: options.now.clone(), ..Index::default() };
            // Helm's index does not depend on whether this one can be made.
            let _ = write_index(&empty, path, options.json);
        }
    }
    index.sort();
    write_index(&index, &path, options.json)
}

fn write_index(index: &Index, path: &Path, json: bool) -> Result<()> {
    let text = if json { index.to_json()? } else { index.to_yaml()?.into_bytes() };
    fs::write_as(path, &text, fs::Mode::Exact(0o644))
}
