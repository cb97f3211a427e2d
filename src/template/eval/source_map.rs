//! Maps each part of a rendered text to the template piece that wrote it.
//!
//! Goes in: the nodes that write, as they are walked. Comes out: for an offset in the text, the file and the place in it. It is
//! built only for a file that is rendered again to explain it, since it costs time. Helm has nothing like it.

use super::{Evaluator, Frame};
use crate::template::ast::{Node, Source};
use std::ops::Range;
use std::sync::Arc;

/// The pieces of one text, in the order in which they wrote it.
pub(crate) struct SourceMap {
    /// The address of the text's buffer: text in other buffers is not part of it yet.
    buffer: usize,
    pieces: Vec<Piece>,
    /// The texts of templates that actions included and worked on before they wrote something.
    included: Vec<Included>,
}

/// The text that an `include` within an action gave.
pub(crate) struct Included {
    /// The index of the action's piece.
    piece: usize,
    pub(crate) text: Vec<u8>,
    pub(crate) map: SourceMap,
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
        SourceMap { buffer: address(buffer), pieces: Vec::new(), included: Vec::new() }
    }

    /// The pieces in the order of their output.
    pub(crate) fn pieces(&self) -> &[Piece] {
        &self.pieces
    }

    /// The index of the piece that wrote the byte at this offset.
    pub(crate) fn index_at(&self, offset: usize) -> Option<usize> {
        self.pieces.partition_point(|piece| piece.start <= offset).checked_sub(1)
    }

    /// The last piece of `file` up to the one of this index: the same one, or the call that led there.
    pub(crate) fn call_in(&self, file: &str, index: usize) -> Option<&Piece> {
        self.pieces.get(..=index)?.iter().rfind(|piece| *piece.file == *file)
    }

    /// The range of a piece's output in a text of this length.
    pub(crate) fn range(&self, index: usize, length: usize) -> Range<usize> {
        let end = self.pieces.get(index + 1).map_or(length, |next| next.start);
        self.pieces.get(index).map_or(end, |piece| piece.start)..end
    }

    /// The texts that the action of this index included.
    pub(crate) fn included_by(&self, index: usize) -> impl Iterator<Item = &Included> {
        self.included.iter().filter(move |included| included.piece == index)
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

    /// Maps an `include` that writes to a buffer of its own; returns the map of the text around it, for
    /// [`Evaluator::end_inner_map`].
    pub(super) fn begin_inner_map(&mut self, buffer: &Vec<u8>) -> Option<SourceMap> {
        self.source_map.as_mut().map(|map| std::mem::replace(map, SourceMap::new(buffer)))
    }

    /// Keeps what the `include` wrote, as a part of the map of the text around it.
    pub(super) fn end_inner_map(&mut self, outer: Option<SourceMap>, buffer: &[u8]) {
        let Some(mut outer) = outer else { return };
        if let Some(map) = self.source_map.take() {
            outer.included.push(Included { piece: outer.pieces.len().saturating_sub(1), text: buffer.to_vec(), map });
        }
        self.source_map = Some(outer);
    }
}
