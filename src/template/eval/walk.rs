//! Bodies: text, actions, branches, loops and `template` calls.
//!
//! Goes in: a list of nodes and dot. Comes out: text in the buffer and the effect on the enclosing loop. Follows the walk
//! functions of text/template/exec.go.

use super::hints;
use super::memory::Recalled;
use super::{Evaluated, Evaluation, Evaluator, Flow, Frame, MAX_TEMPLATE_DEPTH, Template};
use crate::stack;
use crate::template::ast::{Branch, Callee, Command, Declared, Intrinsic, Node, NodeRef, OperandKind, Pipe, Run, TemplateCall};
use crate::template::format;
use crate::template::value::{ListKind, MapKind, Value};
use crate::template::work;

impl Evaluator<'_> {
    /// Executes a template with fresh variables.
    pub(super) fn execute(&mut self, template: &Template, data: Value, depth: u32, out: &mut Vec<u8>) -> Evaluation<()> {
        let base = self.slots.len();
        self.slots.resize(base + template.tree.slots, None);
        let dot = Evaluated::plain(data);
        if let Some(slot) = self.slots.get_mut(base) {
            *slot = Some(dot.clone());
        }
        let mut frame = Frame { template, base, depth, at: None };
        let from = out.len();
        let result = match self.work(&frame, 1) {
            Ok(()) => self.walk(&mut frame, &dot, template.tree.list, out),
            Err(failure) => Err(failure),
        };
        self.slots.truncate(base);
        result.and_then(|_| self.work(&frame, work::reading(out.len() - from))).and_then(|()| self.check_memory(&frame))
    }

    pub(super) fn walk<'t>(&mut self, frame: &mut Frame<'t>, dot: &Evaluated, list: Run<Node>, out: &mut Vec<u8>) -> Evaluation<Flow> {
        let source = &frame.template.tree.source;
        let nodes = source.nodes(list);
        self.work(frame, work::passing(nodes.len()))?;
        for node in nodes {
            if self.source_map.is_some() {
                self.note_piece(frame, node, out);
            }
            match node {
                Node::Text { start, end } | Node::Quoted { start, end } => {
                    out.extend_from_slice(frame.template.tree.source.text.get(*start as usize..*end as usize).unwrap_or_default());
                }
                Node::Action(pipe) => self.action(frame, dot, pipe, out)?,
                Node::If(branch) => {
                    let branch = source.branch(*branch);
                    let truth = self.pipeline(frame, dot, &branch.pipe)?.truth();
                    let flow = match (truth, branch.else_list) {
                        (true, _) => self.walk(frame, dot, branch.list, out)?,
                        (false, Some(list)) => self.walk(frame, dot, list, out)?,
                        (false, None) => Flow::Next,
                    };
                    if flow != Flow::Next {
                        return Ok(flow);
                    }
                }
                Node::With(branch) => {
                    let branch = source.branch(*branch);
                    let value = self.pipeline(frame, dot, &branch.pipe)?;
                    let flow = match (value.truth(), branch.else_list) {
                        (true, _) => self.walk(frame, &Evaluated::plain(value), branch.list, out)?,
                        (false, Some(list)) => self.walk(frame, dot, list, out)?,
                        (false, None) => Flow::Next,
                    };
                    if flow != Flow::Next {
                        return Ok(flow);
                    }
                }
                Node::Range(branch) => {
                    let branch = source.branch(*branch);
                    let flow = self.range(frame, dot, branch, out)?;
                    if flow != Flow::Next {
                        return Ok(flow);
                    }
                }
                Node::Template(call) => self.call_template(frame, dot, source.call(*call), out)?,
                Node::Break => return Ok(Flow::Break),
                Node::Continue => return Ok(Flow::Continue),
            }
        }
        if out.len() > self.host.size_limit() {
            let message = format!("rendered text is longer than {} bytes", self.host.size_limit());
            return self.fail(frame, message);
        }
        Ok(Flow::Next)
    }

    fn action<'t>(&mut self, frame: &mut Frame<'t>, dot: &Evaluated, pipe: &'t Pipe, out: &mut Vec<u8>) -> Evaluation<()> {
        if pipe.variables.is_empty()
            && let [command] = frame.template.tree.source.commands(pipe)
            && self.include_directly(frame, dot, command, out)?
        {
            return Ok(());
        }
        let value = self.pipeline(frame, dot, pipe)?;
        if !pipe.variables.is_empty() {
            return Ok(());
        }
        match &value {
            Value::Str(text) => out.extend_from_slice(text.as_bytes()),
            other => {
                if let Value::Object(object) = other
                    && let Some(text) = object.pointer_text()
                {
                    out.extend_from_slice(text.as_bytes());
                } else if let Err(fault) = format::print_value(other, out) {
                    frame.at = Some(NodeRef::Action(pipe));
                    return self.fail(frame, fault.message);
                }
            }
        }
        Ok(())
    }

    /// `{{ include "x" . }}` writes directly into the current buffer; whether the command was an include.
    fn include_directly<'t>(
        &mut self,
        frame: &mut Frame<'t>,
        dot: &Evaluated,
        command: &'t Command,
        out: &mut Vec<u8>,
    ) -> Evaluation<bool> {
        let [function, name, data] = frame.template.tree.source.operands(command) else { return Ok(false) };
        if !matches!(function.kind, OperandKind::Identifier(Callee::Intrinsic(Intrinsic::Include))) {
            return Ok(false);
        }
        frame.at = Some(NodeRef::Operand(function));
        self.include(frame, dot, NodeRef::Command(command), name, data, out)?;
        Ok(true)
    }

    fn range<'t>(&mut self, frame: &mut Frame<'t>, dot: &Evaluated, branch: &'t Branch, out: &mut Vec<u8>) -> Evaluation<Flow> {
        frame.at = Some(NodeRef::Range(branch));
        let value = self.pipeline(frame, dot, &branch.pipe)?;
        let mut ran = false;
        match &value {
            Value::Nil => {}
            Value::Int(kind, count) => {
                if branch.pipe.variables.len() > 1 {
                    let text = self.printed(&value);
                    return self.fail(frame, format!("can't use {text} to iterate over more than one variable"));
                }
                let count = if kind.is_unsigned() { *count as u64 } else { u64::try_from(*count).unwrap_or(0) };
                if count > work::allowed() {
                    let mut failure = self.failure(frame, format!("range over {count} is longer than {} rounds", work::allowed()));
                    hints::of_limit(&mut failure);
                    return Err(failure);
                }
                for number in 0..count {
                    ran = true;
                    let item = Evaluated::plain(Value::Int(*kind, number as i64));
                    if !self.iterate(frame, branch, Value::Nil, item, out)? {
                        break;
                    }
                }
            }
            Value::List(list) => {
                let boxed = matches!(list.kind(), ListKind::Any);
                if list.is_unused() {
                    self.work(frame, work::passing(list.len()))?;
                }
                for (index, item) in list.items().iter().enumerate() {
                    ran = true;
                    let item = Evaluated { value: item.clone(), boxed };
                    if !self.iterate(frame, branch, Value::int(index as i64), item, out)? {
                        break;
                    }
                }
            }
            Value::Bytes(bytes) => {
                for (index, byte) in bytes.iter().enumerate() {
                    ran = true;
                    let item = Value::Int(crate::template::value::IntKind::Uint8, i64::from(*byte));
                    if !self.iterate(frame, branch, Value::int(index as i64), Evaluated::plain(item), out)? {
                        break;
                    }
                }
            }
            Value::Map(map) => {
                let boxed = map.kind() != MapKind::Str;
                self.work(frame, work::passing(map.len()))?;
                for (key, item) in map.entries() {
                    ran = true;
                    if !self.iterate(frame, branch, Value::Str(key), Evaluated { value: item, boxed }, out)? {
                        break;
                    }
                }
            }
            Value::Object(object) if object.kind_name() == "map" => {
                for (key, item) in object.entries().unwrap_or_default() {
                    ran = true;
                    if !self.iterate(frame, branch, Value::Str(key), Evaluated::plain(item), out)? {
                        break;
                    }
                }
            }
            _ => {
                let text = self.printed(&value);
                return self.fail(frame, format!("range can't iterate over {text}"));
            }
        }
        match branch.else_list {
            Some(list) if !ran => self.walk(frame, dot, list, out),
            _ => Ok(Flow::Next),
        }
    }

    /// One round of a loop; whether to continue.
    fn iterate<'t>(
        &mut self,
        frame: &mut Frame<'t>,
        branch: &'t Branch,
        index: Value,
        item: Evaluated,
        out: &mut Vec<u8>,
    ) -> Evaluation<bool> {
        self.work(frame, 1)?;
        match frame.template.tree.source.variables(&branch.pipe) {
            [] => {}
            [one] => self.set_variable(frame, one, item.clone())?,
            [first, second, ..] => {
                self.set_variable(frame, first, Evaluated::plain(index))?;
                self.set_variable(frame, second, item.clone())?;
            }
        }
        Ok(self.walk(frame, &item, branch.list, out)? != Flow::Break)
    }

    pub(super) fn set_variable(&mut self, frame: &Frame<'_>, variable: &Declared, value: Evaluated) -> Evaluation<()> {
        match variable.slot.number().and_then(|slot| self.slots.get_mut(frame.base + slot)) {
            Some(place) => {
                *place = Some(value);
                Ok(())
            }
            None => Err(self.undefined(frame, variable.name)),
        }
    }

    fn call_template<'t>(&mut self, frame: &mut Frame<'t>, dot: &Evaluated, call: &'t TemplateCall, out: &mut Vec<u8>) -> Evaluation<()> {
        frame.at = Some(NodeRef::Template(call));
        let Some(template) = self.find(call.name.as_bytes()) else {
            let message = format!("template {} not defined", crate::quote::quote(call.name.as_bytes()));
            let mut failure = self.failure(frame, message);
            self.hint_at_template(&mut failure, call.name.as_bytes());
            return Err(failure);
        };
        if frame.depth == MAX_TEMPLATE_DEPTH || stack::is_exhausted() {
            return self.fail(frame, format!("exceeded maximum template depth ({MAX_TEMPLATE_DEPTH})"));
        }
        let data = match &call.pipe {
            Some(pipe) => self.pipeline(frame, dot, pipe)?,
            None => Value::Nil,
        };
        match self.recall(&template, &data) {
            Recalled::Text(text) => {
                out.extend_from_slice(text.as_bytes());
                Ok(())
            }
            Recalled::Unknown(pending) => {
                let from = out.len();
                let result = self.execute(&template, data, frame.depth + 1, out);
                self.remember(pending, &result, out.get(from..).unwrap_or_default());
                result
            }
            Recalled::Never => self.execute(&template, data, frame.depth + 1, out),
        }
    }

    /// A value as `%v` in an error message.
    pub(super) fn printed(&self, value: &Value) -> String {
        let mut out = Vec::new();
        match format::print_plain(value, &mut out) {
            Ok(()) => String::from_utf8_lossy(&out).into_owned(),
            Err(fault) => fault.message,
        }
    }
}
