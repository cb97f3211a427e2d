//! Maps request paths to parts of the server: chart files, ChartMuseum's API, the OCI API or a page.
//!
//! Goes in: paths, already percent-decoded, and the layout (context path, depth of tenants). Comes out: a [`Route`]
//! whose tenant and file names are checked, so that no later step can leave a tenant's folder. Pure, and therefore
//! separate from the handlers. Paths are ChartMuseum's (`pkg/chartmuseum/router`) and the OCI distribution spec's.

use crate::repository::oci::reference::valid_repository;
use axum::http::Method;

/// How many path parts name a tenant: one rule for paths, repositories of the registry and folders of the storage.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Depth {
    /// A single repository at the top.
    #[default]
    None,
    /// Exactly this many parts.
    Fixed(usize),
    /// Any number of parts.
    Dynamic,
}

/// The most parts of a tenant with dynamic depth.
const MOST_PARTS: usize = 16;

impl Depth {
    /// Whether this many parts name a tenant.
    pub fn fits(self, parts: usize) -> bool {
        match self {
            Depth::None => parts == 0,
            Depth::Fixed(depth) => parts == depth,
            Depth::Dynamic => parts <= MOST_PARTS,
        }
    }

    /// The most parts that name a tenant.
    pub fn most(self) -> usize {
        match self {
            Depth::None => 0,
            Depth::Fixed(depth) => depth,
            Depth::Dynamic => MOST_PARTS,
        }
    }
}

/// The prefix of the server's paths, and how tenants are told apart.
#[derive(Debug, Clone, Default)]
pub struct Layout {
    /// The prefix of every path; empty or `/x`.
    pub context_path: String,
    pub depth: Depth,
}

impl Layout {
    /// The tenant and the chart of a registry repository, if its folders are a valid tenant.
    pub fn chart_of<'a>(&self, repository: &'a str) -> Option<(&'a str, &'a str)> {
        let (tenant, chart) = repository.rsplit_once('/').unwrap_or(("", repository));
        let parts = tenant.split('/').filter(|part| !part.is_empty()).count();
        self.depth.fits(parts).then_some((tenant, chart))
    }
}

/// The requested resource. `tenant` is empty for the repository at the top, else `a/b`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Route {
    /// The page with all charts of a tenant.
    Home {
        tenant: String,
    },
    /// The page of one version.
    Page {
        tenant: String,
        name: String,
        version: String,
    },
    Health,
    Info,
    Metrics,
    Index {
        tenant: String,
    },
    /// `charts/NAME-VERSION.tgz` or its `.prov`.
    File {
        tenant: String,
        file: String,
    },
    Charts {
        tenant: String,
    },
    Chart {
        tenant: String,
        name: String,
    },
    Version {
        tenant: String,
        name: String,
        version: String,
    },
    Values {
        tenant: String,
        name: String,
        version: String,
    },
    Templates {
        tenant: String,
        name: String,
        version: String,
    },
    Provenance {
        tenant: String,
    },
    Registry(RegistryRoute),
    /// A path without a route, or with forbidden parts.
    Unknown,
}

/// Routes of the OCI distribution API; `name` is the whole repository name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RegistryRoute {
    Base,
    /// The names of all repositories.
    Repositories,
    Tags {
        name: String,
    },
    Referrers {
        name: String,
        digest: String,
    },
    Manifest {
        name: String,
        reference: String,
    },
    Blob {
        name: String,
        digest: String,
    },
    Uploads {
        name: String,
    },
    Upload {
        name: String,
        session: String,
    },
    /// Not a path of the API, or an invalid repository name.
    Unknown,
}

impl Route {
    /// Whether the route reads the body of a request with this method.
    pub fn takes_body(&self, method: &Method) -> bool {
        match self {
            Route::Charts { .. } | Route::Provenance { .. } => method == Method::POST,
            Route::Registry(RegistryRoute::Manifest { .. }) => method == Method::PUT,
            Route::Registry(RegistryRoute::Uploads { .. }) => method == Method::POST,
            Route::Registry(RegistryRoute::Upload { .. }) => method == Method::PATCH || method == Method::PUT,
            _ => false,
        }
    }
}

/// Whether `part` can be one part of a stored path: no separators, no leading dot, nothing special to a shell or log.
pub fn is_safe_part(part: &str) -> bool {
    !part.is_empty()
        && part.len() <= 255
        && !part.starts_with('.')
        && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'+' | b'~'))
        && !part.contains("..")
}

/// Maps a path (decoded, with its leading `/`) to its route.
pub fn route(layout: &Layout, path: &str) -> Route {
    if let Some(rest) = path.strip_prefix("/v2").filter(|rest| rest.is_empty() || rest.starts_with('/')) {
        return Route::Registry(registry(rest.trim_start_matches('/')).unwrap_or(RegistryRoute::Unknown));
    }
    let Some(rest) = path.strip_prefix(layout.context_path.as_str()) else { return Route::Unknown };
    let rest = match rest.strip_prefix('/') {
        Some(rest) => rest,
        None if rest.is_empty() => "",
        None => return Route::Unknown,
    };
    let parts: Vec<&str> = rest.split('/').filter(|part| !part.is_empty()).collect();
    match parts.as_slice() {
        ["health"] => return Route::Health,
        ["info"] => return Route::Info,
        ["metrics"] => return Route::Metrics,
        ["api", rest @ ..] => return api(layout, rest).unwrap_or(Route::Unknown),
        _ => {}
    }
    if !parts.iter().all(|part| is_safe_part(part)) {
        return Route::Unknown;
    }
    let tenant_of = |before: &[&str]| tenant(layout, before);
    let found = match parts.as_slice() {
        [] => Some(Route::Home { tenant: String::new() }),
        [before @ .., "index.yaml"] => tenant_of(before).map(|tenant| Route::Index { tenant }),
        [before @ .., "charts", file] => tenant_of(before).map(|tenant| Route::File { tenant, file: file.to_string() }),
        [before @ .., "chart", name, version] => {
            tenant_of(before).map(|tenant| Route::Page { tenant, name: name.to_string(), version: version.to_string() })
        }
        before => tenant_of(before).map(|tenant| Route::Home { tenant }),
    };
    found.unwrap_or(Route::Unknown)
}

fn tenant(layout: &Layout, parts: &[&str]) -> Option<String> {
    (layout.depth.fits(parts.len()) && parts.iter().all(|part| is_safe_part(part))).then(|| parts.join("/"))
}

/// Names and versions after `charts` are looked up in the index and may be any text, even `^1.2`; code that
/// makes a file name of them must check it.
fn api(layout: &Layout, parts: &[&str]) -> Option<Route> {
    if let [before @ .., "prov"] = parts
        && let Some(tenant) = tenant(layout, before)
    {
        return Some(Route::Provenance { tenant });
    }
    // With dynamic depth the collection is the last `charts` with at most three parts after it.
    let at = (0..parts.len()).rev().find(|&at| parts[at] == "charts" && parts.len() - at <= 4 && tenant(layout, &parts[..at]).is_some())?;
    let tenant = tenant(layout, &parts[..at])?;
    let text = |part: &&str| part.to_string();
    match &parts[at + 1..] {
        [] => Some(Route::Charts { tenant }),
        [name] => Some(Route::Chart { tenant, name: text(name) }),
        [name, version] => Some(Route::Version { tenant, name: text(name), version: text(version) }),
        [name, version, "values"] => Some(Route::Values { tenant, name: text(name), version: text(version) }),
        [name, version, "templates"] => Some(Route::Templates { tenant, name: text(name), version: text(version) }),
        _ => None,
    }
}

fn registry(rest: &str) -> Option<RegistryRoute> {
    if rest.is_empty() {
        return Some(RegistryRoute::Base);
    }
    if rest == "_catalog" {
        return Some(RegistryRoute::Repositories);
    }
    let parts: Vec<&str> = rest.split('/').collect();
    let named = |before: &[&str]| {
        let name = before.join("/");
        valid_repository(&name).then_some(name)
    };
    match parts.as_slice() {
        [before @ .., "tags", "list"] => Some(RegistryRoute::Tags { name: named(before)? }),
        [before @ .., "referrers", digest] => Some(RegistryRoute::Referrers { name: named(before)?, digest: digest.to_string() }),
        [before @ .., "manifests", reference] => Some(RegistryRoute::Manifest { name: named(before)?, reference: reference.to_string() }),
        [before @ .., "blobs", "uploads"] | [before @ .., "blobs", "uploads", ""] => Some(RegistryRoute::Uploads { name: named(before)? }),
        [before @ .., "blobs", "uploads", session] if is_safe_part(session) => {
            Some(RegistryRoute::Upload { name: named(before)?, session: session.to_string() })
        }
        [before @ .., "blobs", digest] => Some(RegistryRoute::Blob { name: named(before)?, digest: digest.to_string() }),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layout(context: &str, depth: Depth) -> Layout {
        Layout { context_path: context.to_string(), depth }
    }

    #[test]
    fn paths_of_one_repository() {
        let at = |path| route(&layout("", Depth::None), path);
        assert_eq!(at("/"), Route::Home { tenant: String::new() });
        assert_eq!(at("/index.yaml"), Route::Index { tenant: String::new() });
        assert_eq!(at("/charts/a-1.0.0.tgz"), Route::File { tenant: String::new(), file: "a-1.0.0.tgz".into() });
        assert_eq!(at("/api/charts"), Route::Charts { tenant: String::new() });
        assert_eq!(at("/api/charts/a/latest"), Route::Version { tenant: String::new(), name: "a".into(), version: "latest".into() });
        assert_eq!(at("/api/charts/a/1.0.0/values"), Route::Values { tenant: String::new(), name: "a".into(), version: "1.0.0".into() });
        assert_eq!(at("/api/prov"), Route::Provenance { tenant: String::new() });
        assert_eq!(at("/api/charts/a/^1.0"), Route::Version { tenant: String::new(), name: "a".into(), version: "^1.0".into() });
        assert_eq!(at("/org/index.yaml"), Route::Unknown);
    }

    #[test]
    fn tenants_by_depth_and_context_path() {
        let fixed = layout("/x", Depth::Fixed(2));
        assert_eq!(route(&fixed, "/x/org/repo/index.yaml"), Route::Index { tenant: "org/repo".into() });
        assert_eq!(route(&fixed, "/x/api/org/repo/charts/a"), Route::Chart { tenant: "org/repo".into(), name: "a".into() });
        assert_eq!(route(&fixed, "/org/repo/index.yaml"), Route::Unknown);
        assert_eq!(route(&fixed, "/x/org/index.yaml"), Route::Unknown);
        assert_eq!(route(&fixed, "/x/health"), Route::Health);
        assert_eq!(route(&fixed, "/x"), Route::Home { tenant: String::new() });
        assert_eq!(route(&fixed, "/x/org"), Route::Unknown);
        let dynamic = layout("", Depth::Dynamic);
        assert_eq!(route(&dynamic, "/api/charts/charts"), Route::Charts { tenant: "charts".into() });
        assert_eq!(route(&dynamic, "/a/b/c/index.yaml"), Route::Index { tenant: "a/b/c".into() });
    }

    #[test]
    fn repositories_are_charts_where_their_folders_are_a_tenant() {
        let folders = |count: usize| vec!["t"; count].join("/");
        let name = |count: usize| format!("{}/app", folders(count)).trim_start_matches('/').to_string();
        for (depth, wanted) in [(Depth::None, 0..1), (Depth::Fixed(2), 2..3), (Depth::Fixed(20), 20..21), (Depth::Dynamic, 0..17)] {
            let layout = layout("", depth);
            for count in 0..24 {
                let (name, tenant) = (name(count), folders(count));
                let found = layout.chart_of(&name);
                assert_eq!(found, wanted.contains(&count).then_some((tenant.as_str(), "app")), "{count} with {depth:?}");
                // A pushed chart has the same routes as an uploaded one.
                let has_route = route(&layout, &format!("/{tenant}/index.yaml")) != Route::Unknown;
                assert_eq!(found.is_some(), has_route, "{count} with {depth:?}");
            }
        }
    }

    #[test]
    fn bodies_belong_to_what_is_written() {
        let at = |path: &str| route(&layout("", Depth::Dynamic), path);
        for (method, path, wanted) in [
            (Method::POST, "/api/charts", true),
            (Method::POST, "/api/a/b/charts", true),
            (Method::POST, "/api/prov", true),
            (Method::PUT, "/v2/a/manifests/1.0.0", true),
            (Method::POST, "/v2/a/blobs/uploads/", true),
            (Method::PATCH, "/v2/a/blobs/uploads/00", true),
            (Method::PUT, "/v2/a/blobs/uploads/00", true),
            (Method::GET, "/api/charts", false),
            (Method::DELETE, "/api/charts/a/1.0.0", false),
            (Method::POST, "/api/charts/a/1.0.0", false),
            (Method::PUT, "/api/charts", false),
            (Method::GET, "/v2/a/manifests/1.0.0", false),
            (Method::DELETE, "/v2/a/manifests/1.0.0", false),
            (Method::GET, "/v2/a/blobs/uploads/00", false),
            (Method::PUT, "/v2/a/blobs/sha256:00", false),
            (Method::POST, "/health", false),
            (Method::POST, "/metrics", false),
            (Method::POST, "/index.yaml", false),
            (Method::POST, "/v2/", false),
            (Method::POST, "/v2/a", false),
            (Method::POST, "/../x", false),
        ] {
            assert_eq!(at(path).takes_body(&method), wanted, "{method} {path}");
        }
    }

    #[test]
    fn parts_that_climb_are_unknown() {
        let dynamic = layout("", Depth::Dynamic);
        for path in [
            "/../x/index.yaml",
            "/a/../index.yaml",
            "/charts/..",
            "/api/../charts",
            "/api/a/../charts/b/1.0.0",
            "/.oci/index.yaml",
            "/a\0b/index.yaml",
            "/a b/index.yaml",
        ] {
            assert_eq!(route(&dynamic, path), Route::Unknown, "{path}");
        }
    }

    #[test]
    fn registry_paths() {
        let at = |path| route(&layout("/x", Depth::None), path);
        assert_eq!(at("/v2/"), Route::Registry(RegistryRoute::Base));
        assert_eq!(at("/v2/_catalog"), Route::Registry(RegistryRoute::Repositories));
        assert_eq!(at("/v2/a/b/tags/list"), Route::Registry(RegistryRoute::Tags { name: "a/b".into() }));
        assert_eq!(at("/v2/a/blobs/uploads/"), Route::Registry(RegistryRoute::Uploads { name: "a".into() }));
        // The specification's own grammar: no more than two underscores, no dot beside a dash.
        for path in [
            "/v2/../manifests/x",
            "/v2/A/manifests/x",
            "/v2/a___b/manifests/x",
            "/v2/a.-b/manifests/x",
            "/v2/a",
            "/v2/a/tags/list/",
            "/v2/_catalog/",
        ] {
            assert_eq!(at(path), Route::Registry(RegistryRoute::Unknown), "{path}");
        }
        assert_eq!(at("/v2/a__b/c--d/tags/list"), Route::Registry(RegistryRoute::Tags { name: "a__b/c--d".into() }));
    }
}
