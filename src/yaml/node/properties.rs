//! Anchors, aliases, tags and directives.
//!
//! Goes in: a scanner at one of them. Comes out: its token. Must match `scannerc.go` of go-yaml v3 (`scan_anchor`, `scan_tag`,
//! `scan_directive`). It is separate since it does not use the queue of tokens, and few manifests have them.

use super::cursor::Mark;
use super::scanner::{Kind, Scanner, Token};
use crate::yaml::fault::Step;

impl Scanner<'_> {
    pub(super) fn scan_name(&mut self, kind: Kind) -> Step<Token> {
        let start = self.cursor.mark;
        let mut token = Token::new(kind, start);
        self.cursor.skip();
        self.cursor.need(1)?;
        self.read_word(&mut token.value)?;
        let ends = self.cursor.is_blank_or_end(0) || b"?:,]}%@`".contains(&self.cursor.byte(0));
        if token.value.is_empty() || !ends {
            return Err(self.fault("did not find expected alphabetic or numeric character", start));
        }
        Ok(token)
    }

    fn read_word(&mut self, into: &mut Vec<u8>) -> Step<()> {
        while self.cursor.is_word() {
            self.cursor.read(into);
            self.cursor.need(1)?;
        }
        Ok(())
    }

    fn skip_blanks(&mut self) -> Step<()> {
        self.cursor.need(1)?;
        while self.cursor.is_blank(0) {
            self.cursor.skip();
            self.cursor.need(1)?;
        }
        Ok(())
    }

    pub(super) fn scan_tag(&mut self) -> Step<Token> {
        let start = self.cursor.mark;
        let mut token = Token::new(Kind::Tag, start);
        self.cursor.need(2)?;
        if self.cursor.byte(1) == b'<' {
            self.cursor.skip();
            self.cursor.skip();
            token.suffix = self.scan_tag_uri(&[], start)?;
            if self.cursor.byte(0) != b'>' {
                return Err(self.fault("did not find the expected '>'", start));
            }
            self.cursor.skip();
        } else {
            let handle = self.scan_tag_handle(false, start)?;
            if handle.len() > 1 && handle.last() == Some(&b'!') {
                token.suffix = self.scan_tag_uri(&[], start)?;
                token.value = handle;
            } else {
                token.suffix = self.scan_tag_uri(&handle, start)?;
                token.value = vec![b'!'];
                if token.suffix.is_empty() {
                    std::mem::swap(&mut token.value, &mut token.suffix);
                }
            }
        }
        self.cursor.need(1)?;
        if !self.cursor.is_blank_or_end(0) {
            return Err(self.fault("did not find expected whitespace or line break", start));
        }
        Ok(token)
    }

    fn scan_tag_handle(&mut self, directive: bool, start: Mark) -> Step<Vec<u8>> {
        self.cursor.need(1)?;
        if self.cursor.byte(0) != b'!' {
            return Err(self.fault("did not find expected '!'", start));
        }
        let mut handle = Vec::new();
        self.cursor.read(&mut handle);
        self.cursor.need(1)?;
        self.read_word(&mut handle)?;
        if self.cursor.byte(0) == b'!' {
            self.cursor.read(&mut handle);
        } else if directive && handle != b"!" {
            return Err(self.fault("did not find expected '!'", start));
        }
        Ok(handle)
    }

    /// The rest of a tag behind `head`, which belongs to the tag except for its first character.
    fn scan_tag_uri(&mut self, head: &[u8], start: Mark) -> Step<Vec<u8>> {
        let mut uri = head.get(1..).unwrap_or_default().to_vec();
        let mut found = !head.is_empty();
        self.cursor.need(1)?;
        while self.cursor.is_word() || b";/?:@&=+$,.!~*'()[]%".contains(&self.cursor.byte(0)) {
            if self.cursor.byte(0) == b'%' {
                self.scan_uri_escape(start, &mut uri)?;
            } else {
                self.cursor.read(&mut uri);
            }
            self.cursor.need(1)?;
            found = true;
        }
        if found { Ok(uri) } else { Err(self.fault("did not find expected tag URI", start)) }
    }

    /// Decodes the `%XX` of one character.
    fn scan_uri_escape(&mut self, start: Mark, uri: &mut Vec<u8>) -> Step<()> {
        let mut left = None;
        loop {
            self.cursor.need(3)?;
            let digit = |ahead| char::from(self.cursor.byte(ahead)).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
            let (b'%', Some(high), Some(low)) = (self.cursor.byte(0), digit(1), digit(2)) else {
                return Err(self.fault("did not find URI escaped octet", start));
            };
            let octet = high << 4 | low;
            let more = match (left, octet) {
                (None, 0..0x80) => 0,
                (None, 0xC0..0xE0) => 1,
                (None, 0xE0..0xF0) => 2,
                (None, 0xF0..0xF8) => 3,
                (None, _) => return Err(self.fault("found an incorrect leading UTF-8 octet", start)),
                (Some(left), 0x80..0xC0) => left - 1,
                (Some(_), _) => return Err(self.fault("found an incorrect trailing UTF-8 octet", start)),
            };
            uri.push(octet);
            for _ in 0..3 {
                self.cursor.skip();
            }
            if more == 0 {
                return Ok(());
            }
            left = Some(more);
        }
    }

    /// `%YAML` becomes a token with the version as value, `%TAG` one with handle and prefix.
    pub(super) fn scan_directive(&mut self) -> Step<Token> {
        let start = self.cursor.mark;
        self.cursor.skip();
        let mut name = Vec::new();
        self.cursor.need(1)?;
        self.read_word(&mut name)?;
        if name.is_empty() {
            return Err(self.fault("could not find expected directive name", start));
        }
        if !self.cursor.is_blank_or_end(0) {
            return Err(self.fault("found unexpected non-alphabetical character", start));
        }
        let token = match name.as_slice() {
            b"YAML" => self.scan_version(start)?,
            b"TAG" => self.scan_tag_directive(start)?,
            _ => return Err(self.fault("found unknown directive name", start)),
        };
        self.skip_blanks()?;
        if self.cursor.byte(0) == b'#' {
            self.skip_to_break()?;
        }
        self.finish_line(start)?;
        Ok(token)
    }

    fn scan_version(&mut self, start: Mark) -> Step<Token> {
        let mut token = Token::new(Kind::VersionDirective, start);
        self.skip_blanks()?;
        let major = self.scan_version_number(start)?;
        if self.cursor.byte(0) != b'.' {
            return Err(self.fault("did not find expected digit or '.' character", start));
        }
        self.cursor.skip();
        let minor = self.scan_version_number(start)?;
        token.value = vec![major, minor];
        Ok(token)
    }

    fn scan_version_number(&mut self, start: Mark) -> Step<u8> {
        self.cursor.need(1)?;
        let (mut value, mut length) = (0, 0);
        while self.cursor.byte(0).is_ascii_digit() {
            length += 1;
            if length > 2 {
                return Err(self.fault("found extremely long version number", start));
            }
            value = value * 10 + (self.cursor.byte(0) - b'0');
            self.cursor.skip();
            self.cursor.need(1)?;
        }
        if length == 0 { Err(self.fault("did not find expected version number", start)) } else { Ok(value) }
    }

    fn scan_tag_directive(&mut self, start: Mark) -> Step<Token> {
        let mut token = Token::new(Kind::TagDirective, start);
        self.skip_blanks()?;
        token.value = self.scan_tag_handle(true, start)?;
        self.cursor.need(1)?;
        if !self.cursor.is_blank(0) {
            return Err(self.fault("did not find expected whitespace", start));
        }
        self.skip_blanks()?;
        token.suffix = self.scan_tag_uri(&[], start)?;
        self.cursor.need(1)?;
        if !self.cursor.is_blank_or_end(0) {
            return Err(self.fault("did not find expected whitespace or line break", start));
        }
        Ok(token)
    }
}
