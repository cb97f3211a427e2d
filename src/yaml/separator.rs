//! Splits a text into documents by lines, before anything is parsed.
//!
//! Goes in: a text. Comes out: its documents, split at lines that begin with `---`. Only blanks and a comment may follow the
//! dashes; if nothing precedes the dashes, they belong to the document. These are the rules of apimachinery's `YAMLReader`
//! (`k8s.io/apimachinery/pkg/util/yaml/decoder.go`), by which Helm reads values files and lint reads manifests; rendered text is
//! split by Helm's own rules (`manifest::split`).

use std::fmt;

/// A line of dashes followed by other text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvalidSeparator {
    /// The text behind the dashes.
    pub rest: String,
    /// The line, from 1.
    pub line: usize,
}

impl fmt::Display for InvalidSeparator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "invalid Yaml document separator: {}", self.rest)
    }
}

/// The documents of a text, up to the first invalid separator.
pub fn split_documents(text: &[u8]) -> impl Iterator<Item = Result<&[u8], InvalidSeparator>> {
    Documents { text, start: 0, at: 0, line: 0, has_failed: false }
}

struct Documents<'a> {
    text: &'a [u8],
    /// The start of the document, and the position of the search.
    start: usize,
    at: usize,
    line: usize,
    has_failed: bool,
}

impl<'a> Iterator for Documents<'a> {
    type Item = Result<&'a [u8], InvalidSeparator>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.has_failed {
            return None;
        }
        let text = self.text;
        while let Some(rest) = text.get(self.at..).filter(|rest| !rest.is_empty()) {
            let end = memchr::memchr(b'\n', rest).map_or(text.len(), |length| self.at + length + 1);
            let line = text.get(self.at..end).unwrap_or_default();
            let before = std::mem::replace(&mut self.at, end);
            self.line += 1;
            let Some(behind) = line.strip_prefix(b"---") else { continue };
            let behind = String::from_utf8_lossy(behind);
            let behind = behind.trim();
            if !behind.is_empty() && !behind.starts_with('#') {
                self.has_failed = true;
                return Some(Err(InvalidSeparator { rest: behind.to_string(), line: self.line }));
            }
            // A separator with nothing before it becomes part of the document it starts.
            if before > self.start {
                return text.get(std::mem::replace(&mut self.start, end)..before).map(Ok);
            }
        }
        let rest = text.get(std::mem::replace(&mut self.start, text.len())..).unwrap_or_default();
        (!rest.is_empty()).then_some(Ok(rest))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_cut_at_lines_of_dashes() {
        let cut = |text: &'static str| -> Vec<Result<&str, String>> {
            let told = |document: Result<&'static [u8], InvalidSeparator>| match document {
                Ok(document) => Ok(std::str::from_utf8(document).expect("text")),
                Err(separator) => Err(format!("{separator} in line {}", separator.line)),
            };
            split_documents(text.as_bytes()).map(told).collect()
        };
        assert_eq!(cut(""), []);
        assert_eq!(cut("a\n---\nb"), [Ok("a\n"), Ok("b")]);
        assert_eq!(cut("---\na\n--- # c\n---  \nb\n---"), [Ok("---\na\n"), Ok("---  \nb\n")]);
        assert_eq!(cut("a\n --- b\n"), [Ok("a\n --- b\n")]);
        assert_eq!(cut("a\n---b\nc\n---\n"), [Err("invalid Yaml document separator: b in line 2".to_string())]);
    }
}
