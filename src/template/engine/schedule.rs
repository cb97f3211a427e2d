//! Which thread renders which file.
//!
//! Goes in: the files in Helm's rendering order. Comes out: an [`Outcome`] for each, the same as if one thread had rendered them
//! one after the other: templates may change the values (`set`, `merge`), and what one changes the next ones see, so files are
//! rendered side by side only as far as none changed anything; from the first that did, one thread goes on in order.

use super::context::{self, Renderable};
use super::{EngineHost, Environment, Options, RenderContext};
use crate::diagnostic::Notices;
use crate::parallel;
use crate::stack;
use crate::template::eval::failure::Failure;
use crate::template::eval::{Evaluator, MAX_WORK, TemplateSet, without_no_value};
use crate::template::value::{Map, Value, trace};
use std::cell::RefCell;
use std::sync::atomic::{AtomicUsize, Ordering};

/// With more threads, each renders anew what the others have rendered already.
const MOST_THREADS: usize = 8;

/// A thread takes this part of its share of the files that are left: large pieces first, since neighbours share what they
/// include, then ever smaller ones, so that all threads end together although files differ in what they cost.
const PART_OF_A_SHARE: usize = 4;

/// What one file gave.
pub(super) struct Outcome {
    pub(super) result: Result<Vec<u8>, Box<Failure>>,
    /// What was passed over.
    pub(super) notices: Notices,
    /// How much was done for it.
    work: u64,
}

/// The files to render, and with what.
pub(super) struct Job<'a> {
    pub(super) context: &'a RenderContext<'a>,
    pub(super) options: &'a Options,
    pub(super) renderables: &'a [Renderable<'a>],
    pub(super) set: &'a TemplateSet,
}

/// How many threads are worth to be started for this much work.
pub(super) fn threads(options: &Options, bytes: usize, pieces: usize) -> usize {
    if bytes < options.threads_from {
        return 1;
    }
    options.threads.unwrap_or_else(|| parallel::cores().min(MOST_THREADS)).min(pieces)
}

/// Runs `work` on this thread and on as many more, with large stacks, as make `count`. Fewer results if threads cannot be had.
pub(super) fn on_threads<T: Send>(count: usize, work: impl Fn() -> T + Sync) -> Vec<T> {
    std::thread::scope(|scope| {
        let others: Vec<_> = (1..count).filter_map(|_| stack::spawn(scope, &work)).collect();
        let mut results = vec![work()];
        for other in others {
            match other.join() {
                Ok(result) => results.push(result),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        results
    })
}

impl Job<'_> {
    /// The outcomes in order, up to the first fault unless all are wanted.
    pub(super) fn render(&self, environment: &mut dyn Environment) -> Vec<Outcome> {
        let bytes: usize = self.renderables.iter().map(|renderable| renderable.file.data.len()).sum();
        let mut worlds = Vec::new();
        let threads = threads(self.options, bytes, self.renderables.len());
        if threads > 1 {
            worlds.extend((0..threads).map_while(|_| environment.again()));
        }
        let mut outcomes = Vec::with_capacity(self.renderables.len());
        let mut done = 0;
        if worlds.len() > 1 {
            for outcome in self.render_side_by_side(worlds) {
                // Together they may do too much although no single one does.
                let Some(outcome) = outcome.filter(|outcome| done + outcome.work <= MAX_WORK) else { break };
                done += outcome.work;
                let is_last = self.is_last(&outcome);
                outcomes.push(outcome);
                if is_last {
                    return outcomes;
                }
            }
        }
        if outcomes.len() < self.renderables.len() {
            let notices = RefCell::default();
            let mut host = EngineHost::new(environment, self.options, &notices);
            let mut worker = Worker::new(self, &mut host, &notices);
            let (before, rest) = self.renderables.split_at(outcomes.len());
            before.iter().for_each(|renderable| worker.pass(renderable));
            for renderable in rest {
                let outcome = worker.render(renderable, done);
                done += outcome.work;
                let is_last = self.is_last(&outcome);
                outcomes.push(outcome);
                if is_last {
                    break;
                }
            }
            worker.finish(self.options);
        }
        outcomes
    }

    fn is_last(&self, outcome: &Outcome) -> bool {
        outcome.result.is_err() && !self.options.all_faults
    }

    /// What the files gave that render the same in any order: all before the first that changed what others see, or that is
    /// the last one wanted.
    fn render_side_by_side(&self, worlds: Vec<Box<dyn Environment>>) -> Vec<Option<Outcome>> {
        let count = self.renderables.len();
        let parts = worlds.len() * PART_OF_A_SHARE;
        let next = AtomicUsize::new(0);
        // Files from here on are not to be rendered side by side.
        let end = AtomicUsize::new(count);
        let worlds_left = std::sync::Mutex::new(worlds);
        let threads = worlds_left.lock().map_or(1, |worlds| worlds.len());
        let parts = on_threads(threads, || {
            let mut made = Vec::new();
            let Some(mut world) = worlds_left.lock().ok().and_then(|mut worlds| worlds.pop()) else { return made };
            let notices = RefCell::default();
            let mut host = EngineHost::new(&mut *world, self.options, &notices);
            let mut worker = Worker::new(self, &mut host, &notices);
            'pieces: while let Ok(from) = next.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |from| piece_end(from, count, parts)) {
                let piece = piece_end(from, count, parts).unwrap_or(count) - from;
                for (at, renderable) in self.renderables.iter().enumerate().skip(from).take(piece) {
                    if at >= end.load(Ordering::Relaxed) {
                        break 'pieces;
                    }
                    let outcome = worker.render(renderable, 0);
                    if trace::context_changes() != 0 {
                        end.fetch_min(at, Ordering::Relaxed);
                        break 'pieces;
                    }
                    if self.is_last(&outcome) {
                        end.fetch_min(at + 1, Ordering::Relaxed);
                    }
                    made.push((at, outcome));
                }
            }
            worker.finish(self.options);
            made
        });
        let mut outcomes: Vec<Option<Outcome>> = (0..count).map(|_| None).collect();
        for (at, outcome) in parts.into_iter().flatten() {
            if let Some(place) = outcomes.get_mut(at).filter(|_| at < end.load(Ordering::Relaxed)) {
                *place = Some(outcome);
            }
        }
        outcomes
    }
}

/// Where the piece that begins with the file `from` ends; `None` if there are no more files.
fn piece_end(from: usize, count: usize, parts: usize) -> Option<usize> {
    let left = count.checked_sub(from).filter(|left| *left > 0)?;
    Some(from + (left / parts).max(1))
}

/// One thread's contexts and evaluator.
struct Worker<'a> {
    contexts: Vec<Map>,
    /// Which of them was rendered last.
    last: usize,
    evaluator: Evaluator<'a>,
    notices: &'a RefCell<Notices>,
    /// Each file is written here first, so that none keeps more than its length: hundreds give hardly any text.
    text: Vec<u8>,
}

impl<'a> Worker<'a> {
    fn new(job: &Job<'a>, host: &'a mut EngineHost<'_>, notices: &'a RefCell<Notices>) -> Worker<'a> {
        let contexts = context::contexts(job.context);
        Worker { contexts, last: 0, evaluator: Evaluator::new(job.set, host, job.options.strict), notices, text: Vec::new() }
    }

    /// Frees what the thread worked with, unless the process is about to end: that takes a twentieth of a render.
    fn finish(self, options: &Options) {
        if options.process_ends {
            std::mem::forget(self);
        }
    }

    /// Leaves behind what a file leaves that was rendered elsewhere and changed no values.
    fn pass(&mut self, renderable: &Renderable<'_>) {
        if let Some(context) = self.contexts.get(renderable.context) {
            context.begin_file(renderable.facts());
        }
    }

    /// Renders a file after `done` work was done for others.
    fn render(&mut self, renderable: &Renderable<'_>, done: u64) -> Outcome {
        if std::mem::replace(&mut self.last, renderable.context) != renderable.context {
            self.evaluator.begin_chart();
        }
        let context = self.contexts.get(renderable.context).cloned();
        if let Some(context) = &context {
            context.begin_file(renderable.facts());
        }
        self.text.clear();
        self.evaluator.set_done(done);
        let result = self.evaluator.render(renderable.name.as_bytes(), context.map_or(Value::Nil, Value::Map), &mut self.text);
        let result = result.map(|()| without_no_value(self.text.as_slice().to_vec()));
        Outcome { result, notices: self.notices.take(), work: self.evaluator.done() - done }
    }
}
