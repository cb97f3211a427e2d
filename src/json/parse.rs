//! Reading JSON (`encoding/json`'s `Unmarshal` and `Decoder` into `any`).
//!
//! Goes in: bytes. Comes out: a [`Data`] tree, or Go's error in its words. Nesting is kept in a list, not on the stack; Go stops
//! at 10 000 levels.

use super::valid_text;
use crate::data::{Data, Map};
use crate::error::{Error, ErrorKind, Result};
use crate::quote::quote_character;
use std::borrow::Cow;
use std::sync::Arc;

const MAX_DEPTH: usize = 10_000;

/// Parses `text` as `json.Unmarshal` into `any`: every number becomes a float64.
pub fn parse(text: &[u8]) -> Result<Data> {
    match parse_partly(text)? {
        (data, None) => Ok(data),
        (_, Some(error)) => Err(error),
    }
}

/// As [`parse`], but whole numbers that fit become `Data::Int` (a decoder with `UseNumber` distinguishes them).
pub fn parse_exact(text: &[u8]) -> Result<Data> {
    let mut parser = Parser::new(text, true);
    let data = parser.document()?;
    parser.out_of_range.map_or(Ok(data), Err)
}

/// As [`parse_exact`], with the errors of the validator of schemas (jsonschema's `UnmarshalJSON`): those of a `Decoder`, and its own
/// for what follows the value.
pub fn parse_only(text: &[u8]) -> Result<Data> {
    let mut parser = Parser::new(text, true);
    parser.streaming = true;
    let data = parser.value()?;
    parser.skip_space();
    if parser.at < text.len() {
        return Err(Error::new(ErrorKind::Syntax, "invalid character after top-level value"));
    }
    parser.out_of_range.map_or(Ok(data), Err)
}

/// Like [`parse`], but numbers out of range are null in the tree, and the error is returned too: Go fills its target as far as it
/// can.
pub fn parse_partly(text: &[u8]) -> Result<(Data, Option<Error>)> {
    let mut parser = Parser::new(text, false);
    let data = parser.document()?;
    Ok((data, parser.out_of_range))
}

/// Parses into a `map[string]any` (`fromJson`): the map as far as it could be filled, nil (`None`) if the text is null, and the
/// error, if any.
pub fn parse_map(text: &[u8]) -> (Option<Arc<Map>>, Option<Error>) {
    match parse_partly(text) {
        Ok((Data::Map(map), error)) => (Some(map), error),
        Ok((Data::Null, None)) => (None, None),
        // A lone number out of range.
        Ok((Data::Null, Some(_))) => (Some(Arc::default()), Some(mismatch(&Data::Int(0), "map[string]interface {}"))),
        Ok((other, _)) => (Some(Arc::default()), Some(mismatch(&other, "map[string]interface {}"))),
        Err(error) => (Some(Arc::default()), Some(error)),
    }
}

/// Parses into a `[]any` (`fromJsonArray`): nil (`None`) if the text is null.
pub fn parse_list(text: &[u8]) -> Result<Option<Data>> {
    match parse_partly(text)? {
        (list @ Data::List(_), None) => Ok(Some(list)),
        (Data::Null, None) => Ok(None),
        (Data::List(_), Some(error)) => Err(error),
        // A lone number out of range.
        (Data::Null, Some(_)) => Err(mismatch(&Data::Int(0), "[]interface {}")),
        (other, _) => Err(mismatch(&other, "[]interface {}")),
    }
}

/// Parses the first value in `text` as a `Decoder` does; returns the value and the start of the rest. At the end of the text, the
/// errors are `EOF` and `unexpected EOF`.
pub fn parse_prefix(text: &[u8]) -> Result<(Data, usize)> {
    let mut parser = Parser::new(text, false);
    parser.streaming = true;
    let data = parser.value()?;
    parser.out_of_range.map_or(Ok((data, parser.at)), Err)
}

/// Why a text does not continue with a value.
#[derive(Debug)]
pub struct Stop {
    /// In Go's words; `unexpected EOF` at the text's end.
    pub message: String,
    /// The offset, from 0, of the unexpected byte; `None` at the end of the text.
    pub at: Option<usize>,
}

/// Parses the value at `start`, or after blanks there; returns the value and the start of the rest, or `None` if only blanks are
/// left. A number out of range is null instead of a fault, because the caller uses only strings.
pub fn parse_next(text: &[u8], start: usize) -> std::result::Result<Option<(Data, usize)>, Stop> {
    let mut parser = Parser::new(text, false);
    (parser.streaming, parser.at) = (true, start);
    parser.skip_space();
    if parser.peek().is_none() {
        return Ok(None);
    }
    match parser.value() {
        Ok(data) => Ok(Some((data, parser.at))),
        Err(error) => Err(Stop { message: error.message().to_owned(), at: parser.peek().map(|_| parser.at) }),
    }
}

fn mismatch(found: &Data, wanted: &str) -> Error {
    let found = match found {
        Data::Null => "null",
        Data::Bool(_) => "bool",
        Data::Int(_) | Data::Float(_) => "number",
        Data::Str(_) | Data::Bytes(_) => "string",
        Data::List(_) => "array",
        Data::Map(_) => "object",
    };
    Error::new(ErrorKind::Syntax, format!("json: cannot unmarshal {found} into Go value of type {wanted}"))
}

/// An open collection.
enum Open {
    List(Vec<Data>),
    Map { entries: Vec<(Arc<str>, Data)>, key: Arc<str> },
}

struct Parser<'a> {
    text: &'a [u8],
    at: usize,
    keep_integers: bool,
    streaming: bool,
    out_of_range: Option<Error>,
}

impl<'a> Parser<'a> {
    fn new(text: &'a [u8], keep_integers: bool) -> Parser<'a> {
        Parser { text, at: 0, keep_integers, streaming: false, out_of_range: None }
    }

    fn document(&mut self) -> Result<Data> {
        let data = self.value()?;
        self.skip_space();
        if self.at < self.text.len() {
            return Err(self.unexpected("after top-level value"));
        }
        Ok(data)
    }

    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    fn skip_space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\r' | b'\n')) {
            self.at += 1;
        }
    }

    /// The error for the current byte inside a number, a word or an escape, or for the end: there Go passes a blank to its
    /// scanner, which refuses it.
    fn unexpected_in_token(&self, context: &str) -> Error {
        match self.peek() {
            None if !self.streaming => Error::new(ErrorKind::Syntax, format!("invalid character ' ' {context}")),
            _ => self.unexpected(context),
        }
    }

    /// The error for the current byte, or for the end.
    fn unexpected(&self, context: &str) -> Error {
        let problem = match self.peek() {
            Some(byte) => format!("invalid character {} {context}", quote_character(char::from(byte))),
            None if !self.streaming => "unexpected end of JSON input".to_owned(),
            None if self.text.iter().all(|byte| matches!(byte, b' ' | b'\t' | b'\r' | b'\n')) => "EOF".to_owned(),
            None => "unexpected EOF".to_owned(),
        };
        Error::new(ErrorKind::Syntax, problem)
    }

    /// One value of any depth.
    fn value(&mut self) -> Result<Data> {
        let mut open: Vec<Open> = Vec::new();
        loop {
            self.skip_space();
            let bracket = self.peek();
            if matches!(bracket, Some(b'{' | b'[')) && open.len() >= MAX_DEPTH {
                return Err(self.unexpected("exceeded max depth"));
            }
            let mut done = match bracket {
                Some(b'{') => {
                    self.at += 1;
                    self.skip_space();
                    if self.peek() == Some(b'}') {
                        self.at += 1;
                        Data::map(Map::new())
                    } else {
                        let key = self.key()?;
                        open.push(Open::Map { entries: Vec::new(), key });
                        continue;
                    }
                }
                Some(b'[') => {
                    self.at += 1;
                    self.skip_space();
                    if self.peek() == Some(b']') {
                        self.at += 1;
                        Data::list(Vec::new())
                    } else {
                        open.push(Open::List(Vec::new()));
                        continue;
                    }
                }
                _ => self.scalar()?,
            };
            // Close the collections that end here, until another value follows.
            loop {
                let Some(top) = open.last_mut() else { return Ok(done) };
                self.skip_space();
                match top {
                    Open::List(items) => {
                        items.push(done);
                        match self.peek() {
                            Some(b',') => {
                                self.at += 1;
                                break;
                            }
                            Some(b']') => {
                                self.at += 1;
                                done = Data::list(std::mem::take(items));
                            }
                            _ => return Err(self.unexpected("after array element")),
                        }
                    }
                    Open::Map { entries, key } => {
                        entries.push((key.clone(), done));
                        match self.peek() {
                            Some(b',') => {
                                self.at += 1;
                                self.skip_space();
                                *key = self.key()?;
                                break;
                            }
                            Some(b'}') => {
                                self.at += 1;
                                done = Data::map(Map::from_entries(std::mem::take(entries)));
                            }
                            _ => return Err(self.unexpected("after object key:value pair")),
                        }
                    }
                }
                open.pop();
            }
        }
    }

    /// A key and its colon.
    fn key(&mut self) -> Result<Arc<str>> {
        if self.peek() != Some(b'"') {
            return Err(self.unexpected("looking for beginning of object key string"));
        }
        let key = Arc::from(self.string()?);
        self.skip_space();
        if self.peek() != Some(b':') {
            return Err(self.unexpected("after object key"));
        }
        self.at += 1;
        Ok(key)
    }

    fn scalar(&mut self) -> Result<Data> {
        match self.peek() {
            Some(b'"') => Ok(Data::Str(self.string()?.into())),
            Some(b't') => self.word("true", Data::Bool(true)),
            Some(b'f') => self.word("false", Data::Bool(false)),
            Some(b'n') => self.word("null", Data::Null),
            Some(b'-' | b'0'..=b'9') => self.number(),
            _ => Err(self.unexpected("looking for beginning of value")),
        }
    }

    fn word(&mut self, word: &str, data: Data) -> Result<Data> {
        for expected in word.bytes() {
            if self.peek() != Some(expected) {
                return Err(self.unexpected_in_token(&format!("in literal {word} (expecting '{}')", char::from(expected))));
            }
            self.at += 1;
        }
        Ok(data)
    }

    fn digits(&mut self) {
        while matches!(self.peek(), Some(b'0'..=b'9')) {
            self.at += 1;
        }
    }

    fn number(&mut self) -> Result<Data> {
        let start = self.at;
        let mut whole = true;
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        match self.peek() {
            Some(b'0') => self.at += 1,
            Some(b'1'..=b'9') => self.digits(),
            _ => return Err(self.unexpected_in_token("in numeric literal")),
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            whole = false;
            if !matches!(self.peek(), Some(b'0'..=b'9')) {
                return Err(self.unexpected_in_token("after decimal point in numeric literal"));
            }
            self.digits();
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.at += 1;
            whole = false;
            if matches!(self.peek(), Some(b'+' | b'-')) {
                self.at += 1;
            }
            if !matches!(self.peek(), Some(b'0'..=b'9')) {
                return Err(self.unexpected_in_token("in exponent of numeric literal"));
            }
            self.digits();
        }
        let text = std::str::from_utf8(&self.text[start..self.at]).unwrap_or_default();
        if let Some(number) = (self.keep_integers && whole).then(|| text.parse().ok()).flatten() {
            return Ok(Data::Int(number));
        }
        match text.parse::<f64>() {
            Ok(number) if number.is_finite() => Ok(Data::Float(number)),
            _ => {
                let problem = format!("json: cannot unmarshal number {text} into Go value of type float64");
                self.out_of_range.get_or_insert(Error::new(ErrorKind::Syntax, problem));
                Ok(Data::Null)
            }
        }
    }

    fn string(&mut self) -> Result<Cow<'a, str>> {
        self.at += 1;
        let start = self.at;
        let mut unescaped: Option<Vec<u8>> = None;
        let mut copied = start;
        loop {
            match self.peek() {
                Some(b'"') => break,
                Some(b'\\') => {
                    let out = unescaped.get_or_insert_default();
                    out.extend_from_slice(&self.text[copied..self.at]);
                    self.at += 1;
                    let character = self.escape()?;
                    out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
                    copied = self.at;
                }
                None | Some(0..0x20) => return Err(self.unexpected("in string literal")),
                Some(_) => self.at += 1,
            }
        }
        let rest = &self.text[copied..self.at];
        self.at += 1;
        Ok(match unescaped {
            None => valid_text(rest),
            Some(mut text) => {
                text.extend_from_slice(rest);
                Cow::Owned(valid_text(&text).into_owned())
            }
        })
    }

    fn escape(&mut self) -> Result<char> {
        let character = match self.peek() {
            Some(b'b') => '\x08',
            Some(b'f') => '\x0C',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(byte @ (b'\\' | b'/' | b'"')) => char::from(byte),
            Some(b'u') => {
                self.at += 1;
                let unit = self.hex_digits()?;
                if let 0xD800..0xDC00 = unit {
                    return Ok(self.low_surrogate(unit));
                }
                return Ok(char::from_u32(unit).unwrap_or(char::REPLACEMENT_CHARACTER));
            }
            _ => return Err(self.unexpected_in_token("in string escape code")),
        };
        self.at += 1;
        Ok(character)
    }

    fn hex_digits(&mut self) -> Result<u32> {
        let mut unit = 0;
        for _ in 0..4 {
            match self.peek().and_then(|byte| char::from(byte).to_digit(16)) {
                Some(digit) => unit = unit << 4 | digit,
                None => return Err(self.unexpected_in_token("in \\u hexadecimal character escape")),
            }
            self.at += 1;
        }
        Ok(unit)
    }

    /// The character of a surrogate pair; a lone surrogate is replaced, and the text behind it is read separately.
    fn low_surrogate(&mut self, high: u32) -> char {
        let digits = self.text.get(self.at..self.at + 6).and_then(|next| next.strip_prefix(b"\\u"));
        let low = digits.and_then(|digits| std::str::from_utf8(digits).ok()).and_then(|digits| u32::from_str_radix(digits, 16).ok());
        match low {
            Some(low @ 0xDC00..=0xDFFF) => {
                self.at += 6;
                char::from_u32(0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00)).unwrap_or(char::REPLACEMENT_CHARACTER)
            }
            _ => char::REPLACEMENT_CHARACTER,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::to_vec;
    use super::*;

    #[test]
    fn values() {
        let cases = [
            (
                r#" {"b":1,"a":[true,false,null,-0.5e1,"xAé\ud83d\ude00\ud800y"]} "#,
                "{\"a\":[true,false,null,-5,\"xAé😀\u{fffd}y\"],\"b\":1}",
            ),
            (r#"{"a":1,"a":2}"#, r#"{"a":2}"#),
            ("[]", "[]"),
            ("1e2", "100"),
            ("-0", "-0"),
        ];
        for (text, want) in cases {
            let data = parse(text.as_bytes()).unwrap_or_default();
            assert_eq!(String::from_utf8_lossy(&to_vec(&data).unwrap_or_default()), want);
        }
    }

    #[test]
    fn faults() {
        let cases = [
            ("", "unexpected end of JSON input"),
            ("{", "unexpected end of JSON input"),
            ("{a", "invalid character 'a' looking for beginning of object key string"),
            ("{\"a\" 1", "invalid character '1' after object key"),
            ("{\"a\":1 2", "invalid character '2' after object key:value pair"),
            ("{\"a\":1,}", "invalid character '}' looking for beginning of object key string"),
            ("[1 2]", "invalid character '2' after array element"),
            ("[1,]", "invalid character ']' looking for beginning of value"),
            ("1 x", "invalid character 'x' after top-level value"),
            ("01", "invalid character '1' after top-level value"),
            ("tru ", "invalid character ' ' in literal true (expecting 'e')"),
            ("-x", "invalid character 'x' in numeric literal"),
            ("1.x", "invalid character 'x' after decimal point in numeric literal"),
            ("1ex", "invalid character 'x' in exponent of numeric literal"),
            ("\"\n\"", "invalid character '\\n' in string literal"),
            ("\"\\x\"", "invalid character 'x' in string escape code"),
            ("\"\\u00g0\"", "invalid character 'g' in \\u hexadecimal character escape"),
            ("'a'", "invalid character '\\'' looking for beginning of value"),
            ("é", "invalid character 'Ã' looking for beginning of value"),
            ("[1e400]", "json: cannot unmarshal number 1e400 into Go value of type float64"),
        ];
        for (text, want) in cases {
            assert_eq!(parse(text.as_bytes()).map_err(|error| error.to_string()).err().as_deref(), Some(want), "{text}");
        }
    }

    #[test]
    fn depth_is_limited() {
        let nested = |depth: usize| [vec![b'['; depth], vec![b']'; depth]].concat();
        assert!(parse(&nested(MAX_DEPTH)).is_ok());
        let error = parse(&nested(MAX_DEPTH + 1)).map_err(|error| error.to_string()).err();
        assert_eq!(error.as_deref(), Some("invalid character '[' exceeded max depth"));
    }

    /// The errors of Helm 4.2.4 for broken schemas.
    #[test]
    fn only_one_value() {
        let cases = [
            ("", "EOF"),
            (" \n", "EOF"),
            ("{", "unexpected EOF"),
            ("nul", "unexpected EOF"),
            ("1e", "unexpected EOF"),
            ("nulx", "invalid character 'x' in literal null (expecting 'l')"),
            ("{} x", "invalid character after top-level value"),
            ("{}{}", "invalid character after top-level value"),
        ];
        for (text, want) in cases {
            assert_eq!(parse_only(text.as_bytes()).map_err(|error| error.to_string()).err().as_deref(), Some(want), "{text}");
        }
        assert!(matches!(parse_only(b" 1 \n"), Ok(Data::Int(1))));
    }

    /// As Helm 4.2.4 tells them in `fromJson` and `fromJsonArray`.
    #[test]
    fn a_lone_number_out_of_range_is_a_number() {
        let map = parse_map(b"1e400").1.map(|error| error.to_string());
        assert_eq!(map.as_deref(), Some("json: cannot unmarshal number into Go value of type map[string]interface {}"));
        let list = parse_list(b"1e400").map_err(|error| error.to_string()).err();
        assert_eq!(list.as_deref(), Some("json: cannot unmarshal number into Go value of type []interface {}"));
    }

    #[test]
    fn prefixes() {
        assert_eq!(parse_prefix(b" [1] rest").map(|found| found.1).ok(), Some(4));
        assert_eq!(parse_prefix(b" ").map_err(|error| error.to_string()).err().as_deref(), Some("EOF"));
        assert_eq!(parse_prefix(b"[1").map_err(|error| error.to_string()).err().as_deref(), Some("unexpected EOF"));
    }

    proptest::proptest! {
        #[test]
        fn never_panics(text: Vec<u8>) {
            drop(parse(&text));
        }

        #[test]
        fn round_trips(text in "[\\[\\]{}:,\"a-c0-9 ]{0,40}") {
            if let Ok(data) = parse(text.as_bytes()) {
                let written = to_vec(&data).unwrap_or_default();
                let again = parse(&written).unwrap_or_default();
                proptest::prop_assert_eq!(written, to_vec(&again).unwrap_or_default());
            }
        }
    }
}
