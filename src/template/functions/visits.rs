//! Limits how many nodes one walk over a value may visit.
//!
//! Goes in: nothing. Comes out: a counter that ends in a fault. A list that contains another twice, which contains another twice,
//! is small in memory and endless once unfolded. So everything that unfolds values (encoders, printers, copies, comparisons,
//! merges) counts nodes, which are also steps of the render, and what copies its texts counts those. Helm has no such limit: it runs
//! until memory or patience runs out.

use super::Fault;
use crate::template::format::SIZE_LIMIT;
use crate::template::work;

/// Far more than a manifest can hold, yet quickly reached.
const LIMIT: u32 = 5_000_000;

/// The counter of a walk.
#[derive(Debug, Default)]
pub(crate) struct Visits {
    nodes: u32,
    text: usize,
}

impl Visits {
    /// Counts one node that is not part of a shared tree.
    pub(crate) fn count(&mut self) -> Result<(), Fault> {
        self.nodes += 1;
        if self.nodes > LIMIT {
            return Err(Fault::limit(format!("value unfolds to more than {LIMIT} nodes")));
        }
        work::charge(1)
    }

    /// Counts the bytes of a text that is copied.
    pub(crate) fn count_text(&mut self, bytes: usize) -> Result<(), Fault> {
        self.text = self.text.saturating_add(bytes);
        if self.text > SIZE_LIMIT {
            return Err(Fault::limit(format!("value unfolds to more than {SIZE_LIMIT} bytes of text")));
        }
        Ok(())
    }
}
