//! The web pages: charts and versions of a tenant, and one version with its README and values.
//!
//! Goes in: a tenant's index. Comes out: HTML without scripts. Everything from a chart goes through the template's
//! escaping, and a strict content policy keeps a browser from running what might slip through all the same.

use super::catalog::Entry;
use super::{Answer, Server, error, reply};
use crate::error::{Error, ErrorKind, Result};
use axum::http::{HeaderValue, StatusCode, header};
use minijinja::{Environment, context};
use std::sync::{Arc, OnceLock};

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
            // The texts are part of the program; a fault in one shows as a missing template in the tests.
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
        "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    );
    answer.headers_mut().insert(header::CONTENT_SECURITY_POLICY, policy);
    answer.headers_mut().insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    Ok(answer)
}

fn base(server: &Server, tenant: &str) -> String {
    let context = &server.options.layout.context_path;
    if tenant.is_empty() { context.clone() } else { format!("{context}/{tenant}") }
}

/// All charts of a tenant.
pub async fn home(server: &Server, tenant: &str) -> Result<Answer> {
    let charts = server.catalog(tenant).by_name().await?;
    let row = |entry: &Arc<Entry>| context! { version => entry.version.as_str(), app_version => entry.app_version.as_str(), created => entry.created_date() };
    let rows: Vec<_> = charts
        .iter()
        .map(|(name, versions)| {
            let description = versions.first().map(|entry| entry.description.clone()).unwrap_or_default();
            context! { name, description, versions => versions.iter().map(row).collect::<Vec<_>>() }
        })
        .collect();
    render("home.html", context! { base => base(server, tenant), tenant, charts => rows })
}

/// One version of a chart.
pub async fn version(server: &Server, tenant: &str, name: &str, version: &str) -> Result<Answer> {
    let catalog = server.catalog(tenant);
    let Some(entry) = catalog.version(name, version).await? else { return Ok(error(StatusCode::NOT_FOUND, "not found")) };
    let Some(chart) = super::chartmuseum::chart(server, tenant, name, &entry.version).await? else {
        return Ok(error(StatusCode::NOT_FOUND, "not found"));
    };
    let text = |names: &[&str]| {
        let file = chart.content.raw.iter().find(|file| names.iter().any(|name| file.name.eq_ignore_ascii_case(name)));
        file.map(|file| String::from_utf8_lossy(&file.data).into_owned()).unwrap_or_default()
    };
    render(
        "version.html",
        context! {
            base => base(server, tenant), name, version => entry.version.as_str(), app_version => entry.app_version.as_str(), description => entry.description.as_str(),
            digest => entry.digest.as_str(), file => entry.file.as_str(), created => entry.created_date(),
            readme => text(&["README.md", "README.txt", "README"]), values => text(&["values.yaml"]),
        },
    )
}

impl Entry {
    fn created_date(&self) -> String {
        super::catalog::timestamp(self.created).chars().take(10).collect()
    }
}
