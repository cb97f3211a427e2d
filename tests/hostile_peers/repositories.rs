//! HTTP repositories and servers, indexes, downloads, mirrors and proxies.

use super::*;

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
    // --pass-credentials lets an index name another host, and means no redirects.
    let open = Access { pass_credentials: true, ..access("http://repository.example.com") };
    client.fetch(Request::get(&own.url(), 100), &open).expect("the answer");
    assert!(has_credentials(&own.requests()[1]));
    assert!(!has_credentials(&other.requests()[1]));
}

// Go does not give them back (CVE-2024-45336): the other server chose what is asked for.
#[test]
fn credentials_do_not_come_back_from_another_host() {
    let (home, reporter) = (home(), Recorded::default());
    let settings = settings(home.path());
    let back = Arc::new(std::sync::OnceLock::<String>::new());
    let own_url = Arc::clone(&back);
    let other = Peer::start(move |_, _| {
        let location = format!("Location: {}/secret", own_url.get().expect("it was asked first"));
        reply("302 Found", &[&location], b"")
    });
    let location = format!("Location: {}/x", other.url());
    let own = Peer::start(move |number, _| match number {
        1 => reply("302 Found", &["Location: /here"], b""),
        2 => reply("302 Found", &[&location], b""),
        _ => reply("200 OK", &[], b"for everybody"),
    });
    back.set(own.url()).expect("set once");
    let client = Client::new(&settings, &reporter);
    let body = client.fetch(Request::get(&own.url(), 100), &access(&own.url())).expect("the answer");
    assert_eq!(body, b"for everybody");
    assert_eq!(own.requests().iter().map(|request| has_credentials(request)).collect::<Vec<_>>(), [true, true, false]);
    // Nor does who begins elsewhere get them at the end.
    assert_eq!(client.fetch(Request::get(&other.url(), 100), &access(&own.url())).expect("the answer"), b"for everybody");
    assert!(!has_credentials(&own.requests()[3]) && !has_credentials(&other.requests()[1]));
}

#[test]
fn redirects_end_and_do_not_leave_http() {
    let (home, reporter) = (home(), Recorded::default());
    let settings = settings(home.path());
    let client = Client::new(&settings, &reporter);
    let endless = Peer::start(|_, _| reply("302 Found", &["Location: /again"], b""));
    let error = client.fetch(Request::get(&endless.url(), 100), &Access::default()).expect_err("too many").to_string();
    assert!(error.contains("stopped after 10 redirects"), "{error}");
    // As many as Helm 4.2.4 sends.
    assert_eq!(endless.requests().len(), 10);
    for target in ["file:///etc/passwd", "gopher://h/", "//"] {
        let location = format!("Location: {target}");
        let peer = Peer::start(move |_, _| reply("302 Found", &[&location], b""));
        assert!(client.fetch(Request::get(&peer.url(), 100), &Access::default()).is_err(), "{target}");
    }
}

// Browsers, and the transport with them, take `http:///host/x` for `http://host/x`.
#[test]
fn an_address_without_a_host_is_sent_nowhere() {
    let (home, reporter) = (home(), Recorded::default());
    let settings = settings(home.path());
    let client = Client::new(&settings, &reporter);
    let peer = Peer::start(|_, _| reply("200 OK", &[], b""));
    let url = format!("http:///{}/x", peer.address);
    let error = client.fetch(Request::get(&url, 100), &Access::default()).expect_err("refused").to_string();
    assert_eq!(error, format!("Get \"{url}\": http: no Host in request URL"));
    assert!(peer.requests().is_empty());
}

#[test]
fn what_is_asked_for_its_headers_stays_so_elsewhere() {
    let (home, reporter) = (home(), Recorded::default());
    let settings = settings(home.path());
    let client = Client::new(&settings, &reporter);
    let peer = Peer::start(|number, _| match number {
        1 => reply("303 See Other", &["Location: /there"], b""),
        _ => reply("200 OK", &[], b""),
    });
    client.send(Request::head(&peer.url()), &Access::default()).expect("an answer");
    assert!(peer.requests()[1].starts_with("HEAD /there "), "{:?}", peer.requests());
}

#[test]
fn what_passes_is_tried_again_and_what_lasts_is_not() {
    let (home, reporter) = (home(), Recorded::default());
    let settings = settings(home.path());
    let client = Client::new(&settings, &reporter);
    let shaky = Peer::start(|number, _| match number {
        1 => reply("429 Too Many Requests", &["Retry-After: 0"], b""),
        2 => reply("500 Internal ServerKind Error", &[], b""),
        3 => b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\ncut".to_vec(),
        _ => reply("200 OK", &[], b"whole"),
    });
    assert_eq!(client.fetch(Request::get(&shaky.url(), 1000), &Access::default()).expect("the answer"), b"whole");
    assert_eq!(shaky.requests().len(), 4);
    let broken = Peer::start(|_, _| reply("503 Service Unavailable", &[], b""));
    let error = client.fetch(Request::get(&broken.url(), 1000), &Access::default()).expect_err("lasting").to_string();
    assert!(error.ends_with(" : 503 Service Unavailable"), "{error}");
    assert_eq!(broken.requests().len(), 6);
    let gone = Peer::start(|_, _| reply("404 Not Found", &[], b""));
    assert!(client.fetch(Request::get(&gone.url(), 1000), &Access::default()).is_err());
    assert_eq!(gone.requests().len(), 1);
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
fn an_upload_may_take_the_time_that_its_size_needs() {
    let (home, reporter) = (home(), Recorded::default());
    let settings = Settings { timeout: Some(Duration::from_millis(100)), ..settings(home.path()) };
    let client = Client::new(&settings, &reporter);
    let peer = Peer::start(|_, _| {
        std::thread::sleep(Duration::from_secs(1));
        reply("201 Created", &[], b"")
    });
    let upload = |length: usize| client.send(Request::upload(reqwest::Method::PUT, &peer.url(), vec![b'x'; length]), &Access::default());
    assert!(upload(1000).expect_err("too slow").to_string().contains("context deadline exceeded"));
    assert_eq!(upload(1 << 20).expect("slow, but there is much of it").status, 201);
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

#[derive(Debug)]
struct Packer;

impl rutter::repository::getter::Getter for Packer {
    fn provides(&self, scheme: &str) -> bool {
        scheme == "git+https"
    }

    fn get(&self, _address: &str, _access: &Access, _limit: u64) -> rutter::error::Result<Vec<u8>> {
        Ok(b"packed just now".to_vec())
    }
}

// helm-git writes an index with digests and packs anew whenever it is asked.
#[test]
fn what_a_plugin_packs_anew_needs_no_digest_of_the_index() {
    let (home, reporter) = (home(), Recorded::default());
    let settings = Settings { getter: Some(Arc::new(Packer)), ..settings(home.path()) };
    let repository = "git+https://example.com/charts@stable";
    let address = "git+https://example.com/charts@stable/a-1.0.0.tgz";
    let digest = "a".repeat(64);
    let index = format!(
        "apiVersion: v1\nentries:\n  a:\n  - apiVersion: v2\n    digest: {digest}\n    name: a\n    urls:\n    - {address}\n    version: 1.0.0\n",
    );
    add_repository(&settings, repository, &index);
    let downloader = Downloader::new(ChartOptions::default(), &settings, &reporter);
    let packed = |path: std::path::PathBuf| assert_eq!(std::fs::read(path).expect("the archive"), b"packed just now");
    packed(downloader.save("local/a", "", home.path(), Verify::Never).expect("saved").path);
    packed(downloader.fetch_to_cache("local/a", "").expect("fetched"));
    let entry = Entry { name: "local".to_string(), url: repository.to_string(), ..Entry::default() };
    packed(downloader.save_from(address, &entry, &digest, home.path(), Verify::Never).expect("taken").path);
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

/// Nor by naming a registry, be it with `--repo` or for an added repository.
#[test]
fn an_index_cannot_send_the_password_to_a_registry() {
    let digest = format!("@{}", digest_of(b"x"));
    for ending in [":1.0.0", ":latest", ":1.0.0_b", "", &digest, &format!(":1.0.0{digest}")] {
        no_password_for_the_registry_behind(ending);
    }
}

fn no_password_for_the_registry_behind(ending: &str) {
    let (home, reporter) = (home(), Recorded::default());
    let netrc = home.path().join("netrc");
    std::fs::write(&netrc, "default login net password s3cret\n").expect("a file");
    let settings = Settings { netrc: Some(netrc), ..settings(home.path()) };
    let registry = Peer::start(|_, _| reply("401 Unauthorized", &["WWW-Authenticate: Basic realm=\"x\""], b""));
    let index = format!(
        "apiVersion: v1\nentries:\n  a:\n  - {{apiVersion: v2, name: a, version: 1.0.0, urls: ['oci://{}/charts/a{ending}']}}\n",
        registry.address
    );
    let own = Peer::start({
        let index = index.clone();
        move |_, _| reply("200 OK", &[], index.as_bytes())
    });
    let options = |url: String| ChartOptions {
        repository_url: url,
        username: "ada".into(),
        password: "s3cret".into(),
        plain_http: true,
        ..ChartOptions::default()
    };
    Downloader::new(options(own.url()), &settings, &reporter).save("a", "", home.path(), Verify::Never).expect_err("refused");
    add_repository(&settings, &own.url(), &index);
    Downloader::new(options(String::new()), &settings, &reporter).save("local/a", "", home.path(), Verify::Never).expect_err("refused");
    let address = format!("oci://{}/charts/a{ending}", registry.address);
    let options = options(String::new());
    Downloader::new(options.clone(), &settings, &reporter).save_listed(&address, "", home.path(), Verify::Never).expect_err("refused");
    let requests = registry.requests();
    assert!(requests.len() >= 2, "{requests:?}");
    assert!(!requests.iter().any(|request| has_credentials(request)), "{requests:?}");
    // A registry that the user names sees them.
    Downloader::new(options, &settings, &reporter).save(&address, "", home.path(), Verify::Never).expect_err("refused");
    assert!(registry.requests().iter().any(|request| has_credentials(request)));
}

/// As Helm 4.2.4 tells `pull a --repo URL --debug`, and `pull repo/a` after it.
#[test]
fn what_is_told_of_a_download_comes_in_helms_order() {
    let home = home();
    let own = Peer::start(|_, request| match request.contains("index.yaml") {
        true => {
            reply("200 OK", &[], b"apiVersion: v1\nentries:\n  a:\n  - {apiVersion: v2, name: a, urls: [a-1.0.0.tgz], version: 1.0.0}\n")
        }
        false => reply("200 OK", &[], b"archive"),
    });
    let told = |reporter: &Recorded| reporter.notices().into_iter().map(|notice| notice.message).collect::<Vec<_>>();
    let settings = Settings { debug: true, ..settings(home.path()) };
    let reporter = Recorded::default();
    let options = ChartOptions { repository_url: own.url(), ..ChartOptions::default() };
    Downloader::new(options, &settings, &reporter).save("a", "", home.path(), Verify::Never).expect("saved");
    let fetched = ["fetching", "fetch complete"];
    assert_eq!(told(&reporter), [&fetched[..], &["set up default downloader cache"], &fetched].concat());
    let (reporter, entry) = (Recorded::default(), Entry { name: "local".into(), url: own.url(), ..Entry::default() });
    let mut repositories = Repositories::default();
    repositories.entries.push(entry.clone());
    repositories.save(&settings.repository_config).expect("written");
    update::update(&Client::new(&settings, &reporter), &entry).expect("the index");
    assert_eq!(told(&reporter), fetched);
    let reporter = Recorded::default();
    let downloader = Downloader::new(ChartOptions::default(), &settings, &reporter);
    downloader.save("local/a", "", home.path(), Verify::Never).expect("saved");
    assert_eq!(told(&reporter), [&["set up default downloader cache"], &fetched[..]].concat());
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

// helm/helm#9519, #13241: what is cached under its digest is not fetched again, and then the index is not either.
#[test]
fn building_cached_dependencies_makes_no_request() {
    use rutter::action::dependency::{Options, build, update};
    const ARCHIVE: &[u8] = include_bytes!("../../testdata/provenance/helm-a-1.0.0.tgz");
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

// helm/helm#9662: an index may not get round the digests of a lock by another name for the archive.
#[test]
fn a_lock_with_digests_takes_no_other_archive() {
    use rutter::action::dependency::{Options, build, update};
    const ARCHIVE: &[u8] = include_bytes!("../../testdata/provenance/helm-a-1.0.0.tgz");
    let (home, reporter) = (home(), Recorded::default());
    // Where nothing can be cached everything else works.
    std::fs::write(home.path().join("file"), "").expect("a file");
    let settings = Settings { content_cache: home.path().join("file/content"), ..settings(home.path()) };
    let served = Arc::new(Mutex::new(("a-1.0.0.tgz", ARCHIVE.to_vec())));
    let state = Arc::clone(&served);
    let peer = Peer::start(move |_, request| {
        let (name, archive) = state.lock().expect("what is served").clone();
        let digest = rutter::package::digest::sha256_hex(&archive);
        let index = format!(
            "apiVersion: v1\nentries:\n  a:\n  - apiVersion: v2\n    digest: {digest}\n    name: a\n    urls:\n    - {name}\n    version: 1.0.0\n"
        );
        match request.starts_with("GET /index.yaml") {
            true => reply("200 OK", &[], index.as_bytes()),
            false => reply("200 OK", &[], &archive),
        }
    });
    let chart = home.path().join("p");
    std::fs::create_dir(&chart).expect("a folder");
    let text = format!("apiVersion: v2\nname: p\nversion: 1.0.0\ndependencies:\n- name: a\n  version: ^1\n  repository: {}\n", peer.url());
    std::fs::write(chart.join("Chart.yaml"), text).expect("a file");
    add_repository(&settings, &peer.url(), "apiVersion: v1\nentries: {}\n");
    let options = Options { lock_digests: true, ..Options::default() };
    update(&chart, &options, &settings, &reporter).expect("updated");
    let again = || {
        std::fs::remove_dir_all(chart.join("charts")).expect("removed");
        let built = build(&chart, &Options::default(), &settings, &reporter).map_err(|error| (error.kind(), error.to_string()));
        std::fs::create_dir_all(chart.join("charts")).expect("a folder");
        built
    };
    again().expect("the same archive");
    let other = [ARCHIVE, b"more"].concat();
    for (name, archive, wanted) in [
        ("a-1.0.0.tgz", &other[..], "does not fit: the lock says sha256:"),
        ("x-1.0.0.tgz", &other, "the lock has digests, but none of \"x-1.0.0.tgz\""),
        ("x-1.0.0.tgz", ARCHIVE, "the lock has digests, but none of \"x-1.0.0.tgz\""),
    ] {
        *served.lock().expect("what is served") = (name, archive.to_vec());
        let (kind, error) = again().expect_err("another archive");
        assert!(kind == ErrorKind::Verification && error.contains(wanted), "{name}: {error}");
        assert_eq!(std::fs::read_dir(chart.join("charts")).expect("the folder").count(), 0);
    }
    // Digests that cannot be read are not none.
    *served.lock().expect("what is served") = ("a-1.0.0.tgz", ARCHIVE.to_vec());
    let lock = std::fs::read_to_string(chart.join("Chart.lock")).expect("the lock");
    for archives in ["archives: x\n", "archives: [a]\n", "archives: {a-1.0.0.tgz: 7}\n", "archives: {a-1.0.0.tgz: 2cd0}\n"] {
        let rest = lock.split_once("dependencies:").expect("dependencies").1;
        std::fs::write(chart.join("Chart.lock"), format!("{archives}dependencies:{rest}")).expect("a file");
        assert_eq!(again(), Err((ErrorKind::Verification, "Chart.lock: archives is no table of digests".to_string())), "{archives}");
    }
    update(&chart, &Options::default(), &settings, &reporter).expect("written anew");
    assert_eq!(std::fs::read_to_string(chart.join("Chart.lock")).expect("the lock").lines().nth(1), lock.lines().nth(1));
    again().expect("the same archive");
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
fn proxies_are_used_but_for_this_machine_and_the_exceptions() {
    use rutter::repository::Proxies;
    let (home, reporter) = (home(), Recorded::default());
    let proxy = Peer::start(|_, request| match request.starts_with("CONNECT ") {
        true => reply("403 Forbidden", &[], b""),
        false => reply("200 OK", &[], b"by proxy"),
    });
    let with_user = format!("http://pat:pr0xy@{}", proxy.address);
    let proxies =
        Proxies { http: with_user.clone(), https: with_user, exceptions: "direct.invalid,*.inner.invalid,some.invalid:81".into() };
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
    for exception in ["http://direct.invalid/", "http://charts.inner.invalid/", "http://some.invalid:81/"] {
        assert!(fetch(exception).is_err(), "{exception} has no address");
    }
    assert_eq!(proxy.requests().len(), 2);
    // A registry is reached the same way.
    let _ = Registry::new(&client, "registry.invalid", &Access::default(), true).tags("a");
    assert!(proxy.requests()[2].starts_with("GET http://registry.invalid/v2/a/tags/list "));
}

#[test]
fn what_a_server_says_of_a_handshake_is_told() {
    let (home, reporter) = (home(), Recorded::default());
    let settings = settings(home.path());
    for (alert, told) in [(40, "handshake failure"), (48, "unknown certificate authority"), (116, "certificate required")] {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = format!("https://{}/a", listener.local_addr().expect("an address"));
        let served = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().expect("a client");
            let mut head = [0; 5];
            stream.read_exact(&mut head).expect("a record");
            let mut hello = vec![0; usize::from(u16::from_be_bytes([head[3], head[4]]))];
            stream.read_exact(&mut hello).expect("its contents");
            stream.write_all(&[21, 3, 3, 0, 2, 2, alert]).expect("a client");
        });
        let request = Request { repeat: false, ..Request::get(&url, 100) };
        let error = Client::new(&settings, &reporter).fetch(request, &access(&url)).expect_err("an alert");
        assert_eq!(error.message(), format!("Get \"{url}\": remote error: tls: {told}"));
        served.join().expect("it has served");
    }
}

#[test]
fn a_proxy_that_is_not_there_is_told_as_one() {
    use rutter::repository::Proxies;
    let (home, reporter) = (home(), Recorded::default());
    let closed = TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address");
    let told = |proxy: String, url: &str| {
        let proxies = Proxies { http: proxy.clone(), https: proxy, ..Proxies::default() };
        let settings = Settings { proxies, ..settings(home.path()) };
        let client = Client::new(&settings, &reporter);
        let request = Request { repeat: false, ..Request::get(url, 100) };
        client.fetch(request, &access(url)).expect_err("nobody is there").message().to_string()
    };
    for url in ["http://charts.invalid/a", "https://charts.invalid/a"] {
        assert_eq!(
            told(format!("http://{closed}"), url),
            format!("Get \"{url}\": proxyconnect tcp: dial tcp {closed}: connect: connection refused")
        );
    }
    assert_eq!(
        told(format!("socks5://{closed}"), "http://charts.invalid/a"),
        format!("Get \"http://charts.invalid/a\": socks connect tcp {closed}->charts.invalid:80: failed to create underlying connection")
    );
    // What is told of a name without a network is another thing.
    let lookup = told("proxy.invalid:3128".to_string(), "http://charts.invalid/a");
    assert!(lookup.starts_with("Get \"http://charts.invalid/a\": proxyconnect tcp: dial tcp: lookup proxy.invalid: "), "{lookup}");
}

#[test]
fn proxies_may_be_of_socks_and_look_up_hosts() {
    use rutter::repository::Proxies;
    let (home, reporter) = (home(), Recorded::default());
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let http = format!("socks5://{}", listener.local_addr().expect("an address"));
    let served = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("a client");
        let mut take = |count: usize, answer: &[u8]| {
            let mut bytes = vec![0; count];
            stream.read_exact(&mut bytes).expect("so many bytes");
            stream.write_all(answer).expect("a client");
            bytes
        };
        // RFC 1928: the ways to log in, of which none is chosen; then where to connect to.
        let ways = take(2, b"");
        take(usize::from(ways[1]), &[5, 0]);
        let asked = take(5, b"");
        let host = take(usize::from(asked[4]) + 2, &[5, 0, 0, 1, 127, 0, 0, 1, 0, 80]);
        read_request(&mut stream);
        stream.write_all(&reply("200 OK", &[], b"by proxy")).expect("a client");
        (asked, host)
    });
    let settings = Settings { proxies: Proxies { http, ..Proxies::default() }, ..settings(home.path()) };
    let request = Request { repeat: false, ..Request::get("http://charts.invalid/index.yaml", 100) };
    let body = Client::new(&settings, &reporter).fetch(request, &access("http://charts.invalid"));
    assert_eq!(body.expect("by proxy"), b"by proxy");
    let (asked, host) = served.join().expect("it has served");
    // A connection to a host by its name.
    assert_eq!(asked, [5, 1, 0, 3, 14]);
    assert_eq!(host, b"charts.invalid\0\x50");
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
    // Nor is one that never unpacks to anything read for ever, whether it comes fast or slowly.
    let mut nothing = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    nothing.flush().expect("packed");
    let empty: &'static [u8] = nothing.finish().expect("packed").leak();
    let head = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n";
    for (piece, pause, wanted) in [
        (empty.repeat(1000).leak() as &[u8], Duration::ZERO, "larger than the limit"),
        (empty, Duration::from_millis(20), "context deadline exceeded"),
    ] {
        let url = format!("http://{}/", endless(head, piece, pause));
        let error = client.fetch(Request { url: &url, repeat: false, ..request(true) }, &Access::default()).expect_err("endless");
        assert!(error.to_string().contains(wanted), "{error}");
    }
    // An archive is not unpacked by the way.
    assert!(client.fetch(Request { url: &url, ..request(false) }, &Access::default()).expect("the bytes").len() < 100_000);
}
