//! Credentials compared with what Helm 4.2.4 finds, stores and prints, with files and helpers in a temporary folder.

use super::*;

/// Held by tests that write programs and run them: a process that another thread is starting may still hold a
/// program open that was just written, and then it cannot be run.
#[cfg(unix)]
static ONE_AT_A_TIME: std::sync::Mutex<()> = std::sync::Mutex::new(());

/// Settings with these two files, and these helpers in a separate folder.
#[cfg(unix)]
fn settings_of(folder: &std::path::Path, own: Option<&str>, docker: Option<&str>, helpers: &[(&str, &str)]) -> Settings {
    use std::os::unix::fs::PermissionsExt as _;
    let path = |name: &str| folder.join(name);
    std::fs::create_dir_all(path("bin")).unwrap();
    for (name, script) in helpers {
        let program = path("bin").join(name);
        std::fs::write(&program, format!("#!/bin/sh\n{script}\n")).unwrap();
        std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
    }
    for (name, text) in [("own.json", own), ("docker.json", docker)] {
        if let Some(text) = text {
            std::fs::write(path(name), text).unwrap();
        }
    }
    Settings {
        registry_config: path("own.json"),
        docker_config: Some(path("docker.json")),
        program_path: vec![path("bin")],
        ..Settings::default()
    }
}

#[cfg(unix)]
const HELPERS: &[(&str, &str)] = &[
    ("docker-credential-good", r#"cat >/dev/null; echo '{"ServerURL":"x","Username":"ada","Secret":"kept"}'"#),
    ("docker-credential-token", r#"echo '{"ServerURL":"x","Username":"<token>","Secret":"t"}'"#),
    ("docker-credential-empty", r#"echo '{"ServerURL":"","Username":"","Secret":""}'"#),
    ("docker-credential-none", "echo 'credentials not found in native keychain'; exit 1"),
    ("docker-credential-says", "echo 'locked'; exit 1"),
    ("docker-credential-bad", "exit 2"),
    ("docker-credential-junk", "echo junk"),
];

/// The credentials that Helm 4.2.4 finds for a registry called `r` in the same files, or its error.
#[cfg(unix)]
#[test]
fn credentials_are_found_as_by_helm() {
    let _alone = ONE_AT_A_TIME.lock();
    let (ada, bo) = ("\"auth\": \"YWRhOnM=\"", "\"auth\": \"Ym86cDpx\"");
    let auths = |entry: &str| format!("{{\"auths\": {{\"r\": {{{entry}}}}}}}");
    let (ada_only, bo_only) = (auths(ada), auths(bo));
    let store = |name: &str| format!("{{\"credsStore\": \"{name}\"}}");
    let unresolved = |why: &str| format!("failed to resolve credential: {why}");
    for (own, docker, expected) in [
        ("", "", "nothing".to_string()),
        (&*ada_only, "", "ada:s".to_string()),
        ("", &*ada_only, "ada:s".to_string()),
        (&bo_only, &ada_only, "bo:p:q".to_string()),
        ("{\"auths\": {\"https://r/v2/\": {\"auth\": \"YWRhOnM=\"}}}", "", "ada:s".to_string()),
        ("{\"auths\": {\"other\": {\"auth\": \"YWRhOnM=\"}}}", &bo_only, "bo:p:q".to_string()),
        (&auths("\"username\": \"ada\", \"password\": \"s\""), "", "ada:s".to_string()),
        (&auths("\"identitytoken\": \"t\""), "", "refresh t".to_string()),
        (&auths("\"registrytoken\": \"t\""), "", "access t".to_string()),
        (&auths(""), &ada_only, "ada:s".to_string()),
        (&auths("\"auth\": \"YWRh\""), "", unresolved("failed to decode auth field: invalid config format: auth of r does not conform the base64(username:password) format")),
        (&auths("\"auth\": \"%\""), "", unresolved("failed to decode auth field: invalid config format: illegal base64 data at input byte 0")),
        ("{\"auths\": {\"r\": 5}}", "", unresolved("failed to unmarshal auth field: invalid config format: json: cannot unmarshal number into Go value of type config.AuthConfig")),
        (&store("good"), "", "ada:kept".to_string()),
        ("", &store("good"), "ada:kept".to_string()),
        (&store("token"), "", "refresh t".to_string()),
        (&store("empty"), &ada_only, "ada:s".to_string()),
        // With a helper, the file's own entries are ignored.
        (&format!("{{\"credsStore\": \"none\", \"auths\": {{\"r\": {{{ada}}}}}}}"), "", "nothing".to_string()),
        ("{\"credHelpers\": {\"r\": \"good\"}, \"credsStore\": \"bad\"}", "", "ada:kept".to_string()),
        ("{\"credHelpers\": {\"other\": \"good\"}, \"credsStore\": \"bad\"}", "", unresolved("exit status 2")),
        (&store("says"), "", unresolved("locked")),
        (&store("junk"), "", unresolved("invalid character 'j' looking for beginning of value")),
        (&store("missing"), "", unresolved("exec: \"docker-credential-missing\": executable file not found in $PATH")),
        (&store("../bin/x"), "", unresolved("exec: \"docker-credential-../bin/x\": executable file not found in $PATH")),
        // A broken file of Docker's is ignored, a broken one of Helm's is not.
        ("", "{", "nothing".to_string()),
        (&ada_only, "[]", "ada:s".to_string()),
        ("{", "", "failed to decode config file OWN: invalid config format: unexpected EOF".to_string()),
        ("[]", "", "failed to decode config file OWN: invalid config format: json: cannot unmarshal array into Go value of type map[string]json.RawMessage".to_string()),
        ("{\"credsStore\": 5}", "", "failed to unmarshal creds store field: invalid config format: json: cannot unmarshal number into Go value of type string".to_string()),
        ("{\"auths\": []}", "", "failed to unmarshal auths field: invalid config format: json: cannot unmarshal array into Go value of type map[string]json.RawMessage".to_string()),
        ("{\"credHelpers\": {\"a\": []}}", "", "failed to unmarshal cred helpers field: invalid config format: json: cannot unmarshal array into Go value of type string".to_string()),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let given = |text: &'_ str| (!text.is_empty()).then(|| text.to_string());
        let settings = settings_of(folder.path(), given(own).as_deref(), given(docker).as_deref(), HELPERS);
        let found = match lookup(&settings, "r") {
            Ok(None) => "nothing".to_string(),
            Ok(Some(found)) if !found.refresh_token.is_empty() => format!("refresh {}", found.refresh_token),
            Ok(Some(found)) if !found.access_token.is_empty() => format!("access {}", found.access_token),
            Ok(Some(found)) => format!("{}:{}", found.username, found.password),
            Err(error) => error.to_string().replace(&settings.registry_config.display().to_string(), "OWN"),
        };
        assert_eq!(found, expected, "{own} {docker}");
    }
}

/// As in Helm and Docker, passwords go to the system's keychain if there is one and nothing else is configured.
#[cfg(target_os = "linux")]
#[test]
fn the_helper_of_the_system_is_found() {
    let _alone = ONE_AT_A_TIME.lock();
    let keeps = r#"folder=$(dirname "$0"); case $1 in
store) cat >"$folder/kept" ;;
erase) rm "$folder/kept" ;;
get) test -e "$folder/kept" && echo '{"ServerURL":"r","Username":"ada","Secret":"kept"}' || { echo 'credentials not found in native keychain'; exit 1; } ;;
esac"#;
    let ada = Credential { username: "ada".into(), password: "s\"".into(), ..Credential::default() };
    let own = |settings: &Settings| std::fs::read_to_string(&settings.registry_config).unwrap_or_default();
    for (helpers, name) in [
        (vec![("docker-credential-secretservice", keeps)], "secretservice"),
        (vec![("docker-credential-secretservice", "exit 2"), ("docker-credential-pass", keeps), ("pass", "")], "pass"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let settings = settings_of(folder.path(), None, None, &helpers);
        assert_eq!(lookup(&settings, "r").unwrap(), None);
        store(&settings, "r", &ada).unwrap();
        let kept = std::fs::read_to_string(folder.path().join("bin/kept")).unwrap();
        assert_eq!(kept, r#"{"ServerURL":"r","Username":"ada","Secret":"s\""}"#);
        assert_eq!(own(&settings), format!("{{\n\t\"auths\": {{}},\n\t\"credsStore\": \"{name}\"\n}}"));
        assert_eq!(lookup(&settings, "r").unwrap().map(|found| found.password), Some("kept".to_string()));
        forget(&settings, "r").unwrap();
        assert_eq!(lookup(&settings, "r").unwrap(), None);
    }
    let folder = tempfile::tempdir().unwrap();
    // A helper that does not work is no error until it is to store a credential.
    let settings = settings_of(folder.path(), None, None, &[("docker-credential-secretservice", "exit 2")]);
    assert_eq!(lookup(&settings, "r").unwrap(), None);
    forget(&settings, "r").unwrap();
    assert_eq!(store(&settings, "r", &ada).unwrap_err().message(), "exit status 2");
    assert_eq!(own(&settings), "");
    // A configured file takes precedence.
    let settings = settings_of(folder.path(), Some("{\"auths\": {\"x\": {}}}"), None, &[("docker-credential-secretservice", keeps)]);
    store(&settings, "r", &ada).unwrap();
    assert!(own(&settings).contains("YWRhOnMi") && !own(&settings).contains("credsStore"), "{}", own(&settings));
}

#[test]
fn netrc_gives_the_entry_of_the_host() {
    let text = "# own\nmachine a.example login ada password s3\nmacdef init\nmachine evil login x password y\n\nmachine b.example\n  login bo\n  password p2\ndefault login any password thing\n";
    let of = |host: &str| parse_netrc(text, host);
    assert_eq!(of("a.example"), Some(("ada".into(), "s3".into())));
    assert_eq!(of("B.example"), Some(("bo".into(), "p2".into())));
    assert_eq!(of("evil"), None, "a macro is no entry, and `default` is for nobody");
    assert_eq!(parse_netrc("machine a login x password y", "b"), None);
    assert_eq!(parse_netrc("machine a default login x password y", "a"), None);
}

#[test]
fn a_host_with_a_port_has_the_entry_of_the_host() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("netrc");
    std::fs::write(&path, "machine a.example login ada password s3\nmachine ::1 login bo password p2\n").unwrap();
    let settings = Settings { netrc: Some(path), ..Settings::default() };
    for (host, expected) in
        [("a.example", Some("ada")), ("a.example:8443", Some("ada")), ("A.example:80", Some("ada")), ("b.example:8443", None)]
    {
        assert_eq!(netrc(&settings, host).as_ref().map(|(login, _)| login.as_str()), expected, "{host}");
    }
    assert_eq!(netrc(&Settings::default(), "a.example"), None);
}

#[test]
fn logins_are_kept_beside_each_other_for_their_owner_alone() {
    let top = tempfile::tempdir().unwrap();
    let own = top.path().join("new/registry/config.json");
    let settings = Settings { registry_config: own.clone(), ..Settings::default() };
    let login = |name: &str| Credential { username: name.into(), password: "s:3".into(), ..Credential::default() };
    let found = |host: &str| lookup(&settings, host).unwrap().map(|found| format!("{}:{}", found.username, found.password));
    store(&settings, "r", &login("ada")).unwrap();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = |path: &std::path::Path| path.metadata().unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&top.path().join("new")), mode(own.parent().unwrap()), mode(&own)), (0o700, 0o700, 0o600));
        // A file with wider permissions is restricted again.
        std::fs::set_permissions(&own, std::fs::Permissions::from_mode(0o644)).unwrap();
        store(&settings, "r", &login("ada")).unwrap();
        assert_eq!(mode(&own), 0o600);
    }
    store(&settings, "r:5000", &login("bo")).unwrap();
    assert_eq!((found("r").as_deref(), found("r:5000").as_deref()), (Some("ada:s:3"), Some("bo:s:3")));
    store(&settings, "r", &login("eve")).unwrap();
    assert_eq!((found("r").as_deref(), found("r:5000").as_deref()), (Some("eve:s:3"), Some("bo:s:3")));
    forget(&settings, "r").unwrap();
    assert_eq!((found("r"), found("r:5000").as_deref()), (None, Some("bo:s:3")));
}

#[test]
fn what_else_stands_in_the_file_stays() {
    let folder = tempfile::tempdir().unwrap();
    let own = folder.path().join("config.json");
    let auths = r#"{"r":{"auth":"YWRhOnM=","email":"a@b"}}"#;
    std::fs::write(&own, format!("{{\"HttpHeaders\":{{\"X\":\"1\"}},\"auths\":{auths}}}")).unwrap();
    let settings = Settings { registry_config: own.clone(), ..Settings::default() };
    let login = Credential { username: "bo".into(), password: "p".into(), ..Credential::default() };
    store(&settings, "other", &login).unwrap();
    let kept: serde_json::Value = serde_json::from_slice(&std::fs::read(&own).unwrap()).unwrap();
    assert_eq!(kept["HttpHeaders"]["X"], "1");
    assert_eq!(kept["auths"]["r"]["email"], "a@b");
    // Nothing is written if there is nothing to remove.
    let before = std::fs::read(&own).unwrap();
    std::fs::write(&own, [&before[..], b"\n"].concat()).unwrap();
    forget(&settings, "nobody").unwrap();
    assert_eq!(std::fs::read(&own).unwrap(), [&before[..], b"\n"].concat());
}
