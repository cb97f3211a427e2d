//! Archives that lie, climb, never end or are cut short: each must be refused quickly and in little memory.
//! Whatever needs a whole process to itself to be measured belongs here; single rules are tested beside their code.

mod support;

use rutter::chart::loader;
use rutter::diagnostic::Notices;
use rutter::error::ErrorKind;
use std::time::{Duration, Instant};
use support::{header, member, pack};

const CHART: &[u8] = b"apiVersion: v2\nname: app\nversion: 1.0.0\n";

fn load(archive: &[u8]) -> Result<(), rutter::error::Error> {
    loader::load_archive(archive, &mut Notices::new()).map(|_| ())
}

/// The most memory that this process ever had, in MiB.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap_or("VmHWM: 0 kB");
    line.split_whitespace().nth(1).and_then(|number| number.parse::<u64>().ok()).unwrap_or(0) / 1024
}

#[test]
fn bombs_are_refused_in_time_and_memory() {
    let zeros = pack(&vec![0; 16 << 20]);
    let start = |member: [u8; 512]| {
        let mut archive = pack(&member);
        // Gzip streams may follow each other: 10 GiB of zeros in some megabytes.
        for _ in 0..640 {
            archive.extend_from_slice(&zeros);
        }
        archive
    };
    let began = Instant::now();
    for (what, first, expected) in [
        ("a file of 10 GiB", header("app/a", b'0', 10 << 30), "decompressed chart is larger than the maximum size 104857600"),
        (
            "a file of 6 MiB",
            header("app/a", b'0', 6 << 20),
            "decompressed chart file \"app/a\" is larger than the maximum file size 5242880",
        ),
        ("a name of 10 GiB", header("x", b'L', 10 << 30), "archive/tar: header field too long"),
        ("records of 10 GiB", header("x", b'x', 10 << 30), "archive/tar: header field too long"),
        ("global records of 10 GiB", header("x", b'g', 10 << 30), "archive/tar: header field too long"),
        ("a sparse file of 10 GiB", header("app/a", b'S', 10 << 30), "archive/tar: invalid tar header"),
        ("zeros after the end", [0; 512], "no files in chart archive"),
        ("a folder with 10 GiB", header("app/", b'5', 10 << 30), "no files in chart archive"),
        ("a folder by name with 10 GiB", header("app/", b'0', 10 << 30), "decompressed chart is larger than the maximum size 104857600"),
        ("a negative size", header("app/a", b'0', u64::MAX), "archive/tar: invalid tar header"),
    ] {
        let error = load(&start(first)).expect_err(what);
        assert!(error.message().ends_with(expected), "{what}: {error}");
    }
    let many = pack(&{
        let mut many = Vec::new();
        for _ in 0..20 {
            member(&mut many, "app/a", b'0', &vec![0; 5 << 20]);
        }
        many
    });
    let error = load(&many).expect_err("100 MiB in all");
    assert_eq!(error.kind(), ErrorKind::Limit, "{error}");
    let headers: Vec<u8> = header("app/a/", b'5', 0).repeat(1000);
    let headers = pack(&headers).repeat(2000);
    let error = load(&headers).expect_err("two million members");
    assert!(error.message().contains("more than 100000 entries"), "{error}");
    // What stands before members is no member, and counts all the same.
    let mut name = header("x", b'L', 1 << 20).to_vec();
    name.resize(name.len() + (1 << 20), b'a');
    let error = load(&pack(&name).repeat(10_000)).expect_err("names of 10 GiB");
    assert!(error.message().ends_with("decompressed chart is larger than the maximum size 104857600"), "{error}");
    assert!(began.elapsed() < Duration::from_secs(120), "took {:?}", began.elapsed());
    // Making the archives takes the most; Go's Helm would need 10 GiB and more.
    assert!(peak() < 500, "{} MiB", peak());
}

#[test]
fn paths_never_leave_the_chart() {
    for (name, expected) in [
        ("app/../../etc/passwd", "chart illegally references parent directory"),
        ("app//etc/passwd", "chart illegally contains absolute paths"),
        ("app\\..\\..\\x", "chart illegally references parent directory"),
        ("app/c:/x", "chart contains illegally named files"),
        ("Chart.yaml", "chart illegally contains content outside the base directory: \"Chart.yaml\""),
    ] {
        let mut tar = Vec::new();
        member(&mut tar, name, b'0', b"x");
        member(&mut tar, "app/Chart.yaml", b'0', CHART);
        let error = load(&pack(&tar)).expect_err(name);
        assert!(error.message().ends_with(expected), "{name}: {error}");
    }
}

#[test]
fn links_are_empty_files() {
    let mut tar = Vec::new();
    member(&mut tar, "app/Chart.yaml", b'0', CHART);
    for (name, kind) in [("app/hard", b'1'), ("app/soft", b'2'), ("app/pipe", b'6')] {
        let mut block = header(name, kind, 0);
        block[157..168].copy_from_slice(b"/etc/passwd");
        block[148..156].copy_from_slice(b"        ");
        let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum();
        block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        tar.extend_from_slice(&block);
    }
    let chart = loader::load_archive(&pack(&tar), &mut Notices::new()).unwrap();
    assert_eq!(chart.content.files.len(), 3);
    assert!(chart.content.files.iter().all(|file| file.data.is_empty()));
}

/// Read as Helm 4.2.4 reads them: only a header without a type marks a folder by its name, and then has no data.
#[test]
fn data_behind_a_name_with_a_slash_is_no_member() {
    let mut hidden = Vec::new();
    member(&mut hidden, "app/templates/hidden.yaml", b'0', b"hidden: true\n");
    let load = |kind: u8, data: &[u8]| {
        let mut tar = Vec::new();
        member(&mut tar, "app/Chart.yaml", b'0', CHART);
        member(&mut tar, "app/docs/", kind, data);
        member(&mut tar, "app/values.yaml", b'0', b"a: 1\n");
        loader::load_archive(&pack(&tar), &mut Notices::new())
    };
    let names = |kind: u8, data: &[u8]| {
        let chart = load(kind, data).unwrap();
        assert_eq!(chart.content.templates.len(), 0);
        chart.content.raw.iter().map(|file| file.name.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(names(b'0', &hidden), ["Chart.yaml", "docs", "values.yaml"]);
    assert_eq!(names(0, b""), ["Chart.yaml", "values.yaml"]);
    assert_eq!(names(b'5', b""), ["Chart.yaml", "values.yaml"]);
    // Nor does what has no data have a size.
    for kind in [0, b'1', b'2', b'3', b'4', b'6'] {
        assert!(load(kind, b"no header").unwrap_err().to_string().contains("unable to load chart archive"), "{kind}");
    }
    assert!(load(b'5', b"").is_ok());
}

#[test]
fn what_is_cut_short_or_damaged_is_an_error_and_no_panic() {
    let mut tar = Vec::new();
    member(&mut tar, "app/Chart.yaml", b'0', CHART);
    member(&mut tar, "app/values.yaml", b'0', b"a: 1\n");
    tar.resize(tar.len() + 1024, 0);
    let archive = pack(&tar);
    assert!(load(&archive).is_ok());
    for length in 0..archive.len() - 9 {
        // Cut in the checksum at the end, which nobody reads, it is still whole.
        let _ = load(&archive[..length]);
    }
    assert!(load(&archive[..archive.len() / 2]).is_err());
    let mut seed: u32 = 1;
    for _ in 0..300 {
        let mut damaged = tar.clone();
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let at = seed as usize % damaged.len();
        damaged[at] ^= (seed >> 24) as u8 | 1;
        let _ = load(&pack(&damaged));
        let mut damaged = archive.clone();
        let at = seed as usize % damaged.len();
        damaged[at] ^= (seed >> 24) as u8 | 1;
        let _ = load(&damaged);
    }
}

#[test]
fn archives_within_archives_end() {
    let mut inner = pack(&{
        let mut tar = Vec::new();
        member(&mut tar, "app/Chart.yaml", b'0', CHART);
        tar
    });
    for _ in 0..150 {
        let mut tar = Vec::new();
        member(&mut tar, "app/Chart.yaml", b'0', CHART);
        member(&mut tar, "app/charts/app.tgz", b'0', &inner);
        inner = pack(&tar);
    }
    let error = load(&inner).expect_err("150 levels");
    assert_eq!(error.kind(), ErrorKind::Limit);
}

#[test]
fn equal_subcharts_are_read_once() {
    let common = pack(&{
        let mut tar = Vec::new();
        member(&mut tar, "common/Chart.yaml", b'0', b"apiVersion: v2\nname: common\nversion: 1.0.0\n");
        member(&mut tar, "common/templates/_a.tpl", b'0', b"{{ define \"a\" }}a{{ end }}");
        tar
    });
    let mut tar = Vec::new();
    member(&mut tar, "app/Chart.yaml", b'0', CHART);
    for name in ["one", "two"] {
        let text = format!("apiVersion: v2\nname: {name}\nversion: 1.0.0\n");
        member(&mut tar, format!("app/charts/{name}/Chart.yaml"), b'0', text.as_bytes());
        member(&mut tar, format!("app/charts/{name}/charts/common-1.0.0.tgz"), b'0', &common);
        member(&mut tar, format!("app/charts/{name}/charts/plain/Chart.yaml"), b'0', b"apiVersion: v2\nname: plain\nversion: 1.0.0\n");
    }
    let chart = loader::load_archive(&pack(&tar), &mut Notices::new()).unwrap();
    let [one, two] = chart.dependencies.as_slice() else { panic!("two subcharts") };
    assert_ne!(one.content.source_id, two.content.source_id);
    for at in 0..2 {
        assert!(std::sync::Arc::ptr_eq(&one.dependencies[at].content, &two.dependencies[at].content));
    }
}
