//! Sharing work among threads.
//!
//! Goes in: pieces of work that do not depend on each other. Comes out: their results in the order of the pieces, however many
//! threads there were. The threads have the usual small stack: recursion whose depth a chart chooses runs in `stack`.

use std::panic::resume_unwind;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::thread::{self, Scope, ScopedJoinHandle};

/// Most threads for work that is bound by the processor.
const THREADS_LIMIT: usize = 16;

static MAY_BE_UNFINISHED: AtomicBool = AtomicBool::new(false);

/// Says that this process may end while threads still work, so that work can be begun that nobody may ask for. A process that
/// ends through C's `exit` must not say so: what libraries do there is not meant for running threads.
pub fn allow_unfinished() {
    MAY_BE_UNFINISHED.store(true, Ordering::Relaxed);
}

/// Whether a thread may still work when this process ends.
pub fn may_be_unfinished() -> bool {
    MAY_BE_UNFINISHED.load(Ordering::Relaxed)
}

/// How many processors this program may use, at least one. The query takes as long as reading several folders.
pub fn cores() -> usize {
    thread::available_parallelism().map_or(1, usize::from)
}

/// How many threads to use for this many pieces of work: at most as many as there are processors.
pub fn threads(pieces: usize) -> usize {
    // The query for the number of processors costs more than a small piece.
    if pieces < 2 { 1 } else { cores().min(pieces).min(THREADS_LIMIT) }
}

/// `work` for a new thread that is to run beside this one. Where no processor is idle, Linux starts a thread on that of the one that
/// starts it and moves it only milliseconds later, as long as all that is to be done takes: such a thread leaves that processor first.
pub fn beside<T>(work: impl FnOnce() -> T) -> impl FnOnce() -> T {
    let begun = processor::current();
    move || {
        processor::leave(begun);
        work()
    }
}

/// Starts `work` on a new thread of this scope, beside this one; `None` if no thread can be started.
pub fn start<'scope, T: Send + 'scope>(
    scope: &'scope Scope<'scope, '_>,
    work: impl FnOnce() -> T + Send + 'scope,
) -> Option<ScopedJoinHandle<'scope, T>> {
    thread::Builder::new().spawn_scoped(scope, beside(work)).ok()
}

/// On which processor a thread runs.
#[cfg(target_os = "linux")]
mod processor {
    use rustix::thread::{sched_getaffinity, sched_getcpu, sched_setaffinity};

    pub(super) fn current() -> usize {
        sched_getcpu()
    }

    /// Moves this thread to another processor if it runs on `begun` and may run elsewhere. Afterwards it may run wherever it could
    /// before.
    pub(super) fn leave(begun: usize) {
        if sched_getcpu() != begun {
            return;
        }
        let Ok(allowed) = sched_getaffinity(None) else { return };
        if begun >= rustix::thread::CpuSet::MAX_CPU || !allowed.is_set(begun) || allowed.count() < 2 {
            return;
        }
        let mut others = allowed;
        others.unset(begun);
        // Where the system refuses, the thread stays where it is.
        if sched_setaffinity(None, &others).is_ok() {
            let _ = sched_setaffinity(None, &allowed);
        }
    }
}

#[cfg(not(target_os = "linux"))]
mod processor {
    pub(super) fn current() {}

    pub(super) fn leave((): ()) {}
}

/// The numbers of pieces of work, each handed to one thread.
#[derive(Debug)]
pub struct Queue {
    next: AtomicUsize,
    length: usize,
}

impl Queue {
    /// The numbers below `length`, in their order.
    pub fn new(length: usize) -> Queue {
        Queue { next: AtomicUsize::new(0), length }
    }

    /// The next number; `None` when all are taken.
    pub fn take(&self) -> Option<usize> {
        Some(self.next.fetch_add(1, Ordering::Relaxed)).filter(|number| *number < self.length)
    }

    /// Leaves out all numbers that were not taken yet.
    pub fn stop(&self) {
        self.next.store(self.length, Ordering::Relaxed);
    }
}

/// Runs `work` on this thread and on `threads - 1` others, fewer if no more can be started, until all have ended. A panic in one is
/// passed on.
pub fn run(threads: usize, work: impl Fn() + Sync) {
    thread::scope(|scope| {
        for _ in 1..threads {
            start(scope, &work);
        }
        work();
    });
}

/// The results of `make` for `items`, in their order.
pub fn map<T: Sync, R: Send>(threads: usize, items: &[T], make: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let queue = Queue::new(items.len());
    let work = || {
        let mut made = Vec::new();
        while let Some((at, item)) = queue.take().and_then(|at| Some((at, items.get(at)?))) {
            made.push((at, make(item)));
        }
        made
    };
    let mut all = thread::scope(|scope| {
        let others: Vec<_> = (1..threads.min(items.len())).map_while(|_| start(scope, work)).collect();
        let mut all = work();
        for other in others {
            all.extend(other.join().unwrap_or_else(|panic| resume_unwind(panic)));
        }
        all
    });
    all.sort_unstable_by_key(|(at, _)| *at);
    all.into_iter().map(|(_, made)| made).collect()
}

/// The results of `make` for `items`, in their order. `tell` is called with each result on this thread: if `at_once`, as soon as
/// it is made, else in the order of `items`, as soon as its turn comes.
pub fn map_telling<T: Sync, R: Send>(
    threads: usize,
    items: &[T],
    make: impl Fn(&T) -> R + Sync,
    at_once: bool,
    mut tell: impl FnMut(&T, &R),
) -> Vec<R> {
    let queue = Queue::new(items.len());
    let (sender, receiver) = channel();
    let mut made: Vec<Option<R>> = items.iter().map(|_| None).collect();
    let work = |sender: Sender<(usize, R)>| {
        while let Some((at, item)) = queue.take().and_then(|at| Some((at, items.get(at)?))) {
            // Sending fails only when the receiving side has panicked.
            if sender.send((at, make(item))).is_err() {
                return;
            }
        }
    };
    thread::scope(|scope| {
        let work = &work;
        let mut started = false;
        for sender in std::iter::repeat_n(&sender, threads.clamp(1, items.len().max(1))) {
            let sender = sender.clone();
            started |= start(scope, move || work(sender)).is_some();
        }
        // Without threads, what is made is told once all is made.
        if started {
            drop(sender)
        } else {
            work(sender)
        }
        let mut told = 0;
        for (at, result) in receiver {
            if at_once && let Some(item) = items.get(at) {
                tell(item, &result);
            }
            if let Some(slot) = made.get_mut(at) {
                *slot = Some(result);
            }
            while let (false, Some(item), Some(Some(result))) = (at_once, items.get(told), made.get(told)) {
                tell(item, result);
                told += 1;
            }
        }
    });
    made.into_iter().flatten().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Barrier;

    #[test]
    fn results_stand_in_the_order_of_what_they_came_from() {
        let items: Vec<usize> = (0..1000).collect();
        let twice: Vec<usize> = items.iter().map(|item| 2 * item).collect();
        for threads in [0, 1, 2, 7, 5000] {
            assert_eq!(map(threads, &items, |item| 2 * item), twice, "{threads} threads");
        }
        assert!(map(4, &items[..0], |item| *item).is_empty());
    }

    // The first item is the slowest: it waits until all others have been made.
    #[test]
    fn what_is_slow_keeps_nothing_else_from_being_made() {
        let items: Vec<usize> = (0..20).collect();
        for (at_once, order) in [(true, (1..20).chain([0]).collect::<Vec<_>>()), (false, items.clone())] {
            let (count, others) = (AtomicUsize::new(0), Barrier::new(2));
            let make = |item: &usize| {
                if *item == 0 || count.fetch_add(1, Ordering::Relaxed) == 18 {
                    others.wait();
                }
                // The last of the other results may not have been received yet.
                thread::sleep(std::time::Duration::from_millis(if *item == 0 { 500 } else { 0 }));
                2 * item
            };
            let mut told = Vec::new();
            let made = map_telling(2, &items, make, at_once, |item, _| told.push(*item));
            assert_eq!(made, items.iter().map(|item| 2 * item).collect::<Vec<_>>());
            assert_eq!(told, order);
        }
        assert!(map_telling(4, &items[..0], |item| *item, true, |_, _| ()).is_empty());
    }

    // Where there is one processor, or another program moves threads, nothing can be said.
    #[cfg(target_os = "linux")]
    #[test]
    fn a_new_thread_may_run_wherever_the_one_that_starts_it_may() {
        use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};
        let allowed = sched_getaffinity(None).unwrap();
        let same = move |other: &CpuSet| (0..CpuSet::MAX_CPU).all(|at| other.is_set(at) == allowed.is_set(at));
        for _ in 0..20 {
            assert!(thread::scope(|scope| same(&start(scope, || sched_getaffinity(None).unwrap()).unwrap().join().unwrap())));
        }
        // A thread that is on the processor to be left is elsewhere at once, unless it may be nowhere else.
        thread::spawn(move || {
            let here = processor::current();
            processor::leave(here);
            assert!(allowed.count() < 2 || same(&sched_getaffinity(None).unwrap()));
            let mut one = CpuSet::new();
            one.set(processor::current());
            sched_setaffinity(None, &one).unwrap();
            processor::leave(processor::current());
            assert_eq!(sched_getaffinity(None).unwrap().count(), 1);
        })
        .join()
        .unwrap();
    }

    #[test]
    fn all_threads_work_until_they_end() {
        let count = AtomicUsize::new(0);
        run(3, || {
            count.fetch_add(1, Ordering::Relaxed);
        });
        assert_eq!(count.into_inner(), 3);
        assert_eq!((threads(0), threads(1)), (1, 1));
        assert!((1..=2).contains(&threads(2)));
    }
}
