//! How much stack is left, so that no chart can overflow it.
//!
//! Goes in: the size of the stack a thread was started with. Comes out: whether a recursion should stop. Charts choose how deep
//! includes, parentheses and blocks nest. Go's stack grows to a gigabyte; ours has that size from the start (only touched pages
//! cost memory). Recursion without a bound of its own (parsing and rendering of templates) checks here. Recursion over values is
//! bounded by the depth that YAML and JSON may have, for which a large stack is enough and that of a plain thread is not.

use crate::parallel;
use std::cell::Cell;
use std::sync::{Arc, Mutex};
use std::thread;

/// Stack sizes for a render: the largest that the system grants.
const STACK_SIZES: &[usize] = &[1 << 30, 256 << 20, 64 << 20, 16 << 20];

/// Kept free for code that runs below the deepest check.
const RESERVE: usize = 512 << 10;

/// How much a thread of unknown stack size may use.
const UNKNOWN_SIZE: usize = 768 << 10;

/// The stack of a process.
const LARGE: usize = STACK_SIZES[0];

/// With this much stack any template runs; deeper recursion than usual ends earlier.
const ENOUGH: usize = 64 << 20;

thread_local! {
    static LOWEST: Cell<usize> = const { Cell::new(0) };
    /// The size of the stack, where it is known.
    static SIZE: Cell<usize> = const { Cell::new(0) };
}

fn here() -> usize {
    let marker = 0u8;
    &raw const marker as usize
}

/// Whether the stack of this thread is nearly used up.
pub fn is_exhausted() -> bool {
    LOWEST.with(|lowest| {
        let mut limit = lowest.get();
        if limit == 0 {
            limit = here().saturating_sub(UNKNOWN_SIZE);
            lowest.set(limit);
        }
        here() < limit
    })
}

/// How large the stack of this thread is, as far as that is known.
pub fn size() -> usize {
    match SIZE.get() {
        0 => UNKNOWN_SIZE,
        size => size,
    }
}

/// Runs `work` with a large stack: on this thread if it has one, else on a new thread; `None` if no thread can be started. A panic
/// in `work` is passed on.
pub fn with_large_stack<T: Send>(work: impl FnOnce() -> T + Send) -> Option<T> {
    if SIZE.get() >= ENOUGH {
        return Some(work());
    }
    with_stack(STACK_SIZES, work)
}

/// Runs `work`, the whole work of a process, on a thread with a large stack. The thread stays alive afterwards, so that the end of
/// the process frees its memory at once. `None` if no thread can be started.
#[cfg(any(feature = "cli", test))]
pub fn run_process<T: Send + 'static>(work: fn() -> T) -> Option<thread::Result<T>> {
    use std::sync::mpsc;
    let (sender, receiver) = mpsc::channel();
    let run = move || {
        // Cannot fail: the receiver waits as long as the sender exists.
        let _ = sender.send(within(LARGE, work));
        loop {
            thread::park();
        }
    };
    let thread = thread::Builder::new().name("rutter".into()).stack_size(LARGE).spawn(run).ok()?;
    match receiver.recv() {
        Ok(result) => Some(Ok(result)),
        // The thread has panicked and ends.
        Err(mpsc::RecvError) => thread.join().err().map(Err),
    }
}

/// Runs `work` on another thread of this scope with a large stack; `None` if no thread can be started.
pub fn spawn<'scope, 'env, T: Send + 'scope>(
    scope: &'scope thread::Scope<'scope, 'env>,
    work: &'env (impl Fn() -> T + Sync),
) -> Option<thread::ScopedJoinHandle<'scope, T>> {
    STACK_SIZES.iter().find_map(|size| {
        let builder = thread::Builder::new().name("render".into()).stack_size(*size);
        builder.spawn_scoped(scope, parallel::beside(move || within(*size, work))).ok()
    })
}

/// Starts `work` on a new thread of this name with a large stack, without waiting for it; `None` if no thread can be started.
pub fn spawn_detached(name: &str, work: impl FnOnce() + Send + 'static) -> Option<thread::JoinHandle<()>> {
    let work = Arc::new(Mutex::new(Some(work)));
    STACK_SIZES.iter().find_map(|size| {
        let work = work.clone();
        let builder = thread::Builder::new().name(name.into()).stack_size(*size);
        let run = move || {
            if let Some(work) = work.lock().ok().and_then(|mut work| work.take()) {
                within(*size, work);
            }
        };
        builder.spawn(parallel::beside(run)).ok()
    })
}

/// Runs `work` on a thread that was started with a stack of this size.
fn within<T>(size: usize, work: impl FnOnce() -> T) -> T {
    LOWEST.set(here().saturating_sub(size.saturating_sub(RESERVE)).max(1));
    SIZE.set(size);
    work()
}

/// Tries the sizes in turn, because a system may refuse to map the larger ones.
fn with_stack<T: Send>(sizes: &[usize], work: impl FnOnce() -> T + Send) -> Option<T> {
    let work = Mutex::new(Some(work));
    for size in sizes {
        let result = thread::scope(|scope| {
            let builder = thread::Builder::new().name("render".into()).stack_size(*size);
            let spawned = builder.spawn_scoped(scope, || {
                let work = work.lock().ok().and_then(|mut work| work.take());
                work.map(|work| within(*size, work))
            });
            spawned.ok().map(|handle| handle.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
        });
        if let Some(result) = result {
            return result;
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn descend(depth: usize) -> usize {
        if is_exhausted() { depth } else { std::hint::black_box(descend(depth + 1)) }
    }

    #[test]
    fn a_recursion_ends_before_the_stack_does() {
        assert!(descend(0) > 100);
        assert!(descend(0) < 100_000);
        let here = run_process(|| (descend(0), with_large_stack(|| thread::current().name() == Some("rutter")))).unwrap().unwrap();
        assert!(here.0 > 1_000_000 && here.1 == Some(true), "{here:?}");
        let deep = with_stack(&[64 << 20], || descend(0)).unwrap();
        assert!(deep > 10_000, "{deep}");
    }
}
