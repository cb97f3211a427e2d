//! What files hold that were parsed while others were still being read.
//!
//! Goes in: files, on whatever thread read them. Comes out: their metadata and values, when the chart is put together. Reading
//! hundreds of small files keeps all cores busy, and so does unpacking an archive one; what is parsed there need not be parsed
//! afterwards by one thread alone. What does not parse is left: its faults are told in their turn.

use crate::chart::{File, Metadata};
use crate::data::Map;
use crate::yaml;
use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

/// What one file holds.
pub(super) enum Parsed {
    Metadata(Box<Metadata>),
    Values(Arc<Map>),
}

/// What files hold, by where their bytes lie, which the files keep there.
#[derive(Default)]
pub(super) struct Ready(HashMap<*const u8, Parsed, ahash::RandomState>);

impl Ready {
    pub(super) fn add(&mut self, file: &File, parsed: Parsed) {
        self.0.insert(file.data.as_ptr(), parsed);
    }

    /// What a Chart.yaml holds, taken out.
    pub(super) fn metadata(&mut self, file: &File) -> Option<Metadata> {
        match self.0.remove(&file.data.as_ptr())? {
            Parsed::Metadata(metadata) => Some(*metadata),
            Parsed::Values(_) => None,
        }
    }

    /// What a values.yaml holds, taken out.
    pub(super) fn values(&mut self, file: &File) -> Option<Arc<Map>> {
        match self.0.remove(&file.data.as_ptr())? {
            Parsed::Values(values) => Some(values),
            Parsed::Metadata(_) => None,
        }
    }
}

/// Files that several threads parse, those that came first before the others.
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

/// Takes note of a file that is no longer being parsed, however that ended.
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

    /// Parses the next file that waits, if one does.
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

    /// Parses what still waits, and waits for what others are at.
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

/// Whether a chart, or one of its subcharts, is made of what a file of this name holds; of others it only holds the bytes.
pub(super) fn makes_charts(name: &str) -> bool {
    let below = below_chart(name);
    below.is_empty()
        || matches!(below, "Chart.yaml" | "Chart.lock" | "values.yaml" | "values.schema.json" | "requirements.yaml" | "requirements.lock")
}

/// Parses the file if it is one that a chart is made from; names are from the top chart's folder.
pub(super) fn parse(file: &File) -> Option<Parsed> {
    match base_in_chart(&file.name)? {
        "Chart.yaml" => Metadata::parse(&file.data).ok().map(|metadata| Parsed::Metadata(Box::new(metadata))),
        "values.yaml" => yaml::parse_values(&file.data).ok().map(Parsed::Values),
        _ => None,
    }
}

/// The name of a file that lies directly in the folder of a chart, be it in `charts/` of others.
pub(super) fn base_in_chart(name: &str) -> Option<&str> {
    Some(below_chart(name)).filter(|name| !name.contains('/') && !name.is_empty())
}

/// The name of a file from the folder of the innermost chart that it lies in; empty for what lies in `charts/` itself.
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
