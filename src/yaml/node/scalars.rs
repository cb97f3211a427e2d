//! Scalars: plain, quoted, literal and folded.
//!
//! Goes in: a scanner at one of them. Comes out: its token, with its decoded text and its style. Must match `scannerc.go` of
//! go-yaml v3 (`scan_plain_scalar`, `scan_flow_scalar`, `scan_block_scalar`). It is separate since it does not use the queue of
//! tokens.

use super::cursor::Mark;
use super::scanner::{Kind, Scanner, Token};
use super::style::Style;
use crate::unicode;
use crate::yaml::characters::{hexadecimal_digits, unescape};
use crate::yaml::fault::Step;

/// White space inside a scalar that is not folded yet.
#[derive(Default)]
struct Gap {
    spaces: Vec<u8>,
    first_break: Vec<u8>,
    more_breaks: Vec<u8>,
    broken: bool,
}

impl Gap {
    /// Writes the gap: spaces unchanged, one line break as a space, several without the first.
    fn fold_into(&mut self, text: &mut Vec<u8>) {
        if !self.broken {
            text.append(&mut self.spaces);
            return;
        }
        if self.first_break.first() == Some(&b'\n') {
            if self.more_breaks.is_empty() {
                text.push(b' ');
            }
        } else {
            text.append(&mut self.first_break);
        }
        text.append(&mut self.more_breaks);
        self.first_break.clear();
        self.spaces.clear();
        self.broken = false;
    }
}

impl Scanner<'_> {
    /// Takes one blank or line break into the gap.
    fn take_gap(&mut self, gap: &mut Gap) -> Step<()> {
        if self.cursor.is_blank(0) {
            if gap.broken {
                self.cursor.skip();
            } else {
                self.cursor.read(&mut gap.spaces);
            }
            return Ok(());
        }
        self.cursor.need(2)?;
        if gap.broken {
            self.cursor.read_line(&mut gap.more_breaks);
        } else {
            gap.spaces.clear();
            self.cursor.read_line(&mut gap.first_break);
            gap.broken = true;
        }
        Ok(())
    }

    fn in_gap(&self) -> bool {
        self.cursor.is_blank(0) || self.cursor.is_break(0)
    }

    pub(super) fn scan_plain(&mut self) -> Step<Token> {
        let start = self.cursor.mark;
        let mut token = Token::new(Kind::Scalar, start);
        let mut gap = Gap::default();
        let indent = self.indent + 1;
        loop {
            self.cursor.need(4)?;
            if self.cursor.at_document_mark() || self.cursor.byte(0) == b'#' {
                break;
            }
            while !self.cursor.is_blank_or_end(0) {
                let byte = self.cursor.byte(0);
                let ends = byte == b':' && self.cursor.is_blank_or_end(1) || self.flow_level > 0 && b",?[]{}".contains(&byte);
                if ends {
                    break;
                }
                if gap.broken || !gap.spaces.is_empty() {
                    gap.fold_into(&mut token.value);
                }
                self.cursor.read(&mut token.value);
                self.cursor.need(2)?;
            }
            if !self.in_gap() {
                break;
            }
            self.cursor.need(1)?;
            while self.in_gap() {
                if gap.broken && self.cursor.mark.column < indent && self.cursor.byte(0) == b'\t' {
                    return Err(self.fault("found a tab character that violates indentation", start));
                }
                self.take_gap(&mut gap)?;
                self.cursor.need(1)?;
            }
            if self.flow_level == 0 && self.cursor.mark.column < indent {
                break;
            }
        }
        if gap.broken {
            self.simple_key_allowed = true;
        }
        Ok(token)
    }

    pub(super) fn scan_quoted(&mut self, single: bool) -> Step<Token> {
        let start = self.cursor.mark;
        let mut token = Token::new(Kind::Scalar, start);
        token.style = if single { Style::SINGLE_QUOTED } else { Style::DOUBLE_QUOTED };
        let quote = if single { b'\'' } else { b'"' };
        let mut gap = Gap::default();
        self.cursor.skip();
        loop {
            self.cursor.need(4)?;
            if self.cursor.at_document_mark() {
                return Err(self.fault("found unexpected document indicator", start));
            }
            if self.cursor.is_end(0) {
                return Err(self.fault("found unexpected end of stream", start));
            }
            gap.broken = false;
            while !self.cursor.is_blank_or_end(0) {
                match self.cursor.byte(0) {
                    b'\'' if single && self.cursor.byte(1) == b'\'' => {
                        token.value.push(b'\'');
                        self.cursor.skip();
                        self.cursor.skip();
                    }
                    byte if byte == quote => break,
                    b'\\' if !single && self.cursor.is_break(1) => {
                        self.cursor.need(3)?;
                        self.cursor.skip();
                        self.cursor.skip_line();
                        gap.broken = true;
                        break;
                    }
                    b'\\' if !single => self.scan_escape(start, &mut token.value)?,
                    _ => self.cursor.read(&mut token.value),
                }
                self.cursor.need(2)?;
            }
            self.cursor.need(1)?;
            if self.cursor.byte(0) == quote {
                break;
            }
            while self.in_gap() {
                self.take_gap(&mut gap)?;
                self.cursor.need(1)?;
            }
            fold_quoted(&mut gap, &mut token.value);
        }
        self.cursor.skip();
        Ok(token)
    }

    fn scan_escape(&mut self, start: Mark, into: &mut Vec<u8>) -> Step<()> {
        let letter = self.cursor.byte(1);
        let Some(digits) = hexadecimal_digits(letter) else {
            let Some(character) = unescape(letter) else { return Err(self.fault("found unknown escape character", start)) };
            self.cursor.skip();
            self.cursor.skip();
            unicode::push(into, character);
            return Ok(());
        };
        self.cursor.skip();
        self.cursor.skip();
        self.cursor.need(digits)?;
        let mut value: u32 = 0;
        for ahead in 0..digits {
            let Some(digit) = char::from(self.cursor.byte(ahead)).to_digit(16) else {
                return Err(self.fault("did not find expected hexdecimal number", start));
            };
            value = value << 4 | digit;
        }
        let Some(character) = char::from_u32(value) else {
            return Err(self.fault("found invalid Unicode character escape code", start));
        };
        unicode::push(into, character);
        for _ in 0..digits {
            self.cursor.skip();
        }
        Ok(())
    }

    pub(super) fn scan_block_scalar(&mut self, literal: bool) -> Step<Token> {
        let start = self.cursor.mark;
        let mut token = Token::new(Kind::Scalar, start);
        token.style = if literal { Style::LITERAL } else { Style::FOLDED };
        self.cursor.skip();
        let (keep, strip, increment) = self.scan_block_header(start)?;
        let mut indent = if increment > 0 { self.indent.max(0) + increment } else { 0 };
        let mut trailing_breaks = Vec::new();
        let mut leading_break = Vec::new();
        self.scan_block_breaks(&mut indent, &mut trailing_breaks, start)?;
        self.cursor.need(1)?;
        let mut leading_blank = false;
        while self.cursor.mark.column == indent && !self.cursor.is_end(0) {
            let trailing_blank = self.cursor.is_blank(0);
            if !literal && !leading_blank && !trailing_blank && leading_break.first() == Some(&b'\n') {
                if trailing_breaks.is_empty() {
                    token.value.push(b' ');
                }
                leading_break.clear();
            } else {
                token.value.append(&mut leading_break);
            }
            token.value.append(&mut trailing_breaks);
            leading_blank = trailing_blank;
            while !self.cursor.is_break_or_end(0) {
                self.cursor.read(&mut token.value);
                self.cursor.need(1)?;
            }
            self.cursor.need(2)?;
            self.cursor.read_line(&mut leading_break);
            self.scan_block_breaks(&mut indent, &mut trailing_breaks, start)?;
        }
        if !strip {
            token.value.append(&mut leading_break);
        }
        if keep {
            token.value.append(&mut trailing_breaks);
        }
        Ok(token)
    }

    /// Reads `+`, `-` and a digit behind `|` or `>`, with the comment and the line break that follow.
    fn scan_block_header(&mut self, start: Mark) -> Step<(bool, bool, isize)> {
        let (mut keep, mut strip, mut increment) = (false, false, 0);
        let mut chomping_seen = false;
        for _ in 0..2 {
            self.cursor.need(1)?;
            match self.cursor.byte(0) {
                sign @ (b'+' | b'-') if !chomping_seen => {
                    chomping_seen = true;
                    keep = sign == b'+';
                    strip = sign == b'-';
                    self.cursor.skip();
                }
                b'0' if increment == 0 => return Err(self.fault("found an indentation indicator equal to 0", start)),
                digit @ b'1'..=b'9' if increment == 0 => {
                    increment = isize::from(digit - b'0');
                    self.cursor.skip();
                }
                _ => break,
            }
        }
        self.cursor.need(1)?;
        while self.cursor.is_blank(0) {
            self.cursor.skip();
            self.cursor.need(1)?;
        }
        if self.cursor.byte(0) == b'#' {
            self.scan_line_comment(start)?;
            self.skip_to_break()?;
        }
        self.finish_line(start)?;
        Ok((keep, strip, increment))
    }

    /// Reads indentation and blank lines; determines the indentation of the scalar if it is still unknown.
    fn scan_block_breaks(&mut self, indent: &mut isize, breaks: &mut Vec<u8>, start: Mark) -> Step<()> {
        let mut deepest = 0;
        loop {
            self.cursor.need(1)?;
            while (*indent == 0 || self.cursor.mark.column < *indent) && self.cursor.byte(0) == b' ' {
                self.cursor.skip();
                self.cursor.need(1)?;
            }
            deepest = deepest.max(self.cursor.mark.column);
            if (*indent == 0 || self.cursor.mark.column < *indent) && self.cursor.byte(0) == b'\t' {
                return Err(self.fault("found a tab character where an indentation space is expected", start));
            }
            if !self.cursor.is_break(0) {
                break;
            }
            self.cursor.need(2)?;
            self.cursor.read_line(breaks);
        }
        if *indent == 0 {
            *indent = deepest.max(self.indent + 1).max(1);
        }
        Ok(())
    }
}

/// In quotes, a gap may begin with an escaped line break, which yields nothing.
fn fold_quoted(gap: &mut Gap, text: &mut Vec<u8>) {
    if gap.broken && gap.first_break.first() != Some(&b'\n') {
        text.append(&mut gap.first_break);
        text.append(&mut gap.more_breaks);
    } else {
        gap.fold_into(text);
    }
}
