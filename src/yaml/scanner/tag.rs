//! Anchors, aliases, tags and directives.
//!
//! Goes in: the scanner at `&`, `*`, `!` or `%`. Comes out: the token; suffixes of tags and prefixes of tag directives are queued
//! in the scanner's `tag_parts`.

use super::{Scanner, Token, TokenKind};
use crate::yaml::fault::Step;
use std::borrow::Cow;

/// Bytes allowed in an anchor or handle.
fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-')
}

/// Bytes allowed in the URI of a tag besides those of words.
fn is_uri_mark(byte: u8) -> bool {
    b";/?:@&=+$,.!~*'()[]%".contains(&byte)
}

impl<'a> Scanner<'a> {
    fn word_token(&self, kind: TokenKind, line: usize, value: &'a str) -> Token<'a> {
        Token { kind, plain: false, raw: false, line, value: Cow::Borrowed(value) }
    }

    fn skip_word(&mut self) -> &'a str {
        let start = self.at;
        while is_word(self.byte(0)) {
            self.at += 1;
        }
        &self.text[start..self.at]
    }

    fn skip_blanks(&mut self) {
        while self.is_blank(self.at) {
            self.at += 1;
        }
    }

    pub(super) fn scan_anchor(&mut self, kind: TokenKind) -> Step<Token<'a>> {
        let line = self.line;
        self.at += 1;
        let name = self.skip_word();
        let ends = self.is_blank_or_end(self.at) || b"?:,]}%@`".contains(&self.byte(0));
        if name.is_empty() || !ends {
            return Err(self.fault(line, "did not find expected alphabetic or numeric character"));
        }
        Ok(self.word_token(kind, line, name))
    }

    pub(super) fn scan_tag(&mut self) -> Step<Token<'a>> {
        let line = self.line;
        let mut suffix = Vec::new();
        let mut handle = "";
        if self.byte(1) == b'<' {
            self.at += 2;
            self.scan_tag_uri("", line, &mut suffix)?;
            if self.byte(0) != b'>' {
                return Err(self.fault(line, "did not find the expected '>'"));
            }
            self.at += 1;
        } else {
            handle = self.scan_tag_handle(false, line)?;
            if handle.len() > 1 && handle.ends_with('!') {
                self.scan_tag_uri("", line, &mut suffix)?;
            } else {
                self.scan_tag_uri(handle, line, &mut suffix)?;
                handle = "!";
                if suffix.is_empty() {
                    // A lone '!'.
                    handle = "";
                    suffix.push(b'!');
                }
            }
        }
        if !self.is_blank_or_end(self.at) {
            return Err(self.fault(line, "did not find expected whitespace or line break"));
        }
        self.tag_parts.push_back(String::from_utf8_lossy(&suffix).into_owned());
        Ok(self.word_token(TokenKind::Tag, line, handle))
    }

    fn scan_tag_handle(&mut self, directive: bool, line: usize) -> Step<&'a str> {
        let start = self.at;
        if self.byte(0) != b'!' {
            return Err(self.fault(line, "did not find expected '!'"));
        }
        self.at += 1;
        self.skip_word();
        if self.byte(0) == b'!' {
            self.at += 1;
        } else if directive && self.at - start > 1 {
            return Err(self.fault(line, "did not find expected '!'"));
        }
        Ok(&self.text[start..self.at])
    }

    /// The URI of a tag; `head` was read as a handle and is the beginning of the URI.
    fn scan_tag_uri(&mut self, head: &str, line: usize, uri: &mut Vec<u8>) -> Step<()> {
        let start = self.at;
        uri.extend_from_slice(head.get(1..).unwrap_or_default().as_bytes());
        while is_word(self.byte(0)) || is_uri_mark(self.byte(0)) {
            if self.byte(0) == b'%' {
                self.scan_uri_escape(line, uri)?;
            } else {
                uri.push(self.byte(0));
                self.at += 1;
            }
        }
        if head.is_empty() && self.at == start {
            return Err(self.fault(line, "did not find expected tag URI"));
        }
        Ok(())
    }

    /// Decodes a character from one to four `%XX`.
    fn scan_uri_escape(&mut self, line: usize, uri: &mut Vec<u8>) -> Step<()> {
        let mut left = 0;
        loop {
            let digits = (char::from(self.byte(1)).to_digit(16), char::from(self.byte(2)).to_digit(16));
            let (b'%', (Some(high), Some(low))) = (self.byte(0), digits) else {
                return Err(self.fault(line, "did not find URI escaped octet"));
            };
            let octet = (high << 4 | low) as u8;
            if left == 0 {
                left = match octet {
                    0..0x80 => 1,
                    0xC0..0xE0 => 2,
                    0xE0..0xF0 => 3,
                    0xF0..0xF8 => 4,
                    _ => return Err(self.fault(line, "found an incorrect leading UTF-8 octet")),
                };
            } else if octet & 0xC0 != 0x80 {
                return Err(self.fault(line, "found an incorrect trailing UTF-8 octet"));
            }
            uri.push(octet);
            self.at += 3;
            left -= 1;
            if left == 0 {
                return Ok(());
            }
        }
    }

    pub(super) fn scan_directive(&mut self) -> Step<Token<'a>> {
        let line = self.line;
        self.at += 1;
        let name = self.skip_word();
        if name.is_empty() {
            return Err(self.fault(line, "could not find expected directive name"));
        }
        if !self.is_blank_or_end(self.at) {
            return Err(self.fault(line, "found unexpected non-alphabetical character"));
        }
        let token = match name {
            "YAML" => self.scan_version(line)?,
            "TAG" => self.scan_tag_directive(line)?,
            _ => return Err(self.fault(line, "found unknown directive name")),
        };
        self.skip_blanks();
        if self.byte(0) == b'#' {
            self.at = self.line_end(self.at);
        }
        if !self.is_break_or_end(self.at) {
            return Err(self.fault(line, "did not find expected comment or line break"));
        }
        let width = self.break_width(self.at);
        if width > 0 {
            self.next_line(width);
        }
        Ok(token)
    }

    fn scan_version(&mut self, line: usize) -> Step<Token<'a>> {
        self.skip_blanks();
        let major = self.scan_version_number(line)?;
        if self.byte(0) != b'.' {
            return Err(self.fault(line, "did not find expected digit or '.' character"));
        }
        self.at += 1;
        let minor = self.scan_version_number(line)?;
        let plain = (major, minor) == (1, 1);
        Ok(Token { kind: TokenKind::VersionDirective, plain, raw: false, line, value: Cow::Borrowed("") })
    }

    fn scan_version_number(&mut self, line: usize) -> Step<u8> {
        let mut number = 0;
        let mut length = 0;
        while self.byte(0).is_ascii_digit() {
            length += 1;
            if length > 2 {
                return Err(self.fault(line, "found extremely long version number"));
            }
            number = number * 10 + (self.byte(0) - b'0');
            self.at += 1;
        }
        if length == 0 { Err(self.fault(line, "did not find expected version number")) } else { Ok(number) }
    }

    fn scan_tag_directive(&mut self, line: usize) -> Step<Token<'a>> {
        self.skip_blanks();
        let handle = self.scan_tag_handle(true, line)?;
        if !self.is_blank(self.at) {
            return Err(self.fault(line, "did not find expected whitespace"));
        }
        self.skip_blanks();
        let mut prefix = Vec::new();
        self.scan_tag_uri("", line, &mut prefix)?;
        if !self.is_blank_or_end(self.at) {
            return Err(self.fault(line, "did not find expected whitespace or line break"));
        }
        self.tag_parts.push_back(String::from_utf8_lossy(&prefix).into_owned());
        Ok(self.word_token(TokenKind::TagDirective, line, handle))
    }
}
