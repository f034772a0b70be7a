//! Checks the certificates of servers as rustls does, and remembers whom it saw when it says no.

use std::fmt;
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{WantsClientCert, WebPkiServerVerifier};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{
    CertificateError, ClientConfig, ConfigBuilder, DigitallySignedStruct, DistinguishedName, Error,
    OtherError, RootCertStore, SignatureScheme, WantsVerifier,
};

use super::issuer::issuer;

/// Checks certificates as usual.
#[derive(Debug)]
pub(super) struct Witness(Arc<WebPkiServerVerifier>);

impl Witness {
    /// A client that trusts these roots; without any it trusts nobody.
    pub(super) fn trusting(
        builder: ConfigBuilder<ClientConfig, WantsVerifier>,
        roots: RootCertStore,
        provider: &Arc<CryptoProvider>,
    ) -> ConfigBuilder<ClientConfig, WantsClientCert> {
        if roots.is_empty() {
            return builder.with_root_certificates(roots);
        }
        let usual =
            WebPkiServerVerifier::builder_with_provider(roots.into(), Arc::clone(provider)).build();
        let usual = usual.expect("there are roots, and no revocation lists");
        builder
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(Self(usual)))
    }
}

/// Why a certificate was not taken.
#[derive(Debug)]
pub(super) struct Distrust {
    /// What rustls says.
    pub cause: CertificateError,
    /// Who issued it, where that can be read.
    pub issuer: Option<String>,
}

impl fmt::Display for Distrust {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.cause.fmt(f)
    }
}

impl std::error::Error for Distrust {}

impl ServerCertVerifier for Witness {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        between: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let checked = self
            .0
            .verify_server_cert(certificate, between, name, ocsp, now);
        checked.map_err(|error| match error {
            Error::InvalidCertificate(cause) => {
                // Who issued the last of those that were shown is what a store would have to hold.
                let last = between.last().unwrap_or(certificate);
                let issuer = issuer(last);
                let seen = OtherError(Arc::new(Distrust { cause, issuer }));
                Error::InvalidCertificate(CertificateError::Other(seen))
            }
            other => other,
        })
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.0.verify_tls12_signature(message, certificate, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.0.verify_tls13_signature(message, certificate, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.supported_verify_schemes()
    }

    fn requires_raw_public_keys(&self) -> bool {
        self.0.requires_raw_public_keys()
    }

    fn root_hint_subjects(&self) -> Option<&[DistinguishedName]> {
        self.0.root_hint_subjects()
    }
}
