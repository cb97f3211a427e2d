//! A document as a flat list of nodes, with resolved anchors.
//!
//! Goes in: a checked [`Source`], or the events of a [`Parser`]. Comes out: the nodes of the first document in source order, each
//! with the end of its subtree. go-yaml reads a whole document before it decodes any of it, so syntax faults come before all
//! others.

use super::fault::{Fault, Origin, Step};
use super::lines::{self, Listener};
use super::parser::{Event, Parser, Properties};
use super::reader::Source;
use super::resolve::MERGE;
use super::scanner::Scanner;
use std::borrow::Cow;
use std::collections::HashMap;

/// The most nodes for which capacity is reserved at once: unused capacity costs nothing, but growing into fresh memory does.
const MOST_ROOM: usize = 512 << 10;

/// The kind of a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NodeKind {
    Scalar,
    Sequence,
    Mapping,
    /// Refers to the node at this index.
    Alias(u32),
}

/// The text of a node. The memory of nodes limits the speed for long documents, and this is smaller than a `Cow`.
#[derive(Debug)]
enum Text<'a> {
    Source(&'a str),
    #[expect(clippy::box_collection, reason = "one word, which fits beside what tells the two apart; a `Box<str>` takes two")]
    Made(Box<String>),
}

/// A node; its children follow it.
#[derive(Debug)]
pub(super) struct Node<'a> {
    text: Text<'a>,
    /// From 0.
    line: u32,
    /// The index behind its last descendant.
    end: u32,
    /// The number of its tag in the document's list, from 1; 0 for none. For an alias, which has no tag, the index of its target.
    tag: u32,
    form: Form,
    pub implicit: bool,
}

/// A [`NodeKind`] without the target of an alias.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Scalar,
    Sequence,
    Mapping,
    Alias,
}

impl Node<'_> {
    pub(super) fn kind(&self) -> NodeKind {
        match self.form {
            Form::Scalar => NodeKind::Scalar,
            Form::Sequence => NodeKind::Sequence,
            Form::Mapping => NodeKind::Mapping,
            Form::Alias => NodeKind::Alias(self.tag),
        }
    }

    /// The text of a scalar, or the name of an alias.
    pub(super) fn value(&self) -> &str {
        match &self.text {
            Text::Source(text) => text,
            Text::Made(text) => text,
        }
    }

    /// The line where it starts, from 0.
    pub(super) fn line(&self) -> usize {
        self.line as usize
    }

    /// The index behind its last descendant.
    pub(super) fn end(&self) -> usize {
        self.end as usize
    }
}

/// The first document of a text.
#[derive(Debug, Default)]
pub(super) struct Document<'a> {
    /// Empty when the text has no document.
    pub nodes: Vec<Node<'a>>,
    pub has_aliases: bool,
    /// The tags of the few nodes that have one.
    tags: Vec<Box<str>>,
}

impl<'a> Document<'a> {
    /// The first document of a text: read by lines if they are plain, else by tokens.
    pub(super) fn first(source: &'a Source<'_>) -> Step<Document<'a>> {
        match Document::by_lines(source) {
            Some(document) => Ok(document),
            None => Document::read(&mut Parser::new(Scanner::new(source))),
        }
    }

    /// The only document of a text, if its lines are plain.
    fn by_lines(source: &'a Source<'_>) -> Option<Document<'a>> {
        let nodes = Vec::with_capacity(nodes_in(source.text.as_bytes()).min(MOST_ROOM));
        let mut builder = Builder { document: Document { nodes, ..Document::default() }, open: Vec::new() };
        lines::read(source, &mut builder).then_some(builder.document)
    }

    /// Reads up to the end of the first document.
    pub(super) fn read(parser: &mut Parser<'a>) -> Step<Document<'a>> {
        let room = nodes_in(parser.text_at_start()).min(MOST_ROOM);
        let mut document = Document { nodes: Vec::with_capacity(room), ..Document::default() };
        let mut anchors: HashMap<Cow<'a, str>, usize> = HashMap::new();
        let mut open: Vec<usize> = Vec::new();
        loop {
            let event = parser.next()?;
            let line = parser.line;
            match event {
                Event::DocumentStart => {}
                Event::DocumentEnd | Event::StreamEnd => return Ok(document),
                Event::SequenceEnd | Event::MappingEnd => {
                    let end = index(document.nodes.len());
                    if let Some(node) = open.pop().and_then(|index| document.nodes.get_mut(index)) {
                        node.end = end;
                    }
                }
                Event::Alias(name) => {
                    let Some(&target) = anchors.get(&name) else {
                        let fault = Fault::without_line(Origin::Decoder, format!("unknown anchor '{name}' referenced"));
                        return Err(fault.found_on(line));
                    };
                    document.has_aliases = true;
                    let kind = NodeKind::Alias(index(target));
                    document.add(kind, line, name, None, false);
                }
                Event::Scalar(scalar) => {
                    let Properties { anchor, tag } = scalar.properties;
                    let index = document.add(NodeKind::Scalar, line, scalar.value, tag, scalar.implicit);
                    if let Some(name) = anchor {
                        anchors.insert(name, index);
                    }
                }
                Event::SequenceStart(Properties { anchor, tag }) => {
                    let index = document.add(NodeKind::Sequence, line, Cow::Borrowed(""), tag, false);
                    if let Some(name) = anchor {
                        anchors.insert(name, index);
                    }
                    open.push(index);
                }
                Event::MappingStart(Properties { anchor, tag }) => {
                    let index = document.add(NodeKind::Mapping, line, Cow::Borrowed(""), tag, false);
                    if let Some(name) = anchor {
                        anchors.insert(name, index);
                    }
                    open.push(index);
                }
            }
        }
    }

    fn add(&mut self, kind: NodeKind, line: usize, value: Cow<'a, str>, tag: Option<Box<str>>, implicit: bool) -> usize {
        let at = self.nodes.len();
        let (form, tag) = match kind {
            NodeKind::Alias(target) => (Form::Alias, target),
            _ => {
                let tag = tag.map_or(0, |tag| {
                    self.tags.push(tag);
                    index(self.tags.len())
                });
                let form = match kind {
                    NodeKind::Sequence => Form::Sequence,
                    NodeKind::Mapping => Form::Mapping,
                    _ => Form::Scalar,
                };
                (form, tag)
            }
        };
        let text = match value {
            Cow::Borrowed(text) => Text::Source(text),
            Cow::Owned(text) => Text::Made(Box::new(text)),
        };
        self.nodes.push(Node { text, line: index(line), end: index(at + 1), tag, form, implicit });
        at
    }

    /// The tag of a node, or an empty text.
    pub(super) fn tag(&self, node: &Node<'_>) -> &str {
        let at = (node.tag as usize).checked_sub(1).filter(|_| node.form != Form::Alias);
        at.and_then(|at| self.tags.get(at)).map_or("", |tag| tag)
    }

    /// Whether a node is the key `<<` that merges maps.
    pub(super) fn is_merge(&self, node: &Node<'_>) -> bool {
        node.form == Form::Scalar && node.value() == "<<" && (node.implicit || self.tag(node) == MERGE)
    }

    /// The indices of the children of a collection.
    pub(super) fn children(&self, parent: usize) -> impl Iterator<Item = usize> + '_ {
        let end = self.nodes.get(parent).map_or(0, Node::end);
        let mut next = parent + 1;
        std::iter::from_fn(move || {
            let child = (next < end).then_some(next)?;
            next = self.nodes.get(child).map_or(end, Node::end);
            Some(child)
        })
    }
}

/// Builds a document from its lines.
struct Builder<'a> {
    document: Document<'a>,
    /// The nodes of the open collections.
    open: Vec<usize>,
}

impl<'a> Listener<'a> for Builder<'a> {
    fn open(&mut self, is_map: bool, _around: usize, line: usize) -> bool {
        let kind = if is_map { NodeKind::Mapping } else { NodeKind::Sequence };
        self.open.push(self.document.add(kind, line, Cow::Borrowed(""), None, false));
        true
    }

    fn close(&mut self, _open: usize) {
        let end = index(self.document.nodes.len());
        if let Some(node) = self.open.pop().and_then(|index| self.document.nodes.get_mut(index)) {
            node.end = end;
        }
    }

    fn key(&mut self, key: &'a str, is_plain: bool, _open: usize, line: usize) -> bool {
        self.scalar(Cow::Borrowed(key), is_plain, line)
    }

    fn wants_scalar(&self) -> bool {
        true
    }

    fn scalar(&mut self, text: Cow<'a, str>, is_plain: bool, line: usize) -> bool {
        self.document.add(NodeKind::Scalar, line, text, None, is_plain);
        true
    }
}

/// An estimate of the number of nodes: each precedes a colon, a comma, a closing bracket or the end of a line.
fn nodes_in(text: &[u8]) -> usize {
    // In pieces that a byte can count, so that the compiler makes it many bytes at once.
    let marks = |piece: &[u8]| piece.iter().fold(0u8, |count, byte| count + u8::from(matches!(byte, b':' | b',' | b'\n' | b']' | b'}')));
    text.chunks(usize::from(u8::MAX)).map(|piece| usize::from(marks(piece))).sum::<usize>() + 1
}

/// An index into a text or list. Texts longer than four billion bytes are refused earlier.
fn index(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Data;
    use crate::json;
    use crate::yaml::lines::tests::broken_manifests;

    /// Whether the text can be read by lines; if so, asserts the same result as by tokens.
    fn is_read_alike(text: &str) -> bool {
        let source = Source::new(text.as_bytes());
        let Some(lines) = Document::by_lines(&source) else { return false };
        let tokens = Document::read(&mut Parser::new(Scanner::new(&source)));
        let tokens = tokens.unwrap_or_else(|fault| panic!("{}\n{text}", fault.message()));
        let seen = |document: &Document<'_>| -> Vec<_> {
            let node = |node: &Node<'_>| (node.kind(), node.value().to_owned(), node.line(), node.end(), node.implicit);
            document.nodes.iter().map(node).collect()
        };
        assert_eq!(seen(&lines), seen(&tokens), "{text}");
        true
    }

    #[test]
    fn lines_give_the_nodes_that_tokens_give() {
        let mut by_lines = 0;
        broken_manifests(|text| by_lines += usize::from(is_read_alike(text)));
        assert!(by_lines > 10_000, "only {by_lines} were read by lines");
    }

    #[test]
    fn recorded_texts_give_the_same_nodes() {
        let mut by_lines = 0;
        for line in include_str!("../../testdata/yaml/cases.jsonl").lines() {
            let case = json::parse(line.as_bytes()).unwrap_or_default();
            let field = |name: &str| case.as_map().and_then(|map| map.get(name)).and_then(Data::as_str).map(str::to_owned);
            let texts = ["text", "yaml", "pretty"].into_iter().filter_map(field);
            by_lines += texts.filter(|text| is_read_alike(text)).count();
        }
        assert!(by_lines > 100, "only {by_lines} were read by lines");
    }

    /// Values files have thousands of nodes, all in fresh memory.
    #[test]
    fn nodes_are_small() {
        assert_eq!(std::mem::size_of::<super::Node<'_>>(), 32);
    }
}
