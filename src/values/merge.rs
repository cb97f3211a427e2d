//! The user's values: files and `--set` items, merged in order.
//!
//! Goes in: the options of the command line, and a reader for the files they name. Comes out: one map. Whatever the order on the
//! command line, files come first, then `--set-json`, `--set`, `--set-string`, `--set-file`, `--set-literal`.
//! A null replaces a value here; `coalesce` decides whether it deletes a chart's default. Follows Helm's
//! `pkg/cli/values/options.go`.

use super::set;
use crate::data::{Data, Map};
use crate::error::{Error, ErrorKind, Result};
use crate::yaml;
use std::sync::Arc;

/// The sources of values, in the given order within each kind.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// `-f`: paths, URLs, or `-` for standard input.
    pub files: Vec<String>,
    /// `--set-json`
    pub json: Vec<String>,
    /// `--set`
    pub set: Vec<String>,
    /// `--set-string`
    pub string: Vec<String>,
    /// `--set-file`
    pub file: Vec<String>,
    /// `--set-literal`
    pub literal: Vec<String>,
}

/// Reads the files named by `-f` and `--set-file`. Errors keep Go's words (`open x: no such file or directory`).
pub type Reader<'a> = dyn FnMut(&str) -> Result<Vec<u8>> + 'a;

/// Converts a values file in another format to YAML, from its path, its bytes, and the values of the files before it.
pub type Prepare<'a> = dyn FnMut(&str, Vec<u8>, &Map) -> Result<Vec<u8>> + 'a;

impl Options {
    /// Whether nothing was given.
    pub fn is_empty(&self) -> bool {
        [&self.files, &self.json, &self.set, &self.string, &self.file, &self.literal].into_iter().all(Vec::is_empty)
    }

    /// Merges all sources into one map.
    ///
    /// # Errors
    /// `failed to parse FILE: …`, `failed parsing --set data: …` and the like; those of `reader` for files unchanged.
    pub fn merge(&self, reader: &mut Reader) -> Result<Arc<Map>> {
        self.merge_prepared(reader, &mut |_, bytes, _| Ok(bytes))
    }

    /// As [`Options::merge`], with `prepare` converting values files to YAML.
    ///
    /// # Errors
    /// As [`Options::merge`], and those of `prepare`.
    pub fn merge_prepared(&self, reader: &mut Reader, prepare: &mut Prepare) -> Result<Arc<Map>> {
        let mut base = Arc::new(Map::new());
        for path in &self.files {
            let bytes = prepare(path, reader(path)?, &base)?;
            let values = yaml::parse_values(&bytes).map_err(|error| error.in_file(path).context(format!("failed to parse {path}")))?;
            base = yaml::merge_maps(&base, &values);
        }
        for text in &self.json {
            let trimmed = text.trim();
            if trimmed.starts_with('{') {
                let fault = || Error::new(ErrorKind::Usage, format!("failed parsing --set-json data JSON: {text}"));
                let Ok(Data::Map(values)) = crate::json::parse(trimmed.as_bytes()) else { return Err(fault()) };
                base = yaml::merge_maps(&base, &values);
            } else {
                set::json(text, Arc::make_mut(&mut base))
                    .map_err(|_| Error::new(ErrorKind::Usage, format!("failed parsing --set-json data {text}")))?;
            }
        }
        for text in &self.set {
            set::typed(text, Arc::make_mut(&mut base)).map_err(|error| error.context("failed parsing --set data"))?;
        }
        for text in &self.string {
            set::string(text, Arc::make_mut(&mut base)).map_err(|error| error.context("failed parsing --set-string data"))?;
        }
        for text in &self.file {
            set::file(text, Arc::make_mut(&mut base), reader).map_err(|error| error.context("failed parsing --set-file data"))?;
        }
        for text in &self.literal {
            set::literal(text, Arc::make_mut(&mut base)).map_err(|error| error.context("failed parsing --set-literal data"))?;
        }
        Ok(base)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::values::go_text::print;

    #[test]
    fn the_kind_of_flag_decides_the_order() {
        let options = Options {
            literal: vec!["a=literal".into()],
            set: vec!["a=1,b=2".into()],
            string: vec!["b=3".into()],
            file: vec!["c=some/path".into()],
            ..Options::default()
        };
        let values = options.merge(&mut |path| Ok(format!("content of {path}").into_bytes())).unwrap();
        assert_eq!(print(&Data::Map(values)), "map[a:literal b:3 c:content of some/path]");
    }

    #[test]
    fn later_files_win_and_flags_win_over_files() {
        let options = Options { files: vec!["a".into(), "b".into()], json: vec!["{\"z\":3}".into()], ..Options::default() };
        let text = |path: &str| if path == "a" { "x: 1\nz: 1\n" } else { "x: 2\nz: 2\n" };
        let values = options.merge(&mut |path| Ok(text(path).as_bytes().to_vec())).unwrap();
        assert_eq!(print(&Data::Map(values)), "map[x:2 z:3]");
    }
}
