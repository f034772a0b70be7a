//! Checks the certificates of servers as rustls does, and remembers whom it saw when it says no.

use std::fmt;
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{WantsClientCert, WebPkiServerVerifier};
use rustls::crypto::{
    CryptoProvider, WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature,
};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{
    CertificateError, ClientConfig, ConfigBuilder, DigitallySignedStruct, Error, OtherError,
    RootCertStore, SignatureScheme, WantsVerifier,
};

use super::issuer::issuer;

/// Checks certificates as usual, but for one host whose certificates are all taken. Those of others,
/// such as a proxy, are checked even then.
#[derive(Debug)]
pub(super) struct Witness {
    /// None where nobody is trusted.
    usual: Option<Arc<WebPkiServerVerifier>>,
    unchecked_host: Option<String>,
    algorithms: WebPkiSupportedAlgorithms,
}

impl Witness {
    /// A client that trusts these roots; without any it trusts nobody but the unchecked host.
    pub(super) fn trusting(
        builder: ConfigBuilder<ClientConfig, WantsVerifier>,
        roots: RootCertStore,
        unchecked_host: Option<&str>,
        provider: &Arc<CryptoProvider>,
    ) -> ConfigBuilder<ClientConfig, WantsClientCert> {
        let usual = (!roots.is_empty()).then(|| {
            WebPkiServerVerifier::builder_with_provider(roots.into(), Arc::clone(provider))
                .build()
                .expect("there are roots, and no revocation lists")
        });
        let witness = Self {
            usual,
            unchecked_host: unchecked_host.map(str::to_owned),
            algorithms: provider.signature_verification_algorithms,
        };
        builder
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(witness))
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
        if self.unchecked_host.as_deref() == Some(&*name.to_str()) {
            return Ok(ServerCertVerified::assertion());
        }
        let checked = match &self.usual {
            Some(usual) => usual.verify_server_cert(certificate, between, name, ocsp, now),
            None => Err(CertificateError::UnknownIssuer.into()),
        };
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
        verify_tls12_signature(message, certificate, signed, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signed, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}
