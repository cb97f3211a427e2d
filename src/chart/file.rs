//! One file of a chart: its name from the chart's top, its bytes, its time (Helm's `common.File`).
//!
//! Goes in: the content of a folder or an archive. Comes out: a [`File`] whose bytes all clones share. Files of archives may stay
//! packed, and files of folders unread, until they are used: a run needs only a few files of a chart.

use crate::error::{Error, ErrorKind, Result};
use crate::fs;
use std::fmt;
use std::ops::{Deref, Range};
use std::path::PathBuf;
use std::sync::{Arc, LazyLock, Mutex, OnceLock, PoisonError};

/// How many bytes one file of a chart may have (Helm's `MaxDecompressedFileSize`).
pub const FILE_LIMIT: u64 = 5 * 1024 * 1024;

pub(super) const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";

/// A file of a chart. Cloning shares the bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// From the chart's top, with `/`.
    pub name: Name,
    /// The content, without a leading byte order mark.
    pub data: Bytes,
    /// Modification time, seconds since 1970, rounded to the nearest; `None` when unknown.
    pub modified: Option<i64>,
}

/// The name of a file. Clones share the text, and so do the names of one file seen from different charts of the tree.
#[derive(Clone)]
pub struct Name {
    text: Arc<str>,
    start: usize,
}

impl Name {
    /// The name without its first `skipped` bytes; the whole name if that is no character boundary.
    pub(super) fn skipping(&self, skipped: usize) -> Name {
        let start = self.start + skipped;
        Name { text: self.text.clone(), start: if self.text.is_char_boundary(start) { start } else { self.start } }
    }
}

impl Deref for Name {
    type Target = str;

    fn deref(&self) -> &str {
        self.text.get(self.start..).unwrap_or_default()
    }
}

impl<T: Into<Arc<str>>> From<T> for Name {
    fn from(text: T) -> Name {
        Name { text: text.into(), start: 0 }
    }
}

impl PartialEq for Name {
    fn eq(&self, other: &Name) -> bool {
        **self == **other
    }
}

impl Eq for Name {}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self)
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

/// The content of a file: bytes that clones share. Rarely used files may still be packed in their archive, or unread in their
/// folder; the first use fetches them.
#[derive(Clone)]
pub struct Bytes(Place);

#[derive(Clone)]
enum Place {
    Here(Arc<[u8]>),
    /// The number of the file in the archive, and its size.
    Packed(Arc<dyn Packed>, usize, usize),
    Left(Arc<Left>),
}

/// A file that was not read when it was found.
struct Left {
    place: LeftAt,
    /// Its size when it was found.
    size: u64,
    /// Its content, once it has been used, or the reason why it cannot be read any more.
    bytes: OnceLock<Result<Arc<[u8]>>>,
}

enum LeftAt {
    Path(PathBuf),
    /// Already open, so that it can be read even if its path changes; the path is for faults only.
    Open(Mutex<Option<std::fs::File>>, PathBuf),
}

impl Left {
    fn append(&self, range: Range<usize>, to: &mut Vec<u8>) -> Result<()> {
        let LeftAt::Path(path) = &self.place else {
            to.extend_from_slice(self.kept().get(range).unwrap_or_default());
            return Ok(());
        };
        let (start, is_start) = (to.len(), range.start == 0);
        fs::append_range(path, range, to)?;
        match is_start && to.get(start..).is_some_and(|bytes| bytes.starts_with(BYTE_ORDER_MARK)) {
            true => Err(Error::new(ErrorKind::Chart, format!("{} begins with a byte order mark", path.display()))),
            false => Ok(()),
        }
    }

    /// Its content; empty if it cannot be read any more.
    fn kept(&self) -> &Arc<[u8]> {
        let read = || {
            let open = match &self.place {
                LeftAt::Path(path) => fs::open(path)?,
                LeftAt::Open(file, _) => match file.lock().unwrap_or_else(PoisonError::into_inner).take() {
                    Some(file) => file,
                    // It is read only once.
                    None => return Ok(Arc::default()),
                },
            };
            let (LeftAt::Path(path) | LeftAt::Open(_, path)) = &self.place;
            let mut bytes = Vec::new();
            fs::read_expected(open, || path.clone(), self.size, FILE_LIMIT, &mut bytes)?;
            Ok(bytes.strip_prefix(BYTE_ORDER_MARK).unwrap_or(&bytes).into())
        };
        self.bytes.get_or_init(read).as_ref().unwrap_or(&NOTHING)
    }
}

/// The content of a file that cannot be read.
pub(super) static NOTHING: LazyLock<Arc<[u8]>> = LazyLock::new(Arc::default);

/// Files that are unpacked on first use.
pub(super) trait Packed: Send + Sync {
    /// The bytes of the file of this number.
    fn unpacked(&self, number: usize) -> &Arc<[u8]>;

    /// Why unpacking them failed, if it was tried and failed.
    fn fault(&self) -> Option<&Error>;
}

impl Bytes {
    /// The bytes of file `number` in `packed`; `size` is approximate.
    pub(super) fn packed(packed: Arc<dyn Packed>, number: usize, size: usize) -> Bytes {
        Bytes(Place::Packed(packed, number, size))
    }

    /// The approximate number of bytes, if they are still to be fetched.
    pub(crate) fn to_be_fetched(&self) -> Option<usize> {
        match &self.0 {
            Place::Here(_) => None,
            Place::Packed(_, _, size) => Some(*size),
            Place::Left(left) if left.bytes.get().is_some() => None,
            Place::Left(left) => Some(usize::try_from(left.size).unwrap_or(usize::MAX)),
        }
    }

    /// The bytes of the file at `path`, `size` of them, which are read on first use.
    pub(super) fn left(path: PathBuf, size: u64) -> Bytes {
        Bytes(Place::Left(Arc::new(Left { place: LeftAt::Path(path), size, bytes: OnceLock::new() })))
    }

    /// As [`Bytes::left`], for an already open file, which is read at most once.
    pub(super) fn left_open(file: std::fs::File, path: PathBuf, size: u64) -> Bytes {
        Bytes(Place::Left(Arc::new(Left { place: LeftAt::Open(Mutex::new(Some(file)), path), size, bytes: OnceLock::new() })))
    }

    /// The bytes, shared. They are empty if an unread file is gone by now: to learn of that, call
    /// [`append_range`](Bytes::append_range), or ask the chart afterwards ([`Chart::unread`](super::Chart::unread)).
    pub fn shared(&self) -> &Arc<[u8]> {
        match &self.0 {
            Place::Here(bytes) => bytes,
            Place::Packed(packed, number, _) => packed.unpacked(*number),
            Place::Left(left) => left.kept(),
        }
    }

    /// Why the bytes could not be fetched, in which case they were used as empty.
    pub(super) fn fault(&self) -> Option<&Error> {
        match &self.0 {
            Place::Here(_) => None,
            Place::Packed(packed, ..) => packed.fault(),
            Place::Left(left) => left.bytes.get()?.as_ref().err(),
        }
    }

    /// Appends the bytes of `range` to `to`, without keeping those of an unread file. Fails if such a file cannot be read any
    /// more, has become shorter, or begins with a byte order mark, which does not belong to the content.
    pub fn append_range(&self, range: Range<usize>, to: &mut Vec<u8>) -> Result<()> {
        if let Place::Left(left) = &self.0 {
            return left.append(range, to);
        }
        to.extend_from_slice(self.get(range).unwrap_or_default());
        Ok(())
    }

    /// How many bytes there are, if known without unpacking; of an unread file, this may include a byte order mark.
    pub(crate) fn known_length(&self) -> Option<usize> {
        match &self.0 {
            Place::Here(bytes) => Some(bytes.len()),
            Place::Packed(..) => None,
            Place::Left(left) => usize::try_from(left.size).ok(),
        }
    }
}

impl Deref for Bytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        self.shared()
    }
}

impl AsRef<[u8]> for Bytes {
    fn as_ref(&self) -> &[u8] {
        self
    }
}

impl<B: Into<Arc<[u8]>>> From<B> for Bytes {
    fn from(bytes: B) -> Bytes {
        Bytes(Place::Here(bytes.into()))
    }
}

impl PartialEq for Bytes {
    fn eq(&self, other: &Bytes) -> bool {
        match (&self.0, &other.0) {
            (Place::Packed(one, number, _), Place::Packed(other, at, _)) if Arc::ptr_eq(one, other) && number == at => true,
            // Files that are read in ranges are not compared: that would read them all.
            (Place::Left(one), Place::Left(other)) if Arc::ptr_eq(one, other) => true,
            (Place::Left(one), Place::Left(other)) if [one, other].iter().any(|left| matches!(left.place, LeftAt::Path(_))) => false,
            _ => **self == **other,
        }
    }
}

impl Eq for Bytes {}

impl fmt::Debug for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.known_length() {
            Some(length) => write!(f, "{length} bytes"),
            None => f.write_str("packed bytes"),
        }
    }
}
