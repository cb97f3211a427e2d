//! Finds the template that wrote a line of a rendered file.
//!
//! Goes in: lines of rendered files, by number and text. Comes out: the places in the templates that wrote them, and the calls
//! that led there. The file is rendered again with a map from text to source; if its text differs this time (random or changed
//! values), nothing is reported. Helm shows only the line of the rendered text.

use super::context::Renderable;
use super::{EngineHost, Environment, Options, RenderContext, TemplateSet, context};
use crate::diagnostic::{Diagnostic, Frame, Location};
use crate::stack;
use crate::template::ast::line_and_column;
use crate::template::eval::{Evaluator, Piece, SourceMap, without_no_value};
use crate::template::value::Value;
use std::cell::RefCell;
use std::collections::HashMap;

/// How many lines before the broken one are shown: the fault often lies in its relation to them.
const LINES_BEFORE: usize = 3;

/// A line of a rendered file, and its text.
#[derive(Debug, Clone)]
pub struct WrittenLine {
    pub place: Location,
    pub text: String,
}

/// The places that wrote these lines, in their order: location, line of source, and span of the action; the call as a frame if the
/// template of another file wrote it; and a hint at the usual form of such an action. Consecutive lines of one file cost one
/// rendering.
pub fn writers_of_lines(
    context: &RenderContext<'_>,
    set: &TemplateSet,
    options: &Options,
    environment: &mut dyn Environment,
    lines: &[WrittenLine],
) -> Vec<Option<Diagnostic>> {
    stack::with_large_stack(|| find_all(context, set, options, environment, lines)).unwrap_or_else(|| vec![None; lines.len()])
}

fn find_all(
    render: &RenderContext<'_>,
    set: &TemplateSet,
    options: &Options,
    environment: &mut dyn Environment,
    lines: &[WrittenLine],
) -> Vec<Option<Diagnostic>> {
    // Of two files of one path, the last one read counts.
    let renderables: HashMap<_, _> = context::collect(render.chart).into_iter().map(|file| (file.name.to_string(), file)).collect();
    let mut last: Option<(&str, Option<Mapped>)> = None;
    let mut found = Vec::with_capacity(lines.len());
    for line in lines {
        let name = line.place.file.as_str();
        if last.as_ref().is_none_or(|(known, _)| *known != name) {
            let mapped = renderables.get(name).and_then(|file| Mapped::render(render, set, options, environment, file));
            last = Some((name, mapped));
        }
        found.push(last.as_ref().and_then(|(_, mapped)| mapped.as_ref()).and_then(|mapped| mapped.writer(line)));
    }
    found
}

/// A file that was rendered again, with the map to its templates.
struct Mapped {
    text: Vec<u8>,
    map: SourceMap,
    /// The offsets of its lines.
    starts: Vec<usize>,
}

impl Mapped {
    /// Changes to the values have no further effect: each file starts from those of the chart.
    fn render(
        render: &RenderContext<'_>,
        set: &TemplateSet,
        options: &Options,
        environment: &mut dyn Environment,
        file: &Renderable<'_>,
    ) -> Option<Mapped> {
        let context = context::contexts(render).into_iter().nth(file.context)?;
        context.begin_file(file.facts());
        let notices = RefCell::default();
        let mut host = EngineHost::new(environment, options, &notices);
        let mut text = Vec::new();
        let (result, map) =
            Evaluator::new(set, &mut host, options.strict).render_mapped(file.name.as_bytes(), Value::Map(context), &mut text);
        result.ok()?;
        let starts = std::iter::once(0).chain(memchr::memchr_iter(b'\n', &text).map(|newline| newline + 1)).collect();
        Some(Mapped { text, map, starts })
    }

    fn writer(&self, wanted: &WrittenLine) -> Option<Diagnostic> {
        let WrittenLine { place, text } = wanted;
        let start = *self.starts.get(place.line.saturating_sub(1))?;
        let line = self.text.get(start..)?.split(|byte| *byte == b'\n').next()?;
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if without_no_value(line.to_vec()) != text.as_bytes() {
            return None;
        }
        let first = line.iter().position(|byte| !byte.is_ascii_whitespace())?;
        // A missing value shows as `<no value>` here but is removed from the result, so the column is valid only if the line has
        // none.
        let is_as_shown = |column: &usize| line.len() == text.len() && *column < line.len();
        let offset = start + place.column.filter(is_as_shown).unwrap_or(first);
        let (writer, call) = self.map.find(offset, place.file.as_str())?;
        let mut found = written(writer, offset);
        found.hints.extend(hint(&found));
        if writer.file != call.file {
            let outer = written(call, offset);
            found.frames.push(Frame { location: outer.location?, template: String::new(), node: outer.node });
        }
        Some(found)
    }
}

/// The line of this number in a rendered file, with the lines before it, as a note.
pub fn rendered_lines(text: &[u8], number: usize) -> String {
    let first = number.saturating_sub(LINES_BEFORE + 1);
    let width = number.to_string().len();
    let mut note = format!("it wrote line {number} of the rendered file:");
    for (at, line) in text.split(|byte| *byte == b'\n').enumerate().skip(first).take(number - first) {
        let line = String::from_utf8_lossy(line);
        note.push_str(&format!("\n{:>width$} | {}", at + 1, line.trim_end()));
    }
    note
}

/// A hint at the usual form of an action that wrote invalid YAML.
fn hint(written: &Diagnostic) -> Option<String> {
    let node = written.node.as_str();
    let column = written.location.as_ref().and_then(|location| location.column).unwrap_or_default();
    let before = written.source_line.as_deref().and_then(|line| line.get(..column)).unwrap_or_default();
    let is_alone = before.trim_start().trim_end_matches(['{', '-', ' ']).is_empty();
    if node.starts_with("toYaml ") && !node.contains("indent ") {
        Some("`toYaml` begins every line at the margin: `toYaml … | nindent 4` moves all of them under their key".to_string())
    } else if node.is_empty() || !node.starts_with(['.', '$']) || node.contains([' ', '|']) {
        None
    } else if is_alone {
        Some(format!("`{node} | nindent 4` moves all its lines under their key"))
    } else {
        Some(format!("`{node} | quote` writes it as one text, whatever is in it"))
    }
}

/// The place in a template that wrote the text at `offset`.
fn written(piece: &Piece, offset: usize) -> Diagnostic {
    let text = &piece.source.text;
    let position = piece.position_of(offset);
    let (line, column) = line_and_column(text, position);
    let rest = text.get(position.saturating_sub(column)..).unwrap_or_default();
    let source_line = rest.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let source_line = String::from_utf8_lossy(source_line.strip_suffix(b"\r").unwrap_or(source_line)).into_owned();
    let rest = source_line.get(column..).unwrap_or_default();
    // The span: an action up to its end, a text up to the next action.
    let end = rest.find("}}").filter(|end| rest.get(..*end).is_some_and(|inside| !inside.contains("{{")));
    let span = match end.or_else(|| rest.find("{{")) {
        Some(end) => rest.get(..end).unwrap_or_default().trim_end_matches('-').trim_end().len(),
        None => rest.trim_end().len(),
    };
    let node = rest.get(..span).filter(|_| !piece.is_text).unwrap_or_default().to_string();
    Diagnostic {
        node,
        location: Some(Location { file: piece.file.to_string(), line, column: Some(column) }),
        source_line: Some(source_line),
        span: span.max(1),
        ..Diagnostic::default()
    }
}
