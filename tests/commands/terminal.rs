//! The command at a terminal, which is a pseudo-terminal here: what is asked, what is shown while it is typed, and how wide it all is.

use super::{folder, rutter};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{LocalModes, Winsize, tcgetattr, tcsetwinsize};
use std::fs::File;
use std::io::{Read, Write};
use std::path::Path;
use std::process::{Child, Command};

/// A run at a terminal of its own.
struct Terminal {
    child: Child,
    master: File,
    seen: String,
}

impl Terminal {
    /// Starts the command at a terminal that is so many columns wide.
    fn start(mut command: Command, columns: u16) -> Terminal {
        let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("a terminal");
        grantpt(&master).and_then(|()| unlockpt(&master)).expect("a terminal of one's own");
        let name = ptsname(&master, Vec::new()).expect("its name").into_string().expect("UTF-8");
        tcsetwinsize(&master, Winsize { ws_row: 24, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 }).expect("a size");
        let end = File::options().read(true).write(true).open(name).expect("its other end");
        let copy = || end.try_clone().expect("a copy");
        let child = command.stdin(copy()).stdout(copy()).stderr(copy()).spawn().expect("the binary runs");
        Terminal { child, master: master.into(), seen: String::new() }
    }

    /// Waits until this has been shown.
    fn expect(&mut self, text: &str) -> &mut Terminal {
        let mut buffer = [0; 4096];
        while !self.seen.contains(text) {
            let count = self.master.read(&mut buffer).unwrap_or(0);
            assert!(count > 0, "ended without {text:?}: {:?}", self.seen);
            self.seen.push_str(&String::from_utf8_lossy(&buffer[..count]));
        }
        self
    }

    /// Whether what is typed is shown.
    fn shows(&self) -> bool {
        tcgetattr(&self.master).expect("modes").local_modes.contains(LocalModes::ECHO)
    }

    fn send(&mut self, text: &str) -> &mut Terminal {
        self.master.write_all(text.as_bytes()).expect("typing");
        self
    }

    /// How it ended, and all that was shown.
    fn end(mut self) -> (i32, String) {
        let mut buffer = [0; 4096];
        while let Ok(count @ 1..) = self.master.read(&mut buffer) {
            self.seen.push_str(&String::from_utf8_lossy(&buffer[..count]));
        }
        (self.child.wait().expect("an end").code().unwrap_or(-1), self.seen)
    }
}

fn at_terminal(home: &Path, words: &[&str]) -> Terminal {
    let mut command = rutter(home);
    command.args(words).current_dir(home).env("TERM", "dumb").env("RUTTER_ERROR_FORMAT", "helm");
    // No `stty` is to be found.
    command.env("PATH", home);
    Terminal::start(command, 80)
}

/// Ctrl-D.
const END: &str = "\x04";

#[test]
fn what_is_secret_is_not_shown_and_the_end_of_input_is_no_password() {
    let (_guard, home) = folder();
    for (words, question, answer) in [
        (&["registry", "login", "-u", "ann", "127.0.0.1:1"][..], "Password: ", "Password: Error: EOF\r\n"),
        (&["repo", "add", "x", "http://127.0.0.1:1", "--username", "ann"], "Password: ", "Password: \r\nError: EOF\r\n"),
    ] {
        let mut terminal = at_terminal(&home, words);
        assert!(!terminal.expect(question).shows(), "{words:?}");
        terminal.send(END);
        assert!(terminal.expect("EOF").shows(), "{words:?}");
        assert_eq!(terminal.end(), (1, answer.to_string()), "{words:?}");
    }
    let mut terminal = at_terminal(&home, &["registry", "login", "-u", "ann", "127.0.0.1:1"]);
    terminal.expect("Password: ").send("geheim\r");
    assert!(!terminal.end().1.contains("geheim"));
}

#[test]
fn a_user_of_blanks_is_asked_for_a_token() {
    let (_guard, home) = folder();
    let mut terminal = at_terminal(&home, &["registry", "login", "127.0.0.1:1"]);
    terminal.expect("Username: ").send("  \r").expect("Token: ").send("\r");
    assert_eq!(terminal.end(), (1, "Username:   \r\nToken: \r\nError: token required\r\n".to_string()));
}

#[test]
fn a_starter_wants_an_answer_where_there_is_no_default() {
    let (_guard, home) = folder();
    let starter = home.join("starter");
    std::fs::create_dir(&starter).expect("a folder");
    std::fs::write(starter.join("starter.yaml"), "questions:\n- {name: team}\n- {name: port, type: int, default: 80}\n").expect("a file");
    std::fs::write(starter.join("values.yaml.jinja"), "team: <%= team %>\nport: <%= port %>\n").expect("a file");
    let words = ["create", "shop", "--starter", starter.to_str().expect("UTF-8")];
    let mut terminal = at_terminal(&home, &words);
    terminal.expect("team: ").send("\r").expect("`team` has no default: an answer is required\r\nteam: ").send("blue\r");
    let (code, seen) = {
        terminal.expect("port [80]: ").send(END);
        terminal.end()
    };
    assert_eq!(code, 1, "{seen}");
    assert!(seen.ends_with("Error: EOF: no answer to `port`, so nothing was made\r\n"), "{seen}");
    assert!(!home.join("shop").exists());
    let mut terminal = at_terminal(&home, &words);
    terminal.expect("team: ").send("blue\r").expect("port [80]: ").send("\r");
    assert_eq!(terminal.end().0, 0);
    let values = std::fs::read_to_string(home.join("shop/values.yaml")).expect("values");
    assert_eq!(values, "team: blue\nport: 80\n");
}

#[test]
fn a_device_without_input_gives_no_passphrase() {
    let (_guard, home) = folder();
    let mut command = rutter(&home);
    command.args(["package", "charts-examples/web-service", "--sign", "--key", "adam@", "--keyring", "testdata/provenance/locked.sec"]);
    command.args(["--passphrase-file", "-", "-d"]).arg(&home).stdin(std::process::Stdio::null());
    let output = command.output().expect("the binary runs");
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(error, "Error: specified reading passphrase from stdin, without input on stdin\n");
}
