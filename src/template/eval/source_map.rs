//! Which piece of which template wrote which part of a text.
//!
//! Goes in: the nodes that write, as they are walked. Comes out: for an offset in the text the file and the place in it. Made only
//! for a file that is rendered once more to explain it, since all others are better off without. Helm has nothing of the kind.

use super::{Evaluator, Frame};
use crate::template::ast::{Node, Source};
use std::sync::Arc;

/// The pieces of one text, in the order of what they wrote.
pub(crate) struct SourceMap {
    /// The address of the buffer that the text is written to: what is written elsewhere is no part of the text yet.
    buffer: usize,
    pieces: Vec<Piece>,
}

/// What one node wrote.
pub(crate) struct Piece {
    /// Where in the text it begins.
    start: usize,
    pub(crate) file: Arc<str>,
    pub(crate) source: Arc<Source>,
    /// Where in the source the node begins.
    position: usize,
    /// It went into the text as it stands in the source.
    pub(crate) is_text: bool,
}

impl Piece {
    /// Where in the source this offset of the text comes from: within a text exactly, else where the action begins.
    pub(crate) fn position_of(&self, offset: usize) -> usize {
        if self.is_text { self.position + offset.saturating_sub(self.start) } else { self.position }
    }
}

impl SourceMap {
    /// Of a text that will be written to this buffer.
    pub(crate) fn new(buffer: &Vec<u8>) -> SourceMap {
        SourceMap { buffer: address(buffer), pieces: Vec::new() }
    }

    /// What wrote the byte at this offset, and what of `file` led there: the same, or the call of what did.
    pub(crate) fn find(&self, offset: usize, file: &str) -> Option<(&Piece, &Piece)> {
        let until = self.pieces.partition_point(|piece| piece.start <= offset);
        let before = self.pieces.get(..until)?;
        Some((before.last()?, before.iter().rfind(|piece| *piece.file == *file)?))
    }
}

fn address(buffer: &Vec<u8>) -> usize {
    std::ptr::from_ref(buffer).addr()
}

impl Evaluator<'_> {
    /// Notes who writes next, if it is noted at all.
    #[cold]
    pub(super) fn note_piece(&mut self, frame: &Frame<'_>, node: &Node, out: &Vec<u8>) {
        let source = &frame.template.tree.source;
        let (position, is_text) = match node {
            Node::Text { start, .. } | Node::Quoted { start, .. } => (*start, true),
            Node::Action(pipe) => (pipe.position, false),
            Node::Template(call) => (source.call(*call).position, false),
            // They write by the nodes within them alone.
            Node::If(_) | Node::With(_) | Node::Range(_) | Node::Break | Node::Continue => return,
        };
        let piece =
            Piece { start: out.len(), file: frame.template.file.clone(), source: source.clone(), position: position as usize, is_text };
        if let Some(map) = self.source_map.as_mut().filter(|map| map.buffer == address(out)) {
            map.pieces.push(piece);
        }
    }
}
