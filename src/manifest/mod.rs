//! From rendered files to manifests in install order.
//!
//! Goes in: rendered files. Comes out: [`Manifests`]: their documents in install order, resources and hooks separately. Documents
//! are ranges of the rendered texts, never copies. Follows Helm's `SortManifests` (`pkg/release/v1/util/manifest_sorter.go`) and
//! the handling of NOTES.txt in `renderResources`.

pub mod hook;
pub mod marked;
pub mod order;
mod resource;
pub mod split;

use crate::diagnostic::{Diagnostic, Level, Location, Notices, source_line};
use crate::error::{Error, ErrorKind, Result};
use crate::parallel;
use crate::template::engine::{self, RenderedFile};
use crate::yaml::{self, Head};
use hook::{Hook, Verdict};
use std::ops::Range;
use std::thread::ScopedJoinHandle;

/// From this many bytes on, the heads are read on two threads.
const TWO_THREADS_FROM: usize = 256 << 10;

/// One document of a rendered file.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Document {
    /// The index of its file.
    pub file: usize,
    /// Its range in that file's text.
    pub range: Range<usize>,
    pub head: Head,
    /// Its hook properties; `None` for a resource.
    pub hook: Option<Hook>,
}

impl Document {
    /// The document's text.
    pub fn text<'a>(&self, files: &'a [RenderedFile]) -> &'a [u8] {
        files.get(self.file).and_then(|file| file.data.get(self.range.clone())).unwrap_or_default()
    }

    /// The path of the template that rendered it, as Helm names it.
    pub fn path<'a>(&self, files: &'a [RenderedFile]) -> &'a str {
        files.get(self.file).map_or("", |file| &file.name)
    }
}

/// The documents of a rendered chart, each list in install order.
#[derive(Debug, Clone, Default)]
pub struct Manifests {
    pub resources: Vec<Document>,
    pub hooks: Vec<Document>,
}

/// The fault of a rendered document that is not a manifest.
#[derive(Debug, Clone)]
pub struct NotYaml {
    pub error: Error,
    /// The hooks before it, which Helm shows with `--debug`.
    pub hooks: Vec<Document>,
}

/// Whether a file has notes for people instead of manifests.
pub fn is_notes(file: &RenderedFile) -> bool {
    file.name.ends_with("NOTES.txt")
}

/// The faults of these files as [`sort`] finds them, but in all files: the first of each, by path.
pub fn faults(files: &[RenderedFile]) -> Vec<Error> {
    let mut faults: Vec<(usize, Error)> = Vec::new();
    for (file, range) in places(files) {
        if faults.last().is_none_or(|(last, _)| *last != file)
            && let Err(error) = yaml::head(&files[file].data[range.clone()])
        {
            faults.push((file, not_yaml(&files[file], &range, error)));
        }
    }
    faults.into_iter().map(|(_, error)| error).collect()
}

/// The documents of the files, by path.
fn places(files: &[RenderedFile]) -> Vec<Place> {
    let mut paths: Vec<usize> = (0..files.len()).filter(|at| !is_notes(&files[*at]) && !is_partial(&files[*at])).collect();
    paths.sort_by(|a, b| files[*a].name.cmp(&files[*b].name));
    paths.into_iter().flat_map(|file| split::documents(&files[file].data).into_iter().map(move |range| (file, range))).collect()
}

/// Splits the files into documents, reads their heads and sorts them. Notes, partials and blank files are skipped.
///
/// Fails with `YAML parse error on PATH: …` for the first document, by path and position, that is not YAML or not an object.
pub fn sort(files: &[RenderedFile], notices: &mut Notices) -> std::result::Result<Manifests, NotYaml> {
    let places = places(files);

    // Most are resources.
    let mut manifests = Manifests { resources: Vec::with_capacity(places.len()), hooks: Vec::new() };
    for ((file, range), head) in places.iter().zip(heads(files, &places)) {
        let head = match head {
            Ok(head) => head,
            Err(error) => return Err(NotYaml { error: not_yaml(&files[*file], range, error), hooks: manifests.hooks }),
        };
        let hook = match hook::of_head(&head) {
            Verdict::Resource => None,
            Verdict::Hook(hook) => Some(hook),
            Verdict::Unknown(names) => {
                notices.push_with(Level::Info, "skipping unknown hooks", &[("hookTypes", &names)]);
                continue;
            }
        };
        let list = if hook.is_some() { &mut manifests.hooks } else { &mut manifests.resources };
        list.push(Document { file: *file, range: range.clone(), head, hook });
    }
    sort_by_kind(&mut manifests.resources);
    sort_by_kind(&mut manifests.hooks);
    Ok(manifests)
}

/// A document's file and its range there.
type Place = (usize, Range<usize>);

/// The sort is stable, so that documents of one kind stay in the order of their files.
fn sort_by_kind(documents: &mut [Document]) {
    let ranks: Vec<usize> = documents.iter().map(|document| order::rank(&document.head.kind)).collect();
    let mut order: Vec<usize> = (0..documents.len()).collect();
    let key = |at: &usize| (ranks[*at], documents[*at].head.kind.as_str());
    order.sort_by(|a, b| order::compare(key(a), key(b)));
    arrange(documents, &mut order);
}

/// Puts at each index the item whose index `order` has there. Each item is moved once, in place: a second list of thousands would
/// need fresh memory.
fn arrange<T: Default>(items: &mut [T], order: &mut [usize]) {
    for start in 0..items.len() {
        let first = std::mem::take(&mut items[start]);
        let mut hole = start;
        loop {
            // Items that are in place refer to themselves.
            let from = std::mem::replace(&mut order[hole], hole);
            if from == start || from == hole {
                items[hole] = first;
                break;
            }
            items[hole] = std::mem::take(&mut items[from]);
            hole = from;
        }
    }
}

/// The engine never renders partials, but a post-renderer may give its output such a name.
pub(crate) fn is_partial(file: &RenderedFile) -> bool {
    engine::is_partial(&file.name)
}

/// The heads of these documents in order, read on two threads if there is much to read. The list may end after the first error.
fn heads(files: &[RenderedFile], places: &[Place]) -> Vec<Result<Head>> {
    let read = |places: &[Place]| -> Vec<Result<Head>> {
        let mut heads = Vec::with_capacity(places.len());
        for (file, range) in places {
            let head = yaml::head(&files[*file].data[range.clone()]);
            let failed = head.is_err();
            heads.push(head);
            if failed {
                break;
            }
        }
        heads
    };
    let total: usize = places.iter().map(|(_, range)| range.len()).sum();
    if total < TWO_THREADS_FROM {
        return read(places);
    }
    let mut seen = 0;
    let middle = places.iter().position(|(_, range)| {
        seen += range.len();
        seen * 2 > total
    });
    let (first, second) = places.split_at(middle.unwrap_or(0).max(1).min(places.len()));
    std::thread::scope(|scope| {
        let started = parallel::start(scope, || read(second));
        let mut heads = read(first);
        if heads.last().is_none_or(|head| head.is_ok()) {
            match started.map_or_else(|| Ok(read(second)), ScopedJoinHandle::join) {
                Ok(rest) => heads.extend(rest),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        heads
    })
}

/// A note that a diagnostic refers to the rendered text, not to a template.
pub(crate) const RENDERED_LINE: &str = "line and text are those of the rendered file";

/// How to see the whole rendered text.
pub(crate) const SEE_ALL: &str = "`--debug` prints all of it";

/// Helm's error for a document that is not YAML, with the broken line of the rendered text.
fn not_yaml(file: &RenderedFile, range: &Range<usize>, mut error: Error) -> Error {
    // The parser counts lines in the document; people need the line in the file.
    let found = std::mem::take(error.diagnostics_mut()).into_iter().next().unwrap_or_default();
    let (line, column) = found.location.map_or((1, None), |location| (location.line, location.column));
    let before = file.data[..range.start].iter().filter(|byte| **byte == b'\n').count();
    let line = before + line.max(1);
    let source_line = source_line(&file.data, line);
    let mut hints = found.hints;
    hints.push(SEE_ALL.to_string());
    let headline = if found.headline.is_empty() { error.message().to_string() } else { found.headline };
    if headline.ends_with("into Go value of type util.SimpleHead") {
        hints.insert(0, "every document is a table of keys, with `apiVersion` and `kind`: this one is not".to_string());
    }
    let diagnostic = Diagnostic {
        headline: format!("rendered text is no valid YAML: {headline}"),
        location: Some(Location { file: file.name.clone(), line, column }),
        source_line,
        span: found.span,
        notes: vec![RENDERED_LINE.to_string()],
        hints,
        ..Diagnostic::default()
    };
    error.context(format!("YAML parse error on {}", file.name)).with_kind(ErrorKind::Manifest).with_diagnostic(diagnostic)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(name: &str, text: &str) -> RenderedFile {
        RenderedFile { name: name.to_string(), data: text.as_bytes().to_vec() }
    }

    fn shown(documents: &[Document], files: &[RenderedFile]) -> Vec<String> {
        let line = |document: &Document| format!("{} {}", document.path(files), String::from_utf8_lossy(document.text(files)).trim());
        documents.iter().map(line).collect()
    }

    #[test]
    fn documents_stand_in_install_order() {
        let files = [
            file("c/templates/b.yaml", "kind: Service\n---\nkind: Namespace\n---\nkind: Zebra\n"),
            file("c/templates/a.yaml", "kind: Service\nmetadata: {name: a}\n"),
            file("c/templates/NOTES.txt", "no: [manifest"),
            file("c/templates/_part.yaml", "no: [manifest"),
            file(
                "c/templates/h.yaml",
                "kind: Job\nmetadata: {annotations: {helm.sh/hook: test}}\n---\nmetadata: {annotations: {helm.sh/hook: odd}}",
            ),
        ];
        let mut notices = Notices::new();
        let manifests = sort(&files, &mut notices).map_err(|fault| fault.error).unwrap();
        let want = [
            "c/templates/b.yaml kind: Namespace",
            "c/templates/a.yaml kind: Service\nmetadata: {name: a}",
            "c/templates/b.yaml kind: Service",
            "c/templates/b.yaml kind: Zebra",
        ];
        assert_eq!(shown(&manifests.resources, &files), want);
        assert_eq!(manifests.hooks.len(), 1);
        assert_eq!(notices.list[0].message, "skipping unknown hooks");
    }

    /// As printed by `helm template` 4.2.4 for the same documents.
    #[test]
    fn resources_and_hooks_stand_by_kind_and_then_as_in_their_files() {
        let kinds = ["Zebra", "Alpha", "Job", "ServiceAccount", "Alpha"];
        let documents: Vec<String> =
            kinds.iter().zip(["z", "p", "j", "s", "q"]).map(|(kind, name)| format!("kind: {kind}\nmetadata: {{name: {name}}}\n")).collect();
        let hook = |file_name: &str, kind: &str, name: &str, event: &str| {
            file(file_name, &format!("kind: {kind}\nmetadata: {{name: {name}, annotations: {{helm.sh/hook: {event}}}}}\n"))
        };
        let files = [
            hook("c/e.yaml", "Job", "e", "post-install"),
            hook("c/d.yaml", "Alpha", "d", "test"),
            hook("c/c.yaml", "Zebra", "c", "test"),
            hook("c/b.yaml", "ServiceAccount", "b", "pre-install"),
            hook("c/a.yaml", "Job", "a", "pre-install"),
            file("c/r.yaml", &format!("{}---\nmetadata: {{name: nokind}}\n", documents.join("---\n"))),
        ];
        let manifests = sort(&files, &mut Notices::new()).map_err(|fault| fault.error).unwrap();
        let names = |documents: &[Document]| documents.iter().map(|document| document.head.name.clone()).collect::<Vec<_>>();
        assert_eq!(names(&manifests.resources), ["s", "j", "nokind", "p", "q", "z"]);
        assert_eq!(names(&manifests.hooks), ["b", "a", "e", "d", "c"]);
    }

    #[test]
    fn the_first_document_that_is_no_yaml_is_named() {
        let files = [
            file("c/a.yaml", "kind: Job\nmetadata: {annotations: {helm.sh/hook: test}}"),
            file("c/b.yaml", "a: 1\n---\nb: 1\nc: d: e\n"),
            file("c/c.yaml", "x: [\n"),
        ];
        let fault = sort(&files, &mut Notices::new()).unwrap_err();
        assert!(fault.error.message().starts_with("YAML parse error on c/b.yaml: error converting YAML to JSON: yaml: "));
        let diagnostic = &fault.error.diagnostics()[0];
        assert_eq!(diagnostic.location.as_ref().map(|location| location.line), Some(4));
        assert_eq!(diagnostic.source_line.as_deref(), Some("c: d: e"));
        assert_eq!(fault.hooks.len(), 1);
    }

    #[test]
    fn items_are_arranged_in_any_order() {
        for order in [vec![], vec![0], vec![1, 0], vec![1, 2, 0], vec![2, 0, 1], vec![0, 3, 2, 1], vec![3, 2, 1, 0], vec![2, 3, 0, 1, 4]] {
            let mut items: Vec<usize> = (0..order.len()).map(|at| at + 10).collect();
            arrange(&mut items, &mut order.clone());
            assert_eq!(items, order.iter().map(|at| at + 10).collect::<Vec<_>>(), "{order:?}");
        }
    }

    /// Enough text for two threads gives the same result as with one, including faults.
    #[test]
    fn much_text_gives_the_same() {
        let document = |at: usize| format!("kind: ConfigMap\nmetadata: {{name: n{at}}}\ndata: {{x: \"{}\"}}\n", "y".repeat(1000));
        let mut files: Vec<RenderedFile> = (0..600).map(|at| file(&format!("c/{at:04}.yaml"), &document(at))).collect();
        let manifests = sort(&files, &mut Notices::new()).map_err(|fault| fault.error).unwrap();
        let names: Vec<&str> = manifests.resources.iter().map(|document| document.head.name.as_str()).collect();
        assert_eq!(names.len(), 600);
        assert!(names.iter().enumerate().all(|(at, name)| *name == format!("n{at}")));
        files[599] = file("c/0599.yaml", "a: [");
        files[450] = file("c/0450.yaml", "a: b: c");
        assert!(sort(&files, &mut Notices::new()).unwrap_err().error.message().contains("c/0450.yaml"));
        files[20] = file("c/0020.yaml", "a: b: c");
        assert!(sort(&files, &mut Notices::new()).unwrap_err().error.message().contains("c/0020.yaml"));
    }
}
