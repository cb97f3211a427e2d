//! The head of a manifest: the part of each rendered document that Helm reads before sorting.
//!
//! Goes in: the text of one document. Comes out: Helm's `SimpleHead`, or the error of `yaml.Unmarshal` into it. The whole document
//! is checked, but no tree is built and only the needed texts are made: this runs over every rendered byte. Plain documents are
//! read line by line ([`super::lines`]), others by their events. Those with anchors, tags, merges, odd keys or a head of the wrong
//! type, which are rare, are decoded fully by [`super::decode()`], so that those rules are in one place only.

use super::lines::{self, Listener};
use super::parser::{Event, Parser, Properties, Scalar};
use super::reader::Source;
use super::resolve::{Resolved, resolve};
use super::scanner::Scanner;
use super::shape::{Field, Shape, equal_fold, read, syntax_error};
use crate::data::Data;
use crate::error::Result;
use crate::number;
use std::borrow::Cow;
use std::collections::BTreeMap;

/// pkg/release/v1/util `SimpleHead`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Head {
    pub api_version: String,
    pub kind: String,
    /// Empty when there is no `metadata` or it has no name.
    pub name: String,
    /// In byte order of the keys, without duplicates.
    pub annotations: Vec<(String, String)>,
}

impl Head {
    /// The annotation of this name.
    pub fn annotation(&self, name: &str) -> Option<&str> {
        self.annotations.iter().find(|entry| entry.0 == name).map(|entry| entry.1.as_str())
    }
}

static STR: Shape = Shape::Str;
static STR_MAP: Shape = Shape::Map(&STR);
static METADATA: Shape = Shape::Struct(
    "struct { Name string \"json:\\\"name\\\"\"; Annotations map[string]string \"json:\\\"annotations\\\"\" }",
    &[Field("name", &STR), Field("annotations", &STR_MAP)],
);
static SIMPLE_HEAD: Shape =
    Shape::Struct("util.SimpleHead", &[Field("apiVersion", &STR), Field("kind", &STR), Field("metadata", &METADATA)]);

/// Reads the head of the first document in `text` and checks all of it.
pub fn head(text: &[u8]) -> Result<Head> {
    let source = Source::new(text);
    let mut by_lines = ByLines::default();
    if lines::read(&source, &mut by_lines) {
        return Ok(by_lines.head.into_head());
    }
    by_events(text, &source)
}

fn by_events(text: &[u8], source: &Source<'_>) -> Result<Head> {
    let mut reading = Reading::new(Parser::new(Scanner::new(source)));
    match reading.run() {
        Ok(()) => Ok(reading.head.into_head()),
        Err(Stop::Fault(fault)) => Err(syntax_error(&fault, source)),
        Err(Stop::Unusual) => the_long_way(text),
    }
}

fn the_long_way(text: &[u8]) -> Result<Head> {
    let data = read(text, &SIMPLE_HEAD, false)?;
    let text_of = |data: Option<&Data>| data.and_then(Data::as_str).unwrap_or_default().to_owned();
    let Some(map) = data.as_map() else { return Ok(Head::default()) };
    let metadata = map.get("metadata").and_then(Data::as_map);
    let annotations = metadata.and_then(|metadata| metadata.get("annotations")).and_then(Data::as_map);
    Ok(Head {
        api_version: text_of(map.get("apiVersion")),
        kind: text_of(map.get("kind")),
        name: text_of(metadata.and_then(|metadata| metadata.get("name"))),
        annotations: annotations
            .into_iter()
            .flat_map(|map| map.iter())
            .map(|(key, value)| (key.to_string(), text_of(Some(value))))
            .collect(),
    })
}

/// Why the fast path ended early.
enum Stop {
    Fault(Box<super::fault::Fault>),
    /// A construct that the fast path does not support.
    Unusual,
}

/// The deepest nesting that `encoding/json` reads.
const MAX_DEPTH: usize = 10_000;

/// An open collection.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Open {
    List,
    MapAtKey,
    MapAtValue,
}

/// The role of the next value.
#[derive(Default)]
enum Slot {
    #[default]
    Other,
    ApiVersion,
    Kind,
    Metadata,
    Name,
    Annotations,
    Annotation(String),
}

/// Builds a head from keys, scalars and collections, which a reader passes to it in order.
#[derive(Default)]
struct Builder {
    /// How deep it is inside `metadata`: 1 in its map, 2 in the map of annotations.
    inside: usize,
    api_version: String,
    kind: String,
    name: String,
    annotations: BTreeMap<String, String>,
}

impl Builder {
    fn into_head(self) -> Head {
        let Builder { api_version, kind, name, annotations, .. } = self;
        Head { api_version, kind, name, annotations: annotations.into_iter().collect() }
    }

    /// Whether a collection may be the value of this slot, with `around` open collections around it.
    fn open(&mut self, slot: &Slot, is_map: bool, around: usize) -> bool {
        let fits = match (slot, around) {
            (Slot::Other, 1..) => true,
            (Slot::Other, 0) | (Slot::Metadata | Slot::Annotations, _) => is_map,
            _ => false,
        };
        match slot {
            Slot::Metadata if fits => {
                self.inside = 1;
                self.name.clear();
                self.annotations.clear();
            }
            Slot::Annotations if fits => {
                self.inside = 2;
                self.annotations.clear();
            }
            _ => {}
        }
        fits
    }

    /// A collection ended; `open` others are still open.
    fn closed(&mut self, open: usize) {
        if self.inside > 0 && open == self.inside {
            self.inside -= 1;
        }
    }

    /// The role of a key's value in the innermost of `open` open collections; `None` if such a key is unusual.
    fn slot(&self, key: &str, is_plain: bool, open: usize) -> Option<Slot> {
        // Nearly all keys are too deep to matter.
        if open > 3 || open > self.inside + 1 {
            return Some(Slot::Other);
        }
        let names: &[&str] = match open {
            1 => &["apiVersion", "kind", "metadata"],
            2 if self.inside == 1 => &["name", "annotations"],
            3 if self.inside == 2 => {
                let is_text = !is_plain || resolve(key) == Resolved::Str;
                return is_text.then(|| Slot::Annotation(key.to_owned()));
            }
            _ => return Some(Slot::Other),
        };
        if names.iter().any(|name| key != *name && key.len() >= name.len() && equal_fold(name, key)) {
            return None;
        }
        Some(match names.iter().find(|name| key == **name).copied() {
            Some("apiVersion") => Slot::ApiVersion,
            Some("kind") => Slot::Kind,
            Some("metadata") => Slot::Metadata,
            Some("name") => Slot::Name,
            Some("annotations") => Slot::Annotations,
            _ => Slot::Other,
        })
    }

    /// Takes the scalar as the value of this slot; `None` if it does not fit.
    fn scalar(&mut self, slot: &Slot, text: &str, is_plain: bool) -> Option<()> {
        if matches!(slot, Slot::Other) {
            return Some(());
        }
        let value = as_string(text, is_plain);
        match slot {
            Slot::Other => {}
            Slot::ApiVersion => self.api_version = value.unwrap_or_default(),
            Slot::Kind => self.kind = value.unwrap_or_default(),
            Slot::Name => self.name = value.unwrap_or_default(),
            Slot::Annotation(key) => {
                self.annotations.insert(key.clone(), value.unwrap_or_default());
            }
            Slot::Metadata | Slot::Annotations if value.is_some() => return None,
            Slot::Metadata => {
                self.name.clear();
                self.annotations.clear();
            }
            Slot::Annotations => self.annotations.clear(),
        }
        Some(())
    }
}

/// A scalar as the value of a string field; `None` for null.
fn as_string(text: &str, is_plain: bool) -> Option<String> {
    let resolved = if is_plain { resolve(text) } else { Resolved::Str };
    match resolved {
        Resolved::Null => None,
        Resolved::Bool(truth) => Some(truth.to_string()),
        Resolved::Int(number) => Some(number.to_string()),
        Resolved::Uint(number) => Some(number.to_string()),
        Resolved::Float(number) => Some(number::format_g32(number)),
        Resolved::Timestamp | Resolved::Str => Some(text.to_owned()),
    }
}

/// Builds a head from the lines of a document.
#[derive(Default)]
struct ByLines {
    slot: Slot,
    head: Builder,
}

impl<'a> Listener<'a> for ByLines {
    fn open(&mut self, is_map: bool, around: usize, _line: usize) -> bool {
        let slot = std::mem::take(&mut self.slot);
        self.head.open(&slot, is_map, around)
    }

    fn close(&mut self, open: usize) {
        self.slot = Slot::Other;
        self.head.closed(open);
    }

    fn key(&mut self, key: &'a str, is_plain: bool, open: usize, _line: usize) -> bool {
        let slot = self.head.slot(key, is_plain, open);
        let is_known = slot.is_some();
        self.slot = slot.unwrap_or_default();
        is_known
    }

    fn wants_scalar(&self) -> bool {
        !matches!(self.slot, Slot::Other)
    }

    fn scalar(&mut self, text: Cow<'a, str>, is_plain: bool, _line: usize) -> bool {
        let slot = std::mem::take(&mut self.slot);
        self.head.scalar(&slot, &text, is_plain).is_some()
    }
}

/// Builds a head from the events of a document.
struct Reading<'a> {
    parser: Parser<'a>,
    open: Vec<Open>,
    slot: Slot,
    head: Builder,
}

impl<'a> Reading<'a> {
    fn new(mut parser: Parser<'a>) -> Reading<'a> {
        parser.want_text(false);
        Reading { parser, open: Vec::new(), slot: Slot::Other, head: Builder::default() }
    }

    fn run(&mut self) -> std::result::Result<(), Stop> {
        loop {
            match self.parser.next().map_err(Stop::Fault)? {
                Event::DocumentStart => {}
                Event::DocumentEnd | Event::StreamEnd => return Ok(()),
                Event::Scalar(scalar) => self.scalar(scalar)?,
                Event::MappingStart(properties) => self.start(Open::MapAtKey, &properties)?,
                Event::SequenceStart(properties) => self.start(Open::List, &properties)?,
                Event::MappingEnd | Event::SequenceEnd => self.end(),
                Event::Alias(_) => return Err(Stop::Unusual),
            }
        }
    }

    fn start(&mut self, kind: Open, properties: &Properties<'_>) -> std::result::Result<(), Stop> {
        let usual = properties.anchor.is_none()
            && properties.tag.is_none()
            && self.open.last() != Some(&Open::MapAtKey)
            && self.open.len() < MAX_DEPTH;
        if !usual || !self.head.open(&self.slot, kind == Open::MapAtKey, self.open.len()) {
            return Err(Stop::Unusual);
        }
        self.set_slot(Slot::Other);
        self.open.push(kind);
        Ok(())
    }

    fn end(&mut self) {
        self.open.pop();
        self.head.closed(self.open.len());
        self.value_done();
    }

    fn value_done(&mut self) {
        if let Some(top @ Open::MapAtValue) = self.open.last_mut() {
            *top = Open::MapAtKey;
        }
    }

    fn set_slot(&mut self, slot: Slot) {
        self.parser.want_text(!matches!(slot, Slot::Other));
        self.slot = slot;
    }

    fn scalar(&mut self, scalar: Scalar<'a>) -> std::result::Result<(), Stop> {
        if scalar.properties.anchor.is_some() || scalar.properties.tag.is_some() {
            return Err(Stop::Unusual);
        }
        match self.open.last_mut() {
            Some(top @ Open::MapAtKey) => {
                *top = Open::MapAtValue;
                self.key(&scalar)
            }
            _ => {
                self.value(&scalar)?;
                self.value_done();
                Ok(())
            }
        }
    }

    fn key(&mut self, key: &Scalar<'a>) -> std::result::Result<(), Stop> {
        let text: &str = &key.value;
        // Keys that resolve to other types are checked in `slot` below; here only invalid keys matter.
        if key.implicit && !key.raw {
            match text.as_bytes().first() {
                Some(b'~' | b'n' | b'N' | b'0'..=b'9' | b'+') if matches!(resolve(text), Resolved::Null | Resolved::Uint(_)) => {
                    return Err(Stop::Unusual);
                }
                None => return Err(Stop::Unusual),
                Some(b'<') if text == "<<" => return Err(Stop::Unusual),
                _ => {}
            }
        }
        let matters = self.open.len() == 1 || self.head.inside > 0 && self.open.len() == self.head.inside + 1;
        if key.raw {
            return if matters { Err(Stop::Unusual) } else { Ok(()) };
        }
        match self.head.slot(text, key.implicit, self.open.len()) {
            Some(Slot::Other) if !matters => Ok(()),
            Some(slot) => {
                self.set_slot(slot);
                Ok(())
            }
            None => Err(Stop::Unusual),
        }
    }

    fn value(&mut self, scalar: &Scalar<'a>) -> std::result::Result<(), Stop> {
        let text: &str = &scalar.value;
        let may_be_infinite = scalar.implicit && !scalar.raw && matches!(text.as_bytes(), [b'.', ..] | [b'+' | b'-', b'.', ..]);
        if may_be_infinite && matches!(resolve(text), Resolved::Float(number) if !number.is_finite()) {
            return Err(Stop::Unusual);
        }
        if matches!(self.slot, Slot::Other) {
            // A manifest is a map or null.
            let is_root = self.open.is_empty();
            return if is_root && !(scalar.implicit && resolve(text) == Resolved::Null) { Err(Stop::Unusual) } else { Ok(()) };
        }
        let slot = std::mem::take(&mut self.slot);
        self.head.scalar(&slot, text, scalar.implicit).ok_or(Stop::Unusual)?;
        self.parser.want_text(false);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::lines::tests::broken_manifests;
    use super::*;

    #[test]
    fn both_ways_agree() {
        let texts = [
            "",
            "null",
            "# only a comment\n",
            "apiVersion: v1\nkind: Pod\nmetadata:\n  name: x\n  annotations:\n    a: 1\n    b: \"q\\n\"\n    c: ~\n",
            "kind: 1.10\napiVersion: 1_000\nmetadata: {name: yes, annotations: {x: on}}\n",
            "kind: A\nkind: B\nmetadata: {name: a, annotations: {a: b}}\nmetadata: {name: b}\n",
            "Kind: A\nmetadata: {}\n",
            "kind: [1]\n",
            "metadata: x\n",
            "metadata: {name: {a: 1}}\n",
            "- a\n",
            "x",
            "a: .inf\n",
            "~: 1\n",
            "? [a]\n: 1\n",
            "a: &x 1\nkind: *x\n",
            "a: {b: c\n",
            "metadata:\n  annotations:\n    x: |\n      a\n      b\n  labels:\n    y: >\n      z\n",
            "metadata:\n  annotations: {}\n  name: \"a\\\n    b\"\n",
            "a: 1\n---\nb: [\n",
        ];
        for text in texts {
            let short = head(text.as_bytes()).map_err(|error| error.to_string());
            let source = Source::new(text.as_bytes());
            let events = by_events(text.as_bytes(), &source).map_err(|error| error.to_string());
            let long = the_long_way(text.as_bytes()).map_err(|error| error.to_string());
            assert_eq!(short, long, "{text}");
            assert_eq!(events, long, "{text}");
        }
    }

    #[test]
    fn lines_and_events_agree_on_broken_manifests() {
        let mut short = 0;
        broken_manifests(|text| {
            let source = Source::new(text.as_bytes());
            let mut by_lines = ByLines::default();
            if lines::read(&source, &mut by_lines) {
                short += 1;
                let events = by_events(text.as_bytes(), &source).map_err(|error| error.to_string());
                assert_eq!(Ok(by_lines.head.into_head()), events, "{text}");
            }
        });
        assert!(short > 10_000, "only {short} were read by lines");
    }

    #[test]
    fn head_of_a_manifest() {
        let text =
            b"apiVersion: 1.10\nkind: Job\nmetadata:\n  name: x\n  annotations: {helm.sh/hook: pre-install, helm.sh/hook-weight: 5}\n";
        let head = head(text).ok().unwrap_or_default();
        assert_eq!((head.api_version.as_str(), head.kind.as_str(), head.name.as_str()), ("1.1", "Job", "x"));
        assert_eq!(head.annotation("helm.sh/hook-weight"), Some("5"));
    }
}
