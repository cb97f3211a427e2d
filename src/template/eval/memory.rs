//! Remembers the results of templates, so that nothing is rendered twice.
//!
//! Goes in: a template and its data before an execution, and the effects of the execution afterwards. Comes out: the text that the
//! same template made of the same data before. Charts include their name and label helpers with the same context hundreds of
//! times; Helm renders each anew. A result is kept only if it cannot be distinguished from a new execution: it used neither clock
//! nor random source, changed nothing that existed before, and nothing it may have read has changed since.

use super::set::Found;
use super::{Evaluation, Evaluator};
use crate::template::value::identity::Identity;
use crate::template::value::trace::{self, Watch};
use crate::template::value::{Str, Value};
use crate::template::work;
use std::collections::HashMap;

/// Longer texts are rendered anew.
const LONGEST_TEXT: usize = 256 << 10;

/// How many bytes are kept before everything is dropped.
const MOST_BYTES: usize = 16 << 20;

/// If a finished chart kept more than this, it is dropped: reusing memory is faster than allocating more.
const ROOM_BYTES: usize = 256 << 10;

/// The size of an entry besides its text and key.
const ENTRY_BYTES: usize = 128;

/// The remembered texts of one evaluator.
#[derive(Default)]
pub(super) struct Memory {
    entries: HashMap<Box<[u8]>, Remembered, ahash::RandomState>,
    bytes: usize,
    /// The state of the contexts for which the entries are valid.
    context: u32,
    /// Counts the files rendered.
    file: u32,
    identity: Identity,
}

struct Remembered {
    text: Str,
    /// Its amount of work, which counts again with each use: the limits hold for all results, whether remembered or not.
    work: u64,
    /// The file for which it is valid, if it read data that differs between files.
    file: Option<u32>,
    /// See [`Identity::weight`].
    weight: usize,
    /// Keeps the addresses in the key from being reused.
    _pins: Box<[Value]>,
}

impl Memory {
    /// Starts another chart, which has its own context: what was kept for the last one may be dropped.
    pub(super) fn begin_chart(&mut self) {
        if self.bytes > ROOM_BYTES {
            self.entries.clear();
            self.bytes = 0;
        }
    }

    /// Starts another file.
    pub(super) fn begin_file(&mut self) {
        self.file = self.file.wrapping_add(1);
    }

    fn recall(&self, key: &[u8]) -> Option<(&Str, u64)> {
        let found = self.entries.get(key)?;
        match found.file {
            Some(file) if file != self.file => None,
            Some(_) => {
                // The user of this text now depends on the file as well.
                trace::read_of_file();
                Some((&found.text, found.work))
            }
            None => Some((&found.text, found.work)),
        }
    }

    fn forget_if_changed(&mut self) {
        if self.context != trace::context_changes() {
            self.context = trace::context_changes();
            self.entries.clear();
            self.bytes = 0;
        }
    }

    fn keep(&mut self, key: Box<[u8]>, remembered: Remembered) {
        if self.bytes > MOST_BYTES {
            self.entries.clear();
            self.bytes = 0;
        }
        self.bytes += key.len() + remembered.text.len() + remembered.weight + ENTRY_BYTES;
        self.entries.insert(key, remembered);
    }
}

/// The result of [`Evaluator::recall`].
pub(super) enum Recalled {
    /// The remembered text.
    Text(Str),
    /// Not remembered: execute, then call [`Evaluator::remember`].
    Unknown(Pending),
    /// Results for this kind of data are never kept.
    Never,
}

/// An execution whose result may be kept.
pub(super) struct Pending {
    key: Box<[u8]>,
    pins: Box<[Value]>,
    weight: usize,
    watch: Watch,
    asked: u64,
    found_in_layers: u64,
    done: u64,
    once: u64,
}

impl Evaluator<'_> {
    /// The remembered text of this template for the same data.
    pub(super) fn recall(&mut self, template: &Found<'_>, data: &Value) -> Recalled {
        match template {
            Found::Set(template) if !self.has_defines() => self.recall_by(0, (&raw const **template).addr(), data),
            _ => Recalled::Never,
        }
    }

    /// Whether a text given to `tpl` defines templates, which may replace those of the set.
    pub(super) fn has_defines(&self) -> bool {
        self.layers.iter().any(|layer| !layer.defines.is_empty())
    }

    /// As [`Evaluator::recall`], for the object at an address that stays in use; `kind` separates the addresses of different
    /// types.
    pub(super) fn recall_by(&mut self, kind: u64, address: usize, data: &Value) -> Recalled {
        let memory = &mut self.memory;
        memory.forget_if_changed();
        memory.identity.clear();
        memory.identity.number(kind);
        memory.identity.number(address as u64);
        if !memory.identity.value(data) {
            return Recalled::Never;
        }
        if let Some((text, work)) = memory.recall(&memory.identity.key) {
            let text = text.clone();
            // The caller's next step finds out whether this is beyond the limit.
            work::resume(work::done().saturating_add(work));
            return Recalled::Text(text);
        }
        let key = Box::from(&*memory.identity.key);
        let pins = memory.identity.pins.drain(..).collect();
        Recalled::Unknown(Pending {
            key,
            pins,
            weight: memory.identity.weight,
            watch: trace::watch(),
            asked: self.host.asked(),
            found_in_layers: self.found_in_layers,
            done: work::done(),
            once: work::once(),
        })
    }

    /// Keeps the text of an execution, if it may be kept.
    pub(super) fn remember(&mut self, pending: Pending, result: &Evaluation<()>, text: &[u8]) {
        let watched = pending.watch.end();
        let asked_nothing = self.host.asked() == pending.asked && self.found_in_layers == pending.found_in_layers;
        if result.is_err() || !watched.is_clean || !asked_nothing || text.len() > LONGEST_TEXT {
            return;
        }
        let file = watched.read_file.then_some(self.memory.file);
        // What was done once is not done again when the text is used again.
        let work = work::done().saturating_sub(pending.done).saturating_sub(work::once() - pending.once);
        self.memory.forget_if_changed();
        self.memory.keep(pending.key, Remembered { text: Str::from(text), work, file, weight: pending.weight, _pins: pending.pins });
    }
}
