//! Texts written as Jinja templates, over minijinja.
//!
//! Goes in: a template's text and the [`Map`] that it sees. Comes out: the rendered text, or a fault with the line and the piece
//! of the template that failed. A template sees no environment, no clock and no other file; an undefined name is a fault. Time and
//! output are bounded; memory for intermediate texts is not. Used for values files in Jinja and for starters. Helm has nothing
//! like it: charts themselves are rendered by [`crate::template`], never by this engine.

use crate::data::{Data, Map};
use crate::diagnostic::{Diagnostic, Location};
use crate::error::{Error, ErrorKind, Result};
use minijinja::{AutoEscape, Environment, UndefinedBehavior, Value};
use std::collections::BTreeMap;
use std::io;

/// Most bytes of a rendered template.
const OUTPUT_LIMIT: usize = 64 << 20;
/// Most instructions a template may run: a few seconds' worth.
const FUEL: u64 = 20_000_000;

/// The delimiters of the parts of a template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delimiters {
    pub variable: (String, String),
    pub block: (String, String),
    pub comment: (String, String),
}

impl Delimiters {
    /// `{{ }}`, `{% %}` and `{# #}`.
    pub fn jinja() -> Delimiters {
        Delimiters::of(("{{", "}}"), ("{%", "%}"), ("{#", "#}"))
    }

    /// `<%= %>`, `<% %>` and `<%# %>`, which do not occur by chance in Go templates, YAML or shell scripts.
    pub fn beside_go_templates() -> Delimiters {
        Delimiters::of(("<%=", "%>"), ("<%", "%>"), ("<%#", "%>"))
    }

    fn of(variable: (&str, &str), block: (&str, &str), comment: (&str, &str)) -> Delimiters {
        let pair = |(start, end): (&str, &str)| (start.to_string(), end.to_string());
        Delimiters { variable: pair(variable), block: pair(block), comment: pair(comment) }
    }
}

/// Which line ends around blocks are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layout {
    /// Jinja's default: the line of a block stays, the template's last line end is dropped.
    Plain,
    /// For files: the line of a block or comment is dropped with it, the last line end stays.
    Lines,
}

/// A renderer of templates with these delimiters.
pub struct Engine {
    environment: Environment<'static>,
}

impl Engine {
    /// An engine. Fails when delimiters are empty or two of them open alike.
    pub fn new(delimiters: &Delimiters, layout: Layout) -> Result<Engine> {
        let pairs = [&delimiters.variable, &delimiters.block, &delimiters.comment];
        let lines = layout == Layout::Lines;
        let clash = || Error::new(ErrorKind::Usage, "delimiters of Jinja templates must be three pairs that open differently");
        if pairs.iter().any(|(start, end)| start.trim().is_empty() || end.trim().is_empty()) {
            return Err(clash());
        }
        let syntax = minijinja::syntax::SyntaxConfig::builder()
            .variable_delimiters(delimiters.variable.0.clone(), delimiters.variable.1.clone())
            .block_delimiters(delimiters.block.0.clone(), delimiters.block.1.clone())
            .comment_delimiters(delimiters.comment.0.clone(), delimiters.comment.1.clone())
            .trim_blocks(lines)
            .lstrip_blocks(lines)
            .keep_trailing_newline(lines)
            .build()
            .map_err(|_| clash())?;
        let mut environment = Environment::new();
        environment.set_syntax(syntax);
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        environment.set_auto_escape_callback(|_| AutoEscape::None);
        environment.set_fuel(Some(FUEL));
        environment.set_debug(true);
        Ok(Engine { environment })
    }

    /// Renders a template.
    ///
    /// # Errors
    /// `failed to render NAME: …` with the line, when the text is not a valid template, uses an undefined name, runs too long or
    /// renders to too much.
    pub fn render(&self, name: &str, text: &[u8], context: &Map) -> Result<String> {
        let fault = |message: &str| Error::new(ErrorKind::Values, format!("failed to render {name}: {message}"));
        let text = std::str::from_utf8(text).map_err(|_| fault("the template is not UTF-8"))?;
        let template = self.environment.template_from_named_str(name, text).map_err(|error| explain(name, text, &error, context))?;
        let mut sink = Sink { bytes: Vec::new(), full: false };
        let outcome = template.render_captured_to(table(context), &mut sink);
        if sink.full {
            return Err(fault(&format!("more than {OUTPUT_LIMIT} bytes came of it")).with_kind(ErrorKind::Limit));
        }
        outcome.map_err(|error| explain(name, text, &error, context))?;
        String::from_utf8(sink.bytes).map_err(|_| fault("what came of it is not UTF-8"))
    }

    /// Whether an expression, without delimiters, is true.
    pub fn holds(&self, name: &str, expression: &str, context: &Map) -> Result<bool> {
        let outcome = self.environment.compile_expression(expression).and_then(|expression| expression.eval(table(context)));
        outcome.map(|value| value.is_true()).map_err(|error| explain(name, expression, &error, context))
    }
}

/// Collects bytes up to the limit.
struct Sink {
    bytes: Vec<u8>,
    full: bool,
}

impl io::Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.bytes.len() + bytes.len() > OUTPUT_LIMIT {
            self.full = true;
            return Err(io::Error::from(io::ErrorKind::FileTooLarge));
        }
        self.bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The fault with its detail and line, its place, and the name that was probably meant.
fn explain(name: &str, text: &str, error: &minijinja::Error, context: &Map) -> Error {
    let mut message = error.kind().to_string();
    let range = error.range().filter(|range| text.get(range.clone()).is_some_and(|node| !node.is_empty() && !node.contains('\n')));
    let node = range.clone().and_then(|range| text.get(range)).unwrap_or_default();
    if let Some(detail) = error.detail() {
        message.push_str(": ");
        message.push_str(detail);
    }
    let mut diagnostic = Diagnostic { headline: format!("failed to render {name}: {message}"), ..Diagnostic::default() };
    if let Some(line) = error.line() {
        message.push_str(&format!(" (line {line})"));
        let start = range.as_ref().map(|range| range.start);
        let column = start.map(|start| start - text.get(..start).and_then(|before| before.rfind('\n')).map_or(0, |end| end + 1));
        diagnostic.location = Some(Location { file: name.to_string(), line, column });
        diagnostic.source_line = line.checked_sub(1).and_then(|before| text.lines().nth(before)).map(str::to_string);
        diagnostic.node = node.to_string();
        diagnostic.span = node.len();
    }
    if error.kind() == minijinja::ErrorKind::UndefinedError {
        let root = node.split(|c: char| !(c.is_alphanumeric() || c == '_')).find(|word| !word.is_empty()).unwrap_or_default();
        let known = || context.iter().map(|(key, _)| &**key);
        if !context.contains_key(root)
            && let Some(meant) = crate::diagnostic::nearest(root, known())
        {
            diagnostic.hints.push(format!("did you mean `{meant}`?"));
        }
    }
    Error::new(ErrorKind::Values, format!("failed to render {name}: {message}")).with_diagnostic(diagnostic)
}

fn table(map: &Map) -> Value {
    Value::from(map.iter().map(|(key, value)| (key.to_string(), convert(value))).collect::<BTreeMap<String, Value>>())
}

fn convert(data: &Data) -> Value {
    match data {
        Data::Null => Value::from(()),
        Data::Bool(truth) => Value::from(*truth),
        Data::Int(number) => Value::from(*number),
        #[expect(clippy::cast_possible_truncation, reason = "whole and in range")]
        Data::Float(number) if number.fract() == 0.0 && number.abs() < 9e15 => Value::from(*number as i64),
        Data::Float(number) => Value::from(*number),
        Data::Str(text) => Value::from(text.to_string()),
        Data::Bytes(text) => Value::from(String::from_utf8_lossy(text).into_owned()),
        Data::List(items) => items.iter().map(convert).collect(),
        Data::Map(map) => table(map),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rendered(text: &str) -> String {
        let context = Map::from_entries(vec![("port".into(), Data::Float(80.0)), ("hosts".into(), Data::list(vec![Data::str("a")]))]);
        let engine = Engine::new(&Delimiters::beside_go_templates(), Layout::Lines).expect("they differ");
        engine.render("x.jinja", text.as_bytes(), &context).unwrap_or_else(|error| error.to_string())
    }

    #[test]
    fn go_templates_and_yaml_pass_through() {
        let text = "{{- if .Values.a }}\n<<: *base # {% raw %} {# x #} [[ -n $x ]] <<EOF <CHARTNAME> 5 % 3\n{{- end }}\n";
        assert_eq!(rendered(text), text);
        assert_eq!(rendered("port: <%= port + 1 %>\n<%# gone %>\n"), "port: 81\n");
    }

    #[test]
    fn the_line_of_a_block_goes_with_it() {
        assert_eq!(rendered("a:\n  <% for host in hosts %>\n  - <%= host %>\n  <% endfor %>\nb: 1\n"), "a:\n  - a\nb: 1\n");
    }

    #[test]
    fn faults_have_a_place() {
        assert_eq!(rendered("a\nb: <%= prot %>\n"), "failed to render x.jinja: undefined value: `prot` is undefined (line 2)");
        let engine = Engine::new(&Delimiters::jinja(), Layout::Plain).expect("they differ");
        let context = Map::from_entries(vec![("port".into(), Data::Int(1))]);
        let error = engine.render("x", b"a\nb: {{ prot }}", &context).expect_err("undefined");
        let diagnostic = error.diagnostics().first().expect("there is one");
        assert_eq!(diagnostic.location, Some(Location { file: "x".to_string(), line: 2, column: Some(6) }));
        assert_eq!(diagnostic.hints, ["did you mean `port`?"]);
    }

    #[test]
    fn templates_end() {
        let deep = "<% for a in range(90000) %><% for b in range(90000) %><% endfor %><% endfor %>";
        assert!(rendered(deep).contains("fuel"), "{}", rendered(deep));
        let long = format!("<% for a in range(90000) %>{}<% endfor %>", "x".repeat(1000));
        assert!(rendered(&long).ends_with("more than 67108864 bytes came of it"));
        assert!(rendered("<% macro a() %><%= a() %><% endmacro %><%= a() %>").contains("recursion"));
        assert!(rendered("<% include 'x' %>").starts_with("failed to render x.jinja: "));
    }

    #[test]
    fn delimiters_must_differ() {
        let mut delimiters = Delimiters::jinja();
        delimiters.block.0 = delimiters.variable.0.clone();
        assert!(Engine::new(&delimiters, Layout::Plain).is_err());
        delimiters.block.0.clear();
        assert!(Engine::new(&delimiters, Layout::Plain).is_err());
    }
}
