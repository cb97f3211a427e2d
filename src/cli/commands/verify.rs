//! `rutter verify`: checks that an archive was signed. Follows Helm's `pkg/cmd/verify.go`.

use super::{Arity, Row, Run};
use crate::action::verify;
use crate::cli::session::Session;
use crate::cli::source::{keyring, settings_without_mirrors};
use crate::error::Result;
use clap::Args;
use std::path::Path;

/// The row of the table.
pub const COMMAND: Row = Row::leaf::<Arguments>(
    "verify",
    "PATH",
    Arity::Exactly(1),
    "verify that a chart at the given path has been signed and is valid",
    "Verify that the given chart has a valid provenance file.\n\nProvenance files provide cryptographic verification that a chart has not been\ntampered with, and was packaged by a trusted provider.\n\nTo generate a signed package, use 'rutter package --sign'.",
);

/// The flags of `verify`.
#[derive(Debug, Clone, Default, Args)]
pub struct Arguments {
    /// keyring containing public keys
    #[arg(long, value_name = "string")]
    keyring: Option<String>,
}

impl Run for Arguments {
    fn run(self, arguments: Vec<String>, session: &mut Session) -> Result<()> {
        let path = arguments.into_iter().next().unwrap_or_default();
        let keyring = keyring(self.keyring.as_deref(), session);
        let now = settings_without_mirrors(session).now_seconds();
        let verification = verify::run(Path::new(&path), &keyring, now)?;
        session.print(verify::lines(&verification, "Chart"))
    }
}
