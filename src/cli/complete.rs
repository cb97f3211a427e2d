//! `__complete`: the candidates that a shell offers for the word being typed.
//!
//! Goes in: the words of a command line, the last one unfinished. Comes out: candidates, a line each (`NAME<TAB>description`),
//! then `:DIRECTIVE`, a number that tells the shell what else to do. The protocol is that of cobra's `completions.go`, so that
//! scripts made for Helm work with rutter; commands and flags come from the table in [`super::commands`], and candidates for
//! arguments follow the `ValidArgsFunction` of each file in Helm's `pkg/cmd`. Nothing here uses the network or a cluster.

use super::arguments::boolean;
use super::commands::{self, Row};
use super::kubeconfig;
use super::parse::{self, Path};
use super::plugin::completion::{self, Node};
use super::plugin::{self, Plugin};
use super::session::Session;
use crate::diagnostic::Notices;
use crate::error::Result;
use crate::quote::quote_character;
use clap::{Arg, ArgAction, Command};

/// The command that prints candidates with descriptions.
pub const NAME: &str = "__complete";
/// The same without descriptions.
pub const PLAIN_NAME: &str = "__completeNoDesc";

/// The prefix of a candidate that cobra's scripts show as a hint instead of offering it.
const HINT: &str = "_activeHelp_ ";

/// The directive is the sum of these flags.
const NO_SPACE: u32 = 2;
const NO_FILES: u32 = 4;
/// The names of all directives; plugins may return any of them.
const DIRECTIVES: [(u32, &str); 6] = [
    (1, "ShellCompDirectiveError"),
    (NO_SPACE, "ShellCompDirectiveNoSpace"),
    (NO_FILES, "ShellCompDirectiveNoFileComp"),
    (8, "ShellCompDirectiveFilterFileExt"),
    (16, "ShellCompDirectiveFilterDirs"),
    (32, "ShellCompDirectiveKeepOrder"),
];

/// The candidates and the directive.
#[derive(Debug, Default, PartialEq)]
struct Offer {
    candidates: Vec<String>,
    directive: u32,
    /// Why there are no candidates.
    fault: Option<String>,
}

impl Offer {
    fn of(candidates: Vec<String>, directive: u32) -> Offer {
        Offer { candidates, directive, fault: None }
    }

    /// No candidates, and no file names either.
    fn nothing() -> Offer {
        Offer::of(Vec::new(), NO_FILES)
    }

    /// File names, which the shell completes itself.
    fn files() -> Offer {
        Offer::default()
    }

    fn no_more_arguments() -> Offer {
        Offer::of(vec![format!("{HINT}This command does not take any more arguments (but may accept flags).")], NO_FILES)
    }

    fn fault(text: String) -> Offer {
        Offer { fault: Some(text), ..Offer::default() }
    }
}

/// Answers a shell. `words` are those after the name of the command; the last one is to be completed. `flags` stand in front of the
/// command, and count as if they stood behind it.
pub fn run(flags: &[String], words: &[String], with_descriptions: bool, session: &mut Session) -> Result<()> {
    let Some((unfinished, words)) = words.split_last() else {
        return Err(crate::error::Error::new(crate::error::ErrorKind::Usage, "requires at least 1 arg(s), only received 0"));
    };
    let offer = offer(&[flags, words].concat(), unfinished, session);
    if let Some(fault) = &offer.fault {
        session.tell(&format!("[Debug] [Error] {fault}"));
    }
    let with_descriptions = with_descriptions && wants_descriptions(session);
    let with_hints = !["COBRA_ACTIVE_HELP", "HELM_ACTIVE_HELP"].iter().any(|name| session.environment.get(name).as_deref() == Some("0"));
    let mut text = String::new();
    for candidate in offer.candidates.iter().filter(|candidate| with_hints || !candidate.starts_with(HINT)) {
        let candidate = candidate.lines().next().unwrap_or_default();
        let shown = if with_descriptions { candidate } else { candidate.split('\t').next().unwrap_or_default() };
        text.push_str(shown.trim());
        text.push('\n');
    }
    text.push_str(&format!(":{}\n", offer.directive));
    session.print(text)?;
    session.tell(&format!("Completion ended with directive: {}", directive_name(offer.directive)));
    Ok(())
}

/// Whether the variables ask for no descriptions, as cobra reads them.
fn wants_descriptions(session: &Session) -> bool {
    let names = ["HELM_COMPLETION_DESCRIPTIONS", "COBRA_COMPLETION_DESCRIPTIONS"];
    let value = names.iter().find_map(|name| session.environment.get_filled(name));
    value.and_then(|value| boolean(&value).ok()).unwrap_or(true)
}

fn directive_name(directive: u32) -> String {
    if directive >= 64 {
        return format!("ERROR: unexpected ShellCompDirective value: {directive}");
    }
    let set: Vec<&str> = DIRECTIVES.iter().filter(|(bit, _)| directive & bit != 0).map(|(_, name)| *name).collect();
    if set.is_empty() { "ShellCompDirectiveDefault".to_string() } else { set.join(", ") }
}

/// A flag under one of its long names.
struct Flag {
    name: String,
    letter: Option<char>,
    inner: Arg,
}

impl Flag {
    /// Whether it can be given without a value.
    fn is_switch(&self) -> bool {
        matches!(self.inner.get_action(), ArgAction::SetTrue) || self.inner.get_num_args().is_some_and(|count| count.min_values() == 0)
    }

    /// Its help without the default, which only the help pages show.
    fn about(&self) -> String {
        let about = self.inner.get_help().map(ToString::to_string).unwrap_or_default();
        about.split_once(" (default ").map_or(about.as_str(), |(about, _)| about).to_string()
    }
}

/// The flags of a command, as pflag sorts them.
struct Flags {
    /// Those of every command; empty for `rutter` itself, where they are `own`.
    inherited: Vec<Flag>,
    own: Vec<Flag>,
}

impl Flags {
    fn of(path: &Path) -> Flags {
        let sorted = |command: Command| {
            let mut flags = Vec::new();
            for inner in command.get_arguments() {
                let letter = inner.get_short();
                flags.extend(inner.get_long().map(|name| Flag { name: name.to_string(), letter, inner: inner.clone() }));
                // In Helm every alias is a flag of its own.
                let others = inner.get_all_aliases().unwrap_or_default().into_iter();
                flags.extend(others.map(|name| Flag { name: name.to_string(), letter: None, inner: inner.clone() }));
            }
            flags.sort_by(|a, b| a.name.cmp(&b.name));
            flags
        };
        if path.is_empty() {
            return Flags { inherited: Vec::new(), own: sorted(parse::build(path, true)) };
        }
        let own = sorted(parse::build(path, false));
        let mut inherited = sorted(parse::build(path, true));
        inherited.retain(|flag| own.iter().all(|known| known.name != flag.name));
        Flags { inherited, own }
    }

    fn all(&self) -> impl Iterator<Item = &Flag> {
        self.inherited.iter().chain(&self.own)
    }

    fn long(&self, name: &str) -> Option<&Flag> {
        self.all().find(|flag| flag.name == name)
    }

    fn short(&self, letter: char) -> Option<&Flag> {
        self.all().find(|flag| flag.letter == Some(letter))
    }

    /// Finds a flag by its long name or its letter.
    fn find(&self, name: &str) -> Option<&Flag> {
        let mut letters = name.chars();
        match (letters.next(), letters.next()) {
            (Some(letter), None) => self.short(letter),
            _ => self.long(name),
        }
    }
}

/// The parsed words of a command.
#[derive(Default)]
struct Given {
    arguments: Vec<String>,
    /// Long names of the given flags.
    flags: Vec<String>,
    /// Whether the words contain `--`.
    is_ended: bool,
}

impl Given {
    fn has(&self, flag: &str) -> bool {
        self.flags.iter().any(|name| name == flag)
    }
}

/// Splits words into arguments and flags as pflag does. The error is pflag's, about the first word at fault.
fn part(path: &Path, words: &[String], flags: &Flags) -> std::result::Result<Given, String> {
    let mut given = Given::default();
    let parted = part_into(&mut given, words, flags);
    let known = parted.as_ref().map_or_else(|(at, _)| &words[..*at], |()| words);
    parse::check_values(path, known)?;
    parted.map_or_else(|(_, fault)| Err(fault), |()| Ok(given))
}

/// The same without a look at the values of flags; the error has the index of the word at fault.
fn part_into(given: &mut Given, all: &[String], flags: &Flags) -> std::result::Result<(), (usize, String)> {
    let mut words = all.iter();
    while let Some(word) = words.next() {
        let at = all.len() - words.len() - 1;
        let fault = |text: String| (at, text);
        if word == "--" {
            given.is_ended = true;
            given.arguments.extend(words.cloned());
            return Ok(());
        }
        if let Some(name) = word.strip_prefix("--") {
            let (name, value) = name.split_once('=').map_or((name, None), |(name, value)| (name, Some(value)));
            let flag = flags.long(name).ok_or_else(|| fault(format!("unknown flag: --{name}")))?;
            given.flags.push(name.to_string());
            if value.is_none() && !flag.is_switch() && words.next().is_none() {
                return Err(fault(format!("flag needs an argument: --{name}")));
            }
        } else if let Some(letters) = word.strip_prefix('-').filter(|letters| !letters.is_empty()) {
            let mut rest = letters.chars();
            while let Some(letter) = rest.next() {
                let flag = flags
                    .short(letter)
                    .ok_or_else(|| fault(format!("unknown shorthand flag: {} in -{letters}", quote_character(letter))))?;
                given.flags.push(flag.name.clone());
                if rest.as_str().starts_with('=') {
                    break;
                }
                if !flag.is_switch() {
                    if rest.as_str().is_empty() && words.next().is_none() {
                        return Err(fault(format!("flag needs an argument: {} in -{letters}", quote_character(letter))));
                    }
                    break;
                }
            }
        } else {
            given.arguments.push(word.clone());
        }
    }
    Ok(())
}

fn offer(words: &[String], unfinished: &str, session: &mut Session) -> Offer {
    let (path, rest) = parse::find(words);
    if path.is_empty()
        && let Some(at) = parse::first_argument_index(&rest, |_| false)
    {
        let mut behind = rest.clone();
        let name = behind.remove(at);
        return match plugin::commands(session).iter().find(|plugin| plugin.command_name() == name) {
            Some(plugin) => offer_of_plugin(plugin, &behind, unfinished, session),
            None => Offer::fault(format!("unable to find a command for arguments: [{}]", words.join(" "))),
        };
    }
    let flags = Flags::of(&path);
    let (wanted, rest, unfinished, unknown) = match flag_of_value(&flags, &rest, unfinished) {
        Ok((wanted, rest, unfinished)) => (wanted, rest, unfinished, None),
        Err(name) => (None, rest.as_slice(), unfinished, Some(name)),
    };
    let given = match part(&path, rest, &flags) {
        Ok(given) => given,
        Err(fault) => return Offer::fault(format!("Error while parsing flags from args [{}]: {fault}", rest.join(" "))),
    };
    // After `--` it is not a flag.
    if let Some(name) = unknown.filter(|_| !given.is_ended) {
        let command = path.last().map_or("rutter", |entry| entry.name);
        return Offer::fault(format!("Subcommand '{command}' does not support flag '{name}'"));
    }
    if given.has("help") {
        return Offer::nothing();
    }
    let wanted = wanted.filter(|_| !given.is_ended);
    if let Some(flag) = wanted {
        return flag_value(flag, &path, &given, session);
    }
    if unfinished.starts_with('-') && !unfinished.contains('=') && !given.is_ended {
        let deprecated = path.last().map_or(&[][..], |entry| entry.deprecated);
        let mut candidates = Vec::new();
        for flag in flags.all() {
            let is_shown = !flag.inner.is_hide_set() && deprecated.iter().all(|(deprecated, _)| *deprecated != flag.name);
            if is_shown && (!given.has(&flag.name) || matches!(flag.inner.get_action(), ArgAction::Append)) {
                let forms = [Some(format!("--{}", flag.name)), flag.letter.map(|letter| format!("-{letter}"))];
                let fitting = forms.into_iter().flatten().filter(|form| form.starts_with(unfinished));
                candidates.extend(fitting.map(|form| format!("{form}\t{}", flag.about())));
            }
        }
        return Offer::of(candidates, NO_FILES);
    }
    let own = given.flags.iter().any(|name| flags.own.iter().any(|flag| flag.name == *name)) && !path.is_empty();
    let mut candidates = Vec::new();
    let mut directive = 0;
    let children = path.last().map_or(commands::COMMANDS, |entry| entry.children);
    if given.arguments.is_empty() && !own && !children.is_empty() {
        candidates = subcommands(path.is_empty(), children, unfinished, session);
        directive = NO_FILES;
    }
    let names: Vec<&str> = path.iter().map(|entry| entry.name).collect();
    match arguments(&names, &given, unfinished, session) {
        Some(offer) => {
            candidates.extend(offer.candidates);
            Offer::of(candidates, offer.directive)
        }
        None => Offer::of(candidates, directive),
    }
}

/// The candidates after the name of a plugin's command: those that its files name, and the global flags.
fn offer_of_plugin(plugin: &Plugin, words: &[String], unfinished: &str, session: &Session) -> Offer {
    let top = Node::of(plugin);
    let (path, rest) = top.find(words);
    let Some(node) = path.last() else { return Offer::files() };
    let (mut candidates, mut directive) = (Vec::new(), 0);
    if unfinished.starts_with('-') && !unfinished.contains('=') {
        let mut offer = |name: &str, letter: Option<char>, about: &str| {
            let forms = [Some(format!("--{name}")), letter.map(|letter| format!("-{letter}"))];
            let fitting = forms.into_iter().flatten().filter(|form| form.starts_with(unfinished));
            candidates.extend(fitting.map(|form| format!("{form}\t{about}")));
        };
        let is_given = |flag: &Flag| {
            words.iter().any(|word| match word.strip_prefix("--") {
                Some(name) => name.split('=').next() == Some(&flag.name),
                None => {
                    word.strip_prefix('-').is_some_and(|letters| letters.chars().next().is_some_and(|first| flag.letter == Some(first)))
                }
            })
        };
        let is_own = |flag: &Flag| flag.name == "help" || node.flags.iter().any(|(name, _)| *name == flag.name);
        for flag in Flags::of(&Path::new()).all().filter(|flag| !flag.inner.is_hide_set() && !is_own(flag)) {
            if !is_given(flag) || matches!(flag.inner.get_action(), ArgAction::Append) {
                offer(&flag.name, flag.letter, &flag.about());
            }
        }
        node.flags.iter().for_each(|(name, letter)| offer(name, *letter, ""));
        directive = NO_FILES;
    } else {
        let children = node.children.as_deref().unwrap_or_default();
        if rest.is_empty() && !children.is_empty() {
            candidates.extend(children.iter().map(|child| child.name.clone()).filter(|name| name.starts_with(unfinished)));
            directive = NO_FILES;
        }
        if !node.arguments.is_empty() {
            if rest.is_empty() {
                candidates.extend(node.arguments.iter().filter(|argument| argument.starts_with(unfinished)).cloned());
                directive = NO_FILES;
            }
            return Offer::of(candidates, directive);
        }
    }
    // If this command has subcommands, the plugin's program is asked only about those.
    if node.children.is_none() {
        let below = path.get(1..).unwrap_or_default();
        let (found, wanted) = completion::ask(plugin, below, &rest, unfinished, session);
        candidates.extend(found);
        directive = wanted;
    }
    Offer::of(candidates, directive)
}

/// The flag whose value is being typed, the words before it, and the value so far. The error is the name of an unknown flag.
fn flag_of_value<'a>(
    flags: &'a Flags,
    words: &'a [String],
    unfinished: &'a str,
) -> std::result::Result<(Option<&'a Flag>, &'a [String], &'a str), String> {
    if unfinished.starts_with('-') {
        let Some((name, value)) = unfinished.split_once('=') else { return Ok((None, words, unfinished)) };
        let name = name.strip_prefix("--").unwrap_or_else(|| name.char_indices().last().map_or("", |(at, _)| &name[at..]));
        return match flags.find(name) {
            Some(flag) => Ok((Some(flag), words, value)),
            None => Err(name.to_string()),
        };
    }
    let Some((last, before)) = words.split_last() else { return Ok((None, words, unfinished)) };
    let is_flag = matches!(last.as_bytes(), [b'-', b'-', _, ..] | [b'-', 1..=44 | 46..]);
    if !is_flag && !matches!(last.as_bytes(), [b'-', first, _, ..] if *first != b'-') || last.contains('=') {
        return Ok((None, words, unfinished));
    }
    let name = last.strip_prefix("--").unwrap_or_else(|| last.char_indices().last().map_or("", |(at, _)| &last[at..]));
    match flags.find(name) {
        Some(flag) if flag.is_switch() => Ok((None, words, unfinished)),
        Some(flag) => Ok((Some(flag), before, unfinished)),
        None => Err(name.to_string()),
    }
}

/// The commands of a group, and for the top group those of plugins.
fn subcommands(is_top: bool, children: &'static [Row], unfinished: &str, session: &Session) -> Vec<String> {
    let mut found: Vec<(String, String)> = children
        .iter()
        .filter(|entry| !entry.hidden)
        .map(|entry| (entry.name.to_string(), entry.about.to_string()))
        .filter(|(name, _)| name.starts_with(unfinished))
        .collect();
    if is_top {
        let plugins = plugin::usable(session, &mut Notices::new()).into_iter();
        let commands = plugins.map(|plugin| (plugin.command_name().to_string(), plugin.summary()));
        found.extend(commands.filter(|(name, _)| name.starts_with(unfinished)));
    }
    found.sort();
    found.into_iter().map(|(name, about)| format!("{name}\t{about}")).collect()
}

/// The candidates for the value of a flag.
fn flag_value(flag: &Flag, path: &Path, given: &Given, session: &Session) -> Offer {
    match flag.name.as_str() {
        "output" => Offer::of(formats(&flag.inner), NO_FILES),
        "color" | "colour" => Offer::of(["never", "auto", "always"].map(str::to_string).to_vec(), NO_FILES),
        "kube-context" => Offer::of(kubeconfig::contexts(&session.settings, &session.environment), NO_FILES),
        "version" => {
            let names: Vec<&str> = path.iter().map(|entry| entry.name).collect();
            let at = match names.as_slice() {
                ["template"] => 1 - usize::from(given.has("generate-name")),
                ["pull"] | ["show", _] | ["values"] => 0,
                _ => return Offer::files(),
            };
            let chart = given.arguments.get(at).filter(|_| given.arguments.len() == at + 1);
            Offer::of(chart.map(|chart| versions(chart, session)).unwrap_or_default(), NO_FILES)
        }
        _ => Offer::files(),
    }
}

/// The output formats of a command, with descriptions.
fn formats(flag: &Arg) -> Vec<String> {
    let mut names: Vec<String> = flag.get_possible_values().iter().map(|value| value.get_name().to_string()).collect();
    if names.is_empty() {
        names = ["json", "table", "yaml"].map(str::to_string).to_vec();
    }
    names.sort();
    let describe = |name: String| match name.as_str() {
        "json" => format!("{name}\tOutput result in JSON format"),
        "table" => format!("{name}\tOutput result in human-readable format"),
        "yaml" => format!("{name}\tOutput result in YAML format"),
        _ => name,
    };
    names.into_iter().map(describe).collect()
}

/// The candidates for the next argument of a command; `None` if Helm defines none for it.
fn arguments(path: &[&str], given: &Given, unfinished: &str, session: &Session) -> Option<Offer> {
    let count = given.arguments.len();
    Some(match path {
        ["completion", _] | ["version"] | ["repo", "list"] | ["plugin", "list"] => Offer::no_more_arguments(),
        ["plugin", "install"] if count > 0 => Offer::no_more_arguments(),
        ["plugin", "uninstall" | "update"] => {
            let plugins = plugin::all(&session.settings, &mut Notices::new()).unwrap_or_default();
            let left = plugins.iter().filter(|plugin| plugin.kind == plugin::COMMAND_TYPE && !given.arguments.contains(&plugin.name));
            Offer::of(left.map(|plugin| format!("{}\t{}", plugin.name, plugin.about)).collect(), NO_FILES)
        }
        ["create"] | ["verify"] | ["repo", "index"] if count == 0 => Offer::files(),
        ["create"] | ["verify"] | ["repo", "index"] => Offer::no_more_arguments(),
        ["env"] if count == 0 => Offer::of(session.variables().keys().map(ToString::to_string).collect(), NO_FILES),
        ["env"] => Offer::no_more_arguments(),
        ["repo", "add"] if count > 1 => Offer::no_more_arguments(),
        ["repo", "add"] | ["registry", "login" | "logout"] => Offer::nothing(),
        ["repo", "remove" | "update"] => {
            let left = repositories(session).into_iter().filter(|(name, _)| !given.arguments.contains(name));
            Offer::of(left.map(|(name, url)| format!("{name}\t{url}")).collect(), NO_FILES)
        }
        ["push"] => match count {
            0 => Offer::files(),
            1 => {
                let names = repositories(session).into_iter().map(|(name, url)| format!("{name}\t{url}"));
                let schemes = ["oci://", "https://", "http://"].map(str::to_string);
                Offer::of(schemes.into_iter().take(1).chain(names).collect(), NO_FILES | NO_SPACE)
            }
            _ => Offer::no_more_arguments(),
        },
        ["pull"] if count == 0 => charts(unfinished, false, session),
        ["pull"] => Offer::nothing(),
        ["show", _] | ["values"] if count == 0 => charts(unfinished, true, session),
        ["show", _] | ["values"] => Offer::no_more_arguments(),
        ["template"] if count == 1 - usize::from(given.has("generate-name")) => charts(unfinished, true, session),
        ["template"] => Offer::nothing(),
        ["help"] => {
            let (path, rest) = parse::find(&given.arguments);
            let children = path.last().map_or(commands::COMMANDS, |entry| entry.children);
            let is_known = parse::first_argument(&rest).is_none();
            let found = is_known.then(|| subcommands(path.is_empty(), children, unfinished, session));
            Offer::of(found.unwrap_or_default(), NO_FILES)
        }
        _ => return None,
    })
}

/// Names of charts in added repositories, URL prefixes, and files (Helm's `compListCharts`).
fn charts(unfinished: &str, with_files: bool, session: &Session) -> Offer {
    let mut candidates = Vec::new();
    let mut directive = if with_files { 0 } else { NO_FILES };
    for (name, url) in repositories(session) {
        if unfinished.strip_prefix(&*name).is_some_and(|rest| rest.starts_with('/')) {
            // Unfiltered: shells may match other than by prefix.
            candidates.extend(charts_of(&name, session));
            directive &= !NO_SPACE;
            break;
        }
        if name.starts_with(unfinished) {
            candidates.push(format!("{name}/\t{url}"));
            directive |= NO_SPACE;
        }
    }
    let prefixes =
        ["oci://\tChart OCI prefix", "https://\tChart URL prefix", "http://\tChart URL prefix", "file://\tChart local URL prefix"];
    for prefix in prefixes {
        // Helm tests the prefix together with its description, so a fully typed prefix still matches.
        if prefix.starts_with(unfinished) {
            candidates.push(prefix.to_string());
            directive |= NO_SPACE;
        }
    }
    if with_files && !candidates.is_empty() && !unfinished.is_empty() {
        let entries = crate::fs::entries(std::path::Path::new(".")).unwrap_or_default();
        let names = entries.into_iter().map(|(name, _)| name.to_string_lossy().into_owned());
        let mut names: Vec<String> = names.filter(|name| name.starts_with(unfinished)).collect();
        names.sort();
        candidates.extend(names);
    }
    if with_files && unfinished.is_empty() {
        candidates.push("./\tRelative path prefix to local chart".to_string());
        candidates.push("/\tAbsolute path prefix to local chart".to_string());
    }
    Offer::of(candidates, directive)
}

/// The added repositories: their names and their addresses.
fn repositories(session: &Session) -> Vec<(String, String)> {
    use crate::repository::{config::Repositories, url};
    let path = std::path::Path::new(&session.settings.repository_config);
    let known = Repositories::load(path).ok().flatten().unwrap_or_default();
    known.entries.into_iter().map(|entry| (entry.name, url::redact(&entry.url))).collect()
}

/// The charts of an added repository as `repo/chart`, from the list that `repo update` writes next to its index, or else from the index.
fn charts_of(repository: &str, session: &Session) -> Vec<String> {
    use crate::repository::{Recorded, config, index};
    let read = || {
        let settings = super::source::repository_settings(session)?;
        if let Ok(list) = crate::fs::read_limited(&config::charts_path(&settings, repository)?, LIST_LIMIT) {
            return Ok(String::from_utf8_lossy(&list).lines().map(str::to_string).collect());
        }
        let bytes = crate::fs::read_limited(&config::index_path(&settings, repository)?, index::INDEX_LIMIT)?;
        Ok(index::Index::parse(&bytes, "", &Recorded::default())?.entries.into_keys().collect())
    };
    let names: Result<Vec<String>> = read();
    names.unwrap_or_default().into_iter().map(|name| format!("{repository}/{name}")).collect()
}

/// The largest list of charts that is read.
const LIST_LIMIT: u64 = 64 << 20;

/// The versions of a chart `repo/name` in its repository's cached index (Helm's `compVersionFlag`).
fn versions(chart: &str, session: &Session) -> Vec<String> {
    use crate::repository::{Recorded, config, index};
    let Some((repository, name)) = chart.split_once('/').filter(|(_, name)| !name.contains('/')) else { return Vec::new() };
    let read = || {
        let settings = super::source::repository_settings(session)?;
        let bytes = crate::fs::read_limited(&config::index_path(&settings, repository)?, index::INDEX_LIMIT)?;
        index::versions_of(&bytes, name, "", &Recorded::default())
    };
    let found = read().ok().flatten().unwrap_or_default();
    let describe = |version: index::ChartVersion| {
        let metadata = version.metadata;
        let app = if metadata.app_version.is_empty() { String::new() } else { format!("App: {}, ", metadata.app_version) };
        let deprecated = if metadata.deprecated { "(deprecated)" } else { "" };
        format!("{}\t{app}Created: {} {deprecated}", metadata.version, long_date(&version.created))
    };
    found.into_iter().map(describe).collect()
}

/// The day of an RFC 3339 time in Go's `January 2, 2006`; the day of Go's zero time if there is none.
fn long_date(time: &str) -> String {
    const MONTHS: [&str; 12] =
        ["January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"];
    let mut parts = time.get(..10).unwrap_or_default().split('-').map(str::parse::<usize>);
    match (parts.next(), parts.next(), parts.next()) {
        (Some(Ok(year)), Some(Ok(month)), Some(Ok(day))) if (1..=12).contains(&month) => format!("{} {day}, {year:04}", MONTHS[month - 1]),
        _ => "January 1, 0001".to_string(),
    }
}
