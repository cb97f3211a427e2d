//! Fields and methods: `.a.b`, `$x.a`, `(pipe).a`.
//!
//! Goes in: a receiver and names. Comes out: the value of the field, or the result of the method. No text is built in between.
//! Follows `evalField` of text/template/exec.go; the methods of named types are those of Helm's `common.Values` and
//! `common.VersionSet`, others are the objects' own.

use super::hints::{self, Broken};
use super::{Evaluated, Evaluation, Evaluator, Frame, methods};
use crate::quote;
use crate::template::ast::{NodeRef, Operand, Span};
use crate::template::value::{MapKind, Method, Str, Value};
use crate::template::work;

impl Evaluator<'_> {
    #[expect(clippy::too_many_arguments, reason = "the parts of one chain of fields with its call")]
    pub(super) fn fields<'t>(
        &mut self,
        frame: &mut Frame<'t>,
        dot: &Evaluated,
        receiver: Evaluated,
        node: &'t Operand,
        names: Span,
        arguments: &'t [Operand],
        piped: Option<Value>,
    ) -> Evaluation<Evaluated> {
        self.work(frame, work::passing((names.end - names.start) as usize))?;
        let mut receiver = receiver;
        let mut piped = piped;
        let mut parent = None;
        // `.a.b`, never empty: split after each dot.
        let text = &*frame.template.tree.source.text;
        let mut rest = names.of(text).get(1..).unwrap_or_default();
        loop {
            let (name, after) = match rest.iter().position(|byte| *byte == b'.') {
                Some(dot_at) => (&rest[..dot_at], Some(&rest[dot_at + 1..])),
                None => (rest, None),
            };
            // Nearly every step is the entry of a plain map.
            if let Value::Map(map) = &receiver.value
                && map.kind() == MapKind::Any
                && (after.is_some() || (arguments.is_empty() && piped.is_none()))
                && let Some(value) = map.get(name)
            {
                let value = Evaluated::boxed(value);
                let Some(after) = after else { return Ok(value) };
                parent = Some((std::mem::replace(&mut receiver, value), name));
                rest = after;
                continue;
            }
            // Identifiers are always UTF-8.
            let word = std::str::from_utf8(name).unwrap_or_default();
            let (own_arguments, own_piped) = if after.is_none() { (arguments, piped.take()) } else { (&[][..], None) };
            match (self.field(frame, dot, &receiver, node, word, own_arguments, own_piped), after) {
                (Ok(value), None) => return Ok(value),
                (Ok(value), Some(after)) => {
                    parent = Some((std::mem::replace(&mut receiver, value), name));
                    rest = after;
                }
                (Err(failure), _) => {
                    let unread = rest.len() + 1;
                    let parent = parent.map(|(value, name)| (value, std::str::from_utf8(name).unwrap_or_default()));
                    let broken = Broken {
                        template: frame.template,
                        source: &frame.template.tree.source,
                        node,
                        chain: std::str::from_utf8(names.of(text)).unwrap_or_default(),
                        end: names.end as usize - unread,
                        name: word,
                        receiver: &receiver,
                        parent,
                        dot: &dot.value,
                        given: self.given(frame).map(|given| &given.value),
                    };
                    return Err(hints::of_field(failure, &broken));
                }
            }
        }
    }

    #[expect(clippy::too_many_arguments, reason = "the parts of one field with its call")]
    fn field<'t>(
        &mut self,
        frame: &mut Frame<'t>,
        dot: &Evaluated,
        receiver: &Evaluated,
        node: &'t Operand,
        name: &str,
        arguments: &'t [Operand],
        piped: Option<Value>,
    ) -> Evaluation<Evaluated> {
        let called = !arguments.is_empty() || piped.is_some();
        match &receiver.value {
            Value::Map(map) => {
                if map.kind() == MapKind::Values
                    && let Some(method) = methods::of_values(map, name)
                {
                    return self.call_method(frame, dot, node, name, &method, arguments, piped);
                }
                if called {
                    return self.fail(frame, format!("{name} is not a method but has arguments"));
                }
                match (map.get(name.as_bytes()), map.kind()) {
                    (Some(value), kind) => Ok(Evaluated { value, boxed: kind != MapKind::Str }),
                    (None, _) if self.strict => self.no_entry(frame, "map has", name),
                    (None, MapKind::Str) => Ok(Evaluated::plain(Value::Str(Str::from("")))),
                    (None, _) => Ok(Evaluated::boxed(Value::Nil)),
                }
            }
            Value::Nil if receiver.boxed => self.fail(frame, format!("nil pointer evaluating interface {{}}.{name}")),
            Value::Nil if self.strict => self.no_entry(frame, "nil data;", name),
            Value::Nil => Ok(Evaluated::default()),
            Value::Object(object) => {
                if let Some(method) = object.method(name) {
                    return self.call_method(frame, dot, node, name, &method, arguments, piped);
                }
                if let Some(reason) = object.method_refusal(name) {
                    return self.fail(frame, reason.to_string());
                }
                let is_map = object.kind_name() == "map";
                if let Some(value) = object.field(name) {
                    return match called {
                        true if is_map => self.fail(frame, format!("{name} is not a method but has arguments")),
                        true => self.fail(frame, format!("{name} has arguments but cannot be invoked as function")),
                        false => Ok(Evaluated::plain(value)),
                    };
                }
                let kind = receiver.static_type();
                if object.hidden_field(name) {
                    return self.fail(frame, format!("{name} is an unexported field of struct type {kind}"));
                }
                self.fail(frame, format!("can't evaluate field {name} in type {kind}"))
            }
            other => {
                if let Value::List(list) = other
                    && let Some(method) = methods::of_list(list, name)
                {
                    return self.call_method(frame, dot, node, name, &method, arguments, piped);
                }
                self.fail(frame, format!("can't evaluate field {name} in type {}", receiver.static_type()))
            }
        }
    }

    fn no_entry<T>(&self, frame: &Frame<'_>, what: &str, name: &str) -> Evaluation<T> {
        self.fail(frame, format!("{what} no entry for key {}", quote::quote(name.as_bytes())))
    }

    #[expect(clippy::too_many_arguments, reason = "the parts of one method call")]
    fn call_method<'t>(
        &mut self,
        frame: &mut Frame<'t>,
        dot: &Evaluated,
        node: &'t Operand,
        name: &str,
        method: &Method,
        arguments: &'t [Operand],
        piped: Option<Value>,
    ) -> Evaluation<Evaluated> {
        let mark = self.arguments.len();
        self.collect_arguments(frame, dot, name, &method.parameters, arguments, piped)?;
        self.count_arguments(frame, mark, "")?;
        let result = (method.call)(self.arguments.get(mark..).unwrap_or_default());
        self.arguments.truncate(mark);
        match result {
            Ok(value) => {
                self.count_result(frame, NodeRef::Operand(node), name, &value)?;
                Ok(Evaluated::plain(value))
            }
            Err(fault) => Err(self.call_failed(frame, NodeRef::Operand(node), name, fault.message)),
        }
    }
}
