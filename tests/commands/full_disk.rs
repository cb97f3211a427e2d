//! A disk that is full: a small tmpfs where the tests may mount one (root), else a bound on the size of files. A command that
//! cannot write says so, leaves what was there as it was, and works again once there is room.

use super::kill::{big_chart, noise};
use super::serve::{Server, archive, client, text};
use super::{folder, output_of, rutter};
use std::path::{Path, PathBuf};
use std::process::Command;

/// A folder on a disk of its own, or one in which no file may grow beyond the size.
struct Disk {
    place: PathBuf,
    kilobytes: u32,
    mounted: bool,
}

impl Disk {
    fn new(home: &Path, kilobytes: u32) -> Disk {
        let place = home.join("disk");
        std::fs::create_dir(&place).expect("a folder");
        let size = format!("size={kilobytes}k");
        let mount = Command::new("mount").args(["-t", "tmpfs", "-o", &size, "tmpfs"]).arg(&place).output();
        let mounted = mount.is_ok_and(|output| output.status.success());
        if !mounted {
            eprintln!("note: no tmpfs can be mounted here, the size of files is bounded instead");
        }
        Disk { place, kilobytes, mounted }
    }

    /// `command`, under the bound where there is no disk of its own.
    fn run(&self, command: Command) -> Command {
        if self.mounted {
            return command;
        }
        // Blocks are of 512 bytes. Without the signal the write fails as on a full disk.
        let mut bounded = Command::new("sh");
        bounded.arg("-c").arg(format!("ulimit -f {}; trap '' XFSZ; exec \"$0\" \"$@\"", self.kilobytes * 2));
        bounded.arg(command.get_program()).args(command.get_args());
        if let Some(folder) = command.get_current_dir() {
            bounded.current_dir(folder);
        }
        bounded.env_clear();
        for (name, value) in command.get_envs() {
            if let Some(value) = value {
                bounded.env(name, value);
            }
        }
        bounded
    }

    /// What a failing run says.
    fn fails(&self, command: Command) -> String {
        let output = self.run(command).output().expect("the binary runs");
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(1), "{error}");
        assert!(error.contains("no space left on device") || error.contains("file too large"), "{error}");
        error
    }

    /// The files below, without folders.
    fn left(&self) -> Vec<String> {
        let mut left = Vec::new();
        let mut open = vec![self.place.clone()];
        while let Some(folder) = open.pop() {
            for entry in std::fs::read_dir(folder).expect("a folder") {
                let path = entry.expect("an entry").path();
                if path.is_dir() {
                    open.push(path);
                } else {
                    left.push(path.strip_prefix(&self.place).expect("below").to_string_lossy().into_owned());
                }
            }
        }
        left.sort();
        left
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        if self.mounted {
            let _ = Command::new("umount").arg("-l").arg(&self.place).status();
        }
    }
}

fn with(mut command: Command, arguments: &[&dyn AsRef<std::ffi::OsStr>]) -> Command {
    for argument in arguments {
        command.arg(argument);
    }
    command
}

#[test]
fn package_on_a_full_disk_keeps_the_old_archive() {
    let (_guard, home) = folder();
    let disk = Disk::new(&home, 512);
    let chart = big_chart(&home, "big", 8, 400_000);
    let path = disk.place.join("big-1.0.0.tgz");
    std::fs::write(&path, "old").expect("room for a little");
    let package = || with(rutter(&home), &[&"package", &chart, &"-d", &disk.place]);
    let error = disk.fails(package());
    assert!(error.contains("big-1.0.0.tgz"), "{error}");
    assert_eq!(disk.left(), ["big-1.0.0.tgz"]);
    assert_eq!(std::fs::read(&path).expect("the old archive"), b"old");
    big_chart(&home, "big", 8, 100);
    output_of(&mut disk.run(package()));
}

#[test]
fn dependency_build_on_a_full_disk_keeps_what_was_there() {
    let (_guard, home) = folder();
    let disk = Disk::new(&home, 512);
    let parent = disk.place.join("p");
    std::fs::create_dir(&parent).expect("a folder");
    big_chart(&home, "near", 8, 400_000);
    let text = "apiVersion: v2\nname: p\nversion: 1.0.0\ndependencies:\n- name: near\n  version: ^1\n  repository: file://";
    std::fs::write(parent.join("Chart.yaml"), format!("{text}{}\n", home.join("near").display())).expect("a file");
    let update = |what: &'static str| with(rutter(&home), &[&"dependency", &what, &parent]);
    disk.fails(update("update"));
    assert_eq!(disk.left(), ["p/Chart.yaml"]);
    big_chart(&home, "near", 8, 100);
    output_of(&mut disk.run(update("update")));
    let whole = ["p/Chart.lock", "p/Chart.yaml", "p/charts/near-1.0.0.tgz"];
    assert_eq!(disk.left(), whole);
    let kept = std::fs::read(parent.join("charts/near-1.0.0.tgz")).expect("the archive");
    big_chart(&home, "near", 8, 400_000);
    disk.fails(update("build"));
    assert_eq!(disk.left(), whole);
    assert_eq!(std::fs::read(parent.join("charts/near-1.0.0.tgz")).expect("the archive"), kept);
}

#[test]
fn repo_update_on_a_full_disk_keeps_the_old_index() {
    let (_guard, home) = folder();
    let disk = Disk::new(&home, 256);
    let server = Server::start(&home, &[]);
    let push = |version: &str| text(client().post(server.at("/api/charts")).body(archive(&home, "app", version)).send()).0;
    assert_eq!(push("1.0.0"), 201);
    let repo = |arguments: &[&str]| {
        let mut command = rutter(&home);
        command.env("HELM_REPOSITORY_CACHE", &disk.place).arg("repo").args(arguments);
        command
    };
    output_of(&mut disk.run(repo(&["add", "local", &server.url])));
    let before = std::fs::read(disk.place.join("local-index.yaml")).expect("the index");
    // One chart with a description as large as the disk.
    let chart = home.join("sources/wide-1.0.0");
    std::fs::create_dir_all(&chart).expect("a folder");
    let wide = noise(3, 400_000).replace(['\n', ':'], " ");
    std::fs::write(chart.join("Chart.yaml"), format!("apiVersion: v2\nname: wide\nversion: 1.0.0\ndescription: {wide}\n")).expect("a file");
    output_of(rutter(&home).arg("package").arg(&chart).arg("-d").arg(&home));
    let wide = std::fs::read(home.join("wide-1.0.0.tgz")).expect("the archive");
    assert_eq!(text(client().post(server.at("/api/charts")).body(wide).send()).0, 201);
    let output = disk.run(repo(&["update"])).output().expect("the binary runs");
    let told = [output.stdout, output.stderr].concat();
    let told = String::from_utf8_lossy(&told);
    assert!(!output.status.success() && (told.contains("no space left on device") || told.contains("file too large")), "{told}");
    assert_eq!(std::fs::read(disk.place.join("local-index.yaml")).expect("the index"), before);
    assert!(disk.left().iter().all(|name| name.starts_with("local-")), "{:?}", disk.left());
    text(client().delete(server.at("/api/charts/wide/1.0.0")).send());
    output_of(&mut disk.run(repo(&["update"])));
}

#[test]
fn pull_on_a_full_disk_leaves_nothing() {
    let (_guard, home) = folder();
    let disk = Disk::new(&home, 512);
    let server = Server::start(&home, &[]);
    let chart = big_chart(&home, "big", 8, 400_000);
    output_of(rutter(&home).arg("package").arg(chart).arg("-d").arg(&home));
    let bytes = std::fs::read(home.join("big-1.0.0.tgz")).expect("the archive");
    assert_eq!(text(client().post(server.at("/api/charts")).body(bytes).send()).0, 201);
    let pull = |name: &str, rest: &[&str]| {
        let mut command = rutter(&home);
        command.arg("pull").arg(name).args(["--repo", &server.url, "-d"]).arg(&disk.place).args(rest);
        command
    };
    disk.fails(pull("big", &[]));
    assert_eq!(disk.left(), [] as [&str; 0]);
    if disk.mounted {
        // Each file for itself is below the bound, all together are over the disk.
        disk.fails(pull("big", &["--untar"]));
        assert_eq!(std::fs::read_dir(&disk.place).expect("the folder").count(), 0, "no half of a chart");
    }
    assert_eq!(text(client().post(server.at("/api/charts")).body(archive(&home, "app", "1.0.0")).send()).0, 201);
    output_of(&mut disk.run(pull("app", &["--untar"])));
    assert!(disk.place.join("app/Chart.yaml").exists());
}

#[test]
fn the_server_refuses_what_does_not_fit_on_its_disk_and_goes_on() {
    let (_guard, home) = folder();
    let disk = Disk::new(&home, 512);
    let store = disk.place.join("store");
    let serve = with(rutter(&home), &[&"serve", &"--listen", &"127.0.0.1:0", &"--storage", &store]);
    let server = Server::spawn(disk.run(serve).stderr(std::process::Stdio::null()));
    let chart = big_chart(&home, "big", 8, 400_000);
    output_of(rutter(&home).arg("package").arg(chart).arg("-d").arg(&home));
    let bytes = std::fs::read(home.join("big-1.0.0.tgz")).expect("the archive");
    let post = |bytes: Vec<u8>| text(client().post(server.at("/api/charts")).body(bytes).send());
    assert_eq!(post(bytes), (507, "{\"error\":\"storage is full\"}".into()));
    assert_eq!(disk.left(), [] as [&str; 0]);
    assert_eq!(text(client().get(server.at("/charts/big-1.0.0.tgz")).send()).0, 404);
    let registry = server.url.replace("http://", "oci://");
    let output =
        rutter(&home).arg("push").arg(home.join("big-1.0.0.tgz")).args([&registry, "--plain-http"]).output().expect("the binary runs");
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.code() == Some(1) && error.contains("507"), "{error}");
    assert!(disk.left().iter().all(|name| !name.ends_with(".tgz") && !name.contains('#')), "{:?}", disk.left());
    assert_eq!(post(archive(&home, "app", "1.0.0")).0, 201);
    let index = text(client().get(server.at("/index.yaml")).send()).1;
    assert!(index.contains("app-1.0.0.tgz") && !index.contains("big"), "{index}");
}

#[test]
fn errors_that_cannot_be_shown_end_with_1() {
    let (_guard, home) = folder();
    for arguments in [["template", "no-chart"], ["lint", "no-chart"], ["template", "--no-flag"]] {
        for target in ["2>/dev/full", "2>&-"] {
            let mut command = Command::new("sh");
            command.args(["-c", &format!("exec \"$0\" \"$@\" {target}")]).arg(rutter(&home).get_program()).args(arguments);
            let status = command.env_clear().env("HOME", &home).status().expect("the binary runs");
            assert_eq!(status.code(), Some(1), "{arguments:?} {target}");
        }
    }
}
