//! Installs plugins from Git repositories.
//!
//! Goes in: an address, and the folder for its clone. Comes out: the repository there, at the wanted version. The user's own `git` does
//! the work, with the user's keys and settings; version control systems other than Git, which Helm supports too, are refused. Follows
//! Helm's `internal/plugin/installer/vcs_installer.go` and `internal/plugin/cache`, and the library `Masterminds/vcs` below them.

use crate::diagnostic::Diagnostic;
use crate::error::{Cause, Error, ErrorKind, Result};
use crate::fs;
use crate::quote::quote;
use crate::url::Url;
use crate::version::{Constraint, Version};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// Hosts that serve only Git, with the number of path parts that name a repository.
const GIT_HOSTS: [(&str, usize); 7] = [
    ("github.com", 2),
    ("bitbucket.org", 2),
    ("git.launchpad.net", 1),
    ("hub.jazz.net", 3),
    ("go.googlesource.com", 1),
    ("git.openstack.org", 2),
    ("git.code.sf.net", 3),
];

/// A repository and its clone.
pub struct Repository {
    /// The address it is cloned from.
    pub remote: String,
    /// The folder of the clone.
    pub folder: PathBuf,
}

/// User, host and path of an address in SSH's short form: `git@github.com:user/repository`.
fn short_address(address: &str) -> Option<(&str, &str, &str)> {
    let (user, rest) = address.split_once('@')?;
    let (host, path) = rest.split_once(':')?;
    let is_user = !user.is_empty() && user.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    let is_host = !host.is_empty() && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte));
    (is_user && is_host && !path.contains('\n')).then_some((user, host, path))
}

/// The parts of an address.
struct Parts {
    /// Empty in SSH's short form.
    scheme: String,
    user: String,
    host: String,
    path: String,
}

impl Parts {
    fn of(address: &str) -> Result<Parts> {
        if let Some((user, host, path)) = short_address(address) {
            return Ok(Parts { scheme: String::new(), user: user.to_string(), host: host.to_string(), path: format!("/{path}") });
        }
        let url = Url::parse(address.as_bytes()).map_err(|fault| Error::new(ErrorKind::Usage, fault))?;
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let user = url.user.as_ref().map(|user| text(&user.name)).unwrap_or_default();
        Ok(Parts { scheme: text(&url.scheme), user, host: text(&url.host), path: text(&url.path) })
    }
}

/// The name of the cache folder for `address` (Helm's `cache.Key`).
pub fn cache_key(address: &str) -> Result<String> {
    let Parts { scheme, user, host, path } = Parts::of(address)?;
    let part = |part: &str| if part.is_empty() { String::new() } else { format!("{part}-") };
    let key = [part(&scheme), part(&user), host, path.replace('/', "-")].concat();
    Ok(key.replace(':', "-"))
}

fn unknown_version_control() -> Error {
    Error::new(ErrorKind::Usage, "Cannot detect VCS").with_cause(Cause::UnknownVersionControl)
}

/// Checks that an address is a Git repository. Fails for another version control system and for one that cannot be detected.
fn check_address(address: &str) -> Result<()> {
    let unknown = || Err(unknown_version_control());
    let other = |name: &str| Err(Error::new(ErrorKind::Unsupported, format!("{name} repositories are not supported, only those of Git")));
    let Parts { scheme, user, host, path } = Parts::of(address)?;
    if scheme == "file" {
        return if fs::exists(&Path::new(&path).join(".git")) { Ok(()) } else { unknown() };
    }
    if host.is_empty() {
        return unknown();
    }
    match scheme.as_str() {
        "git" | "git+ssh" => return Ok(()),
        "bzr+ssh" => return other("Bazaar"),
        "svn+ssh" => return other("Subversion"),
        _ => {}
    }
    if let Some((_, names)) = GIT_HOSTS.iter().find(|(name, _)| *name == host) {
        let given = path.split('/').filter(|name| !name.is_empty()).count();
        return if given >= *names { Ok(()) } else { unknown() };
    }
    match host.as_str() {
        "launchpad.net" => return other("Bazaar"),
        "hg.code.sf.net" => return other("Mercurial"),
        "svn.code.sf.net" => return other("Subversion"),
        _ => {}
    }
    match (path.rsplit_once('.').map(|(_, ending)| ending), user.as_str()) {
        (Some("git"), _) => Ok(()),
        (Some("hg"), _) => other("Mercurial"),
        (Some("svn"), _) => other("Subversion"),
        (Some("bzr"), _) => other("Bazaar"),
        (_, "git") => Ok(()),
        (_, "hg") => other("Mercurial"),
        _ => unknown(),
    }
}

impl Repository {
    /// The repository at `address`, whose clone is or will be in `folder`.
    pub fn of_address(address: &str, folder: PathBuf) -> Result<Repository> {
        let is_kept = fs::exists(&folder.join(".git"));
        check_address(address).or_else(|error| if is_kept && error.is(Cause::UnknownVersionControl) { Ok(()) } else { Err(error) })?;
        let repository = Repository { remote: address.to_string(), folder };
        if is_kept && repository.configured_remote()? != repository.remote {
            return Err(Error::new(ErrorKind::Usage, "The Remote does not match the VCS endpoint"));
        }
        Ok(repository)
    }

    /// The repository in `folder`. Fails with [`Cause::UnknownVersionControl`] if there is none.
    pub fn in_folder(folder: PathBuf) -> Result<Repository> {
        if !fs::exists(&folder.join(".git")) {
            return Err(unknown_version_control());
        }
        let mut repository = Repository { remote: String::new(), folder };
        repository.remote = repository.configured_remote()?;
        Ok(repository)
    }

    fn configured_remote(&self) -> Result<String> {
        let output = self.run(&["config", "--get", "remote.origin.url"])?;
        if !output.status.success() {
            return Err(failed("Unable to retrieve local repo information", &output));
        }
        Ok(String::from_utf8_lossy(&output.stdout).trim().to_string())
    }

    /// Clones the repository, or updates the clone.
    pub fn sync(&self) -> Result<()> {
        if !fs::is_missing(&self.folder) {
            return self.update();
        }
        if let Some(parent) = self.folder.parent() {
            fs::create_folders(parent)?;
        }
        let folder = self.folder.to_string_lossy();
        let output = git(&["clone", "--recursive", "--", &self.remote, &folder], None)?;
        match output.status.success() {
            true => Ok(()),
            false => {
                let message = format!("Unable to get repository: {}: {}", said(&output), ended(&output));
                Err(Error::new(ErrorKind::Repository, message))
            }
        }
    }

    /// Fetches new commits and tags.
    pub fn update(&self) -> Result<()> {
        const UNABLE: &str = "Unable to update repository";
        self.must(&["fetch", "--tags", "--", "origin"], UNABLE)?;
        // A detached HEAD, where a version was checked out, is not moved.
        if self.run(&["symbolic-ref", "--quiet", "HEAD"])?.status.success() {
            self.must(&["pull"], UNABLE)?;
            self.tidy()?;
        }
        Ok(())
    }

    /// Whether the clone has local changes.
    pub fn is_changed(&self) -> Result<bool> {
        let output = self.run(&["diff"])?;
        Ok(!output.status.success() || !output.stdout.is_empty())
    }

    /// Checks out `version`: a Git reference if it is one, else the highest tag that the constraint allows.
    pub fn check_out(&self, version: &str) -> Result<()> {
        // No Git reference starts with a dash; git would read it as a flag.
        let is_name = !version.starts_with('-');
        let known = |words: &[&str]| self.run(words).map(|output| output.status.success());
        let name = if is_name && (known(&["rev-parse", "--verify", version])? || known(&["show-ref", version])?) {
            version.to_string()
        } else {
            self.highest(version)?
        };
        self.must(&["checkout", &name], "Unable to update checked out version")?;
        self.tidy()
    }

    fn highest(&self, version: &str) -> Result<String> {
        let constraint = Constraint::parse(version).map_err(|error| Error::new(ErrorKind::Usage, error.to_string()))?;
        let output = self.must(&["show-ref"], "Unable to retrieve tags")?;
        let text = String::from_utf8_lossy(&output.stdout);
        let tags = text.lines().filter_map(|line| line.split_once("tags/").map(|(_, tag)| tag));
        let versions = tags.filter_map(|tag| Version::parse(tag).ok().map(|version| (version, tag)));
        let found = versions.filter(|(version, _)| constraint.check(version)).max_by(|(a, _), (b, _)| a.cmp(b));
        found.map(|(_, tag)| tag.to_string()).ok_or_else(|| {
            let [version, remote] = [version, &self.remote].map(|text| quote(text.as_bytes()));
            Error::new(ErrorKind::Usage, format!("requested version {version} does not exist for plugin {remote}"))
        })
    }

    /// Updates submodules and removes files that do not belong to the version.
    fn tidy(&self) -> Result<()> {
        self.must(&["submodule", "update", "--init", "--recursive"], "Unexpected error while defensively updating submodules")?;
        self.must(
            &["clean", "-x", "-d", "-f", "-f"],
            "Unexpected error while defensively cleaning up after possible derelict submodule directories",
        )?;
        self.must(
            &["submodule", "foreach", "--recursive", "git clean -x -d -f -f"],
            "Unexpected error while defensively cleaning up after possible derelict nested submodule directories",
        )?;
        Ok(())
    }

    fn must(&self, words: &[&str], fault: &str) -> Result<Output> {
        let output = self.run(words)?;
        if output.status.success() { Ok(output) } else { Err(failed(fault, &output)) }
    }

    fn run(&self, words: &[&str]) -> Result<Output> {
        git(words, Some(&self.folder))
    }
}

fn git(words: &[&str], folder: Option<&Path>) -> Result<Output> {
    let mut command = Command::new("git");
    command.args(words).stdin(Stdio::inherit());
    if let Some(folder) = folder {
        command.current_dir(folder);
    }
    command.output().map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => Error::new(ErrorKind::Usage, "git is not installed"),
        _ => fs::fault("fork/exec", Path::new("git"), &error),
    })
}

/// The error for a failed git command, with git's output as notes.
fn failed(fault: &str, output: &Output) -> Error {
    let fault = format!("{fault}: {}", ended(output));
    let said = said(output);
    let notes: Vec<String> = said.lines().filter(|line| !line.trim().is_empty()).map(|line| format!("git: {line}")).collect();
    let diagnostic = Diagnostic { headline: fault.clone(), notes, ..Diagnostic::default() };
    Error::new(ErrorKind::Repository, fault).with_diagnostic(diagnostic)
}

/// The exit status in Go's words.
fn ended(output: &Output) -> String {
    output.status.code().map_or_else(|| "killed".to_string(), |code| format!("exit status {code}"))
}

fn said(output: &Output) -> String {
    [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes)).concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_told_apart() {
        for (address, want) in [
            ("https://github.com/user/helm-plugin", ""),
            ("https://github.com/user", "Cannot detect VCS"),
            ("git@gitlab.example:user/plugin", ""),
            ("ssh://git@host.example/plugin", ""),
            ("https://host.example/plugin.git", ""),
            ("https://host.example/plugin", "Cannot detect VCS"),
            ("./nowhere", "Cannot detect VCS"),
            ("file:///nowhere", "Cannot detect VCS"),
            ("https://host.example/plugin.hg", "Mercurial repositories are not supported, only those of Git"),
            ("svn+ssh://host.example/plugin", "Subversion repositories are not supported, only those of Git"),
            ("https://host.example:x/plugin", "parse \"https://host.example:x/plugin\": invalid port \":x\" after host"),
        ] {
            let fault = check_address(address).map_or_else(|error| error.message().to_string(), |()| String::new());
            assert_eq!(fault, want, "{address}");
        }
    }

    #[test]
    fn folders_are_named_after_addresses() {
        for (address, want) in [
            ("https://github.com/user/repo", "https-github.com-user-repo"),
            ("git@github.com:user/repo", "git-github.com-user-repo"),
            ("ssh://git@github.com:2222/user/repo", "ssh-git-github.com-2222-user-repo"),
            ("file:///tmp/x", "file--tmp-x"),
        ] {
            assert_eq!(cache_key(address).expect("a key"), want, "{address}");
        }
    }
}
