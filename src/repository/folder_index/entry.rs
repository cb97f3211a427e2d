//! An archive's entry in index.yaml as text, ready to be written again.
//!
//! Goes in: a chart's metadata and the digest of its archive. Comes out: the entry's text, cut where each run
//! inserts the time and the address, so that an index of thousands of unchanged archives is copied together instead
//! of encoded again. The text equals the output of [`Index::to_yaml`], which the tests of the folder index check.

use crate::chart::Metadata;
use crate::error::{Error, ErrorKind, Result};
use crate::repository::Recorded;
use crate::repository::index::{ChartVersion, Index};
use crate::{data::Data, yaml};
use std::borrow::Cow;
use std::collections::BTreeMap;

/// Placeholders for the time and the address, where the text is cut.
const TIME: &str = "2000-01-01T00:00:00Z";
const ADDRESS: &str = "x";
/// The text of an index around its only entry.
const BEFORE: &str = "apiVersion: v1\nentries:\n";
const AFTER: &str = "generated: \"2000-01-01T00:00:00Z\"\n";
const CREATED: &str = "    created: \"2000-01-01T00:00:00Z\"\n";
const ADDRESSES: &str = "    urls:\n    - x\n";

/// The number of texts in an entry.
pub const PARTS: usize = 6;

/// The pieces of one entry, concatenated in one text, so that an entry of an earlier run is merely a slice of that run's record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry<'a> {
    text: Cow<'a, str>,
    /// The end of each piece.
    ends: [u32; PARTS],
}

impl<'a> Entry<'a> {
    /// The entry whose pieces are in `text`; `None` if one of them does not end within it.
    pub fn borrowed(text: &'a str, ends: [u32; PARTS]) -> Option<Entry<'a>> {
        let inside = ends.iter().all(|end| text.is_char_boundary(*end as usize)) && ends.is_sorted();
        inside.then_some(Entry { text: Cow::Borrowed(text), ends })
    }

    /// The entry made of these pieces; `None` if they are too long together.
    fn of(pieces: [&str; PARTS]) -> Option<Entry<'static>> {
        let mut text = String::with_capacity(pieces.iter().map(|piece| piece.len()).sum());
        let mut ends = [0; PARTS];
        for (piece, end) in pieces.iter().zip(&mut ends) {
            text.push_str(piece);
            *end = u32::try_from(text.len()).ok()?;
        }
        Some(Entry { text: Cow::Owned(text), ends })
    }

    fn part(&self, number: usize) -> &str {
        let start = number.checked_sub(1).and_then(|before| self.ends.get(before)).map_or(0, |end| *end as usize);
        self.ends.get(number).and_then(|end| self.text.get(start..*end as usize)).unwrap_or_default()
    }

    /// All pieces, and the end of each: the arguments of [`Entry::borrowed`].
    pub fn whole(&self) -> (&str, [u32; PARTS]) {
        (&self.text, self.ends)
    }

    /// The chart's name.
    pub fn chart(&self) -> &str {
        self.part(0)
    }

    /// The version as in Chart.yaml.
    pub fn version(&self) -> &str {
        self.part(1)
    }

    /// The line that starts the chart's entries; empty if the text could not be cut and is all in `head`.
    pub fn key(&self) -> &str {
        self.part(2)
    }

    /// The lines before `created`.
    pub fn head(&self) -> &str {
        self.part(3)
    }

    /// The lines between `created` and `urls`.
    pub fn middle(&self) -> &str {
        self.part(4)
    }

    /// The lines after `urls`.
    pub fn tail(&self) -> &str {
        self.part(5)
    }
}

impl Entry<'_> {
    /// The entry of a chart whose archive has this SHA-256 in hex.
    pub fn new(metadata: Metadata, digest: String) -> Result<Entry<'static>> {
        let (chart, version) = (metadata.name.clone(), metadata.version.clone());
        let entry = ChartVersion { metadata, urls: vec![ADDRESS.to_string()], created: TIME.to_string(), removed: false, digest };
        let entries = BTreeMap::from([(chart.clone(), vec![entry])]);
        let text = Index { api_version: "v1".to_string(), generated: TIME.to_string(), entries, ..Index::default() }.to_yaml()?;
        let [key, head, middle, tail] = cut(&text).unwrap_or(["", &text, "", ""]);
        Entry::of([&chart, &version, key, head, middle, tail])
            .ok_or_else(|| Error::new(ErrorKind::Limit, format!("the entry of chart {chart} is too large")))
    }

    /// Decodes the entry, with another time and address.
    pub fn decode(&self, created: &str, address: String) -> Result<Option<ChartVersion>> {
        let text = match self.key().is_empty() {
            true => self.head().to_string(),
            false => [BEFORE, self.key(), self.head(), CREATED, self.middle(), ADDRESSES, self.tail(), AFTER].concat(),
        };
        let index = Index::parse(text.as_bytes(), "", &Recorded::default())?;
        let version = index.entries.into_values().flatten().next();
        Ok(version.map(|version| ChartVersion { created: created.to_string(), urls: vec![address], ..version }))
    }
}

/// Cuts a text into the key and the pieces around time and address.
fn cut(text: &str) -> Option<[&str; 4]> {
    let rest = text.strip_prefix(BEFORE)?.strip_suffix(AFTER)?;
    let (key, rest) = rest.split_at(rest.find('\n')? + 1);
    if !key.starts_with("  ") || key.starts_with("  ?") || !key.ends_with(":\n") || !rest.starts_with("  - ") {
        return None;
    }
    // Only fields of the entry itself are indented by four, so no text inside it can be mistaken for one.
    let (head, rest) = split_once_only(rest, CREATED)?;
    let (middle, tail) = split_once_only(rest, ADDRESSES)?;
    Some([key, head, middle, tail])
}

/// The text before and after the lines `at`, which must occur exactly once.
fn split_once_only<'t>(text: &'t str, at: &str) -> Option<(&'t str, &'t str)> {
    let mut places = text.match_indices(at).filter(|(place, _)| text.get(..*place).is_some_and(|before| before.ends_with('\n')));
    let (place, _) = places.next()?;
    if places.next().is_some() {
        return None;
    }
    Some((text.get(..place)?, text.get(place + at.len()..)?))
}

/// The text as a one-line YAML scalar; `None` if it takes more than one line or could be folded.
pub fn scalar(text: &str) -> Option<Cow<'_, str>> {
    if is_plain(text) {
        return Some(Cow::Borrowed(text));
    }
    let mut line = yaml::to_string(&Data::str(text)).ok()?;
    line.pop().filter(|last| *last == '\n')?;
    (!line.contains([' ', '\n'])).then_some(Cow::Owned(line))
}

/// Whether the text is an archive name that needs no quotes: a fast path, since most addresses are and thousands are written.
fn is_plain(text: &str) -> bool {
    let safe = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'/');
    text.len() < 1000 && text.ends_with(".tgz") && text.as_bytes().first().is_some_and(u8::is_ascii_alphabetic) && text.bytes().all(safe)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plain_name_is_written_as_the_encoder_writes_it() {
        let long = format!("{}.tgz", "a-1.0.0/".repeat(100));
        for name in ["a.tgz", "web-1.2.3.tgz", "A_b/c-0.1.0-rc.1.tgz", "null.tgz", "e5.tgz", "y/n.tgz", &long] {
            assert!(is_plain(name), "{name}");
            assert_eq!(yaml::to_string(&Data::str(name)).expect("a text"), format!("{name}\n"));
        }
        for name in ["", "tgz", "1.tgz", "a b.tgz", "a:b.tgz", "-a.tgz", ".tgz", "ä.tgz", "a#.tgz", "a.tgz\n", "a"] {
            assert!(!is_plain(name), "{name}");
        }
    }

    #[test]
    fn pieces_that_do_not_fit_their_text_are_no_entry() {
        assert!(Entry::borrowed("abcä", [1, 1, 2, 3, 3, 5]).is_some_and(|entry| entry.tail() == "ä" && entry.version().is_empty()));
        assert!(Entry::borrowed("abcä", [1, 1, 2, 3, 3, 4]).is_none());
        assert!(Entry::borrowed("abcä", [1, 1, 2, 3, 3, 6]).is_none());
        assert!(Entry::borrowed("abcä", [2, 1, 2, 3, 3, 5]).is_none());
    }
}
