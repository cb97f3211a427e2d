//! From nodes to values: merge keys, aliases, keys as strings, and the step through JSON.
//!
//! Goes in: a [`Document`] and the [`Shape`] it is read into. Comes out: the [`Data`] tree that `json.Unmarshal` would receive:
//! numbers are floats, keys are strings, scalars under a string field are strings.
//!
//! go-yaml does this in three passes, and a fault of an earlier pass hides those of later ones: decoding, turning keys into
//! strings, and writing JSON. Here a single pass keeps the first fault of each. It is a loop over a stack of frames, since a text
//! may nest tens of thousands of levels deep.

use super::document::{Document, Node, NodeKind};
use super::fault::{Fault, Origin, Step};
use super::go_syntax;
use super::resolve::{BINARY, Resolved, resolve_tagged};
use super::shape::Shape;
use crate::base64;
use crate::data::{Data, Map};
use crate::json::valid_text;
use crate::number;
use std::collections::{HashMap, HashSet};
use std::ops::Range;
use std::sync::Arc;

/// How many keys that cannot be strings are tracked in case a later entry replaces them: a message contains the key and everything
/// below it, which may be large.
const KEY_FAULTS_LIMIT: usize = 64;

/// The deepest nesting that `encoding/json` reads.
const MAX_JSON_DEPTH: usize = 10_000;

/// How deep keys within keys are decoded before they are refused; they recurse.
const MAX_KEY_DEPTH: usize = 50;

/// Up to this many decoded nodes, nearly all may come from aliases; from [`ALIAS_RANGE_HIGH`] on, only a tenth may.
const ALIAS_RANGE_LOW: f64 = 400_000.0;
const ALIAS_RANGE_HIGH: f64 = 4_000_000.0;

/// Scalars of at least so many bytes are shared among their aliases; of smaller ones, the budget for nodes limits the memory.
const SHARED_FROM: usize = 64;

/// Most bytes of shared scalars that aliases stand for. Sharing makes them cheap here, but a copy in a field or in a manifest is not:
/// go-yaml has no such limit, and Helm takes all memory when it writes the JSON.
const ALIASED_LIMIT: usize = 64 << 20;

/// A value and the obstacles to writing it as JSON.
#[derive(Debug)]
pub(super) struct Decoded {
    pub data: Data,
    /// The first key that cannot be a string, in go-yaml's words (no `yaml: ` in front).
    pub key_fault: Option<String>,
    /// Whether it contains infinities or NaN.
    pub has_unsupported: bool,
    /// `[` or `{` of the first collection that is too deep for JSON.
    pub too_deep: Option<char>,
}

/// Decodes the document; `strict` makes repeated keys a fault.
pub(super) fn decode(document: &Document<'_>, shape: &'static Shape, strict: bool) -> Result<Decoded, Failure> {
    let mut decoder = Decoder {
        document,
        strict,
        frames: Vec::new(),
        maps: Vec::new(),
        depth: 0,
        key_depth: 0,
        decoded: 0,
        from_aliases: 0,
        alias_depth: 0,
        active_aliases: HashSet::new(),
        shared: HashMap::new(),
        aliased: 0,
        repeated: Vec::new(),
        key_faults: Vec::new(),
        further_key_fault: None,
        has_unsupported: false,
        too_deep: None,
    };
    let data = match document.nodes.is_empty() {
        true => Data::Null,
        // The document itself counts as a node.
        false => decoder.count().and_then(|()| decoder.run(0, shape)).map_err(Failure::Fault)?,
    };
    if !decoder.repeated.is_empty() {
        return Err(Failure::Repeated(decoder.repeated));
    }
    let Decoder { key_faults, further_key_fault, has_unsupported, too_deep, .. } = decoder;
    let key_fault = key_faults.into_iter().flatten().next().or(further_key_fault);
    Ok(Decoded { data, key_fault, has_unsupported, too_deep })
}

/// Why a document cannot be decoded.
#[derive(Debug)]
pub(super) enum Failure {
    Fault(Box<Fault>),
    /// Keys that occur twice in a map, in go-yaml's words.
    Repeated(Vec<String>),
}

impl Failure {
    /// go-yaml's message.
    pub(super) fn message(&self) -> String {
        match self {
            Failure::Fault(fault) => fault.message(),
            Failure::Repeated(keys) => format!("yaml: unmarshal errors:\n  {}", keys.join("\n  ")),
        }
    }
}

/// A collection that is being filled.
struct Frame {
    /// The child to decode next, and the end of the children.
    next: usize,
    end: usize,
    content: Content,
    /// The alias through which it is being decoded.
    alias: Option<usize>,
}

enum Content {
    List {
        items: Vec<Data>,
        shape: &'static Shape,
    },
    /// The innermost open map of the decoder.
    Map {
        key: Option<Key>,
        shape: &'static Shape,
        /// Whether its entries go to the enclosing map.
        merged: bool,
    },
    /// Maps to merge, the last one first.
    Merges {
        nodes: Vec<usize>,
        shape: &'static Shape,
    },
}

/// The key of an entry whose value is being decoded.
struct Key {
    name: Arc<str>,
    index: usize,
    /// How many key faults were known before this key.
    faults: usize,
}

/// An open map.
#[derive(Default)]
struct OpenMap {
    entries: Vec<(Arc<str>, Data)>,
    /// Go's identity of the keys so far; only kept in strict mode.
    seen: HashSet<String>,
    /// Go's identity of keys whose entries contain key faults, and the range of those faults.
    faulty: Vec<(String, Range<usize>)>,
}

struct Decoder<'d, 'a> {
    document: &'d Document<'a>,
    strict: bool,
    frames: Vec<Frame>,
    maps: Vec<OpenMap>,
    depth: usize,
    /// How many collection keys enclose the current node.
    key_depth: usize,
    decoded: usize,
    from_aliases: usize,
    alias_depth: usize,
    active_aliases: HashSet<usize>,
    /// The texts of long scalars that aliases refer to, by node, and how many bytes the aliases stand for.
    shared: HashMap<usize, Arc<str>>,
    aliased: usize,
    repeated: Vec<String>,
    /// Keys that cannot be strings, in order; `None` where a later entry replaced the entry that contains them.
    key_faults: Vec<Option<String>>,
    /// The first one beyond those that are tracked.
    further_key_fault: Option<String>,
    has_unsupported: bool,
    too_deep: Option<char>,
}

fn fault(problem: impl Into<std::borrow::Cow<'static, str>>) -> Box<Fault> {
    Fault::without_line(Origin::Decoder, problem)
}

impl<'d, 'a> Decoder<'d, 'a> {
    /// Counts a decoded node and fails when aliases expand the document too much (`decoder.unmarshal`).
    fn count(&mut self) -> Step<()> {
        self.decoded += 1;
        if self.alias_depth > 0 {
            self.from_aliases += 1;
            let (decoded, share) = (self.decoded as f64, self.from_aliases as f64 / self.decoded as f64);
            let range = (decoded - ALIAS_RANGE_LOW) / (ALIAS_RANGE_HIGH - ALIAS_RANGE_LOW);
            let allowed = 0.99 - 0.89 * range.clamp(0.0, 1.0);
            if self.from_aliases > 100 && self.decoded > 1000 && share > allowed {
                return Err(fault("document contains excessive aliasing"));
            }
        }
        Ok(())
    }

    fn node(&self, index: usize) -> Step<&'d Node<'a>> {
        self.document.nodes.get(index).ok_or_else(|| fault("unknown problem parsing YAML content"))
    }

    fn run(&mut self, root: usize, shape: &'static Shape) -> Step<Data> {
        let mut done = self.enter(root, shape, None)?;
        loop {
            if let Some(data) = done.take() {
                let Some(frame) = self.frames.last_mut() else { return Ok(data) };
                match &mut frame.content {
                    Content::List { items, .. } => items.push(data),
                    Content::Map { key, .. } => {
                        if let (Some(key), Some(map)) = (key.take(), self.maps.last_mut()) {
                            map.entries.push((key.name, data));
                            if !self.key_faults.is_empty() {
                                self.replace_faults(key.index, key.faults);
                            }
                        }
                    }
                    Content::Merges { .. } => {}
                }
            }
            done = self.step()?;
        }
    }

    /// Continues the innermost frame; returns a value when one is complete.
    fn step(&mut self) -> Step<Option<Data>> {
        let Some(frame) = self.frames.last_mut() else { return Ok(Some(Data::Null)) };
        if let Content::Merges { nodes, shape } = &mut frame.content {
            let shape = *shape;
            return match nodes.pop() {
                Some(index) => self.merge_one(index, shape),
                None => Ok(self.leave()),
            };
        }
        if frame.next >= frame.end {
            return Ok(self.leave());
        }
        let index = frame.next;
        let node = self.node(index)?;
        let Some(frame) = self.frames.last_mut() else { return Ok(None) };
        frame.next = node.end();
        match frame.content {
            Content::List { shape, .. } => self.enter(index, shape.item(), None),
            Content::Map { shape, .. } => self.entry(index, node, shape),
            Content::Merges { .. } => Ok(None),
        }
    }

    /// Decodes a key, and starts on its value.
    fn entry(&mut self, index: usize, node: &'d Node<'a>, shape: &'static Shape) -> Step<Option<Data>> {
        let value = node.end();
        let value_node = self.node(value)?;
        if let Some(frame) = self.frames.last_mut() {
            frame.next = value_node.end();
        }
        if self.document.is_merge(node) {
            return self.merge(value, value_node, shape);
        }
        let faults = self.key_faults.len();
        let (name, identity) = self.key(index, value)?;
        if self.strict {
            let Some(map) = self.maps.last_mut() else { return Ok(None) };
            if !map.seen.insert(identity.unwrap_or_default()) {
                let go_name = go_syntax::top(self.document, index);
                self.repeated.push(format!("line {}: key {go_name} already set in map", value_node.line() + 1));
            }
        }
        let shape = shape.value_of(&name);
        if let Some(Frame { content: Content::Map { key, .. }, .. }) = self.frames.last_mut() {
            *key = Some(Key { name, index, faults });
        }
        self.enter(value, shape, None)
    }

    /// The key as a string and, in strict mode, its identity among the keys (1 and "1" differ).
    fn key(&mut self, index: usize, value: usize) -> Step<(Arc<str>, Option<String>)> {
        self.count()?;
        let (mut node, mut target) = (self.node(index)?, index);
        if let NodeKind::Alias(aliased) = node.kind() {
            if self.active_aliases.contains(&index) {
                return Err(fault(format!("anchor '{}' value contains itself", node.value())));
            }
            self.alias_depth += 1;
            self.count()?;
            target = aliased as usize;
            node = self.node(target)?;
        }
        if node.kind() != NodeKind::Scalar {
            self.alias_depth -= usize::from(target != index);
            return Err(self.collection_key(index));
        }
        let text: Arc<str> = match scalar(self.document, node)? {
            Scalar::Written => self.text(target, node.value())?,
            Scalar::Decoded(text) => self.text(target, &text)?,
            Scalar::Resolved(resolved) => match resolved {
                Resolved::Bool(truth) => truth.to_string().into(),
                Resolved::Int(number) => number.to_string().into(),
                Resolved::Float(number) if number.is_nan() => ".nan".into(),
                Resolved::Float(number) => match number::format_g32(number).as_str() {
                    "+Inf" => ".inf".into(),
                    "-Inf" => "-.inf".into(),
                    text => text.into(),
                },
                Resolved::Null | Resolved::Uint(_) => {
                    let kind = if resolved == Resolved::Null { "%!s(<nil>)" } else { "uint64" };
                    let key = go_syntax::top(self.document, index);
                    let document = self.document;
                    let fault = || {
                        let value = go_syntax::top(document, value);
                        format!("unsupported map key of type: {kind}, key: {key}, value: {value}")
                    };
                    if self.key_faults.len() < KEY_FAULTS_LIMIT {
                        self.key_faults.push(Some(fault()));
                    } else {
                        self.further_key_fault.get_or_insert_with(fault);
                    }
                    "".into()
                }
                Resolved::Timestamp | Resolved::Str => self.text(target, node.value())?,
            },
        };
        self.alias_depth -= usize::from(target != index);
        let identity = self.strict.then(|| identity(self.document, node));
        Ok((text, identity))
    }

    /// Called when an entry is complete: drops the faults of the entry that it replaces; its own are those from `first` on.
    fn replace_faults(&mut self, key: usize, first: usize) {
        let (Ok(mut node), Some(map)) = (self.node(key), self.maps.last_mut()) else { return };
        if let NodeKind::Alias(target) = node.kind() {
            let Some(aliased) = self.document.nodes.get(target as usize) else { return };
            node = aliased;
        }
        let identity = identity(self.document, node);
        for (_, faults) in map.faulty.extract_if(.., |(other, _)| *other == identity) {
            if let Some(gone) = self.key_faults.get_mut(faults) {
                gone.fill(None);
            }
        }
        if self.key_faults.len() > first {
            map.faulty.push((identity, first..self.key_faults.len()));
        }
    }

    /// Refuses a list or map as a key, after decoding it, so that faults inside it come first.
    fn collection_key(&mut self, index: usize) -> Box<Fault> {
        self.key_depth += 1;
        if self.key_depth <= MAX_KEY_DEPTH {
            self.frames.clear();
            self.maps.clear();
            if let Err(fault) = self.run(index, &Shape::Any) {
                return fault;
            }
        }
        let fault = fault(format!("invalid map key: {}", go_syntax::value(self.document, index)));
        match self.document.nodes.get(index) {
            Some(node) => fault.found_on(node.line()),
            None => fault,
        }
    }

    fn merge(&mut self, value: usize, node: &'d Node<'a>, shape: &'static Shape) -> Step<Option<Data>> {
        match node.kind() {
            NodeKind::Mapping | NodeKind::Alias(_) => self.merge_one(value, shape),
            NodeKind::Sequence => {
                let nodes = self.document.children(value).collect();
                self.frames.push(Frame { next: 0, end: 0, content: Content::Merges { nodes, shape }, alias: None });
                Ok(None)
            }
            NodeKind::Scalar => Err(merge_fault()),
        }
    }

    fn merge_one(&mut self, index: usize, shape: &'static Shape) -> Step<Option<Data>> {
        self.count()?;
        let mut target = index;
        let mut alias = None;
        if let NodeKind::Alias(aliased) = self.node(index)?.kind() {
            if self.node(aliased as usize)?.kind() != NodeKind::Mapping {
                return Err(merge_fault());
            }
            self.activate(index)?;
            self.count()?;
            target = aliased as usize;
            alias = Some(index);
        }
        let node = self.node(target)?;
        if node.kind() != NodeKind::Mapping {
            return Err(merge_fault());
        }
        let content = Content::Map { key: None, shape, merged: true };
        self.frames.push(Frame { next: target + 1, end: node.end(), content, alias });
        Ok(None)
    }

    fn activate(&mut self, alias: usize) -> Step<()> {
        if !self.active_aliases.insert(alias) {
            let name = self.node(alias)?.value();
            return Err(fault(format!("anchor '{name}' value contains itself")));
        }
        self.alias_depth += 1;
        Ok(())
    }

    fn deactivate(&mut self, alias: Option<usize>) {
        if let Some(alias) = alias {
            self.active_aliases.remove(&alias);
            self.alias_depth -= 1;
        }
    }

    /// Starts on a node: returns its value if it is a scalar, else opens a frame for it.
    fn enter(&mut self, index: usize, shape: &'static Shape, alias: Option<usize>) -> Step<Option<Data>> {
        self.count()?;
        let node = self.node(index)?;
        match node.kind() {
            NodeKind::Alias(target) => {
                self.activate(index)?;
                self.enter(target as usize, shape, Some(index))
            }
            NodeKind::Scalar => {
                let data = self.scalar_data(index, node, shape)?;
                self.deactivate(alias);
                Ok(Some(data))
            }
            NodeKind::Sequence => {
                self.open('[');
                let content = Content::List { items: Vec::new(), shape };
                self.frames.push(Frame { next: index + 1, end: node.end(), content, alias });
                Ok(None)
            }
            NodeKind::Mapping => {
                self.open('{');
                self.maps.push(OpenMap::default());
                let content = Content::Map { key: None, shape, merged: false };
                self.frames.push(Frame { next: index + 1, end: node.end(), content, alias });
                Ok(None)
            }
        }
    }

    fn open(&mut self, bracket: char) {
        self.depth += 1;
        if self.depth > MAX_JSON_DEPTH {
            self.too_deep.get_or_insert(bracket);
        }
    }

    /// Closes the innermost frame; returns its value unless it was merged into another.
    fn leave(&mut self) -> Option<Data> {
        let frame = self.frames.pop()?;
        self.deactivate(frame.alias);
        match frame.content {
            Content::List { items, .. } => {
                self.depth -= 1;
                Some(Data::list(items))
            }
            Content::Map { merged: false, .. } => {
                self.depth -= 1;
                let map = self.maps.pop().unwrap_or_default();
                Some(Data::map(Map::from_entries(map.entries)))
            }
            Content::Map { .. } | Content::Merges { .. } => None,
        }
    }

    /// The text of a scalar, which its aliases share if it is long.
    #[inline]
    fn text(&mut self, index: usize, text: &str) -> Step<Arc<str>> {
        if self.alias_depth == 0 || text.len() < SHARED_FROM { Ok(text.into()) } else { self.shared_text(index, text) }
    }

    #[cold]
    fn shared_text(&mut self, index: usize, text: &str) -> Step<Arc<str>> {
        self.aliased += text.len();
        if self.aliased > ALIASED_LIMIT {
            return Err(fault("document contains excessive aliasing"));
        }
        Ok(self.shared.entry(index).or_insert_with(|| text.into()).clone())
    }

    fn scalar_data(&mut self, index: usize, node: &Node<'_>, shape: &'static Shape) -> Step<Data> {
        let resolved = match scalar(self.document, node)? {
            Scalar::Written => return self.text(index, node.value()).map(Data::Str),
            Scalar::Decoded(text) => return self.text(index, &text).map(Data::Str),
            Scalar::Resolved(resolved) => resolved,
        };
        if matches!(shape, Shape::Str) {
            return Ok(match resolved {
                Resolved::Null => Data::Null,
                Resolved::Bool(truth) => Data::str(truth.to_string()),
                Resolved::Int(number) => Data::str(number.to_string()),
                Resolved::Uint(number) => Data::str(number.to_string()),
                Resolved::Float(number) => Data::str(number::format_g32(number)),
                Resolved::Timestamp | Resolved::Str => Data::Str(self.text(index, node.value())?),
            });
        }
        Ok(match resolved {
            Resolved::Null => Data::Null,
            Resolved::Bool(truth) => Data::Bool(truth),
            Resolved::Int(number) => Data::Float(number as f64),
            Resolved::Uint(number) => Data::Float(number as f64),
            Resolved::Float(number) => {
                self.has_unsupported |= !number.is_finite();
                Data::Float(number)
            }
            Resolved::Timestamp | Resolved::Str => Data::Str(self.text(index, node.value())?),
        })
    }
}

fn merge_fault() -> Box<Fault> {
    fault("map merge requires map or sequence of maps as the value")
}

/// A scalar's value.
enum Scalar {
    /// A string: the text as it is written.
    Written,
    /// A string that is written in base64.
    Decoded(String),
    Resolved(Resolved),
}

/// Go's identity of a key: 1 and "1" differ.
fn identity(document: &Document<'_>, node: &Node<'_>) -> String {
    match scalar(document, node) {
        Ok(Scalar::Decoded(text)) => format!("\"{text}"),
        Ok(Scalar::Written | Scalar::Resolved(Resolved::Timestamp | Resolved::Str)) => format!("\"{}", node.value()),
        Ok(Scalar::Resolved(resolved)) => format!("{resolved:?}"),
        Err(_) => String::new(),
    }
}

#[inline]
fn scalar(document: &Document<'_>, node: &Node<'_>) -> Step<Scalar> {
    let tag = document.tag(node);
    if tag.is_empty() && !node.implicit {
        return Ok(Scalar::Written);
    }
    if tag == BINARY {
        return binary(node.value()).map(Scalar::Decoded);
    }
    resolve_tagged(tag, node.value()).map(Scalar::Resolved)
}

/// Go's `base64.StdEncoding`: line breaks and stray bits at the end are ignored.
fn binary(text: &str) -> Step<String> {
    match base64::decode(text.as_bytes()) {
        Ok(bytes) => Ok(valid_text(&bytes).into_owned()),
        Err(_) => Err(fault("!!binary value contains invalid base64 data")),
    }
}
