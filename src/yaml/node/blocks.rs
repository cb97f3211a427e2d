//! Events of block collections.
//!
//! Goes in: a parser within a list or mapping that is marked by indentation. Comes out: the next event. Must match `parserc.go` of
//! go-yaml v3, above all in which comment belongs to an entry of a list and which to the collection that begins in it.

use super::parser::{Event, Parser, State, What};
use super::scanner::Kind as T;
use crate::yaml::fault::Step;

impl Parser<'_> {
    pub(super) fn block_sequence_entry(&mut self, first: bool) -> Step<Event> {
        if first {
            self.open()?;
        }
        let (kind, line) = self.peek()?;
        match kind {
            T::BlockEntry => {
                self.take_entry();
                let (next, _) = self.peek()?;
                let state = State::BlockSequence { first: false };
                if matches!(next, T::BlockEntry | T::BlockEnd) {
                    return self.empty_scalar(state);
                }
                self.states.push(state);
                self.node(true, false)
            }
            T::BlockEnd => Ok(self.close(What::SequenceEnd)),
            _ => {
                let context = self.starts.pop().unwrap_or(0);
                Err(Self::fault("did not find expected '-' indicator", line, context))
            }
        }
    }

    pub(super) fn indentless_sequence_entry(&mut self) -> Step<Event> {
        let (kind, _) = self.peek()?;
        if kind == T::BlockEntry {
            self.take_entry();
            let (next, _) = self.peek()?;
            if matches!(next, T::BlockEntry | T::Key | T::Value | T::BlockEnd) {
                return self.empty_scalar(State::IndentlessSequence);
            }
            self.states.push(State::IndentlessSequence);
            return self.node(true, false);
        }
        self.pop_state();
        Ok(Event::new(What::SequenceEnd))
    }

    /// Takes the `-` of an entry. When a collection follows, the comment above the `-` is kept for the collection itself, and only
    /// the comment behind the `-` is the head of its first node.
    fn take_entry(&mut self) {
        let length = self.pending.head.len();
        self.scanner.skip();
        if length == 0 {
            return;
        }
        match self.peek() {
            Ok((T::BlockSequenceStart | T::BlockMappingStart, _)) => {}
            Ok(_) => return,
            Err(fault) => {
                self.met = Some(fault);
                return;
            }
        }
        let mut stem = std::mem::take(&mut self.pending.head);
        if stem.len() > length {
            self.pending.head = stem.split_off(length + 1);
            stem.truncate(length);
        }
        self.stem = Some(stem);
    }

    pub(super) fn block_mapping_key(&mut self, first: bool) -> Step<Event> {
        if first {
            self.open()?;
        }
        let (kind, line) = self.peek()?;
        match kind {
            T::Key => {
                self.scanner.skip();
                let (next, _) = self.peek()?;
                if matches!(next, T::Key | T::Value | T::BlockEnd) {
                    return self.empty_scalar(State::BlockMappingValue);
                }
                self.states.push(State::BlockMappingValue);
                self.node(true, true)
            }
            T::BlockEnd => {
                let event = self.close(What::MappingEnd);
                Ok(self.with_comments(event))
            }
            _ => {
                let context = self.starts.pop().unwrap_or(0);
                Err(Self::fault("did not find expected key", line, context))
            }
        }
    }

    pub(super) fn block_mapping_value(&mut self) -> Step<Event> {
        let (kind, _) = self.peek()?;
        let state = State::BlockMappingKey { first: false };
        if kind == T::Value {
            self.scanner.skip();
            let (next, _) = self.peek()?;
            if !matches!(next, T::Key | T::Value | T::BlockEnd) {
                self.states.push(state);
                return self.node(true, true);
            }
        }
        self.empty_scalar(state)
    }
}
