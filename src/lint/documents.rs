//! The documents of a text with their kinds, as apimachinery's `YAMLOrJSONDecoder` finds them.
//!
//! Goes in: a rendered file or one of `crds/`. Comes out: its documents with their kind and name, up to the first invalid one,
//! which becomes a [`Remark`] with its place. It is separate because it follows `k8s.io/apimachinery/pkg/util/yaml/decoder.go`,
//! not Helm's rules, two of which read their files with it.

use super::Severity;
use crate::data::Data;
use crate::diagnostic::Location;
use crate::error::{Error, ErrorKind, Result};
use crate::json;
use crate::yaml::{self, Field, Shape};

/// A remark on a file of documents.
pub(super) struct Remark<'a> {
    pub(super) severity: Severity,
    pub(super) message: String,
    /// The text in which `at` counts lines: the file, or a document in it.
    pub(super) within: &'a [u8],
    pub(super) at: At,
}

/// The subject of a remark.
#[derive(Debug)]
pub(super) enum At {
    /// A line, from 1, and the column in bytes.
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

/// The fields of a manifest that the rules use.
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

impl Manifest {
    /// Reads one document; `None` when it is empty.
    fn parse(document: &[u8]) -> Result<Option<Manifest>> {
        Ok(Manifest::of(&yaml::decode(document, &MANIFEST)?))
    }

    /// As [`Manifest::parse`], from a tree of that shape.
    fn of(data: &Data) -> Option<Manifest> {
        let map = data.as_map()?;
        let text = |data: Option<&Data>| data.and_then(Data::as_str).unwrap_or_default().to_string();
        let name = map.get("Metadata").and_then(Data::as_map).and_then(|metadata| metadata.get("Name"));
        Some(Manifest { api_version: text(map.get("apiVersion")), kind: text(map.get("Kind")), name: text(name) })
    }
}

/// How many bytes the decoder examines to distinguish JSON from YAML.
const PEEKED: usize = 4096;

/// A manifest with its document, or the reason why there is none.
type Read<'a> = std::result::Result<(&'a [u8], Manifest), Remark<'a>>;

/// The manifests of a text with their documents, as apimachinery's `YAMLOrJSONDecoder` finds them, up to the first fault, without
/// empty ones. A text that begins with a brace is read as a sequence of JSON objects. Where JSON fails after at most one object,
/// the rest is read as YAML; if that fails too, the fault is JSON's.
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
    for document in yaml::split_documents(text.get(start..).unwrap_or_default()) {
        let read = match document {
            Err(separator) => {
                let message = format!("unable to parse YAML: {separator}");
                Err(Remark { severity: Severity::Error, message, within: text, at: At::Line(separator.line, None) })
            }
            Ok(document) => match parse_ended(document) {
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

/// Reads a document with an end of its last line, as the decoder reads line by line and ends the last one too: an open quote is
/// noticed on the line behind it.
fn parse_ended(document: &[u8]) -> Result<Option<Manifest>> {
    if document.ends_with(b"\n") { Manifest::parse(document) } else { Manifest::parse(&[document, b"\n"].concat()) }
}

/// The JSON objects at the start of a text.
struct Objects {
    count: usize,
    /// The end of the last one.
    end: usize,
    /// Why no further one follows, if there is more text.
    broken: Option<JsonFault>,
}

/// Why a text is not JSON, or the JSON not a manifest.
struct JsonFault {
    message: String,
    /// The offset of the wrong byte, from 0.
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
    /// The message after YAML has failed too.
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

/// The start of YAML after an object that ends at `at`: after the blanks there, or the end of the line. `None` where the decoder,
/// which examines four bytes at once, finds fewer, or no character.
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
        // Every line ends, the last too.
        assert_eq!(cut("kind: |\n  A"), ["A\n kind: |\n  A"]);
        let open = "error converting YAML to JSON: yaml: line 3: found unexpected end of stream Line(2, Some(3))";
        assert_eq!([cut("a: 1\nb: 'x"), cut("a: 1\nb: 'x\n"), cut("a: 1\nb: \"x\\")].concat(), [open; 3]);
        assert_eq!(cut("a: 1\n---b\n"), ["invalid Yaml document separator: b Line(2, None)"]);
    }
}
