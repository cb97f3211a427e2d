//! Servers that uploads are sent to: ChartMuseum, plain PUT, folders behind WebDAV and their locks.

use super::*;

fn upload<'a>(provenance: Option<&'a [u8]>, force: bool) -> ChartUpload<'a> {
    static METADATA: std::sync::LazyLock<Metadata> = std::sync::LazyLock::new(|| {
        let mut metadata = Metadata::default();
        (metadata.name, metadata.version) = ("a".into(), "1.0.0".into());
        metadata
    });
    ChartUpload { file_name: "a-1.0.0.tgz", metadata: &METADATA, archive: b"archive", provenance, force, context_path: Some("/ctx") }
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
    push::push(&client, &base, ServerKind::Auto, &upload(Some(b"signed"), true), &access(&base)).expect("pushed");
    let request = &peer.requests()[0];
    assert!(request.starts_with("POST /ctx/api/org/repo/charts?force HTTP/1.1\r\n"), "{request}");
    assert!(
        request.contains("name=\"chart\"; filename=\"a-1.0.0.tgz\"") && request.contains("name=\"prov\"; filename=\"a-1.0.0.tgz.prov\"")
    );
    // A path that only begins with the same letters does not lie below the context path.
    let beside = format!("{}/ctx-b/repo", peer.url());
    let _ = push::push(&client, &beside, ServerKind::ChartMuseum, &upload(None, true), &access(&beside));
    assert!(peer.requests()[1].starts_with("POST /ctx/api/ctx-b/repo/charts?force "), "{:?}", peer.requests());
    let error = push::push(&client, &base, ServerKind::ChartMuseum, &upload(None, false), &access(&base)).expect_err("exists").to_string();
    assert!(error.contains("already exists"), "{error}");
}

#[test]
fn a_plain_put_is_not_made_where_the_server_cannot_say_what_it_has() {
    let (home, reporter) = (home(), Recorded::default());
    let settings = settings(home.path());
    for (status, sent) in [
        ("500 Internal Server Error", false),
        ("503 Service Unavailable", false),
        ("501 Not Implemented", true),
        ("405 Method Not Allowed", true),
    ] {
        let peer = Peer::start(move |_, request| match request.starts_with("HEAD") {
            true => format!("HTTP/1.1 {status}\r\nConnection: close\r\n\r\n").into_bytes(),
            false => reply("201 Created", &[], b""),
        });
        let client = Client::new(&settings, &reporter);
        let pushed = push::push(&client, &peer.url(), ServerKind::Put, &upload(None, false), &Access::default());
        assert_eq!(
            (pushed.is_ok(), peer.requests().iter().any(|request| request.starts_with("PUT"))),
            (sent, sent),
            "{status}: {pushed:?}"
        );
    }
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
    let error = push::push(&client, &peer.url(), ServerKind::Put, &upload(Some(b"signed"), false), &Access::default()).expect_err("full");
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
        let pushed = push::push(&client, &peer.url(), ServerKind::Put, &upload(Some(b"signed"), false), &Access::default());
        assert_eq!(pushed.is_err(), writer_lives, "{pushed:?}");
        let lines: Vec<String> = peer.requests().iter().map(|request| request.split(" HTTP").next().unwrap_or_default().into()).collect();
        assert_eq!(lines, wanted);
    }
}

/// A folder behind WebDAV whose lock another pusher holds for the first `held` times it is asked for; `sign` is what that one writes.
fn locked(held: usize, sign: impl Fn(usize) -> String + Send + Sync + 'static) -> Peer {
    let asked = std::sync::atomic::AtomicUsize::new(0);
    Peer::start(move |number, request| {
        let asked_for = |count| asked.fetch_add(count, std::sync::atomic::Ordering::Relaxed) + count;
        match request.split_whitespace().take(2).collect::<Vec<_>>()[..] {
            ["MKCOL", _] if asked_for(1) > held => reply("201 Created", &[], b""),
            ["MKCOL", _] => reply("405 Method Not Allowed", &[], b""),
            ["DELETE", path] if path.ends_with(".lock/") => {
                asked_for(held);
                reply("204 No Content", &[], b"")
            }
            ["HEAD", path] if path.ends_with(".lock/") => reply("200 OK", &[], b""),
            ["GET", path] if path.ends_with("/holder") => reply("200 OK", &[], sign(number).as_bytes()),
            ["PUT", _] => reply("201 Created", &[], b""),
            _ => reply("404 Not Found", &[], b""),
        }
    })
}

#[test]
fn a_lock_is_taken_over_from_the_dead_only() {
    let (home, reporter) = (home(), Recorded::default());
    // The dead are given up after 0.6 seconds, the living after 12.
    let settings = Settings { retry_pause: Some(Duration::from_millis(5)), ..settings(home.path()) };
    let client = Client::new(&settings, &reporter);
    let is_removal = |request: &String| request.starts_with("DELETE ") && request.contains(".lock/ ");
    // Who shows a sign of life is waited for, longer than for the dead.
    let alive = locked(160, |number| format!("another {number}"));
    push::push(&client, &alive.url(), ServerKind::WebDav, &upload(None, false), &access(&alive.url())).expect("pushed");
    assert_eq!(alive.requests().iter().filter(|request| is_removal(request)).count(), 1, "our own");
    assert!(reporter.notices().is_empty(), "{:?}", reporter.notices());
    // The holder of a lock writes who it is, and takes the lock away when it is done.
    let put =
        alive.requests().into_iter().find(|request| request.starts_with("PUT ") && request.contains(".lock/holder ")).expect("a sign");
    assert!(put.contains(&format!("{}-", std::process::id())), "{put}");

    let dead = locked(1_000_000, |_| "another 7".to_string());
    push::push(&client, &dead.url(), ServerKind::WebDav, &upload(None, false), &access(&dead.url())).expect("pushed");
    assert!(reporter.notices()[0].message.contains("is held too long; taking it over"), "{:?}", reporter.notices());
}

// An upload that took so long, or a machine that slept.
#[test]
fn a_lock_that_was_lost_is_neither_trusted_nor_taken_away() {
    let (home, reporter) = (home(), Recorded::default());
    let settings = settings(home.path());
    let client = Client::new(&settings, &reporter);
    let index = Mutex::new(Vec::new());
    let peer = Peer::start(move |_, request| match request.split_whitespace().take(2).collect::<Vec<_>>()[..] {
        ["MKCOL", _] => reply("201 Created", &[], b""),
        ["GET", path] if path.ends_with("/holder") => reply("200 OK", &[], b"another 7"),
        ["GET", path] if path.ends_with("/index.yaml") && !index.lock().unwrap().is_empty() => reply("200 OK", &[], &index.lock().unwrap()),
        ["PUT", path] => {
            if path.ends_with(".tgz") {
                std::thread::sleep(Duration::from_millis(300));
            } else if path.ends_with("/index.yaml") {
                *index.lock().unwrap() = request.split_once("\r\n\r\n").expect("a body").1.as_bytes().to_vec();
            }
            reply("201 Created", &[], b"")
        }
        _ => reply("404 Not Found", &[], b""),
    });
    push::push(&client, &peer.url(), ServerKind::WebDav, &upload(None, false), &access(&peer.url())).expect("pushed");
    let requests = peer.requests();
    let count = |start: &str| requests.iter().filter(|request| request.starts_with(start)).count();
    assert_eq!((count("GET /index.yaml "), count("PUT /index.yaml ")), (2, 1), "looked at again");
    assert_eq!(count("DELETE "), 0, "it is another's");
}

// RFC 4918, 9.3.1 and 9.7.1: what a server says of a folder whose parent is missing is no version that exists.
#[test]
fn a_folder_that_is_not_there_is_told_as_such() {
    let (home, reporter) = (home(), Recorded::default());
    let settings = settings(home.path());
    let client = Client::new(&settings, &reporter);
    for (server, provenance, is_there) in [
        (ServerKind::WebDav, None, false),
        (ServerKind::WebDav, Some(&b"signed"[..]), false),
        (ServerKind::Put, None, false),
        (ServerKind::Auto, None, false),
        (ServerKind::Put, None, true),
    ] {
        let peer = Peer::start(move |number, request| match request.split(' ').next() {
            // Somebody else's by the second look.
            Some("HEAD") if is_there && number > 1 => b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n".to_vec(),
            Some("HEAD") => b"HTTP/1.1 404 Not Found\r\nConnection: close\r\n\r\n".to_vec(),
            Some("POST") => reply("405 Method Not Allowed", &[], b""),
            _ => reply("409 Conflict", &[], b"<html></html>"),
        });
        let base = format!("{}/none/charts", peer.url());
        let upload = ChartUpload { context_path: Some(""), ..upload(provenance, false) };
        let error = push::push(&client, &base, server, &upload, &Access::default()).expect_err("refused");
        if is_there {
            assert_eq!(error.kind(), ErrorKind::Exists);
        } else {
            let wanted = format!("could not push a-1.0.0.tgz: 409 Conflict: is there a folder {base}?");
            assert_eq!((error.kind(), error.to_string()), (ErrorKind::Repository, wanted));
        }
    }
}

#[test]
fn an_archive_is_not_sent_to_who_asks_for_another_password() {
    let (home, reporter) = (home(), Recorded::default());
    let settings = settings(home.path());
    let client = Client::new(&settings, &reporter);
    for (server, line) in [(ServerKind::WebDav, "MKCOL /charts/rutter-push.lock/"), (ServerKind::Put, "HEAD /charts/a-1.0.0.tgz")] {
        let peer = Peer::start(|_, _| reply("401 Unauthorized", &["WWW-Authenticate: Basic realm=\"x\""], b""));
        let base = format!("{}/charts", peer.url());
        let error = push::push(&client, &base, server, &upload(None, false), &access(&base)).expect_err("refused");
        assert!(error.kind() == ErrorKind::Repository && error.to_string().ends_with(": 401 Unauthorized"), "{error}");
        assert_eq!(peer.requests().iter().filter_map(|request| request.split(" HTTP").next()).collect::<Vec<_>>(), [line]);
    }
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
    push::push(&client, &busy.url(), ServerKind::ChartMuseum, &upload(None, false), &Access::default()).expect("pushed");
    assert!(began.elapsed() >= Duration::from_secs(1), "as long as it asked for");
    assert_eq!(busy.requests()[0], busy.requests()[1]);
    // After 500 nobody knows.
    let broken = Peer::start(|_, _| reply("500 Internal ServerKind Error", &[], b""));
    push::push(&client, &broken.url(), ServerKind::ChartMuseum, &upload(None, false), &Access::default()).expect_err("refused");
    assert_eq!(broken.requests().len(), 1);
    let other = Peer::start(|_, _| reply("201 Created", &[], b""));
    let location = format!("Location: {}/api/charts", other.url());
    let own = Peer::start(move |_, _| reply("307 Temporary Redirect", &[&location], b""));
    push::push(&client, &own.url(), ServerKind::ChartMuseum, &upload(None, false), &access(&own.url())).expect_err("refused");
    assert!(other.requests().is_empty());
}
