//! Writing JSON (`encoding/json`'s `Marshal` and `Indent`).
//!
//! Goes in: pushed maps, lists and scalars, or a tree. Comes out: the bytes that Go writes, with its escapes and number formats.

use super::valid_text;
use crate::data::Data;
use crate::error::{Error, ErrorKind, Result};
use crate::number;

/// A push encoder (`json.Marshal`): it adds commas and colons, and no blanks. The caller pushes keys in byte order.
pub struct Writer {
    out: Vec<u8>,
    escape_html: bool,
    /// Whether a value precedes the next one in the open collection.
    comma: bool,
    limit: usize,
    unsupported: Option<f64>,
}

const HEX: &[u8; 16] = b"0123456789abcdef";

impl Writer {
    /// An encoder; `escape_html` writes `<`, `>` and `&` as `\u003c`, `\u003e`, `\u0026` (Go's default).
    pub fn new(escape_html: bool) -> Writer {
        Writer { out: Vec::new(), escape_html, comma: false, limit: usize::MAX, unsupported: None }
    }

    /// The same, but once there are more than `limit` bytes no more text is written: who sets a limit refuses what is longer.
    pub fn limited(self, limit: usize) -> Writer {
        Writer { limit, ..self }
    }

    /// The limit, if there are more bytes already.
    pub fn exceeded(&self) -> Option<usize> {
        Some(self.limit).filter(|limit| self.out.len() > *limit)
    }

    fn before(&mut self) {
        if self.comma {
            self.out.push(b',');
        }
        self.comma = true;
    }

    fn open(&mut self, bracket: u8) {
        self.before();
        self.out.push(bracket);
        self.comma = false;
    }

    fn close(&mut self, bracket: u8) {
        self.out.push(bracket);
        self.comma = true;
    }

    /// `{`
    pub fn begin_map(&mut self) {
        self.open(b'{');
    }

    /// A key of the open map.
    pub fn key(&mut self, text: &[u8]) {
        self.str(text);
        self.out.push(b':');
        self.comma = false;
    }

    /// `}`
    pub fn end_map(&mut self) {
        self.close(b'}');
    }

    /// `[`
    pub fn begin_list(&mut self) {
        self.open(b'[');
    }

    /// `]`
    pub fn end_list(&mut self) {
        self.close(b']');
    }

    /// `null`
    pub fn null(&mut self) {
        self.raw(b"null");
    }

    /// `true` or `false`
    pub fn bool(&mut self, truth: bool) {
        self.raw(if truth { b"true" } else { b"false" });
    }

    /// A signed integer.
    pub fn int(&mut self, value: i64) {
        self.before();
        number::write_int(&mut self.out, value);
    }

    /// An unsigned integer.
    pub fn uint(&mut self, value: u64) {
        self.before();
        number::write_uint(&mut self.out, value);
    }

    /// A float64; NaN and the infinities are an error at the end.
    pub fn float(&mut self, number: f64) {
        self.before();
        if number.is_finite() {
            number::write_json(&mut self.out, number);
        } else {
            self.unsupported.get_or_insert(number);
        }
    }

    /// A value that is JSON already.
    pub fn raw(&mut self, json: &[u8]) {
        self.before();
        self.out.extend_from_slice(json);
    }

    /// A string; bytes that are not UTF-8 become `\ufffd`.
    pub fn str(&mut self, text: &[u8]) {
        let text = if self.out.len() > self.limit { b"" } else { text };
        self.before();
        self.out.push(b'"');
        for chunk in text.utf8_chunks() {
            self.escape(chunk.valid().as_bytes());
            for _ in chunk.invalid() {
                self.out.extend_from_slice(b"\\ufffd");
            }
        }
        self.out.push(b'"');
    }

    fn escape(&mut self, text: &[u8]) {
        let mut copied = 0;
        for (at, &byte) in text.iter().enumerate() {
            let named = match byte {
                b'"' | b'\\' => byte,
                b'\n' => b'n',
                b'\r' => b'r',
                b'\t' => b't',
                0x08 => b'b',
                0x0C => b'f',
                b'<' | b'>' | b'&' if self.escape_html => 0,
                0..0x20 => 0,
                // U+2028 and U+2029, which JavaScript does not allow in strings.
                0xE2 if text[at..].starts_with(b"\xE2\x80\xA8") || text[at..].starts_with(b"\xE2\x80\xA9") => {
                    self.out.extend_from_slice(&text[copied..at]);
                    self.out.extend_from_slice(b"\\u202");
                    self.out.push(HEX[usize::from(text[at + 2] & 0xF)]);
                    copied = at + 3;
                    continue;
                }
                _ => continue,
            };
            self.out.extend_from_slice(&text[copied..at]);
            if named == 0 {
                self.out.extend_from_slice(b"\\u00");
                self.out.extend_from_slice(&[HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 0xF)]]);
            } else {
                self.out.extend_from_slice(&[b'\\', named]);
            }
            copied = at + 1;
        }
        self.out.extend_from_slice(&text[copied..]);
    }

    /// The text, or the first error (`json: unsupported value: +Inf`).
    pub fn finish(self) -> Result<Vec<u8>> {
        match self.unsupported {
            None => Ok(self.out),
            Some(number) => {
                let problem = format!("json: unsupported value: {}", number::format_g(number));
                Err(Error::new(ErrorKind::Syntax, problem))
            }
        }
    }
}

/// An open collection of a tree that is being written.
enum Walk<'a> {
    List(std::slice::Iter<'a, Data>),
    Map(Box<dyn Iterator<Item = (&'a std::sync::Arc<str>, &'a Data)> + 'a>),
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
                writer.begin_list();
                open.push(Walk::List(items.iter()));
            }
            Some(Data::Map(map)) => {
                writer.begin_map();
                open.push(Walk::Map(Box::new(map.iter())));
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

/// The tree as written by `json.Marshal`.
pub fn to_vec(data: &Data) -> Result<Vec<u8>> {
    let mut writer = Writer::new(true);
    write(&mut writer, data);
    writer.finish()
}

/// `json.Indent` of a valid text, for `toPrettyJson` and `MarshalIndent`: `prefix` before each line but the first, `step` per
/// level.
pub fn indent(text: &[u8], prefix: &str, step: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len() * 2);
    let mut depth = 0usize;
    let line = |out: &mut Vec<u8>, depth: usize| {
        out.push(b'\n');
        out.extend_from_slice(prefix.as_bytes());
        for _ in 0..depth {
            out.extend_from_slice(step.as_bytes());
        }
    };
    let (mut in_string, mut escaped, mut just_opened) = (false, false, false);
    for &byte in text {
        if in_string {
            out.push(byte);
            in_string = escaped || byte != b'"';
            escaped = !escaped && byte == b'\\';
            continue;
        }
        if matches!(byte, b' ' | b'\t' | b'\r' | b'\n') {
            continue;
        }
        let closes = matches!(byte, b']' | b'}');
        if just_opened && !closes {
            depth += 1;
            line(&mut out, depth);
        } else if closes && !just_opened {
            depth = depth.saturating_sub(1);
            line(&mut out, depth);
        }
        just_opened = false;
        out.push(byte);
        match byte {
            b'"' => in_string = true,
            b'{' | b'[' => just_opened = true,
            b',' => line(&mut out, depth),
            b':' => out.push(b' '),
            _ => {}
        }
    }
    out
}

/// A text as a JSON string in quotes, with `<`, `>` and `&` escaped. Bytes that are not UTF-8 become U+FFFD itself, while
/// [`Writer::str`] writes its escape.
pub fn quote(text: &[u8]) -> Vec<u8> {
    let mut writer = Writer::new(true);
    writer.str(valid_text(text).as_bytes());
    writer.out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings() {
        let cases: [(&[u8], &str); 6] = [
            (b"a\"b\\c/", r#""a\"b\\c/""#),
            (b"\n\r\t\x08\x0c\x01\x1f\x7f", "\"\\n\\r\\t\\b\\f\\u0001\\u001f\x7f\""),
            (b"<a>&", r#""\u003ca\u003e\u0026""#),
            ("é😀\u{2028}\u{2029}\u{2027}".as_bytes(), "\"é😀\\u2028\\u2029\u{2027}\""),
            (b"\xff\xfe", r#""\ufffd\ufffd""#),
            (b"\xe2\x80x", r#""\ufffd\ufffdx""#),
        ];
        for (text, want) in cases {
            assert_eq!(String::from_utf8_lossy(&quote_raw(text)), want);
        }
        let mut plain = Writer::new(false);
        plain.str(b"<&>");
        assert_eq!(plain.out, b"\"<&>\"");
    }

    fn quote_raw(text: &[u8]) -> Vec<u8> {
        let mut writer = Writer::new(true);
        writer.str(text);
        writer.out
    }

    #[test]
    fn pretty() {
        let text = br#"{"a":[],"b":{},"c":[1,{"d":"x,\"{"}]}"#;
        let want = "{\n  \"a\": [],\n  \"b\": {},\n  \"c\": [\n    1,\n    {\n      \"d\": \"x,\\\"{\"\n    }\n  ]\n}";
        assert_eq!(String::from_utf8_lossy(&indent(text, "", "  ")), want);
    }
}
