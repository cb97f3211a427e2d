//! Why an execution failed, and the calls that led there.
//!
//! Goes in: levels from the innermost to the outermost, added while the calls unwind. Comes out: Go's one-line text, Helm's
//! rearrangement of it, and a diagnostic. Nothing is formatted until the error is displayed, so that a thousand nested includes do
//! not copy each other's texts. Follows `reformatExecErrorMsg` of Helm's engine.go.

use super::set::Template;
use crate::diagnostic::{Diagnostic, Frame, Location};
use crate::quote;
use crate::template::ast::{NodeRef, line_and_column};
use crate::template::functions::engine::{WARN_END, WARN_START};
use crate::template::parser::ParseError;
use crate::template::value::Str;
use std::fmt::Write;
use std::ops::Range;
use std::sync::Arc;

/// One level of a failure.
#[derive(Debug, Clone)]
enum Level {
    /// `template: FILE:L:C: executing "NAME" at <NODE>: MESSAGE`; the message ends with `: ` if an inner level follows.
    Executing(Place),
    /// The text given to a `tpl`, written before an inner level: `error during tpl function execution for "…": `.
    Text(Str),
    /// A function's error; only as the innermost level.
    Returned(String),
}

#[derive(Debug, Clone)]
struct Place {
    /// Empty if no node was evaluated yet.
    file: Arc<str>,
    line: usize,
    column: usize,
    template: Vec<u8>,
    node: Vec<u8>,
    source_line: Vec<u8>,
    message: String,
}

/// A failed execution.
#[derive(Debug, Clone)]
pub struct Failure {
    /// Innermost first.
    levels: Vec<Level>,
    notes: Vec<String>,
    hints: Vec<String>,
    /// The innermost text given to an active `tpl`.
    text: Option<Str>,
    /// The part of the innermost template that people see marked, where the node that Go names is not at fault.
    marked: Option<Box<Place>>,
    /// The value before the `|` if that is at fault, until the pipeline says where it comes from.
    piped: Option<String>,
    /// Why that text does not parse; then no level has the place.
    unparsed: Option<Box<Diagnostic>>,
}

impl Failure {
    pub(super) fn at(template: &Template, node: Option<NodeRef<'_>>, message: String) -> Failure {
        Failure::of(Level::Executing(Place::new(template, node, message)))
    }

    /// A function's error, without a place.
    pub(super) fn returned(message: impl Into<String>) -> Failure {
        Failure::of(Level::Returned(message.into()))
    }

    fn of(level: Level) -> Failure {
        Failure { levels: vec![level], notes: Vec::new(), hints: Vec::new(), text: None, marked: None, piped: None, unparsed: None }
    }

    /// Adds a fact for people.
    pub(super) fn note(&mut self, note: String) {
        self.notes.push(note);
    }

    /// Adds advice for people.
    pub(super) fn hint(&mut self, hint: String) {
        self.hints.push(hint);
    }

    /// Shows people this part of the template instead of the node that Go names.
    pub(super) fn mark(&mut self, template: &Template, part: Range<usize>) {
        self.marked = Some(Box::new(Place::of_part(template, part)));
    }

    /// Says that the value before the `|` is at fault; `shown` is that value.
    pub(super) fn blame_piped(&mut self, shown: String) {
        self.piped = Some(shown);
    }

    /// Marks `before`, the part before the `|`, if the value that it gave is at fault.
    #[cold]
    pub(super) fn in_pipeline(mut self: Box<Failure>, template: &Template, before: Range<usize>) -> Box<Failure> {
        if let Some(shown) = self.piped.take() {
            let part = String::from_utf8_lossy(template.tree.source.text.get(before.clone()).unwrap_or_default()).into_owned();
            // Advice follows a plain path to its value and tells the origin too.
            if part.contains(|c: char| !c.is_alphanumeric() && !matches!(c, '.' | '_' | '$')) {
                self.note(format!("`{part}` gives `{shown}`"));
            }
            self.mark(template, before);
        }
        self
    }

    /// Whether it happened in the node itself, not in something that the node called.
    pub(super) fn is_direct(&self) -> bool {
        matches!(&*self.levels, [Level::Executing(_)])
    }

    /// The same failure, seen from the call in which it happened.
    pub(super) fn called_from(mut self: Box<Failure>, template: &Template, node: Option<NodeRef<'_>>, name: &str) -> Box<Failure> {
        let mut place = Place::new(template, node, format!("error calling {name}: "));
        // Only the line of the innermost place is shown, and a line may be as long as a whole text.
        if self.levels.iter().any(|level| matches!(level, Level::Executing(_))) {
            place.source_line = Vec::new();
        }
        self.levels.push(Level::Executing(place));
        self
    }

    /// The same failure, seen from the `tpl` in which it happened.
    pub(super) fn in_text(mut self: Box<Failure>, text: &Str) -> Box<Failure> {
        self.levels.push(Level::Text(text.clone()));
        self.text.get_or_insert_with(|| text.clone());
        self
    }

    /// The failure of a text given to `tpl` that does not parse; `name` is the name of the text.
    pub(super) fn unparsed(text: &Str, name: &str, error: &ParseError) -> Failure {
        let mut failure = Failure::returned(format!("cannot parse template {}: {}", quote::quote(text.as_bytes()), error.text(name)));
        failure.text = Some(text.clone());
        failure.unparsed = Some(Box::new(error.diagnostic(name, text.as_bytes())));
        failure
    }

    /// Go's text of the error.
    pub fn text(&self) -> String {
        let mut text = String::new();
        let mut room = MAX_TEXTS;
        for level in self.levels.iter().rev() {
            match level {
                Level::Executing(place) => place.write(&mut text),
                Level::Text(template) => {
                    // A text that passes itself to `tpl` appears in each of a thousand levels.
                    let shown = quote::quote(template.as_bytes().get(..room).unwrap_or(template.as_bytes()));
                    let cut = if template.len() > room { "…" } else { "" };
                    room = room.saturating_sub(template.len());
                    let _ = write!(text, "error during tpl function execution for {shown}{cut}: ");
                }
                Level::Returned(part) => text.push_str(part),
            }
        }
        text
    }

    /// Helm's form of the text.
    pub fn helm_text(&self) -> String {
        let text = self.text();
        let mut tokens = text.splitn(3, ": ");
        let (Some(_), Some(location), Some(rest)) = (tokens.next(), tokens.next(), tokens.next()) else {
            return text;
        };
        if let (Some(start), Some(end)) = (rest.find(WARN_START), rest.rfind(WARN_END))
            && start + WARN_START.len() <= end
        {
            return format!("execution error at ({location}): {}", &rest[start + WARN_START.len()..end]);
        }
        let mut steps: Vec<Step> = Vec::new();
        for (index, level) in self.levels.iter().enumerate().rev() {
            let step = match level {
                Level::Executing(place) => place.step(index > 0),
                Level::Returned(message) if message.starts_with("template: no template ") => {
                    Some(Step { message: message.clone(), ..Step::default() })
                }
                _ => None,
            };
            match step {
                Some(step) if steps.last() == Some(&step) => {}
                Some(step) => steps.push(step),
                None => return text,
            }
        }
        let mut out = String::new();
        for step in &steps {
            for (part, end) in [(&step.location, "\n  "), (&step.executing, "\n    "), (&step.message, "\n")] {
                if !part.is_empty() {
                    out.push_str(part);
                    out.push_str(end);
                }
            }
        }
        out.trim().to_string()
    }

    /// Whether a missing template was called.
    pub fn misses_template(&self) -> bool {
        match self.levels.first() {
            Some(Level::Returned(message)) => message.starts_with("template: no template "),
            Some(Level::Executing(place)) => place.message.starts_with("template ") && place.message.ends_with(" not defined"),
            _ => false,
        }
    }

    /// The innermost message, without a place.
    pub fn message(&self) -> String {
        let mut text = String::new();
        for level in self.levels.iter().rev() {
            match level {
                Level::Executing(place) => text = place.message.clone(),
                Level::Text(_) => {}
                Level::Returned(part) => text.push_str(part),
            }
        }
        // For `fail` and `required`, only their own message counts.
        if let Some((_, rest)) = text.split_once(WARN_START)
            && let Some((message, _)) = rest.rsplit_once(WARN_END)
        {
            return message.to_string();
        }
        text
    }

    /// The failure as a diagnostic: the innermost place, and the calls that led there.
    pub fn diagnostic(&self) -> Diagnostic {
        let places: Vec<&Place> = self
            .levels
            .iter()
            .filter_map(|level| match level {
                Level::Executing(place) => Some(place),
                _ => None,
            })
            .collect();
        let mut diagnostic = match &self.unparsed {
            Some(fault) => Diagnostic::clone(fault),
            None => Diagnostic { headline: self.message(), ..Diagnostic::default() },
        };
        diagnostic.notes.extend(self.notes.iter().cloned());
        diagnostic.hints.extend(self.hints.iter().cloned());
        diagnostic.text = self.text.as_ref().map(|text| text.shared().clone());
        if let Some(innermost) = places.first().filter(|_| self.unparsed.is_none()) {
            let innermost = self.marked.as_deref().unwrap_or(innermost);
            diagnostic.location = Some(innermost.location());
            diagnostic.source_line = Some(String::from_utf8_lossy(&innermost.source_line).into_owned());
            let visible = innermost.node.iter().position(|byte| *byte == b'\n').unwrap_or(innermost.node.len());
            diagnostic.node = String::from_utf8_lossy(&innermost.node).into_owned();
            diagnostic.span = visible.min(innermost.source_line.len().saturating_sub(innermost.column)).max(1);
        }
        // A recursion repeats itself: a few of its steps are enough.
        let inner = usize::from(self.unparsed.is_none());
        let outer: Vec<&Place> = places.iter().skip(inner).rev().copied().collect();
        let shown = outer.len().min(MAX_FRAMES);
        diagnostic.frames = outer[outer.len() - shown..].iter().map(|place| place.frame()).collect();
        if shown < outer.len() {
            diagnostic.notes.push(format!("{} more calls led here", outer.len() - shown));
        }
        diagnostic
    }
}

/// How many bytes of texts given to `tpl` are shown in total.
const MAX_TEXTS: usize = 4 << 20;

/// Most calls that a diagnostic lists.
const MAX_FRAMES: usize = 16;

/// One paragraph of Helm's text.
#[derive(Default, PartialEq)]
struct Step {
    location: String,
    executing: String,
    message: String,
}

impl Place {
    fn new(template: &Template, node: Option<NodeRef<'_>>, message: String) -> Place {
        let position = node.map_or(0, NodeRef::position);
        Place::at(template, position, node.map(|node| node.source(&template.tree.source)).unwrap_or_default(), message)
    }

    /// A part of the template's text.
    fn of_part(template: &Template, part: Range<usize>) -> Place {
        let node = template.tree.source.text.get(part.clone()).unwrap_or_default().to_vec();
        Place::at(template, part.start, node, String::new())
    }

    fn at(template: &Template, position: usize, node: Vec<u8>, message: String) -> Place {
        let text = &template.tree.source.text;
        let position = position.min(text.len());
        let (line, column) = line_and_column(text, position);
        let begin = position.saturating_sub(column);
        let rest = text.get(begin..).unwrap_or_default();
        let end = memchr::memchr(b'\n', rest).unwrap_or(rest.len());
        Place {
            file: template.file.clone(),
            line,
            column: if line == 1 { position } else { column },
            template: template.name.as_bytes().to_vec(),
            node,
            source_line: rest.get(..end).unwrap_or_default().strip_suffix(b"\r").unwrap_or(&rest[..end]).to_vec(),
            message,
        }
    }

    fn write(&self, out: &mut String) {
        let template = quote::quote(&self.template);
        let node = String::from_utf8_lossy(&self.node);
        let _ = write!(out, "template: {}:{}:{}: executing {template} at <{node}>: {}", self.file, self.line, self.column, self.message);
    }

    /// The parts of this level's text as Helm parses them; `None` if Helm cannot.
    fn step(&self, wraps: bool) -> Option<Step> {
        let mut text = String::new();
        self.write(&mut text);
        if wraps {
            // The text of the inner level begins like this, and Helm cuts the message off there.
            text.push_str("template:");
        }
        let text = text.strip_prefix("template: ")?;
        let (location, after) = text.split_once(": executing ")?;
        let (name, after) = after.strip_prefix('"')?.split_once('"')?;
        let (node, message) = after.strip_prefix(" at <")?.split_once(">: ")?;
        let message = message.split_once(" template:").map_or(message, |parts| parts.0);
        Some(Step { location: location.into(), executing: format!("executing \"{name}\" at <{node}>:"), message: message.into() })
    }

    fn location(&self) -> Location {
        Location { file: self.file.to_string(), line: self.line, column: Some(self.column) }
    }

    fn frame(&self) -> Frame {
        Frame {
            location: self.location(),
            template: String::from_utf8_lossy(&self.template).into_owned(),
            node: String::from_utf8_lossy(&self.node).into_owned(),
        }
    }
}
