//! Charts from folders and archives.
//!
//! Goes in: a path, or the bytes of an archive. Comes out: a [`Chart`] with its subcharts, validated. Files from folders and
//! archives become a chart in the same way. Subcharts that are equal byte for byte, however often they are nested, are read and
//! parsed once and share all content. Matches Helm's `pkg/chart/loader` and `pkg/chart/v2/loader`.

pub mod archive;
mod directory;
mod ready;
mod sniff;
pub(crate) mod tar;
pub mod unpack;

pub(crate) use directory::read_file;

pub use super::file::FILE_LIMIT;
use super::file::{BYTE_ORDER_MARK, NOTHING};
use super::{Chart, Content, File, Lock, Metadata, fault};
use crate::data::Map;
use crate::diagnostic::{Diagnostic, Level, Notices};
use crate::error::{Cause, Error, ErrorKind, Result};
use crate::fs;
use crate::parallel;
use crate::yaml::{self, Field, Shape};
use ready::{Parsing, Ready};
use std::collections::HashMap;
use std::hash::{BuildHasher, Hash, Hasher};
use std::io::{Read, Seek};
use std::path::Path;
use std::sync::Arc;

/// How many files and folders a chart folder, or members an archive, may have. Helm has no such bound.
pub const ENTRIES_LIMIT: usize = 100_000;
/// How many bytes all archives nested in one chart may unpack to together. Helm bounds only each archive.
const NESTED_LIMIT: usize = 1024 * 1024 * 1024;
/// How deep charts may be nested. Helm has no such bound.
const DEPTH_LIMIT: usize = 100;

/// Among subcharts that differ only in the content of their files, a further one is compared with at most this many: with
/// thousands of them, comparing would take longer than parsing each.
const MOST_LIKE: usize = 16;

/// The folder of a chart's bundled subcharts.
const CHARTS: &str = "charts/";

/// Values of more bytes than this take longer to parse than a thread to start.
const WORTH_A_THREAD: usize = 32 << 10;

/// What Helm reads first to choose the loader.
static CHART_BASE: Shape = Shape::Struct("loader.chartBase", &[Field("apiVersion", &Shape::Str)]);

/// Loads the chart at `path`, a folder or an archive, as `template`, `install` and `package` do: the apiVersion is checked first.
/// Faults inside an archive appear only in the diagnostics, as Helm hides them.
pub fn load(path: &Path, notices: &mut Notices) -> Result<Chart> {
    load_as(path, Crds::Wanted, Contents::Read, notices, &|_: &File| {})
}

/// As [`load`], for rendering the chart once: large files other than templates are read on first use.
pub fn load_observed(path: &Path, crds: Crds, notices: &mut Notices, observe: &dyn Observe) -> Result<Chart> {
    load_as(path, crds, Contents::ToRender, notices, observe)
}

fn load_as(path: &Path, crds: Crds, contents: Contents, notices: &mut Notices, observe: &dyn Observe) -> Result<Chart> {
    match fs::stat(path)?.kind {
        fs::Kind::Folder => load_directory_as(path, contents, notices, observe),
        _ => load_file(path, crds, notices, observe),
    }
}

/// Whether the files of `crds/` in an archive are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Crds {
    Wanted,
    /// They stay packed until they are used.
    Unlikely,
}

/// An observer of the files, called before the chart is complete.
pub trait Observe: Sync {
    /// Called with each file as it is read, in any order and on any thread.
    fn found(&self, file: &File);

    /// Runs `job`, which parses `bytes` bytes, on a thread other than the reading one, or returns the job if there is none. The
    /// caller does not wait for it.
    fn assist(&self, bytes: usize, job: Job) -> Option<Job> {
        let _ = bytes;
        Some(job)
    }
}

/// Work for another thread.
pub type Job = Box<dyn FnOnce() + Send>;

impl<F: Fn(&File) + Sync> Observe for F {
    fn found(&self, file: &File) {
        self(file);
    }
}

/// Loads the chart at `path` as `show`, `lint` and the dependency commands do: any apiVersion is accepted, and faults inside an
/// archive are shown as they are.
pub fn load_any_version(path: &Path, notices: &mut Notices) -> Result<Chart> {
    if fs::stat(path)?.kind == fs::Kind::Folder {
        return load_folder_of_any_version(path, notices);
    }
    from_files(read_archive(path, Crds::Wanted, &|_: &File| {})?, notices)
}

/// Loads the chart in a folder as the dependency commands do: any apiVersion is accepted, and a missing Chart.yaml is found last.
pub fn load_folder_of_any_version(folder: &Path, notices: &mut Notices) -> Result<Chart> {
    // A path that is not a folder has no Chart.yaml either.
    if !fs::is_folder(folder) {
        return Err(Error::new(ErrorKind::Chart, "Chart.yaml file is missing"));
    }
    let (files, ready) = directory::read(&fs::absolute(folder)?, Contents::Read, notices, &|_: &File| {})?;
    assemble(files, ready, notices)
}

/// Loads the chart in a folder; the apiVersion is checked first.
pub fn load_directory(folder: &Path, notices: &mut Notices) -> Result<Chart> {
    load_directory_as(folder, Contents::Read, notices, &|_: &File| {})
}

/// Like [`load_directory`], for packing only: files that do not define the chart stay on disk until
/// [`append_range`](super::Bytes::append_range) reads them and reports faults of reading. Values are validated, then dropped.
pub fn load_directory_to_pack(folder: &Path, notices: &mut Notices) -> Result<Chart> {
    load_directory_as(folder, Contents::ToPack, notices, &|_: &File| {})
}

/// How the files of a folder are used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Contents {
    Read,
    /// Large files that neither define a chart nor are templates are opened, and read on first use: few runs need a README.
    ToRender,
    ToPack,
}

fn load_directory_as(folder: &Path, contents: Contents, notices: &mut Notices, observe: &dyn Observe) -> Result<Chart> {
    let folder = fs::absolute(folder)?;
    let chart_file = directory::chart_file(&folder);
    let unseen = |error: Error| error.context(format_args!("unable to detect chart at {}", chart_file.display()));
    let text = directory::read_file(&chart_file, fs::WHOLE_LIMIT).map_err(unseen)?;
    check_api_version(&text)?;
    let (files, ready) = directory::read(&folder, contents, notices, observe)?;
    refuse_draft(assemble(files, ready, notices)?)
}

/// Loads a packed chart from its file.
fn load_file(path: &Path, crds: Crds, notices: &mut Notices, observe: &dyn Observe) -> Result<Chart> {
    let (files, ready) = match read_archive_parsing(path, crds, observe) {
        Ok(read) => read,
        Err(error) if error.kind() == ErrorKind::Usage => return Err(error.with_kind(ErrorKind::Chart)),
        Err(error) => {
            let diagnostic = Diagnostic {
                headline: error.message().to_string(),
                notes: vec![format!("while reading the archive {}", path.display())],
                ..Diagnostic::default()
            };
            return Err(Error::new(error.kind(), "unable to load chart archive").with_diagnostic(diagnostic));
        }
    };
    detect(files, ready, notices)
}

/// Reads the archive while another thread parses the metadata and values in it.
fn read_archive_parsing(path: &Path, crds: Crds, observe: &dyn Observe) -> Result<(Vec<File>, Ready)> {
    if parallel::cores() < 2 {
        return Ok((read_archive(path, crds, observe)?, Ready::default()));
    }
    let parsing = Arc::new(Parsing::default());
    let files = read_archive(path, crds, &|file: &File| {
        observe.found(file);
        if !ready::is_parsed(&file.name) {
            return;
        }
        parsing.add(file.clone());
        let shared = parsing.clone();
        let left = observe.assist(file.data.len(), Box::new(move || shared.parse_next()));
        if let Some(job) = left.filter(|_| file.data.len() >= WORTH_A_THREAD) {
            // If no thread starts, the file is parsed at the end.
            drop(std::thread::Builder::new().name("parse".into()).spawn(parallel::beside(job)));
        }
    })?;
    Ok((files, parsing.finish()))
}

/// Loads a packed chart from its bytes; the apiVersion is checked first.
pub fn load_archive(bytes: &[u8], notices: &mut Notices) -> Result<Chart> {
    detect(archive_files(bytes)?, Ready::default(), notices)
}

/// Loads a packed chart from its bytes as `repo index` does: any apiVersion is accepted.
pub fn load_archive_of_any_version(bytes: &[u8], notices: &mut Notices) -> Result<Chart> {
    from_files(archive_files(bytes)?, notices)
}

fn archive_files(bytes: &[u8]) -> Result<Vec<File>> {
    archive::read(bytes).map_err(|error| match error.is(Cause::NoGzip) {
        true => Error::new(error.kind(), format!("stream does not appear to be a valid chart file (details: {})", error.message())),
        false => error.context("unable to load chart archive"),
    })
}

fn detect(files: Vec<File>, ready: Ready, notices: &mut Notices) -> Result<Chart> {
    let Some(chart_file) = files.iter().find(|file| &*file.name == "Chart.yaml") else {
        return Err(Error::new(ErrorKind::Chart, "unable to detect chart version, no Chart.yaml found"));
    };
    check_api_version(&chart_file.data)?;
    refuse_draft(assemble(files, ready, notices)?)
}

/// Helm's loader reads charts of the draft v3 and reports their faults, but no command accepts the result.
fn refuse_draft(chart: Chart) -> Result<Chart> {
    if chart.metadata.api_version == "v3" { Err(Error::new(ErrorKind::Chart, "invalid chart apiVersion")) } else { Ok(chart) }
}

fn check_api_version(text: &[u8]) -> Result<()> {
    let base = yaml::decode(text, &CHART_BASE).map_err(|error| fault::in_chart_file(error.context("cannot load Chart.yaml"), text))?;
    match base.as_map().and_then(|map| map.get("apiVersion")).and_then(crate::data::Data::as_str).unwrap_or("") {
        "" | "v1" | "v2" | "v3" => Ok(()),
        _ => {
            let error = fault::of_key("apiVersion", "unsupported chart version", Some("`apiVersion` is `v1` or `v2`"));
            Err(fault::in_chart_file(error, text))
        }
    }
}

/// The files of the archive at `path`; a file that is no archive at all is an [`ErrorKind::Usage`] fault.
fn read_archive(path: &Path, crds: Crds, observe: &dyn Observe) -> Result<Vec<File>> {
    let mut file = fs::open(path)?;
    let name = path.display();
    let mut start = [0; sniff::WINDOW];
    let refused = |message: String| Err(Error::new(ErrorKind::Usage, message));
    if let Err(error) = read_start(&mut file, &mut start) {
        return refused(format!("file '{name}' cannot be read: {}", fs::fault("read", path, &error)));
    }
    if !start.starts_with(b"\x1F\x8B\x08") {
        let text = path.to_string_lossy();
        if text.ends_with(".yml") || text.ends_with(".yaml") {
            return refused(format!("file '{name}' seems to be a YAML file, but expected a gzipped archive"));
        }
        let kind = sniff::content_type(&start);
        return refused(format!("file '{name}' does not appear to be a gzipped archive; got '{kind}'"));
    }
    file.rewind().map_err(|error| fs::fault("seek", path, &error))?;
    archive::read_file_observed(file, path, crds, observe)
}

/// Fills `start` as far as the file reaches.
fn read_start(file: &mut impl Read, start: &mut [u8]) -> std::io::Result<()> {
    let mut filled = 0;
    while let Some(rest) = start.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match file.read(rest)? {
            0 => break,
            read => filled += read,
        }
    }
    Ok(())
}

/// Makes a chart from files, named from its top, in any order.
pub fn from_files(files: Vec<File>, notices: &mut Notices) -> Result<Chart> {
    assemble(files, Ready::default(), notices)
}

fn assemble(files: Vec<File>, ready: Ready, notices: &mut Notices) -> Result<Chart> {
    Assembly {
        notices,
        ready,
        hashes: ahash::RandomState::new(),
        archives: HashMap::new(),
        charts: HashMap::new(),
        sources: 0,
        unpacked_bytes: 0,
    }
    .chart(files, 0)
}

/// The state of one load: what was read so far, so that equal subcharts are read once.
struct Assembly<'a> {
    notices: &'a mut Notices,
    /// Files that were parsed in advance.
    ready: Ready,
    hashes: ahash::RandomState,
    /// Packed subcharts by a hash of their bytes.
    archives: HashMap<u64, Vec<(Arc<[u8]>, Chart)>>,
    /// Unpacked subcharts by a hash of the sizes of their files and Chart.yaml.
    charts: HashMap<u64, Vec<(Vec<File>, Chart)>>,
    sources: usize,
    /// Bytes that nested archives were unpacked to.
    unpacked_bytes: usize,
}

impl Assembly<'_> {
    fn chart(&mut self, mut files: Vec<File>, depth: usize) -> Result<Chart> {
        if depth > DEPTH_LIMIT {
            let message = format!("charts are nested deeper than {DEPTH_LIMIT} levels");
            return Err(Error::new(ErrorKind::Limit, message));
        }
        let mut metadata = None;
        let mut content = Content { source_id: self.sources, ..Content::default() };
        self.sources += 1;
        for file in files.iter().filter(|file| &*file.name == "Chart.yaml") {
            let metadata = match (&mut metadata, self.ready.metadata(file)) {
                (none @ None, Some(ready)) => none.insert(ready),
                (some, _) => {
                    let metadata = some.get_or_insert_with(Metadata::default);
                    metadata
                        .parse_over(&file.data)
                        .map_err(|error| fault::in_chart_file(error.context("cannot load Chart.yaml"), &file.data))?;
                    metadata
                }
            };
            if metadata.api_version.is_empty() {
                metadata.api_version = "v1".to_string();
            }
            content.modified = file.modified;
        }
        let mut values = Arc::new(Map::new());
        let is_own = |file: &mut File| match file.name.strip_prefix(CHARTS) {
            Some(inner) if fs::extension(inner) != ".prov" => {
                file.name = file.name.skipping(CHARTS.len());
                false
            }
            _ => true,
        };
        for file in files.extract_if(.., is_own) {
            if file.name.starts_with(CHARTS) {
                content.files.push(file);
                continue;
            }
            content.raw.push(file.clone());
            match &*file.name {
                "Chart.yaml" => {}
                "Chart.lock" => {
                    content.lock =
                        Lock::parse(&file.data).map_err(|error| error.in_file("Chart.lock").context("cannot load Chart.lock"))?;
                }
                "values.yaml" => {
                    values = match self.ready.values(&file) {
                        Some(values) => values,
                        None => yaml::parse_values(&file.data)
                            .map_err(|error| error.in_file("values.yaml").context("cannot load values.yaml"))?,
                    };
                }
                "values.schema.json" => content.schema = Some(file),
                "requirements.yaml" | "requirements.lock" => {
                    let metadata = metadata.get_or_insert_with(Metadata::default);
                    self.requirements(file, metadata, &mut content)?;
                }
                template if template.starts_with("templates/") => content.templates.push(file),
                _ => content.files.push(file),
            }
        }
        let Some(mut metadata) = metadata else {
            return Err(Error::new(ErrorKind::Chart, "Chart.yaml file is missing"));
        };
        if let Err(error) = metadata.validate() {
            let text = content.raw.iter().find(|file| &*file.name == "Chart.yaml").map_or(&[][..], |file| &file.data);
            return Err(fault::in_chart_file(error, text));
        }
        let dependencies = self.subcharts(files, &metadata.name, depth)?;
        Ok(Chart { metadata: Arc::new(metadata), content: Arc::new(content), values, dependencies, found_in: None })
    }

    /// The charts in `charts/` of the chart `parent`, sorted by name; each entry there is an archive or a folder.
    fn subcharts(&mut self, mut files: Vec<File>, parent: &str, depth: usize) -> Result<Vec<Chart>> {
        // The files of one chart are adjacent except in odd archives; they keep their order.
        files.sort_by(|a, b| first_part(&a.name).cmp(first_part(&b.name)));
        let mut charts = Vec::new();
        let mut left = files.into_iter();
        while let Some(first) = left.as_slice().first() {
            let entry = first_part(&first.name).to_string();
            let count = left.as_slice().iter().take_while(|file| first_part(&file.name) == entry).count();
            let files: Vec<File> = left.by_ref().take(count).collect();
            if entry.starts_with(['_', '.']) {
                continue;
            }
            let packed = fs::extension(&entry) == ".tgz";
            let loaded = match files.first() {
                Some(file) if packed && *file.name == *entry => self.packed(file.data.shared().clone(), depth),
                Some(file) if packed => {
                    let name = &file.name;
                    let message = format!("error unpacking subchart tar in {parent}: expected {entry}, got {name}");
                    return Err(Error::new(ErrorKind::Chart, message));
                }
                _ => self.unpacked(files, depth),
            };
            charts.push(loaded.map_err(|error| {
                fault::in_subchart(error, &entry).context(format_args!("error unpacking subchart {entry} in {parent}"))
            })?);
        }
        charts.sort_by(|a, b| a.name().cmp(b.name()));
        Ok(charts)
    }

    /// Handles the files of Helm 2's form of dependencies; charts of the newer form get a notice about them.
    fn requirements(&mut self, file: File, metadata: &mut Metadata, content: &mut Content) -> Result<()> {
        let (is_lock, advice) = match &*file.name {
            "requirements.lock" => {
                (true, "Dependency locking is handled in Chart.lock since apiVersion \"v2\". We recommend migrating to Chart.lock.")
            }
            _ => (
                false,
                "Dependencies are handled in Chart.yaml since apiVersion \"v2\". We recommend migrating dependencies to Chart.yaml.",
            ),
        };
        if is_lock {
            content.lock =
                Lock::parse(&file.data).map_err(|error| error.in_file("requirements.lock").context("cannot load requirements.lock"))?;
        }
        if !metadata.is_v1() {
            self.notices.push(Level::Info, format!("Warning: {advice}"));
        }
        if !is_lock {
            metadata.parse_over(&file.data).map_err(|error| error.in_file("requirements.yaml").context("cannot load requirements.yaml"))?;
        }
        if metadata.is_v1() {
            content.files.push(file);
        }
        Ok(())
    }

    /// A subchart that lies in charts/ as a folder; `files` are named from charts/.
    fn unpacked(&mut self, mut files: Vec<File>, depth: usize) -> Result<Chart> {
        // A plain file in charts/ belongs to no chart.
        files.retain_mut(|file| {
            let end = file.name.find('/');
            file.name = file.name.skipping(end.map_or(0, |end| end + 1));
            end.is_some()
        });
        let mut hasher = self.hashes.build_hasher();
        for file in &files {
            (file.data.known_length(), file.modified).hash(&mut hasher);
            if &*file.name == "Chart.yaml" {
                file.data.hash(&mut hasher);
            }
        }
        let key = hasher.finish();
        if let Some((_, chart)) = self.charts.get(&key).into_iter().flatten().find(|(known, _)| *known == files) {
            return Ok(chart.clone());
        }
        let chart = self.chart(files.clone(), depth + 1)?;
        let alike = self.charts.entry(key).or_default();
        if alike.len() < MOST_LIKE {
            alike.push((files, chart.clone()));
        }
        Ok(chart)
    }

    /// A subchart that lies in charts/ as an archive.
    fn packed(&mut self, bytes: Arc<[u8]>, depth: usize) -> Result<Chart> {
        let key = self.hashes.hash_one(&bytes);
        if let Some((_, chart)) = self.archives.get(&key).into_iter().flatten().find(|(known, _)| *known == bytes) {
            return Ok(chart.clone());
        }
        let files = archive::read(&bytes)?;
        self.unpacked_bytes += files.iter().map(|file| file.data.len()).sum::<usize>();
        if self.unpacked_bytes > NESTED_LIMIT {
            let message = format!("nested chart archives are larger than {NESTED_LIMIT} bytes together");
            return Err(Error::new(ErrorKind::Limit, message));
        }
        let chart = self.chart(files, depth + 1)?;
        self.archives.entry(key).or_default().push((bytes, chart.clone()));
        Ok(chart)
    }
}

/// A name up to its first slash.
fn first_part(name: &str) -> &str {
    name.split_once('/').map_or(name, |parts| parts.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn subcharts_that_are_alike_keep_what_is_theirs() {
        let file = |name: String, text: &str| File { name: name.into(), data: text.as_bytes().into(), modified: None };
        let chart_file = "apiVersion: v2\nname: app\nversion: 1.0.0\n";
        let mut files = vec![file("Chart.yaml".to_string(), chart_file)];
        let count = 3 * MOST_LIKE;
        for number in (0..count).chain(0..count) {
            let folder = format!("charts/c{:03}", files.len());
            files.push(file(format!("{folder}/Chart.yaml"), chart_file));
            files.push(file(format!("{folder}/values.yaml"), &format!("at: t{number:03}")));
        }
        let chart = from_files(files, &mut Notices::new()).unwrap();
        let found: Vec<&str> = chart.dependencies.iter().filter_map(|chart| chart.values.get("at")?.as_str()).collect();
        let wanted: Vec<String> = (0..count).chain(0..count).map(|number| format!("t{number:03}")).collect();
        assert_eq!(found, wanted);
        // Only the first of them are recognised when they come again.
        let is_shared = |at: usize| Arc::ptr_eq(&chart.dependencies[at].content, &chart.dependencies[count + at].content);
        assert_eq!((0..count).filter(|at| is_shared(*at)).count(), MOST_LIKE);
    }
}
