//! Provides the client's certificate and records whether a server requested one, since the error of a TLS 1.2
//! server does not show that a certificate is missing.

use std::cell::Cell;
use std::future::Future;
use std::sync::Arc;

use rustls::SignatureScheme;
use rustls::client::ResolvesClientCert;
use rustls::sign::{CertifiedKey, SingleCertAndKey};

tokio::task_local! {
    static REQUEST: Cell<CertificateRequest>;
}

/// Whether the server requested a certificate in a handshake.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum CertificateRequest {
    /// The server did not request one.
    None,
    /// The server requested one, but the client has none.
    Unanswered,
    /// The server requested one, and the client sent its own.
    Answered,
}

/// Runs a handshake of a client that uses a [`ClientCertificate`].
pub(super) async fn observe<F: Future>(handshake: F) -> (F::Output, CertificateRequest) {
    let observed = async {
        let outcome = handshake.await;
        (outcome, REQUEST.with(Cell::get))
    };
    let request = Cell::new(CertificateRequest::None);
    REQUEST.scope(request, observed).await
}

/// The client's certificate, if it has one.
#[derive(Debug)]
pub(super) struct ClientCertificate(pub Option<SingleCertAndKey>);

impl ResolvesClientCert for ClientCertificate {
    fn resolve(&self, issuers: &[&[u8]], schemes: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        let certified_key = self.0.as_ref();
        let sent = certified_key.and_then(|certified_key| certified_key.resolve(issuers, schemes));
        let request = match sent {
            Some(_) => CertificateRequest::Answered,
            None => CertificateRequest::Unanswered,
        };
        // Outside of `observe` the result is not recorded.
        let _ = REQUEST.try_with(|observed| observed.set(request));
        sent
    }

    fn has_certs(&self) -> bool {
        self.0.is_some()
    }
}
