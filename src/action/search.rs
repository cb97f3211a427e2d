//! Searching the cached indexes of all repositories, and the tags of a registry.
//!
//! Goes in: words, a range of versions, the settings. Comes out: hits, best first. A repository whose cache is missing or
//! broken is skipped with a warning. Matches Helm's `search repo`; tags of `oci://` are this tool's own (helm/helm#11000).

use crate::error::{Error, ErrorKind, Result};
use crate::parallel;
use crate::repository::config::{Repositories, index_path};
use crate::repository::download::Downloader;
use crate::repository::index::INDEX_LIMIT;
use crate::repository::oci::reference::{tag_of, version_of};
use crate::repository::oci::{Reference, SCHEME};
use crate::repository::search::{Hit, Search, Term};
use crate::repository::{ChartOptions, Reporter, Settings};
use crate::version::{Constraint, Version};

/// How many repositories of a registry are queried at once.
const PARALLEL: usize = 8;

/// What to search for, and how.
#[derive(Debug, Clone, Default)]
pub struct Options {
    pub words: Vec<String>,
    pub regexp: bool,
    /// Every version, not only the highest.
    pub versions: bool,
    /// Pre-releases too, unless `version` is given.
    pub devel: bool,
    /// A range; empty means stable versions.
    pub version: String,
}

impl Options {
    fn range(&self) -> &str {
        match (self.version.as_str(), self.devel) {
            ("", true) => ">0.0.0-0",
            ("", false) => ">0.0.0",
            (range, _) => range,
        }
    }
}

/// Searches all configured repositories.
pub fn repositories(options: &Options, settings: &Settings, reporter: &dyn Reporter) -> Result<Vec<Hit>> {
    // Helm hides why a file cannot be read and reports that it holds no repositories.
    let repositories = Repositories::load(&settings.repository_config).ok().flatten().unwrap_or_default();
    if repositories.entries.is_empty() {
        return Err(Error::new(ErrorKind::Repository, "no repositories configured"));
    }
    let term = Term::new(&options.words, options.regexp)?;
    let mut search = Search::new(term, options.range(), options.versions, reporter)?;
    for entry in &repositories.entries {
        let found = index_path(settings, &entry.name).and_then(|path| {
            let bytes = crate::fs::read_limited(&path, INDEX_LIMIT)?;
            let source = path.display().to_string();
            search.add(&entry.name, &bytes, &source).map_err(|error| error.context(format!("error loading {source}")))
        });
        if let Err(error) = found {
            reporter.warn_with("repo is corrupt or missing", &[("repo", &entry.name), ("error", &error.to_string())]);
        }
    }
    Ok(search.finish())
}

/// The versions of the chart at `reference` (`oci://…`), highest first; without `versions` only the highest. If `reference`
/// is a registry, or a path that is not a repository, the charts below it, by name, if the registry lists its repositories.
pub fn registry(
    reference: &str,
    options: &Options,
    access: &ChartOptions,
    settings: &Settings,
    reporter: &dyn Reporter,
) -> Result<Vec<Hit>> {
    let invalid = |error| Error::new(ErrorKind::Usage, format!("an invalid version/constraint format: {error}"));
    let constraint = Constraint::parse(options.range()).map_err(invalid)?;
    let downloader = Downloader::new(access.clone(), settings, reporter);
    let lookup = Lookup { downloader: &downloader, constraint, all_versions: options.versions };
    let place = reference.strip_prefix(SCHEME).unwrap_or(reference).trim_end_matches('/');
    if !place.contains('/') {
        let top = Reference::of_registry(place)?;
        let names = downloader.registries().repositories(&top)?;
        return Ok(lookup.charts_below(&top, &names, reporter));
    }
    let mut parsed = Reference::parse(place)?;
    let mut lookup = lookup;
    if !parsed.tag.is_empty() {
        if !options.version.is_empty() {
            return Err(Error::new(ErrorKind::Usage, format!("{reference} has a tag: --version cannot be given as well")));
        }
        lookup.constraint = Constraint::parse(&version_of(&parsed.tag)).map_err(invalid)?;
    }
    (parsed.tag, parsed.digest) = (String::new(), String::new());
    let unknown = match lookup.versions(&parsed) {
        Err(error) if error.kind() == ErrorKind::Missing => error,
        found => return found,
    };
    match downloader.registries().repositories(&parsed) {
        Ok(names) if !names.is_empty() => Ok(lookup.charts_below(&parsed, &names, reporter)),
        _ => Err(unknown),
    }
}

/// How the charts of a registry are searched.
struct Lookup<'a> {
    downloader: &'a Downloader<'a>,
    constraint: Constraint,
    all_versions: bool,
}

impl Lookup<'_> {
    /// The charts among the repositories of these names. A repository that cannot be read is skipped with a warning.
    fn charts_below(&self, top: &Reference, names: &[String], reporter: &dyn Reporter) -> Vec<Hit> {
        let look = |name: &String| self.versions(&Reference { repository: name.clone(), ..top.clone() });
        let mut all = Vec::new();
        for (name, hits) in names.iter().zip(parallel::map(PARALLEL, names, look)) {
            match hits {
                Ok(hits) => all.extend(hits),
                Err(error) => reporter.warn_with("repository cannot be read", &[("repository", name), ("error", &error.to_string())]),
            }
        }
        all
    }

    /// The versions in a repository; none if it does not hold a chart. Description and app version take a request per version, so
    /// they are given only where just the highest version is listed.
    fn versions(&self, repository: &Reference) -> Result<Vec<Hit>> {
        let name = format!("{SCHEME}{repository}");
        let mut versions = self.downloader.registries().versions(repository)?;
        versions.retain(|version| Version::parse(version).is_ok_and(|version| self.constraint.check(&version)));
        let Some(highest) = versions.first() else { return Ok(Vec::new()) };
        let tagged = Reference { tag: tag_of(highest), ..repository.clone() };
        let Some(config) = self.downloader.registries().config(&tagged)? else { return Ok(Vec::new()) };
        if self.all_versions {
            return Ok(versions.into_iter().map(|version| Hit::of_registry(&name, version, None)).collect());
        }
        Ok(vec![Hit::of_registry(&name, highest.clone(), Some(&config))])
    }
}
