//! The facts about the cluster for templates: `.Capabilities`.
//!
//! Goes in: a Kubernetes version and API versions, by default those that Helm 4.2.4 was built with, because an offline render
//! contacts no cluster. Comes out: plain data for the command line to change, and the objects that templates see.
//! Follows Helm's `pkg/chart/common/capabilities.go`.

use crate::quote::quote;
use crate::template::value::{List, ListKind, Method, Object, Str, Value};
use std::any::Any;
use std::rc::Rc;

/// A Kubernetes version as Helm reads it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KubeVersion {
    /// As given, with a leading `v`: `v1.33.4-gke.1245000`.
    pub version: String,
    /// Its numbers only, for version constraints: `v1.33.4`.
    pub normalized: String,
    pub major: String,
    pub minor: String,
}

impl KubeVersion {
    /// Reads `--kube-version`; the error is the text of Kubernetes' `ParseGeneric`.
    pub fn parse(text: &str) -> Result<KubeVersion, String> {
        let trimmed = text.trim_start_matches([' ', '\t', '\n', '\r', '\x0c']);
        let rest = trimmed.strip_prefix('v').unwrap_or(trimmed);
        let mut components: Vec<&str> = Vec::new();
        let mut at = rest;
        loop {
            let digits = at.bytes().take_while(u8::is_ascii_digit).count();
            if digits == 0 {
                break;
            }
            components.push(&at[..digits]);
            match at[digits..].strip_prefix('.') {
                Some(more) => at = more,
                None => break,
            }
        }
        if components.is_empty() {
            return Err(format!("could not parse {} as version", quote(text)));
        }
        if components.len() < 2 {
            return Err(format!("illegal version string {}", quote(text)));
        }
        let mut numbers = Vec::with_capacity(components.len());
        for (index, component) in components.iter().enumerate() {
            if index == 0 && component.starts_with('0') && *component != "0" {
                return Err(format!("illegal zero-prefixed version component {} in {}", quote(component), quote(text)));
            }
            let Ok(number) = component.parse::<u64>() else {
                let (component, text) = (quote(component), quote(text));
                let reason = format!("strconv.ParseUint: parsing {component}: value out of range");
                return Err(format!("illegal non-numeric version component {component} in {text}: {reason}"));
            };
            numbers.push(number.to_string());
        }
        let version = if text.starts_with('v') { text.to_string() } else { format!("v{text}") };
        Ok(KubeVersion { version, normalized: format!("v{}", numbers.join(".")), major: numbers[0].clone(), minor: numbers[1].clone() })
    }
}

impl Default for KubeVersion {
    fn default() -> KubeVersion {
        let version = "v1.36.0".to_string();
        KubeVersion { normalized: version.clone(), version, major: "1".into(), minor: "36".into() }
    }
}

/// The Helm version that rutter reports in `.Capabilities.HelmVersion`.
pub const HELM_VERSION: HelmVersion = HelmVersion {
    version: "v4.2.4",
    git_commit: "3900f434fd3ef2b84065dc04508df48f288dba00",
    git_tree_state: "clean",
    go_version: "go1.26.8",
    kube_client_version: "v1.36",
};

/// Helm's build information.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HelmVersion {
    pub version: &'static str,
    pub git_commit: &'static str,
    pub git_tree_state: &'static str,
    pub go_version: &'static str,
    pub kube_client_version: &'static str,
}

/// The capabilities of a cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Capabilities {
    pub kube_version: KubeVersion,
    /// Group versions (`apps/v1`) and, from a real cluster, kinds (`apps/v1/Deployment`).
    pub api_versions: Vec<String>,
}

impl Default for Capabilities {
    /// Those of a Helm that contacts no cluster.
    fn default() -> Capabilities {
        Capabilities {
            kube_version: KubeVersion::default(),
            api_versions: DEFAULT_API_VERSIONS.iter().map(|text| text.to_string()).collect(),
        }
    }
}

impl Capabilities {
    /// The object that templates see as `.Capabilities`.
    pub fn to_value(&self) -> Value {
        let versions = self.api_versions.iter().map(|text| Value::str(text.as_str())).collect();
        Value::Object(Rc::new(CapabilitiesObject {
            kube_version: Value::Object(Rc::new(KubeVersionObject { version: self.kube_version.clone(), addressable: true })),
            api_versions: Value::List(List::new(ListKind::VersionSet, versions)),
            helm_version: Value::Object(Rc::new(HelmVersionObject)),
        }))
    }
}

struct CapabilitiesObject {
    kube_version: Value,
    api_versions: Value,
    helm_version: Value,
}

impl Object for CapabilitiesObject {
    fn type_name(&self) -> &'static str {
        "*common.Capabilities"
    }

    fn kind_name(&self) -> &'static str {
        "ptr"
    }

    fn field(&self, name: &str) -> Option<Value> {
        match name {
            "KubeVersion" => Some(self.kube_version.clone()),
            "APIVersions" => Some(self.api_versions.clone()),
            "HelmVersion" => Some(self.helm_version.clone()),
            _ => None,
        }
    }

    fn method(&self, name: &str) -> Option<Method> {
        if name != "Copy" {
            return None;
        }
        let (kube_version, api_versions, helm_version) = (self.kube_version.clone(), self.api_versions.clone(), self.helm_version.clone());
        Some(Method::new(&[], move |_| {
            Ok(Value::Object(Rc::new(CapabilitiesObject {
                kube_version: kube_version.clone(),
                api_versions: api_versions.clone(),
                helm_version: helm_version.clone(),
            })))
        }))
    }

    fn fields(&self) -> Vec<(&'static str, Value)> {
        vec![
            ("KubeVersion", self.kube_version.clone()),
            ("APIVersions", self.api_versions.clone()),
            ("HelmVersion", self.helm_version.clone()),
        ]
    }

    /// Pointers are equal if they point to the same object.
    fn equals(&self, other: &dyn Object) -> bool {
        other.as_any().downcast_ref::<CapabilitiesObject>().is_some_and(|other| std::ptr::eq(self, other))
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

struct KubeVersionObject {
    version: KubeVersion,
    /// Whether it is still the field of the capabilities, so that methods of the pointer can be called.
    addressable: bool,
}

impl KubeVersionObject {
    fn boxed(version: KubeVersion) -> Value {
        Value::Object(Rc::new(KubeVersionObject { version, addressable: false }))
    }
}

impl Object for KubeVersionObject {
    fn type_name(&self) -> &'static str {
        "common.KubeVersion"
    }

    fn kind_name(&self) -> &'static str {
        "struct"
    }

    fn field(&self, name: &str) -> Option<Value> {
        match name {
            "Version" => Some(Value::str(self.version.version.as_str())),
            "Major" => Some(Value::str(self.version.major.as_str())),
            "Minor" => Some(Value::str(self.version.minor.as_str())),
            _ => None,
        }
    }

    fn method(&self, name: &str) -> Option<Method> {
        if !self.addressable {
            return None;
        }
        let text: Str = match name {
            "String" => Str::from(self.version.normalized.as_str()),
            "GitVersion" => Str::from(self.version.version.as_str()),
            _ => return None,
        };
        Some(Method::new(&[], move |_| Ok(Value::Str(text.clone()))))
    }

    fn hidden_field(&self, name: &str) -> bool {
        name == "normalizedVersion"
    }

    fn pointer_text(&self) -> Option<String> {
        self.addressable.then(|| self.version.normalized.clone())
    }

    fn boxed(&self) -> Option<Value> {
        self.addressable.then(|| KubeVersionObject::boxed(self.version.clone()))
    }

    fn deep_copied(&self) -> Option<Value> {
        // Unexported fields are not copied.
        Some(KubeVersionObject::boxed(KubeVersion { normalized: String::new(), ..self.version.clone() }))
    }

    /// Printed with all its fields: `String` belongs to the pointer, and `%v` sees the value.
    fn fields(&self) -> Vec<(&'static str, Value)> {
        vec![
            ("Version", Value::str(self.version.version.as_str())),
            ("normalizedVersion", Value::str(self.version.normalized.as_str())),
            ("Major", Value::str(self.version.major.as_str())),
            ("Minor", Value::str(self.version.minor.as_str())),
        ]
    }

    fn equals(&self, other: &dyn Object) -> bool {
        other.as_any().downcast_ref::<KubeVersionObject>().is_some_and(|other| other.version == self.version)
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

struct HelmVersionObject;

impl HelmVersionObject {
    fn list() -> [(&'static str, &'static str, &'static str); 5] {
        [
            ("Version", "version", HELM_VERSION.version),
            ("GitCommit", "git_commit", HELM_VERSION.git_commit),
            ("GitTreeState", "git_tree_state", HELM_VERSION.git_tree_state),
            ("GoVersion", "go_version", HELM_VERSION.go_version),
            ("KubeClientVersion", "kube_client_version", HELM_VERSION.kube_client_version),
        ]
    }
}

impl Object for HelmVersionObject {
    fn type_name(&self) -> &'static str {
        "version.BuildInfo"
    }

    fn kind_name(&self) -> &'static str {
        "struct"
    }

    fn field(&self, name: &str) -> Option<Value> {
        HelmVersionObject::list().into_iter().find(|row| row.0 == name).map(|row| Value::str(row.2))
    }

    fn fields(&self) -> Vec<(&'static str, Value)> {
        HelmVersionObject::list().into_iter().map(|row| (row.0, Value::str(row.2))).collect()
    }

    fn json_fields(&self) -> Vec<(&'static str, Value)> {
        HelmVersionObject::list().into_iter().map(|row| (row.1, Value::str(row.2))).collect()
    }

    fn equals(&self, other: &dyn Object) -> bool {
        other.as_any().is::<HelmVersionObject>()
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// The API versions that Helm 4.2.4 knows without a cluster, in its order.
#[rustfmt::skip]
const DEFAULT_API_VERSIONS: &[&str] = &[
    "v1",
    "admissionregistration.k8s.io/v1",
    "admissionregistration.k8s.io/v1alpha1",
    "admissionregistration.k8s.io/v1beta1",
    "internal.apiserver.k8s.io/v1alpha1",
    "apps/v1",
    "apps/v1beta1",
    "apps/v1beta2",
    "authentication.k8s.io/v1",
    "authentication.k8s.io/v1alpha1",
    "authentication.k8s.io/v1beta1",
    "authorization.k8s.io/v1",
    "authorization.k8s.io/v1beta1",
    "autoscaling/v1",
    "autoscaling/v2",
    "batch/v1",
    "batch/v1beta1",
    "certificates.k8s.io/v1",
    "certificates.k8s.io/v1beta1",
    "certificates.k8s.io/v1alpha1",
    "coordination.k8s.io/v1alpha2",
    "coordination.k8s.io/v1beta1",
    "coordination.k8s.io/v1",
    "discovery.k8s.io/v1",
    "discovery.k8s.io/v1beta1",
    "events.k8s.io/v1",
    "events.k8s.io/v1beta1",
    "extensions/v1beta1",
    "flowcontrol.apiserver.k8s.io/v1",
    "flowcontrol.apiserver.k8s.io/v1beta1",
    "flowcontrol.apiserver.k8s.io/v1beta2",
    "flowcontrol.apiserver.k8s.io/v1beta3",
    "networking.k8s.io/v1",
    "networking.k8s.io/v1beta1",
    "node.k8s.io/v1",
    "node.k8s.io/v1alpha1",
    "node.k8s.io/v1beta1",
    "policy/v1",
    "policy/v1beta1",
    "rbac.authorization.k8s.io/v1",
    "rbac.authorization.k8s.io/v1beta1",
    "rbac.authorization.k8s.io/v1alpha1",
    "resource.k8s.io/v1",
    "resource.k8s.io/v1beta2",
    "resource.k8s.io/v1beta1",
    "resource.k8s.io/v1alpha3",
    "scheduling.k8s.io/v1alpha2",
    "scheduling.k8s.io/v1beta1",
    "scheduling.k8s.io/v1",
    "storage.k8s.io/v1beta1",
    "storage.k8s.io/v1",
    "storage.k8s.io/v1alpha1",
    "storagemigration.k8s.io/v1beta1",
    "apiextensions.k8s.io/v1beta1",
    "apiextensions.k8s.io/v1",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_as_kubernetes_does() {
        let gke = KubeVersion::parse("1.33.4-gke.1").unwrap();
        assert_eq!((gke.version.as_str(), gke.normalized.as_str()), ("v1.33.4-gke.1", "v1.33.4"));
        assert_eq!(KubeVersion::parse("v1.30").unwrap().normalized, "v1.30");
        assert_eq!(KubeVersion::parse("v1").unwrap_err(), "illegal version string \"v1\"");
        assert_eq!(KubeVersion::parse("abc").unwrap_err(), "could not parse \"abc\" as version");
        assert_eq!(KubeVersion::parse("x\u{1}").unwrap_err(), "could not parse \"x\\x01\" as version");
        assert!(KubeVersion::parse("01.2").unwrap_err().starts_with("illegal zero-prefixed"));
    }
}
