//! Parsed templates: a compact tree that is made once and executed any number of times.
//!
//! Goes in: what the parser found. Comes out: nodes whose positions are byte offsets into the text they share, whose
//! functions are resolved and whose variables are slots. The tree knows neither the file it came from nor the name of
//! the chart, so that every alias of a chart can use it. A node's source form (Go's `String()`), which error messages
//! quote, is in `print`.

mod print;

use super::functions::Function;
use super::value::Str;
use std::sync::Arc;

/// One parsed text: its main template and the templates it defines.
pub struct Parsed {
    pub text: Arc<[u8]>,
    pub main: Arc<Tree>,
    /// Each name once, in the order of first definition.
    pub defines: Vec<(Str, Arc<Tree>)>,
}

/// The body of one template.
pub struct Tree {
    pub text: Arc<[u8]>,
    pub list: List,
    /// How many variables it needs; slot 0 is `$`.
    pub slots: usize,
    /// Whether there is nothing but white space in it; such a template never replaces another.
    pub empty: bool,
}

/// A piece of the text: a name, or a chain of fields `.a.b`, which is cut at its dots when it is followed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Span {
    pub start: u32,
    pub end: u32,
}

impl Span {
    /// The bytes it stands for.
    pub fn of(self, text: &[u8]) -> &[u8] {
        text.get(self.start as usize..self.end as usize).unwrap_or_default()
    }

    /// The same as text; identifiers are always UTF-8.
    pub fn text_of(self, text: &[u8]) -> &str {
        std::str::from_utf8(self.of(text)).unwrap_or_default()
    }

    /// Whether it is no piece at all.
    pub fn is_empty(self) -> bool {
        self.start == self.end
    }
}

/// Nodes in order.
pub type List = Box<[Node]>;

/// A piece of a body.
pub enum Node {
    /// `text[start..end]`
    Text {
        start: u32,
        end: u32,
    },
    Action(Pipe),
    If(Box<Branch>),
    With(Box<Branch>),
    Range(Box<Branch>),
    Template(Box<TemplateCall>),
    Break,
    Continue,
}

/// `if`, `with` and `range`.
pub struct Branch {
    pub pipe: Pipe,
    pub list: List,
    pub else_list: Option<List>,
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
    pub variables: Box<[Declared]>,
    pub commands: Box<[Command]>,
}

/// A variable on the left of `:=` or `=`.
pub struct Declared {
    /// With its `$`.
    pub name: Span,
    pub slot: Option<u32>,
}

/// An operand and its arguments.
pub struct Command {
    pub position: u32,
    /// Never empty.
    pub operands: Box<[Operand]>,
}

/// A term of a command.
pub struct Operand {
    pub position: u32,
    pub kind: OperandKind,
}

/// What a term is.
pub enum OperandKind {
    Dot,
    Nil,
    Bool(bool),
    Number(Box<Number>),
    /// The text between the quotes, and where the quoted form ends.
    Str(Str, u32),
    /// `.a.b`
    Field(Span),
    /// `$x.a.b`; no slot if the variable was declared nowhere before.
    Variable {
        name: Span,
        slot: Option<u32>,
        fields: Span,
    },
    /// The name of a function.
    Identifier(Callee),
    /// `(pipe).a.b`
    Chain(Box<Operand>, Span),
    Pipe(Box<Pipe>),
}

/// A resolved function.
#[derive(Clone, Copy)]
pub enum Callee {
    And,
    Or,
    Call,
    Include,
    Tpl,
    Len,
    Function(&'static Function),
}

impl Callee {
    /// The name in the template.
    pub fn name(self) -> &'static str {
        match self {
            Callee::And => "and",
            Callee::Or => "or",
            Callee::Call => "call",
            Callee::Include => "include",
            Callee::Tpl => "tpl",
            Callee::Len => "len",
            Callee::Function(function) => function.name,
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

/// Where a fault is: a node of the tree in execution.
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
