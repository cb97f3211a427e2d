//! Parses tokens into trees.
//!
//! Goes in: the bytes of a template. Comes out: [`Parsed`], with functions resolved and variables in slots, or a [`ParseError`] in
//! Go's words. Follows text/template/parse/parse.go, including its three tokens of look-ahead and its lists of declared names. One
//! deviation: the innermost declaration of a variable, which Go finds at run time, is determined here from the block structure.

mod command;
mod explain;
mod scope;
mod unclosed;

use super::ast::{At, Branch, Command, Declared, Node, Operand, Parsed, Pipe, Run, Source, TemplateCall, Tree, line_and_column};
use super::functions::Vocabulary;
use super::lexer::{Kind, Lexer, Token};
use super::literal;
use super::value::Str;
use crate::quote;
use crate::stack;
use crate::unicode;
use scope::Scope;
use std::cell::Cell;
use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

/// Why a template does not parse. It does not include the file's name, which the parser does not have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParseError {
    /// From 1.
    pub line: usize,
    /// The byte offset of the parser.
    pub position: usize,
    /// The part of the text to mark for people: Go's parser is often a token further than the fault.
    pub marked: Range<usize>,
    /// Go's message, with a placeholder where Go repeats the name of the file.
    message: String,
}

impl ParseError {
    /// Go's whole message for a file of this name.
    pub fn text(&self, file: &str) -> String {
        format!("template: {file}:{}: {}", self.line, self.message_for(file))
    }

    /// Go's message without the place.
    pub fn message_for(&self, file: &str) -> String {
        self.message.replace(FILE, file)
    }
}

/// The placeholder for the file's name in a message.
const FILE: &str = "\0file\0";

/// Most bytes of a template: files of a chart have five megabytes at most, but `tpl` may be given any text. Its tree takes up to forty
/// times as much memory.
const TEXT_LIMIT: usize = 16 << 20;

type Result<T> = std::result::Result<T, Box<ParseError>>;

/// Parses a text with Go's default delimiters.
pub fn parse(text: Arc<[u8]>) -> Result<Parsed> {
    parse_with(text, Vocabulary::Chart)
}

/// Parses a text that may call the functions of `vocabulary`.
pub fn parse_with(text: Arc<[u8]>, vocabulary: Vocabulary) -> Result<Parsed> {
    let bytes = text.clone();
    let Pending { nodes, commands, operands } = PENDING.take();
    let mut parser = Parser {
        text: &bytes,
        source: Source::new(text.clone()),
        lexer: Lexer::new(&bytes),
        tokens: [Token::new(Kind::Eof, 0, 0); 3],
        peeked: 0,
        body: Body::new(),
        nodes,
        commands,
        operands,
        defines: Vec::new(),
        places: HashMap::default(),
        vocabulary,
    };
    if bytes.len() > TEXT_LIMIT {
        return parser.fault(format!("template is longer than {TEXT_LIMIT} bytes"));
    }
    let main = parser.top()?;
    // Empty again, since everything that was begun is complete.
    PENDING.set(Pending { nodes: parser.nodes, commands: parser.commands, operands: parser.operands });
    let source = Arc::new(parser.source.settled());
    let tree = |body: Definition| Arc::new(Tree { source: source.clone(), list: body.list, slots: body.slots, empty: body.empty });
    let defines = parser.defines.into_iter().map(|(name, body)| (name, tree(body))).collect();
    Ok(Parsed { main: tree(main), defines })
}

/// The parts of incomplete lists, those of the innermost list last.
#[derive(Default)]
struct Pending {
    nodes: Vec<Node>,
    commands: Vec<Command>,
    operands: Vec<Operand>,
}

thread_local! {
    /// The buffers of the last text parsed on this thread, for reuse.
    static PENDING: Cell<Pending> = const { Cell::new(Pending { nodes: Vec::new(), commands: Vec::new(), operands: Vec::new() }) };
}

/// A [`Tree`] before its text is parsed completely.
struct Definition {
    list: Run<Node>,
    slots: usize,
    empty: bool,
}

/// The state of the template being parsed.
struct Body<'a> {
    /// Go's list of declared names: the variables that may be used.
    names: Scope<'a>,
    /// The declarations that have taken effect, innermost last; the place of each is its slot. They decide which variable a name
    /// refers to.
    scope: Scope<'a>,
    slots: usize,
    range_depth: usize,
    paren_depth: usize,
    /// The start of the current action.
    action_start: Option<u32>,
}

impl<'a> Body<'a> {
    fn new() -> Body<'a> {
        let (mut names, mut scope) = (Scope::default(), Scope::default());
        names.push(b"$");
        scope.push(b"$");
        Body { names, scope, slots: 1, range_depth: 0, paren_depth: 0, action_start: None }
    }

    fn declare(&mut self, name: &'a [u8]) -> u32 {
        let slot = self.scope.push(name);
        self.slots = self.slots.max(slot + 1);
        slot as u32
    }

    fn resolve(&self, name: &[u8]) -> Option<u32> {
        self.scope.find(name).map(|slot| slot as u32)
    }
}

/// The end of a list, with its keyword.
enum Ending {
    End(Token),
    Else(Token),
}

/// A node, or the end of its list.
enum Item {
    Node(Node),
    Ending(Ending),
}

struct Parser<'a> {
    text: &'a [u8],
    /// The completed parts.
    source: Source,
    lexer: Lexer<'a>,
    tokens: [Token; 3],
    peeked: usize,
    body: Body<'a>,
    /// Nodes, commands and operands of the unfinished lists; a list moves to the source when it is complete.
    nodes: Vec<Node>,
    commands: Vec<Command>,
    operands: Vec<Operand>,
    defines: Vec<(Str, Definition)>,
    /// The index of each name in `defines`.
    places: HashMap<Str, usize, ahash::RandomState>,
    /// The functions that the text may call.
    vocabulary: Vocabulary,
}

impl<'a> Parser<'a> {
    fn next(&mut self) -> Token {
        if self.peeked > 0 {
            self.peeked -= 1;
        } else {
            self.tokens[0] = self.lexer.next_token();
        }
        self.tokens[self.peeked]
    }

    fn backup(&mut self) {
        self.peeked += 1;
    }

    /// Puts back `first` before the last token.
    fn backup_two(&mut self, first: Token) {
        self.tokens[1] = first;
        self.peeked = 2;
    }

    fn backup_three(&mut self, first: Token, second: Token) {
        self.tokens[1] = second;
        self.tokens[2] = first;
        self.peeked = 3;
    }

    fn peek(&mut self) -> Token {
        if self.peeked > 0 {
            return self.tokens[self.peeked - 1];
        }
        self.peeked = 1;
        self.tokens[0] = self.lexer.next_token();
        self.tokens[0]
    }

    fn next_non_space(&mut self) -> Token {
        loop {
            let token = self.next();
            if token.kind != Kind::Space {
                return token;
            }
        }
    }

    fn peek_non_space(&mut self) -> Token {
        let token = self.next_non_space();
        self.backup();
        token
    }

    fn bytes(&self, token: Token) -> &'a [u8] {
        self.text.get(token.start() as usize..token.end() as usize).unwrap_or_default()
    }

    fn line(&self, token: Token) -> usize {
        line_and_column(self.text, token.start() as usize).0
    }

    /// A fault at the last token read, as in Go.
    fn fault<T>(&self, message: impl Into<String>) -> Result<T> {
        self.fault_at(self.tokens[0], message)
    }

    fn fault_at<T>(&self, token: Token, message: impl Into<String>) -> Result<T> {
        self.fault_marking(token, token, message)
    }

    /// A fault at `token`, as in Go, that people see at `marked`.
    fn fault_marking<T>(&self, token: Token, marked: Token, message: impl Into<String>) -> Result<T> {
        let marked = if marked.kind == Kind::Error { self.lexer.fault() } else { marked.start() as usize..marked.end() as usize };
        Err(Box::new(ParseError { line: self.line(token), position: token.start() as usize, marked, message: message.into() }))
    }

    fn unexpected<T>(&self, token: Token, context: &str) -> Result<T> {
        if token.kind == Kind::Error {
            let message = self.lexer.error();
            let mut extra = String::new();
            if let Some(start) = self.body.action_start {
                let line = line_and_column(self.text, start as usize).0;
                if line != self.line(token) {
                    let words = if message.ends_with(" action") { " started at" } else { " in action started at" };
                    extra = format!("{words} {FILE}:{line}");
                }
            }
            return self.fault_marking(self.tokens[0], token, format!("{message}{extra}"));
        }
        self.fault_marking(self.tokens[0], token, format!("unexpected {} in {context}", self.describe(token)))
    }

    /// A token as in Go's messages.
    fn describe(&self, token: Token) -> String {
        let bytes = self.bytes(token);
        match token.kind {
            Kind::Eof => "EOF".into(),
            Kind::Error => self.lexer.error().into(),
            kind if kind >= Kind::Block => format!("<{}>", String::from_utf8_lossy(bytes)),
            _ if bytes.len() > 10 => {
                let end = unicode::runes(bytes).nth(10).map_or(bytes.len(), |rune| rune.position);
                format!("{}...", quote::quote(bytes.get(..end).unwrap_or(bytes)))
            }
            _ => quote::quote(bytes),
        }
    }

    fn expect(&mut self, kind: Kind, context: &str) -> Result<Token> {
        let token = self.next_non_space();
        if token.kind == kind { Ok(token) } else { self.unexpected(token, context) }
    }

    fn guard(&self) -> Result<()> {
        if stack::is_exhausted() { self.fault("max expression depth exceeded") } else { Ok(()) }
    }

    /// Parses the whole text.
    fn top(&mut self) -> Result<Definition> {
        while self.peek().kind != Kind::Eof {
            if self.peek().kind == Kind::LeftDelim {
                let delimiter = self.next();
                if self.next_non_space().kind == Kind::Define {
                    self.definition()?;
                    continue;
                }
                self.backup_two(delimiter);
            }
            match self.text_or_action()? {
                Item::Node(node) => self.nodes.push(node),
                Item::Ending(ending) => {
                    return self.fault_marking(self.tokens[0], ending.keyword(), format!("unexpected {}", ending.source()));
                }
            }
        }
        let list = self.complete(0);
        Ok(self.body(list))
    }

    /// Completes the list of nodes that starts at `mark`.
    fn complete(&mut self, mark: usize) -> Run<Node> {
        Run::moved(self.nodes.drain(mark..), &mut self.source.nodes)
    }

    fn body(&self, list: Run<Node>) -> Definition {
        let empty = self.source.nodes(list).iter().all(|node| match node {
            Node::Text { start, end } => {
                // bytes.TrimSpace: Unicode white space.
                let bytes = self.text.get(*start as usize..*end as usize).unwrap_or_default();
                std::str::from_utf8(bytes).is_ok_and(|text| text.trim().is_empty())
            }
            _ => false,
        });
        Definition { list, slots: self.body.slots, empty }
    }

    /// `{{ define "name" }} … {{ end }}`, after the word `define`.
    fn definition(&mut self) -> Result<()> {
        const CONTEXT: &str = "define clause";
        let outer = std::mem::replace(&mut self.body, Body::new());
        let token = self.next_non_space();
        let name = self.template_name(token, CONTEXT)?;
        self.expect(Kind::RightDelim, CONTEXT)?;
        self.define_body(name, CONTEXT, None)?;
        self.body = outer;
        Ok(())
    }

    /// The body of a `define` or `block` up to its `end`; a wrong ending is reported at `place`, or at its own place if that is
    /// `None`.
    fn define_body(&mut self, name: Str, context: &str, place: Option<Token>) -> Result<()> {
        let (list, ending) = self.item_list()?;
        if let Ending::Else(keyword) = ending {
            let message = format!("unexpected {} in {context}", ending.source());
            return self.fault_marking(place.unwrap_or(self.tokens[0]), keyword, message);
        }
        let body = self.body(list);
        match self.places.get(&name).and_then(|place| self.defines.get_mut(*place)) {
            None => {
                self.places.insert(name.clone(), self.defines.len());
                self.defines.push((name, body));
            }
            Some(define) if define.1.empty => define.1 = body,
            Some(_) if body.empty => {}
            Some(_) => {
                let quoted = quote::quote(name.as_bytes());
                return self.fault(format!("template: multiple definition of template {quoted}"));
            }
        }
        Ok(())
    }

    fn template_name(&mut self, token: Token, context: &str) -> Result<Str> {
        if !matches!(token.kind, Kind::String | Kind::RawString) {
            return self.unexpected(token, context);
        }
        match literal::unquote(self.bytes(token)) {
            Some(name) => Ok(Str::from(&*name)),
            None => self.fault("invalid syntax"),
        }
    }

    fn item_list(&mut self) -> Result<(Run<Node>, Ending)> {
        self.guard()?;
        let mark = self.nodes.len();
        while self.peek_non_space().kind != Kind::Eof {
            match self.text_or_action()? {
                Item::Node(node) => self.nodes.push(node),
                Item::Ending(ending) => return Ok((self.complete(mark), ending)),
            }
        }
        self.fault("unexpected EOF")
    }

    fn text_or_action(&mut self) -> Result<Item> {
        let token = self.next_non_space();
        match token.kind {
            Kind::Text => Ok(Item::Node(Node::Text { start: token.start(), end: token.end() })),
            Kind::LeftDelim => {
                self.body.action_start = Some(token.start());
                let item = self.action()?;
                self.body.action_start = None;
                Ok(item)
            }
            _ => self.unexpected(token, "input"),
        }
    }

    fn action(&mut self) -> Result<Item> {
        let token = self.next_non_space();
        let node = match token.kind {
            Kind::Block => return self.block(),
            Kind::Break => self.jump(token, Node::Break, "{{break}}")?,
            Kind::Continue => self.jump(token, Node::Continue, "{{continue}}")?,
            Kind::Else => {
                if !matches!(self.peek_non_space().kind, Kind::If | Kind::With) {
                    self.expect(Kind::RightDelim, "else")?;
                }
                return Ok(Item::Ending(Ending::Else(token)));
            }
            Kind::End => {
                self.expect(Kind::RightDelim, "end")?;
                return Ok(Item::Ending(Ending::End(token)));
            }
            Kind::If => Node::If(self.control("if")?),
            Kind::Range => Node::Range(self.control("range")?),
            Kind::With => Node::With(self.control("with")?),
            Kind::Template => self.template()?,
            _ => match self.quoted(token) {
                Some(node) => node,
                None => Node::Action(self.pipeline("command", Kind::RightDelim)?),
            },
        };
        Ok(Item::Node(node))
    }

    /// An action with only a quoted text without escapes, after its first token; for any other action, the token is put back.
    /// Dashboards and alerting rules quote half of their content, since they are templates of another program.
    fn quoted(&mut self, token: Token) -> Option<Node> {
        let odd = match token.kind {
            Kind::String => b'\\',
            Kind::RawString => b'\r',
            _ => {
                self.backup();
                return None;
            }
        };
        let mut next = self.next();
        let space = (next.kind == Kind::Space).then_some(next);
        if space.is_some() {
            next = self.next();
        }
        let quoted = self.bytes(token);
        if next.kind == Kind::RightDelim && memchr::memchr(odd, quoted).is_none() && std::str::from_utf8(quoted).is_ok() {
            return Some(Node::Quoted { start: token.start() + 1, end: token.end() - 1 });
        }
        match space {
            Some(space) => self.backup_three(token, space),
            None => self.backup_two(token),
        }
        None
    }

    fn jump(&mut self, keyword: Token, node: Node, source: &str) -> Result<Node> {
        let token = self.next_non_space();
        if token.kind != Kind::RightDelim {
            return self.unexpected(token, source);
        }
        if self.body.range_depth == 0 {
            return self.fault_marking(self.tokens[0], keyword, format!("{source} outside {{{{range}}}}"));
        }
        Ok(node)
    }

    /// Parses `if`, `range` and `with` from behind the keyword to the `end`.
    fn control(&mut self, context: &str) -> Result<At<Branch>> {
        self.guard()?;
        let (names, scope) = (self.body.names.len(), self.body.scope.len());
        let pipe = self.pipeline(context, Kind::RightDelim)?;
        let pipe_scope = self.body.scope.len();
        let ranges = usize::from(context == "range");
        self.body.range_depth += ranges;
        let (list, ending) = self.item_list()?;
        self.body.range_depth -= ranges;
        let else_list = match ending {
            Ending::End(_) => None,
            Ending::Else(_) => {
                // Variables declared in the list may still be used (Go keeps the names), but refer to the outer declarations
                // again.
                self.body.scope.truncate(pipe_scope);
                Some(self.else_list(context)?)
            }
        };
        self.body.names.truncate(names);
        self.body.scope.truncate(scope);
        Ok(At::put(Branch { pipe, list, else_list }, &mut self.source.branches))
    }

    /// `else if` and `else with` are an inner control that shares the outer one's `end`.
    fn else_list(&mut self, context: &str) -> Result<Run<Node>> {
        let next = self.peek().kind;
        if context == "if" && next == Kind::If {
            self.next();
            let inner = Node::If(self.control("if")?);
            return Ok(Run::moved(std::iter::once(inner), &mut self.source.nodes));
        }
        if context == "with" && next == Kind::With {
            self.next();
            let inner = Node::With(self.control("with")?);
            return Ok(Run::moved(std::iter::once(inner), &mut self.source.nodes));
        }
        let (list, ending) = self.item_list()?;
        match ending {
            Ending::End(_) => Ok(list),
            Ending::Else(keyword) => self.fault_marking(self.tokens[0], keyword, "expected end; found {{else}}"),
        }
    }

    fn block(&mut self) -> Result<Item> {
        const CONTEXT: &str = "block clause";
        let token = self.next_non_space();
        let name = self.template_name(token, CONTEXT)?;
        let pipe = self.pipeline(CONTEXT, Kind::RightDelim)?;
        let outer = std::mem::replace(&mut self.body, Body::new());
        // Go parses the body with a separate parser, and reports its end from the outer one.
        self.define_body(name.clone(), CONTEXT, Some(self.tokens[0]))?;
        self.body = outer;
        let call = TemplateCall { position: token.start(), name, pipe: Some(pipe) };
        Ok(Item::Node(Node::Template(At::put(call, &mut self.source.calls))))
    }

    fn template(&mut self) -> Result<Node> {
        const CONTEXT: &str = "template clause";
        let token = self.next_non_space();
        let name = self.template_name(token, CONTEXT)?;
        let mut pipe = None;
        if self.next_non_space().kind != Kind::RightDelim {
            self.backup();
            pipe = Some(self.pipeline(CONTEXT, Kind::RightDelim)?);
        }
        Ok(Node::Template(At::put(TemplateCall { position: token.start(), name, pipe }, &mut self.source.calls)))
    }
}

impl Ending {
    fn source(&self) -> &'static str {
        match self {
            Ending::End(_) => "{{end}}",
            Ending::Else(_) => "{{else}}",
        }
    }

    fn keyword(&self) -> Token {
        match self {
            Ending::End(keyword) | Ending::Else(keyword) => *keyword,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(text: impl AsRef<[u8]>) -> String {
        match parse(Arc::from(text.as_ref())) {
            Ok(_) => "no fault".into(),
            Err(error) => error.text("t"),
        }
    }

    /// As in Helm 4.2.4, whatever was read ahead.
    #[test]
    fn broken_texts_are_told_at_their_own_line() {
        for text in ["{{ \"a\\qb\"\n}}", "{{ print \"a\\qb\"\n}}", "{{ $x \"a\\q\"\n}}"] {
            assert!(fault(text).starts_with("template: t:1: "), "{text}");
        }
    }

    /// Each byte that is not UTF-8 counts as one character.
    #[test]
    fn long_tokens_are_cut_where_go_cuts_them() {
        let words = |shown: &str| format!("template: t:1: unexpected {shown}... in end");
        assert_eq!(fault("{{ end \"éèêëéèêëéèêë\" }}"), words("\"\\\"éèêëéèêëé\""));
        let bytes = [b"{{ end \"".as_slice(), &[0xFF; 12], b"\" }}"].concat();
        assert_eq!(fault(bytes), words(&format!("\"\\\"{}\"", "\\xff".repeat(9))));
    }

    #[test]
    fn faults_are_in_the_words_of_go() {
        for (text, expected) in [
            ("{{ nosuch }}", "template: t:1: function \"nosuch\" not defined"),
            ("{{ if }}x{{ end }}", "template: t:1: missing value for if"),
            ("{{ if true }}", "template: t:1: unexpected EOF"),
            ("\n{{ end }}", "template: t:2: unexpected {{end}}"),
            ("{{ $x }}", "template: t:1: undefined variable \"$x\""),
            ("{{ break }}", "template: t:1: {{break}} outside {{range}}"),
            ("{{ 1 | 2 }}", "template: t:1: non executable command in pipeline stage 2"),
            ("{{ \"a\".b }}", "template: t:1: unexpected . after term \"\\\"a\\\"\""),
            ("{{ }}", "template: t:1: missing value for command"),
            ("{{ . }\n}", "template: t:1: unexpected \"}\" in operand"),
            ("{{ .a\n", "template: t:2: unclosed action started at t:1"),
            ("{{ define \"a\" }}x{{ end }}{{ define \"a\" }}y{{ end }}", "template: t:1: template: multiple definition of template \"a\""),
            ("{{ define \"a\" }}\n\n{{ else }}", "template: t:3: unexpected {{else}} in define clause"),
            ("\n{{ block \"a\"\n. }}\n{{ else }}", "template: t:3: unexpected {{else}} in block clause"),
            ("{{ range $a, $b, $c := . }}{{ end }}", "template: t:1: too many declarations in range"),
            ("{{ if true }}{{ define \"x\" }}{{ end }}{{ end }}", "template: t:1: unexpected <define> in command"),
        ] {
            assert_eq!(fault(text), expected, "{text}");
        }
    }

    #[test]
    fn variables_get_slots_of_their_blocks() {
        let parsed = parse(Arc::from(&b"{{ $a := 1 }}{{ if $a }}{{ $b := 2 }}{{ end }}{{ $c := 3 }}"[..])).unwrap();
        assert_eq!(parsed.main.slots, 3);
    }

    #[test]
    fn what_is_nested_too_deep_is_refused() {
        let text = format!("{{{{ {}1{} }}}}", "(".repeat(10_001), ")".repeat(10_001));
        assert!(fault(&text).ends_with("max expression depth exceeded"));
        let text = "{{ if true }}".repeat(100_000);
        assert!(fault(&text).ends_with("max expression depth exceeded"));
    }

    #[test]
    fn a_template_may_not_be_as_long_as_a_text() {
        assert!(parse(vec![b' '; TEXT_LIMIT].into()).is_ok());
        assert_eq!(fault("{{1}}".repeat(TEXT_LIMIT / 5 + 1)), "template: t:1: template is longer than 16777216 bytes");
    }
}
