//! How much memory the patterns of a schema take.
//!
//! Goes in: the patterns, one by one. Comes out: whether they are still small enough together. A pattern of eight letters
//! (`\\pL{99}`) takes megabytes once compiled, and the validator compiles and keeps all of them. Helm has no such limit; in Go
//! patterns are limited one by one.

use regex_automata::nfa::thompson::{Config, NFA};
use std::collections::HashSet;

/// Most bytes of the automata of one schema's patterns. What is kept to search with them takes a few times as much.
const LIMIT: usize = 128 << 20;
/// Without a counted repeat, no letter of a pattern takes more bytes.
const BYTES_OF_A_LETTER: usize = 16 << 10;
/// Patterns of so many letters without counted repeats are within the limit, and not measured.
const UNMEASURED: usize = LIMIT / 4 / BYTES_OF_A_LETTER;

/// Adds up the memory of different patterns.
#[derive(Default)]
pub(super) struct Patterns<'a> {
    known: HashSet<&'a str, ahash::RandomState>,
    /// The letters that were not measured.
    letters: usize,
    bytes: usize,
}

impl<'a> Patterns<'a> {
    /// Adds a pattern; whether all of them are small enough. One that cannot be compiled takes nothing.
    pub(super) fn add(&mut self, pattern: &'a str) -> bool {
        if !self.known.insert(pattern) {
            return true;
        }
        let letters = self.letters.saturating_add(pattern.len());
        if !pattern.contains('{') && letters <= UNMEASURED {
            self.letters = letters;
            return true;
        }
        let config = Config::new().nfa_size_limit(Some(LIMIT)).shrink(false);
        let memory = match NFA::compiler().configure(config).build(pattern) {
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
        // The same pattern counts once, and so do small ones.
        let mut patterns = Patterns::default();
        assert!((0..10_000).all(|_| patterns.add(&texts[0])));
        let small: Vec<String> = (0..10_000).map(|number| format!("^[a-z]{{1,63}}-{number}$")).collect();
        assert!(small.iter().all(|pattern| patterns.add(pattern)));
    }

    #[test]
    fn many_letters_are_measured() {
        let texts: Vec<String> = (0..20_000).map(|number| format!("{number}\\pL\\pL\\pL\\pL")).collect();
        let mut patterns = Patterns::default();
        assert!(texts.iter().any(|pattern| !patterns.add(pattern)));
        let letter = NFA::new("\\pL").expect("a pattern").memory_usage();
        assert!(letter < 3 * BYTES_OF_A_LETTER, "{letter}");
        let texts: Vec<String> = (0..20_000).map(|number| format!("^name-{number}$")).collect();
        let mut patterns = Patterns::default();
        assert!(texts.iter().all(|pattern| patterns.add(pattern)));
    }
}
