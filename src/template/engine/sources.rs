//! Parses template files into a set of templates.
//!
//! Goes in: the files of all charts in Helm's order. Comes out: their [`TemplateSet`], or Helm's error for the first that does not
//! parse. Each source is parsed once, whatever the number of its aliases; many sources are parsed on all cores.

use super::by_text::ByText;
use super::context::Renderable;
use super::{Options, Rendered, schedule};
use crate::error::{Error, ErrorKind, Result};
use crate::parallel::Queue;
use crate::template::ast::Parsed;
use crate::template::eval::TemplateSet;
use crate::template::parser::{self, ParseError};
use std::collections::HashMap;
use std::sync::Arc;

/// The result of parsing one source.
type Outcome = std::result::Result<Arc<Parsed>, Box<ParseError>>;

/// Parses all files; if all faults are wanted, the errors of files that do not parse go to `rendered`.
pub(super) fn parse_all(renderables: &[Renderable<'_>], options: &Options, rendered: &mut Rendered) -> Result<TemplateSet> {
    let (sources, source_of) = distinct(renderables);
    let outcomes = parse(&sources, options);
    let mut files = Vec::with_capacity(renderables.len());
    for (renderable, source) in renderables.iter().zip(source_of) {
        match outcomes.get(source) {
            Some(Ok(parsed)) => files.push((renderable.name.clone(), parsed.clone())),
            Some(Err(error)) if options.all_faults => rendered.faults.push(parse_fault(renderable, error)),
            Some(Err(error)) => return Err(parse_fault(renderable, error)),
            None => {}
        }
    }
    Ok(TemplateSet::new(&files))
}

/// The distinct sources in order, and the index of each file's source. Aliases share their bytes, and equal bytes are one source.
fn distinct(renderables: &[Renderable<'_>]) -> (Vec<Arc<[u8]>>, Vec<usize>) {
    let mut by_pointer: HashMap<*const u8, usize> = HashMap::new();
    let mut by_text: ByText<usize> = ByText::default();
    let mut sources: Vec<Arc<[u8]>> = Vec::new();
    let mut source_of = Vec::with_capacity(renderables.len());
    for renderable in renderables {
        let data = renderable.file.data.shared();
        let known = by_pointer.get(&data.as_ptr()).copied().filter(|_| !data.is_empty());
        let source = known.or_else(|| by_text.get(data).copied()).unwrap_or_else(|| {
            sources.push(data.clone());
            by_text.insert(data.clone(), sources.len() - 1);
            sources.len() - 1
        });
        by_pointer.insert(data.as_ptr(), source);
        source_of.push(source);
    }
    (sources, source_of)
}

/// Parses each source.
fn parse(sources: &[Arc<[u8]>], options: &Options) -> Vec<Outcome> {
    let ready = options.ahead.as_ref().map(|ahead| ahead.finish(sources, options)).unwrap_or_default();
    let parsed = |source: &Arc<[u8]>| ready.iter().find_map(|ready| ready.get(source)).cloned().map(Ok);
    let mut outcomes: Vec<Option<Outcome>> = sources.iter().map(parsed).collect();
    let left: Vec<usize> = (0..sources.len()).filter(|at| outcomes[*at].is_none()).collect();
    let threads = schedule::threads(options, left.iter().map(|at| sources[*at].len()).sum(), left.len());
    let queue = Queue::new(left.len());
    let parts = schedule::on_threads(threads, || {
        let mut parsed = Vec::new();
        while let Some(at) = queue.take().and_then(|number| left.get(number)) {
            parsed.push((*at, parser::parse(sources[*at].clone()).map(Arc::new)));
        }
        parsed
    });
    for (at, outcome) in parts.into_iter().flatten() {
        outcomes[at] = Some(outcome);
    }
    outcomes.into_iter().flatten().collect()
}

/// Helm keeps only the part of Go's message behind the last `: `.
fn parse_fault(renderable: &Renderable<'_>, error: &ParseError) -> Error {
    let text = error.text(&renderable.name);
    let parts: Vec<&str> = text.split(": ").collect();
    let (location, last) = match &*parts {
        [_, location, .., last] => (*location, *last),
        _ => (&*renderable.name, &*text),
    };
    let diagnostic = error.diagnostic(&renderable.name, &renderable.file.data);
    Error::new(ErrorKind::Template, format!("parse error at ({location}): {last}")).with_diagnostic(diagnostic)
}
