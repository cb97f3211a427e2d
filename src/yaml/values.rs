//! Values files, which may hold several documents (Helm's `loader.LoadValues`).
//!
//! Goes in: the bytes of a values file. Comes out: its documents, or one map with the later ones merged over the earlier.
//! The file is split at lines before anything is parsed, by rules of its own (apimachinery's `YAMLReader`).

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
    let mut parse = |document: &[u8]| -> Result<()> {
        let map = super::parse_map(document).map_err(|error| error.context("cannot unmarshal yaml document"))?;
        documents.push(map);
        Ok(())
    };
    let text = normalise(text);
    let mut start = 0;
    let mut at = 0;
    while at < text.len() {
        let end = memchr::memchr(b'\n', &text[at..]).map_or(text.len(), |length| at + length + 1);
        if let Some(rest) = text[at..end].strip_prefix(b"---") {
            let rest = String::from_utf8_lossy(rest);
            let rest = rest.trim();
            if !rest.is_empty() && !rest.starts_with('#') {
                let problem = format!("error reading yaml document: invalid Yaml document separator: {rest}");
                return Err(Error::new(ErrorKind::Values, problem));
            }
            // A separator with nothing before it stays in front of the document it starts.
            if at > start {
                parse(&text[start..at])?;
                start = end;
            }
        }
        at = end;
    }
    if start < text.len() {
        parse(&text[start..])?;
    }
    Ok(documents)
}

/// Ends every line with LF alone, the last one too; most texts need no change.
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
    Ok(documents.into_iter().reduce(|under, over| merge_documents(&under, &over)).unwrap_or_default())
}

/// How deep tables are merged; below, those on top replace the others.
const MAX_MERGE_DEPTH: usize = 1000;

/// `loader.MergeMaps`: tables of `over` are merged into those of `under`, everything else (nulls and lists too) replaces.
pub fn merge_documents(under: &Arc<Map>, over: &Arc<Map>) -> Arc<Map> {
    merge(under, over, 0)
}

fn merge(under: &Arc<Map>, over: &Arc<Map>, depth: usize) -> Arc<Map> {
    if under.is_empty() || depth > MAX_MERGE_DEPTH {
        return over.clone();
    }
    let mut merged = (**under).clone();
    for (key, value) in over.iter() {
        let value = match (merged.get(key), value) {
            (Some(Data::Map(under)), Data::Map(over)) => Data::Map(merge(under, over, depth + 1)),
            _ => value.clone(),
        };
        merged.insert(key.clone(), value);
    }
    Arc::new(merged)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deep_documents_merge_within_the_stack() {
        let nested = |depth: usize| "{a: ".repeat(depth) + "1" + &"}".repeat(depth);
        let text = format!("{}\n---\n{}\n", nested(9_000), nested(9_000));
        assert!(parse_values(text.as_bytes()).is_ok());
    }
}
