//! The bytes of a packed chart.
//!
//! Goes in: a [`Chart`]. Comes out: `NAME-VERSION.tgz`: Chart.yaml and Chart.lock written anew, values.yaml,
//! the schema, templates, other files, then the subcharts unpacked below `charts/`. The same chart always gives
//! the same bytes. Headers are written by hand because they must equal those of Go's `archive/tar`: ustar, and
//! pax only where a name or time needs it; `gzip` compresses them. Matches Helm's `pkg/chart/v2/util/save.go`.

use super::gzip;
use crate::chart::{Bytes, Chart};
use crate::error::{Error, ErrorKind, Result};
use crate::fs;
use crate::json;
use crate::quote::quote;
use std::ops::Range;
use std::path::{Path, PathBuf};

pub(super) const BLOCK: usize = 512;
/// The kind of every file of a chart.
const CHART_FILE: Kind = Kind::File(0o644);
/// The end mark after the last member.
pub(super) const END: &[u8] = &[0; 2 * BLOCK];
/// The longest name, and the longest folder in front of it, that a ustar header holds.
const NAME_SIZE: usize = 100;
const PREFIX_SIZE: usize = 155;

/// The name of a chart's archive: `NAME-VERSION.tgz`.
pub fn file_name(chart: &Chart) -> String {
    format!("{}-{}.tgz", chart.name(), chart.metadata.version)
}

/// Writes the archive of `chart` into `folder`, which is created if missing; an existing archive of that name is replaced. Every
/// header has `time` (seconds since 1970), if given, instead of the file's own time. Returns the path and the bytes written.
pub fn save(chart: &Chart, folder: &Path, time: Option<i64>) -> Result<(PathBuf, Vec<u8>)> {
    check(chart)?;
    match fs::stat(folder) {
        Ok(entry) if entry.kind == fs::Kind::Folder => {}
        Ok(_) => return Err(Error::new(ErrorKind::Io, format!("is not a directory: {}", folder.display()))),
        Err(_) if fs::is_missing(folder) => fs::create_folders(folder)?,
        Err(error) => return Err(error.context(format_args!("stat {}", folder.display()))),
    }
    let path = fs::clean(&folder.join(file_name(chart)));
    let bytes = to_bytes(chart, time)?;
    fs::write_unless_same(&path, &bytes, fs::Mode::New(0o666))?;
    Ok((path, bytes))
}

/// Checks that a chart may be packed.
pub fn check(chart: &Chart) -> Result<()> {
    (*chart.metadata).clone().validate().map_err(|error| error.context("chart validation"))
}

/// The bytes of the archive of `chart`.
pub fn to_bytes(chart: &Chart, time: Option<i64>) -> Result<Vec<u8>> {
    let mut tar = Tar { members: Vec::new(), length: 0, time };
    tar.add_chart(chart, "")?;
    tar.length += END.len();
    gzip::compress(&tar)
}

/// A tar stream whose bytes are generated when a range of them is read.
struct Tar<'a> {
    members: Vec<Member<'a>>,
    /// In bytes.
    length: usize,
    /// The time of every member, unless they have their own.
    time: Option<i64>,
}

struct Member<'a> {
    name: String,
    time: i64,
    data: Data<'a>,
    size: usize,
    /// The offsets in the stream of its headers and its data, and the end of its padding.
    start: usize,
    data_start: usize,
    end: usize,
}

enum Data<'a> {
    Made(String),
    Of(&'a Bytes),
}

impl<'a> Tar<'a> {
    fn add_chart(&mut self, chart: &'a Chart, parent: &str) -> Result<()> {
        let (name, content) = (chart.name(), &chart.content);
        if name.is_empty() || name.contains('/') || matches!(name, "." | "..") {
            let message = format!("chart.metadata.name {} is invalid", quote(name.as_bytes()));
            return Err(Error::new(ErrorKind::Chart, message));
        }
        let top = format!("{parent}{name}/");
        // A file without a time gets that of Chart.yaml, so that the bytes do not depend on the clock.
        let fallback = content.modified.unwrap_or(0);
        let mut add = |name: &str, data: Data<'a>, modified: Option<i64>| {
            self.add(format!("{top}{name}"), data, self.time.or(modified).unwrap_or(fallback));
        };
        add("Chart.yaml", Data::Made(chart.metadata.to_chart_yaml()?), content.modified);
        if let Some(lock) = content.lock.as_ref().filter(|_| chart.metadata.api_version == "v2") {
            add("Chart.lock", Data::Made(lock.to_yaml()?), lock.modified());
        }
        for file in content.raw.iter().filter(|file| &*file.name == "values.yaml") {
            add(&file.name, Data::Of(&file.data), file.modified);
        }
        if let Some(schema) = &content.schema {
            if json::parse(&schema.data).is_err() {
                return Err(Error::new(ErrorKind::Chart, "invalid JSON in values.schema.json"));
            }
            add(&schema.name, Data::Of(&schema.data), schema.modified);
        }
        for file in content.templates.iter().chain(&content.files) {
            add(&file.name, Data::Of(&file.data), file.modified);
        }
        let below = format!("{top}charts/");
        for subchart in &chart.dependencies {
            self.add_chart(subchart, &below)?;
        }
        Ok(())
    }

    fn add(&mut self, name: String, data: Data<'a>, time: i64) {
        let size = match &data {
            Data::Made(text) => text.len(),
            Data::Of(bytes) => bytes.known_length().unwrap_or_else(|| bytes.len()),
        };
        let start = self.length;
        let data_start = start + headers(&name, CHART_FILE, size, time).len();
        let end = data_start + size.next_multiple_of(BLOCK);
        self.length = end;
        self.members.push(Member { name, time, data, size, start, data_start, end });
    }
}

impl gzip::Source for Tar<'_> {
    fn length(&self) -> usize {
        self.length
    }

    fn append(&self, range: Range<usize>, bytes: &mut Vec<u8>) -> Result<()> {
        /// The part of `range` that overlaps the `size` bytes at `start`, relative to `start`.
        fn overlap(range: &Range<usize>, start: usize, size: usize) -> Option<Range<usize>> {
            let overlap = range.start.max(start)..range.end.min(start + size);
            (!overlap.is_empty()).then(|| overlap.start - start..overlap.end - start)
        }
        let first = self.members.partition_point(|member| member.end <= range.start);
        let members = self.members.get(first..).unwrap_or_default();
        for member in members.iter().take_while(|member| member.start < range.end) {
            if let Some(part) = overlap(&range, member.start, member.data_start - member.start) {
                bytes.extend_from_slice(headers(&member.name, CHART_FILE, member.size, member.time).get(part).unwrap_or_default());
            }
            if let Some(part) = overlap(&range, member.data_start, member.size) {
                match &member.data {
                    Data::Made(text) => bytes.extend_from_slice(text.as_bytes().get(part).unwrap_or_default()),
                    Data::Of(data) => data.append_range(part, bytes)?,
                }
            }
            let data_end = member.data_start + member.size;
            if let Some(part) = overlap(&range, data_end, member.end - data_end) {
                bytes.extend(part.map(|_| 0));
            }
        }
        if let Some(part) = overlap(&range, self.length - END.len(), END.len()) {
            bytes.extend_from_slice(END.get(part).unwrap_or_default());
        }
        Ok(())
    }
}

/// The kind of a member, with its permissions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    File(u32),
    Folder(u32),
}

/// The headers of a member: its ustar header, preceded by a pax header if that cannot hold its name or time.
pub(super) fn headers(name: &str, kind: Kind, size: usize, time: i64) -> Vec<u8> {
    let (prefix, base, needs_pax) = match split_name(name) {
        Some((prefix, base)) => (prefix, base.to_string(), false),
        None => ("", ascii(name), true),
    };
    let mut headers = Vec::with_capacity(BLOCK);
    // Eleven octal digits hold any realistic time after 1970.
    let plain_time = (0..1 << 33).contains(&time);
    if needs_pax || !plain_time {
        let mut records = String::new();
        if !plain_time {
            records.push_str(&record("mtime", &time.to_string()));
        }
        if needs_pax {
            records.push_str(&record("path", name));
        }
        let (folder, file) = name.rsplit_once('/').unwrap_or(("", name));
        let pax_name = if folder.is_empty() { format!("PaxHeaders.0/{file}") } else { format!("{folder}/PaxHeaders.0/{file}") };
        let mut pax_name = ascii(&pax_name);
        pax_name.truncate(NAME_SIZE);
        headers.extend_from_slice(&header(pax_name.trim_end_matches('/'), "", 0, records.len(), 0, b'x'));
        headers.extend_from_slice(records.as_bytes());
        headers.resize(headers.len().next_multiple_of(BLOCK), 0);
    }
    let time = if plain_time { time } else { 0 };
    let (mode, flag) = match kind {
        Kind::File(mode) => (mode, b'0'),
        Kind::Folder(mode) => (mode, b'5'),
    };
    headers.extend_from_slice(&header(&base, prefix, mode, size, time, flag));
    headers
}

/// Splits the name as a ustar header holds it: the folder part that does not fit, and the rest. `None` if it does not fit at all.
fn split_name(name: &str) -> Option<(&str, &str)> {
    if !name.is_ascii() {
        return None;
    }
    if name.len() <= NAME_SIZE {
        return Some(("", name));
    }
    let reach = name.get(..name.len().min(PREFIX_SIZE + 1))?;
    let (prefix, _) = reach.rsplit_once('/')?;
    let base = name.get(prefix.len() + 1..)?;
    (!prefix.is_empty() && !base.is_empty() && base.len() <= NAME_SIZE).then_some((prefix, base))
}

fn ascii(name: &str) -> String {
    name.chars().filter(char::is_ascii).collect()
}

/// A pax record, which starts with its own length.
fn record(key: &str, value: &str) -> String {
    let rest = format!(" {key}={value}\n");
    let mut length = rest.len() + 1;
    while length != rest.len() + length.to_string().len() {
        length = rest.len() + length.to_string().len();
    }
    format!("{length}{rest}")
}

fn header(name: &str, prefix: &str, mode: u32, size: usize, time: i64, kind: u8) -> [u8; BLOCK] {
    let mut block = [0; BLOCK];
    let mut put = |at: usize, text: &[u8], limit: usize| {
        let length = text.len().min(limit);
        if let (Some(field), Some(text)) = (block.get_mut(at..at + length), text.get(..length)) {
            field.copy_from_slice(text);
        }
    };
    put(0, name.as_bytes(), NAME_SIZE);
    put(100, format!("{mode:07o}").as_bytes(), 8);
    put(108, b"0000000", 8);
    put(116, b"0000000", 8);
    put(124, format!("{size:011o}").as_bytes(), 12);
    put(136, format!("{time:011o}").as_bytes(), 12);
    put(148, b"        ", 8);
    put(156, &[kind], 1);
    put(257, b"ustar\x0000", 8);
    put(329, b"0000000", 8);
    put(337, b"0000000", 8);
    put(345, prefix.as_bytes(), PREFIX_SIZE);
    let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum();
    if let Some(field) = block.get_mut(148..156) {
        field.copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    }
    block
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_counts_its_own_length() {
        assert_eq!(record("path", "abc"), "12 path=abc\n");
        for length in 80..110 {
            let record = record("path", &"x".repeat(length));
            let (count, _) = record.split_once(' ').unwrap();
            assert_eq!(count.parse::<usize>().unwrap(), record.len());
        }
    }

    #[test]
    fn names_are_split_as_go_does() {
        let long = format!("{}/{}", "d".repeat(60), "f".repeat(60));
        assert_eq!(split_name(&long), Some(("d".repeat(60).as_str(), "f".repeat(60).as_str())));
        assert_eq!(split_name("short/name"), Some(("", "short/name")));
        assert_eq!(split_name(&"f".repeat(101)), None);
        assert_eq!(split_name("é"), None);
        assert_eq!(split_name(&format!("{}/f", "d".repeat(156))), None);
    }

    /// A folder, a slash and a name with these lengths in bytes.
    fn path(folder: usize, name: usize) -> String {
        format!("{}/{}", "d".repeat(folder), "f".repeat(name))
    }

    #[test]
    fn a_header_holds_a_hundred_bytes_behind_a_folder_of_no_more_than_155() {
        for (name, fits) in [
            ("f".repeat(100), true),
            ("f".repeat(101), false),
            (path(49, 50), true),
            (path(50, 50), true),
            (path(155, 1), true),
            (path(156, 1), false),
            (path(155, 100), true),
            (path(155, 101), false),
            (path(156, 100), false),
            (path(1, 100), true),
            (path(1, 101), false),
            (format!("/{}", "f".repeat(100)), false),
            (format!("{}/", "d".repeat(100)), false),
            (format!("{}/é", "d".repeat(99)), false),
        ] {
            assert_eq!(split_name(&name).is_some(), fits, "{} bytes: {name}", name.len());
            let headers = headers(&name, CHART_FILE, 0, 1);
            assert_eq!(headers.len(), if fits { BLOCK } else { 3 * BLOCK }, "{name}");
            assert_eq!(headers[156], if fits { b'0' } else { b'x' }, "{name}");
        }
        assert_eq!(split_name(&path(50, 49)), Some(("", &*path(50, 49))));
        assert_eq!(split_name(&path(50, 50)).map(|(folder, name)| (folder.len(), name.len())), Some((50, 50)));
        // The longest folder that fits.
        let deep = format!("{}/{}", path(60, 60), "g".repeat(60));
        assert_eq!(split_name(&deep).map(|(folder, name)| (folder.len(), name.len())), Some((121, 60)));
    }

    #[test]
    fn times_that_a_header_cannot_hold_stand_before_it() {
        for (time, is_plain) in [(0, true), (1, true), ((1 << 33) - 1, true), (1 << 33, false), (-1, false), (i64::MAX, false)] {
            let headers = headers("a/b", CHART_FILE, 0, time);
            let record = record("mtime", &time.to_string());
            let stands_before = headers.windows(record.len()).any(|bytes| bytes == record.as_bytes());
            assert_eq!((headers.len(), stands_before), if is_plain { (BLOCK, false) } else { (3 * BLOCK, true) }, "{time}");
            let last = &headers[headers.len() - BLOCK..];
            let octal = format!("{:011o}\0", if is_plain { time } else { 0 });
            assert_eq!(last[136..148], *octal.as_bytes(), "{time}");
        }
        let long = headers(&"f".repeat(101), CHART_FILE, 0, -1);
        assert_eq!(long[BLOCK..BLOCK + 12], *b"12 mtime=-1\n");
        assert!(long[BLOCK + 12..].starts_with(b"111 path=fff"));
    }

    #[test]
    fn files_without_a_time_have_that_of_chart_yaml() {
        let file = |name: &str, text: &str, modified| crate::chart::File { name: name.into(), data: text.as_bytes().into(), modified };
        for (chart_time, time, expected) in
            [(Some(7), None, [7, 8, 7]), (Some(7), Some(9), [9, 9, 9]), (None, None, [0, 8, 0]), (None, Some(9), [9, 9, 9])]
        {
            let chart_file = file("Chart.yaml", "apiVersion: v2\nname: a\nversion: 1.0.0\n", chart_time);
            let files = vec![chart_file, file("templates/own.yaml", "a: 1", Some(8)), file("templates/z.yaml", "a: 1", None)];
            let chart = crate::chart::loader::from_files(files, &mut crate::diagnostic::Notices::new()).unwrap();
            let mut tar = Tar { members: Vec::new(), length: 0, time };
            tar.add_chart(&chart, "").unwrap();
            let times: Vec<i64> = tar.members.iter().map(|member| member.time).collect();
            assert_eq!(times, expected, "{chart_time:?} {time:?}");
        }
    }

    /// What `helm package` 4.2.4 puts into archives of both forms.
    #[test]
    fn the_lock_of_a_chart_of_the_first_form_is_left_out() {
        for (api_version, expected) in
            [("v1", &["a/Chart.yaml", "a/requirements.lock", "a/requirements.yaml"][..]), ("v2", &["a/Chart.yaml", "a/Chart.lock"])]
        {
            let file = |name: &str, text: &str| crate::chart::File { name: name.into(), data: text.as_bytes().into(), modified: Some(0) };
            let (list, lock) = ("dependencies: []\n", "dependencies: []\ndigest: sha256:00\ngenerated: \"2024-01-01T00:00:00Z\"\n");
            let chart_file = file("Chart.yaml", &format!("apiVersion: {api_version}\nname: a\nversion: 1.0.0\n"));
            let mut files = vec![chart_file, file("Chart.lock", lock)];
            if api_version == "v1" {
                files.extend([file("requirements.lock", lock), file("requirements.yaml", list)]);
            }
            let chart = crate::chart::loader::from_files(files, &mut crate::diagnostic::Notices::new()).unwrap();
            let mut tar = Tar { members: Vec::new(), length: 0, time: None };
            tar.add_chart(&chart, "").unwrap();
            let names: Vec<&str> = tar.members.iter().map(|member| member.name.as_str()).collect();
            assert_eq!(names, expected);
        }
    }
}
