//! `.Files`: the files of a chart that are neither templates nor define the chart.
//!
//! Goes in: the files of a chart's content, shared. Comes out: the object that templates see, a `map[string][]byte` with methods.
//! Nothing is copied until a template uses the bytes. Follows Helm's `pkg/engine/files.go`.

use super::glob::Glob;
use crate::chart::{Content, File};
use crate::template::functions::{self, Call, Fault, NoHost, Parameter};
use crate::template::value::{LateBytes, Map, MapKind, Method, Object, Str, Value, bytes};
use crate::template::work;
use std::any::Any;
use std::rc::Rc;
use std::sync::Arc;

/// The files of one chart, or those matching a pattern.
#[derive(Clone)]
pub(super) struct Files(Rc<FileList>);

struct FileList {
    content: Arc<Content>,
    /// Indices into the content's files, sorted by name.
    chosen: Vec<u32>,
}

impl Files {
    /// All files of a chart.
    pub(super) fn new(content: &Arc<Content>) -> Files {
        let mut chosen: Vec<u32> = (0..content.files.len() as u32).collect();
        // The sort is stable: of two files of one name the last one stays, as in a map.
        chosen.sort_by(|a, b| content.files[*a as usize].name.cmp(&content.files[*b as usize].name));
        chosen.reverse();
        chosen.dedup_by(|a, b| content.files[*a as usize].name == content.files[*b as usize].name);
        chosen.reverse();
        Files(Rc::new(FileList { content: content.clone(), chosen }))
    }

    fn iter(&self) -> impl Iterator<Item = &File> {
        self.0.chosen.iter().filter_map(|index| self.0.content.files.get(*index as usize))
    }

    fn get(&self, name: &[u8]) -> Option<&File> {
        let at = self.0.chosen.binary_search_by(|index| self.0.content.files[*index as usize].name.as_bytes().cmp(name)).ok()?;
        self.0.content.files.get(self.0.chosen[at] as usize)
    }

    fn glob(&self, pattern: &str) -> Result<Files, Fault> {
        work::charge_read(self.0.chosen.len().saturating_mul(pattern.len()))?;
        let pattern = Glob::new(pattern)?;
        let mut chosen = Vec::new();
        for index in &self.0.chosen {
            let Some(file) = self.0.content.files.get(*index as usize) else { continue };
            if pattern.matches(&file.name)? {
                chosen.push(*index);
            }
        }
        Ok(Files(Rc::new(FileList { content: self.0.content.clone(), chosen })))
    }

    /// The files by base name, as YAML.
    fn to_yaml(&self, encode: impl Fn(&File) -> Result<Value, Fault>) -> Result<Value, Fault> {
        let map = Map::new(MapKind::Any);
        for file in self.iter() {
            let name = file.name.rsplit('/').next().unwrap_or(&file.name);
            map.insert(Str::from(name), encode(file)?);
        }
        run("toYaml", Value::Map(map))
    }

    fn lines(&self, name: &[u8]) -> Result<Value, Fault> {
        let Some(file) = self.get(name) else { return Ok(Value::strings(Vec::<Str>::new())) };
        let Some(last) = file.data.last() else {
            return Err(Fault::new("runtime error: index out of range [-1]"));
        };
        work::charge_made(file.data.len())?;
        let text = if *last == b'\n' { &file.data[..file.data.len() - 1] } else { &file.data[..] };
        Ok(Value::strings(text.split(|byte| *byte == b'\n').map(Str::from)))
    }
}

/// Calls a function of the registry with one argument; the function must not need a host.
fn run(name: &str, argument: Value) -> Result<Value, Fault> {
    match functions::lookup(name.as_bytes()) {
        Some(function) => (function.call)(&mut Call { arguments: &[argument], host: &mut NoHost }),
        None => Ok(Value::str("")),
    }
}

fn name_of(arguments: &[Value]) -> Str {
    match arguments.first() {
        Some(Value::Str(text)) => text.clone(),
        _ => Str::from(""),
    }
}

impl Object for Files {
    fn type_name(&self) -> &'static str {
        "engine.files"
    }

    fn kind_name(&self) -> &'static str {
        "map"
    }

    /// A file's bytes; an absent one is a nil `[]byte`.
    fn field(&self, name: &str) -> Option<Value> {
        Some(Value::Bytes(self.get(name.as_bytes()).map_or_else(bytes::nil, |file| file.data.shared().clone())))
    }

    fn method(&self, name: &str) -> Option<Method> {
        const NAME: &[Parameter] = &[Parameter::Str];
        let files = self.clone();
        Some(match name {
            "Get" => Method::new(NAME, move |arguments| {
                let found = files.get(name_of(arguments).as_bytes());
                Ok(found.map_or_else(|| Value::str(""), |file| Value::Str(Str::from(file.data.shared().clone()))))
            }),
            "GetBytes" => Method::new(NAME, move |arguments| {
                let found = files.get(name_of(arguments).as_bytes());
                Ok(Value::Bytes(found.map_or_else(|| Arc::from(&b""[..]), |file| file.data.shared().clone())))
            }),
            "Glob" => Method::new(NAME, move |arguments| Ok(Value::Object(Rc::new(files.glob(&name_of(arguments).to_text())?)))),
            "AsConfig" => Method::new(&[], move |_| files.to_yaml(|file| Ok(Value::Str(Str::from(file.data.shared().clone()))))),
            "AsSecrets" => {
                Method::new(&[], move |_| files.to_yaml(|file| run("b64enc", Value::Str(Str::from(file.data.shared().clone())))))
            }
            "Lines" => Method::new(NAME, move |arguments| files.lines(name_of(arguments).as_bytes())),
            _ => return None,
        })
    }

    fn truth(&self) -> bool {
        !self.0.chosen.is_empty()
    }

    fn entries(&self) -> Option<Vec<(Str, Value)>> {
        Some(self.iter().map(|file| (Str::from(&*file.name), Value::Bytes(file.data.shared().clone()))).collect())
    }

    fn late_entries(&self) -> Option<Vec<(Str, LateBytes)>> {
        let late = |file: &File| {
            let Some(length) = file.data.to_be_fetched() else { return LateBytes::Here(file.data.shared().clone()) };
            let data = file.data.clone();
            LateBytes::Late(length, Rc::new(move || data.shared().clone()))
        };
        Some(self.iter().map(|file| (Str::from(&*file.name), late(file))).collect())
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}
