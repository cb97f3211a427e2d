//! The position of the node scanner in a text.
//!
//! Goes in: a [`Source`]. Comes out: its bytes one after the other, NUL behind the end, with the position as go-yaml v3 counts it:
//! characters, lines, columns, and line breaks since the last non-blank character. It is separate from the scanner because
//! comments are distinguished by these counts alone (`readerc.go`, `yamlprivateh.go`, `skip` and `read` of `scannerc.go`).

use crate::yaml::fault::{Fault, Origin, Step};
use crate::yaml::reader::Source;

/// A position. Signed, since go-yaml steps back from the first one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Mark {
    pub index: isize,
    pub line: isize,
    pub column: isize,
}

pub(super) struct Cursor<'a> {
    bytes: &'a [u8],
    at: usize,
    broken: Option<&'static str>,
    pub mark: Mark,
    pub newlines: isize,
}

fn width(first: u8) -> usize {
    match first {
        0..0xC0 => 1,
        0xC0..0xE0 => 2,
        0xE0..0xF0 => 3,
        _ => 4,
    }
}

impl<'a> Cursor<'a> {
    pub(super) fn new(source: &'a Source<'_>) -> Cursor<'a> {
        Cursor { bytes: source.text.as_bytes(), at: 0, broken: source.broken, mark: Mark::default(), newlines: 0 }
    }

    /// Fails when the text is broken and fewer characters are left before the broken part.
    pub(super) fn need(&self, characters: usize) -> Step<()> {
        let Some(problem) = self.broken else { return Ok(()) };
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let left = rest.iter().filter(|byte| *byte & 0xC0 != 0x80).take(characters).count();
        if left < characters { Err(Fault::without_line(Origin::Reader, problem)) } else { Ok(()) }
    }

    pub(super) fn byte(&self, ahead: usize) -> u8 {
        self.bytes.get(self.at + ahead).copied().unwrap_or(0)
    }

    /// Whether go-yaml would treat the start of a line as a byte order mark. It checks the start of its buffer, so a text with a
    /// second mark loses the first character of each line.
    pub(super) fn has_byte_order_mark(&self) -> bool {
        self.bytes.starts_with(b"\xEF\xBB\xBF")
    }

    pub(super) fn is_end(&self, ahead: usize) -> bool {
        self.byte(ahead) == 0
    }

    pub(super) fn is_blank(&self, ahead: usize) -> bool {
        matches!(self.byte(ahead), b' ' | b'\t')
    }

    pub(super) fn is_break(&self, ahead: usize) -> bool {
        match self.byte(ahead) {
            b'\r' | b'\n' => true,
            0xC2 => self.byte(ahead + 1) == 0x85,
            0xE2 => self.byte(ahead + 1) == 0x80 && matches!(self.byte(ahead + 2), 0xA8 | 0xA9),
            _ => false,
        }
    }

    pub(super) fn is_break_or_end(&self, ahead: usize) -> bool {
        self.is_end(ahead) || self.is_break(ahead)
    }

    pub(super) fn is_blank_or_end(&self, ahead: usize) -> bool {
        self.is_blank(ahead) || self.is_break_or_end(ahead)
    }

    /// A letter, digit, `_` or `-`.
    pub(super) fn is_word(&self) -> bool {
        let byte = self.byte(0);
        byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-')
    }

    /// Whether `---` or `...` is here at the start of a line.
    pub(super) fn at_document_mark(&self) -> bool {
        let three = [self.byte(0), self.byte(1), self.byte(2)];
        self.mark.column == 0 && matches!(&three, b"---" | b"...") && self.is_blank_or_end(3)
    }

    pub(super) fn skip(&mut self) {
        if !self.is_blank(0) {
            self.newlines = 0;
        }
        self.mark.index += 1;
        self.mark.column += 1;
        self.at += width(self.byte(0));
    }

    pub(super) fn skip_line(&mut self) {
        if self.byte(0) == b'\r' && self.byte(1) == b'\n' {
            self.at += 2;
            self.mark.index += 2;
        } else if self.is_break(0) {
            self.at += width(self.byte(0));
            self.mark.index += 1;
        } else {
            return;
        }
        self.next_line();
    }

    fn next_line(&mut self) {
        self.mark.column = 0;
        self.mark.line += 1;
        self.newlines += 1;
    }

    /// Takes one character.
    pub(super) fn read(&mut self, into: &mut Vec<u8>) {
        let start = self.at;
        self.skip();
        into.extend_from_slice(self.bytes.get(start..self.at).unwrap_or_default());
    }

    /// Takes a line break, if there is one; all but the separators of Unicode become LF.
    pub(super) fn read_line(&mut self, into: &mut Vec<u8>) {
        if !self.is_break(0) {
            return;
        }
        let start = self.at;
        let first = self.byte(0);
        if first == b'\r' && self.byte(1) == b'\n' {
            self.at += 2;
            self.mark.index += 2;
        } else {
            self.at += width(first);
            self.mark.index += 1;
        }
        if first == 0xE2 {
            into.extend_from_slice(self.bytes.get(start..self.at).unwrap_or_default());
        } else {
            into.push(b'\n');
        }
        self.next_line();
    }
}
