//! What a call broke on: read from the types in the chain of causes, as far as they are public.

mod certificate;

use std::error::Error;
use std::io;

use rustls::AlertDescription;

use certificate::certificate_error;

use super::resolver::DnsError;
use super::{Endpoint, RequestError, RetryAction};
use crate::error::{Category, TransportFailure, TransportFailureKind};
use crate::secret::mask_user_info;

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

/// What went wrong on the way; URLs are never shown, they hold tokens.
pub(super) fn classify(error: &reqwest::Error, way: &ErrorContext<'_>) -> RequestError {
    let causes = causes(error);
    let said = proxy_message(&causes);
    // What is in no tunnel goes to the proxy itself, whoever it is for.
    let before_tunnel = way.has_proxy && (said.is_some() || !way.endpoint.is_https());
    if let Some(fault) = find(&causes) {
        return tls_error(fault, before_tunnel);
    }
    if let Some(unresolved) = find::<DnsError>(&causes) {
        let at_proxy = way.has_proxy && unresolved.host != way.endpoint.host();
        return dns_error(unresolved, at_proxy);
    }
    if error.is_timeout() {
        return timeout_error(way.has_proxy);
    }
    let last = causes.last().map_or_else(
        || "no cause given".to_owned(),
        |cause| mask_user_info(&cause.to_string()),
    );
    let kind = match find::<io::Error>(&causes).map(io::Error::kind) {
        Some(io::ErrorKind::ConnectionRefused) => TransportFailureKind::ConnectionRefused,
        Some(io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable) => {
            TransportFailureKind::Unreachable
        }
        Some(io::ErrorKind::UnexpectedEof) if way.endpoint.is_https() && !before_tunnel => {
            TransportFailureKind::Tls
        }
        _ => TransportFailureKind::Connection,
    };
    let is_unreached = matches!(
        kind,
        TransportFailureKind::ConnectionRefused | TransportFailureKind::Unreachable
    );
    // A proxy that cannot be reached is none that says no; one of SOCKS keeps the cause to itself.
    if let Some(said) = said.filter(|said| !is_unreached && !said.starts_with("failed to create")) {
        return proxy_error(&said, &last);
    }
    if error.is_connect() {
        let at_proxy = way.has_proxy && (before_tunnel || is_unreached);
        return connect_error(TransportFailure { kind, at_proxy }, &last);
    }
    let fault = TransportFailure {
        kind: TransportFailureKind::Broken,
        at_proxy: false,
    };
    let message = format!("connection lost while reading the response: {last}");
    network_error(RetryAction::Backoff, fault, message)
}

/// The innermost cause of a type: the one that the others only pass on.
fn find<'e, E: Error + 'static>(causes: &[&'e (dyn Error + 'static)]) -> Option<&'e E> {
    causes.iter().rev().find_map(|cause| cause.downcast_ref())
}

/// What a fault of the way through a proxy says. Such faults have types that nobody else can name,
/// and are known by how they begin.
fn proxy_message(causes: &[&(dyn Error + 'static)]) -> Option<String> {
    causes.iter().find_map(|cause| {
        let told = cause.to_string();
        let begins = ["tunnel error: ", "SOCKS error: "];
        let said = begins.iter().find_map(|begin| told.strip_prefix(begin))?;
        Some(said.to_owned())
    })
}

const PROXIES: &str = "check HTTPS_PROXY, ALL_PROXY and NO_PROXY";

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

fn proxy_error(said: &str, last: &str) -> RequestError {
    // A wrong password that is sent again and again locks the user's account.
    let (retry, kind) = match is_about_login(said) {
        true => (RetryAction::No, TransportFailureKind::ProxyAuthorization),
        false => (RetryAction::Backoff, TransportFailureKind::ProxyRefused),
    };
    let fault = TransportFailure {
        kind,
        at_proxy: true,
    };
    let message = format!("the proxy rejected the request: {last}");
    network_error(retry, fault, message).with_hint(PROXIES)
}

fn connect_error(fault: TransportFailure, last: &str) -> RequestError {
    let (what, hint) = match fault {
        TransportFailure { at_proxy: true, .. } => ("the connection to the proxy failed", PROXIES),
        TransportFailure {
            kind: TransportFailureKind::Tls,
            ..
        } => (
            "the connection was closed during the TLS handshake",
            "check that the endpoint's port speaks TLS and that no firewall blocks it",
        ),
        _ => ("the connection failed", "check endpoint, network and proxy"),
    };
    network_error(RetryAction::Backoff, fault, format!("{what}: {last}")).with_hint(hint)
}

/// True for what a proxy says that wants a name and a password, or others.
fn is_about_login(said: &str) -> bool {
    let words = [
        "authorization",
        "authentication",
        "credentials not accepted",
    ];
    words.iter().any(|words| said.contains(words))
}

/// The causes from the outermost to the innermost. The error wrapped by an I/O error is not one of
/// its sources, so that it is unwrapped.
fn causes<'e>(error: &'e reqwest::Error) -> Vec<&'e (dyn Error + 'static)> {
    let mut causes: Vec<&'e (dyn Error + 'static)> = Vec::new();
    let mut next = error.source();
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

fn tls_error(error: &rustls::Error, at_proxy: bool) -> RequestError {
    let whose = if at_proxy { "proxy" } else { "server" };
    let never = |kind, message: String, hint: &str| {
        network_error(
            RetryAction::No,
            TransportFailure { kind, at_proxy },
            message,
        )
        .with_hint(hint)
    };
    match error {
        rustls::Error::InvalidCertificate(cause) => {
            let (kind, why, hint) = certificate_error(cause);
            let message = format!("the {whose}'s certificate is not trusted: {why}");
            never(kind, message, hint)
        }
        rustls::Error::AlertReceived(alert) if is_about_client(*alert) => never(
            TransportFailureKind::ClientCertificate,
            format!(
                "the {whose} rejected the client certificate: {}",
                alert_text(*alert)
            ),
            "set client_cert and client_key to those issued by the operator",
        ),
        rustls::Error::InvalidMessage(_) => never(
            TransportFailureKind::NoTls,
            format!("the {whose} does not speak TLS on this port: {error}"),
            "check the port of the endpoint, or whether it should be http://",
        ),
        _ => {
            let fault = TransportFailure {
                kind: TransportFailureKind::Tls,
                at_proxy,
            };
            let message = format!("the connection failed: {error}");
            network_error(RetryAction::Backoff, fault, message)
                .with_hint("check endpoint, network and proxy")
        }
    }
}

/// True for what a server says of a client's certificate, or of the lack of one.
fn is_about_client(alert: AlertDescription) -> bool {
    use AlertDescription as Alert;
    matches!(
        alert,
        Alert::CertificateRequired
            | Alert::NoCertificate
            | Alert::BadCertificate
            | Alert::UnsupportedCertificate
            | Alert::CertificateRevoked
            | Alert::CertificateExpired
            | Alert::CertificateUnknown
            | Alert::UnknownCA
            | Alert::AccessDenied
    )
}

/// What a server says of a client's certificate, in words.
fn alert_text(alert: AlertDescription) -> &'static str {
    use AlertDescription as Alert;
    match alert {
        Alert::CertificateRequired | Alert::NoCertificate => "a certificate is required",
        Alert::UnsupportedCertificate => "unsupported type",
        Alert::CertificateRevoked => "certificate revoked",
        Alert::CertificateExpired => "certificate expired",
        Alert::UnknownCA => "unknown issuer",
        Alert::AccessDenied => "access denied",
        _ => "bad certificate",
    }
}
