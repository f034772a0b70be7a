//! Describes errors of a server's certificate.

use chrono::DateTime;
use rustls::CertificateError;
use rustls::pki_types::UnixTime;

use crate::error::TransportFailureKind;
use crate::http::ca_store;
use crate::http::verifier::{CertificateRejected, MIN_RSA_BITS};

const TRUST_CERTIFICATE_HINT: &str =
    "to trust this server, add its certificate to the file named by ca_file or --ca-file";
const COMPANY_CA_HINT: &str = "if your company has its own CA, set --ca-file or ca_file";
const RENEW_CERTIFICATE_HINT: &str = "ask the operator to renew it, and check the local clock";
const REISSUE: &str = "ask the operator to reissue it";
const OLD_VERSION: &str = "ask the operator to reissue it with version 3 and its host name; \
     until then add the server's own certificate to the file named by ca_file or --ca-file";
const WEAK: &str = "ask the operator to reissue it with SHA-256 or SHA-384 and an RSA key (2048 bits or more), P-256 or P-384";
const NAME: &str = "check the host of the endpoint and which server answers";

/// Returns the kind, a message and a hint for an invalid certificate.
pub(super) fn certificate_error(
    cause: &CertificateError,
) -> (TransportFailureKind, String, &'static str) {
    let seen = match cause {
        CertificateError::Other(other) => other.0.downcast_ref::<CertificateRejected>(),
        _ => None,
    };
    if let Some(untrusted) = seen.and_then(untrusted_issuer) {
        return untrusted;
    }
    let cause = seen.map_or(cause, |seen| &seen.cause);
    if let Some(invalid) = validity_error(cause) {
        return invalid;
    }
    match cause {
        CertificateError::UnknownIssuer => {
            let issuer = seen.and_then(|seen| seen.issuer.as_deref());
            let issuer = issuer.map_or_else(String::new, |issuer| format!(" {issuer}"));
            let (problem, hint) = match seen.and_then(|seen| seen.store_problem.as_deref()) {
                Some(problem) => (format!(" ({problem})"), ca_store::FIX),
                None => (String::new(), COMPANY_CA_HINT),
            };
            let reason = format!("unknown issuer{issuer}{problem}");
            (TransportFailureKind::UnknownIssuer, reason, hint)
        }
        CertificateError::BadSignature => signature_error(seen),
        CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. } => {
            let reason = "it is not a server certificate".to_owned();
            (
                TransportFailureKind::Certificate,
                reason,
                "use a server certificate",
            )
        }
        CertificateError::Other(_) if seen.is_some_and(|seen| seen.has_old_version) => {
            let reason =
                "it, or a CA certificate above it, is of version 1, which has no extensions";
            (
                TransportFailureKind::Certificate,
                reason.to_owned(),
                OLD_VERSION,
            )
        }
        other => {
            let (reason, hint) = other_error(other);
            (TransportFailureKind::Certificate, reason.to_owned(), hint)
        }
    }
}

/// Describes an error of the certificate's dates or host names; `None` for another error.
fn validity_error(
    cause: &CertificateError,
) -> Option<(TransportFailureKind, String, &'static str)> {
    use TransportFailureKind::{Expired, NotYetValid, WrongName};
    const CLOCK: &str = "check the local clock";
    let (kind, reason, hint) = match cause {
        CertificateError::Expired => (Expired, "it has expired".to_owned(), RENEW_CERTIFICATE_HINT),
        CertificateError::ExpiredContext { not_after, .. } => {
            let reason = format!("it expired at {}", format_time(*not_after));
            (Expired, reason, RENEW_CERTIFICATE_HINT)
        }
        CertificateError::NotValidYet => (NotYetValid, "it is not valid yet".to_owned(), CLOCK),
        CertificateError::NotValidYetContext { not_before, .. } => {
            let reason = format!("it is valid from {}", format_time(*not_before));
            (NotYetValid, reason, CLOCK)
        }
        CertificateError::NotValidForName => (WrongName, "hostname mismatch".to_owned(), NAME),
        CertificateError::NotValidForNameContext { presented, .. } => {
            let names = presented.iter().take(5).map(|name| for_people(name));
            let names = names.collect::<Vec<&str>>().join(", ");
            let reason = match presented.is_empty() {
                true => "hostname mismatch (the certificate names no host)".to_owned(),
                false => format!("hostname mismatch (certificate is valid for {names})"),
            };
            (WrongName, reason, NAME)
        }
        _ => return None,
    };
    Some((kind, reason, hint))
}

/// Describes an invalid signature of the issuer, or of the handshake.
fn signature_error(
    seen: Option<&CertificateRejected>,
) -> (TransportFailureKind, String, &'static str) {
    if let Some(bits) = seen.and_then(|seen| seen.weak_key_bits) {
        let reason = format!(
            "it, or a CA certificate above it, has an RSA key of {bits} bits; at least {MIN_RSA_BITS} are required"
        );
        return (TransportFailureKind::Certificate, reason, WEAK);
    }
    if seen.is_some_and(|seen| seen.in_handshake) {
        let reason = "the server does not prove that it has the certificate's private key";
        return (TransportFailureKind::Certificate, reason.to_owned(), NAME);
    }
    let issuer = seen.and_then(|seen| seen.issuer.as_deref());
    let reason = format!(
        "it was not signed by the trusted CA {}",
        issuer.unwrap_or("its issuer")
    );
    (TransportFailureKind::UnknownIssuer, reason, COMPANY_CA_HINT)
}

/// Returns a message and a hint for rare certificate errors.
fn other_error(cause: &CertificateError) -> (&'static str, &'static str) {
    match cause {
        CertificateError::BadEncoding => ("it cannot be read", REISSUE),
        CertificateError::Revoked => ("it was revoked", REISSUE),
        CertificateError::UnhandledCriticalExtension => {
            ("it has a critical extension that is not supported", REISSUE)
        }
        CertificateError::UnsupportedSignatureAlgorithmContext {
            signature_algorithm_id: id,
            ..
        } => (signature_text(id), WEAK),
        CertificateError::UnsupportedSignatureAlgorithmForPublicKeyContext {
            public_key_algorithm_id: id,
            ..
        } => (signature_text(id), WEAK),
        _ => (
            "it, or a CA certificate above it, breaks the rules for certificates",
            REISSUE,
        ),
    }
}

/// Describes an unsupported signature algorithm, by its DER.
fn signature_text(id: &[u8]) -> &'static str {
    // Contents of object identifiers, and the messages for them.
    let known: [(&[u8], &str); 6] = [
        (
            b"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x05",
            "it, or a CA certificate above it, is signed with SHA-1",
        ),
        (
            b"\x2a\x86\x48\xce\x3d\x04\x01",
            "it, or a CA certificate above it, is signed with SHA-1",
        ),
        (
            b"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x04",
            "it, or a CA certificate above it, is signed with MD5",
        ),
        (
            b"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0a",
            "it, or a CA certificate above it, is signed with an unsupported form of RSA-PSS",
        ),
        (
            b"\x2b\x81\x04\x00\x23",
            "it, or a CA certificate above it, has a P-521 key, which is not supported",
        ),
        (
            b"\x2a\x81\x1c\xcf\x55\x01\x83\x75",
            "it, or a CA certificate above it, is signed with SM2, which is not supported",
        ),
    ];
    let algorithm = known
        .iter()
        .find(|(oid, _)| id.windows(oid.len()).any(|part| part == *oid));
    algorithm.map_or(
        "it, or a CA certificate above it, is signed in a way that is not supported",
        |(_, words)| words,
    )
}

/// Describes a server's certificate whose issuer is unknown, or that is marked as a CA's; `None` for other errors.
fn untrusted_issuer(
    seen: &CertificateRejected,
) -> Option<(TransportFailureKind, String, &'static str)> {
    let is_about_issuer = matches!(
        seen.cause,
        CertificateError::UnknownIssuer
            | CertificateError::BadSignature
            | CertificateError::BadEncoding
            | CertificateError::Other(_)
    );
    let issuer = seen.issuer.as_deref().unwrap_or("no name");
    let reason = match seen {
        _ if !is_about_issuer || seen.in_handshake || seen.weak_key_bits.is_some() => return None,
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
    Some((
        TransportFailureKind::UnknownIssuer,
        reason,
        TRUST_CERTIFICATE_HINT,
    ))
}

/// Returns the name without its type: `localhost` for `DnsName("localhost")`, `127.0.0.1` for
/// `IpAddress(127.0.0.1)`.
fn for_people(name: &str) -> &str {
    let address = || {
        name.strip_prefix("IpAddress(")
            .and_then(|rest| rest.strip_suffix(')'))
    };
    name.split('"').nth(1).or_else(address).unwrap_or(name)
}

fn format_time(time: UnixTime) -> String {
    let seconds = i64::try_from(time.as_secs()).unwrap_or(i64::MAX);
    DateTime::from_timestamp(seconds, 0).map_or_else(
        || format!("{seconds} s"),
        |moment| moment.format("%Y-%m-%dT%H:%M:%SZ").to_string(),
    )
}
