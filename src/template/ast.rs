//! Parsed templates: a compact tree that is built once and executed any number of times.
//!
//! Goes in: the parser's findings. Comes out: nodes whose positions are byte offsets into their shared text, with functions
//! resolved and variables numbered as slots. The tree knows neither its file nor the name of the chart, so that every alias of a
//! chart can use it. `print` writes a node's source form (Go's `String()`), which error messages quote.

mod print;

use super::functions::Function;
use super::value::Str;
use memchr::memmem;
use std::cell::Cell;
use std::marker::PhantomData;
use std::ops::Range;
use std::sync::Arc;

/// One parsed text: its main template and the templates it defines.
pub struct Parsed {
    pub main: Arc<Tree>,
    /// Each name once, in the order of first definition.
    pub defines: Vec<(Str, Arc<Tree>)>,
}

/// The body of one template.
pub struct Tree {
    pub source: Arc<Source>,
    pub list: Run<Node>,
    /// How many variables it needs; slot 0 is `$`.
    pub slots: usize,
    /// Whether the body has only white space; such a template never replaces another.
    pub empty: bool,
}

/// A text and all its nodes, each kind in one list, with nodes that belong together adjacent; a list in a node is a [`Run`] of one
/// of these lists. A single node needs no allocation of its own.
#[derive(Default)]
pub struct Source {
    pub text: Arc<[u8]>,
    pub(super) nodes: Vec<Node>,
    pub(super) branches: Vec<Branch>,
    pub(super) calls: Vec<TemplateCall>,
    pub(super) pipes: Vec<Pipe>,
    pub(super) commands: Vec<Command>,
    pub(super) operands: Vec<Operand>,
    pub(super) variables: Vec<Declared>,
    pub(super) constants: Vec<Constant>,
    pub(super) numbers: Vec<Number>,
    pub(super) mentions: Vec<Mention>,
    pub(super) chains: Vec<Chain>,
    /// Each function once.
    pub(super) functions: Vec<&'static Function>,
}

/// Texts of more bytes are rare, and not worth copying their nodes.
const LONG: usize = 64 << 10;

thread_local! {
    /// The emptied lists of the last text that was settled on this thread.
    static SPARE: Cell<Option<Source>> = const { Cell::new(None) };
}

/// Consecutive items in a list of a [`Source`].
pub struct Run<T> {
    start: u32,
    length: u32,
    of: PhantomData<fn() -> T>,
}

/// An item in a list of a [`Source`].
pub struct At<T> {
    index: u32,
    of: PhantomData<fn() -> T>,
}

impl<T> Clone for Run<T> {
    fn clone(&self) -> Run<T> {
        *self
    }
}

impl<T> Copy for Run<T> {}

impl<T> Run<T> {
    /// Moves the items of `from` to the end of `list`.
    pub(super) fn moved(from: impl Iterator<Item = T>, list: &mut Vec<T>) -> Run<T> {
        let start = list.len();
        list.extend(from);
        Run { start: start as u32, length: (list.len() - start) as u32, of: PhantomData }
    }

    /// Whether the run is empty.
    pub fn is_empty(self) -> bool {
        self.length == 0
    }

    /// The number of items.
    pub fn len(self) -> usize {
        self.length as usize
    }

    fn of(self, list: &[T]) -> &[T] {
        list.get(self.start as usize..self.start as usize + self.length as usize).unwrap_or_default()
    }
}

impl<T> Clone for At<T> {
    fn clone(&self) -> At<T> {
        *self
    }
}

impl<T> Copy for At<T> {}

impl<T> At<T> {
    /// Appends `item` to `list`.
    pub(super) fn put(item: T, list: &mut Vec<T>) -> At<T> {
        list.push(item);
        At { index: (list.len() - 1) as u32, of: PhantomData }
    }

    fn of(self, list: &[T]) -> &T {
        // In bounds: the index comes from `put`, and items are never removed.
        &list[self.index as usize]
    }

    /// The item itself, to change it.
    pub(super) fn of_mut(self, list: &mut [T]) -> &mut T {
        &mut list[self.index as usize]
    }
}

impl<T> At<&'static T> {
    /// The place of `item` in `list`, which is appended if missing; there are few items.
    pub(super) fn put_once(item: &'static T, list: &mut Vec<&'static T>) -> At<&'static T> {
        match list.iter().position(|known| std::ptr::eq(*known, item)) {
            Some(index) => At { index: index as u32, of: PhantomData },
            None => At::put(item, list),
        }
    }
}

impl Source {
    /// A text without nodes yet; call [`Source::settled`] when it is complete.
    pub(super) fn new(text: Arc<[u8]>) -> Source {
        if text.len() <= LONG {
            return Source { text, ..SPARE.take().unwrap_or_default() };
        }
        // Capacities that suffice for most texts, so that the lists need not grow.
        let actions = memmem::find_iter(&text, b"{{").count();
        Source {
            nodes: Vec::with_capacity(actions + actions / 4 + 1),
            commands: Vec::with_capacity(actions + actions / 4),
            operands: Vec::with_capacity(2 * actions),
            text,
            ..Source::default()
        }
    }

    /// The same in exactly as much memory as it needs. The lists of hundreds of templates, each with room to grow, would take a
    /// third more, and fresh memory costs more than this copy; the emptied lists are reused for the next text.
    pub(super) fn settled(mut self) -> Source {
        if self.text.len() > LONG {
            return self;
        }
        fn own<T>(list: &mut Vec<T>) -> Vec<T> {
            let mut own = Vec::with_capacity(list.len());
            own.append(list);
            own
        }
        let settled = Source {
            nodes: own(&mut self.nodes),
            branches: own(&mut self.branches),
            calls: own(&mut self.calls),
            pipes: own(&mut self.pipes),
            commands: own(&mut self.commands),
            operands: own(&mut self.operands),
            variables: own(&mut self.variables),
            constants: own(&mut self.constants),
            numbers: own(&mut self.numbers),
            mentions: own(&mut self.mentions),
            chains: own(&mut self.chains),
            functions: own(&mut self.functions),
            text: std::mem::take(&mut self.text),
        };
        SPARE.set(Some(self));
        settled
    }

    /// The nodes of a body.
    pub fn nodes(&self, run: Run<Node>) -> &[Node] {
        run.of(&self.nodes)
    }

    /// The `if`, `with` or `range` at a place.
    pub fn branch(&self, at: At<Branch>) -> &Branch {
        at.of(&self.branches)
    }

    /// The call of a template at a place.
    pub fn call(&self, at: At<TemplateCall>) -> &TemplateCall {
        at.of(&self.calls)
    }

    /// The pipeline at a place.
    pub fn pipe(&self, at: At<Pipe>) -> &Pipe {
        at.of(&self.pipes)
    }

    /// The commands of a pipeline, first to last.
    pub fn commands(&self, pipe: &Pipe) -> &[Command] {
        pipe.commands.of(&self.commands)
    }

    /// The part of the text with the commands of the pipeline before this one, without the `|`.
    pub fn before_pipe(&self, pipe: &Pipe, command: &Command) -> Range<usize> {
        let start = self.commands(pipe).first().map_or(pipe.position, |first| first.position) as usize;
        let part = self.text.get(start..command.position as usize).unwrap_or_default();
        let kept = part.iter().rposition(|byte| !matches!(byte, b' ' | b'\t' | b'\r' | b'\n' | b'|')).map_or(0, |last| last + 1);
        start..start + kept
    }

    /// The variables that a pipeline declares or sets.
    pub fn variables(&self, pipe: &Pipe) -> &[Declared] {
        pipe.variables.of(&self.variables)
    }

    /// The operands of a command; the first is the called one.
    pub fn operands(&self, command: &Command) -> &[Operand] {
        command.operands.of(&self.operands)
    }

    /// The operand at a place.
    pub fn operand(&self, at: At<Operand>) -> &Operand {
        at.of(&self.operands)
    }

    /// The quoted text at a place.
    pub fn constant(&self, at: At<Constant>) -> &Constant {
        at.of(&self.constants)
    }

    /// The number at a place.
    pub fn number(&self, at: At<Number>) -> &Number {
        at.of(&self.numbers)
    }

    /// The use of a variable at a place.
    pub fn mention(&self, at: At<Mention>) -> &Mention {
        at.of(&self.mentions)
    }

    /// The term with fields at a place.
    pub fn chain(&self, at: At<Chain>) -> &Chain {
        at.of(&self.chains)
    }

    /// The function at a place.
    pub fn function(&self, at: At<&'static Function>) -> &'static Function {
        at.of(&self.functions)
    }
}

/// A piece of the text: a name, or a chain of fields `.a.b`, which is split at its dots when it is followed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Span {
    pub start: u32,
    pub end: u32,
}

impl Span {
    /// The bytes of the piece.
    pub fn of(self, text: &[u8]) -> &[u8] {
        text.get(self.start as usize..self.end as usize).unwrap_or_default()
    }

    /// The same as a string; identifiers are always UTF-8.
    pub fn text_of(self, text: &[u8]) -> &str {
        std::str::from_utf8(self.of(text)).unwrap_or_default()
    }

    /// Whether the piece is empty.
    pub fn is_empty(self) -> bool {
        self.start == self.end
    }
}

/// A piece of a body.
pub enum Node {
    /// `text[start..end]`
    Text {
        start: u32,
        end: u32,
    },
    /// `{{ "text" }}`: writes the text between the quotes, `text[start..end]`.
    Quoted {
        start: u32,
        end: u32,
    },
    Action(Pipe),
    If(At<Branch>),
    With(At<Branch>),
    Range(At<Branch>),
    Template(At<TemplateCall>),
    Break,
    Continue,
}

/// `if`, `with` and `range`.
pub struct Branch {
    pub pipe: Pipe,
    pub list: Run<Node>,
    pub else_list: Option<Run<Node>>,
}

/// `{{ template "name" pipe }}`
pub struct TemplateCall {
    /// Of the name.
    pub position: u32,
    pub name: Str,
    pub pipe: Option<Pipe>,
}

/// Commands joined by `|`, whose result may go into variables.
pub struct Pipe {
    pub position: u32,
    /// `=` rather than `:=`.
    pub assigns: bool,
    pub variables: Run<Declared>,
    pub commands: Run<Command>,
}

/// A variable on the left of `:=` or `=`.
pub struct Declared {
    /// With its `$`.
    pub name: Span,
    pub slot: Slot,
}

/// The place of a variable; none for a variable that was never declared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Slot(u32);

impl Slot {
    /// The slot of this number, from 0.
    pub fn new(number: Option<u32>) -> Slot {
        Slot(number.map_or(0, |number| number + 1))
    }

    /// Its number.
    pub fn number(self) -> Option<usize> {
        (self.0 as usize).checked_sub(1)
    }
}

/// An operand and its arguments.
pub struct Command {
    pub position: u32,
    /// Never empty.
    pub operands: Run<Operand>,
}

/// A term of a command.
pub struct Operand {
    pub position: u32,
    pub kind: OperandKind,
}

/// The kind of a term; kinds larger than most are kept in their own lists.
#[repr(u32)]
pub enum OperandKind {
    Dot,
    Nil,
    Bool(bool),
    Number(At<Number>),
    Str(At<Constant>),
    /// `.a.b`
    Field(Span),
    /// `$x.a.b`
    Variable(At<Mention>),
    /// The name of a function.
    Identifier(Callee),
    /// `(pipe).a.b`
    Chain(At<Chain>),
    Pipe(At<Pipe>),
}

/// A quoted text.
pub struct Constant {
    /// The text between the quotes.
    pub text: Str,
    /// Where the quoted form ends.
    pub end: u32,
}

/// The use of a variable, and the fields behind it.
#[derive(Clone, Copy)]
pub struct Mention {
    pub name: Span,
    /// None if the variable was never declared.
    pub slot: Slot,
    pub fields: Span,
}

/// The fields of an operand's value.
#[derive(Clone, Copy)]
pub struct Chain {
    pub of: At<Operand>,
    pub fields: Span,
}

/// A resolved function.
#[derive(Clone, Copy)]
#[repr(u32)]
pub enum Callee {
    Intrinsic(Intrinsic),
    Function(At<&'static Function>),
}

/// Functions that the evaluator implements itself, since they need more than evaluated arguments.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u32)]
pub enum Intrinsic {
    And,
    Or,
    Call,
    Include,
    Tpl,
    Len,
}

impl Intrinsic {
    /// All of them.
    pub const ALL: [Intrinsic; 6] = [Intrinsic::Include, Intrinsic::Tpl, Intrinsic::And, Intrinsic::Or, Intrinsic::Call, Intrinsic::Len];

    /// The name in the template.
    pub fn name(self) -> &'static str {
        match self {
            Intrinsic::And => "and",
            Intrinsic::Or => "or",
            Intrinsic::Call => "call",
            Intrinsic::Include => "include",
            Intrinsic::Tpl => "tpl",
            Intrinsic::Len => "len",
        }
    }

    /// Whether only charts' templates may call it; the others are Go's.
    pub fn is_of_charts(self) -> bool {
        matches!(self, Intrinsic::Include | Intrinsic::Tpl)
    }
}

impl Callee {
    /// The name in the template.
    pub fn name(self, source: &Source) -> &'static str {
        match self {
            Callee::Intrinsic(function) => function.name(),
            Callee::Function(function) => source.function(function).name,
        }
    }
}

/// A numeric constant in every type that can hold it, as Go's ideal constants.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Number {
    pub text: Box<str>,
    pub int: Option<i64>,
    pub uint: Option<u64>,
    pub float: Option<f64>,
    pub complex: Option<(f64, f64)>,
}

/// The place of a fault: a node of the executing tree.
#[derive(Clone, Copy)]
pub enum NodeRef<'t> {
    Operand(&'t Operand),
    Command(&'t Command),
    Pipe(&'t Pipe),
    Action(&'t Pipe),
    Range(&'t Branch),
    Template(&'t TemplateCall),
}

impl NodeRef<'_> {
    /// Byte offset in the text.
    pub fn position(self) -> usize {
        (match self {
            NodeRef::Operand(operand) => operand.position,
            NodeRef::Command(command) => command.position,
            NodeRef::Pipe(pipe) | NodeRef::Action(pipe) => pipe.position,
            NodeRef::Range(branch) => branch.pipe.position,
            NodeRef::Template(call) => call.position,
        }) as usize
    }
}

/// The line (from 1) and the column in bytes (from 0) of an offset, counted as Go does.
pub fn line_and_column(text: &[u8], position: usize) -> (usize, usize) {
    let before = text.get(..position).unwrap_or(text);
    let line = 1 + memchr::memchr_iter(b'\n', before).count();
    let column = match memchr::memrchr(b'\n', before) {
        Some(newline) => before.len() - newline - 1,
        None => before.len(),
    };
    (line, column)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Charts have tens of thousands of nodes, and for a short run, memory used for the first time is slow.
    #[test]
    fn nodes_are_small() {
        assert_eq!(std::mem::size_of::<Node>(), 24);
        assert_eq!(std::mem::size_of::<Command>(), 12);
        assert_eq!(std::mem::size_of::<Operand>(), 16);
    }
}
