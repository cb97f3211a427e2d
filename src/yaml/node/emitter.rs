//! Writes events as text.
//!
//! Goes in: the events of one document after the other. Comes out: one stream, documents separated by `---`. Must match
//! `emitterc.go` of go-yaml v3 with kyaml's settings: indentation by two, lists at the indentation of their keys, lines of any
//! length. It is separate from the writer of values ([`super::super::emit`]), which supports no comments, tags or anchors.

use super::events::Event;
use super::parser::What;
use super::scalar_text::Analysis;
use super::style::Style;

/// The next expected part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    DocumentStart,
    DocumentContent,
    DocumentEnd,
    FlowSequence { first: bool, trail: bool },
    FlowMappingKey { first: bool, trail: bool },
    FlowMappingValue { simple: bool },
    BlockSequence { first: bool },
    BlockMappingKey { first: bool },
    BlockMappingValue { simple: bool },
}

/// The indentation of each level.
const INDENT: isize = 2;
/// The longest key without `?`.
const SIMPLE_KEY: usize = 128;

pub(super) struct Emitter {
    /// Whether lists are at the indentation of their keys.
    pub(super) compact_lists: bool,
    pub(super) out: String,
    pub(super) column: isize,
    /// Whether the last character was white space.
    pub(super) whitespace: bool,
    /// Whether the line has only indentation and `-`, `?`, `:` so far.
    pub(super) indention: bool,
    pub(super) indent: isize,
    indents: Vec<isize>,
    state: State,
    states: Vec<State>,
    pub(super) flow_level: usize,
    first_document: bool,
    in_mapping: bool,
    pub(super) simple_key: bool,
    /// The indentation of the comment below a node that was just written; a blank line must follow there.
    pub(super) foot_indent: isize,
    pub(super) comments: Comments,
    key_line: String,
}

/// Comments that are not written yet.
#[derive(Default)]
pub(super) struct Comments {
    pub head: String,
    pub line: String,
    pub foot: String,
    pub tail: String,
}

impl Default for Emitter {
    fn default() -> Emitter {
        Emitter {
            compact_lists: true,
            out: String::new(),
            column: 0,
            whitespace: true,
            indention: true,
            indent: -1,
            indents: Vec::new(),
            state: State::DocumentStart,
            states: Vec::new(),
            flow_level: 0,
            first_document: true,
            in_mapping: false,
            simple_key: false,
            foot_indent: -1,
            comments: Comments::default(),
            key_line: String::new(),
        }
    }
}

/// An event and its analysis.
struct Current<'e> {
    event: &'e Event<'e>,
    /// Whether this begins an empty collection.
    empty: bool,
    handle: &'static str,
    suffix: &'e str,
    analysis: Analysis,
}

impl<'e> Current<'e> {
    fn new(event: &'e Event<'e>, next: Option<&Event<'_>>) -> Current<'e> {
        let ends = |what| next.is_some_and(|next| next.what == what);
        let empty = match event.what {
            What::SequenceStart => ends(What::SequenceEnd),
            What::MappingStart => ends(What::MappingEnd),
            _ => false,
        };
        let tag = event.tag.as_str();
        let (handle, suffix) = if let Some(suffix) = tag.strip_prefix('!') {
            ("!", suffix)
        } else if let Some(suffix) = tag.strip_prefix("tag:yaml.org,2002:") {
            ("!!", suffix)
        } else {
            ("", tag)
        };
        let analysis = if event.what == What::Scalar { Analysis::of(event.value) } else { Analysis::default() };
        Current { event, empty, handle, suffix, analysis }
    }

    /// Whether it can be a key without `?`.
    fn is_simple_key(&self) -> bool {
        let tag = self.event.anchor.len() + self.handle.len() + self.suffix.len();
        let length = match self.event.what {
            What::Alias => self.event.value.len(),
            What::Scalar if !self.analysis.multiline => tag + self.event.value.len(),
            What::SequenceStart | What::MappingStart if self.empty => tag,
            _ => return false,
        };
        length <= SIMPLE_KEY
    }
}

impl Emitter {
    pub(super) fn finish(self) -> String {
        self.out
    }

    /// Writes a document.
    pub(super) fn emit(&mut self, events: &[Event<'_>]) {
        for (at, event) in events.iter().enumerate() {
            self.step(&Current::new(event, events.get(at + 1)));
        }
    }

    fn step(&mut self, current: &Current<'_>) {
        let event = current.event;
        for (waiting, new) in [
            (&mut self.comments.head, event.head),
            (&mut self.comments.line, event.line),
            (&mut self.comments.foot, event.foot),
            (&mut self.comments.tail, event.tail),
        ] {
            if !new.is_empty() {
                new.clone_into(waiting);
            }
        }
        match self.state {
            State::DocumentStart => self.document_start(),
            State::DocumentContent => {
                self.states.push(State::DocumentEnd);
                self.write_head();
                self.node(current, false, false);
                self.write_line_comment();
                self.write_foot();
            }
            State::DocumentEnd => {
                self.foot_indent = 0;
                self.write_foot();
                self.foot_indent = -1;
                self.write_indent();
                self.state = State::DocumentStart;
            }
            State::FlowSequence { first, trail } => self.flow_sequence_item(current, first, trail),
            State::FlowMappingKey { first, trail } => self.flow_mapping_key(current, first, trail),
            State::FlowMappingValue { simple } => self.flow_mapping_value(current, simple),
            State::BlockSequence { first } => self.block_sequence_item(current, first),
            State::BlockMappingKey { first } => self.block_mapping_key(current, first),
            State::BlockMappingValue { simple } => self.block_mapping_value(current, simple),
        }
    }

    fn document_start(&mut self) {
        if !self.first_document {
            self.write_indent();
            self.write_indicator("---", true, false, false);
            self.write_indent();
        }
        self.first_document = false;
        if !self.comments.head.is_empty() {
            self.write_head();
            self.put_break();
        }
        self.state = State::DocumentContent;
    }

    fn push_indent(&mut self, flow: bool, compact: bool) {
        self.indents.push(self.indent);
        if self.indent < 0 {
            self.indent = if flow { INDENT } else { 0 };
        } else if self.states.last() == Some(&State::BlockSequence { first: false }) {
            self.indent += 2;
        } else {
            self.indent = INDENT * ((self.indent + INDENT) / INDENT);
            if compact {
                self.indent -= 2;
            }
        }
    }

    fn pop_indent(&mut self) {
        self.indent = self.indents.pop().unwrap_or(-1);
    }

    fn pop_state(&mut self) {
        self.state = self.states.pop().unwrap_or(State::DocumentEnd);
    }

    fn has_trailing_comment(&self) -> bool {
        !self.comments.line.is_empty() || !self.comments.foot.is_empty() || !self.comments.tail.is_empty()
    }

    fn flow_sequence_item(&mut self, current: &Current<'_>, first: bool, trail: bool) {
        if first {
            self.begin_flow("[");
        }
        if current.event.what == What::SequenceEnd {
            self.flow_level -= 1;
            self.pop_indent();
            if self.column == 0 {
                self.write_indent();
            }
            self.end_flow("]");
            return;
        }
        self.begin_flow_item(!first && !trail);
        self.states.push(State::FlowSequence { first: false, trail: self.has_trailing_comment() });
        self.node(current, false, false);
        self.finish_flow_item();
    }

    fn begin_flow(&mut self, bracket: &str) {
        self.write_indicator(bracket, true, true, false);
        self.push_indent(true, false);
        self.flow_level += 1;
    }

    fn end_flow(&mut self, bracket: &str) {
        self.write_indicator(bracket, false, false, false);
        self.write_line_comment();
        self.write_foot();
        self.pop_state();
    }

    fn begin_flow_item(&mut self, with_comma: bool) {
        if with_comma {
            self.write_indicator(",", false, false, false);
        }
        self.write_head();
        if self.column == 0 {
            self.write_indent();
        }
    }

    /// In flows, the `,` precedes the comment.
    fn finish_flow_item(&mut self) {
        if self.has_trailing_comment() {
            self.write_indicator(",", false, false, false);
        }
        self.write_line_comment();
        self.write_foot();
    }

    fn flow_mapping_key(&mut self, current: &Current<'_>, first: bool, trail: bool) {
        if first {
            self.begin_flow("{");
        }
        if current.event.what == What::MappingEnd {
            let comments = &self.comments;
            let commented = !comments.head.is_empty() || !comments.foot.is_empty() || !comments.tail.is_empty();
            if commented && !first && !trail {
                self.write_indicator(",", false, false, false);
            }
            self.write_head();
            self.flow_level -= 1;
            self.pop_indent();
            self.end_flow("}");
            return;
        }
        self.begin_flow_item(!first && !trail);
        let simple = current.is_simple_key();
        if !simple {
            self.write_indicator("?", true, false, false);
        }
        self.states.push(State::FlowMappingValue { simple });
        self.node(current, true, simple);
    }

    fn flow_mapping_value(&mut self, current: &Current<'_>, simple: bool) {
        self.write_indicator(":", !simple, false, false);
        self.states.push(State::FlowMappingKey { first: false, trail: self.has_trailing_comment() });
        self.node(current, true, false);
        self.finish_flow_item();
    }

    fn block_sequence_item(&mut self, current: &Current<'_>, first: bool) {
        if first {
            let compact = self.compact_lists && self.in_mapping && (self.column == 0 || !self.indention);
            self.push_indent(false, compact);
        }
        if current.event.what == What::SequenceEnd {
            self.pop_indent();
            self.pop_state();
            return;
        }
        self.write_head();
        self.write_indent();
        self.write_indicator("-", true, false, true);
        self.states.push(State::BlockSequence { first: false });
        self.node(current, false, false);
        self.write_line_comment();
        self.write_foot();
    }

    fn block_mapping_key(&mut self, current: &Current<'_>, first: bool) {
        if first {
            self.push_indent(false, false);
        }
        self.write_head();
        if current.event.what == What::MappingEnd {
            self.pop_indent();
            self.pop_state();
            return;
        }
        self.write_indent();
        if !self.comments.line.is_empty() {
            self.key_line = std::mem::take(&mut self.comments.line);
        }
        let simple = current.is_simple_key();
        if !simple {
            self.write_indicator("?", true, false, true);
        }
        self.states.push(State::BlockMappingValue { simple });
        self.node(current, true, simple);
    }

    fn block_mapping_value(&mut self, current: &Current<'_>, simple: bool) {
        if simple {
            self.write_indicator(":", false, false, false);
        } else {
            self.write_indent();
            self.write_indicator(":", true, false, true);
        }
        if !self.key_line.is_empty() {
            match current.event.what {
                What::Scalar if self.comments.line.is_empty() => self.comments.line = std::mem::take(&mut self.key_line),
                What::MappingStart | What::SequenceStart if !current.event.style.has(Style::FLOW) => {
                    std::mem::swap(&mut self.comments.line, &mut self.key_line);
                    self.write_line_comment();
                    std::mem::swap(&mut self.comments.line, &mut self.key_line);
                }
                _ => {}
            }
        }
        self.states.push(State::BlockMappingKey { first: false });
        self.node(current, true, false);
        self.write_line_comment();
        self.write_foot();
    }

    fn node(&mut self, current: &Current<'_>, mapping: bool, simple_key: bool) {
        self.in_mapping = mapping;
        self.simple_key = simple_key;
        let event = current.event;
        if event.what == What::Alias {
            self.write_indicator("*", true, false, false);
            self.write_name(event.value);
            self.pop_state();
            return;
        }
        if !event.anchor.is_empty() {
            self.write_indicator("&", true, false, false);
            self.write_name(event.anchor);
        }
        let flow = self.flow_level > 0 || event.style.has(Style::FLOW) || current.empty;
        match event.what {
            What::SequenceStart => {
                self.write_tag(current);
                self.state = if flow { State::FlowSequence { first: true, trail: false } } else { State::BlockSequence { first: true } };
            }
            What::MappingStart => {
                self.write_tag(current);
                self.state =
                    if flow { State::FlowMappingKey { first: true, trail: false } } else { State::BlockMappingKey { first: true } };
            }
            _ => {
                let style = self.choose_style(event.value, event.style, &current.analysis);
                self.write_tag(current);
                self.push_indent(true, false);
                self.write_scalar(event.value, style);
                self.pop_indent();
                self.pop_state();
            }
        }
    }

    fn write_name(&mut self, name: &str) {
        self.write_all(name);
        self.whitespace = false;
        self.indention = false;
    }

    fn write_tag(&mut self, current: &Current<'_>) {
        if current.handle.is_empty() && current.suffix.is_empty() {
            return;
        }
        if current.handle.is_empty() {
            self.write_indicator("!<", true, false, false);
            self.write_uri(current.suffix);
            self.write_indicator(">", false, false, false);
            return;
        }
        if !self.whitespace {
            self.put(' ');
        }
        self.write_name(current.handle);
        if !current.suffix.is_empty() {
            self.write_uri(current.suffix);
        }
    }

    fn write_uri(&mut self, uri: &str) {
        for character in uri.chars() {
            if character.is_ascii_alphanumeric() || "-;/?:@&=+$,_.~*'()[]".contains(character) {
                self.put(character);
            } else {
                for byte in character.encode_utf8(&mut [0; 4]).bytes() {
                    self.write_all(&format!("%{byte:02X}"));
                }
            }
        }
        self.whitespace = false;
        self.indention = false;
    }
}
