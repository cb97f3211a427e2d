//! OCI registries: tokens, blobs, manifests, tags and pushes.

use super::*;

#[test]
fn a_registry_that_asks_stumbles_and_is_busy_is_used_in_the_end() {
    let (home, reporter) = (home(), Recorded::default());
    let settings = settings(home.path());
    let peer = Peer::start(|number, request| match number {
        1 => reply("401 Unauthorized", &["WWW-Authenticate: Basic realm=\"x\""], b""),
        2 => reply("429 Too Many Requests", &["Retry-After: 0"], b""),
        3 => reply("500 Internal ServerKind Error", &[], b""),
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
fn what_a_registry_lacks_is_named_with_what_was_tried() {
    let (home, reporter) = (home(), Recorded::default());
    let settings = settings(home.path());
    let client = Client::new(&settings, &reporter);
    let peer = Peer::start(|_, _| reply("404 Not Found", &[], b"{}"));
    let registry = Registry::new(&client, &peer.address, &Access::default(), true);
    let text = format!("{}/a:1.0.0", peer.address);
    let error = chart::pull(&registry, &Reference::parse(&text).expect("a reference"), chart::Wanted::Archive, &reporter)
        .expect_err("missing")
        .to_string();
    // Helm 4.2.4 says the same.
    assert_eq!(error, format!("failed to perform \"FetchReference\" on source: {text}: not found"));
}

pub(super) fn registry_options(username: &str) -> Access {
    let password = if username.is_empty() { "" } else { "s3cret" };
    Access { username: username.to_string(), password: password.to_string(), ..Access::default() }
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

// Whoever asks from another place is told nothing, and the registry is not asked again for its sake.
#[test]
fn what_another_server_asks_for_is_not_answered() {
    let (home, reporter) = (home(), Recorded::default());
    let settings = settings(home.path());
    let store = Peer::start(|_, _| reply("401 Unauthorized", &["WWW-Authenticate: Basic realm=\"x\""], b""));
    let location = format!("Location: {}/blob", store.url());
    let own = Peer::start(move |_, _| reply("307 Temporary Redirect", &[&location], b""));
    let client = Client::new(&settings, &reporter);
    let registry = Registry::new(&client, &own.address, &registry_options("ada"), true);
    let descriptor = Descriptor { media_type: String::new(), digest: digest_of(b"content"), size: 7 };
    let error = registry.blob("a", &descriptor, None).expect_err("refused").to_string();
    assert!(error.contains("response status code 401"), "{error}");
    assert_eq!((own.requests().len(), store.requests().len()), (1, 1));
    assert!(!has_credentials(&own.requests()[0]) && !has_credentials(&store.requests()[0]));
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
    for size in [6, 8] {
        let other_size = Descriptor { media_type: String::new(), digest: digest_of(b"{\"a\":1}"), size };
        let error = registry.blob("a", &other_size, None).expect_err("refused").to_string();
        assert!(error.contains("mismatch digest") || error.contains("larger than the limit of 6"), "{size}: {error}");
    }
    let weak = Descriptor { media_type: String::new(), digest: "md5:00".to_string(), size: 7 };
    assert!(registry.blob("a", &weak, None).expect_err("refused").to_string().contains("unsupported digest"));
}

// Half a list would give an older version.
#[test]
fn tags_on_another_host_are_listed_without_credentials() {
    let (home, reporter) = (home(), Recorded::default());
    let settings = settings(home.path());
    let client = Client::new(&settings, &reporter);
    let challenge = "WWW-Authenticate: Basic realm=\"x\"";
    for lets_in in [true, false] {
        let other = Peer::start(move |_, _| match lets_in {
            true => reply("200 OK", &[], br#"{"tags":["9.9.9"]}"#),
            false => reply("401 Unauthorized", &[challenge], b""),
        });
        let link = format!("Link: <{}/v2/a/tags/list?last=1>; rel=\"next\"", other.url());
        let own = Peer::start(move |_, request| match has_credentials(request) {
            true => reply("200 OK", &[&link], br#"{"tags":["1.0.0"]}"#),
            false => reply("401 Unauthorized", &[challenge], b""),
        });
        let found = Registry::new(&client, &own.address, &registry_options("ada"), true).versions("a");
        match lets_in {
            true => assert_eq!(found.expect("tags"), ["9.9.9", "1.0.0"]),
            false => assert!(found.expect_err("not all").to_string().contains("response status code 401")),
        }
        assert_eq!(other.requests().len(), 1);
        assert!(!has_credentials(&other.requests()[0]));
    }
}

#[test]
fn a_list_of_tags_is_whole_or_a_fault() {
    let (home, reporter) = (home(), Recorded::default());
    let settings = settings(home.path());
    let client = Client::new(&settings, &reporter);
    for (link, said) in [
        // As Helm, which takes any link for the next page.
        ("</v2/a/tags/list?page=1>", Ok(["2.0.0", "1.0.0"])),
        ("<?page=1>; rel=next", Ok(["2.0.0", "1.0.0"])),
        ("/v2/a/tags/list?page=1", Err("next link \"/v2/a/tags/list?page=1\" has no address between < and >")),
        ("<ftp://h/x>; rel=\"next\"", Err("next link \"ftp://h/x\" cannot be followed")),
        ("<%zz://>; rel=\"next\"", Err("next link \"%zz://\" cannot be followed")),
    ] {
        let peer = Peer::start(move |_, request| match request.starts_with("GET /v2/a/tags/list?page=1 ") {
            true => reply("200 OK", &[], br#"{"tags":["2.0.0"]}"#),
            false => reply("200 OK", &[&format!("Link: {link}")], br#"{"tags":["1.0.0"]}"#),
        });
        let found = Registry::new(&client, &peer.address, &Access::default(), true).versions("a");
        match (found, said) {
            (Ok(found), Ok(wanted)) => assert_eq!(found, wanted, "{link}"),
            (Err(error), Err(wanted)) => assert!(error.to_string().ends_with(wanted), "{error}"),
            (found, _) => panic!("{link}: {found:?}"),
        }
    }
    // A page with nothing new is not the last.
    let peer = Peer::start(|number, _| {
        let page = ["{\"tags\":[\"1.0.0\"]}", "{\"tags\":[]}", "{\"tags\":[\"2.0.0\"]}"][number - 1];
        let link = format!("Link: <?page={number}>; rel=\"{}\"", if number < 3 { "next" } else { "self" });
        reply("200 OK", &[&link], page.as_bytes())
    });
    assert_eq!(Registry::new(&client, &peer.address, &Access::default(), true).versions("a").expect("tags"), ["2.0.0", "1.0.0"]);
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
    let error = chart::pull(&registry, &reference, chart::Wanted::Archive, &reporter).expect_err("no chart").to_string();
    assert_eq!(error, "manifest does not contain minimum number of descriptors (2), descriptors found: 1");
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
        let error = registry.put_manifest("a", "1.0.0", "a/b", b"{}").expect_err("refused").to_string();
        assert!(error.starts_with("PUT ") && error.contains("mismatch digest"), "{error}");
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
            (2, _) => reply("500 Internal ServerKind Error", &[], b""),
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

fn push_app(registry: &Registry<'_>, force: bool) -> rutter::error::Result<String> {
    let mut metadata = Metadata::default();
    (metadata.name, metadata.version) = ("app".to_string(), "1.0.0".to_string());
    let upload =
        chart::ChartArtifact { archive: b"archive", metadata: &metadata, provenance: None, created: "2026-01-01T00:00:00Z", force };
    chart::push(registry, &Reference::parse("h/app:1.0.0").expect("a reference"), &upload)
}

/// The lines of the requests so far, digests cut short.
fn lines_of(peer: &Peer) -> Vec<String> {
    let line = |request: &String| {
        let line = request.split(" HTTP").next().unwrap_or_default();
        line.split_once("sha256:").map_or(line.to_string(), |(before, _)| format!("{before}sha256"))
    };
    peer.requests().iter().map(line).collect()
}

// Gates and wrong addresses answer everything with a page of theirs: that is no chart that exists.
#[test]
fn a_page_in_the_place_of_a_manifest_is_no_version_that_exists() {
    let (home, reporter) = (home(), Recorded::default());
    let settings = settings(home.path());
    let client = Client::new(&settings, &reporter);
    let page = |request: &str| match request.starts_with("HEAD") {
        true => reply("200 OK", &["Content-Type: text/html; charset=utf-8"], b""),
        false => reply("200 OK", &["Content-Type: text/html; charset=utf-8"], b"<html></html>"),
    };
    let always = Peer::start(move |_, request| page(request));
    let by_tag = Peer::start(move |_, request| match request.starts_with("HEAD") {
        true => b"HTTP/1.1 404 Not Found\r\nConnection: close\r\n\r\n".to_vec(),
        false => page(request),
    });
    for (peer, force) in [(&always, false), (&always, true), (&by_tag, false)] {
        let error = push_app(&Registry::new(&client, &peer.address, &Access::default(), true), force).expect_err("refused");
        assert_eq!(error.kind(), ErrorKind::Repository);
        let error = error.to_string();
        // Helm 4.2.4 says the same.
        assert!(error.starts_with("failed to perform \"Tag\" on destination: GET \"http://"), "{error}");
        let wanted = "mismatch response Content-Type \"text/html\": expect \"application/vnd.oci.image.manifest.v1+json\"";
        assert!(error.ends_with(wanted), "{error}");
    }
    // What is not JSON whatever it says, and JSON that is no manifest.
    for body in [&b"<html>"[..], b"{}", b"[]", b"null", b"{\"errors\":[]}"] {
        let peer = Peer::start(move |_, request| match request.starts_with("HEAD") {
            true => b"HTTP/1.1 404 Not Found\r\nConnection: close\r\n\r\n".to_vec(),
            false => reply("200 OK", &["Content-Type: application/json"], body),
        });
        let error = push_app(&Registry::new(&client, &peer.address, &Access::default(), true), false).expect_err("refused");
        assert_eq!(error.kind(), ErrorKind::Repository, "{error}");
    }
    // An image index is something that exists.
    let peer = Peer::start(move |_, request| match request.starts_with("HEAD") {
        true => b"HTTP/1.1 404 Not Found\r\nConnection: close\r\n\r\n".to_vec(),
        false => reply("200 OK", &["Content-Type: application/vnd.oci.image.index.v1+json"], br#"{"schemaVersion":2,"manifests":[]}"#),
    });
    let error = push_app(&Registry::new(&client, &peer.address, &Access::default(), true), false).expect_err("refused");
    assert_eq!(error.kind(), ErrorKind::Exists, "{error}");
}

// A version is not replaced because a registry was out of sorts when it was asked for it.
#[test]
fn a_registry_that_cannot_say_what_a_tag_names_is_sent_nothing() {
    let (home, reporter) = (home(), Recorded::default());
    let settings = settings(home.path());
    let client = Client::new(&settings, &reporter);
    for (status, goes_on) in
        [("500 Internal Server Error", false), ("502 Bad Gateway", false), ("418 I'm a teapot", false), ("403 Forbidden", true)]
    {
        let peer = Peer::start(move |_, request| match request.starts_with("HEAD") {
            true => b"HTTP/1.1 404 Not Found\r\nConnection: close\r\n\r\n".to_vec(),
            false => reply(status, &[], b""),
        });
        let error = push_app(&Registry::new(&client, &peer.address, &Access::default(), true), false).expect_err("refused");
        let sent = lines_of(&peer).into_iter().any(|line| line.starts_with("POST") || line.starts_with("PUT"));
        assert_eq!((error.kind(), sent), (ErrorKind::Repository, goes_on), "{status}: {error}");
        assert!(error.to_string().contains(status.split(' ').next().unwrap_or_default()), "{error}");
    }
}

#[test]
fn a_push_asks_for_no_more_than_it_needs() {
    let (home, reporter) = (home(), Recorded::default());
    let settings = settings(home.path());
    let client = Client::new(&settings, &reporter);
    let registry = |peer: &Peer, username: &str| Registry::new(&client, &peer.address, &registry_options(username), true);
    // Nobody is asked twice whether this password will do.
    let strict = Peer::start(|_, _| reply("401 Unauthorized", &["WWW-Authenticate: Basic realm=\"x\""], b""));
    let error = push_app(&registry(&strict, "ada"), false).expect_err("refused").to_string();
    // Helm 4.2.4 says the same.
    assert!(
        error.starts_with("failed to perform \"Exists\" on destination: HEAD \"http://") && error.contains("status code 401"),
        "{error}"
    );
    assert_eq!(lines_of(&strict), ["HEAD /v2/app/manifests/sha256", "HEAD /v2/app/manifests/sha256"]);
    let address = Arc::new(Mutex::new(String::new()));
    for tokens in [true, false] {
        let told = Arc::clone(&address);
        let peer = Peer::start(move |_, request| {
            let realm = format!("http://{}/token", told.lock().expect("the address"));
            let challenge = format!("WWW-Authenticate: Bearer realm=\"{realm}\",service=\"x\"");
            let manifest = "Content-Type: application/vnd.oci.image.manifest.v1+json";
            let layers = format!(r#"{{"schemaVersion":2,"layers":[{{"size":7,"digest":"{}"}}]}}"#, digest_of(b"archive"));
            match request {
                request if request.starts_with("GET /token") && tokens => reply("200 OK", &[], br#"{"token":"t0ken"}"#),
                request if request.starts_with("GET /token") => reply("403 Forbidden", &[], b""),
                request if !request.contains("Bearer t0ken") => reply("401 Unauthorized", &[&challenge], b""),
                request if request.starts_with("HEAD") => reply("200 OK", &[manifest], b""),
                request if request.starts_with("GET") => reply("200 OK", &[manifest], layers.as_bytes()),
                _ => reply("201 Created", &[], b""),
            }
        });
        address.lock().expect("the address").clone_from(&peer.address);
        let pushed = push_app(&registry(&peer, "bo"), false);
        assert_eq!(pushed.is_ok(), tokens, "{pushed:?}");
        let token = "GET /token?scope=repository%3Aapp%3Apull%2Cpush&service=x";
        // What is there already is only named once more.
        let manifest = "HEAD /v2/app/manifests/sha256";
        let wanted = [manifest, token, manifest, "GET /v2/app/manifests/1.0.0", "PUT /v2/app/manifests/1.0.0"];
        assert_eq!(lines_of(&peer), wanted[..if tokens { 5 } else { 2 }]);
    }
}

// Of two pushes at once the registry tells one; or it lets nobody replace a version, `--force` or not.
#[test]
fn a_conflict_is_a_version_that_exists() {
    let (home, reporter) = (home(), Recorded::default());
    let settings = settings(home.path());
    let client = Client::new(&settings, &reporter);
    for force in [false, true] {
        let peer = Peer::start(|_, request| match request {
            request if request.starts_with("POST") => reply("202 Accepted", &["Location: /v2/app/blobs/uploads/1"], b""),
            request if request.starts_with("PUT /v2/app/manifests") => reply("409 Conflict", &[], b""),
            request if request.starts_with("PUT") => reply("201 Created", &[], b""),
            _ => b"HTTP/1.1 404 Not Found\r\nConnection: close\r\n\r\n".to_vec(),
        });
        let error = push_app(&Registry::new(&client, &peer.address, &Access::default(), true), force).expect_err("a conflict");
        assert_eq!(error.kind(), ErrorKind::Exists, "{error}");
    }
}

#[test]
fn a_push_brings_what_a_manifest_that_stayed_has_lost() {
    let (home, reporter) = (home(), Recorded::default());
    let settings = settings(home.path());
    let client = Client::new(&settings, &reporter);
    // Repaired by the parts, or not even by them.
    for is_repaired in [true, false] {
        let puts = std::sync::atomic::AtomicUsize::new(0);
        let unknown = br#"{"errors":[{"code":"MANIFEST_BLOB_UNKNOWN","message":"blob unknown to registry"}]}"#;
        let peer = Peer::start(move |_, request| {
            let manifest = "Content-Type: application/vnd.oci.image.manifest.v1+json";
            match request {
                request if request.starts_with("HEAD /v2/app/manifests") => reply("200 OK", &[manifest], b""),
                request if request.starts_with("HEAD") || request.starts_with("GET") => {
                    b"HTTP/1.1 404 Not Found\r\nConnection: close\r\n\r\n".to_vec()
                }
                request if request.starts_with("POST") => reply("202 Accepted", &["Location: /v2/app/blobs/uploads/1"], b""),
                request if request.starts_with("PUT /v2/app/manifests") => {
                    let number = puts.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
                    if number > 0 && is_repaired { reply("201 Created", &[], b"") } else { reply("400 Bad Request", &[], unknown) }
                }
                _ => reply("201 Created", &[], b""),
            }
        });
        let pushed = push_app(&Registry::new(&client, &peer.address, &Access::default(), true), false);
        assert_eq!(lines_of(&peer).iter().filter(|line| line.starts_with("PUT /v2/app/blobs")).count(), 2);
        match pushed {
            Ok(_) => assert!(is_repaired),
            Err(error) => {
                assert!(!is_repaired && error.kind() == ErrorKind::Repository, "{error}");
                assert!(error.to_string().ends_with("400: manifest blob unknown: blob unknown to registry"), "{error}");
            }
        }
    }
}

// Helm 4.2.4 goes on with the digest whatever becomes of the tag.
#[test]
fn a_digest_is_enough_where_its_tag_cannot_be_asked_for() {
    let (home, reporter) = (home(), Recorded::default());
    let settings = settings(home.path());
    let config = b"{}";
    let manifest = format!(
        r#"{{"schemaVersion":2,"config":{{"mediaType":"{}","digest":"{}","size":2}},"layers":[{{"mediaType":"{}","digest":"{}","size":7}}]}}"#,
        chart::CONFIG_TYPE,
        digest_of(config),
        chart::CHART_TYPE,
        digest_of(b"archive")
    );
    let digest = digest_of(manifest.as_bytes());
    for status in ["401 Unauthorized", "403 Forbidden", "404 Not Found", "500 Internal ServerKind Error"] {
        let manifest = manifest.clone();
        let peer = Peer::start(move |_, request| match request {
            request if request.contains("/manifests/1.0.0 ") => reply(status, &[], b""),
            request if request.contains("/manifests/sha256:") => reply("200 OK", &[], manifest.as_bytes()),
            _ => reply("200 OK", &[], b"archive"),
        });
        let downloader = Downloader::new(ChartOptions { plain_http: true, ..ChartOptions::default() }, &settings, &reporter);
        for (reference, version) in
            [(format!("oci://{}/a:1.0.0@{digest}", peer.address), ""), (format!("oci://{}/a@{digest}", peer.address), "1.0.0")]
        {
            let saved = downloader.save(&reference, version, home.path(), Verify::Never).expect(status);
            assert_eq!(std::fs::read(saved.path).expect("the archive"), b"archive");
        }
    }
}

#[test]
fn a_push_is_sent_on_within_the_registry_only() {
    let (home, reporter) = (home(), Recorded::default());
    let settings = settings(home.path());
    let client = Client::new(&settings, &reporter);
    for status in ["307 Temporary Redirect", "308 Permanent Redirect"] {
        let peer = Peer::start(move |_, request| {
            let (method, rest) = request.split_once(' ').unwrap_or_default();
            let path = rest.split(' ').next().unwrap_or_default();
            match method {
                "HEAD" => b"HTTP/1.1 404 Not Found\r\nConnection: close\r\n\r\n".to_vec(),
                _ if !path.starts_with("/moved") => reply(status, &[&format!("Location: /moved{path}")], b""),
                "POST" => reply("202 Accepted", &["Location: 17"], b""),
                _ => reply("201 Created", &[], b""),
            }
        });
        let registry = Registry::new(&client, &peer.address, &Access::default(), true);
        registry.put_blob("a", b"content", &digest_of(b"content")).expect("uploaded");
        registry.put_manifest("a", "1.0.0", "a/b", b"{}").expect("pushed");
        let wanted = [
            "HEAD /v2/a/blobs/sha256",
            "POST /v2/a/blobs/uploads/",
            "POST /moved/v2/a/blobs/uploads/",
            "PUT /moved/v2/a/blobs/uploads/17?digest=sha256%3A",
            "PUT /v2/a/manifests/1.0.0",
            "PUT /moved/v2/a/manifests/1.0.0",
        ];
        let lines = lines_of(&peer);
        assert!(lines.len() == wanted.len() && lines.iter().zip(wanted).all(|(line, wanted)| line.starts_with(wanted)), "{lines:?}");
        assert!(peer.requests()[3].ends_with("content") && peer.requests()[5].ends_with("{}"));
        // Another server gets nothing.
        let other = Peer::start(|_, _| reply("201 Created", &[], b""));
        let location = format!("Location: {}/x", other.url());
        let own = Peer::start(move |_, _| reply(status, &[&location], b""));
        let registry = Registry::new(&client, &own.address, &Access::default(), true);
        let error = registry.put_manifest("a", "1.0.0", "a/b", b"{}").expect_err("refused").to_string();
        assert!(error.contains(&format!("response status code {}", status.split(' ').next().unwrap_or_default())), "{error}");
        assert!(other.requests().is_empty());
    }
}

#[test]
fn all_that_a_registry_says_of_a_fault_is_told() {
    let (home, reporter) = (home(), Recorded::default());
    let settings = settings(home.path());
    let client = Client::new(&settings, &reporter);
    // As Helm 4.2.4.
    for (body, said) in [
        (
            r#"{"errors":[{"code":"DENIED","message":"no"},{"code":"NAME_UNKNOWN","message":"what","detail":{"a":1}}]}"#,
            "denied: no; name unknown: what: map[a:1]",
        ),
        (r#"{"errors":[{"code":"DENIED","detail":"x"},{"message":"no"}]}"#, "denied; : no"),
        (r#"{"errors":[]}"#, "Forbidden"),
        ("no", "Forbidden"),
    ] {
        let peer = Peer::start(move |_, _| reply("403 Forbidden", &[], body.as_bytes()));
        let error = Registry::new(&client, &peer.address, &Access::default(), true).tags("a").expect_err("refused").to_string();
        assert_eq!(error, format!("GET \"{}/v2/a/tags/list\": response status code 403: {said}", peer.url()));
    }
}

/// A registry with one artifact of these layers, each of which has `content` of its number; and the manifest's media type.
fn serving(media_type: &'static str, config: &str, layers: &[&str]) -> Peer {
    let content = |number: usize| format!("content {number}");
    let layers: Vec<String> = layers
        .iter()
        .enumerate()
        .map(|(at, kind)| format!(r#"{{"mediaType":"{kind}","digest":"{}","size":9}}"#, digest_of(content(at).as_bytes())))
        .collect();
    let config = format!(r#"{{"mediaType":"{config}","digest":"{}","size":2}}"#, digest_of(b"{}"));
    let manifest = format!(r#"{{"schemaVersion":2,"config":{config},"layers":[{}]}}"#, layers.join(","));
    Peer::start(move |_, request| {
        if request.contains("/manifests/") {
            return reply("200 OK", &[&format!("Content-Type: {media_type}")], manifest.as_bytes());
        }
        let asked = |number: &usize| request.contains(&digest_of(content(*number).as_bytes()));
        (0..9).find(asked).map_or_else(|| reply("404 Not Found", &[], b""), |number| reply("200 OK", &[], content(number).as_bytes()))
    })
}

// What Helm 4.2.4 prints and takes.
#[test]
fn the_first_archive_of_a_manifest_is_the_chart() {
    const LEGACY: &str = "application/tar+gzip";
    const DOCKER: &str = "application/vnd.docker.distribution.manifest.v2+json";
    const DOCKER_CONFIG: &str = "application/vnd.docker.container.image.v1+json";
    let few = |found: usize| Err(format!("manifest does not contain minimum number of descriptors (2), descriptors found: {found}"));
    let home = home();
    let settings = settings(home.path());
    for (media_type, config, layers, wanted, warnings) in [
        (chart::MANIFEST_TYPE, chart::CONFIG_TYPE, &[chart::CHART_TYPE, chart::CHART_TYPE][..], Ok("content 0"), 0),
        (chart::MANIFEST_TYPE, chart::CONFIG_TYPE, &[chart::PROVENANCE_TYPE, chart::CHART_TYPE], Ok("content 1"), 0),
        (chart::MANIFEST_TYPE, chart::CONFIG_TYPE, &[LEGACY], Ok("content 0"), 1),
        (chart::MANIFEST_TYPE, chart::CONFIG_TYPE, &[LEGACY, chart::CHART_TYPE], Ok("content 0"), 1),
        (chart::MANIFEST_TYPE, chart::CONFIG_TYPE, &[chart::CHART_TYPE, LEGACY], Ok("content 0"), 1),
        (chart::MANIFEST_TYPE, "x/y", &["x/y"], few(1), 0),
        (DOCKER, DOCKER_CONFIG, &["application/vnd.docker.image.rootfs.diff.tar.gzip"], few(0), 0),
        ("text/html; charset=utf-8", "x/y", &[], few(0), 0),
    ] {
        let (peer, reporter) = (serving(media_type, config, layers), Recorded::default());
        let downloader = Downloader::new(ChartOptions { plain_http: true, ..ChartOptions::default() }, &settings, &reporter);
        let saved = downloader.save(&format!("oci://{}/a:1.0.0", peer.address), "", home.path(), Verify::Later);
        let found = saved.map(|saved| std::fs::read_to_string(saved.path).expect("the archive")).map_err(|error| error.to_string());
        assert_eq!(found, wanted.map(str::to_string), "{media_type} {layers:?}");
        let said = reporter.lines().iter().filter(|line| line.contains("is deprecated")).count();
        assert_eq!(said, warnings, "{layers:?}: {:?}", reporter.lines());
        // No archive is fetched to find that it has no signature.
        assert!(peer.requests().iter().filter(|request| request.contains("/blobs/")).count() <= 2);
    }
    // A page that is no JSON.
    let (peer, reporter) = (Peer::start(|_, _| reply("200 OK", &["Content-Type: text/html"], b"<html>")), Recorded::default());
    let client = Client::new(&settings, &reporter);
    let registry = Registry::new(&client, &peer.address, &Access::default(), true);
    let reference = Reference::parse("h/a:1.0.0").expect("a reference");
    assert_eq!(
        chart::pull(&registry, &reference, chart::Wanted::Archive, &reporter).map(|_| "").map_err(|error| error.to_string()),
        few(0)
    );
}
