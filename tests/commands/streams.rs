//! What is written where, and in which order when both streams are one.

use std::io::Read;
use std::process::Command;

/// What a command writes when its standard error is its standard output.
fn together(arguments: &[&str], folder: &std::path::Path) -> String {
    let (mut reader, writer) = std::io::pipe().expect("a pipe");
    let mut command = Command::new(env!("CARGO_BIN_EXE_rutter"));
    command.args(arguments).current_dir(folder).env_clear().env("HOME", folder);
    command.stdout(writer.try_clone().expect("the same")).stderr(writer);
    let mut child = command.spawn().expect("it runs");
    // The command holds the ends that are written to, and would keep the pipe open.
    drop(command);
    let mut text = String::new();
    reader.read_to_string(&mut text).expect("text");
    assert!(child.wait().expect("it ends").success(), "{text}");
    text
}

#[test]
fn what_is_said_of_a_render_comes_before_it() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::create_dir_all(folder.path().join("app/templates")).expect("made");
    for (name, text) in [
        ("Chart.yaml", "apiVersion: v2\nname: app\nversion: 1.0.0\n"),
        ("values.yaml", "image: nginx\n"),
        ("templates/map.yaml", "kind: ConfigMap\n"),
    ] {
        std::fs::write(folder.path().join("app").join(name), text).expect("written");
    }
    // As Helm 4.2.4.
    let said = "level=INFO msg=\"warning: skipped value for app.image: Not a table.\"\n";
    let rendered = "---\n# Source: app/templates/map.yaml\nkind: ConfigMap\n";
    assert_eq!(together(&["template", "demo", "app", "--set", "image.tag=1"], folder.path()), format!("{said}{rendered}"));
}
