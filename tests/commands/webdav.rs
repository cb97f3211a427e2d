//! A real nginx with its DAV module as the repository: archive, signature and merged index arrive together, and of several
//! pushers none loses a version, with the lock that folders give and without it.

use super::peers::{Running, free_port, have, program};
use super::{folder, output_of, rutter};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

struct Nginx {
    _running: Running,
    files: PathBuf,
    url: String,
}

/// nginx over an empty folder; `more` goes into its server block.
fn start(home: &Path, methods: &str, more: &str) -> Nginx {
    let port = free_port();
    let top = home.join("nginx");
    let files = top.join("files");
    for folder in ["files", "temporary"] {
        std::fs::create_dir_all(top.join(folder)).expect("a folder");
    }
    let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .map(|name| format!("  {name}_temp_path {};\n", top.join("temporary").join(name).display()))
        .concat();
    let text = format!(
        "daemon off;\nmaster_process off;\npid {pid};\nerror_log stderr;\nevents {{ worker_connections 64; }}\nhttp {{\n  access_log off;\n{temporary}\
         server {{\n  listen 127.0.0.1:{port};\n  root {files};\n  dav_methods {methods};\n  client_max_body_size 50m;\n{more}\n}}\n}}\n",
        pid = top.join("pid").display(),
        files = files.display(),
    );
    std::fs::write(top.join("nginx.conf"), text).expect("a file");
    let mut command = Command::new(program("nginx").expect("nginx"));
    command.arg("-p").arg(&top).arg("-c").arg(top.join("nginx.conf"));
    Nginx { _running: Running::start(command, port, &top.join("log")), files, url: format!("http://127.0.0.1:{port}/") }
}

/// A signed archive of a small chart.
fn archive(home: &Path, name: &str, version: &str) -> PathBuf {
    let chart = home.join("sources").join(format!("{name}-{version}"));
    std::fs::create_dir_all(&chart).expect("a folder");
    std::fs::write(chart.join("Chart.yaml"), format!("apiVersion: v2\nname: {name}\nversion: {version}\nappVersion: 1.10\n"))
        .expect("a file");
    let mut command = rutter(home);
    command.args(["package", "--sign", "--key", "ada", "--keyring", "testdata/provenance/ada.sec"]);
    output_of(command.arg("-d").arg(home).arg(chart));
    home.join(format!("{name}-{version}.tgz"))
}

fn push(home: &Path, archive: &Path, destination: &str, more: &[&str]) -> Output {
    rutter(home).arg("push").arg(archive).arg(destination).args(more).output().expect("the binary runs")
}

fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).expect("the folder");
    let mut names: Vec<String> = entries.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

fn error(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn a_folder_behind_webdav_is_a_repository() {
    if !have("a_folder_behind_webdav_is_a_repository", &["nginx"]) {
        return;
    }
    let (_guard, home) = folder();
    let nginx = start(&home, "PUT DELETE MKCOL", "");
    // What others wrote stays, in the words that they chose.
    let before = "apiVersion: v1\nannotations:\n  owner: us\nentries:\n  other:\n  - apiVersion: v2\n    appVersion: \"1.10\"\n    name: other\n    urls:\n    - https://example.com/other-1.0.0.tgz\n    version: 1.0.0\n";
    std::fs::write(nginx.files.join("index.yaml"), before).expect("an index");
    output_of(rutter(&home).args(["repo", "add", "files", &nginx.url]));
    let chart = archive(&home, "app", "1.0.0+b1");
    let pushed = push(&home, &chart, "files", &[]);
    assert!(pushed.status.success(), "{}", error(&pushed));
    assert_eq!(names(&nginx.files), ["app-1.0.0+b1.tgz", "app-1.0.0+b1.tgz.prov", "index.yaml"], "the lock is gone");
    let index = std::fs::read_to_string(nginx.files.join("index.yaml")).expect("the index");
    for wanted in ["owner: us\n", "appVersion: \"1.10\"\n", "https://example.com/other-1.0.0.tgz", "version: 1.0.0+b1\n"] {
        assert!(index.contains(wanted), "no {wanted:?} in\n{index}");
    }
    output_of(rutter(&home).args(["repo", "update"]));
    let out = home.join("out");
    std::fs::create_dir(&out).expect("a folder");
    let said = output_of(rutter(&home).args(["pull", "files/app", "--verify", "--keyring", "testdata/provenance/ada.pub", "-d"]).arg(&out));
    assert!(said.contains("Chart Hash Verified"), "{said}");
    assert_eq!(std::fs::read(out.join("app-1.0.0+b1.tgz")).expect("pulled"), std::fs::read(&chart).expect("packed"));

    let again = push(&home, &chart, "files", &[]);
    assert_eq!(again.status.code(), Some(3), "{}", error(&again));
    assert!(error(&again).contains("app-1.0.0+b1.tgz already exists"), "{}", error(&again));
    assert!(push(&home, &chart, "files", &["--force"]).status.success());
    // A push that died before it wrote the index is taken up again.
    std::fs::write(nginx.files.join("index.yaml"), before).expect("an index");
    assert!(push(&home, &chart, "files", &[]).status.success());
    assert!(std::fs::read_to_string(nginx.files.join("index.yaml")).expect("the index").contains("version: 1.0.0+b1\n"));
}

#[test]
fn what_is_not_in_the_index_does_not_stay() {
    if !have("what_is_not_in_the_index_does_not_stay", &["nginx"]) {
        return;
    }
    let (_guard, home) = folder();
    let nginx = start(&home, "PUT DELETE MKCOL", "location = /index.yaml { limit_except GET { deny all; } }");
    let refused = push(&home, &archive(&home, "app", "1.0.0"), &nginx.url, &["--server", "webdav"]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(error(&refused).contains("app-1.0.0.tgz was taken back because index.yaml could not be written"), "{}", error(&refused));
    assert!(error(&refused).contains("403 Forbidden"), "{}", error(&refused));
    assert_eq!(names(&nginx.files), [""; 0]);
}

#[test]
fn an_index_with_entries_that_nobody_understands_is_left_alone() {
    if !have("an_index_with_entries_that_nobody_understands_is_left_alone", &["nginx"]) {
        return;
    }
    let (_guard, home) = folder();
    let nginx = start(&home, "PUT DELETE MKCOL", "");
    let before = "apiVersion: v1\nentries:\n  other:\n  - apiVersion: v2\n    name: other\n    version: later\n";
    std::fs::write(nginx.files.join("index.yaml"), before).expect("an index");
    std::fs::write(nginx.files.join("app-1.0.0.tgz"), "old").expect("a file");
    let chart = archive(&home, "app", "1.0.0");
    for (archive, more) in [(&chart, &["--force"][..]), (&archive(&home, "app", "2.0.0"), &[])] {
        let refused = push(&home, archive, &nginx.url, &[&["--server", "webdav"], more].concat());
        assert_eq!(refused.status.code(), Some(1));
        assert!(error(&refused).contains("has invalid entries, which would be lost: \"other\" \"later\": "), "{}", error(&refused));
        assert_eq!(std::fs::read_to_string(nginx.files.join("index.yaml")).expect("the index"), before);
        assert_eq!(std::fs::read(nginx.files.join("app-1.0.0.tgz")).expect("the archive"), b"old");
        assert_eq!(names(&nginx.files), ["app-1.0.0.tgz", "index.yaml"]);
    }
    // What needs no other index does without: a version that exists, and the same archive again.
    let digest = rutter::package::digest::sha256_hex(&std::fs::read(&chart).expect("the archive"));
    let listed =
        format!("{before}  app:\n  - apiVersion: v2\n    name: app\n    version: 1.0.0\n    digest: {digest}\n    urls: [app-1.0.0.tgz]\n");
    std::fs::write(nginx.files.join("index.yaml"), &listed).expect("an index");
    for (more, ends) in [(&[][..], 3), (&["--force"], 0)] {
        let again = push(&home, &chart, &nginx.url, &[&["--server", "webdav"], more].concat());
        assert_eq!(again.status.code(), Some(ends), "{}", error(&again));
        assert_eq!(std::fs::read_to_string(nginx.files.join("index.yaml")).expect("the index"), listed);
    }
    let stays = || assert_eq!(std::fs::read(nginx.files.join("app-1.0.0.tgz")).expect("the archive"), std::fs::read(&chart).expect("it"));
    stays();
    // An archive whose own entry may be the one that nobody understands is not taken for one that a dead push left behind.
    for listed in [before.to_string(), format!("{before}  app:\n  - apiVersion: v2\n    name: app\n    version: 1.0.0\n    type: odd\n")] {
        std::fs::write(nginx.files.join("index.yaml"), &listed).expect("an index");
        let again = push(&home, &chart, &nginx.url, &["--server", "webdav"]);
        assert_eq!(again.status.code(), Some(1), "{}", error(&again));
        assert!(error(&again).contains("has invalid entries, which would be lost: "), "{}", error(&again));
        assert_eq!(std::fs::read_to_string(nginx.files.join("index.yaml")).expect("the index"), listed);
        stays();
    }
}

/// Pushes all archives at once and gives the exit codes.
fn at_once(home: &Path, archives: &[PathBuf], url: &str) -> Vec<Option<i32>> {
    std::thread::scope(|scope| {
        let pushes: Vec<_> = archives.iter().map(|archive| scope.spawn(|| push(home, archive, url, &["--server", "webdav"]))).collect();
        pushes.into_iter().map(|push| push.join().expect("a thread").status.code()).collect()
    })
}

#[test]
fn pushers_at_once_lose_nothing_under_the_lock() {
    if !have("pushers_at_once_lose_nothing_under_the_lock", &["nginx"]) {
        return;
    }
    let (_guard, home) = folder();
    let nginx = start(&home, "PUT DELETE MKCOL", "");
    let archives: Vec<PathBuf> = (0..8).map(|number| archive(&home, "app", &format!("1.{number}.0"))).collect();
    assert_eq!(at_once(&home, &archives, &nginx.url), [Some(0); 8]);
    let index = std::fs::read_to_string(nginx.files.join("index.yaml")).expect("the index");
    assert!((0..8).all(|number| index.contains(&format!("version: 1.{number}.0\n"))), "{index}");
    // Of several pushes of one version one wins, and the others are told.
    let same = vec![archive(&home, "app", "2.0.0"); 4];
    let mut codes = at_once(&home, &same, &nginx.url);
    codes.sort();
    assert_eq!(codes, [Some(0), Some(3), Some(3), Some(3)]);
}

#[test]
fn pushers_at_once_lose_nothing_without_a_lock() {
    if !have("pushers_at_once_lose_nothing_without_a_lock", &["nginx"]) {
        return;
    }
    let (_guard, home) = folder();
    let nginx = start(&home, "PUT DELETE", "");
    let archives: Vec<PathBuf> = (0..4).map(|number| archive(&home, "app", &format!("1.{number}.0"))).collect();
    assert_eq!(at_once(&home, &archives, &nginx.url), [Some(0); 4]);
    let index = std::fs::read_to_string(nginx.files.join("index.yaml")).expect("the index");
    assert!((0..4).all(|number| index.contains(&format!("version: 1.{number}.0\n"))), "{index}");
}

/// A server that does not know under which path a proxy has it is a repository all the same, for Helm's commands, for `push` and for browsers.
#[test]
fn a_proxy_may_have_a_server_under_a_path() {
    if !have("a_proxy_may_have_a_server_under_a_path", &["nginx"]) {
        return;
    }
    let (_guard, home) = folder();
    let server = super::serve::Server::start(&home, &["--depth-dynamic"]);
    let location = format!("location /charts/ {{ limit_except GET POST PUT HEAD PATCH {{ }} proxy_pass {}/; }}", server.url);
    let nginx = start(&home, "off", &location);
    let repository = format!("{}charts", nginx.url);
    output_of(rutter(&home).args(["repo", "add", "ours", &repository]));
    output_of(rutter(&home).arg("push").arg(archive(&home, "app", "1.0.0+b1")).arg("ours"));
    output_of(rutter(&home).args(["repo", "update"]));
    output_of(rutter(&home).args(["pull", "ours/app", "-d"]).arg(&home));
    assert!(output_of(rutter(&home).args(["show", "chart", &format!("{repository}/charts/app-1.0.0+b1.tgz")])).contains("name: app"));

    // Every link of a page leads to something, from wherever the page is looked at.
    let page = |url: &str| reqwest::blocking::get(url).and_then(|answer| answer.error_for_status()?.text()).expect("a page");
    let (top, below) = (format!("{repository}/"), format!("{repository}/chart/app/latest"));
    let mut followed = 0;
    for (from, text) in [(&top, page(&top)), (&below, page(&below)), (&format!("{}/", server.url), page(&server.url))] {
        for link in text.split("href=\"").skip(1).filter_map(|rest| rest.split('"').next()) {
            let target = reqwest::Url::parse(from).and_then(|from| from.join(&link.replace("&#x2f;", "/"))).expect("an address");
            let answer = reqwest::blocking::get(target.clone()).expect("an answer");
            assert!(answer.status().is_success() && target.as_str().starts_with(from.split("/chart/").next().unwrap()), "{from}: {link}");
            followed += 1;
        }
    }
    assert!(followed > 8, "{followed}");
}
