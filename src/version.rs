//! Versions and version constraints as Helm understands them (Masterminds/semver 3.5.0).
//!
//! Goes in: texts from Chart.yaml, index files, tags and templates. Comes out: [`Version`], ordered, and [`Constraint`], to check
//! versions against; or the error text of Masterminds.
//! `semver::Version` provides what both agree on. The loose grammar (`v1.2`, `01`), the order of identifiers that overflow 64 bits
//! and the whole constraint language (`||`, hyphen ranges, `x`, `~`, `^` on partial versions) differ from Cargo's and are
//! implemented here.

use crate::error::{Error, ErrorKind};
use crate::quote::quote;
use semver::{BuildMetadata, Prerelease};
use std::cmp::Ordering;
use std::fmt;

/// Most bytes a version may have.
const MAX_VERSION_LENGTH: usize = 256;
/// Most bytes a constraint may have.
const MAX_CONSTRAINT_LENGTH: usize = 512;
/// Most alternatives (`||`) a constraint may have.
const MAX_CONSTRAINT_GROUPS: usize = 32;

/// Why a text is not a version or constraint, in Masterminds' words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VersionError {
    message: String,
}

impl VersionError {
    fn new(message: impl Into<String>) -> VersionError {
        VersionError { message: message.into() }
    }

    fn invalid() -> VersionError {
        VersionError::new("invalid semantic version")
    }
}

impl fmt::Display for VersionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for VersionError {}

impl From<VersionError> for Error {
    fn from(error: VersionError) -> Error {
        Error::new(ErrorKind::Chart, error.message)
    }
}

/// A version: three numbers, a prerelease, metadata, and the text it came from.
#[derive(Debug, Clone)]
pub struct Version {
    semver: semver::Version,
    original: String,
}

impl Version {
    /// Go's zero value of a version: 0.0.0 from an empty text.
    pub fn zero() -> Version {
        Version { semver: semver::Version::new(0, 0, 0), original: String::new() }
    }

    /// A version in the loose grammar: leading `v`, one to three numbers, leading zeros allowed (`NewVersion`).
    pub fn parse(text: &str) -> Result<Version, VersionError> {
        if text.len() > MAX_VERSION_LENGTH {
            return Err(VersionError::new(format!("version string is too long (max {MAX_VERSION_LENGTH} bytes)")));
        }
        let scanned = scan_version(text.as_bytes(), |byte| byte.is_ascii_digit()).ok_or_else(VersionError::invalid)?;
        if scanned.length != text.len() {
            return Err(VersionError::invalid());
        }
        let number = |part: (usize, usize)| match &text[part.0..part.1] {
            "" => Ok(0),
            digits => {
                parse_segment(digits).ok_or_else(|| VersionError::new(format!("error parsing version segment: {}", out_of_range(digits))))
            }
        };
        let mut semver = semver::Version::new(number(scanned.major)?, number(scanned.minor)?, number(scanned.patch)?);
        semver.pre = parse_prerelease(&text[scanned.prerelease.0..scanned.prerelease.1])?;
        semver.build = parse_metadata(&text[scanned.metadata.0..scanned.metadata.1])?;
        Ok(Version { semver, original: text.to_string() })
    }

    /// A version in the strict grammar: exactly three numbers, no leading `v`, no leading zeros (`StrictNewVersion`).
    pub fn parse_strict(text: &str) -> Result<Version, VersionError> {
        if text.is_empty() {
            return Err(VersionError::new("version string empty"));
        }
        if text.len() > MAX_VERSION_LENGTH {
            return Err(VersionError::new(format!("version string is too long (max {MAX_VERSION_LENGTH} bytes)")));
        }
        let mut parts = text.splitn(3, '.');
        let (Some(major), Some(minor), Some(rest)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(VersionError::invalid());
        };
        let (rest, build) = match rest.split_once('+') {
            Some((_, "")) => return Err(VersionError::new("invalid metadata string")),
            Some((rest, metadata)) => (rest, parse_metadata(metadata)?),
            None => (rest, BuildMetadata::EMPTY),
        };
        let (patch, pre) = match rest.split_once('-') {
            Some((_, "")) => return Err(VersionError::new("invalid prerelease string")),
            Some((patch, prerelease)) => (patch, parse_prerelease(prerelease)?),
            None => (rest, Prerelease::EMPTY),
        };
        for part in [major, minor, patch] {
            if !part.bytes().all(|byte| byte.is_ascii_digit()) {
                return Err(VersionError::new("invalid characters in version"));
            }
            if part.len() > 1 && part.starts_with('0') {
                return Err(VersionError::new("version segment starts with 0"));
            }
        }
        let number = |digits: &str| match digits {
            "" => Err(VersionError::new("strconv.ParseUint: parsing \"\": invalid syntax")),
            _ => parse_segment(digits).ok_or_else(|| VersionError::new(out_of_range(digits))),
        };
        let semver = semver::Version { major: number(major)?, minor: number(minor)?, patch: number(patch)?, pre, build };
        Ok(Version { semver, original: text.to_string() })
    }

    /// The first number.
    pub fn major(&self) -> u64 {
        self.semver.major
    }

    /// The second number, 0 if it was left out.
    pub fn minor(&self) -> u64 {
        self.semver.minor
    }

    /// The third number, 0 if it was left out.
    pub fn patch(&self) -> u64 {
        self.semver.patch
    }

    /// The part behind `-`, without it.
    pub fn prerelease(&self) -> &str {
        self.semver.pre.as_str()
    }

    /// The part behind `+`, without it.
    pub fn metadata(&self) -> &str {
        self.semver.build.as_str()
    }

    /// The text it was parsed from.
    pub fn original(&self) -> &str {
        &self.original
    }

    /// The next patch: a prerelease becomes its release. `None` when the number would overflow.
    pub fn next_patch(&self) -> Option<Version> {
        let patch = if self.semver.pre.is_empty() { self.patch().checked_add(1)? } else { self.patch() };
        Some(self.successor(self.major(), self.minor(), patch))
    }

    /// The next minor version. `None` when the number would overflow.
    pub fn next_minor(&self) -> Option<Version> {
        Some(self.successor(self.major(), self.minor().checked_add(1)?, 0))
    }

    /// The next major version. `None` when the number would overflow.
    pub fn next_major(&self) -> Option<Version> {
        Some(self.successor(self.major().checked_add(1)?, 0, 0))
    }

    /// The same version with another prerelease.
    pub fn with_prerelease(&self, prerelease: &str) -> Result<Version, VersionError> {
        let mut semver = self.semver.clone();
        semver.pre = parse_prerelease(prerelease)?;
        Ok(self.derived(semver))
    }

    /// The same version with other metadata.
    pub fn with_metadata(&self, metadata: &str) -> Result<Version, VersionError> {
        let mut semver = self.semver.clone();
        semver.build = parse_metadata(metadata)?;
        Ok(self.derived(semver))
    }

    fn successor(&self, major: u64, minor: u64, patch: u64) -> Version {
        self.derived(semver::Version::new(major, minor, patch))
    }

    /// The derived version keeps a leading `v` in its original text.
    fn derived(&self, semver: semver::Version) -> Version {
        let prefix = if self.original.starts_with('v') { "v" } else { "" };
        Version { original: format!("{prefix}{semver}"), semver }
    }
}

/// Whether the text is three short numbers: such a version, read as a constraint, allows itself.
pub(crate) fn is_plain(text: &str) -> bool {
    let is_number = |part: &str| (1..=9).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit());
    let mut parts = text.split('.');
    parts.by_ref().take(3).filter(|part| is_number(part)).count() == 3 && parts.next().is_none()
}

/// Three numbers, prerelease and metadata, without a leading `v`.
impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.semver.fmt(f)
    }
}

impl PartialEq for Version {
    fn eq(&self, other: &Version) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Version {}

impl PartialOrd for Version {
    fn partial_cmp(&self, other: &Version) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// Precedence; metadata does not count.
impl Ord for Version {
    fn cmp(&self, other: &Version) -> Ordering {
        let numbers = |version: &Version| (version.major(), version.minor(), version.patch());
        numbers(self).cmp(&numbers(other)).then_with(|| compare_prereleases(self.prerelease(), other.prerelease()))
    }
}

/// A release is above all its prereleases; otherwise they are compared identifier by identifier.
fn compare_prereleases(left: &str, right: &str) -> Ordering {
    match (left.is_empty(), right.is_empty()) {
        (true, true) => return Ordering::Equal,
        (true, false) => return Ordering::Greater,
        (false, true) => return Ordering::Less,
        (false, false) => {}
    }
    let mut lefts = left.split('.');
    let mut rights = right.split('.');
    loop {
        match (lefts.next(), rights.next()) {
            (None, None) => return Ordering::Equal,
            (None, Some(_)) => return Ordering::Less,
            (Some(_), None) => return Ordering::Greater,
            (Some(a), Some(b)) if a == b => {}
            (Some(a), Some(b)) => {
                // Numbers that do not fit 64 bits compare as text.
                return match (parse_segment(a), parse_segment(b)) {
                    (Some(a), Some(b)) => a.cmp(&b),
                    (Some(_), None) => Ordering::Less,
                    (None, Some(_)) => Ordering::Greater,
                    (None, None) => a.cmp(b),
                };
            }
        }
    }
}

fn parse_segment(digits: &str) -> Option<u64> {
    if digits.bytes().all(|byte| byte.is_ascii_digit()) { digits.parse().ok() } else { None }
}

fn out_of_range(digits: &str) -> String {
    format!("strconv.ParseUint: parsing {}: value out of range", quote(digits.as_bytes()))
}

fn parse_prerelease(text: &str) -> Result<Prerelease, VersionError> {
    for part in text.split('.') {
        if part.len() > 1 && part.starts_with('0') && part.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(VersionError::new("version segment starts with 0"));
        }
        if part.is_empty() && !text.is_empty() || !part.bytes().all(is_identifier_byte) {
            break;
        }
    }
    Prerelease::new(text).map_err(|_| VersionError::new("invalid prerelease string"))
}

fn parse_metadata(text: &str) -> Result<BuildMetadata, VersionError> {
    BuildMetadata::new(text).map_err(|_| VersionError::new("invalid metadata string"))
}

fn is_identifier_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'-'
}

/// The byte ranges of the parts of a scanned version; the range of an absent part is empty.
/// Numbers exclude their dot, prerelease and metadata exclude `-` and `+`.
struct Scanned {
    major: (usize, usize),
    minor: (usize, usize),
    patch: (usize, usize),
    prerelease: (usize, usize),
    metadata: (usize, usize),
    length: usize,
}

/// The longest version at the start of `text`; `is_number` accepts the bytes of its numbers.
fn scan_version(text: &[u8], is_number: impl Fn(u8) -> bool) -> Option<Scanned> {
    let run = |from: usize, accept: &dyn Fn(u8) -> bool| from + text[from..].iter().take_while(|&&byte| accept(byte)).count();
    let mut at = usize::from(text.first() == Some(&b'v'));
    let end = run(at, &is_number);
    if end == at {
        return None;
    }
    let major = (at, end);
    at = end;
    let mut dotted = || {
        if text.get(at) == Some(&b'.') {
            let end = run(at + 1, &is_number);
            if end > at + 1 {
                let part = (at + 1, end);
                at = end;
                return part;
            }
        }
        (at, at)
    };
    let minor = dotted();
    let patch = if minor.0 < minor.1 { dotted() } else { (at, at) };
    let identifiers = |mark: u8, at: &mut usize| {
        let start = *at + 1;
        if text.get(*at) != Some(&mark) {
            return (*at, *at);
        }
        let mut end = run(start, &is_identifier_byte);
        if end == start {
            return (*at, *at);
        }
        while text.get(end) == Some(&b'.') {
            let next = run(end + 1, &is_identifier_byte);
            if next == end + 1 {
                break;
            }
            end = next;
        }
        *at = end;
        (start, end)
    };
    let prerelease = identifiers(b'-', &mut at);
    let metadata = identifiers(b'+', &mut at);
    Some(Scanned { major, minor, patch, prerelease, metadata, length: at })
}

/// A condition on versions: alternatives (`||`) of conditions that must all hold (space or comma).
#[derive(Debug, Clone)]
pub struct Constraint {
    groups: Vec<Group>,
}

#[derive(Debug, Clone)]
struct Group {
    comparisons: Vec<Comparison>,
    /// Whether one of the comparisons names a prerelease; all of them may then match prereleases.
    names_prerelease: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operator {
    Equal,
    NotEqual,
    Greater,
    Less,
    GreaterEqual,
    LessEqual,
    Tilde,
    Caret,
}

/// Which numbers a comparison's version leaves open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Open {
    /// Nothing: `1.2.3`
    Nothing,
    /// The patch: `1.2`, `1.2.x`
    Patch,
    /// Minor and patch: `1`, `1.x`
    Minor,
    /// All: `*`
    All,
}

#[derive(Debug, Clone)]
struct Comparison {
    operator: Operator,
    version: Version,
    open: Open,
    text: String,
}

impl Constraint {
    /// A constraint in Masterminds' grammar (`NewConstraint`).
    pub fn parse(text: &str) -> Result<Constraint, VersionError> {
        if text.len() > MAX_CONSTRAINT_LENGTH {
            return Err(VersionError::new(format!("constraint string is too long (max {MAX_CONSTRAINT_LENGTH} bytes)")));
        }
        let text = rewrite_ranges(text);
        let groups: Vec<&str> = text.split("||").collect();
        if groups.len() > MAX_CONSTRAINT_GROUPS {
            return Err(VersionError::new(format!("too many constraint groups (max {MAX_CONSTRAINT_GROUPS})")));
        }
        let groups = groups.into_iter().map(parse_group).collect::<Result<_, _>>()?;
        Ok(Constraint { groups })
    }

    /// Whether `version` satisfies the constraint.
    pub fn check(&self, version: &Version) -> bool {
        self.groups.iter().any(|group| {
            (group.names_prerelease || version.semver.pre.is_empty())
                && group.comparisons.iter().all(|comparison| comparison.holds(version))
        })
    }
}

/// The constraint in normal form, alternatives joined by ` || `.
impl fmt::Display for Constraint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, group) in self.groups.iter().enumerate() {
            if at > 0 {
                f.write_str(" || ")?;
            }
            for (at, comparison) in group.comparisons.iter().enumerate() {
                if at > 0 {
                    f.write_str(" ")?;
                }
                f.write_str(&comparison.text)?;
            }
        }
        Ok(())
    }
}

impl Comparison {
    fn holds(&self, version: &Version) -> bool {
        let wanted = &self.version;
        match self.operator {
            Operator::Equal if self.open == Open::Nothing => version == wanted,
            Operator::Equal | Operator::Tilde => self.tilde(version),
            Operator::NotEqual => self.differs(version),
            Operator::Greater => match self.open {
                Open::Nothing | Open::All => version > wanted,
                _ if version.major() != wanted.major() => version.major() > wanted.major(),
                Open::Minor => false,
                Open::Patch => version.minor() > wanted.minor(),
            },
            Operator::Less => version < wanted,
            Operator::GreaterEqual => version >= wanted,
            Operator::LessEqual if self.open == Open::Nothing => version <= wanted,
            Operator::LessEqual => {
                version.major() < wanted.major()
                    || version.major() == wanted.major() && (version.minor() <= wanted.minor() || self.open == Open::Minor)
            }
            Operator::Caret => self.caret(version),
        }
    }

    fn differs(&self, version: &Version) -> bool {
        let wanted = &self.version;
        match self.open {
            Open::Nothing => version != wanted,
            _ if version.major() != wanted.major() => true,
            Open::Minor => false,
            _ if version.minor() != wanted.minor() => true,
            Open::Patch => version.prerelease() != wanted.prerelease(),
            Open::All => version != wanted,
        }
    }

    fn tilde(&self, version: &Version) -> bool {
        let wanted = &self.version;
        if version < wanted {
            return false;
        }
        let zero = wanted.major() == 0 && wanted.minor() == 0 && wanted.patch() == 0;
        if zero && matches!(self.open, Open::Nothing | Open::All) {
            return true;
        }
        version.major() == wanted.major() && (version.minor() == wanted.minor() || self.open == Open::Minor)
    }

    fn caret(&self, version: &Version) -> bool {
        let wanted = &self.version;
        if version < wanted {
            return false;
        }
        if wanted.major() > 0 || self.open == Open::Minor {
            return version.major() == wanted.major();
        }
        if version.major() > 0 {
            return false;
        }
        if wanted.minor() > 0 || self.open == Open::Patch {
            return version.minor() == wanted.minor();
        }
        version.minor() == 0 && version.patch() == wanted.patch()
    }
}

/// Bytes that may stand for a number in a constraint. The bar is in Masterminds' character class by mistake; such a number is
/// refused later with another message.
fn is_constraint_number(byte: u8) -> bool {
    byte.is_ascii_digit() || matches!(byte, b'x' | b'X' | b'*' | b'|')
}

/// Go's `\s`.
fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r' | b'\x0c')
}

fn skip_space(text: &str, from: usize) -> usize {
    from + text.as_bytes()[from..].iter().take_while(|&&byte| is_space(byte)).count()
}

fn parse_group(text: &str) -> Result<Group, VersionError> {
    let improper = || VersionError::new(format!("improper constraint: {}", quote(text.as_bytes())));
    let bytes = text.as_bytes();
    let mut spans: Vec<(usize, usize, usize)> = Vec::new();
    let mut at = skip_space(text, 0);
    loop {
        let start = at;
        let operator_end = at + bytes[at..].iter().take_while(|byte| b"=!<>~^".contains(byte)).count();
        let version_start = skip_space(text, operator_end);
        if parse_operator(&text[start..operator_end]).is_none() {
            return Err(improper());
        }
        let scanned = scan_version(&bytes[version_start..], is_constraint_number).ok_or_else(improper)?;
        let end = version_start + scanned.length;
        spans.push((start, version_start, end));
        at = skip_space(text, end);
        if at == bytes.len() {
            break;
        }
        if bytes[at] == b',' {
            at = skip_space(text, at + 1);
        } else if at == end {
            return Err(improper());
        }
    }
    let comparisons = spans
        .into_iter()
        .map(|(start, version_start, end)| parse_comparison(&text[start..version_start], &text[version_start..end]))
        .collect::<Result<Vec<_>, _>>()?;
    let names_prerelease = comparisons.iter().any(|comparison| !comparison.version.semver.pre.is_empty());
    Ok(Group { comparisons, names_prerelease })
}

fn parse_operator(text: &str) -> Option<Operator> {
    Some(match text {
        "" | "=" => Operator::Equal,
        "!=" => Operator::NotEqual,
        ">" => Operator::Greater,
        "<" => Operator::Less,
        ">=" | "=>" => Operator::GreaterEqual,
        "<=" | "=<" => Operator::LessEqual,
        "~" | "~>" => Operator::Tilde,
        "^" => Operator::Caret,
        _ => return None,
    })
}

fn parse_comparison(operator: &str, text: &str) -> Result<Comparison, VersionError> {
    let broken = || VersionError::new("constraint parser error");
    let operator_text = operator.trim_end_matches(|c: char| c.is_ascii() && is_space(c as u8));
    let operator = parse_operator(operator_text).ok_or_else(broken)?;
    let scanned = scan_version(text.as_bytes(), is_constraint_number).ok_or_else(broken)?;
    let part = |part: (usize, usize)| &text[part.0..part.1];
    let (major, minor, patch) = (part(scanned.major), part(scanned.minor), part(scanned.patch));
    let wild = |part: &str| matches!(part, "" | "x" | "X" | "*");
    let (open, numbers) = if wild(major) {
        (Open::All, "0.0.0".to_string())
    } else if wild(minor) {
        (Open::Minor, format!("{major}.0.0"))
    } else if wild(patch) {
        (Open::Patch, format!("{major}.{minor}.0"))
    } else {
        (Open::Nothing, format!("{major}.{minor}.{patch}"))
    };
    let prerelease = part(scanned.prerelease);
    let dash = if prerelease.is_empty() { "" } else { "-" };
    let version = Version::parse(&format!("{numbers}{dash}{prerelease}")).map_err(|_| broken())?;
    Ok(Comparison { operator, version, open, text: format!("{operator_text}{text}") })
}

/// `1.2 - 3.4` becomes `>= 1.2, <= 3.4 `.
fn rewrite_ranges(text: &str) -> String {
    let mut rewritten = text.to_string();
    if !text.contains('-') {
        return rewritten;
    }
    let mut at = 0;
    while at < text.len() {
        match scan_range(text, at) {
            Some((first, second, end)) => {
                let replacement = format!(">= {}, <= {} ", &text[first.0..first.1], &text[second.0..second.1]);
                rewritten = rewritten.replacen(&text[at..end], &replacement, 1);
                at = end;
            }
            None => at += 1,
        }
    }
    rewritten
}

type Span = (usize, usize);

/// The hyphen range at `at`, including the blanks around it: its two versions and its end.
fn scan_range(text: &str, at: usize) -> Option<(Span, Span, usize)> {
    let bytes = text.as_bytes();
    let first = skip_space(text, at);
    let first_end = first + scan_version(&bytes[first..], is_constraint_number)?.length;
    let dash = skip_space(text, first_end);
    if dash == first_end || bytes.get(dash) != Some(&b'-') {
        return None;
    }
    let second = skip_space(text, dash + 1);
    if second == dash + 1 {
        return None;
    }
    let second_end = second + scan_version(&bytes[second..], is_constraint_number)?.length;
    Some(((first, first_end), (second, second_end), skip_space(text, second_end)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(constraint: &str, version: &str) -> bool {
        let constraint = Constraint::parse(constraint).map(|constraint| constraint.check(&Version::parse(version).unwrap()));
        constraint.unwrap()
    }

    #[test]
    fn plain_versions_allow_themselves() {
        for (text, expected) in [
            ("1.2.3", true),
            ("0.0.0", true),
            ("01.2.3", true),
            ("1.2", false),
            ("1.2.3.4", false),
            ("1..3", false),
            ("1.2.3-rc", false),
            ("v1.2.3", false),
            ("1.2.1234567890", false),
            ("", false),
        ] {
            assert_eq!(is_plain(text), expected, "{text}");
            if expected {
                assert!(Constraint::parse(text).unwrap().check(&Version::parse(text).unwrap()), "{text}");
            }
        }
    }

    #[test]
    fn loose_versions_are_completed() {
        for (text, expected) in [("1", "1.0.0"), ("v1.2", "1.2.0"), ("01.02.03", "1.2.3"), ("1.2.3-rc.1+b.2", "1.2.3-rc.1+b.2")] {
            assert_eq!(Version::parse(text).unwrap().to_string(), expected);
        }
    }

    #[test]
    fn faults_have_masterminds_texts() {
        let fault = |text: &str| Version::parse(text).unwrap_err().to_string();
        assert_eq!(fault("abc"), "invalid semantic version");
        assert_eq!(fault("1.2.3-01"), "version segment starts with 0");
        assert_eq!(
            fault("99999999999999999999"),
            "error parsing version segment: strconv.ParseUint: parsing \"99999999999999999999\": value out of range"
        );
        assert_eq!(fault(&"1".repeat(257)), "version string is too long (max 256 bytes)");
        assert_eq!(Version::parse_strict("v1.2.3").unwrap_err().to_string(), "invalid characters in version");
        assert_eq!(Version::parse_strict("1.2").unwrap_err().to_string(), "invalid semantic version");
    }

    #[test]
    fn constraints_hold_as_in_masterminds() {
        for (constraint, version, expected) in [
            (">=1.21-0", "1.22.3-gke.1", true),
            (">=1.21", "1.22.3-gke.1", false),
            (">1", "1.5.0", false),
            ("<=1", "1.9.9", true),
            ("!=1.2", "1.2.7", false),
            ("1.2 - 1.4.5", "1.4.6", false),
            ("^0.2.3", "0.3.0", false),
            ("~1.2", "1.2.9", true),
            ("~0.0.0", "7.0.0", true),
            ("1.x || >=3,<4", "3.9.9", true),
            ("^*", "1.0.0", false),
        ] {
            assert_eq!(check(constraint, version), expected, "{constraint} {version}");
        }
    }

    #[test]
    fn improper_constraints_are_quoted() {
        let fault = |text: &str| Constraint::parse(text).unwrap_err().to_string();
        assert_eq!(fault("1.2.3 ||"), "improper constraint: \"\"");
        assert_eq!(fault(">=1<2"), "improper constraint: \">=1<2\"");
        assert_eq!(fault("1|2"), "constraint parser error");
        assert_eq!(fault(&["1"; 33].join("||")), "too many constraint groups (max 32)");
        assert_eq!(fault(&" ".repeat(513)), "constraint string is too long (max 512 bytes)");
    }

    #[test]
    fn prereleases_are_ordered() {
        let ordered = ["1.0.0-1", "1.0.0-2", "1.0.0-10", "1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-rc", "1.0.0", "1.0.1-a"];
        for pair in ordered.windows(2) {
            assert!(Version::parse(pair[0]).unwrap() < Version::parse(pair[1]).unwrap(), "{pair:?}");
        }
    }

    #[test]
    fn constraints_allow_what_masterminds_allows() {
        for (range, version, allowed) in [
            (">=1.2.3", "1.2.3", true),
            (">1.2", "1.2.5", false),
            (">1.2", "1.3.0", true),
            (">1", "1.9.0", false),
            ("<=1.2", "1.2.9", true),
            ("<=1.2", "1.3.0", false),
            ("<=1", "1.9.0", true),
            ("!=1.x", "1.5.0", false),
            ("~1.2.3", "1.2.1", false),
            ("^1.2.3", "1.2.1", false),
            ("^0", "0.5.0", true),
            ("^0.0", "0.0.5", true),
            ("^0.0.3", "0.1.3", false),
        ] {
            let found = check(range, version);
            assert_eq!(found, allowed, "{range} {version}");
        }
    }

    #[test]
    fn versions_are_read_and_ordered() {
        assert!(Constraint::parse("1.0.0- 2.0.0").is_err());
        assert!(Constraint::parse("1.0.0 -2.0.0").is_err());
        assert_eq!(Version::parse("v1.2.3").unwrap().next_minor().unwrap().original(), "v1.3.0");
        assert!(Version::parse("1.0.0").unwrap() > Version::parse("1.0.0-rc.1").unwrap());
        assert!(Version::parse_strict("01.0.0").is_err());
        assert!(Version::parse_strict(&format!("1.0.0-{}", "a".repeat(250))).is_ok());
        assert!(Version::parse_strict(&format!("1.0.0-{}", "a".repeat(251))).is_err());
    }
}
