//! How much memory the patterns of a schema take.
//!
//! Goes in: the patterns, one by one. Comes out: whether they are still small enough together. A pattern of eight letters
//! (`\\pL{99}`) takes megabytes once compiled, and the validator compiles and keeps all of them. Helm has no such limit; in Go
//! patterns are limited one by one.

use crate::regexp;
use regex_automata::nfa::thompson::{Config, NFA};
use std::collections::HashSet;

/// Most bytes of the automata of one schema's patterns. What is kept to search with them takes a few times as much.
pub(super) const LIMIT: usize = 64 << 20;
/// Patterns without counted repeats that take less by estimate are not measured.
const UNMEASURED: usize = LIMIT / 2;

/// How many bytes a pattern without counted repeats takes at most: classes of Unicode are the large parts.
fn estimate(pattern: &str) -> usize {
    let bytes = pattern.as_bytes();
    let sizes = bytes.iter().enumerate().map(|(at, byte)| match (byte, bytes.get(at + 1)) {
        (b'\\', Some(b'p' | b'P' | b'w' | b'W')) => 64 << 10,
        (b'\\', Some(b'd' | b'D' | b's' | b'S')) => 16 << 10,
        (b'[', Some(b'^')) | (b'.', _) => 2 << 10,
        _ => 256,
    });
    sizes.sum()
}

/// Adds up the memory of different patterns.
#[derive(Default)]
pub(super) struct Patterns<'a> {
    known: HashSet<&'a str, ahash::RandomState>,
    /// The estimates of those that were not measured.
    estimated: usize,
    bytes: usize,
}

impl<'a> Patterns<'a> {
    /// Adds a pattern; whether all of them are small enough. One that cannot be compiled takes nothing.
    pub(super) fn add(&mut self, pattern: &'a str) -> bool {
        if !self.known.insert(pattern) {
            return true;
        }
        let estimated = self.estimated.saturating_add(estimate(pattern));
        if !pattern.contains('{') && estimated <= UNMEASURED {
            self.estimated = estimated;
            return true;
        }
        // What is compiled in the end.
        let Ok(translated) = regexp::translate(pattern.as_bytes()) else { return true };
        let config = Config::new().nfa_size_limit(Some(LIMIT)).shrink(false);
        let memory = match NFA::compiler().configure(config).build(&translated.pattern) {
            Ok(automaton) => automaton.memory_usage(),
            Err(error) if error.size_limit().is_some() => LIMIT,
            Err(_) => 0,
        };
        self.bytes = self.bytes.saturating_add(memory);
        self.bytes < LIMIT
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_patterns_add_up() {
        let texts: Vec<String> = (0..1000).map(|number| format!("^{number}\\pL{{30}}$")).collect();
        let mut patterns = Patterns::default();
        let fits = texts.iter().position(|pattern| !patterns.add(pattern)).expect("a limit");
        assert!((20..500).contains(&fits), "{fits}");
        let texts: Vec<String> = (0..1000).map(|number| format!("^{number}\\Q.\\E\\pL{{30}}$")).collect();
        let mut patterns = Patterns::default();
        assert!(!texts.iter().all(|pattern| patterns.add(pattern)));
        // The same pattern counts once, and so do small ones.
        let mut patterns = Patterns::default();
        assert!((0..10_000).all(|_| patterns.add(&texts[0])));
        let small: Vec<String> = (0..10_000).map(|number| format!("^[a-z]{{1,63}}-{number}$")).collect();
        assert!(small.iter().all(|pattern| patterns.add(pattern)));
    }

    #[test]
    fn many_classes_are_measured() {
        let texts: Vec<String> = (0..20_000).map(|number| format!("{number}\\pL\\pL\\pL\\pL")).collect();
        let mut patterns = Patterns::default();
        assert!(texts.iter().any(|pattern| !patterns.add(pattern)));
        for class in [
            r"\pL",
            r"\PL",
            r"\p{Greek}",
            r"\w",
            r"\W",
            r"[^\w]",
            r"\d",
            r"\D",
            r"\s",
            r"\S",
            ".",
            "[^a-z]",
            "(?i)k",
            "(?i)[a-z]",
            "(ab|c)*",
        ] {
            let taken = NFA::new(class).expect("a pattern").memory_usage();
            assert!(taken < estimate(class) + 4000, "{class}: {taken} of {}", estimate(class));
        }
        let texts: Vec<String> = (0..20_000).map(|number| format!("^name-{number}$")).collect();
        let mut patterns = Patterns::default();
        assert!(texts.iter().all(|pattern| patterns.add(pattern)));
    }
}
