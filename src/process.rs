//! What programs print that rutter starts.
//!
//! Goes in: a started program whose standard output is piped. Comes out: how it ended and what it printed, or that it prints too
//! much. Used for credential helpers, getters and post-renderers.

use std::io::{self, Read};
use std::process::{Child, ExitStatus};

/// How a program ended, and what it printed.
pub(crate) struct Output {
    pub(crate) status: ExitStatus,
    pub(crate) stdout: Vec<u8>,
}

/// Waits for `child`, which prints at most `limit` bytes: one that prints more is killed, and there is no output.
///
/// # Errors
/// When its output cannot be read, or the system does not say how it ended.
pub(crate) fn output(mut child: Child, limit: u64) -> io::Result<Option<Output>> {
    // A program that waits for input gets none any more.
    drop(child.stdin.take());
    let mut stdout = Vec::new();
    let read = child.stdout.take().map_or(Ok(0), |pipe| pipe.take(limit.saturating_add(1)).read_to_end(&mut stdout));
    if stdout.len() as u64 > limit {
        // How it ends does not matter any more.
        let _ = child.kill();
        let _ = child.wait();
        return Ok(None);
    }
    let status = child.wait()?;
    read?;
    Ok(Some(Output { status, stdout }))
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use std::process::{Command, Stdio};

    fn run(script: &str, limit: u64) -> Option<Output> {
        let child = Command::new("sh").args(["-c", script]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("a shell");
        output(child, limit).expect("it ends")
    }

    #[test]
    fn who_prints_without_end_is_stopped() {
        assert!(run("while :; do echo 0123456789; done", 1000).is_none());
        assert!(run("printf 12345", 4).is_none());
        let whole = run("read line; printf 1234; exit 3", 4).expect("it fits");
        assert_eq!((whole.stdout.as_slice(), whole.status.code()), (&b"1234"[..], Some(3)));
    }
}
