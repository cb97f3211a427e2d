//! What an earlier run found out about the archives of a folder.
//!
//! Goes in: the file below the cache folder that keeps it. Comes out: facts by file name, borrowed from the file's text. A file
//! that is missing, of another version or broken is worth nothing and does no harm. A line of numbers (stamp, and lengths of
//! texts) stands before the texts of each archive, so that nothing in them needs to be escaped.

use super::entry::Entry;
use crate::error::{Error, ErrorKind, Result};
use crate::fs;
use crate::repository::cache;
use std::borrow::Cow;
use std::collections::HashMap;
use std::path::{Path, PathBuf};

/// The first line of the file; another one makes it worthless.
const HEADER: &str = "rutter catalog 2\n";
/// The largest file that is read.
const LIMIT: u64 = 512 << 20;
/// Numbers in a line: the stamp's, and the lengths of the texts.
const NUMBERS: usize = 11;

/// What tells that a file is still the same: size, modification and change time in nanoseconds, inode.
pub type Stamp = (u64, i128, i128, u64);

/// What is known of one archive.
#[derive(Debug, Clone)]
pub struct Known<'a> {
    pub stamp: Stamp,
    /// `None` for files that are no charts.
    pub entry: Option<Entry<'a>>,
}

/// The file below the cache that carries over what was found out about `folder`.
pub fn file(cache_home: &Path, folder: &Path) -> Result<PathBuf> {
    let folder = fs::absolute(folder)?;
    let name = cache::hex(&cache::sha256(folder.as_os_str().as_encoded_bytes()));
    let name = name.get(..32).ok_or_else(|| Error::new(ErrorKind::Io, "no name for the catalog"))?;
    Ok(cache_home.join("rutter").join("catalog").join(name))
}

/// The text of a memory; empty when there is none.
pub fn read(file: &Path) -> String {
    fs::read_limited(file, LIMIT).ok().and_then(|bytes| String::from_utf8(bytes).ok()).unwrap_or_default()
}

/// The facts in the text of a memory, by file name.
pub fn recall(text: &str) -> HashMap<&str, Known<'_>> {
    let mut known = HashMap::new();
    let Some(mut rest) = text.strip_prefix(HEADER) else { return known };
    while let Some((name, fact, behind)) = recall_one(rest) {
        known.insert(name, fact);
        rest = behind;
    }
    known
}

fn recall_one(text: &str) -> Option<(&str, Known<'_>, &str)> {
    let (line, mut rest) = text.split_once('\n')?;
    let mut numbers = [0i128; NUMBERS];
    let mut words = line.split(' ');
    for number in &mut numbers {
        *number = words.next()?.parse().ok()?;
    }
    let [size, modified, changed, inode, lengths @ ..] = numbers;
    let mut texts = [""; NUMBERS - 4];
    for (text, length) in texts.iter_mut().zip(lengths) {
        (*text, rest) = rest.split_at_checked(usize::try_from(length).ok()?)?;
    }
    let rest = rest.strip_prefix('\n')?;
    let [name, chart, version, key, head, middle, tail] = texts;
    let entry = (!chart.is_empty()).then_some(Entry {
        chart: Cow::Borrowed(chart),
        version: Cow::Borrowed(version),
        key: Cow::Borrowed(key),
        head: Cow::Borrowed(head),
        middle: Cow::Borrowed(middle),
        tail: Cow::Borrowed(tail),
    });
    let stamp = (u64::try_from(size).ok()?, modified, changed, u64::try_from(inode).ok()?);
    Some((name, Known { stamp, entry }, rest))
}

/// Writes what is known of these archives.
pub fn remember<'a>(file: &Path, facts: impl Iterator<Item = (&'a str, &'a Known<'a>)>) -> Result<()> {
    let mut text = HEADER.to_string();
    for (name, Known { stamp: (size, modified, changed, inode), entry }) in facts {
        let entry = entry.as_ref();
        let of = |part: fn(&'a Entry<'a>) -> &'a Cow<'a, str>| entry.map_or("", |entry| part(entry));
        let texts = [
            name,
            of(|entry| &entry.chart),
            of(|entry| &entry.version),
            of(|entry| &entry.key),
            of(|entry| &entry.head),
            of(|entry| &entry.middle),
            of(|entry| &entry.tail),
        ];
        text.push_str(&format!("{size} {modified} {changed} {inode}"));
        texts.iter().for_each(|part| text.push_str(&format!(" {}", part.len())));
        text.push('\n');
        texts.iter().for_each(|part| text.push_str(part));
        text.push('\n');
    }
    cache::write_whole(file, text.as_bytes(), 0o600)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_remembered_is_recalled() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("deep/memory");
        let part = |text: &'static str| Cow::Borrowed(text);
        let entry = Entry {
            chart: part("web"),
            version: part("1.0.0"),
            key: part("  web:\n"),
            head: part("  - ä: 1\n"),
            middle: part("\n\n7 7\n"),
            tail: part(""),
        };
        let facts = [
            ("web-1.0.0.tgz", Known { stamp: (1, -2, 3, 4), entry: Some(entry) }),
            ("odd name\n.tgz", Known { stamp: (5, 6, 7, u64::MAX), entry: None }),
        ];
        remember(&file, facts.iter().map(|(name, fact)| (*name, fact))).expect("written");
        let text = read(&file);
        let known = recall(&text);
        for (name, fact) in &facts {
            assert_eq!((known[name].stamp, &known[name].entry), (fact.stamp, &fact.entry), "{name}");
        }
        // Cut anywhere, it gives what is whole, and no more.
        for length in (0..text.len()).filter(|length| text.is_char_boundary(*length)) {
            assert!(recall(&text[..length]).len() <= 2 - usize::from(length < text.len()), "{length}");
        }
        assert!(recall("rutter catalog 1\n").is_empty());
        assert!(recall("rutter catalog 2\n1 2 3 4 99999999999999999999 0 0 0 0 0 0\n").is_empty());
    }
}
