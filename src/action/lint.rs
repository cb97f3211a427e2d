//! Linting charts.
//!
//! Goes in: paths of charts and how to lint them. Comes out: what was found in each, in the order of the paths. Charts
//! are linted in parallel, which does not affect the report. Matches Helm's `pkg/action/lint.go` and `pkg/cmd/lint.go`.

use crate::data::Map;
use crate::diagnostic::Notices;
use crate::error::Result;
use crate::fs;
use crate::lint::format::ChartFindings;
use crate::lint::{self, Options};
use crate::parallel;
use crate::template::engine::{self, Environment};
use std::path::Path;
use std::sync::Arc;

/// Creates the environment for one render; called on several threads.
pub type MakeEnvironment<'a> = &'a (dyn Fn() -> Box<dyn Environment> + Sync);

/// The paths, followed by those of all their subcharts: every folder with a Chart.yaml and every archive below `charts/`, in walking order.
pub fn with_subcharts(paths: &[String]) -> Vec<String> {
    let mut all = paths.to_vec();
    for path in paths {
        collect(&fs::clean(&Path::new(path).join("charts")), &mut all);
    }
    all
}

/// Links are not followed, and unreadable entries are skipped.
fn collect(path: &Path, found: &mut Vec<String>) {
    let Ok(entry) = fs::lstat(path) else { return };
    let name = path.to_string_lossy();
    if path.file_name().is_some_and(|name| name == "Chart.yaml") {
        found.push(path.parent().unwrap_or(path).to_string_lossy().into_owned());
    } else if name.ends_with(".tgz") || name.ends_with(".tar.gz") {
        found.push(name.into_owned());
    }
    if entry.kind == fs::Kind::Folder {
        for child in fs::names(path).unwrap_or_default() {
            collect(&path.join(child), found);
        }
    }
}

/// Lints the charts at these paths on at most `threads` threads at once. The limit of memory is one chart's; the process may take as
/// much for each that is linted at once.
pub fn run(
    paths: &[String],
    options: &Options,
    make_environment: MakeEnvironment<'_>,
    threads: usize,
    notices: &mut Notices,
) -> Vec<ChartFindings> {
    let each: Vec<(&String, Arc<Map>)> = paths.iter().zip(values_of_each(paths, options)).collect();
    let limit = options.memory_limit.unwrap_or(engine::Options::default().memory_limit);
    let memory_limit = Some(limit.saturating_mul(threads.clamp(1, each.len().max(1)) as u64));
    let done = parallel::map(threads, &each, |(path, values)| {
        let options = &Options { values: values.clone(), memory_limit, ..options.clone() };
        let mut notices = Notices::new();
        let findings = lint::run(Path::new(path), options, make_environment().as_mut(), &mut notices);
        (chart_findings(path, findings), notices)
    });
    let tell = |(findings, said): (ChartFindings, Notices)| {
        notices.list.extend(said.list);
        findings
    };
    done.into_iter().map(tell).collect()
}

/// The user's values for each chart: as linting the chart before leaves them.
fn values_of_each(paths: &[String], options: &Options) -> Vec<Arc<Map>> {
    let mut values = options.values.clone();
    let holds_tables = values.iter().any(|entry| entry.1.as_map().is_some());
    let mut each = Vec::with_capacity(paths.len());
    for (at, path) in paths.iter().enumerate() {
        each.push(values.clone());
        if holds_tables && at + 1 < paths.len() {
            values = lint::values_left(Path::new(path), &values);
        }
    }
    each
}

fn chart_findings(path: &str, findings: Result<Vec<lint::Finding>>) -> ChartFindings {
    match findings {
        Ok(findings) => ChartFindings { chart: path.to_string(), findings, failure: None },
        Err(error) => ChartFindings { chart: path.to_string(), findings: Vec::new(), failure: Some(error.to_string()) },
    }
}

/// The findings in Helm's words: a heading for each chart, a line for each finding, and below it the text of
/// `details`. `quiet` leaves out advice and clean charts.
pub fn text(run: &[ChartFindings], quiet: bool, details: impl Fn(&lint::Finding) -> String) -> String {
    let mut text = String::new();
    for chart in run.iter().filter(|chart| !quiet || chart.has_warnings()) {
        text.push_str(&format!("==> Linting {}\n", chart.chart));
        if let Some(failure) = &chart.failure {
            text.push_str(&format!("Error {failure}\n"));
        }
        for finding in chart.findings.iter().filter(|finding| !quiet || finding.severity > lint::Severity::Info) {
            text.push_str(&format!("{finding}\n{}", details(finding)));
        }
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A process that takes 150 bytes.
    struct Small;

    impl Environment for Small {
        fn now(&self) -> i128 {
            0
        }

        fn random(&mut self, bytes: &mut [u8]) {
            bytes.fill(0);
        }

        fn resolve_host(&self, _: &str) -> Vec<String> {
            Vec::new()
        }

        fn memory(&self) -> Option<u64> {
            Some(150)
        }
    }

    #[test]
    fn charts_that_are_linted_at_once_have_the_memory_of_each() {
        let folder = tempfile::tempdir().unwrap();
        let chart = folder.path().to_string_lossy().into_owned();
        fs::create_folders(&folder.path().join("templates")).unwrap();
        fs::write(&folder.path().join("Chart.yaml"), b"apiVersion: v2\nname: a\nversion: 1.0.0\n").unwrap();
        fs::write(&folder.path().join("templates/a.yaml"), b"a: {{ range until 1200000 }}{{ end }}").unwrap();
        let options = Options { memory_limit: Some(100), ..Options::default() };
        for (threads, fits) in [(1, false), (2, true)] {
            let paths = [chart.clone(), chart.clone()];
            let found = run(&paths, &options, &|| Box::new(Small), threads, &mut Notices::new());
            let text = text(&found, false, |_| String::new());
            assert_eq!(!text.contains("of memory"), fits, "{text}");
        }
    }
}
