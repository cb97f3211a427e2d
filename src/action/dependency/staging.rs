//! Archives prepared next to `charts/` and moved there when all of them are ready.
//!
//! Goes in: a chart's folder, the required archives. Comes out: `charts/` with them and without archives that no dependency requires any
//! more. A killed run leaves its staging folder; the next run removes it. Matches `safeMoveDeps` of Helm's
//! `pkg/downloader/manager.go`.

use crate::chart::{Dependency, loader};
use crate::diagnostic::Notices;
use crate::error::Result;
use crate::fs;
use crate::package::digest::sha256_hex;
use crate::repository::Reporter;
use std::collections::HashSet;
use std::path::{Path, PathBuf};

/// A private folder inside the chart's folder, under a name that charts never include, removed on drop.
/// Creating one first removes what processes that have ended left behind, including Helm's `tmpcharts-PID`.
pub(super) struct Staging {
    pub(super) path: PathBuf,
}

impl Staging {
    /// `now` in seconds since 1970; without it nothing counts as old.
    pub(super) fn new(folder: &Path, charts: &Path, now: Option<i64>) -> Result<Staging> {
        let (own, here) = (format!("{}charts-", fs::UNFINISHED), process_space());
        sweep_files(folder, now)?;
        sweep_files(charts, now)?;
        for name in fs::names(folder)? {
            let name = name.to_string_lossy();
            let Some(process) = name.strip_prefix(&own).or_else(|| name.strip_prefix("tmpcharts-")) else { continue };
            let (process, place) = process.split_once('-').unwrap_or((process, ""));
            let Ok(process) = process.parse::<u32>() else { continue };
            // A number says something only among processes that see each other, and nothing if it is our own: that may be another thread's.
            // Where a volume is shared, the folder may be of another machine or container; Helm's does not say. Then age counts.
            let is_helms = !name.starts_with(&own);
            let is_known = process != std::process::id() && !here.is_empty() && (is_helms || place.starts_with(&here));
            let may_run = is_known && !has_ended(process);
            if !may_run && (is_known && !is_helms || is_old(&folder.join(&*name), now)) {
                fs::remove_folder(&folder.join(&*name))?;
            }
        }
        let named = folder.join(format!("{own}{}-{here}", std::process::id()));
        let mut path = named.clone();
        for number in 2.. {
            if fs::lstat(&path).is_err() {
                break;
            }
            path = fs::with_suffix(&named, &format!("-{number}"));
        }
        fs::create_folders(&path)?;
        Ok(Staging { path })
    }
}

/// Removes files that a killed run left unfinished.
fn sweep_files(folder: &Path, now: Option<i64>) -> Result<()> {
    for name in fs::names(folder)? {
        let is_unfinished = name.to_str().is_some_and(|name| name.starts_with(fs::UNFINISHED) && name.ends_with(".part"));
        if is_unfinished && is_old(&folder.join(&name), now) {
            // An error is ignored, since another run may have removed it already.
            let _ = fs::remove_file(&folder.join(&name));
        }
    }
    Ok(())
}

/// Whether a file or folder is older than any write could take.
fn is_old(path: &Path, now: Option<i64>) -> bool {
    now.is_some_and(|now| fs::lstat(path).is_ok_and(|about| now.saturating_sub(about.modified) > fs::UNFINISHED_AGE))
}

/// A name for the processes that see each other: those of one container, since the machine was started. Empty where it is not known,
/// where `/proc` is that of others (our number is another one there), and where it hides processes (`hidepid`): the first is always there.
pub(super) fn process_space() -> String {
    let is_own = fs::read_link(Path::new("/proc/self")).is_ok_and(|own| own == Path::new(&std::process::id().to_string()));
    if !is_own || !fs::exists(Path::new("/proc/1")) {
        return String::new();
    }
    let started = fs::read_limited(Path::new("/proc/sys/kernel/random/boot_id"), 100);
    let (Ok(started), Ok(space)) = (started, fs::read_link(Path::new("/proc/self/ns/pid"))) else { return String::new() };
    let digest = sha256_hex(&[&started, space.to_string_lossy().as_bytes()].concat());
    digest.get(..8).unwrap_or_default().to_string()
}

/// Whether no process has this number; says nothing where `process_space` is empty.
fn has_ended(process: u32) -> bool {
    !fs::exists(Path::new(&format!("/proc/{process}")))
}

impl Drop for Staging {
    fn drop(&mut self) {
        // If this fails, a later run removes it.
        let _ = fs::remove_folder(&self.path);
    }
}

/// Moves the files in `staging` into `charts/`, then removes archives that no dependency requires; files named in
/// `wanted` stay. Files that are not charts are not moved; the archives in `packed` were made here and need no check.
pub(super) fn move_charts(
    locked: &[Dependency],
    wanted: &HashSet<&str>,
    packed: &HashSet<String>,
    staging: &Path,
    charts: &Path,
    reporter: &dyn Reporter,
) -> Result<()> {
    let mut ready = fs::names(staging)?;
    ready.sort();
    let before = fs::names(charts)?;
    let mut skipped = String::new();
    for name in &ready {
        let path = staging.join(name);
        if name.to_str().is_none_or(|name| !packed.contains(name))
            && let Err(error) = loader::load_any_version(&path, &mut Notices::new())
        {
            // Shown under the name of Helm's folder and without a line end, as Helm prints it.
            let shown = charts.with_file_name(format!("tmpcharts-{}", std::process::id())).join(name).display().to_string();
            let fault = error.to_string().replace(&path.display().to_string(), &shown);
            skipped.push_str(&format!("Could not verify {shown} for moving: {fault} (Skipping)"));
            continue;
        }
        fs::move_file(&path, &charts.join(name))?;
    }
    reporter.say(&format!("{skipped}Deleting outdated charts"));
    let vendored: HashSet<&str> =
        locked.iter().filter(|dependency| dependency.repository.is_empty()).map(|dependency| dependency.name.as_str()).collect();
    for name in before {
        let path = charts.join(&name);
        // Another run may be writing it.
        let is_unfinished = name.to_string_lossy().starts_with(fs::UNFINISHED);
        if is_unfinished || ready.contains(&name) || name.to_str().is_some_and(|name| wanted.contains(name)) || fs::is_folder(&path) {
            continue;
        }
        match loader::load(&path, &mut Notices::new()) {
            Err(error) => reporter.say(&format!("Could not verify {} for deletion: {error} (Skipping)", path.display())),
            Ok(chart) if vendored.contains(chart.name()) => {}
            Ok(_) => {
                if let Err(error) = fs::remove_file(&path) {
                    reporter.say(&format!("Could not delete {}: {error} (Skipping)", path.display()));
                }
            }
        }
    }
    Ok(())
}
