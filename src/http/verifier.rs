//! Verifies the certificates of servers like rustls, and records the certificates that were rejected.

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
use super::trusted::{TrustedCertificates, TrustedVerifiers};
use super::x509::{Certificate, PublicKey};

/// Minimum size of an RSA key whose signatures are accepted.
pub(super) const MIN_RSA_BITS: usize = 2048;

/// A source of trusted certificates.
pub(super) enum TrustStore {
    /// Certificates that are already loaded.
    Loaded(TrustedCertificates),
    /// A part of the system's store, which is read only if the previous stores do not trust a server.
    System(Arc<SystemStore>, usize),
}

/// A store that is read on first use.
#[derive(Debug)]
struct Store {
    system: Option<(Arc<SystemStore>, usize)>,
    trusted: OnceLock<TrustedVerifiers>,
}

impl Store {
    fn new(store: TrustStore, provider: &Arc<CryptoProvider>) -> Self {
        match store {
            TrustStore::Loaded(certificates) => Self {
                system: None,
                trusted: TrustedVerifiers::new(certificates, provider).into(),
            },
            TrustStore::System(store, part) => Self {
                system: Some((store, part)),
                trusted: OnceLock::new(),
            },
        }
    }

    fn trusted(&self, provider: &Arc<CryptoProvider>) -> &TrustedVerifiers {
        self.trusted.get_or_init(|| {
            let system = self.system.as_ref();
            let read = system.map(|(store, part)| TrustedCertificates::of_system(store, *part));
            TrustedVerifiers::new(read.unwrap_or_default(), provider)
        })
    }
}

/// Verifies certificates, except those of one host, which are all accepted. Certificates of other hosts, such as a
/// proxy, are still verified.
#[derive(Debug)]
pub(super) struct RecordingVerifier {
    stores: Vec<Store>,
    insecure_host: Option<String>,
    provider: Arc<CryptoProvider>,
}

impl RecordingVerifier {
    /// Builds a client that trusts these CAs; without any, it trusts only the insecure host.
    pub(super) fn install(
        builder: ConfigBuilder<ClientConfig, WantsVerifier>,
        stores: Vec<TrustStore>,
        insecure_host: Option<&str>,
        provider: &Arc<CryptoProvider>,
    ) -> ConfigBuilder<ClientConfig, WantsClientCert> {
        let stores = stores.into_iter().map(|store| Store::new(store, provider));
        let verifier = Self {
            stores: stores.collect(),
            insecure_host: insecure_host.map(str::to_owned),
            provider: Arc::clone(provider),
        };
        builder
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(verifier))
    }

    fn check(
        &self,
        certificate: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let mut error = Error::from(CertificateError::UnknownIssuer);
        for store in &self.stores {
            let trusted = store.trusted(&self.provider);
            match trusted.check(certificate, intermediates, name, ocsp, now) {
                Ok(verified) => return Ok(verified),
                // The error of the first store that contains the issuer is the most specific one.
                Err(other) if is_unknown_issuer(&error) => error = other,
                Err(_) => {}
            }
        }
        Err(error)
    }

    /// Returns the stores that were read. These are all stores if a certificate is rejected.
    fn read_stores(&self) -> impl Iterator<Item = &TrustedVerifiers> {
        self.stores.iter().filter_map(|store| store.trusted.get())
    }

    /// Adds details of the rejected certificate to the error.
    fn rejected(
        &self,
        error: Error,
        certificate: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        in_handshake: bool,
    ) -> Error {
        let Error::InvalidCertificate(cause) = error else {
            return error;
        };
        let presented: Vec<Certificate> = std::iter::once(certificate)
            .chain(intermediates)
            .filter_map(|presented| Certificate::parse(presented))
            .collect();
        // A store would have to contain the issuer of the last certificate of the chain.
        let issuer = issuer(intermediates.last().unwrap_or(certificate));
        let weak_key_bits = match cause {
            CertificateError::BadSignature => self.weak_key_bits(&presented),
            _ => None,
        };
        let server_certificate = presented.first();
        let rejected = CertificateRejected {
            cause,
            store_problem: self
                .read_stores()
                .find_map(|store| store.certificates.store_problem.clone()),
            issuer,
            is_self_signed: server_certificate.is_some_and(Certificate::is_self_signed),
            is_ca: server_certificate.is_some_and(Certificate::is_ca),
            has_old_version: presented.iter().any(Certificate::is_old_version),
            weak_key_bits,
            in_handshake,
        };
        Error::InvalidCertificate(CertificateError::Other(OtherError(Arc::new(rejected))))
    }

    /// Returns the size of the first RSA key that is too short, among the certificates and their trusted issuers.
    fn weak_key_bits(&self, presented: &[Certificate]) -> Option<usize> {
        let trusted = self
            .read_stores()
            .flat_map(|store| &store.certificates.exact);
        let trusted = trusted.filter_map(|der| Certificate::parse(der));
        let issuers = trusted.filter(|ca| {
            presented
                .iter()
                .any(|certificate| certificate.is_issued_by(ca))
        });
        let issuers = issuers.filter_map(|ca| ca.rsa_bits());
        let key_sizes = presented.iter().filter_map(Certificate::rsa_bits);
        key_sizes.chain(issuers).find(|bits| *bits < MIN_RSA_BITS)
    }

    fn algorithms(&self) -> &WebPkiSupportedAlgorithms {
        &self.provider.signature_verification_algorithms
    }

    /// Verifies a TLS 1.2 signature like webpki, for a certificate of a version that webpki does not support.
    fn verify_tls12_signature_with_raw_key(
        &self,
        message: &[u8],
        key: &PublicKey,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let (key_algorithm, bits) = key.parts().ok_or(CertificateError::BadEncoding)?;
        let mut mapped = self.algorithms().mapping.iter();
        let entry = mapped.find(|(scheme, _)| *scheme == signed.scheme);
        let mut algorithms = entry.map_or(&[][..], |(_, algorithms)| algorithms).iter();
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

/// Returns the key of a certificate that webpki cannot read, such as one of version 1; `None` for all others.
fn raw_key(certificate: &CertificateDer<'_>) -> Option<PublicKey> {
    match ParsedCertificate::try_from(certificate) {
        Ok(_) => None,
        Err(_) => Certificate::parse(certificate).map(|read| read.public_key()),
    }
}

/// The reason why a certificate was rejected.
#[derive(Debug)]
pub(super) struct CertificateRejected {
    /// The error of rustls.
    pub cause: CertificateError,
    /// The configured files or folders that contain no CA certificates.
    pub store_problem: Option<String>,
    /// Its issuer, if it can be read.
    pub issuer: Option<String>,
    /// `true` if the server's certificate names itself as its issuer.
    pub is_self_signed: bool,
    /// `true` if the server's certificate is marked as the certificate of a CA.
    pub is_ca: bool,
    /// `true` if a certificate of the chain has a version before 3.
    pub has_old_version: bool,
    /// The size of an RSA key that is too short for its signatures to be accepted: the server's or that of one of
    /// its issuers.
    pub weak_key_bits: Option<usize>,
    /// `true` if the certificate was accepted but not the server's signature.
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
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        if self.insecure_host.as_deref() == Some(&*name.to_str()) {
            return Ok(ServerCertVerified::assertion());
        }
        let checked = self.check(certificate, intermediates, name, ocsp, now);
        checked.map_err(|error| self.rejected(error, certificate, intermediates, false))
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
