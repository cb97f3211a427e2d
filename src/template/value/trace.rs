//! Records what an execution reads and changes beyond its arguments, so that its result may be reused.
//!
//! Goes in: the events of maps and lists of this thread. Comes out: marks that tell [`super::super::eval`] whether a rendered
//! `include` depended only on its argument and changed nothing that existed before. Values stay on one thread, and so do these
//! marks. Go has nothing like it: it renders the same include again each time.

use std::cell::Cell;

/// The birth of everything in the contexts of the charts; everything that templates make is younger.
pub(super) const CONTEXT: u32 = 0;

thread_local! {
    /// Grows with every watched execution; the birth of a map is the generation in which it was made.
    static GENERATION: Cell<u32> = const { Cell::new(CONTEXT + 1) };
    /// The birth of the oldest map or list changed since the innermost watched execution began.
    static OLDEST_CHANGED: Cell<u32> = const { Cell::new(u32::MAX) };
    /// How often the contexts were changed.
    static CONTEXT_CHANGES: Cell<u32> = const { Cell::new(0) };
    /// The address of the root context of the current file.
    static ROOT: Cell<usize> = const { Cell::new(0) };
    /// How often data was read that differs between files: `.Template`.
    static FILE_READS: Cell<u32> = const { Cell::new(0) };
}

/// Maps made from now on belong to the contexts, until [`contexts_are_made`].
pub(crate) fn make_contexts() {
    GENERATION.set(CONTEXT);
    OLDEST_CHANGED.set(u32::MAX);
    CONTEXT_CHANGES.set(0);
}

/// Maps made from now on are the templates' own.
pub(crate) fn contexts_are_made() {
    GENERATION.set(CONTEXT + 1);
    CONTEXT_CHANGES.set(0);
}

/// How often the contexts were changed: while this stays the same, so do the maps of the contexts.
pub(crate) fn context_changes() -> u32 {
    CONTEXT_CHANGES.get()
}

/// Records a read of data that differs between files.
pub(crate) fn read_of_file() {
    FILE_READS.set(FILE_READS.get().wrapping_add(1));
}

/// Starts a file with the root context at this address.
pub(super) fn begin_file(root: usize) {
    ROOT.set(root);
}

/// Records a read of the `.Template` of a root context. The one of another chart names that chart's file rendered last: a reader
/// depends on the order of the files, just as if a value had changed.
pub(super) fn read_of_root(root: usize) {
    read_of_file();
    if root != ROOT.get() {
        changed(CONTEXT);
    }
}

pub(super) fn generation() -> u32 {
    GENERATION.get()
}

/// Records a change of a map or list with this birth.
pub(super) fn changed(birth: u32) {
    OLDEST_CHANGED.set(OLDEST_CHANGED.get().min(birth));
    if birth == CONTEXT {
        CONTEXT_CHANGES.set(CONTEXT_CHANGES.get().wrapping_add(1));
    }
}

/// A watched execution.
pub(crate) struct Watch {
    generation: u32,
    outer_oldest: u32,
    file_reads: u32,
}

/// The effects of a watched execution.
pub(crate) struct Watched {
    /// Whether it changed nothing that existed before.
    pub(crate) is_clean: bool,
    /// Whether it read data that differs between files.
    pub(crate) read_file: bool,
}

/// Starts a watch; watches must be ended in reverse order.
pub(crate) fn watch() -> Watch {
    // At the last generation, everything counts as old and nothing as clean.
    let generation = GENERATION.get().saturating_add(1);
    GENERATION.set(generation);
    Watch { generation, outer_oldest: OLDEST_CHANGED.replace(u32::MAX), file_reads: FILE_READS.get() }
}

impl Watch {
    /// Ends the watch.
    pub(crate) fn end(self) -> Watched {
        let oldest = OLDEST_CHANGED.get();
        OLDEST_CHANGED.set(oldest.min(self.outer_oldest));
        Watched { is_clean: oldest >= self.generation && self.generation != u32::MAX, read_file: FILE_READS.get() != self.file_reads }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Map, MapKind, Str, Value};
    use super::*;

    #[test]
    fn what_goes_into_a_context_is_part_of_it_however_deep() {
        make_contexts();
        let context = Map::new(MapKind::Any);
        contexts_are_made();
        let inner = Map::new(MapKind::Any);
        let mut value = Value::Map(inner.clone());
        for _ in 0..200_000 {
            value = Value::map([(Str::from("a"), Value::list(vec![value]))]);
        }
        inner.insert(Str::from("k"), Value::Nil);
        assert_eq!(context_changes(), 0);
        context.insert(Str::from("x"), value);
        assert_eq!(context_changes(), 1);
        inner.insert(Str::from("k"), Value::Bool(true));
        assert_eq!(context_changes(), 2);
    }

    #[test]
    fn only_what_is_older_than_the_watch_counts_as_changed() {
        let old = Map::new(MapKind::Any);
        let outer = watch();
        let young = Map::new(MapKind::Any);
        let inner = watch();
        young.insert(Str::from("k"), Value::Nil);
        assert!(!inner.end().is_clean);
        assert!(outer.end().is_clean);
        let again = watch();
        old.insert(Str::from("k"), Value::Nil);
        assert!(!again.end().is_clean);
    }
}
