//! `lint` where it reaches beyond the chart: schemas that lie on a server; and how often it tells what it tells.

use super::holes::serve_one;
use super::{folder, rutter};

/// As Helm does, `template` and `lint` fetch what a schema refers to, unless there is to be no network.
#[test]
fn what_a_schema_refers_to_is_fetched() {
    let (_guard, home) = folder();
    let url = serve_one(br#"{"properties": {"replicas": {"type": "string"}}}"#.to_vec());
    let chart = home.join("app");
    std::fs::create_dir_all(chart.join("templates")).expect("a folder");
    std::fs::write(chart.join("Chart.yaml"), "apiVersion: v2\nname: app\nversion: 1.0.0\n").expect("a file");
    std::fs::write(chart.join("values.yaml"), "replicas: 1\n").expect("a file");
    std::fs::write(chart.join("values.schema.json"), format!("{{\"$ref\": \"{url}/schema.json\"}}")).expect("a file");
    for command in ["lint", "template"] {
        let output = rutter(&home).arg(command).arg(&chart).output().expect("the binary runs");
        let shown = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        assert!(!output.status.success() && shown.contains("- at '/replicas': got number, want string"), "{command}: {shown}");
        let output = rutter(&home).arg(command).arg(&chart).env("RUTTER_OFFLINE", "1").output().expect("the binary runs");
        let shown = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        assert!(!output.status.success() && shown.contains("failing loading \"http://127.0.0.1:"), "{command}: {shown}");
    }
}

/// Values are coalesced for the dependencies and twice for the templates, and what does not fit is told each time. The counts are Helm 4.2.4's.
#[test]
fn values_that_do_not_fit_are_told_as_often_as_by_helm() {
    let (_guard, home) = folder();
    let chart = home.join("app");
    std::fs::create_dir_all(chart.join("charts/sub")).expect("a folder");
    std::fs::create_dir_all(chart.join("templates")).expect("a folder");
    let metadata = "apiVersion: v2\nversion: 1.0.0\nicon: https://example.com/icon.png\nname: ";
    std::fs::write(chart.join("Chart.yaml"), format!("{metadata}app\ndependencies:\n- {{name: sub, version: 1.0.0}}\n")).expect("a file");
    std::fs::write(chart.join("charts/sub/Chart.yaml"), format!("{metadata}sub\n")).expect("a file");
    std::fs::write(chart.join("values.yaml"), "sub: {a: {b: {c: d}}}\n").expect("a file");
    std::fs::write(chart.join("charts/sub/values.yaml"), "a: {b: text}\n").expect("a file");
    for (words, count) in [(&["lint"][..], 4), (&["lint", "--set", "x=1"], 4), (&["template"], 3), (&["package"], 0)] {
        let output = rutter(&home).current_dir(&home).args(words).arg(&chart).output().expect("the binary runs");
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        let found = told.matches("destination for app.sub.a.b is a table. Ignoring non-table value (text)").count();
        assert!(output.status.success() && found == count, "{words:?}: {told}");
    }
}
