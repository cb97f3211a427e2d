//! Where the passphrase of a signing key comes from, and what there is when it does not fit.

use super::rutter;
use std::io::Write;
use std::path::Path;
use std::process::{Output, Stdio};

/// Charts `a` and `b` below `home`.
fn charts(home: &Path) {
    for name in ["a", "b"] {
        std::fs::create_dir_all(home.join(name)).expect("a folder");
        std::fs::write(home.join(name).join("Chart.yaml"), format!("apiVersion: v2\nname: {name}\nversion: 1.0.0\n")).expect("a file");
    }
}

/// Packs and signs both with `arguments` more, with `input` on standard input and the passphrase of the environment.
fn sign(home: &Path, key: &str, arguments: &[&str], input: &str, environment: Option<&str>) -> Output {
    let out = home.join("out");
    let _ = std::fs::remove_dir_all(&out);
    std::fs::create_dir(&out).expect("a folder");
    let mut command = rutter(home);
    command.arg("package").args(["a", "b"].map(|name| home.join(name))).arg("-d").arg(&out);
    command.args(["--sign", "--key", if key == "locked" { "adam@" } else { "ada" }]);
    command.args(["--keyring", &format!("testdata/provenance/{key}.sec")]).args(arguments);
    command.envs(environment.map(|passphrase| ("RUTTER_PASSPHRASE", passphrase)));
    let mut run = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts");
    // Whoever asks for no input may have gone already.
    let _ = run.stdin.take().expect("standard input").write_all(input.as_bytes());
    run.wait_with_output().expect("it ends")
}

fn written(home: &Path) -> Vec<String> {
    let names = std::fs::read_dir(home.join("out")).expect("the folder");
    let mut names: Vec<_> = names.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

#[test]
fn one_passphrase_is_for_all_charts_wherever_it_comes_from() {
    let home = tempfile::tempdir().expect("a folder");
    let home = home.path();
    charts(home);
    std::fs::write(home.join("right"), "open sesame\nmore\n").expect("a file");
    std::fs::write(home.join("wrong"), "open barley\n").expect("a file");
    let (right, wrong) = (home.join("right"), home.join("wrong"));
    let file = |path: &Path| path.to_string_lossy().into_owned();
    let all = ["a-1.0.0.tgz", "a-1.0.0.tgz.prov", "b-1.0.0.tgz", "b-1.0.0.tgz.prov"];
    for (arguments, input, environment) in [
        (vec!["--passphrase-file".to_string(), "-".to_string()], "open sesame\n", None),
        (vec!["--passphrase-file".to_string(), file(&right)], "", None),
        (vec![], "", Some("open sesame")),
        // The flag wins.
        (vec!["--passphrase-file".to_string(), file(&right)], "", Some("open barley")),
    ] {
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let output = sign(home, "locked", &arguments, input, environment);
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        assert_eq!(written(home), all, "{arguments:?}");
    }
    for (arguments, environment) in
        [(vec!["--passphrase-file".to_string(), file(&wrong)], Some("open sesame")), (vec![], Some("open barley"))]
    {
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let output = sign(home, "locked", &arguments, "", environment);
        assert_eq!(output.status.code(), Some(1));
        assert!(!String::from_utf8_lossy(&output.stderr).contains("open "), "it shows no passphrase");
    }
    // A file that was named must be there, whether or not the key needs it; then nothing is written.
    for key in ["ada", "locked"] {
        let output = sign(home, key, &["--passphrase-file", "nowhere"], "", None);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!((output.status.code(), written(home).is_empty()), (Some(1), true), "{said}");
        assert!(said.contains("open nowhere: no such file or directory"), "{said}");
    }
    std::fs::write(home.join("nothing"), "").expect("a file");
    let output = sign(home, "locked", &["--passphrase-file", &file(&home.join("nothing"))], "", None);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success() && said.trim_end().ends_with("EOF"), "{said}");
}

#[test]
fn archives_that_were_written_before_a_fault_are_reported() {
    let home = tempfile::tempdir().expect("a folder");
    charts(home.path());
    let run = |names: &[&str]| {
        let output = rutter(home.path())
            .arg("package")
            .args(names.iter().map(|name| home.path().join(name)))
            .args(["-o", "json", "-d"])
            .arg(home.path())
            .output()
            .expect("it runs");
        let reports: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
        let names = reports.as_array().map(|reports| reports.iter().map(|report| report["name"].clone()).collect::<Vec<_>>());
        (output.status.code(), names)
    };
    assert_eq!(run(&["a", "b"]), (Some(0), Some(vec!["a".into(), "b".into()])));
    assert_eq!(run(&["a", "nowhere", "b"]), (Some(1), Some(vec!["a".into()])));
    assert_eq!(run(&["nowhere"]), (Some(1), None));
}
