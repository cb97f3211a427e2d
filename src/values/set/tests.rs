//! `--set` texts and Helm 4.2.4's results (`<` marks a fault).

use super::*;
use crate::values::go_text::print;
use crate::values::sample::data;

fn result(flag: &str, text: &str, base: &str) -> String {
    let Data::Map(base) = data(base) else { panic!("{base} is no map") };
    let mut values = Map::clone(&base);
    let outcome = match flag {
        "set" => typed(text, &mut values),
        "string" => string(text, &mut values),
        "json" => json(text, &mut values),
        "file" => file(text, &mut values, &mut |path| Ok(format!("<{path}>").into_bytes())),
        _ => literal(text, &mut values),
    };
    match outcome {
        Ok(()) => print(&Data::map(values)),
        Err(error) => format!("< {error}"),
    }
}

#[test]
fn texts_without_base() {
    for (flag, text, want) in [
        ("set", "a=1,b=x", "map[a:1 b:x]"),
        ("set", "a.b.c=1", "map[a:map[b:map[c:1]]]"),
        ("set", "a=01,b=0,c=-00,d=+1,e=1.0", "map[a:01 b:0 c:0 d:1 e:1.0]"),
        ("set", "a=TRUE,b=False,c=Null", "map[a:true b:false c:<nil>]"),
        ("set", "a={x,1},b={}", "map[a:[x 1] b:[]]"),
        ("set", "a[2]=x", "map[a:[<nil> <nil> x]]"),
        ("set", "a[0].b=1,a[0].c=2", "map[a:[map[b:1 c:2]]]"),
        ("set", "a[1][0]=x", "map[a:[<nil> [x]]]"),
        ("set", r"a\.b=x\,y", "map[a.b:x,y]"),
        ("set", "=1,b=2", "map[b:2]"),
        ("set", "a=", "map[a:]"),
        ("set", "a.", "map[]"),
        ("set", "a[", "map[]"),
        ("set", "a[0]", "map[a:[]]"),
        ("set", "a[0].b=", "map[a:[]]"),
        ("set", "a", "< key \"a\" has no value"),
        ("set", "a,b=1", "< key \"a\" has no value (cannot end with ,)"),
        ("set", "a.=1", "< key map \"a\" has no value"),
        ("set", "a={x", "< list must terminate with '}'"),
        ("set", "a[-1]=1", "< negative -1 index not allowed"),
        ("set", "a[65537]=1", "< index of 65537 is greater than maximum supported index of 65536"),
        ("set", "a[x]=1", "< error parsing index: strconv.Atoi: parsing \"x\": invalid syntax"),
        ("set", "a[0]x=1", "< unexpected data at end of array index: ['x']"),
        ("string", "a=1,b=null,c={1}", "map[a:1 b:null c:[1]]"),
        ("file", "a=p,b[0]=q", "map[a:<p> b:[<q>]]"),
        ("json", "a=0x=1 b=1.5.c=null", "map[a:0 b:1.5 x:1]"),
        ("json", "a=1e b=1", "< invalid character ' ' in exponent of numeric literal"),
        ("json", "a=truex=2", "map[a:true x:2]"),
        ("literal", "a.b=x,{y\\}", r"map[a:map[b:x,{y\}]]"),
        ("literal", "a", "< key \"a\" has no value"),
    ] {
        assert_eq!(result(flag, text, "{}"), want, "--{flag} {text}");
    }
}

#[test]
fn texts_over_values() {
    let base = r#"{"t": {"x": 1}, "l": [1, {"k": 2}], "s": "text", "n": null}"#;
    for (text, want) in [
        ("t.y=2", "map[l:[1 map[k:2]] n:<nil> s:text t:map[x:1 y:2]]"),
        ("l[1].j=3", "map[l:[1 map[j:3 k:2]] n:<nil> s:text t:map[x:1]]"),
        ("l[0].j=3", "map[l:[map[j:3] map[k:2]] n:<nil> s:text t:map[x:1]]"),
        ("s.y=2", "< unable to parse key: interface conversion: interface {} is string, not map[string]interface {}"),
        ("n[0]=2", "< unable to parse key: interface conversion: interface {} is nil, not []interface {}"),
        ("l[0][0]=2", "< unable to parse key: interface conversion: interface {} is float64, not []interface {}"),
    ] {
        assert_eq!(result("set", text, base), want, "{text}");
    }
}

#[test]
fn names_have_thirty_dots_at_most() {
    let name = |dots: usize| format!("{}a=1", "a.".repeat(dots));
    assert!(result("set", &name(30), "{}").starts_with("map["));
    assert_eq!(result("set", &name(31), "{}"), "< value name nested level is greater than maximum supported nested level of 30");
}

#[test]
fn paths_end_before_the_stack_does() {
    let text = format!("a{}=1", "[0]".repeat(50_000));
    assert!(result("set", &text, "{}").starts_with("< value name has more than"));
    let text = format!("a{}=1", "[0].b".repeat(50_000));
    assert!(result("literal", &text, "{}").starts_with("< value name has more than"));
}

#[test]
fn json_values_end_where_they_end() {
    for (text, length) in [
        ("1,b=2", 1),
        ("{\"a\":\"}\"} x", 9),
        ("\"a\\\"b\",c", 6),
        ("[1,[2]],", 7),
        ("true ", 4),
        ("truex=1", 4),
        ("{\"a\"", 4),
        ("0x1", 1),
        ("-01", 2),
        ("1.5.5", 3),
        ("2e+3e", 4),
        ("1e+ ", 3),
        ("1.a", 3),
    ] {
        assert_eq!(json_length(text), length, "{text}");
    }
}

#[test]
fn texts_are_taken_as_they_stand() {
    let of = |text: &str, set: fn(&str, &mut Map) -> Result<()>| {
        let mut map = Map::new();
        set(text, &mut map).unwrap();
        crate::yaml::to_string(&Data::map(map)).unwrap()
    };
    assert_eq!(of("a,b\\c=d,e", literal), "a,b\\c: d,e\n");
    // Go folds this letter to an s.
    assert_eq!(of("a=falſe", typed), "a: false\n");
}

#[test]
fn an_index_without_a_name_changes_nothing() {
    let mut map = Arc::unwrap_or_clone(crate::yaml::parse_values(b"\"\": [1]\n").unwrap());
    let _ = typed("[0]=x", &mut map);
    assert_eq!(crate::yaml::to_string(&Data::map(map)).unwrap(), "\"\":\n- 1\n");
}
