//! Which servers are trusted, and which client certificate they see.
//!
//! Goes in: the files that an [`Access`](super::access::Access) names, and where this system keeps its authorities. Comes out:
//! the TLS configuration of a client. Trust follows Go's `crypto/x509`, which Helm uses: files of authorities may contain
//! parts that are not certificates, and a certificate in such a file is itself trusted, whether or not it is an authority.
//! Most private registries rely on the second rule: `openssl req -x509` creates an authority that signs only itself, which
//! webpki, the library that verifies chains here, does not accept as a server's certificate. Errors are in Go's words.

mod certificate;

use super::SystemCertificates;
use super::access::TlsOptions;
use crate::error::{Error, ErrorKind, Result};
use crate::fs;
use crate::quote::quote;
use crate::time::{Time, Zone};
use certificate::Certificate;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, aws_lc_rs, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{AlertDescription, CertificateError, ClientConfig, DigitallySignedStruct, OtherError, RootCertStore, SignatureScheme};
use std::path::Path;
use std::sync::Arc;

/// The largest file of keys or certificates, in bytes.
const FILE_LIMIT: u64 = 4 << 20;

/// Creates the configuration of a client.
///
/// # Errors
/// `can't create TLS config for client: …`, if a file cannot be read or holds nothing usable.
pub(super) fn client(files: &TlsOptions, system: &SystemCertificates) -> Result<ClientConfig> {
    let fault = |error: rustls::Error| fault(error.to_string());
    let provider = Arc::new(aws_lc_rs::default_provider());
    let contents = Contents::read(files, &provider)?;
    let verifier: Arc<dyn ServerCertVerifier> = match contents.authorities {
        _ if files.insecure_skip_tls_verify => Arc::new(Anybody(provider.clone())),
        Some(authorities) => Arc::new(Trusting::new(authorities, provider.clone()).map_err(fault)?),
        None => system_verifier(system, &provider).map_err(fault)?,
    };
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().map_err(fault)?;
    let builder = builder.dangerous().with_custom_certificate_verifier(verifier);
    let mut config = match contents.pair {
        None => builder.with_no_client_auth(),
        // Not through rustls's own constructor, which refuses certificates of version 1: only the server has to accept it.
        Some(pair) => builder.with_client_cert_resolver(Arc::new(SingleCertAndKey::from(pair))),
    };
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}

/// Checks the TLS files of an access: Helm creates a TLS client from them before any request, even if none will
/// use it. A certificate without its key, or the reverse, is ignored unless something else asks for TLS.
pub(super) fn check_files(files: &TlsOptions) -> Result<()> {
    if !files.is_asked_for() {
        return Ok(());
    }
    Contents::read(files, &aws_lc_rs::default_provider()).map(|_| ())
}

fn fault(text: String) -> Error {
    Error::new(ErrorKind::Repository, format!("can't create TLS config for client: {text}"))
}

/// The parsed files.
struct Contents {
    pair: Option<CertifiedKey>,
    authorities: Option<Vec<CertificateDer<'static>>>,
}

impl Contents {
    /// Reads all files before parsing any (Helm's `internal/tlsutil/tls.go`).
    fn read(files: &TlsOptions, provider: &CryptoProvider) -> Result<Contents> {
        let mut faults = Vec::new();
        let mut read = |what: &str, file: &str| match read(file) {
            Ok(text) => Some(text),
            Err(error) => {
                faults.push(format!("{what}: {}: {error}", quote(file.as_bytes())));
                None
            }
        };
        let mut pair = None;
        if !(files.cert_file.is_empty() && files.key_file.is_empty())
            && let Some(cert) = read("unable to read cert file", &files.cert_file)
        {
            pair = read("unable to read key file", &files.key_file).map(|key| (cert, key));
        }
        let authorities = if files.ca_file.is_empty() { None } else { read("can't read CA file", &files.ca_file) };
        if !faults.is_empty() {
            return Err(fault(faults.join("\n")));
        }
        let pair = pair.filter(|(cert, key)| !cert.is_empty() && !key.is_empty()).map(|(cert, key)| key_pair(&cert, &key, provider));
        let pair = pair.transpose().map_err(|why| fault(format!("unable to load cert from key pair: {why}")))?;
        let authorities = authorities.filter(|text| !text.is_empty()).map(|text| certificates(&text));
        if authorities.as_ref().is_some_and(|found| !found.iter().any(|der| Certificate::parse(der).is_some())) {
            return Err(fault("failed to append certificates from pem block".to_string()));
        }
        Ok(Contents { pair, authorities })
    }
}

/// A certificate chain and the key of its first certificate (`tls.X509KeyPair`); the error text is Go's.
fn key_pair(cert: &[u8], key: &[u8], provider: &CryptoProvider) -> std::result::Result<CertifiedKey, &'static str> {
    let chain: Vec<_> = CertificateDer::pem_slice_iter(cert).flatten().collect();
    let first = chain.first().ok_or("tls: failed to find any PEM data in certificate input")?;
    let leaf = Certificate::parse(first).ok_or("x509: malformed certificate")?;
    if memchr::memmem::find(key, b"PRIVATE KEY-----").is_none() {
        return Err("tls: failed to find any PEM data in key input");
    }
    let key = PrivateKeyDer::from_pem_slice(key).ok().and_then(|key| provider.key_provider.load_private_key(key).ok());
    let key = key.ok_or("tls: failed to parse private key")?;
    if let Some(public) = key.public_key() {
        let (own, of_leaf) = (public.as_ref(), leaf.public_key.as_slice());
        if certificate::key_kind(own) != certificate::key_kind(of_leaf) {
            return Err("tls: private key type does not match public key type");
        }
        if own != of_leaf {
            return Err("tls: private key does not match public key");
        }
    }
    Ok(CertifiedKey::new(chain, key))
}

fn read(file: &str) -> Result<Vec<u8>> {
    fs::read_limited(Path::new(file), FILE_LIMIT)
}

/// The certificates in a PEM text; everything else is ignored (`AppendCertsFromPEM`).
fn certificates(text: &[u8]) -> Vec<CertificateDer<'static>> {
    CertificateDer::pem_slice_iter(text).filter_map(std::result::Result::ok).collect()
}

/// Trusts the authorities of this system.
#[cfg(all(unix, not(target_vendor = "apple")))]
fn system_verifier(
    system: &SystemCertificates,
    provider: &Arc<CryptoProvider>,
) -> std::result::Result<Arc<dyn ServerCertVerifier>, rustls::Error> {
    Ok(Arc::new(Trusting::new(system_certificates(system), provider.clone())?))
}

/// Uses the system's own verifier, which knows more than its files.
#[cfg(not(all(unix, not(target_vendor = "apple"))))]
fn system_verifier(
    _: &SystemCertificates,
    provider: &Arc<CryptoProvider>,
) -> std::result::Result<Arc<dyn ServerCertVerifier>, rustls::Error> {
    Ok(Arc::new(rustls_platform_verifier::Verifier::new(provider.clone())?))
}

/// The authorities of this system: those of one file and of all files in some folders (Go's `crypto/x509/root_unix.go`).
#[cfg(all(unix, not(target_vendor = "apple")))]
fn system_certificates(system: &SystemCertificates) -> Vec<CertificateDer<'static>> {
    /// Where systems keep them; the first existing one is used (`root_linux.go`, `root_bsd.go`).
    const FILES: &[&str] = &[
        "/etc/ssl/certs/ca-certificates.crt",
        "/etc/pki/tls/certs/ca-bundle.crt",
        "/etc/ssl/ca-bundle.pem",
        "/etc/pki/tls/cacert.pem",
        "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
        "/etc/ssl/cert.pem",
        "/usr/local/etc/ssl/cert.pem",
        "/usr/local/share/certs/ca-root-nss.crt",
    ];
    const FOLDERS: &[&str] = &["/etc/ssl/certs", "/etc/pki/tls/certs", "/usr/local/share/certs"];
    let (file, folders) = (system.file.as_str(), system.folders.as_str());
    let files = if file.is_empty() { FILES } else { &[file][..] };
    let text = files.iter().find_map(|file| read(file).ok()).unwrap_or_default();
    let mut found = certificates(&text);
    let folders: Vec<&str> = if folders.is_empty() { FOLDERS.to_vec() } else { folders.split(':').collect() };
    for folder in folders {
        for (name, kind) in fs::entries(Path::new(folder)).unwrap_or_default() {
            let path = Path::new(folder).join(name);
            // Many are links to files in the same folder, named by a hash.
            let is_beside = kind == fs::Kind::Link && fs::read_link(&path).is_ok_and(|target| target.components().count() == 1);
            if !is_beside && fs::stat(&path).is_ok_and(|entry| entry.kind == fs::Kind::File) {
                found.extend(fs::read_limited(&path, FILE_LIMIT).map(|text| certificates(&text)).unwrap_or_default());
            }
        }
    }
    found
}

/// Trusts servers that present a known certificate, or one signed by a known authority.
#[derive(Debug)]
struct Trusting {
    /// Sorted, for binary search.
    known: Vec<CertificateDer<'static>>,
    /// `None` if there are no authorities.
    by_chain: Option<Arc<WebPkiServerVerifier>>,
    provider: Arc<CryptoProvider>,
}

impl Trusting {
    fn new(mut known: Vec<CertificateDer<'static>>, provider: Arc<CryptoProvider>) -> std::result::Result<Trusting, rustls::Error> {
        known.sort_unstable_by(|a, b| a.as_ref().cmp(b.as_ref()));
        known.dedup();
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(known.iter().cloned());
        let by_chain = match roots.is_empty() {
            true => None,
            false => {
                let builder = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider.clone());
                Some(builder.build().map_err(|error| rustls::Error::General(error.to_string()))?)
            }
        };
        Ok(Trusting { known, by_chain, provider })
    }
}

impl ServerCertVerifier for Trusting {
    fn verify_server_cert(
        &self,
        shown: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> std::result::Result<ServerCertVerified, rustls::Error> {
        let verdict = match &self.by_chain {
            Some(by_chain) => by_chain.verify_server_cert(shown, intermediates, name, ocsp, now),
            None => Err(CertificateError::UnknownIssuer.into()),
        };
        let Err(fault) = verdict else { return verdict };
        let is_known = self.known.binary_search_by(|known| known.as_ref().cmp(shown.as_ref())).is_ok();
        match refusal(shown, name, now, is_known, fault) {
            None => Ok(ServerCertVerified::assertion()),
            Some(refusal) => Err(CertificateError::Other(OtherError(Arc::new(refusal))).into()),
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        shown: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> std::result::Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, shown, signature, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        shown: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> std::result::Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, shown, signature, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

/// Why a server is not trusted, in the words of Go's `crypto/x509`.
#[derive(Debug)]
pub(super) struct Refusal(String);

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Refusal {}

/// Why a certificate without a trusted chain (`fault`) is refused; `None` if the certificate itself is known
/// and has no other fault. Dates are checked first, then names, then the chain (`Certificate.Verify`).
fn refusal(shown: &CertificateDer<'_>, name: &ServerName<'_>, now: UnixTime, is_known: bool, fault: rustls::Error) -> Option<Refusal> {
    let refused = |text: String| Some(Refusal(format!("x509: {text}")));
    let Some(certificate) = Certificate::parse(shown) else { return refused("malformed certificate".to_string()) };
    let seconds = i64::try_from(now.as_secs()).unwrap_or(i64::MAX);
    let text = |seconds: i64| Time::unix(seconds).in_zone(Zone::Utc).to_rfc3339();
    let out_of_time = |word: &str, limit: i64| {
        refused(format!("certificate has expired or is not yet valid: current time {} is {word} {}", text(seconds), text(limit)))
    };
    if seconds < certificate.not_before {
        return out_of_time("before", certificate.not_before);
    }
    if seconds > certificate.not_after {
        return out_of_time("after", certificate.not_after);
    }
    let is_named = |parsed: ParsedCertificate<'_>| rustls::client::verify_server_name(&parsed, name);
    if ParsedCertificate::try_from(shown).and_then(is_named).is_err() {
        return refused(certificate.misnamed(&name.to_str()));
    }
    match fault {
        _ if is_known && !certificate.serves => refused("certificate specifies an incompatible key usage".to_string()),
        _ if is_known => None,
        rustls::Error::InvalidCertificate(CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. }) => {
            refused("certificate specifies an incompatible key usage".to_string())
        }
        rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer) => {
            refused("certificate signed by unknown authority".to_string())
        }
        // Of webpki's other errors this is the common one: an unknown self-signed authority.
        rustls::Error::InvalidCertificate(CertificateError::Other(_)) => refused("certificate signed by unknown authority".to_string()),
        rustls::Error::InvalidCertificate(fault) => {
            refused(format!("certificate signed by unknown authority (possibly because of {})", quote(format!("{fault:?}").as_bytes())))
        }
        fault => refused(fault.to_string()),
    }
}

/// Trusts every server (`--insecure-skip-tls-verify`).
#[derive(Debug)]
struct Anybody(Arc<CryptoProvider>);

impl ServerCertVerifier for Anybody {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> std::result::Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> std::result::Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> std::result::Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

/// The reason why a server was refused, if that caused an error.
pub(super) fn refused<'e>(error: &'e (dyn std::error::Error + 'static)) -> Option<&'e Refusal> {
    match behind(error)? {
        rustls::Error::InvalidCertificate(CertificateError::Other(OtherError(why))) => why.downcast_ref(),
        _ => None,
    }
}

/// The alert with which a server refused the client, if that caused an error, in the words of Go's `crypto/tls/alert.go`.
pub(super) fn alert(error: &(dyn std::error::Error + 'static)) -> Option<&'static str> {
    let rustls::Error::AlertReceived(alert) = behind(error)? else { return None };
    Some(match alert {
        AlertDescription::HandshakeFailure => "handshake failure",
        AlertDescription::BadCertificate => "bad certificate",
        AlertDescription::UnsupportedCertificate => "unsupported certificate",
        AlertDescription::CertificateRevoked => "revoked certificate",
        AlertDescription::CertificateExpired => "expired certificate",
        AlertDescription::CertificateUnknown => "unknown certificate",
        AlertDescription::UnknownCA => "unknown certificate authority",
        AlertDescription::AccessDenied => "access denied",
        AlertDescription::ProtocolVersion => "protocol version not supported",
        AlertDescription::InsufficientSecurity => "insufficient security level",
        AlertDescription::InternalError => "internal error",
        AlertDescription::UnrecognisedName => "unrecognized name",
        AlertDescription::CertificateRequired => "certificate required",
        _ => return None,
    })
}

/// The TLS error that caused an error.
fn behind<'e>(error: &'e (dyn std::error::Error + 'static)) -> Option<&'e rustls::Error> {
    let mut current = Some(error);
    while let Some(at) = current {
        if let Some(fault) = at.downcast_ref() {
            return Some(fault);
        }
        // `source()` of an I/O error skips the error that it wraps, so that is taken first.
        current = match at.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref) {
            Some(inner) => Some(inner),
            None => at.source(),
        };
    }
    None
}

#[cfg(test)]
mod tests;
