//! Accounts, and who may read and write.
//!
//! Goes in: the `Authorization` header and the server's accounts. Comes out: a role, or a refusal. Passwords are
//! compared in constant time or by bcrypt; neither they nor tokens ever appear in a log or response. If there are bcrypt
//! hashes, every wrong password takes as long as checking one, so that the time does not reveal which users exist.

use crate::error::{Error, ErrorKind, Result};
use crate::package::digest::{Digest, sha256};
use std::collections::HashMap;
use std::sync::Mutex;

/// What a client may do; each role includes the one before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    Nobody,
    Read,
    Write,
}

#[derive(Debug)]
enum Secret {
    /// SHA-256 of a password or token given in the clear.
    Plain(Digest),
    /// A bcrypt hash, as `htpasswd -B` writes it.
    Bcrypt(String),
}

/// Salt and digest of a bcrypt hash without a known password.
const NOBODYS: &str = ".....................................................";

/// How the hashes begin that `htpasswd` and `crypt` write and that are not bcrypt's: taken for passwords, they would let in whoever can
/// read the file.
const OTHER_HASHES: [&str; 6] = ["$apr1$", "$1$", "$5$", "$6$", "{SHA}", "{SSHA}"];

/// Accounts and tokens.
#[derive(Debug, Default)]
pub struct Accounts {
    users: HashMap<String, (Secret, Role)>,
    /// The cost and hash that passwords of users without a hash are checked against; as costly as the most costly hash of an account.
    nobody: Option<(u32, String)>,
    tokens: Vec<(Digest, Role)>,
    anonymous_read: bool,
    /// Digests of `user:password` that bcrypt, which is slow by design, has accepted.
    known: Mutex<HashMap<Digest, Role>>,
}

/// Compares digests in constant time.
fn same(a: &Digest, b: &Digest) -> bool {
    a.iter().zip(b).fold(0, |different, (x, y)| different | (x ^ y)) == 0
}

fn role(text: &str) -> Option<Role> {
    match text {
        "read" => Some(Role::Read),
        "write" => Some(Role::Write),
        _ => None,
    }
}

impl Accounts {
    /// Everything is allowed until an account is added.
    pub fn open() -> Accounts {
        Accounts::default()
    }

    /// Whether there are any accounts.
    pub fn is_guarded(&self) -> bool {
        !self.users.is_empty() || !self.tokens.is_empty()
    }

    /// Allows reading without credentials.
    pub fn allow_anonymous_read(&mut self) {
        self.anonymous_read = true;
    }

    /// Adds the accounts of a file, a line each: `USER:SECRET[:read|write]`. SECRET is a bcrypt hash or plain text; the
    /// user name `bearer` makes it a bearer token. The role defaults to `write`; lines that start with `#` are comments.
    ///
    /// # Errors
    /// Names the file, the line and the form that a line has. A file without any account is an error too: a server that was to be
    /// guarded is not open because a secret was mounted empty.
    pub fn add_accounts(&mut self, text: &str, file: &str) -> Result<()> {
        let mut is_empty = true;
        for (number, line) in text.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let fault =
                |what: &str| Error::new(ErrorKind::Usage, format!("{file}:{}: {what}, expected `user:secret[:read|write]`", number + 1));
            let Some((user, rest)) = line.split_once(':') else { return Err(fault("no `:`")) };
            let (secret, role) = match rest.rsplit_once(':') {
                Some((secret, last)) => (secret, role(last).ok_or_else(|| fault(&format!("unknown role `{last}`")))?),
                None => (rest, Role::Write),
            };
            if secret.is_empty() {
                return Err(fault("empty secret"));
            }
            if OTHER_HASHES.iter().any(|start| secret.starts_with(start)) {
                return Err(fault("a hash that is not bcrypt's (as of `htpasswd -B`)"));
            }
            if secret.starts_with("$2") && secret.parse::<bcrypt::HashParts>().is_err() {
                return Err(fault("a broken bcrypt hash"));
            }
            if self.users.contains_key(user) {
                return Err(fault(&format!("a second account of `{user}`")));
            }
            self.add(user, secret, role);
            is_empty = false;
        }
        if is_empty { Err(Error::new(ErrorKind::Usage, format!("{file}: there is no account in it"))) } else { Ok(()) }
    }

    /// Adds one account; the user name `bearer` makes its secret a bearer token.
    pub fn add(&mut self, user: &str, secret: &str, role: Role) {
        if user == "bearer" {
            self.tokens.push((sha256(secret.as_bytes()), role));
            return;
        }
        let cost = secret.parse::<bcrypt::HashParts>().ok().map(|parts| parts.get_cost());
        // Other costs can be written in a hash, but bcrypt cannot compute them.
        if let Some(cost) = cost.filter(|cost| (4..=31).contains(cost))
            && self.nobody.as_ref().is_none_or(|(most, _)| cost > *most)
        {
            self.nobody = Some((cost, format!("$2b${cost:02}${NOBODYS}")));
        }
        let secret = if secret.starts_with("$2") { Secret::Bcrypt(secret.to_string()) } else { Secret::Plain(sha256(secret.as_bytes())) };
        self.users.insert(user.to_string(), (secret, role));
    }

    /// The role for this header; `None` if only bcrypt can tell.
    pub fn role_at_once(&self, authorization: Option<&str>) -> Option<Role> {
        match self.look(authorization) {
            Found::Role(role) => Some(role),
            Found::Hash { key, .. } => self.known.lock().unwrap_or_else(|error| error.into_inner()).get(&key).copied(),
        }
    }

    /// The role for this header. May take a good part of a second; accepted passwords are remembered.
    pub fn role(&self, authorization: Option<&str>) -> Role {
        if let Some(role) = self.role_at_once(authorization) {
            return role;
        }
        let Found::Hash { key, password, hash, role } = self.look(authorization) else { return Role::Nobody };
        if !bcrypt::verify(password, hash).unwrap_or(false) {
            return Role::Nobody;
        }
        let mut known = self.known.lock().unwrap_or_else(|error| error.into_inner());
        if known.len() > 10_000 {
            known.clear();
        }
        known.insert(key, role);
        role
    }

    fn look(&self, authorization: Option<&str>) -> Found<'_> {
        if !self.is_guarded() {
            return Found::Role(Role::Write);
        }
        let anonymous = if self.anonymous_read { Role::Read } else { Role::Nobody };
        let Some((scheme, rest)) = authorization.and_then(|header| header.trim().split_once(' ')) else { return Found::Role(anonymous) };
        if scheme.eq_ignore_ascii_case("bearer") {
            let given = sha256(rest.trim().as_bytes());
            // Every token is compared, so that the time does not reveal which one came close.
            let found =
                self.tokens.iter().fold(Role::Nobody, |best, (token, role)| if same(token, &given) { best.max(*role) } else { best });
            return Found::Role(found);
        }
        let nobody = Found::Role(Role::Nobody);
        if !scheme.eq_ignore_ascii_case("basic") {
            return nobody;
        }
        let Ok(decoded) = crate::base64::decode(rest.trim().as_bytes()) else { return nobody };
        let Ok(decoded) = String::from_utf8(decoded) else { return nobody };
        let Some((user, password)) = decoded.split_once(':') else { return nobody };
        // Registry clients send bearer tokens as the password of an arbitrary user.
        let given = sha256(password.as_bytes());
        if let Some((_, role)) = self.tokens.iter().find(|(token, _)| same(token, &given)) {
            return Found::Role(*role);
        }
        let (hash, role) = match self.users.get(user) {
            Some((Secret::Plain(secret), role)) if same(secret, &given) => return Found::Role(*role),
            Some((Secret::Bcrypt(hash), role)) => (hash.as_str(), *role),
            _ => match &self.nobody {
                Some((_, hash)) => (hash.as_str(), Role::Nobody),
                None => return nobody,
            },
        };
        Found::Hash { key: sha256(decoded.as_bytes()), password: password.to_string(), hash, role }
    }
}

/// The result of looking up a header.
enum Found<'a> {
    Role(Role),
    /// The role if the password fits the hash.
    Hash {
        /// Digest of `user:password`.
        key: Digest,
        password: String,
        hash: &'a str,
        role: Role,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    fn basic(text: &str) -> String {
        format!("Basic {}", crate::base64::encode(text))
    }

    #[test]
    fn files_that_guard_nothing_are_refused() {
        let fault = |text: &str| Accounts::open().add_accounts(text, "accounts").expect_err(text).to_string();
        for text in ["", "\n", "# nobody\n  \n"] {
            assert_eq!(fault(text), "accounts: there is no account in it");
        }
        for secret in ["$apr1$u7$yA4", "{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=", "$6$salt$hash", "$1$a$b", "$5$a$b", "{SSHA}x"] {
            assert!(fault(&format!("ada:{secret}\n")).starts_with("accounts:1: a hash that is not bcrypt's"), "{secret}");
        }
        for secret in ["$2", "$2y$05$abc", "$2y$xx$......................................................"] {
            assert!(fault(&format!("# people\nada:{secret}:read\n")).starts_with("accounts:2: a broken bcrypt hash"), "{secret}");
        }
        assert!(fault("ada:pw\nbob:pw\nada:pw2\n").starts_with("accounts:3: a second account of `ada`"));
        assert!(Accounts::open().add_accounts("bearer:a\nbearer:b:read\nada:$money\n", "accounts").is_ok());
    }

    #[test]
    fn roles_of_users_and_tokens() {
        let mut access = Accounts::open();
        assert_eq!(access.role(None), Role::Write);
        let hash = bcrypt::hash("secret", 4).expect("a hash");
        access
            .add_accounts(&format!("# people\nada:pw\nbob:pw2:read\neve:{hash}:write\nbearer:t0ken:read\n"), "accounts")
            .expect("accounts");
        assert_eq!(access.role(None), Role::Nobody);
        assert_eq!(access.role(Some(&basic("ada:pw"))), Role::Write);
        assert_eq!(access.role(Some(&basic("ada:no"))), Role::Nobody);
        assert_eq!(access.role(Some(&basic("bob:pw2"))), Role::Read);
        assert_eq!(access.role(Some(&basic("eve:secret"))), Role::Write);
        assert_eq!(access.role(Some(&basic("eve:secret"))), Role::Write);
        assert_eq!(access.role(Some("Bearer t0ken")), Role::Read);
        assert_eq!(access.role(Some("Bearer other")), Role::Nobody);
        access.allow_anonymous_read();
        assert_eq!(access.role(None), Role::Read);
        assert_eq!(access.role(Some(&basic("nobody:x"))), Role::Nobody);
    }

    #[test]
    fn time_does_not_tell_which_users_there_are() {
        let mut access = Accounts::open();
        access.add("ada", "pw", Role::Write);
        // Without hashes no password takes time.
        assert_eq!(access.role_at_once(Some(&basic("none:x"))), Some(Role::Nobody));
        access.add("bob", &bcrypt::hash("secret", 4).expect("a hash"), Role::Read);
        access.add("eve", &bcrypt::hash("secret", 5).expect("a hash"), Role::Read);
        for (given, cost) in [("bob:x", 4), ("eve:x", 5), ("none:x", 5), ("none:secret", 5), ("ada:x", 5)] {
            let header = basic(given);
            assert_eq!(access.role_at_once(Some(&header)), None, "{given}");
            let Found::Hash { hash, .. } = access.look(Some(&header)) else { panic!("{given} is answered at once") };
            assert_eq!(hash.parse::<bcrypt::HashParts>().expect("a hash").get_cost(), cost, "{given}");
            assert!(bcrypt::verify("x", hash).is_ok_and(|fits| !fits), "{given} is tried");
            assert_eq!(access.role(Some(&header)), Role::Nobody, "{given}");
        }
        assert_eq!(access.role_at_once(Some(&basic("ada:pw"))), Some(Role::Write));
    }

    #[test]
    fn account_files_are_checked() {
        let mut access = Accounts::open();
        for text in ["ada", "ada:", "ada:pw:admin"] {
            let fault = access.add_accounts(text, "accounts").expect_err(text);
            assert!(fault.message().starts_with("accounts:1: "), "{fault}");
        }
    }
}
