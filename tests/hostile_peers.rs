//! Repositories and registries that misbehave, played by a small server on the loopback: what is fetched must be right or
//! refused, and credentials must stay where they belong. One test for each known hole that applies (CVE numbers in names'
//! comments). Everything runs offline with short time limits.
#![cfg(feature = "remote")]

use rutter::chart::Metadata;
use rutter::diagnostic::Level;
use rutter::repository::config::{Entry, Repositories, index_path};
use rutter::repository::download::{Downloader, Verify};
use rutter::repository::http::{Access, Client, Request};
use rutter::repository::oci::{BLOB_LIMIT, Descriptor, Reference, Registry, chart, digest_of};
use rutter::repository::push::{self, Server, Upload};
use rutter::repository::{ChartOptions, Recorded, Settings, update};
use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// A server that answers each request with what a function makes of it, and remembers the requests.
struct Peer {
    address: String,
    seen: Arc<Mutex<Vec<String>>>,
}

impl Peer {
    fn start(answer: impl Fn(usize, &str) -> Vec<u8> + Send + Sync + 'static) -> Peer {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address").to_string();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let remembered = Arc::clone(&seen);
        let answer = Arc::new(answer);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let Ok(mut stream) = stream else { break };
                let (remembered, answer) = (Arc::clone(&remembered), Arc::clone(&answer));
                std::thread::spawn(move || {
                    let request = read_request(&mut stream);
                    let number = {
                        let mut seen = remembered.lock().expect("the list");
                        seen.push(request.clone());
                        seen.len()
                    };
                    let _ = stream.write_all(&answer(number, &request));
                });
            }
        });
        Peer { address, seen }
    }

    fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    fn requests(&self) -> Vec<String> {
        self.seen.lock().expect("the list").clone()
    }
}

/// Head and body of a request, the head's names in lower case.
fn read_request(stream: &mut std::net::TcpStream) -> String {
    let mut bytes = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        let count = stream.read(&mut buffer).unwrap_or(0);
        bytes.extend_from_slice(&buffer[..count]);
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| line.to_lowercase().strip_prefix("content-length: ")?.trim().parse::<usize>().ok());
            if body.len() >= length.unwrap_or(0) {
                return text;
            }
        }
        if count == 0 {
            return text;
        }
    }
}

fn reply(status: &str, headers: &[&str], body: &[u8]) -> Vec<u8> {
    let mut text = format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n", body.len());
    for header in headers {
        text.push_str(&format!("{header}\r\n"));
    }
    text.push_str("\r\n");
    [text.into_bytes(), body.to_vec()].concat()
}

fn settings(home: &std::path::Path) -> Settings {
    Settings {
        repository_config: home.join("repositories.yaml"),
        repository_cache: home.join("repository"),
        content_cache: home.join("content"),
        registry_config: home.join("registry.json"),
        timeout: Some(Duration::from_millis(800)),
        retry_pause: Some(Duration::from_millis(1)),
        user_agent: "rutter/test".to_string(),
        ..Settings::default()
    }
}

fn home() -> tempfile::TempDir {
    tempfile::tempdir().expect("a folder")
}

fn access(base: &str) -> Access {
    Access { base: base.to_string(), username: "ada".to_string(), password: "s3cret".to_string(), ..Access::default() }
}

fn has_credentials(request: &str) -> bool {
    request.to_lowercase().contains("\r\nauthorization:")
}

// CVE-2021-32690: a redirect to another host must not carry the password along.
#[test]
fn credentials_do_not_follow_a_redirect_to_another_host() {
    let (home, reporter) = (home(), Recorded::default());
    let settings = settings(home.path());
    let other = Peer::start(|_, _| reply("200 OK", &[], b"stolen?"));
    let location = format!("Location: {}/x", other.url());
    let own = Peer::start(move |_, _| reply("302 Found", &[&location], b""));
    let client = Client::new(&settings, &reporter);
    let body = client.fetch(Request::get(&own.url(), 100), &access(&own.url())).expect("the answer");
    assert_eq!(body, b"stolen?");
    assert!(has_credentials(&own.requests()[0]));
    assert!(!has_credentials(&other.requests()[0]));
    // --pass-credentials says otherwise.
    let open = Access { pass_credentials: true, ..access(&own.url()) };
    client.fetch(Request::get(&own.url(), 100), &open).expect("the answer");
    assert!(has_credentials(&other.requests()[1]));
}

#[test]
fn redirects_end_and_do_not_leave_http() {
    let (home, reporter) = (home(), Recorded::default());
    let settings = settings(home.path());
    let client = Client::new(&settings, &reporter);
    let endless = Peer::start(|_, _| reply("302 Found", &["Location: /again"], b""));
    let error = client.fetch(Request::get(&endless.url(), 100), &Access::default()).expect_err("too many").to_string();
    assert!(error.contains("stopped after 10 redirects"), "{error}");
    for target in ["file:///etc/passwd", "gopher://h/", "//"] {
        let location = format!("Location: {target}");
        let peer = Peer::start(move |_, _| reply("302 Found", &[&location], b""));
        assert!(client.fetch(Request::get(&peer.url(), 100), &Access::default()).is_err(), "{target}");
    }
}

#[test]
fn what_passes_is_tried_again_and_what_lasts_is_not() {
    let (home, reporter) = (home(), Recorded::default());
    let settings = settings(home.path());
    let client = Client::new(&settings, &reporter);
    let shaky = Peer::start(|number, _| match number {
        1 => reply("429 Too Many Requests", &["Retry-After: 0"], b""),
        2 => reply("500 Internal Server Error", &[], b""),
        3 => b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\ncut".to_vec(),
        _ => reply("200 OK", &[], b"whole"),
    });
    assert_eq!(client.fetch(Request::get(&shaky.url(), 1000), &Access::default()).expect("the answer"), b"whole");
    assert_eq!(shaky.requests().len(), 4);
    let broken = Peer::start(|_, _| reply("503 Service Unavailable", &[], b""));
    let error = client.fetch(Request::get(&broken.url(), 1000), &Access::default()).expect_err("lasting").to_string();
    assert!(error.ends_with(" : 503 Service Unavailable"), "{error}");
    assert_eq!(broken.requests().len(), 5);
    let gone = Peer::start(|_, _| reply("404 Not Found", &[], b""));
    assert!(client.fetch(Request::get(&gone.url(), 1000), &Access::default()).is_err());
    assert_eq!(gone.requests().len(), 1);
}

#[test]
fn a_registry_that_asks_stumbles_and_is_busy_is_used_in_the_end() {
    let (home, reporter) = (home(), Recorded::default());
    let settings = settings(home.path());
    let peer = Peer::start(|number, request| match number {
        1 => reply("401 Unauthorized", &["WWW-Authenticate: Basic realm=\"x\""], b""),
        2 => reply("429 Too Many Requests", &["Retry-After: 0"], b""),
        3 => reply("500 Internal Server Error", &[], b""),
        4 => b"HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n{\"tags\"".to_vec(),
        _ if has_credentials(request) => reply("200 OK", &[], br#"{"tags":["1.0.0"]}"#),
        _ => reply("401 Unauthorized", &[], b""),
    });
    let client = Client::new(&settings, &reporter);
    let registry = Registry::new(&client, &peer.address, &registry_options("ada"), true);
    assert_eq!(registry.versions("a").expect("the tags"), ["1.0.0"]);
    assert!(!has_credentials(&peer.requests()[0]), "they are shown when they are asked for");
    // Wrong ones are not tried over and over.
    let strict = Peer::start(|_, _| reply("401 Unauthorized", &["WWW-Authenticate: Basic realm=\"x\""], b""));
    let error = Registry::new(&client, &strict.address, &registry_options("ada"), true).versions("a").expect_err("refused").to_string();
    assert!(error.contains("401") && !error.contains("s3cret"), "{error}");
    assert!(strict.requests().len() <= 3, "{}", strict.requests().len());
}

#[test]
fn a_download_that_is_cut_or_hangs_leaves_nothing() {
    let (home, reporter) = (home(), Recorded::default());
    let settings = Settings { timeout: Some(Duration::from_millis(200)), ..settings(home.path()) };
    let out = home.path().join("out");
    std::fs::create_dir(&out).expect("a folder");
    let cut = Peer::start(|_, _| [b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n".to_vec(), vec![b'x'; 50_000]].concat());
    let hanging = Peer::start(|_, _| {
        std::thread::sleep(Duration::from_secs(2));
        Vec::new()
    });
    let downloader = Downloader::new(ChartOptions::default(), &settings, &reporter);
    for peer in [cut, hanging] {
        for verify in [Verify::Never, Verify::Later] {
            assert!(downloader.save(&format!("{}/a-1.0.0.tgz", peer.url()), "", &out, verify).is_err());
        }
    }
    assert_eq!(std::fs::read_dir(&out).expect("the folder").count(), 0);
}

#[test]
fn a_truncated_body_is_an_error() {
    let (home, reporter) = (home(), Recorded::default());
    let settings = settings(home.path());
    let client = Client::new(&settings, &reporter);
    let peer = Peer::start(|_, _| b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\ncut".to_vec());
    let error = client.fetch(Request::get(&peer.url(), 1000), &Access::default()).expect_err("cut").to_string();
    assert!(error.contains("unexpected EOF"), "{error}");
}

#[test]
fn a_hanging_server_is_given_up() {
    let (home, reporter) = (home(), Recorded::default());
    let settings = Settings { timeout: Some(Duration::from_millis(100)), ..settings(home.path()) };
    let client = Client::new(&settings, &reporter);
    let peer = Peer::start(|_, _| {
        std::thread::sleep(Duration::from_secs(3));
        Vec::new()
    });
    let error =
        client.fetch(Request { repeat: false, ..Request::get(&peer.url(), 1000) }, &Access::default()).expect_err("hangs").to_string();
    assert!(error.contains("context deadline exceeded"), "{error}");
}

#[test]
fn an_answer_over_the_limit_is_refused() {
    let (home, reporter) = (home(), Recorded::default());
    let settings = settings(home.path());
    let client = Client::new(&settings, &reporter);
    let told = Peer::start(|_, _| reply("200 OK", &[], &[b'x'; 200]));
    let untold = Peer::start(|_, _| [&b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n"[..], &[b'x'; 200]].concat());
    for peer in [told, untold] {
        let error = client.fetch(Request::get(&peer.url(), 100), &Access::default()).expect_err("too large").to_string();
        assert!(error.contains("larger than the limit"), "{error}");
    }
}

#[test]
fn passwords_do_not_show_in_errors() {
    let (home, reporter) = (home(), Recorded::default());
    let settings = settings(home.path());
    let client = Client::new(&settings, &reporter);
    let peer = Peer::start(|_, _| reply("404 Not Found", &[], b""));
    let address = format!("http://ada:s3cret@{}/x.tgz", peer.address);
    let error = client.fetch(Request::get(&address, 100), &Access::default()).expect_err("missing").to_string();
    assert!(!error.contains("s3cret"), "{error}");
    assert!(has_credentials(&peer.requests()[0]));
    assert!(!format!("{:?}", access(&peer.url())).contains("s3cret"));
}

#[test]
fn passwords_do_not_show_when_a_signature_is_missing() {
    let (home, reporter) = (home(), Recorded::default());
    let settings = settings(home.path());
    let peer = Peer::start(|_, request| match request.lines().next().unwrap_or_default().contains(".prov") {
        true => reply("404 Not Found", &[], b""),
        false => reply("200 OK", &[], b"an archive"),
    });
    let address = format!("http://ada:s3cret@{}/x-1.0.0.tgz", peer.address);
    let downloader = Downloader::new(ChartOptions::default(), &settings, &reporter);
    downloader.save(&address, "", home.path(), Verify::Later).expect("saved");
    let said = reporter.lines().join("\n");
    assert!(said.contains(&format!("WARNING: Verification not found for http://{}/x-1.0.0.tgz: ", peer.address)), "{said}");
    assert!(!said.contains("s3cret"), "{said}");
    let error = downloader.save(&address, "", home.path(), Verify::Always).expect_err("no signature").to_string();
    assert!(error.contains(".prov") && !error.contains("s3cret"), "{error}");
}

#[test]
fn what_a_registry_lacks_is_named_with_what_was_tried() {
    let (home, reporter) = (home(), Recorded::default());
    let settings = settings(home.path());
    let client = Client::new(&settings, &reporter);
    let peer = Peer::start(|_, _| reply("404 Not Found", &[], b"{}"));
    let registry = Registry::new(&client, &peer.address, &Access::default(), true);
    let text = format!("{}/a:1.0.0", peer.address);
    let error = chart::pull(&registry, &Reference::parse(&text).expect("a reference"), false, &reporter).expect_err("missing").to_string();
    // Helm 4.2.4 says the same.
    assert_eq!(error, format!("failed to perform \"FetchReference\" on source: {text}: not found"));
}

fn add_repository(settings: &Settings, url: &str, index: &str) {
    let mut repositories = Repositories::default();
    repositories.update(Entry {
        name: "local".into(),
        url: url.into(),
        username: "ada".into(),
        password: "s3cret".into(),
        ..Entry::default()
    });
    repositories.save(&settings.repository_config).expect("repositories.yaml");
    let path = index_path(settings, "local").expect("a path");
    std::fs::create_dir_all(path.parent().expect("a folder")).expect("the cache");
    std::fs::write(path, index).expect("the index");
}

#[test]
fn a_wrong_digest_in_the_index_is_refused_and_nothing_is_left() {
    let (home, reporter) = (home(), Recorded::default());
    let settings = settings(home.path());
    let peer = Peer::start(|_, _| reply("200 OK", &[], b"not what was promised"));
    let index = format!(
        "apiVersion: v1\nentries:\n  a:\n  - apiVersion: v2\n    digest: {}\n    name: a\n    urls:\n    - a-1.0.0.tgz\n    version: 1.0.0\n",
        "a".repeat(64)
    );
    add_repository(&settings, &peer.url(), &index);
    let out = home.path().join("out");
    std::fs::create_dir(&out).expect("a folder");
    let error = Downloader::new(ChartOptions::default(), &settings, &reporter).save("local/a", "", &out, Verify::Never);
    assert!(error.expect_err("refused").to_string().contains("does not fit"));
    assert_eq!(std::fs::read_dir(&out).expect("the folder").count(), 0);
    assert!(!settings.content_cache.exists());
}

// Helm looks at no digest where it has the address of a dependency.
#[test]
fn a_digest_that_cannot_be_read_does_not_keep_a_dependency_away() {
    let (home, reporter) = (home(), Recorded::default());
    let settings = settings(home.path());
    let peer = Peer::start(|_, _| reply("200 OK", &[], b"archive"));
    let out = home.path().join("out");
    std::fs::create_dir(&out).expect("a folder");
    let downloader = Downloader::new(ChartOptions::default(), &settings, &reporter);
    let address = format!("{}/a-1.0.0.tgz", peer.url());
    let entry = Entry { name: "local".to_string(), url: peer.url(), ..Entry::default() };
    let saved = downloader.save_from(&address, &entry, "sha256:zz", &out, Verify::Never).expect("taken");
    assert_eq!(std::fs::read(saved.path).expect("the archive"), b"archive");
}

#[test]
fn an_archive_name_does_not_leave_the_folder() {
    let (home, reporter) = (home(), Recorded::default());
    let settings = settings(home.path());
    let peer = Peer::start(|_, _| reply("200 OK", &[], b"x"));
    let out = home.path().join("out");
    std::fs::create_dir(&out).expect("a folder");
    let downloader = Downloader::new(ChartOptions::default(), &settings, &reporter);
    for name in ["..%2f..%2fevil.tgz", "a%5c..%5cevil.tgz", "..", "%2e%2e", "a%00.tgz"] {
        if let Ok(saved) = downloader.save(&format!("{}/{name}", peer.url()), "", &out, Verify::Never) {
            assert_eq!(saved.path, out.join("evil.tgz"), "{name}");
        }
    }
    assert!(!home.path().join("evil.tgz").exists());
}

// The leak of `pull CHART --repo U --username`: Helm shows the password to whatever host the index names.
#[test]
fn an_index_cannot_send_the_password_elsewhere() {
    let (home, reporter) = (home(), Recorded::default());
    let settings = settings(home.path());
    let other = Peer::start(|_, _| reply("200 OK", &[], b"archive"));
    let index = format!(
        "apiVersion: v1\nentries:\n  a:\n  - apiVersion: v2\n    name: a\n    urls:\n    - {}/a-1.0.0.tgz\n    version: 1.0.0\n",
        other.url()
    );
    let own = Peer::start(move |_, _| reply("200 OK", &[], index.as_bytes()));
    let options = ChartOptions { repository_url: own.url(), username: "ada".into(), password: "s3cret".into(), ..ChartOptions::default() };
    Downloader::new(options, &settings, &reporter).save("a", "", home.path(), Verify::Never).expect("saved");
    assert!(has_credentials(&own.requests()[0]));
    assert!(!has_credentials(&other.requests()[0]));
}

#[test]
fn indexes_are_asked_for_with_what_is_known_of_them() {
    let (home, reporter) = (home(), Recorded::default());
    let settings = settings(home.path());
    let peer = Peer::start(|_, request| match request.to_lowercase().contains("if-none-match: \"one\"") {
        true => reply("304 Not Modified", &[], b""),
        false => reply("200 OK", &["ETag: \"one\""], b"apiVersion: v1\nentries: {}\n"),
    });
    let entry = Entry { name: "local".into(), url: peer.url(), ..Entry::default() };
    let client = Client::new(&settings, &reporter);
    update::update(&client, &entry).expect("the index");
    update::update(&client, &entry).expect("not modified");
    // A cache that another tool wrote is not taken for ours.
    std::fs::write(index_path(&settings, "local").expect("a path"), "apiVersion: v1\nentries: {}\n# other\n").expect("written");
    update::update(&client, &entry).expect("the index");
    let conditional: Vec<bool> = peer.requests().iter().map(|request| request.to_lowercase().contains("if-none-match")).collect();
    assert_eq!(conditional, [false, true, false]);
}

#[test]
fn nothing_is_fetched_offline() {
    let (home, reporter) = (home(), Recorded::default());
    let settings = Settings { offline: true, ..settings(home.path()) };
    let peer = Peer::start(|_, _| reply("200 OK", &[], b"x"));
    let client = Client::new(&settings, &reporter);
    assert!(client.fetch(Request::get(&peer.url(), 100), &Access::default()).is_err());
    assert!(peer.requests().is_empty());
}

fn registry_options(username: &str) -> Access {
    let password = if username.is_empty() { "" } else { "s3cret" };
    Access { username: username.to_string(), password: password.to_string(), ..Access::default() }
}

// CVE-2026-50151: a registry names a foreign token server.
#[test]
fn a_foreign_token_realm_gets_no_credentials() {
    let (home, reporter) = (home(), Recorded::default());
    let settings = settings(home.path());
    let other = Peer::start(|_, _| reply("200 OK", &[], br#"{"token":"t"}"#));
    let challenge = format!("WWW-Authenticate: Bearer realm=\"{}/token\",service=\"x\"", other.url());
    let own = Peer::start(move |_, _| reply("401 Unauthorized", &[&challenge], b""));
    let client = Client::new(&settings, &reporter);
    let error = Registry::new(&client, &own.address, &registry_options("ada"), true).tags("a").expect_err("refused").to_string();
    assert!(error.contains("may not see its credentials"), "{error}");
    assert!(other.requests().is_empty());
    // Without credentials there is nothing to lose: the token is asked for, with none shown.
    let _ = Registry::new(&client, &own.address, &registry_options(""), true).tags("a");
    assert!(!other.requests().is_empty() && other.requests().iter().all(|request| !has_credentials(request)));
}

#[test]
fn a_token_of_the_registry_itself_is_used_for_its_scope() {
    let (home, reporter) = (home(), Recorded::default());
    let settings = settings(home.path());
    let address = Arc::new(Mutex::new(String::new()));
    let told = Arc::clone(&address);
    let own = Peer::start(move |_, request| {
        let realm = format!("http://{}/token", told.lock().expect("the address"));
        let challenge = format!("WWW-Authenticate: Bearer realm=\"{realm}\",service=\"x\",scope=\"repository:a:pull\"");
        match request {
            request if request.starts_with("GET /token?service=x&scope=repository%3Aa%3Apull ") => {
                reply("200 OK", &[], br#"{"token":"t0ken"}"#)
            }
            request if request.contains("Bearer t0ken") => reply("200 OK", &[], br#"{"tags":["1.0.0","latest","2.0.0_b"]}"#),
            _ => reply("401 Unauthorized", &[&challenge], b""),
        }
    });
    address.lock().expect("the address").clone_from(&own.address);
    let client = Client::new(&settings, &reporter);
    let registry = Registry::new(&client, &own.address, &registry_options("ada"), true);
    assert_eq!(registry.versions("a").expect("the tags"), ["2.0.0+b", "1.0.0"]);
    assert_eq!(registry.versions("a").expect("the tags").len(), 2);
    let tokens = own.requests().iter().filter(|request| request.starts_with("GET /token")).count();
    assert_eq!(tokens, 1, "a token is kept");
}

// GHSA-vh4v-2xq2-g5cg: the place of an upload is elsewhere.
#[test]
fn an_upload_sent_elsewhere_carries_no_credentials() {
    let (home, reporter) = (home(), Recorded::default());
    let settings = settings(home.path());
    let other = Peer::start(|_, _| reply("201 Created", &[], b""));
    let location = format!("Location: {}/upload?state=1", other.url());
    let own = Peer::start(move |_, request| match request {
        request if !has_credentials(request) => reply("401 Unauthorized", &["WWW-Authenticate: Basic realm=\"x\""], b""),
        request if request.starts_with("HEAD") => b"HTTP/1.1 404 Not Found\r\nConnection: close\r\n\r\n".to_vec(),
        _ => reply("202 Accepted", &[&location], b""),
    });
    let client = Client::new(&settings, &reporter);
    let registry = Registry::new(&client, &own.address, &registry_options("ada"), true);
    registry.put_blob("a", b"content", &digest_of(b"content")).expect("uploaded");
    assert_eq!(other.requests().len(), 1);
    assert!(other.requests()[0].starts_with("PUT /upload?state=1&digest=sha256%3A"));
    assert!(!has_credentials(&other.requests()[0]));
}

// Registries that keep blobs with a store redirect to it; the store is another host.
#[test]
fn a_registry_that_redirects_a_blob_takes_no_credentials_along() {
    let (home, reporter) = (home(), Recorded::default());
    let settings = settings(home.path());
    let store = Peer::start(|_, _| reply("200 OK", &[], b"content"));
    let location = format!("Location: {}/blob", store.url());
    let own = Peer::start(move |_, request| match has_credentials(request) {
        true => reply("307 Temporary Redirect", &[&location], b""),
        false => reply("401 Unauthorized", &["WWW-Authenticate: Basic realm=\"x\""], b""),
    });
    let client = Client::new(&settings, &reporter);
    let registry = Registry::new(&client, &own.address, &registry_options("ada"), true);
    let descriptor = Descriptor { media_type: String::new(), digest: digest_of(b"content"), size: 7 };
    assert_eq!(registry.blob("a", &descriptor, None).expect("the blob"), b"content");
    assert_eq!(store.requests().len(), 1);
    assert!(!has_credentials(&store.requests()[0]));
}

// What a manifest promises bounds what is read of a blob, and is bounded itself.
#[test]
fn a_blob_larger_than_promised_or_allowed_is_not_read() {
    let (home, reporter) = (home(), Recorded::default());
    let settings = settings(home.path());
    let peer = Peer::start(|_, _| reply("200 OK", &[], &[b'x'; 1 << 20]));
    let client = Client::new(&settings, &reporter);
    let registry = Registry::new(&client, &peer.address, &Access::default(), true);
    let of_size = |size| Descriptor { media_type: String::new(), digest: digest_of(&[b'x'; 1 << 20]), size };
    let error = registry.blob("a", &of_size(BLOB_LIMIT + 1), None).expect_err("too large").to_string();
    assert!(error.contains("more than") && peer.requests().is_empty(), "{error}");
    let error = registry.blob("a", &of_size(7), None).expect_err("longer than promised").to_string();
    assert!(error.contains("larger than the limit of 7"), "{error}");
}

#[test]
fn blobs_and_manifests_with_another_digest_are_refused() {
    let (home, reporter) = (home(), Recorded::default());
    let settings = settings(home.path());
    let peer = Peer::start(|_, _| reply("200 OK", &["Content-Type: application/vnd.oci.image.manifest.v1+json"], b"{\"a\":1}"));
    let client = Client::new(&settings, &reporter);
    let registry = Registry::new(&client, &peer.address, &Access::default(), true);
    let wrong = digest_of(b"something else");
    let descriptor = Descriptor { media_type: String::new(), digest: wrong.clone(), size: 7 };
    assert!(registry.blob("a", &descriptor, None).expect_err("refused").to_string().contains("mismatch digest"));
    assert!(registry.manifest("a", &wrong).expect_err("refused").to_string().contains("mismatch digest"));
    let weak = Descriptor { media_type: String::new(), digest: "md5:00".to_string(), size: 7 };
    assert!(registry.blob("a", &weak, None).expect_err("refused").to_string().contains("unsupported digest"));
}

#[test]
fn tags_on_another_host_are_not_listed() {
    let (home, reporter) = (home(), Recorded::default());
    let settings = settings(home.path());
    let other = Peer::start(|_, _| reply("200 OK", &[], br#"{"tags":["9.9.9"]}"#));
    let link = format!("Link: <{}/v2/a/tags/list?last=1>; rel=\"next\"", other.url());
    let own = Peer::start(move |_, _| reply("200 OK", &[&link], br#"{"tags":["1.0.0"]}"#));
    let client = Client::new(&settings, &reporter);
    assert_eq!(Registry::new(&client, &own.address, &Access::default(), true).versions("a").expect("tags"), ["1.0.0"]);
    assert!(other.requests().is_empty());
}

#[test]
fn an_artifact_that_is_no_chart_is_refused() {
    let (home, reporter) = (home(), Recorded::default());
    let settings = settings(home.path());
    let manifest = br#"{"schemaVersion":2,"config":{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"sha256:0","size":1},"layers":[]}"#;
    let peer = Peer::start(move |_, _| reply("200 OK", &[], manifest));
    let client = Client::new(&settings, &reporter);
    let registry = Registry::new(&client, &peer.address, &Access::default(), true);
    let reference = Reference::parse(&format!("{}/a:1.0.0", peer.address)).expect("a reference");
    let error = chart::pull(&registry, &reference, false, &reporter).expect_err("no chart").to_string();
    assert_eq!(error, "manifest does not contain minimum number of descriptors (2), descriptors found: 1");
}

fn upload<'a>(provenance: Option<&'a [u8]>, force: bool) -> Upload<'a> {
    static METADATA: std::sync::LazyLock<Metadata> = std::sync::LazyLock::new(|| {
        let mut metadata = Metadata::default();
        (metadata.name, metadata.version) = ("a".into(), "1.0.0".into());
        metadata
    });
    Upload { file_name: "a-1.0.0.tgz", metadata: &METADATA, archive: b"archive", provenance, force, context_path: Some("/ctx") }
}

#[test]
fn chart_and_provenance_go_to_chartmuseum_in_one_request() {
    let (home, reporter) = (home(), Recorded::default());
    let settings = settings(home.path());
    let peer = Peer::start(|number, _| match number {
        1 => reply("201 Created", &[], br#"{"saved":true}"#),
        _ => reply("409 Conflict", &[], br#"{"error":"chart already exists"}"#),
    });
    let client = Client::new(&settings, &reporter);
    let base = format!("{}/ctx/org/repo", peer.url());
    push::push(&client, &base, Server::Auto, &upload(Some(b"signed"), true), &access(&base)).expect("pushed");
    let request = &peer.requests()[0];
    assert!(request.starts_with("POST /ctx/api/org/repo/charts?force HTTP/1.1\r\n"), "{request}");
    assert!(
        request.contains("name=\"chart\"; filename=\"a-1.0.0.tgz\"") && request.contains("name=\"prov\"; filename=\"a-1.0.0.tgz.prov\"")
    );
    let error = push::push(&client, &base, Server::ChartMuseum, &upload(None, false), &access(&base)).expect_err("exists").to_string();
    assert!(error.contains("already exists"), "{error}");
}

#[test]
fn a_plain_put_that_fails_takes_the_provenance_away_again() {
    let (home, reporter) = (home(), Recorded::default());
    let settings = settings(home.path());
    let peer = Peer::start(|_, request| match request {
        request if request.starts_with("HEAD") => b"HTTP/1.1 404 Not Found\r\nConnection: close\r\n\r\n".to_vec(),
        request if request.starts_with("PUT /a-1.0.0.tgz ") => reply("507 Insufficient Storage", &[], b""),
        _ => reply("201 Created", &[], b""),
    });
    let client = Client::new(&settings, &reporter);
    let error = push::push(&client, &peer.url(), Server::Put, &upload(Some(b"signed"), false), &Access::default()).expect_err("full");
    assert!(error.to_string().contains("507"), "{error}");
    let lines: Vec<String> = peer.requests().iter().map(|request| request.split(" HTTP").next().unwrap_or_default().to_string()).collect();
    assert_eq!(lines, ["HEAD /a-1.0.0.tgz", "PUT /a-1.0.0.tgz.prov", "PUT /a-1.0.0.tgz", "DELETE /a-1.0.0.tgz.prov"]);
    assert!(peer.requests()[2].to_lowercase().contains("if-none-match: *"));
}

#[test]
fn a_plain_put_leaves_the_provenance_of_another_writer_alone() {
    let (home, reporter) = (home(), Recorded::default());
    let settings = settings(home.path());
    let client = Client::new(&settings, &reporter);
    let none = || b"HTTP/1.1 404 Not Found\r\nConnection: close\r\n\r\n".to_vec();
    let some = || b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n".to_vec();
    let conditional = |request: &str| request.to_lowercase().contains("if-none-match: *");
    for (writer_lives, wanted) in [
        (true, &["HEAD /a-1.0.0.tgz", "PUT /a-1.0.0.tgz.prov", "HEAD /a-1.0.0.tgz"][..]),
        (false, &["HEAD /a-1.0.0.tgz", "PUT /a-1.0.0.tgz.prov", "HEAD /a-1.0.0.tgz", "PUT /a-1.0.0.tgz.prov", "PUT /a-1.0.0.tgz"]),
    ] {
        let peer = Peer::start(move |number, request| match request {
            // By the second look the other writer has put its archive there, if it lives.
            request if request.starts_with("HEAD") => {
                if writer_lives && number > 1 {
                    some()
                } else {
                    none()
                }
            }
            request if request.starts_with("PUT /a-1.0.0.tgz.prov ") && conditional(request) => reply("412 Precondition Failed", &[], b""),
            _ => reply("201 Created", &[], b""),
        });
        let pushed = push::push(&client, &peer.url(), Server::Put, &upload(Some(b"signed"), false), &Access::default());
        assert_eq!(pushed.is_err(), writer_lives, "{pushed:?}");
        let lines: Vec<String> = peer.requests().iter().map(|request| request.split(" HTTP").next().unwrap_or_default().into()).collect();
        assert_eq!(lines, wanted);
    }
}

// helm/helm#9519, #13241: what is cached under its digest is not fetched again, and then the index is not either.
#[test]
fn building_cached_dependencies_makes_no_request() {
    use rutter::action::dependency::{Options, build, update};
    const ARCHIVE: &[u8] = include_bytes!("../testdata/provenance/helm-a-1.0.0.tgz");
    let (home, reporter) = (home(), Recorded::default());
    let settings = settings(home.path());
    let digest = rutter::package::digest::sha256_hex(ARCHIVE);
    let index = format!(
        "apiVersion: v1\nentries:\n  a:\n  - apiVersion: v2\n    digest: \"{digest}\"\n    name: a\n    urls:\n    - a-1.0.0.tgz\n    version: 1.0.0\n"
    );
    let served = index.clone();
    let peer = Peer::start(move |_, request| match request.starts_with("GET /index.yaml") {
        true => reply("200 OK", &[], served.as_bytes()),
        false => reply("200 OK", &[], ARCHIVE),
    });
    add_repository(&settings, &peer.url(), &index);
    let chart = home.path().join("p");
    std::fs::create_dir(&chart).expect("a folder");
    let text = format!("apiVersion: v2\nname: p\nversion: 1.0.0\ndependencies:\n- name: a\n  version: ^1\n  repository: {}\n", peer.url());
    std::fs::write(chart.join("Chart.yaml"), text).expect("a file");
    update(&chart, &Options::default(), &settings, &reporter).expect("updated");
    assert_eq!(peer.requests().len(), 2);
    std::fs::remove_dir_all(chart.join("charts")).expect("removed");
    build(&chart, &Options::default(), &settings, &reporter).expect("built");
    assert_eq!(std::fs::read(chart.join("charts/a-1.0.0.tgz")).expect("the archive"), ARCHIVE);
    assert_eq!(peer.requests().len(), 2, "not one more request");
}

// helm/helm#13615.
#[test]
fn mirrors_are_asked_first_and_see_no_credentials() {
    let (home, reporter) = (home(), Recorded::default());
    let index = "apiVersion: v1\nentries:\n  a:\n  - apiVersion: v2\n    name: a\n    urls:\n    - a-1.0.0.tgz\n    version: 1.0.0\n";
    let own = Peer::start(|_, _| reply("200 OK", &[], b"from the repository"));
    let partial = Peer::start(|_, _| reply("404 Not Found", &[], b""));
    let mirror = Peer::start(move |_, request| match request {
        request if request.starts_with("GET /m/stable/index.yaml ") => reply("200 OK", &[], index.as_bytes()),
        request if request.starts_with("GET /m/stable/a-1.0.0.tgz ") => reply("200 OK", &[], b"from the mirror"),
        _ => reply("404 Not Found", &[], b""),
    });
    let mirrors = format!("{0}={1},{0}={2}/m", own.url(), partial.url(), mirror.url());
    let settings = Settings { mirrors: rutter::repository::mirror::line(&mirrors).expect("mirrors"), ..settings(home.path()) };
    let repository_url = format!("{}/stable", own.url());
    let options = ChartOptions { repository_url, username: "ada".into(), password: "s3cret".into(), ..ChartOptions::default() };
    let downloader = Downloader::new(options, &settings, &reporter);
    let saved = downloader.save("a", "", home.path(), Verify::Never).expect("saved");
    assert_eq!(std::fs::read(saved.path).expect("the file"), b"from the mirror");
    assert!(own.requests().is_empty());
    assert!(partial.requests().iter().chain(&mirror.requests()).all(|request| !has_credentials(request)));
    let warnings = reporter.notices().iter().filter(|notice| notice.level == Level::Warn).count();
    assert_eq!(warnings, 2, "one that has nothing is named: {:?}", reporter.notices());
    // What no mirror has comes from the repository, with its credentials.
    let address = format!("{}/other/b-1.0.0.tgz", own.url());
    let request = Request { mirrored: true, ..Request::get(&address, 100) };
    let body = Client::new(&settings, &reporter).fetch(request, &access(&own.url())).expect("the archive");
    assert_eq!(body, b"from the repository");
    assert!(has_credentials(&own.requests()[0]));
    // What is read to be written back comes from the repository alone.
    Client::new(&settings, &reporter).fetch(Request::get(&address, 100), &access(&own.url())).expect("the archive");
    assert_eq!(own.requests().len(), 2);
}

#[test]
fn a_mirror_of_a_registry_cannot_swap_a_pinned_chart() {
    let (home, reporter) = (home(), Recorded::default());
    let own = Peer::start(|_, _| reply("404 Not Found", &[], b""));
    let mirror = Peer::start(|_, _| reply("200 OK", &["Content-Type: application/vnd.oci.image.manifest.v1+json"], b"{}"));
    let mirrors = format!("oci://{}=http://{}/hub", own.address, mirror.address);
    let settings = Settings { mirrors: rutter::repository::mirror::line(&mirrors).expect("mirrors"), ..settings(home.path()) };
    let options = ChartOptions { plain_http: true, username: "ada".into(), password: "s3cret".into(), ..ChartOptions::default() };
    let downloader = Downloader::new(options, &settings, &reporter);
    for tag in ["", ":1.0.0"] {
        let pinned = format!("oci://{}/a{tag}@{}", own.address, digest_of(b"the chart"));
        assert!(downloader.save(&pinned, "", home.path(), Verify::Never).is_err(), "{tag}");
    }
    let asked = mirror.requests();
    assert!(asked.iter().any(|request| request.starts_with(&format!("GET /v2/hub/a/manifests/{} ", digest_of(b"the chart")))), "{asked:?}");
    assert!(asked.iter().all(|request| !has_credentials(request)));
    assert!(reporter.notices().iter().any(|notice| notice.message.contains("mismatch digest")), "{:?}", reporter.notices());
}

#[test]
fn proxies_are_used_but_for_this_machine_and_the_exceptions() {
    use rutter::repository::Proxies;
    let (home, reporter) = (home(), Recorded::default());
    let proxy = Peer::start(|_, request| match request.starts_with("CONNECT ") {
        true => reply("403 Forbidden", &[], b""),
        false => reply("200 OK", &[], b"by proxy"),
    });
    let with_user = format!("http://pat:pr0xy@{}", proxy.address);
    let proxies = Proxies { http: with_user.clone(), https: with_user, exceptions: "direct.invalid,.inner.invalid".into() };
    let settings = Settings { proxies, ..settings(home.path()) };
    let client = Client::new(&settings, &reporter);
    let fetch = |url: &str| client.fetch(Request { repeat: false, ..Request::get(url, 100) }, &access(url));
    assert_eq!(fetch("http://charts.invalid/index.yaml").expect("by proxy"), b"by proxy");
    let asked = &proxy.requests()[0];
    assert!(asked.starts_with("GET http://charts.invalid/index.yaml HTTP/1.1\r\n"), "{asked}");
    assert!(asked.to_lowercase().contains("\r\nproxy-authorization: basic "), "{asked}");
    assert!(fetch("https://charts.invalid/index.yaml").is_err());
    let asked = &proxy.requests()[1];
    assert!(asked.starts_with("CONNECT charts.invalid:443 ") && !has_credentials(asked), "the password is for the server: {asked}");
    let own = Peer::start(|_, _| reply("200 OK", &[], b"direct"));
    assert_eq!(fetch(&own.url()).expect("direct"), b"direct");
    for exception in ["http://direct.invalid/", "http://charts.inner.invalid/"] {
        assert!(fetch(exception).is_err(), "{exception} has no address");
    }
    assert_eq!(proxy.requests().len(), 2);
    // A registry is reached the same way.
    let _ = Registry::new(&client, "registry.invalid", &Access::default(), true).tags("a");
    assert!(proxy.requests()[2].starts_with("GET http://registry.invalid/v2/a/tags/list "));
}

/// Writes without an end, a piece after each pause, as long as somebody reads.
fn endless(head: &'static [u8], piece: &'static [u8], pause: Duration) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address").to_string();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { break };
            std::thread::spawn(move || {
                read_request(&mut stream);
                let mut sent = stream.write_all(head);
                while sent.is_ok() {
                    std::thread::sleep(pause);
                    sent = stream.write_all(piece);
                }
            });
        }
    });
    address
}

#[test]
fn a_peer_that_never_ends_is_given_up() {
    let (home, reporter) = (home(), Recorded::default());
    let settings = Settings { timeout: Some(Duration::from_millis(500)), ..settings(home.path()) };
    let client = Client::new(&settings, &reporter);
    let fetch = |address: &str| {
        let began = std::time::Instant::now();
        let url = format!("http://{address}/");
        let error = client.fetch(Request { repeat: false, ..Request::get(&url, 1 << 20) }, &Access::default()).expect_err("endless");
        // Far above what a loaded machine takes, far below for ever.
        assert!(began.elapsed() < Duration::from_secs(30), "{error} after {:?}", began.elapsed());
        error.to_string()
    };
    const OPEN: &[u8] = b"HTTP/1.1 200 OK\r\n\r\n";
    let drip = Duration::from_millis(50);
    let chunk: &[u8] = [b"400\r\n".as_slice(), &[b'x'; 1024], b"\r\n"].concat().leak();
    for (head, piece, pause, wanted) in [
        // A body that drips, with and without a promised length.
        (OPEN, &b"x"[..], drip, "context deadline exceeded"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n", b"x", drip, "context deadline exceeded"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n", drip, "context deadline exceeded"),
        // As fast as it can.
        (OPEN, &[b'x'; 8192], Duration::ZERO, "larger than the limit"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", chunk, Duration::ZERO, "larger than the limit"),
        // A head that never comes to an end.
        (b"HTTP/1.1 200 OK\r\n", b"X-A: b\r\n", drip, "context deadline exceeded"),
        (b"", b"HTTP/1.1 100 Continue\r\n\r\n", drip, "context deadline exceeded"),
        (b"HTTP/1.1 200 OK\r\n", b"X-A: bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb\r\n", Duration::ZERO, ""),
    ] {
        let error = fetch(&endless(head, piece, pause));
        assert!(error.contains(wanted), "{error}");
    }
}

#[test]
fn a_registry_that_hangs_or_cuts_its_blobs_is_given_up() {
    let (home, reporter) = (home(), Recorded::default());
    let settings = Settings { timeout: Some(Duration::from_millis(300)), ..settings(home.path()) };
    let client = Client::new(&settings, &reporter);
    let hanging = Peer::start(|_, _| {
        std::thread::sleep(Duration::from_secs(3));
        Vec::new()
    });
    let error = Registry::new(&client, &hanging.address, &Access::default(), true).tags("a").expect_err("hangs").to_string();
    assert!(error.contains("context deadline exceeded"), "{error}");
    assert_eq!(hanging.requests().len(), 1, "it had its time");
    let content = b"the content of a blob";
    let blob = |address: &str| {
        let descriptor = Descriptor { media_type: String::new(), digest: digest_of(content), size: content.len() as u64 };
        Registry::new(&client, address, &Access::default(), true).blob("a", &descriptor, None)
    };
    let cut = Peer::start(|_, _| b"HTTP/1.1 200 OK\r\nContent-Length: 21\r\n\r\nthe content".to_vec());
    assert!(blob(&cut.address).expect_err("cut").to_string().contains("unexpected EOF"));
    // Without a length only the digest tells.
    let short = Peer::start(|_, _| b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nthe content".to_vec());
    assert!(blob(&short.address).expect_err("short").to_string().contains("mismatch digest"));
    let long = Peer::start(|_, _| [&b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n"[..], content, b" and more"].concat());
    assert!(blob(&long.address).expect_err("long").to_string().contains("larger than the limit"));
    let once = Peer::start(|number, _| match number {
        1 => b"HTTP/1.1 200 OK\r\nContent-Length: 21\r\n\r\nthe content".to_vec(),
        _ => reply("200 OK", &[], content),
    });
    assert_eq!(blob(&once.address).expect("whole"), content);
}

#[test]
fn a_registry_that_lies_about_the_digest_of_a_tag_or_a_push_is_not_believed() {
    let (home, reporter) = (home(), Recorded::default());
    let settings = settings(home.path());
    let client = Client::new(&settings, &reporter);
    let long = format!("Docker-Content-Digest: sha512:{}", "0".repeat(128));
    for header in [format!("Docker-Content-Digest: {}", digest_of(b"other")), long, "Docker-Content-Digest: md5:00".to_string()] {
        let peer = Peer::start(move |_, request| match request.starts_with("PUT") {
            true => reply("201 Created", &[&header], b""),
            false => reply("200 OK", &[&header], b"{}"),
        });
        let registry = Registry::new(&client, &peer.address, &Access::default(), true);
        assert!(registry.manifest("a", "1.0.0").expect_err("refused").to_string().contains("mismatch digest"));
        assert!(registry.put_manifest("a", "1.0.0", "a/b", b"{}").expect_err("refused").to_string().contains("mismatch digest"));
    }
    // The longer digest of the right content is as good.
    let digest = "sha512:27c74670adb75075fad058d5ceaf7b20c4e7786c83bae8a32f626f9782af34c9a33c2046ef60fd2a7878d378e29fec851806bbd9a67878f3a9f1cda4830763fd";
    let peer = Peer::start(move |_, _| reply("200 OK", &[&format!("Docker-Content-Digest: {digest}")], b"{}"));
    let registry = Registry::new(&client, &peer.address, &Access::default(), true);
    for name in ["1.0.0", digest] {
        assert_eq!(registry.manifest("a", name).expect("a manifest").expect("there").0, digest);
    }
    let descriptor = Descriptor { media_type: String::new(), digest: digest.to_string(), size: 2 };
    assert_eq!(registry.blob("a", &descriptor, None).expect("a blob"), b"{}");
}

#[test]
fn a_blob_kept_elsewhere_is_fetched_without_credentials_and_checked() {
    let (home, reporter) = (home(), Recorded::default());
    let settings = settings(home.path());
    let client = Client::new(&settings, &reporter);
    for (stored, right) in [(&b"content"[..], true), (b"changed", false)] {
        let other = Peer::start(move |_, _| reply("200 OK", &[], stored));
        let location = format!("Location: {}/bucket?signed=1", other.url());
        let own = Peer::start(move |_, request| match has_credentials(request) {
            false => reply("401 Unauthorized", &["WWW-Authenticate: Basic realm=\"x\""], b""),
            true => reply("307 Temporary Redirect", &[&location], b""),
        });
        let registry = Registry::new(&client, &own.address, &registry_options("ada"), true);
        let descriptor = Descriptor { media_type: String::new(), digest: digest_of(b"content"), size: 7 };
        let blob = registry.blob("a", &descriptor, None);
        assert_eq!(blob.is_ok(), right, "{blob:?}");
        assert!(other.requests().iter().all(|request| !has_credentials(request)));
        assert_eq!(other.requests().len(), 1);
    }
}

#[test]
fn tags_that_never_end_are_not_followed() {
    let (home, reporter) = (home(), Recorded::default());
    let settings = settings(home.path());
    let client = Client::new(&settings, &reporter);
    // Two pages that name each other; a page that names itself.
    for pages in [2, 1] {
        let peer = Peer::start(move |number, _| {
            let page = number % pages;
            let link = format!("Link: </v2/a/tags/list?page={}>; rel=\"next\"", (page + 1) % pages);
            reply("200 OK", &[&link], format!(r#"{{"tags":["{page}.0.0"]}}"#).as_bytes())
        });
        let registry = Registry::new(&client, &peer.address, &Access::default(), true);
        assert_eq!(registry.versions("a").expect("the tags").len(), pages);
        assert_eq!(peer.requests().len(), pages + 1);
    }
    // Always one more.
    let peer = Peer::start(|number, _| {
        let link = format!("Link: </v2/a/tags/list?last={number}>; rel=\"next\"");
        reply("200 OK", &[&link], format!(r#"{{"tags":["{number}.0.0"]}}"#).as_bytes())
    });
    let error = Registry::new(&client, &peer.address, &Access::default(), true).versions("a").expect_err("endless").to_string();
    assert!(error.contains("has more than 200000 tags or 2000 pages"), "{error}");
}

#[test]
fn an_answer_that_unpacks_without_end_is_refused() {
    let (home, reporter) = (home(), Recorded::default());
    let settings = settings(home.path());
    let client = Client::new(&settings, &reporter);
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    for _ in 0..64 {
        packed.write_all(&vec![b' '; 1 << 20]).expect("packed");
    }
    let packed = packed.finish().expect("packed");
    assert!(packed.len() < 100_000);
    let peer = Peer::start(move |_, _| reply("200 OK", &["Content-Encoding: gzip"], &packed));
    let request = |compressed| Request { compressed, ..Request::get("", 1 << 20) };
    let url = peer.url();
    let error = client.fetch(Request { url: &url, ..request(true) }, &Access::default()).expect_err("a bomb").to_string();
    assert!(error.contains("larger than the limit"), "{error}");
    // An archive is not unpacked by the way.
    assert!(client.fetch(Request { url: &url, ..request(false) }, &Access::default()).expect("the bytes").len() < 100_000);
}

#[test]
fn a_push_waits_for_a_busy_server_and_follows_no_redirect() {
    let (home, reporter) = (home(), Recorded::default());
    let settings = settings(home.path());
    let client = Client::new(&settings, &reporter);
    // Told that it was too much, a client knows that nothing was done.
    let busy = Peer::start(|number, _| match number {
        1 => reply("429 Too Many Requests", &["Retry-After: 1"], b""),
        _ => reply("201 Created", &[], br#"{"saved":true}"#),
    });
    let began = std::time::Instant::now();
    push::push(&client, &busy.url(), Server::ChartMuseum, &upload(None, false), &Access::default()).expect("pushed");
    assert!(began.elapsed() >= Duration::from_secs(1), "as long as it asked for");
    assert_eq!(busy.requests()[0], busy.requests()[1]);
    // After 500 nobody knows.
    let broken = Peer::start(|_, _| reply("500 Internal Server Error", &[], b""));
    push::push(&client, &broken.url(), Server::ChartMuseum, &upload(None, false), &Access::default()).expect_err("refused");
    assert_eq!(broken.requests().len(), 1);
    let other = Peer::start(|_, _| reply("201 Created", &[], b""));
    let location = format!("Location: {}/api/charts", other.url());
    let own = Peer::start(move |_, _| reply("307 Temporary Redirect", &[&location], b""));
    push::push(&client, &own.url(), Server::ChartMuseum, &upload(None, false), &access(&own.url())).expect_err("refused");
    assert!(other.requests().is_empty());
}

#[test]
fn a_push_to_a_registry_that_asks_stumbles_and_is_busy_arrives() {
    let (home, reporter) = (home(), Recorded::default());
    let settings = settings(home.path());
    let client = Client::new(&settings, &reporter);
    let stumbles = Arc::new(Mutex::new(std::collections::HashMap::<String, usize>::new()));
    let peer = Peer::start(move |_, request| {
        if !has_credentials(request) {
            return reply("401 Unauthorized", &["WWW-Authenticate: Basic realm=\"x\""], b"");
        }
        let line = request.split(" HTTP").next().unwrap_or_default().to_string();
        let times = {
            let mut seen = stumbles.lock().expect("the list");
            let times = seen.entry(line.clone()).or_default();
            *times += 1;
            *times
        };
        match (times, line.split(' ').next().unwrap_or_default()) {
            (1, _) => reply("429 Too Many Requests", &["Retry-After: 0"], b""),
            (2, _) => reply("500 Internal Server Error", &[], b""),
            (_, "HEAD") => b"HTTP/1.1 404 Not Found\r\nConnection: close\r\n\r\n".to_vec(),
            (_, "POST") => reply("202 Accepted", &["Location: /v2/a/blobs/uploads/1"], b""),
            _ => reply("201 Created", &[], b""),
        }
    });
    let registry = Registry::new(&client, &peer.address, &registry_options("ada"), true);
    registry.put_blob("a", b"content", &digest_of(b"content")).expect("uploaded");
    registry.put_manifest("a", "1.0.0", "application/vnd.oci.image.manifest.v1+json", b"{}").expect("pushed");
    let sent: Vec<String> = peer.requests().iter().filter(|request| request.starts_with("PUT /v2/a/blobs")).cloned().collect();
    assert!(sent.iter().all(|request| request.ends_with("content")), "whole each time");
}
