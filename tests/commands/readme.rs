//! The pipeline of README.md, run as it is printed: its shell blocks in their order as one script, in an empty folder that is
//! also the home. A port that is taken on this machine, and only that, is replaced by a free one.

use super::peers::{free_port, have, is_free};
use super::{folder, top};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// The shell blocks below a heading.
fn blocks(text: &str, heading: &str) -> String {
    let (_, rest) = text.split_once(&format!("\n## {heading}\n")).expect("the heading");
    let section = rest.split_once("\n## ").map_or(rest, |(section, _)| section);
    section.split("```sh\n").skip(1).map(|block| block.split_once("```").expect("an end").0).collect::<Vec<_>>().join("\n")
}

/// Ends what a script started, whatever became of it.
struct Group(u32);

impl Drop for Group {
    fn drop(&mut self) {
        let _ = Command::new("kill").args(["-9", "--", &format!("-{}", self.0)]).stderr(Stdio::null()).status();
    }
}

/// Runs a script, its folder being its home, and gives whether it succeeded and all that it printed.
fn run(script: &str, home: &Path) -> (bool, String) {
    let binary = Path::new(env!("CARGO_BIN_EXE_rutter")).parent().expect("a folder");
    let path = std::env::join_paths(
        std::iter::once(binary.to_path_buf()).chain(std::env::split_paths(&std::env::var_os("PATH").expect("a PATH"))),
    );
    let log = home.join("output.log");
    let file = std::fs::File::create(&log).expect("a log");
    let copy = file.try_clone().expect("a log");
    let mut command = Command::new("sh");
    command.args(["-eu", "-c", script]).env_clear().env("HOME", home).env("PATH", path.expect("a PATH")).current_dir(home);
    let mut child = command.process_group(0).stdin(Stdio::null()).stdout(file).stderr(copy).spawn().expect("a shell");
    let group = Group(child.id());
    let began = Instant::now();
    let status = loop {
        if let Some(status) = child.try_wait().expect("its state") {
            break Some(status);
        }
        if began.elapsed() > Duration::from_secs(120) {
            break None;
        }
        std::thread::sleep(Duration::from_millis(20));
    };
    drop(group);
    let _ = child.wait();
    let _ = Command::new("gpgconf").args(["--kill", "gpg-agent"]).env("HOME", home).status();
    (status.is_some_and(|status| status.success()), std::fs::read_to_string(&log).expect("the log"))
}

#[test]
fn the_pipeline_works_as_printed() {
    if !have("the_pipeline_works_as_printed", &["gpg", "curl", "docker-registry"]) {
        return;
    }
    // Another checkout may run the same ports on this machine.
    let turn = std::fs::File::create(std::env::temp_dir().join("rutter-readme-ports.lock"));
    let _turn = turn.inspect(|file| file.lock().expect("a lock"));
    let (_guard, home) = folder();
    let text = std::fs::read_to_string(top().join("README.md")).expect("README.md");
    let mut script = blocks(&text, "From a folder to a repository and back");
    for step in ["create", "lint", "dependency build", "package", "serve", "push", "repo add", "search repo", "pull", "template"] {
        assert!(script.contains(&format!("\nrutter {step} ")), "the pipeline lacks `rutter {step}`");
    }
    for port in [8879, 5000] {
        if !is_free(port) {
            script = script.replace(&format!("127.0.0.1:{port}"), &format!("127.0.0.1:{}", free_port()));
        }
    }
    let (succeeded, output) = run(&script, &home);
    assert!(succeeded, "{output}");
    let count = |wanted: &str| output.matches(wanted).count();
    assert_eq!(count("2 chart(s) linted, 0 chart(s) failed\n"), 1, "{output}");
    assert_eq!(count("\nlocal/shop"), 1, "{output}");
    assert_eq!(count("Pushed: "), 2, "{output}");
    assert_eq!(count("\nSigned by: Ada <ada@example.com>\n"), 2, "{output}");
    assert_eq!(count("\nChart Hash Verified: sha256:"), 2, "{output}");
    assert_eq!(count("\n# Source: shop/charts/backend/templates/deployment.yaml\n"), 2, "{output}");
    assert_eq!(count("  replicas: 3\n"), 2, "{output}");
}
