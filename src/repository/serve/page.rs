//! The web pages: charts and versions of a tenant, and one version with its README and values.
//!
//! Goes in: a tenant's index. Comes out: HTML without scripts. Everything from a chart is escaped by the templates,
//! and a strict content security policy keeps a browser from running anything that might still slip through.

use super::catalog::StoredVersion;
use super::route::Depth;
use super::{Answer, Asked, Server, error, reply};
use crate::error::{Error, ErrorKind, Result};
use axum::http::{HeaderValue, StatusCode, header};
use minijinja::{Environment, context};
use std::sync::{Arc, OnceLock};

/// How many charts, or versions of one, a page shows at most.
const ROWS: usize = 1000;

const PAGES: [(&str, &str); 3] = [
    ("layout.html", include_str!("pages/layout.html")),
    ("home.html", include_str!("pages/home.html")),
    ("version.html", include_str!("pages/version.html")),
];

fn pages() -> &'static Environment<'static> {
    static READY: OnceLock<Environment<'static>> = OnceLock::new();
    READY.get_or_init(|| {
        let mut environment = Environment::new();
        for (name, text) in PAGES {
            // The templates are part of the program; an invalid one shows up as missing in the tests.
            let _ = environment.add_template(name, text);
        }
        environment
    })
}

fn render(name: &str, values: minijinja::Value) -> Result<Answer> {
    let page = pages().get_template(name).and_then(|template| template.render(values));
    let page = page.map_err(|error| Error::new(ErrorKind::Unsupported, format!("cannot make the page `{name}`: {error}")))?;
    let mut answer = reply(StatusCode::OK, "text/html; charset=utf-8", page);
    let policy = HeaderValue::from_static(
        "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
    );
    answer.headers_mut().insert(header::CONTENT_SECURITY_POLICY, policy);
    answer.headers_mut().insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    answer.headers_mut().insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    Ok(answer)
}

/// The relative path from the requested page to its tenant, so that links work under whatever path a proxy serves this server.
fn base(asked: &Asked, is_home: bool) -> String {
    match asked.path.rsplit_once('/') {
        Some((_, last)) if is_home && !last.is_empty() => format!("./{last}"),
        _ if is_home => ".".to_string(),
        // `chart/NAME/VERSION`
        _ => "../..".to_string(),
    }
}

/// The charts of a tenant whose name or description contains the text of `?q=`.
pub async fn home(server: &Server, tenant: &str, asked: &Asked) -> Result<Answer> {
    let wanted = asked.query("q").unwrap_or_default().trim();
    let sought = wanted.to_lowercase();
    // With a fixed depth the top is not a tenant and has no charts; still, people open it to see whether the server runs.
    let has_none = tenant.is_empty() && matches!(server.options.layout.depth, Depth::Fixed(1..));
    let charts = if has_none { Vec::new() } else { server.catalog(tenant).charts().await? };
    let fits = |entry: &StoredVersion| {
        sought.is_empty() || entry.name.to_lowercase().contains(&sought) || entry.description.to_lowercase().contains(&sought)
    };
    let latest = charts.iter().filter_map(|chart| chart.latest().map(|entry| (entry, chart.versions.len())));
    let found: Vec<_> = latest.filter(|(entry, _)| fits(entry)).collect();
    let row = |(entry, count): &(&Arc<StoredVersion>, usize)| {
        context! {
            name => entry.name.as_str(), description => entry.description.as_str(), version => entry.version.as_str(),
            app_version => entry.app_version.as_str(), created => entry.created_date(), count,
        }
    };
    let rows: Vec<_> = found.iter().take(ROWS).map(row).collect();
    let mut answer = render("home.html", context! { base => base(asked, true), tenant, wanted, total => found.len(), charts => rows })?;
    // A tenant is known only by its charts, and with dynamic depth any path may be a tenant.
    if charts.is_empty() && !tenant.is_empty() {
        *answer.status_mut() = StatusCode::NOT_FOUND;
    }
    Ok(answer)
}

/// One version of a chart.
pub async fn version(server: &Server, tenant: &str, name: &str, version: &str, asked: &Asked) -> Result<Answer> {
    let catalog = server.catalog(tenant);
    let Some(entry) = catalog.version(name, version).await? else { return Ok(error(StatusCode::NOT_FOUND, "not found")) };
    let Ok(chart) = super::chartmuseum::chart(server, tenant, name, &entry.version).await? else {
        return Ok(error(StatusCode::NOT_FOUND, "not found"));
    };
    let versions: Vec<String> = catalog.versions(name).await?.iter().take(ROWS).map(|entry| entry.version.clone()).collect();
    let signed = server.storage.look(&format!("{}.prov", catalog.object(&entry.file))).await?.is_some();
    let text = |names: &[&str]| {
        let file = chart.content.raw.iter().find(|file| names.iter().any(|name| file.name.eq_ignore_ascii_case(name)));
        file.map(|file| String::from_utf8_lossy(&file.data).into_owned()).unwrap_or_default()
    };
    let about = &chart.metadata;
    let maintainers: Vec<String> = about.maintainers.iter().map(|maintainer| maintainer.name.clone()).collect();
    let dependencies: Vec<_> = about
        .dependencies
        .iter()
        .map(|one| context! { name => one.name.as_str(), version => one.version.as_str(), repository => one.repository.as_str() })
        .collect();
    render(
        "version.html",
        context! {
            base => base(asked, false), tenant, name, version => entry.version.as_str(), app_version => entry.app_version.as_str(),
            description => entry.description.as_str(), digest => entry.digest.as_str(), file => entry.file.as_str(),
            created => entry.created_date(), size => shown_size(entry.size), signed, versions, maintainers, dependencies,
            deprecated => about.deprecated, kind => about.kind.as_str(), kube_version => about.kube_version.as_str(),
            home => about.home.as_str(), sources => &about.sources, keywords => &about.keywords,
            readme => text(&["README.md", "README.txt", "README"]), values => text(&["values.yaml"]),
        },
    )
}

/// A number of bytes in human-readable form.
fn shown_size(bytes: u64) -> String {
    match bytes {
        0..1_000 => format!("{bytes} B"),
        1_000..1_000_000 => format!("{:.1} kB", bytes as f64 / 1e3),
        _ => format!("{:.1} MB", bytes as f64 / 1e6),
    }
}

impl StoredVersion {
    fn created_date(&self) -> String {
        super::timestamp(self.created).chars().take(10).collect()
    }
}
