//! Converts a tree of nodes to the emitter's events.
//!
//! Goes in: a node of a [`Tree`]. Comes out: its events in order. Must match `encoder.node` of go-yaml v3 (`encode.go`): which
//! tags are shown, which style is requested for a scalar, and that the comment below a value is written before the next key. The
//! walk uses a list instead of the stack, so that depth costs only memory.

use super::parser::What;
use super::resolve;
use super::style::Style;
use super::{Kind, Node, Tree};

/// An element to be written.
#[derive(Debug, Clone)]
pub(super) struct Event<'t> {
    pub what: What,
    pub anchor: &'t str,
    /// Its full form; empty when the tag is not shown.
    pub tag: String,
    pub value: &'t str,
    /// The style of a scalar, or whether a collection is in brackets.
    pub style: Style,
    pub head: &'t str,
    pub line: &'t str,
    pub foot: &'t str,
    /// The comment below the node above, written before the head.
    pub tail: &'t str,
}

impl<'t> Event<'t> {
    fn new(what: What) -> Event<'t> {
        Event { what, anchor: "", tag: String::new(), value: "", style: Style::PLAIN, head: "", line: "", foot: "", tail: "" }
    }
}

/// A step of the walk.
enum Visit<'t> {
    Node { at: usize, tail: &'t str, is_key: bool },
    End(Event<'t>),
}

/// The events of the document with the outermost node at `root`.
pub(super) fn of<'t>(tree: &'t Tree, root: usize, head: &'t str, foot: &'t str) -> Vec<Event<'t>> {
    let mut events = vec![Event { head, ..Event::new(What::DocumentStart) }];
    let mut visits = vec![Visit::Node { at: root, tail: "", is_key: false }];
    while let Some(visit) = visits.pop() {
        let (at, tail, is_key) = match visit {
            Visit::Node { at, tail, is_key } => (at, tail, is_key),
            Visit::End(event) => {
                events.push(event);
                continue;
            }
        };
        let Some(node) = tree.node(at) else { continue };
        // The foot of a key is written after its value, as the tail of the next node.
        let foot = if is_key { "" } else { node.foot.as_str() };
        let mut event = Event { anchor: &node.anchor, head: &node.head, ..Event::new(What::Scalar) };
        let (tag, quoted) = shown_tag(node);
        event.tag = tag;
        match node.kind {
            Kind::Alias => {
                events.push(Event { what: What::Alias, value: &node.value, line: &node.line, foot, ..event });
            }
            Kind::Scalar => {
                let style = scalar_style(node, quoted);
                events.push(Event { value: &node.value, style, line: &node.line, foot, tail, ..event });
            }
            Kind::Sequence => {
                events.push(Event { what: What::SequenceStart, style: node.style, ..event });
                visits.push(Visit::End(Event { line: &node.line, foot, ..Event::new(What::SequenceEnd) }));
                visits.extend(node.children.iter().rev().map(|at| Visit::Node { at: *at, tail: "", is_key: false }));
            }
            Kind::Mapping => {
                events.push(Event { what: What::MappingStart, style: node.style, tail, ..event });
                let mut tail = "";
                let mut steps = Vec::with_capacity(node.children.len() + 1);
                for pair in node.children.chunks_exact(2) {
                    let &[key, value] = pair else { continue };
                    steps.push(Visit::Node { at: key, tail, is_key: true });
                    steps.push(Visit::Node { at: value, tail: "", is_key: false });
                    tail = tree.node(key).map_or("", |key| key.foot.as_str());
                }
                steps.push(Visit::End(Event { tail, line: &node.line, foot, ..Event::new(What::MappingEnd) }));
                visits.extend(steps.into_iter().rev());
            }
        }
    }
    events.push(Event { foot, ..Event::new(What::DocumentEnd) });
    events
}

/// The full form of the tag if it must be shown, and whether quotes must show instead that a scalar is a string.
fn shown_tag(node: &Node) -> (String, bool) {
    let short = resolve::short(&node.tag);
    let implied = match node.kind {
        _ if node.tag.is_empty() || node.style.has(Style::TAGGED) => "",
        Kind::Scalar if short == resolve::STR && node.style.is_string() => resolve::STR,
        Kind::Scalar => {
            let found = resolve::resolve(&node.value);
            if found != short && short == resolve::STR {
                return (String::new(), true);
            }
            found
        }
        Kind::Mapping => resolve::MAP,
        Kind::Sequence => resolve::SEQ,
        Kind::Alias => "",
    };
    if implied == short { (String::new(), false) } else { (resolve::long(&node.tag).into_owned(), false) }
}

fn scalar_style(node: &Node, quoted: bool) -> Style {
    let asked = [Style::DOUBLE_QUOTED, Style::SINGLE_QUOTED, Style::LITERAL, Style::FOLDED];
    match asked.into_iter().find(|style| node.style.has(*style)) {
        Some(style) => style,
        None if node.value.contains('\n') => Style::LITERAL,
        None if quoted => Style::DOUBLE_QUOTED,
        None => Style::PLAIN,
    }
}
