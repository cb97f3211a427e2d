//! Finds the unclosed block of a template, for the hint at "unexpected EOF".
//!
//! Goes in: a template's text. Comes out: the keyword and the line of the innermost block without its `end`, or nothing. It reads
//! only the words behind `{{`, since the parser has given up on the text, and skips quoted texts and comments. Go reports only
//! that the file ended.

/// The innermost block that is open at the end: its keyword, and its line from 1.
pub fn innermost(text: &str) -> Option<(&'static str, usize)> {
    const BLOCKS: [&str; 5] = ["if", "range", "with", "define", "block"];
    // Each with the start of its action.
    let mut open: Vec<(&'static str, usize)> = Vec::new();
    let mut rest = text;
    while let Some((_, action)) = rest.split_once("{{") {
        let start = text.len() - action.len();
        let body = action.strip_prefix('-').unwrap_or(action).trim_start();
        if let Some(comment) = body.strip_prefix("/*") {
            rest = comment.split_once("*/").map_or("", |(_, behind)| behind);
            continue;
        }
        let word: &str = body.split(|c: char| !c.is_ascii_alphabetic()).next().unwrap_or_default();
        if let Some(block) = BLOCKS.into_iter().find(|block| *block == word) {
            open.push((block, start));
        } else if word == "end" {
            open.pop();
        }
        rest = behind_action(body);
    }
    let (block, start) = open.pop()?;
    Some((block, 1 + text.get(..start).unwrap_or_default().matches('\n').count()))
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
    use super::innermost;

    #[test]
    fn the_innermost_open_block_is_found() {
        let cases = [
            ("a\n{{- if .x }}\nb", Some(("if", 2))),
            ("{{ if .x }}\n{{ range .y }}\n{{ end }}", Some(("if", 1))),
            ("{{ if .x }}\n{{ else if .y }}\n{{ with .z }}", Some(("with", 3))),
            ("{{/* {{ if */}}\n{{ define \"a\" }}", Some(("define", 2))),
            ("{{ print \"{{ if }}\" `{{ range` }}", None),
            ("{{ if .x }}{{ end }}", None),
            ("{{ end }}{{ iffy }}", None),
            ("{{ if \"\\\"}}\" }}ä", Some(("if", 1))),
            ("", None),
        ];
        for (text, expected) in cases {
            assert_eq!(innermost(text), expected, "{text}");
        }
    }
}
