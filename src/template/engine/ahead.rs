//! Parses templates while their chart is still being read.
//!
//! Goes in: files, as a loader finds them, and other jobs of the loader. Comes out: the parsed sources, when a render needs them.
//! Unpacking an archive, or opening hundreds of files, keeps one core busy; another parses meanwhile. A single thread does all of
//! it: on two cores, two threads would slow down the reader. A file that does not parse, or that no render needs, costs only that
//! core's time: its faults are found again where they are reported.

use super::by_text::ByText;
use super::{Options, schedule};
use crate::chart::File;
use crate::chart::loader::{Job, Observe};
use crate::parallel;
use crate::stack;
use crate::template::ast::Parsed;
use crate::template::parser;
use std::collections::{HashSet, VecDeque};
use std::fmt;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

/// How many bytes make a thread worthwhile.
const MANY_BYTES: usize = 48 << 10;

/// How many waiting bytes are worth waking the thread.
const ENOUGH_BYTES: usize = 8 << 10;

/// The sources that one thread parsed.
pub(super) type Ready = ByText<Arc<Parsed>>;

/// A thread that parses the sources it is offered. It starts with the first `MANY_BYTES` and ends when this is dropped.
#[derive(Default)]
pub struct Ahead(Arc<Shared>);

#[derive(Default)]
struct Shared {
    work: Mutex<Work>,
    changed: Condvar,
}

#[derive(Default)]
struct Work {
    waiting: VecDeque<Task>,
    /// Bytes of everything offered.
    bytes: usize,
    /// Bytes of everything waiting.
    bytes_waiting: usize,
    started: bool,
    is_idle: bool,
    /// How many threads are working.
    threads: usize,
    /// Nothing more will be offered.
    closed: bool,
    /// The sources that each ended thread parsed.
    ready: Vec<Ready>,
}

enum Task {
    /// Parse this template.
    Parse(Arc<[u8]>),
    /// Run this job, which processes about this many bytes.
    Do(usize, Job),
}

impl Task {
    fn bytes(&self) -> usize {
        match self {
            Task::Parse(source) => source.len(),
            Task::Do(bytes, _) => *bytes,
        }
    }

    fn run(self, ready: &mut Ready) {
        match self {
            Task::Parse(source) => {
                if ready.get(&source).is_none()
                    && let Ok(parsed) = parser::parse(source.clone())
                {
                    ready.insert(source, Arc::new(parsed));
                }
            }
            Task::Do(_, job) => job(),
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Work> {
        self.work.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Parses the waiting sources and those offered later.
    fn run(&self) {
        let mut ready = Ready::default();
        let mut work = self.lock();
        work.threads += 1;
        loop {
            if let Some(task) = work.waiting.pop_front() {
                work.bytes_waiting -= task.bytes();
                drop(work);
                task.run(&mut ready);
                work = self.lock();
            } else if work.closed {
                break;
            } else {
                work.is_idle = true;
                work = self.changed.wait(work).unwrap_or_else(PoisonError::into_inner);
                work.is_idle = false;
            }
        }
        work.ready.push(ready);
        work.threads -= 1;
        self.changed.notify_all();
    }

    /// Closes the queue; of the waiting sources only `wanted` are still parsed.
    fn close(&self, wanted: &HashSet<*const u8>) -> MutexGuard<'_, Work> {
        let mut work = self.lock();
        work.closed = true;
        work.waiting.retain(|task| matches!(task, Task::Parse(source) if wanted.contains(&source.as_ptr())));
        work.bytes_waiting = work.waiting.iter().map(Task::bytes).sum();
        self.changed.notify_all();
        work
    }
}

impl Ahead {
    /// Nothing is parsed yet.
    pub fn new() -> Ahead {
        Ahead::default()
    }

    fn add(&self, mut work: MutexGuard<'_, Work>, task: Task) {
        work.bytes += task.bytes();
        work.bytes_waiting += task.bytes();
        work.waiting.push_back(task);
        if !work.started && work.bytes >= MANY_BYTES {
            work.started = true;
            let shared = self.0.clone();
            if has_cores() {
                // If no thread starts, nothing is parsed ahead; that is fine.
                stack::spawn_detached("parse", move || shared.run());
            }
        }
        if work.is_idle && work.bytes_waiting >= ENOUGH_BYTES {
            self.0.changed.notify_all();
        }
    }

    /// The parsed ones among the `wanted` sources; closes the queue. Sources that still wait are parsed here, together with the
    /// thread. Empty if there is no thread.
    pub(super) fn finish(&self, wanted: &[Arc<[u8]>], options: &Options) -> Vec<Ready> {
        let mut work = self.0.close(&wanted.iter().map(|source| source.as_ptr()).collect());
        if work.threads > 0 && !work.waiting.is_empty() {
            let threads = schedule::threads(options, work.bytes_waiting, work.waiting.len());
            drop(work);
            schedule::on_threads(threads.saturating_sub(1), || self.0.run());
            work = self.0.lock();
        }
        while work.threads > 0 {
            work = self.0.changed.wait(work).unwrap_or_else(PoisonError::into_inner);
        }
        work.waiting.clear();
        std::mem::take(&mut work.ready)
    }
}

impl Observe for Ahead {
    /// Queues a file if it is a template.
    fn found(&self, file: &File) {
        if file.name.starts_with("templates/") || file.name.contains("/templates/") {
            self.add(self.0.lock(), Task::Parse(file.data.shared().clone()));
        }
    }

    fn assist(&self, bytes: usize, job: Job) -> Option<Job> {
        let work = self.0.lock();
        if work.closed {
            return Some(job);
        }
        self.add(work, Task::Do(bytes, job));
        None
    }
}

impl Drop for Ahead {
    fn drop(&mut self) {
        drop(self.0.close(&HashSet::new()));
    }
}

fn has_cores() -> bool {
    parallel::cores() > 1
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
        ahead.found(&file("values.yaml", &long));
        assert!(!ahead.0.lock().started);
        let same = [file("templates/a.yaml", &long), file("charts/b/templates/a.yaml", &long)];
        let broken = file("templates/broken.yaml", "{{");
        same.iter().chain([&broken]).for_each(|file| ahead.found(file));
        let has_thread = has_cores();
        while has_thread && ahead.0.lock().bytes_waiting >= ENOUGH_BYTES {
            std::thread::yield_now();
        }
        let ready = ahead.finish(&[same[1].data.shared().clone()], &Options::default());
        let is_ready = |file: &File| ready.iter().any(|ready| ready.get(file.data.shared()).is_some());
        assert_eq!(same.iter().filter(|file| is_ready(file)).count(), if has_thread { 2 } else { 0 });
        assert!(!is_ready(&broken));
        assert!(ahead.finish(&[], &Options::default()).is_empty());
    }

    #[test]
    fn only_what_is_wanted_is_parsed_at_the_end() {
        let shared = Shared::default();
        let sources: [Arc<[u8]>; 3] = ["{{ .a }}", "{{ .b }}", "{{ .b }}c"].map(|text| text.as_bytes().into());
        shared.lock().waiting.extend(sources.iter().cloned().map(Task::Parse));
        drop(shared.close(&sources[1..].iter().map(|source| source.as_ptr()).collect()));
        assert_eq!(shared.lock().bytes_waiting, 17);
        shared.run();
        let ready = std::mem::take(&mut shared.lock().ready);
        let [ready] = &*ready else { panic!("one thread") };
        assert_eq!(sources.each_ref().map(|source| ready.get(source).is_some()), [false, true, true]);
    }
}
