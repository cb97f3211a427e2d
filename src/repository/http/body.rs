//! Reads the body of a response.
//!
//! Goes in: a reader, and what is expected of it. Comes out: all its bytes, or why not. Progress is reported meanwhile. A body may
//! take longer than a request may wait, as long as it comes fast enough.

use super::super::{Progress, Reporter};
use super::failure::{Failure, chain, is_early_end};
use crate::error::{Error, ErrorKind};
use crate::quote::quote;
use std::io::Read;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// A body may outlast the timeout while it delivers this many bytes per second; a slower peer is given up.
pub(super) const SLOWEST: u64 = 10_000;
/// The number of transfers so far, which serves as their id.
static TRANSFERS: AtomicU64 = AtomicU64::new(0);

/// What is known of a body before it is read.
pub(super) struct Expected<'a> {
    /// Its length, if the server tells it.
    pub(super) total: Option<u64>,
    /// The most bytes it may have.
    pub(super) limit: u64,
    /// The label for reporting progress, if that is wanted.
    pub(super) label: Option<&'a str>,
    pub(super) timeout: Option<Duration>,
}

/// Reads the body and reports progress.
pub(super) fn read(source: &mut dyn Read, expected: &Expected<'_>, reporter: &dyn Reporter) -> Result<Vec<u8>, Unread> {
    let transfer = TRANSFERS.fetch_add(1, Ordering::Relaxed);
    let label = expected.label.map(str::to_string);
    let mut progress = label.map(|label| Progress { transfer, label, done: 0, total: expected.total, finished: false });
    let outcome = read_telling(source, expected, |done| {
        if let Some(progress) = &mut progress {
            progress.done = done;
            reporter.progress(progress);
        }
    });
    if let Some(progress) = &mut progress {
        progress.finished = true;
        reporter.progress(progress);
    }
    outcome
}

fn read_telling(source: &mut dyn Read, expected: &Expected<'_>, mut tell: impl FnMut(u64)) -> Result<Vec<u8>, Unread> {
    let mut body = Vec::with_capacity(usize::try_from(expected.total.unwrap_or(0)).unwrap_or(0).min(32 << 20));
    let mut buffer = vec![0; 64 << 10];
    let began = Instant::now();
    loop {
        let count = source.read(&mut buffer).map_err(|error| Unread::of(&error, expected.limit))?;
        if count == 0 {
            return Ok(body);
        }
        body.extend_from_slice(buffer.get(..count).unwrap_or_default());
        let done = body.len() as u64;
        if done > expected.limit {
            return Err(Unread::too_large(expected.limit));
        }
        if expected.timeout.is_some_and(|timeout| began.elapsed() > patience(timeout, done)) {
            return Err(Unread::too_slow());
        }
        tell(done);
    }
}

/// How long a body may take of which so many bytes have come.
pub(super) fn patience(timeout: Duration, read: u64) -> Duration {
    timeout.saturating_add(Duration::from_secs(read / SLOWEST))
}

/// Why a body was not read to its end.
pub(super) struct Unread {
    fault: String,
    /// Whether asking again may help: what is cut off may be whole then, what is wrong stays so.
    transient: bool,
}

impl Unread {
    fn too_large(limit: u64) -> Unread {
        Unread { fault: format!("answer is larger than the limit of {limit} bytes"), transient: false }
    }

    fn too_slow() -> Unread {
        Unread { fault: "context deadline exceeded while reading body".to_string(), transient: false }
    }

    fn of(error: &std::io::Error, limit: u64) -> Unread {
        use std::io::ErrorKind::{FileTooLarge, InvalidData, InvalidInput, TimedOut};
        let fault = chain(error);
        match error.kind() {
            FileTooLarge => Unread::too_large(limit),
            InvalidData | InvalidInput => Unread { fault, transient: false },
            kind if kind == TimedOut || fault.contains("timed out") => Unread::too_slow(),
            _ if is_early_end(error) || fault.contains("end of file") || fault.contains("connection closed") => {
                Unread { fault: "unexpected EOF".to_string(), transient: true }
            }
            _ => Unread { fault, transient: true },
        }
    }

    /// The failure of the request: `Get "http://…": why`.
    pub(super) fn of_request(self, verb: &str, shown: &str) -> Failure {
        let message = format!("{verb} {}: {}", quote(shown), self.fault);
        Failure { error: Error::new(ErrorKind::Repository, message), transient: self.transient }
    }
}
