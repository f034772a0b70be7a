//! Opens connections: direct or through a proxy, with or without TLS.

use std::error::Error;
use std::fmt;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use hyper::Uri;
use hyper_util::client::legacy::connect::{Connected, Connection, HttpConnector};
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout_at};
use tokio_rustls::TlsConnector;
use tower_service::Service;

use super::Endpoint;
use super::client_certificate::{CertificateRequest, observe};
use super::proxies::{Proxy, ProxyConfig, ProxyProtocol};
use super::resolver::Resolver;
use super::socks::{SocksError, SocksTarget, connect_4, connect_5};
use super::tunnel::{TunnelError, open_tunnel};

/// Opens the connections of one HTTP client.
#[derive(Clone)]
pub(super) struct Connector {
    pub resolver: Resolver,
    /// `None` if no proxy is used.
    pub proxies: Option<Arc<ProxyConfig>>,
    pub tls: Arc<ClientConfig>,
    /// The name that the server's certificate must contain, if it is not the host.
    pub server_name: Option<String>,
    /// Timeout for TCP, the proxy and TLS together.
    pub timeout: Duration,
}

/// The reason why a connection was not opened.
#[derive(Debug)]
pub(super) struct ConnectError {
    /// `true` if it failed between this machine and the proxy.
    pub at_proxy: bool,
    pub cause: ConnectFailure,
}

/// The step that failed.
#[derive(Debug)]
pub(super) enum ConnectFailure {
    Timeout,
    TlsTimeout,
    /// Name resolution or TCP.
    Tcp(Box<dyn Error + Send + Sync>),
    /// The endpoint's name, which this machine resolves for a SOCKS proxy, was not found.
    NameForSocks(Box<dyn Error + Send + Sync>),
    Tls(io::Error, CertificateRequest),
    /// The proxy rejected `CONNECT`.
    Tunnel(TunnelError),
    /// The SOCKS proxy rejected.
    Socks(SocksError),
}

impl fmt::Display for ConnectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the connection failed")
    }
}

impl Error for ConnectError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match &self.cause {
            ConnectFailure::Tcp(cause) | ConnectFailure::NameForSocks(cause) => Some(&**cause),
            ConnectFailure::Tls(cause, _) => Some(cause),
            ConnectFailure::Timeout
            | ConnectFailure::TlsTimeout
            | ConnectFailure::Tunnel(_)
            | ConnectFailure::Socks(_) => None,
        }
    }
}

impl Connector {
    async fn open(self, uri: Uri, end: Instant) -> Result<TokioIo<Stream>, ConnectError> {
        let endpoint = Endpoint::parse(&uri.to_string(), &[], true)
            .map_err(|problem| failed(false)(ConnectFailure::Tcp(problem.message.into())))?;
        let proxy = self
            .proxies
            .as_ref()
            .and_then(|proxies| proxies.proxy_for(&endpoint));
        let destination = destination(&endpoint);
        let io = match proxy {
            None => Stream::new(self.tcp(destination, false).await?),
            Some(proxy) if !proxy.is_http() => self.socks(proxy, &endpoint).await?,
            Some(proxy) => {
                let mut io = Stream::new(self.tcp(proxy.uri.clone(), true).await?);
                if proxy.protocol == ProxyProtocol::Https {
                    io = self.secure(io, proxy.host(), true, end).await?;
                }
                if !endpoint.is_https() {
                    return Ok(TokioIo::new(Stream {
                        is_proxied: true,
                        ..io
                    }));
                }
                let tunnel = open_tunnel(&mut io, &endpoint, proxy.authorization()).await;
                tunnel.map_err(|error| failed(true)(ConnectFailure::Tunnel(error)))?;
                io
            }
        };
        Ok(TokioIo::new(match endpoint.is_https() {
            true => {
                let name = self.server_name.as_deref();
                let name = name.unwrap_or_else(|| endpoint.host());
                self.secure(io, name, false, end).await?
            }
            false => io,
        }))
    }

    async fn tcp(&self, to: Uri, at_proxy: bool) -> Result<TcpStream, ConnectError> {
        let mut connector = HttpConnector::new_with_resolver(self.resolver.clone());
        connector.set_nodelay(true);
        let connected = connector.call(to).await;
        let connected =
            connected.map_err(|cause| failed(at_proxy)(ConnectFailure::Tcp(cause.into())));
        connected.map(TokioIo::into_inner)
    }

    /// Runs a TLS handshake with a server of this name, until `end` at the latest.
    async fn secure(
        &self,
        io: Stream,
        host: &str,
        at_proxy: bool,
        end: Instant,
    ) -> Result<Stream, ConnectError> {
        let tls_failed = |cause, request| failed(at_proxy)(ConnectFailure::Tls(cause, request));
        let name = ServerName::try_from(host.to_owned()).map_err(|_| {
            let message = format!("{host} cannot be the name of a TLS server");
            let cause = io::Error::new(io::ErrorKind::InvalidInput, message);
            tls_failed(cause, CertificateRequest::None)
        })?;
        let handshake = TlsConnector::from(Arc::clone(&self.tls)).connect(name, io);
        let (secured, request) = timeout_at(end, observe(handshake))
            .await
            .map_err(|_| failed(at_proxy)(ConnectFailure::TlsTimeout))?;
        secured
            .map(Stream::new)
            .map_err(|cause| tls_failed(cause, request))
    }

    /// Connects to an endpoint through a SOCKS proxy.
    async fn socks(&self, proxy: &Proxy, endpoint: &Endpoint) -> Result<Stream, ConnectError> {
        let (is_version_4, resolves) = match proxy.protocol {
            ProxyProtocol::Socks4 { resolves } => (true, resolves),
            ProxyProtocol::Socks5 { resolves } => (false, resolves),
            ProxyProtocol::Http | ProxyProtocol::Https => (false, false),
        };
        let name = || SocksTarget::Name(endpoint.host().to_owned());
        let target = match endpoint.host().parse() {
            Ok(address) => SocksTarget::Address(address),
            Err(_) if !resolves => name(),
            Err(_) => {
                let addresses = self.resolver.resolve(endpoint.host()).await;
                let addresses = addresses
                    .map_err(|error| failed(false)(ConnectFailure::NameForSocks(error.into())))?;
                // SOCKS4 does not support IPv6 addresses.
                let mut ips = addresses.iter().map(SocketAddr::ip);
                let address = ips.find(|address| !is_version_4 || address.is_ipv4());
                address.map_or_else(name, SocksTarget::Address)
            }
        };
        let mut io = self.tcp(proxy.uri.clone(), true).await?;
        let (user, port) = (proxy.credentials.as_ref(), endpoint.port());
        let connected = match is_version_4 {
            true => {
                let user = user.map(|(name, _)| name.as_str());
                connect_4(&mut io, &target, port, user).await
            }
            false => connect_5(&mut io, &target, port, user).await,
        };
        connected.map_err(|error| failed(true)(ConnectFailure::Socks(error)))?;
        Ok(Stream::new(io))
    }
}

fn failed(at_proxy: bool) -> impl FnOnce(ConnectFailure) -> ConnectError {
    move |cause| ConnectError { at_proxy, cause }
}

/// Returns `http://host:port`.
fn destination(endpoint: &Endpoint) -> Uri {
    let host = endpoint.host();
    let host = if host.contains(':') {
        format!("[{host}]")
    } else {
        host.to_owned()
    };
    let uri = format!("http://{host}:{}", endpoint.port());
    uri.parse()
        .expect("the host and port of an endpoint make a URI")
}

impl Service<Uri> for Connector {
    type Response = TokioIo<Stream>;
    type Error = ConnectError;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, ConnectError>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), ConnectError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let connector = self.clone();
        // Steps with their own timeout use the same end, so that their more specific error is reported.
        let end = Instant::now() + self.timeout;
        Box::pin(async move {
            let opened = timeout_at(end, connector.open(uri, end)).await;
            opened.unwrap_or_else(|_| Err(failed(false)(ConnectFailure::Timeout)))
        })
    }
}

trait Io: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Io for T {}

/// An open connection.
pub(super) struct Stream {
    io: Box<dyn Io>,
    /// `true` if requests go to an HTTP proxy, which needs absolute URLs.
    is_proxied: bool,
}

impl Stream {
    fn new(io: impl Io + 'static) -> Self {
        Self {
            io: Box::new(io),
            is_proxied: false,
        }
    }
}

impl Connection for Stream {
    fn connected(&self) -> Connected {
        Connected::new().proxy(self.is_proxied)
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_read(context, buffer)
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(context)
    }
}
