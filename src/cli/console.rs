//! The command line's [`Reporter`]: shows messages and progress of running actions on the terminal.
//!
//! Goes in: lines, notices and progress, from any thread. Comes out: lines as they come, notices on standard
//! error, and bars on a terminal for transfers that take longer than a second. Lines are printed above the bars.

use super::printer;
use super::session::Session;
use super::terminal;
use crate::diagnostic::Notice;
use crate::repository::{Progress, Reporter, printable};
use indicatif::{HumanBytes, MultiProgress, ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};
use std::collections::HashMap;
use std::io::{IsTerminal, Write};
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// How long a transfer may take before a bar appears.
const BAR_DELAY: Duration = Duration::from_secs(1);

/// Prints lines to standard output, notices to standard error, and bars on a terminal, while actions run.
pub struct Console {
    debug: bool,
    /// Lines go to standard error, because standard output carries a machine-readable report.
    to_stderr: bool,
    /// Only announced lines are printed.
    silent: bool,
    /// `None` unless standard error is a terminal that can show bars.
    bars: Option<Bars>,
}

impl Console {
    /// A console for this session.
    pub fn new(session: &Session) -> Console {
        let shows = std::io::stderr().is_terminal() && !terminal::is_dumb(&session.environment);
        let width = terminal::width(std::io::stderr()).unwrap_or(terminal::USUAL_WIDTH);
        Console {
            debug: session.settings.debug,
            to_stderr: false,
            silent: false,
            bars: shows.then(|| Bars::new(ProgressDrawTarget::stderr(), width)),
        }
    }

    /// A console that leaves standard output to a report.
    pub fn beside_report(session: &Session) -> Console {
        Console { to_stderr: true, ..Console::new(session) }
    }

    /// The same console, but it prints only what Helm's registry client announces.
    pub fn silent(self) -> Console {
        Console { silent: true, ..self }
    }

    /// Writes above the bars, which are hidden meanwhile.
    fn above_bars(&self, write: impl FnOnce()) {
        match &self.bars {
            Some(bars) => bars.all.suspend(write),
            None => write(),
        }
    }
}

impl Reporter for Console {
    fn say(&self, line: &str) {
        if !self.silent {
            self.announce(line);
        }
    }

    fn announce(&self, line: &str) {
        self.above_bars(|| {
            // A closed output is no reason to stop in the middle of a download.
            let _ = if self.to_stderr { writeln!(std::io::stderr(), "{line}") } else { writeln!(std::io::stdout(), "{line}") };
        });
    }

    fn notice(&self, notice: Notice) {
        self.above_bars(|| printer::print_notice(&notice, self.debug));
    }

    fn progress(&self, progress: &Progress) {
        if let Some(bars) = &self.bars {
            bars.update(progress, Instant::now());
        }
    }

    fn is_watched(&self) -> bool {
        if self.to_stderr { std::io::stderr().is_terminal() } else { std::io::stdout().is_terminal() }
    }
}

/// The bars of the transfers under way, one below the other.
struct Bars {
    all: MultiProgress,
    width: usize,
    /// When each transfer began, and its bar once it has one.
    transfers: Mutex<HashMap<u64, (Instant, Option<ProgressBar>)>>,
}

impl Bars {
    fn new(target: ProgressDrawTarget, width: usize) -> Bars {
        Bars { all: MultiProgress::with_draw_target(target), width, transfers: Mutex::default() }
    }

    fn update(&self, progress: &Progress, now: Instant) {
        let Ok(mut transfers) = self.transfers.lock() else { return };
        if progress.finished {
            if let Some((_, Some(bar))) = transfers.remove(&progress.transfer) {
                bar.finish_and_clear();
                self.all.remove(&bar);
            }
            return;
        }
        let (began, bar) = transfers.entry(progress.transfer).or_insert((now, None));
        let elapsed = now.saturating_duration_since(*began);
        match bar {
            Some(bar) => bar.set_position(progress.done),
            None if elapsed >= BAR_DELAY => *bar = Some(self.bar(progress, elapsed)),
            None => {}
        }
    }

    /// A bar for a transfer that started `elapsed` ago.
    fn bar(&self, progress: &Progress, elapsed: Duration) -> ProgressBar {
        let bar = ProgressBar::with_draw_target(progress.total, ProgressDrawTarget::hidden());
        if let Ok(style) = ProgressStyle::with_template(template(self.width, progress.total.is_some())) {
            // The average over the whole transfer: a server's pauses and bursts say little about when it will end.
            let speed = |state: &ProgressState, text: &mut dyn std::fmt::Write| {
                let _ = write!(text, "{}/s", HumanBytes((state.pos() as f64 / state.elapsed().as_secs_f64().max(0.001)) as u64));
            };
            bar.set_style(style.with_key("speed", speed));
        }
        // Labels come from servers, so they may hold control characters.
        bar.set_message(printable(&progress.label));
        bar.set_elapsed(elapsed);
        let bar = self.all.add(bar);
        bar.set_position(progress.done);
        bar
    }
}

/// The template of a bar's line, which must never be wider than the terminal: the name gets the space that the rest leaves.
fn template(width: usize, has_total: bool) -> &'static str {
    match (has_total, width) {
        (true, 80..) => "{wide_msg} {bytes}/{total_bytes} {bar:20} {speed}",
        (true, 40..80) => "{wide_msg} {percent:>3}% {speed}",
        (true, _) => "{wide_msg} {percent:>3}%",
        (false, 40..) => "{spinner} {wide_msg} {bytes} {speed}",
        (false, _) => "{spinner} {wide_msg}",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use indicatif::TermLike;
    use std::sync::Arc;

    /// A terminal that records its output.
    #[derive(Debug, Clone)]
    struct Screen {
        width: u16,
        text: Arc<Mutex<String>>,
    }

    impl Screen {
        fn put(&self, text: &str) -> std::io::Result<()> {
            self.text.lock().expect("the text").push_str(text);
            Ok(())
        }
    }

    impl TermLike for Screen {
        fn width(&self) -> u16 {
            self.width
        }
        fn move_cursor_up(&self, _: usize) -> std::io::Result<()> {
            self.put("\n")
        }
        fn move_cursor_down(&self, _: usize) -> std::io::Result<()> {
            self.put("\n")
        }
        fn move_cursor_right(&self, _: usize) -> std::io::Result<()> {
            Ok(())
        }
        fn move_cursor_left(&self, _: usize) -> std::io::Result<()> {
            Ok(())
        }
        fn write_line(&self, line: &str) -> std::io::Result<()> {
            self.put(&format!("{line}\n"))
        }
        fn write_str(&self, text: &str) -> std::io::Result<()> {
            // indicatif writes a line, then its padding; the terminal wraps, so the next write starts a new line.
            self.put(&format!("{text}\n"))
        }
        fn clear_line(&self) -> std::io::Result<()> {
            self.put("\n")
        }
        fn flush(&self) -> std::io::Result<()> {
            Ok(())
        }
    }

    fn progress(transfer: u64, label: &str, done: u64, total: Option<u64>) -> Progress {
        Progress { transfer, label: label.to_string(), done, total, finished: false }
    }

    /// The lines shown for these transfers, two seconds after they began.
    fn lines(width: u16, transfers: &[Progress]) -> Vec<String> {
        let screen = Screen { width, text: Arc::default() };
        let bars = Bars::new(ProgressDrawTarget::term_like_with_hz(Box::new(screen.clone()), 255), usize::from(width));
        let began = Instant::now();
        for progress in transfers {
            bars.update(progress, began);
            assert_eq!(*screen.text.lock().expect("the text"), "", "a bar before its time");
        }
        for progress in transfers {
            bars.update(progress, began + Duration::from_secs(2));
            std::thread::sleep(Duration::from_millis(20));
        }
        let text = screen.text.lock().expect("the text").clone();
        text.lines().filter(|line| !line.trim().is_empty()).map(str::to_string).collect()
    }

    #[test]
    fn each_transfer_has_its_line_with_its_own_numbers() {
        // Two archives of one name, from two repositories.
        let lines =
            lines(80, &[progress(1, "big-1.0.0.tgz", 3 << 20, Some(8 << 20)), progress(2, "big-1.0.0.tgz", 5 << 20, Some(9 << 20))]);
        let last: Vec<&String> = lines.iter().rev().take(2).collect();
        assert!(last[1].contains("3.00 MiB/8.00 MiB") && last[1].ends_with("1.50 MiB/s"), "{lines:#?}");
        assert!(last[0].contains("5.00 MiB/9.00 MiB") && last[0].ends_with("2.50 MiB/s"), "{lines:#?}");
    }

    #[test]
    fn no_line_is_longer_than_the_terminal_is_wide() {
        let name = "https://charts.example.com/stable/a/very/long/path/to/the/index.yaml-of-1.0.0.tgz";
        for width in [20, 40, 60, 80, 200] {
            for total in [None, Some(5000 << 20)] {
                let lines = lines(width, &[progress(1, name, 1023 << 20, total), progress(2, name, 1, total)]);
                assert!(!lines.is_empty());
                for line in lines {
                    let columns = line.chars().count();
                    assert!(columns <= usize::from(width), "{columns} of {width}: {line}");
                    assert!(line.contains(if width > 60 { "https://" } else { "htt" }), "{line}");
                }
            }
        }
    }

    #[test]
    fn without_a_length_the_bytes_are_shown() {
        let lines = lines(80, &[progress(1, "big.tgz", 3 << 20, None)]);
        let last = lines.last().expect("a line");
        assert!(last.contains("big.tgz") && last.ends_with("3.00 MiB 1.50 MiB/s"), "{last}");
    }
}
