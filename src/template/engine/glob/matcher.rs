//! Searches with the matchers of a pattern, as gobwas/glob does.
//!
//! Goes in: a matcher and bytes. Comes out: whether they match, or where a match begins and where it may end. Which names match
//! depends on what each matcher takes for its length and its places, so both are those of the library's `match` folder, where they
//! are wrong too. Trees search again and again, so they count their steps.

use super::Set;
use crate::template::functions::Fault;
use crate::template::work;
use crate::unicode::{count, decode, runes};
use memchr::memchr;
use memchr::memmem::{find, rfind};

/// What a part of a pattern matches; the names are the library's.
#[derive(Debug, Clone)]
pub(super) enum Matcher {
    Nothing,
    Text(Vec<u8>),
    /// Anything without `/`.
    Any,
    Super,
    /// One rune that is not `/`.
    Single,
    Set(Set),
    /// At least so many runes.
    Min(usize),
    /// At most so many runes.
    Max(usize),
    Contains {
        text: Vec<u8>,
        not: bool,
    },
    Prefix(Vec<u8>),
    Suffix(Vec<u8>),
    PrefixSuffix(Vec<u8>, Vec<u8>),
    /// The prefix, then anything without `/`.
    PrefixAny(Vec<u8>),
    /// Anything without `/`, then the suffix.
    SuffixAny(Vec<u8>),
    /// What all of them match.
    EveryOf(Vec<Matcher>),
    AnyOf(Vec<Matcher>),
    /// Parts of known lengths, in runes all together.
    Row {
        matchers: Vec<Matcher>,
        length: usize,
    },
    Tree(Box<Tree>),
}

/// A part that is searched for, and what stands before and behind it.
#[derive(Debug, Clone)]
pub(super) struct Tree {
    pub(super) value: Matcher,
    pub(super) left: Option<Matcher>,
    pub(super) right: Option<Matcher>,
    /// How many runes there are before and behind the value, and in all, where that is known.
    before: Option<usize>,
    behind: Option<usize>,
    length: Option<usize>,
}

impl Tree {
    pub(super) fn new(value: Matcher, left: Option<Matcher>, right: Option<Matcher>) -> Tree {
        let of = |side: &Option<Matcher>| side.as_ref().map_or(Some(0), Matcher::length);
        let (before, behind) = (of(&left), of(&right));
        let length = value.length().and_then(|length| Some(before? + length + behind?));
        Tree { value, left, right, before, behind, length }
    }

    fn is_match(&self, text: &[u8]) -> Result<bool, Fault> {
        if self.length.is_some_and(|length| length > text.len()) {
            return Ok(false);
        }
        let mut offset = self.before.unwrap_or(0);
        let limit = text.len().saturating_sub(self.behind.unwrap_or(0));
        while offset < limit {
            let part = text.get(offset..limit).unwrap_or_default();
            work::charge(1 + work::reading(part.len()))?;
            let Some((index, ends)) = self.value.index(part)? else { return Ok(false) };
            let at = offset + index;
            if of_side(self.left.as_ref(), text.get(..at).unwrap_or_default())? {
                for end in ends.iter().rev() {
                    if of_side(self.right.as_ref(), text.get(at + end..).unwrap_or_default())? {
                        return Ok(true);
                    }
                }
            }
            offset = at + decode(text.get(at..).unwrap_or_default()).1;
        }
        Ok(false)
    }
}

fn of_side(side: Option<&Matcher>, text: &[u8]) -> Result<bool, Fault> {
    side.map_or(Ok(text.is_empty()), |matcher| matcher.is_match(text))
}

/// Where a match begins, and how long it may be: in bytes, the shortest first.
type Found = Option<(usize, Vec<usize>)>;

impl Matcher {
    /// How many runes it matches, where the library thinks to know.
    pub(super) fn length(&self) -> Option<usize> {
        match self {
            Matcher::Nothing => Some(0),
            Matcher::Single | Matcher::Set(_) => Some(1),
            Matcher::Text(text) => Some(count(text)),
            Matcher::Row { length, .. } => Some(*length),
            Matcher::Tree(tree) => tree.length,
            // It forgets an unknown length once it finds a known one.
            Matcher::AnyOf(choices) => {
                let mut found = None;
                for length in choices.iter().map(Matcher::length) {
                    if found.is_some() && found != length {
                        return None;
                    }
                    found = length;
                }
                found
            }
            _ => None,
        }
    }

    /// Whether the whole text matches.
    pub(super) fn is_match(&self, text: &[u8]) -> Result<bool, Fault> {
        Ok(match self {
            Matcher::Nothing => text.is_empty(),
            Matcher::Text(wanted) => wanted == text,
            Matcher::Any => memchr(b'/', text).is_none(),
            Matcher::Super => true,
            // An empty text counts as U+FFFD.
            Matcher::Single | Matcher::Set(_) => {
                let (rune, width) = decode(text);
                text.len() <= width && self.takes(rune)
            }
            Matcher::Min(least) => runes(text).take(*least.max(&1)).count() >= *least.max(&1),
            Matcher::Max(most) => runes(text).take(most + 1).count() <= *most,
            Matcher::Contains { text: wanted, not } => find(text, wanted).is_some() != *not,
            Matcher::Prefix(prefix) => text.starts_with(prefix),
            Matcher::Suffix(suffix) => text.ends_with(suffix),
            Matcher::PrefixSuffix(prefix, suffix) => text.starts_with(prefix) && text.ends_with(suffix),
            Matcher::PrefixAny(prefix) => text.strip_prefix(prefix.as_slice()).is_some_and(|rest| memchr(b'/', rest).is_none()),
            Matcher::SuffixAny(suffix) => text.strip_suffix(suffix.as_slice()).is_some_and(|rest| memchr(b'/', rest).is_none()),
            Matcher::EveryOf(all) => {
                for matcher in all {
                    if !matcher.is_match(text)? {
                        return Ok(false);
                    }
                }
                true
            }
            Matcher::AnyOf(choices) => {
                for matcher in choices {
                    if matcher.is_match(text)? {
                        return Ok(true);
                    }
                }
                false
            }
            Matcher::Row { matchers, length } => runes(text).take(length + 1).count() == *length && is_row(matchers, text)?,
            Matcher::Tree(tree) => return tree.is_match(text),
        })
    }

    /// Whether a matcher of one rune takes this one.
    fn takes(&self, rune: char) -> bool {
        match self {
            Matcher::Single => rune != '/',
            Matcher::Set(set) => set.has(rune),
            _ => false,
        }
    }

    /// The first place where it matches a part of the text.
    fn index(&self, text: &[u8]) -> Result<Found, Fault> {
        Ok(match self {
            Matcher::Nothing => Some((0, vec![0])),
            Matcher::Text(wanted) => find(text, wanted).map(|at| (at, vec![wanted.len()])),
            Matcher::Any => match memchr(b'/', text) {
                Some(0) => Some((0, vec![0])),
                found => Some((0, starts(text.get(..found.unwrap_or(text.len())).unwrap_or_default(), 0))),
            },
            Matcher::Super => Some((0, starts(text, 0))),
            Matcher::Single | Matcher::Set(_) => {
                runes(text).find(|item| self.takes(item.rune)).map(|item| (item.position, vec![item.rune.len_utf8()]))
            }
            Matcher::Min(least) => {
                let ends: Vec<usize> = ends(text, 0).skip(least.saturating_sub(1)).collect();
                (text.len() >= *least && !ends.is_empty()).then_some((0, ends))
            }
            Matcher::Max(most) => Some((0, std::iter::once(0).chain(ends(text, 0).take(*most)).collect())),
            Matcher::Contains { text: wanted, not: true } => {
                let found = find(text, wanted).unwrap_or(text.len());
                Some((0, starts(text.get(..found).unwrap_or_default(), 0)))
            }
            Matcher::Contains { text: wanted, not: false } => find(text, wanted).map(|at| {
                let behind = at + wanted.len();
                (0, starts(text.get(behind..).unwrap_or_default(), behind))
            }),
            Matcher::Prefix(prefix) => find(text, prefix).map(|at| {
                let rest = text.get(at + prefix.len()..).unwrap_or_default();
                (at, std::iter::once(prefix.len()).chain(ends(rest, prefix.len())).collect())
            }),
            Matcher::PrefixAny(prefix) => find(text, prefix).map(|at| {
                let rest = text.get(at + prefix.len()..).unwrap_or_default();
                let rest = rest.get(..memchr(b'/', rest).unwrap_or(rest.len())).unwrap_or_default();
                (at, std::iter::once(prefix.len()).chain(ends(rest, prefix.len())).collect())
            }),
            Matcher::Suffix(suffix) => find(text, suffix).map(|at| (0, vec![at + suffix.len()])),
            Matcher::SuffixAny(suffix) => find(text, suffix).map(|at| {
                let start = text.get(..at).and_then(|before| memchr::memrchr(b'/', before)).map_or(0, |slash| slash + 1);
                (start, vec![at + suffix.len() - start])
            }),
            Matcher::PrefixSuffix(prefix, suffix) => find(text, prefix).and_then(|at| {
                let mut rest = text.get(at..).unwrap_or_default();
                let mut found = Vec::new();
                while let Some(place) = rfind(rest, suffix) {
                    found.push(place + suffix.len());
                    rest = rest.get(..place).unwrap_or_default();
                }
                found.reverse();
                (!found.is_empty()).then_some((at, found))
            }),
            Matcher::EveryOf(all) => return every(all, text),
            Matcher::AnyOf(choices) => {
                let mut first: Found = None;
                for matcher in choices {
                    let Some((at, found)) = matcher.index(text)? else { continue };
                    match &mut first {
                        Some((place, ends)) if *place == at => {
                            ends.extend(found);
                            ends.sort_unstable();
                            ends.dedup();
                        }
                        Some((place, _)) if *place < at => {}
                        _ => first = Some((at, found)),
                    }
                }
                first
            }
            Matcher::Row { matchers, length } => {
                for item in runes(text) {
                    let rest = text.get(item.position..).unwrap_or_default();
                    if rest.len() < *length {
                        break;
                    }
                    work::charge(1)?;
                    if is_row(matchers, rest)? {
                        return Ok(Some((item.position, vec![*length])));
                    }
                }
                None
            }
            // The library says so too, so that a tree within another's value is never found.
            Matcher::Tree(_) => None,
        })
    }
}

/// Where the runes of a text start, and where it ends.
fn starts(text: &[u8], from: usize) -> Vec<usize> {
    runes(text).map(|item| from + item.position).chain([from + text.len()]).collect()
}

/// Where the runes of a text end.
fn ends(text: &[u8], from: usize) -> impl Iterator<Item = usize> {
    runes(text).map(move |item| from + item.position + item.rune.len_utf8())
}

/// Whether the text begins with these parts.
fn is_row(matchers: &[Matcher], text: &[u8]) -> Result<bool, Fault> {
    let mut at = 0;
    for matcher in matchers {
        let length = matcher.length().unwrap_or(0);
        let rest = text.get(at..).unwrap_or_default();
        // Of no runes it takes all that is left.
        let taken = runes(rest).take(if length == 0 { usize::MAX } else { length });
        let (number, last) = taken.fold((0, 0), |(number, _), item| (number + 1, item.position));
        if number < length {
            return Ok(false);
        }
        // One byte for the last rune, however long it is.
        let Some(part) = rest.get(..=last) else {
            let fault = format!("runtime error: slice bounds out of range [:{}] with length {}", at + last + 1, text.len());
            return Err(Fault::new(fault));
        };
        if !matcher.is_match(part)? {
            return Ok(false);
        }
        at += last + 1;
    }
    Ok(true)
}

/// The first place of one of the matchers, with the ends that are those of all.
fn every(all: &[Matcher], text: &[u8]) -> Result<Found, Fault> {
    let (mut index, mut offset) = (0, 0);
    let mut current: Vec<usize> = Vec::new();
    for (number, matcher) in all.iter().enumerate() {
        let Some((at, found)) = matcher.index(text.get(index..).unwrap_or_default())? else { return Ok(None) };
        if number == 0 {
            current = found;
        } else {
            // All matchers that are joined so begin at the start.
            let moved = (at + offset).saturating_sub(index);
            current.retain(|end| end.checked_sub(moved).is_some_and(|end| found.contains(&end)));
            if current.is_empty() {
                return Ok(None);
            }
        }
        index = at + offset;
        offset += at;
    }
    Ok(Some((index, current)))
}
