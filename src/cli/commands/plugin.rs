//! `rutter plugin`: the plugins in the data folder. Follows Helm's `pkg/cmd/plugin*.go`.

use super::{Arity, Row, Run};
use crate::action::verify;
use crate::cli::arguments::ServerArguments;
use crate::cli::plugin::{self, Plugin, install};
use crate::cli::secret;
use crate::cli::session::Session;
use crate::cli::source::{keyring, settings_without_mirrors};
use crate::cli::table;
use crate::diagnostic::Level;
use crate::error::{Error, ErrorKind, Result};
use crate::fs;
use crate::package::{plugin as package, provenance};
use crate::repository::ChartOptions;
use clap::Args;
use std::path::Path;

/// The row of the table.
pub const COMMAND: Row = Row::group(
    "plugin",
    "install, list, or uninstall plugins",
    "Manage client-side plugins: programs in $HELM_PLUGINS that add commands or change manifests.",
    &[
        Row::leaf::<Install>("install", "[options] <path|url>", Arity::Exactly(1), "install a plugin", INSTALL).aliases(&["add"]),
        Row::leaf::<List>("list", "", Arity::Any, "list installed plugins", "").aliases(&["ls"]),
        Row::leaf::<Package>("package", "[PATH]", Arity::Exactly(1), "package a plugin directory into a plugin archive", PACKAGE),
        Row::leaf::<Uninstall>("uninstall", "<plugin>...", Arity::Any, "uninstall one or more plugins", "").aliases(&["rm", "remove"]),
        Row::leaf::<Update>("update", "<plugin>...", Arity::Any, "update one or more plugins", "").aliases(&["up"]),
        Row::leaf::<Verify>(
            "verify",
            "[PATH]",
            Arity::Exactly(1),
            "verify that a plugin at the given path has been signed and is valid",
            VERIFY,
        ),
    ],
);

const INSTALL: &str = "\
Install a plugin from a folder, an archive (a file, or at a server or in a registry), or a Git repository.

Archives (.tgz or .tar.gz) must be signed: a provenance file (.prov) is wanted beside them. Use --verify=false where there is none,
and for Git repositories, which have no signatures that are checked. A folder is linked to, for those who write a plugin.

    $ rutter plugin install ./my-plugin
    $ rutter plugin install https://example.com/my-plugin-1.0.0.tgz --keyring trusted.gpg
    $ rutter plugin install https://github.com/user/helm-plugin --version '^1.0.0' --verify=false";

const PACKAGE: &str = "\
Package a plugin's folder into an archive (NAME-VERSION.tgz) and sign it, so that who installs it knows whose it is.

    $ rutter plugin package ./my-plugin --key mykey --keyring ~/.gnupg/secring.gpg

Use --sign=false to leave the signature out.";

const VERIFY: &str = "\
Verify that an archive of a plugin (.tgz or .tar.gz) has a valid provenance file beside it, signed by a key of the keyring.

    $ rutter plugin verify my-plugin-1.0.0.tgz --keyring trusted.gpg";

/// The flags of `plugin install`.
#[derive(Debug, Clone, Default, Args)]
pub struct Install {
    /// verify certificates of HTTPS-enabled servers using this CA bundle
    #[arg(long, value_name = "string")]
    ca_file: Option<String>,
    /// identify registry client using this SSL certificate file
    #[arg(long, value_name = "string")]
    cert_file: Option<String>,
    /// skip tls certificate checks for the plugin download
    #[arg(long)]
    insecure_skip_tls_verify: bool,
    /// identify registry client using this SSL key file
    #[arg(long, value_name = "string")]
    key_file: Option<String>,
    /// location of public keys used for verification
    #[arg(long, value_name = "string")]
    keyring: Option<String>,
    /// registry password
    #[arg(long, value_name = "string")]
    password: Option<String>,
    /// use insecure HTTP connections for the plugin download
    #[arg(long)]
    plain_http: bool,
    /// registry username
    #[arg(long, value_name = "string")]
    username: Option<String>,
    /// verify the plugin signature before installing
    #[arg(long, default_value = "true")]
    verify: bool,
    /// specify a version constraint. If this is not specified, the latest version is installed
    #[arg(long, value_name = "string")]
    version: Option<String>,
}

impl Run for Install {
    fn run(self, arguments: Vec<String>, session: &mut Session) -> Result<()> {
        let server = ServerArguments {
            ca_file: self.ca_file,
            cert_file: self.cert_file,
            insecure_skip_tls_verify: self.insecure_skip_tls_verify,
            key_file: self.key_file,
            password: self.password,
            plain_http: self.plain_http,
            username: self.username,
        };
        let options = install::Options {
            version: self.version.unwrap_or_default(),
            verify: self.verify,
            keyring: keyring(self.keyring.as_deref(), session),
            // Unlike its client for charts, Helm's client for plugins honours this flag whatever else is given.
            access: ChartOptions { plain_http: server.plain_http, ..server.options()? },
        };
        install::run(arguments.first().map_or("", String::as_str), &options, session)
    }
}

/// The flags of `plugin list`.
#[derive(Debug, Clone, Default, Args)]
pub struct List {
    /// plugin type
    #[arg(long = "type", value_name = "string")]
    kind: Option<String>,
}

impl Run for List {
    fn run(self, _: Vec<String>, session: &mut Session) -> Result<()> {
        session.notices.push_with(Level::Debug, "pluginDirs", &[("directory", &session.settings.plugins)]);
        let plugins = plugin::all(&session.settings, &mut session.notices)?;
        let wanted = self.kind.unwrap_or_default();
        let mut rows = vec![["NAME", "VERSION", "TYPE", "APIVERSION", "PROVENANCE", "SOURCE"].map(str::to_string).to_vec()];
        for plugin in plugins.into_iter().filter(|plugin| wanted.is_empty() || plugin.kind == wanted) {
            let signed = install::signing_status(&plugin, session);
            let source = if plugin.source_url.is_empty() { "unknown".to_string() } else { plugin.source_url };
            rows.push(vec![plugin.name, plugin.version, plugin.kind, plugin.api_version, signed.to_string(), source]);
        }
        session.print(table::render(&rows, 0) + "\n")
    }
}

/// `plugin uninstall` has no flags.
#[derive(Debug, Clone, Default, Args)]
pub struct Uninstall {}

impl Run for Uninstall {
    fn run(self, arguments: Vec<String>, session: &mut Session) -> Result<()> {
        let words = Words { verb: "uninstall", done: "Uninstalled", loading: "loading installer plugins", folder: "dir" };
        for_each(&words, &arguments, session, &mut |plugin, session| install::remove(plugin, session))
    }
}

/// `plugin update` has no flags.
#[derive(Debug, Clone, Default, Args)]
pub struct Update {}

impl Run for Update {
    fn run(self, arguments: Vec<String>, session: &mut Session) -> Result<()> {
        let words = Words { verb: "update", done: "Updated", loading: "loading installed plugins", folder: "path" };
        for_each(&words, &arguments, session, &mut |plugin, session| install::update(plugin, session))
    }
}

/// What Helm says of an action on plugins.
struct Words {
    verb: &'static str,
    done: &'static str,
    /// The message of `--debug`, and its attribute for the folder of plugins.
    loading: &'static str,
    folder: &'static str,
}

/// Runs the action on each named plugin; a failure does not stop the others.
fn for_each(
    words: &Words,
    names: &[String],
    session: &mut Session,
    action: &mut dyn FnMut(&Plugin, &mut Session) -> Result<()>,
) -> Result<()> {
    let Words { verb, done, loading, folder } = words;
    if names.is_empty() {
        return Err(Error::new(ErrorKind::Usage, format!("please provide plugin name to {verb}")));
    }
    session.notices.push_with(Level::Debug, *loading, &[(*folder, &session.settings.plugins)]);
    let plugins = plugin::all(&session.settings, &mut session.notices)?;
    session.show_notices();
    let (mut faults, mut kind) = (Vec::new(), ErrorKind::Usage);
    for name in names {
        match plugins.iter().find(|plugin| plugin.name == *name).map(|plugin| action(plugin, session)) {
            Some(Ok(())) => session.print(format!("{done} plugin: {name}\n"))?,
            Some(Err(error)) => {
                kind = error.kind();
                faults.push(format!("failed to {verb} plugin {name}, got error ({})", error.message()));
            }
            None => faults.push(format!("plugin: {name} not found")),
        }
    }
    match faults.is_empty() {
        true => Ok(()),
        false => Err(Error::new(kind, faults.join("\n"))),
    }
}

/// The flags of `plugin package`.
#[derive(Debug, Clone, Default, Args)]
pub struct Package {
    /// location to write the plugin tarball.
    #[arg(help = "location to write the plugin tarball.", short, long, value_name = "string", default_value = ".")]
    destination: String,
    /// name of the key to use when signing. Used if --sign is true
    #[arg(long, value_name = "string")]
    key: Option<String>,
    /// location of a public keyring
    #[arg(long, value_name = "string")]
    keyring: Option<String>,
    /// location of a file which contains the passphrase for the signing key. Use "-" to read from stdin.
    #[arg(
        help = "location of a file which contains the passphrase for the signing key. Use \"-\" to read from stdin.",
        long,
        value_name = "string"
    )]
    passphrase_file: Option<String>,
    /// use a PGP private key to sign this plugin
    #[arg(long, default_value = "true")]
    sign: bool,
}

impl Run for Package {
    fn run(self, arguments: Vec<String>, session: &mut Session) -> Result<()> {
        let folder = Path::new(arguments.first().map_or("", String::as_str));
        if fs::stat(folder)?.kind != fs::Kind::Folder {
            return Err(Error::new(ErrorKind::Usage, "plugin package only supports directories, not tarballs"));
        }
        let plugin = plugin::load_folder(folder).map_err(|error| error.context("invalid plugin directory"))?;
        let keyring_bytes = match self.sign {
            true => {
                let unread = |error: Error| error.context("error reading from keyring");
                Some(provenance::read_keyring_file(&keyring(self.keyring.as_deref(), session)).map_err(unread)?)
            }
            false => {
                session.print("WARNING: Skipping plugin signing. This is not recommended for plugins intended for distribution.\n")?;
                None
            }
        };
        let failed = |error: Error| error.context("failed to create plugin tarball");
        let archive = package::pack(folder, &plugin.name).map_err(failed)?;
        let name = install::archive_name(&plugin);
        let signature = keyring_bytes.map(|keyring| self.signature(&plugin, &archive, &keyring, session)).transpose()?;
        // Nothing is written before archive and signature are both complete.
        let destination = Path::new(&self.destination);
        fs::create_folders(destination)?;
        let path = fs::clean(&destination.join(name));
        fs::write_as(&path, &archive, fs::Mode::New(0o666))?;
        if let Some(signature) = signature {
            let beside = fs::with_suffix(&path, ".prov");
            fs::write(&beside, signature.as_bytes())?;
            session.print(format!("Successfully signed. Signature written to: {}\n", beside.display()))?;
        }
        session.print(format!("Successfully packaged plugin and saved it to: {}\n", path.display()))
    }
}

impl Package {
    fn signature(&self, plugin: &Plugin, archive: &[u8], keyring: &[u8], session: &Session) -> Result<String> {
        let key = self.key.as_deref().unwrap_or_default();
        if key.is_empty() {
            return Err(Error::new(ErrorKind::Verification, "private key not found"));
        }
        let given = secret::given_passphrase(self.passphrase_file.as_deref(), secret::Part::Whole, session)?;
        let mut passphrase = |name: &str| secret::passphrase(given.as_deref(), name, session);
        let signing = provenance::Signing {
            keyring,
            key,
            passphrase: &mut passphrase,
            time: settings_without_mirrors(session).now_seconds().unwrap_or_default(),
        };
        provenance::sign(archive, &install::archive_name(plugin), &plugin.signed_text()?, signing)
    }
}

/// The flags of `plugin verify`.
#[derive(Debug, Clone, Default, Args)]
pub struct Verify {
    /// keyring containing public keys
    #[arg(long, value_name = "string")]
    keyring: Option<String>,
}

impl Run for Verify {
    fn run(self, arguments: Vec<String>, session: &mut Session) -> Result<()> {
        let path = Path::new(arguments.first().map_or("", String::as_str));
        let fault = |text: &str| Err(Error::new(ErrorKind::Verification, text));
        if fs::stat(path)?.kind == fs::Kind::Folder {
            return fault("directory verification not supported - only plugin tarballs can be verified");
        }
        if !path.extension().is_some_and(|extension| extension == "gz" || extension == "tgz") {
            return fault("plugin file must be a gzipped tarball (.tar.gz or .tgz)");
        }
        let beside = fs::with_suffix(path, ".prov");
        if let Err(error) = fs::stat(&beside) {
            return Err(error.context(format!("could not find provenance file {}", beside.display())));
        }
        let archive = fs::read(path).map_err(|error| error.context("failed to read plugin file"))?;
        let text =
            fs::read_limited(&beside, provenance::PROVENANCE_LIMIT).map_err(|error| error.context("failed to read provenance file"))?;
        let keyring = provenance::read_keyring_file(&keyring(self.keyring.as_deref(), session))?;
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let verification = provenance::verify(&archive, &text, &name, &keyring, settings_without_mirrors(session).now_seconds())?;
        session.print(verify::lines(&verification, "Plugin"))
    }
}
