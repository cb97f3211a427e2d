//! `rutter help`: the help of any command.

use super::{Arity, COMMANDS, Row, Run};
use crate::cli::help;
use crate::cli::plugin;
use crate::cli::plugin::completion::Node;
use crate::cli::session::Session;
use crate::diagnostic::Notices;
use crate::error::Result;
use clap::Args;

/// The row of the table.
pub const COMMAND: Row = Row::leaf::<Arguments>(
    "help",
    "[command]",
    Arity::Any,
    "Help about any command",
    "Help provides help for any command in the application.\nSimply type rutter help [path to command] for full details.",
);

/// `help` has no flags.
#[derive(Debug, Clone, Default, Args)]
pub struct Arguments {}

impl Run for Arguments {
    fn run(self, arguments: Vec<String>, session: &mut Session) -> Result<()> {
        let mut path: Vec<&'static Row> = Vec::new();
        for word in &arguments {
            let children = path.last().map_or(COMMANDS, |entry| entry.children);
            let Some(entry) = children.iter().find(|entry| entry.is_called(word)) else {
                if path.is_empty() {
                    if let Some(plugin) = plugin::usable(session, &mut Notices::new()).iter().find(|plugin| plugin.command_name() == word) {
                        let top = Node::of(plugin);
                        let (below, _) = top.find(arguments.get(1..).unwrap_or_default());
                        return session.print(help::render_plugin(plugin, &below, session));
                    }
                    session.tell(&format!("Unknown help topic [`{}`]", arguments.join("` `")));
                    session.tell(help::render_usage(&path, session).trim_end());
                    return Ok(());
                }
                break;
            };
            path.push(entry);
        }
        session.print(help::render(&path, session))
    }
}
