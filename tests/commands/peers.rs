//! Real programs as peers: found on the PATH or named by a variable, started on loopback, ended with the test. A test whose
//! peer is missing says so on standard error, past cargo's capture of output; where RUTTER_TEST_PEERS is `required` (CI
//! sets it once it has installed them) it fails instead.

use std::io::Write as _;
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A program of the PATH.
pub fn program(name: &str) -> Option<PathBuf> {
    let folders = std::env::var_os("PATH")?;
    let sbin = ["/usr/sbin", "/usr/local/sbin"].map(PathBuf::from);
    std::env::split_paths(&folders).chain(sbin).map(|folder| folder.join(name)).find(|path| path.is_file())
}

/// Whether all of these programs are there; if not, says that `test` is skipped.
pub fn have(test: &str, names: &[&str]) -> bool {
    let missing: Vec<&str> = names.iter().copied().filter(|name| program(name).is_none()).collect();
    if missing.is_empty() {
        return true;
    }
    skip(test, &format!("not installed: {}", missing.join(", ")));
    assert!(std::env::var_os("RUTTER_TEST_PEERS").is_none_or(|value| value != "required"), "{test}: no {}", missing.join(", "));
    false
}

/// One visible line for a test that does nothing here.
pub fn skip(test: &str, reason: &str) {
    // Written, not printed: cargo shows it although the test passes.
    let _ = writeln!(std::io::stderr(), "SKIPPED {test}: {reason}");
}

/// A port that nobody listens on.
pub fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a port").port()
}

/// Whether nobody listens on this port of the loopback address.
pub fn is_free(port: u16) -> bool {
    TcpListener::bind(("127.0.0.1", port)).is_ok()
}

/// A program that runs until the guard goes.
pub struct Running(Child);

impl Running {
    /// Starts the command, its output going to `log`, and waits until `port` answers.
    pub fn start(mut command: Command, port: u16, log: &Path) -> Running {
        let file = std::fs::File::create(log).expect("a log");
        let copy = file.try_clone().expect("a log");
        let child = command.stdin(Stdio::null()).stdout(file).stderr(copy).spawn().unwrap_or_else(|error| panic!("{command:?}: {error}"));
        let mut running = Running(child);
        let began = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            let text = || std::fs::read_to_string(log).unwrap_or_default();
            assert!(running.0.try_wait().expect("its state").is_none(), "{command:?} ended: {}", text());
            assert!(began.elapsed() < Duration::from_secs(30), "{command:?} does not listen: {}", text());
            std::thread::sleep(Duration::from_millis(20));
        }
        running
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
