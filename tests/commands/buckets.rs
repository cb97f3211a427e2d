//! Servers without a state of their own on one bucket of a real S3 server (versitygw) or of Azure's emulator (azurite): what one
//! takes the other serves, of two writers of one version one wins, and nothing is lost when a server dies.

use super::peers::{Running, free_port, have, program, skip};
use super::serve::{Server, archive, client, text};
use super::{folder, output_of, rutter};
use hmac::{Hmac, KeyInit, Mac};
use rutter::base64;
use std::path::Path;
use std::process::{Command, Stdio};

/// A bucket, and what a server is told of it.
struct Bucket {
    _server: Running,
    url: &'static str,
    variables: Vec<(&'static str, String)>,
}

impl Bucket {
    /// One of an S3 server.
    fn s3(home: &Path) -> Bucket {
        let port = free_port();
        let data = home.join("s3");
        std::fs::create_dir_all(data.join("bucket")).expect("a folder");
        let mut command = Command::new(program("versitygw").expect("versitygw"));
        command.env_clear().env("HOME", home).env("ROOT_ACCESS_KEY", "test").env("ROOT_SECRET_KEY", "testtest");
        command.args(["--port", &format!("127.0.0.1:{port}"), "--quiet", "posix"]).arg(&data);
        let variables = vec![
            ("AWS_ACCESS_KEY_ID", "test".to_string()),
            ("AWS_SECRET_ACCESS_KEY", "testtest".to_string()),
            ("AWS_REGION", "us-east-1".to_string()),
            ("AWS_ENDPOINT", format!("http://127.0.0.1:{port}")),
            ("AWS_ALLOW_HTTP", "true".to_string()),
        ];
        Bucket { _server: Running::start(command, port, &home.join("s3.log")), url: "s3://bucket/charts", variables }
    }

    /// A container of Azure's emulator, under its one account.
    fn azure(home: &Path) -> Bucket {
        const ACCOUNT: &str = "devstoreaccount1";
        const KEY: &str = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";
        let port = free_port();
        let mut command = Command::new(program("azurite-blob").expect("azurite-blob"));
        command.args(["--silent", "--disableTelemetry", "--blobPort", &port.to_string(), "--location"]).arg(home.join("azure"));
        let server = Running::start(command, port, &home.join("azure.log"));
        let endpoint = format!("http://127.0.0.1:{port}/{ACCOUNT}");
        // A container is made by whoever owns the account, never by a server.
        let (date, version) = ("Sun, 06 Nov 1994 08:49:37 GMT", "2021-08-06");
        let signed =
            format!("PUT\n\n\n\n\n\n\n\n\n\n\n\nx-ms-date:{date}\nx-ms-version:{version}\n/{ACCOUNT}/{ACCOUNT}/bucket\nrestype:container");
        let mut hmac = Hmac::<sha2::Sha256>::new_from_slice(&base64::decode(KEY.as_bytes()).expect("base64")).expect("any length");
        hmac.update(signed.as_bytes());
        let signature = base64::encode(hmac.finalize().into_bytes());
        let request = client()
            .put(format!("{endpoint}/bucket?restype=container"))
            .header("x-ms-date", date)
            .header("x-ms-version", version)
            .header("authorization", format!("SharedKey {ACCOUNT}:{signature}"))
            .header("content-length", "0");
        assert_eq!(text(request.send()).0, 201);
        let variables = vec![
            ("AZURE_STORAGE_ACCOUNT_NAME", ACCOUNT.to_string()),
            ("AZURE_STORAGE_ACCOUNT_KEY", KEY.to_string()),
            ("AZURE_STORAGE_ENDPOINT", endpoint),
            ("AZURE_ALLOW_HTTP", "true".to_string()),
        ];
        Bucket { _server: server, url: "az://bucket/charts", variables }
    }

    /// A server on it.
    fn serve(&self, home: &Path) -> Server {
        let mut command = rutter(home);
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        command.args(["serve", "--listen", "127.0.0.1:0", "--storage", self.url, "--cache-interval", "0"]);
        Server::spawn(command.stderr(Stdio::null()))
    }
}

#[test]
fn servers_on_one_bucket_lose_nothing() {
    if !have("servers_on_one_bucket_lose_nothing", &["versitygw"]) {
        return;
    }
    let (_guard, home) = folder();
    servers_lose_nothing(&Bucket::s3(&home), &home);
}

#[test]
fn servers_on_one_container_of_azure_lose_nothing() {
    // Not required anywhere: it comes with node.
    if program("azurite-blob").is_none() {
        return skip("servers_on_one_container_of_azure_lose_nothing", "not installed: azurite-blob");
    }
    let (_guard, home) = folder();
    servers_lose_nothing(&Bucket::azure(&home), &home);
}

fn servers_lose_nothing(bucket: &Bucket, home: &Path) {
    let mut servers = [bucket.serve(home), bucket.serve(home)];
    let charts: Vec<Vec<u8>> = (0..8).map(|number| archive(home, "app", &format!("1.{number}.0"))).collect();
    // Every version four times at once, all versions at once.
    let statuses: Vec<Vec<u16>> = std::thread::scope(|scope| {
        let pushes: Vec<Vec<_>> = charts
            .iter()
            .map(|chart| {
                let push = |number: usize| {
                    let url = servers[number % 2].at("/api/charts");
                    scope.spawn(move || text(client().post(url).body(chart.clone()).send()).0)
                };
                (0..4).map(push).collect()
            })
            .collect();
        pushes.into_iter().map(|of_one| of_one.into_iter().map(|push| push.join().expect("a thread")).collect()).collect()
    });
    for mut of_one in statuses {
        of_one.sort_unstable();
        assert_eq!(of_one, [201, 409, 409, 409]);
    }
    let all = |server: &Server| {
        let index = text(client().get(server.at("/index.yaml")).send()).1;
        (0..8).filter(|number| index.contains(&format!("app-1.{number}.0.tgz"))).count()
    };
    assert_eq!(servers.each_ref().map(all), [8, 8]);
    // A server that dies takes nothing with it, and a new one finds all.
    servers[0].child.kill().expect("killed");
    servers[0] = bucket.serve(home);
    assert_eq!(servers.each_ref().map(all), [8, 8]);
    assert_eq!(text(client().delete(servers[0].at("/api/charts/app/1.3.0")).send()).0, 200);
    assert_eq!(servers.each_ref().map(all), [7, 7]);
    assert_eq!(text(client().get(servers[1].at("/charts/app-1.3.0.tgz")).send()).0, 404);
}

#[test]
fn parts_of_one_upload_reach_different_servers_of_a_bucket() {
    if !have("parts_of_one_upload_reach_different_servers_of_a_bucket", &["versitygw"]) {
        return;
    }
    let (_guard, home) = folder();
    let bucket = Bucket::s3(&home);
    let servers = [bucket.serve(&home), bucket.serve(&home)];
    let http = client();
    let begun = http.post(servers[0].at("/v2/thing/blobs/uploads/")).send().expect("an answer");
    let place = begun.headers()["location"].to_str().expect("a location").to_string();
    assert_eq!(http.patch(servers[1].at(&place)).body("first ").send().expect("an answer").status(), 202);
    assert_eq!(http.patch(servers[0].at(&place)).body("second").send().expect("an answer").status(), 202);
    let digest = rutter::repository::oci::digest_of(b"first second");
    assert_eq!(http.put(servers[1].at(&format!("{place}?digest={digest}"))).send().expect("an answer").status(), 201);
    assert_eq!(text(http.get(servers[0].at(&format!("/v2/thing/blobs/{digest}"))).send()), (200, "first second".into()));

    // A signed chart pushed to one over OCI is pulled from the other over HTTP, verified.
    archive(&home, "app", "1.0.0");
    let chart = home.join("sources/app-1.0.0");
    let mut package = rutter(&home);
    package.args(["package", "--sign", "--key", "ada", "--keyring", "testdata/provenance/ada.sec", "-d"]);
    output_of(package.arg(&home).arg(chart));
    let remote = servers[0].url.replace("http://", "oci://");
    output_of(rutter(&home).arg("push").arg(home.join("app-1.0.0.tgz")).args([&remote, "--plain-http"]));
    output_of(rutter(&home).args(["repo", "add", "bucket", &servers[1].url]));
    let verified = output_of(
        rutter(&home).args(["pull", "bucket/app", "--verify", "--keyring", "testdata/provenance/ada.pub", "-d"]).arg(home.join("s3")),
    );
    assert!(verified.contains("Chart Hash Verified"), "{verified}");
}
