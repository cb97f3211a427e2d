//! Facts from an earlier run about the archives of a folder.
//!
//! Goes in: two files below the cache folder. Comes out: facts by file name, borrowed from the files' bytes. The main file holds the
//! facts of the last full write, the second the recent ones, so that one more archive does not cost writing thousands of entries. A fact
//! counts only if its stamp equals the archive's, so the two files are independent of each other. A file that is missing, broken or of
//! another version is ignored. Fixed-size rows, sorted by name, precede the texts, so that only the facts that are looked up are parsed.

use super::entry::{Entry, PARTS};
use crate::error::{Error, ErrorKind, Result};
use crate::fs::{self, Mode, Stamp};
use crate::package::digest;
use flate2::Crc;
use std::path::{Path, PathBuf};

/// The start of the file; a file that starts differently is ignored. It is followed by the number of rows, the length of the
/// texts, and a checksum of both: a power cut may leave a file of the right size with wrong bytes, which would end up in an index.
const HEADER: &[u8] = b"rutter catalog 5\n";
/// The size of these three numbers.
const NUMBERS: usize = 8 + 8 + 4;
/// The largest file that is read.
const LIMIT: u64 = 512 << 20;
/// A row: the stamp, where its text starts, the length of the name, whether there is an entry, and the ends of its pieces.
const ROW: usize = 8 + 16 + 16 + 8 + 4 + 4 + 4 + 4 * PARTS;

/// The facts about one archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known<'a> {
    pub stamp: Stamp,
    /// `None` for files that are not charts.
    pub entry: Option<Entry<'a>>,
}

/// The file below the cache folder that keeps the facts about `folder` between runs.
pub fn file(cache_home: &Path, folder: &Path) -> Result<PathBuf> {
    let folder = fs::absolute(folder)?;
    let name = digest::sha256_hex(folder.as_os_str().as_encoded_bytes());
    let name = name.get(..32).ok_or_else(|| Error::new(ErrorKind::Io, "no name for the catalog"))?;
    Ok(cache_home.join("rutter").join("catalog").join(name))
}

/// The bytes of a memory file; empty if there is none.
pub fn read(file: &Path) -> Vec<u8> {
    fs::read_limited(file, LIMIT).unwrap_or_default()
}

/// The facts in the bytes of a memory file.
#[derive(Debug, Clone, Copy, Default)]
pub struct Facts<'a> {
    rows: &'a [u8],
    texts: &'a str,
}

impl<'a> Facts<'a> {
    /// Reads all bytes or nothing: an invalid file holds no facts.
    pub fn new(bytes: &'a [u8]) -> Facts<'a> {
        Facts::whole(bytes).unwrap_or_default()
    }

    fn whole(bytes: &'a [u8]) -> Option<Facts<'a>> {
        let (count, rest) = take::<8>(bytes.strip_prefix(HEADER)?)?;
        let (length, rest) = take::<8>(rest)?;
        let (known_sum, rest) = take::<4>(rest)?;
        if u32::from_le_bytes(known_sum) != sum(rest) {
            return None;
        }
        let rows = usize::try_from(u64::from_le_bytes(count)).ok()?.checked_mul(ROW)?;
        let (rows, texts) = rest.split_at_checked(rows)?;
        let texts = std::str::from_utf8(texts).ok()?;
        (u64::from_le_bytes(length) == texts.len() as u64).then_some(Facts { rows, texts })
    }

    /// The number of archives with facts.
    pub fn len(&self) -> usize {
        self.rows.len() / ROW
    }

    fn row(&self, at: usize) -> Option<Row<'a>> {
        let start = at.checked_mul(ROW)?;
        Row::read(self.rows.get(start..start.checked_add(ROW)?)?, self.texts)
    }

    /// The facts about the archive of this name. `hint` is the row to try first, and is set to the row for the next name.
    pub fn get(&self, name: &str, hint: &mut usize) -> Option<Known<'a>> {
        if let Some(row) = self.row(*hint).filter(|row| row.name == name) {
            *hint += 1;
            return row.known();
        }
        let (mut low, mut high) = (0, self.len());
        while low < high {
            let middle = low.midpoint(high);
            let row = self.row(middle)?;
            match row.name.cmp(name) {
                std::cmp::Ordering::Equal => {
                    *hint = middle + 1;
                    return row.known();
                }
                std::cmp::Ordering::Less => low = middle + 1,
                std::cmp::Ordering::Greater => high = middle,
            }
        }
        *hint = low;
        None
    }
}

struct Row<'a> {
    name: &'a str,
    stamp: Stamp,
    /// The entry's text with everything after it, and the ends of its pieces.
    entry: Option<(&'a str, [u32; PARTS])>,
}

impl<'a> Row<'a> {
    fn read(row: &[u8], texts: &'a str) -> Option<Row<'a>> {
        let (size, row) = take(row)?;
        let (modified, row) = take(row)?;
        let (changed, row) = take(row)?;
        let (inode, row) = take(row)?;
        let (start, row) = take(row)?;
        let (length, row) = take(row)?;
        let (is_chart, mut row) = take(row)?;
        let mut ends = [0; PARTS];
        for end in &mut ends {
            let (number, rest) = take(row)?;
            (*end, row) = (u32::from_le_bytes(number), rest);
        }
        let texts = texts.get(usize::try_from(u32::from_le_bytes(start)).ok()?..)?;
        let (name, texts) = texts.split_at_checked(usize::try_from(u32::from_le_bytes(length)).ok()?)?;
        let stamp = (u64::from_le_bytes(size), i128::from_le_bytes(modified), i128::from_le_bytes(changed), u64::from_le_bytes(inode));
        Some(Row { name, stamp, entry: (u32::from_le_bytes(is_chart) == 1).then_some((texts, ends)) })
    }

    fn known(self) -> Option<Known<'a>> {
        let entry = match self.entry {
            Some((texts, ends)) => {
                let text = texts.get(..usize::try_from(*ends.last()?).ok()?)?;
                Some(Entry::borrowed(text, ends)?)
            }
            None => None,
        };
        Some(Known { stamp: self.stamp, entry })
    }
}

fn take<const N: usize>(bytes: &[u8]) -> Option<([u8; N], &[u8])> {
    bytes.split_first_chunk::<N>().map(|(taken, rest)| (*taken, rest))
}

/// The CRC-32 of rows and texts, which is nearly free; it need not resist forgery, since the file is the user's own.
fn sum(bytes: &[u8]) -> u32 {
    let mut sum = Crc::new();
    sum.update(bytes);
    sum.sum()
}

/// Writes the facts about these archives.
pub fn remember(file: &Path, facts: &mut [(&str, &Known<'_>)]) -> Result<()> {
    facts.sort_unstable_by_key(|(name, _)| *name);
    let whole = |known: &Known<'_>| known.entry.as_ref().map_or(0, |entry| entry.whole().0.len());
    let length: usize = facts.iter().map(|(name, known)| name.len() + whole(known)).sum();
    let mut bytes = Vec::with_capacity(HEADER.len() + NUMBERS + facts.len() * ROW + length);
    bytes.extend_from_slice(HEADER);
    bytes.extend_from_slice(&(facts.len() as u64).to_le_bytes());
    bytes.extend_from_slice(&(length as u64).to_le_bytes());
    let sum_at = bytes.len();
    bytes.extend_from_slice(&[0; 4]);
    let too_large = |_| Error::new(ErrorKind::Limit, "the catalog is too large");
    let mut start = 0;
    for (name, known) in facts.iter() {
        let (size, modified, changed, inode) = known.stamp;
        let (is_chart, ends) = known.entry.as_ref().map_or((0u32, [0; PARTS]), |entry| (1, entry.whole().1));
        bytes.extend_from_slice(&size.to_le_bytes());
        bytes.extend_from_slice(&modified.to_le_bytes());
        bytes.extend_from_slice(&changed.to_le_bytes());
        bytes.extend_from_slice(&inode.to_le_bytes());
        for number in [u32::try_from(start).map_err(too_large)?, u32::try_from(name.len()).map_err(too_large)?, is_chart] {
            bytes.extend_from_slice(&number.to_le_bytes());
        }
        ends.iter().for_each(|end| bytes.extend_from_slice(&end.to_le_bytes()));
        start += name.len() + whole(known);
    }
    for (name, known) in facts.iter() {
        bytes.extend_from_slice(name.as_bytes());
        bytes.extend_from_slice(known.entry.as_ref().map_or("", |entry| entry.whole().0).as_bytes());
    }
    if let Some((place, rest)) = bytes.get_mut(sum_at..).and_then(|bytes| bytes.split_first_chunk_mut()) {
        *place = sum(rest).to_le_bytes();
    }
    fs::write_with_folders(file, &bytes, Mode::Exact(0o600))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_remembered_is_recalled() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("deep/memory");
        let text = "web1.0.0  web:\n  - ä: 1\n\n\n7 7\n";
        let ends = [3, 8, 15, 25, text.len() as u32, text.len() as u32];
        let entry = Entry::borrowed(text, ends).expect("an entry");
        assert_eq!((entry.chart(), entry.version(), entry.key(), entry.tail()), ("web", "1.0.0", "  web:\n", ""));
        let chart = Known { stamp: (1, -2, 3, 4), entry: Some(entry) };
        let other = Known { stamp: (5, 6, 7, u64::MAX), entry: None };
        let mut facts = [("web-1.0.0.tgz", &chart), ("odd name\n.tgz", &other), ("a.tgz", &chart)];
        remember(&file, &mut facts).expect("written");
        let bytes = read(&file);
        let known = Facts::new(&bytes);
        assert_eq!(known.len(), 3);
        for hint in 0..5 {
            for (name, fact) in &facts {
                assert_eq!(known.get(name, &mut { hint }).as_ref(), Some(*fact), "{name}");
            }
            for name in ["", "b", "web", "z"] {
                assert_eq!(known.get(name, &mut { hint }), None, "{name}");
            }
        }
        // Truncated anywhere, the file is ignored.
        for length in 0..bytes.len() {
            assert_eq!(Facts::new(&bytes[..length]).len(), 0, "{length}");
        }
        assert_eq!(Facts::new(b"rutter catalog 3\n").len(), 0);
    }

    #[test]
    fn what_was_changed_is_worth_nothing() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("memory");
        let entry = Entry::borrowed("abcdef", [1, 2, 3, 4, 5, 6]).expect("an entry");
        remember(&file, &mut [("a.tgz", &Known { stamp: (1, 2, 3, 4), entry: Some(entry) })]).expect("written");
        let bytes = read(&file);
        assert_eq!(Facts::new(&bytes).len(), 1);
        for at in 0..bytes.len() {
            let mut broken = bytes.clone();
            broken[at] ^= 1;
            assert_eq!(Facts::new(&broken).len(), 0, "{at}");
        }
    }

    #[test]
    fn numbers_that_lie_do_no_harm() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("memory");
        let entry = Entry::borrowed("abcdef", [1, 2, 3, 4, 5, 6]).expect("an entry");
        let known = Known { stamp: (1, 2, 3, 4), entry: Some(entry) };
        remember(&file, &mut [("a.tgz", &known), ("b.tgz", &known)]).expect("written");
        let bytes = read(&file);
        for at in 0..bytes.len() {
            let mut broken = bytes.clone();
            broken[at] = 0xff;
            // With a valid checksum for the broken bytes.
            let behind = HEADER.len() + NUMBERS;
            let right = sum(&broken[behind..]).to_le_bytes();
            broken[behind - 4..behind].copy_from_slice(&right);
            let facts = Facts::new(&broken);
            for name in ["a.tgz", "b.tgz"] {
                if let Some(entry) = facts.get(name, &mut 0).and_then(|known| known.entry) {
                    assert!(entry.whole().0.len() <= broken.len());
                }
            }
        }
    }
}
