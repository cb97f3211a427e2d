//! Writing YAML as Go's encoders do: go-yaml v2 behind the JSON bridge for `toYaml`, go-yaml v3 for `toYamlPretty`.
//!
//! Goes in: pushed maps, lists and scalars, so that any tree can be written without conversion. Comes out: text, byte for byte
//! that of the Go encoders, and their errors. [`scalar`] decides how a scalar is quoted.
//!
//! `yaml.Marshal` writes JSON, parses that as YAML and writes the result. The effects of this on a tree are reproduced directly:
//! numbers are read again from their JSON text, next line characters fold to spaces, and text that the parser refuses is an error.

mod scalar;

use super::order::sort_keys;
use super::resolve::{Resolved, resolve};
use crate::base64;
use crate::data::Data;
use crate::error::{Error, ErrorKind, Result};
use crate::json::valid_text;
use crate::number;
use scalar::{Analysis, ScalarStyle};
use std::borrow::Cow;
use std::sync::Arc;

/// The Go encoder to match.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// sigs.k8s.io/yaml `Marshal`: JSON first, then go-yaml v2. The encoder of `toYaml`.
    Bridge,
    /// go-yaml v3 with an indent of 2. The encoder of `toYamlPretty`.
    Pretty,
}

/// Spaces per level.
const INDENT: isize = 2;

/// The column behind which plain and quoted scalars are folded, in [`Style::Bridge`] only.
const WIDTH: usize = 80;

/// The longest key that is written without `?`.
const MAX_SIMPLE_KEY: usize = 128;

/// The longest key, as JSON, that the bridge can read back.
const MAX_JSON_KEY: usize = 1024;

/// The deepest nesting that the bridge can read back.
const MAX_DEPTH: usize = 10_000;

/// An open collection.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Open {
    List,
    /// Before a key, behind a key, and behind a key with a `?`.
    MapAtKey,
    MapAtValue,
    MapAtLongValue,
    /// Written as `[]` or `{}` already.
    Empty,
}

/// The position of a node.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Context {
    Root,
    Item,
    /// A value, or a key with a `?`.
    Value,
    SimpleKey,
}

/// A push emitter. The caller nests the calls properly and pushes the keys of a map in the order of [`sort_keys`].
pub struct Writer {
    style: Style,
    out: Vec<u8>,
    open: Vec<Open>,
    indents: Vec<isize>,
    indent: isize,
    /// In characters.
    column: usize,
    /// Whether the last character was blank.
    whitespace: bool,
    /// Whether this line has only indentation and indicators so far.
    indention: bool,
    depth: usize,
    limit: usize,
    /// Precedes `refused`, because all JSON is written before any of it is read.
    unsupported: Option<String>,
    refused: Option<&'static str>,
}

impl Writer {
    /// An emitter of one document.
    pub fn new(style: Style) -> Writer {
        Writer {
            style,
            out: Vec::new(),
            open: Vec::new(),
            indents: Vec::new(),
            indent: -1,
            column: 0,
            whitespace: true,
            indention: true,
            depth: 0,
            limit: usize::MAX,
            unsupported: None,
            refused: None,
        }
    }

    /// The same, but once there are more than `limit` bytes no more text is written: who sets a limit refuses what is longer.
    pub fn limited(self, limit: usize) -> Writer {
        Writer { limit, ..self }
    }

    /// The limit, if there are more bytes already.
    pub fn exceeded(&self) -> Option<usize> {
        Some(self.limit).filter(|limit| self.out.len() > *limit)
    }

    /// Opens a map of `length` entries, to be followed by [`Writer::key`], a value, … and [`Writer::end_map`].
    pub fn begin_map(&mut self, length: usize) {
        self.begin(length, Open::MapAtKey, b"{", b"}");
    }

    /// Closes the open map.
    pub fn end_map(&mut self) {
        self.end();
    }

    /// Opens a list of `length` items.
    pub fn begin_list(&mut self, length: usize) {
        self.begin(length, Open::List, b"[", b"]");
    }

    /// Closes the open list.
    pub fn end_list(&mut self) {
        self.end();
    }

    /// A key of the open map.
    pub fn key(&mut self, text: &[u8]) {
        let text = self.within_limit(text);
        self.check_json_key(text);
        let (text, tag) = self.prepare(text);
        let analysis = Analysis::of(&text, self.style);
        self.write_indent();
        let simple = !analysis.multiline && text.len() + tag.len() <= MAX_SIMPLE_KEY;
        if !simple {
            self.write_indicator(b"?", true, false, true);
        }
        let context = if simple { Context::SimpleKey } else { Context::Value };
        self.write_text(&text, tag, &analysis, context);
        if let Some(top) = self.open.last_mut() {
            *top = if simple { Open::MapAtValue } else { Open::MapAtLongValue };
        }
    }

    /// `null`
    pub fn null(&mut self) {
        self.plain(b"null");
    }

    /// `true` or `false`
    pub fn bool(&mut self, truth: bool) {
        self.plain(if truth { b"true" } else { b"false" });
    }

    /// A signed integer.
    pub fn int(&mut self, number: i64) {
        self.plain(number.to_string().as_bytes());
    }

    /// An unsigned integer.
    pub fn uint(&mut self, number: u64) {
        self.plain(number.to_string().as_bytes());
    }

    /// A float64. The bridge writes whole numbers that fit in 64 bits without a point and refuses NaN and the infinities.
    pub fn float(&mut self, number: f64) {
        let mut text = Vec::new();
        match self.style {
            Style::Bridge if !number.is_finite() => {
                self.unsupported.get_or_insert_with(|| format!("json: unsupported value: {}", number::format_g(number)));
            }
            Style::Bridge => {
                number::write_json(&mut text, number);
                match std::str::from_utf8(&text).map(resolve) {
                    Ok(Resolved::Int(whole)) => text = whole.to_string().into_bytes(),
                    Ok(Resolved::Uint(whole)) => text = whole.to_string().into_bytes(),
                    _ => {
                        text.clear();
                        number::write_g(&mut text, number);
                    }
                }
            }
            Style::Pretty if number.is_nan() => text.extend_from_slice(b".nan"),
            Style::Pretty if number.is_infinite() => text.extend_from_slice(if number > 0.0 { b".inf" } else { b"-.inf" }),
            Style::Pretty => number::write_g(&mut text, number),
        }
        self.plain(&text);
    }

    /// A string; bytes that are not UTF-8 become U+FFFD (Bridge) or turn it into a `!!binary` scalar (Pretty).
    pub fn str(&mut self, text: &[u8]) {
        let text = self.within_limit(text);
        let (text, tag) = self.prepare(text);
        let analysis = Analysis::of(&text, self.style);
        let context = self.before_node();
        self.write_text(&text, tag, &analysis, context);
        self.after_node();
    }

    fn within_limit<'t>(&self, text: &'t [u8]) -> &'t [u8] {
        if self.out.len() > self.limit { b"" } else { text }
    }

    /// A text that is written unchanged: a time.
    pub fn verbatim(&mut self, text: &str) {
        self.plain(text.as_bytes());
    }

    /// The text, with its final newline; or the first error of Go
    /// (`error marshaling into JSON: json: unsupported value: NaN`, `yaml: control characters are not allowed`).
    pub fn finish(mut self) -> Result<Vec<u8>> {
        if let Some(problem) = self.unsupported {
            return Err(Error::new(ErrorKind::Syntax, format!("error marshaling into JSON: {problem}")));
        }
        if let Some(problem) = self.refused {
            return Err(Error::new(ErrorKind::Syntax, format!("yaml: {problem}")));
        }
        self.indent = -1;
        self.write_indent();
        Ok(self.out)
    }

    // ---- structure

    fn begin(&mut self, length: usize, kind: Open, opening: &[u8], closing: &[u8]) {
        self.depth += 1;
        if self.style == Style::Bridge && self.depth > MAX_DEPTH {
            self.refused.get_or_insert("exceeded max depth of 10000");
        }
        let context = self.before_node();
        self.indents.push(self.indent);
        if length == 0 {
            self.write_indicator(opening, true, true, false);
            self.write_indicator(closing, false, false, false);
            self.open.push(Open::Empty);
            return;
        }
        // go-yaml v2 does not indent lists in maps.
        let flush = kind == Open::List && self.style == Style::Bridge && context == Context::Value && !self.indention;
        if self.indent < 0 {
            self.indent = 0;
        } else if !flush {
            self.indent += INDENT;
        }
        self.open.push(kind);
    }

    fn end(&mut self) {
        self.depth = self.depth.saturating_sub(1);
        self.open.pop();
        self.indent = self.indents.pop().unwrap_or(-1);
        self.after_node();
    }

    /// Writes the separators and indicators before an item or a value.
    fn before_node(&mut self) -> Context {
        match self.open.last() {
            None | Some(Open::Empty | Open::MapAtKey) => Context::Root,
            Some(Open::List) => {
                self.write_indent();
                self.write_indicator(b"-", true, false, true);
                Context::Item
            }
            Some(Open::MapAtValue) => {
                self.write_indicator(b":", false, false, false);
                Context::Value
            }
            Some(Open::MapAtLongValue) => {
                self.write_indent();
                self.write_indicator(b":", true, false, true);
                Context::Value
            }
        }
    }

    fn after_node(&mut self) {
        if let Some(top @ (Open::MapAtValue | Open::MapAtLongValue)) = self.open.last_mut() {
            *top = Open::MapAtKey;
        }
    }

    /// A scalar of ASCII characters without blanks.
    fn plain(&mut self, text: &[u8]) {
        self.before_node();
        if !self.whitespace {
            self.put(b' ');
        }
        self.put_ascii(text);
        self.whitespace = false;
        self.indention = false;
        self.after_node();
    }

    // ---- the bridge

    /// A string as the bridge returns it, and its tag.
    fn prepare<'t>(&mut self, text: &'t [u8]) -> (Cow<'t, str>, &'static str) {
        match self.style {
            Style::Bridge => {
                let text = valid_text(text);
                if text.is_ascii() && !text.contains('\x7F') {
                    return (text, "");
                }
                if text.chars().any(|character| matches!(character, '\x7F'..='\u{84}' | '\u{86}'..='\u{9F}' | '\u{FFFE}' | '\u{FFFF}')) {
                    self.refused.get_or_insert("control characters are not allowed");
                }
                if text.contains('\u{85}') { (Cow::Owned(scalar::fold_next_lines(&text)), "") } else { (text, "") }
            }
            Style::Pretty => match std::str::from_utf8(text) {
                Ok(text) => (Cow::Borrowed(text), ""),
                Err(_) => (Cow::Owned(base64_lines(text)), "!!binary"),
            },
        }
    }

    /// Refuses keys that the parser behind the bridge does not recognise: too long ones, and those with line breaks.
    fn check_json_key(&mut self, text: &[u8]) {
        if self.style == Style::Pretty || text.len() * 6 <= MAX_JSON_KEY && text.is_ascii() {
            return;
        }
        let text = valid_text(text);
        let mut json = crate::json::Writer::new(true);
        json.str(text.as_bytes());
        let length = json.finish().map_or(0, |json| String::from_utf8_lossy(&json).chars().count());
        if length > MAX_JSON_KEY || text.contains('\u{85}') {
            self.refused.get_or_insert("did not find expected ',' or '}'");
        }
    }

    // ---- characters

    fn put(&mut self, byte: u8) {
        self.out.push(byte);
        self.column += 1;
    }

    fn put_ascii(&mut self, text: &[u8]) {
        self.out.extend_from_slice(text);
        self.column += text.len();
    }

    fn put_break(&mut self) {
        self.out.push(b'\n');
        self.column = 0;
    }

    fn write_indent(&mut self) {
        let indent = self.indent.max(0) as usize;
        if !self.indention || self.column > indent || (self.column == indent && !self.whitespace) {
            self.put_break();
        }
        if self.column < indent {
            self.out.resize(self.out.len() + indent - self.column, b' ');
            self.column = indent;
        }
        self.whitespace = true;
        self.indention = true;
    }

    fn write_indicator(&mut self, indicator: &[u8], need_whitespace: bool, is_whitespace: bool, is_indention: bool) {
        if need_whitespace && !self.whitespace {
            self.put(b' ');
        }
        self.put_ascii(indicator);
        self.whitespace = is_whitespace;
        self.indention = self.indention && is_indention;
    }

    fn write_text(&mut self, text: &str, tag: &'static str, analysis: &Analysis, context: Context) {
        let style = analysis.choose(text, tag, context == Context::SimpleKey);
        if !tag.is_empty() {
            self.write_indicator(tag.as_bytes(), true, false, false);
        }
        let indent = self.indent;
        self.indent = if indent < 0 { INDENT } else { indent + INDENT };
        let fold = context != Context::SimpleKey && self.style == Style::Bridge;
        match style {
            ScalarStyle::Plain => self.write_plain(text, fold),
            ScalarStyle::Single => self.write_single(text, fold),
            ScalarStyle::Double => self.write_double(text, fold),
            ScalarStyle::Literal => self.write_literal(text),
        }
        self.indent = indent;
    }
}

/// Base64 in lines of 70, as go-yaml writes `!!binary`.
fn base64_lines(bytes: &[u8]) -> String {
    let text = base64::encode(bytes);
    if text.len() < 70 {
        return text;
    }
    let mut lines = String::with_capacity(text.len() + text.len() / 70 + 1);
    for (at, character) in text.chars().enumerate() {
        lines.push(character);
        if at % 70 == 69 {
            lines.push('\n');
        }
    }
    if !lines.ends_with('\n') {
        lines.push('\n');
    }
    lines
}

/// An open collection of a tree that is being written.
enum Walk<'a> {
    List(std::slice::Iter<'a, Data>),
    Map(std::vec::IntoIter<(&'a Arc<str>, &'a Data)>),
}

/// Pushes a tree of any depth.
pub fn write(writer: &mut Writer, data: &Data) {
    let mut open: Vec<Walk<'_>> = Vec::new();
    let mut next = Some(data);
    loop {
        match next {
            Some(Data::Null) => writer.null(),
            Some(Data::Bool(truth)) => writer.bool(*truth),
            Some(Data::Int(number)) => writer.int(*number),
            Some(Data::Float(number)) => writer.float(*number),
            Some(Data::Str(text)) => writer.str(text.as_bytes()),
            Some(Data::Bytes(text)) => writer.str(text),
            Some(Data::List(items)) => {
                writer.begin_list(items.len());
                open.push(Walk::List(items.iter()));
            }
            Some(Data::Map(map)) => {
                writer.begin_map(map.len());
                let mut entries: Vec<_> = map.iter().collect();
                sort_keys(&mut entries, |entry| entry.0, writer.style);
                open.push(Walk::Map(entries.into_iter()));
            }
            None => {}
        }
        next = match open.last_mut() {
            None => return,
            Some(Walk::List(items)) => items.next(),
            Some(Walk::Map(entries)) => entries.next().map(|(key, value)| {
                writer.key(key.as_bytes());
                value
            }),
        };
        if next.is_none() {
            match open.pop() {
                Some(Walk::List(_)) => writer.end_list(),
                _ => writer.end_map(),
            }
        }
    }
}

/// The tree as written by `yaml.Marshal`, with the final newline.
pub fn to_string(data: &Data) -> Result<String> {
    let mut writer = Writer::new(Style::Bridge);
    write(&mut writer, data);
    writer.finish().map(|text| String::from_utf8_lossy(&text).into_owned())
}
