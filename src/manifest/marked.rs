//! One stream of all manifests for a post-renderer, and files from the stream it returns.
//!
//! Goes in: rendered files. Comes out: one stream whose documents have the name of their file in an annotation; and from the
//! returned stream, files by these names again. Follows Helm's `annotateAndMerge` and `splitAndDeannotate`
//! (`pkg/action/action.go`), where kyaml reformats the documents in both directions; that is in `resource`.

use super::resource::{Resource, read_all, write_all};
use super::{is_notes, is_partial, split};
use crate::error::{Error, ErrorKind, Result};
use crate::template::engine::RenderedFile;
use std::collections::BTreeMap;

/// The annotation that Helm gives each document on its way through a post-renderer.
const MARK: &str = "postrenderer.helm.sh/postrender-filename";

fn fault(context: String, error: &str) -> Error {
    Error::new(ErrorKind::Manifest, error).context(context)
}

/// All documents, sorted by file, each marked with the name of its file.
pub fn merge(files: &[RenderedFile]) -> Result<Vec<u8>> {
    let mut sorted: Vec<&RenderedFile> = files.iter().filter(|file| !is_notes(file) && !is_partial(file)).collect();
    sorted.sort_by(|a, b| a.name.cmp(&b.name));
    let mut merged = Vec::new();
    for file in sorted {
        for range in split::documents(&file.data) {
            let text = file.data.get(range).unwrap_or_default();
            for mut resource in read_all(text).map_err(|error| fault(format!("parsing {}", file.name), &error))? {
                resource.set_annotation(MARK, &file.name).map_err(|error| fault(format!("annotating {}", file.name), &error))?;
                merged.push(resource);
            }
        }
    }
    let text = write_all(merged).map_err(|error| fault("writing merged docs".to_owned(), &error))?;
    Ok(text.into_bytes())
}

/// The documents of a stream as files, named by their marks; one without a mark gets its own file.
pub fn unmerge(stream: &[u8]) -> Result<Vec<RenderedFile>> {
    let mut files: BTreeMap<String, Vec<Resource>> = BTreeMap::new();
    let resources = read_all(stream).map_err(|error| fault("error parsing YAML".to_owned(), &error))?;
    for (index, mut resource) in resources.into_iter().enumerate() {
        resource.check_metadata().map_err(|error| fault("getting metadata".to_owned(), &error))?;
        let mut name = resource.annotation(MARK).to_owned();
        if name.is_empty() {
            name = format!("generated-by-postrender-{index}.yaml");
        }
        resource.clear_annotation(MARK).map_err(|error| fault("clearing filename annotation".to_owned(), &error))?;
        files.entry(name).or_default().push(resource);
    }
    let write = |(name, resources)| match write_all(resources) {
        Ok(text) => Ok(RenderedFile { name, data: text.into_bytes() }),
        Err(error) => Err(fault(format!("re-writing {name}"), &error)),
    };
    files.into_iter().map(write).collect()
}

/// Texts with the results of Helm 4.2.4 (`testdata/yaml/nodes.jsonl`, one JSON object a line), recorded from kyaml v0.21.1 and
/// go-yaml v3.0.4: `merged` or `merge_error` for the text as a rendered file, `split` or `split_error` for the text as a
/// post-renderer's output, with its files one after the other behind `FILE NAME`.
#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Data;
    use crate::json;

    fn outcome(result: Result<String>) -> (String, String) {
        result.map_or_else(|error| (String::new(), error.to_string()), |text| (text, String::new()))
    }

    #[test]
    fn recorded_cases() {
        let lines: Vec<&str> = include_str!("../../testdata/yaml/nodes.jsonl").lines().collect();
        assert!(lines.len() > 500);
        for line in lines {
            let case = json::parse(line.as_bytes()).unwrap();
            let field = |name: &str| case.as_map().and_then(|map| map.get(name)).and_then(Data::as_str).unwrap_or_default().to_owned();
            let text = field("text");
            let file = RenderedFile { name: "c/templates/x.yaml".to_owned(), data: text.clone().into_bytes() };
            let merged = merge(&[file]).map(|merged| String::from_utf8_lossy(&merged).into_owned());
            assert_eq!(outcome(merged), (field("merged"), field("merge_error")), "{text:?}");
            let shown = |file: &RenderedFile| format!("FILE {}\n{}", file.name, String::from_utf8_lossy(&file.data));
            let split = unmerge(text.as_bytes()).map(|files| files.iter().map(shown).collect());
            assert_eq!(outcome(split), (field("split"), field("split_error")), "{text:?}");
        }
    }

    #[test]
    fn files_come_back_by_name() {
        let file = |name: &str, text: &str| RenderedFile { name: name.to_owned(), data: text.as_bytes().to_vec() };
        let files = [
            file("c/b.yaml", "metadata:\n  name: b\n---\nmetadata:\n  name: b2\n"),
            file("c/a.yaml", "# nothing\n"),
            file("c/_p.yaml", "x: 1"),
            file("c/NOTES.txt", "x"),
        ];
        let mut stream = merge(&files).unwrap();
        stream.extend_from_slice(b"---\nkind: New\n");
        let back = unmerge(&stream).unwrap();
        let shown: Vec<(&str, &str)> = back.iter().map(|file| (file.name.as_str(), std::str::from_utf8(&file.data).unwrap())).collect();
        assert_eq!(
            shown,
            [("c/b.yaml", "metadata:\n  name: b\n---\nmetadata:\n  name: b2\n"), ("generated-by-postrender-2.yaml", "kind: New\n")]
        );
    }
}
