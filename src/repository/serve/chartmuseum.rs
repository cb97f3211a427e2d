//! ChartMuseum's HTTP API: upload of charts and provenance, listing, deletion.
//!
//! Goes in: a route, a request with its body. Comes out: the responses, status codes and JSON that ChartMuseum's clients
//! expect (`pkg/chartmuseum/server/multitenant`). The object name of an upload comes from the Chart.yaml inside it.

use super::catalog::{Catalog, StoredVersion, read_package};
use super::publish::{Upload, publish, withdraw};
use super::route::Route;
use super::storage::Written;
use super::{Answer, Asked, Server, error, json};
use crate::data::Data;
use crate::error::Result;
use crate::version::{Constraint, Version};
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, FromRequest as _};
use axum::http::{Method, StatusCode, header};
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// ChartMuseum's message for a form without files.
const NOTHING: &str = "no package or provenance file found in form fields chart and prov";

/// Answers a request to `/api`.
pub async fn handle(server: &Arc<Server>, route: Route, asked: &Asked) -> Result<Answer> {
    let reads = matches!(asked.method, Method::GET | Method::HEAD);
    match route {
        Route::Charts { tenant } if reads => list(server, &tenant, asked).await,
        Route::Charts { tenant } if asked.method == Method::POST => upload(server, &tenant, asked).await,
        Route::Provenance { tenant } if asked.method == Method::POST => {
            upload_provenance(server, &tenant, asked, asked.body.clone(), "file already exists").await
        }
        Route::Chart { tenant, name } if reads => {
            let catalog = server.catalog(&tenant);
            let versions = catalog.versions(&name).await?;
            if versions.is_empty() {
                return Ok(error(StatusCode::NOT_FOUND, "chart not found"));
            }
            data(StatusCode::OK, &Data::list(versions.iter().map(|entry| catalog.shown(entry)).collect()))
        }
        Route::Version { tenant, name, version } if reads => {
            let catalog = server.catalog(&tenant);
            match find(&catalog, &name, &version).await? {
                Ok(entry) => data(StatusCode::OK, &catalog.shown(&entry)),
                Err(reason) => Ok(error(StatusCode::NOT_FOUND, &reason)),
            }
        }
        Route::Version { tenant, name, version } if asked.method == Method::DELETE && !server.options.disable_delete => {
            delete(server, &tenant, &name, &version).await
        }
        Route::Values { tenant, name, version } if reads => match chart(server, &tenant, &name, &version).await? {
            Ok(chart) => match chart.raw("values.yaml") {
                Some(values) => Ok(super::content(asked, "application/yaml", Bytes::copy_from_slice(&values.data), &[])),
                None => Ok(error(StatusCode::NOT_FOUND, "values.yaml not found")),
            },
            Err(reason) => Ok(error(StatusCode::NOT_FOUND, &reason)),
        },
        Route::Templates { tenant, name, version } if reads => match chart(server, &tenant, &name, &version).await? {
            Ok(chart) => templates(&chart),
            Err(reason) => Ok(error(StatusCode::NOT_FOUND, &reason)),
        },
        _ => Ok(error(StatusCode::NOT_FOUND, "not found")),
    }
}

fn data(status: StatusCode, data: &Data) -> Result<Answer> {
    Ok(json(status, crate::json::to_vec(data)?))
}

/// Finds a version as Helm's index does: the one with exactly that text, else the highest that it allows as a
/// range; `latest` is the newest. The inner error is the reason, in Helm's words.
async fn find(catalog: &Catalog, name: &str, version: &str) -> Result<std::result::Result<Arc<StoredVersion>, String>> {
    if let Some(entry) = catalog.version(name, version).await? {
        return Ok(Ok(entry));
    }
    let versions = catalog.versions(name).await?;
    if versions.is_empty() {
        return Ok(Err("no chart name found".to_string()));
    }
    let Ok(range) = Constraint::parse(version) else { return Ok(Err(format!("improper constraint: {version}"))) };
    let found = versions.into_iter().find(|entry| Version::parse(&entry.version).is_ok_and(|version| range.check(&version)));
    Ok(found.ok_or_else(|| format!("no chart version found for {name}-{version}")))
}

/// Loads the chart of a version; the inner error is the reason why there is none.
pub async fn chart(server: &Server, tenant: &str, name: &str, version: &str) -> Result<std::result::Result<crate::chart::Chart, String>> {
    let catalog = server.catalog(tenant);
    let entry = match find(&catalog, name, version).await? {
        Ok(entry) => entry,
        Err(reason) => return Ok(Err(reason)),
    };
    let Some(bytes) = server.storage.get(&catalog.object(&entry.file)).await? else { return Ok(Err("object not found".to_string())) };
    // Any archive in the index can be loaded, whatever its apiVersion.
    let load = move || crate::chart::loader::load_archive_of_any_version(&bytes, &mut crate::diagnostic::Notices::new());
    Ok(match tokio::task::spawn_blocking(load).await {
        Ok(loaded) => loaded.map_err(|fault| fault.message().to_string()),
        Err(_) => Err("not a chart".to_string()),
    })
}

/// Templates and values of a chart; `null` for missing ones, as Go writes unset fields.
fn templates(chart: &crate::chart::Chart) -> Result<Answer> {
    let item = |name: &str, text: &[u8]| {
        let mut item = crate::data::Map::new();
        item.insert("data", Data::str(crate::base64::encode(text)));
        item.insert("name", Data::str(name));
        Data::map(item)
    };
    let items: Vec<Data> = chart.content.templates.iter().map(|file| item(&file.name, &file.data)).collect();
    let mut map = crate::data::Map::new();
    map.insert("templates", if items.is_empty() { Data::Null } else { Data::list(items) });
    map.insert("values", chart.raw("values.yaml").map_or(Data::Null, |_| Data::Map(chart.values.clone())));
    data(StatusCode::OK, &Data::map(map))
}

async fn list(server: &Server, tenant: &str, asked: &Asked) -> Result<Answer> {
    let number = |name: &str, default: usize| asked.query(name).map_or(Some(default), |text| text.parse::<usize>().ok());
    let Some(skip) = number("offset", 0) else {
        return Ok(error(StatusCode::BAD_REQUEST, "offset is not a valid non-negative integer"));
    };
    let Some(take) = number("limit", usize::MAX).filter(|limit| *limit > 0) else {
        return Ok(error(StatusCode::BAD_REQUEST, "limit is not a valid positive integer"));
    };
    let catalog = server.catalog(tenant);
    let charts = catalog.charts().await?;
    let mut map = crate::data::Map::new();
    for chart in charts.iter().skip(skip).take(take) {
        map.insert(chart.name.as_str(), Data::list(chart.versions.iter().map(|entry| catalog.shown(entry)).collect()));
    }
    data(StatusCode::OK, &Data::map(map))
}

async fn upload(server: &Arc<Server>, tenant: &str, asked: &Asked) -> Result<Answer> {
    let kind = asked.header(header::CONTENT_TYPE).unwrap_or_default();
    if !kind.starts_with("multipart/form-data") {
        return store(server, tenant, asked, asked.body.clone(), None, "file already exists").await;
    }
    let (chart, provenance) = match form(kind, asked.body.clone()).await {
        Ok(fields) => fields,
        Err(reason) => return Ok(error(StatusCode::BAD_REQUEST, reason)),
    };
    match (chart, provenance) {
        (Some(chart), provenance) => store(server, tenant, asked, chart, provenance, "chart already exists").await,
        (None, Some(provenance)) => match provenance_file(&provenance) {
            Ok(_) => upload_provenance(server, tenant, asked, provenance, "chart already exists").await,
            Err(fault) => Ok(error(StatusCode::BAD_REQUEST, &fault.message())),
        },
        (None, None) => Ok(error(StatusCode::BAD_REQUEST, NOTHING)),
    }
}

/// The chart and the provenance file in a form; of several fields of one name, the first. A truncated form is
/// an error as a whole, since its chart would be stored without its signature.
async fn form(kind: &str, body: Bytes) -> std::result::Result<(Option<Bytes>, Option<Bytes>), &'static str> {
    const BROKEN: &str = "bad multipart form";
    let mut request = axum::http::Request::new(axum::body::Body::from(body));
    if let Ok(value) = kind.parse() {
        request.headers_mut().insert(header::CONTENT_TYPE, value);
    }
    // The body is already read, within the server's own limit; axum's default is two megabytes.
    DefaultBodyLimit::disable().apply(&mut request);
    let mut form = axum::extract::Multipart::from_request(request, &()).await.map_err(|_| NOTHING)?;
    let (mut chart, mut provenance) = (None, None);
    while let Some(field) = form.next_field().await.map_err(|_| BROKEN)? {
        let name = field.name().unwrap_or_default().to_string();
        let bytes = field.bytes().await.map_err(|_| BROKEN)?;
        match name.as_str() {
            "chart" => drop(chart.get_or_insert(bytes)),
            "prov" => drop(provenance.get_or_insert(bytes)),
            _ => {}
        }
    }
    Ok((chart, provenance))
}

fn replaces(server: &Server, asked: &Asked) -> bool {
    server.options.allow_overwrite || (asked.query("force").is_some() && !server.options.disable_force)
}

async fn store(server: &Arc<Server>, tenant: &str, asked: &Asked, chart: Bytes, provenance: Option<Bytes>, exists: &str) -> Result<Answer> {
    let for_reading = chart.clone();
    let package = match tokio::task::spawn_blocking(move || read_package(&for_reading)).await {
        Ok(Ok(package)) => package,
        Ok(Err(fault)) => {
            let reason = fault.message().trim_start_matches("unable to load chart archive: ");
            return Ok(error(StatusCode::BAD_REQUEST, reason));
        }
        Err(_) => return Ok(error(StatusCode::BAD_REQUEST, "not a chart")),
    };
    match provenance.as_deref().map(provenance_file) {
        Some(Err(fault)) => return Ok(error(StatusCode::BAD_REQUEST, &fault.message())),
        Some(Ok(file)) if file != package.file => {
            return Ok(error(StatusCode::BAD_REQUEST, "the provenance file does not name this chart archive"));
        }
        _ => {}
    }
    let catalog = server.catalog(tenant);
    let replace = replaces(server, asked);
    match publish(server, &catalog, Upload { package: &package, archive: chart, provenance, replace }).await? {
        Written::New => {
            // The tag in the registry names what was pushed there, which may be another archive.
            if replace {
                super::registry::forget(server, tenant, &package.metadata.name, &package.metadata.version).await?;
            }
            server.metrics.uploads.fetch_add(1, Ordering::Relaxed);
            Ok(json(StatusCode::CREATED, "{\"saved\":true}"))
        }
        Written::Exists => Ok(error(StatusCode::CONFLICT, exists)),
    }
}

/// Why no archive name can be taken from a provenance file.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Unnamed {
    /// The text is not a provenance file.
    Invalid,
    /// The name in it is not a plain file name.
    Misnamed(String),
}

impl Unnamed {
    /// ChartMuseum's messages.
    fn message(&self) -> String {
        match self {
            Unnamed::Invalid => "invalid provenance file".to_string(),
            Unnamed::Misnamed(name) => format!("{name}.prov is improperly formatted"),
        }
    }
}

/// The archive that a provenance file belongs to: the first name in the `files` of its signed text, else the
/// one formed from its name and version.
fn provenance_file(text: &[u8]) -> std::result::Result<String, Unnamed> {
    let (name, formed) = named_archive(text).ok_or(Unnamed::Invalid)?;
    let is_plain = |name: &str| name.ends_with(".tgz") && super::route::is_safe_part(name);
    match formed.filter(|formed| !is_plain(formed)) {
        Some(formed) => Err(Unnamed::Misnamed(formed)),
        None if is_plain(&name) => Ok(name),
        None => Err(Unnamed::Misnamed(name)),
    }
}

/// The archive, and the file name that the chart's name and version make, by which ChartMuseum goes.
fn named_archive(text: &[u8]) -> Option<(String, Option<String>)> {
    let text = std::str::from_utf8(text).ok()?;
    if !text.starts_with("-----BEGIN PGP SIGNED MESSAGE-----") {
        return None;
    }
    let unquoted = |text: &str| text.trim().trim_matches(['"', '\'']).to_string();
    let field = |key: &str| text.lines().find_map(|line| line.strip_prefix(key)).map(unquoted).filter(|text| !text.is_empty());
    let formed = field("name: ").zip(field("version: ")).map(|(name, version)| format!("{name}-{version}.tgz"));
    let name = match text.split_once("\nfiles:") {
        Some((_, files)) => unquoted(files.lines().map(str::trim).find(|line| !line.is_empty())?.split_once(": ")?.0),
        None => formed.clone()?,
    };
    Some((name, formed))
}

async fn upload_provenance(server: &Server, tenant: &str, asked: &Asked, text: Bytes, exists: &str) -> Result<Answer> {
    let file = match provenance_file(&text) {
        Ok(file) => file,
        Err(fault @ Unnamed::Invalid) => return Ok(error(StatusCode::INTERNAL_SERVER_ERROR, &fault.message())),
        Err(fault) => return Ok(error(StatusCode::BAD_REQUEST, &fault.message())),
    };
    let catalog = server.catalog(tenant);
    let object = format!("{}.prov", catalog.object(&file));
    if replaces(server, asked) {
        server.storage.replace(&object, text).await?;
    } else if server.storage.create(&object, text).await? == Written::Exists {
        return Ok(error(StatusCode::CONFLICT, exists));
    }
    catalog.provenance_changed(&file);
    // The manifest that was pushed for the version does not include this signature.
    if let Some(entry) = catalog.of_file(&file).await? {
        super::registry::forget(server, tenant, &entry.name, &entry.version).await?;
    }
    Ok(json(StatusCode::CREATED, "{\"saved\":true}"))
}

async fn delete(server: &Server, tenant: &str, name: &str, version: &str) -> Result<Answer> {
    let catalog = server.catalog(tenant);
    let file = format!("{name}-{version}.tgz");
    if !super::route::is_safe_part(&file) {
        return Ok(error(StatusCode::NOT_FOUND, "not found"));
    }
    let entry = catalog.of_file(&file).await?;
    let aliases = match &entry {
        Some(entry) => super::registry::aliases_of(server, tenant, entry).await?,
        None => Vec::new(),
    };
    if !withdraw(server, &catalog, &file).await? {
        return Ok(error(StatusCode::NOT_FOUND, "not found"));
    }
    if let Some(entry) = entry {
        super::registry::forget_all(server, tenant, &entry, aliases).await?;
    }
    Ok(json(StatusCode::OK, "{\"deleted\":true}"))
}

#[cfg(test)]
pub mod tests {
    use super::*;
    use crate::repository::serve::catalog::tests::archive;
    use crate::repository::serve::trial::Trial;

    #[test]
    fn forms_may_be_as_large_as_other_uploads() {
        let trial = Trial::new(|options| options.upload_limit = 4 << 20);
        let mut state = 1u32;
        let mut noise = |length: usize| {
            let next = |_| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                char::from(b'!' + (state >> 24) as u8 % 90)
            };
            (0..length).map(next).collect::<String>()
        };
        for (version, length, status) in [("1.0.0", 10, 201), ("1.0.1", 3 << 20, 201), ("1.0.2", 6 << 20, 413)] {
            let chart =
                archive(&format!("apiVersion: v2\nname: a\nversion: {version}\ndescription: '{}'\n", noise(length).replace('\'', "x")));
            let head = "--x\r\nContent-Disposition: form-data; name=\"chart\"; filename=\"a.tgz\"\r\n\r\n";
            let form = [head.as_bytes(), &chart, b"\r\n--x--\r\n"].concat();
            let (answered, body) = trial.ask("POST", "/api/charts", &[("content-type", "multipart/form-data; boundary=x")], form);
            assert_eq!(answered, status, "{} bytes: {body:?}", chart.len());
            assert_eq!(trial.get(&format!("/charts/a-{version}.tgz")).0 == 200, status == 201);
        }
    }

    const SIGNED: &str = "-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA512\n\nname: a\nversion: 1.0.0\n-----BEGIN PGP SIGNATURE-----\n";

    const HEAD: &[u8] = b"--b\r\nContent-Disposition: form-data; name=\"chart\"\r\n\r\n";

    /// A form with a chart and its provenance file.
    pub fn form_of(chart: &[u8]) -> Vec<u8> {
        let between = b"\r\n--b\r\nContent-Disposition: form-data; name=\"prov\"\r\n\r\n";
        [HEAD, chart, between, SIGNED.as_bytes(), b"\r\n--b--\r\n"].concat()
    }

    #[test]
    fn a_form_that_breaks_stores_nothing() {
        let trial = Trial::new(|_| {});
        let chart = archive("apiVersion: v2\nname: a\nversion: 1.0.0\n");
        let whole = form_of(&chart);
        let post = |body: Vec<u8>| trial.ask("POST", "/api/charts", &[("content-type", "multipart/form-data; boundary=b")], body);
        let behind_chart = HEAD.len() + chart.len();
        let mut broken = whole.clone();
        // The header of the field with the signature is invalid.
        let at = behind_chart + b"\r\n--b\r\n".len();
        broken.splice(at..at, *b"\xff\xff no head\r\n");
        let cut = (behind_chart + 5..whole.len() - 4).step_by(7).map(|end| whole.get(..end).unwrap_or_default().to_vec());
        for body in cut.chain([broken]) {
            let shown = String::from_utf8_lossy(body.get(behind_chart..).unwrap_or_default()).into_owned();
            let (status, said) = post(body);
            assert_eq!((status.as_u16(), &said[..]), (400, &b"{\"error\":\"bad multipart form\"}"[..]), "{shown:?}");
            assert!(!trial.path("a-1.0.0.tgz").exists() && !trial.path("a-1.0.0.tgz.prov").exists(), "{shown:?}");
        }
        assert_eq!(post(whole).0, 201);
        assert_eq!(std::fs::read(trial.path("a-1.0.0.tgz.prov")).expect("the signature"), SIGNED.as_bytes());
    }

    /// A server that has version 1.0.0 of `a` with its signature; its archive, and another archive of that version.
    fn signed_version(change: impl FnOnce(&mut crate::repository::serve::Options)) -> (Trial, Vec<u8>, Vec<u8>) {
        let trial = Trial::new(change);
        let chart = archive("apiVersion: v2\nname: a\nversion: 1.0.0\n");
        assert_eq!(trial.ask("POST", "/api/charts", &[("content-type", "multipart/form-data; boundary=b")], form_of(&chart)).0, 201);
        (trial, chart, archive("apiVersion: v2\nname: a\nversion: 1.0.0\ndescription: another\n"))
    }

    #[test]
    fn values_are_answered_however_deep_they_are() {
        let trial = Trial::new(|_| {});
        let values = format!("b: <b>\na: {}1.5{}\n", "[".repeat(2000), "]".repeat(2000));
        let file = |name: &str, text: &str| crate::chart::File { name: name.into(), data: text.as_bytes().into(), modified: Some(0) };
        let files = [("Chart.yaml", "apiVersion: v2\nname: a\nversion: 1.0.0\n"), ("values.yaml", &values), ("templates/a", "x")];
        let chart = files.map(|(name, text)| file(name, text)).to_vec();
        let chart = crate::chart::loader::from_files(chart, &mut crate::diagnostic::Notices::new()).expect("a chart");
        let chart = crate::package::archive::to_bytes(&chart, None).expect("an archive");
        assert_eq!(trial.status("POST", "/api/charts", chart), 201);
        let (status, body) = trial.get("/api/charts/a/1.0.0/templates");
        assert_eq!(status, 200);
        let wanted = format!(
            "{{\"templates\":[{{\"data\":\"eA==\",\"name\":\"templates/a\"}}],\"values\":{{\"a\":{}1.5{},\"b\":\"\\u003cb\\u003e\"}}}}",
            "[".repeat(2000),
            "]".repeat(2000)
        );
        assert_eq!(String::from_utf8_lossy(&body), wanted);
    }

    /// The digest in the index of the only version.
    fn indexed(trial: &Trial) -> String {
        let about: serde_json::Value = serde_json::from_slice(&trial.get("/api/charts/a/1.0.0").1).expect("JSON");
        about["digest"].as_str().unwrap_or_default().to_string()
    }

    #[test]
    fn an_archive_that_is_replaced_takes_its_signature_along() {
        let (trial, chart, other) = signed_version(|options| options.freshness = std::time::Duration::from_secs(3600));
        let digest = crate::package::digest::sha256_hex;
        let stored = || std::fs::read(trial.path("a-1.0.0.tgz")).expect("the archive");
        assert_eq!(trial.status("POST", "/api/charts", other.clone()), 409);
        assert!(stored() == chart && trial.path("a-1.0.0.tgz.prov").exists());
        assert_eq!(indexed(&trial), digest(&chart));
        // The same archive keeps it, as in ChartMuseum, unless it is another one's.
        for (of, stays) in [(&other, false), (&chart, true)] {
            let text = SIGNED.replace("name: a\n", &format!("name: a\n\n...\nfiles:\n  a-1.0.0.tgz: sha256:{}\n", digest(of)));
            assert_ne!(text, SIGNED);
            std::fs::write(trial.path("a-1.0.0.tgz.prov"), text).expect("the signature");
            assert_eq!(trial.status("POST", "/api/charts?force", chart.clone()), 201);
            assert!(stored() == chart && trial.path("a-1.0.0.tgz.prov").exists() == stays);
        }
        assert_eq!(trial.status("POST", "/api/charts?force", other.clone()), 201);
        assert!(stored() == other && !trial.path("a-1.0.0.tgz.prov").exists());
        assert_eq!(indexed(&trial), digest(&other));
        let form = [("content-type", "multipart/form-data; boundary=b")];
        assert_eq!(trial.ask("POST", "/api/charts?force", &form, form_of(&chart)).0, 201);
        assert!(stored() == chart && trial.path("a-1.0.0.tgz.prov").exists());
    }

    #[test]
    fn a_version_that_exists_is_given_no_signature_with_an_archive() {
        let trial = Trial::new(|_| {});
        let chart = archive("apiVersion: v2\nname: a\nversion: 1.0.0\n");
        assert_eq!(trial.status("POST", "/api/charts", chart.clone()), 201);
        for again in [chart.clone(), archive("apiVersion: v2\nname: a\nversion: 1.0.0\ndescription: another\n")] {
            let form = [("content-type", "multipart/form-data; boundary=b")];
            assert_eq!(trial.ask("POST", "/api/charts", &form, form_of(&again)).0, 409);
            assert!(!trial.path("a-1.0.0.tgz.prov").exists());
            assert!(std::fs::read(trial.path("a-1.0.0.tgz")).expect("the archive") == chart);
        }
    }

    #[test]
    fn nobody_replaces_anything_where_that_is_off() {
        for (allow_overwrite, disable_force, plain, forced) in
            [(false, false, 409, 201), (false, true, 409, 409), (true, false, 201, 201), (true, true, 201, 201)]
        {
            for (query, expected) in [("", plain), ("?force", forced), ("?force=false", forced)] {
                let (trial, chart, other) = signed_version(|options| {
                    options.allow_overwrite = allow_overwrite;
                    options.disable_force = disable_force;
                });
                let what = format!("{allow_overwrite} {disable_force} {query}");
                let changed = SIGNED.replace("SHA512", "SHA256");
                assert_eq!(trial.status("POST", &format!("/api/prov{query}"), changed.clone()), expected, "{what}");
                let stored = |name: &str| std::fs::read(trial.path(name)).expect("a file");
                assert_eq!(stored("a-1.0.0.tgz.prov") == changed.as_bytes(), expected == 201, "{what}");
                assert_eq!(trial.status("POST", &format!("/api/charts{query}"), other.clone()), expected, "{what}");
                assert!(stored("a-1.0.0.tgz") == if expected == 201 { other } else { chart }, "{what}");
            }
        }
    }

    #[test]
    fn a_signature_of_another_archive_is_not_taken_with_one() {
        let trial = Trial::new(|_| {});
        let form = [("content-type", "multipart/form-data; boundary=b")];
        for (chart_file, query) in [
            ("apiVersion: v2\nname: b\nversion: 1.0.0\n", ""),
            ("apiVersion: v2\nname: a\nversion: 1.0.1\n", ""),
            ("apiVersion: v2\nname: a\nversion: 1.0.1\n", "?force"),
        ] {
            let (status, said) = trial.ask("POST", &format!("/api/charts{query}"), &form, form_of(&archive(chart_file)));
            let refusal = b"{\"error\":\"the provenance file does not name this chart archive\"}";
            assert_eq!((status.as_u16(), &said[..]), (400, &refusal[..]), "{chart_file}");
        }
        for file in ["a-1.0.0.tgz", "a-1.0.0.tgz.prov", "b-1.0.0.tgz", "b-1.0.0.tgz.prov", "a-1.0.1.tgz", "a-1.0.1.tgz.prov"] {
            assert!(!trial.path(file).exists(), "{file}");
        }
    }

    #[test]
    fn a_deletion_takes_signature_index_and_tag_along() {
        let (trial, chart, _) = signed_version(|options| options.freshness = std::time::Duration::from_secs(3600));
        assert_eq!(trial.status("POST", "/api/charts", archive("apiVersion: v2\nname: a\nversion: 1.0.1\n")), 201);
        for tag in ["1.0.0", "1.0.1"] {
            crate::fs::write_with_folders(&trial.path(&format!(".oci/a/_tags/{tag}")), b"sha256:00", crate::fs::Mode::New(0o644))
                .expect("a tag");
        }
        assert_eq!(indexed(&trial), crate::package::digest::sha256_hex(&chart));
        assert_eq!(trial.status("DELETE", "/api/charts/a/1.0.0", ""), 200);
        for file in ["a-1.0.0.tgz", "a-1.0.0.tgz.prov", ".oci/a/_tags/1.0.0"] {
            assert!(!trial.path(file).exists(), "{file}");
        }
        assert!(trial.path("a-1.0.1.tgz").exists() && trial.path(".oci/a/_tags/1.0.1").exists());
        assert_eq!(trial.get("/api/charts/a/1.0.0").0, 404);
        let index = String::from_utf8_lossy(&trial.get("/index.yaml").1).into_owned();
        assert!(index.contains("a-1.0.1.tgz") && !index.contains("a-1.0.0.tgz"), "{index}");
        assert_eq!(trial.status("DELETE", "/api/charts/a/1.0.0", ""), 404);
    }

    #[test]
    fn provenance_names_its_archive() {
        let text = "-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA512\n\nname: a\n\n...\nfiles:\n  a-1.0.0.tgz: sha256:00\n-----BEGIN PGP SIGNATURE-----\n";
        let named = |text: &str| provenance_file(text.as_bytes());
        let misnamed = |name: &str| Err(Unnamed::Misnamed(name.to_string()));
        assert_eq!(named(text), Ok("a-1.0.0.tgz".to_string()));
        assert_eq!(named(&text.replace("a-1.0.0.tgz", "../a-1.0.0.tgz")), misnamed("../a-1.0.0.tgz"));
        assert_eq!(named("files:\n  a.tgz: x\n"), Err(Unnamed::Invalid));
        assert_eq!(named(&text.replace("name: a", "name: ../a\nversion: 1.0.0")), misnamed("../a-1.0.0.tgz"));
        let short = "-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA512\n\nname: a\nversion: \"1.0.0\"\n-----BEGIN PGP SIGNATURE-----\n";
        assert_eq!(named(short), Ok("a-1.0.0.tgz".to_string()));
        assert_eq!(named(&short.replace("name: a", "name: ../a")), misnamed("../a-1.0.0.tgz"));
        assert_eq!(named(&short.replace("version", "ver")), Err(Unnamed::Invalid));
        assert_eq!(provenance_file(b"\xff"), Err(Unnamed::Invalid));
    }
}
