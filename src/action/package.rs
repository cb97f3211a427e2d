//! Packing a chart folder into an archive.
//!
//! Goes in: the folder and what to change in the packed Chart.yaml. Comes out: where the archive was written, its bytes and the chart
//! as packed. The caller updates dependencies beforehand, since that needs the network. Matches Helm's `pkg/action/package.go`.

use crate::chart::metadata::sanitised;
use crate::chart::{Chart, Metadata, loader};
use crate::diagnostic::Notices;
use crate::error::{Error, ErrorKind, Result};
use crate::fs;
use crate::package::{archive, digest};
use crate::version::Version;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What to pack differently from the files on disk, and where to write the archive.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Instead of Chart.yaml's version, unless empty.
    pub version: String,
    /// Instead of Chart.yaml's appVersion, unless empty.
    pub app_version: String,
    /// The folder for the archive; `.` is the working folder and makes the reported path absolute.
    pub destination: PathBuf,
    /// The modification time of every file in the archive, seconds since 1970; without it files keep their own.
    pub time: Option<i64>,
}

/// An archive that was written.
#[derive(Debug)]
pub struct Report {
    pub path: PathBuf,
    /// The chart as it was packed.
    chart: Chart,
    /// The bytes of the archive.
    pub archive: Vec<u8>,
}

impl Report {
    /// SHA-256 of the archive, hex; computed on each call.
    pub fn digest(&self) -> String {
        digest::sha256_hex(&self.archive)
    }

    /// The Chart.yaml that was packed.
    pub fn metadata(&self) -> &Metadata {
        &self.chart.metadata
    }
}

/// Packs the chart in the archive at `path` again; `None` if the options change nothing, so that it stays as it is, and its signature
/// holds.
pub fn repack(path: &Path, options: &Options, notices: &mut Notices) -> Result<Option<Report>> {
    let chart = loader::load(path, notices)?;
    let stays = |wanted: &str, is: &str| wanted.is_empty() || wanted == is;
    if stays(&options.version, &chart.metadata.version) && stays(&options.app_version, &chart.metadata.app_version) {
        return Ok(None);
    }
    pack(chart, options).map(Some)
}

/// Packs the chart in the folder at `path`.
pub fn run(path: &Path, options: &Options, notices: &mut Notices) -> Result<Report> {
    // Each file is read when it is packed. After a fault everything is read first, as Helm does, so that the errors come in Helm's order.
    let mut told = Notices::new();
    let packed = loader::load_directory_to_pack(path, &mut told).and_then(|chart| pack(chart, options));
    if let Ok(report) = packed {
        notices.append(told);
        return Ok(report);
    }
    pack(loader::load_directory(path, notices)?, options)
}

fn pack(mut chart: Chart, options: &Options) -> Result<Report> {
    let mut metadata = (*chart.metadata).clone();
    if !options.version.is_empty() {
        metadata.version.clone_from(&options.version);
    }
    Version::parse(&metadata.version).map_err(|error| Error::new(ErrorKind::Chart, error.to_string()))?;
    if !options.app_version.is_empty() {
        // As each field of the file; the version has no such characters.
        metadata.app_version = sanitised(options.app_version.as_str().into()).into_owned();
    }
    chart.metadata = Arc::new(metadata);
    chart.check_dependencies()?;
    let folder = match options.destination == Path::new(".") {
        true => fs::absolute(Path::new("."))?,
        false => options.destination.clone(),
    };
    let (path, archive) = archive::save(&chart, &folder, options.time).map_err(|error| error.context("failed to save"))?;
    Ok(Report { path, chart, archive })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    fn options(destination: &Path) -> Options {
        Options { destination: destination.to_path_buf(), ..Options::default() }
    }

    /// A chart with these files besides its Chart.yaml.
    fn folder(files: &[(&str, &[u8])]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().expect("a folder");
        for (name, data) in [("Chart.yaml", &b"apiVersion: v2\nname: app\nversion: 1.0.0\n"[..])].iter().chain(files) {
            let path = folder.path().join(name);
            fs::create_folders(path.parent().expect("a folder")).expect("made");
            fs::write(&path, data).expect("written");
        }
        folder
    }

    fn members(archive: &[u8]) -> BTreeMap<String, Vec<u8>> {
        let files = loader::archive::read(archive).expect("an archive");
        files.into_iter().map(|file| (file.name.to_string(), file.data.to_vec())).collect()
    }

    #[test]
    fn files_that_are_read_late_make_the_same_archive() {
        let examples = fs::names(Path::new("charts-examples")).expect("examples");
        let numbers: String = (0..60_000).map(|number| format!("{number} ")).collect();
        let long_name = format!("files/{}", "n".repeat(120));
        let own = folder(&[
            ("files/large.txt", numbers.as_bytes()),
            ("templates/a.yaml", b"a: b\n"),
            ("files/empty", b""),
            (&long_name, b"long"),
            ("charts/sub/Chart.yaml", b"apiVersion: v2\nname: sub\nversion: 1.0.0\n"),
            ("charts/sub/README.md", &[b'x'; 512]),
        ]);
        let charts = examples.iter().map(|name| Path::new("charts-examples").join(name)).chain([own.path().to_path_buf()]);
        let out = tempfile::tempdir().expect("a folder");
        let mut count = 0;
        for path in charts {
            let loaded = loader::load_directory(&path, &mut Notices::new()).expect("a chart");
            let late = loader::load_directory_to_pack(&path, &mut Notices::new()).expect("a chart");
            let bytes = archive::to_bytes(&loaded, None).expect("packed");
            assert!(archive::to_bytes(&late, None).expect("packed") == bytes, "{}", path.display());
            if loaded.check_dependencies().is_ok() {
                assert!(run(&path, &options(out.path()), &mut Notices::new()).expect("packed").archive == bytes, "{}", path.display());
            }
            count += 1;
        }
        assert!(count > 3, "{count}");
    }

    // Helm 4.2.4 gives the same file.
    #[test]
    fn an_app_version_of_the_command_line_is_cleaned_as_that_of_the_file() {
        let (chart, out) = (folder(&[]), tempfile::tempdir().expect("a folder"));
        let options = Options { app_version: "\t1\u{7}.2\u{a0}3\n".into(), ..options(out.path()) };
        let report = run(chart.path(), &options, &mut Notices::new()).expect("packed");
        let text = String::from_utf8(members(&report.archive).remove("Chart.yaml").expect("there")).expect("a text");
        assert_eq!(text, "apiVersion: v2\nappVersion: ' 1.2 3 '\nname: app\nversion: 1.0.0\n");
    }

    #[test]
    fn byte_order_marks_are_left_out() {
        let chart = folder(&[("templates/a.yaml", b"\xEF\xBB\xBFa: b\n"), ("values.yaml", b"\xEF\xBB\xBFc: d\n")]);
        let out = tempfile::tempdir().expect("a folder");
        let report = run(chart.path(), &options(out.path()), &mut Notices::new()).expect("packed");
        let members = members(&report.archive);
        assert_eq!((members["templates/a.yaml"].as_slice(), members["values.yaml"].as_slice()), (&b"a: b\n"[..], &b"c: d\n"[..]));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn faults_come_in_the_order_of_who_reads_all_first() {
        let chart = folder(&[("templates/a.yaml", b"a: b\n")]);
        fs::write(
            &chart.path().join("Chart.yaml"),
            b"apiVersion: v2\nname: app\nversion: 1.0.0\ndependencies: [{name: gone, version: 1.0.0}]\n",
        )
        .expect("written");
        let out = tempfile::tempdir().expect("a folder");
        let fault = || run(chart.path(), &options(out.path()), &mut Notices::new()).expect_err("a fault").to_string();
        assert!(fault().contains("gone"), "{}", fault());
        // A file that even root cannot read.
        std::os::unix::fs::symlink("/proc/self/mem", chart.path().join("templates/b.yaml")).expect("linked");
        assert!(fault().contains("error reading templates/b.yaml"), "{}", fault());
        assert!(fs::names(out.path()).expect("a folder").is_empty());
    }
}
