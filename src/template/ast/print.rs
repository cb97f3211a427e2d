//! The source form of nodes, as Go's `Node.String` writes it, for `at <…>` in error messages.
//!
//! Goes in: a node and the text it was parsed from. Comes out: normalised source: one space between operands, no
//! comments, no trim markers. Follows text/template/parse/node.go.

use super::{Branch, Command, List, Node, NodeRef, Operand, OperandKind, Pipe, TemplateCall};
use crate::quote;

impl NodeRef<'_> {
    /// The node's source form.
    pub fn source(self, text: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        match self {
            NodeRef::Operand(operand) => write_operand(operand, text, &mut out),
            NodeRef::Command(command) => write_command(command, text, &mut out),
            NodeRef::Pipe(pipe) => write_pipe(pipe, text, &mut out),
            NodeRef::Action(pipe) => write_action(pipe, text, &mut out),
            NodeRef::Range(branch) => write_branch("range", branch, text, &mut out),
            NodeRef::Template(call) => write_template(call, text, &mut out),
        }
        out
    }
}

fn write_list(list: &List, text: &[u8], out: &mut Vec<u8>) {
    for node in list {
        match node {
            Node::Text { start, end } => out.extend_from_slice(text.get(*start as usize..*end as usize).unwrap_or_default()),
            Node::Action(pipe) => write_action(pipe, text, out),
            Node::If(branch) => write_branch("if", branch, text, out),
            Node::With(branch) => write_branch("with", branch, text, out),
            Node::Range(branch) => write_branch("range", branch, text, out),
            Node::Template(call) => write_template(call, text, out),
            Node::Break => out.extend_from_slice(b"{{break}}"),
            Node::Continue => out.extend_from_slice(b"{{continue}}"),
        }
    }
}

fn write_action(pipe: &Pipe, text: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(b"{{");
    write_pipe(pipe, text, out);
    out.extend_from_slice(b"}}");
}

fn write_branch(word: &str, branch: &Branch, text: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(b"{{");
    out.extend_from_slice(word.as_bytes());
    out.push(b' ');
    write_pipe(&branch.pipe, text, out);
    out.extend_from_slice(b"}}");
    write_list(&branch.list, text, out);
    if let Some(list) = &branch.else_list {
        out.extend_from_slice(b"{{else}}");
        write_list(list, text, out);
    }
    out.extend_from_slice(b"{{end}}");
}

fn write_template(call: &TemplateCall, text: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(b"{{template ");
    quote::write_quoted(out, call.name.as_bytes());
    if let Some(pipe) = &call.pipe {
        out.push(b' ');
        write_pipe(pipe, text, out);
    }
    out.extend_from_slice(b"}}");
}

fn write_pipe(pipe: &Pipe, text: &[u8], out: &mut Vec<u8>) {
    for (index, variable) in pipe.variables.iter().enumerate() {
        if index > 0 {
            out.extend_from_slice(b", ");
        }
        out.extend_from_slice(variable.name.of(text));
    }
    if !pipe.variables.is_empty() {
        out.extend_from_slice(if pipe.assigns { b" = " } else { b" := " });
    }
    for (index, command) in pipe.commands.iter().enumerate() {
        if index > 0 {
            out.extend_from_slice(b" | ");
        }
        write_command(command, text, out);
    }
}

fn write_command(command: &Command, text: &[u8], out: &mut Vec<u8>) {
    for (index, operand) in command.operands.iter().enumerate() {
        if index > 0 {
            out.push(b' ');
        }
        match &operand.kind {
            OperandKind::Pipe(pipe) => {
                out.push(b'(');
                write_pipe(pipe, text, out);
                out.push(b')');
            }
            _ => write_operand(operand, text, out),
        }
    }
}

fn write_operand(operand: &Operand, text: &[u8], out: &mut Vec<u8>) {
    match &operand.kind {
        OperandKind::Dot => out.push(b'.'),
        OperandKind::Nil => out.extend_from_slice(b"nil"),
        OperandKind::Bool(truth) => out.extend_from_slice(if *truth { b"true" } else { b"false" }),
        OperandKind::Number(number) => out.extend_from_slice(number.text.as_bytes()),
        OperandKind::Str(_, end) => out.extend_from_slice(text.get(operand.position as usize..*end as usize).unwrap_or_default()),
        OperandKind::Field(fields) => out.extend_from_slice(fields.of(text)),
        OperandKind::Variable { name, fields, .. } => {
            out.extend_from_slice(name.of(text));
            out.extend_from_slice(fields.of(text));
        }
        OperandKind::Identifier(callee) => out.extend_from_slice(callee.name().as_bytes()),
        OperandKind::Chain(inner, fields) => {
            match &inner.kind {
                OperandKind::Pipe(pipe) => {
                    out.push(b'(');
                    write_pipe(pipe, text, out);
                    out.push(b')');
                }
                _ => write_operand(inner, text, out),
            }
            out.extend_from_slice(fields.of(text));
        }
        OperandKind::Pipe(pipe) => write_pipe(pipe, text, out),
    }
}
