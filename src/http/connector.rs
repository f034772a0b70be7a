//! Opens connections: straight or through a proxy, with or without TLS.

use std::error::Error;
use std::fmt;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use hyper::Uri;
use hyper_util::client::legacy::connect::proxy::{SocksV4, SocksV5};
use hyper_util::client::legacy::connect::{Connected, Connection, HttpConnector};
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tower_service::Service;

use super::Endpoint;
use super::proxies::{Proxy, ProxyConfig, ProxyProtocol};
use super::resolver::Resolver;
use super::tunnel::{TunnelError, open_tunnel};

/// Opens the connections of one HTTP client.
#[derive(Clone)]
pub(super) struct Connector {
    pub resolver: Resolver,
    /// `None` where no proxy is used.
    pub proxies: Option<Arc<ProxyConfig>>,
    pub tls: Arc<ClientConfig>,
    /// For all of TCP, the proxy and TLS.
    pub timeout: Duration,
}

/// Why a connection was not opened.
#[derive(Debug)]
pub(super) struct ConnectError {
    /// True when it failed between this machine and the proxy.
    pub at_proxy: bool,
    pub cause: ConnectFailure,
}

/// The step that failed.
#[derive(Debug)]
pub(super) enum ConnectFailure {
    Timeout,
    /// Name or TCP.
    Tcp(Box<dyn Error + Send + Sync>),
    Tls(io::Error),
    /// The proxy's answer to `CONNECT`.
    Tunnel(TunnelError),
    /// What the SOCKS proxy did, in words.
    Socks(String),
}

impl fmt::Display for ConnectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the connection failed")
    }
}

impl Error for ConnectError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match &self.cause {
            ConnectFailure::Tcp(cause) => Some(&**cause),
            ConnectFailure::Tls(cause) => Some(cause),
            ConnectFailure::Timeout | ConnectFailure::Tunnel(_) | ConnectFailure::Socks(_) => None,
        }
    }
}

impl Connector {
    async fn open(self, uri: Uri) -> Result<TokioIo<Stream>, ConnectError> {
        let endpoint = Endpoint::parse(&uri.to_string(), &[], true)
            .map_err(|problem| failed(false)(ConnectFailure::Tcp(problem.message.into())))?;
        let proxy = self
            .proxies
            .as_ref()
            .and_then(|proxies| proxies.proxy_for(&endpoint));
        let destination = destination(&endpoint);
        let io = match proxy {
            None => Stream::new(self.tcp(destination, false).await?),
            Some(proxy) if !proxy.reads_requests() => self.socks(proxy, &endpoint).await?,
            Some(proxy) => {
                let mut io = Stream::new(self.tcp(proxy.uri.clone(), true).await?);
                if proxy.protocol == ProxyProtocol::Https {
                    io = self.secure(io, proxy.host(), true).await?;
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
            true => self.secure(io, endpoint.host(), false).await?,
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

    /// Starts TLS with a server of this name.
    async fn secure(&self, io: Stream, host: &str, at_proxy: bool) -> Result<Stream, ConnectError> {
        let tls_failed = |cause| failed(at_proxy)(ConnectFailure::Tls(cause));
        let name = ServerName::try_from(host.to_owned()).map_err(|_| {
            let message = format!("{host} cannot be the name of a TLS server");
            tls_failed(io::Error::new(io::ErrorKind::InvalidInput, message))
        })?;
        let secured = TlsConnector::from(Arc::clone(&self.tls)).connect(name, io);
        secured.await.map(Stream::new).map_err(tls_failed)
    }

    /// Connects to an endpoint through a SOCKS proxy.
    async fn socks(&self, proxy: &Proxy, endpoint: &Endpoint) -> Result<Stream, ConnectError> {
        let (is_version_4, resolves) = match proxy.protocol {
            ProxyProtocol::Socks4 { resolves } => (true, resolves),
            ProxyProtocol::Socks5 { resolves } => (false, resolves),
            ProxyProtocol::Http | ProxyProtocol::Https => (false, false),
        };
        let mut to = destination(endpoint);
        if resolves {
            let found = self.resolver.resolve(endpoint.host()).await;
            let found = found.map_err(|error| failed(false)(ConnectFailure::Tcp(error.into())))?;
            // SOCKS4 has no addresses of IPv6.
            let usable = found
                .into_iter()
                .find(|address| !is_version_4 || address.is_ipv4());
            if let Some(mut address) = usable {
                address.set_port(endpoint.port());
                to = format!("http://{address}").parse().unwrap_or(to);
            }
        }
        let opened = Opened(Some(self.tcp(proxy.uri.clone(), true).await?));
        let uri = proxy.uri.clone();
        let connected = if is_version_4 {
            SocksV4::new(uri, opened)
                .call(to)
                .await
                .map_err(|error| error.to_string())
        } else {
            let mut socks = SocksV5::new(uri, opened);
            if let Some((name, password)) = &proxy.credentials {
                socks = socks.with_auth(name.clone(), password.expose().to_owned());
            }
            socks.call(to).await.map_err(|error| error.to_string())
        };
        let connected = connected.map_err(|text| failed(true)(ConnectFailure::Socks(text)))?;
        Ok(Stream::new(connected.into_inner()))
    }
}

fn failed(at_proxy: bool) -> impl FnOnce(ConnectFailure) -> ConnectError {
    move |cause| ConnectError { at_proxy, cause }
}

/// `http://host:port`
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
        let limit = self.timeout;
        Box::pin(async move {
            let opened = tokio::time::timeout(limit, connector.open(uri)).await;
            opened.unwrap_or_else(|_| Err(failed(false)(ConnectFailure::Timeout)))
        })
    }
}

/// A connection to a proxy that is open already.
struct Opened(Option<TcpStream>);

impl Service<Uri> for Opened {
    type Response = TokioIo<TcpStream>;
    type Error = io::Error;
    type Future = std::future::Ready<io::Result<Self::Response>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Uri) -> Self::Future {
        let opened = self.0.take().map(TokioIo::new);
        std::future::ready(opened.ok_or_else(|| io::ErrorKind::NotConnected.into()))
    }
}

trait Io: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Io for T {}

/// An open connection.
pub(super) struct Stream {
    io: Box<dyn Io>,
    /// True when requests go to an HTTP proxy, which needs whole URLs.
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
