use serde::{Deserialize, Serialize};

/// Describes how a request failed in transit, as data instead of a message to parse.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct TransportFailure {
    /// The kind of failure.
    pub kind: TransportFailureKind,
    /// `true` if the call only reached the proxy.
    pub at_proxy: bool,
}

impl TransportFailure {
    /// Creates a failure of the cloud's host, or of the connection to it.
    pub const fn direct(kind: TransportFailureKind) -> Self {
        let at_proxy = false;
        Self { kind, at_proxy }
    }

    /// Creates a failure of the proxy.
    pub const fn at_proxy(kind: TransportFailureKind) -> Self {
        let at_proxy = true;
        Self { kind, at_proxy }
    }
}

/// The reason why a request failed in transit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TransportFailureKind {
    /// The host name has no address.
    UnknownHost,
    /// The address of the host could not be resolved.
    DnsFailure,
    /// The connection was refused: no process listens on the port.
    ConnectionRefused,
    /// The network has no route to the host.
    Unreachable,
    /// The connection was not opened in time.
    ConnectTimeout,
    /// Another connection error before anything was sent.
    Connection,
    /// The proxy does not open a tunnel to the host.
    ProxyRefused,
    /// The proxy requires a user and password, or rejects them.
    ProxyAuthorization,
    /// The variable that configures the proxy has an invalid value.
    InvalidProxy,
    /// This machine has no CA certificates, so no certificate can be verified.
    NoCaCertificates,
    /// The certificate of the server was issued by an unknown CA.
    UnknownIssuer,
    /// The certificate of the server has expired.
    Expired,
    /// The certificate of the server is not yet valid.
    NotYetValid,
    /// The certificate of the server is for other names.
    WrongName,
    /// The certificate of the server is invalid for another reason.
    Certificate,
    /// The server requires a client certificate, or rejects the one that was sent.
    ClientCertificate,
    /// The server does not use TLS.
    NoTls,
    /// Another TLS error.
    Tls,
    /// The response was not complete in time.
    Timeout,
    /// The caller's deadline passed before the request could be sent or its response had arrived. This does not
    /// indicate a problem of the network or the server.
    DeadlineExceeded,
    /// The connection broke before the response was complete.
    Broken,
}

/// A fact about a failed request that decides how to go on, as data instead of a hint to compare.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FailureDetail {
    /// The response exceeds the size limit. A smaller page of a list may not.
    ResponseTooLarge,
    /// HTTP 404 for an object that the server lists: the response is probably that of a proxy.
    ListedObjectNotFound,
    /// The request was not sent, since an earlier one to its host failed.
    NotSent {
        /// The number of attempts of the earlier request, whose error this is.
        attempts: u32,
    },
}
