//! Reading TOML (BurntSushi/toml's `Unmarshal` into `map[string]any`).
//!
//! Goes in: bytes. Comes out: the root table; or the first fault, in the Go library's words, with its line and the current key. As
//! in the Go library, which tables may be reopened depends on which were only implied so far.

use super::lexer::{END, Fault, Lexer, Step, Word, is_blank, is_newline};
use super::time;
use super::write::write_key;
use crate::error::{Error, ErrorKind, Result};
use crate::number::parse_int;
use crate::quote::{quote, quote_character};
use crate::time::Time;
use std::collections::{BTreeMap, HashSet};

/// A TOML value, as `toml.Unmarshal` stores it into `map[string]any`.
#[derive(Debug, Clone)]
pub enum Toml {
    Str(String),
    /// int64
    Int(i64),
    Float(f64),
    Bool(bool),
    /// A `time.Time`; the name of its zone shows which of TOML's four kinds it is (see [`crate::time::zone`]).
    Time(Time),
    /// `[]any`
    List(Vec<Toml>),
    /// `[]map[string]any`, from `[[name]]`
    Tables(Vec<Toml>),
    Map(BTreeMap<String, Toml>),
}

/// The deepest nesting of values.
pub(super) const MAX_DEPTH: usize = 250;

pub(super) type Key = Vec<String>;
pub(super) type Table = BTreeMap<String, Toml>;

/// Most bytes of names that are kept or copied while a text is read, in any text and for each of its bytes: every key copies the
/// name of its table. Go copies less, and has no such limit.
const NAMES_ALWAYS: usize = 16 << 20;
const NAMES_PER_BYTE: usize = 32;

/// Parses a document into its root table. Error texts are those of `toml.Unmarshal`
/// (`toml: line 1 (last key "a"): expected value but found …`).
pub fn parse(text: &[u8]) -> Result<Toml> {
    let text = [&b"\xff\xfe"[..], b"\xfe\xff", b"\xef\xbb\xbf"].iter().find_map(|mark| text.strip_prefix(*mark)).unwrap_or(text);
    let mut parser = Parser {
        lexer: Lexer::new(text),
        root: Table::new(),
        context: Vec::new(),
        current_key: String::new(),
        line: 0,
        depth: 0,
        implicit: HashSet::new(),
        arrays: HashSet::new(),
        names: 0,
        has_too_many_names: false,
        names_limit: NAMES_ALWAYS.saturating_add(text.len().saturating_mul(NAMES_PER_BYTE)),
    };
    let done = if text.iter().take(6).any(|byte| *byte == 0) {
        let message = "files cannot contain NULL bytes; probably using UTF-16; TOML files must be UTF-8".to_owned();
        Err(Fault { message, line: 1 })
    } else {
        parser.document()
    };
    match done {
        Ok(()) => Ok(Toml::Map(parser.root)),
        Err(Fault { message, line }) => {
            let text = match parser.last_key().as_str() {
                "" => format!("toml: line {line}: {message}"),
                key => format!("toml: line {line} (last key {}): {message}", quote(key.as_bytes())),
            };
            Err(Error::new(if parser.has_too_many_names { ErrorKind::Limit } else { ErrorKind::Syntax }, text))
        }
    }
}

pub(super) struct Parser<'a> {
    lexer: Lexer<'a>,
    pub(super) root: Table,
    /// The path of the table in scope.
    pub(super) context: Key,
    current_key: String,
    /// The line of the last key.
    pub(super) line: i64,
    depth: usize,
    /// Tables that were only implied by longer names so far.
    pub(super) implicit: HashSet<String>,
    /// Keys whose value is a list in brackets.
    pub(super) arrays: HashSet<String>,
    /// How many bytes of names count, and how many may.
    pub(super) names: usize,
    pub(super) names_limit: usize,
    pub(super) has_too_many_names: bool,
}

/// A dotted name as it would be written.
pub(super) fn dotted(key: &[String]) -> String {
    let mut text = Vec::new();
    for (at, part) in key.iter().enumerate() {
        if at > 0 {
            text.push(b'.');
        }
        write_key(part.as_bytes(), &mut text);
    }
    String::from_utf8_lossy(&text).into_owned()
}

impl<'a> Parser<'a> {
    fn last_key(&self) -> String {
        match (self.current_key.is_empty(), self.context.is_empty()) {
            (true, _) => dotted(&self.context),
            (false, true) => self.current_key.clone(),
            (false, false) => format!("{}.{}", dotted(&self.context), self.current_key),
        }
    }

    /// A semantic fault, on the line of the last key.
    pub(super) fn fault(&self, message: impl Into<String>) -> Fault {
        Fault { message: message.into(), line: self.line }
    }

    fn document(&mut self) -> Step<()> {
        loop {
            let character = self.lexer.next()?;
            if is_blank(character) || is_newline(character) {
                self.lexer.ignore();
                continue;
            }
            match character {
                '#' => {
                    self.lexer.comment()?;
                    continue;
                }
                END => return Ok(()),
                '[' => self.table_header()?,
                _ => {
                    self.lexer.backup();
                    let outer = self.context.clone();
                    self.key_value(&mut None)?;
                    self.context = outer;
                    self.current_key.clear();
                }
            }
            if self.line_end()? {
                return Ok(());
            }
        }
    }

    /// Checks that only blanks and a comment follow a table's name or a value; whether the text ends.
    fn line_end(&mut self) -> Step<bool> {
        loop {
            let character = self.lexer.next()?;
            match character {
                '#' => {
                    self.lexer.comment()?;
                    return Ok(false);
                }
                END => return Ok(true),
                _ if is_blank(character) => {}
                _ if is_newline(character) => {
                    self.lexer.ignore();
                    return Ok(false);
                }
                other => {
                    let found = quote_character(other);
                    let message = format!("expected a top-level item to end with a newline, comment, or EOF, but got {found} instead");
                    return Err(self.lexer.fault(message));
                }
            }
        }
    }

    /// `[name]` or `[[name]]`, after the first bracket.
    fn table_header(&mut self) -> Step<()> {
        let array = self.lexer.peek()? == '[';
        if array {
            self.lexer.next()?;
        }
        self.lexer.ignore();
        let mut key = Key::new();
        loop {
            self.lexer.skip_blanks()?;
            let part = match self.lexer.peek()? {
                ']' | END => return Err(self.lexer.fault("unexpected end of table name (table names cannot be empty)")),
                '.' => return Err(self.lexer.fault("unexpected table separator (table names cannot be empty)")),
                quoted @ ('"' | '\'') => self.quoted_key(quoted, key.is_empty())?,
                _ => self.bare_key(key.is_empty())?,
            };
            key.push(part);
            self.lexer.skip_blanks()?;
            match self.lexer.next()? {
                '.' => self.lexer.ignore(),
                ']' => break,
                other => {
                    let message = format!("expected '.' or ']' to end table name, but got {} instead", quote_character(other));
                    return Err(self.lexer.fault(message));
                }
            }
        }
        if array {
            let closing = self.lexer.next()?;
            if closing != ']' {
                let found = quote_character(closing);
                return Err(self.lexer.fault(format!("expected end of table array name delimiter ']', but got {found} instead")));
            }
        }
        self.lexer.ignore();
        self.add_context(&key, array)?;
        self.arrays.remove(&dotted(&self.context));
        Ok(())
    }

    /// An unquoted part of a key; a `first` part sets the line for faults.
    fn bare_key(&mut self, first: bool) -> Step<String> {
        let line = self.lexer.line;
        let part = self.lexer.bare_key()?;
        if first {
            self.line = line;
        }
        Ok(part)
    }

    /// A quoted part of a key; a `first` part sets the line for faults.
    fn quoted_key(&mut self, quoted: char, first: bool) -> Step<String> {
        self.lexer.next()?;
        self.lexer.ignore();
        let line = self.lexer.line;
        let (text, escaped) = self.lexer.line_string(quoted)?;
        if first {
            self.line = line;
        }
        if escaped { self.unescape(&text, line) } else { Ok(text) }
    }

    /// A key, `=` and its value. In an inline table, the value is stored in `inline` too.
    fn key_value(&mut self, inline: &mut Option<&mut Table>) -> Step<()> {
        self.lexer.skip_blanks()?;
        match self.lexer.peek()? {
            '=' | END => return Err(self.lexer.fault("unexpected '=': key name appears blank")),
            '.' => return Err(self.lexer.fault("unexpected '.': keys cannot start with a '.'")),
            _ => {}
        }
        let mut key = Key::new();
        loop {
            self.lexer.skip_blanks()?;
            let part = match self.lexer.peek()? {
                quoted @ ('"' | '\'') => self.quoted_key(quoted, key.is_empty())?,
                '=' | END => return Err(self.lexer.fault("unexpected '='")),
                '.' => return Err(self.lexer.fault("unexpected '.'")),
                _ => self.bare_key(key.is_empty())?,
            };
            key.push(part);
            self.lexer.skip_blanks()?;
            match self.lexer.next()? {
                '.' => self.lexer.ignore(),
                '=' => break,
                END => return Err(self.lexer.fault("unexpected EOF; expected key separator '='")),
                other => {
                    let message = format!("expected '.' or '=', but got {} instead", quote_character(other));
                    return Err(if other == '\n' { self.lexer.previous_line_fault(message) } else { self.lexer.fault(message) });
                }
            }
        }
        self.lexer.ignore();
        let last = key.pop().unwrap_or_default();
        self.current_key = last.clone();
        for part in &key {
            let mut name = self.context.clone();
            name.push(part.clone());
            self.imply(&name)?;
            self.add_context(&name, false)?;
        }
        let value = self.value(false)?;
        if let Some(table) = inline {
            self.set_value(&last, value.clone())?;
            self.insert_inline(table, &key, &last, value)?;
        } else {
            self.set_value(&last, value)?;
        }
        Ok(())
    }

    fn insert_inline(&self, table: &mut Table, path: &[String], last: &str, value: Toml) -> Step<()> {
        let mut table = table;
        for part in path {
            let entry = table.entry(part.clone()).or_insert_with(|| Toml::Map(Table::new()));
            let Toml::Map(inner) = entry else {
                return Err(self.fault(format!("{} is not a table", quote(dotted(&self.context).as_bytes()))));
            };
            table = inner;
        }
        table.insert(last.to_owned(), value);
        Ok(())
    }

    fn value(&mut self, in_array: bool) -> Step<Toml> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(self.fault(format!("exceeded max depth of {MAX_DEPTH}")));
        }
        let value = self.value_within(in_array);
        self.depth -= 1;
        value
    }

    fn value_within(&mut self, in_array: bool) -> Step<Toml> {
        let mut character = self.lexer.next()?;
        while is_blank(character) {
            self.lexer.ignore();
            character = self.lexer.next()?;
        }
        match character {
            '0'..='9' => {
                self.lexer.backup();
                let word = self.lexer.number_or_date()?;
                return self.word(word);
            }
            '[' => return self.array(),
            '{' => return self.inline_table(in_array),
            quoted @ ('"' | '\'') => return self.string(quoted),
            '.' => return Err(self.lexer.fault("floats must start with a digit, not '.'")),
            'i' | 'n' => {
                if let Some(text) = self.lexer.special_float()? {
                    return self.word((Word::Float, text));
                }
            }
            '-' | '+' => {
                let word = self.lexer.signed_number()?;
                return self.word(word);
            }
            _ => {}
        }
        if character.is_alphabetic() {
            self.lexer.backup();
            return self.lexer.boolean().map(Toml::Bool);
        }
        match character {
            END => Err(self.lexer.fault("unexpected EOF; expected value")),
            '\n' => Err(self.lexer.previous_line_fault("expected value but found '\\n' instead")),
            other => Err(self.lexer.fault(format!("expected value but found {} instead", quote_character(other)))),
        }
    }

    fn string(&mut self, quoted: char) -> Step<Toml> {
        if !self.lexer.is_multiline(quoted)? {
            let line = self.lexer.line;
            let (text, escaped) = self.lexer.line_string(quoted)?;
            return Ok(Toml::Str(if escaped { self.unescape(&text, line)? } else { text }));
        }
        let text = self.lexer.multiline_string(quoted)?;
        let body = text.strip_prefix('\n').or_else(|| text.strip_prefix("\r\n")).unwrap_or(&text);
        Ok(Toml::Str(if quoted == '"' { self.unescape(&join_lines(body), self.lexer.line)? } else { body.to_owned() }))
    }

    fn array(&mut self) -> Step<Toml> {
        self.lexer.ignore();
        let mut path = self.context.clone();
        if !self.current_key.is_empty() {
            path.push(self.current_key.clone());
        }
        let name = self.counted_name(&path)?;
        if !self.arrays.contains(&name) {
            self.keep_name(&name)?;
            self.arrays.insert(name);
        }
        let mut items = Vec::new();
        loop {
            // A value, or the end behind a comma.
            match self.past_space()? {
                ',' => return Err(self.lexer.fault("unexpected comma")),
                ']' => break,
                _ => {
                    self.lexer.backup();
                    items.push(self.value(true)?);
                }
            }
            match self.past_space()? {
                ',' => self.lexer.ignore(),
                ']' => break,
                other => {
                    let message = format!("expected a comma (',') or array terminator (']'), but got {}", or_end(other));
                    return Err(self.lexer.fault(message));
                }
            }
        }
        self.lexer.ignore();
        Ok(Toml::List(items))
    }

    /// The next character other than blanks, line breaks and comments.
    fn past_space(&mut self) -> Step<char> {
        loop {
            let character = self.lexer.next()?;
            if character == '#' {
                self.lexer.comment()?;
            } else if is_blank(character) || is_newline(character) {
                self.lexer.ignore();
            } else {
                return Ok(character);
            }
        }
    }

    fn inline_table(&mut self, in_array: bool) -> Step<Toml> {
        self.lexer.ignore();
        let outer_context = self.context.clone();
        let outer_key = std::mem::take(&mut self.current_key);
        let mut name = outer_context.clone();
        name.push(outer_key.clone());
        self.context = name.clone();
        self.imply(&name)?;
        self.add_context(&name, in_array)?;
        let context = self.context.clone();
        let mut table = Table::new();
        loop {
            match self.past_space()? {
                ',' => return Err(self.lexer.fault("unexpected comma")),
                '}' => break,
                _ => {
                    self.lexer.backup();
                    self.key_value(&mut Some(&mut table))?;
                    self.context = context.clone();
                }
            }
            match self.past_space()? {
                ',' => {
                    self.lexer.ignore();
                    self.lexer.skip_blanks()?;
                }
                '}' => break,
                other => {
                    let found = or_end(other);
                    let message = format!("expected a comma or an inline table terminator '}}', but got {found} instead");
                    return Err(self.lexer.fault(message));
                }
            }
        }
        self.lexer.ignore();
        self.context = outer_context;
        self.current_key = outer_key;
        Ok(Toml::Map(table))
    }

    fn word(&mut self, (word, text): (Word, String)) -> Step<Toml> {
        let line = self.lexer.line;
        let fault = |message: String| Fault { message, line };
        match word {
            Word::Integer => {
                if !underscores_fit(&text) {
                    return Err(fault(format!("Invalid integer {}: underscores must be surrounded by digits", quote(text.as_bytes()))));
                }
                if has_leading_zero(&text) {
                    return Err(fault(format!("Invalid integer {}: cannot have leading zeroes", quote(text.as_bytes()))));
                }
                parse_int(text.as_bytes(), 0).map(Toml::Int).map_err(|_| fault(format!("{text} is out of range for int64")))
            }
            Word::Float => self.float(&text, line),
            Word::Datetime => {
                let text = time::normalized(&text);
                time::parse(&text).map(Toml::Time).ok_or_else(|| fault(format!("invalid datetime: {}", quote(text.as_bytes()))))
            }
        }
    }

    fn float(&self, text: &str, line: i64) -> Step<Toml> {
        let fault = |message: String| Fault { message, line };
        let mut parts = text.split(['.', 'e', 'E']).filter(|part| !part.is_empty());
        if !parts.clone().all(underscores_fit) {
            return Err(fault(format!("Invalid float {}: underscores must be surrounded by digits", quote(text.as_bytes()))));
        }
        if parts.next().is_some_and(has_leading_zero) {
            return Err(fault(format!("Invalid float {}: cannot have leading zeroes", quote(text.as_bytes()))));
        }
        let bare_point = text.split('.').skip(1).any(|behind| !behind.starts_with(|character: char| character.is_ascii_digit()));
        if bare_point {
            return Err(fault(format!("Invalid float {}: '.' must be followed by one or more digits", quote(text.as_bytes()))));
        }
        match text {
            "nan" | "+nan" => return Ok(Toml::Float(f64::NAN)),
            "-nan" => return Ok(Toml::Float(-f64::NAN)),
            "inf" | "+inf" => return Ok(Toml::Float(f64::INFINITY)),
            "-inf" => return Ok(Toml::Float(f64::NEG_INFINITY)),
            _ => {}
        }
        match text.replace('_', "").parse::<f64>() {
            Ok(number) if number.is_finite() => Ok(Toml::Float(number)),
            Ok(_) => Err(fault(format!("{text} is out of range for float64"))),
            Err(_) => Err(fault(format!("Invalid float value: {}", quote(text.as_bytes())))),
        }
    }

    /// Replaces the escapes, which the lexer has checked.
    fn unescape(&self, text: &str, line: i64) -> Step<String> {
        let mut out = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(at) = rest.find('\\') {
            out.push_str(&rest[..at]);
            let mut characters = rest[at + 1..].chars();
            let name = characters.next().unwrap_or('\\');
            let digits = match name {
                'b' => {
                    out.push('\x08');
                    0
                }
                't' => {
                    out.push('\t');
                    0
                }
                'n' => {
                    out.push('\n');
                    0
                }
                'f' => {
                    out.push('\x0C');
                    0
                }
                'r' => {
                    out.push('\r');
                    0
                }
                'e' => {
                    out.push('\x1B');
                    0
                }
                'x' => 2,
                'u' => 4,
                'U' => 8,
                ' ' | '\t' => return Err(Fault { message: format!("invalid escape: '\\{name}'"), line }),
                other => {
                    out.push(other);
                    0
                }
            };
            let behind = characters.as_str();
            let hex = behind.get(..digits).unwrap_or_default();
            if digits > 0 {
                let character = u32::from_str_radix(hex, 16).ok().and_then(char::from_u32);
                let Some(character) = character else {
                    return Err(Fault { message: format!("Escaped character '\\u{hex}' is not valid UTF-8."), line });
                };
                out.push(character);
            }
            rest = &behind[hex.len()..];
        }
        out.push_str(rest);
        Ok(out)
    }
}

fn or_end(character: char) -> String {
    if character == END { "end of file".to_owned() } else { format!("'{character}'") }
}

/// Whether every underscore is between two digits.
fn underscores_fit(text: &str) -> bool {
    if matches!(text, "nan" | "+nan" | "-nan" | "inf" | "-inf" | "+inf") {
        return true;
    }
    let mut digit_before = false;
    for character in text.chars() {
        if character == '_' && !digit_before {
            return false;
        }
        digit_before = character.is_ascii_hexdigit();
    }
    digit_before
}

fn has_leading_zero(text: &str) -> bool {
    match text.as_bytes() {
        [b'0', next, ..] => !matches!(next, b'b' | b'o' | b'x'),
        [b'-' | b'+', b'0', _, ..] => true,
        _ => false,
    }
}

/// Removes backslashes at the ends of lines and all white space behind them.
fn join_lines(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        let behind = &rest[at + 1..];
        let trimmed = behind.trim_start_matches([' ', '\t', '\r', '\n']);
        let space = &behind[..behind.len() - trimmed.len()];
        if space.contains('\n') {
            out.push_str(&rest[..at]);
            rest = trimmed;
        } else {
            // The backslash and the escaped character.
            let width = 1 + behind.chars().next().map_or(0, char::len_utf8);
            out.push_str(&rest[..at + width]);
            rest = &rest[at + width..];
        }
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::super::Node;
    use super::*;
    use crate::json;

    #[test]
    fn depth_is_limited() {
        for text in ["a = ".to_owned() + &"[".repeat(100_000), "[".to_owned() + &"a.".repeat(100_000) + "a]"] {
            let error = parse(text.as_bytes()).map_err(|error| error.to_string()).err().unwrap_or_default();
            assert!(error.contains("exceeded max depth of 250"), "{}", &error[..error.len().min(80)]);
        }
    }

    #[test]
    fn names_that_are_copied_for_each_key_are_limited() {
        let part = "p".repeat(4000);
        let table = format!("[{}]\n", [part.as_str(); 240].join("."));
        let keys = |value: &str, count: usize| (0..count).map(|at| format!("k{at} = {value}\n")).collect::<String>();
        let refused = |text: String| {
            let error = parse(text.as_bytes()).err().filter(|error| error.kind() == ErrorKind::Limit).map(|error| error.to_string());
            error.is_some_and(|text| text.contains("names of tables take more than "))
        };
        assert!(refused(format!("{table}{}", keys("1", 10))), "each implied table has a name of its own");
        let shallow = format!("[{part}]\n");
        // Copies take time, names of lists and of tables in a line are kept.
        assert!(parse(format!("{shallow}{}", keys("1", 8000)).as_bytes()).is_ok());
        assert!(refused(format!("[{}]\n{}", "p".repeat(40_000), keys("1", 100_000))));
        for value in ["[]", "{}", "{a.b = 1}"] {
            assert!(parse(format!("{shallow}{}", keys(value, 1000)).as_bytes()).is_ok(), "{value}");
            assert!(refused(format!("{shallow}{}", keys(value, 10_000))), "{value}");
        }
        assert!(refused(format!("{shallow}k = [{}]\n", "[],".repeat(100_000))));
        assert!(refused(format!("{shallow}k = [{}]\n", "{},".repeat(100_000))));
        // What is usual is far from it.
        for value in ["1", "[1, [2]]", "{a = 1, b.c = [{}, {}]}"] {
            assert!(parse(format!("[servers.production.database]\n{}", keys(value, 100_000)).as_bytes()).is_ok(), "{value}");
        }
    }

    fn node(value: &Toml) -> Node {
        match value {
            Toml::Str(text) => Node::Str(text.clone().into_bytes()),
            Toml::Int(number) => Node::Int(*number),
            Toml::Float(number) => Node::Float(*number),
            Toml::Bool(truth) => Node::Bool(*truth),
            Toml::Time(time) => Node::Time(time.to_toml()),
            Toml::List(items) | Toml::Tables(items) => Node::List(items.iter().map(node).collect()),
            Toml::Map(entries) => Node::Map(entries.iter().map(|(key, value)| (key.clone().into_bytes(), node(value))).collect()),
        }
    }

    /// Texts with the results of BurntSushi/toml 1.6, as in Helm 4.2.4: `error`, or `written` for the value written again.
    #[test]
    fn recorded_cases() {
        let lines = include_str!("../../testdata/toml/cases.jsonl").lines();
        let cases: Vec<_> = lines.filter_map(|line| json::parse(line.as_bytes()).ok()?.as_map().cloned()).collect();
        assert!(cases.len() > 150);
        for case in &cases {
            let field = |name: &str| case.get(name).and_then(|value| value.as_str());
            let text = field("text").unwrap_or_default();
            let found = parse(text.as_bytes()).and_then(|value| super::super::write(&node(&value), usize::MAX));
            let found = found.map(|text| String::from_utf8_lossy(&text).into_owned()).map_err(|error| error.to_string());
            match field("written") {
                Some(written) => assert_eq!(found.as_deref(), Ok(written), "{text:?}"),
                None => assert_eq!(found.err().as_deref(), field("error").or(field("write_error")), "{text:?}"),
            }
        }
    }

    proptest::proptest! {
        #[test]
        fn never_panics(text: Vec<u8>) {
            drop(parse(&text));
        }

        #[test]
        fn never_panics_on_near_toml(text in "[\\[\\]{}=,.#\"'a-c0-9_+\\-\\\\ \n\t:TZ]{0,60}") {
            drop(parse(text.as_bytes()));
        }
    }
}
