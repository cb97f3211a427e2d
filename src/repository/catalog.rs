//! The index of a folder of archives.
//!
//! Goes in: a folder, and what an earlier run found out about its archives (`memory`). Comes out: the text of index.yaml, or
//! the [`Index`] where more is to be done with it. Archives are read by all processors at once; one whose size, times and
//! inode are those of the earlier run is not read again, and its `entry` is not encoded again. Follows Helm's
//! `IndexDirectory`: `*.tgz` in the folder and one level below, what is no chart is passed over.

mod entry;
mod memory;

use super::index::{Index, sort_versions};
use super::url;
use crate::chart::loader;
use crate::diagnostic::Notices;
use crate::error::Result;
use crate::fs::{self, Kind};
use crate::yaml;
use entry::Entry;
use memory::Known;
use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

/// What was found out about the archives of a folder before.
#[derive(Debug, Default)]
pub struct Memory {
    file: Option<PathBuf>,
    text: String,
}

/// The archives of a folder that are charts, each with its address, in the order of their names.
#[derive(Debug)]
pub struct Catalog<'m> {
    entries: Vec<(Entry<'m>, String)>,
}

impl Memory {
    /// What is kept below Helm's cache folder of the archives in `folder`.
    pub fn open(cache_home: &Path, folder: &Path) -> Result<Memory> {
        let file = memory::file(cache_home, folder)?;
        Ok(Memory { text: memory::read(&file), file: Some(file) })
    }

    /// Looks at the archives of `folder` and keeps what is new; `base` is what `--url` gives.
    pub fn catalog(&self, folder: &Path, base: &str) -> Result<Catalog<'_>> {
        let archives = archives(folder)?;
        let known = memory::recall(&self.text);
        let facts = look(folder, &archives, &known);
        let is_known = |(name, fact): (&String, &Option<Known<'_>>)| {
            fact.as_ref().is_none_or(|fact| known.get(name.as_str()).is_some_and(|known| known.stamp == fact.stamp))
        };
        let same = known.len() == archives.len() && archives.iter().zip(&facts).all(is_known);
        if let Some(file) = self.file.as_deref().filter(|_| !same) {
            let facts = archives.iter().zip(&facts).filter_map(|(name, fact)| Some((name.as_str(), fact.as_ref()?)));
            // A memory that cannot be written costs time, nothing else.
            let _ = memory::remember(file, facts);
        }
        let entries = archives.iter().zip(facts).filter_map(|(name, fact)| Some((fact?.entry?, address(base, name))));
        Ok(Catalog { entries: entries.collect() })
    }
}

impl Catalog<'_> {
    /// The text of index.yaml; `now` is the time that it and its entries are stamped with.
    pub fn to_yaml(&self, now: &str) -> Result<String> {
        match self.copied_together(now) {
            Some(text) => Ok(text),
            None => {
                let mut index = self.to_index(now)?;
                index.sort();
                index.to_yaml()
            }
        }
    }

    /// The index with its versions in the order of the archives.
    pub fn to_index(&self, now: &str) -> Result<Index> {
        let mut index = Index { api_version: "v1".to_string(), generated: now.to_string(), ..Index::default() };
        for (entry, address) in &self.entries {
            if let Some(version) = entry.decode(now, address.clone())? {
                index.entries.entry(entry.chart.to_string()).or_default().push(version);
            }
        }
        Ok(index)
    }

    /// The text of index.yaml out of the entries' own texts; `None` when one of them cannot be taken as it is.
    fn copied_together(&self, now: &str) -> Option<String> {
        let now = entry::scalar(now)?;
        let mut charts: BTreeMap<&str, Vec<(&Entry<'_>, String)>> = BTreeMap::new();
        for (entry, address) in &self.entries {
            if entry.key.is_empty() {
                return None;
            }
            charts.entry(&entry.chart).or_default().push((entry, entry::scalar(address)?));
        }
        let mut charts: Vec<_> = charts.into_iter().collect();
        charts.sort_by(|a, b| yaml::compare_keys(a.0, b.0, yaml::Style::Bridge));
        let (_, first) = charts.first()?;
        let guess = first.first().map_or(0, |(entry, address)| entry.head.len() + entry.middle.len() + address.len() + 200);
        let mut text = String::with_capacity(guess * self.entries.len());
        text.push_str("apiVersion: v1\nentries:\n");
        for (_, mut versions) in charts {
            sort_versions(&mut versions, |(entry, _)| &entry.version);
            text.push_str(versions.first().map_or("", |(entry, _)| &entry.key));
            for (entry, address) in versions {
                for part in [&entry.head, "    created: ", &now, "\n", &entry.middle, "    urls:\n    - ", &address, "\n", &entry.tail] {
                    text.push_str(part);
                }
            }
        }
        text.push_str(&format!("generated: {now}\n"));
        Some(text)
    }
}

/// Where an archive can be had: its name, below `base` if there is one.
fn address(base: &str, name: &str) -> String {
    let (parent, file) = name.rsplit_once('/').unwrap_or(("", name));
    let parent = url::join_path(base, parent).unwrap_or_else(|| url::join_plain(base, parent));
    match parent.is_empty() {
        true => file.to_string(),
        false => url::join_path(&parent, &url::escape_path(file)).unwrap_or_else(|| url::join_plain(&parent, file)),
    }
}

/// `*.tgz` of the folder, then of the folders in it, names sorted, relative to it.
fn archives(folder: &Path) -> Result<Vec<String>> {
    let mut found = Vec::new();
    let mut below = Vec::new();
    if !fs::is_folder(folder) {
        return Ok(found);
    }
    for (name, kind) in fs::entries(folder)? {
        let name = name.to_string_lossy().into_owned();
        if kind == Kind::Folder || (kind == Kind::Link && fs::is_folder(&folder.join(&name))) {
            for inner in fs::names(&folder.join(&name))? {
                let inner = inner.to_string_lossy();
                if inner.ends_with(".tgz") {
                    below.push(format!("{name}/{inner}"));
                }
            }
        }
        if name.ends_with(".tgz") {
            found.push(name);
        }
    }
    found.append(&mut below);
    Ok(found)
}

/// What is known of each archive, read anew where needed; `None` for what is gone or no file.
fn look<'m>(folder: &Path, archives: &[String], known: &HashMap<&str, Known<'m>>) -> Vec<Option<Known<'m>>> {
    let facts: Vec<Mutex<Option<Known<'m>>>> = archives.iter().map(|_| Mutex::new(None)).collect();
    let next = AtomicUsize::new(0);
    let work = || {
        while let Some((name, slot)) = {
            let at = next.fetch_add(1, Ordering::Relaxed);
            archives.get(at).zip(facts.get(at))
        } {
            let path = folder.join(name);
            let Some(stamp) = fs::stamp(&path) else { continue };
            let fact = match known.get(name.as_str()) {
                Some(known) if known.stamp == stamp => known.clone(),
                _ => Known { stamp, entry: read(&path) },
            };
            if let Ok(mut slot) = slot.lock() {
                *slot = Some(fact);
            }
        }
    };
    let threads = if archives.len() < 8 { 1 } else { std::thread::available_parallelism().map_or(1, usize::from).min(16) };
    std::thread::scope(|scope| {
        for _ in 1..threads {
            scope.spawn(work);
        }
        work();
    });
    facts.into_iter().map(|slot| slot.into_inner().unwrap_or_default()).collect()
}

/// The entry of an archive; `None` when it is no valid chart.
fn read(path: &Path) -> Option<Entry<'static>> {
    let bytes = fs::read(path).ok()?;
    let chart = loader::load_archive(&bytes, &mut Notices::new()).ok()?;
    let mut metadata = (*chart.metadata).clone();
    if metadata.api_version.is_empty() {
        metadata.api_version = "v1".to_string();
    }
    metadata.validate().ok()?;
    Entry::new(metadata, crate::package::digest::sha256(&bytes)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chart::Metadata;

    fn entry(chart_file: &str) -> Entry<'static> {
        let mut metadata = Metadata::parse(chart_file.as_bytes()).expect("metadata");
        metadata.validate().expect("it is valid");
        Entry::new(metadata, "0123".repeat(16)).expect("an entry")
    }

    /// What is copied together is what encoding the whole index gives.
    #[test]
    fn both_ways_give_the_same_text() {
        let long = "a word and another ".repeat(20);
        let charts = [
            "apiVersion: v2\nname: web\nversion: 1.0.0\n".to_string(),
            "apiVersion: v2\nname: web\nversion: 2.0.0-rc.1+b\nappVersion: '1.10'\ndeprecated: true\n".to_string(),
            "apiVersion: v2\nname: web\nversion: 10.0.0\n".to_string(),
            "apiVersion: v2\nname: web10\nversion: v2.1\n".to_string(),
            "apiVersion: v2\nname: web9\nversion: 1.0.0\nkeywords: [a, 'no', '']\nmaintainers: [{name: ä, email: a@b.c}]\n".to_string(),
            "apiVersion: v1\nname: 'true'\nversion: 1.0.0\nhome: 'x: y'\nicon: '# z'\n".to_string(),
            format!("apiVersion: v2\nname: folded\nversion: 1.0.0\ndescription: '{long}'\n"),
            "apiVersion: v2\nname: trap\nversion: 1.0.0\ndescription: |\n  text\n      created: \"2000-01-01T00:00:00Z\"\n      urls:\n      - x\nannotations:\n  created: \"2000-01-01T00:00:00Z\"\n  urls: x\n  k: |\n    a\n\n    b\n".to_string(),
            "apiVersion: v2\nname: parts\nversion: 1.0.0\ndependencies: [{name: a, version: '1', repository: '@b', import-values: [c, {child: d, parent: e}]}]\n".to_string(),
        ];
        let now = "2026-01-02T03:04:05.678901234Z";
        let entries: Vec<(Entry<'static>, String)> =
            charts.iter().enumerate().map(|(at, chart)| (entry(chart), format!("https://host/{at}%20a.tgz?x=1#y"))).collect();
        let catalog = Catalog { entries };
        let mut index = catalog.to_index(now).expect("an index");
        index.sort();
        assert_eq!(catalog.copied_together(now).expect("they can be copied"), index.to_yaml().expect("a text"));
        assert_eq!(index.entries.values().flatten().count(), charts.len());
    }

    #[test]
    fn what_cannot_be_cut_is_encoded() {
        let name = "n".repeat(200);
        let entries = vec![(entry(&format!("apiVersion: v2\nname: {name}\nversion: 1.0.0\n")), "a.tgz".to_string())];
        let catalog = Catalog { entries };
        assert_eq!(catalog.copied_together("2026-01-02T03:04:05Z"), None);
        let text = catalog.to_yaml("2026-01-02T03:04:05Z").expect("a text");
        assert!(text.contains(&format!("? {name}\n")) && text.contains("- a.tgz\n") && text.contains("created: \"2026-01-02"), "{text}");
        let odd = Catalog { entries: vec![(entry("apiVersion: v2\nname: a\nversion: 1.0.0\n"), "a b.tgz".to_string())] };
        assert_eq!(odd.copied_together("2026-01-02T03:04:05Z"), None);
        assert!(odd.to_yaml("2026-01-02T03:04:05Z").expect("a text").contains("    - a b.tgz\n"));
        let none = Catalog { entries: Vec::new() };
        assert!(none.to_yaml("2026-01-02T03:04:05Z").expect("a text").contains("entries: {}\n"));
    }
}
