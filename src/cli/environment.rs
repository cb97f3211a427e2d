//! Settings from the environment: Helm's variables, the folders they name, and the flags that override them.
//!
//! Goes in: variables and the global flags. Comes out: [`Settings`], complete and resolved, so that commands need no other
//! source. Tests create an [`Environment`] of their own. Follows Helm's `pkg/cli/environment.go` and `pkg/helmpath`.

use super::arguments::GlobalArguments;
use super::printer::ErrorFormat;
use crate::error::{Error, ErrorKind, Result};
use crate::fs;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

/// The process's variables, or a test's.
#[derive(Clone)]
pub struct Environment {
    lookup: Arc<dyn Fn(&str) -> Option<String> + Send + Sync>,
    all: Arc<dyn Fn() -> BTreeMap<String, String> + Send + Sync>,
}

impl Environment {
    /// The variables of this process.
    #[expect(clippy::disallowed_methods, reason = "the variables enter here")]
    pub fn of_process() -> Environment {
        let all = || std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?))).collect();
        // A single variable is looked up by name: copying all of them would cost every run.
        Environment { lookup: Arc::new(|name| std::env::var(name).ok()), all: Arc::new(all) }
    }

    /// These variables and no others.
    pub fn of(variables: BTreeMap<String, String>) -> Environment {
        let all = variables.clone();
        Environment { lookup: Arc::new(move |name| variables.get(name).cloned()), all: Arc::new(move || all.clone()) }
    }

    /// The variable's value, which may be empty.
    pub fn get(&self, name: &str) -> Option<String> {
        (self.lookup)(name)
    }

    /// The variable's value unless it is unset or empty.
    pub fn get_filled(&self, name: &str) -> Option<String> {
        self.get(name).filter(|value| !value.is_empty())
    }

    /// The non-empty variables whose names start with one of these prefixes, sorted by name.
    pub fn filled_with_prefix(&self, prefixes: &[&str]) -> Vec<(String, String)> {
        let is_wanted = |(name, value): &(String, String)| !value.is_empty() && prefixes.iter().any(|prefix| name.starts_with(prefix));
        (self.all)().into_iter().filter(is_wanted).collect()
    }

    /// The user's home folder as Kubernetes' client finds it; empty when unknown.
    pub fn home(&self) -> String {
        let variable = |name: &str| self.get(name).unwrap_or_default();
        if !cfg!(windows) {
            return variable("HOME");
        }
        let drive = Some([variable("HOMEDRIVE"), variable("HOMEPATH")]).filter(|parts| parts.iter().all(|part| !part.is_empty()));
        let (home, drive, profile) = (variable("HOME"), drive.map(|parts| parts.concat()).unwrap_or_default(), variable("USERPROFILE"));
        let first = |folders: [&String; 3], is_wanted: &dyn Fn(&Path) -> bool| {
            folders.into_iter().find(|folder| !folder.is_empty() && is_wanted(Path::new(folder.as_str()))).cloned()
        };
        // The order of client-go's `homedir`: first the folders that have a kubeconfig, then in a different order those that exist.
        first([&home, &drive, &profile], &|folder| fs::exists(&folder.join(".kube").join("config")))
            .or_else(|| first([&home, &profile, &drive], &fs::is_folder))
            .or_else(|| first([&home, &profile, &drive], &|_| true))
            .unwrap_or_default()
    }

    /// The user's home folder, as Go's `os.UserHomeDir` finds it; empty when unknown.
    pub fn user_home(&self) -> String {
        self.get(if cfg!(windows) { "USERPROFILE" } else { "HOME" }).unwrap_or_default()
    }

    /// A Helm folder: its own variable, else `helm` in the XDG folder, else `helm` in the system's default folder.
    fn helm_home(&self, own: &str, xdg: &str, place: Place) -> String {
        match (self.get_filled(own), self.get_filled(xdg)) {
            (Some(folder), _) => clean(&folder),
            (None, Some(folder)) => join(&folder, "helm"),
            (None, None) => join(&self.place(place), "helm"),
        }
    }

    /// The modification time for all files of an archive, seconds since 1970 (`SOURCE_DATE_EPOCH`). A value
    /// that is not such a number is an error, because an archive with other times is not what was requested.
    pub fn source_date(&self) -> Result<Option<i64>> {
        const NAME: &str = "SOURCE_DATE_EPOCH";
        let wrong = |text: &str| {
            let message = format!("{NAME} must be seconds since 1970, not {}", crate::quote::quote(text.as_bytes()));
            Error::new(ErrorKind::Usage, message)
        };
        self.get_filled(NAME).map(|text| text.trim().parse().map_err(|_| wrong(&text))).transpose()
    }

    /// Whether fetching is forbidden (`RUTTER_OFFLINE`). An invalid value is an error: it must not allow
    /// requests that were to be forbidden.
    pub fn offline(&self) -> Result<bool> {
        const NAME: &str = "RUTTER_OFFLINE";
        let wrong = |text: &str| Error::new(ErrorKind::Usage, format!("{NAME} must be true or false, not {}", crate::quote::quote(text)));
        let read = |text: String| super::arguments::boolean(&text).map_err(|_| wrong(&text));
        Ok(self.get_filled(NAME).map(read).transpose()?.unwrap_or_default())
    }

    /// Most steps of a render (`RUTTER_STEP_LIMIT`), if it is set.
    pub fn step_limit(&self) -> Result<Option<u64>> {
        self.limit("RUTTER_STEP_LIMIT", "steps")
    }

    /// Most bytes of memory that the process may have while it renders (`RUTTER_MEMORY_LIMIT`), if it is set.
    pub fn memory_limit(&self) -> Result<Option<u64>> {
        self.limit("RUTTER_MEMORY_LIMIT", "bytes")
    }

    fn limit(&self, name: &str, unit: &str) -> Result<Option<u64>> {
        let wrong =
            |text: &str| Error::new(ErrorKind::Usage, format!("{name} must be a number of {unit}, not {}", crate::quote::quote(text)));
        self.get_filled(name).map(|text| text.trim().parse().map_err(|_| wrong(&text))).transpose()
    }

    /// How errors are shown (`RUTTER_ERROR_FORMAT`), if it is set.
    pub fn error_format(&self) -> Result<Option<ErrorFormat>> {
        const NAME: &str = "RUTTER_ERROR_FORMAT";
        let read = |text: String| super::arguments::error_format(&text).map_err(|why| Error::new(ErrorKind::Usage, why).context(NAME));
        self.get_filled(NAME).map(read).transpose()
    }

    /// The system's default folders for programs (Helm's `lazypath_{unix,darwin,windows}.go`).
    fn place(&self, place: Place) -> String {
        if cfg!(windows) {
            let variable = if place == Place::Cache { "TEMP" } else { "APPDATA" };
            return self.get(variable).unwrap_or_default();
        }
        let is_apple = cfg!(target_os = "macos");
        let folder = match place {
            Place::Cache if is_apple => "Library/Caches",
            Place::Config if is_apple => "Library/Preferences",
            Place::Data if is_apple => "Library",
            Place::Cache => ".cache",
            Place::Config => ".config",
            Place::Data => ".local/share",
        };
        join(&self.home(), folder)
    }

    /// An integer, or `default` when the variable is unset or not an integer.
    fn integer(&self, name: &str, default: i64) -> i64 {
        self.get(name).and_then(|text| text.parse().ok()).unwrap_or(default)
    }
}

/// Kinds of data that each have their own folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Cache,
    Config,
    Data,
}

/// Whether output is coloured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Color {
    Never,
    Auto,
    Always,
}

impl Color {
    /// The mode's name, as the flag takes it.
    pub fn name(self) -> &'static str {
        match self {
            Color::Never => "never",
            Color::Auto => "auto",
            Color::Always => "always",
        }
    }
}

/// The resolved settings from the environment and the global flags.
#[derive(Debug, Clone)]
pub struct Settings {
    /// `--namespace` or `HELM_NAMESPACE`; empty when neither is set. Commands use `Session::namespace` instead.
    pub requested_namespace: String,
    pub debug: bool,
    pub color: Color,
    /// Whether the terminal knows no escape sequences, so that there is colour only on request.
    pub dumb_terminal: bool,
    pub error_format: ErrorFormat,
    pub cache_home: String,
    pub config_home: String,
    pub data_home: String,
    /// The plugin folders.
    pub plugins: String,
    pub registry_config: String,
    pub repository_config: String,
    pub repository_cache: String,
    pub content_cache: String,
    pub home: String,
    /// The home folder of everything except Kubernetes' client, which uses another one on Windows.
    pub user_home: String,
    /// `--kubeconfig`, or else `KUBECONFIG` unchanged.
    pub kubeconfig: String,
    /// Only `--kubeconfig`.
    pub kubeconfig_flag: String,
    pub kube_context: String,
    pub kube_token: String,
    pub kube_as_user: String,
    pub kube_as_groups: Vec<String>,
    pub kube_apiserver: String,
    pub kube_ca_file: String,
    pub kube_insecure_skip_tls_verify: bool,
    pub kube_tls_server_name: String,
    pub burst_limit: i64,
    pub qps: f32,
    pub max_history: i64,
}

impl Settings {
    /// Takes the flags where given, else the variables, else Helm's defaults.
    pub fn new(environment: &Environment, flags: &GlobalArguments) -> Settings {
        let cache_home = environment.helm_home("HELM_CACHE_HOME", "XDG_CACHE_HOME", Place::Cache);
        let config_home = environment.helm_home("HELM_CONFIG_HOME", "XDG_CONFIG_HOME", Place::Config);
        let data_home = environment.helm_home("HELM_DATA_HOME", "XDG_DATA_HOME", Place::Data);
        let text = |flag: &Option<String>, variable: &str| flag.clone().or_else(|| environment.get(variable)).unwrap_or_default();
        let path = |flag: &Option<String>, variable: &str, folder: &str, name: &str| {
            flag.clone().or_else(|| environment.get(variable)).unwrap_or_else(|| join(folder, name))
        };
        let truth = |variable: &str| environment.get(variable).and_then(|text| super::arguments::boolean(&text).ok()).unwrap_or(false);
        Settings {
            requested_namespace: text(&flags.namespace, "HELM_NAMESPACE"),
            debug: flags.debug.unwrap_or_else(|| truth("HELM_DEBUG")),
            color: color(environment, flags),
            dumb_terminal: super::terminal::is_dumb(environment),
            error_format: flags.error_format.or_else(|| environment.error_format().ok().flatten()).unwrap_or_default(),
            plugins: path(&None, "HELM_PLUGINS", &data_home, "plugins"),
            registry_config: path(&flags.registry_config, "HELM_REGISTRY_CONFIG", &config_home, "registry/config.json"),
            repository_config: path(&flags.repository_config, "HELM_REPOSITORY_CONFIG", &config_home, "repositories.yaml"),
            repository_cache: path(&flags.repository_cache, "HELM_REPOSITORY_CACHE", &cache_home, "repository"),
            content_cache: path(&flags.content_cache, "HELM_CONTENT_CACHE", &cache_home, "content"),
            cache_home,
            config_home,
            data_home,
            home: environment.home(),
            user_home: environment.user_home(),
            kubeconfig: text(&flags.kubeconfig, "KUBECONFIG"),
            kubeconfig_flag: flags.kubeconfig.clone().unwrap_or_default(),
            kube_context: text(&flags.kube_context, "HELM_KUBECONTEXT"),
            kube_token: text(&flags.kube_token, "HELM_KUBETOKEN"),
            kube_as_user: text(&flags.kube_as_user, "HELM_KUBEASUSER"),
            kube_as_groups: if flags.kube_as_group.is_empty() {
                let groups = environment.get("HELM_KUBEASGROUPS").unwrap_or_default();
                let groups = groups.trim_matches([',', ' ']);
                if groups.is_empty() { Vec::new() } else { groups.split(',').map(str::to_string).collect() }
            } else {
                flags.kube_as_group.clone()
            },
            kube_apiserver: text(&flags.kube_apiserver, "HELM_KUBEAPISERVER"),
            kube_ca_file: text(&flags.kube_ca_file, "HELM_KUBECAFILE"),
            kube_insecure_skip_tls_verify: flags
                .kube_insecure_skip_tls_verify
                .unwrap_or_else(|| truth("HELM_KUBEINSECURE_SKIP_TLS_VERIFY")),
            kube_tls_server_name: text(&flags.kube_tls_server_name, "HELM_KUBETLS_SERVER_NAME"),
            burst_limit: flags.burst_limit.unwrap_or_else(|| environment.integer("HELM_BURST_LIMIT", 100)),
            qps: flags
                .qps
                .unwrap_or_else(|| environment.get("HELM_QPS").and_then(|text| super::arguments::float32(&text).ok()).unwrap_or(0.0)),
            max_history: environment.integer("HELM_MAX_HISTORY", 10),
        }
    }

    /// The variables that `env` shows and plugins receive, sorted by name.
    pub fn variables(&self, program: &str, namespace: &str) -> BTreeMap<&'static str, String> {
        let mut variables = BTreeMap::from([
            ("HELM_BIN", program.to_string()),
            ("HELM_BURST_LIMIT", self.burst_limit.to_string()),
            ("HELM_CACHE_HOME", self.cache_home.clone()),
            ("HELM_CONFIG_HOME", self.config_home.clone()),
            ("HELM_CONTENT_CACHE", self.content_cache.clone()),
            ("HELM_DATA_HOME", self.data_home.clone()),
            ("HELM_DEBUG", self.debug.to_string()),
            ("HELM_KUBEAPISERVER", self.kube_apiserver.clone()),
            ("HELM_KUBEASGROUPS", self.kube_as_groups.join(",")),
            ("HELM_KUBEASUSER", self.kube_as_user.clone()),
            ("HELM_KUBECAFILE", self.kube_ca_file.clone()),
            ("HELM_KUBECONTEXT", self.kube_context.clone()),
            ("HELM_KUBEINSECURE_SKIP_TLS_VERIFY", self.kube_insecure_skip_tls_verify.to_string()),
            ("HELM_KUBETLS_SERVER_NAME", self.kube_tls_server_name.clone()),
            ("HELM_KUBETOKEN", self.kube_token.clone()),
            ("HELM_MAX_HISTORY", self.max_history.to_string()),
            ("HELM_NAMESPACE", namespace.to_string()),
            ("HELM_PLUGINS", self.plugins.clone()),
            ("HELM_QPS", go_float(self.qps)),
            ("HELM_REGISTRY_CONFIG", self.registry_config.clone()),
            ("HELM_REPOSITORY_CACHE", self.repository_cache.clone()),
            ("HELM_REPOSITORY_CONFIG", self.repository_config.clone()),
        ]);
        if !self.kubeconfig_flag.is_empty() {
            variables.insert("KUBECONFIG", self.kubeconfig_flag.clone());
        }
        variables
    }
}

/// `NO_COLOR` overrides `HELM_COLOR`; the flag overrides both.
fn color(environment: &Environment, flags: &GlobalArguments) -> Color {
    if let Some(color) = &flags.color {
        return super::arguments::color(color).unwrap_or(Color::Auto);
    }
    if environment.get_filled("NO_COLOR").is_some() {
        return Color::Never;
    }
    match environment.get("HELM_COLOR").unwrap_or_default().to_lowercase().as_str() {
        "never" => Color::Never,
        "always" => Color::Always,
        _ => Color::Auto,
    }
}

/// Formats the number as Go's `%.2f`.
fn go_float(number: f32) -> String {
    let mut text = Vec::new();
    crate::number::format_float(&mut text, f64::from(number), b'f', Some(2));
    String::from_utf8_lossy(&text).into_owned()
}

/// Joins `folder` and `name` as Go's `filepath.Join`.
fn join(folder: &str, name: &str) -> String {
    clean(&Path::new(folder).join(name).to_string_lossy())
}

/// Cleans the path as Go's `filepath.Clean`.
fn clean(path: &str) -> String {
    crate::fs::clean(Path::new(path)).to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment(pairs: &[(&str, &str)]) -> Environment {
        Environment::of(pairs.iter().map(|(key, value)| (key.to_string(), value.to_string())).collect())
    }

    #[test]
    fn folders_follow_the_system() {
        let flags = GlobalArguments::default();
        let variables = [("HOME", "/h"), ("APPDATA", r"C:\u\Roaming"), ("TEMP", r"C:\u/Temp"), ("USERPROFILE", r"C:\u")];
        let settings = Settings::new(&environment(&variables), &flags);
        let want = if cfg!(windows) {
            [r"C:\u\Temp\helm\repository", r"C:\u\Roaming\helm\repositories.yaml", r"C:\u\Roaming\helm\plugins", r"C:\u"]
        } else if cfg!(target_os = "macos") {
            ["/h/Library/Caches/helm/repository", "/h/Library/Preferences/helm/repositories.yaml", "/h/Library/helm/plugins", "/h"]
        } else {
            ["/h/.cache/helm/repository", "/h/.config/helm/repositories.yaml", "/h/.local/share/helm/plugins", "/h"]
        };
        assert_eq!([settings.repository_cache, settings.repository_config, settings.plugins, settings.user_home], want);
    }

    #[cfg(windows)]
    #[test]
    fn the_home_folder_is_that_with_a_kubeconfig_else_the_first_that_is_there() {
        let top = tempfile::tempdir().unwrap();
        let path = |name: &str| top.path().join(name).to_string_lossy().into_owned();
        let (drive, rest) = top.path().to_str().unwrap().split_at(2);
        let on_drive = format!(r"{rest}\drive");
        let (home, profile) = (path("home"), path("profile"));
        let variables = [("HOME", home.as_str()), ("HOMEDRIVE", drive), ("HOMEPATH", &on_drive), ("USERPROFILE", &profile)];
        let environment = environment(&variables);
        assert_eq!(environment.home(), home, "none is there");
        fs::create_folders(&top.path().join("drive")).unwrap();
        assert_eq!(environment.home(), path("drive"));
        fs::create_folders(&top.path().join("profile")).unwrap();
        assert_eq!(environment.home(), profile);
        fs::create_folders(&top.path().join("drive").join(".kube")).unwrap();
        fs::write(&top.path().join("drive").join(".kube").join("config"), b"").unwrap();
        assert_eq!(environment.home(), path("drive"));
    }

    #[cfg(unix)]
    #[test]
    fn folders_follow_own_variable_then_xdg() {
        let flags = GlobalArguments::default();
        let xdg = Settings::new(&environment(&[("HOME", "/h"), ("XDG_CONFIG_HOME", "/x")]), &flags);
        assert_eq!(xdg.repository_config, "/x/helm/repositories.yaml");
        let own = Settings::new(&environment(&[("XDG_CONFIG_HOME", "/x"), ("HELM_CONFIG_HOME", "/own/")]), &flags);
        assert_eq!(own.config_home, "/own");
        assert_eq!(own.registry_config, "/own/registry/config.json");
        let upward = Settings::new(&environment(&[("XDG_CACHE_HOME", "/tmp/a/../b"), ("HELM_DATA_HOME", "/d//./e/..")]), &flags);
        assert_eq!(upward.cache_home, "/tmp/b/helm");
        assert_eq!(upward.data_home, "/d");
    }

    #[test]
    fn a_wrong_time_of_archives_is_an_error() {
        let time = |text: &str| environment(&[("SOURCE_DATE_EPOCH", text)]).source_date().map_err(|error| error.to_string());
        assert_eq!(time("1700000000"), Ok(Some(1_700_000_000)));
        assert_eq!(time(""), Ok(None));
        assert_eq!(environment(&[]).source_date().ok(), Some(None));
        for wrong in ["yesterday", "2024-01-01", "1.5", "99999999999999999999"] {
            assert_eq!(time(wrong), Err(format!("SOURCE_DATE_EPOCH must be seconds since 1970, not \"{wrong}\"")));
        }
    }

    #[test]
    fn own_variables_that_cannot_be_read_are_errors() {
        for (text, expected) in
            [("1", Ok(true)), ("false", Ok(false)), ("", Ok(false)), ("yes", Err("RUTTER_OFFLINE must be true or false, not \"yes\""))]
        {
            assert_eq!(
                environment(&[("RUTTER_OFFLINE", text)]).offline().map_err(|error| error.to_string()),
                expected.map_err(str::to_string)
            );
        }
        assert_eq!(environment(&[("RUTTER_ERROR_FORMAT", "json")]).error_format().ok(), Some(Some(ErrorFormat::Json)));
        let error = environment(&[("RUTTER_ERROR_FORMAT", "xml")]).error_format().map_err(|error| error.to_string());
        assert_eq!(error, Err("RUTTER_ERROR_FORMAT: unknown error format \"xml\": must be one of: human, helm, json".to_string()));
    }

    #[test]
    fn flags_beat_variables() {
        let flags = GlobalArguments { namespace: Some("blue".into()), debug: Some(false), ..GlobalArguments::default() };
        let settings = Settings::new(&environment(&[("HELM_NAMESPACE", "red"), ("HELM_DEBUG", "1")]), &flags);
        assert_eq!(settings.requested_namespace, "blue");
        assert!(!settings.debug);
        assert!(Settings::new(&environment(&[("HELM_DEBUG", "T")]), &GlobalArguments::default()).debug);
    }
}
