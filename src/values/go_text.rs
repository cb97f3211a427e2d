//! Trees as Go prints them in messages: `%v`, `%t` and `%q`.
//!
//! Goes in: a [`Data`] node or a text. Comes out: the text that Go's `fmt` makes of the same value in an `interface{}`.
//! It is separate from `template::format`, which belongs to a higher layer and prints every type of the template language.

use crate::data::Data;

/// `%v`: `map[a:1 b:[x y]]`, `<nil>`, floats in their shortest form.
pub fn print(data: &Data) -> String {
    let mut out = String::new();
    write_value(data, &mut out, &scalar);
    out
}

/// `%t`, the verb for booleans, which Helm uses for "type mismatch": `true`, `%!t(float64=1)`, lists item by item.
pub fn print_truth(data: &Data) -> String {
    if data.is_null() {
        return "%!t(<nil>)".to_string();
    }
    let mut out = String::new();
    write_value(data, &mut out, &|data| match data {
        Data::Bool(truth) => truth.to_string(),
        Data::Null => scalar(data),
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
        Data::Float(number) => crate::number::format_g(*number),
        Data::Str(text) => text.to_string(),
        Data::Bytes(text) => String::from_utf8_lossy(text).into_owned(),
        Data::List(_) | Data::Map(_) => String::new(),
    }
}

/// `%T`: Go's name of the dynamic type.
pub fn type_name(data: &Data) -> &'static str {
    match data {
        Data::Null => "<nil>",
        Data::Bool(_) => "bool",
        Data::Int(_) => "int64",
        Data::Float(_) => "float64",
        Data::Str(_) | Data::Bytes(_) => "string",
        Data::List(_) => "[]interface {}",
        Data::Map(_) => "map[string]interface {}",
    }
}

/// `%q` of a `[]rune`: `['a' 'b']`.
pub fn quote_runes(runes: &[char]) -> String {
    let mut out = vec![b'['];
    for (at, &rune) in runes.iter().enumerate() {
        if at > 0 {
            out.push(b' ');
        }
        crate::quote::write_quoted_character(&mut out, rune.into(), false);
    }
    out.push(b']');
    String::from_utf8_lossy(&out).into_owned()
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
    fn quoting_escapes_what_go_escapes() {
        assert_eq!(crate::quote::quote("a\"\n\u{200b}é"), "\"a\\\"\\n\\u200bé\"");
        assert_eq!(quote_runes(&['a', '\'']), "['a' '\\'']");
    }
}
