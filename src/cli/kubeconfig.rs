//! The namespace of the current context, which is all that rendering needs of a kubeconfig, and the names of contexts.
//!
//! Goes in: the paths of kubeconfig files and, if given, a context's name. Comes out: its namespace, if it has one.
//! If several files define a name, the first one wins. Follows `clientcmd` as Helm's `EnvSettings.Namespace` uses it.

use super::environment::{Environment, Settings};
use crate::data::{Data, Map};
use crate::{fs, yaml};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The largest kubeconfig that is read, in bytes.
const FILE_LIMIT: u64 = 10 << 20;

/// The release's namespace: the requested one, else that of the current context, else `default`.
pub fn namespace(settings: &Settings, environment: &Environment) -> String {
    if !settings.requested_namespace.is_empty() {
        return settings.requested_namespace.clone();
    }
    namespace_of(&files(settings, environment), &settings.kube_context).unwrap_or_else(|| "default".to_string())
}

/// All contexts by name, each followed by a tab and its cluster.
pub fn contexts(settings: &Settings, environment: &Environment) -> Vec<String> {
    contexts_of(&files(settings, environment))
}

fn contexts_of(files: &[Data]) -> Vec<String> {
    let mut found = BTreeMap::new();
    let maps = files.iter().filter_map(|file| file.as_map());
    for entry in maps.filter_map(|map| map.get("contexts")).filter_map(Data::as_list).flat_map(|list| list.iter()) {
        let Some(entry) = entry.as_map() else { continue };
        let Some(name) = text(entry, "name") else { continue };
        let cluster = entry.get("context").and_then(Data::as_map).and_then(|context| text(context, "cluster")).unwrap_or_default();
        found.entry(name).or_insert(cluster);
    }
    found.into_iter().map(|(name, cluster)| format!("{name}\t{cluster}")).collect()
}

/// The kubeconfig files that can be read and parsed.
fn files(settings: &Settings, environment: &Environment) -> Vec<Data> {
    paths(settings, environment)
        .iter()
        .filter_map(|path| fs::read_limited(path, FILE_LIMIT).ok())
        .filter_map(|text| yaml::parse_map(&text).ok())
        .map(Data::Map)
        .collect()
}

/// The flag's file alone, else those in `KUBECONFIG`, else the default one.
fn paths(settings: &Settings, environment: &Environment) -> Vec<PathBuf> {
    if !settings.kubeconfig_flag.is_empty() {
        return vec![PathBuf::from(&settings.kubeconfig_flag)];
    }
    match environment.get_filled("KUBECONFIG") {
        Some(list) => std::env::split_paths(&list).filter(|path| !path.as_os_str().is_empty()).collect(),
        None if settings.home.is_empty() => Vec::new(),
        None => vec![Path::new(&settings.home).join(".kube/config")],
    }
}

/// The namespace of the context `wanted`, or of the current one if that is empty.
fn namespace_of(files: &[Data], wanted: &str) -> Option<String> {
    let maps = || files.iter().filter_map(|file| file.as_map());
    let current = || maps().find_map(|map| text(map, "current-context")).map(str::to_string);
    let name = if wanted.is_empty() { current()? } else { wanted.to_string() };
    let mut contexts = maps().filter_map(|map| map.get("contexts")).filter_map(Data::as_list).flat_map(|list| list.iter());
    let entry = contexts.find_map(|entry| entry.as_map().filter(|entry| text(entry, "name") == Some(&name)))?;
    text(entry.get("context")?.as_map()?, "namespace").map(str::to_string)
}

/// The string under `key`, unless it is empty.
fn text<'a>(map: &'a Map, key: &str) -> Option<&'a str> {
    map.get(key).and_then(Data::as_str).filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_context_decides() {
        let parse = |text: &str| yaml::parse(text.as_bytes()).unwrap();
        let files = [
            parse("current-context: a\ncontexts:\n- name: b\n  context: {namespace: blue}\n- name: c\n  context: {}"),
            parse("current-context: b\ncontexts:\n- {name: a, context: {namespace: red}}\n- {name: b, context: {namespace: no}}"),
        ];
        assert_eq!(namespace_of(&files, ""), Some("red".to_string()));
        assert_eq!(namespace_of(&files, "b"), Some("blue".to_string()));
        assert_eq!(namespace_of(&files, "c"), None);
        assert_eq!(namespace_of(&files, "none"), None);
        assert_eq!(namespace_of(&[], ""), None);
        assert_eq!(contexts_of(&files), ["a\t", "b\t", "c\t"]);
    }
}
