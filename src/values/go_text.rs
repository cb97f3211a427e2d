//! Trees as Go prints them in messages: `%v`, `%t` and `%q`.
//!
//! Goes in: a [`Data`] node or a text. Comes out: what Go's `fmt` makes of the same value in an `interface{}`.
//! Apart from `template::format`, which stands above this layer and prints every type of the template language.

use crate::data::Data;
use std::fmt::Write;

/// `%v`: `map[a:1 b:[x y]]`, `<nil>`, floats in their shortest form.
pub fn print(data: &Data) -> String {
    let mut out = String::new();
    write_value(data, &mut out, &scalar);
    out
}

/// `%t`, the verb of truths, which Helm uses for "type mismatch": `true`, `%!t(float64=1)`, lists item by item.
pub fn print_truth(data: &Data) -> String {
    let mut out = String::new();
    write_value(data, &mut out, &|data| match data {
        Data::Bool(truth) => truth.to_string(),
        Data::Null => "%!t(<nil>)".to_string(),
        Data::Int(_) => format!("%!t(int64={})", scalar(data)),
        Data::Float(_) => format!("%!t(float64={})", scalar(data)),
        _ => format!("%!t(string={})", scalar(data)),
    });
    out
}

fn write_value(data: &Data, out: &mut String, scalar: &dyn Fn(&Data) -> String) {
    match data {
        Data::List(items) => {
            out.push('[');
            for (at, item) in items.iter().enumerate() {
                if at > 0 {
                    out.push(' ');
                }
                write_value(item, out, scalar);
            }
            out.push(']');
        }
        Data::Map(map) => {
            out.push_str("map[");
            for (at, (key, value)) in map.iter().enumerate() {
                if at > 0 {
                    out.push(' ');
                }
                out.push_str(&scalar(&Data::Str(key.clone())));
                out.push(':');
                write_value(value, out, scalar);
            }
            out.push(']');
        }
        other => out.push_str(&scalar(other)),
    }
}

fn scalar(data: &Data) -> String {
    match data {
        Data::Null => "<nil>".to_string(),
        Data::Bool(truth) => truth.to_string(),
        Data::Int(number) => number.to_string(),
        Data::Float(number) => float(*number),
        Data::Str(text) => text.to_string(),
        Data::List(_) | Data::Map(_) => String::new(),
    }
}

/// `%v` of a float64: shortest digits, exponent form below 1e-4 and from 1e6 on.
pub fn float(number: f64) -> String {
    if !number.is_finite() {
        let text = if number.is_nan() {
            "NaN"
        } else if number > 0.0 {
            "+Inf"
        } else {
            "-Inf"
        };
        return text.to_string();
    }
    let shortest = format!("{number:e}");
    let Some((digits, exponent)) = shortest.split_once('e') else { return shortest };
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if number != 0.0 && !(-4..6).contains(&exponent) {
        let sign = if exponent < 0 { '-' } else { '+' };
        return format!("{digits}e{sign}{:02}", exponent.unsigned_abs());
    }
    format!("{number}")
}

/// `%q`: a Go string literal.
pub fn quote(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for character in text.chars() {
        push_escaped(character, '"', &mut out);
    }
    out.push('"');
    out
}

/// `%q` of a `[]rune`: `['a' 'b']`.
pub fn quote_runes(runes: &[char]) -> String {
    let mut out = String::from("[");
    for (at, &rune) in runes.iter().enumerate() {
        if at > 0 {
            out.push(' ');
        }
        out.push('\'');
        push_escaped(rune, '\'', &mut out);
        out.push('\'');
    }
    out.push(']');
    out
}

fn push_escaped(character: char, quote: char, out: &mut String) {
    match character {
        '\\' => out.push_str("\\\\"),
        _ if character == quote => {
            out.push('\\');
            out.push(quote);
        }
        '\x07' => out.push_str("\\a"),
        '\x08' => out.push_str("\\b"),
        '\x0c' => out.push_str("\\f"),
        '\n' => out.push_str("\\n"),
        '\r' => out.push_str("\\r"),
        '\t' => out.push_str("\\t"),
        '\x0b' => out.push_str("\\v"),
        _ if is_printable(character) => out.push(character),
        // Writing to a String cannot fail.
        _ if u32::from(character) < 0x80 => drop(write!(out, "\\x{:02x}", u32::from(character))),
        _ if u32::from(character) < 0x10000 => drop(write!(out, "\\u{:04x}", u32::from(character))),
        _ => drop(write!(out, "\\U{:08x}", u32::from(character))),
    }
}

/// Close to Go's `strconv.IsPrint`: the standard library escapes what is not printable, and combining marks besides.
fn is_printable(character: char) -> bool {
    matches!(character, ' '..='~') || character.is_alphanumeric() || character.escape_debug().count() == 1 && character > '~'
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Map;

    #[test]
    fn values_print_as_in_go() {
        let map = Data::map(Map::from_entries(vec![
            ("b".into(), Data::list(vec![Data::Float(1.0), Data::Null, Data::str("x")])),
            ("a".into(), Data::Int(7)),
        ]));
        assert_eq!(print(&map), "map[a:7 b:[1 <nil> x]]");
        assert_eq!(print_truth(&Data::list(vec![Data::str("a"), Data::Bool(true)])), "[%!t(string=a) true]");
        assert_eq!(print_truth(&Data::Float(1.0)), "%!t(float64=1)");
    }

    #[test]
    fn floats_take_the_shortest_form() {
        for (number, want) in [
            (1e6, "1e+06"),
            (123456789.0, "1.23456789e+08"),
            (100000.0, "100000"),
            (-1234567.0, "-1.234567e+06"),
            (1e21, "1e+21"),
            (0.0001, "0.0001"),
            (0.00001, "1e-05"),
            (1.5, "1.5"),
            (-0.0, "-0"),
        ] {
            assert_eq!(float(number), want);
        }
    }

    #[test]
    fn quoting_escapes_what_go_escapes() {
        assert_eq!(quote("a\"\\\n\x01\u{200b}é"), "\"a\\\"\\\\\\n\\x01\\u200bé\"");
        assert_eq!(quote_runes(&['a', '\'']), "['a' '\\'']");
    }
}
