//! Finds the line of a value in a text, so that messages can name it.
//!
//! Goes in: a YAML text and paths of keys. Comes out: the lines of the last keys. It is separate from parsing, which keeps no
//! lines. A text is read once, so that looking up all of its values takes no longer than reading it.

use super::document::{Document, NodeKind};
use super::parser::Parser;
use super::reader::Source;
use super::scanner::Scanner;
use std::collections::HashMap;

/// The line (from 1) of the key or item at `path` in the first document of `text`. See [`Places::line`].
pub fn locate(text: &[u8], path: &[&str]) -> Option<usize> {
    Places::read(text, 1).line(path)
}

/// How many nodes one search may visit: maps may merge each other in more ways than there are nodes.
const MAX_STEPS: usize = 10_000;

/// The places of all values in a text.
pub struct Places {
    nodes: Vec<Node>,
    /// The first node of each document.
    documents: Vec<usize>,
}

/// The content of a node; indices refer to other nodes.
enum Node {
    Scalar,
    Alias(usize),
    List(Vec<Entry>),
    Map {
        entries: HashMap<Box<str>, Entry>,
        /// The nodes merged into it, the strongest first.
        merges: Vec<usize>,
    },
}

#[derive(Clone, Copy)]
struct Entry {
    /// The line of its key, from 1.
    line: usize,
    value: usize,
}

impl Places {
    /// The places in all documents of `text`. Complete documents before a syntax fault are included.
    pub fn of(text: &[u8]) -> Places {
        Places::read(text, usize::MAX)
    }

    fn read(text: &[u8], documents: usize) -> Places {
        let source = Source::new(text);
        let mut parser = Parser::new(Scanner::new(&source));
        let mut places = Places { nodes: Vec::new(), documents: Vec::new() };
        while places.documents.len() < documents
            && let Ok(document) = Document::read(&mut parser)
            && !document.nodes.is_empty()
        {
            places.add(&document);
        }
        places
    }

    fn add(&mut self, document: &Document<'_>) {
        let first = self.nodes.len();
        self.documents.push(first);
        for (index, node) in document.nodes.iter().enumerate() {
            let line = |at: usize| document.nodes.get(at).map_or(0, |node| node.line() + 1);
            self.nodes.push(match node.kind() {
                NodeKind::Scalar => Node::Scalar,
                NodeKind::Alias(target) => Node::Alias(first + target as usize),
                NodeKind::Sequence => {
                    Node::List(document.children(index).map(|item| Entry { line: line(item), value: first + item }).collect())
                }
                NodeKind::Mapping => {
                    let mut entries = HashMap::new();
                    let mut merges = Vec::new();
                    let mut children = document.children(index);
                    while let (Some(key), Some(value)) = (children.next(), children.next()) {
                        let Some(node) = document.nodes.get(key) else { continue };
                        if document.is_merge(node) {
                            merges.push(first + value);
                        } else {
                            entries.insert(node.value().into(), Entry { line: line(key), value: first + value });
                        }
                    }
                    merges.reverse();
                    Node::Map { entries, merges }
                }
            });
        }
    }

    /// The line (from 1) of the key or item at `path`; for repeated keys and documents, the last one, as in values files. List
    /// items are named by their index in decimal. Aliases and merged maps are followed. `None` if there is no such value.
    pub fn line(&self, path: &[&str]) -> Option<usize> {
        let mut steps = MAX_STEPS;
        self.documents.iter().rev().find_map(|document| {
            let mut at = *document;
            let mut line = None;
            for part in path {
                let entry = self.entry(at, part, &mut steps)?;
                (at, line) = (entry.value, Some(entry.line));
            }
            line
        })
    }

    /// The entry of this name, found within the remaining `steps`.
    fn entry(&self, at: usize, part: &str, steps: &mut usize) -> Option<Entry> {
        // A merge may be a list of maps; the searched entry may be a list item.
        let mut pending = vec![(at, false)];
        while let Some((at, is_merged)) = pending.pop() {
            *steps = steps.checked_sub(1)?;
            match self.nodes.get(at)? {
                Node::Scalar => {}
                Node::Alias(target) => pending.push((*target, is_merged)),
                Node::List(maps) if is_merged => pending.extend(maps.iter().rev().map(|map| (map.value, false))),
                Node::List(items) => return items.get(part.parse::<usize>().ok()?).copied(),
                Node::Map { entries, merges } => match entries.get(part) {
                    Some(entry) => return Some(*entry),
                    None => pending.extend(merges.iter().rev().map(|map| (*map, true))),
                },
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_keys() {
        let text = b"a: 1\nb:\n  c:\n  - x\n  - y: 2\n\nbase: &base\n  k: 1\nd:\n  <<: *base\n  e: *base\na: 3\n";
        let cases: [(&[&str], Option<usize>); 8] = [
            (&["a"], Some(12)),
            (&["b", "c"], Some(3)),
            (&["b", "c", "1"], Some(5)),
            (&["b", "c", "1", "y"], Some(5)),
            (&["d", "k"], Some(8)),
            (&["d", "e", "k"], Some(8)),
            (&["b", "x"], None),
            (&[], None),
        ];
        for (path, want) in cases {
            assert_eq!(locate(text, path), want, "{path:?}");
        }
        let several = b"a: 1\n---\na: 2\n";
        assert_eq!((locate(several, &["a"]), Places::of(several).line(&["a"])), (Some(1), Some(3)));
    }

    /// Maps that merge themselves, and each other, in more ways than can be tried.
    #[test]
    fn merges_end() {
        let mut text = String::from("<<: &a\n  <<: [*a, *a, *a, *a]\nb: &b0 {k: 1}\n");
        for level in 0..60 {
            text.push_str(&format!("c{level}: &b{} {{<<: [*b{level}, *b{level}]}}\n", level + 1));
        }
        let places = Places::of(text.as_bytes());
        for (path, want) in [(["version", "x"], None), (["c59", "none"], None), (["c59", "k"], Some(3))] {
            assert_eq!(places.line(&path), want, "{path:?}");
        }
    }
}
