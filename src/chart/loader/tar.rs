//! A tar reader for hostile input.
//!
//! Goes in: a decompressed stream. Comes out: one member after the other, with its header parsed and its data read only on
//! request. It is our own because long names and pax records are bounded here (Go's `archive/tar`: 1 MiB), because data is read
//! into shared memory without a copy, and because faults are Go's. Matches Go's `archive/tar.Reader`.

use super::archive::{ARCHIVE_LIMIT, too_large};
use crate::error::{Error, ErrorKind, Result};
use std::io::{self, Read};
use std::sync::Arc;

const BLOCK: usize = 512;
/// How long the data of a long name or pax record may be (Go's `maxSpecialFileSize`).
const SPECIAL_LIMIT: u64 = 1 << 20;

/// The kind of a member.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Folder,
    /// A pax header for all following members.
    Global,
    /// A file or anything else; members without data (links, devices) have size 0.
    File,
}

/// The header of one member.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Member {
    pub(crate) name: String,
    pub(crate) kind: Kind,
    /// The type flag of the header, a digit.
    pub(crate) flag: u8,
    /// Permissions and file type bits.
    pub(crate) mode: u32,
    /// In bytes.
    pub(crate) size: u64,
    /// Whether the header gives a size although such a member has no data.
    pub(crate) lacks_data: bool,
    /// Seconds since 1970, rounded to the nearest.
    pub(crate) modified: i64,
}

/// Reads members one after the other.
pub(crate) struct Reader<R> {
    stream: R,
    /// Data and padding of the current member that were not read yet.
    unread: u64,
    padding: usize,
    /// How many more bytes the headers before members may have: they are not counted as members.
    special_left: u64,
    /// The bytes that were read from the stream and not used yet are `buffer[start..end]`.
    buffer: Vec<u8>,
    start: usize,
    end: usize,
    reads_ahead: bool,
}

/// Large, because a decompressor is fast when it can write much at once.
const BUFFER: usize = 64 << 10;

/// Fields of pax records for the next member.
#[derive(Default)]
struct Records {
    name: Option<String>,
    size: Option<u64>,
    modified: Option<i64>,
}

impl<R: Read> Reader<R> {
    /// A reader that reads no more of the stream than it must.
    pub(crate) fn new(stream: R) -> Reader<R> {
        Reader {
            stream,
            unread: 0,
            padding: 0,
            special_left: ARCHIVE_LIMIT,
            buffer: vec![0; 2 * BLOCK],
            start: 0,
            end: 0,
            reads_ahead: false,
        }
    }

    /// A reader that reads in large pieces. The stream must give all its data before it reports a fault or its end.
    pub(crate) fn reading_ahead(stream: R) -> Reader<R> {
        Reader { buffer: vec![0; BUFFER], reads_ahead: true, ..Reader::new(stream) }
    }

    /// The next member, or `None` at the end.
    pub(crate) fn next(&mut self) -> Result<Option<Member>> {
        let mut records = Records::default();
        let mut long_name = None;
        loop {
            self.skip()?;
            let Some(block) = self.header()? else { return Ok(None) };
            let kind = block[156];
            let size = number(&block[124..136]).ok_or_else(invalid_header)?;
            let size = u64::try_from(size).map_err(|_| invalid_header())?;
            match kind {
                b'x' => records = parse_records(&self.special(size)?)?,
                b'L' => long_name = Some(text(&self.special(size)?)),
                b'K' => {
                    self.special(size)?;
                }
                b'g' => {
                    // Read only to check it: its fields for all members are not needed here.
                    parse_records(&self.special(size)?)?;
                    let name = text(&block[..100]);
                    return Ok(Some(Member { name, kind: Kind::Global, flag: b'g', mode: 0, size: 0, lacks_data: false, modified: 0 }));
                }
                _ => return self.member(&block, kind, size, long_name, records).map(Some),
            }
        }
    }

    /// The data of the current member. Check its size before.
    pub(crate) fn data(&mut self) -> Result<Arc<[u8]>> {
        let size = usize::try_from(self.unread).map_err(|_| invalid_header())?;
        self.unread = 0;
        if size < BUFFER && self.reads_ahead {
            let data: Arc<[u8]> = Arc::from(self.filled(size)?);
            self.start += data.len();
            return if data.len() < size { Err(truncated()) } else { Ok(data) };
        }
        let mut data: Arc<[u8]> = std::iter::repeat_n(0, size).collect();
        if let Some(bytes) = Arc::get_mut(&mut data) {
            let known = self.buffer.get(self.start..self.end).unwrap_or_default();
            let (first, rest) = bytes.split_at_mut(known.len().min(size));
            first.copy_from_slice(known.get(..first.len()).unwrap_or_default());
            self.start += first.len();
            self.stream.read_exact(rest).map_err(|error| fault(&error))?;
        }
        Ok(data)
    }

    fn member(&mut self, block: &[u8; BLOCK], kind: u8, size: u64, long: Option<String>, records: Records) -> Result<Member> {
        let plain = || {
            let name = text(&block[..100]);
            let ustar = &block[257..263] == b"ustar\0";
            match text(&block[345..500]) {
                prefix if ustar && !prefix.is_empty() => format!("{prefix}/{name}"),
                _ => name,
            }
        };
        let name = long.filter(|name| !name.is_empty()).or(records.name).unwrap_or_else(plain);
        let mode = number(&block[100..108]).unwrap_or(0);
        // The oldest form of the header has no type and marks a folder by its name.
        let is_old_folder = kind == 0 && name.ends_with('/');
        let is_folder = kind == b'5' || is_old_folder || mode & 0o170_000 == 0o040_000;
        // To Go these have none, whatever their size: a file's header with the mode of a folder keeps its data.
        let has_data = !is_old_folder && !matches!(kind, b'1'..=b'6');
        if kind == b'S' {
            return Err(invalid_header());
        }
        let claimed = records.size.unwrap_or(size);
        let (size, lacks_data) = if has_data { (claimed, false) } else { (0, claimed > 0) };
        let modified = records.modified.or_else(|| number(&block[136..148])).unwrap_or(0);
        self.unread = size;
        self.padding = padding(size);
        let (flag, kind) = (kind, if is_folder { Kind::Folder } else { Kind::File });
        Ok(Member { name, kind, flag, mode: u32::try_from(mode).unwrap_or(0), size, lacks_data, modified })
    }

    /// The next header block; `None` at the end: two blocks of zeros, or the end of the stream.
    fn header(&mut self) -> Result<Option<[u8; BLOCK]>> {
        let Some(block) = self.block()? else { return Ok(None) };
        if block.iter().all(|byte| *byte == 0) {
            return match self.block()? {
                Some(second) if second.iter().any(|byte| *byte != 0) => Err(invalid_header()),
                _ => Ok(None),
            };
        }
        let stored = number(&block[148..156]).ok_or_else(invalid_header)?;
        let (mut unsigned, mut signed) = (0i64, 0i64);
        for (at, byte) in block.iter().enumerate() {
            let byte = if (148..156).contains(&at) { b' ' } else { *byte };
            unsigned += i64::from(byte);
            signed += i64::from(byte.cast_signed());
        }
        if stored != unsigned && stored != signed {
            return Err(invalid_header());
        }
        Ok(Some(block))
    }

    /// The next block behind the padding of the member before; both are read together.
    fn block(&mut self) -> Result<Option<[u8; BLOCK]>> {
        let padding = std::mem::take(&mut self.padding);
        let filled = self.filled(padding + BLOCK)?;
        let length = filled.len();
        let block = match filled.get(padding..).unwrap_or_default() {
            [] => None,
            block => Some(block.try_into().map_err(|_| truncated())?),
        };
        self.start += length;
        Ok(block)
    }

    /// The next `wanted` bytes, or as many as there are.
    fn filled(&mut self, wanted: usize) -> Result<&[u8]> {
        if self.end - self.start < wanted {
            self.buffer.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.start = 0;
            if self.buffer.len() < wanted {
                self.buffer.resize(wanted, 0);
            }
        }
        while self.end - self.start < wanted {
            let until = if self.reads_ahead { self.buffer.len() } else { wanted };
            match self.stream.read(self.buffer.get_mut(self.end..until).unwrap_or_default()) {
                Ok(0) => break,
                Ok(read) => self.end += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(fault(&error)),
            }
        }
        let filled = self.end.min(self.start + wanted);
        Ok(self.buffer.get(self.start..filled).unwrap_or_default())
    }

    fn special(&mut self, size: u64) -> Result<Vec<u8>> {
        if size > SPECIAL_LIMIT {
            return Err(Error::new(ErrorKind::Limit, "archive/tar: header field too long"));
        }
        self.special_left = self.special_left.checked_sub(size + BLOCK as u64).ok_or_else(too_large)?;
        self.unread = size;
        self.padding = padding(size);
        let data = self.data()?;
        Ok(data.to_vec())
    }

    /// Skips the rest of the current member, except its padding.
    fn skip(&mut self) -> Result<()> {
        while self.unread > 0 {
            let wanted = self.unread.min(BUFFER as u64) as usize;
            if self.filled(wanted)?.len() < wanted {
                return Err(truncated());
            }
            self.start += wanted;
            self.unread -= wanted as u64;
        }
        Ok(())
    }
}

/// How many bytes of padding follow `size` bytes of data, up to the next block.
fn padding(size: u64) -> usize {
    (BLOCK - size as usize % BLOCK) % BLOCK
}

/// Text up to the first zero byte.
fn text(bytes: &[u8]) -> String {
    let end = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
    String::from_utf8_lossy(bytes.get(..end).unwrap_or(bytes)).into_owned()
}

/// An octal number, or a binary one when the highest bit is set.
fn number(field: &[u8]) -> Option<i64> {
    let first = *field.first()?;
    if first & 0x80 != 0 {
        let negative = first & 0x40 != 0;
        let mut value: i64 = if negative { -1 } else { 0 };
        for (at, byte) in field.iter().enumerate() {
            let byte = if at == 0 { (byte & 0x7f) | if negative { 0x80 } else { 0 } } else { *byte };
            value = value.checked_mul(256)?.checked_add(i64::from(byte))?;
        }
        return Some(value);
    }
    let digits = std::str::from_utf8(field).ok()?.trim_matches([' ', '\0']);
    let digits = digits.split('\0').next().unwrap_or("");
    if digits.is_empty() { Some(0) } else { i64::from_str_radix(digits, 8).ok() }
}

/// Reads `LENGTH KEY=VALUE\n` records.
fn parse_records(mut rest: &[u8]) -> Result<Records> {
    let mut records = Records::default();
    while !rest.is_empty() {
        let space = rest.iter().position(|byte| *byte == b' ').ok_or_else(invalid_header)?;
        let length: usize = rest
            .get(..space)
            .and_then(|digits| std::str::from_utf8(digits).ok())
            .and_then(|digits| digits.parse().ok())
            .ok_or_else(invalid_header)?;
        let record = rest.get(space + 1..length).and_then(|record| record.strip_suffix(b"\n")).ok_or_else(invalid_header)?;
        let equals = record.iter().position(|byte| *byte == b'=').ok_or_else(invalid_header)?;
        let (key, value) = (&record[..equals], String::from_utf8_lossy(&record[equals + 1..]));
        match key {
            b"path" if value.contains('\0') => return Err(invalid_header()),
            // The value of the header stays.
            _ if value.is_empty() => {}
            b"path" => records.name = Some(value.into_owned()),
            b"size" => records.size = Some(value.parse().map_err(|_| invalid_header())?),
            b"mtime" => records.modified = Some(pax_time(&value).ok_or_else(invalid_header)?),
            _ => {}
        }
        rest = rest.get(length..).ok_or_else(invalid_header)?;
    }
    Ok(records)
}

/// Seconds with an optional fraction, rounded to the nearest.
fn pax_time(text: &str) -> Option<i64> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let seconds: i64 = whole.parse().ok()?;
    if !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let half = fraction.as_bytes().first().is_some_and(|digit| *digit >= b'5');
    Some(match (half, whole.starts_with('-')) {
        (false, _) => seconds,
        (true, false) => seconds.saturating_add(1),
        (true, true) => seconds.saturating_sub(1),
    })
}

fn invalid_header() -> Error {
    Error::new(ErrorKind::Chart, "archive/tar: invalid tar header")
}

fn truncated() -> Error {
    Error::new(ErrorKind::Chart, "unexpected EOF")
}

/// A fault of the underlying stream in Go's words.
fn fault(error: &io::Error) -> Error {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => truncated(),
        // Only the decompressor makes these; Go adds an offset, which depends on its buffers.
        io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput | io::ErrorKind::Other => {
            Error::new(ErrorKind::Chart, "flate: corrupt input")
        }
        _ => Error::new(ErrorKind::Io, crate::fs::reason(error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_octal_or_binary() {
        assert_eq!(number(b"0000644\0"), Some(0o644));
        assert_eq!(number(b"    644 "), Some(0o644));
        assert_eq!(number(b"\0\0\0\0\0\0\0\0"), Some(0));
        assert_eq!(number(b"\x80\0\0\0\0\0\x01\0"), Some(256));
        assert_eq!(number(b"\xff\xff\xff\xff\xff\xff\xff\xff"), Some(-1));
        assert_eq!(number(b"9999999\0"), None);
    }

    #[test]
    fn pax_times_are_rounded() {
        assert_eq!(pax_time("12.5"), Some(13));
        assert_eq!(pax_time("12.499"), Some(12));
        assert_eq!(pax_time("-1.5"), Some(-2));
        assert_eq!(pax_time("x"), None);
    }

    #[test]
    fn records_that_lie_are_refused() {
        for record in ["", "x", "5 a=b", "99 path=a\n", "0 path=a\n", "7 nope\n"] {
            assert_eq!(parse_records(record.as_bytes()).is_ok(), record.is_empty(), "{record}");
        }
        assert_eq!(parse_records(b"10 path=a\n").unwrap().name.as_deref(), Some("a"));
    }

    /// A member with its data: its name, its type flag, and the size in its header.
    fn member(name: &str, kind: u8, size: usize, data: &[u8]) -> Vec<u8> {
        let mut block = [0u8; BLOCK];
        block[..name.len()].copy_from_slice(name.as_bytes());
        block[100..108].copy_from_slice(b"0000644\0");
        block[124..136].copy_from_slice(format!("{size:011o}\0").as_bytes());
        block[136..148].copy_from_slice(b"00000000001\0");
        block[156] = kind;
        summed(block, data)
    }

    fn summed(mut block: [u8; BLOCK], data: &[u8]) -> Vec<u8> {
        block[148..156].fill(b' ');
        let sum: u64 = block.iter().map(|byte| u64::from(*byte)).sum();
        block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        let mut bytes = [&block[..], data].concat();
        bytes.resize(bytes.len().next_multiple_of(BLOCK), 0);
        bytes
    }

    fn records(text: &str) -> Vec<u8> {
        member("PaxHeaders.0/x", b'x', text.len(), text.as_bytes())
    }

    fn long_name(name: &str) -> Vec<u8> {
        member("././@LongLink", b'L', name.len() + 1, format!("{name}\0").as_bytes())
    }

    /// The names, times and data of the members of a stream.
    fn read(parts: &[Vec<u8>]) -> std::result::Result<Vec<(String, i64, String)>, String> {
        let stream = [parts.concat(), vec![0; 2 * BLOCK]].concat();
        let mut found = Vec::new();
        for mut reader in [Reader::new(&stream[..]), Reader::reading_ahead(&stream[..])] {
            let mut members = Vec::new();
            while let Some(member) = reader.next().map_err(|error| error.to_string())? {
                let data = reader.data().map_err(|error| error.to_string())?;
                members.push((member.name, member.modified, String::from_utf8_lossy(&data).into_owned()));
            }
            found.push(members);
        }
        assert_eq!(found[0], found[1]);
        Ok(found.swap_remove(0))
    }

    /// What Helm 4.2.4 reads from the same members.
    #[test]
    fn what_stands_before_a_member_says_more_than_its_header() {
        let plain = || member("plain", b'0', 4, b"data");
        let (pax, long) = (|| records("12 path=pax\n"), || long_name("long"));
        for (parts, name, time) in [
            (vec![plain()], "plain", 1),
            (vec![long(), plain()], "long", 1),
            (vec![pax(), plain()], "pax", 1),
            (vec![long(), long_name("longer"), plain()], "longer", 1),
            (vec![member("x", b'K', 5, b"link\0"), plain()], "plain", 1),
            (vec![long(), pax(), plain()], "long", 1),
            (vec![pax(), long(), plain()], "long", 1),
            (vec![pax(), long_name(""), plain()], "pax", 1),
            (vec![records("8 path=\n"), plain()], "plain", 1),
            (vec![records("8 size=\n9 mtime=\n"), plain()], "plain", 1),
            (vec![records("12 path=one\n12 path=two\n"), plain()], "two", 1),
            (vec![records("13 mtime=7.5\n"), plain()], "plain", 8),
            // Of several headers the last one counts.
            (vec![pax(), records("11 mtime=7\n"), plain()], "plain", 7),
        ] {
            assert_eq!(read(&parts), Ok(vec![(name.to_string(), time, "data".to_string())]), "{name}");
        }
        // A header applies to the next member only.
        let names = |parts: &[Vec<u8>]| read(parts).map(|members| members.into_iter().map(|(name, ..)| name).collect::<Vec<_>>());
        assert_eq!(names(&[long(), plain(), plain(), pax(), plain(), plain()]).unwrap(), ["long", "plain", "pax", "plain"]);
    }

    /// Recorded from Helm 4.2.4.
    #[test]
    fn a_size_from_a_record_is_that_of_the_member() {
        let last = || member("last", b'0', 4, b"last");
        let data = |parts: &[Vec<u8>]| read(parts).map(|members| members.into_iter().map(|(.., data)| data).collect::<Vec<_>>());
        for (said, size) in [(0, 10), (3, 10), (10, 3), (1000, 10), (10, 0)] {
            let text = format!("{} size={size}\n", if size > 9 { 11 } else { 10 });
            let content = "0123456789".get(..size).unwrap();
            assert_eq!(data(&[records(&text), member("a", b'0', said, content.as_bytes()), last()]).unwrap(), [content, "last"]);
        }
        // Members without data have none, whatever a record says.
        assert_eq!(data(&[records("11 size=10\n"), member("a/", b'5', 0, b""), last()]).unwrap(), ["", "last"]);
        for text in ["11 size=-1\n", "10 size=x\n", "27 size=18446744073709551616\n"] {
            assert_eq!(read(&[records(text), last()]), Err("archive/tar: invalid tar header".to_string()), "{text}");
        }
        assert_eq!(read(&[records("13 size=9999\n"), last()]), Err("unexpected EOF".to_string()));
    }

    /// As Go's `archive/tar` and Helm 4.2.4 tell them apart.
    #[test]
    fn a_name_marks_a_folder_only_where_the_header_has_no_type() {
        for (flag, name, kind) in
            [(b'5', "a", Kind::Folder), (0, "a/", Kind::Folder), (0, "a", Kind::File), (b'0', "a/", Kind::File), (b'7', "a/", Kind::File)]
        {
            let stream = [member(name, flag, 0, b""), vec![0; 2 * BLOCK]].concat();
            let member = Reader::new(&stream[..]).next().unwrap().unwrap();
            assert_eq!(member.kind, kind, "{flag} {name}");
        }
    }

    #[test]
    fn only_headers_of_posix_have_a_folder_before_their_name() {
        for (magic, expected) in [(b"ustar\0", "folder/name"), (b"ustar ", "name"), (b"\0\0\0\0\0\0", "name")] {
            let mut block: [u8; BLOCK] = member("name", b'0', 0, b"").try_into().unwrap();
            block[257..263].copy_from_slice(magic);
            block[345..351].copy_from_slice(b"folder");
            assert_eq!(read(&[summed(block, b"")]).unwrap()[0].0, expected, "{magic:?}");
        }
    }
}
