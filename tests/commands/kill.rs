//! `kill -9` at many moments: what a command writes is there whole, as it was before, or not at all, and the next run works.
//! The moments are spread over the time that an undisturbed run takes, and the work is big enough to be cut in its middle.

use super::serve::{Server, archive, client, text};
use super::{folder, output_of, rutter};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// How many moments each command is killed at.
const MOMENTS: u32 = 20;

/// Text that packs badly, the same for the same seed.
pub fn noise(seed: u64, length: usize) -> String {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut text = String::with_capacity(length + 64);
    while text.len() < length {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        text.push_str(&format!("line: {state:016x}\n"));
    }
    text
}

/// A chart folder with `files` files of `length` bytes each.
pub fn big_chart(folder: &Path, name: &str, files: u64, length: usize) -> PathBuf {
    let chart = folder.join(name);
    std::fs::create_dir_all(chart.join("files")).expect("a folder");
    std::fs::write(chart.join("Chart.yaml"), format!("apiVersion: v2\nname: {name}\nversion: 1.0.0\n")).expect("a file");
    for number in 0..files {
        std::fs::write(chart.join(format!("files/{number}.txt")), noise(number + 7, length)).expect("a file");
    }
    chart
}

/// Runs `command` and kills it after `delay`; says whether it had ended by itself.
fn killed_after(command: &mut Command, delay: Duration) -> bool {
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("the binary runs");
    std::thread::sleep(delay);
    let ended = child.try_wait().expect("its state").is_some();
    let _ = child.kill();
    child.wait().expect("its end");
    ended
}

/// Kills what `command` gives at moments spread over the time of a whole run; `check` looks at what is left each time.
fn at_many_moments(mut command: impl FnMut() -> Command, mut check: impl FnMut(u32)) {
    let began = Instant::now();
    output_of(&mut command());
    let whole = began.elapsed();
    let mut cut = 0;
    for moment in 0..MOMENTS {
        cut += u32::from(!killed_after(&mut command(), whole * moment / MOMENTS));
        check(moment);
    }
    assert!(cut > 0, "every run ended within {whole:?}, before it could be killed");
}

/// The files below a folder with their content, folders with a `/`.
fn tree(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten() {
        let path = entry.expect("an entry").path();
        let name = path.file_name().expect("a name").to_string_lossy().into_owned();
        if path.is_dir() {
            found.extend(tree(&path).into_iter().map(|(inner, bytes)| (format!("{name}/{inner}"), bytes)));
        } else {
            found.insert(name, std::fs::read(&path).expect("a file"));
        }
    }
    found
}

/// What is meant to be seen of a folder: all but unfinished files.
fn finished(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    tree(folder).into_iter().filter(|(name, _)| !name.starts_with(".rutter-")).collect()
}

/// Chart and provenance as ChartMuseum's form.
fn form(chart: &[u8], provenance: &[u8]) -> Vec<u8> {
    let mut body = Vec::new();
    for (field, bytes) in [("chart", chart), ("prov", provenance)] {
        body.extend_from_slice(format!("--cut\r\nContent-Disposition: form-data; name=\"{field}\"; filename=\"f\"\r\n\r\n").as_bytes());
        body.extend_from_slice(bytes);
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(b"--cut--\r\n");
    body
}

fn hex(bytes: &[u8]) -> String {
    data_encoding::HEXLOWER.encode(&Sha256::digest(bytes))
}

#[test]
fn killing_package_leaves_the_old_archive_or_the_new_one() {
    let (_guard, home) = folder();
    let chart = big_chart(&home, "big", 10, 400_000);
    let out = home.join("out");
    let package = |from: &Path| {
        let mut command = rutter(&home);
        command.arg("package").arg(from).arg("-d").arg(&out);
        command
    };
    output_of(&mut package(&chart));
    let new = std::fs::read(out.join("big-1.0.0.tgz")).expect("the archive");
    let old = b"what lay there before".to_vec();
    at_many_moments(
        || {
            std::fs::write(out.join("big-1.0.0.tgz"), &old).expect("the old archive");
            package(&chart)
        },
        |moment| {
            let left = finished(&out);
            assert_eq!(left.len(), 1, "moment {moment}");
            let left = &left["big-1.0.0.tgz"];
            assert!(*left == old || *left == new, "moment {moment}: {} bytes", left.len());
            // Packing into the chart's own folder too: what was left there is no part of the chart.
            killed_after(rutter(&home).current_dir(&chart).args(["package", "."]), Duration::from_millis(u64::from(moment) * 15));
            let _ = std::fs::remove_file(chart.join("big-1.0.0.tgz"));
            output_of(&mut package(&chart));
            assert!(std::fs::read(out.join("big-1.0.0.tgz")).expect("the archive") == new, "moment {moment}");
        },
    );
}

/// A server of files by path that counts requests.
fn files(answer: impl Fn(usize, &str) -> Option<Vec<u8>> + Send + Sync + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let (count, answer) = (Arc::new(AtomicUsize::new(0)), Arc::new(answer));
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { break };
            let (count, answer) = (Arc::clone(&count), Arc::clone(&answer));
            std::thread::spawn(move || {
                let mut reader = BufReader::new(stream.try_clone().expect("a handle"));
                let mut first = String::new();
                let _ = reader.read_line(&mut first);
                let mut line = String::new();
                while reader.read_line(&mut line).is_ok_and(|count| count > 2) {
                    line.clear();
                }
                let path = first.split(' ').nth(1).unwrap_or_default();
                let number = count.fetch_add(1, Ordering::Relaxed);
                let (status, body) = match answer(number, path) {
                    Some(body) => ("200 OK", body),
                    None => ("404 Not Found", Vec::new()),
                };
                let head = format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len());
                let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(&body));
            });
        }
    });
    url
}

#[test]
fn killing_dependency_build_leaves_whole_archives_and_the_next_run_builds() {
    let (_guard, home) = folder();
    let remote: BTreeMap<String, Vec<u8>> = (0..4)
        .map(|number| {
            let name = format!("far{number}");
            let chart = big_chart(&home.join("far"), &name, 1, 300_000);
            output_of(rutter(&home).arg("package").arg(chart).arg("-d").arg(home.join("packed")));
            let file = format!("{name}-1.0.0.tgz");
            let bytes = std::fs::read(home.join("packed").join(&file)).expect("the archive");
            (file, bytes)
        })
        .collect();
    output_of(rutter(&home).args(["repo", "index"]).arg(home.join("packed")));
    let index = std::fs::read(home.join("packed/index.yaml")).expect("the index");
    let served = remote.clone();
    let url = files(move |_, path| match path.trim_start_matches('/') {
        "index.yaml" => Some(index.clone()),
        file => served.get(file).cloned(),
    });
    output_of(rutter(&home).args(["repo", "add", "far", &url]));
    let mut text = "apiVersion: v2\nname: p\nversion: 1.0.0\ndependencies:\n".to_string();
    for number in 0..4 {
        big_chart(&home, &format!("near{number}"), 1, 300_000);
        text.push_str(&format!("- name: near{number}\n  version: ^1\n  repository: file://../near{number}\n"));
        text.push_str(&format!("- name: far{number}\n  version: ^1\n  repository: {url}\n"));
    }
    let parent = home.join("p");
    std::fs::create_dir(&parent).expect("a folder");
    std::fs::write(parent.join("Chart.yaml"), text).expect("a file");
    output_of(rutter(&home).args(["dependency", "update"]).arg(&parent));
    let expected = tree(&parent);
    assert_eq!(expected.len(), 10, "{:?}", expected.keys());
    let cache = home.join(".cache/helm/content");
    assert!(cache.is_dir());

    let build = |skip_refresh: bool| {
        let mut command = rutter(&home);
        command.args(["dependency", "build"]).arg(&parent);
        if skip_refresh {
            command.arg("--skip-refresh");
        }
        command
    };
    at_many_moments(
        || {
            std::fs::remove_dir_all(parent.join("charts")).expect("charts goes");
            std::fs::remove_dir_all(&cache).expect("the cache goes");
            build(false)
        },
        |moment| {
            for (name, bytes) in finished(&parent) {
                assert!(expected.get(&name) == Some(&bytes), "moment {moment}: {name} with {} bytes", bytes.len());
            }
            // Helm's own cache must not hold halves either; what is there is used without asking anyone.
            for (name, bytes) in tree(&cache) {
                let name = name.rsplit('/').next().unwrap_or_default().to_string();
                assert!(name.starts_with(".rutter-") || name == format!("{}.chart", hex(&bytes)), "moment {moment}: {name}");
            }
            output_of(&mut build(moment % 2 == 0));
            assert_eq!(tree(&parent).keys().collect::<Vec<_>>(), expected.keys().collect::<Vec<_>>(), "moment {moment}");
            assert!(tree(&parent) == expected, "moment {moment}");
        },
    );
}

#[test]
fn killing_repo_update_leaves_the_old_index_or_the_new_one() {
    let (_guard, home) = folder();
    let index = |odd: usize| {
        let mut text = "apiVersion: v1\nentries:\n".to_string();
        for chart in 0..600 {
            text.push_str(&format!("  chart{chart}:\n"));
            for version in 0..4 {
                text.push_str(&format!(
                    "  - apiVersion: v2\n    description: in edition {odd}\n    name: chart{chart}\n    urls:\n    - c{chart}-{version}.tgz\n    version: {odd}.{version}.0\n"
                ));
            }
        }
        text.into_bytes()
    };
    let editions = [index(0), index(1)];
    let served = editions.clone();
    let url = files(move |number, _| Some(served[number % 2].clone()));
    for name in ["one", "two", "three"] {
        output_of(rutter(&home).args(["repo", "add", name, &format!("{url}/{name}")]));
    }
    let cache = home.join(".cache/helm/repository");
    at_many_moments(
        || {
            let mut command = rutter(&home);
            command.args(["repo", "update"]);
            command
        },
        |moment| {
            for (name, bytes) in finished(&cache) {
                match name.strip_suffix("-index.yaml") {
                    Some(_) => assert!(editions.contains(&bytes), "moment {moment}: {name} with {} bytes", bytes.len()),
                    None => assert!(bytes.ends_with(b"\n"), "moment {moment}: {name}"),
                }
            }
            let found = output_of(rutter(&home).args(["search", "repo", "two/chart599"]));
            assert!(found.contains("two/chart599"), "moment {moment}: {found}");
        },
    );
    output_of(rutter(&home).args(["repo", "update"]));
}

#[test]
fn killing_push_leaves_chart_and_provenance_or_neither() {
    let (_guard, home) = folder();
    let server = Server::start(&home, &[]);
    let chart = big_chart(&home, "big", 4, 400_000);
    output_of(rutter(&home).arg("package").arg(&chart).arg("-d").arg(&home));
    let file = home.join("big-1.0.0.tgz");
    let bytes = std::fs::read(&file).expect("the archive");
    // The server looks at the form of a signature, not at its truth.
    let signed = format!(
        "-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA512\n\nname: big\n\n...\nfiles:\n  big-1.0.0.tgz: sha256:{}\n-----BEGIN PGP SIGNATURE-----\n\nxx\n-----END PGP SIGNATURE-----\n",
        hex(&bytes)
    );
    std::fs::write(home.join("big-1.0.0.tgz.prov"), &signed).expect("a file");
    let http = client();
    let get = |path: &str| {
        let answer = http.get(server.at(path)).send().expect("an answer");
        (answer.status().as_u16() == 200).then(|| answer.bytes().expect("bytes").to_vec())
    };
    let registry = server.url.replace("http://", "oci://");
    for over_http in [true, false] {
        let push = || {
            let mut command = rutter(&home);
            command.arg("push").arg(&file);
            if over_http {
                command.args([&server.url, "--server", "chartmuseum"]);
            } else {
                command.args([&registry, "--plain-http"]);
            }
            command
        };
        at_many_moments(
            || {
                http.delete(server.at("/api/charts/big/1.0.0")).send().expect("an answer");
                push()
            },
            |moment| {
                // The server may be at it still.
                let mut left = (None, None);
                for _ in 0..100 {
                    left = (get("/charts/big-1.0.0.tgz"), get("/charts/big-1.0.0.tgz.prov"));
                    if left.0.is_some() == left.1.is_some() {
                        break;
                    }
                    std::thread::sleep(Duration::from_millis(20));
                }
                match &left {
                    (None, None) => {
                        // What the killed run had sent whole may still arrive before this one.
                        let again = push().output().expect("the binary runs");
                        let error = String::from_utf8_lossy(&again.stderr);
                        assert!(again.status.success() || error.contains("exists"), "moment {moment}: {error}");
                        assert!(get("/charts/big-1.0.0.tgz").as_ref() == Some(&bytes));
                        assert!(get("/charts/big-1.0.0.tgz.prov").as_deref() == Some(signed.as_bytes()));
                    }
                    (Some(archive), Some(provenance)) => {
                        assert!(*archive == bytes && provenance == signed.as_bytes(), "moment {moment}");
                    }
                    _ => panic!("moment {moment}: one of chart and provenance alone"),
                }
            },
        );
    }
}

#[test]
fn what_a_dead_writer_left_is_taken_over() {
    let (_guard, home) = folder();
    let server = Server::start(&home, &[]);
    let chart = archive(&home, "app", "1.0.0");
    let signed = |digest: &str| format!("-----BEGIN PGP SIGNED MESSAGE-----\n\n...\nfiles:\n  app-1.0.0.tgz: sha256:{digest}\n");
    let (own, foreign) = (signed(&hex(&chart)), signed(&"0".repeat(64)));
    // Returns when it was last changed.
    let leave = |text: &str, age: u64| {
        std::fs::create_dir_all(home.join("store")).expect("a folder");
        let path = home.join("store/app-1.0.0.tgz.prov");
        std::fs::write(&path, text).expect("a file");
        let file = std::fs::File::options().write(true).open(&path).expect("the file");
        let changed = std::time::SystemTime::now() - Duration::from_millis(age);
        file.set_modified(changed).expect("its time");
        changed
    };
    let age = |changed: std::time::SystemTime| changed.elapsed().expect("an age");
    // How long a writer has to finish.
    let patience = Duration::from_secs(10);
    let http = client();
    let prov = || text(http.get(server.at("/charts/app-1.0.0.tgz.prov")).send());
    let post = |body: Vec<u8>| {
        let request = http.post(server.at("/api/charts")).header("content-type", "multipart/form-data; boundary=cut");
        let status = text(request.body(body).send()).0;
        let found = prov();
        http.delete(server.at("/api/charts/app/1.0.0")).send().expect("an answer");
        (status, found)
    };
    // For the same archive, another signature of it: at once.
    let changed = leave(&own.replace("...", "name: app\n..."), 0);
    assert_eq!(post(form(&chart, own.as_bytes())), (201, (200, own.clone())));
    assert!(age(changed) < patience, "{:?}", age(changed));
    // For another archive: when its writer has had its time.
    let changed = leave(&foreign, 9_000);
    assert_eq!(post(form(&chart, own.as_bytes())), (201, (200, own.clone())));
    assert!(age(changed) >= patience, "{:?}", age(changed));
    // No signature of another archive beside this one.
    leave(&foreign, 20_000);
    assert_eq!(text(http.post(server.at("/api/charts")).body(chart).send()).0, 201);
    assert_eq!(prov().0, 404);
}

#[test]
fn killing_the_server_loses_nothing_that_it_confirmed_and_keeps_nothing_half() {
    let (_guard, home) = folder();
    let charts: Vec<Vec<u8>> = (0..24).map(|number| archive(&home, "app", &format!("1.{number}.0"))).collect();
    let provenance = |number: usize| {
        format!(
            "-----BEGIN PGP SIGNED MESSAGE-----\n\nname: app\n\n...\nfiles:\n  app-1.{number}.0.tgz: sha256:{}\n-----BEGIN PGP SIGNATURE-----\n",
            hex(&charts[number])
        )
    };
    let confirmed = Mutex::new(std::collections::BTreeSet::new());
    for round in 0..8_u64 {
        let mut server = Server::start(&home, &[]);
        std::thread::scope(|scope| {
            for lane in 0..3_usize {
                let (url, charts, confirmed, provenance) = (server.url.clone(), &charts, &confirmed, &provenance);
                scope.spawn(move || {
                    let http = client();
                    for number in (0..charts.len()).filter(|number| number % 3 == lane) {
                        let body = form(&charts[number], provenance(number).as_bytes());
                        let request = http.post(format!("{url}/api/charts")).header("content-type", "multipart/form-data; boundary=cut");
                        match request.body(body).send() {
                            Ok(answer) if matches!(answer.status().as_u16(), 201 | 409) => {
                                confirmed.lock().expect("the set").insert(number);
                            }
                            Ok(answer) => panic!("status {}", answer.status()),
                            // Killed: try again in the next round.
                            Err(_) => return,
                        }
                    }
                });
            }
            std::thread::sleep(Duration::from_millis(5 + round * 9));
            server.child.kill().expect("killed");
            server.child.wait().expect("its end");
        });
        // What lies in the storage under its own name is whole, and what was confirmed is there with its provenance.
        let stored = tree(&home.join("store"));
        for (number, chart) in charts.iter().enumerate() {
            let (found, beside) = (stored.get(&format!("app-1.{number}.0.tgz")), stored.get(&format!("app-1.{number}.0.tgz.prov")));
            assert!(found.is_none_or(|found| found == chart), "round {round}: half of 1.{number}.0");
            assert!(beside.is_none_or(|beside| *beside == provenance(number).as_bytes()), "round {round}: half of the provenance");
            let told = confirmed.lock().expect("the set").contains(&number);
            assert!(!told || (found.is_some() && beside.is_some()), "round {round}: 1.{number}.0 was confirmed and is lost");
            assert!(found.is_none() || beside.is_some(), "round {round}: 1.{number}.0 without its provenance");
        }
    }
    let server = Server::start(&home, &[]);
    for chart in &charts {
        let status = text(client().post(server.at("/api/charts")).body(chart.clone()).send()).0;
        assert!(matches!(status, 201 | 409), "{status}");
    }
    let index = text(client().get(server.at("/index.yaml")).send()).1;
    for (number, chart) in charts.iter().enumerate() {
        assert!(index.contains(&format!("charts/app-1.{number}.0.tgz\n")) && index.contains(&hex(chart)), "1.{number}.0");
    }
}
