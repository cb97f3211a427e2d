//! The rule for templates/: they render, and the results are manifests that Kubernetes would accept.
//!
//! Goes in: the loaded chart, the user's values, capabilities. Comes out: findings under the template's name, or under
//! `templates/` if they concern all templates. Matches Helm's `pkg/chart/v2/lint/rules/template.go`.

use super::documents::{At, Manifest, Remark, manifests};
use super::source::Found;
use super::{Linter, Options, Rule, Severity, deprecation, names};
use crate::chart::Chart;
use crate::data::{Data, Map};
use crate::dependency;
use crate::diagnostic::source_line;
use crate::fs;
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
        let extension = fs::extension(name);
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
        // As in Helm, a document that is not YAML ends the whole rule, unless all faults were requested.
        if !is_yaml && !linter.options.all_faults {
            break;
        }
    }
    rendering.place(linter, &capabilities, environment, found);
}

/// A finding about a line of a rendered file.
struct FoundLine<'a> {
    /// Its index among the findings.
    finding: usize,
    rendered: &'a [u8],
    line: WrittenLine,
}

/// The rendered files, and their sources.
struct Rendering {
    chart: Chart,
    values: Arc<Map>,
    files: Vec<engine::RenderedFile>,
    templates: Option<Arc<TemplateSet>>,
}

impl Rendering {
    /// Adds to each of these findings the place that wrote its line: Helm names only the line, in a text that the user does not
    /// have.
    fn place(&self, linter: &mut Linter<'_>, capabilities: &Capabilities, environment: &mut dyn Environment, found: Vec<FoundLine<'_>>) {
        let Some(set) = self.templates.as_ref().filter(|_| !found.is_empty()) else { return };
        let options = linter.options;
        let context = RenderContext { chart: &self.chart, values: self.values.clone(), release: release(options), capabilities };
        let lines: Vec<WrittenLine> = found.iter().map(|found| found.line.clone()).collect();
        let writers = engine::writers_of_lines(&context, set, &engine_options(options), environment, &lines);
        for (FoundLine { finding, rendered, line }, writer) in found.into_iter().zip(writers) {
            let (Some(writer), Some(finding)) = (writer, linter.findings.get_mut(finding)) else { continue };
            let mut written = writer.diagnostic;
            written.notes.push(engine::rendered_lines(rendered, writer.line, line.place.line));
            // The hints are for invalid YAML, whose column is known.
            if line.place.column.is_none() {
                written.hints.clear();
            }
            finding.diagnostics.push(written);
        }
    }
}

fn release(options: &Options) -> Release {
    Release { name: "test-release".to_string(), namespace: options.namespace.clone(), revision: 0, is_install: false, is_upgrade: false }
}

fn engine_options(options: &Options) -> engine::Options {
    let default = engine::Options::default();
    let step_limit = options.step_limit.unwrap_or(default.step_limit);
    let memory_limit = options.memory_limit.unwrap_or(default.memory_limit);
    engine::Options { lint: true, all_faults: options.all_faults, step_limit, memory_limit, ..default }
}

/// The rendered files; `None` when something failed, which is then a finding (or, as in Helm, not reported).
fn render(linter: &mut Linter<'_>, chart: &Chart, capabilities: &Capabilities, environment: &mut dyn Environment) -> Option<Rendering> {
    let options = linter.options;
    // Helm does not report faults in these two steps.
    let chart = dependency::process(chart, &linter.values, linter.notices).ok()?;
    let told = linter.notices.list.len();
    let values = coalesce::coalesce_values(&chart, &linter.values, linter.notices).ok()?;
    // Coalesced again: a default that a null removed in the first round comes back, and notices are repeated.
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

/// Checks every document of one rendered file; whether all of them are YAML.
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

/// The line and message if a blank precedes the first line that is not empty, or if that line is longer than Go's scanner takes.
fn illegal_indent(text: &[u8]) -> Option<(usize, String)> {
    /// `bufio.MaxScanTokenSize`
    const LONGEST_LINE: usize = 64 << 10;
    for (before, line) in text.split(|byte| *byte == b'\n').enumerate() {
        if line.len() >= LONGEST_LINE {
            return Some((before + 1, "bufio.Scanner: token too long".to_string()));
        }
        if !String::from_utf8_lossy(line).trim().is_empty() {
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            let message = || format!("document starts with an illegal indent: {}, which may cause parsing problems", quote(line));
            return matches!(line.first(), Some(b' ' | b'\t')).then(|| (before + 1, message()));
        }
    }
    None
}

static LIST: Shape = Shape::Struct(
    "",
    &[Field(
        "Items",
        &Shape::List(&Shape::Struct("", &[Field("Metadata", &Shape::Struct("", &[Field("Annotations", &Shape::Map(&Shape::Str))]))])),
    )],
);

impl Manifest {
    fn deprecation(&self, version: &KubeVersion) -> Option<String> {
        if self.api_version.is_empty() || self.kind.is_empty() {
            return None;
        }
        deprecation::warning(&self.api_version, &self.kind, version.major.parse().ok()?, version.minor.parse().ok()?)
    }

    /// Helm searches for the words anywhere in the file.
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

/// The message for a resource policy on a list item, where it has no effect.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_indented_start_is_told() {
        assert_eq!(
            illegal_indent(b"\n \n\ta: 1\r\n"),
            Some((3, "document starts with an illegal indent: \"\\ta: 1\", which may cause parsing problems".to_string()))
        );
        assert_eq!(illegal_indent(b"a: 1\n  b: 2"), None);
        // As Helm 4.2.4 tells it.
        let long = [&b"\na"[..], &[b'x'; 65_535], b"\n"].concat();
        assert_eq!(illegal_indent(&long), Some((2, "bufio.Scanner: token too long".to_string())));
        assert_eq!(illegal_indent(&long[2..]), None);
        assert_eq!(illegal_indent(&[b"a: 1\n", &long[..]].concat()), None);
    }
}
