//! Determines the next token, and its effect on indentation and possible keys.
//!
//! Goes in: the scanner between two tokens. Comes out: one or more tokens in its queue. It is separate from the scanner's state,
//! which is in the parent module, and from the tokens that are scanned character by character, which have their own files.

use super::{MAX_DEPTH, MAX_SIMPLE_KEY, Scanner, SimpleKey, Token, TokenKind};
use crate::yaml::fault::Step;

impl<'a> Scanner<'a> {
    /// Adds at least one token to the queue.
    pub(super) fn fetch(&mut self) -> Step<()> {
        if !self.started {
            self.started = true;
            self.simple_keys.push(SimpleKey { possible: false, required: false, token: 0, line: 0, offset: 0, column: 0 });
            self.push(TokenKind::StreamStart, 0);
            return Ok(());
        }
        self.skip_to_token();
        self.unroll_indent(self.column());
        if self.at == self.line_start {
            match self.byte(0) {
                b'%' if self.at < self.bytes.len() => return self.fetch_directive(),
                b'-' | b'.' if self.at_document_indicator() => return self.fetch_document_indicator(),
                _ => {}
            }
        }
        match self.byte(0) {
            0 => self.fetch_stream_end(),
            b'[' => self.fetch_flow_start(TokenKind::FlowSequenceStart),
            b'{' => self.fetch_flow_start(TokenKind::FlowMappingStart),
            b']' => self.fetch_flow_end(TokenKind::FlowSequenceEnd),
            b'}' => self.fetch_flow_end(TokenKind::FlowMappingEnd),
            b',' => self.fetch_flow_entry(),
            b'-' if self.is_blank_or_end(self.at + 1) => self.fetch_block_entry(),
            b'?' if self.flow_level > 0 || self.is_blank_or_end(self.at + 1) => self.fetch_key(),
            b':' if self.flow_level > 0 || self.is_blank_or_end(self.at + 1) => self.fetch_value(),
            b'*' => self.fetch_anchor(TokenKind::Alias),
            b'&' => self.fetch_anchor(TokenKind::Anchor),
            b'!' => self.fetch_tag(),
            b'|' if self.flow_level == 0 => self.fetch_block_scalar(true),
            b'>' if self.flow_level == 0 => self.fetch_block_scalar(false),
            b'\'' => self.fetch_scalar(|scanner| scanner.scan_quoted(true)),
            b'"' => self.fetch_scalar(|scanner| scanner.scan_quoted(false)),
            b' ' | b'\t' | b'#' | b'|' | b'>' | b'%' | b'@' | b'`' => {
                Err(self.fault(self.line, "found character that cannot start any token"))
            }
            _ => self.fetch_scalar(Scanner::scan_plain),
        }
    }

    fn fetch_stream_end(&mut self) -> Step<()> {
        if self.column() != 0 {
            self.next_line(0);
        }
        self.unroll_indent(-1);
        self.forget_key()?;
        self.simple_key_allowed = false;
        self.push(TokenKind::StreamEnd, self.line);
        Ok(())
    }

    fn fetch_directive(&mut self) -> Step<()> {
        self.unroll_indent(-1);
        self.forget_key()?;
        self.simple_key_allowed = false;
        let token = self.scan_directive()?;
        self.tokens.push_back(token);
        Ok(())
    }

    fn fetch_document_indicator(&mut self) -> Step<()> {
        self.unroll_indent(-1);
        self.forget_key()?;
        self.simple_key_allowed = false;
        let kind = if self.byte(0) == b'-' { TokenKind::DocumentStart } else { TokenKind::DocumentEnd };
        self.push(kind, self.line);
        self.at += 3;
        Ok(())
    }

    fn fetch_flow_start(&mut self, kind: TokenKind) -> Step<()> {
        self.save_key()?;
        let here = self.key_here();
        self.simple_keys.push(SimpleKey { possible: false, required: false, ..here });
        self.flow_level += 1;
        if self.flow_level > MAX_DEPTH {
            return Err(self.too_deep());
        }
        self.simple_key_allowed = true;
        self.push_indicator(kind);
        Ok(())
    }

    fn fetch_flow_end(&mut self, kind: TokenKind) -> Step<()> {
        self.forget_key()?;
        if self.flow_level > 0 {
            self.flow_level -= 1;
            if let Some(key) = self.simple_keys.pop() {
                self.drop_key_token(key.token);
            }
        }
        self.simple_key_allowed = false;
        self.push_indicator(kind);
        Ok(())
    }

    fn fetch_flow_entry(&mut self) -> Step<()> {
        self.forget_key()?;
        self.simple_key_allowed = true;
        self.push_indicator(TokenKind::FlowEntry);
        Ok(())
    }

    fn fetch_block_entry(&mut self) -> Step<()> {
        if self.flow_level == 0 {
            if !self.simple_key_allowed {
                return Err(self.fault(self.line, "block sequence entries are not allowed in this context"));
            }
            self.roll_indent(self.column(), None, TokenKind::BlockSequenceStart, self.line)?;
        }
        self.forget_key()?;
        self.simple_key_allowed = true;
        self.push_indicator(TokenKind::BlockEntry);
        Ok(())
    }

    fn fetch_key(&mut self) -> Step<()> {
        if self.flow_level == 0 {
            if !self.simple_key_allowed {
                return Err(self.fault(self.line, "mapping keys are not allowed in this context"));
            }
            self.roll_indent(self.column(), None, TokenKind::BlockMappingStart, self.line)?;
        }
        self.forget_key()?;
        self.simple_key_allowed = self.flow_level == 0;
        self.push_indicator(TokenKind::Key);
        Ok(())
    }

    fn fetch_value(&mut self) -> Step<()> {
        let level = self.simple_keys.len().saturating_sub(1);
        if self.is_key_valid(level)? {
            let key = self.simple_keys[level];
            self.insert(key.token, TokenKind::Key, key.line);
            self.roll_indent(key.column, Some(key.token), TokenKind::BlockMappingStart, key.line)?;
            self.simple_keys[level].possible = false;
            self.drop_key_token(key.token);
            self.simple_key_allowed = false;
        } else {
            if self.flow_level == 0 {
                if !self.simple_key_allowed {
                    return Err(self.fault(self.line, "mapping values are not allowed in this context"));
                }
                self.roll_indent(self.column(), None, TokenKind::BlockMappingStart, self.line)?;
            }
            self.simple_key_allowed = self.flow_level == 0;
        }
        self.push_indicator(TokenKind::Value);
        Ok(())
    }

    fn fetch_anchor(&mut self, kind: TokenKind) -> Step<()> {
        self.save_key()?;
        self.simple_key_allowed = false;
        let token = self.scan_anchor(kind)?;
        self.tokens.push_back(token);
        Ok(())
    }

    fn fetch_tag(&mut self) -> Step<()> {
        self.save_key()?;
        self.simple_key_allowed = false;
        let token = self.scan_tag()?;
        self.tokens.push_back(token);
        Ok(())
    }

    fn fetch_block_scalar(&mut self, literal: bool) -> Step<()> {
        self.forget_key()?;
        self.simple_key_allowed = true;
        let token = self.scan_block(literal)?;
        self.tokens.push_back(token);
        Ok(())
    }

    /// A scalar on a line, and the ':' right behind it if there is one: most keys are complete here and need not be kept in
    /// `simple_keys` until their ':' comes.
    fn fetch_scalar(&mut self, scan: impl FnOnce(&mut Self) -> Step<Token<'a>>) -> Step<()> {
        if !self.simple_key_allowed {
            let token = scan(self)?;
            self.tokens.push_back(token);
            return Ok(());
        }
        let key = self.key_here();
        self.forget_key()?;
        self.simple_key_allowed = false;
        let token = scan(self)?;
        let is_key = self.byte(0) == b':'
            && self.line == key.line
            && self.at - key.offset <= MAX_SIMPLE_KEY
            && (self.flow_level > 0 || self.is_blank_or_end(self.at + 1));
        if is_key {
            self.roll_indent(key.column, None, TokenKind::BlockMappingStart, key.line)?;
            self.push(TokenKind::Key, key.line);
            self.tokens.push_back(token);
            self.push_indicator(TokenKind::Value);
            self.simple_key_allowed = false;
            // Keep its number, since closing a flow collection removes the possible key with that number.
            if let Some(current) = self.current_key() {
                *current = SimpleKey { possible: false, ..key };
            }
        } else {
            self.remember_key(key);
            self.tokens.push_back(token);
        }
        Ok(())
    }
}
