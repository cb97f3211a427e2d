//! The flags of one verb, and what they do to a single number or string: padding, signs, prefixes, precision.
//!
//! Goes in: a scalar and the flags. Comes out: padded bytes. It knows no values; follows Go's fmt/format.go, whose rules of
//! precedence between flags are visible in `printf`.

use crate::{number, quote};

/// The flags between `%` and the verb.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Flags {
    pub width: Option<usize>,
    pub precision: Option<usize>,
    pub minus: bool,
    pub plus: bool,
    pub sharp: bool,
    pub space: bool,
    pub zero: bool,
    /// `%+v`: names of struct fields.
    pub plus_v: bool,
    /// `%#v`: Go syntax.
    pub sharp_v: bool,
}

/// How an integer is written.
#[derive(Debug, Clone, Copy)]
pub(super) struct Radix {
    pub base: u64,
    pub upper: bool,
    /// `%O`: always with `0o`.
    pub octal_prefix: bool,
}

impl Radix {
    /// Lower-case digits in this base.
    pub fn of(base: u64) -> Radix {
        Radix { base, upper: false, octal_prefix: false }
    }
}

impl Flags {
    /// The same flags without padding by zeros.
    fn without_zero(self) -> Flags {
        Flags { zero: false, ..self }
    }

    fn write_padding(&self, out: &mut Vec<u8>, count: usize) {
        // Zeros pad only on the left.
        let fill = if self.zero && !self.minus { b'0' } else { b' ' };
        out.resize(out.len() + count, fill);
    }

    /// `text` padded to the width, which counts characters.
    pub fn pad(&self, out: &mut Vec<u8>, text: &[u8]) {
        let missing = match self.width {
            Some(width) if width > 0 => width.saturating_sub(count_characters(text)),
            _ => 0,
        };
        if self.minus {
            out.extend_from_slice(text);
            self.write_padding(out, missing);
        } else {
            self.write_padding(out, missing);
            out.extend_from_slice(text);
        }
    }

    /// The first `precision` characters of `text`.
    fn truncate<'a>(&self, text: &'a [u8]) -> &'a [u8] {
        match self.precision {
            Some(precision) if precision < text.len() => &text[..character_offset(text, precision)],
            _ => text,
        }
    }

    /// `%s`
    pub fn write_string(&self, out: &mut Vec<u8>, text: &[u8]) {
        self.pad(out, self.truncate(text));
    }

    /// `%q` of a string
    pub fn write_quoted(&self, out: &mut Vec<u8>, text: &[u8]) {
        let text = self.truncate(text);
        let mut quoted = Vec::with_capacity(text.len() + 2);
        if self.sharp && quote::can_backquote(text) {
            quoted.push(b'`');
            quoted.extend_from_slice(text);
            quoted.push(b'`');
        } else if self.plus {
            quote::write_quoted_ascii(&mut quoted, text);
        } else {
            quote::write_quoted(&mut quoted, text);
        }
        self.pad(out, &quoted);
    }

    /// `%x` and `%X` of a string or bytes
    pub fn write_hexadecimal(&self, out: &mut Vec<u8>, text: &[u8], upper: bool) {
        let length = self.precision.map_or(text.len(), |precision| precision.min(text.len()));
        if length == 0 {
            return self.write_padding(out, self.width.unwrap_or(0));
        }
        let (alphabet, prefix) = if upper { (b"0123456789ABCDEF", b"0X") } else { (b"0123456789abcdef", b"0x") };
        let width = match (self.space, self.sharp) {
            (true, true) => 5 * length - 1,
            (true, false) => 3 * length - 1,
            (false, true) => 2 * length + 2,
            (false, false) => 2 * length,
        };
        let missing = self.width.unwrap_or(0).saturating_sub(width);
        if !self.minus {
            self.write_padding(out, missing);
        }
        for (at, byte) in text[..length].iter().enumerate() {
            if self.space && at > 0 {
                out.push(b' ');
            }
            if self.sharp && (self.space || at == 0) {
                out.extend_from_slice(prefix);
            }
            out.extend_from_slice(&[alphabet[usize::from(byte >> 4)], alphabet[usize::from(byte & 15)]]);
        }
        if self.minus {
            self.write_padding(out, missing);
        }
    }

    /// `%d`, `%b`, `%o`, `%O`, `%x`, `%X` of an integer given by sign and size.
    pub fn write_integer(&self, out: &mut Vec<u8>, negative: bool, size: u64, radix: Radix) {
        let mut least = 0;
        if let Some(precision) = self.precision {
            if precision == 0 && size == 0 {
                return self.without_zero().write_padding(out, self.width.unwrap_or(0));
            }
            least = precision;
        } else if let (true, false, Some(width)) = (self.zero, self.minus, self.width) {
            least = width.saturating_sub(usize::from(negative || self.plus || self.space));
        }
        // Written backwards and reversed at the end.
        let mut text = Vec::with_capacity(24);
        let alphabet = if radix.upper { b"0123456789ABCDEF" } else { b"0123456789abcdef" };
        let mut rest = size;
        loop {
            text.push(alphabet[(rest % radix.base) as usize]);
            rest /= radix.base;
            if rest == 0 {
                break;
            }
        }
        if text.len() < least {
            text.resize(least, b'0');
        }
        if self.sharp {
            match radix.base {
                2 => text.extend_from_slice(b"b0"),
                8 if text.last() != Some(&b'0') => text.push(b'0'),
                16 => text.extend_from_slice(if radix.upper { b"X0" } else { b"x0" }),
                _ => {}
            }
        }
        if radix.octal_prefix {
            text.extend_from_slice(b"o0");
        }
        if negative {
            text.push(b'-');
        } else if self.plus {
            text.push(b'+');
        } else if self.space {
            text.push(b' ');
        }
        text.reverse();
        self.without_zero().pad(out, &text);
    }

    /// `%c`; an invalid code prints as U+FFFD.
    pub fn write_character(&self, out: &mut Vec<u8>, code: u64) {
        self.pad(out, character(code).encode_utf8(&mut [0; 4]).as_bytes());
    }

    /// `%q` of an integer
    pub fn write_quoted_character(&self, out: &mut Vec<u8>, code: u64) {
        let mut quoted = Vec::new();
        quote::write_quoted_character(&mut quoted, character(code) as u32, self.plus);
        self.pad(out, &quoted);
    }

    /// `%U`, with the character itself for `%#U`
    pub fn write_code_point(&self, out: &mut Vec<u8>, code: u64) {
        let precision = self.precision.map_or(4, |precision| precision.max(4));
        let mut text = format!("U+{code:0precision$X}", precision = precision.min(usize::from(u16::MAX))).into_bytes();
        if let Some(missing) = (precision + 2).checked_sub(text.len()) {
            text.splice(2..2, std::iter::repeat_n(b'0', missing));
        }
        if self.sharp
            && let Some(character) = u32::try_from(code).ok().and_then(char::from_u32)
            && quote::is_printable(character)
        {
            text.extend_from_slice(format!(" '{character}'").as_bytes());
        }
        self.without_zero().pad(out, &text);
    }

    /// `%e %f %g %b %x` and related verbs of a float; `precision` is the verb's own default.
    pub fn write_float(&self, out: &mut Vec<u8>, value: f64, verb: u8, precision: Option<usize>) {
        let precision = self.precision.or(precision);
        let mut text = vec![b'+'];
        number::format_float(&mut text, value, verb, precision);
        if matches!(text[1], b'-' | b'+') {
            text.remove(0);
        }
        if self.space && text[0] == b'+' && !self.plus {
            text[0] = b' ';
        }
        if matches!(text[1], b'I' | b'N') {
            let unsigned = text[1] == b'N' && !self.space && !self.plus;
            // As in Go, a positive infinity keeps its sign only through the rule below.
            return self.without_zero().pad(out, if unsigned { &text[1..] } else { &text });
        }
        if self.sharp && verb != b'b' {
            restore_zeros(&mut text, verb, precision);
        }
        if !self.plus && text[0] == b'+' {
            return self.pad(out, &text[1..]);
        }
        // The sign comes before padding zeros.
        match self.width {
            Some(width) if self.zero && !self.minus && width > text.len() => {
                out.push(text[0]);
                self.write_padding(out, width - text.len());
                out.extend_from_slice(&text[1..]);
            }
            _ => self.pad(out, &text),
        }
    }
}

/// The effect of `#` on a float: a decimal point, and trailing zeros up to the precision.
fn restore_zeros(text: &mut Vec<u8>, verb: u8, precision: Option<usize>) {
    let mut missing = match verb {
        b'g' | b'G' | b'x' => precision.unwrap_or(6),
        _ => 0,
    };
    let hexadecimal = matches!(verb, b'x' | b'X');
    let exponent = text.iter().position(|byte| match byte {
        b'p' | b'P' => true,
        b'e' | b'E' => !hexadecimal,
        _ => false,
    });
    let tail = text.split_off(exponent.unwrap_or(text.len()));
    let mut point = false;
    let mut significant = false;
    for byte in &text[1..] {
        if *byte == b'.' {
            point = true;
            continue;
        }
        significant |= *byte != b'0';
        if significant {
            missing = missing.saturating_sub(1);
        }
    }
    if !point {
        if text.len() == 2 && text[1] == b'0' {
            missing = missing.saturating_sub(1);
        }
        text.push(b'.');
    }
    text.resize(text.len() + missing, b'0');
    text.extend_from_slice(&tail);
}

/// The character with this code, U+FFFD if it is invalid.
fn character(code: u64) -> char {
    u32::try_from(code).ok().and_then(char::from_u32).unwrap_or('\u{fffd}')
}

/// The number of characters as Go counts them: each byte that is not UTF-8 is one.
fn count_characters(text: &[u8]) -> usize {
    if text.is_ascii() {
        return text.len();
    }
    text.utf8_chunks().map(|chunk| chunk.valid().chars().count() + chunk.invalid().len()).sum()
}

/// Where character number `count` starts.
fn character_offset(text: &[u8], count: usize) -> usize {
    let mut at = 0;
    let mut left = count;
    for chunk in text.utf8_chunks() {
        for character in chunk.valid().chars() {
            if left == 0 {
                return at;
            }
            left -= 1;
            at += character.len_utf8();
        }
        for _ in chunk.invalid() {
            if left == 0 {
                return at;
            }
            left -= 1;
            at += 1;
        }
    }
    at
}
