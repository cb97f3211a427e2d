//! `rutter plugin`: the plugins in the data folder. Follows Helm's `pkg/cmd/plugin_list.go`.

use super::{Arity, Entry, Run};
use crate::cli::plugin;
use crate::cli::session::Session;
use crate::cli::table;
use crate::diagnostic::Level;
use crate::error::Result;
use crate::fs;
use clap::Args;
use std::path::Path;

/// The row of the table.
pub const COMMAND: Entry = Entry::group(
    "plugin",
    "list plugins",
    "Manage client-side plugins: programs in $HELM_PLUGINS that add commands or change manifests.",
    &[Entry::leaf::<List>("list", "", Arity::Any, "list installed plugins", "").aliases(&["ls"])],
);

/// The flags of `plugin list`.
#[derive(Debug, Clone, Default, Args)]
pub struct List {
    /// plugin type
    #[arg(long = "type", value_name = "string")]
    kind: Option<String>,
}

impl Run for List {
    fn run(self, _: Vec<String>, session: &mut Session) -> Result<()> {
        session.notices.push_with(Level::Debug, "pluginDirs", &[("directory", &session.settings.plugins)]);
        let plugins = plugin::all(&session.settings, &mut session.notices)?;
        let wanted = self.kind.unwrap_or_default();
        let mut rows = vec![["NAME", "VERSION", "TYPE", "APIVERSION", "PROVENANCE", "SOURCE"].map(str::to_string).to_vec()];
        for plugin in plugins.into_iter().filter(|plugin| wanted.is_empty() || plugin.kind == wanted) {
            // Helm looks for the plugin's name in the folder for data, wherever plugins are read from.
            let signed = match fs::lstat(&Path::new(&session.settings.data_home).join("plugins").join(&plugin.name)) {
                Ok(entry) if entry.kind == fs::Kind::Link => "local dev",
                Ok(_) => "unsigned",
                Err(_) => "unknown",
            };
            let source = if plugin.source_url.is_empty() { "unknown".to_string() } else { plugin.source_url };
            rows.push(vec![plugin.name, plugin.version, plugin.kind, plugin.api_version, signed.to_string(), source]);
        }
        session.print(table::render(&rows, 0) + "\n")
    }
}
