//! Watches how much memory the process takes while Jinja templates are rendered.
//!
//! Goes in: the limit, and the work. Comes out: what the work gives; the process ends with an error when it takes more. Jinja's
//! engine counts its steps, but a text that is joined to itself thirty times takes gigabytes in as many steps, and it cannot be
//! stopped from within.

use super::environment::Settings;
use super::exit::Exit;
use super::printer;
use super::session::Session;
use super::system::System;
use crate::diagnostic::Diagnostic;
use crate::error::{Error, ErrorKind, Result};
use crate::template::engine::{self, Environment};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

/// How often the memory is looked at: what is copied in that time takes far less than the limit.
const PERIOD: Duration = Duration::from_millis(5);

/// The limit, and how its error is shown.
pub struct Watch {
    limit: u64,
    settings: Settings,
}

impl Watch {
    /// For the templates of this run.
    ///
    /// # Errors
    /// A limit in the environment that is no number.
    pub fn new(session: &Session) -> Result<Watch> {
        let limit = session.environment.memory_limit()?.unwrap_or(engine::Options::default().memory_limit);
        Ok(Watch { limit, settings: session.settings.clone() })
    }

    /// Does `work`, which renders `what`.
    pub fn rendering<T>(&self, what: &str, work: impl FnOnce() -> T) -> T {
        let (working, done) = channel::<()>();
        let watch = move || {
            // The work ends by dropping its end of the channel.
            while matches!(done.recv_timeout(PERIOD), Err(RecvTimeoutError::Timeout)) {
                if System.memory().is_some_and(|memory| memory > self.limit) {
                    printer::print_error(&too_much(what, self.limit), &self.settings);
                    Exit::Failure.end();
                }
            }
        };
        thread::scope(|scope| {
            // If no thread starts, nothing is watched: the engine's own limits hold.
            let _ = thread::Builder::new().name("watch".into()).spawn_scoped(scope, watch);
            let outcome = work();
            drop(working);
            outcome
        })
    }
}

fn too_much(what: &str, limit: u64) -> Error {
    let headline = format!("failed to render {what}: the process takes more than {limit} bytes of memory");
    let more = limit.saturating_mul(4);
    let hints = vec![format!("what is so large, and no endless loop, may take more with RUTTER_MEMORY_LIMIT={more}")];
    Error::new(ErrorKind::Limit, headline.clone()).with_diagnostic(Diagnostic { headline, hints, ..Diagnostic::default() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_error_tells_how_to_allow_more() {
        let hints = too_much("v.yaml.j2", 1000).diagnostics().iter().flat_map(|diagnostic| diagnostic.hints.clone()).collect::<String>();
        assert!(hints.ends_with("RUTTER_MEMORY_LIMIT=4000"), "{hints}");
    }
}
