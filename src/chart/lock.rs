//! Chart.lock and requirements.lock: which versions the dependencies were resolved to.
//!
//! Goes in: the text of the file. Comes out: [`Lock`], or its text again. The time is kept as written and parsed only where it is
//! needed: for the archive's member. Matches Helm's `pkg/chart/v2/dependency.go`.

use super::metadata::{DEPENDENCIES, Dependency, tree};
use crate::data::Data;
use crate::error::Result;
use crate::time::{self, Time, Zone};
use crate::yaml::{self, Field, Shape};

/// Chart.lock.
#[derive(Debug, Clone, Default)]
pub struct Lock {
    /// RFC 3339 with nanoseconds, as written; empty when absent.
    pub generated: String,
    /// `sha256:` and hex.
    pub digest: String,
    pub dependencies: Vec<Dependency>,
    /// Whether the list is absent, which is written as `null`, not as an empty list.
    pub(crate) without_list: bool,
}

static LOCK: Shape =
    Shape::Struct("v2.Lock", &[Field("generated", &Shape::Time), Field("digest", &Shape::Str), Field("dependencies", &DEPENDENCIES)]);

impl Lock {
    /// Reads a lock; a null document is no lock.
    pub fn parse(text: &[u8]) -> Result<Option<Lock>> {
        let data = yaml::decode(text, &LOCK)?;
        let Some(map) = data.as_map() else { return Ok(None) };
        let text = |key: &str| map.get(key).and_then(Data::as_str).unwrap_or_default().to_string();
        let dependencies = map.get("dependencies").and_then(Data::as_list);
        Ok(Some(Lock {
            generated: text("generated"),
            digest: text("digest"),
            without_list: dependencies.is_none(),
            dependencies: dependencies.into_iter().flat_map(|items| items.iter()).filter_map(Dependency::from_data).collect(),
        }))
    }

    /// The text of a Chart.lock: keys sorted, every field written.
    pub fn to_yaml(&self) -> Result<String> {
        let generated = match self.time() {
            Some(time) => time.to_rfc3339(),
            None if self.generated.is_empty() => Time::zero().to_rfc3339(),
            None => self.generated.clone(),
        };
        let dependencies = match self.without_list {
            true => Data::Null,
            false => Data::list(self.dependencies.iter().map(Dependency::to_data).collect()),
        };
        yaml::to_string(&tree(vec![
            ("generated", Data::str(generated)),
            ("digest", Data::str(self.digest.as_str())),
            ("dependencies", dependencies),
        ]))
    }

    /// When the lock was made, in seconds since 1970, rounded to the nearest; `None` when absent or invalid.
    pub fn modified(&self) -> Option<i64> {
        let time = self.time()?;
        Some(time.seconds + i64::from(time.nanosecond >= 500_000_000))
    }

    fn time(&self) -> Option<Time> {
        time::parse(time::RFC3339, self.generated.as_bytes(), &Zone::Utc).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lock(generated: &str) -> Lock {
        Lock { generated: generated.to_string(), ..Lock::default() }
    }

    #[test]
    fn the_time_is_written_as_go_does() {
        for (text, expected) in [
            ("2024-02-29T12:30:01.500Z", "2024-02-29T12:30:01.5Z"),
            ("2021-06-09T10:17:03.480194+02:00", "2021-06-09T10:17:03.480194+02:00"),
            ("2000-03-01T00:00:00+00:00", "2000-03-01T00:00:00Z"),
            // Go accepts an hour of one digit.
            ("2000-03-01T1:00:00Z", "2000-03-01T01:00:00Z"),
            ("", "0001-01-01T00:00:00Z"),
        ] {
            let written = lock(text).to_yaml().unwrap();
            assert!(written.contains(&format!("generated: \"{expected}\"\n")), "{text}: {written}");
        }
    }

    #[test]
    fn the_time_is_rounded_for_the_archive() {
        assert_eq!(lock("1970-01-01T00:00:01.4Z").modified(), Some(1));
        assert_eq!(lock("1970-01-01T00:00:01.5Z").modified(), Some(2));
        assert_eq!(lock("1970-01-01T02:00:00+02:00").modified(), Some(0));
        assert_eq!(lock("").modified(), None);
    }
}
