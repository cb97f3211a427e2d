//! Values files, which may contain several documents (Helm's `loader.LoadValues`).
//!
//! Goes in: the bytes of a values file. Comes out: its documents, or one map with later ones merged over earlier ones. The file is
//! split by lines before anything is parsed (`separator`).

use crate::data::{Data, Map};
use crate::error::{Error, ErrorKind, Result};
use std::borrow::Cow;
use std::sync::Arc;

/// The documents of a values file in order, each a map.
///
/// # Errors
/// `error reading yaml document: invalid Yaml document separator: …`, `cannot unmarshal yaml document: …`.
pub fn parse_value_documents(text: &[u8]) -> Result<Vec<Arc<Map>>> {
    let mut documents = Vec::new();
    for document in super::split_documents(&normalise(text)) {
        let document = document.map_err(|separator| Error::new(ErrorKind::Values, format!("error reading yaml document: {separator}")))?;
        documents.push(super::parse_map(document).map_err(|error| error.context("cannot unmarshal yaml document"))?);
    }
    Ok(documents)
}

/// Makes LF the only line end, and ends the last line with one; most texts need no change.
fn normalise(text: &[u8]) -> Cow<'_, [u8]> {
    if memchr::memmem::find(text, b"\r\n").is_none() && matches!(text.last(), None | Some(b'\n')) {
        return Cow::Borrowed(text);
    }
    let mut normal = Vec::with_capacity(text.len() + 1);
    for line in text.split_inclusive(|byte| *byte == b'\n') {
        let line = line.strip_suffix(b"\n").map_or(line, |line| line.strip_suffix(b"\r").unwrap_or(line));
        normal.extend_from_slice(line);
        normal.push(b'\n');
    }
    Cow::Owned(normal)
}

/// A values file as one map: its documents merged, later ones on top.
pub fn parse_values(text: &[u8]) -> Result<Arc<Map>> {
    let documents = parse_value_documents(text)?;
    Ok(documents.into_iter().reduce(|under, over| merge_maps(&under, &over)).unwrap_or_default())
}

/// `over` merged over `under`: tables merge at every depth, other values (including nulls and lists) replace (`loader.MergeMaps`).
/// It does not recurse: a text may nest 10 000 levels, more than a thread's stack may hold.
pub fn merge_maps(under: &Arc<Map>, over: &Arc<Map>) -> Arc<Map> {
    if let Some(map) = unmerged(under, over) {
        return map;
    }
    let mut current = Merge::new(under, over);
    // The merges that wait for the table of this key, outermost first.
    let mut waiting: Vec<(Merge, &Arc<str>)> = Vec::new();
    loop {
        match current.up_to_table() {
            Some((key, under, over)) => waiting.push((std::mem::replace(&mut current, Merge::new(under, over)), key)),
            None => {
                let map = Arc::new(Map::from_entries(current.entries));
                let Some((outer, key)) = waiting.pop() else { return map };
                current = outer;
                current.entries.push((key.clone(), Data::Map(map)));
            }
        }
    }
}

/// The result of a merge that leaves one of the two unchanged.
fn unmerged(under: &Arc<Map>, over: &Arc<Map>) -> Option<Arc<Map>> {
    if under.is_empty() || Arc::ptr_eq(under, over) {
        return Some(over.clone());
    }
    over.is_empty().then(|| under.clone())
}

/// Two tables, while they are being merged.
struct Merge<'a> {
    under: &'a Map,
    over: &'a Map,
    /// How many entries of `over` are done.
    done: usize,
    /// All entries of `under` and the processed ones of `over`; of equal keys the last counts.
    entries: Vec<(Arc<str>, Data)>,
}

impl<'a> Merge<'a> {
    fn new(under: &'a Map, over: &'a Map) -> Merge<'a> {
        let entries = under.iter().map(|(key, value)| (key.clone(), value.clone())).collect();
        Merge { under, over, done: 0, entries }
    }

    /// Takes entries of `over`, up to the next key where two tables must be merged.
    fn up_to_table(&mut self) -> Option<(&'a Arc<str>, &'a Arc<Map>, &'a Arc<Map>)> {
        while let Some((key, value)) = self.over.entry_at(self.done) {
            self.done += 1;
            let value = match (self.under.get(key), value) {
                (Some(Data::Map(under)), Data::Map(over)) => match unmerged(under, over) {
                    Some(map) => Data::Map(map),
                    None => return Some((key, under, over)),
                },
                _ => value.clone(),
            };
            self.entries.push((key.clone(), value));
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Documents of this many nested maps, the innermost with one key.
    fn nested(depth: usize, keys: &[&str]) -> String {
        let documents: Vec<String> = keys.iter().map(|key| "{a: ".repeat(depth) + "{" + key + ": 1}" + &"}".repeat(depth)).collect();
        documents.join("\n---\n")
    }

    #[test]
    fn documents_merge_at_every_depth() {
        let values = parse_values(nested(9_000, &["x", "z", "x"]).as_bytes()).unwrap();
        let mut table = &values;
        while let Some(Data::Map(inner)) = table.get("a") {
            table = inner;
        }
        assert_eq!(table.iter().map(|(key, _)| &**key).collect::<Vec<_>>(), ["x", "z"]);
    }
}
