//! Path patterns of `.Files.Glob`: the dialect of gobwas/glob with `/` as separator.
//!
//! Goes in: a pattern, compiled once. Comes out: whether names match. `*` and `?` stop at `/`, `**` does not; `[a-c]`, `[!abc]`
//! and `{a,b}` are supported, `\` escapes. Matching follows all alternatives at once, so no pattern makes it slow. It is separate
//! from the ignore rules of a chart, which are Go's `filepath.Match`.

/// A compiled pattern. Most patterns are a path with one `*`: nearly all of it is compared literally.
#[derive(Debug, Clone)]
pub(crate) struct Glob {
    start: String,
    middle: Vec<Piece>,
    end: String,
}

#[derive(Debug, Clone, PartialEq)]
enum Piece {
    Character(char),
    /// `*`
    Any,
    /// `**`
    Super,
    /// `?`
    Single,
    /// `[abc]`, of any length; lists may follow each other.
    List {
        characters: Vec<char>,
        not: bool,
    },
    Range {
        low: char,
        high: char,
        not: bool,
    },
    /// `{a,b}`
    AnyOf(Vec<Vec<Piece>>),
}

/// Deepest nesting of `{…}`.
const MAX_DEPTH: usize = 64;

impl Glob {
    /// Compiles a pattern; a faulty one matches everything, as in Helm.
    pub(crate) fn new(pattern: &str) -> Glob {
        let characters: Vec<char> = pattern.chars().collect();
        let mut at = 0;
        let mut middle = parse(&characters, &mut at, 0).unwrap_or_else(|| vec![Piece::Super]);
        let plain = |piece: &Piece| if let Piece::Character(character) = piece { Some(*character) } else { None };
        let start: String = middle.iter().map_while(plain).collect();
        middle.drain(..start.chars().count());
        let end: Vec<char> = middle.iter().rev().map_while(plain).collect();
        middle.truncate(middle.len() - end.len());
        Glob { start, middle, end: end.into_iter().rev().collect() }
    }

    /// Whether the whole name matches.
    pub(crate) fn matches(&self, name: &str) -> bool {
        let Some(rest) = name.strip_prefix(self.start.as_str()).and_then(|rest| rest.strip_suffix(self.end.as_str())) else {
            return false;
        };
        match self.middle.as_slice() {
            [] => rest.is_empty(),
            [Piece::Any] => !rest.contains('/'),
            [Piece::Super] => true,
            pieces => {
                let characters: Vec<char> = rest.chars().collect();
                let mut start = vec![false; characters.len() + 1];
                start[0] = true;
                advance(pieces, &characters, start).last() == Some(&true)
            }
        }
    }
}

/// Parses pieces up to the end, or within braces up to `,` or `}`. `None` for a faulty pattern.
fn parse(pattern: &[char], at: &mut usize, depth: usize) -> Option<Vec<Piece>> {
    if depth > MAX_DEPTH {
        return None;
    }
    let mut pieces = Vec::new();
    while let Some(character) = pattern.get(*at) {
        match character {
            ',' | '}' if depth > 0 => break,
            '*' => {
                let double = pattern.get(*at + 1) == Some(&'*');
                pieces.push(if double { Piece::Super } else { Piece::Any });
                *at += 1 + usize::from(double);
            }
            '?' => {
                pieces.push(Piece::Single);
                *at += 1;
            }
            '[' => {
                *at += 1;
                pieces.push(parse_set(pattern, at)?);
            }
            '{' => {
                *at += 1;
                let mut choices = Vec::new();
                loop {
                    choices.push(parse(pattern, at, depth + 1)?);
                    match pattern.get(*at) {
                        Some(',') => *at += 1,
                        Some(_) => {
                            *at += 1;
                            break;
                        }
                        None => break,
                    }
                }
                pieces.push(Piece::AnyOf(choices));
            }
            '\\' => {
                if let Some(escaped) = pattern.get(*at + 1) {
                    pieces.push(Piece::Character(*escaped));
                }
                *at += 2;
            }
            other => {
                pieces.push(Piece::Character(*other));
                *at += 1;
            }
        }
    }
    Some(pieces)
}

/// Parses a set after its `[`.
fn parse_set(pattern: &[char], at: &mut usize) -> Option<Piece> {
    let not = pattern.get(*at) == Some(&'!');
    *at += usize::from(not);
    let first = *pattern.get(*at)?;
    if pattern.get(*at + 1) == Some(&'-') {
        let high = *pattern.get(*at + 2)?;
        if pattern.get(*at + 3) != Some(&']') || high < first {
            return None;
        }
        *at += 4;
        return Some(Piece::Range { low: first, high, not });
    }
    let mut characters = Vec::new();
    loop {
        match pattern.get(*at)? {
            ']' => break,
            '\\' => {
                characters.push(*pattern.get(*at + 1)?);
                *at += 2;
            }
            other => {
                characters.push(*other);
                *at += 1;
            }
        }
    }
    *at += 1;
    (!characters.is_empty()).then_some(Piece::List { characters, not })
}

/// The positions where the pieces may end, given those where they may start.
fn advance(pieces: &[Piece], name: &[char], mut places: Vec<bool>) -> Vec<bool> {
    for piece in pieces {
        places = match piece {
            Piece::Any | Piece::Super => {
                let mut reached = false;
                (0..=name.len())
                    .map(|at| {
                        let crosses = at > 0 && (*piece == Piece::Super || name[at - 1] != '/');
                        reached = places[at] || reached && crosses;
                        reached
                    })
                    .collect()
            }
            Piece::AnyOf(choices) => {
                let mut all = vec![false; places.len()];
                for choice in choices {
                    for (at, reached) in advance(choice, name, places.clone()).into_iter().enumerate() {
                        all[at] |= reached;
                    }
                }
                all
            }
            one => {
                let mut next = vec![false; places.len()];
                for at in 0..name.len() {
                    next[at + 1] = places[at] && is_match(one, name[at]);
                }
                next
            }
        };
    }
    places
}

fn is_match(piece: &Piece, character: char) -> bool {
    match piece {
        Piece::Character(wanted) => *wanted == character,
        Piece::Single => character != '/',
        Piece::List { characters, not } => characters.contains(&character) != *not,
        Piece::Range { low, high, not } => (*low..=*high).contains(&character) != *not,
        Piece::Any | Piece::Super | Piece::AnyOf(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_as_in_gobwas() {
        for (pattern, name, expected) in [
            ("*.txt", "a.txt", true),
            ("*.txt", "a/b.txt", false),
            ("**.txt", "a/b.txt", true),
            ("conf/**", "conf/a/b", true),
            ("conf/*", "conf/.hidden", true),
            ("?.txt", "/.txt", false),
            ("[!a].txt", "b.txt", true),
            ("[!a].txt", "a.txt", false),
            ("[^a].txt", "^.txt", true),
            ("[a-c]x", "bx", true),
            ("{a,b*}.txt", "bcd.txt", true),
            ("{a,b*}.txt", "c.txt", false),
            ("a\\*", "a*", true),
            ("[", "anything/at all", true),
            ("[]a]", "anything", true),
            ("", "", true),
            ("", "a", false),
            ("a/b.txt", "a/b.txt", true),
            ("a/b.txt", "a/b.txt2", false),
            ("ab*ba", "aba", false),
            ("ab*ba", "abba", true),
            ("é*é", "éaé", true),
            ("a*b?c", "axbyc", true),
            ("a*b?c", "axb/c", false),
        ] {
            assert_eq!(Glob::new(pattern).matches(name), expected, "{pattern} {name}");
        }
    }

    #[test]
    fn hard_patterns_stay_fast() {
        let pattern = Glob::new(&"*a".repeat(200));
        assert!(!pattern.matches(&"a".repeat(2000).replace("aa", "ab")));
        assert!(Glob::new(&"{".repeat(100_000)).matches("x"));
    }
}
