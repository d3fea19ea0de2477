//! The accept loop: connections, TLS handshakes, timeouts, and draining at shutdown.
//!
//! Owns sockets; knows nothing of routes. It is our own because `axum::serve` sets neither a header timeout nor a
//! connection cap nor HTTP/2 limits, and drains without a deadline.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use hyper::Request;
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::server::graceful::GracefulShutdown;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;

/// A TLS handshake takes longer than this only if the peer stalls.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);
/// Pause after `accept` fails for want of file descriptors, so that the loop does not spin.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Limits of the listener.
#[derive(Debug, Clone)]
pub struct ListenerConfig {
    /// Most connections at once.
    pub max_connections: usize,
    /// Time for the request head to arrive.
    pub header_timeout: Duration,
    /// Time that requests in progress get after shutdown begins.
    pub grace: Duration,
}

/// Serves `router` on `listener` until `shutdown` is cancelled, then drains. Returns the number of connections that had
/// to be cut because they outlived the grace period.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    tls: Option<Arc<rustls::ServerConfig>>,
    config: ListenerConfig,
    shutdown: CancellationToken,
) -> usize {
    let permits = Arc::new(Semaphore::new(config.max_connections));
    let acceptor = tls.map(TlsAcceptor::from);
    let graceful = Arc::new(GracefulShutdown::new());
    let tracker = tokio_util::task::TaskTracker::new();
    let abort = CancellationToken::new();
    let http = Arc::new(connection_builder(&config));
    loop {
        let permit = tokio::select! {
            () = shutdown.cancelled() => break,
            permit = Arc::clone(&permits).acquire_owned() => match permit {
                Ok(permit) => permit,
                Err(_) => break,
            },
        };
        let (stream, peer) = tokio::select! {
            () = shutdown.cancelled() => break,
            accepted = listener.accept() => match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    tracing::warn!(%error, "cannot accept a connection");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                    continue;
                }
            },
        };
        // Small frames and response heads must not wait for an acknowledgement of the previous packet.
        let _ = stream.set_nodelay(true);
        let connection = Connection {
            router: router.clone(),
            http: Arc::clone(&http),
            graceful: Arc::clone(&graceful),
            peer,
        };
        let acceptor = acceptor.clone();
        let abort = abort.clone();
        tracker.spawn(async move {
            let _permit = permit;
            tokio::select! {
                () = abort.cancelled() => {}
                () = connection.run(stream, acceptor) => {}
            }
        });
    }
    drop(listener);
    tracker.close();
    drain(graceful, &tracker, &abort, config.grace).await
}

async fn drain(
    graceful: Arc<GracefulShutdown>,
    tracker: &tokio_util::task::TaskTracker,
    abort: &CancellationToken,
    grace: Duration,
) -> usize {
    // Connections hold clones only while their handshake runs; without one left, idle keep-alive connections end here
    // and busy ones after the response in progress.
    let signalled = async {
        let mut graceful = graceful;
        loop {
            match Arc::try_unwrap(graceful) {
                Ok(own) => return own.shutdown().await,
                Err(shared) => {
                    graceful = shared;
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
            }
        }
    };
    let finished = tokio::time::timeout(grace, async {
        signalled.await;
        tracker.wait().await;
    })
    .await;
    let left = tracker.len();
    if finished.is_err() {
        tracing::warn!(
            connections = left,
            "cut connections that outlived the grace period"
        );
        abort.cancel();
        tracker.wait().await;
        return left;
    }
    0
}

fn connection_builder(config: &ListenerConfig) -> auto::Builder<TokioExecutor> {
    let mut http = auto::Builder::new(TokioExecutor::new());
    http.http1()
        .timer(TokioTimer::new())
        .header_read_timeout(config.header_timeout)
        .max_buf_size(64 * 1024)
        .keep_alive(true);
    http.http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(256)
        .max_header_list_size(32 * 1024)
        .keep_alive_interval(Duration::from_secs(30))
        .keep_alive_timeout(Duration::from_secs(20));
    http
}

struct Connection {
    router: Router,
    http: Arc<auto::Builder<TokioExecutor>>,
    graceful: Arc<GracefulShutdown>,
    peer: SocketAddr,
}

impl Connection {
    async fn run(self, stream: TcpStream, acceptor: Option<TlsAcceptor>) {
        match acceptor {
            None => self.speak_http(stream).await,
            Some(acceptor) => {
                // Inside this task, so that one slow handshake stalls nobody else.
                match tokio::time::timeout(HANDSHAKE_TIMEOUT, acceptor.accept(stream)).await {
                    Ok(Ok(stream)) => self.speak_http(stream).await,
                    Ok(Err(error)) => {
                        tracing::debug!(peer = %self.peer, %error, "TLS handshake failed")
                    }
                    Err(_) => tracing::debug!(peer = %self.peer, "TLS handshake timed out"),
                }
            }
        }
    }

    async fn speak_http<S>(self, stream: S)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let Connection {
            router,
            http,
            graceful,
            peer,
        } = self;
        let service = hyper::service::service_fn(move |request: Request<Incoming>| {
            let mut request = request.map(Body::new);
            request.extensions_mut().insert(ConnectInfo(peer));
            router.clone().oneshot(request)
        });
        let connection = http
            .serve_connection_with_upgrades(TokioIo::new(stream), service)
            .into_owned();
        let watched = graceful.watch(connection);
        drop(graceful);
        if let Err(error) = watched.await {
            tracing::debug!(%peer, %error, "connection ended with an error");
        }
    }
}
