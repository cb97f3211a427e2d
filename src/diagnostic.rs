//! What went wrong, where, and how to fix it, as data.
//!
//! Goes in: facts from any layer. Comes out: diagnostics and notices as data. Nothing is printed here; `cli::printer` renders a
//! diagnostic for people, in Helm's words, or as JSON. Notices are what Helm logs on standard error while it goes on (its slog
//! lines).

use std::sync::Arc;

/// A place in a file of a chart or in a values file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Location {
    /// As Helm names it: `chart/templates/x.yaml`, or the path that was given on the command line.
    pub file: String,
    /// From 1.
    pub line: usize,
    /// Bytes from the start of the line, from 0 (as in Go's messages); `None` where only the line is known.
    pub column: Option<usize>,
}

/// One step on the way to a fault: the include, template or tpl call that led to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    /// The place of the calling node.
    pub location: Location,
    /// The template that was executing, as in `executing "chart.labels"`.
    pub template: String,
    /// The source text of the node, as in `at <include "x" .>`.
    pub node: String,
}

/// One fault, complete enough to be shown in any format.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Diagnostic {
    /// What is wrong, in one line; holds Helm's core message.
    pub headline: String,
    /// The place; `None` when the fault belongs to no file and line.
    pub location: Option<Location>,
    /// The text given to `tpl`, if `location` or a frame lies in one (the innermost such text): no file holds it.
    pub text: Option<Arc<[u8]>>,
    /// The text of the line at `location`, without its end.
    pub source_line: Option<String>,
    /// The source text of the node that failed, empty when there is none.
    pub node: String,
    /// How many bytes from the column on to mark; 0 and 1 both mean one.
    pub span: usize,
    /// Outermost call first; the last one is the innermost before `location`.
    pub frames: Vec<Frame>,
    /// Facts that help, such as what the value was and where it came from.
    pub notes: Vec<String>,
    /// How to fix it.
    pub hints: Vec<String>,
}

/// The severity of a notice: Helm's slog levels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    Debug,
    Info,
    Warn,
    Error,
}

/// A message that does not stop the work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    pub level: Level,
    /// The `msg` of the line.
    pub message: String,
    /// Further `key=value` pairs of the line, in order.
    pub attributes: Vec<(String, String)>,
}

/// Notices in the order they came up, passed down by `&mut` to every function that may add some.
#[derive(Debug, Clone, Default)]
pub struct Notices {
    pub list: Vec<Notice>,
    /// Drops messages of the lowest level, which a run has for each chart, when they will not be shown.
    leaves_debug: bool,
    /// The bytes of the messages that were added, save those of the lowest level.
    size: usize,
}

/// Most bytes of messages that are kept: each may name a path and a value as long as the chart has.
const NOTICES_LIMIT: usize = 16 << 20;

impl Notices {
    /// None yet.
    pub fn new() -> Notices {
        Notices::default()
    }

    /// None yet; those of [`Level::Debug`] are kept only if `wanted`.
    pub fn keeping_debug(wanted: bool) -> Notices {
        Notices { leaves_debug: !wanted, ..Notices::default() }
    }

    /// Whether messages of this level are kept.
    pub fn keeps(&self, level: Level) -> bool {
        level != Level::Debug || !self.leaves_debug
    }

    /// Adds a message without attributes.
    pub fn push(&mut self, level: Level, message: impl Into<String>) {
        self.push_with(level, message, &[]);
    }

    /// Whether messages above the lowest level are no longer kept, since there are too many.
    pub fn is_full(&self) -> bool {
        self.size > NOTICES_LIMIT
    }

    /// Adds all of `others`, as if they had come up here.
    pub fn append(&mut self, others: Notices) {
        others.list.into_iter().for_each(|notice| self.add(notice));
    }

    /// Hands out all messages; there is room for as many again.
    pub fn take(&mut self) -> Vec<Notice> {
        self.size = 0;
        std::mem::take(&mut self.list)
    }

    /// Adds a message with attributes.
    pub fn push_with(&mut self, level: Level, message: impl Into<String>, attributes: &[(&str, &str)]) {
        if self.leaves_out(level) {
            return;
        }
        let attributes = attributes.iter().map(|(key, value)| (key.to_string(), value.to_string())).collect();
        self.add(Notice { level, message: message.into(), attributes });
    }

    fn leaves_out(&self, level: Level) -> bool {
        !self.keeps(level) || level != Level::Debug && self.is_full()
    }

    fn add(&mut self, notice: Notice) {
        if self.leaves_out(notice.level) {
            return;
        }
        let counts = notice.level != Level::Debug;
        if counts {
            self.size += notice.message.len() + notice.attributes.iter().map(|(_, value)| value.len()).sum::<usize>();
        }
        self.list.push(notice);
        if counts && self.is_full() {
            let message = format!("further messages are left out: there are more than {NOTICES_LIMIT} bytes of them");
            self.list.push(Notice { level: Level::Warn, message, attributes: Vec::new() });
        }
    }
}

/// The text of line `line`, counted from 1, without its line end.
pub fn source_line(text: &[u8], line: usize) -> Option<String> {
    let row = text.split(|byte| *byte == b'\n').nth(line.checked_sub(1)?)?;
    Some(String::from_utf8_lossy(row.strip_suffix(b"\r").unwrap_or(row)).into_owned())
}

/// The candidate that `wanted` probably means: the nearest, the first of equally near ones, ignoring case. It may differ in one
/// letter, and in one more for every four letters of `wanted`, but in no more than a third of the letters of the longer name.
pub fn nearest<'a>(wanted: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let wanted: Vec<char> = wanted.chars().flat_map(char::to_lowercase).take(LONGEST_NAME).collect();
    let allowed = 1 + wanted.len() / 4;
    let mut best: Option<(usize, &str)> = None;
    for candidate in candidates {
        let letters: Vec<char> = candidate.chars().flat_map(char::to_lowercase).take(LONGEST_NAME).collect();
        if letters.len().abs_diff(wanted.len()) > allowed {
            continue;
        }
        let distance = edit_distance(&wanted, &letters);
        let allowed = allowed.min(wanted.len().max(letters.len()) / 3);
        if distance <= allowed && distance < wanted.len() && best.is_none_or(|best| distance < best.0) {
            best = Some((distance, candidate));
        }
    }
    best.map(|best| best.1)
}

/// How many letters of a name are compared; further ones never decide.
const LONGEST_NAME: usize = 100;

/// How many letters to add, drop, change or swap with their neighbour to get from one to the other.
fn edit_distance(from: &[char], to: &[char]) -> usize {
    let mut before: Vec<usize> = Vec::new();
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (i, a) in from.iter().enumerate() {
        let mut next = vec![i + 1];
        for (j, b) in to.iter().enumerate() {
            let mut least = (row[j] + usize::from(a != b)).min(row[j + 1] + 1).min(next[j] + 1);
            if i > 0 && j > 0 && *a == to[j - 1] && from[i - 1] == *b {
                least = least.min(before[j - 1] + 1);
            }
            next.push(least);
        }
        before = std::mem::replace(&mut row, next);
    }
    row[to.len()]
}

#[cfg(test)]
mod tests {
    use super::{Level, NOTICES_LIMIT, Notices, nearest};

    #[test]
    fn messages_that_are_passed_on_count_too() {
        let many = || {
            let mut some = Notices::new();
            (0..5).for_each(|_| some.push(Level::Warn, "x".repeat(1 << 20)));
            some
        };
        let mut all = Notices::new();
        (0..10).for_each(|_| all.append(many()));
        let left_out =
            |all: &Notices| all.list.iter().filter(|notice| notice.message.starts_with("further messages are left out: ")).count();
        assert!(all.is_full() && left_out(&all) == 1 && all.list.len() < 20, "{}", all.list.len());
        // Who passes on what is full is full too, and tells so once.
        let mut outer = Notices::new();
        outer.append(all.clone());
        assert!(outer.is_full() && left_out(&outer) == 1);
        // What was shown makes room.
        assert_eq!(all.take().iter().map(|notice| notice.message.len()).sum::<usize>() / NOTICES_LIMIT, 1);
        all.push(Level::Warn, "y");
        assert_eq!(all.list.len(), 1);
    }

    #[test]
    fn the_nearest_name_is_found() {
        let names = ["toYaml", "toJson", "include", "indent"];
        assert_eq!(nearest("toYml", names), Some("toYaml"));
        assert_eq!(nearest("inculde", names), Some("include"));
        assert_eq!(nearest("TOJSON", names), Some("toJson"));
        assert_eq!(nearest("upper", names), None);
        assert_eq!(nearest("x", ["y"]), None);
        assert_eq!(nearest("tg", ["tag"]), Some("tag"));
        // Half of the letters differ: that is another word.
        assert_eq!(nearest("port", ["part", "sort"]), Some("part"));
        assert_eq!(nearest("name", ["nude", "same-x"]), None);
        assert_eq!(nearest("foo", ["for", "bar"]), Some("for"));
        assert_eq!(nearest("", ["", "a"]), None);
    }
}
