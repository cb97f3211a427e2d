//! Completion candidates after the name of a plugin's command.
//!
//! Goes in: a plugin and the words after its name. Comes out: the [`Node`] of its `completion.yaml` that the
//! words lead to, and the candidates from its program `plugin.complete`. A plugin may have either file, both or
//! none. Follows `loadCompletionForPlugin` and `pluginDynamicComp` of Helm's `pkg/cmd/load_plugins.go`.

use super::manifest::{Plugin, SUBPROCESS, text};
use super::split_own_flags;
use crate::cli::parse;
use crate::cli::session::Session;
use crate::data::{Data, Map};
use crate::fs;
use crate::quote::quote;
use crate::yaml;
use std::io::Read;
use std::process::{Command, Stdio};

/// The file that names commands, flags and arguments.
const STATIC_FILE: &str = "completion.yaml";
/// The program that returns candidates.
const PROGRAM: &str = "plugin.complete";
/// The largest completion file and the longest answer that are read, in bytes.
const LIMIT: u64 = 1 << 20;
/// How deep commands may be nested: deeper than any real plugin, but a bound for hostile files.
const DEPTH_LIMIT: usize = 32;

/// A command of a plugin as `completion.yaml` describes it.
#[derive(Debug, Default)]
pub struct Node {
    pub name: String,
    /// Candidates for its first argument.
    pub arguments: Vec<String>,
    /// Long names with their letters, sorted.
    pub flags: Vec<(String, Option<char>)>,
    /// Subcommands, sorted; `None` if the file lists none.
    pub children: Option<Vec<Node>>,
}

impl Node {
    /// The plugin's own command. A missing or invalid file describes nothing.
    pub fn of(plugin: &Plugin) -> Node {
        let file = plugin.folder.join(STATIC_FILE);
        let data = fs::read_limited(&file, LIMIT).ok().and_then(|bytes| yaml::parse(&bytes).ok());
        let top = data.as_ref().and_then(Data::as_map).map(|map| Node::read(map, 0)).unwrap_or_default();
        Node { name: plugin.command_name().to_string(), ..top }
    }

    fn read(map: &Map, depth: usize) -> Node {
        let list = map.get("commands").and_then(Data::as_list).filter(|_| depth < DEPTH_LIMIT);
        let children = list.map(|list| {
            let maps = list.iter().filter_map(Data::as_map).filter(|map| !text(map, "name").is_empty());
            let mut children: Vec<Node> = maps.map(|map| Node::read(map, depth + 1)).collect();
            children.sort_by(|a, b| a.name.cmp(&b.name));
            children
        });
        // The text after a space is usage.
        let name = text(map, "name").split(' ').next().unwrap_or_default().to_string();
        Node { name, arguments: words(map, "validArgs"), flags: flags(&words(map, "flags")), children }
    }

    /// The path of commands that the words lead to, and the words without the names of these commands.
    pub fn find<'n>(&'n self, words: &[String]) -> (Vec<&'n Node>, Vec<String>) {
        let (mut path, mut rest) = (vec![self], words.to_vec());
        let mut node = self;
        loop {
            let at = parse::first_argument_index(&rest, |name| node.is_switch(name));
            let children = node.children.iter().flatten();
            let Some((at, child)) = at.and_then(|at| Some((at, children.into_iter().find(|child| rest.get(at) == Some(&child.name))?)))
            else {
                return (path, rest);
            };
            rest.remove(at);
            path.push(child);
            node = child;
        }
    }

    fn is_switch(&self, name: &str) -> bool {
        self.flags.iter().any(|(long, letter)| long == name || letter.is_some_and(|letter| name.chars().eq([letter])))
    }
}

/// The items of a list as text, whatever their type.
fn words(map: &Map, key: &str) -> Vec<String> {
    let word = |item: &Data| match item.as_str() {
        Some(text) => text.to_string(),
        None => yaml::to_string(item).unwrap_or_default().trim_end().to_string(),
    };
    map.get(key).and_then(Data::as_list).iter().flat_map(|list| list.iter()).map(word).collect()
}

/// Assigns the one-letter flags to the long ones as shorthands, as Helm does, where every flag has a long name.
fn flags(names: &[String]) -> Vec<(String, Option<char>)> {
    let (letters, longs): (Vec<&String>, Vec<&String>) = names.iter().partition(|name| name.len() == 1);
    let letter = |at: usize| letters.get(at).and_then(|name| name.chars().next());
    let mut flags: Vec<_> = longs.iter().enumerate().map(|(at, name)| (name.to_string(), letter(at))).collect();
    flags.extend(letters.iter().skip(longs.len()).map(|name| (name.to_string(), name.chars().next())));
    flags.sort();
    flags.dedup_by(|a, b| a.0 == b.0);
    flags
}

/// The candidates of the plugin's program for `unfinished`, and the directive. `path` names the commands below
/// the plugin's own, `rest` are the other words.
pub fn ask(plugin: &Plugin, path: &[&Node], rest: &[String], unfinished: &str, session: &Session) -> (Vec<String>, u32) {
    /// What cobra calls `ShellCompDirectiveError`.
    const ERROR: u32 = 1;
    let debug = |line: String| {
        if session.settings.debug {
            session.tell(&format!("[Debug] {line}"));
        }
    };
    if plugin.runtime != SUBPROCESS {
        debug(format!("Unsupported plugin runtime: {}", quote(plugin.runtime.as_bytes())));
        return (Vec::new(), 0);
    }
    let Ok((_, rest)) = split_own_flags(rest) else { return (Vec::new(), ERROR) };
    let mut arguments: Vec<String> = path.iter().map(|node| node.name.clone()).collect();
    if !plugin.ignore_flags {
        arguments.extend(rest);
        arguments.push(unfinished.to_string());
    }
    let program = plugin.folder.join(PROGRAM);
    debug(format!("calling {} with args [{}]", program.display(), arguments.join(" ")));
    let mut command = Command::new(&program);
    command.args(&arguments).envs(session.variables());
    command.env("HELM_PLUGIN_NAME", &plugin.name).env("HELM_PLUGIN_DIR", &plugin.folder);
    let output = match output_of(command) {
        Ok(Some(output)) => output,
        Ok(None) => {
            debug(format!("Unable to call {}: plugin {} exited with error", program.display(), quote(plugin.name.as_bytes())));
            return (Vec::new(), 0);
        }
        Err(error) => {
            debug(format!("Unable to call {}: fork/exec {}: {}", program.display(), program.display(), fs::reason(&error)));
            return (Vec::new(), 0);
        }
    };
    let mut lines: Vec<String> = output.split('\n').filter(|line| !line.is_empty()).map(str::to_string).collect();
    let directive = lines.last().and_then(|line| line.strip_prefix(':')).and_then(|number| number.parse().ok());
    if directive.is_some() {
        lines.pop();
    }
    (lines, directive.unwrap_or(0))
}

/// The program's output on both streams; `None` if it fails.
fn output_of(mut command: Command) -> std::io::Result<Option<String>> {
    let (reader, writer) = std::io::pipe()?;
    let mut child = command.stdin(Stdio::null()).stdout(writer.try_clone()?).stderr(writer).spawn()?;
    // It holds the writing end of the pipe: without the drop, reading would never end.
    drop(command);
    let mut output = Vec::new();
    reader.take(LIMIT).read_to_end(&mut output)?;
    let succeeded = child.wait()?.success();
    Ok(succeeded.then(|| String::from_utf8_lossy(&output).into_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_are_given_to_long_flags() {
        let of = |names: &str| {
            let names: Vec<String> = names.split(' ').map(str::to_string).collect();
            let forms = flags(&names).into_iter();
            forms.map(|(long, letter)| letter.map_or(long.clone(), |letter| format!("{long}/{letter}"))).collect::<Vec<_>>().join(" ")
        };
        for (names, want) in [
            ("a all log", "all/a log"),
            ("b ball", "ball/b"),
            ("z q", "q/q z/z"),
            ("q r x-long", "r/r x-long/q"),
            ("one two", "one two"),
            ("twice twice", "twice"),
        ] {
            assert_eq!(of(names), want, "{names}");
        }
    }

    #[test]
    fn words_lead_to_commands_past_flags() {
        let text = b"commands: [{name: deep, flags: [g, global], commands: [{name: more, validArgs: [x]}]}, {name: ''}]\nflags: [f]";
        let data = yaml::parse(text).expect("YAML");
        let top = Node::read(data.as_map().expect("a map"), 0);
        for (words, path, rest) in [
            ("deep more x", "deep more", "x"),
            ("-f deep --global more", "deep more", "-f --global"),
            ("--other deep more", "", "--other deep more"),
            ("-n ns deep -- more", "deep", "-n ns -- more"),
            ("more", "", "more"),
        ] {
            let words: Vec<String> = words.split(' ').map(str::to_string).collect();
            let (nodes, left) = top.find(&words);
            let names: Vec<&str> = nodes.iter().skip(1).map(|node| node.name.as_str()).collect();
            assert_eq!((names.join(" "), left.join(" ")), (path.to_string(), rest.to_string()), "{words:?}");
        }
    }
}
