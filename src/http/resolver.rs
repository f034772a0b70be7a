use std::fmt;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use super::{EventSink, TransportEvent};

/// Asks the operating system for the addresses of a host, and reports them.
pub(super) struct Resolver(EventSink);

impl Resolver {
    /// A resolver that reports to this sink.
    pub(super) fn new(sink: &EventSink) -> Self {
        Self(sink.clone())
    }
}

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let (sink, host) = (self.0.clone(), name.as_str().to_owned());
        Box::pin(async move {
            // The port is filled in by whoever connects.
            let found = tokio::net::lookup_host((host.as_str(), 0)).await;
            let found: Vec<SocketAddr> = found
                .map_err(|error| DnsError {
                    host: host.clone(),
                    cause: Cause::Lookup(error),
                })?
                .collect();
            let addresses: Vec<IpAddr> = found.iter().map(SocketAddr::ip).collect();
            check_localhost(&host, &addresses)?;
            sink(TransportEvent::DnsResolved { host, addresses });
            let addresses: Addrs = Box::new(found.into_iter());
            Ok(addresses)
        })
    }
}

/// Plain HTTP and calls past any proxy are for `localhost` as RFC 6761 has it, and not for what a
/// hosts file or a name server makes of it.
fn check_localhost(host: &str, addresses: &[IpAddr]) -> Result<(), DnsError> {
    let loopback: [IpAddr; 2] = [Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()];
    let foreign = addresses
        .iter()
        .find(|address| !loopback.contains(&address.to_canonical()));
    match foreign.filter(|_| host.eq_ignore_ascii_case("localhost")) {
        None => Ok(()),
        Some(address) => Err(DnsError {
            host: host.to_owned(),
            cause: Cause::ForeignLocalhost(*address),
        }),
    }
}

/// A host whose addresses could not be found, or cannot be used.
#[derive(Debug)]
pub(super) struct DnsError {
    /// Its name.
    pub host: String,
    cause: Cause,
}

#[derive(Debug)]
enum Cause {
    Lookup(io::Error),
    /// `localhost` has this address.
    ForeignLocalhost(IpAddr),
}

impl DnsError {
    /// The address that `localhost` has in place of a loopback address.
    pub(super) fn foreign_localhost(&self) -> Option<IpAddr> {
        match self.cause {
            Cause::ForeignLocalhost(address) => Some(address),
            Cause::Lookup(_) => None,
        }
    }

    /// True when the host does not exist, false when the lookup got no response.
    ///
    /// The standard library keeps of the resolver's code nothing but its text.
    pub(super) fn is_unknown(&self) -> bool {
        let text = self.to_string();
        let words = ["not known", "No address", "does not resolve"];
        words.iter().any(|word| text.contains(word))
    }
}

impl fmt::Display for DnsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.cause {
            Cause::Lookup(error) => error.fmt(f),
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
    fn localhost_is_the_loopback_address_only() {
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
