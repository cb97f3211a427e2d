//! Converts characters to tokens: go-yaml v2's scanner (a port of libyaml's), with its limits and its messages.
//!
//! Goes in: a checked [`Source`]. Comes out: a queue of tokens that the parser takes from the front. A key is recognised only at
//! its ':', so the queue runs ahead while its first token may still become a key.
//!
//! Scalars on one line without escapes are slices of the source. Lines are counted; columns are the distance from the start of the
//! line in bytes, because where a column matters, only ASCII can precede it.

mod block;
mod fetch;
mod plain;
mod quoted;
mod tag;

use super::fault::{Fault, MISSING_COLON, Origin, Step};
use super::reader::Source;
use std::borrow::Cow;
use std::collections::VecDeque;

/// The deepest nesting of flow collections, and of indented blocks.
const MAX_DEPTH: usize = 10_000;

/// The most characters from the start of a key without '?' to its end.
const MAX_SIMPLE_KEY: usize = 1024;

/// The kind of a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TokenKind {
    StreamStart,
    StreamEnd,
    VersionDirective,
    TagDirective,
    DocumentStart,
    DocumentEnd,
    BlockSequenceStart,
    BlockMappingStart,
    BlockEnd,
    FlowSequenceStart,
    FlowSequenceEnd,
    FlowMappingStart,
    FlowMappingEnd,
    BlockEntry,
    FlowEntry,
    Key,
    Value,
    Alias,
    Anchor,
    Tag,
    Scalar,
}

/// A token; the content of `value` depends on the kind: the text of a scalar, the name of an anchor, the handle of a tag.
#[derive(Debug)]
pub(super) struct Token<'a> {
    pub kind: TokenKind,
    /// A scalar without quotes; or a version directive with 1.1.
    pub plain: bool,
    /// A scalar with only the first piece of its source, since its text is not needed.
    pub raw: bool,
    /// The line of its start, from 0.
    pub line: usize,
    pub value: Cow<'a, str>,
}

/// A place in a text.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    pub at: usize,
    /// From 0.
    pub line: usize,
    /// The start of that line.
    pub line_start: usize,
}

/// A place where a key may have begun.
#[derive(Clone, Copy)]
struct SimpleKey {
    possible: bool,
    /// Whether a ':' must follow, because the key is at the indentation of the block.
    required: bool,
    /// How many tokens precede it in the whole stream.
    token: usize,
    line: usize,
    offset: usize,
    column: isize,
}

/// The scanner.
pub(super) struct Scanner<'a> {
    text: &'a str,
    bytes: &'a [u8],
    broken: Option<&'static str>,
    plain_breaks: bool,
    /// Whether the text starts with a second byte order mark, which go-yaml treats as one at the start of each line.
    leading_mark: bool,
    at: usize,
    line: usize,
    line_start: usize,
    flow_level: usize,
    indent: isize,
    indents: Vec<isize>,
    simple_key_allowed: bool,
    /// One per flow level; the last is for the current level.
    simple_keys: Vec<SimpleKey>,
    /// Token numbers, in ascending order, with the index of their entry in `simple_keys`.
    keys_by_token: VecDeque<(usize, usize)>,
    tokens: VecDeque<Token<'a>>,
    tokens_taken: usize,
    /// Whether the first token of the queue cannot become a key any more.
    ready: bool,
    started: bool,
    /// Tag suffixes and prefixes of the queued tag tokens, in order.
    tag_parts: VecDeque<String>,
    /// Whether texts of scalars are needed. If not, those that are not slices of the source are returned raw.
    pub want_text: bool,
}

impl<'a> Scanner<'a> {
    /// The whole text, at its start only: later documents of a long stream must not each scan all of it.
    pub(super) fn text_at_start(&self) -> &'a [u8] {
        if self.at > 0 { &[] } else { self.bytes }
    }

    /// A scanner at the start of `source`.
    pub(super) fn new(source: &'a Source<'_>) -> Scanner<'a> {
        let text: &'a str = &source.text;
        Scanner {
            text,
            bytes: text.as_bytes(),
            broken: source.broken,
            plain_breaks: source.plain_breaks,
            leading_mark: text.starts_with('\u{FEFF}'),
            at: 0,
            line: 0,
            line_start: 0,
            flow_level: 0,
            indent: -1,
            indents: Vec::new(),
            simple_key_allowed: true,
            simple_keys: Vec::new(),
            keys_by_token: VecDeque::new(),
            tokens: VecDeque::new(),
            tokens_taken: 0,
            ready: false,
            started: false,
            tag_parts: VecDeque::new(),
            want_text: true,
        }
    }

    /// A scanner for the scalar at `place`, in a collection at column `parent`.
    pub(super) fn at(source: &'a Source<'_>, place: Place, parent: usize) -> Scanner<'a> {
        let Place { at, line, line_start } = place;
        Scanner { at, line, line_start, indent: isize::try_from(parent).unwrap_or(isize::MAX), ..Scanner::new(source) }
    }

    /// The scalar here, and whether it has no quotes. The scanner is then behind it, or at the next content if the scalar has no
    /// end mark.
    pub(super) fn scan_scalar(&mut self) -> Step<(Cow<'a, str>, bool)> {
        let token = match self.byte(0) {
            b'|' => self.scan_block(true)?,
            b'>' => self.scan_block(false)?,
            b'\'' => self.scan_quoted(true)?,
            b'"' => self.scan_quoted(false)?,
            _ => self.scan_plain()?,
        };
        Ok((token.value, token.plain))
    }

    /// The scanner's position.
    pub(super) fn place(&self) -> Place {
        Place { at: self.at, line: self.line, line_start: self.line_start }
    }

    /// The kind and line of the next token.
    pub(super) fn peek(&mut self) -> Step<(TokenKind, usize)> {
        if !self.ready {
            self.fetch_until_ready()?;
        }
        match self.tokens.front() {
            Some(token) => Ok((token.kind, token.line)),
            None => Ok((TokenKind::StreamEnd, self.line)),
        }
    }

    /// Takes the token that [`Scanner::peek`] returned.
    pub(super) fn take(&mut self) -> Option<Token<'a>> {
        let token = self.tokens.pop_front();
        if token.is_some() {
            self.ready = false;
            self.tokens_taken += 1;
        }
        token
    }

    /// Drops the token that [`Scanner::peek`] returned.
    pub(super) fn skip(&mut self) {
        drop(self.take());
    }

    /// The suffix of the last taken tag, or the prefix of the last taken tag directive.
    pub(super) fn take_tag_part(&mut self) -> String {
        self.tag_parts.pop_front().unwrap_or_default()
    }

    fn fetch_until_ready(&mut self) -> Step<()> {
        loop {
            if !self.tokens.is_empty() {
                match self.key_at_front() {
                    Some(level) if self.is_key_valid(level)? => {}
                    _ => break,
                }
            }
            if self.broken.is_some() { self.fetch_before_break()? } else { self.fetch()? }
        }
        self.ready = true;
        Ok(())
    }

    /// Fetches from a truncated text: reaching its end means reaching the forbidden character.
    fn fetch_before_break(&mut self) -> Step<()> {
        let fetched = self.fetch();
        // The scanner looks ahead up to four characters.
        match self.broken {
            Some(problem) if self.at + 4 > self.bytes.len() => Err(Fault::without_line(Origin::Reader, problem)),
            _ => fetched,
        }
    }

    fn key_at_front(&mut self) -> Option<usize> {
        while let Some(&(token, level)) = self.keys_by_token.front() {
            if token >= self.tokens_taken {
                return (token == self.tokens_taken).then_some(level);
            }
            self.keys_by_token.pop_front();
        }
        None
    }

    // ---- characters

    /// The byte at `ahead` from here; 0 at the end.
    #[inline(always)]
    fn byte(&self, ahead: usize) -> u8 {
        self.byte_at(self.at + ahead)
    }

    #[inline(always)]
    fn byte_at(&self, at: usize) -> u8 {
        self.bytes.get(at).copied().unwrap_or(0)
    }

    /// The width in bytes of the line break at `at`; 0 if there is none.
    #[inline(always)]
    fn break_width(&self, at: usize) -> usize {
        match self.byte_at(at) {
            b'\n' => 1,
            b'\r' if self.byte_at(at + 1) == b'\n' => 2,
            b'\r' => 1,
            0xC2 if self.byte_at(at + 1) == 0x85 => 2,
            0xE2 if self.byte_at(at + 1) == 0x80 && matches!(self.byte_at(at + 2), 0xA8 | 0xA9) => 3,
            _ => 0,
        }
    }

    #[inline(always)]
    fn is_blank(&self, at: usize) -> bool {
        matches!(self.byte_at(at), b' ' | b'\t')
    }

    /// Blank, line break or end.
    #[inline(always)]
    fn is_blank_or_end(&self, at: usize) -> bool {
        matches!(self.byte_at(at), b' ' | b'\t' | 0) || self.break_width(at) > 0
    }

    /// Line break or end.
    fn is_break_or_end(&self, at: usize) -> bool {
        self.byte_at(at) == 0 || self.break_width(at) > 0
    }

    #[inline(always)]
    fn column(&self) -> isize {
        self.at as isize - self.line_start as isize
    }

    /// Skips a line break of this width.
    #[inline(always)]
    fn next_line(&mut self, width: usize) {
        self.at += width;
        self.line += 1;
        self.line_start = self.at;
    }

    /// Skips the line break here and appends its value.
    fn read_break(&mut self, into: &mut String) {
        match self.break_width(self.at) {
            0 => {}
            width => {
                into.push_str(if width == 3 { &self.text[self.at..self.at + 3] } else { "\n" });
                self.next_line(width);
            }
        }
    }

    /// The end of the line that contains `from`.
    fn line_end(&self, from: usize) -> usize {
        let rest = self.bytes.get(from..).unwrap_or_default();
        if self.plain_breaks {
            return from + memchr::memchr(b'\n', rest).unwrap_or(rest.len());
        }
        let mut at = from;
        while at < self.bytes.len() && self.break_width(at) == 0 {
            at += 1;
        }
        at
    }

    /// Whether `---` or `...` is here at the start of a line.
    fn at_document_indicator(&self) -> bool {
        self.at == self.line_start
            && matches!(self.bytes.get(self.at..self.at + 3), Some(b"---" | b"..."))
            && self.is_blank_or_end(self.at + 3)
    }

    // ---- faults

    fn fault(&self, context_line: usize, problem: &'static str) -> Box<Fault> {
        Box::new(Fault {
            origin: Origin::Scanner,
            problem: problem.into(),
            line: self.line,
            context_line,
            column: usize::try_from(self.column()).ok(),
            place: None,
        })
    }

    fn too_deep(&self) -> Box<Fault> {
        let problem = format!("exceeded max depth of {MAX_DEPTH}");
        Box::new(Fault {
            origin: Origin::Scanner,
            problem: problem.into(),
            line: self.line,
            context_line: self.line,
            column: None,
            place: None,
        })
    }

    // ---- tokens

    fn push(&mut self, kind: TokenKind, line: usize) {
        self.tokens.push_back(Token { kind, plain: false, raw: false, line, value: Cow::Borrowed("") });
    }

    /// Inserts a token before the one with this number, or at the end if that one was taken already.
    fn insert(&mut self, number: usize, kind: TokenKind, line: usize) {
        match number.checked_sub(self.tokens_taken) {
            Some(index) if index < self.tokens.len() => {
                self.tokens.insert(index, Token { kind, plain: false, raw: false, line, value: Cow::Borrowed("") });
            }
            _ => self.push(kind, line),
        }
    }

    /// A token of one character.
    fn push_indicator(&mut self, kind: TokenKind) {
        self.push(kind, self.line);
        self.at += 1;
    }

    fn skip_to_token(&mut self) {
        loop {
            if self.leading_mark && self.at == self.line_start && (self.at == 0 || self.at + 4 <= self.bytes.len().min(512)) {
                self.skip_mark();
            }
            let tabs = self.flow_level > 0 || !self.simple_key_allowed;
            while self.byte(0) == b' ' || (tabs && self.byte(0) == b'\t') {
                self.at += 1;
            }
            if self.byte(0) == b'#' {
                self.at = self.line_end(self.at);
            }
            match self.break_width(self.at) {
                0 => return,
                width => {
                    self.next_line(width);
                    if self.flow_level == 0 {
                        self.simple_key_allowed = true;
                    }
                }
            }
        }
    }

    /// go-yaml checks for the mark at the start of its buffer, not at the current character, and then skips the current one.
    fn skip_mark(&mut self) {
        let width = self.text[self.at..].chars().next().map_or(0, char::len_utf8);
        self.at += width;
        self.line_start = self.at.saturating_sub(1);
    }

    // ---- keys

    fn current_key(&mut self) -> Option<&mut SimpleKey> {
        self.simple_keys.last_mut()
    }

    /// Whether the possible key at this level can still be one: it must be on this line and not too long.
    fn is_key_valid(&mut self, level: usize) -> Step<bool> {
        let (line, at) = (self.line, self.at);
        let Some(key) = self.simple_keys.get(level).copied() else { return Ok(false) };
        if !key.possible {
            return Ok(false);
        }
        if key.line < line || self.is_too_far(key.offset, at) {
            if key.required {
                return Err(self.fault(key.line, MISSING_COLON));
            }
            self.simple_keys[level].possible = false;
            return Ok(false);
        }
        Ok(true)
    }

    fn is_too_far(&self, from: usize, to: usize) -> bool {
        to - from > MAX_SIMPLE_KEY && self.text.get(from..to).is_none_or(|key| key.chars().count() > MAX_SIMPLE_KEY)
    }

    /// A possible key starting here.
    fn key_here(&self) -> SimpleKey {
        SimpleKey {
            possible: true,
            required: self.flow_level == 0 && self.indent == self.column(),
            token: self.tokens_taken + self.tokens.len(),
            line: self.line,
            offset: self.at,
            column: self.column(),
        }
    }

    fn save_key(&mut self) -> Step<()> {
        if self.simple_key_allowed {
            let key = self.key_here();
            self.forget_key()?;
            self.remember_key(key);
        }
        Ok(())
    }

    fn remember_key(&mut self, key: SimpleKey) {
        let level = self.simple_keys.len().saturating_sub(1);
        if let Some(current) = self.current_key() {
            *current = key;
        }
        self.drop_key_token(key.token);
        self.keys_by_token.push_back((key.token, level));
    }

    fn forget_key(&mut self) -> Step<()> {
        let Some(key) = self.simple_keys.last().copied() else { return Ok(()) };
        if key.possible {
            if key.required {
                return Err(self.fault(key.line, MISSING_COLON));
            }
            if let Some(current) = self.current_key() {
                current.possible = false;
            }
            self.drop_key_token(key.token);
        }
        Ok(())
    }

    fn drop_key_token(&mut self, token: usize) {
        if let Some(index) = self.keys_by_token.iter().rposition(|entry| entry.0 == token) {
            self.keys_by_token.remove(index);
        }
    }

    // ---- indentation

    /// Opens a block collection if this column is deeper than the current one; `before` is the number of its first token.
    fn roll_indent(&mut self, column: isize, before: Option<usize>, kind: TokenKind, line: usize) -> Step<()> {
        if self.flow_level > 0 || self.indent >= column {
            return Ok(());
        }
        self.indents.push(self.indent);
        self.indent = column;
        if self.indents.len() > MAX_DEPTH {
            return Err(self.too_deep());
        }
        match before {
            Some(number) => self.insert(number, kind, line),
            None => self.push(kind, line),
        }
        Ok(())
    }

    #[inline(always)]
    fn unroll_indent(&mut self, column: isize) {
        if self.flow_level > 0 {
            return;
        }
        while self.indent > column {
            self.push(TokenKind::BlockEnd, self.line);
            self.indent = self.indents.pop().unwrap_or(-1);
        }
    }
}
