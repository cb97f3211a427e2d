//! Help texts in the shape that cobra gives them.
//!
//! Goes in: the path of a command. Comes out: what `--help` prints: description, usage, aliases, subcommands, and flags with
//! the types of their values. Built from the same clap types that parse.

use super::arguments::GlobalArguments;
use super::commands::{self, Entry};
use super::parse;
use crate::quote::quote;
use clap::{Arg, Args as _, Command};

/// The whole help of a command; of `rutter` itself for an empty path.
pub fn render(path: &[&'static Entry]) -> String {
    let long = path.last().map_or(commands::ABOUT, |entry| if entry.long.is_empty() { entry.about } else { entry.long });
    format!("{}\n\n{}", long.trim_end(), render_usage(path))
}

/// The help without the description.
pub fn render_usage(path: &[&'static Entry]) -> String {
    let entry = path.last();
    let mut text = "Usage:\n".to_string();
    let children = entry.map_or(commands::COMMANDS, |entry| entry.children);
    if entry.is_some_and(|entry| entry.children.is_empty()) {
        text.push_str(&format!("  {}\n", use_line(path)));
    } else {
        text.push_str(&format!("  {} [command]\n", command_path(path)));
    }
    if let Some(entry) = entry.filter(|entry| !entry.aliases.is_empty()) {
        text.push_str(&format!("\nAliases:\n  {}, {}\n", entry.name, entry.aliases.join(", ")));
    }
    if !children.is_empty() {
        text.push_str("\nAvailable Commands:\n");
        let mut rows: Vec<&Entry> = children.iter().filter(|child| !child.hidden).collect();
        rows.sort_by_key(|row| row.name);
        let width = rows.iter().map(|row| row.name.len()).max().unwrap_or(0).max(11);
        for row in rows {
            text.push_str(&format!("  {:width$} {}\n", row.name, row.about));
        }
    }
    let own = parse::build(path, false);
    let globals = GlobalArguments::augment_args(Command::new("rutter"));
    if path.is_empty() {
        text.push_str(&format!("\nFlags:\n{}", flags(&[&own, &globals])));
    } else {
        text.push_str(&format!("\nFlags:\n{}", flags(&[&own])));
        text.push_str(&format!("\nGlobal Flags:\n{}", flags(&[&globals])));
    }
    if !children.is_empty() {
        text.push_str(&format!("\nUse \"{} [command] --help\" for more information about a command.\n", command_path(path)));
    }
    text
}

/// `rutter show chart`.
pub fn command_path(path: &[&'static Entry]) -> String {
    let mut text = "rutter".to_string();
    for entry in path {
        text.push(' ');
        text.push_str(entry.name);
    }
    text
}

/// `rutter template [NAME] [CHART] [flags]`.
pub fn use_line(path: &[&'static Entry]) -> String {
    let usage = path.last().map_or("", |entry| entry.usage);
    let space = if usage.is_empty() { "" } else { " " };
    let flags = if usage.contains("[flags]") { "" } else { " [flags]" };
    format!("{}{space}{usage}{flags}", command_path(path))
}

/// The flags of these commands, one a line, sorted by name, their descriptions aligned.
fn flags(commands: &[&Command]) -> String {
    let mut arguments: Vec<&Arg> = commands.iter().flat_map(|command| command.get_arguments()).filter(|arg| !arg.is_hide_set()).collect();
    arguments.sort_by_key(|argument| argument.get_long().unwrap_or_default());
    let rows: Vec<(String, String)> = arguments.iter().map(|argument| (flag_label(argument), flag_description(argument))).collect();
    let width = rows.iter().map(|(label, _)| label.chars().count()).max().unwrap_or(0);
    rows.iter().map(|(label, description)| format!("{label:width$}   {description}\n")).collect()
}

/// `  -f, --values strings`.
fn flag_label(argument: &Arg) -> String {
    let short = argument.get_short().map_or_else(|| "    ".to_string(), |short| format!("-{short}, "));
    let label = format!("  {short}--{}", argument.get_long().unwrap_or_default());
    match flag_type(argument) {
        "" => label,
        kind => format!("{label} {kind}"),
    }
}

/// The type of a flag's value as help names it, empty for switches.
fn flag_type(argument: &Arg) -> &str {
    match argument.get_value_names().and_then(|names| names.first()).map_or("", |name| name.as_str()) {
        "" => "",
        kind if kind.chars().any(char::is_lowercase) => kind,
        // A type that was not named is a plain text: derive gives it the field's name in capitals.
        _ => "string",
    }
}

/// The description with the default, in quotes if it is a text, where there is one worth telling: pflag leaves out what is nothing.
fn flag_description(argument: &Arg) -> String {
    let text = argument.get_help().map(ToString::to_string).unwrap_or_default();
    let default = argument.get_default_values().first().map(|default| default.to_string_lossy());
    match default.as_deref() {
        None | Some("" | "0" | "false") => text,
        Some(default) if flag_type(argument) == "string" => format!("{text} (default {})", quote(default.as_bytes())),
        Some(default) => format!("{text} (default {default})"),
    }
}
