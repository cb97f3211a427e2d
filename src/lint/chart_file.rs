//! The rule for Chart.yaml: it parses, has the required fields, and its fields are well formed.
//!
//! Goes in: the text of Chart.yaml. Comes out: findings in Helm's order. Matches Helm's
//! `pkg/chart/v2/lint/rules/chartfile.go`.

use super::address::{is_email, is_request_url, is_url};
use super::source::Found;
use super::{Linter, Rule, Severity};
use crate::chart::Metadata;
use crate::chart::metadata::METADATA;
use crate::data::Map;
use crate::error::Result;
use crate::quote::quote;
use crate::values::go_text;
use crate::version::{Constraint, Version};
use crate::yaml;

const FILE: &str = "Chart.yaml";

pub(super) fn check(linter: &mut Linter<'_>) {
    if linter.source.find(FILE) == Found::Folder {
        linter.add(Severity::Error, Rule::ChartFile, FILE, "should be a file, not a directory");
    }
    let read: Result<_> = linter.source.read(FILE).and_then(|text| Metadata::parse(&text).map(|metadata| (text, metadata)));
    let (text, metadata) = match read {
        Ok(read) => read,
        Err(error) => {
            return linter.add_at(Severity::Error, Rule::ChartFile, FILE, format!("unable to parse YAML\n\t{error}"), error.line());
        }
    };
    if let Err(error) = yaml::decode_strict(&text, &METADATA) {
        let message = format!("failed to strictly parse chart metadata file\n\t{error}");
        linter.add_at(Severity::Warning, Rule::ChartFile, FILE, message, error.line());
    }
    let plain = yaml::parse_map(&text).unwrap_or_default();
    let checks: [(Severity, &str, Option<String>); 12] = [
        (Severity::Error, "name", name(&metadata)),
        (Severity::Error, "apiVersion", api_version(&metadata)),
        (Severity::Error, "version", is_string(&plain, "version")),
        (Severity::Error, "version", version(&metadata)),
        (Severity::Error, "appVersion", is_string(&plain, "appVersion")),
        (Severity::Error, "maintainers", maintainers(&metadata)),
        (Severity::Error, "sources", sources(&metadata)),
        (Severity::Info, "icon", metadata.icon.is_empty().then(|| "icon is recommended".to_string())),
        (Severity::Error, "icon", icon(&metadata)),
        (Severity::Error, "type", kind(&metadata)),
        (Severity::Error, "dependencies", dependencies(&metadata)),
        (Severity::Warning, "version", strict_version(&metadata)),
    ];
    for (severity, key, message) in checks {
        if let Some(message) = message {
            let line = if linter.options.places { yaml::locate(&text, &[key]) } else { None };
            linter.add_at(severity, Rule::ChartFile, FILE, message, line);
        }
    }
}

fn name(metadata: &Metadata) -> Option<String> {
    let name = &metadata.name;
    if name.is_empty() {
        return Some("name is required".to_string());
    }
    name.contains('/').then(|| format!("chart name {} is invalid", quote(name.as_bytes())))
}

fn api_version(metadata: &Metadata) -> Option<String> {
    match metadata.api_version.as_str() {
        "v1" | "v2" => None,
        "" => Some("apiVersion is required. The value must be either \"v1\" or \"v2\"".to_string()),
        other => Some(format!("apiVersion '{other}' is not valid. The value must be either \"v1\" or \"v2\"")),
    }
}

/// Checks that a version is written as a string: `1.10` without quotes is a number, and a different one.
fn is_string(map: &Map, key: &str) -> Option<String> {
    let kind = go_text::type_name(map.get(key)?);
    (kind != "string").then(|| format!("{key} should be of type string but it's of type {kind}"))
}

fn version(metadata: &Metadata) -> Option<String> {
    let text = &metadata.version;
    if text.is_empty() {
        return Some("version is required".to_string());
    }
    let Ok(version) = Version::parse(text) else {
        return Some(format!("version '{text}' is not a valid SemVer"));
    };
    let above_nothing = Constraint::parse(">0.0.0-0").is_ok_and(|range| range.check(&version));
    (!above_nothing).then(|| format!("version {} is less than or equal to \"0.0.0-0\"", quote(version.to_string().as_bytes())))
}

fn strict_version(metadata: &Metadata) -> Option<String> {
    let text = &metadata.version;
    Version::parse_strict(text).is_err().then(|| format!("version '{text}' is not a valid SemVerV2"))
}

fn maintainers(metadata: &Metadata) -> Option<String> {
    let empty = || Some("a maintainer entry is empty".to_string());
    for (at, maintainer) in metadata.maintainers.iter().enumerate() {
        if metadata.nulls.maintainer == Some(at) {
            return empty();
        }
        let name = &maintainer.name;
        if name.is_empty() {
            return Some("each maintainer requires a name".to_string());
        }
        if !maintainer.email.is_empty() && !is_email(&maintainer.email) {
            return Some(format!("invalid email '{}' for maintainer '{name}'", maintainer.email));
        }
        if !maintainer.url.is_empty() && !is_url(&maintainer.url) {
            return Some(format!("invalid url '{}' for maintainer '{name}'", maintainer.url));
        }
    }
    metadata.nulls.maintainer.and_then(|_| empty())
}

fn sources(metadata: &Metadata) -> Option<String> {
    let wrong = metadata.sources.iter().find(|source| !is_request_url(source))?;
    Some(format!("invalid source URL '{wrong}'"))
}

fn icon(metadata: &Metadata) -> Option<String> {
    let icon = &metadata.icon;
    (!icon.is_empty() && !is_request_url(icon)).then(|| format!("invalid icon URL '{icon}'"))
}

fn kind(metadata: &Metadata) -> Option<String> {
    let version = &metadata.api_version;
    let wrong = !metadata.kind.is_empty() && version != "v2";
    wrong.then(|| format!("chart type is not valid in apiVersion '{version}'. It is valid in apiVersion 'v2'"))
}

fn dependencies(metadata: &Metadata) -> Option<String> {
    let version = &metadata.api_version;
    let any = !metadata.dependencies.is_empty() || metadata.nulls.dependency.is_some();
    (any && version != "v2")
        .then(|| format!("dependencies are not valid in the Chart file with apiVersion '{version}'. They are valid in apiVersion 'v2'"))
}
