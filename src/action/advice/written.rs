//! Where in the templates a rendered line was written that is no YAML.
//!
//! Goes in: a failed render with the files that it gave. Comes out: the same error, whose diagnostic stands at the line of the template
//! and shows the rendered lines in a note. Helm names the file and a line of the rendered text that nobody has before them.

use crate::action::template::{Failure, Options, Rendering};
use crate::diagnostic::Diagnostic;
use crate::error::ErrorKind;
use crate::template::engine::{self, Environment, RenderContext, WrittenLine};

/// Moves the place of a document that is no YAML from the rendered text into the template that wrote it, if that can be found.
pub fn place_in_templates(failure: &mut Failure, options: &Options, environment: &mut dyn Environment) {
    let Some(rendering) = failure.rendering.as_ref().filter(|_| failure.error.kind() == ErrorKind::Manifest) else { return };
    for diagnostic in failure.error.diagnostics_mut() {
        if let Some(written) = writer(diagnostic, rendering, options, environment) {
            place(diagnostic, written, rendering);
        }
    }
}

fn writer(diagnostic: &Diagnostic, rendering: &Rendering, options: &Options, environment: &mut dyn Environment) -> Option<Diagnostic> {
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

/// The template's line in the place of the rendered one, which goes into a note with those before it.
fn place(diagnostic: &mut Diagnostic, written: Diagnostic, rendering: &Rendering) {
    let Some(rendered) = std::mem::replace(&mut diagnostic.location, written.location) else { return };
    diagnostic.hints.splice(0..0, written.hints);
    diagnostic.node = written.node;
    diagnostic.source_line = written.source_line;
    diagnostic.span = written.span;
    diagnostic.frames = written.frames;
    let file = rendering.files.iter().rfind(|file| file.name == rendered.file);
    let note = engine::rendered_lines(file.map_or(&[][..], |file| &file.data), rendered.line);
    diagnostic.notes.retain(|note| note != crate::manifest::RENDERED_LINE);
    diagnostic.notes.insert(0, note);
}
