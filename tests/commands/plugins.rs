//! Plugins from servers, registries and Git repositories, signed and not, and charts of a hub. What is printed is what Helm 4.2.4
//! prints beside the same server.

use super::{folder, output_of, rutter};
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex};

/// A server of these answers: path with query, then type and bytes. Others are not found.
struct Server {
    address: String,
    answers: Arc<Mutex<BTreeMap<String, (String, Vec<u8>)>>>,
}

impl Server {
    fn start() -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address").to_string();
        let answers = Arc::new(Mutex::new(BTreeMap::new()));
        let server = Server { address, answers: Arc::clone(&answers) };
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let answers = Arc::clone(&answers);
                std::thread::spawn(move || {
                    let mut lines = BufReader::new(&stream).lines().map_while(Result::ok);
                    let request = lines.next().unwrap_or_default();
                    lines.take_while(|line| !line.is_empty()).for_each(drop);
                    let path = request.split(' ').nth(1).unwrap_or_default();
                    let found: Option<(String, Vec<u8>)> = answers.lock().expect("the answers").get(path).cloned();
                    let status = if found.is_some() { "200 OK" } else { "404 Not Found" };
                    let (kind, body) = found.unwrap_or_default();
                    let length = body.len();
                    let head =
                        format!("HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n");
                    let body = if request.starts_with("HEAD") { Vec::new() } else { body };
                    let _ = (&stream).write_all(&[head.into_bytes(), body].concat());
                });
            }
        });
        server
    }

    fn give(&self, path: &str, kind: &str, body: impl Into<Vec<u8>>) {
        self.answers.lock().expect("the answers").insert(path.to_string(), (kind.to_string(), body.into()));
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }
}

/// The folder of a plugin.
fn plugin(home: &Path) -> PathBuf {
    let folder = home.join("demo");
    std::fs::create_dir_all(folder.join("bin")).expect("a folder");
    let text = "apiVersion: v1\nname: demo\nversion: 0.1.0\ntype: cli/v1\nruntime: subprocess\nruntimeConfig:\n  platformCommand:\n    - command: ${HELM_PLUGIN_DIR}/bin/run\n";
    std::fs::write(folder.join("plugin.yaml"), text).expect("a file");
    std::fs::write(folder.join("bin/run"), "#!/bin/sh\necho it runs\n").expect("a file");
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(folder.join("bin/run"), mode).expect("permissions");
    folder
}

/// The plugin's archive and its signature.
fn archive(home: &Path) -> (Vec<u8>, Vec<u8>) {
    let mut command = rutter(home);
    command.args(["plugin", "package", "--key", "ada", "--keyring", "testdata/provenance/ada.sec", "-d"]).arg(home).arg(plugin(home));
    let said = output_of(&mut command);
    assert!(said.contains("Successfully signed."), "{said}");
    let read = |name: &str| std::fs::read(home.join(name)).expect("a file");
    (read("demo-0.1.0.tgz"), read("demo-0.1.0.tgz.prov"))
}

fn run(home: &Path, words: &[&str]) -> (i32, String) {
    let output = rutter(home).args(words).output().expect("the binary runs");
    let text = [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).expect("UTF-8")).concat();
    (output.status.code().expect("a code"), text)
}

fn installed(home: &Path) -> PathBuf {
    home.join(".local/share/helm/plugins")
}

/// What lies in the folder of plugins.
fn names(home: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(installed(home)).into_iter().flatten();
    let mut names: Vec<String> = entries.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

const SIGNED: &str = "Verifying plugin signature...\nSigned by: Ada <ada@example.test>\n";
const UNSIGNED: &str = "WARNING: Skipping plugin signature verification\n";

#[test]
fn archives_of_servers_are_installed_when_they_are_signed() {
    let (_guard, home) = folder();
    let (archive, signature) = archive(&home);
    let server = Server::start();
    server.give("/demo-0.1.0.tgz", "application/gzip", archive.clone());
    let address = server.url("/demo-0.1.0.tgz");
    let keyring = ["--keyring", "testdata/provenance/ada.pub"];
    let (code, text) = run(&home, &["plugin", "install", &address, keyring[0], keyring[1]]);
    assert_eq!(
        (code, text.as_str()),
        (1, "Verifying plugin signature...\nError: plugin verification failed: no provenance file (.prov) found\n")
    );
    assert!(names(&home).is_empty());

    server.give("/demo-0.1.0.tgz.prov", "text/plain", signature);
    let (code, text) = run(&home, &["plugin", "install", &address, keyring[0], keyring[1]]);
    assert!(code == 0 && text.starts_with(SIGNED) && text.ends_with("\nInstalled plugin: demo\n"), "{code} {text}");
    assert_eq!(names(&home), ["demo", "demo-0.1.0.tgz", "demo-0.1.0.tgz.prov"]);
    assert_eq!(run(&home, &["demo"]), (0, "it runs\n".to_string()));
    assert!(run(&home, &["plugin", "list"]).1.contains("signed"));
    assert!(run(&home, &["plugin", "install", &address, "--verify=false"]).1.ends_with("\nError: plugin already exists\n"));

    std::fs::write(installed(&home).join("demo-0.1.0.tgz"), b"another").expect("a file");
    assert!(run(&home, &["plugin", "list"]).1.contains("mismatched provenance"));
    assert_eq!(run(&home, &["plugin", "uninstall", "demo"]), (0, "Uninstalled plugin: demo\n".to_string()));
    assert!(names(&home).is_empty());

    // Of another size, and an archive of something else.
    server.give("/demo-0.1.0.tgz", "application/gzip", archive[..archive.len() - 1].to_vec());
    let (code, text) = run(&home, &["plugin", "install", &address, keyring[0], keyring[1]]);
    assert!(code == 1 && text.contains("plugin verification failed: sha256 sum does not match"), "{text}");
    server.give("/x.tgz", "application/gzip", super::support::pack(&[0; 1024]));
    let (code, text) = run(&home, &["plugin", "install", &server.url("/x.tgz"), "--verify=false"]);
    let want = format!("{UNSIGNED}Error: failed to extract plugin metadata from tarball: plugin.yaml not found in tarball\n");
    assert_eq!((code, text), (1, want));
    assert!(names(&home).is_empty());
}

#[test]
fn plugins_of_registries_are_told_by_their_type_and_title() {
    let (_guard, home) = folder();
    let (archive, signature) = archive(&home);
    let server = Server::start();
    let digest = |bytes: &[u8]| format!("sha256:{}", rutter::package::digest::sha256_hex(bytes));
    for bytes in [&archive, &signature] {
        server.give(&format!("/v2/team/demo/blobs/{}", digest(bytes)), "application/octet-stream", bytes.clone());
    }
    let layer = |title: &str, bytes: &[u8]| {
        let (digest, size) = (digest(bytes), bytes.len());
        format!(
            r#"{{"mediaType":"application/vnd.oci.image.layer.v1.tar","digest":"{digest}","size":{size},"annotations":{{"org.opencontainers.image.title":"{title}"}}}}"#
        )
    };
    let manifest = |kind: &str, layers: &[String]| {
        format!(
            r#"{{"schemaVersion":2,"artifactType":"{kind}","config":{{"mediaType":"x","digest":"y","size":2}},"layers":[{}]}}"#,
            layers.join(",")
        )
    };
    let put = |text: String| server.give("/v2/team/demo/manifests/0.1.0", "application/vnd.oci.image.manifest.v1+json", text);
    let reference = format!("oci://{}/team/demo:0.1.0", server.address);
    let install = |more: &[&str]| run(&home, &[&["plugin", "install", reference.as_str(), "--plain-http"], more].concat());
    let kind = "application/vnd.helm.plugin.v1+json";
    let layers = [layer("demo-0.1.0.tgz", &archive), layer("demo-0.1.0.tgz.prov", &signature)];

    put(manifest(kind, &layers));
    let (code, text) = install(&["--keyring", "testdata/provenance/ada.pub"]);
    assert!(code == 0 && text.starts_with(SIGNED) && text.ends_with("\nInstalled plugin: demo\n"), "{code} {text}");
    assert_eq!(run(&home, &["demo"]), (0, "it runs\n".to_string()));
    assert_eq!(run(&home, &["plugin", "rm", "demo"]).0, 0);

    put(manifest("application/vnd.cncf.helm.config.v1+json", &layers));
    let pulled = format!("failed to pull plugin from {reference}");
    let want = format!("{UNSIGNED}Error: {pulled}: expected artifact type {kind}, got application/vnd.cncf.helm.config.v1+json\n");
    assert_eq!(install(&["--verify=false"]), (1, want));
    put(manifest(kind, &[layer("other-0.1.0.tgz", &archive)]));
    let want = format!("{UNSIGNED}Error: {pulled}: required layer matching pattern demo-VERSION.tgz not found in manifest\n");
    assert_eq!(install(&["--verify=false"]), (1, want));
    assert!(names(&home).is_empty());
}

#[test]
fn plugins_of_git_repositories_are_installed_and_updated() {
    let git = |folder: &Path, words: &[&str]| {
        let mut command = Command::new("git");
        command.args(["-c", "user.name=Ada", "-c", "user.email=ada@example.com"]).args(words);
        let output = command.current_dir(folder).output();
        output.is_ok_and(|output| output.status.success())
    };
    let (_guard, home) = folder();
    let source = plugin(&home);
    if !git(&source, &["init", "-q"]) || !git(&source, &["symbolic-ref", "HEAD", "refs/heads/main"]) {
        assert!(std::env::var_os("RUTTER_TEST_PEERS").is_none(), "no git here");
        eprintln!("no git here: plugins of Git repositories are not tested");
        return;
    }
    let release = |version: &str| {
        let file = source.join("plugin.yaml");
        let text = std::fs::read_to_string(&file).expect("a file");
        let text =
            text.lines().map(|line| if line.starts_with("version:") { format!("version: {version}\n") } else { format!("{line}\n") });
        std::fs::write(&file, text.collect::<String>()).expect("a file");
        assert!(
            git(&source, &["add", "-A"]) && git(&source, &["commit", "-qm", version]) && git(&source, &["tag", &format!("v{version}")])
        );
    };
    ["0.1.0", "0.1.3", "0.2.0"].into_iter().for_each(release);
    let address = format!("file://{}", source.display());
    let install = |more: &[&str]| run(&home, &[&["plugin", "install", address.as_str(), "--verify=false"], more].concat());
    let version = || std::fs::read_to_string(installed(&home).join("demo/plugin.yaml")).expect("a file").lines().nth(2).map(str::to_string);
    let remove = || assert_eq!(run(&home, &["plugin", "rm", "demo"]).0, 0);

    let refused = run(&home, &["plugin", "install", &address]);
    assert_eq!(refused, (1, "Error: plugin source does not support verification. Use --verify=false to skip verification\n".to_string()));
    assert_eq!(install(&["--version", "^0.1"]), (0, format!("{UNSIGNED}Installed plugin: demo\n")));
    assert_eq!(version().as_deref(), Some("version: 0.1.3"));
    remove();
    assert_eq!(install(&["--version", "v0.1.0"]).0, 0);
    assert_eq!(version().as_deref(), Some("version: 0.1.0"));
    remove();
    let want = format!("{UNSIGNED}Error: requested version \"9.9.9\" does not exist for plugin \"{address}\"\n");
    assert_eq!(install(&["--version", "9.9.9"]), (1, want));
    assert!(names(&home).is_empty());

    let main = ["--version", "main"];
    assert_eq!(install(&main).0, 0);
    release("0.3.0");
    assert_eq!(run(&home, &["plugin", "update", "demo"]), (0, "Updated plugin: demo\n".to_string()));
    assert_eq!(version().as_deref(), Some("version: 0.3.0"));
    // What cannot be fetched is no fault of how the command was written.
    let moved = home.join("elsewhere");
    std::fs::rename(&source, &moved).expect("moved");
    let (code, error) = run(&home, &["plugin", "update", "demo", "--error-format", "json"]);
    assert!(code == 1 && error.contains("\"kind\":\"repository\""), "{error}");
    std::fs::rename(&moved, &source).expect("moved back");
    std::fs::write(installed(&home).join("demo/bin/run"), "changed").expect("a file");
    let want = "Error: failed to update plugin demo, got error (plugin repo was modified)\n";
    assert_eq!(run(&home, &["plugin", "update", "demo"]), (1, want.to_string()));
}

#[test]
fn a_hub_is_searched() {
    let (_guard, home) = folder();
    let server = Server::start();
    let hub = r#"{"data":[{"id":"stable/a<b","attributes":{"repo":{"name":"stable","url":"https://x/stable"},"description":"A long description that is cut"},
        "relationships":{"latestChartVersion":{"data":{"version":"3.0.0","app_version":"4.9"}}}},{"id":"x/y","artifactHub":{"packageUrl":"https://hub/y"}}]}"#;
    let path = "/api/chartsvc/v1/charts/search?q=";
    server.give(&format!("{path}a+b+c%2Bd%2F%C3%A9"), "application/json", hub);
    server.give(&format!("{path}none"), "application/json", "{}");
    let endpoint = server.url("");
    let search = |words: &[&str]| run(&home, &[&["search", "hub", "--endpoint", endpoint.as_str()], words].concat());
    let wide = format!("{endpoint}/charts/stable/a<b");
    let (code, text) = search(&["a", "b c+d/é", "--list-repo-url", "--max-col-width", "24"]);
    let rows: Vec<Vec<&str>> = text.lines().map(|line| line.split('\t').map(str::trim_end).collect()).collect();
    let cut = format!("{}...", &wide[..21]);
    let want = [
        vec!["URL", "CHART VERSION", "APP VERSION", "DESCRIPTION", "REPO URL"],
        vec![cut.as_str(), "3.0.0", "4.9", "A long description th...", "https://x/stable"],
        vec!["https://hub/y", "", "", "", ""],
    ];
    assert_eq!((code, rows), (0, want.to_vec()));
    let (_, text) = search(&["a", "b c+d/é", "-o", "json"]);
    let want = format!(
        r#"[{{"url":"{endpoint}/charts/stable/a\u003cb","version":"3.0.0","app_version":"4.9","description":"A long description that is cut","repository":{{"url":"https://x/stable","name":"stable"}}}},{{"url":"https://hub/y","version":"","app_version":"","description":"","repository":{{"url":"","name":""}}}}]"#
    );
    assert_eq!(text, want + "\n");
    for (words, want) in [
        (&["none"][..], "No results found\n"),
        (&["none", "-o", "yaml"], "[]\n"),
        (&["none", "--fail-on-no-result"], "Error: no results found\n"),
        (&["gone"], &format!("Error: unable to perform search against \"{endpoint}\"\n")),
        (&["--endpoint", "nowhere"], "Error: unable to create connection to \"nowhere\": no hostname provided\n"),
    ] {
        assert_eq!(search(words).1, want, "{words:?}");
    }
}
