//! Nodes as Go's `%#v` prints what go-yaml made of them: only for messages about keys that cannot be keys.
//!
//! Goes in: a node of a document. Comes out: its text, cut off where aliases would make it huge.

use super::document::{Document, NodeKind};
use super::resolve::{BINARY, Resolved, resolve_tagged};
use crate::number;
use crate::quote::quote;

/// How much is printed at most.
const MAX_LENGTH: usize = 64 << 10;

/// How deep it looks.
const MAX_DEPTH: usize = 200;

/// A value inside a map or list: nil is `interface {}(nil)`.
pub(super) fn value(document: &Document<'_>, index: usize) -> String {
    let mut out = String::new();
    print(document, index, 0, &mut out);
    out
}

/// A value that is printed by itself: nil is `<nil>`.
pub(super) fn top(document: &Document<'_>, index: usize) -> String {
    let text = value(document, index);
    if text == "interface {}(nil)" { "<nil>".to_owned() } else { text }
}

fn print(document: &Document<'_>, index: usize, depth: usize, out: &mut String) {
    let Some(node) = document.nodes.get(index) else { return };
    if out.len() > MAX_LENGTH || depth > MAX_DEPTH {
        return;
    }
    match node.kind() {
        NodeKind::Alias(target) => print(document, target as usize, depth + 1, out),
        NodeKind::Sequence => {
            out.push_str("[]interface {}{");
            for (position, child) in document.children(index).enumerate() {
                if position > 0 {
                    out.push_str(", ");
                }
                print(document, child, depth + 1, out);
            }
            out.push('}');
        }
        NodeKind::Mapping => {
            let children: Vec<usize> = document.children(index).collect();
            let key = |index| {
                let mut key = String::new();
                print(document, index, depth + 1, &mut key);
                key
            };
            let mut entries: Vec<(String, usize)> = children.chunks_exact(2).map(|pair| (key(pair[0]), pair[1])).collect();
            // Of equal keys the last one stays.
            entries.sort();
            let mut entries = entries.into_iter().rev().collect::<Vec<_>>();
            entries.dedup_by(|earlier, later| earlier.0 == later.0);
            entries.reverse();
            out.push_str("map[interface {}]interface {}{");
            for (position, (key, child)) in entries.into_iter().enumerate() {
                if position > 0 {
                    out.push_str(", ");
                }
                out.push_str(&key);
                out.push(':');
                print(document, child, depth + 1, out);
            }
            out.push('}');
        }
        NodeKind::Scalar => {
            let quoted = document.tag(node).is_empty() && !node.implicit || document.tag(node) == BINARY;
            let resolved = if quoted { Ok(Resolved::Str) } else { resolve_tagged(document.tag(node), node.value()) };
            match resolved.unwrap_or(Resolved::Str) {
                Resolved::Null => out.push_str("interface {}(nil)"),
                Resolved::Bool(truth) => out.push_str(if truth { "true" } else { "false" }),
                Resolved::Int(number) => out.push_str(&number.to_string()),
                Resolved::Uint(number) => out.push_str(&format!("{number:#x}")),
                Resolved::Float(number) => out.push_str(&number::format_g(number)),
                Resolved::Timestamp | Resolved::Str => out.push_str(&quote(node.value().as_bytes())),
            }
        }
    }
}
