//! Typed reading: the effect of `yaml.Unmarshal` into a Go struct.
//!
//! Goes in: bytes and a [`Shape`] that represents the Go type. Comes out: a tree of that shape: canonical field names, numbers and
//! booleans converted to strings where the field is a string, and Go's errors where a value does not fit.

use super::decode::{Decoded, Failure, decode as decode_document};
use super::document::Document;
use super::fault::{END_OF_STREAM, Fault, Origin};
use super::locate::locate;
use super::reader::Source;
use crate::data::{Data, Items, Map};
use crate::diagnostic::{Diagnostic, Location, source_line};
use crate::error::{Error, ErrorKind, Result};
use crate::json;
use crate::number;
use crate::quote::quote;
use crate::time::{self, Zone};
use std::sync::Arc;

/// A Go type that a text is read into.
#[derive(Debug)]
pub enum Shape {
    /// `any`
    Any,
    /// `string`: accepts numbers and booleans too
    Str,
    /// `bool`
    Bool,
    /// `int`
    Int,
    /// `[]T`
    List(&'static Shape),
    /// A list type with its own name, as Go prints it.
    NamedList(&'static str, &'static Shape),
    /// `map[string]T`
    Map(&'static Shape),
    /// A struct, or a pointer to one: the type as Go prints it (`v2.Metadata`), and its fields in declaration order. An empty type
    /// means a struct without a name.
    Struct(&'static str, &'static [Field]),
    /// A struct that embeds another one: its type, its own fields, and the name and fields of the embedded one. sigs.k8s.io/yaml
    /// does not inspect the latter, so their strings accept neither numbers nor booleans.
    Embedding(&'static str, &'static [Field], &'static str, &'static [Field]),
    /// `time.Time`: RFC 3339, kept as text.
    Time,
}

/// A field of a struct: its JSON name and type.
#[derive(Debug)]
pub struct Field(pub &'static str, pub &'static Shape);

/// The most fields that a hint lists.
const FIELDS_IN_WORDS: usize = 8;

/// The shape of values that are read unchanged.
pub(super) static ANY: Shape = Shape::Any;

impl Shape {
    /// The shape of a list's items.
    pub(super) fn item(&self) -> &'static Shape {
        match self {
            Shape::List(item) | Shape::NamedList(_, item) => item,
            _ => &ANY,
        }
    }

    /// The shape of the value under this key.
    pub(super) fn value_of(&self, key: &str) -> &'static Shape {
        match self {
            Shape::Map(value) => value,
            Shape::Struct(_, fields) | Shape::Embedding(_, fields, ..) => field_for(fields, key).map_or(&ANY, |field| field.1),
            _ => &ANY,
        }
    }

    /// The type as Go prints it.
    fn type_name(&self) -> String {
        match self {
            Shape::Any => "interface {}".to_owned(),
            Shape::Str => "string".to_owned(),
            Shape::Bool => "bool".to_owned(),
            Shape::Int => "int".to_owned(),
            Shape::List(item) => format!("[]{}", item.pointer_type_name()),
            Shape::Map(value) => format!("map[string]{}", value.pointer_type_name()),
            Shape::NamedList(type_name, _) => (*type_name).to_owned(),
            Shape::Struct("", fields) => {
                let fields: Vec<String> = fields.iter().map(|field| format!("{} {}", field.0, field.1.type_name())).collect();
                format!("struct {{ {} }}", fields.join("; "))
            }
            Shape::Struct(type_name, _) | Shape::Embedding(type_name, ..) => (*type_name).to_owned(),
            Shape::Time => "time.Time".to_owned(),
        }
    }

    /// A description of the expected value, for people.
    fn in_words(&self) -> String {
        let fixed = match self {
            Shape::Any => "a value",
            Shape::Str => "a text",
            Shape::Bool => "`true` or `false`",
            Shape::Int => "a whole number",
            Shape::Time => "a time",
            Shape::List(Shape::Str) => "a list of texts",
            Shape::List(item) | Shape::NamedList(_, item) => match item {
                Shape::Map(_) | Shape::Struct(..) | Shape::Embedding(..) => return format!("a list of tables{}", item.fields_in_words()),
                _ => "a list",
            },
            Shape::Map(_) | Shape::Struct(..) | Shape::Embedding(..) => return format!("a table{}", self.fields_in_words()),
        };
        fixed.to_string()
    }

    /// The fields of a struct, if they are few: ` with `a`, `b` and `c``.
    fn fields_in_words(&self) -> String {
        let Shape::Struct(_, fields) = self else { return String::new() };
        let names: Vec<String> = fields.iter().map(|field| format!("`{}`", field.0)).collect();
        match names.as_slice() {
            [rest @ .., last] if (1..FIELDS_IN_WORDS).contains(&rest.len()) => format!(" with {} and {last}", rest.join(", ")),
            _ => String::new(),
        }
    }

    /// The type as an element: Helm's lists and maps contain pointers to structs.
    fn pointer_type_name(&self) -> String {
        match self {
            // Structs without a name are contained directly.
            Shape::Struct(type_name, _) | Shape::Embedding(type_name, ..) if !type_name.is_empty() => format!("*{type_name}"),
            other => other.type_name(),
        }
    }
}

/// The field for a key: by exact name, else ignoring case.
fn field_for(fields: &'static [Field], key: &str) -> Option<&'static Field> {
    fields.iter().find(|field| field.0 == key).or_else(|| fields.iter().find(|field| equal_fold(field.0, key)))
}

/// The name of a struct type without its package; types without a name are printed in full and yield an empty name.
fn struct_name(type_name: &'static str) -> &'static str {
    if type_name.contains(' ') { "" } else { type_name.rsplit('.').next().unwrap_or(type_name) }
}

/// Go's `bytes.EqualFold` for an ASCII name: two letters of other alphabets fold to ASCII ones.
pub(super) fn equal_fold(name: &str, key: &str) -> bool {
    let fold = |character: char| match character {
        '\u{212A}' => 'k',
        '\u{17F}' => 's',
        other => other.to_ascii_lowercase(),
    };
    name.chars().map(fold).eq(key.chars().map(fold))
}

/// Reads the first document into `shape` (sigs.k8s.io `yaml.Unmarshal`). Names match ignoring case; unknown ones are dropped. A
/// null or absent field is absent from the result; a null document is `Data::Null`.
pub fn decode(text: &[u8], shape: &'static Shape) -> Result<Data> {
    read(text, shape, false)
}

/// As [`decode`], but unknown fields and repeated keys are errors (`yaml.UnmarshalStrict`).
pub fn decode_strict(text: &[u8], shape: &'static Shape) -> Result<Data> {
    read(text, shape, true)
}

/// Reads JSON into `shape` as Go's `json.Unmarshal` does: scalars are not converted, unknown fields are dropped.
pub fn decode_json(text: &[u8], shape: &'static Shape) -> Result<Data> {
    fit_json(&json::parse(text)?, shape)
}

/// As [`decode_json`], for an already parsed tree.
pub fn fit_json(data: &Data, shape: &'static Shape) -> Result<Data> {
    let mut fitting = Fitting::new(false);
    let fitted = fitting.fit(data, shape);
    match fitting.problem {
        Some(problem) => Err(Error::new(ErrorKind::Syntax, problem)),
        None => Ok(fitted.unwrap_or(Data::Null)),
    }
}

pub(super) fn read(text: &[u8], shape: &'static Shape, strict: bool) -> Result<Data> {
    let source = Source::new(text);
    let converting = |problem: String| Error::new(ErrorKind::Syntax, format!("error converting YAML to JSON: {problem}"));
    let document = Document::first(&source).map_err(|fault| syntax_error(&fault, &source))?;
    let Decoded { data, key_fault, has_unsupported, too_deep } =
        decode_document(&document, shape, strict).map_err(|failure| match &failure {
            Failure::Fault(fault) => syntax_error(fault, &source),
            Failure::Repeated(_) => converting(failure.message()),
        })?;
    if let Some(problem) = key_fault {
        return Err(converting(problem));
    }
    if let Some(number) = has_unsupported.then(|| first_unsupported(&data)).flatten() {
        return Err(converting(format!("json: unsupported value: {}", number::format_g(number))));
    }
    let decoding = |problem: String| Error::new(ErrorKind::Syntax, format!("error unmarshaling JSON: while decoding JSON: {problem}"));
    if let Some(bracket) = too_deep {
        return Err(decoding(format!("invalid character '{bracket}' exceeded max depth")));
    }
    if matches!(shape, Shape::Any) {
        return Ok(data);
    }
    let mut fitting = Fitting::new(strict);
    let fitted = fitting.fit(&data, shape);
    let Some(problem) = fitting.problem else { return Ok(fitted.unwrap_or(Data::Null)) };
    let error = decoding(problem.clone());
    // List items are not part of the place: use the line of the innermost field that can be located.
    let place: Vec<&str> = fitting.place.iter().map(|key| &**key).collect();
    let line = match place.is_empty() {
        true => first_content(text),
        false => (1..=place.len()).rev().find_map(|depth| locate(text, place.get(..depth)?)),
    };
    if place.is_empty() && matches!(shape, Shape::Map(_)) {
        fitting.hint = Some("the file is a table: keys with values, as in `key: value`, stand at its top".to_string());
    }
    Err(match line {
        None => error,
        Some(line) => error.with_diagnostic(Diagnostic {
            headline: problem,
            location: Some(Location { file: String::new(), line, column: None }),
            source_line: source_line(text, line),
            hints: fitting.hint.into_iter().collect(),
            ..Diagnostic::default()
        }),
    })
}

/// A syntax fault in sigs.k8s.io/yaml's words, with the place for our own diagnostics.
pub(super) fn syntax_error(fault: &Fault, source: &Source<'_>) -> Error {
    let error = Error::new(ErrorKind::Syntax, format!("error converting YAML to JSON: {}", fault.message()));
    let Some(mut line) = fault.true_line() else { return error };
    let mut source_line = self::source_line(source.text.as_bytes(), line);
    let mut column = fault.true_column();
    let mut unclosed = None;
    if let Some((open, close)) = bracket(&fault.problem) {
        let opened = fault.context_line + 1;
        unclosed = Some(format!("the `{open}` of line {opened} has no `{close}`, or a `,` is missing before this"));
        if source_line.as_deref().is_none_or(|text| text.trim().is_empty()) {
            line = opened;
            source_line = self::source_line(source.text.as_bytes(), line);
            column = source_line.as_deref().and_then(|text| open_bracket(text, open, close));
            unclosed = Some(format!("this `{open}` has no `{close}`"));
        }
    }
    let shown = source_line.as_deref().unwrap_or_default();
    let quote = (fault.problem == END_OF_STREAM).then(|| open_quote(shown)).flatten();
    let hint = if shown.trim_start_matches(' ').starts_with('\t') {
        Some("the line begins with a tab: YAML is indented by spaces".to_string())
    } else if let Some(mark) = quote.and_then(|at| shown.get(at..at + 1)) {
        Some(format!("the text that begins with `{mark}` has no `{mark}` at its end"))
    } else {
        let text = open_braces(shown).and_then(|at| shown.get(at..));
        text.map(|text| format!("`{{{{` begins tables in YAML: put the text in quotes, as in `'{}'`", text.trim_end())).or(unclosed)
    };
    let braces = open_braces(shown).filter(|_| fault.origin == Origin::Decoder);
    error.with_diagnostic(Diagnostic {
        headline: fault.problem.to_string(),
        // The caller names the file.
        location: Some(Location { file: String::new(), line, column: column.or(quote).or(braces) }),
        span: braces.map_or(0, |at| shown.trim_end().len() - at),
        source_line,
        hints: hint.into_iter().collect(),
        ..Diagnostic::default()
    })
}

/// The brackets of the list or table that a fault says goes on where something else stands.
fn bracket(problem: &str) -> Option<(char, char)> {
    match problem {
        "did not find expected ',' or ']'" => Some(('[', ']')),
        "did not find expected ',' or '}'" => Some(('{', '}')),
        _ => None,
    }
}

/// The offset of the last bracket that a line opens and does not close.
fn open_bracket(line: &str, open: char, close: char) -> Option<usize> {
    let mut opened = Vec::new();
    for (at, c) in outside_quotes(line).0 {
        match c {
            c if c == open => opened.push(at),
            c if c == close => drop(opened.pop()),
            _ => {}
        }
    }
    opened.pop()
}

/// The line, from 1, with the first content of a text.
fn first_content(text: &[u8]) -> Option<usize> {
    let is_content = |line: &[u8]| !matches!(line.trim_ascii(), [] | [b'#', ..] | b"---");
    text.split(|byte| *byte == b'\n').position(is_content).map(|at| at + 1)
}

/// The offset of the quote that a line opens and does not close.
fn open_quote(line: &str) -> Option<usize> {
    outside_quotes(line).1
}

/// The characters of a line that are in no quotes and no comment, and the offset of the quote that is not closed.
fn outside_quotes(line: &str) -> (Vec<(usize, char)>, Option<usize>) {
    let mut outside = Vec::new();
    let mut open: Option<(usize, char)> = None;
    let mut before = ' ';
    let mut is_escaped = false;
    for (at, c) in line.char_indices() {
        match open {
            Some(_) if is_escaped => is_escaped = false,
            Some((_, '"')) if c == '\\' => is_escaped = true,
            Some((_, '\'')) if line.get(at..).is_some_and(|rest| rest.starts_with("''")) => is_escaped = true,
            Some((_, quote)) if c == quote => open = None,
            Some(_) => {}
            None if matches!(c, '"' | '\'') && matches!(before, ' ' | '[' | '{' | ',' | ':') => open = Some((at, c)),
            None if c == '#' && before == ' ' => break,
            None => outside.push((at, c)),
        }
        before = c;
    }
    (outside, open.map(|(at, _)| at))
}

/// The offset of `{{` where a value begins, as of a template that is not in quotes.
fn open_braces(line: &str) -> Option<usize> {
    let at = line.find("{{")?;
    let before = line.get(..at)?.trim_end();
    (before.is_empty() || before.ends_with([':', '-', '[', ','])).then_some(at)
}

/// The first infinity or NaN in the order in which JSON is written.
fn first_unsupported(data: &Data) -> Option<f64> {
    let mut pending = vec![data];
    while let Some(node) = pending.pop() {
        match node {
            Data::Float(number) if !number.is_finite() => return Some(*number),
            Data::List(items) => pending.extend(items.iter().rev()),
            Data::Map(map) => pending.extend(map.iter().rev().map(|(_, value)| value)),
            _ => {}
        }
    }
    None
}

/// `json.Unmarshal` of a tree into a type. It continues after a fault, as Go does, and keeps the first. Only an invalid time ends
/// it: a fault of a type with its own `UnmarshalJSON` takes precedence over every earlier fault.
struct Fitting {
    strict: bool,
    struct_name: Option<&'static str>,
    path: Vec<&'static str>,
    problem: Option<String>,
    has_ended: bool,
    /// The fields on the path to the problem.
    place: Vec<Arc<str>>,
    /// The expected value there, in words.
    hint: Option<String>,
}

impl Fitting {
    fn new(strict: bool) -> Fitting {
        Fitting { strict, struct_name: None, path: Vec::new(), problem: None, has_ended: false, place: Vec::new(), hint: None }
    }

    /// The fitted value; `None` where Go leaves the target unchanged. The recursion is as deep as the shape.
    fn fit(&mut self, data: &Data, shape: &'static Shape) -> Option<Data> {
        match (shape, data) {
            (_, Data::Null) => None,
            (Shape::Any, _) | (Shape::Str, Data::Str(_)) | (Shape::Bool, Data::Bool(_)) => Some(data.clone()),
            (Shape::Int, Data::Float(number)) if number.fract() == 0.0 && number.abs() < 9.2e18 => Some(Data::Int(*number as i64)),
            (Shape::Int, Data::Float(number)) => {
                let mut text = Vec::new();
                number::write_json(&mut text, *number);
                self.mismatch(&format!("number {}", String::from_utf8_lossy(&text)), shape)
            }
            (Shape::List(item) | Shape::NamedList(_, item), Data::List(items)) => Some(self.fit_list(items, item)),
            (Shape::Map(value), Data::Map(map)) => Some(self.fit_map(map, value)),
            (Shape::Struct(type_name, fields), Data::Map(map)) => Some(self.fit_struct(map, type_name, fields, None)),
            (Shape::Embedding(type_name, fields, name, embedded), Data::Map(map)) => {
                Some(self.fit_struct(map, type_name, fields, Some((name, embedded))))
            }
            (Shape::Time, Data::Str(text)) => self.fit_time(text),
            (Shape::Time, _) => self.end("Time.UnmarshalJSON: input is not a JSON string".to_owned()),
            (_, Data::Bool(_)) => self.mismatch("bool", shape),
            (_, Data::Str(_) | Data::Bytes(_)) => self.mismatch("string", shape),
            (_, Data::Int(_) | Data::Float(_)) => self.mismatch("number", shape),
            (_, Data::List(_)) => self.mismatch("array", shape),
            (_, Data::Map(_)) => self.mismatch("object", shape),
        }
    }

    fn refuse(&mut self, problem: String) -> Option<Data> {
        if self.problem.is_none() {
            self.problem = Some(problem);
            self.place = self.path.iter().map(|field| Arc::from(*field)).collect();
        }
        None
    }

    fn refuse_unknown(&mut self, key: &Arc<str>) {
        if self.problem.is_none() {
            self.refuse(format!("json: unknown field {}", quote(key.as_bytes())));
            self.place.push(key.clone());
        }
    }

    fn mismatch(&mut self, found: &str, shape: &Shape) -> Option<Data> {
        let wanted = shape.type_name();
        let problem = match self.struct_name {
            Some(name) => {
                format!("json: cannot unmarshal {found} into Go struct field {name}.{} of type {wanted}", self.path.join("."))
            }
            None => format!("json: cannot unmarshal {found} into Go value of type {wanted}"),
        };
        if self.problem.is_none() {
            self.hint = self.path.last().map(|field| format!("`{field}` is {}", shape.in_words()));
        }
        self.refuse(problem)
    }

    fn fit_list(&mut self, items: &Arc<Items>, item: &'static Shape) -> Data {
        if matches!(item, Shape::Any) {
            return Data::List(items.clone());
        }
        let fitted = items.iter().map(|data| self.fit(data, item).unwrap_or_else(|| zero(item)));
        Data::list(fitted.collect())
    }

    fn fit_map(&mut self, map: &Arc<Map>, value: &'static Shape) -> Data {
        if matches!(value, Shape::Any) {
            return Data::Map(map.clone());
        }
        let fitted = map.iter().map(|(key, data)| (key.clone(), self.fit(data, value).unwrap_or_else(|| zero(value))));
        Data::map(fitted.collect())
    }

    fn fit_struct(
        &mut self,
        map: &Arc<Map>,
        type_name: &'static str,
        fields: &'static [Field],
        embedded: Option<(&'static str, &'static [Field])>,
    ) -> Data {
        let around = self.struct_name;
        let mut fitted = Vec::new();
        for (key, data) in map.iter() {
            let own = field_for(fields, key).map(|field| (None, field));
            let inner = || embedded.and_then(|(name, fields)| Some((Some(name), field_for(fields, key)?)));
            match own.or_else(inner) {
                Some((within, Field(name, shape))) => {
                    self.struct_name = Some(struct_name(type_name));
                    let depth = self.path.len();
                    self.path.extend(within);
                    self.path.push(name);
                    if let Some(value) = self.fit(data, shape) {
                        fitted.push((Arc::from(*name), value));
                    }
                    self.path.truncate(depth);
                    self.struct_name = around;
                }
                None if self.strict => {
                    self.refuse_unknown(key);
                }
                None => {}
            }
        }
        Data::map(Map::from_entries(fitted))
    }

    /// Go parses the JSON text between the quotes, including its escapes.
    fn fit_time(&mut self, text: &Arc<str>) -> Option<Data> {
        let quoted = json::quote(text.as_bytes());
        match time::parse(time::RFC3339, quoted.get(1..quoted.len() - 1).unwrap_or_default(), &Zone::Utc) {
            Ok(_) => Some(Data::Str(text.clone())),
            Err(fault) => self.end(fault),
        }
    }

    /// Refuses the text, replacing any earlier fault.
    fn end(&mut self, problem: String) -> Option<Data> {
        if !self.has_ended {
            (self.problem, self.hint) = (None, None);
            self.refuse(problem);
            self.has_ended = true;
        }
        None
    }
}

/// Go's zero value: nil for pointers, maps and lists.
fn zero(shape: &Shape) -> Data {
    match shape {
        Shape::Str => Data::str(""),
        Shape::Bool => Data::Bool(false),
        Shape::Int => Data::Int(0),
        _ => Data::Null,
    }
}
