//! Errors and notices on standard error.
//!
//! Goes in: [`Error`]s with their diagnostics and [`Notice`]s. Comes out, depending on [`ErrorFormat`]: Helm's text
//! (`Error: …`), a form for people with the source line, the calls that led there and hints, or JSON, one object per error
//! and line. Notices are always Helm's slog lines (`level=WARN msg="…"`). This file only formats; it does not find faults.

use super::environment::{Color, Settings};
use super::terminal;
use crate::diagnostic::{Diagnostic, Frame, Level, Location, Notice};
use crate::error::{Error, ErrorKind};
use crate::manifest::SEE_ALL;
use crate::quote;
use annotate_snippets::renderer::DecorStyle;
use annotate_snippets::{AnnotationKind, Element, Group, Level as Title, Origin, Renderer, Snippet};
use std::io::{IsTerminal, Write as _};

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

/// The format to use, with [`ErrorFormat::Auto`] resolved.
pub fn chosen_format(settings: &Settings) -> ErrorFormat {
    match settings.error_format {
        ErrorFormat::Auto if std::io::stderr().is_terminal() => ErrorFormat::Human,
        ErrorFormat::Auto => ErrorFormat::Helm,
        format => format,
    }
}

/// Writes a line to standard error. If the write fails, as on a full disk or a closed pipe, only the line is
/// lost: the exit code still tells how the command ended.
pub fn tell(line: &str) {
    let _ = std::io::stderr().lock().write_all(format!("{line}\n").as_bytes());
}

/// Shows an error on standard error.
pub fn print_error(error: &Error, settings: &Settings) {
    let terminal = std::io::stderr().is_terminal();
    match chosen_format(settings) {
        ErrorFormat::Json => tell(&json(error)),
        ErrorFormat::Human => {
            let look = Look { styled: is_styled(settings, terminal), width: terminal::width(std::io::stderr()), debug: settings.debug };
            tell(&human(error, look));
        }
        ErrorFormat::Helm | ErrorFormat::Auto => tell(&format!("Error: {error}")),
    }
}

fn is_styled(settings: &Settings, terminal: bool) -> bool {
    match settings.color {
        Color::Always => {
            takes_escapes();
            true
        }
        Color::Never => false,
        Color::Auto => terminal && !settings.dumb_terminal && takes_escapes(),
    }
}

/// Whether terminals support colour escapes.
#[cfg(not(windows))]
fn takes_escapes() -> bool {
    true
}

/// Whether this terminal does; the Windows console must be switched to it.
#[cfg(windows)]
fn takes_escapes() -> bool {
    [console::Term::stderr(), console::Term::stdout()].iter().any(|terminal| terminal.features().colors_supported())
}

/// How to format an error for people.
#[derive(Debug, Clone, Copy, Default)]
pub struct Look {
    /// With colours.
    pub styled: bool,
    /// The number of columns, if known: longer source lines are cut to the part around the fault.
    pub width: Option<usize>,
    /// Whether `--debug` was given, so that no hint needs to suggest it.
    pub debug: bool,
}

fn renderer(look: Look) -> Renderer {
    let renderer = if look.styled { Renderer::styled() } else { Renderer::plain() };
    let renderer = renderer.decor_style(DecorStyle::Ascii);
    match look.width {
        Some(width) => renderer.term_width(width),
        None => renderer,
    }
}

/// The locations of the diagnostics, formatted to follow a line on standard output that states the fault; empty, or whole lines.
pub fn places(diagnostics: &[Diagnostic], settings: &Settings) -> String {
    let styled = is_styled(settings, std::io::stdout().is_terminal());
    let look = Look { styled, width: terminal::width(std::io::stdout()), debug: settings.debug };
    let renderer = renderer(look);
    let located = diagnostics.iter().filter(|diagnostic| diagnostic.location.is_some());
    located.map(|diagnostic| renderer.render(&[Group::with_level(Title::ERROR).elements(elements(diagnostic, look))]) + "\n").collect()
}

/// The error for people: headline, location, the source line with the fault marked, the calls that led there, notes and hints.
/// Without diagnostics it is Helm's text.
pub fn human(error: &Error, look: Look) -> String {
    let renderer = renderer(look);
    if error.diagnostics().is_empty() {
        let report = [Group::with_title(Title::ERROR.primary_title(without_advice(error.message()).trim_end()))];
        return renderer.render(&report);
    }
    let rendered: Vec<String> =
        error.diagnostics().iter().map(|diagnostic| renderer.render(&[group(headline(diagnostic, error), diagnostic, look)])).collect();
    rendered.join("\n\n")
}

/// The advice that Helm appends to an error in rendered manifests.
pub const SEE_DEBUG: &str = "\n\nUse --debug flag to render out invalid YAML";

/// Helm's message without that advice, which only applies to Helm's own error format.
fn without_advice(message: &str) -> &str {
    message.strip_suffix(SEE_DEBUG).unwrap_or(message)
}

/// The headline; the whole message if the location names no file.
fn headline<'a>(diagnostic: &'a Diagnostic, error: &'a Error) -> &'a str {
    let is_nowhere = diagnostic.location.as_ref().is_some_and(|location| location.file.is_empty());
    if is_nowhere { without_advice(error.message()).trim_end() } else { &diagnostic.headline }
}

/// A diagnostic as the group that annotate-snippets lays out.
fn group<'a>(headline: &'a str, diagnostic: &'a Diagnostic, look: Look) -> Group<'a> {
    Group::with_title(Title::ERROR.primary_title(headline)).elements(elements(diagnostic, look))
}

/// Everything except the headline.
fn elements(diagnostic: &Diagnostic, look: Look) -> Vec<Element<'_>> {
    let mut elements: Vec<Element<'_>> = Vec::new();
    if let Some(location) = &diagnostic.location {
        elements.push(place(location, diagnostic));
    }
    // The innermost call comes first, next to the fault, since a reader goes backwards.
    for frame in diagnostic.frames.iter().rev() {
        elements.push(Title::NOTE.with_name("from").message(call(frame)).into());
    }
    elements.extend(diagnostic.notes.iter().map(|note| Element::from(Title::NOTE.message(note.as_str()))));
    let hints = diagnostic.hints.iter().filter(|hint| !(look.debug && *hint == SEE_ALL));
    elements.extend(hints.map(|hint| Element::from(Title::HELP.with_name("hint").message(hint.as_str()))));
    elements
}

/// The source line with the fault marked, or only the location if the line is unknown.
fn place<'a>(location: &'a Location, diagnostic: &'a Diagnostic) -> Element<'a> {
    let Some(line) = diagnostic.source_line.as_deref().filter(|line| !line.is_empty()) else {
        let origin = Origin::path(location.file.as_str()).line(location.line);
        return match location.column {
            Some(column) => origin.char_column(column + 1).into(),
            None => origin.into(),
        };
    };
    let (start, length) = marked(line, location.column, diagnostic);
    let start = floor_boundary(line, start);
    let end = floor_boundary(line, start.saturating_add(length)).max(start);
    let path = Some(location.file.as_str()).filter(|path| !path.is_empty());
    Snippet::source(line).line_start(location.line).path(path).annotation(AnnotationKind::Primary.span(start..end)).into()
}

/// The part of the line to mark: the failing node, which may start before the position in Go's message; else
/// the diagnostic's span; else the whole line.
fn marked(line: &str, column: Option<usize>, diagnostic: &Diagnostic) -> (usize, usize) {
    let Some(column) = column else { return (line.len() - line.trim_start().len(), line.trim().len()) };
    let node = diagnostic.node.lines().next().unwrap_or_default();
    if !node.is_empty() {
        let around = line.match_indices(node).find(|(at, _)| (*at..*at + node.len()).contains(&column));
        if let Some((at, _)) = around {
            return (at, node.len());
        }
    }
    (column, diagnostic.span.max(1))
}

/// The nearest character boundary at or before `at`.
fn floor_boundary(line: &str, at: usize) -> usize {
    (0..=at.min(line.len())).rev().find(|at| line.is_char_boundary(*at)).unwrap_or(0)
}

/// One call of the trace, in one line.
fn call(frame: &Frame) -> String {
    let Location { file, line, column } = &frame.location;
    let column = column.map_or_else(String::new, |column| format!(":{}", column + 1));
    let node = if frame.node.is_empty() { String::new() } else { format!(" `{}`", frame.node) };
    // A file's own template has the file's name, which is already shown.
    let inside = if frame.template.is_empty() || frame.template == *file { String::new() } else { format!(" in \"{}\"", frame.template) };
    format!("{file}:{line}{column}{node}{inside}")
}

/// The error as one JSON object in one line.
pub fn json(error: &Error) -> String {
    let diagnostics: Vec<serde_json::Value> = error
        .diagnostics()
        .iter()
        .map(|diagnostic| {
            let frames: Vec<serde_json::Value> = diagnostic
                .frames
                .iter()
                .map(|frame| serde_json::json!({ "location": location(&frame.location), "template": frame.template, "node": frame.node }))
                .collect();
            serde_json::json!({
                "message": diagnostic.headline,
                "location": diagnostic.location.as_ref().map(|place| location(&marked_place(place, diagnostic))),
                "source_line": diagnostic.source_line,
                "frames": frames,
                "notes": diagnostic.notes,
                "hints": diagnostic.hints,
            })
        })
        .collect();
    serde_json::json!({ "kind": kind(error.kind()), "message": without_advice(error.message()), "diagnostics": diagnostics }).to_string()
}

/// The start of the mark that people see, counted in characters if the line is known.
fn marked_place(place: &Location, diagnostic: &Diagnostic) -> Location {
    let line = diagnostic.source_line.as_deref().filter(|line| !line.is_empty());
    let (Some(line), Some(_)) = (line, place.column) else { return place.clone() };
    let start = floor_boundary(line, marked(line, place.column, diagnostic).0);
    Location { column: Some(line.get(..start).unwrap_or_default().chars().count()), ..place.clone() }
}

/// A location as JSON, with line and column counted from 1.
fn location(location: &Location) -> serde_json::Value {
    serde_json::json!({ "file": location.file, "line": location.line, "column": location.column.map(|column| column + 1) })
}

fn kind(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::Usage => "usage",
        ErrorKind::Io => "io",
        ErrorKind::Syntax => "syntax",
        ErrorKind::Chart => "chart",
        ErrorKind::Values => "values",
        ErrorKind::Dependency => "dependency",
        ErrorKind::Template => "template",
        ErrorKind::Manifest => "manifest",
        ErrorKind::Lint => "lint",
        ErrorKind::Repository => "repository",
        ErrorKind::Verification => "verification",
        ErrorKind::Missing => "missing",
        ErrorKind::Exists => "exists",
        ErrorKind::Limit => "limit",
        ErrorKind::Unsupported => "unsupported",
    }
}

/// Shows a notice on standard error as Go's slog does; debug notices only with `--debug`.
pub fn print_notice(notice: &Notice, debug: bool) {
    if notice.level > Level::Debug || debug {
        tell(&notice_line(notice));
    }
}

/// The notice as a line of Go's `slog.TextHandler` without the time.
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

/// The text, in Go's quotes if slog would quote it.
fn quote_if_needed(text: &str) -> String {
    let plain = |c: char| match c {
        ' ' | '=' | '"' | '\u{fffd}' => false,
        c => !c.is_whitespace() && quote::is_printable(c),
    };
    if !text.is_empty() && text.chars().all(plain) { text.to_string() } else { quote::quote(text.as_bytes()) }
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

    fn error() -> Error {
        let location = |file: &str, line, column| Location { file: file.to_string(), line, column: Some(column) };
        Error::new(ErrorKind::Template, "whole text\n\nUse --debug flag to render out invalid YAML").with_diagnostic(Diagnostic {
            headline: "nil pointer evaluating interface {}.tag".to_string(),
            text: None,
            location: Some(location("c/templates/_h.tpl", 2, 17)),
            source_line: Some("image: {{ .Values.image.tag }}".to_string()),
            node: ".Values.image.tag".to_string(),
            span: 17,
            frames: vec![Frame {
                location: location("c/templates/d.yaml", 7, 11),
                template: "c/templates/d.yaml".to_string(),
                node: "include \"c.image\" .".to_string(),
            }],
            notes: vec!["`.Values.image` is not set".to_string()],
            hints: vec!["did you mean `.Values.images`?".to_string()],
        })
    }

    #[test]
    fn people_see_the_line_and_the_way_to_it() {
        let want = "\
error: nil pointer evaluating interface {}.tag
 --> c/templates/_h.tpl:2:11
  |
2 | image: {{ .Values.image.tag }}
  |           ^^^^^^^^^^^^^^^^^
  |
  = from: c/templates/d.yaml:7:12 `include \"c.image\" .`
  = note: `.Values.image` is not set
  = hint: did you mean `.Values.images`?";
        assert_eq!(human(&error(), Look::default()), want);
        assert_eq!(
            human(&Error::new(ErrorKind::Io, "open x: no such file or directory"), Look::default()),
            "error: open x: no such file or directory"
        );
    }

    #[test]
    fn a_terminal_that_is_dumb_gets_colour_only_where_it_is_asked_for() {
        use crate::cli::arguments::GlobalArguments;
        use crate::cli::environment::Environment;
        for (term, color, want) in [
            ("xterm", None, true),
            ("xterm", Some("never"), false),
            ("dumb", None, !cfg!(unix)),
            ("dumb", Some("always"), true),
            ("", None, !cfg!(unix)),
        ] {
            let variables = [("TERM", Some(term)), ("HELM_COLOR", color)];
            let pair = |(name, value): (&str, Option<&str>)| value.map(|value| (name.to_string(), value.to_string()));
            let environment = Environment::of(variables.into_iter().filter_map(pair).collect());
            let settings = Settings::new(&environment, &GlobalArguments::default());
            assert_eq!(is_styled(&settings, true), want, "{term:?} {color:?}");
        }
    }

    #[test]
    fn long_lines_are_cut_to_the_width_and_debug_is_not_advised_when_it_is_on() {
        let mut error = error();
        let diagnostic = &mut error.diagnostics_mut()[0];
        let before = "key: value, ".repeat(40);
        diagnostic.source_line = Some(format!("{before}{{{{ .Values.image.tag }}}}{}", ", key: value".repeat(40)));
        diagnostic.location = Some(Location { file: "f".to_string(), line: 2, column: Some(before.len() + 9) });
        diagnostic.hints = vec![SEE_ALL.to_string(), "another".to_string()];
        for width in [60, 80, 120] {
            let text = human(&error, Look { width: Some(width), ..Look::default() });
            assert!(text.contains(SEE_ALL) && text.contains("^^^^"), "{text}");
            let excerpt = text.lines().find(|line| line.starts_with("2 |")).expect("the line");
            assert!(excerpt.contains(".Values.image.tag") && excerpt.chars().count() <= width, "{width}: {text}");
        }
        let text = human(&error, Look { debug: true, ..Look::default() });
        assert!(!text.contains(SEE_ALL) && text.contains("another"), "{text}");
    }

    #[test]
    fn odd_places_do_not_break_the_picture() {
        for (line, column, span) in [("é", 1, 9), ("", 5, 1), ("ab", 99, 3), ("\tab", 1, usize::MAX)] {
            let mut error = error();
            let diagnostic = &mut error.diagnostics_mut()[0];
            diagnostic.source_line = Some(line.to_string());
            diagnostic.location = Some(Location { file: "f".to_string(), line: 1, column: Some(column) });
            diagnostic.span = span;
            assert!(human(&error, Look { styled: true, ..Look::default() }).contains("nil pointer"));
        }
    }

    #[test]
    fn machines_get_one_object() {
        let text = json(&error());
        assert!(!text.contains('\n'));
        let value: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(value["kind"], "template");
        assert_eq!(value["message"], "whole text");
        assert_eq!(value["diagnostics"][0]["location"], serde_json::json!({ "file": "c/templates/_h.tpl", "line": 2, "column": 11 }));
    }
}
