//! Finds the template that wrote a line of a rendered file, and the value that makes a document invalid.
//!
//! Goes in: lines of rendered files, by number and text. Comes out: the places in the templates that wrote them, and the calls
//! that led there. The file is rendered again with a map from text to source; if its text differs this time (random or changed
//! values), nothing is reported. In a document that is no YAML, the action at fault is the one without whose output the rest is
//! YAML: that is tried out, since a parser often stumbles lines later. Helm shows only the line of the rendered text.

use super::context::Renderable;
use super::{EngineHost, Environment, Options, RenderContext, TemplateSet, context};
use crate::diagnostic::{Diagnostic, Frame, Location};
use crate::stack;
use crate::template::ast::line_and_column;
use crate::template::eval::{Evaluator, Piece, SourceMap, without_no_value};
use crate::template::value::Value;
use crate::template::work;
use crate::yaml;
use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::ops::Range;

/// How many lines before the broken one are shown: the fault often lies in its relation to them.
const LINES_BEFORE: usize = 3;

/// How many lines behind it are shown, up to the one where the parser stumbled.
const LINES_BEHIND: usize = 3;

/// How many actions are tried out, and how many bytes are parsed for that.
const TRIED_ACTIONS: usize = 200;
const TRIED_BYTES: usize = 4 << 20;

/// How deep includes in includes are followed.
const DEEPEST_INCLUDE: usize = 100;

/// A line of a rendered file, and its text.
#[derive(Debug, Clone)]
pub struct WrittenLine {
    pub place: Location,
    pub text: String,
}

/// The writer of a line.
#[derive(Debug, Clone)]
pub struct Writer {
    /// Location, line of source, and span of the action; the calls as frames if the template of another file wrote it; and a hint
    /// at the usual form of such an action.
    pub diagnostic: Diagnostic,
    /// The first line of the rendered file, from 1, that it wrote wrongly: before the line that was asked for if the parser
    /// stumbled late.
    pub line: usize,
}

/// The writers of these lines, in their order. Consecutive lines of one file cost one rendering.
pub fn writers_of_lines(
    context: &RenderContext<'_>,
    set: &TemplateSet,
    options: &Options,
    environment: &mut dyn Environment,
    lines: &[WrittenLine],
) -> Vec<Option<Writer>> {
    stack::with_large_stack(|| find_all(context, set, options, environment, lines)).unwrap_or_else(|| vec![None; lines.len()])
}

fn find_all(
    render: &RenderContext<'_>,
    set: &TemplateSet,
    options: &Options,
    environment: &mut dyn Environment,
    lines: &[WrittenLine],
) -> Vec<Option<Writer>> {
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
    /// The offsets of the lines that separate documents.
    separators: Vec<usize>,
    /// The start of the last document that was found to be valid: a file may have thousands of findings.
    valid: Cell<Option<usize>>,
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
        work::allow(options.step_limit);
        let mut host = EngineHost::new(environment, options, &notices);
        let mut text = Vec::new();
        let (result, map) =
            Evaluator::new(set, &mut host, options.strict).render_mapped(file.name.as_bytes(), Value::Map(context), &mut text);
        result.ok()?;
        let starts: Vec<usize> = std::iter::once(0).chain(memchr::memchr_iter(b'\n', &text).map(|newline| newline + 1)).collect();
        let separates = |start: &usize| text.get(*start..).is_some_and(|rest| rest.starts_with(b"---"));
        let separators = starts.iter().copied().filter(separates).collect();
        Some(Mapped { text, map, starts, separators, valid: Cell::new(None) })
    }

    fn writer(&self, wanted: &WrittenLine) -> Option<Writer> {
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
        let document = self.document(start);
        let culprit = self.culprit(&document, start + line.len());
        let index = culprit.or_else(|| self.map.index_at(offset))?;
        let range = self.map.range(index, self.text.len());
        let wrong = match culprit {
            // The parser's line, if it is one of those that the action wrote.
            Some(_) if !(range.start..range.end).contains(&(start + first)) => {
                let output = self.text.get(range.clone())?;
                range.start + output.iter().position(|byte| !byte.is_ascii_whitespace()).unwrap_or(0)
            }
            Some(_) => start + first,
            None => offset,
        };
        let number = self.number_of(wrong);
        let mut diagnostic = self.place_of(&document, index, wrong)?;
        diagnostic.hints.extend(hint(&diagnostic, self.line(number)));
        let call = self.map.call_in(&place.file, index)?;
        if self.map.pieces().get(index)?.file != call.file {
            diagnostic.frames.insert(0, frame(call)?);
        }
        Some(Writer { diagnostic, line: number })
    }

    /// The number of the line, from 1, with this offset.
    fn number_of(&self, offset: usize) -> usize {
        self.starts.partition_point(|start| *start <= offset)
    }

    fn line(&self, number: usize) -> &[u8] {
        let start = self.starts.get(number.saturating_sub(1)).copied().unwrap_or(self.text.len());
        self.text.get(start..).and_then(|rest| rest.split(|byte| *byte == b'\n').next()).unwrap_or_default()
    }

    /// The document with the line at this offset.
    fn document(&self, line: usize) -> Document<'_> {
        let behind = self.separators.partition_point(|separator| *separator <= line);
        let start = behind.checked_sub(1).and_then(|above| self.separators.get(above)).copied().unwrap_or(0);
        let end = self.separators.get(behind).copied().unwrap_or(self.text.len());
        Document { text: &self.text, range: start..end }
    }

    /// The action that makes the document invalid, if it is.
    fn culprit(&self, document: &Document<'_>, end: usize) -> Option<usize> {
        let start = document.range.start;
        if self.valid.get() == Some(start) {
            return None;
        }
        if document.is_valid_with(start..start, "") {
            self.valid.set(Some(start));
            return None;
        }
        document.culprit(&self.map, end)
    }

    /// The place of the piece of this index, which wrote this offset, or the place in a template that it included.
    fn place_of(&self, document: &Document<'_>, index: usize, offset: usize) -> Option<Diagnostic> {
        let number = self.number_of(offset);
        let start = *self.starts.get(number.saturating_sub(1))?;
        let line = start..start + self.line(number).len();
        let rank = number.saturating_sub(self.number_of(self.map.range(index, self.text.len()).start));
        let mut at = Inner { map: &self.map, index, offset, rank };
        let mut frames = Vec::new();
        while let Some(inner) = at.included(document, &line).filter(|_| frames.len() < DEEPEST_INCLUDE) {
            frames.push(frame(at.map.pieces().get(at.index)?)?);
            at = inner;
        }
        Some(Diagnostic { frames, ..written(at.map.pieces().get(at.index)?, at.offset) })
    }
}

/// A document in the text of a file.
struct Document<'a> {
    text: &'a [u8],
    range: Range<usize>,
}

impl Document<'_> {
    /// The action that makes the document invalid: the nearest one before the end of the line where the parser stumbled, else one
    /// behind it.
    fn culprit(&self, map: &SourceMap, end: usize) -> Option<usize> {
        let length = self.text.len();
        let writes = |index: &usize| {
            let range = map.range(*index, length);
            !range.is_empty() && self.range.start <= range.start && range.end <= self.range.end
        };
        let actions: Vec<usize> =
            map.pieces().iter().enumerate().filter(|(_, piece)| !piece.is_text).map(|(index, _)| index).filter(writes).collect();
        let behind = actions.partition_point(|index| map.range(*index, length).start < end);
        let tries = TRIED_ACTIONS.min(TRIED_BYTES / self.range.len().max(1));
        let (before, behind) = actions.split_at(behind);
        before.iter().rev().chain(behind).take(tries).copied().find(|index| self.is_spoilt_by(map.range(*index, length)))
    }

    /// Whether the document is valid with something plain in place of this part, or without it if nothing else is on its lines.
    fn is_spoilt_by(&self, part: Range<usize>) -> bool {
        let begins_line = self.text.get(part.start) == Some(&b'\n');
        self.is_valid_with(part.clone(), if begins_line { " x" } else { "x" }) || (self.is_alone(&part) && self.is_valid_with(part, ""))
    }

    /// Whether nothing else is on the lines of this part.
    fn is_alone(&self, part: &Range<usize>) -> bool {
        let before = self.text.get(..part.start).unwrap_or_default();
        let behind = self.text.get(part.end..).unwrap_or_default();
        let line = |text: &[u8]| text.trim_ascii().is_empty();
        before.rsplit(|byte| *byte == b'\n').next().is_none_or(line) && behind.split(|byte| *byte == b'\n').next().is_none_or(line)
    }

    fn is_valid_with(&self, part: Range<usize>, other: &str) -> bool {
        let before = self.text.get(self.range.start..part.start).unwrap_or_default();
        let behind = self.text.get(part.end..self.range.end).unwrap_or_default();
        yaml::head(&without_no_value([before, other.as_bytes(), behind].concat())).is_ok()
    }
}

/// A piece of a text, which may be that of a template included by another piece.
struct Inner<'a> {
    map: &'a SourceMap,
    index: usize,
    /// The offset of the wrong part in the text.
    offset: usize,
    /// How many lines of the piece's output come before the wrong one.
    rank: usize,
}

impl<'a> Inner<'a> {
    /// The piece of an included template that wrote the line: functions like `nindent` move lines but do not change their content.
    fn included(&self, document: &Document<'_>, line: &Range<usize>) -> Option<Inner<'a>> {
        let whole = document.text.get(line.clone())?;
        let content = whole.trim_ascii();
        if content.is_empty() {
            return None;
        }
        let indentation = whole.len() - whole.trim_ascii_start().len();
        self.map.included_by(self.index).find_map(|included| {
            let mut start = 0;
            let mut nearest: Option<(usize, usize)> = None;
            for (number, line) in included.text.split(|byte| *byte == b'\n').enumerate() {
                if line.trim_ascii() == content && nearest.is_none_or(|(known, _)| number.abs_diff(self.rank) < known.abs_diff(self.rank)) {
                    nearest = Some((number, start + line.len() - line.trim_ascii_start().len()));
                }
                start += line.len() + 1;
            }
            let (number, first) = nearest?;
            let length = included.text.len();
            let spoils = |index: &usize| {
                let range = included.map.range(*index, length);
                let part = range.start.checked_sub(first).zip(range.end.checked_sub(first));
                part.filter(|(from, to)| from < to && *to <= content.len()).is_some_and(|(from, to)| {
                    let moved = line.start + indentation;
                    document.is_spoilt_by(moved + from..moved + to)
                })
            };
            let is_action = |index: &usize| included.map.pieces().get(*index).is_some_and(|piece| !piece.is_text);
            let culprit = (0..included.map.pieces().len()).rev().filter(is_action).find(spoils);
            let index = culprit.or_else(|| included.map.index_at(first))?;
            let piece_start = included.map.range(index, length).start;
            let above = memchr::memchr_iter(b'\n', included.text.get(..piece_start).unwrap_or_default()).count();
            Some(Inner { map: &included.map, index, offset: first.max(piece_start), rank: number.saturating_sub(above) })
        })
    }
}

/// The call that a piece is.
fn frame(piece: &Piece) -> Option<Frame> {
    let found = written(piece, 0);
    Some(Frame { location: found.location?, template: String::new(), node: found.node })
}

/// The line of this number in a rendered file, with the lines before it, and those behind it up to the line `until` where the
/// parser stumbled if that is near, as a note.
pub fn rendered_lines(text: &[u8], number: usize, until: usize) -> String {
    let first = number.saturating_sub(LINES_BEFORE + 1);
    let last = until.clamp(number, number + LINES_BEHIND);
    let width = last.to_string().len();
    let mut note = format!("it wrote line {number} of the rendered file:");
    for (at, line) in text.split(|byte| *byte == b'\n').enumerate().skip(first).take(last - first) {
        let line = String::from_utf8_lossy(line);
        note.push_str(&format!("\n{:>width$} | {}", at + 1, line.trim_end()));
    }
    note
}

/// A hint at the usual form of an action that wrote invalid YAML; `line` is the rendered line.
fn hint(written: &Diagnostic, line: &[u8]) -> Option<String> {
    let node = written.node.as_str();
    if memchr::memmem::find(line, b"Error: ").is_some()
        && let Some(function) = ["fromYaml", "fromJson", "fromToml"].into_iter().find(|function| node.contains(function))
    {
        return Some(format!("`{function}` gives a table with `Error` where the text cannot be read"));
    }
    let column = written.location.as_ref().and_then(|location| location.column).unwrap_or_default();
    let before = written.source_line.as_deref().and_then(|line| line.get(..column)).unwrap_or_default();
    let quotes = ['"', '\''].into_iter().find(|quote| before.matches(*quote).count() % 2 == 1);
    let is_alone = before.trim_start().trim_end_matches(['{', '-', ' ']).is_empty();
    if node.starts_with("toYaml ") && !node.contains("indent ") {
        Some("`toYaml` begins every line at the margin: `toYaml … | nindent 4` moves all of them under their key".to_string())
    } else if node.is_empty() || !node.starts_with(['.', '$']) || node.contains([' ', '|']) {
        None
    } else if quotes.is_some() {
        Some(format!(
            "`{{{{ {node} | quote }}}}`, without quotes around it, escapes what is in it; `printf` puts texts together before that"
        ))
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
