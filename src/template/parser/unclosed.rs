//! Finds the unclosed block of a template, for hints at "unexpected EOF" and at a `define` within another block.
//!
//! Goes in: a template's text. Comes out: the innermost block without its `end`, or nothing. It reads
//! only the words behind `{{`, since the parser has given up on the text, and skips quoted texts and comments. Go reports only
//! that the file ended.

/// A block without its `end`.
#[derive(Debug, PartialEq, Eq)]
pub struct Open<'a> {
    /// Its keyword, and the name of a `define` or `block`: `define "app.name"`.
    pub title: &'a str,
    /// From 1.
    pub line: usize,
}

/// The innermost block that is open at the end.
pub fn innermost(text: &str) -> Option<Open<'_>> {
    const BLOCKS: [&str; 5] = ["if", "range", "with", "define", "block"];
    // Each with the start of its action.
    let mut open: Vec<(&str, usize)> = Vec::new();
    let mut rest = text;
    while let Some((_, action)) = rest.split_once("{{") {
        let start = text.len() - action.len();
        let body = action.strip_prefix('-').unwrap_or(action).trim_start();
        if let Some(comment) = body.strip_prefix("/*") {
            rest = comment.split_once("*/").map_or("", |(_, behind)| behind);
            continue;
        }
        let word: &str = body.split(|c: char| !c.is_ascii_alphabetic()).next().unwrap_or_default();
        if BLOCKS.contains(&word) {
            open.push((title(body, word), start));
        } else if word == "end" {
            open.pop();
        }
        rest = behind_action(body);
    }
    let (title, start) = open.pop()?;
    Some(Open { title, line: 1 + text.get(..start).unwrap_or_default().matches('\n').count() })
}

/// The keyword at the start of an action's body, with the name behind it if that is a text.
fn title<'a>(body: &'a str, word: &'a str) -> &'a str {
    let name = body.get(word.len()..).unwrap_or_default().trim_start_matches(' ');
    let quoted = name.strip_prefix('"').and_then(|rest| rest.find(['"', '\n']).filter(|end| rest.get(*end..*end + 1) == Some("\"")));
    match quoted {
        Some(length) if matches!(word, "define" | "block") => body.get(..body.len() - name.len() + length + 2).unwrap_or(word),
        _ => word,
    }
}

/// The text behind the action's `}}`; `}}` in quotes does not count.
fn behind_action(body: &str) -> &str {
    let mut quote = None;
    let mut escaped = false;
    for (at, c) in body.char_indices() {
        match (quote, c) {
            _ if escaped => escaped = false,
            (Some('"'), '\\') => escaped = true,
            (Some(open), c) if c == open => quote = None,
            (Some(_), _) => {}
            (None, '"' | '`') => quote = Some(c),
            (None, '}') if body.get(at..).is_some_and(|rest| rest.starts_with("}}")) => return body.get(at + 2..).unwrap_or_default(),
            _ => {}
        }
    }
    ""
}

#[cfg(test)]
mod tests {
    use super::{Open, innermost};

    #[test]
    fn the_innermost_open_block_is_found() {
        let cases = [
            ("a\n{{- if .x }}\nb", Some(("if", 2))),
            ("{{ if .x }}\n{{ range .y }}\n{{ end }}", Some(("if", 1))),
            ("{{ if .x }}\n{{ else if .y }}\n{{ with .z }}", Some(("with", 3))),
            ("{{/* {{ if */}}\n{{ define \"a\" }}", Some(("define \"a\"", 2))),
            ("{{ define nosuch }}", Some(("define", 1))),
            ("{{ block \"a\nb\" }}", Some(("block", 1))),
            ("{{ if \"a\" }}", Some(("if", 1))),
            ("{{ print \"{{ if }}\" `{{ range` }}", None),
            ("{{ if .x }}{{ end }}", None),
            ("{{ end }}{{ iffy }}", None),
            ("{{ if \"\\\"}}\" }}ä", Some(("if", 1))),
            ("", None),
        ];
        for (text, expected) in cases {
            assert_eq!(innermost(text), expected.map(|(title, line)| Open { title, line }), "{text}");
        }
    }
}
