//! Charts to rendered files: Helm's `pkg/engine`.
//!
//! Goes in: a chart whose dependencies are already decided, its coalesced values, release facts, capabilities, and the
//! outside world as an [`Environment`]. Comes out: [`Rendered`] files, or Helm's error with a diagnostic.
//! The only part of the template language that knows charts: it gives every chart its context (`.Values`, `.Chart`,
//! `.Files`, `.Subcharts`), parses every source once, and renders on a thread whose stack holds Helm's deepest recursion.

pub mod capabilities;

use crate::chart::Chart;
use crate::data;
use crate::diagnostic::Notices;
use crate::error::{Error, ErrorKind, Result};
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
        Options { strict: false, lint: false, all_faults: false, enable_dns: false, size_limit: 512 << 20, item_limit: 20_000_000 }
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
    fn now(&mut self) -> i128;
    /// Fills `bytes` from the system's random source.
    fn random(&mut self, bytes: &mut [u8]);
    /// The addresses of a host; asked only if [`Options::enable_dns`].
    fn resolve_host(&mut self, name: &str) -> Vec<String>;
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
    let _ = (context, options, environment);
    Err(Error::new(ErrorKind::Unsupported, "rendering is not built yet"))
}
