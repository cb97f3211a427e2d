//! Prints one value with one verb: Go's `printArg` and `printValue`.
//!
//! Goes in: a value, a verb and its flags. Comes out: bytes, or the `%!d(string=hi)` text when the verb does not fit. A verb
//! applies to the contents of maps, lists and structs, so the flags stay the same while it descends.

use super::flags::{Flags, Radix};
use super::{DEPTH_LIMIT, SIZE_LIMIT};
use crate::data::{self, Data};
use crate::template::functions::Fault;
use crate::template::functions::visits::Visits;
use crate::template::value::{IntKind, LateBytes, List, Map, MapKind, Object, Value, bytes};
use std::sync::Arc;

/// The address printed for a pointer; Go's differs from run to run, so this one occurs in no run.
const ADDRESS: u64 = 0xc000000000;

/// Byte lists from this length on may be deferred.
const LONG_LIST: usize = 1 << 10;

/// Writes values into a buffer under the flags of one verb.
pub(super) struct Printer<'a> {
    pub out: &'a mut Vec<u8>,
    pub flags: Flags,
    depth: usize,
    visits: Visits,
    /// Whether this is inside a bad verb's text, where `String` methods are not called.
    erroring: bool,
    /// The largest length of the buffer.
    limit: usize,
    /// The deferred long byte lists with their places; `None` if nothing is deferred.
    left_out: Option<Vec<(usize, LateBytes)>>,
    /// The most bytes that the deferred lists add to the text.
    left_out_size: usize,
}

type Printed = Result<(), Fault>;

impl<'a> Printer<'a> {
    /// A printer without flags.
    pub fn new(out: &'a mut Vec<u8>) -> Printer<'a> {
        let limit = out.len().saturating_add(SIZE_LIMIT);
        let visits = Visits::default();
        Printer { out, flags: Flags::default(), depth: 0, visits, erroring: false, limit, left_out: None, left_out_size: 0 }
    }

    /// A printer that defers long byte lists, see [`Printer::into_lists`].
    pub fn deferring(out: &'a mut Vec<u8>) -> Printer<'a> {
        Printer { left_out: Some(Vec::new()), ..Printer::new(out) }
    }

    /// The deferred lists, and their places in the text.
    pub fn into_lists(self) -> Vec<(usize, LateBytes)> {
        self.left_out.unwrap_or_default()
    }

    /// Fails when more was written than one call may write.
    pub fn check_size(&self) -> Printed {
        if self.out.len() + self.left_out_size > self.limit {
            return Err(Fault::limit(format!("printed text is longer than {SIZE_LIMIT} bytes")));
        }
        Ok(())
    }

    fn push(&mut self, text: &str) {
        self.out.extend_from_slice(text.as_bytes());
    }

    /// The output of `{{ x }}` for an object: a pointer prints its target, without `&`.
    pub fn print_indirect(&mut self, object: &dyn Object) -> Printed {
        match object.to_text() {
            Some(text) => self.push(&text),
            None if object.kind_name() == "ptr" => return self.print_fields(object, 'v'),
            None => return self.print_plainly(object, 'v'),
        }
        Ok(())
    }

    /// An operand of a print function.
    pub fn print_argument(&mut self, value: &Value, verb: char) -> Printed {
        match (value, verb) {
            (Value::Nil, 'v' | 'T') => self.flags.pad(self.out, b"<nil>"),
            (Value::Nil, _) => self.bad_verb(value, verb)?,
            (_, 'T') => {
                let name = value.type_name();
                self.flags.write_string(self.out, name.as_bytes());
            }
            (Value::List(_) | Value::Map(_) | Value::Bytes(_), 'p') => self.print_address(verb),
            (Value::Object(object), 'p') if object.kind_name() == "ptr" => self.print_address(verb),
            (_, 'p') => self.bad_verb(value, verb)?,
            (Value::List(_) | Value::Map(_) | Value::Object(_), 'w') if !self.erroring => self.bad_verb(value, verb)?,
            (Value::Bytes(bytes), 'v') if self.flags.sharp_v => self.print_byte_literal("[]byte", bytes),
            _ => self.print_nested(value, verb)?,
        }
        self.check_size()
    }

    /// A value anywhere below an operand.
    fn print_nested(&mut self, value: &Value, verb: char) -> Printed {
        self.visits.count()?;
        match value {
            Value::Nil if self.flags.sharp_v => self.push("interface {}(nil)"),
            Value::Nil => self.push("<nil>"),
            Value::Bool(truth) => self.print_bool(*truth, verb)?,
            Value::Int(kind, number) => self.print_integer(*kind, *number, verb)?,
            Value::Float(number) => self.print_float(*number, verb)?,
            Value::Complex(parts) => self.print_complex(parts.0, parts.1, verb)?,
            Value::Str(text) => {
                self.print_string(text.as_bytes(), verb)?;
                self.check_size()?;
            }
            Value::Bytes(bytes) => self.print_bytes(bytes, verb)?,
            Value::List(list) => self.descend(|printer| printer.print_list(list, verb))?,
            Value::Map(map) => self.descend(|printer| printer.print_map(map, verb))?,
            Value::Object(object) => self.descend(|printer| printer.print_object(value, &**object, verb))?,
        }
        Ok(())
    }

    fn descend(&mut self, print: impl FnOnce(&mut Self) -> Printed) -> Printed {
        self.check_size()?;
        if self.depth >= DEPTH_LIMIT {
            return Err(Fault::new(format!("value is nested deeper than {DEPTH_LIMIT} levels")));
        }
        self.depth += 1;
        let printed = print(self);
        self.depth -= 1;
        printed
    }

    /// `%!verb(type=value)`
    fn bad_verb(&mut self, value: &Value, verb: char) -> Printed {
        // Go prints the value again as if it were the operand.
        let outer = (std::mem::replace(&mut self.erroring, true), std::mem::replace(&mut self.depth, 0));
        self.push("%!");
        self.out.extend_from_slice(verb.encode_utf8(&mut [0; 4]).as_bytes());
        self.push("(");
        match value {
            Value::Nil => self.push("<nil>"),
            value => {
                self.push(value.type_name());
                self.push("=");
                self.print_argument(value, 'v')?;
            }
        }
        self.push(")");
        (self.erroring, self.depth) = outer;
        Ok(())
    }

    fn print_bool(&mut self, truth: bool, verb: char) -> Printed {
        match verb {
            't' | 'v' => self.flags.pad(self.out, if truth { b"true" } else { b"false" }),
            _ => return self.bad_verb(&Value::Bool(truth), verb),
        }
        Ok(())
    }

    fn print_integer(&mut self, kind: IntKind, number: i64, verb: char) -> Printed {
        let bits = number as u64;
        let negative = !kind.is_unsigned() && number < 0;
        let size = if negative { number.unsigned_abs() } else { bits };
        let radix = match verb {
            'v' if self.flags.sharp_v && kind.is_unsigned() => {
                Flags { sharp: true, ..self.flags }.write_integer(self.out, false, bits, Radix::of(16));
                return Ok(());
            }
            'v' | 'd' => Radix::of(10),
            'b' => Radix::of(2),
            'o' => Radix::of(8),
            'O' => Radix { octal_prefix: true, ..Radix::of(8) },
            'x' => Radix::of(16),
            'X' => Radix { upper: true, ..Radix::of(16) },
            _ => {
                match verb {
                    'c' => self.flags.write_character(self.out, bits),
                    'q' => self.flags.write_quoted_character(self.out, bits),
                    'U' => self.flags.write_code_point(self.out, bits),
                    _ => return self.bad_verb(&Value::Int(kind, number), verb),
                }
                return Ok(());
            }
        };
        self.flags.write_integer(self.out, negative, size, radix);
        Ok(())
    }

    fn print_float(&mut self, number: f64, verb: char) -> Printed {
        let (format, precision) = match verb {
            'v' => (b'g', None),
            'b' | 'g' | 'G' | 'x' | 'X' => (verb as u8, None),
            'f' | 'e' | 'E' => (verb as u8, Some(6)),
            'F' => (b'f', Some(6)),
            _ => return self.bad_verb(&Value::Float(number), verb),
        };
        self.flags.write_float(self.out, number, format, precision);
        Ok(())
    }

    fn print_complex(&mut self, real: f64, imaginary: f64, verb: char) -> Printed {
        if !matches!(verb, 'v' | 'b' | 'g' | 'G' | 'x' | 'X' | 'f' | 'F' | 'e' | 'E') {
            return self.bad_verb(&Value::Complex((real, imaginary).into()), verb);
        }
        let plus = self.flags.plus;
        self.push("(");
        self.print_float(real, verb)?;
        self.flags.plus = true;
        self.print_float(imaginary, verb)?;
        self.push("i)");
        self.flags.plus = plus;
        Ok(())
    }

    fn print_string(&mut self, text: &[u8], verb: char) -> Printed {
        match verb {
            'v' if self.flags.sharp_v => self.flags.write_quoted(self.out, text),
            'v' | 's' => self.flags.write_string(self.out, text),
            'x' => self.flags.write_hexadecimal(self.out, text, false),
            'X' => self.flags.write_hexadecimal(self.out, text, true),
            'q' => self.flags.write_quoted(self.out, text),
            _ => return self.bad_verb(&Value::str(text), verb),
        }
        Ok(())
    }

    fn print_bytes(&mut self, bytes: &Arc<[u8]>, verb: char) -> Printed {
        match verb {
            'v' if bytes.len() >= LONG_LIST && self.leaves_out(verb) => return self.leave_out(LateBytes::Here(bytes.clone())),
            's' => self.flags.write_string(self.out, bytes),
            'x' => self.flags.write_hexadecimal(self.out, bytes, false),
            'X' => self.flags.write_hexadecimal(self.out, bytes, true),
            'q' => self.flags.write_quoted(self.out, bytes),
            'v' if self.flags.sharp_v => self.print_byte_literal("[]uint8", bytes),
            'v' | 'd' if self.flags == Flags::default() => {
                write_byte_list(self.out, bytes);
            }
            _ => {
                self.push("[");
                for (at, byte) in bytes.iter().enumerate() {
                    if at > 0 {
                        self.push(" ");
                    }
                    self.print_integer(IntKind::Uint8, i64::from(*byte), verb)?;
                }
                self.push("]");
            }
        }
        self.check_size()
    }

    /// Whether long byte lists are deferred.
    fn leaves_out(&self, verb: char) -> bool {
        verb == 'v' && self.flags == Flags::default() && self.left_out.is_some()
    }

    fn leave_out(&mut self, bytes: LateBytes) -> Printed {
        // At most four bytes each.
        self.left_out_size = self.left_out_size.saturating_add(bytes.length().saturating_mul(4));
        self.left_out.get_or_insert_default().push((self.out.len(), bytes));
        self.check_size()
    }

    fn print_byte_literal(&mut self, name: &str, bytes: &Arc<[u8]>) {
        if bytes::is_nil(bytes) {
            self.push(name);
            return self.push("(nil)");
        }
        self.push(name);
        self.push("{");
        for (at, byte) in bytes.iter().enumerate() {
            if at > 0 {
                self.push(", ");
            }
            Flags { sharp: true, ..self.flags }.write_integer(self.out, false, u64::from(*byte), Radix::of(16));
        }
        self.push("}");
    }

    /// The brackets and separators of a sequence; `opening` is the type's name and `{` in Go syntax.
    fn print_sequence<T>(&mut self, name: &str, items: impl Iterator<Item = T>, print: impl Fn(&mut Self, T) -> Printed) -> Printed {
        let go_syntax = self.flags.sharp_v;
        if go_syntax {
            self.push(name);
        }
        self.push(if go_syntax { "{" } else { "[" });
        for (at, item) in items.enumerate() {
            if at > 0 {
                self.push(if go_syntax { ", " } else { " " });
            }
            print(self, item)?;
        }
        self.push(if go_syntax { "}" } else { "]" });
        Ok(())
    }

    /// As [`Printer::print_sequence`], with `map` before plain brackets.
    fn print_entries<K: AsRef<[u8]>, V>(
        &mut self,
        name: &str,
        entries: impl Iterator<Item = (K, V)>,
        verb: char,
        print: impl Fn(&mut Self, V) -> Printed,
    ) -> Printed {
        if !self.flags.sharp_v {
            self.push("map");
        }
        self.print_sequence(name, entries, |printer, (key, value)| {
            printer.print_string(key.as_ref(), verb)?;
            printer.push(":");
            print(printer, value)
        })
    }

    fn print_list(&mut self, list: &List, verb: char) -> Printed {
        let name = list.kind().name();
        if list.is_nil() && self.flags.sharp_v {
            self.push(name);
            self.push("(nil)");
            return Ok(());
        }
        match list.pristine() {
            Some(items) => self.print_sequence(name, items.iter(), |printer, item| printer.print_data(item, verb)),
            None => self.print_sequence(name, list.items().iter(), |printer, item| printer.print_nested(item, verb)),
        }
    }

    fn print_map(&mut self, map: &Map, verb: char) -> Printed {
        let name = map.kind().name();
        if map.is_nil() && self.flags.sharp_v {
            self.push(name);
            self.push("(nil)");
            return Ok(());
        }
        match map.pristine() {
            Some(source) => self.print_shared_map(name, &source, verb),
            None => {
                let entries = map.entries();
                let entries = entries.iter().map(|(key, value)| (key.as_bytes(), value));
                self.print_entries(name, entries, verb, |printer, value| printer.print_nested(value, verb))
            }
        }
    }

    fn print_shared_map(&mut self, name: &str, map: &data::Map, verb: char) -> Printed {
        let entries = map.iter().map(|(key, value)| (key.as_bytes(), value));
        self.print_entries(name, entries, verb, |printer, value| printer.print_data(value, verb))
    }

    /// Prints a shared tree without converting it to values.
    fn print_data(&mut self, data: &Data, verb: char) -> Printed {
        match data {
            Data::Null => self.print_nested(&Value::Nil, verb),
            Data::Bool(truth) => self.print_bool(*truth, verb),
            Data::Int(number) => self.print_integer(IntKind::Int64, *number, verb),
            Data::Float(number) => self.print_float(*number, verb),
            Data::Str(text) => self.print_string(text.as_bytes(), verb),
            Data::Bytes(text) => self.print_string(text, verb),
            Data::List(items) => self
                .descend(|printer| printer.print_sequence("[]interface {}", items.iter(), |printer, item| printer.print_data(item, verb))),
            Data::Map(map) => self.descend(|printer| printer.print_shared_map(MapKind::Any.name(), map, verb)),
        }
    }

    /// A struct, pointer or named type: its `String` method if the verb accepts text, else its contents.
    fn print_object(&mut self, value: &Value, object: &dyn Object, verb: char) -> Printed {
        if !self.erroring {
            let text = if self.flags.sharp_v {
                object.to_go_syntax()
            } else if matches!(verb, 'v' | 's' | 'x' | 'X' | 'q') {
                object.to_text()
            } else {
                None
            };
            match text {
                Some(text) if self.flags.sharp_v => {
                    self.flags.write_string(self.out, text.as_bytes());
                    return Ok(());
                }
                Some(text) => return self.print_string(text.as_bytes(), verb),
                None => {}
            }
        }
        if object.kind_name() != "ptr" {
            return self.print_plainly(object, verb);
        }
        if self.depth > 1 {
            return match verb {
                'v' | 'p' | 'b' | 'o' | 'd' | 'x' | 'X' => {
                    self.print_address(verb);
                    Ok(())
                }
                _ => self.bad_verb(value, verb),
            };
        }
        self.push("&");
        self.print_fields(object, verb)
    }

    /// The contents of an object that is not a pointer.
    fn print_plainly(&mut self, object: &dyn Object, verb: char) -> Printed {
        if let Some(value) = object.underlying() {
            return self.print_underlying(object, &value, verb);
        }
        if self.leaves_out(verb)
            && let Some(entries) = object.late_entries()
        {
            let entries = entries.iter().map(|(key, bytes)| (key.as_bytes(), bytes.clone()));
            return self.print_entries(object.type_name(), entries, verb, |printer, bytes| match bytes.length() {
                LONG_LIST.. => printer.leave_out(bytes),
                _ => printer.print_bytes(&bytes.fetch(), verb),
            });
        }
        if let Some(entries) = object.entries() {
            let entries = entries.iter().map(|(key, value)| (key.as_bytes(), value));
            return self.print_entries(object.type_name(), entries, verb, |printer, value| printer.print_nested(value, verb));
        }
        self.print_fields(object, verb)
    }

    /// A named number or string, such as `time.Month`; a bad verb names its own type.
    fn print_underlying(&mut self, object: &dyn Object, value: &Value, verb: char) -> Printed {
        let start = self.out.len();
        self.print_nested(value, verb)?;
        let bad = [b"%!", verb.encode_utf8(&mut [0; 4]).as_bytes(), b"(", value.type_name().as_bytes(), b"="].concat();
        if self.out[start..].starts_with(&bad) {
            let name = start + bad.len() - value.type_name().len() - 1;
            let name = name..name + value.type_name().len();
            self.out.splice(name, object.type_name().bytes());
        }
        Ok(())
    }

    fn print_fields(&mut self, object: &dyn Object, verb: char) -> Printed {
        if self.flags.sharp_v {
            self.push(object.type_name().trim_start_matches('*'));
        }
        self.push("{");
        for (at, (name, value)) in object.fields().iter().enumerate() {
            if at > 0 {
                self.push(if self.flags.sharp_v { ", " } else { " " });
            }
            if self.flags.plus_v || self.flags.sharp_v {
                self.push(name);
                self.push(":");
            }
            self.print_nested(value, verb)?;
        }
        self.push("}");
        Ok(())
    }

    fn print_address(&mut self, verb: char) {
        let flags = Flags { sharp: !self.flags.sharp, ..self.flags };
        let radix = match verb {
            'b' => Radix::of(2),
            'o' => Radix::of(8),
            'd' => Radix::of(10),
            'X' => Radix { upper: true, ..Radix::of(16) },
            _ => Radix::of(16),
        };
        let flags = if matches!(verb, 'v' | 'p') { flags } else { self.flags };
        flags.write_integer(self.out, false, ADDRESS, radix);
    }
}

/// `[97 98]`. Charts print megabytes this way when a context with `.Files` becomes the key of a `dict` by mistake.
pub(super) fn write_byte_list(out: &mut Vec<u8>, bytes: &[u8]) {
    /// Each byte's digits and a space, and how many bytes that is.
    const DIGITS: [([u8; 4], u8); 256] = {
        let mut table = [([b' '; 4], 0); 256];
        let mut byte = 0;
        while byte < 256 {
            let digits = [b'0' + (byte / 100) as u8, b'0' + (byte / 10 % 10) as u8, b'0' + (byte % 10) as u8];
            let skipped = if byte >= 100 {
                0
            } else if byte >= 10 {
                1
            } else {
                2
            };
            let mut at = skipped;
            while at < 3 {
                table[byte].0[at - skipped] = digits[at];
                at += 1;
            }
            table[byte].1 = (4 - skipped) as u8;
            byte += 1;
        }
        table
    };
    out.push(b'[');
    let mut at = out.len();
    out.resize(at + bytes.len() * 4, b' ');
    for byte in bytes {
        let (digits, length) = DIGITS[usize::from(*byte)];
        if let Some(place) = out.get_mut(at..at + 4) {
            place.copy_from_slice(&digits);
        }
        at += usize::from(length);
    }
    out.truncate(if bytes.is_empty() { at } else { at - 1 });
    out.push(b']');
}

#[cfg(test)]
mod byte_list_tests {
    use super::write_byte_list;

    #[test]
    fn bytes_are_printed_as_numbers() {
        let mut out = Vec::new();
        write_byte_list(&mut out, &[0, 9, 10, 99, 100, 255]);
        write_byte_list(&mut out, &[]);
        assert_eq!(out, b"[0 9 10 99 100 255][]");
    }
}
