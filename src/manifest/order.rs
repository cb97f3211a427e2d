//! The order in which manifests are installed.
//!
//! Goes in: kinds. Comes out: ranks to sort by. Known kinds come first, in the order of the table, unknown ones after them by
//! name; among equals, the order of the files stays. Follows Helm's `pkg/release/v1/util/kind_sorter.go`.

use std::cmp::Ordering;

/// The kinds in the order in which they are installed.
pub const INSTALL_ORDER: [&str; 38] = [
    "PriorityClass",
    "Namespace",
    "NetworkPolicy",
    "ResourceQuota",
    "LimitRange",
    "PodSecurityPolicy",
    "PodDisruptionBudget",
    "ServiceAccount",
    "Secret",
    "SecretList",
    "ConfigMap",
    "StorageClass",
    "PersistentVolume",
    "PersistentVolumeClaim",
    "CustomResourceDefinition",
    "ClusterRole",
    "ClusterRoleList",
    "ClusterRoleBinding",
    "ClusterRoleBindingList",
    "Role",
    "RoleList",
    "RoleBinding",
    "RoleBindingList",
    "Service",
    "DaemonSet",
    "Pod",
    "ReplicationController",
    "ReplicaSet",
    "Deployment",
    "HorizontalPodAutoscaler",
    "StatefulSet",
    "Job",
    "CronJob",
    "IngressClass",
    "Ingress",
    "APIService",
    "MutatingWebhookConfiguration",
    "ValidatingWebhookConfiguration",
];

/// The kind's index in [`INSTALL_ORDER`]; unknown kinds share the index behind the last.
pub fn rank(kind: &str) -> usize {
    INSTALL_ORDER.iter().position(|known| *known == kind).unwrap_or(INSTALL_ORDER.len())
}

/// Compares two kinds, each with its [`rank`]; equal for equal kinds, so use it with a stable sort.
pub fn compare(a: (usize, &str), b: (usize, &str)) -> Ordering {
    // Each known rank has one kind, so the names decide only among unknown kinds.
    a.cmp(&b)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_kinds_come_last_by_name() {
        let mut kinds = ["Zebra", "Deployment", "", "Ant", "Namespace", "ValidatingWebhookConfiguration"];
        kinds.sort_by(|a, b| compare((rank(a), a), (rank(b), b)));
        assert_eq!(kinds, ["Namespace", "Deployment", "ValidatingWebhookConfiguration", "", "Ant", "Zebra"]);
    }
}
