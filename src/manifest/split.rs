//! Splits rendered text into documents.
//!
//! Goes in: the text of one rendered file. Comes out: the ranges of its documents; nothing is copied.
//! Follows Helm's `SplitManifests`, which splits at every line that begins with `---`, whatever follows on that line, so that
//! `---kind: x` is the document `kind: x`.

use crate::unicode;
use std::ops::Range;

/// The documents of `text` in order, except those with only white space. A document begins with its first character that is not
/// white space; its tail is kept.
pub fn documents(text: &[u8]) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    // Helm trims the whole text before it searches for lines, so a mark behind leading blanks counts.
    let mut start = text.len() - trim_start(text).len();
    let mut search = start;
    if text[start..].starts_with(b"---") {
        start = end_of_mark(text, start);
        search = start;
    }
    let finder = memchr::memmem::Finder::new(b"\n---");
    loop {
        let next = finder.find(&text[search..]).map(|at| search + at);
        // The newline before a mark belongs to the document that ends there.
        let end = next.map_or(text.len(), |at| at + 1);
        let document = trim_start(&text[start..end]);
        if !document.is_empty() {
            found.push(end - document.len()..end);
        }
        let Some(at) = next else { return found };
        start = end_of_mark(text, at + 1);
        search = start;
    }
}

/// The end of the mark `---` at `at`, including the blanks that follow it.
fn end_of_mark(text: &[u8], at: usize) -> usize {
    let blanks = text[at + 3..].iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
    at + 3 + blanks
}

/// The text without leading Unicode white space, as Go's `strings.TrimLeftFunc(unicode.IsSpace)`.
pub fn trim_start(text: &[u8]) -> &[u8] {
    let mut rest = text;
    loop {
        let width = match rest.first() {
            Some(b' ' | b'\t'..=b'\r') => 1,
            Some(byte) if !byte.is_ascii() => match unicode::decode(rest) {
                (rune, width) if unicode::is_space(rune) => width,
                _ => return rest,
            },
            _ => return rest,
        };
        rest = &rest[width..];
    }
}

/// The text without trailing Unicode white space.
pub fn trim_end(text: &[u8]) -> &[u8] {
    let mut rest = text;
    loop {
        let width = match rest.last() {
            Some(b' ' | b'\t'..=b'\r') => 1,
            Some(byte) if !byte.is_ascii() => match unicode::decode_last(rest) {
                (rune, width) if unicode::is_space(rune) => width,
                _ => return rest,
            },
            _ => return rest,
        };
        rest = &rest[..rest.len() - width];
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(text: &str) -> Vec<&str> {
        documents(text.as_bytes()).into_iter().map(|range| &text[range]).collect()
    }

    #[test]
    fn documents_are_cut_as_helm_cuts_them() {
        let cases: &[(&str, &[&str])] = &[
            ("", &[]),
            (" \n\t\n", &[]),
            ("a: 1\n", &["a: 1\n"]),
            ("---\na: 1\n---\nb: 2\n", &["a: 1\n", "b: 2\n"]),
            ("---b: 2\n", &["b: 2\n"]),
            ("a: 1\n--- \t b: 2\n", &["a: 1\n", "b: 2\n"]),
            ("a: 1\n---\n\n---\n---\nb: 2", &["a: 1\n", "b: 2"]),
            ("\n\n  ---\na: 1", &["a: 1"]),
            ("a: |\n  ---\n", &["a: |\n  ---\n"]),
            ("a\r\n---\r\nb\r\n", &["a\r\n", "b\r\n"]),
            ("------\n", &["---\n"]),
            ("# only a comment\n", &["# only a comment\n"]),
            ("\u{a0}\u{2003}a: 1\n---\n\u{3000}\n", &["a: 1\n"]),
            ("a\n---", &["a\n"]),
        ];
        for (text, want) in cases {
            assert_eq!(split(text), *want, "{text:?}");
        }
    }

    #[test]
    fn white_space_is_unicodes() {
        assert_eq!(trim_end("a \u{2003}\u{a0}\n".as_bytes()), b"a");
        assert_eq!(trim_end("a\u{e9}".as_bytes()), "a\u{e9}".as_bytes());
        assert_eq!(trim_end(b"a\xA0"), b"a\xA0");
        assert_eq!(trim_start(b"\xA0a"), b"\xA0a");
        assert_eq!(trim_end("\u{3000}".as_bytes()), b"");
    }
}
