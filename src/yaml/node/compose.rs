//! Builds a tree of nodes from events.
//!
//! Goes in: a [`Parser`]. Comes out: the first document as a [`Tree`]. Must match the node parser of go-yaml v3 (`decode.go`,
//! above all `parser.mapping`) in which node of a mapping keeps a comment below a value. Open collections are kept in a list, not
//! on the stack, so that depth costs only memory.

use super::parser::{Comments, Event, Parser, What};
use super::resolve;
use super::style::Style;
use super::{Kind, Node, Tree};
use crate::yaml::fault::{Fault, Origin, Step};
use std::collections::HashSet;

/// Reads the first document; `None` when there are only comments.
pub(super) fn compose(parser: Parser<'_>) -> Step<Option<Tree>> {
    Composer { parser, tree: Tree::default(), open: Vec::new(), anchors: HashSet::new() }.run()
}

struct Composer<'a> {
    parser: Parser<'a>,
    tree: Tree,
    open: Vec<usize>,
    anchors: HashSet<String>,
}

fn text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
}

impl Composer<'_> {
    fn run(mut self) -> Step<Option<Tree>> {
        loop {
            let event = self.parser.next()?;
            match event.what {
                What::StreamEnd => return Ok(None),
                What::DocumentStart => self.tree.head = text(event.comments.head),
                What::DocumentEnd => {
                    self.tree.foot = text(event.comments.foot);
                    return Ok(Some(self.tree));
                }
                What::Alias => {
                    let name = text(event.value);
                    if !self.anchors.contains(&name) {
                        return Err(Fault::without_line(Origin::Decoder, format!("unknown anchor '{name}' referenced")));
                    }
                    let at = self.add(Kind::Alias, String::new(), name, Style::PLAIN, event.comments);
                    self.attach(at);
                }
                What::Scalar => {
                    let at = self.scalar(event);
                    self.attach(at);
                }
                What::SequenceStart => self.begin(Kind::Sequence, resolve::SEQ, event),
                What::MappingStart => self.begin(Kind::Mapping, resolve::MAP, event),
                What::SequenceEnd | What::MappingEnd => self.end(event),
            }
        }
    }

    fn add(&mut self, kind: Kind, tag: String, value: String, style: Style, comments: Comments) -> usize {
        let at = self.tree.nodes.len();
        let head = text(comments.head);
        let line = text(comments.line);
        let foot = text(comments.foot);
        self.tree.nodes.push(Node { kind, tag, value, style, anchor: String::new(), children: Vec::new(), head, line, foot });
        at
    }

    fn anchor(&mut self, at: usize, anchor: Option<Vec<u8>>) {
        if let (Some(anchor), Some(node)) = (anchor.map(text), self.tree.nodes.get_mut(at)) {
            node.anchor.clone_from(&anchor);
            self.anchors.insert(anchor);
        }
    }

    fn scalar(&mut self, event: Event) -> usize {
        let value = text(event.value);
        let (tag, style) = match given(event.tag) {
            Some(tag) => (tag, event.style.with(Style::TAGGED)),
            None if event.style.is_string() => (resolve::STR.to_owned(), event.style),
            None if value == "<<" => (resolve::MERGE.to_owned(), event.style),
            None => (resolve::resolve(&value).to_owned(), event.style),
        };
        let at = self.add(Kind::Scalar, tag, value, style, event.comments);
        self.anchor(at, event.anchor);
        at
    }

    fn begin(&mut self, kind: Kind, default: &str, event: Event) {
        let (tag, style) = match given(event.tag) {
            Some(tag) => (tag, event.style.with(Style::TAGGED)),
            None => (default.to_owned(), event.style),
        };
        let at = self.add(kind, tag, String::new(), style, event.comments);
        self.anchor(at, event.anchor);
        self.open.push(at);
    }

    fn end(&mut self, event: Event) {
        let Some(at) = self.open.pop() else { return };
        let foot = text(event.comments.foot);
        let Some(node) = self.tree.nodes.get_mut(at) else { return };
        node.line = text(event.comments.line);
        node.foot.clear();
        let last_key = node.children.len().checked_sub(2).and_then(|at| node.children.get(at).copied());
        match last_key.filter(|_| node.kind == Kind::Mapping && !node.style.has(Style::FLOW) && !foot.is_empty()) {
            Some(key) => self.set_foot(key, foot),
            None => node.foot = foot,
        }
        self.attach(at);
    }

    fn set_foot(&mut self, at: usize, foot: String) {
        if let Some(node) = self.tree.nodes.get_mut(at) {
            node.foot = foot;
        }
    }

    fn take_foot(&mut self, at: usize) -> String {
        self.tree.nodes.get_mut(at).map(|node| std::mem::take(&mut node.foot)).unwrap_or_default()
    }

    /// Adds a finished node to the open collection, or makes it the root. In a mapping, a comment below a value becomes the foot
    /// of its key; in blocks, so does a comment below the next key.
    fn attach(&mut self, at: usize) {
        let Some(parent) = self.open.last().and_then(|open| self.tree.nodes.get_mut(*open)) else {
            self.tree.root = at;
            return;
        };
        parent.children.push(at);
        if parent.kind != Kind::Mapping {
            return;
        }
        let count = parent.children.len();
        let block = !parent.style.has(Style::FLOW);
        let earlier = |back: usize| count.checked_sub(back).and_then(|at| parent.children.get(at).copied());
        if count % 2 == 1 {
            if let Some(prior) = earlier(3).filter(|_| block) {
                let foot = self.take_foot(at);
                if !foot.is_empty() {
                    self.set_foot(prior, foot);
                }
            }
        } else if let Some(key) = earlier(2) {
            let has_foot = self.tree.nodes.get(key).is_some_and(|key| !key.foot.is_empty());
            if !has_foot {
                let foot = self.take_foot(at);
                self.set_foot(key, foot);
            }
        }
    }
}

/// The short form of an explicit tag; `!` alone is not a tag.
fn given(tag: Vec<u8>) -> Option<String> {
    (!tag.is_empty() && tag != b"!").then(|| resolve::short(&text(tag)))
}
