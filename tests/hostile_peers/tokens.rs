//! Token servers of registries, and which of them may see credentials.

use super::registries::registry_options;
use super::*;

// Who logs in shows what was typed: a good entry of `.netrc` must not make a wrong password look right.
#[test]
fn a_registry_sees_nothing_of_netrc() {
    let (home, reporter) = (home(), Recorded::default());
    let netrc = home.path().join("netrc");
    std::fs::write(&netrc, "machine 127.0.0.1 login ada password right\nmachine localhost login ada password right\n").expect("a file");
    let settings = Settings { netrc: Some(netrc), ..settings(home.path()) };
    let right = rutter::repository::auth::basic("ada", "right");
    let is_shown = move |request: &str| request.contains(&right);
    let blobs = Peer::start(|_, _| reply("200 OK", &[], b"{}"));
    let elsewhere = format!("Location: {}", blobs.url().replace("127.0.0.1", "localhost"));
    let shown = is_shown.clone();
    let peer = Peer::start(move |_, request| match request {
        _ if shown(request) => reply("200 OK", &[], b"{}"),
        _ if request.contains("/blobs/") => reply("307 Temporary Redirect", &[&elsewhere], b""),
        _ => reply("401 Unauthorized", &["WWW-Authenticate: Basic realm=\"x\""], b""),
    });
    let options = rutter::repository::ChartOptions {
        username: "ada".to_string(),
        password: "wrong".to_string(),
        plain_http: true,
        ..Default::default()
    };
    let error = rutter::action::registry::login(&peer.address, &options, &settings, &reporter).expect_err("refused").to_string();
    assert!(error.contains("401"), "{error}");
    assert!(!settings.registry_config.exists(), "nothing is kept");
    let client = Client::new(&settings, &reporter);
    let registry = Registry::new(&client, &peer.address, &Access::default(), true);
    let descriptor = Descriptor { digest: digest_of(b"{}"), size: 2, ..Descriptor::default() };
    registry.blob("a", &descriptor, None).expect("the blob");
    assert!(!blobs.requests().is_empty() && !peer.requests().iter().chain(&blobs.requests()).any(|request| is_shown(request)));
}

// CVE-2026-50151: a registry names a foreign token server.
#[test]
fn a_foreign_token_realm_gets_no_credentials() {
    let (home, reporter) = (home(), Recorded::default());
    let settings = settings(home.path());
    let other = Peer::start(|_, _| reply("200 OK", &[], br#"{"token":"t"}"#));
    // The same host on another port would be the registry's own.
    let host = other.address.replace("127.0.0.1", "localhost");
    let challenge = format!("WWW-Authenticate: Bearer realm=\"http://{host}/token\",service=\"x\"");
    let own = Peer::start(move |_, _| reply("401 Unauthorized", &[&challenge], b""));
    let client = Client::new(&settings, &reporter);
    let error = Registry::new(&client, &own.address, &registry_options("ada"), true).tags("a").expect_err("refused").to_string();
    assert!(error.contains("may not see its credentials") && error.contains(&format!("RUTTER_TRUSTED_REALMS={host}")), "{error}");
    assert!(other.requests().is_empty());
    // Without credentials there is nothing to lose: the token is asked for, with none shown.
    let _ = Registry::new(&client, &own.address, &registry_options(""), true).tags("a");
    assert!(!other.requests().is_empty() && other.requests().iter().all(|request| !has_credentials(request)));
}

// Registries beside their token server on one host (GitLab, Harbor in a laboratory), and one that the user vouches for.
#[test]
fn a_token_realm_of_the_same_host_or_a_trusted_one_sees_credentials() {
    let home = home();
    for (name, trusted) in [("127.0.0.1", &[][..]), ("localhost", &["localhost".to_string()])] {
        let (settings, reporter) = (Settings { trusted_realms: trusted.to_vec(), ..settings(home.path()) }, Recorded::default());
        let other = Peer::start(|_, _| reply("200 OK", &[], br#"{"token":"t0ken"}"#));
        let host = other.address.replace("127.0.0.1", name);
        let challenge = format!("WWW-Authenticate: Bearer realm=\"http://{host}/token\",service=\"x\"");
        let own = Peer::start(move |_, request| match request.contains("Bearer t0ken") {
            true => reply("200 OK", &[], br#"{"tags":["1.0.0"]}"#),
            false => reply("401 Unauthorized", &[&challenge], b""),
        });
        let client = Client::new(&settings, &reporter);
        let registry = Registry::new(&client, &own.address, &registry_options("ada"), true);
        assert_eq!(registry.versions("a").expect("the tags"), ["1.0.0"], "{name}");
        assert!(other.requests().iter().all(|request| has_credentials(request)));
    }
}

/// Some token servers want only a password, or only a name.
#[test]
fn a_token_server_sees_half_a_credential_too() {
    for (username, password) in [("", "s3cret"), ("ada", "")] {
        let (home, reporter) = (home(), Recorded::default());
        let settings = settings(home.path());
        let wanted = rutter::repository::auth::basic(username, password);
        let tokens = Peer::start({
            let wanted = wanted.clone();
            move |_, request| match request.contains(&wanted) {
                true => reply("200 OK", &[], br#"{"token":"t0ken"}"#),
                false => reply("401 Unauthorized", &[], b""),
            }
        });
        let challenge = format!("WWW-Authenticate: Bearer realm = \"{}/token\" , service = x", tokens.url());
        let own = Peer::start(move |_, request| match request.contains("Bearer t0ken") {
            true => reply("200 OK", &[], br#"{"tags":["1.0.0"]}"#),
            false => reply("401 Unauthorized", &[&challenge], b""),
        });
        let auth = wanted.trim_start_matches("Basic ");
        let folder = settings.registry_config.parent().expect("a folder");
        std::fs::create_dir_all(folder).expect("a folder");
        std::fs::write(&settings.registry_config, format!("{{\"auths\": {{\"{}\": {{\"auth\": \"{auth}\"}}}}}}", own.address))
            .expect("a file");
        let client = Client::new(&settings, &reporter);
        let registry = Registry::new(&client, &own.address, &Access::default(), true);
        assert_eq!(registry.versions("a").expect("the tags"), ["1.0.0"], "{username} {password}");
    }
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
            request if request.starts_with("GET /token?scope=repository%3Aa%3Apull&service=x ") => {
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
    let tokens = || own.requests().iter().filter(|request| request.starts_with("GET /token")).count();
    assert_eq!(tokens(), 1, "a token is kept");
    // By the client, and for who was let in.
    assert!(Registry::new(&client, &own.address, &registry_options("ada"), true).tags("a").is_ok());
    assert_eq!(tokens(), 1);
    assert!(Registry::new(&client, &own.address, &registry_options("bo"), true).tags("a").is_ok());
    assert_eq!(tokens(), 2);
}

#[test]
fn a_token_is_asked_for_what_the_registry_names_too() {
    let (home, reporter) = (home(), Recorded::default());
    let settings = settings(home.path());
    let client = Client::new(&settings, &reporter);
    let address = Arc::new(Mutex::new(String::new()));
    let told = Arc::clone(&address);
    // A registry that serves a repository under another name than that of the request.
    let peer = Peer::start(move |_, request| {
        let realm = format!("http://{}/token", told.lock().expect("the address"));
        let challenge = format!("WWW-Authenticate: Bearer realm=\"{realm}\",service=\"x\",scope=\"repository:real/a:pull\"");
        match request {
            request if request.starts_with("GET /token?scope=repository%3Aa%3Apull&scope=repository%3Areal%2Fa%3Apull&service=x ") => {
                reply("200 OK", &[], br#"{"token":"t0ken"}"#)
            }
            request if request.contains("Bearer t0ken") => reply("200 OK", &[], br#"{"tags":["1.0.0"]}"#),
            _ => reply("401 Unauthorized", &[&challenge], b""),
        }
    });
    address.lock().expect("the address").clone_from(&peer.address);
    let registry = Registry::new(&client, &peer.address, &registry_options("ada"), true);
    assert_eq!(registry.versions("a").expect("the tags"), ["1.0.0"]);
    assert_eq!(peer.requests().len(), 3);
}
