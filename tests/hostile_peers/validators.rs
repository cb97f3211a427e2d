//! What is known of an index that was fetched before: sent only to who said it.

use super::*;
use std::sync::atomic::{AtomicBool, Ordering};

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

// A weak tag, or a date, may be the same for another index of another server.
#[test]
fn what_is_known_of_a_mirror_s_index_is_not_said_to_others() {
    let (home, reporter) = (home(), Recorded::default());
    let index = |name: &str| format!("apiVersion: v1\nentries: {{}}\n# {name}\n");
    let peer = |name: &'static str, gone: &Arc<AtomicBool>| {
        let gone = gone.clone();
        Peer::start(move |_, request| match request.to_lowercase() {
            _ if gone.load(Ordering::Relaxed) => reply("404 Not Found", &[], b""),
            request if request.contains("if-none-match: w/\"one\"") => reply("304 Not Modified", &[], b""),
            _ => reply("200 OK", &["ETag: W/\"one\"", "Last-Modified: Thu, 01 Jan 2026 00:00:00 GMT"], index(name).as_bytes()),
        })
    };
    let (gone, there) = (Arc::new(AtomicBool::new(false)), Arc::default());
    let (own, mirror) = (peer("own", &there), peer("mirror", &gone));
    let mirrors = rutter::repository::mirror::line(&format!("{}={}", own.url(), mirror.url())).expect("mirrors");
    let settings = Settings { mirrors, ..settings(home.path()) };
    let entry = Entry { name: "local".into(), url: own.url(), ..Entry::default() };
    let update = || {
        update::update(&Client::new(&settings, &reporter), &entry).expect("the index");
        std::fs::read_to_string(index_path(&settings, "local").expect("a path")).expect("the index")
    };
    assert_eq!((update(), update()), (index("mirror"), index("mirror")));
    gone.store(true, Ordering::Relaxed);
    assert_eq!((update(), update()), (index("own"), index("own")));
    gone.store(false, Ordering::Relaxed);
    assert_eq!(update(), index("mirror"));
    let conditional = |peer: &Peer| {
        let requests = peer.requests().into_iter().map(|request| request.to_lowercase());
        requests.map(|request| request.contains("if-none-match") && request.contains("if-modified-since")).collect::<Vec<_>>()
    };
    assert_eq!(conditional(&mirror), [false, true, true, false, false]);
    assert_eq!(conditional(&own), [false, true]);
}

// Where the repository redirects to another server, that one may have another index of the same tag.
#[test]
fn what_is_known_of_an_index_is_said_to_who_answered() {
    let (home, reporter) = (home(), Recorded::default());
    let settings = settings(home.path());
    let index = |name: &str| format!("apiVersion: v1\nentries: {{}}\n# {name}\n");
    let peer = |name: &'static str| {
        Peer::start(move |_, request| match request.to_lowercase().contains("if-none-match: \"one\"") {
            true => reply("304 Not Modified", &[], b""),
            false => reply("200 OK", &["ETag: \"one\""], index(name).as_bytes()),
        })
    };
    let (first, second) = (peer("first"), peer("second"));
    let to = [&first, &first, &second, &second].map(|peer| format!("Location: {}/index.yaml", peer.url()));
    let own = Peer::start(move |number, _| reply("302 Found", &[&to[number.clamp(1, to.len()) - 1]], b""));
    let url = own.url().replace("://", "://ada:s3cret@");
    let entry = Entry { name: "local".into(), url, ..Entry::default() };
    let update = || {
        update::update(&Client::new(&settings, &reporter), &entry).expect("the index");
        let path = index_path(&settings, "local").expect("a path");
        let kept = std::fs::read_to_string(path.with_file_name("local-index.validators")).expect("the validators");
        assert!(!kept.contains("s3cret"), "{kept}");
        std::fs::read_to_string(path).expect("the index")
    };
    assert_eq!([update(), update(), update(), update()], ["first", "first", "second", "second"].map(index));
    let conditional =
        |peer: &Peer| peer.requests().iter().map(|request| request.to_lowercase().contains("if-none-match")).collect::<Vec<_>>();
    assert_eq!((conditional(&first), conditional(&second)), (vec![false, true], vec![false, true]));
    assert_eq!(conditional(&own), [false; 4]);
}
