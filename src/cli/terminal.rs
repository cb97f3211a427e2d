//! The terminal: its width, whether it knows escape sequences, and input without echo.
//!
//! Goes in: the standard streams and the variable `TERM`. Comes out: facts about the terminal, and with [`Hidden`] a terminal without
//! echo while that value lives (on Unix; Windows gives its keys one by one). Separate, because each system has its own calls for this;
//! without such calls the terminal is assumed to have the usual width. Follows `golang.org/x/term`, which Helm uses to ask for passwords.

use super::environment::Environment;

/// The assumed width of a terminal that does not report one, and of output to a pipe.
pub const USUAL_WIDTH: usize = 80;

/// The width in columns of the terminal behind this stream; `None` if it is not a terminal.
#[cfg(unix)]
pub fn width(stream: impl std::os::fd::AsFd) -> Option<usize> {
    let size = rustix::termios::tcgetwinsize(stream).ok()?;
    Some(usize::from(size.ws_col)).filter(|columns| *columns > 0)
}

/// The width in columns of the terminal behind this stream, which is only assumed on this system.
#[cfg(not(unix))]
pub fn width(stream: impl std::io::IsTerminal) -> Option<usize> {
    stream.is_terminal().then_some(USUAL_WIDTH)
}

/// Whether `TERM` says that the terminal knows no escape sequences. Only Unix has that variable.
pub fn is_dumb(environment: &Environment) -> bool {
    cfg!(unix) && matches!(environment.get("TERM").unwrap_or_default().as_str(), "" | "dumb")
}

/// Whether standard input is a character device: a terminal, or `/dev/null`, which holds no data.
pub fn is_character_device() -> bool {
    #[cfg(unix)]
    return rustix::fs::fstat(std::io::stdin())
        .is_ok_and(|stat| rustix::fs::FileType::from_raw_mode(stat.st_mode) == rustix::fs::FileType::CharacterDevice);
    #[cfg(not(unix))]
    return std::io::IsTerminal::is_terminal(&std::io::stdin());
}

/// Turns off the echo of the terminal on standard input until dropped. A signal that ends the program leaves
/// the echo off, as with Helm: shells turn it on again.
#[cfg(unix)]
pub struct Hidden(rustix::termios::Termios);

#[cfg(unix)]
impl Hidden {
    /// Turns the echo off. If that fails, nothing secret should be asked for.
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
        // A terminal that is gone needs no echo.
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
