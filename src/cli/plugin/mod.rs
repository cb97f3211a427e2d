//! Plugins that are programs: found in the plugins folder, run as commands, as post-renderers or [to fetch](getter),
//! [installed](install) and signed.
//!
//! Goes in: the plugins folder and a name. Comes out: [`Plugin`]s and what their programs do. Both forms of plugin.yaml are
//! read, that of `apiVersion: v1` and the older one without. WebAssembly plugins are listed and not run.
//! Follows Helm's `internal/plugin` and `pkg/cmd/load_plugins.go`. It stands in `cli` because running programs with the
//! environment and the terminal is no business of the library.

pub mod completion;
mod describe;
pub mod getter;
mod git;
pub mod install;
mod program;

use super::commands::COMMANDS;
use super::environment::{Environment, Settings};
use super::exit::Exit;
use super::session::Session;
use crate::action::template::PostRender;
use crate::data::{Data, Map};
use crate::diagnostic::{Level, Notices};
use crate::error::{Error, ErrorKind, Result};
use crate::fs;
use crate::quote::quote;
use crate::version::Version;
use crate::yaml::{self, Shape};
use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;

/// The type of plugins that add commands.
pub const COMMAND_TYPE: &str = "cli/v1";
/// The type of plugins that change manifests.
pub const POST_RENDERER_TYPE: &str = "postrenderer/v1";

/// A plugin.yaml of either form; what is not known is passed over.
static MANIFEST: Shape = Shape::Map(&Shape::Any);

/// The type of plugins that fetch.
const GETTER_TYPE: &str = "getter/v1";
/// Every type there is.
const TYPES: [&str; 4] = ["test/v1", COMMAND_TYPE, GETTER_TYPE, POST_RENDERER_TYPE];
/// The runtime of programs.
const SUBPROCESS: &str = "subprocess";
/// The runtime that there is none of here.
const WEBASSEMBLY: &str = "extism/v1";
/// Commands that Helm has not, and `help`, which it adds after plugins: no plugin is refused for their names.
const OWN_COMMANDS: [&str; 3] = ["help", "serve", "values"];

/// What describes a plugin.
pub use crate::package::plugin::MANIFEST as MANIFEST_NAME;

/// The largest plugin.yaml.
const FILE_LIMIT: u64 = 1 << 20;

/// A plugin as its plugin.yaml describes it.
#[derive(Debug, Clone, Default)]
pub struct Plugin {
    pub name: String,
    pub version: String,
    /// `cli/v1`, `getter/v1` or `postrenderer/v1`.
    pub kind: String,
    /// `v1`, or `legacy` for the form without.
    pub api_version: String,
    pub source_url: String,
    /// The usage line of its command; its first word is the command's name. The plugin's name when empty.
    pub usage: String,
    /// One line for lists.
    pub about: String,
    /// The description in the command's help; `about` when empty.
    pub long: String,
    /// Flags are not handed on.
    pub ignore_flags: bool,
    pub folder: PathBuf,
    /// `subprocess`, or another that is listed as Helm does and refused when it is to be run.
    runtime: String,
    programs: Vec<Program>,
    /// The schemes that it fetches from, and with what.
    schemes: Vec<String>,
    downloads: Vec<Download>,
    /// What is run when the plugin is installed, updated or taken away, by event.
    hooks: BTreeMap<String, Vec<Program>>,
    /// Variables in the arguments of hooks are expanded.
    expands_hooks: bool,
    /// The plugin.yaml itself.
    manifest: Arc<Map>,
}

/// When a hook runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    Install,
    Update,
    Delete,
}

impl Event {
    fn name(self) -> &'static str {
        match self {
            Event::Install => "install",
            Event::Update => "update",
            Event::Delete => "delete",
        }
    }
}

/// A program for one platform, or for all that no other one is for.
#[derive(Debug, Clone, Default, PartialEq)]
struct Program {
    system: String,
    architecture: String,
    command: String,
    arguments: Vec<String>,
}

/// What is added to the environment of a program.
type Variables = BTreeMap<&'static str, String>;

/// A program of a plugin as it is to be run.
struct Prepared {
    program: String,
    arguments: Vec<String>,
    variables: Variables,
}

impl Prepared {
    fn command(&self, environment: &Environment) -> Command {
        let mut command = program::command(&self.program, environment);
        command.args(&self.arguments).envs(&self.variables);
        command
    }
}

/// What is run for the addresses of some schemes.
#[derive(Debug, Clone, Default)]
struct Download {
    schemes: Vec<String>,
    programs: Vec<Program>,
}

/// Every plugin in the plugins folders, in order of their folders' names. What cannot be read is told of and passed over;
/// two plugins of one name, whatever their types, are an error.
pub fn all(settings: &Settings, notices: &mut Notices) -> Result<Vec<Plugin>> {
    let mut found = Vec::new();
    for folder in std::env::split_paths(&settings.plugins) {
        for name in fs::names(&folder).unwrap_or_default() {
            let file = folder.join(name).join(MANIFEST_NAME);
            if !fs::exists(&file) {
                continue;
            }
            match load(&file) {
                Ok(plugin) => found.push(plugin),
                Err(error) => notices.push_with(
                    Level::Warn,
                    "failed to load plugin (ignoring)",
                    &[("plugin_yaml", &file.to_string_lossy()), ("error", error.message())],
                ),
            }
        }
    }
    check_names(&found)?;
    Ok(found)
}

/// Refuses two plugins of one name: which of them would run is nothing that the order of folders should decide.
fn check_names(plugins: &[Plugin]) -> Result<()> {
    let mut folders = BTreeMap::new();
    for plugin in plugins {
        if let Some(earlier) = folders.insert(&plugin.name, &plugin.folder) {
            let [name, earlier, later] =
                [plugin.name.as_bytes(), earlier.to_string_lossy().as_bytes(), plugin.folder.to_string_lossy().as_bytes()].map(quote);
            return Err(Error::new(ErrorKind::Usage, format!("two plugins claim the name {name} at {earlier} and {later}")));
        }
    }
    Ok(())
}

/// The plugins that add commands, as Helm loads them before it runs any: what is wrong with plugins is told whatever the
/// command, and one that has the name of a command ends the loading.
pub fn commands(session: &mut Session) -> Vec<Plugin> {
    let mut notices = std::mem::take(&mut session.notices);
    let usable = usable(session, &mut notices);
    session.notices = notices;
    usable
}

/// The plugins that add commands, sorted by the names of these.
pub fn usable(session: &Session, notices: &mut Notices) -> Vec<Plugin> {
    if session.environment.get("HELM_NO_PLUGINS").as_deref() == Some("1") {
        return Vec::new();
    }
    let plugins = match all(&session.settings, notices) {
        Ok(plugins) => plugins,
        Err(error) => {
            notices.push_with(Level::Error, "failed to load plugins", &[("error", error.message())]);
            return Vec::new();
        }
    };
    let mut usable: Vec<Plugin> = Vec::new();
    for plugin in plugins.into_iter().filter(|plugin| plugin.kind == COMMAND_TYPE) {
        let name = plugin.command_name();
        let is_taken = COMMANDS.iter().any(|command| command.name == name && !OWN_COMMANDS.contains(&command.name));
        if is_taken || usable.iter().any(|other| other.command_name() == name) {
            notices.push_with(Level::Error, "failed to load plugins: name conflicts", &[("name", name)]);
            break;
        }
        usable.push(plugin);
    }
    usable.sort_by(|a, b| a.command_name().cmp(b.command_name()));
    usable
}

/// The plugin of this name and type.
pub fn find(name: &str, kind: &str, settings: &Settings, notices: &mut Notices) -> Result<Plugin> {
    all(settings, notices)?
        .into_iter()
        .find(|plugin| plugin.name == name && plugin.kind == kind)
        .ok_or_else(|| Error::new(ErrorKind::Usage, format!("plugin: {{Name:{name} Type:{kind}}} not found")))
}

/// The plugin in a folder. Errors: there is no plugin.yaml, or something is wrong with it.
pub fn load_folder(folder: &Path) -> Result<Plugin> {
    load(&folder.join(MANIFEST_NAME))
}

/// Reads a plugin.yaml.
fn load(file: &Path) -> Result<Plugin> {
    let folder = file.parent().unwrap_or(file);
    let context = |error: Error| error.context(format!("failed to load plugin {}", quote(folder.to_string_lossy().as_bytes())));
    let unread = |error: Error| error.context(format!("failed to read plugin at {}", quote(file.to_string_lossy().as_bytes())));
    let text = fs::read_limited(file, FILE_LIMIT).map_err(unread)?;
    Ok(Plugin { folder: folder.to_path_buf(), ..parse(&text).map_err(context)? })
}

/// The plugin that the text of a plugin.yaml describes. A key that stands twice in a map is an error, since what reviewers read may be
/// the other one.
pub fn parse(text: &[u8]) -> Result<Plugin> {
    if text.trim_ascii().is_empty() {
        return Err(peek_fault(Error::new(ErrorKind::Usage, "EOF")));
    }
    let data = yaml::decode_strict(text, &MANIFEST).map_err(peek_fault)?;
    let manifest = data.as_map().cloned().unwrap_or_default();
    Ok(Plugin { manifest: manifest.clone(), ..read(&manifest)? })
}

/// The fault of a plugin.yaml that is no map of YAML, in the words of Helm's first look at it.
fn peek_fault(error: Error) -> Error {
    let reason = error.message();
    let reason = reason.strip_prefix("error converting YAML to JSON: ").unwrap_or(reason);
    Error::new(error.kind(), format!("failed to peek plugin.yaml API version: {reason}"))
}

/// The plugin that the map describes.
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

/// The form of Helm 3.
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
        let arguments = vec!["-c".to_string(), line.as_str().unwrap_or_default().to_string()];
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

/// The form of Helm 4.
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

fn text(map: &Map, key: &str) -> String {
    map.get(key).and_then(Data::as_str).unwrap_or_default().to_string()
}

fn texts(map: &Map, key: &str) -> Vec<String> {
    let list = map.get(key).and_then(Data::as_list);
    list.iter().flat_map(|list| list.iter()).map(|item| item.as_str().unwrap_or_default().to_string()).collect()
}

/// What is run for which schemes; `programs` reads it out of an entry.
fn downloads(list: Option<&Data>, programs: impl Fn(&Map) -> Vec<Program>) -> Vec<Download> {
    let entries = list.and_then(Data::as_list).into_iter().flat_map(|list| list.iter()).filter_map(Data::as_map);
    entries.map(|entry| Download { schemes: texts(entry, "protocols"), programs: programs(entry) }).collect()
}

fn truth(map: &Map, key: &str) -> bool {
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
            arguments: arguments.map_or_else(Vec::new, |list| list.iter().filter_map(Data::as_str).map(str::to_string).collect()),
        })
    };
    list.as_list().map_or_else(Vec::new, |list| list.iter().filter_map(program).collect())
}

/// The program for this platform: the one for system and architecture, else the one for the system, else the one for any.
fn for_platform<'a>(programs: &'a [Program], system: &str, architecture: &str) -> Option<&'a Program> {
    let rank = |program: &&Program| match (program.system.as_str(), program.architecture.as_str()) {
        (os, arch) if os.eq_ignore_ascii_case(system) && arch.eq_ignore_ascii_case(architecture) => Some(0),
        (os, "") if os.eq_ignore_ascii_case(system) => Some(1),
        ("", "") => Some(2),
        _ => None,
    };
    programs.iter().filter(|program| rank(program).is_some()).min_by_key(rank)
}

/// `$NAME` and `${NAME}` in a text, as Go's `os.Expand`. What is special to a shell (`$1`, `$$`, `$*`) is a name of one character here.
fn expand(text: &str, value: impl Fn(&str) -> String) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('$') {
        out.push_str(before);
        let (name, length) = name_and_length(after);
        match (name, length) {
            // Not the beginning of anything.
            ("", 0) => out.push('$'),
            // Braces that hold nothing or do not end are left out.
            ("", _) => {}
            _ => out.push_str(&value(name)),
        }
        rest = after.get(length..).unwrap_or_default();
    }
    out.push_str(rest);
    out
}

/// The name that begins here, and how long it is with its braces (Go's `getShellName`).
fn name_and_length(text: &str) -> (&str, usize) {
    let is_special = |byte: u8| matches!(byte, b'*' | b'#' | b'$' | b'@' | b'!' | b'?' | b'-' | b'0'..=b'9');
    match text.as_bytes() {
        [b'{', special, b'}', ..] if is_special(*special) => (text.get(1..2).unwrap_or_default(), 3),
        [b'{', ..] => match text.find('}') {
            Some(end) => (text.get(1..end).unwrap_or_default(), end + 1),
            None => ("", 1),
        },
        [special, ..] if is_special(*special) => (text.get(..1).unwrap_or_default(), 1),
        _ => {
            let end = text.find(|c: char| c != '_' && !c.is_ascii_alphanumeric()).unwrap_or(text.len());
            (text.get(..end).unwrap_or_default(), end)
        }
    }
}

impl Plugin {
    /// The name of the command that it adds.
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

    /// The plugin's program with its arguments and these, and with `variables` added to the environment.
    fn command(&self, arguments: &[String], variables: Variables, session: &Session) -> Result<Command> {
        if self.runtime != SUBPROCESS {
            let message = format!("unsupported plugin runtime type: {}", quote(self.runtime.as_bytes()));
            return Err(Error::new(ErrorKind::Unsupported, message));
        }
        let mut command = self
            .prepare(&self.programs, true, variables, &session.environment)
            .map_err(|error| error.context("failed to prepare plugin command"))?
            .command(&session.environment);
        command.args(arguments);
        Ok(command)
    }

    /// Runs it as a command. `words` are the command line without the command's name.
    pub fn run(&self, words: &[String], session: &mut Session) -> Result<()> {
        session.show_notices();
        let (_, arguments) = split_own_flags(words)?;
        let arguments = if self.ignore_flags { Vec::new() } else { arguments };
        let mut command = self.command(&arguments, session.variables(), session)?;
        let status = command.status().map_err(|error| program::not_started(&error, &command))?;
        if status.success() {
            return Ok(());
        }
        // Of one that a signal ended Go says -1.
        session.set_exit(Exit::Code(status.code().map_or(u8::MAX, |code| u8::try_from(code).unwrap_or(1))));
        Err(Error::new(ErrorKind::Usage, format!("plugin {} exited with error", quote(self.name.as_bytes()))))
    }

    /// Runs what the plugin wants run on this event, if anything (Helm's `InvokeHook`).
    pub fn run_hook(&self, event: Event, session: &Session) -> Result<()> {
        let Some(programs) = self.hooks.get(event.name()).filter(|programs| !programs.is_empty() && self.runtime == SUBPROCESS) else {
            return Ok(());
        };
        let prepared = self.prepare(programs, self.expands_hooks, session.variables(), &session.environment)?;
        let mut command = prepared.command(&session.environment);
        // As Go's, a hook has no standard input.
        let status = command.stdin(Stdio::null()).status().map_err(|error| program::not_started(&error, &command))?;
        if status.success() {
            return Ok(());
        }
        let message = format!("plugin {} hook for {} exited with error", event.name(), quote(self.name.as_bytes()));
        Err(Error::new(ErrorKind::Usage, message))
    }

    /// That of `programs` which is for this platform; its arguments are expanded if `expands`.
    fn prepare(&self, programs: &[Program], expands: bool, mut variables: Variables, environment: &Environment) -> Result<Prepared> {
        let (system, architecture) = go_platform();
        let program = for_platform(programs, system, architecture).filter(|program| !program.command.is_empty());
        let Some(program) = program else {
            return Err(Error::new(ErrorKind::Usage, "no plugin command is applicable"));
        };
        variables.insert("HELM_PLUGIN_NAME", self.name.clone());
        variables.insert("HELM_PLUGIN_DIR", self.folder.to_string_lossy().into_owned());
        let value = |name: &str| variables.get(name).cloned().or_else(|| environment.get(name)).unwrap_or_default();
        let argument = |word: &str| if expands { expand(word, value) } else { word.to_string() };
        let mut words = program.command.split(' ');
        let main = expand(words.next().unwrap_or_default(), value);
        let arguments = words.chain(program.arguments.iter().map(String::as_str)).map(argument).collect();
        Ok(Prepared { program: main, arguments, variables })
    }
}

/// This platform in Go's words.
fn go_platform() -> (&'static str, &'static str) {
    let system = match std::env::consts::OS {
        "macos" => "darwin",
        other => other,
    };
    let architecture = match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        "x86" => "386",
        other => other,
    };
    (system, architecture)
}

/// The words of a plugin's command line that are flags of rutter's own, which reach the plugin through its environment, and the others,
/// which are its arguments. Only these flags, wherever they stand (Helm's `manuallyProcessArgs`).
pub fn split_own_flags(words: &[String]) -> Result<(Vec<String>, Vec<String>)> {
    const WITH_VALUE: [&str; 14] = [
        "--kube-context",
        "--namespace",
        "-n",
        "--kubeconfig",
        "--kube-apiserver",
        "--kube-token",
        "--kube-as-user",
        "--kube-as-group",
        "--kube-ca-file",
        "--registry-config",
        "--repository-cache",
        "--repository-config",
        "--kube-insecure-skip-tls-verify",
        "--kube-tls-server-name",
    ];
    let (mut own, mut others) = (Vec::new(), Vec::new());
    let mut words = words.iter();
    while let Some(word) = words.next() {
        let flag = word.split_once('=').map_or(word.as_str(), |(flag, _)| flag);
        if word != "--debug" && !WITH_VALUE.contains(&flag) {
            others.push(word.clone());
            continue;
        }
        own.push(word.clone());
        if word != "--debug" && flag == word {
            let Some(value) = words.next() else {
                let flag = if flag == "-n" { "'n' in -n" } else { flag };
                return Err(Error::new(ErrorKind::Usage, format!("flag needs an argument: {flag}")));
            };
            own.push(value.clone());
        }
    }
    Ok((own, others))
}

/// A program that changes manifests: a plugin's, or with [`PostRenderer::program`] any.
pub struct PostRenderer<'a> {
    name: String,
    /// What it says on standard error is shown: of plugins Helm shows nothing, whether they fail or not.
    is_heard: bool,
    command: Box<dyn Fn() -> Result<Command> + 'a>,
}

impl<'a> PostRenderer<'a> {
    /// The post-renderer plugin of this name.
    pub fn plugin(name: &str, arguments: &'a [String], session: &'a Session, notices: &mut Notices) -> Result<PostRenderer<'a>> {
        let plugin = find(name, POST_RENDERER_TYPE, &session.settings, notices)?;
        let command = Box::new(move || plugin.command(arguments, BTreeMap::new(), session));
        Ok(PostRenderer { name: name.to_string(), is_heard: false, command })
    }

    /// The program at this path, as Helm 3 had it.
    pub fn program(path: &str, arguments: &'a [String], environment: &Environment) -> PostRenderer<'a> {
        let (program, environment) = (path.to_string(), environment.clone());
        let command = move || {
            let mut command = program::command(&program, &environment);
            command.args(arguments);
            Ok(command)
        };
        PostRenderer { name: path.to_string(), is_heard: true, command: Box::new(command) }
    }
}

impl PostRender for PostRenderer<'_> {
    fn run(&mut self, manifests: Vec<u8>) -> Result<Vec<u8>> {
        let name = quote(self.name.as_bytes());
        let failed = |error: Error| error.context(format!("failed to invoke post-renderer plugin {name}"));
        let mut command = (self.command)().map_err(failed)?;
        let stderr = if self.is_heard { Stdio::inherit() } else { Stdio::null() };
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(stderr);
        let mut child = command.spawn().map_err(|error| failed(program::not_started(&error, &command)))?;
        let input = child.stdin.take();
        // Written beside the reading, since the program may answer before it has read all.
        let output = std::thread::scope(|scope| {
            scope.spawn(move || {
                if let Some(mut input) = input {
                    // A program that does not read its input is free not to.
                    let _ = input.write_all(&manifests);
                }
            });
            child.wait_with_output()
        });
        let output = output.map_err(|error| failed(fs::fault("wait", Path::new(&self.name), &error)))?;
        if !output.status.success() {
            return Err(failed(Error::new(ErrorKind::Usage, format!("plugin {name} exited with error"))));
        }
        if output.stdout.trim_ascii().is_empty() {
            return Err(Error::new(ErrorKind::Usage, format!("post-renderer {name} produced empty output")));
        }
        Ok(output.stdout)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_are_expanded_as_in_go() {
        let value = |name: &str| format!("<{name}>");
        assert_eq!(expand("${A_1}/x$B.c$", value), "<A_1>/x<B>.c$");
        assert_eq!(expand("plain", value), "plain");
        assert_eq!(expand("$$ $12 $* ${#} ${} ${a ", value), "<$> <1>2 <*> <#>  a ");
        assert_eq!(expand("é$é${é}", value), "é$é<é>");
    }

    #[test]
    fn the_nearest_platform_is_taken() {
        let program = |system: &str, architecture: &str, command: &str| Program {
            system: system.to_string(),
            architecture: architecture.to_string(),
            command: command.to_string(),
            arguments: Vec::new(),
        };
        let programs =
            [program("", "", "any"), program("linux", "", "linux"), program("linux", "arm64", "arm"), program("", "amd64", "no")];
        let chosen =
            |system: &str, architecture: &str| for_platform(&programs, system, architecture).map(|program| program.command.as_str());
        assert_eq!(chosen("linux", "amd64"), Some("linux"));
        assert_eq!(chosen("linux", "arm64"), Some("arm"));
        assert_eq!(chosen("darwin", "amd64"), Some("any"));
        assert_eq!(for_platform(&programs[1..], "darwin", "amd64"), None);
    }

    // CVE-2020-15186, CVE-2020-15187: names that are paths or terminal codes, and files that say something twice.
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

    #[test]
    fn own_flags_do_not_reach_plugins() {
        let words = |line: &str| line.split(' ').map(str::to_string).collect::<Vec<_>>();
        let (own, others) = split_own_flags(&words("-n x a --debug --namespace=y --kube-context c -v --other d -f v -n z")).unwrap();
        assert_eq!(others, ["a", "-v", "--other", "d", "-f", "v"]);
        assert_eq!(own, ["-n", "x", "--debug", "--namespace=y", "--kube-context", "c", "-n", "z"]);
        let ended = split_own_flags(&["--kube-context".to_string()]).map_err(|error| error.to_string());
        assert_eq!(ended, Err("flag needs an argument: --kube-context".to_string()));
    }
}
