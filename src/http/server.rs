//! An HTTP/1.1 server: connections and their limits, whatever is served.

use std::convert::Infallible;
use std::error::Error;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use http_body_util::combinators::UnsyncBoxBody;
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioIo, TokioTimer};
use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tokio_rustls::server::TlsStream;

use super::server_tls::{PeerCertificate, ServerTls};

/// How long no connection is taken after one could not be, such as when all file descriptors are in
/// use.
const ACCEPT_COOLDOWN: Duration = Duration::from_millis(50);

/// Time for the head of a request where connections are limited: clients that send half of one would
/// keep others out.
const HEADER_TIMEOUT: Duration = Duration::from_secs(5);

/// The body of a response; an error ends the connection in the middle of it.
pub type ServerBody = UnsyncBoxBody<Bytes, Box<dyn Error + Send + Sync>>;

/// Responds to a request.
pub type Handler = Arc<
    dyn Fn(Request<Incoming>) -> Pin<Box<dyn Future<Output = Response<ServerBody>> + Send>>
        + Send
        + Sync,
>;

/// An extension of a response after which the connection is reset in place of an orderly end.
#[derive(Debug, Clone, Copy)]
pub struct ResetConnection;

/// What clients may cost.
#[derive(Debug, Clone, Copy)]
pub struct ServerLimits {
    /// This many connections are served at once; others wait.
    pub max_connections: usize,
    /// Bytes of the head of a request.
    pub max_header_bytes: usize,
    /// Time for one connection, all of its requests included; `None` for any.
    pub connection_timeout: Option<Duration>,
    /// Whether a connection may be used for more than one request.
    pub keep_alive: bool,
}

impl Default for ServerLimits {
    fn default() -> Self {
        Self {
            max_connections: Semaphore::MAX_PERMITS,
            max_header_bytes: 400 << 10,
            connection_timeout: None,
            keep_alive: true,
        }
    }
}

/// Serves connections until it is dropped, and drops them then.
pub async fn serve(
    listener: TcpListener,
    tls: Option<ServerTls>,
    limits: ServerLimits,
    handler: Handler,
) -> Infallible {
    let permits = Arc::new(Semaphore::new(limits.max_connections));
    let accept = async || {
        let permit = Arc::clone(&permits).acquire_owned().await;
        let permit = permit.expect("the semaphore is never closed");
        listener.accept().await.map(|(stream, _)| (stream, permit))
    };
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = accept() => match accepted {
                Ok((stream, permit)) => {
                    let (tls, handler) = (tls.clone(), Arc::clone(&handler));
                    connections.spawn(async move {
                        if let Some((io, peer)) = open(stream, tls).await {
                            serve_connection(io, peer, limits, handler).await;
                        }
                        drop(permit);
                    });
                }
                Err(_) => sleep(ACCEPT_COOLDOWN).await,
            },
            Some(_) = connections.join_next() => {}
        }
    }
}

/// A connection, with or without TLS.
trait Io: AsyncRead + AsyncWrite + Send + Unpin {
    fn tcp(&self) -> &TcpStream;
}

impl Io for TcpStream {
    fn tcp(&self) -> &TcpStream {
        self
    }
}

impl Io for TlsStream<TcpStream> {
    fn tcp(&self) -> &TcpStream {
        self.get_ref().0
    }
}

/// A connection and the certificate of its client; `None` where its handshake fails.
async fn open(
    stream: TcpStream,
    tls: Option<ServerTls>,
) -> Option<(Box<dyn Io>, Option<PeerCertificate>)> {
    // Without it small answers may wait for the client's acknowledgement; a refusal only slows.
    let _ = stream.set_nodelay(true);
    let Some(tls) = tls else {
        return Some((Box::new(stream), None));
    };
    let (stream, peer) = tls.accept(stream).await?;
    Some((Box::new(stream), peer))
}

/// Answers the requests of one connection until either side or a limit ends it. Each has the certificate
/// of the client as an extension, where it has shown one.
async fn serve_connection(
    io: Box<dyn Io>,
    peer: Option<PeerCertificate>,
    limits: ServerLimits,
    handler: Handler,
) {
    let reset = Arc::new(AtomicBool::new(false));
    let service = service_fn(|mut request: Request<Incoming>| {
        if let Some(peer) = &peer {
            request.extensions_mut().insert(peer.clone());
        }
        let (response, reset) = (handler(request), Arc::clone(&reset));
        async move {
            let response = response.await;
            let is_reset = response.extensions().get::<ResetConnection>().is_some();
            reset.fetch_or(is_reset, Ordering::Relaxed);
            Ok::<_, Infallible>(response)
        }
    });
    let header_timeout = limits.connection_timeout;
    let mut connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(header_timeout.map(|limit| limit.min(HEADER_TIMEOUT)))
        .max_header_size(limits.max_header_bytes)
        .keep_alive(limits.keep_alive)
        .serve_connection(TokioIo::new(io), service);
    // A broken connection was caused by the client, or requested by the scenario.
    match limits.connection_timeout {
        Some(limit) => drop(timeout(limit, &mut connection).await),
        None => drop((&mut connection).await),
    }
    if reset.load(Ordering::Relaxed) {
        let io = connection.into_parts().io.into_inner();
        // Closing with no time to linger sends a reset in place of an orderly end.
        let _ = SockRef::from(io.tcp()).set_linger(Some(Duration::ZERO));
    }
}
