//! Linting: the possible faults of a chart, as data.
//!
//! Goes in: a chart folder or archive, the user's values, the cluster's version. Comes out: [`Finding`]s in the order of the
//! rules: Chart.yaml, values, templates, dependencies, CRDs. Nothing is printed and nothing fails: an unreadable file is a finding
//! too. Each rule has its own file; [`mod@format`] writes findings for machines. Matches Helm's `pkg/chart/v2/lint`.

mod address;
mod chart_file;
mod crds;
mod dependencies;
mod deprecation;
mod documents;
pub mod format;
mod names;
mod source;
mod templates;
mod values_file;

use crate::data::Map;
use crate::diagnostic::{Diagnostic, Location, Notices, source_line};
use crate::error::{Error, ErrorKind, Result};
use crate::stack;
use crate::template::engine::{Environment, KubeVersion};
use crate::values::schema;
pub(crate) use names::is_subdomain;
use source::Source;
use std::fmt;
use std::path::Path;
use std::sync::Arc;

/// The severity of a finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Advice.
    Info,
    /// Against conventions, but will likely work.
    Warning,
    /// Will likely not work.
    Error,
}

impl Severity {
    /// Helm's name: `INFO`, `WARNING`, `ERROR`.
    pub fn name(self) -> &'static str {
        match self {
            Severity::Info => "INFO",
            Severity::Warning => "WARNING",
            Severity::Error => "ERROR",
        }
    }
}

/// The rule behind a finding; its name for machines is stable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rule {
    ChartFile,
    Values,
    Templates,
    Dependencies,
    Crds,
}

impl Rule {
    /// All rules in running order.
    pub const ALL: &[Rule] = &[Rule::ChartFile, Rule::Values, Rule::Templates, Rule::Dependencies, Rule::Crds];

    /// The name for machines.
    pub fn name(self) -> &'static str {
        match self {
            Rule::ChartFile => "chart-file",
            Rule::Values => "values",
            Rule::Templates => "templates",
            Rule::Dependencies => "dependencies",
            Rule::Crds => "crds",
        }
    }

    /// The subject of the rule, in one line.
    pub fn about(self) -> &'static str {
        match self {
            Rule::ChartFile => "Chart.yaml is complete and well formed",
            Rule::Values => "values.yaml is well formed and fits values.schema.json",
            Rule::Templates => "templates render to valid manifests",
            Rule::Dependencies => "declared dependencies and charts/ agree",
            Rule::Crds => "crds/ holds custom resource definitions",
        }
    }
}

/// One finding of a rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    pub severity: Severity,
    pub rule: Rule,
    /// Shown before the message: a path from the chart's top, or the chart's folder; may be empty.
    pub path: String,
    /// In Helm's words; may have several lines.
    pub message: String,
    /// The places in the sources, as far as known.
    pub diagnostics: Vec<Diagnostic>,
}

impl fmt::Display for Finding {
    /// Helm's line: `[ERROR] Chart.yaml: name is required`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{}] {}: {}", self.severity.name(), self.path, self.message)
    }
}

/// Options for linting.
#[derive(Clone, Default)]
pub struct Options {
    /// The namespace in `.Release.Namespace`.
    pub namespace: String,
    /// The user's values, over the chart's own.
    pub values: Arc<Map>,
    /// The cluster's version for capabilities and deprecations; the built-in one when absent.
    pub kube_version: Option<KubeVersion>,
    pub skip_schema_validation: bool,
    /// How schemas are checked: whether their references may be fetched.
    pub schema: schema::Options,
    /// Report the faults of all templates, not just the first.
    pub all_faults: bool,
    /// Most steps of one render; the engine's default when absent.
    pub step_limit: Option<u64>,
    /// Most bytes that the process may have while it renders; the engine's default when absent.
    pub memory_limit: Option<u64>,
    /// Find the place of each finding in the sources, which costs another rendering of each file with findings.
    pub places: bool,
}

/// The state passed from rule to rule.
struct Linter<'a> {
    source: Source,
    options: &'a Options,
    /// The user's values, as changed by the rules so far.
    values: Arc<Map>,
    findings: Vec<Finding>,
    notices: &'a mut Notices,
}

impl Linter<'_> {
    fn add(&mut self, severity: Severity, rule: Rule, path: &str, message: impl Into<String>) {
        let finding = Finding { severity, rule, path: path.to_string(), message: message.into(), diagnostics: Vec::new() };
        self.findings.push(finding);
    }

    /// Adds a finding about this line (from 1), if known, of the chart's file at `path`.
    fn add_at(&mut self, severity: Severity, rule: Rule, path: &str, message: impl Into<String>, line: Option<usize>) {
        self.add(severity, rule, path, message);
        if let (Some(finding), Some(line)) = (self.findings.last_mut(), line) {
            // As in places of templates, the chart comes first.
            let chart = self.source.path.file_name().unwrap_or_default().to_string_lossy();
            let location = Some(Location { file: format!("{chart}/{path}"), line, column: None });
            let text = self.options.places.then(|| self.source.read(path).ok()).flatten();
            let source_line = text.and_then(|text| source_line(&text, line));
            finding.diagnostics.push(Diagnostic { location, source_line, ..Diagnostic::default() });
        }
    }

    /// Adds the reason why the chart could not be loaded. Its places are relative to the chart's folder; here the chart comes
    /// first, as in templates.
    fn add_load_error(&mut self, rule: Rule, path: &str, mut error: crate::error::Error) {
        let chart = self.source.path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        for location in error.diagnostics_mut().iter_mut().filter_map(|diagnostic| diagnostic.location.as_mut()) {
            location.file = format!("{chart}/{}", location.file);
        }
        self.add_error(rule, path, &error);
    }

    /// Adds a fault with its places.
    fn add_error(&mut self, rule: Rule, path: &str, error: &crate::error::Error) {
        self.add(Severity::Error, rule, path, error.message());
        if let Some(finding) = self.findings.last_mut() {
            finding.diagnostics = error.diagnostics().to_vec();
        }
    }
}

/// The user's values after linting the chart at `path`. Helm's rule for values.yaml merges the chart's tables into those of the
/// user, and then uses these values to lint the next chart (`CoalesceTables` in `pkg/chart/v2/lint/rules/values.go`).
pub fn values_left(path: &Path, values: &Arc<Map>) -> Arc<Map> {
    let left = || Source::open(path).map_or_else(|_| values.clone(), |source| values_file::values_left(&source, values));
    stack::with_large_stack(left).unwrap_or_else(|| values.clone())
}

/// Lints the chart at `path`: a folder, or an archive if the name ends in `.tgz` or `.tar.gz`.
///
/// # Errors
/// Only when there is no chart to lint: `unable to check Chart.yaml file in chart: stat …`, `unable to extract tarball: …`.
pub fn run(path: &Path, options: &Options, environment: &mut dyn Environment, notices: &mut Notices) -> Result<Vec<Finding>> {
    // Values may nest deeper than the caller's stack allows.
    let findings = stack::with_large_stack(|| run_here(path, options, environment, notices));
    findings.unwrap_or_else(|| Err(Error::new(ErrorKind::Limit, "no thread to lint on could be started")))
}

fn run_here(path: &Path, options: &Options, environment: &mut dyn Environment, notices: &mut Notices) -> Result<Vec<Finding>> {
    let source = Source::open(path)?;
    let mut linter = Linter { source, options, values: options.values.clone(), findings: Vec::new(), notices };
    chart_file::check(&mut linter);
    values_file::check(&mut linter);
    templates::check(&mut linter, environment);
    dependencies::check(&mut linter);
    crds::check(&mut linter);
    Ok(linter.findings)
}
