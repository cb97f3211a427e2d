//! Writing TOML (BurntSushi/toml's `Encoder`).
//!
//! Goes in: a tree of [`Node`]s, which distinguishes what the Go encoder finds by reflection. Comes out: the text, or Go's error.
//! Keys are sorted by their bytes; plain values come before tables; each level of tables is indented by two blanks.

use crate::error::{Error, ErrorKind, Result};
use crate::number;
use std::fmt::Write as _;

/// A value to write, as the Go encoder sees it by reflection.
#[derive(Debug, Clone)]
pub enum Node {
    /// A nil interface, map or slice.
    Nil,
    Bool(bool),
    Int(i64),
    Uint(u64),
    Float(f64),
    Str(Vec<u8>),
    /// A `time.Time`, as its printed text.
    Time(String),
    /// A slice.
    List(Vec<Node>),
    /// A map; in any order.
    Map(Vec<(Vec<u8>, Node)>),
    /// A struct; fields in declaration order.
    Struct(Vec<(Vec<u8>, Node)>),
}

/// The kinds that the encoder distinguishes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Nil,
    Value,
    Table,
    Tables,
}

/// The text that `toml.NewEncoder().Encode` writes, or its error. It recurses as deep as the tree.
///
/// # Errors
/// Besides Go's: [`ErrorKind::Limit`] at about `limit` bytes, since every table has its whole path written before it.
pub fn write(node: &Node, limit: usize) -> Result<Vec<u8>> {
    let mut encoder = Encoder { out: Vec::new(), key: Vec::new(), limit };
    encoder.encode(node)?;
    Ok(encoder.out)
}

fn problem(text: &str) -> Error {
    Error::new(ErrorKind::Syntax, text)
}

/// The encoder's kind of a node (`tomlTypeOfGo`); a list must not contain nil.
fn kind(node: &Node) -> Result<Kind> {
    match node {
        Node::Nil => Ok(Kind::Nil),
        Node::Map(_) | Node::Struct(_) => Ok(Kind::Table),
        Node::List(items) => {
            let mut all_tables = !items.is_empty();
            for item in items {
                match kind(item)? {
                    Kind::Nil => return Err(problem("toml: cannot encode array with nil element")),
                    found => all_tables &= found == Kind::Table,
                }
            }
            Ok(if all_tables { Kind::Tables } else { Kind::Value })
        }
        _ => Ok(Kind::Value),
    }
}

/// Text in double quotes.
fn write_quoted(text: &[u8], out: &mut Vec<u8>) {
    out.push(b'"');
    for &byte in text {
        match byte {
            b'"' | b'\\' => out.extend_from_slice(&[b'\\', byte]),
            0x08 => out.extend_from_slice(b"\\b"),
            b'\t' => out.extend_from_slice(b"\\t"),
            b'\n' => out.extend_from_slice(b"\\n"),
            0x0C => out.extend_from_slice(b"\\f"),
            b'\r' => out.extend_from_slice(b"\\r"),
            0..0x20 | 0x7F => {
                let mut escape = String::new();
                let _ = write!(escape, "\\u{byte:04x}");
                out.extend_from_slice(escape.as_bytes());
            }
            _ => out.push(byte),
        }
    }
    out.push(b'"');
}

/// A part of a key, in quotes if it needs them.
pub(super) fn write_key(key: &[u8], out: &mut Vec<u8>) {
    let bare = !key.is_empty() && key.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'));
    if bare { out.extend_from_slice(key) } else { write_quoted(key, out) }
}

struct Encoder<'n> {
    out: Vec<u8>,
    /// The path of the table or value being written.
    key: Vec<&'n [u8]>,
    limit: usize,
}

impl<'n> Encoder<'n> {
    /// Ends the line, unless nothing was written yet.
    fn newline(&mut self) {
        if !self.out.is_empty() {
            self.out.push(b'\n');
        }
    }

    fn indent(&mut self) {
        for _ in 1..self.key.len() {
            self.out.extend_from_slice(b"  ");
        }
    }

    fn encode(&mut self, node: &'n Node) -> Result<()> {
        self.check_size()?;
        match (kind(node)?, node) {
            (Kind::Nil, _) => Ok(()),
            (Kind::Table, _) => {
                // A blank line between top-level tables.
                if self.key.len() == 1 {
                    self.newline();
                }
                if !self.key.is_empty() {
                    self.header("[", "]");
                }
                self.table(node, false)
            }
            (Kind::Tables, Node::List(items)) => {
                if self.key.is_empty() {
                    return Err(problem("toml: top-level values must be Go maps or structs"));
                }
                for item in items {
                    self.check_size()?;
                    self.newline();
                    self.header("[[", "]]");
                    self.table(item, false)?;
                }
                Ok(())
            }
            _ => self.key_value(node, false),
        }
    }

    fn check_size(&self) -> Result<()> {
        if self.out.len() > self.limit {
            return Err(Error::new(ErrorKind::Limit, format!("result exceeds the limit of {} bytes", self.limit)));
        }
        Ok(())
    }

    fn header(&mut self, opening: &str, closing: &str) {
        self.indent();
        self.out.extend_from_slice(opening.as_bytes());
        for (at, part) in self.key.iter().enumerate() {
            if at > 0 {
                self.out.push(b'.');
            }
            write_key(part, &mut self.out);
        }
        self.out.extend_from_slice(closing.as_bytes());
        self.newline();
    }

    fn key_value(&mut self, node: &'n Node, inline: bool) -> Result<()> {
        let Some(last) = self.key.last().copied() else { return self.element(node) };
        if !inline {
            self.indent();
        }
        write_key(last, &mut self.out);
        self.out.extend_from_slice(b" = ");
        self.element(node)?;
        if !inline {
            self.newline();
        }
        Ok(())
    }

    /// The entries of a map or struct: plain values first, then tables.
    fn table(&mut self, node: &'n Node, inline: bool) -> Result<()> {
        let (entries, sorted) = match node {
            Node::Map(entries) => (entries, true),
            Node::Struct(fields) => (fields, false),
            _ => return Ok(()),
        };
        let mut plain = Vec::new();
        let mut tables = Vec::new();
        for (position, (key, value)) in entries.iter().enumerate() {
            let is_table = matches!(kind(value)?, Kind::Table | Kind::Tables);
            if is_table { &mut tables } else { &mut plain }.push((position, key, value));
        }
        if sorted {
            plain.sort_by_key(|entry| entry.1);
            tables.sort_by_key(|entry| entry.1);
        }
        if inline {
            self.out.push(b'{');
        }
        let count = entries.len();
        for (order, (position, key, value)) in plain.into_iter().chain(tables).enumerate() {
            if matches!(value, Node::Nil) {
                continue;
            }
            // Go counts the entries of a map in the order written, those of a struct in the order declared.
            let is_last = if sorted { order + 1 == count } else { position + 1 == count };
            if inline {
                let outer = std::mem::replace(&mut self.key, vec![key.as_slice()]);
                let written = self.key_value(value, true);
                self.key = outer;
                written?;
                if !is_last {
                    self.out.extend_from_slice(b", ");
                }
            } else {
                self.key.push(key);
                let written = self.encode(value);
                self.key.pop();
                written?;
            }
        }
        if inline {
            self.out.push(b'}');
        }
        Ok(())
    }

    /// Writes a value behind `=` or in a list.
    fn element(&mut self, node: &'n Node) -> Result<()> {
        match node {
            Node::Nil => {}
            Node::Bool(truth) => self.out.extend_from_slice(if *truth { b"true" } else { b"false" }),
            Node::Int(number) => number::write_int(&mut self.out, *number),
            Node::Uint(number) => number::write_uint(&mut self.out, *number),
            Node::Float(number) => self.float(*number),
            Node::Str(text) => write_quoted(text, &mut self.out),
            Node::Time(text) => self.out.extend_from_slice(text.as_bytes()),
            Node::List(items) => {
                self.out.push(b'[');
                for (at, item) in items.iter().enumerate() {
                    if at > 0 {
                        self.out.extend_from_slice(b", ");
                    }
                    self.element(item)?;
                }
                self.out.push(b']');
            }
            Node::Map(_) | Node::Struct(_) => self.table(node, true)?,
        }
        Ok(())
    }

    fn float(&mut self, number: f64) {
        if number.is_finite() {
            let start = self.out.len();
            number::write_g(&mut self.out, number);
            if !self.out[start..].iter().any(|byte| matches!(byte, b'.' | b'e')) {
                self.out.extend_from_slice(b".0");
            }
            return;
        }
        if number.is_sign_negative() {
            self.out.push(b'-');
        }
        self.out.extend_from_slice(if number.is_nan() { b"nan" } else { b"inf" });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(entries: Vec<(&str, Node)>) -> Node {
        Node::Map(entries.into_iter().map(|(key, value)| (key.as_bytes().to_vec(), value)).collect())
    }

    fn text(node: &Node) -> String {
        write(node, 1000).map_or_else(|error| error.to_string(), |text| String::from_utf8_lossy(&text).into_owned())
    }

    #[test]
    fn tables_and_values() {
        let inner = || map(vec![("x", Node::Int(1))]);
        let node = map(vec![
            ("t", map(vec![("u", inner()), ("b", Node::Bool(true))])),
            ("a b", Node::Str(b"q\"\x01\n".to_vec())),
            ("f", Node::List(vec![Node::Float(1.0), Node::Float(1e21), Node::Float(f64::NAN)])),
            ("l", Node::List(vec![inner(), inner()])),
            ("m", Node::List(vec![inner(), Node::Int(2)])),
            ("n", Node::Nil),
        ]);
        let want = "\"a b\" = \"q\\\"\\u0001\\n\"\nf = [1.0, 1e+21, nan]\nm = [{x = 1}, 2]\n\n[[l]]\nx = 1\n\n[[l]]\nx = 1\n\n[t]\nb = true\n[t.u]\nx = 1\n";
        // Tables below the first level are indented.
        let want = want.replace("[[l]]\nx", "[[l]]\n  x").replace("[t]\nb", "[t]\n  b").replace("[t.u]\nx", "  [t.u]\n    x");
        assert_eq!(text(&node), want);
    }

    #[test]
    fn faults() {
        assert_eq!(text(&Node::List(vec![Node::Nil])), "toml: cannot encode array with nil element");
        assert_eq!(text(&Node::List(vec![map(vec![])])), "toml: top-level values must be Go maps or structs");
        assert_eq!(text(&Node::Str(b"x".to_vec())), "\"x\"");
    }

    #[test]
    fn paths_that_repeat_are_limited() {
        let long = "k".repeat(100);
        let tables = |count: usize| {
            let names: Vec<String> = (0..count).map(|at| at.to_string()).collect();
            map(vec![(&long, map(names.iter().map(|name| (name.as_str(), map(vec![("x", Node::Int(1))]))).collect()))])
        };
        assert!(text(&tables(5)).ends_with("    x = 1\n"));
        assert_eq!(text(&tables(50)), "result exceeds the limit of 1000 bytes");
        let lists = |count| map(vec![(long.as_str(), Node::List(vec![map(vec![]); count]))]);
        assert_eq!(text(&lists(50)), "result exceeds the limit of 1000 bytes");
    }
}
