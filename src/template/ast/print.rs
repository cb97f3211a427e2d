//! The source form of nodes, as Go's `Node.String` writes it, for `at <…>` in error messages.
//!
//! Goes in: a node and the text it was parsed from. Comes out: normalised source: one space between operands, no
//! comments, no trim markers. Follows text/template/parse/node.go.

use super::{Branch, Chain, Command, Mention, Node, NodeRef, Operand, OperandKind, Pipe, Run, Source, TemplateCall};
use crate::quote;

impl NodeRef<'_> {
    /// The node's source form.
    pub fn source(self, source: &Source) -> Vec<u8> {
        let mut out = Vec::new();
        match self {
            NodeRef::Operand(operand) => write_operand(operand, source, &mut out),
            NodeRef::Command(command) => write_command(command, source, &mut out),
            NodeRef::Pipe(pipe) => write_pipe(pipe, source, &mut out),
            NodeRef::Action(pipe) => write_action(pipe, source, &mut out),
            NodeRef::Range(branch) => write_branch("range", branch, source, &mut out),
            NodeRef::Template(call) => write_template(call, source, &mut out),
        }
        out
    }
}

fn write_list(list: Run<Node>, source: &Source, out: &mut Vec<u8>) {
    for node in source.nodes(list) {
        match node {
            Node::Text { start, end } => out.extend_from_slice(source.text.get(*start as usize..*end as usize).unwrap_or_default()),
            Node::Quoted { start, end } => {
                out.extend_from_slice(b"{{");
                out.extend_from_slice(source.text.get(*start as usize - 1..*end as usize + 1).unwrap_or_default());
                out.extend_from_slice(b"}}");
            }
            Node::Action(pipe) => write_action(pipe, source, out),
            Node::If(branch) => write_branch("if", source.branch(*branch), source, out),
            Node::With(branch) => write_branch("with", source.branch(*branch), source, out),
            Node::Range(branch) => write_branch("range", source.branch(*branch), source, out),
            Node::Template(call) => write_template(source.call(*call), source, out),
            Node::Break => out.extend_from_slice(b"{{break}}"),
            Node::Continue => out.extend_from_slice(b"{{continue}}"),
        }
    }
}

fn write_action(pipe: &Pipe, source: &Source, out: &mut Vec<u8>) {
    out.extend_from_slice(b"{{");
    write_pipe(pipe, source, out);
    out.extend_from_slice(b"}}");
}

fn write_branch(word: &str, branch: &Branch, source: &Source, out: &mut Vec<u8>) {
    out.extend_from_slice(b"{{");
    out.extend_from_slice(word.as_bytes());
    out.push(b' ');
    write_pipe(&branch.pipe, source, out);
    out.extend_from_slice(b"}}");
    write_list(branch.list, source, out);
    if let Some(list) = branch.else_list {
        out.extend_from_slice(b"{{else}}");
        write_list(list, source, out);
    }
    out.extend_from_slice(b"{{end}}");
}

fn write_template(call: &TemplateCall, source: &Source, out: &mut Vec<u8>) {
    out.extend_from_slice(b"{{template ");
    quote::write_quoted(out, call.name.as_bytes());
    if let Some(pipe) = &call.pipe {
        out.push(b' ');
        write_pipe(pipe, source, out);
    }
    out.extend_from_slice(b"}}");
}

fn write_pipe(pipe: &Pipe, source: &Source, out: &mut Vec<u8>) {
    for (index, variable) in source.variables(pipe).iter().enumerate() {
        if index > 0 {
            out.extend_from_slice(b", ");
        }
        out.extend_from_slice(variable.name.of(&source.text));
    }
    if !pipe.variables.is_empty() {
        out.extend_from_slice(if pipe.assigns { b" = " } else { b" := " });
    }
    for (index, command) in source.commands(pipe).iter().enumerate() {
        if index > 0 {
            out.extend_from_slice(b" | ");
        }
        write_command(command, source, out);
    }
}

fn write_command(command: &Command, source: &Source, out: &mut Vec<u8>) {
    for (index, operand) in source.operands(command).iter().enumerate() {
        if index > 0 {
            out.push(b' ');
        }
        match &operand.kind {
            OperandKind::Pipe(pipe) => {
                out.push(b'(');
                write_pipe(source.pipe(*pipe), source, out);
                out.push(b')');
            }
            _ => write_operand(operand, source, out),
        }
    }
}

fn write_operand(operand: &Operand, source: &Source, out: &mut Vec<u8>) {
    match &operand.kind {
        OperandKind::Dot => out.push(b'.'),
        OperandKind::Nil => out.extend_from_slice(b"nil"),
        OperandKind::Bool(truth) => out.extend_from_slice(if *truth { b"true" } else { b"false" }),
        OperandKind::Number(number) => out.extend_from_slice(source.number(*number).text.as_bytes()),
        OperandKind::Str(constant) => {
            let end = source.constant(*constant).end;
            out.extend_from_slice(source.text.get(operand.position as usize..end as usize).unwrap_or_default());
        }
        OperandKind::Field(fields) => out.extend_from_slice(fields.of(&source.text)),
        OperandKind::Variable(mention) => {
            let Mention { name, fields, .. } = source.mention(*mention);
            out.extend_from_slice(name.of(&source.text));
            out.extend_from_slice(fields.of(&source.text));
        }
        OperandKind::Identifier(callee) => out.extend_from_slice(callee.name(source).as_bytes()),
        OperandKind::Chain(chain) => {
            let Chain { of, fields } = source.chain(*chain);
            let inner = source.operand(*of);
            match &inner.kind {
                OperandKind::Pipe(pipe) => {
                    out.push(b'(');
                    write_pipe(source.pipe(*pipe), source, out);
                    out.push(b')');
                }
                _ => write_operand(inner, source, out),
            }
            out.extend_from_slice(fields.of(&source.text));
        }
        OperandKind::Pipe(pipe) => write_pipe(source.pipe(*pipe), source, out),
    }
}
