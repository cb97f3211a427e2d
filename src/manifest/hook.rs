//! Hooks: manifests that an annotation ties to an event in a release's life.
//!
//! Goes in: the head of a manifest. Comes out: the events, weight and delete policies of the hook, or that it is not a hook.
//! Follows Helm's `pkg/release/v1/hook.go` and `manifest_sorter.go`.

use crate::yaml::Head;

/// The annotation that makes a manifest a hook; its value is a comma-separated list of events.
pub const ANNOTATION: &str = "helm.sh/hook";
/// The annotation with a hook's weight, a whole number.
pub const WEIGHT_ANNOTATION: &str = "helm.sh/hook-weight";
/// The annotation that decides when a hook's resource is deleted.
pub const DELETE_ANNOTATION: &str = "helm.sh/hook-delete-policy";

/// An event in a release's life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    PreInstall,
    PostInstall,
    PreDelete,
    PostDelete,
    PreUpgrade,
    PostUpgrade,
    PreRollback,
    PostRollback,
    Test,
}

impl Event {
    /// The event of this name, ignoring case and surrounding blanks; `test-success` is Helm 2's name of `test`.
    pub fn parse(name: &str) -> Option<Event> {
        match name.trim().to_lowercase().as_str() {
            "pre-install" => Some(Event::PreInstall),
            "post-install" => Some(Event::PostInstall),
            "pre-delete" => Some(Event::PreDelete),
            "post-delete" => Some(Event::PostDelete),
            "pre-upgrade" => Some(Event::PreUpgrade),
            "post-upgrade" => Some(Event::PostUpgrade),
            "pre-rollback" => Some(Event::PreRollback),
            "post-rollback" => Some(Event::PostRollback),
            "test" | "test-success" => Some(Event::Test),
            _ => None,
        }
    }
}

/// The properties of a hook.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Hook {
    /// In the order of the annotation.
    pub events: Vec<Event>,
    /// 0 unless the annotation is a whole number.
    pub weight: i64,
    /// In lower case, unknown ones included.
    pub delete_policies: Vec<String>,
}

/// Whether the head's annotations make a hook.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Not a hook.
    Resource,
    Hook(Hook),
    /// One of the events is unknown: Helm drops the manifest. Holds the annotation's value.
    Unknown(String),
}

/// Reads the hook annotations of a head.
pub fn of_head(head: &Head) -> Verdict {
    let Some(names) = head.annotation(ANNOTATION) else { return Verdict::Resource };
    let mut events = Vec::new();
    for name in names.split(',') {
        match Event::parse(name) {
            Some(event) => events.push(event),
            None => return Verdict::Unknown(names.to_string()),
        }
    }
    let weight = head.annotation(WEIGHT_ANNOTATION).and_then(|text| text.parse().ok()).unwrap_or(0);
    let policies = head.annotation(DELETE_ANNOTATION);
    let delete_policies = policies.map_or_else(Vec::new, |list| list.split(',').map(|policy| policy.trim().to_lowercase()).collect());
    Verdict::Hook(Hook { events, weight, delete_policies })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(annotations: &[(&str, &str)]) -> Head {
        let annotations = annotations.iter().map(|(key, value)| (key.to_string(), value.to_string())).collect();
        Head { annotations, ..Head::default() }
    }

    #[test]
    fn hooks_are_read_from_annotations() {
        assert_eq!(of_head(&head(&[("a", "b")])), Verdict::Resource);
        assert_eq!(of_head(&head(&[(ANNOTATION, "crd-install")])), Verdict::Unknown("crd-install".to_string()));
        assert_eq!(of_head(&head(&[(ANNOTATION, "test,nope")])), Verdict::Unknown("test,nope".to_string()));
        let entries = [(ANNOTATION, "Pre-Install, test-success"), (DELETE_ANNOTATION, "Hook-Failed, x"), (WEIGHT_ANNOTATION, "-5")];
        let Verdict::Hook(hook) = of_head(&head(&entries)) else { panic!("must be a hook") };
        assert_eq!(hook.events, [Event::PreInstall, Event::Test]);
        assert_eq!(hook.weight, -5);
        assert_eq!(hook.delete_policies, ["hook-failed", "x"]);
        let Verdict::Hook(hook) = of_head(&head(&[(ANNOTATION, "test"), (WEIGHT_ANNOTATION, "many")])) else { panic!("must be a hook") };
        assert_eq!(hook.weight, 0);
    }
}
