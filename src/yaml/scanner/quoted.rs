//! Scalars in single and double quotes.
//!
//! Goes in: the scanner at the opening quote. Comes out: a scalar token, with the scanner behind the closing quote.

use super::{Scanner, Token, TokenKind};
use crate::yaml::characters::{hexadecimal_digits, unescape};
use crate::yaml::fault::Step;
use std::borrow::Cow;

/// A quoted scalar, while it is being read.
#[derive(Default)]
struct Folded {
    text: String,
    /// Blanks that count only if more text follows on the line.
    blanks: String,
    first_break: String,
    more_breaks: String,
    /// Whether a line break was read, so that blanks are indentation.
    broken: bool,
}

impl<'a> Scanner<'a> {
    pub(super) fn scan_quoted(&mut self, single: bool) -> Step<Token<'a>> {
        let line = self.line;
        let start = self.at + 1;
        let quote = if single { b'\'' } else { b'"' };
        if let Some(end) = self.simple_quoted_end(start, quote) {
            self.at = end + 1;
            let value = Cow::Borrowed(&self.text[start..end]);
            return Ok(Token { kind: TokenKind::Scalar, plain: false, raw: false, line, value });
        }
        self.at = start;
        let text = self.scan_folded(single, line)?;
        let raw = !self.want_text;
        Ok(Token { kind: TokenKind::Scalar, plain: false, raw, line, value: Cow::Owned(text) })
    }

    /// The closing quote of a scalar without escapes and line breaks.
    fn simple_quoted_end(&self, start: usize, quote: u8) -> Option<usize> {
        let mut at = start;
        loop {
            match self.byte_at(at) {
                b'\\' if quote == b'"' => return None,
                b'\'' if quote == b'\'' => return (self.byte_at(at + 1) != b'\'').then_some(at),
                b'"' if quote == b'"' => return Some(at),
                b'\n' | b'\r' | 0 => return None,
                0xC2 | 0xE2 if self.break_width(at) > 0 => return None,
                _ => at += 1,
            }
        }
    }

    fn scan_folded(&mut self, single: bool, start_line: usize) -> Step<String> {
        let mut folded = Folded::default();
        loop {
            if self.at_document_indicator() {
                return Err(self.fault(start_line, "found unexpected document indicator"));
            }
            if self.at >= self.bytes.len() {
                return Err(self.fault(start_line, "found unexpected end of stream"));
            }
            folded.broken = false;
            self.scan_run(single, start_line, &mut folded)?;
            if self.byte(0) == if single { b'\'' } else { b'"' } {
                break;
            }
            self.scan_gap(&mut folded);
            folded.close_gap();
        }
        self.at += 1;
        Ok(folded.text)
    }

    /// Characters up to a blank, a line break or the closing quote.
    fn scan_run(&mut self, single: bool, start_line: usize, folded: &mut Folded) -> Step<()> {
        loop {
            let piece = self.at;
            while !self.is_blank_or_end(self.at) && !matches!(self.byte(0), b'\'' | b'"' | b'\\') {
                self.at += 1;
            }
            if self.want_text {
                folded.text.push_str(&self.text[piece..self.at]);
            }
            match (self.byte(0), single) {
                (b'\'', true) if self.byte(1) == b'\'' => {
                    folded.text.push('\'');
                    self.at += 2;
                }
                (b'\'', true) | (b'"', false) => return Ok(()),
                (b'\\', false) => {
                    let width = self.break_width(self.at + 1);
                    if width > 0 {
                        self.at += 1;
                        self.next_line(width);
                        folded.broken = true;
                        return Ok(());
                    }
                    let character = self.scan_escape(start_line)?;
                    folded.text.push(character);
                }
                (other @ (b'\'' | b'"' | b'\\'), _) => {
                    folded.text.push(char::from(other));
                    self.at += 1;
                }
                _ => return Ok(()),
            }
        }
    }

    fn scan_escape(&mut self, start_line: usize) -> Step<char> {
        let letter = self.byte(1);
        let Some(digits) = hexadecimal_digits(letter) else {
            let Some(character) = unescape(letter) else { return Err(self.fault(start_line, "found unknown escape character")) };
            self.at += 2;
            return Ok(character);
        };
        self.at += 2;
        let mut value: u64 = 0;
        for ahead in 0..digits {
            match char::from(self.byte(ahead)).to_digit(16) {
                Some(digit) => value = value << 4 | u64::from(digit),
                None => return Err(self.fault(start_line, "did not find expected hexdecimal number")),
            }
        }
        let character = u32::try_from(value).ok().and_then(char::from_u32);
        let Some(character) = character else {
            return Err(self.fault(start_line, "found invalid Unicode character escape code"));
        };
        self.at += digits;
        Ok(character)
    }

    /// Blanks and line breaks.
    fn scan_gap(&mut self, folded: &mut Folded) {
        loop {
            if self.is_blank(self.at) {
                if !folded.broken {
                    folded.blanks.push(char::from(self.byte(0)));
                }
                self.at += 1;
            } else if self.break_width(self.at) == 0 {
                return;
            } else if folded.broken {
                self.read_break(&mut folded.more_breaks);
            } else {
                folded.blanks.clear();
                self.read_break(&mut folded.first_break);
                folded.broken = true;
            }
        }
    }
}

impl Folded {
    /// Appends the value of the blanks and breaks to the text.
    fn close_gap(&mut self) {
        if self.broken {
            if self.first_break.starts_with('\n') {
                self.text.push_str(if self.more_breaks.is_empty() { " " } else { &self.more_breaks });
            } else {
                self.text.push_str(&self.first_break);
                self.text.push_str(&self.more_breaks);
            }
            self.first_break.clear();
            self.more_breaks.clear();
        } else {
            self.text.push_str(&self.blanks);
        }
        self.blanks.clear();
    }
}
