//! From charts to rendered files: Helm's `pkg/engine`.
//!
//! Goes in: a chart with processed dependencies, its coalesced values, release facts, capabilities, and the outside world as an
//! [`Environment`]. Comes out: [`Rendered`] files, or Helm's error with a diagnostic. This is the only part of the template
//! language that knows charts: it gives every chart its context (`.Values`, `.Chart`, `.Files`, `.Subcharts`), parses every source
//! once, and renders on a thread whose stack can hold Helm's deepest recursion.

pub mod ahead;
mod by_text;
pub mod capabilities;
mod context;
mod files;
mod glob;
mod schedule;
mod sources;
#[cfg(test)]
pub(crate) mod tests;
mod written;

use super::eval::Evaluator;
pub use super::eval::TemplateSet;
use super::functions::{Host, Vocabulary};
use super::parser;
use super::value::Value;
use crate::chart::Chart;
use crate::data;
use crate::diagnostic::{Level, Notices};
use crate::error::{Error, ErrorKind, Result};
use crate::stack;
use crate::template::work;
use std::cell::{Cell, RefCell};
use std::cmp::Reverse;
use std::sync::Arc;

pub use ahead::Ahead;
pub use capabilities::{Capabilities, KubeVersion};
pub(crate) use context::is_partial;
pub use written::{Writer, WrittenLine, rendered_lines, writers_of_lines};

/// Options of a render.
#[derive(Debug, Clone)]
pub struct Options {
    /// A missing key is a fault (`missingkey=error`); used by Helm's `lint --strict` only.
    pub strict: bool,
    /// `required` and `fail` give an empty text and a notice instead of a fault.
    pub lint: bool,
    /// Go on with the next file after a fault and collect all of them in [`Rendered::faults`].
    pub all_faults: bool,
    /// Let `getHostByName` query the resolver.
    pub enable_dns: bool,
    /// Most bytes of one rendered file or string.
    pub size_limit: usize,
    /// Most items of one list.
    pub item_limit: usize,
    /// Most steps of one render: nodes, rounds, calls, and the size of what functions read and make. A step takes at most about a
    /// microsecond, and what it makes 16 bytes.
    pub step_limit: u64,
    /// Most bytes that the process may have while it renders, as far as [`Environment::memory`] tells. It catches what steps allow:
    /// many small values that are all kept.
    pub memory_limit: u64,
    /// How many threads parse and render; `None` for one per core, at most eight.
    pub threads: Option<usize>,
    /// How many bytes of templates make a second thread worthwhile.
    pub threads_from: usize,
    /// The thread that parsed templates while the chart was being read.
    pub ahead: Option<Arc<Ahead>>,
    /// The process ends after this render: its memory is left to the system instead of being freed.
    pub process_ends: bool,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            strict: false,
            lint: false,
            all_faults: false,
            enable_dns: false,
            size_limit: 64 << 20,
            item_limit: 5_000_000,
            step_limit: work::LIMIT,
            memory_limit: 2 << 30,
            threads: None,
            // Starting a second thread takes about as long as rendering this many bytes.
            threads_from: 48 << 10,
            ahead: None,
            process_ends: false,
        }
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

/// The input of a render.
pub struct RenderContext<'a> {
    /// The root chart, with its enabled subcharts.
    pub chart: &'a Chart,
    /// The coalesced values of the root; those of a subchart are under its name.
    pub values: Arc<data::Map>,
    pub release: Release,
    pub capabilities: &'a Capabilities,
}

/// The outside world, as far as templates can access it.
pub trait Environment: Send {
    /// Nanoseconds since 1970.
    fn now(&self) -> i128;
    /// Fills `bytes` from the system's random source.
    fn random(&mut self, bytes: &mut [u8]);
    /// The addresses of a host; called only with [`Options::enable_dns`].
    fn resolve_host(&self, name: &str) -> Vec<String>;
    /// The value of an environment variable, for [`render_text`] with functions that read it; never used for charts.
    fn variable(&self, name: &str) -> Option<String> {
        let _ = name;
        None
    }
    /// How many bytes of memory the process has, where that is known.
    fn memory(&self) -> Option<u64> {
        None
    }
    /// The same world for another thread, if its answers do not depend on earlier questions. A world that returns `None` is used
    /// in rendering order, by one thread.
    fn again(&self) -> Option<Box<dyn Environment>> {
        None
    }
}

/// One rendered template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RenderedFile {
    /// As Helm names it: `chart/charts/sub/templates/x.yaml`.
    pub name: String,
    pub data: Vec<u8>,
}

/// The result of a render.
#[derive(Debug, Clone, Default)]
pub struct Rendered {
    /// In Helm's rendering order: the deepest path first, at equal depth in reverse byte order. Partials are not included.
    pub files: Vec<RenderedFile>,
    /// With [`Options::all_faults`], the faults of the files that are missing above, in rendering order.
    pub faults: Vec<Error>,
    /// The templates they were rendered from; kept, so that a process about to end need not wait until they are freed.
    pub templates: Option<Arc<TemplateSet>>,
}

/// Renders every template of the chart and its subcharts that is not a partial.
///
/// The error is the first fault in rendering order, in Helm's words, unless [`Options::all_faults`] collects them.
pub fn render(context: &RenderContext<'_>, options: &Options, environment: &mut dyn Environment) -> Result<Rendered> {
    render_telling(context, options, environment, &mut Notices::new())
}

/// As [`render`]; notices from lint mode are kept even if a fault follows.
pub fn render_telling(
    context: &RenderContext<'_>,
    options: &Options,
    environment: &mut dyn Environment,
    notices: &mut Notices,
) -> Result<Rendered> {
    stack::with_large_stack(|| render_here(context, options, environment, notices))
        .unwrap_or_else(|| Err(Error::new(ErrorKind::Limit, "rendering template failed: no thread for it could be started")))
}

/// Renders the text `source`, a template called `name`, with `dot` as data; it stands alone and knows no chart.
///
/// The text may call the functions of `vocabulary`. The error is Go's text: `template: NAME:1: unclosed action`.
pub fn render_text(
    name: &str,
    source: &str,
    dot: &(dyn Fn() -> Value + Sync),
    vocabulary: Vocabulary,
    environment: &mut dyn Environment,
) -> Result<Vec<u8>> {
    let run = || {
        let fault = |text: String| Error::new(ErrorKind::Template, text);
        let parsed = parser::parse_with(Arc::from(source.as_bytes()), vocabulary).map_err(|error| fault(error.text(name)))?;
        let set = TemplateSet::new(&[(Arc::from(name), Arc::new(parsed))]);
        let options = Options::default();
        let notices = RefCell::default();
        let mut host = EngineHost::new(environment, &options, &notices);
        let mut out = Vec::new();
        work::allow(options.step_limit);
        Evaluator::new(&set, &mut host, false).render(name.as_bytes(), dot(), &mut out).map_err(|failure| fault(failure.text()))?;
        Ok(out)
    };
    stack::with_large_stack(run).unwrap_or_else(|| Err(Error::new(ErrorKind::Limit, "no thread for the template could be started")))
}

fn render_here(
    context: &RenderContext<'_>,
    options: &Options,
    environment: &mut dyn Environment,
    notices: &mut Notices,
) -> Result<Rendered> {
    let mut renderables = context::collect(context.chart);
    renderables.sort_by_cached_key(|renderable| deepest_first(&renderable.name));
    // In Helm's map, two files of one path are one; the last one read stays.
    renderables.dedup_by(|later, earlier| {
        let same = later.name == earlier.name;
        if same {
            std::mem::swap(later, earlier);
        }
        same
    });
    let mut rendered = Rendered::default();
    let set = Arc::new(sources::parse_all(&renderables, options, &mut rendered)?);
    let is_incomplete = !rendered.faults.is_empty();
    renderables.retain(|renderable| !renderable.is_partial() && set.get(renderable.name.as_bytes()).is_some());
    let job = schedule::Job { context, options, renderables: &renderables, set: &set };
    for (renderable, outcome) in renderables.iter().zip(job.render(environment)) {
        notices.append(outcome.notices);
        match outcome.result {
            Ok(data) => rendered.files.push(RenderedFile { name: renderable.name.to_string(), data }),
            Err(failure) => {
                let error = Error::new(ErrorKind::Template, failure.helm_text()).with_diagnostic(failure.diagnostic());
                if !options.all_faults {
                    return Err(error);
                }
                // A missing template may be defined in a file that does not parse; reporting it too would be noise.
                if !(is_incomplete && failure.misses_template()) {
                    rendered.faults.push(error);
                }
            }
        }
    }
    rendered.templates = Some(set);
    Ok(rendered)
}

/// Helm's order of files: the deepest path first, at equal depth the last name first.
fn deepest_first(name: &Arc<str>) -> Reverse<(usize, Arc<str>)> {
    Reverse((name.bytes().filter(|byte| *byte == b'/').count(), name.clone()))
}

/// The host of template functions, made from the environment and the options.
struct EngineHost<'a> {
    environment: &'a mut dyn Environment,
    options: &'a Options,
    /// Notices from lint mode.
    notices: &'a RefCell<Notices>,
    asked: Cell<u64>,
}

impl<'a> EngineHost<'a> {
    fn new(environment: &'a mut dyn Environment, options: &'a Options, notices: &'a RefCell<Notices>) -> EngineHost<'a> {
        EngineHost { environment, options, notices, asked: Cell::new(0) }
    }

    fn note_question(&self) {
        self.asked.set(self.asked.get() + 1);
    }
}

impl Host for EngineHost<'_> {
    fn now(&self) -> i128 {
        self.note_question();
        self.environment.now()
    }

    fn random(&mut self, bytes: &mut [u8]) {
        self.note_question();
        self.environment.random(bytes);
    }

    fn resolve_host(&self, name: &str) -> Option<Vec<String>> {
        self.note_question();
        self.options.enable_dns.then(|| self.environment.resolve_host(name))
    }

    fn variable(&self, name: &str) -> Option<String> {
        self.note_question();
        self.environment.variable(name)
    }

    fn size_limit(&self) -> usize {
        self.options.size_limit
    }

    fn item_limit(&self) -> usize {
        self.options.item_limit
    }

    fn exceeded_memory(&self) -> Option<u64> {
        let limit = self.options.memory_limit;
        self.environment.memory().filter(|memory| *memory > limit).map(|_| limit)
    }

    fn asked(&self) -> u64 {
        self.asked.get()
    }

    fn pass_over(&mut self, level: Level, title: &str, text: &str) -> bool {
        self.note_question();
        if self.options.lint {
            self.notices.borrow_mut().push_with(level, title, &[("message", text)]);
        }
        self.options.lint
    }
}
