//! `include` and `tpl`.
//!
//! Goes in: a name or a text, and data. Comes out: rendered text. Equal texts are parsed once; the definitions in a `tpl` text
//! form a thin layer over the set while it runs, so nothing is ever copied (Helm clones the whole set for every call). Follows
//! `includeFun` and `tplFun` of Helm's engine.go.

use super::failure::Failure;
use super::memory::Recalled;
use super::set::Found;
use super::{Evaluated, Evaluation, Evaluator, Frame, Layer, MAX_INCLUDE_DEPTH, Template};
use crate::quote;
use crate::stack;
use crate::template::ast::{NodeRef, Operand, Parsed};
use crate::template::functions::{Parameter, Parameters};
use crate::template::parser;
use crate::template::value::{Str, Value};
use crate::template::work;
use memchr::memmem;
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;

/// Helm removes this from every rendered file and from the result of `tpl`.
pub(crate) const NO_VALUE: &[u8] = b"<no value>";

/// The name of the set, and of every text given to `tpl`.
const MAIN_NAME: &str = "gotpl";

/// How many bytes of a text are parsed in one step. Counted at each call, be it parsed then or kept.
const PARSED: usize = 16;
const PARAMETERS: Parameters = Parameters { list: &[Parameter::Str, Parameter::Any], variadic: false };

/// After this many steps, a file that is mapped to its sources takes remembered texts, which have no pieces.
const MOST_MAPPED: u64 = 1 << 20;

/// The texts that `tpl` parsed.
#[derive(Default)]
pub(super) struct ParsedTexts {
    texts: HashMap<Str, Arc<Parsed>, ahash::RandomState>,
    /// The length of all.
    bytes: usize,
    /// How often all were dropped.
    clearings: u64,
}

impl ParsedTexts {
    fn keep(&mut self, text: &Str, parsed: &Arc<Parsed>) {
        /// A parsed text takes several times its length.
        const MOST_BYTES: usize = 16 << 20;
        self.bytes += text.len();
        if self.bytes > MOST_BYTES {
            self.texts.clear();
            self.bytes = text.len();
            self.clearings += 1;
        }
        self.texts.insert(text.clone(), parsed.clone());
    }
}

impl<'e> Evaluator<'e> {
    /// The template of this name, as seen from the innermost `tpl`.
    pub(super) fn find(&mut self, name: &[u8]) -> Option<Found<'e>> {
        for layer in self.layers.iter().rev() {
            let defined = layer.defines.iter().find(|template| template.name.as_bytes() == name);
            let main = || Some(&layer.main).filter(|main| main.name.as_bytes() == name);
            if let Some(template) = defined.or_else(main) {
                self.found_in_layers += 1;
                return Some(Found::Layer(template.clone()));
            }
        }
        self.set.get(name).map(Found::Set)
    }

    pub(super) fn execute_name(&mut self, name: &[u8], data: Value, out: &mut Vec<u8>) -> Evaluation<()> {
        let found = self.find(name);
        self.execute_found(name, found, data, out)
    }

    fn execute_found(&mut self, name: &[u8], found: Option<Found<'e>>, data: Value, out: &mut Vec<u8>) -> Evaluation<()> {
        match found {
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

    /// Renders an include into a buffer; the operands are those of the two parameters.
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
        match self.include_name(&name, data, out) {
            Ok(None) => Ok(()),
            Ok(Some(text)) => {
                out.extend_from_slice(text.as_bytes());
                Ok(())
            }
            Err(failure) => Err(failure.called_from(frame.template, Some(node), "include")),
        }
    }

    /// Includes a template by name: returns a remembered text, or appends new text to `out`.
    fn include_name(&mut self, name: &Str, data: Value, out: &mut Vec<u8>) -> Evaluation<Option<Str>> {
        let found = self.find(name.as_bytes());
        // A map needs the pieces, not just the text. Where that takes too long, it does without some.
        let is_mapped = self.source_map.is_some() && work::done() < MOST_MAPPED;
        let pending = match found.as_ref().filter(|_| !is_mapped).map(|template| self.recall(template, &data)) {
            Some(Recalled::Text(text)) => return Ok(Some(text)),
            Some(Recalled::Unknown(pending)) => Some(pending),
            Some(Recalled::Never) | None => None,
        };
        let from = out.len();
        let result = self.include_anew(name, found, data, out);
        if let Some(pending) = pending {
            self.remember(pending, &result, out.get(from..).unwrap_or_default());
        }
        result.map(|()| None)
    }

    fn include_anew(&mut self, name: &Str, found: Option<Found<'e>>, data: Value, out: &mut Vec<u8>) -> Evaluation<()> {
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
        let result = self.execute_found(name.as_bytes(), found, data, out);
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
        let outer_map = self.begin_inner_map(&buffer);
        let result = self.include_name(&name, data, &mut buffer);
        self.end_inner_map(outer_map, &buffer);
        let result = result.map(|text| text.unwrap_or_else(|| Str::from(buffer.as_slice())));
        self.give_back(buffer);
        match result {
            Ok(text) => Ok(Value::Str(text)),
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
            Value::Str(text) => {
                // Whether it is searched or looked up: so that threads, which keep texts apart, count the same.
                self.work(frame, 1 + 2 * work::reading(text.len()))?;
                self.check_held(frame)?;
                Ok((text, data))
            }
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
        self.work(frame, (text.len() / PARSED) as u64)?;
        match self.tpl(&text, data) {
            Ok(text) => Ok(Value::Str(text)),
            Err(failure) => Err(failure.called_from(frame.template, Some(node), "tpl")),
        }
    }

    /// The result of `tpl` for a text with actions.
    fn tpl(&mut self, text: &Str, data: Value) -> Evaluation<Str> {
        let parsed = self.parsed(text)?;
        // This text may include definitions of an outer `tpl`.
        let recalled = match self.has_defines() {
            true => Recalled::Never,
            // The texts parsed before the last clearing no longer keep their addresses.
            false => self.recall_by(1 + self.parsed.clearings, Arc::as_ptr(&parsed).addr(), &data),
        };
        let pending = match recalled {
            Recalled::Text(text) => return Ok(text),
            Recalled::Unknown(pending) => Some(pending),
            Recalled::Never => None,
        };
        let mut buffer = self.buffers.pop().unwrap_or_default();
        let result = self.tpl_anew(text, &parsed, data, &mut buffer);
        if memmem::find(&buffer, NO_VALUE).is_some() {
            buffer = without_no_value(buffer);
        }
        if let Some(pending) = pending {
            self.remember(pending, &result, &buffer);
        }
        let made = result.map(|()| Str::from(buffer.as_slice()));
        self.give_back(buffer);
        made
    }

    fn parsed(&mut self, text: &Str) -> Evaluation<Arc<Parsed>> {
        if let Some(parsed) = self.parsed.texts.get(text.as_bytes()) {
            return Ok(parsed.clone());
        }
        match parser::parse(text.given_away()) {
            Ok(parsed) => {
                let parsed = Arc::new(parsed);
                self.parsed.keep(text, &parsed);
                Ok(parsed)
            }
            Err(error) => Err(Box::new(Failure::unparsed(text, MAIN_NAME, &error))),
        }
    }

    fn tpl_anew(&mut self, text: &Str, parsed: &Parsed, data: Value, out: &mut Vec<u8>) -> Evaluation<()> {
        if self.layers.len() > MAX_INCLUDE_DEPTH as usize || stack::is_exhausted() {
            return Err(nested_reference(MAIN_NAME.as_bytes()));
        }
        let layer = self.layer(parsed);
        let main = layer.main.clone();
        self.layers.push(layer);
        let result = self.execute(&main, data, 0, out);
        self.layers.pop();
        result.map_err(|failure| failure.in_text(text))
    }

    fn is_known(&self, name: &[u8]) -> bool {
        let in_layer =
            |layer: &Layer| layer.main.name.as_bytes() == name || layer.defines.iter().any(|define| define.name.as_bytes() == name);
        self.layers.iter().any(in_layer) || self.set.get(name).is_some()
    }

    /// The templates that a parsed text adds.
    fn layer(&self, parsed: &Parsed) -> Layer {
        let file: Arc<str> = Arc::from(MAIN_NAME);
        let defines = parsed
            .defines
            .iter()
            .filter(|(name, tree)| !tree.empty || !self.is_known(name.as_bytes()))
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

/// The text without any `<no value>`, in one pass.
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

#[cfg(test)]
mod tests {
    use super::*;

    /// The texts that `tpl` keeps take little memory.
    #[test]
    fn parsed_texts_are_dropped_when_they_are_many() {
        let mut kept = ParsedTexts::default();
        for number in 0..20 {
            let text = Str::from(format!("{}{{{{ {number} }}}}", " ".repeat(1_000_000)));
            let parsed = parser::parse(text.shared().clone()).unwrap_or_else(|error| panic!("{}", error.text("t")));
            kept.keep(&text, &Arc::new(parsed));
        }
        assert_eq!((kept.clearings, kept.texts.len()), (1, 4));
    }
}
