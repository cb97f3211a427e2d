//! Executes parsed templates.
//!
//! Goes in: a [`TemplateSet`], the name of a template and its data. Comes out: text appended to a buffer, or a [`Failure`] with
//! the place, the node and the calls that led there. It knows no chart. Two oddities come from Go: values remember whether they
//! came out of an interface (`boxed`), and errors name the node that was evaluated last. Follows text/template/exec.go, and Helm's
//! engine.go for `include` and `tpl`.

mod call;
pub mod failure;
mod field;
mod hints;
mod include;
mod memory;
mod methods;
mod operand;
mod set;
mod source_map;
mod walk;

use super::ast::NodeRef;
use super::functions::{self, Host};
use super::value::{Str, Value, held};
use super::work;
use failure::Failure;
use memory::Memory;
use std::cell::Cell;
use std::collections::HashMap;
use std::rc::Rc;

use include::ParsedTexts;
pub(crate) use include::without_no_value;
pub use set::{Template, TemplateSet};
pub(crate) use source_map::{Piece, SourceMap};

/// Deepest nesting of `template` actions, as in Go.
const MAX_TEMPLATE_DEPTH: u32 = 100_000;

/// How often one name may be included within itself; also the deepest nesting of `tpl`, which in Helm only the stack limits.
const MAX_INCLUDE_DEPTH: u32 = 1000;

/// The result of anything fallible.
pub(crate) type Evaluation<T> = Result<T, Box<Failure>>;

/// A value and whether its static type is an interface, which decides Go's message for a nil or a missing field.
#[derive(Clone, Default)]
pub(crate) struct Evaluated {
    pub(crate) value: Value,
    pub(crate) boxed: bool,
}

impl Evaluated {
    pub(crate) fn plain(value: Value) -> Evaluated {
        Evaluated { value, boxed: false }
    }

    pub(crate) fn boxed(value: Value) -> Evaluated {
        Evaluated { value, boxed: true }
    }

    /// The name of its static type, as error messages give it.
    fn static_type(&self) -> &'static str {
        if self.boxed { "interface {}" } else { self.value.type_name() }
    }
}

/// The effect of a node on the enclosing loop.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Flow {
    Next,
    Break,
    Continue,
}

/// One executing template.
pub(crate) struct Frame<'t> {
    pub(crate) template: &'t Template,
    /// The index of its first variable.
    base: usize,
    /// How many `template` actions led here.
    depth: u32,
    /// The node evaluated last.
    at: Option<NodeRef<'t>>,
}

/// The templates that one nested `tpl` adds to the set.
struct Layer {
    main: Rc<Template>,
    defines: Vec<Rc<Template>>,
}

/// Executes templates of one set; keeps state that can be reused from file to file.
pub struct Evaluator<'e> {
    /// The steps that the thread had done before.
    outer: u64,
    set: &'e TemplateSet,
    host: &'e mut dyn Host,
    /// A missing key is a fault.
    strict: bool,
    layers: Vec<Layer>,
    /// How often a name was resolved to a text given to `tpl` instead of the set.
    found_in_layers: u64,
    /// Variables of all running templates.
    slots: Vec<Option<Evaluated>>,
    /// Arguments of all active calls.
    arguments: Vec<Value>,
    /// How often each name is being included.
    including: HashMap<Str, u32, ahash::RandomState>,
    parsed: ParsedTexts,
    memory: Memory,
    /// Empty buffers for includes.
    buffers: Vec<Vec<u8>>,
    /// Filled while a file is rendered to explain it.
    source_map: Option<SourceMap>,
    /// At which step the memory of the process was looked at last.
    looked: Cell<u64>,
    /// How many steps before the end of the last file that was.
    since_look: u64,
}

impl<'e> Evaluator<'e> {
    /// An evaluator of this set.
    pub fn new(set: &'e TemplateSet, host: &'e mut dyn Host, strict: bool) -> Evaluator<'e> {
        let outer = work::done();
        work::resume(0);
        held::forget();
        functions::begin_render();
        Evaluator {
            outer,
            set,
            host,
            strict,
            layers: Vec::new(),
            found_in_layers: 0,
            slots: Vec::new(),
            arguments: Vec::new(),
            including: HashMap::default(),
            parsed: ParsedTexts::default(),
            memory: Memory::default(),
            buffers: Vec::new(),
            source_map: None,
            looked: Cell::new(0),
            since_look: 0,
        }
    }

    /// Appends the result of the template of this name for `data`; nothing is undone after a failure.
    pub fn render(&mut self, name: &[u8], data: Value, out: &mut Vec<u8>) -> Result<(), Box<Failure>> {
        self.slots.clear();
        self.arguments.clear();
        self.including.clear();
        self.layers.clear();
        self.memory.begin_file();
        // Each file may count its steps from another number.
        self.looked.set(work::done().wrapping_sub(self.since_look));
        let result = self.execute_name(name, data, out);
        self.since_look = work::done().wrapping_sub(self.looked.get());
        result
    }

    /// As [`Evaluator::render`], with a map of the pieces that wrote the text.
    pub(crate) fn render_mapped(&mut self, name: &[u8], data: Value, out: &mut Vec<u8>) -> (Result<(), Box<Failure>>, SourceMap) {
        self.source_map = Some(SourceMap::new(out));
        let result = self.render(name, data, out);
        (result, self.source_map.take().unwrap_or_else(|| SourceMap::new(out)))
    }

    /// Call when files of another chart follow.
    pub(crate) fn begin_chart(&mut self) {
        self.memory.begin_chart();
    }

    /// Counts work, see [`work`].
    fn work(&self, frame: &Frame<'_>, steps: u64) -> Evaluation<()> {
        work::charge(steps).or_else(|fault| self.fail(frame, fault.message))
    }

    /// A failure at the node evaluated last.
    fn fail<T>(&self, frame: &Frame<'_>, message: impl Into<String>) -> Evaluation<T> {
        Err(self.failure(frame, message.into()))
    }

    #[cold]
    fn failure(&self, frame: &Frame<'_>, message: String) -> Box<Failure> {
        let is_limit = message.starts_with(work::EXCEEDED);
        let mut failure = Box::new(Failure::at(frame.template, frame.at, message));
        if is_limit {
            hints::of_limit(&mut failure);
        }
        failure
    }
}

impl Drop for Evaluator<'_> {
    fn drop(&mut self) {
        // What this thread does next is not part of this render.
        work::resume(self.outer);
    }
}

#[cfg(test)]
mod tests;
