//! What servers get wrong and Helm puts up with: so do we, unless what is fetched could be wrong for it.

use super::*;

/// The entry that a `.netrc` has for the loopback, with the settings that name it.
fn with_netrc(home: &std::path::Path) -> Settings {
    let netrc = home.join("netrc");
    std::fs::write(&netrc, "machine 127.0.0.1 login ada password stale\n").expect("a file");
    Settings { netrc: Some(netrc), ..settings(home) }
}

fn packed(text: &[u8]) -> Vec<u8> {
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packed.write_all(text).expect("packed");
    packed.finish().expect("packed")
}

// Helm does not read `.netrc`, and gets what anybody may have.
#[test]
fn what_anybody_may_have_is_not_lost_for_a_stale_netrc() {
    let (home, reporter) = (home(), Recorded::default());
    let settings = with_netrc(home.path());
    let client = Client::new(&settings, &reporter);
    let own = |url: &str| Access { base: url.to_string(), ..Access::default() };
    for status in ["400 Bad Request", "401 Unauthorized", "403 Forbidden", "404 Not Found"] {
        let peer = Peer::start(move |_, request| match has_credentials(request) {
            true => reply(status, &[], b"no"),
            false => reply("200 OK", &[], b"all"),
        });
        let url = peer.url();
        assert_eq!(client.fetch(Request::get(&url, 100), &own(&url)).expect("the file"), b"all");
        // Who did not choose the address does not send a password in clear.
        assert_eq!(client.fetch(Request::get(&url, 100), &own("http://charts.example.com")).expect("the file"), b"all");
        assert_eq!(peer.requests().iter().map(|request| has_credentials(request)).collect::<Vec<_>>(), [true, false, false]);
        // What the user gave is right or wrong.
        let error = client.fetch(Request::get(&url, 100), &access(&url)).expect_err("refused").to_string();
        assert!(error.ends_with(status), "{error}");
    }
    // Where nobody may come without credentials, the first answer is told.
    let peer = Peer::start(|number, _| reply(if number == 1 { "403 Forbidden" } else { "401 Unauthorized" }, &[], b"no"));
    let url = peer.url();
    let error = client.fetch(Request::get(&url, 100), &own(&url)).expect_err("refused").to_string();
    assert!(error.ends_with("403 Forbidden") && peer.requests().len() == 2, "{error}");
    // Where it has a bad moment then, it is asked again.
    let peer = Peer::start(|number, _| match number {
        1 | 3 => reply("403 Forbidden", &[], b"no"),
        2 => reply("503 Service Unavailable", &[], b""),
        _ => reply("200 OK", &[], b"all"),
    });
    let url = peer.url();
    assert_eq!(client.fetch(Request::get(&url, 100), &own(&url)).expect("the file"), b"all");
}

#[test]
fn a_registry_is_open_in_spite_of_a_stale_netrc() {
    let (home, reporter) = (home(), Recorded::default());
    let settings = with_netrc(home.path());
    // Its own token server refuses them; a foreign one may not see them.
    for (foreign, wanted) in [(false, vec![true, false]), (true, vec![false])] {
        let tokens = Peer::start(|_, request| match has_credentials(request) {
            true => reply("401 Unauthorized", &[], b"{}"),
            false => reply("200 OK", &[], br#"{"token":"t0ken"}"#),
        });
        let host = if foreign { tokens.address.replace("127.0.0.1", "localhost") } else { tokens.address.clone() };
        let challenge = format!("WWW-Authenticate: Bearer realm=\"http://{host}/token\",service=\"x\"");
        let peer = Peer::start(move |_, request| match request.to_lowercase().contains("authorization: bearer t0ken") {
            true => reply("200 OK", &[], br#"{"tags":["1.0.0"]}"#),
            false => reply("401 Unauthorized", &[&challenge], b"{}"),
        });
        let client = Client::new(&settings, &reporter);
        let registry = Registry::new(&client, &peer.address, &Access::default(), true);
        assert_eq!(registry.versions("a").expect("the tags"), ["1.0.0"]);
        assert_eq!(tokens.requests().iter().map(|request| has_credentials(request)).collect::<Vec<_>>(), wanted);
    }
}

// Wherever a compressed answer breaks off, it is asked for again.
#[test]
fn a_compressed_answer_that_breaks_off_is_asked_for_again() {
    let (home, reporter) = (home(), Recorded::default());
    let settings = settings(home.path());
    let client = Client::new(&settings, &reporter);
    let packed = packed(b"entries: {}");
    for kept in [0, 1, 2, 5, packed.len() - 1] {
        let whole = packed.clone();
        let peer = Peer::start(move |number, _| {
            let answer = reply("200 OK", &["Content-Encoding: gzip"], &whole);
            let cut = if number == 1 { whole.len() - kept } else { 0 };
            answer[..answer.len() - cut].to_vec()
        });
        let url = peer.url();
        let found = client.fetch(Request { compressed: true, ..Request::get(&url, 100) }, &Access::default());
        assert_eq!((found.expect("the index").as_slice(), peer.requests().len()), (&b"entries: {}"[..], 2), "{kept}");
    }
}

// What can never be unpacked, or only to more than is wanted, is the same when it is asked for again.
#[test]
fn a_compressed_answer_that_is_wrong_is_not_asked_for_again() {
    let (home, reporter) = (home(), Recorded::default());
    let settings = settings(home.path());
    let client = Client::new(&settings, &reporter);
    let good = packed(b"entries: {}");
    let with = |at: usize, byte: u8| {
        let mut wrong = good.clone();
        wrong[at] ^= byte;
        wrong
    };
    let too_large = "larger than the limit of 100 bytes";
    for (body, wanted) in [
        (with(2, 1), "invalid gzip header"),
        (with(good.len() - 8, 1), "corrupt gzip stream does not have a matching checksum"),
        ([&good[..], b"and much more"].concat(), "invalid gzip header"),
        (packed(&[b' '; 101]), too_large),
        (packed(b"").repeat(6), too_large),
    ] {
        // Without a length, which would be compared with the limit before.
        let answer = [b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Encoding: gzip\r\n\r\n".to_vec(), body].concat();
        let peer = Peer::start(move |_, _| answer.clone());
        let url = peer.url();
        let found = client.fetch(Request { compressed: true, ..Request::get(&url, 100) }, &Access::default());
        let error = found.expect_err("wrong").to_string();
        assert!(error.ends_with(wanted) && peer.requests().len() == 1, "{error}: {}", peer.requests().len());
    }
}

#[test]
fn a_text_that_is_said_to_be_compressed_but_is_not_comes_as_it_is() {
    let (home, reporter) = (home(), Recorded::default());
    let settings = settings(home.path());
    let client = Client::new(&settings, &reporter);
    let packed = packed(b"entries: {}");
    let cut = packed[..packed.len() - 9].to_vec();
    for (body, wanted) in [
        (b"entries: {}".to_vec(), Some("entries: {}")),
        (b"e".to_vec(), Some("e")),
        (Vec::new(), Some("")),
        (packed, Some("entries: {}")),
        (cut, None),
    ] {
        let peer = Peer::start(move |_, _| reply("200 OK", &["Content-Encoding: gzip"], &body));
        let url = peer.url();
        let found = client.fetch(Request { compressed: true, repeat: false, ..Request::get(&url, 100) }, &Access::default());
        assert_eq!(found.ok().as_deref(), wanted.map(str::as_bytes));
        assert!(peer.requests()[0].to_lowercase().contains("accept-encoding: gzip"));
    }
}

/// A server with TLS that ends its answers with the connection, without the protocol's own end.
fn ends_without_a_word(answer: &'static [u8]) -> String {
    use rustls::pki_types::pem::PemObject as _;
    let part = |name: &str| std::fs::read(format!("{}/testdata/tls/{name}.pem", env!("CARGO_MANIFEST_DIR"))).expect("a file");
    let certificate = rustls::pki_types::CertificateDer::from_pem_slice(&part("loopback")).expect("a certificate");
    let key = rustls::pki_types::PrivateKeyDer::from_pem_slice(&part("loopback-key")).expect("a key");
    let config = rustls::ServerConfig::builder_with_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()));
    let config = config.with_safe_default_protocol_versions().expect("versions").with_no_client_auth();
    let config = Arc::new(config.with_single_cert(vec![certificate], key).expect("a configuration"));
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { break };
            let mut session = rustls::ServerConnection::new(Arc::clone(&config)).expect("a session");
            let mut secure = rustls::Stream::new(&mut session, &mut stream);
            let _ = secure.read(&mut [0; 4096]);
            let _ = secure.write_all(answer).and_then(|()| secure.flush());
        }
    });
    format!("https://{address}/index.yaml")
}

// A connection that breaks must not make a shorter index of one without a length.
#[test]
fn a_body_does_not_end_with_the_connection() {
    let (home, reporter) = (home(), Recorded::default());
    let settings = settings(home.path());
    let client = Client::new(&settings, &reporter);
    for (answer, wanted) in [
        (&b"HTTP/1.1 200 OK\r\n\r\nentries: {}"[..], Err("unexpected EOF")),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\nentries: {}", Ok("entries: {}")),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\nentries: {}", Err("unexpected EOF")),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nb\r\nentries: {}\r\n", Err("unexpected EOF")),
        (b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n\x1f\x8b\x08\0\0\0\0\0\0\xff", Err("unexpected EOF")),
    ] {
        let url = ends_without_a_word(answer);
        let tls = rutter::repository::access::TlsOptions { insecure_skip_tls_verify: true, ..Default::default() };
        let access = Access { base: url.clone(), tls, ..Access::default() };
        let found = client.fetch(Request { compressed: true, repeat: false, ..Request::get(&url, 100) }, &access);
        match (found, wanted) {
            (Ok(found), Ok(wanted)) => assert_eq!(found, wanted.as_bytes()),
            (Err(error), Err(wanted)) => assert!(error.to_string().ends_with(wanted), "{error}"),
            (found, wanted) => panic!("{found:?} instead of {wanted:?}"),
        }
    }
}

// Made by tools that copy images of several platforms; oras copies all that the index names.
#[test]
fn a_chart_in_an_index_of_manifests_is_found() {
    let (home, reporter) = (home(), Recorded::default());
    let settings = settings(home.path());
    let client = Client::new(&settings, &reporter);
    let described = |media_type: &str, bytes: &[u8]| {
        format!(r#"{{"mediaType":"{media_type}","digest":"{}","size":{}}}"#, digest_of(bytes), bytes.len())
    };
    let (config, layer) = (b"{\"name\":\"a\",\"version\":\"1.0.0\"}".as_slice(), b"an archive".as_slice());
    let manifest = format!(
        r#"{{"schemaVersion":2,"config":{},"layers":[{}]}}"#,
        described(chart::CONFIG_TYPE, config),
        described(chart::CHART_TYPE, layer)
    );
    let other = described("application/vnd.example.thing", b"another thing");
    // One that is listed again is not fetched again.
    let listed = vec![described(chart::MANIFEST_TYPE, manifest.as_bytes()); 3].join(",");
    let index = format!(r#"{{"schemaVersion":2,"manifests":[{other},{listed}]}}"#);
    let digest = digest_of(index.as_bytes());
    let is_there = std::sync::atomic::AtomicBool::new(true);
    let is_there = Arc::new(is_there);
    let answers = Arc::clone(&is_there);
    let peer = Peer::start(move |_, request| {
        let path = request.split(' ').nth(1).unwrap_or_default();
        let is = |bytes: &[u8]| path.ends_with(&digest_of(bytes));
        match path {
            "/v2/a/manifests/1.0.0" => reply("200 OK", &["Content-Type: application/vnd.oci.image.index.v1+json"], index.as_bytes()),
            _ if is(manifest.as_bytes()) && answers.load(std::sync::atomic::Ordering::Relaxed) => {
                reply("200 OK", &[&format!("Content-Type: {}", chart::MANIFEST_TYPE)], manifest.as_bytes())
            }
            _ if is(config) => reply("200 OK", &[], config),
            _ if is(layer) => reply("200 OK", &[], layer),
            _ => reply("404 Not Found", &[], b"{}"),
        }
    });
    let registry = Registry::new(&client, &peer.address, &Access::default(), true);
    let reference = Reference::parse(&format!("{}/a:1.0.0", peer.address)).expect("a reference");
    let pull = || chart::pull(&registry, &reference, chart::Wanted::Archive, &reporter);
    let found = pull().expect("the chart");
    assert_eq!((found.digest, found.archive.as_slice()), (digest, layer));
    assert_eq!(peer.requests().len(), 3, "the index, the manifest and the archive");
    // A manifest that the index names has to be there.
    is_there.store(false, std::sync::atomic::Ordering::Relaxed);
    assert!(pull().expect_err("incomplete").to_string().ends_with("not found"));
}
