//! index.yaml: the charts that a repository offers.
//!
//! Goes in: the bytes of an index. Comes out: [`Index`], entries by chart name with the highest version first, or only the versions
//! of one chart (the pass of `scan`, which builds nothing for the others). Invalid entries are skipped with a warning, unknown fields
//! are errors, as in Helm's `pkg/repo/v1/index.go`. Also writes indexes as Helm does: YAML with sorted keys, JSON in struct order.

use super::Reporter;
use super::record::{Fields, Record, metadata_fields, scalar_text, texts};
use super::scan::{self, Item, Outcome, scan};
use crate::chart::Metadata;
use crate::chart::metadata::METADATA_FIELDS;
use crate::data::{Data, Map};
use crate::error::{Cause, Error, ErrorKind, Result};
use crate::quote::quote;
use crate::version::{Constraint, Version};
use crate::yaml::{self, Field, Shape};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::ops::ControlFlow;

/// The largest index that is read, in bytes.
pub const INDEX_LIMIT: u64 = 512 << 20;

/// Most values of an index: each takes about a hundred bytes, however short it is.
const NODES_LIMIT: usize = 20_000_000;

/// One version of a chart in a repository.
#[derive(Debug, Clone, Default)]
pub struct ChartVersion {
    pub metadata: Metadata,
    pub urls: Vec<String>,
    /// RFC 3339, as written; empty when absent.
    pub created: String,
    pub removed: bool,
    /// SHA-256 of the archive in hex, as written.
    pub digest: String,
}

/// A whole index.
#[derive(Debug, Clone, Default)]
pub struct Index {
    pub api_version: String,
    /// RFC 3339, as written.
    pub generated: String,
    /// By chart name; versions sorted from the highest.
    pub entries: BTreeMap<String, Vec<ChartVersion>>,
    pub public_keys: Vec<String>,
    pub annotations: Vec<(String, String)>,
    /// ChartMuseum's `serverInfo.contextPath`.
    pub context_path: Option<String>,
}

const STRINGS: Shape = Shape::List(&Shape::Str);

/// Go's `repo.ChartVersion`: the index's own fields, including deprecated ones, and those of Chart.yaml.
static ENTRY: Shape = Shape::Embedding(
    "repo.ChartVersion",
    &[
        Field("urls", &STRINGS),
        Field("created", &Shape::Time),
        Field("removed", &Shape::Bool),
        Field("digest", &Shape::Str),
        Field("checksum", &Shape::Str),
        Field("engine", &Shape::Str),
        Field("tillerVersion", &Shape::Str),
        Field("url", &Shape::Str),
    ],
    "Metadata",
    METADATA_FIELDS,
);

static INDEX: Shape = Shape::Struct(
    "repo.IndexFile",
    &[
        Field("serverInfo", &Shape::Map(&Shape::Any)),
        Field("apiVersion", &Shape::Str),
        Field("generated", &Shape::Time),
        Field("entries", &Shape::Map(&Shape::NamedList("repo.ChartVersions", &ENTRY))),
        Field("publicKeys", &STRINGS),
        Field("annotations", &Shape::Map(&Shape::Str)),
    ],
);

/// How many invalid entries an error names.
const NAMED: usize = 5;

/// An entry that cannot be used.
pub(super) struct Invalid {
    pub(super) chart: String,
    /// `None` if the entry is empty.
    pub(super) version: Option<String>,
    pub(super) fault: String,
}

impl Invalid {
    /// Which one it is, and why.
    fn shown(&self) -> String {
        let version = self.version.iter().map(|version| format!(" {}", quoted(version))).collect::<String>();
        format!("{}{version}: {}", quoted(&self.chart), self.fault)
    }
}

/// Which entries of an index to read.
#[derive(Debug, Clone, Copy)]
enum Wanted<'n> {
    All,
    Chart(&'n str),
}

impl Index {
    /// Parses a whole index. `source` is its address or path for warnings.
    pub fn parse(bytes: &[u8], source: &str, reporter: &dyn Reporter) -> Result<Index> {
        if bytes.is_empty() {
            return Err(Error::new(ErrorKind::Repository, "empty index.yaml file"));
        }
        general(bytes, source, reporter)
    }

    /// The same for an index that is to be written back, and why it must not be: invalid entries would be lost.
    pub fn parse_to_write(bytes: &[u8], source: &str) -> Result<(Index, Option<Error>)> {
        if bytes.is_empty() {
            return Err(Error::new(ErrorKind::Repository, "empty index.yaml file"));
        }
        let mut invalid = Vec::new();
        let index = decode(bytes, Wanted::All, &mut invalid)?;
        if invalid.is_empty() {
            return Ok((index, None));
        }
        let mut named: Vec<String> = invalid.iter().take(NAMED).map(Invalid::shown).collect();
        if let Some(more) = invalid.len().checked_sub(NAMED).filter(|more| *more > 0) {
            named.push(format!("and {more} more"));
        }
        let message = format!("{source} has invalid entries, which would be lost: {}", named.join("; "));
        Ok((index, Some(Error::new(ErrorKind::Repository, message))))
    }

    /// Sorts the versions of every chart, highest first; invalid versions last.
    pub fn sort(&mut self) {
        self.entries.values_mut().for_each(|versions| sort_versions(versions, |version| &version.metadata.version));
    }

    /// Whether [`pick`] finds this version under this name.
    pub fn has(&self, name: &str, version: &str) -> bool {
        self.entries.get(name).is_some_and(|versions| matches!(pick(versions, name, version, None), Ok(Some(_))))
    }

    /// Adds the versions of `other` that this index lacks.
    pub fn merge(&mut self, other: Index) {
        let mut known: HashMap<String, KnownVersions> = HashMap::new();
        for versions in other.entries.into_values() {
            for version in versions {
                let ChartVersion { metadata, .. } = &version;
                let known = known.entry(metadata.name.clone()).or_insert_with(|| {
                    let versions = self.entries.get(&metadata.name).into_iter().flatten();
                    KnownVersions::of(versions.map(|version| version.metadata.version.as_str()))
                });
                if !known.holds(&metadata.version).unwrap_or_else(|| self.has(&metadata.name, &metadata.version)) {
                    known.add(&metadata.version);
                    self.entries.entry(metadata.name.clone()).or_default().push(version);
                }
            }
        }
    }

    /// The text of index.yaml.
    pub fn to_yaml(&self) -> Result<String> {
        yaml::to_string(&self.record().to_data())
    }

    /// The text of an index in JSON, indented by two spaces, without a final newline.
    pub fn to_json(&self) -> Result<Vec<u8>> {
        Ok(crate::json::indent(&self.record().to_json()?, "", "  "))
    }

    /// The fields in the order of Go's struct.
    fn record(&self) -> Record {
        let mut fields = Fields::default();
        if let Some(path) = &self.context_path {
            fields.always("serverInfo", Record::Fields(vec![("contextPath".to_string(), Record::text(path))]));
        }
        fields.always("apiVersion", Record::text(&self.api_version));
        fields.always("generated", Record::text(zero_time(&self.generated)));
        let entries =
            self.entries.iter().map(|(name, versions)| (name.clone(), Record::List(versions.iter().map(ChartVersion::record).collect())));
        fields.always("entries", Record::Fields(entries.collect()));
        fields.texts("publicKeys", &self.public_keys);
        if !self.annotations.is_empty() {
            fields.always(
                "annotations",
                Record::Fields(self.annotations.iter().map(|(key, value)| (key.clone(), Record::text(value))).collect()),
            );
        }
        fields.finish()
    }
}

impl ChartVersion {
    /// The entry's fields in the order of Go's struct.
    pub fn record(&self) -> Record {
        let mut fields = metadata_fields(&self.metadata);
        // Go's nil.
        fields.always("urls", if self.urls.is_empty() { Record::Plain(Data::Null) } else { Record::texts(&self.urls) });
        fields.always("created", Record::text(zero_time(&self.created)));
        fields.flag("removed", self.removed);
        fields.text("digest", &self.digest);
        fields.finish()
    }

    fn read(data: &Data) -> ChartVersion {
        let text = |key: &str| data.as_map().and_then(|map| map.get(key)).map(scalar_text).unwrap_or_default();
        let mut metadata = Metadata::from_data(data);
        if metadata.api_version.is_empty() {
            metadata.api_version = "v1".to_string();
        }
        ChartVersion {
            metadata,
            urls: texts(data.as_map().and_then(|map| map.get("urls"))),
            created: text("created"),
            removed: matches!(data.as_map().and_then(|map| map.get("removed")), Some(Data::Bool(true))),
            digest: text("digest"),
        }
    }
}

fn zero_time(time: &str) -> &str {
    if time.is_empty() { "0001-01-01T00:00:00Z" } else { time }
}

/// The valid versions of `chart` in the index `bytes`, highest first; `None` if the index does not have the
/// chart. Only that chart's entries are decoded if the index has the usual form.
pub fn versions_of(bytes: &[u8], chart: &str, source: &str, reporter: &dyn Reporter) -> Result<Option<Vec<ChartVersion>>> {
    if bytes.is_empty() {
        return Err(Error::new(ErrorKind::Repository, "empty index.yaml file"));
    }
    let mut found: Option<Vec<ChartVersion>> = None;
    // Reported at the end, since the general parser, if it has to run, reports them itself.
    let mut invalid = Vec::new();
    let outcome = scan(bytes, &mut |item| {
        if item.chart != chart {
            // The entries of one chart are contiguous, so the rest can be skipped.
            return Ok(if found.is_some() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) });
        }
        let versions = found.get_or_insert_with(Vec::new);
        match item_version(&item)? {
            Ok(version) => versions.push(version),
            Err((version, fault)) => invalid.push(Invalid { chart: chart.to_string(), version: Some(version), fault }),
        }
        Ok(ControlFlow::Continue(()))
    });
    match outcome {
        Ok(Outcome::Complete { api_version: true } | Outcome::Stopped) => {
            warn_of_invalid(reporter, &invalid, source);
            if let Some(versions) = &mut found {
                sort_versions(versions, |version| &version.metadata.version);
            }
            Ok(found)
        }
        _ => {
            let mut index = general_for(bytes, source, reporter, Wanted::Chart(chart))?;
            Ok(index.entries.remove(chart))
        }
    }
}

/// Decodes an item of the fast pass; the inner error is its version and the fault.
fn item_version(item: &Item<'_>) -> Result<std::result::Result<ChartVersion, (String, String)>> {
    let mut version = ChartVersion::read(&yaml::decode_strict(&item.document(), &ENTRY)?);
    Ok(match validate(&mut version.metadata) {
        Ok(()) => Ok(version),
        Err(fault) => Err((version.metadata.version, fault)),
    })
}

/// ChartMuseum's context path, which its indexes state; only the lines of `serverInfo` are read.
pub fn context_path(bytes: &[u8]) -> Option<String> {
    let start = if bytes.starts_with(b"serverInfo:") { 0 } else { memchr::memmem::find(bytes, b"\nserverInfo:")? + 1 };
    let rest = bytes.get(start..)?;
    let mut end = memchr::memchr(b'\n', rest).map_or(rest.len(), |end| end + 1);
    while rest.get(end) == Some(&b' ') {
        end += memchr::memchr(b'\n', rest.get(end..)?).map_or(rest.len() - end, |length| length + 1);
    }
    let data = yaml::parse(rest.get(..end)?).ok()?;
    let info = data.as_map()?.get("serverInfo")?.as_map()?.get("contextPath")?.as_str()?;
    Some(info.to_string()).filter(|path| !path.is_empty())
}

/// Whether any entry of the index has an address that `wanted` accepts.
pub fn lists(bytes: &[u8], wanted: impl Fn(&str) -> bool) -> bool {
    let mut found = false;
    let outcome = scan(bytes, &mut |item| {
        found = item.texts(scan::Field::Urls)?.iter().any(|address| wanted(address));
        Ok(if found { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
    });
    match outcome {
        Ok(Outcome::Complete { .. } | Outcome::Stopped) => found,
        _ => general(bytes, "", &super::Recorded::default())
            .is_ok_and(|index| index.entries.values().flatten().flat_map(|version| &version.urls).any(|address| wanted(address))),
    }
}

/// Checks a fetched index and returns its chart names, in the order of the file. A single pass if the file has the usual form.
pub fn check(bytes: &[u8], source: &str, reporter: &dyn Reporter) -> Result<Vec<String>> {
    if bytes.is_empty() {
        return Err(Error::new(ErrorKind::Repository, "empty index.yaml file"));
    }
    let mut names: Vec<String> = Vec::new();
    let mut invalid = Vec::new();
    let outcome = scan(bytes, &mut |item| {
        if names.last().is_none_or(|last| last != item.chart) {
            names.push(item.chart.to_string());
        }
        if let Some((version, fault)) = item_fault(&item)? {
            invalid.push(Invalid { chart: item.chart.to_string(), version: Some(version), fault });
        }
        Ok(ControlFlow::Continue(()))
    });
    if let Ok(Outcome::Complete { api_version: true }) = outcome
        && std::str::from_utf8(bytes).is_ok()
    {
        warn_of_invalid(reporter, &invalid, source);
        return Ok(names);
    }
    Ok(general(bytes, source, reporter)?.entries.into_keys().collect())
}

/// The version and the fault of an item; `None` if it is valid. Decodes only fields whose raw text does not show their type.
pub fn item_fault(item: &Item<'_>) -> Result<Option<(String, String)>> {
    if !item.is_plain() {
        return Ok(item_version(item)?.err());
    }
    let name = item.text(scan::Field::Name)?;
    let version = item.text(scan::Field::Version)?;
    let kind = item.text(scan::Field::Type)?;
    let complex = [scan::Field::Dependencies, scan::Field::Maintainers]
        .iter()
        .any(|field| item.raw(*field).is_some_and(|raw| needs_look(raw.bytes())));
    let mut plain = Metadata {
        name: name.into_owned(),
        version: version.to_string(),
        api_version: "v1".into(),
        kind: kind.into_owned(),
        ..Metadata::default()
    };
    if let Err(fault) = validate(&mut plain) {
        return Ok(Some((version.into_owned(), fault)));
    }
    Ok(match complex {
        true => item_version(item)?.err(),
        false => None,
    })
}

/// Whether a nested list may hold something that validation or strict parsing refuses.
fn needs_look(raw: &[u8]) -> bool {
    const KNOWN: [&[u8]; 10] =
        [b"name", b"email", b"url", b"version", b"repository", b"condition", b"tags", b"enabled", b"import-values", b"alias"];
    let mut lines = raw.split(|byte| *byte == b'\n');
    if !lines.next().unwrap_or_default().trim_ascii().is_empty() {
        return true;
    }
    for line in lines {
        let mut text = line.trim_ascii();
        text = text.strip_prefix(b"- ").unwrap_or(text);
        if text.is_empty() {
            continue;
        }
        let key = text.split(|byte| *byte == b':').next().unwrap_or_default();
        let is_text = text.get(key.len() + 1..).is_some_and(scan::is_surely_text);
        if !is_text || !KNOWN.contains(&key) || key == b"alias" || key == b"import-values" || key == b"tags" {
            return true;
        }
    }
    false
}

fn general(bytes: &[u8], source: &str, reporter: &dyn Reporter) -> Result<Index> {
    general_for(bytes, source, reporter, Wanted::All)
}

/// The general parser, with a warning for each invalid entry.
fn general_for(bytes: &[u8], source: &str, reporter: &dyn Reporter, wanted: Wanted<'_>) -> Result<Index> {
    let mut invalid = Vec::new();
    let index = decode(bytes, wanted, &mut invalid);
    // Told of an index that fails otherwise too.
    warn_of_invalid(reporter, &invalid, source);
    index
}

/// The general parser, for any YAML or JSON. Entries that cannot be used are added to `invalid`, whether or not it fails.
fn decode(bytes: &[u8], wanted: Wanted<'_>, invalid: &mut Vec<Invalid>) -> Result<Index> {
    if crate::data::may_hold_more_than(bytes, NODES_LIMIT) {
        let message = format!("index of {} bytes may hold more than {NODES_LIMIT} values", bytes.len());
        return Err(Error::new(ErrorKind::Limit, message));
    }
    let is_json = matches!(bytes.trim_ascii_start().first(), Some(b'{' | b'[')) && crate::json::parse(bytes).is_ok();
    let data = if is_json { yaml::decode_json(bytes, &INDEX)? } else { yaml::decode_strict(bytes, &INDEX)? };
    let empty = Map::new();
    let map = data.as_map().map_or(&empty, |map| map.as_ref());
    let mut index = Index {
        api_version: map.get("apiVersion").map(scalar_text).unwrap_or_default(),
        generated: map.get("generated").map(scalar_text).unwrap_or_default(),
        public_keys: texts(map.get("publicKeys")),
        context_path: map.get("serverInfo").and_then(Data::as_map).and_then(|info| info.get("contextPath")).map(scalar_text),
        ..Index::default()
    };
    if let Some(annotations) = map.get("annotations").and_then(Data::as_map) {
        index.annotations = annotations.iter().map(|(key, value)| (key.to_string(), scalar_text(value))).collect();
    }
    for (name, list) in map.get("entries").and_then(Data::as_map).map(|map| map.iter()).into_iter().flatten() {
        if matches!(wanted, Wanted::Chart(chart) if chart != &**name) {
            continue;
        }
        let mut versions = Vec::new();
        for item in list.as_list().map(|items| items.as_slice()).unwrap_or_default() {
            if item.is_null() {
                invalid.push(Invalid { chart: name.to_string(), version: None, fault: "empty entry".to_string() });
                continue;
            }
            let mut version = ChartVersion::read(item);
            match validate(&mut version.metadata) {
                Ok(()) => versions.push(version),
                Err(fault) => invalid.push(Invalid { chart: name.to_string(), version: Some(version.metadata.version), fault }),
            }
        }
        sort_versions(&mut versions, |version| &version.metadata.version);
        index.entries.insert(name.to_string(), versions);
    }
    if index.api_version.is_empty() {
        return Err(Error::new(ErrorKind::Repository, "no API version specified"));
    }
    Ok(index)
}

/// Warns of entries that were skipped, which are in the order of the file: of the last one of a chart first, as Helm looks at them
/// (`loadIndex` in `pkg/repo/v1/index.go`).
pub(super) fn warn_of_invalid(reporter: &dyn Reporter, entries: &[Invalid], source: &str) {
    for of_chart in entries.chunk_by(|left, right| left.chart == right.chart) {
        for Invalid { chart, version, fault } in of_chart.iter().rev() {
            let version = version.iter().map(|version| format!(" {}", quoted(version))).collect::<String>();
            reporter.warn(&format!("skipping loading invalid entry for chart {}{version} from {source}: {fault}", quoted(chart)));
        }
    }
}

fn quoted(text: &str) -> String {
    quote(super::printable(text))
}

/// The order of versions in an index: by semantic version, highest first; invalid versions come last. Versions
/// of equal precedence keep their order, which in the index of a folder is the order of the archive names.
pub fn compare_versions(a: Option<&Version>, b: Option<&Version>) -> std::cmp::Ordering {
    match (a, b) {
        (Some(first), Some(second)) => second.cmp(first),
        (None, Some(_)) => std::cmp::Ordering::Greater,
        (Some(_), None) => std::cmp::Ordering::Less,
        (None, None) => std::cmp::Ordering::Equal,
    }
}

/// Sorts by [`compare_versions`].
pub fn sort_versions<T>(versions: &mut Vec<T>, version: impl Fn(&T) -> &str) {
    if versions.len() < 2 {
        return;
    }
    let mut keyed: Vec<(Option<Version>, T)> = versions.drain(..).map(|item| (Version::parse(version(&item)).ok(), item)).collect();
    keyed.sort_by(|a, b| compare_versions(a.0.as_ref(), b.0.as_ref()));
    versions.extend(keyed.into_iter().map(|(_, item)| item));
}

/// The entry for `version`: the one with exactly that text, else the highest that it allows as a range; empty
/// means the highest stable one. `Ok(None)` if nothing fits; an error if the text is not a range.
pub fn pick<'v>(
    versions: &'v [ChartVersion],
    name: &str,
    version: &str,
    reporter: Option<&dyn Reporter>,
) -> Result<Option<&'v ChartVersion>> {
    let range = if version.is_empty() { "*" } else { version };
    let constraint = Constraint::parse(range).map_err(|error| Error::new(ErrorKind::Repository, error.to_string()))?;
    if !version.is_empty()
        && let Some(exact) = versions.iter().find(|candidate| candidate.metadata.version == version)
    {
        return Ok(Some(exact));
    }
    let found = versions.iter().find(|candidate| Version::parse(&candidate.metadata.version).is_ok_and(|parsed| constraint.check(&parsed)));
    if let (Some(found), Some(reporter)) = (found, reporter)
        && !version.is_empty()
    {
        if is_range(version) {
            let selected = [("chart", name), ("constraint", version), ("selected", found.metadata.version.as_str())];
            reporter.debug("selected version matching constraint", &selected);
            return Ok(Some(found));
        }
        let message = "unable to find exact version requested; falling back to closest available version";
        reporter.warn_with(message, &[("chart", name), ("requested", version), ("selected", &found.metadata.version)]);
    }
    Ok(found)
}

/// The versions of a chart as sets for fast lookup, since an index may list thousands.
#[derive(Default)]
struct KnownVersions {
    texts: HashSet<String>,
    parsed: BTreeSet<Version>,
}

impl KnownVersions {
    fn of<'v>(versions: impl Iterator<Item = &'v str>) -> KnownVersions {
        let mut known = KnownVersions::default();
        versions.for_each(|version| known.add(version));
        known
    }

    fn add(&mut self, version: &str) {
        self.parsed.extend(Version::parse(version));
        self.texts.insert(version.to_string());
    }

    /// Whether [`pick`] finds this version; `None` if it is not a plain version, so that all versions must be compared.
    fn holds(&self, version: &str) -> Option<bool> {
        let numbers = version.split(['-', '+']).next().unwrap_or_default();
        let is_plain = numbers.split('.').count() == 3 && numbers.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
        let (true, Ok(parsed), Ok(constraint)) = (is_plain, Version::parse(version), Constraint::parse(version)) else { return None };
        Some(self.texts.contains(version) || self.parsed.get(&parsed).is_some_and(|known| constraint.check(known)))
    }
}

fn is_range(version: &str) -> bool {
    if version.contains(['^', '~', '<', '>', '=', '!', '*']) || version.contains("||") || version.contains(" - ") {
        return true;
    }
    version.split(['-', '+']).next().unwrap_or_default().contains(['x', 'X'])
}

/// Helm's validation of an entry, including its exception for dependencies of the same name (JFrog strips `alias`).
fn validate(metadata: &mut Metadata) -> std::result::Result<(), String> {
    match metadata.validate() {
        Err(error) if !error.is(Cause::RepeatedName) => Err(error.to_string()),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests;
