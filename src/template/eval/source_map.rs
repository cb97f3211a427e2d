//! Maps each part of a rendered text to the template piece that wrote it.
//!
//! Goes in: the nodes that write, as they are walked. Comes out: for an offset in the text, the file and the place in it. It is
//! built only for a file that is rendered again to explain it, since it costs time. Helm has nothing like it.

use super::{Evaluator, Frame};
use crate::template::ast::{Node, Source};
use std::sync::Arc;

/// The pieces of one text, in the order in which they wrote it.
pub(crate) struct SourceMap {
    /// The address of the text's buffer: text in other buffers is not part of it yet.
    buffer: usize,
    pieces: Vec<Piece>,
}

/// The output of one node.
pub(crate) struct Piece {
    /// The offset where its output begins.
    start: usize,
    pub(crate) file: Arc<str>,
    pub(crate) source: Arc<Source>,
    /// The offset of the node in the source.
    position: usize,
    /// Whether the source was copied to the text unchanged.
    pub(crate) is_text: bool,
}

impl Piece {
    /// The offset in the source for this offset of the text: exact within a text, else the start of the action.
    pub(crate) fn position_of(&self, offset: usize) -> usize {
        if self.is_text { self.position + offset.saturating_sub(self.start) } else { self.position }
    }
}

impl SourceMap {
    /// A map for a text that will be written to this buffer.
    pub(crate) fn new(buffer: &Vec<u8>) -> SourceMap {
        SourceMap { buffer: address(buffer), pieces: Vec::new() }
    }

    /// The piece that wrote the byte at this offset, and the piece of `file` that led there: the same one, or its call.
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
    /// Records the node that writes next, if a map is being built for the buffer.
    #[cold]
    pub(super) fn note_piece(&mut self, frame: &Frame<'_>, node: &Node, out: &Vec<u8>) {
        let source = &frame.template.tree.source;
        let (position, is_text) = match node {
            Node::Text { start, .. } | Node::Quoted { start, .. } => (*start, true),
            Node::Action(pipe) => (pipe.position, false),
            Node::Template(call) => (source.call(*call).position, false),
            // Only the nodes within them write.
            Node::If(_) | Node::With(_) | Node::Range(_) | Node::Break | Node::Continue => return,
        };
        let piece =
            Piece { start: out.len(), file: frame.template.file.clone(), source: source.clone(), position: position as usize, is_text };
        if let Some(map) = self.source_map.as_mut().filter(|map| map.buffer == address(out)) {
            map.pieces.push(piece);
        }
    }
}
