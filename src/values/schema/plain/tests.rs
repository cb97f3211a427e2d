//! Values admitted without the validator, and that the validator agrees.

use super::*;
use crate::json;
use crate::values::sample::data;
use crate::values::schema::{Loader, check, compile};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

/// The verdict on the values: `None` for a schema that is not plain.
fn admits(schema: &str, values: &str) -> Option<bool> {
    let (schema, Data::Map(values)) = (json::parse_exact(schema.as_bytes()).unwrap(), data(values)) else { panic!("{values} is no map") };
    Plain::of(&schema).map(|plain| plain.admits(&values))
}

/// The validator's message.
fn fault(schema: &str, values: &str) -> Option<String> {
    let Data::Map(values) = data(values) else { panic!("{values} is no map") };
    let loader = Loader { fetch: None, unresolved_urns: Arc::default(), loads: Arc::default() };
    check(&compile(schema.as_bytes(), &loader), &values, crate::values::schema::fault::REPORT_LIMIT)
}

#[test]
fn plain_schemas_admit_what_the_validator_does() {
    let draft = |name: &str, rest: &str| format!(r#"{{"$schema": "http://json-schema.org/{name}/schema#", {rest}}}"#);
    let cases = [
        // Known keywords.
        (r#"{}"#.to_string(), r#"{"a": 1}"#, true),
        (r#"{"type": "object", "required": ["a"]}"#.into(), r#"{"a": null}"#, true),
        (r#"{"type": "object", "required": ["a"]}"#.into(), r#"{"b": 1}"#, false),
        (r#"{"type": "array"}"#.into(), r#"{}"#, false),
        (r#"{"properties": {"a": {"type": "integer"}}}"#.into(), r#"{"a": 3, "b": 1.5}"#, true),
        (r#"{"properties": {"a": {"type": "integer"}}}"#.into(), r#"{"a": 1.5}"#, false),
        (r#"{"properties": {"a": {"type": ["string", "null"]}}}"#.into(), r#"{"a": null}"#, true),
        (r#"{"properties": {"a": {"type": ["string", "null"]}}}"#.into(), r#"{"a": false}"#, false),
        (r#"{"properties": {"a": true, "b": false}}"#.into(), r#"{"a": 1}"#, true),
        (r#"{"properties": {"a": true, "b": false}}"#.into(), r#"{"b": 1}"#, false),
        (r#"{"properties": {"a": {}}, "additionalProperties": false}"#.into(), r#"{"a": 1}"#, true),
        (r#"{"properties": {"a": {}}, "additionalProperties": false}"#.into(), r#"{"b": 1}"#, false),
        (
            r#"{"patternProperties": {"^a": {"type": "string"}}, "additionalProperties": {"type": "number"}}"#.into(),
            r#"{"ab": "", "b": 1}"#,
            true,
        ),
        (r#"{"patternProperties": {"^a": {"type": "string"}}}"#.into(), r#"{"ab": 1}"#, false),
        (r#"{"properties": {"a": {"items": {"type": "string"}, "minItems": 1, "maxItems": 2}}}"#.into(), r#"{"a": ["x", "y"]}"#, true),
        (r#"{"properties": {"a": {"items": {"type": "string"}, "minItems": 1, "maxItems": 2}}}"#.into(), r#"{"a": []}"#, false),
        (r#"{"properties": {"a": {"uniqueItems": true}}}"#.into(), r#"{"a": ["x", "y"]}"#, true),
        (r#"{"properties": {"a": {"uniqueItems": true}}}"#.into(), r#"{"a": ["x", "x"]}"#, false),
        (r#"{"properties": {"a": {"enum": ["x", 1, null]}}}"#.into(), r#"{"a": 1}"#, true),
        (r#"{"properties": {"a": {"enum": ["x", 1, null]}}}"#.into(), r#"{"a": 2}"#, false),
        (r#"{"properties": {"a": {"const": 1.0}}}"#.into(), r#"{"a": 1}"#, true),
        (r#"{"properties": {"a": {"minimum": 0.1, "exclusiveMaximum": 2}}}"#.into(), r#"{"a": 0.1}"#, true),
        (r#"{"properties": {"a": {"minimum": 0.1, "exclusiveMaximum": 2}}}"#.into(), r#"{"a": 2}"#, false),
        (r#"{"properties": {"a": {"pattern": "^[a-z]{1,3}$", "minLength": 2, "maxLength": 2}}}"#.into(), r#"{"a": "xy"}"#, true),
        (r#"{"properties": {"a": {"pattern": "^\\d+$"}}}"#.into(), r#"{"a": "١"}"#, false),
        (r#"{"properties": {"a": {"maxLength": 1}}}"#.into(), r#"{"a": "é"}"#, true),
        (r#"{"minProperties": 1, "maxProperties": 1}"#.into(), r#"{"a": 1}"#, true),
        (r#"{"minProperties": 1, "maxProperties": 1}"#.into(), r#"{}"#, false),
        (r#"{"oneOf": [{"required": ["a"]}, {"required": ["b"]}]}"#.into(), r#"{"a": 1}"#, true),
        (r#"{"oneOf": [{"required": ["a"]}, {"required": ["b"]}]}"#.into(), r#"{"a": 1, "b": 1}"#, false),
        (r#"{"anyOf": [{"required": ["a"]}, {"required": ["b"]}], "not": {"required": ["c"]}}"#.into(), r#"{"b": 1}"#, true),
        (r#"{"anyOf": [{"required": ["a"]}, {"required": ["b"]}], "not": {"required": ["c"]}}"#.into(), r#"{"b": 1, "c": 1}"#, false),
        (r#"{"if": {"required": ["a"]}, "then": {"required": ["b"]}, "else": {"required": ["c"]}}"#.into(), r#"{"a": 1, "b": 1}"#, true),
        (r#"{"if": {"required": ["a"]}, "then": {"required": ["b"]}, "else": {"required": ["c"]}}"#.into(), r#"{}"#, false),
        (r##"{"$defs": {"n": {"type": "number"}}, "properties": {"a": {"$ref": "#/$defs/n", "minimum": 3}}}"##.into(), r#"{"a": 3}"#, true),
        (
            r##"{"$defs": {"n": {"type": "number"}}, "properties": {"a": {"$ref": "#/$defs/n", "minimum": 3}}}"##.into(),
            r#"{"a": 2}"#,
            false,
        ),
        (r##"{"properties": {"a": {"$ref": "#"}}, "additionalProperties": false}"##.into(), r#"{"a": {"a": {}}}"#, true),
        (r##"{"properties": {"a": {"$ref": "#"}}, "additionalProperties": false}"##.into(), r#"{"a": {"b": {}}}"#, false),
        (r#"{"$id": "https://example.com/a_b/c.json", "x-note": [1], "form": true, "hidden": {"path": 1}}"#.into(), r#"{}"#, true),
        // Drafts differ.
        (
            draft("draft-07", r##""definitions": {"n": {}}, "properties": {"a": {"$ref": "#/definitions/n", "minimum": 3}}"##),
            r#"{"a": 2}"#,
            true,
        ),
        (draft("draft-07", r#""properties": {"a": {"format": "int32"}}"#), r#"{"a": "x"}"#, true),
        (draft("draft-07", r#""properties": {"a": {"format": "ipv4"}}"#), r#"{"a": "1.2.3.4"}"#, false),
        (
            draft("draft-07", r#""properties": {"a": {"$schema": "http://json-schema.org/draft/2020-12/schema", "format": "ipv4"}}"#),
            r#"{"a": "x"}"#,
            false,
        ),
        (draft("draft/2020-12", r#""properties": {"a": {"format": "ipv4"}}"#), r#"{"a": "x"}"#, true),
        // Cases that are uncertain.
        (r#"{"properties": {"a": {"enum": [[1]]}}}"#.into(), r#"{"a": [1]}"#, false),
        (r#"{"properties": {"a": {"type": "number"}}}"#.into(), r#"{"a": 1e300}"#, false),
        (r#"{"properties": {"a": {"not": {"enum": [1e3, {"b": 1}]}}}}"#.into(), r#"{"a": {}}"#, false),
    ];
    for (schema, values, expected) in &cases {
        assert_eq!(admits(schema, values), Some(*expected), "{schema} {values}");
        let fault = fault(schema, values);
        assert!(!*expected || fault.is_none(), "{schema} {values} {fault:?}");
    }
}

#[test]
fn schemas_that_are_not_plain_are_left_to_the_validator() {
    let draft = |name: &str, rest: &str| format!(r#"{{"$schema": "http://json-schema.org/{name}/schema#", {rest}}}"#);
    let cases = [
        "true".to_string(),
        "[]".into(),
        r#"{"type": "text"}"#.into(),
        r#"{"type": []}"#.into(),
        r#"{"type": ["null", "null"]}"#.into(),
        r#"{"title": 1}"#.into(),
        r#"{"required": true}"#.into(),
        r#"{"required": ["a", "a"]}"#.into(),
        r#"{"properties": {"a": {"required": true}}}"#.into(),
        r#"{"properties": []}"#.into(),
        r#"{"allOf": []}"#.into(),
        r#"{"minLength": -1}"#.into(),
        r#"{"minLength": 1.5}"#.into(),
        r#"{"minimum": "1"}"#.into(),
        r#"{"minimum": 1e300}"#.into(),
        r#"{"exclusiveMinimum": true}"#.into(),
        r#"{"items": [{}]}"#.into(),
        r#"{"pattern": "("}"#.into(),
        r#"{"pattern": "(?=a)"}"#.into(),
        r#"{"pattern": "((a{1000}){1000}){1000}"}"#.into(),
        r#"{"patternProperties": {"[": {}}}"#.into(),
        r#"{"multipleOf": 3}"#.into(),
        r#"{"dependencies": {}}"#.into(),
        r#"{"unevaluatedProperties": false}"#.into(),
        r#"{"$anchor": "a"}"#.into(),
        r#"{"$unknown": "a"}"#.into(),
        r#"{"$id": "a b"}"#.into(),
        r#"{"$id": "http://json-schema.org/draft-07/schema"}"#.into(),
        r#"{"properties": {"a": {"$id": "http://example.com/a"}}}"#.into(),
        r#"{"properties": {"a": {"$schema": "http://example.com/schema#"}}}"#.into(),
        r#"{"$schema": "http://json-schema.org/draft-03/schema#"}"#.into(),
        r#"{"$schema": "http://json-schema.org/draft-07/schema##"}"#.into(),
        r#"{"$schema": 7}"#.into(),
        r##"{"$ref": "#/$defs/a"}"##.into(),
        r##"{"$ref": "#a"}"##.into(),
        r##"{"$ref": "#/a%20b", "a b": {}}"##.into(),
        r##"{"$ref": "#/allOf/0", "allOf": [{}]}"##.into(),
        r#"{"$ref": "other.json"}"#.into(),
        r#"{"$ref": "http://example.com/other.json"}"#.into(),
        r#"{"$defs": {"a": {"type": 1}}}"#.into(),
        draft("draft-04", r#""const": 1"#),
        draft("draft-04", r#""required": []"#),
        draft("draft-04", r#""properties": {"a": true}"#),
        draft("draft-04", r#""id": "http://example.com""#),
        draft("draft-06", r#""if": {}"#),
        draft("draft-06", r#""enum": []"#),
        draft("draft-07", r#""enum": [1, 1.0]"#),
        draft("draft-07", r##""definitions": {"d": {}}, "properties": {"a": {"$ref": "#/definitions/d", "const": 1}}"##),
        r#"{"not": "#.repeat(200) + "true" + &"}".repeat(200),
    ];
    for schema in &cases {
        assert_eq!(admits(schema, "{}"), None, "{schema}");
    }
}

#[test]
fn what_never_ends_is_left_to_the_validator() {
    assert_eq!(admits(r##"{"$ref": "#"}"##, "{}"), Some(false));
    let twice = r##"{"allOf": [{"additionalProperties": {"$ref": "#"}}, {"additionalProperties": {"$ref": "#"}}]}"##;
    let levels = "{\"a\": ".repeat(30) + "1" + &"}".repeat(30);
    assert_eq!(admits(twice, &levels), Some(false));
    assert_eq!(admits(twice, r#"{"a": {"b": 1}}"#), Some(true));
}

#[test]
fn what_takes_long_is_left_to_the_validator() {
    let texts = |count: usize| (0..count).map(|at| format!("\"x{at}\"")).collect::<Vec<_>>().join(", ");
    let items = |count: usize| format!(r#"{{"a": [{}]}}"#, texts(count));
    let members = |count: usize| format!("{{{}}}", texts(count).replace("\",", "\": 1,") + ": 1");
    let one_of = format!(r#"{{"properties": {{"a": {{"items": {{"enum": [{}]}}}}}}}}"#, texts(2_000));
    let patterns = format!(r#"{{"patternProperties": {}}}"#, members(1_500).replace(": 1", ": {}"));
    for (schema, few, many) in [(one_of, items(10), items(30_000)), (patterns, members(10), members(1_500))] {
        assert_eq!((admits(&schema, &few), admits(&schema, &many)), (Some(true), Some(false)));
    }
    // The time for a schema grows with its size only.
    let enums = |values: &str| {
        format!(r#"{{"$schema": "http://json-schema.org/draft-07/schema#", "properties": {{"a": {{"enum": [{values}]}}}}}}"#)
    };
    assert_eq!(admits(&enums(&texts(50_000)), r#"{"a": "x7"}"#), Some(true));
    assert_eq!(admits(&enums(&format!("1, {}", texts(50_000))), r#"{"a": "x7"}"#), None);
}

/// The validator refuses such patterns in any case; Helm looks through texts of any length, which may take minutes.
#[test]
fn large_patterns_look_through_few_bytes_only() {
    let schema = r#"{"properties": {"a": {"pattern": "^\\p{L}{1,255}$"}}}"#;
    let values = |letters: usize| format!(r#"{{"a": "{}"}}"#, "x".repeat(letters));
    assert_eq!((admits(schema, &values(255)), admits(schema, &values(256))), (Some(true), Some(false)));
    let schema = r#"{"additionalProperties": {"pattern": "\\p{L}{255}"}}"#;
    let within = STEPS_LIMIT / STEPS_OF_A_LARGE_BYTE;
    assert_eq!((admits(schema, &values(within - 10)), admits(schema, &values(within + 10))), (Some(true), Some(false)));
    let many = |count: usize| {
        let entries: Vec<String> = (0..count).map(|number| format!(r#""k{number}": "{}""#, "x".repeat(1000))).collect();
        format!("{{{}}}", entries.join(", "))
    };
    assert_eq!((admits(schema, &many(within / 1100)), admits(schema, &many(within / 900))), (Some(true), Some(false)));
}

/// Schemas with all known keywords, some unknown ones, and malformed parts.
fn schemas() -> impl Strategy<Value = String> {
    let word = prop_oneof![
        prop::sample::select(vec!["null", "boolean", "integer", "number", "string", "array", "object"])
            .prop_map(|name| format!(r#""type": "{name}""#)),
        prop::sample::select(vec![
            r#""type": ["string", "integer"]"#,
            r#""enum": ["a", 1, null, true]"#,
            r#""enum": [1, 1.0]"#,
            r#""enum": [[1], {"a": 1}]"#,
            r#""const": "a""#,
            r#""const": 0"#,
            r#""minimum": 1"#,
            r#""maximum": 0.5"#,
            r#""exclusiveMinimum": 0"#,
            r#""exclusiveMaximum": 1"#,
            r#""minLength": 1"#,
            r#""maxLength": 1"#,
            r#""pattern": "^[ab]+$""#,
            r#""pattern": "\\w\\.""#,
            r#""minItems": 1"#,
            r#""maxItems": 1"#,
            r#""uniqueItems": true"#,
            r#""minProperties": 1"#,
            r#""maxProperties": 1"#,
            r#""required": ["a"]"#,
            r#""required": []"#,
            r#""required": true"#,
            r#""format": "ipv4""#,
            r#""format": "int32""#,
            r#""multipleOf": 1"#,
            r#""description": "x""#,
            r#""$schema": "http://json-schema.org/draft-04/schema#""#,
            r#""title": 1"#,
            r#""examples": {}"#,
            r#""additionalProperties": false"#,
            r##""$ref": "#/definitions/d""##,
            r##""$ref": "#/properties/a""##,
            r##""$ref": "#""##,
            r#""x": {"type": 3}"#,
            r#""items": [{"type": "string"}]"#,
        ])
        .prop_map(str::to_string),
    ];
    let leaf = prop::collection::vec(word.clone(), 0..3).prop_map(|words| format!("{{{}}}", words.join(", ")));
    let tree = leaf.prop_recursive(4, 24, 3, move |inner| {
        let inner = prop_oneof![8 => inner, 1 => prop::sample::select(vec!["true", "false"]).prop_map(str::to_string)];
        let part = (
            prop::sample::select(vec![
                r#""properties": {"a": %}"#,
                r#""properties": {"a": %, "b": {"type": "string"}}"#,
                r#""patternProperties": {"^b": %}"#,
                r#""additionalProperties": %"#,
                r#""items": %"#,
                r#""not": %"#,
                r#""if": %, "then": {"required": ["b"]}, "else": {"minProperties": 1}"#,
                r#""allOf": [%, {}]"#,
                r#""anyOf": [%, {"type": "string"}]"#,
                r#""oneOf": [%, {"type": "object"}]"#,
                r#""definitions": {"d": %}"#,
            ]),
            inner,
        );
        let part = part.prop_map(|(frame, inner)| frame.replace('%', &inner));
        (prop::collection::vec(word.clone(), 0..2), prop::collection::vec(part, 1..3))
            .prop_map(|(words, parts)| format!("{{{}}}", [words, parts].concat().join(", ")))
    });
    let drafts = ["draft-04/schema#", "draft-06/schema", "draft-07/schema#", "draft/2019-09/schema", "draft/2020-12/schema", "schema#"];
    (prop::option::of(prop::sample::select(drafts.to_vec())), tree).prop_map(|(draft, tree)| match draft {
        Some(draft) => tree.replacen('{', &format!(r#"{{"$schema": "http://json-schema.org/{draft}", "#), 1).replace(", }", "}"),
        None => tree,
    })
}

/// Values from a few names and texts.
fn values() -> impl Strategy<Value = String> {
    let leaf = prop::sample::select(vec![
        "null",
        "true",
        "0",
        "1",
        "1.5",
        "-3",
        "9007199254740993",
        "\"\"",
        "\"a\"",
        "\"b.\"",
        "\"1.2.3.4\"",
        "[]",
        "{}",
    ]);
    let value = leaf.prop_map(str::to_string).prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(|items| format!("[{}]", items.join(", "))),
            inner.clone().prop_map(|value| format!(r#"{{"a": {value}}}"#)),
            (inner.clone(), inner).prop_map(|(a, b)| format!(r#"{{"a": {a}, "b": {b}}}"#)),
        ]
    });
    (value.clone(), prop::option::of(value)).prop_map(|(a, b)| match b {
        Some(b) => format!(r#"{{"a": {a}, "b": {b}}}"#),
        None => format!(r#"{{"a": {a}}}"#),
    })
}

#[test]
fn many_schemas_are_plain_and_many_values_fit() {
    let mut runner = TestRunner::deterministic();
    let mut next = || (schemas(), values()).new_tree(&mut runner).unwrap().current();
    let said: Vec<Option<bool>> = (0..500).map(|_| next()).map(|(schema, values)| admits(&schema, &values)).collect();
    for answer in [None, Some(false), Some(true)] {
        let count = said.iter().filter(|said| **said == answer).count();
        assert!(count >= 50, "{answer:?}: {count}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: ProptestConfig::default().cases.max(1000), ..ProptestConfig::default() })]

    #[test]
    fn the_validator_admits_what_is_admitted_here(schema in schemas(), values in values()) {
        if admits(&schema, &values) == Some(true) {
            prop_assert_eq!(fault(&schema, &values), None);
        }
    }
}
