//! `rutter completion`: prints scripts by which a shell asks rutter for completions of the word being typed.
//!
//! The scripts are separate files next to [`complete`], which answers them. Follows Helm's `pkg/cmd/completion.go`.

use super::{Arity, Row, Run};
use crate::cli::complete;
use crate::cli::session::Session;
use crate::error::Result;
use clap::Args;

/// The row of the table.
pub const COMMAND: Row = Row::group(
    "completion",
    "generate autocompletion scripts for the specified shell",
    "Generate autocompletion scripts for rutter for the specified shell.",
    &[
        Row::leaf::<Bash>("bash", "", Arity::Exactly(0), "generate autocompletion script for bash", BASH),
        Row::leaf::<Fish>("fish", "", Arity::Exactly(0), "generate autocompletion script for fish", FISH),
        Row::leaf::<PowerShell>("powershell", "", Arity::Exactly(0), "generate autocompletion script for powershell", POWERSHELL),
        Row::leaf::<Zsh>("zsh", "", Arity::Exactly(0), "generate autocompletion script for zsh", ZSH),
    ],
);

const BASH: &str = "\
Generate the autocompletion script for rutter for the bash shell.

To load completions in your current shell session:

    source <(rutter completion bash)

To load completions for every new session, execute once:

    rutter completion bash > /etc/bash_completion.d/rutter

The script is for the name that rutter is called by. For an alias of it:

    complete -o default -F __start_rutter NAME

Called through a link of the name helm, it is for helm, and the function is __start_helm.";

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
    /// disable completion descriptions
    #[arg(long)]
    no_descriptions: bool,
}

macro_rules! shells {
    ($($shell:ident $file:literal),*) => {$(
        /// The flags of this shell's completion.
        #[derive(Debug, Clone, Default, Args)]
        pub struct $shell {
            #[command(flatten)]
            common: Common,
        }

        impl $shell {
            const TEXT: &str = include_str!(concat!("../completions/", $file));
        }

        impl Run for $shell {
            fn run(self, _: Vec<String>, session: &mut Session) -> Result<()> {
                session.print(script(Self::TEXT, session.name(), !self.common.no_descriptions))
            }
        }
    )*};
}

shells!(Bash "rutter.bash", Fish "rutter.fish", PowerShell "rutter.ps1", Zsh "rutter.zsh");

/// The script for a program of this name, with the command that it runs to get completions; [`complete`] describes the answer.
fn script(text: &str, name: &str, descriptions: bool) -> String {
    let function: String = name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
    text.replace("@COMMAND@", if descriptions { complete::NAME } else { complete::PLAIN_NAME })
        .replace("@NAME@", name)
        .replace("@FUNCTION@", &function)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scripts_ask_the_command_that_answers() {
        for text in [Bash::TEXT, Fish::TEXT, PowerShell::TEXT, Zsh::TEXT] {
            assert_eq!(text.matches("@COMMAND@").count(), 1, "{text}");
            assert!(script(text, "rutter", true).contains("__complete"));
            assert!(script(text, "rutter", false).contains("__completeNoDesc"));
        }
    }

    #[test]
    fn scripts_are_for_the_name_that_the_program_is_called_by() {
        for (text, wanted) in [
            (Bash::TEXT, "complete -o default -F __start_helm_4_2 helm-4.2\n"),
            (Fish::TEXT, "complete -c helm-4.2 -n __helm_4_2_prepare"),
            (PowerShell::TEXT, "-CommandName 'helm-4.2'"),
            (Zsh::TEXT, "#compdef helm-4.2\n"),
        ] {
            let script = script(text, "helm-4.2", true);
            assert!(script.contains(wanted), "{script}");
            assert!(!script.contains("@NAME@") && !script.contains("@FUNCTION@"), "{script}");
        }
    }
}
