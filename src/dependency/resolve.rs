//! Resolving dependencies to versions, and the digest of the result.
//!
//! Goes in: what Chart.yaml asks for and the versions that a repository offers. Comes out: the chosen version, and
//! the digest that ties a Chart.lock to its Chart.yaml. Pure: the caller supplies the versions. Follows Helm's
//! `internal/resolver`: of a list sorted from the highest, the first version that satisfies the range wins.

use crate::chart::Dependency;
use crate::error::{Error, ErrorKind, Result};
use crate::json;
use crate::quote::quote;
use crate::version::{Constraint, Version};
use sha2::{Digest, Sha256};

/// The version range of a dependency. The error is Helm's.
pub fn range(dependency: &Dependency) -> Result<Constraint> {
    Constraint::parse(&dependency.version).map_err(|error| {
        let name = quote(dependency.name.as_bytes());
        Error::new(ErrorKind::Dependency, format!("dependency {name} has an invalid version/constraint format: {error}"))
    })
}

/// The first of `versions` (sorted from the highest) that `range` allows, as written; invalid versions are skipped.
pub fn choose<'v>(range: &Constraint, versions: impl IntoIterator<Item = &'v str>) -> Option<&'v str> {
    versions.into_iter().find(|text| Version::parse(text).is_ok_and(|version| range.check(&version)))
}

/// Whether two texts are the same version; invalid versions are compared as text.
pub fn same_version(a: &str, b: &str) -> bool {
    match (Version::parse(a), Version::parse(b)) {
        (Err(_), _) => a == b,
        (Ok(_), Err(_)) => false,
        (Ok(a), Ok(b)) => a == b,
    }
}

/// The description of a dependency in the error about missing ones.
pub fn missing(dependency: &Dependency) -> String {
    let quoted = |text: &str| quote(text.as_bytes());
    format!("{} (repository {}, version {})", quoted(&dependency.name), quoted(&dependency.repository), quoted(&dependency.version))
}

/// The error for dependencies that no repository satisfies, each as [`missing`] describes it.
pub fn unsatisfied(missing: &[String]) -> Error {
    let message = format!(
        "can't get a valid version for {} subchart(s): {}. Make sure a matching chart version exists in the repo, or change the version constraint in Chart.yaml",
        missing.len(),
        missing.join(", ")
    );
    Error::new(ErrorKind::Dependency, message)
}

/// The digest of a lock: SHA-256 of the JSON of the requested and the chosen dependencies.
pub fn digest(asked: &[Dependency], locked: &[Dependency]) -> Result<String> {
    let mut writer = json::Writer::new(true);
    writer.begin_list();
    write_list(&mut writer, asked);
    write_list(&mut writer, locked);
    writer.end_list();
    Ok(sum(&writer.finish()?))
}

/// The digest that Helm 2 wrote: only of the requested dependencies.
pub fn digest_of_helm_2(asked: &[Dependency]) -> Result<String> {
    let mut writer = json::Writer::new(true);
    writer.begin_map();
    writer.key(b"dependencies");
    write_list(&mut writer, asked);
    writer.end_map();
    Ok(sum(&writer.finish()?))
}

fn write_list(writer: &mut json::Writer, dependencies: &[Dependency]) {
    writer.begin_list();
    for dependency in dependencies {
        writer.begin_map();
        for (key, value) in dependency.fields() {
            writer.key(key.as_bytes());
            json::write(writer, &value);
        }
        writer.end_map();
    }
    writer.end_list();
}

fn sum(bytes: &[u8]) -> String {
    format!("sha256:{}", data_encoding::HEXLOWER.encode(&Sha256::digest(bytes)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dependency(name: &str, version: &str, repository: &str) -> Dependency {
        Dependency { name: name.into(), version: version.into(), repository: repository.into(), ..Dependency::default() }
    }

    #[test]
    fn digests_are_those_of_helm() {
        // Recorded from Helm 4.2.4.
        let local = dependency("basic", "0.1.0", "file://../basic");
        let digest = digest(std::slice::from_ref(&local), std::slice::from_ref(&local)).map_err(|error| error.to_string());
        assert_eq!(digest, Ok("sha256:22d953ca3d8d6bc048fffba51698def7d0b43762dd1048bdd5c5798ffe74c47d".to_string()));
    }

    #[test]
    fn a_digest_is_of_both_what_is_asked_for_and_what_is_locked() {
        let [range, exact] = ["^1", "1.0.0"].map(|version| [dependency("a", version, "")]);
        let all = [digest(&range, &range), digest(&range, &exact), digest(&exact, &range), digest(&exact, &exact)]
            .map(|digest| digest.expect("a digest"));
        assert!(all.iter().enumerate().all(|(at, one)| !all[..at].contains(one)), "{all:?}");
        assert!(same_version("1.0.0", "v1.0.0") && !same_version("1.0.0", "x") && !same_version("x", "y"));
    }

    #[test]
    fn the_highest_allowed_version_is_chosen() {
        let versions = ["1.11.0-rc.1", "1.10.0", "1.9.0", "oops", "0.1.0"];
        for (range, expected) in [("^1.0", Some("1.10.0")), ("^1.0-0", Some("1.11.0-rc.1")), ("<1", Some("0.1.0")), (">2", None)] {
            let range = Constraint::parse(range).expect("a range");
            assert_eq!(choose(&range, versions), expected);
        }
    }
}
