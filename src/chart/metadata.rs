//! Chart.yaml, Chart.lock and requirements.yaml as typed values.

use crate::data::Data;

/// Chart.yaml. Absent text fields are empty, as in Go.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Metadata {
    pub name: String,
    pub home: String,
    pub sources: Vec<String>,
    pub version: String,
    pub description: String,
    pub keywords: Vec<String>,
    pub maintainers: Vec<Maintainer>,
    pub icon: String,
    pub api_version: String,
    pub condition: String,
    pub tags: String,
    pub app_version: String,
    pub deprecated: bool,
    /// Sorted by key; `None` when the key is absent.
    pub annotations: Option<Vec<(String, String)>>,
    pub kube_version: String,
    pub dependencies: Vec<Dependency>,
    /// `application`, `library` or empty.
    pub kind: String,
}

/// A maintainer of a chart.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Maintainer {
    pub name: String,
    pub email: String,
    pub url: String,
}

/// One entry of `dependencies`.
#[derive(Debug, Clone, Default)]
pub struct Dependency {
    pub name: String,
    pub version: String,
    pub repository: String,
    pub condition: String,
    pub tags: Vec<String>,
    pub enabled: bool,
    pub import_values: Vec<Data>,
    pub alias: String,
}

impl PartialEq for Dependency {
    /// All but `import_values`, which has no equality of its own.
    fn eq(&self, other: &Dependency) -> bool {
        (&self.name, &self.version, &self.repository, &self.condition, &self.tags, self.enabled, &self.alias)
            == (&other.name, &other.version, &other.repository, &other.condition, &other.tags, other.enabled, &other.alias)
    }
}

/// Chart.lock.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Lock {
    /// As written, RFC 3339 with nanoseconds.
    pub generated: String,
    /// `sha256:` and hex.
    pub digest: String,
    pub dependencies: Vec<Dependency>,
}
