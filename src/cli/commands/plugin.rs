//! `rutter plugin`: the plugins in the data folder.

use super::{Arity, Entry, Run};
use crate::cli::plugin;
use crate::cli::session::Session;
use crate::error::Result;
use crate::fs;
use clap::Args;

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
        let plugins = plugin::all(&session.settings, &mut session.notices);
        let wanted = self.kind.unwrap_or_default();
        let mut rows = vec![["NAME", "VERSION", "TYPE", "APIVERSION", "PROVENANCE", "SOURCE"].map(str::to_string)];
        for plugin in plugins.into_iter().filter(|plugin| wanted.is_empty() || plugin.kind == wanted) {
            let signed = if fs::lstat(&plugin.folder).is_ok_and(|entry| entry.kind == fs::Kind::Link) { "local dev" } else { "unsigned" };
            let source = if plugin.source_url.is_empty() { "unknown".to_string() } else { plugin.source_url };
            rows.push([plugin.name, plugin.version, plugin.kind, plugin.api_version, signed.to_string(), source]);
        }
        let widths: Vec<usize> = (0..6).map(|column| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0)).collect();
        let mut text = String::new();
        for row in rows {
            let cells: Vec<String> = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}")).collect();
            text.push_str(&cells.join("\t"));
            text.push('\n');
        }
        session.print(text)
    }
}
