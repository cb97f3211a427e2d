//! Texts with the results of Helm 4.2.4's YAML libraries (`testdata/yaml/cases.jsonl`, one JSON object a line): `value` or `error`
//! of `yaml.Unmarshal`, `yaml` and `pretty` for the value written again, `head` or `head_error` of a manifest, `strict`.
//! Recorded from sigs.k8s.io/yaml 1.6.0 and go.yaml.in/yaml 3.0.4; some texts are others with pieces added or removed.

use super::*;
use crate::json;
use proptest::prelude::*;

fn cases() -> Vec<Arc<Map>> {
    let lines = include_str!("../../testdata/yaml/cases.jsonl").lines();
    lines.filter_map(|line| json::parse(line.as_bytes()).ok()?.as_map().cloned()).collect()
}

fn text<'m>(case: &'m Map, field: &str) -> Option<&'m str> {
    case.get(field).and_then(Data::as_str)
}

fn pretty(data: &Data) -> Result<Vec<u8>> {
    let mut writer = Writer::new(Style::Pretty);
    write(&mut writer, data);
    writer.finish()
}

fn lossy(bytes: Vec<u8>) -> String {
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Go prints a head with `%q`.
fn print_head(head: &Head) -> String {
    let quote = |text: &str| crate::quote::quote(text.as_bytes());
    let mut line = format!("{} {} {}", quote(&head.api_version), quote(&head.kind), quote(&head.name));
    for (key, value) in &head.annotations {
        line.push_str(&format!(" {}={}", quote(key), quote(value)));
    }
    line
}

#[test]
fn recorded_cases() {
    let cases = cases();
    assert!(cases.len() > 500);
    for case in &cases {
        let Some(source) = text(case, "text") else { continue };
        let parsed = parse(source.as_bytes());
        let shown = parsed.as_ref().map(|data| lossy(json::to_vec(data).unwrap_or_default())).map_err(ToString::to_string);
        match (text(case, "value"), text(case, "error")) {
            (Some(value), _) => assert_eq!(shown.as_deref(), Ok(value), "{source:?}"),
            (_, error) => assert_eq!(shown.as_deref().map_err(String::as_str), Err(error.unwrap_or_default()), "{source:?}"),
        }
        if let Ok(data) = &parsed {
            let written = to_string(data).map_err(|error| error.to_string());
            match (text(case, "yaml"), text(case, "yaml_error")) {
                (Some(yaml), _) => assert_eq!(written.as_deref(), Ok(yaml), "{source:?}"),
                (_, error) => assert_eq!(written.err().as_deref(), error, "{source:?}"),
            }
            let written = pretty(data).map(lossy).map_err(|error| error.to_string());
            assert_eq!(written.ok().as_deref(), text(case, "pretty"), "{source:?}");
        }
        let head = head(source.as_bytes()).map(|head| print_head(&head)).map_err(|error| error.to_string());
        match text(case, "head") {
            Some(want) => assert_eq!(head.as_deref(), Ok(want), "{source:?}"),
            None => assert_eq!(head.err().as_deref(), text(case, "head_error").or(text(case, "error")), "{source:?}"),
        }
        let strict = decode_strict(source.as_bytes(), &ANY).map_or_else(|error| error.to_string(), |_| "ok".to_owned());
        assert_eq!(Some(strict.as_str()), text(case, "strict"), "{source:?}");
    }
}

/// The output of `toYaml` and `toYamlPretty` of Helm 4.2.4 for `{k: TEXT, l: [TEXT], TEXT: 1, KEY: TEXT}` with a key of ninety `n`
/// (`testdata/yaml/scalars.jsonl`); empty where `toYaml` fails.
#[test]
fn texts_are_quoted_and_folded_as_by_helm() {
    let cases: Vec<Arc<Map>> = include_str!("../../testdata/yaml/scalars.jsonl")
        .lines()
        .map(|line| json::parse(line.as_bytes()).unwrap().as_map().unwrap().clone())
        .collect();
    assert!(cases.len() > 300);
    let long = "n".repeat(90);
    for case in &cases {
        let source = text(case, "text").unwrap();
        let value = || Data::str(source);
        let entries = [("k", value()), ("l", Data::list(vec![value()])), (source, Data::Int(1)), (&long, value())];
        let data = Data::map(entries.into_iter().map(|(key, value)| (Arc::from(key), value)).collect());
        let written = |text: Vec<u8>| lossy(text).strip_suffix('\n').map(str::to_string).unwrap_or_default();
        assert_eq!(to_string(&data).map(String::into_bytes).map(written).unwrap_or_default(), text(case, "yaml").unwrap(), "{source:?}");
        assert_eq!(pretty(&data).map(written).unwrap(), text(case, "pretty").unwrap(), "{source:?}");
    }
}

/// The start of a written map with only this key, or the fault.
fn written_key(key: &str) -> String {
    let data = Data::map([(Arc::from(key), Data::Int(1))].into_iter().collect());
    to_string(&data).map_or_else(|error| error.to_string(), |text| text.chars().take(4).collect())
}

/// As `toYaml` of Helm 4.2.4, whose output is empty for the last of each.
#[test]
fn keys_are_written_as_long_as_they_can_be_read() {
    let refused = "yaml: did not find expected ',' or '}'";
    for (unit, simple, longest, head) in [
        ("k", 128, 1022, ["kkkk", "? kk"]),
        // Two bytes, but one character behind the bridge.
        ("ä", 64, 1022, ["ääää", "? ää"]),
        // Two characters behind the bridge.
        ("\"", 128, 511, ["'\"\"\"", "? '\""]),
        // Six characters behind the bridge.
        ("<", 128, 170, ["<<<<", "? <<"]),
    ] {
        for (count, expected) in [(simple, head[0]), (simple + 1, head[1]), (longest, head[1]), (longest + 1, refused)] {
            assert_eq!(written_key(&unit.repeat(count)), expected, "{count} of {unit}");
        }
    }
}

/// As `toYamlPretty` of Helm 4.2.4.
#[test]
fn bytes_that_are_no_text_stand_in_lines_of_seventy() {
    let bytes = |count: usize| Data::Bytes(vec![0xff; count].into());
    let (line, slash) = (format!("  {}\n", "/".repeat(70)), "/".repeat(68));
    for (count, expected) in [
        (1, "!!binary /w==\n".to_string()),
        (51, format!("!!binary {slash}\n")),
        (52, format!("!!binary |\n  {slash}/w\n  ==\n")),
        (54, format!("!!binary |\n{line}  //\n")),
        (104, format!("!!binary |\n{line}  {slash}8=\n")),
        (105, format!("!!binary |\n{line}{line}")),
        (106, format!("!!binary |\n{line}{line}  /w==\n")),
    ] {
        assert_eq!(pretty(&bytes(count)).map(lossy).unwrap(), expected, "{count}");
    }
}

fn message(text: &str) -> String {
    parse(text.as_bytes()).map_or_else(|error| error.to_string(), |_| "ok".to_owned())
}

#[test]
fn depth_is_limited() {
    let flow = |depth: usize| format!("a: {}{}", "[".repeat(depth), "]".repeat(depth));
    assert_eq!(message(&flow(9_999)), "ok");
    let deep = "error unmarshaling JSON: while decoding JSON: invalid character '[' exceeded max depth";
    assert_eq!(message(&flow(10_000)), deep);
    assert_eq!(message(&flow(10_001)), "error converting YAML to JSON: yaml: exceeded max depth of 10000");
    let block: String = (0..10_001).map(|level| format!("{}a:\n", " ".repeat(level))).collect();
    assert_eq!(message(&block), "error converting YAML to JSON: yaml: line 10001: exceeded max depth of 10000");
    // The head of such a text is refused too, and lists on one line may not nest deeper.
    assert!(head(flow(10_001).as_bytes()).is_err());
    assert!(message(&"? ".repeat(5_000)).starts_with("error converting YAML to JSON: yaml: invalid map key: "));
    assert_eq!(message(&"- ".repeat(10_001)), "error converting YAML to JSON: yaml: exceeded max depth of 10000");
}

#[test]
fn aliases_cannot_blow_up() {
    let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..12 {
        let alias = format!("*a{}", level - 1);
        bomb.push_str(&format!("a{level}: &a{level} [{}]\n", [alias.as_str(); 10].join(", ")));
    }
    let excessive = "error converting YAML to JSON: yaml: document contains excessive aliasing";
    assert_eq!(message(&bomb), excessive);
    assert_eq!(head(bomb.as_bytes()).map_err(|error| error.to_string()).err().as_deref(), Some(excessive));
    // As keys, they are refused without being printed in full.
    assert!(message(&format!("{bomb}? *a11\n: 1\n")).len() < 200_000);
}

#[test]
fn aliases_of_long_texts_cannot_blow_up() {
    let excessive = "error converting YAML to JSON: yaml: document contains excessive aliasing";
    let text = "x".repeat(1 << 20);
    for written in [text.clone(), format!("\"{text}\""), format!("!!binary {}", "eHh4".repeat(1 << 18))] {
        let list = |aliases: usize| format!("d: &d {written}\nl: [{}]\n", vec!["*d"; aliases].join(","));
        assert_eq!(message(&list(60)), "ok");
        assert_eq!(message(&list(100)), excessive);
        assert_eq!(message(&format!("d: &d {{a: {written}}}\n{}", "e: {<<: *d}\n".repeat(100))), excessive);
    }
    let keys = format!("d: &d {}\n", "k".repeat(100_000)) + &"e: {*d : 1}\n".repeat(1000);
    assert_eq!(message(&keys), excessive);
    // They share the text.
    let data = parse(format!("d: &d {text}\nl: [*d, *d]\n").as_bytes()).expect("a map");
    let Some(Data::List(items)) = data.as_map().and_then(|map| map.get("l")) else { panic!("{data:?}") };
    let [Data::Str(first), Data::Str(second)] = &items[..] else { panic!("{items:?}") };
    assert!(Arc::ptr_eq(first, second) && first.len() == text.len());
}

#[test]
fn simple_keys_are_short() {
    let key = |length: usize| format!("{}: 1\n", "k".repeat(length));
    assert_eq!(message(&key(1024)), "ok");
    assert_eq!(message(&key(1025)), "error converting YAML to JSON: yaml: mapping values are not allowed in this context");
    let wide = format!("{}: 1\n", "é".repeat(1024));
    assert_eq!(message(&wide), "ok");
}

#[test]
fn values_files() {
    let show = |text: &str| {
        parse_values(text.as_bytes()).map_or_else(|error| error.to_string(), |map| lossy(json::to_vec(&Data::Map(map)).unwrap_or_default()))
    };
    let cases = [
        ("", "{}"),
        ("---\n", "{}"),
        ("a: 1\nb: {c: 1, d: [1]}\n---\nb: {d: [2], e: ~}\n", r#"{"a":1,"b":{"c":1,"d":[2],"e":null}}"#),
        (
            "a: {x: 1, k: 2}\nl: [1]\nm: {}\n---\na: {k: ~, b: {c: 1}}\nl: []\nz: true\nm: 1\n",
            r#"{"a":{"b":{"c":1},"k":null,"x":1},"l":[],"m":1,"z":true}"#,
        ),
        ("--- # first\na: 1\n---\n---\nb: 2", r#"{"a":1,"b":2}"#),
        ("a: 1\n---\nb: 2\n...\nc: [\n", r#"{"a":1,"b":2}"#),
        ("a: |\n  x", "{\"a\":\"x\\n\"}"),
        ("a: 1\r\n---\r\nb: 2\r\n", r#"{"a":1,"b":2}"#),
        ("--- {a: 1}\n", "error reading yaml document: invalid Yaml document separator: {a: 1}"),
        ("a: 1\n----\n", "error reading yaml document: invalid Yaml document separator: -"),
        (
            "- a\n",
            "cannot unmarshal yaml document: error unmarshaling JSON: while decoding JSON: \
             json: cannot unmarshal array into Go value of type map[string]interface {}",
        ),
    ];
    for (text, want) in cases {
        assert_eq!(show(text), want, "{text:?}");
    }
}

#[test]
fn typed_reading() {
    static NAMES: Shape = Shape::List(&Shape::Str);
    static INNER: Shape = Shape::Struct("v2.Maintainer", &[Field("name", &Shape::Str), Field("url", &Shape::Str)]);
    static OUTER: Shape = Shape::Struct(
        "v2.Metadata",
        &[
            Field("name", &Shape::Str),
            Field("keywords", &NAMES),
            Field("deprecated", &Shape::Bool),
            Field("maintainers", &Shape::List(&INNER)),
            Field("count", &Shape::Int),
        ],
    );
    let show = |text: &str, strict: bool| {
        let read = if strict { decode_strict(text.as_bytes(), &OUTER) } else { decode(text.as_bytes(), &OUTER) };
        read.map_or_else(|error| error.to_string(), |data| lossy(json::to_vec(&data).unwrap_or_default()))
    };
    let decoding = "error unmarshaling JSON: while decoding JSON: json: ";
    let cases = [
        ("NAME: 1.10\nkeywords: [1, yes, x, ~]\nother: 1\n", r#"{"keywords":["1","true","x",""],"name":"1.1"}"#.to_owned()),
        ("maintainers: [{name: 9007199254740993}]\ncount: 3\n", r#"{"count":3,"maintainers":[{"name":"9007199254740993"}]}"#.to_owned()),
        ("name: [1]\n", format!("{decoding}cannot unmarshal array into Go struct field Metadata.name of type string")),
        ("keywords: x\n", format!("{decoding}cannot unmarshal string into Go struct field Metadata.keywords of type []string")),
        ("deprecated: 1\n", format!("{decoding}cannot unmarshal number into Go struct field Metadata.deprecated of type bool")),
        ("count: 1.5\n", format!("{decoding}cannot unmarshal number 1.5 into Go struct field Metadata.count of type int")),
        (
            "maintainers: [{url: {}}]\n",
            format!("{decoding}cannot unmarshal object into Go struct field Maintainer.maintainers.url of type string"),
        ),
        ("- a\n", format!("{decoding}cannot unmarshal array into Go value of type v2.Metadata")),
    ];
    for (text, want) in &cases {
        assert_eq!(&show(text, false), want, "{text:?}");
    }
    assert_eq!(show("other: 1\n", true), format!("{decoding}unknown field \"other\""));
    let repeated = "error converting YAML to JSON: yaml: unmarshal errors:\n  line 2: key \"name\" already set in map";
    assert_eq!(show("name: a\nname: b\n", true), repeated);
}

/// Any tree that YAML can represent.
fn trees() -> impl Strategy<Value = Data> {
    let leaf = prop_oneof![
        Just(Data::Null),
        any::<bool>().prop_map(Data::Bool),
        any::<i32>().prop_map(|number| Data::Float(f64::from(number))),
        (-1e6..1e6).prop_map(Data::Float),
        "[ -~\néあ\u{2028}]{0,40}".prop_map(Data::str),
        "[a-z0-9:#'\" -]{0,120}".prop_map(Data::str),
        "(yes|no|null|~|[0-9.:_x-]{1,8}|[|>?*&!%@`-][a-z ]{0,5})".prop_map(Data::str),
    ];
    leaf.prop_recursive(4, 30, 5, |inner| {
        // Helm writes this key without quotes too, and reads it back as a merge.
        let key = "[ -~é\n]{0,12}".prop_filter("a merge", |key| key != "<<");
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Data::list),
            prop::collection::vec((key, inner), 0..5)
                .prop_map(|entries| Data::map(entries.into_iter().map(|(key, value)| (key.into(), value)).collect())),
        ]
    })
}

proptest! {
    #[test]
    fn what_is_written_reads_back(tree in trees()) {
        let want = lossy(json::to_vec(&tree).unwrap_or_default());
        for written in [to_string(&tree).map(String::into_bytes), pretty(&tree)] {
            let written = written.unwrap_or_default();
            let again = parse(&written).unwrap_or_default();
            prop_assert_eq!(&lossy(json::to_vec(&again).unwrap_or_default()), &want, "{}", lossy(written));
        }
    }

    #[test]
    fn bytes_never_panic(bytes: Vec<u8>) {
        drop(parse(&bytes));
        drop(head(&bytes));
        drop(parse_values(&bytes));
    }

    #[test]
    fn near_yaml_never_panics(source in "[-a-c?:,\\[\\]{}#&*!|>'\"%@` \n\t\r0-9.~<\u{85}\u{FEFF}é]{0,80}") {
        let parsed = parse(source.as_bytes());
        if let Ok(data) = &parsed {
            drop(to_string(data));
            drop(pretty(data));
        }
        let _ = locate(source.as_bytes(), &["a", "0", "b"]);
        // The fast path to a head and the full parser find the same syntax faults.
        let syntax = |error: String| error.contains(": yaml: ");
        let parse_fault = parsed.err().map(|error| error.to_string()).filter(|error| syntax(error.clone()));
        let head_fault = head(source.as_bytes()).err().map(|error| error.to_string()).filter(|error| syntax(error.clone()));
        prop_assert_eq!(parse_fault, head_fault);
    }
}

/// Places that go-yaml does not tell, and hints.
#[test]
fn faults_have_places_for_people() {
    for (text, place, hint) in [
        ("a: 1\nb: \"x\nc: 1\n", (2, Some(3)), "the text that begins with `\"` has no `\"` at its end"),
        ("a: 1\nb: ['x', 'it''s]\nc: 1\n", (2, Some(9)), "the text that begins with `'` has no `'` at its end"),
        ("a: 1\nb: {{ .x }}\n", (2, Some(3)), "`{{` begins tables in YAML: put the text in quotes, as in `'{{ .x }}'`"),
        ("a: 1\nb:\n- *x\n", (3, None), ""),
        ("# list\n---\n- a\n", (3, None), "the file is a table: keys with values, as in `key: value`, stand at its top"),
        ("a:\n\tb: 1\n", (2, Some(0)), "the line begins with a tab: YAML is indented by spaces"),
    ] {
        let error = parse_map(text.as_bytes()).unwrap_err();
        let diagnostic = &error.diagnostics()[0];
        let location = diagnostic.location.as_ref().unwrap();
        assert_eq!(((location.line, location.column), diagnostic.hints.concat().as_str()), (place, hint), "{text}");
    }
}

/// Of several brackets, the one that stays open is marked.
#[test]
fn the_bracket_that_is_not_closed_is_marked() {
    for (text, column) in [
        ("a: [1, 2", 3),
        ("a: [[1, 2]", 3),
        ("a: [\"x[\", 1", 3),
        ("a: [1 # see [x]", 3),
        ("a: {b: {c: 1}", 3),
        ("a: [[1], [2", 9),
        (r#"a: ["\\", 2"#, 3),
    ] {
        let error = parse_map(text.as_bytes()).expect_err("must fail");
        let place = error.diagnostics().first().and_then(|diagnostic| diagnostic.location.clone()).expect("a place");
        assert_eq!((place.line, place.column), (1, Some(column)), "{text}");
    }
}
