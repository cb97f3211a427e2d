//! Known holes of Helm, oras-go and ChartMuseum that only the whole binary can show: one test each, named after what must
//! not happen. SECURITY.md lists all of them with their tests, most of which lie beside the code they are about.

use super::kill::noise;
use super::serve::{Server, archive, client, text};
use super::support::{member, pack};
use super::{folder, output_of, rutter};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// An archive of these files, whatever their names and contents.
pub fn crafted(files: &[(&str, &str)]) -> Vec<u8> {
    let mut tar = Vec::new();
    for (name, content) in files {
        member(&mut tar, name, b'0', content.as_bytes());
    }
    tar.resize(tar.len() + 1024, 0);
    pack(&tar)
}

fn chart_yaml(name: &str, version: &str) -> String {
    format!("apiVersion: v2\nname: {name:?}\nversion: {version:?}\n")
}

/// What a run says that must fail by itself: with an exit code, not by a signal or a panic.
fn refusal(command: &mut Command) -> String {
    let output = command.output().expect("the binary runs");
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{command:?}: {error}");
    assert!(!error.contains("panicked"), "{error}");
    error
}

/// All paths below a folder.
fn paths(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    let mut open = vec![folder.to_path_buf()];
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(folder).into_iter().flatten() {
            let path = entry.expect("an entry").path();
            found.push(path.to_string_lossy().into_owned());
            if path.is_dir() && !path.is_symlink() {
                open.push(path);
            }
        }
    }
    found.sort();
    found
}

/// What the server answers to a request as it stands.
fn raw(server: &Server, request: &str) -> String {
    let address = server.url.trim_start_matches("http://").split('/').next().expect("an address");
    let mut stream = TcpStream::connect(address).expect("connected");
    stream.write_all(request.as_bytes()).expect("sent");
    let mut answer = String::new();
    let _ = stream.read_to_string(&mut answer);
    answer
}

// CVE-2019-1010275: a certificate that nobody vouches for.
#[test]
fn a_foreign_certificate_is_refused() {
    let (_guard, home) = folder();
    let (server, certificate) = start_with_tls(&home);
    let add = |rest: &[&str]| {
        let mut command = rutter(&home);
        command.args(["repo", "add", "local", &server.url, "--username", "ada", "--password", "s3cret", "--force-update"]).args(rest);
        command
    };
    let error = refusal(&mut add(&[]));
    assert!(error.to_lowercase().contains("certificate"), "{error}");
    assert!(!error.contains("s3cret"), "{error}");
    output_of(&mut add(&["--ca-file", &certificate]));
    output_of(&mut add(&["--insecure-skip-tls-verify"]));
}

/// A server with a certificate that nobody vouches for, and the file that it is in.
fn start_with_tls(home: &Path) -> (Server, String) {
    let chart = home.join("keys");
    std::fs::create_dir_all(chart.join("templates")).expect("a folder");
    std::fs::write(chart.join("Chart.yaml"), chart_yaml("keys", "1.0.0")).expect("a file");
    let template = "{{ $c := genSelfSignedCert \"localhost\" (list \"127.0.0.1\") (list \"localhost\") 3 }}cert: {{ $c.Cert | b64enc }}\nkey: {{ $c.Key | b64enc }}\n";
    std::fs::write(chart.join("templates/pair.yaml"), template).expect("a file");
    let pair = output_of(rutter(home).arg("template").arg(&chart));
    for (key, file) in [("cert: ", "cert.pem"), ("key: ", "key.pem")] {
        let line = pair.lines().find_map(|line| line.strip_prefix(key)).expect("the field");
        std::fs::write(home.join(file), data_encoding::BASE64.decode(line.as_bytes()).expect("base64")).expect("a file");
    }
    let path = |file: &str| home.join(file).to_string_lossy().into_owned();
    let server = Server::start(home, &["--tls-cert", &path("cert.pem"), "--tls-key", &path("key.pem")]);
    assert!(server.url.starts_with("https://"));
    (server, path("cert.pem"))
}

// What the flags say of certificates holds for a token server that may see the credentials, and for no other.
#[test]
fn a_token_server_is_believed_as_its_registry_is() {
    use rutter::repository::access::{Access, TlsOptions};
    use rutter::repository::http::Client;
    use rutter::repository::{Recorded, Settings, oci::Registry};
    let (_guard, home) = folder();
    let (server, certificate) = start_with_tls(&home);
    let tags = |realm: &str, username: &str, insecure_skip_tls_verify: bool, ca_file: &str| {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address").to_string();
        let challenge = format!("WWW-Authenticate: Bearer realm=\"{realm}/token\"");
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let mut stream = stream;
                let _ = stream.read(&mut [0; 4096]);
                let _ = write!(stream, "HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\nConnection: close\r\n{challenge}\r\n\r\n");
            }
        });
        let settings = Settings { retry_pause: Some(Duration::from_millis(1)), ..Settings::default() };
        let reporter = Recorded::default();
        let password = username.to_string();
        let access = Access {
            username: username.to_string(),
            password,
            tls: TlsOptions { insecure_skip_tls_verify, ca_file: ca_file.to_string(), ..TlsOptions::default() },
            ..Access::default()
        };
        Registry::new(&Client::new(&settings, &reporter), &address, &access, true).tags("a").expect_err("there are no tokens").to_string()
    };
    let elsewhere = server.url.replace("127.0.0.1", "localhost");
    for (realm, username, insecure, ca_file, said) in [
        (&server.url, "ada", false, "", "certificate"),
        (&server.url, "ada", true, "", "response status code 404"),
        (&server.url, "", true, "", "response status code 404"),
        (&server.url, "ada", false, certificate.as_str(), "response status code 404"),
        (&elsewhere, "", true, "", "certificate"),
    ] {
        let error = tags(realm, username, insecure, ca_file);
        assert!(error.contains(said), "{realm} {username} {insecure} {ca_file}: {error}");
    }
}

// CVE-2019-1000009: the name in Chart.yaml moves the upload to another tenant.
#[test]
fn a_chart_named_like_a_path_reaches_no_other_tenant() {
    let (_guard, home) = folder();
    let server = Server::start(&home, &["--depth", "1"]);
    let post = |tenant: &str, bytes: Vec<u8>| text(client().post(server.at(&format!("/api/{tenant}/charts"))).body(bytes).send());
    assert_eq!(post("victim", archive(&home, "app", "1.0.0")).0, 201);
    let before = paths(&home.join("store"));
    for (name, version) in [
        ("../victim/app", "9.9.9"),
        ("..", "1.0.0"),
        ("/etc/app", "1.0.0"),
        ("a\\..\\b", "1.0.0"),
        (".hidden", "1.0.0"),
        ("app", "1.0.0/../../../victim/x"),
        ("", "1.0.0"),
    ] {
        let (status, answer) = post("thief", crafted(&[("app/Chart.yaml", &chart_yaml(name, version))]));
        assert_eq!(status, 400, "{name:?} {version:?}: {answer}");
    }
    let signed = "-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA512\n\nname: ../victim/app\nversion: 1.0.0\n-----BEGIN PGP SIGNATURE-----\n";
    let (status, answer) = text(client().post(server.at("/api/thief/prov")).body(signed).send());
    let wanted = r#"{"error":"../victim/app-1.0.0.tgz.prov is improperly formatted"}"#;
    assert_eq!((status, answer.as_str()), (400, wanted), "ChartMuseum's words");
    assert_eq!(paths(&home.join("store")), before);
}

#[test]
fn a_tenant_path_does_not_climb() {
    let (_guard, home) = folder();
    let server = Server::start(&home, &["--depth-dynamic"]);
    std::fs::write(home.join("secret-1.0.0.tgz"), archive(&home, "secret", "1.0.0")).expect("a file");
    let chart = archive(&home, "app", "1.0.0");
    for path in ["/..", "/%2e%2e", "/a/../..", "/a/%2e%2e/%2e%2e", "/..%2f", "/..%5c", "/.%00", "/a/....//..", "/.oci", "/~/../.."] {
        for request in [
            format!("GET {path}/index.yaml HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"),
            format!("GET {path}/charts/secret-1.0.0.tgz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"),
            format!("GET {path}/charts/..%2fsecret-1.0.0.tgz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"),
            format!("GET /api{path}/charts HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"),
            format!("DELETE /api{path}/charts/secret/1.0.0 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"),
            format!("GET /v2{path}/secret/tags/list HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"),
        ] {
            let answer = raw(&server, &request);
            assert!(answer.starts_with("HTTP/1.1 4"), "{request}{answer}");
        }
        let http = server.url.trim_start_matches("http://").to_string();
        let mut stream = TcpStream::connect(http).expect("connected");
        let head = format!("POST /api{path}/charts HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {}\r\n\r\n", chart.len());
        stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(&chart)).expect("sent");
        let mut answer = String::new();
        let _ = stream.read_to_string(&mut answer);
        assert!(answer.starts_with("HTTP/1.1 4"), "{head}{answer}");
    }
    assert!(home.join("secret-1.0.0.tgz").exists() && !home.join("app-1.0.0.tgz").exists());
    assert_eq!(paths(&home.join("store")), [] as [&str; 0]);
}

// ChartMuseum #1051: the form went round the limit.
#[test]
fn a_form_keeps_to_the_limit_of_uploads() {
    let (_guard, home) = folder();
    let server = Server::start(&home, &["--max-upload-size", "5000"]);
    let body = format!("--b\r\nContent-Disposition: form-data; name=\"chart\"; filename=\"f\"\r\n\r\n{}\r\n--b--\r\n", noise(1, 6000));
    for path in ["/api/charts", "/api/prov", "/v2/app/blobs/uploads/", "/v2/app/manifests/1.0.0", "/index.yaml", "/nowhere"] {
        let put = path.starts_with("/v2/app/m");
        let request = if put { client().put(server.at(path)) } else { client().post(server.at(path)) };
        let request = request.header("content-type", "multipart/form-data; boundary=b").body(body.clone());
        assert_eq!(text(request.send()).0, 413, "{path}");
    }
    assert_eq!(paths(&home.join("store")), [] as [&str; 0]);
}

// CVE-2024-25620, CVE-2026-35206: names and versions that are paths, when packed and when unpacked.
#[test]
fn names_and_versions_that_are_paths_write_nothing_elsewhere() {
    let (_guard, home) = folder();
    let inside = home.join("inside");
    std::fs::create_dir_all(inside.join("work")).expect("a folder");
    for (name, version) in
        [("..", "1.0.0"), (".", "1.0.0"), ("../evil", "1.0.0"), ("/tmp/evil", "1.0.0"), ("app", "../../evil"), ("app", "1.0.0/../../evil")]
    {
        let chart = inside.join("chart");
        std::fs::create_dir_all(&chart).expect("a folder");
        std::fs::write(chart.join("Chart.yaml"), chart_yaml(name, version)).expect("a file");
        refusal(rutter(&home).arg("package").arg(&chart).arg("-d").arg(inside.join("work")));
        let hostile = inside.join("hostile-1.0.0.tgz");
        std::fs::write(&hostile, crafted(&[("app/Chart.yaml", &chart_yaml(name, version)), ("app/evil", "x")])).expect("a file");
        let url = serve_one(std::fs::read(&hostile).expect("the archive"));
        let before = paths(&home);
        // A version that is no version does not stop Helm from unpacking; the folder has the chart's name alone.
        let mut pull = rutter(&home);
        pull.args(["pull", &format!("{url}/hostile-1.0.0.tgz"), "--untar", "-d"]).arg(inside.join("work"));
        let output = pull.output().expect("the binary runs");
        let new: Vec<String> = paths(&home).into_iter().filter(|path| !before.contains(path)).collect();
        let place = inside.join("work/").to_string_lossy().into_owned();
        assert!(new.iter().all(|path| path.starts_with(&place)), "{name:?} {version:?}: {new:?}");
        assert!(output.status.success() == (name == "app"), "{name:?} {version:?}: {}", String::from_utf8_lossy(&output.stderr));
        let _ = std::fs::remove_dir_all(inside.join("work"));
        std::fs::create_dir_all(inside.join("work")).expect("a folder");
    }
    assert!(!Path::new("/tmp/evil").exists() && !home.join("evil").exists());
}

/// A server that gives these bytes to every request.
pub fn serve_one(body: Vec<u8>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { break };
            let mut reader = BufReader::new(stream.try_clone().expect("a handle"));
            let mut line = String::new();
            while reader.read_line(&mut line).is_ok_and(|count| count > 2) {
                line.clear();
            }
            let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len());
            let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(&body));
        }
    });
    url
}

// CVE-2020-15184, CVE-2020-15185, CVE-2021-21303: duplicates, names that climb and control characters in an index.
#[test]
fn an_index_full_of_lies_is_read_without_harm() {
    let (_guard, home) = folder();
    let index = "apiVersion: v1\nentries:\n  good:\n  - apiVersion: v2\n    name: good\n    version: 1.0.0\n    description: \"red \\e[31m bell \\a back\\b \\u202Egnp.exe\\u009B2J end\"\n    urls: [good-1.0.0.tgz]\n  - apiVersion: v2\n    name: good\n    version: 1.0.0\n    description: again\n    urls: [other.tgz]\n  - apiVersion: v2\n    name: good\n    version: \"../../1\"\n    urls: [x.tgz]\n  - null\n  - {}\n  - apiVersion: v2\n    name: \"../../evil\"\n    version: 2.0.0\n    urls: [\"../../../../etc/passwd\"]\n  ../../evil:\n  - apiVersion: v2\n    name: ../../evil\n    version: 1.0.0\n    urls: [\"../../evil.tgz\"]\n  none: null\n  empty: []\n  \"esc\\e[2Jape\":\n  - apiVersion: v2\n    name: \"esc\\e[2Jape\"\n    version: 1.0.0\n    urls: [\"file:///etc/passwd\"]\n";
    let url = serve_one(index.as_bytes().to_vec());
    output_of(rutter(&home).args(["repo", "add", "local", &url]));
    for arguments in [&["search", "repo", "local"][..], &["search", "repo", "local", "-l", "--devel"], &["search", "repo", "-o", "yaml"]] {
        let output = rutter(&home).args(arguments).output().expect("the binary runs");
        let shown = [output.stdout, output.stderr].concat();
        let shown = String::from_utf8_lossy(&shown);
        assert!(output.status.success() && shown.contains("good"), "{shown}");
        let bad = |c: char| (c.is_control() && !matches!(c, '\n' | '\t')) || c == '\u{202e}';
        assert!(!shown.contains(bad), "{shown:?}");
    }
    let work = home.join("a/b/work");
    std::fs::create_dir_all(&work).expect("a folder");
    let before: Vec<String> = paths(&home).into_iter().filter(|path| !path.contains("/.cache/")).collect();
    for reference in ["local/../../evil", "local/evil", "local/esc\u{1b}[2Jape", "local/none", "local/empty"] {
        refusal(rutter(&home).args(["pull", reference, "-d"]).arg(&work));
    }
    let after: Vec<String> = paths(&home).into_iter().filter(|path| !path.contains("/.cache/")).collect();
    assert_eq!(after, before);
}

// CVE-2022-23525, CVE-2022-23526, CVE-2024-26147, CVE-2025-55198: nothing where something is expected.
#[test]
fn empty_and_null_parts_of_files_do_not_panic() {
    let (_guard, home) = folder();
    let chart = home.join("chart");
    std::fs::create_dir_all(chart.join("templates")).expect("a folder");
    std::fs::write(chart.join("templates/a.yaml"), "kind: {{ .Values.a | default 1 }}\n").expect("a file");
    let plain = "apiVersion: v2\nname: chart\nversion: 1.0.0\n";
    let metadata = [
        String::new(),
        "null".into(),
        "[]".into(),
        "~: ~".into(),
        format!("{plain}maintainers: [null]\n"),
        format!("{plain}maintainers: null\nkeywords: [null]\nsources: null\nannotations: {{a: null}}\n"),
        format!("{plain}dependencies: [null]\n"),
        format!("{plain}dependencies: null\n"),
        format!("{plain}dependencies:\n- name: x\n  version: 1.0.0\n  import-values: [null, {{}}, {{child: null}}, 7, [], \"\"]\n"),
        "apiVersion: null\nname: null\nversion: null\n".into(),
    ];
    let values = ["", "null", "[]", "a: null", "~", "- null", "global: null", "global: []", "chart: null"];
    let schemas =
        ["", "null", "[]", "{\"$ref\": null}", "{\"properties\": null}", "{\"properties\": {\"a\": null}}", "7", "{\"type\": [null]}"];
    let run = |file: &str, content: &str, command: &str| {
        let output = rutter(&home).arg(command).arg(&chart).output().expect("the binary runs");
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(matches!(output.status.code(), Some(0 | 1)) && !error.contains("panicked"), "{command} with {file} {content:?}: {error}");
    };
    for (file, contents) in [
        ("Chart.yaml", metadata.iter().map(String::as_str).collect::<Vec<_>>()),
        ("values.yaml", values.to_vec()),
        ("values.schema.json", schemas.to_vec()),
        ("Chart.lock", vec!["", "null", "[]", "dependencies: [null]\n", "digest: null\ngenerated: null\n"]),
        (".helmignore", vec!["", "\n\n", "!", "/"]),
    ] {
        for content in contents {
            std::fs::write(chart.join("Chart.yaml"), plain).expect("a file");
            std::fs::write(chart.join(file), content).expect("a file");
            for command in ["template", "lint", "show"] {
                if command == "show" {
                    let output = rutter(&home).args(["show", "all"]).arg(&chart).output().expect("the binary runs");
                    assert!(matches!(output.status.code(), Some(0 | 1)), "show with {file} {content:?}");
                } else {
                    run(file, content, command);
                }
            }
        }
        std::fs::remove_file(chart.join(file)).expect("removed");
    }
    for index in [
        "",
        "null",
        "[]",
        "entries: null",
        "apiVersion: v1",
        "apiVersion: v1\nentries: null",
        "apiVersion: v1\nentries: {a: [null]}",
        "apiVersion: v1\nentries: {a: {}}",
    ] {
        let url = serve_one(index.as_bytes().to_vec());
        let output = rutter(&home).args(["repo", "add", "--force-update", "local", &url]).output().expect("the binary runs");
        assert!(matches!(output.status.code(), Some(0 | 1)), "{index:?}");
        let output = rutter(&home).args(["pull", "a", "--repo", &url]).output().expect("the binary runs");
        assert_eq!(output.status.code(), Some(1), "{index:?}");
    }
}

// What anybody's chart may name is no host that the user named.
#[test]
fn a_schema_cannot_ask_for_the_password_of_any_host() {
    let (_guard, home) = folder();
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    let (told, asked) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let (stream, _) = listener.accept().expect("a client");
        let mut reader = BufReader::new(stream);
        let lines: Vec<String> = reader.by_ref().lines().map_while(Result::ok).take_while(|line| !line.is_empty()).collect();
        let _ = reader.get_mut().write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}");
        let _ = told.send(lines.join("\n").to_lowercase());
    });
    let chart = home.join("app");
    std::fs::create_dir(&chart).expect("a folder");
    std::fs::write(chart.join("Chart.yaml"), chart_yaml("app", "1.0.0")).expect("a file");
    std::fs::write(chart.join("values.schema.json"), format!("{{\"$ref\": \"http://{address}/s.json\"}}")).expect("a file");
    std::fs::write(home.join(".netrc"), "default login ada password s3cret\n").expect("a file");
    output_of(rutter(&home).arg("template").arg(&chart));
    let asked = asked.recv_timeout(Duration::from_secs(10)).expect("it was asked");
    assert!(asked.starts_with("get /s.json") && !asked.contains("authorization"), "{asked}");
}

// CVE-2020-11013: `lookup` reached the cluster while a chart was only rendered.
#[test]
fn rendering_reaches_no_cluster() {
    let (_guard, home) = folder();
    let trap = TcpListener::bind("127.0.0.1:0").expect("a port");
    trap.set_nonblocking(true).expect("an option");
    let address = trap.local_addr().expect("an address");
    let config = format!(
        "apiVersion: v1\nkind: Config\ncurrent-context: c\nclusters:\n- name: c\n  cluster: {{server: \"http://{address}\"}}\ncontexts:\n- name: c\n  context: {{cluster: c, user: u}}\nusers:\n- name: u\n  user: {{token: s3cret}}\n"
    );
    std::fs::write(home.join("config"), config).expect("a file");
    let chart = home.join("chart");
    std::fs::create_dir_all(chart.join("templates")).expect("a folder");
    std::fs::write(chart.join("Chart.yaml"), chart_yaml("chart", "1.0.0")).expect("a file");
    std::fs::write(
        chart.join("templates/a.yaml"),
        "found: {{ lookup \"v1\" \"Secret\" \"default\" \"x\" | len }}\nname: {{ getHostByName \"localhost\" | quote }}\n",
    )
    .expect("a file");
    for command in ["template", "lint"] {
        let mut run = rutter(&home);
        run.env("KUBECONFIG", home.join("config")).arg(command).arg(&chart);
        let shown = output_of(&mut run);
        assert!(command == "lint" || shown.contains("found: 0\nname: \"\"\n"), "{shown}");
    }
    assert!(trap.accept().is_err(), "somebody called the cluster");
}

// CVE-2026-35205 and its kin: what must be verified and has no signature is refused.
#[test]
fn a_missing_signature_is_refused_and_nothing_is_kept() {
    let (_guard, home) = folder();
    let server = Server::start(&home, &[]);
    assert_eq!(text(client().post(server.at("/api/charts")).body(archive(&home, "app", "1.0.0")).send()).0, 201);
    let keyring = super::top().join("testdata/provenance/ada.pub");
    let work = home.join("work");
    std::fs::create_dir(&work).expect("a folder");
    let mut pull = rutter(&home);
    pull.args(["pull", "app", "--repo", &server.url, "--verify", "--keyring"]).arg(&keyring).arg("-d").arg(&work);
    refusal(&mut pull);
    let mut template = rutter(&home);
    template.args(["template", "app", "--repo", &server.url, "--verify", "--keyring"]).arg(&keyring);
    refusal(&mut template);
    refusal(rutter(&home).args(["verify", "--keyring"]).arg(&keyring).arg(home.join("archives/app-1.0.0.tgz")));
    // A signature of somebody else, and one that is not one.
    for text in ["", "-----BEGIN PGP SIGNED MESSAGE-----\n", include_str!("../../testdata/provenance/helm-a-1.0.0.tgz.prov")] {
        std::fs::write(home.join("archives/app-1.0.0.tgz.prov"), text).expect("a file");
        refusal(rutter(&home).args(["verify", "--keyring"]).arg(&keyring).arg(home.join("archives/app-1.0.0.tgz")));
    }
    assert_eq!(paths(&work), [] as [&str; 0]);
}

// CVE-2021-4238: random texts could be guessed.
#[test]
fn random_texts_differ_between_runs() {
    let (_guard, home) = folder();
    let chart = home.join("chart");
    std::fs::create_dir_all(chart.join("templates")).expect("a folder");
    std::fs::write(chart.join("Chart.yaml"), chart_yaml("chart", "1.0.0")).expect("a file");
    std::fs::write(chart.join("templates/a.yaml"), "a: {{ randAlphaNum 40 }}\nb: {{ randAlphaNum 40 }}\n").expect("a file");
    let mut seen = std::collections::HashSet::new();
    for _ in 0..10 {
        for line in output_of(rutter(&home).arg("template").arg(&chart)).lines().filter(|line| line.len() > 40) {
            assert!(seen.insert(line[3..].to_string()), "twice: {line}");
        }
    }
    assert_eq!(seen.len(), 20);
}

/// A server whose log is kept.
fn logged(home: &Path, arguments: &[&str]) -> (Server, std::thread::JoinHandle<String>) {
    let mut command = rutter(home);
    command.args(["serve", "--listen", "127.0.0.1:0", "--storage"]).arg(home.join("store")).args(arguments).stderr(Stdio::piped());
    let mut server = Server::spawn(&mut command);
    let mut log = server.child.stderr.take().expect("the log");
    let reading = std::thread::spawn(move || {
        let mut text = String::new();
        let _ = log.read_to_string(&mut text);
        text
    });
    (server, reading)
}

fn terminate(server: &mut Server) -> std::process::ExitStatus {
    let told = Command::new("kill").args(["-TERM", &server.child.id().to_string()]).status().expect("kill runs");
    assert!(told.success());
    server.child.wait().expect("its end")
}

// ChartMuseum #519: line ends from requests in the log. And nothing in it that was meant to stay secret.
#[test]
fn the_log_has_a_line_for_a_request_and_no_credentials() {
    let (_guard, home) = folder();
    let accounts = home.join("accounts");
    std::fs::write(&accounts, "ada:s3cret-pw\nbearer:s3cret-token:write\n").expect("a file");
    let (mut server, log) = logged(&home, &["--auth-file", &accounts.to_string_lossy()]);
    let http = client();
    let chart = archive(&home, "app", "1.0.0");
    http.post(server.at("/api/charts?token=s3cret-query")).basic_auth("ada", Some("s3cret-pw")).body(chart).send().expect("an answer");
    http.get(server.at("/index.yaml")).bearer_auth("s3cret-token").send().expect("an answer");
    http.get(server.at("/index.yaml")).basic_auth("ada", Some("s3cret-wrong")).send().expect("an answer");
    http.get(server.at("/v2/")).basic_auth("s3cret-user", Some("s3cret-wrong")).send().expect("an answer");
    http.get(server.at("/charts/a%0d%0a{\"forged\":true}%1b[31m.tgz")).bearer_auth("s3cret-token").send().expect("an answer");
    http.post(server.at("/v2/app/blobs/uploads/?digest=s3cret-query")).bearer_auth("s3cret-token").send().expect("an answer");
    let metrics = text(http.get(server.at("/metrics")).bearer_auth("s3cret-token").send()).1;
    assert!(terminate(&mut server).success());
    let log = log.join().expect("the log");
    assert!(!log.contains("s3cret") && !metrics.contains("s3cret"), "{log}");
    let lines: Vec<serde_json::Value> = log.lines().map(|line| serde_json::from_str(line).expect(line)).collect();
    assert_eq!(lines.len(), 6, "{log}");
    assert!(lines.iter().all(|line| line["method"].is_string() && line["status"].is_u64() && line.get("forged").is_none()), "{log}");
    assert!(!log.contains('\u{1b}'), "{log}");
}

#[test]
fn the_metrics_count_what_was_answered() {
    let (_guard, home) = folder();
    let server = Server::start(&home, &[]);
    let http = client();
    for version in ["1.0.0", "1.1.0", "1.1.0"] {
        http.post(server.at("/api/charts")).body(archive(&home, "app", version)).send().expect("an answer");
    }
    for _ in 0..5 {
        http.get(server.at("/index.yaml")).send().expect("an answer");
    }
    http.get(server.at("/charts/none-1.0.0.tgz")).send().expect("an answer");
    http.delete(server.at("/api/charts/app/1.0.0")).send().expect("an answer");
    let metrics = text(http.get(server.at("/metrics")).send()).1;
    for line in [
        "rutter_http_requests_total{method=\"GET\",status=\"2xx\"} 5\n",
        "rutter_http_requests_total{method=\"GET\",status=\"4xx\"} 1\n",
        "rutter_http_requests_total{method=\"POST\",status=\"2xx\"} 2\n",
        "rutter_http_requests_total{method=\"POST\",status=\"4xx\"} 1\n",
        "rutter_http_requests_total{method=\"DELETE\",status=\"2xx\"} 1\n",
        "rutter_http_request_seconds_count 10\n",
        "rutter_http_request_seconds_bucket{le=\"+Inf\"} 10\n",
        "rutter_uploads_total 2\n",
        "rutter_deletions_total 1\n",
    ] {
        assert!(metrics.contains(line), "no {line:?} in\n{metrics}");
    }
}

#[test]
fn a_stop_lets_an_upload_finish_and_waits_for_nobody_who_hangs() {
    let (_guard, home) = folder();
    let chart = archive(&home, "app", "1.0.0");
    let (mut server, _log) = logged(&home, &[]);
    let address = server.url.trim_start_matches("http://").to_string();
    let mut upload = TcpStream::connect(&address).expect("connected");
    let head = format!("POST /api/charts HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\n\r\n", chart.len());
    let (first, second) = chart.split_at(chart.len() / 2);
    upload.write_all(head.as_bytes()).and_then(|()| upload.write_all(first)).expect("sent");
    // The server has seen the request when it answers another one.
    assert_eq!(text(client().get(server.at("/health")).send()).0, 200);
    let told = Command::new("kill").args(["-TERM", &server.child.id().to_string()]).status().expect("kill runs");
    assert!(told.success());
    std::thread::sleep(Duration::from_millis(300));
    upload.write_all(second).expect("the connection is still there");
    let mut answer = [0; 512];
    let count = upload.read(&mut answer).expect("an answer");
    assert!(answer[..count].starts_with(b"HTTP/1.1 201"), "{}", String::from_utf8_lossy(&answer[..count]));
    assert!(server.child.wait().expect("its end").success());
    assert_eq!(std::fs::read(home.join("store/app-1.0.0.tgz")).expect("the archive"), chart);

    let (mut server, _log) = logged(&home, &[]);
    let mut hanging = TcpStream::connect(server.url.trim_start_matches("http://")).expect("connected");
    hanging.write_all(b"POST /api/charts HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\nhalf").expect("sent");
    let began = Instant::now();
    assert!(terminate(&mut server).success());
    assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
}

// An OCI client that sends a tag twice at once, as two pipelines of one version would.
#[test]
fn of_two_pushes_of_one_tag_one_wins() {
    let (_guard, home) = folder();
    let server = Server::start(&home, &[]);
    let registry = server.url.replace("http://", "oci://");
    for round in 0..4 {
        // The same version with other content from each pipeline.
        let files: Vec<_> = (0..4)
            .map(|number| {
                let place = home.join(format!("{round}-{number}"));
                std::fs::create_dir(&place).expect("a folder");
                let file = place.join(format!("app-1.0.{round}.tgz"));
                let yaml = chart_yaml("app", &format!("1.0.{round}"));
                std::fs::write(&file, crafted(&[("app/Chart.yaml", &yaml), ("app/values.yaml", &format!("from: {number}\n"))]))
                    .expect("a file");
                file
            })
            .collect();
        let ended: Vec<_> = files
            .iter()
            .map(|file| {
                let mut command = rutter(&home);
                command.arg("push").arg(file).args([&registry, "--plain-http"]).stdout(Stdio::piped()).stderr(Stdio::piped());
                command.spawn().expect("the binary runs")
            })
            .collect::<Vec<_>>()
            .into_iter()
            .map(|child| child.wait_with_output().expect("its end"))
            .collect();
        let won: Vec<usize> = (0..4).filter(|number| ended[*number].status.success()).collect();
        assert_eq!(won.len(), 1, "{ended:?}");
        for (number, output) in ended.iter().enumerate() {
            let error = String::from_utf8_lossy(&output.stderr);
            assert!(number == won[0] || error.contains("exists"), "{error}");
        }
        let kept = client().get(server.at(&format!("/charts/app-1.0.{round}.tgz"))).send().expect("an answer").bytes().expect("bytes");
        assert_eq!(kept, std::fs::read(&files[won[0]]).expect("the archive"), "the winner's archive is kept");
        let pulled = home.join(format!("pulled-{round}"));
        std::fs::create_dir(&pulled).expect("a folder");
        let from = format!("{registry}/app");
        output_of(rutter(&home).args(["pull", &from, "--plain-http", "--version", &format!("1.0.{round}"), "-d"]).arg(&pulled));
        assert_eq!(std::fs::read(pulled.join(format!("app-1.0.{round}.tgz"))).expect("the archive"), kept);
    }
}
