//! What a call broke on, in words; the text of a library is never shown.

mod certificate;
mod proxy;
mod tls;

use std::error::Error;
use std::io;

use super::connector::{ConnectError, ConnectFailure};
use super::resolver::DnsError;
use super::{Endpoint, RequestError, RetryAction};
use crate::error::{Category, TransportFailure, TransportFailureKind, io_text};

/// The way of a call, as far as it says whose fault a fault is.
pub(super) struct ErrorContext<'a> {
    /// Whom the call is for.
    pub endpoint: &'a Endpoint,
    /// True when it goes through a proxy.
    pub has_proxy: bool,
}

/// A refusal of the network.
pub(super) fn network_error(
    retry: RetryAction,
    fault: TransportFailure,
    message: impl Into<String>,
) -> RequestError {
    let mut refusal = RequestError::new(Category::Network, message);
    refusal.retry = retry;
    refusal.transport_failure = Some(fault);
    refusal
}

/// A response that did not come to its end.
pub(super) fn broken(message: impl Into<String>) -> RequestError {
    let fault = TransportFailure {
        kind: TransportFailureKind::Broken,
        at_proxy: false,
    };
    network_error(RetryAction::Backoff, fault, message)
}

/// What went wrong on the way; URLs are never shown, they hold tokens.
pub(super) fn classify(error: &(dyn Error + 'static), context: &ErrorContext<'_>) -> RequestError {
    let causes = causes(error);
    if let Some(error) = find::<ConnectError>(&causes) {
        return connect_error(error, &causes, context);
    }
    if let Some(fault) = find(&causes) {
        // What is in no tunnel goes to the proxy itself, whoever it is for.
        return tls::tls_error(fault, context.has_proxy && !context.endpoint.is_https());
    }
    let hyper = find::<hyper::Error>(&causes);
    if hyper.is_some_and(hyper::Error::is_parse) {
        return broken("the response is not valid HTTP");
    }
    let why = match find::<io::Error>(&causes) {
        Some(error) => io_text(error),
        None => "the server closed it".to_owned(),
    };
    broken(format!("connection lost while reading the response: {why}"))
}

fn connect_error(
    error: &ConnectError,
    causes: &[&(dyn Error + 'static)],
    context: &ErrorContext<'_>,
) -> RequestError {
    let at_proxy = error.at_proxy;
    if let Some(fault) = find(causes) {
        return tls::tls_error(fault, at_proxy);
    }
    if let Some(unresolved) = find(causes) {
        return dns_error(unresolved, at_proxy);
    }
    match &error.cause {
        ConnectFailure::Timeout => timeout_error(context.has_proxy),
        ConnectFailure::Tunnel(error) => proxy::tunnel_error(*error),
        ConnectFailure::Socks(error) => proxy::socks_error(*error),
        ConnectFailure::Tls(_) | ConnectFailure::Tcp(_) => {
            let error_of_system = find::<io::Error>(causes);
            let why = error_of_system.map_or_else(|| "no address".to_owned(), io_text);
            let kind = match (&error.cause, error_of_system.map(io::Error::kind)) {
                (ConnectFailure::Tls(_), _) => TransportFailureKind::Tls,
                (_, Some(io::ErrorKind::ConnectionRefused)) => {
                    TransportFailureKind::ConnectionRefused
                }
                (_, Some(io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable)) => {
                    TransportFailureKind::Unreachable
                }
                _ => TransportFailureKind::Connection,
            };
            broken_connection(TransportFailure { kind, at_proxy }, &why)
        }
    }
}

/// The innermost cause of a type: the one that the others only pass on.
fn find<'e, E: Error + 'static>(causes: &[&'e (dyn Error + 'static)]) -> Option<&'e E> {
    causes.iter().rev().find_map(|cause| cause.downcast_ref())
}

fn timeout_error(has_proxy: bool) -> RequestError {
    let fault = TransportFailure {
        kind: TransportFailureKind::ConnectTimeout,
        at_proxy: has_proxy,
    };
    let message = match has_proxy {
        true => "timed out connecting through the proxy",
        false => "timed out connecting",
    };
    network_error(RetryAction::Backoff, fault, message)
}

fn broken_connection(fault: TransportFailure, why: &str) -> RequestError {
    let (what, hint) = match fault {
        TransportFailure { at_proxy: true, .. } => {
            ("the connection to the proxy failed", proxy::CHECK)
        }
        TransportFailure {
            kind: TransportFailureKind::Tls,
            ..
        } => (
            "the connection was closed during the TLS handshake",
            "check that the endpoint's port speaks TLS and that no firewall blocks it",
        ),
        _ => ("the connection failed", "check endpoint, network and proxy"),
    };
    network_error(RetryAction::Backoff, fault, format!("{what}: {why}")).with_hint(hint)
}

/// The causes from the outermost to the innermost. The error wrapped by an I/O error is not one of
/// its sources, so that it is unwrapped.
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

fn dns_error(unresolved: &DnsError, at_proxy: bool) -> RequestError {
    if unresolved.foreign_localhost().is_some() {
        let fault = TransportFailure {
            kind: TransportFailureKind::UnknownHost,
            at_proxy,
        };
        return network_error(RetryAction::No, fault, unresolved.to_string())
            .with_hint("fix /etc/hosts, or use the address instead of localhost");
    }
    let (whose, hint) = match at_proxy {
        true => (
            "the proxy's host name",
            "check HTTPS_PROXY, ALL_PROXY and the network's DNS",
        ),
        false => (
            "the host name",
            "check region and endpoint, and the network's DNS",
        ),
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
