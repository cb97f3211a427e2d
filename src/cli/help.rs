//! Help texts in cobra's format.
//!
//! Goes in: the path of a command. Comes out: what `--help` prints: description, usage, aliases, subcommands, and flags
//! with the types of their values. Built from the same clap types that parse; plugins describe their own commands.

use super::arguments::GlobalArguments;
use super::commands::{self, Row};
use super::parse;
use super::plugin::completion::Node;
use super::plugin::{self, Plugin};
use super::session::Session;
use super::source;
use super::terminal;
use crate::diagnostic::Notices;
use crate::quote::quote;
use clap::{Arg, Args as _, Command};

/// The complete help of a command, or of the program itself if the path is empty.
pub fn render(path: &[&'static Row], session: &Session) -> String {
    let long = path.last().map_or(commands::ABOUT, |entry| if entry.long.is_empty() { entry.about } else { entry.long });
    let width = terminal::width(std::io::stdout()).unwrap_or(terminal::USUAL_WIDTH);
    format!("{}\n\n{}", wrap(long.trim_end(), width), render_usage(path, session))
}

/// The help without the description.
pub fn render_usage(path: &[&'static Row], session: &Session) -> String {
    let entry = path.last();
    let mut text = "Usage:\n".to_string();
    let children = entry.map_or(commands::COMMANDS, |entry| entry.children);
    let command_path = command_path(path, session.name());
    if entry.is_some_and(|entry| entry.children.is_empty()) {
        text.push_str(&format!("  {}\n", use_line(path, session.name())));
    } else {
        text.push_str(&format!("  {command_path} [command]\n"));
    }
    if let Some(entry) = entry.filter(|entry| !entry.aliases.is_empty()) {
        text.push_str(&format!("\nAliases:\n  {}, {}\n", entry.name, entry.aliases.join(", ")));
    }
    let mut rows: Vec<(String, String)> =
        children.iter().filter(|child| !child.hidden).map(|child| (child.name.to_string(), child.about.to_string())).collect();
    if path.is_empty() {
        let plugins = plugin::usable(session, &mut Notices::new());
        rows.extend(plugins.iter().map(|plugin| (plugin.command_name().to_string(), plugin.summary())));
    }
    text.push_str(&command_rows(rows));
    let own = parse::build(path, false);
    let globals = GlobalArguments::augment_args(Command::new("rutter"));
    if path.is_empty() {
        text.push_str(&format!("\nFlags:\n{}", flags(&[&own, &globals], session)));
    } else {
        text.push_str(&format!("\nFlags:\n{}", flags(&[&own], session)));
        text.push_str(&format!("\nGlobal Flags:\n{}", flags(&[&globals], session)));
    }
    if !children.is_empty() {
        text.push_str(&more(&command_path));
    }
    text
}

/// The help of a plugin's command, or of a subcommand named in its completion file. `path` starts with the plugin's own command.
pub fn render_plugin(plugin: &Plugin, path: &[&Node], session: &Session) -> String {
    let Some(node) = path.last() else { return String::new() };
    let description = match path {
        [_] if plugin.long.is_empty() => plugin.summary(),
        [_] => plugin.long.clone(),
        _ => String::new(),
    };
    let mut text = match description.trim_end() {
        "" => String::new(),
        description => format!("{description}\n\n"),
    };
    let names: Vec<&str> = path.iter().map(|node| node.name.as_str()).collect();
    let command_path = format!("{} {}", session.name(), names.join(" "));
    let use_line = match path {
        [_] => format!("{} {}", session.name(), plugin.usage_line()),
        _ => command_path.clone(),
    };
    let brackets = if use_line.contains("[flags]") { "" } else { " [flags]" };
    text.push_str(&format!("Usage:\n  {use_line}{brackets}\n"));
    let children = node.children.as_deref().unwrap_or_default();
    if !children.is_empty() {
        text.push_str(&format!("  {command_path} [command]\n"));
        text.push_str(&command_rows(children.iter().map(|child| (child.name.clone(), String::new())).collect()));
    }
    let mut own: Vec<(String, Option<char>, String)> =
        node.flags.iter().map(|(name, letter)| (name.clone(), *letter, String::new())).collect();
    if !own.iter().any(|(name, ..)| name == "help") {
        let letter = Some('h').filter(|letter| !own.iter().any(|(_, taken, _)| taken == &Some(*letter)));
        own.push(("help".to_string(), letter, format!("help for {}", node.name)));
    }
    own.sort();
    let rows = own.into_iter().map(|(name, letter, about)| (label(letter, &name), about)).collect();
    text.push_str(&format!("\nFlags:\n{}\n", flag_rows(rows).trim_end()));
    let globals = GlobalArguments::augment_args(Command::new("rutter"));
    text.push_str(&format!("\nGlobal Flags:\n{}", flags(&[&globals], session)));
    if !children.is_empty() {
        text.push_str(&more(&command_path));
    }
    text
}

/// Command names with descriptions, sorted; empty if there are none.
fn command_rows(mut rows: Vec<(String, String)>) -> String {
    if rows.is_empty() {
        return String::new();
    }
    rows.sort();
    let width = rows.iter().map(|(name, _)| name.len()).max().unwrap_or(0).max(11);
    let lines: String = rows.iter().map(|(name, about)| format!("  {name:width$} {about}\n")).collect();
    format!("\nAvailable Commands:\n{lines}")
}

fn more(command_path: &str) -> String {
    format!("\nUse \"{command_path} [command] --help\" for more information about a command.\n")
}

/// The words that call a command, such as `rutter show chart`; the first one is `program`.
pub fn command_path(path: &[&'static Row], program: &str) -> String {
    let mut text = program.to_string();
    for entry in path {
        text.push(' ');
        text.push_str(entry.name);
    }
    text
}

/// The usage line, such as `rutter template [NAME] [CHART] [flags]`.
pub fn use_line(path: &[&'static Row], program: &str) -> String {
    let usage = path.last().map_or("", |entry| entry.usage);
    let space = if usage.is_empty() { "" } else { " " };
    let flags = if usage.contains("[flags]") { "" } else { " [flags]" };
    format!("{}{space}{usage}{flags}", command_path(path, program))
}

/// Rewraps each paragraph that has a line longer than `width`. Indented lines, lists and tables stay unchanged.
fn wrap(text: &str, width: usize) -> String {
    let is_prose = |line: &str| !line.is_empty() && !line.starts_with([' ', '\t', '|', '-', '$']);
    let lines: Vec<&str> = text.split('\n').collect();
    let mut wrapped: Vec<String> = Vec::new();
    for block in lines.chunk_by(|a, b| is_prose(a) && is_prose(b)) {
        if !block.iter().all(|line| is_prose(line)) || block.iter().all(|line| line.chars().count() <= width) {
            wrapped.extend(block.iter().map(ToString::to_string));
            continue;
        }
        let mut line = String::new();
        for word in block.iter().flat_map(|line| line.split_whitespace()) {
            if !line.is_empty() && line.chars().count() + 1 + word.chars().count() > width {
                wrapped.push(std::mem::take(&mut line));
            }
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
        wrapped.push(line);
    }
    wrapped.join("\n")
}

/// The flags of these commands, one per line, sorted by name, with aligned descriptions.
fn flags(commands: &[&Command], session: &Session) -> String {
    let arguments = commands.iter().flat_map(|command| command.get_arguments()).filter(|argument| !argument.is_hide_set());
    // As in Helm, an alias gets a line of its own.
    let names = |argument: &Arg| {
        [argument.get_long().unwrap_or_default()]
            .into_iter()
            .chain(argument.get_visible_aliases().unwrap_or_default())
            .map(str::to_string)
            .collect::<Vec<_>>()
    };
    let mut named: Vec<(String, &Arg)> =
        arguments.flat_map(|argument| names(argument).into_iter().map(move |name| (name, argument))).collect();
    named.sort_by(|(a, _), (b, _)| a.cmp(b));
    flag_rows(named.iter().map(|(name, argument)| (flag_label(argument, name), flag_description(argument, session))).collect())
}

fn flag_rows(rows: Vec<(String, String)>) -> String {
    let width = rows.iter().map(|(label, _)| label.chars().count()).max().unwrap_or(0);
    rows.iter().map(|(label, description)| format!("{label:width$}   {description}\n")).collect()
}

/// The flag with its type, such as `  -f, --values strings`.
fn flag_label(argument: &Arg, name: &str) -> String {
    let letter = argument.get_short().filter(|_| argument.get_long().is_none_or(|long| long == name));
    let label = label(letter, name);
    match flag_type(argument) {
        "" => label,
        kind => format!("{label} {kind}"),
    }
}

fn label(letter: Option<char>, name: &str) -> String {
    let short = letter.map_or_else(|| "    ".to_string(), |letter| format!("-{letter}, "));
    format!("  {short}--{name}")
}

/// The type of a flag's value as shown in help; empty for switches.
fn flag_type(argument: &Arg) -> &str {
    match argument.get_value_names().and_then(|names| names.first()).map_or("", |name| name.as_str()) {
        "" => "",
        kind if kind.chars().any(char::is_lowercase) => kind,
        // Unnamed types are strings: clap's derive uses the field's name in capitals.
        _ => "string",
    }
}

/// The description and the default, quoted if it is a string; like pflag, without defaults that are empty, zero or false.
fn flag_description(argument: &Arg, session: &Session) -> String {
    let text = argument.get_help().map(ToString::to_string).unwrap_or_default();
    let default = argument.get_default_values().first().map(|default| default.to_string_lossy().into_owned());
    if text.contains("(default ") {
        return text;
    }
    match default.or_else(|| default_of(argument.get_long().unwrap_or_default(), session)).as_deref() {
        None | Some("" | "0" | "false") => text,
        Some(default) if flag_type(argument) == "string" => format!("{text} (default {})", quote(default.as_bytes())),
        Some(default) => format!("{text} (default {default})"),
    }
}

/// The default of flags that do not carry it in their type: most depend on the environment.
fn default_of(flag: &str, session: &Session) -> Option<String> {
    let settings = &session.settings;
    Some(match flag {
        "color" => settings.color.name().to_string(),
        "content-cache" => settings.content_cache.clone(),
        "keyring" => source::keyring(None, session).to_string_lossy().into_owned(),
        "registry-config" => settings.registry_config.clone(),
        "repository-cache" => settings.repository_cache.clone(),
        "repository-config" => settings.repository_config.clone(),
        "timeout" => "2m0s".to_string(),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paragraphs_are_wrapped_between_words_and_all_else_stays() {
        let text = "one two three four\nfive\n\n    indented line stays\n- a list that stays\n| a table | stays |\nshort\nlines";
        let want = "one two\nthree four\nfive\n\n    indented line stays\n- a list that stays\n| a table | stays |\nshort\nlines";
        assert_eq!(wrap(text, 10), want);
        assert_eq!(wrap(text, 80), text);
        assert_eq!(wrap("a-word-that-is-long and on", 6), "a-word-that-is-long\nand on");
    }
}
