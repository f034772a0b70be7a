//! Describes TLS errors, with hints.

use rustls::{AlertDescription, Error, InvalidMessage, PeerIncompatible};

use super::certificate::certificate_error;
use super::network_error;
use crate::error::{Category, TransportFailure, TransportFailureKind};
use crate::http::client_certificate::CertificateRequest;
use crate::http::proxies::Proxy;
use crate::http::{RequestError, RetryAction};

const UPGRADE: &str = "ask the operator to enable TLS 1.2 or later on the server";
const SUPPORTED: &str = "ask the operator to enable ECDHE key exchange with AES-GCM or ChaCha20-Poly1305, and a certificate \
     with an RSA (2048 bits or more), P-256, P-384 or Ed25519 key; P-521 keys, CBC ciphers and RSA key exchange are not supported";
/// The hint for a client certificate that is missing or rejected.
pub const CLIENT_CERTIFICATE_HINT: &str =
    "set client_cert and client_key to those issued by the operator";
const CHECK_PORT: &str = "check the port of the endpoint, or whether it should be http://";
const CHECK_HOST: &str = "check the host of the endpoint";
const NETWORK: &str = "check endpoint, network and proxy";

/// Describes a TLS error between this machine and a server, or a proxy if `proxy` is set.
pub(super) fn tls_error(
    error: &Error,
    proxy: Option<&Proxy>,
    request: CertificateRequest,
) -> RequestError {
    use TransportFailureKind::{ClientCertificate, NoTls, Tls};
    let at_proxy = proxy.is_some();
    let whose = if at_proxy { "proxy" } else { "server" };
    let mut retry = RetryAction::No;
    let (kind, message, hint) = match error {
        Error::InvalidCertificate(cause) => {
            let (kind, reason, hint) = certificate_error(cause);
            let message = format!("the {whose}'s certificate is not trusted: {reason}");
            (kind, message, hint)
        }
        Error::AlertReceived(alert) if is_about_client(*alert, request) => {
            let reason = match request {
                CertificateRequest::Unanswered => alert_text(AlertDescription::CertificateRequired),
                _ => alert_text(*alert),
            };
            let message = format!("the {whose} rejected the client certificate: {reason}");
            (ClientCertificate, message, CLIENT_CERTIFICATE_HINT)
        }
        Error::AlertReceived(AlertDescription::ProtocolVersion)
        | Error::PeerIncompatible(
            PeerIncompatible::ServerDoesNotSupportTls12Or13
            | PeerIncompatible::ServerTlsVersionIsDisabledByOurConfig,
        )
        | Error::InvalidMessage(InvalidMessage::UnknownProtocolVersion) => {
            let message = format!("the {whose} supports neither TLS 1.2 nor TLS 1.3");
            (Tls, message, UPGRADE)
        }
        Error::AlertReceived(
            AlertDescription::HandshakeFailure | AlertDescription::InsufficientSecurity,
        )
        | Error::PeerIncompatible(_) => {
            let message = format!(
                "the {whose} supports no cipher suite or key type that joblens supports (TLS handshake failure)"
            );
            (Tls, message, SUPPORTED)
        }
        Error::AlertReceived(AlertDescription::UnrecognisedName) => {
            let message = format!("the {whose} does not serve this host name");
            (Tls, message, CHECK_HOST)
        }
        Error::InvalidMessage(_) => {
            let message = format!("the {whose} does not use TLS on this port");
            (NoTls, message, CHECK_PORT)
        }
        Error::AlertReceived(alert) => {
            retry = RetryAction::Backoff;
            let message = format!(
                "the {whose} ended the TLS connection: {}",
                alert_text(*alert)
            );
            (Tls, message, NETWORK)
        }
        _ => {
            retry = RetryAction::Backoff;
            let message = format!("the {whose} violated the TLS protocol");
            (Tls, message, NETWORK)
        }
    };
    let mut error = network_error(retry, TransportFailure { kind, at_proxy }, message);
    if kind == ClientCertificate && !at_proxy {
        error.category = Category::Unauthenticated;
    }
    match proxy {
        Some(proxy) => error.with_hint(proxy_hint(proxy, hint)),
        None => error.with_hint(hint),
    }
}

/// Returns the hint for a TLS error of a proxy, for which `hint` would name the endpoint.
fn proxy_hint(proxy: &Proxy, hint: &str) -> String {
    let variable = &proxy.variable;
    match hint {
        CHECK_PORT => format!("check {variable}: a proxy without TLS has the scheme http://"),
        CHECK_HOST => format!("check {variable}"),
        hint => hint.to_owned(),
    }
}

/// Returns `true` if an alert is about the client's certificate or its absence. TLS 1.2 has no separate alert for
/// that, so it also depends on whether the server requested a certificate.
fn is_about_client(alert: AlertDescription, request: CertificateRequest) -> bool {
    use AlertDescription as Alert;
    if let Alert::HandshakeFailure | Alert::InsufficientSecurity = alert {
        return request != CertificateRequest::None;
    }
    if alert == Alert::DecryptError {
        return request == CertificateRequest::Answered;
    }
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

/// Returns the text of an alert.
fn alert_text(alert: AlertDescription) -> String {
    use AlertDescription as Alert;
    let words = match alert {
        Alert::CertificateRequired | Alert::NoCertificate => "a certificate is required",
        Alert::BadCertificate | Alert::CertificateUnknown => "bad certificate",
        Alert::UnsupportedCertificate => "unsupported type",
        Alert::CertificateRevoked => "certificate revoked",
        Alert::CertificateExpired => "certificate expired",
        Alert::UnknownCA => "unknown issuer",
        Alert::AccessDenied => "access denied",
        Alert::HandshakeFailure => "handshake failure",
        Alert::InsufficientSecurity => "insufficient security",
        Alert::InternalError => "internal error",
        Alert::UnexpectedMessage => "unexpected message",
        Alert::IllegalParameter => "illegal parameter",
        Alert::DecodeError => "decode error",
        Alert::DecryptError => "decrypt error",
        Alert::BadRecordMac => "bad record MAC",
        Alert::UserCanceled => "canceled by the user",
        Alert::NoApplicationProtocol => "HTTP/1.1 is not supported",
        _ => return format!("alert {}", u8::from(alert)),
    };
    words.to_owned()
}
