//! The text that is signed along with a plugin's archive: its plugin.yaml of either form, with every possible field.
//!
//! Goes in: a [`Plugin`]. Comes out: YAML. Follows the struct `Metadata` of Helm's `internal/plugin`, whose fields have no YAML tags.

use super::manifest::{COMMAND_TYPE, GETTER_TYPE, Plugin, Program, SUBPROCESS, text, truth};
use crate::data::{Data, Map};
use crate::error::Result;
use crate::yaml;

fn map<const N: usize>(entries: [(&str, Data); N]) -> Data {
    Data::map(entries.into_iter().map(|(key, value)| (key.into(), value)).collect())
}

fn texts(texts: &[String]) -> Data {
    if texts.is_empty() { Data::Null } else { Data::list(texts.iter().map(|text| Data::str(text.as_str())).collect()) }
}

fn programs(programs: &[Program]) -> Data {
    let describe = |program: &Program| {
        map([
            ("Architecture", Data::str(program.architecture.as_str())),
            ("Args", texts(&program.arguments)),
            ("Command", Data::str(program.command.as_str())),
            ("OperatingSystem", Data::str(program.system.as_str())),
        ])
    };
    if programs.is_empty() { Data::Null } else { Data::list(programs.iter().map(describe).collect()) }
}

impl Plugin {
    /// The YAML in the provenance file of the plugin's archive.
    pub fn signed_text(&self) -> Result<String> {
        let legacy = self.api_version == "legacy";
        let empty = Map::new();
        let table = |name: &str| self.manifest.get(name).and_then(Data::as_map).map_or(&empty, |map| map);
        let downloaders = self.manifest.get("downloaders").and_then(Data::as_list);
        let downloaders = || downloaders.iter().flat_map(|list| list.iter()).filter_map(Data::as_map);
        let protocols = |map: &Map| -> Vec<String> {
            let list = map.get("protocols").and_then(Data::as_list);
            list.map_or_else(Vec::new, |list| list.iter().filter_map(Data::as_str).map(str::to_string).collect())
        };
        let config = match self.kind.as_str() {
            COMMAND_TYPE => {
                let config = if legacy { &self.manifest } else { table("config") };
                let (usage, long) = if legacy { (String::new(), "description") } else { (text(config, "usage"), "longHelp") };
                map([
                    ("IgnoreFlags", Data::Bool(truth(config, "ignoreFlags"))),
                    ("LongHelp", Data::str(text(config, long))),
                    ("ShortHelp", Data::str(self.about.as_str())),
                    ("Usage", Data::str(usage)),
                ])
            }
            GETTER_TYPE if legacy => map([("Protocols", texts(&downloaders().flat_map(|map| protocols(map)).collect::<Vec<_>>()))]),
            GETTER_TYPE => map([("Protocols", texts(&protocols(table("config"))))]),
            _ => map([]),
        };
        let commands: Vec<Data> = downloaders()
            .map(|downloader| {
                let program = Program { command: text(downloader, "command"), ..Program::default() };
                map([("PlatformCommand", programs(&[program])), ("Protocols", texts(&protocols(downloader)))])
            })
            .collect();
        let hooks = self.hooks.iter().map(|(event, list)| (event.as_str().into(), programs(list))).collect();
        let runtime_config = match self.runtime.as_str() {
            SUBPROCESS => map([
                ("PlatformCommand", programs(&self.programs)),
                ("PlatformHooks", if self.hooks.is_empty() { Data::Null } else { Data::map(hooks) }),
                ("ProtocolCommands", if commands.is_empty() { Data::Null } else { Data::list(commands) }),
            ]),
            _ => self.manifest.get("runtimeConfig").cloned().unwrap_or_else(|| map([])),
        };
        yaml::to_string(&map([
            ("APIVersion", Data::str(self.api_version.as_str())),
            ("Config", config),
            ("Name", Data::str(self.name.as_str())),
            ("Runtime", Data::str(self.runtime.as_str())),
            ("RuntimeConfig", runtime_config),
            ("SourceURL", Data::str(self.source_url.as_str())),
            ("Type", Data::str(self.kind.as_str())),
            ("Version", Data::str(self.version.as_str())),
        ]))
    }
}
