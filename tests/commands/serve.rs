//! `rutter serve` over loopback: uploads, the index, ChartMuseum's API, the OCI API, roles, limits, two servers on one folder.

use super::{folder, output_of, rutter};
use reqwest::blocking::Client;
use sha2::{Digest as _, Sha256};
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};

pub struct Server {
    pub child: Child,
    pub url: String,
}

impl Server {
    pub fn start(home: &Path, arguments: &[&str]) -> Server {
        let mut command = rutter(home);
        command.args(["serve", "--listen", "127.0.0.1:0", "--storage"]).arg(home.join("store")).args(arguments);
        command.stderr(Stdio::null());
        Server::spawn(&mut command)
    }

    /// Starts what serves and waits until it does.
    pub fn spawn(command: &mut std::process::Command) -> Server {
        let mut child = command.stdout(Stdio::piped()).spawn().expect("the server starts");
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("its output")).read_line(&mut line).expect("its first line");
        let url = line.trim().strip_prefix("Serving charts on ").unwrap_or_else(|| panic!("unexpected first line {line:?}")).to_string();
        Server { child, url }
    }

    pub fn at(&self, path: &str) -> String {
        format!("{}{path}", self.url)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// An archive of a small chart.
pub fn archive(home: &Path, name: &str, version: &str) -> Vec<u8> {
    let chart: PathBuf = home.join("sources").join(format!("{name}-{version}"));
    std::fs::create_dir_all(chart.join("templates")).expect("a folder");
    let write = |file: &str, text: &str| std::fs::write(chart.join(file), text).expect(file);
    write("Chart.yaml", &format!("apiVersion: v2\nname: {name}\nversion: {version}\ndescription: <b>bold</b>\nappVersion: \"7\"\n"));
    write("values.yaml", "answer: 42\n");
    write("README.md", "# Read <script>alert(1)</script>\n");
    write("templates/a.yaml", "kind: ConfigMap\n");
    output_of(rutter(home).arg("package").arg(&chart).arg("-d").arg(home.join("archives")));
    std::fs::read(home.join("archives").join(format!("{name}-{version}.tgz"))).expect("the archive")
}

pub fn client() -> Client {
    Client::builder().no_proxy().build().expect("a client")
}

pub fn text(response: reqwest::Result<reqwest::blocking::Response>) -> (u16, String) {
    let response = response.expect("an answer");
    (response.status().as_u16(), response.text().expect("text"))
}

#[test]
fn charts_are_uploaded_listed_fetched_and_deleted() {
    let (_guard, home) = folder();
    let server = Server::start(&home, &[]);
    let http = client();
    let get = |path: &str| text(http.get(server.at(path)).send());
    let (one, two) = (archive(&home, "app", "1.0.0"), archive(&home, "app", "1.1.0-rc.1"));
    let post = |body: &[u8], query: &str| text(http.post(server.at(&format!("/api/charts{query}"))).body(body.to_vec()).send());

    assert_eq!(get("/health"), (200, "{\"healthy\":true}".into()));
    assert_eq!(post(&one, ""), (201, "{\"saved\":true}".into()));
    assert_eq!(post(&one, ""), (409, "{\"error\":\"file already exists\"}".into()));
    assert_eq!(post(&one, "?force"), (201, "{\"saved\":true}".into()));
    assert_eq!(post(&two, "").0, 201);
    assert_eq!(post(b"no chart", "").0, 400);

    let (status, index) = get("/index.yaml");
    assert_eq!(status, 200);
    let digest = data_encoding::HEXLOWER.encode(&Sha256::digest(&one));
    for wanted in ["  app:\n", "version: 1.0.0\n", "version: 1.1.0-rc.1\n", "- charts/app-1.0.0.tgz\n", &format!("digest: {digest}\n")] {
        assert!(index.contains(wanted), "no {wanted:?} in\n{index}");
    }
    assert!(index.find("1.1.0-rc.1") < index.find("version: 1.0.0"), "newest first:\n{index}");
    assert_eq!(http.get(server.at("/charts/app-1.0.0.tgz")).send().expect("an answer").bytes().expect("bytes"), one);
    assert!(get("/api/charts/app/latest").1.contains("\"version\":\"1.0.0\""));
    assert_eq!(get("/api/charts/app/1.0.0/values"), (200, "answer: 42\n".into()));
    assert_eq!(get("/api/charts/none").0, 404);
    // What ChartMuseum 0.16 answers, word for word.
    for (path, status, body) in [
        ("/api/charts/app/9.9.9", 404, "{\"error\":\"no chart version found for app-9.9.9\"}"),
        ("/api/charts/app/none", 404, "{\"error\":\"improper constraint: none\"}"),
        ("/api/charts/none/1.0.0", 404, "{\"error\":\"no chart name found\"}"),
        ("/api/charts?offset=-1", 400, "{\"error\":\"offset is not a valid non-negative integer\"}"),
        ("/api/charts?limit=0", 400, "{\"error\":\"limit is not a valid positive integer\"}"),
        ("/charts/none.tgz", 404, "{\"error\":\"object not found\"}"),
        ("/api/charts/app/x%20y", 404, "{\"error\":\"improper constraint: x y\"}"),
        ("/api/charts/%C3%A4", 404, "{\"error\":\"chart not found\"}"),
        ("/api/charts/none/1.0.0/values", 404, "{\"error\":\"no chart name found\"}"),
        ("/api/charts/app/9.9.9/templates", 404, "{\"error\":\"no chart version found for app-9.9.9\"}"),
    ] {
        assert_eq!(get(path), (status, body.into()), "{path}");
    }
    for range in ["1", "^1.0", "%3E%3D1.0.0", "*"] {
        assert!(get(&format!("/api/charts/app/{range}")).1.contains("\"version\":\"1.0.0\""), "{range}");
    }
    assert_eq!(text(http.delete(server.at("/api/charts/app/^1.0")).send()).0, 404, "no range is deleted");

    assert_eq!(text(http.delete(server.at("/api/charts/app/1.0.0")).send()), (200, "{\"deleted\":true}".into()));
    assert_eq!(text(http.delete(server.at("/api/charts/app/1.0.0")).send()).0, 404);
    assert!(!get("/index.yaml").1.contains("app-1.0.0.tgz"));
    assert_eq!(get("/charts/app-1.0.0.tgz").0, 404);
}

#[test]
fn an_index_that_did_not_change_is_not_sent_again() {
    let (_guard, home) = folder();
    let server = Server::start(&home, &[]);
    let http = client();
    http.post(server.at("/api/charts")).body(archive(&home, "app", "1.0.0")).send().expect("an answer");
    let first = http.get(server.at("/index.yaml")).send().expect("an answer");
    let tag = first.headers()["etag"].to_str().expect("a tag").to_string();
    let again = http.get(server.at("/index.yaml")).header("if-none-match", &tag).send().expect("an answer");
    assert_eq!((again.status().as_u16(), again.text().expect("text").as_str()), (304, ""));
    http.post(server.at("/api/charts")).body(archive(&home, "app", "1.0.1")).send().expect("an answer");
    let changed = http.get(server.at("/index.yaml")).header("if-none-match", &tag).send().expect("an answer");
    assert_eq!(changed.status().as_u16(), 200);
    let raw = Client::builder().no_proxy().no_gzip().build().expect("a client");
    let packed = raw.get(server.at("/index.yaml")).header("accept-encoding", "gzip").send().expect("an answer");
    assert_eq!(packed.headers()["content-encoding"], "gzip");
    let mut index = String::new();
    flate2::read::GzDecoder::new(&packed.bytes().expect("bytes")[..]).read_to_string(&mut index).expect("text");
    assert_eq!(index, changed.text().expect("text"));
    assert!(index.contains("app-1.0.1.tgz"));
}

#[test]
fn roles_bound_what_may_be_done() {
    let (_guard, home) = folder();
    let accounts = home.join("accounts");
    std::fs::write(&accounts, "ada:secret\nbob:other:read\nbearer:t0ken:write\n").expect("a file");
    let server = Server::start(&home, &["--auth-file", &accounts.to_string_lossy()]);
    let http = client();
    let chart = archive(&home, "app", "1.0.0");
    let index = |user: Option<(&str, &str)>| {
        let request = http.get(server.at("/index.yaml"));
        text(
            match user {
                Some((user, password)) => request.basic_auth(user, Some(password)),
                None => request,
            }
            .send(),
        )
    };
    let refused = http.get(server.at("/index.yaml")).send().expect("an answer");
    assert_eq!(refused.status().as_u16(), 401);
    assert_eq!(refused.headers()["www-authenticate"], "Basic realm=\"rutter\"");
    assert_eq!(index(Some(("bob", "other"))).0, 200);
    assert_eq!(index(Some(("bob", "secret"))).0, 401);
    let push = |user: &str, password: &str| {
        text(http.post(server.at("/api/charts")).basic_auth(user, Some(password)).body(chart.clone()).send()).0
    };
    assert_eq!(push("bob", "other"), 403);
    assert_eq!(push("ada", "secret"), 201);
    assert_eq!(text(http.get(server.at("/index.yaml")).bearer_auth("t0ken").send()).0, 200);
    assert_eq!(text(http.get(server.at("/health")).send()).0, 200);
}

#[test]
fn tenants_do_not_see_each_other() {
    let (_guard, home) = folder();
    let server = Server::start(&home, &["--depth", "1", "--context-path", "/x"]);
    let base = server.url.clone();
    let http = client();
    assert!(base.ends_with("/x"), "{base}");
    let chart = archive(&home, "app", "1.0.0");
    assert_eq!(text(http.post(format!("{base}/api/one/charts")).body(chart).send()).0, 201);
    assert!(text(http.get(format!("{base}/one/index.yaml")).send()).1.contains("app-1.0.0.tgz"));
    let (status, other) = text(http.get(format!("{base}/two/index.yaml")).send());
    assert_eq!(status, 200);
    assert!(other.contains("entries: {}\n") && other.contains("contextPath: /x\n"), "{other}");
    // Whether the server is there is looked for at the top; of a tenant without charts nothing is known.
    for (path, status) in [("", 200), ("/", 200), ("/one", 200), ("/two", 404), ("/two/three", 404)] {
        assert_eq!(text(http.get(format!("{base}{path}")).send()).0, status, "{path}");
    }
    for path in ["/one/..%2ftwo/index.yaml", "/api/.oci/charts"] {
        assert_eq!(text(http.get(format!("{base}{path}")).send()).0 / 100, 4, "{path}");
    }
}

#[test]
fn the_api_shows_archives_where_clients_reach_them() {
    let (_guard, home) = folder();
    let server = Server::start(&home, &["--depth", "1", "--chart-url", "https://charts.example/c/"]);
    let http = client();
    assert_eq!(text(http.post(server.at("/api/org/charts")).body(archive(&home, "app", "1.0.0")).send()).0, 201);
    for path in ["/org/index.yaml", "/api/org/charts", "/api/org/charts/app", "/api/org/charts/app/1.0.0"] {
        let shown = text(http.get(server.at(path)).send()).1;
        assert!(shown.contains("https://charts.example/c/org/charts/app-1.0.0.tgz"), "{path}: {shown}");
    }
    let form = http.post(server.at("/api/org/charts")).header("content-type", "multipart/form-data").body("x");
    assert!(text(form.send()).1.contains("no package or provenance file found in form fields chart and prov"));
}

#[test]
fn an_upload_over_the_limit_is_refused() {
    let (_guard, home) = folder();
    let server = Server::start(&home, &["--max-upload-size", "1000"]);
    let http = client();
    assert_eq!(text(http.post(server.at("/api/charts")).body(vec![0; 1001]).send()), (413, "request too large".into()));
    let stream = reqwest::blocking::Body::new(std::io::Cursor::new(vec![0; 5000]));
    assert_eq!(text(http.post(server.at("/api/charts")).body(stream).send()).0, 413);
    assert_eq!(std::fs::read_dir(home.join("store")).map_or(0, Iterator::count), 0);
}

#[test]
fn a_chart_pushed_over_oci_is_in_the_index_and_the_other_way_round() {
    let (_guard, home) = folder();
    let server = Server::start(&home, &[]);
    let http = client();
    let chart = archive(&home, "app", "1.0.0+build");
    let digest = |bytes: &[u8]| format!("sha256:{}", data_encoding::HEXLOWER.encode(&Sha256::digest(bytes)));
    let config = br#"{"name":"app","version":"1.0.0+build","apiVersion":"v2"}"#.to_vec();
    for blob in [&chart, &config] {
        let session = http.post(server.at("/v2/app/blobs/uploads/")).send().expect("an answer");
        assert_eq!(session.status().as_u16(), 202);
        let place = session.headers()["location"].to_str().expect("a location").to_string();
        let bad = http.put(server.at(&format!("{place}?digest={}", digest(b"else")))).body(blob.clone()).send().expect("an answer");
        assert_eq!(bad.status().as_u16(), 400);
        let session = http.post(server.at("/v2/app/blobs/uploads/")).send().expect("an answer");
        let place = session.headers()["location"].to_str().expect("a location").to_string();
        let (first, second) = blob.split_at(blob.len() / 2);
        assert_eq!(http.patch(server.at(&place)).body(first.to_vec()).send().expect("an answer").status().as_u16(), 202);
        let put = http.put(server.at(&format!("{place}?digest={}", digest(blob)))).body(second.to_vec()).send().expect("an answer");
        assert_eq!(put.status().as_u16(), 201);
    }
    let manifest = serde_json::json!({
        "schemaVersion": 2,
        "config": { "mediaType": "application/vnd.cncf.helm.config.v1+json", "digest": digest(&config), "size": config.len() },
        "layers": [{ "mediaType": "application/vnd.cncf.helm.chart.content.v1.tar+gzip", "digest": digest(&chart), "size": chart.len() }],
    })
    .to_string();
    let wrong = http.put(server.at("/v2/app/manifests/9.9.9")).body(manifest.clone()).send().expect("an answer");
    assert_eq!(wrong.status().as_u16(), 400, "the tag is not the version inside");
    let put = http.put(server.at("/v2/app/manifests/1.0.0_build")).body(manifest.clone()).send().expect("an answer");
    assert_eq!(put.status().as_u16(), 201);
    assert!(text(http.get(server.at("/index.yaml")).send()).1.contains("app-1.0.0+build.tgz"));
    let found = http.get(server.at("/v2/app/manifests/1.0.0_build")).send().expect("an answer");
    assert_eq!(found.headers()["docker-content-digest"].to_str().expect("a digest"), digest(manifest.as_bytes()));
    let layer = http.get(server.at(&format!("/v2/app/blobs/{}", digest(&chart)))).send().expect("an answer");
    assert_eq!(layer.bytes().expect("bytes"), chart);

    http.post(server.at("/api/charts")).body(archive(&home, "app", "2.0.0")).send().expect("an answer");
    let (status, tags) = text(http.get(server.at("/v2/app/tags/list")).send());
    assert_eq!((status, tags.as_str()), (200, r#"{"name":"app","tags":["1.0.0_build","2.0.0"]}"#));
    let made = http.get(server.at("/v2/app/manifests/2.0.0")).send().expect("an answer");
    let made: serde_json::Value = serde_json::from_str(&made.text().expect("text")).expect("JSON");
    for part in [&made["config"], &made["layers"][0]] {
        let hash = part["digest"].as_str().expect("a digest");
        let blob = http.get(server.at(&format!("/v2/app/blobs/{hash}"))).send().expect("an answer").bytes().expect("bytes");
        assert_eq!(digest(&blob), hash);
    }
}

#[test]
fn of_two_writers_of_one_version_one_wins() {
    let (_guard, home) = folder();
    let servers = [Server::start(&home, &["--cache-interval", "0"]), Server::start(&home, &["--cache-interval", "0"])];
    let charts: Vec<_> = (0..6).map(|number| archive(&home, "app", &format!("1.{number}.0"))).collect();
    for chart in &charts {
        let statuses: Vec<u16> = std::thread::scope(|scope| {
            let tasks: Vec<_> = (0..4)
                .map(|number| {
                    let url = servers[number % 2].at("/api/charts");
                    scope.spawn(move || text(client().post(url).body(chart.clone()).send()).0)
                })
                .collect();
            tasks.into_iter().map(|task| task.join().expect("a thread")).collect()
        });
        assert_eq!(statuses.iter().filter(|status| **status == 201).count(), 1, "{statuses:?}");
        assert_eq!(statuses.iter().filter(|status| **status == 409).count(), 3, "{statuses:?}");
    }
    for server in &servers {
        let index = text(client().get(server.at("/index.yaml")).send()).1;
        assert!((0..6).all(|number| index.contains(&format!("app-1.{number}.0.tgz"))), "{index}");
    }
}

#[test]
fn pages_show_charts_and_run_nothing_from_them() {
    let (_guard, home) = folder();
    let server = Server::start(&home, &[]);
    let http = client();
    http.post(server.at("/api/charts")).body(archive(&home, "app", "1.0.0")).send().expect("an answer");
    let home_page = text(http.get(server.at("/")).send()).1;
    assert!(home_page.contains("&lt;b&gt;bold&lt;") && home_page.contains("/chart/app/1.0.0\""), "{home_page}");
    let answer = http.get(server.at("/chart/app/1.0.0")).send().expect("an answer");
    assert!(answer.headers()["content-security-policy"].to_str().expect("text").starts_with("default-src 'none'"));
    let page = answer.text().expect("text");
    assert!(page.contains("answer: 42") && !page.contains("<script"), "{page}");
}

#[cfg(target_os = "linux")]
#[test]
fn pushes_do_not_make_the_memory_grow() {
    let (_guard, home) = folder();
    let server = Server::start(&home, &[]);
    let http = client();
    let charts: Vec<_> = (0..20).map(|number| archive(&home, &format!("app{number}"), "1.0.0")).collect();
    let round = || {
        for chart in &charts {
            assert_eq!(text(http.post(server.at("/api/charts?force")).body(chart.clone()).send()).0, 201);
            assert_eq!(text(http.get(server.at("/index.yaml")).send()).0, 200);
        }
    };
    let memory = || {
        let status = std::fs::read_to_string(format!("/proc/{}/status", server.child.id())).expect("its status");
        let line = status.lines().find(|line| line.starts_with("VmRSS:")).expect("its memory");
        line.split_whitespace().nth(1).and_then(|number| number.parse::<u64>().ok()).expect("a number")
    };
    // Threads and their heaps come first.
    (0..10).for_each(|_| round());
    let before = memory();
    (0..20).for_each(|_| round());
    let after = memory();
    assert!(after < before + 6_000, "{before} kB, then {after} kB");
}

#[test]
fn what_another_server_stores_is_seen_after_a_rest() {
    let (_guard, home) = folder();
    let servers = [Server::start(&home, &["--cache-interval", "200"]), Server::start(&home, &["--cache-interval", "200"])];
    let http = client();
    let push = |version: &str| text(http.post(servers[1].at("/api/charts")).body(archive(&home, "app", version)).send()).0;
    // Twice the interval at most, and one look at the folder; longer where the machine is busy.
    let comes_to = |file: &str, wanted: bool| {
        (0..250).any(|_| {
            std::thread::sleep(std::time::Duration::from_millis(40));
            text(http.get(servers[0].at("/index.yaml")).send()).1.contains(file) == wanted
        })
    };
    let sees = |file: &str| comes_to(file, true);
    assert_eq!(push("1.0.0"), 201);
    assert!(sees("app-1.0.0.tgz"));
    // By now a folder that does not change is not listed any more.
    std::thread::sleep(std::time::Duration::from_millis(2500));
    assert!(sees("app-1.0.0.tgz"));
    assert_eq!(push("1.1.0"), 201);
    assert!(sees("app-1.1.0.tgz"));
    std::fs::remove_file(home.join("store/app-1.0.0.tgz")).expect("removed by hand");
    assert!(comes_to("app-1.0.0.tgz", false));
    assert!(sees("app-1.1.0.tgz"));
}

#[test]
fn a_start_reads_what_is_new_and_believes_no_broken_snapshot() {
    let (_guard, home) = folder();
    std::fs::create_dir(home.join("store")).expect("a folder");
    let put = |version: &str| {
        std::fs::write(home.join(format!("store/app-{version}.tgz")), archive(&home, "app", version)).expect("a file");
    };
    let index = || {
        let mut server = Server::start(&home, &[]);
        let index = text(client().get(server.at("/index.yaml")).send()).1;
        let told = std::process::Command::new("kill").args(["-TERM", &server.child.id().to_string()]).status().expect("kill runs");
        assert!(told.success() && server.child.wait().expect("its end").success());
        index
    };
    put("1.0.0");
    let first = index();
    let snapshot = home.join("store/.index-snapshot.json");
    assert!(std::fs::read_to_string(&snapshot).expect("the snapshot").contains("app-1.0.0.tgz"));
    assert_eq!(index(), first, "the same from the snapshot");
    for broken in [
        "",
        "[",
        "{}",
        "null",
        "[null, 1, {\"file\": \"x\"}]",
        "[{\"file\":\"gone-1.0.0.tgz\",\"size\":\"1\",\"modified\":\"1\",\"digest\":\"00\",\"fields\":{\"name\":\"gone\",\"version\":\"1.0.0\"}}]",
    ] {
        std::fs::write(&snapshot, broken).expect("a file");
        assert_eq!(index(), first, "{broken}");
    }
    put("1.1.0");
    std::fs::remove_file(home.join("store/app-1.0.0.tgz")).expect("removed");
    let last = index();
    assert!(last.contains("app-1.1.0.tgz") && !last.contains("app-1.0.0.tgz"), "{last}");
}

// A request that never ends keeps the server for as long as it is only asked once.
#[test]
fn a_server_that_is_asked_twice_ends_at_once() {
    let (_guard, home) = folder();
    let mut server = Server::start(&home, &[]);
    let address = server.at("/").trim_start_matches("http://").trim_end_matches('/').to_string();
    let mut stream = std::net::TcpStream::connect(&address).expect("a connection");
    let head = "POST /api/charts HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\nExpect: 100-continue\r\n\r\n";
    std::io::Write::write_all(&mut stream, head.as_bytes()).expect("a request");
    // Said when the server waits for the body.
    let mut said = [0; 12];
    stream.read_exact(&mut said).expect("an answer");
    assert_eq!(&said, b"HTTP/1.1 100");
    let process = server.child.id().to_string();
    let interrupt = || std::process::Command::new("kill").args(["-INT", &process]).status().expect("kill runs").success();
    let pause = || std::thread::sleep(std::time::Duration::from_millis(50));
    assert!(interrupt());
    // Nobody is let in any more when it has heard that it is to end.
    while std::net::TcpStream::connect(&address).is_ok() {
        pause();
    }
    (0..4).for_each(|_| pause());
    assert!(server.child.try_wait().expect("its state").is_none(), "the request is not waited for");
    // It may not listen for the second one at once. If it never does, it ends with 0 when it has waited long enough.
    let ended = loop {
        if let Some(ended) = server.child.try_wait().expect("its state") {
            break ended;
        }
        interrupt();
        pause();
    };
    assert_eq!(ended.code(), Some(130));
}
