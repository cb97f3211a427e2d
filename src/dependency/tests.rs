//! Random chart trees with Helm 4.2.4's results for them: `testdata/values/charts.jsonl`, recorded through
//! Helm's `ProcessDependencies` and `ToRenderValues`. A line holds the chart, the user's values, the coalesced
//! values (or the error), the tree of enabled subcharts, and the log lines, sorted.

use super::*;
use crate::chart::{Content, Dependency, File, loader};
use crate::data::Data;
use crate::diagnostic::Level;
use crate::values::coalesce::coalesce_values;
use crate::values::sample::data;
use serde_json::Value;

fn map(value: &Value) -> Arc<Map> {
    match data(&value.to_string()) {
        Data::Map(map) => map,
        _ => Arc::new(Map::new()),
    }
}

fn text<'case>(value: &'case Value, key: &str) -> &'case str {
    value[key].as_str().unwrap_or_default()
}

fn list<'case>(value: &'case Value, key: &str) -> impl Iterator<Item = &'case Value> {
    value[key].as_array().into_iter().flatten()
}

fn chart(value: &Value) -> Chart {
    let has_dependency_list = list(value, "deps").next().is_some();
    let dependencies = list(value, "deps").map(|entry| Dependency {
        name: text(entry, "name").into(),
        version: "0.1.0".into(),
        alias: text(entry, "alias").into(),
        condition: text(entry, "condition").into(),
        tags: list(entry, "tags").filter_map(|tag| tag.as_str().map(String::from)).collect(),
        import_values: list(entry, "import").map(|import| data(&import.to_string())).collect(),
        ..Dependency::default()
    });
    let metadata = Metadata {
        name: text(value, "name").into(),
        version: "0.1.0".into(),
        dependencies: dependencies.collect(),
        has_dependency_list,
        ..Metadata::default()
    };
    Chart {
        metadata: Arc::new(metadata),
        content: Arc::new(Content::default()),
        values: map(&value["values"]),
        dependencies: list(value, "charts").map(chart).collect(),
        found_in: None,
    }
}

fn json(data: &Data) -> Value {
    match data {
        Data::Null => Value::Null,
        Data::Bool(truth) => Value::Bool(*truth),
        Data::Int(number) => Value::from(*number),
        Data::Float(number) => serde_json::from_str(&number.to_string()).expect("a number"),
        Data::Bytes(_) => unreachable!("no case has any"),
        Data::Str(text) => Value::String(text.to_string()),
        Data::List(items) => Value::Array(items.iter().map(json).collect()),
        Data::Map(map) => Value::Object(map.iter().map(|(key, value)| (key.to_string(), json(value))).collect()),
    }
}

fn tree(chart: &Chart) -> String {
    let entries: String = chart
        .metadata
        .dependencies
        .iter()
        .map(|entry| {
            let imports = Value::Array(entry.import_values.iter().map(json).collect());
            format!("{}:{}:{imports} ", entry.name, entry.enabled)
        })
        .collect();
    let charts: String = chart.dependencies.iter().map(|subchart| tree(subchart) + " ").collect();
    format!("{}[{entries}]({charts})", chart.name())
}

fn log_lines(notices: &Notices) -> Vec<String> {
    let quoted = |text: &str| match text.contains([' ', '"', '=']) {
        true => crate::quote::quote(text.as_bytes()),
        false => text.to_string(),
    };
    let line = |notice: &crate::diagnostic::Notice| {
        let level = if notice.level == Level::Info { "INFO" } else { "WARN" };
        let attributes: String = notice.attributes.iter().map(|(key, value)| format!(" {key}={}", quoted(value))).collect();
        format!("level={level} msg={}{attributes}", quoted(&notice.message))
    };
    let mut lines: Vec<String> = notices.list.iter().map(line).collect();
    lines.sort();
    lines
}

#[test]
fn charts_come_out_as_from_helm() {
    let mut faults = Vec::new();
    for line in include_str!("../../testdata/values/charts.jsonl").lines() {
        let case: Value = serde_json::from_str(line).expect("a case");
        let values = map(&case["values"]);
        let mut notices = Notices::new();
        let mut lives = String::new();
        let result = process(&chart(&case["chart"]), &values, &mut notices).and_then(|processed| {
            lives = tree(&processed);
            coalesce_values(&processed, &values, &mut notices)
        });
        let got = match result {
            Ok(values) => json(&Data::Map(values)).to_string(),
            Err(error) => format!("error: {error}"),
        };
        let logs: Vec<&str> = list(&case, "logs").filter_map(Value::as_str).collect();
        if got != text(&case, "want") || lives != text(&case, "tree") || log_lines(&notices) != logs {
            faults.push(format!("{line}\n got {got}\n tree {lives}\n logs {:#?}", log_lines(&notices)));
        }
    }
    assert!(faults.is_empty(), "{} differ, the first:\n{}", faults.len(), faults[0]);
}

// Two aliases of a chart that has two aliases of a chart, and so on: a few lines give more charts than there are atoms.
#[test]
fn aliases_of_aliases_end() {
    let nested = (0..100).fold(serde_json::json!({ "name": "c" }), |inner, _| {
        let entries = serde_json::json!([{ "name": "c", "alias": "a" }, { "name": "c", "alias": "b" }]);
        serde_json::json!({ "name": "c", "deps": entries, "charts": [inner] })
    });
    let error = process(&chart(&nested), &Arc::default(), &mut Notices::new()).expect_err("too many");
    assert_eq!(error.kind(), ErrorKind::Limit);
    assert!(error.message().contains("has more than 50000 subcharts"), "{error}");
}

/// The values to render with for a subchart `sub` 1.2.0 that has `a: 1`, listed with `entry`, under these parent values.
fn coalesced(values: &str, entry: &str) -> String {
    let file = |name: &str, text: &str| File { name: name.into(), data: text.as_bytes().into(), modified: None };
    let chart = format!("apiVersion: v2\nname: top\nversion: 1.0.0\ndependencies:\n- {{name: sub, {entry}}}\n");
    let files = vec![
        file("Chart.yaml", &chart),
        file("values.yaml", values),
        file("charts/sub/Chart.yaml", "apiVersion: v2\nname: sub\nversion: 1.2.0\n"),
        file("charts/sub/values.yaml", "a: 1\n"),
    ];
    let mut notices = Notices::new();
    let chart = loader::from_files(files, &mut notices).expect("a chart");
    let chart = process(&chart, &Arc::default(), &mut notices).expect("processed");
    json(&Data::Map(coalesce_values(&chart, &Arc::default(), &mut notices).expect("values"))).to_string()
}

// As in Helm 4.2.4.
#[test]
fn ranges_conditions_and_tags_choose_subcharts() {
    for (values, entry, expected) in [
        ("", "version: ^1.0, alias: other", r#"{"other":{"a":1,"global":{}}}"#),
        ("", "version: ^2.0, alias: other", r#"{"sub":{"a":1,"global":{}}}"#),
        ("x: false", "version: 1.2.0, condition: x", r#"{"x":false}"#),
        // The first path that exists decides.
        ("x: false\nz: true", "version: 1.2.0, condition: 'x,z'", r#"{"x":false,"z":true}"#),
        ("z: true", "version: 1.2.0, condition: 'x,z'", r#"{"sub":{"a":1,"global":{}},"z":true}"#),
        // One true tag is enough.
        ("tags: {t: true, f: false}", "version: 1.2.0, tags: [t, f]", r#"{"sub":{"a":1,"global":{}},"tags":{"f":false,"t":true}}"#),
        ("tags: {f: false}", "version: 1.2.0, tags: [t, f]", r#"{"tags":{"f":false}}"#),
    ] {
        assert_eq!(coalesced(values, entry), expected, "{values} {entry}");
    }
}
