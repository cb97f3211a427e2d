//! Calls: counts, checks and collects the arguments, then calls the function.
//!
//! Goes in: a function and its operands. Comes out: its result, or an error that names the command. The arguments of all active
//! calls share one stack, so that a call allocates nothing. Follows `evalCall` of text/template/exec.go.

use super::failure::Failure;
use super::operand::box_field;
use super::{Evaluated, Evaluation, Evaluator, Frame, hints};
use crate::template::ast::{NodeRef, Operand};
use crate::template::functions::{Call, Function, Parameter, Parameters};
use crate::template::value::{Value, held};
use crate::template::work;
use std::sync::Arc;

/// Functions that take as long for a long argument as for a short one.
const PASSING: [&str; 13] =
    ["get", "set", "unset", "hasKey", "default", "coalesce", "ternary", "empty", "list", "tuple", "dict", "kindOf", "typeOf"];

impl Evaluator<'_> {
    /// A function of the registry.
    pub(super) fn call_row<'t>(
        &mut self,
        frame: &mut Frame<'t>,
        dot: &Evaluated,
        function: &'static Function,
        node: NodeRef<'t>,
        arguments: &'t [Operand],
        piped: Option<Value>,
    ) -> Evaluation<Value> {
        let mark = self.arguments.len();
        self.collect_arguments(frame, dot, function.name, &function.parameters, arguments, piped)?;
        self.count_arguments(frame, mark, function.name)?;
        let arguments = self.arguments.get(mark..).unwrap_or_default();
        let result = (function.call)(&mut Call { arguments, host: &mut *self.host });
        self.arguments.truncate(mark);
        let value = match result {
            Ok(value) => value,
            Err(fault) => return Err(self.call_failed(frame, node, function.name, fault.message)),
        };
        self.count_result(frame, node, function.name, &value)?;
        Ok(value)
    }

    /// Counts a call and the reading of its arguments. What takes longer than reading them once, the function counts itself.
    pub(super) fn count_arguments(&self, frame: &Frame<'_>, mark: usize, name: &str) -> Evaluation<()> {
        let arguments = self.arguments.get(mark..).unwrap_or_default();
        let mut read = 0;
        for argument in arguments {
            read += match argument {
                Value::Str(text) => work::reading(text.len()),
                Value::Bytes(bytes) => work::reading(bytes.len()),
                Value::List(list) if list.is_unused() => work::passing(list.len()),
                Value::List(list) => work::reading(list.len()),
                Value::Map(map) => work::reading(map.size()),
                _ => 0,
            };
        }
        // Few arguments are so long that the name matters.
        if read > 0 && PASSING.contains(&name) {
            // The first change of a map that is shared copies its entries.
            let copied = arguments.first().map_or(0, |argument| match argument {
                Value::Map(map) if map.is_view() && matches!(name, "set" | "unset") => map.size(),
                _ => 0,
            });
            read = copied as u64;
        }
        self.work(frame, 1 + work::passing(arguments.len()) + read)
    }

    /// Refuses a text that is too long, whichever function made it, and counts the making of a result, unless it is one that others have
    /// too: an argument, or a part of one.
    pub(super) fn count_result<'t>(&self, frame: &mut Frame<'t>, node: NodeRef<'t>, name: &str, value: &Value) -> Evaluation<()> {
        let steps = match value {
            Value::Str(text) => {
                let (length, limit) = (text.len(), self.host.size_limit());
                if length > limit {
                    let message = format!("result of {length} bytes exceeds the limit of {limit} bytes");
                    return Err(self.call_failed(frame, node, name, message));
                }
                if text.is_only() { work::making(length) } else { 0 }
            }
            Value::Bytes(bytes) if Arc::strong_count(bytes) == 1 => (bytes.len() / work::BYTES_MADE) as u64,
            Value::List(list) if list.is_only() && list.is_of_new_items() => 2 * list.len() as u64,
            Value::List(list) if list.is_only() => work::copying(list.len()),
            Value::Map(map) if map.is_only() => map.size() as u64,
            _ => 0,
        };
        if held::bytes() > work::HELD_LIMIT {
            return Err(self.call_failed(frame, node, name, held_too_much()));
        }
        if self.should_look()
            && let Some(limit) = self.exceeded_memory()
        {
            let mut failure = self.call_failed(frame, node, name, too_much_memory(limit));
            hints::of_memory(&mut failure, limit);
            return Err(failure);
        }
        self.work(frame, steps)
    }

    /// Refuses to go on where too much is held; what includes make does not pass [`Evaluator::count_result`].
    pub(super) fn check_held(&self, frame: &Frame<'_>) -> Evaluation<()> {
        if held::bytes() > work::HELD_LIMIT { self.fail(frame, held_too_much()) } else { Ok(()) }
    }

    /// Whether it is time to look at the memory of the process.
    fn should_look(&self) -> bool {
        work::done().wrapping_sub(self.looked.get()) >= LOOK_AFTER
    }

    /// The limit of memory, if the process takes more.
    #[cold]
    fn exceeded_memory(&self) -> Option<u64> {
        self.looked.set(work::done());
        self.host.exceeded_memory()
    }

    /// Refuses to go on behind a template where the process has too much memory: texts that are printed are no results of calls.
    pub(super) fn check_memory(&self, frame: &Frame<'_>) -> Evaluation<()> {
        match self.should_look().then(|| self.exceeded_memory()).flatten() {
            Some(limit) => {
                let mut failure = self.failure(frame, too_much_memory(limit));
                hints::of_memory(&mut failure, limit);
                Err(failure)
            }
            None => Ok(()),
        }
    }

    #[cold]
    pub(super) fn call_failed<'t>(&self, frame: &mut Frame<'t>, node: NodeRef<'t>, name: &str, message: String) -> Box<Failure> {
        frame.at = Some(node);
        let mut failure = Failure::returned(message.as_str());
        let call = node.source(&frame.template.tree.source);
        hints::of_call(&mut failure, &message, &String::from_utf8_lossy(&call));
        Box::new(failure).called_from(frame.template, frame.at, name)
    }

    /// Checks the number of arguments.
    pub(super) fn check_count(&self, frame: &Frame<'_>, name: &str, parameters: &Parameters, given: usize, piped: bool) -> Evaluation<()> {
        let all = given + usize::from(piped);
        let wanted = parameters.list.len();
        if parameters.variadic {
            if all + 1 < wanted {
                return self.fail(frame, format!("wrong number of args for {name}: want at least {} got {given}", wanted - 1));
            }
        } else if all != wanted {
            return self.fail(frame, format!("wrong number of args for {name}: want {wanted} got {all}"));
        }
        Ok(())
    }

    /// Pushes the arguments of a call on the stack.
    pub(super) fn collect_arguments<'t>(
        &mut self,
        frame: &mut Frame<'t>,
        dot: &Evaluated,
        name: &str,
        parameters: &Parameters,
        arguments: &'t [Operand],
        piped: Option<Value>,
    ) -> Evaluation<()> {
        self.check_count(frame, name, parameters, arguments.len(), piped.is_some())?;
        let last = parameters.list.last().copied().unwrap_or(Parameter::Any);
        for (index, operand) in arguments.iter().enumerate() {
            let parameter = parameters.list.get(index).copied().unwrap_or(last);
            let value = self.argument(frame, dot, parameter, operand)?;
            self.arguments.push(value);
        }
        if let Some(value) = piped {
            let parameter = parameters.list.get(arguments.len()).copied().unwrap_or(last);
            let mut value = Evaluated::plain(value);
            self.check_type(frame, &value, parameter).map_err(|mut failure| {
                failure.blame_piped(hints::shown(&self.printed(&value.value)));
                failure
            })?;
            box_field(&mut value.value, parameter);
            self.arguments.push(value.value);
        }
        Ok(())
    }

    /// `and` and `or`: arguments are evaluated until one decides; for `or`, that is the first true one.
    pub(super) fn and_or<'t>(
        &mut self,
        frame: &mut Frame<'t>,
        dot: &Evaluated,
        decisive: bool,
        arguments: &'t [Operand],
        piped: Option<Value>,
    ) -> Evaluation<Value> {
        let name = if decisive { "or" } else { "and" };
        self.check_count(frame, name, &AT_LEAST_ONE, arguments.len(), piped.is_some())?;
        let mut value = Value::Nil;
        for operand in arguments {
            self.work(frame, 1)?;
            value = self.argument(frame, dot, Parameter::Reflect, operand)?;
            if value.truth() == decisive {
                return Ok(value);
            }
        }
        Ok(piped.unwrap_or(value))
    }

    /// `len`, which distinguishes a nil in an interface from no value at all.
    pub(super) fn len<'t>(
        &mut self,
        frame: &mut Frame<'t>,
        dot: &Evaluated,
        node: NodeRef<'t>,
        arguments: &'t [Operand],
        piped: Option<Value>,
    ) -> Evaluation<Value> {
        self.check_count(frame, "len", &ONE, arguments.len(), piped.is_some())?;
        let value = match arguments.first() {
            Some(operand) => self.argument_boxed(frame, dot, Parameter::Reflect, operand)?,
            None => Evaluated::plain(piped.unwrap_or_default()),
        };
        let length = match &value.value {
            Value::Str(text) => text.len(),
            Value::Bytes(bytes) => bytes.len(),
            Value::List(list) => list.len(),
            Value::Map(map) => map.len(),
            Value::Object(object) if object.kind_name() == "map" => {
                // They are made for this.
                let length = object.entries().map_or(0, |entries| entries.len());
                self.work(frame, work::passing(length))?;
                length
            }
            Value::Nil if value.boxed => return Err(self.call_failed(frame, node, "len", "len of nil pointer".into())),
            Value::Nil => {
                let message = "reflect: call of reflect.Value.Type on zero Value".into();
                return Err(self.call_failed(frame, node, "len", message));
            }
            other => {
                let kind = other.type_name();
                // Go dereferences the pointer.
                let message = format!("len of type {}", kind.strip_prefix('*').unwrap_or(kind));
                return Err(self.call_failed(frame, node, "len", message));
            }
        };
        Ok(Value::int(length as i64))
    }

    /// `call`: no value of a chart is a function, so it always fails.
    pub(super) fn call_value<'t>(
        &mut self,
        frame: &mut Frame<'t>,
        dot: &Evaluated,
        node: NodeRef<'t>,
        arguments: &'t [Operand],
        piped: Option<Value>,
    ) -> Evaluation<Value> {
        self.check_count(frame, "call", &AT_LEAST_ONE, arguments.len(), piped.is_some())?;
        let mut callee = None;
        for operand in arguments {
            let value = self.argument(frame, dot, Parameter::Reflect, operand)?;
            callee.get_or_insert(value);
        }
        let callee = callee.or_else(|| piped.clone()).unwrap_or_default();
        let name = match (arguments.first(), &callee) {
            (Some(operand), _) => String::from_utf8_lossy(&NodeRef::Operand(operand).source(&frame.template.tree.source)).into_owned(),
            (None, Value::Str(text)) => text.to_text().into_owned(),
            (None, other) => format!("<{} Value>", other.type_name()),
        };
        let message = match &callee {
            Value::Nil => "call of nil".to_string(),
            other => format!("non-function {name} of type {}", other.type_name()),
        };
        Err(self.call_failed(frame, node, "call", message))
    }
}

const ONE: Parameters = Parameters { list: &[Parameter::Reflect], variadic: false };
const AT_LEAST_ONE: Parameters = Parameters { list: &[Parameter::Reflect, Parameter::Reflect], variadic: true };

/// How many steps pass between looks at the memory: tens of milliseconds, in which a hundred megabytes may be made.
const LOOK_AFTER: u64 = 1_000_000;

#[cold]
fn too_much_memory(limit: u64) -> String {
    format!("templates take more than {limit} bytes of memory")
}

#[cold]
fn held_too_much() -> String {
    format!("templates hold more than {} bytes of texts and lists at once", work::HELD_LIMIT)
}
