//! The request log of `rutter serve`, on standard error.
//!
//! Goes in: one line for each request, from any thread. Comes out: the lines in their order, many with one system call. Logging
//! never waits for the reader of standard error: if it does not keep up, lines are dropped and their number is logged instead.

use super::printer;
use crate::diagnostic::{Level, Notice};
use crate::error::{Error, ErrorKind, Result};
use crate::fs;
use crate::repository::Reporter;
use std::io::Write;
use std::mem;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Request lines on standard error, written in batches by a separate thread: a system call per line would cost more than many an answer.
pub struct RequestLog {
    debug: bool,
    lines: Arc<Lines>,
}

#[derive(Default)]
struct Lines {
    waiting: Mutex<Waiting>,
    changed: Condvar,
}

#[derive(Default)]
struct Waiting {
    text: String,
    /// How many lines were dropped after the text.
    dropped: u64,
    /// No more lines will come.
    closed: bool,
    /// Everything is written.
    done: bool,
}

/// How long a line waits for others to be written with it.
const LOG_PAUSE: Duration = Duration::from_millis(20);
/// How long the end of the program waits for the reader of the log.
const CLOSING: Duration = Duration::from_secs(2);
/// How many bytes may wait to be written, at most.
const LOG_LIMIT: usize = 1 << 20;

impl Waiting {
    /// Adds a line, or drops it if too much is waiting; returns whether nothing was waiting before.
    fn add(&mut self, line: &str) -> bool {
        let is_first = self.text.is_empty() && self.dropped == 0;
        if self.dropped > 0 || self.text.len() + line.len() >= LOG_LIMIT {
            self.dropped += 1;
        } else {
            self.text.push_str(line);
            self.text.push('\n');
        }
        is_first
    }

    /// Takes the text to write now.
    fn take(&mut self) -> String {
        let mut text = mem::take(&mut self.text);
        let dropped = mem::take(&mut self.dropped);
        if dropped > 0 {
            let attributes = vec![("lines".to_string(), dropped.to_string())];
            let message = "the log was not read in time, lines are left out here".to_string();
            text.push_str(&printer::notice_line(&Notice { level: Level::Warn, message, attributes }));
            text.push('\n');
        }
        text
    }
}

impl Lines {
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn write_until_closed(&self, to: &mut dyn Write) {
        loop {
            let mut waiting = self.lock();
            while waiting.text.is_empty() && waiting.dropped == 0 && !waiting.closed {
                waiting = self.changed.wait(waiting).unwrap_or_else(PoisonError::into_inner);
            }
            let closed = waiting.closed;
            drop(waiting);
            if !closed {
                std::thread::sleep(LOG_PAUSE);
            }
            let text = self.lock().take();
            // A failed write cannot be reported, since the log itself is unread.
            let _ = to.write_all(text.as_bytes());
            if closed {
                self.lock().done = true;
                self.changed.notify_all();
                return;
            }
        }
    }

    /// Marks the log as closed and waits until everything is written, but at most for `patience`.
    fn close(&self, patience: Duration) {
        let mut waiting = self.lock();
        waiting.closed = true;
        self.changed.notify_all();
        drop(self.changed.wait_timeout_while(waiting, patience, |waiting| !waiting.done));
    }
}

impl RequestLog {
    /// Creates a log and the thread that writes it. With `debug` notices of the debug level are logged too.
    /// Fails if no thread can be started.
    pub fn new(debug: bool) -> Result<RequestLog> {
        let lines = Arc::new(Lines::default());
        let own = lines.clone();
        let write = move || own.write_until_closed(&mut std::io::stderr());
        let started = std::thread::Builder::new().name("log".to_string()).spawn(write);
        started.map_err(|error| Error::new(ErrorKind::Io, format!("cannot start the log: {}", fs::reason(&error))))?;
        Ok(RequestLog { debug, lines })
    }

    /// Writes the remaining lines, as far as they are read in time.
    pub fn close(&self) {
        self.lines.close(CLOSING);
    }
}

impl Reporter for RequestLog {
    fn say(&self, line: &str) {
        if self.lines.lock().add(line) {
            self.lines.changed.notify_all();
        }
    }

    fn notice(&self, notice: Notice) {
        if notice.level > Level::Debug || self.debug {
            self.say(&printer::notice_line(&notice));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Result;
    use std::sync::mpsc::{Receiver, channel};

    /// A reader that reads only when told to, and keeps what it read.
    struct Slow<'a> {
        go_on: &'a Receiver<()>,
        read: String,
    }

    impl Write for Slow<'_> {
        fn write(&mut self, bytes: &[u8]) -> Result<usize> {
            // A closed channel counts as permission to read on.
            let _ = self.go_on.recv();
            self.read.push_str(&String::from_utf8_lossy(bytes));
            Ok(bytes.len())
        }

        fn flush(&mut self) -> Result<()> {
            Ok(())
        }
    }

    #[test]
    fn nobody_waits_for_a_reader_that_stands_still() {
        const LINES: usize = 100_000;
        let log = RequestLog { debug: false, lines: Arc::default() };
        let (tell, go_on) = channel();
        let read = std::thread::scope(|scope| {
            let lines = log.lines.clone();
            let writer = scope.spawn(move || {
                let mut slow = Slow { go_on: &go_on, read: String::new() };
                lines.write_until_closed(&mut slow);
                slow.read
            });
            for number in 0..LINES {
                log.say(&format!("request {number:06} was answered by a line of some length"));
            }
            log.notice(Notice { level: Level::Error, message: "storage".into(), attributes: Vec::new() });
            log.lines.close(Duration::ZERO);
            drop(tell);
            log.close();
            writer.join().expect("it ends")
        });
        assert!(log.lines.lock().done);
        let whole = read.lines().filter(|line| line.starts_with("request ") || line.starts_with("level=ERROR")).count();
        let dropped = read.lines().filter_map(|line| line.rsplit_once(" lines=")?.1.parse::<usize>().ok());
        assert_eq!(whole + dropped.sum::<usize>(), LINES + 1, "all are written or counted");
        assert!(whole < LINES && whole > 1000, "{whole}");
        assert!(read.len() < 3 * LOG_LIMIT);
        assert!(read.contains("level=WARN msg=\"the log was not read in time, lines are left out here\" lines="));
    }

    #[test]
    fn lines_come_in_their_order() {
        let log = RequestLog { debug: false, lines: Arc::default() };
        log.say("a");
        log.say("b");
        log.notice(Notice { level: Level::Debug, message: "not shown".into(), attributes: Vec::new() });
        log.notice(Notice { level: Level::Warn, message: "shown".into(), attributes: Vec::new() });
        log.lines.close(Duration::ZERO);
        let mut text = Vec::new();
        log.lines.write_until_closed(&mut text);
        assert_eq!(String::from_utf8_lossy(&text), "a\nb\nlevel=WARN msg=shown\n");
    }
}
