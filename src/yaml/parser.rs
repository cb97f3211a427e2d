//! Converts tokens to events: go-yaml v2's parser as a state machine.
//!
//! Goes in: the tokens of a [`Scanner`]. Comes out: one event at a time, up to the end of the first document or of the stream.
//! There is no recursion: open collections are kept in a list of states.

use super::fault::{Fault, Origin, Step};
use super::scanner::{Scanner, Token, TokenKind};
use std::borrow::Cow;

/// The properties of a node besides its content.
#[derive(Debug, Default)]
pub(super) struct Properties<'a> {
    pub anchor: Option<Cow<'a, str>>,
    /// The full tag (`tag:yaml.org,2002:int`, `!local`).
    pub tag: Option<Box<str>>,
}

/// An element of a document.
#[derive(Debug)]
pub(super) enum Event<'a> {
    DocumentStart,
    DocumentEnd,
    StreamEnd,
    Alias(Cow<'a, str>),
    Scalar(Scalar<'a>),
    SequenceStart(Properties<'a>),
    SequenceEnd,
    MappingStart(Properties<'a>),
    MappingEnd,
}

/// A scalar.
#[derive(Debug)]
pub(super) struct Scalar<'a> {
    pub value: Cow<'a, str>,
    pub properties: Properties<'a>,
    /// Written without quotes and tag, or with the tag `!`: its type follows from its text.
    pub implicit: bool,
    /// `value` is only the start of its source (see [`Scanner::want_text`]).
    pub raw: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    StreamStart,
    ImplicitDocumentStart,
    DocumentStart,
    DocumentContent,
    DocumentEnd,
    BlockNode,
    BlockSequenceFirst,
    BlockSequence,
    IndentlessSequence,
    BlockMappingFirst,
    BlockMappingKey,
    BlockMappingValue,
    FlowSequenceFirst,
    FlowSequence,
    FlowPairKey,
    FlowPairValue,
    FlowPairEnd,
    FlowMappingFirst,
    FlowMappingKey,
    FlowMappingValue,
    FlowMappingEmptyValue,
    End,
}

/// The parser.
pub(super) struct Parser<'a> {
    scanner: Scanner<'a>,
    state: State,
    states: Vec<State>,
    /// Lines where the open collections began.
    marks: Vec<usize>,
    /// Handles and prefixes of `%TAG`, including the two predefined ones.
    tag_directives: Vec<(String, String)>,
    /// The line of the last event, from 0.
    pub line: usize,
}

use TokenKind as T;

impl<'a> Parser<'a> {
    /// A parser at the start of what `scanner` reads.
    pub(super) fn new(scanner: Scanner<'a>) -> Parser<'a> {
        Parser { scanner, state: State::StreamStart, states: Vec::new(), marks: Vec::new(), tag_directives: Vec::new(), line: 0 }
    }

    /// Whether the texts of the following scalars are needed.
    pub(super) fn want_text(&mut self, want: bool) {
        self.scanner.want_text = want;
    }

    /// The whole text, at its start only.
    pub(super) fn text_at_start(&self) -> &'a [u8] {
        self.scanner.text_at_start()
    }

    /// The next event; after the end of the stream, always that end.
    pub(super) fn next(&mut self) -> Step<Event<'a>> {
        match self.state {
            State::StreamStart => {
                self.scanner.peek()?;
                self.scanner.skip();
                self.state = State::ImplicitDocumentStart;
                self.document_start(true)
            }
            State::ImplicitDocumentStart => self.document_start(true),
            State::DocumentStart => self.document_start(false),
            State::DocumentContent => self.document_content(),
            State::DocumentEnd => self.document_end(),
            State::BlockNode => self.node(true, false),
            State::BlockSequenceFirst => self.block_sequence_entry(true),
            State::BlockSequence => self.block_sequence_entry(false),
            State::IndentlessSequence => self.indentless_sequence_entry(),
            State::BlockMappingFirst => self.block_mapping_key(true),
            State::BlockMappingKey => self.block_mapping_key(false),
            State::BlockMappingValue => self.block_mapping_value(),
            State::FlowSequenceFirst => self.flow_sequence_entry(true),
            State::FlowSequence => self.flow_sequence_entry(false),
            State::FlowPairKey => self.flow_pair_key(),
            State::FlowPairValue => self.flow_pair_value(),
            State::FlowPairEnd => {
                self.line = self.scanner.peek()?.1;
                self.state = State::FlowSequence;
                Ok(Event::MappingEnd)
            }
            State::FlowMappingFirst => self.flow_mapping_key(true),
            State::FlowMappingKey => self.flow_mapping_key(false),
            State::FlowMappingValue => self.flow_mapping_value(false),
            State::FlowMappingEmptyValue => self.flow_mapping_value(true),
            State::End => Ok(Event::StreamEnd),
        }
    }

    fn fault(problem: &'static str, line: usize, context_line: usize) -> Box<Fault> {
        Box::new(Fault { origin: Origin::Parser, problem: problem.into(), line, context_line, column: None, place: None })
    }

    fn pop_state(&mut self) {
        self.state = self.states.pop().unwrap_or(State::End);
    }

    /// Closes a collection at its end token.
    fn end_collection(&mut self, line: usize, event: Event<'a>) -> Step<Event<'a>> {
        self.scanner.skip();
        self.pop_state();
        self.marks.pop();
        self.line = line;
        Ok(event)
    }

    /// Opens a collection when its first entry is read; its start token is still in the queue.
    fn open_collection(&mut self) -> Step<()> {
        let (_, line) = self.scanner.peek()?;
        self.marks.push(line);
        self.scanner.skip();
        Ok(())
    }

    fn empty_scalar(&mut self, line: usize) -> Step<Event<'a>> {
        self.line = line;
        Ok(Event::Scalar(Scalar { value: Cow::Borrowed(""), properties: Properties::default(), implicit: true, raw: false }))
    }

    fn document_start(&mut self, implicit: bool) -> Step<Event<'a>> {
        let (mut kind, mut line) = self.scanner.peek()?;
        while !implicit && kind == T::DocumentEnd {
            self.scanner.skip();
            (kind, line) = self.scanner.peek()?;
        }
        self.line = line;
        match kind {
            T::StreamEnd => {
                self.state = State::End;
                self.scanner.skip();
                return Ok(Event::StreamEnd);
            }
            T::VersionDirective | T::TagDirective | T::DocumentStart => {}
            _ if implicit => {
                self.process_directives()?;
                self.states.push(State::DocumentEnd);
                self.state = State::BlockNode;
                return Ok(Event::DocumentStart);
            }
            _ => {}
        }
        self.process_directives()?;
        let (kind, line) = self.scanner.peek()?;
        if kind != T::DocumentStart {
            return Err(Self::fault("did not find expected <document start>", line, 0));
        }
        self.states.push(State::DocumentEnd);
        self.state = State::DocumentContent;
        self.scanner.skip();
        Ok(Event::DocumentStart)
    }

    fn document_content(&mut self) -> Step<Event<'a>> {
        let (kind, line) = self.scanner.peek()?;
        match kind {
            T::VersionDirective | T::TagDirective | T::DocumentStart | T::DocumentEnd | T::StreamEnd => {
                self.pop_state();
                self.empty_scalar(line)
            }
            _ => self.node(true, false),
        }
    }

    fn document_end(&mut self) -> Step<Event<'a>> {
        let (kind, line) = self.scanner.peek()?;
        if kind == T::DocumentEnd {
            self.scanner.skip();
        }
        self.line = line;
        self.tag_directives.clear();
        self.state = State::DocumentStart;
        Ok(Event::DocumentEnd)
    }

    /// A node with its anchor and tag; `block` allows block collections, `indentless` a list at the indentation of its key.
    fn node(&mut self, block: bool, indentless: bool) -> Step<Event<'a>> {
        let (mut kind, start_line) = self.scanner.peek()?;
        let mut properties = Properties::default();
        let mut line = start_line;
        match kind {
            T::Alias => {
                let name = self.scanner.take().map(|token| token.value).unwrap_or_default();
                self.pop_state();
                self.line = line;
                return Ok(Event::Alias(name));
            }
            T::Anchor | T::Tag => {
                self.node_properties(&mut properties)?;
                (kind, line) = self.scanner.peek()?;
            }
            _ => {}
        }
        self.line = start_line;
        match kind {
            T::BlockEntry if indentless => {
                self.state = State::IndentlessSequence;
                Ok(Event::SequenceStart(properties))
            }
            T::Scalar => {
                let token = self.scanner.take();
                self.pop_state();
                Ok(Self::scalar(token, properties))
            }
            T::FlowSequenceStart => {
                self.state = State::FlowSequenceFirst;
                Ok(Event::SequenceStart(properties))
            }
            T::FlowMappingStart => {
                self.state = State::FlowMappingFirst;
                Ok(Event::MappingStart(properties))
            }
            T::BlockSequenceStart if block => {
                self.state = State::BlockSequenceFirst;
                Ok(Event::SequenceStart(properties))
            }
            T::BlockMappingStart if block => {
                self.state = State::BlockMappingFirst;
                Ok(Event::MappingStart(properties))
            }
            _ if properties.anchor.is_some() || properties.tag.is_some() => {
                self.pop_state();
                let implicit = properties.tag.is_none();
                Ok(Event::Scalar(Scalar { value: Cow::Borrowed(""), properties, implicit, raw: false }))
            }
            _ => Err(Self::fault("did not find expected node content", line, start_line)),
        }
    }

    fn scalar(token: Option<Token<'a>>, properties: Properties<'a>) -> Event<'a> {
        let (value, plain, raw) = match token {
            Some(token) => (token.value, token.plain, token.raw),
            None => (Cow::Borrowed(""), true, false),
        };
        let implicit = match properties.tag.as_deref() {
            None => plain,
            Some(tag) => tag == "!",
        };
        Event::Scalar(Scalar { value, properties, implicit, raw })
    }

    /// An anchor and a tag, in either order, each at most once.
    fn node_properties(&mut self, properties: &mut Properties<'a>) -> Step<()> {
        let (_, start_line) = self.scanner.peek()?;
        let mut tag = None;
        for _ in 0..2 {
            match self.scanner.peek()? {
                (T::Anchor, _) if properties.anchor.is_none() => {
                    properties.anchor = self.scanner.take().map(|token| token.value);
                }
                (T::Tag, line) if tag.is_none() => {
                    let handle = self.scanner.take().map(|token| token.value).unwrap_or_default();
                    tag = Some((handle, self.scanner.take_tag_part(), line));
                }
                _ => break,
            }
        }
        // go-yaml scans the next token before it checks the handle.
        self.scanner.peek()?;
        let Some((handle, suffix, line)) = tag else { return Ok(()) };
        let full = if handle.is_empty() {
            suffix
        } else {
            match self.tag_directives.iter().find(|directive| directive.0 == handle) {
                Some((_, prefix)) if !(prefix.is_empty() && suffix.is_empty()) => format!("{prefix}{suffix}"),
                _ => return Err(Self::fault("found undefined tag handle", line, start_line)),
            }
        };
        if !full.is_empty() {
            properties.tag = Some(full.into());
        }
        Ok(())
    }

    fn block_sequence_entry(&mut self, first: bool) -> Step<Event<'a>> {
        if first {
            self.open_collection()?;
        }
        let (kind, line) = self.scanner.peek()?;
        match kind {
            T::BlockEntry => {
                self.scanner.skip();
                let (next, _) = self.scanner.peek()?;
                if matches!(next, T::BlockEntry | T::BlockEnd) {
                    self.state = State::BlockSequence;
                    return self.empty_scalar(line);
                }
                self.states.push(State::BlockSequence);
                self.node(true, false)
            }
            T::BlockEnd => self.end_collection(line, Event::SequenceEnd),
            _ => {
                let context = self.marks.pop().unwrap_or(0);
                Err(Self::fault("did not find expected '-' indicator", line, context))
            }
        }
    }

    fn indentless_sequence_entry(&mut self) -> Step<Event<'a>> {
        let (kind, line) = self.scanner.peek()?;
        if kind == T::BlockEntry {
            self.scanner.skip();
            let (next, _) = self.scanner.peek()?;
            if matches!(next, T::BlockEntry | T::Key | T::Value | T::BlockEnd) {
                self.state = State::IndentlessSequence;
                return self.empty_scalar(line);
            }
            self.states.push(State::IndentlessSequence);
            return self.node(true, false);
        }
        self.pop_state();
        self.line = line;
        Ok(Event::SequenceEnd)
    }

    fn block_mapping_key(&mut self, first: bool) -> Step<Event<'a>> {
        if first {
            self.open_collection()?;
        }
        let (kind, line) = self.scanner.peek()?;
        match kind {
            T::Key => {
                self.scanner.skip();
                let (next, _) = self.scanner.peek()?;
                if matches!(next, T::Key | T::Value | T::BlockEnd) {
                    self.state = State::BlockMappingValue;
                    return self.empty_scalar(line);
                }
                self.states.push(State::BlockMappingValue);
                self.node(true, true)
            }
            T::BlockEnd => self.end_collection(line, Event::MappingEnd),
            _ => {
                let context = self.marks.pop().unwrap_or(0);
                Err(Self::fault("did not find expected key", line, context))
            }
        }
    }

    fn block_mapping_value(&mut self) -> Step<Event<'a>> {
        let (kind, line) = self.scanner.peek()?;
        if kind == T::Value {
            self.scanner.skip();
            let (next, _) = self.scanner.peek()?;
            if !matches!(next, T::Key | T::Value | T::BlockEnd) {
                self.states.push(State::BlockMappingKey);
                return self.node(true, true);
            }
        }
        self.state = State::BlockMappingKey;
        self.empty_scalar(line)
    }

    fn flow_sequence_entry(&mut self, first: bool) -> Step<Event<'a>> {
        if first {
            self.open_collection()?;
        }
        let (mut kind, mut line) = self.scanner.peek()?;
        if kind != T::FlowSequenceEnd {
            if !first {
                if kind != T::FlowEntry {
                    let context = self.marks.pop().unwrap_or(0);
                    return Err(Self::fault("did not find expected ',' or ']'", line, context));
                }
                self.scanner.skip();
                (kind, line) = self.scanner.peek()?;
            }
            if kind == T::Key {
                self.state = State::FlowPairKey;
                self.scanner.skip();
                self.line = line;
                return Ok(Event::MappingStart(Properties::default()));
            }
            if kind != T::FlowSequenceEnd {
                self.states.push(State::FlowSequence);
                return self.node(false, false);
            }
        }
        self.end_collection(line, Event::SequenceEnd)
    }

    fn flow_pair_key(&mut self) -> Step<Event<'a>> {
        let (kind, line) = self.scanner.peek()?;
        if !matches!(kind, T::Value | T::FlowEntry | T::FlowSequenceEnd) {
            self.states.push(State::FlowPairValue);
            return self.node(false, false);
        }
        // go-yaml drops the token here, so `[? ]` and `[: x]` are faults.
        self.scanner.skip();
        self.state = State::FlowPairValue;
        self.empty_scalar(line)
    }

    fn flow_pair_value(&mut self) -> Step<Event<'a>> {
        let (kind, line) = self.scanner.peek()?;
        if kind == T::Value {
            self.scanner.skip();
            let (next, _) = self.scanner.peek()?;
            if !matches!(next, T::FlowEntry | T::FlowSequenceEnd) {
                self.states.push(State::FlowPairEnd);
                return self.node(false, false);
            }
        }
        self.state = State::FlowPairEnd;
        self.empty_scalar(line)
    }

    fn flow_mapping_key(&mut self, first: bool) -> Step<Event<'a>> {
        if first {
            self.open_collection()?;
        }
        let (mut kind, mut line) = self.scanner.peek()?;
        if kind != T::FlowMappingEnd {
            if !first {
                if kind != T::FlowEntry {
                    let context = self.marks.pop().unwrap_or(0);
                    return Err(Self::fault("did not find expected ',' or '}'", line, context));
                }
                self.scanner.skip();
                (kind, line) = self.scanner.peek()?;
            }
            if kind == T::Key {
                self.scanner.skip();
                let (next, next_line) = self.scanner.peek()?;
                if matches!(next, T::Value | T::FlowEntry | T::FlowMappingEnd) {
                    self.state = State::FlowMappingValue;
                    return self.empty_scalar(next_line);
                }
                self.states.push(State::FlowMappingValue);
                return self.node(false, false);
            }
            if kind != T::FlowMappingEnd {
                self.states.push(State::FlowMappingEmptyValue);
                return self.node(false, false);
            }
        }
        self.end_collection(line, Event::MappingEnd)
    }

    fn flow_mapping_value(&mut self, empty: bool) -> Step<Event<'a>> {
        let (kind, mut line) = self.scanner.peek()?;
        if !empty && kind == T::Value {
            self.scanner.skip();
            let next;
            (next, line) = self.scanner.peek()?;
            if !matches!(next, T::FlowEntry | T::FlowMappingEnd) {
                self.states.push(State::FlowMappingKey);
                return self.node(false, false);
            }
        }
        self.state = State::FlowMappingKey;
        self.empty_scalar(line)
    }

    fn process_directives(&mut self) -> Step<()> {
        let mut version_seen = false;
        loop {
            let (kind, line) = self.scanner.peek()?;
            match kind {
                T::VersionDirective => {
                    if version_seen {
                        return Err(Self::fault("found duplicate %YAML directive", line, 0));
                    }
                    version_seen = true;
                    if !self.scanner.take().is_some_and(|token| token.plain) {
                        return Err(Self::fault("found incompatible YAML document", line, 0));
                    }
                }
                T::TagDirective => {
                    let handle = self.scanner.take().map(|token| token.value.into_owned()).unwrap_or_default();
                    let prefix = self.scanner.take_tag_part();
                    if self.tag_directives.iter().any(|directive| directive.0 == handle) {
                        return Err(Self::fault("found duplicate %TAG directive", line, 0));
                    }
                    self.tag_directives.push((handle, prefix));
                }
                _ => break,
            }
        }
        for (handle, prefix) in [("!", "!"), ("!!", "tag:yaml.org,2002:")] {
            if !self.tag_directives.iter().any(|directive| directive.0 == handle) {
                self.tag_directives.push((handle.to_owned(), prefix.to_owned()));
            }
        }
        Ok(())
    }
}
