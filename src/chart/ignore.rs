//! `.helmignore`: which files of a chart folder are left out.
//!
//! Goes in: the text of the file. Comes out: [`Rules`] that decide for each path from the chart's top. It is separate from the
//! loader because the rules are a small and odd language of their own: the first rule that matches decides, and a negated rule
//! ignores everything it does *not* match. Matches Helm's `pkg/ignore` with Go's `filepath.Match`.

use crate::error::{Error, ErrorKind, Result};

/// The longest line that is accepted (Go's `bufio.Scanner`).
const LINE_LIMIT: usize = 64 * 1024;

/// Most rules of a file: each path of a folder is held against each of them.
const RULES_LIMIT: usize = 10_000;

/// The name of the file that holds the rules.
pub const FILE_NAME: &str = ".helmignore";

/// The rules of one chart folder.
#[derive(Debug, Clone, Default)]
pub struct Rules {
    rules: Vec<Rule>,
}

#[derive(Debug, Clone)]
struct Rule {
    /// `None` when the rest after cutting off `!` and `/` is not a valid pattern: it never matches.
    pattern: Option<Pattern>,
    negated: bool,
    only_folders: bool,
    /// Whether the whole path is matched, not just its last part.
    whole_path: bool,
}

impl Rules {
    /// No rules at all.
    pub fn new() -> Rules {
        Rules::default()
    }

    /// Reads the text of a `.helmignore`. Faults: `syntax error in pattern`, `double-star (**) syntax is not supported`.
    pub fn parse(text: &[u8]) -> Result<Rules> {
        let text = text.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(text);
        let mut rules = Rules::new();
        for line in text.split(|byte| *byte == b'\n') {
            if line.len() >= LINE_LIMIT {
                return Err(Error::new(ErrorKind::Chart, "bufio.Scanner: token too long"));
            }
            rules.add(&String::from_utf8_lossy(line))?;
        }
        Ok(rules)
    }

    /// Adds the rule of every chart: hidden files directly in `templates/` are not templates.
    pub fn add_defaults(&mut self) {
        // The constant pattern is valid.
        let _ = self.add("templates/.?*");
    }

    fn add(&mut self, line: &str) -> Result<()> {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            return Ok(());
        }
        if line.contains("**") {
            return Err(Error::new(ErrorKind::Chart, "double-star (**) syntax is not supported"));
        }
        // Checked before `!` and `/` are cut off, as Helm does.
        if Pattern::parse(line).is_none() {
            return Err(Error::new(ErrorKind::Chart, "syntax error in pattern"));
        }
        let (negated, rest) = match line.strip_prefix('!') {
            Some(rest) => (true, rest),
            None => (false, line),
        };
        let (only_folders, rest) = match rest.strip_suffix('/') {
            Some(rest) => (true, rest),
            None => (false, rest),
        };
        let (whole_path, rest) = match rest.strip_prefix('/') {
            Some(rest) => (true, rest),
            None => (rest.contains('/'), rest),
        };
        if self.rules.len() >= RULES_LIMIT {
            return Err(Error::new(ErrorKind::Limit, format!("more than {RULES_LIMIT} rules")));
        }
        self.rules.push(Rule { pattern: Pattern::parse(rest), negated, only_folders, whole_path });
        Ok(())
    }

    /// Whether the entry at `path` (from the chart's top, with `/`) is left out.
    pub fn ignores(&self, path: &str, is_folder: bool) -> bool {
        if matches!(path, "" | "." | "./") {
            return false;
        }
        for rule in &self.rules {
            let fits_kind = is_folder || !rule.only_folders;
            if rule.negated {
                if !fits_kind || !rule.matches(path) {
                    return true;
                }
            } else if fits_kind && rule.matches(path) {
                return true;
            }
        }
        false
    }
}

impl Rule {
    fn matches(&self, path: &str) -> bool {
        let name = if self.whole_path { path } else { path.rsplit('/').next().unwrap_or(path) };
        self.pattern.as_ref().is_some_and(|pattern| pattern.matches(name))
    }
}

/// A shell pattern as Go's `filepath.Match` reads it: `*` and `?` do not cross `/`.
#[derive(Debug, Clone)]
pub struct Pattern {
    /// The parts between the stars; the flag says whether a star precedes the part.
    chunks: Vec<(bool, Vec<Token>)>,
}

#[derive(Debug, Clone)]
enum Token {
    Literal(char),
    AnyButSlash,
    Class { negated: bool, ranges: Vec<(char, char)> },
}

impl Pattern {
    /// Reads a pattern; `None` when it is malformed: an open or empty class, or a backslash at the end. A reversed range is well
    /// formed and matches nothing.
    pub fn parse(text: &str) -> Option<Pattern> {
        let mut chunks: Vec<(bool, Vec<Token>)> = Vec::new();
        let mut characters = text.chars().peekable();
        let mut star = false;
        let mut chunk = Vec::new();
        while let Some(character) = characters.next() {
            match character {
                '*' => {
                    if star && chunk.is_empty() {
                        continue;
                    }
                    if star || !chunk.is_empty() {
                        chunks.push((star, std::mem::take(&mut chunk)));
                    }
                    star = true;
                }
                '?' => chunk.push(Token::AnyButSlash),
                '\\' => chunk.push(Token::Literal(characters.next()?)),
                '[' => {
                    let negated = characters.next_if_eq(&'^').is_some();
                    let mut ranges = Vec::new();
                    while ranges.is_empty() || characters.next_if_eq(&']').is_none() {
                        let low = class_character(&mut characters)?;
                        let high = match characters.next_if_eq(&'-') {
                            Some(_) => class_character(&mut characters)?,
                            None => low,
                        };
                        ranges.push((low, high));
                    }
                    chunk.push(Token::Class { negated, ranges });
                }
                literal => chunk.push(Token::Literal(literal)),
            }
        }
        if star || !chunk.is_empty() {
            chunks.push((star, chunk));
        }
        Some(Pattern { chunks })
    }

    /// Whether the whole of `name` fits.
    pub fn matches(&self, name: &str) -> bool {
        let mut rest = name;
        for (at, (star, chunk)) in self.chunks.iter().enumerate() {
            let last = at + 1 == self.chunks.len();
            if *star && chunk.is_empty() {
                return !rest.contains('/');
            }
            let fits = |from: &str| chunk_end(chunk, from).filter(|end| !last || *end == from.len());
            if let Some(end) = fits(rest) {
                rest = rest.get(end..).unwrap_or("");
                continue;
            }
            if !star {
                return false;
            }
            // The star matches as few characters as possible, and never a slash.
            let found = rest.char_indices().take_while(|(_, character)| *character != '/').find_map(|(start, character)| {
                let from = rest.get(start + character.len_utf8()..)?;
                fits(from).and_then(|end| from.get(end..))
            });
            match found {
                Some(after) => rest = after,
                None => return false,
            }
        }
        rest.is_empty()
    }
}

/// One character inside `[…]`; the pattern must not end after it.
fn class_character(characters: &mut std::iter::Peekable<std::str::Chars<'_>>) -> Option<char> {
    let character = match characters.next()? {
        '-' | ']' => return None,
        '\\' => characters.next()?,
        plain => plain,
    };
    characters.peek().map(|_| character)
}

/// How many bytes at the start of `text` the chunk matches.
fn chunk_end(chunk: &[Token], text: &str) -> Option<usize> {
    let mut characters = text.chars();
    for token in chunk {
        let character = characters.next()?;
        let fits = match token {
            Token::Literal(literal) => *literal == character,
            Token::AnyButSlash => character != '/',
            Token::Class { negated, ranges } => ranges.iter().any(|(low, high)| (*low..=*high).contains(&character)) != *negated,
        };
        if !fits {
            return None;
        }
    }
    Some(text.len() - characters.as_str().len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_as_go_does() {
        for (pattern, name, expected) in [
            ("abc", "abc", true),
            ("*", "abc", true),
            ("*c", "abc", true),
            ("a*", "ab/c", false),
            ("a*/b", "abc/b", true),
            ("a*/b", "a/c/b", false),
            ("a*b*c*d*e*/f", "axbxcxdxe/f", true),
            ("a*b*c*d*e*/f", "axbxcxdxexxx/fff", false),
            ("a*b?c*x", "abxbbxdbxebxczzx", true),
            ("a*b?c*x", "abxbbxdbxebxczzy", false),
            ("ab[c]", "abc", true),
            ("ab[b-d]", "abc", true),
            ("ab[^c]", "abc", false),
            ("ab[^e-g]", "abc", true),
            ("a\\*b", "a*b", true),
            ("a\\*b", "ab", false),
            ("a?b", "a☺b", true),
            ("a[^a]b", "a☺b", true),
            ("a???b", "a☺b", false),
            ("[a-ζ]*", "α", true),
            ("*[a-ζ]", "A", false),
            ("a?b", "a/b", false),
            ("a*b", "a/b", false),
            ("[\\]a]", "]", true),
            ("[\\-x]", "-", true),
            ("[x\\-]", "z", false),
            ("*x", "xxx", true),
            ("[!a]", "!", true),
            ("[!a]", "b", false),
            ("", "", true),
            ("", "a", false),
        ] {
            let parsed = Pattern::parse(pattern).unwrap_or_else(|| panic!("{pattern} is valid"));
            assert_eq!(parsed.matches(name), expected, "{pattern} on {name}");
        }
        for malformed in ["[]a]", "[-]", "[x-]", "[-x]", "[a-b-c]", "[", "[^", "[^bc", "a[", "\\", "[a-", "[a"] {
            assert!(Pattern::parse(malformed).is_none(), "{malformed}");
        }
    }

    fn ignores(rules: &str, path: &str, is_folder: bool) -> bool {
        Rules::parse(rules.as_bytes()).unwrap().ignores(path, is_folder)
    }

    #[test]
    fn rules_are_limited() {
        let rules = "x\n".repeat(RULES_LIMIT);
        assert!(Rules::parse(rules.as_bytes()).is_ok());
        let error = Rules::parse(format!("{rules}x").as_bytes()).unwrap_err();
        assert_eq!(error.message(), "more than 10000 rules");
    }

    #[test]
    fn a_rule_without_slash_matches_names_at_every_depth() {
        assert!(ignores("*.txt", "a/b/c.txt", false));
        assert!(!ignores("/*.txt", "a/b/c.txt", false));
        assert!(ignores("/*.txt", "c.txt", false));
        assert!(ignores("a/b/*.txt", "a/b/c.txt", false));
        assert!(!ignores("b/*.txt", "a/b/c.txt", false));
    }

    #[test]
    fn a_trailing_slash_means_folders() {
        assert!(ignores("docs/", "docs", true));
        assert!(!ignores("docs/", "docs", false));
        assert!(ignores("!docs/", "other", false));
    }

    #[test]
    fn a_negated_rule_ignores_what_it_does_not_match() {
        assert!(ignores("*.txt\n!keep.txt", "keep.txt", false));
        assert!(ignores("!keep.txt", "Chart.yaml", false));
        assert!(!ignores("!keep.txt", "keep.txt", false));
        assert!(ignores("!keep.txt\n*.txt", "keep.txt", false));
    }

    #[test]
    fn lines_are_trimmed_and_comments_skipped() {
        assert!(ignores("\u{feff}  *.bak \r\n", "a.bak", false));
        assert!(!ignores("# *.bak\n\n", "a.bak", false));
        assert!(!ignores("*", "", true));
    }

    #[test]
    fn faults_are_helm_s() {
        let fault = |text: &str| Rules::parse(text.as_bytes()).unwrap_err().to_string();
        assert_eq!(fault("a/**/b"), "double-star (**) syntax is not supported");
        assert_eq!(fault("[a"), "syntax error in pattern");
        assert_eq!(fault(&"x".repeat(LINE_LIMIT)), "bufio.Scanner: token too long");
    }

    #[test]
    fn hidden_files_in_templates_are_left_out() {
        let mut rules = Rules::new();
        rules.add_defaults();
        assert!(rules.ignores("templates/.swp", false));
        assert!(!rules.ignores("templates/a/.swp", false));
        assert!(!rules.ignores(".helmignore", false));
    }
}
