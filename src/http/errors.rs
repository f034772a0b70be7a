//! Describes why a request failed. Messages of libraries are never shown.

mod certificate;
mod proxy;
mod tls;

pub use tls::CLIENT_CERTIFICATE_HINT;

use std::error::Error;
use std::io;

use chrono::{DateTime, Utc};

use super::client_certificate::CertificateRequest;
use super::connector::{ConnectError, ConnectFailure};
use super::proxies::Proxy;
use super::resolver::DnsError;
use super::{Endpoint, RequestError, RetryAction};
use crate::error::{Category, TransportFailure, TransportFailureKind, io_text};
use crate::secret::Redactor;

pub(super) use proxy::explain_login;

/// The parties of a request, which determine the cause that an error message names.
pub(super) struct ErrorContext<'a> {
    /// The endpoint of the request.
    pub endpoint: &'a Endpoint,
    /// The proxy that the request is sent through.
    pub proxy: Option<&'a Proxy>,
    /// Masks secrets in the error page of a proxy.
    pub redactor: &'a Redactor,
    /// The local time.
    pub now: DateTime<Utc>,
}

/// Creates an error of the category `network`.
pub(super) fn network_error(
    retry: RetryAction,
    fault: TransportFailure,
    message: impl Into<String>,
) -> RequestError {
    let mut error = RequestError::new(Category::Network, message);
    error.retry = retry;
    error.transport_failure = Some(fault);
    error
}

/// Creates an error for a response that ended early.
pub(super) fn broken(message: impl Into<String>) -> RequestError {
    let fault = TransportFailure::direct(TransportFailureKind::Broken);
    network_error(RetryAction::Backoff, fault, message).with_hint("check the endpoint and network")
}

/// Classifies a transport error. Its text never contains URLs, since they can contain tokens.
pub(super) fn classify(error: &(dyn Error + 'static), context: &ErrorContext<'_>) -> RequestError {
    let causes = causes(error);
    if let Some(error) = find::<ConnectError>(&causes) {
        return connect_error(error, &causes, context);
    }
    if let Some(fault) = find(&causes) {
        // A request outside a tunnel goes to the proxy itself, whatever its endpoint.
        let proxy = context.proxy.filter(|_| !context.endpoint.is_https());
        // With TLS 1.3, a server verifies the client's certificate after the handshake.
        return tls::tls_error(fault, proxy, CertificateRequest::Answered);
    }
    let hyper = find::<hyper::Error>(&causes);
    if hyper.is_some_and(hyper::Error::is_parse_too_large) {
        // The response to another attempt would have the same headers.
        return RequestError {
            retry: RetryAction::No,
            ..broken("the headers of the response are too large")
        };
    }
    let system = find::<io::Error>(&causes);
    // Invalid chunk lengths are reported with these error kinds.
    let is_chunk = |error: &io::Error| {
        matches!(
            error.kind(),
            io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData
        )
    };
    if hyper.is_some_and(hyper::Error::is_parse) || system.is_some_and(is_chunk) {
        let hint = "check the scheme and port of the endpoint";
        return broken("the response is not valid HTTP").with_hint(hint);
    }
    let reason = match system {
        Some(error) => io_text(error),
        None => "the server closed it".to_owned(),
    };
    broken(format!(
        "connection lost while reading the response: {reason}"
    ))
}

fn connect_error(
    error: &ConnectError,
    causes: &[&(dyn Error + 'static)],
    context: &ErrorContext<'_>,
) -> RequestError {
    let at_proxy = error.at_proxy;
    let request = match error.cause {
        ConnectFailure::Tls(_, request) => request,
        _ => CertificateRequest::None,
    };
    if let Some(fault) = find(causes) {
        return tls::tls_error(fault, context.proxy.filter(|_| at_proxy), request);
    }
    if let Some(unresolved) = find(causes) {
        let error_of_name = dns_error(unresolved, at_proxy);
        return match error.cause {
            ConnectFailure::NameForSocks(_) => error_of_name.with_hint(proxy::SEND_NAME),
            _ => error_of_name,
        };
    }
    match &error.cause {
        ConnectFailure::Timeout => timeout_error(context.proxy.is_some()),
        ConnectFailure::TlsTimeout => handshake_timeout(at_proxy),
        ConnectFailure::Tunnel(error) => proxy::tunnel_error(error, context),
        ConnectFailure::Socks(error) => proxy::socks_error(*error, context),
        ConnectFailure::Tls(..) | ConnectFailure::Tcp(_) | ConnectFailure::NameForSocks(_) => {
            let error_of_system = find::<io::Error>(causes);
            let reason = error_of_system.map_or_else(|| "no address".to_owned(), io_text);
            let kind = match (&error.cause, error_of_system.map(io::Error::kind)) {
                (ConnectFailure::Tls(..), _) => TransportFailureKind::Tls,
                (_, Some(io::ErrorKind::ConnectionRefused)) => {
                    TransportFailureKind::ConnectionRefused
                }
                (_, Some(io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable)) => {
                    TransportFailureKind::Unreachable
                }
                _ => TransportFailureKind::Connection,
            };
            let broken = broken_connection(TransportFailure { kind, at_proxy }, &reason);
            match request {
                CertificateRequest::Unanswered => broken.with_hint(CLIENT_CERTIFICATE_HINT),
                _ => broken,
            }
        }
    }
}

/// Returns the innermost cause of type `E`, which the outer errors only wrap.
fn find<'e, E: Error + 'static>(causes: &[&'e (dyn Error + 'static)]) -> Option<&'e E> {
    causes.iter().rev().find_map(|cause| cause.downcast_ref())
}

fn timeout_error(has_proxy: bool) -> RequestError {
    let fault = TransportFailure {
        kind: TransportFailureKind::ConnectTimeout,
        at_proxy: has_proxy,
    };
    let (message, check) = match has_proxy {
        true => ("timed out connecting through the proxy", proxy::CHECK),
        false => (
            "timed out connecting",
            "check the endpoint and whether a proxy is needed (HTTPS_PROXY)",
        ),
    };
    let hint = format!("{check}; --connect-timeout allows more time");
    network_error(RetryAction::Backoff, fault, message).with_hint(hint)
}

fn handshake_timeout(at_proxy: bool) -> RequestError {
    let fault = TransportFailure {
        kind: TransportFailureKind::ConnectTimeout,
        at_proxy,
    };
    let (message, check) = match at_proxy {
        true => (
            "timed out in the TLS handshake with the proxy",
            proxy::CHECK,
        ),
        false => (
            "timed out in the TLS handshake",
            "check that the endpoint's port uses TLS and whether a proxy is needed (HTTPS_PROXY)",
        ),
    };
    let hint = format!("{check}; --connect-timeout allows more time");
    network_error(RetryAction::Backoff, fault, message).with_hint(hint)
}

fn broken_connection(fault: TransportFailure, reason: &str) -> RequestError {
    let (what, hint) = match fault {
        TransportFailure { at_proxy: true, .. } => {
            ("the connection to the proxy failed", proxy::CHECK)
        }
        TransportFailure {
            kind: TransportFailureKind::Tls,
            ..
        } => (
            "the connection was closed during the TLS handshake",
            "check that the endpoint's port uses TLS and that no firewall blocks it",
        ),
        _ => ("the connection failed", "check endpoint, network and proxy"),
    };
    network_error(RetryAction::Backoff, fault, format!("{what}: {reason}")).with_hint(hint)
}

/// Returns the causes from the outermost to the innermost. The error in an I/O error is not one of its sources,
/// so it is unwrapped.
fn causes<'e>(error: &'e (dyn Error + 'static)) -> Vec<&'e (dyn Error + 'static)> {
    let mut causes: Vec<&'e (dyn Error + 'static)> = Vec::new();
    let mut next = Some(error);
    while let Some(cause) = next {
        causes.push(cause);
        let wrapped = cause
            .downcast_ref::<io::Error>()
            .and_then(io::Error::get_ref);
        next = match wrapped {
            Some(wrapped) => Some(wrapped),
            None => cause.source(),
        };
    }
    causes
}

/// Hint for a host without an address.
pub const UNKNOWN_HOST_HINT: &str = "check region and endpoint, and the network's DNS";

fn dns_error(unresolved: &DnsError, at_proxy: bool) -> RequestError {
    if unresolved.foreign_localhost().is_some() {
        let kind = TransportFailureKind::UnknownHost;
        let fault = TransportFailure { kind, at_proxy };
        return network_error(RetryAction::No, fault, unresolved.to_string())
            .with_hint("fix /etc/hosts, or use the address instead of localhost");
    }
    let (whose, hint) = match at_proxy {
        true => (
            "the proxy's host name",
            "check HTTPS_PROXY, ALL_PROXY and the network's DNS",
        ),
        false => ("the host name", UNKNOWN_HOST_HINT),
    };
    let (retry, kind) = match unresolved.is_unknown() {
        true => (RetryAction::No, TransportFailureKind::UnknownHost),
        false => (RetryAction::Backoff, TransportFailureKind::DnsFailure),
    };
    let message = format!("cannot resolve {whose}: {unresolved}");
    network_error(retry, TransportFailure { kind, at_proxy }, message).with_hint(hint)
}

#[cfg(test)]
mod tests;
