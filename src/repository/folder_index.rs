//! Builds the index of a folder of archives.
//!
//! Goes in: a folder, and facts from an earlier run about its archives (`memory`). Comes out: the text of index.yaml,
//! or the [`Index`] for further changes. All processors read archives in parallel; an archive whose size, times and
//! inode equal those of the earlier run is not read again, and its `entry` is not encoded again. Follows Helm's
//! `IndexDirectory`: `*.tgz` in the folder and one level below; files that are not charts are skipped.

mod entry;
mod memory;

use super::index::{Index, sort_versions};
use super::url;
use crate::chart::{Chart, Metadata, loader};
use crate::diagnostic::Notices;
use crate::error::Result;
use crate::fs::{self, Kind};
use crate::parallel;
use crate::yaml;
use entry::Entry;
use memory::{Facts, Known};
use std::borrow::Cow;
use std::collections::HashMap;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// How many archives a thread takes at a time.
const CHUNK: usize = 64;
/// Recent facts are kept in a separate file while they are fewer than this part of all.
const RECENT_PART: usize = 8;
/// The size of the write buffer for an index.
const BUFFER: usize = 64 << 10;

/// Facts from earlier runs about the archives of a folder.
#[derive(Debug, Default)]
pub struct Memory {
    file: Option<PathBuf>,
    whole: Vec<u8>,
    recent: Vec<u8>,
}

/// The archives of a folder that are charts, each with its address, in the order of their names.
#[derive(Debug)]
pub struct FolderIndex<'m> {
    entries: Vec<(Entry<'m>, String)>,
}

/// What is known about an archive.
enum Fact<'m> {
    /// The archive is gone, is not a file, or cannot be read.
    Nothing,
    /// As in the main memory file.
    Old(Known<'m>),
    /// As in the file of recent facts.
    Recent(Known<'m>),
    New(Known<'m>),
}

impl<'m> Fact<'m> {
    fn known(&self) -> Option<&Known<'m>> {
        match self {
            Fact::Nothing => None,
            Fact::Old(known) | Fact::Recent(known) | Fact::New(known) => Some(known),
        }
    }

    fn into_entry(self) -> Option<Entry<'m>> {
        match self {
            Fact::Nothing => None,
            Fact::Old(known) | Fact::Recent(known) | Fact::New(known) => known.entry,
        }
    }
}

impl Memory {
    /// The facts stored below Helm's cache folder about the archives in `folder`.
    pub fn open(cache_home: &Path, folder: &Path) -> Result<Memory> {
        let file = memory::file(cache_home, folder)?;
        Ok(Memory { whole: memory::read(&file), recent: memory::read(&recent(&file)), file: Some(file) })
    }

    /// Reads the archives of `folder` that changed and stores new facts; `base` is the value of `--url`.
    pub fn index(&self, folder: &Path, base: &str) -> Result<FolderIndex<'_>> {
        let archives = archives(folder)?;
        let whole = Facts::new(&self.whole);
        let facts = look(folder, &archives, whole, Facts::new(&self.recent))?;
        // If the memory cannot be written, the next run is only slower.
        let _ = self.keep(&archives, &facts, whole.len());
        let entries = archives.into_iter().zip(facts).filter_map(|(name, fact)| Some((fact.into_entry()?, address(base, name))));
        Ok(FolderIndex { entries: entries.collect() })
    }

    /// Saves new facts. If few changed, only those are written, to the file of recent ones; otherwise the main file is rewritten.
    fn keep(&self, archives: &[String], facts: &[Fact<'_>], whole: usize) -> Result<()> {
        let Some(file) = &self.file else { return Ok(()) };
        let names = || archives.iter().map(String::as_str).zip(facts);
        // A few obsolete entries do no harm.
        let much_is_gone = whole / 2 > archives.len();
        if !much_is_gone && !facts.iter().any(|fact| matches!(fact, Fact::New(_))) {
            return Ok(());
        }
        let mut later: Vec<_> =
            names().filter(|(_, fact)| !matches!(fact, Fact::Old(_))).filter_map(|(name, fact)| Some((name, fact.known()?))).collect();
        if !much_is_gone && later.len() <= whole / RECENT_PART {
            return memory::remember(&recent(file), &mut later);
        }
        let mut all: Vec<_> = names().filter_map(|(name, fact)| Some((name, fact.known()?))).collect();
        memory::remember(file, &mut all)?;
        match self.recent.is_empty() {
            true => Ok(()),
            false => fs::remove_file(&recent(file)),
        }
    }
}

/// The file of recent facts, next to the main memory file.
fn recent(file: &Path) -> PathBuf {
    file.with_extension("recent")
}

impl FolderIndex<'_> {
    /// Writes index.yaml to `path`; `now` is the time stamp of the index and its entries.
    pub fn write(&self, path: &Path, now: &str) -> Result<()> {
        match self.plan(now) {
            Some(plan) => {
                let failed = |error| fs::fault("write", path, &error);
                let mut file = BufWriter::with_capacity(BUFFER, fs::Replacement::new(path, fs::Mode::Exact(0o644))?);
                plan.write(&mut file).map_err(failed)?;
                file.into_inner().map_err(|error| failed(error.into_error()))?.finish()
            }
            None => fs::write_as(path, self.encoded(now)?.as_bytes(), fs::Mode::Exact(0o644)),
        }
    }

    /// The index with its versions in the order of the archives.
    pub fn to_index(&self, now: &str) -> Result<Index> {
        let mut index = Index { api_version: "v1".to_string(), generated: now.to_string(), ..Index::default() };
        for (entry, address) in &self.entries {
            if let Some(version) = entry.decode(now, address.clone())? {
                index.entries.entry(entry.chart().to_string()).or_default().push(version);
            }
        }
        Ok(index)
    }

    fn encoded(&self, now: &str) -> Result<String> {
        let mut index = self.to_index(now)?;
        index.sort();
        index.to_yaml()
    }

    /// The plan to assemble index.yaml from the entries' stored texts; `None` if one of them cannot be used unchanged.
    fn plan(&self, now: &str) -> Option<Plan<'_>> {
        let mut places: HashMap<&str, usize, ahash::RandomState> = HashMap::default();
        let mut charts: Vec<(&str, Vec<(&Entry<'_>, Cow<'_, str>)>)> = Vec::new();
        for (entry, address) in &self.entries {
            if entry.key().is_empty() {
                return None;
            }
            let place = *places.entry(entry.chart()).or_insert(charts.len());
            if place == charts.len() {
                charts.push((entry.chart(), Vec::new()));
            }
            charts.get_mut(place)?.1.push((entry, entry::scalar(address)?));
        }
        if charts.is_empty() {
            return None;
        }
        charts.sort_by(|a, b| yaml::compare_keys(a.0, b.0, yaml::Style::Bridge));
        for (_, versions) in &mut charts {
            sort_versions(versions, |(entry, _)| entry.version());
        }
        Some(Plan { now: entry::scalar(now)?.into_owned(), charts })
    }
}

/// The entries in the order of index.yaml, with the values that differ between runs.
struct Plan<'c> {
    now: String,
    charts: Vec<(&'c str, Vec<(&'c Entry<'c>, Cow<'c, str>)>)>,
}

impl Plan<'_> {
    fn write(&self, sink: &mut impl Write) -> std::io::Result<()> {
        let created = ["    created: ", &self.now, "\n"].concat();
        sink.write_all(b"apiVersion: v1\nentries:\n")?;
        for (_, versions) in &self.charts {
            sink.write_all(versions.first().map_or("", |(entry, _)| entry.key()).as_bytes())?;
            for (entry, address) in versions {
                for part in [entry.head(), &created, entry.middle(), "    urls:\n    - ", address, "\n", entry.tail()] {
                    sink.write_all(part.as_bytes())?;
                }
            }
        }
        sink.write_all(["generated: ", &self.now, "\n"].concat().as_bytes())
    }
}

/// The address of an archive: its name, below `base` if there is one.
fn address(base: &str, name: String) -> String {
    if base.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_')) {
        // The shortest way for the most usual names.
        return name;
    }
    let (parent, file) = name.rsplit_once('/').unwrap_or(("", &name));
    let parent = url::join_path(base, parent).unwrap_or_else(|| url::join_plain(base, parent));
    match parent.is_empty() {
        true => file.to_string(),
        false => url::join_path(&parent, file).unwrap_or_else(|| url::join_plain(&parent, file)),
    }
}

/// The `*.tgz` of the folder, then those of its subfolders, as relative paths, sorted by name.
fn archives(folder: &Path) -> Result<Vec<String>> {
    let mut found = Vec::new();
    let mut below = Vec::new();
    if !fs::is_folder(folder) {
        return Ok(found);
    }
    for (name, kind) in fs::entries(folder)? {
        let name = name.into_string().unwrap_or_else(|name| name.to_string_lossy().into_owned());
        if kind == Kind::Folder || (kind == Kind::Link && fs::is_folder(&folder.join(&name))) {
            // Folders that are being written are skipped, and unreadable ones are ignored as by Go's `Glob`.
            let names = if name.starts_with(fs::UNFINISHED) { Vec::new() } else { fs::names(&folder.join(&name)).unwrap_or_default() };
            for inner in names {
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

/// The facts about each archive, read again where needed.
fn look<'m>(folder: &Path, archives: &[String], whole: Facts<'m>, recent: Facts<'m>) -> Result<Vec<Fact<'m>>> {
    let mut facts = Vec::new();
    facts.resize_with(archives.len(), || Fact::Nothing);
    if archives.is_empty() {
        return Ok(facts);
    }
    let opened = fs::Folder::open(folder)?;
    let chunks = Mutex::new(archives.chunks(CHUNK).zip(facts.chunks_mut(CHUNK)));
    let work = || {
        let (mut in_whole, mut in_recent) = (0, 0);
        let mut bytes = Vec::new();
        loop {
            let chunk = chunks.lock().unwrap_or_else(PoisonError::into_inner).next();
            let Some((names, slots)) = chunk else { return };
            for (name, slot) in names.iter().zip(slots) {
                let Some(stamp) = opened.stamp(name) else { continue };
                let is_same = |known: &Known<'_>| known.stamp == stamp;
                *slot = if let Some(known) = recent.get(name, &mut in_recent).filter(is_same) {
                    Fact::Recent(known)
                } else if let Some(known) = whole.get(name, &mut in_whole).filter(is_same) {
                    Fact::Old(known)
                } else {
                    match opened.read(name.as_ref(), stamp.0, &mut bytes) {
                        Ok(()) => Fact::New(Known { stamp, entry: entry_of(&bytes) }),
                        // Not recorded: permissions may change later while the file stays the same.
                        Err(_) => continue,
                    }
                };
            }
        }
    };
    // A few archives are read before another thread could start.
    let threads = if archives.len() < 8 { 1 } else { parallel::threads(archives.len()) };
    parallel::run(threads, work);
    Ok(facts)
}

/// The metadata that an index states for a chart.
pub fn indexed(chart: &Chart) -> Result<Metadata> {
    let mut metadata = (*chart.metadata).clone();
    if metadata.api_version.is_empty() {
        metadata.api_version = "v1".to_string();
    }
    metadata.validate()?;
    Ok(metadata)
}

/// The metadata that an index states for an archive; an error if it is not a valid chart.
pub fn indexed_archive(archive: &[u8]) -> Result<Metadata> {
    indexed(&loader::load_archive_of_any_version(archive, &mut Notices::new())?)
}

fn entry_of(archive: &[u8]) -> Option<Entry<'static>> {
    Entry::new(indexed_archive(archive).ok()?, crate::package::digest::sha256_hex(archive)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(chart_file: &str) -> Entry<'static> {
        let mut metadata = Metadata::parse(chart_file.as_bytes()).expect("metadata");
        metadata.validate().expect("it is valid");
        Entry::new(metadata, "0123".repeat(16)).expect("an entry")
    }

    fn copied(index: &FolderIndex<'_>, now: &str) -> Option<String> {
        let mut text = Vec::new();
        index.plan(now)?.write(&mut text).expect("a Vec takes all");
        Some(String::from_utf8(text).expect("it is text"))
    }

    /// Assembling stored texts gives the same as encoding the whole index.
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
        let of_folder = FolderIndex { entries };
        let mut index = of_folder.to_index(now).expect("an index");
        index.sort();
        assert_eq!(copied(&of_folder, now).expect("they can be copied"), index.to_yaml().expect("a text"));
        assert_eq!(index.entries.values().flatten().count(), charts.len());
    }

    #[test]
    fn what_cannot_be_cut_is_encoded() {
        let name = "n".repeat(200);
        let entries = vec![(entry(&format!("apiVersion: v2\nname: {name}\nversion: 1.0.0\n")), "a.tgz".to_string())];
        let index = FolderIndex { entries };
        assert_eq!(copied(&index, "2026-01-02T03:04:05Z"), None);
        let text = index.encoded("2026-01-02T03:04:05Z").expect("a text");
        assert!(text.contains(&format!("? {name}\n")) && text.contains("- a.tgz\n") && text.contains("created: \"2026-01-02"), "{text}");
        let odd = FolderIndex { entries: vec![(entry("apiVersion: v2\nname: a\nversion: 1.0.0\n"), "a b.tgz".to_string())] };
        assert_eq!(copied(&odd, "2026-01-02T03:04:05Z"), None);
        assert!(odd.encoded("2026-01-02T03:04:05Z").expect("a text").contains("    - a b.tgz\n"));
        let none = FolderIndex { entries: Vec::new() };
        assert!(none.encoded("2026-01-02T03:04:05Z").expect("a text").contains("entries: {}\n"));
    }

    fn put(folder: &Path, name: &str, version: &str) {
        let text = format!("apiVersion: v2\nname: web\nversion: {version}\n");
        let file = crate::chart::File { name: "Chart.yaml".into(), data: text.as_bytes().into(), modified: Some(0) };
        let chart = loader::from_files(vec![file], &mut Notices::new()).expect("a chart");
        fs::write(&folder.join(name), &crate::package::archive::to_bytes(&chart, None).expect("an archive")).expect("written");
    }

    /// Helm's loader for `repo index` does not check the apiVersion.
    #[test]
    fn charts_of_any_api_version_are_taken_in() {
        let file = crate::chart::File {
            name: "Chart.yaml".into(),
            data: b"apiVersion: v3\nname: web\nversion: 1.0.0\n".as_slice().into(),
            modified: Some(0),
        };
        let chart = loader::from_files(vec![file], &mut Notices::new()).expect("a chart");
        assert!(entry_of(&crate::package::archive::to_bytes(&chart, None).expect("an archive")).is_some());
    }

    #[test]
    fn what_is_being_written_is_not_taken_in() {
        let top = tempfile::tempdir().expect("a folder");
        for name in ["inner", ".rutter-charts-7"] {
            fs::create_folders(&top.path().join(name)).expect("a folder");
            put(&top.path().join(name), "web-1.0.0.tgz", "1.0.0");
        }
        put(top.path(), "web-2.0.0.tgz", "2.0.0");
        assert_eq!(archives(top.path()).expect("names"), ["web-2.0.0.tgz", "inner/web-1.0.0.tgz"]);
    }

    /// A new archive is stored in the file of recent facts; the index does not depend on where a fact is stored.
    #[test]
    fn what_came_later_is_kept_apart_until_it_is_much() {
        let top = tempfile::tempdir().expect("a folder");
        let (folder, cache) = (top.path().join("charts"), top.path().join("cache"));
        fs::create_folders(&folder).expect("made");
        let file = memory::file(&cache, &folder).expect("a name");
        let bytes = |file: &Path| fs::read(file).ok();
        let run = || {
            let path = folder.join("index.yaml");
            let memory = Memory::open(&cache, &folder).expect("a memory");
            memory.index(&folder, "").expect("an index").write(&path, "2026-01-02T03:04:05Z").expect("written");
            let afresh = Memory::default();
            let encoded = afresh.index(&folder, "").expect("an index").encoded("2026-01-02T03:04:05Z").expect("a text");
            assert_eq!(String::from_utf8(fs::read(&path).expect("an index")).expect("text"), encoded);
        };
        for number in 0..20 {
            put(&folder, &format!("web-{number}.tgz"), &format!("{number}.0.0"));
        }
        fs::write(&folder.join("odd.tgz"), b"no chart").expect("written");
        run();
        let first = bytes(&file).expect("the whole");
        assert_eq!(bytes(&recent(&file)), None);
        put(&folder, "more.tgz", "0.1.0");
        run();
        let later = bytes(&recent(&file)).expect("what came later");
        assert_eq!((bytes(&file).as_ref(), Facts::new(&later).len()), (Some(&first), 1));
        // A changed archive counts as recent, no longer as before.
        put(&folder, "web-3.tgz", "3.3.3");
        run();
        assert_eq!(bytes(&recent(&file)).map(|bytes| Facts::new(&bytes).len()), Some(2));
        assert_eq!(bytes(&file).as_ref(), Some(&first));
        // Nothing new: nothing is written, and both files are used.
        let memory = Memory::open(&cache, &folder).expect("a memory");
        let names = archives(&folder).expect("names");
        let facts = look(&folder, &names, Facts::new(&memory.whole), Facts::new(&memory.recent)).expect("facts");
        let count = |wanted: fn(&Fact<'_>) -> bool| facts.iter().filter(|fact| wanted(fact)).count();
        assert_eq!((count(|fact| matches!(fact, Fact::Old(_))), count(|fact| matches!(fact, Fact::Recent(_)))), (20, 2));
        for number in 20..24 {
            put(&folder, &format!("web-{number}.tgz"), &format!("{number}.0.0"));
        }
        run();
        assert_eq!((bytes(&file).map(|bytes| Facts::new(&bytes).len()), bytes(&recent(&file))), (Some(26), None));
        for number in 0..20 {
            fs::remove_file(&folder.join(format!("web-{number}.tgz"))).expect("removed");
        }
        run();
        assert_eq!(bytes(&file).map(|bytes| Facts::new(&bytes).len()), Some(6));
    }
}
