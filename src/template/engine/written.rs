//! Where a line of a rendered file was written.
//!
//! Goes in: a line of a file that was rendered before, by number and text. Comes out: the place in the template that wrote it, and the
//! call that led there. The file is rendered once more for it, with a map from text to source; when it gives another text this time
//! (random or changed values) nothing is said. Helm shows the line of the rendered text alone.

use super::{EngineHost, Environment, Options, RenderContext, TemplateSet, context};
use crate::diagnostic::{Diagnostic, Frame, Location};
use crate::template::ast::line_and_column;
use crate::template::eval::{Evaluator, Piece, without_no_value};
use crate::template::stack;
use crate::template::value::Value;
use std::cell::RefCell;

/// How many lines before the broken one are shown: what is wrong with a line is often how it stands to those.
const LINES_BEFORE: usize = 3;

/// The place that wrote `line`, which reads `text`: location, line of source, and span of the action, with the call as a frame
/// where another file's template wrote it, and a hint at how such an action is usually written.
pub fn writer_of_line(
    context: &RenderContext<'_>,
    set: &TemplateSet,
    options: &Options,
    environment: &mut dyn Environment,
    line: &Location,
    text: &str,
) -> Option<Diagnostic> {
    stack::with_large_stack(|| find(context, set, options, environment, line, text)).flatten()
}

fn find(
    render: &RenderContext<'_>,
    set: &TemplateSet,
    options: &Options,
    environment: &mut dyn Environment,
    place: &Location,
    text: &str,
) -> Option<Diagnostic> {
    let name = place.file.as_str();
    let renderables = context::collect(render.chart);
    // Of two files of one path the last one read counts.
    let renderable = renderables.iter().rfind(|renderable| *renderable.name == *name)?;
    let context = context::contexts(render).into_iter().nth(renderable.context)?;
    context.begin_file(renderable.facts());
    let notices = RefCell::default();
    let mut host = EngineHost::new(environment, options, &notices);
    let mut out = Vec::new();
    let (result, map) = Evaluator::new(set, &mut host, options.strict).render_mapped(name.as_bytes(), Value::Map(context), &mut out);
    result.ok()?;
    let start = line_start(&out, place.line)?;
    let line = out.get(start..)?.split(|byte| *byte == b'\n').next()?;
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    if without_no_value(line.to_vec()) != text.as_bytes() {
        return None;
    }
    let first = line.iter().position(|byte| !byte.is_ascii_whitespace())?;
    // A value that is missing shows as `<no value>` until the end, so that columns count only up to the first.
    let is_as_shown = |column: &usize| line.len() == text.len() && *column < line.len();
    let offset = start + place.column.filter(is_as_shown).unwrap_or(first);
    let (writer, call) = map.find(offset, name)?;
    let mut found = written(writer, offset);
    found.hints.extend(hint(&found));
    if writer.file != call.file {
        let outer = written(call, offset);
        found.frames.push(Frame { location: outer.location?, template: String::new(), node: outer.node });
    }
    Some(found)
}

/// The line of this number in a rendered file, with those before it, as a note.
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

/// How an action that wrote what is no YAML is usually written.
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

/// Where the line of this number begins.
fn line_start(text: &[u8], number: usize) -> Option<usize> {
    match number.checked_sub(2) {
        None => Some(0),
        Some(before) => memchr::memchr_iter(b'\n', text).nth(before).map(|newline| newline + 1),
    }
}

/// The place in a template that wrote what stands at `offset`.
fn written(piece: &Piece, offset: usize) -> Diagnostic {
    let text = &piece.source.text;
    let position = piece.position_of(offset);
    let (line, column) = line_and_column(text, position);
    let rest = text.get(position.saturating_sub(column)..).unwrap_or_default();
    let source_line = rest.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let source_line = String::from_utf8_lossy(source_line.strip_suffix(b"\r").unwrap_or(source_line)).into_owned();
    let rest = source_line.get(column..).unwrap_or_default();
    // An action up to its end, a text up to the next action.
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
