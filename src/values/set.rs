//! The grammar of `--set` and the related flags: `a.b[0]=x,c={1,2}`.
//!
//! Goes in: one argument and the map to change. Comes out: the changed map, or Helm's fault. The five flags parse keys and indexes
//! alike and differ in the meaning of the text after `=`: a typed value or list, a string, JSON, the content of a file, or the
//! literal rest. A key that ends early often ends the parse silently, as in Helm.
//! Follows Helm's `pkg/strvals`, including its limits of 65 536 on indexes and of 30 dots in names.

use super::go_text::{quote_runes, type_name};
use super::merge::Reader;
use crate::data::{Data, Items, Map};
use crate::error::{Error, ErrorKind, Result};
use crate::number::parse_int;
use crate::quote::quote;
use std::sync::Arc;

/// The largest list index.
const MAXIMUM_INDEX: i64 = 65_536;
/// How many dots one name may have.
const MAXIMUM_NAME_LEVEL: usize = 30;
/// How many keys and indexes one path may have in total. Helm has no such limit; the resulting trees must not be too deep to walk.
const MAXIMUM_STEPS: usize = 1_000;
/// How many items one text may add to lists; an index of a few digits adds thousands.
const MAXIMUM_ITEMS: usize = 4_000_000;

/// `--set`: whole numbers, `true`, `false` and `null` are typed, `{a,b}` is a list, everything else is a string.
pub fn typed(text: &str, values: &mut Map) -> Result<()> {
    Parser::new(text, Kind::Typed).parse(values)
}

/// `--set-string`: as `--set`, but every value is a string.
pub fn string(text: &str, values: &mut Map) -> Result<()> {
    Parser::new(text, Kind::String).parse(values)
}

/// `--set-json`: `key=JSON` items, separated by blanks or commas; an empty value is null.
pub fn json(text: &str, values: &mut Map) -> Result<()> {
    Parser::new(text, Kind::Json).parse(values)
}

/// `--set-file`: the value is the content of the named file.
pub fn file(text: &str, values: &mut Map, reader: &mut Reader) -> Result<()> {
    Parser::new(text, Kind::File(reader)).parse(values)
}

/// `--set-literal`: the value is the rest of the argument; there are no escapes and no lists.
pub fn literal(text: &str, values: &mut Map) -> Result<()> {
    Parser::new(text, Kind::Literal).parse(values)
}

enum Kind<'a, 'b> {
    Typed,
    String,
    Json,
    File(&'a mut Reader<'b>),
    Literal,
}

/// Why parsing a key or item stopped.
enum Stop {
    /// The text ended in a place that Helm accepts.
    End,
    Fault(Error),
}

type Step<T> = std::result::Result<T, Stop>;

fn fault(message: impl Into<String>) -> Stop {
    Stop::Fault(Error::new(ErrorKind::Usage, message))
}

fn wrong_container(found: &Data, wanted: &str) -> Stop {
    let found = match found {
        Data::Null => "nil",
        other => type_name(other),
    };
    fault(format!("unable to parse key: interface conversion: interface {{}} is {found}, not {wanted}"))
}

struct Parser<'text, 'a, 'b> {
    rest: &'text str,
    kind: Kind<'a, 'b>,
    /// How many items may still be added to lists.
    room: usize,
}

impl<'text, 'a, 'b> Parser<'text, 'a, 'b> {
    fn new(text: &'text str, kind: Kind<'a, 'b>) -> Self {
        Parser { rest: text, kind, room: MAXIMUM_ITEMS }
    }

    fn parse(mut self, values: &mut Map) -> Result<()> {
        loop {
            match self.key(values, 0, 0) {
                Ok(()) => {}
                Err(Stop::End) => return Ok(()),
                Err(Stop::Fault(error)) => return Err(error),
            }
        }
    }

    fn literal(&self) -> bool {
        matches!(self.kind, Kind::Literal)
    }

    fn next(&mut self) -> Option<char> {
        let character = self.rest.chars().next()?;
        self.rest = &self.rest[character.len_utf8()..];
        Some(character)
    }

    /// Characters up to and including one of `stops`, which is returned separately; `None` at the end of the text.
    fn until(&mut self, stops: &[char]) -> (Vec<char>, Option<char>) {
        let mut taken = Vec::new();
        while let Some(character) = self.next() {
            if stops.contains(&character) {
                return (taken, Some(character));
            }
            if character == '\\' && !self.literal() {
                let Some(escaped) = self.next() else { break };
                taken.push(escaped);
            } else {
                taken.push(character);
            }
        }
        (taken, None)
    }

    /// Parses one key and what follows it, and sets it in `values`.
    fn key(&mut self, values: &mut Map, name_level: usize, steps: usize) -> Step<()> {
        check_steps(steps)?;
        let stops: &[char] = if self.literal() { &['=', '[', '.'] } else { &['=', '[', ',', '.'] };
        let (runes, stop) = self.until(stops);
        let key: String = runes.iter().collect();
        match stop {
            None if runes.is_empty() => Err(Stop::End),
            None => Err(fault(format!("key {} has no value", quote(&key)))),
            Some(',') => Err(fault(format!("key {} has no value (cannot end with ,)", quote(&key)))),
            Some('=') => self.key_value(values, &key),
            Some('[') => self.key_list(values, &key, name_level, steps),
            Some(_) => self.key_map(values, &key, name_level, steps),
        }
    }

    /// After `key=`.
    fn key_value(&mut self, values: &mut Map, key: &str) -> Step<()> {
        match self.value()? {
            Given::Value(value) => {
                put(values, key, value);
                Ok(())
            }
            Given::Nothing => {
                put(values, key, Data::str(""));
                Err(Stop::End)
            }
        }
    }

    /// After `key[`.
    fn key_list(&mut self, values: &mut Map, key: &str, name_level: usize, steps: usize) -> Step<()> {
        let index = self.index()?;
        let mut list = match values.get_mut(key) {
            None => Arc::new(Items::default()),
            // Nothing is stored under an empty key.
            Some(Data::List(items)) if key.is_empty() => items.clone(),
            Some(Data::List(items)) => std::mem::take(items),
            Some(other) => return Err(wrong_container(other, "[]interface {}")),
        };
        let items: &mut Items = Arc::make_mut(&mut list);
        let result = self.item(items, index, name_level, steps + 1);
        put(values, key, Data::List(list));
        result
    }

    /// After `key.`.
    fn key_map(&mut self, values: &mut Map, key: &str, name_level: usize, steps: usize) -> Step<()> {
        let name_level = name_level + 1;
        if name_level > MAXIMUM_NAME_LEVEL {
            return Err(fault(format!("value name nested level is greater than maximum supported nested level of {MAXIMUM_NAME_LEVEL}")));
        }
        let mut fresh = Map::new();
        let mut existing = false;
        let inner = match values.get_mut(key) {
            None => &mut fresh,
            Some(Data::Map(inner)) => {
                existing = true;
                Arc::make_mut(inner)
            }
            Some(other) => return Err(wrong_container(other, "map[string]interface {}")),
        };
        let result = self.key(inner, name_level, steps + 1);
        let empty = inner.is_empty();
        if result.is_ok() && empty {
            return Err(fault(format!("key map {} has no value", quote(key))));
        }
        if !existing && !empty {
            put(values, key, Data::map(fresh));
        }
        result
    }

    /// The number up to `]`.
    fn index(&mut self) -> Step<i64> {
        let (runes, stop) = self.until(&[']']);
        let text: String = runes.into_iter().collect();
        if stop.is_none() {
            // Helm wraps the EOF and still recognises it as the end of the text.
            return Err(Stop::End);
        }
        parse_int(text.as_bytes(), 10)
            .map_err(|problem| fault(format!("error parsing index: strconv.Atoi: parsing {}: {}", quote(&text), problem.reason())))
    }

    /// Parses what follows `[index]`, and sets it in `list`.
    fn item(&mut self, list: &mut Vec<Data>, index: i64, name_level: usize, steps: usize) -> Step<()> {
        check_steps(steps)?;
        if index < 0 {
            return Err(fault(format!("negative {index} index not allowed")));
        }
        let at = usize::try_from(index).unwrap_or(usize::MAX);
        let (runes, stop) = self.until(&['[', '.', '=']);
        if !runes.is_empty() {
            return Err(fault(format!("unexpected data at end of array index: {}", quote_runes(&runes))));
        }
        match stop {
            None => Err(Stop::End),
            Some('=') => match self.value()? {
                Given::Value(value) => put_at(list, index, value, &mut self.room),
                Given::Nothing => put_at(list, index, Data::str(""), &mut self.room),
            },
            Some('[') => {
                let next = self.index()?;
                let mut inner = Vec::new();
                match list.get_mut(at) {
                    None | Some(Data::Null) => self.item(&mut inner, next, name_level, steps + 1)?,
                    Some(Data::List(items)) => {
                        let items: &mut Items = Arc::make_mut(items);
                        return self.item(items, next, name_level, steps + 1);
                    }
                    Some(other) => return Err(wrong_container(other, "[]interface {}")),
                }
                put_at(list, index, Data::list(inner), &mut self.room)
            }
            Some(_) => {
                let mut fresh = Map::new();
                let inner = match list.get_mut(at) {
                    None => &mut fresh,
                    Some(item) => {
                        if item.as_map().is_none() {
                            *item = Data::map(Map::new());
                        }
                        match item {
                            Data::Map(inner) => Arc::make_mut(inner),
                            _ => &mut fresh,
                        }
                    }
                };
                self.key(inner, name_level, steps + 1)?;
                if at < list.len() { Ok(()) } else { put_at(list, index, Data::map(fresh), &mut self.room) }
            }
        }
    }

    /// Parses what follows `=`.
    fn value(&mut self) -> Step<Given> {
        match self.kind {
            Kind::Literal => {
                let rest = std::mem::take(&mut self.rest);
                Ok(Given::Value(Data::str(rest)))
            }
            Kind::Json => self.json_value().map(Given::Value),
            _ if self.rest.is_empty() => Ok(Given::Nothing),
            _ if self.rest.starts_with('{') => {
                self.next();
                self.list_value().map(Given::Value)
            }
            _ => {
                let (runes, _) = self.until(&[',']);
                self.convert(runes).map(Given::Value)
            }
        }
    }

    /// After `{`.
    fn list_value(&mut self) -> Step<Data> {
        let mut items = Vec::new();
        loop {
            let (runes, stop) = self.until(&[',', '}']);
            let Some(stop) = stop else { return Err(fault("list must terminate with '}'")) };
            items.push(self.convert(runes)?);
            if stop == '}' {
                if self.rest.starts_with(',') {
                    self.next();
                }
                return Ok(Data::list(items));
            }
        }
    }

    fn json_value(&mut self) -> Step<Data> {
        if self.skip_to_json() {
            return Ok(Data::Null);
        }
        let (value, rest) = self.rest.split_at(json_length(self.rest));
        let value = crate::json::parse(value.as_bytes()).map_err(Stop::Fault)?;
        self.rest = rest;
        self.skip_to_json();
        Ok(value)
    }

    /// Skips blanks and one comma; whether that ends the value.
    fn skip_to_json(&mut self) -> bool {
        self.rest = self.rest.trim_start();
        if let Some(rest) = self.rest.strip_prefix(',') {
            self.rest = rest;
            return true;
        }
        self.rest.is_empty()
    }

    fn convert(&mut self, runes: Vec<char>) -> Step<Data> {
        let text: String = runes.into_iter().collect();
        match &mut self.kind {
            Kind::Typed => Ok(typed_value(text)),
            Kind::File(reader) => {
                let content = reader(&text).map_err(Stop::Fault)?;
                Ok(Data::text(content))
            }
            _ => Ok(Data::str(text)),
        }
    }
}

/// The value after `=`.
enum Given {
    Value(Data),
    /// The text ended there.
    Nothing,
}

fn check_steps(steps: usize) -> Step<()> {
    if steps > MAXIMUM_STEPS {
        return Err(Stop::Fault(Error::new(
            ErrorKind::Limit,
            format!("value name has more than the maximum supported number of {MAXIMUM_STEPS} keys and indexes"),
        )));
    }
    Ok(())
}

/// A value under an empty key is dropped.
fn put(values: &mut Map, key: &str, value: Data) {
    if !key.is_empty() {
        values.insert(key, value);
    }
}

fn put_at(list: &mut Vec<Data>, index: i64, value: Data, room: &mut usize) -> Step<()> {
    if index > MAXIMUM_INDEX {
        return Err(fault(format!("index of {index} is greater than maximum supported index of {MAXIMUM_INDEX}")));
    }
    let at = usize::try_from(index).unwrap_or(0);
    if list.len() <= at {
        let Some(left) = room.checked_sub(at + 1 - list.len()) else {
            return Err(Stop::Fault(Error::new(ErrorKind::Limit, format!("lists grow to more than {MAXIMUM_ITEMS} items"))));
        };
        *room = left;
        list.resize(at + 1, Data::Null);
    }
    list[at] = value;
    Ok(())
}

fn typed_value(text: String) -> Data {
    if text.eq_ignore_ascii_case("true") {
        return Data::Bool(true);
    }
    // Go folds case over Unicode, where the long s folds to s.
    if text.eq_ignore_ascii_case("false") || text.replace('ſ', "s").eq_ignore_ascii_case("false") {
        return Data::Bool(false);
    }
    if text.eq_ignore_ascii_case("null") {
        return Data::Null;
    }
    if text == "0" {
        return Data::Int(0);
    }
    if !text.starts_with('0')
        && let Ok(number) = parse_int(text.as_bytes(), 10)
    {
        return Data::Int(number);
    }
    Data::str(text)
}

/// How many bytes the JSON value at the start of `text` has; for a broken one, at least as many as show the fault.
fn json_length(text: &str) -> usize {
    let bytes = text.as_bytes();
    match bytes.first() {
        Some(b'"') => string_length(bytes),
        Some(b'{' | b'[') => {
            let mut depth = 0usize;
            let mut at = 0;
            while let Some(&byte) = bytes.get(at) {
                match byte {
                    b'"' => {
                        at += string_length(&bytes[at..]);
                        continue;
                    }
                    b'{' | b'[' => depth += 1,
                    b'}' | b']' => depth -= 1,
                    _ => {}
                }
                at += 1;
                if depth == 0 {
                    return at;
                }
            }
            bytes.len()
        }
        _ => {
            let word = ["true", "false", "null"].into_iter().find(|word| text.starts_with(word)).map(str::len);
            let rest = |character: char| !character.is_ascii_alphanumeric() && !"+-.".contains(character);
            word.or_else(|| number_length(bytes)).unwrap_or_else(|| text.find(rest).unwrap_or(text.len()))
        }
    }
}

/// The length of the number at the start of the text, whatever follows it; `None` if it is broken.
fn number_length(bytes: &[u8]) -> Option<usize> {
    let digits = |from: usize| bytes.iter().skip(from).take_while(|byte| byte.is_ascii_digit()).count();
    let some_digits = |from: usize| Some(from + digits(from)).filter(|end| *end > from);
    let start = usize::from(bytes.first() == Some(&b'-'));
    let mut end = if bytes.get(start) == Some(&b'0') { start + 1 } else { some_digits(start)? };
    if bytes.get(end) == Some(&b'.') {
        end = some_digits(end + 1)?;
    }
    if matches!(bytes.get(end), Some(b'e' | b'E')) {
        end = some_digits(end + 1 + usize::from(matches!(bytes.get(end + 1), Some(b'+' | b'-'))))?;
    }
    Some(end)
}

/// The length of a quoted string with its quotes.
fn string_length(bytes: &[u8]) -> usize {
    let mut at = 1;
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b'"' => return at + 1,
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
    bytes.len()
}

#[cfg(test)]
mod tests;
