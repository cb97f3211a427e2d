//! The `rutter` command: arguments in, one command run, text and an exit code out.
//!
//! Goes in: the process's arguments, environment and terminal, which are read here and nowhere else in the crate.
//! Comes out: data on standard output, notices and errors on standard error, and an exit code.
//! A command is one file in [`commands`] and one row of its table; [`arguments`] holds the flags that commands share,
//! [`parse`] finds and parses a command the way cobra and pflag do, [`help`] prints its help, [`complete`] shell completions,
//! [`printer`] errors. Follows Helm's `pkg/cmd` and `pkg/cli`.

pub mod arguments;
pub mod commands;
pub mod complete;
pub mod console;
pub mod environment;
pub mod exit;
pub mod help;
pub mod kubeconfig;
pub mod parse;
pub mod plugin;
pub mod printer;
#[cfg(feature = "serve")]
mod request_log;
pub mod secret;
pub mod session;
pub mod source;
pub mod system;
pub mod table;
pub mod terminal;
pub mod values_template;
pub mod watch;

use crate::diagnostic::{Level, Notice};
use crate::error::ErrorKind;
use crate::parallel;
use crate::stack;
use exit::Exit;
use session::Session;

/// Runs the command that the process's arguments ask for, and ends the process.
pub fn main() -> ! {
    // [`Exit::end`] does not wait for threads.
    parallel::allow_unfinished();
    let exit = match stack::run_process(run_arguments) {
        Some(outcome) => outcome.unwrap_or_else(|panic| std::panic::resume_unwind(panic)),
        None => run_arguments(),
    };
    exit.end()
}

#[expect(clippy::disallowed_methods, reason = "the arguments enter here")]
fn run_arguments() -> Exit {
    let environment = environment::Environment::of_process();
    let mut words = std::env::args_os().map(|word| word.to_string_lossy().into_owned());
    let program = words.next().unwrap_or_else(|| "rutter".to_string());
    let words: Vec<String> = words.collect();
    run(program, &words, environment)
}

/// Runs the command in `words`, which do not include the program's own name.
pub fn run(program: String, words: &[String], environment: environment::Environment) -> Exit {
    if let Some((flags, name, line)) = completion(words) {
        let globals = parse::globals_among(&[flags, line].concat());
        if let Some(exit) = refuse_color(&globals) {
            return exit;
        }
        let settings = environment::Settings::new(&environment, &globals);
        let mut session = Session::new(program, environment, settings);
        let outcome = complete::run(flags, line, name == complete::NAME, &mut session);
        return end(outcome, &mut session);
    }
    if let Some(name) = parse::command_name(words).filter(|name| plugin::BEYOND_HELM.contains(name))
        && let Some(exit) = run_plugin(name, &program, words, &environment)
    {
        return exit;
    }
    let request = match parse::parse(words) {
        Ok(request) => request,
        Err(failure) => return refuse(failure, program, words, environment),
    };
    if let Some(exit) = refuse_color(&request.globals) {
        return exit;
    }
    let settings = environment::Settings::new(&environment, &request.globals);
    let mut session = Session::new(program, environment, settings);
    plugin::commands(&mut session);
    session.show_notices();
    session.warn_of_expired_repositories();
    let environment = &session.environment;
    let readable = environment.offline().and(environment.error_format()).and(environment.step_limit()).and(environment.memory_limit());
    let outcome = readable.and_then(|_| parse::execute(request, &mut session));
    end(outcome, &mut session)
}

/// The flags in front of the command that completes, its name, and the words after it.
fn completion(words: &[String]) -> Option<(&[String], &str, &[String])> {
    let at = parse::first_argument_index(words, |_| false)?;
    let name = words.get(at).filter(|name| matches!(name.as_str(), complete::NAME | complete::PLAIN_NAME))?;
    Some((words.get(..at)?, name, words.get(at + 1..)?))
}

/// Refuses an unknown colour mode. Helm checks it before any command exists that could report the error, so it is logged.
fn refuse_color(globals: &arguments::GlobalArguments) -> Option<Exit> {
    let fault = arguments::color(globals.color.as_deref()?).err()?;
    let notice = Notice { level: Level::Warn, message: "command failed".to_string(), attributes: vec![("error".to_string(), fault)] };
    printer::print_notice(&notice, false);
    Some(Exit::Failure)
}

/// Runs the plugin that has a command of this name, if there is one: what Helm does not have must not hide what it runs.
fn run_plugin(name: &str, program: &str, words: &[String], environment: &environment::Environment) -> Option<Exit> {
    let (globals, rest) = for_plugin(name, words);
    if let Some(exit) = refuse_color(&globals) {
        return Some(exit);
    }
    let settings = environment::Settings::new(environment, &globals);
    let mut session = Session::new(program.to_string(), environment.clone(), settings);
    let plugins = plugin::commands(&mut session);
    let plugin = plugins.iter().find(|plugin| plugin.command_name() == name)?;
    let outcome = plugin.run(&rest, &mut session);
    Some(end(outcome, &mut session))
}

/// The global flags on the command line of a plugin, and its words without the name of its command.
fn for_plugin(name: &str, words: &[String]) -> (arguments::GlobalArguments, Vec<String>) {
    let mut line = parse::global_words(words);
    // A word that a plugin reads as a flag's value may be one of our flags.
    line.extend(plugin::split_own_flags(words).map(|(own, _)| own).unwrap_or_default());
    let mut rest = words.to_vec();
    rest.iter().position(|word| word == name).map(|at| rest.remove(at));
    (parse::globals_of(&line), rest)
}

/// Reports why the words are no valid command line, unless a plugin has a command of that name: then runs it.
fn refuse(failure: parse::Failure, program: String, words: &[String], environment: environment::Environment) -> Exit {
    let (globals, rest) = match &failure.unknown_command {
        Some(name) => for_plugin(name, words),
        None => (parse::globals_of(&parse::global_words(words)), Vec::new()),
    };
    if let Some(exit) = refuse_color(&globals) {
        return exit;
    }
    let settings = environment::Settings::new(&environment, &globals);
    let mut session = Session::new(program, environment, settings);
    let plugins = plugin::commands(&mut session);
    let Some(name) = &failure.unknown_command else {
        session.show_notices();
        printer::print_error(&failure.error, &session.settings);
        return Exit::Failure;
    };
    if let Some(plugin) = plugins.iter().find(|plugin| plugin.command_name() == name) {
        let outcome = plugin.run(&rest, &mut session);
        return end(outcome, &mut session);
    }
    session.show_notices();
    printer::print_error(&parse::unknown_command(name, session.name(), &plugins), &session.settings);
    printer::tell(&format!("Run '{} --help' for usage.", session.name()));
    Exit::Failure
}

/// Shows the remaining notices and any error, and returns how the process ends.
fn end(outcome: crate::error::Result<()>, session: &mut Session) -> Exit {
    session.show_notices();
    match outcome {
        Ok(()) => session.exit(),
        Err(error) if session::is_closed_output(&error) => Exit::Code(exit::CLOSED_OUTPUT),
        Err(error) => {
            printer::print_error(&error, &session.settings);
            match session.exit() {
                Exit::Success if error.kind() == ErrorKind::Exists => Exit::Code(exit::EXISTS),
                Exit::Success => Exit::Failure,
                exit => exit,
            }
        }
    }
}
