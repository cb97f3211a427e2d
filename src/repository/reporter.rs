//! Messages while work goes on.
//!
//! Goes in: lines, notices and progress, from any thread. Comes out: whatever a [`Reporter`] does with them; the command line
//! prints, tests and callers that print later keep them ([`Recorded`]). Separate because nothing below the command line may print.

use crate::diagnostic::{Level, Notice, Notices};
use std::sync::Mutex;

/// The progress of a transfer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Progress {
    /// The id of the transfer: two concurrent ones may have the same name.
    pub transfer: u64,
    /// The name of the transferred object.
    pub label: String,
    /// Bytes so far.
    pub done: u64,
    /// Total bytes, if known.
    pub total: Option<u64>,
    /// The transfer has ended.
    pub finished: bool,
}

/// Receives messages while work goes on. Shared by threads.
pub trait Reporter: Send + Sync {
    /// A line that Helm writes to standard output while it works, without the line end.
    fn say(&self, line: &str);
    /// A line of Helm's registry client, which writes to standard output even if the command itself is silent.
    fn announce(&self, line: &str) {
        self.say(line);
    }
    /// A warning or remark for standard error.
    fn notice(&self, notice: Notice);
    /// Progress of a transfer; shown only on a terminal.
    fn progress(&self, _progress: &Progress) {}
    /// Whether progress is shown live. If so, results are reported as they come, else in their order.
    fn is_watched(&self) -> bool {
        false
    }

    /// A message for `--debug`.
    fn debug(&self, message: &str, attributes: &[(&str, &str)]) {
        let attributes = attributes.iter().map(|(key, value)| (key.to_string(), value.to_string())).collect();
        self.notice(Notice { level: Level::Debug, message: message.to_string(), attributes });
    }

    /// A warning without attributes.
    fn warn(&self, message: &str) {
        self.warn_with(message, &[]);
    }

    /// A warning with attributes, in their order.
    fn warn_with(&self, message: &str, attributes: &[(&str, &str)]) {
        let attributes = attributes.iter().map(|(key, value)| (key.to_string(), value.to_string())).collect();
        self.notice(Notice { level: Level::Warn, message: message.to_string(), attributes });
    }

    /// Passes on collected notices, in their order.
    fn pass_on(&self, notices: Notices) {
        notices.list.into_iter().for_each(|notice| self.notice(notice));
    }
}

/// A reporter that records everything: for tests and for callers that print later.
#[derive(Debug, Default)]
pub struct Recorded {
    lines: Mutex<Vec<String>>,
    notices: Mutex<Vec<Notice>>,
}

impl Recorded {
    /// The lines so far.
    pub fn lines(&self) -> Vec<String> {
        self.lines.lock().map(|lines| lines.clone()).unwrap_or_default()
    }

    /// The notices so far.
    pub fn notices(&self) -> Vec<Notice> {
        self.notices.lock().map(|notices| notices.clone()).unwrap_or_default()
    }
}

impl Reporter for Recorded {
    fn say(&self, line: &str) {
        if let Ok(mut lines) = self.lines.lock() {
            lines.push(line.to_string());
        }
    }

    fn notice(&self, notice: Notice) {
        if let Ok(mut notices) = self.notices.lock() {
            notices.push(notice);
        }
    }
}
