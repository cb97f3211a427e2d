//! Plugins, which are external programs: found in the plugins folder, run as commands, as post-renderers or [to
//! fetch](getter), [installed](install) and signed.
//!
//! Goes in: the plugins folder and a name. Comes out: [`Plugin`]s and the results of their programs. Both forms of plugin.yaml are read,
//! that of `apiVersion: v1` and the older one without. WebAssembly plugins are listed but cannot be run. Follows Helm's `internal/plugin`
//! and `pkg/cmd/load_plugins.go`. It is part of `cli` because the library must not run programs with the environment and the terminal.

pub mod completion;
mod describe;
pub mod getter;
mod git;
pub mod install;
mod invocation;
mod manifest;
mod post_render;
mod program;

pub use invocation::{Event, split_own_flags};
use manifest::load;
pub use manifest::{COMMAND_TYPE, POST_RENDERER_TYPE, Plugin, load_folder, parse};
pub use post_render::PostRenderer;

use super::commands::COMMANDS;
use super::environment::Settings;
use super::session::Session;
use crate::diagnostic::{Level, Notices};
use crate::error::{Error, ErrorKind, Result};
use crate::fs;
use crate::quote::quote;
use std::collections::BTreeMap;

/// Commands that Helm lacks, and `help`, which it adds after plugins: a plugin may use these names.
const OWN_COMMANDS: [&str; 3] = ["help", "serve", "values"];
/// Those that Helm does not have: a plugin of that name goes first.
pub const BEYOND_HELM: [&str; 2] = ["serve", "values"];

/// The name of the file that describes a plugin.
pub use crate::package::plugin::MANIFEST as MANIFEST_NAME;

/// Every plugin in the plugins folders, in order of their folders' names. Unreadable plugins are reported and
/// skipped; two plugins of one name in one of the folders, whatever their types, are an error.
pub fn all(settings: &Settings, notices: &mut Notices) -> Result<Vec<Plugin>> {
    let mut found = Vec::new();
    // To Helm, an empty path among several is the current folder, which may be anybody's.
    for folder in std::env::split_paths(&settings.plugins).filter(|folder| !folder.as_os_str().is_empty()) {
        let (folder, first) = (fs::clean(&folder), found.len());
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
        check_names(found.get(first..).unwrap_or_default())?;
    }
    Ok(found)
}

/// Refuses two plugins of one name: the order of folders should not decide which of them runs.
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

/// The plugins that add commands, loaded before any command runs, as in Helm: faults in plugins are reported
/// whatever the command, and a plugin with the name of a command ends the loading.
pub fn commands(session: &mut Session) -> Vec<Plugin> {
    let mut notices = std::mem::take(&mut session.notices);
    let usable = usable(session, &mut notices);
    session.notices = notices;
    usable
}

/// The plugins that add commands, sorted by command name.
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
