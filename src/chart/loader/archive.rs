//! A chart from a packed archive (.tgz).
//!
//! Goes in: a compressed stream. Comes out: the files below the archive's top folder, whatever its name, read in one pass into
//! shared memory. The limits of an archive are enforced here: no path leaves the top, and sizes and the number of members are
//! counted while the stream is unpacked; `tar` counts long names and pax records. Matches Helm's `pkg/chart/loader/archive`.

use super::ready::below_chart;
use super::tar::{Kind, Reader};
use super::{BYTE_ORDER_MARK, Crds, ENTRIES_LIMIT, FILE_LIMIT, NOTHING, Observe};
use crate::chart::File;
use crate::chart::file::{Bytes, Packed};
use crate::error::{Cause, Error, ErrorKind, Result};
use crate::fs::{self, clean_name};
use crate::quote::quote;
use flate2::bufread::MultiGzDecoder;
use flate2::{Decompress, FlushDecompress, Status};
use std::io::{self, BufRead, BufReader, Read, Seek};
use std::path::Path;
use std::sync::{Arc, OnceLock};

/// How many bytes all files of an archive may have together.
pub const ARCHIVE_LIMIT: u64 = 100 * 1024 * 1024;

/// How many bytes of an archive are read at once.
const PIECE: usize = 64 << 10;

/// The files of the archive in an open file, named from the top folder, in the archive's order.
pub(crate) fn read_file(file: std::fs::File, path: &Path) -> Result<Vec<File>> {
    read_file_observed(file, path, Crds::Wanted, &|_: &File| {})
}

/// As [`read_file`], and passes each file to `observe` as it is found. With [`Crds::Unlikely`], files of `crds/` stay packed until
/// they are used: many charts have megabytes of them, and few runs print them.
pub(super) fn read_file_observed(file: std::fs::File, path: &Path, crds: Crds, observe: &dyn Observe) -> Result<Vec<File>> {
    let archive = Arc::new(Archive { file, crds: OnceLock::new() });
    let packed = (crds == Crds::Unlikely).then_some(&archive);
    archive.read(packed, observe).map_err(|error| match error.kind() {
        ErrorKind::Io => error.context(format_args!("read {}", path.display())),
        _ => error,
    })
}

/// The files of an archive in memory.
pub(crate) fn read(bytes: &[u8]) -> Result<Vec<File>> {
    read_first_member(bytes, None, &|_: &File| {}).unwrap_or_else(|| read_stream(bytes, None, &|_: &File| {}))
}

/// An archive whose CRDs are still packed. The file stays open instead of being kept in memory; replacing it on disk does no harm.
struct Archive {
    file: std::fs::File,
    /// In the archive's order.
    crds: OnceLock<Result<Vec<Arc<[u8]>>>>,
}

impl Archive {
    /// The files, read from the beginning in pieces: allocating memory for the whole archive costs more than reading it.
    fn read(&self, packed: Option<&Arc<Archive>>, observe: &dyn Observe) -> Result<Vec<File>> {
        let stream = || -> Result<_> {
            (&self.file).rewind().map_err(|error| Error::new(ErrorKind::Io, fs::reason(&error)))?;
            Ok(BufReader::with_capacity(PIECE, &self.file))
        };
        match read_first_member(stream()?, packed, observe) {
            Some(result) => result,
            None => read_stream(stream()?, packed, observe),
        }
    }
}

impl Packed for Archive {
    fn unpacked(&self, number: usize) -> &Arc<[u8]> {
        let unpack = || {
            let files = self.read(None, &|_: &File| {})?;
            Ok(files.into_iter().filter(|file| is_crd(&file.name)).map(|file| file.data.shared().clone()).collect::<Vec<_>>())
        };
        self.crds.get_or_init(unpack).as_ref().ok().and_then(|crds| crds.get(number)).unwrap_or(&NOTHING)
    }

    fn fault(&self) -> Option<&Error> {
        self.crds.get()?.as_ref().err()
    }
}

/// Whether a file is one that may stay packed.
fn is_crd(name: &str) -> bool {
    below_chart(name).starts_with("crds/")
}

/// The files of an archive that ends, or has a fault, within the first member of the gzip stream; `None` otherwise.
fn read_first_member(stream: impl BufRead, packed: Option<&Arc<Archive>>, observe: &dyn Observe) -> Option<Result<Vec<File>>> {
    let mut member = Member::of(stream)?;
    let result = read_members(Reader::reading_ahead(&mut member), packed, observe);
    (!member.is_over).then_some(result)
}

/// Reads the first member of a gzip stream without verifying its checksum, which takes a quarter of the time. Nearly every archive
/// ends within the member, and what follows the end of an archive is ignored, by Helm too.
struct Member<R> {
    stream: R,
    state: Decompress,
    /// Whether more was read than the member holds: then its checksum, and what follows, must be read too.
    is_over: bool,
}

impl<R: BufRead> Member<R> {
    fn of(mut stream: R) -> Option<Member<R>> {
        let beginning = stream.fill_buf().ok()?;
        let start = data_start(beginning).filter(|start| *start <= beginning.len())?;
        stream.consume(start);
        Some(Member { stream, state: Decompress::new(false), is_over: false })
    }
}

/// Where the data of a gzip member begins; `None` for a header that needs a full parser (RFC 1952, 2.3).
fn data_start(bytes: &[u8]) -> Option<usize> {
    const EXTRA: u8 = 4;
    const NAME: u8 = 8;
    const COMMENT: u8 = 16;
    let [0x1f, 0x8b, 8, flags, ..] = *bytes else { return None };
    if flags & !(EXTRA | NAME | COMMENT) != 0 {
        return None;
    }
    let mut at = 10;
    if flags & EXTRA != 0 {
        let &[low, high] = bytes.get(at..at + 2)? else { return None };
        at += 2 + usize::from(u16::from_le_bytes([low, high]));
    }
    for field in [NAME, COMMENT] {
        if flags & field != 0 {
            at += memchr::memchr(0, bytes.get(at..)?)? + 1;
        }
    }
    Some(at)
}

impl<R: BufRead> Read for Member<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let input = self.stream.fill_buf()?;
            let is_end = input.is_empty();
            let (read, written) = (self.state.total_in(), self.state.total_out());
            let status = self.state.decompress(input, buffer, FlushDecompress::None);
            let read = (self.state.total_in() - read) as usize;
            let written = (self.state.total_out() - written) as usize;
            self.stream.consume(read);
            match status {
                // Data before a fault counts: the reader may need nothing behind it.
                _ if written > 0 || buffer.is_empty() => return Ok(written),
                Err(error) => return Err(error.into()),
                Ok(Status::StreamEnd) => {
                    self.is_over = true;
                    return Ok(0);
                }
                _ if is_end => return Err(io::ErrorKind::UnexpectedEof.into()),
                _ if read == 0 => return Err(io::ErrorKind::InvalidData.into()),
                _ => {}
            }
        }
    }
}

fn read_stream(mut stream: impl BufRead, packed: Option<&Arc<Archive>>, observe: &dyn Observe) -> Result<Vec<File>> {
    check_magic(&mut stream)?;
    read_members(Reader::new(MultiGzDecoder::new(stream)), packed, observe)
}

fn read_members(mut reader: Reader<impl Read>, packed: Option<&Arc<Archive>>, observe: &dyn Observe) -> Result<Vec<File>> {
    let mut crds = 0;
    let mut files = Vec::new();
    let mut remaining = ARCHIVE_LIMIT;
    let mut entries = 0usize;
    while let Some(member) = reader.next()? {
        entries += 1;
        if entries > ENTRIES_LIMIT {
            let message = format!("chart archive has more than {ENTRIES_LIMIT} entries");
            return Err(Error::new(ErrorKind::Limit, message));
        }
        if member.size > remaining {
            return Err(too_large());
        }
        if member.kind != Kind::File {
            // Data behind the header of a folder is skipped.
            remaining -= member.size;
            continue;
        }
        let name = inner_name(&member.name)?;
        if member.size > FILE_LIMIT {
            let message =
                format!("decompressed chart file {} is larger than the maximum file size {FILE_LIMIT}", quote(member.name.as_bytes()));
            return Err(Error::new(ErrorKind::Limit, message));
        }
        if member.lacks_data {
            // Helm's words: it takes a link with a size for a file that was cut off.
            return Err(too_large());
        }
        let data = match packed.filter(|_| is_crd(&name)) {
            Some(archive) => {
                crds += 1;
                Bytes::packed(archive.clone(), crds - 1, usize::try_from(member.size).unwrap_or(usize::MAX))
            }
            None => match reader.data()? {
                data if data.starts_with(BYTE_ORDER_MARK) => Bytes::from(&data[BYTE_ORDER_MARK.len()..]),
                data => Bytes::from(data),
            },
        };
        remaining -= member.size;
        if remaining == 0 {
            return Err(too_large());
        }
        let file = File { name: name.into(), data, modified: Some(member.modified) };
        observe.found(&file);
        files.push(file);
    }
    if files.is_empty() {
        return Err(Error::new(ErrorKind::Chart, "no files in chart archive"));
    }
    Ok(files)
}

fn check_magic(stream: &mut impl BufRead) -> Result<()> {
    let start = stream.fill_buf().map_err(|error| Error::new(ErrorKind::Io, crate::fs::reason(&error)))?;
    match start {
        [] => Err(Error::new(ErrorKind::Chart, "EOF")),
        short if short.len() < 10 => Err(Error::new(ErrorKind::Chart, "unexpected EOF")),
        [0x1f, 0x8b, 8, ..] => Ok(()),
        // Go's `gzip.ErrHeader`.
        _ => Err(Error::new(ErrorKind::Chart, "gzip: invalid header").with_cause(Cause::NoGzip)),
    }
}

pub(super) fn too_large() -> Error {
    Error::new(ErrorKind::Limit, format!("decompressed chart is larger than the maximum size {ARCHIVE_LIMIT}"))
}

/// The name below the top folder; refused when it could lead outside.
fn inner_name(name: &str) -> Result<Arc<str>> {
    let refused = |message: String| Err(Error::new(ErrorKind::Chart, message));
    // Archives made on Windows may contain backslashes.
    let delimiter = if name.contains('\\') { '\\' } else { '/' };
    let (top, rest) = name.split_once(delimiter).unwrap_or((name, ""));
    let rest = rest.replace(delimiter, "/");
    if rest.starts_with('/') {
        return refused("chart illegally contains absolute paths".to_string());
    }
    let inner = String::from_utf8_lossy(&clean_name(rest.as_bytes())).into_owned();
    if inner == "." {
        return refused(format!("chart illegally contains content outside the base directory: {}", quote(name.as_bytes())));
    }
    if inner.starts_with("..") {
        return refused("chart illegally references parent directory".to_string());
    }
    if matches!(inner.as_bytes(), [letter, b':', b'/', ..] if letter.is_ascii_alphabetic()) {
        return refused("chart contains illegally named files".to_string());
    }
    if top == "Chart.yaml" {
        return refused("chart yaml not in base directory".to_string());
    }
    Ok(Arc::from(inner))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;

    #[test]
    fn member_names_stay_below_the_top() {
        for (name, expected) in [
            ("app/Chart.yaml", "Chart.yaml"),
            ("app/./templates//x.yaml", "templates/x.yaml"),
            ("app/a/../b", "b"),
            ("app\\templates\\x.yaml", "templates/x.yaml"),
            ("./app/x", "app/x"),
        ] {
            assert_eq!(inner_name(name).as_deref().map_err(|error| error.to_string()), Ok(expected), "{name}");
        }
        for (name, expected) in [
            ("app//etc/passwd", "chart illegally contains absolute paths"),
            ("Chart.yaml", "chart illegally contains content outside the base directory: \"Chart.yaml\""),
            ("app/.", "chart illegally contains content outside the base directory: \"app/.\""),
            ("app/../x", "chart illegally references parent directory"),
            ("app/..evil", "chart illegally references parent directory"),
            ("app/c:/windows", "chart contains illegally named files"),
            ("Chart.yaml/x", "chart yaml not in base directory"),
        ] {
            assert_eq!(inner_name(name).unwrap_err().to_string(), expected, "{name}");
        }
    }

    /// A compressed archive with these files.
    fn packed(files: &[(&str, &str)]) -> Vec<u8> {
        let mut tar = Vec::new();
        for (name, text) in files {
            let mut header = [0u8; 512];
            header[..name.len()].copy_from_slice(name.as_bytes());
            header[100..108].copy_from_slice(b"0000644\0");
            header[124..136].copy_from_slice(format!("{:011o}\0", text.len()).as_bytes());
            header[148..156].fill(b' ');
            let sum: u64 = header.iter().map(|byte| u64::from(*byte)).sum();
            header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
            tar.extend_from_slice(&header);
            tar.extend_from_slice(text.as_bytes());
            tar.resize(tar.len().next_multiple_of(512), 0);
        }
        tar.resize(tar.len() + 1024, 0);
        let mut bytes = Vec::new();
        flate2::bufread::GzEncoder::new(&*tar, flate2::Compression::fast()).read_to_end(&mut bytes).unwrap();
        bytes
    }

    #[test]
    fn crds_that_stay_packed_are_the_same_when_looked_at() {
        let bytes = packed(&[
            ("a/Chart.yaml", "name: a"),
            ("a/crds/one.yaml", "kind: One"),
            ("a/templates/crds/none.yaml", "x"),
            ("a/charts/b/crds/two.yaml", "\u{feff}kind: Two"),
            ("a/charts/crds/Chart.yaml", "name: crds"),
            ("a/crds/empty.yaml", ""),
        ]);
        let left = read_leaving_crds(bytes.clone()).unwrap();
        let is_packed: Vec<bool> = left.iter().map(|file| file.data.known_length().is_none()).collect();
        assert_eq!(is_packed, [false, true, false, true, false, true]);
        assert_eq!(&*left[3].data, b"kind: Two");
        assert_eq!(left, read(&bytes).unwrap());
        // Skipped files are checked all the same.
        assert!(read_leaving_crds(bytes[..bytes.len() - 20].to_vec()).is_err());
    }

    fn read_leaving_crds(bytes: Vec<u8>) -> Result<Vec<File>> {
        let mut file = tempfile::tempfile().unwrap();
        std::io::Write::write_all(&mut file, &bytes).unwrap();
        read_file_observed(file, Path::new("a.tgz"), Crds::Unlikely, &|_: &File| {})
    }

    /// Compressed, with this header.
    fn compressed(data: &[u8], header: flate2::GzBuilder) -> Vec<u8> {
        let mut bytes = Vec::new();
        header.buf_read(data, flate2::Compression::fast()).read_to_end(&mut bytes).unwrap();
        bytes
    }

    #[test]
    fn the_first_member_is_read_without_its_sum_and_the_rest_as_it_must_be() {
        let archive = packed(&[("a/Chart.yaml", "name: a")]);
        let mut tar = Vec::new();
        Member::of(&*archive).unwrap().read_to_end(&mut tar).unwrap();
        // Whether the first member is enough, and whether the files are read; both ways report the same faults.
        let is_read = |bytes: &[u8]| {
            let told = |result: Result<Vec<File>>| result.map_err(|error| error.to_string());
            let first = read_first_member(bytes, None, &|_: &File| {}).map(told);
            let in_pieces = read_first_member(BufReader::with_capacity(512, bytes), None, &|_: &File| {}).map(told);
            let all = told(read_stream(bytes, None, &|_: &File| {}));
            assert_eq!(in_pieces, first);
            assert_eq!(*first.as_ref().unwrap_or(&all), all);
            assert_eq!(told(read(bytes)), all);
            (first.is_some(), all.is_ok())
        };
        let changed = |change: &dyn Fn(&mut Vec<u8>)| {
            let mut bytes = archive.clone();
            change(&mut bytes);
            is_read(&bytes)
        };
        let length = archive.len();
        for fields in [
            flate2::GzBuilder::new(),
            flate2::GzBuilder::new().extra(vec![0; 300]).comment("Helm"),
            flate2::GzBuilder::new().filename("a.tar").comment("none"),
        ] {
            assert_eq!(is_read(&compressed(&tar, fields)), (true, true));
        }
        // Go reads nothing behind the archive's end.
        assert_eq!(changed(&|bytes| bytes.extend_from_slice(b"more")), (true, true));
        assert_eq!(changed(&|bytes| bytes[length - 1] ^= 0x7f), (true, true));
        assert_eq!(changed(&|bytes| bytes.truncate(length - 20)), (true, false));
        assert_eq!(changed(&|bytes| bytes[length / 2] ^= 0xff), (true, false));
        for at in 0..length {
            changed(&|bytes| bytes.truncate(at));
            for flip in [1, 0x80, 0xff] {
                changed(&|bytes| bytes[at] ^= flip);
            }
        }
        // An archive that ends only with its stream, with a right and a wrong checksum.
        let mut endless = compressed(&tar[..1024], flate2::GzBuilder::new());
        assert_eq!(is_read(&endless), (false, true));
        let length = endless.len();
        endless[length - 1] ^= 0x7f;
        assert_eq!(is_read(&endless), (false, false));
        // One stream in two members.
        let members = [&tar[..1000], &tar[1000..]].map(|part| compressed(part, flate2::GzBuilder::new())).concat();
        assert_eq!(is_read(&members), (false, true));
    }

    #[test]
    fn what_is_no_gzip_is_told_apart() {
        let message = |bytes: &[u8]| read(bytes).unwrap_err().to_string();
        assert_eq!(message(b""), "EOF");
        assert_eq!(message(b"x"), "unexpected EOF");
        assert_eq!(message(b"no gzip at all"), "gzip: invalid header");
        assert_eq!(message(b"\x1f\x8b\x08\0\0\0\0\0\0\0"), "unexpected EOF");
    }
}
