//! Pipelines, commands and operands: the content of an action.
//!
//! Goes in: tokens up to a right delimiter or parenthesis. Comes out: [`Pipe`]s. It is separate from the control structures,
//! because the two meet only in `pipeline`. Follows `pipeline`, `command`, `operand` and `term` of Go's parser.

use super::{Declared, Kind, Parser, Pipe, Result, Token, literal};
use crate::quote;
use crate::template::ast::{
    At, Callee, Chain, Command, Constant, Intrinsic, Mention, NodeRef, Number, Operand, OperandKind, Run, Slot, Span,
};
use crate::template::functions::Vocabulary;
use crate::template::value::Str;

/// Go's limit for nested parentheses.
const MAX_PAREN_DEPTH: usize = 10_000;

impl<'a> Parser<'a> {
    pub(super) fn pipeline(&mut self, context: &str, end: Kind) -> Result<Pipe> {
        let position = self.peek_non_space().start();
        let (assigns, names) = self.declarations(context)?;
        let mark = self.commands.len();
        loop {
            let token = self.next_non_space();
            match token.kind {
                kind if kind == end => break,
                Kind::Bool
                | Kind::CharConstant
                | Kind::Complex
                | Kind::Dot
                | Kind::Field
                | Kind::Identifier
                | Kind::Number
                | Kind::Nil
                | Kind::RawString
                | Kind::String
                | Kind::Variable
                | Kind::LeftParen => {
                    self.backup();
                    let command = self.command()?;
                    self.commands.push(command);
                }
                _ => return self.unexpected(token, context),
            }
        }
        let commands = Run::moved(self.commands.drain(mark..), &mut self.source.commands);
        let mut pipe = Pipe { position, assigns, variables: Run::moved(std::iter::empty(), &mut self.source.variables), commands };
        self.check_pipeline(&pipe, context)?;
        // The names refer to the new variables only from here: `$x := $x` reads the outer one.
        let body = &mut self.body;
        let declared = names.into_iter().map(|name| {
            let word = name.of(self.text);
            let slot = Slot::new(if assigns { body.resolve(word) } else { Some(body.declare(word)) });
            Declared { name, slot }
        });
        pipe.variables = Run::moved(declared, &mut self.source.variables);
        Ok(pipe)
    }

    /// The variables on the left of `:=` or `=`.
    fn declarations(&mut self, context: &str) -> Result<(bool, Vec<Span>)> {
        let mut names: Vec<Span> = Vec::new();
        loop {
            let variable = self.peek_non_space();
            if variable.kind != Kind::Variable {
                return Ok((false, names));
            }
            self.next();
            let adjacent = self.peek();
            let next = self.peek_non_space();
            if matches!(next.kind, Kind::Assign | Kind::Declare) {
                self.next_non_space();
                self.declare_name(variable, &mut names);
                return Ok((next.kind == Kind::Assign, names));
            }
            if next.kind == Kind::Char && self.bytes(next) == b"," {
                self.next_non_space();
                self.declare_name(variable, &mut names);
                if context == "range" && names.len() < 2 {
                    match self.peek_non_space().kind {
                        Kind::Variable | Kind::RightDelim | Kind::RightParen => continue,
                        _ => return self.fault("range can only initialize variables"),
                    }
                }
                return self.fault(format!("too many declarations in {context}"));
            }
            if adjacent.kind == Kind::Space {
                self.backup_three(variable, adjacent);
            } else {
                self.backup_two(variable);
            }
            return Ok((false, names));
        }
    }

    fn declare_name(&mut self, token: Token, names: &mut Vec<Span>) {
        names.push(Span { start: token.start(), end: token.end() });
        self.body.names.push(self.bytes(token));
    }

    fn check_pipeline(&self, pipe: &Pipe, context: &str) -> Result<()> {
        if pipe.commands.is_empty() {
            return self.fault(format!("missing value for {context}"));
        }
        for (index, command) in self.source.commands(pipe).iter().enumerate().skip(1) {
            let executable = self.source.operands(command).first().is_some_and(|operand| {
                !matches!(
                    operand.kind,
                    OperandKind::Bool(_) | OperandKind::Dot | OperandKind::Nil | OperandKind::Number(_) | OperandKind::Str(..)
                )
            });
            if !executable {
                return self.fault(format!("non executable command in pipeline stage {}", index + 1));
            }
        }
        Ok(())
    }

    fn command(&mut self) -> Result<Command> {
        let position = self.peek_non_space().start();
        let mark = self.operands.len();
        loop {
            self.peek_non_space();
            if let Some(operand) = self.operand()? {
                self.operands.push(operand);
            }
            let token = self.next();
            match token.kind {
                Kind::Space => {}
                Kind::RightDelim | Kind::RightParen => {
                    self.backup();
                    break;
                }
                Kind::Pipe => break,
                _ => return self.unexpected(token, "operand"),
            }
        }
        if self.operands.len() == mark {
            return self.fault("empty command");
        }
        Ok(Command { position, operands: Run::moved(self.operands.drain(mark..), &mut self.source.operands) })
    }

    fn operand(&mut self) -> Result<Option<Operand>> {
        let Some(mut term) = self.term()? else { return Ok(None) };
        if self.peek().kind != Kind::Field {
            return Ok(Some(term));
        }
        let position = self.peek().start();
        let mut end = position;
        while self.peek().kind == Kind::Field {
            end = self.next().end();
        }
        match &mut term.kind {
            // The tokens are adjacent, so the chain is one piece of the text.
            OperandKind::Field(fields) => {
                fields.end = end;
                term.position = position;
            }
            OperandKind::Variable(mention) => {
                mention.of_mut(&mut self.source.mentions).fields = Span { start: position, end };
                term.position = position;
            }
            OperandKind::Bool(_) | OperandKind::Str(..) | OperandKind::Number(_) | OperandKind::Nil | OperandKind::Dot => {
                let source = NodeRef::Operand(&term).source(&self.source);
                return self.fault(format!("unexpected . after term {}", quote::quote(&source)));
            }
            _ => {
                let of = At::put(term, &mut self.source.operands);
                let chain = Chain { of, fields: Span { start: position, end } };
                term = Operand { position, kind: OperandKind::Chain(At::put(chain, &mut self.source.chains)) };
            }
        }
        Ok(Some(term))
    }

    fn term(&mut self) -> Result<Option<Operand>> {
        let token = self.next_non_space();
        let kind = match token.kind {
            Kind::Identifier => {
                let Some(callee) = self.resolve_function(self.bytes(token)) else {
                    let message = format!("function {} not defined", quote::quote(self.bytes(token)));
                    return self.fault_marking(self.tokens[0], token, message);
                };
                OperandKind::Identifier(callee)
            }
            Kind::Dot => OperandKind::Dot,
            Kind::Nil => OperandKind::Nil,
            Kind::Variable => {
                let name = self.bytes(token);
                if self.body.names.find(name).is_none() {
                    return self.fault_marking(self.tokens[0], token, format!("undefined variable {}", quote::quote(name)));
                }
                let span = Span { start: token.start(), end: token.end() };
                let mention = Mention { name: span, slot: Slot::new(self.body.resolve(name)), fields: Span::default() };
                OperandKind::Variable(At::put(mention, &mut self.source.mentions))
            }
            Kind::Field => OperandKind::Field(Span { start: token.start(), end: token.end() }),
            Kind::Bool => OperandKind::Bool(self.bytes(token) == b"true"),
            Kind::CharConstant | Kind::Complex | Kind::Number => {
                let number = self.number(token)?;
                OperandKind::Number(At::put(number, &mut self.source.numbers))
            }
            Kind::LeftParen => {
                if self.body.paren_depth >= MAX_PAREN_DEPTH {
                    return self.fault("max expression depth exceeded");
                }
                self.guard()?;
                self.body.paren_depth += 1;
                let pipe = self.pipeline("parenthesized pipeline", Kind::RightParen)?;
                self.body.paren_depth -= 1;
                let position = pipe.position;
                return Ok(Some(Operand { position, kind: OperandKind::Pipe(At::put(pipe, &mut self.source.pipes)) }));
            }
            Kind::String | Kind::RawString => match literal::unquote(self.bytes(token)) {
                Some(text) => {
                    let constant = Constant { text: Str::from(&*text), end: token.end() };
                    OperandKind::Str(At::put(constant, &mut self.source.constants))
                }
                None => return self.fault_at(token, "invalid syntax"),
            },
            _ => {
                self.backup();
                return Ok(None);
            }
        };
        Ok(Some(Operand { position: token.start(), kind }))
    }

    fn number(&mut self, token: Token) -> Result<Number> {
        let text = String::from_utf8_lossy(self.bytes(token)).into_owned();
        let number = match token.kind {
            Kind::CharConstant => literal::character(&text),
            Kind::Complex => literal::complex_pair(&text),
            _ => literal::number(&text),
        };
        match number {
            Ok(number) => Ok(number),
            Err(message) => self.fault_marking(self.tokens[0], token, message),
        }
    }

    fn resolve_function(&mut self, name: &[u8]) -> Option<Callee> {
        let evaluated = Intrinsic::ALL.into_iter().find(|function| function.name().as_bytes() == name);
        if let Some(function) = evaluated.filter(|function| self.vocabulary == Vocabulary::Chart || !function.is_of_charts()) {
            return Some(Callee::Intrinsic(function));
        }
        let function = self.vocabulary.lookup(name)?;
        Some(Callee::Function(At::put_once(function, &mut self.source.functions)))
    }
}
