//! Pipelines, commands and operands.
//!
//! Goes in: a pipeline and dot. Comes out: its value, stored in its variables. Follows `evalPipeline`, `evalCommand` and `evalArg`
//! of text/template/exec.go. The order of assignments to `frame.at` matters, since errors name the node that was evaluated last.

use super::{Evaluated, Evaluation, Evaluator, Frame, hints};
use crate::template::ast::{Callee, Chain, Command, Intrinsic, Mention, NodeRef, Number, Operand, OperandKind, Pipe, Slot, Span};
use crate::template::functions::Parameter;
use crate::template::value::{IntKind, Value};
use std::rc::Rc;

impl Evaluator<'_> {
    pub(super) fn pipeline<'t>(&mut self, frame: &mut Frame<'t>, dot: &Evaluated, pipe: &'t Pipe) -> Evaluation<Value> {
        frame.at = Some(NodeRef::Pipe(pipe));
        self.work(frame, 1)?;
        let source = &frame.template.tree.source;
        let mut value: Option<Value> = None;
        for command in source.commands(pipe) {
            value = match self.command(frame, dot, command, value) {
                Ok(given) => Some(given.value),
                Err(failure) => return Err(failure.in_pipeline(frame.template, source.before_pipe(pipe, command))),
            };
        }
        let value = value.unwrap_or_default();
        for variable in source.variables(pipe) {
            self.set_variable(frame, variable, Evaluated::plain(value.clone()))?;
        }
        Ok(value)
    }

    fn command<'t>(&mut self, frame: &mut Frame<'t>, dot: &Evaluated, command: &'t Command, piped: Option<Value>) -> Evaluation<Evaluated> {
        let source = &frame.template.tree.source;
        let Some((first, arguments)) = source.operands(command).split_first() else { return Ok(Evaluated::default()) };
        match &first.kind {
            OperandKind::Identifier(callee) => {
                frame.at = Some(NodeRef::Operand(first));
                return self.call_function(frame, dot, *callee, NodeRef::Command(command), arguments, piped);
            }
            OperandKind::Field(fields) => {
                frame.at = Some(NodeRef::Operand(first));
                return self.fields(frame, dot, dot.clone(), first, *fields, arguments, piped);
            }
            OperandKind::Chain(chain) => {
                return self.chain(frame, dot, first, *source.chain(*chain), arguments, piped);
            }
            OperandKind::Variable(mention) => {
                frame.at = Some(NodeRef::Operand(first));
                let Mention { name, slot, fields } = *source.mention(*mention);
                let value = self.variable(frame, name, slot)?;
                if fields.is_empty() {
                    self.not_a_function(frame, first, arguments, &piped)?;
                    return Ok(value);
                }
                return self.fields(frame, dot, value, first, fields, arguments, piped);
            }
            OperandKind::Pipe(pipe) => {
                self.not_a_function(frame, first, arguments, &piped)?;
                return Ok(Evaluated::plain(self.pipeline(frame, dot, source.pipe(*pipe))?));
            }
            _ => {}
        }
        frame.at = Some(NodeRef::Operand(first));
        self.not_a_function(frame, first, arguments, &piped)?;
        match &first.kind {
            OperandKind::Dot => Ok(dot.clone()),
            OperandKind::Nil => self.fail(frame, "nil is not a command"),
            OperandKind::Bool(truth) => Ok(Evaluated::plain(Value::Bool(*truth))),
            OperandKind::Number(number) => Ok(Evaluated::plain(self.ideal_constant(frame, source.number(*number))?)),
            OperandKind::Str(constant) => Ok(Evaluated::plain(Value::Str(source.constant(*constant).text.clone()))),
            _ => Ok(Evaluated::default()),
        }
    }

    fn not_a_function(&self, frame: &Frame<'_>, first: &Operand, arguments: &[Operand], piped: &Option<Value>) -> Evaluation<()> {
        if arguments.is_empty() && piped.is_none() {
            return Ok(());
        }
        let source = NodeRef::Operand(first).source(&frame.template.tree.source);
        self.fail(frame, format!("can't give argument to non-function {}", String::from_utf8_lossy(&source)))
    }

    pub(super) fn variable(&self, frame: &Frame<'_>, name: Span, slot: Slot) -> Evaluation<Evaluated> {
        match slot.number().and_then(|slot| self.slots.get(frame.base + slot)) {
            Some(Some(value)) => Ok(value.clone()),
            _ => Err(self.undefined(frame, name)),
        }
    }

    /// `$`: the data given to the template.
    pub(super) fn given(&self, frame: &Frame<'_>) -> Option<&Evaluated> {
        self.slots.get(frame.base).and_then(Option::as_ref)
    }

    fn chain<'t>(
        &mut self,
        frame: &mut Frame<'t>,
        dot: &Evaluated,
        operand: &'t Operand,
        chain: Chain,
        arguments: &'t [Operand],
        piped: Option<Value>,
    ) -> Evaluation<Evaluated> {
        let inner = frame.template.tree.source.operand(chain.of);
        frame.at = Some(NodeRef::Operand(inner));
        let value = match &inner.kind {
            OperandKind::Pipe(pipe) => Evaluated::plain(self.pipeline(frame, dot, frame.template.tree.source.pipe(*pipe))?),
            OperandKind::Identifier(callee) => returned(self.call_function(frame, dot, *callee, NodeRef::Operand(inner), &[], None)?),
            _ => return self.fail(frame, "indirection through explicit nil"),
        };
        self.fields(frame, dot, value, operand, chain.fields, arguments, piped)
    }

    /// An operand as argument for a parameter of this type.
    pub(super) fn argument<'t>(
        &mut self,
        frame: &mut Frame<'t>,
        dot: &Evaluated,
        parameter: Parameter,
        operand: &'t Operand,
    ) -> Evaluation<Value> {
        let value = self.argument_boxed(frame, dot, parameter, operand)?;
        Ok(value.value)
    }

    /// The same, and whether a nil was in an interface, which `len` needs.
    pub(super) fn argument_boxed<'t>(
        &mut self,
        frame: &mut Frame<'t>,
        dot: &Evaluated,
        parameter: Parameter,
        operand: &'t Operand,
    ) -> Evaluation<Evaluated> {
        frame.at = Some(NodeRef::Operand(operand));
        let mut value = match &operand.kind {
            OperandKind::Dot => dot.clone(),
            OperandKind::Nil => {
                if can_be_nil(parameter) {
                    return Ok(Evaluated::default());
                }
                return self.fail(frame, format!("cannot assign nil to {}", type_of(parameter)));
            }
            OperandKind::Field(fields) => self.fields(frame, dot, dot.clone(), operand, *fields, &[], None)?,
            OperandKind::Variable(mention) => {
                let Mention { name, slot, fields } = *frame.template.tree.source.mention(*mention);
                let value = self.variable(frame, name, slot)?;
                if fields.is_empty() { value } else { self.fields(frame, dot, value, operand, fields, &[], None)? }
            }
            OperandKind::Pipe(pipe) => Evaluated::plain(self.pipeline(frame, dot, frame.template.tree.source.pipe(*pipe))?),
            OperandKind::Identifier(callee) => returned(self.call_function(frame, dot, *callee, NodeRef::Operand(operand), &[], None)?),
            OperandKind::Chain(chain) => self.chain(frame, dot, operand, *frame.template.tree.source.chain(*chain), &[], None)?,
            OperandKind::Bool(_) | OperandKind::Number(_) | OperandKind::Str(..) => {
                return Ok(Evaluated::plain(self.literal(frame, parameter, operand)?));
            }
        };
        self.check_type(frame, &value, parameter)?;
        box_field(&mut value.value, parameter);
        Ok(value)
    }

    /// A constant takes the type that the parameter wants.
    fn literal(&mut self, frame: &mut Frame<'_>, parameter: Parameter, operand: &Operand) -> Evaluation<Value> {
        let source = &frame.template.tree.source;
        if let OperandKind::Number(at) = &operand.kind {
            let number = source.number(*at);
            match parameter {
                Parameter::Any | Parameter::Reflect => return self.ideal_constant(frame, number),
                Parameter::Int if number.int.is_some() => return Ok(Value::int(number.int.unwrap_or(0))),
                Parameter::Int64 | Parameter::Duration if number.int.is_some() => return Ok(Value::int64(number.int.unwrap_or(0))),
                Parameter::Uint32 if number.uint.is_some() => {
                    return Ok(Value::Int(IntKind::Uint32, number.uint.unwrap_or(0) as u32 as i64));
                }
                Parameter::Float if number.float.is_some() => return Ok(Value::Float(number.float.unwrap_or(0.0))),
                _ => {}
            }
        }
        let wanted = match (parameter, &operand.kind) {
            (Parameter::Any | Parameter::Reflect, OperandKind::Bool(truth)) => return Ok(Value::Bool(*truth)),
            (Parameter::Any | Parameter::Reflect | Parameter::Str, OperandKind::Str(constant)) => {
                return Ok(Value::Str(source.constant(*constant).text.clone()));
            }
            (Parameter::Bool, OperandKind::Bool(truth)) => return Ok(Value::Bool(*truth)),
            (Parameter::Str, _) => "string",
            (Parameter::Bool, _) => "bool",
            (Parameter::Int | Parameter::Int64 | Parameter::Duration, _) => "integer",
            (Parameter::Uint32, _) => "unsigned integer",
            (Parameter::Float, _) => "float",
            _ => "",
        };
        let source = NodeRef::Operand(operand).source(&frame.template.tree.source);
        let source = String::from_utf8_lossy(&source);
        if wanted.is_empty() {
            return self.fail(frame, format!("can't handle {source} for arg of type {}", type_of(parameter)));
        }
        let mut failure = self.failure(frame, format!("expected {wanted}; found {source}"));
        hints::of_constant(&mut failure, &source, parameter);
        Err(failure)
    }

    /// A number where no context determines its type.
    fn ideal_constant(&self, frame: &Frame<'_>, number: &Number) -> Evaluation<Value> {
        let text = &*number.text;
        if let Some(parts) = number.complex {
            return Ok(Value::Complex(Rc::new(parts)));
        }
        let hexadecimal = (text.starts_with("0x") || text.starts_with("0X")) && !text.contains(['p', 'P']);
        if let Some(float) = number.float
            && !hexadecimal
            && !text.starts_with('\'')
            && text.contains(['.', 'e', 'E', 'p', 'P'])
        {
            return Ok(Value::Float(float));
        }
        match (number.int, number.uint) {
            (Some(int), _) => Ok(Value::int(int)),
            (None, Some(_)) => self.fail(frame, format!("{text} overflows int")),
            (None, None) => Ok(Value::Nil),
        }
    }

    /// Checks that a value may be given to a parameter of this type.
    pub(super) fn check_type(&self, frame: &Frame<'_>, value: &Evaluated, parameter: Parameter) -> Evaluation<()> {
        if is_assignable(&value.value, parameter) {
            return Ok(());
        }
        let wanted = type_of(parameter);
        let message = match (&value.value, value.boxed) {
            (Value::Nil, false) if can_be_nil(parameter) => return Ok(()),
            (Value::Nil, false) => format!("invalid value; expected {wanted}"),
            (Value::Nil, true) => format!("wrong type for value; expected {wanted}; got interface {{}}"),
            (other, _) => format!("wrong type for value; expected {wanted}; got {}", other.type_name()),
        };
        Err(hints::of_type(self.failure(frame, message), &value.value, parameter))
    }

    pub(super) fn call_function<'t>(
        &mut self,
        frame: &mut Frame<'t>,
        dot: &Evaluated,
        callee: Callee,
        node: NodeRef<'t>,
        arguments: &'t [Operand],
        piped: Option<Value>,
    ) -> Evaluation<Evaluated> {
        let value = match callee {
            Callee::Function(function) => {
                let function = frame.template.tree.source.function(function);
                self.call_row(frame, dot, function, node, arguments, piped)?
            }
            Callee::Intrinsic(Intrinsic::And) => self.and_or(frame, dot, false, arguments, piped)?,
            Callee::Intrinsic(Intrinsic::Or) => self.and_or(frame, dot, true, arguments, piped)?,
            Callee::Intrinsic(Intrinsic::Include) => self.call_include(frame, dot, node, arguments, piped)?,
            Callee::Intrinsic(Intrinsic::Tpl) => self.call_tpl(frame, dot, node, arguments, piped)?,
            Callee::Intrinsic(Intrinsic::Len) => self.len(frame, dot, node, arguments, piped)?,
            Callee::Intrinsic(Intrinsic::Call) => self.call_value(frame, dot, node, arguments, piped)?,
        };
        Ok(Evaluated::plain(value))
    }
}

/// A function's result without a surrounding pipeline: a nil keeps the interface type of the function's declaration.
fn returned(result: Evaluated) -> Evaluated {
    Evaluated { boxed: matches!(result.value, Value::Nil), value: result.value }
}

/// Puts a struct's field into an `interface {}`, see [`crate::template::value::Object::boxed`].
pub(super) fn box_field(value: &mut Value, parameter: Parameter) {
    if let Value::Object(object) = &*value
        && parameter == Parameter::Any
        && let Some(boxed) = object.boxed()
    {
        *value = boxed;
    }
}

/// Go's assignability of a value's dynamic type; nils are handled elsewhere.
fn is_assignable(value: &Value, parameter: Parameter) -> bool {
    use crate::template::value::{ListKind, MapKind};
    match (parameter, value) {
        (Parameter::Any | Parameter::Reflect, _) => true,
        (Parameter::Str, Value::Str(_)) => true,
        (Parameter::Int, Value::Int(IntKind::Int, _)) => true,
        (Parameter::Int64, Value::Int(IntKind::Int64, _)) => true,
        (Parameter::Uint32, Value::Int(IntKind::Uint32, _)) => true,
        (Parameter::Float, Value::Float(_)) => true,
        (Parameter::Bool, Value::Bool(_)) => true,
        (Parameter::Bytes, Value::Bytes(_)) => true,
        (Parameter::Map, Value::Map(map)) => matches!(map.kind(), MapKind::Any | MapKind::Values),
        (Parameter::List, Value::List(list)) => list.kind() == ListKind::Any,
        (Parameter::Strings, Value::List(list)) => matches!(list.kind(), ListKind::Str | ListKind::VersionSet),
        (Parameter::Time | Parameter::Duration | Parameter::Certificate | Parameter::Version, Value::Object(object)) => {
            object.type_name() == type_of(parameter)
        }
        _ => false,
    }
}

/// Whether Go makes a zero value of this type from an untyped nil.
fn can_be_nil(parameter: Parameter) -> bool {
    matches!(
        parameter,
        Parameter::Any | Parameter::Reflect | Parameter::Map | Parameter::List | Parameter::Strings | Parameter::Bytes | Parameter::Version
    )
}

/// Go's name of the parameter's type.
fn type_of(parameter: Parameter) -> &'static str {
    match parameter {
        Parameter::Any => "interface {}",
        Parameter::Reflect => "reflect.Value",
        Parameter::Str => "string",
        Parameter::Int => "int",
        Parameter::Int64 => "int64",
        Parameter::Float => "float64",
        Parameter::Bool => "bool",
        Parameter::Map => "map[string]interface {}",
        Parameter::List => "[]interface {}",
        Parameter::Strings => "[]string",
        Parameter::Bytes => "[]uint8",
        Parameter::Time => "time.Time",
        Parameter::Duration => "time.Duration",
        Parameter::Uint32 => "uint32",
        Parameter::Certificate => "sprig.certificate",
        Parameter::Version => "*semver.Version",
    }
}
