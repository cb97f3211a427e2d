//! An archive's entry as it stands in index.yaml, ready to be written again.
//!
//! Goes in: a chart's metadata and the digest of its archive. Comes out: the entry's text, cut where each run fills in the time
//! and the address, so that an index of thousands of archives that did not change is copied together and not encoded anew.
//! The text is what [`Index::to_yaml`] writes, which the tests of the catalog hold it to.

use crate::chart::Metadata;
use crate::error::Result;
use crate::repository::Recorded;
use crate::repository::index::{ChartVersion, Index};
use crate::{data::Data, yaml};
use std::borrow::Cow;
use std::collections::BTreeMap;

/// What stands for the time and the address where the text is cut.
const TIME: &str = "2000-01-01T00:00:00Z";
const ADDRESS: &str = "x";
/// What an index of one entry has around it.
const BEFORE: &str = "apiVersion: v1\nentries:\n";
const AFTER: &str = "generated: \"2000-01-01T00:00:00Z\"\n";
const CREATED: &str = "    created: \"2000-01-01T00:00:00Z\"\n";
const ADDRESSES: &str = "    urls:\n    - x\n";

/// One entry in pieces, borrowed from the memory of an earlier run where it could be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry<'a> {
    /// The chart's name.
    pub chart: Cow<'a, str>,
    pub version: Cow<'a, str>,
    /// The line that begins the chart's entries; empty when the text cannot be cut, and is all in `head`.
    pub key: Cow<'a, str>,
    /// The lines before `created`.
    pub head: Cow<'a, str>,
    /// The lines between `created` and `urls`.
    pub middle: Cow<'a, str>,
    /// The lines behind `urls`.
    pub tail: Cow<'a, str>,
}

impl Entry<'_> {
    /// The entry of a chart whose archive has this SHA-256 in hex.
    pub fn new(metadata: Metadata, digest: String) -> Result<Entry<'static>> {
        let (chart, version) = (metadata.name.clone(), metadata.version.clone());
        let entry = ChartVersion { metadata, urls: vec![ADDRESS.to_string()], created: TIME.to_string(), removed: false, digest };
        let entries = BTreeMap::from([(chart.clone(), vec![entry])]);
        let text = Index { api_version: "v1".to_string(), generated: TIME.to_string(), entries, ..Index::default() }.to_yaml()?;
        let (chart, version) = (Cow::Owned(chart), Cow::Owned(version));
        let owned = |text: &str| Cow::Owned(text.to_string());
        Ok(match cut(&text) {
            Some([key, head, middle, tail]) => {
                Entry { chart, version, key: owned(key), head: owned(head), middle: owned(middle), tail: owned(tail) }
            }
            None => Entry { chart, version, key: owned(""), head: Cow::Owned(text), middle: owned(""), tail: owned("") },
        })
    }

    /// The entry decoded again, with another time and address.
    pub fn decode(&self, created: &str, address: String) -> Result<Option<ChartVersion>> {
        let text = match self.key.is_empty() {
            true => self.head.to_string(),
            false => [BEFORE, &self.key, &self.head, CREATED, &self.middle, ADDRESSES, &self.tail, AFTER].concat(),
        };
        let index = Index::parse(text.as_bytes(), "", &Recorded::default())?;
        let version = index.entries.into_values().flatten().next();
        Ok(version.map(|version| ChartVersion { created: created.to_string(), urls: vec![address], ..version }))
    }
}

/// The key, and the pieces around time and address.
fn cut(text: &str) -> Option<[&str; 4]> {
    let rest = text.strip_prefix(BEFORE)?.strip_suffix(AFTER)?;
    let (key, rest) = rest.split_at(rest.find('\n')? + 1);
    if !key.starts_with("  ") || key.starts_with("  ?") || !key.ends_with(":\n") || !rest.starts_with("  - ") {
        return None;
    }
    // Only fields of the entry itself are indented by four, so that no text within it can be taken for one.
    let (head, rest) = split_once_only(rest, CREATED)?;
    let (middle, tail) = split_once_only(rest, ADDRESSES)?;
    Some([key, head, middle, tail])
}

/// The text before and behind the line or lines `at`, which must be there once.
fn split_once_only<'t>(text: &'t str, at: &str) -> Option<(&'t str, &'t str)> {
    let mut places = text.match_indices(at).filter(|(place, _)| text.get(..*place).is_some_and(|before| before.ends_with('\n')));
    let (place, _) = places.next()?;
    if places.next().is_some() {
        return None;
    }
    Some((text.get(..place)?, text.get(place + at.len()..)?))
}

/// A text as one scalar of YAML; `None` when it takes more than one line or could be folded.
pub fn scalar(text: &str) -> Option<String> {
    let mut line = yaml::to_string(&Data::str(text)).ok()?;
    line.pop().filter(|last| *last == '\n')?;
    (!line.contains([' ', '\n'])).then_some(line)
}
