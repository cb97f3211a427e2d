//! The terminal: how wide it is, whether it knows escape sequences, and that what is typed is not shown.
//!
//! Goes in: the standard streams and the variable `TERM`. Comes out: facts about the terminal, and with [`Hidden`] a terminal
//! without echo for as long as that lives (on Unix; Windows gives its keys one by one). Apart, because each system has its own
//! calls for it; where there are none the terminal counts as one of the usual width. Follows `golang.org/x/term`, by which Helm
//! asks for passwords.

use super::environment::Environment;

/// The width that a terminal has unless it says so, and that text for a pipe is made for.
pub const USUAL_WIDTH: usize = 80;

/// How many columns the terminal has that this stream goes to; `None` when it goes elsewhere.
#[cfg(unix)]
pub fn width(stream: impl std::os::fd::AsFd) -> Option<usize> {
    let size = rustix::termios::tcgetwinsize(stream).ok()?;
    Some(usize::from(size.ws_col)).filter(|columns| *columns > 0)
}

/// How many columns the terminal has that this stream goes to, so far as is known here.
#[cfg(not(unix))]
pub fn width(stream: impl std::io::IsTerminal) -> Option<usize> {
    stream.is_terminal().then_some(USUAL_WIDTH)
}

/// Whether the terminal says of itself that it knows no escape sequences. Elsewhere than on Unix none says anything.
pub fn is_dumb(environment: &Environment) -> bool {
    cfg!(unix) && matches!(environment.get("TERM").unwrap_or_default().as_str(), "" | "dumb")
}

/// Whether standard input is a character device: a terminal, or `/dev/null`, which has nothing to say.
pub fn is_character_device() -> bool {
    #[cfg(unix)]
    return rustix::fs::fstat(std::io::stdin())
        .is_ok_and(|stat| rustix::fs::FileType::from_raw_mode(stat.st_mode) == rustix::fs::FileType::CharacterDevice);
    #[cfg(not(unix))]
    return std::io::IsTerminal::is_terminal(&std::io::stdin());
}

/// The terminal of standard input without echo, until this goes away. A signal that ends the program leaves it so, as with Helm: shells
/// set it right.
#[cfg(unix)]
pub struct Hidden(rustix::termios::Termios);

#[cfg(unix)]
impl Hidden {
    /// Turns the echo off. Errors: it cannot be turned off, so that nothing secret should be asked for.
    pub fn begin() -> std::io::Result<Hidden> {
        use rustix::termios::{InputModes, LocalModes, OptionalActions, tcgetattr, tcsetattr};
        let before = tcgetattr(std::io::stdin())?;
        let mut without = before.clone();
        without.local_modes.remove(LocalModes::ECHO);
        without.local_modes.insert(LocalModes::ICANON | LocalModes::ISIG);
        without.input_modes.insert(InputModes::ICRNL);
        tcsetattr(std::io::stdin(), OptionalActions::Now, &without)?;
        Ok(Hidden(before))
    }
}

#[cfg(unix)]
impl Drop for Hidden {
    fn drop(&mut self) {
        // A terminal that went away has no echo to be turned on.
        let _ = rustix::termios::tcsetattr(std::io::stdin(), rustix::termios::OptionalActions::Now, &self.0);
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    #[test]
    fn a_terminal_that_does_not_say_what_it_is_knows_no_escape_sequences() {
        for (term, want) in [(None, true), (Some(""), true), (Some("dumb"), true), (Some("xterm-256color"), false), (Some("vt100"), false)]
        {
            let variables = term.map(|term| ("TERM".to_string(), term.to_string()));
            assert_eq!(is_dumb(&Environment::of(variables.into_iter().collect::<BTreeMap<_, _>>())), want, "{term:?}");
        }
    }
}
