//! Where a value came from: which flag, which line of which values file.
//!
//! Goes in: the loaded chart (before its dependencies were processed), the values files as they were read, the `--set` items, and
//! a path into the root's values. Comes out: the source that set the value last. Nothing is recorded while values are merged. On
//! request, the sources are searched again, from the strongest to the weakest: globals of higher charts, then flags, files,
//! values.yaml of the root, of the charts on the way, then `import-values`. Helm has nothing like it; it must agree with the order
//! of `merge`, `coalesce` and `dependency`.

use super::{GLOBAL_KEY, merge, set};
use crate::chart::Chart;
use crate::data::{Data, Map};
use crate::error::Result;
use crate::yaml::{self, Places};
use std::cell::{Cell, OnceCell, RefCell};
use std::collections::HashMap;
use std::fmt;
use std::rc::Rc;
use std::sync::Arc;

/// One source of a value. Displayed as `--set`, `-f prod.yaml:3`, `charts/sub/values.yaml:12`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// A flag of the `--set` family.
    Flag { flag: &'static str },
    /// A `-f` file and the line (from 1) of the key, if known.
    File { path: String, line: Option<usize> },
    /// The values.yaml of a chart, from the top of the root.
    Chart { path: String, line: Option<usize> },
}

impl Origin {
    fn line_mut(&mut self) -> Option<&mut usize> {
        match self {
            Origin::Flag { .. } => None,
            Origin::File { line, .. } | Origin::Chart { line, .. } => line.as_mut(),
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (prefix, path, line) = match self {
            Origin::Flag { flag } => return f.write_str(flag),
            Origin::File { path, line } => ("-f ", path, line),
            Origin::Chart { path, line } => ("", path, line),
        };
        write!(f, "{prefix}{path}")?;
        line.map_or(Ok(()), |line| write!(f, ":{line}"))
    }
}

/// All sources of a run, parsed once.
pub struct Sources<'a> {
    chart: &'a Chart,
    /// Strongest first.
    flags: Vec<(&'static str, Data)>,
    /// Strongest first.
    files: Vec<File>,
    /// The places in each values.yaml of a chart that was searched, by its path from the top of the root.
    charts: RefCell<HashMap<String, Rc<Places>>>,
    /// The subcharts of each chart that was searched, by the chart's address. An umbrella may have thousands, and each of its values
    /// may come from any of them.
    subcharts: RefCell<HashMap<*const Chart, Subcharts<'a>, ahash::RandomState>>,
    /// How many more charts the current search may look into.
    left: Cell<usize>,
}

/// The subcharts of a chart by name.
struct Subcharts<'a> {
    /// The name in charts/ of each entry of Chart.yaml, by the key of its values.
    entries: HashMap<&'a str, &'a str, ahash::RandomState>,
    charts: HashMap<&'a str, &'a Chart, ahash::RandomState>,
}

impl<'a> Subcharts<'a> {
    fn of(chart: &'a Chart) -> Subcharts<'a> {
        // Of several with one name the first counts.
        let entries = chart.metadata.dependencies.iter().rev().map(|entry| (entry.name_or_alias(), entry.name.as_str())).collect();
        let charts = chart.dependencies.iter().rev().map(|subchart| (subchart.name(), subchart)).collect();
        Subcharts { entries, charts }
    }

    /// The one with the values under `key`.
    fn at(&self, key: &str) -> Option<&'a Chart> {
        self.charts.get(self.entries.get(key).copied().unwrap_or(key)).copied()
    }
}

struct File {
    path: String,
    text: Vec<u8>,
    values: Data,
    places: OnceCell<Places>,
}

impl File {
    fn line(&self, path: &[&str]) -> Option<usize> {
        self.places.get_or_init(|| Places::of(&self.text)).line(path)
    }
}

/// How many lines below its key a text is searched for.
const LONGEST_SCALAR: usize = 10_000;

/// How deep imports of imports are followed.
const MAXIMUM_IMPORTS: usize = 32;

/// How many charts the search for one value looks into: imports of imports multiply.
const MAXIMUM_LOOKS: usize = 100_000;

impl<'a> Sources<'a> {
    /// Reads the sources: `files` are the `-f` files as given, with their bytes.
    ///
    /// # Errors
    /// Those of reading the flags and files, which cannot occur once a run has its values.
    pub fn new(chart: &'a Chart, options: &merge::Options, files: Vec<(String, Vec<u8>)>) -> Result<Sources<'a>> {
        let mut flags = Vec::new();
        type Apply = fn(&str, &mut Map) -> Result<()>;
        let as_file: Apply = |text, values| set::file(text, values, &mut |_| Ok(Vec::new()));
        let groups: [(&'static str, &[String], Apply); 4] = [
            ("--set-literal", &options.literal, set::literal),
            ("--set-file", &options.file, as_file),
            ("--set-string", &options.string, set::string),
            ("--set", &options.set, set::typed),
        ];
        for (flag, items, apply) in groups {
            for item in items.iter().rev() {
                let mut values = Map::new();
                apply(item, &mut values)?;
                flags.push((flag, Data::map(values)));
            }
        }
        for item in options.json.iter().rev() {
            let only = merge::Options { json: vec![item.clone()], ..merge::Options::default() };
            flags.push(("--set-json", Data::Map(only.merge(&mut |_| Ok(Vec::new()))?)));
        }
        let files = files
            .into_iter()
            .rev()
            .map(|(path, text)| Ok(File { path, values: Data::Map(yaml::parse_values(&text)?), text, places: OnceCell::new() }))
            .collect::<Result<Vec<File>>>()?;
        Ok(Sources { chart, flags, files, charts: RefCell::default(), subcharts: RefCell::default(), left: Cell::new(0) })
    }

    /// The source that set the value at `path` last; `path` has keys, and list indexes in decimal, from the root's values on.
    pub fn find(&self, path: &[&str]) -> Option<Origin> {
        self.find_where(path, sets)
    }

    /// The strongest source with a null at `path`, which removes what weaker ones have there.
    pub fn find_null(&self, path: &[&str]) -> Option<Origin> {
        self.find_where(path, |values, path| at(values, path).is_some_and(|(value, in_list)| value.is_null() && !in_list))
    }

    /// The strongest source whose values, at the path that they use, are what is looked for.
    fn find_where(&self, path: &[&str], is_meant: Test) -> Option<Origin> {
        self.left.set(MAXIMUM_LOOKS);
        self.candidates(path).iter().find_map(|path| {
            let flag = self.flags.iter().find(|(_, values)| is_meant(values, path));
            let file = || self.files.iter().find(|file| is_meant(&file.values, path));
            match flag {
                Some((flag, _)) => Some(Origin::Flag { flag }),
                None => file()
                    .map(|file| Origin::File { path: file.path.clone(), line: file.line(path) })
                    .or_else(|| self.in_charts(self.chart, path, &mut Vec::new(), 0, is_meant)),
            }
        })
    }
}

/// Whether a tree has what is looked for at a path.
type Test = fn(&Data, &[&str]) -> bool;

impl<'a> Sources<'a> {
    /// As [`Sources::find`], with the line number of `line` in the text at `path`, if the source contains it unchanged: the text
    /// of a block scalar begins below its key.
    pub fn find_line(&self, path: &[&str], line: &str) -> Option<Origin> {
        let mut origin = self.find(path)?;
        let line = line.trim();
        if let (Some(source), Some(start)) = (self.text(&origin), origin.line_mut()) {
            let rows = source.split(|byte| *byte == b'\n').enumerate().skip(start.saturating_sub(1));
            let has_line = |row: &[u8]| !line.is_empty() && memchr::memmem::find(row, line.as_bytes()).is_some();
            if let Some((at, _)) = rows.take(LONGEST_SCALAR).find(|(_, row)| has_line(row)) {
                *start = at + 1;
            }
        }
        Some(origin)
    }

    /// The path of the values.schema.json of the chart whose values are at `keys`, from the top of the root, and its text.
    pub fn schema_of(&self, keys: &[&str]) -> Option<(String, &[u8])> {
        let mut chart = self.chart;
        let mut folder = String::new();
        for key in keys {
            chart = self.subchart(chart, key)?;
            folder.push_str(&format!("charts/{}/", chart.name()));
        }
        chart.content.schema.as_ref().map(|schema| (format!("{folder}values.schema.json"), &*schema.data))
    }

    /// Searches `chart`, which lies in the folders of these subcharts.
    fn in_charts(&self, chart: &'a Chart, path: &[&str], folders: &mut Vec<&'a str>, imports: usize, is_meant: Test) -> Option<Origin> {
        self.left.set(self.left.get().checked_sub(1)?);
        if is_meant(&Data::Map(chart.values.clone()), path) {
            let folder: String = folders.iter().flat_map(|name| ["charts/", name, "/"]).collect();
            let file = format!("{folder}values.yaml");
            let line = self.line_in_chart(chart, &file, path);
            return Some(Origin::Chart { path: file, line });
        }
        let (first, rest) = path.split_first()?;
        let mut below = |subchart: &'a Chart, path: &[&str], imports| {
            folders.push(subchart.name());
            let found = self.in_charts(subchart, path, folders, imports, is_meant);
            folders.pop();
            found
        };
        if let Some(subchart) = self.subchart(chart, first)
            && let Some(found) = below(subchart, rest, imports)
        {
            return Some(found);
        }
        if imports >= MAXIMUM_IMPORTS {
            return None;
        }
        chart.metadata.dependencies.iter().find_map(|entry| {
            entry.import_values.iter().find_map(|import| {
                let (exports, child, parent) = match import {
                    Data::Str(export) => (Some("exports"), &**export, "."),
                    Data::Map(pair) => (None, pair.get("child")?.as_str()?, pair.get("parent")?.as_str()?),
                    _ => return None,
                };
                // Nearly all imports go elsewhere, so nothing is made before that is known.
                let rest = if parent == "." { path } else { below_parent(path, parent)? };
                let subchart = self.subchart(chart, entry.name_or_alias())?;
                let path: Vec<&str> = exports.into_iter().chain(child.split('.')).chain(rest.iter().copied()).collect();
                below(subchart, &path, imports + 1)
            })
        })
    }

    /// The subchart of `chart` with the values under `key`.
    fn subchart(&self, chart: &'a Chart, key: &str) -> Option<&'a Chart> {
        if chart.dependencies.is_empty() {
            return None;
        }
        if let Some(known) = self.subcharts.borrow().get(&std::ptr::from_ref(chart)) {
            return known.at(key);
        }
        let subcharts = Subcharts::of(chart);
        let found = subcharts.at(key);
        self.subcharts.borrow_mut().insert(chart, subcharts);
        found
    }

    /// The paths that may decide on `path`, strongest first: the globals of a chart override those of its subcharts.
    fn candidates<'path>(&self, path: &[&'path str]) -> Vec<Vec<&'path str>> {
        let mut charts = 0;
        let mut current = self.chart;
        while let Some(name) = path.get(charts)
            && let Some(subchart) = self.subchart(current, name)
        {
            charts += 1;
            current = subchart;
        }
        let mut all = Vec::new();
        if path.get(charts) == Some(&GLOBAL_KEY) {
            for kept in 0..charts {
                all.push(path[..kept].iter().chain(&path[charts..]).copied().collect());
            }
        }
        all.push(path.to_vec());
        all
    }

    fn line_in_chart(&self, chart: &Chart, file: &str, path: &[&str]) -> Option<usize> {
        let known = self.charts.borrow().get(file).cloned();
        let places = known.or_else(|| {
            let text = chart.content.raw.iter().find(|file| &*file.name == "values.yaml")?;
            let places = Rc::new(Places::of(&text.data));
            self.charts.borrow_mut().insert(file.to_string(), places.clone());
            Some(places)
        })?;
        places.line(path)
    }

    /// The text of an origin's file.
    fn text(&self, origin: &Origin) -> Option<&[u8]> {
        match origin {
            Origin::Flag { .. } => None,
            Origin::File { path, .. } => self.files.iter().find(|file| file.path == *path).map(|file| file.text.as_slice()),
            Origin::Chart { path, .. } => {
                let mut chart = self.chart;
                let mut rest = path.as_str();
                while let Some((name, below)) = rest.strip_prefix("charts/").and_then(|rest| rest.split_once('/')) {
                    chart = chart.dependencies.iter().find(|subchart| subchart.name() == name)?;
                    rest = below;
                }
                chart.content.raw.iter().find(|file| *file.name == *rest).map(|file| &*file.data)
            }
        }
    }

    /// The path, from the top of the root, of the file that templates can read and that has exactly these bytes.
    pub fn file_with(&self, bytes: &[u8]) -> Option<String> {
        fn find(chart: &Chart, bytes: &[u8]) -> Option<String> {
            let own = chart.content.files.iter().find(|file| *file.data == *bytes).map(|file| file.name.to_string());
            let below = |subchart: &Chart| find(subchart, bytes).map(|path| format!("charts/{}/{path}", subchart.name()));
            own.or_else(|| chart.dependencies.iter().find_map(below))
        }
        find(self.chart, bytes)
    }
}

/// What follows the dotted path `parent` at the start of `path`; `None` if the path leads elsewhere.
fn below_parent<'rest, 'path>(path: &'rest [&'path str], parent: &str) -> Option<&'rest [&'path str]> {
    parent.split('.').try_fold(path, |rest, part| rest.split_first().filter(|(first, _)| **first == part).map(|(_, rest)| rest))
}

/// Whether the tree has a value at the path; null items that only fill up a list do not count.
fn sets(values: &Data, path: &[&str]) -> bool {
    at(values, path).is_some_and(|(value, in_list)| !(in_list && value.is_null()))
}

/// The value at a path, and whether it is an item of a list.
fn at<'data>(values: &'data Data, path: &[&str]) -> Option<(&'data Data, bool)> {
    let mut current = values;
    let mut in_list = false;
    for key in path {
        let next = match current {
            Data::Map(map) => map.get(key),
            Data::List(items) => key.parse::<usize>().ok().and_then(|at| items.get(at)),
            _ => None,
        };
        in_list = matches!(current, Data::List(_));
        current = next?;
    }
    Some((current, in_list))
}

/// The paths and values of everything that is not a table, in key order; lists and empty tables count as values.
pub fn leaves(values: &Arc<Map>) -> Vec<(Vec<Arc<str>>, Data)> {
    let mut found = Vec::new();
    let mut path = Vec::new();
    collect(values, &mut path, &mut found);
    found
}

fn collect(values: &Arc<Map>, path: &mut Vec<Arc<str>>, found: &mut Vec<(Vec<Arc<str>>, Data)>) {
    for (key, value) in values.iter() {
        path.push(key.clone());
        match value {
            Data::Map(inner) if !inner.is_empty() => collect(inner, path, found),
            value => found.push((path.clone(), value.clone())),
        }
        path.pop();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chart::{Content, Dependency, Metadata};
    use crate::values::sample::data;

    fn chart(name: &str, values: &str, dependencies: Vec<Chart>) -> Chart {
        let Data::Map(values) = data(values) else { panic!("{values} is no map") };
        let metadata = Metadata { name: name.into(), ..Metadata::default() };
        Chart { metadata: Arc::new(metadata), content: Arc::new(Content::default()), values, dependencies, found_in: None }
    }

    fn found(root: &Chart, options: &merge::Options, path: &str) -> String {
        let files = options.files.iter().map(|path| (path.clone(), b"a: {b: 1}\nsub: {x: 2}\n".to_vec())).collect();
        let sources = Sources::new(root, options, files).unwrap();
        let path: Vec<&str> = path.split('.').collect();
        match sources.find(&path) {
            Some(Origin::File { path, .. }) => format!("-f {path}"),
            Some(Origin::Chart { path, .. }) => path,
            Some(flag) => flag.to_string(),
            None => "nowhere".into(),
        }
    }

    /// A file is searched once, not once for each of its values.
    #[test]
    fn values_of_long_files_are_found_soon() {
        let root = chart("root", "{}", vec![]);
        let text: String = (0..50_000).map(|number| format!("key{number}: {number}\n")).collect();
        let options = merge::Options { files: vec!["p.yaml".into()], ..merge::Options::default() };
        let sources = Sources::new(&root, &options, vec![("p.yaml".into(), text.into_bytes())]).unwrap();
        let begin = std::time::Instant::now();
        for number in 0..50_000 {
            let line = |origin| if let Origin::File { line, .. } = origin { line } else { None };
            assert_eq!(sources.find(&[&format!("key{number}")]).and_then(line), Some(number + 1));
        }
        assert!(begin.elapsed() < std::time::Duration::from_secs(30), "{:?}", begin.elapsed());
    }

    /// The imports of all charts are searched for each value.
    #[test]
    fn imports_from_many_charts_are_found_soon() {
        const CHARTS: usize = 1_500;
        let exports = |number| format!(r#"{{"exports": {{"all": {{"k{number}": 1}}}}, "own": {{"x": 1}}}}"#);
        let mut root = chart("root", "{}", (0..CHARTS).map(|number| chart(&format!("c{number}"), &exports(number), vec![])).collect());
        let imports = |number| {
            let own = [("child".into(), Data::str("own")), ("parent".into(), Data::str(format!("of.c{number}")))];
            vec![Data::map(Map::from_entries(own.into())), Data::str("all")]
        };
        let listed = |number| Dependency { name: format!("c{number}"), import_values: imports(number), ..Dependency::default() };
        root.metadata = Arc::new(Metadata { dependencies: (0..CHARTS).map(listed).collect(), ..Metadata::clone(&root.metadata) });
        let sources = Sources::new(&root, &merge::Options::default(), Vec::new()).unwrap();
        let begin = std::time::Instant::now();
        for number in 0..CHARTS {
            let want = format!("charts/c{number}/values.yaml");
            for path in [vec!["of", &*format!("c{number}"), "x"], vec![&*format!("k{number}")]] {
                assert_eq!(sources.find(&path).map(|origin| origin.to_string()).as_ref(), Some(&want), "{path:?}");
            }
        }
        assert!(begin.elapsed() < std::time::Duration::from_secs(20), "{:?}", begin.elapsed());
    }

    #[test]
    fn imports_that_multiply_end() {
        let mut root = chart("c", "{}", vec![]);
        for _ in 0..MAXIMUM_IMPORTS {
            let pair = || Data::map(Map::from_entries(vec![("child".into(), Data::str("p")), ("parent".into(), Data::str("p"))]));
            let listed = Dependency { name: "c".into(), import_values: vec![pair(), pair()], ..Dependency::default() };
            root = chart("c", "{}", vec![root]);
            root.metadata = Arc::new(Metadata { dependencies: vec![listed], ..Metadata::clone(&root.metadata) });
        }
        let sources = Sources::new(&root, &merge::Options::default(), Vec::new()).unwrap();
        assert_eq!(sources.find(&["p", "x"]), None);
        assert_eq!(sources.left.get(), 0);
    }

    #[test]
    fn the_source_that_makes_a_value_null_is_named() {
        let sub = chart("sub", r#"{"x": 1, "y": null}"#, vec![]);
        let root = chart("root", r#"{"a": {"b": 1}, "c": null, "sub": {"x": null}, "l": [null]}"#, vec![sub]);
        let options = merge::Options { files: vec!["p.yaml".into()], set: vec!["d=null".into()], ..merge::Options::default() };
        let sources = Sources::new(&root, &options, vec![("p.yaml".into(), b"x: 1\na: {b: }\n".to_vec())]).unwrap();
        for (path, want) in [
            ("a.b", Some("-f p.yaml:2")),
            ("c", Some("values.yaml")),
            ("d", Some("--set")),
            ("sub.x", Some("values.yaml")),
            ("sub.y", Some("charts/sub/values.yaml")),
            ("x", None),
            ("l.0", None),
            ("nosuch", None),
        ] {
            let path: Vec<&str> = path.split('.').collect();
            assert_eq!(sources.find_null(&path).map(|origin| origin.to_string()).as_deref(), want, "{path:?}");
        }
    }

    #[test]
    fn the_strongest_source_is_named() {
        let sub = chart("sub", r#"{"x": 1, "y": 1, "exports": {"data": {"moved": 1}}, "global": {"g": 1, "own": 1}}"#, vec![]);
        let mut root = chart("root", r#"{"a": {"b": 0, "c": 0}, "sub": {"y": 2}, "global": {"g": 2}}"#, vec![sub]);
        let mut metadata = Metadata::clone(&root.metadata);
        metadata.dependencies = vec![Dependency { name: "sub".into(), import_values: vec![Data::str("data")], ..Dependency::default() }];
        root.metadata = Arc::new(metadata);
        let options = merge::Options { files: vec!["p.yaml".into()], set: vec!["a.c=1,l[1]=x".into()], ..merge::Options::default() };
        for (path, want) in [
            ("a.b", "-f p.yaml"),
            ("a.c", "--set"),
            ("l.1", "--set"),
            ("l.0", "nowhere"),
            ("sub.x", "-f p.yaml"),
            ("sub.y", "values.yaml"),
            ("sub.global.g", "values.yaml"),
            ("sub.global.own", "charts/sub/values.yaml"),
            ("moved", "charts/sub/values.yaml"),
            ("none", "nowhere"),
        ] {
            assert_eq!(found(&root, &options, path), want, "{path}");
        }
    }
}
