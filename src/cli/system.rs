//! The clock, the random source, the resolver and the memory of this machine, for templates.
//!
//! Goes in: nothing. Comes out: the engine's [`Environment`]. Tests and embedders give the engine another one.

use crate::fs;
use crate::template::engine::Environment;
use std::net::ToSocketAddrs;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

/// This machine.
#[derive(Debug, Clone, Copy, Default)]
pub struct System;

impl Environment for System {
    #[expect(clippy::disallowed_methods, reason = "the clock enters here")]
    fn now(&self) -> i128 {
        match SystemTime::now().duration_since(UNIX_EPOCH) {
            Ok(after) => i128::try_from(after.as_nanos()).unwrap_or(i128::MAX),
            Err(before) => -i128::try_from(before.duration().as_nanos()).unwrap_or(i128::MAX),
        }
    }

    #[expect(clippy::panic, reason = "a machine without randomness must not make passwords; Go's crypto/rand ends the program too")]
    fn random(&mut self, bytes: &mut [u8]) {
        if let Err(error) = getrandom::fill(bytes) {
            panic!("the system's random source fails: {error}");
        }
    }

    fn resolve_host(&self, name: &str) -> Vec<String> {
        (name, 0).to_socket_addrs().map(|addresses| addresses.map(|address| address.ip().to_string()).collect()).unwrap_or_default()
    }

    #[expect(clippy::disallowed_methods, reason = "variables that a name template asks for enter here")]
    fn variable(&self, name: &str) -> Option<String> {
        std::env::var(name).ok()
    }

    fn memory(&self) -> Option<u64> {
        // Linux alone has this file: elsewhere the memory is not known, and steps alone limit it.
        memory_in(&fs::read_limited(Path::new("/proc/self/status"), 1 << 16).ok()?)
    }

    fn again(&self) -> Option<Box<dyn Environment>> {
        Some(Box::new(*self))
    }
}

/// The bytes in memory and in swap space that a `/proc/PID/status` tells of.
fn memory_in(status: &[u8]) -> Option<u64> {
    let status = str::from_utf8(status).ok()?;
    let bytes_of = |name: &str| -> Option<u64> {
        let line = status.lines().find_map(|line| line.strip_prefix(name))?;
        line.trim().strip_suffix(" kB")?.parse::<u64>().ok()?.checked_mul(1024)
    };
    Some(bytes_of("VmRSS:")? + bytes_of("VmSwap:").unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_read_from_the_status_of_the_process() {
        let status = b"Name:\trutter\nVmHWM:\t    9000 kB\nVmRSS:\t    8192 kB\nVmSwap:\t      16 kB\n";
        assert_eq!(memory_in(status), Some(8208 * 1024));
        assert_eq!(memory_in(b"VmRSS:\t    8192 kB\n"), Some(8192 * 1024));
        for unreadable in [&b""[..], b"VmRSS:\t kB\n", b"VmRSS:\t99999999999999999999 kB\n", b"VmRSS: \xff kB\n"] {
            assert_eq!(memory_in(unreadable), None);
        }
        if cfg!(target_os = "linux") {
            assert!(System.memory().is_some_and(|memory| memory > 1 << 20));
        }
    }
}
