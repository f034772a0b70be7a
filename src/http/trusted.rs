//! Certificates that a client trusts, and the purpose for which each is trusted.

use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{ServerCertVerified, ServerCertVerifier as _};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, Error, RootCertStore};

use super::ca_store::SystemStore;
use super::x509::Certificate;

/// The certificates that a client trusts.
#[derive(Debug)]
pub(super) struct TrustedCertificates {
    /// The configured files or folders that contain no CA certificates.
    pub(super) store_problem: Option<String>,
    /// Certificates of the system, trusted as CAs.
    roots: RootCertStore,
    /// Certificates configured by the user that are trusted as CAs while they are valid.
    configured_roots: Vec<ConfiguredRoot>,
    /// All certificates. Each is also trusted for a server that presents exactly this certificate, whatever its
    /// extensions.
    pub(super) exact: Vec<CertificateDer<'static>>,
}

#[derive(Debug)]
struct ConfiguredRoot {
    der: CertificateDer<'static>,
    read: Certificate,
}

impl Default for TrustedCertificates {
    fn default() -> Self {
        Self {
            store_problem: None,
            roots: RootCertStore::empty(),
            configured_roots: Vec::new(),
            exact: Vec::new(),
        }
    }
}

impl TrustedCertificates {
    /// Returns the certificates of one part of the system's store.
    pub(super) fn of_system(store: &SystemStore, part: usize) -> Self {
        let is_overridden = store.is_overridden();
        let part = store.part(part);
        let mut trusted = Self {
            store_problem: part.problem.clone(),
            ..Self::default()
        };
        if is_overridden {
            trusted.add(part.certificates.clone());
            return trusted;
        }
        // The system's own store contains only CAs, and too many to parse each of them twice.
        let certificates = part.certificates.iter().cloned();
        trusted.roots.add_parsable_certificates(certificates);
        trusted.exact.clone_from(&part.certificates);
        trusted
    }

    /// Adds certificates that the user configured, such as the certificate of a server. Only CA certificates can
    /// issue others.
    pub(super) fn add(&mut self, certificates: Vec<CertificateDer<'static>>) {
        for der in &certificates {
            let read = Certificate::parse(der).filter(Certificate::can_issue);
            let is_usable = || RootCertStore::empty().add(der.clone()).is_ok();
            if let Some(read) = read.filter(|_| is_usable()) {
                let der = der.clone();
                self.configured_roots.push(ConfiguredRoot { der, read });
            }
        }
        self.exact.extend(certificates);
    }

    /// Returns `true` if no server is trusted.
    pub(super) fn is_empty(&self) -> bool {
        self.exact.is_empty()
    }
}

/// Trusted certificates with the verifiers that use them.
#[derive(Debug)]
pub(super) struct TrustedVerifiers {
    pub(super) certificates: TrustedCertificates,
    /// Verifier with all CAs; `None` if there are no CAs.
    with_all_cas: Option<Arc<WebPkiServerVerifier>>,
    provider: Arc<CryptoProvider>,
}

impl TrustedVerifiers {
    pub(super) fn new(certificates: TrustedCertificates, provider: &Arc<CryptoProvider>) -> Self {
        let mut trusted = Self {
            certificates,
            with_all_cas: None,
            provider: Arc::clone(provider),
        };
        trusted.with_all_cas = trusted.verifier(|_| true);
        trusted
    }

    /// Returns a verifier that uses the system's CAs and the selected CAs of the user.
    fn verifier(
        &self,
        is_wanted: impl Fn(&ConfiguredRoot) -> bool,
    ) -> Option<Arc<WebPkiServerVerifier>> {
        let mut roots = self.certificates.roots.clone();
        let named = self.certificates.configured_roots.iter();
        let named = named.filter(|root| is_wanted(root));
        roots.add_parsable_certificates(named.map(|root| root.der.clone()));
        let provider = Arc::clone(&self.provider);
        (!roots.is_empty()).then(|| {
            WebPkiServerVerifier::builder_with_provider(roots.into(), provider)
                .build()
                .expect("there are roots, and no revocation lists")
        })
    }

    /// Returns a verifier that uses the CAs that are valid at this time. rustls does not check the dates of CAs.
    fn verifier_at(&self, now: UnixTime) -> Option<Arc<WebPkiServerVerifier>> {
        let is_valid = |root: &ConfiguredRoot| root.read.check_dates(now).is_ok();
        match self.certificates.configured_roots.iter().all(is_valid) {
            true => self.with_all_cas.clone(),
            false => self.verifier(is_valid),
        }
    }

    /// Checks the certificate of a server.
    ///
    /// # Errors
    /// The reason why it is rejected.
    pub(super) fn check(
        &self,
        certificate: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let mut exact = self.certificates.exact.iter();
        if exact.any(|trusted| trusted == certificate) {
            let read = Certificate::parse(certificate).ok_or(CertificateError::BadEncoding)?;
            read.check_server(certificate, name, now)?;
            return Ok(ServerCertVerified::assertion());
        }
        match self.verifier_at(now) {
            Some(verifier) => {
                verifier.verify_server_cert(certificate, intermediates, name, ocsp, now)
            }
            None => Err(CertificateError::UnknownIssuer.into()),
        }
    }
}
