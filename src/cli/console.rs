//! What actions say while they run, on the terminal: the command line's [`Reporter`].
//!
//! Goes in: lines, notices and progress, from any thread. Comes out: lines as they come, notices on standard error, and bars
//! on a terminal for transfers that take longer than a second.

use super::printer;
use super::session::Session;
use crate::diagnostic::Notice;
use crate::repository::{Progress, Reporter};
use indicatif::{ProgressBar, ProgressStyle};
use std::collections::HashMap;
use std::io::{IsTerminal, Write};
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// How long a transfer may take before a bar appears.
const BAR_DELAY: Duration = Duration::from_secs(1);

/// Says things while they happen: lines on standard output, notices on standard error, bars on a terminal.
pub struct Console {
    debug: bool,
    /// Lines go to standard error, because standard output carries a report for machines.
    to_stderr: bool,
    /// Only what is announced is said.
    silent: bool,
    terminal: bool,
    bars: Mutex<HashMap<String, (Instant, Option<ProgressBar>)>>,
}

impl Console {
    /// A console for this session.
    pub fn new(session: &Session) -> Console {
        Console {
            debug: session.settings.debug,
            to_stderr: false,
            silent: false,
            terminal: std::io::stderr().is_terminal(),
            bars: Mutex::default(),
        }
    }

    /// A console that leaves standard output to the report.
    pub fn beside_report(session: &Session) -> Console {
        Console { to_stderr: true, ..Console::new(session) }
    }

    /// The same console for work of which nothing is said but what Helm's client for registries announces.
    pub fn silent(self) -> Console {
        Console { silent: true, ..self }
    }
}

impl Reporter for Console {
    fn say(&self, line: &str) {
        if !self.silent {
            self.announce(line);
        }
    }

    fn announce(&self, line: &str) {
        // A reader that went away is no reason to stop half-way through a download.
        let _ = if self.to_stderr { writeln!(std::io::stderr(), "{line}") } else { writeln!(std::io::stdout(), "{line}") };
    }

    fn notice(&self, notice: Notice) {
        printer::print_notice(&notice, self.debug);
    }

    fn progress(&self, progress: &Progress) {
        if !self.terminal {
            return;
        }
        let Ok(mut bars) = self.bars.lock() else { return };
        let entry = bars.entry(progress.label.clone()).or_insert_with(|| (Instant::now(), None));
        if progress.finished {
            if let Some((_, Some(bar))) = bars.remove(&progress.label) {
                bar.finish_and_clear();
            }
            return;
        }
        if entry.1.is_none() && entry.0.elapsed() >= BAR_DELAY {
            let bar = progress.total.map_or_else(ProgressBar::new_spinner, ProgressBar::new);
            let template = "{msg} {bytes}/{total_bytes} {bar:30} {bytes_per_sec}";
            if let Ok(style) = ProgressStyle::with_template(template) {
                bar.set_style(style);
            }
            bar.set_message(progress.label.clone());
            entry.1 = Some(bar);
        }
        if let Some(bar) = &entry.1 {
            bar.set_position(progress.done);
        }
    }
}
