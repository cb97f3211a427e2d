//! Debian's docker-registry as the peer: open and with accounts, with credentials from the login file and from a helper
//! program, and as a mirror of a registry that is away.

use super::peers::{Running, free_port, have, program};
use super::{folder, output_of, rutter};
use std::path::{Path, PathBuf};
use std::process::Command;

/// A registry on loopback; with `account` (user and password) nobody else gets in.
fn start(home: &Path, account: Option<(&str, &str)>) -> (Running, String) {
    let port = free_port();
    let folder = home.join(format!("registry-{port}"));
    std::fs::create_dir(&folder).expect("a folder");
    let mut text = format!(
        "version: 0.1\nstorage:\n  filesystem:\n    rootdirectory: {}\nhttp:\n  addr: 127.0.0.1:{port}\n",
        folder.join("store").display()
    );
    if let Some((user, password)) = account {
        let accounts = folder.join("htpasswd");
        let hash = bcrypt::hash(password, 4).expect("a hash");
        std::fs::write(&accounts, format!("{user}:{hash}\n")).expect("a file");
        text.push_str(&format!("auth:\n  htpasswd:\n    realm: test\n    path: {}\n", accounts.display()));
    }
    let configuration = folder.join("config.yml");
    std::fs::write(&configuration, text).expect("a file");
    let mut command = Command::new(program("docker-registry").expect("docker-registry"));
    command.arg("serve").arg(configuration);
    (Running::start(command, port, &folder.join("log")), format!("127.0.0.1:{port}"))
}

/// A signed archive of a small chart.
fn archive(home: &Path, version: &str) -> PathBuf {
    let chart = home.join("app");
    std::fs::create_dir_all(&chart).expect("a folder");
    std::fs::write(chart.join("Chart.yaml"), "apiVersion: v2\nname: app\nversion: 0.0.1\n").expect("a file");
    let mut command = rutter(home);
    command.args(["package", "--sign", "--key", "ada", "--keyring", "testdata/provenance/ada.sec", "--version", version]);
    output_of(command.arg("-d").arg(home).arg(chart));
    home.join(format!("app-{version}.tgz"))
}

fn error_of(command: &mut Command) -> String {
    let output = command.output().expect("the binary runs");
    assert!(!output.status.success(), "{command:?} succeeded");
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn a_guarded_registry_is_used_after_login_and_not_after_logout() {
    if !have("a_guarded_registry_is_used_after_login_and_not_after_logout", &["docker-registry"]) {
        return;
    }
    let (_guard, home) = folder();
    let (_registry, host) = start(&home, Some(("ada", "s3cret")));
    let chart = archive(&home, "1.0.0+b1");
    let remote = format!("oci://{host}/charts");
    let push = || {
        let mut command = rutter(&home);
        command.arg("push").arg(&chart).args([&remote, "--plain-http"]);
        command
    };
    let pull = |out: &str| {
        std::fs::create_dir(home.join(out)).expect("a folder");
        let mut command = rutter(&home);
        command.args(["pull", &format!("{remote}/app"), "--plain-http", "--verify", "--keyring", "testdata/provenance/ada.pub", "-d"]);
        command.arg(home.join(out));
        command
    };
    assert!(error_of(&mut push()).contains("basic credential not found"));
    let login = ["registry", "login", &host, "--plain-http", "-u", "ada", "-p"];
    assert!(error_of(rutter(&home).args(login).arg("wrong")).contains("401"));
    assert!(output_of(rutter(&home).args(login).arg("s3cret")).contains("Login Succeeded"));
    assert!(output_of(&mut push()).contains("app:1.0.0_b1"));
    assert!(output_of(&mut pull("first")).contains("Chart Hash Verified"));
    assert_eq!(std::fs::read(home.join("first/app-1.0.0+b1.tgz")).expect("pulled"), std::fs::read(&chart).expect("packed"));
    output_of(rutter(&home).args(["registry", "logout", &host]));
    assert!(error_of(&mut pull("second")).contains("basic credential not found"));
    // Credentials of one command, kept nowhere.
    let listed = output_of(pull("third").args(["--username", "ada", "--password", "s3cret"]));
    assert!(listed.contains("Chart Hash Verified"), "{listed}");
}

#[cfg(unix)]
#[test]
fn a_helper_program_keeps_the_credentials() {
    use std::os::unix::fs::PermissionsExt as _;
    if !have("a_helper_program_keeps_the_credentials", &["docker-registry"]) {
        return;
    }
    let (_guard, home) = folder();
    let (_registry, host) = start(&home, Some(("ada", "s3cret")));
    let programs = home.join("bin");
    std::fs::create_dir(&programs).expect("a folder");
    let helper = programs.join("docker-credential-box");
    let script = "#!/bin/sh\necho \"$1\" >>\"$HOME/calls\"\ncase $1 in\nstore) cat >\"$HOME/box\" ;;\nerase) rm \"$HOME/box\" ;;\nget) cat >/dev/null; cat \"$HOME/box\" 2>/dev/null || { echo 'credentials not found in native keychain'; exit 1; } ;;\nesac\n";
    std::fs::write(&helper, script).expect("a script");
    std::fs::set_permissions(&helper, std::fs::Permissions::from_mode(0o755)).expect("a mode");
    let path = std::env::join_paths(std::iter::once(programs).chain(std::env::split_paths(&std::env::var_os("PATH").expect("a PATH"))))
        .expect("a PATH");
    let configuration = home.join("registry.json");
    std::fs::write(&configuration, format!("{{\"credHelpers\": {{\"{host}\": \"box\"}}}}")).expect("a file");
    let run = |arguments: &[&str]| {
        let mut command = rutter(&home);
        command.env("PATH", &path).env("HELM_REGISTRY_CONFIG", &configuration).args(arguments);
        command
    };
    let chart = archive(&home, "1.0.0");
    let remote = format!("oci://{host}/charts");
    output_of(&mut run(&["registry", "login", &host, "--plain-http", "-u", "ada", "-p", "s3cret"]));
    assert!(!std::fs::read_to_string(&configuration).expect("the file").contains("auths"), "the password is the helper's alone");
    assert!(std::fs::read_to_string(home.join("box")).expect("what the helper keeps").contains("s3cret"));
    output_of(&mut run(&["push", &chart.to_string_lossy(), &remote, "--plain-http"]));
    // Docker's own file is looked into where the registry file has nothing.
    let docker = home.join(".docker");
    std::fs::create_dir(&docker).expect("a folder");
    std::fs::rename(&configuration, docker.join("config.json")).expect("moved");
    std::fs::write(docker.join("config.json"), "{\"credsStore\": \"box\"}").expect("a file");
    assert!(output_of(&mut run(&["show", "chart", &format!("{remote}/app"), "--plain-http"])).contains("name: app"));
    std::fs::rename(docker.join("config.json"), &configuration).expect("moved");
    output_of(&mut run(&["registry", "logout", &host]));
    assert!(!home.join("box").exists());
    assert!(error_of(&mut run(&["show", "chart", &format!("{remote}/app"), "--plain-http"])).contains("basic credential not found"));
    let calls = std::fs::read_to_string(home.join("calls")).expect("the calls");
    assert!(calls.starts_with("store\nget\n") && calls.ends_with("erase\nget\n"), "{calls}");
}

// helm/helm#13615: Docker Hub by its mirror, named in a file that no job touches.
#[test]
fn a_registry_that_is_away_is_reached_by_its_mirror() {
    if !have("a_registry_that_is_away_is_reached_by_its_mirror", &["docker-registry"]) {
        return;
    }
    let (_guard, home) = folder();
    let (_registry, host) = start(&home, None);
    for version in ["1.0.0", "1.1.0"] {
        let chart = archive(&home, version);
        output_of(rutter(&home).arg("push").arg(chart).args([&format!("oci://{host}/hub/charts"), "--plain-http"]));
    }
    let configuration = home.join(".config/helm");
    std::fs::create_dir_all(&configuration).expect("a folder");
    let file = configuration.join("mirrors.yaml");
    std::fs::write(&file, format!("mirrors:\n  oci://away.invalid: http://{host}/hub\n")).expect("a file");
    let reference = "oci://away.invalid/charts/app";
    let found = output_of(rutter(&home).args(["search", "repo", reference, "--versions"]));
    assert!(found.contains("1.0.0") && found.contains("1.1.0"), "{found}");
    let out = home.join("out");
    std::fs::create_dir(&out).expect("a folder");
    let mut pull = rutter(&home);
    pull.args(["pull", reference, "--version", "^1", "--verify", "--keyring", "testdata/provenance/ada.pub", "-d"]).arg(&out);
    let said = output_of(&mut pull);
    assert!(said.contains("Pulled: away.invalid/charts/app:1.1.0\n") && said.contains("Chart Hash Verified"), "{said}");
    assert!(out.join("app-1.1.0.tgz.prov").exists());
    // The same by one line of the environment, and for a dependency.
    std::fs::remove_file(&file).expect("removed");
    let chart = home.join("parent");
    std::fs::create_dir(&chart).expect("a folder");
    let text = "apiVersion: v2\nname: parent\nversion: 1.0.0\ndependencies:\n- name: app\n  version: ~1.0\n  repository: oci://away.invalid/charts\n";
    std::fs::write(chart.join("Chart.yaml"), text).expect("a file");
    let mirrors = format!("away.invalid=http://{host}/hub");
    output_of(rutter(&home).env("RUTTER_MIRRORS", mirrors).args(["dependency", "update"]).arg(&chart));
    assert!(chart.join("charts/app-1.0.0.tgz").exists());
    let refused = error_of(rutter(&home).env("RUTTER_MIRRORS", "nonsense").args(["pull", reference]));
    assert!(refused.contains("RUTTER_MIRRORS: \"nonsense\" is no mirror"), "{refused}");
}

#[test]
fn a_version_with_another_archive_is_refused() {
    if !have("a_version_with_another_archive_is_refused", &["docker-registry"]) {
        return;
    }
    let (_guard, home) = folder();
    let (_registry, host) = start(&home, None);
    let push = |archive: &Path, more: &[&str]| {
        let mut command = rutter(&home);
        command.arg("push").arg(archive).args([&format!("oci://{host}/charts"), "--plain-http"]).args(more);
        command
    };
    let chart = archive(&home, "1.0.0");
    let first = output_of(&mut push(&chart, &[]));
    assert_eq!(output_of(&mut push(&chart, &[])), first, "the same again is no fault");
    std::fs::write(home.join("app/values.yaml"), "other: 1\n").expect("a file");
    let other = archive(&home, "1.0.0");
    let refused = push(&other, &[]).output().expect("the binary runs");
    let error = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert_eq!(refused.status.code(), Some(3), "{error}");
    assert!(error.contains("charts/app:1.0.0 already exists with another archive"), "{error}");
    assert_ne!(output_of(&mut push(&other, &["--force"])), first);
}

#[test]
fn the_charts_of_a_registry_are_found() {
    if !have("the_charts_of_a_registry_are_found", &["docker-registry"]) {
        return;
    }
    let (_guard, home) = folder();
    let (_registry, host) = start(&home, Some(("ada", "secret")));
    let login = ["registry", "login", &host, "--plain-http", "--username", "ada", "--password", "secret"];
    output_of(rutter(&home).args(login));
    for (version, place) in [("1.0.0", "charts"), ("1.1.0", "charts"), ("2.0.0-rc.1", "charts/new"), ("1.0.0+x", "other")] {
        let chart = archive(&home, version);
        output_of(rutter(&home).arg("push").arg(chart).args([&format!("oci://{host}/{place}"), "--plain-http"]));
    }
    // An image is no chart, whatever its tag is.
    let http = super::serve::client();
    let at = |path: &str| format!("http://{host}/v2/{path}");
    let digest = rutter::repository::oci::digest_of(b"{}");
    let begun = http.post(at("image/blobs/uploads/")).basic_auth("ada", Some("secret")).send().expect("an answer");
    let place = begun.headers()["location"].to_str().expect("a place").to_string();
    let put = http.put(format!("{place}&digest={digest}")).basic_auth("ada", Some("secret")).body("{}");
    assert_eq!(put.send().expect("an answer").status(), 201);
    let kind = "application/vnd.oci.image.manifest.v1+json";
    let config = format!(r#"{{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"{digest}","size":2}}"#);
    let image = format!(r#"{{"schemaVersion":2,"mediaType":"{kind}","config":{config},"layers":[]}}"#);
    let put = http.put(at("image/manifests/1.0.0")).basic_auth("ada", Some("secret")).header("content-type", kind).body(image);
    assert_eq!(put.send().expect("an answer").status(), 201);

    let names = |arguments: &[&str]| {
        let found = output_of(rutter(&home).args(["search", "repo", "--plain-http"]).args(arguments));
        let rows = found.lines().skip(1).map(|row| row.split_whitespace().take(2).collect::<Vec<_>>().join(" "));
        rows.map(|row| row.replace(&host, "HOST")).filter(|row| !row.is_empty()).collect::<Vec<_>>()
    };
    let (all, charts) = (format!("oci://{host}"), format!("oci://{host}/charts/"));
    assert_eq!(names(&[&all]), ["oci://HOST/charts/app 1.1.0", "oci://HOST/other/app 1.0.0+x"]);
    assert_eq!(names(&[&charts, "--devel"]), ["oci://HOST/charts/app 1.1.0", "oci://HOST/charts/new/app 2.0.0-rc.1"]);
    assert_eq!(names(&[&charts, "--versions"]), ["oci://HOST/charts/app 1.1.0", "oci://HOST/charts/app 1.0.0"]);
    assert_eq!(names(&[&charts, "--version", "<1.1"]), ["oci://HOST/charts/app 1.0.0"]);
    assert_eq!(names(&[&format!("{charts}app:1.0.0")]), ["oci://HOST/charts/app 1.0.0"]);
    assert!(error_of(rutter(&home).args(["search", "repo", &format!("{charts}app:1.0.0"), "--version", "1"])).contains("has a tag"));
    let error = error_of(rutter(&home).args(["search", "repo", "--plain-http", &format!("oci://{host}/none")]));
    assert!(error.contains("/v2/none/tags/list\": response status code 404: name unknown"), "{error}");
}

#[test]
fn dependencies_from_a_registry_are_told_of_in_their_order() {
    if !have("dependencies_from_a_registry_are_told_of_in_their_order", &["docker-registry"]) {
        return;
    }
    let (_guard, home) = folder();
    let (_registry, host) = start(&home, None);
    let chart = archive(&home, "1.0.0");
    output_of(rutter(&home).arg("push").arg(chart).args([&format!("oci://{host}/charts"), "--plain-http"]));
    let own = home.join("own");
    std::fs::create_dir_all(own.join("charts/near")).expect("a folder");
    let near = "apiVersion: v2\nname: near\nversion: 1.0.0\n";
    std::fs::write(own.join("charts/near/Chart.yaml"), near).expect("a file");
    let list = format!("- {{name: app, version: 1.0.0, repository: 'oci://{host}/charts'}}\n- {{name: near, version: '1'}}\n");
    std::fs::write(own.join("Chart.yaml"), format!("apiVersion: v2\nname: own\nversion: 1.0.0\ndependencies:\n{list}")).expect("a file");
    let rendered = output_of(rutter(&home).args(["template"]).arg(&own).args(["--dependency-update", "--plain-http"]));
    let places: Vec<Option<usize>> =
        ["Downloading app from", "Pulled: ", "Digest: sha256:", "Dependency near did not", "Deleting outdated"]
            .iter()
            .map(|words| rendered.find(words))
            .collect();
    assert!(places.iter().all(Option::is_some) && places.is_sorted(), "{rendered}");
    // `package` keeps silent about all but what the registry's client announces.
    let packed = output_of(rutter(&home).args(["package", "-u", "--plain-http", "-d"]).arg(&home).arg(&own));
    assert!(packed.starts_with(&format!("Pulled: {host}/charts/app:1.0.0\nDigest: sha256:")), "{packed}");
    assert_eq!(packed.lines().count(), 3, "{packed}");
    // Somebody without a name is nobody that a registry could ask for a password.
    let (_other, guarded) = start(&home, Some(("ada", "secret")));
    let login = ["registry", "login", &guarded, "--plain-http", "--password", "secret"];
    let error = error_of(rutter(&home).args(login).arg("--username="));
    assert!(error.contains("missing username or password for basic auth"), "{error}");
}

/// As Bitnami's repository does it.
#[test]
fn dependencies_of_an_index_that_points_into_a_registry_come_from_there() {
    if !have("dependencies_of_an_index_that_points_into_a_registry_come_from_there", &["docker-registry"]) {
        return;
    }
    let (_guard, home) = folder();
    let (_registry, host) = start(&home, None);
    for version in ["1.0.0", "1.1.0+build.1"] {
        let chart = archive(&home, version);
        output_of(rutter(&home).arg("push").arg(chart).args([&format!("oci://{host}/hub/charts"), "--plain-http"]));
    }
    let (cache, config) = (home.join("indexes"), home.join("repositories.yaml"));
    std::fs::create_dir(&cache).expect("a folder");
    let repository = "http://127.0.0.1:9/charts";
    std::fs::write(&config, format!("apiVersion: v1\nrepositories:\n- name: hub\n  url: {repository}\n")).expect("a file");
    let entry = |version: &str, tag: &str| format!("  - {{name: app, version: {version}, urls: ['oci://{host}/hub/charts/app{tag}']}}\n");
    let index = |entry: &str| {
        std::fs::write(cache.join("hub-index.yaml"), format!("apiVersion: v1\nentries:\n  app:\n{entry}")).expect("a file");
    };
    index(&(entry("1.1.0+build.1", ":1.1.0_build.1") + &entry("1.0.0", ":1.0.0")));
    let own = home.join("own");
    std::fs::create_dir(&own).expect("a folder");
    let run = |version: &str, words: &[&str]| {
        let list = format!("- {{name: app, version: '{version}', repository: '{repository}'}}\n");
        std::fs::write(own.join("Chart.yaml"), format!("apiVersion: v2\nname: own\nversion: 1.0.0\ndependencies:\n{list}"))
            .expect("a file");
        let mut command = rutter(&home);
        command.env("HELM_REPOSITORY_CACHE", &cache).env("HELM_REPOSITORY_CONFIG", &config);
        command.args(words).arg(&own).args(["--plain-http", "--skip-refresh"]);
        command
    };
    let told = output_of(&mut run("~1.0", &["dependency", "update"]));
    assert!(
        told.contains(&format!("Downloading app from repo {repository}\nPulled: {host}/hub/charts/app:1.0.0\nDigest: sha256:")),
        "{told}"
    );
    assert!(own.join("charts/app-1.0.0.tgz").is_file());
    output_of(&mut run("^1.1", &["dependency", "update"]));
    assert!(own.join("charts/app-1.1.0+build.1.tgz").is_file() && !own.join("charts/app-1.0.0.tgz").exists());
    std::fs::remove_dir_all(own.join("charts")).expect("a folder");
    // What other commands print is theirs alone.
    let shown = |words: &[&str]| {
        let mut command = rutter(&home);
        command.env("HELM_REPOSITORY_CACHE", &cache).env("HELM_REPOSITORY_CONFIG", &config).args(words).arg("--plain-http");
        output_of(&mut command)
    };
    assert!(shown(&["show", "chart", "hub/app"]).starts_with("apiVersion: v2\n"));
    assert_eq!(shown(&["template", "hub/app", "--version", "~1.0"]), "\n");
    assert_eq!(shown(&["pull", "hub/app", "-d", &home.to_string_lossy()]), "");
    output_of(&mut run("^1.1", &["dependency", "build"]));
    assert!(own.join("charts/app-1.1.0+build.1.tgz").is_file());
    index(&entry("2.0.0", ":2.0.0"));
    let error = error_of(&mut run("2", &["dependency", "update"]));
    assert!(error.contains(&format!("could not download oci://{host}/hub/charts/app: ")), "{error}");
    index(&entry("2.0.0", ""));
    let error = error_of(&mut run("2", &["dependency", "update"]));
    let told = format!("could not parse OCI reference: improperly formatted oci chart reference: oci://{host}/hub/charts/app");
    assert!(error.contains(&told), "{error}");
}
