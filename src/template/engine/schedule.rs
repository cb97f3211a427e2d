//! Assigns files to rendering threads.
//!
//! Goes in: the files in Helm's rendering order. Comes out: an [`Outcome`] for each, the same as if one thread had rendered them
//! in order. Templates may change the values (`set`, `merge`), and later templates see the change. So files are rendered in
//! parallel only up to the first one that changes something; from there, one thread goes on in order.

use super::context::{self, Renderable};
use super::{EngineHost, Environment, Options, RenderContext};
use crate::diagnostic::Notices;
use crate::parallel;
use crate::stack;
use crate::template::eval::failure::Failure;
use crate::template::eval::{Evaluator, TemplateSet, without_no_value};
use crate::template::value::{Map, Value, trace};
use crate::template::work;
use std::cell::RefCell;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

/// With more threads, each renders again what the others have rendered already.
const MOST_THREADS: usize = 8;

/// The fraction of its share of the remaining files that a thread takes at once. Pieces are large first, since neighbouring files
/// include the same templates, then ever smaller, so that all threads end together although files differ in cost.
const PART_OF_A_SHARE: usize = 4;

/// The result of one file.
pub(super) struct Outcome {
    pub(super) result: Result<Vec<u8>, Box<Failure>>,
    /// Notices from lint mode.
    pub(super) notices: Notices,
    /// The amount of work done for it.
    work: u64,
}

/// The files to render, and the input.
pub(super) struct Job<'a> {
    pub(super) context: &'a RenderContext<'a>,
    pub(super) options: &'a Options,
    pub(super) renderables: &'a [Renderable<'a>],
    pub(super) set: &'a TemplateSet,
}

/// How many threads are worth starting for this much work.
pub(super) fn threads(options: &Options, bytes: usize, pieces: usize) -> usize {
    if bytes < options.threads_from {
        return 1;
    }
    options.threads.unwrap_or_else(|| parallel::cores().min(MOST_THREADS)).min(pieces)
}

/// Runs `work` on this thread and on `count - 1` others with large stacks. Returns fewer results if threads cannot be started.
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
                let Some(outcome) = outcome else { break };
                done += outcome.work;
                let is_last = self.is_last(&outcome) || done > self.options.step_limit;
                outcomes.push(outcome);
                if is_last {
                    break;
                }
            }
        }
        let together = outcomes.len();
        let is_finished = outcomes.last().is_some_and(|outcome| self.is_last(outcome));
        if done <= self.options.step_limit && !is_finished {
            done = self.go_on(environment, &mut outcomes, done);
        }
        // Threads do some work twice, so whether it is too much is decided without them.
        if together > 0 && done > self.options.step_limit {
            outcomes.clear();
            self.go_on(environment, &mut outcomes, 0);
        }
        outcomes
    }

    /// Renders the files that have no outcomes yet, after `done` units of work; returns the units of all.
    fn go_on(&self, environment: &mut dyn Environment, outcomes: &mut Vec<Outcome>, mut done: u64) -> u64 {
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
        done
    }

    fn is_last(&self, outcome: &Outcome) -> bool {
        outcome.result.is_err() && !self.options.all_faults
    }

    /// The outcomes of files that render the same in any order: all before the first that changes what others see, or up to the
    /// last one wanted.
    fn render_side_by_side(&self, worlds: Vec<Box<dyn Environment>>) -> Vec<Option<Outcome>> {
        let count = self.renderables.len();
        let parts = worlds.len() * PART_OF_A_SHARE;
        let next = AtomicUsize::new(0);
        // Files from here on must not be rendered in parallel.
        let end = AtomicUsize::new(count);
        // What all have done. When it is too much, one thread decides about that from the start, and the others should not go on.
        let total = AtomicU64::new(0);
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
                    if total.fetch_add(outcome.work, Ordering::Relaxed).saturating_add(outcome.work) > self.options.step_limit {
                        end.store(0, Ordering::Relaxed);
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

/// The end of the piece that begins with the file `from`; `None` if there are no more files.
fn piece_end(from: usize, count: usize, parts: usize) -> Option<usize> {
    let left = count.checked_sub(from).filter(|left| *left > 0)?;
    Some(from + (left / parts).max(1))
}

/// One thread's contexts and evaluator.
struct Worker<'a> {
    contexts: Vec<Map>,
    /// The index of the last rendered one.
    last: usize,
    evaluator: Evaluator<'a>,
    notices: &'a RefCell<Notices>,
    /// A buffer for each file, so that none keeps more than its length: hundreds of files yield hardly any text.
    text: Vec<u8>,
}

impl<'a> Worker<'a> {
    fn new(job: &Job<'a>, host: &'a mut EngineHost<'_>, notices: &'a RefCell<Notices>) -> Worker<'a> {
        work::allow(job.options.step_limit);
        let contexts = context::contexts(job.context);
        Worker { contexts, last: 0, evaluator: Evaluator::new(job.set, host, job.options.strict), notices, text: Vec::new() }
    }

    /// Frees the thread's memory, which takes a twentieth of a render, unless the process is about to end.
    fn finish(self, options: &Options) {
        if options.process_ends {
            std::mem::forget(self);
        }
    }

    /// Reproduces the effect of a file that was rendered elsewhere and changed no values.
    fn pass(&mut self, renderable: &Renderable<'_>) {
        if let Some(context) = self.contexts.get(renderable.context) {
            context.begin_file(renderable.facts());
        }
    }

    /// Renders a file after `done` units of work for other files.
    fn render(&mut self, renderable: &Renderable<'_>, done: u64) -> Outcome {
        if std::mem::replace(&mut self.last, renderable.context) != renderable.context {
            self.evaluator.begin_chart();
        }
        let context = self.contexts.get(renderable.context).cloned();
        if let Some(context) = &context {
            context.begin_file(renderable.facts());
        }
        self.text.clear();
        work::resume(done);
        let result = self.evaluator.render(renderable.name.as_bytes(), context.map_or(Value::Nil, Value::Map), &mut self.text);
        let result = result.map(|()| without_no_value(self.text.as_slice().to_vec()));
        Outcome { result, notices: self.notices.take(), work: work::done().saturating_sub(done) }
    }
}
