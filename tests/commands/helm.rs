//! A live Helm 4 as client of `rutter serve`, over HTTP and OCI, in both directions and with signatures. It runs only where
//! RUTTER_TEST_HELM names the binary, and says so where it does not.

use super::peers::skip;
use super::serve::Server;
use super::{folder, output_of, rutter, top};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Helm with `home` as its home; `None` where there is no Helm.
fn helm(test: &str) -> Option<impl Fn(&Path) -> Command> {
    let Some(binary) = std::env::var_os("RUTTER_TEST_HELM").map(PathBuf::from) else {
        skip(test, "RUTTER_TEST_HELM names no Helm binary");
        return None;
    };
    Some(move |home: &Path| {
        let mut command = Command::new(&binary);
        command.env_clear().env("HOME", home).current_dir(home);
        command
    })
}

fn key(name: &str) -> PathBuf {
    top().join("testdata/provenance").join(name)
}

/// Packs and signs a chart of this version with `packer`, in `home`.
fn signed(packer: impl Fn() -> Command, home: &Path, version: &str) -> PathBuf {
    let chart = home.join("app");
    if !chart.exists() {
        output_of(rutter(home).arg("create").arg(&chart));
    }
    let mut command = packer();
    command.args(["package", "--sign", "--key", "ada", "--version", version, "--keyring"]).arg(key("ada.sec"));
    output_of(command.arg("-d").arg(home).arg(&chart));
    home.join(format!("app-{version}.tgz"))
}

fn error_of(command: &mut Command) -> String {
    let output = command.output().expect("the binary runs");
    assert!(!output.status.success(), "{command:?} succeeded");
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn accounts(home: &Path) -> String {
    let file = home.join("accounts");
    std::fs::write(&file, "ada:secret\nbob:other:read\n").expect("a file");
    file.to_string_lossy().into_owned()
}

fn assert_same(a: &Path, b: &Path) {
    let read = |path: &Path| std::fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    assert_eq!(read(a), read(b), "{} and {}", a.display(), b.display());
}

fn with_prov(path: &Path) -> PathBuf {
    PathBuf::from(format!("{}.prov", path.display()))
}

#[test]
fn helm_reads_charts_over_http() {
    let Some(helm) = helm("helm_reads_charts_over_http") else { return };
    let (_guard, home) = folder();
    let server = Server::start(&home, &["--auth-file", &accounts(&home)]);
    let archive = signed(|| rutter(&home), &home, "1.0.0+b1");
    output_of(rutter(&home).arg("push").arg(&archive).args([
        &server.url,
        "--server",
        "chartmuseum",
        "--username",
        "ada",
        "--password",
        "secret",
    ]));

    let refused = error_of(helm(&home).args(["repo", "add", "local", &server.url]));
    assert!(refused.contains("401 Unauthorized"), "{refused}");
    let account = ["--username", "bob", "--password", "other"];
    output_of(helm(&home).args(["repo", "add", "local", &server.url]).args(account));
    assert!(output_of(helm(&home).args(["repo", "update"])).contains("Successfully got an update from the \"local\" chart repository"));
    assert!(output_of(helm(&home).args(["search", "repo", "local/app"])).contains("local/app\t1.0.0+b1"));
    let out = home.join("out");
    std::fs::create_dir(&out).expect("a folder");
    let said = output_of(helm(&home).args(["pull", "local/app", "--verify", "--keyring"]).arg(key("ada.pub")).arg("-d").arg(&out));
    assert!(said.contains("Chart Hash Verified: sha256:"), "{said}");
    let pulled = out.join("app-1.0.0+b1.tgz");
    assert_same(&pulled, &archive);
    assert_same(&with_prov(&pulled), &with_prov(&archive));
    assert_eq!(
        output_of(helm(&home).args(["template", "demo", "local/app"])),
        output_of(rutter(&home).args(["template", "demo", "local/app"])),
    );
}

#[test]
fn helm_and_rutter_share_a_registry() {
    let Some(helm) = helm("helm_and_rutter_share_a_registry") else { return };
    let (_guard, home) = folder();
    let server = Server::start(&home, &["--auth-file", &accounts(&home)]);
    let host = server.url.strip_prefix("http://").expect("a plain address");
    let login = ["registry", "login", host, "--plain-http", "-u", "ada", "-p"];
    let refused = error_of(helm(&home).args(login).arg("wrong"));
    assert!(refused.contains("response status code 401: unauthorized"), "{refused}");
    assert!(output_of(helm(&home).args(login).arg("secret")).contains("Login Succeeded"));

    let ours = signed(|| rutter(&home), &home, "1.0.0+b1");
    let theirs = signed(|| helm(&home), &home, "2.0.0+b2");
    let remote = format!("oci://{host}");
    assert!(output_of(rutter(&home).arg("push").arg(&ours).args([&remote, "--plain-http"])).contains("app:1.0.0_b1"));
    let pushed = output_of(helm(&home).arg("push").arg(&theirs).args([&remote, "--plain-http"]));
    assert_eq!(output_of(helm(&home).arg("push").arg(&theirs).args([&remote, "--plain-http"])), pushed, "the same again is no fault");

    let chart = format!("{remote}/app");
    for (puller, archive, version) in [(&helm as &dyn Fn(&Path) -> Command, &ours, "^1"), (&|home: &Path| rutter(home), &theirs, "^2")] {
        let out = home.join(version.trim_start_matches('^'));
        std::fs::create_dir(&out).expect("a folder");
        let mut command = puller(&home);
        command.args(["pull", &chart, "--plain-http", "--version", version, "--verify", "--keyring"]).arg(key("ada.pub"));
        let said = output_of(command.arg("-d").arg(&out));
        assert!(said.contains("Chart Hash Verified: sha256:"), "{said}");
        let pulled = out.join(archive.file_name().expect("a name"));
        assert_same(&pulled, archive);
        assert_same(&with_prov(&pulled), &with_prov(archive));
    }
    // What Helm pushed to the registry is in the repository.
    output_of(helm(&home).args(["repo", "add", "local", &server.url, "--username", "ada", "--password", "secret"]));
    let listed = output_of(helm(&home).args(["search", "repo", "local/app", "-l"]));
    assert!(listed.contains("2.0.0+b2") && listed.contains("1.0.0+b1"), "{listed}");
    // A version that exists with other content is refused, and Helm says why.
    std::fs::write(home.join("app/values.yaml"), "other: 1\n").expect("a file");
    std::fs::remove_dir_all(home.join("app/templates")).expect("removed");
    let other = signed(|| helm(&home), &home, "2.0.0+b2");
    let refused = error_of(helm(&home).arg("push").arg(&other).args([&remote, "--plain-http"]));
    assert!(refused.contains("exists with other content"), "{refused}");
    assert!(output_of(helm(&home).args(["registry", "logout", host])).contains("Removing login credentials"));
}
