//! `include` and `tpl`.
//!
//! Goes in: a name or a text, and data. Comes out: rendered text. Texts are parsed once by content; what a `tpl` text
//! defines lies in a thin layer over the set for as long as it runs, so nothing is ever copied (Helm clones the whole
//! set for every call). Follows `includeFun` and `tplFun` of Helm's engine.go.

use super::failure::Failure;
use super::{Evaluated, Evaluation, Evaluator, Frame, Layer, MAX_INCLUDE_DEPTH, Template};
use crate::quote;
use crate::template::ast::{NodeRef, Operand, Parsed};
use crate::template::functions::{Parameter, Parameters};
use crate::template::parser;
use crate::template::stack;
use crate::template::value::{Str, Value};
use memchr::memmem;
use std::rc::Rc;

/// What Helm removes from every rendered file and from what `tpl` gives.
pub(crate) const NO_VALUE: &[u8] = b"<no value>";

/// The name of the set, and of every text given to `tpl`.
const MAIN_NAME: &str = "gotpl";

const PARAMETERS: Parameters = Parameters { list: &[Parameter::Str, Parameter::Any], variadic: false };

impl Evaluator<'_> {
    /// The template of this name, as seen from the innermost `tpl`.
    pub(super) fn find(&self, name: &[u8]) -> Option<Rc<Template>> {
        for layer in self.layers.iter().rev() {
            if let Some(template) = layer.defines.iter().find(|template| template.name.as_bytes() == name) {
                return Some(template.clone());
            }
            if layer.main.name.as_bytes() == name {
                return Some(layer.main.clone());
            }
        }
        self.set.get(name).cloned()
    }

    pub(super) fn execute_name(&mut self, name: &[u8], data: Value, out: &mut Vec<u8>) -> Evaluation<()> {
        match self.find(name) {
            Some(template) => self.execute(&template, data, 0, out),
            None => {
                let quoted = quote::quote(name);
                let message = format!("template: no template {quoted} associated with template \"{MAIN_NAME}\"");
                let mut failure = Failure::returned(message);
                self.hint_at_template(&mut failure, name);
                Err(Box::new(failure))
            }
        }
    }

    /// Includes into a buffer; the operands are those of the two parameters.
    pub(super) fn include<'t>(
        &mut self,
        frame: &mut Frame<'t>,
        dot: &Evaluated,
        node: NodeRef<'t>,
        name: &'t Operand,
        data: &'t Operand,
        out: &mut Vec<u8>,
    ) -> Evaluation<()> {
        let name = self.argument(frame, dot, Parameter::Str, name)?;
        let data = self.argument(frame, dot, Parameter::Any, data)?;
        let Value::Str(name) = name else { return Ok(()) };
        self.include_name(&name, data, out).map_err(|failure| failure.called_from(frame.template, Some(node), "include"))
    }

    fn include_name(&mut self, name: &Str, data: Value, out: &mut Vec<u8>) -> Evaluation<()> {
        match self.including.get_mut(name.as_bytes()) {
            Some(count) if *count > MAX_INCLUDE_DEPTH => return Err(nested_reference(name.as_bytes())),
            Some(count) => *count += 1,
            None => {
                self.including.insert(name.clone(), 1);
            }
        }
        if stack::is_exhausted() {
            return Err(nested_reference(name.as_bytes()));
        }
        let result = self.execute_name(name.as_bytes(), data, out);
        if let Some(count) = self.including.get_mut(name.as_bytes()) {
            *count -= 1;
        }
        result
    }

    pub(super) fn call_include<'t>(
        &mut self,
        frame: &mut Frame<'t>,
        dot: &Evaluated,
        node: NodeRef<'t>,
        arguments: &'t [Operand],
        piped: Option<Value>,
    ) -> Evaluation<Value> {
        let (name, data) = self.text_and_data(frame, dot, "include", arguments, piped)?;
        let mut buffer = self.buffers.pop().unwrap_or_default();
        let result = self.include_name(&name, data, &mut buffer);
        let value = Value::Str(Str::from(buffer.as_slice()));
        self.give_back(buffer);
        match result {
            Ok(()) => Ok(value),
            Err(failure) => Err(failure.called_from(frame.template, Some(node), "include")),
        }
    }

    fn give_back(&mut self, mut buffer: Vec<u8>) {
        const MOST_KEPT: usize = 1 << 20;
        if buffer.capacity() <= MOST_KEPT {
            buffer.clear();
            self.buffers.push(buffer);
        }
    }

    /// The arguments of `include` and `tpl`.
    fn text_and_data<'t>(
        &mut self,
        frame: &mut Frame<'t>,
        dot: &Evaluated,
        name: &str,
        arguments: &'t [Operand],
        piped: Option<Value>,
    ) -> Evaluation<(Str, Value)> {
        let mark = self.arguments.len();
        self.collect_arguments(frame, dot, name, &PARAMETERS, arguments, piped)?;
        let data = self.arguments.pop().unwrap_or_default();
        let text = self.arguments.pop().unwrap_or_default();
        self.arguments.truncate(mark);
        match text {
            Value::Str(text) => Ok((text, data)),
            _ => Ok((Str::from(""), data)),
        }
    }

    pub(super) fn call_tpl<'t>(
        &mut self,
        frame: &mut Frame<'t>,
        dot: &Evaluated,
        node: NodeRef<'t>,
        arguments: &'t [Operand],
        piped: Option<Value>,
    ) -> Evaluation<Value> {
        let (text, data) = self.text_and_data(frame, dot, "tpl", arguments, piped)?;
        if memmem::find(text.as_bytes(), b"{{").is_none() {
            return Ok(Value::Str(match memmem::find(text.as_bytes(), NO_VALUE) {
                None => text,
                Some(_) => Str::from(without_no_value(text.as_bytes().to_vec())),
            }));
        }
        let mut buffer = self.buffers.pop().unwrap_or_default();
        let result = self.tpl(&text, data, &mut buffer);
        let value = match memmem::find(&buffer, NO_VALUE) {
            None => Str::from(buffer.as_slice()),
            Some(_) => Str::from(without_no_value(buffer.clone())),
        };
        self.give_back(buffer);
        match result {
            Ok(()) => Ok(Value::Str(value)),
            Err(failure) => Err(failure.called_from(frame.template, Some(node), "tpl")),
        }
    }

    fn tpl(&mut self, text: &Str, data: Value, out: &mut Vec<u8>) -> Evaluation<()> {
        let parsed = match self.parsed.get(text.as_bytes()) {
            Some(parsed) => parsed.clone(),
            None => match parser::parse(text.shared().clone()) {
                Ok(parsed) => {
                    let parsed = Rc::new(parsed);
                    self.parsed.insert(text.clone(), parsed.clone());
                    parsed
                }
                Err(error) => {
                    let quoted = quote::quote(text.as_bytes());
                    let error = error.text(MAIN_NAME);
                    return Err(Box::new(Failure::returned(format!("cannot parse template {quoted}: {error}"))));
                }
            },
        };
        if self.layers.len() > MAX_INCLUDE_DEPTH as usize || stack::is_exhausted() {
            return Err(nested_reference(MAIN_NAME.as_bytes()));
        }
        let layer = self.layer(&parsed);
        let main = layer.main.clone();
        self.layers.push(layer);
        let result = self.execute(&main, data, 0, out);
        self.layers.pop();
        result.map_err(|failure| failure.wrapped(format!("error during tpl function execution for {}: ", quote::quote(text.as_bytes()))))
    }

    /// What a parsed text adds to the templates.
    fn layer(&self, parsed: &Parsed) -> Layer {
        let file: Rc<str> = Rc::from(MAIN_NAME);
        let defines = parsed
            .defines
            .iter()
            .filter(|(name, tree)| !tree.empty || self.find(name.as_bytes()).is_none())
            .map(|(name, tree)| Rc::new(Template { name: name.clone(), file: file.clone(), tree: tree.clone() }))
            .collect();
        let main = Rc::new(Template { name: Str::from(MAIN_NAME), file: file.clone(), tree: parsed.main.clone() });
        Layer { main, defines }
    }
}

fn nested_reference(name: &[u8]) -> Box<Failure> {
    let name = String::from_utf8_lossy(name);
    Box::new(Failure::returned(format!("rendering template has a nested reference name: {name}: unable to execute template")))
}

/// The text with every `<no value>` taken out, in one pass.
pub(crate) fn without_no_value(text: Vec<u8>) -> Vec<u8> {
    let Some(first) = memmem::find(&text, NO_VALUE) else { return text };
    let mut out = Vec::with_capacity(text.len());
    let mut from = 0;
    let mut next = Some(first);
    while let Some(at) = next {
        out.extend_from_slice(&text[from..at]);
        from = at + NO_VALUE.len();
        next = memmem::find(&text[from..], NO_VALUE).map(|found| from + found);
    }
    out.extend_from_slice(&text[from..]);
    out
}
