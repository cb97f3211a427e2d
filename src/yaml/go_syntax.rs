//! Nodes as Go's `%#v` prints go-yaml's values, for messages about invalid keys only.
//!
//! Goes in: a node of a document. Comes out: its text, cut off where aliases would make it huge.

use super::document::{Document, NodeKind};
use super::resolve::{BINARY, Resolved, resolve_tagged};
use crate::number;
use crate::quote::quote;

/// The longest text.
const MAX_LENGTH: usize = 64 << 10;

/// The deepest nesting.
const MAX_DEPTH: usize = 200;

/// A value inside a map or list: nil is `interface {}(nil)`.
pub(super) fn value(document: &Document<'_>, index: usize) -> String {
    let mut out = String::new();
    Printer { document, room: MAX_LENGTH }.print(index, 0, &mut out);
    out
}

/// A value on its own: nil is `<nil>`.
pub(super) fn top(document: &Document<'_>, index: usize) -> String {
    let text = value(document, index);
    if text == "interface {}(nil)" { "<nil>".to_owned() } else { text }
}

/// Prints until the room is used up, including the room for keys of maps, which are printed separately to be sorted.
struct Printer<'d, 'a> {
    document: &'d Document<'a>,
    room: usize,
}

impl Printer<'_, '_> {
    fn print(&mut self, index: usize, depth: usize, out: &mut String) {
        let document = self.document;
        let Some(node) = document.nodes.get(index) else { return };
        if self.room == 0 || depth > MAX_DEPTH {
            return;
        }
        match node.kind() {
            NodeKind::Alias(target) => self.print(target as usize, depth + 1, out),
            NodeKind::Sequence => {
                self.push("[]interface {}{", out);
                for (position, child) in document.children(index).enumerate() {
                    if position > 0 {
                        self.push(", ", out);
                    }
                    self.print(child, depth + 1, out);
                }
                out.push('}');
            }
            NodeKind::Mapping => self.print_map(index, depth, out),
            NodeKind::Scalar => {
                let quoted = document.tag(node).is_empty() && !node.implicit || document.tag(node) == BINARY;
                let resolved = if quoted { Ok(Resolved::Str) } else { resolve_tagged(document.tag(node), node.value()) };
                match resolved.unwrap_or(Resolved::Str) {
                    Resolved::Null => self.push("interface {}(nil)", out),
                    Resolved::Bool(truth) => self.push(if truth { "true" } else { "false" }, out),
                    Resolved::Int(number) => self.push(&number.to_string(), out),
                    Resolved::Uint(number) => self.push(&format!("{number:#x}"), out),
                    Resolved::Float(number) => self.push(&number::format_g(number), out),
                    Resolved::Timestamp | Resolved::Str => self.push(&quote(node.value().as_bytes()), out),
                }
            }
        }
    }

    fn print_map(&mut self, index: usize, depth: usize, out: &mut String) {
        self.push("map[interface {}]interface {}{", out);
        let mut entries: Vec<(String, usize)> = Vec::new();
        let mut children = self.document.children(index);
        while let (Some(key), Some(value)) = (children.next(), children.next()) {
            let mut name = String::new();
            self.print(key, depth + 1, &mut name);
            entries.push((name, value));
        }
        // Among equal keys, the last one stays.
        entries.sort();
        entries.reverse();
        entries.dedup_by(|earlier, later| earlier.0 == later.0);
        for (position, (key, child)) in entries.into_iter().rev().enumerate() {
            if position > 0 {
                self.push(", ", out);
            }
            out.push_str(&key);
            out.push(':');
            self.print(child, depth + 1, out);
        }
        out.push('}');
    }

    fn push(&mut self, text: &str, out: &mut String) {
        self.room = self.room.saturating_sub(text.len());
        out.push_str(text);
    }
}
