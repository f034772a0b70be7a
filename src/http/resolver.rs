use std::fmt;
use std::io;
use std::net::SocketAddr;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use super::{Happening, Sink};

/// Asks the operating system for the addresses of a host, and tells of them.
pub(super) struct Resolver(Sink);

impl Resolver {
    /// A resolver that tells this sink.
    pub(super) fn new(sink: &Sink) -> Self {
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
                .map_err(|error| Unresolved {
                    host: host.clone(),
                    error,
                })?
                .collect();
            let addresses = found.iter().map(SocketAddr::ip).collect();
            sink(Happening::Resolved { host, addresses });
            let addresses: Addrs = Box::new(found.into_iter());
            Ok(addresses)
        })
    }
}

/// A host whose addresses could not be found.
#[derive(Debug)]
pub(super) struct Unresolved {
    /// Its name.
    pub host: String,
    error: io::Error,
}

impl Unresolved {
    /// True when the answer was that there is no such host, and not that there is no answer.
    ///
    /// The standard library keeps of the resolver's code nothing but its text.
    pub(super) fn is_unknown(&self) -> bool {
        let text = self.error.to_string();
        let words = ["not known", "No address", "does not resolve"];
        words.iter().any(|word| text.contains(word))
    }
}

impl fmt::Display for Unresolved {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.error.fmt(f)
    }
}

impl std::error::Error for Unresolved {}
