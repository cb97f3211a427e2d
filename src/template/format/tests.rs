//! Printing, recorded from Go.

use super::*;

fn plain(values: &[Value]) -> String {
    String::from_utf8(sprint(values).unwrap()).unwrap()
}

fn formatted(format: &str, values: &[Value]) -> String {
    String::from_utf8_lossy(&sprintf(format.as_bytes(), values).unwrap()).into_owned()
}

#[test]
fn prints_put_spaces_between_operands_that_are_not_strings() {
    assert_eq!(plain(&[Value::int(1), Value::Nil, Value::int(2)]), "1 <nil> 2");
    assert_eq!(plain(&[Value::str("a"), Value::int(2), Value::str("b"), Value::str("c")]), "a2bc");
    assert_eq!(sprintln(&[Value::str("a"), Value::str("b")]).unwrap(), b"a b\n");
}

#[test]
fn a_map_that_holds_itself_is_refused() {
    let map = crate::template::value::Map::new(crate::template::value::MapKind::Any);
    map.insert("self".into(), Value::Map(map.clone()));
    assert!(sprint(&[Value::Map(map.clone())]).unwrap_err().message.contains("nested deeper"));
    map.remove(b"self");
}

#[test]
fn a_text_beyond_the_limit_is_refused() {
    let format = "%1000000d".repeat(300);
    let values = vec![Value::int(1); 300];
    assert!(sprintf(format.as_bytes(), &values).unwrap_err().message.contains("longer than"));
    // Operands that no verb takes are printed too.
    let values = vec![Value::str("x".repeat(1 << 20)); 100];
    assert!(sprintf(b"", &values).unwrap_err().message.contains("longer than"));
}

#[test]
fn formats() {
    // Recorded from Go 1.26 fmt.Sprintf.
    let list = Value::list(vec![Value::int(1), Value::str("a"), Value::Nil]);
    let map = Value::map([("b".into(), Value::int(1)), ("a".into(), Value::str("x"))]);
    for (format, values, want) in [
        ("%d", vec![Value::str("hi")], "%!d(string=hi)"),
        ("%5d|%-5d|%05d", vec![Value::int(42), Value::int(42), Value::int(-42)], "   42|42   |-0042"),
        ("%v %v", vec![list.clone(), map.clone()], "[1 a <nil>] map[a:x b:1]"),
        (
            "%#v %#v",
            vec![list.clone(), map.clone()],
            "[]interface {}{1, \"a\", interface {}(nil)} map[string]interface {}{\"a\":\"x\", \"b\":1}",
        ),
        ("%d", vec![list], "[1 %!d(string=a) <nil>]"),
        ("%s", vec![Value::Nil], "%!s(<nil>)"),
        ("%d %d", vec![Value::int(1)], "1 %!d(MISSING)"),
        ("%d", vec![Value::int(1), Value::int(2), Value::str("x")], "1%!(EXTRA int=2, string=x)"),
        ("%", vec![], "%!(NOVERB)"),
        ("%[2]d %[1]d", vec![Value::int(1), Value::int(2)], "2 1"),
        ("%[3]d", vec![Value::int(1)], "%!d(BADINDEX)"),
        ("%*d", vec![Value::str("x"), Value::int(2)], "%!(BADWIDTH)2"),
        ("%x %X % x %#x", vec![Value::str("hello"), Value::str("hi"), Value::str("hi"), Value::str("hi")], "68656c6c6f 6869 68 69 0x6869"),
        ("%x", vec![Value::Float(3.5)], "0x1.cp+01"),
        ("%q %c %U %#U", vec![Value::int(97), Value::int(97), Value::int(0x1F600), Value::int(97)], "'a' a U+1F600 U+0061 'a'"),
        ("%6.2f|%e|%g", vec![Value::Float(3.25159), Value::Float(1234.5), Value::Float(1e6)], "  3.25|1.234500e+03|1e+06"),
        ("%T %T", vec![Value::Nil, map], "<nil> map[string]interface {}"),
        ("%t %t", vec![Value::Bool(true), Value::int(1)], "true %!t(int=1)"),
        ("%5t|%-7v|%q", vec![Value::Bool(true), Value::Nil, Value::str("a\"b")], " true|<nil>  |\"a\\\"b\""),
        ("%v", vec![Value::Complex((1.0, -2.0).into())], "(1-2i)"),
        ("%%|%5%", vec![], "%|%"),
        ("%.2s|%.10s", vec![Value::str("héllo"), Value::str("ab")], "hé|ab"),
    ] {
        assert_eq!(formatted(format, &values), want, "{format}");
    }
}

/// A value of the case files: plain JSON for nil and bool, else `{"type": …}`, numbers as text.
fn value_of(json: &serde_json::Value) -> Value {
    use crate::template::value::{IntKind, List, ListKind};
    let Some((kind, inside)) = json.as_object().and_then(|entries| entries.iter().next()) else {
        return json.as_bool().map_or(Value::Nil, Value::Bool);
    };
    let text = inside.as_str().unwrap_or_default();
    match kind.as_str() {
        "int" => Value::int(text.parse().unwrap()),
        "int64" => Value::int64(text.parse().unwrap()),
        "uint8" => Value::Int(IntKind::Uint8, text.parse().unwrap()),
        "uint64" => Value::Int(IntKind::Uint64, text.parse::<u64>().unwrap() as i64),
        "float" => Value::Float(text.parse().unwrap()),
        "complex" => Value::Complex((inside[0].as_f64().unwrap(), inside[1].as_f64().unwrap()).into()),
        "string" => Value::str(text),
        "bytes" => Value::Bytes(text.as_bytes().into()),
        "strings" => Value::List(List::new(
            ListKind::Str,
            inside.as_array().unwrap().iter().map(|item| Value::str(item.as_str().unwrap())).collect(),
        )),
        "list" => Value::list(inside.as_array().unwrap().iter().map(value_of).collect()),
        "map" => Value::map(inside.as_object().unwrap().iter().map(|(key, value)| (key.as_str().into(), value_of(value)))),
        other => panic!("unknown type {other}"),
    }
}

/// `testdata/printf/cases.jsonl`: random formats and operands with the result of Go 1.26.8's fmt.Sprintf, which Helm 4.2.4 uses.
#[test]
fn recorded_formats() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/testdata/printf/cases.jsonl");
    let text = std::fs::read_to_string(path).unwrap();
    let mut faults = Vec::new();
    assert!(text.lines().count() > 100, "the cases are there");
    for line in text.lines() {
        let case: serde_json::Value = serde_json::from_str(line).unwrap();
        let arguments: Vec<Value> = case["arguments"].as_array().unwrap().iter().map(value_of).collect();
        let (format, want) = (case["format"].as_str().unwrap(), case["want"].as_str().unwrap());
        let got = formatted(format, &arguments);
        if got != want {
            faults.push(format!("{format:?} {}\n  want {want:?}\n  got  {got:?}", case["arguments"]));
        }
    }
    assert!(faults.is_empty(), "{} of {}\n{}", faults.len(), text.lines().count(), faults.join("\n"));
}

proptest::proptest! {
    /// No format text panics, whatever its bytes.
    #[test]
    fn any_format_is_text(format in proptest::collection::vec(proptest::sample::select(b"%%%%#0+- .*[]123xdvqsfgeTUc\xc3\xa9\xff".to_vec()), 0..30)) {
        let values = [Value::int(-5), Value::Float(1e-7), Value::str(&b"\xffa"[..]), Value::Nil, Value::list(vec![Value::Bool(true)])];
        proptest::prop_assert!(sprintf(&format, &values).is_ok());
    }
}
