//! The commands, one file each, and the table that names them.
//!
//! Goes in: nothing. Comes out: [`COMMANDS`], from which commands are found, parsed, run, listed in help and completed.
//! To add one: a file with a `COMMAND` (see [`version`]) and a row here. A command parses its flags into options, calls one
//! action, and prints its report; it does nothing else.

pub mod completion;
pub mod create;
pub mod dependency;
pub mod env;
pub mod help;
pub mod lint;
pub mod package;
pub mod plugin;
pub mod pull;
pub mod push;
pub mod registry;
pub mod repo;
pub mod search;
#[cfg(feature = "serve")]
pub mod serve;
pub mod show;
pub mod template;
pub mod values;
pub mod verify;
pub mod version;

use super::session::Session;
use crate::error::{Error, ErrorKind, Result};
use clap::{ArgMatches, Args, Command};

/// Every command at the top, sorted by name.
pub const COMMANDS: &[Row] = &[
    completion::COMMAND,
    create::COMMAND,
    dependency::COMMAND,
    env::COMMAND,
    help::COMMAND,
    lint::COMMAND,
    package::COMMAND,
    plugin::COMMAND,
    pull::COMMAND,
    push::COMMAND,
    registry::COMMAND,
    repo::COMMAND,
    search::COMMAND,
    #[cfg(feature = "serve")]
    serve::COMMAND,
    show::COMMAND,
    template::COMMAND,
    values::COMMAND,
    verify::COMMAND,
    version::COMMAND,
];

/// The first part of `rutter --help`.
pub const ABOUT: &str = "\
Helm charts in milliseconds: template, lint, package and publish, from one binary

Common actions:

- rutter template:    render a chart's templates and print the manifests
- rutter lint:        examine a chart for possible issues
- rutter package:     package a chart folder into an archive
- rutter pull:        download a chart to a local folder

Environment variables:

| Name                    | Description                                                          |
|-------------------------|----------------------------------------------------------------------|
| $HELM_CACHE_HOME        | where cached files are kept                                          |
| $HELM_CONFIG_HOME       | where configuration is kept                                          |
| $HELM_CONTENT_CACHE     | the folder of cached archives                                        |
| $HELM_DATA_HOME         | where data is kept                                                   |
| $HELM_DEBUG             | verbose output, as --debug                                           |
| $HELM_NAMESPACE         | the namespace of the release, as --namespace                         |
| $HELM_NO_PLUGINS        | disable plugins: set HELM_NO_PLUGINS=1                               |
| $HELM_PLUGINS           | the folder of plugins                                                |
| $HELM_REGISTRY_CONFIG   | the file with credentials of registries                              |
| $HELM_REPOSITORY_CACHE  | the folder with cached indexes of chart repositories                 |
| $HELM_REPOSITORY_CONFIG | the file that names chart repositories                               |
| $HELM_COLOR             | colour: never, always or auto                                        |
| $HELM_KUBECONTEXT       | the kubeconfig context that names the namespace, as --kube-context   |
| $KUBECONFIG             | the kubeconfig files that name the namespace                         |
| $NO_COLOR               | no colour, whatever $HELM_COLOR says                                 |
| $RUTTER_ERROR_FORMAT    | how errors are shown, as --error-format: human, helm or json         |
| $RUTTER_MIRRORS         | mirrors of registries and repositories: FROM=TO,FROM=TO              |
| $RUTTER_MEMORY_LIMIT    | how many bytes of memory the templates of a large chart may take     |
| $RUTTER_OFFLINE         | fetch nothing: what is not cached is an error                        |
| $RUTTER_PASSPHRASE      | the passphrase of the key that --sign uses                           |
| $RUTTER_SERVE_TOKEN     | a bearer token that may read and write on rutter serve               |
| $RUTTER_STEP_LIMIT      | how many steps the templates of a very large chart may take          |
| $RUTTER_TRUSTED_REALMS  | hosts of token servers that may see credentials of registries        |
| $SOURCE_DATE_EPOCH      | the time of every file in a package, in seconds since 1970           |

Mirrors are also read from mirrors.yaml in $HELM_CONFIG_HOME and /etc/rutter.

Without these, $XDG_CACHE_HOME/helm, $XDG_CONFIG_HOME/helm and $XDG_DATA_HOME/helm are used, and without those
$HOME/.cache/helm, $HOME/.config/helm and $HOME/.local/share/helm.";

/// How many arguments a command takes besides its flags.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arity {
    /// The command checks the count itself.
    Any,
    Exactly(usize),
    AtLeast(usize),
    AtMost(usize),
}

/// One row of the table: a command, or a group of commands.
#[derive(Debug)]
pub struct Row {
    pub name: &'static str,
    pub aliases: &'static [&'static str],
    /// What follows the name in the usage line, such as `[NAME] [CHART]`.
    pub usage: &'static str,
    pub arity: Arity,
    /// One line for lists of commands.
    pub about: &'static str,
    /// The description in the command's help; `about` when empty.
    pub long: &'static str,
    /// Hidden from lists.
    pub hidden: bool,
    /// Flags that still work, and the advice what to use instead.
    pub deprecated: &'static [(&'static str, &'static str)],
    /// Pairs of flags of which only one may be given, whatever its value.
    pub exclusive: &'static [[&'static str; 2]],
    pub flags: fn(Command) -> Command,
    pub run: fn(&mut ArgMatches, Vec<String>, &mut Session) -> Result<()>,
    /// The commands of a group; empty for a command that runs.
    pub children: &'static [Row],
}

impl Row {
    /// A command whose flags are `A`.
    pub const fn leaf<A: Run>(name: &'static str, usage: &'static str, arity: Arity, about: &'static str, long: &'static str) -> Row {
        Row {
            name,
            aliases: &[],
            usage,
            arity,
            about,
            long,
            hidden: false,
            deprecated: &[],
            exclusive: &[],
            flags: A::augment_args,
            run: run::<A>,
            children: &[],
        }
    }

    /// A group of commands.
    pub const fn group(name: &'static str, about: &'static str, long: &'static str, children: &'static [Row]) -> Row {
        let entry = Row::leaf::<NoArguments>(name, "", Arity::Any, about, long);
        Row { children, ..entry }
    }

    /// The same row with these aliases.
    pub const fn aliases(self, aliases: &'static [&'static str]) -> Row {
        Row { aliases, ..self }
    }

    /// The same row with deprecated flags and what to use instead.
    pub const fn deprecated(self, deprecated: &'static [(&'static str, &'static str)]) -> Row {
        Row { deprecated, ..self }
    }

    /// The same with pairs of flags that exclude each other.
    pub const fn exclusive(self, exclusive: &'static [[&'static str; 2]]) -> Row {
        Row { exclusive, ..self }
    }

    /// Whether `word` names this row.
    pub fn is_called(&self, word: &str) -> bool {
        self.name == word || self.aliases.contains(&word)
    }
}

/// The flags of a command and its implementation.
pub trait Run: Args {
    /// Runs the command. `arguments` are the words that are not flags; their number is already checked.
    fn run(self, arguments: Vec<String>, session: &mut Session) -> Result<()>;
}

/// Extracts the flags from what clap parsed and runs the command.
fn run<A: Run>(matches: &mut ArgMatches, arguments: Vec<String>, session: &mut Session) -> Result<()> {
    let flags = A::from_arg_matches_mut(matches).map_err(|error| Error::new(ErrorKind::Usage, error.to_string()))?;
    flags.run(arguments, session)
}

/// No flags of its own: for groups, which only show their help.
#[derive(Debug, Clone, Default, Args)]
pub struct NoArguments {}

impl Run for NoArguments {
    fn run(self, _: Vec<String>, _: &mut Session) -> Result<()> {
        Ok(())
    }
}
