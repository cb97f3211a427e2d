//! YAML as go-yaml v3's nodes: read with styles, tags, anchors and comments, and written again.
//!
//! Goes in: the text of a document. Comes out: a [`Tree`], and from trees one text. It is separate from reading values, which is
//! tuned to drop what is kept here. Must match go.yaml.in/yaml v3.0.4 with kyaml's settings (indentation by two, lists at the
//! indentation of their keys, lines of any length). Reading goes through `cursor`, `scanner` (with `comments`, `scalars`,
//! `properties`), `parser` (with `blocks`, `flows`) and `compose`, writing through `events`, `emitter`, `scalar_text` and `lines`.

mod blocks;
mod comments;
mod compose;
mod cursor;
mod emitter;
mod events;
mod flows;
mod lines;
mod parser;
mod properties;
mod resolve;
mod scalar_text;
mod scalars;
mod scanner;
mod style;

use super::fault::{Fault, Origin};
use super::reader::Source;
pub use style::Style;

/// The kind of a node, named as in kyaml's messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Sequence,
    Mapping,
    Scalar,
    Alias,
}

/// A node of a document.
#[derive(Debug, Clone)]
pub struct Node {
    pub kind: Kind,
    pub style: Style,
    /// Its short form (`!!str`); empty for aliases and for nodes that were not read from a text.
    pub tag: String,
    /// The text of a scalar, or the name of an alias.
    pub value: String,
    /// Empty when there is none.
    pub anchor: String,
    /// The indices of its children in the tree; keys and values alternate.
    pub children: Vec<usize>,
    /// The comment above it.
    pub head: String,
    /// The comment behind it.
    pub line: String,
    /// The comment below it.
    pub foot: String,
}

impl Node {
    /// A node without tag, comments and children.
    pub fn new(kind: Kind, value: &str) -> Node {
        Node {
            kind,
            style: Style::PLAIN,
            tag: String::new(),
            value: value.to_owned(),
            anchor: String::new(),
            children: Vec::new(),
            head: String::new(),
            line: String::new(),
            foot: String::new(),
        }
    }

    /// Whether it is null by its tag.
    pub fn is_null(&self) -> bool {
        self.tag == resolve::NULL
    }
}

/// A document; its nodes refer to each other by index, so that no depth can exhaust the stack.
#[derive(Debug, Clone, Default)]
pub struct Tree {
    nodes: Vec<Node>,
    root: usize,
    head: String,
    foot: String,
}

impl Tree {
    /// Reads the first document of `text`; `None` when it has only comments. Errors are go-yaml's (`yaml: line N: …`).
    pub fn read(text: &[u8]) -> Result<Option<Tree>, String> {
        let source = Source::new(text);
        let scanner = scanner::Scanner::new(cursor::Cursor::new(&source));
        compose::compose(parser::Parser::new(scanner)).map_err(|fault| message(&fault))
    }

    /// The index of the outermost node.
    pub fn root(&self) -> usize {
        self.root
    }

    /// The node at an index.
    pub fn node(&self, at: usize) -> Option<&Node> {
        self.nodes.get(at)
    }

    /// The node at an index, to change it.
    pub fn node_mut(&mut self, at: usize) -> Option<&mut Node> {
        self.nodes.get_mut(at)
    }

    /// Adds a node without a parent and returns its index.
    pub fn add(&mut self, node: Node) -> usize {
        self.nodes.push(node);
        self.nodes.len() - 1
    }

    /// The node at `at` and its descendants as a separate document.
    pub fn cut_out(&self, at: usize) -> Tree {
        let mut cut = Tree::default();
        let mut sources = vec![at];
        let mut done = 0;
        // The children of a node are queued behind all nodes found before.
        while let Some(node) = sources.get(done).and_then(|at| self.nodes.get(*at)) {
            let mut copy = node.clone();
            copy.children = (sources.len()..).take(node.children.len()).collect();
            sources.extend_from_slice(&node.children);
            cut.nodes.push(copy);
            done += 1;
        }
        cut
    }
}

/// Writes documents to one stream: whole trees, or single nodes.
#[derive(Default)]
pub struct Writer(emitter::Emitter);

impl Writer {
    /// Whether lists in mappings are indented deeper than their keys, from now on.
    pub fn indent_lists(&mut self, deeper: bool) {
        self.0.compact_lists = !deeper;
    }

    /// Writes a document with the comments above and below it.
    pub fn document(&mut self, tree: &Tree) {
        self.0.emit(&events::of(tree, tree.root, &tree.head, &tree.foot));
    }

    /// Writes one node of a tree as a separate document.
    pub fn node(&mut self, tree: &Tree, at: usize) {
        self.0.emit(&events::of(tree, at, "", ""));
    }

    /// The written text.
    pub fn finish(self) -> String {
        self.0.finish()
    }
}

/// go-yaml v3's message: the line where the construct began takes precedence over that of the fault itself.
fn message(fault: &Fault) -> String {
    let line = if fault.context_line != 0 { fault.context_line } else { fault.line };
    match (line, fault.origin) {
        (0, _) => format!("yaml: {}", fault.problem),
        (line, Origin::Scanner) => format!("yaml: line {}: {}", line + 1, fault.problem),
        (line, _) => format!("yaml: line {line}: {}", fault.problem),
    }
}

#[cfg(test)]
mod tests;
