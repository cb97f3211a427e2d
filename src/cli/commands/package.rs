//! `rutter package`: packs chart folders into archives, signed if asked for. Follows Helm's `pkg/cmd/package.go`.

use super::{Arity, Row, Run};
use crate::action::dependency;
use crate::action::package::{self, Options, Report};
use crate::cli::arguments::ServerArguments;
use crate::cli::console::Console;
use crate::cli::secret;
use crate::cli::session::Session;
use crate::cli::source::{keyring, repository_settings, settings_without_mirrors};
use crate::error::{Error, ErrorKind, Result};
use crate::package::provenance;
use crate::repository::ChartOptions;
use crate::{fs, json};
use clap::Args;
use std::path::{Path, PathBuf};

/// The row of the table.
pub const COMMAND: Row =
    Row::leaf::<Arguments>("package", "[CHART_PATH] [...]", Arity::Any, "package a chart directory into a chart archive", LONG);

const LONG: &str = "\
Package charts into versioned archives (NAME-VERSION.tgz), which chart repositories hold.

Each argument is a folder with a Chart.yaml. Files keep their own modification times in the archive, so that the same files with the
same times give the same bytes; where $SOURCE_DATE_EPOCH is set (seconds since 1970) all have that time, whatever their own are.

To sign an archive, name the key and the keyring it is in:

    $ rutter package --sign ./mychart --key mykey --keyring ~/.gnupg/secring.gpg";

/// The flags of `package`.
#[derive(Debug, Clone, Default, Args)]
pub struct Arguments {
    #[command(flatten)]
    server: ServerArguments,
    /// set the appVersion on the chart to this version
    #[arg(long, value_name = "string")]
    app_version: Option<String>,
    /// update dependencies from "Chart.yaml" to dir "charts/" before packaging
    #[arg(short = 'u', long)]
    dependency_update: bool,
    /// location to write the chart. (default ".")
    #[arg(short, long, value_name = "string")]
    destination: Option<String>,
    /// name of the key to use when signing. Used if --sign is true
    #[arg(long, value_name = "string")]
    key: Option<String>,
    /// location of a public keyring
    #[arg(long, value_name = "string")]
    keyring: Option<String>,
    /// how the archives are reported: text or json
    #[arg(short, long, value_name = "format", value_parser = ["text", "json"])]
    output: Option<String>,
    /// location of a file which contains the passphrase for the signing key. Use "-" in order to read from stdin.
    #[arg(
        help = "location of a file which contains the passphrase for the signing key. Use \"-\" in order to read from stdin.",
        long,
        value_name = "string"
    )]
    passphrase_file: Option<String>,
    /// use a PGP private key to sign this package
    #[arg(long)]
    sign: bool,
    /// set the version on the chart to this semver version
    #[arg(long, value_name = "string")]
    version: Option<String>,
}

impl Run for Arguments {
    fn run(self, arguments: Vec<String>, session: &mut Session) -> Result<()> {
        let usage = |message: &str| Err(Error::new(ErrorKind::Usage, message));
        if arguments.is_empty() {
            return usage("need at least one argument, the path to the chart");
        }
        if self.sign && self.key.as_deref().unwrap_or_default().is_empty() {
            return usage("--key is required for signing a package");
        }
        if self.sign && self.keyring.as_deref() == Some("") {
            return usage("--keyring is required for signing a package");
        }
        // Helm creates its registry client first, whether or not anything is fetched, so its errors come first.
        self.server.options()?;
        let options = Options {
            version: self.version.clone().unwrap_or_default(),
            app_version: self.app_version.clone().unwrap_or_default(),
            destination: PathBuf::from(self.destination.as_deref().unwrap_or(".")),
            time: session.environment.source_date()?,
        };
        // Read once for all charts, and before anything is written. Without a key that fits, the archive stays unsigned, as in Helm.
        let passphrase =
            if self.sign { secret::given_passphrase(self.passphrase_file.as_deref(), secret::Part::FirstLine, session)? } else { None };
        let is_report = self.output.as_deref() == Some("json");
        let mut listing = Listing::new();
        let packed = arguments.iter().enumerate().try_for_each(|(number, argument)| {
            let report = self.pack(Path::new(argument), &options, passphrase.as_deref(), session)?;
            if is_report {
                listing.add(&report);
            } else {
                session.print(format!("Successfully packaged chart and saved it to: {}\n", report.path.display()))?;
            }
            if number + 1 == arguments.len() {
                // The process ends now, which frees the last chart faster than dropping it.
                std::mem::forget(report);
            }
            Ok(())
        });
        // Archives that were written before a fault are told as they are in the text form.
        if is_report && (packed.is_ok() || !listing.is_empty()) {
            session.print(listing.finish()?)?;
        }
        packed
    }
}

impl Arguments {
    /// Packs one chart, and signs it if asked to.
    fn pack(&self, path: &Path, options: &Options, passphrase: Option<&[u8]>, session: &mut Session) -> Result<Report> {
        fs::stat(path)?;
        if self.dependency_update {
            self.update_dependencies(path, session)?;
        }
        let report = package::run(path, options, &mut session.notices)?;
        session.show_notices();
        if self.sign {
            self.sign(&report, passphrase, session)?;
        }
        Ok(report)
    }

    /// Fetches the dependencies first; as in Helm, only the messages of the registry client are printed.
    fn update_dependencies(&self, path: &Path, session: &mut Session) -> Result<()> {
        let source = ChartOptions { keyring: keyring(self.keyring.as_deref(), session), ..self.server.options()? };
        let options = dependency::Options { source, ..dependency::Options::default() };
        let is_report = self.output.as_deref() == Some("json");
        let console = if is_report { Console::beside_report(session) } else { Console::new(session) };
        dependency::update(&fs::absolute(path)?, &options, &repository_settings(session)?, &console.silent())
    }

    /// Writes the provenance file next to the archive.
    fn sign(&self, report: &Report, given: Option<&[u8]>, session: &mut Session) -> Result<()> {
        let keyring = provenance::read_keyring_file(&keyring(self.keyring.as_deref(), session))?;
        let mut passphrase = |name: &str| secret::passphrase(given, name, session);
        let signing = provenance::Signing {
            keyring: &keyring,
            key: self.key.as_deref().unwrap_or_default(),
            passphrase: &mut passphrase,
            time: settings_without_mirrors(session).now_seconds().unwrap_or_default(),
        };
        let name = report.path.file_name().unwrap_or_default().to_string_lossy();
        let text = provenance::sign(&report.archive, &name, &report.metadata().to_yaml()?, signing)?;
        fs::write(&fs::with_suffix(&report.path, ".prov"), text.as_bytes())
    }
}

/// The archives as a JSON array.
struct Listing {
    writer: json::Writer,
    count: usize,
}

impl Listing {
    fn new() -> Listing {
        let mut writer = json::Writer::new(false);
        writer.begin_list();
        Listing { writer, count: 0 }
    }

    fn is_empty(&self) -> bool {
        self.count == 0
    }

    fn add(&mut self, report: &Report) {
        self.count += 1;
        let writer = &mut self.writer;
        writer.begin_map();
        let (path, digest) = (report.path.to_string_lossy(), format!("sha256:{}", report.digest()));
        let metadata = report.metadata();
        for (key, value) in [("name", metadata.name.as_str()), ("version", &metadata.version), ("path", &path), ("digest", &digest)] {
            writer.key(key.as_bytes());
            writer.str(value.as_bytes());
        }
        writer.key(b"size");
        writer.int(i64::try_from(report.archive.len()).unwrap_or(i64::MAX));
        writer.end_map();
    }

    /// The complete JSON, indented, with a final newline.
    fn finish(self) -> Result<Vec<u8>> {
        let mut writer = self.writer;
        writer.end_list();
        let mut text = json::indent(&writer.finish()?, "", "  ");
        text.push(b'\n');
        Ok(text)
    }
}
