//! The clock, the random source and the resolver of this machine, for templates.
//!
//! Goes in: nothing. Comes out: the engine's [`Environment`]. Tests and embedders give the engine another one.

use crate::template::engine::Environment;
use std::net::ToSocketAddrs;
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

    fn again(&self) -> Option<Box<dyn Environment>> {
        Some(Box::new(*self))
    }
}
