//! Scans characters and words of TOML.
//!
//! Goes in: the text. Comes out: raw strings, numbers, dates and keys on the parser's request, and faults with the line that the
//! Go library names. It follows that lexer's steps back and forth, since its messages quote the text read so far.

use crate::quote::{quote, quote_character};
use crate::unicode;

/// The problem, and its line from 1. (Go subtracts a line in some places, so it may be 0.)
#[derive(Debug)]
pub(super) struct Fault {
    pub message: String,
    pub line: i64,
}

pub(super) type Step<T> = Result<T, Fault>;

/// Represents the end of the text: a NUL in the text is refused as a control character.
pub(super) const END: char = '\0';

/// The type of a scalar value in the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Word {
    Integer,
    Float,
    Datetime,
}

pub(super) struct Lexer<'a> {
    input: &'a [u8],
    /// The start of the current piece.
    start: usize,
    pos: usize,
    pub line: i64,
    /// The widths of the last characters, for stepping back.
    widths: [usize; 4],
    at_end: bool,
}

pub(super) fn is_blank(character: char) -> bool {
    matches!(character, '\t' | ' ')
}

pub(super) fn is_newline(character: char) -> bool {
    matches!(character, '\n' | '\r')
}

fn is_bare_key(character: char) -> bool {
    character.is_ascii_alphanumeric() || matches!(character, '_' | '-')
}

impl<'a> Lexer<'a> {
    pub(super) fn new(input: &'a [u8]) -> Lexer<'a> {
        Lexer { input, start: 0, pos: 0, line: 1, widths: [0; 4], at_end: false }
    }

    /// The next character; [`END`] at the end.
    pub(super) fn next(&mut self) -> Step<char> {
        let rest = &self.input[self.pos..];
        if rest.is_empty() {
            self.at_end = true;
            return Ok(END);
        }
        let (character, width) = match decode(rest) {
            Some(found) => found,
            None => return Err(self.plain_fault(format!("invalid UTF-8 byte: 0x{:02x}", rest[0]))),
        };
        if character == '\n' {
            self.line += 1;
        }
        let lone_return = character == '\r' && rest.get(1) != Some(&b'\n');
        if lone_return || (!matches!(character, '\t' | '\r' | '\n') && character.is_ascii_control()) {
            let message = format!("TOML files cannot contain control characters: '0x{:02x}'", u32::from(character));
            return Err(Fault { message, line: self.line });
        }
        self.widths = [width, self.widths[0], self.widths[1], self.widths[2]];
        self.pos += width;
        Ok(character)
    }

    /// Steps back one character.
    pub(super) fn backup(&mut self) {
        if self.at_end {
            self.at_end = false;
            return;
        }
        let [width, rest @ ..] = self.widths;
        self.widths = [rest[0], rest[1], rest[2], 0];
        self.pos -= width.min(self.pos);
        if self.input.get(self.pos) == Some(&b'\n') {
            self.line -= 1;
        }
    }

    pub(super) fn peek(&mut self) -> Step<char> {
        let character = self.next()?;
        self.backup();
        Ok(character)
    }

    fn accept(&mut self, wanted: char) -> Step<bool> {
        let found = self.next()? == wanted;
        if !found {
            self.backup();
        }
        Ok(found)
    }

    /// Drops the current piece.
    pub(super) fn ignore(&mut self) {
        self.start = self.pos;
    }

    pub(super) fn skip_blanks(&mut self) -> Step<()> {
        while is_blank(self.next()?) {}
        self.backup();
        self.ignore();
        Ok(())
    }

    /// The current piece.
    fn current(&self) -> String {
        String::from_utf8_lossy(&self.input[self.start..self.pos]).into_owned()
    }

    fn take(&mut self) -> String {
        let text = self.current();
        self.ignore();
        text
    }

    /// A fault here; at the end of the text, it belongs to the last line that is not empty.
    pub(super) fn fault(&self, message: impl Into<String>) -> Fault {
        let behind_newline = self.at_end && self.pos >= 1 && self.input.get(self.pos - 1) == Some(&b'\n');
        Fault { message: message.into(), line: self.line - i64::from(behind_newline) }
    }

    /// A fault on the line before.
    pub(super) fn previous_line_fault(&self, message: impl Into<String>) -> Fault {
        Fault { message: message.into(), line: self.line - 1 }
    }

    fn plain_fault(&self, message: String) -> Fault {
        if self.at_end { self.previous_line_fault(message) } else { Fault { message, line: self.line } }
    }

    // ---- pieces

    /// The rest of a comment.
    pub(super) fn comment(&mut self) -> Step<()> {
        loop {
            let character = self.next()?;
            if is_newline(character) || character == END {
                self.backup();
                self.ignore();
                return Ok(());
            }
        }
    }

    /// An unquoted part of a key; may be empty.
    pub(super) fn bare_key(&mut self) -> Step<String> {
        while is_bare_key(self.next()?) {}
        self.backup();
        Ok(self.take())
    }

    /// A single-line string, after its opening quote: the raw text and whether it has escapes.
    pub(super) fn line_string(&mut self, quote: char) -> Step<(String, bool)> {
        let mut escaped = false;
        loop {
            let character = self.next()?;
            if character == END {
                let wanted = if quote == '"' { "'\"'" } else { "\"'\"" };
                return Err(self.fault(format!("unexpected EOF; expected {wanted}")));
            }
            if is_newline(character) {
                return Err(self.previous_line_fault("strings cannot contain newlines"));
            }
            if character == '\\' && quote == '"' {
                escaped = true;
                self.escape()?;
            } else if character == quote {
                self.backup();
                let text = self.take();
                self.next()?;
                self.ignore();
                return Ok((text, escaped));
            }
        }
    }

    /// A multi-line string, after its three quotes.
    pub(super) fn multiline_string(&mut self, quote: char) -> Step<String> {
        loop {
            let character = self.next()?;
            if character == END {
                let wanted = if quote == '"' { "'\"\"\"'" } else { "\"'''\"" };
                return Err(self.fault(format!("unexpected EOF; expected {wanted}")));
            }
            if character == '\\' && quote == '"' {
                if !is_newline(self.next()?) {
                    self.backup();
                    self.escape()?;
                }
                continue;
            }
            if character != quote || !self.accept(quote)? {
                continue;
            }
            if !self.accept(quote)? {
                self.backup();
                continue;
            }
            // A fourth quote: the string may end with one or two of them.
            if self.peek()? == quote {
                let current = self.current();
                let five = String::from(quote).repeat(5);
                let too_many = current.ends_with(&five) && !(quote == '"' && current.ends_with(&format!("\\{five}")));
                if too_many {
                    let message = if quote == '"' { "unexpected '\"\"\"\"\"\"'" } else { "unexpected \"''''''\"" };
                    return Err(self.fault(message));
                }
                self.backup();
                self.backup();
                continue;
            }
            for _ in 0..3 {
                self.backup();
            }
            let text = self.take();
            for _ in 0..3 {
                self.next()?;
            }
            self.ignore();
            return Ok(text);
        }
    }

    /// Checks an escape after its backslash.
    fn escape(&mut self) -> Step<()> {
        let (count, name) = match self.next()? {
            'e' | 'b' | 't' | 'n' | 'f' | 'r' | '"' | ' ' | '\t' | '\\' => return Ok(()),
            'x' => (2, "two hexadecimal digits after '\\x'"),
            'u' => (4, "four hexadecimal digits after '\\u'"),
            'U' => (8, "eight hexadecimal digits after '\\U'"),
            other => return Err(self.plain_fault(format!("invalid escape in string '\\{other}'"))),
        };
        for _ in 0..count {
            if !self.next()?.is_ascii_hexdigit() {
                return Err(self.fault(format!("expected {name}, but got {} instead", quote(self.current().as_bytes()))));
            }
        }
        Ok(())
    }

    /// Whether two more quotes follow the first one of a string; takes them.
    pub(super) fn is_multiline(&mut self, quote: char) -> Step<bool> {
        let mut multiline = false;
        if self.accept(quote)? {
            multiline = self.accept(quote)?;
            if !multiline {
                self.backup();
            }
        }
        self.ignore();
        Ok(multiline)
    }

    // ---- numbers, dates, words

    fn take_while(&mut self, wanted: impl Fn(char) -> bool) -> Step<()> {
        while wanted(self.next()?) {}
        self.backup();
        Ok(())
    }

    /// A number or date that starts with a digit, before that digit is taken.
    pub(super) fn number_or_date(&mut self) -> Step<(Word, String)> {
        if self.next()? == '0' {
            let next = self.next()?;
            match next {
                '0'..='9' => {}
                '_' => return self.decimal(),
                '.' | 'e' | 'E' => return self.float(),
                'b' => return self.based("a binary", |character| matches!(character, '0' | '1')),
                'o' => return self.based("an octal", |character| matches!(character, '0'..='7')),
                'x' => return self.based("a hexadecimal", |character| character.is_ascii_hexdigit()),
                _ => {
                    self.backup();
                    return Ok((Word::Integer, self.take()));
                }
            }
        }
        loop {
            match self.next()? {
                '0'..='9' => {}
                '-' | ':' => {
                    self.take_while(|character| character.is_ascii_digit() || "-:Tt .Zz+".contains(character))?;
                    return Ok((Word::Datetime, self.take().trim().to_owned()));
                }
                '_' => return self.decimal(),
                '.' | 'e' | 'E' => return self.float(),
                _ => {
                    self.backup();
                    return Ok((Word::Integer, self.take()));
                }
            }
        }
    }

    /// The digits behind `0b`, `0o` or `0x`; `name` is the name of the base in messages.
    fn based(&mut self, name: &str, is_digit: fn(char) -> bool) -> Step<(Word, String)> {
        let next = self.peek()?;
        if !is_digit(next) {
            return Err(self.fault(format!("not {name} number: '{}{next}'", self.current())));
        }
        self.take_while(|character| is_digit(character) || character == '_')?;
        Ok((Word::Integer, self.take()))
    }

    fn decimal(&mut self) -> Step<(Word, String)> {
        self.take_while(|character| character.is_ascii_digit() || character == '_')?;
        if matches!(self.next()?, '.' | 'e' | 'E') {
            return self.float();
        }
        self.backup();
        Ok((Word::Integer, self.take()))
    }

    fn float(&mut self) -> Step<(Word, String)> {
        self.take_while(|character| character.is_ascii_digit() || "_.-+eE".contains(character))?;
        Ok((Word::Float, self.take()))
    }

    /// A number after its sign.
    pub(super) fn signed_number(&mut self) -> Step<(Word, String)> {
        let first = self.next()?;
        match first {
            'i' | 'n' => {
                let rest = if first == 'i' { ['n', 'f'] } else { ['a', 'n'] };
                if !self.accept(rest[0])? || !self.accept(rest[1])? {
                    return Err(self.fault(format!("invalid float: '{}'", self.current())));
                }
                Ok((Word::Float, self.take()))
            }
            '0' => {
                let next = self.peek()?;
                if matches!(next, 'b' | 'o' | 'x') {
                    let message = format!("cannot use sign with non-decimal numbers: '{}{next}'", self.current());
                    return Err(self.fault(message));
                }
                self.decimal()
            }
            '1'..='9' => self.decimal(),
            '.' => Err(self.fault("floats must start with a digit, not '.'")),
            other => Err(self.fault(format!("expected a digit but got {}", quote_character(other)))),
        }
    }

    /// `inf` or `nan` after its first letter, if it is one.
    pub(super) fn special_float(&mut self) -> Step<Option<String>> {
        let found = (self.accept('n')? && self.accept('f')?) || (self.accept('a')? && self.accept('n')?);
        Ok(found.then(|| self.take()))
    }

    /// `true` or `false`.
    pub(super) fn boolean(&mut self) -> Step<bool> {
        let from = self.pos;
        self.take_while(char::is_alphabetic)?;
        let word = String::from_utf8_lossy(&self.input[from..self.pos]).into_owned();
        match word.as_str() {
            "true" | "false" => {
                self.ignore();
                Ok(word == "true")
            }
            _ => Err(self.fault(format!("expected value but found {} instead", quote(word.as_bytes())))),
        }
    }
}

/// The first character and its width; `None` if the bytes are not UTF-8.
fn decode(bytes: &[u8]) -> Option<(char, usize)> {
    match unicode::decode(bytes) {
        // The character itself is three bytes wide.
        (_, 0) | (unicode::REPLACEMENT, 1) => None,
        found => Some(found),
    }
}
