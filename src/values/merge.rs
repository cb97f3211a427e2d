//! The user's values: files and `--set` items, one laid over the other.
//!
//! Goes in: what the command line said, and a reader for the files it names. Comes out: one map. Whatever order the
//! command line had, files come first, then `--set-json`, `--set`, `--set-string`, `--set-file`, `--set-literal`.
//! A null replaces here; that it deletes a chart's default is up to `coalesce`. Follows Helm's
//! `pkg/cli/values/options.go` and `LoadValues`, `MergeMaps` of `pkg/chart/v2/loader`.

use super::set;
use crate::data::{Data, Map};
use crate::error::{Error, ErrorKind, Result};
use crate::yaml;
use std::sync::Arc;

/// Where values come from, in the order given within each kind.
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

/// Reads what `-f` and `--set-file` name. Errors keep Go's words (`open x: no such file or directory`).
pub type Reader<'a> = dyn FnMut(&str) -> Result<Vec<u8>> + 'a;

/// Makes YAML of a values file that is written as something else: path, bytes, and the values of the files before it.
pub type Prepare<'a> = dyn FnMut(&str, Vec<u8>, &Map) -> Result<Vec<u8>> + 'a;

impl Options {
    /// Whether nothing was given.
    pub fn is_empty(&self) -> bool {
        [&self.files, &self.json, &self.set, &self.string, &self.file, &self.literal].into_iter().all(Vec::is_empty)
    }

    /// All of it as one map.
    ///
    /// # Errors
    /// `failed to parse FILE: …`, `failed parsing --set data: …` and the like; those of `reader` as they are for files.
    pub fn merge(&self, reader: &mut Reader) -> Result<Arc<Map>> {
        self.merge_prepared(reader, &mut |_, bytes, _| Ok(bytes))
    }

    /// The same, with values files that `prepare` makes YAML of.
    ///
    /// # Errors
    /// As [`Options::merge`], and those of `prepare`.
    pub fn merge_prepared(&self, reader: &mut Reader, prepare: &mut Prepare) -> Result<Arc<Map>> {
        let mut base = Arc::new(Map::new());
        for path in &self.files {
            let bytes = prepare(path, reader(path)?, &base)?;
            let values = yaml::parse_values(&bytes).map_err(|error| error.in_file(path).context(format!("failed to parse {path}")))?;
            base = merge_maps(&base, &values);
        }
        for text in &self.json {
            let trimmed = text.trim();
            if trimmed.starts_with('{') {
                let fault = || Error::new(ErrorKind::Usage, format!("failed parsing --set-json data JSON: {text}"));
                let Ok(Data::Map(values)) = crate::json::parse(trimmed.as_bytes()) else { return Err(fault()) };
                base = merge_maps(&base, &values);
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

/// `over` laid over `base`: tables merge at every depth, all else replaces (`MergeMaps`).
pub fn merge_maps(base: &Arc<Map>, over: &Arc<Map>) -> Arc<Map> {
    if base.is_empty() || Arc::ptr_eq(base, over) {
        return over.clone();
    }
    if over.is_empty() {
        return base.clone();
    }
    let mut entries: Vec<(Arc<str>, Data)> = base.iter().map(|(key, value)| (key.clone(), value.clone())).collect();
    for (key, value) in over.iter() {
        let value = match (base.get(key), value) {
            (Some(Data::Map(below)), Data::Map(above)) => Data::Map(merge_maps(below, above)),
            _ => value.clone(),
        };
        entries.push((key.clone(), value));
    }
    // Of equal keys the last stays.
    Arc::new(Map::from_entries(entries))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::values::go_text::print;

    fn map(entries: &[(&str, Data)]) -> Arc<Map> {
        Arc::new(entries.iter().map(|(key, value)| (Arc::from(*key), value.clone())).collect())
    }

    #[test]
    fn tables_merge_and_the_rest_is_replaced() {
        let base = map(&[("a", Data::Map(map(&[("x", Data::Int(1)), ("y", Data::Int(2))]))), ("l", Data::list(vec![Data::Int(1)]))]);
        let over = map(&[("a", Data::Map(map(&[("y", Data::Null)]))), ("l", Data::list(Vec::new())), ("z", Data::Bool(true))]);
        let merged = Data::Map(merge_maps(&base, &over));
        assert_eq!(print(&merged), "map[a:map[x:1 y:<nil>] l:[] z:true]");
    }

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
}
