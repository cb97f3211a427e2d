//! Go's regular expression syntax (regexp/syntax of Go 1.26), translated for the `regex` crate.
//!
//! Goes in: a pattern as bytes. Comes out: an equivalent pattern that is fully explicit (every flag is at its atom, every odd
//! character is a code point), and the names of its groups; or Go's error text.
//! Both engines descend from RE2, so that meanings agree. They differ in syntax: `\Q…\E`, `\z`, ASCII `\d \s \w \b`, `[`, `&&` and
//! `--` as plain characters in classes, repetitions of an atom before flags, equal group names.

mod class;

use crate::unicode;
use class::{Class, perl_class, unicode_class};

/// Highest repetition count, nested ones multiplied.
const REPEAT_LIMIT: u64 = 1000;
/// An alternative that matches nothing: an empty class.
const NEVER: &str = "|[a&&b]";
/// Deepest tree.
const HEIGHT_LIMIT: usize = 1000;

/// A translated pattern.
#[derive(Debug)]
pub struct Translated {
    /// For the `regex` crate, on texts; all its groups are unnamed.
    pub pattern: String,
    /// The names of the groups from group 1 on, empty if they have none.
    pub names: Vec<Vec<u8>>,
}

impl Translated {
    /// Whether it has only ASCII characters: then it means the same for an ASCII text, whether the engine uses Unicode or bytes.
    /// (With case folding, `k` also matches the Kelvin sign, but no such text contains it.)
    pub fn is_ascii(&self) -> bool {
        let is_ascii =
            |code: &str| code.split_once('}').is_some_and(|(code, _)| u32::from_str_radix(code, 16).is_ok_and(|code| code < 128));
        let pattern = &self.pattern;
        pattern.is_ascii() && !pattern.contains("\\p") && !pattern.contains("\\P") && pattern.split("\\x{").skip(1).all(is_ascii)
    }
}

/// Why a pattern does not parse, in Go's words: `error parsing regexp: …`.
pub type SyntaxFault = String;

pub(crate) fn fault(code: &str, expression: &[u8]) -> SyntaxFault {
    format!("error parsing regexp: {code}: `{}`", String::from_utf8_lossy(expression))
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Flags {
    pub fold_case: bool,
    many_lines: bool,
    dot_matches_line_end: bool,
    lazy: bool,
}

/// A translated piece that a repetition could apply to.
struct Atom {
    text: String,
    height: usize,
    /// The smallest limit at which its nested repetitions are allowed.
    repeats: u64,
    /// Whether it may match texts of different lengths at one place.
    varies: bool,
}

impl Atom {
    fn leaf(text: String) -> Atom {
        Atom { text, height: 1, repeats: 0, varies: false }
    }
}

/// The pieces since an open parenthesis.
struct Frame {
    /// The flags to restore at its end.
    flags: Flags,
    captures: bool,
    alternatives: Vec<Atom>,
    sequence: Vec<Atom>,
}

impl Frame {
    fn new(flags: Flags, captures: bool) -> Frame {
        Frame { flags, captures, alternatives: Vec::new(), sequence: Vec::new() }
    }

    /// Ends the sequence, which becomes an alternative.
    fn end_alternative(&mut self) {
        let sequence = std::mem::take(&mut self.sequence);
        let many = usize::from(sequence.len() > 1);
        let height = sequence.iter().map(|atom| atom.height).max().unwrap_or(1) + many;
        let repeats = sequence.iter().map(|atom| atom.repeats).max().unwrap_or(0);
        let varies = sequence.iter().any(|atom| atom.varies);
        let text = sequence.into_iter().map(|atom| atom.text).collect();
        self.alternatives.push(Atom { text, height, repeats, varies });
    }

    fn finish(mut self) -> Atom {
        self.end_alternative();
        let many = usize::from(self.alternatives.len() > 1);
        let height = self.alternatives.iter().map(|atom| atom.height).max().unwrap_or(1) + many;
        let repeats = self.alternatives.iter().map(|atom| atom.repeats).max().unwrap_or(0);
        let varies = many == 1 || self.alternatives.iter().any(|atom| atom.varies);
        // `regex-syntax` makes `.*(?:a|b)` of `.*a|.*b`, which prefers the longest `.*` where Go prefers `a`. It does so only when
        // all alternatives begin alike, so one that never matches keeps it from it.
        let begin_alike = many == 1 && self.alternatives.iter().all(|atom| atom.varies);
        let texts: Vec<String> = self.alternatives.into_iter().map(|atom| atom.text).collect();
        let text = texts.join("|") + if begin_alike { NEVER } else { "" };
        Atom { text, height, repeats, varies }
    }
}

struct Parser<'a> {
    whole: &'a [u8],
    flags: Flags,
    stack: Vec<Frame>,
    frame: Frame,
    names: Vec<Vec<u8>>,
}

/// The next rune and the rest.
pub(super) fn next_rune(text: &[u8]) -> Result<(char, &[u8]), SyntaxFault> {
    let (rune, width) = unicode::decode(text);
    if rune == unicode::REPLACEMENT && width == 1 {
        return Err(fault("invalid UTF-8", text));
    }
    Ok((rune, text.get(width..).unwrap_or_default()))
}

/// Refuses text that is not UTF-8, from the first wrong byte on.
pub(super) fn check_utf8(text: &[u8]) -> Result<(), SyntaxFault> {
    match std::str::from_utf8(text) {
        Ok(_) => Ok(()),
        Err(error) => Err(fault("invalid UTF-8", text.get(error.valid_up_to()..).unwrap_or_default())),
    }
}

/// The part of `whole` before `rest`, its end.
pub(super) fn consumed<'a>(whole: &'a [u8], rest: &[u8]) -> &'a [u8] {
    whole.get(..whole.len().saturating_sub(rest.len())).unwrap_or(whole)
}

/// Translates a pattern in Go's Perl-like syntax (`regexp.Compile`), as used by Sprig's functions and schema patterns.
pub fn translate(pattern: &[u8]) -> Result<Translated, SyntaxFault> {
    let mut parser = Parser {
        whole: pattern,
        flags: Flags::default(),
        stack: Vec::new(),
        frame: Frame::new(Flags::default(), false),
        names: Vec::new(),
    };
    let mut rest = pattern;
    // The last repetition, if nothing follows it.
    let mut last_repeat: Option<&[u8]> = None;
    while let Some(&byte) = rest.first() {
        let before = rest;
        let mut repeat = None;
        match byte {
            b'*' | b'+' | b'?' => {
                let (least, most) = [(0, None), (1, None), (0, Some(1))][b"*+?".iter().position(|&b| b == byte).unwrap_or(0)];
                rest = parser.repeat(least, most, false, before, rest.get(1..).unwrap_or_default(), last_repeat)?;
                repeat = Some(before);
            }
            b'{' => match parse_counts(rest) {
                None => {
                    parser.literal('{');
                    rest = rest.get(1..).unwrap_or_default();
                }
                Some((least, most, after)) => {
                    let limit = REPEAT_LIMIT as u32;
                    if least > limit || most.is_some_and(|most| most > limit || least > most) {
                        return Err(fault("invalid repeat count", consumed(before, after)));
                    }
                    rest = parser.repeat(least, most, true, before, after, last_repeat)?;
                    repeat = Some(before);
                }
            },
            _ => rest = parser.atom(byte, rest)?,
        }
        parser.check_height()?;
        last_repeat = repeat;
    }
    if !parser.stack.is_empty() {
        return Err(fault("missing closing )", pattern));
    }
    let Parser { frame, names, .. } = parser;
    let whole = frame.finish();
    if whole.height > HEIGHT_LIMIT {
        return Err(fault("expression nests too deeply", pattern));
    }
    Ok(Translated { pattern: whole.text, names })
}

impl<'a> Parser<'a> {
    fn push(&mut self, text: String) {
        self.frame.sequence.push(Atom::leaf(text));
    }

    fn check_height(&self) -> Result<(), SyntaxFault> {
        let too_high = self.frame.sequence.last().is_some_and(|atom| atom.height > HEIGHT_LIMIT);
        if too_high || self.stack.len() > HEIGHT_LIMIT {
            return Err(fault("expression nests too deeply", self.whole));
        }
        Ok(())
    }

    fn literal(&mut self, rune: char) {
        let mut text = String::new();
        let fold = self.flags.fold_case && (rune.is_alphabetic() || !rune.is_ascii());
        text.push_str(if fold { "(?i:" } else { "" });
        write_rune(&mut text, rune);
        text.push_str(if fold { ")" } else { "" });
        self.push(text);
    }

    /// Parses anything but a repetition at the start of `rest`; returns the rest behind it.
    fn atom(&mut self, byte: u8, rest: &'a [u8]) -> Result<&'a [u8], SyntaxFault> {
        let after = rest.get(1..).unwrap_or_default();
        match byte {
            b'(' if after.first() == Some(&b'?') => return self.parse_flags(rest),
            b'(' => self.open(true, Vec::new()),
            b'|' => self.frame.end_alternative(),
            b')' => self.close()?,
            b'^' => self.push(if self.flags.many_lines { "(?m:^)" } else { r"\A" }.to_string()),
            b'$' => self.push(if self.flags.many_lines { "(?m:$)" } else { r"\z" }.to_string()),
            b'.' => self.push(if self.flags.dot_matches_line_end { "(?s:.)" } else { "(?-s:.)" }.to_string()),
            b'[' => {
                let (class, rest) = Class::parse(rest)?;
                self.push(class.written(self.flags.fold_case));
                return Ok(rest);
            }
            b'\\' => return self.escape(rest),
            _ => {
                let (rune, rest) = next_rune(rest)?;
                self.literal(rune);
                return Ok(rest);
            }
        }
        Ok(after)
    }

    fn open(&mut self, captures: bool, name: Vec<u8>) {
        if captures {
            self.names.push(name);
        }
        let frame = Frame::new(self.flags, captures);
        self.stack.push(std::mem::replace(&mut self.frame, frame));
    }

    fn close(&mut self) -> Result<(), SyntaxFault> {
        let Some(outer) = self.stack.pop() else { return Err(fault("unexpected )", self.whole)) };
        let inner = std::mem::replace(&mut self.frame, outer);
        self.flags = inner.flags;
        let captures = inner.captures;
        let body = inner.finish();
        let text = format!("{}{})", if captures { "(" } else { "(?:" }, body.text);
        self.frame.sequence.push(Atom { text, height: body.height + usize::from(captures), ..body });
        Ok(())
    }

    /// Applies a repetition to the preceding atom: `before` begins at the operator, `after` behind it.
    fn repeat(
        &mut self,
        least: u32,
        most: Option<u32>,
        counted: bool,
        before: &[u8],
        mut after: &'a [u8],
        last_repeat: Option<&[u8]>,
    ) -> Result<&'a [u8], SyntaxFault> {
        let mut lazy = self.flags.lazy;
        if let Some(rest) = after.strip_prefix(b"?") {
            after = rest;
            lazy = !lazy;
        }
        if let Some(last) = last_repeat {
            return Err(fault("invalid nested repetition operator", consumed(last, after)));
        }
        let Some(atom) = self.frame.sequence.pop() else {
            return Err(fault("missing argument to repetition operator", consumed(before, after)));
        };
        let operator = match (least, most) {
            (0, None) => "*".to_string(),
            (1, None) => "+".to_string(),
            (0, Some(1)) => "?".to_string(),
            (least, None) => format!("{{{least},}}"),
            (least, Some(most)) => format!("{{{least},{most}}}"),
        };
        let times = u64::from(most.unwrap_or(least));
        let repeats = match (counted, times) {
            (false, _) => atom.repeats,
            (true, 0) if most.is_some() => 0,
            (true, 0) => atom.repeats,
            (true, times) => times.max(times.saturating_mul(atom.repeats)),
        };
        if counted && (least >= 2 || most.is_some_and(|most| most >= 2)) && repeats > REPEAT_LIMIT {
            return Err(fault("invalid repeat count", consumed(before, after)));
        }
        let mark = if lazy { "?" } else { "" };
        let text = format!("(?:{}){operator}{mark}", atom.text);
        let varies = atom.varies || most != Some(least);
        self.frame.sequence.push(Atom { text, height: atom.height + 1, repeats, varies });
        Ok(after)
    }

    /// `(?flags)`, `(?flags:`, `(?P<name>` or `(?<name>`.
    fn parse_flags(&mut self, whole: &'a [u8]) -> Result<&'a [u8], SyntaxFault> {
        let named = match whole {
            [b'(', b'?', b'P', b'<', _, ..] => Some(4),
            [b'(', b'?', b'<', _, ..] => Some(3),
            _ => None,
        };
        if let Some(start) = named {
            let Some(end) = memchr::memchr(b'>', whole) else {
                check_utf8(whole)?;
                return Err(fault("invalid named capture", whole));
            };
            let name = whole.get(start..end).unwrap_or_default();
            check_utf8(name)?;
            if name.is_empty() || !name.iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b'_') {
                return Err(fault("invalid named capture", whole.get(..=end).unwrap_or(whole)));
            }
            self.open(true, name.to_vec());
            return Ok(whole.get(end + 1..).unwrap_or_default());
        }
        let mut flags = self.flags;
        let (mut on, mut saw_flag) = (true, false);
        let mut rest = whole.get(2..).unwrap_or_default();
        while !rest.is_empty() {
            let rune;
            (rune, rest) = next_rune(rest)?;
            let flag = match rune {
                'i' => &mut flags.fold_case,
                'm' => &mut flags.many_lines,
                's' => &mut flags.dot_matches_line_end,
                'U' => &mut flags.lazy,
                '-' if on => {
                    (on, saw_flag) = (false, false);
                    continue;
                }
                ':' | ')' if on || saw_flag => {
                    if rune == ':' {
                        self.open(false, Vec::new());
                    }
                    self.flags = flags;
                    return Ok(rest);
                }
                _ => break,
            };
            *flag = on;
            saw_flag = true;
        }
        Err(fault("invalid or unsupported Perl syntax", consumed(whole, rest)))
    }

    /// Parses an escape outside of a class.
    fn escape(&mut self, whole: &'a [u8]) -> Result<&'a [u8], SyntaxFault> {
        let after = whole.get(2..).unwrap_or_default();
        match whole.get(1) {
            Some(b'A') => self.push(r"\A".to_string()),
            Some(b'b') => self.push(r"(?-u:\b)".to_string()),
            Some(b'B') => self.push(r"(?-u:\B)".to_string()),
            Some(b'z') => self.push(r"\z".to_string()),
            Some(b'C') => return Err(fault("invalid escape sequence", consumed(whole, after))),
            Some(b'Q') => {
                let end = memchr::memmem::find(after, b"\\E");
                let mut literal = after.get(..end.unwrap_or(after.len())).unwrap_or_default();
                while !literal.is_empty() {
                    let rune;
                    (rune, literal) = next_rune(literal)?;
                    self.literal(rune);
                }
                return Ok(end.and_then(|end| after.get(end + 2..)).unwrap_or_default());
            }
            Some(b'p' | b'P') => {
                let (class, rest) = unicode_class(whole)?;
                let class = if self.flags.fold_case { format!("(?i:{class})") } else { class };
                self.push(class);
                return Ok(rest);
            }
            _ => {
                if let Some((class, rest)) = perl_class(whole) {
                    let fold = self.flags.fold_case;
                    self.push(if fold { format!("(?i:{class})") } else { class.to_string() });
                    return Ok(rest);
                }
                let (code, rest) = parse_escape(whole)?;
                match char::from_u32(code) {
                    Some(rune) => self.literal(rune),
                    None => self.push(NOTHING.to_string()),
                }
                return Ok(rest);
            }
        }
        Ok(after)
    }
}

/// A class without characters: what a surrogate code point matches.
pub(super) const NOTHING: &str = r"[^\x{0}-\x{10FFFF}]";

/// Appends a character so that it is literal everywhere.
pub(super) fn write_rune(out: &mut String, rune: char) {
    if rune.is_ascii_alphanumeric() || !rune.is_ascii() {
        out.push(rune);
    } else {
        out.push_str(&format!("\\x{{{:X}}}", u32::from(rune)));
    }
}

/// `{n}`, `{n,}` or `{n,m}` at the start of `text`, and the rest. Numbers too large to read become the largest.
fn parse_counts(text: &[u8]) -> Option<(u32, Option<u32>, &[u8])> {
    let (least, rest) = parse_count(text.strip_prefix(b"{")?)?;
    if let Some(rest) = rest.strip_prefix(b"}") {
        return Some((least, Some(least), rest));
    }
    let rest = rest.strip_prefix(b",")?;
    if let Some(rest) = rest.strip_prefix(b"}") {
        return Some((least, None, rest));
    }
    let (most, rest) = parse_count(rest)?;
    Some((least, Some(most), rest.strip_prefix(b"}")?))
}

/// A number without leading zeros.
fn parse_count(text: &[u8]) -> Option<(u32, &[u8])> {
    let length = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (digits, rest) = text.split_at_checked(length)?;
    if digits.is_empty() || digits.len() > 1 && digits.first() == Some(&b'0') {
        return None;
    }
    let count = digits.iter().fold(0u32, |count, digit| count.saturating_mul(10).saturating_add(u32::from(digit - b'0')));
    Some((count, rest))
}

/// The code point of an escape such as `\n`, `\x{10FFFF}`, `\123`, `\.`; surrogates are possible.
pub(super) fn parse_escape(whole: &[u8]) -> Result<(u32, &[u8]), SyntaxFault> {
    let rest = whole.get(1..).unwrap_or_default();
    if rest.is_empty() {
        return Err(fault("trailing backslash at end of expression", b""));
    }
    let (rune, mut rest) = next_rune(rest)?;
    let octal = |text: &[u8]| text.first().copied().filter(|byte| (b'0'..=b'7').contains(byte));
    let simple = match rune {
        '1'..='7' if octal(rest).is_none() => None,
        '0'..='7' => {
            let mut code = u32::from(rune) - u32::from('0');
            for _ in 0..2 {
                let Some(digit) = octal(rest) else { break };
                code = code * 8 + u32::from(digit - b'0');
                rest = rest.get(1..).unwrap_or_default();
            }
            return Ok((code, rest));
        }
        'x' => {
            let (code, after) = parse_hexadecimal(rest)?;
            rest = after;
            code
        }
        'a' => Some(0x07),
        'f' => Some(0x0c),
        'n' => Some(0x0a),
        'r' => Some(0x0d),
        't' => Some(0x09),
        'v' => Some(0x0b),
        rune if rune.is_ascii() && !rune.is_ascii_alphanumeric() => Some(u32::from(rune)),
        _ => None,
    };
    match simple {
        Some(code) => Ok((code, rest)),
        None => Err(fault("invalid escape sequence", consumed(whole, rest))),
    }
}

/// The digits behind `\x`: two, or any number in braces; `None` with the text read so far if it is neither.
fn parse_hexadecimal(text: &[u8]) -> Result<(Option<u32>, &[u8]), SyntaxFault> {
    if text.is_empty() {
        return Ok((None, text));
    }
    let (first, mut rest) = next_rune(text)?;
    if first != '{' {
        let high = first.to_digit(16);
        let (second, rest) = next_rune(rest)?;
        let low = second.to_digit(16);
        return Ok((high.zip(low).map(|(high, low)| high * 16 + low), rest));
    }
    let (mut code, mut digits) = (0, 0);
    loop {
        if rest.is_empty() {
            return Ok((None, rest));
        }
        let rune;
        (rune, rest) = next_rune(rest)?;
        if rune == '}' {
            return Ok(((digits > 0).then_some(code), rest));
        }
        let Some(digit) = rune.to_digit(16) else { return Ok((None, rest)) };
        code = code * 16 + digit;
        if code > u32::from(char::MAX) {
            return Ok((None, rest));
        }
        digits += 1;
    }
}
