//! What a call broke on: read from the types in the chain of causes, as far as they are public.

use std::error::Error;
use std::io;

use chrono::DateTime;
use rustls::pki_types::UnixTime;
use rustls::{AlertDescription, CertificateError};

use super::resolver::DnsError;
use super::verifier::CertificateRejected;
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
            format!("the {whose} rejected the client certificate: {alert:?}"),
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

const NAME_IT: &str =
    "to trust this server, add its certificate to the file named by ca_file or --ca-file";
const OWN_CA: &str = "if your company has its own CA, set --ca-file or ca_file";
const RENEW: &str = "ask the operator to renew it, and check the local clock";
const NAME: &str = "check the host of the endpoint and which server answers";

/// What is wrong with a certificate, and what to do.
fn certificate_error(cause: &CertificateError) -> (TransportFailureKind, String, &'static str) {
    let seen = match cause {
        CertificateError::Other(other) => other.0.downcast_ref::<CertificateRejected>(),
        _ => None,
    };
    let issuer = seen.and_then(|seen| seen.issuer.as_deref());
    if let Some(untrusted) = seen.and_then(of_its_kind) {
        return untrusted;
    }
    match seen.map_or(cause, |seen| &seen.cause) {
        CertificateError::UnknownIssuer => {
            let why = match issuer {
                Some(issuer) => format!("unknown issuer {issuer}"),
                None => "unknown issuer".to_owned(),
            };
            (TransportFailureKind::UnknownIssuer, why, OWN_CA)
        }
        CertificateError::BadSignature => {
            let known = issuer.map_or_else(|| "its issuer".to_owned(), str::to_owned);
            let why = format!("it was not signed by the trusted CA {known}");
            (TransportFailureKind::UnknownIssuer, why, OWN_CA)
        }
        CertificateError::Expired => (
            TransportFailureKind::Expired,
            "it has expired".to_owned(),
            RENEW,
        ),
        CertificateError::ExpiredContext { not_after, .. } => {
            let why = format!("it expired at {}", shown(*not_after));
            (TransportFailureKind::Expired, why, RENEW)
        }
        CertificateError::NotValidYet => {
            let why = "it is not valid yet".to_owned();
            (
                TransportFailureKind::NotYetValid,
                why,
                "check the local clock",
            )
        }
        CertificateError::NotValidYetContext { not_before, .. } => {
            let why = format!("it is valid from {}", shown(*not_before));
            (
                TransportFailureKind::NotYetValid,
                why,
                "check the local clock",
            )
        }
        CertificateError::NotValidForName => {
            let why = "hostname mismatch".to_owned();
            (TransportFailureKind::WrongName, why, NAME)
        }
        CertificateError::NotValidForNameContext { presented, .. } => {
            let names: Vec<&str> = presented
                .iter()
                .take(5)
                .map(|name| for_people(name))
                .collect();
            let why = match names.is_empty() {
                true => "hostname mismatch (the certificate names no host)".to_owned(),
                false => format!(
                    "hostname mismatch (certificate is valid for {})",
                    names.join(", ")
                ),
            };
            (TransportFailureKind::WrongName, why, NAME)
        }
        CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. } => {
            let why = "it is not a server certificate".to_owned();
            (
                TransportFailureKind::Certificate,
                why,
                "use a server certificate",
            )
        }
        other => (TransportFailureKind::Certificate, other.to_string(), OWN_CA),
    }
}

/// What is said of a server's certificate that nobody has issued, or that is marked as a CA's; `None`
/// when something else is wrong with it.
fn of_its_kind(seen: &CertificateRejected) -> Option<(TransportFailureKind, String, &'static str)> {
    let is_about_issuer = matches!(
        seen.cause,
        CertificateError::UnknownIssuer
            | CertificateError::BadSignature
            | CertificateError::BadEncoding
            | CertificateError::Other(_)
    );
    let issuer = seen.issuer.as_deref().unwrap_or("no name");
    let why = match seen {
        _ if !is_about_issuer => return None,
        CertificateRejected {
            is_self_signed: true,
            ..
        } => format!("it is self-signed ({issuer})"),
        CertificateRejected {
            cause: CertificateError::Other(_),
            is_ca: true,
            ..
        } => format!("it is a CA certificate, issued by {issuer}"),
        _ => return None,
    };
    Some((TransportFailureKind::UnknownIssuer, why, NAME_IT))
}

/// `localhost` for `DnsName("localhost")`, `127.0.0.1` for `IpAddress(127.0.0.1)`.
fn for_people(name: &str) -> &str {
    let address = || {
        name.strip_prefix("IpAddress(")
            .and_then(|rest| rest.strip_suffix(')'))
    };
    name.split('"').nth(1).or_else(address).unwrap_or(name)
}

fn shown(time: UnixTime) -> String {
    let seconds = i64::try_from(time.as_secs()).unwrap_or(i64::MAX);
    DateTime::from_timestamp(seconds, 0).map_or_else(
        || format!("{seconds} s"),
        |moment| moment.format("%Y-%m-%dT%H:%M:%SZ").to_string(),
    )
}
