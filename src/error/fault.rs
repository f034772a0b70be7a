use serde::{Deserialize, Serialize};

/// How a request failed in transit, as data instead of a message to parse.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct TransportFailure {
    /// What happened.
    pub kind: TransportFailureKind,
    /// True when the call came no further than the proxy.
    pub at_proxy: bool,
}

impl TransportFailure {
    /// A failure of the cloud's host, or on the way to it.
    pub const fn direct(kind: TransportFailureKind) -> Self {
        let at_proxy = false;
        Self { kind, at_proxy }
    }

    /// A failure of the proxy.
    pub const fn at_proxy(kind: TransportFailureKind) -> Self {
        let at_proxy = true;
        Self { kind, at_proxy }
    }
}

/// What makes a request fail in transit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TransportFailureKind {
    /// The host name has no address.
    UnknownHost,
    /// The address of the host could not be resolved.
    DnsFailure,
    /// Connection refused: there is no listener.
    ConnectionRefused,
    /// There is no route to the host.
    Unreachable,
    /// The connection was not opened in time.
    ConnectTimeout,
    /// Another fault of the connection before anything was sent.
    Connection,
    /// The proxy does not open a tunnel to the host.
    ProxyRefused,
    /// The proxy requires a name and a password, or refuses them.
    ProxyAuthorization,
    /// The variable that names the proxy has a value that cannot be used.
    InvalidProxy,
    /// This machine has no CA certificates, so no certificate can be verified.
    NoCaCertificates,
    /// The certificate of the server was issued by an unknown CA.
    UnknownIssuer,
    /// The certificate of the server has expired.
    Expired,
    /// The certificate of the server is not valid yet.
    NotYetValid,
    /// The certificate of the server is for other names.
    WrongName,
    /// The certificate of the server cannot be taken for another reason.
    Certificate,
    /// The server requires a certificate of the client, or rejects the one that was presented.
    ClientCertificate,
    /// The server does not use TLS.
    NoTls,
    /// Another fault of TLS.
    Tls,
    /// The answer was not complete in time.
    Timeout,
    /// The deadline of the caller came before the request could be sent or answered. It is unrelated
    /// to the network and the server.
    DeadlineExceeded,
    /// The connection broke before the answer was complete.
    Broken,
}
