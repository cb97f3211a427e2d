//! The rule for crds/: every document there is a custom resource definition.
//!
//! Goes in: the loaded chart. Comes out: findings under the file's name. Matches Helm's `pkg/chart/v2/lint/rules/crds.go`.

use super::source::Found;
use super::templates::{Manifest, documents};
use super::{Linter, Rule, Severity};
use crate::diagnostic::Notices;

const FOLDER: &str = "crds/";

pub(super) fn check(linter: &mut Linter<'_>) {
    match linter.source.find("crds") {
        Found::Nothing => return,
        Found::File => return linter.add(Severity::Error, Rule::Crds, FOLDER, "not a directory"),
        Found::Folder => {}
    }
    let chart = match linter.source.load(&mut Notices::new()) {
        Ok(chart) => chart,
        Err(error) => return linter.add_error(Rule::Crds, FOLDER, &error),
    };
    for crd in chart.crds() {
        let name = &*crd.file.name;
        for document in documents(&crd.file.data) {
            let manifest = match document.and_then(Manifest::parse) {
                Ok(Some(manifest)) => manifest,
                Ok(None) => continue,
                // As in Helm, what is no YAML ends the whole rule.
                Err(error) => return linter.add(Severity::Error, Rule::Crds, name, format!("unable to parse YAML: {error}")),
            };
            if !manifest.api_version.starts_with("apiextensions.k8s.io") {
                linter.add(Severity::Error, Rule::Crds, name, "apiVersion is not in 'apiextensions.k8s.io'");
            }
            if manifest.kind != "CustomResourceDefinition" {
                linter.add(Severity::Error, Rule::Crds, name, "object kind is not 'CustomResourceDefinition'");
            }
        }
    }
}
