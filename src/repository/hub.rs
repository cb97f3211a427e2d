//! Searches a hub, a catalogue of many repositories.
//!
//! Goes in: the hub's address and search words. Comes out: the hits, in the hub's order. The request is that of
//! Monocular's search, which Artifact Hub supports too; a field that is missing or not a string is empty.
//! Follows Helm's `internal/monocular` and `pkg/cmd/search_hub.go`.

use super::access::Access;
use super::http::{Client, Request, fetch_error};
use super::url;
use crate::data::Data;
use crate::error::{Error, ErrorKind, Result};
use crate::json;
use crate::quote::quote;
use crate::url::{Url, query_escape};

/// The path of the search API.
const SEARCH_PATH: &str = "api/chartsvc/v1/charts/search";
/// The largest response, in bytes.
const ANSWER_LIMIT: u64 = 64 << 20;

/// A chart in a hub.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Listing {
    /// Its page in the hub.
    pub url: String,
    /// Of its newest version.
    pub version: String,
    pub app_version: String,
    pub description: String,
    pub repository_url: String,
    pub repository_name: String,
}

/// Searches the hub at `endpoint` for `words`. Fails in Helm's words if the address is invalid, or if the hub
/// does not respond; only `--debug` logs the cause.
pub fn search(endpoint: &str, words: &str, client: &Client<'_>) -> Result<Vec<Listing>> {
    let unusable =
        |reason: String| Error::new(ErrorKind::Usage, format!("unable to create connection to {}: {reason}", quote(url::redact(endpoint))));
    let mut address = Url::parse(endpoint.as_bytes()).map_err(unusable)?;
    if address.hostname().is_empty() {
        return Err(unusable("no hostname provided".to_string()));
    }
    let path = String::from_utf8_lossy(&address.path).into_owned();
    address.path = url::join_plain(&path, SEARCH_PATH).into_bytes();
    address.query = [b"q=", query_escape(words.as_bytes()).as_slice()].concat();
    let place = String::from_utf8_lossy(&address.written()).into_owned();
    let access = Access { base: endpoint.to_string(), ..Access::default() };
    let answer = client.send(Request { compressed: true, ..Request::get(&place, ANSWER_LIMIT) }, &access);
    let body = answer.and_then(|answer| match answer.status.as_u16() {
        200 => Ok(answer.body),
        _ => Err(fetch_error(&place, answer.status)),
    });
    let body = body.map_err(|error| {
        client.reporter().debug("search failed", &[("error", error.message())]);
        Error::new(error.kind(), format!("unable to perform search against {}", quote(url::redact(endpoint))))
    })?;
    // As in Helm, as much as possible is taken from a malformed response.
    let (answer, _) = json::parse_map(&body);
    let found = answer.as_ref().and_then(|answer| answer.get("data")).and_then(Data::as_list);
    Ok(found.map_or_else(Vec::new, |found| found.iter().map(|item| listing(item, endpoint)).collect()))
}

fn listing(item: &Data, endpoint: &str) -> Listing {
    let text = |path: &[&str]| {
        let mut data = Some(item);
        for key in path {
            data = data.and_then(Data::as_map).and_then(|map| map.get(key));
        }
        data.and_then(Data::as_str).unwrap_or_default().to_string()
    };
    let page = text(&["artifactHub", "packageUrl"]);
    let newest = |key| text(&["relationships", "latestChartVersion", "data", key]);
    Listing {
        // Monocular returns no page.
        url: if page.is_empty() { format!("{endpoint}/charts/{}", text(&["id"])) } else { page },
        version: newest("version"),
        app_version: newest("app_version"),
        description: text(&["attributes", "description"]),
        repository_url: text(&["attributes", "repo", "url"]),
        repository_name: text(&["attributes", "repo", "name"]),
    }
}
