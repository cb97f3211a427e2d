//! `lint` where it reaches beyond the chart: schemas that lie on a server.

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
