//! Checks the certificates of servers as rustls does, and remembers the certificates that it rejected.

use std::fmt;
use std::sync::{Arc, OnceLock};

use rustls::client::WantsClientCert;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{
    CryptoProvider, WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature,
    verify_tls13_signature_with_raw_key,
};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{
    CertificateError, ClientConfig, ConfigBuilder, DigitallySignedStruct, Error, OtherError,
    PeerMisbehaved, SignatureScheme, WantsVerifier,
};

use super::ca_store::SystemStore;
use super::issuer::issuer;
use super::trusted::{Trusted, TrustedCertificates};
use super::x509::{Certificate, PublicKey};

/// Signatures of shorter RSA keys are not accepted.
pub(super) const MIN_RSA_BITS: usize = 2048;

/// Where trusted certificates come from.
pub(super) enum TrustStore {
    /// Certificates that are there.
    Loaded(TrustedCertificates),
    /// A part of the system's store, which is read only where the stores before it do not trust a server.
    System(Arc<SystemStore>, usize),
}

/// A store that is read when it is first needed.
#[derive(Debug)]
struct Store {
    system: Option<(Arc<SystemStore>, usize)>,
    trusted: OnceLock<Trusted>,
}

impl Store {
    fn new(store: TrustStore, provider: &Arc<CryptoProvider>) -> Self {
        match store {
            TrustStore::Loaded(certificates) => Self {
                system: None,
                trusted: Trusted::new(certificates, provider).into(),
            },
            TrustStore::System(store, part) => Self {
                system: Some((store, part)),
                trusted: OnceLock::new(),
            },
        }
    }

    fn trusted(&self, provider: &Arc<CryptoProvider>) -> &Trusted {
        self.trusted.get_or_init(|| {
            let system = self.system.as_ref();
            let read = system.map(|(store, part)| TrustedCertificates::of_system(store, *part));
            Trusted::new(read.unwrap_or_default(), provider)
        })
    }
}

/// Checks certificates as usual, but for one host whose certificates are all taken. Those of others,
/// such as a proxy, are checked even then.
#[derive(Debug)]
pub(super) struct RecordingVerifier {
    stores: Vec<Store>,
    insecure_host: Option<String>,
    provider: Arc<CryptoProvider>,
}

impl RecordingVerifier {
    /// A client that trusts these CAs; without any, it trusts the unchecked host only.
    pub(super) fn install(
        builder: ConfigBuilder<ClientConfig, WantsVerifier>,
        stores: Vec<TrustStore>,
        unchecked_host: Option<&str>,
        provider: &Arc<CryptoProvider>,
    ) -> ConfigBuilder<ClientConfig, WantsClientCert> {
        let stores = stores.into_iter().map(|store| Store::new(store, provider));
        let witness = Self {
            stores: stores.collect(),
            insecure_host: unchecked_host.map(str::to_owned),
            provider: Arc::clone(provider),
        };
        builder
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(witness))
    }

    fn check(
        &self,
        certificate: &CertificateDer<'_>,
        between: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let mut error = Error::from(CertificateError::UnknownIssuer);
        for store in &self.stores {
            let trusted = store.trusted(&self.provider);
            match trusted.check(certificate, between, name, ocsp, now) {
                Ok(verified) => return Ok(verified),
                // The error of the first store that has the issuer is the most specific one.
                Err(other) if is_unknown_issuer(&error) => error = other,
                Err(_) => {}
            }
        }
        Err(error)
    }

    /// The stores that were read, which are all where a certificate is rejected.
    fn read_stores(&self) -> impl Iterator<Item = &Trusted> {
        self.stores.iter().filter_map(|store| store.trusted.get())
    }

    /// The error with what is known of the certificate that it is about.
    fn rejected(
        &self,
        error: Error,
        certificate: &CertificateDer<'_>,
        between: &[CertificateDer<'_>],
        in_handshake: bool,
    ) -> Error {
        let Error::InvalidCertificate(cause) = error else {
            return error;
        };
        let shown: Vec<Certificate> = std::iter::once(certificate)
            .chain(between)
            .filter_map(|shown| Certificate::parse(shown))
            .collect();
        // Who issued the last of those that were shown is what a store would have to contain.
        let issuer = issuer(between.last().unwrap_or(certificate));
        let weak_key_bits = match cause {
            CertificateError::BadSignature => self.weak_key_bits(&shown),
            _ => None,
        };
        let own = shown.first();
        let rejected = CertificateRejected {
            cause,
            store_problem: self
                .read_stores()
                .find_map(|store| store.certificates.store_problem.clone()),
            issuer,
            is_self_signed: own.is_some_and(Certificate::is_self_signed),
            is_ca: own.is_some_and(Certificate::is_ca),
            has_old_version: shown.iter().any(Certificate::is_old_version),
            weak_key_bits,
            in_handshake,
        };
        Error::InvalidCertificate(CertificateError::Other(OtherError(Arc::new(rejected))))
    }

    /// The size of the first RSA key that is too short among certificates and their trusted issuers.
    fn weak_key_bits(&self, shown: &[Certificate]) -> Option<usize> {
        let trusted = self
            .read_stores()
            .flat_map(|store| &store.certificates.exact);
        let trusted = trusted.filter_map(|der| Certificate::parse(der));
        let issuers = trusted.filter(|ca| shown.iter().any(|shown| shown.is_issued_by(ca)));
        let issuers = issuers.filter_map(|ca| ca.rsa_bits());
        let own = shown.iter().filter_map(Certificate::rsa_bits);
        own.chain(issuers).find(|bits| *bits < MIN_RSA_BITS)
    }

    fn algorithms(&self) -> &WebPkiSupportedAlgorithms {
        &self.provider.signature_verification_algorithms
    }

    /// What webpki does for TLS 1.2, for a certificate of a version that it does not read.
    fn verify_tls12_signature_with_raw_key(
        &self,
        message: &[u8],
        key: &PublicKey,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let (key_algorithm, bits) = key.parts().ok_or(CertificateError::BadEncoding)?;
        let mut mapped = self.algorithms().mapping.iter();
        let found = mapped.find(|(scheme, _)| *scheme == signed.scheme);
        let mut algorithms = found.map_or(&[][..], |(_, algorithms)| algorithms).iter();
        let algorithm = algorithms
            .find(|algorithm| algorithm.public_key_alg_id().as_ref() == key_algorithm)
            .ok_or(PeerMisbehaved::SignedHandshakeWithUnadvertisedSigScheme)?;
        algorithm
            .verify_signature(bits, message, signed.signature())
            .map_err(|_| CertificateError::BadSignature)?;
        Ok(HandshakeSignatureValid::assertion())
    }
}

fn is_unknown_issuer(error: &Error) -> bool {
    matches!(
        error,
        Error::InvalidCertificate(CertificateError::UnknownIssuer)
    )
}

/// The key of a certificate that webpki does not read, such as one of version 1; `None` for all others.
fn raw_key(certificate: &CertificateDer<'_>) -> Option<PublicKey> {
    match ParsedCertificate::try_from(certificate) {
        Ok(_) => None,
        Err(_) => Certificate::parse(certificate).map(|read| read.public_key()),
    }
}

/// Why a certificate was not taken.
#[derive(Debug)]
pub(super) struct CertificateRejected {
    /// The error of rustls.
    pub cause: CertificateError,
    /// The places of CA certificates that were named and contain none.
    pub store_problem: Option<String>,
    /// Who issued it, where that can be read.
    pub issuer: Option<String>,
    /// True when the server's certificate names itself as its issuer.
    pub is_self_signed: bool,
    /// True when the server's certificate is marked as the certificate of a CA.
    pub is_ca: bool,
    /// True when it, or one that was shown with it, is of a version before 3.
    pub has_old_version: bool,
    /// The size of an RSA key whose signatures are not accepted since it is too short: that of the
    /// server, or of one of its issuers.
    pub weak_key_bits: Option<usize>,
    /// True when the certificate was accepted, and the server's signature was not.
    pub in_handshake: bool,
}

impl fmt::Display for CertificateRejected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.cause.fmt(f)
    }
}

impl std::error::Error for CertificateRejected {}

impl ServerCertVerifier for RecordingVerifier {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        between: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        if self.insecure_host.as_deref() == Some(&*name.to_str()) {
            return Ok(ServerCertVerified::assertion());
        }
        let checked = self.check(certificate, between, name, ocsp, now);
        checked.map_err(|error| self.rejected(error, certificate, between, false))
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let verified = match raw_key(certificate) {
            Some(key) => self.verify_tls12_signature_with_raw_key(message, &key, signed),
            None => verify_tls12_signature(message, certificate, signed, self.algorithms()),
        };
        verified.map_err(|error| self.rejected(error, certificate, &[], true))
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let verified = match raw_key(certificate) {
            Some(key) => {
                let key = key.to_der().ok_or(CertificateError::BadEncoding)?;
                verify_tls13_signature_with_raw_key(message, &key, signed, self.algorithms())
            }
            None => verify_tls13_signature(message, certificate, signed, self.algorithms()),
        };
        verified.map_err(|error| self.rejected(error, certificate, &[], true))
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms().supported_schemes()
    }
}
