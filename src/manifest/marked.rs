//! One stream of all manifests for a post-renderer, and back to files.
//!
//! Goes in: rendered files. Comes out: one stream whose documents carry the name of their file in an annotation; and from the
//! stream that comes back, files by these names again. Follows Helm's `annotateAndMerge` and `splitAndDeannotate`
//! (`pkg/action/action.go`), whose documents kyaml lays out anew on both ways; that is in [`super::resource`].

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

/// The documents of a stream as files by the names of their marks; one without a mark gets a file of its own.
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
