//! TLS for the server, and verification of client certificates.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{
    DigitallySignedStruct, DistinguishedName, Error, RootCertStore, ServerConfig, SignatureScheme,
};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::RequestError;
use super::tls::{read_ca, server_certificate};
use super::x509::Certificate;
use crate::error::Problem;

/// Timeout of a handshake.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);

/// The identity of a client according to its certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PeerCertificate {
    /// Common name of its subject; empty if it has none.
    pub name: String,
    /// Organizations of its subject.
    pub organizations: Vec<String>,
    /// `false` if the certificate was not issued by a client CA or is not valid now.
    pub is_trusted: bool,
}

/// The server's certificate, and the CA that issues client certificates.
#[derive(Clone)]
pub struct ServerTls {
    acceptor: TlsAcceptor,
    /// `None` if no certificate is requested from clients.
    clients: Option<Arc<dyn ClientCertVerifier>>,
}

impl ServerTls {
    /// Reads PEM files: the server's certificate chain, its key, and the CA of clients.
    ///
    /// # Errors
    /// A usage error if a file cannot be used.
    pub fn read(certificate: &Path, key: &Path, client_ca: Option<&Path>) -> Result<Self, Problem> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let certified_key = server_certificate(certificate, key, &provider).map_err(usage)?;
        let clients = client_ca.map(|path| verifier(path, &provider));
        let clients = clients.transpose().map_err(usage)?;
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("ring serves the default protocol versions");
        let config = match &clients {
            Some(clients) => {
                let any = AnyCertificate(Arc::clone(clients));
                config.with_client_cert_verifier(Arc::new(any))
            }
            None => config.with_no_client_auth(),
        };
        let config = config.with_cert_resolver(Arc::new(certified_key));
        Ok(Self {
            acceptor: TlsAcceptor::from(Arc::new(config)),
            clients,
        })
    }

    /// Runs a handshake and returns the client's identity; `None` if the handshake fails.
    pub(super) async fn accept(
        &self,
        stream: TcpStream,
    ) -> Option<(TlsStream<TcpStream>, Option<PeerCertificate>)> {
        let accepted = timeout(HANDSHAKE_TIMEOUT, self.acceptor.accept(stream)).await;
        let stream = accepted.ok()?.ok()?;
        let peer = self.peer(stream.get_ref().1.peer_certificates());
        Some((stream, peer))
    }

    fn peer(&self, chain: Option<&[CertificateDer<'_>]>) -> Option<PeerCertificate> {
        let (own, intermediates) = chain?.split_first()?;
        let clients = self.clients.as_ref()?;
        let verified = clients.verify_client_cert(own, intermediates, UnixTime::now());
        let (name, organizations) = Certificate::parse(own)
            .map(|certificate| certificate.subject())
            .unwrap_or_default();
        Some(PeerCertificate {
            name,
            organizations,
            is_trusted: verified.is_ok(),
        })
    }
}

fn usage(error: RequestError) -> Problem {
    Problem::usage(error.message).with_hint(error.hint.unwrap_or_default())
}

fn verifier(
    client_ca: &Path,
    provider: &Arc<CryptoProvider>,
) -> Result<Arc<dyn ClientCertVerifier>, RequestError> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(read_ca(client_ca)?);
    let builder = WebPkiClientVerifier::builder_with_provider(roots.into(), Arc::clone(provider));
    Ok(builder
        .build()
        .expect("there is a CA and no revocation list"))
}

/// Accepts clients without a certificate, and any certificate whose key the client has. Like API servers, the
/// server checks with each request whether the certificate is trusted.
#[derive(Debug)]
struct AnyCertificate(Arc<dyn ClientCertVerifier>);

impl ClientCertVerifier for AnyCertificate {
    fn client_auth_mandatory(&self) -> bool {
        false
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        self.0.root_hint_subjects()
    }

    fn verify_client_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        Ok(ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.0
            .verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.0
            .verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.supported_verify_schemes()
    }
}
