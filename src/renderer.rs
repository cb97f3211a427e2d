//! The interface for embedding the crate: a chart, values and a release in, manifests out.
//!
//! Goes in: a [`Chart`], values as YAML or as `--set` texts, facts about the release and the cluster, and the outside world as an
//! [`Environment`]. Comes out: [`Rendered`], the documents in install order, as `helm template` prints them. Nothing is read,
//! fetched or printed on the way. It is separate from `action::template`, which has every switch of the command.

use crate::action::template::{self, Hooks, Rendering};
use crate::chart::Chart;
use crate::data::Map;
use crate::diagnostic::Notices;
use crate::error::{Error, ErrorKind, Result};
use crate::manifest::{Document, is_notes};
use crate::stack;
use crate::template::engine::{self, Capabilities, Environment, KubeVersion, Release};
use crate::values::schema;
use crate::yaml;
use std::fmt;
use std::sync::Arc;

/// Renders one chart, any number of times.
///
/// ```
/// use rutter::chart::{File, loader};
/// use rutter::diagnostic::Notices;
/// use rutter::{Environment, Renderer};
///
/// /// A world that never changes, for charts that make no passwords.
/// struct Still;
///
/// impl Environment for Still {
///     fn now(&self) -> i128 {
///         0
///     }
///     fn random(&mut self, bytes: &mut [u8]) {
///         bytes.fill(0);
///     }
///     fn resolve_host(&self, _: &str) -> Vec<String> {
///         Vec::new()
///     }
/// }
///
/// # fn main() -> rutter::error::Result<()> {
/// let file = |name: &str, text: &str| File { name: name.into(), data: text.as_bytes().into(), modified: None };
/// let chart = loader::from_files(
///     vec![
///         file("Chart.yaml", "apiVersion: v2\nname: web\nversion: 1.0.0\n"),
///         file("values.yaml", "replicas: 1\n"),
///         file("templates/web.yaml", "kind: Deployment\nspec:\n  replicas: {{ .Values.replicas }} # {{ .Release.Name }}\n"),
///     ],
///     &mut Notices::new(),
/// )?;
/// let rendered = Renderer::new(chart).release("demo", "default").set("replicas=3")?.render(&mut Still)?;
/// let manifest = rendered.manifests().next().expect("there is one");
/// assert_eq!(manifest.kind, "Deployment");
/// assert_eq!(manifest.text, "kind: Deployment\nspec:\n  replicas: 3 # demo\n");
/// assert_eq!(rendered.to_string(), "---\n# Source: web/templates/web.yaml\nkind: Deployment\nspec:\n  replicas: 3 # demo\n");
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Renderer {
    chart: Chart,
    values: Arc<Map>,
    options: template::Options,
}

impl Renderer {
    /// A renderer of this chart with its default values, for a release called `release-name` in the namespace `default`.
    pub fn new(chart: Chart) -> Renderer {
        let release = Release {
            name: "release-name".to_string(),
            namespace: "default".to_string(),
            revision: 1,
            is_install: true,
            is_upgrade: false,
        };
        let options = template::Options {
            release,
            capabilities: Capabilities::default(),
            include_crds: false,
            schema: Some(schema::Options::default()),
            engine: engine::Options::default(),
        };
        Renderer { chart, values: Arc::default(), options }
    }

    /// Sets `.Release.Name` and `.Release.Namespace`.
    pub fn release(mut self, name: &str, namespace: &str) -> Renderer {
        self.options.release.name = name.to_string();
        self.options.release.namespace = namespace.to_string();
        self
    }

    /// Merges the values of a YAML text over the values so far, as `-f` does.
    pub fn values(mut self, yaml: &str) -> Result<Renderer> {
        let over = yaml::parse_values(yaml.as_bytes())?;
        self.values = yaml::merge_maps(&self.values, &over);
        Ok(self)
    }

    /// Sets values by a text such as `a.b=1,c={x,y}`, as `--set` does.
    pub fn set(mut self, text: &str) -> Result<Renderer> {
        crate::values::set::typed(text, Arc::make_mut(&mut self.values)).map_err(|error| error.context("failed parsing --set data"))?;
        Ok(self)
    }

    /// Sets `.Capabilities.KubeVersion`.
    pub fn kube_version(mut self, version: &str) -> Result<Renderer> {
        self.options.capabilities.kube_version = KubeVersion::parse(version)
            .map_err(|fault| Error::new(ErrorKind::Usage, format!("invalid kube version '{version}': {fault}")))?;
        Ok(self)
    }

    /// Adds to `.Capabilities.APIVersions`.
    pub fn api_versions(mut self, versions: impl IntoIterator<Item = impl Into<String>>) -> Renderer {
        self.options.capabilities.api_versions.extend(versions.into_iter().map(Into::into));
        self
    }

    /// Puts the files of `crds/` before the manifests.
    pub fn include_crds(mut self) -> Renderer {
        self.options.include_crds = true;
        self
    }

    /// All options, for those without a method of their own.
    pub fn options_mut(&mut self) -> &mut template::Options {
        &mut self.options
    }

    /// Renders the chart. An error holds Helm's text and, for a template fault, its place and the calls that led to it.
    pub fn render(&self, environment: &mut dyn Environment) -> Result<Rendered> {
        // Values may nest deeper than the caller's stack allows.
        let rendered = stack::with_large_stack(|| self.render_here(environment));
        rendered.unwrap_or_else(|| Err(Error::new(ErrorKind::Limit, "no thread to render on could be started")))
    }

    fn render_here(&self, environment: &mut dyn Environment) -> Result<Rendered> {
        let mut notices = Notices::new();
        template::check_installable(&self.chart, &mut notices)?;
        self.chart.check_dependencies()?;
        let rendering =
            template::run(&self.chart, &self.values, &self.options, environment, None, &mut notices).map_err(|failure| failure.error)?;
        Ok(Rendered { rendering, notices })
    }
}

/// The result of a render. Displays as `helm template` prints it.
#[derive(Debug, Clone)]
pub struct Rendered {
    rendering: Rendering,
    /// Warnings and other messages of the render, in order.
    pub notices: Notices,
}

/// One document of a render.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Manifest<'a> {
    /// The template that rendered it, as Helm names it: `chart/templates/x.yaml`.
    pub source: &'a str,
    pub api_version: &'a str,
    pub kind: &'a str,
    pub name: &'a str,
    pub text: &'a str,
}

impl Rendered {
    /// The resources in install order.
    pub fn manifests(&self) -> impl Iterator<Item = Manifest<'_>> {
        self.rendering.manifests.resources.iter().map(|document| self.manifest(document))
    }

    /// The hooks in install order.
    pub fn hooks(&self) -> impl Iterator<Item = Manifest<'_>> {
        self.rendering.manifests.hooks.iter().map(|document| self.manifest(document))
    }

    /// The rendered NOTES.txt of the chart and its subcharts, each with its source; `""` for one that is not UTF-8.
    pub fn notes(&self) -> impl Iterator<Item = (&str, &str)> {
        let notes = self.rendering.files.iter().filter(|file| is_notes(file));
        notes.map(|file| (file.name.as_str(), std::str::from_utf8(&file.data).unwrap_or_default()))
    }

    fn manifest<'a>(&'a self, document: &'a Document) -> Manifest<'a> {
        Manifest {
            source: document.path(&self.rendering.files),
            api_version: &document.head.api_version,
            kind: &document.head.kind,
            name: &document.head.name,
            // Heads are read only from valid YAML, which is UTF-8.
            text: std::str::from_utf8(document.text(&self.rendering.files)).unwrap_or_default(),
        }
    }
}

impl fmt::Display for Rendered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = Vec::new();
        self.rendering.write(Hooks::All, &mut text).map_err(|_| fmt::Error)?;
        f.write_str(&String::from_utf8_lossy(&text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chart::{File, loader};
    use crate::template::engine::tests::Still;

    #[test]
    fn deep_values_need_no_stack_of_the_caller() {
        let deep = "{a: ".repeat(9_000) + "{x: 1, n: ~}" + &"}".repeat(9_000);
        let file = |name: &str, text: &str| File { name: name.into(), data: text.as_bytes().into(), modified: None };
        let files = vec![
            file("Chart.yaml", "apiVersion: v2\nname: web\nversion: 1.0.0\n"),
            file("values.yaml", &deep),
            file("templates/a.yaml", "a: 1\n"),
        ];
        let chart = loader::from_files(files, &mut Notices::new()).unwrap();
        let rendered = Renderer::new(chart).values(&deep).unwrap().render(&mut Still).unwrap();
        assert_eq!(rendered.to_string(), "---\n# Source: web/templates/a.yaml\na: 1\n");
    }

    #[test]
    fn a_file_that_cannot_be_read_when_it_is_wanted_is_no_empty_one() {
        let top = tempfile::tempdir().unwrap();
        let write = |name: &str, bytes: &[u8]| {
            let path = top.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, bytes).unwrap();
        };
        write("Chart.yaml", b"apiVersion: v2\nname: web\nversion: 1.0.0\n");
        write("charts/sub/Chart.yaml", b"apiVersion: v2\nname: sub\nversion: 1.0.0\n");
        write("charts/sub/templates/a.yaml", b"n: {{ if .Values.look }}{{ len (.Files.Get \"files/large\") }}{{ end }}\n");
        write("charts/sub/files/large", &[b'x'; 100_000]);
        let render = |values: &str| {
            let unseen = &|_: &File| {};
            let chart = loader::load_observed(top.path(), loader::Crds::Unlikely, &mut Notices::new(), unseen).unwrap();
            // The file has grown over the limit since the chart was loaded.
            write("charts/sub/files/large", &vec![b'x'; 6 << 20]);
            let rendered = Renderer::new(chart).values(values).unwrap().render(&mut Still);
            write("charts/sub/files/large", &[b'x'; 100_000]);
            rendered.map(|rendered| rendered.to_string()).map_err(|error| error.to_string())
        };
        assert_eq!(render("{}").unwrap(), "---\n# Source: web/charts/sub/templates/a.yaml\nn:\n");
        let fault = render("sub: {look: true}").unwrap_err();
        assert!(fault.starts_with("cannot read web/charts/sub/files/large: file ") && fault.contains(" is larger than "), "{fault}");
    }
}
