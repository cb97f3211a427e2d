//! The rule for crds/: every document there is a custom resource definition.
//!
//! Goes in: the loaded chart. Comes out: findings under the file's name. Matches Helm's `pkg/chart/v2/lint/rules/crds.go`.

use super::documents::{At, Remark, manifests};
use super::source::Found;
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
        Err(error) => return linter.add_load_error(Rule::Crds, FOLDER, error),
    };
    for crd in chart.crds() {
        let name = &*crd.file.name;
        let text = &*crd.file.data;
        let mut tell = |remark: Remark<'_>| {
            let place = linter.options.places.then(|| remark.place(name, text)).flatten();
            linter.add_at(remark.severity, Rule::Crds, name, remark.message, place.map(|place| place.line));
        };
        for manifest in manifests(text) {
            let (document, manifest) = match manifest {
                Ok(manifest) => manifest,
                // As in Helm, a document that is not YAML ends the whole rule.
                Err(broken) => return tell(broken),
            };
            let remark =
                |message: &str, key| Remark { severity: Severity::Error, message: message.to_string(), within: document, at: At::Key(key) };
            if !manifest.api_version.starts_with("apiextensions.k8s.io") {
                tell(remark("apiVersion is not in 'apiextensions.k8s.io'", &["apiVersion"]));
            }
            if manifest.kind != "CustomResourceDefinition" {
                tell(remark("object kind is not 'CustomResourceDefinition'", &["kind"]));
            }
        }
    }
}
