//! Where in a text a value stands, so that messages can say where it came from.
//!
//! Goes in: a YAML text and a path of keys. Comes out: the line of the last key. Kept apart from parsing, which keeps no lines.

use super::document::{Document, NodeKind};
use super::parser::Parser;
use super::reader::Source;
use super::scanner::Scanner;

/// The line (from 1) of the key or item at `path` in `text`; of repeated keys and documents the last one, as in values files.
/// Items of lists are named by their index in decimal. Aliases and merged maps are followed. `None` if it is not there; what
/// stands before a fault of syntax is still found if its document is whole.
pub fn locate(text: &[u8], path: &[&str]) -> Option<usize> {
    let source = Source::new(text);
    let mut parser = Parser::new(Scanner::new(&source));
    let mut found = None;
    while let Ok(document) = Document::read(&mut parser) {
        if document.nodes.is_empty() {
            break;
        }
        found = find(&document, path).or(found);
    }
    found
}

fn find(document: &Document<'_>, path: &[&str]) -> Option<usize> {
    let mut at = 0;
    let mut line = 0;
    for part in path {
        let (key, value) = entry(document, at, part, 0)?;
        line = document.nodes.get(key)?.line() + 1;
        at = value;
    }
    (line > 0).then_some(line)
}

/// The key and value nodes of an entry; for a list both are the item.
fn entry(document: &Document<'_>, at: usize, part: &str, hops: usize) -> Option<(usize, usize)> {
    let node = document.nodes.get(at)?;
    match node.kind() {
        // An anchor may hold an alias to itself.
        NodeKind::Alias(_) if hops > 100 => None,
        NodeKind::Alias(target) => entry(document, target as usize, part, hops + 1),
        NodeKind::Scalar => None,
        NodeKind::Sequence => document.children(at).nth(part.parse().ok()?).map(|item| (item, item)),
        NodeKind::Mapping => {
            let children: Vec<usize> = document.children(at).collect();
            let mut pairs = children.chunks_exact(2).rev();
            let own =
                pairs.clone().find(|pair| document.nodes.get(pair[0]).is_some_and(|key| key.value() == part && !document.is_merge(key)));
            own.map(|pair| (pair[0], pair[1])).or_else(|| {
                pairs.find_map(|pair| {
                    let key = document.nodes.get(pair[0])?;
                    document.is_merge(key).then(|| merged_entry(document, pair[1], part, hops + 1)).flatten()
                })
            })
        }
    }
}

/// An entry of a merged map, or of the first of several that has it.
fn merged_entry(document: &Document<'_>, at: usize, part: &str, hops: usize) -> Option<(usize, usize)> {
    match document.nodes.get(at)?.kind() {
        _ if hops > 100 => None,
        NodeKind::Sequence => document.children(at).find_map(|map| entry(document, map, part, hops + 1)),
        _ => entry(document, at, part, hops),
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
        assert_eq!(locate(b"a: 1\n---\na: 2\n", &["a"]), Some(3));
    }
}
