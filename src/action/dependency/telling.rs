//! Puts the messages of concurrent steps into the order of Helm, which runs the steps one by one.
//!
//! Goes in: the messages that come before each step, then the steps' outcomes and messages, in the order in which the
//! steps end. Comes out: all messages up to the first fault in step order, each as soon as it is its turn, and that fault.

use crate::diagnostic::Notice;
use crate::error::{Error, ErrorKind, Result};
use crate::repository::{Progress, Reporter};
use std::collections::HashMap;
use std::sync::Mutex;
use std::thread::ThreadId;

/// A message, and whether even a silent command prints it ([`Reporter::announce`]).
type Line = (bool, String);

/// A reporter that holds back the messages of threads inside [`Aside::listen`]; all others pass.
pub(super) struct Aside<'a> {
    reporter: &'a dyn Reporter,
    lines: Mutex<HashMap<ThreadId, Vec<Line>>>,
}

impl<'a> Aside<'a> {
    pub(super) fn new(reporter: &'a dyn Reporter) -> Aside<'a> {
        Aside { reporter, lines: Mutex::default() }
    }

    /// Runs `work` and returns the messages of this thread meanwhile.
    pub(super) fn listen<T>(&self, work: impl FnOnce() -> T) -> (Vec<Line>, T) {
        let thread = std::thread::current().id();
        if let Ok(mut lines) = self.lines.lock() {
            lines.insert(thread, Vec::new());
        }
        let result = work();
        (self.lines.lock().ok().and_then(|mut lines| lines.remove(&thread)).unwrap_or_default(), result)
    }

    /// Holds back the line if this thread is listened to; returns whether it did.
    fn keep(&self, always: bool, line: &str) -> bool {
        let Ok(mut lines) = self.lines.lock() else { return false };
        let kept = lines.get_mut(&std::thread::current().id());
        kept.map(|kept| kept.push((always, line.to_string()))).is_some()
    }
}

impl Reporter for Aside<'_> {
    fn say(&self, line: &str) {
        if !self.keep(false, line) {
            self.reporter.say(line);
        }
    }

    fn announce(&self, line: &str) {
        if !self.keep(true, line) {
            self.reporter.announce(line);
        }
    }

    fn notice(&self, notice: Notice) {
        self.reporter.notice(notice);
    }

    fn progress(&self, progress: &Progress) {
        self.reporter.progress(progress);
    }

    fn is_watched(&self) -> bool {
        self.reporter.is_watched()
    }
}

/// The steps and what is known of them so far.
pub(super) struct Telling<T> {
    /// The messages before each step; there is one entry per step.
    before: Vec<Vec<String>>,
    outcomes: Vec<Option<(Vec<Line>, Result<T>)>>,
    /// For how many steps the messages before them were reported, and for how many all messages were.
    begun: usize,
    ended: usize,
}

impl<T> Telling<T> {
    pub(super) fn new(before: Vec<Vec<String>>) -> Telling<T> {
        let outcomes = before.iter().map(|_| None).collect();
        Telling { before, outcomes, begun: 0, ended: 0 }
    }

    /// Records how step `at` ended.
    pub(super) fn end(&mut self, at: usize, said: Vec<Line>, outcome: Result<T>) {
        if let Some(slot) = self.outcomes.get_mut(at) {
            *slot = Some((said, outcome));
        }
    }

    /// Reports all messages whose turn has come.
    pub(super) fn go_on(&mut self, reporter: &dyn Reporter) {
        while let Some(before) = self.before.get(self.ended) {
            if self.begun == self.ended {
                before.iter().for_each(|line| reporter.say(line));
                self.begun += 1;
            }
            let Some(Some((said, outcome))) = self.outcomes.get_mut(self.ended) else { return };
            for (always, line) in std::mem::take(said) {
                if always { reporter.announce(&line) } else { reporter.say(&line) }
            }
            if outcome.is_err() {
                return;
            }
            self.ended += 1;
        }
    }

    /// Whether a step has failed, so that no further step need be started.
    pub(super) fn has_failed(&self) -> bool {
        self.outcomes.iter().flatten().any(|(_, outcome)| outcome.is_err())
    }

    /// The results of all steps, or the first fault.
    pub(super) fn results(self) -> Result<Vec<T>> {
        let missing = || Err(Error::new(ErrorKind::Io, "a download ended without a result"));
        self.outcomes.into_iter().map(|outcome| outcome.map_or_else(missing, |(_, outcome)| outcome)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::repository::Recorded;

    #[test]
    fn lines_come_in_the_order_of_the_steps_up_to_the_first_fault() {
        let recorded = Recorded::default();
        let mut telling = Telling::new(["a", "b", "c"].map(|line| vec![line.to_string()]).to_vec());
        telling.go_on(&recorded);
        telling.end(2, vec![(false, "c done".to_string())], Ok(()));
        telling.go_on(&recorded);
        assert_eq!(recorded.lines(), ["a"]);
        telling.end(0, vec![(true, "a done".to_string())], Ok(()));
        telling.go_on(&recorded);
        assert_eq!(recorded.lines(), ["a", "a done", "b"]);
        telling.end(1, Vec::new(), Err(Error::new(ErrorKind::Io, "no b")));
        telling.go_on(&recorded);
        telling.go_on(&recorded);
        assert_eq!(recorded.lines(), ["a", "a done", "b"]);
        assert_eq!(telling.results().map_err(|error| error.to_string()), Err("no b".to_string()));
    }
}
