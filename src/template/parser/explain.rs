//! A text that does not parse, explained to people.
//!
//! Goes in: a fault of the parser, the text and the name it goes by. Comes out: a diagnostic that shows the line, with a hint at
//! what to write instead. Kept from the parser's own work, which the words of Go are enough for.

use super::{ParseError, unclosed};
use crate::diagnostic::{Diagnostic, Location, nearest};
use crate::template::ast::line_and_column;
use crate::template::functions;

impl ParseError {
    /// The fault in `text`, which is called `file`, for people.
    pub fn diagnostic(&self, file: &str, text: &[u8]) -> Diagnostic {
        let source_line = text.split(|byte| *byte == b'\n').nth(self.line - 1).map(|line| String::from_utf8_lossy(line).into_owned());
        let column = line_and_column(text, self.position).1;
        let headline = self.message_for(file);
        let unknown = headline.strip_prefix("function \"").and_then(|rest| rest.strip_suffix("\" not defined"));
        let hint = match unknown {
            Some(name) => hint_at_function(name),
            None => hint_at_syntax(&headline, text),
        };
        Diagnostic {
            hints: hint.into_iter().collect(),
            span: unknown.map_or(1, str::len),
            location: Some(Location { file: file.to_string(), line: self.line, column: Some(column) }),
            source_line,
            headline,
            ..Diagnostic::default()
        }
    }
}

/// What may have to be closed where.
fn hint_at_syntax(headline: &str, text: &[u8]) -> Option<String> {
    match headline {
        "unexpected EOF" => {
            let (block, line) = unclosed::innermost(std::str::from_utf8(text).ok()?)?;
            Some(format!("the `{block}` on line {line} has no `{{{{ end }}}}`"))
        }
        "unexpected \"}\" in operand" => Some("an action ends with `}}`".to_string()),
        _ => None,
    }
}

/// What to use instead of a function that does not exist.
fn hint_at_function(unknown: &str) -> Option<String> {
    if matches!(unknown, "env" | "expandenv") {
        return Some("charts cannot read the environment: pass it as a value, with `--set`".into());
    }
    let known = functions::all().map(|function| function.name).chain(["and", "call", "include", "len", "or", "tpl"]);
    nearest(unknown, known).map(|near| format!("did you mean `{near}`?"))
}
