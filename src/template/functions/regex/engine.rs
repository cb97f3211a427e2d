//! Compiled patterns and their searches, with a limit on the work and the memory of both.
//!
//! Goes in: patterns in Go's syntax, texts. Comes out: the places of matches. It is apart because only this module names the engine
//! (regex-automata, which the `regex` crate wraps): it tells how much memory a pattern takes, and its automaton how far a search
//! looks. Compiled patterns are kept per thread, since charts use the same ones thousands of times. For ASCII texts, all that no
//! such text can match is removed first: a class such as `\pL` then takes a hundredth of the time and memory.

use crate::regexp;
use crate::template::functions::{Fault, unicode};
use crate::template::work;
use regex_automata::hybrid::dfa::{Cache as LazyCache, DFA};
use regex_automata::meta::{Cache, Config, Regex};
use regex_automata::nfa::thompson::{self, WhichCaptures};
use regex_automata::util::captures::Captures;
use regex_automata::util::syntax;
use regex_automata::{Input, MatchKind};
use regex_syntax::hir::{Capture, Class, ClassUnicode, ClassUnicodeRange, Hir, HirKind, Look, Repetition};
use std::borrow::Cow;
use std::cell::{OnceCell, RefCell};
use std::collections::HashMap;
use std::ops::Deref;
use std::rc::Rc;

/// Patterns kept per thread; when there are more, or when they take more memory, all but the largest are dropped.
const MOST_KEPT: usize = 512;
const MOST_BYTES_KEPT: usize = 32 << 20;
/// Most bytes a compiled pattern may take.
const PROGRAM_LIMIT: usize = 64 << 20;
/// Longest pattern: longer ones may take seconds to compile.
const LENGTH_LIMIT: usize = 256 << 10;
/// Deepest nesting of the translated pattern; Go's own limit of 1000 is exceeded first.
const NESTING_LIMIT: u32 = 8000;

/// The steps of compiling the smallest pattern.
const COMPILING: u64 = 50;
/// How many bytes a search looks at in one step, with a pattern of one state.
const SEARCHED: u64 = 64;
/// How many positions of groups are copied in the time that a place of a pattern is followed.
const COPIED: u64 = 64;
/// How many places of a pattern a class of characters counts as, at most.
const WIDEST_CLASS: u64 = 8;
/// The bytes that the searches of one call may look at before they are measured.
const UNMEASURED: u64 = 1 << 20;
/// The steps that a search without a match may take before it is measured, if it can only match at the start.
const UNMEASURED_STEPS: u64 = 1000;

/// A text to search. Each byte that is not UTF-8 is searched as U+FFFD; matches have positions in the original bytes.
pub(super) struct Subject<'a> {
    bytes: &'a [u8],
    is_ascii: bool,
    pub(super) text: Cow<'a, str>,
    /// For texts that are not UTF-8: the positions in `text` behind each wrong byte.
    replaced: Vec<usize>,
}

impl<'a> Subject<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Subject<'a> {
        if let Ok(text) = std::str::from_utf8(bytes) {
            return Subject { bytes, is_ascii: bytes.is_ascii(), text: Cow::Borrowed(text), replaced: Vec::new() };
        }
        let mut text = String::with_capacity(bytes.len() + 8);
        let mut replaced = Vec::new();
        for item in unicode::runes(bytes) {
            text.push(item.rune);
            if item.rune == unicode::REPLACEMENT && item.width == 1 {
                replaced.push(text.len());
            }
        }
        Subject { bytes, is_ascii: false, text: Cow::Owned(text), replaced }
    }

    /// The bytes between two positions of the searched text.
    pub(super) fn part(&self, from: usize, to: usize) -> &'a [u8] {
        // Each wrong byte is two bytes longer in the searched text.
        let original = |at: usize| at - 2 * self.replaced.partition_point(|&behind| behind <= at);
        self.bytes.get(original(from)..original(to)).unwrap_or_default()
    }

    pub(super) fn width_at(&self, at: usize) -> usize {
        self.text.get(at..).and_then(|rest| rest.chars().next()).map_or(0, char::len_utf8)
    }
}

/// A compiled pattern.
pub(super) struct Pattern {
    pub(super) source: Vec<u8>,
    /// The names of the groups from group 1 on, empty if they have none.
    pub(super) names: Vec<Vec<u8>>,
    regex: Regex,
    is_ascii: bool,
    /// How many places of the pattern a search may have to follow for one byte, roughly.
    width: u64,
    /// Whether matches begin at the start of the text only: a search that cannot match ends early.
    is_anchored: bool,
    cache: RefCell<Cache>,
    gauge: OnceCell<Option<Gauge>>,
}

/// The error text of a pattern that does not compile, or a limit.
pub(super) enum Refusal {
    /// In Go's words: `error parsing regexp: …`.
    Syntax(String),
    Limit(Fault),
}

impl From<String> for Refusal {
    fn from(text: String) -> Refusal {
        Refusal::Syntax(text)
    }
}

impl From<Fault> for Refusal {
    fn from(fault: Fault) -> Refusal {
        Refusal::Limit(fault)
    }
}

impl Pattern {
    /// Compiles a pattern for texts that are ASCII, or for any.
    pub(super) fn new(source: &[u8], is_ascii: bool) -> Result<Pattern, Refusal> {
        if source.len() > LENGTH_LIMIT {
            return Err(Refusal::Syntax(format!("error parsing regexp: expression of {} bytes is too large", source.len())));
        }
        // A class of three characters takes as long to parse as a word.
        work::charge_once(COMPILING + 2 * source.len() as u64)?;
        let (hir, names) = parse(source, is_ascii)?;
        // Outside of ASCII, a range takes a few states for the bytes of its characters.
        let ranges = |class: &ClassUnicode| class.ranges().iter().map(|range| if range.end().is_ascii() { 1 } else { 4 }).sum();
        work::charge_once(states(&hir, &ranges).min(PROGRAM_LIMIT as u64 / 64))?;
        // A character is in one range at most, but outside of ASCII the automata of large classes grow too large to be kept.
        let width = if is_ascii { states(&hir, &|_| 1) } else { states(&hir, &|class| ranges(class).min(WIDEST_CLASS)) };
        let is_anchored = hir.properties().look_set_prefix().contains(Look::Start);
        let config = Config::new().nfa_size_limit(Some(PROGRAM_LIMIT)).utf8_empty(!is_ascii);
        let regex = Regex::builder().configure(config).build_from_hir(&hir);
        let regex = regex.map_err(|_| too_large(source))?;
        // Some searches keep eight bytes for each position of a group in each state, which has about this size.
        if (regex.memory_usage() as u64 / 64).saturating_mul(8 * slots(names.len())) > PROGRAM_LIMIT as u64 {
            return Err(Refusal::Syntax(too_large(source)));
        }
        let cache = RefCell::new(regex.create_cache());
        let source = source.to_vec();
        Ok(Pattern { source, names, regex, is_ascii, width, is_anchored, cache, gauge: OnceCell::new() })
    }

    /// The memory it takes now: searches make automata as they go.
    fn bytes(&self) -> usize {
        let gauge = self.gauge.get().and_then(Option::as_ref).map_or(0, Gauge::bytes);
        self.source.len() + self.regex.memory_usage() + self.cache.borrow().memory_usage() + gauge
    }

    /// An automaton of its own for measuring searches; `None` if there is none for this pattern.
    fn gauge(&self) -> Option<&Gauge> {
        self.gauge.get_or_init(|| Gauge::new(&parse(&self.source, self.is_ascii).ok()?.0, self.is_ascii)).as_ref()
    }
}

/// How many positions a match with so many groups has: the start and the end of each, and its own.
fn slots(groups: usize) -> u64 {
    2 * (groups as u64 + 1)
}

fn too_large(source: &[u8]) -> String {
    regexp::fault("expression too large", source)
}

/// The pattern as a tree, and the names of its groups.
fn parse(source: &[u8], is_ascii: bool) -> Result<(Hir, Vec<Vec<u8>>), String> {
    let translated = regexp::translate(source)?;
    let config = syntax::Config::new().nest_limit(NESTING_LIMIT);
    let hir = syntax::parse_with(&translated.pattern, &config).map_err(|_| too_large(source))?;
    Ok((if is_ascii { within_ascii(hir) } else { hir }, translated.names))
}

/// Patterns by their source.
type Patterns = HashMap<Vec<u8>, Rc<Pattern>>;

/// The patterns of a thread.
#[derive(Default)]
struct Kept {
    /// Those for any text, and those for ASCII.
    patterns: [Patterns; 2],
    /// The memory of those added since room was made.
    bytes: usize,
}

impl Kept {
    /// Drops all but the largest pattern: one that alone takes all the room would be compiled again for each use.
    fn make_room(&mut self) {
        let all = self.patterns.iter_mut().enumerate().flat_map(|(which, patterns)| patterns.drain().map(move |entry| (which, entry)));
        // Of equally large ones, the same stays in every run: what is compiled again counts as steps.
        let order = |which: usize, source: &[u8], pattern: &Pattern| (pattern.bytes(), which, source.to_vec());
        let largest = all.max_by_key(|(which, (source, pattern))| order(*which, source, pattern));
        *self = Kept::default();
        if let Some((which, (source, pattern))) = largest {
            self.patterns[which].insert(source, pattern);
        }
    }
}

thread_local! {
    static KEPT: RefCell<Kept> = RefCell::default();
}

/// A pattern in use.
pub(super) struct Used {
    pattern: Rc<Pattern>,
    /// The memory it took before.
    bytes: usize,
}

impl Deref for Used {
    type Target = Pattern;

    fn deref(&self) -> &Pattern {
        &self.pattern
    }
}

impl Drop for Used {
    fn drop(&mut self) {
        let now = self.pattern.bytes();
        KEPT.with_borrow_mut(|kept| kept.bytes = (kept.bytes + now).saturating_sub(self.bytes));
    }
}

/// The pattern compiled for this text.
pub(super) fn compile(source: &[u8], subject: &Subject) -> Result<Used, Refusal> {
    let which = usize::from(subject.is_ascii);
    if let Some(pattern) = KEPT.with_borrow(|kept| kept.patterns[which].get(source).cloned()) {
        let bytes = pattern.bytes();
        return Ok(Used { pattern, bytes });
    }
    let pattern = Rc::new(Pattern::new(source, subject.is_ascii)?);
    KEPT.with_borrow_mut(|kept| {
        if kept.patterns[which].len() >= MOST_KEPT || kept.bytes > MOST_BYTES_KEPT {
            kept.make_room();
        }
        kept.patterns[which].insert(source.to_vec(), pattern.clone());
    });
    Ok(Used { pattern, bytes: 0 })
}

/// Forgets all patterns of this thread: what a render counts must not depend on the one before.
pub(crate) fn forget() {
    KEPT.with_borrow_mut(|kept| *kept = Kept::default());
}

/// The memory of the patterns of this thread.
#[cfg(test)]
pub(super) fn kept_bytes() -> usize {
    KEPT.with_borrow(|kept| kept.patterns.iter().flat_map(Patterns::values).map(|pattern| pattern.bytes()).sum())
}

/// The pattern without what no ASCII text can match.
fn within_ascii(hir: Hir) -> Hir {
    match hir.into_kind() {
        HirKind::Empty => Hir::empty(),
        HirKind::Literal(literal) if literal.0.is_ascii() => Hir::literal(literal.0),
        HirKind::Literal(_) => Hir::fail(),
        HirKind::Class(Class::Unicode(mut class)) => {
            class.intersect(&ClassUnicode::new([ClassUnicodeRange::new('\0', '\x7f')]));
            Hir::class(Class::Unicode(class))
        }
        HirKind::Class(class) => Hir::class(class),
        HirKind::Look(look) => Hir::look(look),
        HirKind::Repetition(repetition) => {
            let sub = Box::new(within_ascii(*repetition.sub));
            Hir::repetition(Repetition { min: repetition.min, max: repetition.max, greedy: repetition.greedy, sub })
        }
        HirKind::Capture(capture) => {
            let sub = Box::new(within_ascii(*capture.sub));
            Hir::capture(Capture { index: capture.index, name: capture.name, sub })
        }
        HirKind::Concat(parts) => Hir::concat(parts.into_iter().map(within_ascii).collect()),
        HirKind::Alternation(parts) => Hir::alternation(parts.into_iter().map(within_ascii).collect()),
    }
}

/// How many states the pattern has once compiled, roughly; `of_class` tells those of a class.
fn states(hir: &Hir, of_class: &dyn Fn(&ClassUnicode) -> u64) -> u64 {
    let of = |hir: &Hir| states(hir, of_class);
    let of_all = |parts: &[Hir]| parts.iter().map(of).fold(1, u64::saturating_add);
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => 1,
        HirKind::Literal(literal) => literal.0.len() as u64,
        HirKind::Class(Class::Unicode(class)) => of_class(class),
        HirKind::Class(Class::Bytes(class)) => class.ranges().len() as u64,
        HirKind::Repetition(repetition) => {
            let times = u64::from(repetition.max.unwrap_or(repetition.min).max(1));
            of(&repetition.sub).saturating_mul(times).saturating_add(1)
        }
        HirKind::Capture(capture) => of(&capture.sub).saturating_add(2),
        HirKind::Concat(parts) | HirKind::Alternation(parts) => of_all(parts),
    }
}

/// Tells how far a search looks: behind its match, as long as a longer one is possible.
struct Gauge {
    dfa: DFA,
    cache: RefCell<LazyCache>,
}

impl Gauge {
    fn new(hir: &Hir, is_ascii: bool) -> Option<Gauge> {
        let config = thompson::Config::new().utf8(!is_ascii).nfa_size_limit(Some(PROGRAM_LIMIT)).which_captures(WhichCaptures::None);
        let nfa = thompson::Compiler::new().configure(config).build_from_hir(hir).ok()?;
        let config = DFA::config().match_kind(MatchKind::LeftmostFirst);
        let dfa = DFA::builder().configure(config).build_from_nfa(nfa).ok()?;
        let cache = RefCell::new(dfa.create_cache());
        Some(Gauge { dfa, cache })
    }

    fn bytes(&self) -> usize {
        self.dfa.memory_usage() + self.cache.borrow().memory_usage()
    }

    /// How many bytes a search from `at` on looks at, at most `most`.
    fn measure(&self, text: &str, at: usize, most: usize) -> Option<usize> {
        let mut cache = self.cache.borrow_mut();
        let mut state = self.dfa.start_state_forward(&mut cache, &Input::new(text).span(at..text.len())).ok()?;
        let rest = text.as_bytes().get(at..)?;
        for (looked, byte) in rest.iter().take(most).enumerate() {
            state = self.dfa.next_state(&mut cache, state, *byte).ok()?;
            if state.is_dead() {
                return Some(looked + 1);
            }
            if state.is_quit() {
                return None;
            }
        }
        Some(rest.len().min(most))
    }
}

/// The searches of one call, which count their work.
pub(super) struct Searches<'a> {
    pattern: &'a Pattern,
    text: &'a str,
    /// The bytes behind the starts of all searches.
    behind: u64,
    /// How many times the work of a search without groups it takes to copy the positions of groups.
    copies: u64,
}

impl<'a> Searches<'a> {
    pub(super) fn new(pattern: &'a Pattern, subject: &'a Subject) -> Searches<'a> {
        Searches { pattern, text: &subject.text, behind: 0, copies: 1 }
    }

    /// Whether there is a match anywhere.
    pub(super) fn is_match(&mut self) -> Result<bool, Fault> {
        self.check(0)?;
        let input = Input::new(self.text).earliest(true);
        let found = self.pattern.regex.search_half_with(&mut self.pattern.cache.borrow_mut(), &input);
        self.count(0, found.map(|found| found.offset()))?;
        Ok(found.is_some())
    }

    /// The start and end of the first match from `at` on.
    pub(super) fn find_at(&mut self, at: usize) -> Result<Option<(usize, usize)>, Fault> {
        self.check(at)?;
        let input = Input::new(self.text).span(at..self.text.len());
        let found = self.pattern.regex.search_with(&mut self.pattern.cache.borrow_mut(), &input);
        self.count(at, found.map(|found| found.end()))?;
        Ok(found.map(|found| (found.start(), found.end())))
    }

    /// Room for the positions of the groups, which searches copy from now on.
    pub(super) fn locations(&mut self) -> Locations {
        self.copies = 1 + slots(self.pattern.names.len()) / COPIED;
        Locations(self.pattern.regex.create_captures())
    }

    /// As [`Searches::find_at`], with the positions of the groups.
    pub(super) fn captures_at(&mut self, locations: &mut Locations, at: usize) -> Result<Option<(usize, usize)>, Fault> {
        self.check(at)?;
        let input = Input::new(self.text).span(at..self.text.len());
        self.pattern.regex.search_captures_with(&mut self.pattern.cache.borrow_mut(), &input, &mut locations.0);
        let found = locations.get(0);
        self.count(at, found.map(|(_, end)| end))?;
        work::charge(locations.0.slots().len() as u64)?;
        Ok(found)
    }

    /// Refuses a search from `at` on that may take more steps than a whole render has: what it does is counted behind it only.
    fn check(&self, at: usize) -> Result<(), Fault> {
        let rest = self.text.len().saturating_sub(at);
        if self.pattern.is_anchored && work::check(self.steps(rest)).is_err() {
            let steps = self.steps(self.measured(at));
            // Measuring takes as long.
            return work::check(steps).or_else(|_| work::charge(steps));
        }
        work::check(self.steps(rest))
    }

    /// How many bytes a search from `at` on looks at; once they are more than a whole render may look at, they are not counted on.
    fn measured(&self, at: usize) -> usize {
        let of_one = self.pattern.width.saturating_mul(self.copies).max(1);
        let most = usize::try_from(work::allowed().saturating_mul(SEARCHED) / of_one + 1).unwrap_or(usize::MAX);
        self.pattern.gauge().and_then(|gauge| gauge.measure(self.text, at, most)).unwrap_or(self.text.len().saturating_sub(at))
    }

    /// The steps of looking at so many bytes.
    fn steps(&self, looked: usize) -> u64 {
        1 + (looked as u64).saturating_mul(self.pattern.width).saturating_mul(self.copies) / SEARCHED
    }

    /// Counts a search from `at` on that found a match with this end. It may have looked at all that follows: if that adds up, it
    /// is measured.
    fn count(&mut self, at: usize, end: Option<usize>) -> Result<(), Fault> {
        let rest = self.text.len().saturating_sub(at);
        self.behind = self.behind.saturating_add(rest as u64);
        let looked = match end {
            None if self.pattern.is_anchored && self.steps(rest) > UNMEASURED_STEPS => self.measured(at),
            None => rest,
            Some(end) if self.behind <= UNMEASURED => end.saturating_sub(at) + rest / 16,
            Some(_) => self.measured(at),
        };
        work::charge(self.steps(looked))
    }
}

/// The positions of a match's groups.
pub(super) struct Locations(Captures);

impl Locations {
    pub(super) fn get(&self, group: usize) -> Option<(usize, usize)> {
        self.0.get_group(group).map(|span| (span.start, span.end))
    }
}
