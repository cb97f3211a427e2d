//! One stream of all manifests for a post-renderer, and back to files.
//!
//! Goes in: rendered files. Comes out: one stream whose documents carry the name of their file in an annotation; and from the
//! stream that comes back, files by these names again. Helm's `annotateAndMerge` and `splitAndDeannotate`
//! (`pkg/action/action.go`) send every document through a YAML library that lays it out anew; here the annotation is put into
//! the text and taken out again, and all else stays as the chart wrote it.

use super::{is_notes, is_partial, split};
use crate::template::engine::RenderedFile;
use std::collections::BTreeMap;

/// The annotation that Helm gives each document on its way through a post-renderer.
const MARK: &str = "postrenderer.helm.sh/postrender-filename";

/// All documents, sorted by file, each marked with the name of its file. Documents of comments alone are left out.
pub fn merge(files: &[RenderedFile]) -> Vec<u8> {
    let mut sorted: Vec<&RenderedFile> = files.iter().filter(|file| !is_notes(file) && !is_partial(file)).collect();
    sorted.sort_by(|a, b| a.name.cmp(&b.name));
    let mut merged = String::new();
    for file in sorted {
        for range in split::documents(&file.data) {
            let text = String::from_utf8_lossy(&file.data[range]);
            if text.lines().all(|line| indentation(line).is_none()) {
                continue;
            }
            if !merged.is_empty() {
                merged.push_str("---\n");
            }
            merged.push_str(&mark(&text, &file.name));
            if !merged.ends_with('\n') {
                merged.push('\n');
            }
        }
    }
    merged.into_bytes()
}

/// The documents of a stream as files by the names of their marks; one without a mark gets a file of its own.
pub fn unmerge(stream: &[u8]) -> Vec<RenderedFile> {
    let mut files: BTreeMap<String, String> = BTreeMap::new();
    for (index, range) in split::documents(stream).into_iter().enumerate() {
        let text = String::from_utf8_lossy(&stream[range]);
        let (name, text) = unmark(&text);
        let file = files.entry(name.unwrap_or_else(|| format!("generated-by-postrender-{index}.yaml"))).or_default();
        if !file.is_empty() {
            if !file.ends_with('\n') {
                file.push('\n');
            }
            file.push_str("---\n");
        }
        file.push_str(&text);
    }
    files.into_iter().map(|(name, text)| RenderedFile { name, data: text.into_bytes() }).collect()
}

/// How far a line is indented; `None` for blank lines and comments.
fn indentation(line: &str) -> Option<usize> {
    let content = line.trim_start_matches(' ');
    (!content.trim().is_empty() && !content.starts_with('#')).then(|| line.len() - content.len())
}

/// What follows the key on a line of this indentation that begins with it, comments cut.
fn value_of<'a>(line: &'a str, indent: usize, key: &str) -> Option<&'a str> {
    if indentation(line) != Some(indent) {
        return None;
    }
    let rest = line.trim_start_matches(' ').strip_prefix(key)?.strip_prefix(':')?;
    let rest = rest.split_once(" #").map_or(rest, |(rest, _)| rest);
    (rest.is_empty() || rest.starts_with([' ', '\t', '\r', '\n'])).then(|| rest.trim())
}

/// The document with the mark in its annotations, where these can be found in the text; else the document as it is.
fn mark(text: &str, name: &str) -> String {
    let entry = format!("{MARK}: '{}'", name.replace('\'', "''"));
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    let Some((at, metadata)) = lines.iter().enumerate().find_map(|(at, line)| Some((at, value_of(line, 0, "metadata")?))) else {
        return text.to_string();
    };
    if !metadata.is_empty() {
        return mark_flow(&lines, at, &entry);
    }
    let Some((first, indent)) = first_below(&lines, at, 0) else { return text.to_string() };
    let end = (first..lines.len()).find(|line| indentation(lines[*line]).is_some_and(|found| found < indent)).unwrap_or(lines.len());
    let annotations = (first..end).find_map(|line| Some((line, value_of(lines[line], indent, "annotations")?)));
    let pad = " ".repeat(indent);
    match annotations {
        None => insert(&lines, first, &format!("{pad}annotations:\n{pad}  {entry}\n")),
        Some((line, "")) => match first_below(&lines, line, indent) {
            Some((child, deeper)) => insert(&lines, child, &format!("{}{entry}\n", " ".repeat(deeper))),
            None => insert(&lines, line + 1, &format!("{pad}  {entry}\n")),
        },
        Some((line, value)) if value.starts_with('{') => mark_flow(&lines, line, &entry),
        Some((line, "null" | "~")) => {
            let mut changed = lines.clone();
            let replaced = format!("{pad}annotations:\n{pad}  {entry}\n");
            changed[line] = &replaced;
            changed.concat()
        }
        Some(_) => text.to_string(),
    }
}

/// The first line behind `at` that is deeper than `indent`, and how deep; `None` when the block is empty.
fn first_below(lines: &[&str], at: usize, indent: usize) -> Option<(usize, usize)> {
    let (line, found) = (at + 1..lines.len()).find_map(|line| Some((line, indentation(lines[line])?)))?;
    (found > indent).then_some((line, found))
}

fn insert(lines: &[&str], at: usize, line: &str) -> String {
    [&lines[..at].concat(), line, &lines[at..].concat()].concat()
}

/// Puts the entry into a map in braces on this line: into its annotations if it has some, else as its annotations.
fn mark_flow(lines: &[&str], at: usize, entry: &str) -> String {
    let line = lines[at];
    let changed = if let Some(brace) = line.find("annotations: {") {
        let inside = brace + "annotations: {".len();
        let comma = if line[inside..].trim_start().starts_with('}') { "" } else { ", " };
        format!("{}{entry}{comma}{}", &line[..inside], &line[inside..])
    } else if let Some(brace) = line.find('{').filter(|_| line.starts_with("metadata:")) {
        let comma = if line[brace + 1..].trim_start().starts_with('}') { "" } else { ", " };
        format!("{}annotations: {{{entry}}}{comma}{}", &line[..=brace], &line[brace + 1..])
    } else {
        return lines.concat();
    };
    [&lines[..at].concat(), changed.as_str(), &lines[at + 1..].concat()].concat()
}

/// The name in the document's mark, and the document without it.
fn unmark(text: &str) -> (Option<String>, String) {
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    let Some(at) = lines.iter().position(|line| line.contains(MARK)) else { return (None, text.to_string()) };
    let line = lines[at];
    let Some((before, after)) = line.split_once(MARK) else { return (None, text.to_string()) };
    let after = after.trim_start_matches(['"', '\'']).trim_start_matches([':', ' ']);
    if !before.trim().trim_matches(['"', '\'']).is_empty() {
        let (name, rest) = scalar(after);
        let rest = rest.strip_prefix(", ").or_else(|| rest.strip_prefix(',')).unwrap_or(rest);
        let before = before.trim_end_matches(['"', '\'']);
        let line = format!("{before}{rest}").replace("annotations: {}, ", "").replace("annotations: {}", "");
        return (Some(name), [&lines[..at].concat(), line.as_str(), &lines[at + 1..].concat()].concat());
    }
    let (name, _) = scalar(after.trim_end());
    let mut kept = lines;
    kept.remove(at);
    remove_if_empty(&mut kept, at, "annotations:");
    (Some(name), kept.concat())
}

/// Removes the key above `at` when the block that it opened has become empty.
fn remove_if_empty(lines: &mut Vec<&str>, at: usize, key: &str) {
    let Some(above) = at.checked_sub(1).filter(|above| lines[*above].trim() == key) else { return };
    let indent = indentation(lines[above]).unwrap_or(0);
    if first_below(lines, above, indent).is_none() {
        lines.remove(above);
    }
}

/// A plain or quoted scalar and what follows it.
fn scalar(text: &str) -> (String, &str) {
    for quote in ['\'', '"'] {
        if let Some(inner) = text.strip_prefix(quote) {
            let (name, rest) = inner.split_once(quote).unwrap_or((inner, ""));
            return (name.to_string(), rest);
        }
    }
    let end = text.find([',', '}', '\n', '\r']).unwrap_or(text.len());
    (text[..end].trim_end().to_string(), &text[end..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_go_in_and_come_out() {
        let cases = [
            "a: 1\nmetadata:\n  name: x\n",
            "metadata:\n  name: x\n  annotations:\n    a: b\nspec: 1\n",
            "metadata:\n    annotations: {\"a\": b}\n    name: x\n",
            "metadata: {name: x, annotations: {a: b}}\n",
            "metadata: {name: x}\n",
            "# comment\nkind: X\nmetadata:\n  # inner\n  name: x\n  labels:\n    annotations: no\n",
            "metadata:\n  annotations: # why\n    a: |\n      x\n  name: y",
        ];
        for text in cases {
            let marked = mark(text, "c/templates/x.yaml");
            assert_eq!(marked.matches(MARK).count(), 1, "{marked}");
            assert_eq!(unmark(&marked), (Some("c/templates/x.yaml".to_string()), text.to_string()), "{marked}");
        }
    }

    #[test]
    fn files_come_back_by_name() {
        let file = |name: &str, text: &str| RenderedFile { name: name.to_string(), data: text.as_bytes().to_vec() };
        let files = [
            file("c/b.yaml", "metadata:\n  name: b\n---\nmetadata:\n  name: b2\n"),
            file("c/a.yaml", "# nothing\n"),
            file("c/_p.yaml", "x: 1"),
            file("c/NOTES.txt", "x"),
        ];
        let mut stream = merge(&files);
        stream.extend_from_slice(b"---\nkind: New\n");
        let back = unmerge(&stream);
        let shown: Vec<(&str, &str)> = back.iter().map(|file| (file.name.as_str(), std::str::from_utf8(&file.data).unwrap())).collect();
        assert_eq!(
            shown,
            [("c/b.yaml", "metadata:\n  name: b\n---\nmetadata:\n  name: b2\n"), ("generated-by-postrender-2.yaml", "kind: New\n")]
        );
    }
}
