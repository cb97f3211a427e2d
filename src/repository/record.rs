//! Chart metadata as records of indexes, locks and registries.
//!
//! Goes in: a tree read from an index, or typed metadata. Comes out: typed metadata, or the fields in the order of
//! Go's structs (`pkg/chart/v2/metadata.go`) without empty ones, which are written as JSON (struct order, HTML
//! characters escaped) or YAML (keys sorted). Separate from `chart` because only repositories write metadata as JSON.

use crate::chart::{Dependency, Metadata};
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
    /// Any other value, as read.
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

    /// Compact JSON as written by Go's `json.Marshal`.
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

    /// A tree with sorted keys, for writing as YAML.
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

/// Collects the fields of a record, without empty ones (`omitempty`).
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

    /// A field that is written even if it is empty.
    pub fn always(&mut self, name: &str, value: Record) {
        self.0.push((name.to_string(), value));
    }

    /// The finished record.
    pub fn finish(self) -> Record {
        Record::Fields(self.0)
    }
}

/// Chart.yaml's fields in Go's order; more may be added.
pub fn metadata_fields(metadata: &Metadata) -> Fields {
    let mut fields = Fields::default();
    for (name, value) in metadata.fields() {
        let record = match name {
            "maintainers" => Record::List(metadata.maintainers.iter().map(|maintainer| ordered(maintainer.fields())).collect()),
            "dependencies" => Record::List(metadata.dependencies.iter().map(dependency).collect()),
            _ => Record::Plain(value),
        };
        fields.always(name, record);
    }
    fields
}

/// A dependency in Go's order: `repository` is always written.
pub fn dependency(dependency: &Dependency) -> Record {
    ordered(dependency.fields())
}

fn ordered(fields: Vec<(&'static str, Data)>) -> Record {
    Record::Fields(fields.into_iter().map(|(name, value)| (name.to_string(), Record::Plain(value))).collect())
}

/// The items of a list as texts.
pub fn texts(data: Option<&Data>) -> Vec<String> {
    data.and_then(Data::as_list).map(|items| items.iter().map(scalar_text).collect()).unwrap_or_default()
}

/// A scalar as text; values decoded by a shape are text already.
pub fn scalar_text(data: &Data) -> String {
    match data {
        Data::Str(text) => text.to_string(),
        Data::Bytes(text) => String::from_utf8_lossy(text).into_owned(),
        Data::Bool(true) => "true".to_string(),
        Data::Bool(false) => "false".to_string(),
        Data::Int(number) => number.to_string(),
        Data::Float(number) => crate::number::format_g32(*number),
        Data::Null | Data::List(_) | Data::Map(_) => String::new(),
    }
}
