//! Servers without a state of their own on one bucket of a real S3 server (versitygw): what one takes the other serves, of
//! two writers of one version one wins, and nothing is lost when a server dies.

use super::peers::{Running, free_port, have, program};
use super::serve::{Server, archive, client, text};
use super::{folder, output_of, rutter};
use std::path::Path;
use std::process::{Command, Stdio};

/// An S3 server with the bucket `bucket`, and its address.
fn start_s3(home: &Path) -> (Running, String) {
    let port = free_port();
    let data = home.join("s3");
    std::fs::create_dir_all(data.join("bucket")).expect("a folder");
    let mut command = Command::new(program("versitygw").expect("versitygw"));
    command.env_clear().env("HOME", home).env("ROOT_ACCESS_KEY", "test").env("ROOT_SECRET_KEY", "testtest");
    command.args(["--port", &format!("127.0.0.1:{port}"), "--quiet", "posix"]).arg(&data);
    (Running::start(command, port, &home.join("s3.log")), format!("http://127.0.0.1:{port}"))
}

fn start_server(home: &Path, endpoint: &str) -> Server {
    let mut command = rutter(home);
    for (name, value) in [
        ("AWS_ACCESS_KEY_ID", "test"),
        ("AWS_SECRET_ACCESS_KEY", "testtest"),
        ("AWS_REGION", "us-east-1"),
        ("AWS_ENDPOINT", endpoint),
        ("AWS_ALLOW_HTTP", "true"),
    ] {
        command.env(name, value);
    }
    command.args(["serve", "--listen", "127.0.0.1:0", "--storage", "s3://bucket/charts", "--cache-interval", "0"]);
    Server::spawn(command.stderr(Stdio::null()))
}

#[test]
fn servers_on_one_bucket_lose_nothing() {
    if !have("servers_on_one_bucket_lose_nothing", &["versitygw"]) {
        return;
    }
    let (_guard, home) = folder();
    let (_s3, endpoint) = start_s3(&home);
    let mut servers = [start_server(&home, &endpoint), start_server(&home, &endpoint)];
    let charts: Vec<Vec<u8>> = (0..8).map(|number| archive(&home, "app", &format!("1.{number}.0"))).collect();
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
    servers[0] = start_server(&home, &endpoint);
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
    let (_s3, endpoint) = start_s3(&home);
    let servers = [start_server(&home, &endpoint), start_server(&home, &endpoint)];
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
