//! Renders a chart offline: what `helm template` does.
//!
//! Goes in: a loaded chart, the user's values and [`Options`]. Comes out: a [`Rendering`], from which the caller writes
//! manifests to a stream or to files. Printing, loading and reading the clock are up to the caller.
//! Follows Helm's `pkg/cmd/template.go`, `pkg/cmd/install.go` and `pkg/action/{install,action}.go` as far as they need no cluster.

use crate::chart::{Chart, File, fault};
use crate::data::Map;
use crate::diagnostic::{Diagnostic, Level, Notices, nearest};
use crate::error::{Error, ErrorKind, Result};
use crate::lint::is_subdomain;
use crate::manifest::hook::Event;
use crate::manifest::{self, Document, Manifests, NotYaml, split};
use crate::quote::quote;
use crate::template::engine::{self, Capabilities, Environment, Release, RenderContext, RenderedFile, TemplateSet};
use crate::version::{Constraint, Version};
use crate::{dependency, fs, values, yaml};
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The longest name of a release, so that names made of it stay below Kubernetes' 63.
const NAME_LIMIT: usize = 53;

/// How a chart is rendered.
#[derive(Clone)]
pub struct Options {
    pub release: Release,
    pub capabilities: Capabilities,
    /// Put the files of `crds/` before the manifests.
    pub include_crds: bool,
    /// How values are checked against the charts' schemas; `None` skips the check.
    pub schema: Option<values::schema::Options>,
    /// What templates may do.
    pub engine: engine::Options,
}

/// Transforms the manifests; Helm's post-renderer.
pub trait PostRender {
    /// Takes the documents and returns the transformed ones.
    fn run(&mut self, manifests: Vec<u8>) -> Result<Vec<u8>>;
}

/// A file of `crds/` as [`Chart::crds`] finds it, kept beside what was rendered.
#[derive(Debug, Clone)]
pub struct CustomResource {
    pub path: String,
    pub file: File,
}

/// The result of a render: files, and the order in which their documents are written.
#[derive(Debug, Clone, Default)]
pub struct Rendering {
    /// Filled only with `include_crds`.
    pub crds: Vec<CustomResource>,
    pub files: Vec<RenderedFile>,
    pub manifests: Manifests,
    /// What the files were rendered from.
    pub kept: Kept,
}

/// The inputs of a render; kept to explain a fault, and so that a process about to end need not wait for them to be freed.
#[derive(Debug, Clone, Default)]
pub struct Kept {
    /// Includes the enabled subcharts; `None` where a post-renderer changed output that is not YAML.
    pub chart: Option<Chart>,
    pub values: Arc<Map>,
    pub templates: Option<Arc<TemplateSet>>,
}

/// A render that failed.
#[derive(Debug, Clone)]
pub struct Failure {
    pub error: Error,
    /// Further errors, if all were requested.
    pub others: Vec<Error>,
    /// The values that templates saw, for advice; `None` if the failure came before there were any.
    pub values: Option<Arc<Map>>,
    /// What was rendered so far; `None` if the failure came before rendering.
    pub rendering: Option<Rendering>,
}

impl From<Error> for Failure {
    fn from(error: Error) -> Failure {
        Failure { error, others: Vec::new(), values: None, rendering: None }
    }
}

/// Refuses charts that cannot be installed, and warns of deprecated ones.
pub fn check_installable(chart: &Chart, notices: &mut Notices) -> Result<()> {
    let kind = chart.metadata.kind.as_str();
    if !matches!(kind, "" | "application") {
        return Err(Error::new(ErrorKind::Chart, format!("{kind} charts are not installable")));
    }
    if chart.metadata.deprecated {
        notices.push(Level::Warn, "this chart is deprecated");
    }
    Ok(())
}

/// Refuses names that Kubernetes would refuse: dot-separated labels of small letters, digits and inner dashes, at most 53 bytes.
///
/// # Errors
/// `release name NAME: no name provided` or `…: invalid release name, …`, as Helm's `chartutil.ValidateReleaseName`.
pub fn check_release_name(name: &str) -> Result<()> {
    let fault = if name.is_empty() {
        "no name provided"
    } else if name.len() > NAME_LIMIT || !is_subdomain(name) {
        "invalid release name, must match regex ^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$ \
         and the length must not be longer than 53"
    } else {
        return Ok(());
    };
    Err(Error::new(ErrorKind::Usage, format!("release name {}: {fault}", quote(name.as_bytes()))))
}

/// Renders the chart with the user's values.
pub fn run(
    chart: &Chart,
    values: &Arc<Map>,
    options: &Options,
    environment: &mut dyn Environment,
    post_renderer: Option<&mut dyn PostRender>,
    notices: &mut Notices,
) -> std::result::Result<Rendering, Failure> {
    check_release_name(&options.release.name).map_err(|error| logged("release name check failed", error, notices))?;
    let chart =
        dependency::process(chart, values, notices).map_err(|error| logged("chart dependencies processing failed", error, notices))?;
    let values = values::coalesce::coalesce_values(&chart, values, notices)?;
    if let Some(schema) = &options.schema {
        values::schema::validate(&chart, &values, schema, notices).map_err(|error| Failure {
            error,
            others: Vec::new(),
            values: Some(values.clone()),
            rendering: None,
        })?;
    }
    let failed = |mut errors: Vec<Error>, rendering: Rendering| {
        let error = errors.remove(0);
        Failure { error, others: errors, values: Some(values.clone()), rendering: Some(rendering) }
    };
    let mut rendering = Rendering::default();
    match render(&chart, &values, options, environment, notices, &mut rendering) {
        Ok(faults) if faults.is_empty() => {}
        Ok(mut faults) => {
            faults.extend(manifest::faults(&rendering.files));
            rendering.kept.values = values.clone();
            rendering.kept.chart = Some(chart);
            return Err(failed(faults, rendering));
        }
        Err(error) => return Err(failed(vec![error], Rendering::default())),
    }
    let is_as_rendered = post_renderer.is_none();
    if let Some(post_renderer) = post_renderer {
        post_render(&mut rendering, post_renderer).map_err(|error| failed(vec![error], Rendering::default()))?;
    }
    match manifest::sort(&rendering.files, notices) {
        Ok(manifests) => rendering.manifests = manifests,
        Err(NotYaml { error, hooks }) => {
            rendering.manifests = Manifests { resources: whole_files(&rendering.files), hooks };
            rendering.kept.values = values.clone();
            rendering.kept.chart = is_as_rendered.then_some(chart);
            let errors = if options.engine.all_faults { manifest::faults(&rendering.files) } else { Vec::new() };
            return Err(failed(if errors.is_empty() { vec![error] } else { errors }, rendering));
        }
    }
    if options.include_crds {
        // Of all the paths shown, Helm joins only these with the system's separators.
        let path = fs::with_own_separators;
        rendering.crds = chart.crds().into_iter().map(|crd| CustomResource { path: path(crd.path), file: crd.file.clone() }).collect();
    }
    rendering.kept.values = values;
    rendering.kept.chart = Some(chart);
    Ok(rendering)
}

/// Adds `context` to the error and logs it, as Helm does.
fn logged(context: &str, error: Error, notices: &mut Notices) -> Error {
    notices.push_with(Level::Error, context, &[("error", error.message())]);
    error.context(context)
}

/// Checks the chart's `kubeVersion` and renders. Returns the faults if all of them were requested.
fn render(
    chart: &Chart,
    values: &Arc<Map>,
    options: &Options,
    environment: &mut dyn Environment,
    notices: &mut Notices,
    rendering: &mut Rendering,
) -> Result<Vec<Error>> {
    let wanted = &chart.metadata.kube_version;
    let kubernetes = &options.capabilities.kube_version;
    if !wanted.is_empty() && !is_compatible(wanted, &kubernetes.normalized) {
        let message = format!("chart requires kubeVersion: {wanted} which is incompatible with Kubernetes {}", kubernetes.version);
        let text = chart.raw("Chart.yaml").map_or(&[][..], |file| &file.data);
        let hint = "`--kube-version` renders for another version of Kubernetes";
        return Err(fault::in_chart_file(fault::of_key("kubeVersion", message, Some(hint)), text));
    }
    let context = RenderContext { chart, values: values.clone(), release: options.release.clone(), capabilities: &options.capabilities };
    let rendered = engine::render_telling(&context, &options.engine, environment, notices)?;
    if let Some(fault) = chart.unread() {
        return Err(fault);
    }
    rendering.files = rendered.files;
    rendering.kept.templates = rendered.templates;
    Ok(rendered.faults)
}

/// Whether the version fits the range; false if either is invalid.
fn is_compatible(range: &str, version: &str) -> bool {
    match (Constraint::parse(range), Version::parse(version)) {
        (Ok(range), Ok(version)) => range.check(&version),
        _ => false,
    }
}

/// Every file as one document, unsorted and unparsed: what Helm shows when one of them is not YAML.
fn whole_files(files: &[RenderedFile]) -> Vec<Document> {
    let mut order: Vec<usize> = (0..files.len()).collect();
    order.sort_by(|a, b| files[*a].name.cmp(&files[*b].name));
    let shown = |at: &usize| !manifest::is_notes(&files[*at]) && !split::trim_start(&files[*at].data).is_empty();
    let document = |file: usize| Document { file, range: 0..files[file].data.len(), head: yaml::Head::default(), hook: None };
    order.into_iter().filter(shown).map(document).collect()
}

/// Runs the post-renderer on the manifests and takes its output as the files.
fn post_render(rendering: &mut Rendering, post_renderer: &mut dyn PostRender) -> Result<()> {
    let merged = manifest::marked::merge(&rendering.files).map_err(|error| error.context("error merging manifests"))?;
    let changed = post_renderer.run(merged).map_err(|error| error.context("error while running post render on files"))?;
    rendering.files = manifest::marked::unmerge(&changed).map_err(|error| error.context("error while parsing post rendered output"))?;
    Ok(())
}

/// The error for a pattern that matches none of these sources.
fn no_template(pattern: &str, pieces: &[(&[u8], &str)]) -> Error {
    let message = format!("could not find template {pattern} in chart");
    let near = nearest(pattern, pieces.iter().map(|(_, source)| *source)).map(|near| format!("did you mean `{near}`?"));
    let hint = near.unwrap_or_else(|| "only templates that gave a document can be shown, by their path from the chart's top".to_string());
    let diagnostic = Diagnostic { headline: message.clone(), hints: vec![hint], ..Diagnostic::default() };
    Error::new(ErrorKind::Usage, message).with_diagnostic(diagnostic)
}

/// Which hooks to write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hooks {
    All,
    /// All but tests.
    WithoutTests,
    None,
}

impl Hooks {
    fn admits(self, document: &Document) -> bool {
        match self {
            Hooks::All => true,
            Hooks::WithoutTests => !document.hook.as_ref().is_some_and(|hook| hook.events.contains(&Event::Test)),
            Hooks::None => false,
        }
    }
}

impl Rendering {
    /// Writes everything as one stream: CRDs, resources, hooks, each preceded by `---` and the path of its
    /// source. White space at the end of the last resource is cut, as Helm does.
    pub fn write(&self, hooks: Hooks, out: &mut impl Write) -> io::Result<()> {
        let crds = self.crds.iter().map(|crd| (crd.path.as_str(), &*crd.file.data));
        let resources = self.manifests.resources.iter().map(|document| (document.path(&self.files), document.text(&self.files)));
        let mut pieces = crds.chain(resources).peekable();
        while let Some((path, text)) = pieces.next() {
            if pieces.peek().is_some() {
                write_piece(path, text, out)?;
                continue;
            }
            let text = split::trim_end(text);
            write!(out, "---\n# Source: {path}")?;
            if !text.is_empty() {
                out.write_all(b"\n")?;
                out.write_all(text)?;
            }
        }
        out.write_all(b"\n")?;
        for document in self.manifests.hooks.iter().filter(|document| hooks.admits(document)) {
            write_piece(document.path(&self.files), document.text(&self.files), out)?;
        }
        Ok(())
    }

    /// Writes only the documents whose source path within the chart matches one of the patterns, in the order of the patterns.
    ///
    /// # Errors
    /// `could not find template PATTERN in chart`; then nothing is written.
    pub fn write_only(&self, patterns: &[String], hooks: Hooks, out: &mut impl Write) -> Result<io::Result<()>> {
        // Helm splits the finished text again, so a CRD file or a `---` inside a document makes separate pieces.
        let mut text = Vec::new();
        let written = self.write(hooks, &mut text);
        let pieces: Vec<(&[u8], &str)> = split::documents(&text)
            .into_iter()
            .filter_map(|range| text.get(range))
            .filter_map(|piece| Some((piece, source_of(piece)?)))
            .collect();
        let mut chosen: Vec<&[u8]> = Vec::new();
        for pattern in patterns {
            let pattern = &*fs::with_slashes(pattern);
            let matcher = crate::chart::ignore::Pattern::parse(pattern);
            let before = chosen.len();
            chosen.extend(
                pieces.iter().filter(|(_, path)| matcher.as_ref().is_some_and(|matcher| matcher.matches(path))).map(|(piece, _)| *piece),
            );
            if chosen.len() == before {
                return Err(no_template(pattern, &pieces));
            }
        }
        Ok(written.and_then(|()| {
            chosen.iter().try_for_each(|piece| {
                out.write_all(b"---\n")?;
                out.write_all(piece)?;
                out.write_all(b"\n")
            })
        }))
    }

    /// Writes every document to a file at its source's path: CRDs below `folder`, all others below `folder` or, if
    /// given, the release's own folder in it. Documents of one file follow each other. Each file is written whole or
    /// not at all. As in Helm, hooks are appended to a file of an earlier run, while other files are started anew.
    ///
    /// `wrote` receives one path per document, in order, including those before a fault. The paths are Helm's: `folder` as it was given, or
    /// cleaned with the release's folder behind it.
    pub fn write_files(&self, folder: &Path, release: Option<&str>, hooks: Hooks, wrote: &mut Vec<PathBuf>) -> Result<()> {
        let below = release.map_or_else(|| folder.to_path_buf(), |name| fs::clean(&folder.join(name)));
        let mut files: BTreeMap<PathBuf, Vec<u8>> = BTreeMap::new();
        let mut order = Vec::new();
        let mut add = |folder: &Path, path: &str, text: &[u8], keep: bool| -> Result<()> {
            let name = fs::with_slashes(path);
            // Refuses names that leave the folder.
            let inside = fs::join_below(folder, &name)?;
            let target = if cfg!(windows) {
                inside
            } else {
                // As Helm joins them: `o//a.yaml` for the folder `o/`.
                let mut target = folder.as_os_str().to_os_string();
                target.push("/");
                target.push(&*name);
                PathBuf::from(target)
            };
            let file = match files.entry(target.clone()) {
                Entry::Occupied(file) => file.into_mut(),
                Entry::Vacant(place) => {
                    place.insert(if keep && fs::exists(&target) && !fs::is_folder(&target) { fs::read(&target)? } else { Vec::new() })
                }
            };
            write_piece(path, text, file).map_err(|error| fs::fault("write", &target, &error))?;
            // On Windows Helm joins folder and name with its separator and shows the name unchanged.
            let shown = if cfg!(windows) { PathBuf::from(format!(r"{}\{path}", folder.display())) } else { target.clone() };
            order.push((target, shown));
            Ok(())
        };
        let mut gather = || -> Result<()> {
            for crd in &self.crds {
                add(folder, &crd.path, &crd.file.data, false)?;
            }
            for document in &self.manifests.resources {
                add(&below, document.path(&self.files), document.text(&self.files), false)?;
            }
            for document in self.manifests.hooks.iter().filter(|document| hooks.admits(document)) {
                add(&below, document.path(&self.files), document.text(&self.files), true)?;
            }
            Ok(())
        };
        let gathered = gather();
        for (path, shown) in order {
            // All documents of a file are written with the first of them.
            if let Some(text) = files.remove(&path) {
                if let Some(parent) = path.parent() {
                    // A parent path that is a file is reported in Helm's words, naming the folder that cannot be created.
                    let parent = fs::clean(parent);
                    if !fs::is_missing(&parent) && fs::stat(&parent)?.kind != fs::Kind::Folder {
                        return Err(Error::new(ErrorKind::Io, format!("mkdir {}: not a directory", parent.display())));
                    }
                    fs::create_folders(&parent)?;
                }
                fs::write_through_links(&path, &text, fs::Mode::New(0o666))?;
            }
            wrote.push(shown);
        }
        gathered
    }
}

/// Writes one document as Helm shows it.
fn write_piece(path: &str, text: &[u8], out: &mut impl Write) -> io::Result<()> {
    write!(out, "---\n# Source: {path}\n")?;
    out.write_all(text)?;
    out.write_all(b"\n")
}

/// The path after the first `# Source: CHART/` of a piece, relative to the chart.
fn source_of(piece: &[u8]) -> Option<&str> {
    let mark = b"# Source: ";
    let mut rest = piece;
    loop {
        let at = memchr::memmem::find(rest, mark)?;
        rest = &rest[at + mark.len()..];
        let slash = memchr::memchr(b'/', rest)?;
        let path = &rest[slash + 1..];
        let path = &path[..memchr::memchr(b'\n', path).unwrap_or(path.len())];
        if slash > 0 && !path.is_empty() {
            return std::str::from_utf8(path).ok();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rendering(documents: &[(&str, &str)], hooks: &[(&str, &str)]) -> Rendering {
        let mut rendering = Rendering::default();
        let mut add = |list: &[(&str, &str)]| -> Vec<Document> {
            list.iter()
                .map(|(name, text)| {
                    rendering.files.push(RenderedFile { name: name.to_string(), data: text.as_bytes().to_vec() });
                    Document { file: rendering.files.len() - 1, range: 0..text.len(), head: yaml::Head::default(), hook: None }
                })
                .collect()
        };
        let resources = add(documents);
        let hooks = add(hooks);
        rendering.manifests = Manifests { resources, hooks };
        rendering
    }

    fn written(rendering: &Rendering) -> String {
        let mut out = Vec::new();
        rendering.write(Hooks::All, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn only_the_end_of_the_last_resource_is_cut() {
        let rendering = rendering(&[("c/templates/a", "a: 1\n\n"), ("c/templates/b", "b: 2\n\n")], &[("c/templates/h", "h: 3\n")]);
        assert_eq!(
            written(&rendering),
            "---\n# Source: c/templates/a\na: 1\n\n\n---\n# Source: c/templates/b\nb: 2\n---\n# Source: c/templates/h\nh: 3\n\n"
        );
        assert_eq!(written(&Rendering::default()), "\n");
    }

    #[test]
    fn pieces_are_chosen_by_source() {
        let rendering = rendering(&[("c/templates/a.yaml", "a: 1\n"), ("c/charts/s/templates/b.yaml", "b: 2\n")], &[]);
        let chosen = |patterns: &[&str]| {
            let patterns: Vec<String> = patterns.iter().map(|pattern| pattern.to_string()).collect();
            let mut out = Vec::new();
            let result = rendering.write_only(&patterns, Hooks::All, &mut out);
            result.map(|_| String::from_utf8(out).unwrap()).map_err(|error| error.to_string())
        };
        assert_eq!(chosen(&["charts/*/templates/*.yaml"]).unwrap(), "---\n# Source: c/charts/s/templates/b.yaml\nb: 2\n\n");
        assert_eq!(chosen(&["templates/*"]).unwrap(), "---\n# Source: c/templates/a.yaml\na: 1\n\n\n");
        assert_eq!(chosen(&["templates/x"]).unwrap_err(), "could not find template templates/x in chart");
        assert_eq!(chosen(&["[", "templates/a.yaml"]).unwrap_err(), "could not find template [ in chart");
    }

    #[cfg(unix)]
    #[test]
    fn links_in_the_folder_stay() {
        let top = tempfile::tempdir().unwrap();
        let folder = top.path().join("out");
        std::fs::create_dir_all(folder.join("c/templates")).unwrap();
        std::fs::write(top.path().join("target"), "old").unwrap();
        let link =
            |name: &str, target: &std::path::Path| std::os::unix::fs::symlink(target, folder.join("c/templates").join(name)).unwrap();
        link("a.yaml", &top.path().join("target"));
        link("b.yaml", std::path::Path::new("/dev/null"));
        link("c.yaml", &top.path().join("nowhere"));
        let documents: Vec<_> = ["a", "b", "c"].iter().map(|name| (format!("c/templates/{name}.yaml"), "x: 1")).collect();
        let documents: Vec<_> = documents.iter().map(|(name, text)| (name.as_str(), *text)).collect();
        rendering(&documents, &[]).write_files(&folder, None, Hooks::All, &mut Vec::new()).unwrap();
        assert_eq!(std::fs::read_to_string(top.path().join("target")).unwrap(), "---\n# Source: c/templates/a.yaml\nx: 1\n");
        let kind = |name: &str| fs::lstat(&folder.join("c/templates").join(name)).unwrap().kind;
        assert_eq!(["a.yaml", "b.yaml", "c.yaml"].map(kind), [fs::Kind::Link; 3]);
        assert!(std::fs::read_to_string(top.path().join("nowhere")).unwrap().starts_with("---\n"));
    }

    #[test]
    fn files_never_leave_their_folder() {
        let folder = tempfile::tempdir().unwrap();
        let inside = rendering(&[("c/templates/a.yaml", "a: 1\n"), ("c/templates/a.yaml", "b: 2\n")], &[("c/templates/h.yaml", "h: 3\n")]);
        let mut written = Vec::new();
        inside.write_files(folder.path(), Some("demo"), Hooks::All, &mut written).unwrap();
        assert_eq!(written.len(), 3);
        let text = fs::read(&folder.path().join("demo/c/templates/a.yaml")).unwrap();
        assert_eq!(text, b"---\n# Source: c/templates/a.yaml\na: 1\n\n---\n# Source: c/templates/a.yaml\nb: 2\n\n");
        for path in ["../x", "/x", "c/../../x"] {
            let outside = rendering(&[(path, "a: 1\n")], &[]);
            assert!(outside.write_files(&folder.path().join("inner"), None, Hooks::All, &mut Vec::new()).is_err(), "{path}");
        }
        assert!(!folder.path().join("x").exists());
    }

    #[test]
    fn release_names_are_checked_as_kubernetes_does() {
        for name in ["a", "a-b.c9", "9", &"a".repeat(53)] {
            assert!(check_release_name(name).is_ok(), "{name}");
        }
        for name in ["", "A", "-a", "a-", "a..b", "a_b", ".a", &"a".repeat(54)] {
            assert!(check_release_name(name).is_err(), "{name}");
        }
    }
}
