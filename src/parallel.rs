//! Work that is shared out among threads.
//!
//! Goes in: pieces of work that do not depend on each other. Comes out: what each came to, in their order, however many threads
//! there were. Threads have the usual small stack: what charts can make as deep as they like runs in `template::stack`.

use std::panic::resume_unwind;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

/// Most threads that work of the processor is shared out to.
const THREADS_LIMIT: usize = 16;

/// How many threads are worth to be had for so many pieces: as many as there are processors.
pub fn threads(pieces: usize) -> usize {
    // Asking for the number of processors costs more than a small piece.
    if pieces < 2 { 1 } else { thread::available_parallelism().map_or(1, usize::from).min(pieces).min(THREADS_LIMIT) }
}

/// Runs `work` on this thread and on as many more as make `threads`, until all have ended. A panic in one is one here.
pub fn run(threads: usize, work: impl Fn() + Sync) {
    thread::scope(|scope| {
        for _ in 1..threads {
            scope.spawn(&work);
        }
        work();
    });
}

/// What `make` gives for each of `items`, in their order.
pub fn map<T: Sync, R: Send>(threads: usize, items: &[T], make: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let next = AtomicUsize::new(0);
    let work = || {
        let mut made = Vec::new();
        loop {
            let at = next.fetch_add(1, Ordering::Relaxed);
            let Some(item) = items.get(at) else { return made };
            made.push((at, make(item)));
        }
    };
    let mut all = thread::scope(|scope| {
        let others: Vec<_> = (1..threads.min(items.len())).map(|_| scope.spawn(work)).collect();
        let mut all = work();
        for other in others {
            all.extend(other.join().unwrap_or_else(|panic| resume_unwind(panic)));
        }
        all
    });
    all.sort_unstable_by_key(|(at, _)| *at);
    all.into_iter().map(|(_, made)| made).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_stand_in_the_order_of_what_they_came_from() {
        let items: Vec<usize> = (0..1000).collect();
        let twice: Vec<usize> = items.iter().map(|item| 2 * item).collect();
        for threads in [0, 1, 2, 7, 5000] {
            assert_eq!(map(threads, &items, |item| 2 * item), twice, "{threads} threads");
        }
        assert!(map(4, &items[..0], |item| *item).is_empty());
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
