//! Explains to people why a text does not parse.
//!
//! Goes in: a fault of the parser, the text and its name. Comes out: a diagnostic that shows the line, with a hint at the right
//! syntax. It is separate from the parser, which needs only Go's words.

use super::{ParseError, unclosed};
use crate::diagnostic::{Diagnostic, Location, nearest, source_line};
use crate::template::TOP;
use crate::template::ast::{Intrinsic, line_and_column};
use crate::template::functions;

impl ParseError {
    /// A diagnostic of the fault in `text`, which is called `file`.
    pub fn diagnostic(&self, file: &str, text: &[u8]) -> Diagnostic {
        let (line, column) = line_and_column(text, self.marked.start);
        let headline = self.message_for(file);
        let unknown = headline.strip_prefix("function \"").and_then(|rest| rest.strip_suffix("\" not defined"));
        let hint = match unknown {
            Some(name) => hint_at_function(name),
            None => hint_at_syntax(&headline, text, self),
        };
        Diagnostic {
            hints: hint.into_iter().collect(),
            span: self.marked.len(),
            location: Some(Location { file: file.to_string(), line, column: Some(column) }),
            source_line: source_line(text, line),
            headline,
            ..Diagnostic::default()
        }
    }
}

/// A hint at what must be closed and where, or at how to write this in the template language.
fn hint_at_syntax(headline: &str, text: &[u8], error: &ParseError) -> Option<String> {
    let text = std::str::from_utf8(text).ok()?;
    let position = error.position;
    let marked = text.get(error.marked.clone())?;
    let hint = hint_at_comment(headline, text, position)
        .or_else(|| hint_at_quotes(headline, marked))
        .or_else(|| hint_at_operator(headline, text, position))
        .or_else(|| hint_at_block(headline, text, error.marked.start));
    if hint.is_some() {
        return hint;
    }
    if let Some(name) = headline.strip_prefix("undefined variable \"").and_then(|rest| rest.strip_suffix('"')) {
        return Some(hint_at_variable(name, text.get(..error.marked.start)?));
    }
    match headline {
        "unclosed left paren" => Some("a `(` in this action has no `)`".to_string()),
        "unexpected right paren" => Some("this `)` has no `(` in its action".to_string()),
        _ if headline.starts_with("unclosed action") => Some("an action ends with `}}`".to_string()),
        "unexpected \"}\" in operand" => Some("an action ends with `}}`".to_string()),
        "bad character U+002D '-'" => {
            let (path, key) = path_and_key(text, error.marked.start)?;
            Some(format!("a key with `-` in it is read by `index`: `(index {path} \"{key}\")`"))
        }
        _ if headline.ends_with(" in template clause") => Some("the name of a template is a text: `template \"name\" .`".to_string()),
        _ if headline.starts_with("bad number syntax: \"-") && text.get(..position)?.ends_with("{{") => {
            Some("`{{-` needs a blank behind it".to_string())
        }
        _ => None,
    }
}

/// A hint at how comments begin and end.
fn hint_at_comment(headline: &str, text: &str, position: usize) -> Option<String> {
    let hint = match headline {
        "comment ends before closing delimiter" => "a comment ends with `*/}}` or `*/ -}}`, with nothing else between",
        "unclosed comment" => "a comment ends with `*/}}` or `*/ -}}`",
        _ if headline.starts_with("unexpected \"/\" in ") && text.get(position..)?.starts_with("/*") => {
            "a comment is an action of its own and begins with `{{/*` or `{{- /*`, without another blank"
        }
        _ => return None,
    };
    Some(hint.to_string())
}

/// A hint at how texts are quoted; `marked` is the faulty piece.
fn hint_at_quotes(headline: &str, marked: &str) -> Option<String> {
    if headline.starts_with("malformed character constant: ") {
        let inner = marked.trim_matches('\'');
        return Some(if inner.contains('"') {
            format!("texts stand in double quotes or backquotes: `` `{inner}` ``")
        } else {
            format!("texts stand in double quotes: `\"{inner}\"`")
        });
    }
    let hint = match headline {
        "unterminated character constant" => "texts stand in double quotes, and so does a text with `'` in it",
        "unterminated quoted string" => "the `\"` that ends the text is missing on this line; `` `…` `` holds texts of several lines",
        "unterminated raw quoted string" => "the `` ` `` that ends the text is missing",
        _ => return None,
    };
    Some(hint.to_string())
}

/// A hint at the block that is open, or at none that is; `start` is the place of the fault.
fn hint_at_block(headline: &str, text: &str, start: usize) -> Option<String> {
    if headline == "unexpected EOF" {
        let open = unclosed::innermost(text)?;
        return Some(format!("the `{}` on line {} has no `{{{{ end }}}}`", open.title, open.line));
    }
    if let Some(keyword @ ("define" | "block")) = headline.strip_prefix("unexpected <").and_then(|rest| rest.strip_suffix("> in command")) {
        let open = unclosed::innermost(text.get(..start)?)?;
        return Some(format!(
            "the `{}` on line {} is open here: an `{{{{ end }}}}` is missing above, since a `{keyword}` stands in no other block",
            open.title, open.line
        ));
    }
    if headline == "expected end; found {{else}}" {
        return Some("this block has its `else` already: one more wants a condition, as in `else if`, above it".to_string());
    }
    if !(headline.starts_with("unexpected {{end}}") || headline.starts_with("unexpected {{else}}")) {
        return None;
    }
    let hint = if headline.ends_with(" clause") {
        "a `define` or `block` has no `else`: an `if`, `range` or `with` in it was ended before"
    } else {
        "no `if`, `range`, `with`, `define` or `block` is open here: one `end` too many above, or one of them is missing"
    };
    Some(hint.to_string())
}

/// A hint for operators and brackets of other languages.
fn hint_at_operator(headline: &str, text: &str, position: usize) -> Option<String> {
    // The position is the operator, the text behind a `|` that was read as a pipe, or the field before a bracket.
    let (before, rest) = (text.get(..position)?, text.get(position..)?);
    let is_operand = headline.starts_with("unexpected ") && !headline.starts_with("unexpected {{");
    let index = |path: &str, key: &str| Some(format!("an item is read by `index`: `(index {path} {key})`"));
    if headline == "bad character U+005B '['" {
        let (field, key) = rest.split_once('[')?;
        return index(path_before(text.get(..position + field.len())?), key.split(']').next()?);
    }
    if is_operand && let Some(number) = rest.strip_prefix('.').filter(|rest| rest.starts_with(|c: char| c.is_ascii_digit())) {
        let digits = number.find(|c: char| !c.is_ascii_digit()).unwrap_or(number.len());
        return index(path_before(before), number.get(..digits)?);
    }
    let hint = match rest.as_bytes() {
        [b'=', ..] => "`a == b` is `eq a b`",
        [b'!', b'=', ..] => "`a != b` is `ne a b`",
        [b'!', ..] => "`!a` is `not a`",
        [b'&', ..] => "`a && b` is `and a b`",
        [b'|', ..] if before.ends_with('|') || rest.starts_with("||") => "`a || b` is `or a b`",
        [b'<', ..] => "`a < b` is `lt a b`, `a <= b` is `le a b`",
        [b'>', ..] => "`a > b` is `gt a b`, `a >= b` is `ge a b`",
        [b'?', ..] => "`a ? b : c` is `ternary b c a`",
        [b'+', ..] => "`a + b` is `add a b`",
        [b'-', b' ', ..] => "`a - b` is `sub a b`",
        [b'*', ..] => "`a * b` is `mul a b`",
        [b'/', ..] => "`a / b` is `div a b`",
        [b'%', ..] => "`a % b` is `mod a b`",
        _ => return None,
    };
    (is_operand || headline.starts_with("illegal number syntax") || headline.starts_with("bad character")).then(|| hint.to_string())
}

/// `.Values.my` and `my-key` around the `-` in `.Values.my-key`: the path, and the key.
fn path_and_key(text: &str, position: usize) -> Option<(&str, &str)> {
    let path = path_before(text.get(..position)?);
    let begun = path.rfind('.')?;
    let start = position - path.len() + begun + 1;
    let rest = text.get(start..)?;
    let end = rest.find(|c: char| !c.is_alphanumeric() && !matches!(c, '_' | '-')).unwrap_or(rest.len());
    Some((path.get(..begun).filter(|path| !path.is_empty()).unwrap_or("."), rest.get(..end)?))
}

/// The chain of names at the end of a text.
fn path_before(text: &str) -> &str {
    let start = text
        .rfind(|c: char| !c.is_alphanumeric() && !matches!(c, '_' | '.' | '$'))
        .map_or(0, |at| at + text.get(at..).and_then(|rest| rest.chars().next()).map_or(1, char::len_utf8));
    text.get(start..).unwrap_or_default()
}

/// The variable that may be meant, among those used above.
fn hint_at_variable(name: &str, above: &str) -> String {
    let names = above.split('$').skip(1).filter_map(|rest| {
        let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
        rest.get(..end).filter(|known| !known.is_empty() && Some(*known) != name.strip_prefix('$'))
    });
    match nearest(name.trim_start_matches('$'), names) {
        Some(near) => format!("did you mean `${near}`?"),
        None => format!("`{name} := …` declares it, for the block that it stands in"),
    }
}

/// The replacement for a function that does not exist.
fn hint_at_function(unknown: &str) -> Option<String> {
    let known = match unknown {
        "env" | "expandenv" => return Some("charts cannot read the environment: pass it as a value, with `--set`".into()),
        "elseif" | "elif" | "elsif" => return Some("write `else if`".into()),
        "for" | "foreach" => return Some("write `range`, as in `range $item := .Values.items`".into()),
        _ if TOP.contains(&unknown) => return Some(format!("write `.{unknown}`: fields begin with a dot")),
        "endif" | "endfor" | "endrange" | "endwith" => return Some("every block ends with `end`".into()),
        _ => functions::all().map(|function| function.name).chain(Intrinsic::ALL.map(Intrinsic::name)),
    };
    nearest(unknown, known).map(|near| format!("did you mean `{near}`?"))
}

#[cfg(test)]
mod tests {
    use crate::template::parser::parse;

    /// Texts that do not parse, and the expected hints.
    const HINTS: &[(&str, &str)] = &[
        ("{{ if .a == 1 }}", "`a == b` is `eq a b`"),
        ("{{ if .a != 1 }}", "`a != b` is `ne a b`"),
        ("{{ if !.a }}", "`!a` is `not a`"),
        ("{{ if .a && .b }}", "`a && b` is `and a b`"),
        ("{{ if .a || .b }}", "`a || b` is `or a b`"),
        ("{{ if .a > 1 }}", "`a > b` is `gt a b`, `a >= b` is `ge a b`"),
        ("{{ .a + 1 }}", "`a + b` is `add a b`"),
        ("{{ .a ? 1 : 2 }}", "`a ? b : c` is `ternary b c a`"),
        ("{{ .Values.my-key.x }}", "a key with `-` in it is read by `index`: `(index .Values \"my-key\")`"),
        ("{{ $.a.b-c | quote }}", "a key with `-` in it is read by `index`: `(index $.a \"b-c\")`"),
        ("{{ .a-b }}", "a key with `-` in it is read by `index`: `(index . \"a-b\")`"),
        ("{{ .Values.list[0] }}", "an item is read by `index`: `(index .Values.list 0)`"),
        ("{{ .Values.list.10.x }}", "an item is read by `index`: `(index .Values.list 10)`"),
        ("{{ if .x }}a{{ elseif .y }}b{{ end }}", "write `else if`"),
        ("{{ for x in .y }}{{ end }}", "write `range`, as in `range $item := .Values.items`"),
        ("{{ $name := 1 }}{{ $nme }}", "did you mean `$name`?"),
        ("{{ $nme }}{{ $name := 1 }}", "`$nme := …` declares it, for the block that it stands in"),
        ("a{{ end }}", "no `if`, `range`, `with`, `define` or `block` is open here: one `end` too many above, or one of them is missing"),
        ("{{ template x . }}", "the name of a template is a text: `template \"name\" .`"),
        ("{{ if 1 }}{{-end}}", "`{{-` needs a blank behind it"),
        ("{{ if 1 }}", "the `if` on line 1 has no `{{ end }}`"),
        ("{{ .x }", "an action ends with `}}`"),
        ("{{ .x", "an action ends with `}}`"),
        ("{{ (.x }}", "a `(` in this action has no `)`"),
        ("{{ .x) }}", "this `)` has no `(` in its action"),
        ("{{ toYamll .x }}", "did you mean `toYaml`?"),
        ("{{ Values.x }}", "write `.Values`: fields begin with a dot"),
        ("{{ .x - 1 }}", "`a - b` is `sub a b`"),
        ("{{ /* x */ }}", "a comment is an action of its own and begins with `{{/*` or `{{- /*`, without another blank"),
        ("{{ .x /* x */ }}", "a comment is an action of its own and begins with `{{/*` or `{{- /*`, without another blank"),
        ("{{ .x / 2 }}", "`a / b` is `div a b`"),
        ("{{- /* x */-}}", "a comment ends with `*/}}` or `*/ -}}`, with nothing else between"),
        ("{{/* x */ }}", "a comment ends with `*/}}` or `*/ -}}`, with nothing else between"),
        ("{{/* x }}", "a comment ends with `*/}}` or `*/ -}}`"),
        ("{{ eq .x 'abc' }}", "texts stand in double quotes: `\"abc\"`"),
        ("{{ eq .x 'a\"c' }}", "texts stand in double quotes or backquotes: `` `a\"c` ``"),
        ("{{ eq .x 'abc }}", "texts stand in double quotes, and so does a text with `'` in it"),
        ("{{ \"x }}", "the `\"` that ends the text is missing on this line; `` `…` `` holds texts of several lines"),
        ("{{ `x }}", "the `` ` `` that ends the text is missing"),
        (
            "{{ define \"a\" }}\n{{ if .x }}\n{{ end }}\n{{ define \"b\" }}{{ end }}",
            "the `define \"a\"` on line 1 is open here: an `{{ end }}` is missing above, since a `define` stands in no other block",
        ),
        ("{{ define \"a\" }}x", "the `define \"a\"` on line 1 has no `{{ end }}`"),
        ("{{ define \"a\" }}{{ else }}", "a `define` or `block` has no `else`: an `if`, `range` or `with` in it was ended before"),
        (
            "{{ if 1 }}{{ else }}{{ else }}{{ end }}",
            "this block has its `else` already: one more wants a condition, as in `else if`, above it",
        ),
    ];

    #[test]
    fn what_may_be_meant_is_told() {
        for (text, hint) in HINTS {
            let Err(error) = parse(text.as_bytes().into()) else { panic!("{text} parses") };
            let hints = error.diagnostic("t", text.as_bytes()).hints;
            assert_eq!(hints.first().map_or("", String::as_str), *hint, "{text}: {}", error.message_for("t"));
        }
    }
    #[test]
    fn the_mark_is_on_what_is_wrong() {
        for (text, line, marked) in [
            ("{{ $foo }}", 1, "$foo"),
            ("{{ $foo\n }}", 1, "$foo"),
            ("a{{ end }}", 1, "end"),
            ("a{{ else if .x }}", 1, "else"),
            ("{{ break }}", 1, "break"),
            ("{{ .Values.a; }}", 1, ";"),
            ("{{ .Values[\"a\"] }}", 1, "["),
            ("{{ .Values.a-b }}", 1, "-"),
            ("{{ define \"a\" }}{{ else }}", 1, "else"),
            ("{{ if .x }}{{ else }}{{ else }}", 1, "else"),
            ("{{ toYamll .x }}", 1, "toYamll"),
            ("{{ (nosuch) }}", 1, "nosuch"),
            ("{{ eq 'ab' .x }}", 1, "'ab'"),
            ("{{ \"x }}", 1, "\"x }}"),
            ("{{/* x */ }}", 1, "*/"),
            ("{{ if .x == 1 }}", 1, "="),
        ] {
            let Err(error) = parse(text.as_bytes().into()) else { panic!("{text} parses") };
            let diagnostic = error.diagnostic("t", text.as_bytes());
            let place = diagnostic.location.unwrap();
            let row = diagnostic.source_line.unwrap();
            let from = place.column.unwrap();
            assert_eq!((place.line, &row[from..from + diagnostic.span]), (line, marked), "{text}");
        }
    }
}
