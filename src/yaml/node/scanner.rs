//! Converts characters to tokens, with the comments between them.
//!
//! Goes in: a [`Cursor`]. Comes out: tokens one after the other, and comments with the position behind which they belong. Must
//! match `scannerc.go` of go-yaml v3, whose rules and faults differ from those of v2 in [`super::super::scanner`]; that one reads
//! values fast and drops comments. The queue keeps taken tokens until it would have to grow, as Go's slice does, since the rules
//! for comments use the last two tokens, taken or not.

use super::comments::Comment;
use super::cursor::{Cursor, Mark};
use super::style::Style;
use crate::yaml::fault::{Fault, MISSING_COLON, Origin, Step};
pub(super) use crate::yaml::scanner::TokenKind as Kind;
use std::collections::BTreeMap;

#[derive(Debug, Clone)]
pub(super) struct Token {
    pub kind: Kind,
    pub start: Mark,
    /// The text of a scalar, the name of an anchor, the handle of a tag, the version of a directive.
    pub value: Vec<u8>,
    /// The rest of a tag, the prefix of a directive.
    pub suffix: Vec<u8>,
    pub style: Style,
}

impl Token {
    pub(super) fn new(kind: Kind, start: Mark) -> Token {
        Token { kind, start, value: Vec::new(), suffix: Vec::new(), style: Style::PLAIN }
    }
}

/// A place where a key without `?` may have begun.
#[derive(Debug, Clone, Copy, Default)]
struct SimpleKey {
    possible: bool,
    required: bool,
    token_number: usize,
    mark: Mark,
}

/// The deepest nesting of blocks and of flows.
const MAX_DEPTH: usize = 10_000;
/// The longest key without `?`.
const MAX_KEY: isize = 1024;

pub(super) struct Scanner<'a> {
    pub(super) cursor: Cursor<'a>,
    pub(super) tokens: Vec<Token>,
    head: usize,
    /// The capacity of Go's slice of tokens.
    capacity: usize,
    /// How many tokens were taken.
    taken: usize,
    available: bool,
    started: bool,
    pub(super) indent: isize,
    indents: Vec<isize>,
    pub(super) flow_level: usize,
    pub(super) simple_key_allowed: bool,
    simple_keys: Vec<SimpleKey>,
    simple_keys_by_token: BTreeMap<usize, usize>,
    pub(super) comments: Vec<Comment>,
}

/// A fault of the scanner at `mark` in a construct that began at `context`.
pub(super) fn fault(problem: impl Into<std::borrow::Cow<'static, str>>, mark: Mark, context: Mark) -> Box<Fault> {
    let line = |mark: Mark| usize::try_from(mark.line).unwrap_or(0);
    Box::new(Fault {
        origin: Origin::Scanner,
        problem: problem.into(),
        line: line(mark),
        context_line: line(context),
        column: None,
        place: None,
    })
}

impl<'a> Scanner<'a> {
    pub(super) fn new(cursor: Cursor<'a>) -> Scanner<'a> {
        Scanner {
            cursor,
            tokens: Vec::new(),
            head: 0,
            capacity: 0,
            taken: 0,
            available: false,
            started: false,
            indent: -1,
            indents: Vec::new(),
            flow_level: 0,
            simple_key_allowed: true,
            simple_keys: vec![SimpleKey::default()],
            simple_keys_by_token: BTreeMap::new(),
            comments: Vec::new(),
        }
    }

    /// Scans as far as needed for the next token, and returns it.
    pub(super) fn peek(&mut self) -> Step<&mut Token> {
        if !self.available {
            self.fetch_more()?;
        }
        match self.tokens.get_mut(self.head) {
            Some(token) => Ok(token),
            None => Err(Fault::without_line(Origin::Decoder, "unknown problem parsing YAML content")),
        }
    }

    pub(super) fn skip(&mut self) {
        self.available = false;
        self.taken += 1;
        self.head += 1;
    }

    /// Scans until no token before the last two can still become part of a key.
    fn fetch_more(&mut self) -> Step<()> {
        loop {
            if self.head + 2 < self.tokens.len() {
                let Some(&at) = self.simple_keys_by_token.get(&self.taken) else { break };
                if !self.is_key_possible(at)? {
                    break;
                }
            }
            self.fetch_next()?;
        }
        self.available = true;
        Ok(())
    }

    pub(super) fn fault(&self, problem: &'static str, context: Mark) -> Box<Fault> {
        fault(problem, self.cursor.mark, context)
    }

    /// Skips the comment at the end of a line.
    pub(super) fn skip_to_break(&mut self) -> Step<()> {
        while !self.cursor.is_break_or_end(0) {
            self.cursor.skip();
            self.cursor.need(1)?;
        }
        Ok(())
    }

    /// Skips the end of a line; other text there is a fault in the construct that began at `start`.
    pub(super) fn finish_line(&mut self, start: Mark) -> Step<()> {
        if !self.cursor.is_break_or_end(0) {
            return Err(self.fault("did not find expected comment or line break", start));
        }
        if self.cursor.is_break(0) {
            self.cursor.need(2)?;
            self.cursor.skip_line();
        }
        Ok(())
    }

    /// Adds a token to the end of the queue, or inserts it `before` tokens behind its front.
    pub(super) fn insert(&mut self, before: Option<usize>, token: Token) {
        if self.head > 0 && self.tokens.len() == self.capacity {
            self.tokens.drain(..self.head);
            self.head = 0;
        }
        if self.tokens.len() == self.capacity {
            self.capacity = grown(self.capacity);
        }
        let at = before.map_or(self.tokens.len(), |before| self.tokens.len().min(self.head + before));
        self.tokens.insert(at, token);
    }

    pub(super) fn push(&mut self, token: Token) {
        self.insert(None, token);
    }

    fn fetch_next(&mut self) -> Step<()> {
        self.cursor.need(1)?;
        if !self.started {
            self.started = true;
            self.push(Token::new(Kind::StreamStart, self.cursor.mark));
            return Ok(());
        }
        let scan_mark = self.cursor.mark;
        self.scan_to_next_token()?;
        self.unroll_indent(self.cursor.mark.column, scan_mark);
        self.cursor.need(4)?;
        if self.cursor.is_end(0) {
            return self.fetch_stream_end();
        }
        if self.cursor.mark.column == 0 && self.cursor.byte(0) == b'%' {
            return self.fetch_directive();
        }
        if self.cursor.at_document_mark() {
            let kind = if self.cursor.byte(0) == b'-' { Kind::DocumentStart } else { Kind::DocumentEnd };
            return self.fetch_document_mark(kind);
        }
        let mut comment_mark = self.cursor.mark;
        let separator = if self.flow_level == 0 { b':' } else { b',' };
        if self.cursor.byte(0) == separator
            && let Some(last) = self.tokens.last()
        {
            comment_mark = last.start;
        }
        self.fetch_content()?;
        if self.tokens.last().is_some_and(|last| last.kind == Kind::BlockEntry) {
            return Ok(());
        }
        self.scan_line_comment(comment_mark)
    }

    fn fetch_content(&mut self) -> Step<()> {
        let in_flow = self.flow_level > 0;
        let mark = self.cursor.mark;
        match self.cursor.byte(0) {
            b'[' => self.fetch_flow_start(Kind::FlowSequenceStart),
            b'{' => self.fetch_flow_start(Kind::FlowMappingStart),
            b']' => self.fetch_flow_end(Kind::FlowSequenceEnd),
            b'}' => self.fetch_flow_end(Kind::FlowMappingEnd),
            b',' => {
                self.forget_key()?;
                self.simple_key_allowed = true;
                self.push_indicator(Kind::FlowEntry);
                Ok(())
            }
            b'-' if self.cursor.is_blank_or_end(1) => self.fetch_block_entry(),
            b'?' if in_flow || self.cursor.is_blank_or_end(1) => self.fetch_key(),
            b':' if in_flow || self.cursor.is_blank_or_end(1) => self.fetch_value(),
            b'*' => self.fetch_named(Kind::Alias),
            b'&' => self.fetch_named(Kind::Anchor),
            b'!' => {
                self.save_key()?;
                self.simple_key_allowed = false;
                let token = self.scan_tag()?;
                self.push(token);
                Ok(())
            }
            style @ (b'|' | b'>') if !in_flow => {
                self.forget_key()?;
                self.simple_key_allowed = true;
                let token = self.scan_block_scalar(style == b'|')?;
                self.push(token);
                Ok(())
            }
            quote @ (b'\'' | b'"') => {
                self.save_key()?;
                self.simple_key_allowed = false;
                let token = self.scan_quoted(quote == b'\'')?;
                self.push(token);
                Ok(())
            }
            _ if self.starts_plain() => {
                self.save_key()?;
                self.simple_key_allowed = false;
                let token = self.scan_plain()?;
                self.push(token);
                Ok(())
            }
            _ => Err(self.fault("found character that cannot start any token", mark)),
        }
    }

    fn starts_plain(&self) -> bool {
        let first = self.cursor.byte(0);
        match first {
            b'-' => !self.cursor.is_blank(1),
            b'?' | b':' => self.flow_level == 0 && !self.cursor.is_blank_or_end(1),
            _ => !self.cursor.is_blank_or_end(0) && !b",[]{}#&*!|>'\"%@`".contains(&first),
        }
    }

    fn push_indicator(&mut self, kind: Kind) {
        let token = Token::new(kind, self.cursor.mark);
        self.cursor.skip();
        self.push(token);
    }

    /// Whether the possible key at `at` may still be one; fails if a key is required there.
    fn is_key_possible(&mut self, at: usize) -> Step<bool> {
        let mark = self.cursor.mark;
        let Some(key) = self.simple_keys.get_mut(at) else { return Ok(false) };
        if !key.possible {
            return Ok(false);
        }
        if key.mark.line < mark.line || key.mark.index + MAX_KEY < mark.index {
            if key.required {
                return Err(fault(MISSING_COLON, mark, key.mark));
            }
            key.possible = false;
            return Ok(false);
        }
        Ok(true)
    }

    fn save_key(&mut self) -> Step<()> {
        if !self.simple_key_allowed {
            return Ok(());
        }
        let required = self.flow_level == 0 && self.indent == self.cursor.mark.column;
        let token_number = self.taken + self.tokens.len().saturating_sub(self.head);
        self.forget_key()?;
        let at = self.simple_keys.len().saturating_sub(1);
        if let Some(last) = self.simple_keys.last_mut() {
            *last = SimpleKey { possible: true, required, token_number, mark: self.cursor.mark };
            self.simple_keys_by_token.insert(token_number, at);
        }
        Ok(())
    }

    pub(super) fn forget_key(&mut self) -> Step<()> {
        let mark = self.cursor.mark;
        let Some(key) = self.simple_keys.last_mut().filter(|key| key.possible) else { return Ok(()) };
        if key.required {
            return Err(fault(MISSING_COLON, mark, key.mark));
        }
        key.possible = false;
        let number = key.token_number;
        self.simple_keys_by_token.remove(&number);
        Ok(())
    }

    /// Begins a block collection when `column` is deeper than the current one.
    fn roll_indent(&mut self, column: isize, before: Option<usize>, kind: Kind, mark: Mark) -> Step<()> {
        if self.flow_level > 0 || self.indent >= column {
            return Ok(());
        }
        self.indents.push(self.indent);
        self.indent = column;
        if self.indents.len() > MAX_DEPTH {
            let context = self.simple_keys.last().map_or(Mark::default(), |key| key.mark);
            return Err(fault(format!("exceeded max depth of {MAX_DEPTH}"), self.cursor.mark, context));
        }
        self.insert(before, Token::new(kind, mark));
        Ok(())
    }

    /// Ends the block collections deeper than `column`. The end of one is at the start of the comments with its indentation.
    pub(super) fn unroll_indent(&mut self, column: isize, scan_mark: Mark) {
        if self.flow_level > 0 {
            return;
        }
        let mut block_mark = scan_mark;
        block_mark.index -= 1;
        while self.indent > column {
            let mut stop = block_mark.index;
            for comment in self.comments.iter().rev() {
                if comment.end_mark.index < stop {
                    break;
                }
                if comment.start_mark.column == self.indent + 1 {
                    block_mark = comment.start_mark;
                }
                stop = comment.scan_mark.index;
            }
            self.push(Token::new(Kind::BlockEnd, block_mark));
            self.indent = self.indents.pop().unwrap_or(-1);
        }
    }

    fn fetch_stream_end(&mut self) -> Step<()> {
        if self.cursor.mark.column != 0 {
            self.cursor.mark.column = 0;
            self.cursor.mark.line += 1;
        }
        self.unroll_indent(-1, self.cursor.mark);
        self.forget_key()?;
        self.simple_key_allowed = false;
        self.push(Token::new(Kind::StreamEnd, self.cursor.mark));
        Ok(())
    }

    fn fetch_directive(&mut self) -> Step<()> {
        self.unroll_indent(-1, self.cursor.mark);
        self.forget_key()?;
        self.simple_key_allowed = false;
        let token = self.scan_directive()?;
        self.push(token);
        Ok(())
    }

    fn fetch_document_mark(&mut self, kind: Kind) -> Step<()> {
        self.unroll_indent(-1, self.cursor.mark);
        self.forget_key()?;
        self.simple_key_allowed = false;
        let token = Token::new(kind, self.cursor.mark);
        for _ in 0..3 {
            self.cursor.skip();
        }
        self.push(token);
        Ok(())
    }

    fn fetch_flow_start(&mut self, kind: Kind) -> Step<()> {
        self.save_key()?;
        let mark = self.cursor.mark;
        let token_number = self.taken + self.tokens.len().saturating_sub(self.head);
        self.simple_keys.push(SimpleKey { token_number, mark, ..SimpleKey::default() });
        self.flow_level += 1;
        if self.flow_level > MAX_DEPTH {
            return Err(fault(format!("exceeded max depth of {MAX_DEPTH}"), mark, mark));
        }
        self.simple_key_allowed = true;
        self.push_indicator(kind);
        Ok(())
    }

    fn fetch_flow_end(&mut self, kind: Kind) -> Step<()> {
        self.forget_key()?;
        if self.flow_level > 0 {
            self.flow_level -= 1;
            if let Some(key) = self.simple_keys.pop() {
                self.simple_keys_by_token.remove(&key.token_number);
            }
        }
        self.simple_key_allowed = false;
        self.push_indicator(kind);
        Ok(())
    }

    fn fetch_block_entry(&mut self) -> Step<()> {
        let mark = self.cursor.mark;
        if self.flow_level == 0 {
            if !self.simple_key_allowed {
                return Err(self.fault("block sequence entries are not allowed in this context", mark));
            }
            self.roll_indent(mark.column, None, Kind::BlockSequenceStart, mark)?;
        }
        self.forget_key()?;
        self.simple_key_allowed = true;
        self.push_indicator(Kind::BlockEntry);
        Ok(())
    }

    fn fetch_key(&mut self) -> Step<()> {
        let mark = self.cursor.mark;
        if self.flow_level == 0 {
            if !self.simple_key_allowed {
                return Err(self.fault("mapping keys are not allowed in this context", mark));
            }
            self.roll_indent(mark.column, None, Kind::BlockMappingStart, mark)?;
        }
        self.forget_key()?;
        self.simple_key_allowed = self.flow_level == 0;
        self.push_indicator(Kind::Key);
        Ok(())
    }

    fn fetch_value(&mut self) -> Step<()> {
        let last = self.simple_keys.len().saturating_sub(1);
        let mark = self.cursor.mark;
        if self.is_key_possible(last)? {
            let key = self.simple_keys.get(last).copied().unwrap_or_default();
            // A key that was taken already, as in `{}a: b`, comes too late and is added to the end.
            let before = key.token_number.checked_sub(self.taken);
            self.insert(before, Token::new(Kind::Key, key.mark));
            self.roll_indent(key.mark.column, before, Kind::BlockMappingStart, key.mark)?;
            if let Some(key) = self.simple_keys.last_mut() {
                key.possible = false;
            }
            self.simple_keys_by_token.remove(&key.token_number);
            self.simple_key_allowed = false;
        } else {
            if self.flow_level == 0 {
                if !self.simple_key_allowed {
                    return Err(self.fault("mapping values are not allowed in this context", mark));
                }
                self.roll_indent(mark.column, None, Kind::BlockMappingStart, mark)?;
            }
            self.simple_key_allowed = self.flow_level == 0;
        }
        self.push_indicator(Kind::Value);
        Ok(())
    }

    fn fetch_named(&mut self, kind: Kind) -> Step<()> {
        self.save_key()?;
        self.simple_key_allowed = false;
        let token = self.scan_name(kind)?;
        self.push(token);
        Ok(())
    }
}

/// The capacity after Go's `append` to a full slice of this many tokens (of 144 bytes each, on 64 bits).
fn grown(capacity: usize) -> usize {
    const SIZES: [usize; 14] = [1, 2, 4, 8, 18, 37, 75, 151, 341, 625, 1024, 1479, 2048, 2787];
    SIZES.into_iter().find(|size| *size > capacity).unwrap_or(capacity + capacity / 4 + 192)
}
