use std::fmt;
use std::future::Future;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::vec;

use hyper_util::client::legacy::connect::dns::Name;
use tower_service::Service;

use super::{EventSink, TransportEvent};

/// Resolves host names with the operating system, and reports the addresses.
#[derive(Clone)]
pub(super) struct Resolver(EventSink);

impl Resolver {
    /// Creates a resolver that reports to this sink.
    pub(super) fn new(sink: &EventSink) -> Self {
        Self(sink.clone())
    }

    /// Returns the addresses of a host, with port 0.
    ///
    /// # Errors
    /// The addresses could not be found or must not be used.
    pub(super) async fn resolve(&self, host: &str) -> Result<Vec<SocketAddr>, DnsError> {
        let socket_addresses = tokio::net::lookup_host((host, 0)).await;
        let socket_addresses: Vec<SocketAddr> = socket_addresses
            .map_err(|error| DnsError {
                cause: Cause::Lookup(error),
            })?
            .collect();
        let addresses: Vec<IpAddr> = socket_addresses.iter().map(SocketAddr::ip).collect();
        check_localhost(host, &addresses)?;
        let host = host.to_owned();
        (self.0)(TransportEvent::DnsResolved { host, addresses });
        Ok(socket_addresses)
    }
}

impl Service<Name> for Resolver {
    type Response = vec::IntoIter<SocketAddr>;
    type Error = DnsError;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, DnsError>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), DnsError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, name: Name) -> Self::Future {
        let resolver = self.clone();
        Box::pin(async move { Ok(resolver.resolve(name.as_str()).await?.into_iter()) })
    }
}

/// Checks that `localhost` resolves to a loopback address, as RFC 6761 requires: plain HTTP and requests without a
/// proxy are allowed for it, so a hosts file or a name server must not redirect it.
fn check_localhost(host: &str, addresses: &[IpAddr]) -> Result<(), DnsError> {
    let loopback: [IpAddr; 2] = [Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()];
    let foreign = addresses
        .iter()
        .find(|address| !loopback.contains(&address.to_canonical()));
    match foreign.filter(|_| host.eq_ignore_ascii_case("localhost")) {
        None => Ok(()),
        Some(address) => Err(DnsError {
            cause: Cause::ForeignLocalhost(*address),
        }),
    }
}

/// The addresses of a host could not be found or must not be used.
#[derive(Debug)]
pub(super) struct DnsError {
    cause: Cause,
}

#[derive(Debug)]
enum Cause {
    Lookup(io::Error),
    /// `localhost` has this other address.
    ForeignLocalhost(IpAddr),
}

impl DnsError {
    /// Returns the address of `localhost` if it is not a loopback address.
    pub(super) fn foreign_localhost(&self) -> Option<IpAddr> {
        match self.cause {
            Cause::ForeignLocalhost(address) => Some(address),
            Cause::Lookup(_) => None,
        }
    }

    /// Returns `true` if the host does not exist; `false` if the lookup got no response.
    ///
    /// The standard library keeps only the text of the resolver's error, not its code.
    pub(super) fn is_unknown(&self) -> bool {
        let text = self.to_string();
        let words = ["not known", "No address", "does not resolve"];
        words.iter().any(|word| text.contains(word))
    }
}

impl fmt::Display for DnsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.cause {
            Cause::Lookup(error) => {
                // Errors of the name service have no number.
                let text = error.to_string();
                let known = "failed to lookup address information: ";
                f.write_str(text.strip_prefix(known).unwrap_or(&text))
            }
            Cause::ForeignLocalhost(address) => {
                write!(
                    f,
                    "localhost resolves to {address} instead of 127.0.0.1 or ::1"
                )
            }
        }
    }
}

impl std::error::Error for DnsError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn localhost_must_resolve_to_the_loopback_address_only() {
        let check = |host: &str, addresses: &[&str]| {
            let addresses: Vec<IpAddr> =
                addresses.iter().map(|text| text.parse().unwrap()).collect();
            check_localhost(host, &addresses)
        };
        assert!(check("localhost", &["127.0.0.1", "::1"]).is_ok());
        assert!(check("localhost", &["::ffff:127.0.0.1"]).is_ok());
        assert!(check("example.com", &["192.0.2.1"]).is_ok());
        for foreign in [
            "127.0.0.2",
            "192.0.2.1",
            "fe80::1",
            "::ffff:192.0.2.1",
            "0.0.0.0",
        ] {
            let unresolved = check("LocalHost", &["127.0.0.1", foreign]).unwrap_err();
            assert!(!unresolved.is_unknown());
            assert_eq!(unresolved.foreign_localhost(), foreign.parse().ok());
            assert!(unresolved.to_string().contains(foreign), "{unresolved}");
        }
    }
}
