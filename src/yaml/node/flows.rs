//! Events of flow collections.
//!
//! Goes in: a parser within brackets or braces. Comes out: the next event. Must match `parserc.go` of go-yaml v3, including its
//! oddities with pairs in lists.

use super::parser::{Event, Parser, State, What};
use super::scanner::Kind as T;
use super::style::Style;
use crate::yaml::fault::Step;

impl Parser<'_> {
    /// Takes the `,` before an entry of a flow collection and returns the kind of the next token.
    fn flow_separator(&mut self, end: T, first: bool, problem: &'static str) -> Step<T> {
        if first {
            self.open()?;
        }
        let (kind, line) = self.peek()?;
        if kind == end || first {
            return Ok(kind);
        }
        if kind != T::FlowEntry {
            let context = self.starts.pop().unwrap_or(0);
            return Err(Self::fault(problem, line, context));
        }
        self.scanner.skip();
        Ok(self.peek()?.0)
    }

    pub(super) fn flow_sequence_entry(&mut self, first: bool) -> Step<Event> {
        match self.flow_separator(T::FlowSequenceEnd, first, "did not find expected ',' or ']'")? {
            T::Key => {
                self.state = State::FlowPairKey;
                self.scanner.skip();
                Ok(Event { style: Style::FLOW, ..Event::new(What::MappingStart) })
            }
            T::FlowSequenceEnd => {
                let event = self.close(What::SequenceEnd);
                Ok(self.with_comments(event))
            }
            _ => {
                self.states.push(State::FlowSequence { first: false });
                self.node(false, false)
            }
        }
    }

    pub(super) fn flow_pair_key(&mut self) -> Step<Event> {
        let (kind, _) = self.peek()?;
        if !matches!(kind, T::Value | T::FlowEntry | T::FlowSequenceEnd) {
            self.states.push(State::FlowPairValue);
            return self.node(false, false);
        }
        // go-yaml drops the token here, so `[? ]` and `[: x]` are faults.
        self.scanner.skip();
        self.empty_scalar(State::FlowPairValue)
    }

    pub(super) fn flow_pair_value(&mut self) -> Step<Event> {
        let (kind, _) = self.peek()?;
        if kind == T::Value {
            self.scanner.skip();
            let (next, _) = self.peek()?;
            if !matches!(next, T::FlowEntry | T::FlowSequenceEnd) {
                self.states.push(State::FlowPairEnd);
                return self.node(false, false);
            }
        }
        self.empty_scalar(State::FlowPairEnd)
    }

    pub(super) fn flow_mapping_key(&mut self, first: bool) -> Step<Event> {
        match self.flow_separator(T::FlowMappingEnd, first, "did not find expected ',' or '}'")? {
            T::Key => {
                self.scanner.skip();
                let (next, _) = self.peek()?;
                if matches!(next, T::Value | T::FlowEntry | T::FlowMappingEnd) {
                    return self.empty_scalar(State::FlowMappingValue);
                }
                self.states.push(State::FlowMappingValue);
                self.node(false, false)
            }
            T::FlowMappingEnd => {
                let event = self.close(What::MappingEnd);
                Ok(self.with_comments(event))
            }
            _ => {
                self.states.push(State::FlowMappingEmptyValue);
                self.node(false, false)
            }
        }
    }

    pub(super) fn flow_mapping_value(&mut self, empty: bool) -> Step<Event> {
        let (kind, _) = self.peek()?;
        let state = State::FlowMappingKey { first: false };
        if !empty && kind == T::Value {
            self.scanner.skip();
            let (next, _) = self.peek()?;
            if !matches!(next, T::FlowEntry | T::FlowMappingEnd) {
                self.states.push(state);
                return self.node(false, false);
            }
        }
        self.empty_scalar(state)
    }
}
