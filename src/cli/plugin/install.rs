//! Installing plugins: from folders, archives, servers, registries and Git repositories.
//!
//! Goes in: where to get a plugin. Comes out: its folder in the folder of plugins, complete or not at all, and
//! next to it the archive that it came from, so that its signature can be checked later. Signatures are checked
//! unless the user turns this off. Follows Helm's `pkg/cmd/plugin_install.go` and `internal/plugin/installer`.

use super::git::{self, Repository};
use super::{Event, MANIFEST_NAME, Plugin};
use crate::action::verify;
use crate::cli::console::Console;
use crate::cli::session::Session;
use crate::cli::source::{repository_settings, settings_without_mirrors};
use crate::diagnostic::Level;
use crate::error::{Cause, Error, ErrorKind, Result};
use crate::fs;
use crate::package::plugin::{self as package, Member};
use crate::package::provenance::{self, PROVENANCE_LIMIT};
use crate::quote::quote;
use crate::repository::ChartOptions;
use crate::repository::access::Access;
use crate::repository::download::Downloader;
use crate::repository::http::{Client, Request};
use crate::repository::oci::{self, Reference};
use crate::repository::url::is_oci;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// The largest plugin archive, in bytes.
const ARCHIVE_LIMIT: u64 = 512 << 20;
/// The file name endings of plugin archives.
const ENDINGS: [&str; 2] = [".tar.gz", ".tgz"];
/// The error for a missing plugin.yaml.
const NO_MANIFEST: &str = "plugin metadata (plugin.yaml) missing";

/// How a plugin is installed.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// A Git reference, or a constraint for Git tags.
    pub version: String,
    /// Archives must be signed.
    pub verify: bool,
    /// The keyring with the public keys.
    pub keyring: PathBuf,
    /// How to access a registry.
    pub access: ChartOptions,
}

/// Where to get a plugin.
enum Source {
    /// Installed as a link, for plugin developers.
    Folder(PathBuf),
    Archive(PathBuf),
    Server(String),
    Registry(Reference),
    Repository(Repository),
}

/// An archive and its provenance file.
struct Fetched {
    archive: Vec<u8>,
    provenance: Option<Vec<u8>>,
    file_name: String,
}

/// Installs the plugin at `address` and reports it.
pub fn run(address: &str, options: &Options, session: &mut Session) -> Result<()> {
    let source = Source::of(address, session)?;
    let is_archive = match &source {
        Source::Folder(_) => {
            session.print("Installing plugin from local directory (development mode)\n")?;
            false
        }
        Source::Archive(_) | Source::Registry(_) => true,
        Source::Server(address) => ENDINGS.iter().any(|ending| address.ends_with(ending)),
        Source::Repository(_) => false,
    };
    let verify = options.verify && !matches!(source, Source::Folder(_));
    if verify && !is_archive {
        let message = "plugin source does not support verification. Use --verify=false to skip verification";
        return Err(Error::new(ErrorKind::Verification, message));
    }
    if !matches!(source, Source::Folder(_)) {
        session.print(if verify { "Verifying plugin signature...\n" } else { "WARNING: Skipping plugin signature verification\n" })?;
    }
    let folder = source.folder(session);
    if let Some(parent) = folder.parent() {
        fs::create_folders(parent)?;
    }
    if !fs::is_missing(&folder) {
        let path = folder.to_string_lossy();
        session.notices.push_with(Level::Warn, "plugin already exists", &[("path", &path), ("error", "<nil>")]);
        return Err(Error::new(ErrorKind::Usage, "plugin already exists"));
    }
    let mut fetched = None;
    let mut verification = None;
    if verify {
        let found = source.fetch(options, true, session).map_err(|error| error.context("failed to get verification data"))?;
        let failed = |error: Error| error.context("plugin verification failed");
        let none = || failed(Error::new(ErrorKind::Verification, "no provenance file (.prov) found"));
        let text = found.provenance.as_deref().filter(|text| !text.is_empty()).ok_or_else(none)?;
        let keyring = provenance::read_keyring_file(&options.keyring).map_err(failed)?;
        let now = settings_without_mirrors(session).now_seconds();
        verification = Some(provenance::verify(&found.archive, text, &found.file_name, &keyring, now).map_err(failed)?);
        fetched = Some(found);
    }
    match &source {
        Source::Folder(from) => {
            debug("symlinking", &[("source", from), ("path", &folder)], session);
            link(from, &folder)?;
        }
        Source::Repository(repository) => copy(repository, &options.version, &folder)?,
        Source::Archive(_) | Source::Server(_) | Source::Registry(_) => {
            let fetched = match fetched {
                Some(fetched) => fetched,
                None => source.fetch(options, false, session)?,
            };
            source.unpack(&fetched, &folder, session)?;
        }
    }
    if let Some(verification) = verification {
        session.print(verify::lines(&verification, "Plugin"))?;
    }
    debug("loading plugin", &[("path", &folder)], session);
    let plugin = super::load_folder(&folder).map_err(|error| error.context("plugin is installed but unusable"))?;
    plugin.run_hook(Event::Install, session)?;
    session.print(format!("Installed plugin: {}\n", plugin.name))
}

/// Logs a step for `--debug`.
fn debug(message: &str, paths: &[(&str, &Path)], session: &mut Session) {
    let texts: Vec<_> = paths.iter().map(|(name, path)| (*name, path.to_string_lossy())).collect();
    let attributes: Vec<(&str, &str)> = texts.iter().map(|(name, text)| (*name, &**text)).collect();
    session.notices.push_with(Level::Debug, message, &attributes);
    session.show_notices();
}

/// Updates a plugin that came from a Git repository.
pub fn update(plugin: &Plugin, session: &mut Session) -> Result<()> {
    let folder = fs::absolute(&fs::resolve_links(&plugin.folder)?)?;
    let repository = Repository::in_folder(folder.clone()).map_err(|error| {
        if !error.is(Cause::UnknownVersionControl) {
            return error;
        }
        let location = folder.to_string_lossy();
        let attributes = [("location", &*location), ("error", error.message())];
        session.notices.push_with(Level::Warn, "cannot get information about plugin source", &attributes);
        Error::new(ErrorKind::Usage, "cannot get information about plugin source")
    })?;
    let installed = Path::new(&session.settings.plugins).join(base_name(&repository.remote));
    if let Err(error) = fs::stat(&installed) {
        let path = installed.to_string_lossy();
        session.notices.push_with(Level::Warn, "plugin does not exist", &[("path", &path), ("error", error.message())]);
        return Err(Error::new(ErrorKind::Usage, "plugin does not exist"));
    }
    if repository.is_changed()? {
        return Err(Error::new(ErrorKind::Usage, "plugin repo was modified"));
    }
    repository.update()?;
    if !fs::exists(&repository.folder.join(MANIFEST_NAME)) {
        return Err(Error::new(ErrorKind::Usage, NO_MANIFEST));
    }
    debug("loading plugin", &[("path", &installed)], session);
    super::load_folder(&installed)?.run_hook(Event::Update, session)
}

/// Removes a plugin and the archive that it came from.
pub fn remove(plugin: &Plugin, session: &mut Session) -> Result<()> {
    // Of two names of one plugin the second finds it gone.
    if !fs::is_missing(&plugin.folder) {
        match fs::lstat(&plugin.folder)?.kind {
            fs::Kind::Link => fs::remove_file(&plugin.folder)?,
            _ => fs::remove_folder(&plugin.folder)?,
        }
    }
    if !plugin.version.is_empty() {
        let archive = Path::new(&session.settings.plugins).join(archive_name(plugin));
        let beside = fs::with_suffix(&archive, ".prov");
        for (message, path) in [("removing versioned tarball", archive), ("removing versioned provenance", beside)] {
            if fs::exists(&path) {
                debug(message, &[("path", &path)], session);
                // A leftover file does no harm.
                let _ = fs::remove_file(&path);
            }
        }
    }
    plugin.run_hook(Event::Delete, session)
}

/// The state of an installed plugin's signature, as `plugin list` shows it (Helm's `GetPluginSigningInfo`).
pub fn signing_status(plugin: &Plugin, session: &Session) -> &'static str {
    // As in Helm, even if plugins are read from another folder.
    let plugins = data_folder(session);
    match fs::lstat(&plugins.join(&plugin.name)) {
        Err(_) => return "unknown",
        Ok(entry) if entry.kind == fs::Kind::Link => return "local dev",
        Ok(_) => {}
    }
    let archive = plugins.join(archive_name(plugin));
    if !fs::exists(&archive) {
        return "unsigned";
    }
    let text = match fs::read_if_there(&fs::with_suffix(&archive, ".prov"), PROVENANCE_LIMIT) {
        Ok(Some(text)) => text,
        Ok(None) => return "unsigned",
        Err(_) => return "unknown",
    };
    let bytes = fs::read_limited(&archive, ARCHIVE_LIMIT).unwrap_or_default();
    match provenance::names_archive(&text, &bytes, &archive_name(plugin)) {
        None => "invalid provenance",
        Some(false) => "mismatched provenance",
        Some(true) => "signed",
    }
}

/// The name of a plugin's archive.
pub fn archive_name(plugin: &Plugin) -> String {
    format!("{}-{}.tgz", plugin.name, plugin.version)
}

fn data_folder(session: &Session) -> PathBuf {
    Path::new(&session.settings.data_home).join("plugins")
}

/// The last part of an address or path.
fn base_name(address: &str) -> &str {
    address.trim_end_matches('/').rsplit('/').next().unwrap_or_default()
}

/// The name of a plugin according to its archive's file name: without ending and version (Helm's `stripPluginName`).
fn strip_name(file_name: &str) -> &str {
    let Some(name) = ENDINGS.iter().find_map(|ending| file_name.strip_suffix(ending)) else { return "" };
    let starts_version = |at: &usize| {
        let rest = name.get(at + 1..).unwrap_or_default();
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        digits > 0 && rest.as_bytes().get(digits) == Some(&b'.')
    };
    let end = name.rmatch_indices('-').map(|(at, _)| at).find(starts_version);
    end.and_then(|end| name.get(..end)).unwrap_or(name)
}

impl Source {
    fn of(address: &str, session: &Session) -> Result<Source> {
        if is_oci(address) {
            let reference = Reference::parse(address).map_err(|error| error.context("invalid OCI reference"))?;
            return Ok(Source::Registry(reference));
        }
        let path = Path::new(address);
        let is_archive = ENDINGS.iter().any(|ending| address.ends_with(ending));
        if !address.is_empty() && fs::exists(path) {
            let path = fs::absolute(path)?;
            return Ok(if is_archive { Source::Archive(path) } else { Source::Folder(path) });
        }
        let is_http = address.starts_with("http://") || address.starts_with("https://");
        if is_http && is_archive {
            return Ok(Source::Server(address.to_string()));
        }
        let context = |error: Error| {
            let address = quote(address.as_bytes());
            let text =
                format!("cannot get information about plugin source {address} (if it's a local directory, does it exist?), last error was");
            error.context(text)
        };
        if is_http && names_archive(address, session)? {
            let message = format!("no extractor implemented yet for {address}");
            return Err(context(Error::new(ErrorKind::Usage, message)));
        }
        let kept = Path::new(&session.settings.cache_home).join("plugins").join(git::cache_key(address).map_err(context)?);
        Repository::of_address(address, kept).map(Source::Repository).map_err(context)
    }

    /// The folder to install the plugin into.
    fn folder(&self, session: &Session) -> PathBuf {
        let plugins = Path::new(&session.settings.plugins);
        match self {
            Source::Folder(path) => data_folder(session).join(path.file_name().unwrap_or_default()),
            Source::Archive(path) => data_folder(session).join(strip_name(&path.file_name().unwrap_or_default().to_string_lossy())),
            Source::Server(address) => data_folder(session).join(strip_name(base_name(address))),
            Source::Registry(reference) => plugins.join(oci::plugin::name(reference)),
            Source::Repository(repository) => plugins.join(base_name(&repository.remote)),
        }
    }

    /// Fetches the archive, and its provenance file if there is one.
    fn fetch(&self, options: &Options, to_verify: bool, session: &Session) -> Result<Fetched> {
        let console = Console::new(session);
        let settings = repository_settings(session)?;
        match self {
            Source::Archive(path) => {
                let context = if to_verify { "failed to read plugin file" } else { "failed to read archive" };
                let archive = fs::read_limited(path, ARCHIVE_LIMIT).map_err(|error| error.context(context))?;
                let beside = fs::with_suffix(path, ".prov");
                let unread = |error: Error| error.context(format!("failed to access provenance file {}", beside.display()));
                let provenance = fs::read_if_there(&beside, PROVENANCE_LIMIT).or_else(|error| match to_verify {
                    true => Err(unread(error)),
                    false => Ok(None),
                })?;
                Ok(Fetched { archive, provenance, file_name: path.file_name().unwrap_or_default().to_string_lossy().into_owned() })
            }
            Source::Server(address) => {
                let client = Client::new(&settings, &console);
                let file_name = base_name(address).to_string();
                let request = Request { label: Some(&file_name), ..Request::get(address, ARCHIVE_LIMIT) };
                let access = Access { base: address.clone(), ..Access::default() };
                let archive = client.fetch(request, &access).map_err(|error| match to_verify {
                    true => error.context("failed to download plugin"),
                    false => error,
                })?;
                // The caller decides whether a missing provenance file is an error.
                let provenance = client.fetch(Request::get(&format!("{address}.prov"), PROVENANCE_LIMIT), &access).ok();
                Ok(Fetched { archive, provenance, file_name })
            }
            Source::Registry(reference) => {
                let pulled = Downloader::new(options.access.clone(), &settings, &console).registries().plugin(reference);
                let pulled = pulled.map_err(|error| error.context(format!("failed to pull plugin from oci://{reference}")))?;
                let plugin = describe(&pulled.archive)?;
                Ok(Fetched { archive: pulled.archive, provenance: pulled.provenance, file_name: archive_name(&plugin) })
            }
            Source::Folder(_) | Source::Repository(_) => {
                Err(Error::new(ErrorKind::Verification, "--verify is only supported for plugin tarballs (.tgz files)"))
            }
        }
    }

    /// Unpacks the archive into `folder`, and keeps the archive.
    fn unpack(&self, fetched: &Fetched, folder: &Path, session: &Session) -> Result<()> {
        let plugin = describe(&fetched.archive)?;
        let context = match self {
            Source::Archive(_) => "failed to extract archive",
            Source::Registry(_) => "failed to extract plugin",
            _ => "extracting files from archive",
        };
        let members = package::read(&fetched.archive).map_err(|error| error.context(context))?;
        let top = match self {
            Source::Archive(path) => {
                let name = strip_name(&path.file_name().unwrap_or_default().to_string_lossy()).to_string();
                has_manifest(&members, &name).then_some(name).ok_or_else(|| {
                    let (top, missing) = (strip_name(&fetched.file_name), std::io::ErrorKind::NotFound.into());
                    fs::fault("stat", &Path::new(top).join(MANIFEST_NAME), &missing)
                        .context(format!("plugin.yaml not found in expected directory {top}"))
                })?
            }
            Source::Registry(_) => top_of(&members).ok_or_else(|| Error::new(ErrorKind::Usage, NO_MANIFEST))?,
            _ => top_of(&members).ok_or_else(|| {
                let message = format!("plugin.yaml not found in {} or its immediate subdirectories", fetched.file_name);
                Error::new(ErrorKind::Usage, message)
            })?,
        };
        let place = folder.parent().unwrap_or(folder);
        let staging = fs::unfinished_folder(place)?;
        let new = staging.path().join("plugin");
        fs::create_folders(&new)?;
        for member in &members {
            let Some(name) = below(&member.name, &top) else { continue };
            let path = fs::join_below(&new, name)?;
            match &member.data {
                None => fs::create_folders(&path)?,
                Some(data) => {
                    fs::create_folders(path.parent().unwrap_or(&new))?;
                    fs::write_as(&path, data, fs::Mode::New(member.mode))?;
                }
            }
        }
        let plugins = data_folder(session);
        fs::create_folders(&plugins).map_err(|error| error.context("failed to create plugins directory"))?;
        let kept = plugins.join(archive_name(&plugin));
        fs::write_as(&kept, &fetched.archive, fs::Mode::New(0o644)).map_err(|error| error.context("failed to save tarball"))?;
        if let Some(provenance) = &fetched.provenance {
            fs::write_as(&fs::with_suffix(&kept, ".prov"), provenance, fs::Mode::New(0o644))?;
        }
        fs::rename(&new, folder)
    }
}

/// The plugin in an archive, as described in its plugin.yaml.
fn describe(archive: &[u8]) -> Result<Plugin> {
    let text = package::manifest(archive);
    text.and_then(|text| super::parse(&text)).map_err(|error| error.context("failed to extract plugin metadata from tarball"))
}

/// The path of `name` below the folder `top`; an empty `top` stands for the archive's root.
fn below<'n>(name: &'n str, top: &str) -> Option<&'n str> {
    match top {
        "" => Some(name).filter(|name| !name.is_empty()),
        _ => name.strip_prefix(top)?.strip_prefix('/'),
    }
}

fn has_manifest(members: &[Member], top: &str) -> bool {
    members.iter().any(|member| member.data.is_some() && below(&member.name, top) == Some(MANIFEST_NAME))
}

/// The folder with the plugin.yaml: the archive's root, or else the first folder that has one.
fn top_of(members: &[Member]) -> Option<String> {
    if has_manifest(members, "") {
        return Some(String::new());
    }
    let folders: BTreeSet<&str> = members.iter().filter_map(|member| member.name.split_once('/').map(|(top, _)| top)).collect();
    folders.into_iter().find(|top| has_manifest(members, top)).map(str::to_string)
}

/// Whether the server's content type says that `address` is an archive.
fn names_archive(address: &str, session: &Session) -> Result<bool> {
    let settings = repository_settings(session)?;
    let console = Console::new(session);
    let access = Access { base: address.to_string(), ..Access::default() };
    let Ok(answer) = Client::new(&settings, &console).send(Request::head(address), &access) else { return Ok(false) };
    let kind = answer.header("content-type").unwrap_or_default().to_lowercase();
    Ok(matches!(kind.as_str(), "application/gzip" | "application/x-gzip" | "application/x-tgz" | "application/x-gtar"))
}

/// Links to a folder, so that changes there take effect at once.
fn link(from: &Path, folder: &Path) -> Result<()> {
    if fs::stat(from)?.kind != fs::Kind::Folder {
        let message = "expected plugin to be a directory (containing a file 'plugin.yaml')";
        return Err(Error::new(ErrorKind::Usage, message));
    }
    if !fs::exists(&from.join(MANIFEST_NAME)) {
        return Err(Error::new(ErrorKind::Usage, NO_MANIFEST));
    }
    fs::create_link(from, folder)
}

/// Copies a repository at the wanted version.
fn copy(repository: &Repository, version: &str, folder: &Path) -> Result<()> {
    repository.sync()?;
    if !version.is_empty() {
        repository.check_out(version)?;
    }
    if !fs::exists(&repository.folder.join(MANIFEST_NAME)) {
        return Err(Error::new(ErrorKind::Usage, NO_MANIFEST));
    }
    let staging = fs::unfinished_folder(folder.parent().unwrap_or(folder))?;
    let new = staging.path().join("plugin");
    fs::copy_folder(&repository.folder, &new)?;
    fs::rename(&new, folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    // What Helm v4.2.4's `stripPluginName` gives.
    #[test]
    fn names_lose_endings_and_versions() {
        for (file, name) in [
            ("demo-1.0.0.tgz", "demo"),
            ("demo-1.0.0-rc.1.tar.gz", "demo"),
            ("my-demo-2-10.0.tgz", "my-demo-2"),
            ("demo.tgz", "demo"),
            ("demo-v1.0.0.tgz", "demo-v1.0.0"),
            ("demo-1.tgz", "demo-1"),
            ("demo", ""),
        ] {
            assert_eq!(strip_name(file), name, "{file}");
        }
    }

    #[test]
    fn the_folder_with_the_manifest_is_found() {
        let member = |name: &str| Member { name: name.to_string(), mode: 0o644, data: Some((*b"").into()) };
        let top = |names: &[&str]| top_of(&names.iter().map(|name| member(name)).collect::<Vec<_>>());
        assert_eq!(top(&["plugin.yaml", "a/plugin.yaml"]).as_deref(), Some(""));
        assert_eq!(top(&["README.md", "b/plugin.yaml", "a/plugin.yaml", "a/x"]).as_deref(), Some("a"));
        assert_eq!(top(&["a/b/plugin.yaml"]), None);
        assert_eq!((below("a/b", "a"), below("ab/c", "a"), below("a", "a"), below("a", "")), (Some("b"), None, None, Some("a")));
    }
}
