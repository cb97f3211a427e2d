//! A pass over an index.yaml in the line structure that every tool writes, without building a tree.
//!
//! Goes in: the text of an index. Comes out: one [`Item`] per chart version, whose fields are slices of the text that are decoded only on
//! demand; so a 15 MB index costs one pass over its bytes. Anything unusual (flow collections for entries, charts without versions,
//! anchors, tags, tabs, unknown or duplicate keys, several documents) ends the pass with [`Outcome::Unusual`], and `index` uses the general
//! parser instead, which also produces Helm's error text. Skipped values are delimited by indentation, as in YAML's block collections.

mod plain;

pub use plain::is_surely_text;

use crate::data::Data;
use crate::error::Result;
use crate::yaml::{self, Shape};
use std::borrow::Cow;
use std::collections::HashSet;
use std::ops::ControlFlow;

macro_rules! fields {
    ($($name:ident $key:literal)*) => {
        /// The fields of an entry that Helm knows; its strict parser refuses all others.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Field {
            $($name,)*
        }

        /// All fields.
        const FIELDS: &[Field] = &[$(Field::$name,)*];

        /// Their keys.
        const KEYS: [&str; FIELDS.len()] = [$($key,)*];
    };
}

// Sorted by the bytes of the keys.
fields! {
    Annotations "annotations"
    ApiVersion "apiVersion"
    AppVersion "appVersion"
    Checksum "checksum"
    Condition "condition"
    Created "created"
    Dependencies "dependencies"
    Deprecated "deprecated"
    Description "description"
    Digest "digest"
    Engine "engine"
    Home "home"
    Icon "icon"
    Keywords "keywords"
    KubeVersion "kubeVersion"
    Maintainers "maintainers"
    Name "name"
    Removed "removed"
    Sources "sources"
    Tags "tags"
    TillerVersion "tillerVersion"
    Type "type"
    Url "url"
    Urls "urls"
    Version "version"
}

/// The raw value of a field, from after the colon to the end of its last line.
#[derive(Debug, Clone, Copy)]
pub struct Raw<'a>(&'a [u8]);

static TEXT: Shape = Shape::Map(&Shape::Str);
static TEXTS: Shape = Shape::Map(&Shape::List(&Shape::Str));

/// One version of a chart.
#[derive(Debug, Clone)]
pub struct Item<'a> {
    /// The key below `entries`.
    pub chart: &'a str,
    fields: [Option<Raw<'a>>; KEYS.len()],
}

/// How a pass ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The whole text was visited; whether it has an `apiVersion`.
    Complete { api_version: bool },
    /// The visitor stopped the pass.
    Stopped,
    /// The text does not have the usual form: everything visited so far is void.
    Unusual,
}

impl<'a> Item<'a> {
    /// The raw value of `field`, if present.
    pub fn raw(&self, field: Field) -> Option<Raw<'a>> {
        self.fields.get(field as usize).copied().flatten()
    }

    /// The item as a separate document, with its fields at the left margin, for the general parser.
    pub fn document(&self) -> Vec<u8> {
        let mut document = Vec::new();
        for (key, raw) in KEYS.iter().zip(&self.fields) {
            if let Some(raw) = raw {
                document.extend_from_slice(key.as_bytes());
                document.push(b':');
                document.extend_from_slice(raw.0);
                if !raw.0.ends_with(b"\n") {
                    document.push(b'\n');
                }
            }
        }
        document
    }

    /// The text of a string field; empty if absent or null.
    pub fn text(&self, field: Field) -> Result<Cow<'a, str>> {
        match self.raw(field) {
            Some(raw) => raw.text(),
            None => Ok(Cow::Borrowed("")),
        }
    }

    /// Whether every field certainly has its type, checked without decoding. Fields of Chart.yaml accept only
    /// what YAML reads as a string; the index's own accept any scalar.
    pub fn is_plain(&self) -> bool {
        FIELDS.iter().zip(&self.fields).all(|(field, raw)| raw.is_none_or(|raw| plain::is_plain(raw.0, *field)))
    }

    /// The items of a list of strings.
    pub fn texts(&self, field: Field) -> Result<Vec<Cow<'a, str>>> {
        match self.raw(field) {
            Some(raw) => raw.texts(),
            None => Ok(Vec::new()),
        }
    }
}

impl<'a> Raw<'a> {
    /// The bytes from the colon to the end.
    pub fn bytes(self) -> &'a [u8] {
        self.0
    }

    fn text(self) -> Result<Cow<'a, str>> {
        match simple_scalar(self.0) {
            Some(text) => Ok(Cow::Borrowed(text)),
            None => Ok(Cow::Owned(self.decode(&TEXT)?.as_str().unwrap_or_default().to_string())),
        }
    }

    fn texts(self) -> Result<Vec<Cow<'a, str>>> {
        if let Some(items) = simple_list(self.0) {
            return Ok(items);
        }
        let data = self.decode(&TEXTS)?;
        Ok(data.as_list().map(|items| items.iter().map(|item| Cow::Owned(super::record::scalar_text(item))).collect()).unwrap_or_default())
    }

    /// Decodes the value with the general parser; `shape` is a map of the wanted type.
    fn decode(self, shape: &'static Shape) -> Result<Data> {
        let mut document = Vec::with_capacity(self.0.len() + 3);
        document.extend_from_slice(b"x:");
        document.extend_from_slice(self.0);
        document.push(b'\n');
        let parsed = yaml::decode(&document, shape)?;
        Ok(parsed.as_map().and_then(|map| map.get("x")).cloned().unwrap_or_default())
    }
}

/// A one-line scalar that is certainly a string and needs no decoding.
fn simple_scalar(raw: &[u8]) -> Option<&str> {
    let text = std::str::from_utf8(raw).ok()?.trim_matches([' ', '\r', '\n']);
    if text.contains('\n') {
        return None;
    }
    let inner = |quote: char| text.strip_prefix(quote)?.strip_suffix(quote);
    if text.len() >= 2 {
        if let Some(inner) = inner('"') {
            return (!inner.contains(['"', '\\'])).then_some(inner);
        }
        if let Some(inner) = inner('\'') {
            return (!inner.contains('\'')).then_some(inner);
        }
    }
    let first = *text.as_bytes().first()?;
    if text.contains(" #") || text.contains(": ") || text.ends_with(':') {
        return None;
    }
    // Words of at most five letters may be booleans or null, and a digit may start a number or a date.
    let string = match first {
        b'a'..=b'z' | b'A'..=b'Z' => text.len() > 5,
        b'0'..=b'9' => {
            !text.contains([':', '_']) && text.bytes().filter(|byte| *byte == b'.').count() >= 2 && text.as_bytes().get(4) != Some(&b'-')
        }
        _ => false,
    };
    string.then_some(text)
}

/// A block list of simple scalars.
fn simple_list(raw: &[u8]) -> Option<Vec<Cow<'_, str>>> {
    let text = std::str::from_utf8(raw).ok()?;
    let mut lines = text.split('\n');
    if !lines.next()?.trim_matches([' ', '\r']).is_empty() {
        return None;
    }
    let mut items = Vec::new();
    for line in lines {
        let line = line.trim_start_matches(' ');
        if line.trim_end_matches(['\r', ' ']).is_empty() {
            continue;
        }
        let item = line.strip_prefix("- ")?;
        items.push(Cow::Borrowed(match simple_scalar(item.as_bytes()) {
            Some(text) => text,
            None => short_word(item)?,
        }));
    }
    Some(items)
}

/// A short lower-case word that is neither boolean nor null.
fn short_word(text: &str) -> Option<&str> {
    let text = text.trim_matches([' ', '\r']);
    let plain = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_lowercase());
    (plain && !word(text.as_bytes())).then_some(text)
}

/// A line: its indentation, the text after it, and where it starts.
#[derive(Clone, Copy)]
struct Line<'a> {
    indent: usize,
    text: &'a [u8],
    start: usize,
}

struct Scanner<'a> {
    text: &'a [u8],
    /// The start of the next line.
    at: usize,
}

/// The text does not have the usual form.
struct Unusual;

/// Visits every chart version of the index `text`. The visitor's error ends the pass.
pub fn scan<'a>(text: &'a [u8], visit: &mut dyn FnMut(Item<'a>) -> Result<ControlFlow<()>>) -> Result<Outcome> {
    let mut scanner = Scanner { text: text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text), at: 0 };
    scanner.run(visit).unwrap_or(Ok(Outcome::Unusual))
}

impl<'a> Scanner<'a> {
    fn run(&mut self, visit: &mut dyn FnMut(Item<'a>) -> Result<ControlFlow<()>>) -> std::result::Result<Result<Outcome>, Unusual> {
        let mut api_version = false;
        let mut seen = 0_u8;
        while let Some(line) = self.next_content()? {
            if line.indent != 0 {
                return Err(Unusual);
            }
            if line.text == b"---" && line.start == 0 {
                continue;
            }
            let (key, rest) = split_key(line.text).ok_or(Unusual)?;
            let bit = match key {
                b"apiVersion" => 1,
                b"entries" => 2,
                b"generated" => 4,
                b"serverInfo" => 8,
                b"publicKeys" => 16,
                b"annotations" => 32,
                _ => return Err(Unusual),
            };
            if seen & bit != 0 {
                return Err(Unusual);
            }
            seen |= bit;
            if key == b"entries" && !matches!(trim(rest), b"{}" | b"null") {
                if !trim(rest).is_empty() {
                    return Err(Unusual);
                }
                match self.entries(visit)? {
                    Ok(ControlFlow::Continue(())) => {}
                    Ok(ControlFlow::Break(())) => return Ok(Ok(Outcome::Stopped)),
                    Err(error) => return Ok(Err(error)),
                }
                continue;
            }
            let raw = self.value(rest, 0)?;
            let is_usual = match key {
                b"generated" => plain::is_plain(raw.0, Field::Created),
                b"publicKeys" => plain::is_list_of_texts(raw.0),
                b"annotations" => plain::is_map_of_texts(raw.0),
                _ => true,
            };
            if !is_usual {
                return Err(Unusual);
            }
            if key == b"apiVersion" {
                api_version = raw.text().is_ok_and(|text| !text.is_empty());
            }
        }
        Ok(Ok(Outcome::Complete { api_version }))
    }

    /// The map below `entries:`.
    fn entries(
        &mut self,
        visit: &mut dyn FnMut(Item<'a>) -> Result<ControlFlow<()>>,
    ) -> std::result::Result<Result<ControlFlow<()>>, Unusual> {
        let mut indent = None;
        let mut names = HashSet::new();
        while let Some(line) = self.next_content()? {
            if line.indent == 0 {
                self.at = line.start;
                break;
            }
            if *indent.get_or_insert(line.indent) != line.indent {
                return Err(Unusual);
            }
            let (name, rest) = split_key(line.text).ok_or(Unusual)?;
            let name = std::str::from_utf8(name).map_err(|_| Unusual)?;
            if !names.insert(name) {
                return Err(Unusual);
            }
            // The index has the chart even without versions, but a visitor of versions would not see it, so the general parser has to run.
            if !trim(rest).is_empty() {
                return Err(Unusual);
            }
            match self.versions(name, line.indent, visit)? {
                Ok(ControlFlow::Continue(())) => {}
                other => return Ok(other),
            }
        }
        Ok(Ok(ControlFlow::Continue(())))
    }

    /// The list below the name of a chart.
    fn versions(
        &mut self,
        chart: &'a str,
        parent: usize,
        visit: &mut dyn FnMut(Item<'a>) -> Result<ControlFlow<()>>,
    ) -> std::result::Result<Result<ControlFlow<()>>, Unusual> {
        let mut list_indent = None;
        while let Some(line) = self.next_content()? {
            let dash = line.text.starts_with(b"- ");
            if line.indent < parent || (line.indent == parent && !dash) {
                self.at = line.start;
                break;
            }
            if !dash || *list_indent.get_or_insert(line.indent) != line.indent {
                return Err(Unusual);
            }
            match visit(self.item(chart, line)?) {
                Ok(ControlFlow::Continue(())) => {}
                other => return Ok(other),
            }
        }
        if list_indent.is_none() {
            return Err(Unusual);
        }
        Ok(Ok(ControlFlow::Continue(())))
    }

    /// An item of a list, whose first line is `first`.
    fn item(&mut self, chart: &'a str, first: Line<'a>) -> std::result::Result<Item<'a>, Unusual> {
        let skipped = first.text.iter().skip(1).take_while(|byte| **byte == b' ').count() + 1;
        let column = first.indent + skipped;
        let mut line = Line { indent: column, text: first.text.get(skipped..).ok_or(Unusual)?, start: first.start };
        let mut fields = [None; KEYS.len()];
        let mut next = 0;
        loop {
            let (key, rest) = split_key(line.text).ok_or(Unusual)?;
            // Helm writes the keys in alphabetical order, so the next one is tried first.
            let following = KEYS.get(next..).and_then(|keys| keys.iter().position(|known| known.as_bytes() == key)).map(|at| next + at);
            let any = || KEYS.binary_search_by(|known| known.as_bytes().cmp(key)).ok();
            let index = following.or_else(any).ok_or(Unusual)?;
            next = index + 1;
            let slot = fields.get_mut(index).ok_or(Unusual)?;
            if slot.is_some() {
                return Err(Unusual);
            }
            *slot = Some(self.value(rest, column)?);
            match self.next_content()? {
                Some(next) if next.indent == column && !next.text.starts_with(b"- ") => line = next,
                Some(next) if next.indent < column => {
                    self.at = next.start;
                    break;
                }
                Some(_) => return Err(Unusual),
                None => break,
            }
        }
        Ok(Item { chart, fields })
    }

    /// The extent of a value whose key is at `column`; `rest` is the text after the colon on the key's line.
    fn value(&mut self, rest: &'a [u8], column: usize) -> std::result::Result<Raw<'a>, Unusual> {
        let start = line_offset(self.text, rest);
        let value = trim(rest);
        match value.first() {
            None | Some(b'#') => self.block(column, true),
            Some(b'|' | b'>') => self.block(column, false),
            Some(b'&' | b'*' | b'!' | b'%' | b'@' | b'`' | b'?') => return Err(Unusual),
            Some(quote @ (b'"' | b'\'')) => {
                if !closes(value, *quote) {
                    self.quoted(start, *quote, column)?;
                }
            }
            Some(b'[' | b'{') => {
                if !balanced(value) {
                    return Err(Unusual);
                }
            }
            Some(_) => {
                if memchr::memmem::find(value, b": ").is_some() || value.ends_with(b":") {
                    return Err(Unusual);
                }
                self.block(column, false);
            }
        }
        Ok(Raw(self.text.get(start..self.at).ok_or(Unusual)?))
    }

    /// Skips the lines of the block above: those deeper than `column`, or list items at `column` itself.
    fn block(&mut self, column: usize, lists: bool) {
        while let Some(line) = self.peek() {
            let blank = line.text.is_empty();
            let item = lists && line.indent == column && (line.text.starts_with(b"- ") || line.text == b"-");
            if !(blank || line.indent > column || item) {
                break;
            }
            self.skip(line);
        }
    }

    /// Skips up to the line in which a quoted scalar ends.
    fn quoted(&mut self, start: usize, quote: u8, column: usize) -> std::result::Result<(), Unusual> {
        loop {
            let line = self.peek().ok_or(Unusual)?;
            if !line.text.is_empty() && line.indent <= column {
                return Err(Unusual);
            }
            self.skip(line);
            if closes(trim(self.text.get(start..self.at).ok_or(Unusual)?), quote) {
                return Ok(());
            }
        }
    }

    /// The next line that is neither blank nor a comment.
    fn next_content(&mut self) -> std::result::Result<Option<Line<'a>>, Unusual> {
        while let Some(line) = self.peek() {
            self.skip(line);
            match line.text.first() {
                None | Some(b'#') => {}
                Some(b'\t' | b'%') => return Err(Unusual),
                Some(_) => return Ok(Some(line)),
            }
        }
        Ok(None)
    }

    fn peek(&self) -> Option<Line<'a>> {
        let rest = self.text.get(self.at..).filter(|rest| !rest.is_empty())?;
        let end = memchr::memchr(b'\n', rest).unwrap_or(rest.len());
        let mut line = rest.get(..end)?;
        if let [before @ .., b'\r'] = line {
            line = before;
        }
        let indent = line.iter().take_while(|byte| **byte == b' ').count();
        let text = line.get(indent..)?;
        Some(Line { indent, text, start: self.at })
    }

    fn skip(&mut self, line: Line<'a>) {
        let rest = self.text.get(line.start..).unwrap_or_default();
        self.at = line.start + memchr::memchr(b'\n', rest).map_or(rest.len(), |end| end + 1);
    }
}

/// The offset of the slice `part` in `whole`.
fn line_offset(whole: &[u8], part: &[u8]) -> usize {
    (part.as_ptr() as usize).saturating_sub(whole.as_ptr() as usize).min(whole.len())
}

/// Splits `key: rest`; the key is of plain letters, digits, `.`, `_`, `-` and `/`, or such a key in quotes.
fn split_key(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let colon = memchr::memchr(b':', line)?;
    let (key, rest) = (line.get(..colon)?, line.get(colon + 1..)?);
    if !(rest.is_empty() || rest.starts_with(b" ")) {
        return None;
    }
    let key = match key {
        [b'"', inner @ .., b'"'] | [b'\'', inner @ .., b'\''] => inner,
        // Bare digits or words such as `on` would be read as other keys.
        bare if bare.len() > 5 || (bare.iter().any(u8::is_ascii_alphabetic) && !word(bare)) => bare,
        _ => return None,
    };
    let plain = !key.is_empty() && key.iter().all(|byte| byte.is_ascii_alphanumeric() || b"._-/".contains(byte));
    let numeric = key.iter().all(|byte| byte.is_ascii_digit() || b"._-".contains(byte));
    (plain && !numeric).then_some((key, rest))
}

/// Words that are not strings in YAML 1.1.
fn word(text: &[u8]) -> bool {
    ["y", "yes", "n", "no", "on", "off", "true", "false", "null"].iter().any(|word| text.eq_ignore_ascii_case(word.as_bytes()))
}

fn trim(text: &[u8]) -> &[u8] {
    text.trim_ascii()
}

/// Whether the quoted scalar at the start of `value` ends in it, with at most a comment after it.
fn closes(value: &[u8], quote: u8) -> bool {
    let mut at = 1;
    while let Some(&byte) = value.get(at) {
        if byte == b'\\' && quote == b'"' {
            at += 2;
            continue;
        }
        if byte == quote {
            if quote == b'\'' && value.get(at + 1) == Some(&quote) {
                at += 2;
                continue;
            }
            let rest = trim(value.get(at + 1..).unwrap_or_default());
            return rest.is_empty() || rest.starts_with(b"#");
        }
        at += 1;
    }
    false
}

/// Whether the brackets of a flow collection are closed on its line.
fn balanced(value: &[u8]) -> bool {
    let mut depth = 0_i32;
    let mut quote = 0;
    for &byte in value {
        match byte {
            _ if quote != 0 => {
                if byte == b'\\' {
                    return false;
                }
                if byte == quote {
                    quote = 0;
                }
            }
            b'"' | b'\'' => quote = byte,
            b'[' | b'{' => depth += 1,
            b']' | b'}' => depth -= 1,
            b'&' | b'*' | b'!' => return false,
            _ => {}
        }
    }
    depth == 0 && quote == 0
}
