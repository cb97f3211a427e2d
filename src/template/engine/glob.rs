//! Path patterns of `.Files.Glob`: the dialect of gobwas/glob with `/` as separator.
//!
//! Goes in: a pattern, compiled once. Comes out: whether names match. `*` and `?` stop at `/`, `**` does not; `[a-c]`, `[!abc]`
//! and `{a,b}` are supported, `\` escapes. What charts select depends on what that library finds, its mistakes included: braces
//! with wildcards in them often match less than one would think. So the steps here are its own: [`compile`] makes the same
//! matchers of a pattern, and [`matcher`] searches with them as it does. It is separate from the ignore rules of a chart, which are
//! Go's `filepath.Match`.

mod compile;
mod matcher;

use crate::template::functions::Fault;
use crate::unicode::REPLACEMENT;
use compile::compile;
use matcher::Matcher;

/// A compiled pattern.
#[derive(Debug, Clone)]
pub(super) struct Glob(Matcher);

impl Glob {
    /// Compiles a pattern; a faulty one matches everything, as in Helm. Fails if that takes too many steps.
    pub(super) fn new(pattern: &str) -> Result<Glob, Fault> {
        match Parser::new(pattern).whole() {
            Some(node) => compile(node).map(Glob),
            None => Ok(Glob(Matcher::Super)),
        }
    }

    /// Whether the whole name matches. Fails if finding out takes too many steps.
    pub(super) fn matches(&self, name: &str) -> Result<bool, Fault> {
        self.0.is_match(name.as_bytes())
    }
}

/// A part of a pattern.
#[derive(Debug, Clone, PartialEq)]
enum Node {
    /// What follows each other.
    Pattern(Vec<Node>),
    /// `{a,b}`: the alternatives are patterns, or nothing.
    AnyOf(Vec<Node>),
    Nothing,
    Text(String),
    /// `*`
    Any,
    /// `**`
    Super,
    /// `?`
    Single,
    Set(Set),
}

/// One rune of several.
#[derive(Debug, Clone, PartialEq)]
enum Set {
    /// `[abc]`
    List { characters: Vec<char>, not: bool },
    /// `[a-c]`
    Range { low: char, high: char, not: bool },
}

impl Set {
    fn has(&self, rune: char) -> bool {
        match self {
            Set::List { characters, not } => characters.contains(&rune) != *not,
            Set::Range { low, high, not } => (*low..=*high).contains(&rune) != *not,
        }
    }
}

/// Deepest nesting of `{…}`.
const MAX_DEPTH: usize = 64;

/// Reads a pattern; `None` for a faulty one.
struct Parser {
    pattern: Vec<char>,
    at: usize,
}

impl Parser {
    /// The library ends at a zero.
    fn new(pattern: &str) -> Parser {
        Parser { pattern: pattern.chars().take_while(|character| *character != '\0').collect(), at: 0 }
    }

    fn whole(mut self) -> Option<Node> {
        // It takes this one for a byte that is no UTF-8.
        if self.pattern.contains(&REPLACEMENT) {
            return None;
        }
        self.pattern(0)
    }

    fn peek(&self) -> Option<char> {
        self.pattern.get(self.at).copied()
    }

    fn next(&mut self) -> Option<char> {
        let next = self.peek();
        self.at += usize::from(next.is_some());
        next
    }

    fn eat(&mut self, wanted: char) -> bool {
        let is_there = self.peek() == Some(wanted);
        self.at += usize::from(is_there);
        is_there
    }

    /// Everything up to the end, or within braces up to `,` or `}`.
    fn pattern(&mut self, depth: usize) -> Option<Node> {
        if depth > MAX_DEPTH {
            return None;
        }
        let mut nodes = Vec::new();
        while let Some(character) = self.peek() {
            match character {
                ',' | '}' if depth > 0 => break,
                '*' => {
                    self.at += 1;
                    nodes.push(if self.eat('*') { Node::Super } else { Node::Any });
                }
                '?' => {
                    self.at += 1;
                    nodes.push(Node::Single);
                }
                '[' => {
                    self.at += 1;
                    nodes.push(Node::Set(self.set()?));
                }
                '{' => {
                    self.at += 1;
                    nodes.push(self.alternatives(depth + 1)?);
                }
                _ => {
                    let text = self.text(if depth > 0 { "?*[{}," } else { "?*[{" });
                    if !text.is_empty() {
                        nodes.push(Node::Text(text));
                    }
                }
            }
        }
        Some(Node::Pattern(nodes))
    }

    /// The alternatives behind a `{`; the last one may be open.
    fn alternatives(&mut self, depth: usize) -> Option<Node> {
        let mut choices = vec![self.pattern(depth)?];
        while self.eat(',') {
            choices.push(self.pattern(depth)?);
        }
        self.eat('}');
        Some(Node::AnyOf(choices))
    }

    /// The text up to one of the characters in `ends`; `\` escapes them, and at the end it means nothing.
    fn text(&mut self, ends: &str) -> String {
        let mut text = String::new();
        while let Some(character) = self.peek().filter(|character| !ends.contains(*character)) {
            self.at += 1;
            text.extend(if character == '\\' { self.next() } else { Some(character) });
        }
        text
    }

    /// The set behind a `[`.
    fn set(&mut self) -> Option<Set> {
        let not = self.eat('!');
        let low = self.peek()?;
        if self.pattern.get(self.at + 1) == Some(&'-') {
            self.at += 2;
            let high = self.next()?;
            return (self.eat(']') && low <= high).then_some(Set::Range { low, high, not });
        }
        let characters: Vec<char> = self.text("]").chars().collect();
        (self.eat(']') && !characters.is_empty()).then_some(Set::List { characters, not })
    }
}

#[cfg(test)]
mod tests;
