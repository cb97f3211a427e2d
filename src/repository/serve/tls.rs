//! TLS for the server: certificates from PEM files, handshakes that do not hold up others.
//!
//! Goes in: a TCP listener and two files. Comes out: a listener of encrypted streams for axum.

use crate::error::{Error, ErrorKind, Result};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

/// How long a client may take for its handshake.
const HANDSHAKE: Duration = Duration::from_secs(10);

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

/// Streams whose handshake is done.
pub struct Listener {
    ready: mpsc::Receiver<(TlsStream<TcpStream>, SocketAddr)>,
    address: std::io::Result<SocketAddr>,
    accepting: tokio::task::JoinHandle<()>,
}

impl Listener {
    /// Accepts on `listener` in a task of its own, each handshake in another.
    pub fn new(listener: TcpListener, acceptor: TlsAcceptor) -> Listener {
        let (sender, ready) = mpsc::channel(64);
        let address = listener.local_addr();
        let accepting = tokio::spawn(async move {
            loop {
                let Ok((stream, peer)) = listener.accept().await else {
                    // Out of file descriptors, most likely: others will be closed in a moment.
                    tokio::time::sleep(Duration::from_millis(50)).await;
                    continue;
                };
                let (acceptor, sender) = (acceptor.clone(), sender.clone());
                tokio::spawn(async move {
                    let _ = stream.set_nodelay(true);
                    if let Ok(Ok(stream)) = tokio::time::timeout(HANDSHAKE, acceptor.accept(stream)).await {
                        // Nobody receives any more when the server is stopping.
                        let _ = sender.send((stream, peer)).await;
                    }
                });
            }
        });
        Listener { ready, address, accepting }
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

impl axum::serve::Listener for Listener {
    type Io = TlsStream<TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        match self.ready.recv().await {
            Some(accepted) => accepted,
            None => std::future::pending().await,
        }
    }

    fn local_addr(&self) -> std::io::Result<SocketAddr> {
        match &self.address {
            Ok(address) => Ok(*address),
            Err(error) => Err(std::io::Error::new(error.kind(), error.to_string())),
        }
    }
}
