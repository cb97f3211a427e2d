//! Charts to rendered files: Helm's `pkg/engine`.
//!
//! Goes in: a chart whose dependencies are already decided, its coalesced values, release facts, capabilities, and the
//! outside world as an [`Environment`]. Comes out: [`Rendered`] files, or Helm's error with a diagnostic.
//! The only part of the template language that knows charts: it gives every chart its context (`.Values`, `.Chart`,
//! `.Files`, `.Subcharts`), parses every source once, and renders on a thread whose stack holds Helm's deepest recursion.

pub mod capabilities;
mod context;
mod files;
mod glob;
#[cfg(test)]
mod tests;

use super::ast::{Parsed, line_and_column};
use super::eval::{Evaluator, TemplateSet, without_no_value};
use super::functions::{self, Host};
use super::parser::{self, ParseError};
use super::stack;
use super::value::{Map, MapKind, Str, Value};
use crate::chart::Chart;
use crate::data;
use crate::diagnostic::{Diagnostic, Level, Location, Notices, nearest};
use crate::error::{Error, ErrorKind, Result};
use context::Renderable;
use std::cmp::Reverse;
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;

pub use capabilities::{Capabilities, KubeVersion};

/// What a render may do.
#[derive(Debug, Clone)]
pub struct Options {
    /// A key that is not there is a fault (`missingkey=error`); Helm's `lint --strict` and nothing else.
    pub strict: bool,
    /// `required` and `fail` give an empty text and a notice instead of a fault.
    pub lint: bool,
    /// Go on with the next file after a fault and give all of them in [`Rendered::faults`].
    pub all_faults: bool,
    /// Let `getHostByName` ask the resolver.
    pub enable_dns: bool,
    /// Most bytes of one rendered file or string.
    pub size_limit: usize,
    /// Most items of one list.
    pub item_limit: usize,
}

impl Default for Options {
    fn default() -> Options {
        Options { strict: false, lint: false, all_faults: false, enable_dns: false, size_limit: 64 << 20, item_limit: 5_000_000 }
    }
}

/// `.Release`.
#[derive(Debug, Clone)]
pub struct Release {
    pub name: String,
    pub namespace: String,
    pub revision: i64,
    pub is_install: bool,
    pub is_upgrade: bool,
}

/// What is rendered, and with what.
pub struct RenderContext<'a> {
    /// The root chart, with the subcharts that live.
    pub chart: &'a Chart,
    /// The coalesced values of the root; those of a subchart stand under its name.
    pub values: Arc<data::Map>,
    pub release: Release,
    pub capabilities: &'a Capabilities,
}

/// The outside world, as far as templates may reach it.
pub trait Environment: Send {
    /// Nanoseconds since 1970.
    fn now(&self) -> i128;
    /// Fills `bytes` from the system's random source.
    fn random(&mut self, bytes: &mut [u8]);
    /// The addresses of a host; asked only if [`Options::enable_dns`].
    fn resolve_host(&self, name: &str) -> Vec<String>;
}

/// One rendered template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RenderedFile {
    /// As Helm names it: `chart/charts/sub/templates/x.yaml`.
    pub name: String,
    pub data: Vec<u8>,
}

/// What a render gave.
#[derive(Debug, Clone, Default)]
pub struct Rendered {
    /// In Helm's rendering order: the deepest path first, at equal depth in reverse byte order. Partials are not among them.
    pub files: Vec<RenderedFile>,
    /// With [`Options::all_faults`], the faults of the files that are missing above, in rendering order.
    pub faults: Vec<Error>,
    /// What lint mode passed over.
    pub notices: Notices,
}

/// Renders every template of the chart and its subcharts that is not a partial.
///
/// The error is the first fault in rendering order, in Helm's words, unless [`Options::all_faults`] collects them.
pub fn render(context: &RenderContext<'_>, options: &Options, environment: &mut dyn Environment) -> Result<Rendered> {
    stack::with_large_stack(|| render_here(context, options, environment))
        .unwrap_or_else(|| Err(Error::new(ErrorKind::Limit, "rendering template failed: no thread for it could be started")))
}

/// What the text `source`, a template called `name`, makes of `data`; it stands alone and knows no chart.
///
/// The error is Go's text: `template: NAME:1: unclosed action`.
pub fn render_text(name: &str, source: &str, data: &data::Data, environment: &mut dyn Environment) -> Result<Vec<u8>> {
    let run = || {
        let fault = |text: String| Error::new(ErrorKind::Template, text);
        let parsed = parser::parse(Arc::from(source.as_bytes())).map_err(|error| fault(error.text(name)))?;
        let set = TemplateSet::new(&[(Rc::from(name), Rc::new(parsed))]);
        let options = Options::default();
        let mut host = EngineHost { environment, options: &options, notices: Notices::new() };
        let mut out = Vec::new();
        Evaluator::new(&set, &mut host, false)
            .render(name.as_bytes(), Value::from_data(data), &mut out)
            .map_err(|failure| fault(failure.text()))?;
        Ok(out)
    };
    stack::with_large_stack(run).unwrap_or_else(|| Err(Error::new(ErrorKind::Limit, "no thread for the template could be started")))
}

fn render_here(context: &RenderContext<'_>, options: &Options, environment: &mut dyn Environment) -> Result<Rendered> {
    let mut renderables = context::collect(context);
    renderables.sort_by_cached_key(|renderable| deepest_first(&renderable.name));
    // Two files of one path are one to Helm's map; the last one read stays.
    renderables.dedup_by(|later, earlier| {
        let same = later.name == earlier.name;
        if same {
            std::mem::swap(later, earlier);
        }
        same
    });
    let mut rendered = Rendered::default();
    let set = parse_all(&renderables, options, &mut rendered)?;
    let is_incomplete = !rendered.faults.is_empty();
    let mut host = EngineHost { environment, options, notices: Notices::new() };
    let mut evaluator = Evaluator::new(&set, &mut host, options.strict);
    for renderable in &renderables {
        if context::is_partial(&renderable.name) || set.get(renderable.name.as_bytes()).is_none() {
            continue;
        }
        let about = [(Str::from("Name"), Value::str(&*renderable.name)), (Str::from("BasePath"), Value::str(&*renderable.base_path))];
        renderable.context.insert(Str::from("Template"), Value::Map(Map::from_entries(MapKind::Values, about)));
        let mut data = Vec::with_capacity(renderable.file.data.len());
        match evaluator.render(renderable.name.as_bytes(), Value::Map(renderable.context.clone()), &mut data) {
            Ok(()) => rendered.files.push(RenderedFile { name: renderable.name.to_string(), data: without_no_value(data) }),
            Err(failure) => {
                let error = Error::new(ErrorKind::Template, failure.helm_text()).with_diagnostic(failure.diagnostic());
                if !options.all_faults {
                    return Err(error);
                }
                // What a file that does not parse would have defined is not worth another fault.
                if !(is_incomplete && failure.misses_template()) {
                    rendered.faults.push(error);
                }
            }
        }
    }
    drop(evaluator);
    rendered.notices = host.notices;
    Ok(rendered)
}

/// Helm's order of files: the deepest path first, at equal depth the last name first.
fn deepest_first(name: &Rc<str>) -> Reverse<(usize, Rc<str>)> {
    Reverse((name.bytes().filter(|byte| *byte == b'/').count(), name.clone()))
}

/// How many sources of one length are looked through for an equal one.
const PEERS_LIMIT: usize = 64;

/// Parses all files, each source once: aliases share their bytes, and equal bytes share their tree.
fn parse_all(renderables: &[Renderable], options: &Options, rendered: &mut Rendered) -> Result<TemplateSet> {
    let mut by_pointer: HashMap<*const u8, Rc<Parsed>> = HashMap::new();
    // By length, because hashing megabytes of CRDs costs more than comparing the few files that are as long.
    let mut by_length: HashMap<usize, Vec<(Arc<[u8]>, Rc<Parsed>)>> = HashMap::new();
    let mut files = Vec::with_capacity(renderables.len());
    for renderable in renderables {
        let data = &renderable.file.data;
        let of_equal_length = || by_length.get(&data.len()).into_iter().flatten();
        let of_equal_bytes = || of_equal_length().find(|(bytes, _)| bytes == data).map(|(_, parsed)| parsed);
        let parsed = match by_pointer.get(&data.as_ptr()).or_else(of_equal_bytes) {
            Some(parsed) => parsed.clone(),
            None => match parser::parse(data.clone()) {
                Ok(parsed) => Rc::new(parsed),
                Err(error) => {
                    let error = parse_fault(renderable, &error);
                    if !options.all_faults {
                        return Err(error);
                    }
                    rendered.faults.push(error);
                    continue;
                }
            },
        };
        if !data.is_empty() && by_pointer.insert(data.as_ptr(), parsed.clone()).is_none() {
            let peers = by_length.entry(data.len()).or_default();
            if peers.len() < PEERS_LIMIT {
                peers.push((data.clone(), parsed.clone()));
            }
        }
        files.push((renderable.name.clone(), parsed));
    }
    Ok(TemplateSet::new(&files))
}

/// Helm keeps of Go's message what follows the last `: `.
fn parse_fault(renderable: &Renderable, error: &ParseError) -> Error {
    let text = error.text(&renderable.name);
    let parts: Vec<&str> = text.split(": ").collect();
    let (location, last) = match &*parts {
        [_, location, .., last] => (*location, *last),
        _ => (&*renderable.name, &*text),
    };
    let bytes = &renderable.file.data;
    let source_line = bytes.split(|byte| *byte == b'\n').nth(error.line - 1).map(|line| String::from_utf8_lossy(line).into_owned());
    let column = line_and_column(bytes, error.position).1;
    let headline = error.message_for(&renderable.name);
    let unknown = headline.strip_prefix("function \"").and_then(|rest| rest.strip_suffix("\" not defined"));
    let diagnostic = Diagnostic {
        hints: unknown.and_then(hint_at_function).into_iter().collect(),
        span: unknown.map_or(1, str::len),
        headline: headline.clone(),
        location: Some(Location { file: renderable.name.to_string(), line: error.line, column: Some(column) }),
        source_line,
        ..Diagnostic::default()
    };
    Error::new(ErrorKind::Template, format!("parse error at ({location}): {last}")).with_diagnostic(diagnostic)
}

/// What to use instead of a function that does not exist.
fn hint_at_function(unknown: &str) -> Option<String> {
    if matches!(unknown, "env" | "expandenv") {
        return Some("charts cannot read the environment: pass it as a value, with `--set`".into());
    }
    let known = functions::all().map(|function| function.name).chain(["and", "call", "include", "len", "or", "tpl"]);
    nearest(unknown, known).map(|near| format!("did you mean `{near}`?"))
}

/// What the functions may ask, put together from the environment and the options.
struct EngineHost<'a> {
    environment: &'a mut dyn Environment,
    options: &'a Options,
    notices: Notices,
}

impl Host for EngineHost<'_> {
    fn now(&self) -> i128 {
        self.environment.now()
    }

    fn random(&mut self, bytes: &mut [u8]) {
        self.environment.random(bytes);
    }

    fn resolve_host(&self, name: &str) -> Option<Vec<String>> {
        self.options.enable_dns.then(|| self.environment.resolve_host(name))
    }

    fn size_limit(&self) -> usize {
        self.options.size_limit
    }

    fn item_limit(&self) -> usize {
        self.options.item_limit
    }

    fn pass_over(&mut self, level: Level, title: &str, text: &str) -> bool {
        if self.options.lint {
            self.notices.push_with(level, title, &[("message", text)]);
        }
        self.options.lint
    }
}
