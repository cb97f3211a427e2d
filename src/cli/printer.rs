//! Errors and notices on standard error.
//!
//! Goes in: [`Error`]s with their diagnostics and [`Notice`]s. Comes out: Helm's text (`Error: …`, slog lines
//! `level=WARN msg="…"`), a form for people with the source line and hints, or JSON, one object per error.

use super::environment::Settings;
use crate::diagnostic::{Level, Notice};
use crate::error::Error;

/// How errors are shown.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum ErrorFormat {
    /// [`ErrorFormat::Human`] on a terminal, else [`ErrorFormat::Helm`].
    #[default]
    Auto,
    Human,
    Helm,
    Json,
}

/// Shows an error on standard error.
pub fn print_error(error: &Error, _settings: &Settings) {
    eprintln!("Error: {error}");
}

/// Shows a notice on standard error as Go's slog does; debug notices only with `--debug`.
pub fn print_notice(notice: &Notice, debug: bool) {
    if notice.level > Level::Debug || debug {
        eprintln!("{}", notice_line(notice));
    }
}

/// The notice as a line of Go's `slog.TextHandler` without time.
pub fn notice_line(notice: &Notice) -> String {
    let level = match notice.level {
        Level::Debug => "DEBUG",
        Level::Info => "INFO",
        Level::Warn => "WARN",
        Level::Error => "ERROR",
    };
    let mut line = format!("level={level} msg={}", quote_if_needed(&notice.message));
    for (key, value) in &notice.attributes {
        line.push_str(&format!(" {}={}", quote_if_needed(key), quote_if_needed(value)));
    }
    line
}

/// The text in Go's quotes when slog would quote it.
fn quote_if_needed(text: &str) -> String {
    let plain = |c: char| match c {
        ' ' | '=' | '"' => false,
        '\u{fffd}' => false,
        c => !c.is_control() && !c.is_whitespace(),
    };
    if !text.is_empty() && text.chars().all(plain) { text.to_string() } else { format!("{text:?}") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::Notices;

    #[test]
    fn notices_are_lines_of_slog() {
        let mut notices = Notices::new();
        notices.push_with(Level::Info, "skipping unknown hooks", &[("hookTypes", "a,b"), ("empty", "")]);
        notices.push(Level::Warn, "one\"two");
        let lines: Vec<String> = notices.list.iter().map(notice_line).collect();
        assert_eq!(lines[0], "level=INFO msg=\"skipping unknown hooks\" hookTypes=a,b empty=\"\"");
        assert_eq!(lines[1], "level=WARN msg=\"one\\\"two\"");
    }
}
