//! Reads plugin.yaml, which describes a plugin.
//!
//! Goes in: the file, with `apiVersion: v1` or in the older form without it. Comes out: a [`Plugin`] with its types, programs, schemes
//! and hooks. Unknown keys are ignored, but a duplicate key is an error. Matches Helm's `internal/plugin/metadata*.go` and `loader.go`.

use crate::data::{Data, Map};
use crate::error::{Error, ErrorKind, Result};
use crate::fs;
use crate::number::format_g;
use crate::package::plugin::MANIFEST as MANIFEST_NAME;
use crate::quote::quote;
use crate::version::Version;
use crate::yaml::{self, Shape};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The type of plugins that add commands.
pub const COMMAND_TYPE: &str = "cli/v1";
/// The type of plugins that transform manifests.
pub const POST_RENDERER_TYPE: &str = "postrenderer/v1";

/// The type of plugins that fetch.
pub(super) const GETTER_TYPE: &str = "getter/v1";
/// The runtime that runs a program.
pub(super) const SUBPROCESS: &str = "subprocess";
/// All types that Helm knows.
const TYPES: [&str; 4] = ["test/v1", COMMAND_TYPE, GETTER_TYPE, POST_RENDERER_TYPE];
/// A runtime that Helm has and rutter does not.
const WEBASSEMBLY: &str = "extism/v1";
/// The largest plugin.yaml that is read, in bytes.
const FILE_LIMIT: u64 = 1 << 20;

/// The shape of plugin.yaml in either form; unknown keys are ignored.
static MANIFEST: Shape = Shape::Map(&Shape::Any);

/// A plugin as its plugin.yaml describes it.
#[derive(Debug, Clone, Default)]
pub struct Plugin {
    pub name: String,
    pub version: String,
    /// `cli/v1`, `getter/v1` or `postrenderer/v1`.
    pub kind: String,
    /// `v1`, or `legacy` for the form without an apiVersion.
    pub api_version: String,
    pub source_url: String,
    /// The usage line of its command; its first word is the command's name. The plugin's name when empty.
    pub usage: String,
    /// One line for lists.
    pub about: String,
    /// The description in the command's help; `about` when empty.
    pub long: String,
    /// Flags are not passed on to the program.
    pub ignore_flags: bool,
    pub folder: PathBuf,
    /// `subprocess`, or another runtime, which is listed as in Helm but cannot be run.
    pub(super) runtime: String,
    pub(super) programs: Vec<Program>,
    /// The URL schemes that it fetches.
    pub(super) schemes: Vec<String>,
    pub(super) downloads: Vec<Download>,
    /// The programs to run on install, update and removal, by event.
    pub(super) hooks: BTreeMap<String, Vec<Program>>,
    /// Whether variables in the arguments of hooks are expanded.
    pub(super) expands_hooks: bool,
    /// The plugin.yaml itself.
    pub(super) manifest: Arc<Map>,
}

/// A program for one platform, or for all platforms without a program of their own.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Program {
    pub(super) system: String,
    pub(super) architecture: String,
    pub(super) command: String,
    pub(super) arguments: Vec<String>,
}

/// The programs that fetch addresses of some schemes.
#[derive(Debug, Clone, Default)]
pub(super) struct Download {
    pub(super) schemes: Vec<String>,
    pub(super) programs: Vec<Program>,
}

/// Loads the plugin in a folder. Fails if plugin.yaml is missing or invalid.
pub fn load_folder(folder: &Path) -> Result<Plugin> {
    load(&folder.join(MANIFEST_NAME))
}

/// Reads a plugin.yaml.
pub(super) fn load(file: &Path) -> Result<Plugin> {
    let folder = file.parent().unwrap_or(file);
    let context = |error: Error| error.context(format!("failed to load plugin {}", quote(folder.to_string_lossy().as_bytes())));
    let unread = |error: Error| error.context(format!("failed to read plugin at {}", quote(file.to_string_lossy().as_bytes())));
    let text = fs::read_limited(file, FILE_LIMIT).map_err(unread)?;
    Ok(Plugin { folder: folder.to_path_buf(), ..parse(&text).map_err(context)? })
}

/// Parses a plugin.yaml. A duplicate key in a map is an error, since a reviewer may read the one that does not count.
pub fn parse(text: &[u8]) -> Result<Plugin> {
    if text.trim_ascii().is_empty() {
        return Err(peek_fault(Error::new(ErrorKind::Usage, "EOF")));
    }
    let data = yaml::decode_strict(text, &MANIFEST).map_err(peek_fault)?;
    let manifest = data.as_map().cloned().unwrap_or_default();
    Ok(Plugin { manifest: manifest.clone(), ..read(&manifest)? })
}

/// The error for a plugin.yaml that is not a YAML map, in the words of Helm's first parse.
fn peek_fault(error: Error) -> Error {
    let reason = error.message();
    let reason = reason.strip_prefix("error converting YAML to JSON: ").unwrap_or(reason);
    Error::new(error.kind(), format!("failed to peek plugin.yaml API version: {reason}"))
}

/// Reads the plugin that the map describes.
fn read(map: &Map) -> Result<Plugin> {
    let fault = |message: String| Err(Error::new(ErrorKind::Usage, message));
    let name = text(map, "name");
    if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-')) {
        return fault(format!("invalid plugin name {}: must contain only a-z, A-Z, 0-9, _ and -", quote(name.as_bytes())));
    }
    let version = text(map, "version");
    if !version.is_empty() && Version::parse_strict(&version).is_err() {
        let field = if text(map, "apiVersion") == "v1" { "`version`" } else { "version" };
        return fault(format!("invalid plugin {field} {}: must be valid semver", quote(version.as_bytes())));
    }
    let base = Plugin { name, version, ..Plugin::default() };
    match text(map, "apiVersion").as_str() {
        "" => read_legacy(map, base),
        "v1" => read_v1(map, base),
        other => fault(format!("invalid plugin apiVersion: {}", quote(other.as_bytes()))),
    }
}

/// Reads the form of Helm 3.
fn read_legacy(map: &Map, base: Plugin) -> Result<Plugin> {
    let fault = |message: &str| Err(Error::new(ErrorKind::Usage, message));
    let downloads = downloads(map.get("downloaders"), |item| vec![Program { command: text(item, "command"), ..Program::default() }]);
    let (mut programs, command) = (programs(map), text(map, "command"));
    if !programs.is_empty() && !command.is_empty() {
        return fault("both platformCommand and command are set");
    }
    if programs.is_empty() && !command.is_empty() {
        programs.push(Program { command, ..Program::default() });
    }
    let (mut hooks, lines) = (hooks(map), map.get("hooks").and_then(Data::as_map).filter(|lines| !lines.is_empty()));
    if !hooks.is_empty() && lines.is_some() {
        return fault("both platformHooks and hooks are set");
    }
    for (at, download) in downloads.iter().enumerate() {
        if download.programs.iter().any(|program| program.command.is_empty()) {
            return fault(&format!("downloader {at} has empty command"));
        }
        if download.schemes.is_empty() {
            return fault(&format!("downloader {at} has no protocols"));
        }
        if let Some(empty) = download.schemes.iter().position(String::is_empty) {
            return fault(&format!("downloader {at} has empty protocol at index {empty}"));
        }
    }
    let expands_hooks = lines.is_none();
    for (event, line) in lines.iter().flat_map(|lines| lines.iter()) {
        let arguments = vec!["-c".to_string(), word(line).unwrap_or_default()];
        hooks.insert(event.to_string(), vec![Program { command: "sh".to_string(), arguments, ..Program::default() }]);
    }
    Ok(Plugin {
        kind: if downloads.is_empty() { COMMAND_TYPE } else { GETTER_TYPE }.to_string(),
        api_version: "legacy".to_string(),
        about: text(map, "usage"),
        long: text(map, "description"),
        ignore_flags: truth(map, "ignoreFlags"),
        runtime: SUBPROCESS.to_string(),
        programs,
        schemes: downloads.iter().flat_map(|download| download.schemes.iter().cloned()).collect(),
        downloads,
        hooks,
        expands_hooks,
        ..base
    })
}

/// Reads the form of Helm 4.
fn read_v1(map: &Map, base: Plugin) -> Result<Plugin> {
    let fault = |message: &str| Err(Error::new(ErrorKind::Usage, message));
    let kind = text(map, "type");
    if base.version.is_empty() {
        return fault("plugin `version` is required");
    }
    if kind.is_empty() {
        return fault("`type` missing");
    }
    let runtime = text(map, "runtime");
    if runtime.is_empty() {
        return fault("`runtime` missing");
    }
    const CONVERT: &str = "failed to convert MetadataV1 to Metadata";
    if !TYPES.contains(&kind.as_str()) {
        return fault(&format!("{CONVERT}: unknown plugin type {}", quote(kind.as_bytes())));
    }
    if runtime != SUBPROCESS && runtime != WEBASSEMBLY {
        return fault(&format!("{CONVERT}: unsupported plugin runtime type: {}", quote(runtime.as_bytes())));
    }
    let empty = Map::new();
    let table = |key: &str| map.get(key).and_then(Data::as_map).map_or(&empty, |map| map);
    let config = table("config");
    let schemes = texts(config, "protocols");
    if kind == GETTER_TYPE && schemes.is_empty() {
        return fault("config validation failed: getter has no protocols");
    }
    if let Some(empty) = schemes.iter().position(String::is_empty).filter(|_| kind == GETTER_TYPE) {
        return fault(&format!("config validation failed: getter has empty protocol at index {empty}"));
    }
    Ok(Plugin {
        kind,
        api_version: "v1".to_string(),
        source_url: text(map, "sourceURL"),
        runtime,
        usage: text(config, "usage"),
        about: text(config, "shortHelp"),
        long: text(config, "longHelp"),
        ignore_flags: truth(config, "ignoreFlags"),
        programs: programs(table("runtimeConfig")),
        schemes,
        downloads: downloads(table("runtimeConfig").get("protocolCommands"), programs),
        hooks: hooks(table("runtimeConfig")),
        ..base
    })
}

pub(super) fn text(map: &Map, key: &str) -> String {
    map.get(key).and_then(word).unwrap_or_default()
}

/// A text, or the text of a scalar where Go wants one: arguments may be numbers.
fn word(data: &Data) -> Option<String> {
    match data {
        Data::Str(text) => Some(text.to_string()),
        Data::Bool(truth) => Some(truth.to_string()),
        Data::Int(number) => Some(number.to_string()),
        Data::Float(number) => Some(format_g(*number)),
        _ => None,
    }
}

fn texts(map: &Map, key: &str) -> Vec<String> {
    let list = map.get(key).and_then(Data::as_list);
    list.iter().flat_map(|list| list.iter()).map(|item| word(item).unwrap_or_default()).collect()
}

/// The programs that fetch, with their schemes; `programs` reads the programs of one entry.
fn downloads(list: Option<&Data>, programs: impl Fn(&Map) -> Vec<Program>) -> Vec<Download> {
    let entries = list.and_then(Data::as_list).into_iter().flat_map(|list| list.iter()).filter_map(Data::as_map);
    entries.map(|entry| Download { schemes: texts(entry, "protocols"), programs: programs(entry) }).collect()
}

pub(super) fn truth(map: &Map, key: &str) -> bool {
    matches!(map.get(key), Some(Data::Bool(true)))
}

/// The programs of `platformCommand`.
fn programs(map: &Map) -> Vec<Program> {
    map.get("platformCommand").map_or_else(Vec::new, program_list)
}

/// The programs of `platformHooks`, by event.
fn hooks(map: &Map) -> BTreeMap<String, Vec<Program>> {
    let hooks = map.get("platformHooks").and_then(Data::as_map);
    hooks.iter().flat_map(|hooks| hooks.iter()).map(|(event, list)| (event.to_string(), program_list(list))).collect()
}

fn program_list(list: &Data) -> Vec<Program> {
    let program = |item: &Data| {
        let item = item.as_map()?;
        let arguments = item.get("args").and_then(Data::as_list);
        Some(Program {
            system: text(item, "os"),
            architecture: text(item, "arch"),
            command: text(item, "command"),
            arguments: arguments.map_or_else(Vec::new, |list| list.iter().filter_map(word).collect()),
        })
    };
    list.as_list().map_or_else(Vec::new, |list| list.iter().filter_map(program).collect())
}

impl Plugin {
    /// The name of the command that the plugin adds.
    pub fn command_name(&self) -> &str {
        self.usage_line().split(' ').next().unwrap_or_default()
    }

    /// The usage line of that command without the program's name.
    pub fn usage_line(&self) -> &str {
        if self.usage.is_empty() { &self.name } else { &self.usage }
    }

    /// One line for lists of commands.
    pub fn summary(&self) -> String {
        if self.about.is_empty() { format!("the {} plugin", quote(self.name.as_bytes())) } else { self.about.clone() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_may_be_numbers() {
        let plugin =
            parse(b"name: a\nversion: 1.0.0\nplatformCommand: [{command: x, args: [--port, 8080, 1.5, true, -1]}]\n").expect("a plugin");
        assert_eq!(plugin.programs[0].arguments, ["--port", "8080", "1.5", "true", "-1"]);
    }

    // CVE-2020-15186, CVE-2020-15187: names that are paths or terminal codes, and files with duplicate keys.
    #[test]
    fn plugins_with_odd_names_versions_or_doubled_keys_are_refused() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join(MANIFEST_NAME);
        let fault = |text: &str| {
            std::fs::write(&file, text).expect("a file");
            load(&file).map_or_else(|error| error.message().to_string(), |plugin| plugin.name)
        };
        assert_eq!(fault("name: fine\nversion: 1.0.0\nunknown: 1\n"), "fine");
        for (text, want) in [
            ("name: ../up\n", "invalid plugin name \"../up\""),
            ("name: \"\\e[31m\"\n", "invalid plugin name \"\\x1b[31m\""),
            ("name: a\nversion: 1.0.0/x\n", "invalid plugin version \"1.0.0/x\""),
            ("name: a\nname: b\n", "failed to peek plugin.yaml API version: yaml: unmarshal errors:\n  line 2: key \"name\" already"),
            ("name: a\nhooks: {install: x, install: y}\n", "key \"install\" already"),
        ] {
            assert!(fault(text).contains(want), "{text}: {}", fault(text));
        }
    }
}
