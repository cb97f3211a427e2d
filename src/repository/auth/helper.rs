//! Docker's credential helpers: programs called `docker-credential-NAME`.
//!
//! Goes in: the name of a helper and of a registry. Comes out: the stored credential, or the helper's own error
//! message; its standard error is passed through. Follows oras-go's `native_store.go` and `executer.go`.

use super::{Credential, fault};
use crate::data::Data;
use crate::error::Result;
use crate::json;
use crate::process;
use crate::quote::quote;
use crate::repository::{Settings, printable};
use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// The helpers' message if they have no credential for a registry.
const NOT_FOUND: &str = "credentials not found in native keychain";
/// Most bytes that a helper may print.
const ANSWER_LIMIT: u64 = 1 << 20;
/// The user name that marks the secret as a refresh token.
const TOKEN_USER: &str = "<token>";

/// The helper of this system, if there is one: Docker and Helm use it if nothing is configured.
pub(super) fn of_system(settings: &Settings) -> Option<String> {
    let name = if cfg!(target_os = "macos") {
        "osxkeychain"
    } else if cfg!(windows) {
        "wincred"
    } else if cfg!(target_os = "linux") {
        if find(settings, "pass").is_some() { "pass" } else { "secretservice" }
    } else {
        return None;
    };
    find(settings, &format!("docker-credential-{name}")).map(|_| name.to_string())
}

/// The credential that the helper stores for the registry `key`.
pub(super) fn get(settings: &Settings, name: &str, key: &str) -> Result<Option<Credential>> {
    let answer = match run(settings, name, "get", key.as_bytes())? {
        Ok(answer) => json::parse(&answer)?,
        Err(text) if text == NOT_FOUND => return Ok(None),
        Err(text) => return Err(fault(printable(&text))),
    };
    let text = |field: &str| answer.as_map().and_then(|map| map.get(field)).and_then(Data::as_str).unwrap_or_default().to_string();
    let (username, secret) = (text("Username"), text("Secret"));
    let credential = match username == TOKEN_USER {
        true => Credential { refresh_token: secret, ..Credential::default() },
        false => Credential { username, password: secret, ..Credential::default() },
    };
    Ok(Some(credential).filter(|credential| *credential != Credential::default()))
}

/// Stores a credential in the helper.
pub(super) fn store(settings: &Settings, name: &str, key: &str, credential: &Credential) -> Result<()> {
    let text = |text: &str| json::to_vec(&Data::str(text)).map(|text| String::from_utf8_lossy(&text).into_owned());
    let input =
        format!(r#"{{"ServerURL":{},"Username":{},"Secret":{}}}"#, text(key)?, text(&credential.username)?, text(&credential.password)?);
    run(settings, name, "store", input.as_bytes())?.map(|_| ()).map_err(|text| fault(printable(&text)))
}

/// Removes a credential from the helper.
pub(super) fn erase(settings: &Settings, name: &str, key: &str) -> Result<()> {
    run(settings, name, "erase", key.as_bytes())?.map(|_| ()).map_err(|text| fault(printable(&text)))
}

/// The program of this name in `PATH`, with this system's suffix for programs.
fn find(settings: &Settings, program: &str) -> Option<PathBuf> {
    let program = format!("{program}{}", std::env::consts::EXE_SUFFIX);
    let is_file = |path: &PathBuf| crate::fs::stat(path).is_ok_and(|entry| entry.kind == crate::fs::Kind::File);
    settings.program_path.iter().map(|folder| folder.join(&program)).find(is_file)
}

/// The helper's answer, or its error message.
fn run(settings: &Settings, name: &str, action: &str, input: &[u8]) -> Result<std::result::Result<Vec<u8>, String>> {
    let is_plain = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte));
    let program = format!("docker-credential-{name}");
    let Some(path) = find(settings, &program).filter(|_| is_plain) else {
        return Err(fault(match name {
            "desktop.exe" => "credentials store is configured to `desktop.exe` but Docker Desktop seems not running".to_string(),
            _ if cfg!(windows) => format!("exec: {}: executable file not found in %PATH%", quote(program)),
            _ => format!("exec: {}: executable file not found in $PATH", quote(program)),
        }));
    };
    let failed = |error: std::io::Error| fault(format!("{}: {error}", path.display()));
    let mut child =
        Command::new(&path).arg(action).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::inherit()).spawn().map_err(failed)?;
    if let Some(mut stdin) = child.stdin.take() {
        // A helper may end without reading its input; only its output matters.
        let _ = stdin.write_all(input);
    }
    let output = process::output(child, ANSWER_LIMIT).map_err(failed)?;
    let output = output.ok_or_else(|| fault(format!("{}: printed more than {ANSWER_LIMIT} bytes", path.display())))?;
    if output.status.success() {
        return Ok(Ok(output.stdout));
    }
    let said = String::from_utf8_lossy(&output.stdout).trim().to_string();
    Ok(Err(if said.is_empty() {
        output.status.code().map_or_else(|| output.status.to_string(), |code| format!("exit status {code}"))
    } else {
        said
    }))
}
