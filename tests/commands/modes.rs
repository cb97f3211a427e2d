//! The modes that written files get, under masks that people have; those of Helm 4.2.4.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

/// Runs the commands in `folder` under a mask of the shell.
fn run(folder: &Path, mask: &str, lines: &[&str]) {
    let program = env!("CARGO_BIN_EXE_rutter");
    let script: Vec<String> = lines.iter().map(|line| format!("'{program}' {line} || exit 1")).collect();
    let mut command = Command::new("sh");
    command.arg("-c").arg(format!("umask {mask}\n{}", script.join("\n"))).current_dir(folder).env_clear();
    command.env("HOME", folder).env("PATH", std::env::var_os("PATH").unwrap_or_default());
    let output = command.output().expect("there is a shell");
    assert!(output.status.success(), "{mask}: {}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn files_get_the_modes_that_helm_gives_them() {
    const UMBRELLA: &str =
        "apiVersion: v2\nname: umbrella\nversion: 0.1.0\ndependencies:\n- {name: app, version: '>=0', repository: 'file://../app'}\n";
    let expected = [
        ("app/values.yaml", [0o644, 0o600, 0o644]),
        ("app-0.1.0.tgz", [0o644, 0o600, 0o664]),
        ("out/app/templates/service.yaml", [0o644, 0o600, 0o664]),
        ("index.yaml", [0o644, 0o644, 0o644]),
        ("umbrella/Chart.lock", [0o644, 0o600, 0o644]),
        ("umbrella/charts/app-0.1.0.tgz", [0o644, 0o600, 0o664]),
        ("app/templates", [0o755, 0o700, 0o755]),
        ("out/app/templates", [0o755, 0o700, 0o755]),
        ("umbrella/charts", [0o755, 0o700, 0o755]),
        // Files that are there keep theirs.
        ("umbrella-0.1.0.tgz", [0o640, 0o640, 0o640]),
        ("kept/index.yaml", [0o644, 0o644, 0o644]),
    ];
    for (at, mask) in ["022", "077", "002"].into_iter().enumerate() {
        let folder = tempfile::tempdir().expect("a folder");
        let write = |name: &str, text: &str, mode: u32| {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().expect("a folder")).expect("made");
            std::fs::write(&path, text).expect("written");
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).expect("allowed");
        };
        write("umbrella/Chart.yaml", UMBRELLA, 0o644);
        write("umbrella-0.1.0.tgz", "old", 0o640);
        write("kept/index.yaml", "old", 0o600);
        let lines = [
            "create app",
            "package app",
            "template demo app --output-dir out",
            "repo index .",
            "repo index kept",
            "dependency update umbrella",
            "package umbrella",
        ];
        run(folder.path(), mask, &lines);
        for (name, modes) in expected {
            let found = folder.path().join(name).metadata().expect(name).permissions().mode() & 0o777;
            assert_eq!(format!("{found:o}"), format!("{:o}", modes[at]), "{name} under {mask}");
        }
    }
}
