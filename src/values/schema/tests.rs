//! Schemas and values with Helm 4.2.4's messages.

use super::*;
use crate::values::sample::data;

fn check_text(schema: &str, values: &str) -> String {
    let Data::Map(values) = data(values) else { panic!("{values} is no map") };
    let loader = Loader { fetch: None, unresolved_urns: Arc::default(), loads: Arc::default() };
    check(&compile(schema.as_bytes(), &loader), &values, fault::REPORT_LIMIT).unwrap_or_default()
}

#[test]
fn single_branches_keep_their_level() {
    let schema = r#"{"allOf": [{"properties": {"a": {"anyOf": [{"type": "string"}]}, "b": {"type": "string"}}}]}"#;
    assert_eq!(
        check_text(schema, r#"{"a": 1}"#),
        "- at '': 'allOf' failed\n  - at '/a': 'anyOf' failed\n    - at '/a': got number, want string\n"
    );
    assert_eq!(
        check_text(schema, r#"{"a": 1, "b": 2}"#),
        "- at '': 'allOf' failed\n  - at '': validation failed\n    - at '/a': 'anyOf' failed\n      \
         - at '/a': got number, want string\n    - at '/b': got number, want string\n"
    );
}

/// Each is told apart by what stands before its translation; making that anew for each key would take minutes.
#[test]
fn keys_of_one_translation_stay_apart() {
    let letter = |bit: usize| if bit == 0 { "a" } else { r"\\x61" };
    let keys: Vec<String> = (0..1 << 13).map(|number| (0..13).map(|at| letter(number >> at & 1)).collect()).collect();
    let parts: Vec<String> = keys.iter().map(|key| format!(r#""{key}": {{"type": "string"}}"#)).collect();
    let schema = format!(r#"{{"patternProperties": {{{}}}}}"#, parts.join(", "));
    let (written, translated) = Written::translate(json::parse_exact(schema.as_bytes()).unwrap());
    let patterns = translated.as_map().and_then(|map| map.get("patternProperties")).and_then(Data::as_map).unwrap();
    assert_eq!(patterns.len(), keys.len());
    assert!(patterns.iter().all(|(key, _)| written.key(key).replace(r"\x61", "a") == "a".repeat(13)));
}

#[test]
fn references_are_not_shown_for_one_cause() {
    let schema = r##"{"$defs": {"n": {"type": "number", "minimum": 2000}}, "properties": {"a": {"$ref": "#/$defs/n"}}}"##;
    assert_eq!(check_text(schema, r#"{"a": 1001}"#), "- at '/a': minimum: got 1,001, want 2,000\n");
}

/// As Helm 4.2.4 tells it.
#[test]
fn keys_that_are_no_patterns_are_told_as_written() {
    let schema = r#"{"$schema": "http://json-schema.org/draft-04/schema#", "patternProperties": {"a": {}, "(?!a)": {}}}"#;
    assert_eq!(
        check_text(schema, "{}"),
        "invalid regex \"(?!a)\" at \"file:///values.schema.json#/patternProperties\": \
         error parsing regexp: invalid or unsupported Perl syntax: `(?!`"
    );
}

#[test]
fn a_schema_that_is_only_itself_ends() {
    assert_eq!(
        check_text(r##"{"$ref": "#"}"##, "{}"),
        "- at '': both /$ref and  resolve to \"file:///values.schema.json#\" causing reference cycle\n"
    );
}

#[test]
fn files_are_never_read() {
    let text = check_text(r#"{"$ref": "other.json"}"#, "{}");
    assert_eq!(text, "failing loading \"file:///other.json\": schemas are not read from files");
}

#[test]
fn every_draft_that_is_named_is_looked_for() {
    let part = |address: &str| format!(r#"{{"properties": {{"a/b c": {{"anyOf": [{{"$schema": "{address}"}}]}}}}}}"#);
    for (address, text) in [
        ("http://json-schema.org/draft-04/schema#", ""),
        ("file:///values.schema.json", ""),
        ("urn:x", ""),
        ("x:y", "failing loading \"x:y\": no URLLoader registered for \"x:y\""),
        ("a b", "failing loading \"a b\": no URLLoader registered for \"a%20b\""),
        ("%", "invalid $schema in \"file:///values.schema.json#/properties/a~1b%20c/anyOf/0\": parse \"%\": invalid URL escape \"%\""),
        // Helm tries to load these.
        ("file:///x", "failing loading \"file:///x\": schemas are not read from files"),
        ("http://127.0.0.1:9/x", "failing loading \"http://127.0.0.1:9/x\": schemas are not fetched"),
    ] {
        assert_eq!(check_text(&part(address), r#"{"a": 1}"#), text, "{address}");
    }
    // These places hold no schema.
    assert_eq!(check_text(r#"{"x": {"$schema": "%"}, "default": {"$schema": "%"}}"#, "{}"), "");
    assert_eq!(check_text(r#"{"$schema": "http://json-schema.org/draft-07/schema#", "$defs": {"a": {"$schema": "%"}}}"#, "{}"), "");
}

#[test]
fn nothing_is_fetched_unless_the_caller_can() {
    let text = check_text(r#"{"$ref": "http://127.0.0.1:9/a.json"}"#, "{}");
    assert!(text.starts_with("failing loading \"http://127.0.0.1:9/a.json\": "), "{text}");
}

// Helm prints them in the order of Go's maps, which is random.
#[test]
fn faults_stand_by_place() {
    let schema = r#"{"properties": {"b": {"type": "string"}, "a": {"type": "string"}, "c": {"type": "string"}}}"#;
    assert_eq!(
        check_text(schema, r#"{"c": 1, "b": 2, "a": 3}"#),
        "- at '/a': got number, want string\n- at '/b': got number, want string\n- at '/c': got number, want string\n"
    );
}

#[test]
fn parts_are_counted_before_they_are_applied() {
    let endless = |schema: &str, values: &str| {
        let Data::Map(values) = data(values) else { panic!("{values} is no map") };
        bounds::excess(&data(schema), &values, 1 << 30).is_some()
    };
    let levels = "{\"a\": ".repeat(30) + "1" + &"}".repeat(30);
    let twice = r##"{"allOf": [{"additionalProperties": {"$ref": "#"}}, {"additionalProperties": {"$ref": "#"}}]}"##;
    assert!(endless(twice, &levels));
    assert!(!endless(twice, r#"{"a": {"b": 1}}"#));
    assert!(!endless(r##"{"additionalProperties": {"$ref": "#"}}"##, &levels));
    let named = r##"{"$defs": {"x": {"$anchor": "x", "properties": {"a": {"anyOf": [{"$ref": "#x"}, {"$ref": "#x"}]}}}}, "$ref": "#x"}"##;
    assert!(endless(named, &levels));
    // Without references parts and values can still be many.
    let (parts, items) = (vec![r#"{"const": 1}"#; 2_500].join(","), format!("{{\"a\": [{}]}}", vec!["2"; 9_000].join(",")));
    let wide =
        |times: usize| format!(r#"{{"properties": {{"a": {{"items": {{"anyOf": [{}]}}}}}}}}"#, vec![parts.as_str(); times].join(","));
    assert!(endless(&wide(1), &items) && endless(&wide(4), &items));
    assert!(!endless(r#"{"properties": {"a": {"items": {"anyOf": [{"const": 1}, {"const": 2}]}}}}"#, &items));
}

#[test]
fn parts_that_apply_too_deep_within_each_other_are_refused() {
    let excess = |schema: &str, depth: usize| {
        let Data::Map(values) = data(&("{\"a\": ".repeat(30) + "1" + &"}".repeat(30))) else { panic!("no map") };
        bounds::excess(&data(schema), &values, depth * bounds::STACK_OF_PART)
    };
    let too_deep = Some("schema applies its parts too deep within each other");
    // Each level of the values has a part and a reference to it.
    let chain = r##"{"additionalProperties": {"$ref": "#"}}"##;
    assert_eq!((excess(chain, 40), excess(chain, 100)), (too_deep, None));
    // What was looked at in one place may be too deep in another.
    let later = r##"{"$defs": {"x": {"additionalProperties": {"$ref": "#/$defs/x"}}}, "allOf": [{"$ref": "#/$defs/x"},
        {"allOf": [{"allOf": [{"allOf": [{"allOf": [{"allOf": [{"$ref": "#/$defs/x"}]}]}]}]}]}]}"##;
    assert_eq!((excess(later, 66), excess(later, 100)), (too_deep, None));
    assert_eq!((excess(r##"{"additionalProperties": {"$ref": "#"}, "maxProperties": 1}"##, 100), excess("{}", 0)), (None, None));
}

#[test]
fn a_report_is_cut_at_its_limit() {
    let names: Vec<String> = (0..3000).map(|number| format!("\"name-{number}\"")).collect();
    let schema = format!(r#"{{"properties": {{"a": {{"items": {{"enum": [{}]}}}}}}}}"#, names.join(","));
    let text = check_text(&schema, &format!(r#"{{"a": [{}"x"]}}"#, "\"x\",".repeat(2000)));
    assert!((fault::REPORT_LIMIT..fault::REPORT_LIMIT + (1 << 18)).contains(&text.len()), "{}", text.len());
    assert!(text.starts_with("- at '/a/0': value must be one of 'name-0', "));
    assert!(text.ends_with("\n- more faults are left out: the report is longer than 16777216 bytes\n"));
    assert!(!check_text(&schema, r#"{"a": ["x", "x"]}"#).contains("left out"));
}
