//! TLS for the server: certificates from PEM files.
//!
//! Goes in: two files. Comes out: the acceptor that `connections` uses for handshakes.

use crate::error::{Error, ErrorKind, Result};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use std::path::Path;
use std::sync::Arc;
use tokio_rustls::TlsAcceptor;

/// Reads the certificate chain and the key.
pub fn acceptor(certificate: &Path, key: &Path) -> Result<TlsAcceptor> {
    let fault = |path: &Path, error: String| Error::new(ErrorKind::Io, format!("cannot use `{}` for TLS: {error}", path.display()));
    let chain = CertificateDer::pem_slice_iter(&crate::fs::read(certificate)?)
        .collect::<std::result::Result<Vec<_>, _>>()
        .map_err(|error| fault(certificate, error.to_string()))?;
    let private = PrivateKeyDer::from_pem_slice(&crate::fs::read(key)?).map_err(|error| fault(key, error.to_string()))?;
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| fault(certificate, error.to_string()))?
        .with_no_client_auth()
        .with_single_cert(chain, private)
        .map_err(|error| fault(certificate, error.to_string()))?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}
