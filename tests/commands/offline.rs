//! What is fetched once is there without a network, and `--offline` asks for nothing; reports for machines of what was
//! fetched and packed.

use super::serve::{Server, archive, client};
use super::{folder, output_of, rutter};
use std::path::Path;

fn error_of(home: &Path, arguments: &[&str]) -> String {
    let output = rutter(home).args(arguments).output().expect("the binary runs");
    assert_eq!(output.status.code(), Some(1), "{arguments:?}");
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn what_was_fetched_is_there_offline_and_the_rest_is_an_error() {
    let (_guard, home) = folder();
    let server = Server::start(&home, &[]);
    for version in ["1.0.0", "2.0.0"] {
        client().post(server.at("/api/charts")).body(archive(&home, "app", version)).send().expect("an answer");
    }
    output_of(rutter(&home).args(["repo", "add", "local", &server.url]));
    let rendered = output_of(rutter(&home).args(["template", "local/app"]));
    // The server still answers; nobody may ask.
    assert_eq!(output_of(rutter(&home).args(["template", "local/app", "--offline"])), rendered);
    assert_eq!(output_of(rutter(&home).args(["show", "values", "local/app", "--offline"])), "answer: 42\n\n");
    assert_eq!(output_of(rutter(&home).args(["values", "local/app", "--offline"])), "answer: 42\n");
    output_of(rutter(&home).args(["pull", "local/app", "--offline", "-d"]).arg(&home));
    assert!(home.join("app-2.0.0.tgz").exists());
    let oci = server.url.replace("http://", "oci://");
    let values = server.at("/values.yaml");
    for arguments in [
        &["template", "local/app", "--version", "1.0.0"][..],
        &["pull", &format!("{oci}/app"), "--plain-http"],
        &["show", "chart", "app", "--repo", &server.url],
        &["template", "local/app", "-f", &values],
    ] {
        let error = error_of(&home, &[arguments, &["--offline"]].concat());
        assert!(error.contains("nothing may be fetched offline"), "{arguments:?}: {error}");
    }
    drop(server);
    assert_eq!(output_of(rutter(&home).env("RUTTER_OFFLINE", "1").args(["template", "local/app"])), rendered);
}

// helm/helm#13241: what a registry gave once is not downloaded again, and is there without it.
#[test]
fn charts_of_registries_are_cached_too() {
    let (_guard, home) = folder();
    let server = Server::start(&home, &[]);
    for version in ["1.0.0", "2.0.0"] {
        client().post(server.at("/api/charts")).body(archive(&home, "app", version)).send().expect("an answer");
    }
    let reference = format!("{}/app", server.url.replace("http://", "oci://"));
    let run = |arguments: &[&str]| output_of(rutter(&home).args(arguments).args([&reference, "--plain-http"]));
    let rendered = run(&["template"]);
    assert_eq!(run(&["template", "--offline"]), rendered);
    assert_eq!(run(&["show", "values", "--version", "2.0.0", "--offline"]).lines().last(), Some(""));
    let error = error_of(&home, &["template", &reference, "--plain-http", "--version", "1.0.0", "--offline"]);
    assert!(error.contains("nothing may be fetched offline"), "{error}");
    let chart = home.join("parent");
    std::fs::create_dir(&chart).expect("a folder");
    let text = format!(
        "apiVersion: v2\nname: parent\nversion: 1.0.0\ndependencies:\n- name: app\n  version: ^1\n  repository: {}\n",
        reference.trim_end_matches("/app")
    );
    std::fs::write(chart.join("Chart.yaml"), text).expect("a file");
    let dependency = |words: &[&str]| {
        let mut command = rutter(&home);
        command.arg("dependency").args(words).arg(&chart).arg("--plain-http");
        output_of(&mut command)
    };
    dependency(&["update"]);
    let built = dependency(&["build"]);
    drop(server);
    // A registry is asked what the tag names now, unless that is forbidden.
    assert!(error_of(&home, &["dependency", "build", &chart.to_string_lossy(), "--plain-http"]).contains("could not download"));
    std::fs::remove_dir_all(chart.join("charts")).expect("removed");
    assert_eq!(dependency(&["build", "--offline"]), built);
    assert!(chart.join("charts/app-1.0.0.tgz").exists());
    assert_eq!(run(&["template", "--offline"]), rendered);
}

// helm/helm#7214: who locks digests needs neither `repo add` nor the repository.
#[test]
fn locked_digests_need_no_repository() {
    let (_guard, home) = folder();
    let server = Server::start(&home, &[]);
    client().post(server.at("/api/charts")).body(archive(&home, "app", "1.0.0")).send().expect("an answer");
    let chart = home.join("parent");
    std::fs::create_dir(&chart).expect("a folder");
    let text =
        format!("apiVersion: v2\nname: parent\nversion: 1.0.0\ndependencies:\n- name: app\n  version: ^1\n  repository: {}\n", server.url);
    std::fs::write(chart.join("Chart.yaml"), text).expect("a file");
    let path = chart.to_string_lossy().into_owned();
    output_of(rutter(&home).args(["dependency", "update", &path]));
    let error = error_of(&home, &["dependency", "build", &path]);
    assert!(error.contains("no repository definition for"), "as Helm: {error}");
    output_of(rutter(&home).args(["dependency", "update", &path, "--lock-digests"]));
    let archive = chart.join("charts/app-1.0.0.tgz");
    let bytes = std::fs::read(&archive).expect("the archive");
    // From the repository, whose address is in the lock.
    std::fs::remove_file(&archive).expect("removed");
    std::fs::remove_dir_all(home.join(".cache/helm/content")).expect("removed");
    output_of(rutter(&home).args(["dependency", "build", &path]));
    drop(server);
    // From `charts/`, which a checkout brings along, and from the cache.
    std::fs::remove_dir_all(home.join(".cache/helm/content")).expect("removed");
    output_of(rutter(&home).args(["dependency", "build", &path]));
    assert_eq!(std::fs::read(&archive).expect("the archive"), bytes);
    // What was changed there is not taken.
    std::fs::write(&archive, super::serve::archive(&home, "other", "1.0.0")).expect("a file");
    let error = error_of(&home, &["dependency", "build", &path]);
    assert!(error.contains("could not"), "{error}");
}

#[test]
fn reports_tell_path_digest_and_signer() {
    let (_guard, home) = folder();
    let server = Server::start(&home, &[]);
    let bytes = archive(&home, "app", "1.0.0");
    let mut package = rutter(&home);
    package.args(["package", "-o", "json", "--sign", "--key", "ada", "--keyring", "testdata/provenance/ada.sec", "-d"]);
    let packed = output_of(package.arg(&home).arg(home.join("sources/app-1.0.0")));
    let packed: serde_json::Value = serde_json::from_str(&packed).expect("JSON");
    let digest = format!("sha256:{}", rutter::package::digest::sha256_hex(&bytes));
    assert_eq!(packed[0]["size"], bytes.len());
    assert_eq!(packed[0]["digest"], digest.as_str());
    output_of(rutter(&home).arg("push").arg(home.join("app-1.0.0.tgz")).args([&server.url, "--server", "chartmuseum"]));
    output_of(rutter(&home).args(["repo", "add", "local", &server.url]));
    let out = home.join("out");
    std::fs::create_dir(&out).expect("a folder");
    let mut pull = rutter(&home);
    pull.args(["pull", "local/app", "-o", "json", "--verify", "--keyring", "testdata/provenance/ada.pub", "-d"]).arg(&out);
    let pulled: serde_json::Value = serde_json::from_str(&output_of(&mut pull)).expect("JSON");
    let fingerprint = pulled[0]["verified"]["fingerprint"].as_str().expect("a fingerprint").to_string();
    let wanted = serde_json::json!([{
        "reference": "local/app", "path": out.join("app-1.0.0.tgz").to_string_lossy(), "digest": digest,
        "verified": { "signedBy": pulled[0]["verified"]["signedBy"], "fingerprint": fingerprint },
    }]);
    assert_eq!(pulled, wanted);
    assert!(pulled[0]["verified"]["signedBy"][0].as_str().is_some_and(|name| name.contains("ada")), "{pulled}");
}

#[test]
fn a_schema_that_cannot_be_fetched_is_told_in_helm_s_words() {
    let (_guard, home) = folder();
    let chart = home.join("app");
    std::fs::create_dir(&chart).expect("a folder");
    std::fs::write(chart.join("Chart.yaml"), "apiVersion: v2\nname: app\nversion: 1.0.0\n").expect("a file");
    let error_with = |url: &str| {
        std::fs::write(chart.join("values.schema.json"), format!(r#"{{"$ref": "{url}"}}"#)).expect("a file");
        error_of(&home, &["template", &chart.to_string_lossy()])
    };
    let server = Server::start(&home, &[]);
    let url = server.at("/not-there.json");
    let error = error_with(&url);
    assert!(error.ends_with(&format!("failing loading \"{url}\": HTTP request to {url} returned status 404 (Not Found)\n")), "{error}");
    drop(server);
    let error = error_with(&url);
    assert!(error.contains(&format!("failing loading \"{url}\": HTTP request failed for {url}: Get \"{url}\": ")), "{error}");
}
