//! Character classes of Go's regular expressions: `[…]`, `\d`, `\pL`, `[[:alpha:]]`.
//!
//! Goes in: a pattern at the start of a class. Comes out: the class for the `regex` crate, and the rest of the pattern. Names of
//! scripts and categories are those that Go 1.26 accepts.

use super::{NOTHING, SyntaxFault, check_utf8, consumed, fault, next_rune, parse_escape};
use crate::unicode::tables::{CATEGORIES, CATEGORY_ALIASES, SCRIPTS};

/// The contents of a class between brackets.
pub(crate) struct Class {
    negated: bool,
    /// Items for the `regex` crate.
    items: String,
}

impl Class {
    /// The class at the start of `whole`, and the rest.
    pub fn parse(whole: &[u8]) -> Result<(Class, &[u8]), SyntaxFault> {
        let mut rest = whole.get(1..).unwrap_or_default();
        let mut class = Class { negated: false, items: String::new() };
        if let Some(after) = rest.strip_prefix(b"^") {
            class.negated = true;
            rest = after;
        }
        let mut first = true;
        while first || rest.first() != Some(&b']') {
            first = false;
            if rest.starts_with(b"[:")
                && let Some((name, after)) = named_class(rest)?
            {
                class.items.push_str(name);
                rest = after;
            } else if rest.starts_with(b"\\p") || rest.starts_with(b"\\P") {
                let (name, after) = unicode_class(rest)?;
                class.items.push_str(&name);
                rest = after;
            } else if let Some((items, after)) = perl_class(rest) {
                class.items.push_str(items);
                rest = after;
            } else {
                rest = class.parse_range(rest, whole)?;
            }
        }
        Ok((class, rest.get(1..).unwrap_or_default()))
    }

    fn parse_range<'a>(&mut self, range: &'a [u8], whole: &[u8]) -> Result<&'a [u8], SyntaxFault> {
        let (low, mut rest) = class_character(range, whole)?;
        let mut high = low;
        if let [b'-', next, ..] = rest
            && *next != b']'
        {
            (high, rest) = class_character(rest.get(1..).unwrap_or_default(), whole)?;
            if high < low {
                return Err(fault("invalid character class range", consumed(range, rest)));
            }
        }
        self.push_range(low, high);
        Ok(rest)
    }

    /// Adds a range without surrogates, which no text contains.
    fn push_range(&mut self, low: u32, high: u32) {
        let low = if (0xd800..0xe000).contains(&low) { 0xe000 } else { low };
        let high = if (0xd800..0xe000).contains(&high) { 0xd7ff } else { high };
        if low <= high {
            self.items.push_str(&format!("\\x{{{low:X}}}-\\x{{{high:X}}}"));
        }
    }

    /// The class for the `regex` crate.
    pub fn written(&self, fold_case: bool) -> String {
        let class = match (self.items.is_empty(), self.negated) {
            (true, true) => r"[\x{0}-\x{10FFFF}]".to_string(),
            (true, false) => NOTHING.to_string(),
            (false, true) => format!("[^{}]", self.items),
            (false, false) => format!("[{}]", self.items),
        };
        if fold_case { format!("(?i:{class})") } else { class }
    }
}

fn class_character<'a>(text: &'a [u8], whole: &[u8]) -> Result<(u32, &'a [u8]), SyntaxFault> {
    match text.first() {
        None => Err(fault("missing closing ]", whole)),
        Some(b'\\') => parse_escape(text),
        Some(_) => next_rune(text).map(|(rune, rest)| (u32::from(rune), rest)),
    }
}

/// `\d` and the like, ASCII only.
pub(crate) fn perl_class(text: &[u8]) -> Option<(&'static str, &[u8])> {
    let [b'\\', letter, rest @ ..] = text else { return None };
    let class = match letter {
        b'd' => "[0-9]",
        b'D' => "[^0-9]",
        b's' => r"[\t\n\x0C\r ]",
        b'S' => r"[^\t\n\x0C\r ]",
        b'w' => "[0-9A-Za-z_]",
        b'W' => "[^0-9A-Za-z_]",
        _ => return None,
    };
    Some((class, rest))
}

/// `[:alpha:]` and the like; `None` if it is not closed.
fn named_class(text: &[u8]) -> Result<Option<(&'static str, &[u8])>, SyntaxFault> {
    #[rustfmt::skip]
    const NAMES: &[&str] = &[
        "[:alnum:]", "[:^alnum:]", "[:alpha:]", "[:^alpha:]", "[:ascii:]", "[:^ascii:]", "[:blank:]", "[:^blank:]",
        "[:cntrl:]", "[:^cntrl:]", "[:digit:]", "[:^digit:]", "[:graph:]", "[:^graph:]", "[:lower:]", "[:^lower:]",
        "[:print:]", "[:^print:]", "[:punct:]", "[:^punct:]", "[:space:]", "[:^space:]", "[:upper:]", "[:^upper:]",
        "[:word:]", "[:^word:]", "[:xdigit:]", "[:^xdigit:]",
    ];
    let Some(end) = text.get(2..).and_then(|rest| memchr::memmem::find(rest, b":]")) else { return Ok(None) };
    let (name, rest) = text.split_at_checked(end + 4).unwrap_or((text, b""));
    match NAMES.iter().find(|known| known.as_bytes() == name) {
        Some(known) => Ok(Some((known, rest))),
        None => Err(fault("invalid character class range", name)),
    }
}

/// `\pN`, `\p{Greek}`, `\P{^Lu}` at the start of `whole`, as an item for use in a class or alone.
pub(crate) fn unicode_class(whole: &[u8]) -> Result<(String, &[u8]), SyntaxFault> {
    let mut negated = whole.get(1) == Some(&b'P');
    let after = whole.get(2..).unwrap_or_default();
    let (first, mut rest) = if after.is_empty() { ('\u{FFFD}', after) } else { next_rune(after)? };
    let (sequence, name) = if first == '{' {
        let Some(end) = memchr::memchr(b'}', whole) else {
            check_utf8(whole)?;
            return Err(fault("invalid character class range", whole));
        };
        rest = whole.get(end + 1..).unwrap_or_default();
        (whole.get(..=end).unwrap_or(whole), whole.get(3..end).unwrap_or_default())
    } else {
        (consumed(whole, rest), consumed(after, rest))
    };
    check_utf8(name)?;
    let name = match name.strip_prefix(b"^") {
        Some(name) => {
            negated = !negated;
            name
        }
        None => name,
    };
    let class = unicode_table(&canonical_name(name), negated);
    Ok((class.ok_or_else(|| fault("invalid character class range", sequence))?, rest))
}

/// The class of this canonical name for the `regex` crate.
fn unicode_table(name: &str, negated: bool) -> Option<String> {
    let escape = if negated { 'P' } else { 'p' };
    let alias = || {
        let entry = CATEGORY_ALIASES.iter().find_map(|entry| entry.split_once('=').filter(|pair| pair.0 == name));
        entry.map(|(_, short)| short)
    };
    let category = match name {
        "Any" if negated => return Some(NOTHING.to_string()),
        "Any" => return Some(r"[\x{0}-\x{10FFFF}]".to_string()),
        "Ascii" => return Some(format!("[{}\\x{{0}}-\\x{{7F}}]", if negated { "^" } else { "" })),
        "Assigned" => return Some(format!("\\{escape}{{Assigned}}")),
        "Lc" => "LC",
        _ => match CATEGORIES.iter().find(|known| **known == name) {
            Some(known) => known,
            None if SCRIPTS.contains(&name) => return Some(format!("\\{escape}{{Script={name}}}")),
            None => alias()?,
        },
    };
    match category {
        // Texts contain no surrogates.
        "Cs" if negated => Some(r"[\x{0}-\x{10FFFF}]".to_string()),
        "Cs" => Some(NOTHING.to_string()),
        _ => Some(format!("\\{escape}{{{category}}}")),
    }
}

/// The first letter in upper case, the others in lower case, without blanks, `_` and `-`.
fn canonical_name(name: &[u8]) -> String {
    let letters = String::from_utf8_lossy(name);
    let mut canonical = String::with_capacity(name.len());
    for c in letters.chars().filter(|c| !matches!(c, '_' | '-' | ' ')) {
        canonical.push(if canonical.is_empty() { c.to_ascii_uppercase() } else { c.to_ascii_lowercase() });
    }
    canonical
}
