//! Splits template text into tokens.
//!
//! Goes in: the bytes of a template. Comes out: tokens on demand, as ranges of the text. Plain text is scanned with memchr, so
//! text outside of actions costs next to nothing. A token carries no line: lines are counted only when an error needs one. Follows
//! text/template/parse/lex.go, including trim markers and error texts.

use crate::quote;
use crate::quote::printable::is_printable;
use crate::unicode::{self, is_digit, is_letter};
use memchr::memmem;
use std::ops::Range;

/// The kind of a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u32)]
pub enum Kind {
    /// The lexer gave up; [`Lexer::error`] has the text.
    Error,
    Bool,
    /// A printable ASCII character without its own kind, such as a comma.
    Char,
    CharConstant,
    Complex,
    Assign,
    Declare,
    Eof,
    Field,
    Identifier,
    LeftDelim,
    LeftParen,
    Number,
    Pipe,
    RawString,
    RightDelim,
    RightParen,
    Space,
    String,
    Text,
    Variable,
    // Keywords come after all other kinds.
    Block,
    Break,
    Continue,
    Dot,
    Define,
    Else,
    End,
    If,
    Nil,
    Range,
    Template,
    With,
}

/// One token: `text[start..end]`. Two numbers travel in registers, three would go through memory: every token is passed on several
/// times.
#[derive(Clone, Copy)]
pub struct Token {
    pub kind: Kind,
    /// The start, and in the upper half the end.
    place: u64,
}

impl Token {
    /// A token of these bounds, which are below 2^32: texts are shorter.
    pub fn new(kind: Kind, start: usize, end: usize) -> Token {
        Token { kind, place: start as u64 & u64::from(u32::MAX) | (end as u64) << 32 }
    }

    /// Where it starts in the text.
    pub fn start(self) -> u32 {
        self.place as u32
    }

    /// Where it ends.
    pub fn end(self) -> u32 {
        (self.place >> 32) as u32
    }
}

/// Reads tokens from a text.
pub struct Lexer<'a> {
    text: &'a [u8],
    /// The start of the next token.
    start: usize,
    at: usize,
    inside_action: bool,
    paren_depth: u32,
    failed: bool,
    error: String,
    /// What the error is about, if that is not the whole error token.
    fault: Range<usize>,
}

/// The next character: its code point and width in bytes; a width of 0 at the end.
fn decode(text: &[u8]) -> (u32, usize) {
    match unicode::decode(text) {
        (_, 0) => (u32::MAX, 0),
        (character, width) => (u32::from(character), width),
    }
}

/// The ASCII letters and digits and `_`.
const WORD: u8 = 1;
/// Space, as in text/template.
const SPACE: u8 = 2;
/// Bytes that may follow an identifier, except `}}`.
const TERMINATOR: u8 = 4;

/// The classes of each byte, so that common ones need one look-up.
const CLASSES: [u8; 256] = {
    let mut classes = [0; 256];
    let mut byte = 0;
    while byte < 128 {
        let character = byte as u8;
        if character.is_ascii_alphanumeric() || character == b'_' {
            classes[byte] |= WORD;
        }
        if is_space(character) {
            classes[byte] |= SPACE | TERMINATOR;
        }
        if matches!(character, b'.' | b',' | b'|' | b':' | b')' | b'(') {
            classes[byte] |= TERMINATOR;
        }
        byte += 1;
    }
    classes
};

fn is(class: u8, byte: u8) -> bool {
    CLASSES[usize::from(byte)] & class != 0
}

const fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n')
}

/// The position of the first `{{`.
fn find_left_delimiter(text: &[u8]) -> Option<usize> {
    memchr::memchr_iter(b'{', text).find(|at| text.get(at + 1) == Some(&b'{'))
}

/// Go's `isAlphaNumeric`: a letter, a decimal digit or `_`.
fn is_alphanumeric(code: u32) -> bool {
    char::from_u32(code).is_some_and(|character| character == '_' || is_letter(character) || is_digit(character))
}

/// Go's `%#U`.
fn unicode(code: u32) -> String {
    match char::from_u32(code) {
        Some(character) if is_printable(character) => format!("U+{code:04X} '{character}'"),
        _ if code == u32::MAX => "U+FFFFFFFFFFFFFFFF".to_string(),
        _ => format!("U+{code:04X}"),
    }
}

fn keyword(word: &[u8]) -> Option<Kind> {
    Some(match word {
        b"block" => Kind::Block,
        b"break" => Kind::Break,
        b"continue" => Kind::Continue,
        b"define" => Kind::Define,
        b"else" => Kind::Else,
        b"end" => Kind::End,
        b"if" => Kind::If,
        b"range" => Kind::Range,
        b"nil" => Kind::Nil,
        b"template" => Kind::Template,
        b"with" => Kind::With,
        _ => return None,
    })
}

impl<'a> Lexer<'a> {
    /// A lexer at the start of `text`.
    pub fn new(text: &'a [u8]) -> Lexer<'a> {
        Lexer { text, start: 0, at: 0, inside_action: false, paren_depth: 0, failed: false, error: String::new(), fault: 0..0 }
    }

    /// The text of the error token.
    pub fn error(&self) -> &str {
        &self.error
    }

    /// The part of the text that the error is about.
    pub fn fault(&self) -> Range<usize> {
        self.fault.clone()
    }

    /// The next token; always `Eof` at the end and after an error.
    pub fn next_token(&mut self) -> Token {
        if self.failed {
            return Token::new(Kind::Eof, self.start, self.start);
        }
        if self.inside_action { self.action() } else { self.plain_text() }
    }

    fn rest(&self) -> &'a [u8] {
        self.text.get(self.at..).unwrap_or(&[])
    }

    fn emit(&mut self, kind: Kind) -> Token {
        let token = Token::new(kind, self.start, self.at);
        self.start = self.at;
        token
    }

    fn fail(&mut self, message: impl Into<String>) -> Token {
        self.fail_about(message, self.start..self.at)
    }

    /// Fails in the token that was begun, because of a part of the text.
    fn fail_about(&mut self, message: impl Into<String>, fault: Range<usize>) -> Token {
        self.error = message.into();
        self.failed = true;
        self.fault = fault;
        Token::new(Kind::Error, self.start, self.at)
    }

    fn plain_text(&mut self) -> Token {
        loop {
            let Some(found) = find_left_delimiter(self.rest()) else {
                self.at = self.text.len();
                return if self.at > self.start { self.emit(Kind::Text) } else { self.emit(Kind::Eof) };
            };
            if found > 0 {
                let delimiter = self.at + found;
                let mut end = delimiter;
                if has_left_trim_marker(&self.text[delimiter + 2..]) {
                    while end > self.start && is_space(self.text[end - 1]) {
                        end -= 1;
                    }
                }
                self.at = end;
                let token = self.emit(Kind::Text);
                self.at = delimiter;
                self.start = delimiter;
                if token.end() > token.start() {
                    return token;
                }
            }
            if let Some(token) = self.left_delimiter() {
                return token;
            }
        }
    }

    /// Lexes a `{{`. A comment is skipped and yields no token.
    fn left_delimiter(&mut self) -> Option<Token> {
        self.at += 2;
        let marker = if has_left_trim_marker(self.rest()) { 2 } else { 0 };
        if self.text[self.at + marker..].starts_with(b"/*") {
            self.at += marker;
            self.start = self.at;
            return self.comment();
        }
        let token = self.emit(Kind::LeftDelim);
        self.inside_action = true;
        self.at += marker;
        self.start = self.at;
        self.paren_depth = 0;
        Some(token)
    }

    fn comment(&mut self) -> Option<Token> {
        self.at += 2;
        let Some(found) = memmem::find(self.rest(), b"*/") else {
            return Some(self.fail("unclosed comment"));
        };
        self.at += found + 2;
        let Some(trim) = self.at_right_delimiter() else {
            return Some(self.fail_about("comment ends before closing delimiter", self.at - 2..self.at));
        };
        self.at += if trim { 4 } else { 2 };
        self.trim_after(trim);
        None
    }

    /// Whether `}}` follows: `Some(true)` with a trim marker before it.
    fn at_right_delimiter(&self) -> Option<bool> {
        let rest = self.rest();
        match rest {
            [b'}', b'}', ..] => Some(false),
            [space, b'-', b'}', b'}', ..] if is_space(*space) => Some(true),
            _ => None,
        }
    }

    /// Skips the space behind a trimming delimiter; a new token begins after it.
    fn trim_after(&mut self, trim: bool) {
        while trim && self.text.get(self.at).is_some_and(|byte| is_space(*byte)) {
            self.at += 1;
        }
        self.start = self.at;
    }

    fn right_delimiter(&mut self, trim: bool) -> Token {
        if trim {
            self.at += 2;
            self.start = self.at;
        }
        self.at += 2;
        let token = self.emit(Kind::RightDelim);
        self.trim_after(trim);
        self.inside_action = false;
        token
    }

    fn action(&mut self) -> Token {
        let Some(byte) = self.text.get(self.at).copied() else { return self.fail("unclosed action") };
        if is(WORD, byte) && !byte.is_ascii_digit() {
            return self.identifier();
        }
        if (byte == b'}' || is(SPACE, byte))
            && let Some(trim) = self.at_right_delimiter()
        {
            if self.paren_depth == 0 {
                return self.right_delimiter(trim);
            }
            return self.fail("unclosed left paren");
        }
        match byte {
            b' ' | b'\t' | b'\r' | b'\n' => self.space(),
            b'=' => self.single(Kind::Assign),
            b':' => {
                self.at += 1;
                if self.rest().first() != Some(&b'=') {
                    self.at += decode(self.rest()).1;
                    return self.fail("expected :=");
                }
                self.single(Kind::Declare)
            }
            b'|' => self.single(Kind::Pipe),
            b'"' => self.quoted(b'"', Kind::String, "unterminated quoted string"),
            b'\'' => self.quoted(b'\'', Kind::CharConstant, "unterminated character constant"),
            b'`' => self.raw_quoted(),
            b'$' => {
                self.at += 1;
                self.name(Kind::Variable)
            }
            b'.' if self.text.get(self.at + 1).is_some_and(|next| !next.is_ascii_digit()) => {
                self.at += 1;
                self.name(Kind::Field)
            }
            b'.' | b'+' | b'-' | b'0'..=b'9' => self.number(),
            b'(' => {
                self.paren_depth += 1;
                self.single(Kind::LeftParen)
            }
            b')' => {
                self.at += 1;
                match self.paren_depth.checked_sub(1) {
                    Some(depth) => self.paren_depth = depth,
                    None => return self.fail("unexpected right paren"),
                }
                self.emit(Kind::RightParen)
            }
            0x20..=0x7e => self.single(Kind::Char),
            _ => {
                let (code, width) = decode(self.rest());
                if is_alphanumeric(code) {
                    return self.identifier();
                }
                self.at += width;
                self.fail(format!("unrecognized character in action: {}", unicode(code)))
            }
        }
    }

    fn single(&mut self, kind: Kind) -> Token {
        self.at += 1;
        self.emit(kind)
    }

    /// A run of spaces, without the last one if it belongs to a trim marker.
    fn space(&mut self) -> Token {
        let begin = self.at;
        while self.text.get(self.at).is_some_and(|byte| is(SPACE, *byte)) {
            self.at += 1;
        }
        if self.text.get(self.at) == Some(&b'-') && self.rest().starts_with(b"-}}") {
            self.at -= 1;
            if self.at == begin {
                return self.right_delimiter(true);
            }
        }
        self.emit(Kind::Space)
    }

    /// Skips the letters and digits of a word; returns the first character behind it.
    fn word(&mut self) -> u32 {
        loop {
            while self.text.get(self.at).is_some_and(|byte| is(WORD, *byte)) {
                self.at += 1;
            }
            let (code, width) = decode(self.rest());
            if code < 0x80 || width == 0 || !is_alphanumeric(code) {
                return code;
            }
            self.at += width;
        }
    }

    fn identifier(&mut self) -> Token {
        let after = self.word();
        if !self.at_terminator() {
            return self.bad_character(after);
        }
        let word = &self.text[self.start..self.at];
        let kind = match keyword(word) {
            Some(kind) => kind,
            None if word == b"true" || word == b"false" => Kind::Bool,
            None => Kind::Identifier,
        };
        self.emit(kind)
    }

    /// A field or variable, after its `.` or `$`.
    fn name(&mut self, kind: Kind) -> Token {
        if self.at_terminator() {
            return self.emit(if kind == Kind::Variable { Kind::Variable } else { Kind::Dot });
        }
        let after = self.word();
        if !self.at_terminator() {
            return self.bad_character(after);
        }
        self.emit(kind)
    }

    /// A character that may not follow a name.
    fn bad_character(&mut self, code: u32) -> Token {
        let end = self.at + decode(self.rest()).1;
        self.fail_about(format!("bad character {}", unicode(code)), self.at..end)
    }

    /// Whether an identifier may end here.
    fn at_terminator(&self) -> bool {
        match self.text.get(self.at) {
            None => true,
            Some(byte) => is(TERMINATOR, *byte) || (*byte == b'}' && self.text.get(self.at + 1) == Some(&b'}')),
        }
    }

    fn quoted(&mut self, end: u8, kind: Kind, unterminated: &str) -> Token {
        self.at += 1;
        loop {
            match self.rest() {
                [] | [b'\n', ..] | [b'\\'] | [b'\\', b'\n', ..] => return self.fail(unterminated),
                [b'\\', ..] => self.at += 2,
                [byte, ..] => {
                    self.at += 1;
                    if *byte == end {
                        return self.emit(kind);
                    }
                }
            }
        }
    }

    fn raw_quoted(&mut self) -> Token {
        self.at += 1;
        match memchr::memchr(b'`', self.rest()) {
            Some(found) => {
                self.at += found + 1;
                self.emit(Kind::RawString)
            }
            None => self.fail("unterminated raw quoted string"),
        }
    }

    fn number(&mut self) -> Token {
        if !self.scan_number() {
            return self.bad_number();
        }
        if matches!(self.rest().first(), Some(b'+' | b'-')) {
            if !self.scan_number() || self.text.get(self.at - 1) != Some(&b'i') {
                return self.bad_number();
            }
            return self.emit(Kind::Complex);
        }
        self.emit(Kind::Number)
    }

    fn bad_number(&mut self) -> Token {
        let text = quote::quote(&self.text[self.start..self.at]);
        self.fail(format!("bad number syntax: {text}"))
    }

    fn accept(&mut self, set: &[u8]) -> bool {
        let found = self.rest().first().is_some_and(|byte| set.contains(byte));
        if found {
            self.at += 1;
        }
        found
    }

    fn accept_run(&mut self, set: &[u8]) {
        while self.accept(set) {}
    }

    fn scan_number(&mut self) -> bool {
        const DECIMAL: &[u8] = b"0123456789_";
        const HEXADECIMAL: &[u8] = b"0123456789abcdefABCDEF_";
        self.accept(b"+-");
        let mut digits = DECIMAL;
        if self.accept(b"0") {
            if self.accept(b"xX") {
                digits = HEXADECIMAL;
            } else if self.accept(b"oO") {
                digits = b"01234567_";
            } else if self.accept(b"bB") {
                digits = b"01_";
            }
        }
        self.accept_run(digits);
        if self.accept(b".") {
            self.accept_run(digits);
        }
        let exponent: &[u8] = match digits.len() {
            11 => b"eE",
            23 => b"pP",
            _ => b"",
        };
        if self.accept(exponent) {
            self.accept(b"+-");
            self.accept_run(DECIMAL);
        }
        self.accept(b"i");
        let (code, width) = decode(self.rest());
        if width > 0 && is_alphanumeric(code) {
            self.at += width;
            return false;
        }
        true
    }
}

fn has_left_trim_marker(text: &[u8]) -> bool {
    matches!(text, [b'-', space, ..] if is_space(*space))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kinds(text: &str) -> Vec<(Kind, String)> {
        let mut lexer = Lexer::new(text.as_bytes());
        let mut found = Vec::new();
        loop {
            let token = lexer.next_token();
            let part = match token.kind {
                Kind::Error => lexer.error().to_string(),
                _ => text[token.start() as usize..token.end() as usize].to_string(),
            };
            found.push((token.kind, part));
            if matches!(token.kind, Kind::Error | Kind::Eof) {
                return found;
            }
        }
    }

    #[test]
    fn trim_markers_eat_the_space_around_them() {
        let found = kinds("a \n{{- .x -}}\n b");
        let parts: Vec<&str> = found.iter().map(|token| token.1.as_str()).collect();
        assert_eq!(parts, ["a", "{{", ".x", "}}", "b", ""]);
        assert_eq!(kinds("{{-3}}")[1], (Kind::Number, "-3".to_string()));
    }

    #[test]
    fn comments_vanish_and_must_touch_their_delimiters() {
        assert_eq!(kinds("a{{/* b */}}c").len(), 3);
        assert_eq!(kinds("{{/* b */ }}")[0].1, "comment ends before closing delimiter");
        assert_eq!(kinds("{{/* b")[0].1, "unclosed comment");
    }

    #[test]
    fn faults_are_in_the_words_of_go() {
        for (text, fault) in [
            ("{{ 1x }}", "bad number syntax: \"1x\""),
            ("{{ a-b }}", "bad character U+002D '-'"),
            // A letter since Unicode 16, which this Go version does not support.
            ("{{ $\u{1C8A} }}", "bad character U+1C8A"),
            ("{{ \u{1} }}", "unrecognized character in action: U+0001"),
            ("{{ \"a }}", "unterminated quoted string"),
            ("{{ `a }}", "unterminated raw quoted string"),
            ("{{ 'a", "unterminated character constant"),
            ("{{ (a }}", "unclosed left paren"),
            ("{{ a) }}", "unexpected right paren"),
            ("{{ a :b }}", "expected :="),
            ("{{ a", "unclosed action"),
        ] {
            let found = kinds(text);
            assert_eq!(found.last().map(|token| (token.0, token.1.as_str())), Some((Kind::Error, fault)), "{text}");
        }
    }
}
