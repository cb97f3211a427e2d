//! Files that were parsed while others were still being read.
//!
//! Goes in: files, on the thread that read them. Comes out: their metadata and values, for putting the chart together. Reading
//! hundreds of small files keeps all cores busy, and unpacking an archive one; parsing meanwhile leaves less for the single thread
//! that follows. Files that do not parse are left: their faults are reported in their turn.

use crate::chart::{File, Metadata};
use crate::data::Map;
use crate::yaml;
use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

/// The parsed content of a file.
pub(super) enum Parsed {
    Metadata(Box<Metadata>),
    Values(Arc<Map>),
}

/// Parsed files by the address of their bytes, which stays the same while the file exists.
#[derive(Default)]
pub(super) struct Ready(HashMap<*const u8, Parsed, ahash::RandomState>);

impl Ready {
    pub(super) fn add(&mut self, file: &File, parsed: Parsed) {
        self.0.insert(file.data.as_ptr(), parsed);
    }

    /// Takes out the metadata parsed from a Chart.yaml.
    pub(super) fn metadata(&mut self, file: &File) -> Option<Metadata> {
        match self.0.remove(&file.data.as_ptr())? {
            Parsed::Metadata(metadata) => Some(*metadata),
            Parsed::Values(_) => None,
        }
    }

    /// Takes out the values parsed from a values.yaml.
    pub(super) fn values(&mut self, file: &File) -> Option<Arc<Map>> {
        match self.0.remove(&file.data.as_ptr())? {
            Parsed::Values(values) => Some(values),
            Parsed::Metadata(_) => None,
        }
    }
}

/// Files for several threads to parse, first come first served.
#[derive(Default)]
pub(super) struct Parsing {
    work: Mutex<Work>,
    changed: Condvar,
}

#[derive(Default)]
struct Work {
    waiting: VecDeque<File>,
    /// How many are being parsed.
    running: usize,
    parsed: Vec<(File, Parsed)>,
}

/// Marks a file as no longer being parsed when dropped, even after a panic.
struct Running<'a>(&'a Parsing);

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.0.lock().running -= 1;
        self.0.changed.notify_all();
    }
}

impl Parsing {
    fn lock(&self) -> MutexGuard<'_, Work> {
        self.work.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn add(&self, file: File) {
        self.lock().waiting.push_back(file);
    }

    /// Parses the next waiting file, if there is one.
    pub(super) fn parse_next(&self) {
        let mut work = self.lock();
        let Some(file) = work.waiting.pop_front() else { return };
        work.running += 1;
        drop(work);
        let running = Running(self);
        if let Some(parsed) = parse(&file) {
            self.lock().parsed.push((file, parsed));
        }
        drop(running);
    }

    /// Parses the files that still wait, and waits for those that other threads are parsing.
    pub(super) fn finish(&self) -> Ready {
        while !self.lock().waiting.is_empty() {
            self.parse_next();
        }
        let mut work = self.lock();
        while work.running > 0 {
            work = self.changed.wait(work).unwrap_or_else(PoisonError::into_inner);
        }
        let mut ready = Ready::default();
        for (file, parsed) in work.parsed.drain(..) {
            ready.add(&file, parsed);
        }
        ready
    }
}

/// Whether [`parse`] reads a file of this name.
pub(super) fn is_parsed(name: &str) -> bool {
    matches!(base_in_chart(name), Some("Chart.yaml" | "values.yaml"))
}

/// Whether a file of this name defines a chart or one of its subcharts; of other files a chart only holds the bytes.
pub(super) fn makes_charts(name: &str) -> bool {
    let below = below_chart(name);
    below.is_empty()
        || matches!(below, "Chart.yaml" | "Chart.lock" | "values.yaml" | "values.schema.json" | "requirements.yaml" | "requirements.lock")
}

/// Parses the file if it defines a chart; names are from the top chart's folder.
pub(super) fn parse(file: &File) -> Option<Parsed> {
    match base_in_chart(&file.name)? {
        "Chart.yaml" => Metadata::parse(&file.data).ok().map(|metadata| Parsed::Metadata(Box::new(metadata))),
        "values.yaml" => yaml::parse_values(&file.data).ok().map(Parsed::Values),
        _ => None,
    }
}

/// The name of a file that lies directly in the folder of a chart or of a subchart in `charts/`.
pub(super) fn base_in_chart(name: &str) -> Option<&str> {
    Some(below_chart(name)).filter(|name| !name.contains('/') && !name.is_empty())
}

/// The name of a file from the folder of the innermost chart that contains it; empty for entries of `charts/` itself.
pub(super) fn below_chart(name: &str) -> &str {
    let mut rest = name;
    while let Some(below) = rest.strip_prefix("charts/") {
        rest = below.split_once('/').map_or("", |parts| parts.1);
    }
    rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_file_is_parsed_once_by_whoever_comes() {
        let parsing = Parsing::default();
        let files: Vec<File> = (0..8).map(|at| file(&format!("charts/c{at}/values.yaml"), &format!("at: t{at}"))).collect();
        files.iter().chain([&file("values.yaml", "a: b: c")]).for_each(|file| parsing.add(file.clone()));
        let mut ready = std::thread::scope(|scope| {
            scope.spawn(|| (0..3).for_each(|_| parsing.parse_next()));
            parsing.finish()
        });
        assert_eq!(ready.0.len(), files.len());
        for (at, file) in files.iter().enumerate() {
            assert_eq!(ready.values(file).unwrap().get("at").and_then(crate::data::Data::as_str), Some(&*format!("t{at}")));
        }
        parsing.parse_next();
        assert!(parsing.finish().0.is_empty());
    }

    fn file(name: &str, text: &str) -> File {
        File { name: name.into(), data: text.as_bytes().into(), modified: None }
    }

    #[test]
    fn only_files_in_the_folders_of_charts_are_parsed() {
        for (name, base) in [
            ("values.yaml", Some("values.yaml")),
            ("charts/a/values.yaml", Some("values.yaml")),
            ("charts/a/charts/b/Chart.yaml", Some("Chart.yaml")),
            ("charts/a.tgz", None),
            ("templates/values.yaml", None),
            ("charts/a/ci/values.yaml", None),
        ] {
            assert_eq!(base_in_chart(name), base, "{name}");
        }
        for (name, expected) in [
            ("Chart.lock", true),
            ("values.schema.json", true),
            ("charts/a/requirements.yaml", true),
            ("charts/a/charts/b.tgz", true),
            ("charts/a.tgz.prov", true),
            ("README.md", false),
            ("templates/Chart.yaml", false),
            ("charts/a/crds/values.yaml", false),
        ] {
            assert_eq!(makes_charts(name), expected, "{name}");
        }
        assert!(matches!(parse(&file("charts/a/values.yaml", "a: 1")), Some(Parsed::Values(values)) if values.len() == 1));
        assert!(matches!(parse(&file("Chart.yaml", "name: a")), Some(Parsed::Metadata(metadata)) if metadata.name == "a"));
        assert!(parse(&file("values.yaml", "a: b: c")).is_none());
        assert!(parse(&file("README.md", "a: 1")).is_none());
    }
}
