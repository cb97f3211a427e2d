//! Chart.yaml as a typed value: read, validated, sanitised, written back.
//!
//! Goes in: the text of Chart.yaml (and of requirements.yaml, whose fields are read over it). Comes out: [`Metadata`], its YAML as
//! `package` writes it, and its JSON as registries store it. It is separate from the loader because indexes, provenance files and
//! lint read the same structure. Matches Helm's `pkg/chart/v2/{metadata,dependency}.go` and Go's JSON decoding rules.

use super::fault;
use crate::data::{Data, Map};
use crate::error::{Cause, Error, Result};
use crate::quote::{is_printable, quote};
use crate::version::Version;
use crate::yaml::{self, Field, Shape};
use std::borrow::Cow;
use std::collections::HashSet;
use std::sync::Arc;

/// Chart.yaml. Absent text fields are empty, as in Go.
#[derive(Debug, Clone, Default)]
pub struct Metadata {
    pub name: String,
    pub home: String,
    pub sources: Vec<String>,
    pub version: String,
    pub description: String,
    pub keywords: Vec<String>,
    pub maintainers: Vec<Maintainer>,
    pub icon: String,
    pub api_version: String,
    pub condition: String,
    pub tags: String,
    pub app_version: String,
    pub deprecated: bool,
    /// Sorted by key; `None` when the key is absent.
    pub annotations: Option<Vec<(String, String)>>,
    pub kube_version: String,
    pub dependencies: Vec<Dependency>,
    /// Whether there is a list of dependencies, even an empty one: a Go slice that is not nil.
    pub(crate) has_dependency_list: bool,
    /// `application`, `library` or empty.
    pub kind: String,
    /// Null entries of lists, which are reported only by [`Metadata::validate`].
    pub(crate) nulls: Nulls,
}

/// The index of the first null in each list that must have none.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Nulls {
    pub(crate) maintainer: Option<usize>,
    pub(crate) dependency: Option<usize>,
}

/// A maintainer of a chart.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Maintainer {
    pub name: String,
    pub email: String,
    pub url: String,
}

/// One entry of `dependencies`.
#[derive(Debug, Clone, Default)]
pub struct Dependency {
    pub name: String,
    /// A version or a constraint.
    pub version: String,
    /// A URL, `@name` or `alias:name` of a known repository, or empty for a chart in `charts/`.
    pub repository: String,
    /// Paths of booleans in the values, separated by commas: the first that exists decides.
    pub condition: String,
    /// Names under `tags` in the values that switch it on or off together with others.
    pub tags: Vec<String>,
    /// Whether the chart is used: the result of conditions and tags, once dependencies were processed.
    pub enabled: bool,
    /// Strings (a key of the subchart's `exports`) and maps (`child`, `parent`: paths).
    pub import_values: Vec<Data>,
    /// Another name for the subchart, so that a chart can be used more than once; empty when it keeps its own.
    pub alias: String,
}

impl Dependency {
    /// Whether both choose the same chart under the same name and conditions; their imported values are not compared.
    pub fn is_same_choice(&self, other: &Dependency) -> bool {
        (&self.name, &self.version, &self.repository, &self.condition, &self.tags, self.enabled, &self.alias)
            == (&other.name, &other.version, &other.repository, &other.condition, &other.tags, other.enabled, &other.alias)
    }
}

const STRINGS: Shape = Shape::List(&Shape::Str);

static MAINTAINER: Shape =
    Shape::Struct("v2.Maintainer", &[Field("name", &Shape::Str), Field("email", &Shape::Str), Field("url", &Shape::Str)]);

/// Go's `[]*v2.Dependency`.
pub(crate) static DEPENDENCIES: Shape = Shape::List(&DEPENDENCY);

static DEPENDENCY: Shape = Shape::Struct(
    "v2.Dependency",
    &[
        Field("name", &Shape::Str),
        Field("version", &Shape::Str),
        Field("repository", &Shape::Str),
        Field("condition", &Shape::Str),
        Field("tags", &STRINGS),
        Field("enabled", &Shape::Bool),
        Field("import-values", &Shape::List(&Shape::Any)),
        Field("alias", &Shape::Str),
    ],
);

/// The fields of Go's `v2.Metadata`, for shapes that embed it.
pub static METADATA_FIELDS: &[Field] = &[
    Field("name", &Shape::Str),
    Field("home", &Shape::Str),
    Field("sources", &STRINGS),
    Field("version", &Shape::Str),
    Field("description", &Shape::Str),
    Field("keywords", &STRINGS),
    Field("maintainers", &Shape::List(&MAINTAINER)),
    Field("icon", &Shape::Str),
    Field("apiVersion", &Shape::Str),
    Field("condition", &Shape::Str),
    Field("tags", &Shape::Str),
    Field("appVersion", &Shape::Str),
    Field("deprecated", &Shape::Bool),
    Field("annotations", &Shape::Map(&Shape::Str)),
    Field("kubeVersion", &Shape::Str),
    Field("dependencies", &DEPENDENCIES),
    Field("type", &Shape::Str),
];

/// Go's `v2.Metadata`.
pub static METADATA: Shape = Shape::Struct("v2.Metadata", METADATA_FIELDS);

impl Metadata {
    /// Whether there is a list of dependencies, even an empty one: Go distinguishes it from a nil slice.
    pub fn lists_dependencies(&self) -> bool {
        self.has_dependency_list || !self.dependencies.is_empty()
    }

    /// Reads a Chart.yaml without validating it; unknown fields are ignored.
    pub fn parse(text: &[u8]) -> Result<Metadata> {
        let mut metadata = Metadata::default();
        metadata.overlay(&yaml::decode(text, &METADATA)?);
        Ok(metadata)
    }

    /// Reads further fields over the existing ones: requirements.yaml over Chart.yaml.
    pub fn parse_over(&mut self, text: &[u8]) -> Result<()> {
        self.overlay(&yaml::decode(text, &METADATA)?);
        Ok(())
    }

    /// The metadata in a tree of the shape [`METADATA`].
    pub fn from_data(data: &Data) -> Metadata {
        let mut metadata = Metadata::default();
        metadata.overlay(data);
        metadata
    }

    fn overlay(&mut self, data: &Data) {
        let Some(map) = data.as_map() else { return };
        text_over(&mut self.name, map, "name");
        text_over(&mut self.home, map, "home");
        texts_over(&mut self.sources, map, "sources");
        text_over(&mut self.version, map, "version");
        text_over(&mut self.description, map, "description");
        texts_over(&mut self.keywords, map, "keywords");
        text_over(&mut self.icon, map, "icon");
        text_over(&mut self.api_version, map, "apiVersion");
        text_over(&mut self.condition, map, "condition");
        text_over(&mut self.tags, map, "tags");
        text_over(&mut self.app_version, map, "appVersion");
        if let Some(Data::Bool(deprecated)) = map.get("deprecated") {
            self.deprecated = *deprecated;
        }
        text_over(&mut self.kube_version, map, "kubeVersion");
        text_over(&mut self.kind, map, "type");
        if let Some(annotations) = map.get("annotations").and_then(Data::as_map) {
            // Go decodes into the existing map: earlier keys stay.
            let mut merged: std::collections::BTreeMap<String, String> = self.annotations.take().unwrap_or_default().into_iter().collect();
            for (key, value) in annotations.iter() {
                merged.insert(key.to_string(), value.as_str().unwrap_or_default().to_string());
            }
            self.annotations = Some(merged.into_iter().collect());
        }
        if let Some(items) = map.get("maintainers").and_then(Data::as_list) {
            self.nulls.maintainer = items.iter().position(Data::is_null);
            self.maintainers = items.iter().filter_map(Maintainer::from_data).collect();
        }
        if let Some(items) = map.get("dependencies").and_then(Data::as_list) {
            self.nulls.dependency = items.iter().position(Data::is_null);
            self.has_dependency_list = true;
            // Go decodes into the existing entries: the fields that the new ones lack stay.
            let mut before = std::mem::take(&mut self.dependencies).into_iter();
            let over = |item: &Data| Some(before.next().unwrap_or_default().overlaid(item.as_map()?));
            self.dependencies = items.iter().filter_map(over).collect();
        }
    }

    /// Cleans the displayed fields of control characters, then checks what Helm requires of a chart.
    /// Faults start with `validation: `.
    pub fn validate(&mut self) -> Result<()> {
        for field in [
            &mut self.name,
            &mut self.description,
            &mut self.home,
            &mut self.icon,
            &mut self.condition,
            &mut self.tags,
            &mut self.app_version,
            &mut self.kube_version,
        ] {
            sanitise(field);
        }
        self.sources.iter_mut().chain(&mut self.keywords).for_each(sanitise);
        if self.api_version.is_empty() {
            return Err(invalid("apiVersion", "chart.metadata.apiVersion is required", Some("add `apiVersion: v2`")));
        }
        if self.name.is_empty() {
            return Err(invalid("name", "chart.metadata.name is required", Some("add a name, as in `name: web`")));
        }
        if self.name == "." || self.name == ".." {
            return Err(invalid("name", format!("chart.metadata.name {} is not allowed", quote(self.name.as_bytes())), None));
        }
        if self.name.contains('/') {
            return Err(invalid("name", format!("chart.metadata.name {} is invalid", quote(self.name.as_bytes())), None));
        }
        if self.version.is_empty() {
            return Err(invalid("version", "chart.metadata.version is required", Some("add a version, as in `version: 0.1.0`")));
        }
        if !is_version(&self.version) {
            let hint = "a version has three numbers, as in `1.2.3` or `1.2.3-rc.1`";
            let message = format!("chart.metadata.version {} is invalid", quote(self.version.as_bytes()));
            return Err(invalid("version", message, Some(hint)));
        }
        if !matches!(self.kind.as_str(), "" | "application" | "library") {
            return Err(invalid("type", "chart.metadata.type must be application or library", None));
        }
        for maintainer in &mut self.maintainers {
            sanitise(&mut maintainer.name);
            sanitise(&mut maintainer.email);
            sanitise(&mut maintainer.url);
        }
        if self.nulls.maintainer.is_some() {
            return Err(invalid("maintainers", "maintainers must not contain empty or null nodes", None));
        }
        self.validate_dependencies()
    }

    fn validate_dependencies(&mut self) -> Result<()> {
        let null = || Err(invalid("dependencies", "dependencies must not contain empty or null nodes", None));
        let mut names = HashSet::new();
        for (at, dependency) in self.dependencies.iter_mut().enumerate() {
            if self.nulls.dependency == Some(at) {
                return null();
            }
            dependency.validate()?;
            let name = dependency.name_or_alias();
            if !names.insert(name) {
                let message = format!("more than one dependency with name or alias {}", quote(name.as_bytes()));
                let hint = "give one of them an `alias`";
                return Err(invalid("dependencies", message, Some(hint)).with_cause(Cause::RepeatedName));
            }
        }
        if self.nulls.dependency.is_some() { null() } else { Ok(()) }
    }

    /// Whether this is a chart of Helm 2's form, with its dependencies in requirements.yaml.
    pub fn is_v1(&self) -> bool {
        self.api_version == "v1"
    }

    /// Whether this chart only provides definitions to others.
    pub fn is_library(&self) -> bool {
        self.kind.eq_ignore_ascii_case("library")
    }

    /// The non-empty fields in Go's struct order, which is the order of its JSON.
    pub fn fields(&self) -> Vec<(&'static str, Data)> {
        let mut fields = Vec::new();
        push_text(&mut fields, "name", &self.name);
        push_text(&mut fields, "home", &self.home);
        push_texts(&mut fields, "sources", &self.sources);
        push_text(&mut fields, "version", &self.version);
        push_text(&mut fields, "description", &self.description);
        push_texts(&mut fields, "keywords", &self.keywords);
        if !self.maintainers.is_empty() {
            fields.push(("maintainers", Data::list(self.maintainers.iter().map(Maintainer::to_data).collect())));
        }
        push_text(&mut fields, "icon", &self.icon);
        push_text(&mut fields, "apiVersion", &self.api_version);
        push_text(&mut fields, "condition", &self.condition);
        push_text(&mut fields, "tags", &self.tags);
        push_text(&mut fields, "appVersion", &self.app_version);
        if self.deprecated {
            fields.push(("deprecated", Data::Bool(true)));
        }
        if let Some(annotations) = self.annotations.as_ref().filter(|annotations| !annotations.is_empty()) {
            let entries = annotations.iter().map(|(key, value)| (Arc::from(key.as_str()), Data::str(value.as_str())));
            fields.push(("annotations", Data::map(entries.collect())));
        }
        push_text(&mut fields, "kubeVersion", &self.kube_version);
        if !self.dependencies.is_empty() {
            fields.push(("dependencies", Data::list(self.dependencies.iter().map(Dependency::to_data).collect())));
        }
        push_text(&mut fields, "type", &self.kind);
        fields
    }

    /// As a tree; keys in byte order.
    pub fn to_data(&self) -> Data {
        tree(self.fields())
    }

    /// The text of a Chart.yaml: keys sorted, empty fields and comments gone, as `helm package` writes it.
    pub fn to_yaml(&self) -> Result<String> {
        yaml::to_string(&self.to_data())
    }

    /// The text of a separate Chart.yaml: charts of `apiVersion: v1` keep their dependencies in requirements.yaml (Helm's
    /// `SaveChartfile`).
    pub fn to_chart_yaml(&self) -> Result<String> {
        let mut fields = self.fields();
        if self.is_v1() {
            fields.retain(|(key, _)| *key != "dependencies");
        }
        yaml::to_string(&tree(fields))
    }
}

impl Maintainer {
    fn from_data(data: &Data) -> Option<Maintainer> {
        let map = data.as_map()?;
        let mut maintainer = Maintainer::default();
        text_over(&mut maintainer.name, map, "name");
        text_over(&mut maintainer.email, map, "email");
        text_over(&mut maintainer.url, map, "url");
        Some(maintainer)
    }

    /// The non-empty fields in Go's struct order.
    pub fn fields(&self) -> Vec<(&'static str, Data)> {
        let mut fields = Vec::new();
        push_text(&mut fields, "name", &self.name);
        push_text(&mut fields, "email", &self.email);
        push_text(&mut fields, "url", &self.url);
        fields
    }

    /// As a tree.
    pub fn to_data(&self) -> Data {
        tree(self.fields())
    }
}

impl Dependency {
    /// The dependency in a tree of Go's `v2.Dependency`; `None` for null.
    pub fn from_data(data: &Data) -> Option<Dependency> {
        Some(Dependency::default().overlaid(data.as_map()?))
    }

    /// The same with the fields of this table.
    fn overlaid(mut self, map: &Map) -> Dependency {
        text_over(&mut self.name, map, "name");
        text_over(&mut self.version, map, "version");
        text_over(&mut self.repository, map, "repository");
        text_over(&mut self.condition, map, "condition");
        texts_over(&mut self.tags, map, "tags");
        if let Some(Data::Bool(enabled)) = map.get("enabled") {
            self.enabled = *enabled;
        }
        if let Some(items) = map.get("import-values").and_then(Data::as_list) {
            self.import_values = items.to_vec();
        }
        text_over(&mut self.alias, map, "alias");
        self
    }

    /// The name of the subchart: the alias if there is one, else the name.
    pub fn name_or_alias(&self) -> &str {
        if self.alias.is_empty() { &self.name } else { &self.alias }
    }

    /// The fields in Go's struct order: name and repository always, the others unless empty.
    pub fn fields(&self) -> Vec<(&'static str, Data)> {
        let mut fields = vec![("name", Data::str(self.name.as_str()))];
        push_text(&mut fields, "version", &self.version);
        fields.push(("repository", Data::str(self.repository.as_str())));
        push_text(&mut fields, "condition", &self.condition);
        push_texts(&mut fields, "tags", &self.tags);
        if self.enabled {
            fields.push(("enabled", Data::Bool(true)));
        }
        if !self.import_values.is_empty() {
            fields.push(("import-values", Data::list(self.import_values.clone())));
        }
        push_text(&mut fields, "alias", &self.alias);
        fields
    }

    /// As a tree.
    pub fn to_data(&self) -> Data {
        tree(self.fields())
    }

    fn validate(&mut self) -> Result<()> {
        sanitise(&mut self.name);
        sanitise(&mut self.version);
        sanitise(&mut self.repository);
        sanitise(&mut self.condition);
        self.tags.iter_mut().for_each(sanitise);
        let plain = |character: char| character.is_ascii_alphanumeric() || matches!(character, '_' | '-');
        if !self.alias.chars().all(plain) {
            let message = format!("dependency {} has disallowed characters in the alias", quote(self.name.as_bytes()));
            return Err(invalid("dependencies", message, None));
        }
        Ok(())
    }
}

/// Turns every white space into a space and drops characters that are not printable.
pub(crate) fn sanitised(text: Cow<'_, str>) -> Cow<'_, str> {
    // Piece by piece, so that the compiler compares many bytes at once: an index has megabytes of descriptions.
    let is_clean = |piece: &[u8]| piece.iter().fold(true, |clean, byte| clean & (b' '..=b'~').contains(byte));
    if text.as_bytes().chunks(64).all(is_clean) {
        return text;
    }
    let kept = text.chars().filter_map(|character| match character {
        space if space.is_whitespace() => Some(' '),
        shown if is_printable(shown) => Some(shown),
        _ => None,
    });
    Cow::Owned(kept.collect())
}

/// As [`sanitised`], in place.
pub(crate) fn sanitise(text: &mut String) {
    if let Cow::Owned(clean) = sanitised(Cow::Borrowed(text)) {
        *text = clean;
    }
}

/// A fault of `key`, with what to write instead.
fn invalid(key: &str, message: impl AsRef<str>, hint: Option<&str>) -> Error {
    fault::of_key(key, format!("validation: {}", message.as_ref()), hint)
}

fn is_version(text: &str) -> bool {
    Version::parse(text).is_ok()
}

fn text_over(field: &mut String, map: &Map, key: &str) {
    if let Some(Data::Str(text)) = map.get(key) {
        *field = text.to_string();
    }
}

fn texts_over(field: &mut Vec<String>, map: &Map, key: &str) {
    if let Some(items) = map.get(key).and_then(Data::as_list) {
        // A null entry is an empty string to Go.
        *field = items.iter().map(|item| item.as_str().unwrap_or_default().to_string()).collect();
    }
}

fn push_text(fields: &mut Vec<(&'static str, Data)>, key: &'static str, text: &str) {
    if !text.is_empty() {
        fields.push((key, Data::str(text)));
    }
}

fn push_texts(fields: &mut Vec<(&'static str, Data)>, key: &'static str, texts: &[String]) {
    if !texts.is_empty() {
        fields.push((key, Data::list(texts.iter().map(|text| Data::str(text.as_str())).collect())));
    }
}

pub(crate) fn tree(fields: Vec<(&'static str, Data)>) -> Data {
    Data::map(fields.into_iter().map(|(key, value)| (Arc::from(key), value)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Helm 4.2.4's message for charts with these fields; empty where it accepts them.
    #[test]
    fn fields_that_no_chart_may_have_are_refused_as_by_helm() {
        for (fields, expected) in [
            ("name: a\nversion: 1.0.0", ""),
            ("version: 1.0.0", "chart.metadata.name is required"),
            ("name: .\nversion: 1.0.0", "chart.metadata.name \".\" is not allowed"),
            ("name: ..\nversion: 1.0.0", "chart.metadata.name \"..\" is not allowed"),
            ("name: a/b\nversion: 1.0.0", "chart.metadata.name \"a/b\" is invalid"),
            ("name: \"a\\u0001/b\"\nversion: 1.0.0", "chart.metadata.name \"a/b\" is invalid"),
            ("name: \"\\u0001\"\nversion: 1.0.0", "chart.metadata.name is required"),
            ("name: \"a\\tb\"\nversion: 1.0.0", ""),
            ("name: a", "chart.metadata.version is required"),
            ("name: a\nversion: x", "chart.metadata.version \"x\" is invalid"),
            ("name: a\nversion: 1.0.0.0", "chart.metadata.version \"1.0.0.0\" is invalid"),
            ("name: a\nversion: '1'", ""),
            ("name: a\nversion: 1.0.0\ntype: application", ""),
            ("name: a\nversion: 1.0.0\ntype: library", ""),
            ("name: a\nversion: 1.0.0\ntype: foo", "chart.metadata.type must be application or library"),
            ("name: a\nversion: 1.0.0\ntype: Library", "chart.metadata.type must be application or library"),
            ("name: a\nversion: 1.0.0\nmaintainers: [{name: x}, null]", "maintainers must not contain empty or null nodes"),
        ] {
            assert_eq!(validated(fields), expected, "{fields}");
        }
        // The loader sets v1 for charts in folders and archives that have no apiVersion; here it is missing.
        let fault = Metadata::parse(b"name: a\nversion: 1.0.0").unwrap().validate().unwrap_err();
        assert_eq!(fault.message(), "validation: chart.metadata.apiVersion is required");
    }

    /// Recorded from Helm 4.2.4: the first fault of the list.
    #[test]
    fn dependencies_are_told_apart_by_name_or_alias() {
        for (dependencies, expected) in [
            ("[]", ""),
            ("[{name: b, alias: a_B-1}]", ""),
            ("[{name: b}, {name: b, alias: c}]", ""),
            ("[{name: b, alias: a/b}]", "dependency \"b\" has disallowed characters in the alias"),
            ("[{name: b, alias: 'a b'}]", "dependency \"b\" has disallowed characters in the alias"),
            ("[{name: b}, {name: b}]", "more than one dependency with name or alias \"b\""),
            ("[{name: b}, {name: c, alias: b}]", "more than one dependency with name or alias \"b\""),
            ("[{name: b, alias: c}, {name: d, alias: c}]", "more than one dependency with name or alias \"c\""),
            ("[null]", "dependencies must not contain empty or null nodes"),
            ("[{name: b}, null]", "dependencies must not contain empty or null nodes"),
            ("[null, {name: b, alias: a/b}]", "dependencies must not contain empty or null nodes"),
            ("[{name: b, alias: a/b}, null]", "dependency \"b\" has disallowed characters in the alias"),
            ("[{name: b}, {name: b}, null]", "more than one dependency with name or alias \"b\""),
        ] {
            assert_eq!(validated(&format!("name: a\nversion: 1.0.0\ndependencies: {dependencies}")), expected, "{dependencies}");
        }
    }

    /// The fault of a chart with these fields.
    fn validated(fields: &str) -> String {
        let mut metadata = Metadata::parse(format!("apiVersion: v2\n{fields}\n").as_bytes()).unwrap();
        let message = metadata.validate().map_or_else(|fault| fault.message().to_string(), |()| String::new());
        message.strip_prefix("validation: ").map_or(message.clone(), str::to_string)
    }

    #[test]
    fn what_is_shown_has_no_control_characters() {
        let text = "apiVersion: v2\nname: a\nversion: 1.0.0\ndescription: \"x\\ty\\n\\u0007z\\u00a0\\ue000ä\"\nhome: \"h\\t\"\nicon: \"i\\t\"\ncondition: \"c\\t\"\ntags: \"t\\t\"\nappVersion: \"v\\t\"\nkubeVersion: \"k\\t\"\nsources: [\"s\\t\"]\nkeywords: [\"w\\t\"]\nmaintainers: [{name: \"n\\t\", email: \"e\\t\", url: \"u\\t\"}]\ndependencies: [{name: \"d\\t\", version: \"1\\t\", repository: \"r\\t\", condition: \"o\\t\", tags: [\"g\\t\"]}]\n";
        let mut metadata = Metadata::parse(text.as_bytes()).unwrap();
        metadata.validate().unwrap();
        assert_eq!(metadata.description, "x y z ä");
        let written = metadata.to_yaml().unwrap();
        assert!(!written.contains('\t') && !written.contains("\\t"), "{written}");
    }

    /// As `helm package` puts it into archives: charts of the first form keep the list in a separate file.
    #[test]
    fn the_list_of_dependencies_stands_in_charts_of_the_second_form_only() {
        for (api_version, is_listed) in [("v1", false), ("v2", true)] {
            let text = format!("apiVersion: {api_version}\nname: a\nversion: 1.0.0\ndependencies: [{{name: b, version: 1.x}}]\n");
            let metadata = Metadata::parse(text.as_bytes()).unwrap();
            let list = "dependencies:\n- name: b\n  repository: \"\"\n  version: 1.x\n";
            let with = |list: &str| format!("apiVersion: {api_version}\n{list}name: a\nversion: 1.0.0\n");
            assert_eq!(metadata.to_chart_yaml().unwrap(), with(if is_listed { list } else { "" }));
            assert_eq!(metadata.to_yaml().unwrap(), with(list));
        }
    }
}
