//! Reads JSONPath templates.
//!
//! Goes in: a template. Comes out: its text and actions as [`Node`]s, or the parse error in client-go's words.
//! Follows `k8s.io/client-go/util/jsonpath/parser.go`.

use super::{Bound, Fault, Mark, Node};
use crate::data::Data;

/// How deep filters and unions may be nested in a template.
const DEPTH_LIMIT: usize = 100;

/// Text and actions in turn.
pub(super) fn template(source: &str, depth: usize) -> std::result::Result<Vec<Node>, Fault> {
    let mut nodes = Vec::new();
    let mut rest = source;
    while let Some((text, tail)) = rest.split_once('{') {
        if !text.is_empty() {
            nodes.push(Node::Text(text.to_string()));
        }
        let mut parser = Parser { rest: tail, steps: Vec::new(), depth };
        parser.action()?;
        nodes.push(Node::List(parser.steps));
        rest = parser.rest;
    }
    if !rest.is_empty() {
        nodes.push(Node::Text(rest.to_string()));
    }
    Ok(nodes)
}

/// The steps of one expression without its braces.
fn parse_action(text: &str, depth: usize) -> std::result::Result<Vec<Node>, Fault> {
    if depth >= DEPTH_LIMIT {
        return Err("expression is nested too deeply".to_string());
    }
    let source = format!("{text}}}");
    let mut parser = Parser { rest: &source, steps: Vec::new(), depth: depth + 1 };
    parser.action()?;
    Ok(parser.steps)
}

/// Reads one action up to its closing brace.
struct Parser<'a> {
    rest: &'a str,
    steps: Vec<Node>,
    depth: usize,
}

impl<'a> Parser<'a> {
    fn action(&mut self) -> std::result::Result<(), Fault> {
        loop {
            let Some(character) = self.rest.chars().next() else { return Err("unclosed action".to_string()) };
            if let Some(rest) = self.rest.strip_prefix('}') {
                self.rest = rest;
                return Ok(());
            }
            if let Some(rest) = self.rest.strip_prefix("[?(") {
                self.rest = rest;
                self.filter()?;
                continue;
            }
            if let Some(rest) = self.rest.strip_prefix("..") {
                if matches!(self.steps.last(), Some(Node::Recursive)) {
                    return Err("invalid multiple recursive descent".to_string());
                }
                self.rest = rest;
                self.steps.push(Node::Recursive);
                if rest.starts_with(|c: char| c == '_' || c.is_alphanumeric()) {
                    self.field();
                }
                continue;
            }
            match character {
                '\r' | '\n' => return Err("unclosed action".to_string()),
                ' ' | '@' | '$' => self.rest = &self.rest[1..],
                '[' => self.array()?,
                '"' | '\'' => self.quote(character)?,
                '.' => {
                    self.rest = &self.rest[1..];
                    self.field();
                }
                '+' | '-' => self.number()?,
                c if c.is_numeric() => self.number()?,
                c if c == '_' || c.is_alphabetic() => self.identifier()?,
                c => return Err(format!("unrecognized character in action: U+{:04X} '{c}'", u32::from(c))),
            }
        }
    }

    /// Consumes the text up to the first character that `ends` accepts.
    fn take(&mut self, ends: impl Fn(char) -> bool) -> &'a str {
        let end = self.rest.find(ends).unwrap_or(self.rest.len());
        let (taken, rest) = self.rest.split_at(end);
        self.rest = rest;
        taken
    }

    fn identifier(&mut self) -> std::result::Result<(), Fault> {
        match self.take(is_terminator) {
            "true" => self.steps.push(Node::Literal(Data::Bool(true))),
            "false" => self.steps.push(Node::Literal(Data::Bool(false))),
            "range" => self.steps.push(Node::Mark(Mark::Range)),
            "end" => self.steps.push(Node::Mark(Mark::End)),
            _ => self.steps.push(Node::Unknown),
        }
        Ok(())
    }

    fn number(&mut self) -> std::result::Result<(), Fault> {
        let signed = self.rest.starts_with(['+', '-']);
        let end = self.rest[usize::from(signed)..]
            .find(|c: char| c != '.' && !c.is_numeric())
            .map_or(self.rest.len(), |at| at + usize::from(signed));
        let (text, rest) = self.rest.split_at(end);
        self.rest = rest;
        let number = text.parse().map(Data::Int).or_else(|_| text.parse().map(Data::Float));
        self.steps.push(Node::Literal(number.map_err(|_| format!("cannot parse number {text}"))?));
        Ok(())
    }

    /// A field's name; a backslash makes the next character part of it.
    fn field(&mut self) {
        let mut escaped = false;
        let end = self.rest.find(|c: char| {
            let ends = !escaped && is_terminator(c);
            escaped = !escaped && c == '\\';
            ends
        });
        let (name, rest) = self.rest.split_at(end.unwrap_or(self.rest.len()));
        self.rest = rest;
        self.steps.push(if name == "*" { Node::Wildcard } else { Node::Field(name.replace('\\', "")) });
    }

    fn quote(&mut self, quote: char) -> std::result::Result<(), Fault> {
        let mut escaped = false;
        let inner = &self.rest[1..];
        let end = inner.find(|c: char| {
            let ends = c == '\n' || (c == quote && !escaped);
            escaped = c == '\\';
            ends
        });
        let Some(end) = end.filter(|end| inner[*end..].starts_with(quote)) else {
            return Err("unterminated quoted string".to_string());
        };
        self.steps.push(Node::Text(
            unescape(&inner[..end]).ok_or_else(|| format!("unquote string {} error invalid syntax", &self.rest[..end + 2]))?,
        ));
        self.rest = &inner[end + 1..];
        Ok(())
    }

    fn array(&mut self) -> std::result::Result<(), Fault> {
        let inner = &self.rest[1..];
        let Some(end) = inner.find([']', '\n']).filter(|end| inner[*end..].starts_with(']')) else {
            return Err("unterminated array".to_string());
        };
        let text = if &inner[..end] == "*" { ":" } else { &inner[..end] };
        self.rest = &inner[end + 1..];
        if text.contains(',') {
            let lists = text.split(',').map(|part| parse_action(&format!("[{}]", part.trim_matches(' ')), self.depth));
            self.steps.push(Node::Union(lists.collect::<std::result::Result<_, _>>()?));
            return Ok(());
        }
        if let Some(key) = text.strip_prefix('\'').and_then(|text| text.strip_suffix('\'')).filter(|key| !key.contains('\'')) {
            self.steps.extend(parse_action(&format!(".{key}"), self.depth)?);
            return Ok(());
        }
        self.steps.push(Node::Slice(bounds(text)?));
        Ok(())
    }

    fn filter(&mut self) -> std::result::Result<(), Fault> {
        let (mut begun, mut ended, mut pair, mut previous) = (false, false, ' ', ' ');
        let end = self.rest.find(|c: char| {
            match c {
                '"' | '\'' if !begun => (begun, pair) = (true, c),
                '"' | '\'' if previous != '\\' && c == pair => ended = true,
                _ => {}
            }
            previous = c;
            c == '\n' || (c == ')' && begun == ended)
        });
        let Some(end) = end.filter(|end| self.rest[*end..].starts_with(')')) else { return Err("unterminated filter".to_string()) };
        let (text, rest) = self.rest.split_at(end);
        self.rest = rest.strip_prefix(")]").ok_or_else(|| "unclosed array expect ]".to_string())?;
        let is_operator = |c: char| "!<>=".contains(c);
        let parts = text.find(is_operator).filter(|at| *at > 0).map(|at| {
            let length = text[at..].find(|c| !is_operator(c)).unwrap_or(text.len() - at);
            (&text[..at], &text[at..at + length], &text[at + length..])
        });
        self.steps.push(match parts {
            Some((left, operator, right)) if !right.is_empty() => Node::Filter {
                left: parse_action(left, self.depth)?,
                operator: operator.to_string(),
                right: parse_action(right, self.depth)?,
            },
            _ => Node::Filter { left: parse_action(text, self.depth)?, operator: "exists".to_string(), right: Vec::new() },
        });
        Ok(())
    }
}

/// Whether this character ends an identifier or a field's name.
fn is_terminator(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\r' | '\n' | '.' | ',' | '[' | ']' | '$' | '@' | '{' | '}')
}

/// `start:end:step`, each of which may be left out.
fn bounds(text: &str) -> std::result::Result<[Bound; 3], Fault> {
    let parts: Vec<&str> = text.split(':').collect();
    let is_number = |part: &str| part.strip_prefix('-').unwrap_or(part).bytes().all(|byte| byte.is_ascii_digit());
    if parts.len() > 3 || !parts.iter().all(|part| is_number(part)) {
        return Err(format!("invalid array index {text}"));
    }
    let mut bounds = [Bound::default(); 3];
    for (bound, part) in bounds.iter_mut().zip(&parts) {
        if !part.is_empty() {
            bound.value = part.parse().map_err(|_| format!("array index {part} is not a number"))?;
            bound.known = true;
        }
    }
    if parts.len() == 1 {
        bounds[1] = Bound { value: bounds[0].value.saturating_add(1), known: true, derived: true };
    }
    Ok(bounds)
}

/// Resolves Go's escapes in a quoted text.
fn unescape(text: &str) -> Option<String> {
    let mut out = String::new();
    let mut rest = text.chars();
    while let Some(c) = rest.next() {
        if c != '\\' {
            out.push(c);
            continue;
        }
        let code = |rest: &mut std::str::Chars<'_>, digits: usize| {
            let text: String = rest.by_ref().take(digits).collect();
            (text.len() == digits).then(|| u32::from_str_radix(&text, 16).ok().and_then(char::from_u32)).flatten()
        };
        out.push(match rest.next()? {
            'a' => '\u{7}',
            'b' => '\u{8}',
            'f' => '\u{c}',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'v' => '\u{b}',
            'x' => code(&mut rest, 2)?,
            'u' => code(&mut rest, 4)?,
            'U' => code(&mut rest, 8)?,
            c @ ('\\' | '\'' | '"') => c,
            _ => return None,
        });
    }
    Some(out)
}
