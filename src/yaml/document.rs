//! A document as a flat list of nodes, with its anchors looked up.
//!
//! Goes in: the events of a [`Parser`]. Comes out: the nodes of the first document in the order they are written, each knowing
//! where its subtree ends. go-yaml reads a whole document before it decodes any of it, so faults of syntax come before all others.

use super::fault::{Fault, Origin, Step};
use super::parser::{Event, Parser, Properties};
use super::resolve::MERGE;
use std::borrow::Cow;
use std::collections::HashMap;

/// A values file with few comments has a node for so many bytes.
const BYTES_PER_NODE: usize = 16;
/// For how many nodes there is room from the start.
const MOST_ROOM: usize = 8192;

/// What a node is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NodeKind {
    Scalar,
    Sequence,
    Mapping,
    /// Stands for the node at this index.
    Alias(usize),
}

/// A node; its children follow it.
#[derive(Debug)]
pub(super) struct Node<'a> {
    pub kind: NodeKind,
    pub implicit: bool,
    /// From 0.
    pub line: usize,
    /// The index behind the last node below this one.
    pub end: usize,
    /// The text of a scalar, the name of an alias.
    pub value: Cow<'a, str>,
    pub tag: Option<Box<str>>,
}

impl Node<'_> {
    /// The tag, or "".
    pub(super) fn tag(&self) -> &str {
        self.tag.as_deref().unwrap_or("")
    }

    /// Whether it is the key `<<` that merges maps.
    pub(super) fn is_merge(&self) -> bool {
        self.kind == NodeKind::Scalar && self.value == "<<" && (self.implicit || self.tag() == MERGE)
    }
}

/// The first document of a text.
#[derive(Debug, Default)]
pub(super) struct Document<'a> {
    /// Empty when the text holds no document.
    pub nodes: Vec<Node<'a>>,
    pub has_aliases: bool,
}

impl<'a> Document<'a> {
    /// Reads up to the end of the first document.
    pub(super) fn read(parser: &mut Parser<'a>) -> Step<Document<'a>> {
        // Room that is not used costs nothing; to grow into fresh memory does.
        let room = (parser.bytes_left() / BYTES_PER_NODE).min(MOST_ROOM);
        let mut document = Document { nodes: Vec::with_capacity(room), has_aliases: false };
        let mut anchors: HashMap<Cow<'a, str>, usize> = HashMap::new();
        let mut open: Vec<usize> = Vec::new();
        loop {
            let event = parser.next()?;
            let line = parser.line;
            match event {
                Event::DocumentStart => {}
                Event::DocumentEnd | Event::StreamEnd => return Ok(document),
                Event::SequenceEnd | Event::MappingEnd => {
                    let end = document.nodes.len();
                    if let Some(node) = open.pop().and_then(|index| document.nodes.get_mut(index)) {
                        node.end = end;
                    }
                }
                Event::Alias(name) => {
                    let Some(&target) = anchors.get(&name) else {
                        return Err(Fault::without_line(Origin::Decoder, format!("unknown anchor '{name}' referenced")));
                    };
                    document.has_aliases = true;
                    let kind = NodeKind::Alias(target);
                    document.add(kind, line, name, None, false);
                }
                Event::Scalar(scalar) => {
                    let Properties { anchor, tag } = scalar.properties;
                    let index = document.add(NodeKind::Scalar, line, scalar.value, tag, scalar.implicit);
                    anchors.extend(anchor.map(|name| (name, index)));
                }
                Event::SequenceStart(Properties { anchor, tag }) => {
                    let index = document.add(NodeKind::Sequence, line, Cow::Borrowed(""), tag, false);
                    anchors.extend(anchor.map(|name| (name, index)));
                    open.push(index);
                }
                Event::MappingStart(Properties { anchor, tag }) => {
                    let index = document.add(NodeKind::Mapping, line, Cow::Borrowed(""), tag, false);
                    anchors.extend(anchor.map(|name| (name, index)));
                    open.push(index);
                }
            }
        }
    }

    fn add(&mut self, kind: NodeKind, line: usize, value: Cow<'a, str>, tag: Option<Box<str>>, implicit: bool) -> usize {
        let index = self.nodes.len();
        self.nodes.push(Node { kind, implicit, line, end: index + 1, value, tag });
        index
    }

    /// The indices of the children of a collection.
    pub(super) fn children(&self, parent: usize) -> impl Iterator<Item = usize> + '_ {
        let end = self.nodes.get(parent).map_or(0, |node| node.end);
        let mut next = parent + 1;
        std::iter::from_fn(move || {
            let child = (next < end).then_some(next)?;
            next = self.nodes.get(child).map_or(end, |node| node.end);
            Some(child)
        })
    }
}
