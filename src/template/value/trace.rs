//! What an execution reads and changes beyond its arguments, so that its result may be used again.
//!
//! Goes in: the events of maps and lists of this thread. Comes out: the marks by which [`super::super::eval`] tells that a
//! rendered `include` depended on nothing but its argument and changed nothing that was there before. Values live on one
//! thread, and so do these marks. Not in Go, which renders the same include again each time.

use std::cell::Cell;

/// The birth of what belongs to the contexts of the charts; everything that templates make is younger.
pub(super) const CONTEXT: u32 = 0;

thread_local! {
    /// Grows with every execution that is watched; a map is as old as the generation it was made in.
    static GENERATION: Cell<u32> = const { Cell::new(CONTEXT + 1) };
    /// The birth of the oldest map or list changed since the innermost watched execution began.
    static OLDEST_CHANGED: Cell<u32> = const { Cell::new(u32::MAX) };
    /// How often something of the contexts was changed.
    static CONTEXT_CHANGES: Cell<u32> = const { Cell::new(0) };
    /// Where the root context of the file that is being rendered lies.
    static ROOT: Cell<usize> = const { Cell::new(0) };
    /// How often something was read that differs from file to file: `.Template`.
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

/// How often something of the contexts was changed: as long as this stays, a map of a context is what it was.
pub(crate) fn context_changes() -> u32 {
    CONTEXT_CHANGES.get()
}

/// Notes a read of what differs from file to file.
pub(crate) fn read_of_file() {
    FILE_READS.set(FILE_READS.get().wrapping_add(1));
}

/// A file is rendered from now on in the root context that lies here.
pub(super) fn begin_file(root: usize) {
    ROOT.set(root);
}

/// Notes a read of the `.Template` of a root context. That of another chart names the file of it that was rendered last: whoever
/// reads it depends on the order of the files, just as if somebody had changed a value.
pub(super) fn read_of_root(root: usize) {
    read_of_file();
    if root != ROOT.get() {
        changed(CONTEXT);
    }
}

pub(super) fn generation() -> u32 {
    GENERATION.get()
}

/// Notes a change of a map or list of this birth.
pub(super) fn changed(birth: u32) {
    OLDEST_CHANGED.set(OLDEST_CHANGED.get().min(birth));
    if birth == CONTEXT {
        CONTEXT_CHANGES.set(CONTEXT_CHANGES.get().wrapping_add(1));
    }
}

/// An execution under watch.
pub(crate) struct Watch {
    generation: u32,
    outer_oldest: u32,
    file_reads: u32,
}

/// What a watched execution did.
pub(crate) struct Watched {
    /// Whether it left everything as it was that was there before it.
    pub(crate) is_clean: bool,
    /// Whether it read what differs from file to file.
    pub(crate) read_file: bool,
}

/// Begins to watch; every watch must be ended, the last one first.
pub(crate) fn watch() -> Watch {
    // At the last generation everything counts as old, and nothing is taken for clean.
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
