//! Parsing templates while their chart is still being read.
//!
//! Goes in: files, as a loader finds them. Comes out: the parsed sources, when a render asks for them. Unpacking an archive
//! keeps one core busy, and so does opening hundreds of files; another parses meanwhile. A file that does not parse, or that
//! no render asks for, is no loss but of that core's time: faults are found again where they are told.

use crate::chart::File;
use crate::template::ast::Parsed;
use crate::template::{parser, stack};
use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

/// So many bytes are worth a thread.
const MANY_BYTES: usize = 48 << 10;

/// So many bytes are worth waking it.
const ENOUGH_BYTES: usize = 8 << 10;

/// The sources parsed so far, by length.
pub(super) type Ready = HashMap<usize, Vec<(Arc<[u8]>, Arc<Parsed>)>>;

/// A thread that parses what it is offered. It is started by the first `MANY_BYTES`, and ends with this.
#[derive(Default)]
pub struct Ahead(Arc<Shared>);

#[derive(Default)]
struct Shared {
    work: Mutex<Work>,
    changed: Condvar,
}

#[derive(Default)]
struct Work {
    waiting: VecDeque<Arc<[u8]>>,
    /// Of all that was offered.
    bytes: usize,
    /// Of all that is waiting.
    bytes_waiting: usize,
    started: bool,
    is_idle: bool,
    is_busy: bool,
    closed: bool,
    ready: Ready,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Work> {
        self.work.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn run(&self) {
        let mut work = self.lock();
        while !work.closed {
            let Some(source) = work.waiting.pop_front() else {
                work.is_idle = true;
                work = self.changed.wait(work).unwrap_or_else(PoisonError::into_inner);
                work.is_idle = false;
                continue;
            };
            work.bytes_waiting -= source.len();
            if work.ready.get(&source.len()).is_some_and(|peers| peers.iter().any(|(known, _)| *known == source)) {
                continue;
            }
            work.is_busy = true;
            drop(work);
            let parsed = parser::parse(source.clone());
            work = self.lock();
            work.is_busy = false;
            if let Ok(parsed) = parsed {
                work.ready.entry(source.len()).or_default().push((source, Arc::new(parsed)));
            }
            if work.closed {
                self.changed.notify_all();
            }
        }
    }
}

impl Ahead {
    /// Nothing is parsed yet.
    pub fn new() -> Ahead {
        Ahead::default()
    }

    /// Takes note of a file; only templates count.
    pub fn offer(&self, file: &File) {
        if !file.name.starts_with("templates/") && !file.name.contains("/templates/") {
            return;
        }
        let mut work = self.0.lock();
        work.bytes += file.data.len();
        work.bytes_waiting += file.data.len();
        work.waiting.push_back(file.data.shared().clone());
        if !work.started && work.bytes >= MANY_BYTES {
            work.started = true;
            let shared = self.0.clone();
            if std::thread::available_parallelism().is_ok_and(|cores| cores.get() > 1) {
                // Without a thread nothing is ready, and that is all.
                stack::spawn_detached(move || shared.run());
            }
        }
        if work.is_idle && work.bytes_waiting >= ENOUGH_BYTES {
            self.0.changed.notify_all();
        }
    }

    /// What is parsed by now; nothing more will be.
    pub(super) fn finish(&self) -> Ready {
        let mut work = self.0.lock();
        work.closed = true;
        work.waiting.clear();
        work.bytes_waiting = 0;
        self.0.changed.notify_all();
        while work.is_busy {
            work = self.0.changed.wait(work).unwrap_or_else(PoisonError::into_inner);
        }
        std::mem::take(&mut work.ready)
    }
}

impl Drop for Ahead {
    fn drop(&mut self) {
        self.0.lock().closed = true;
        self.0.changed.notify_all();
    }
}

impl fmt::Debug for Ahead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ahead").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(name: &str, text: &str) -> File {
        File { name: name.into(), data: text.as_bytes().into(), modified: None }
    }

    #[test]
    fn what_is_ready_is_parsed_and_the_rest_is_left() {
        let long = format!("{{{{/* {} */}}}}{{{{ .x }}}}", "x".repeat(MANY_BYTES));
        let ahead = Ahead::new();
        ahead.offer(&file("values.yaml", &long));
        assert!(!ahead.0.lock().started);
        ahead.offer(&file("templates/a.yaml", &long));
        ahead.offer(&file("charts/b/templates/a.yaml", &long));
        ahead.offer(&file("templates/broken.yaml", "{{"));
        while ahead.0.lock().bytes_waiting >= ENOUGH_BYTES {
            std::thread::yield_now();
        }
        let ready = ahead.finish();
        assert!(ready.get(&long.len()).is_none_or(|peers| peers.len() == 1));
        assert!(!ready.contains_key(&2));
        assert!(ahead.finish().is_empty());
    }
}
