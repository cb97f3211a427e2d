//! Parses the command line into a command and its arguments the way cobra and pflag do.
//!
//! Goes in: the words of the command line. Comes out: a [`Request`], or the error in Helm's words. The command
//! is found first, by its name among the words that are not flags; then clap builds and parses only its flags,
//! so that startup pays for one command and not for all. Errors found by clap are reworded as pflag's.

use super::arguments::{self, GlobalArguments};
use super::commands::{self, Arity, Row};
use super::help;
use super::plugin::Plugin;
use super::session::Session;
use crate::diagnostic::{Diagnostic, nearest};
use crate::error::{Error, ErrorKind, Result};
use crate::quote::{quote, quote_character};
use clap::error::{ContextKind, ContextValue, ErrorKind as ClapErrorKind};
use clap::{Arg, ArgAction, ArgMatches, Command, FromArgMatches};

/// The id of the positional arguments, which commands receive as a list.
const ARGUMENTS: &str = "rutter-arguments";
/// The id of the help flag.
const HELP: &str = "rutter-help";

/// What pflag's error of a value of another type begins with.
const INVALID: &str = "invalid argument ";

/// A command with its arguments, ready to run.
#[derive(Debug)]
pub struct Request {
    pub globals: GlobalArguments,
    path: Path,
    matches: ArgMatches,
    arguments: Vec<String>,
}

/// The rows from the top command to the one that runs; empty for `rutter` itself.
pub type Path = Vec<&'static Row>;

/// Why a command line is invalid.
#[derive(Debug)]
pub struct Failure {
    pub error: Error,
    /// A name that is not a command of ours but may be a plugin's; if it is not, the error is [`unknown_command`].
    pub unknown_command: Option<String>,
}

impl From<Error> for Failure {
    fn from(error: Error) -> Failure {
        Failure { error, unknown_command: None }
    }
}

/// Finds the command among the words and parses its flags.
pub fn parse(words: &[String]) -> std::result::Result<Request, Failure> {
    let (path, rest) = find(words);
    if path.is_empty()
        && let Some(name) = first_argument(&rest)
    {
        return Err(Failure { error: Error::new(ErrorKind::Usage, "unknown command"), unknown_command: Some(name.to_string()) });
    }
    // Errors are rare, so the command is built again for them rather than cloned on every run.
    let refused = |error: clap::Error| flag_error(&build(&path, true), &error, &rest);
    let mut matches = build(&path, true).try_get_matches_from(&rest).map_err(refused)?;
    let globals = GlobalArguments::from_arg_matches_mut(&mut matches).map_err(refused)?;
    let arguments = matches.remove_many::<String>(ARGUMENTS).map(Iterator::collect).unwrap_or_default();
    Ok(Request { globals, path, matches, arguments })
}

/// Checks that the flags in these words, which are all known, have values of their types; the error is pflag's text.
pub fn check_values(path: &[&'static Row], words: &[String]) -> std::result::Result<(), String> {
    let Err(error) = build(path, true).try_get_matches_from(words) else { return Ok(()) };
    let message = flag_error(&build(path, true), &error, words).error.message().to_string();
    if message.starts_with(INVALID) { Err(message) } else { Ok(()) }
}

/// The global flags among words that may include flags of commands and of plugins.
pub fn globals_among(words: &[String]) -> GlobalArguments {
    globals_of(&global_words(words))
}

/// The values of the global flags in these words; flags with an invalid value are left out.
pub fn globals_of(words: &[String]) -> GlobalArguments {
    let matches = build(&[], true).ignore_errors(true).try_get_matches_from(words);
    matches.ok().and_then(|matches| GlobalArguments::from_arg_matches(&matches).ok()).unwrap_or_default()
}

/// The words that are global flags and their values, found among others by pflag's rules: an unknown flag takes
/// the next word as its value, unless that looks like a flag or the value follows an `=`.
pub fn global_words(words: &[String]) -> Vec<String> {
    let command = build(&[], true);
    let by_long = |name: &str| command.get_arguments().find(|argument| argument.get_long() == Some(name));
    let by_short = |letter: char| command.get_arguments().find(|argument| argument.get_short() == Some(letter));
    let takes_next = |argument: &Arg| !argument.is_require_equals_set() && argument.get_action().takes_values();
    let mut found = Vec::new();
    let mut words = words.iter().peekable();
    while let Some(word) = words.next() {
        let (argument, has_value) = match word.strip_prefix("--") {
            Some("") => break,
            Some(flag) => (by_long(flag.split('=').next().unwrap_or_default()), flag.contains('=')),
            None => {
                let mut letters = word.strip_prefix('-').unwrap_or_default().chars();
                let Some(first) = letters.next() else { continue };
                (by_short(first), !letters.as_str().is_empty())
            }
        };
        match argument {
            Some(argument) => {
                found.push(word.clone());
                if takes_next(argument) && !has_value {
                    found.extend(words.next().cloned());
                }
            }
            None if !has_value => {
                words.next_if(|next| !next.starts_with('-'));
            }
            None => {}
        }
    }
    found
}

/// Runs a request: shows help if requested or if the path is a group, else runs the command.
pub fn execute(mut request: Request, session: &mut Session) -> Result<()> {
    let wants_help = request.matches.try_get_one::<bool>(HELP).ok().flatten().copied().unwrap_or(false);
    let Some(entry) = request.path.last().copied().filter(|entry| entry.children.is_empty() && !wants_help) else {
        return session.print(help::render(&request.path, session));
    };
    check_arity(&request.path, entry.arity, request.arguments.len(), session.name())?;
    let is_given = |flag: &str| {
        let id = flag.replace('-', "_");
        request.matches.try_contains_id(&id).unwrap_or(false)
            && request.matches.value_source(&id) == Some(clap::parser::ValueSource::CommandLine)
    };
    for (flag, advice) in entry.deprecated {
        if is_given(flag) {
            let advice = advice.replace("rutter ", &format!("{} ", session.name()));
            session.tell(&format!("Flag --{flag} has been deprecated, {advice}"));
        }
    }
    if let Some([a, b]) = entry.exclusive.iter().find(|pair| pair.iter().all(|flag| is_given(flag))) {
        let (first, second) = (a.min(b), a.max(b));
        let message = format!("if any flags in the group [{a} {b}] are set none of the others can be; [{first} {second}] were all set");
        return Err(Error::new(ErrorKind::Usage, message));
    }
    (entry.run)(&mut request.matches, request.arguments, session)
}

/// Follows the words down the table of commands. Returns the rows found and the words without their names.
pub fn find(words: &[String]) -> (Path, Vec<String>) {
    let mut path = Path::new();
    let mut rest = words.to_vec();
    loop {
        let children = path.last().map_or(commands::COMMANDS, |entry| entry.children);
        let Some(at) = first_argument_index(&rest, |_| false) else { return (path, rest) };
        let Some(entry) = children.iter().find(|entry| entry.is_called(&rest[at])) else { return (path, rest) };
        rest.remove(at);
        path.push(entry);
        if entry.children.is_empty() {
            return (path, rest);
        }
    }
}

/// The name of the command at the top that the words call.
pub fn command_name(words: &[String]) -> Option<&'static str> {
    let name = first_argument(words)?;
    commands::COMMANDS.iter().find(|entry| entry.is_called(name)).map(|entry| entry.name)
}

/// The first word that is neither a flag nor a flag's value.
pub fn first_argument(words: &[String]) -> Option<&str> {
    first_argument_index(words, |_| false).map(|at| words[at].as_str())
}

/// The index of the first word that is neither a flag nor a flag's value; only flags before any command matter here, which
/// are the global ones and those of a plugin's completion, whose names or letters `is_switch` knows. Cobra does not know
/// `--help` yet when it looks for the command, so the word after it is taken for its value, as with any unknown flag.
pub fn first_argument_index(words: &[String], is_switch: impl Fn(&str) -> bool) -> Option<usize> {
    let mut at = 0;
    while let Some(word) = words.get(at) {
        let takes_next = match word.strip_prefix("--") {
            Some("") => return None,
            Some(name) => !name.contains('=') && !arguments::GLOBAL_SWITCHES.contains(&name) && !is_switch(name),
            None if word.starts_with('-') => word.len() == 2 && word != "-=" && !is_switch(word.trim_start_matches('-')),
            None if word.is_empty() => false,
            None => return Some(at),
        };
        at += if takes_next { 2 } else { 1 };
    }
    None
}

/// The clap command of the path's last row: its own flags, the global ones, help, and any number of arguments.
pub fn build(path: &[&'static Row], with_globals: bool) -> Command {
    let name = path.last().map_or("rutter", |entry| entry.name);
    let mut command = Command::new(name).no_binary_name(true).args_override_self(true).disable_help_flag(true).disable_version_flag(true);
    if let Some(entry) = path.last() {
        command = (entry.flags)(command);
    }
    if with_globals {
        command = <GlobalArguments as clap::Args>::augment_args(command);
    }
    command
        .mut_args(as_pflag)
        .arg(as_pflag(Arg::new(HELP).short('h').long("help").help(format!("help for {name}")).action(ArgAction::SetTrue)))
        .arg(Arg::new(ARGUMENTS).num_args(0..).action(ArgAction::Append).hide(true).value_hint(clap::ValueHint::AnyPath))
}

/// Makes an argument behave as in pflag: a boolean accepts `--flag=false`, a value may start with a dash.
fn as_pflag(argument: Arg) -> Arg {
    match argument.get_action() {
        ArgAction::SetTrue => {
            let is_on = argument.get_default_values().iter().any(|value| value == "true");
            argument
                .action(ArgAction::Set)
                .num_args(0..=1)
                .require_equals(true)
                .default_value(if is_on { "true" } else { "false" })
                .default_missing_value("true")
                .value_parser(arguments::boolean)
                .value_name("")
        }
        _ => argument.allow_hyphen_values(true),
    }
}

/// Refuses a wrong number of arguments, in Helm's words.
fn check_arity(path: &[&'static Row], arity: Arity, count: usize, program: &str) -> Result<()> {
    let plural = |n: usize| if n == 1 { "argument" } else { "arguments" };
    let refusal = match arity {
        Arity::Exactly(0) if count > 0 => "accepts no arguments".to_string(),
        Arity::Exactly(n) if count != n => format!("requires {n} {}", plural(n)),
        Arity::AtLeast(n) if count < n => format!("requires at least {n} {}", plural(n)),
        Arity::AtMost(n) if count > n => format!("accepts at most {n} {}", plural(n)),
        _ => return Ok(()),
    };
    let message = format!("{} {refusal}\n\nUsage:  {}", quote(help::command_path(path, program)), help::use_line(path, program));
    Err(Error::new(ErrorKind::Usage, message))
}

/// The error for a name that is no command, not even a plugin's. `program` is the name rutter was called by.
pub fn unknown_command(name: &str, program: &str, plugins: &[Plugin]) -> Error {
    let more = needs_cluster(name).map_or_else(|| suggestions(name, plugins), |why| format!("\n\n{why}"));
    let message = format!("unknown command {} for {}{more}", quote(name), quote(program));
    Error::new(ErrorKind::Usage, message)
}

/// Why Helm's commands that need a cluster are missing, and what to use instead.
fn needs_cluster(name: &str) -> Option<&'static str> {
    match name {
        "install" | "upgrade" => Some(
            "rutter has no commands that need a cluster: use helm for this one, or apply what is rendered:\n\n    rutter template NAME CHART | kubectl apply -f -\n",
        ),
        "uninstall" | "un" | "del" | "delete" | "rollback" | "status" | "history" | "hist" | "list" | "ls" | "get" | "test" => {
            Some("rutter has no commands that need a cluster: use helm for this one")
        }
        _ => None,
    }
}

/// The commands that `name` may have meant, as cobra lists them: within two edits, or starting with it, in the order in which Helm
/// adds them (`pkg/cmd/root.go`), then our own. Where there are plugins, cobra has sorted them, and those of plugins follow.
fn suggestions(name: &str, plugins: &[Plugin]) -> String {
    const ORDER: [&str; 16] = [
        "create",
        "dependency",
        "pull",
        "show",
        "lint",
        "package",
        "repo",
        "search",
        "verify",
        "template",
        "completion",
        "env",
        "plugin",
        "version",
        "registry",
        "push",
    ];
    let wanted = name.to_lowercase();
    let mut own: Vec<&str> = commands::COMMANDS.iter().map(|entry| entry.name).filter(|name| *name != "help").collect();
    if plugins.is_empty() {
        own.sort_by_key(|name| ORDER.iter().position(|known| known == name).unwrap_or(ORDER.len()));
    }
    let near: Vec<&str> = own
        .into_iter()
        .chain(plugins.iter().map(Plugin::command_name))
        .filter(|candidate| edit_distance(&wanted, candidate) <= 2 || candidate.to_lowercase().starts_with(&wanted))
        .collect();
    if near.is_empty() {
        return String::new();
    }
    let mut text = "\n\nDid you mean this?\n".to_string();
    for candidate in near {
        text.push_str(&format!("\t{candidate}\n"));
    }
    text
}

/// The edit distance: the number of insertions, removals and substitutions between the two words.
fn edit_distance(from: &str, to: &str) -> usize {
    let to: Vec<char> = to.chars().collect();
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (i, a) in from.chars().enumerate() {
        let mut diagonal = i;
        let mut left = i + 1;
        for (b, cell) in to.iter().zip(row.iter_mut().skip(1)) {
            let best = (diagonal + usize::from(a != *b)).min(*cell + 1).min(left + 1);
            diagonal = std::mem::replace(cell, best);
            left = best;
        }
        if let Some(first) = row.first_mut() {
            *first = i + 1;
        }
    }
    row.last().copied().unwrap_or_default()
}

/// Rewords clap's error as pflag's.
fn flag_error(command: &Command, error: &clap::Error, words: &[String]) -> Failure {
    let text = |kind: ContextKind| match error.get(kind) {
        Some(ContextValue::String(text)) => text.clone(),
        Some(ContextValue::Strings(texts)) => texts.first().cloned().unwrap_or_default(),
        _ => String::new(),
    };
    let shown = text(ContextKind::InvalidArg);
    let value = text(ContextKind::InvalidValue);
    let message = match error.kind() {
        ClapErrorKind::UnknownArgument => unknown_flag(&shown, words),
        ClapErrorKind::InvalidValue | ClapErrorKind::TooFewValues | ClapErrorKind::WrongNumberOfValues if value.is_empty() => {
            missing_value(&shown, words)
        }
        ClapErrorKind::ValueValidation | ClapErrorKind::InvalidValue => {
            // For a flag with a fixed set of values, clap names no cause other than the set.
            let cause = std::error::Error::source(error).map_or_else(|| possible_values(error), ToString::to_string);
            format!("{INVALID}{} for {} flag: {cause}", quote(value), quote(flag_names(command, &shown)))
        }
        _ => error.to_string().trim().trim_start_matches("error: ").to_string(),
    };
    let near = match error.kind() {
        ClapErrorKind::UnknownArgument => nearest_flag(command, &shown),
        _ => None,
    };
    let error = Error::new(ErrorKind::Usage, message.clone());
    match near {
        Some(near) => {
            let hints = vec![format!("did you mean `--{near}`?")];
            error.with_diagnostic(Diagnostic { headline: message, hints, ..Diagnostic::default() }).into()
        }
        None => error.into(),
    }
}

/// The long flag that was probably meant.
fn nearest_flag<'c>(command: &'c Command, shown: &str) -> Option<&'c str> {
    let name = shown.strip_prefix("--")?;
    let name = name.split_once('=').map_or(name, |(name, _)| name);
    nearest(name, command.get_arguments().filter_map(Arg::get_long))
}

/// The error for an unknown flag; for short ones pflag shows the rest of the cluster too.
fn unknown_flag(shown: &str, words: &[String]) -> String {
    if let Some(name) = shown.strip_prefix("--") {
        if name.is_empty() || name.starts_with(['-', '=']) {
            let word = words.iter().find(|word| word.starts_with("---") || word.starts_with("--="));
            return format!("bad flag syntax: {}", word.map_or(shown, String::as_str));
        }
        return format!("unknown flag: --{}", name.split_once('=').map_or(name, |(name, _)| name));
    }
    let letter = shown.trim_start_matches('-').chars().next().unwrap_or('-');
    let cluster = words
        .iter()
        .filter(|word| word.starts_with('-') && !word.starts_with("--"))
        .find_map(|word| word.find(letter).and_then(|at| word.get(at..)));
    format!("unknown shorthand flag: {} in -{}", quote_character(letter), cluster.unwrap_or(&letter.to_string()))
}

/// The error for a flag at the end of the line without its value.
fn missing_value(shown: &str, words: &[String]) -> String {
    match words.last().and_then(|word| word.strip_prefix('-')) {
        Some(cluster) if !cluster.starts_with('-') => {
            let letter = cluster.chars().last().unwrap_or('-');
            format!("flag needs an argument: {} in -{letter}", quote_character(letter))
        }
        _ => format!("flag needs an argument: --{}", long_name(shown)),
    }
}

/// The name in clap's `--name <value>`.
fn long_name(shown: &str) -> String {
    let name = shown.trim_start_matches('-');
    name.split([' ', '=', '[', '<']).next().unwrap_or(name).to_string()
}

/// The flag as pflag names it: `-f, --values` or `--set`.
fn flag_names(command: &Command, shown: &str) -> String {
    let name = long_name(shown);
    let short = command.get_arguments().find(|argument| argument.get_long() == Some(&name)).and_then(Arg::get_short);
    short.map_or_else(|| format!("--{name}"), |short| format!("-{short}, --{name}"))
}

/// The allowed values of a flag with a fixed set.
fn possible_values(error: &clap::Error) -> String {
    match error.get(ContextKind::ValidValue) {
        Some(ContextValue::Strings(values)) => format!("must be one of: {}", values.join(", ")),
        _ => "invalid value".to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::environment::{Environment, Settings};

    fn words(line: &str) -> Vec<String> {
        line.split_whitespace().map(str::to_string).collect()
    }

    fn failure(line: &str) -> String {
        parse(&words(line)).expect_err("must fail").error.to_string()
    }

    fn request(line: &str) -> Request {
        parse(&words(line)).map_err(|failure| failure.error).expect("must parse")
    }

    #[test]
    fn global_switches_are_those_that_may_stand_alone() {
        let command = build(&[], true);
        let alone = |arg: &&Arg| arg.get_id() != HELP && arg.get_num_args().is_some_and(|count| count.min_values() == 0);
        let mut found: Vec<&str> = command.get_arguments().filter(alone).filter_map(Arg::get_long).collect();
        let mut known = arguments::GLOBAL_SWITCHES;
        found.sort_unstable();
        known.sort_unstable();
        assert_eq!(found, known);
    }

    #[test]
    fn commands_are_found_among_flags() {
        let found = |line: &str| request(line).path.iter().map(|entry| entry.name).collect::<Vec<_>>().join(" ");
        assert_eq!(found("template x"), "template");
        assert_eq!(found("-n ns template x"), "template");
        assert_eq!(found("--debug template x"), "template");
        assert_eq!(found("inspect chart x"), "show chart");
        assert_eq!(found("show nothing"), "show");
        assert_eq!(found("--namespace template version"), "version");
        assert_eq!(found("--logtostderr -v 4 version"), "version");
        assert_eq!(found("--help template"), "");
        assert_eq!(found("--help=true template"), "template");
    }

    #[test]
    fn faults_are_told_in_the_words_of_pflag() {
        assert_eq!(failure("template --sail x"), "unknown flag: --sail");
        assert_eq!(failure("template --sail=1 x"), "unknown flag: --sail");
        assert_eq!(failure("template -gZx x"), "unknown shorthand flag: 'Z' in -Zx");
        assert_eq!(failure("template --set"), "flag needs an argument: --set");
        assert_eq!(failure("template -s"), "flag needs an argument: 's' in -s");
        assert_eq!(
            failure("template --debug=3 x"),
            "invalid argument \"3\" for \"--debug\" flag: strconv.ParseBool: parsing \"3\": invalid syntax"
        );
        assert_eq!(
            failure("template -f a\"b x"),
            "invalid argument \"a\\\"b\" for \"-f, --values\" flag: parse error on line 1, column 2: bare \" in non-quoted-field"
        );
        assert_eq!(failure("template ---x"), "bad flag syntax: ---x");
        assert_eq!(failure("template --=x"), "bad flag syntax: --=x");
        assert_eq!(
            failure("template --help=perhaps"),
            "invalid argument \"perhaps\" for \"-h, --help\" flag: strconv.ParseBool: parsing \"perhaps\": invalid syntax"
        );
        assert_eq!(failure("version -v"), "flag needs an argument: 'v' in -v");
        assert_eq!(parse(&words("tempate x")).expect_err("must fail").unknown_command.as_deref(), Some("tempate"));
        assert_eq!(
            unknown_command("p", "helm", &[]).to_string(),
            "unknown command \"p\" for \"helm\"\n\nDid you mean this?\n\tpull\n\tpackage\n\tplugin\n\tpush\n"
        );
        let plugin = crate::cli::plugin::parse(b"name: tempates\ncommand: x\n").expect("a plugin");
        assert_eq!(
            unknown_command("tempate", "helm", &[plugin]).to_string(),
            "unknown command \"tempate\" for \"helm\"\n\nDid you mean this?\n\ttemplate\n\ttempates\n"
        );
    }

    #[test]
    fn flags_take_values_as_in_pflag() {
        let request = request("template a --set -x=1 --set --y -gnns b --no-hooks=false --debug --debug=false -- --c");
        assert_eq!(request.arguments, ["a", "b", "--c"]);
        assert_eq!(request.globals.namespace.as_deref(), Some("ns"));
        assert_eq!(request.globals.debug, Some(false));
        let sets: Vec<&String> = request.matches.get_many("set").expect("given").collect();
        assert_eq!(sets, ["-x=1", "--y"]);
        assert_eq!(request.matches.get_one("generate_name"), Some(&true));
        assert_eq!(request.matches.get_one("no_hooks"), Some(&false));
    }

    #[test]
    fn every_command_builds() {
        fn visit(path: &mut Path, entries: &'static [Row], session: &Session) {
            for entry in entries {
                path.push(entry);
                build(path, true).debug_assert();
                assert!(!help::render(path, session).is_empty());
                visit(path, entry.children, session);
                path.pop();
            }
        }
        let environment = Environment::of([("HOME".to_string(), "/h".to_string())].into());
        let settings = Settings::new(&environment, &GlobalArguments::default());
        visit(&mut Path::new(), commands::COMMANDS, &Session::new("rutter".to_string(), environment, settings));
    }
}
