//! The data that each chart's templates see: `.Values`, `.Chart`, `.Files`, `.Release`, `.Capabilities`, `.Subcharts`.
//!
//! Goes in: the chart tree and the coalesced values of its root. Comes out: one context for each chart, and every template with
//! the number of its context: contexts stay on one thread, templates are shared by several. A subchart's `.Values` is the very map
//! under its name in the parent's, and `.Subcharts.x` is the context of `x` itself, so a change to one shows in the other, as in
//! Helm. Follows `recAllTpls` of Helm's engine.go.

use super::files::Files;
use super::{Release, RenderContext};
use crate::chart::{Chart, Dependency, File, Maintainer, Metadata};
use crate::data::{self, Data};
use crate::fs::clean_name;
use crate::template::value::globals::{Link, Scope};
use crate::template::value::{Facts, Map, MapKind, Str, Value, trace};
use std::rc::Rc;
use std::sync::Arc;

/// One template file and its context.
pub(super) struct Renderable<'a> {
    /// `chart/charts/sub/templates/x.yaml`
    pub(super) name: Arc<str>,
    pub(super) file: &'a File,
    /// The index into [`contexts`] of its context.
    pub(super) context: usize,
    /// `chart/charts/sub/templates`
    pub(super) base_path: Arc<str>,
}

impl Renderable<'_> {
    /// Whether the file is only meant to be included.
    pub(super) fn is_partial(&self) -> bool {
        is_partial(&self.name)
    }

    /// The value of `.Template` while the file is rendered.
    pub(super) fn facts(&self) -> Value {
        let facts = Place { name: self.name.clone(), base_path: self.base_path.clone() };
        Value::Map(Map::facts(MapKind::Values, Rc::new(facts)))
    }
}

/// The fields of `.Template`.
struct Place {
    name: Arc<str>,
    base_path: Arc<str>,
}

impl Facts for Place {
    fn scalar(&self, key: &[u8]) -> Option<Value> {
        match key {
            b"Name" => Some(Value::str(self.name.clone())),
            b"BasePath" => Some(Value::str(self.base_path.clone())),
            _ => None,
        }
    }

    fn entries(&self) -> Vec<(Str, Value)> {
        ["BasePath", "Name"].iter().filter_map(|name| Some((Str::from(*name), self.scalar(name.as_bytes())?))).collect()
    }
}

/// All template files of a chart tree, in no particular order.
pub(super) fn collect(chart: &Chart) -> Vec<Renderable<'_>> {
    fn count(chart: &Chart) -> usize {
        chart.content.templates.len() + chart.dependencies.iter().map(count).sum::<usize>()
    }
    let mut renderables = Vec::with_capacity(count(chart));
    let mut charts = 0;
    collect_below(chart, chart.name(), &mut charts, &mut renderables);
    renderables
}

/// Collects the templates of a chart and its subcharts; charts are numbered as in [`chart_context`].
fn collect_below<'a>(chart: &'a Chart, path: &str, charts: &mut usize, renderables: &mut Vec<Renderable<'a>>) {
    let context = *charts;
    *charts += 1;
    for child in &chart.dependencies {
        collect_below(child, &child.path_in(path), charts, renderables);
    }
    let is_library = chart.metadata.is_library();
    let base_path: Arc<str> = format!("{path}/templates").into();
    let templates = chart.content.templates.iter().filter(|file| !is_library || is_partial(&file.name));
    renderables.extend(templates.map(|file| Renderable {
        name: clean_join(path, &file.name).into(),
        file,
        context,
        base_path: base_path.clone(),
    }));
}

/// The parts that all charts share.
struct Shared<'a> {
    release: Value,
    capabilities: Value,
    /// The keys of a context.
    keys: [Str; KEYS.len()],
    contexts: &'a mut Vec<Map>,
}

/// The keys of a context besides `.Template`.
const KEYS: [&str; 6] = ["Chart", "Files", "Release", "Capabilities", "Values", "Subcharts"];

/// The contexts of the charts of a tree, each chart's before those of its subcharts.
pub(super) fn contexts(render: &RenderContext<'_>) -> Vec<Map> {
    let mut contexts = Vec::new();
    trace::make_contexts();
    let mut shared = Shared {
        release: release(&render.release),
        capabilities: render.capabilities.to_value(),
        keys: KEYS.map(Str::from),
        contexts: &mut contexts,
    };
    // Sharing must be tracked only if there are several charts.
    let values = match render.chart.dependencies.is_empty() {
        true => Map::from_data(MapKind::Values, render.values.clone()),
        false => {
            let scope = scope(render.chart, &render.values, None);
            Map::linked(MapKind::Values, render.values.clone(), Link::Values(Rc::new(scope)))
        }
    };
    chart_context(render.chart, true, values, &mut shared);
    trace::contexts_are_made();
    contexts
}

fn release(release: &Release) -> Value {
    Value::map([
        (Str::from("Name"), Value::str(release.name.as_str())),
        (Str::from("Namespace"), Value::str(release.namespace.as_str())),
        (Str::from("IsUpgrade"), Value::Bool(release.is_upgrade)),
        (Str::from("IsInstall"), Value::Bool(release.is_install)),
        (Str::from("Revision"), Value::int(release.revision)),
        (Str::from("Service"), Value::str("Helm")),
    ])
}

/// The parts of their globals that a chart and its subcharts share.
fn scope(chart: &Chart, values: &data::Map, parent: Option<&Scope>) -> Scope {
    let mut own = Scope::new(values, parent);
    for child in &chart.dependencies {
        if let Some(values) = values.get(child.name()).and_then(Data::as_map) {
            let below = scope(child, values, Some(&own));
            own.add(child.name(), below);
        }
    }
    own
}

/// Makes the context of a chart and its subcharts.
fn chart_context(chart: &Chart, is_root: bool, values: Map, shared: &mut Shared<'_>) -> Map {
    let subcharts = Map::new(MapKind::Any);
    let values_of_keys = [
        Value::Map(Map::facts(MapKind::Any, Rc::new(About { metadata: chart.metadata.clone(), is_root }))),
        Value::Object(Rc::new(Files::new(&chart.content))),
        shared.release.clone(),
        shared.capabilities.clone(),
        Value::Map(values.clone()),
        Value::Map(subcharts.clone()),
    ];
    let context = Map::root(shared.keys.iter().cloned().zip(values_of_keys));
    shared.contexts.push(context.clone());
    for child in &chart.dependencies {
        // A dot in a chart's name separates keys, as in Helm.
        let child_values =
            values.table(child.name().as_bytes()).map_or_else(|_| Map::new(MapKind::Values), |map| map.with_kind(MapKind::Values));
        let child_context = chart_context(child, false, child_values, shared);
        subcharts.insert(Str::from(child.name()), Value::Map(child_context.with_kind(MapKind::Any)));
    }
    context
}

/// Whether a file only has definitions for other files.
pub(crate) fn is_partial(name: &str) -> bool {
    name.rsplit('/').next().unwrap_or(name).starts_with('_')
}

/// Go's `path.Join` of a chart's path and a file's name.
fn clean_join(path: &str, name: &str) -> String {
    // Most names are clean.
    if !name.is_empty() && name.split('/').all(|part| !matches!(part, "" | "." | "..")) {
        return [path, "/", name].concat();
    }
    String::from_utf8_lossy(&clean_name([path, "/", name].concat().as_bytes())).into_owned()
}

fn texts(list: &[String]) -> Value {
    Value::list(list.iter().map(|text| Value::str(text.as_str())).collect())
}

/// Chart.yaml as a map with the names of all fields of Go's `chart.Metadata`, and whether the chart is the root.
struct About {
    metadata: Arc<Metadata>,
    is_root: bool,
}

/// The fields that are strings or booleans.
const SCALARS: [&str; 13] = [
    "Name",
    "Home",
    "Version",
    "Description",
    "Icon",
    "APIVersion",
    "Condition",
    "Tags",
    "AppVersion",
    "Deprecated",
    "KubeVersion",
    "Type",
    "IsRoot",
];

impl Facts for About {
    fn scalar(&self, key: &[u8]) -> Option<Value> {
        let metadata = &*self.metadata;
        let text = match key {
            b"Name" => &metadata.name,
            b"Home" => &metadata.home,
            b"Version" => &metadata.version,
            b"Description" => &metadata.description,
            b"Icon" => &metadata.icon,
            b"APIVersion" => &metadata.api_version,
            b"Condition" => &metadata.condition,
            b"Tags" => &metadata.tags,
            b"AppVersion" => &metadata.app_version,
            b"Deprecated" => return Some(Value::Bool(metadata.deprecated)),
            b"KubeVersion" => &metadata.kube_version,
            b"Type" => &metadata.kind,
            b"IsRoot" => return Some(Value::Bool(self.is_root)),
            _ => return None,
        };
        Some(Value::str(text.as_str()))
    }

    fn entries(&self) -> Vec<(Str, Value)> {
        let metadata = &*self.metadata;
        let annotations = match &metadata.annotations {
            None => Map::nil(MapKind::Str),
            Some(pairs) => {
                Map::from_entries(MapKind::Str, pairs.iter().map(|(key, value)| (Str::from(key.as_str()), Value::str(value.as_str()))))
            }
        };
        let scalars = SCALARS.iter().filter_map(|name| Some((Str::from(*name), self.scalar(name.as_bytes())?)));
        let others = [
            ("Sources", texts(&metadata.sources)),
            ("Keywords", texts(&metadata.keywords)),
            ("Maintainers", Value::list(metadata.maintainers.iter().map(maintainer).collect())),
            ("Annotations", Value::Map(annotations)),
            ("Dependencies", Value::list(metadata.dependencies.iter().map(dependency).collect())),
        ];
        scalars.chain(others.map(|(name, value)| (Str::from(name), value))).collect()
    }
}

fn maintainer(maintainer: &Maintainer) -> Value {
    Value::map([
        (Str::from("Name"), Value::str(maintainer.name.as_str())),
        (Str::from("Email"), Value::str(maintainer.email.as_str())),
        (Str::from("URL"), Value::str(maintainer.url.as_str())),
    ])
}

fn dependency(dependency: &Dependency) -> Value {
    let text = |text: &String| Value::str(text.as_str());
    let entries: [(&str, Value); 8] = [
        ("Name", text(&dependency.name)),
        ("Version", text(&dependency.version)),
        ("Repository", text(&dependency.repository)),
        ("Condition", text(&dependency.condition)),
        ("Tags", texts(&dependency.tags)),
        ("Enabled", Value::Bool(dependency.enabled)),
        ("ImportValues", Value::list(dependency.import_values.iter().map(|data: &Data| Value::from_data(data)).collect())),
        ("Alias", text(&dependency.alias)),
    ];
    Value::map(entries.into_iter().map(|(name, value)| (Str::from(name), value)))
}
