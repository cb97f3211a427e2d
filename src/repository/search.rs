//! Searching cached indexes.
//!
//! Goes in: the bytes of an index with the name of its repository, and the search term. Comes out: [`Hit`]s, best
//! first. The position of the first match decides the rank: chart name, `repository/name`, description, keywords.
//! Only the fields that are compared or shown are decoded. Follows Helm's `pkg/cmd/search` and `search repo`.

use super::index::{self, Invalid, item_fault};
use super::scan::{Field, Outcome, scan};
use super::{Reporter, printable};
use crate::chart::metadata::sanitised;
use crate::data::Data;
use crate::error::{Error, ErrorKind, Result};
use crate::regexp;
use crate::version::{Constraint, Version};
use regex::Regex;
use std::cmp::Ordering;
use std::ops::ControlFlow;

/// The separator between the searched fields.
const SEPARATOR: char = '\u{b}';

/// The search term.
#[derive(Debug, Clone)]
pub enum Term {
    /// Everything.
    All,
    /// This text, ignoring case; stored in lower case.
    Literal(String),
    /// This regular expression.
    Regexp(Regex),
}

/// A chart version that matches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hit {
    /// `repository/chart`
    pub name: String,
    pub version: String,
    pub app_version: String,
    pub description: String,
    score: usize,
}

impl Hit {
    /// A version in a registry under `name`, with details from its Chart.yaml if that was fetched.
    pub fn of_registry(name: &str, version: String, config: Option<&Data>) -> Hit {
        let field = |key: &str| config?.as_map()?.get(key)?.as_str().map(|text| sanitised(text.into()).into_owned());
        let (app_version, description) = (field("appVersion").unwrap_or_default(), field("description").unwrap_or_default());
        Hit { name: name.to_string(), version, app_version, description, score: 0 }
    }
}

/// A search over one or more indexes.
pub struct Search<'r> {
    term: Term,
    constraint: Constraint,
    all_versions: bool,
    reporter: &'r dyn Reporter,
    hits: Vec<(Hit, Version)>,
}

impl Term {
    /// The term from `words`, joined by spaces; no words match everything.
    pub fn new(words: &[String], is_regexp: bool) -> Result<Term> {
        if words.is_empty() {
            return Ok(Term::All);
        }
        let text = words.join(" ");
        if !is_regexp {
            return Ok(Term::Literal(text.to_lowercase()));
        }
        let invalid = |fault: String| Error::new(ErrorKind::Usage, fault);
        let translated = regexp::translate(text.as_bytes()).map_err(invalid)?;
        let built = regex::RegexBuilder::new(&translated.pattern).size_limit(10 << 20).build();
        built.map(Term::Regexp).map_err(|_| invalid(regexp::fault("expression too large", text.as_bytes())))
    }

    /// The score of a candidate, lower is better; `None` if it does not match.
    fn score(&self, mut line: String) -> Option<usize> {
        let start = match self {
            Term::All => return Some(0),
            Term::Literal(term) => {
                if line.is_ascii() {
                    line.make_ascii_lowercase();
                } else {
                    line = line.to_lowercase();
                }
                memchr::memmem::find(line.as_bytes(), term.as_bytes())?
            }
            Term::Regexp(regexp) => regexp.find(&line)?.start(),
        };
        Some(line.bytes().take(start).filter(|byte| *byte == SEPARATOR as u8).count())
    }
}

impl<'r> Search<'r> {
    /// A search for versions in `range`: the highest of each chart, or all of them.
    pub fn new(term: Term, range: &str, all_versions: bool, reporter: &'r dyn Reporter) -> Result<Search<'r>> {
        let invalid = |error| Error::new(ErrorKind::Usage, format!("an invalid version/constraint format: {error}"));
        let constraint = Constraint::parse(range).map_err(invalid)?;
        Ok(Search { term, constraint, all_versions, reporter, hits: Vec::new() })
    }

    /// Searches the index `bytes` of `repository`.
    pub fn add(&mut self, repository: &str, bytes: &[u8], source: &str) -> Result<()> {
        if bytes.is_empty() {
            return Err(Error::new(ErrorKind::Repository, "empty index.yaml file"));
        }
        let before = self.hits.len();
        let mut invalid = Vec::new();
        let outcome = scan(bytes, &mut |item| {
            let version = item.text(Field::Version)?;
            let fault = item_fault(&item)?;
            if let Some((version, fault)) = fault {
                invalid.push(Invalid { chart: item.chart.to_string(), version: Some(version), fault });
                return Ok(ControlFlow::Continue(()));
            }
            let Ok(parsed) = Version::parse(&version) else { return Ok(ControlFlow::Continue(())) };
            if !self.constraint.check(&parsed) {
                return Ok(ControlFlow::Continue(()));
            }
            let Some(score) = self.item_score(repository, &item)? else { return Ok(ControlFlow::Continue(())) };
            let description = sanitised(item.text(Field::Description)?).into_owned();
            let app_version = sanitised(item.text(Field::AppVersion)?).into_owned();
            self.keep(Hit { name: join(repository, item.chart), version: version.into_owned(), app_version, description, score }, parsed);
            Ok(ControlFlow::Continue(()))
        });
        if let Ok(Outcome::Complete { api_version: true }) = outcome {
            index::warn_of_invalid(self.reporter, &invalid, source);
            return Ok(());
        }
        self.hits.truncate(before);
        self.add_general(repository, bytes, source)
    }

    /// The score of an item; its line is built only if the term needs it.
    fn item_score(&self, repository: &str, item: &super::scan::Item<'_>) -> Result<Option<usize>> {
        if matches!(self.term, Term::All) {
            return Ok(Some(0));
        }
        let keywords: Vec<_> = item.texts(Field::Keywords)?.into_iter().map(sanitised).collect();
        let line = line(repository, &sanitised(item.text(Field::Name)?), &sanitised(item.text(Field::Description)?), &keywords.join(" "));
        Ok(self.term.score(line))
    }

    fn add_general(&mut self, repository: &str, bytes: &[u8], source: &str) -> Result<()> {
        let index = index::Index::parse(bytes, source, self.reporter)?;
        for (chart, versions) in index.entries {
            for version in versions {
                let metadata = version.metadata;
                let Ok(parsed) = Version::parse(&metadata.version) else { continue };
                if !self.constraint.check(&parsed) {
                    continue;
                }
                let line = line(repository, &metadata.name, &metadata.description, &metadata.keywords.join(" "));
                let Some(score) = self.term.score(line) else { continue };
                let hit = Hit {
                    name: join(repository, &printable(&chart)),
                    version: metadata.version,
                    app_version: metadata.app_version,
                    description: metadata.description,
                    score,
                };
                self.keep(hit, parsed);
            }
        }
        Ok(())
    }

    /// Adds a hit. The versions of one chart are contiguous: unless all versions are wanted, only the one that ranks first is kept.
    fn keep(&mut self, hit: Hit, version: Version) {
        match self.hits.last_mut() {
            Some(last) if !self.all_versions && last.0.name == hit.name => {
                if rank(&hit, &version, &last.0, &last.1) != Ordering::Greater {
                    *last = (hit, version);
                }
            }
            _ => self.hits.push((hit, version)),
        }
    }

    /// All hits, best first.
    pub fn finish(mut self) -> Vec<Hit> {
        self.hits.sort_by(|a, b| rank(&a.0, &a.1, &b.0, &b.1));
        let mut hits: Vec<Hit> = self.hits.into_iter().map(|(hit, _)| hit).collect();
        // Helm keys versions by name and version, so duplicates in an index count once.
        hits.dedup_by(|later, earlier| {
            let same = later.name == earlier.name && later.version == earlier.version;
            if same {
                std::mem::swap(later, earlier);
            }
            same
        });
        if !self.all_versions {
            let mut seen = std::collections::HashSet::new();
            hits.retain(|hit| seen.insert(hit.name.clone()));
        }
        hits
    }
}

/// Orders by score, then by name, then the higher version first.
fn rank(a: &Hit, a_version: &Version, b: &Hit, b_version: &Version) -> Ordering {
    a.score.cmp(&b.score).then_with(|| a.name.cmp(&b.name)).then_with(|| b_version.cmp(a_version))
}

fn line(repository: &str, name: &str, description: &str, keywords: &str) -> String {
    format!("{name}{SEPARATOR}{repository}/{name}{SEPARATOR}{description}{SEPARATOR}{keywords}")
}

/// Go's `path.Join` of repository and chart.
fn join(repository: &str, chart: &str) -> String {
    let joined = if repository.is_empty() { chart.to_string() } else { format!("{repository}/{chart}") };
    super::url::clean_dot(&joined)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::repository::Recorded;

    const INDEX: &str = "apiVersion: v1\nentries:\n  mast:\n  - name: mast\n    version: 4.0.0\n    description: Holds every sail\n  sail:\n  - name: sail\n    version: 1.2.0\n  - name: sail\n    version: 1.10.0\n    appVersion: \"\\e[31m7\"\n  - name: sail\n    version: 2.0.0-rc.1\n    keywords:\n    - cloth\n";

    fn search(words: &[&str], regexp: bool, range: &str, all: bool) -> Vec<String> {
        let reporter = Recorded::default();
        let words: Vec<String> = words.iter().map(|word| word.to_string()).collect();
        let mut search = Search::new(Term::new(&words, regexp).expect("a term"), range, all, &reporter).expect("a range");
        search.add("local", INDEX.as_bytes(), "x").expect("an index");
        search.finish().into_iter().map(|hit| format!("{} {}", hit.name, hit.version)).collect()
    }

    #[test]
    fn the_place_of_the_match_ranks() {
        assert_eq!(search(&["SAIL"], false, ">0.0.0", false), ["local/sail 1.10.0", "local/mast 4.0.0"]);
        assert_eq!(search(&["sail"], false, ">0.0.0", true), ["local/sail 1.10.0", "local/sail 1.2.0", "local/mast 4.0.0"]);
        assert_eq!(search(&[], false, ">0.0.0-0", false), ["local/mast 4.0.0", "local/sail 2.0.0-rc.1"]);
        assert_eq!(search(&["cloth"], false, ">0.0.0-0", false), ["local/sail 2.0.0-rc.1"]);
        assert_eq!(search(&["^s.*l"], true, ">0.0.0", false), ["local/sail 1.10.0"]);
        assert_eq!(search(&["^S"], true, ">0.0.0", false), Vec::<String>::new());
    }

    // CVE-2021-21303: control characters from an index do not reach the terminal.
    #[test]
    fn control_characters_are_taken_out() {
        let reporter = Recorded::default();
        let mut search = Search::new(Term::All, "1.10.0", true, &reporter).expect("a range");
        search.add("local", INDEX.as_bytes(), "x").expect("an index");
        assert_eq!(search.finish()[0].app_version, "[31m7");
    }
}
