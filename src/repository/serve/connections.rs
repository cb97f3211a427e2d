//! Connections: limits their number, and closes those that make no progress.
//!
//! Goes in: a listener and the application. Comes out: served requests, until the server is told to stop. A
//! client that sends nothing, sends the head of a request too slowly, or does not read its response, is
//! disconnected, so that a few idle sockets cannot block all others.

use axum::Router;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, watch};
use tokio::time::{Instant, Sleep};
use tokio_rustls::TlsAcceptor;

/// Limits for connections.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// How many connections there may be, including those in their handshake; the system lets others wait.
    pub connections: usize,
    /// How long a TLS handshake may take.
    pub handshake: Duration,
    /// How long the head of a request may take to arrive.
    pub head: Duration,
    /// How long a connection may make no progress, in either direction, before it is closed.
    pub silence: Duration,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits { connections: 4096, handshake: Duration::from_secs(10), head: Duration::from_secs(30), silence: Duration::from_secs(300) }
    }
}

/// Serves until `stop` resolves, and then until all open requests are answered. With an `acceptor`, over TLS: a
/// handshake counts as a connection, and does not delay others.
pub async fn serve(
    mut listener: TcpListener,
    acceptor: Option<TlsAcceptor>,
    application: Router,
    limits: Limits,
    stop: impl Future<Output = ()>,
) {
    let mut builder = Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(limits.head);
    builder.http2().timer(TokioTimer::new()).keep_alive_interval(limits.silence / 3).keep_alive_timeout(limits.head);
    let (graceful, places) = (GracefulShutdown::new(), Arc::new(Semaphore::new(limits.connections)));
    let (open, closed) = watch::channel(());
    let mut stop = std::pin::pin!(stop);
    loop {
        let accept = async {
            // The semaphore is never closed, so this waits until there is a place.
            let place = places.clone().acquire_owned().await;
            (place, axum::serve::Listener::accept(&mut listener).await.0)
        };
        let (place, stream) = tokio::select! {
            accepted = accept => accepted,
            () = &mut stop => break,
        };
        // Small responses should be sent at once; a socket without the option still works.
        let _ = stream.set_nodelay(true);
        let (service, builder) = (TowerToHyperService::new(application.clone()), builder.clone());
        match acceptor.clone() {
            None => {
                let stream = TokioIo::new(Heard::new(stream, limits.silence));
                let connection = graceful.watch(builder.serve_connection(stream, service).into_owned());
                tokio::spawn(async move {
                    let _place = place;
                    // Why a connection ended does not matter.
                    let _ = connection.await;
                });
            }
            Some(acceptor) => {
                let (watcher, mut closed) = (graceful.watcher(), closed.clone());
                tokio::spawn(async move {
                    let _place = place;
                    let handshake = tokio::time::timeout(limits.handshake, acceptor.accept(stream));
                    // A client in its handshake has not sent a request yet, so it need not be waited for.
                    let Ok(Ok(stream)) = (tokio::select! {
                        done = handshake => done,
                        _ = closed.changed() => return,
                    }) else {
                        return;
                    };
                    let stream = TokioIo::new(Heard::new(stream, limits.silence));
                    let _ = watcher.watch(builder.serve_connection(stream, service).into_owned()).await;
                });
            }
        }
    }
    drop((listener, open));
    graceful.shutdown().await;
}

/// How long one direction of a stream may make no progress.
struct Patience {
    limit: Duration,
    /// When the waiting ends; polled only while waiting.
    deadline: Pin<Box<Sleep>>,
    is_waiting: bool,
}

impl Patience {
    fn new(limit: Duration) -> Patience {
        Patience { limit, deadline: Box::pin(tokio::time::sleep(limit)), is_waiting: false }
    }

    /// Records progress.
    fn renew(&mut self) {
        self.is_waiting = false;
    }

    /// Keeps waiting, or fails if it took too long.
    fn wait<T>(&mut self, context: &mut Context<'_>) -> Poll<io::Result<T>> {
        if !self.is_waiting {
            self.is_waiting = true;
            let deadline = Instant::now() + self.limit;
            self.deadline.as_mut().reset(deadline);
        }
        ready!(self.deadline.as_mut().poll(context));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

/// A stream that fails if a read gets no data, or a write is not accepted, for too long.
struct Heard<S> {
    stream: S,
    reading: Patience,
    writing: Patience,
}

impl<S> Heard<S> {
    fn new(stream: S, limit: Duration) -> Heard<S> {
        Heard { stream, reading: Patience::new(limit), writing: Patience::new(limit) }
    }

    fn wrote<T>(&mut self, written: Poll<io::Result<T>>, context: &mut Context<'_>) -> Poll<io::Result<T>> {
        if written.is_pending() {
            return self.writing.wait(context);
        }
        self.writing.renew();
        // A client that reads its response is not silent.
        self.reading.renew();
        written
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Heard<S> {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match Pin::new(&mut self.stream).poll_read(context, buffer) {
            Poll::Ready(read) => {
                self.reading.renew();
                Poll::Ready(read)
            }
            Poll::Pending => self.reading.wait(context),
        }
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Heard<S> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.wrote(written, context)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.stream).poll_flush(context);
        // There may have been nothing to send.
        if flushed.is_ready() && !self.writing.is_waiting {
            return flushed;
        }
        self.wrote(flushed, context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match Pin::new(&mut self.stream).poll_shutdown(context) {
            Poll::Pending => self.writing.wait(context),
            closed => closed,
        }
    }

    fn poll_write_vectored(mut self: Pin<&mut Self>, context: &mut Context<'_>, slices: &[io::IoSlice<'_>]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, slices);
        self.wrote(written, context)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpStream;

    const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nhost: a\r\n\r\n";

    /// Runs `test` against a server with these limits, then stops it.
    fn with_server<T: Future<Output = ()>>(limits: Limits, test: impl FnOnce(std::net::SocketAddr) -> T) {
        with_acceptor(None, limits, test);
    }

    fn with_acceptor<T: Future<Output = ()>>(acceptor: Option<TlsAcceptor>, limits: Limits, test: impl FnOnce(std::net::SocketAddr) -> T) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let address = listener.local_addr().unwrap();
            let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
            let large = axum::routing::get(async || vec![0u8; 64 << 20]);
            let application = Router::new().route("/large", large).fallback(async || "here");
            let server = tokio::spawn(serve(listener, acceptor, application, limits, async move { drop(stopped.await) }));
            test(address).await;
            drop(stop);
            tokio::time::timeout(Duration::from_secs(10), server).await.expect("a stop in time").unwrap();
        });
    }

    async fn ask(stream: &mut TcpStream) -> bool {
        if stream.write_all(REQUEST).await.is_err() {
            return false;
        }
        let mut answer = [0; 1024];
        let read = stream.read(&mut answer).await.unwrap_or(0);
        answer[..read].ends_with(b"here")
    }

    /// Whether the server closes the connection within seconds.
    async fn is_closed(stream: &mut TcpStream) -> bool {
        let closed = async { while !matches!(stream.read(&mut [0; 1024]).await, Ok(0) | Err(_)) {} };
        tokio::time::timeout(Duration::from_secs(10), closed).await.is_ok()
    }

    #[test]
    fn whoever_says_nothing_is_put_out() {
        let limits = Limits { silence: Duration::from_millis(200), ..Limits::default() };
        with_server(limits, async |address| {
            let mut silent = TcpStream::connect(address).await.unwrap();
            assert!(is_closed(&mut silent).await);
            // A busy machine may be silent for too long before it asks.
            let mut done = TcpStream::connect(address).await.unwrap();
            for _ in 0..20 {
                if ask(&mut done).await {
                    return assert!(is_closed(&mut done).await);
                }
                done = TcpStream::connect(address).await.unwrap();
            }
            panic!("put out although it asks");
        });
    }

    #[test]
    fn whoever_takes_nothing_of_its_answer_is_put_out() {
        let limits = Limits { connections: 1, silence: Duration::from_millis(500), ..Limits::default() };
        with_server(limits, async |address| {
            let mut deaf = TcpStream::connect(address).await.unwrap();
            deaf.write_all(b"GET /large HTTP/1.1\r\nhost: a\r\n\r\n").await.unwrap();
            let mut other = TcpStream::connect(address).await.unwrap();
            let answered = tokio::time::timeout(Duration::from_secs(30), ask(&mut other)).await;
            assert!(answered.expect("its turn"));
            drop(deaf);
        });
    }

    #[test]
    fn whoever_takes_a_large_answer_slowly_gets_it() {
        let limits = Limits { silence: Duration::from_secs(2), ..Limits::default() };
        with_server(limits, async |address| {
            let mut slow = TcpStream::connect(address).await.unwrap();
            slow.write_all(b"GET /large HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n").await.unwrap();
            let (mut buffer, mut all) = (vec![0; 6 << 20], 0);
            loop {
                let read = slow.read(&mut buffer).await.unwrap();
                if read == 0 {
                    break;
                }
                // Longer than the silence in total, but never at once.
                if all / (6 << 20) != (all + read) / (6 << 20) {
                    tokio::time::sleep(Duration::from_millis(300)).await;
                }
                all += read;
            }
            assert!(all > 64 << 20, "{all}");
        });
    }

    #[test]
    fn a_head_that_drips_is_not_waited_for() {
        let limits = Limits { head: Duration::from_millis(300), ..Limits::default() };
        with_server(limits, async |address| {
            let stream = TcpStream::connect(address).await.unwrap();
            let (mut reader, mut writer) = stream.into_split();
            writer.write_all(b"GET / HTTP/1.1\r\nhost: a\r\n").await.unwrap();
            let drip = tokio::spawn(async move {
                for _ in 0..100 {
                    if writer.write_all(b"a: b\r\n").await.is_err() {
                        break;
                    }
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
            });
            let closed = async { while !matches!(reader.read(&mut [0; 1024]).await, Ok(0) | Err(_)) {} };
            assert!(tokio::time::timeout(Duration::from_secs(4), closed).await.is_ok());
            drip.abort();
        });
    }

    #[test]
    fn more_connections_wait_until_others_end() {
        let limits = Limits { connections: 2, ..Limits::default() };
        with_server(limits, async |address| {
            let mut first = TcpStream::connect(address).await.unwrap();
            let mut second = TcpStream::connect(address).await.unwrap();
            assert!(ask(&mut first).await && ask(&mut second).await);
            let mut third = TcpStream::connect(address).await.unwrap();
            assert!(tokio::time::timeout(Duration::from_millis(300), ask(&mut third)).await.is_err());
            drop(first);
            let mut answer = [0; 1024];
            let read = tokio::time::timeout(Duration::from_secs(10), third.read(&mut answer)).await.expect("an answer").unwrap();
            assert!(answer[..read].ends_with(b"here"));
        });
    }

    /// Clients that never start their handshake count towards the limit of connections.
    #[test]
    fn handshakes_have_their_places_too() {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = rustls::ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
        let nobody = rustls::server::ResolvesServerCertUsingSni::new();
        let acceptor = TlsAcceptor::from(Arc::new(config.with_no_client_auth().with_cert_resolver(Arc::new(nobody))));
        let limits = Limits { connections: 1, handshake: Duration::from_secs(3), ..Limits::default() };
        with_acceptor(Some(acceptor.clone()), limits, async |address| {
            let mut silent = TcpStream::connect(address).await.unwrap();
            let mut other = TcpStream::connect(address).await.unwrap();
            other.write_all(b"no TLS at all").await.unwrap();
            let early = tokio::time::timeout(Duration::from_millis(300), other.read(&mut [0; 64])).await;
            assert!(early.is_err(), "looked at while there is no place");
            assert!(is_closed(&mut silent).await && is_closed(&mut other).await);
        });
        // A stop does not wait for handshakes.
        let limits = Limits { handshake: Duration::from_secs(60), ..Limits::default() };
        with_acceptor(Some(acceptor), limits, async |address| {
            let silent = TcpStream::connect(address).await.unwrap();
            tokio::time::sleep(Duration::from_millis(200)).await;
            std::mem::forget(silent);
        });
    }
}
