//! Finds the template line that wrote a rendered line of invalid YAML.
//!
//! Goes in: a failed render with the files that it gave. Comes out: the same error, whose diagnostic points at the line of the
//! template and shows the rendered lines in a note. Helm names the file and a line of the rendered text, which the user does not have.

use crate::action::template::{Failure, Options, Rendering};
use crate::diagnostic::Diagnostic;
use crate::error::{Error, ErrorKind};
use crate::template::engine::{self, Environment, RenderContext, Writer, WrittenLine};

/// Moves the locations of invalid YAML from the rendered text to the template lines that wrote it, if these can be found.
pub fn place_in_templates(failure: &mut Failure, options: &Options, environment: &mut dyn Environment) {
    let Some(rendering) = &failure.rendering else { return };
    let errors = std::iter::once(&mut failure.error).chain(&mut failure.others);
    let broken = errors.filter(|error| error.kind() == ErrorKind::Manifest).flat_map(Error::diagnostics_mut);
    let (mut diagnostics, lines): (Vec<_>, Vec<_>) =
        broken.filter_map(|diagnostic| line_of(diagnostic).map(|line| (diagnostic, line))).unzip();
    let written = writers(&lines, rendering, options, environment);
    for (diagnostic, writer) in diagnostics.iter_mut().zip(written) {
        if let Some(writer) = writer {
            place(diagnostic, writer, rendering);
        }
    }
}

/// The rendered line that a diagnostic is about.
fn line_of(diagnostic: &Diagnostic) -> Option<WrittenLine> {
    Some(WrittenLine { place: diagnostic.location.clone()?, text: diagnostic.source_line.clone()? })
}

fn writers(lines: &[WrittenLine], rendering: &Rendering, options: &Options, environment: &mut dyn Environment) -> Vec<Option<Writer>> {
    let (Some(chart), Some(set)) = (&rendering.kept.chart, &rendering.kept.templates) else { return Vec::new() };
    let context = RenderContext {
        chart,
        values: rendering.kept.values.clone(),
        release: options.release.clone(),
        capabilities: &options.capabilities,
    };
    engine::writers_of_lines(&context, set, &options.engine, environment, lines)
}

/// Replaces the rendered line with the template's line; the rendered line and those before it go into a note.
fn place(diagnostic: &mut Diagnostic, writer: Writer, rendering: &Rendering) {
    let written = writer.diagnostic;
    let Some(rendered) = std::mem::replace(&mut diagnostic.location, written.location) else { return };
    diagnostic.hints.splice(0..0, written.hints);
    diagnostic.node = written.node;
    diagnostic.source_line = written.source_line;
    diagnostic.span = written.span;
    diagnostic.frames = written.frames;
    let file = rendering.files.iter().rfind(|file| file.name == rendered.file);
    let note = engine::rendered_lines(file.map_or(&[][..], |file| &file.data), writer.line, rendered.line);
    diagnostic.notes.retain(|note| note != crate::manifest::RENDERED_LINE);
    diagnostic.notes.insert(0, note);
}
