//! `printf`: the format text, its flags, widths, argument indexes and verbs.
//!
//! Goes in: a format and operands. Comes out: bytes; every mistake in the format becomes text, as in Go's `doPrintf`
//! (`%!d(MISSING)`, `%!(NOVERB)`, `%!(BADINDEX)`, `%!(EXTRA int=1)`).

use super::flags::Flags;
use super::printer::Printer;
use crate::template::functions::Fault;
use crate::template::value::Value;

/// Larger widths, precisions and argument numbers are not accepted as numbers.
const LARGEST_NUMBER: i64 = 1_000_000;

/// `fmt.Sprintf`. Fails only on values and texts beyond the limits.
pub fn sprintf(format: &[u8], values: &[Value]) -> Result<Vec<u8>, Fault> {
    let mut out = Vec::with_capacity(format.len() + 16 * values.len());
    let mut scan = Scan { format, at: 0, values, argument: 0, reordered: false, good_argument: true };
    while let Some(offset) = memchr::memchr(b'%', &format[scan.at..]) {
        out.extend_from_slice(&format[scan.at..scan.at + offset]);
        scan.at += offset + 1;
        scan.directive(&mut Printer::new(&mut out))?;
        super::check_size(&out)?;
    }
    out.extend_from_slice(&format[scan.at..]);
    if !scan.reordered && scan.argument < values.len() {
        write_extra(&mut out, &values[scan.argument..])?;
    }
    Ok(out)
}

/// `%!(EXTRA type=value, …)`
fn write_extra(out: &mut Vec<u8>, values: &[Value]) -> Result<(), Fault> {
    out.extend_from_slice(b"%!(EXTRA ");
    for (at, value) in values.iter().enumerate() {
        if at > 0 {
            out.extend_from_slice(b", ");
        }
        if !matches!(value, Value::Nil) {
            out.extend_from_slice(value.type_name().as_bytes());
            out.push(b'=');
        }
        super::print_plain(value, out)?;
        super::check_size(out)?;
    }
    out.push(b')');
    Ok(())
}

/// The state of scanning a format.
struct Scan<'a> {
    format: &'a [u8],
    at: usize,
    values: &'a [Value],
    /// The operand the next verb takes.
    argument: usize,
    /// Whether any `[n]` was used: then surplus operands are not reported.
    reordered: bool,
    good_argument: bool,
}

impl Scan<'_> {
    fn peek(&self) -> Option<u8> {
        self.format.get(self.at).copied()
    }

    /// Processes the directive after a `%`.
    fn directive(&mut self, printer: &mut Printer) -> Result<(), Fault> {
        self.good_argument = true;
        printer.flags = Flags::default();
        self.flags(&mut printer.flags);
        let mut after_index = self.index();
        if self.peek() == Some(b'*') {
            self.at += 1;
            self.star_width(printer);
            after_index = false;
        } else {
            printer.flags.width = self.number();
            if after_index && printer.flags.width.is_some() {
                self.good_argument = false;
            }
        }
        // A point at the very end is the verb, not a precision.
        if self.peek() == Some(b'.') && self.at + 1 < self.format.len() {
            self.at += 1;
            if after_index {
                self.good_argument = false;
            }
            after_index = self.index();
            if self.peek() == Some(b'*') {
                self.at += 1;
                self.star_precision(printer);
                after_index = false;
            } else {
                printer.flags.precision = Some(self.number().unwrap_or(0));
            }
        }
        if !after_index {
            self.index();
        }
        let Some(verb) = self.verb() else {
            printer.out.extend_from_slice(b"%!(NOVERB)");
            return Ok(());
        };
        self.print(printer, verb)
    }

    fn print(&mut self, printer: &mut Printer, verb: char) -> Result<(), Fault> {
        let fault = if verb == '%' {
            printer.out.push(b'%');
            return Ok(());
        } else if !self.good_argument {
            "(BADINDEX)"
        } else if self.argument >= self.values.len() {
            "(MISSING)"
        } else {
            if matches!(verb, 'v' | 'w') {
                let flags = &mut printer.flags;
                flags.sharp_v = std::mem::take(&mut flags.sharp);
                flags.plus_v = std::mem::take(&mut flags.plus);
            }
            let value = &self.values[self.argument];
            self.argument += 1;
            return printer.print_argument(value, verb);
        };
        printer.out.extend_from_slice(b"%!");
        printer.out.extend_from_slice(verb.encode_utf8(&mut [0; 4]).as_bytes());
        printer.out.extend_from_slice(fault.as_bytes());
        Ok(())
    }

    fn flags(&mut self, flags: &mut Flags) {
        while let Some(byte) = self.peek() {
            match byte {
                b'#' => flags.sharp = true,
                b'0' => flags.zero = true,
                b'+' => flags.plus = true,
                b'-' => flags.minus = true,
                b' ' => flags.space = true,
                _ => return,
            }
            self.at += 1;
        }
    }

    /// The verb's character; U+FFFD for a byte that is not UTF-8.
    fn verb(&mut self) -> Option<char> {
        let rest = self.format.get(self.at..).filter(|rest| !rest.is_empty())?;
        let chunk = rest[..rest.len().min(4)].utf8_chunks().next()?;
        match chunk.valid().chars().next() {
            Some(verb) => {
                self.at += verb.len_utf8();
                Some(verb)
            }
            None => {
                self.at += 1;
                Some('\u{fffd}')
            }
        }
    }

    /// Decimal digits; too large a number consumes the rest of the format, as in Go.
    fn number(&mut self) -> Option<usize> {
        let end = self.format.len();
        let (number, at) = parse_number(self.format, self.at, end);
        self.at = at;
        number
    }

    /// `[n]`; whether there was one.
    fn index(&mut self) -> bool {
        if self.peek() != Some(b'[') {
            return false;
        }
        self.reordered = true;
        let rest = &self.format[self.at..];
        let close = if rest.len() < 3 { None } else { rest.iter().position(|byte| *byte == b']') };
        let Some(close) = close else {
            self.good_argument = false;
            self.at += 1;
            return false;
        };
        self.at += close + 1;
        let (number, end) = parse_number(rest, 1, close);
        match number {
            Some(number) if end == close => {
                if (1..=self.values.len()).contains(&number) {
                    self.argument = number - 1;
                } else {
                    self.good_argument = false;
                }
                true
            }
            _ => {
                self.good_argument = false;
                false
            }
        }
    }

    /// The operand of a `*`, if it is an integer within the limit.
    fn star(&mut self) -> Option<i64> {
        let value = self.values.get(self.argument)?;
        self.argument += 1;
        let number = match value {
            Value::Int(kind, number) if *number >= 0 || !kind.is_unsigned() => *number,
            Value::Object(object) => match object.underlying() {
                Some(Value::Int(_, number)) => number,
                _ => return None,
            },
            _ => return None,
        };
        (-LARGEST_NUMBER..=LARGEST_NUMBER).contains(&number).then_some(number)
    }

    fn star_width(&mut self, printer: &mut Printer) {
        match self.star() {
            Some(width) => {
                printer.flags.width = usize::try_from(width.unsigned_abs()).ok();
                if width < 0 {
                    printer.flags.minus = true;
                    printer.flags.zero = false;
                }
            }
            None => printer.out.extend_from_slice(b"%!(BADWIDTH)"),
        }
    }

    fn star_precision(&mut self, printer: &mut Printer) {
        printer.flags.precision = self.star().and_then(|precision| usize::try_from(precision).ok());
        if printer.flags.precision.is_none() {
            printer.out.extend_from_slice(b"%!(BADPREC)");
        }
    }
}

/// The number from `at` on, up to `end`, and the end of its digits.
fn parse_number(text: &[u8], at: usize, end: usize) -> (Option<usize>, usize) {
    let mut number = None;
    for (place, byte) in text.iter().enumerate().take(end).skip(at) {
        if !byte.is_ascii_digit() {
            return (number, place);
        }
        let so_far = number.unwrap_or(0);
        if so_far > LARGEST_NUMBER as usize {
            return (None, end);
        }
        number = Some(so_far * 10 + usize::from(byte - b'0'));
    }
    (number, end)
}
