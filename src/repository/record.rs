//! Chart metadata as the records that indexes, locks and registries hold.
//!
//! Goes in: a tree read from an index, or typed metadata. Comes out: typed metadata, or the fields in the order of Go's
//! structs (`pkg/chart/v2/metadata.go`), empty ones left out, from which both JSON (struct order, HTML characters escaped)
//! and YAML (keys sorted) are written. Apart from `chart` because only repositories write metadata as JSON.

use crate::chart::{Dependency, Maintainer, Metadata};
use crate::data::{Data, Map};
use crate::error::Result;
use crate::json;

/// A tree whose maps keep the order of a Go struct's fields.
#[derive(Debug, Clone)]
pub enum Record {
    Text(String),
    Flag(bool),
    List(Vec<Record>),
    Fields(Vec<(String, Record)>),
    /// Anything else, as it was read.
    Plain(Data),
}

impl Record {
    /// A text.
    pub fn text(text: impl Into<String>) -> Record {
        Record::Text(text.into())
    }

    /// A list of texts.
    pub fn texts(texts: &[String]) -> Record {
        Record::List(texts.iter().map(Record::text).collect())
    }

    /// As compact JSON, as Go's `json.Marshal` writes it.
    pub fn to_json(&self) -> Result<Vec<u8>> {
        let mut writer = json::Writer::new(true);
        self.write(&mut writer);
        writer.finish()
    }

    fn write(&self, writer: &mut json::Writer) {
        match self {
            Record::Text(text) => writer.str(text.as_bytes()),
            Record::Flag(flag) => writer.bool(*flag),
            Record::List(items) => {
                writer.begin_list();
                items.iter().for_each(|item| item.write(writer));
                writer.end_list();
            }
            Record::Fields(fields) => {
                writer.begin_map();
                for (name, value) in fields {
                    writer.key(name.as_bytes());
                    value.write(writer);
                }
                writer.end_map();
            }
            Record::Plain(data) => json::write(writer, data),
        }
    }

    /// As a tree with sorted keys, to be written as YAML.
    pub fn to_data(&self) -> Data {
        match self {
            Record::Text(text) => Data::str(text.as_str()),
            Record::Flag(flag) => Data::Bool(*flag),
            Record::List(items) => Data::list(items.iter().map(Record::to_data).collect()),
            Record::Fields(fields) => {
                Data::map(Map::from_entries(fields.iter().map(|(name, value)| (name.as_str().into(), value.to_data())).collect()))
            }
            Record::Plain(data) => data.clone(),
        }
    }
}

/// Collects the fields of a record, leaving empty ones out (`omitempty`).
#[derive(Debug, Default)]
pub struct Fields(Vec<(String, Record)>);

impl Fields {
    /// A text, if not empty.
    pub fn text(&mut self, name: &str, text: &str) {
        if !text.is_empty() {
            self.always(name, Record::text(text));
        }
    }

    /// A list of texts, if not empty.
    pub fn texts(&mut self, name: &str, texts: &[String]) {
        if !texts.is_empty() {
            self.always(name, Record::texts(texts));
        }
    }

    /// A flag, if set.
    pub fn flag(&mut self, name: &str, flag: bool) {
        if flag {
            self.always(name, Record::Flag(true));
        }
    }

    /// A field that is written whatever it holds.
    pub fn always(&mut self, name: &str, value: Record) {
        self.0.push((name.to_string(), value));
    }

    /// The record.
    pub fn finish(self) -> Record {
        Record::Fields(self.0)
    }
}

/// Chart.yaml's fields in Go's order, to be completed or finished.
pub fn metadata_fields(metadata: &Metadata) -> Fields {
    let mut fields = Fields::default();
    fields.text("name", &metadata.name);
    fields.text("home", &metadata.home);
    fields.texts("sources", &metadata.sources);
    fields.text("version", &metadata.version);
    fields.text("description", &metadata.description);
    fields.texts("keywords", &metadata.keywords);
    if !metadata.maintainers.is_empty() {
        fields.always("maintainers", Record::List(metadata.maintainers.iter().map(maintainer).collect()));
    }
    fields.text("icon", &metadata.icon);
    fields.text("apiVersion", &metadata.api_version);
    fields.text("condition", &metadata.condition);
    fields.text("tags", &metadata.tags);
    fields.text("appVersion", &metadata.app_version);
    fields.flag("deprecated", metadata.deprecated);
    if let Some(annotations) = metadata.annotations.as_ref().filter(|annotations| !annotations.is_empty()) {
        fields.always("annotations", Record::Fields(annotations.iter().map(|(key, value)| (key.clone(), Record::text(value))).collect()));
    }
    fields.text("kubeVersion", &metadata.kube_version);
    if !metadata.dependencies.is_empty() {
        fields.always("dependencies", Record::List(metadata.dependencies.iter().map(dependency).collect()));
    }
    fields.text("type", &metadata.kind);
    fields
}

fn maintainer(maintainer: &Maintainer) -> Record {
    let mut fields = Fields::default();
    fields.text("name", &maintainer.name);
    fields.text("email", &maintainer.email);
    fields.text("url", &maintainer.url);
    fields.finish()
}

/// A dependency in Go's order: `repository` is always written.
pub fn dependency(dependency: &Dependency) -> Record {
    let mut fields = Fields::default();
    fields.always("name", Record::text(&dependency.name));
    fields.text("version", &dependency.version);
    fields.always("repository", Record::text(&dependency.repository));
    fields.text("condition", &dependency.condition);
    fields.texts("tags", &dependency.tags);
    fields.flag("enabled", dependency.enabled);
    if !dependency.import_values.is_empty() {
        fields.always("import-values", Record::List(dependency.import_values.iter().cloned().map(Record::Plain).collect()));
    }
    fields.text("alias", &dependency.alias);
    fields.finish()
}

/// Metadata from the tree of a Chart.yaml or of an index entry; unknown keys are passed over.
pub fn metadata(map: &Map) -> Metadata {
    let text = |key: &str| map.get(key).map(scalar_text).unwrap_or_default();
    Metadata {
        name: text("name"),
        home: text("home"),
        sources: texts(map.get("sources")),
        version: text("version"),
        description: text("description"),
        keywords: texts(map.get("keywords")),
        maintainers: maps(map.get("maintainers"))
            .map(|map| {
                let text = |key: &str| map.get(key).map(scalar_text).unwrap_or_default();
                Maintainer { name: text("name"), email: text("email"), url: text("url") }
            })
            .collect(),
        icon: text("icon"),
        api_version: text("apiVersion"),
        condition: text("condition"),
        tags: text("tags"),
        app_version: text("appVersion"),
        deprecated: matches!(map.get("deprecated"), Some(Data::Bool(true))),
        annotations: map
            .get("annotations")
            .and_then(Data::as_map)
            .map(|map| map.iter().map(|(key, value)| (key.to_string(), scalar_text(value))).collect()),
        kube_version: text("kubeVersion"),
        dependencies: maps(map.get("dependencies")).map(|map| read_dependency(map)).collect(),
        kind: text("type"),
        ..Metadata::default()
    }
}

fn read_dependency(map: &Map) -> Dependency {
    let text = |key: &str| map.get(key).map(scalar_text).unwrap_or_default();
    Dependency {
        name: text("name"),
        version: text("version"),
        repository: text("repository"),
        condition: text("condition"),
        tags: texts(map.get("tags")),
        enabled: matches!(map.get("enabled"), Some(Data::Bool(true))),
        import_values: map.get("import-values").and_then(Data::as_list).map(|items| items.to_vec()).unwrap_or_default(),
        alias: text("alias"),
    }
}

fn maps(data: Option<&Data>) -> impl Iterator<Item = &std::sync::Arc<Map>> {
    data.and_then(Data::as_list).map(|items| items.as_slice()).unwrap_or_default().iter().filter_map(Data::as_map)
}

/// The items of a list as texts.
pub fn texts(data: Option<&Data>) -> Vec<String> {
    data.and_then(Data::as_list).map(|items| items.iter().map(scalar_text).collect()).unwrap_or_default()
}

/// A scalar as the text of a string field (sigs.k8s.io/yaml turns numbers and booleans into strings there).
pub fn scalar_text(data: &Data) -> String {
    match data {
        Data::Str(text) => text.to_string(),
        Data::Bool(true) => "true".to_string(),
        Data::Bool(false) => "false".to_string(),
        Data::Int(number) => number.to_string(),
        Data::Float(number) if number.fract() == 0.0 && number.abs() < 1e15 => format!("{number:.0}"),
        Data::Float(number) => crate::number::format_g32(*number),
        Data::Null | Data::List(_) | Data::Map(_) => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_booleans_become_strings() {
        for (data, expected) in
            [(Data::Float(1.1), "1.1"), (Data::Float(20_240_101.0), "20240101"), (Data::Bool(true), "true"), (Data::Null, "")]
        {
            assert_eq!(scalar_text(&data), expected);
        }
    }
}
