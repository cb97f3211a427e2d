//! Finds the template line that wrote a rendered line of invalid YAML.
//!
//! Goes in: a failed render with the files that it gave. Comes out: the same error, whose diagnostic points at the line of the
//! template and shows the rendered lines in a note. Helm names the file and a line of the rendered text, which the user does not have.

use crate::action::template::{Failure, Options, Rendering};
use crate::diagnostic::Diagnostic;
use crate::error::ErrorKind;
use crate::template::engine::{self, Environment, RenderContext, Writer, WrittenLine};

/// Moves the location of invalid YAML from the rendered text to the template line that wrote it, if that can be found.
pub fn place_in_templates(failure: &mut Failure, options: &Options, environment: &mut dyn Environment) {
    let Some(rendering) = failure.rendering.as_ref().filter(|_| failure.error.kind() == ErrorKind::Manifest) else { return };
    for diagnostic in failure.error.diagnostics_mut() {
        if let Some(written) = writer(diagnostic, rendering, options, environment) {
            place(diagnostic, written, rendering);
        }
    }
}

fn writer(diagnostic: &Diagnostic, rendering: &Rendering, options: &Options, environment: &mut dyn Environment) -> Option<Writer> {
    let (chart, set) = (rendering.kept.chart.as_ref()?, rendering.kept.templates.as_ref()?);
    let location = diagnostic.location.as_ref()?;
    let context = RenderContext {
        chart,
        values: rendering.kept.values.clone(),
        release: options.release.clone(),
        capabilities: &options.capabilities,
    };
    let line = WrittenLine { place: location.clone(), text: diagnostic.source_line.clone()? };
    engine::writers_of_lines(&context, set, &options.engine, environment, &[line]).pop().flatten()
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
