//! The rule for templates/: they render, and what comes out are manifests that Kubernetes would take.
//!
//! Goes in: the loaded chart, the user's values, capabilities. Comes out: findings under the template's name, or under
//! `templates/` for what concerns them all. Matches Helm's `pkg/chart/v2/lint/rules/template.go`.

use super::source::Found;
use super::{Linter, Options, Rule, Severity, deprecation, names};
use crate::chart::Chart;
use crate::data::{Data, Map};
use crate::dependency;
use crate::diagnostic::{Diagnostic, Location, source_line};
use crate::error::{Error, ErrorKind, Result};
use crate::json;
use crate::quote::quote;
use crate::template::engine::{self, Capabilities, Environment, KubeVersion, Release, RenderContext, TemplateSet, WrittenLine};
use crate::values::{coalesce, schema};
use crate::yaml::{self, Field, Shape};
use std::collections::HashMap;
use std::sync::Arc;

const FOLDER: &str = "templates/";

pub(super) fn check(linter: &mut Linter<'_>, environment: &mut dyn Environment) {
    match linter.source.find("templates") {
        Found::Nothing => return linter.add(Severity::Warning, Rule::Templates, FOLDER, "directory does not exist"),
        Found::File => return linter.add(Severity::Error, Rule::Templates, FOLDER, "not a directory"),
        Found::Folder => {}
    }
    let chart = match linter.source.load(linter.notices) {
        Ok(chart) => chart,
        Err(error) => return linter.add_load_error(Rule::Templates, FOLDER, error),
    };
    let mut capabilities = Capabilities::default();
    if let Some(version) = &linter.options.kube_version {
        capabilities.kube_version = version.clone();
    }
    let Some(rendering) = render(linter, &chart, &capabilities, environment) else { return };
    let rendered: HashMap<&str, &[u8]> = rendering.files.iter().map(|file| (file.name.as_str(), file.data.as_slice())).collect();
    let mut found = Vec::new();
    for template in &chart.content.templates {
        let name = &*template.name;
        let extension = name.rsplit('/').next().and_then(|base| base.rfind('.').and_then(|dot| base.get(dot..))).unwrap_or("");
        if !matches!(extension, ".yaml" | ".yml" | ".tpl" | ".txt") {
            let message = format!("file extension '{extension}' not valid. Valid extensions are .yaml, .yml, .tpl, or .txt");
            linter.add(Severity::Error, Rule::Templates, name, message);
        }
        if !extension.eq_ignore_ascii_case(".yaml") && !extension.eq_ignore_ascii_case(".yml") {
            continue;
        }
        let path = format!("{}/{name}", chart.name());
        let text = rendered.get(path.as_str()).copied().unwrap_or_default();
        if String::from_utf8_lossy(text).trim().is_empty() {
            continue;
        }
        let mut remarks = Vec::new();
        let is_yaml = check_file(text, &capabilities.kube_version, &mut remarks);
        for remark in remarks {
            let place = linter.options.places.then(|| remark.place(&path, text)).flatten();
            linter.add(remark.severity, Rule::Templates, name, remark.message);
            if let Some((place, line)) = place.and_then(|place| Some((place.clone(), source_line(text, place.line)?))) {
                let line = WrittenLine { place, text: line };
                found.push(FoundLine { finding: linter.findings.len() - 1, rendered: text, line });
            }
        }
        // As in Helm, what is no YAML ends the whole rule, unless all faults were asked for.
        if !is_yaml && !linter.options.all_faults {
            break;
        }
    }
    rendering.place(linter, &capabilities, environment, found);
}

/// A finding that is about a line of a rendered file.
struct FoundLine<'a> {
    /// Its place among the findings.
    finding: usize,
    rendered: &'a [u8],
    line: WrittenLine,
}

/// What was rendered, and from what.
struct Rendering {
    chart: Chart,
    values: Arc<Map>,
    files: Vec<engine::RenderedFile>,
    templates: Option<Arc<TemplateSet>>,
}

impl Rendering {
    /// Tells with each of these findings where its line was written: Helm tells only the line, of a text that nobody has.
    fn place(&self, linter: &mut Linter<'_>, capabilities: &Capabilities, environment: &mut dyn Environment, found: Vec<FoundLine<'_>>) {
        let Some(set) = self.templates.as_ref().filter(|_| !found.is_empty()) else { return };
        let options = linter.options;
        let context = RenderContext { chart: &self.chart, values: self.values.clone(), release: release(options), capabilities };
        let lines: Vec<WrittenLine> = found.iter().map(|found| found.line.clone()).collect();
        let writers = engine::writers_of_lines(&context, set, &engine_options(options), environment, &lines);
        for (FoundLine { finding, rendered, line }, writer) in found.into_iter().zip(writers) {
            let (Some(mut writer), Some(finding)) = (writer, linter.findings.get_mut(finding)) else { continue };
            writer.notes.push(engine::rendered_lines(rendered, line.place.line));
            // The hints are about what is no YAML, of which the column is known.
            if line.place.column.is_none() {
                writer.hints.clear();
            }
            finding.diagnostics.push(writer);
        }
    }
}

fn release(options: &Options) -> Release {
    Release { name: "test-release".to_string(), namespace: options.namespace.clone(), revision: 0, is_install: false, is_upgrade: false }
}

fn engine_options(options: &Options) -> engine::Options {
    engine::Options { lint: true, all_faults: options.all_faults, ..engine::Options::default() }
}

/// The rendered files; `None` when something failed, which then is among the findings (or, as with Helm, is not told).
fn render(linter: &mut Linter<'_>, chart: &Chart, capabilities: &Capabilities, environment: &mut dyn Environment) -> Option<Rendering> {
    let options = linter.options;
    // Helm says nothing of faults in these two steps.
    let chart = dependency::process(chart, &linter.values, linter.notices).ok()?;
    let told = linter.notices.list.len();
    let values = coalesce::coalesce_values(&chart, &linter.values, linter.notices).ok()?;
    // And again: what a null took away in the first round comes back as the chart has it, and what was told is told once more.
    let values = match linter.values.is_empty() && linter.notices.list.len() == told {
        true => values,
        false => coalesce::coalesce_values(&chart, &values, linter.notices).ok()?,
    };
    if !options.skip_schema_validation
        && let Err(error) = schema::validate(&chart, &values, &options.schema, linter.notices)
    {
        linter.add_error(Rule::Templates, FOLDER, &error);
        return None;
    }
    let context = RenderContext { chart: &chart, values: values.clone(), release: release(options), capabilities };
    match engine::render_telling(&context, &engine_options(options), environment, linter.notices) {
        Ok(rendered) => {
            for error in &rendered.faults {
                linter.add_error(Rule::Templates, FOLDER, error);
            }
            Some(Rendering { chart, values, files: rendered.files, templates: rendered.templates })
        }
        Err(error) => {
            linter.add_error(Rule::Templates, FOLDER, &error);
            None
        }
    }
}

/// What there is to say of a file of documents.
pub(super) struct Remark<'a> {
    pub(super) severity: Severity,
    pub(super) message: String,
    /// What `at` counts its lines in: the file, or a document in it.
    pub(super) within: &'a [u8],
    pub(super) at: At,
}

/// What a remark is about.
#[derive(Debug)]
pub(super) enum At {
    /// A line, from 1, and the bytes before the place in it.
    Line(usize, Option<usize>),
    Key(&'static [&'static str]),
    Unknown,
}

impl Remark<'_> {
    fn broken<'a>(error: &Error, within: &'a [u8]) -> Remark<'a> {
        let at = error.place().map_or(At::Unknown, |place| At::Line(place.line.max(1), place.column));
        Remark { severity: Severity::Error, message: format!("unable to parse YAML: {error}"), within, at }
    }

    /// The place in the whole `text`, which is the file at `path`.
    pub(super) fn place(&self, path: &str, text: &[u8]) -> Option<Location> {
        let (line, column) = match self.at {
            At::Line(line, column) => (line, column),
            At::Key(path) => (yaml::locate(self.within, path)?, None),
            At::Unknown => return None,
        };
        let start = self.within.as_ptr().addr().checked_sub(text.as_ptr().addr())?;
        let before = memchr::memchr_iter(b'\n', text.get(..start)?).count();
        Some(Location { file: path.to_string(), line: before + line, column })
    }
}

/// Looks at every document of one rendered file; whether all of them are YAML.
fn check_file<'a>(text: &'a [u8], kube_version: &KubeVersion, remarks: &mut Vec<Remark<'a>>) -> bool {
    if let Some((line, message)) = illegal_indent(text) {
        remarks.push(Remark { severity: Severity::Warning, message, within: text, at: At::Line(line, None) });
    }
    for manifest in manifests(text) {
        let (document, manifest) = match manifest {
            Ok(manifest) => manifest,
            Err(broken) => {
                remarks.push(broken);
                return false;
            }
        };
        let is_list = manifest.kind == "List";
        let found = [
            (Severity::Warning, &["metadata", "name"][..], names::fault(&manifest.kind, &manifest.name)),
            (Severity::Warning, &["apiVersion"], manifest.deprecation(kube_version)),
            (Severity::Error, &["kind"], manifest.missing_selector(text)),
            (Severity::Error, &["kind"], is_list.then(|| list_annotation(text)).flatten()),
        ];
        let remark = |(severity, key, message): (Severity, &'static [&'static str], Option<String>)| {
            Some(Remark { severity, message: message?, within: document, at: At::Key(key) })
        };
        remarks.extend(found.into_iter().filter_map(remark));
    }
    true
}

/// A blank before the first line that is not empty, with the number of that.
fn illegal_indent(text: &[u8]) -> Option<(usize, String)> {
    let mut lines = text.split(|byte| *byte == b'\n').enumerate();
    let (before, line) = lines.find(|(_, line)| !String::from_utf8_lossy(line).trim().is_empty())?;
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    matches!(line.first(), Some(b' ' | b'\t'))
        .then(|| (before + 1, format!("document starts with an illegal indent: {}, which may cause parsing problems", quote(line))))
}

/// What the rules look at in a manifest.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Manifest {
    pub(super) api_version: String,
    pub(super) kind: String,
    pub(super) name: String,
}

static MANIFEST: Shape = Shape::Struct(
    "rules.k8sYamlStruct",
    &[
        Field("apiVersion", &Shape::Str),
        Field("Kind", &Shape::Str),
        Field("Metadata", &Shape::Struct("rules.k8sYamlMetadata", &[Field("Namespace", &Shape::Str), Field("Name", &Shape::Str)])),
    ],
);

static LIST: Shape = Shape::Struct(
    "",
    &[Field(
        "Items",
        &Shape::List(&Shape::Struct("", &[Field("Metadata", &Shape::Struct("", &[Field("Annotations", &Shape::Map(&Shape::Str))]))])),
    )],
);

impl Manifest {
    /// Reads one document; `None` when it is empty.
    fn parse(document: &[u8]) -> Result<Option<Manifest>> {
        Ok(Manifest::of(&yaml::decode(document, &MANIFEST)?))
    }

    /// The same of a tree of its shape.
    fn of(data: &Data) -> Option<Manifest> {
        let map = data.as_map()?;
        let text = |data: Option<&Data>| data.and_then(Data::as_str).unwrap_or_default().to_string();
        let name = map.get("Metadata").and_then(Data::as_map).and_then(|metadata| metadata.get("Name"));
        Some(Manifest { api_version: text(map.get("apiVersion")), kind: text(map.get("Kind")), name: text(name) })
    }

    fn deprecation(&self, version: &KubeVersion) -> Option<String> {
        if self.api_version.is_empty() || self.kind.is_empty() {
            return None;
        }
        deprecation::warning(&self.api_version, &self.kind, version.major.parse().ok()?, version.minor.parse().ok()?)
    }

    /// Helm looks for the words anywhere in the file.
    fn missing_selector(&self, file: &[u8]) -> Option<String> {
        let kind = &self.kind;
        let selects = matches!(kind.as_str(), "Deployment" | "ReplicaSet" | "DaemonSet" | "StatefulSet");
        let has = |word: &[u8]| memchr::memmem::find(file, word).is_some();
        if !selects || has(b"matchLabels") || has(b"matchExpressions") {
            return None;
        }
        let name = quote(self.name.as_bytes());
        Some(format!("a {kind} must contain matchLabels or matchExpressions, and {name} does not"))
    }
}

/// A resource policy on an item of a list, where it has no effect.
fn list_annotation(text: &[u8]) -> Option<String> {
    let data = match yaml::decode(text, &LIST) {
        Ok(data) => data,
        Err(error) => return Some(format!("unable to parse YAML: {error}")),
    };
    let has_policy = |item: &Data| {
        let annotations = item.as_map()?.get("Metadata")?.as_map()?.get("Annotations")?.as_map()?;
        annotations.contains_key("helm.sh/resource-policy").then_some(())
    };
    let items = data.as_map()?.get("Items")?.as_list()?;
    items
        .iter()
        .any(|item| has_policy(item).is_some())
        .then(|| "annotation 'helm.sh/resource-policy' within List objects are ignored".to_string())
}

/// How many bytes the decoder looks at to tell JSON from YAML.
const PEEKED: usize = 4096;

/// A manifest with its document, or why there is none.
type Read<'a> = std::result::Result<(&'a [u8], Manifest), Remark<'a>>;

/// The manifests of a text with their documents, as apimachinery's `YAMLOrJSONDecoder` finds them, up to the first fault; empty ones
/// are left out. What begins with a brace is taken for JSON objects one behind the other. Where JSON ends, after one object at most,
/// it is YAML; if that fails there too, the fault is that of JSON.
pub(super) fn manifests(text: &[u8]) -> Vec<Read<'_>> {
    let mut found = Vec::new();
    let (mut start, mut json_fault) = (0, None);
    let beginning = text.get(..PEEKED).unwrap_or(text);
    if String::from_utf8_lossy(beginning).trim_start().starts_with('{') {
        let objects = json_objects(text, &mut found);
        let Some(broken) = objects.broken else { return found };
        let broken = if objects.count > 1 { broken } else { broken.with_offset() };
        match yaml_start(text, objects.end).filter(|_| objects.count <= 1) {
            Some(at) => (start, json_fault) = (at, Some(broken)),
            None => {
                found.push(Err(broken.remark(text)));
                return found;
            }
        }
    }
    for document in yaml_documents(text.get(start..).unwrap_or_default()) {
        let read = match document {
            Err(error) => Err(Remark::broken(&error, text)),
            Ok(document) => match Manifest::parse(document) {
                Ok(manifest) => Ok(manifest.map(|manifest| (document, manifest))),
                Err(error) => Err(Remark::broken(&error, document)),
            },
        };
        match (read, json_fault.take()) {
            (Ok(manifest), _) => found.extend(manifest.map(Ok)),
            (Err(broken), json_fault) => {
                found.push(Err(json_fault.map_or(broken, |fault| fault.remark(text))));
                break;
            }
        }
    }
    found
}

/// The JSON objects that a text begins with.
struct Objects {
    count: usize,
    /// Where the last one ends.
    end: usize,
    /// Why there is no further one, if anything is left.
    broken: Option<JsonFault>,
}

/// Why a text is no JSON, or no manifest in it.
struct JsonFault {
    message: String,
    /// The byte, from 0, that is not.
    at: Option<usize>,
}

fn json_objects<'a>(text: &'a [u8], found: &mut Vec<Read<'a>>) -> Objects {
    let mut objects = Objects { count: 0, end: 0, broken: None };
    loop {
        let broken = match json::parse_next(text, objects.end) {
            Ok(None) => return objects,
            Err(stop) => JsonFault { message: stop.message, at: stop.at },
            Ok(Some((data, end))) => match yaml::fit_json(&data, &MANIFEST) {
                Ok(data) => {
                    let document = text.get(objects.end..end).unwrap_or_default();
                    found.extend(Manifest::of(&data).map(|manifest| Ok((document, manifest))));
                    (objects.end, objects.count) = (end, objects.count + 1);
                    continue;
                }
                Err(error) => JsonFault { message: error.message().to_string(), at: None },
            },
        };
        return Objects { broken: Some(broken), ..objects };
    }
}

impl JsonFault {
    /// What is said once YAML has failed as well.
    fn with_offset(self) -> JsonFault {
        match self.at {
            Some(at) => JsonFault { message: format!("json: offset {}: {}", at + 1, self.message), ..self },
            None => self,
        }
    }

    fn remark(self, text: &[u8]) -> Remark<'_> {
        let error = Error::new(ErrorKind::Syntax, self.message);
        let at = self.at.and_then(|at| text.get(..at)).map_or(At::Unknown, |before| {
            let line = memchr::memrchr(b'\n', before).map_or(0, |end| end + 1);
            At::Line(memchr::memchr_iter(b'\n', before).count() + 1, Some(before.len() - line))
        });
        Remark { at, ..Remark::broken(&error, text) }
    }
}

/// Where YAML begins behind an object that ends at `at`: after the blanks there, or the end of the line. `None` where the decoder, which
/// looks at four bytes at once, finds fewer, or no character.
fn yaml_start(text: &[u8], mut at: usize) -> Option<usize> {
    loop {
        let four = text.get(at..at + 4)?;
        let character = match std::str::from_utf8(four) {
            Ok(text) => text.chars().next(),
            Err(error) => std::str::from_utf8(four.get(..error.valid_up_to())?).ok()?.chars().next(),
        };
        let character = character.filter(|character| *character != char::REPLACEMENT_CHARACTER)?;
        if !character.is_whitespace() {
            return Some(at);
        }
        at += character.len_utf8();
        if character == '\n' {
            return Some(at);
        }
    }
}

/// Cuts a text at lines that begin with `---`, as apimachinery's YAML reader does. Only blanks and a comment may follow
/// the dashes; a document that nothing stands before begins with them.
fn yaml_documents(text: &[u8]) -> Vec<Result<&[u8]>> {
    let mut found = Vec::new();
    let (mut start, mut at) = (0, 0);
    for (number, line) in text.split_inclusive(|byte| *byte == b'\n').enumerate() {
        if let Some(rest) = line.strip_prefix(b"---") {
            let rest = String::from_utf8_lossy(rest);
            let rest = rest.trim();
            if !rest.is_empty() && !rest.starts_with('#') {
                let message = format!("invalid Yaml document separator: {rest}");
                let location = Location { file: String::new(), line: number + 1, column: None };
                let diagnostic = Diagnostic { headline: message.clone(), location: Some(location), ..Diagnostic::default() };
                found.push(Err(Error::new(ErrorKind::Syntax, message).with_diagnostic(diagnostic)));
                return found;
            }
            if at > start {
                found.push(Ok(text.get(start..at).unwrap_or_default()));
                start = at + line.len();
            }
        }
        at += line.len();
    }
    if at > start {
        found.push(Ok(text.get(start..at).unwrap_or_default()));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_cut_as_apimachinery_does() {
        let cut = |text: &'static str| -> Vec<String> {
            let told = |found: Read<'_>| match found {
                Ok((document, manifest)) => format!("{} {}", manifest.kind, String::from_utf8_lossy(document)),
                Err(remark) => format!("{} {:?}", remark.message.trim_start_matches("unable to parse YAML: "), remark.at),
            };
            manifests(text.as_bytes()).into_iter().map(told).collect()
        };
        assert_eq!(cut(""), Vec::<String>::new());
        assert_eq!(cut("kind: A\n---\nb: 2"), ["A kind: A\n", " b: 2"]);
        assert_eq!(cut("---\na: 1\n--- # x\n"), [" ---\na: 1\n"]);
        assert_eq!(cut("{\"kind\": \"}\\\"\"}\n {\"b\": [1e999]}\n"), ["}\" {\"kind\": \"}\\\"\"}", " \n {\"b\": [1e999]}"]);
        assert_eq!(cut("{kind: A}\n---\nkind: B"), ["A {kind: A}\n", "B kind: B"]);
        assert_eq!(cut("{\"kind\": 1}\n---\nkind: B"), ["1 {\"kind\": 1}\n", "B kind: B"]);
        assert_eq!(
            cut("\n {{ .x }}"),
            ["json: offset 4: invalid character '{' looking for beginning of object key string Line(2, Some(2))"]
        );
        assert_eq!(cut("{}\nkind: A\n"), [" {}", "A kind: A\n"]);
        assert_eq!(cut("{} \n - x: {"), [" {}", "json: offset 7: invalid character ' ' in numeric literal Line(2, Some(2))"]);
        assert_eq!(cut("{}{}x"), [" {}", " {}", "invalid character 'x' looking for beginning of value Line(1, Some(4))"]);
        assert_eq!(cut("{\"a\":"), ["unexpected EOF Unknown"]);
        assert_eq!(
            cut("{\"metadata\": 1}"),
            ["json: cannot unmarshal number into Go struct field k8sYamlStruct.Metadata of type rules.k8sYamlMetadata Unknown"]
        );
        assert_eq!(cut("a: 1\n---b\n"), ["invalid Yaml document separator: b Line(2, None)"]);
    }

    #[test]
    fn an_indented_start_is_told() {
        assert_eq!(
            illegal_indent(b"\n \n\ta: 1\r\n"),
            Some((3, "document starts with an illegal indent: \"\\ta: 1\", which may cause parsing problems".to_string()))
        );
        assert_eq!(illegal_indent(b"a: 1\n  b: 2"), None);
    }
}
