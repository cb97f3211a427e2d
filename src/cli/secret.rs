//! Passwords, passphrases and other answers from standard input or the terminal.
//!
//! Goes in: what to ask. Comes out: the answer without its line end. On a terminal the answer is not echoed
//! while it is typed; if the echo cannot be turned off, nothing is asked.

use super::session::Session;
use super::terminal;
use crate::error::{Error, ErrorKind, Result};
use crate::fs;
use crate::quote::quote;
use std::io::{BufRead, IsTerminal, Read};
use std::path::Path;

/// The longest secret, in bytes.
const LIMIT: u64 = 1 << 20;

/// All of standard input, without one line end.
pub fn from_stdin() -> Result<String> {
    let mut text = String::new();
    std::io::stdin().lock().take(LIMIT).read_to_string(&mut text).map_err(|error| fs::fault("read", Path::new("/dev/stdin"), &error))?;
    let text = text.strip_suffix('\n').unwrap_or(&text);
    Ok(text.strip_suffix('\r').unwrap_or(text).to_string())
}

/// The bytes of a file; `-` is standard input, which must not be a terminal or any other character device.
fn read(path: &str) -> Result<Vec<u8>> {
    if path != "-" {
        return fs::read_limited(Path::new(path), LIMIT);
    }
    if terminal::is_character_device() {
        return Err(Error::new(ErrorKind::Usage, "specified reading passphrase from stdin, without input on stdin"));
    }
    let mut bytes = Vec::new();
    let read = std::io::stdin().lock().take(LIMIT).read_to_end(&mut bytes);
    read.map_err(|error| fs::fault("read", Path::new("/dev/stdin"), &error))?;
    Ok(bytes)
}

/// Which part of a file is a passphrase.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// The first line, for `package`; an empty file is an error.
    FirstLine,
    /// All but the line ends at its end, for `plugin package`.
    Whole,
}

impl Part {
    fn of(self, bytes: &[u8]) -> Result<Vec<u8>> {
        let is_end = |byte: &u8| matches!(byte, b'\r' | b'\n');
        match self {
            // Go's line reader finds no line there.
            Part::FirstLine if bytes.is_empty() => Err(no_answer()),
            Part::FirstLine => {
                let line = bytes.split(|byte| *byte == b'\n').next().unwrap_or_default();
                Ok(line.strip_suffix(b"\r").unwrap_or(line).to_vec())
            }
            Part::Whole => {
                Ok(bytes.get(..bytes.iter().rposition(|byte| !is_end(byte)).map_or(0, |last| last + 1)).unwrap_or(bytes).to_vec())
            }
        }
    }
}

/// The passphrase that need not be typed: in the file, where one is named, else what `RUTTER_PASSPHRASE` holds. It is read once for all
/// that a run signs, since standard input can be read only once.
pub fn given_passphrase(file: Option<&str>, part: Part, session: &Session) -> Result<Option<Vec<u8>>> {
    match file.filter(|file| !file.is_empty()) {
        Some(file) => part.of(&read(file)?).map(Some),
        None => Ok(session.environment.get_filled("RUTTER_PASSPHRASE").map(String::into_bytes)),
    }
}

/// The passphrase of the key of this name: what was given, else what is typed.
pub fn passphrase(given: Option<&[u8]>, name: &str, session: &Session) -> Result<Vec<u8>> {
    match given {
        Some(given) => Ok(given.to_vec()),
        None => ask(&format!("Password for key {} >  ", quote(name)), session).map(String::into_bytes),
    }
}

/// Asks on the terminal with echo. The end of input is an error.
pub fn ask_openly(question: &str, session: &Session) -> Result<String> {
    ask_line(question, session)?.ok_or_else(no_answer)
}

/// Asks on the terminal with echo. `None` at the end of input.
pub fn ask_line(question: &str, session: &Session) -> Result<Option<String>> {
    session.print(question)?;
    line()
}

/// Asks on the terminal without echo. A newline is printed whether or not there is an answer.
pub fn ask(question: &str, session: &Session) -> Result<String> {
    let answer = hidden(question, session);
    session.print("\n")?;
    answer
}

/// The same, but without a newline if there is no answer.
pub fn ask_for_login(question: &str, session: &Session) -> Result<String> {
    let answer = hidden(question, session)?;
    session.print("\n")?;
    Ok(answer)
}

/// Reads an answer without echo. The end of input is an error.
fn hidden(question: &str, session: &Session) -> Result<String> {
    if !std::io::stdin().is_terminal() {
        session.print(question)?;
        return Err(Error::new(ErrorKind::Usage, "inappropriate ioctl for device"));
    }
    unseen_line(question, session)?.ok_or_else(no_answer)
}

/// The error of input that ended before an answer.
fn no_answer() -> Error {
    Error::new(ErrorKind::Usage, "EOF")
}

#[cfg(not(windows))]
fn unseen_line(question: &str, session: &Session) -> Result<Option<String>> {
    // Before the question, so that an answer typed immediately is not echoed either.
    let echo = super::terminal::Hidden::begin().map_err(|error| Error::new(ErrorKind::Io, fs::reason(&error)))?;
    session.print(question)?;
    let answer = line();
    drop(echo);
    answer
}

/// Reads the keys one by one. Where that is impossible, as in terminals that are pipes, the answer is echoed.
#[cfg(windows)]
fn unseen_line(question: &str, session: &Session) -> Result<Option<String>> {
    use console::{Key, Term};
    session.print(question)?;
    let mut text = String::new();
    let Some(terminal) = [Term::stdout(), Term::stderr()].into_iter().find(|terminal| terminal.features().is_attended()) else {
        return line();
    };
    loop {
        match terminal.read_key() {
            Ok(Key::Enter) => return Ok(Some(text)),
            Ok(Key::Backspace | Key::Char('\x08')) => drop(text.pop()),
            Ok(Key::Char(character)) => text.push(character),
            Ok(_) => {}
            Err(_) if text.is_empty() => return line(),
            Err(error) => return Err(fs::fault("read", Path::new("/dev/stdin"), &error)),
        }
    }
}

/// The typed line without its line end; `None` at the end of input.
fn line() -> Result<Option<String>> {
    let mut text = String::new();
    let read = std::io::stdin().lock().take(LIMIT).read_line(&mut text);
    let count = read.map_err(|error| fs::fault("read", Path::new("/dev/stdin"), &error))?;
    Ok((count > 0).then(|| text.trim_end_matches(['\r', '\n']).to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_holds_a_passphrase() {
        for (file, line, whole) in [
            ("a\n", Some("a"), "a"),
            ("a b\r\nc\r\n\n", Some("a b"), "a b\r\nc"),
            ("\n", Some(""), ""),
            ("\r\n", Some(""), ""),
            ("", None, ""),
            ("a", Some("a"), "a"),
        ] {
            assert_eq!(Part::FirstLine.of(file.as_bytes()).ok(), line.map(|line| line.as_bytes().to_vec()), "{file:?}");
            assert_eq!(Part::Whole.of(file.as_bytes()).ok(), Some(whole.as_bytes().to_vec()), "{file:?}");
        }
    }
}
