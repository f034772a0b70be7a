use super::*;
use crate::http::Response;
use crate::http::proxies::ProxyConfig;
use crate::http::tunnel::TunnelError;
use crate::http::verifier::CertificateRejected;
use rustls::{
    AlertDescription as Alert, CertificateError, Error, InvalidMessage, OtherError,
    PeerIncompatible, PeerMisbehaved,
};
use std::sync::Arc;
use std::time::Duration;

/// Returns the error for a proxy's response to `CONNECT`.
fn proxy_rejection(status: u16, authenticate: &str, proxy_url: Option<&str>) -> RequestError {
    let variables = proxy_url.map(|url| ("HTTPS_PROXY".to_owned(), url.to_owned()));
    let proxies = ProxyConfig::parse(&variables.into_iter().collect::<Vec<_>>());
    let endpoint = Endpoint::parse("https://a.example", &[], false).unwrap();
    let context = ErrorContext {
        endpoint: &endpoint,
        proxy: proxies.proxy_for(&endpoint),
        redactor: &Redactor::default(),
        now: DateTime::UNIX_EPOCH,
    };
    let headers = authenticate
        .split(';')
        .filter(|value| !value.is_empty())
        .map(|value| ("proxy-authenticate".to_owned(), value.to_owned()));
    let retry_after = ("retry-after".to_owned(), "7".to_owned());
    let response = Response {
        status,
        headers: headers.chain([retry_after]).collect(),
        body: b"<html><title>Access &amp; Denied</title>".to_vec(),
    };
    proxy::tunnel_error(&TunnelError::Rejected(response), &context)
}

#[test]
fn a_proxy_authentication_error_depends_on_the_credentials_and_methods() {
    for (status, authenticate, url, message, hint) in [
        (
            407,
            "",
            "http://10.0.0.1:80",
            "requires authentication",
            "http://NAME",
        ),
        (
            401,
            "",
            "https://10.0.0.1",
            "requires authentication",
            "https://NAME",
        ),
        (
            407,
            "Basic realm=x",
            "http://joe:pw@10.0.0.1",
            "rejected the user or password",
            "check the user",
        ),
        (
            407,
            "NTLM;Negotiate;Basic",
            "http://joe:pw@10.0.0.1",
            "rejected",
            "check",
        ),
        (
            407,
            "Negotiate;NTLM",
            "http://joe:pw@10.0.0.1",
            "requires Negotiate or NTLM authentication, which is not supported",
            "local proxy",
        ),
        (
            403,
            "",
            "http://10.0.0.1",
            "does not allow",
            "allow a.example",
        ),
    ] {
        let error = proxy_rejection(status, authenticate, Some(url));
        assert!(error.message.contains(message), "{}", error.message);
        let page = format!("HTTP {status} to CONNECT");
        assert!(error.message.contains(&page), "{}", error.message);
        let page = "HTML page 'Access & Denied'";
        assert!(error.message.ends_with(page), "{}", error.message);
        let shown = error.hint.unwrap();
        assert!(shown.contains(hint), "{hint}: {shown}");
    }
}

#[test]
fn every_proxy_status_is_named_and_only_transient_ones_are_retried() {
    for (status, retry) in [
        (302, RetryAction::No),
        (400, RetryAction::No),
        (401, RetryAction::No),
        (403, RetryAction::No),
        (405, RetryAction::No),
        (407, RetryAction::No),
        (429, RetryAction::Backoff),
        (501, RetryAction::No),
        (502, RetryAction::Backoff),
        (503, RetryAction::Backoff),
        (504, RetryAction::Backoff),
        (511, RetryAction::No),
    ] {
        let error = proxy_rejection(status, "", None);
        assert!(
            error.message.contains(&format!("HTTP {status}")),
            "{}",
            error.message
        );
        assert_eq!(error.retry, retry, "{status}");
        let pause = (retry == RetryAction::Backoff).then_some(Duration::from_secs(7));
        assert_eq!(error.retry_after, pause, "{status}");
        assert!(error.hint.is_some());
    }
}

#[test]
fn the_hint_for_a_proxy_depends_on_its_status() {
    for (status, hint) in [
        (
            302,
            "log in to the proxy, such as with a browser, or add the host to NO_PROXY",
        ),
        (
            400,
            "ask the operator of the proxy to allow a.example, or add it to NO_PROXY",
        ),
        (
            403,
            "ask the operator of the proxy to allow a.example, or add it to NO_PROXY",
        ),
        (405, "check HTTPS_PROXY, ALL_PROXY and NO_PROXY"),
        (429, "try again later, or lower --concurrency"),
        (501, "check HTTPS_PROXY, ALL_PROXY and NO_PROXY"),
        (
            502,
            "check the host name a.example, try again later, or add the host to NO_PROXY",
        ),
        (
            504,
            "check the host name a.example, try again later, or add the host to NO_PROXY",
        ),
        (
            511,
            "log in to the proxy, such as with a browser, or add the host to NO_PROXY",
        ),
    ] {
        let error = proxy_rejection(status, "", Some("http://10.0.0.1:80"));
        assert_eq!(error.hint.as_deref(), Some(hint), "{status}");
    }
}

/// Checks the message and the hint of each error.
fn assert_explained(errors: &[(Error, &str, &str)]) {
    for (error, words, advice) in errors {
        let shown = tls::tls_error(error, None, CertificateRequest::None);
        assert!(shown.message.contains(words), "{words}: {}", shown.message);
        let hint = shown.hint.unwrap();
        assert!(hint.contains(advice), "{advice}: {hint}");
        for debug in [
            format!("{error:?}"),
            "received fatal".to_owned(),
            "Context".to_owned(),
        ] {
            assert!(!shown.message.contains(&debug), "{}", shown.message);
        }
    }
}

#[test]
fn tls_errors_have_a_message_and_a_hint() {
    assert_explained(&[
        (
            Error::AlertReceived(Alert::ProtocolVersion),
            "neither TLS 1.2 nor TLS 1.3",
            "TLS 1.2 or later",
        ),
        (
            PeerIncompatible::ServerDoesNotSupportTls12Or13.into(),
            "neither TLS 1.2 nor TLS 1.3",
            "TLS 1.2 or later",
        ),
        (
            Error::AlertReceived(Alert::HandshakeFailure),
            "no cipher suite or key type",
            "P-521",
        ),
        (
            PeerIncompatible::NoCipherSuitesInCommon.into(),
            "no cipher suite or key type",
            "ECDHE",
        ),
        (
            Error::AlertReceived(Alert::UnrecognisedName),
            "does not serve this host",
            "host of the endpoint",
        ),
        (
            Error::AlertReceived(Alert::CertificateRequired),
            "a certificate is required",
            "client_cert",
        ),
        (
            Error::AlertReceived(Alert::InternalError),
            "internal error",
            "network",
        ),
        (
            Error::AlertReceived(Alert::Unknown(200)),
            "alert 200",
            "network",
        ),
        (
            InvalidMessage::InvalidContentType.into(),
            "does not use TLS",
            "port",
        ),
        (
            PeerMisbehaved::BadCertChainExtensions.into(),
            "violated the TLS protocol",
            "network",
        ),
        (Error::DecryptError, "violated the TLS protocol", "network"),
    ]);
}

#[test]
fn a_tls_error_of_a_proxy_names_the_setting_with_its_url() {
    let endpoint = Endpoint::parse("https://a.example", &[], false).unwrap();
    let variables = [("https_proxy".to_owned(), "https://127.0.0.1:1".to_owned())];
    let of_variable = ProxyConfig::parse(&variables);
    let of_profile = ProxyConfig::from_url("https://127.0.0.1:1");
    for (proxies, name) in [(of_variable, "https_proxy"), (of_profile, "proxy_url")] {
        let proxy = proxies.proxy_for(&endpoint);
        for (error, end) in [
            (
                Error::from(InvalidMessage::InvalidContentType),
                ": a proxy without TLS has the scheme http://",
            ),
            (Error::AlertReceived(Alert::UnrecognisedName), ""),
        ] {
            let shown = tls::tls_error(&error, proxy, CertificateRequest::None);
            assert!(shown.message.starts_with("the proxy does not"));
            assert_eq!(shown.hint, Some(format!("check {name}{end}")));
        }
    }
}

#[test]
fn a_handshake_failed_after_a_certificate_request_names_the_certificate() {
    use CertificateRequest::{Answered, None, Unanswered};
    for (alert, request, words) in [
        (Alert::HandshakeFailure, None, "no cipher suite"),
        (
            Alert::HandshakeFailure,
            Unanswered,
            "certificate is required",
        ),
        (Alert::BadCertificate, Unanswered, "certificate is required"),
        (Alert::HandshakeFailure, Answered, ": handshake failure"),
        (Alert::UnknownCA, Answered, ": unknown issuer"),
        (Alert::DecryptError, Answered, "rejected the client"),
        (Alert::DecryptError, Unanswered, "ended the TLS connection"),
        (Alert::InternalError, Unanswered, "internal error"),
    ] {
        let error = tls::tls_error(&Error::AlertReceived(alert), Option::None, request);
        assert!(error.message.contains(words), "{words}: {}", error.message);
        let is_about_client = error.hint.unwrap().contains("client_cert");
        let expected = error.message.contains("rejected the client certificate");
        assert_eq!(is_about_client, expected, "{words}");
    }
}

#[test]
fn certificate_errors_have_a_message_and_a_hint() {
    let rejected = |weak_key_bits, in_handshake| {
        let rejected = CertificateRejected {
            cause: CertificateError::BadSignature,
            store_problem: None,
            issuer: Some("CN=corp ca".to_owned()),
            is_self_signed: false,
            is_ca: false,
            has_old_version: false,
            weak_key_bits,
            in_handshake,
        };
        Error::InvalidCertificate(CertificateError::Other(OtherError(Arc::new(rejected))))
    };
    let signed_with = |id: &[u8]| {
        let signature_algorithm_id = [&[6, 9][..], id, &[5, 0]].concat();
        let supported_algorithms = Vec::new();
        Error::InvalidCertificate(CertificateError::UnsupportedSignatureAlgorithmContext {
            signature_algorithm_id,
            supported_algorithms,
        })
    };
    let p521 = CertificateError::UnsupportedSignatureAlgorithmForPublicKeyContext {
        signature_algorithm_id: vec![1],
        public_key_algorithm_id: b"\x06\x05\x2b\x81\x04\x00\x23".to_vec(),
    };
    assert_explained(&[
        (
            rejected(Some(1024), false),
            "RSA key of 1024 bits; at least 2048",
            "reissue it",
        ),
        (
            rejected(None, true),
            "does not prove",
            "which server answers",
        ),
        (
            rejected(None, false),
            "not signed by the trusted CA CN=corp ca",
            "ca_file",
        ),
        (
            signed_with(b"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x05"),
            "signed with SHA-1",
            "SHA-256",
        ),
        (
            signed_with(b"\x2a\x86\x48\xce\x3d\x04\x01"),
            "signed with SHA-1",
            "SHA-256",
        ),
        (
            signed_with(b"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x04"),
            "signed with MD5",
            "SHA-256",
        ),
        (signed_with(b"\x01"), "not supported", "SHA-256"),
        (Error::InvalidCertificate(p521), "P-521 key", "P-256"),
    ]);
}
