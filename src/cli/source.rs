//! Shared by commands that take a chart: finding the chart, and reading the user's values.
//!
//! Goes in: references and flags. Comes out: paths of charts on disk, charts in memory, maps of values. Standard
//! input is read here, for `-f -`. Follows Helm's `LocateChart` as the commands call it, and `pkg/cli/values`.

use super::arguments::{ChartSourceArguments, ValueArguments};
use super::console::Console;
use super::plugin::getter::Getters;
use super::session::Session;
use super::system::System;
use super::values_template;
use super::watch::Watch;
use crate::chart::{Chart, loader};
use crate::data::Map;
use crate::diagnostic::Level;
use crate::error::{Error, ErrorKind, Result};
use crate::fs;
use crate::repository::access::Access;
use crate::repository::getter::unprovided;
use crate::repository::http::{Client, Request};
use crate::repository::url::redact;
use crate::repository::{ChartOptions, Proxies, Recorded, Settings, SystemCertificates, download, mirror};
use crate::template::engine::Environment;
use crate::url::Url;
use crate::values::{merge, schema};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The largest values file, from any source, in bytes.
const VALUES_LIMIT: u64 = 100 << 20;

/// The file of mirrors, in the user's and then the machine's configuration folder, so that an administrator can
/// set mirrors for all users. On Windows any user may create a folder of that name, so there is no machine folder.
const MIRRORS_FILE: &str = "mirrors.yaml";
const MACHINE_FOLDER: Option<&str> = if cfg!(unix) { Some("/etc/rutter") } else { None };

/// The settings that repositories need from the environment, with the mirrors of `$RUTTER_MIRRORS` and of the files.
pub fn repository_settings(session: &Session) -> Result<Settings> {
    let mut settings = settings_without_mirrors(session);
    settings.mirrors =
        mirror::line(&session.environment.get("RUTTER_MIRRORS").unwrap_or_default()).map_err(|error| error.context("RUTTER_MIRRORS"))?;
    for folder in std::iter::once(session.settings.config_home.as_str()).chain(MACHINE_FOLDER) {
        let path = Path::new(folder).join(MIRRORS_FILE);
        if fs::exists(&path) {
            let bytes = fs::read(&path)?;
            settings.mirrors.extend(mirror::file(&bytes).map_err(|error| error.context(path.display().to_string()))?);
        }
    }
    Ok(settings)
}

/// The same without mirrors, for commands that fetch no chart, so that an invalid mirror configuration does not fail them.
#[expect(clippy::disallowed_methods, reason = "the place of temporary files enters here")]
pub fn settings_without_mirrors(session: &Session) -> Settings {
    let environment = &session.environment;
    // In Go's order.
    let variable = |upper: &str, lower: &str| environment.get_filled(upper).or_else(|| environment.get_filled(lower)).unwrap_or_default();
    let home = Path::new(&session.settings.user_home);
    let list = |name: &str| -> Vec<String> {
        let text = environment.get(name).unwrap_or_default();
        text.split(',').map(str::trim).filter(|item| !item.is_empty()).map(str::to_string).collect()
    };
    Settings {
        repository_config: PathBuf::from(&session.settings.repository_config),
        repository_cache: PathBuf::from(&session.settings.repository_cache),
        content_cache: PathBuf::from(&session.settings.content_cache),
        registry_config: PathBuf::from(&session.settings.registry_config),
        docker_config: Some(
            environment.get_filled("DOCKER_CONFIG").map_or_else(|| home.join(".docker"), PathBuf::from).join("config.json"),
        ),
        netrc: Some(environment.get_filled("NETRC").map_or_else(|| home.join(".netrc"), PathBuf::from))
            .filter(|path| fs::stat(path).is_ok_and(|entry| entry.kind == fs::Kind::File)),
        program: session.name().to_string(),
        program_path: environment.get("PATH").map(|path| std::env::split_paths(&path).collect()).unwrap_or_default(),
        proxies: Proxies {
            http: variable("HTTP_PROXY", "http_proxy"),
            https: variable("HTTPS_PROXY", "https_proxy"),
            exceptions: variable("NO_PROXY", "no_proxy"),
        },
        system_certificates: SystemCertificates {
            file: environment.get("SSL_CERT_FILE").unwrap_or_default(),
            folders: environment.get("SSL_CERT_DIR").unwrap_or_default(),
        },
        user_agent: format!("rutter/{}", env!("CARGO_PKG_VERSION")),
        trusted_realms: list("RUTTER_TRUSTED_REALMS"),
        offline: session.offline,
        getter: Some(Arc::new(Getters::new(session))),
        now: System.now(),
        debug: session.settings.debug,
        temporary: std::env::temp_dir(),
        ..Settings::default()
    }
}

/// The flags of a chart's source as the repositories take them; `devel` selects pre-releases unless a version
/// is given. `announced` is the message with which the command logs the version for `--debug`, if it does.
pub fn chart_options(source: &ChartSourceArguments, devel: bool, announced: Option<&str>, session: &mut Session) -> Result<ChartOptions> {
    let text = |flag: &Option<String>| flag.clone().unwrap_or_default();
    session.offline |= source.offline;
    let mut version = text(&source.version);
    if let Some(words) = announced {
        session.notices.push_with(Level::Debug, words, &[("version", &version)]);
    }
    if version.is_empty() && devel {
        session.notices.push(Level::Debug, "setting version to >0.0.0-0");
        version = ">0.0.0-0".to_string();
    }
    Ok(ChartOptions {
        version,
        repository_url: text(&source.repo),
        pass_credentials: source.pass_credentials,
        verify: source.verify,
        keyring: keyring(source.keyring.as_deref(), session),
        ..source.server.options()?
    })
}

/// The keyring of the flag, or GnuPG's.
pub fn keyring(flag: Option<&str>, session: &Session) -> PathBuf {
    let default = || {
        let folder = session.environment.get_filled("GNUPGHOME").unwrap_or_else(|| format!("{}/.gnupg", session.settings.home));
        let path = format!("{folder}/pubring.gpg");
        if cfg!(windows) { fs::clean(Path::new(&path)).to_string_lossy().into_owned() } else { path }
    };
    PathBuf::from(flag.map_or_else(default, str::to_string))
}

/// The path of the chart on disk, fetched if necessary.
pub fn locate(reference: &str, options: &ChartOptions, session: &mut Session) -> Result<PathBuf> {
    session.show_notices();
    download::locate(reference, options, &repository_settings(session)?, &Console::new(session))
}

/// Loads the chart at this path.
pub fn load(path: &Path, session: &mut Session) -> Result<Chart> {
    loader::load(path, &mut session.notices)
}

/// The same, and reports each file to `observe` as it is found.
pub fn load_observed(path: &Path, crds: loader::Crds, session: &mut Session, observe: &dyn loader::Observe) -> Result<Chart> {
    loader::load_observed(path, crds, &mut session.notices, observe)
}

/// The merged values of `-f` and the `--set` family.
pub fn values(arguments: &ValueArguments, session: &mut Session) -> Result<Arc<Map>> {
    let watch = Watch::new(session)?;
    value_options(arguments)
        .merge_prepared(&mut |path| read(path, session), &mut |path, bytes, values| prepare(path, bytes, values, &watch))
}

/// The same, and the YAML of each values file.
pub fn values_and_files(arguments: &ValueArguments, session: &mut Session) -> Result<(Arc<Map>, Vec<(String, Vec<u8>)>)> {
    let (mut files, watch) = (Vec::new(), Watch::new(session)?);
    let values = value_options(arguments).merge_prepared(&mut |path| read(path, session), &mut |path, bytes, values| {
        let bytes = prepare(path, bytes, values, &watch)?;
        files.push((path.to_string(), bytes.clone()));
        Ok(bytes)
    })?;
    Ok((values, files))
}

/// Renders values files that are templates.
fn prepare(path: &str, bytes: Vec<u8>, values: &Map, watch: &Watch) -> Result<Vec<u8>> {
    if !values_template::is_template(path) {
        return Ok(bytes);
    }
    watch.rendering(path, || values_template::render(path, &bytes, values))
}

/// How values are checked against schemas: a `$ref` to a server is fetched, as in Helm.
pub fn schema_options(session: &Session) -> schema::Options {
    let settings = settings_without_mirrors(session);
    let fetch = move |url: &str| fetch_schema(url, &settings);
    schema::Options { fetch: Some(Arc::new(fetch)), ..schema::Options::default() }
}

/// Fetches a schema; errors are worded as in Helm's `HTTPURLLoader` (`pkg/chart/common/util/jsonschema.go`).
fn fetch_schema(url: &str, settings: &Settings) -> Result<Vec<u8>> {
    let request = Request::get(url, VALUES_LIMIT);
    let response = Client::new(settings, &Recorded::default()).send(request, &Access::default());
    let response = response.map_err(|error| error.context(format_args!("HTTP request failed for {}", redact(url))))?;
    if response.status.as_u16() != 200 {
        let reason = response.status.canonical_reason().unwrap_or_default();
        let message = format!("HTTP request to {} returned status {} ({reason})", redact(url), response.status.as_u16());
        return Err(Error::new(ErrorKind::Repository, message));
    }
    Ok(response.body)
}

/// The flags as the library takes them.
pub fn value_options(arguments: &ValueArguments) -> merge::Options {
    merge::Options {
        files: arguments.files(),
        json: arguments.set_json.clone(),
        set: arguments.set.clone(),
        string: arguments.set_string.clone(),
        file: arguments.set_file.clone(),
        literal: arguments.set_literal.clone(),
    }
}

/// Reads the argument of `-f` or `--set-file`: a file, a URL, or standard input for `-`.
pub fn read(path: &str, session: &mut Session) -> Result<Vec<u8>> {
    if path.trim() == "-" {
        return from_stdin();
    }
    // Helm parses every name as a URL first, so a name such as `100%.yaml` is refused.
    let address = Url::parse(path.as_bytes()).map_err(|fault| Error::new(ErrorKind::Usage, fault))?;
    if address.scheme == b"oci" {
        // As with Helm's getter, this is the archive itself, whatever it is used as.
        let reporter = Console::new(session);
        return download::Downloader::new(ChartOptions::default(), &repository_settings(session)?, &reporter).registries().archive(path);
    }
    let from_file = || fs::read_limited(Path::new(path), VALUES_LIMIT);
    if address.scheme.is_empty() {
        return from_file();
    }
    let settings = settings_without_mirrors(session);
    let scheme = String::from_utf8_lossy(&address.scheme);
    if !settings.fetches(&scheme) {
        return from_file().map_err(|error| if path.contains("://") { unprovided(error, &scheme) } else { error });
    }
    let reporter = Console::new(session);
    Client::new(&settings, &reporter).fetch(Request::get(path, VALUES_LIMIT), &Access { base: path.to_string(), ..Access::default() })
}

/// Reads standard input, up to the limit.
fn from_stdin() -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut input = std::io::stdin().lock().take(VALUES_LIMIT + 1);
    input.read_to_end(&mut bytes).map_err(|error| fs::fault("read", Path::new("/dev/stdin"), &error))?;
    if bytes.len() as u64 > VALUES_LIMIT {
        return Err(Error::new(ErrorKind::Limit, format!("file /dev/stdin is larger than {VALUES_LIMIT} bytes")));
    }
    Ok(bytes)
}
