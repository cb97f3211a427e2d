//! Scalars without quotes.
//!
//! Goes in: the scanner at their first character. Comes out: a scalar token, with the scanner behind the blanks and line breaks
//! that follow it.

use super::{Scanner, Token, TokenKind};
use crate::yaml::fault::Step;
use std::borrow::Cow;

/// Bytes at which a run of characters may end: blanks, breaks, ':' and the first bytes of the wide line breaks.
const BLOCK_STOPS: [bool; 256] = stops(b" \t\r\n\0:\xC2\xE2");
const FLOW_STOPS: [bool; 256] = stops(b" \t\r\n\0:\xC2\xE2,?[]{}");

const fn stops(bytes: &[u8]) -> [bool; 256] {
    let mut table = [false; 256];
    let mut at = 0;
    while at < bytes.len() {
        table[bytes[at] as usize] = true;
        at += 1;
    }
    table
}

impl<'a> Scanner<'a> {
    pub(super) fn scan_plain(&mut self) -> Step<Token<'a>> {
        let (start, start_line) = (self.at, self.line);
        let mut end = start;
        let mut joined: Option<String> = None;
        // The start of the piece that is not in `joined` yet.
        let mut piece = start;
        loop {
            // One line: runs of characters with blanks between them.
            loop {
                let run = self.at;
                self.at = self.run_end(run);
                if self.at > run {
                    end = self.at;
                }
                let before = self.at;
                while self.is_blank(self.at) {
                    self.at += 1;
                }
                // Nothing more on this line: no blank was skipped, a comment follows, or the line ends.
                if self.at == before || self.byte(0) == b'#' || self.is_break_or_end(self.at) {
                    break;
                }
            }
            if self.break_width(self.at) == 0 || self.byte(0) == b'#' {
                break;
            }
            // The following lines belong to it if they are indented deep enough and are not empty.
            let (first, more) = self.skip_breaks(start_line)?;
            let ends = self.flow_level == 0 && self.column() <= self.indent
                || self.at_document_indicator()
                || self.byte(0) == b'#'
                || self.run_end(self.at) == self.at;
            if ends {
                self.simple_key_allowed = true;
                break;
            }
            if self.want_text {
                let text = joined.get_or_insert_default();
                text.push_str(&self.text[piece..end]);
                match (first.as_str(), more.as_str()) {
                    ("\n", "") => text.push(' '),
                    ("\n", more) => text.push_str(more),
                    (first, more) => {
                        text.push_str(first);
                        text.push_str(more);
                    }
                }
            } else if joined.is_none() {
                joined = Some(String::new());
            }
            piece = self.at;
        }
        let raw = joined.is_some() && !self.want_text;
        let value = match joined {
            Some(mut text) if self.want_text => {
                text.push_str(&self.text[piece..end]);
                Cow::Owned(text)
            }
            _ => Cow::Borrowed(&self.text[start..end.max(start)]),
        };
        Ok(Token { kind: TokenKind::Scalar, plain: true, raw, line: start_line, value })
    }

    /// The end of the run of characters that starts at `from`.
    #[inline(always)]
    fn run_end(&self, from: usize) -> usize {
        let stops = if self.flow_level > 0 { &FLOW_STOPS } else { &BLOCK_STOPS };
        let mut at = from;
        loop {
            let Some(&byte) = self.bytes.get(at) else { return at };
            if stops[usize::from(byte)] {
                let ends = match byte {
                    b':' => self.is_blank_or_end(at + 1),
                    0xC2 | 0xE2 => self.break_width(at) > 0,
                    _ => true,
                };
                if ends {
                    return at;
                }
            }
            at += 1;
        }
    }

    /// Skips line breaks and the blanks behind them; returns the values of the first break and of the others.
    fn skip_breaks(&mut self, start_line: usize) -> Step<(String, String)> {
        let (mut first, mut more) = (String::new(), String::new());
        self.read_break(&mut first);
        loop {
            if self.break_width(self.at) > 0 {
                self.read_break(&mut more);
            } else if self.is_blank(self.at) {
                if self.byte(0) == b'\t' && self.column() <= self.indent {
                    return Err(self.fault(start_line, "found a tab character that violates indentation"));
                }
                self.at += 1;
            } else {
                return Ok((first, more));
            }
        }
    }
}
