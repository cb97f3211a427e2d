//! `rutter completion`: scripts that let a shell complete commands and flags.

use super::{Arity, COMMANDS, Entry, Run};
use crate::cli::parse;
use crate::cli::session::Session;
use crate::error::Result;
use clap::{Args, Command};
use clap_complete::{Generator, Shell};

/// The row of the table.
pub const COMMAND: Entry = Entry::group(
    "completion",
    "generate autocompletion scripts for the specified shell",
    "Generate autocompletion scripts for rutter for the specified shell.",
    &[
        Entry::leaf::<Bash>("bash", "", Arity::Exactly(0), "generate autocompletion script for bash", BASH),
        Entry::leaf::<Fish>("fish", "", Arity::Exactly(0), "generate autocompletion script for fish", FISH),
        Entry::leaf::<PowerShell>("powershell", "", Arity::Exactly(0), "generate autocompletion script for powershell", POWERSHELL),
        Entry::leaf::<Zsh>("zsh", "", Arity::Exactly(0), "generate autocompletion script for zsh", ZSH),
    ],
);

const BASH: &str = "\
Generate the autocompletion script for rutter for the bash shell.

To load completions in your current shell session:

    source <(rutter completion bash)

To load completions for every new session, execute once:

    rutter completion bash > /etc/bash_completion.d/rutter";

const FISH: &str = "\
Generate the autocompletion script for rutter for the fish shell.

To load completions in your current shell session:

    rutter completion fish | source

To load completions for every new session, execute once:

    rutter completion fish > ~/.config/fish/completions/rutter.fish";

const POWERSHELL: &str = "\
Generate the autocompletion script for powershell.

To load completions in your current shell session:

    rutter completion powershell | Out-String | Invoke-Expression

To load completions for every new session, add the output of the above command to your powershell profile.";

const ZSH: &str = "\
Generate the autocompletion script for rutter for the zsh shell.

To load completions in your current shell session:

    source <(rutter completion zsh)

To load completions for every new session, execute once:

    rutter completion zsh > \"${fpath[1]}/_rutter\"";

/// The flag that Helm's completion commands share.
#[derive(Debug, Clone, Default, Args)]
struct Common {
    /// disable completion descriptions (accepted for compatibility; scripts carry their descriptions)
    #[arg(long)]
    no_descriptions: bool,
}

macro_rules! shells {
    ($($shell:ident),*) => {$(
        /// The flags of this shell's completion.
        #[derive(Debug, Clone, Default, Args)]
        pub struct $shell {
            #[command(flatten)]
            common: Common,
        }

        impl Run for $shell {
            fn run(self, _: Vec<String>, session: &mut Session) -> Result<()> {
                session.print(script(Shell::$shell))
            }
        }
    )*};
}

shells!(Bash, Fish, PowerShell, Zsh);

/// The script for a shell, over all commands and flags.
fn script(shell: Shell) -> Vec<u8> {
    let mut command = tree(&mut Vec::new(), COMMANDS).bin_name("rutter").name("rutter");
    command.build();
    let mut script = Vec::new();
    shell.generate(&command, &mut script);
    script
}

/// clap's command of the whole table.
fn tree(path: &mut Vec<&'static Entry>, children: &'static [Entry]) -> Command {
    let mut command = parse::build(path, true).no_binary_name(false).disable_help_subcommand(true);
    for entry in children {
        path.push(entry);
        command = command.subcommand(tree(path, entry.children).about(entry.about).visible_aliases(entry.aliases.iter().copied()));
        path.pop();
    }
    command
}
