//! Literal (`|`) and folded (`>`) scalars.
//!
//! Goes in: the scanner at the indicator. Comes out: a scalar token, with the scanner at the start of the first line behind it.

use super::{Scanner, Token, TokenKind};
use crate::yaml::fault::Step;
use std::borrow::Cow;

/// The treatment of the line breaks at the end.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Chomping {
    Strip,
    Clip,
    Keep,
}

impl<'a> Scanner<'a> {
    pub(super) fn scan_block(&mut self, literal: bool) -> Step<Token<'a>> {
        let start_line = self.line;
        self.at += 1;
        let (chomping, increment) = self.scan_block_header(start_line)?;
        let mut indent = match increment {
            0 => 0,
            increment => self.indent.max(0) + increment,
        };
        let want = self.want_text;
        let mut text = String::new();
        let mut line_break = String::new();
        let mut breaks = String::new();
        self.scan_block_breaks(&mut indent, &mut breaks, start_line)?;
        let mut leading_blank = false;
        while self.column() == indent && self.at < self.bytes.len() {
            let trailing_blank = self.is_blank(self.at);
            if !literal && !leading_blank && !trailing_blank && line_break.starts_with('\n') {
                if breaks.is_empty() && want {
                    text.push(' ');
                }
            } else if want {
                text.push_str(&line_break);
            }
            if want {
                text.push_str(&breaks);
            }
            line_break.clear();
            breaks.clear();
            leading_blank = self.is_blank(self.at);
            let end = self.line_end(self.at);
            if want {
                text.push_str(&self.text[self.at..end]);
            }
            self.at = end;
            self.read_break(&mut line_break);
            self.scan_block_breaks(&mut indent, &mut breaks, start_line)?;
        }
        if chomping != Chomping::Strip {
            text.push_str(&line_break);
        }
        if chomping == Chomping::Keep {
            text.push_str(&breaks);
        }
        Ok(Token { kind: TokenKind::Scalar, plain: false, raw: !want, line: start_line, value: Cow::Owned(text) })
    }

    /// Reads the indicators behind `|` or `>` and the rest of that line.
    fn scan_block_header(&mut self, start_line: usize) -> Step<(Chomping, isize)> {
        let mut chomping = Chomping::Clip;
        let mut increment = 0;
        // At most one of each, in either order.
        for _ in 0..2 {
            match self.byte(0) {
                sign @ (b'+' | b'-') if chomping == Chomping::Clip => {
                    chomping = if sign == b'+' { Chomping::Keep } else { Chomping::Strip };
                    self.at += 1;
                }
                b'0' if increment == 0 => {
                    return Err(self.fault(start_line, "found an indentation indicator equal to 0"));
                }
                digit @ b'1'..=b'9' if increment == 0 => {
                    increment = isize::from(digit - b'0');
                    self.at += 1;
                }
                _ => break,
            }
        }
        while self.is_blank(self.at) {
            self.at += 1;
        }
        if self.byte(0) == b'#' {
            self.at = self.line_end(self.at);
        }
        if !self.is_break_or_end(self.at) {
            return Err(self.fault(start_line, "did not find expected comment or line break"));
        }
        let width = self.break_width(self.at);
        if width > 0 {
            self.next_line(width);
        }
        Ok((chomping, increment))
    }

    /// Skips indentation and empty lines; determines the indentation when `indent` is 0.
    fn scan_block_breaks(&mut self, indent: &mut isize, breaks: &mut String, start_line: usize) -> Step<()> {
        let mut deepest = 0;
        loop {
            while self.byte(0) == b' ' && (*indent == 0 || self.column() < *indent) {
                self.at += 1;
            }
            deepest = deepest.max(self.column());
            if self.byte(0) == b'\t' && (*indent == 0 || self.column() < *indent) {
                return Err(self.fault(start_line, "found a tab character where an indentation space is expected"));
            }
            if self.break_width(self.at) == 0 {
                break;
            }
            self.read_break(breaks);
        }
        if *indent == 0 {
            *indent = deepest.max(self.indent + 1).max(1);
        }
        Ok(())
    }
}
