//! The request log of `rutter serve`, on standard error.
//!
//! Goes in: one line for each request, from any thread. Comes out: the lines in their order, many with one system call.

use super::printer;
use crate::diagnostic::Notice;
use crate::repository::Reporter;
use std::io::Write;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

/// Request lines on standard error, written together by a thread of their own: a system call for each would cost more than
/// many an answer does.
pub struct RequestLog {
    debug: bool,
    lines: Arc<Lines>,
    writing: Mutex<Option<JoinHandle<()>>>,
}

#[derive(Default)]
struct Lines {
    waiting: Mutex<Waiting>,
    changed: Condvar,
}

#[derive(Default)]
struct Waiting {
    text: String,
    /// No more will come.
    closed: bool,
}

/// How long a line may wait for others.
const LOG_PAUSE: Duration = Duration::from_millis(20);
/// So many bytes are written by whoever adds to them, so that a reader that is slow cannot make them grow.
const LOG_LIMIT: usize = 1 << 20;

impl Lines {
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn write_until_closed(&self) {
        loop {
            let mut waiting = self.lock();
            while waiting.text.is_empty() && !waiting.closed {
                waiting = self.changed.wait(waiting).unwrap_or_else(PoisonError::into_inner);
            }
            let closed = waiting.closed;
            drop(waiting);
            if !closed {
                std::thread::sleep(LOG_PAUSE);
            }
            let text = std::mem::take(&mut self.lock().text);
            // Nobody is left to be told that nobody reads the log.
            let _ = std::io::stderr().lock().write_all(text.as_bytes());
            if closed {
                return;
            }
        }
    }
}

impl RequestLog {
    /// A log and the thread that writes it. With `debug` notices show their debug level too.
    pub fn new(debug: bool) -> RequestLog {
        let lines = Arc::new(Lines::default());
        let own = lines.clone();
        let writing = std::thread::Builder::new().name("log".to_string()).spawn(move || own.write_until_closed()).ok();
        RequestLog { debug, lines, writing: Mutex::new(writing) }
    }

    /// Writes what is left, and waits until it is written.
    pub fn close(&self) {
        self.lines.lock().closed = true;
        self.lines.changed.notify_one();
        let writing = self.writing.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(writing) = writing {
            let _ = writing.join();
        }
    }
}

impl Reporter for RequestLog {
    fn say(&self, line: &str) {
        let mut waiting = self.lines.lock();
        let was_empty = waiting.text.is_empty();
        waiting.text.push_str(line);
        waiting.text.push('\n');
        if waiting.text.len() > LOG_LIMIT {
            let text = std::mem::take(&mut waiting.text);
            let _ = std::io::stderr().lock().write_all(text.as_bytes());
        } else if was_empty {
            drop(waiting);
            self.lines.changed.notify_one();
        }
    }

    fn notice(&self, notice: Notice) {
        printer::print_notice(&notice, self.debug);
    }
}
