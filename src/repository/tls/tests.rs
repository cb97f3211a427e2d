//! Trust decisions compared with those of Helm 4.2.4, with the certificates of `testdata/tls`.

use super::*;
use crate::repository::SystemCertificates;

/// 2027-01-01, when all certificates but one are valid: they were made in November 2026 for a hundred years.
const NOW: u64 = 1_798_761_600;

/// Certificates as OpenSSL 3.0 makes them, all for `localhost` and 127.0.0.1 unless their names say otherwise.
fn file(name: &str) -> String {
    format!("{}/testdata/tls/{name}.pem", env!("CARGO_MANIFEST_DIR"))
}

fn shown(name: &str) -> Vec<CertificateDer<'static>> {
    certificates(&read(&file(name)).expect("a file"))
}

/// The verdict on a server of this name that presents these certificates to a client that trusts those of the file.
fn verdict(trusted: &str, shown_file: &str, host: &str, now: u64) -> String {
    let trusting = Trusting::new(shown(trusted), Arc::new(aws_lc_rs::default_provider())).expect("a verifier");
    let chain = shown(shown_file);
    let (own, intermediates) = chain.split_first().expect("a certificate");
    let name = ServerName::try_from(host).expect("a name");
    let now = UnixTime::since_unix_epoch(std::time::Duration::from_secs(now));
    match trusting.verify_server_cert(own, intermediates, &name, &[], now) {
        Ok(_) => "trusted".to_string(),
        Err(error) => refused(&error).map_or_else(|| error.to_string(), Refusal::to_string),
    }
}

/// Helm 4.2.4's results (`helm show chart https://… --ca-file …`), without what it adds to the last of them.
#[test]
fn servers_are_trusted_as_by_go() {
    for (trusted, shown, host, expected) in [
        // `openssl req -x509` creates an authority, which is used as a server certificate.
        ("self-signed", "self-signed", "localhost", "trusted"),
        ("self-signed", "self-signed", "127.0.0.1", "trusted"),
        ("self-signed-leaf", "self-signed-leaf", "localhost", "trusted"),
        ("server", "server", "localhost", "trusted"),
        ("authority", "server", "localhost", "trusted"),
        ("authority", "server", "127.0.0.1", "trusted"),
        ("authority", "with-intermediate", "localhost", "trusted"),
        ("with-comments", "server", "localhost", "trusted"),
        ("self-signed", "self-signed", "example.com", "x509: certificate is valid for localhost, not example.com"),
        ("self-signed", "self-signed", "10.0.0.1", "x509: certificate is valid for 127.0.0.1, not 10.0.0.1"),
        ("self-signed", "server", "localhost", "x509: certificate signed by unknown authority"),
        ("server", "self-signed", "localhost", "x509: certificate signed by unknown authority"),
        ("authority", "self-signed", "localhost", "x509: certificate signed by unknown authority"),
        ("authority", "other-name", "localhost", "x509: certificate is valid for other.example, not localhost"),
        ("authority", "other-name", "127.0.0.1", "x509: cannot validate certificate for 127.0.0.1 because it doesn't contain any IP SANs"),
        ("authority", "common-name", "localhost", "x509: certificate relies on legacy Common Name field, use SANs instead"),
        ("common-name", "common-name", "localhost", "x509: certificate relies on legacy Common Name field, use SANs instead"),
        ("authority", "common-name", "a.example", "x509: certificate is not valid for any names, but wanted to match a.example"),
        ("authority", "of-clients", "localhost", "x509: certificate specifies an incompatible key usage"),
        ("of-clients", "of-clients", "localhost", "x509: certificate specifies an incompatible key usage"),
        (
            "authority",
            "sha1",
            "localhost",
            "x509: certificate signed by unknown authority (possibly because of \"UnsupportedSignatureAlgorithmContext",
        ),
    ] {
        let found = verdict(trusted, shown, host, NOW);
        let matches = if expected.contains('"') { found.starts_with(expected) } else { found == expected };
        assert!(matches, "{shown} for {host}, trusting {trusted}: {found}");
    }
    for trusted in ["authority", "expired"] {
        assert_eq!(
            verdict(trusted, "expired", "localhost", NOW),
            "x509: certificate has expired or is not yet valid: current time 2027-01-01T00:00:00Z is after 2026-11-30T17:26:57Z"
        );
    }
    assert_eq!(
        verdict("self-signed", "self-signed", "localhost", 0),
        "x509: certificate has expired or is not yet valid: current time 1970-01-01T00:00:00Z is before 2026-11-29T17:26:57Z"
    );
}

/// Helm accepts RSA keys from 1024 bits on.
#[test]
fn authorities_with_short_rsa_keys_sign_nothing() {
    assert_eq!(
        verdict("weak-authority", "of-weak-authority", "localhost", NOW),
        "x509: certificate signed by unknown authority (possibly because of \"BadSignature\")"
    );
    assert_eq!(verdict("of-weak-authority", "of-weak-authority", "localhost", NOW), "trusted");
}

/// Helm 4.2.4's results for the same files.
#[test]
fn files_of_no_use_are_told() {
    let told = |cert: &str, key: &str, ca: &str| {
        let path = |name: &str| if name.is_empty() { String::new() } else { file(name) };
        let files = TlsOptions { cert_file: path(cert), key_file: path(key), ca_file: path(ca), insecure_skip_tls_verify: false };
        let told = client(&files, &SystemCertificates::default()).map_or_else(|error| error.to_string(), |_| "of use".to_string());
        assert_eq!(check_files(&files).map_or_else(|error| error.to_string(), |()| "of use".to_string()), told);
        told.replace("can't create TLS config for client: ", "")
    };
    for (cert, key, ca, expected) in [
        ("", "", "authority", "of use"),
        // As `openssl x509 -req` creates them by default: of version 1.
        ("client", "client-key", "authority", "of use"),
        ("client", "client-key", "with-comments", "of use"),
        ("server", "client-key", "authority", "unable to load cert from key pair: tls: private key does not match public key"),
        (
            "weak-authority",
            "client-key",
            "authority",
            "unable to load cert from key pair: tls: private key type does not match public key type",
        ),
        ("client", "client-key-locked", "authority", "unable to load cert from key pair: tls: failed to parse private key"),
        ("client", "client", "authority", "unable to load cert from key pair: tls: failed to find any PEM data in key input"),
        ("nothing", "client-key", "authority", "unable to load cert from key pair: tls: failed to find any PEM data in certificate input"),
        ("client", "client-key", "nothing", "failed to append certificates from pem block"),
    ] {
        assert_eq!(told(cert, key, ca), expected, "{cert} {key} {ca}");
    }
    assert!(told("client", "none", "none").contains("unable to read key file: "));
}

#[cfg(all(unix, not(target_vendor = "apple")))]
#[test]
fn authorities_of_the_system_are_those_of_a_file_and_of_folders() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::copy(file("self-signed"), folder.path().join("one.pem")).expect("a copy");
    std::fs::copy(file("server"), folder.path().join("two")).expect("a copy");
    std::fs::write(folder.path().join("note.txt"), "nothing").expect("a file");
    let none = tempfile::tempdir().expect("a folder");
    let found = |file: &str, folders: &[&Path]| {
        let folders: Vec<String> = folders.iter().map(|folder| folder.display().to_string()).collect();
        system_certificates(&SystemCertificates { file: file.to_string(), folders: folders.join(":") }).len()
    };
    assert_eq!(found(&file("authority"), &[folder.path()]), 3);
    assert_eq!(found(&file("authority"), &[none.path(), Path::new("/no/such/folder")]), 1);
    assert_eq!(found("/no/such/file", &[none.path(), folder.path()]), 2);
}

#[test]
fn bytes_that_are_no_certificate_are_none() {
    let whole = shown("self-signed").remove(0);
    assert!(Certificate::parse(&whole).is_some());
    for length in 0..whole.len() {
        assert!(Certificate::parse(&whole[..length]).is_none(), "{length} bytes");
    }
    for at in 0..whole.len() {
        let mut bytes = whole.to_vec();
        bytes[at] ^= 0x55;
        // Whatever the result, parsing ends.
        let _ = Certificate::parse(&bytes);
    }
}
