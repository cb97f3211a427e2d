//! `rutter push` where the public push plugin for ChartMuseum stood: folders, context paths, its variables, tokens.

use super::serve::{Server, client, text};
use super::{folder, output_of, rutter};
use std::path::Path;
use std::process::Output;

fn chart(home: &Path) -> String {
    let chart = home.join("app");
    std::fs::create_dir_all(&chart).expect("a folder");
    std::fs::write(chart.join("Chart.yaml"), "apiVersion: v2\nname: app\nversion: 0.1.0\nappVersion: \"1\"\n").expect("a file");
    chart.to_string_lossy().into_owned()
}

fn push(home: &Path, arguments: &[&str], variables: &[(&str, &str)]) -> Output {
    let mut command = rutter(home);
    command.arg("push").args(arguments).envs(variables.iter().copied());
    command.output().expect("the binary runs")
}

fn code(output: &Output) -> (Option<i32>, String) {
    (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
}

#[test]
fn folders_are_packed_and_context_paths_found() {
    let (_guard, home) = folder();
    let server = Server::start(&home, &["--context-path", "/x/y", "--depth", "2"]);
    let repository = server.at("/org/repo");
    let chart = chart(&home);
    let museum = ["--server", "chartmuseum"];
    // The index of the repository tells where the API is.
    assert_eq!(code(&push(&home, &[&[chart.as_str(), &repository][..], &museum].concat(), &[])).0, Some(0));
    assert_eq!(code(&push(&home, &[&chart, &repository, "--server", "auto", "--version", "0.2.0", "--app-version", "2"], &[])).0, Some(0));
    output_of(rutter(&home).args(["repo", "add", "mine", &repository]));
    assert_eq!(code(&push(&home, &[&chart, "mine", "--version", "0.3.0"], &[])).0, Some(0));
    let index = text(client().get(format!("{repository}/index.yaml")).send()).1;
    for wanted in ["version: 0.1.0\n", "version: 0.2.0\n", "appVersion: \"2\"\n", "version: 0.3.0\n"] {
        assert!(index.contains(wanted), "no {wanted:?} in\n{index}");
    }
    assert!(!home.join("app-0.3.0.tgz").exists() && !Path::new("app-0.3.0.tgz").exists());
    // An archive is packed again for another version, unless it is signed.
    let packed = rutter(&home).args(["package", &chart, "--version", "0.4.0", "-d"]).arg(&home).output().expect("the binary runs");
    assert_eq!(packed.status.code(), Some(0));
    let archive = home.join("app-0.4.0.tgz").to_string_lossy().into_owned();
    assert_eq!(code(&push(&home, &[&archive, "mine", "--version", "0.5.0", "--app-version", "5"], &[])).0, Some(0));
    let index = text(client().get(format!("{repository}/index.yaml")).send()).1;
    assert!(index.contains("version: 0.5.0\n") && index.contains("appVersion: \"5\"\n") && !index.contains("version: 0.4.0\n"), "{index}");
    let missing = push(&home, &[&archive, "mine", "--version", "0.6.0", "--prov", "none.prov"], &[]);
    assert!(code(&missing).0 == Some(1) && code(&missing).1.contains("none.prov: no such file"), "{}", code(&missing).1);
    // What changes nothing leaves the archive as it is, with its signature.
    let signature = "-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA512\n\nname: app\nversion: 0.4.0\n-----BEGIN PGP SIGNATURE-----\n";
    std::fs::write(format!("{archive}.prov"), signature).expect("a file");
    for same in [&["--version", "0.4.0"][..], &["--version", "", "--app-version", "1", "-f"]] {
        let pushed = push(&home, &[&[archive.as_str(), "mine"], same].concat(), &[]);
        assert_eq!(code(&pushed).0, Some(0), "{same:?}: {}", code(&pushed).1);
    }
    let at = |name: &str| client().get(format!("{repository}/{name}")).send().expect("an answer").bytes().expect("a body");
    let archives = at("charts/app-0.4.0.tgz");
    assert!(archives == std::fs::read(&archive).expect("the archive") && at("charts/app-0.4.0.tgz.prov") == signature);
    let signed = push(&home, &[&archive, "mine", "--version", "0.6.0"], &[]);
    let (status, error) = code(&signed);
    assert!(status == Some(1) && error.contains("pack and sign the chart with its new version"), "{error}");
    let again = push(&home, &[&chart, "mine", "--version", "0.3.0"], &[]);
    assert_eq!(code(&again).0, Some(3), "{}", code(&again).1);
    assert_eq!(code(&push(&home, &[&chart, "mine", "--version", "0.3.0", "-f"], &[])).0, Some(0));
    // A context path that is given is taken at its word.
    let elsewhere = push(&home, &[&[chart.as_str(), &repository][..], &museum].concat(), &[("HELM_REPO_CONTEXT_PATH", "/x")]);
    assert_eq!(code(&elsewhere).0, Some(1), "{}", code(&elsewhere).1);
    assert!(code(&elsewhere).1.contains("has no chart upload API"), "{}", code(&elsewhere).1);
}

#[test]
fn the_variables_of_the_plugin_are_honoured() {
    let (_guard, home) = folder();
    let accounts = home.join("accounts");
    std::fs::write(&accounts, "ada:secret\nbob:other:read\nbearer:t0ken\n").expect("a file");
    let server = Server::start(&home, &["--auth-file", &accounts.to_string_lossy(), "--context-path", "/x"]);
    let chart = chart(&home);
    let to = |version: &'static str| {
        [chart.clone(), server.url.clone(), "--server".into(), "chartmuseum".into(), "--version".into(), version.into()]
    };
    let with = |version: &'static str, variables: &[(&str, &str)]| {
        let words = to(version);
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        code(&push(&home, &words, variables))
    };
    let (ended, error) = with("1.0.0", &[]);
    assert!(ended == Some(1) && error.contains("401 Unauthorized"), "{error}");
    assert_eq!(with("1.0.0", &[("HELM_REPO_USERNAME", "ada"), ("HELM_REPO_PASSWORD", "secret")]).0, Some(0));
    assert_eq!(with("1.1.0", &[("HELM_REPO_ACCESS_TOKEN", "t0ken")]).0, Some(0));
    // User and password come before a token; a header of another name is what the server does not look at.
    let both = [("HELM_REPO_ACCESS_TOKEN", "t0ken"), ("HELM_REPO_USERNAME", "bob"), ("HELM_REPO_PASSWORD", "other")];
    assert!(with("1.2.0", &both).1.contains("403 Forbidden"));
    assert!(with("1.2.0", &[("HELM_REPO_ACCESS_TOKEN", "t0ken"), ("HELM_REPO_AUTH_HEADER", "X-Token")]).1.contains("401"));
    // Its flags are the same, and stronger.
    let flags = |flags: &[&str], variables: &[(&str, &str)]| {
        let words = to("1.3.0");
        code(&push(&home, &words.iter().map(String::as_str).chain(flags.iter().copied()).collect::<Vec<_>>(), variables))
    };
    let header = ["--access-token", "t0ken", "--auth-header", "X-Token"];
    assert!(flags(&header, &[]).1.contains("401"));
    assert_eq!(flags(&["--access-token", "t0ken"], &[("HELM_REPO_ACCESS_TOKEN", "wrong")]).0, Some(0));
    // What only repositories.yaml knows gives way to a token that is given.
    output_of(rutter(&home).args(["repo", "add", "ours", &server.url, "--username", "bob", "--password", "other"]));
    let token = ["--access-token", "t0ken", "--server", "chartmuseum", "--version", "1.4.0"];
    let pushed = push(&home, &[&[chart.as_str(), "ours"][..], &token].concat(), &[]);
    assert_eq!(code(&pushed).0, Some(0), "{}", code(&pushed).1);
    // Who is not let in is told so, though the API is then looked for where it is not.
    let elsewhere = server.at("/x");
    let refused = push(&home, &[&chart, &elsewhere, "--server", "auto", "--username", "ada", "--password", "WRONG"], &[]);
    assert!(code(&refused).0 == Some(1) && code(&refused).1.contains("401 Unauthorized"), "{}", code(&refused).1);
    let said = with("1.2.0", &both).1;
    assert!(!said.contains("other") && !said.contains("t0ken"), "no secret in an error: {said}");
}
