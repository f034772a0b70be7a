//! An HTTP/1.1 server: accepts connections and enforces their limits, for any handler.

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
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::{sleep, timeout};
use tokio_rustls::server::TlsStream;

use super::server_tls::{PeerCertificate, ServerTls};

/// Pause after a connection could not be accepted, such as when all file descriptors are in use.
const ACCEPT_COOLDOWN: Duration = Duration::from_millis(50);

/// Timeout for the head of a request if the number of connections is limited, since a client that sends only half
/// of it would block others.
const HEADER_TIMEOUT: Duration = Duration::from_secs(5);

/// The body of a response. An error closes the connection before the end of the body.
pub type ServerBody = UnsyncBoxBody<Bytes, Box<dyn Error + Send + Sync>>;

/// Responds to a request.
pub type Handler = Arc<
    dyn Fn(Request<Incoming>) -> Pin<Box<dyn Future<Output = Response<ServerBody>> + Send>>
        + Send
        + Sync,
>;

/// Extension of a response after which the connection is reset instead of closed in order.
#[derive(Debug, Clone, Copy)]
pub struct ResetConnection;

/// Limits of the resources that clients can use.
#[derive(Debug, Clone, Copy)]
pub struct ServerLimits {
    /// Maximum number of open connections. For a further one, the oldest connection that waits for its client is
    /// closed; if there is none, the new connection waits.
    pub max_connections: usize,
    /// Maximum size of the head of a request in bytes.
    pub max_header_bytes: usize,
    /// Timeout of one connection with all its requests; `None` for no limit.
    pub connection_timeout: Option<Duration>,
    /// Allows more than one request per connection.
    pub keep_alive: bool,
}

impl Default for ServerLimits {
    fn default() -> Self {
        Self {
            max_connections: usize::MAX,
            max_header_bytes: 400 << 10,
            connection_timeout: None,
            keep_alive: true,
        }
    }
}

/// Serves connections until the future is dropped, which closes them.
pub async fn serve(
    listener: TcpListener,
    tls: Option<ServerTls>,
    limits: ServerLimits,
    handler: Handler,
) -> Infallible {
    let mut connections = JoinSet::new();
    let mut open_ones: Vec<Connection> = Vec::new();
    loop {
        open_ones.retain(|one| !one.task.is_finished());
        let oldest_waiting = open_ones.iter().position(Connection::waits_for_client);
        let is_full = open_ones.len() >= limits.max_connections;
        tokio::select! {
            accepted = listener.accept(), if !is_full || oldest_waiting.is_some() => match accepted {
                Ok((stream, _)) => {
                    if is_full && let Some(oldest) = oldest_waiting {
                        open_ones.remove(oldest).task.abort();
                    }
                    let (tls, handler) = (tls.clone(), Arc::clone(&handler));
                    let is_handled = Arc::new(AtomicBool::new(false));
                    let handled = Arc::clone(&is_handled);
                    let task = connections.spawn(async move {
                        if let Some((io, peer)) = open(stream, tls).await {
                            serve_connection(io, peer, limits, handler, handled).await;
                        }
                    });
                    open_ones.push(Connection { task, is_handled });
                }
                Err(_) => sleep(ACCEPT_COOLDOWN).await,
            },
            Some(_) = connections.join_next() => {}
        }
    }
}

/// An open connection.
struct Connection {
    task: AbortHandle,
    /// `true` while its request is handled.
    is_handled: Arc<AtomicBool>,
}

impl Connection {
    /// Returns `true` if the client has not yet sent a whole head or not yet read the whole response.
    fn waits_for_client(&self) -> bool {
        !self.is_handled.load(Ordering::Relaxed)
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

/// Returns a connection with the certificate of its client; `None` if the handshake fails.
async fn open(
    stream: TcpStream,
    tls: Option<ServerTls>,
) -> Option<(Box<dyn Io>, Option<PeerCertificate>)> {
    // Without this option, small responses can wait for the client's acknowledgement. If it cannot be set, the
    // connection is only slower.
    let _ = stream.set_nodelay(true);
    let Some(tls) = tls else {
        return Some((Box::new(stream), None));
    };
    let (stream, peer) = tls.accept(stream).await?;
    Some((Box::new(stream), peer))
}

/// Responds to the requests of one connection until either side or a limit ends it. Each request has the client's
/// certificate, if there is one, as an extension.
async fn serve_connection(
    io: Box<dyn Io>,
    peer: Option<PeerCertificate>,
    limits: ServerLimits,
    handler: Handler,
    is_handled: Arc<AtomicBool>,
) {
    let reset = Arc::new(AtomicBool::new(false));
    let service = service_fn(|mut request: Request<Incoming>| {
        if let Some(peer) = &peer {
            request.extensions_mut().insert(peer.clone());
        }
        is_handled.store(true, Ordering::Relaxed);
        let (response, reset) = (handler(request), Arc::clone(&reset));
        let is_handled = Arc::clone(&is_handled);
        async move {
            let response = response.await;
            is_handled.store(false, Ordering::Relaxed);
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
    // The client caused a broken connection, or the scenario requested it.
    match limits.connection_timeout {
        Some(limit) => drop(timeout(limit, &mut connection).await),
        None => drop((&mut connection).await),
    }
    if reset.load(Ordering::Relaxed) {
        let io = connection.into_parts().io.into_inner();
        // Closing a socket with a linger time of zero sends a reset.
        let _ = SockRef::from(io.tcp()).set_linger(Some(Duration::ZERO));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http_body_util::{BodyExt as _, Empty};
    use std::net::SocketAddr;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::sync::mpsc;

    /// Starts a server for two connections without a time limit that never responds to one path. The receiver gets a
    /// message for each request of that path.
    async fn start_with_two_connections() -> (SocketAddr, mpsc::UnboundedReceiver<()>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let limits = ServerLimits {
            max_connections: 2,
            ..ServerLimits::default()
        };
        let (sender, hangs) = mpsc::unbounded_channel();
        let handler: Handler = Arc::new(move |request| {
            let sender = sender.clone();
            Box::pin(async move {
                if request.uri().path() == "/hang" {
                    sender.send(()).unwrap();
                    std::future::pending::<()>().await;
                }
                let body = Empty::new().map_err(|never| match never {});
                Response::new(body.boxed_unsync())
            })
        });
        tokio::spawn(serve(listener, None, limits, handler));
        (address, hangs)
    }

    async fn send(address: SocketAddr, text: &str) -> TcpStream {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(text.as_bytes()).await.unwrap();
        stream
    }

    /// Returns the beginning of the server's output.
    async fn received(stream: &mut TcpStream) -> String {
        let mut start = [0; 15];
        let read = timeout(Duration::from_secs(20), stream.read_exact(&mut start));
        match read.await.expect("the server responds") {
            Ok(_) => String::from_utf8_lossy(&start).into_owned(),
            Err(_) => "closed".to_owned(),
        }
    }

    #[tokio::test]
    async fn clients_with_an_incomplete_request_do_not_block_other_clients() {
        let (address, _hangs) = start_with_two_connections().await;
        let mut half_open = Vec::new();
        for _ in 0..5 {
            half_open.push(send(address, "GET / HTTP/1.1\r\nHost: x\r\nX-A: ").await);
        }
        let mut whole = send(address, "GET / HTTP/1.1\r\nHost: x\r\n\r\n").await;
        assert_eq!(received(&mut whole).await, "HTTP/1.1 200 OK");
        assert_eq!(received(&mut half_open[0]).await, "closed");
        // The newest connections are served when the rest of their heads arrives.
        let last = &mut half_open[4];
        last.write_all(b"b\r\n\r\n").await.unwrap();
        assert_eq!(received(last).await, "HTTP/1.1 200 OK");
    }

    #[tokio::test]
    async fn a_request_in_progress_is_not_dropped_for_a_new_connection() {
        let (address, mut hangs) = start_with_two_connections().await;
        let mut handled = Vec::new();
        for _ in 0..2 {
            handled.push(send(address, "GET /hang HTTP/1.1\r\nHost: x\r\n\r\n").await);
            hangs.recv().await.unwrap();
        }
        let mut whole = send(address, "GET / HTTP/1.1\r\nHost: x\r\n\r\n").await;
        drop(handled.pop());
        assert_eq!(received(&mut whole).await, "HTTP/1.1 200 OK");
        let other = handled[0].try_read(&mut [0]).unwrap_err();
        assert_eq!(other.kind(), std::io::ErrorKind::WouldBlock);
    }
}
