//! How many nodes one walk over a value may see.
//!
//! Goes in: nothing. Comes out: a counter that ends in a fault. A list that holds another twice, which holds another twice, is
//! small in memory and endless once unfolded, so whatever unfolds values (encoders, printers, copies, comparisons, merges)
//! counts as it goes. Helm has no such limit: it runs until memory or patience end.

use super::Fault;

/// Far more than a manifest can hold, soon counted.
const LIMIT: u32 = 1_000_000;

/// A walk's counter.
#[derive(Debug, Default)]
pub(crate) struct Visits(u32);

impl Visits {
    /// Counts one node that is not part of a shared tree.
    pub(crate) fn count(&mut self) -> Result<(), Fault> {
        self.0 += 1;
        if self.0 > LIMIT {
            return Err(Fault::limit(format!("value unfolds to more than {LIMIT} nodes")));
        }
        Ok(())
    }
}
