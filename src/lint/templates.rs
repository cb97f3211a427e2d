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
use crate::template::engine::{self, Capabilities, Environment, KubeVersion, Release, RenderContext, TemplateSet};
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
        Err(error) => return linter.add_error(Rule::Templates, FOLDER, &error),
    };
    let mut capabilities = Capabilities::default();
    if let Some(version) = &linter.options.kube_version {
        capabilities.kube_version = version.clone();
    }
    let Some(rendering) = render(linter, &chart, &capabilities, environment) else { return };
    let rendered: HashMap<&str, &[u8]> = rendering.files.iter().map(|file| (file.name.as_str(), file.data.as_slice())).collect();
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
            if let (Some(finding), Some(place)) = (linter.findings.last_mut(), place) {
                finding.diagnostics.extend(rendering.writer(linter.options, &capabilities, environment, &place, text));
            }
        }
        // As in Helm, what is no YAML ends the whole rule, unless all faults were asked for.
        if !is_yaml && !linter.options.all_faults {
            return;
        }
    }
}

/// What was rendered, and from what.
struct Rendering {
    chart: Chart,
    values: Arc<Map>,
    files: Vec<engine::RenderedFile>,
    templates: Option<Arc<TemplateSet>>,
}

impl Rendering {
    /// Where this place in the rendered file `text` was written: Helm tells only the line, of a text that nobody has.
    fn writer(
        &self,
        options: &Options,
        capabilities: &Capabilities,
        environment: &mut dyn Environment,
        place: &Location,
        text: &[u8],
    ) -> Option<Diagnostic> {
        let context = RenderContext { chart: &self.chart, values: self.values.clone(), release: release(options), capabilities };
        let (set, line) = (self.templates.as_ref()?, source_line(text, place.line)?);
        let mut writer = engine::writer_of_line(&context, set, &engine_options(options), environment, place, &line)?;
        writer.notes.push(engine::rendered_lines(text, place.line));
        // The hints are about what is no YAML, of which the column is known.
        if place.column.is_none() {
            writer.hints.clear();
        }
        Some(writer)
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
    let values = coalesce::coalesce_values(&chart, &linter.values, linter.notices).ok()?;
    // And again: what a null took away in the first round comes back as the chart has it.
    let values = match linter.values.is_empty() {
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

/// One document of `text`, and what the rules look at in it; `None` when it is empty.
pub(super) fn read_manifest<'a>(
    document: Result<&'a [u8]>,
    text: &'a [u8],
) -> std::result::Result<(&'a [u8], Option<Manifest>), Remark<'a>> {
    let document = document.map_err(|error| Remark::broken(&error, text))?;
    let manifest = Manifest::parse(document).map_err(|error| Remark::broken(&error, document))?;
    Ok((document, manifest))
}

/// Looks at every document of one rendered file; whether all of them are YAML.
fn check_file<'a>(text: &'a [u8], kube_version: &KubeVersion, remarks: &mut Vec<Remark<'a>>) -> bool {
    if let Some((line, message)) = illegal_indent(text) {
        remarks.push(Remark { severity: Severity::Warning, message, within: text, at: At::Line(line, None) });
    }
    for document in documents(text) {
        let (document, manifest) = match read_manifest(document, text) {
            Ok((document, Some(manifest))) => (document, manifest),
            Ok((_, None)) => continue,
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
        let data = yaml::decode(document, &MANIFEST)?;
        let Some(map) = data.as_map() else { return Ok(None) };
        let text = |data: Option<&Data>| data.and_then(Data::as_str).unwrap_or_default().to_string();
        let name = map.get("Metadata").and_then(Data::as_map).and_then(|metadata| metadata.get("Name"));
        Ok(Some(Manifest { api_version: text(map.get("apiVersion")), kind: text(map.get("Kind")), name: text(name) }))
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

/// The documents of a text as apimachinery's decoder finds them: JSON objects one behind the other, or YAML.
pub(super) fn documents(text: &[u8]) -> Vec<Result<&[u8]>> {
    let start = text.len() - text.trim_ascii_start().len();
    if text.get(start) != Some(&b'{') {
        return yaml_documents(text);
    }
    match json_objects(text) {
        Some(objects) => objects,
        // What opens an object and a template action is neither JSON nor, mostly, YAML; the decoder then speaks as for JSON.
        None if text.get(start + 1) == Some(&b'{') => {
            let offset = start + 2;
            let message = format!("json: offset {offset}: invalid character '{{' looking for beginning of object key string");
            vec![Err(Error::new(ErrorKind::Syntax, message))]
        }
        None => yaml_documents(text),
    }
}

/// The objects of a text that holds nothing else.
fn json_objects(text: &[u8]) -> Option<Vec<Result<&[u8]>>> {
    let mut found = Vec::new();
    let (mut start, mut depth, mut in_string, mut escaped) = (0, 0usize, false, false);
    for (at, byte) in text.iter().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            _ if in_string => {}
            b'{' | b'[' => depth += 1,
            b'}' | b']' => {
                depth = depth.checked_sub(1)?;
                if depth == 0 {
                    let object = text.get(start..=at)?;
                    json::parse(object).ok()?;
                    found.push(Ok(object));
                    start = at + 1;
                }
            }
            _ => {}
        }
    }
    text.get(start..)?.trim_ascii().is_empty().then_some(found)
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
    fn texts_are_cut_at_separators() {
        let cut = |text: &'static str| -> Vec<String> {
            documents(text.as_bytes())
                .into_iter()
                .map(|document| match document {
                    Ok(text) => String::from_utf8_lossy(text).into_owned(),
                    Err(error) => format!("error: {error}"),
                })
                .collect()
        };
        assert_eq!(cut(""), Vec::<String>::new());
        assert_eq!(cut("a: 1\n---\nb: 2"), ["a: 1\n", "b: 2"]);
        assert_eq!(cut("---\na: 1\n--- # x\n"), ["---\na: 1\n"]);
        assert_eq!(cut("{\"a\": \"}\\\"\"}\n {\"b\": [1]}\n"), ["{\"a\": \"}\\\"\"}", "\n {\"b\": [1]}"]);
        assert_eq!(cut("{a: 1}\n---\nb: 2"), ["{a: 1}\n", "b: 2"]);
        assert_eq!(cut(" {{ .x }}"), ["error: json: offset 3: invalid character '{' looking for beginning of object key string"]);
        assert_eq!(cut("a: 1\n---b\n"), ["error: invalid Yaml document separator: b"]);
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
