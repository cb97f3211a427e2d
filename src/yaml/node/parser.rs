//! Converts tokens to events, each with its comments.
//!
//! Goes in: a [`Scanner`]. Comes out: events one after the other. Must match `parserc.go` of go-yaml v3: which event takes the
//! comments up to its token, which of them belong to the document, and which are the head of a list inside a list. It is separate
//! from the parser of values ([`super::super::parser`]), which supports no comments and drops styles.

use super::scanner::{Kind as T, Scanner};
use super::style::Style;
use crate::yaml::fault::{Fault, Origin, Step};

/// The comments around a node.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Comments {
    pub head: Vec<u8>,
    pub line: Vec<u8>,
    pub foot: Vec<u8>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum What {
    DocumentStart,
    DocumentEnd,
    StreamEnd,
    Alias,
    Scalar,
    SequenceStart,
    SequenceEnd,
    MappingStart,
    MappingEnd,
}

#[derive(Debug)]
pub(super) struct Event {
    pub what: What,
    pub anchor: Option<Vec<u8>>,
    /// Its full form; empty when there is none.
    pub tag: Vec<u8>,
    /// The text of a scalar, or the name of an alias.
    pub value: Vec<u8>,
    pub style: Style,
    pub comments: Comments,
}

impl Event {
    pub(super) fn new(what: What) -> Event {
        Event { what, anchor: None, tag: Vec::new(), value: Vec::new(), style: Style::PLAIN, comments: Comments::default() }
    }
}

/// The next expected part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    StreamStart,
    ImplicitDocumentStart,
    DocumentStart,
    DocumentContent,
    DocumentEnd,
    BlockNode,
    BlockSequence { first: bool },
    IndentlessSequence,
    BlockMappingKey { first: bool },
    BlockMappingValue,
    FlowSequence { first: bool },
    FlowPairKey,
    FlowPairValue,
    FlowPairEnd,
    FlowMappingKey { first: bool },
    FlowMappingValue,
    FlowMappingEmptyValue,
    End,
}

pub(super) struct Parser<'a> {
    pub(super) scanner: Scanner<'a>,
    pub(super) state: State,
    pub(super) states: Vec<State>,
    /// Lines where the open collections began.
    pub(super) starts: Vec<usize>,
    tag_directives: Vec<(Vec<u8>, Vec<u8>)>,
    /// Comments that no event has taken yet.
    pub(super) pending: Comments,
    /// The head of a collection inside a list, kept until the collection begins.
    pub(super) stem: Option<Vec<u8>>,
    comments_taken: usize,
    /// A fault found while looking ahead; go-yaml finds it only after the current event.
    pub(super) met: Option<Box<Fault>>,
}

impl<'a> Parser<'a> {
    pub(super) fn new(scanner: Scanner<'a>) -> Parser<'a> {
        Parser {
            scanner,
            state: State::StreamStart,
            states: Vec::new(),
            starts: Vec::new(),
            tag_directives: Vec::new(),
            pending: Comments::default(),
            stem: None,
            comments_taken: 0,
            met: None,
        }
    }

    pub(super) fn next(&mut self) -> Step<Event> {
        let event = self.step()?;
        self.met.take().map_or(Ok(event), Err)
    }

    fn step(&mut self) -> Step<Event> {
        match self.state {
            State::StreamStart => {
                self.peek()?;
                self.scanner.skip();
                self.state = State::ImplicitDocumentStart;
                self.document_start(true)
            }
            State::ImplicitDocumentStart => self.document_start(true),
            State::DocumentStart => self.document_start(false),
            State::DocumentContent => self.document_content(),
            State::DocumentEnd => self.document_end(),
            State::BlockNode => self.node(true, false),
            State::BlockSequence { first } => self.block_sequence_entry(first),
            State::IndentlessSequence => self.indentless_sequence_entry(),
            State::BlockMappingKey { first } => self.block_mapping_key(first),
            State::BlockMappingValue => self.block_mapping_value(),
            State::FlowSequence { first } => self.flow_sequence_entry(first),
            State::FlowPairKey => self.flow_pair_key(),
            State::FlowPairValue => self.flow_pair_value(),
            State::FlowPairEnd => {
                self.peek()?;
                self.state = State::FlowSequence { first: false };
                Ok(Event::new(What::MappingEnd))
            }
            State::FlowMappingKey { first } => self.flow_mapping_key(first),
            State::FlowMappingValue => self.flow_mapping_value(false),
            State::FlowMappingEmptyValue => self.flow_mapping_value(true),
            State::End => Ok(Event::new(What::StreamEnd)),
        }
    }

    /// The kind and line of the next token. Comments before it become pending.
    pub(super) fn peek(&mut self) -> Step<(T, usize)> {
        let token = self.scanner.peek()?;
        let (kind, start) = (token.kind, token.start);
        while let Some(comment) = self.scanner.comments.get_mut(self.comments_taken) {
            if start.index < comment.token_mark.index || !comment.head.is_empty() && kind == T::BlockEnd {
                break;
            }
            let taken = std::mem::take(comment);
            join(&mut self.pending.head, &taken.head);
            join(&mut self.pending.foot, &taken.foot);
            join(&mut self.pending.line, &taken.line);
            self.comments_taken += 1;
        }
        Ok((kind, usize::try_from(start.line).unwrap_or(0)))
    }

    fn take_comments(&mut self) -> Comments {
        self.stem = None;
        std::mem::take(&mut self.pending)
    }

    pub(super) fn with_comments(&mut self, mut event: Event) -> Event {
        event.comments = self.take_comments();
        event
    }

    pub(super) fn fault(problem: &'static str, line: usize, context_line: usize) -> Box<Fault> {
        Box::new(Fault { origin: Origin::Parser, problem: problem.into(), line, context_line, column: None, place: None })
    }

    pub(super) fn pop_state(&mut self) {
        self.state = self.states.pop().unwrap_or(State::End);
    }

    pub(super) fn open(&mut self) -> Step<()> {
        let (_, line) = self.peek()?;
        self.starts.push(line);
        self.scanner.skip();
        Ok(())
    }

    pub(super) fn close(&mut self, what: What) -> Event {
        self.pop_state();
        self.starts.pop();
        self.scanner.skip();
        Event::new(what)
    }

    pub(super) fn empty_scalar(&mut self, next: State) -> Step<Event> {
        self.state = next;
        Ok(Event::new(What::Scalar))
    }

    fn document_start(&mut self, implicit: bool) -> Step<Event> {
        let (mut kind, _) = self.peek()?;
        while !implicit && kind == T::DocumentEnd {
            self.scanner.skip();
            (kind, _) = self.peek()?;
        }
        let explicit = matches!(kind, T::VersionDirective | T::TagDirective | T::DocumentStart | T::StreamEnd);
        let mut event = Event::new(What::DocumentStart);
        if implicit && !explicit {
            self.process_directives()?;
            self.states.push(State::DocumentEnd);
            self.state = State::BlockNode;
            event.comments.head = self.split_document_head();
        } else if kind == T::StreamEnd {
            self.state = State::End;
            self.scanner.skip();
            event.what = What::StreamEnd;
        } else {
            self.process_directives()?;
            let (kind, line) = self.peek()?;
            if kind != T::DocumentStart {
                return Err(Self::fault("did not find expected <document start>", line, 0));
            }
            self.states.push(State::DocumentEnd);
            self.state = State::DocumentContent;
            self.scanner.skip();
        }
        Ok(event)
    }

    /// Takes the pending head up to its last blank line as the document's own.
    fn split_document_head(&mut self) -> Vec<u8> {
        let head = &mut self.pending.head;
        for at in (1..head.len()).rev() {
            if head.get(at) != Some(&b'\n') {
                continue;
            }
            let end = if at + 1 == head.len() {
                at
            } else if head.get(at - 1) == Some(&b'\n') {
                at - 1
            } else {
                continue;
            };
            let rest = head.split_off(at + 1);
            let mut document = std::mem::replace(head, rest);
            document.truncate(end);
            return document;
        }
        Vec::new()
    }

    fn document_content(&mut self) -> Step<Event> {
        let (kind, _) = self.peek()?;
        match kind {
            T::VersionDirective | T::TagDirective | T::DocumentStart | T::DocumentEnd | T::StreamEnd => {
                self.pop_state();
                Ok(Event::new(What::Scalar))
            }
            _ => self.node(true, false),
        }
    }

    fn document_end(&mut self) -> Step<Event> {
        let (kind, _) = self.peek()?;
        if kind == T::DocumentEnd {
            self.scanner.skip();
        }
        self.tag_directives.clear();
        self.state = State::DocumentStart;
        let mut event = self.with_comments(Event::new(What::DocumentEnd));
        if !event.comments.head.is_empty() && event.comments.foot.is_empty() {
            event.comments.foot = std::mem::take(&mut event.comments.head);
        }
        Ok(event)
    }

    /// A node with its anchor and tag; `block` allows block collections, `indentless` a list at the indentation of its key.
    pub(super) fn node(&mut self, block: bool, indentless: bool) -> Step<Event> {
        let (mut kind, start_line) = self.peek()?;
        if kind == T::Alias {
            self.pop_state();
            let mut event = Event::new(What::Alias);
            event.value = std::mem::take(&mut self.scanner.peek()?.value);
            event.comments = self.take_comments();
            self.scanner.skip();
            return Ok(event);
        }
        let (anchor, tag) = self.properties(start_line)?;
        let line;
        (kind, line) = self.peek()?;
        let mut event = Event { anchor, tag, ..Event::new(What::Scalar) };
        match kind {
            T::BlockEntry if indentless => {
                self.state = State::IndentlessSequence;
                event.what = What::SequenceStart;
                Ok(event)
            }
            T::Scalar => {
                self.pop_state();
                let token = self.scanner.peek()?;
                event.value = std::mem::take(&mut token.value);
                event.style = token.style;
                event.comments = self.take_comments();
                self.scanner.skip();
                Ok(event)
            }
            T::FlowSequenceStart | T::FlowMappingStart => {
                let sequence = kind == T::FlowSequenceStart;
                self.state = if sequence { State::FlowSequence { first: true } } else { State::FlowMappingKey { first: true } };
                event.what = if sequence { What::SequenceStart } else { What::MappingStart };
                event.style = Style::FLOW;
                Ok(self.with_comments(event))
            }
            T::BlockSequenceStart | T::BlockMappingStart if block => {
                let sequence = kind == T::BlockSequenceStart;
                self.state = if sequence { State::BlockSequence { first: true } } else { State::BlockMappingKey { first: true } };
                event.what = if sequence { What::SequenceStart } else { What::MappingStart };
                event.comments.head = self.stem.take().unwrap_or_default();
                Ok(event)
            }
            _ if event.anchor.is_some() || !event.tag.is_empty() => {
                self.pop_state();
                Ok(event)
            }
            _ => Err(Self::fault("did not find expected node content", line, start_line)),
        }
    }

    /// An anchor and a tag, in either order, each at most once.
    fn properties(&mut self, start_line: usize) -> Step<(Option<Vec<u8>>, Vec<u8>)> {
        let mut anchor = None;
        let mut tag = None;
        for _ in 0..2 {
            let (kind, line) = self.peek()?;
            if kind == T::Anchor && anchor.is_none() {
                anchor = Some(std::mem::take(&mut self.scanner.peek()?.value));
            } else if kind == T::Tag && tag.is_none() {
                let token = self.scanner.peek()?;
                tag = Some((std::mem::take(&mut token.value), std::mem::take(&mut token.suffix), line));
            } else {
                break;
            }
            self.scanner.skip();
        }
        // go-yaml scans the next token before it checks the handle.
        self.peek()?;
        let Some((handle, suffix, line)) = tag else { return Ok((anchor, Vec::new())) };
        if handle.is_empty() {
            return Ok((anchor, suffix));
        }
        let found = self.tag_directives.iter().find(|directive| directive.0 == handle);
        let full = found.map(|(_, prefix)| [prefix.as_slice(), &suffix].concat()).unwrap_or_default();
        if full.is_empty() {
            return Err(Self::fault("found undefined tag handle", line, start_line));
        }
        Ok((anchor, full))
    }

    fn process_directives(&mut self) -> Step<()> {
        let mut version_seen = false;
        loop {
            let (kind, line) = self.peek()?;
            if !matches!(kind, T::VersionDirective | T::TagDirective) {
                break;
            }
            let token = self.scanner.peek()?;
            let value = std::mem::take(&mut token.value);
            let prefix = std::mem::take(&mut token.suffix);
            if kind == T::VersionDirective {
                if version_seen {
                    return Err(Self::fault("found duplicate %YAML directive", line, 0));
                }
                version_seen = true;
                if value != [1, 1] {
                    return Err(Self::fault("found incompatible YAML document", line, 0));
                }
            } else {
                if self.tag_directives.iter().any(|directive| directive.0 == value) {
                    return Err(Self::fault("found duplicate %TAG directive", line, 0));
                }
                self.tag_directives.push((value, prefix));
            }
            self.scanner.skip();
        }
        for (handle, prefix) in [("!", "!"), ("!!", "tag:yaml.org,2002:")] {
            if !self.tag_directives.iter().any(|directive| directive.0 == handle.as_bytes()) {
                self.tag_directives.push((handle.into(), prefix.into()));
            }
        }
        Ok(())
    }
}

/// Appends a comment on its own line.
fn join(text: &mut Vec<u8>, more: &[u8]) {
    if more.is_empty() {
        return;
    }
    if !text.is_empty() {
        text.push(b'\n');
    }
    text.extend_from_slice(more);
}
